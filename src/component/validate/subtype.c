/* Subtyping. Explainer.md#type-checking: instances and components may export more and import less than is asked
 * for; everything else must be equal. Value types are equal when they share their `canonical`, so only the way
 * to the first difference is ever walked, for the message. */
#include "component/validate/validate.h"

/* ---- value types ------------------------------------------------------------------------------- */

static const char *value_kind_name(const tn_checked_type *type) {
  return tn_type_kind_name(type->value.kind);
}

static bool is_primitive(const tn_checked_type *type) {
  return type->value.kind <= TN_TYPE_ERROR_CONTEXT;
}

/* An expected primitive with a type definition of its own is called just that. */
static const char *value_description(const tn_checked_type *type) {
  return is_primitive(type) && type->canonical != type ? "primitive" : value_kind_name(type);
}

static tn_error *explain_kinds(const tn_checked_type *actual, const tn_checked_type *expected) {
  if (is_primitive(actual) && is_primitive(expected))
    return tn_check_fail("expected primitive `%s` found primitive `%s`", value_kind_name(expected),
                         value_kind_name(actual));
  return tn_check_fail("expected %s, found %s", value_description(expected),
                       value_kind_name(actual));
}

static tn_error *check_part(const tn_type *actual, const tn_type *expected) {
  return tn_check_value_subtype(tn_checked_from_value(actual), tn_checked_from_value(expected));
}

static tn_error *explain_record(const tn_type *actual, const tn_type *expected) {
  if (actual->count != expected->count)
    return tn_check_fail("expected %u fields, found %u", expected->count, actual->count);
  for (uint32_t i = 0; i < expected->count; i++) {
    if (!tn_str_equal(actual->labels[i], expected->labels[i]))
      return tn_check_fail("expected field name `%" TN_STR_FORMAT "`, found `%" TN_STR_FORMAT "`",
                           TN_STR_ARG(expected->labels[i]), TN_STR_ARG(actual->labels[i]));
    TN_TRY(tn_error_wrap(check_part(actual->types[i], expected->types[i]),
                         "type mismatch in record field `%" TN_STR_FORMAT "`",
                         TN_STR_ARG(expected->labels[i])));
  }
  return NULL;
}

static tn_error *explain_case(tn_str label, const tn_type *actual, const tn_type *expected) {
  if (actual == NULL && expected == NULL) return NULL;
  if (expected == NULL)
    return tn_check_fail("expected case `%" TN_STR_FORMAT "` to have no type", TN_STR_ARG(label));
  if (actual == NULL)
    return tn_check_fail("expected case `%" TN_STR_FORMAT "` to have a type, found none",
                         TN_STR_ARG(label));
  return tn_error_wrap(check_part(actual, expected),
                       "type mismatch in variant case `%" TN_STR_FORMAT "`", TN_STR_ARG(label));
}

static tn_error *explain_variant(const tn_type *actual, const tn_type *expected) {
  if (actual->count != expected->count)
    return tn_check_fail("expected %u cases, found %u", expected->count, actual->count);
  for (uint32_t i = 0; i < expected->count; i++) {
    if (!tn_str_equal(actual->labels[i], expected->labels[i]))
      return tn_check_fail("expected case named `%" TN_STR_FORMAT "`, found `%" TN_STR_FORMAT "`",
                           TN_STR_ARG(expected->labels[i]), TN_STR_ARG(actual->labels[i]));
    TN_TRY(explain_case(expected->labels[i], actual->types[i], expected->types[i]));
  }
  return NULL;
}

static tn_error *explain_tuple(const tn_type *actual, const tn_type *expected) {
  if (actual->count != expected->count)
    return tn_check_fail("expected %u types, found %u", expected->count, actual->count);
  for (uint32_t i = 0; i < expected->count; i++) {
    TN_TRY(tn_error_wrap(check_part(actual->types[i], expected->types[i]),
                         "type mismatch in tuple field %u", i));
  }
  return NULL;
}

static tn_error *explain_optional(const char *what, const char *where, const tn_type *actual,
                                  const tn_type *expected) {
  if (actual == NULL && expected == NULL) return NULL;
  if (expected == NULL) return tn_check_fail("expected %s type to not be present", what);
  if (actual == NULL) return tn_check_fail("expected %s type, but found none", what);
  return tn_error_wrap(check_part(actual, expected), "type mismatch in %s", where);
}

