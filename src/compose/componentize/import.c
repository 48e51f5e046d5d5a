/* The imports of the component: what is called, and the types that this and the exports need. */
#include "compose/componentize/componentize.h"

enum { MAX_DEPTH = 500 };

/* ---- what is needed ------------------------------------------------------------------------------------- */

static tn_error *put(tn_maker *m, tn_pointer_map *set, const void *key) {
  return tn_pointer_map_put(m->arena, set, key, key) ? NULL : tn_error_no_memory();
}

static tn_error *need_type(tn_maker *m, const tn_wit_type *type);

static tn_error *need_parts(tn_maker *m, const tn_wit_type *type) {
  TN_TRY(need_type(m, type->element));
  TN_TRY(need_type(m, type->error));
  TN_TRY(need_type(m, type->key));
  for (uint32_t i = 0; i < type->member_count; i++)
    TN_TRY(need_type(m, type->members[i].type));
  return NULL;
}

/* The type of the same name in the version of the interface, or in the world, that stands for it. */
static const tn_wit_type *newest(const tn_maker *m, const tn_wit_type *type) {
  const tn_wit_type *first = tn_pointer_map_get(&m->world_types, type);
  if (type->interface == NULL) return first != NULL ? first : type;
  const tn_made_item *item = tn_make_find_import_of(m, type->interface);
  if (item == NULL || item->item.interface == type->interface) return type;
  const tn_wit_type *other = tn_wit_interface_type(item->item.interface, type->declaration.name);
  return other != NULL ? other : type;
}

static tn_error *need_type(tn_maker *m, const tn_wit_type *type) {
  if (type == NULL) return NULL;
  type = newest(m, type);
  if (tn_pointer_map_get(&m->live_types, type) != NULL) return NULL;
  TN_TRY(put(m, &m->live_types, type));
  if (m->depth == MAX_DEPTH) return tn_error_new(TN_ERROR_LIMIT, "types nest too deep");
  m->depth++;
  tn_error *error = need_parts(m, type);
  m->depth--;
  return error;
}

static tn_error *need_types_of(tn_maker *m, const tn_wit_function *function) {
  TN_TRY(need_type(m, function->resource)); /* static functions need not mention it */
  for (uint32_t i = 0; i < function->param_count; i++)
    TN_TRY(need_type(m, function->params[i].type));
  return need_type(m, function->result);
}

static tn_error *need_what_is_called(tn_maker *m, const tn_core_part *part) {
  for (uint32_t i = 0; i < part->needs.len; i++) {
    const tn_core_need *need = &part->needs.items[i];
    if (need->kind == TN_NEED_DROP) TN_TRY(need_type(m, need->resource));
    bool is_import =
        need->kind == TN_NEED_LOWER || (need->payload != NULL && !need->payload_is_exported);
    if (!is_import) continue;
    /* A built-in for a stream needs the stream's type only. */
    if (need->kind == TN_NEED_LOWER) TN_TRY(put(m, &m->live_functions, need->function));
    TN_TRY(need->kind == TN_NEED_LOWER ? need_types_of(m, need->function)
                                       : need_type(m, need->payload));
  }
  return NULL;
}

/* What exported interfaces use of others. Types of those that are exported, too, come from the export. */
static tn_error *need_exported_type(tn_maker *m, const tn_wit_type *type) {
  const tn_wit_type *used = type->kind == TN_WIT_KIND_ALIAS ? type->element : NULL;
  if (used == NULL || used->interface == NULL || used->interface == type->interface) return NULL;
  const char *id = used->interface->declaration.name.data == NULL
                       ? NULL
                       : tn_wit_interface_id(m->arena, used->interface);
  bool is_exported = id != NULL && tn_made_find(&m->exports, tn_str_from(id)) != NULL;
  return is_exported ? NULL : need_type(m, used);
}

static tn_error *need_what_is_exported(tn_maker *m) {
  for (uint32_t i = 0; i < m->exports.all.len; i++) {
    const tn_wit_world_item *item = &m->exports.all.items[i]->item;
    if (item->kind == TN_WIT_WORLD_FUNCTION) TN_TRY(need_types_of(m, item->function));
    if (item->kind != TN_WIT_WORLD_INTERFACE) continue;
    for (uint32_t j = 0; j < item->interface->types.len; j++)
      TN_TRY(need_exported_type(m, item->interface->types.items[j]));
  }
  return NULL;
}

/* Types of worlds are part of what a component says of itself, whether functions mention them or not. */
static tn_error *need_world_types(tn_maker *m) {
  for (uint32_t i = 0; i < m->imports.all.len; i++) {
    const tn_wit_world_item *item = &m->imports.all.items[i]->item;
    if (item->kind == TN_WIT_WORLD_TYPE) TN_TRY(need_type(m, item->type));
  }
  return NULL;
}

/* ---- importing ------------------------------------------------------------------------------------------ */

static bool wants_function(void *data, const tn_wit_function *function) {
  const tn_maker *m = data;
  return tn_pointer_map_get(&m->live_functions, function) != NULL;
}

static bool wants_type(void *data, const tn_wit_type *type) {
  const tn_maker *m = data;
  return tn_pointer_map_get(&m->live_types, type) != NULL;
}

static bool is_wanted(tn_maker *m, const tn_wit_world_item *item) {
  if (item->kind == TN_WIT_WORLD_FUNCTION) return wants_function(m, item->function);
  if (item->kind == TN_WIT_WORLD_TYPE) return wants_type(m, item->type);
  for (uint32_t i = 0; i < item->interface->functions.len; i++) {
    if (wants_function(m, item->interface->functions.items[i])) return true;
  }
  for (uint32_t i = 0; i < item->interface->types.len; i++) {
    if (wants_type(m, item->interface->types.items[i])) return true;
  }
  return false;
}

