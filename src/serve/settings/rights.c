/* What a component may see and do: arguments, environment, directories, network, configuration. */
#include <stdlib.h>

#include "base/error.h"
#include "serve/settings/builder.h"
#include "wasi/config.h"

extern char **environ;

/* "NAME=VALUE" in two; without "=", the value's data is NULL. */
static void split_pair(tn_str text, tn_str *name, tn_str *value) {
  size_t equals = tn_str_find(text, '=', 0);
  *name = tn_str_slice(text, 0, equals);
  *value = equals < text.len ? tn_str_slice(text, equals + 1, text.len) : (tn_str){0};
}

static void add_error(tn_serve_builder *builder, const tn_setting *setting, const tn_toml *value,
                      tn_error *error) {
  tn_problems_add_error(builder->problems, tn_builder_place(builder, value), setting->name, error);
}

/* For readers of texts only. */
static bool is_text(tn_serve_builder *builder, const tn_setting *setting, const tn_toml *value,
                    const char *expected) {
  bool is_fine =
      value->kind == TN_TOML_TEXT && memchr(value->text.data, '\0', value->text.len) == NULL;
  if (!is_fine) tn_setting_report(builder, setting->name, value, expected);
  return is_fine;
}

void tn_read_argument(tn_serve_builder *builder, void *target, const tn_setting *setting,
                      const tn_toml *value) {
  tn_component_draft *draft = target;
  if (!is_text(builder, setting, value, "a text")) return;
  add_error(builder, setting, value,
            tn_wasi_config_add_argument(draft->component.wasi, value->text));
}

/* ---- environment --------------------------------------------------------------------------------- */

/* One that is not there passes on nothing. */
static tn_error *inherit_variable(tn_wasi_config *wasi, const char *name) {
  const char *value = getenv(name);
  if (value == NULL) return NULL;
  return tn_wasi_config_add_env(wasi, tn_str_from(name), tn_str_from(value));
}

/* { inherit = true } */
static bool is_inherited(const tn_toml *value) {
  const tn_toml *inherit = tn_toml_get(value, "inherit");
  return value->count == 1 && inherit != NULL && inherit->kind == TN_TOML_BOOLEAN &&
         inherit->boolean;
}

static void read_variable(tn_serve_builder *builder, tn_wasi_config *wasi,
                          const tn_setting *setting, const tn_toml *entry) {
  if (entry->kind == TN_TOML_TEXT)
    add_error(builder, setting, entry, tn_wasi_config_add_env(wasi, entry->key, entry->text));
  else if (entry->kind == TN_TOML_TABLE && is_inherited(entry))
    add_error(builder, setting, entry, inherit_variable(wasi, entry->key.data));
  else
    tn_setting_report(builder, entry->key.data, entry, "a text, or { inherit = true }");
}

void tn_read_environment(tn_serve_builder *builder, void *target, const tn_setting *setting,
                         const tn_toml *value) {
  tn_wasi_config *wasi = ((tn_component_draft *)target)->component.wasi;
  if (value->kind == TN_TOML_TABLE) {
    for (uint32_t i = 0; i < value->count; i++)
      read_variable(builder, wasi, setting, &value->items[i]);
    return;
  }
  if (!is_text(builder, setting, value, "a table of names and texts, or \"NAME=VALUE\"")) return;
  tn_str name, text;
  split_pair(value->text, &name, &text);
  add_error(builder, setting, value,
            text.data != NULL ? tn_wasi_config_add_env(wasi, name, text)
                              : inherit_variable(wasi, value->text.data));
}

static bool has_variable(const tn_wasi_config *wasi, tn_str name) {
  for (uint32_t i = 0; i < wasi->variables.len; i++)
    if (tn_str_equal(wasi->variables.items[i].name, name)) return true;
  return false;
}

/* What was set by name wins. A variable that no guest could be given, such as one that is not UTF-8, is left out. */
void tn_inherit_environment(tn_serve_builder *builder, tn_component_draft *draft) {
  tn_wasi_config *wasi = draft->component.wasi;
  for (char **variable = environ; *variable != NULL; variable++) {
    tn_str name, value;
    split_pair(tn_str_from(*variable), &name, &value);
    if (value.data == NULL || has_variable(wasi, name)) continue;
    tn_error *error = tn_wasi_config_add_env(wasi, name, value);
    if (error == NULL) continue;
    if (tn_error_get_kind(error) == TN_ERROR_NO_MEMORY) builder->problems->no_memory = true;
    tn_error_delete(error);
  }
}

/* ---- directories --------------------------------------------------------------------------------- */

typedef struct directory_draft {
  tn_str host, guest;
  unsigned flags;
} directory_draft;

