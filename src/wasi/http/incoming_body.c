/* wasi:http/types, the resources incoming-body and future-trailers. What is read goes from the connection straight
 * into the guest's memory. */
#include <string.h>

#include "base/error.h"
#include "wasi/http/state.h"

/* How much of a body that nobody reads is thrown away in one go, before others have their turn. */
enum { DRAIN_PART = 8192, DRAIN_MAX = 256 * 1024 };

/* ---- reading --------------------------------------------------------------------------------------------------- */

/* What a read gives: as tn_http_incoming_class.read, and the same again once the body has ended. */
static int64_t read_message(tn_http_message *message, uint8_t *out, size_t size) {
  if (message->is_ended) return message->end;
  tn_http_incoming *incoming = message->incoming;
  int64_t count = incoming->class->read(incoming, out, size);
  if (count >= 0) return count;
  message->is_ended = true;
  message->end = count;
  message->trailers = incoming->trailers;
  return count;
}

static bool message_is_ready(const tn_http_message *message) {
  return message->is_ended || message->incoming->class->is_ready(message->incoming);
}

/* ---- the stream ---------------------------------------------------------------------------------------------------- */

/* Invariant: `message` is one of its references that may read. */
typedef struct body_input {
  tn_input_stream head;
  tn_http_message *message;
} body_input;

static tn_http_message *input_message(tn_input_stream *stream) {
  return ((body_input *)stream)->message;
}

static size_t input_available(tn_input_stream *stream, size_t wanted) {
  const tn_http_message *message = input_message(stream);
  if (message->is_ended) return 0;
  return message->incoming->class->available(message->incoming, wanted);
}

/* TN_HTTP_END is TN_IO_CLOSED, and a failure is what TN_IO_HTTP makes an error of. */
static_assert(TN_HTTP_END == TN_IO_CLOSED, "the end of a message is the end of its stream");

static tn_error *input_read(tn_input_stream *stream, uint8_t *out, size_t size, int64_t *result) {
  *result = read_message(input_message(stream), out, size);
  return NULL;
}

static bool input_is_ready(tn_input_stream *stream) {
  return message_is_ready(input_message(stream));
}

static tn_error *input_arm(tn_input_stream *stream, tn_wait *wait, tn_armed *armed) {
  return tn_http_message_arm(input_message(stream), wait, armed);
}

static void input_destroy(tn_input_stream *stream) {
  tn_http_message *message = input_message(stream);
  message->has_live_stream = false;
  tn_http_give(message->http, stream);
  tn_http_message_release_reader(message);
}

static const tn_input_class input_class = {
    .origin = TN_IO_HTTP,
    .available = input_available,
    .read = input_read,
    .is_ready = input_is_ready,
    .arm = input_arm,
    .destroy = input_destroy,
};

tn_error *tn_http_incoming_body_stream(tn_call *call, void *data, const void *params,
                                       void *result) {
  (void)data;
  tn_http_message *message =
      tn_http_object_of(call, TN_SLOT_HTTP_INCOMING_BODY, *(const uint32_t *)params);
  tn_http_handle_result *out = result;
  out->is_error = message->is_streamed;
  if (message->is_streamed) return NULL;
  body_input *stream = tn_http_take(message->http, sizeof *stream);
  if (stream == NULL) return tn_error_no_memory();
  tn_input_stream_init(&stream->head, &input_class);
  stream->message = message;
  message->is_streamed = message->has_live_stream = true;
  message->references++;
  message->readers++;
  /* A client may be waiting to be asked for the body; it is to be asked before an answer begins. */
  input_available(&stream->head, 0);
  return tn_input_stream_add(message->http->options.wasi, &stream->head, &out->handle);
}

/* ---- incoming-body ---------------------------------------------------------------------------------------------------- */

