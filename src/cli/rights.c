/* What options say about a guest's rights and limits, for run and exec. */
#include "cli/rights.h"

#include <stdlib.h>
#include <string.h>

extern char **environ;

tn_str cli_text(const char *text) {
  return (tn_str){text, strlen(text)};
}

/* "HOST::GUEST", or "HOST" for both. */
static tn_error *add_directory(tn_wasi_config *config, const char *text, unsigned flags) {
  const char *separator = strstr(text, "::");
  if (separator == NULL) return tn_wasi_config_add_directory(config, text, text, flags);
  char *host = strndup(text, (size_t)(separator - text));
  if (host == NULL) return tn_error_make(TN_ERROR_NO_MEMORY, "out of memory");
  tn_error *error = tn_wasi_config_add_directory(config, host, separator + 2, flags);
  free(host);
  return error;
}

static tn_error *add_directories(tn_wasi_config *config, const cli_texts *texts, unsigned flags) {
  tn_error *error = NULL;
  for (size_t i = 0; i < texts->count && error == NULL; i++)
    error = add_directory(config, texts->items[i], flags);
  return error;
}

tn_error *cli_configure_files(tn_wasi_config *config, const cli_settings *settings) {
  tn_error *error = NULL;
  if (settings->working_directory != NULL)
    error = tn_wasi_config_set_working_directory(config, cli_text(settings->working_directory));
  if (error == NULL) error = add_directories(config, &settings->directories, 0);
  if (error == NULL)
    error = add_directories(config, &settings->read_only_directories, TN_DIRECTORY_READ_ONLY);
  return error;
}

/* "NAME=VALUE" sets, "NAME" passes on; one that is not there passes on nothing. */
static tn_error *add_variable(tn_wasi_config *config, const char *text) {
  const char *equals = strchr(text, '=');
  if (equals != NULL)
    return tn_wasi_config_add_env(config, (tn_str){text, (size_t)(equals - text)},
                                  cli_text(equals + 1));
  const char *value = getenv(text);
  return value != NULL ? tn_wasi_config_add_env(config, cli_text(text), cli_text(value)) : NULL;
}

static tn_error *add_variables(tn_wasi_config *config, const cli_settings *settings) {
  tn_error *error = NULL;
  if (settings->inherit_environment)
    for (char **variable = environ; *variable != NULL && error == NULL; variable++)
      if (strchr(*variable, '=') != NULL) error = add_variable(config, *variable);
  for (size_t i = 0; i < settings->environment.count && error == NULL; i++)
    error = add_variable(config, settings->environment.items[i]);
  return error;
}

static tn_error *add_config_values(tn_wasi_config *config, const cli_texts *values) {
  tn_error *error = NULL;
  for (size_t i = 0; i < values->count && error == NULL; i++) {
    const char *text = values->items[i], *equals = strchr(text, '=');
    if (equals == NULL) return tn_error_make(TN_ERROR_ARGUMENT, "--config-value takes KEY=VALUE");
    error = tn_wasi_config_add_config_value(config, (tn_str){text, (size_t)(equals - text)},
                                            cli_text(equals + 1));
  }
  return error;
}

tn_error *cli_configure_environment(tn_wasi_config *config, const cli_settings *settings) {
  tn_error *error = add_variables(config, settings);
  return error == NULL ? add_config_values(config, &settings->config_values) : error;
}

static tn_error *allow(tn_wasi_config *config, const cli_texts *rules, unsigned operations) {
  tn_error *error = NULL;
  for (size_t i = 0; i < rules->count && error == NULL; i++)
    error = tn_wasi_config_allow_network(config, rules->items[i], operations);
  return error;
}

/* All of the network, or what --tcp=n and --udp=n leave of it. */
static tn_error *inherit_network(tn_wasi_config *config, const cli_settings *settings) {
  if (!settings->inherit_network) return NULL;
  if (settings->tcp != CLI_CHOICE_NO && settings->udp != CLI_CHOICE_NO)
    return tn_wasi_config_inherit_network(config);
  unsigned operations = 0;
  if (settings->tcp != CLI_CHOICE_NO) operations |= TN_NETWORK_TCP_CONNECT | TN_NETWORK_TCP_LISTEN;
  if (settings->udp != CLI_CHOICE_NO) operations |= TN_NETWORK_UDP;
  tn_error *error = operations != 0 ? tn_wasi_config_allow_network(config, "*", operations) : NULL;
  return error == NULL ? tn_wasi_config_allow_name_lookup(config, true) : error;
}

