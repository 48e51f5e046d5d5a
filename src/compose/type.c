#include "compose/type.h"

#include "component/extern_name.h"

enum { MAX_WORK = 4000000 };

void tn_compose_types_init(tn_compose_types *types, tn_arena *arena) {
  *types = (tn_compose_types){.arena = arena};
  for (int i = 0; i <= TN_PRIM_ERROR_CONTEXT; i++) {
    types->primitives[i] =
        (tn_compose_type){.kind = TN_AST_PRIMITIVE, .primitive = (tn_primitive)i};
  }
}

tn_error *tn_compose_spend(tn_compose_types *types) {
  if (types->work++ < MAX_WORK) return NULL;
  return tn_error_new(TN_ERROR_LIMIT, "the types of the components are too large to be compared");
}

tn_compose_type *tn_compose_type_new(tn_compose_types *types, tn_ast_type_kind kind) {
  tn_compose_type *type = TN_ARENA_NEW(types->arena, tn_compose_type);
  if (type != NULL) type->kind = kind;
  return type;
}

tn_compose_interface *tn_compose_interface_new(tn_compose_types *types, tn_str id) {
  tn_compose_interface *interface = TN_ARENA_NEW(types->arena, tn_compose_interface);
  if (interface != NULL) interface->id = id;
  return interface;
}

tn_compose_world *tn_compose_world_new(tn_compose_types *types, tn_str id) {
  tn_compose_world *world = TN_ARENA_NEW(types->arena, tn_compose_world);
  if (world != NULL) world->id = id;
  return world;
}

tn_compose_type *tn_compose_root(const tn_compose_type *type) {
  while (type->same != NULL)
    type = type->same;
  return (tn_compose_type *)type;
}

tn_compose_interface *tn_compose_interface_root(const tn_compose_interface *interface) {
  while (interface->merged != NULL)
    interface = interface->merged;
  return (tn_compose_interface *)interface;
}

tn_error *tn_compose_bind(tn_compose_types *types, tn_compose_type *type, tn_compose_type *other) {
  if (type == other) return NULL;
  tn_compose_type **slot = TN_VEC_PUSH(types->arena, &types->bound);
  if (slot == NULL) return tn_error_no_memory();
  *slot = type;
  type->same = other;
  return NULL;
}

void tn_compose_unbind(tn_compose_types *types, uint32_t count) {
  while (types->bound.len > count)
    types->bound.items[--types->bound.len]->same = NULL;
}

/* ---- items --------------------------------------------------------------------------------------------- */

static bool put(tn_compose_types *types, tn_map *map, tn_str name, uintptr_t position) {
  return tn_map_put(types->arena, map, name, (void *)position);
}

static tn_compose_item *item_at(const tn_compose_items *items, const tn_map *map, tn_str name) {
  uintptr_t position = (uintptr_t)tn_map_get(map, name);
  return position == 0 ? NULL : &items->list.items[position - 1];
}

/* Makes the item at `position` the one of its track if there is none of a higher version. */
static bool put_track(tn_compose_types *types, tn_compose_items *items, tn_str name,
                      uintptr_t position) {
  tn_str track = tn_name_track(name);
  if (track.len == name.len) return true;
  const tn_compose_item *there = item_at(items, &items->by_track, track);
  if (there != NULL && !tn_compose_is_newer(name, there->name)) return true;
  return put(types, &items->by_track, track, position);
}

tn_error *tn_compose_items_add(tn_compose_types *types, tn_compose_items *items,
                               const tn_compose_item *item) {
  tn_compose_item *slot = TN_VEC_PUSH(types->arena, &items->list);
  if (slot == NULL || !put(types, &items->by_name, item->name, items->list.len))
    return tn_error_no_memory();
  *slot = *item;
  return put_track(types, items, item->name, items->list.len) ? NULL : tn_error_no_memory();
}

tn_compose_item *tn_compose_items_get(const tn_compose_items *items, tn_str name) {
  return item_at(items, &items->by_name, name);
}

tn_error *tn_compose_items_rename(tn_compose_types *types, tn_compose_items *items,
                                  tn_compose_item *item, tn_str name) {
  uintptr_t position = (uintptr_t)(item - items->list.items) + 1;
  bool is_put = put(types, &items->by_name, name, position) &&
                put(types, &items->by_name, item->name, 0) &&
                put_track(types, items, name, position);
  if (!is_put) return tn_error_no_memory();
  item->name = name;
  return NULL;
}

bool tn_compose_is_compatible(tn_str a, tn_str b) {
  return tn_str_equal(tn_name_track(a), tn_name_track(b));
}

static tn_semver version_of(tn_str name) {
  tn_name parsed = {0};
  tn_semver version = {0};
  tn_error *error = tn_name_parse(name, &parsed);
  if (error == NULL && parsed.version.data != NULL)
    error = tn_semver_parse(parsed.version, &version);
  tn_error_delete(error); /* a name without a version has the lowest one */
  return version;
}

bool tn_compose_is_newer(tn_str a, tn_str b) {
  tn_semver first = version_of(a), second = version_of(b);
  return tn_semver_compare(&first, &second) > 0;
}

tn_compose_item *tn_compose_items_find(const tn_compose_items *items, tn_str name) {
  tn_compose_item *exact = tn_compose_items_get(items, name);
  tn_str track = tn_name_track(name);
  return exact != NULL || track.len == name.len ? exact : item_at(items, &items->by_track, track);
}

const tn_compose_type *tn_compose_type_of_kind(const tn_compose_item *item, tn_ast_type_kind kind) {
  const tn_compose_type *root = item->sort == TN_SORT_TYPE ? tn_compose_root(item->type) : NULL;
  return root != NULL && root->kind == kind ? root : NULL;
}
