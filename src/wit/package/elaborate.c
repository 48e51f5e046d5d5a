/* The imports that a world has because of what it imports and exports: an interface stands behind
 * those whose types its own types are. WIT.md#transitive-imports-and-worlds */
#include <stdlib.h>

#include "wit/package/resolve.h"

/* What is known about an interface in this world. */
typedef struct interface_state {
  const tn_wit_world_item *import; /* written */
  const tn_wit_world_item *export; /* written */
  bool is_imported;                /* it is among the imports */
  bool is_exported;                /* it is among the exports */
  bool is_needed;                  /* an export comes from an import of it */
} interface_state;

/* An interface whose dependencies are being looked at. `item` is the item that is added when they
 * are done; NULL: an implied import. */
typedef struct frame {
  const tn_wit_interface *interface;
  const tn_wit_interface_facts *facts;
  const tn_wit_world_item *item;
  uint32_t next; /* in facts->uses */
  bool is_export;
} frame;

/* Invariant: each frame but the first is there because the one before it uses its interface. */
typedef struct elaboration {
  tn_wit_world_draft *draft;
  tn_wit_resolver *resolver;
  tn_arena scratch;
  tn_pointer_map states; /* tn_wit_interface -> interface_state */
  TN_VEC(frame) frames;
  tn_wit_world_items imports;
  tn_wit_world_items exports;
  const tn_wit_declaration *cause; /* of the item that is being added: implied ones have its gate */
} elaboration;

static interface_state *state_of(elaboration *e, const tn_wit_interface *interface) {
  interface_state *known = (interface_state *)tn_pointer_map_get(&e->states, interface);
  if (known != NULL) return known;
  known = TN_ARENA_NEW(&e->scratch, interface_state);
  if (known == NULL || !tn_pointer_map_put(&e->scratch, &e->states, interface, known)) return NULL;
  return known;
}

static bool has_own_name(const tn_wit_world_item *item) {
  return item->kind == TN_WIT_WORLD_INTERFACE && item->declaration.name.data == NULL;
}

static tn_error *note_written(elaboration *e) {
  for (uint32_t i = 0; i < e->draft->imports.len; i++) {
    const tn_wit_world_item *item = &e->draft->imports.items[i];
    interface_state *state = has_own_name(item) ? state_of(e, item->interface) : NULL;
    if (has_own_name(item) && state == NULL) return tn_error_no_memory();
    if (state != NULL) state->import = item;
  }
  for (uint32_t i = 0; i < e->draft->exports.len; i++) {
    const tn_wit_world_item *item = &e->draft->exports.items[i];
    interface_state *state = has_own_name(item) ? state_of(e, item->interface) : NULL;
    if (has_own_name(item) && state == NULL) return tn_error_no_memory();
    if (state != NULL) state->export = item;
  }
  return NULL;
}

/* ---- adding ---------------------------------------------------------------------------------- */

static tn_error *push_item(elaboration *e, bool is_export, const tn_wit_world_item *item) {
  tn_wit_world_item *slot = TN_VEC_PUSH(&e->scratch, is_export ? &e->exports : &e->imports);
  if (slot == NULL) return tn_error_no_memory();
  *slot = *item;
  return NULL;
}

static tn_error *push_implied(elaboration *e, const tn_wit_interface *interface, tn_str id) {
  tn_wit_world_item item = {
      .kind = TN_WIT_WORLD_INTERFACE,
      .name = id,
      .declaration = {.gate = e->cause->gate, .place = e->cause->place},
      .is_implied = true,
      .interface = interface,
  };
  return push_item(e, false, &item);
}

/* ---- walking --------------------------------------------------------------------------------- */

static tn_str shown_name(const frame *at) {
  return at->item != NULL ? at->item->name : at->facts->id;
}

/* The item at the first frame leads, through interfaces that are imported, to one that is exported
 * as well. */
