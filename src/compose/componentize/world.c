/* The worlds that core modules have embedded, and what they are together. */
#include "component/binary/sections.h"
#include "component/extern_name.h"
#include "compose/componentize/componentize.h"
#include "wit/package/package.h"

const char *tn_make_adapter_name(tn_arena *arena, tn_str name, const char *file) {
  bool has_file = file != NULL;
  tn_str text = tn_arena_format(arena, "adapter '%" TN_STR_FORMAT "'%s%s%s", TN_STR_ARG(name),
                                has_file ? " (" : "", has_file ? file : "", has_file ? ")" : "");
  return text.data == NULL ? "an adapter" : text.data;
}

const char *tn_make_part_name(const tn_maker *m, const tn_core_part *part) {
  if (part->name.data == NULL) return "the module";
  return tn_make_adapter_name(m->arena, part->name, part->file);
}

tn_error *tn_make_find_export(tn_maker *m, const tn_core_part *part, tn_core_role role,
                              const tn_made_item *item, tn_str name, const tn_core_export **out) {
  tn_str interface = item->item.name;
  if (item->item.kind == TN_WIT_WORLD_FUNCTION) interface = (tn_str){NULL, 0};
  return tn_core_find_export(m->arena, &part->exports, role, interface, name, out);
}

const tn_wit_function *tn_make_find_function(const tn_wit_interface *interface, tn_str item_name) {
  for (uint32_t i = 0; i < interface->functions.len; i++) {
    if (tn_str_equal(interface->functions.items[i]->item_name, item_name))
      return interface->functions.items[i];
  }
  return NULL;
}

/* ---- reading -------------------------------------------------------------------------------------------- */

/* Producers are only advice: a section that cannot be read, or has too many entries, has none. */
static tn_error *read_producers(tn_maker *m, tn_str file, tn_producers *out) {
  enum { MAX_PRODUCERS = 1000 };
  tn_sections sections = {0};
  TN_TRY(tn_sections_list(m->arena, file, &sections));
  for (uint32_t i = 0; i < sections.items.len; i++) {
    tn_producers read = {0};
    if (!tn_str_equal(sections.items.items[i].name, TN_STR("producers"))) continue;
    tn_error *error = tn_producers_read(m->arena, sections.items.items[i].contents, &read);
    bool is_usable = error == NULL && out->items.len + read.items.len <= MAX_PRODUCERS;
    tn_error_delete(error);
    if (is_usable) TN_TRY(tn_producers_merge(m->arena, out, &read));
  }
  return NULL;
}

static tn_error *read_world(tn_maker *m, tn_core_part *part, tn_str payload) {
  const tn_wit_world **slot = TN_VEC_PUSH(m->arena, &part->worlds);
  tn_string_encoding encoding;
  if (slot == NULL) return tn_error_no_memory();
  TN_TRY(tn_wit_decode_embedded(&m->set, payload, slot, &encoding));
  if (part->worlds.len > 1 && encoding != part->encoding) {
    return tn_error_new(TN_ERROR_INVALID,
                        "its worlds were embedded with different string encodings");
  }
  part->encoding = encoding;
  return read_producers(m, payload, &part->producers);
}

tn_error *tn_make_read_worlds(tn_maker *m, tn_core_part *part) {
  tn_sections sections = {0};
  TN_TRY(tn_sections_list(m->arena, part->module->bytes, &sections));
  for (uint32_t i = 0; i < sections.items.len; i++) {
    const tn_section *section = &sections.items.items[i];
    if (section->name.data == NULL || !tn_str_starts_with(section->name, TN_STR("component-type")))
      continue;
    TN_TRY(tn_error_wrap(read_world(m, part, section->contents),
                         "custom section '%" TN_STR_FORMAT "' of %s", TN_STR_ARG(section->name),
                         tn_make_part_name(m, part)));
  }
  return NULL;
}

tn_error *tn_make_producers(tn_maker *m, tn_core_part *part, tn_str *out) {
  tn_producers all = {0};
  tn_buffer bytes = {0};
  TN_TRY(read_producers(m, part->module->bytes, &all));
  TN_TRY(tn_producers_merge(m->arena, &all, &part->producers));
  tn_producers_write(&bytes, &all);
  *out = bytes.failed ? (tn_str){NULL, 0} : tn_arena_copy(m->arena, tn_buffer_str(&bytes));
  tn_buffer_free(&bytes);
  return out->data == NULL ? tn_error_no_memory() : NULL;
}

/* ---- merging -------------------------------------------------------------------------------------------- */

