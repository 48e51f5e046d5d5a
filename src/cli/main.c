/* Tenon's command line: finds the command, parses its options, runs it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

static bool is_file(const char *path) {
  struct stat status;
  return stat(path, &status) == 0 && !S_ISDIR(status.st_mode);
}

/* A word that looks like a path is meant as a file, so that a misspelt one is reported as such. */
static bool looks_like_file(const char *word) {
  return strchr(word, '/') != NULL || strchr(word, '.') != NULL;
}

static int report_unknown_command(const char *name) {
  char hint[128];
  cli_suggestion suggestion = {.wanted = name};
  for (size_t i = 0; i < cli_command_count; i++)
    cli_suggestion_consider(&suggestion, cli_commands[i].name);
  snprintf(hint, sizeof hint, suggestion.best != NULL ? "did you mean tenon %s?" : "see tenon help",
           suggestion.best);
  return cli_report(CLI_EXIT_USAGE, hint, "no command and no file is called %s", name);
}

/* Where the options cannot be read it is not known which words are options: --json is then looked for among all. */
static bool wants_json(const cli_settings *settings, char **arguments, int count) {
  bool wants = settings->json;
  for (int i = 0; i < count && strcmp(arguments[i], "--") != 0; i++)
    wants = wants || strcmp(arguments[i], "--json") == 0;
  return wants;
}

static int run_command(const cli_command *command, char **arguments, int count) {
  cli_settings settings;
  cli_settings_init(&settings);
  cli_failure failure = {0};
  int exit_code = cli_options_parse(command->bit, command->stops_at_operand, arguments, &count,
                                    &settings, &failure);
  if (failure.exit_code != CLI_EXIT_OK && command->bit == CLI_EXEC &&
      wants_json(&settings, arguments, count))
    cli_exec_print_failure(&failure);
  if (exit_code == CLI_EXIT_OK) {
    if (settings.version)
      exit_code = cli_version(&settings, arguments, 0);
    else if (settings.help)
      cli_print_help(command);
    else if (settings.group_help != 0)
      cli_print_group_help(command, settings.group_help);
    else
      exit_code = command->run(&settings, arguments, count);
  }
  cli_settings_free(&settings);
  return cli_finish_output(exit_code);
}

static bool is_option(const char *word, const char *letter, const char *name) {
  return strcmp(word, letter) == 0 || strcmp(word, name) == 0;
}

/* What a guest writes goes nowhere then, as it was told; what Tenon is asked to print must not be lost in silence. */
static bool lose_output(void) {
  FILE *unwritable = fopen("/dev/null", "re");
  if (unwritable != NULL) stdout = unwritable;
  return unwritable != NULL;
}

/* The number of a standard stream that the caller has closed would go to the next thing that is opened, which
 * the guest would then read or write. The lowest free number is taken first: one beyond them shows that none
 * is missing. */
static bool open_missing_streams(void) {
  bool has_output = fcntl(STDOUT_FILENO, F_GETFD) >= 0;
  int descriptor;
  do {
    descriptor = open("/dev/null", O_RDWR);
  } while (descriptor >= 0 && descriptor <= STDERR_FILENO);
  if (descriptor <= STDERR_FILENO || close(descriptor) != 0) return false;
  return has_output || lose_output();
}

int main(int count, char **arguments) {
  if (!open_missing_streams())
    return cli_report(CLI_EXIT_IO, NULL, "while opening /dev/null: %s", strerror(errno));
  if (count < 2) {
    cli_print_help(NULL);
    return cli_finish_output(CLI_EXIT_USAGE);
  }
  /* A file that may not grow is an error of write, for the guest as well. */
  signal(SIGXFSZ, SIG_IGN);
  const char *first = arguments[1];
  const cli_command *command = cli_command_find(first);
  if (command != NULL) return run_command(command, arguments + 2, count - 2);
  if (is_option(first, "-V", "--version")) return cli_version(NULL, NULL, 0);
  if (is_option(first, "-h", "--help")) {
    cli_print_help(NULL);
    return cli_finish_output(CLI_EXIT_OK);
  }
  if (first[0] == '-' || is_file(first) || looks_like_file(first))
    return run_command(cli_command_find("run"), arguments + 1, count - 1);
  return report_unknown_command(first);
}
