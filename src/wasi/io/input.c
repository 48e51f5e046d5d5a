/* wasi:io/streams, input-stream. Bytes go from the kernel straight into the guest's memory. */
#include "base/error.h"
#include "wasi/io/tables.h"

/* The most that one read gives: room in the guest is made before it is known how much will come. */
enum { READ_MAX = 1 << 20, READ_UNSURE = 4096 };

typedef struct read_params {
  uint32_t self;
  uint64_t len;
} read_params;
static_assert(offsetof(read_params, len) == 8, "native form of (borrow<input-stream>, u64)");

/* result<list<u8>, stream-error> */
typedef struct read_result {
  uint8_t is_error;
  union {
    struct {
      uint8_t *data;
      size_t len;
    } bytes;
    tn_stream_error error;
  };
} read_result;
static_assert(sizeof(read_result) == 24, "native form of result<list<u8>, stream-error>");

/* One read that does not block: *outcome is a count, with the bytes in `out`, or what went wrong. Room in the
 * guest is only made for what is at hand, because the guest cannot free what it is not given. */
static tn_error *read_some(tn_call *call, tn_input_stream *stream, uint64_t len, read_result *out,
                           int64_t *outcome) {
  size_t wanted = len < READ_MAX ? (size_t)len : READ_MAX;
  size_t room = 0;
  if (wanted > 0 && !stream->is_closed) room = stream->class->available(stream, wanted);
  if (room > 0) {
    TN_TRY(tn_call_reserve(call, room, &out->bytes.data));
    TN_TRY(tn_input_stream_read(stream, out->bytes.data, room, outcome));
  } else {
    uint8_t unsure[READ_UNSURE];
    TN_TRY(
        tn_input_stream_read(stream, unsure, wanted < READ_UNSURE ? wanted : READ_UNSURE, outcome));
    if (*outcome > 0) {
      out->bytes.data = tn_call_alloc(call, (size_t)*outcome, 1);
      if (out->bytes.data == NULL) return tn_error_no_memory();
      memcpy(out->bytes.data, unsure, (size_t)*outcome);
    }
  }
  out->bytes.len = *outcome > 0 ? (size_t)*outcome : 0;
  if (*outcome == 0) out->bytes.data = NULL;
  return NULL;
}

static tn_error *finish_read(tn_wasi *wasi, tn_input_stream *stream, int64_t outcome,
                             read_result *out) {
  out->is_error = outcome < 0;
  return outcome < 0 ? tn_stream_fail(wasi, stream->class->origin, outcome, &out->error) : NULL;
}

tn_error *tn_input_read(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const read_params *in = params;
  tn_wasi *wasi = tn_wasi_of_call(call);
  tn_input_stream *stream = tn_input_stream_of(wasi, in->self);
  int64_t outcome;
  TN_TRY(read_some(call, stream, in->len, result, &outcome));
  return finish_read(wasi, stream, outcome, result);
}

tn_error *tn_input_blocking_read(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  read_params in = *(const read_params *)params; /* may lie in the guest's memory */
  tn_runtime *runtime = tn_call_runtime(call);
  tn_wasi *wasi = tn_wasi_of(runtime);
  tn_input_stream *stream = tn_input_stream_of(wasi, in.self);
  int64_t outcome;
  TN_TRY(read_some(call, stream, in.len, result, &outcome));
  while (outcome == 0) {
    TN_TRY(tn_input_stream_wait(stream, wasi, runtime->context));
    TN_TRY(read_some(call, stream, in.len, result, &outcome));
    if (in.len == 0) break;
  }
  return finish_read(wasi, stream, outcome, result);
}

tn_error *tn_input_skip(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const read_params *in = params;
  tn_wasi *wasi = tn_wasi_of_call(call);
  tn_input_stream *stream = tn_input_stream_of(wasi, in->self);
  int64_t outcome;
  TN_TRY(tn_input_stream_skip(stream, in->len, &outcome));
  return tn_stream_count(wasi, stream->class->origin, outcome, result);
}

tn_error *tn_input_blocking_skip(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  read_params in = *(const read_params *)params;
  tn_runtime *runtime = tn_call_runtime(call);
  tn_wasi *wasi = tn_wasi_of(runtime);
  tn_input_stream *stream = tn_input_stream_of(wasi, in.self);
  int64_t outcome;
  TN_TRY(tn_input_stream_skip(stream, in.len, &outcome));
  while (outcome == 0) {
    TN_TRY(tn_input_stream_wait(stream, wasi, runtime->context));
    TN_TRY(tn_input_stream_skip(stream, in.len, &outcome));
    if (in.len == 0) break;
  }
  return tn_stream_count(wasi, stream->class->origin, outcome, result);
}

tn_error *tn_input_subscribe(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  tn_wasi *wasi = tn_wasi_of_call(call);
  tn_input_stream *stream = tn_input_stream_of(wasi, *(const uint32_t *)params);
  stream->references++;
  return tn_pollable_add(wasi, tn_pollable_for_input(stream), result);
}
