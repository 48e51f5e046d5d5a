/* Definitions of value, function and resource types. Binary.md#type-definitions */
#include "component/validate/validate.h"

tn_error *tn_check_valtype(tn_checker *checker, const tn_scope *scope,
                           const tn_ast_valtype *valtype, const tn_checked_type **out) {
  if (valtype->is_index) return tn_scope_type_of_kind(scope, valtype->index, TN_CHECKED_VALUE, out);
  *out = tn_checked_primitive(checker, valtype->primitive);
  return NULL;
}

/* As tn_check_valtype, as a part of another type; NULL for a type that is absent. */
static tn_error *check_part(tn_checker *checker, const tn_scope *scope,
                            const tn_ast_valtype *valtype, const tn_type **out) {
  const tn_checked_type *type;
  *out = NULL;
  if (valtype->is_absent) return NULL;
  TN_TRY(tn_check_valtype(checker, scope, valtype, &type));
  *out = &type->value;
  return NULL;
}

/* ---- labels and fields ------------------------------------------------------------------------- */

/* What messages call a field: "<whole> name", "previous <part> name". */
typedef struct field_noun {
  const char *whole;
  const char *part;
} field_noun;

static tn_error *check_labels(tn_checker *checker, const tn_ast_type *type, field_noun noun,
                              const tn_str **out) {
  tn_map seen = {0};
  tn_str *labels = TN_ARENA_ARRAY(checker->arena, tn_str, type->field_count);
  if (labels == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < type->field_count; i++) {
    labels[i] = type->fields[i].label;
    if (labels[i].len == 0) return tn_check_fail("%s name cannot be empty", noun.whole);
    if (!tn_label_is_valid(labels[i]))
      return tn_check_fail("%s name `%" TN_STR_FORMAT "` is not in kebab case", noun.whole,
                           TN_STR_ARG(labels[i]));
    tn_str key = tn_label_unique_key(checker->arena, labels[i]);
    if (key.data == NULL) return tn_error_no_memory();
    const tn_str *previous = tn_map_get(&seen, key);
    if (previous != NULL)
      return tn_check_fail("%s name `%" TN_STR_FORMAT
                           "` conflicts with previous %s name `%" TN_STR_FORMAT "`",
                           noun.whole, TN_STR_ARG(labels[i]), noun.part, TN_STR_ARG(*previous));
    if (!tn_map_put(checker->arena, &seen, key, &labels[i])) return tn_error_no_memory();
  }
  *out = labels;
  return NULL;
}

static tn_error *check_parts(tn_checker *checker, const tn_scope *scope, const tn_ast_type *type,
                             const tn_type *const **out) {
  const tn_type **parts = TN_ARENA_ARRAY(checker->arena, const tn_type *, type->field_count);
  if (parts == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < type->field_count; i++) {
    TN_TRY(check_part(checker, scope, &type->fields[i].type, &parts[i]));
  }
  *out = parts;
  return NULL;
}

/* ---- value types ------------------------------------------------------------------------------- */

static tn_error *check_record(tn_checker *checker, const tn_scope *scope, const tn_ast_type *type,
                              tn_type *value) {
  value->kind = TN_TYPE_RECORD;
  if (value->count == 0) return tn_check_fail("record type must have at least one field");
  TN_TRY(check_labels(checker, type, (field_noun){"record field", "field"}, &value->labels));
  return check_parts(checker, scope, type, &value->types);
}

static tn_error *check_variant(tn_checker *checker, const tn_scope *scope, const tn_ast_type *type,
                               tn_type *value) {
  value->kind = TN_TYPE_VARIANT;
  if (value->count == 0) return tn_check_fail("variant type must have at least one case");
  TN_TRY(check_labels(checker, type, (field_noun){"variant case", "case"}, &value->labels));
  return check_parts(checker, scope, type, &value->types);
}

static tn_error *check_tuple(tn_checker *checker, const tn_scope *scope, const tn_ast_type *type,
                             tn_type *value) {
  value->kind = TN_TYPE_TUPLE;
  if (value->count == 0) return tn_check_fail("tuple type must have at least one type");
  return check_parts(checker, scope, type, &value->types);
}

