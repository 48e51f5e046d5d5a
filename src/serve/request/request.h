/* The life of a request: route, admission, instance, answer, log. */
#ifndef TN_SERVE_REQUEST_REQUEST_H
#define TN_SERVE_REQUEST_REQUEST_H

#include "serve/instance_pool.h"
#include "serve/observe/metrics.h"

/* Of an exchange, from the handler's call until both the guest has ended and the exchange is released. Invariants:
 * in its worker's list; `pooled` is NULL until it has been admitted. */
typedef struct tn_request tn_request;
struct tn_request {
  tn_worker *worker;
  tn_worker_component *component; /* NULL: there is no route */
  tn_http_exchange *exchange;
  tn_str mount; /* the route's path */
  tn_trace trace;
  tn_pooled *pooled;
  tn_wasi_http_handle_params params;
  tn_values values;
  tn_error *error; /* how the guest ended, if it did not return */
  /* for the log, if there is no error: why it was answered so, or why it ended; static */
  const char *reason;
  tn_str detail;    /* likewise what the guest said of its failure; in the exchange's arena */
  uint64_t started; /* when it got its instance */
  tn_component_metrics *awaiting; /* in which its duration is counted when its response has left */
  int status;                     /* of the answer; 0: there is none yet */
  int refusal;                    /* the status that is due to it; 0: none */
  bool is_queued;
  bool is_closed; /* the client is gone */
  tn_alarm queue_alarm;
  tn_request *queue_next;
  tn_request *queue_previous;
  tn_request *next;
  tn_request *previous;
};

typedef struct tn_request_queue {
  tn_request *first;
  tn_request *last;
} tn_request_queue;

/* Who answers the requests of a worker; the data is the worker. */
extern const tn_http_handler tn_request_handler;

/* Starts queued requests of a component while there are permits. */
void tn_request_admit_queued(tn_worker_component *component);
/* Ends it because the server ends: a queued one is answered, a running one cancelled. */
void tn_request_end(tn_request *request);

#endif
