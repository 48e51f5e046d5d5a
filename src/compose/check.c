/* Whether one type may stand for another, and why not. Explainer.md#type-checking. Subtyping is between
 * instances and components (what is more may stand for what is less); functions and values must be equal. */
#include "compose/type.h"

static tn_error *check_item(tn_compose_types *types, const tn_compose_item *given,
                            const tn_compose_item *expected);
static tn_error *check_value(tn_compose_types *types, tn_compose_type *given,
                             tn_compose_type *expected);

/* ---- what is wrong ------------------------------------------------------------------------------------- */

static tn_error *differ(const tn_compose_type *given, const tn_compose_type *expected) {
  tn_buffer want = {0}, got = {0};
  tn_compose_print_type(&want, expected);
  tn_compose_print_type(&got, given);
  if (tn_str_equal(tn_buffer_str(&want), tn_buffer_str(&got))) { /* two types of one name */
    tn_buffer_format(&want, " (%s)", tn_compose_type_kind_name(expected));
    tn_buffer_format(&got, " (%s)", tn_compose_type_kind_name(given));
  }
  tn_error *error =
      want.failed || got.failed
          ? tn_error_no_memory()
          : tn_error_new(TN_ERROR_LINK, "expected %" TN_STR_FORMAT ", given %" TN_STR_FORMAT,
                         TN_STR_ARG(tn_buffer_str(&want)), TN_STR_ARG(tn_buffer_str(&got)));
  tn_buffer_free(&want);
  tn_buffer_free(&got);
  return error;
}

static tn_error *in_member(tn_error *error, const char *what, tn_str name) {
  return tn_error_wrap(error, "%s `%" TN_STR_FORMAT "`", what, TN_STR_ARG(name));
}

/* Both signatures in full, behind the difference; not if they differ only in types whose names they have. */
static tn_error *with_signatures(tn_error *error, const tn_compose_type *given,
                                 const tn_compose_type *expected) {
  tn_buffer want = {0}, got = {0};
  if (error == NULL) return NULL;
  tn_compose_print_function(&want, expected);
  tn_compose_print_function(&got, given);
  bool look_equal = tn_str_equal(tn_buffer_str(&want), tn_buffer_str(&got));
  if (!want.failed && !got.failed && !look_equal)
    tn_error_set_hint(error, "expected %" TN_STR_FORMAT ", given %" TN_STR_FORMAT,
                      TN_STR_ARG(tn_buffer_str(&want)), TN_STR_ARG(tn_buffer_str(&got)));
  tn_buffer_free(&want);
  tn_buffer_free(&got);
  return error;
}

/* ---- values -------------------------------------------------------------------------------------------- */

static void describe_resource(tn_buffer *out, const tn_compose_type *type) {
  tn_str name = type->name.data != NULL ? type->name : TN_STR("?");
  tn_buffer_format(out, "resource `%" TN_STR_FORMAT "`", TN_STR_ARG(name));
  if (type->home == NULL) return;
  tn_str id = tn_compose_interface_root(type->home)->id;
  if (id.data != NULL) tn_buffer_format(out, " of `%" TN_STR_FORMAT "`", TN_STR_ARG(id));
}

static tn_error *wrong_resource(const tn_compose_type *given, const tn_compose_type *expected) {
  tn_buffer want = {0}, got = {0};
  describe_resource(&want, expected);
  describe_resource(&got, given);
  bool look_equal = tn_str_equal(tn_buffer_str(&want), tn_buffer_str(&got));
  tn_error *error =
      want.failed || got.failed
          ? tn_error_no_memory()
          : tn_error_new(TN_ERROR_LINK, "expected %" TN_STR_FORMAT ", given %s%" TN_STR_FORMAT,
                         TN_STR_ARG(tn_buffer_str(&want)), look_equal ? "another component's " : "",
                         TN_STR_ARG(tn_buffer_str(&got)));
  tn_buffer_free(&want);
  tn_buffer_free(&got);
  return tn_error_set_hint(
      error,
      "each instance of a component has resource types of its own: all who pass such a resource "
      "to each other must get the interface that it comes from from the same instance");
}

static tn_error *check_resource(tn_compose_types *types, tn_compose_type *given,
                                tn_compose_type *expected) {
  if (given->kind != TN_AST_RESOURCE || expected->kind != TN_AST_RESOURCE)
    return differ(given, expected);
  if (given == expected) return NULL;
  return expected->is_open ? tn_compose_bind(types, expected, given)
                           : wrong_resource(given, expected);
}