static tn_error *explain_result(const tn_type *actual, const tn_type *expected) {
  TN_TRY(explain_optional("ok", "ok variant", actual->types[0], expected->types[0]));
  return explain_optional("err", "err variant", actual->types[1], expected->types[1]);
}

static tn_error *explain_fixed_list(const tn_type *actual, const tn_type *expected) {
  if (actual->length != expected->length)
    return tn_check_fail("expected fixed-length list size %u, found size %u", expected->length,
                         actual->length);
  return check_part(actual->types[0], expected->types[0]);
}

static tn_error *explain_map(const tn_type *actual, const tn_type *expected) {
  TN_TRY(
      tn_error_wrap(check_part(actual->types[0], expected->types[0]), "type mismatch in map key"));
  return tn_error_wrap(check_part(actual->types[1], expected->types[1]),
                       "type mismatch in map value");
}

/* Says how two types of one kind differ; NULL only if they do not. */
static tn_error *explain(const tn_type *actual, const tn_type *expected) {
  switch (expected->kind) {
  case TN_TYPE_RECORD:
    return explain_record(actual, expected);
  case TN_TYPE_VARIANT:
    return explain_variant(actual, expected);
  case TN_TYPE_TUPLE:
    return explain_tuple(actual, expected);
  case TN_TYPE_FLAGS:
    return tn_check_fail("mismatch in flags elements");
  case TN_TYPE_ENUM:
    return tn_check_fail("mismatch in enum elements");
  case TN_TYPE_RESULT:
    return explain_result(actual, expected);
  case TN_TYPE_LIST:
  case TN_TYPE_OPTION:
    return check_part(actual->types[0], expected->types[0]);
  case TN_TYPE_FIXED_LIST:
    return explain_fixed_list(actual, expected);
  case TN_TYPE_MAP:
    return explain_map(actual, expected);
  case TN_TYPE_STREAM:
    return explain_optional("stream element", "stream element", actual->types[0],
                            expected->types[0]);
  case TN_TYPE_FUTURE:
    return explain_optional("future element", "future element", actual->types[0],
                            expected->types[0]);
  case TN_TYPE_OWN:
  case TN_TYPE_BORROW:
    return tn_check_fail("resource types are not the same");
  default: /* primitives of one kind are equal */
    return NULL;
  }
}

tn_error *tn_check_value_subtype(const tn_checked_type *actual, const tn_checked_type *expected) {
  if (actual->canonical == expected->canonical) return NULL;
  if (actual->value.kind != expected->value.kind) return explain_kinds(actual, expected);
  return explain(&actual->value, &expected->value);
}

/* ---- functions --------------------------------------------------------------------------------- */

static tn_error *check_func(tn_checker *checker, const tn_func_type *actual,
                            const tn_func_type *expected) {
  TN_TRY(tn_check_spend(checker, expected->param_count));
  if (actual->is_async != expected->is_async)
    return tn_check_fail("expected %s function, found %s function",
                         expected->is_async ? "async" : "sync",
                         actual->is_async ? "async" : "sync");
  if (actual->param_count != expected->param_count)
    return tn_check_fail("expected %u parameters, found %u", expected->param_count,
                         actual->param_count);
  for (uint32_t i = 0; i < expected->param_count; i++) {
    tn_str name = expected->param_names[i];
    if (!tn_str_equal(actual->param_names[i], name))
      return tn_check_fail("expected parameter named `%" TN_STR_FORMAT "`, found `%" TN_STR_FORMAT
                           "`",
                           TN_STR_ARG(name), TN_STR_ARG(actual->param_names[i]));
    TN_TRY(tn_error_wrap(check_part(actual->param_types[i], expected->param_types[i]),
                         "type mismatch in function parameter `%" TN_STR_FORMAT "`",
                         TN_STR_ARG(name)));
  }
  if (actual->result == NULL && expected->result == NULL) return NULL;
  /* Worded from the side of the function that was given. */
  if (expected->result == NULL) return tn_check_fail("expected a result, found none");
  if (actual->result == NULL) return tn_check_fail("expected no result, found one");
  return tn_error_wrap(check_part(actual->result, expected->result),
                       "type mismatch with result type");
}

/* ---- instances and components ------------------------------------------------------------------ */

