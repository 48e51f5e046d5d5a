/* From components to the model: WIT packages in binary form (encode.c says how they look), and the world of any
 * component. WIT.md#package-format */
#include "component/component.h"
#include "component/extern_name.h"
#include "wit/package/decode_internal.h"
#include "wit/package/encode_internal.h"
#include "wit/package/package.h"

/* ---- what it is ---------------------------------------------------------------------------------------- */

static tn_error *no_package(const char *why) {
  return tn_error_new(TN_ERROR_INVALID, "the component is no WIT package: %s", why);
}

/* Every definition adds one type, so that the type of index i is what definition i defines or exports. */
static bool is_part_of_package(const tn_component_ast *component, uint32_t index) {
  const tn_definition *definition = &component->definitions[index];
  if (definition->kind == TN_DEFINITION_TYPE) return true;
  if (definition->kind != TN_DEFINITION_EXPORT) return false;
  tn_sort_index item = definition->export_.item;
  if (item.sort != TN_SORT_TYPE || item.index >= index) return false;
  const tn_definition *exported = &component->definitions[item.index];
  return exported->kind == TN_DEFINITION_EXPORT || exported->type->kind == TN_AST_COMPONENT;
}

bool tn_wit_is_binary_package(const tn_component_ast *component) {
  bool has_export = false;
  for (uint32_t i = 0; i < component->definition_count; i++) {
    if (!is_part_of_package(component, i)) return false;
    has_export |= component->definitions[i].kind == TN_DEFINITION_EXPORT;
  }
  return has_export;
}

/* ---- binary packages ----------------------------------------------------------------------------------- */

/* One exported type.
 * Invariant: exactly one of `interface` and `world` is set. */
typedef struct exported_type {
  tn_wit_component_world around; /* what the component type imports and exports */
  tn_decoded *interface;
  const tn_wit_items *items;
  tn_wit_world *world;
  const tn_wit_world *known; /* the set has this world already: it is only compared with `world` */
  tn_wit_component_world inner; /* of `world` */
} exported_type;

static tn_error *check_package(tn_wit_decoder *d, const tn_wit_package *package) {
  if (d->main == NULL || d->main == package) {
    d->main = package;
    return NULL;
  }
  return no_package("it has interfaces or worlds of several packages");
}

static tn_error *make_world(tn_wit_decoder *d, const tn_wit_package *package, tn_str name,
                            tn_wit_world **out) {
  *out = TN_ARENA_NEW(d->set->arena, tn_wit_world);
  if (*out == NULL) return tn_error_no_memory();
  (*out)->declaration.name = name;
  (*out)->package = package;
  return NULL;
}

static tn_error *add_world(tn_wit_decoder *d, tn_wit_package *package, tn_str name,
                           tn_wit_world **out) {
  if (tn_wit_package_world(package, name) != NULL)
    return no_package("it has two worlds of one name");
  tn_wit_world **slot = TN_VEC_PUSH(d->set->arena, &package->worlds);
  if (slot == NULL) return tn_error_no_memory();
  TN_TRY(make_world(d, package, name, slot));
  *out = *slot;
  return NULL;
}

/* Two files may have the same world, as two libraries do whose bindings were made from it. */
static tn_error *find_known_world(tn_wit_decoder *d, const tn_wit_package *package, tn_str id,
                                  tn_str name, const tn_wit_world **out) {
  bool is_old = tn_pointer_map_get(&d->old_packages, package) != NULL;
  *out = is_old && !tn_map_has(&d->worlds, id) ? tn_wit_package_world(package, name) : NULL;
  return tn_map_put(d->scratch, &d->worlds, id, d) ? NULL : tn_error_no_memory();
}

