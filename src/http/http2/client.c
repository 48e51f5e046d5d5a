/* The client's end of an HTTP/2 connection. */
#include "http/http2/client.h"

#include "base/alloc.h"
#include "base/container.h"
#include "base/error.h"
#include "http/http2/session.h"

/* Invariant: `session` has all calls whose stream is not closed or whose owner has not released them. */
struct tn_http2_client {
  tn_http2_session session;
  tn_http2_client_options options;
  tn_http2_client_handler handler;
  void *data;
  tn_deferred deferred;
  tn_alarm alarm; /* for session.check_at and the timeouts below */
  uint32_t open;  /* streams that are not closed */
  bool is_draining;
  bool has_changed;    /* to be told */
  bool is_closed;      /* the owner has been told */
  uint64_t ping_until; /* 0: no answer is outstanding */
  uint32_t complaint;  /* the error that we have told the peer in GOAWAY; 0: none */
};

/* Invariant: lives until it is released and its stream closed. */
struct tn_http2_call {
  tn_http2_stream stream;
  tn_arena arena;
  tn_http2_call_options options;
  tn_http2_call_handler handler;
  void *data;
  tn_http_response head;
  uint32_t field_count;
  uint32_t field_bytes;
  uint64_t since; /* it was started: loop time */
  bool is_released;
  bool has_head;
  bool is_told; /* of a response or a failure */
  bool may_retry;
  tn_http_code why;
  const char *detail;
};

static tn_http2_client *client_of(tn_http2_session *session) {
  return (tn_http2_client *)session;
}

static tn_http2_call *call_of(tn_http2_stream *stream) {
  return (tn_http2_call *)stream;
}

