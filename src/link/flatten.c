/* Walking the definitions of a component: Explainer.md#index-spaces. What is referred to by index has been
 * validated, so that indices are used as they are. */
#include "base/error.h"
#include "component/component.h"
#include "component/binary/names.h"
#include "link/scope.h"

tn_error *tn_link_add_instance(tn_linking *linking, uint32_t parent, tn_str name, uint32_t *out) {
  if (linking->instances.len >= TN_MAX_PLAN_INSTANCES) {
    return tn_error_new(TN_ERROR_LIMIT, "the component contains more than %d component instances",
                        TN_MAX_PLAN_INSTANCES);
  }
  tn_str path = name;
  uint32_t rights = 0;
  if (parent != UINT32_MAX) {
    const tn_plan_instance *above = &linking->instances.items[parent];
    rights = above->rights;
    if (above->path.len > 0)
      path = tn_arena_format(linking->arena, "%" TN_STR_FORMAT "/%" TN_STR_FORMAT,
                             TN_STR_ARG(above->path), TN_STR_ARG(name));
  }
  *out = linking->instances.len;
  tn_plan_instance *place = TN_VEC_PUSH(linking->arena, &linking->instances);
  if (place == NULL || (name.len > 0 && path.data == NULL)) return tn_error_no_memory();
  *place = (tn_plan_instance){.parent = parent, .path = path, .rights = rights};
  return NULL;
}

tn_error *tn_instance_item_put(tn_linking *linking, tn_instance_item *instance, tn_str name,
                               tn_item item) {
  tn_item *copy = TN_ARENA_NEW(linking->arena, tn_item);
  tn_str *place = TN_VEC_PUSH(linking->arena, &instance->names);
  if (copy == NULL || place == NULL) return tn_error_no_memory();
  *copy = item;
  *place = name;
  return tn_map_put(linking->arena, &instance->exports, name, copy) ? NULL : tn_error_no_memory();
}

#define PUSH(linking, vec, value)                                                                  \
  do {                                                                                             \
    __typeof__((vec)->items) push_place = TN_VEC_PUSH((linking)->arena, (vec));                    \
    if (push_place == NULL) return tn_error_no_memory();                                           \
    *push_place = (value);                                                                         \
    return NULL;                                                                                   \
  } while (0)

tn_error *tn_scope_push(tn_linking *linking, tn_scope *scope, tn_item item) {
  switch (item.sort) {
  case TN_SORT_CORE_MODULE:
    PUSH(linking, &scope->core_modules, item.module);
  case TN_SORT_FUNC:
    PUSH(linking, &scope->funcs, item.func);
  case TN_SORT_TYPE:
    PUSH(linking, &scope->types, item.type);
  case TN_SORT_COMPONENT:
    PUSH(linking, &scope->components, item.component);
  case TN_SORT_INSTANCE:
    PUSH(linking, &scope->instances, item.instance);
  default:
    return tn_error_new(TN_ERROR_UNSUPPORTED, "values in components are not supported");
  }
}

/* The item at an index of this scope. */
static tn_error *item_at(const tn_scope *scope, tn_sort_index index, tn_item *out) {
  *out = (tn_item){.sort = index.sort};
  switch (index.sort) {
  case TN_SORT_CORE_MODULE:
    out->module = scope->core_modules.items[index.index];
    return NULL;
  case TN_SORT_FUNC:
    out->func = scope->funcs.items[index.index];
    return NULL;
  case TN_SORT_TYPE:
    out->type = scope->types.items[index.index];
    return NULL;
  case TN_SORT_COMPONENT:
    out->component = scope->components.items[index.index];
    return NULL;
  case TN_SORT_INSTANCE:
    out->instance = scope->instances.items[index.index];
    return NULL;
  default:
    return tn_error_new(TN_ERROR_UNSUPPORTED, "values in components are not supported");
  }
}

/* ---- core instances ---------------------------------------------------------------------------- */

