#include "cli/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/report.h"

/* Far more than any file that is meant; devices may be without end. */
enum { SIZE_LIMIT = 1 << 30 };

static tn_error *error_about(tn_error_kind kind, const char *doing, const char *path,
                             const char *reason) {
  char message[PATH_MAX + 256];
  snprintf(message, sizeof message, "while %s %s: %s", doing, path, reason);
  return tn_error_make(kind, message);
}

static tn_error *read_stream(FILE *stream, const char *path, char **out, size_t *size) {
  size_t room = 65536, used = 0;
  char *bytes = malloc(room);
  while (bytes != NULL) {
    used += fread(bytes + used, 1, room - used - 1, stream);
    if (ferror(stream)) {
      tn_error *error = error_about(TN_ERROR_IO, "reading", path, strerror(errno));
      free(bytes);
      return error;
    }
    if (used + 1 < room) {
      bytes[used] = '\0';
      *out = bytes;
      *size = used;
      return NULL;
    }
    if (room >= SIZE_LIMIT) {
      free(bytes);
      return error_about(TN_ERROR_ARGUMENT, "reading", path, "there is more than 1 GiB in it");
    }
    char *larger = realloc(bytes, room * 2);
    if (larger == NULL) free(bytes);
    bytes = larger;
    room *= 2;
  }
  return error_about(TN_ERROR_NO_MEMORY, "reading", path, "out of memory");
}

tn_error *cli_load_file(const char *path, char **out, size_t *size) {
  if (strcmp(path, "-") == 0) return read_stream(stdin, "standard input", out, size);
  FILE *stream = fopen(path, "rbe");
  if (stream == NULL) return error_about(TN_ERROR_IO, "opening", path, strerror(errno));
  tn_error *error = read_stream(stream, path, out, size);
  fclose(stream);
  return error;
}

int cli_read_file(const char *path, char **out, size_t *size) {
  return cli_report_error(cli_load_file(path, out, size));
}

const char *cli_input_path(const char *path) {
  return strcmp(path, "-") == 0 ? "/dev/stdin" : path;
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

/* Closes the descriptor; errno is that of the first failure. */
static bool write_and_close(int descriptor, const uint8_t *bytes, size_t size) {
  bool is_written = write_all(descriptor, bytes, size);
  int reason = errno;
  if (close(descriptor) == 0 || !is_written) {
    errno = reason;
    return is_written;
  }
  return false;
}

static bool write_in_place(const char *path, const uint8_t *bytes, size_t size) {
  int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  return descriptor >= 0 && write_and_close(descriptor, bytes, size);
}

/* Beside the target first and then renamed, so that nobody ever sees half a file. */
static bool write_beside(const char *path, const uint8_t *bytes, size_t size) {
  char temporary[PATH_MAX];
  int length = snprintf(temporary, sizeof temporary, "%s.%d.tmp", path, (int)getpid());
  if (length < 0 || (size_t)length >= sizeof temporary) {
    errno = ENAMETOOLONG;
    return false;
  }
  int descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0) return false;
  if (write_and_close(descriptor, bytes, size) && rename(temporary, path) == 0) return true;
  int reason = errno;
  unlink(temporary);
  errno = reason;
  return false;
}

/* A symbolic link stays one: what it leads to is written. A device, a pipe or a link that leads nowhere yet is no file
 * that another could take the place of. */
static bool write_path(const char *path, const uint8_t *bytes, size_t size) {
  struct stat status;
  if (lstat(path, &status) != 0 || S_ISREG(status.st_mode)) return write_beside(path, bytes, size);
  bool leads_to_file =
      S_ISLNK(status.st_mode) && stat(path, &status) == 0 && S_ISREG(status.st_mode);
  if (!leads_to_file) return write_in_place(path, bytes, size);
  char target[PATH_MAX];
  return realpath(path, target) != NULL && write_beside(target, bytes, size);
}

tn_error *cli_save_file(const char *path, const uint8_t *bytes, size_t size) {
  if (strcmp(path, "-") != 0) {
    return write_path(path, bytes, size)
               ? NULL
               : error_about(TN_ERROR_IO, "writing", path, strerror(errno));
  }
  if (write_all(fileno(stdout), bytes, size)) return NULL;
  return error_about(TN_ERROR_IO, "writing", "standard output", cli_output_failure(errno));
}

int cli_write_file(const char *path, const uint8_t *bytes, size_t size) {
  return cli_report_error(cli_save_file(path, bytes, size));
}
