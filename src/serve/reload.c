/* Reading configuration and components again, while the workers serve on: on a thread of its own, so that it waits for
 * nothing that guests have the pool do. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/error.h"
#include "serve/server.h"

/* Invariant: holds a reference to `previous`; `made` or `error` is set once the work is done. */
typedef struct reload {
  tn_server *server;
  pthread_t thread;
  tn_generation *previous;
  tn_generation *made;
  tn_listeners_change listeners;
  tn_error *error;
} reload;

/* ---- on the thread -------------------------------------------------------------------------------------- */

static tn_error *make(reload *self) {
  tn_server *server = self->server;
  tn_serve_config *config;
  TN_TRY(tn_serve_config_make(server->maker.settings, &config));
  tn_error *error = tn_generation_make(&server->maker, config, self->previous, &self->made);
  if (error != NULL) tn_serve_config_delete(config);
  return error;
}

static void work(reload *self) {
  self->error = make(self);
  if (self->error == NULL)
    self->error =
        tn_listeners_prepare(&self->server->listeners, self->made->config, &self->listeners);
  tn_tls_thread_done();
  if (self->error == NULL || self->made == NULL) return;
  tn_generation_delete(self->made);
  self->made = NULL;
}

static void done(void *argument);

/* The loop is there until the end of the reload has been told. */
static void *run(void *argument) {
  static const struct timespec pause = {.tv_nsec = 10000000};
  reload *self = argument;
  work(self);
  tn_error *error;
  while ((error = tn_loop_post(self->server->loop, done, self)) != NULL) {
    tn_error_delete(error); /* out of memory, for now */
    nanosleep(&pause, NULL);
  }
  return NULL;
}

/* ---- what takes effect only at a start ------------------------------------------------------------------ */

