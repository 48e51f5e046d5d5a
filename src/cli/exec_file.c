/* tenon exec: files that are written as a whole or not at all. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/exec.h"

static int write_all(int descriptor, tn_str content) {
  for (size_t done = 0; done < content.len;) {
    ssize_t count = write(descriptor, content.data + done, content.len - done);
    if (count < 0 && errno != EINTR) return errno;
    if (count > 0) done += (size_t)count;
  }
  return 0;
}

static int write_beside(const char *path, const char *temporary, int descriptor, tn_str content) {
  int failure = write_all(descriptor, content);
  if (close(descriptor) != 0 && failure == 0) failure = errno;
  if (failure == 0 && rename(temporary, path) != 0) failure = errno;
  if (failure != 0) unlink(temporary);
  return failure;
}

/* Others see the old file or the new one, never a part: it is written beside it and renamed. */
int exec_write_file(const char *path, tn_str content) {
  size_t length = strlen(path);
  char *temporary = malloc(length + sizeof ".XXXXXX");
  if (temporary == NULL) return cli_report(CLI_EXIT_INTERNAL, NULL, "while writing %s: out of memory", path);
  memcpy(temporary, path, length);
  memcpy(temporary + length, ".XXXXXX", sizeof ".XXXXXX");
  int descriptor = mkstemp(temporary);
  int failure = descriptor < 0 ? errno : write_beside(path, temporary, descriptor, content);
  free(temporary);
  if (failure == 0) return CLI_EXIT_OK;
  return cli_report(CLI_EXIT_IO, NULL, "while writing %s: %s", path, strerror(failure));
}