static const tn_core_export *find_core_export(const tn_core_module *module, tn_str name) {
  for (uint32_t i = 0; i < module->export_count; i++) {
    if (tn_str_equal(module->exports[i].name, name)) return &module->exports[i];
  }
  return NULL;
}

static tn_error *core_export_item(const tn_core_instance_item *instance, tn_str name,
                                  tn_core_item *out) {
  if (instance->module == NULL) {
    const tn_core_item *item = tn_map_get(&instance->exports, name);
    if (item == NULL)
      return tn_error_new(TN_ERROR_INTERNAL, "no core export \"%" TN_STR_FORMAT "\"",
                          TN_STR_ARG(name));
    *out = *item;
    return NULL;
  }
  const tn_core_export *export_ = find_core_export(instance->module, name);
  if (export_ == NULL)
    return tn_error_new(TN_ERROR_INTERNAL, "no core export \"%" TN_STR_FORMAT "\"",
                        TN_STR_ARG(name));
  *out = (tn_core_item){.source = {.kind = TN_SOURCE_EXPORT, .slot = instance->slot, .name = name},
                        .is_64 = export_->type.limits.is_64};
  return NULL;
}

static const tn_ast_core_argument *find_core_argument(const tn_ast_core_instance *ast,
                                                      tn_str name) {
  for (uint32_t i = 0; i < ast->argument_count; i++) {
    if (tn_str_equal(ast->arguments[i].name, name)) return &ast->arguments[i];
  }
  return NULL;
}

static tn_error *instantiate_core(tn_linking *linking, tn_scope *scope,
                                  const tn_ast_core_instance *ast, tn_core_instance_item *out) {
  const tn_core_module *module = scope->core_modules.items[ast->module];
  tn_core_source *sources = TN_ARENA_ARRAY(linking->arena, tn_core_source, module->import_count);
  if (sources == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < module->import_count; i++) {
    const tn_core_import *import = &module->imports[i];
    const tn_ast_core_argument *argument = find_core_argument(ast, import->module);
    if (argument == NULL) {
      return tn_error_new(TN_ERROR_INTERNAL, "no argument for core import \"%" TN_STR_FORMAT "\"",
                          TN_STR_ARG(import->module));
    }
    tn_core_item item;
    TN_TRY(
        core_export_item(&scope->core_instances.items[argument->item.index], import->name, &item));
    sources[i] = item.source;
  }
  out->module = module;
  return tn_link_instantiate_module(linking, scope->compiled, module, scope->instance, sources,
                                    &out->slot);
}

static tn_error *bundle_core(tn_linking *linking, tn_scope *scope, const tn_ast_core_instance *ast,
                             tn_core_instance_item *out) {
  for (uint32_t i = 0; i < ast->argument_count; i++) {
    const tn_ast_core_argument *export_ = &ast->arguments[i];
    if (export_->item.sort > TN_SORT_CORE_TAG)
      continue; /* types and modules: nothing at run time */
    tn_core_item *item = &scope->core[export_->item.sort].items[export_->item.index];
    if (!tn_map_put(linking->arena, &out->exports, export_->name, item))
      return tn_error_no_memory();
  }
  return NULL;
}

static tn_error *define_core_instance(tn_linking *linking, tn_scope *scope,
                                      const tn_ast_core_instance *ast) {
  tn_core_instance_item item = {0};
  TN_TRY(ast->is_instantiate ? instantiate_core(linking, scope, ast, &item)
                             : bundle_core(linking, scope, ast, &item));
  PUSH(linking, &scope->core_instances, item);
}

/* ---- component instances ----------------------------------------------------------------------- */