static const char *member_word(tn_ast_type_kind kind) {
  switch (kind) {
  case TN_AST_RECORD:
    return "field";
  case TN_AST_FUNC:
    return "parameter";
  case TN_AST_FLAGS:
    return "flag";
  default:
    return "case";
  }
}

static tn_error *check_optional(tn_compose_types *types, tn_compose_type *given,
                                tn_compose_type *expected, const char *what) {
  if (given == NULL && expected == NULL) return NULL;
  if (given == NULL || expected == NULL)
    return tn_error_new(TN_ERROR_LINK, "expected %s %s, given %s", expected == NULL ? "no" : "a",
                        what, given == NULL ? "none" : "one");
  return tn_error_wrap(check_value(types, given, expected), "%s", what);
}

static bool has_label(const tn_compose_type *type, tn_str label) {
  for (uint32_t i = 0; i < type->member_count; i++)
    if (tn_str_equal(type->members[i].label, label)) return true;
  return false;
}

/* A member of `type` that `other` does not have; NULL: each is there. */
static const tn_compose_member *missing_member(const tn_compose_type *type,
                                               const tn_compose_type *other) {
  for (uint32_t i = 0; i < type->member_count; i++)
    if (!has_label(other, type->members[i].label)) return &type->members[i];
  return NULL;
}

/* Which member one has and the other has not. Labels of one type differ, so that there is one. */
static tn_error *wrong_count(const tn_compose_type *given, const tn_compose_type *expected) {
  bool lacks = given->member_count < expected->member_count;
  const tn_compose_member *member =
      lacks ? missing_member(expected, given) : missing_member(given, expected);
  if (member == NULL || member->label.data == NULL)
    return tn_error_new(TN_ERROR_LINK, "expected %u element%s, given %u", expected->member_count,
                        expected->member_count == 1 ? "" : "s", given->member_count);
  return tn_error_new(TN_ERROR_LINK, "%s `%" TN_STR_FORMAT "` is %s", member_word(expected->kind),
                      TN_STR_ARG(member->label),
                      lacks ? "expected and not given" : "given and not expected");
}

static tn_error *check_label(const tn_compose_type *given, const tn_compose_type *expected,
                             uint32_t index) {
  tn_str want = expected->members[index].label, got = given->members[index].label;
  if (tn_str_equal(want, got)) return NULL;
  return tn_error_new(TN_ERROR_LINK,
                      "%s %u: expected `%" TN_STR_FORMAT "`, given `%" TN_STR_FORMAT "`",
                      member_word(expected->kind), index + 1, TN_STR_ARG(want), TN_STR_ARG(got));
}

static tn_error *check_members(tn_compose_types *types, const tn_compose_type *given,
                               const tn_compose_type *expected) {
  const char *word = member_word(expected->kind);
  if (given->member_count != expected->member_count) return wrong_count(given, expected);
  for (uint32_t i = 0; i < expected->member_count; i++) {
    tn_compose_member *want = &expected->members[i], *got = &given->members[i];
    TN_TRY(check_label(given, expected, i));
    if (want->label.data == NULL) {
      TN_TRY(tn_error_wrap(check_value(types, got->type, want->type), "element %u", i + 1));
    } else {
      bool have_types = got->type != NULL && want->type != NULL;
      tn_error *error = have_types ? check_value(types, got->type, want->type)
                                   : check_optional(types, got->type, want->type, "type");
      TN_TRY(in_member(error, word, want->label));
    }
  }
  return NULL;
}

static tn_error *check_parts(tn_compose_types *types, tn_compose_type *given,
                             tn_compose_type *expected) {
  switch (expected->kind) {
  case TN_AST_PRIMITIVE:
    return given->primitive == expected->primitive ? NULL : differ(given, expected);
  case TN_AST_OWN:
  case TN_AST_BORROW:
    return check_resource(types, tn_compose_root(given->element),
                          tn_compose_root(expected->element));
  case TN_AST_FIXED_LIST:
    if (given->length != expected->length) return differ(given, expected);
    return tn_error_wrap(check_value(types, given->element, expected->element), "element");
  case TN_AST_MAP:
    TN_TRY(tn_error_wrap(check_value(types, given->key, expected->key), "key"));
    return tn_error_wrap(check_value(types, given->element, expected->element), "value");
  case TN_AST_RESULT:
    TN_TRY(check_optional(types, given->element, expected->element, "type of success"));
    return check_optional(types, given->error, expected->error, "type of error");
  case TN_AST_LIST:
  case TN_AST_OPTION:
  case TN_AST_STREAM:
  case TN_AST_FUTURE:
    return check_optional(types, given->element, expected->element, "element");
  default:
    return check_members(types, given, expected);
  }
}

