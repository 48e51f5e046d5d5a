/* What a server counts. Each worker writes counters of its own (plain relaxed stores, no lock, no allocation) and the
 * admin address adds them up. Counters belong to names of components, not to generations of the configuration, so that
 * they go on through reloads. */
#ifndef TN_SERVE_OBSERVE_METRICS_H
#define TN_SERVE_OBSERVE_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/buffer.h"
#include "http/client/client.h"
#include "http/server.h"
#include "tenon.h"

typedef enum tn_metric_method {
  TN_METRIC_GET,
  TN_METRIC_HEAD,
  TN_METRIC_POST,
  TN_METRIC_PUT,
  TN_METRIC_DELETE,
  TN_METRIC_PATCH,
  TN_METRIC_OPTIONS,
  TN_METRIC_OTHER_METHOD,
  TN_METRIC_METHODS,
} tn_metric_method;

enum {
  TN_METRIC_STATUSES = 600, /* status 0: cut off without one */
  TN_METRIC_BUCKETS = 19,
  TN_METRIC_TRAPS = 32, /* by tn_error_kind */
};

/* Of one component on one worker, who alone writes it. */
typedef struct tn_component_metrics {
  _Atomic uint64_t requests[TN_METRIC_METHODS][TN_METRIC_STATUSES];
  /* requests, by the time until the response was complete */
  _Atomic uint64_t durations[TN_METRIC_BUCKETS];
  _Atomic uint64_t duration_sum;      /* ns */
  _Atomic uint64_t instance_time_sum; /* ns that guests had requests */
  _Atomic uint64_t running_time_sum;  /* ns of it that they had a thread, not waiting */
  _Atomic uint64_t in_flight;
  _Atomic uint64_t queued;
  _Atomic uint64_t rejected;  /* 503: the queue was full, or they waited too long in it */
  _Atomic uint64_t cancelled; /* the client went away */
  _Atomic uint64_t instances_created;
  _Atomic uint64_t instances_live;
  _Atomic uint64_t instances_pooled; /* warm, or kept, and waiting for a request */
  _Atomic uint64_t memory_peak;      /* bytes of linear memory of the largest instance so far */
  _Atomic uint64_t traps[TN_METRIC_TRAPS];
  _Atomic uint64_t fuel;
  _Atomic uint64_t bytes_in;
  _Atomic uint64_t bytes_out;
} tn_component_metrics;

static inline void tn_metric_add(_Atomic uint64_t *metric, uint64_t amount) {
  uint64_t value = atomic_load_explicit(metric, memory_order_relaxed);
  atomic_store_explicit(metric, value + amount, memory_order_relaxed);
}

static inline void tn_metric_subtract(_Atomic uint64_t *metric, uint64_t amount) {
  tn_metric_add(metric, 0 - amount);
}

static inline void tn_metric_raise(_Atomic uint64_t *metric, uint64_t value) {
  if (value > atomic_load_explicit(metric, memory_order_relaxed))
    atomic_store_explicit(metric, value, memory_order_relaxed);
}

/* A request that has been answered, or cut off (status 0). Times in nanoseconds. */
typedef struct tn_metric_request {
  tn_str method;
  int status;
  uint64_t duration; /* from its head's arrival; UINT64_MAX: tn_metrics_record_duration will say */
  uint64_t instance_time;
  uint64_t running_time;
  uint64_t bytes_in;
  uint64_t bytes_out;
  uint64_t fuel;
} tn_metric_request;
/* On the worker's thread. */
void tn_metrics_record(tn_component_metrics *metrics, const tn_metric_request *request);
/* Of a request that was recorded before its response had left. */
void tn_metrics_record_duration(tn_component_metrics *metrics, uint64_t duration);

/* ---- the whole server's ------------------------------------------------------------------------------- */

/* Thread-safe: a mutex for the functions below; counters are written without. */
typedef struct tn_metrics tn_metrics;

tn_error *tn_metrics_new(uint32_t workers, tn_metrics **out);
void tn_metrics_delete(tn_metrics *metrics);
/* An array with one element for each worker; the same for the same name, for as long as `metrics` lives. */
tn_error *tn_metrics_component(tn_metrics *metrics, tn_str name, tn_component_metrics **out);
/* Where a worker's counters are; they live until tn_metrics_clear_worker. NULL: it has none. */
void tn_metrics_set_worker(tn_metrics *metrics, uint32_t worker,
                           const tn_http_server_counters *server,
                           const tn_http_client_counters *client);
/* Keeps the last values of a worker that ends. */
void tn_metrics_clear_worker(tn_metrics *metrics, uint32_t worker);
void tn_metrics_count_reload(tn_metrics *metrics, bool has_succeeded);
/* The text form that Prometheus reads, version 0.0.4. `log_lost`: lines of the log that could not be written. */
void tn_metrics_print_text(tn_metrics *metrics, uint64_t log_lost, tn_buffer *out);
/* The same as one JSON object, for the status page. */
void tn_metrics_print_json(tn_metrics *metrics, uint64_t log_lost, tn_buffer *out);

#endif
