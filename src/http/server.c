/* The server: listening sockets, connections, their limits and times, and which protocol each speaks. */
#include "http/server.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/container.h"
#include "base/error.h"
#include "http/accept.h"
#include "http/client/clients.h"
#include "http/connection.h"
#include "http/http1/http1.h"
#include "http/http1/connection.h"

/* What an HTTP/2 client says first when it was told to, without ALPN (RFC 9113 3.4). */
static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
enum { PREFACE_SIZE = sizeof preface - 1 };

/* A connection with what only the server needs of it. */
typedef struct server_connection {
  tn_connection base;
  tn_client_count *client; /* NULL: not counted */
  uint8_t first_size;
  uint8_t first[PREFACE_SIZE]; /* bytes read so far, while they may still become the preface */
} server_connection;

/* Invariant: every connection is in one of the two lists, by is_idle. */
struct tn_http_server {
  tn_loop *loop;
  tn_http_server_options options;
  tn_http_handler handler;
  void *data;
  tn_http_server_counters counters;
  tn_http1_pool *pool;
  tn_acceptor acceptor;
  tn_connection *idle;
  tn_connection *busy;
  tn_clients clients;
  bool is_draining;
  bool is_deleting;
  tn_deferred drained;
  void (*done)(void *data);
  void *done_data;
  time_t date_second;
  size_t date_size;
  char date_line[48];
};

/* ---- for connections ------------------------------------------------------------------------------------ */

const tn_http_server_options *tn_http_server_options_of(const tn_http_server *server) {
  return &server->options;
}

const tn_http_handler *tn_http_server_handler(const tn_http_server *server, void **data) {
  *data = server->data;
  return &server->handler;
}

void tn_http_server_exchange_ended(const tn_http_server *server, tn_http_exchange *exchange,
                                   bool is_released) {
  exchange->ended = tn_loop_now();
  if (is_released && server->handler.ended != NULL) server->handler.ended(server->data, exchange);
}

tn_http_server_counters *tn_http_server_mutable_counters(tn_http_server *server) {
  return &server->counters;
}

const tn_http_server_counters *tn_http_server_get_counters(const tn_http_server *server) {
  return &server->counters;
}

bool tn_http_server_is_draining(const tn_http_server *server) {
  return server->is_draining;
}

tn_loop *tn_http_server_loop(const tn_http_server *server) {
  return server->loop;
}

struct tn_http1_pool *tn_http_server_http1_pool(const tn_http_server *server) {
  return server->pool;
}

tn_str tn_http_server_date_line(tn_http_server *server) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (now.tv_sec != server->date_second || server->date_size == 0) {
    char room[32];
    tn_str date = tn_http_date(room, now.tv_sec);
    char *at = server->date_line;
    at = mempcpy(at, "Date: ", 6);
    at = mempcpy(at, date.data, date.len);
    at = mempcpy(at, "\r\n", 2);
    server->date_size = (size_t)(at - server->date_line);
    server->date_second = now.tv_sec;
  }
  return (tn_str){server->date_line, server->date_size};
}

/* ---- deadlines -------------------------------------------------------------------------------------------- */

static void connection_timeout(tn_connection *connection) {
  if (connection->class != NULL) {
    connection->class->timeout(connection);
    return;
  }
  tn_http_server_counters *counters = &connection->server->counters;
  if (!connection->transport.handshake_done) tn_http_count(&counters->tls_failures, 1);
  tn_connection_end(connection, TN_HTTP_CONNECTION_TIMEOUT, false);
}

static void place_alarm(tn_connection *connection) {
  tn_error *error =
      tn_alarm_set(connection->server->loop, &connection->alarm, connection->deadline);
  /* Without memory for an alarm the connection goes without that timeout; the next deadline tries again. */
  tn_error_delete(error);
}

static void alarm_fired(tn_alarm *alarm) {
  tn_connection *connection = TN_CONTAINER(alarm, tn_connection, alarm);
  uint64_t deadline = connection->deadline;
  if (deadline == 0) return;
  if (deadline > tn_loop_time(connection->server->loop)) {
    place_alarm(connection);
    return;
  }
  connection->deadline = 0;
  connection_timeout(connection);
}

