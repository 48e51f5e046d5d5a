/* tenon serve: HTTP by components. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/cli.h"

/* A signal handler gets no argument: this is the program's, and only this file's. */
static tn_server *volatile serving;

/* The first asks for a graceful end, the second, by the library, for one at once; when the server is not there yet, or
 * is already gone, there is nothing to wait for. */
static void on_stop(int number) {
  if (serving == NULL) _exit(128 + number);
  tn_server_stop(serving);
}

static void on_reload(int number) {
  (void)number;
  if (serving != NULL) tn_server_reload(serving);
}

static void on_rotation(int number) {
  (void)number;
  if (serving != NULL) tn_server_reopen_log(serving);
}

static void handle(int number, void (*handler)(int number)) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, NULL);
}

static void watch_signals(void) {
  handle(SIGINT, on_stop);
  handle(SIGTERM, on_stop);
  handle(SIGHUP, on_reload);
  handle(SIGUSR1, on_rotation);
  handle(SIGPIPE, SIG_IGN); /* a client that is gone is an error of write */
}

/* Connections take descriptors, and the usual limit is for programs that still use select(2), which this one does not. Guests
 * cannot use more by it: what they open is bounded on its own. */
static void raise_descriptor_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  /* If it fails, what there is must do; the server says when that is too little. */
  setrlimit(RLIMIT_NOFILE, &limit);
}

/* ---- settings ------------------------------------------------------------------------------------------- */

/* "/=FILE", since a file's name may have a "=" of its own. */
static tn_error *serve_everything(tn_server_settings *server, const char *path) {
  char route[4096];
  int length = snprintf(route, sizeof route, "/=%s", path);
  if (length < 0 || (size_t)length >= sizeof route)
    return tn_error_make(TN_ERROR_ARGUMENT, "the path of the component is too long");
  return tn_server_settings_add_route(server, route);
}

static tn_error *set_cache(tn_server_settings *server, const cli_settings *settings) {
  char room[4096];
  const char *folder = cli_choose_cache(settings, room, sizeof room);
  return folder != NULL ? tn_server_settings_set(server, "cache-dir", folder) : NULL;
}

static tn_error *configure(tn_server_settings *server, const cli_settings *settings,
                           char **operands, int count) {
  tn_error *error = set_cache(server, settings);
  if (error == NULL && settings->config_file != NULL)
    error = tn_server_settings_set_file(server, settings->config_file);
  if (error == NULL && settings->no_logging_prefix)
    error = tn_server_settings_set(server, "output", "inherit");
  for (size_t i = 0; i < settings->setting_names.count && error == NULL; i++)
    error = tn_server_settings_set(server, settings->setting_names.items[i],
                                   settings->setting_values.items[i]);
  for (size_t i = 0; i < settings->routes.count && error == NULL; i++)
    error = tn_server_settings_add_route(server, settings->routes.items[i]);
  if (error == NULL && count == 1) error = serve_everything(server, operands[0]);
  return error;
}

/* ---- serving -------------------------------------------------------------------------------------------- */

/* The first line of each kind in what is served, in one: for whoever has started it by hand. Logs have it too, in their
 * own form. */
static void say_what_is_served(const tn_server_settings *settings) {
  char *text, listens[512] = "", routes[512] = "";
  tn_error *error = tn_server_settings_describe(settings, &text);
  if (error != NULL) {
    tn_error_delete(error);
    return;
  }
  for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
    bool is_listen = strncmp(line, "listen  ", 8) == 0;
    if (!is_listen && strncmp(line, "route   ", 8) != 0) continue;
    char *list = is_listen ? listens : routes;
    size_t used = strlen(list);
    snprintf(list + used, sizeof listens - used, "%s%s", used > 0 ? ", " : "", line + 8);
  }
  fprintf(stderr, "tenon: serving %s on %s\n", routes, listens);
  tn_release(text);
}

static tn_error *serve(const tn_server_settings *settings) {
  tn_server *server;
  tn_error *error = tn_server_new(settings, &server);
  if (error != NULL) return error;
  if (isatty(STDERR_FILENO)) say_what_is_served(settings);
  serving = server;
  error = tn_server_run(server);
  handle(SIGINT, SIG_IGN); /* it is ending already */
  handle(SIGTERM, SIG_IGN);
  serving = NULL;
  if (tn_server_is_stuck(server)) {
    /* exit would wait for it. The log is written; standard output has nothing of ours. */
    if (error != NULL) _exit(cli_report_error(error));
    _exit(CLI_EXIT_OK);
  }
  tn_server_delete(server);
  return error;
}

int cli_serve(const cli_settings *settings, char **operands, int count) {
  if (count > 1)
    return cli_report(CLI_EXIT_USAGE, "several components are served by --route or --config",
                      "tenon serve takes one file");
  if (count == 0 && settings->config_file == NULL && settings->routes.count == 0)
    return cli_report(CLI_EXIT_USAGE, "tenon serve FILE",
                      "tenon serve takes a file, --route or --config");
  watch_signals();
  raise_descriptor_limit();
  tn_server_settings *server;
  tn_error *error = tn_server_settings_new(&server);
  if (error != NULL) return cli_report_error(error);
  error = configure(server, settings, operands, count);
  if (error == NULL) error = serve(server);
  tn_server_settings_delete(server);
  return cli_report_error(error);
}
