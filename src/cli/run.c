/* tenon run: a command, or one function of a component. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/file.h"
#include "cli/link.h"
#include "cli/rights.h"

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

static tn_stdio_kind stdio_kind(cli_choice inherits) {
  return inherits == CLI_CHOICE_NO ? TN_STDIO_NULL : TN_STDIO_INHERIT;
}

/* How many components are read from standard input. */
static size_t count_inputs(const cli_settings *settings, char **operands) {
  return (strcmp(operands[0], "-") == 0 ? 1 : 0) + cli_links_count_inputs(settings);
}

static tn_error *configure_wasi(tn_wasi_config *config, const cli_settings *settings,
                                char **operands, int count) {
  tn_stdio_kind input =
      count_inputs(settings, operands) == 0 ? stdio_kind(settings->inherit_stdin) : TN_STDIO_NULL;
  tn_error *error = cli_configure_arguments(config, settings, operands, count);
  if (error == NULL) error = tn_wasi_config_set_stdin(config, input, STDIN_FILENO);
  if (error == NULL)
    error = tn_wasi_config_set_stdout(config, stdio_kind(settings->inherit_stdout), STDOUT_FILENO);
  if (error == NULL)
    error = tn_wasi_config_set_stderr(config, stdio_kind(settings->inherit_stderr), STDERR_FILENO);
  if (error == NULL) error = cli_configure_files(config, settings);
  if (error == NULL) error = cli_configure_environment(config, settings);
  if (error == NULL) error = cli_configure_network(config, settings);
  if (error == NULL && settings->max_output.is_set)
    error = tn_wasi_config_set_output_limit(config, settings->max_output.value);
  if (error == NULL && settings->random_seed.is_set)
    error = tn_wasi_config_set_random_seed(config, settings->random_seed.value);
  return error;
}

/* ---- running ------------------------------------------------------------------------------------ */

static bool is_whole_call(const char *call) {
  return call != NULL && strchr(call, '(') != NULL;
}

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
  tn_error *error = tn_instance_invoke(instance, cli_text(call), &result);
  if (error != NULL) return error;
  if (result[0] != '\0') puts(result);
  tn_release(result);
  return NULL;
}

static tn_error *invoke_or_run(tn_instance *instance, const cli_settings *settings, char **operands,
                               int count, int *exit_code) {
  if (settings->invoke == NULL) return tn_instance_run(instance, exit_code);
  if (is_whole_call(settings->invoke)) return invoke(instance, settings->invoke);
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
  cli_links links;
  tn_linked *linked;
  tn_instance *instance;
} session;

static tn_error *link_session(session *s, const cli_settings *settings) {
  tn_error *error = cli_links_read(settings, &s->links);
  if (error == NULL) error = tn_linker_new(&s->linker);
  if (error == NULL) error = tn_linker_define_wasi(s->linker);
  if (error == NULL) error = cli_links_add(&s->links, settings, s->engine, s->linker, s->component);
  if (error == NULL) error = tn_linker_link(s->linker, s->component, &s->linked);
  if (error == NULL) cli_links_warn_of_unused(&s->links, s->linked);
  return error;
}

static tn_error *start_session(session *s, const cli_settings *settings, char **operands,
                               int count) {
  tn_instance_options options;
  tn_instance_options_init(&options);
  cli_configure_limits(&options, settings);
  unsigned flags = cli_load_flags(settings, operands[0]);
  tn_error *error = tn_wasi_config_new(&s->wasi);
  if (error == NULL) error = configure_wasi(s->wasi, settings, operands, count);
  if (error == NULL) {
    const char *artifact = (flags & TN_LOAD_ARTIFACT) != 0 ? operands[0] : NULL;
    error = cli_engine_for(artifact, settings, true, &s->engine);
  }
  if (error == NULL)
    error = tn_component_from_file(s->engine, cli_input_path(operands[0]), flags, &s->component);
  if (error == NULL) error = link_session(s, settings);
  options.wasi = s->wasi;
  if (error == NULL) error = tn_instance_new(s->linked, &options, &s->instance);
  return error;
}

int cli_run(const cli_settings *settings, char **operands, int count) {
  if (count == 0) return cli_report(CLI_EXIT_USAGE, "tenon run FILE", "tenon run takes a file");
  if (count_inputs(settings, operands) > 1)
    return cli_report(CLI_EXIT_USAGE, NULL, "only one component can be read from standard input");
  if (is_whole_call(settings->invoke) && count > 1)
    return cli_report(CLI_EXIT_USAGE, "write them between the parentheses, or leave these out",
                      "arguments behind the file, %s first, but --invoke has some already",
                      operands[1]);
  session s = {0};
  int exit_code = CLI_EXIT_OK;
  watch_signals(settings);
  tn_error *error = start_session(&s, settings, operands, count);
  if (error == NULL) {
    running = s.instance;
    error = invoke_or_run(s.instance, settings, operands, count, &exit_code);
  }
  bool is_cancelled = error != NULL && tn_error_get_kind(error) == TN_ERROR_CANCELLED;
  bool is_interrupted = is_cancelled && received_signal != 0;
  if (is_interrupted) {
    tn_error_delete(error);
    exit_code = cli_report(128 + received_signal, NULL, "interrupted");
  } else if (error != NULL) {
    exit_code = cli_report_error(error);
  }
  running = NULL;
  /* The system takes back at once what a session holds, and sooner than it could be given back piece by piece. */
  _exit(cli_finish_output(exit_code));
}
