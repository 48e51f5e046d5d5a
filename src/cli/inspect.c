/* tenon inspect: what a file imports, exports and consists of. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/file.h"

static int inspect(const cli_settings *settings, const char *path) {
  char *bytes, *text;
  size_t size;
  int exit_code = cli_read_file(path, &bytes, &size);
  if (exit_code != CLI_EXIT_OK) return exit_code;
  exit_code = cli_report_error(
      tn_inspect(bytes, size, path, settings->json ? TN_INSPECT_JSON : TN_INSPECT_TEXT, &text));
  free(bytes);
  if (exit_code != CLI_EXIT_OK) return exit_code;
  fputs(text, stdout);
  tn_release(text);
  return CLI_EXIT_OK;
}

int cli_inspect(const cli_settings *settings, char **operands, int count) {
  if (count == 0) return cli_report(CLI_EXIT_USAGE, NULL, "tenon inspect takes at least one file");
  if (settings->json && count > 1)
    return cli_report(CLI_EXIT_USAGE, "one file a run makes one JSON text each",
                      "tenon inspect --json takes one file");
  for (int i = 0; i < count; i++) {
    int exit_code = inspect(settings, operands[i]);
    if (exit_code != CLI_EXIT_OK) return exit_code;
  }
  return cli_finish_output(CLI_EXIT_OK);
}
