/* Components as they are written: tables of the file, files of flags. */
#include "base/error.h"
#include "serve/settings/builder.h"
#include "wasi/config.h"

/* The last part of a path, without its ending. */
static tn_str stem_of(tn_str path) {
  size_t start = path.len;
  while (start > 0 && path.data[start - 1] != '/')
    start--;
  tn_str name = tn_str_slice(path, start, path.len);
  size_t dot = name.len;
  while (dot > 0 && name.data[dot - 1] != '.')
    dot--;
  return dot > 1 ? tn_str_slice(name, 0, dot - 1) : name;
}

static bool is_taken(const tn_serve_builder *builder, tn_str name) {
  for (uint32_t i = 0; i < builder->components.len; i++)
    if (tn_str_equal(builder->components.items[i]->component.name, name)) return true;
  return false;
}

/* "app", or "app-2" when there is another app. */
static tn_str name_after(tn_serve_builder *builder, tn_str path) {
  tn_str stem = stem_of(path), name = tn_arena_copy(&builder->config->arena, stem);
  for (unsigned number = 2; name.data != NULL && is_taken(builder, name); number++)
    name =
        tn_arena_format(&builder->config->arena, "%" TN_STR_FORMAT "-%u", TN_STR_ARG(stem), number);
  return name;
}

/* The program's name, which guests expect before their arguments. */
static tn_error *prepare_wasi(tn_component_draft *draft) {
  TN_TRY(tn_wasi_config_new(&draft->component.wasi));
  return tn_wasi_config_add_argument(draft->component.wasi, draft->component.name);
}

/* In the list only when it is complete, so that all in it have their `wasi`. */
static bool add_draft(tn_serve_builder *builder, tn_component_draft *draft) {
  tn_component_draft **slot =
      tn_builder_check(builder, TN_VEC_PUSH(&builder->config->arena, &builder->components));
  if (slot != NULL) *slot = draft;
  return slot != NULL;
}

tn_component_draft *tn_component_draft_new(tn_serve_builder *builder, tn_str name, tn_str path) {
  tn_arena *arena = &builder->config->arena;
  tn_component_draft *draft = tn_builder_check(builder, TN_ARENA_NEW(arena, tn_component_draft));
  if (draft == NULL) return NULL;
  draft->component.name = name.len > 0 ? tn_arena_copy(arena, name) : name_after(builder, path);
  if (tn_builder_check(builder, (void *)draft->component.name.data) == NULL) return NULL;
  tn_setting_set_defaults(builder, TN_SECTION_COMPONENT, draft);
  if (path.len > 0) draft->component.path = tn_builder_path(builder, path);
  tn_error *error = prepare_wasi(draft);
  if (error == NULL && add_draft(builder, draft)) return draft;
  tn_problems_add_error(builder->problems, (tn_place){builder->file, 0, 0}, "a component's name",
                        error);
  tn_wasi_config_delete(draft->component.wasi);
  return NULL;
}

void tn_component_draft_release(tn_component_draft *draft) {
  tn_wasi_config_delete(draft->component.wasi);
  tn_links_delete(draft->links.items, draft->links.len);
}

/* ---- the file ------------------------------------------------------------------------------------ */

/* What is wrong with them is reported here, once; later they are read for each component. */
void tn_read_defaults(tn_serve_builder *builder, void *target, const tn_setting *setting,
                      const tn_toml *value) {
  (void)target, (void)setting;
  tn_component_draft scratch = {.component.name = TN_STR("defaults")};
  tn_error *error = prepare_wasi(&scratch);
  if (error == NULL) tn_setting_apply_table(builder, &scratch, TN_SECTION_COMPONENT, value);
  tn_problems_add_error(builder->problems, (tn_place){0}, NULL, error);
  tn_component_draft_release(&scratch);
  const tn_toml *file = tn_toml_get(value, "file");
  if (file != NULL)
    tn_problems_add(builder->problems, TN_ERROR_ARGUMENT, tn_builder_key_place(builder, file),
                    "file: it belongs into the table of one component");
  builder->defaults = value;
}

static void apply_defaults(tn_serve_builder *builder, tn_component_draft *draft) {
  if (builder->defaults == NULL) return;
  tn_problems known = {0}, *problems = builder->problems;
  builder->problems = &known;
  tn_setting_apply_table(builder, draft, TN_SECTION_COMPONENT, builder->defaults);
  builder->problems = problems;
  problems->no_memory |= known.no_memory;
  tn_problems_free(&known);
}

static void read_component(tn_serve_builder *builder, const tn_toml *table) {
  if (table->kind != TN_TOML_TABLE) {
    tn_setting_report(builder, table->key.data, table, "a component's table, with file and so on");
    return;
  }
  if (table->key.len == 0) {
    tn_problems_add(builder->problems, TN_ERROR_ARGUMENT, tn_builder_key_place(builder, table),
                    "a component needs a name");
    return;
  }
  tn_component_draft *draft = tn_component_draft_new(builder, table->key, (tn_str){0});
  if (draft == NULL) return;
  draft->name_at = tn_builder_key_place(builder, table);
  draft->component.line = table->key_line;
  draft->component.column = table->key_column;
  apply_defaults(builder, draft);
  tn_setting_apply_table(builder, draft, TN_SECTION_COMPONENT, table);
  const tn_toml *file = tn_toml_get(table, "file");
  if (file != NULL) {
    draft->component.line = file->line;
    draft->component.column = file->column;
  } else {
    tn_problems_add(builder->problems, TN_ERROR_ARGUMENT, tn_builder_key_place(builder, table),
                    "component %s says no file", table->key.data);
  }
}

void tn_read_components(tn_serve_builder *builder, void *target, const tn_setting *setting,
                        const tn_toml *value) {
  (void)target, (void)setting;
  for (uint32_t i = 0; i < value->count; i++)
    read_component(builder, &value->items[i]);
}

/* ---- the end ------------------------------------------------------------------------------------- */

static tn_error *set_output(tn_component_draft *draft) {
  tn_wasi_config *wasi = draft->component.wasi;
  if (draft->component.output != TN_SERVE_OUTPUT_INHERIT) return NULL;
  TN_TRY(tn_wasi_config_set_stdout(wasi, TN_STDIO_INHERIT, 1));
  return tn_wasi_config_set_stderr(wasi, TN_STDIO_INHERIT, 2);
}

/* Compiled code is native code: a name that ends in .cwasm says that it is expected. */
static bool may_be_artifact(const tn_component_draft *draft) {
  return draft->allow_precompiled ||
         tn_str_ends_with(tn_str_from(draft->component.path), TN_STR(".cwasm"));
}

static void finish_component(tn_serve_builder *builder, tn_component_draft *draft) {
  if (draft->inherit_env) tn_inherit_environment(builder, draft);
  tn_problems_add_error(builder->problems, (tn_place){0}, NULL, set_output(draft));
  tn_links_finish(builder, draft);
  if (may_be_artifact(draft)) draft->component.load_flags |= TN_LOAD_ARTIFACT;
  if (draft->component.fuel != 0) builder->config->engine.consume_fuel = true;
}

void tn_components_finish(tn_serve_builder *builder) {
  tn_serve_config *config = builder->config;
  uint32_t count = builder->components.len;
  config->components =
      tn_builder_check(builder, TN_ARENA_ARRAY(&config->arena, tn_serve_component, count + 1));
  for (uint32_t i = 0; i < count; i++) {
    tn_component_draft *draft = builder->components.items[i];
    finish_component(builder, draft);
    if (config->components != NULL)
      config->components[config->component_count++] = draft->component;
    else
      tn_component_draft_release(draft);
  }
}