static tn_error *make_import(tn_maker *m, tn_made_item *item);

/* Imports what the types of this interface, or this type, are taken from. */
static tn_error *import_source(tn_maker *m, const tn_wit_type *type) {
  if (type->kind != TN_WIT_KIND_ALIAS || type->element->interface == NULL || !wants_type(m, type))
    return NULL;
  if (type->element->interface == type->interface) return NULL;
  tn_made_item *source = tn_make_find_import_of(m, type->element->interface);
  return source == NULL ? NULL : make_import(m, source);
}

static tn_error *import_sources(tn_maker *m, const tn_wit_world_item *item) {
  if (item->kind == TN_WIT_WORLD_TYPE) return import_source(m, item->type);
  if (item->kind != TN_WIT_WORLD_INTERFACE) return NULL;
  for (uint32_t i = 0; i < item->interface->types.len; i++)
    TN_TRY(import_source(m, item->interface->types.items[i]));
  return NULL;
}

/* What the options call the import. */
static tn_str chosen_name(const tn_maker *m, tn_str name) {
  for (size_t i = 0; i < m->options->import_name_count; i++) {
    tn_str rename = tn_str_from(m->options->import_names[i]);
    size_t equals = tn_str_find(rename, '=', 0);
    if (tn_str_equal(tn_str_slice(rename, 0, equals), name))
      return tn_str_slice(rename, equals + 1, rename.len);
  }
  return name;
}

/* The versions that this one stands for have the same types. */
static tn_error *bind_versions(tn_maker *m, const tn_made_item *item) {
  for (uint32_t i = 0; i < m->imports.all.len; i++) {
    const tn_made_item *other = m->imports.all.items[i];
    if (other != item && other->newer != item) continue;
    TN_TRY(tn_wit_encoder_bind_instance(&m->in, other->item.interface, item->index));
    TN_TRY(tn_wit_encoder_bind_instance(&m->out, other->item.interface, item->index));
  }
  return NULL;
}

static tn_error *add_import(tn_maker *m, tn_made_item *item) {
  const tn_wit_wanted wanted = {.function = wants_function, .type = wants_type, .data = m};
  tn_str name = chosen_name(m, item->item.name);
  bool is_renamed =
      item->item.kind == TN_WIT_WORLD_INTERFACE && !tn_str_equal(name, item->item.name);
  if (is_renamed) {
    TN_TRY(
        tn_wit_encode_import_interface(&m->in, name, item->item.interface, &wanted, &item->index));
  } else {
    TN_TRY(tn_wit_encode_import(&m->in, &item->item, &wanted, &item->index));
  }
  if (item->item.kind == TN_WIT_WORLD_TYPE)
    return tn_wit_encoder_bind_type(&m->out, item->item.type, item->index);
  bool has_types =
      item->item.kind == TN_WIT_WORLD_INTERFACE && item->item.declaration.name.data == NULL;
  bool is_inline = item->item.kind == TN_WIT_WORLD_INTERFACE &&
                   item->item.interface->declaration.name.data == NULL;
  return has_types || is_inline ? bind_versions(m, item) : NULL;
}

static tn_error *make_import(tn_maker *m, tn_made_item *item) {
  if (item->state != TN_NOT_MADE || item->newer != NULL || !is_wanted(m, &item->item)) return NULL;
  if (m->depth == MAX_DEPTH)
    return tn_error_new(TN_ERROR_LIMIT, "interfaces use each other in too long a chain");
  item->state = TN_BEING_MADE;
  m->depth++;
  tn_error *error = import_sources(m, &item->item);
  m->depth--;
  TN_TRY(error);
  TN_TRY(add_import(m, item));
  item->state = TN_MADE;
  return NULL;
}

/* Types of worlds that are there twice. */
static tn_error *bind_world_types(tn_maker *m) {
  for (uint32_t i = 0; i < m->parts.len; i++) {
    for (uint32_t j = 0; j < m->parts.items[i]->worlds.len; j++) {
      const tn_wit_world *world = m->parts.items[i]->worlds.items[j];
      for (uint32_t k = 0; k < world->types.len; k++) {
        const tn_wit_type *first = tn_pointer_map_get(&m->world_types, world->types.items[k]);
        const tn_made_item *item =
            first == NULL ? NULL : tn_made_find(&m->imports, first->declaration.name);
        if (item == NULL || item->state != TN_MADE) continue;
        TN_TRY(tn_wit_encoder_bind_type(&m->in, world->types.items[k], item->index));
        TN_TRY(tn_wit_encoder_bind_type(&m->out, world->types.items[k], item->index));
      }
    }
  }
  return NULL;
}

tn_error *tn_make_imports(tn_maker *m) {
  for (uint32_t i = 0; i < m->parts.len; i++)
    TN_TRY(need_what_is_called(m, m->parts.items[i]));
  TN_TRY(need_what_is_exported(m));
  TN_TRY(need_world_types(m));
  /* Types first, so that the functions of all worlds find theirs. */
  for (uint32_t i = 0; i < m->imports.all.len; i++) {
    if (m->imports.all.items[i]->item.kind != TN_WIT_WORLD_FUNCTION)
      TN_TRY(make_import(m, m->imports.all.items[i]));
  }
  TN_TRY(bind_world_types(m));
  for (uint32_t i = 0; i < m->imports.all.len; i++)
    TN_TRY(make_import(m, m->imports.all.items[i]));
  return NULL;
}
