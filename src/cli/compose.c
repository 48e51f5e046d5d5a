/* tenon compose: several components into one file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/file.h"
#include "cli/print.h"
#include "tenon/compose.h"

/* Without --plug. */
static bool is_wac(const char *path) {
  size_t length = strlen(path);
  return strcmp(path, "-") == 0 || (length > 4 && strcmp(path + length - 4, ".wac") == 0);
}

/* "a:b=FILE" into its two parts. The text is argv's and stays as it is. */
static int split_dependency(const char *text, tn_compose_dependency *out) {
  const char *equals = strchr(text, '=');
  if (equals == NULL || equals == text || equals[1] == '\0')
    return cli_report(CLI_EXIT_USAGE, "as in --dep my:package=FILE",
                      "--dep %s names no package and file", text);
  char *name = strndup(text, (size_t)(equals - text));
  if (name == NULL) return cli_report(CLI_EXIT_INTERNAL, NULL, "out of memory");
  *out = (tn_compose_dependency){.name = name, .path = cli_input_path(equals + 1)};
  return CLI_EXIT_OK;
}

static int split_dependencies(const cli_texts *texts, tn_compose_dependency *out) {
  for (size_t i = 0; i < texts->count; i++) {
    int exit_code = split_dependency(texts->items[i], &out[i]);
    if (exit_code != CLI_EXIT_OK) return exit_code;
  }
  return CLI_EXIT_OK;
}

static tn_error *compose(const cli_settings *settings, const char *path,
                         const tn_compose_options *options, uint8_t **bytes, size_t *size) {
  size_t count = settings->plugs.count;
  path = cli_input_path(path);
  if (count == 0) return tn_compose(path, options, bytes, size);
  const char **plugs = calloc(count, sizeof *plugs);
  if (plugs == NULL) return tn_error_make(TN_ERROR_NO_MEMORY, "out of memory");
  for (size_t i = 0; i < count; i++)
    plugs[i] = cli_input_path(settings->plugs.items[i]);
  tn_error *error = tn_compose_plug(path, plugs, count, options, bytes, size);
  free(plugs);
  return error;
}

/* How many of the files are standard input. */
static size_t count_inputs(const cli_settings *settings, const char *path,
                           const tn_compose_options *options) {
  size_t count = strcmp(path, "-") == 0 ? 1 : 0;
  for (size_t i = 0; i < settings->plugs.count; i++)
    count += strcmp(settings->plugs.items[i], "-") == 0;
  for (size_t i = 0; i < options->dependency_count; i++)
    count += strcmp(options->dependencies[i].path, cli_input_path("-")) == 0;
  return count;
}

static void warn_of_unused(void *data, const char *plug) {
  (void)data;
  fprintf(stderr,
          "warning: nothing that --plug %s exports is imported: it is no part of the result\n",
          plug);
}

static int compose_to_file(const cli_settings *settings, const char *path,
                           const tn_compose_options *options) {
  const char *output = settings->output != NULL ? settings->output : "-";
  uint8_t *bytes;
  size_t size;
  if (strcmp(output, "-") == 0 && isatty(STDOUT_FILENO) && !settings->wat)
    return cli_report(CLI_EXIT_USAGE, "say where to: -o FILE",
                      "a component is not printed on a terminal");
  if (count_inputs(settings, path, options) > 1)
    return cli_report(CLI_EXIT_USAGE, NULL, "only one file can be read from standard input");
  int exit_code = cli_report_error(compose(settings, path, options, &bytes, &size));
  if (exit_code != CLI_EXIT_OK) return exit_code;
  exit_code = cli_write_binary(settings, bytes, size);
  tn_release(bytes);
  return exit_code;
}

int cli_compose(const cli_settings *settings, char **operands, int count) {
  size_t dependency_count = settings->dependencies.count;
  if (count != 1)
    return cli_report(CLI_EXIT_USAGE, NULL,
                      "tenon compose takes one file: WAC, or with --plug a component");
  if (settings->plugs.count == 0 && !is_wac(operands[0]))
    return cli_report(CLI_EXIT_USAGE, "with --plug FILE a component is given what FILE exports",
                      "%s is not named *.wac, and no component is to be plugged into it",
                      operands[0]);
  bool names_packages =
      dependency_count > 0 || settings->dependency_folder != NULL || settings->import_dependencies;
  if (settings->plugs.count > 0 && names_packages)
    return cli_report(
        CLI_EXIT_USAGE, NULL,
        "--dep, --deps-dir and --import-dependencies are for packages that WAC names, --plug is not");
  tn_compose_dependency *dependencies = calloc(dependency_count + 1, sizeof *dependencies);
  if (dependencies == NULL) return cli_report(CLI_EXIT_INTERNAL, NULL, "out of memory");
  tn_compose_options options = {.folder = settings->dependency_folder,
                                .dependencies = dependencies,
                                .dependency_count = dependency_count,
                                .import_dependencies = settings->import_dependencies,
                                .no_validation = settings->no_validation,
                                .on_unused_plug = warn_of_unused};
  int exit_code = split_dependencies(&settings->dependencies, dependencies);
  if (exit_code == CLI_EXIT_OK) exit_code = compose_to_file(settings, operands[0], &options);
  for (size_t i = 0; i < dependency_count; i++)
    free((char *)dependencies[i].name);
  free(dependencies);
  return exit_code;
}
