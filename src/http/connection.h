/* What the server and its two kinds of connections know of each other. For src/http/ only. */
#ifndef TN_HTTP_CONNECTION_H
#define TN_HTTP_CONNECTION_H

#include "http/server.h"
#include "http/transport.h"

typedef struct tn_connection tn_connection;

typedef struct tn_connection_class {
  /* The transport is ready for `events` (its handshake is done). May end the connection. */
  void (*ready)(tn_connection *connection, int events);
  /* Draining has begun: say so to the client, end when what is under way is done (perhaps at once). */
  void (*drain)(tn_connection *connection);
  /* Sends what waits for the end of the turn, while a guest is running: must not call a handler (but for its
   * `ended`) or end the connection. Called only while `deferred` is linked. May be NULL. */
  void (*flush)(tn_connection *connection);
  /* The time set with tn_connection_set_deadline has come. */
  void (*timeout)(tn_connection *connection);
  /* Frees what the kind owns, tells handlers of live exchanges that they are closed. The connection is out of the
   * server's list and its transport stopped already. */
  void (*destroy)(tn_connection *connection, tn_http_code why);
} tn_connection_class;

/* Head of every server connection. Invariants: linked in its server's list of idle or of busy ones; `class`
 * is NULL while it is not known which protocol is spoken (TLS handshake, first bytes). */
struct tn_connection {
  const tn_connection_class *class;
  tn_http_server *server;
  tn_transport transport;
  struct sockaddr_storage peer;
  bool is_tls;
  bool is_idle; /* no request: counted in idle_connections */
  /* The client has ended its side, or worse: behind the last bytes an end is to be read, of which no event
   * tells. */
  bool is_hung_up;
  /* 0: none. The alarm is moved lazily: it may fire earlier and then looks here. */
  uint64_t deadline;
  tn_alarm alarm;
  void *protocol;       /* tn_http1 …, tn_http2 …: what `class` works on */
  tn_deferred deferred; /* for the kind's use: what has to happen at the end of this turn */
  tn_connection *next;
  tn_connection *previous;
};

/* Server options, handler and counters, for connections. */
const tn_http_server_options *tn_http_server_options_of(const tn_http_server *server);
const tn_http_handler *tn_http_server_handler(const tn_http_server *server, void **data);
/* Its response has left, or never will: sets `ended`, and tells the handler if that has released it. */
void tn_http_server_exchange_ended(const tn_http_server *server, tn_http_exchange *exchange,
                                   bool is_released);
tn_http_server_counters *tn_http_server_mutable_counters(tn_http_server *server);
bool tn_http_server_is_draining(const tn_http_server *server);
tn_loop *tn_http_server_loop(const tn_http_server *server);
struct tn_http1_pool *tn_http_server_http1_pool(const tn_http_server *server);
/* "Date: …\r\n" of this second. */
tn_str tn_http_server_date_line(tn_http_server *server);

/* Adds to one of the counters, which other threads read. */
static inline void tn_http_count(uint64_t *counter, int64_t change) {
  __atomic_store_n(counter, *counter + (uint64_t)change, __ATOMIC_RELAXED);
}

/* Calls class->timeout at `deadline` (CLOCK_MONOTONIC nanoseconds; 0: never). Cheap: moves nothing when it
 * is later than the one before. */
void tn_connection_set_deadline(tn_connection *connection, uint64_t deadline);
void tn_connection_set_idle(tn_connection *connection, bool is_idle);
/* Unlinks, stops the transport, destroys and frees. Nothing may touch the connection afterwards. */
void tn_connection_end(tn_connection *connection, tn_http_code why, bool reset);

/* The state of one protocol on a connection, behind connection->protocol. Both may read from `bytes` first:
 * what the server has read already to find out which protocol it is. Set class and protocol, then act on
 * the bytes. When they fail (no memory) the connection is ended. */
void tn_http1_connection_start(tn_connection *connection, const uint8_t *bytes, size_t size);
void tn_http2_connection_start(tn_connection *connection, const uint8_t *bytes, size_t size);

#endif
