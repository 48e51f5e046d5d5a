/* The instances of one component on one worker: made for a request, made in advance, or kept from an earlier request. */
#ifndef TN_SERVE_INSTANCE_POOL_H
#define TN_SERVE_INSTANCE_POOL_H

#include "api/api.h"
#include "serve/output.h"
#include "serve/observe/trace.h"
#include "wasi/http/http.h"

typedef struct tn_worker tn_worker;
typedef struct tn_worker_component tn_worker_component;

/* An instance with what it needs to answer requests. Invariant: in its pool's list while it is idle. */
typedef struct tn_pooled tn_pooled;
struct tn_pooled {
  tn_worker_component *component;
  tn_instance *instance;
  tn_wasi_http *http;
  bool is_live;     /* it has been instantiated and has not ended */
  bool is_restored; /* it has ended, and its instance is as good as fresh */
  uint32_t uses;    /* requests that it has been given */
  uint64_t idle_since;
  tn_lines output;
  /* What its outgoing requests carry: traceparent, tracestate. */
  tn_http_fields outgoing;
  tn_http_field outgoing_items[2];
  tn_trace trace;
  tn_pooled *next;
  tn_pooled *previous;
};

/* Idle instances, the one used last first: those at the end may be too old. `ended` has the memory of some whose guests
 * have ended, and those that have been restored, for others. */
typedef struct tn_instance_pool {
  tn_pooled *first;
  tn_pooled *last;
  uint32_t count;
  tn_pooled *ended;
  uint32_t ended_count;
  tn_alarm expiry;    /* set while there are some that get too old */
  tn_deferred refill; /* to make some in advance */
} tn_instance_pool;

/* For tn_wasi_config_set_output_callback: what the instance with `user` `data`, a tn_pooled, writes. */
void tn_pooled_write_output(void *data, int stream, const uint8_t *bytes, size_t size);

/* Starts making instances in advance, if that is wanted. */
void tn_instance_pool_start(tn_worker_component *component);
/* Ends all idle instances; none is kept or made in advance afterwards. */
void tn_instance_pool_stop(tn_worker_component *component);

/* An idle instance, or a new one. */
tn_error *tn_instance_pool_take(tn_worker_component *component, tn_pooled **out);
/* Ends it, or keeps it for another request if it may be and `is_sound`: it did not fail. */
void tn_instance_pool_give(tn_pooled *pooled, bool is_sound);

#endif
