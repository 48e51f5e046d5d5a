/* Index spaces: Explainer.md#index-spaces. */
#include "component/validate/validate.h"

void tn_scope_open(tn_checker *checker, tn_scope *scope, tn_scope_kind kind, tn_scope *outer) {
  *scope = (tn_scope){.kind = kind, .outer = outer, .id = ++checker->scope_count};
}

/* Copies what outlives the scope. */
static const tn_checked_table *keep_table(tn_checker *checker, const tn_checked_table *table) {
  tn_checked_table *copy = TN_ARENA_NEW(checker->arena, tn_checked_table);
  if (copy != NULL) *copy = *table;
  return copy;
}

tn_error *tn_scope_close(tn_checker *checker, const tn_scope *scope, const tn_checked_type **out) {
  const tn_checked_table *imports = keep_table(checker, &scope->imports.table);
  const tn_checked_table *exports = keep_table(checker, &scope->exports.table);
  if (imports == NULL || exports == NULL) return tn_error_no_memory();
  if (scope->kind == TN_SCOPE_INSTANCE_TYPE) imports = NULL;
  return tn_checked_tables_new(checker, imports, exports, scope->id, out);
}

/* ---- looking up -------------------------------------------------------------------------------- */

static tn_error *out_of_bounds(const char *what, const char *space, uint32_t index) {
  return tn_check_fail("unknown %s %u: %s index out of bounds", what, index, space);
}

static tn_error *get_type(const tn_type_space *space, const char *what, uint32_t index,
                          const tn_checked_type **out) {
  if (index >= space->len) return out_of_bounds(what, what, index);
  *out = space->items[index];
  return NULL;
}

tn_error *tn_scope_type(const tn_scope *scope, uint32_t index, const tn_checked_type **out) {
  return get_type(&scope->types, "type", index, out);
}

tn_error *tn_scope_func(const tn_scope *scope, uint32_t index, const tn_checked_type **out) {
  return get_type(&scope->funcs, "function", index, out);
}

tn_error *tn_scope_component(const tn_scope *scope, uint32_t index, const tn_checked_type **out) {
  return get_type(&scope->components, "component", index, out);
}

tn_error *tn_scope_instance(const tn_scope *scope, uint32_t index, const tn_checked_type **out) {
  return get_type(&scope->instances, "instance", index, out);
}

tn_error *tn_scope_value(tn_scope *scope, uint32_t index, tn_checked_value **out) {
  if (index >= scope->values.len) return out_of_bounds("value", "value", index);
  *out = &scope->values.items[index];
  return NULL;
}

tn_error *tn_scope_core_func(const tn_scope *scope, uint32_t index, const tn_core_func_type **out) {
  if (index >= scope->core_funcs.len) return out_of_bounds("core function", "function", index);
  *out = scope->core_funcs.items[index];
  return NULL;
}

tn_error *tn_scope_core_type(const tn_scope *scope, uint32_t index,
                             const tn_checked_core_type **out) {
  if (index >= scope->core_types.len) return out_of_bounds("type", "type", index);
  *out = &scope->core_types.items[index];
  return NULL;
}

tn_error *tn_scope_core_module(const tn_scope *scope, uint32_t index,
                               const tn_checked_module **out) {
  if (index >= scope->core_modules.len) return out_of_bounds("module", "module", index);
  *out = scope->core_modules.items[index];
  return NULL;
}

tn_error *tn_scope_core_instance(const tn_scope *scope, uint32_t index, const tn_map **out) {
  if (index >= scope->core_instances.len) return out_of_bounds("core instance", "instance", index);
  *out = scope->core_instances.items[index];
  return NULL;
}

/* The space of tables, memories, globals or tags; NULL for another sort. */
static const tn_core_extern_space *core_extern_space(const tn_scope *scope, tn_sort sort) {
  switch (sort) {
  case TN_SORT_CORE_TABLE:
    return &scope->core_tables;
  case TN_SORT_CORE_MEMORY:
    return &scope->core_memories;
  case TN_SORT_CORE_GLOBAL:
    return &scope->core_globals;
  case TN_SORT_CORE_TAG:
    return &scope->core_tags;
  default:
    return NULL;
  }
}

tn_error *tn_scope_core_extern(const tn_scope *scope, tn_sort sort, uint32_t index,
                               const tn_core_extern_type **out) {
  const tn_core_extern_space *space = core_extern_space(scope, sort);
  if (space == NULL)
    return tn_check_fail("a %s cannot be exported by a core instance", tn_sort_name(sort));
  if (index >= space->len) return out_of_bounds(tn_sort_name(sort), tn_sort_name(sort), index);
  *out = space->items[index];
  return NULL;
}

tn_error *tn_scope_type_of_kind(const tn_scope *scope, uint32_t index, tn_checked_kind kind,
                                const tn_checked_type **out) {
  static const char *const kind_names[] = {
      [TN_CHECKED_VALUE] = "a defined type",       [TN_CHECKED_FUNC] = "a function type",
      [TN_CHECKED_COMPONENT] = "a component type", [TN_CHECKED_INSTANCE] = "an instance type",
      [TN_CHECKED_RESOURCE] = "a resource type",
  };
  TN_TRY(tn_scope_type(scope, index, out));
  if ((*out)->kind == kind) return NULL;
  return tn_check_fail("type index %u is not %s", index, kind_names[kind]);
}