static tn_error *check_flags(tn_checker *checker, const tn_ast_type *type, tn_type *value) {
  value->kind = TN_TYPE_FLAGS;
  if (value->count == 0) return tn_check_fail("flags must have at least one entry");
  if (value->count > 32) return tn_check_fail("cannot have more than 32 flags");
  return check_labels(checker, type, (field_noun){"flag", "flag"}, &value->labels);
}

static tn_error *check_enum(tn_checker *checker, const tn_ast_type *type, tn_type *value) {
  value->kind = TN_TYPE_ENUM;
  if (value->count == 0) return tn_check_fail("enum type must have at least one variant");
  return check_labels(checker, type, (field_noun){"enum tag", "tag"}, &value->labels);
}

/* Types with one or two parts that have no labels. */
static tn_error *check_container(tn_checker *checker, const tn_scope *scope, tn_type_kind kind,
                                 const tn_ast_valtype *first, const tn_ast_valtype *second,
                                 tn_type *value) {
  value->kind = kind;
  value->count = second == NULL ? 1 : 2;
  const tn_type **parts = TN_ARENA_ARRAY(checker->arena, const tn_type *, value->count);
  if (parts == NULL) return tn_error_no_memory();
  TN_TRY(check_part(checker, scope, first, &parts[0]));
  if (second != NULL) TN_TRY(check_part(checker, scope, second, &parts[1]));
  value->types = parts;
  return NULL;
}

static tn_error *check_fixed_list(tn_checker *checker, const tn_scope *scope,
                                  const tn_ast_type *type, tn_type *value) {
  if (type->length == 0)
    return tn_check_fail("fixed-length lists must have more than zero elements");
  value->length = type->length;
  return check_container(checker, scope, TN_TYPE_FIXED_LIST, &type->element, NULL, value);
}

/* Explainer.md `keytype`. */
static bool is_key_type(tn_type_kind kind) {
  return kind <= TN_TYPE_STRING && kind != TN_TYPE_F32 && kind != TN_TYPE_F64;
}

static tn_error *check_map(tn_checker *checker, const tn_scope *scope, const tn_ast_type *type,
                           tn_type *value) {
  TN_TRY(check_container(checker, scope, TN_TYPE_MAP, &type->key, &type->element, value));
  if (is_key_type(value->types[0]->kind)) return NULL;
  return tn_check_fail("the key of a map must be a bool, an integer, a char or a string");
}

static tn_error *check_stream(tn_checker *checker, const tn_scope *scope, const tn_ast_type *type,
                              tn_type *value) {
  bool is_stream = type->kind == TN_AST_STREAM;
  TN_TRY(check_container(checker, scope, is_stream ? TN_TYPE_STREAM : TN_TYPE_FUTURE,
                         &type->element, NULL, value));
  const tn_type *element = value->types[0];
  if (element == NULL) return NULL;
  if (element->has_borrow)
    return tn_check_fail("%s element cannot contain a `borrow` type",
                         is_stream ? "stream" : "future");
  if (is_stream && element->kind == TN_TYPE_CHAR)
    return tn_check_fail(
        "`stream<char>` is not valid at this time, use `stream<u8>` with a defined encoding");
  return NULL;
}

/* Everything but primitives and handles: fills in `value`. */
static tn_error *check_compound(tn_checker *checker, const tn_scope *scope, const tn_ast_type *type,
                                tn_type *value) {
  value->count = type->field_count;
  switch (type->kind) {
  case TN_AST_RECORD:
    return check_record(checker, scope, type, value);
  case TN_AST_VARIANT:
    return check_variant(checker, scope, type, value);
  case TN_AST_TUPLE:
    return check_tuple(checker, scope, type, value);
  case TN_AST_FLAGS:
    return check_flags(checker, type, value);
  case TN_AST_ENUM:
    return check_enum(checker, type, value);
  case TN_AST_LIST:
    return check_container(checker, scope, TN_TYPE_LIST, &type->element, NULL, value);
  case TN_AST_FIXED_LIST:
    return check_fixed_list(checker, scope, type, value);
  case TN_AST_OPTION:
    return check_container(checker, scope, TN_TYPE_OPTION, &type->element, NULL, value);
  case TN_AST_RESULT:
    return check_container(checker, scope, TN_TYPE_RESULT, &type->element, &type->error, value);
  case TN_AST_MAP:
    return check_map(checker, scope, type, value);
  default:
    return check_stream(checker, scope, type, value);
  }
}

