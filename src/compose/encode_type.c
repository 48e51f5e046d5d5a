#include "compose/encode.h"

#include "base/error.h"

static bool remember(tn_compose_scope *scope, tn_pointer_map *map, const void *key,
                     uint32_t index) {
  return tn_pointer_map_put(scope->types_of->arena, map, key, (void *)(uintptr_t)(index + 1));
}

static bool recall(const tn_pointer_map *map, const void *key, uint32_t *index) {
  uintptr_t found = (uintptr_t)tn_pointer_map_get(map, key);
  if (found == 0) return false;
  *index = (uint32_t)(found - 1);
  return true;
}

static tn_error *remember_type(tn_compose_scope *scope, const tn_compose_type *root,
                               uint32_t index) {
  return remember(scope, &scope->types, root, index) ? NULL : tn_error_no_memory();
}

/* Functions of a resource must mention it by the name that they have it in their own. */
tn_error *tn_compose_scope_name_type(tn_compose_scope *scope, const tn_compose_type *type,
                                     uint32_t index) {
  const tn_compose_type *root = tn_compose_root(type);
  uint32_t first;
  if (recall(&scope->named, root, &first)) return NULL;
  if (!remember(scope, &scope->named, root, index)) return tn_error_no_memory();
  return remember_type(scope, root, index);
}

tn_error *tn_compose_scope_open(tn_compose_scope *scope, tn_compose_types *types,
                                tn_component_builder *component, const tn_compose_items *imports) {
  *scope = (tn_compose_scope){
      .types_of = types, .component = component, .has_imports = true, .imports = imports};
  scope->decls.arena = types->arena;
  uint32_t count = imports->list.len;
  scope->import_indices = TN_ARENA_ARRAY(types->arena, uint32_t, count);
  if (scope->import_indices == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < count; i++) {
    const tn_compose_item *item = &imports->list.items[i];
    if (item->sort != TN_SORT_INSTANCE) continue;
    if (!remember(scope, &scope->import_interfaces, tn_compose_interface_root(item->interface), i))
      return tn_error_no_memory();
  }
  return NULL;
}

/* ---- adding to a scope of either kind ------------------------------------------------------------------- */

static tn_error *add_definition(tn_compose_scope *scope, const tn_ast_type *type, uint32_t *index) {
  if (scope->component != NULL) return tn_builder_add_type(scope->component, type, index);
  return tn_decl_builder_add_type(&scope->decls, type, index);
}

static tn_error *add_alias(tn_compose_scope *scope, uint32_t instance, tn_str name,
                           uint32_t *index) {
  if (scope->component != NULL)
    return tn_builder_add_alias(scope->component, instance, name, TN_SORT_TYPE, index);
  tn_ast_decl decl = {
      .kind = TN_DECL_ALIAS,
      .alias = {.kind = TN_ALIAS_EXPORT, .sort = TN_SORT_TYPE, .instance = instance, .name = name}};
  return tn_decl_builder_add(&scope->decls, &decl, index);
}

static tn_error *add_import(tn_compose_scope *scope, tn_str name, tn_ast_extern_type type,
                            uint32_t *index) {
  if (scope->component != NULL) return tn_builder_add_import(scope->component, name, type, index);
  return tn_decl_builder_add_import(&scope->decls, name, type, index);
}

/* ---- types of other interfaces -------------------------------------------------------------------------- */

static tn_error *encode_interface(tn_compose_scope *outer, const tn_compose_interface *interface,
                                  bool types_only, const tn_ast_type **out);

/* Imports an interface only because its types are used. */
static tn_error *import_home(tn_compose_scope *scope, const tn_compose_interface *home,
                             uint32_t *index) {
  const tn_ast_type *type;
  tn_ast_extern_type extern_type = {.sort = TN_SORT_INSTANCE};
  TN_TRY(encode_interface(scope, home, true, &type));
  TN_TRY(add_definition(scope, type, &extern_type.index));
  TN_TRY(add_import(scope, home->id, extern_type, index));
  bool is_kept = remember(scope, &scope->instances, home, *index) &&
                 tn_map_put(scope->types_of->arena, &scope->instances_by_id, home->id,
                            (void *)(uintptr_t)(*index + 1));
  return is_kept ? NULL : tn_error_no_memory();
}

