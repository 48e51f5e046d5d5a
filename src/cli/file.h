/* A whole file in memory. */
#ifndef CLI_FILE_H
#define CLI_FILE_H

#include <stddef.h>

/* Reads a file (- is standard input); a NUL follows the bytes. *out is freed with free(). Returns 0, or an
 * exit code after reporting. */
int cli_read_file(const char *path, char **out, size_t *size);

#endif