static uint64_t earlier(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

/* ---- time ------------------------------------------------------------------------------------ */

static void update_alarm(tn_http2_client *client) {
  uint64_t deadline = client->session.check_at;
  if (client->ping_until != 0) deadline = earlier(deadline, client->ping_until);
  if (deadline == UINT64_MAX || (client->alarm.place != 0 && client->alarm.deadline <= deadline))
    return;
  tn_error *error = tn_alarm_set(client->session.loop, &client->alarm, deadline);
  if (error == NULL) return;
  tn_http2_session_fail(&client->session, tn_http_failure(TN_HTTP_INTERNAL_ERROR), "out of memory");
  tn_error_delete(error);
}

static void session_check(tn_http2_session *session) {
  update_alarm(client_of(session));
}

static void call_fail(tn_http2_call *call, tn_http_code code, const char *detail) {
  int64_t failure = tn_http_failure(code);
  call->why = code;
  call->detail = detail;
  tn_http2_stream_fail(&call->stream, failure, failure);
  tn_http2_stream_note(&call->stream, TN_HTTP2_NOTICE_END);
  tn_http2_stream_reset(&call->stream, NGHTTP2_CANCEL);
}

/* When a call's peer has been silent for too long; UINT64_MAX: it need not say anything. */
static uint64_t call_deadline(const tn_http2_call *call) {
  const tn_http2_stream *stream = &call->stream;
  if (stream->is_closed || call->is_released) return UINT64_MAX;
  if (!call->has_head)
    return call->options.first_byte_timeout == 0 ? UINT64_MAX
                                                 : call->since + call->options.first_byte_timeout;
  return stream->reading_since == 0 || call->options.between_bytes_timeout == 0
             ? UINT64_MAX
             : stream->reading_since + call->options.between_bytes_timeout;
}

static void watch_call(tn_http2_call *call) {
  uint64_t deadline = call_deadline(call);
  if (deadline != UINT64_MAX) tn_http2_session_check_by(call->stream.session, deadline);
}

static void check_calls(tn_http2_client *client, uint64_t now) {
  for (tn_http2_stream *stream = client->session.streams; stream != NULL; stream = stream->next) {
    tn_http2_call *call = call_of(stream);
    if (now >= call_deadline(call))
      call_fail(call, TN_HTTP_CONNECTION_READ_TIMEOUT,
                call->has_head ? "the peer has stopped in the middle of the response"
                               : "the peer does not answer");
    else
      watch_call(call);
  }
}

static void alarm_fired(tn_alarm *alarm) {
  tn_http2_client *client = TN_CONTAINER(alarm, tn_http2_client, alarm);
  tn_http2_session *session = &client->session;
  uint64_t now = tn_loop_time(session->loop);
  if (client->ping_until != 0 && now >= client->ping_until) {
    client->ping_until = 0;
    tn_http2_session_fail(session, tn_http_failure(TN_HTTP_CONNECTION_TIMEOUT),
                          "the peer does not answer a ping");
  }
  tn_http2_session_check(session, now);
  check_calls(client, now);
  if (session->has_more_to_read && !session->is_reading_paused && !tn_http2_session_read(session))
    return;
  update_alarm(client);
}

/* ---- what comes ------------------------------------------------------------------------------ */

static tn_http2_call *find_call(nghttp2_session *nghttp2, int32_t id) {
  return nghttp2_session_get_stream_user_data(nghttp2, id);
}

static bool count_field(tn_http2_call *call, size_t size) {
  const tn_http2_client_options *options = &client_of(call->stream.session)->options;
  enum { OVERHEAD = 32 }; /* RFC 9113 section 6.5.2 */
  size += OVERHEAD;
  if (call->field_count >= options->max_header_count ||
      size > options->max_header_bytes - call->field_bytes)
    return false;
  call->field_count++;
  call->field_bytes += (uint32_t)size;
  return true;
}

static bool add_field(tn_http2_call *call, tn_http_fields *fields, tn_str name, tn_str value) {
  tn_str the_name = tn_arena_copy(&call->arena, name);
  tn_str the_value = tn_arena_copy(&call->arena, value);
  return the_name.data != NULL && the_value.data != NULL &&
         tn_http_fields_add(&call->arena, fields, the_name, the_value);
}

/* nghttp2 has checked that it is three digits. */
static uint16_t parse_status(tn_str value) {
  uint16_t status = 0;
  for (size_t i = 0; i < value.len && i < 3; i++)
    status = (uint16_t)(status * 10 + (value.data[i] - '0'));
  return status;
}

static int on_header(nghttp2_session *nghttp2, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags,
                     void *data) {
  (void)flags;
  (void)data;
  tn_http2_call *call = find_call(nghttp2, frame->hd.stream_id);
  if (call == NULL || call->is_released || call->stream.in_result != 0) return 0;
  tn_str the_name = {(const char *)name, name_size};
  tn_str the_value = {(const char *)value, value_size};
  bool is_trailer = call->has_head;
  if (!count_field(call, name_size + value_size)) {
    call_fail(call,
              is_trailer ? TN_HTTP_HTTP_RESPONSE_TRAILER_SECTION_SIZE
                         : TN_HTTP_HTTP_RESPONSE_HEADER_SECTION_SIZE,
              "the response's fields are too large");
    return 0;
  }
  if (tn_str_equal(the_name, TN_STR(":status"))) {
    /* Each head begins with it: fields of an informational one before it are forgotten. */
    call->head.status = parse_status(the_value);
    call->head.fields.count = 0;
    return 0;
  }
  if (tn_http_is_hop_by_hop(the_name)) return 0;
  tn_http_fields *fields = is_trailer ? &call->stream.trailers : &call->head.fields;
  return add_field(call, fields, the_name, the_value) ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static void head_end(tn_http2_call *call, bool is_remote_end) {
  if (call->head.status < 200 || call->has_head) return;
  call->has_head = true;
  call->stream.write_timeout = call->stream.session->write_timeout;
  call->head.version = TN_HTTP_2;
  call->head.body_length = TN_HTTP_UNKNOWN_LENGTH;
  if (!tn_http2_find_length(&call->head.fields, &call->head.body_length) && is_remote_end)
    call->head.body_length = 0;
  tn_http2_stream_note(&call->stream, TN_HTTP2_NOTICE_HEAD);
}

static int on_data(nghttp2_session *nghttp2, uint8_t flags, int32_t id, const uint8_t *bytes,
                   size_t size, void *data) {
  (void)flags;
  (void)data;
  tn_http2_call *call = find_call(nghttp2, id);
  if (call != NULL)
    tn_http2_stream_receive(&call->stream, bytes, size);
  else
    nghttp2_session_consume_connection(nghttp2, size);
  return 0;
}

static void mark_changed(tn_http2_client *client) {
  client->has_changed = true;
  tn_http2_session_schedule(&client->session);
}

static int on_frame(nghttp2_session *nghttp2, const nghttp2_frame *frame, void *data) {
  tn_http2_client *client = client_of(data);
  bool is_ack = (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
  switch (frame->hd.type) {
  case NGHTTP2_PING:
    if (is_ack) client->ping_until = 0;
    return 0;
  case NGHTTP2_SETTINGS:
    mark_changed(client);
    return 0;
  case NGHTTP2_GOAWAY:
    client->is_draining = true;
    mark_changed(client);
    return 0;
  case NGHTTP2_HEADERS:
  case NGHTTP2_DATA:
    break;
  default:
    return 0;
  }
  tn_http2_call *call = find_call(nghttp2, frame->hd.stream_id);
  if (call == NULL) return 0;
  bool is_end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  if (frame->hd.type == NGHTTP2_HEADERS) head_end(call, is_end);
  if (is_end) tn_http2_stream_receive_end(&call->stream);
  return 0;
}

static int on_frame_sent(nghttp2_session *nghttp2, const nghttp2_frame *frame, void *data) {
  if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR)
    client_of(data)->complaint = frame->goaway.error_code;
  if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
  tn_http2_call *call = find_call(nghttp2, frame->hd.stream_id);
  if (call == NULL) return 0;
  if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) call->stream.is_local_end = true;
  return 0;
}

static int on_stream_close(nghttp2_session *nghttp2, int32_t id, uint32_t error, void *data) {
  tn_http2_client *client = client_of(data);
  client->open--;
  mark_changed(client);
  tn_http2_call *call = find_call(nghttp2, id);
  if (call == NULL) return 0;
  tn_http2_stream *stream = &call->stream;
  stream->is_closed = true;
  if (stream->in_result == 0) {
    call->why = tn_http2_code_of(error);
    call->may_retry = error == NGHTTP2_REFUSED_STREAM;
    call->detail = error == NGHTTP2_NO_ERROR ? "the peer has closed the stream"
                                             : nghttp2_http2_strerror(error);
  }
  tn_http2_stream_fail(stream, tn_http_failure(call->why), TN_HTTP_END);
  tn_http2_stream_note(stream, TN_HTTP2_NOTICE_END);
  return 0;
}

/* ---- calls ----------------------------------------------------------------------------------- */

static void call_free(tn_http2_call *call) {
  tn_http2_stream_free(&call->stream);
  tn_arena_free(&call->arena);
  tn_free(call);
}

static void call_end(tn_http2_call *call) {
  tn_http2_stream *stream = &call->stream;
  if (call->is_released) {
    if (stream->is_closed) call_free(call);
    return;
  }
  if (call->is_told) return;
  /* The end of a whole response is none of a call that has still to hear of its head. */
  if (call->has_head) return;
  call->is_told = true;
  tn_http2_session *session = stream->session;
  if (session->failure != 0 && call->detail == NULL) {
    call->why = session->failure == TN_HTTP_END ? TN_HTTP_CONNECTION_TERMINATED
                                                : tn_http_failure_code(session->failure);
    call->detail = session->problem;
  } else if (stream->in_result == tn_http_failure(TN_HTTP_CONNECTION_WRITE_TIMEOUT)) {
    call->why = TN_HTTP_CONNECTION_WRITE_TIMEOUT;
    call->detail = "the peer takes no more of the request";
  }
  call->handler.failed(call->data, call->why,
                       call->detail == NULL ? "the call failed" : call->detail, call->may_retry);
}

static void session_notice(tn_http2_stream *stream, unsigned notice) {
  tn_http2_call *call = call_of(stream);
  if (notice == TN_HTTP2_NOTICE_END) {
    call_end(call);
    return;
  }
  if (call->is_released || call->is_told) return;
  call->is_told = true;
  call->handler.response(call->data, &call->head, &stream->incoming);
}

static void session_before_read(tn_http2_stream *stream) {
  watch_call(call_of(stream));
}

static void session_abandoned(tn_http2_stream *stream) {
  if (!stream->is_remote_end) tn_http2_stream_reset(stream, NGHTTP2_CANCEL);
}

static void session_finished(tn_http2_stream *stream, bool is_aborted) {
  if (is_aborted && !stream->is_local_end) tn_http2_stream_reset(stream, NGHTTP2_CANCEL);
}

static const tn_http2_session_class session_class = {
    session_notice, session_before_read, session_abandoned, session_finished, NULL,
    NULL,           session_check,
};

static void add_authority(tn_http2_head *head, const tn_http_request *request) {
  tn_http2_head_add(head, TN_STR(":method"), request->method);
  if (tn_str_equal(request->method, TN_STR("CONNECT"))) {
    tn_http2_head_add(head, TN_STR(":authority"), request->authority);
    return;
  }
  tn_http2_head_add(head, TN_STR(":scheme"), request->scheme);
  tn_http2_head_add(head, TN_STR(":authority"), request->authority);
  tn_http2_head_add(head, TN_STR(":path"), request->path);
}

static int32_t submit(tn_http2_client *client, tn_http2_call *call,
                      const tn_http_request *request) {
  tn_http2_head head = {.arena = &call->arena};
  add_authority(&head, request);
  tn_http2_head_add_fields(&head, &request->fields);
  bool has_length = request->body_length != 0 ||
                    tn_http_fields_find(&request->fields, TN_STR("content-length")) != NULL;
  if (has_length && request->body_length != TN_HTTP_UNKNOWN_LENGTH)
    tn_http2_head_add_number(&head, TN_STR("content-length"), request->body_length);
  if (head.failed) return NGHTTP2_ERR_NOMEM;
  nghttp2_data_provider provider = tn_http2_stream_provider(&call->stream);
  return nghttp2_submit_request(client->session.nghttp2, NULL, head.items, head.count,
                                request->body_length == 0 ? NULL : &provider, call);
}

tn_error *tn_http2_client_call(tn_http2_client *client, const tn_http_request *request,
                               const tn_http2_call_options *options,
                               const tn_http2_call_handler *handler, void *data,
                               tn_http2_call **out, tn_http_outgoing **body) {
  if (tn_http2_client_room(client) == 0)
    return tn_error_new(TN_ERROR_LIMIT, "the connection takes no more calls");
  tn_http2_call *call = tn_calloc(1, sizeof *call);
  if (call == NULL) return tn_error_no_memory();
  tn_http2_stream_init(&call->stream, &client->session, 0, &call->arena,
                       client->options.write_buffer_bytes);
  call->stream.promised = request->body_length;
  call->stream.drops_body = request->body_length == 0;
  call->options = *options;
  uint64_t between = options->between_bytes_timeout, most = client->session.write_timeout;
  if (between != 0 && (most == 0 || between < most)) call->stream.write_timeout = between;
  call->handler = *handler;
  call->data = data;
  call->why = TN_HTTP_CONNECTION_TERMINATED;
  int32_t id = submit(client, call, request);
  if (id < 0) {
    if (id == NGHTTP2_ERR_STREAM_ID_NOT_AVAILABLE) client->is_draining = true;
    call_free(call);
    return tn_error_new(TN_ERROR_LIMIT, "the request cannot be sent: %s", nghttp2_strerror(id));
  }
  call->stream.id = id;
  call->since = tn_loop_now();
  client->open++;
  watch_call(call);
  tn_http2_session_schedule(&client->session);
  *out = call;
  *body = &call->stream.outgoing;
  return NULL;
}

bool tn_http2_call_has_failed(const tn_http2_call *call, tn_http_code *code, const char **detail) {
  int64_t result = call->stream.in_result;
  if (result == 0 || result == TN_HTTP_END) return false;
  *code = tn_http_failure_code(result);
  *detail = call->detail;
  return true;
}

const tn_transport *tn_http2_call_transport(const tn_http2_call *call) {
  return call->stream.session->transport;
}

void tn_http2_call_release(tn_http2_call *call) {
  tn_http2_stream *stream = &call->stream;
  call->is_released = true;
  stream->incoming.observer = stream->outgoing.observer = (tn_http_observer){0};
  if (stream->is_closed) {
    call_free(call);
    return;
  }
  tn_http2_stream_abandon(stream);
  tn_http2_stream_reset(stream, NGHTTP2_CANCEL);
}

/* ---- the connection -------------------------------------------------------------------------- */

static void client_closed(tn_http2_client *client) {
  int64_t failure = client->session.failure;
  bool is_failure = failure != 0 && failure != TN_HTTP_END;
  client->is_draining = true;
  client->handler.closed(client->data, client,
                         is_failure ? tn_http_failure_code(failure) : TN_HTTP_CONNECTION_TERMINATED,
                         client->session.problem != NULL ? client->session.problem
                                                         : "the connection is not needed");
}

/* Whether nghttp2 listens to the peer no more, because of what that has sent: it refuses new requests, though none of
 * the reasons that `is_draining` stands for is there and numbers are left, or does not read on with streams open. */
static bool is_given_up(const tn_http2_client *client) {
  nghttp2_session *nghttp2 = client->session.nghttp2;
  if (client->session.failure != 0) return false;
  if (client->open > 0 && tn_http2_session_is_sent(&client->session) &&
      !nghttp2_session_want_read(nghttp2))
    return true;
  return !client->is_draining && nghttp2_session_check_request_allowed(nghttp2) == 0 &&
         nghttp2_session_get_next_stream_id(nghttp2) <= INT32_MAX;
}

static const char *describe_complaint(uint32_t error) {
  switch (error) {
  case NGHTTP2_COMPRESSION_ERROR:
    return "the peer breaks the protocol of HTTP/2: its header fields cannot be decompressed";
  case NGHTTP2_FRAME_SIZE_ERROR:
    return "the peer breaks the protocol of HTTP/2: a frame has a size that it cannot have";
  case NGHTTP2_FLOW_CONTROL_ERROR:
    return "the peer breaks the protocol of HTTP/2: it sends more than its window";
  default:
    return "the peer breaks the protocol of HTTP/2";
  }
}

static bool is_over(const tn_http2_client *client) {
  if (client->session.failure != 0) return true;
  return tn_http2_session_is_sent(&client->session) && client->open == 0 &&
         (client->is_draining || !nghttp2_session_want_read(client->session.nghttp2));
}

/* The last thing that is done is to call the owner, who may delete the client. */
static void turn_end(tn_deferred *deferred) {
  tn_http2_client *client = TN_CONTAINER(deferred, tn_http2_client, deferred);
  if (client->session.failure == 0 && !tn_http2_session_send(&client->session)) return;
  if (is_given_up(client))
    tn_http2_session_fail(&client->session, tn_http_failure(TN_HTTP_HTTP_PROTOCOL_ERROR),
                          describe_complaint(client->complaint));
  if (!tn_http2_session_dispatch(&client->session)) return;
  if (is_over(client)) {
    if (!client->is_closed) {
      client->is_closed = true;
      client_closed(client);
    }
    return;
  }
  if (!client->has_changed) return;
  client->has_changed = false;
  if (client->handler.changed != NULL) client->handler.changed(client->data, client);
}

static const tn_http2_callbacks callbacks = {
    .header = on_header,
    .data = on_data,
    .frame = on_frame,
    .frame_sent = on_frame_sent,
    .stream_close = on_stream_close,
};

tn_error *tn_http2_client_new(tn_transport *transport, const tn_http2_client_options *options,
                              const tn_http2_client_handler *handler, void *data,
                              tn_http2_client **out) {
  tn_http2_client *client = tn_calloc(1, sizeof *client);
  if (client == NULL) return tn_error_no_memory();
  client->options = *options;
  client->handler = *handler;
  client->data = data;
  client->deferred.func = turn_end;
  client->alarm.func = alarm_fired;
  client->session = (tn_http2_session){
      .class = &session_class,
      .transport = transport,
      .loop = transport->io.loop,
      .deferred = &client->deferred,
      .check_at = UINT64_MAX,
      .write_timeout = options->write_timeout,
  };
  /* No stream may be opened by the peer: nothing is pushed. */
  if (!tn_http2_session_start(&client->session, &callbacks, options->max_header_bytes, 0)) {
    tn_free(client);
    return tn_error_no_memory();
  }
  tn_http2_session_schedule(&client->session);
  *out = client;
  return NULL;
}

void tn_http2_client_ready(tn_http2_client *client, int events) {
  tn_http2_session_ready(&client->session, events);
}

void tn_http2_client_delete(tn_http2_client *client) {
  if (client == NULL) return;
  tn_alarm_clear(client->session.loop, &client->alarm);
  /* Calls that nobody holds any more have only waited for their streams to close. */
  for (tn_http2_stream *stream = client->session.streams, *next; stream != NULL; stream = next) {
    next = stream->next;
    if (call_of(stream)->is_released) call_free(call_of(stream));
  }
  tn_http2_session_free(&client->session, TN_HTTP_CONNECTION_TERMINATED);
  tn_free(client);
}

uint32_t tn_http2_client_calls(const tn_http2_client *client) {
  return client->open;
}

bool tn_http2_client_is_draining(const tn_http2_client *client) {
  return client->is_draining || client->session.failure != 0;
}

uint32_t tn_http2_client_room(const tn_http2_client *client) {
  if (tn_http2_client_is_draining(client) ||
      nghttp2_session_check_request_allowed(client->session.nghttp2) == 0)
    return 0;
  uint32_t limit = nghttp2_session_get_remote_settings(client->session.nghttp2,
                                                       NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  return limit > client->open ? limit - client->open : 0;
}

void tn_http2_client_drain(tn_http2_client *client) {
  if (tn_http2_client_is_draining(client)) return;
  client->is_draining = true;
  nghttp2_submit_goaway(client->session.nghttp2, NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, NULL, 0);
  tn_http2_session_schedule(&client->session);
}

void tn_http2_client_ping(tn_http2_client *client) {
  if (client->ping_until != 0 || client->session.failure != 0) return;
  if (nghttp2_submit_ping(client->session.nghttp2, NGHTTP2_FLAG_NONE, NULL) != 0) return;
  if (client->options.ping_timeout != 0) {
    client->ping_until = tn_loop_time(client->session.loop) + client->options.ping_timeout;
    update_alarm(client);
  }
  tn_http2_session_schedule(&client->session);
}
