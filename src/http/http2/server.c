/* A server's HTTP/2 connection (RFC 9113): what comes is given to nghttp2, what nghttp2 makes is sent at
 * the end of the turn, so that the head and body of a small response, and those of others, leave in one
 * write. */
#include "http/http2/server.h"

#include "base/alloc.h"
#include "base/container.h"

#define SECOND UINT64_C(1000000000)

enum {
  /* Streams that a client may reset, or have reset by its own mistakes, before it is taken for an attacker
   * (CVE-2023-44487, CVE-2025-8671): a browser that leaves a page resets all of them, but not again and again. */
  RESETS_IN_A_ROW = 500,
  RESETS_A_SECOND = 100,
  /* PING, SETTINGS, PRIORITY, empty DATA: frames that cost and bring nobody further. */
  FRAMES_IN_A_ROW = 2000,
  FRAMES_A_SECOND = 500,
};

/* For a client to read the last bytes. */
static const uint64_t linger_time = 2 * SECOND;

/* ---- time ------------------------------------------------------------------------------------ */

static uint64_t earlier(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

/* UINT64_MAX when one of the two is not there. */
static uint64_t end_of(uint64_t since, uint64_t timeout) {
  return since == 0 || timeout == 0 ? UINT64_MAX : since + timeout;
}

static void update_deadline(tn_http2_server *server) {
  uint64_t deadline = server->state == TN_HTTP2_OPEN ? UINT64_MAX : server->state_until;
  if (server->state != TN_HTTP2_LINGERING) {
    deadline = earlier(deadline, server->session.check_at);
    deadline = earlier(deadline, end_of(server->head_since, server->options->header_timeout));
    deadline = earlier(deadline, end_of(server->idle_since, server->options->idle_timeout));
  }
  /* 0 would be: never. */
  if (deadline == 0) deadline = 1;
  tn_connection_set_deadline(server->connection, deadline == UINT64_MAX ? 0 : deadline);
}

static void session_check(tn_http2_session *session) {
  update_deadline(tn_http2_server_of(session));
}

static bool spend(tn_http2_budget *budget, uint32_t most, uint64_t a_second, uint64_t now) {
  uint64_t gained = (now - budget->filled_at) / (SECOND / a_second);
  if (gained > 0) {
    budget->left = gained >= most - budget->left ? most : budget->left + (uint32_t)gained;
    budget->filled_at = now;
  }
  if (budget->left == 0) return false;
  budget->left--;
  return true;
}

/* ---- states ---------------------------------------------------------------------------------- */

void tn_http2_server_is_idle(tn_http2_server *server) {
  server->idle_since = tn_loop_time(server->session.loop);
  tn_connection_set_idle(server->connection, true);
  update_deadline(server);
}

static void enter_draining(tn_http2_server *server) {
  nghttp2_session *nghttp2 = server->session.nghttp2;
  if (server->state >= TN_HTTP2_DRAINING) return;
  server->state = TN_HTTP2_DRAINING;
  server->state_until = UINT64_MAX;
  nghttp2_submit_goaway(nghttp2, NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(nghttp2), NGHTTP2_NO_ERROR, NULL,
                        0);
  tn_http2_session_schedule(&server->session);
}

/* RFC 9113 section 6.8: says first that the end is near, and gives what is on its way the time to arrive. */
static void connection_drain(tn_connection *connection) {
  tn_http2_server *server = connection->protocol;
  if (server->state != TN_HTTP2_OPEN || server->session.failure != 0) return;
  server->state = TN_HTTP2_NOTICED;
  server->state_until = tn_loop_time(server->session.loop) + server->options->drain_grace;
  nghttp2_submit_shutdown_notice(server->session.nghttp2);
  nghttp2_submit_ping(server->session.nghttp2, NGHTTP2_FLAG_NONE, NULL);
  tn_http2_session_schedule(&server->session);
  update_deadline(server);
}

/* What is still open is told that it is over. May free the server. */
static void enter_lingering(tn_http2_server *server) {
  server->state = TN_HTTP2_LINGERING;
  server->state_until = tn_loop_time(server->session.loop) + linger_time;
  tn_transport_shutdown(&server->connection->transport);
  tn_http2_session_fail(&server->session, TN_HTTP_END, "the connection was ended");
  if (tn_http2_session_dispatch(&server->session)) update_deadline(server);
}

static void give_up(tn_http2_server *server, uint32_t error) {
  nghttp2_session_terminate_session(server->session.nghttp2, error);
  tn_http2_session_schedule(&server->session);
}

void tn_http2_server_spend_reset(tn_http2_server *server) {
  if (!spend(&server->resets, RESETS_IN_A_ROW, RESETS_A_SECOND, tn_loop_time(server->session.loop)))
    give_up(server, NGHTTP2_ENHANCE_YOUR_CALM);
}

/* ---- nghttp2's callbacks --------------------------------------------------------------------- */

static tn_http2_stream *find_stream(nghttp2_session *nghttp2, int32_t id) {
  return nghttp2_session_get_stream_user_data(nghttp2, id);
}

/* A head on a stream that was passed over: nghttp2 ignores it, RFC 9113 section 5.1.1 does not. Streams
 * that are closed are remembered by nghttp2 for long enough. */
static int on_begin_frame(nghttp2_session *nghttp2, const nghttp2_frame_hd *frame, void *data) {
  tn_http2_server *server = tn_http2_server_of(data);
  if (frame->type != NGHTTP2_HEADERS) return 0;
  if (frame->stream_id > server->last_id)
    server->last_id = frame->stream_id;
  else if (nghttp2_session_find_stream(nghttp2, frame->stream_id) == NULL)
    give_up(server, NGHTTP2_PROTOCOL_ERROR);
  return 0;
}

static int on_begin_headers(nghttp2_session *nghttp2, const nghttp2_frame *frame, void *data) {
  (void)nghttp2;
  tn_http2_server *server = tn_http2_server_of(data);
  server->head_since = tn_loop_time(server->session.loop);
  if (server->options->header_timeout != 0) update_deadline(server);
  if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
  return tn_http2_exchange_begin(server, frame->hd.stream_id);
}

static int on_header(nghttp2_session *nghttp2, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags,
                     void *data) {
  (void)flags;
  (void)data;
  tn_http2_stream *stream = find_stream(nghttp2, frame->hd.stream_id);
  if (stream == NULL) return 0;
  tn_str the_name = {(const char *)name, name_size};
  tn_str the_value = {(const char *)value, value_size};
  if (frame->headers.cat == NGHTTP2_HCAT_REQUEST)
    return tn_http2_exchange_field(stream, the_name, the_value);
  return tn_http2_exchange_trailer(stream, the_name, the_value);
}

static int on_data(nghttp2_session *nghttp2, uint8_t flags, int32_t id, const uint8_t *bytes,
                   size_t size, void *data) {
  (void)flags;
  (void)data;
  tn_http2_stream *stream = find_stream(nghttp2, id);
  if (stream != NULL)
    tn_http2_exchange_data(stream, bytes, size);
  else
    nghttp2_session_consume_connection(nghttp2, size);
  return 0;
}

static bool is_useless(const nghttp2_frame *frame) {
  switch (frame->hd.type) {
  case NGHTTP2_PING:
  case NGHTTP2_SETTINGS:
    return (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0;
  case NGHTTP2_PRIORITY:
    return true;
  case NGHTTP2_DATA:
    return frame->hd.length == 0 && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0;
  default:
    return false;
  }
}

static int on_frame(nghttp2_session *nghttp2, const nghttp2_frame *frame, void *data) {
  tn_http2_server *server = tn_http2_server_of(data);
  uint64_t now = tn_loop_time(server->session.loop);
  if (is_useless(frame) && !spend(&server->frames, FRAMES_IN_A_ROW, FRAMES_A_SECOND, now))
    give_up(server, NGHTTP2_ENHANCE_YOUR_CALM);
  bool is_pong = frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
  if (is_pong && server->state == TN_HTTP2_NOTICED) enter_draining(server);
  if (frame->hd.type == NGHTTP2_RST_STREAM) tn_http2_server_spend_reset(server);
  if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
  bool is_end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  bool is_head = frame->hd.type == NGHTTP2_HEADERS;
  if (is_head) server->head_since = 0;
  tn_http2_stream *stream = find_stream(nghttp2, frame->hd.stream_id);
  if (stream == NULL) return 0;
  if (is_head && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
    tn_http2_exchange_head_end(stream, is_end);
  if (is_end) tn_http2_stream_receive_end(stream);
  return 0;
}

/* A head that nghttp2 refuses is complete all the same. */
static int on_invalid_frame(nghttp2_session *nghttp2, const nghttp2_frame *frame, int error,
                            void *data) {
  (void)nghttp2;
  (void)error;
  if (frame->hd.type == NGHTTP2_HEADERS) tn_http2_server_of(data)->head_since = 0;
  return 0;
}

static int on_frame_sent(nghttp2_session *nghttp2, const nghttp2_frame *frame, void *data) {
  if (frame->hd.type == NGHTTP2_RST_STREAM && frame->rst_stream.error_code != NGHTTP2_NO_ERROR)
    tn_http2_server_spend_reset(tn_http2_server_of(data));
  if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
  if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
  tn_http2_stream *stream = find_stream(nghttp2, frame->hd.stream_id);
  if (stream != NULL) tn_http2_exchange_sent(stream);
  return 0;
}

static int on_stream_close(nghttp2_session *nghttp2, int32_t id, uint32_t error, void *data) {
  tn_http2_stream *stream = find_stream(nghttp2, id);
  tn_http2_server_of(data)->head_since = 0;
  if (stream == NULL) return 0;
  tn_http2_exchange_stream_closed(stream, error);
  return 0;
}

/* ---- the connection's class ------------------------------------------------------------------ */

static void server_end(tn_http2_server *server) {
  int64_t failure = server->session.failure;
  bool is_failure = failure != 0 && failure != TN_HTTP_END;
  tn_connection_end(server->connection,
                    is_failure ? tn_http_failure_code(failure) : TN_HTTP_CONNECTION_TERMINATED,
                    is_failure);
}

static bool is_over(const tn_http2_server *server) {
  nghttp2_session *nghttp2 = server->session.nghttp2;
  if (!tn_http2_session_is_sent(&server->session)) return false;
  return !nghttp2_session_want_read(nghttp2) ||
         (server->state == TN_HTTP2_DRAINING && server->session.stream_count == 0);
}

static void turn_end(tn_deferred *deferred) {
  tn_connection *connection = TN_CONTAINER(deferred, tn_connection, deferred);
  tn_http2_server *server = connection->protocol;
  if (server->state == TN_HTTP2_LINGERING) return;
  if (!tn_http2_session_send(&server->session)) return;
  if (server->session.failure == 0
          ? is_over(server)
          : server->session.failure == tn_http_failure(TN_HTTP_HTTP_PROTOCOL_ERROR))
    enter_lingering(server);
  else if (server->session.failure != 0)
    server_end(server);
}

/* Reads until the client closes. */
static void linger(tn_http2_server *server) {
  uint8_t bytes[4096];
  int64_t got;
  int reads = 0;
  do
    got = tn_transport_read(&server->connection->transport, bytes, sizeof bytes);
  while (got > 0 && ++reads < 64);
  if (got != 0) server_end(server);
}

static void connection_ready(tn_connection *connection, int events) {
  tn_http2_server *server = connection->protocol;
  if (server->state == TN_HTTP2_LINGERING) {
    linger(server);
    return;
  }
  if (tn_http2_session_ready(&server->session, events)) update_deadline(server);
}

static void connection_timeout(tn_connection *connection) {
  tn_http2_server *server = connection->protocol;
  tn_http2_session *session = &server->session;
  uint64_t now = tn_loop_time(session->loop);
  if (server->state == TN_HTTP2_LINGERING) {
    if (now >= server->state_until) server_end(server);
    return;
  }
  tn_http2_session_check(session, now);
  if (session->has_more_to_read && !session->is_reading_paused && !tn_http2_session_read(session))
    return;
  if (session->failure == 0 && server->state == TN_HTTP2_NOTICED && now >= server->state_until)
    enter_draining(server);
  bool is_late = now >= end_of(server->head_since, server->options->header_timeout);
  if (session->failure == 0 &&
      (is_late || now >= end_of(server->idle_since, server->options->idle_timeout))) {
    server->idle_since = server->head_since = 0;
    give_up(server, NGHTTP2_NO_ERROR);
  }
  update_deadline(server);
}

static void connection_destroy(tn_connection *connection, tn_http_code why) {
  tn_http2_server *server = connection->protocol;
  tn_http2_session_fail(&server->session, tn_http_failure(why), "the connection was ended");
  if (!tn_http2_session_dispatch(&server->session)) return;
  tn_http2_session_free(&server->session, why);
  tn_free(server);
}

static void connection_flush(tn_connection *connection) {
  tn_http2_server *server = connection->protocol;
  if (server->state != TN_HTTP2_LINGERING) tn_http2_session_flush(&server->session);
}

static const tn_connection_class connection_class = {
    .ready = connection_ready,
    .drain = connection_drain,
    .flush = connection_flush,
    .timeout = connection_timeout,
    .destroy = connection_destroy,
};

/* ---- start ----------------------------------------------------------------------------------- */

static const tn_http2_session_class session_class = {
    tn_http2_exchange_notice,
    tn_http2_exchange_before_read,
    tn_http2_exchange_abandoned,
    tn_http2_exchange_finished,
    tn_http2_exchange_late,
    tn_http2_exchange_left,
    session_check,
};

static const tn_http2_callbacks callbacks = {
    .is_server = true,
    .begin_frame = on_begin_frame,
    .begin_headers = on_begin_headers,
    .header = on_header,
    .data = on_data,
    .frame = on_frame,
    .invalid_frame = on_invalid_frame,
    .frame_sent = on_frame_sent,
    .stream_close = on_stream_close,
};

static tn_http2_server *server_new(tn_connection *connection) {
  tn_http2_server *server = tn_calloc(1, sizeof *server);
  if (server == NULL) return NULL;
  tn_http_server_counters *counters = tn_http_server_mutable_counters(connection->server);
  server->connection = connection;
  server->options = tn_http_server_options_of(connection->server);
  server->handler = tn_http_server_handler(connection->server, &server->handler_data);
  server->session = (tn_http2_session){
      .class = &session_class,
      .transport = &connection->transport,
      .loop = tn_http_server_loop(connection->server),
      .deferred = &connection->deferred,
      .check_at = UINT64_MAX,
      .read_timeout = server->options->body_timeout,
      .write_timeout = server->options->write_timeout,
      .bytes_in = &counters->bytes_in,
      .bytes_out = &counters->bytes_out,
  };
  uint64_t now = tn_loop_time(server->session.loop);
  server->resets = (tn_http2_budget){RESETS_IN_A_ROW, now};
  server->frames = (tn_http2_budget){FRAMES_IN_A_ROW, now};
  server->head_since = now; /* until the first request */
  server->idle_since = now;
  if (tn_http2_session_start(&server->session, &callbacks, server->options->max_header_bytes,
                             server->options->max_streams))
    return server;
  tn_free(server);
  return NULL;
}

void tn_http2_connection_start(tn_connection *connection, const uint8_t *bytes, size_t size) {
  tn_http2_server *server = server_new(connection);
  if (server == NULL) {
    tn_connection_end(connection, TN_HTTP_INTERNAL_ERROR, true);
    return;
  }
  connection->class = &connection_class;
  connection->protocol = server;
  connection->deferred.func = turn_end;
  tn_http2_session_schedule(&server->session);
  tn_connection_set_idle(connection, true);
  if (tn_http_server_is_draining(connection->server)) connection_drain(connection);
  tn_http2_session_receive(&server->session, bytes, size);
  if (!tn_http2_session_dispatch(&server->session)) return;
  if (tn_http2_session_read(&server->session)) update_deadline(server);
}
