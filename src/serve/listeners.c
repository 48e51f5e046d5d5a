#include "serve/listeners.h"

#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "serve/worker.h"

static void keep_first(tn_error **first, tn_error *error) {
  if (*first == NULL)
    *first = error;
  else
    tn_error_delete(error);
}

/* ---- what workers are told ------------------------------------------------------------------------------ */

typedef enum order_kind { LISTEN, UNLISTEN, CHANGE_TLS } order_kind;

/* On its way to a worker. Owns the descriptor that is to be listened on, and a reference to `tls`. */
typedef struct order {
  tn_worker *worker;
  order_kind kind;
  int descriptor;
  tn_tls_context *tls; /* NULL: plain */
} order;

static tn_error *carry_out(const order *self) {
  tn_http_server *server = self->worker->http;
  switch (self->kind) {
  case LISTEN:
    return tn_http_server_listen(server, self->descriptor, self->tls);
  case UNLISTEN:
    tn_http_server_unlisten(server, self->descriptor);
    return NULL;
  case CHANGE_TLS:
    tn_http_server_change_tls(server, self->descriptor, self->tls);
    return NULL;
  }
  return NULL;
}

static void order_delete(order *self) {
  if (self->tls != NULL) tn_tls_context_release(self->tls);
  tn_free(self);
}

static void arrived(void *argument) {
  order *self = argument;
  tn_worker *worker = self->worker;
  tn_error *error = carry_out(self);
  order_delete(self);
  if (error == NULL) return;
  tn_log_write(worker->log, "error", "worker %u does not listen: %s", worker->number,
               tn_error_get_message(error));
  tn_worker_flush_log_later(worker);
  tn_error_delete(error);
}

static tn_error *send_order(const order *what) {
  if (!what->worker->has_thread) return carry_out(what);
  order *self = tn_malloc(sizeof *self);
  if (self != NULL) {
    *self = *what;
    if (self->tls != NULL) tn_tls_context_retain(self->tls);
    if (tn_worker_post(self->worker, arrived, self)) return NULL;
    order_delete(self);
  }
  if (what->kind == LISTEN) close(what->descriptor);
  return tn_error_no_memory();
}

/* The first error; all are told all the same. */
static tn_error *tell_workers(const tn_listeners *listeners, const tn_listening *listening,
                              order_kind kind) {
  tn_error *first = NULL;
  for (uint32_t i = 0; i < listening->sockets.len; i++) {
    const tn_listening_socket *socket = &listening->sockets.items[i];
    order what = {&listeners->workers[socket->worker], kind, socket->descriptor, listening->tls};
    keep_first(&first, send_order(&what));
  }
  return first;
}

/* ---- preparing ------------------------------------------------------------------------------------------ */

