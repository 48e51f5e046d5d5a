/* wasi:io beneath its surface: what a byte stream, a pollable and an I/O error are to the rest of WASI.
 *
 * Files, standard streams and sockets each implement the class tables below once; preview 1 and the
 * interfaces of 0.2 both work on them. Nothing here ever blocks except the functions that say so: they
 * check, arm sources on a tn_wait, wait in the loop (which suspends a fiber) and check again.
 *
 * Outcomes. An operation gives an int64_t by reference: a count of 0 or more, TN_IO_CLOSED, or a negative
 * errno value (which becomes stream-error.last-operation-failed and closes the stream). The tn_error that
 * it returns is for what ends the guest: a limit, no memory.
 *
 * Lifetime. Streams and sockets are counted: the guest's resource is one reference, each pollable made from
 * it another. A guest may drop them in any order; the object goes with the last reference. */
#ifndef TN_WASI_IO_IO_H
#define TN_WASI_IO_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop/loop.h"
#include "tenon.h"
#include "wasi/wasi.h"

#define TN_IO_CLOSED INT64_MIN

/* ---- armed sources ------------------------------------------------------------------------------ */

/* One source (timer, readiness, or anything else) that will mark a tn_wait. Lies in the frame of whoever
 * waits, one for each thing waited for, so that one stream can be in several waits at once. Zeroed: nothing
 * armed. */
typedef struct tn_armed {
  void (*stop)(void *source);
  void *source;
} tn_armed;

tn_error *tn_armed_timer(tn_armed *armed, tn_wait *wait, uint64_t deadline);
/* `events` as in loop.h: TN_READABLE, TN_WRITABLE. */
tn_error *tn_armed_descriptor(tn_armed *armed, tn_wait *wait, int descriptor, int events);
/* Disarms; does nothing when nothing is armed. */
void tn_armed_stop(tn_armed *armed);

/* Whether ppoll reports one of the events (or an error or hang-up) right now. */
bool tn_descriptor_is_ready(int descriptor, int events);

/* ---- errors ------------------------------------------------------------------------------------- */

/* Where an error comes from: which interface may give its own code for it. */
typedef enum tn_io_origin { TN_IO_OTHER, TN_IO_FILE, TN_IO_NETWORK, TN_IO_HTTP } tn_io_origin;

/* What a TN_SLOT_ERROR holds. */
typedef struct tn_io_error {
  tn_io_origin origin;
  int code; /* errno, positive; of HTTP: a tn_http_code + 1 */
} tn_io_error;

/* Makes an error resource. */
tn_error *tn_io_error_add(tn_wasi *wasi, tn_io_origin origin, int code, uint32_t *representation);
/* The code of the error resource, or 0 when it comes from elsewhere: what filesystem-error-code,
 * network-error-code and http-error-code start from. */
int tn_io_error_code(tn_wasi *wasi, tn_io_origin origin, uint32_t representation);

/* ---- input streams ------------------------------------------------------------------------------ */

typedef struct tn_input_stream tn_input_stream;

typedef struct tn_input_class {
  tn_io_origin origin;
  /* How many bytes a read of `wanted` (> 0) is going to give now, at most `wanted`: so much room is made in
   * the guest, and what is not filled is lost to it. 0 when nothing is at hand, at the end, and when it is
   * not known: the read then goes to a small buffer of the host first. A file may answer `wanted` as long as
   * its last read was not short. */
  size_t (*available)(tn_input_stream *stream, size_t wanted);
  /* Reads up to `size` (> 0) bytes that are at hand. *result: bytes read, 0 for none at present,
   * TN_IO_CLOSED at the end, or negative errno. Never blocks. */
  tn_error *(*read)(tn_input_stream *stream, uint8_t *out, size_t size, int64_t *result);
  /* As read, but throws the bytes away; NULL: done by reading. */
  tn_error *(*skip)(tn_input_stream *stream, uint64_t size, int64_t *result);
  /* Whether read would give something other than 0. NULL: always ready (regular files). */
  bool (*is_ready)(tn_input_stream *stream);
  /* Arms a source that marks `wait` when the stream may be ready; the same stream may be armed several
   * times. The source does not outlive the stream. NULL if and only if is_ready is. */
  tn_error *(*arm)(tn_input_stream *stream, tn_wait *wait, tn_armed *armed);
  /* Frees the stream and what it owns. */
  void (*destroy)(tn_input_stream *stream);
} tn_input_class;

/* The head of every input stream: first member of the class's own struct. Set with tn_input_stream_init. */
struct tn_input_stream {
  const tn_input_class *class;
  uint32_t references;
  bool is_closed; /* the end was reached, or an operation failed: only `closed` from now on */
};

/* One reference, the caller's. */
void tn_input_stream_init(tn_input_stream *stream, const tn_input_class *class);
void tn_input_stream_release(tn_input_stream *stream);
/* Makes it a resource, which takes over the caller's reference; on failure that is released. */
tn_error *tn_input_stream_add(tn_wasi *wasi, tn_input_stream *stream, uint32_t *representation);
tn_input_stream *tn_input_stream_of(tn_wasi *wasi, uint32_t representation);

