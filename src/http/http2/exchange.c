/* A request over HTTP/2 and its response. */
#include "http/http2/server.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/container.h"

/* Of each stream that is closed but whose handler has not let go of it yet, there may be as many as may be
 * open. */
enum { EXCHANGES_A_STREAM = 2 };

/* Frames that wait to be sent when no informational response is taken any more. */
enum { MAX_INFORMING = 1000 };

/* Invariant: lives until the handler has released it and its stream is closed. */
typedef struct exchange {
  tn_http_exchange base;
  tn_http2_stream stream;
  tn_str host;
  tn_str cookies;
  uint32_t field_count;
  uint32_t field_bytes;
  int refused; /* status, 0: not */
  const char *reason;
  bool has_head; /* complete */
  bool is_begun; /* the handler knows it */
  bool has_responded;
  bool is_released;
  bool is_told; /* that it is closed, or need not be */
  bool expects_continue;
  bool owes_continue;
  bool has_continued;
  bool has_fault; /* the body cannot be read to its end, for `fault` */
  tn_http_code fault;
  tn_http_code why; /* it is closed, when the bodies' results do not say */
} exchange;

static exchange *exchange_of(tn_http_exchange *base) {
  return (exchange *)base;
}

static exchange *exchange_of_stream(tn_http2_stream *stream) {
  return TN_CONTAINER(stream, exchange, stream);
}

static tn_http2_server *server_of(const exchange *self) {
  return (tn_http2_server *)self->stream.session;
}

static void exchange_free(exchange *self) {
  tn_http2_server *server = server_of(self);
  tn_http2_stream_free(&self->stream);
  tn_arena_free(&self->base.arena);
  tn_free(self);
  if (server != NULL && server->session.stream_count == 0) tn_http2_server_is_idle(server);
}

/* ---- the head comes -------------------------------------------------------------------------- */

static const tn_http_exchange_class exchange_class;