static bool same_text(const char *a, const char *b) {
  return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_tls(const tn_serve_listen *a, const tn_serve_listen *b) {
  return same_text(a->certificate_path, b->certificate_path) &&
         same_text(a->key_path, b->key_path) && same_text(a->client_ca_path, b->client_ca_path) &&
         a->client_certificate_optional == b->client_certificate_optional;
}

static bool is_taken(const tn_listeners_change *change, const tn_listening *listening) {
  const tn_listening *at = change->first;
  while (at != NULL && at->previous != listening)
    at = at->next;
  return at != NULL;
}

static tn_listening *find_previous(const tn_listeners *listeners, const tn_listeners_change *change,
                                   tn_str address) {
  tn_listening *at = listeners->first;
  while (at != NULL && (!tn_str_equal(at->listen->address, address) || is_taken(change, at)))
    at = at->next;
  return at;
}

static tn_error *make_tls(const tn_serve_listen *listen, bool http2, tn_tls_context **out) {
  if (listen->certificate_path == NULL) return NULL;
  tn_tls_server_options options = {
      .certificate_path = listen->certificate_path,
      .key_path = listen->key_path,
      .client_ca_path = listen->client_ca_path,
      .client_certificate_optional = listen->client_certificate_optional,
      .http2 = http2,
  };
  return tn_tls_server_context_new(&options, out);
}

/* Adds it to the change first, so that whatever happens it is freed with that. */
static tn_error *prepare_one(const tn_listeners *listeners, const tn_serve_listen *listen,
                             tn_listeners_change *change) {
  tn_listening *made = tn_calloc(1, sizeof *made);
  if (made == NULL) return tn_error_no_memory();
  made->listen = listen;
  made->worker_count = listeners->worker_count;
  made->previous = find_previous(listeners, change, listen->address);
  made->next = change->first;
  change->first = made;
  const tn_listening *previous = made->previous;
  if (previous == NULL) {
    TN_TRY(make_tls(listen, listeners->http2, &made->tls));
    return tn_listening_open(made);
  }
  if (!same_tls(previous->listen, listen)) return make_tls(listen, listeners->http2, &made->tls);
  if (previous->tls != NULL) made->tls = tn_tls_context_retain(previous->tls);
  return NULL;
}

/* Those that go on. The error is the first; the others are tried all the same. */
static tn_error *reload_certificates(const tn_listeners_change *change) {
  tn_error *first = NULL;
  for (const tn_listening *at = change->first; at != NULL; at = at->next) {
    bool goes_on = at->previous != NULL && at->tls == at->previous->tls;
    if (!goes_on || at->tls == NULL) continue;
    keep_first(&first, tn_tls_context_reload(at->tls));
  }
  return first;
}

static tn_error *prepare(const tn_listeners *listeners, const tn_serve_config *config,
                         tn_listeners_change *change) {
  for (uint32_t i = config->listen_count; i > 0; i--)
    TN_TRY(prepare_one(listeners, &config->listens[i - 1], change));
  return reload_certificates(change);
}

tn_error *tn_listeners_prepare(const tn_listeners *listeners, const tn_serve_config *config,
                               tn_listeners_change *out) {
  *out = (tn_listeners_change){0};
  tn_error *error = prepare(listeners, config, out);
  if (error != NULL) tn_listeners_abandon(out);
  return error;
}

static void free_list(tn_listening *list) {
  while (list != NULL) {
    tn_listening *next = list->next;
    tn_listening_free(list);
    list = next;
  }
}

void tn_listeners_abandon(tn_listeners_change *change) {
  for (tn_listening *at = change->first; at != NULL; at = at->next)
    tn_listening_close(at);
  free_list(change->first);
  *change = (tn_listeners_change){0};
}

/* ---- changing ------------------------------------------------------------------------------------------- */

/* Takes the sockets of the one that it goes on with. */
static tn_error *go_on(const tn_listeners *listeners, tn_listening *listening) {
  tn_listening *previous = listening->previous;
  listening->file = previous->file;
  previous->file = (tn_socket_file){0};
  tn_arena arena = listening->arena;
  listening->arena = previous->arena;
  previous->arena = arena;
  listening->sockets.items = previous->sockets.items;
  listening->sockets.len = previous->sockets.len;
  listening->sockets.cap = previous->sockets.cap;
  return listening->tls != previous->tls ? tell_workers(listeners, listening, CHANGE_TLS) : NULL;
}

static tn_error *begin(const tn_listeners *listeners, tn_listening *listening) {
  if (listening->previous != NULL) return go_on(listeners, listening);
  tn_listening_announce(listening, listeners->log);
  return tell_workers(listeners, listening, LISTEN);
}

static tn_error *end(const tn_listeners *listeners, const tn_listening *listening) {
  tn_log_write(listeners->log, "info", "not listening on %" TN_STR_FORMAT " any more",
               TN_STR_ARG(listening->listen->address));
  return tell_workers(listeners, listening, UNLISTEN);
}

tn_error *tn_listeners_apply(tn_listeners *listeners, tn_listeners_change *change) {
  tn_error *first = NULL;
  for (const tn_listening *at = listeners->first; at != NULL; at = at->next)
    if (!is_taken(change, at)) keep_first(&first, end(listeners, at));
  for (tn_listening *at = change->first; at != NULL; at = at->next)
    keep_first(&first, begin(listeners, at));
  free_list(listeners->first);
  listeners->first = change->first;
  for (tn_listening *at = listeners->first; at != NULL; at = at->next)
    at->previous = NULL;
  *change = (tn_listeners_change){0};
  return first;
}

void tn_listeners_free(tn_listeners *listeners) {
  free_list(listeners->first);
  *listeners = (tn_listeners){0};
}