/* The instance that has the types of an interface in this very scope. */
static tn_error *find_home(tn_compose_scope *scope, const tn_compose_interface *home,
                           uint32_t *index, bool *found) {
  uint32_t position;
  *found = true;
  if (recall(&scope->instances, home, index)) return NULL;
  *found = scope->has_imports;
  if (!scope->has_imports) return NULL;
  if (recall(&scope->import_interfaces, home, &position))
    return tn_compose_encode_import(scope, position, index);
  *found = false;
  if (home->id.data == NULL) return NULL;
  uintptr_t there = (uintptr_t)tn_map_get(&scope->instances_by_id, home->id);
  const tn_compose_item *item = tn_compose_items_get(scope->imports, home->id);
  /* The component itself imports nothing that it was not told to. */
  bool is_type = scope->component != NULL;
  *found = there != 0 || (item != NULL && item->sort == TN_SORT_INSTANCE) || !is_type;
  if (!*found) return NULL;
  if (there != 0) {
    *index = (uint32_t)(there - 1);
    return NULL;
  }
  if (item == NULL) return import_home(scope, home, index);
  return tn_compose_encode_import(scope, (uint32_t)(item - scope->imports->list.items), index);
}

/* Finds a named type that is there already, here or around. */
static tn_error *find_type(tn_compose_scope *scope, const tn_compose_type *root, uint32_t *index,
                           bool *found) {
  *found = recall(&scope->types, root, index);
  if (*found || root->name.data == NULL) return NULL;
  const tn_compose_interface *home =
      root->home == NULL ? NULL : tn_compose_interface_root(root->home);
  uint32_t instance, outer_index;
  if (home != NULL && home != scope->self) {
    TN_TRY(find_home(scope, home, &instance, found));
    if (*found) {
      TN_TRY(add_alias(scope, instance, root->name, index));
      return remember_type(scope, root, *index);
    }
  }
  if (scope->outer == NULL || (home != NULL && home == scope->self)) return NULL;
  TN_TRY(find_type(scope->outer, root, &outer_index, found));
  if (!*found) return NULL;
  TN_TRY(tn_decl_builder_add_outer(&scope->decls, TN_SORT_TYPE, 1, outer_index, index));
  return remember_type(scope, root, *index);
}

/* ---- definitions --------------------------------------------------------------------------------------- */

static tn_error *encode_valtype(tn_compose_scope *scope, const tn_compose_type *type,
                                tn_ast_valtype *out) {
  *out = (tn_ast_valtype){.is_absent = type == NULL};
  if (type == NULL) return NULL;
  const tn_compose_type *root = tn_compose_root(type);
  if (root->kind == TN_AST_PRIMITIVE && !recall(&scope->types, root, &out->index)) {
    out->primitive = root->primitive;
    return NULL;
  }
  out->is_index = true;
  return tn_compose_encode_type(scope, root, &out->index);
}

static tn_error *encode_members(tn_compose_scope *scope, const tn_compose_type *type,
                                tn_ast_type *ast) {
  if (type->member_count == 0) return NULL;
  tn_ast_field *fields = TN_ARENA_ARRAY(scope->types_of->arena, tn_ast_field, type->member_count);
  if (fields == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < type->member_count; i++) {
    fields[i].label = type->members[i].label;
    TN_TRY(encode_valtype(scope, type->members[i].type, &fields[i].type));
  }
  ast->field_count = type->member_count;
  ast->fields = fields;
  return NULL;
}

