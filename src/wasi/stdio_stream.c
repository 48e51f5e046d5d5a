#include "wasi/stdio_stream.h"

#include <errno.h>
#include <sys/ioctl.h>

#include "base/alloc.h"
#include "base/error.h"
#include "wasi/io/io.h"
#include "wasi/state.h"

/* What one write may have: enough for a page of a terminal's output many times over. */
enum { WRITE_SIZE = 64 * 1024 };

/* Invariants: for a standard stream, `stdio` is the instance's and descriptor is NULL; for a pipe, `stdio` is
 * `own` and descriptor is one reference. */
typedef struct stdio_stream {
  union {
    tn_input_stream input;
    tn_output_stream output;
  };
  tn_wasi *wasi;
  tn_stdio *stdio;
  bool is_at_end; /* of a file, as far as the last read could see */
  tn_descriptor *descriptor;
  tn_stdio own;
  tn_config_stdio own_config;
} stdio_stream;

static void destroy(stdio_stream *self) {
  if (self->descriptor != NULL) {
    tn_stdio_close(&self->own, 0);
    tn_descriptor_release(self->descriptor);
  }
  tn_free(self);
}

/* ---- input -------------------------------------------------------------------------------------- */

static size_t input_available(tn_input_stream *stream, size_t wanted) {
  stdio_stream *self = (stdio_stream *)stream;
  int descriptor = tn_stdio_descriptor(self->stdio);
  bool is_at_hand = self->stdio->type == TN_FILE_REGULAR || self->stdio->is_whole;
  if (descriptor < 0) return is_at_hand && !self->is_at_end ? wanted : 0;
  int at_hand;
  if (ioctl(descriptor, FIONREAD, &at_hand) < 0 || at_hand <= 0) return 0;
  return (size_t)at_hand < wanted ? (size_t)at_hand : wanted;
}

static tn_error *input_read(tn_input_stream *stream, uint8_t *out, size_t size, int64_t *result) {
  stdio_stream *self = (stdio_stream *)stream;
  struct iovec part = {out, size};
  int64_t count = tn_stdio_read(self->stdio, &part, 1);
  self->is_at_end = count >= 0 && (size_t)count < size;
  *result = count == 0 ? TN_IO_CLOSED : count == -EAGAIN ? 0 : count;
  return NULL;
}

static bool input_is_ready(tn_input_stream *stream) {
  return tn_stdio_is_ready(((stdio_stream *)stream)->stdio);
}

static tn_error *arm(stdio_stream *self, tn_wait *wait, tn_armed *armed, int events) {
  int descriptor = tn_stdio_descriptor(self->stdio);
  if (descriptor >= 0) return tn_armed_descriptor(armed, wait, descriptor, events);
  tn_wait_wake(wait);
  return NULL;
}

static tn_error *input_arm(tn_input_stream *stream, tn_wait *wait, tn_armed *armed) {
  return arm((stdio_stream *)stream, wait, armed, TN_READABLE);
}

static void input_destroy(tn_input_stream *stream) {
  destroy((stdio_stream *)stream);
}

static const tn_input_class input_class = {
    .origin = TN_IO_FILE,
    .available = input_available,
    .read = input_read,
    .is_ready = input_is_ready,
    .arm = input_arm,
    .destroy = input_destroy,
};

/* ---- output ------------------------------------------------------------------------------------- */

/* A pipe that nobody reads any more is a closed stream rather than an error. */
static int64_t outcome_of(int result) {
  return result == -EPIPE ? TN_IO_CLOSED : result;
}

static tn_error *output_check_write(tn_output_stream *stream, int64_t *result) {
  int drained = tn_stdio_drain(((stdio_stream *)stream)->stdio);
  *result = drained == 0 ? WRITE_SIZE : drained == -EAGAIN ? 0 : outcome_of(drained);
  return NULL;
}

static tn_error *output_write(tn_output_stream *stream, const uint8_t *bytes, size_t size,
                              int64_t *result) {
  stdio_stream *self = (stdio_stream *)stream;
  if (self->descriptor == NULL) TN_TRY(tn_wasi_count_output(self->wasi, size));
  *result = outcome_of(tn_stdio_write_all(self->stdio, bytes, size));
  return NULL;
}

/* Everything is on its way already; check_write answers 0 until the rest has gone. */
static tn_error *output_flush(tn_output_stream *stream, int64_t *result) {
  int drained = tn_stdio_drain(((stdio_stream *)stream)->stdio);
  *result = drained == -EAGAIN ? 0 : outcome_of(drained);
  return NULL;
}

static bool output_is_ready(tn_output_stream *stream) {
  tn_stdio *stdio = ((stdio_stream *)stream)->stdio;
  return stdio->pending_size == 0 || tn_stdio_is_ready(stdio);
}

static tn_error *output_arm(tn_output_stream *stream, tn_wait *wait, tn_armed *armed) {
  return arm((stdio_stream *)stream, wait, armed, TN_WRITABLE);
}

static void output_destroy(tn_output_stream *stream) {
  destroy((stdio_stream *)stream);
}

static const tn_output_class output_class = {
    .origin = TN_IO_FILE,
    .check_write = output_check_write,
    .write = output_write,
    .flush = output_flush,
    .is_ready = output_is_ready,
    .arm = output_arm,
    .destroy = output_destroy,
};

/* ---- making them -------------------------------------------------------------------------------- */

static tn_error *add(tn_wasi *wasi, stdio_stream *made, bool is_output, uint32_t *representation) {
  made->wasi = wasi;
  if (is_output) {
    tn_output_stream_init(&made->output, &output_class);
    return tn_output_stream_add(wasi, &made->output, representation);
  }
  tn_input_stream_init(&made->input, &input_class);
  return tn_input_stream_add(wasi, &made->input, representation);
}

tn_error *tn_stdio_stream_add(tn_wasi *wasi, int stream, uint32_t *representation) {
  stdio_stream *made = tn_calloc(1, sizeof *made);
  if (made == NULL) return tn_error_no_memory();
  made->stdio = &wasi->stdio[stream];
  return add(wasi, made, stream != 0, representation);
}

tn_error *tn_pipe_stream_add(tn_wasi *wasi, tn_descriptor *descriptor, bool is_output,
                             uint32_t *representation) {
  stdio_stream *made = tn_calloc(1, sizeof *made);
  if (made == NULL) return tn_error_no_memory();
  made->descriptor = tn_descriptor_retain(descriptor);
  made->own_config = (tn_config_stdio){.kind = TN_STDIO_DESCRIPTOR, .descriptor = descriptor->fd};
  made->own = (tn_stdio){.config = &made->own_config, .stream = is_output ? 1 : 0};
  made->stdio = &made->own;
  return add(wasi, made, is_output, representation);
}
