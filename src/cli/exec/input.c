/* tenon exec: what a run is fed. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "cli/exec/exec.h"
#include "cli/file.h"
#include "cli/rights.h"

/* ---- standard input --------------------------------------------------------------------------------- */

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* 0 when something can be read; ETIMEDOUT, EINTR. */
static int wait_for(int descriptor, int wake, uint64_t deadline) {
  enum { MILLISECOND = 1000000 };
  struct pollfd polled[] = {{descriptor, POLLIN, 0}, {wake, POLLIN, 0}};
  int outcome;
  do {
    uint64_t time = now(), left = time < deadline ? (deadline - time) / MILLISECOND + 1 : 0;
    outcome = poll(polled, 2, left < INT_MAX ? (int)left : INT_MAX);
  } while ((outcome < 0 && errno == EINTR) || (outcome == 0 && now() < deadline));
  if (polled[1].revents != 0) return EINTR;
  return outcome == 0 ? ETIMEDOUT : 0;
}

static int read_all(const exec_input *input, int descriptor, exec_bytes *out) {
  char part[65536];
  uint64_t start = now(), timeout = input->timeout, deadline = UINT64_MAX;
  if (timeout > 0 && timeout < UINT64_MAX - start) deadline = start + timeout;
  for (;;) {
    int failure = wait_for(descriptor, input->wake, deadline);
    if (failure != 0) return failure;
    ssize_t count = read(descriptor, part, sizeof part);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    if (count == 0) return out->failed ? ENOMEM : 0;
    exec_bytes_add(out, part, (size_t)count);
  }
}

/* The bytes as a file, so that each run reads them from the start without waiting. */
static int make_file(const exec_bytes *bytes) {
  int descriptor = memfd_create("tenon-input", MFD_CLOEXEC);
  for (size_t done = 0; descriptor >= 0 && done < bytes->size;) {
    ssize_t count = write(descriptor, bytes->data + done, bytes->size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      close(descriptor);
      return -1;
    }
    done += (size_t)count;
  }
  return descriptor;
}

static int read_input(exec_input *input) {
  if (input->path != NULL && input->path[0] == '\0') return 0;
  bool is_own = input->path == NULL || strcmp(input->path, "-") == 0;
  int descriptor = is_own ? STDIN_FILENO : open(input->path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return errno;
  int failure = read_all(input, descriptor, &input->bytes);
  if (!is_own) close(descriptor);
  /* The guest must not see an end of its input: it waits for what never comes, and is cancelled. */
  if (failure == EINTR) input->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (failure != 0 || input->bytes.size == 0) return failure;
  input->descriptor = make_file(&input->bytes);
  if (input->descriptor < 0) return errno;
  lseek(input->descriptor, 0, SEEK_SET);
  return 0;
}

static void ensure_read(exec_input *input) {
  if (input->is_read) return;
  input->is_read = true;
  input->descriptor = -1;
  input->failure = read_input(input);
}

int exec_input_open(void *data) {
  exec_input *input = data;
  ensure_read(input);
  return input->failure != 0 && input->failure != EINTR ? -1 : input->descriptor;
}

void exec_input_rewind(exec_input *input) {
  if (input->is_read && input->descriptor >= 0) lseek(input->descriptor, 0, SEEK_SET);
}

int exec_input_read(exec_job *job) {
  exec_input *input = &job->input;
  ensure_read(input);
  if (input->failure == 0) return CLI_EXIT_OK;
  if (input->failure == ETIMEDOUT)
    return cli_fail(job->failure, CLI_EXIT_TIMEOUT, "raise --timeout",
                    "standard input has not ended within %.3f s", (double)input->timeout / 1e9);
  return cli_fail(job->failure, CLI_EXIT_IO, NULL, "while reading %s: %s",
                  input->path != NULL ? input->path : "standard input", strerror(input->failure));
}

/* ---- arguments of a function ------------------------------------------------------------------------ */

/* Neither a value with its type before it, nor one in WAVE that is not a list, record or flags begins so. */
static bool is_json(const exec_bytes *text) {
  tn_str trimmed = exec_trim(exec_bytes_str(text));
  return trimmed.len > 0 && (trimmed.data[0] == '[' || trimmed.data[0] == '{');
}

/* Some editors begin a file with it. */
static size_t mark_length(const char *text, size_t size) {
  static const char byte_order_mark[] = "\xef\xbb\xbf";
  enum { LENGTH = sizeof byte_order_mark - 1 };
  return size >= LENGTH && memcmp(text, byte_order_mark, LENGTH) == 0 ? LENGTH : 0;
}

static tn_error *read_file(const char *path, exec_arguments *out) {
  char *text;
  size_t size;
  tn_error *error = cli_load_file(path, &text, &size);
  if (error != NULL) return error;
  size_t skipped = mark_length(text, size);
  exec_bytes_add(&out->text, text + skipped, size - skipped);
  free(text);
  out->source = strcmp(path, "-") == 0 ? "standard input" : path;
  out->form = is_json(&out->text) ? EXEC_JSON : EXEC_LINES;
  return NULL;
}

int exec_read_arguments(exec_job *job) {
  const cli_settings *settings = job->settings;
  exec_arguments *arguments = &job->arguments;
  const char *text = settings->arguments != NULL ? settings->arguments : settings->arguments_json;
  tn_error *error = NULL;
  if (text != NULL) {
    arguments->form = settings->arguments != NULL ? EXEC_LIST : EXEC_JSON;
    exec_bytes_text(&arguments->text, text);
  } else if (settings->arguments_file != NULL) {
    error = read_file(settings->arguments_file, arguments);
  }
  if (error == NULL && arguments->text.failed)
    error = tn_error_make(TN_ERROR_NO_MEMORY, "out of memory");
  return cli_fail_with(job->failure, error);
}