/* The class's read with the closed state kept; `size` may be 0. */
tn_error *tn_input_stream_read(tn_input_stream *stream, uint8_t *out, size_t size, int64_t *result);
/* Blocks until the stream is ready. */
tn_error *tn_input_stream_wait(tn_input_stream *stream, tn_wasi *wasi, tn_core_context *context);

/* ---- output streams ----------------------------------------------------------------------------- */

typedef struct tn_output_stream tn_output_stream;

typedef struct tn_output_class {
  tn_io_origin origin;
  /* How many bytes the next write may have. *result: more than 0, 0 for not now (or a flush is under way),
   * TN_IO_CLOSED, or negative errno (also of an earlier write that has failed since). Never blocks. */
  tn_error *(*check_write)(tn_output_stream *stream, int64_t *result);
  /* Takes all `size` bytes, which is at most what check_write gave; what the system does not take at once
   * the stream keeps. *result: 0, TN_IO_CLOSED or negative errno. Never blocks. */
  tn_error *(*write)(tn_output_stream *stream, const uint8_t *bytes, size_t size, int64_t *result);
  /* Begins to flush; check_write gives 0 until it is over. NULL: nothing is ever buffered. */
  tn_error *(*flush)(tn_output_stream *stream, int64_t *result);
  /* Whether check_write would give something other than 0. NULL: always ready. */
  bool (*is_ready)(tn_output_stream *stream);
  /* As for input streams. NULL if and only if is_ready is. */
  tn_error *(*arm)(tn_output_stream *stream, tn_wait *wait, tn_armed *armed);
  void (*destroy)(tn_output_stream *stream);
} tn_output_class;

/* The head of every output stream: first member of the class's own struct. */
struct tn_output_stream {
  const tn_output_class *class;
  uint64_t permit; /* what the last check-write allowed, less what was written since */
  uint32_t references;
  bool is_closed;
};

void tn_output_stream_init(tn_output_stream *stream, const tn_output_class *class);
void tn_output_stream_release(tn_output_stream *stream);
tn_error *tn_output_stream_add(tn_wasi *wasi, tn_output_stream *stream, uint32_t *representation);
tn_output_stream *tn_output_stream_of(tn_wasi *wasi, uint32_t representation);

/* Writes and flushes all of it, blocking as needed; *result is 0 or what went wrong. `bytes` must stay valid
 * while the fiber is suspended: memory of the host, or of a guest whose memory cannot move meanwhile. */
tn_error *tn_output_stream_write_all(tn_output_stream *stream, tn_wasi *wasi,
                                     tn_core_context *context, const uint8_t *bytes, size_t size,
                                     int64_t *result);
/* Blocks until the stream is ready. */
tn_error *tn_output_stream_wait(tn_output_stream *stream, tn_wasi *wasi, tn_core_context *context);

/* ---- pollables ---------------------------------------------------------------------------------- */

typedef struct tn_pollable_class {
  bool (*is_ready)(void *object);
  /* Arms a source that marks `wait` when the object may be ready. */
  tn_error *(*arm)(void *object, tn_wait *wait, tn_armed *armed);
  /* Gives up the reference that the pollable holds; NULL: it holds none. */
  void (*release)(void *object);
} tn_pollable_class;

/* Something to wait for. May also be made in a frame, for tn_pollables_wait (preview 1 does). Invariant:
 * class == NULL is a timer, and then `deadline` is of the guest's monotonic clock. */
typedef struct tn_pollable {
  const tn_pollable_class *class;
  union {
    void *object;
    uint64_t deadline;
  };
} tn_pollable;

static inline tn_pollable tn_pollable_for_timer(uint64_t deadline) {
  return (tn_pollable){.class = NULL, .deadline = deadline};
}
/* These borrow the stream (no reference is counted): for pollables in a frame. */
tn_pollable tn_pollable_for_input(tn_input_stream *stream);
tn_pollable tn_pollable_for_output(tn_output_stream *stream);

/* Makes a pollable resource. A reference to pollable.object passes to it; on failure that is released. */
tn_error *tn_pollable_add(tn_wasi *wasi, tn_pollable pollable, uint32_t *representation);

bool tn_pollable_is_ready(tn_wasi *wasi, const tn_pollable *pollable);
/* Blocks until at least one of them (count > 0) is ready. */
tn_error *tn_pollables_wait(tn_wasi *wasi, tn_core_context *context,
                            const tn_pollable *const *pollables, size_t count);

/* ---- in the linker and at the end --------------------------------------------------------------- */

/* Defines wasi:io/error, wasi:io/poll and wasi:io/streams. */
tn_error *tn_wasi_io_define(tn_linker *linker);
/* Frees the object of a slot of kind ERROR, POLLABLE, INPUT_STREAM or OUTPUT_STREAM that the guest left
 * behind: for tn_wasi_delete, in any order. */
void tn_wasi_io_close(tn_slot_kind kind, void *object);

#endif
