#include "serve/worker.h"

#include <signal.h>
#include <string.h>

#include "base/alloc.h"
#include "base/container.h"
#include "base/error.h"
#include "serve/server.h"
#include "wasi/config.h"

/* ---- generations ---------------------------------------------------------------------------------------- */

static tn_worker_generation *generation_new(tn_worker *worker, tn_generation *shared) {
  tn_worker_generation *generation =
      tn_calloc(1, sizeof *generation + shared->component_count * sizeof *generation->components);
  if (generation == NULL) return NULL;
  generation->shared = shared;
  generation->worker = worker;
  for (uint32_t i = 0; i < shared->component_count; i++) {
    tn_worker_component *component = &generation->components[i];
    component->shared = &shared->components[i];
    component->generation = generation;
    component->metrics = &shared->components[i].metrics[worker->number];
  }
  return generation;
}

static void start_pools(tn_worker_generation *generation) {
  for (uint32_t i = 0; i < generation->shared->component_count; i++)
    tn_instance_pool_start(&generation->components[i]);
}

static void stop_pools(tn_worker_generation *generation) {
  for (uint32_t i = 0; i < generation->shared->component_count; i++)
    tn_instance_pool_stop(&generation->components[i]);
}

/* What its guests were allowed to call goes with the configuration: connections kept under those rights must not be found
 * by somebody else's at the same address in memory. */
static void forget_rights(const tn_worker_generation *generation) {
  tn_http_client *client = generation->worker->client;
  for (uint32_t i = 0; i < generation->shared->component_count; i++) {
    const tn_egress_policy *policy = &generation->shared->components[i].config->wasi->egress;
    tn_http_client_forget(client, policy);
    for (uint32_t j = 0; j < policy->methods.len; j++)
      tn_http_client_forget(client, &policy->methods.items[j]);
  }
}

static void generation_end(tn_worker_generation *generation) {
  tn_worker *worker = generation->worker;
  tn_worker_generation **link = &worker->generations;
  while (*link != generation)
    link = &(*link)->next;
  *link = generation->next;
  stop_pools(generation);
  forget_rights(generation);
  tn_server_release_generation(worker->server, generation->shared);
  tn_free(generation);
}

void tn_worker_release_generation(tn_worker_generation *generation) {
  if (--generation->uses == 0 && generation != tn_worker_current(generation->worker))
    generation_end(generation);
}

/* Makes `shared`, a reference, the one for new requests. The one before lives on as long as it has requests. */
static tn_error *adopt(tn_worker *worker, tn_generation *shared) {
  tn_worker_generation *generation = generation_new(worker, shared);
  if (generation == NULL) return tn_error_no_memory();
  tn_worker_generation *before = worker->generations;
  generation->next = before;
  worker->generations = generation;
  start_pools(generation);
  if (before == NULL) return NULL;
  stop_pools(before);
  before->uses++;
  tn_worker_release_generation(before);
  return NULL;
}

/* A worker's share of the connections is what the file allows, divided by the threads that the file wants. */
static void change_limits(tn_worker *worker, const tn_serve_config *config) {
  tn_http_server_options options = config->http;
  uint64_t connections =
      (uint64_t)options.max_connections * config->threads / worker->server->worker_count;
  options.max_connections = connections == 0           ? 1
                            : connections < UINT32_MAX ? (uint32_t)connections
                                                       : UINT32_MAX;
  tn_http_server_change_options(worker->http, &options);
}

/* A reload counts when no worker serves with what was before: whoever sees it counted is served with what is new. */
static void note_adopted(const tn_worker *worker, tn_generation *shared) {
  if (atomic_fetch_sub(&shared->awaited, 1) == 1)
    tn_metrics_count_reload(worker->server->maker.metrics, true);
}

static void adopt_incoming(void *argument) {
  tn_worker *worker = argument;
  tn_generation *shared = atomic_exchange(&worker->incoming, NULL);
  if (shared == NULL) return; /* another post has brought it */
  tn_error *error = adopt(worker, shared);
  if (error == NULL) {
    change_limits(worker, shared->config);
    note_adopted(worker, shared);
    return;
  }
  tn_log_write(worker->log, "error", "worker %u keeps the old components: %s", worker->number,
               tn_error_get_message(error));
  tn_worker_flush_log_later(worker);
  tn_error_delete(error);
  note_adopted(worker, shared);
  tn_server_release_generation(worker->server, shared);
}

