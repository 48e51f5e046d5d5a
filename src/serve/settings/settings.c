#include "serve/settings/settings.h"

#include "base/alloc.h"
#include "base/error.h"
#include "serve/settings/builder.h"

tn_error *tn_server_settings_new(tn_server_settings **out) {
  tn_server_settings *made = tn_calloc(1, sizeof *made);
  if (made == NULL) return tn_error_no_memory();
  *out = made;
  return NULL;
}

void tn_server_settings_delete(tn_server_settings *settings) {
  if (settings == NULL) return;
  tn_arena_free(&settings->arena);
  tn_free(settings);
}

static bool is_flag(const tn_setting *setting) {
  return setting != NULL && !setting->is_file_only;
}

/* "NAME", in the order of the sections, or "SECTION.NAME". */
static const tn_setting *find_flag(tn_str name) {
  size_t dot = tn_str_find(name, '.', 0);
  for (int section = 0; section < TN_SECTION_COUNT; section++) {
    tn_str prefix = tn_str_from(tn_setting_section_name((tn_setting_section)section));
    const tn_setting *found = NULL;
    if (dot == name.len)
      found = tn_setting_find((tn_setting_section)section, name);
    else if (tn_str_equal(tn_str_slice(name, 0, dot), prefix))
      found = tn_setting_find((tn_setting_section)section, tn_str_slice(name, dot + 1, name.len));
    if (is_flag(found)) return found;
  }
  return NULL;
}

static tn_error *unknown(tn_str name) {
  const char *nearest = NULL;
  for (uint32_t i = 0; i < tn_setting_count; i++)
    if (is_flag(&tn_settings[i])) nearest = tn_nearer_name(name, nearest, tn_settings[i].name);
  tn_error *error = tn_error_new(TN_ERROR_ARGUMENT, "there is no setting \"%" TN_STR_FORMAT "\"",
                                 TN_STR_ARG(name));
  return nearest != NULL ? tn_error_set_hint(error, "did you mean %s?", nearest) : error;
}

/* Where a value can be read into, to see whether it can. */
static void *scratch_target(tn_serve_builder *builder, const tn_setting *setting) {
  if (setting->section == TN_SECTION_COMPONENT)
    return tn_component_draft_new(builder, TN_STR("component"), (tn_str){0});
  if (setting->section == TN_SECTION_LISTEN)
    return tn_builder_check(builder, TN_ARENA_NEW(&builder->config->arena, tn_serve_listen));
  return builder->config;
}

static tn_error *try_value(const tn_setting *setting, const tn_toml *value) {
  tn_problems problems = {0};
  tn_serve_config config = {0};
  tn_serve_builder builder = {.problems = &problems, .config = &config};
  void *target = scratch_target(&builder, setting);
  if (target != NULL) tn_setting_apply(&builder, target, setting, value);
  if (builder.components.len > 0) tn_component_draft_release(builder.components.items[0]);
  tn_error *error = tn_problems_to_error(&problems);
  tn_problems_free(&problems);
  tn_arena_free(&config.arena);
  return error;
}

tn_error *tn_server_settings_set(tn_server_settings *settings, const char *name,
                                 const char *value) {
  const tn_setting *setting = find_flag(tn_str_from(name));
  if (setting == NULL) return unknown(tn_str_from(name));
  tn_str copy = tn_arena_copy(&settings->arena, tn_str_from(value));
  if (copy.data == NULL) return tn_error_no_memory();
  tn_toml text = {.kind = TN_TOML_TEXT, .text = copy};
  TN_TRY(try_value(setting, &text));
  tn_given_setting *given = TN_VEC_PUSH(&settings->arena, &settings->given);
  if (given == NULL) return tn_error_no_memory();
  *given = (tn_given_setting){setting, text};
  return NULL;
}

tn_error *tn_server_settings_add_route(tn_server_settings *settings, const char *route) {
  tn_str text = tn_str_from(route);
  if (text.len == 0 || text.data[text.len - 1] == '=')
    return tn_error_new(TN_ERROR_ARGUMENT, "route \"%s\" names no file: [HOST][/PATH]=FILE", route);
  tn_str copy = tn_arena_copy(&settings->arena, text);
  tn_str *added = copy.data != NULL ? TN_VEC_PUSH(&settings->arena, &settings->routes) : NULL;
  if (added == NULL) return tn_error_no_memory();
  *added = copy;
  return NULL;
}

tn_error *tn_server_settings_set_file(tn_server_settings *settings, const char *path) {
  tn_str copy = tn_arena_copy(&settings->arena, tn_str_from(path));
  if (copy.data == NULL) return tn_error_no_memory();
  settings->file = copy.data;
  return NULL;
}
