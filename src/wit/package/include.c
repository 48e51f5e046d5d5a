/* What a world has because it includes another. WIT.md#union-of-worlds-with-include
 *
 * Interfaces are shared. Types of the other world, and all that is made of them, are copied, so that
 * each world has resources of its own. */
#include "component/extern_name.h"
#include "wit/package/resolve.h"

enum { MAX_DEPTH = 200 /* of types without names; text has less, binaries may have more */ };

/* Invariant: `copies` has the copy of each type of `from` that was copied. */
typedef struct world_copier {
  tn_wit_world_draft *draft;
  tn_wit_resolver *resolver;
  const tn_wit_world *from;
  const tn_wit_renamings *renamings;
  tn_map by_name; /* of the renamings: name -> tn_wit_renaming * */
  tn_pointer_map copies;
  bool is_foreign; /* the other world is of another package: its versions mean nothing here */
  tn_wit_place place;
} world_copier;

/* ---- names ----------------------------------------------------------------------------------- */

static tn_str renamed(const world_copier *copier, tn_str name) {
  const tn_wit_renaming *renaming = tn_map_get(&copier->by_name, name);
  return renaming == NULL ? name : renaming->as.text;
}

/* Whether `with` can rename an item: not an interface under its own name, and not what belongs to a
 * resource. */
static bool has_plain_name(const tn_wit_world_item *item) {
  if (item->kind == TN_WIT_WORLD_INTERFACE) return item->declaration.name.data != NULL;
  return item->kind == TN_WIT_WORLD_TYPE || item->function->resource == NULL;
}

static bool note_plain_names(tn_arena *scratch, const tn_wit_world_item *items, uint32_t count,
                             tn_map *out) {
  for (uint32_t i = 0; i < count; i++) {
    if (has_plain_name(&items[i]) && !tn_map_put(scratch, out, items[i].name, (void *)&items[i]))
      return false;
  }
  return true;
}

/* Each renaming has to be of something. */
static tn_error *read_renamings(world_copier *copier) {
  tn_arena *scratch = copier->resolver->scratch;
  tn_map plain = {0};
  if (!note_plain_names(scratch, copier->from->imports.items, copier->from->imports.len, &plain) ||
      !note_plain_names(scratch, copier->from->exports.items, copier->from->exports.len, &plain))
    return tn_error_no_memory();
  for (uint32_t i = 0; i < copier->renamings->len; i++) {
    const tn_wit_renaming *renaming = &copier->renamings->items[i];
    tn_wit_place place = {copier->place.source, renaming->name.offset};
    if (!tn_map_has(&plain, renaming->name.text)) {
      return tn_error_set_hint(
          tn_wit_place_error(place,
                             "world '%" TN_STR_FORMAT
                             "' has no import, export or type called '%" TN_STR_FORMAT "'",
                             TN_STR_ARG(copier->from->declaration.name),
                             TN_STR_ARG(renaming->name.text)),
          "interfaces that go by their own name cannot be renamed");
    }
    if (tn_map_has(&copier->by_name, renaming->name.text)) continue; /* the first one counts */
    if (!tn_map_put(scratch, &copier->by_name, renaming->name.text, (void *)renaming))
      return tn_error_no_memory();
  }
  return NULL;
}

static void adapt_gate(const world_copier *copier, tn_wit_declaration *declaration) {
  if (copier->is_foreign && declaration->gate.since.data != NULL)
    declaration->gate = (tn_wit_gate){0};
}

/* ---- types ----------------------------------------------------------------------------------- */

static tn_error *copy_type(world_copier *copier, const tn_wit_type *type, uint32_t depth,
                           const tn_wit_type **out);

static tn_error *copy_members(world_copier *copier, const tn_wit_member *members, uint32_t count,
                              uint32_t depth, const tn_wit_member **out) {
  if (count == 0) return NULL;
  tn_wit_member *copies = TN_ARENA_ARRAY(copier->resolver->set->arena, tn_wit_member, count);
  if (copies == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < count; i++) {
    copies[i] = members[i];
    TN_TRY(copy_type(copier, members[i].type, depth, &copies[i].type));
  }
  *out = copies;
  return tn_wit_count_steps(copier->resolver, copier->place, count);
}

static tn_error *copy_parts(world_copier *copier, const tn_wit_type *type, uint32_t depth,
                            tn_wit_type *out) {
  TN_TRY(copy_type(copier, type->key, depth, &out->key));
  TN_TRY(copy_type(copier, type->element, depth, &out->element));
  TN_TRY(copy_type(copier, type->error, depth, &out->error));
  TN_TRY(copy_members(copier, type->members, type->member_count, depth, &out->members));
  bool is_noted = tn_wit_note_type(copier->resolver, out) &&
                  tn_pointer_map_put(copier->resolver->scratch, &copier->copies, type, out);
  return is_noted ? NULL : tn_error_no_memory();
}

/* The copy of a type; one of an interface stays what it is. */
static tn_error *copy_type(world_copier *copier, const tn_wit_type *type, uint32_t depth,
                           const tn_wit_type **out) {
  *out = type;
  if (type == NULL || type->interface != NULL || type->kind == TN_WIT_KIND_PRIMITIVE) return NULL;
  const tn_wit_type *known = tn_pointer_map_get(&copier->copies, type);
  if (known != NULL) {
    *out = known;
    return NULL;
  }
  if (depth == MAX_DEPTH)
    return tn_wit_place_error(copier->place, "types of this world are nested too deeply");
  TN_TRY(tn_wit_count_steps(copier->resolver, copier->place, 1));
  tn_wit_type *copy = TN_ARENA_NEW(copier->resolver->set->arena, tn_wit_type);
  if (copy == NULL) return tn_error_no_memory();
  *copy = *type;
  if (type->world != NULL) copy->world = copier->draft->world;
  *out = copy;
  return copy_parts(copier, type, depth + 1, copy);
}