static tn_error *conflict_error(const elaboration *e, const tn_wit_interface *exported) {
  const frame *first = &e->frames.items[0];
  const frame *last = &e->frames.items[e->frames.len - 1];
  const tn_wit_interface_facts *facts = tn_wit_facts_of(e->resolver, exported);
  if (facts == NULL) return tn_error_no_memory();
  tn_str name = shown_name(first);
  tn_str between = shown_name(last);
  if (first == last) {
    return tn_wit_place_error(e->cause->place,
                              "export '%" TN_STR_FORMAT
                              "' is also needed as an import, by another export",
                              TN_STR_ARG(name));
  }
  return tn_error_set_hint(
      tn_wit_place_error(e->cause->place,
                         "export '%" TN_STR_FORMAT "' uses '%" TN_STR_FORMAT
                         "', which is imported and uses '%" TN_STR_FORMAT "', "
                         "which is exported: it would have to be imported and exported at once",
                         TN_STR_ARG(name), TN_STR_ARG(between), TN_STR_ARG(facts->id)),
      "export '%" TN_STR_FORMAT "' as well", TN_STR_ARG(between));
}

static tn_error *open_frame(elaboration *e, const tn_wit_interface *interface,
                            const tn_wit_world_item *item, bool is_export) {
  TN_TRY(tn_wit_count_steps(e->resolver, e->cause->place, 1));
  const tn_wit_interface_facts *facts = tn_wit_facts_of(e->resolver, interface);
  frame *slot = TN_VEC_PUSH(&e->scratch, &e->frames);
  if (facts == NULL || slot == NULL) return tn_error_no_memory();
  *slot = (frame){.interface = interface, .facts = facts, .item = item, .is_export = is_export};
  return NULL;
}

/* Goes on to an interface that the last frame uses. */
static tn_error *enter(elaboration *e, const tn_wit_interface *interface, bool for_import) {
  const frame *user = &e->frames.items[e->frames.len - 1];
  interface_state *state = state_of(e, interface);
  if (state == NULL) return tn_error_no_memory();
  if (for_import) return state->is_imported ? NULL : open_frame(e, interface, state->import, false);
  bool is_export = user->is_export && state->export != NULL;
  if (is_export && state->is_exported) return NULL;
  if (!is_export && state->is_exported) return conflict_error(e, interface);
  if (!is_export && state->is_needed) return NULL;
  return open_frame(e, interface, is_export ? state->export : state->import, is_export);
}

/* All that the last frame uses is there: adds it. */
static tn_error *close_frame(elaboration *e, bool for_import) {
  frame done = e->frames.items[e->frames.len - 1];
  bool is_labelled = done.item != NULL && !has_own_name(done.item);
  interface_state *state = is_labelled ? NULL : state_of(e, done.interface);
  if (!is_labelled && state == NULL) return tn_error_no_memory();
  if (done.is_export && state != NULL) {
    if (state->is_needed) return conflict_error(e, done.interface);
    state->is_exported = true;
  }
  e->frames.len--;
  if (done.is_export || is_labelled) return push_item(e, done.is_export, done.item);
  if (!for_import) state->is_needed = true;
  if (state->is_imported) return NULL;
  state->is_imported = true;
  return done.item != NULL ? push_item(e, false, done.item)
                           : push_implied(e, done.interface, done.facts->id);
}

/* Adds an item, or (item == NULL) an import of `interface` that a type needs, behind all that it
 * uses. */
static tn_error *add_interface(elaboration *e, const tn_wit_interface *interface,
                               const tn_wit_world_item *item, bool for_import) {
  TN_TRY(open_frame(e, interface, item, !for_import));
  while (e->frames.len > 0) {
    frame *last = &e->frames.items[e->frames.len - 1];
    if (last->next == last->facts->uses.len) {
      TN_TRY(close_frame(e, for_import));
    } else {
      TN_TRY(enter(e, last->facts->uses.items[last->next++], for_import));
    }
  }
  return NULL;
}

/* ---- the world ------------------------------------------------------------------------------- */

