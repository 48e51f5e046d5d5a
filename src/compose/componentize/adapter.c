/* Adapters, cut down to what is needed of them. */
#include "compose/componentize/componentize.h"
#include "compose/componentize/core_reduce.h"

static tn_error *keep(tn_maker *m, tn_map *names, tn_str name) {
  return tn_map_put(m->arena, names, name, m) ? NULL : tn_error_no_memory();
}

/* Keeps the export of this name, if there is one. */
static tn_error *keep_core(tn_maker *m, const tn_core_part *part, tn_map *names, const char *prefix,
                           const tn_made_item *item, tn_str function) {
  tn_str name;
  TN_TRY(tn_make_core_name(m, prefix, item, function, &name));
  const tn_core_export *export_ = tn_make_find_core_export(part, name);
  return export_ == NULL ? NULL : keep(m, names, export_->name);
}

static tn_error *keep_function(tn_maker *m, const tn_core_part *part, tn_map *names,
                               const tn_made_item *item, const tn_wit_function *function) {
  static const char *const prefixes[] = {"", "cabi_post_", "[async-lift]", "[async-lift-stackful]",
                                         "[callback][async-lift]"};
  for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
    TN_TRY(keep_core(m, part, names, prefixes[i], item, function->item_name));
  return NULL;
}

static tn_error *keep_destructors(tn_maker *m, const tn_core_part *part, tn_map *names,
                                  const tn_made_item *item) {
  const tn_wit_interface *interface = item->item.interface;
  for (uint32_t i = 0; i < interface->types.len; i++) {
    const tn_wit_type *type = interface->types.items[i];
    if (type->kind != TN_WIT_KIND_RESOURCE) continue;
    tn_str name =
        tn_arena_format(m->arena, "[dtor]%" TN_STR_FORMAT, TN_STR_ARG(type->declaration.name));
    if (name.data == NULL) return tn_error_no_memory();
    TN_TRY(keep_core(m, part, names, "", item, name));
  }
  return NULL;
}

static tn_error *keep_export(tn_maker *m, const tn_core_part *part, tn_map *names,
                             const tn_wit_world_item *export_) {
  const tn_made_item item = {.item = *export_};
  if (export_->kind == TN_WIT_WORLD_FUNCTION)
    return keep_function(m, part, names, &item, export_->function);
  if (export_->kind != TN_WIT_WORLD_INTERFACE) return NULL;
  for (uint32_t i = 0; i < export_->interface->functions.len; i++)
    TN_TRY(keep_function(m, part, names, &item, export_->interface->functions.items[i]));
  return keep_destructors(m, part, names, &item);
}

static tn_error *keep_exports(tn_maker *m, const tn_core_part *part, tn_map *names) {
  for (uint32_t i = 0; i < part->worlds.len; i++) {
    const tn_wit_world *world = part->worlds.items[i];
    for (uint32_t j = 0; j < world->exports.len; j++)
      TN_TRY(keep_export(m, part, names, &world->exports.items[j]));
  }
  return NULL;
}

static tn_error *keep_what_main_calls(tn_maker *m, const tn_core_part *part, tn_map *names) {
  for (uint32_t i = 0; i < m->main->module->import_count; i++) {
    const tn_core_import *import = &m->main->module->imports[i];
    if (tn_str_equal(import->module, part->name)) TN_TRY(keep(m, names, import->name));
  }
  return NULL;
}

tn_error *tn_make_reduce_adapter(tn_maker *m, tn_core_part *part) {
  static const tn_str reallocs[] = {TN_STR("cabi_import_realloc"), TN_STR("cabi_export_realloc"),
                                    TN_STR("cabi_realloc")};
  tn_map names = {0};
  tn_core_reduction how = {.exports = &names};
  tn_str bytes;
  TN_TRY(keep_what_main_calls(m, part, &names));
  TN_TRY(keep_exports(m, part, &names));
  part->is_left_out = names.count == 0;
  if (part->is_left_out) return NULL;
  for (size_t i = 0; i < sizeof reallocs / sizeof *reallocs; i++)
    TN_TRY(keep(m, &names, reallocs[i]));
  how.has_realloc =
      !m->options->realloc_via_memory_grow && tn_map_has(&m->main->exports, TN_STR("cabi_realloc"));
  TN_TRY(tn_core_reduce(m->arena, part->module->bytes, &how, &bytes));
  return tn_core_module_read(m->arena, bytes, 0, &part->module);
}