static bool is_value(const tn_compose_type *type) {
  return type->kind < TN_AST_FUNC;
}

/* What was found equal is bound, so that it is not compared again. */
static tn_error *check_value(tn_compose_types *types, tn_compose_type *given,
                             tn_compose_type *expected) {
  tn_compose_type *got = tn_compose_root(given), *want = tn_compose_root(expected);
  if (got == want) return NULL;
  TN_TRY(tn_compose_spend(types));
  if (got->kind != want->kind || !is_value(want)) return differ(got, want);
  tn_error *error = check_parts(types, got, want);
  if (error != NULL && want->name.data != NULL)
    return in_member(error, tn_compose_type_kind_name(want), want->name);
  if (error != NULL || want->kind == TN_AST_PRIMITIVE) return error;
  return tn_compose_bind(types, want, got);
}

/* ---- functions, instances, components ------------------------------------------------------------------- */

static tn_error *check_function_parts(tn_compose_types *types, tn_compose_type *given,
                                      tn_compose_type *expected) {
  if (given->is_async != expected->is_async)
    return tn_error_new(TN_ERROR_LINK, "expected %s function, given %s one",
                        expected->is_async ? "an async" : "a sync",
                        given->is_async ? "an async" : "a sync");
  TN_TRY(check_members(types, given, expected));
  return check_optional(types, given->element, expected->element, "result");
}

static tn_error *check_function(tn_compose_types *types, tn_compose_type *given,
                                tn_compose_type *expected) {
  tn_compose_type *got = tn_compose_root(given), *want = tn_compose_root(expected);
  if (got == want) return NULL;
  return with_signatures(check_function_parts(types, got, want), got, want);
}

/* What is wrong with a type that has a name says the name itself. */
static tn_error *in_item(tn_error *error, const tn_compose_item *item) {
  if (error == NULL) return NULL;
  if (item->sort == TN_SORT_TYPE && tn_str_equal(tn_compose_root(item->type)->name, item->name))
    return error;
  return in_member(error, tn_compose_item_kind_name(item), item->name);
}

static tn_error *lacks(const tn_compose_interface *given, const tn_compose_item *wanted) {
  enum { MOST = 10 };
  tn_buffer names = {0};
  uint32_t count = given->items.list.len;
  tn_error *error = tn_error_new(TN_ERROR_LINK, "the given instance has no %s `%" TN_STR_FORMAT "`",
                                 tn_compose_item_kind_name(wanted), TN_STR_ARG(wanted->name));
  for (uint32_t i = 0; i < count && i < MOST; i++)
    tn_buffer_format(&names, "%s`%" TN_STR_FORMAT "`", i == 0 ? "" : ", ",
                     TN_STR_ARG(given->items.list.items[i].name));
  if (!names.failed)
    tn_error_set_hint(error, "it has %" TN_STR_FORMAT "%s",
                      TN_STR_ARG(count == 0 ? TN_STR("nothing") : tn_buffer_str(&names)),
                      count > MOST ? " and more" : "");
  tn_buffer_free(&names);
  return error;
}

/* Where a type differs, the first function that does not fit is told, if there is one: functions are what is called.
 * What has a hint is about resources, which are told where they come from. */
static tn_error *at_function(tn_compose_types *types, const tn_compose_interface *given,
                             const tn_compose_interface *expected, tn_error *error) {
  if (tn_error_get_kind(error) != TN_ERROR_LINK || tn_error_get_hint(error) != NULL) return error;
  for (uint32_t i = 0; i < expected->items.list.len; i++) {
    const tn_compose_item *want = &expected->items.list.items[i];
    const tn_compose_item *got = tn_compose_items_get(&given->items, want->name);
    if (want->sort != TN_SORT_FUNC || got == NULL || got->sort != TN_SORT_FUNC) continue;
    tn_error *told = check_function(types, got->type, want->type);
    if (told == NULL) continue;
    tn_error_delete(error);
    return in_item(told, want);
  }
  return error;
}

