/* Looking at settings without serving: everything that is wrong with them, and what they come to. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "http/tls.h"
#include "serve/generation.h"
#include "serve/server.h"
#include "serve/settings/settings.h"

/* ---- components and certificates ----------------------------------------------------------------------- */

static tn_error *make_maker(const tn_server_settings *settings, const tn_serve_config *config,
                            tn_generation_maker *maker) {
  tn_engine_options options = config->engine;
  options.pooling = true; /* whose limits are the server's; nothing is instantiated */
  options.pool_instances = 1;
  options.pool_memory_bytes = tn_server_largest_memory(config);
  /* As the server has it, so that its cache has the code afterwards. */
  options.epoch_interruption = true;
  maker->settings = settings;
  TN_TRY(tn_engine_new(&options, &maker->engine));
  TN_TRY(tn_metrics_new(1, &maker->metrics));
  TN_TRY(tn_linker_new(&maker->linker));
  return tn_linker_define_wasi(maker->linker);
}

static void free_maker(tn_generation_maker *maker) {
  if (maker->linker != NULL) tn_linker_delete(maker->linker);
  if (maker->metrics != NULL) tn_metrics_delete(maker->metrics);
  tn_engine_delete(maker->engine);
}

/* Makes a generation of this component alone: what it refuses, a server would refuse. */
static tn_error *try_component(const tn_generation_maker *maker, tn_serve_component *component) {
  tn_serve_config *alone = tn_calloc(1, sizeof *alone);
  tn_generation *generation;
  if (alone == NULL) return tn_error_no_memory();
  alone->components = component;
  alone->component_count = 1;
  tn_error *error = tn_generation_make(maker, alone, NULL, &generation);
  if (error != NULL) {
    tn_free(alone);
    return error;
  }
  tn_generation_delete(generation); /* and with it the component's rights */
  return NULL;
}

/* Where the link is named that is at fault, else where the component is. */
static tn_place place_of_component(const tn_server_settings *settings,
                                   const tn_serve_component *component) {
  for (uint32_t i = 0; i < component->link_count; i++) {
    const tn_serve_link *link = &component->links[i];
    if (link->state == TN_SERVE_LINK_FAILED && link->line != 0)
      return (tn_place){settings->file, link->line, link->column};
  }
  return (tn_place){component->line != 0 ? settings->file : NULL, component->line,
                    component->column};
}

/* Whom to tell about a link that takes no part. */
typedef struct link_warnings {
  const tn_server_settings *settings;
  tn_problems *problems;
} link_warnings;

static void warn_of_unused(void *data, const tn_serve_link *link) {
  link_warnings *to = data;
  tn_place place = {link->line != 0 ? to->settings->file : NULL, link->line, link->column};
  tn_server_problem *warning =
      tn_problems_add(to->problems, TN_ERROR_LINK, place,
                      "link: nothing imports what %s exports: it takes no part", link->path);
  if (warning != NULL) warning->is_warning = true;
}

static void check_components(const tn_server_settings *settings, const tn_serve_config *config,
                             tn_problems *problems) {
  tn_generation_maker maker = {0};
  tn_error *error = make_maker(settings, config, &maker);
  tn_problems_add_error(problems, (tn_place){0}, NULL, error);
  for (uint32_t i = 0; error == NULL && i < config->component_count; i++) {
    tn_serve_component *component = &config->components[i];
    if (component->path == NULL) continue;
    tn_error *wrong = try_component(&maker, component);
    tn_problems_add_error(problems, place_of_component(settings, component), NULL, wrong);
  }
  link_warnings to = {settings, problems};
  tn_serve_find_unused_links(config, warn_of_unused, &to);
  free_maker(&maker);
}

/* Its message begins with the file that is at fault. */
static tn_place place_of_tls(const tn_server_settings *settings, const tn_serve_listen *listen,
                             const tn_error *error) {
  tn_str message = tn_str_from(tn_error_get_message(error));
  const struct {
    const char *path;
    tn_serve_position at;
  } files[] = {{listen->certificate_path, listen->certificate_at},
               {listen->key_path, listen->key_at},
               {listen->client_ca_path, listen->client_ca_at}};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    if (files[i].path == NULL) continue;
    tn_str path = tn_str_from(files[i].path);
    if (!tn_str_starts_with(message, path) || message.data[path.len] != ':') continue;
    tn_serve_position at = files[i].at;
    return (tn_place){at.line != 0 ? settings->file : NULL, at.line, at.column};
  }
  return (tn_place){listen->line != 0 ? settings->file : NULL, listen->line, listen->column};
}

static void check_certificates(const tn_server_settings *settings, const tn_serve_config *config,
                               tn_problems *problems) {
  for (uint32_t i = 0; i < config->listen_count; i++) {
    const tn_serve_listen *listen = &config->listens[i];
    if (listen->certificate_path == NULL || listen->key_path == NULL) continue;
    tn_tls_server_options options = {
        .certificate_path = listen->certificate_path,
        .key_path = listen->key_path,
        .client_ca_path = listen->client_ca_path,
        .client_certificate_optional = listen->client_certificate_optional,
        .http2 = config->http.http2,
    };
    tn_tls_context *context;
    tn_error *error = tn_tls_server_context_new(&options, &context);
    if (error == NULL)
      tn_tls_context_release(context);
    else
      tn_problems_add_error(problems, place_of_tls(settings, listen, error), NULL, error);
  }
}

/* ---- files that a server makes ------------------------------------------------------------------------- */