static tn_error *begin_world(tn_wit_decoder *d, const tn_wit_item *item, exported_type *out) {
  tn_wit_package_name in;
  tn_wit_package *package;
  tn_str name;
  TN_TRY(tn_decode_id(item->name, &in, &name));
  TN_TRY(tn_decode_package(d, in, &package));
  TN_TRY(check_package(d, package));
  TN_TRY(find_known_world(d, package, item->name, name, &out->known));
  if (out->known == NULL) {
    TN_TRY(add_world(d, package, name, &out->world));
  } else {
    TN_TRY(make_world(d, package, name, &out->world));
  }
  if (item->component.type == NULL) return no_package("it contains code");
  return tn_wit_find_world_of_type(d->scratch, item->component.type, &d->walk_cost, &out->inner);
}

/* Finds out what a type stands for, so that interfaces and worlds are in the order of the file. */
static tn_error *begin_export(tn_wit_decoder *d, const tn_wit_item *item, exported_type *out) {
  if (item->sort != TN_SORT_TYPE) return no_package("it exports other things than types");
  TN_TRY(tn_wit_find_world_of_type(d->scratch, item->type, &d->walk_cost, &out->around));
  if (out->around.exports.items.len != 1)
    return no_package("one of its types does not have exactly one export");
  const tn_wit_item *exported = &out->around.exports.items.items[0];
  if (exported->sort == TN_SORT_COMPONENT) return begin_world(d, exported, out);
  if (exported->sort != TN_SORT_INSTANCE)
    return no_package("one of its types is neither an interface nor a world");
  TN_TRY(tn_decode_named_interface(d, &d->interfaces, exported->name, &out->interface));
  out->items = &exported->instance->items;
  return check_package(d, out->interface->interface->package);
}

/* The interfaces that an interface takes types from. */
static tn_error *begin_imports(tn_wit_decoder *d, const tn_wit_items *imports) {
  for (uint32_t i = 0; i < imports->len; i++) {
    tn_decoded *imported;
    const tn_wit_item *item = &imports->items[i];
    if (item->sort != TN_SORT_INSTANCE)
      return no_package("an interface imports other things than interfaces");
    TN_TRY(tn_decode_named_interface(d, &d->interfaces, item->name, &imported));
    TN_TRY(tn_decode_begin_types_of(d, imported, &item->instance->items));
  }
  return NULL;
}

static tn_error *read_interface(tn_wit_decoder *d, exported_type *type) {
  const tn_wit_items *imports = &type->around.imports.items;
  TN_TRY(begin_imports(d, imports));
  TN_TRY(tn_decode_begin_types_of(d, type->interface, type->items));
  TN_TRY(tn_decode_finish_types(d));
  for (uint32_t i = 0; i < imports->len; i++) {
    tn_decoded *imported;
    TN_TRY(tn_decode_named_interface(d, &d->interfaces, imports->items[i].name, &imported));
    TN_TRY(tn_decode_functions_of(d, imported, &imports->items[i].instance->items));
  }
  return tn_decode_functions_of(d, type->interface, type->items);
}

static tn_error *world_differs(const tn_wit_change *change) {
  tn_error *error;
  if (change->before.data != NULL && change->after.data != NULL) {
    error = tn_error_new(
        TN_ERROR_INVALID,
        "%" TN_STR_FORMAT " is described in two ways: %" TN_STR_FORMAT ", and then %" TN_STR_FORMAT,
        TN_STR_ARG(change->where), TN_STR_ARG(change->before), TN_STR_ARG(change->after));
  } else {
    static const char *const ways[] = {[TN_WIT_ADDED] = "only in the second",
                                       [TN_WIT_REMOVED] = "only in the first",
                                       [TN_WIT_CHANGED] = "not the same in both"};
    error =
        tn_error_new(TN_ERROR_INVALID, "a world is described in two ways: %" TN_STR_FORMAT " is %s",
                     TN_STR_ARG(change->where), ways[change->kind]);
  }
  tn_error_set_hint(error, "both have to be made from the same WIT");
  return error;
}

static tn_error *read_world(tn_wit_decoder *d, const exported_type *type) {
  tn_wit_changes changes;
  TN_TRY(tn_decode_world(d, type->world, &type->inner));
  d->last_world = type->known != NULL ? type->known : type->world;
  if (type->known == NULL) return NULL;
  TN_TRY(tn_wit_compare_world(d->scratch, type->known, type->world, &changes));
  return changes.len == 0 ? NULL : world_differs(&changes.items[0]);
}

