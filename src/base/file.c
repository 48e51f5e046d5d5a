#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static tn_error *cannot_read(const char *path) {
  return tn_error_new(TN_ERROR_IO, "cannot read %s: %s", path, strerror(errno));
}

static tn_error *read_bytes(int descriptor, const char *path, char *bytes, size_t size,
                            size_t *done) {
  for (*done = 0; *done < size;) {
    ssize_t count = read(descriptor, bytes + *done, size - *done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot_read(path);
    if (count == 0) return NULL; /* it has become shorter meanwhile */
    *done += (size_t)count;
  }
  return NULL;
}

static tn_error *read_descriptor(tn_arena *arena, int descriptor, const char *path, size_t limit,
                                 tn_str *out) {
  struct stat status;
  if (fstat(descriptor, &status) != 0) return cannot_read(path);
  if (!S_ISREG(status.st_mode))
    return tn_error_new(TN_ERROR_IO, "cannot read %s: it is not a file", path);
  size_t size = (size_t)status.st_size;
  if (size > limit) return tn_error_new(TN_ERROR_LIMIT, "%s has more than %zu bytes", path, limit);
  char *bytes = tn_arena_alloc(arena, size + 1, 1);
  if (bytes == NULL) return tn_error_no_memory();
  *out = (tn_str){bytes, 0};
  return read_bytes(descriptor, path, bytes, size, &out->len);
}

tn_error *tn_file_read(tn_arena *arena, const char *path, size_t limit, tn_str *out) {
  /* Not blocking: a pipe is refused, not waited for. */
  int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return cannot_read(path);
  tn_error *error = read_descriptor(arena, descriptor, path, limit, out);
  close(descriptor);
  return error;
}
