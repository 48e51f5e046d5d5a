#include "serve/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/container.h"
#include "base/error.h"

/* After all requests have been cancelled. */
#define TIME_TO_END UINT64_C(1000000000)

/* ---- generations ---------------------------------------------------------------------------------------- */

/* Frees those that nobody uses any more. */
static void collect(void *argument) {
  tn_server *server = argument;
  tn_generation **link = &server->generations;
  while (*link != NULL) {
    tn_generation *generation = *link;
    if (atomic_load(&generation->references) != 0) {
      link = &generation->next;
      continue;
    }
    *link = generation->next;
    tn_generation_delete(generation);
  }
}

/* Unmapping much code takes milliseconds: the server's thread does it, not the worker. What there is no memory to tell it
 * of goes with the next one. */
void tn_server_release_generation(tn_server *server, tn_generation *generation) {
  if (atomic_fetch_sub(&generation->references, 1) == 1)
    tn_error_delete(tn_loop_post(server->loop, collect, server));
}

/* ---- workers -------------------------------------------------------------------------------------------- */

void tn_server_permit_is_free(tn_server *server, tn_worker *worker) {
  if (atomic_load(&worker->waiting) != 0) tn_worker_admit_later(worker);
  for (uint32_t i = 0; i < server->worker_count; i++) {
    tn_worker *other = &server->workers[i];
    if (other != worker && atomic_load(&other->waiting) != 0) tn_worker_kick(other);
  }
}

static void each_worker(tn_server *server, void (*func)(tn_worker *worker)) {
  for (uint32_t i = 0; i < server->worker_count; i++)
    func(&server->workers[i]);
}

/* ---- stopping ------------------------------------------------------------------------------------------- */

/* A reload that is under way uses what the server has made: its end is waited for. */
void tn_server_check_end(tn_server *server) {
  if (server->running_workers == 0 && !server->is_reloading) tn_loop_stop(server->loop);
}

static void worker_has_ended(void *argument) {
  tn_server *server = argument;
  server->running_workers--;
  if (atomic_load(&server->state) < TN_SERVER_DRAINING)
    tn_server_stop(server); /* one without which it must not go on */
  tn_server_check_end(server);
}

void tn_server_worker_has_ended(tn_server *server) {
  tn_error_delete(tn_loop_post(server->loop, worker_has_ended, server));
}

/* A guest that is in the system (fsync on a disk that hangs), a reload that reads from there: neither can be interrupted. */
static void ending_too_long(tn_alarm *alarm) {
  tn_server *server = TN_CONTAINER(alarm, tn_server, end_deadline);
  tn_log_write(server->log, "warning",
               "the end does not wait for what hangs in the system: %u worker%s%s",
               server->running_workers, server->running_workers == 1 ? "" : "s",
               server->is_reloading ? " and a reload" : "");
  server->is_stuck = true;
  tn_loop_stop(server->loop);
}

static void end_now(tn_server *server) {
  if (atomic_exchange(&server->state, TN_SERVER_ENDING) == TN_SERVER_ENDING) return;
  tn_alarm_clear(server->loop, &server->drain_deadline);
  each_worker(server, tn_worker_end);
  /* Cannot fail for want of memory where there was a drain deadline; without it nobody limits the end. */
  tn_error_delete(tn_alarm_set(server->loop, &server->end_deadline, tn_loop_now() + TIME_TO_END));
}

static void drained_too_long(tn_alarm *alarm) {
  tn_server *server = TN_CONTAINER(alarm, tn_server, drain_deadline);
  uint32_t requests = atomic_load(&server->permits.in_use) + atomic_load(&server->waiting);
  if (requests > 0)
    tn_log_write(server->log, "warning",
                 "the time to drain is over: %u request%s still under way %s cancelled", requests,
                 requests == 1 ? "" : "s", requests == 1 ? "is" : "are");
  else
    tn_log_write(server->log, "info",
                 "the time to drain is over: connections that clients keep open are closed");
  end_now(server);
}

static void start_draining(tn_server *server) {
  uint64_t timeout = server->generations->config->drain_timeout;
  atomic_store(&server->state, TN_SERVER_DRAINING);
  tn_log_write(server->log, "info", "stopping: no new connections are accepted");
  tn_notify_send(&server->notify, "STOPPING=1\nSTATUS=Draining");
  tn_watch_stop(&server->watch);
  each_worker(server, tn_worker_drain);
  if (timeout == UINT64_MAX) return;
  tn_error *error = tn_alarm_set(server->loop, &server->drain_deadline, tn_loop_now() + timeout);
  if (error == NULL) return;
  tn_error_delete(error);
  end_now(server);
}

