/* wasi:io/streams, output-stream. */
#include "base/alloc.h"
#include "base/error.h"
#include "wasi/io/tables.h"

/* What the blocking-*-and-flush functions take at once, by their definition. */
enum {
  BLOCKING_WRITE_MAX = 4096,
  SPLICE_SMALL = 16384, /* moved by way of the stack, more by way of the heap */
  SPLICE_MAX = 262144,  /* system calls cost next to nothing beside the copying of so much */
};

static const uint8_t zeroes[BLOCKING_WRITE_MAX];

typedef struct write_params {
  uint32_t self;
  struct {
    const uint8_t *data;
    size_t len;
  } contents;
} write_params;
static_assert(sizeof(write_params) == 24, "native form of (borrow<output-stream>, list<u8>)");

typedef struct zeroes_params {
  uint32_t self;
  uint64_t len;
} zeroes_params;

typedef struct splice_params {
  uint32_t self;
  uint32_t source;
  uint64_t len;
} splice_params;
static_assert(sizeof(splice_params) == 16,
              "native form of (borrow<output-stream>, borrow<input-stream>, u64)");

static tn_error *finish(tn_wasi *wasi, const tn_output_stream *stream, int64_t outcome,
                        void *result) {
  return tn_stream_done(wasi, stream->class->origin, outcome, result);
}

static tn_error *check_permit(const tn_output_stream *stream, uint64_t size, const char *function) {
  if (stream->is_closed || size <= stream->permit) return NULL;
  return tn_error_new(TN_ERROR_TRAP,
                      "output-stream.%s of %llu bytes, but check-write permitted %llu", function,
                      (unsigned long long)size, (unsigned long long)stream->permit);
}

static tn_error *check_blocking_size(uint64_t size, const char *function) {
  if (size <= BLOCKING_WRITE_MAX) return NULL;
  return tn_error_new(TN_ERROR_TRAP, "output-stream.%s of %llu bytes, at most 4096 are allowed",
                      function, (unsigned long long)size);
}

tn_error *tn_output_check_write(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  tn_wasi *wasi = tn_wasi_of_call(call);
  tn_output_stream *stream = tn_output_stream_of(wasi, *(const uint32_t *)params);
  int64_t outcome;
  TN_TRY(tn_output_stream_check(stream, &outcome));
  return tn_stream_count(wasi, stream->class->origin, outcome, result);
}

tn_error *tn_output_write(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const write_params *in = params;
  tn_wasi *wasi = tn_wasi_of_call(call);
  tn_output_stream *stream = tn_output_stream_of(wasi, in->self);
  TN_TRY(check_permit(stream, in->contents.len, "write"));
  int64_t outcome;
  TN_TRY(tn_output_stream_write(stream, in->contents.data, in->contents.len, &outcome));
  return finish(wasi, stream, outcome, result);
}

/* The usual case, in which the stream takes everything at once, works on the guest's own memory. When it has
 * to wait, the rest is copied first, because that memory may move meanwhile. */
static tn_error *write_and_flush(tn_runtime *runtime, tn_output_stream *stream,
                                 const uint8_t *bytes, size_t size, int64_t *outcome) {
  tn_wasi *wasi = tn_wasi_of(runtime);
  TN_TRY(tn_output_stream_check(stream, outcome));
  if (*outcome < 0) return NULL;
  size_t part = (uint64_t)*outcome < size ? (size_t)*outcome : size;
  TN_TRY(tn_output_stream_write(stream, bytes, part, outcome));
  if (*outcome < 0) return NULL;
  uint8_t rest[BLOCKING_WRITE_MAX];
  if (part < size) memcpy(rest, bytes + part, size - part);
  return tn_output_stream_write_all(stream, wasi, runtime->context, rest, size - part, outcome);
}

tn_error *tn_output_blocking_write_and_flush(tn_call *call, void *data, const void *params,
                                             void *result) {
  (void)data;
  const write_params *in = params;
  TN_TRY(check_blocking_size(in->contents.len, "blocking-write-and-flush"));
  tn_runtime *runtime = tn_call_runtime(call);
  tn_output_stream *stream = tn_output_stream_of(tn_wasi_of(runtime), in->self);
  int64_t outcome;
  TN_TRY(write_and_flush(runtime, stream, in->contents.data, in->contents.len, &outcome));
  return finish(tn_wasi_of(runtime), stream, outcome, result);
}

tn_error *tn_output_flush(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  tn_wasi *wasi = tn_wasi_of_call(call);
  tn_output_stream *stream = tn_output_stream_of(wasi, *(const uint32_t *)params);
  int64_t outcome;
  TN_TRY(tn_output_stream_flush(stream, &outcome));
  return finish(wasi, stream, outcome, result);
}

tn_error *tn_output_blocking_flush(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  tn_runtime *runtime = tn_call_runtime(call);
  tn_wasi *wasi = tn_wasi_of(runtime);
  tn_output_stream *stream = tn_output_stream_of(wasi, *(const uint32_t *)params);
  int64_t outcome;
  TN_TRY(tn_output_stream_write_all(stream, wasi, runtime->context, NULL, 0, &outcome));
  return finish(wasi, stream, outcome, result);
}

