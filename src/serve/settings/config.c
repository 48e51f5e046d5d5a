#include "serve/settings/config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "serve/settings/builder.h"

/* A configuration is written by hand. */
enum { MAX_FILE_BYTES = 4 << 20 };

void *tn_builder_check(tn_serve_builder *builder, void *made) {
  if (made == NULL) builder->problems->no_memory = true;
  return made;
}

const char *tn_builder_path(tn_serve_builder *builder, tn_str path) {
  tn_arena *arena = &builder->config->arena;
  bool is_relative = builder->folder != NULL && (path.len == 0 || path.data[0] != '/');
  tn_str made = is_relative
                    ? tn_arena_format(arena, "%s%" TN_STR_FORMAT, builder->folder, TN_STR_ARG(path))
                    : tn_arena_copy(arena, path);
  return tn_builder_check(builder, (void *)made.data);
}

void tn_read_limits(tn_serve_builder *builder, void *target, const tn_setting *setting,
                    const tn_toml *value) {
  (void)setting;
  tn_setting_apply_table(builder, target, TN_SECTION_LIMITS, value);
}

void tn_read_admin(tn_serve_builder *builder, void *target, const tn_setting *setting,
                   const tn_toml *value) {
  tn_serve_config *config = target;
  const char *mistake = tn_listen_address_mistake(value->text, false);
  if (mistake != NULL)
    tn_problems_add(builder->problems, TN_ERROR_ARGUMENT, tn_builder_place(builder, value),
                    "%s: cannot listen at \"%s\": %s", setting->name, value->text.data, mistake);
  config->admin_address = tn_arena_copy(&config->arena, value->text);
  tn_builder_check(builder, (void *)config->admin_address.data);
}

void tn_read_opt_level(tn_serve_builder *builder, void *target, const tn_setting *setting,
                       const tn_toml *value) {
  static const struct {
    char name;
    uint32_t level;
  } levels[] = {{'0', 0}, {'1', 1}, {'2', 1}, {'s', 2}};
  for (size_t i = 0; i < sizeof levels / sizeof *levels && value->text.len == 1; i++) {
    if (value->text.data[0] != levels[i].name) continue;
    ((tn_serve_config *)target)->engine.optimize = levels[i].level;
    return;
  }
  tn_setting_report(builder, setting->name, value, "one of \"0\", \"1\", \"2\", \"s\"");
}

/* ---- the file ------------------------------------------------------------------------------------ */