static tn_error *take_package_name(tn_wit_decoder *d, tn_map *taken, tn_str name) {
  tn_str key = tn_label_unique_key(d->scratch, name);
  if (key.data == NULL) return tn_error_no_memory();
  if (tn_map_has(taken, key))
    return no_package("two of its interfaces and worlds have the same name");
  return tn_map_put(d->scratch, taken, key, d) ? NULL : tn_error_no_memory();
}

/* Interfaces and worlds share their names. */
static tn_error *check_names(tn_wit_decoder *d, const tn_wit_package *package) {
  tn_map taken = {0};
  for (uint32_t i = 0; i < package->interfaces.len; i++) {
    TN_TRY(take_package_name(d, &taken, package->interfaces.items[i]->declaration.name));
  }
  for (uint32_t i = 0; i < package->worlds.len; i++) {
    TN_TRY(take_package_name(d, &taken, package->worlds.items[i]->declaration.name));
  }
  return NULL;
}

static tn_error *read_docs(tn_wit_decoder *d, const tn_component_ast *component,
                           tn_wit_package *package) {
  for (uint32_t i = 0; i < component->custom_count; i++) {
    const tn_custom_section *custom = &component->customs[i];
    if (!tn_str_equal(custom->name, TN_STR("package-docs"))) continue;
    TN_TRY(tn_error_wrap(tn_decode_docs(d->set->arena, package, custom->bytes),
                         "section \"package-docs\""));
  }
  return NULL;
}

static tn_error *read_package(tn_wit_decoder *d, const tn_component_ast *component,
                              tn_wit_package **main) {
  tn_wit_component_world outer;
  TN_TRY(tn_wit_find_world(d->scratch, component, &outer));
  const tn_wit_items *exports = &outer.exports.items;
  exported_type *types = TN_ARENA_ARRAY(d->scratch, exported_type, exports->len);
  if (types == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < exports->len; i++) {
    TN_TRY(begin_export(d, &exports->items[i], &types[i]));
  }
  for (uint32_t i = 0; i < exports->len; i++) {
    if (types[i].interface != NULL)
      TN_TRY(read_interface(d, &types[i]));
    else
      TN_TRY(read_world(d, &types[i]));
  }
  *main = (tn_wit_package *)d->main;
  TN_TRY(check_names(d, *main));
  return read_docs(d, component, *main);
}

/* ---- components ---------------------------------------------------------------------------------------- */

static tn_error *add_missing(tn_wit_decoder *d, tn_wit_interface *into, const tn_decoded *imported,
                             const tn_decoded *exported) {
  tn_arena *arena = d->set->arena;
  for (uint32_t i = 0; i < exported->interface->types.len; i++) {
    tn_wit_type *type = exported->interface->types.items[i];
    if (tn_map_has(&imported->types, type->declaration.name)) continue;
    tn_wit_type **slot = TN_VEC_PUSH(arena, &into->types);
    if (slot == NULL) return tn_error_no_memory();
    *slot = type;
  }
  for (uint32_t i = 0; i < exported->interface->functions.len; i++) {
    tn_wit_function *function = exported->interface->functions.items[i];
    if (tn_map_has(&imported->functions, function->item_name)) continue;
    tn_wit_function **slot = TN_VEC_PUSH(arena, &into->functions);
    if (slot == NULL) return tn_error_no_memory();
    *slot = function;
  }
  return NULL;
}

static tn_error *copy_interface(tn_wit_decoder *d, const tn_wit_interface *from,
                                tn_wit_interface **out) {
  tn_arena *arena = d->set->arena;
  tn_wit_interface *copy = TN_ARENA_NEW(arena, tn_wit_interface);
  if (copy == NULL) return tn_error_no_memory();
  copy->declaration = from->declaration;
  copy->package = from->package;
  for (uint32_t i = 0; i < from->types.len; i++) {
    tn_wit_type **slot = TN_VEC_PUSH(arena, &copy->types);
    if (slot == NULL) return tn_error_no_memory();
    *slot = from->types.items[i];
  }
  for (uint32_t i = 0; i < from->functions.len; i++) {
    tn_wit_function **slot = TN_VEC_PUSH(arena, &copy->functions);
    if (slot == NULL) return tn_error_no_memory();
    *slot = from->functions.items[i];
  }
  *out = copy;
  return NULL;
}

