/* tenon check: what is wrong with a server's file. */
#include <stdio.h>

#include "cli/cli.h"

static void warn(const tn_server_problem *problem) {
  if (problem->file == NULL)
    cli_warn("%s", problem->message);
  else
    cli_warn("%s:%u:%u: %s", problem->file, problem->line, problem->column, problem->message);
}

static void report(void *data, const tn_server_problem *problem) {
  if (problem->is_warning) {
    warn(problem);
    return;
  }
  int *exit_code = data;
  int code = cli_exit_code_of_kind(problem->kind);
  char room[1024];
  const char *hint = cli_translate_hint(problem->hint, room, sizeof room);
  if (problem->file == NULL)
    cli_report(code, hint, "%s", problem->message);
  else if (problem->line == 0)
    cli_report(code, hint, "%s: %s", problem->file, problem->message);
  else
    cli_report(code, hint, "%s:%u:%u: %s", problem->file, problem->line, problem->column,
               problem->message);
  if (*exit_code == CLI_EXIT_OK) *exit_code = code;
}

static tn_error *print_summary(const tn_server_settings *server, const char *path) {
  char *text;
  tn_error *error = tn_server_settings_describe(server, &text);
  if (error != NULL) return error;
  printf("%s: ok\n%s", path, text);
  tn_release(text);
  return NULL;
}

static tn_error *check(tn_server_settings *server, const cli_settings *settings, const char *path,
                       int *exit_code) {
  char room[4096];
  const char *folder = cli_choose_cache(settings, room, sizeof room);
  tn_error *error = folder != NULL ? tn_server_settings_set(server, "cache-dir", folder) : NULL;
  if (error == NULL) error = tn_server_settings_set_file(server, path);
  if (error != NULL) return error;
  if (tn_server_settings_check(server, report, exit_code) > 0) return NULL;
  return print_summary(server, path);
}

static int check_file(const cli_settings *settings, const char *path) {
  int exit_code = CLI_EXIT_OK;
  tn_server_settings *server;
  tn_error *error = tn_server_settings_new(&server);
  if (error != NULL) return cli_report_error(error);
  error = check(server, settings, path, &exit_code);
  tn_server_settings_delete(server);
  return error != NULL ? cli_report_error(error) : exit_code;
}

int cli_check(const cli_settings *settings, char **operands, int count) {
  if (count == 0)
    return cli_report(CLI_EXIT_USAGE, "tenon check serve.toml", "tenon check takes a file");
  int exit_code = CLI_EXIT_OK;
  for (int i = 0; i < count; i++) {
    int code = check_file(settings, operands[i]);
    if (exit_code == CLI_EXIT_OK) exit_code = code;
  }
  return exit_code;
}
