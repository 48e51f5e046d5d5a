/* Whole files. */
#ifndef CLI_FILE_H
#define CLI_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "tenon.h"

/* Reads a file (- is standard input); a NUL follows the bytes. *out is freed with free(). Returns 0, or an
 * exit code after reporting. */
int cli_read_file(const char *path, char **out, size_t *size);
/* Likewise, without reporting: IO; ARGUMENT for what is too large. */
tn_error *cli_load_file(const char *path, char **out, size_t *size);
/* What the library is to open for a file that is named on the command line: - is standard input. */
const char *cli_input_path(const char *path);
/* Writes a file, whole or not at all (- is standard output); what is no regular file, as a device or a pipe, is written
 * to. Returns 0, or an exit code after reporting. */
int cli_write_file(const char *path, const uint8_t *bytes, size_t size);
/* Likewise, without reporting. */
tn_error *cli_save_file(const char *path, const uint8_t *bytes, size_t size);

#endif
