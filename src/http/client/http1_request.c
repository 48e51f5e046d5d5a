/* The request of a call, and its body as the user writes it; on HTTP/1.1 also its way to the socket. Before
 * there is a connection, and while it may yet turn out that the body is short, bytes gather unframed, so
 * that the head can say how long it is. */
#include <errno.h>
#include <sys/uio.h>

#include "base/container.h"
#include "http/client/parts.h"

enum { LARGE_WRITE = 8192 }; /* goes to the socket from where it lies */

static tn_http_call *call_of(tn_http_outgoing *outgoing) {
  return TN_CONTAINER(outgoing, tn_http_call, outgoing);
}

/* ---- the head -------------------------------------------------------------------------------- */

static void append_number(tn_buffer *out, uint64_t number) {
  char digits[20];
  size_t at = sizeof digits;
  do {
    digits[--at] = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  tn_buffer_append(out, digits + at, sizeof digits - at);
}

/* RFC 9110 8.6: these are expected to have a body, so that its absence is said. */
static bool expects_body(tn_str method) {
  return tn_str_equal(method, TN_STR("POST")) || tn_str_equal(method, TN_STR("PUT")) ||
         tn_str_equal(method, TN_STR("PATCH"));
}

static uint64_t body_length(const tn_http_call *call) {
  uint64_t length = call->request.body_length;
  if (length == TN_HTTP_UNKNOWN_LENGTH && call->is_finished && call->trailers.count == 0)
    return call->pending.len;
  return length;
}

static void write_proxy_fields(tn_http_call *call) {
  tn_str authorization = call->origin->proxy->authorization;
  if (authorization.len == 0) return;
  tn_buffer_append_text(&call->out, "Proxy-Authorization: ");
  tn_buffer_append_str(&call->out, authorization);
  tn_buffer_append_text(&call->out, "\r\n");
}

/* RFC 9112 3 and 6 */
static void compose_head(tn_http_call *call) {
  tn_buffer *out = &call->out;
  bool is_absolute = call->origin->proxy != NULL && !call->origin->is_tls;
  tn_http1_write_request_head(out, &call->request, is_absolute);
  if (is_absolute) write_proxy_fields(call);
  uint64_t length = body_length(call);
  call->is_chunked = length == TN_HTTP_UNKNOWN_LENGTH;
  if (call->is_chunked) {
    tn_buffer_append_text(out, "Transfer-Encoding: chunked\r\n\r\n");
  } else if (length > 0 || expects_body(call->request.method)) {
    tn_buffer_append_text(out, "Content-Length: ");
    append_number(out, length);
    tn_buffer_append_text(out, "\r\n\r\n");
  } else {
    tn_buffer_append_text(out, "\r\n");
  }
  call->head_is_out = true;
}

/* ---- to the socket --------------------------------------------------------------------------- */

void tn_client_http1_stop_sending(tn_http_call *call) {
  call->connection->is_broken = true;
  call->is_deaf = true;
  call->pending.len = call->out.len = call->out_start = 0;
  call->events |= TN_CALL_TELL_OUT;
}

/* A failed write says only that the peer is gone; an answer may have come before. Reading tells. */
static void write_failed(tn_http_call *call) {
  tn_client_connection *c = call->connection;
  c->is_readable = c->is_hung_up = c->is_broken = true;
  tn_client_call_defer(call);
  /* What never was on the wire may go over another connection: it is kept as if the system were slow. */
  if (call->sent == 0 && c->uses > 1 && !call->is_retry)
    c->is_blocked = true;
  else
    tn_client_http1_stop_sending(call);
}

static void run_out(tn_http_call *call) {
  if (call->state < TN_CALL_RESPONDED)
    tn_client_call_fail(call, TN_HTTP_INTERNAL_ERROR, "out of memory");
  else if (call->connection != NULL)
    tn_client_http1_stop_sending(call);
}

/* Appends what of `parts` lies behind the first `sent` bytes. */
static void keep_rest(tn_buffer *out, const struct iovec *parts, int count, size_t sent) {
  for (int i = 0; i < count; i++) {
    size_t skipped = sent < parts[i].iov_len ? sent : parts[i].iov_len;
    tn_buffer_append(out, (const char *)parts[i].iov_base + skipped, parts[i].iov_len - skipped);
    sent -= skipped;
  }
}

/* Sends `out`, then the other parts, and keeps in `out` what the system does not take. */
static void send_parts(tn_http_call *call, struct iovec parts[4]) {
  tn_client_connection *c = call->connection;
  parts[0] = (struct iovec){call->out.data + call->out_start, call->out.len - call->out_start};
  size_t total = 0;
  for (int i = 0; i < 4; i++)
    total += parts[i].iov_len;
  if (total == 0) return;
  int64_t result = c->is_blocked ? 0 : tn_transport_write(&c->transport, parts, 4);
  if (result < 0) {
    write_failed(call);
    if (call->is_deaf) return;
    result = 0;
  }
  size_t sent = (size_t)result;
  call->sent += sent;
  if (sent == total) {
    call->out.len = call->out_start = 0;
    return;
  }
  c->is_blocked = true;
  size_t from_out = sent < parts[0].iov_len ? sent : parts[0].iov_len;
  call->out_start += from_out;
  keep_rest(&call->out, parts + 1, 3, sent - from_out);
}

/* From the head on, however long the body takes. */
static void wait_for_response(tn_http_call *call) {
  if (call->state == TN_CALL_STARTED && call->deadline_kind == TN_CALL_NO_DEADLINE)
    tn_client_call_set_deadline(call, TN_CALL_FIRST_BYTE, call->options.first_byte_timeout);
}

/* Frames what has gathered and `bytes` behind it as one chunk, and sends all. */
static void send_body(tn_http_call *call, const uint8_t *bytes, size_t size) {
  if (!call->head_is_out) compose_head(call);
  size_t total = call->pending.len + size;
  if (call->is_chunked && total > 0) tn_http1_chunk_head(&call->out, total);
  struct iovec parts[4] = {
      {0},
      {call->pending.data, call->pending.len},
      {(void *)bytes, size},
      {(void *)"\r\n", call->is_chunked && total > 0 ? 2 : 0},
  };
  bool is_over = call->is_finished && !call->end_is_out;
  if (is_over && call->is_chunked) {
    /* The end leaves with the last bytes. */
    keep_rest(&call->out, parts + 1, 3, 0);
    parts[1].iov_len = parts[2].iov_len = parts[3].iov_len = 0;
    tn_buffer_append_text(&call->out, "0\r\n");
    tn_http1_write_fields(&call->out, &call->trailers);
    tn_buffer_append_text(&call->out, "\r\n");
  }
  if (is_over) call->end_is_out = true;
  send_parts(call, parts);
  call->pending.len = 0;
  if (call->out.failed) {
    run_out(call);
    return;
  }
  tn_client_call_watch_upload(call);
  wait_for_response(call);
}

bool tn_client_http1_is_sent(const tn_http_call *call) {
  return call->end_is_out && call->out.len == call->out_start;
}

void tn_client_http1_flush(tn_http_call *call) {
  if (call->is_deaf) return;
  bool has_work = !call->head_is_out || call->pending.len > 0 || call->out.len > call->out_start ||
                  (call->is_finished && !call->end_is_out);
  if (!has_work) return;
  send_body(call, NULL, 0);
  if (call->is_deaf || call->connection == NULL) return;
  if (call->wants_room && call->out.len == call->out_start) {
    call->wants_room = false;
    call->events |= TN_CALL_TELL_OUT;
  }
}

void tn_client_http1_start(tn_http_call *call, tn_client_connection *connection) {
  call->connection = connection;
  connection->call = call;
  connection->uses++;
  call->state = TN_CALL_STARTED;
  call->sent = 0;
  call->upload_deadline = 0;
  tn_client_call_set_deadline(call, TN_CALL_NO_DEADLINE, 0);
  if (call->wants_room) {
    call->wants_room = false;
    call->events |= TN_CALL_TELL_OUT;
  }
  tn_client_call_defer(call);
}

/* ---- the body, for the user ------------------------------------------------------------------ */

static int64_t closed_result(const tn_http_call *call) {
  return call->state == TN_CALL_FAILED ? tn_http_failure(call->failure.code) : TN_HTTP_END;
}

static bool is_closed(const tn_http_call *call) {
  bool has_nobody =
      call->state >= TN_CALL_RESPONDED && call->connection == NULL && call->http2_body == NULL;
  return call->is_deaf || call->is_finished || has_nobody;
}

static int64_t out_capacity(tn_http_outgoing *outgoing) {
  tn_http_call *call = call_of(outgoing);
  if (is_closed(call)) return closed_result(call);
  size_t gathered = call->pending.len;
  if (call->http2_body != NULL && gathered == 0)
    return call->http2_body->class->capacity(call->http2_body);
  int64_t room = gathered < TN_CLIENT_BUFFER ? (int64_t)(TN_CLIENT_BUFFER - gathered) : 0;
  if (call->http2_body != NULL) room = 0;
  if (call->connection != NULL) room = call->out.len > call->out_start ? 0 : TN_CLIENT_CAPACITY;
  if (room == 0) call->wants_room = true;
  return room;
}

static int64_t gather(tn_http_call *call, const uint8_t *bytes, size_t size) {
  tn_buffer_append(&call->pending, bytes, size);
  if (call->pending.failed) {
    run_out(call);
    return closed_result(call);
  }
  if (call->connection != NULL) tn_client_call_defer(call);
  return 0;
}

static int64_t out_write(tn_http_outgoing *outgoing, const uint8_t *bytes, size_t size) {
  tn_http_call *call = call_of(outgoing);
  if (is_closed(call)) return closed_result(call);
  uint64_t promised = call->request.body_length;
  if (promised != TN_HTTP_UNKNOWN_LENGTH && size > promised - call->written)
    return tn_http_failure(TN_HTTP_HTTP_REQUEST_BODY_SIZE);
  call->written += size;
  if (call->http2_body != NULL)
    return call->http2_body->class->write(call->http2_body, bytes, size);
  if (call->connection == NULL || call->pending.len + size < LARGE_WRITE)
    return gather(call, bytes, size);
  send_body(call, bytes, size);
  return is_closed(call) ? closed_result(call) : 0;
}

static void out_flush(tn_http_outgoing *outgoing) {
  tn_http_call *call = call_of(outgoing);
  if (call->http2_body != NULL && call->pending.len == 0)
    call->http2_body->class->flush(call->http2_body);
  else if (call->connection != NULL)
    tn_client_call_defer(call);
}

static bool out_is_flushed(tn_http_outgoing *outgoing) {
  tn_http_call *call = call_of(outgoing);
  if (is_closed(call)) return true;
  bool is_flushed = call->pending.len == 0 && call->out.len == call->out_start;
  if (is_flushed && call->http2_body != NULL)
    return call->http2_body->class->is_flushed(call->http2_body);
  if (!is_flushed) call->wants_room = true;
  return is_flushed;
}

/* Once a response is there, it is worth more than the rest of the request. */
static void out_abort(tn_http_outgoing *outgoing) {
  tn_http_call *call = call_of(outgoing);
  if (call->is_finished) return;
  call->is_finished = true;
  if (call->http2_body != NULL) {
    call->http2_body->class->abort(call->http2_body);
  } else if (call->state < TN_CALL_RESPONDED) {
    tn_client_call_fail(call, TN_HTTP_HTTP_PROTOCOL_ERROR,
                        "the request's body was given up before its end");
  } else if (call->connection != NULL) {
    tn_client_http1_stop_sending(call);
    tn_transport_shutdown(&call->connection->transport);
  }
}

static bool keep_trailers(tn_http_call *call, const tn_http_fields *trailers) {
  if (trailers == NULL || trailers->count == 0) return true;
  return tn_client_copy_fields(&call->arena, trailers, &call->trailers);
}

static void complete(tn_http_call *call) {
  call->is_finished = true;
  if (call->http2_body != NULL)
    tn_client_http2_flush(call);
  else if (call->connection != NULL && call->state != TN_CALL_FAILED)
    tn_client_http1_flush(call);
}

static bool out_finish(tn_http_outgoing *outgoing, const tn_http_fields *trailers) {
  tn_http_call *call = call_of(outgoing);
  if (call->is_finished) return true;
  uint64_t promised = call->request.body_length;
  if (promised != TN_HTTP_UNKNOWN_LENGTH && call->written < promised && !is_closed(call)) {
    if (call->http2_body == NULL && call->state < TN_CALL_RESPONDED) {
      call->is_finished = true;
      tn_client_call_fail(call, TN_HTTP_HTTP_REQUEST_BODY_SIZE,
                          "the request's body is shorter than its Content-Length");
    } else {
      out_abort(outgoing);
    }
    return false;
  }
  if (!keep_trailers(call, trailers)) {
    out_abort(outgoing);
    return false;
  }
  complete(call);
  return true;
}

const tn_http_outgoing_class tn_client_outgoing_class = {
    .capacity = out_capacity,
    .write = out_write,
    .flush = out_flush,
    .is_flushed = out_is_flushed,
    .finish = out_finish,
    .abort = out_abort,
};