/* In its package, an interface that is both imported and exported has what either side has of it. */
static tn_error *join_twins(tn_wit_decoder *d, const tn_decoded *imported,
                            const tn_decoded *exported) {
  tn_wit_interface *joined;
  tn_wit_package *package = (tn_wit_package *)imported->interface->package;
  TN_TRY(copy_interface(d, imported->interface, &joined));
  TN_TRY(add_missing(d, joined, imported, exported));
  bool has_more = joined->types.len > imported->interface->types.len ||
                  joined->functions.len > imported->interface->functions.len;
  for (uint32_t i = 0; has_more && i < package->interfaces.len; i++) {
    if (package->interfaces.items[i] == imported->interface) package->interfaces.items[i] = joined;
  }
  return NULL;
}

static tn_error *join_all_twins(tn_wit_decoder *d) {
  for (const tn_map_entry *e = tn_map_next(&d->exported, NULL); e != NULL;
       e = tn_map_next(&d->exported, e)) {
    const tn_decoded *imported = tn_map_get(&d->interfaces, e->key);
    if (imported != NULL) TN_TRY(join_twins(d, imported, e->value));
  }
  return NULL;
}

static tn_error *read_component(tn_wit_decoder *d, const tn_component_ast *component,
                                tn_wit_package **main) {
  tn_wit_world *world;
  tn_wit_component_world found;
  tn_wit_package_name name = {.name_space = TN_STR("root"), .name = TN_STR("component")};
  TN_TRY(tn_wit_find_world(d->scratch, component, &found));
  TN_TRY(tn_decode_package(d, name, main));
  TN_TRY(add_world(d, *main, TN_STR("root"), &world));
  d->is_component = true;
  d->main = *main;
  TN_TRY(tn_decode_world(d, world, &found));
  return join_all_twins(d);
}

/* ---- order of the packages ------------------------------------------------------------------------------ */

/* A package that is being put in its place.
 * Invariant: what it uses is looked at from the first of its types on. */
typedef struct orderer {
  tn_wit_decoder *d;
  tn_pointer_map waiting; /* packages that have no place yet */
  uint32_t depth;
} orderer;

static tn_error *place(orderer *o, const tn_wit_package *package);

static tn_error *place_used_by_types(orderer *o, tn_wit_type *const *types, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    const tn_wit_type *type = types[i];
    bool is_use =
        type->kind == TN_WIT_KIND_ALIAS && type->is_use && type->element->interface != NULL;
    if (is_use) TN_TRY(place(o, type->element->interface->package));
  }
  return NULL;
}

static tn_error *place_used_by_items(orderer *o, const tn_wit_world_item *items, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    const tn_wit_interface *interface = items[i].interface;
    if (interface == NULL) continue;
    TN_TRY(place(o, interface->package));
    TN_TRY(place_used_by_types(o, interface->types.items, interface->types.len));
  }
  return NULL;
}

static tn_error *place_used(orderer *o, const tn_wit_package *package) {
  for (uint32_t i = 0; i < package->interfaces.len; i++) {
    const tn_wit_interface *interface = package->interfaces.items[i];
    TN_TRY(place_used_by_types(o, interface->types.items, interface->types.len));
  }
  for (uint32_t i = 0; i < package->worlds.len; i++) {
    const tn_wit_world *world = package->worlds.items[i];
    TN_TRY(place_used_by_types(o, world->types.items, world->types.len));
    TN_TRY(place_used_by_items(o, world->imports.items, world->imports.len));
    TN_TRY(place_used_by_items(o, world->exports.items, world->exports.len));
  }
  return NULL;
}

/* Adds a package to the set behind those that it uses. The packages of a component may use each other; then
 * one of them comes first. */