static tn_error *check_value_type(tn_checker *checker, const tn_scope *scope,
                                  const tn_ast_type *type, const tn_checked_type **out) {
  tn_type value = {0};
  TN_TRY(check_compound(checker, scope, type, &value));
  return tn_checked_value_new(checker, &value, NULL, out);
}

static tn_error *check_handle(tn_checker *checker, const tn_scope *scope, const tn_ast_type *type,
                              const tn_checked_type **out) {
  tn_type value = {.kind = type->kind == TN_AST_OWN ? TN_TYPE_OWN : TN_TYPE_BORROW};
  const tn_checked_type *resource;
  TN_TRY(tn_scope_type_of_kind(scope, type->resource, TN_CHECKED_RESOURCE, &resource));
  return tn_checked_value_new(checker, &value, resource, out);
}

/* ---- functions and resources ------------------------------------------------------------------- */

static tn_error *check_func_type(tn_checker *checker, const tn_scope *scope,
                                 const tn_ast_type *type, const tn_checked_type **out) {
  tn_func_type func = {.is_async = type->is_async, .param_count = type->field_count};
  TN_TRY(check_labels(checker, type, (field_noun){"function parameter", "parameter"},
                      &func.param_names));
  TN_TRY(check_parts(checker, scope, type, &func.param_types));
  TN_TRY(check_part(checker, scope, &type->element, &func.result));
  if (func.result != NULL && func.result->has_borrow)
    return tn_check_fail("function result cannot contain a `borrow` type");
  return tn_checked_func_new(checker, &func, out);
}

static tn_error *check_destructor(const tn_scope *scope, const tn_ast_type *type) {
  const tn_core_func_type *destructor;
  tn_core_func_type wanted = {.param_count = 1, .params = &type->representation};
  if (!type->has_destructor) return NULL;
  TN_TRY(tn_scope_core_func(scope, type->destructor, &destructor));
  if (tn_core_func_type_equal(destructor, &wanted)) return NULL;
  return tn_check_fail("core function %u has wrong signature for a destructor", type->destructor);
}

static tn_error *check_resource_type(tn_checker *checker, const tn_scope *scope,
                                     const tn_ast_type *type, const tn_checked_type **out) {
  if (scope->kind != TN_SCOPE_COMPONENT)
    return tn_check_fail("resources can only be defined within a concrete component");
  if (type->representation.code != 0x7f && type->representation.code != 0x7e)
    return tn_check_fail("resources can only be represented by `i32` or `i64`");
  TN_TRY(check_destructor(scope, type));
  TN_TRY(tn_checked_resource_new(checker, scope->id, false, out));
  (*out)->resource->is_local = true;
  (*out)->resource->representation = type->representation;
  return NULL;
}

/* ---- all --------------------------------------------------------------------------------------- */

static tn_error *check_kind(tn_checker *checker, tn_scope *scope, const tn_ast_type *type,
                            const tn_checked_type **out) {
  switch (type->kind) {
  case TN_AST_PRIMITIVE: /* with an address of its own, as any other definition */
    return tn_checked_alias(checker, tn_checked_primitive(checker, type->primitive), out);
  case TN_AST_OWN:
  case TN_AST_BORROW:
    return check_handle(checker, scope, type, out);
  case TN_AST_FUNC:
    return check_func_type(checker, scope, type, out);
  case TN_AST_COMPONENT:
  case TN_AST_INSTANCE:
    return tn_check_component_type(checker, scope, type, out);
  case TN_AST_RESOURCE:
    return check_resource_type(checker, scope, type, out);
  default:
    return check_value_type(checker, scope, type, out);
  }
}

tn_error *tn_check_type_definition(tn_checker *checker, tn_scope *scope, const tn_ast_type *type) {
  const tn_checked_type *checked;
  TN_TRY(check_kind(checker, scope, type, &checked));
  return tn_scope_add_type(checker, scope, checked);
}
