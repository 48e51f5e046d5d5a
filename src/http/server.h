/* An HTTP server on one loop: HTTP/1.1 and HTTP/2, plain and TLS. Each worker thread has one, with listening
 * sockets of its own (SO_REUSEPORT); nothing is shared between them but the TLS context. */
#ifndef TN_HTTP_SERVER_H
#define TN_HTTP_SERVER_H

#include "http/message.h"
#include "http/tls.h"
#include "loop/loop.h"

typedef struct tn_http_server tn_http_server;

/* Times are nanoseconds, 0: without limit. Sizes are bytes. */
typedef struct tn_http_server_options {
  uint32_t max_header_count; /* fields of a request: more is 431 */
  /* request line and fields together: more is 431, 414 for the line alone */
  uint32_t max_header_bytes;
  uint64_t max_body_bytes;             /* UINT64_MAX: no limit; more is 413 */
  uint32_t max_connections;            /* of this server; beyond it accepting pauses */
  uint32_t max_connections_per_client; /* of one address; more are closed at once. 0: no limit */
  /* Descriptors kept open for connections that come when the process has no others, at most 15. */
  uint32_t reserved_descriptors;
  uint32_t max_streams; /* HTTP/2: concurrent requests of one connection */
  /* Of a response that the client does not take yet; then there is back-pressure. */
  uint32_t write_buffer_bytes;
  /* from a request's first byte (or the connection's start) to its head's end */
  uint64_t header_timeout;
  uint64_t body_timeout;  /* between two reads of a body that the handler waits for */
  uint64_t write_timeout; /* a client that takes nothing for so long is gone */
  uint64_t idle_timeout;  /* keep-alive, between requests */
  /* HTTP/1: a client that has ended its side after a complete request is still answered, but it may as well
   * be gone, which shows only when something is written. So long its handler may take between two writes. */
  uint64_t half_close_timeout;
  uint64_t tls_timeout; /* a handshake */
  /* How long what is on its way when draining begins has to arrive: requests by HTTP/2, and a handshake with the first
   * request behind it. */
  uint64_t drain_grace;
  bool http2; /* offered by ALPN and by prior knowledge */
} tn_http_server_options;

void tn_http_server_options_init(tn_http_server_options *options);

/* For metrics; read by other threads without a lock, so each is written with one relaxed store. */
typedef struct tn_http_server_counters {
  uint64_t connections;      /* accepted so far */
  uint64_t open_connections; /* now */
  uint64_t idle_connections; /* open and without a request */
  uint64_t http2_connections;
  uint64_t tls_handshakes;
  uint64_t tls_failures;
  uint64_t refused_connections; /* over a limit */
  uint64_t refused_requests;    /* never became an exchange */
  uint64_t bytes_in;
  uint64_t bytes_out;
} tn_http_server_counters;

/* `handler` is copied, `data` is given to its functions. `loop` outlives the server. */
tn_error *tn_http_server_new(tn_loop *loop, const tn_http_server_options *options,
                             const tn_http_handler *handler, void *data, tn_http_server **out);
/* Other limits and times, on the loop's thread. They hold at once, also for connections that are open; of those by HTTP/2
 * what they have been told (streams, sizes) and their times stay. `http2` stays as it was. */
void tn_http_server_change_options(tn_http_server *server, const tn_http_server_options *options);
/* Closes everything at once; exchanges that a handler still holds stay valid until it releases them. */
void tn_http_server_delete(tn_http_server *server);
/* Accepts from a listening socket (owned from now on), with TLS if `tls` is not NULL (a reference is taken). */
tn_error *tn_http_server_listen(tn_http_server *server, int descriptor, tn_tls_context *tls);
/* Takes no more connections from one of its listening sockets, and closes that. Connections that came there go on. */
void tn_http_server_unlisten(tn_http_server *server, int descriptor);
/* Whoever connects to one of its listening sockets from now on has TLS by `tls`; NULL: none. */
void tn_http_server_change_tls(tn_http_server *server, int descriptor, tn_tls_context *tls);
/* Stops accepting, closes idle connections, answers the rest with Connection: close or GOAWAY, and calls
 * `done` once when the last connection has gone (perhaps at once). */
void tn_http_server_drain(tn_http_server *server, void (*done)(void *data), void *data);
/* Sends at once what waits for the end of this turn. For whoever holds the turn up: while a guest computes, on the
 * loop's thread. Calls no handler (but for its `ended`) and ends no connection. */
void tn_http_server_flush_pending(tn_http_server *server);
const tn_http_server_counters *tn_http_server_get_counters(const tn_http_server *server);

/* Opens a listening socket for "host:port", "[v6]:port" or "unix:/path", non-blocking, with SO_REUSEPORT
 * for TCP. */
tn_error *tn_http_listen_socket(tn_str address, int backlog, int *out);

#endif
