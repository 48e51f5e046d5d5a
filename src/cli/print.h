/* Components and core modules as text. */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include <stddef.h>
#include <stdint.h>

#include "cli/options.h"

/* Writes a result to --output (standard output if that is not given): with --wat as text. Returns 0, or an exit
 * code after reporting. */
int cli_write_binary(const cli_settings *settings, const uint8_t *bytes, size_t size);

#endif
