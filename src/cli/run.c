/* tenon run: a command, or one function of a component. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "cli/cli.h"

extern char **environ;

/* ---- interruption ------------------------------------------------------------------------------- */

/* A signal handler gets no argument: these are the program's, and only this file's. */
static tn_instance *volatile running;
static volatile sig_atomic_t received_signal;
static volatile sig_atomic_t is_interruptible;

/* How long a guest that cannot be interrupted while it computes has for ending of itself: long enough for one
 * that waits, which a cancellation wakes at once. */
enum { GRACE_MICROSECONDS = 200000 };

static void end_at_once(int number) {
  static const char message[] = "error: interrupted\n";
  (void)number;
  ssize_t written = write(STDERR_FILENO, message, sizeof message - 1);
  (void)written;
  _exit(128 + received_signal);
}

/* The first signal cancels the guest, which then ends with its destructors run and its files closed; the
 * second one, by SA_RESETHAND, ends the process. */
static void on_signal(int number) {
  received_signal = number;
  tn_instance *instance = running;
  if (instance == NULL) _exit(128 + number);
  tn_instance_cancel(instance);
  if (is_interruptible) return;
  setitimer(ITIMER_REAL, &(struct itimerval){.it_value.tv_usec = GRACE_MICROSECONDS}, NULL);
}

static void watch_signals(const cli_settings *settings) {
  is_interruptible = cli_is_interruptible(settings);
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND};
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  action.sa_handler = end_at_once;
  sigaction(SIGALRM, &action, NULL);
  /* A closed pipe is an error that the guest gets to see, not Tenon's end. */
  action = (struct sigaction){.sa_handler = SIG_IGN};
  sigaction(SIGPIPE, &action, NULL);
}

/* ---- rights ------------------------------------------------------------------------------------- */

