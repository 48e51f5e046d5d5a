#include "link/difference.h"

#include "wit/wit.h"

/* Longer types are told by their kind: the difference lies deeper then, or is the kind. */
enum { MAX_TYPE_TEXT = 80 };

static const char *kind_name(tn_type_kind kind) {
  switch (kind) {
  case TN_TYPE_LIST:
  case TN_TYPE_FIXED_LIST:
    return "list";
  case TN_TYPE_MAP:
    return "map";
  case TN_TYPE_RECORD:
    return "record";
  case TN_TYPE_TUPLE:
    return "tuple";
  case TN_TYPE_VARIANT:
    return "variant";
  case TN_TYPE_ENUM:
    return "enum";
  case TN_TYPE_OPTION:
    return "option";
  case TN_TYPE_RESULT:
    return "result";
  case TN_TYPE_FLAGS:
    return "flags";
  case TN_TYPE_STREAM:
    return "stream";
  case TN_TYPE_FUTURE:
    return "future";
  default:
    return "type";
  }
}

static void print_type(tn_buffer *out, const tn_type *type) {
  if (type == NULL) {
    tn_buffer_append_text(out, "nothing");
    return;
  }
  tn_buffer text = {0};
  if (type->weight <= MAX_TYPE_TEXT) tn_wit_print_type(&text, type);
  if (type->weight > MAX_TYPE_TEXT || text.len > MAX_TYPE_TEXT)
    tn_buffer_format(out, "a %s", kind_name(type->kind));
  else
    tn_buffer_format(out, "`%" TN_STR_FORMAT "`", TN_STR_ARG(tn_buffer_str(&text)));
  out->failed |= text.failed;
  tn_buffer_free(&text);
}

static void print_pair(tn_buffer *out, const tn_type *expected, const tn_type *given) {
  tn_buffer_append_text(out, ": expected ");
  print_type(out, expected);
  tn_buffer_append_text(out, ", given ");
  print_type(out, given);
}

/* What the parts of a type are called. */
static const char *part_name(tn_type_kind kind) {
  switch (kind) {
  case TN_TYPE_RECORD:
    return "field";
  case TN_TYPE_VARIANT:
  case TN_TYPE_ENUM:
    return "case";
  case TN_TYPE_FLAGS:
    return "flag";
  default:
    return "element";
  }
}

static bool has_label(const tn_type *type, tn_str label) {
  for (uint32_t i = 0; i < type->count; i++)
    if (tn_str_equal(type->labels[i], label)) return true;
  return false;
}

/* The first label that only one side has, or that stands at another place. False: all are the same. */
static bool print_label_difference(tn_buffer *out, const tn_type *expected, const tn_type *given) {
  const char *part = part_name(expected->kind);
  for (uint32_t i = 0; i < expected->count; i++) {
    tn_str label = expected->labels[i];
    if (i < given->count && tn_str_equal(label, given->labels[i])) continue;
    bool is_elsewhere = has_label(given, label);
    tn_buffer_format(out, ": %s `%" TN_STR_FORMAT "` is %s", part, TN_STR_ARG(label),
                     is_elsewhere ? "at another place" : "expected and not given");
    return true;
  }
  if (given->count == expected->count) return false;
  tn_buffer_format(out, ": %s `%" TN_STR_FORMAT "` is given and not expected", part,
                   TN_STR_ARG(given->labels[expected->count]));
  return true;
}

static void print_resource_difference(tn_buffer *out, const tn_type *expected, const tn_type *given,
                                      tn_resource_pair *pair) {
  if (!tn_str_equal(expected->resource->name, given->resource->name)) {
    print_pair(out, expected, given);
    return;
  }
  *pair = (tn_resource_pair){expected->resource, given->resource};
  tn_buffer_format(out, ": both name a resource `%" TN_STR_FORMAT "`, but these are two",
                   TN_STR_ARG(expected->resource->name));
}

static void print_part(tn_buffer *out, const tn_type *type, uint32_t index) {
  switch (type->kind) {
  case TN_TYPE_RECORD:
  case TN_TYPE_VARIANT:
    tn_buffer_format(out, ", %s `%" TN_STR_FORMAT "`", part_name(type->kind),
                     TN_STR_ARG(type->labels[index]));
    break;
  case TN_TYPE_TUPLE:
    tn_buffer_format(out, ", element %u", index);
    break;
  case TN_TYPE_RESULT:
    tn_buffer_append_text(out, index == 0 ? ", ok" : ", error");
    break;
  case TN_TYPE_MAP:
    tn_buffer_append_text(out, index == 0 ? ", key" : ", value");
    break;
  case TN_TYPE_OPTION:
    break;
  default:
    tn_buffer_append_text(out, ", element");
  }
}

static bool are_parts_equal(const tn_type *a, const tn_type *b) {
  return a == NULL || b == NULL ? a == b : tn_type_equal(a, b);
}

/* Goes down to the first part that differs; both are not equal. As deep as types nest. */
static void print_type_difference(tn_buffer *out, const tn_type *expected, const tn_type *given,
                                  tn_resource_pair *pair) {
  for (;;) {
    if (expected == NULL || given == NULL || expected->kind != given->kind) break;
    if (expected->resource != given->resource) {
      print_resource_difference(out, expected, given, pair);
      return;
    }
    if (expected->labels != NULL && print_label_difference(out, expected, given)) return;
    if (expected->count != given->count || expected->length != given->length) break;
    uint32_t i = 0;
    while (i < expected->count && expected->types != NULL &&
           are_parts_equal(expected->types[i], given->types[i]))
      i++;
    if (i == expected->count || expected->types == NULL) break;
    print_part(out, expected, i);
    expected = expected->types[i];
    given = given->types[i];
  }
  print_pair(out, expected, given);
}

void tn_func_type_difference(tn_buffer *out, const tn_func_type *expected,
                             const tn_func_type *given, tn_resource_pair *pair) {
  *pair = (tn_resource_pair){NULL, NULL};
  if (expected->is_async != given->is_async) {
    tn_buffer_append_text(out, expected->is_async
                                   ? "an async function is expected, a plain one given"
                                   : "a plain function is expected, an async one given");
    return;
  }
  for (uint32_t i = 0; i < expected->param_count || i < given->param_count; i++) {
    bool is_wanted = i < expected->param_count, is_given = i < given->param_count;
    tn_str name = (is_wanted ? expected : given)->param_names[i];
    if (!is_wanted || !is_given) {
      tn_buffer_format(out, "parameter `%" TN_STR_FORMAT "` is %s", TN_STR_ARG(name),
                       is_wanted ? "expected and not given" : "given and not expected");
      return;
    }
    if (!tn_str_equal(name, given->param_names[i])) {
      tn_buffer_format(
          out, "parameter %u: expected the name `%" TN_STR_FORMAT "`, given `%" TN_STR_FORMAT "`",
          i + 1, TN_STR_ARG(name), TN_STR_ARG(given->param_names[i]));
      return;
    }
    if (tn_type_equal(expected->param_types[i], given->param_types[i])) continue;
    tn_buffer_format(out, "parameter `%" TN_STR_FORMAT "`", TN_STR_ARG(name));
    print_type_difference(out, expected->param_types[i], given->param_types[i], pair);
    return;
  }
  tn_buffer_append_text(out, "result");
  print_type_difference(out, expected->result, given->result, pair);
}