static tn_error *encode_parts(tn_compose_scope *scope, const tn_compose_type *type,
                              tn_ast_type *ast) {
  if (type->kind == TN_AST_OWN || type->kind == TN_AST_BORROW)
    return tn_compose_encode_type(scope, type->element, &ast->resource);
  TN_TRY(encode_members(scope, type, ast));
  TN_TRY(encode_valtype(scope, type->element, &ast->element));
  TN_TRY(encode_valtype(scope, type->error, &ast->error));
  return encode_valtype(scope, type->key, &ast->key);
}

static tn_error *lost_resource(const tn_compose_type *type) {
  return tn_error_new(TN_ERROR_LINK,
                      "resource `%" TN_STR_FORMAT
                      "` comes from within the composition, so that what is "
                      "imported cannot know it",
                      TN_STR_ARG(type->name));
}

static tn_error *define(tn_compose_scope *scope, const tn_compose_type *root, uint32_t *index) {
  const tn_ast_type *made;
  tn_ast_type *type = TN_ARENA_NEW(scope->types_of->arena, tn_ast_type);
  if (type == NULL) return tn_error_no_memory();
  *type = (tn_ast_type){.kind = root->kind,
                        .primitive = root->primitive,
                        .length = root->length,
                        .is_async = root->is_async};
  made = type;
  switch (root->kind) {
  case TN_AST_RESOURCE:
    return lost_resource(root);
  case TN_AST_INSTANCE:
    TN_TRY(encode_interface(scope, root->interface, false, &made));
    break;
  case TN_AST_COMPONENT:
    TN_TRY(tn_compose_encode_world(scope->types_of, root->world, &made));
    break;
  default:
    TN_TRY(encode_parts(scope, root, type));
    break;
  }
  TN_TRY(add_definition(scope, made, index));
  return remember_type(scope, root, *index);
}

tn_error *tn_compose_encode_type(tn_compose_scope *scope, const tn_compose_type *type,
                                 uint32_t *index) {
  const tn_compose_type *root = tn_compose_root(type);
  bool found;
  TN_TRY(tn_compose_spend(scope->types_of));
  TN_TRY(find_type(scope, root, index, &found));
  return found ? NULL : define(scope, root, index);
}

/* ---- imports and exports -------------------------------------------------------------------------------- */

/* A type under a new name: equal to one that is there, or a new resource. */
static tn_error *encode_named_type(tn_compose_scope *scope, const tn_compose_type *type,
                                   tn_ast_extern_type *out) {
  const tn_compose_type *root = tn_compose_root(type);
  bool found;
  TN_TRY(find_type(scope, root, &out->index, &found));
  out->bound = TN_BOUND_EQ;
  if (found) return NULL;
  if (root->kind != TN_AST_RESOURCE) return define(scope, root, &out->index);
  bool is_anothers = root->home != NULL && tn_compose_interface_root(root->home) != scope->self;
  if (is_anothers) return lost_resource(root);
  out->bound = TN_BOUND_SUB_RESOURCE;
  return NULL;
}

static tn_error *encode_extern_type(tn_compose_scope *scope, const tn_compose_item *item,
                                    tn_ast_extern_type *out) {
  const tn_ast_type *type;
  *out = (tn_ast_extern_type){.sort = item->sort};
  switch (item->sort) {
  case TN_SORT_FUNC:
    return tn_compose_encode_type(scope, item->type, &out->index);
  case TN_SORT_TYPE:
    return encode_named_type(scope, item->type, out);
  case TN_SORT_INSTANCE:
    TN_TRY(encode_interface(scope, item->interface, false, &type));
    break;
  case TN_SORT_COMPONENT:
    TN_TRY(tn_compose_encode_world(scope->types_of, item->world, &type));
    break;
  default:
    return tn_error_new(TN_ERROR_UNSUPPORTED, "a %s cannot be passed on",
                        tn_compose_item_kind_name(item));
  }
  return add_definition(scope, type, &out->index);
}

