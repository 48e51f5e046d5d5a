/* wasi:http/types, the resource outgoing-body and its stream. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "wasi/http/state.h"

/* ---- making and ending -------------------------------------------------------------------------------------- */

tn_error *tn_http_body_add(tn_wasi_http *http, const tn_http_fields *fields, bool is_request,
                           tn_http_body **out, uint32_t *representation) {
  uint64_t promised;
  if (!tn_http_fields_length(fields, &promised)) return NULL;
  tn_http_body *body = tn_http_take(http, sizeof *body);
  if (body == NULL) return tn_error_no_memory();
  tn_error *error = tn_wasi_slot_add(http->options.wasi, (tn_slot_kind)TN_SLOT_HTTP_OUTGOING_BODY,
                                     body, representation);
  if (error != NULL) {
    tn_http_give(http, body);
    return error;
  }
  body->http = http;
  body->references = 2;
  body->is_request = is_request;
  body->promised = promised;
  *out = body;
  return NULL;
}

static void forget_kept(tn_http_body *body) {
  if (body->cap > 0) tn_kept_remove(tn_wasi_kept(body->http->options.wasi), body->cap);
  tn_free(body->kept);
  body->kept = NULL;
  body->sent = body->len = body->cap = 0;
}

static void forget_trailers(tn_http_body *body) {
  if (body->trailers != NULL) tn_http_fields_release(body->trailers);
  body->trailers = NULL;
}

void tn_http_body_release(tn_http_body *body) {
  if (--body->references > 0) return;
  forget_kept(body);
  forget_trailers(body);
  tn_http_give(body->http, body);
}

/* Lets go of `outgoing`, which it does not touch, and of the message. The body may be gone then. */
static void detach(tn_http_body *body) {
  tn_http_message *message = body->message;
  bool held_message = body->holds_message;
  body->outgoing = NULL;
  body->message = NULL;
  body->holds_message = false;
  message->outgoing_body = NULL;
  tn_http_body_release(body);
  if (held_message) tn_http_message_release(message);
}

static void abort_outgoing(tn_http_outgoing *outgoing) {
  outgoing->observer = (tn_http_observer){0};
  outgoing->class->abort(outgoing);
}

/* Whoever reads it must not take it for complete. */
void tn_http_body_cut(tn_http_body *body) {
  if (body->failure == 0) body->failure = TN_HTTP_END;
  forget_kept(body);
  tn_http_waiters_wake(&body->writers_waiting);
  abort_outgoing(body->outgoing);
  detach(body);
}

/* The message is not held any more: it may go as soon as its readers have. */
static void let_message_go(tn_http_body *body) {
  if (!body->holds_message) return;
  body->holds_message = false;
  tn_http_message_release(body->message);
}

void tn_http_body_abort(tn_http_body *body) {
  if (body->state != TN_BODY_OPEN) return;
  body->state = TN_BODY_ABORTED;
  if (body->failure == 0) body->failure = TN_HTTP_END;
  forget_kept(body);
  if (body->outgoing == NULL) return;
  if (body->is_request)
    tn_http_message_fail(body->message, TN_HTTP_HTTP_PROTOCOL_ERROR, (tn_str){0});
  abort_outgoing(body->outgoing);
  detach(body);
}

/* ---- handing over ------------------------------------------------------------------------------------------------ */

static bool has_kept(const tn_http_body *body) {
  return body->sent < body->len;
}

/* Everything is handed over, or was lost, and the guest has finished. False: it was shorter than promised. */
static bool complete(tn_http_body *body) {
  tn_http_outgoing *outgoing = body->outgoing;
  const tn_http_fields *trailers = body->trailers != NULL ? body->trailers->list : NULL;
  bool is_complete = true;
  if (body->failure != 0) {
    abort_outgoing(outgoing);
  } else {
    outgoing->observer = (tn_http_observer){0};
    is_complete = outgoing->class->finish(outgoing, trailers);
  }
  forget_trailers(body);
  detach(body);
  return is_complete;
}

static int64_t hand_over_some(tn_http_body *body) {
  tn_http_outgoing *outgoing = body->outgoing;
  int64_t room = outgoing->class->capacity(outgoing);
  if (room <= 0) return room;
  size_t size = body->len - body->sent;
  if ((uint64_t)room < size) size = (size_t)room;
  int64_t outcome = outgoing->class->write(outgoing, body->kept + body->sent, size);
  body->sent += size;
  return outcome < 0 ? outcome : (int64_t)size;
}

/* Hands over what is kept, as far as there is room. */
static void hand_over(tn_http_body *body) {
  int64_t outcome = 1;
  while (has_kept(body) && outcome > 0)
    outcome = hand_over_some(body);
  if (outcome < 0) body->failure = outcome;
  if (outcome < 0 || !has_kept(body)) forget_kept(body);
}