/* What messages call the next instance of the scope: its own name, its component's, or its index. */
static tn_error *name_instance(tn_linking *linking, const tn_scope *scope,
                               const tn_component_ast *component, tn_str *out) {
  *out = tn_names_find(scope->ast, TN_SORT_INSTANCE, scope->instances.len);
  if (out->data == NULL) *out = component->name;
  if (out->data != NULL) return NULL;
  *out = tn_arena_format(linking->arena, "%u", scope->instances.len);
  return out->data == NULL ? tn_error_no_memory() : NULL;
}

static tn_error *instantiate_component(tn_linking *linking, tn_scope *scope,
                                       const tn_ast_instance *ast, tn_instance_item **out) {
  const tn_component_item *component = scope->components.items[ast->component];
  tn_map *arguments = TN_ARENA_NEW(linking->arena, tn_map);
  tn_scope *inner = TN_ARENA_NEW(linking->arena, tn_scope);
  if (arguments == NULL || inner == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < ast->argument_count; i++) {
    tn_item *item = TN_ARENA_NEW(linking->arena, tn_item);
    if (item == NULL) return tn_error_no_memory();
    TN_TRY(item_at(scope, ast->arguments[i].item, item));
    if (!tn_map_put(linking->arena, arguments, ast->arguments[i].name.name, item))
      return tn_error_no_memory();
  }
  if (scope->depth >= TN_MAX_COMPONENT_DEPTH) {
    return tn_error_new(TN_ERROR_LIMIT, "component instances nest more than %d deep",
                        TN_MAX_COMPONENT_DEPTH);
  }
  *inner = (tn_scope){.parent = component->closure,
                      .ast = component->ast,
                      .compiled = component->closure->compiled,
                      .arguments = arguments,
                      .depth = scope->depth + 1};
  tn_str name;
  TN_TRY(name_instance(linking, scope, component->ast, &name));
  TN_TRY(tn_link_add_instance(linking, scope->instance, name, &inner->instance));
  TN_TRY(tn_link_component(linking, inner));
  *out = &inner->exports;
  return NULL;
}

static tn_error *define_instance(tn_linking *linking, tn_scope *scope, const tn_ast_instance *ast) {
  tn_instance_item *instance = NULL;
  if (ast->is_instantiate) {
    TN_TRY(instantiate_component(linking, scope, ast, &instance));
  } else {
    instance = TN_ARENA_NEW(linking->arena, tn_instance_item);
    if (instance == NULL) return tn_error_no_memory();
    for (uint32_t i = 0; i < ast->argument_count; i++) {
      tn_item item;
      TN_TRY(item_at(scope, ast->arguments[i].item, &item));
      TN_TRY(tn_instance_item_put(linking, instance, ast->arguments[i].name.name, item));
    }
  }
  PUSH(linking, &scope->instances, instance);
}

/* ---- aliases, imports, exports ----------------------------------------------------------------- */

static tn_error *alias_export(tn_linking *linking, tn_scope *scope, const tn_ast_alias *alias) {
  const tn_item *item = tn_map_get(&scope->instances.items[alias->instance]->exports, alias->name);
  if (item == NULL) {
    return tn_error_new(TN_ERROR_INTERNAL, "no export \"%" TN_STR_FORMAT "\"",
                        TN_STR_ARG(alias->name));
  }
  return tn_scope_push(linking, scope, *item);
}

static tn_error *alias_core_export(tn_linking *linking, tn_scope *scope,
                                   const tn_ast_alias *alias) {
  if (alias->sort > TN_SORT_CORE_TAG) return NULL;
  tn_core_item item;
  TN_TRY(core_export_item(&scope->core_instances.items[alias->instance], alias->name, &item));
  PUSH(linking, &scope->core[alias->sort], item);
}

