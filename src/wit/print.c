/* Types and functions as WIT text. */
#include "wit/lexer.h"
#include "wit/wit.h"

static void print_type(tn_buffer *out, const tn_type *type, uint32_t depth);

void tn_wit_print_name(tn_buffer *out, tn_str name) {
  if (tn_wit_find_keyword(name) != TN_WIT_NO_KEYWORD) tn_buffer_append_byte(out, '%');
  tn_buffer_append_str(out, name);
}

/* "list<a, b>": `count` arguments. */
static void print_arguments(tn_buffer *out, const char *name, const tn_type *const *types,
                            uint32_t count, uint32_t depth) {
  tn_buffer_append_text(out, name);
  tn_buffer_append_byte(out, '<');
  for (uint32_t i = 0; i < count; i++) {
    if (i > 0) tn_buffer_append_text(out, ", ");
    print_type(out, types[i], depth);
  }
  tn_buffer_append_byte(out, '>');
}

static void print_optional_argument(tn_buffer *out, const char *name, const tn_type *element,
                                    uint32_t depth) {
  if (element == NULL) {
    tn_buffer_append_text(out, name);
  } else {
    print_arguments(out, name, &element, 1, depth);
  }
}

static void print_result(tn_buffer *out, const tn_type *type, uint32_t depth) {
  if (type->types[1] == NULL) {
    print_optional_argument(out, "result", type->types[0], depth);
  } else if (type->types[0] == NULL) {
    tn_buffer_append_text(out, "result<_, ");
    print_type(out, type->types[1], depth);
    tn_buffer_append_byte(out, '>');
  } else {
    print_arguments(out, "result", type->types, 2, depth);
  }
}

/* "a: t" or "a(t)" or "a", each behind the other. */
static void print_members(tn_buffer *out, const char *keyword, const tn_type *type,
                          uint32_t depth) {
  tn_buffer_append_text(out, keyword);
  tn_buffer_append_text(out, " { ");
  for (uint32_t i = 0; i < type->count; i++) {
    if (i > 0) tn_buffer_append_text(out, ", ");
    tn_wit_print_name(out, type->labels[i]);
    if (type->kind == TN_TYPE_RECORD) {
      tn_buffer_append_text(out, ": ");
      print_type(out, type->types[i], depth);
    } else if (type->kind == TN_TYPE_VARIANT && type->types[i] != NULL) {
      tn_buffer_append_byte(out, '(');
      print_type(out, type->types[i], depth);
      tn_buffer_append_byte(out, ')');
    }
  }
  tn_buffer_append_text(out, " }");
}

static void print_handle(tn_buffer *out, const tn_type *type) {
  tn_str name = type->resource->name.len > 0 ? type->resource->name : TN_STR("resource");
  if (type->kind == TN_TYPE_BORROW) {
    tn_buffer_append_text(out, "borrow<");
    tn_wit_print_name(out, name);
    tn_buffer_append_byte(out, '>');
  } else {
    tn_wit_print_name(out, name);
  }
}

static void print_compound(tn_buffer *out, const tn_type *type, uint32_t depth) {
  switch (type->kind) {
  case TN_TYPE_LIST:
    print_arguments(out, "list", type->types, 1, depth);
    break;
  case TN_TYPE_FIXED_LIST:
    tn_buffer_append_text(out, "list<");
    print_type(out, type->types[0], depth);
    tn_buffer_format(out, ", %u>", type->length);
    break;
  case TN_TYPE_MAP:
    print_arguments(out, "map", type->types, 2, depth);
    break;
  case TN_TYPE_TUPLE:
    print_arguments(out, "tuple", type->types, type->count, depth);
    break;
  case TN_TYPE_OPTION:
    print_arguments(out, "option", type->types, 1, depth);
    break;
  case TN_TYPE_RESULT:
    print_result(out, type, depth);
    break;
  case TN_TYPE_STREAM:
    print_optional_argument(out, "stream", type->types[0], depth);
    break;
  case TN_TYPE_FUTURE:
    print_optional_argument(out, "future", type->types[0], depth);
    break;
  case TN_TYPE_RECORD:
    print_members(out, "record", type, depth);
    break;
  case TN_TYPE_VARIANT:
    print_members(out, "variant", type, depth);
    break;
  case TN_TYPE_ENUM:
    print_members(out, "enum", type, depth);
    break;
  case TN_TYPE_FLAGS:
    print_members(out, "flags", type, depth);
    break;
  default:
    print_handle(out, type);
    break;
  }
}

/* The types may be a guest's: their weight bounds the length of the text, MAX_DEPTH the recursion. */
static void print_type(tn_buffer *out, const tn_type *type, uint32_t depth) {
  enum { MAX_DEPTH = 500 };
  if (type->kind <= TN_TYPE_ERROR_CONTEXT) {
    tn_buffer_append_text(out, tn_type_kind_name(type->kind));
  } else if (depth == MAX_DEPTH) {
    tn_buffer_append_text(out, "…");
  } else {
    print_compound(out, type, depth + 1);
  }
}

void tn_wit_print_type(tn_buffer *out, const tn_type *type) {
  print_type(out, type, 0);
}

void tn_wit_print_func(tn_buffer *out, const tn_func_type *type) {
  tn_buffer_append_text(out, type->is_async ? "async func(" : "func(");
  for (uint32_t i = 0; i < type->param_count; i++) {
    if (i > 0) tn_buffer_append_text(out, ", ");
    tn_wit_print_name(out, type->param_names[i]);
    tn_buffer_append_text(out, ": ");
    tn_wit_print_type(out, type->param_types[i]);
  }
  tn_buffer_append_byte(out, ')');
  if (type->result == NULL) return;
  tn_buffer_append_text(out, " -> ");
  tn_wit_print_type(out, type->result);
}