void tn_connection_set_deadline(tn_connection *connection, uint64_t deadline) {
  connection->deadline = deadline;
  if (deadline == 0) return;
  if (connection->alarm.place == 0 || deadline < connection->alarm.deadline)
    place_alarm(connection);
}

/* ---- lists -------------------------------------------------------------------------------------------------- */

static tn_connection **list_of(tn_connection *connection) {
  return connection->is_idle ? &connection->server->idle : &connection->server->busy;
}

static void link_connection(tn_connection *connection) {
  tn_connection **list = list_of(connection);
  connection->previous = NULL;
  connection->next = *list;
  if (*list != NULL) (*list)->previous = connection;
  *list = connection;
}

static void unlink_connection(tn_connection *connection) {
  if (connection->next != NULL) connection->next->previous = connection->previous;
  if (connection->previous != NULL)
    connection->previous->next = connection->next;
  else
    *list_of(connection) = connection->next;
}

void tn_connection_set_idle(tn_connection *connection, bool is_idle) {
  if (connection->is_idle == is_idle) return;
  unlink_connection(connection);
  connection->is_idle = is_idle;
  link_connection(connection);
  tn_http_count(&connection->server->counters.idle_connections, is_idle ? 1 : -1);
}

/* ---- ends ------------------------------------------------------------------------------------ */

static void check_drained(tn_http_server *server) {
  if (server->is_draining && !server->is_deleting && server->counters.open_connections == 0) {
    tn_loop_defer(server->loop, &server->drained);
  }
}

void tn_connection_end(tn_connection *connection, tn_http_code why, bool reset) {
  tn_http_server *server = connection->server;
  server_connection *own = (server_connection *)connection;
  unlink_connection(connection);
  tn_alarm_clear(server->loop, &connection->alarm);
  tn_loop_undefer(server->loop, &connection->deferred);
  tn_transport_stop(&connection->transport, reset);
  if (connection->class != NULL) connection->class->destroy(connection, why);
  /* destroy may have deferred something once more */
  tn_loop_undefer(server->loop, &connection->deferred);
  if (connection->is_idle) tn_http_count(&server->counters.idle_connections, -1);
  bool was_full = server->counters.open_connections >= server->options.max_connections;
  tn_http_count(&server->counters.open_connections, -1);
  tn_clients_leave(&server->clients, own->client);
  tn_free(own);
  tn_reserve_fill(&server->acceptor.reserve);
  if (was_full) tn_acceptor_has_room(&server->acceptor);
  if (server->handler.disconnected != NULL) server->handler.disconnected(server->data);
  check_drained(server);
}

/* ---- which protocol -------------------------------------------------------------------------- */

static void start_protocol(tn_connection *connection, const uint8_t *bytes, size_t size,
                           bool is_http2) {
  tn_http_server_counters *counters = &connection->server->counters;
  if (is_http2) {
    tn_http_count(&counters->http2_connections, 1);
    tn_http2_connection_start(connection, bytes, size);
  } else {
    tn_http1_connection_start(connection, bytes, size);
  }
}

/* The first bytes tell, at the latest when as many as the preface has are there. */
static void find_protocol(tn_connection *connection) {
  server_connection *own = (server_connection *)connection;
  bool may_be_http2 = true;
  while (may_be_http2 && own->first_size < PREFACE_SIZE) {
    int64_t result = tn_transport_read(&connection->transport, own->first + own->first_size,
                                       (size_t)PREFACE_SIZE - own->first_size);
    bool is_idle = result == 0 && own->first_size == 0;
    if (result == 0 && !(is_idle && connection->server->is_draining)) return;
    if (result <= 0) {
      tn_connection_end(connection, TN_HTTP_CONNECTION_TERMINATED, false);
      return;
    }
    tn_http_count(&connection->server->counters.bytes_in, result);
    own->first_size = (uint8_t)(own->first_size + result);
    may_be_http2 = memcmp(own->first, preface, own->first_size) == 0;
  }
  start_protocol(connection, own->first, own->first_size, may_be_http2);
}

