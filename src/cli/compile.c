/* tenon compile: to an artifact that `tenon run` takes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static bool write_all(int descriptor, const uint8_t *bytes, size_t size) {
  while (size > 0) {
    ssize_t written = write(descriptor, bytes, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes += written;
    size -= (size_t)written;
  }
  return true;
}

static int report_unwritable(const char *path) {
  return cli_report(CLI_EXIT_IO, NULL, "while writing %s: %s", path, strerror(errno));
}

/* Beside the target first and then renamed, so that nobody ever sees half an artifact. What is not a
 * regular file (/dev/full, a pipe) is written to directly. */
static int write_file(const char *path, const uint8_t *bytes, size_t size) {
  if (strcmp(path, "-") == 0)
    return write_all(STDOUT_FILENO, bytes, size) ? CLI_EXIT_OK : report_unwritable(path);
  char temporary[4096];
  bool is_special = strncmp(path, "/dev/", 5) == 0;
  int length =
      snprintf(temporary, sizeof temporary, is_special ? "%s" : "%s.%d.tmp", path, (int)getpid());
  if (length < 0 || (size_t)length >= sizeof temporary) {
    errno = ENAMETOOLONG;
    return report_unwritable(path);
  }
  int descriptor =
      open(temporary, O_WRONLY | O_CREAT | O_CLOEXEC | (is_special ? 0 : O_EXCL), 0666);
  if (descriptor < 0) return report_unwritable(path);
  bool is_written = write_all(descriptor, bytes, size);
  int reason = errno;
  if (close(descriptor) != 0 && is_written) {
    is_written = false;
    reason = errno;
  }
  if (is_special && is_written) return CLI_EXIT_OK;
  if (is_written && rename(temporary, path) == 0) return CLI_EXIT_OK;
  if (is_written) reason = errno;
  if (!is_special) unlink(temporary);
  errno = reason;
  return report_unwritable(path);
}

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
  if (error != NULL && tn_error_get_kind(error) == TN_ERROR_DENIED) { /* only artifacts are not accepted */
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
  exit_code = output != NULL ? write_file(output, bytes, size)
                             : cli_report(CLI_EXIT_INTERNAL, NULL, "out of memory");
  free(chosen);
  tn_release(bytes);
  return exit_code;
}
