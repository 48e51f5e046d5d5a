/* Interfaces and the items of worlds as imports and exports. */
#include "wit/package/encode_internal.h"

/* Interfaces that import each other's types form chains; each link is a level of recursion. */
enum { MAX_CHAIN = 500 };

static bool wants_nothing(void *data, const tn_wit_function *function) {
  (void)data;
  (void)function;
  return false;
}

const tn_wit_wanted tn_wit_wanted_types = {.function = wants_nothing};

static bool wants_type(const tn_wit_wanted *wanted, const tn_wit_type *type) {
  return wanted == NULL || wanted->type == NULL || wanted->type(wanted->data, type);
}

static bool wants_function(const tn_wit_wanted *wanted, const tn_wit_function *function) {
  return wanted == NULL || wanted->function == NULL || wanted->function(wanted->data, function);
}

/* ---- instance types ---------------------------------------------------------------------------------- */

static tn_error *encode_functions(tn_wit_encoder *inner, const tn_wit_interface *interface,
                                  const tn_wit_wanted *wanted) {
  for (uint32_t i = 0; i < interface->functions.len; i++) {
    const tn_wit_function *function = interface->functions.items[i];
    tn_ast_extern_type type = {.sort = TN_SORT_FUNC};
    if (!wants_function(wanted, function)) continue;
    TN_TRY(tn_wit_encode_func_type(inner, function, &type.index));
    tn_extern_name name = tn_encode_name(function->item_name, &function->declaration);
    TN_TRY(tn_encode_add_export(inner, name, type, NULL));
  }
  return NULL;
}

tn_error *tn_wit_encode_instance_type(tn_wit_encoder *scope, const tn_wit_interface *interface,
                                      const tn_wit_wanted *wanted, uint32_t *index) {
  tn_decl_builder decls = {.arena = scope->arena};
  tn_wit_encoder inner = {
      .arena = scope->arena, .decls = &decls, .outer = scope, .self = interface};
  for (uint32_t i = 0; i < interface->types.len; i++) {
    bool is_there;
    uint32_t type;
    if (!wants_type(wanted, interface->types.items[i])) continue;
    TN_TRY(tn_encode_find(&inner, interface->types.items[i], &is_there, &type));
  }
  TN_TRY(encode_functions(&inner, interface, wanted));
  const tn_ast_type *finished;
  TN_TRY(tn_decl_builder_finish(&decls, TN_AST_INSTANCE, &finished));
  return tn_encode_add_type(scope, finished, index);
}

/* ---- imports ----------------------------------------------------------------------------------------- */

/* The other interface whose type this one is, or NULL. */
static const tn_wit_interface *used_interface(const tn_wit_type *type) {
  if (type->kind != TN_WIT_KIND_ALIAS || type->element->interface == NULL) return NULL;
  return type->element->interface == type->interface ? NULL : type->element->interface;
}

/* Imports what the types of an interface come from. */
static tn_error *import_needed(tn_wit_encoder *scope, const tn_wit_interface *interface) {
  for (uint32_t i = 0; i < interface->types.len; i++) {
    const tn_wit_interface *used = used_interface(interface->types.items[i]);
    tn_known_interface *known;
    if (used == NULL || used->declaration.name.data == NULL) continue;
    TN_TRY(tn_encode_know(scope, used, &known));
    if (known->has_instance) continue;
    tn_str id = tn_str_from(tn_wit_interface_id(scope->arena, used));
    if (id.data == NULL) return tn_error_no_memory();
    TN_TRY(tn_wit_encode_import_interface(scope, id, used, &tn_wit_wanted_types, NULL));
  }
  return NULL;
}

/* With `is_own_name`, the types of the interface are those of this instance from then on. */
static tn_error *import_instance(tn_wit_encoder *scope, tn_extern_name name, bool is_own_name,
                                 const tn_wit_interface *interface, const tn_wit_wanted *wanted,
                                 uint32_t *index) {
  uint32_t instance;
  tn_ast_extern_type type = {.sort = TN_SORT_INSTANCE};
  TN_TRY(tn_wit_encode_instance_type(scope, interface, wanted, &type.index));
  TN_TRY(tn_encode_add_import(scope, name, type, &instance));
  if (index != NULL) *index = instance;
  return is_own_name ? tn_wit_encoder_bind_instance(scope, interface, instance) : NULL;
}

tn_error *tn_wit_encode_needed_imports(tn_wit_encoder *scope, const tn_wit_interface *interface) {
  if (!scope->imports_needed) return NULL;
  if (scope->chain == MAX_CHAIN) {
    return tn_wit_place_limit(interface->declaration.place,
                              "interfaces use each other in too long a chain");
  }
  scope->chain++;
  tn_error *error = import_needed(scope, interface);
  scope->chain--;
  return error;
}

tn_error *tn_wit_encode_import_interface(tn_wit_encoder *scope, tn_str name,
                                         const tn_wit_interface *interface,
                                         const tn_wit_wanted *wanted, uint32_t *index) {
  TN_TRY(tn_wit_encode_needed_imports(scope, interface));
  return import_instance(scope, (tn_extern_name){.name = name}, true, interface, wanted, index);
}

/* The name of an item that is an interface: by its own name, written out in the world (then *is_own_name,
 * too), or a label for an interface that has a name (Explainer.md#import-and-export-definitions,
 * `implements`). */