tn_error *tn_output_subscribe(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  tn_wasi *wasi = tn_wasi_of_call(call);
  tn_output_stream *stream = tn_output_stream_of(wasi, *(const uint32_t *)params);
  stream->references++;
  return tn_pollable_add(wasi, tn_pollable_for_output(stream), result);
}

tn_error *tn_output_write_zeroes(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const zeroes_params *in = params;
  tn_wasi *wasi = tn_wasi_of_call(call);
  tn_output_stream *stream = tn_output_stream_of(wasi, in->self);
  TN_TRY(check_permit(stream, in->len, "write-zeroes"));
  uint64_t left = in->len;
  int64_t outcome;
  do {
    size_t part = left < sizeof zeroes ? (size_t)left : sizeof zeroes;
    TN_TRY(tn_output_stream_write(stream, zeroes, part, &outcome));
    left -= part;
  } while (left > 0 && outcome >= 0);
  return finish(wasi, stream, outcome, result);
}

tn_error *tn_output_blocking_write_zeroes_and_flush(tn_call *call, void *data, const void *params,
                                                    void *result) {
  (void)data;
  const zeroes_params *in = params;
  TN_TRY(check_blocking_size(in->len, "blocking-write-zeroes-and-flush"));
  tn_runtime *runtime = tn_call_runtime(call);
  tn_wasi *wasi = tn_wasi_of(runtime);
  tn_output_stream *stream = tn_output_stream_of(wasi, in->self);
  int64_t outcome;
  TN_TRY(tn_output_stream_write_all(stream, wasi, runtime->context, zeroes, (size_t)in->len,
                                    &outcome));
  return finish(wasi, stream, outcome, result);
}

/* ---- splice -------------------------------------------------------------------------------------- */

/* Reads up to `size` bytes into `bytes` and writes them. */
static tn_error *splice_through(tn_output_stream *stream, tn_input_stream *source, uint8_t *bytes,
                                size_t size, int64_t *outcome, tn_io_origin *error_origin) {
  *error_origin = source->class->origin;
  TN_TRY(tn_input_stream_read(source, bytes, size, outcome));
  if (*outcome <= 0) return NULL;
  int64_t count = *outcome;
  *error_origin = stream->class->origin;
  TN_TRY(tn_output_stream_write(stream, bytes, (size_t)count, outcome));
  if (*outcome == 0) *outcome = count;
  return NULL;
}

/* One splice as defined: check-write, read, write. *error_origin says whose error a negative outcome is. */
static tn_error *splice_once(tn_output_stream *stream, tn_input_stream *source, uint64_t len,
                             int64_t *outcome, tn_io_origin *error_origin) {
  *error_origin = stream->class->origin;
  TN_TRY(tn_output_stream_check(stream, outcome));
  if (*outcome <= 0) return NULL;
  size_t size = SPLICE_MAX;
  if (len < size) size = (size_t)len;
  if (stream->permit < size) size = (size_t)stream->permit;
  uint8_t small[SPLICE_SMALL];
  if (size <= sizeof small)
    return splice_through(stream, source, small, size, outcome, error_origin);
  uint8_t *bytes = tn_malloc(size);
  if (bytes == NULL) return tn_error_no_memory();
  tn_error *error = splice_through(stream, source, bytes, size, outcome, error_origin);
  tn_free(bytes);
  return error;
}

tn_error *tn_output_splice(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const splice_params *in = params;
  tn_wasi *wasi = tn_wasi_of_call(call);
  int64_t outcome;
  tn_io_origin origin;
  TN_TRY(splice_once(tn_output_stream_of(wasi, in->self), tn_input_stream_of(wasi, in->source),
                     in->len, &outcome, &origin));
  return tn_stream_count(wasi, origin, outcome, result);
}

tn_error *tn_output_blocking_splice(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  splice_params in = *(const splice_params *)params; /* may lie in the guest's memory */
  tn_runtime *runtime = tn_call_runtime(call);
  tn_wasi *wasi = tn_wasi_of(runtime);
  tn_output_stream *stream = tn_output_stream_of(wasi, in.self);
  tn_input_stream *source = tn_input_stream_of(wasi, in.source);
  int64_t outcome;
  tn_io_origin origin;
  /* To ask first whether the source is ready could make it read, and then into a buffer of its own. */
  TN_TRY(splice_once(stream, source, in.len, &outcome, &origin));
  while (outcome == 0 && in.len > 0) {
    TN_TRY(tn_output_stream_wait(stream, wasi, runtime->context));
    TN_TRY(tn_input_stream_wait(source, wasi, runtime->context));
    TN_TRY(splice_once(stream, source, in.len, &outcome, &origin));
  }
  return tn_stream_count(wasi, origin, outcome, result);
}
