#include "wit/model.h"

enum {
  /* Nested components may be instantiated over and over. A step allocates; looking at a name is cheap. */
  MAX_COST = 100000000,
  STEP_COST = 100,
  MAX_DEPTH = 200,
};

struct tn_wit_space {
  const tn_wit_space *outer;
  TN_VEC(const tn_wit_node *) types;
  TN_VEC(const tn_wit_node *) funcs;
  TN_VEC(tn_wit_instance *) instances;
  TN_VEC(tn_wit_component) components;
};

typedef struct finder {
  tn_arena *arena;
  uint32_t cost;
  uint32_t depth;
} finder;

/* Where the imports of a scope come from and its exports go. */
typedef struct scope_ends {
  const tn_wit_items *arguments; /* NULL: the imports are left open */
  tn_wit_instance *imports;      /* owner of the imports that are left open; may be NULL */
  tn_wit_instance *exports;
} scope_ends;

const tn_wit_node *tn_wit_space_type(const tn_wit_space *space, uint32_t index) {
  return index < space->types.len ? space->types.items[index] : NULL;
}

const tn_wit_node *tn_wit_node_root(const tn_wit_node *node) {
  while (node->same != NULL)
    node = node->same;
  return node;
}

static tn_error *bad_reference(void) {
  return tn_error_new(TN_ERROR_INVALID, "the component refers to something that it does not have");
}

static tn_error *count_step(finder *f) {
  f->cost += STEP_COST;
  if (f->cost < MAX_COST) return NULL;
  return tn_error_new(TN_ERROR_LIMIT, "the component is too large to be described");
}

/* ---- filling a space ----------------------------------------------------------------------------- */

#define PUSH(f, vec, value)                                                                        \
  do {                                                                                             \
    __typeof__((vec)->items) push_slot = TN_VEC_PUSH((f)->arena, (vec));                           \
    if (push_slot == NULL) return tn_error_no_memory();                                            \
    *push_slot = (value);                                                                          \
  } while (0)

static tn_error *add_to_space(finder *f, tn_wit_space *space, const tn_wit_item *item) {
  switch (item->sort) {
  case TN_SORT_TYPE:
    PUSH(f, &space->types, item->type);
    return NULL;
  case TN_SORT_FUNC:
    PUSH(f, &space->funcs, item->type);
    return NULL;
  case TN_SORT_INSTANCE:
    PUSH(f, &space->instances, item->instance);
    return NULL;
  case TN_SORT_COMPONENT:
    PUSH(f, &space->components, item->component);
    return NULL;
  default: /* core sorts and values have no part in WIT */
    return NULL;
  }
}

static tn_error *item_at(const tn_wit_space *space, tn_sort sort, uint32_t index,
                         tn_wit_item *out) {
  *out = (tn_wit_item){.sort = sort};
  switch (sort) {
  case TN_SORT_TYPE:
    if (index >= space->types.len) return bad_reference();
    out->type = space->types.items[index];
    return NULL;
  case TN_SORT_FUNC:
    if (index >= space->funcs.len) return bad_reference();
    out->type = space->funcs.items[index];
    return NULL;
  case TN_SORT_INSTANCE:
    if (index >= space->instances.len) return bad_reference();
    out->instance = space->instances.items[index];
    return NULL;
  case TN_SORT_COMPONENT:
    if (index >= space->components.len) return bad_reference();
    out->component = space->components.items[index];
    return NULL;
  default:
    return NULL;
  }
}

static const tn_wit_item *find_item(finder *f, const tn_wit_items *items, tn_str name) {
  for (uint32_t i = 0; i < items->len && f->cost < MAX_COST; i++) {
    f->cost++;
    if (tn_str_equal(items->items[i].name, name)) return &items->items[i];
  }
  return NULL;
}

static tn_error *add_definition(finder *f, tn_wit_space *space, const tn_ast_type *type) {
  tn_wit_node *node = TN_ARENA_NEW(f->arena, tn_wit_node);
  if (node == NULL) return tn_error_no_memory();
  node->ast = type;
  node->space = space;
  PUSH(f, &space->types, node);
  return NULL;
}

