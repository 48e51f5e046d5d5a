/* The addresses that a server listens on. Each worker has sockets of its own, among which the kernel divides new
 * connections (SO_REUSEPORT); those that exist once only, Unix sockets and inherited ones, all workers accept from. */
#ifndef TN_SERVE_LISTENER_H
#define TN_SERVE_LISTENER_H

#include <sys/types.h>
#include <sys/un.h>

#include "http/tls.h"
#include "serve/settings/config.h"
#include "serve/observe/log.h"

typedef struct tn_worker tn_worker;

/* A socket file that we have made. Nothing else may be removed in its name: another server may have put its own there. */
typedef struct tn_socket_file {
  char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* "": none */
  dev_t device;
  ino_t inode;
} tn_socket_file;

typedef struct tn_listeners {
  tn_tls_context **tls;  /* one for each listen of the configuration; NULL: plain */
  tn_socket_file *files; /* likewise */
  uint32_t count;
} tn_listeners;

/* Opens all of them for all workers. */
tn_error *tn_listeners_open(tn_listeners *listeners, const tn_serve_config *config,
                            tn_worker *workers, uint32_t worker_count, tn_log *log);
/* One socket at an address where nobody else listens: with SO_REUSEPORT the kernel would let two servers share it. */
tn_error *tn_listen_alone(tn_str address, int backlog, int *out);
/* Reads the certificates again. The error is the first; the others are tried all the same. */
tn_error *tn_listeners_reload(tn_listeners *listeners);
/* Removes the files of its Unix sockets. */
void tn_listeners_free(tn_listeners *listeners);

#endif
