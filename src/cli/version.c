#include <stdio.h>

#include "cli/cli.h"

int cli_version(const cli_settings *settings, char **operands, int count) {
  (void)settings, (void)operands;
  if (count > 0) return cli_report(CLI_EXIT_USAGE, NULL, "tenon version takes no arguments");
  printf("tenon %s\n", TN_VERSION_STRING);
  return cli_finish_output(CLI_EXIT_OK);
}