static tn_error *add_alias(finder *f, tn_wit_space *space, const tn_ast_alias *alias) {
  tn_wit_item item;
  if (alias->kind == TN_ALIAS_CORE_EXPORT) return NULL;
  if (alias->kind == TN_ALIAS_OUTER) {
    const tn_wit_space *from = space;
    for (uint32_t i = 0; i < alias->outer_count && from != NULL; i++)
      from = from->outer;
    if (from == NULL) return bad_reference();
    TN_TRY(item_at(from, alias->sort, alias->outer_index, &item));
    return add_to_space(f, space, &item);
  }
  TN_TRY(item_at(space, TN_SORT_INSTANCE, alias->instance, &item));
  const tn_wit_item *exported = find_item(f, &item.instance->items, alias->name);
  if (exported == NULL || exported->sort != alias->sort) return bad_reference();
  return add_to_space(f, space, exported);
}

/* ---- imports and exports ------------------------------------------------------------------------- */

static tn_error *walk_declarations(finder *f, const tn_wit_node *type, scope_ends ends);

static tn_error *new_instance(finder *f, tn_str name, tn_wit_instance **out) {
  *out = TN_ARENA_NEW(f->arena, tn_wit_instance);
  if (*out == NULL) return tn_error_no_memory();
  (*out)->name = name;
  return NULL;
}

static tn_error *name_type(finder *f, const tn_wit_node *same, tn_str name,
                           const tn_wit_instance *owner, const tn_wit_node **out) {
  tn_wit_node *node = TN_ARENA_NEW(f->arena, tn_wit_node);
  if (node == NULL) return tn_error_no_memory();
  node->same = same;
  node->name = name;
  node->owner = owner;
  *out = node;
  return NULL;
}

/* What an import, or the export of a type, declares. */
static tn_error *declare(finder *f, const tn_wit_space *space, const tn_ast_extern_type *type,
                         tn_str name, const tn_wit_instance *owner, tn_wit_item *out) {
  *out = (tn_wit_item){.name = name, .sort = type->sort};
  const tn_wit_node *node = tn_wit_space_type(space, type->index);
  bool is_new_resource = type->sort == TN_SORT_TYPE && type->bound == TN_BOUND_SUB_RESOURCE;
  bool has_type = type->sort == TN_SORT_TYPE || type->sort == TN_SORT_FUNC ||
                  type->sort == TN_SORT_INSTANCE || type->sort == TN_SORT_COMPONENT;
  if (!has_type) return NULL;
  if (node == NULL && !is_new_resource) return bad_reference();
  switch (type->sort) {
  case TN_SORT_TYPE:
    return name_type(f, is_new_resource ? NULL : node, name, owner, &out->type);
  case TN_SORT_FUNC:
    out->type = node;
    return NULL;
  case TN_SORT_COMPONENT:
    out->component = (tn_wit_component){.type = node};
    return NULL;
  default:
    TN_TRY(new_instance(f, name, &out->instance));
    return walk_declarations(f, node, (scope_ends){.exports = out->instance});
  }
}

static void set_attributes(tn_wit_item *item, const tn_extern_name *name) {
  item->implements = name->implements;
  item->external_id = name->external_id;
}

static tn_error *add_import(finder *f, tn_wit_space *space, const tn_ast_import *import,
                            scope_ends ends) {
  tn_wit_item item;
  if (ends.arguments != NULL) {
    const tn_wit_item *given = find_item(f, ends.arguments, import->name.name);
    if (given == NULL) return bad_reference();
    return add_to_space(f, space, given);
  }
  TN_TRY(declare(f, space, &import->type, import->name.name, ends.imports, &item));
  set_attributes(&item, &import->name);
  if (ends.imports != NULL) PUSH(f, &ends.imports->items, item);
  return add_to_space(f, space, &item);
}

