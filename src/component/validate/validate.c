#include "component/validate/validate.h"

static tn_error *check_component(tn_checker *checker, tn_scope *outer,
                                 const tn_component_ast *component, const tn_checked_type **out);

/* ---- imports, exports, start ------------------------------------------------------------------- */

static tn_error *check_import(tn_checker *checker, tn_scope *scope, const tn_ast_import *import) {
  tn_checked_item item;
  TN_TRY(tn_check_extern_type(checker, scope, TN_SIDE_IMPORT, &import->type, &item));
  return tn_check_named_item(checker, scope, TN_SIDE_IMPORT, &import->name, &item);
}

/* An ascribed type replaces the inferred one, of which it must be a supertype. */
static tn_error *check_export(tn_checker *checker, tn_scope *scope, const tn_ast_export *export) {
  tn_checked_item item;
  TN_TRY(tn_scope_item(scope, export->item, &item));
  if (export->has_type) {
    tn_checked_item ascribed;
    tn_checked_item actual = item;
    bool is_abstract =
        export->type.sort == TN_SORT_TYPE && export->type.bound == TN_BOUND_SUB_RESOURCE;
    TN_TRY(tn_check_extern_type(checker, scope, TN_SIDE_EXPORT, &export->type, &ascribed));
    if (is_abstract && item.sort == TN_SORT_TYPE && item.type->kind == TN_CHECKED_RESOURCE)
      actual = ascribed;
    TN_TRY(tn_error_wrap(tn_check_subtype(checker, &actual, &ascribed),
                         "ascribed type of export is not compatible with item's type"));
    item = ascribed;
  }
  return tn_check_named_item(checker, scope, TN_SIDE_EXPORT, &export->name, &item);
}

/* Explainer.md#-start-definitions */
static tn_error *check_start(tn_checker *checker, tn_scope *scope, const tn_ast_start *start) {
  const tn_checked_type *type;
  TN_TRY(tn_scope_func(scope, start->func, &type));
  const tn_func_type *func = &type->func;
  uint32_t result_count = func->result != NULL;
  if (start->argument_count != func->param_count)
    return tn_check_fail("component start function requires %u arguments but was given %u",
                         func->param_count, start->argument_count);
  if (start->result_count != result_count)
    return tn_check_fail(
        "component start function has a result count of %u but the function type has a result "
        "count of %u",
        start->result_count, result_count);
  for (uint32_t i = 0; i < start->argument_count; i++) {
    const tn_checked_type *argument;
    TN_TRY(tn_scope_use_value(scope, start->arguments[i], &argument));
    TN_TRY(
        tn_error_wrap(tn_check_value_subtype(argument, tn_checked_from_value(func->param_types[i])),
                      "value type mismatch for component start function argument %u", i));
  }
  if (func->result == NULL) return NULL;
  tn_checked_item result = {.sort = TN_SORT_VALUE, .type = tn_checked_from_value(func->result)};
  return tn_scope_add_item(checker, scope, &result);
}

/* ---- definitions ------------------------------------------------------------------------------- */

static tn_error *check_core_module(tn_checker *checker, tn_scope *scope,
                                   const tn_core_module *module) {
  const tn_checked_module *checked;
  TN_TRY(tn_check_core_module(checker, module, &checked));
  return tn_scope_add_core_module(checker, scope, checked);
}

static tn_error *check_nested(tn_checker *checker, tn_scope *scope,
                              const tn_component_ast *component) {
  tn_checked_item item = {.sort = TN_SORT_COMPONENT};
  TN_TRY(check_component(checker, scope, component, &item.type));
  return tn_scope_add_item(checker, scope, &item);
}

static tn_error *check_definition(tn_checker *checker, tn_scope *scope,
                                  const tn_definition *definition) {
  checker->offset = definition->offset;
  switch (definition->kind) {
  case TN_DEFINITION_CORE_MODULE:
    return check_core_module(checker, scope, definition->core_module);
  case TN_DEFINITION_CORE_INSTANCE:
    return tn_check_core_instance(checker, scope, &definition->core_instance);
  case TN_DEFINITION_CORE_TYPE:
    return tn_check_core_type(checker, scope, definition->core_type);
  case TN_DEFINITION_COMPONENT:
    return check_nested(checker, scope, definition->component);
  case TN_DEFINITION_INSTANCE:
    return tn_check_instance(checker, scope, &definition->instance);
  case TN_DEFINITION_ALIAS:
    return tn_check_alias(checker, scope, &definition->alias);
  case TN_DEFINITION_TYPE:
    return tn_check_type_definition(checker, scope, definition->type);
  case TN_DEFINITION_CANON:
    return tn_check_canon(checker, scope, &definition->canon);
  case TN_DEFINITION_START:
    return check_start(checker, scope, &definition->start);
  case TN_DEFINITION_IMPORT:
    return check_import(checker, scope, &definition->import);
  case TN_DEFINITION_EXPORT:
    return check_export(checker, scope, &definition->export_);
  case TN_DEFINITION_VALUE:
    return tn_check_value(checker, scope, &definition->value);
  }
  return NULL;
}

static tn_error *check_values_are_used(const tn_scope *scope) {
  for (uint32_t i = 0; i < scope->values.len; i++) {
    if (!scope->values.items[i].is_used)
      return tn_check_fail(
          "value index %u was not used as part of an instantiation, start function, or export", i);
  }
  return NULL;
}

static tn_error *check_component(tn_checker *checker, tn_scope *outer,
                                 const tn_component_ast *component, const tn_checked_type **out) {
  tn_scope scope;
  tn_scope_open(checker, &scope, TN_SCOPE_COMPONENT, outer);
  for (uint32_t i = 0; i < component->definition_count; i++) {
    TN_TRY(check_definition(checker, &scope, &component->definitions[i]));
  }
  TN_TRY(check_values_are_used(&scope));
  return tn_scope_close(checker, &scope, out);
}

/* Adds the offset of what was being checked. */
static tn_error *locate(tn_error *error, uint32_t offset) {
  if (error == NULL || tn_error_get_kind(error) == TN_ERROR_NO_MEMORY) return error;
  tn_error *located = tn_error_new(tn_error_get_kind(error), "%s (at offset 0x%x)",
                                   tn_error_get_message(error), offset);
  if (tn_error_get_hint(error) != NULL) tn_error_set_hint(located, "%s", tn_error_get_hint(error));
  tn_error_delete(error);
  return located;
}

tn_error *tn_component_validate_at(tn_arena *scratch, const tn_component_ast *component,
                                   uint32_t *offset) {
  tn_checker checker;
  const tn_checked_type *ignored;
  *offset = 0;
  TN_TRY(tn_checker_init(&checker, scratch));
  tn_error *error = check_component(&checker, NULL, component, &ignored);
  *offset = checker.offset;
  return error;
}

tn_error *tn_component_validate(tn_arena *scratch, const tn_component_ast *component) {
  uint32_t offset;
  tn_error *error = tn_component_validate_at(scratch, component, &offset);
  return locate(error, offset);
}