static tn_error *name_of_instance(tn_wit_encoder *scope, const tn_wit_world_item *item,
                                  tn_extern_name *name, bool *is_own_name) {
  const tn_wit_interface *interface = item->interface;
  *name = tn_encode_name(item->name, &item->declaration);
  *is_own_name = item->declaration.name.data == NULL || interface->declaration.name.data == NULL;
  if (*is_own_name) return NULL;
  name->implements = tn_str_from(tn_wit_interface_id(scope->arena, interface));
  return name->implements.data == NULL ? tn_error_no_memory() : NULL;
}

tn_error *tn_wit_encode_import(tn_wit_encoder *scope, const tn_wit_world_item *item,
                               const tn_wit_wanted *wanted, uint32_t *index) {
  uint32_t ignored;
  tn_extern_name name = tn_encode_name(item->name, &item->declaration);
  tn_ast_extern_type type = {.sort = TN_SORT_FUNC};
  bool is_own_name;
  switch (item->kind) {
  case TN_WIT_WORLD_FUNCTION:
    TN_TRY(tn_wit_encode_func_type(scope, item->function, &type.index));
    return tn_encode_add_import(scope, name, type, index);
  case TN_WIT_WORLD_TYPE:
    return tn_encode_declare(scope, item->type, index == NULL ? &ignored : index);
  default:
    TN_TRY(name_of_instance(scope, item, &name, &is_own_name));
    if (is_own_name) TN_TRY(tn_wit_encode_needed_imports(scope, item->interface));
    return import_instance(scope, name, is_own_name, item->interface, wanted, index);
  }
}

/* ---- exports ----------------------------------------------------------------------------------------- */

tn_error *tn_wit_encode_export(tn_wit_encoder *scope, const tn_wit_world_item *item,
                               uint32_t *index) {
  uint32_t added;
  tn_extern_name name = tn_encode_name(item->name, &item->declaration);
  tn_ast_extern_type type = {.sort = TN_SORT_FUNC};
  bool is_own_name = false;
  switch (item->kind) {
  case TN_WIT_WORLD_FUNCTION:
    TN_TRY(tn_wit_encode_func_type(scope, item->function, &type.index));
    break;
  case TN_WIT_WORLD_TYPE:
    type = (tn_ast_extern_type){.sort = TN_SORT_TYPE, .bound = TN_BOUND_EQ};
    TN_TRY(tn_wit_encode_type_index(scope, item->type, &type.index));
    break;
  default:
    type.sort = TN_SORT_INSTANCE;
    TN_TRY(name_of_instance(scope, item, &name, &is_own_name));
    TN_TRY(tn_wit_encode_instance_type(scope, item->interface, NULL, &type.index));
  }
  TN_TRY(tn_encode_add_export(scope, name, type, &added));
  if (index != NULL) *index = added;
  return is_own_name ? tn_wit_encoder_bind_instance(scope, item->interface, added) : NULL;
}

/* ---- worlds ------------------------------------------------------------------------------------------ */

/* The exports of a world while they are added. `places` has the interfaces that are exported by their own
 * names, by their ids -> item. */
typedef struct exporter {
  tn_wit_encoder *scope;
  const tn_wit_world *world;
  tn_map places;
  bool *is_begun; /* by item */
  uint32_t depth;
} exporter;

static tn_error *find_places(exporter *e) {
  tn_arena *arena = e->scope->arena;
  for (uint32_t i = 0; i < e->world->exports.len; i++) {
    const tn_wit_world_item *item = &e->world->exports.items[i];
    if (item->kind != TN_WIT_WORLD_INTERFACE || item->declaration.name.data != NULL) continue;
    if (!tn_map_put(arena, &e->places, item->name, (void *)item)) return tn_error_no_memory();
  }
  return NULL;
}

static tn_error *export_after_used(exporter *e, const tn_wit_world_item *item);

static tn_error *export_used(exporter *e, const tn_wit_interface *interface) {
  for (uint32_t i = 0; i < interface->types.len; i++) {
    const tn_wit_interface *used = used_interface(interface->types.items[i]);
    if (used == NULL || used->declaration.name.data == NULL) continue;
    tn_str id = tn_str_from(tn_wit_interface_id(e->scope->arena, used));
    if (id.data == NULL) return tn_error_no_memory();
    const tn_wit_world_item *item = tn_map_get(&e->places, id);
    if (item != NULL) TN_TRY(export_after_used(e, item));
  }
  return NULL;
}

static tn_error *export_after_used(exporter *e, const tn_wit_world_item *item) {
  uint32_t place = (uint32_t)(item - e->world->exports.items);
  if (e->is_begun[place]) return NULL;
  if (e->depth == MAX_CHAIN)
    return tn_wit_place_limit(item->declaration.place,
                              "interfaces use each other in too long a chain");
  e->is_begun[place] = true;
  e->depth++;
  if (item->kind == TN_WIT_WORLD_INTERFACE) TN_TRY(export_used(e, item->interface));
  e->depth--;
  return tn_wit_encode_export(e->scope, item, NULL);
}

tn_error *tn_wit_encode_world_items(tn_wit_encoder *scope, const tn_wit_world *world) {
  exporter e = {.scope = scope, .world = world};
  e.is_begun = TN_ARENA_ARRAY(scope->arena, bool, world->exports.len);
  if (e.is_begun == NULL && world->exports.len > 0) return tn_error_no_memory();
  for (uint32_t i = 0; i < world->imports.len; i++) {
    TN_TRY(tn_wit_encode_import(scope, &world->imports.items[i], NULL, NULL));
  }
  TN_TRY(find_places(&e));
  for (uint32_t i = 0; i < world->exports.len; i++) {
    TN_TRY(export_after_used(&e, &world->exports.items[i]));
  }
  return NULL;
}