static tn_error *check_interface(tn_compose_types *types, const tn_compose_interface *given,
                                 const tn_compose_interface *expected) {
  for (uint32_t i = 0; i < expected->items.list.len; i++) {
    const tn_compose_item *want = &expected->items.list.items[i];
    const tn_compose_item *got = tn_compose_items_get(&given->items, want->name);
    TN_TRY(tn_compose_spend(types));
    if (got == NULL) return lacks(given, want);
    tn_error *error = in_item(check_item(types, got, want), want);
    if (error != NULL && want->sort == TN_SORT_TYPE)
      return at_function(types, given, expected, error);
    TN_TRY(error);
  }
  return NULL;
}

static tn_error *check_world(tn_compose_types *types, const tn_compose_world *given,
                             const tn_compose_world *expected) {
  for (uint32_t i = 0; i < given->imports.list.len; i++) {
    const tn_compose_item *needed = &given->imports.list.items[i];
    const tn_compose_item *there = tn_compose_items_get(&expected->imports, needed->name);
    if (there == NULL)
      return tn_error_new(
          TN_ERROR_LINK, "the given component imports `%" TN_STR_FORMAT "`, which it would not get",
          TN_STR_ARG(needed->name));
    TN_TRY(in_member(check_item(types, there, needed), "import", needed->name));
  }
  for (uint32_t i = 0; i < expected->exports.list.len; i++) {
    const tn_compose_item *want = &expected->exports.list.items[i];
    const tn_compose_item *got = tn_compose_items_get(&given->exports, want->name);
    if (got == NULL)
      return tn_error_new(TN_ERROR_LINK, "the given component has no export `%" TN_STR_FORMAT "`",
                          TN_STR_ARG(want->name));
    TN_TRY(in_member(check_item(types, got, want), "export", want->name));
  }
  return NULL;
}

static tn_error *check_type(tn_compose_types *types, tn_compose_type *given,
                            tn_compose_type *expected) {
  tn_compose_type *got = tn_compose_root(given), *want = tn_compose_root(expected);
  if (got == want) return NULL;
  if (want->kind == TN_AST_RESOURCE || got->kind == TN_AST_RESOURCE)
    return check_resource(types, got, want);
  if (got->kind != want->kind) return differ(got, want);
  switch (want->kind) {
  case TN_AST_FUNC:
    return check_function(types, got, want);
  case TN_AST_INSTANCE:
    return check_interface(types, got->interface, want->interface);
  case TN_AST_COMPONENT:
    return check_world(types, got->world, want->world);
  default:
    return check_value(types, got, want);
  }
}

static tn_error *check_item(tn_compose_types *types, const tn_compose_item *given,
                            const tn_compose_item *expected) {
  if (given->sort != expected->sort)
    return tn_error_new(TN_ERROR_LINK, "expected %s, given %s", tn_compose_item_kind_name(expected),
                        tn_compose_item_kind_name(given));
  switch (expected->sort) {
  case TN_SORT_FUNC:
    return check_function(types, given->type, expected->type);
  case TN_SORT_TYPE:
    return check_type(types, given->type, expected->type);
  case TN_SORT_INSTANCE:
    return check_interface(types, given->interface, expected->interface);
  case TN_SORT_COMPONENT:
    return check_world(types, given->world, expected->world);
  default: /* core modules and values: the validator's business */
    return NULL;
  }
}

tn_error *tn_compose_check(tn_compose_types *types, const tn_compose_item *given,
                           const tn_compose_item *expected) {
  uint32_t mark = types->bound.len;
  tn_error *error = check_item(types, given, expected);
  if (error != NULL) tn_compose_unbind(types, mark);
  return error;
}

/* ---- merging ------------------------------------------------------------------------------------------- */

tn_error *tn_compose_merge(tn_compose_types *types, tn_compose_interface *into,
                           tn_compose_interface *other) {
  if (into == other) return NULL;
  for (uint32_t i = 0; i < other->items.list.len; i++) {
    const tn_compose_item *item = &other->items.list.items[i];
    const tn_compose_item *there = tn_compose_items_get(&into->items, item->name);
    TN_TRY(tn_compose_spend(types));
    if (there == NULL) {
      TN_TRY(tn_compose_items_add(types, &into->items, item));
      continue;
    }
    bool are_instances = there->sort == TN_SORT_INSTANCE && item->sort == TN_SORT_INSTANCE;
    tn_error *error = are_instances ? tn_compose_merge(types, there->interface, item->interface)
                                    : tn_compose_check(types, there, item);
    TN_TRY(in_item(error, item));
  }
  other->merged = into;
  return NULL;
}
