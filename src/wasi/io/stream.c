/* Streams as objects: references, the closed state, permits, waiting. */
#include "base/alloc.h"
#include "base/error.h"
#include "wasi/io/tables.h"

/* An outcome that ends the stream is an error or the end. */
static tn_error *note_closed(bool *is_closed, tn_error *error, const int64_t *outcome) {
  if (error == NULL && *outcome < 0) *is_closed = true;
  return error;
}

/* ---- input --------------------------------------------------------------------------------------- */

void tn_input_stream_init(tn_input_stream *stream, const tn_input_class *class) {
  *stream = (tn_input_stream){.class = class, .references = 1};
}

void tn_input_stream_release(tn_input_stream *stream) {
  if (--stream->references == 0) stream->class->destroy(stream);
}

tn_error *tn_input_stream_add(tn_wasi *wasi, tn_input_stream *stream, uint32_t *representation) {
  tn_error *error = tn_wasi_slot_add(wasi, TN_SLOT_INPUT_STREAM, stream, representation);
  if (error != NULL) tn_input_stream_release(stream);
  return error;
}

tn_input_stream *tn_input_stream_of(tn_wasi *wasi, uint32_t representation) {
  return tn_wasi_slot_get(wasi, TN_SLOT_INPUT_STREAM, representation);
}

tn_error *tn_input_stream_read(tn_input_stream *stream, uint8_t *out, size_t size,
                               int64_t *result) {
  *result = stream->is_closed ? TN_IO_CLOSED : 0;
  if (stream->is_closed || size == 0) return NULL;
  return note_closed(&stream->is_closed, stream->class->read(stream, out, size, result), result);
}

tn_error *tn_input_stream_skip(tn_input_stream *stream, uint64_t size, int64_t *result) {
  uint8_t waste[8192];
  if (stream->class->skip == NULL) {
    return tn_input_stream_read(stream, waste, size < sizeof waste ? (size_t)size : sizeof waste,
                                result);
  }
  *result = stream->is_closed ? TN_IO_CLOSED : 0;
  if (stream->is_closed || size == 0) return NULL;
  if (size > INT64_MAX) size = INT64_MAX; /* what an outcome can count */
  return note_closed(&stream->is_closed, stream->class->skip(stream, size, result), result);
}

static bool input_is_ready(void *object) {
  tn_input_stream *stream = object;
  return stream->is_closed || stream->class->is_ready == NULL || stream->class->is_ready(stream);
}

static tn_error *input_arm(void *object, tn_wait *wait, tn_armed *armed) {
  tn_input_stream *stream = object;
  return stream->class->arm(stream, wait, armed);
}

static void input_release(void *object) {
  tn_input_stream_release(object);
}

tn_pollable tn_pollable_for_input(tn_input_stream *stream) {
  static const tn_pollable_class class = {input_is_ready, input_arm, input_release};
  return (tn_pollable){.class = &class, .object = stream};
}

tn_error *tn_input_stream_wait(tn_input_stream *stream, tn_wasi *wasi, tn_core_context *context) {
  tn_pollable pollable = tn_pollable_for_input(stream);
  const tn_pollable *list = &pollable;
  return tn_pollables_wait(wasi, context, &list, 1);
}

/* ---- output -------------------------------------------------------------------------------------- */

void tn_output_stream_init(tn_output_stream *stream, const tn_output_class *class) {
  *stream = (tn_output_stream){.class = class, .references = 1};
}

void tn_output_stream_release(tn_output_stream *stream) {
  if (--stream->references == 0) stream->class->destroy(stream);
}

tn_error *tn_output_stream_add(tn_wasi *wasi, tn_output_stream *stream, uint32_t *representation) {
  tn_error *error = tn_wasi_slot_add(wasi, TN_SLOT_OUTPUT_STREAM, stream, representation);
  if (error != NULL) tn_output_stream_release(stream);
  return error;
}

tn_output_stream *tn_output_stream_of(tn_wasi *wasi, uint32_t representation) {
  return tn_wasi_slot_get(wasi, TN_SLOT_OUTPUT_STREAM, representation);
}

tn_error *tn_output_stream_check(tn_output_stream *stream, int64_t *result) {
  *result = TN_IO_CLOSED;
  stream->permit = 0;
  if (stream->is_closed) return NULL;
  TN_TRY(note_closed(&stream->is_closed, stream->class->check_write(stream, result), result));
  if (*result > 0) stream->permit = (uint64_t)*result;
  return NULL;
}

tn_error *tn_output_stream_write(tn_output_stream *stream, const uint8_t *bytes, size_t size,
                                 int64_t *result) {
  *result = stream->is_closed ? TN_IO_CLOSED : 0;
  if (stream->is_closed || size == 0) return NULL;
  stream->permit -= size;
  return note_closed(&stream->is_closed, stream->class->write(stream, bytes, size, result), result);
}

tn_error *tn_output_stream_flush(tn_output_stream *stream, int64_t *result) {
  *result = stream->is_closed ? TN_IO_CLOSED : 0;
  if (stream->is_closed || stream->class->flush == NULL) return NULL;
  return note_closed(&stream->is_closed, stream->class->flush(stream, result), result);
}

bool tn_output_stream_is_ready(tn_output_stream *stream) {
  return stream->is_closed || stream->class->is_ready == NULL || stream->class->is_ready(stream);
}

static bool output_is_ready(void *object) {
  return tn_output_stream_is_ready(object);
}

static tn_error *output_arm(void *object, tn_wait *wait, tn_armed *armed) {
  tn_output_stream *stream = object;
  return stream->class->arm(stream, wait, armed);
}

static void output_release(void *object) {
  tn_output_stream_release(object);
}

tn_pollable tn_pollable_for_output(tn_output_stream *stream) {
  static const tn_pollable_class class = {output_is_ready, output_arm, output_release};
  return (tn_pollable){.class = &class, .object = stream};
}

tn_error *tn_output_stream_wait(tn_output_stream *stream, tn_wasi *wasi, tn_core_context *context) {
  tn_pollable pollable = tn_pollable_for_output(stream);
  const tn_pollable *list = &pollable;
  return tn_pollables_wait(wasi, context, &list, 1);
}

tn_error *tn_output_stream_wait_flushed(tn_output_stream *stream, tn_wasi *wasi,
                                        tn_core_context *context, int64_t *result) {
  *result = 0;
  if (stream->class->flush == NULL) return NULL;
  for (;;) {
    TN_TRY(tn_output_stream_check(stream, result));
    if (*result != 0) break;
    TN_TRY(tn_output_stream_wait(stream, wasi, context));
  }
  /* A stream that closes once everything is out has done what was asked. */
  if (*result > 0 || *result == TN_IO_CLOSED) *result = 0;
  return NULL;
}

tn_error *tn_output_stream_write_all(tn_output_stream *stream, tn_wasi *wasi,
                                     tn_core_context *context, const uint8_t *bytes, size_t size,
                                     int64_t *result) {
  *result = 0;
  while (size > 0) {
    TN_TRY(tn_output_stream_check(stream, result));
    if (*result < 0) return NULL;
    if (*result == 0) {
      TN_TRY(tn_output_stream_wait(stream, wasi, context));
      continue;
    }
    size_t part = (uint64_t)*result < size ? (size_t)*result : size;
    TN_TRY(tn_output_stream_write(stream, bytes, part, result));
    if (*result < 0) return NULL;
    bytes += part;
    size -= part;
  }
  TN_TRY(tn_output_stream_flush(stream, result));
  if (*result < 0) return NULL;
  return tn_output_stream_wait_flushed(stream, wasi, context, result);
}