/* { host = "…", guest = "…", read-only = true } */
static bool read_directory_table(tn_serve_builder *builder, const tn_toml *table,
                                 directory_draft *out) {
  for (uint32_t i = 0; i < table->count; i++) {
    const tn_toml *entry = &table->items[i];
    bool is_host = tn_str_equal(entry->key, TN_STR("host"));
    if (is_host || tn_str_equal(entry->key, TN_STR("guest"))) {
      if (entry->kind != TN_TOML_TEXT) {
        tn_setting_report(builder, entry->key.data, entry, "a path");
        return false;
      }
      *(is_host ? &out->host : &out->guest) = entry->text;
    } else if (tn_str_equal(entry->key, TN_STR("read-only"))) {
      if (entry->kind != TN_TOML_BOOLEAN) {
        tn_setting_report(builder, "read-only", entry, "true or false");
        return false;
      }
      out->flags = entry->boolean ? TN_DIRECTORY_READ_ONLY : 0u;
    } else {
      tn_problems_add(builder->problems, TN_ERROR_ARGUMENT, tn_builder_key_place(builder, entry),
                      "a directory has host, guest and read-only, not \"%s\"", entry->key.data);
      return false;
    }
  }
  if (out->host.len > 0) return true;
  tn_problems_add(builder->problems, TN_ERROR_ARGUMENT, tn_builder_place(builder, table),
                  "this directory says no host path");
  return false;
}

void tn_read_directory(tn_serve_builder *builder, void *target, const tn_setting *setting,
                       const tn_toml *value) {
  tn_wasi_config *wasi = ((tn_component_draft *)target)->component.wasi;
  directory_draft draft = {.flags = setting->detail};
  if (value->kind == TN_TOML_TABLE) {
    if (!read_directory_table(builder, value, &draft)) return;
  } else {
    if (!is_text(builder, setting, value, "\"HOST::GUEST\" or { host = \"…\", guest = \"…\" }"))
      return;
    const char *separator = strstr(value->text.data, "::");
    size_t length = separator != NULL ? (size_t)(separator - value->text.data) : value->text.len;
    draft.host = tn_str_slice(value->text, 0, length);
    if (separator != NULL) draft.guest = tn_str_from(separator + 2);
  }
  if (draft.guest.len == 0) draft.guest = draft.host;
  tn_str guest = tn_arena_copy(&builder->config->arena, draft.guest);
  const char *host = tn_builder_path(builder, draft.host);
  if (tn_builder_check(builder, (void *)guest.data) == NULL || host == NULL) return;
  add_error(builder, setting, value,
            tn_wasi_config_add_directory(wasi, host, guest.data, draft.flags));
}

/* ---- network, configuration ---------------------------------------------------------------------- */

void tn_read_network(tn_serve_builder *builder, void *target, const tn_setting *setting,
                     const tn_toml *value) {
  tn_wasi_config *wasi = ((tn_component_draft *)target)->component.wasi;
  if (!is_text(builder, setting, value, "a rule such as \"example.org:443\"")) return;
  add_error(builder, setting, value,
            tn_wasi_config_allow_network(wasi, value->text.data, setting->detail));
}

void tn_read_http(tn_serve_builder *builder, void *target, const tn_setting *setting,
                  const tn_toml *value) {
  tn_wasi_config *wasi = ((tn_component_draft *)target)->component.wasi;
  if (!is_text(builder, setting, value, "a rule such as \"GET@example.org:443\"")) return;
  add_error(builder, setting, value, tn_wasi_config_allow_http(wasi, value->text.data));
}

static tn_error *set_wasi_flag(tn_wasi_config *wasi, unsigned flag, bool is_set) {
  if (flag == TN_WASI_FLAG_LOOKUP) return tn_wasi_config_allow_name_lookup(wasi, is_set);
  if (flag == TN_WASI_FLAG_HTTP_PRIVATE) return tn_wasi_config_allow_http_private(wasi, is_set);
  if (flag == TN_WASI_FLAG_HTTP_ALL) return tn_wasi_config_allow_http_all(wasi, is_set);
  wasi->network.allows_everything = is_set; /* tn_wasi_config_inherit_network cannot take it back */
  return NULL;
}

void tn_read_wasi_flag(tn_serve_builder *builder, void *target, const tn_setting *setting,
                       const tn_toml *value) {
  tn_wasi_config *wasi = ((tn_component_draft *)target)->component.wasi;
  add_error(builder, setting, value, set_wasi_flag(wasi, setting->detail, value->boolean));
}

static void add_config_value(tn_serve_builder *builder, tn_wasi_config *wasi,
                             const tn_setting *setting, const tn_toml *value, tn_str key,
                             tn_str text) {
  add_error(builder, setting, value, tn_wasi_config_add_config_value(wasi, key, text));
}

void tn_read_config_value(tn_serve_builder *builder, void *target, const tn_setting *setting,
                          const tn_toml *value) {
  tn_wasi_config *wasi = ((tn_component_draft *)target)->component.wasi;
  if (value->kind == TN_TOML_TABLE) {
    for (uint32_t i = 0; i < value->count; i++) {
      const tn_toml *entry = &value->items[i];
      if (entry->kind == TN_TOML_TEXT)
        add_config_value(builder, wasi, setting, entry, entry->key, entry->text);
      else
        tn_setting_report(builder, entry->key.data, entry, "a text");
    }
    return;
  }
  tn_str key, text;
  if (!is_text(builder, setting, value, "a table of keys and texts, or \"KEY=VALUE\"")) return;
  split_pair(value->text, &key, &text);
  if (text.data == NULL)
    tn_setting_report(builder, setting->name, value, "\"KEY=VALUE\"");
  else
    add_config_value(builder, wasi, setting, value, key, text);
}