tn_error *tn_scope_module_type(const tn_scope *scope, uint32_t index,
                               const tn_checked_module **out) {
  const tn_checked_core_type *type;
  TN_TRY(tn_scope_core_type(scope, index, &type));
  *out = type->module;
  return *out == NULL ? tn_check_fail("core type index %u is not a module type", index) : NULL;
}

/* Binary.md#-start-definitions: each value is consumed exactly once. */
tn_error *tn_scope_use_value(tn_scope *scope, uint32_t index, const tn_checked_type **out) {
  tn_checked_value *value;
  TN_TRY(tn_scope_value(scope, index, &value));
  if (value->is_used) return tn_check_fail("value %u cannot be used more than once", index);
  value->is_used = true;
  *out = value->type;
  return NULL;
}

tn_error *tn_scope_item(tn_scope *scope, tn_sort_index at, tn_checked_item *out) {
  *out = (tn_checked_item){.sort = at.sort};
  switch (at.sort) {
  case TN_SORT_CORE_MODULE:
    return tn_scope_core_module(scope, at.index, &out->module);
  case TN_SORT_FUNC:
    return tn_scope_func(scope, at.index, &out->type);
  case TN_SORT_VALUE:
    return tn_scope_use_value(scope, at.index, &out->type);
  case TN_SORT_TYPE:
    return tn_scope_type(scope, at.index, &out->type);
  case TN_SORT_COMPONENT:
    return tn_scope_component(scope, at.index, &out->type);
  case TN_SORT_INSTANCE:
    return tn_scope_instance(scope, at.index, &out->type);
  default:
    return tn_check_fail("a %s cannot be exported or passed by a component", tn_sort_name(at.sort));
  }
}

/* ---- adding ------------------------------------------------------------------------------------ */

static tn_error *add_type(tn_checker *checker, tn_type_space *space, const tn_checked_type *type) {
  const tn_checked_type **element = TN_VEC_PUSH(checker->arena, space);
  if (element == NULL) return tn_error_no_memory();
  *element = type;
  return NULL;
}

static tn_error *add_value(tn_checker *checker, tn_scope *scope, const tn_checked_type *type) {
  tn_checked_value *value = TN_VEC_PUSH(checker->arena, &scope->values);
  if (value == NULL) return tn_error_no_memory();
  value->type = type;
  return NULL;
}

tn_error *tn_scope_add_type(tn_checker *checker, tn_scope *scope, const tn_checked_type *type) {
  return add_type(checker, &scope->types, type);
}

tn_error *tn_scope_add_core_func(tn_checker *checker, tn_scope *scope,
                                 const tn_core_func_type *type) {
  const tn_core_func_type **element = TN_VEC_PUSH(checker->arena, &scope->core_funcs);
  if (element == NULL) return tn_error_no_memory();
  *element = type;
  return NULL;
}

static tn_error *add_core_extern(tn_checker *checker, tn_core_extern_space *space,
                                 const tn_core_extern_type *type) {
  const tn_core_extern_type **element = TN_VEC_PUSH(checker->arena, space);
  if (element == NULL) return tn_error_no_memory();
  *element = type;
  return NULL;
}

tn_error *tn_scope_add_core_extern(tn_checker *checker, tn_scope *scope,
                                   const tn_core_extern_type *type) {
  switch (type->kind) {
  case TN_CORE_EXTERN_FUNC:
    return tn_scope_add_core_func(checker, scope, type->func);
  case TN_CORE_EXTERN_TABLE:
    return add_core_extern(checker, &scope->core_tables, type);
  case TN_CORE_EXTERN_MEMORY:
    return add_core_extern(checker, &scope->core_memories, type);
  case TN_CORE_EXTERN_GLOBAL:
    return add_core_extern(checker, &scope->core_globals, type);
  case TN_CORE_EXTERN_TAG:
    return add_core_extern(checker, &scope->core_tags, type);
  }
  return NULL;
}

tn_error *tn_scope_add_core_module(tn_checker *checker, tn_scope *scope,
                                   const tn_checked_module *module) {
  const tn_checked_module **element = TN_VEC_PUSH(checker->arena, &scope->core_modules);
  if (element == NULL) return tn_error_no_memory();
  *element = module;
  return NULL;
}

tn_error *tn_scope_add_core_instance(tn_checker *checker, tn_scope *scope, const tn_map *exports) {
  const tn_map **element = TN_VEC_PUSH(checker->arena, &scope->core_instances);
  if (element == NULL) return tn_error_no_memory();
  *element = exports;
  return NULL;
}

tn_error *tn_scope_add_item(tn_checker *checker, tn_scope *scope, const tn_checked_item *item) {
  switch (item->sort) {
  case TN_SORT_CORE_MODULE:
    return tn_scope_add_core_module(checker, scope, item->module);
  case TN_SORT_FUNC:
    return add_type(checker, &scope->funcs, item->type);
  case TN_SORT_VALUE:
    return add_value(checker, scope, item->type);
  case TN_SORT_TYPE:
    return add_type(checker, &scope->types, item->type);
  case TN_SORT_COMPONENT:
    return add_type(checker, &scope->components, item->type);
  case TN_SORT_INSTANCE:
    return add_type(checker, &scope->instances, item->type);
  default: /* no other sort is an item: see tn_scope_item and tn_check_extern_type */
    return NULL;
  }
}
