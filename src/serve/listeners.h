/* All addresses that a server listens on, and how they change at a reload: those that are new are opened before anything
 * else changes, so that a reload can still fail; those that are gone take whoever has connected, and no more. */
#ifndef TN_SERVE_LISTENERS_H
#define TN_SERVE_LISTENERS_H

#include "serve/listener.h"

typedef struct tn_worker tn_worker;

/* `next` and its like belong to the server's thread, and to that of a reload while one runs. */
typedef struct tn_listeners {
  tn_listening *first;
  tn_worker *workers;
  uint32_t worker_count;
  bool http2; /* what TLS offers */
  tn_log *log;
} tn_listeners;

/* What is to be listened on. Zeroed: nothing. */
typedef struct tn_listeners_change {
  tn_listening *first;
} tn_listeners_change;

/* Opens what is not listened on yet, reads certificates (again). On failure nothing has changed, but that certificates
 * which could be read are new. May be another thread than the server's. */
tn_error *tn_listeners_prepare(const tn_listeners *listeners, const tn_serve_config *config,
                               tn_listeners_change *out);
/* Does it. The configuration that it was prepared with is the server's from here on, the one before lives until it
 * returns. The error is that of a worker that could not be told; the others go on. */
tn_error *tn_listeners_apply(tn_listeners *listeners, tn_listeners_change *change);
/* Does not. */
void tn_listeners_abandon(tn_listeners_change *change);
/* Removes the files of its Unix sockets. The sockets are the workers'. */
void tn_listeners_free(tn_listeners *listeners);

#endif