/* The observer. */
static void body_changed(void *data) {
  tn_http_body *body = data;
  if (has_kept(body)) {
    hand_over(body);
    if (!has_kept(body)) body->outgoing->class->flush(body->outgoing);
  }
  tn_http_waiters_wake(&body->writers_waiting);
  if (!has_kept(body) && body->state == TN_BODY_FINISHED) complete(body);
}

uint64_t tn_http_body_length(const tn_http_body *body) {
  if (body == NULL) return 0;
  if (body->promised != TN_HTTP_UNKNOWN_LENGTH) return body->promised;
  if (body->state == TN_BODY_FINISHED && body->trailers == NULL) return body->written;
  return TN_HTTP_UNKNOWN_LENGTH;
}

void tn_http_body_attach(tn_http_body *body, tn_http_message *message, tn_http_outgoing *outgoing) {
  if (body == NULL) {
    if (outgoing != NULL) outgoing->class->finish(outgoing, NULL);
    return;
  }
  body->is_attached = true;
  if (outgoing == NULL) {
    body->failure = TN_HTTP_END;
    forget_kept(body);
    return;
  }
  if (body->state == TN_BODY_ABORTED) {
    if (body->is_request) tn_http_message_fail(message, TN_HTTP_HTTP_PROTOCOL_ERROR, (tn_str){0});
    abort_outgoing(outgoing);
    return;
  }
  body->outgoing = outgoing;
  body->message = message;
  message->outgoing_body = body;
  body->references++;
  outgoing->observer = (tn_http_observer){body_changed, body};
  if (body->state == TN_BODY_OPEN) {
    body->holds_message = true;
    message->references++;
  }
  if (has_kept(body)) hand_over(body);
  if (!has_kept(body) && body->state == TN_BODY_FINISHED) complete(body);
}

static bool is_taken(void *object) {
  return !has_kept(object);
}

static tn_error *arm(void *object, tn_wait *wait, tn_armed *armed) {
  tn_http_body *body = object;
  return tn_http_waiters_arm(&body->writers_waiting, body->http, wait, armed);
}

tn_error *tn_http_body_wait_taken(tn_http_body *body, tn_runtime *runtime) {
  static const tn_pollable_class class = {is_taken, arm, NULL};
  const tn_pollable pollable = {.class = &class, .object = body};
  const tn_pollable *list = &pollable;
  return tn_pollables_wait(body->http->options.wasi, runtime->context, &list, 1);
}

/* ---- the stream ------------------------------------------------------------------------------------------------------ */

/* Invariant: it has a reference to the body. */
typedef struct body_output {
  tn_output_stream head;
  tn_http_body *body;
} body_output;

static tn_http_body *output_body(tn_output_stream *stream) {
  return ((body_output *)stream)->body;
}

static int64_t room_of(tn_http_body *body) {
  if (body->failure != 0) return body->failure;
  if (!body->is_attached) return (int64_t)(BODY_KEPT_MAX - body->len);
  if (body->outgoing == NULL) return TN_HTTP_END;
  return has_kept(body) ? 0 : body->outgoing->class->capacity(body->outgoing);
}

static tn_error *output_check_write(tn_output_stream *stream, int64_t *result) {
  *result = room_of(output_body(stream));
  return NULL;
}

/* Nobody is there to take it yet. `size` is at most what room_of gave. */
static tn_error *keep(tn_http_body *body, const uint8_t *bytes, size_t size) {
  if (size > body->cap - body->len) {
    size_t cap = body->cap == 0 ? 1024 : body->cap * 2;
    while (cap - body->len < size)
      cap *= 2;
    tn_kept *kept = tn_wasi_kept(body->http->options.wasi);
    TN_TRY(tn_kept_check(kept));
    uint8_t *grown = tn_realloc(body->kept, cap);
    if (grown == NULL) return tn_error_no_memory();
    tn_kept_add(kept, cap - body->cap);
    body->kept = grown;
    body->cap = cap;
  }
  memcpy(body->kept + body->len, bytes, size);
  body->len += size;
  return NULL;
}

static tn_http_code size_code(const tn_http_body *body) {
  return body->is_request ? TN_HTTP_HTTP_REQUEST_BODY_SIZE : TN_HTTP_HTTP_RESPONSE_BODY_SIZE;
}

static tn_error *output_write(tn_output_stream *stream, const uint8_t *bytes, size_t size,
                              int64_t *result) {
  tn_http_body *body = output_body(stream);
  *result = body->failure;
  if (body->failure != 0) return NULL;
  if (size > body->promised - body->written) {
    *result = body->failure = tn_http_failure(size_code(body));
    return NULL;
  }
  body->written += size;
  if (!body->is_attached) return keep(body, bytes, size);
  *result = body->outgoing == NULL ? TN_HTTP_END
                                   : body->outgoing->class->write(body->outgoing, bytes, size);
  if (*result < 0) body->failure = *result;
  return NULL;
}