/* The item that a component exports, under its new name. */
static tn_error *export_item(finder *f, const tn_wit_space *space, const tn_ast_export *export,
                             const tn_wit_instance *owner, tn_wit_item *out) {
  bool is_retyped = export->has_type && export->item.sort != TN_SORT_TYPE;
  if (is_retyped) return declare(f, space, &export->type, export->name.name, owner, out);
  TN_TRY(item_at(space, export->item.sort, export->item.index, out));
  out->name = export->name.name;
  if (out->sort == TN_SORT_TYPE) return name_type(f, out->type, out->name, owner, &out->type);
  if (out->sort != TN_SORT_INSTANCE) return NULL;
  if (out->instance->name.data == NULL) {
    out->instance->name = out->name;
    return NULL;
  }
  tn_wit_instance *renamed;
  TN_TRY(new_instance(f, out->name, &renamed));
  renamed->items = out->instance->items;
  out->instance = renamed;
  return NULL;
}

/* ---- scopes -------------------------------------------------------------------------------------- */

static tn_error *new_space(finder *f, const tn_wit_space *outer, tn_wit_space **out) {
  *out = TN_ARENA_NEW(f->arena, tn_wit_space);
  if (*out == NULL) return tn_error_no_memory();
  (*out)->outer = outer;
  return NULL;
}

static tn_error *add_declarator(finder *f, tn_wit_space *space, const tn_ast_decl *decl,
                                scope_ends ends) {
  tn_wit_item item;
  TN_TRY(count_step(f));
  switch (decl->kind) {
  case TN_DECL_TYPE:
    return add_definition(f, space, decl->type);
  case TN_DECL_ALIAS:
    return add_alias(f, space, &decl->alias);
  case TN_DECL_IMPORT:
    return add_import(f, space, &decl->import, ends);
  case TN_DECL_EXPORT:
    TN_TRY(declare(f, space, &decl->export_.type, decl->export_.name.name, ends.exports, &item));
    set_attributes(&item, &decl->export_.name);
    PUSH(f, &ends.exports->items, item);
    return add_to_space(f, space, &item);
  default: /* core types */
    return NULL;
  }
}

/* An instance or component type. */
static tn_error *walk_declarations(finder *f, const tn_wit_node *type, scope_ends ends) {
  const tn_wit_node *root = tn_wit_node_root(type);
  if (root->ast == NULL ||
      (root->ast->kind != TN_AST_INSTANCE && root->ast->kind != TN_AST_COMPONENT)) {
    return bad_reference();
  }
  if (f->depth == MAX_DEPTH) return tn_error_new(TN_ERROR_LIMIT, "types are nested too deeply");
  tn_wit_space *space;
  TN_TRY(new_space(f, root->space, &space));
  f->depth++;
  tn_error *error = NULL;
  for (uint32_t i = 0; i < root->ast->decl_count && error == NULL; i++) {
    error = add_declarator(f, space, &root->ast->decls[i], ends);
  }
  f->depth--;
  return error;
}

static tn_error *walk_component(finder *f, const tn_component_ast *component,
                                const tn_wit_space *outer, scope_ends ends);

static tn_error *instantiate(finder *f, const tn_wit_space *space, const tn_ast_instance *instance,
                             const tn_wit_items *arguments, tn_wit_instance *out) {
  tn_wit_item item;
  TN_TRY(item_at(space, TN_SORT_COMPONENT, instance->component, &item));
  scope_ends ends = {.arguments = arguments, .exports = out};
  if (item.component.ast == NULL) return walk_declarations(f, item.component.type, ends);
  return walk_component(f, item.component.ast, item.component.outer, ends);
}

/* An instance made of inline exports, or by instantiating a component with these arguments. */
static tn_error *add_instance(finder *f, tn_wit_space *space, const tn_ast_instance *instance) {
  tn_wit_instance *made;
  tn_wit_items arguments = {0};
  TN_TRY(new_instance(f, (tn_str){NULL, 0}, &made));
  for (uint32_t i = 0; i < instance->argument_count; i++) {
    tn_wit_item item;
    const tn_ast_argument *argument = &instance->arguments[i];
    TN_TRY(count_step(f));
    TN_TRY(item_at(space, argument->item.sort, argument->item.index, &item));
    item.name = argument->name.name;
    if (!instance->is_instantiate && item.sort == TN_SORT_TYPE) {
      TN_TRY(name_type(f, item.type, item.name, made, &item.type));
    }
    PUSH(f, &arguments, item);
  }
  if (instance->is_instantiate) {
    TN_TRY(instantiate(f, space, instance, &arguments, made));
  } else {
    made->items = arguments;
  }
  PUSH(f, &space->instances, made);
  return NULL;
}

