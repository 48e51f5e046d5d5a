/* tenon print: components and core modules as text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/file.h"
#include "cli/print.h"
#include "tenon/componentize.h"

static void write_part(void *data, const char *text, size_t size) {
  fwrite(text, 1, size, data);
}

/* A text goes to standard output as it is made; to a file when all of it is there. */
typedef struct text_output {
  const char *path;
  FILE *stream;
  char *text;
  size_t size;
} text_output;

static int open_output(const char *path, text_output *out) {
  bool is_file = path != NULL && strcmp(path, "-") != 0;
  *out = (text_output){.path = path, .stream = stdout};
  if (is_file) out->stream = open_memstream(&out->text, &out->size);
  return out->stream != NULL ? CLI_EXIT_OK : cli_report(CLI_EXIT_INTERNAL, NULL, "out of memory");
}

static int close_output(text_output *out, int exit_code) {
  if (out->stream == stdout) return cli_finish_output(exit_code);
  bool is_complete = fclose(out->stream) == 0;
  if (exit_code == CLI_EXIT_OK && !is_complete)
    exit_code = cli_report(CLI_EXIT_INTERNAL, NULL, "out of memory");
  if (exit_code == CLI_EXIT_OK)
    exit_code = cli_write_file(out->path, (const uint8_t *)out->text, out->size);
  free(out->text);
  return exit_code;
}

static int print_file(const char *path, const tn_print_options *options, FILE *stream) {
  char *file;
  size_t size;
  int exit_code = cli_read_file(path, &file, &size);
  if (exit_code != CLI_EXIT_OK) return exit_code;
  exit_code = cli_report_in_file(path, tn_print(file, size, options, write_part, stream));
  free(file);
  return exit_code;
}

int cli_print(const cli_settings *settings, char **operands, int count) {
  tn_print_options options = {.skeleton = settings->skeleton, .offsets = settings->print_offsets};
  text_output out;
  if (count == 0) return cli_report(CLI_EXIT_USAGE, NULL, "tenon print takes at least one file");
  int exit_code = open_output(settings->output, &out);
  if (exit_code != CLI_EXIT_OK) return exit_code;
  for (int i = 0; exit_code == CLI_EXIT_OK && i < count; i++)
    exit_code = print_file(operands[i], &options, out.stream);
  return close_output(&out, exit_code);
}

static int write_text(const char *path, const uint8_t *bytes, size_t size) {
  text_output out;
  int exit_code = open_output(path, &out);
  if (exit_code != CLI_EXIT_OK) return exit_code;
  exit_code = cli_report_error(tn_print(bytes, size, NULL, write_part, out.stream));
  return close_output(&out, exit_code);
}

int cli_write_binary(const cli_settings *settings, const uint8_t *bytes, size_t size) {
  if (settings->wat) return write_text(settings->output, bytes, size);
  return cli_write_file(settings->output != NULL ? settings->output : "-", bytes, size);
}