/* As the server would find it: a file that is there can be written, or one can be made. */
static int test_file(const char *path, bool may_be_there) {
  if (access(path, F_OK) == 0) return may_be_there && access(path, W_OK) != 0 ? errno : 0;
  const char *slash = strrchr(path, '/');
  char folder[PATH_MAX] = ".";
  size_t length = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
  if (length >= sizeof folder) return ENAMETOOLONG;
  if (length > 0) {
    memcpy(folder, path, length);
    folder[length] = '\0';
  }
  return access(folder, W_OK | X_OK) == 0 ? 0 : errno;
}

static void check_socket(tn_problems *problems, tn_place place, tn_str address) {
  if (!tn_str_starts_with(address, TN_STR("unix:"))) return;
  int reason = test_file(address.data + strlen("unix:"), false);
  if (reason != 0)
    tn_problems_add(problems, TN_ERROR_IO, place, "cannot listen on %s: %s", address.data,
                    strerror(reason));
}

static void check_files(const tn_server_settings *settings, const tn_serve_config *config,
                        tn_problems *problems) {
  for (uint32_t i = 0; i < config->listen_count; i++) {
    const tn_serve_listen *listen = &config->listens[i];
    tn_place place = {listen->line != 0 ? settings->file : NULL, listen->line, listen->column};
    if (listen->address.data != NULL) check_socket(problems, place, listen->address);
  }
  tn_place file = {.file = settings->file};
  if (config->admin_address.len > 0) check_socket(problems, file, config->admin_address);
  int reason = config->log_path != NULL ? test_file(config->log_path, true) : 0;
  if (reason != 0)
    tn_problems_add(problems, TN_ERROR_IO, file, "opening the log %s: %s", config->log_path,
                    strerror(reason));
}

size_t tn_server_settings_check(const tn_server_settings *settings,
                                void (*report)(void *data, const tn_server_problem *problem),
                                void *data) {
  tn_problems problems = {0};
  tn_serve_config *config;
  tn_serve_config_build(settings, &problems, &config);
  if (config != NULL) {
    check_certificates(settings, config, &problems);
    check_files(settings, config, &problems);
    check_components(settings, config, &problems);
    tn_serve_config_delete(config);
  }
  tn_problems_sort(&problems);
  size_t count = 0;
  for (uint32_t i = 0; i < problems.items.len; i++) {
    report(data, &problems.items.items[i]);
    count += !problems.items.items[i].is_warning;
  }
  if (problems.no_memory) {
    report(data, &(tn_server_problem){.kind = TN_ERROR_NO_MEMORY, .message = "out of memory"});
    count++;
  }
  tn_problems_free(&problems);
  return count;
}

/* ---- description ----------------------------------------------------------------------------------------- */

static void describe_listen(tn_buffer *out, const tn_serve_listen *listen) {
  const char *clients = listen->client_ca_path == NULL        ? ""
                        : listen->client_certificate_optional ? ", client certificates optional"
                                                              : ", client certificates required";
  tn_buffer_format(out, "listen  %s://%s%s\n", listen->certificate_path != NULL ? "https" : "http",
                   listen->address.data, clients);
}

static void describe_route(tn_buffer *out, const tn_serve_config *config,
                           const tn_serve_route *route) {
  const tn_serve_component *component = &config->components[route->component];
  tn_buffer_format(out, "route   %" TN_STR_FORMAT "%s -> %s (%s)\n", TN_STR_ARG(route->host),
                   route->path.len > 0 ? route->path.data : "/", component->name.data,
                   component->path);
}

static bool has_route(const tn_serve_config *config, uint32_t component) {
  for (uint32_t i = 0; i < config->route_count; i++)
    if (config->routes[i].component == component) return true;
  return false;
}

static void describe(tn_buffer *out, const tn_serve_config *config) {
  for (uint32_t i = 0; i < config->listen_count; i++)
    describe_listen(out, &config->listens[i]);
  if (config->admin_address.len > 0)
    tn_buffer_format(out, "admin   http://%s\n", config->admin_address.data);
  for (uint32_t i = 0; i < config->route_count; i++)
    describe_route(out, config, &config->routes[i]);
  for (uint32_t i = 0; i < config->component_count; i++)
    if (!has_route(config, i))
      tn_buffer_format(out, "unused  %s (%s): no route leads to it\n",
                       config->components[i].name.data, config->components[i].path);
}

tn_error *tn_server_settings_describe(const tn_server_settings *settings, char **out) {
  tn_serve_config *config;
  TN_TRY(tn_serve_config_make(settings, &config));
  tn_buffer text = {0};
  describe(&text, config);
  tn_serve_config_delete(config);
  char *taken = tn_buffer_take(&text);
  if (taken == NULL) return tn_error_no_memory();
  *out = taken;
  return NULL;
}

/* ---- documentation --------------------------------------------------------------------------------------- */

size_t tn_server_setting_count(void) {
  return tn_setting_count;
}

tn_server_setting tn_server_setting_at(size_t index) {
  const tn_setting *setting = &tn_settings[index];
  return (tn_server_setting){
      .section = tn_setting_section_name(setting->section),
      .name = setting->name,
      .argument = setting->argument,
      .fallback = setting->fallback,
      .help = setting->help,
      .is_list = setting->type == TN_SETTING_LIST,
      .is_flag = setting->type == TN_SETTING_FLAG,
      .can_be_none = setting->can_be_none,
      .is_in_file = !setting->is_flag_only,
      .is_settable = !setting->is_file_only,
  };
}