static bool same_text(const char *a, const char *b) {
  return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Whether code that is compiled for the one runs alike with the other. */
static bool same_code(const tn_engine_options *a, const tn_engine_options *b) {
  return a->compiler == b->compiler && a->optimize == b->optimize &&
         a->max_stack_bytes == b->max_stack_bytes;
}

static void warn(tn_server *server, const char *what) {
  tn_log_write(server->log, "warning", "%s changed: this takes effect at the next start", what);
}

static void warn_of_restart(tn_server *server, const tn_serve_config *before,
                            const tn_serve_config *now) {
  if (!tn_str_equal(before->admin_address, now->admin_address))
    warn(server, "the admin address has");
  if (before->threads != now->threads) warn(server, "the number of threads has");
  if (now->max_concurrent > server->max_concurrent)
    warn(server, "the limit of concurrent requests, now larger, has");
  if (tn_server_largest_memory(now) > server->engine.pool_memory_bytes)
    warn(server, "the largest memory, now larger, has");
  if (!same_code(&server->engine, &now->engine))
    warn(server, "compiler, opt-level or max-stack have");
  if (before->http.http2 != now->http.http2) warn(server, "whether HTTP/2 is offered has");
  if (before->watch != now->watch) warn(server, "watching has");
}

/* ---- what takes effect at once -------------------------------------------------------------------------- */

static void change_log(tn_server *server, const tn_serve_config *before,
                       const tn_serve_config *now) {
  if (before->log_format == now->log_format && same_text(before->log_path, now->log_path)) return;
  tn_error *error = tn_log_change(server->log, now->log_format, now->log_path);
  if (error == NULL) return;
  tn_log_write(server->log, "error", "the log stays as it was: %s", tn_error_get_message(error));
  tn_error_delete(error);
}

/* The engine's pool has room for as many instances as there could be at the start. */
static void change_max_concurrent(tn_server *server, uint32_t wanted) {
  uint32_t limit = wanted < server->max_concurrent ? wanted : server->max_concurrent;
  atomic_store_explicit(&server->permits.limit, limit, memory_order_relaxed);
  for (uint32_t i = 0; i < server->worker_count; i++)
    tn_worker_kick(&server->workers[i]);
}

/* ---- on the server's thread ----------------------------------------------------------------------------- */

static void change_listeners(tn_server *server, tn_listeners_change *change) {
  tn_error *error = tn_listeners_apply(&server->listeners, change);
  if (error == NULL) return;
  tn_log_write(server->log, "error", "not all workers listen where they should: %s",
               tn_error_get_message(error));
  tn_error_delete(error);
}

static void install(tn_server *server, tn_generation *made, tn_listeners_change *listeners) {
  tn_generation *before = server->generations;
  change_log(server, before->config, made->config);
  warn_of_restart(server, before->config, made->config);
  change_max_concurrent(server, made->config->max_concurrent);
  change_listeners(server, listeners); /* before workers adopt it: who has, listens where it says */
  made->next = before;
  server->generations = made;
  tn_server_warn_of_links(server);
  atomic_store(&made->awaited, server->worker_count);
  for (uint32_t i = 0; i < server->worker_count; i++) {
    atomic_fetch_add(&made->references, 1);
    tn_worker_adopt(&server->workers[i], made);
  }
  tn_server_release_generation(server, before);
  tn_log_write(server->log, "info", "reloaded: generation %llu serves",
               (unsigned long long)made->number);
  if (server->watch.loop == NULL) return;
  tn_error *error = tn_watch_set(&server->watch, made->config);
  if (error == NULL) return;
  tn_log_write(server->log, "error", "%s", tn_error_get_message(error));
  tn_error_delete(error);
}

static void say_failed(tn_server *server, const tn_error *error) {
  const char *hint = tn_error_get_hint(error);
  tn_log_write(server->log, "error", "reload failed, what was there serves on: %s%s%s%s",
               tn_error_get_message(error), hint != NULL ? " (" : "", hint != NULL ? hint : "",
               hint != NULL ? ")" : "");
}

static bool is_stopping(const tn_server *server) {
  return atomic_load(&server->state) >= TN_SERVER_DRAINING;
}

static void done(void *argument) {
  reload *self = argument;
  tn_server *server = self->server;
  pthread_join(self->thread, NULL);
  server->is_reloading = false;
  if (self->error != NULL) {
    say_failed(server, self->error);
    tn_metrics_count_reload(server->maker.metrics, false);
  } else if (is_stopping(server)) {
    tn_listeners_abandon(&self->listeners);
    tn_generation_delete(self->made);
  } else {
    install(server, self->made, &self->listeners); /* which counts when all workers use it */
  }
  tn_error_delete(self->error);
  tn_server_release_generation(server, self->previous);
  tn_free(self);
  if (is_stopping(server)) {
    tn_server_check_end(server);
    return;
  }
  tn_notify_send(&server->notify, "READY=1\nSTATUS=Serving");
  if (server->reload_again) tn_server_start_reload(server);
}

static tn_error *start(tn_server *server) {
  reload *self = tn_calloc(1, sizeof *self);
  if (self == NULL) return tn_error_no_memory();
  self->server = server;
  self->previous = server->generations;
  atomic_fetch_add(&self->previous->references, 1);
  tn_error *error = tn_worker_start_thread(&self->thread, run, self);
  if (error == NULL) return NULL;
  tn_server_release_generation(server, self->previous);
  tn_free(self);
  return error;
}

/* sd_notify(3): the time tells this reload from others. */
static void say_reloading(const tn_server *server) {
  char text[96];
  snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=Reloading",
           (unsigned long long)(tn_loop_now() / 1000));
  tn_notify_send(&server->notify, text);
}

void tn_server_start_reload(tn_server *server) {
  if (is_stopping(server)) return;
  server->reload_again = server->is_reloading;
  if (server->is_reloading) return;
  say_reloading(server);
  tn_watch_note(&server->watch);
  tn_error *error = tn_log_reopen(server->log);
  if (error == NULL) error = start(server);
  if (error == NULL) {
    server->is_reloading = true;
    return;
  }
  say_failed(server, error);
  tn_error_delete(error);
  tn_metrics_count_reload(server->maker.metrics, false);
  tn_notify_send(&server->notify, "READY=1\nSTATUS=Serving");
}
