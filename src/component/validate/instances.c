/* Component instances and aliases. Binary.md#instance-definitions, #alias-definitions */
#include "component/validate/validate.h"

/* ---- instantiation ----------------------------------------------------------------------------- */

static tn_error *gather_arguments(tn_checker *checker, tn_scope *scope,
                                  const tn_ast_instance *instance, tn_checked_table *out) {
  for (uint32_t i = 0; i < instance->argument_count; i++) {
    tn_str name = instance->arguments[i].name.name;
    tn_checked_item item;
    TN_TRY(tn_scope_item(scope, instance->arguments[i].item, &item));
    if (tn_checked_table_get(out, name) != NULL)
      return tn_check_fail("instantiation argument `%" TN_STR_FORMAT
                           "` conflicts with previous argument `%" TN_STR_FORMAT "`",
                           TN_STR_ARG(name), TN_STR_ARG(name));
    TN_TRY(tn_checked_table_add(checker, out, name, &item));
  }
  return NULL;
}

static tn_error *check_arguments(tn_checker *checker, const tn_checked_table *arguments,
                                 const tn_checked_table *imports) {
  for (uint32_t i = 0; i < imports->len; i++) {
    tn_str name = imports->items[i].name;
    TN_TRY(tn_check_spend_on_name(checker, name));
    const tn_checked_item *argument = tn_checked_table_get(arguments, name);
    if (argument == NULL)
      return tn_check_fail("missing import named `%" TN_STR_FORMAT "`", TN_STR_ARG(name));
    TN_TRY(tn_error_wrap(tn_check_subtype(checker, argument, &imports->items[i].item),
                         "type mismatch for import `%" TN_STR_FORMAT "`", TN_STR_ARG(name)));
  }
  return NULL;
}

/* The resources that the component imports become those of the arguments, all others fresh ones; the types that
 * it imports become the very types that were passed. */
static tn_error *instantiate(tn_checker *checker, tn_scope *scope,
                             const tn_ast_instance *instance) {
  const tn_checked_type *component;
  const tn_checked_type *result;
  const tn_checked_table *imports;
  const tn_checked_table *exports;
  tn_checked_table arguments = {0};
  tn_substitution for_imports = {0};
  TN_TRY(tn_scope_component(scope, instance->component, &component));
  TN_TRY(gather_arguments(checker, scope, instance, &arguments));
  TN_TRY(tn_substitute_bind_resources(checker, &for_imports, &arguments, component->imports,
                                      component->scope));
  tn_pointer_map resources = for_imports.resources;
  TN_TRY(tn_substitute_table(checker, &for_imports, component->imports, &imports));
  TN_TRY(check_arguments(checker, &arguments, imports));

  tn_substitution for_exports = {
      .resources = resources, .fresh_owner = component->scope, .new_owner = scope->id};
  TN_TRY(tn_substitute_bind_types(checker, &for_exports, &arguments, component->imports));
  TN_TRY(tn_substitute_table(checker, &for_exports, component->exports, &exports));
  TN_TRY(tn_checked_tables_new(checker, NULL, exports, 0, &result));
  tn_checked_item item = {.sort = TN_SORT_INSTANCE, .type = result};
  return tn_scope_add_item(checker, scope, &item);
}

/* No annotated name is valid here: it would need a resource that this instance itself introduces. */
static tn_error *tuple_exports(tn_checker *checker, tn_scope *scope,
                               const tn_ast_instance *instance) {
  const tn_checked_type *result;
  tn_scope_names *names = TN_ARENA_NEW(checker->arena, tn_scope_names);
  if (names == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < instance->argument_count; i++) {
    const tn_extern_name *name = &instance->arguments[i].name;
    tn_checked_item item;
    TN_TRY(tn_scope_item(scope, instance->arguments[i].item, &item));
    TN_TRY(tn_check_name(checker, names, TN_SIDE_EXPORT, name, &item));
  }
  TN_TRY(tn_checked_tables_new(checker, NULL, &names->table, 0, &result));
  tn_checked_item item = {.sort = TN_SORT_INSTANCE, .type = result};
  return tn_scope_add_item(checker, scope, &item);
}

tn_error *tn_check_instance(tn_checker *checker, tn_scope *scope, const tn_ast_instance *instance) {
  return instance->is_instantiate ? instantiate(checker, scope, instance)
                                  : tuple_exports(checker, scope, instance);
}

/* ---- aliases ----------------------------------------------------------------------------------- */