static tn_error *place(orderer *o, const tn_wit_package *package) {
  enum { MAX_CHAIN = 500 };
  if (tn_pointer_map_get(&o->waiting, package) != package) return NULL;
  if (o->depth == MAX_CHAIN)
    return tn_error_new(TN_ERROR_LIMIT, "packages use each other in too long a chain");
  if (!tn_pointer_map_put(o->d->scratch, &o->waiting, package, o)) return tn_error_no_memory();
  o->depth++;
  TN_TRY(place_used(o, package));
  o->depth--;
  tn_wit_package **slot = TN_VEC_PUSH(o->d->set->arena, &o->d->set->packages);
  if (slot == NULL) return tn_error_no_memory();
  *slot = (tn_wit_package *)package;
  return NULL;
}

static tn_error *add_to_set(tn_wit_decoder *d) {
  orderer o = {.d = d};
  for (uint32_t i = 0; i < d->added.len; i++) {
    const tn_wit_package *package = d->added.items[i];
    if (!tn_pointer_map_put(d->scratch, &o.waiting, package, package)) return tn_error_no_memory();
  }
  for (uint32_t i = 0; i < d->added.len; i++) {
    TN_TRY(place(&o, d->added.items[i]));
  }
  return NULL;
}

/* ---- entry points -------------------------------------------------------------------------------------- */

static tn_error *decode(tn_wit_decoder *d, const tn_component_ast *component,
                        tn_wit_package **main) {
  if (tn_wit_is_binary_package(component)) {
    TN_TRY(read_package(d, component, main));
  } else {
    TN_TRY(read_component(d, component, main));
  }
  (*main)->is_root = true;
  return add_to_set(d);
}

tn_error *tn_wit_decode(tn_wit_set *set, const tn_component_ast *component, tn_wit_package **main) {
  tn_arena scratch = {0};
  tn_wit_decoder d = {.set = set, .scratch = &scratch};
  tn_error *error = decode(&d, component, main);
  tn_arena_free(&scratch);
  return error;
}

static tn_error *read_encoding(const tn_component_ast *component, tn_string_encoding *out) {
  for (uint32_t i = 0; i < component->custom_count; i++) {
    const tn_custom_section *custom = &component->customs[i];
    if (!tn_str_equal(custom->name, TN_STR("wit-component-encoding"))) continue;
    bool is_known = custom->bytes.len == 2 && custom->bytes.data[0] == TN_WIT_ENCODING_VERSION &&
                    (uint8_t)custom->bytes.data[1] <= TN_ENCODING_LATIN1_UTF16;
    if (!is_known) break;
    *out = (tn_string_encoding)custom->bytes.data[1];
    return NULL;
  }
  return tn_error_new(
      TN_ERROR_INVALID,
      "section \"component-type\": no \"wit-component-encoding\" of version %d in it",
      TN_WIT_ENCODING_VERSION);
}

static tn_error *decode_embedded(tn_wit_set *set, tn_arena *scratch, tn_str payload,
                                 const tn_wit_world **world, tn_string_encoding *encoding) {
  const tn_component_ast *component;
  tn_wit_package *main;
  tn_wit_decoder d = {.set = set, .scratch = scratch};
  TN_TRY(tn_component_decode(set->arena, payload, &component));
  TN_TRY(tn_component_validate(scratch, component));
  TN_TRY(read_encoding(component, encoding));
  if (!tn_wit_is_binary_package(component))
    return no_package("it has no types, or more than types");
  TN_TRY(decode(&d, component, &main));
  if (d.last_world == NULL) return no_package("it has no world");
  *world = d.last_world;
  return NULL;
}

tn_error *tn_wit_decode_embedded(tn_wit_set *set, tn_str payload, const tn_wit_world **world,
                                 tn_string_encoding *encoding) {
  tn_arena scratch = {0};
  tn_error *error = decode_embedded(set, &scratch, payload, world, encoding);
  tn_arena_free(&scratch);
  return tn_error_wrap(error, "the embedded WIT");
}