static void continue_handshake(tn_connection *connection) {
  tn_http_server *server = connection->server;
  int64_t result = tn_transport_handshake(&connection->transport);
  if (result == 0) return;
  if (result < 0) {
    tn_http_count(&server->counters.tls_failures, 1);
    tn_connection_end(connection, tn_http_failure_code(result), false);
    return;
  }
  tn_http_count(&server->counters.tls_handshakes, 1);
  uint64_t time =
      server->is_draining ? server->options.drain_grace : server->options.header_timeout;
  if (time > 0) tn_connection_set_deadline(connection, tn_loop_time(server->loop) + time);
  start_protocol(connection, NULL, 0, tn_transport_is_http2(&connection->transport));
}

static void transport_ready(tn_transport *transport, int events) {
  tn_connection *connection = TN_CONTAINER(transport, tn_connection, transport);
  if (events & TN_HANGUP) connection->is_hung_up = true;
  if (connection->class != NULL) {
    connection->class->ready(connection, events);
  } else if (!transport->handshake_done) {
    continue_handshake(connection);
  } else if (connection->server->options.http2) {
    find_protocol(connection);
  } else {
    start_protocol(connection, NULL, 0, false);
  }
}

/* ---- accepting ------------------------------------------------------------------------------- */

static void take_connection(tn_http_server *server, int descriptor,
                            const struct sockaddr_storage *peer, tn_tls_context *tls) {
  tn_client_count *client = NULL;
  if (server->options.max_connections_per_client > 0) {
    client = tn_clients_enter(&server->clients, (const struct sockaddr *)peer,
                              server->options.max_connections_per_client);
    if (client == NULL) {
      tn_acceptor_refuse(&server->acceptor, descriptor);
      return;
    }
  }
  server_connection *own = tn_calloc(1, sizeof *own);
  if (own == NULL) {
    tn_clients_leave(&server->clients, client);
    tn_acceptor_refuse(&server->acceptor, descriptor);
    return;
  }
  tn_connection *connection = &own->base;
  tn_error *error = tn_transport_start(&connection->transport, server->loop, descriptor,
                                       transport_ready, tls, (tn_str){0});
  if (error != NULL) {
    tn_error_delete(error);
    tn_clients_leave(&server->clients, client);
    tn_free(own);
    tn_http_count(&server->counters.refused_connections, 1);
    return;
  }
  own->client = client;
  connection->server = server;
  connection->peer = *peer;
  connection->is_tls = tls != NULL;
  connection->alarm.func = alarm_fired;
  connection->is_idle = true;
  link_connection(connection);
  tn_http_count(&server->counters.connections, 1);
  tn_http_count(&server->counters.open_connections, 1);
  tn_http_count(&server->counters.idle_connections, 1);
  uint64_t time = tls != NULL ? server->options.tls_timeout : server->options.header_timeout;
  if (time > 0) tn_connection_set_deadline(connection, tn_loop_time(server->loop) + time);
}

void tn_http_server_change_options(tn_http_server *server, const tn_http_server_options *options) {
  bool http2 = server->options.http2;
  server->options = *options;
  server->options.http2 = http2;
  tn_acceptor_has_room(&server->acceptor); /* there may be */
}

tn_error *tn_http_server_listen(tn_http_server *server, int descriptor, tn_tls_context *tls) {
  return tn_acceptor_listen(&server->acceptor, descriptor, tls);
}

void tn_http_server_unlisten(tn_http_server *server, int descriptor) {
  tn_acceptor_unlisten(&server->acceptor, descriptor);
}

void tn_http_server_change_tls(tn_http_server *server, int descriptor, tn_tls_context *tls) {
  tn_acceptor_change_tls(&server->acceptor, descriptor, tls);
}

/* ---- the server ------------------------------------------------------------------------------ */

