/* The standard streams: what is read and written goes straight between the system and the caller's memory,
 * without a buffer, and nothing ever holds the thread: a descriptor that other processes share is not made
 * non-blocking for it, but asked or told so with each call. */
#ifndef TN_WASI_SYSTEM_STDIO_H
#define TN_WASI_SYSTEM_STDIO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "wasi/config.h"
#include "wasi/system/descriptor.h"

/* How a descriptor is kept from blocking. */
typedef enum tn_stdio_mode {
  TN_STDIO_MODE_UNKNOWN, /* not looked at yet */
  TN_STDIO_MODE_DIRECT,  /* files and devices that never wait */
  TN_STDIO_MODE_NO_WAIT, /* RWF_NOWAIT: one system call */
  TN_STDIO_MODE_ASK, /* poll first, then little enough for it not to block: terminals, older kernels */
  TN_STDIO_MODE_SOCKET, /* MSG_DONTWAIT */
} tn_stdio_mode;

/* One standard stream of one guest. Invariants: `mode` and `type` are known once tn_stdio_open has been
 * called; pending[pending_start .. +pending_size) are bytes of output that were taken over but that the
 * system has not accepted yet. */
typedef struct tn_stdio {
  const tn_config_stdio *config;
  int stream; /* 0, 1 or 2 */
  void *user; /* of the instance: what a callback gets if the configuration has nothing for it */
  tn_stdio_mode mode;
  tn_file_type type;
  bool is_terminal;
  bool is_whole;     /* input from a callback, which has been read: it waits for nothing */
  bool holds_signal; /* see pipe_signal.h */
  uint8_t *pending;
  size_t pending_start;
  size_t pending_size;
  tn_config_stdio opened; /* `config` of one whose callback has been asked */
} tn_stdio;

/* Looks at the descriptor at the first call; cheap afterwards. */
void tn_stdio_open(tn_stdio *stdio);
/* The descriptor to wait on, or -1 when the stream is always ready. */
int tn_stdio_descriptor(tn_stdio *stdio);
/* Whether a read or write would do anything but say -EAGAIN. */
bool tn_stdio_is_ready(tn_stdio *stdio);

/* Bytes read, 0 at the end, -EAGAIN when none are at hand, or another negative errno. */
int64_t tn_stdio_read(tn_stdio *stdio, const struct iovec *parts, int count);
/* Bytes accepted (perhaps not all), -EAGAIN, or another negative errno. */
int64_t tn_stdio_write(tn_stdio *stdio, const struct iovec *parts, int count);

/* For output that must be taken over as a whole: keeps what the system does not accept. 0 or negative errno
 * (-ENOMEM too). */
int tn_stdio_write_all(tn_stdio *stdio, const uint8_t *bytes, size_t size);
/* Tries to write what is pending: 0 when nothing is pending any more, -EAGAIN, or another negative errno (what
 * was pending is then gone). */
int tn_stdio_drain(tn_stdio *stdio);
/* Gives a slow reader up to so many milliseconds at a time to take what is pending, and frees it. */
void tn_stdio_close(tn_stdio *stdio, int milliseconds);

#endif