/* The types come in an order in which each stands behind what it needs, so that copying goes no
 * deeper than one. */
static tn_error *copy_world_types(world_copier *copier) {
  tn_wit_world *into = copier->draft->world;
  for (uint32_t i = 0; i < copier->from->types.len; i++) {
    const tn_wit_type *copy = NULL;
    TN_TRY(copy_type(copier, copier->from->types.items[i], 0, &copy));
    tn_wit_type *type = (tn_wit_type *)copy; /* made just now */
    type->declaration.name = renamed(copier, type->declaration.name);
    type->declaration.place = copier->place;
    adapt_gate(copier, &type->declaration);
    tn_wit_type **slot = TN_VEC_PUSH(copier->resolver->set->arena, &into->types);
    if (slot == NULL) return tn_error_no_memory();
    *slot = type;
  }
  return NULL;
}

/* ---- items ----------------------------------------------------------------------------------- */

static tn_error *copy_function(world_copier *copier, const tn_wit_function *function,
                               const tn_wit_function **out) {
  tn_arena *arena = copier->resolver->set->arena;
  tn_wit_function *copy = TN_ARENA_NEW(arena, tn_wit_function);
  if (copy == NULL) return tn_error_no_memory();
  *copy = *function;
  TN_TRY(copy_type(copier, function->resource, 0, &copy->resource));
  tn_str owner = copy->resource == NULL ? TN_STR("") : copy->resource->declaration.name;
  if (copy->resource == NULL) copy->declaration.name = renamed(copier, function->declaration.name);
  if (copy->kind == TN_WIT_CONSTRUCTOR) copy->declaration.name = owner;
  adapt_gate(copier, &copy->declaration);
  copy->item_name = tn_wit_item_name(arena, copy->kind, owner, copy->declaration.name);
  if (copy->item_name.data == NULL) return tn_error_no_memory();
  TN_TRY(copy_members(copier, function->params, function->param_count, 0, &copy->params));
  TN_TRY(copy_type(copier, function->result, 0, &copy->result));
  *out = copy;
  return NULL;
}

static tn_error *copy_item(world_copier *copier, const tn_wit_world_item *item,
                           tn_wit_world_item *out) {
  *out = *item;
  out->is_implied = false;
  adapt_gate(copier, &out->declaration);
  switch (item->kind) {
  case TN_WIT_WORLD_FUNCTION:
    TN_TRY(copy_function(copier, item->function, &out->function));
    out->name = out->function->item_name;
    out->declaration.name = out->function->declaration.name;
    return NULL;
  case TN_WIT_WORLD_TYPE:
    TN_TRY(copy_type(copier, item->type, 0, &out->type));
    out->name = out->declaration.name = out->type->declaration.name;
    return NULL;
  default:
    if (item->declaration.name.data != NULL)
      out->name = out->declaration.name = renamed(copier, item->name);
    return NULL;
  }
}

static tn_error *name_error(const tn_wit_world_item *item, tn_error *error) {
  if (error == NULL || !has_plain_name(item)) return error;
  return tn_error_set_hint(
      error, "include … with { %" TN_STR_FORMAT " as another-name } gives it a name of its own",
      TN_STR_ARG(item->name));
}

static tn_error *add_item(world_copier *copier, bool is_import, const tn_wit_world_item *item) {
  tn_wit_world_draft *draft = copier->draft;
  tn_arena *scratch = copier->resolver->scratch;
  TN_TRY(tn_wit_count_steps(copier->resolver, copier->place, 1));
  bool is_shared = item->kind == TN_WIT_WORLD_INTERFACE && item->declaration.name.data == NULL;
  tn_str key = is_shared ? tn_name_unique_key(scratch, item->name) : (tn_str){0};
  if (is_shared && key.data == NULL) return tn_error_no_memory();
  if (is_shared && tn_wit_has_extern(draft, is_import, key)) return NULL;
  tn_wit_world_item *slot = TN_VEC_PUSH(scratch, is_import ? &draft->imports : &draft->exports);
  if (slot == NULL) return tn_error_no_memory();
  TN_TRY(copy_item(copier, item, slot));
  return name_error(item, tn_wit_take_extern(draft, is_import, slot->name, copier->place));
}

tn_error *tn_wit_include(tn_wit_world_draft *draft, const tn_wit_item_syntax *item) {
  const tn_wit_view *view = &draft->names.view;
  tn_str feature;
  TN_TRY(tn_wit_check_gate(view, &item->declaration, &feature));
  if (feature.data != NULL) return NULL;
  world_copier copier = {
      .draft = draft,
      .resolver = view->resolver,
      .renamings = &item->renamings,
      .place = tn_wit_view_place(view, item->path.offset),
  };
  TN_TRY(tn_wit_find_included(view, &item->path, &copier.from));
  copier.is_foreign = copier.from->package != draft->world->package;
  TN_TRY(read_renamings(&copier));
  TN_TRY(copy_world_types(&copier));
  for (uint32_t i = 0; i < copier.from->imports.len; i++)
    TN_TRY(add_item(&copier, true, &copier.from->imports.items[i]));
  for (uint32_t i = 0; i < copier.from->exports.len; i++)
    TN_TRY(add_item(&copier, false, &copier.from->exports.items[i]));
  return NULL;
}
