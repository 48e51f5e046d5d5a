/* An address that a server listens on. Each worker has a socket of its own, among which the kernel divides new
 * connections (SO_REUSEPORT); those that exist once only, Unix sockets and inherited ones, all workers accept from. */
#ifndef TN_SERVE_LISTENER_H
#define TN_SERVE_LISTENER_H

#include <sys/types.h>
#include <sys/un.h>

#include "base/vec.h"
#include "http/tls.h"
#include "serve/observe/log.h"
#include "serve/settings/config.h"

/* A socket file that we have made. Nothing else may be removed in its name: another server may have put its own there. */
typedef struct tn_socket_file {
  char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* "": none */
  dev_t device;
  ino_t inode;
} tn_socket_file;

typedef struct tn_listening_socket {
  uint32_t worker;
  int descriptor; /* the worker's, once it was given it */
} tn_listening_socket;

typedef struct tn_listening {
  const tn_serve_listen *listen; /* of a configuration that lives as long */
  uint32_t worker_count;
  tn_tls_context *tls; /* a reference; NULL: plain */
  tn_socket_file file; /* removed at its end */
  tn_arena arena;
  TN_VEC(tn_listening_socket) sockets;
  struct tn_listening *next;
  struct tn_listening *previous; /* while listeners.c makes a change: what it goes on with */
} tn_listening;

/* Makes its sockets, for all workers. On failure those that were made are there all the same. */
tn_error *tn_listening_open(tn_listening *listening);
/* Says in the log what it listens on, before workers have the sockets. */
void tn_listening_announce(const tn_listening *listening, tn_log *log);
/* Closes sockets that no worker was given. */
void tn_listening_close(tn_listening *listening);
void tn_listening_free(tn_listening *listening);

/* One socket at an address where nobody else listens: with SO_REUSEPORT the kernel would let two servers share it. */
tn_error *tn_listen_alone(tn_str address, int backlog, int *out);

#endif