/* `index` is that of an import or export. */
static tn_error *named_item(tn_compose_scope *scope, const tn_compose_item *item, uint32_t index) {
  if (item->sort == TN_SORT_TYPE) return tn_compose_scope_name_type(scope, item->type, index);
  if (item->sort != TN_SORT_INSTANCE) return NULL;
  return remember(scope, &scope->instances, tn_compose_interface_root(item->interface), index)
             ? NULL
             : tn_error_no_memory();
}

tn_error *tn_compose_encode_import(tn_compose_scope *scope, uint32_t position, uint32_t *index) {
  uint32_t *slot = &scope->import_indices[position];
  const tn_compose_item *item = &scope->imports->list.items[position];
  if (*slot == TN_COMPOSE_ENCODING)
    return tn_error_new(TN_ERROR_LINK,
                        "import `%" TN_STR_FORMAT "` uses types of an import that uses its types",
                        TN_STR_ARG(item->name));
  if (*slot == 0) {
    tn_ast_extern_type type;
    *slot = TN_COMPOSE_ENCODING;
    TN_TRY(tn_error_wrap(encode_extern_type(scope, item, &type), "import `%" TN_STR_FORMAT "`",
                         TN_STR_ARG(item->name)));
    TN_TRY(add_import(scope, item->name, type, index));
    TN_TRY(named_item(scope, item, *index));
    *slot = *index + 1;
  }
  *index = *slot - 1;
  return NULL;
}

static tn_error *encode_export(tn_compose_scope *scope, const tn_compose_item *item) {
  tn_ast_extern_type type;
  uint32_t index;
  TN_TRY(encode_extern_type(scope, item, &type));
  TN_TRY(tn_decl_builder_add_export(&scope->decls, item->name, type, &index));
  return named_item(scope, item, index);
}

/* ---- instance and component types ------------------------------------------------------------------------ */

static tn_error *encode_interface(tn_compose_scope *outer, const tn_compose_interface *interface,
                                  bool types_only, const tn_ast_type **out) {
  const tn_compose_interface *root = tn_compose_interface_root(interface);
  tn_compose_scope scope = {.types_of = outer->types_of, .outer = outer, .self = root};
  scope.decls.arena = outer->types_of->arena;
  for (uint32_t i = 0; i < root->items.list.len; i++) {
    const tn_compose_item *item = &root->items.list.items[i];
    if (!types_only || item->sort == TN_SORT_TYPE) TN_TRY(encode_export(&scope, item));
  }
  return tn_decl_builder_finish(&scope.decls, TN_AST_INSTANCE, out);
}

tn_error *tn_compose_encode_world(tn_compose_types *types, const tn_compose_world *world,
                                  const tn_ast_type **out) {
  tn_compose_scope scope;
  uint32_t index;
  TN_TRY(tn_compose_scope_open(&scope, types, NULL, &world->imports));
  for (uint32_t i = 0; i < world->imports.list.len; i++)
    TN_TRY(tn_compose_encode_import(&scope, i, &index));
  for (uint32_t i = 0; i < world->exports.list.len; i++)
    TN_TRY(encode_export(&scope, &world->exports.list.items[i]));
  return tn_decl_builder_finish(&scope.decls, TN_AST_COMPONENT, out);
}

tn_error *tn_compose_encode_definition(tn_compose_types *types, const tn_compose_type *type,
                                       const tn_ast_type **out) {
  static const tn_compose_items no_imports;
  tn_compose_scope scope;
  tn_compose_item item = {0};
  const tn_compose_type *root = tn_compose_root(type);
  TN_TRY(tn_compose_scope_open(&scope, types, NULL, &no_imports));
  bool is_world = root->kind == TN_AST_COMPONENT;
  item.sort = is_world ? TN_SORT_COMPONENT : TN_SORT_INSTANCE;
  item.world = root->world;
  item.interface = root->interface;
  item.name = is_world ? root->world->id : root->interface->id;
  TN_TRY(encode_export(&scope, &item));
  return tn_decl_builder_finish(&scope.decls, TN_AST_COMPONENT, out);
}