/* It leaves by itself from here; a guest that waited until the system has it would have to be suspended for nothing.
 * What holds it back when the peer is slow is check-write. */
static tn_error *output_flush(tn_output_stream *stream, int64_t *result) {
  tn_http_body *body = output_body(stream);
  *result = body->failure;
  if (body->failure == 0 && body->outgoing != NULL) body->outgoing->class->flush(body->outgoing);
  return NULL;
}

static bool output_is_ready(tn_output_stream *stream) {
  return room_of(output_body(stream)) != 0;
}

static tn_error *output_arm(tn_output_stream *stream, tn_wait *wait, tn_armed *armed) {
  return arm(output_body(stream), wait, armed);
}

static void output_destroy(tn_output_stream *stream) {
  tn_http_body *body = output_body(stream);
  body->has_live_stream = false;
  tn_http_give(body->http, stream);
  tn_http_body_release(body);
}

static const tn_output_class output_class = {
    .origin = TN_IO_HTTP,
    .check_write = output_check_write,
    .write = output_write,
    .flush = output_flush,
    .is_ready = output_is_ready,
    .arm = output_arm,
    .destroy = output_destroy,
};

/* ---- the functions ---------------------------------------------------------------------------------------------------- */

tn_error *tn_http_outgoing_body_write(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  tn_http_body *body =
      tn_http_object_of(call, TN_SLOT_HTTP_OUTGOING_BODY, *(const uint32_t *)params);
  tn_http_handle_result *out = result;
  out->is_error = body->is_streamed;
  if (body->is_streamed) return NULL;
  body_output *stream = tn_http_take(body->http, sizeof *stream);
  if (stream == NULL) return tn_error_no_memory();
  tn_output_stream_init(&stream->head, &output_class);
  stream->body = body;
  body->references++;
  body->is_streamed = body->has_live_stream = true;
  return tn_output_stream_add(body->http->options.wasi, &stream->head, &out->handle);
}

/* Whether fewer bytes were written than Content-Length says. A response without a body says how long it would be;
 * before it is known what it responds to, it may be one. */
static bool is_too_short(const tn_http_body *body) {
  if (body->promised == TN_HTTP_UNKNOWN_LENGTH || body->written == body->promised) return false;
  if (body->is_request || body->written > 0) return true;
  return body->message != NULL && !body->message->is_bodyless;
}

static void fail_size(const tn_http_body *body, tn_http_result *out) {
  tn_http_fail(out, size_code(body), (tn_str){0});
  out->error.body_size = (tn_http_optional_u64){true, body->written};
}

static void finish(tn_http_body *body, tn_http_result *out) {
  int64_t failure = body->failure;
  if (is_too_short(body) || failure == tn_http_failure(size_code(body))) {
    fail_size(body, out);
    tn_http_body_abort(body);
    return;
  }
  if (failure != 0 && failure != TN_HTTP_END) {
    tn_http_fail(out, tn_http_failure_code(failure), (tn_str){0});
    tn_http_body_abort(body);
    return;
  }
  body->state = TN_BODY_FINISHED;
  if (body->outgoing == NULL) return;
  if (has_kept(body)) {
    let_message_go(body); /* the rest goes out as long as anybody waits for the response */
  } else if (!complete(body)) {
    fail_size(body, out);
  }
}

typedef struct finish_params {
  uint32_t self;
  tn_http_optional_handle trailers;
} finish_params;
static_assert(sizeof(finish_params) == 12,
              "native form of (own<outgoing-body>, option<own<trailers>>)");

tn_error *tn_http_outgoing_body_finish(tn_call *call, void *data, const void *params,
                                       void *result) {
  (void)data;
  const finish_params *in = params;
  tn_http_body *body = tn_http_consume(call, TN_SLOT_HTTP_OUTGOING_BODY, in->self);
  if (in->trailers.is_some)
    body->trailers = tn_http_consume(call, TN_SLOT_HTTP_FIELDS, in->trailers.handle);
  tn_error *error = NULL;
  if (body->has_live_stream) {
    error = tn_error_new(TN_ERROR_TRAP, "outgoing-body.finish: its output-stream still lives");
    tn_http_body_abort(body);
  } else {
    finish(body, result);
  }
  tn_http_body_release(body);
  return error;
}

void tn_http_drop_outgoing_body(tn_runtime *runtime, void *data, uint32_t representation) {
  (void)data;
  tn_wasi *wasi = tn_wasi_of(runtime);
  tn_http_body *body =
      tn_wasi_slot_get(wasi, (tn_slot_kind)TN_SLOT_HTTP_OUTGOING_BODY, representation);
  tn_wasi_slot_remove(wasi, representation);
  if (body->has_live_stream)
    tn_runtime_refuse_drop(
        runtime, tn_error_new(TN_ERROR_TRAP, "outgoing-body: dropped before its output-stream"));
  tn_http_body_abort(body);
  tn_http_body_release(body);
}
