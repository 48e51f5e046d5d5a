#include "cli/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* ---- writing ------------------------------------------------------------------------------------------- */

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

/* Beside the target first and then renamed, so that nobody ever sees half a file. What is not a
 * regular file (/dev/full, a pipe) is written to directly. */
int cli_write_file(const char *path, const uint8_t *bytes, size_t size) {
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