static void reopen_log(tn_server *server) {
  tn_error *error = tn_log_reopen(server->log);
  if (error == NULL) return;
  /* To where it went before. */
  tn_log_write(server->log, "error", "%s", tn_error_get_message(error));
  tn_error_delete(error);
}

/* Looks what other threads and signal handlers want. */
static void look(tn_server *server) {
  unsigned stops = atomic_load(&server->stops);
  if (stops > 0 && atomic_load(&server->state) < TN_SERVER_DRAINING) start_draining(server);
  if (stops > 1) end_now(server);
  if (atomic_exchange(&server->reopen_wanted, false)) reopen_log(server);
  if (atomic_exchange(&server->reload_wanted, false)) tn_server_start_reload(server);
}

static void on_wakeup(tn_io *io, int events) {
  (void)events;
  tn_server *server = TN_CONTAINER(io, tn_server, wakeup_io);
  uint64_t count;
  while (read(server->wakeup, &count, sizeof count) > 0)
    ;
  look(server);
}

/* Async-signal-safe. Can only fail when the counter is full, and then the server looks anyway. */
static void wake(tn_server *server) {
  int before = errno;
  uint64_t one = 1;
  ssize_t written = write(server->wakeup, &one, sizeof one);
  (void)written;
  errno = before;
}

void tn_server_stop(tn_server *server) {
  atomic_fetch_add(&server->stops, 1);
  wake(server);
}

void tn_server_reload(tn_server *server) {
  atomic_store(&server->reload_wanted, true);
  wake(server);
}

void tn_server_reopen_log(tn_server *server) {
  atomic_store(&server->reopen_wanted, true);
  wake(server);
}

/* ---- running -------------------------------------------------------------------------------------------- */

static void feed_watchdog(tn_alarm *alarm) {
  tn_server *server = TN_CONTAINER(alarm, tn_server, watchdog);
  tn_notify_send(&server->notify, "WATCHDOG=1");
  uint64_t next = tn_loop_now() + server->notify.watchdog_interval;
  tn_error_delete(tn_alarm_set(server->loop, &server->watchdog, next));
}

static tn_error *start_workers(tn_server *server) {
  for (uint32_t i = 0; i < server->worker_count; i++) {
    TN_TRY(tn_worker_start(&server->workers[i]));
    server->running_workers++;
  }
  return NULL;
}

static void say_ready(tn_server *server) {
  const tn_serve_config *config = server->generations->config;
  tn_log_write(server->log, "info", "ready: %u component%s, %u worker%s", config->component_count,
               config->component_count == 1 ? "" : "s", server->worker_count,
               server->worker_count == 1 ? "" : "s");
  tn_notify_send(&server->notify, "READY=1\nSTATUS=Serving");
  if (server->notify.watchdog_interval != 0) feed_watchdog(&server->watchdog);
}

tn_error *tn_server_run(tn_server *server) {
  tn_core_engine *engine = server->maker.engine->core;
  TN_TRY(tn_core_engine_ticker_acquire(engine)); /* once for all requests */
  tn_error *error = start_workers(server);
  if (error != NULL) {
    atomic_store(&server->stops, 2);
    wake(server);
  } else {
    atomic_store(&server->state, TN_SERVER_READY);
    say_ready(server);
  }
  tn_error *loop_error = server->running_workers > 0 ? tn_loop_run(server->loop) : NULL;
  if (error == NULL) {
    error = loop_error;
  } else {
    tn_error_delete(loop_error);
  }
  atomic_store(&server->state, TN_SERVER_ENDING);
  tn_core_engine_ticker_release(engine);
  if (error == NULL) tn_log_write(server->log, "info", "stopped");
  if (server->is_stuck) tn_log_wait(server->log); /* nobody can delete it */
  return error;
}

/* ---- making --------------------------------------------------------------------------------------------- */

static bool is_ready(void *data) {
  tn_server *server = data;
  return atomic_load(&server->state) == TN_SERVER_READY;
}

static uint32_t saturate(uint64_t number) {
  return number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
}