static tn_error *alias_export(tn_checker *checker, tn_scope *scope, const tn_ast_alias *alias) {
  const tn_checked_type *instance;
  TN_TRY(tn_scope_instance(scope, alias->instance, &instance));
  const tn_checked_item *item = tn_checked_table_get(instance->exports, alias->name);
  if (item == NULL)
    return tn_check_fail("instance %u has no export named `%" TN_STR_FORMAT "`", alias->instance,
                         TN_STR_ARG(alias->name));
  if (item->sort != alias->sort)
    return tn_check_fail("export `%" TN_STR_FORMAT "` for instance %u is not a %s",
                         TN_STR_ARG(alias->name), alias->instance, tn_sort_name(alias->sort));
  return tn_scope_add_item(checker, scope, item);
}

static bool is_core_sort_of(tn_sort sort, tn_core_extern_kind kind) {
  static const tn_sort sorts[] = {TN_SORT_CORE_FUNC, TN_SORT_CORE_TABLE, TN_SORT_CORE_MEMORY,
                                  TN_SORT_CORE_GLOBAL, TN_SORT_CORE_TAG};
  return sorts[kind] == sort;
}

static tn_error *alias_core_export(tn_checker *checker, tn_scope *scope,
                                   const tn_ast_alias *alias) {
  const tn_map *exports;
  TN_TRY(tn_scope_core_instance(scope, alias->instance, &exports));
  const tn_core_extern_type *type = tn_map_get(exports, alias->name);
  if (type == NULL)
    return tn_check_fail("core instance %u has no export named `%" TN_STR_FORMAT "`",
                         alias->instance, TN_STR_ARG(alias->name));
  if (!is_core_sort_of(alias->sort, type->kind))
    return tn_check_fail("export `%" TN_STR_FORMAT "` for core instance %u is not a %s",
                         TN_STR_ARG(alias->name), alias->instance, tn_sort_name(alias->sort));
  return tn_scope_add_core_extern(checker, scope, type);
}

/* The scope `count` levels out, and whether a component's boundary lies between. */
static tn_error *find_outer(tn_scope *scope, uint32_t count, const tn_scope **out,
                            bool *is_crossing) {
  const tn_scope *target = scope;
  *is_crossing = false;
  for (uint32_t i = 0; i < count && target != NULL; i++) {
    *is_crossing |= target->kind == TN_SCOPE_COMPONENT;
    target = target->outer;
  }
  *out = target;
  return target == NULL ? tn_check_fail("invalid outer alias count of %u", count) : NULL;
}

static tn_error *alias_outer_type(tn_checker *checker, tn_scope *scope, const tn_scope *target,
                                  uint32_t index, bool is_crossing) {
  const tn_checked_type *type;
  bool is_open = false;
  TN_TRY(tn_scope_type(target, index, &type));
  if (is_crossing) TN_TRY(tn_checked_has_free_resource(checker, type, &is_open));
  if (is_open)
    return tn_check_fail(
        "cannot alias outer type which transitively refers to resources not defined in the "
        "current component");
  return tn_scope_add_type(checker, scope, type);
}

static tn_error *alias_outer_core_type(tn_checker *checker, tn_scope *scope, const tn_scope *target,
                                       uint32_t index) {
  const tn_checked_core_type *type;
  TN_TRY(tn_scope_core_type(target, index, &type));
  tn_checked_core_type copy = *type; /* the space may be the same and move */
  tn_checked_core_type *element = TN_VEC_PUSH(checker->arena, &scope->core_types);
  if (element == NULL) return tn_error_no_memory();
  *element = copy;
  return NULL;
}

static tn_error *alias_outer(tn_checker *checker, tn_scope *scope, const tn_ast_alias *alias) {
  const tn_scope *target;
  bool is_crossing;
  TN_TRY(find_outer(scope, alias->outer_count, &target, &is_crossing));
  switch (alias->sort) {
  case TN_SORT_TYPE:
    return alias_outer_type(checker, scope, target, alias->outer_index, is_crossing);
  case TN_SORT_CORE_TYPE:
    return alias_outer_core_type(checker, scope, target, alias->outer_index);
  case TN_SORT_CORE_MODULE: {
    const tn_checked_module *module;
    TN_TRY(tn_scope_core_module(target, alias->outer_index, &module));
    return tn_scope_add_core_module(checker, scope, module);
  }
  case TN_SORT_COMPONENT: {
    tn_checked_item item = {.sort = TN_SORT_COMPONENT};
    TN_TRY(tn_scope_component(target, alias->outer_index, &item.type));
    return tn_scope_add_item(checker, scope, &item);
  }
  default:
    return tn_check_fail("a %s cannot be the target of an outer alias", tn_sort_name(alias->sort));
  }
}

tn_error *tn_check_alias(tn_checker *checker, tn_scope *scope, const tn_ast_alias *alias) {
  switch (alias->kind) {
  case TN_ALIAS_EXPORT:
    return alias_export(checker, scope, alias);
  case TN_ALIAS_CORE_EXPORT:
    return alias_core_export(checker, scope, alias);
  case TN_ALIAS_OUTER:
    return alias_outer(checker, scope, alias);
  }
  return NULL;
}
