#include "cli/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/report.h"

/* Far more than any file that is meant; devices may be without end. */
enum { SIZE_LIMIT = 1 << 30 };

static int read_stream(FILE *stream, const char *path, char **out, size_t *size) {
  size_t room = 65536, used = 0;
  char *bytes = malloc(room);
  while (bytes != NULL) {
    used += fread(bytes + used, 1, room - used - 1, stream);
    if (ferror(stream)) {
      int exit_code = cli_report(CLI_EXIT_IO, NULL, "while reading %s: %s", path, strerror(errno));
      free(bytes);
      return exit_code;
    }
    if (used + 1 < room) {
      bytes[used] = '\0';
      *out = bytes;
      *size = used;
      return CLI_EXIT_OK;
    }
    if (room >= SIZE_LIMIT) {
      free(bytes);
      return cli_report(CLI_EXIT_USAGE, NULL, "while reading %s: there is more than 1 GiB in it", path);
    }
    char *larger = realloc(bytes, room * 2);
    if (larger == NULL) free(bytes);
    bytes = larger;
    room *= 2;
  }
  return cli_report(CLI_EXIT_INTERNAL, NULL, "while reading %s: out of memory", path);
}

int cli_read_file(const char *path, char **out, size_t *size) {
  if (strcmp(path, "-") == 0) return read_stream(stdin, "standard input", out, size);
  FILE *stream = fopen(path, "rbe");
  if (stream == NULL)
    return cli_report(CLI_EXIT_IO, NULL, "while opening %s: %s", path, strerror(errno));
  int exit_code = read_stream(stream, path, out, size);
  fclose(stream);
  return exit_code;
}