void tn_http_server_options_init(tn_http_server_options *options) {
  static const uint64_t second = 1000000000;
  *options = (tn_http_server_options){
      .max_header_count = 100,
      .max_header_bytes = 32768,
      .max_body_bytes = UINT64_MAX,
      .max_connections = 16384,
      .max_connections_per_client = 0,
      .max_streams = 128,
      .write_buffer_bytes = 262144,
      .header_timeout = 10 * second,
      .body_timeout = 30 * second,
      .write_timeout = 30 * second,
      .idle_timeout = 75 * second,
      .half_close_timeout = second,
      .tls_timeout = 10 * second,
      .drain_grace = second,
      .http2 = true,
  };
}

static void drained_func(tn_deferred *deferred) {
  tn_http_server *server = TN_CONTAINER(deferred, tn_http_server, drained);
  void (*done)(void *data) = server->done;
  server->done = NULL;
  if (done != NULL) done(server->done_data);
}

tn_error *tn_http_server_new(tn_loop *loop, const tn_http_server_options *options,
                             const tn_http_handler *handler, void *data, tn_http_server **out) {
  tn_http_server *server = tn_calloc(1, sizeof *server);
  if (server == NULL) return tn_error_no_memory();
  server->loop = loop;
  server->options = *options;
  server->handler = *handler;
  server->data = data;
  server->pool = tn_http1_pool_new();
  server->drained.func = drained_func;
  server->acceptor = (tn_acceptor){
      .server = server,
      .loop = loop,
      .options = &server->options,
      .counters = &server->counters,
      .accept = take_connection,
  };
  tn_error *error =
      server->pool == NULL ? tn_error_no_memory() : tn_acceptor_start(&server->acceptor);
  ssize_t size = sizeof server->clients.seed;
  if (error == NULL && getrandom(&server->clients.seed, (size_t)size, 0) != size)
    error = tn_error_new(TN_ERROR_IO, "cannot get random bytes: %s", strerror(errno));
  if (error == NULL) {
    *out = server;
    return NULL;
  }
  tn_http_server_delete(server);
  return error;
}

void tn_http_server_delete(tn_http_server *server) {
  if (server == NULL) return;
  server->is_deleting = true;
  tn_loop_undefer(server->loop, &server->drained);
  tn_acceptor_stop(&server->acceptor);
  while (server->busy != NULL)
    tn_connection_end(server->busy, TN_HTTP_CONNECTION_TERMINATED, false);
  while (server->idle != NULL)
    tn_connection_end(server->idle, TN_HTTP_CONNECTION_TERMINATED, false);
  tn_clients_free(&server->clients);
  tn_http1_pool_release(server->pool);
  tn_free(server);
}

static void read_first(tn_deferred *deferred) {
  tn_connection *connection = TN_CONTAINER(deferred, tn_connection, deferred);
  transport_ready(&connection->transport, TN_READABLE);
}

/* A connection that has not said anything that was read: what has come of a request is answered. */
static void drain_new(tn_connection *connection) {
  tn_loop *loop = connection->server->loop;
  uint64_t until = tn_loop_time(loop) + connection->server->options.drain_grace;
  if (!connection->transport.handshake_done) tn_connection_set_deadline(connection, until);
  if (connection->deferred.is_linked) return;
  connection->deferred.func = read_first;
  tn_loop_defer(loop, &connection->deferred);
}

static void drain_list(tn_connection *first) {
  for (tn_connection *at = first, *next; at != NULL; at = next) {
    next = at->next;
    if (at->class != NULL)
      at->class->drain(at);
    else
      drain_new(at);
  }
}

void tn_http_server_drain(tn_http_server *server, void (*done)(void *data), void *data) {
  server->done = done;
  server->done_data = data;
  if (server->is_draining) return;
  server->is_draining = true;
  tn_acceptor_unlisten_all(&server->acceptor);
  drain_list(server->idle);
  drain_list(server->busy);
  check_drained(server);
}

void tn_http_server_flush_pending(tn_http_server *server) {
  for (tn_connection *at = server->busy; at != NULL; at = at->next) {
    if (at->deferred.is_linked && at->class->flush != NULL) at->class->flush(at);
  }
}
