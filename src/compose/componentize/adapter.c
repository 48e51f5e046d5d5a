/* Adapters, cut down to what is needed of them. */
#include "compose/componentize/componentize.h"
#include "compose/componentize/core_reduce.h"

static tn_error *keep(tn_maker *m, tn_map *names, tn_str name) {
  return tn_map_put(m->arena, names, name, m) ? NULL : tn_error_no_memory();
}

/* Whatever the part exports for a function or resource of an export. */
static tn_error *keep_all_of(tn_maker *m, const tn_core_part *part, tn_map *names,
                             const tn_made_item *item, tn_str name) {
  for (int role = 0; role < TN_ROLE_COUNT; role++) {
    const tn_core_export *export_;
    TN_TRY(tn_make_find_export(m, part, (tn_core_role)role, item, name, &export_));
    if (export_ != NULL) TN_TRY(keep(m, names, export_->name));
  }
  return NULL;
}

static tn_error *keep_export(tn_maker *m, const tn_core_part *part, tn_map *names,
                             const tn_wit_world_item *export_) {
  const tn_made_item item = {.item = *export_};
  if (export_->kind == TN_WIT_WORLD_FUNCTION)
    return keep_all_of(m, part, names, &item, export_->function->item_name);
  if (export_->kind != TN_WIT_WORLD_INTERFACE) return NULL;
  const tn_wit_interface *interface = export_->interface;
  for (uint32_t i = 0; i < interface->functions.len; i++)
    TN_TRY(keep_all_of(m, part, names, &item, interface->functions.items[i]->item_name));
  for (uint32_t i = 0; i < interface->types.len; i++) {
    const tn_wit_type *type = interface->types.items[i];
    if (type->kind == TN_WIT_KIND_RESOURCE)
      TN_TRY(keep_all_of(m, part, names, &item, type->declaration.name));
  }
  return NULL;
}

static tn_error *keep_exports(tn_maker *m, const tn_core_part *part, tn_map *names) {
  for (uint32_t i = 0; i < part->worlds.len; i++) {
    const tn_wit_world *world = part->worlds.items[i];
    for (uint32_t j = 0; j < world->exports.len; j++)
      TN_TRY(keep_export(m, part, names, &world->exports.items[j]));
  }
  return NULL;
}

/* What the main module and the adapters before this one call. */
static tn_error *keep_what_is_called(tn_maker *m, const tn_core_part *part, tn_map *names) {
  for (uint32_t i = 0; m->parts.items[i] != part; i++) {
    const tn_core_module *caller = m->parts.items[i]->module;
    for (uint32_t j = 0; !m->parts.items[i]->is_left_out && j < caller->import_count; j++) {
      const tn_core_import *import = &caller->imports[j];
      if (tn_str_equal(import->module, part->name)) TN_TRY(keep(m, names, import->name));
    }
  }
  return NULL;
}

tn_error *tn_make_reduce_adapter(tn_maker *m, tn_core_part *part) {
  tn_map names = {0};
  tn_core_reduction how = {.exports = &names};
  tn_str bytes;
  TN_TRY(keep_what_is_called(m, part, &names));
  TN_TRY(keep_exports(m, part, &names));
  part->is_left_out = names.count == 0;
  if (part->is_left_out) return NULL;
  for (int use = 0; use < TN_REALLOC_COUNT; use++) {
    const tn_core_export *realloc = tn_core_find_realloc(&part->exports, (tn_core_realloc)use);
    if (realloc != NULL) TN_TRY(keep(m, &names, realloc->name));
  }
  const tn_core_export *realloc = tn_core_find_realloc(&m->main->exports, TN_REALLOC_FOR_ADAPTERS);
  if (realloc != NULL && !m->options->realloc_via_memory_grow) how.realloc = realloc->name;
  TN_TRY(tn_core_reduce(m->arena, part->module->bytes, &how, &bytes));
  return tn_core_module_read(m->arena, bytes, 0, &part->module);
}