static tn_error *add_network(tn_wasi_config *config, const cli_settings *settings) {
  tn_error *error = inherit_network(config, settings);
  if (error == NULL) error = allow(config, &settings->network, TN_NETWORK_ALL);
  if (error == NULL) error = allow(config, &settings->network_connect, TN_NETWORK_TCP_CONNECT);
  if (error == NULL) error = allow(config, &settings->network_listen, TN_NETWORK_TCP_LISTEN);
  if (error == NULL) error = allow(config, &settings->network_udp, TN_NETWORK_UDP);
  if (error == NULL && settings->name_lookup != CLI_CHOICE_UNSET)
    error = tn_wasi_config_allow_name_lookup(config, settings->name_lookup == CLI_CHOICE_YES);
  return error;
}

static tn_error *add_http(tn_wasi_config *config, const cli_settings *settings) {
  tn_error *error = NULL;
  for (size_t i = 0; i < settings->http.count && error == NULL; i++)
    error = tn_wasi_config_allow_http(config, settings->http.items[i]);
  if (error == NULL) error = tn_wasi_config_allow_http_private(config, settings->http_private);
  return error == NULL ? tn_wasi_config_allow_http_all(config, settings->http_all) : error;
}

tn_error *cli_configure_network(tn_wasi_config *config, const cli_settings *settings) {
  tn_error *error = add_network(config, settings);
  return error == NULL ? add_http(config, settings) : error;
}

tn_error *cli_configure_arguments(tn_wasi_config *config, const cli_settings *settings,
                                  char **operands, int count) {
  const char *slash = strrchr(operands[0], '/');
  const char *program = settings->argv0 != NULL ? settings->argv0
                        : slash != NULL         ? slash + 1
                                                : operands[0];
  tn_error *error = tn_wasi_config_add_argument(config, cli_text(program));
  for (int i = 1; i < count && error == NULL; i++)
    error = tn_wasi_config_add_argument(config, cli_text(operands[i]));
  return error;
}

void cli_configure_limits(tn_instance_options *options, const cli_settings *settings) {
  if (settings->max_memory.is_set) options->max_memory_bytes = settings->max_memory.value;
  if (settings->max_host_memory.is_set)
    options->max_host_memory_bytes = settings->max_host_memory.value;
  if (settings->max_table_elements.is_set)
    options->max_table_elements = settings->max_table_elements.value;
  if (settings->max_instances.is_set)
    options->max_instances = (uint32_t)settings->max_instances.value;
  if (settings->max_memories.is_set) options->max_memories = (uint32_t)settings->max_memories.value;
  if (settings->max_tables.is_set) options->max_tables = (uint32_t)settings->max_tables.value;
  if (settings->max_handles.is_set) options->max_handles = (uint32_t)settings->max_handles.value;
  if (settings->max_transfer.is_set) options->max_transfer_bytes = settings->max_transfer.value;
  if (settings->timeout.is_set) options->timeout = settings->timeout.value;
  options->has_fuel = settings->fuel.is_set;
  options->fuel = settings->fuel.value;
}

/* Compiled code is native code. A name that ends in .cwasm says that it is expected; under any other name
 * it takes --allow-precompiled, so that what poses as a WebAssembly file never runs outside the sandbox. */
static bool may_be_artifact(const cli_settings *settings, const char *path) {
  size_t length = strlen(path);
  return settings->allow_precompiled || (length > 6 && strcmp(path + length - 6, ".cwasm") == 0);
}

unsigned cli_load_flags(const cli_settings *settings, const char *path) {
  bool is_uncached = settings->no_cache || settings->cache == CLI_CHOICE_NO;
  return (may_be_artifact(settings, path) ? TN_LOAD_ARTIFACT : 0u) |
         (is_uncached ? TN_LOAD_NO_CACHE : 0u);
}