/* Each of `expected` must be in `actual`. */
static tn_error *check_table(tn_checker *checker, const tn_checked_table *actual,
                             const tn_checked_table *expected, const char *side,
                             const char *where) {
  for (uint32_t i = 0; i < expected->len; i++) {
    tn_str name = expected->items[i].name;
    TN_TRY(tn_check_spend_on_name(checker, name));
    const tn_checked_item *item = tn_checked_table_get(actual, name);
    if (item == NULL)
      return tn_check_fail("missing expected %s `%" TN_STR_FORMAT "`", side, TN_STR_ARG(name));
    TN_TRY(tn_error_wrap(tn_check_subtype(checker, item, &expected->items[i].item),
                         "type mismatch in %s `%" TN_STR_FORMAT "`", where, TN_STR_ARG(name)));
  }
  return NULL;
}

/* The resources that an expected type exports abstractly are whatever the actual one has in their place. */
static tn_error *check_exports(tn_checker *checker, const tn_checked_table *actual,
                               const tn_checked_table *expected, uint32_t scope,
                               const char *where) {
  if (scope != 0) {
    tn_substitution substitution = {0};
    TN_TRY(tn_substitute_bind_resources(checker, &substitution, actual, expected, scope));
    TN_TRY(tn_substitute_table(checker, &substitution, expected, &expected));
  }
  return check_table(checker, actual, expected, "export", where);
}

static tn_error *check_instance(tn_checker *checker, const tn_checked_type *actual,
                                const tn_checked_type *expected) {
  if (actual == expected) return NULL;
  return check_exports(checker, actual->exports, expected->exports, expected->scope,
                       "instance export");
}

/* The imports of the actual type are satisfied by those of the expected one. */
static tn_error *check_component(tn_checker *checker, const tn_checked_type *actual,
                                 const tn_checked_type *expected) {
  if (actual == expected) return NULL;
  tn_substitution substitution = {0};
  const tn_checked_table *imports;
  const tn_checked_table *exports;
  TN_TRY(tn_substitute_bind_resources(checker, &substitution, expected->imports, actual->imports,
                                      actual->scope));
  TN_TRY(tn_substitute_table(checker, &substitution, actual->imports, &imports));
  TN_TRY(tn_substitute_table(checker, &substitution, actual->exports, &exports));
  TN_TRY(check_table(checker, expected->imports, imports, "import", "import"));
  return check_exports(checker, exports, expected->exports, expected->scope, "export");
}

/* ---- items ------------------------------------------------------------------------------------- */

static tn_error *check_kind(tn_checker *checker, const tn_checked_type *actual,
                            const tn_checked_type *expected) {
  if (actual->kind != expected->kind)
    return tn_check_fail("expected %s, found %s", tn_checked_kind_name(expected),
                         tn_checked_kind_name(actual));
  switch (expected->kind) {
  case TN_CHECKED_VALUE:
    return tn_check_value_subtype(actual, expected);
  case TN_CHECKED_FUNC:
    return check_func(checker, &actual->func, &expected->func);
  case TN_CHECKED_COMPONENT:
    return check_component(checker, actual, expected);
  case TN_CHECKED_INSTANCE:
    return check_instance(checker, actual, expected);
  case TN_CHECKED_RESOURCE:
    return actual->resource == expected->resource
               ? NULL
               : tn_check_fail("resource types are not the same");
  }
  return NULL;
}

/* A type import or export asks for an equal type. */
static tn_error *check_type_equal(tn_checker *checker, const tn_checked_type *actual,
                                  const tn_checked_type *expected) {
  TN_TRY(check_kind(checker, actual, expected));
  bool is_symmetric = expected->kind == TN_CHECKED_VALUE || expected->kind == TN_CHECKED_RESOURCE;
  return is_symmetric ? NULL : check_kind(checker, expected, actual);
}

tn_error *tn_check_subtype(tn_checker *checker, const tn_checked_item *actual,
                           const tn_checked_item *expected) {
  TN_TRY(tn_check_spend(checker, 1));
  if (actual->sort != expected->sort)
    return tn_check_fail("expected %s, found %s", tn_sort_name(expected->sort),
                         tn_sort_name(actual->sort));
  if (expected->sort == TN_SORT_CORE_MODULE)
    return tn_check_module_subtype(checker, actual->module, expected->module);
  if (expected->sort == TN_SORT_TYPE)
    return check_type_equal(checker, actual->type, expected->type);
  return check_kind(checker, actual->type, expected->type);
}