static tn_error *add_export(finder *f, tn_wit_space *space, const tn_ast_export *export,
                            scope_ends ends) {
  tn_wit_item item;
  TN_TRY(export_item(f, space, export, ends.exports, &item));
  set_attributes(&item, &export->name);
  PUSH(f, &ends.exports->items, item);
  return add_to_space(f, space, &item);
}

static tn_error *add_lift(finder *f, tn_wit_space *space, const tn_ast_canon *canon) {
  if (canon->kind != TN_CANON_LIFT) return NULL; /* the others make core functions */
  const tn_wit_node *type = tn_wit_space_type(space, canon->type);
  if (type == NULL) return bad_reference();
  PUSH(f, &space->funcs, type);
  return NULL;
}

static tn_error *add_component_definition(finder *f, tn_wit_space *space,
                                          const tn_definition *definition, scope_ends ends) {
  TN_TRY(count_step(f));
  switch (definition->kind) {
  case TN_DEFINITION_COMPONENT:
    PUSH(f, &space->components, ((tn_wit_component){.ast = definition->component, .outer = space}));
    return NULL;
  case TN_DEFINITION_INSTANCE:
    return add_instance(f, space, &definition->instance);
  case TN_DEFINITION_ALIAS:
    return add_alias(f, space, &definition->alias);
  case TN_DEFINITION_TYPE:
    return add_definition(f, space, definition->type);
  case TN_DEFINITION_CANON:
    return add_lift(f, space, &definition->canon);
  case TN_DEFINITION_IMPORT:
    return add_import(f, space, &definition->import, ends);
  case TN_DEFINITION_EXPORT:
    return add_export(f, space, &definition->export_, ends);
  default:
    return NULL;
  }
}

static tn_error *walk_component(finder *f, const tn_component_ast *component,
                                const tn_wit_space *outer, scope_ends ends) {
  if (f->depth == MAX_DEPTH)
    return tn_error_new(TN_ERROR_LIMIT, "components are nested too deeply");
  tn_wit_space *space;
  TN_TRY(new_space(f, outer, &space));
  f->depth++;
  tn_error *error = NULL;
  for (uint32_t i = 0; i < component->definition_count && error == NULL; i++) {
    error = add_component_definition(f, space, &component->definitions[i], ends);
  }
  f->depth--;
  return error;
}

tn_error *tn_wit_find_world(tn_arena *arena, const tn_component_ast *component,
                            tn_wit_component_world *out) {
  finder f = {.arena = arena};
  *out = (tn_wit_component_world){0};
  return walk_component(&f, component, NULL,
                        (scope_ends){.imports = &out->imports, .exports = &out->exports});
}

tn_error *tn_wit_find_component_world(tn_arena *arena, const tn_wit_component *component,
                                      tn_wit_component_world *out) {
  finder f = {.arena = arena};
  *out = (tn_wit_component_world){0};
  scope_ends ends = {.imports = &out->imports, .exports = &out->exports};
  if (component->ast != NULL) return walk_component(&f, component->ast, component->outer, ends);
  return walk_declarations(&f, component->type, ends);
}

tn_error *tn_wit_find_world_of_type(tn_arena *arena, const tn_wit_node *type, uint32_t *cost,
                                    tn_wit_component_world *out) {
  finder f = {.arena = arena, .cost = *cost};
  *out = (tn_wit_component_world){0};
  tn_error *error =
      walk_declarations(&f, type, (scope_ends){.imports = &out->imports, .exports = &out->exports});
  *cost = f.cost;
  return error;
}
