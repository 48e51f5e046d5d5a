/* The imports and exports of a world as they are written. WIT.md#item-world */
#include "component/extern_name.h"
#include "wit/package/resolve.h"

/* ---- names ----------------------------------------------------------------------------------- */

static tn_map *taken_of(tn_wit_world_draft *draft, bool is_import) {
  return is_import ? &draft->names.taken : &draft->taken_exports;
}

bool tn_wit_has_extern(const tn_wit_world_draft *draft, bool is_import, tn_str name) {
  return tn_map_has(is_import ? &draft->names.taken : &draft->taken_exports, name);
}

tn_error *tn_wit_take_extern(tn_wit_world_draft *draft, bool is_import, tn_str name,
                             tn_wit_place place) {
  tn_arena *scratch = draft->names.view.resolver->scratch;
  tn_str key = tn_name_unique_key(scratch, name);
  tn_str *kept = TN_ARENA_NEW(scratch, tn_str);
  if (key.data == NULL || kept == NULL) return tn_error_no_memory();
  const tn_str *other = tn_map_get(taken_of(draft, is_import), key);
  if (other == NULL) {
    *kept = name;
    return tn_map_put(scratch, taken_of(draft, is_import), key, kept) ? NULL : tn_error_no_memory();
  }
  const char *what = is_import ? "import" : "export";
  if (tn_str_equal(*other, name)) {
    return tn_wit_place_error(
        place, "world '%" TN_STR_FORMAT "' has more than one %s '%" TN_STR_FORMAT "'",
        TN_STR_ARG(draft->world->declaration.name), what, TN_STR_ARG(name));
  }
  return tn_wit_place_error(place,
                            "%s '%" TN_STR_FORMAT "' cannot be beside '%" TN_STR_FORMAT
                            "': names have to differ in more than case and kind",
                            what, TN_STR_ARG(name), TN_STR_ARG(*other));
}

/* ---- items ----------------------------------------------------------------------------------- */

static tn_error *push(tn_wit_world_draft *draft, bool is_import, const tn_wit_world_item *item) {
  tn_wit_world_items *items = is_import ? &draft->imports : &draft->exports;
  tn_wit_world_item *slot = TN_VEC_PUSH(draft->names.view.resolver->scratch, items);
  if (slot == NULL) return tn_error_no_memory();
  *slot = *item;
  return NULL;
}

static tn_error *read_function(tn_wit_world_draft *draft, const tn_wit_item_syntax *item,
                               const tn_wit_type *resource, tn_wit_world_item *out) {
  tn_wit_function *function = NULL;
  TN_TRY(tn_wit_resolve_function(&draft->names, item, resource, &function));
  out->kind = TN_WIT_WORLD_FUNCTION;
  out->function = function;
  out->name = function->item_name;
  return NULL;
}

static tn_error *read_inline_interface(tn_wit_world_draft *draft, const tn_wit_item_syntax *item,
                                       tn_wit_world_item *out) {
  tn_wit_interface *interface =
      TN_ARENA_NEW(draft->names.view.resolver->set->arena, tn_wit_interface);
  if (interface == NULL) return tn_error_no_memory();
  interface->declaration.place = item->declaration.place;
  interface->package = draft->world->package;
  out->kind = TN_WIT_WORLD_INTERFACE;
  out->interface = interface;
  out->name = item->declaration.name;
  return tn_wit_resolve_interface(&draft->names.view, &item->body, interface);
}

/* An interface by its own name, or by the label that is put in front. */
static tn_error *read_path(tn_wit_world_draft *draft, const tn_wit_item_syntax *item,
                           tn_wit_world_item *out) {
  tn_wit_interface *interface = NULL;
  TN_TRY(tn_wit_find_interface(&draft->names.view, &item->path, &interface));
  out->kind = TN_WIT_WORLD_INTERFACE;
  out->interface = interface;
  out->name = item->declaration.name;
  if (out->name.data != NULL) return NULL;
  const tn_wit_interface_facts *facts = tn_wit_facts_of(draft->names.view.resolver, interface);
  if (facts == NULL) return tn_error_no_memory();
  out->name = facts->id;
  return NULL;
}

static tn_error *add_extern(tn_wit_world_draft *draft, const tn_wit_item_syntax *item) {
  tn_str feature;
  TN_TRY(tn_wit_check_gate(&draft->names.view, &item->declaration, &feature));
  if (feature.data != NULL) return tn_wit_check_gated_body(&draft->names.view, &item->body);
  bool is_import = item->kind == TN_WIT_ITEM_IMPORT;
  tn_wit_world_item out = {.declaration = item->declaration};
  if (item->function != NULL) {
    TN_TRY(read_function(draft, item, NULL, &out));
  } else if (item->has_body) {
    TN_TRY(read_inline_interface(draft, item, &out));
  } else {
    TN_TRY(read_path(draft, item, &out));
  }
  TN_TRY(tn_wit_take_extern(draft, is_import, out.name, item->declaration.place));
  return push(draft, is_import, &out);
}

/* ---- types ----------------------------------------------------------------------------------- */

/* The types are in the world already; as items they are imports. */
static tn_error *add_type_items(tn_wit_world_draft *draft) {
  for (uint32_t i = 0; i < draft->world->types.len; i++) {
    const tn_wit_type *type = draft->world->types.items[i];
    tn_wit_world_item item = {.kind = TN_WIT_WORLD_TYPE,
                              .name = type->declaration.name,
                              .declaration = type->declaration,
                              .type = type};
    TN_TRY(push(draft, true, &item));
  }
  return NULL;
}

static tn_error *add_resource_functions(tn_wit_world_draft *draft, const tn_wit_item_syntax *item) {
  const tn_wit_type *resource = tn_wit_declared_resource(&draft->names, item);
  for (uint32_t i = 0; resource != NULL && i < item->body.len; i++) {
    tn_str feature;
    tn_wit_world_item out = {.declaration = item->body.items[i].declaration};
    TN_TRY(tn_wit_check_gate(&draft->names.view, &out.declaration, &feature));
    if (feature.data != NULL) continue;
    TN_TRY(read_function(draft, &item->body.items[i], resource, &out));
    out.declaration = out.function->declaration;
    TN_TRY(push(draft, true, &out));
  }
  return NULL;
}

static tn_error *add_item(tn_wit_world_draft *draft, const tn_wit_item_syntax *item) {
  switch (item->kind) {
  case TN_WIT_ITEM_IMPORT:
  case TN_WIT_ITEM_EXPORT:
    return add_extern(draft, item);
  case TN_WIT_ITEM_TYPE:
    return add_resource_functions(draft, item);
  default:
    return NULL;
  }
}

tn_error *tn_wit_resolve_world(const tn_wit_view *view, const tn_wit_body *body,
                               tn_wit_world *world) {
  tn_wit_world_draft draft = {.names = {.view = *view, .world = world}, .world = world};
  TN_TRY(tn_wit_resolve_types(&draft.names, body));
  TN_TRY(add_type_items(&draft));
  for (uint32_t i = 0; i < body->len; i++)
    TN_TRY(add_item(&draft, &body->items[i]));
  for (uint32_t i = 0; i < body->len; i++) {
    if (body->items[i].kind == TN_WIT_ITEM_INCLUDE) TN_TRY(tn_wit_include(&draft, &body->items[i]));
  }
  return tn_wit_elaborate(&draft);
}
