#include "serve/instance_pool.h"

#include "base/alloc.h"
#include "base/container.h"
#include "base/error.h"
#include "serve/server.h"
#include "serve/worker.h"

static tn_worker *worker_of(const tn_worker_component *component) {
  return component->generation->worker;
}

static bool is_current(const tn_worker_component *component) {
  const tn_worker *worker = worker_of(component);
  return worker->state == TN_WORKER_SERVING && tn_worker_current(worker) == component->generation;
}

/* ---- making and ending --------------------------------------------------------------------------------- */

/* The first of those that have ended. */
static void take_ended(tn_pooled *pooled) {
  tn_instance_pool *pool = &pooled->component->pool;
  pool->ended = pooled->next;
  pool->ended_count--;
  if (pooled->is_restored) worker_of(pooled->component)->idle_instances--;
}

static tn_pooled *pooled_new(tn_worker_component *component) {
  tn_instance_pool *pool = &component->pool;
  tn_pooled *pooled = pool->ended;
  if (pooled != NULL) {
    take_ended(pooled);
  } else if ((pooled = tn_calloc(1, sizeof *pooled)) == NULL) {
    return NULL;
  }
  *pooled = (tn_pooled){
      .component = component,
      .instance = pooled->instance,
      .http = pooled->http,
      .output = {.log = worker_of(component)->log, .component = component->shared->config->name},
  };
  return pooled;
}

static void pooled_free(tn_pooled *pooled) {
  tn_instance_delete(pooled->instance);
  tn_wasi_http_delete(pooled->http);
  tn_free(pooled);
}

static bool can_restore(const tn_pooled *pooled) {
  const tn_worker *worker = worker_of(pooled->component);
  return pooled->component->shared->config->restores &&
         worker->idle_instances < worker->max_idle_instances;
}

/* Ends the guest; if it `is_sound`, its instance may be restored. */
static void end_guest(tn_pooled *pooled, bool is_sound) {
  if (pooled->instance == NULL) return;
  if (!is_sound || !can_restore(pooled)) {
    tn_instance_end(pooled->instance);
    return;
  }
  pooled->is_restored = tn_instance_retire(pooled->instance);
  if (pooled->is_restored) worker_of(pooled->component)->idle_instances++;
}

/* What is kept of it is memory, with a restored instance or without: another instance is made with it. */
static void pooled_end(tn_pooled *pooled, bool is_sound) {
  enum { MAX_ENDED = 64 };
  tn_worker_component *component = pooled->component;
  tn_instance_pool *pool = &component->pool;
  bool is_kept = pool->ended_count < MAX_ENDED && pooled->http != NULL && is_current(component);
  end_guest(pooled, is_sound && is_kept);
  if (pooled->http != NULL) tn_wasi_http_shrink(pooled->http);
  if (pooled->is_live) tn_metric_subtract(&component->metrics->instances_live, 1);
  tn_lines_free(&pooled->output);
  if (!is_kept) {
    pooled_free(pooled);
    return;
  }
  pooled->next = pool->ended;
  pool->ended = pooled;
  pool->ended_count++;
}

/* While a guest computes, its worker does nothing else: what others have written must leave all the same, and the end of
 * the server must not wait for it. */
static tn_error *on_tick(void *user) {
  const tn_pooled *pooled = user;
  tn_worker *worker = worker_of(pooled->component);
  tn_http_server_flush_pending(worker->http);
  if (!tn_server_is_ending(worker->server)) return NULL;
  return tn_error_new(TN_ERROR_CANCELLED, "the server ends");
}

static tn_error *instantiate(tn_pooled *pooled) {
  tn_worker_component *component = pooled->component;
  tn_instance_options options = component->shared->options;
  options.user = pooled;
  if (pooled->instance != NULL) return tn_instance_renew(pooled->instance, &options);
  return tn_instance_new_on(component->shared->linked, &options, worker_of(component)->loop,
                            &pooled->instance);
}

static tn_error *set_up(tn_pooled *pooled) {
  tn_worker_component *component = pooled->component;
  TN_TRY(instantiate(pooled));
  pooled->is_live = true;
  pooled->instance->on_tick = on_tick;
  tn_metric_add(&component->metrics->instances_created, 1);
  tn_metric_add(&component->metrics->instances_live, 1);
  pooled->outgoing = (tn_http_fields){.items = pooled->outgoing_items, .cap = 2};
  tn_wasi_http_options http = {
      .wasi = pooled->instance->wasi,
      .client = worker_of(component)->client,
      .outgoing_fields = &pooled->outgoing,
  };
  if (pooled->http == NULL) {
    TN_TRY(tn_wasi_http_new(&http, &pooled->http));
  } else {
    tn_wasi_http_renew(pooled->http, &http);
  }
  pooled->instance->instantiated.runtime.states[TN_STATE_HTTP] = pooled->http;
  return NULL;
}

static tn_error *pooled_make(tn_worker_component *component, tn_pooled **out) {
  tn_pooled *pooled = pooled_new(component);
  if (pooled == NULL) return tn_error_no_memory();
  tn_error *error = set_up(pooled);
  if (error != NULL) {
    pooled_end(pooled, false);
    return error;
  }
  *out = pooled;
  return NULL;
}