static tn_error *read_descriptor(int descriptor, tn_arena *arena, tn_str *out) {
  struct stat status;
  if (fstat(descriptor, &status) != 0) return tn_error_new(TN_ERROR_IO, "%s", strerror(errno));
  if (S_ISDIR(status.st_mode)) return tn_error_new(TN_ERROR_IO, "it is a directory");
  char *bytes = tn_arena_alloc(arena, MAX_FILE_BYTES + 1, 1);
  if (bytes == NULL) return tn_error_no_memory();
  size_t size = 0;
  for (;;) {
    ssize_t got = read(descriptor, bytes + size, MAX_FILE_BYTES + 1 - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return tn_error_new(TN_ERROR_IO, "%s", strerror(errno));
    if (got == 0) break;
    size += (size_t)got;
    if (size > MAX_FILE_BYTES)
      return tn_error_new(TN_ERROR_LIMIT, "it is larger than %d MiB", MAX_FILE_BYTES >> 20);
  }
  *out = (tn_str){bytes, size};
  return NULL;
}

static tn_error *read_file(const char *path, tn_arena *arena, tn_str *out) {
  int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return tn_error_new(TN_ERROR_IO, "%s", strerror(errno));
  tn_error *error = read_descriptor(descriptor, arena, out);
  close(descriptor);
  return error;
}

/* Up to its last slash, that included; "" for a file of the working directory. */
static const char *folder_of(tn_serve_builder *builder, const char *path) {
  const char *slash = strrchr(path, '/');
  tn_str folder = {path, slash != NULL ? (size_t)(slash + 1 - path) : 0};
  return tn_builder_check(builder, (void *)tn_arena_copy(&builder->config->arena, folder).data);
}

static void apply_file(tn_serve_builder *builder, tn_arena *scratch, const char *path) {
  tn_str text;
  tn_toml root;
  tn_toml_mistake mistake;
  tn_place place = {path, 0, 0};
  tn_error *error = read_file(path, scratch, &text);
  if (error != NULL) {
    tn_problems_add_error(builder->problems, place, "cannot be read", error);
    return;
  }
  builder->file = path;
  builder->folder = folder_of(builder, path);
  if (builder->folder == NULL) return;
  switch (tn_toml_parse(scratch, text, &root, &mistake)) {
  case TN_TOML_FINE:
    tn_setting_apply_table(builder, builder->config, TN_SECTION_SERVER, &root);
    break;
  case TN_TOML_WRONG:
    tn_problems_add(builder->problems, TN_ERROR_ARGUMENT,
                    (tn_place){path, mistake.line, mistake.column}, "%s", mistake.message);
    break;
  case TN_TOML_NO_MEMORY:
    builder->problems->no_memory = true;
    break;
  }
  builder->file = NULL;
  builder->folder = NULL;
}

/* ---- flags --------------------------------------------------------------------------------------- */

static bool is_listen(const tn_setting *setting) {
  return setting->section == TN_SECTION_SERVER && setting->read == tn_read_listen;
}

/* What is wrong with certificates from here on is not the file's fault. */
static void apply_listen_flag(tn_serve_builder *builder, tn_serve_listen *listen,
                              const tn_given_setting *given) {
  tn_setting_apply(builder, listen, given->setting, &given->value);
  listen->certificate_at = listen->key_at = listen->client_ca_at = (tn_serve_position){0};
}

static void apply_flag(tn_serve_builder *builder, const tn_given_setting *given) {
  const tn_setting *setting = given->setting;
  switch (setting->section) {
  case TN_SECTION_LISTEN:
    for (uint32_t i = 0; i < builder->listens.len; i++)
      apply_listen_flag(builder, &builder->listens.items[i], given);
    break;
  case TN_SECTION_COMPONENT:
    for (uint32_t i = 0; i < builder->components.len; i++)
      tn_setting_apply(builder, builder->components.items[i], setting, &given->value);
    break;
  default:
    tn_setting_apply(builder, builder->config, setting, &given->value);
    break;
  }
}

/* Addresses first, since what is said of certificates is about them. Those of flags replace those of the file. */
static void apply_addresses(tn_serve_builder *builder, const tn_server_settings *settings) {
  bool is_first = true;
  for (uint32_t i = 0; i < settings->given.len; i++) {
    const tn_given_setting *given = &settings->given.items[i];
    if (!is_listen(given->setting)) continue;
    if (is_first) builder->listens.len = 0;
    is_first = false;
    apply_flag(builder, given);
  }
  if (builder->listens.len > 0) return;
  const tn_setting *listen = tn_setting_find(TN_SECTION_SERVER, TN_STR("listen"));
  tn_toml value = {.kind = TN_TOML_TEXT, .text = tn_str_from(listen->fallback)};
  tn_setting_apply(builder, builder->config, listen, &value);
}

static void apply_flags(tn_serve_builder *builder, const tn_server_settings *settings) {
  for (uint32_t i = 0; i < settings->routes.len; i++)
    tn_add_route_flag(builder, settings->routes.items[i]);
  apply_addresses(builder, settings);
  for (uint32_t i = 0; i < settings->given.len; i++)
    if (!is_listen(settings->given.items[i].setting))
      apply_flag(builder, &settings->given.items[i]);
}

/* ---- the whole ----------------------------------------------------------------------------------- */

static uint32_t count_processors(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  int count = CPU_COUNT(&set);
  return count > 0 ? (uint32_t)count : 1;
}

static void finish(tn_serve_builder *builder) {
  tn_serve_config *config = builder->config;
  if (config->threads == 0) config->threads = count_processors();
  /* Each worker counts for itself. */
  config->http.max_connections =
      (config->http.max_connections + config->threads - 1) / config->threads;
  /* What draining waits for must leave time to end in. */
  uint64_t half = config->drain_timeout / 2;
  if (half != 0 && half < config->http.drain_grace) config->http.drain_grace = half;
  tn_check_listens(builder);
  config->listens = builder->listens.items;
  config->listen_count = builder->listens.len;
  tn_routes_finish(builder);
  tn_components_finish(builder);
}

void tn_serve_config_build(const tn_server_settings *settings, tn_problems *problems,
                           tn_serve_config **out) {
  *out = NULL;
  tn_arena scratch = {0};
  tn_serve_builder builder = {.problems = problems,
                              .config = tn_calloc(1, sizeof(tn_serve_config))};
  if (tn_builder_check(&builder, builder.config) == NULL) return;
  tn_serve_config *config = builder.config;
  tn_http_server_options_init(&config->http); /* what is no setting keeps these */
  tn_engine_options_init(&config->engine);
  config->engine.pooling = true;
  tn_setting_set_defaults(&builder, TN_SECTION_SERVER, config);
  tn_setting_set_defaults(&builder, TN_SECTION_LIMITS, config);
  if (settings->file != NULL) {
    builder.source = settings->file;
    config->file = tn_builder_path(&builder, tn_str_from(settings->file));
    apply_file(&builder, &scratch, settings->file);
  }
  apply_flags(&builder, settings);
  finish(&builder);
  tn_arena_free(&scratch);
  *out = config;
}

tn_error *tn_serve_config_make(const tn_server_settings *settings, tn_serve_config **out) {
  tn_problems problems = {0};
  tn_serve_config *config;
  tn_serve_config_build(settings, &problems, &config);
  tn_error *error = tn_problems_to_error(&problems);
  tn_problems_free(&problems);
  if (error != NULL)
    tn_serve_config_delete(config);
  else
    *out = config;
  return error;
}

void tn_serve_component_release(tn_serve_component *component) {
  tn_wasi_config_delete(component->wasi);
  component->wasi = NULL;
  tn_links_delete(component->links, component->link_count);
}

void tn_serve_config_delete(tn_serve_config *config) {
  if (config == NULL) return;
  for (uint32_t i = 0; i < config->component_count; i++)
    tn_serve_component_release(&config->components[i]);
  tn_arena_free(&config->arena);
  tn_free(config);
}