/* What a 32-bit memory can have. */
static const uint64_t MAX_POOL_MEMORY = (uint64_t)4 << 30;

uint64_t tn_server_largest_memory(const tn_serve_config *config) {
  uint64_t largest = 0;
  for (uint32_t i = 0; i < config->component_count; i++) {
    uint64_t size = config->components[i].max_memory_bytes;
    if (size > largest) largest = size;
  }
  return largest < MAX_POOL_MEMORY ? largest : MAX_POOL_MEMORY;
}

/* How many instances there can be at once: those of requests under way, those made in advance, those kept for another
 * request or restored for one, and the memory of those that a worker is giving back to the system in a batch, which nobody
 * has for the moment. Fewer kept ones than there could be, as each has memory of its own. */
static void size_pool(tn_server *server, const tn_serve_config *config, tn_engine_options *engine) {
  enum { MAX_KEPT = 256, BATCH = 16 };
  uint64_t warm = 0;
  bool keeps = false;
  engine->pool_memory_bytes = tn_server_largest_memory(config);
  for (uint32_t i = 0; i < config->component_count; i++) {
    const tn_serve_component *component = &config->components[i];
    warm += component->warm;
    keeps |= component->reuse_count > 1 || component->restores;
  }
  uint64_t kept = !keeps                              ? 0
                  : config->max_concurrent < MAX_KEPT ? config->max_concurrent
                                                      : MAX_KEPT;
  kept = (kept + config->threads - 1) / config->threads; /* of each worker */
  server->max_idle_instances = saturate(warm + kept);
  engine->pool_instances =
      saturate(config->max_concurrent + (warm + kept + BATCH) * config->threads);
}

static tn_error *make_engine(tn_server *server, const tn_serve_config *config) {
  tn_engine_options options = config->engine;
  options.pooling = true;
  options.epoch_interruption = true; /* for time limits, and for cancelling a guest that computes */
  size_pool(server, config, &options);
  server->engine = options;
  server->engine.cache_directory = NULL;
  TN_TRY(tn_engine_new(&options, &server->maker.engine));
  TN_TRY(tn_linker_new(&server->maker.linker));
  return tn_linker_define_wasi(server->maker.linker);
}

static tn_error *make_loop(tn_server *server) {
  TN_TRY(tn_loop_new(&server->loop));
  server->wakeup = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (server->wakeup < 0)
    return tn_error_new(TN_ERROR_IO, "cannot make an eventfd: %s", strerror(errno));
  server->watchdog.func = feed_watchdog;
  server->drain_deadline.func = drained_too_long;
  server->end_deadline.func = ending_too_long;
  return tn_io_start(&server->wakeup_io, server->loop, server->wakeup, on_wakeup);
}

static tn_error *make_workers(tn_server *server) {
  tn_generation *generation = server->generations;
  const tn_serve_config *config = generation->config;
  server->workers = tn_calloc(config->threads, sizeof *server->workers);
  if (server->workers == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < config->threads; i++) {
    server->worker_count++;
    TN_TRY(tn_worker_init(&server->workers[i], server, i, generation));
  }
  return NULL;
}

static tn_error *start_listening(tn_server *server) {
  const tn_serve_config *config = server->generations->config;
  server->listeners = (tn_listeners){
      .workers = server->workers,
      .worker_count = server->worker_count,
      .http2 = config->http.http2,
      .log = server->log,
  };
  tn_listeners_change change;
  TN_TRY(tn_listeners_prepare(&server->listeners, config, &change));
  return tn_listeners_apply(&server->listeners, &change);
}

static tn_error *start_admin(tn_server *server, const tn_serve_config *config) {
  if (config->admin_address.len == 0) return NULL;
  tn_admin_options options = {
      .address = config->admin_address,
      .metrics = server->maker.metrics,
      .log = server->log,
      .is_ready = is_ready,
      .data = server,
  };
  return tn_admin_start(&options, &server->admin);
}

static void files_changed(void *data) {
  tn_server *server = data;
  tn_log_write(server->log, "info", "a file has changed");
  tn_server_start_reload(server);
}

static tn_error *start_watch(tn_server *server, const tn_serve_config *config) {
  if (!config->watch) return NULL;
  tn_watch_start(&server->watch, server->loop, files_changed, server);
  return tn_watch_set(&server->watch, config);
}

