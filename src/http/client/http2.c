/* Calls on shared HTTP/2 connections: the session does the work, and its bodies stand behind the call's. */
#include "base/error.h"
#include "http/client/parts.h"

#define PING_TIMEOUT  UINT64_C(10000000000)
#define WRITE_TIMEOUT UINT64_C(60000000000)

/* ---- connections ----------------------------------------------------------------------------- */

static void session_changed(void *data, tn_http2_client *session) {
  (void)session;
  tn_client_pool_changed(data);
}

static void session_closed(void *data, tn_http2_client *session, tn_http_code why,
                           const char *detail) {
  (void)session;
  (void)why;
  (void)detail;
  tn_client_connection_close(data, false);
}

tn_error *tn_client_http2_connect(tn_client_connection *connection) {
  const tn_http_client_options *from = &connection->client->options;
  const tn_http2_client_options options = {
      .max_header_bytes = from->max_header_bytes,
      .max_header_count = from->max_header_count,
      .write_buffer_bytes = TN_CLIENT_CAPACITY,
      .ping_timeout = PING_TIMEOUT,
      .write_timeout = WRITE_TIMEOUT,
  };
  static const tn_http2_client_handler handler = {session_changed, session_closed};
  return tn_http2_client_new(&connection->transport, &options, &handler, connection,
                             &connection->http2);
}

/* ---- calls ----------------------------------------------------------------------------------- */

static void on_response(void *data, const tn_http_response *head, tn_http_incoming *body) {
  tn_http_call *call = data;
  call->response = *head;
  call->body = body;
  call->state = TN_CALL_RESPONDED;
  call->events |= TN_CALL_TELL_RESULT;
  tn_client_call_tell(call);
}

static void end_session_call(tn_http_call *call) {
  tn_http2_call *ended = call->http2;
  call->http2 = NULL;
  call->http2_body = NULL;
  tn_http2_call_release(ended);
}

/* Whether all of the request is still here to be sent again. */
static bool is_whole(const tn_http_call *call) {
  return call->written == call->pending.len;
}

static void on_failed(void *data, tn_http_code code, const char *detail, bool may_retry) {
  tn_http_call *call = data;
  if (may_retry && !call->is_retry && is_whole(call)) {
    end_session_call(call);
    call->is_retry = true;
    call->end_is_out = false;
    tn_client_call_set_deadline(call, TN_CALL_CONNECT, call->options.connect_timeout);
    tn_client_pool_request(call);
    return;
  }
  call->http2_body = NULL;
  call->failure.code = code;
  tn_client_note_alert(&call->failure, tn_http2_call_transport(call->http2));
  tn_client_call_fail(call, code, "calling %s: %s", call->origin->target.host, detail);
  tn_client_call_tell(call);
}

static void hand_over_end(tn_http_call *call) {
  if (!call->is_finished || call->end_is_out || call->pending.len > 0) return;
  call->end_is_out = true;
  call->http2_body->class->finish(call->http2_body,
                                  call->trailers.count > 0 ? &call->trailers : NULL);
}

void tn_client_http2_flush(tn_http_call *call) {
  tn_http_outgoing *body = call->http2_body;
  if (body == NULL || call->end_is_out) return;
  while (call->pending.len > 0) {
    int64_t room = body->class->capacity(body);
    if (room == 0) return;
    size_t size = room > 0 && (uint64_t)room < call->pending.len ? (size_t)room : call->pending.len;
    /* What nobody takes any more is dropped. */
    if (room > 0) body->class->write(body, (const uint8_t *)call->pending.data, size);
    call->pending.len -= size;
    memmove(call->pending.data, call->pending.data + size, call->pending.len);
  }
  body->class->flush(body);
  hand_over_end(call);
}

static void body_changed(void *data) {
  tn_http_call *call = data;
  tn_client_http2_flush(call);
  if (call->pending.len == 0) call->events |= TN_CALL_TELL_OUT;
  tn_client_call_tell(call);
}

/* The length, where it has become known by now. */
static uint64_t known_length(const tn_http_call *call) {
  uint64_t length = call->request.body_length;
  bool is_whole_body = call->is_finished && call->trailers.count == 0;
  return length == TN_HTTP_UNKNOWN_LENGTH && is_whole_body ? call->pending.len : length;
}

void tn_client_http2_start(tn_http_call *call, tn_client_connection *connection) {
  static const tn_http2_call_handler handler = {on_response, on_failed};
  const tn_http2_call_options options = {
      .first_byte_timeout = call->options.first_byte_timeout,
      .between_bytes_timeout = call->options.between_bytes_timeout,
  };
  /* A retry that was composed for HTTP/1.1: the server has changed its mind. */
  if (call->head_is_out && call->written > 0) {
    tn_client_call_fail(call, TN_HTTP_CONNECTION_TERMINATED, "the connection to %s was closed",
                        call->origin->target.host);
    return;
  }
  call->head_is_out = call->end_is_out = false;
  call->out.len = call->out_start = 0;
  connection->uses++;
  call->state = TN_CALL_STARTED;
  tn_client_call_set_deadline(call, TN_CALL_NO_DEADLINE, 0);
  tn_http_request request = call->request;
  request.body_length = known_length(call);
  tn_error *error = tn_http2_client_call(connection->http2, &request, &options, &handler, call,
                                         &call->http2, &call->http2_body);
  if (error != NULL) {
    tn_client_call_fail(call, TN_HTTP_INTERNAL_ERROR, "%s", tn_error_get_message(error));
    tn_error_delete(error);
    return;
  }
  call->http2_body->observer = (tn_http_observer){body_changed, call};
  tn_client_http2_flush(call);
  if (call->wants_room) {
    call->wants_room = false;
    call->events |= TN_CALL_TELL_OUT;
    tn_client_call_defer(call);
  }
}
