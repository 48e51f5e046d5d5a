/* Imports and exports with their types, in components and in the declarators of component and instance types.
 * Explainer.md#declarators, Binary.md#type-definitions */
#include "component/validate/validate.h"

tn_error *tn_check_extern_type(tn_checker *checker, tn_scope *scope, tn_side side,
                               const tn_ast_extern_type *type, tn_checked_item *out) {
  *out = (tn_checked_item){.sort = type->sort};
  switch (type->sort) {
  case TN_SORT_CORE_MODULE:
    return tn_scope_module_type(scope, type->index, &out->module);
  case TN_SORT_FUNC:
    return tn_scope_type_of_kind(scope, type->index, TN_CHECKED_FUNC, &out->type);
  case TN_SORT_COMPONENT:
    return tn_scope_type_of_kind(scope, type->index, TN_CHECKED_COMPONENT, &out->type);
  case TN_SORT_INSTANCE:
    return tn_scope_type_of_kind(scope, type->index, TN_CHECKED_INSTANCE, &out->type);
  case TN_SORT_TYPE:
    if (type->bound == TN_BOUND_EQ) return tn_scope_type(scope, type->index, &out->type);
    return tn_checked_resource_new(checker, scope->id, side == TN_SIDE_IMPORT, &out->type);
  case TN_SORT_VALUE:
    if (!type->value_is_eq) return tn_check_valtype(checker, scope, &type->value_type, &out->type);
    tn_checked_value *value;
    TN_TRY(tn_scope_value(scope, type->index, &value));
    out->type = value->type;
    return NULL;
  default:
    return tn_check_fail("a %s cannot be imported or exported", tn_sort_name(type->sort));
  }
}

/* Exporting a value consumes it, so that its new index counts as used. Binary.md#-start-definitions */
static tn_error *check_exported_value(tn_scope *scope, const tn_checked_item *item) {
  if (item->type->value.has_borrow)
    return tn_check_fail("exported value cannot contain a `borrow` type");
  scope->values.items[scope->values.len - 1].is_used = true;
  return NULL;
}

tn_error *tn_check_named_item(tn_checker *checker, tn_scope *scope, tn_side side,
                              const tn_extern_name *name, tn_checked_item *item) {
  bool is_import = side == TN_SIDE_IMPORT;
  tn_scope_names *names = is_import ? &scope->imports : &scope->exports;
  if (item->sort == TN_SORT_INSTANCE)
    TN_TRY(tn_substitute_open(checker, item->type, scope->id, is_import, &item->type));
  if (item->sort == TN_SORT_TYPE) TN_TRY(tn_checked_alias(checker, item->type, &item->type));
  TN_TRY(tn_scope_add_item(checker, scope, item));
  if (item->sort == TN_SORT_VALUE && !is_import) TN_TRY(check_exported_value(scope, item));
  TN_TRY(tn_check_resource_name(checker, names, &name->name, item));
  TN_TRY(tn_visibility_add(checker, scope, side, item));
  return tn_check_name(checker, names, side, name, item);
}

/* ---- component and instance types -------------------------------------------------------------- */

static tn_error *declare_named(tn_checker *checker, tn_scope *scope, tn_side side,
                               const tn_extern_name *name, const tn_ast_extern_type *type) {
  tn_checked_item item;
  TN_TRY(tn_check_extern_type(checker, scope, side, type, &item));
  return tn_check_named_item(checker, scope, side, name, &item);
}

/* Binary.md: declarators may alias less than definitions. */
static tn_error *declare_alias(tn_checker *checker, tn_scope *scope, const tn_ast_alias *alias) {
  bool is_outer = alias->kind == TN_ALIAS_OUTER;
  bool is_allowed = alias->sort == TN_SORT_TYPE || (is_outer && alias->sort == TN_SORT_CORE_TYPE) ||
                    (alias->kind == TN_ALIAS_EXPORT && alias->sort == TN_SORT_INSTANCE);
  if (!is_allowed)
    return tn_check_fail(
        "aliases in a component or instance type may only refer to types or instances");
  return tn_check_alias(checker, scope, alias);
}

static tn_error *declare(tn_checker *checker, tn_scope *scope, const tn_ast_decl *decl) {
  checker->offset = decl->offset;
  switch (decl->kind) {
  case TN_DECL_CORE_TYPE:
    return tn_check_core_type(checker, scope, decl->core_type);
  case TN_DECL_TYPE:
    return tn_check_type_definition(checker, scope, decl->type);
  case TN_DECL_ALIAS:
    return declare_alias(checker, scope, &decl->alias);
  case TN_DECL_IMPORT:
    return declare_named(checker, scope, TN_SIDE_IMPORT, &decl->import.name, &decl->import.type);
  case TN_DECL_EXPORT:
    return declare_named(checker, scope, TN_SIDE_EXPORT, &decl->export_.name, &decl->export_.type);
  }
  return NULL;
}

tn_error *tn_check_component_type(tn_checker *checker, tn_scope *outer, const tn_ast_type *type,
                                  const tn_checked_type **out) {
  bool is_component = type->kind == TN_AST_COMPONENT;
  tn_scope scope;
  tn_scope_open(checker, &scope, is_component ? TN_SCOPE_COMPONENT_TYPE : TN_SCOPE_INSTANCE_TYPE,
                outer);
  for (uint32_t i = 0; i < type->decl_count; i++)
    TN_TRY(declare(checker, &scope, &type->decls[i]));
  return tn_scope_close(checker, &scope, out);
}