static tn_error *define_alias(tn_linking *linking, tn_scope *scope, const tn_ast_alias *alias) {
  if (alias->kind == TN_ALIAS_EXPORT) return alias_export(linking, scope, alias);
  if (alias->kind == TN_ALIAS_CORE_EXPORT) return alias_core_export(linking, scope, alias);
  if (alias->sort == TN_SORT_CORE_TYPE)
    return NULL; /* core types are the validator's business alone */
  const tn_scope *outer = scope;
  for (uint32_t i = 0; i < alias->outer_count; i++)
    outer = outer->parent;
  tn_item item;
  TN_TRY(item_at(outer, (tn_sort_index){alias->sort, alias->outer_index}, &item));
  return tn_scope_push(linking, scope, item);
}

static tn_error *define_import(tn_linking *linking, tn_scope *scope, const tn_ast_import *import) {
  tn_item item;
  if (scope->arguments == NULL) {
    TN_TRY(tn_link_import(linking, scope, import, &item));
    return tn_scope_push(linking, scope, item);
  }
  const tn_item *argument = tn_map_get(scope->arguments, import->name.name);
  if (argument != NULL) return tn_scope_push(linking, scope, *argument);
  return tn_error_new(TN_ERROR_INTERNAL, "no argument for import \"%" TN_STR_FORMAT "\"",
                      TN_STR_ARG(import->name.name));
}

static tn_error *define_export(tn_linking *linking, tn_scope *scope, const tn_ast_export *export_) {
  tn_item item;
  TN_TRY(item_at(scope, export_->item, &item));
  if (item.sort == TN_SORT_TYPE && item.type->kind == TN_TYPE_ITEM_RESOURCE &&
      item.type->resource->name.data == NULL) {
    /* Its first name, for messages. */
    ((tn_resource *)item.type->resource)->name = export_->name.name;
  }
  TN_TRY(tn_instance_item_put(linking, &scope->exports, export_->name.name, item));
  return tn_scope_push(linking, scope, item);
}

static tn_error *define(tn_linking *linking, tn_scope *scope, const tn_definition *definition) {
  tn_item item;
  switch (definition->kind) {
  case TN_DEFINITION_CORE_MODULE:
    return tn_scope_push(linking, scope,
                         (tn_item){.sort = TN_SORT_CORE_MODULE, .module = definition->core_module});
  case TN_DEFINITION_CORE_INSTANCE:
    return define_core_instance(linking, scope, &definition->core_instance);
  case TN_DEFINITION_CORE_TYPE:
    return NULL;
  case TN_DEFINITION_COMPONENT:
    item = (tn_item){.sort = TN_SORT_COMPONENT,
                     .component = TN_ARENA_NEW(linking->arena, tn_component_item)};
    if (item.component == NULL) return tn_error_no_memory();
    *item.component = (tn_component_item){definition->component, scope};
    return tn_scope_push(linking, scope, item);
  case TN_DEFINITION_INSTANCE:
    return define_instance(linking, scope, &definition->instance);
  case TN_DEFINITION_ALIAS:
    return define_alias(linking, scope, &definition->alias);
  case TN_DEFINITION_TYPE:
    item = (tn_item){.sort = TN_SORT_TYPE};
    TN_TRY(tn_link_new_type(linking, scope, definition->type, &item.type));
    return tn_scope_push(linking, scope, item);
  case TN_DEFINITION_CANON:
    return tn_link_canon(linking, scope, &definition->canon);
  case TN_DEFINITION_IMPORT:
    return define_import(linking, scope, &definition->import);
  case TN_DEFINITION_EXPORT:
    return define_export(linking, scope, &definition->export_);
  case TN_DEFINITION_START:
    return tn_error_new(TN_ERROR_UNSUPPORTED, "component start functions are not supported");
  case TN_DEFINITION_VALUE:
    return tn_error_new(TN_ERROR_UNSUPPORTED, "values in components are not supported");
  }
  return NULL;
}

tn_error *tn_link_component(tn_linking *linking, tn_scope *scope) {
  tn_link_note_component(linking, scope);
  for (uint32_t i = 0; i < scope->ast->definition_count; i++) {
    TN_TRY(define(linking, scope, &scope->ast->definitions[i]));
  }
  return NULL;
}
