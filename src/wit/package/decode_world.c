/* Worlds: of binary packages, and of components. */
#include "component/extern_name.h"
#include "wit/package/decode_internal.h"

/* One import or export that is an instance, between the two passes. */
typedef struct world_instance {
  tn_decoded *decoded;
  const tn_wit_items *items;
} world_instance;

typedef struct world_reader {
  tn_wit_decoder *d;
  tn_decoded world;
  TN_VEC(world_instance) instances;
} world_reader;

static bool is_interface_name(tn_str name) {
  tn_name parsed;
  tn_error *error = tn_name_parse(name, &parsed);
  bool is_it = error == NULL && parsed.kind == TN_NAME_INTERFACE;
  tn_error_delete(error);
  return is_it;
}

/* ---- instances ----------------------------------------------------------------------------------------- */

static tn_error *new_inline_interface(world_reader *r, tn_decoded **out) {
  tn_decoded *made = TN_ARENA_NEW(r->d->scratch, tn_decoded);
  if (made == NULL) return tn_error_no_memory();
  made->interface = TN_ARENA_NEW(r->d->set->arena, tn_wit_interface);
  if (made->interface == NULL) return tn_error_no_memory();
  made->interface->package = r->world.world->package;
  *out = made;
  return NULL;
}

/* An instance that is exported as it was imported is one interface. */
static tn_decoded *find_imported(world_reader *r, const tn_wit_item *item, tn_str id) {
  const tn_decoded *same = tn_pointer_map_get(&r->d->instances, item->instance->items.items);
  return same != NULL && same == tn_map_get(&r->d->interfaces, id) ? (tn_decoded *)same : NULL;
}

/* *is_imported: it is one that was imported and is read there. */
static tn_error *find_interface(world_reader *r, tn_map *known, const tn_wit_item *item,
                                tn_decoded **out, bool *is_imported) {
  *is_imported = false;
  bool is_own_name = is_interface_name(item->name);
  if (!is_own_name && item->implements.data == NULL) return new_inline_interface(r, out);
  tn_str id = is_own_name ? item->name : item->implements;
  const tn_wit_items *items = &item->instance->items;
  *out = items->len == 0 ? NULL : find_imported(r, item, id);
  *is_imported = *out != NULL;
  if (*is_imported) return NULL;
  TN_TRY(tn_decode_named_interface(r->d, known, id, out));
  if (items->len == 0) return NULL;
  return tn_pointer_map_put(r->d->scratch, &r->d->instances, items->items, *out)
             ? NULL
             : tn_error_no_memory();
}

static tn_error *begin_instance(world_reader *r, tn_map *known, const tn_wit_item *item,
                                tn_wit_world_item *out) {
  tn_decoded *decoded;
  bool is_imported;
  TN_TRY(find_interface(r, known, item, &decoded, &is_imported));
  out->kind = TN_WIT_WORLD_INTERFACE;
  out->interface = decoded->interface;
  if (!is_interface_name(item->name)) out->declaration.name = item->name;
  if (is_imported) return NULL;
  world_instance *slot = TN_VEC_PUSH(r->d->scratch, &r->instances);
  if (slot == NULL) return tn_error_no_memory();
  *slot = (world_instance){.decoded = decoded, .items = &item->instance->items};
  return tn_decode_begin_types_of(r->d, decoded, slot->items);
}

/* ---- items --------------------------------------------------------------------------------------------- */

static tn_error *add_import(world_reader *r, tn_wit_world_item **out) {
  tn_wit_world *world = r->world.world;
  *out = TN_VEC_PUSH(r->d->set->arena, &world->imports);
  return *out == NULL ? tn_error_no_memory() : NULL;
}

/* WIT has no exported types of a world: they are declared as if they were imported, so that what uses them can
 * be read. */
static tn_error *begin_type(world_reader *r, const tn_wit_item *item) {
  tn_wit_type *type;
  tn_wit_world_item *slot;
  bool is_known = tn_map_has(&r->world.types, item->name) ||
                  tn_pointer_map_get(&r->d->nodes, item->type) != NULL;
  if (is_known) return NULL;
  TN_TRY(tn_decode_begin_type(r->d, &r->world, item, &type));
  TN_TRY(add_import(r, &slot));
  *slot = (tn_wit_world_item){.kind = TN_WIT_WORLD_TYPE,
                              .name = item->name,
                              .declaration = {.name = item->name, .external_id = item->external_id},
                              .type = type};
  return NULL;
}

static bool is_wit(const tn_wit_item *item) {
  return item->sort == TN_SORT_INSTANCE || item->sort == TN_SORT_FUNC || item->sort == TN_SORT_TYPE;
}