void tn_http_drop_incoming_body(tn_runtime *runtime, void *data, uint32_t representation) {
  (void)data;
  tn_wasi *wasi = tn_wasi_of(runtime);
  tn_http_message *message =
      tn_wasi_slot_get(wasi, (tn_slot_kind)TN_SLOT_HTTP_INCOMING_BODY, representation);
  tn_wasi_slot_remove(wasi, representation);
  if (message->has_live_stream)
    tn_runtime_refuse_drop(
        runtime, tn_error_new(TN_ERROR_TRAP, "incoming-body: dropped before its input-stream"));
  tn_http_message_release_reader(message);
}

/* The reference passes from the body to the future. */
tn_error *tn_http_incoming_body_finish(tn_call *call, void *data, const void *params,
                                       void *result) {
  (void)data;
  tn_http_message *message =
      tn_http_consume(call, TN_SLOT_HTTP_INCOMING_BODY, *(const uint32_t *)params);
  tn_error *error =
      message->has_live_stream
          ? tn_error_new(TN_ERROR_TRAP, "incoming-body.finish: its input-stream still lives")
          : tn_wasi_slot_add(message->http->options.wasi,
                             (tn_slot_kind)TN_SLOT_HTTP_FUTURE_TRAILERS, message, result);
  if (error != NULL) tn_http_message_release_reader(message);
  return error;
}

/* ---- future-trailers ----------------------------------------------------------------------------------------------------- */

/* The trailers follow the body, so what the guest has not read is thrown away. */
static bool trailers_are_ready(void *object) {
  tn_http_message *message = object;
  uint8_t waste[DRAIN_PART];
  int64_t count = 1;
  for (size_t sum = 0; count > 0 && sum < DRAIN_MAX; sum += (size_t)count) {
    count = read_message(message, waste, sizeof waste);
    if (count < 0) break;
  }
  return message->is_ended;
}

static tn_error *trailers_arm(void *object, tn_wait *wait, tn_armed *armed) {
  tn_http_message *message = object;
  if (message_is_ready(message)) tn_wait_wake(wait); /* there is more than was drained at once */
  return tn_http_message_arm(message, wait, armed);
}

static void trailers_release(void *object) {
  ((tn_http_message *)object)->trailers_pollables--;
  tn_http_message_release_reader(object);
}

static tn_http_message *future_of(tn_call *call, const void *params) {
  return tn_http_object_of(call, TN_SLOT_HTTP_FUTURE_TRAILERS, *(const uint32_t *)params);
}

tn_error *tn_http_future_trailers_subscribe(tn_call *call, void *data, const void *params,
                                            void *result) {
  (void)data;
  static const tn_pollable_class class = {trailers_are_ready, trailers_arm, trailers_release};
  tn_http_message *message = future_of(call, params);
  message->trailers_pollables++;
  return tn_http_message_subscribe(message, &class, result);
}

tn_error *tn_http_future_trailers_get(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  tn_http_message *message = future_of(call, params);
  tn_http_future_trailers_value *out = result;
  out->is_some = trailers_are_ready(message);
  if (!out->is_some) return NULL;
  out->value.is_error = message->is_trailers_taken;
  if (message->is_trailers_taken) return NULL;
  message->is_trailers_taken = true;
  out->value.ok.is_error = message->end != TN_HTTP_END;
  if (out->value.ok.is_error) {
    out->value.ok.error = tn_http_message_error(message, tn_http_failure_code(message->end));
    return NULL;
  }
  out->value.ok.trailers.is_some = message->trailers.count > 0;
  if (message->trailers.count == 0) return NULL;
  return tn_http_fields_view(message, &message->trailers, &out->value.ok.trailers.handle);
}

void tn_http_drop_future_trailers(tn_runtime *runtime, void *data, uint32_t representation) {
  (void)data;
  tn_wasi *wasi = tn_wasi_of(runtime);
  tn_http_message *message =
      tn_wasi_slot_get(wasi, (tn_slot_kind)TN_SLOT_HTTP_FUTURE_TRAILERS, representation);
  tn_wasi_slot_remove(wasi, representation);
  if (message->trailers_pollables > 0)
    tn_runtime_refuse_drop(
        runtime, tn_error_new(TN_ERROR_TRAP, "future-trailers: dropped before its pollable"));
  tn_http_message_release_reader(message);
}