int tn_http2_exchange_begin(tn_http2_server *server, int32_t id) {
  tn_http2_session *session = &server->session;
  if (server->state == TN_HTTP2_DRAINING ||
      session->stream_count / EXCHANGES_A_STREAM >= server->options->max_streams) {
    nghttp2_submit_rst_stream(session->nghttp2, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
    return 0;
  }
  exchange *self = tn_calloc(1, sizeof *self);
  if (self == NULL ||
      nghttp2_session_set_stream_user_data(session->nghttp2, id, &self->stream) != 0) {
    tn_free(self);
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  if (session->stream_count == 0) tn_connection_set_idle(server->connection, false);
  server->idle_since = 0;
  self->base.class = &exchange_class;
  tn_http2_stream_init(&self->stream, session, id, &self->base.arena,
                       server->options->write_buffer_bytes);
  self->base.body = &self->stream.incoming;
  self->stream.bytes_out = &self->base.bytes_out;
  self->base.request.version = TN_HTTP_2;
  self->base.request.peer = server->connection->peer;
  self->why = TN_HTTP_CONNECTION_TERMINATED;
  return 0;
}

static void exchange_refuse(exchange *self, int status, const char *reason) {
  if (self->refused != 0) return;
  self->refused = status;
  self->reason = reason;
}

/* False: there are more than allowed. What is over is not kept. A name or value of more than 64 KiB never comes here:
 * nghttp2's decoder gives up on it, for which it has no setting, and without the decoder's state a connection cannot go
 * on (RFC 9113 section 4.3). */
static bool count_field(exchange *self, tn_str name, tn_str value) {
  const tn_http_server_options *options = server_of(self)->options;
  enum { OVERHEAD = 32 }; /* RFC 9113 section 6.5.2 */
  size_t size = name.len + value.len + OVERHEAD;
  if (self->field_count >= options->max_header_count ||
      size + self->field_bytes > options->max_header_bytes)
    return false;
  self->field_bytes += (uint32_t)size;
  if (name.data[0] != ':') self->field_count++;
  return true;
}

/* RFC 9113 section 8.2.3: cookies may come in pieces, which whoever reads fields must not see. */
static bool add_cookie(exchange *self, tn_str value) {
  tn_str joined = self->cookies.len == 0
                      ? tn_arena_copy(&self->base.arena, value)
                      : tn_arena_format(&self->base.arena, "%" TN_STR_FORMAT "; %" TN_STR_FORMAT,
                                        TN_STR_ARG(self->cookies), TN_STR_ARG(value));
  self->cookies = joined;
  return joined.data != NULL;
}

static tn_str *pseudo_of(exchange *self, tn_str name) {
  tn_http_request *request = &self->base.request;
  switch (name.len > 1 ? name.data[1] : 0) {
  case 'm':
    return &request->method;
  case 's':
    return &request->scheme;
  case 'a':
    return &request->authority;
  case 'p':
    return tn_str_equal(name, TN_STR(":path")) ? &request->path : NULL;
  default:
    return NULL;
  }
}

/* RFC 9110 10.1.1. It is the server's, and no field that the handler sees, as in HTTP/1.1. */
static void take_expect(exchange *self, tn_str value) {
  if (tn_http_name_equal(value, TN_STR("100-continue")))
    self->expects_continue = true;
  else
    exchange_refuse(self, 417, "unknown expectation");
}

static bool add_field(exchange *self, tn_str name, tn_str value) {
  tn_arena *arena = &self->base.arena;
  tn_str *kept = NULL;
  if (name.data[0] == ':') {
    kept = pseudo_of(self, name);
    if (kept == NULL) return true;
  } else if (tn_str_equal(name, TN_STR("host"))) {
    kept = &self->host;
  } else if (tn_str_equal(name, TN_STR("cookie"))) {
    return add_cookie(self, value);
  } else if (tn_str_equal(name, TN_STR("expect"))) {
    take_expect(self, value);
    return true;
  } else if (tn_http_is_hop_by_hop(name)) {
    return true;
  }
  tn_str the_value = tn_arena_copy(arena, value);
  if (the_value.data == NULL) return false;
  if (kept != NULL) {
    *kept = the_value;
    return true;
  }
  tn_str the_name = tn_arena_copy(arena, name);
  return the_name.data != NULL &&
         tn_http_fields_add(arena, &self->base.request.fields, the_name, the_value);
}

/* nghttp2 has checked order, repetition, case and characters, and that no field belongs to a connection. */
int tn_http2_exchange_field(tn_http2_stream *stream, tn_str name, tn_str value) {
  exchange *self = exchange_of_stream(stream);
  if (self->refused != 0) return 0;
  if (!count_field(self, name, value))
    exchange_refuse(self, 431, "the header section is too large");
  else if (!add_field(self, name, value))
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  return 0;
}

/* The rest of the request is not taken any more, which may be answered. When there is an answer already, that may be
 * all that the client waits for: only who reads the body learns of it. */
static void exchange_fault(exchange *self, tn_http_code code) {
  self->stream.is_abandoned = true;
  self->fault = code;
  self->has_fault = true;
  tn_http2_stream_fail_incoming(&self->stream, tn_http_failure(code));
  tn_http2_stream_note(&self->stream, TN_HTTP2_NOTICE_END);
}

int tn_http2_exchange_trailer(tn_http2_stream *stream, tn_str name, tn_str value) {
  exchange *self = exchange_of_stream(stream);
  if (stream->is_abandoned || tn_http_is_hop_by_hop(name)) return 0;
  if (!count_field(self, name, value)) {
    exchange_fault(self, TN_HTTP_HTTP_REQUEST_TRAILER_SECTION_SIZE);
    return 0;
  }
  tn_str the_name = tn_arena_copy(&self->base.arena, name);
  tn_str the_value = tn_arena_copy(&self->base.arena, value);
  if (the_name.data == NULL || the_value.data == NULL ||
      !tn_http_fields_add(&self->base.arena, &stream->trailers, the_name, the_value))
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  return 0;
}

/* RFC 9113 section 8.3.1. */
static void check_head(exchange *self) {
  tn_http_request *request = &self->base.request;
  if (tn_str_equal(request->method, TN_STR("CONNECT"))) {
    exchange_refuse(self, 501, "CONNECT is not offered");
    return;
  }
  if (self->host.data != NULL && request->authority.data != NULL &&
      !tn_http_name_equal(self->host, request->authority))
    exchange_refuse(self, 400, "Host and :authority differ");
  if (request->authority.data == NULL) request->authority = self->host;
  if (request->authority.len > 0 && !tn_http_is_authority(request->authority))
    exchange_refuse(self, 400, "the authority is malformed");
  if (!tn_http_is_path(request->path)) exchange_refuse(self, 400, ":path is malformed");
  if (!tn_http_name_equal(request->scheme, TN_STR("https")) &&
      !tn_http_name_equal(request->scheme, TN_STR("http")))
    exchange_refuse(self, 400, ":scheme is neither http nor https");
  /* RFC 9110 7.4 */
  bool is_tls = server_of(self)->connection->is_tls;
  if (!is_tls && tn_http_name_equal(request->scheme, TN_STR("https")))
    exchange_refuse(self, 421, "https without TLS");
  request->scheme = is_tls ? TN_STR("https") : TN_STR("http");
}

void tn_http2_exchange_head_end(tn_http2_stream *stream, bool is_remote_end) {
  exchange *self = exchange_of_stream(stream);
  tn_http_request *request = &self->base.request;
  self->has_head = true;
  self->base.started = tn_loop_time(stream->session->loop);
  tn_http2_stream_note(stream, TN_HTTP2_NOTICE_HEAD);
  if (self->refused == 0) check_head(self);
  if (self->cookies.len > 0 &&
      !tn_http_fields_add(&self->base.arena, &request->fields, TN_STR("cookie"), self->cookies))
    exchange_refuse(self, 500, "out of memory");
  request->body_length = TN_HTTP_UNKNOWN_LENGTH;
  if (!tn_http2_find_length(&request->fields, &request->body_length) && is_remote_end)
    request->body_length = 0;
  if (request->body_length != TN_HTTP_UNKNOWN_LENGTH &&
      request->body_length > server_of(self)->options->max_body_bytes)
    exchange_refuse(self, 413, "the body is too large");
  self->owes_continue = self->expects_continue && !is_remote_end;
}

/* ---- the response ---------------------------------------------------------------------------- */

static bool submit_informational(exchange *self, const tn_http_response *head) {
  tn_http2_head out = {.arena = &self->base.arena};
  tn_http2_head_add_number(&out, TN_STR(":status"), head->status);
  tn_http2_head_add_fields(&out, &head->fields);
  tn_http2_session *session = self->stream.session;
  if (out.failed || nghttp2_submit_headers(session->nghttp2, NGHTTP2_FLAG_NONE, self->stream.id,
                                           NULL, out.items, out.count, NULL) != 0)
    return false;
  tn_http2_session_schedule(session);
  return true;
}

static bool can_respond(const exchange *self) {
  const tn_http2_stream *stream = &self->stream;
  return !self->base.is_closed && stream->session != NULL && !stream->is_closed &&
         stream->out_result == 0 && !self->has_responded && stream->session->failure == 0;
}

static bool is_queue_full(const tn_http2_session *session) {
  return nghttp2_session_get_outbound_queue_size(session->nghttp2) >= MAX_INFORMING;
}

/* Nobody counts informational responses: a client that takes none must not fill the memory. */
static bool has_room_to_inform(tn_http2_session *session) {
  if (!is_queue_full(session)) return true;
  tn_http2_session_flush(session);
  return session->failure == 0 && !is_queue_full(session);
}

static bool exchange_inform(tn_http_exchange *base, const tn_http_response *head) {
  exchange *self = exchange_of(base);
  if (!can_respond(self) || !tn_http_may_inform(head->status)) return false;
  if (head->status == 100 && self->has_continued) return false;
  if (!has_room_to_inform(self->stream.session) || !submit_informational(self, head)) return false;
  if (head->status == 100) {
    self->owes_continue = false;
    self->has_continued = true;
  }
  return true;
}

void tn_http2_exchange_before_read(tn_http2_stream *stream) {
  exchange *self = exchange_of_stream(stream);
  if (!self->owes_continue || !can_respond(self)) return;
  self->owes_continue = false;
  self->has_continued = submit_informational(self, &(tn_http_response){.status = 100});
}

static tn_str date_of(const tn_http2_server *server) {
  tn_str line = tn_http_server_date_line(server->connection->server);
  return tn_str_slice(line, sizeof "Date: " - 1, line.len - 2);
}

static bool submit_response(exchange *self, const tn_http_response *head, bool has_body) {
  tn_http2_stream *stream = &self->stream;
  tn_http2_server *server = server_of(self);
  tn_http2_head out = {.arena = &self->base.arena};
  tn_http2_head_add_number(&out, TN_STR(":status"), head->status);
  tn_http2_head_add_fields(&out, &head->fields);
  uint64_t length = head->status == 204   ? TN_HTTP_UNKNOWN_LENGTH
                    : head->status == 205 ? 0
                                          : head->body_length;
  if (length != TN_HTTP_UNKNOWN_LENGTH)
    tn_http2_head_add_number(&out, TN_STR("content-length"), length);
  if (tn_http_fields_find(&head->fields, TN_STR("date")) == NULL)
    tn_http2_head_add(&out, TN_STR("date"), date_of(server));
  bool is_bodyless = head->status == 204 || head->status == 205;
  stream->promised = is_bodyless ? TN_HTTP_UNKNOWN_LENGTH : head->body_length;
  return tn_http2_head_keep(stream, &out, has_body);
}

static void exchange_abort(tn_http_exchange *base);

static tn_http_outgoing *exchange_respond(tn_http_exchange *base, const tn_http_response *head) {
  exchange *self = exchange_of(base);
  if (!can_respond(self)) return NULL;
  self->has_responded = true;
  base->is_retracted = false;
  /* One of no bytes may still have trailers. */
  bool has_body =
      !tn_http_is_bodyless(head->status) && !tn_str_equal(base->request.method, TN_STR("HEAD"));
  if (!submit_response(self, head, has_body)) {
    exchange_abort(base);
    return NULL;
  }
  return &self->stream.outgoing;
}

/* The response is out, or never will be. */
static void note_end(exchange *self) {
  if (self->base.ended != 0) return;
  tn_http_server_exchange_ended(server_of(self)->connection->server, &self->base,
                                self->is_begun && self->is_released);
}

/* The response is out, or as good as: what is left of the request is not wanted (RFC 9113 section 8.1). */
static void stop_request(exchange *self) {
  tn_http2_stream *stream = &self->stream;
  if (stream->is_local_end && !stream->is_remote_end && (self->is_released || stream->is_abandoned))
    tn_http2_stream_refuse_rest(stream);
}

void tn_http2_exchange_sent(tn_http2_stream *stream) {
  stream->is_local_end = true;
  tn_http2_stream_leaves(stream);
  stop_request(exchange_of_stream(stream));
}

/* Whoever waits for it comes by when the turn ends. */
void tn_http2_exchange_left(tn_http2_stream *stream) {
  exchange *self = exchange_of_stream(stream);
  note_end(self);
  if (stream->is_closed && self->is_released) tn_http2_stream_note(stream, TN_HTTP2_NOTICE_END);
}

void tn_http2_exchange_abandoned(tn_http2_stream *stream) {
  stop_request(exchange_of_stream(stream));
}

/* Whether all of the response is still here, and nobody was promised anything. */
static bool can_take_back(const tn_http2_stream *stream) {
  return stream->head_waits && !stream->is_committed;
}

static void drop_response(tn_http2_stream *stream) {
  tn_http2_head_drop(stream);
  tn_http2_bytes_free(&stream->pending);
  stream->writing_since = 0;
}

static void take_back(exchange *self) {
  tn_http2_stream *stream = &self->stream;
  drop_response(stream);
  stream->wants_room = stream->wants_flush = stream->is_finished = false;
  stream->trailer_count = 0;
  self->base.bytes_out = 0;
  self->has_responded = false;
  self->base.is_retracted = true;
}

/* What has been written leaves before the client learns that this is not all. */
static void cut_response(tn_http2_stream *stream) {
  bool is_here = stream->head_waits || tn_http2_bytes_size(&stream->pending) > 0 ||
                 (stream->session != NULL && stream->session->is_blocked);
  bool ends_with_head = stream->head_waits && stream->drops_body;
  if (ends_with_head) return;
  if (is_here)
    tn_http2_stream_cut(stream);
  else
    tn_http2_stream_reset(stream, NGHTTP2_INTERNAL_ERROR);
}

/* The handler knows that nothing will arrive any more. */
static void exchange_abort(tn_http_exchange *base) {
  exchange *self = exchange_of(base);
  tn_http2_stream *stream = &self->stream;
  if (base->is_closed) return;
  self->is_told = true;
  base->is_closed = true;
  base->is_retracted = false;
  if (stream->in_result == 0) stream->in_result = tn_http_failure(TN_HTTP_CONNECTION_TERMINATED);
  if (stream->out_result == 0) stream->out_result = TN_HTTP_END;
  if (!self->has_responded || can_take_back(stream)) {
    drop_response(stream);
    tn_http2_stream_reset(stream, NGHTTP2_INTERNAL_ERROR);
  } else {
    cut_response(stream);
  }
}

void tn_http2_exchange_finished(tn_http2_stream *stream, bool is_aborted) {
  exchange *self = exchange_of_stream(stream);
  if (!is_aborted) return;
  if (can_take_back(stream) && !self->base.is_closed && stream->out_result == 0)
    take_back(self);
  else
    exchange_abort(&self->base);
}

/* Its stream is closed, and nobody needs it but perhaps to see it leave. */
static void end_released(exchange *self) {
  if (self->stream.is_leaving) return;
  if (self->stream.session != NULL) note_end(self);
  exchange_free(self);
}

static void exchange_release(tn_http_exchange *base) {
  exchange *self = exchange_of(base);
  tn_http2_stream *stream = &self->stream;
  self->is_released = true;
  stream->outgoing.observer = (tn_http_observer){0};
  if (stream->is_closed) {
    end_released(self);
    return;
  }
  bool is_complete = self->has_responded && (stream->is_finished || stream->drops_body);
  if (!is_complete) exchange_abort(base);
  tn_http2_stream_abandon(stream);
  stop_request(self);
}

static const tn_http_exchange_class exchange_class = {
    exchange_inform,
    exchange_respond,
    exchange_abort,
    exchange_release,
};

/* ---- what happens to it ---------------------------------------------------------------------- */

static void count_refused(tn_http2_server *server) {
  tn_http_server_counters *counters = tn_http_server_mutable_counters(server->connection->server);
  tn_http_count(&counters->refused_requests, 1);
}

/* Answers a request that the handler does not get to see. May free the session: the handler is told last. */
static void answer_refusal(exchange *self, int status, const char *reason) {
  tn_http2_server *server = server_of(self);
  struct sockaddr_storage peer = self->base.request.peer;
  const tn_http_handler *handler = server->handler;
  void *data = server->handler_data;
  count_refused(server);
  tn_http_response head = {.status = (uint16_t)status};
  tn_http_outgoing *body = self->stream.is_closed ? NULL : exchange_respond(&self->base, &head);
  if (body != NULL) body->class->finish(body, NULL);
  exchange_release(&self->base);
  if (handler->refused != NULL)
    handler->refused(data, (const struct sockaddr *)&peer, status, reason);
}

static void exchange_hand_over(exchange *self) {
  tn_http2_server *server = server_of(self);
  if (self->refused != 0) {
    answer_refusal(self, self->refused, self->reason);
    return;
  }
  /* Reset before anybody has looked at it: costs nothing. */
  if (self->stream.is_closed) {
    exchange_release(&self->base);
    return;
  }
  self->is_begun = true;
  server->handler->request(server->handler_data, &self->base);
}

/* Of what is wrong with the request the client is told, by the handler if that will. */
static void answer_fault(exchange *self) {
  tn_http2_server *server = server_of(self);
  self->why = self->fault;
  if (server->handler->faulted != NULL)
    server->handler->faulted(server->handler_data, &self->base, self->fault);
  tn_http_response head = {.status = (uint16_t)tn_http_code_request_status(self->fault)};
  tn_http_outgoing *body = exchange_respond(&self->base, &head); /* NULL: there is one */
  if (body != NULL) body->class->finish(body, NULL);
}

static void exchange_end(exchange *self) {
  tn_http2_stream *stream = &self->stream;
  tn_http2_server *server = server_of(self);
  if (self->is_released) {
    if (stream->is_closed) end_released(self);
    return;
  }
  if (stream->is_closed && !stream->is_leaving) note_end(self);
  if (!self->has_head && stream->is_closed) {
    self->is_released = true;
    answer_refusal(self, 400, "the request is malformed");
    return;
  }
  if (self->is_told || !self->is_begun || stream->is_local_end) return;
  if (self->has_fault && !stream->is_closed && stream->session->failure == 0) {
    if (self->has_responded) return;
    answer_fault(self);
  }
  self->is_told = true;
  self->base.is_closed = true;
  bool has_failure = stream->out_result != 0 && stream->out_result != TN_HTTP_END;
  server->handler->closed(server->handler_data, &self->base,
                          has_failure ? tn_http_failure_code(stream->out_result) : self->why);
}

void tn_http2_exchange_notice(tn_http2_stream *stream, unsigned notice) {
  exchange *self = exchange_of_stream(stream);
  if (notice == TN_HTTP2_NOTICE_HEAD)
    exchange_hand_over(self);
  else
    exchange_end(self);
}

void tn_http2_exchange_data(tn_http2_stream *stream, const uint8_t *bytes, size_t size) {
  exchange *self = exchange_of_stream(stream);
  self->base.bytes_in += size;
  tn_http2_stream_receive(stream, bytes, size);
  if (self->base.bytes_in <= server_of(self)->options->max_body_bytes || stream->in_result != 0)
    return;
  if (self->refused != 0) return; /* it has its answer, which is to arrive */
  exchange_fault(self, TN_HTTP_HTTP_REQUEST_BODY_SIZE);
}

bool tn_http2_exchange_late(tn_http2_stream *stream) {
  exchange *self = exchange_of_stream(stream);
  if (!self->is_begun || !can_respond(self)) return false;
  exchange_fault(self, TN_HTTP_CONNECTION_READ_TIMEOUT);
  return true;
}

void tn_http2_exchange_stream_closed(tn_http2_stream *stream, uint32_t error) {
  exchange *self = exchange_of_stream(stream);
  stream->is_closed = true;
  tn_http2_head_drop(stream);
  if (stream->out_result == 0) self->why = tn_http2_code_of(error);
  if (!stream->is_local_end || !stream->is_remote_end)
    tn_http2_stream_fail(stream, tn_http_failure(self->why), TN_HTTP_END);
  tn_http2_stream_note(stream, TN_HTTP2_NOTICE_END);
}
