#include "wasi/system/stdio.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "wasi/system/pipe_signal.h"

/* ---- what a descriptor is ----------------------------------------------------------------------- */

static bool has_descriptor(const tn_stdio *stdio) {
  return stdio->config->kind == TN_STDIO_INHERIT || stdio->config->kind == TN_STDIO_DESCRIPTOR;
}

void tn_stdio_open(tn_stdio *stdio) {
  if (stdio->mode != TN_STDIO_MODE_UNKNOWN) return;
  stdio->mode = TN_STDIO_MODE_DIRECT;
  stdio->type = TN_FILE_CHARACTER_DEVICE;
  /* To the guest it is a pipe in which everything lies already: the same wherever it comes from. */
  if (stdio->config->open != NULL) stdio->type = TN_FILE_FIFO;
  struct stat status;
  if (!has_descriptor(stdio) || fstat(stdio->config->descriptor, &status) < 0) return;
  stdio->type = tn_file_type_of_mode(status.st_mode);
  switch (stdio->type) {
  case TN_FILE_FIFO:
    stdio->mode = TN_STDIO_MODE_NO_WAIT;
    stdio->holds_signal = stdio->stream != 0 && tn_pipe_signal_matters();
    break;
  case TN_FILE_SOCKET:
    stdio->mode = TN_STDIO_MODE_SOCKET;
    break;
  case TN_FILE_CHARACTER_DEVICE:
    stdio->is_terminal = isatty(stdio->config->descriptor) == 1;
    if (stdio->is_terminal) stdio->mode = TN_STDIO_MODE_ASK;
    break;
  default:
    break;
  }
}

int tn_stdio_descriptor(tn_stdio *stdio) {
  tn_stdio_open(stdio);
  return stdio->mode == TN_STDIO_MODE_DIRECT ? -1 : stdio->config->descriptor;
}

static bool is_polled_ready(const tn_stdio *stdio, int milliseconds) {
  struct pollfd one = {
      .fd = stdio->config->descriptor,
      .events = stdio->stream == 0 ? POLLIN : POLLOUT,
  };
  int count;
  do {
    count = poll(&one, 1, milliseconds);
  } while (count < 0 && errno == EINTR);
  return count != 0;
}

bool tn_stdio_is_ready(tn_stdio *stdio) {
  return tn_stdio_descriptor(stdio) < 0 || is_polled_ready(stdio, 0);
}

/* ---- reading and writing ------------------------------------------------------------------------ */

static ssize_t transfer_direct(const tn_stdio *stdio, const struct iovec *parts, int count) {
  int fd = stdio->config->descriptor;
  if (stdio->stream == 0)
    return count == 1 ? read(fd, parts->iov_base, parts->iov_len) : readv(fd, parts, count);
  return count == 1 ? write(fd, parts->iov_base, parts->iov_len) : writev(fd, parts, count);
}

static ssize_t transfer_no_wait(const tn_stdio *stdio, const struct iovec *parts, int count) {
  int fd = stdio->config->descriptor;
  if (stdio->stream == 0) return preadv2(fd, parts, count, -1, RWF_NOWAIT);
  return pwritev2(fd, parts, count, -1, RWF_NOWAIT);
}

static ssize_t transfer_socket(const tn_stdio *stdio, const struct iovec *parts, int count) {
  struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts,
                           .msg_iovlen = (size_t)count};
  int fd = stdio->config->descriptor;
  if (stdio->stream == 0) return recvmsg(fd, &message, MSG_DONTWAIT);
  return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* A pipe that poll calls writable takes PIPE_BUF bytes without blocking, a terminal about as many. */
static ssize_t transfer_asking(const tn_stdio *stdio, const struct iovec *parts, int count) {
  if (!is_polled_ready(stdio, 0)) {
    errno = EAGAIN;
    return -1;
  }
  if (stdio->stream == 0) return transfer_direct(stdio, parts, count);
  struct iovec first = parts[0];
  for (int i = 1; first.iov_len == 0 && i < count; i++)
    first = parts[i];
  if (first.iov_len > PIPE_BUF) first.iov_len = PIPE_BUF;
  return transfer_direct(stdio, &first, 1);
}

static ssize_t transfer_once(const tn_stdio *stdio, const struct iovec *parts, int count) {
  switch (stdio->mode) {
  case TN_STDIO_MODE_NO_WAIT:
    return transfer_no_wait(stdio, parts, count);
  case TN_STDIO_MODE_ASK:
    return transfer_asking(stdio, parts, count);
  case TN_STDIO_MODE_SOCKET:
    return transfer_socket(stdio, parts, count);
  default:
    return transfer_direct(stdio, parts, count);
  }
}

