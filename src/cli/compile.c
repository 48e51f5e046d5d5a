/* tenon compile: to an artifact that `tenon run` takes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/file.h"

/* "x.wasm" and "x.wat" become "x.cwasm", "x" becomes "x.cwasm". NULL: out of memory. */
static char *default_output(const char *input) {
  size_t length = strlen(input);
  if (length > 5 && strcmp(input + length - 5, ".wasm") == 0)
    length -= 5;
  else if (length > 4 && strcmp(input + length - 4, ".wat") == 0)
    length -= 4;
  char *output = malloc(length + sizeof ".cwasm");
  if (output != NULL) {
    memcpy(output, input, length);
    strcpy(output + length, ".cwasm");
  }
  return output;
}

static tn_error *make_artifact(const cli_settings *settings, const char *path, uint8_t **bytes,
                               size_t *size) {
  tn_engine *engine = NULL;
  tn_component *component = NULL;
  tn_error *error = cli_engine_new(settings, false, &engine);
  if (error == NULL) error = tn_component_from_file(engine, path, TN_LOAD_NO_CACHE, &component);
  /* Only artifacts are not accepted. */
  if (error != NULL && tn_error_get_kind(error) == TN_ERROR_DENIED) {
    char message[4096];
    snprintf(message, sizeof message, "%s is compiled already", path);
    tn_error_delete(error);
    error = tn_error_make(TN_ERROR_ARGUMENT, message);
  }
  if (error == NULL) error = tn_component_artifact(component, bytes, size);
  tn_component_delete(component);
  tn_engine_delete(engine);
  return error;
}

int cli_compile(const cli_settings *settings, char **operands, int count) {
  if (count != 1) return cli_report(CLI_EXIT_USAGE, NULL, "tenon compile takes one file");
  uint8_t *bytes = NULL;
  size_t size = 0;
  int exit_code = cli_report_error(make_artifact(settings, operands[0], &bytes, &size));
  if (exit_code != CLI_EXIT_OK) return exit_code;
  char *chosen = settings->output == NULL ? default_output(operands[0]) : NULL;
  const char *output = settings->output != NULL ? settings->output : chosen;
  exit_code = output != NULL ? cli_write_file(output, bytes, size)
                             : cli_report(CLI_EXIT_INTERNAL, NULL, "out of memory");
  free(chosen);
  tn_release(bytes);
  return exit_code;
}