/* ---- queues --------------------------------------------------------------------------------------------- */

static void admit(tn_deferred *deferred) {
  tn_worker *worker = TN_CONTAINER(deferred, tn_worker, admit);
  for (tn_worker_generation *generation = worker->generations, *older; generation != NULL;
       generation = older) {
    generation->uses++; /* so that it stays until the next one is known */
    for (uint32_t i = 0; i < generation->shared->component_count; i++)
      tn_request_admit_queued(&generation->components[i]);
    older = generation->next;
    tn_worker_release_generation(generation);
  }
}

void tn_worker_admit_later(tn_worker *worker) {
  tn_loop_defer(worker->loop, &worker->admit);
}

static void kicked(void *argument) {
  tn_worker *worker = argument;
  atomic_store(&worker->is_kicked, false); /* before it looks */
  tn_worker_admit_later(worker);
}

/* ---- memory --------------------------------------------------------------------------------------------- */

static const uint64_t trim_interval = 1000000000;

static void set_trim(tn_worker *worker, uint64_t deadline) {
  tn_error_delete(tn_alarm_set(worker->loop, &worker->trim, deadline));
}

/* The allocator keeps what was freed, scattered as it is, until it is told not to, which may take milliseconds: done
 * for the whole process, by one worker at a time. */
static void trim(tn_alarm *alarm) {
  tn_worker *worker = TN_CONTAINER(alarm, tn_worker, trim);
  tn_server *server = worker->server;
  uint64_t now = tn_loop_time(worker->loop), next = atomic_load(&server->next_trim);
  if (now < next) {
    set_trim(worker, next);
    return;
  }
  if (!atomic_compare_exchange_strong(&server->next_trim, &next, now + trim_interval)) {
    set_trim(worker, next);
    return;
  }
  tn_alloc_trim();
}

void tn_worker_trim_later(tn_worker *worker) {
  if (worker->trim.place == 0) set_trim(worker, tn_loop_time(worker->loop) + trim_interval);
}

/* ---- the log -------------------------------------------------------------------------------------------- */

static void flush_log(tn_deferred *deferred) {
  tn_log_flush(TN_CONTAINER(deferred, tn_worker, flush_log)->log);
}

void tn_worker_flush_log_later(tn_worker *worker) {
  tn_loop_defer(worker->loop, &worker->flush_log);
}

/* ---- the end -------------------------------------------------------------------------------------------- */

void tn_worker_check_end(tn_worker *worker) {
  if (worker->requests != NULL || worker->state == TN_WORKER_SERVING) return;
  if (worker->is_drained || worker->state == TN_WORKER_ENDING) tn_loop_stop(worker->loop);
}

static void drained(void *data) {
  tn_worker *worker = data;
  worker->is_drained = true;
  tn_worker_check_end(worker);
}

static void drain(void *argument) {
  tn_worker *worker = argument;
  if (worker->state != TN_WORKER_SERVING) return;
  worker->state = TN_WORKER_DRAINING;
  tn_http_server_drain(worker->http, drained, worker);
}

static void end(void *argument) {
  tn_worker *worker = argument;
  drain(worker);
  if (worker->state == TN_WORKER_ENDING) return;
  worker->state = TN_WORKER_ENDING;
  for (tn_request *request = worker->requests, *next; request != NULL; request = next) {
    next = request->next;
    tn_request_end(request);
  }
  tn_worker_check_end(worker);
}

/* ---- from other threads --------------------------------------------------------------------------------- */

static bool try_to_post(tn_worker *worker, void (*func)(void *argument), void *argument) {
  tn_error *error = tn_loop_post(worker->loop, func, argument);
  tn_error_delete(error);
  return error == NULL;
}

bool tn_worker_post(tn_worker *worker, void (*func)(void *argument), void *argument) {
  enum { ATTEMPTS = 100 };
  static const struct timespec pause = {.tv_nsec = 1000000};
  for (int i = 0; i < ATTEMPTS; i++) {
    if (try_to_post(worker, func, argument)) return true;
    nanosleep(&pause, NULL);
  }
  return false;
}

/* Without memory nothing happens; what was to happen then does with the next post. */
static void post(tn_worker *worker, void (*func)(void *argument)) {
  tn_worker_post(worker, func, worker);
}