static int64_t transfer(tn_stdio *stdio, const struct iovec *parts, int count) {
  for (;;) {
    tn_pipe_signal signal;
    if (stdio->holds_signal) tn_pipe_signal_hold(&signal);
    ssize_t done = transfer_once(stdio, parts, count);
    if (stdio->holds_signal) tn_pipe_signal_release(&signal);
    if (done >= 0) return done;
    if (errno == EINTR) continue;
    if (stdio->mode == TN_STDIO_MODE_NO_WAIT &&
        (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL)) {
      stdio->mode = TN_STDIO_MODE_ASK;
      continue;
    }
    return -errno;
  }
}

static void ask_callback(tn_stdio *stdio) {
  int descriptor = stdio->config->open(stdio->config->data);
  stdio->opened = (tn_config_stdio){.kind = descriptor < 0 ? TN_STDIO_NULL : TN_STDIO_DESCRIPTOR,
                                    .descriptor = descriptor};
  stdio->config = &stdio->opened;
  struct stat status;
  stdio->is_whole = descriptor < 0 || fstat(descriptor, &status) < 0 || S_ISREG(status.st_mode);
  if (!stdio->is_whole) stdio->mode = TN_STDIO_MODE_ASK;
}

int64_t tn_stdio_read(tn_stdio *stdio, const struct iovec *parts, int count) {
  tn_stdio_open(stdio);
  if (stdio->config->open != NULL) ask_callback(stdio);
  if (stdio->config->kind == TN_STDIO_NULL) return 0;
  return transfer(stdio, parts, count);
}

int64_t tn_stdio_write(tn_stdio *stdio, const struct iovec *parts, int count) {
  if (has_descriptor(stdio)) {
    tn_stdio_open(stdio);
    return transfer(stdio, parts, count);
  }
  int64_t total = 0;
  for (int i = 0; i < count; i++) {
    if (stdio->config->kind == TN_STDIO_CALLBACK && parts[i].iov_len > 0) {
      void *data = stdio->config->data != NULL ? stdio->config->data : stdio->user;
      stdio->config->write(data, stdio->stream, parts[i].iov_base, parts[i].iov_len);
    }
    total += (int64_t)parts[i].iov_len;
  }
  return total;
}

/* ---- output that is kept ------------------------------------------------------------------------ */

static void forget_pending(tn_stdio *stdio) {
  tn_free(stdio->pending);
  stdio->pending = NULL;
  stdio->pending_start = stdio->pending_size = 0;
}

/* Writes until the system accepts no more; returns how much, or a negative errno other than -EAGAIN. */
static int64_t write_some(tn_stdio *stdio, const uint8_t *bytes, size_t size) {
  size_t done = 0;
  while (done < size) {
    struct iovec part = {(void *)(uintptr_t)(bytes + done), size - done};
    int64_t count = tn_stdio_write(stdio, &part, 1);
    if (count == -EAGAIN) break;
    if (count < 0) return count;
    done += (size_t)count;
  }
  return (int64_t)done;
}

int tn_stdio_drain(tn_stdio *stdio) {
  if (stdio->pending_size == 0) return 0;
  int64_t done = write_some(stdio, stdio->pending + stdio->pending_start, stdio->pending_size);
  if (done < 0 || (size_t)done == stdio->pending_size) {
    forget_pending(stdio);
    return done < 0 ? (int)done : 0;
  }
  stdio->pending_start += (size_t)done;
  stdio->pending_size -= (size_t)done;
  return -EAGAIN;
}

int tn_stdio_write_all(tn_stdio *stdio, const uint8_t *bytes, size_t size) {
  int64_t done = 0;
  if (stdio->pending_size == 0) done = write_some(stdio, bytes, size);
  if (done < 0) return (int)done;
  size_t rest = size - (size_t)done;
  if (rest == 0) return 0;
  uint8_t *kept = tn_malloc(stdio->pending_size + rest);
  if (kept == NULL) return -ENOMEM;
  size_t before = stdio->pending_size;
  if (before > 0) memcpy(kept, stdio->pending + stdio->pending_start, before);
  memcpy(kept + before, bytes + done, rest);
  forget_pending(stdio);
  stdio->pending = kept;
  stdio->pending_size = before + rest;
  return 0;
}

void tn_stdio_close(tn_stdio *stdio, int milliseconds) {
  while (tn_stdio_drain(stdio) == -EAGAIN && is_polled_ready(stdio, milliseconds))
    continue;
  forget_pending(stdio);
}