tn_made_item *tn_made_find(const tn_made_items *items, tn_str name) {
  return tn_map_get(&items->by_name, name);
}

tn_made_item *tn_made_find_module(const tn_made_items *items, tn_str module) {
  tn_made_item *found = tn_made_find(items, module);
  for (uint32_t i = 0; found == NULL && i < items->all.len; i++) {
    if (tn_core_is_same_but_for_version(items->all.items[i]->item.name, module))
      found = items->all.items[i];
  }
  return found;
}

static tn_error *add_item(tn_maker *m, tn_made_items *items, const tn_wit_world_item *item) {
  tn_made_item *made = TN_ARENA_NEW(m->arena, tn_made_item);
  tn_made_item **slot = TN_VEC_PUSH(m->arena, &items->all);
  if (made == NULL || slot == NULL) return tn_error_no_memory();
  made->item = *item;
  *slot = made;
  return tn_map_put(m->arena, &items->by_name, item->name, made) ? NULL : tn_error_no_memory();
}

static tn_error *merge_item(tn_maker *m, tn_made_items *items, const tn_wit_world_item *item) {
  const tn_made_item *there = tn_made_find(items, item->name);
  if (there == NULL) return add_item(m, items, item);
  if (there->item.kind != item->kind) {
    return tn_error_new(TN_ERROR_INVALID,
                        "'%" TN_STR_FORMAT "' is different things in the embedded worlds",
                        TN_STR_ARG(item->name));
  }
  if (item->kind != TN_WIT_WORLD_TYPE || there->item.type == item->type) return NULL;
  bool is_put = tn_pointer_map_put(m->arena, &m->world_types, item->type, there->item.type);
  return is_put ? NULL : tn_error_no_memory();
}

/* Gives an interface to the newest version that stands for all compatible ones. */
static tn_error *find_newer(tn_maker *m, tn_map *tracks, tn_made_item *item) {
  tn_name name, other;
  tn_semver version, other_version;
  if (item->item.kind != TN_WIT_WORLD_INTERFACE || item->item.declaration.name.data != NULL)
    return NULL;
  TN_TRY(tn_name_parse(item->item.name, &name));
  if (name.version.data == NULL) return NULL;
  tn_str track = tn_name_track(item->item.name);
  tn_made_item *newest = tn_map_get(tracks, track);
  if (newest != NULL) {
    TN_TRY(tn_name_parse(newest->item.name, &other));
    TN_TRY(tn_semver_parse(name.version, &version));
    TN_TRY(tn_semver_parse(other.version, &other_version));
    if (tn_semver_compare(&version, &other_version) <= 0) return NULL;
  }
  return tn_map_put(m->arena, tracks, track, item) ? NULL : tn_error_no_memory();
}

static tn_error *merge_versions(tn_maker *m) {
  tn_map tracks = {0};
  if (m->options->no_merging) return NULL;
  for (uint32_t i = 0; i < m->imports.all.len; i++)
    TN_TRY(find_newer(m, &tracks, m->imports.all.items[i]));
  for (uint32_t i = 0; i < m->imports.all.len; i++) {
    tn_made_item *item = m->imports.all.items[i];
    if (item->item.kind != TN_WIT_WORLD_INTERFACE) continue;
    tn_made_item *newest = tn_map_get(&tracks, tn_name_track(item->item.name));
    if (newest != item) item->newer = newest;
  }
  return NULL;
}

tn_error *tn_make_merge_worlds(tn_maker *m) {
  for (uint32_t i = 0; i < m->parts.len; i++) {
    const tn_core_part *part = m->parts.items[i];
    for (uint32_t j = 0; j < part->worlds.len; j++) {
      const tn_wit_world *world = part->worlds.items[j];
      for (uint32_t k = 0; k < world->imports.len; k++)
        TN_TRY(merge_item(m, &m->imports, &world->imports.items[k]));
      for (uint32_t k = 0; k < world->exports.len; k++)
        TN_TRY(merge_item(m, &m->exports, &world->exports.items[k]));
    }
  }
  return merge_versions(m);
}

tn_made_item *tn_make_find_import_of(const tn_maker *m, const tn_wit_interface *interface) {
  if (interface->declaration.name.data != NULL) {
    const char *id = tn_wit_interface_id(m->arena, interface);
    tn_made_item *item = id == NULL ? NULL : tn_made_find(&m->imports, tn_str_from(id));
    return item != NULL && item->newer != NULL ? item->newer : item;
  }
  for (uint32_t i = 0; i < m->imports.all.len; i++) {
    if (m->imports.all.items[i]->item.interface == interface) return m->imports.all.items[i];
  }
  return NULL;
}
