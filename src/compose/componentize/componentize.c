#include "compose/componentize/componentize.h"

#include "component/write/write.h"

/* ---- parts ---------------------------------------------------------------------------------------------- */

static tn_error *list_exports(tn_maker *m, tn_core_part *part) {
  part->exports = (tn_core_exports){.all = part->module->exports,
                                    .count = part->module->export_count,
                                    .no_legacy = m->options->reject_legacy_names};
  for (uint32_t i = 0; i < part->module->export_count; i++) {
    const tn_core_export *export_ = &part->module->exports[i];
    if (!tn_map_put(m->arena, &part->exports.by_name, export_->name, (void *)export_))
      return tn_error_no_memory();
  }
  return NULL;
}

static tn_error *add_part(tn_maker *m, tn_str name, const char *file, tn_str bytes,
                          tn_core_part **out) {
  tn_core_part *part = TN_ARENA_NEW(m->arena, tn_core_part);
  tn_core_part **slot = TN_VEC_PUSH(m->arena, &m->parts);
  if (part == NULL || slot == NULL) return tn_error_no_memory();
  *slot = part;
  *out = part;
  part->name = name;
  part->file = file;
  if (tn_file_kind_of(bytes) == TN_FILE_COMPONENT) {
    tn_error *error =
        tn_error_new(TN_ERROR_ARGUMENT, "%s is a component already", tn_make_part_name(m, part));
    return tn_error_set_hint(error, "components are made of core modules");
  }
  TN_TRY(tn_error_wrap(tn_core_module_read(m->arena, bytes, 0, &part->module), "%s",
                       tn_make_part_name(m, part)));
  TN_TRY(list_exports(m, part));
  return tn_make_read_worlds(m, part);
}

static tn_error *add_parts(tn_maker *m, tn_str module) {
  tn_core_part *part;
  TN_TRY(add_part(m, (tn_str){NULL, 0}, NULL, module, &m->main));
  for (size_t i = 0; i < m->options->adapter_count; i++) {
    const tn_adapter *adapter = &m->options->adapters[i];
    TN_TRY(add_part(m, tn_str_from(adapter->name), adapter->file,
                    (tn_str){adapter->bytes, adapter->size}, &part));
  }
  return NULL;
}

static tn_error *reduce_adapters(tn_maker *m) {
  for (uint32_t i = 1; i < m->parts.len; i++) {
    tn_core_part *part = m->parts.items[i];
    TN_TRY(tn_error_wrap(tn_make_reduce_adapter(m, part), "%s", tn_make_part_name(m, part)));
    if (part->is_left_out) part->worlds.len = 0;
    TN_TRY(list_exports(m, part));
  }
  return NULL;
}

/* ---- the whole ------------------------------------------------------------------------------------------ */

static tn_error *match_parts(tn_maker *m) {
  for (uint32_t i = 0; i < m->parts.len; i++) {
    if (!m->parts.items[i]->is_left_out) TN_TRY(tn_make_match(m, m->parts.items[i]));
  }
  return NULL;
}

static tn_error *validate(tn_str bytes) {
  tn_arena arena = {0}, scratch = {0};
  const tn_component_ast *component;
  tn_error *error = tn_component_decode(&arena, bytes, &component);
  if (error == NULL) error = tn_component_validate(&scratch, component);
  tn_arena_free(&scratch);
  tn_arena_free(&arena);
  return tn_error_wrap(error, "the component that was made is not valid");
}

static tn_error *make(tn_maker *m, tn_buffer *out, tn_str module) {
  const tn_component_ast *component;
  TN_TRY(add_parts(m, module));
  TN_TRY(reduce_adapters(m));
  TN_TRY(tn_make_merge_worlds(m));
  TN_TRY(match_parts(m));
  TN_TRY(tn_make_imports(m));
  TN_TRY(tn_make_core(m));
  TN_TRY(tn_make_exports(m));
  tn_str producers;
  TN_TRY(tn_producers_own(m->arena, &producers));
  TN_TRY(tn_builder_add_custom(&m->builder, TN_STR("producers"), producers));
  TN_TRY(tn_builder_finish(&m->builder, &component));
  TN_TRY(tn_component_write(out, component));
  return m->options->no_validation ? NULL : validate(tn_buffer_str(out));
}

tn_error *tn_make_component(tn_buffer *out, tn_str module, const tn_componentize_options *options) {
  tn_arena arena = {0};
  tn_maker m = {
      .arena = &arena, .options = options, .set = {.arena = &arena, .all_features = true}};
  m.builder.arena = &arena;
  m.in = (tn_wit_encoder){.arena = &arena, .component = &m.builder};
  m.out = (tn_wit_encoder){.arena = &arena, .component = &m.builder};
  tn_error *error = make(&m, out, module);
  tn_arena_free(&arena);
  return error;
}
