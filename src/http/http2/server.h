/* A server's HTTP/2 connection from within: http2_server.c is the connection, http2_exchange.c a request and its
 * response. For these two only. */
#ifndef TN_HTTP_HTTP2_SERVER_H
#define TN_HTTP_HTTP2_SERVER_H

#include "http/connection.h"
#include "http/http2/session.h"

/* How much of something a peer may do in a row, and how fast that comes back. */
typedef struct tn_http2_budget {
  uint32_t left;
  uint64_t filled_at;
} tn_http2_budget;

typedef enum tn_http2_state {
  TN_HTTP2_OPEN,
  TN_HTTP2_NOTICED, /* the client has been told that no more requests should come, those on their way are answered */
  TN_HTTP2_DRAINING,  /* what has come is answered, what comes is refused */
  TN_HTTP2_LINGERING, /* all is sent: waits for the client to close, so that it gets to read that */
} tn_http2_state;

/* Invariant: `session` has all exchanges that the handler has not released or whose stream is not closed. */
typedef struct tn_http2_server {
  tn_http2_session session;
  tn_connection *connection;
  const tn_http_server_options *options;
  const tn_http_handler *handler;
  void *handler_data;
  tn_http2_state state;
  uint64_t state_until; /* when the next state is entered anyway */
  uint64_t head_since;  /* the head of a request is not complete; loop time, 0: none */
  uint64_t idle_since;
  int32_t last_id; /* the highest that the client has opened */
  tn_http2_budget resets;
  tn_http2_budget frames;
} tn_http2_server;

static inline tn_http2_server *tn_http2_server_of(tn_http2_session *session) {
  return (tn_http2_server *)session;
}

/* Ends the connection with GOAWAY ENHANCE_YOUR_CALM when the budget is used up. */
void tn_http2_server_spend_reset(tn_http2_server *server);
/* The last exchange has gone. */
void tn_http2_server_is_idle(tn_http2_server *server);

/* For nghttp2's callbacks; results are theirs. */
int tn_http2_exchange_begin(tn_http2_server *server, int32_t id);
int tn_http2_exchange_field(tn_http2_stream *stream, tn_str name, tn_str value);
int tn_http2_exchange_trailer(tn_http2_stream *stream, tn_str name, tn_str value);
void tn_http2_exchange_head_end(tn_http2_stream *stream, bool is_remote_end);
/* END_STREAM has been sent. */
void tn_http2_exchange_sent(tn_http2_stream *stream);
void tn_http2_exchange_data(tn_http2_stream *stream, const uint8_t *bytes, size_t size);
void tn_http2_exchange_stream_closed(tn_http2_stream *stream, uint32_t error);

/* For tn_http2_session_class. */
void tn_http2_exchange_notice(tn_http2_stream *stream, unsigned notice);
void tn_http2_exchange_before_read(tn_http2_stream *stream);
void tn_http2_exchange_abandoned(tn_http2_stream *stream);
void tn_http2_exchange_finished(tn_http2_stream *stream, bool is_aborted);
bool tn_http2_exchange_late(tn_http2_stream *stream);
void tn_http2_exchange_left(tn_http2_stream *stream);

#endif