/* Takes `config` over, whatever becomes of it. */
static tn_error *make_generation(tn_server *server, tn_serve_config *config) {
  tn_error *error = tn_generation_make(&server->maker, config, NULL, &server->generations);
  if (error != NULL) tn_serve_config_delete(config);
  return error;
}

/* Connections that there is no descriptor for are sent away at once instead of waiting to be accepted. */
static void warn_of_descriptors(tn_server *server, const tn_serve_config *config) {
  enum { OWN = 64, OF_WORKER = 16 }; /* files, sockets and timers besides connections, roughly */
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
  uint64_t connections = (uint64_t)config->http.max_connections * config->threads;
  uint64_t needed = connections + OWN + (uint64_t)OF_WORKER * config->threads;
  if (needed <= limit.rlim_cur) return;
  tn_log_write(
      server->log, "warning",
      "max-connections is %llu, but only %llu file descriptors are allowed (LimitNOFILE, ulimit -n)",
      (unsigned long long)connections, (unsigned long long)limit.rlim_cur);
}

static void warn_of_unused(void *data, const tn_serve_link *link) {
  const tn_server *server = data;
  const char *file = server->generations->config->file;
  char place[32] = "";
  if (link->line != 0) snprintf(place, sizeof place, ":%u:%u: ", link->line, link->column);
  tn_log_write(server->log, "warning",
               "%s%slink: nothing imports what %s exports: it takes no part",
               link->line != 0 && file != NULL ? file : "", place, link->path);
}

void tn_server_warn_of_links(tn_server *server) {
  tn_serve_find_unused_links(server->generations->config, warn_of_unused, server);
}

static tn_error *set_up(tn_server *server, tn_serve_config *config) {
  server->max_concurrent = config->max_concurrent;
  tn_permits_init(&server->permits, config->max_concurrent);
  tn_error *error = tn_log_new(config->log_format, config->log_path, &server->log);
  if (error == NULL) warn_of_descriptors(server, config);
  if (error == NULL) error = tn_metrics_new(config->threads, &server->maker.metrics);
  if (error == NULL) error = make_engine(server, config);
  if (error == NULL) error = make_loop(server);
  if (error != NULL) {
    tn_serve_config_delete(config);
    return error;
  }
  TN_TRY(make_generation(server, config));
  tn_server_warn_of_links(server);
  TN_TRY(make_workers(server));
  TN_TRY(start_listening(server));
  TN_TRY(start_watch(server, config));
  return start_admin(server, config);
}

tn_error *tn_server_new(const tn_server_settings *settings, tn_server **out) {
  tn_serve_config *config;
  TN_TRY(tn_serve_config_make(settings, &config));
  tn_server *server = tn_calloc(1, sizeof *server);
  if (server == NULL) {
    tn_serve_config_delete(config);
    return tn_error_no_memory();
  }
  server->maker.settings = settings;
  server->wakeup = -1;
  tn_notify_init(&server->notify);
  tn_error *error = set_up(server, config);
  if (error != NULL) {
    tn_server_delete(server);
    return error;
  }
  *out = server;
  return NULL;
}

bool tn_server_is_stuck(const tn_server *server) {
  return server->is_stuck;
}

void tn_server_delete(tn_server *server) {
  if (server == NULL || server->is_stuck) return;
  if (server->admin != NULL) tn_admin_stop(server->admin);
  for (uint32_t i = 0; i < server->worker_count; i++)
    tn_worker_free(&server->workers[i]);
  tn_free(server->workers);
  tn_listeners_free(&server->listeners);
  tn_watch_stop(&server->watch);
  if (server->loop != NULL) {
    tn_alarm_clear(server->loop, &server->watchdog);
    tn_alarm_clear(server->loop, &server->drain_deadline);
    tn_alarm_clear(server->loop, &server->end_deadline);
    tn_io_stop(&server->wakeup_io);
    tn_loop_delete(server->loop);
  }
  if (server->wakeup >= 0) close(server->wakeup);
  while (server->generations != NULL) {
    tn_generation *generation = server->generations;
    server->generations = generation->next;
    tn_generation_delete(generation);
  }
  tn_linker_delete(server->maker.linker);
  tn_engine_delete(server->maker.engine);
  if (server->maker.metrics != NULL) tn_metrics_delete(server->maker.metrics);
  if (server->log != NULL) tn_log_delete(server->log);
  tn_notify_free(&server->notify);
  tn_free(server);
}
