/* Admission: a request starts when there is a permit of the server's and one of its component's; until then it waits, in
 * the order of arrival within a worker. */
#include "base/container.h"
#include "base/error.h"
#include "serve/request/parts.h"

static bool take_permits(tn_worker_component *component) {
  tn_server *server = component->generation->worker->server;
  if (!tn_permits_are_left(&component->shared->permits) || !tn_permits_take(&server->permits))
    return false;
  if (tn_permits_take(&component->shared->permits)) return true;
  /* Somebody was faster: others may need what was held for a moment. */
  tn_permits_give(&server->permits);
  if (atomic_load(&server->waiting) != 0)
    tn_server_permit_is_free(server, component->generation->worker);
  return false;
}

static void count_waiting(tn_worker_component *component, uint32_t change) {
  tn_worker *worker = component->generation->worker;
  atomic_fetch_add(&component->shared->waiting, change);
  atomic_fetch_add(&worker->waiting, change);
  atomic_fetch_add(&worker->server->waiting, change);
  tn_metric_add(&component->metrics->queued, (uint64_t)(int64_t)(int32_t)change);
}

static void enqueue(tn_request *request) {
  tn_request_queue *queue = &request->component->queue;
  request->is_queued = true;
  request->queue_previous = queue->last;
  if (queue->last != NULL) {
    queue->last->queue_next = request;
  } else {
    queue->first = request;
  }
  queue->last = request;
  count_waiting(request->component, 1);
}

void tn_request_dequeue(tn_request *request) {
  tn_request_queue *queue = &request->component->queue;
  if (request->queue_previous != NULL) {
    request->queue_previous->queue_next = request->queue_next;
  } else {
    queue->first = request->queue_next;
  }
  if (request->queue_next != NULL) {
    request->queue_next->queue_previous = request->queue_previous;
  } else {
    queue->last = request->queue_previous;
  }
  request->is_queued = false;
  tn_alarm_clear(request->worker->loop, &request->queue_alarm);
  count_waiting(request->component, UINT32_MAX); /* -1 */
}

static void waited_too_long(tn_alarm *alarm) {
  tn_request *request = TN_CONTAINER(alarm, tn_request, queue_alarm);
  tn_request_dequeue(request);
  tn_request_refuse(request, 503, "too long in the queue");
}

void tn_request_admit_queued(tn_worker_component *component) {
  while (component->queue.first != NULL && take_permits(component)) {
    tn_request *request = component->queue.first;
    tn_request_dequeue(request);
    /* It may be the last one, whose end is the end of its generation. */
    component->generation->uses++;
    tn_request_start(request);
    bool is_last = component->generation->uses == 1;
    tn_worker_release_generation(component->generation);
    if (is_last) return;
  }
}

static void wait_for_permits(tn_request *request) {
  tn_worker_component *component = request->component;
  const tn_serve_component *config = component->shared->config;
  if (config->queue_timeout == 0 || atomic_load(&component->shared->waiting) >= config->max_queue) {
    tn_request_refuse(request, 503, "too many requests");
    return;
  }
  enqueue(request);
  if (config->queue_timeout != UINT64_MAX) {
    request->queue_alarm.func = waited_too_long;
    uint64_t deadline = tn_loop_now() + config->queue_timeout;
    tn_error *error = tn_alarm_set(request->worker->loop, &request->queue_alarm, deadline);
    if (error != NULL) {
      tn_error_delete(error);
      tn_request_dequeue(request);
      tn_request_refuse(request, 503, "out of memory");
      return;
    }
  }
  tn_request_admit_queued(component); /* a permit may have become free since: see admission.h */
}

void tn_request_enter(tn_request *request) {
  if (request->component->queue.first == NULL && take_permits(request->component)) {
    tn_request_start(request);
  } else {
    wait_for_permits(request);
  }
}

void tn_request_leave(tn_worker_component *component) {
  tn_worker *worker = component->generation->worker;
  tn_server *server = worker->server;
  tn_metric_subtract(&component->metrics->in_flight, 1);
  tn_permits_give(&component->shared->permits);
  tn_permits_give(&server->permits);
  if (atomic_load(&server->waiting) != 0) tn_server_permit_is_free(server, worker);
}
