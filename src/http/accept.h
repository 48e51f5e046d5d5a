/* Listening sockets of a server, and connections that come in at them as far as there is room. */
#ifndef TN_HTTP_ACCEPT_H
#define TN_HTTP_ACCEPT_H

#include <sys/socket.h>

#include "http/reserve.h"
#include "http/server.h"

typedef struct tn_http_listener tn_http_listener;

/* Takes the descriptor over. */
typedef void (*tn_accept_func)(tn_http_server *server, int descriptor,
                               const struct sockaddr_storage *peer, tn_tls_context *tls);

/* Invariant: `resume` is set while a listener has more and there is room. */
typedef struct tn_acceptor {
  tn_http_server *server;
  tn_loop *loop;
  const tn_http_server_options *options;
  tn_http_server_counters *counters;
  tn_accept_func accept;
  tn_http_listener *listeners;
  tn_alarm resume;
  tn_reserve reserve; /* the last one is for sending those away that cannot be accepted */
} tn_acceptor;

/* `server`, `loop`, `options`, `counters` and `accept` are set. */
tn_error *tn_acceptor_start(tn_acceptor *acceptor);
tn_error *tn_acceptor_listen(tn_acceptor *acceptor, int descriptor, tn_tls_context *tls);
/* Those who have connected are accepted before the socket is closed, which would reset them. */
void tn_acceptor_unlisten(tn_acceptor *acceptor, int descriptor);
void tn_acceptor_change_tls(tn_acceptor *acceptor, int descriptor, tn_tls_context *tls);
/* Likewise for all sockets. */
void tn_acceptor_unlisten_all(tn_acceptor *acceptor);
/* A connection has ended, or more are allowed. */
void tn_acceptor_has_room(tn_acceptor *acceptor);
/* Closes everything at once. */
void tn_acceptor_stop(tn_acceptor *acceptor);

/* Closes what cannot be served, and counts it. */
void tn_acceptor_refuse(tn_acceptor *acceptor, int descriptor);

#endif