static tn_error *add_other(world_reader *r, const tn_wit_item *item) {
  tn_wit_other_import *slot = TN_VEC_PUSH(r->d->set->arena, &r->world.world->other_imports);
  if (slot == NULL) return tn_error_no_memory();
  *slot = (tn_wit_other_import){item->name, item->sort};
  return NULL;
}

/* Puts each item in its place; functions have no type yet. */
static tn_error *begin_items(world_reader *r, const tn_wit_items *items, bool is_export) {
  tn_wit_world *world = r->world.world;
  bool is_twofold = is_export && r->d->is_component;
  for (uint32_t i = 0; i < items->len; i++) {
    const tn_wit_item *item = &items->items[i];
    if (!is_wit(item)) {
      if (!is_export) TN_TRY(add_other(r, item));
      continue;
    }
    if (item->sort == TN_SORT_TYPE) {
      TN_TRY(begin_type(r, item));
      continue;
    }
    tn_wit_world_item *slot = is_export ? TN_VEC_PUSH(r->d->set->arena, &world->exports)
                                        : TN_VEC_PUSH(r->d->set->arena, &world->imports);
    if (slot == NULL) return tn_error_no_memory();
    *slot = (tn_wit_world_item){.kind = TN_WIT_WORLD_FUNCTION,
                                .name = item->name,
                                .declaration = {.external_id = item->external_id}};
    if (!is_export) TN_TRY(tn_decode_take_name(r->d, &r->world, item->name));
    if (item->sort == TN_SORT_FUNC) slot->declaration.name = item->name;
    if (item->sort == TN_SORT_FUNC) continue;
    TN_TRY(begin_instance(r, is_twofold ? &r->d->exported : &r->d->interfaces, item, slot));
  }
  return NULL;
}

/* ---- functions ----------------------------------------------------------------------------------------- */

/* `out` are the items of begin_items; `at` goes through them. */
static tn_error *finish_functions(world_reader *r, const tn_wit_items *items,
                                  tn_wit_world_item *out, uint32_t count) {
  uint32_t at = 0;
  for (uint32_t i = 0; i < items->len; i++) {
    tn_wit_function *function;
    if (items->items[i].sort != TN_SORT_FUNC) continue;
    while (at < count && (out[at].kind != TN_WIT_WORLD_FUNCTION || out[at].function != NULL))
      at++;
    TN_TRY(tn_decode_function(r->d, &r->world, &items->items[i], &function));
    out[at].function = function;
  }
  return NULL;
}

/* Types that functions use by way of an instance have been added to the world behind the others. Their items
 * go in front of the functions that follow the last instance. */
static tn_error *add_used_types(world_reader *r, uint32_t known) {
  tn_wit_world *world = r->world.world;
  uint32_t added = world->types.len - known;
  uint32_t at = world->imports.len;
  while (at > 0 && world->imports.items[at - 1].kind == TN_WIT_WORLD_FUNCTION)
    at--;
  for (uint32_t i = 0; i < added; i++) {
    tn_wit_world_item *slot;
    TN_TRY(add_import(r, &slot));
  }
  if (added == 0) return NULL;
  tn_wit_world_item *first = &world->imports.items[at];
  memmove(first + added, first, (world->imports.len - added - at) * sizeof *first);
  for (uint32_t i = 0; i < added; i++) {
    tn_wit_type *type = world->types.items[known + i];
    tn_str name = type->declaration.name;
    first[i] = (tn_wit_world_item){
        .kind = TN_WIT_WORLD_TYPE, .name = name, .declaration = {.name = name}, .type = type};
  }
  return NULL;
}

static tn_error *finish_world(world_reader *r, const tn_wit_component_world *from) {
  tn_wit_world *world = r->world.world;
  uint32_t known = world->types.len;
  TN_TRY(tn_decode_finish_types(r->d));
  TN_TRY(finish_functions(r, &from->imports.items, world->imports.items, world->imports.len));
  TN_TRY(finish_functions(r, &from->exports.items, world->exports.items, world->exports.len));
  for (uint32_t i = 0; i < r->instances.len; i++) {
    const world_instance *instance = &r->instances.items[i];
    TN_TRY(tn_decode_functions_of(r->d, instance->decoded, instance->items));
  }
  return add_used_types(r, known);
}

tn_error *tn_decode_world(tn_wit_decoder *d, tn_wit_world *world,
                          const tn_wit_component_world *from) {
  world_reader r = {.d = d, .world = {.world = world}};
  TN_TRY(begin_items(&r, &from->imports.items, false));
  TN_TRY(begin_items(&r, &from->exports.items, true));
  return tn_error_wrap(finish_world(&r, from), "world '%" TN_STR_FORMAT "'",
                       TN_STR_ARG(world->declaration.name));
}