static tn_str text_of(const char *text) {
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

/* "NAME=VALUE" sets, "NAME" passes on; one that is not there passes on nothing. */
static tn_error *add_variable(tn_wasi_config *config, const char *text) {
  const char *equals = strchr(text, '=');
  if (equals != NULL)
    return tn_wasi_config_add_env(config, (tn_str){text, (size_t)(equals - text)},
                                  text_of(equals + 1));
  const char *value = getenv(text);
  return value != NULL ? tn_wasi_config_add_env(config, text_of(text), text_of(value)) : NULL;
}

static tn_error *add_environment(tn_wasi_config *config, const cli_settings *settings) {
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
    error = tn_wasi_config_add_config_value(config, (tn_str){text, (size_t)(equals - text)}, text_of(equals + 1));
  }
  return error;
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

static tn_error *add_arguments(tn_wasi_config *config, const cli_settings *settings,
                               char **operands, int count) {
  const char *slash = strrchr(operands[0], '/');
  const char *program = settings->argv0 != NULL ? settings->argv0
                        : slash != NULL         ? slash + 1
                                                : operands[0];
  tn_error *error = tn_wasi_config_add_argument(config, text_of(program));
  for (int i = 1; i < count && error == NULL; i++)
    error = tn_wasi_config_add_argument(config, text_of(operands[i]));
  return error;
}

static tn_stdio_kind stdio_kind(cli_choice inherits) {
  return inherits == CLI_CHOICE_NO ? TN_STDIO_NULL : TN_STDIO_INHERIT;
}

static tn_error *configure_wasi(tn_wasi_config *config, const cli_settings *settings,
                                char **operands, int count) {
  tn_error *error = add_arguments(config, settings, operands, count);
  if (error == NULL)
    error = tn_wasi_config_set_stdin(config, stdio_kind(settings->inherit_stdin), STDIN_FILENO);
  if (error == NULL)
    error = tn_wasi_config_set_stdout(config, stdio_kind(settings->inherit_stdout), STDOUT_FILENO);
  if (error == NULL)
    error = tn_wasi_config_set_stderr(config, stdio_kind(settings->inherit_stderr), STDERR_FILENO);
  if (error == NULL && settings->working_directory != NULL)
    error = tn_wasi_config_set_working_directory(config, text_of(settings->working_directory));
  if (error == NULL) error = add_directories(config, &settings->directories, 0);
  if (error == NULL)
    error = add_directories(config, &settings->read_only_directories, TN_DIRECTORY_READ_ONLY);
  if (error == NULL) error = add_environment(config, settings);
  if (error == NULL) error = add_config_values(config, &settings->config_values);
  if (error == NULL) error = add_network(config, settings);
  if (error == NULL) error = add_http(config, settings);
  if (error == NULL && settings->max_output.is_set)
    error = tn_wasi_config_set_output_limit(config, settings->max_output.value);
  if (error == NULL && settings->random_seed.is_set)
    error = tn_wasi_config_set_random_seed(config, settings->random_seed.value);
  return error;
}

static void configure_limits(tn_instance_options *options, const cli_settings *settings) {
  if (settings->max_memory.is_set) options->max_memory_bytes = settings->max_memory.value;
  if (settings->max_table_elements.is_set)
    options->max_table_elements = settings->max_table_elements.value;
  if (settings->max_instances.is_set)
    options->max_instances = (uint32_t)settings->max_instances.value;
  if (settings->max_memories.is_set) options->max_memories = (uint32_t)settings->max_memories.value;
  if (settings->max_tables.is_set) options->max_tables = (uint32_t)settings->max_tables.value;
  if (settings->max_handles.is_set) options->max_handles = (uint32_t)settings->max_handles.value;
  if (settings->timeout.is_set) options->timeout = settings->timeout.value;
  options->has_fuel = settings->fuel.is_set;
  options->fuel = settings->fuel.value;
}

/* ---- running ------------------------------------------------------------------------------------ */

/* "add" with operands 1 and 2 means "add(1, 2)". NULL: out of memory. */
static char *join_call(const char *function, char **operands, int count) {
  size_t size = strlen(function) + sizeof "()";
  for (int i = 0; i < count; i++)
    size += strlen(operands[i]) + sizeof ", ";
  char *call = malloc(size), *at = call;
  if (call == NULL) return NULL;
  at = stpcpy(stpcpy(at, function), "(");
  for (int i = 0; i < count; i++)
    at = stpcpy(stpcpy(at, i > 0 ? ", " : ""), operands[i]);
  stpcpy(at, ")");
  return call;
}

static tn_error *invoke(tn_instance *instance, const char *call) {
  char *result;
  tn_error *error = tn_instance_invoke(instance, text_of(call), &result);
  if (error != NULL) return error;
  if (result[0] != '\0') puts(result);
  tn_release(result);
  return NULL;
}

static tn_error *invoke_or_run(tn_instance *instance, const cli_settings *settings, char **operands,
                               int count, int *exit_code) {
  if (settings->invoke == NULL) return tn_instance_run(instance, exit_code);
  if (strchr(settings->invoke, '(') != NULL) return invoke(instance, settings->invoke);
  char *call = join_call(settings->invoke, operands + 1, count - 1);
  if (call == NULL) return tn_error_make(TN_ERROR_NO_MEMORY, "out of memory");
  tn_error *error = invoke(instance, call);
  free(call);
  return error;
}

/* Everything between the arguments and the running guest, each NULL until it is there. */
typedef struct session {
  tn_wasi_config *wasi;
  tn_engine *engine;
  tn_component *component;
  tn_linker *linker;
  tn_linked *linked;
  tn_instance *instance;
} session;

/* Compiled code is native code. A name that ends in .cwasm says that it is expected; under any other name
 * it takes --allow-precompiled, so that what poses as a WebAssembly file never runs outside the sandbox. */
static bool may_be_artifact(const cli_settings *settings, const char *path) {
  size_t length = strlen(path);
  return settings->allow_precompiled || (length > 6 && strcmp(path + length - 6, ".cwasm") == 0);
}

static tn_error *start_session(session *s, const cli_settings *settings, char **operands,
                               int count) {
  tn_instance_options options;
  tn_instance_options_init(&options);
  configure_limits(&options, settings);
  bool is_uncached = settings->no_cache || settings->cache == CLI_CHOICE_NO;
  unsigned flags = (may_be_artifact(settings, operands[0]) ? TN_LOAD_ARTIFACT : 0u) |
                   (is_uncached ? TN_LOAD_NO_CACHE : 0u);
  tn_error *error = tn_wasi_config_new(&s->wasi);
  if (error == NULL) error = configure_wasi(s->wasi, settings, operands, count);
  if (error == NULL) error = cli_engine_new(settings, true, &s->engine);
  if (error == NULL) error = tn_component_from_file(s->engine, operands[0], flags, &s->component);
  if (error == NULL) error = tn_linker_new(&s->linker);
  if (error == NULL) error = tn_linker_define_wasi(s->linker);
  if (error == NULL) error = tn_linker_link(s->linker, s->component, &s->linked);
  options.wasi = s->wasi;
  if (error == NULL) error = tn_instance_new(s->linked, &options, &s->instance);
  return error;
}

int cli_run(const cli_settings *settings, char **operands, int count) {
  if (count == 0) return cli_report(CLI_EXIT_USAGE, "tenon run FILE", "tenon run takes a file");
  session s = {0};
  int exit_code = CLI_EXIT_OK;
  watch_signals(settings);
  tn_error *error = start_session(&s, settings, operands, count);
  if (error == NULL) {
    running = s.instance;
    error = invoke_or_run(s.instance, settings, operands, count, &exit_code);
  }
  bool is_cancelled = error != NULL && tn_error_get_kind(error) == TN_ERROR_CANCELLED;
  if (error != NULL) exit_code = cli_report_error(error);
  if (is_cancelled && received_signal != 0) exit_code = 128 + received_signal;
  running = NULL;
  /* The system takes back at once what a session holds, and sooner than it could be given back piece by piece. */
  _exit(cli_finish_output(exit_code));
}
