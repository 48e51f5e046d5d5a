/* The server: the object behind tn_server of tenon.h. Its own thread, the one that calls tn_server_run, has a loop too:
 * for stopping, reloading and watching; it answers no requests. */
#ifndef TN_SERVE_SERVER_H
#define TN_SERVE_SERVER_H

#include "serve/observe/admin.h"
#include "serve/generation.h"
#include "serve/listeners.h"
#include "serve/notify.h"
#include "serve/watch.h"
#include "serve/worker.h"

typedef enum tn_server_state {
  TN_SERVER_STARTING,
  TN_SERVER_READY,
  TN_SERVER_DRAINING,
  TN_SERVER_ENDING,
} tn_server_state;

/* Invariants: the list of generations has all that live, the current one first; each reload that runs (`is_reloading`)
 * has the references that it needs. */
struct tn_server {
  tn_generation_maker maker;
  tn_log *log;
  tn_worker *workers;
  uint32_t worker_count;
  uint32_t max_idle_instances; /* kept by each worker */
  tn_engine_options engine;    /* what the engine was made with, but for the cache's folder */
  uint32_t max_concurrent; /* that the engine's pool has room for: permits.limit is not above it */
  tn_listeners listeners;
  tn_admin *admin;

  tn_permits permits;         /* requests under way */
  _Atomic uint32_t waiting;   /* in queues of all workers */
  _Atomic uint64_t next_trim; /* when a worker may look again whether memory is to be given back */

  /* Of the server's thread. */
  tn_loop *loop;
  tn_generation *generations;
  tn_watch watch;
  tn_notify notify;
  tn_alarm watchdog;
  tn_alarm drain_deadline;
  tn_alarm end_deadline;
  uint32_t running_workers;
  bool is_reloading;
  bool is_stuck;     /* see tn_server_is_stuck */
  bool reload_again; /* was asked for while it was reloading */

  /* Written by any thread and by signal handlers; `wakeup` makes the server look. */
  int wakeup;
  tn_io wakeup_io;
  atomic_uint stops;
  atomic_bool reload_wanted;
  atomic_bool reopen_wanted;
  _Atomic tn_server_state state;
};

/* For workers. Any thread. */
static inline bool tn_server_is_ending(tn_server *server) {
  return atomic_load(&server->state) == TN_SERVER_ENDING;
}
void tn_server_release_generation(tn_server *server, tn_generation *generation);
/* A permit was given back while requests wait somewhere: `worker`, whose thread it is, looks at its queues, and the others
 * that have any do. */
void tn_server_permit_is_free(tn_server *server, tn_worker *worker);
void tn_server_worker_has_ended(tn_server *server);
/* On the server's thread: ends its loop when nothing is left to wait for. */
void tn_server_check_end(tn_server *server);

/* The largest memory that an instance may have by this configuration. */
uint64_t tn_server_largest_memory(const tn_serve_config *config);

/* Says in the log which links of the generation that serves take no part. */
void tn_server_warn_of_links(tn_server *server);

/* reload.c: on the server's thread. */
void tn_server_start_reload(tn_server *server);

#endif