static tn_error *add_import(elaboration *e, const tn_wit_world_item *item) {
  e->cause = &item->declaration;
  const tn_wit_interface *interface = item->interface;
  if (item->kind == TN_WIT_WORLD_TYPE && item->type->is_use)
    interface = item->type->element->interface;
  if (interface != NULL && (item->kind == TN_WIT_WORLD_TYPE || has_own_name(item))) {
    interface_state *state = state_of(e, interface);
    if (state == NULL) return tn_error_no_memory();
    if (!state->is_imported) TN_TRY(add_interface(e, interface, state->import, true));
  } else if (interface != NULL) {
    return add_interface(e, interface, item, true);
  }
  return item->kind == TN_WIT_WORLD_INTERFACE ? NULL : push_item(e, false, item);
}

static tn_error *add_export(elaboration *e, const tn_wit_world_item *item) {
  e->cause = &item->declaration;
  if (item->kind != TN_WIT_WORLD_INTERFACE) return push_item(e, true, item);
  interface_state *state = state_of(e, item->interface);
  if (state == NULL) return tn_error_no_memory();
  if (has_own_name(item) && state->is_exported) return NULL;
  return add_interface(e, item->interface, item, false);
}

/* Types that a `use` brings in need interfaces, other types need those, and functions need types. */
static unsigned class_of(const tn_wit_world_item *item) {
  if (item->kind == TN_WIT_WORLD_INTERFACE) return 0;
  if (item->kind == TN_WIT_WORLD_TYPE) return item->type->is_use ? 1 : 2;
  return item->function->resource == NULL ? 3 : 4;
}

/* Stable: within a class the items stay in order. */
static bool sort_by_class(tn_arena *scratch, tn_wit_world_items *items) {
  tn_wit_world_items sorted = {0};
  for (unsigned class = 0; class <= 4; class ++) {
    for (uint32_t i = 0; i < items->len; i++) {
      if (class_of(&items->items[i]) != class) continue;
      tn_wit_world_item *slot = TN_VEC_PUSH(scratch, &sorted);
      if (slot == NULL) return false;
      *slot = items->items[i];
    }
  }
  *items = sorted;
  return true;
}

/* Hands the result over to the world, types in the order of their items. */
static tn_error *finish(elaboration *e) {
  tn_arena *arena = e->resolver->set->arena;
  tn_wit_world *world = e->draft->world;
  uint32_t type_count = 0;
  for (uint32_t i = 0; i < e->imports.len; i++) {
    const tn_wit_world_item *item = &e->imports.items[i];
    tn_wit_world_item *slot = TN_VEC_PUSH(arena, &world->imports);
    if (slot == NULL) return tn_error_no_memory();
    *slot = *item;
    if (item->kind == TN_WIT_WORLD_TYPE)
      world->types.items[type_count++] = (tn_wit_type *)item->type;
  }
  for (uint32_t i = 0; i < e->exports.len; i++) {
    tn_wit_world_item *slot = TN_VEC_PUSH(arena, &world->exports);
    if (slot == NULL) return tn_error_no_memory();
    *slot = e->exports.items[i];
  }
  return NULL;
}

static tn_error *elaborate(elaboration *e) {
  const tn_wit_world_items *imports = &e->draft->imports;
  const tn_wit_world_items *exports = &e->draft->exports;
  TN_TRY(note_written(e));
  for (uint32_t i = 0; i < imports->len; i++)
    TN_TRY(add_import(e, &imports->items[i]));
  for (uint32_t i = 0; i < exports->len; i++) {
    if (exports->items[i].kind != TN_WIT_WORLD_INTERFACE) TN_TRY(add_export(e, &exports->items[i]));
  }
  for (uint32_t i = 0; i < exports->len; i++) {
    if (exports->items[i].kind == TN_WIT_WORLD_INTERFACE) TN_TRY(add_export(e, &exports->items[i]));
  }
  return sort_by_class(&e->scratch, &e->imports) ? finish(e) : tn_error_no_memory();
}

tn_error *tn_wit_elaborate(tn_wit_world_draft *draft) {
  elaboration e = {.draft = draft, .resolver = draft->names.view.resolver};
  tn_error *error =
      sort_by_class(&e.scratch, &draft->imports) ? elaborate(&e) : tn_error_no_memory();
  tn_arena_free(&e.scratch);
  return error;
}
