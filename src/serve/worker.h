/* A worker: one thread with a loop, an HTTP server with listening sockets of its own, an HTTP client, and the requests
 * that came in there, from beginning to end. Workers share nothing but generations (see generation.h), permits (see
 * admission.h) and what the engine shares. */
#ifndef TN_SERVE_WORKER_H
#define TN_SERVE_WORKER_H

#include <pthread.h>

#include "serve/generation.h"
#include "serve/instance_pool.h"
#include "serve/observe/log.h"
#include "serve/request/request.h"
#include "serve/observe/trace.h"

typedef struct tn_server tn_server;

/* One component of a generation, as one worker uses it. */
struct tn_worker_component {
  tn_generation_component *shared;
  struct tn_worker_generation *generation;
  tn_component_metrics *metrics; /* this worker's */
  tn_instance_pool pool;
  tn_request_queue queue;
};

/* Invariant: `uses` counts its requests, queued ones too; once it is not the worker's current one, it is freed when they
 * have gone. */
typedef struct tn_worker_generation {
  tn_generation *shared; /* a reference */
  tn_worker *worker;
  uint32_t uses;
  struct tn_worker_generation *next; /* older */
  tn_worker_component components[];
} tn_worker_generation;

typedef enum tn_worker_state {
  TN_WORKER_SERVING,
  TN_WORKER_DRAINING, /* no new connections; ends when the last one has gone */
  TN_WORKER_ENDING,   /* guests are being cancelled; ends when the last one has */
} tn_worker_state;

struct tn_worker {
  tn_server *server;
  uint32_t number;
  pthread_t thread;
  bool has_thread;
  tn_worker_state state;
  bool is_drained; /* no connection is left */
  tn_loop *loop;
  tn_http_server *http;
  tn_http_client *client;
  tn_log *log;
  tn_ids ids;
  tn_component_metrics *unrouted;    /* of requests without a route; NULL: there was none */
  tn_worker_generation *generations; /* newest first: the first is the current one */
  tn_request *requests;              /* that are running or queued */
  tn_request *free_requests;
  uint32_t idle_instances; /* of all pools */
  uint32_t max_idle_instances;
  tn_deferred admit;     /* to look at the queues at the end of this turn */
  tn_alarm trim;         /* set when something has ended, whose memory may have to be given back */
  tn_deferred flush_log; /* likewise to hand lines over */

  /* Other threads write these. */
  _Atomic(tn_generation *) incoming; /* a reference: to be adopted */
  _Atomic uint32_t waiting;          /* requests in its queues */
  atomic_bool is_kicked;             /* has been told to look at them */
};

/* Makes everything but the thread. */
tn_error *tn_worker_init(tn_worker *worker, tn_server *server, uint32_t number,
                         tn_generation *generation);
tn_error *tn_worker_start(tn_worker *worker);
/* A thread that takes no signals but its own faults, which are guests' traps: handlers run on the embedder's threads. */
tn_error *tn_worker_start_thread(pthread_t *thread, void *(*func)(void *argument), void *argument);
/* Waits for the thread, if there is one, and frees everything. */
void tn_worker_free(tn_worker *worker);

/* The following five: any thread. */
/* Has a function called on its thread, for what must not be lost, from a thread that may wait. False: there was no memory
 * for it for a tenth of a second. */
bool tn_worker_post(tn_worker *worker, void (*func)(void *argument), void *argument);
void tn_worker_adopt(tn_worker *worker, tn_generation *generation);
void tn_worker_drain(tn_worker *worker);
/* Cancels all guests and ends. */
void tn_worker_end(tn_worker *worker);
/* There may be a permit for one of its queued requests. */
void tn_worker_kick(tn_worker *worker);

/* The following: on its own thread. */
static inline tn_worker_generation *tn_worker_current(const tn_worker *worker) {
  return worker->generations;
}
void tn_worker_release_generation(tn_worker_generation *generation);
/* Queues are looked at at the end of this turn. */
void tn_worker_admit_later(tn_worker *worker);
void tn_worker_flush_log_later(tn_worker *worker);
/* Something that may have had much memory has ended. Costs nothing worth mentioning. */
void tn_worker_trim_later(tn_worker *worker);
/* A request has gone. */
void tn_worker_check_end(tn_worker *worker);

#endif