void tn_pooled_write_output(void *data, int stream, const uint8_t *bytes, size_t size) {
  tn_pooled *pooled = data;
  tn_lines_write(&pooled->output, stream, bytes, size);
  tn_worker_flush_log_later(worker_of(pooled->component));
}

/* ---- the list of idle ones ------------------------------------------------------------------------------ */

static void count_idle(tn_worker_component *component, int change) {
  component->pool.count += (uint32_t)change;
  worker_of(component)->idle_instances += (uint32_t)change;
  tn_metric_add(&component->metrics->instances_pooled, (uint64_t)(int64_t)change);
}

static void push(tn_pooled *pooled) {
  tn_instance_pool *pool = &pooled->component->pool;
  pooled->idle_since = tn_loop_time(worker_of(pooled->component)->loop);
  pooled->previous = NULL;
  pooled->next = pool->first;
  if (pool->first != NULL) {
    pool->first->previous = pooled;
  } else {
    pool->last = pooled;
  }
  pool->first = pooled;
  count_idle(pooled->component, 1);
}

static void unlink_idle(tn_pooled *pooled) {
  tn_instance_pool *pool = &pooled->component->pool;
  if (pooled->previous != NULL) {
    pooled->previous->next = pooled->next;
  } else {
    pool->first = pooled->next;
  }
  if (pooled->next != NULL) {
    pooled->next->previous = pooled->previous;
  } else {
    pool->last = pooled->previous;
  }
  count_idle(pooled->component, -1);
}

/* ---- getting too old ------------------------------------------------------------------------------------ */

static bool can_expire(const tn_pooled *pooled) {
  return pooled->uses > 0 && pooled->component->shared->config->idle_timeout != 0;
}

/* Sets the alarm for the oldest that can get too old, if it is not set. Without memory for it they stay. */
static void set_expiry(tn_worker_component *component) {
  tn_instance_pool *pool = &component->pool;
  if (pool->expiry.place != 0) return;
  tn_pooled *oldest = pool->last;
  while (oldest != NULL && !can_expire(oldest))
    oldest = oldest->previous;
  if (oldest == NULL) return;
  uint64_t deadline = oldest->idle_since + component->shared->config->idle_timeout;
  tn_error_delete(tn_alarm_set(worker_of(component)->loop, &pool->expiry, deadline));
}

static void expire(tn_alarm *alarm) {
  tn_worker_component *component = TN_CONTAINER(alarm, tn_worker_component, pool.expiry);
  uint64_t now = tn_loop_time(worker_of(component)->loop);
  uint64_t timeout = component->shared->config->idle_timeout;
  for (tn_pooled *pooled = component->pool.last, *newer; pooled != NULL; pooled = newer) {
    newer = pooled->previous;
    if (!can_expire(pooled)) continue;
    if (now - pooled->idle_since < timeout) break;
    unlink_idle(pooled);
    pooled_end(pooled, false);
  }
  set_expiry(component);
}

/* ---- making them in advance ----------------------------------------------------------------------------- */

/* A failure is not told here: the request that then needs an instance says what is wrong. */
static void refill(tn_deferred *deferred) {
  tn_worker_component *component = TN_CONTAINER(deferred, tn_worker_component, pool.refill);
  if (!is_current(component)) return;
  while (component->pool.count < component->shared->config->warm) {
    tn_pooled *pooled;
    tn_error *error = pooled_make(component, &pooled);
    if (error != NULL) {
      tn_error_delete(error);
      return;
    }
    push(pooled);
  }
}

static void refill_later(tn_worker_component *component) {
  if (component->pool.count < component->shared->config->warm)
    tn_loop_defer(worker_of(component)->loop, &component->pool.refill);
}

void tn_instance_pool_start(tn_worker_component *component) {
  component->pool.expiry.func = expire;
  component->pool.refill.func = refill;
  refill_later(component);
}

void tn_instance_pool_stop(tn_worker_component *component) {
  tn_instance_pool *pool = &component->pool;
  tn_alarm_clear(worker_of(component)->loop, &pool->expiry);
  tn_loop_undefer(worker_of(component)->loop, &pool->refill);
  while (pool->first != NULL) {
    tn_pooled *pooled = pool->first;
    unlink_idle(pooled);
    pooled_end(pooled, false);
  }
  while (pool->ended != NULL) {
    tn_pooled *pooled = pool->ended;
    take_ended(pooled);
    pooled_free(pooled);
  }
}

/* ---- taking and giving ---------------------------------------------------------------------------------- */

tn_error *tn_instance_pool_take(tn_worker_component *component, tn_pooled **out) {
  tn_pooled *pooled = component->pool.first;
  if (pooled != NULL) {
    unlink_idle(pooled);
    refill_later(component);
  } else {
    TN_TRY(pooled_make(component, &pooled));
  }
  pooled->uses++;
  *out = pooled;
  return NULL;
}

static bool may_keep(const tn_pooled *pooled) {
  const tn_worker *worker = worker_of(pooled->component);
  return pooled->uses < pooled->component->shared->config->reuse_count &&
         is_current(pooled->component) && worker->idle_instances < worker->max_idle_instances;
}

void tn_instance_pool_give(tn_pooled *pooled, bool is_sound) {
  if (!is_sound || !may_keep(pooled)) {
    pooled_end(pooled, is_sound);
    return;
  }
  pooled->output.id = (tn_str){0};
  pooled->outgoing.count = 0;
  push(pooled);
  set_expiry(pooled->component);
}