void tn_worker_adopt(tn_worker *worker, tn_generation *generation) {
  tn_generation *skipped = atomic_exchange(&worker->incoming, generation);
  if (skipped != NULL) {
    note_adopted(worker, skipped);
    tn_server_release_generation(worker->server, skipped);
  }
  post(worker, adopt_incoming);
}

void tn_worker_drain(tn_worker *worker) {
  post(worker, drain);
}

void tn_worker_end(tn_worker *worker) {
  post(worker, end);
}

void tn_worker_kick(tn_worker *worker) {
  if (atomic_exchange(&worker->is_kicked, true) || try_to_post(worker, kicked, worker)) return;
  atomic_store(&worker->is_kicked, false); /* without memory: the next one tries again */
}

/* ---- the thread ----------------------------------------------------------------------------------------- */

static void *run(void *argument) {
  tn_worker *worker = argument;
  tn_error *error = tn_loop_run(worker->loop);
  if (error != NULL) {
    tn_log_write(worker->log, "error", "worker %u has ended: %s", worker->number,
                 tn_error_get_message(error));
    tn_error_delete(error);
  }
  tn_log_flush(worker->log);
  tn_server_worker_has_ended(worker->server);
  return NULL;
}

static tn_error *init(tn_worker *worker, tn_generation *generation) {
  tn_server *server = worker->server;
  TN_TRY(tn_ids_init(&worker->ids));
  TN_TRY(tn_log_new_worker(server->log, &worker->log));
  TN_TRY(tn_loop_new(&worker->loop));
  tn_http_client_options client;
  tn_http_client_options_init(&client);
  tn_http_client_options_from_environment(&client);
  TN_TRY(tn_http_client_new(worker->loop, &client, &worker->client));
  const tn_http_server_options *http = &generation->config->http;
  TN_TRY(tn_http_server_new(worker->loop, http, &tn_request_handler, worker, &worker->http));
  tn_metrics_set_worker(server->maker.metrics, worker->number,
                        tn_http_server_get_counters(worker->http),
                        tn_http_client_get_counters(worker->client));
  atomic_fetch_add(&generation->references, 1);
  tn_error *error = adopt(worker, generation);
  if (error != NULL) tn_server_release_generation(server, generation);
  return error;
}

tn_error *tn_worker_init(tn_worker *worker, tn_server *server, uint32_t number,
                         tn_generation *generation) {
  worker->server = server;
  worker->number = number;
  worker->max_idle_instances = server->max_idle_instances;
  worker->admit.func = admit;
  worker->flush_log.func = flush_log;
  worker->trim.func = trim;
  return init(worker, generation);
}

tn_error *tn_worker_start_thread(pthread_t *thread, void *(*func)(void *argument), void *argument) {
  static const int faults[] = {SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV};
  sigset_t others, before;
  sigfillset(&others);
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
    sigdelset(&others, faults[i]);
  pthread_sigmask(SIG_SETMASK, &others, &before);
  int result = pthread_create(thread, NULL, func, argument);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return result == 0 ? NULL
                     : tn_error_new(TN_ERROR_IO, "cannot start a thread: %s", strerror(result));
}

tn_error *tn_worker_start(tn_worker *worker) {
  TN_TRY(tn_worker_start_thread(&worker->thread, run, worker));
  worker->has_thread = true;
  return NULL;
}

static void free_lists(tn_worker *worker) {
  while (worker->free_requests != NULL) {
    tn_request *request = worker->free_requests;
    worker->free_requests = request->next;
    tn_free(request);
  }
}

void tn_worker_free(tn_worker *worker) {
  tn_server *server = worker->server;
  if (worker->has_thread) pthread_join(worker->thread, NULL);
  if (server != NULL) tn_metrics_clear_worker(server->maker.metrics, worker->number);
  if (worker->http != NULL) tn_http_server_delete(worker->http);
  while (worker->generations != NULL)
    generation_end(worker->generations);
  tn_generation *incoming = atomic_exchange(&worker->incoming, NULL);
  if (incoming != NULL) tn_server_release_generation(server, incoming);
  if (worker->client != NULL) tn_http_client_delete(worker->client);
  if (worker->loop != NULL) tn_alarm_clear(worker->loop, &worker->trim);
  if (worker->loop != NULL) {
    tn_loop_undefer(worker->loop, &worker->admit);
    tn_loop_undefer(worker->loop, &worker->flush_log);
    tn_loop_delete(worker->loop);
  }
  if (worker->log != NULL) tn_log_delete(worker->log);
  free_lists(worker);
}
