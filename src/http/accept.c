#include "http/accept.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/container.h"
#include "base/error.h"
#include "http/connection.h"

enum {
  ACCEPTS_A_TURN = 64,
  SHED_A_TURN = 16,         /* when descriptors have run out */
  ACCEPT_PAUSE = 100000000, /* then the next attempt is made after so many nanoseconds */
};

/* A listening socket. Invariant: while `has_more` is set nothing more is told about it by the loop. */
struct tn_http_listener {
  tn_io io;
  tn_acceptor *acceptor;
  tn_tls_context *tls;
  bool has_more; /* accepting was put off before the queue was empty */
  tn_http_listener *next;
};

void tn_acceptor_refuse(tn_acceptor *acceptor, int descriptor) {
  close(descriptor);
  tn_http_count(&acceptor->counters->refused_connections, 1);
}

/* In another turn of the loop, `delay` nanoseconds from now or later. */
static void resume(tn_acceptor *acceptor, uint64_t delay) {
  uint64_t time = tn_loop_time(acceptor->loop) + delay;
  /* The heap has had room for this alarm since the server was made. */
  tn_error_delete(tn_alarm_set(acceptor->loop, &acceptor->resume, time));
}

void tn_acceptor_has_room(tn_acceptor *acceptor) {
  for (const tn_http_listener *at = acceptor->listeners; at != NULL; at = at->next) {
    if (!at->has_more) continue;
    resume(acceptor, 0);
    return;
  }
}

/* ---- descriptors that run out ---------------------------------------------------------------------- */

/* Those who wait longest are sent away, by means of the one that was kept back, so that they learn of it. */
static void shed(tn_acceptor *acceptor, int descriptor) {
  for (int i = 0; i < SHED_A_TURN && acceptor->reserve.count > 0; i++) {
    tn_reserve_release_one(&acceptor->reserve);
    int shed = accept4(descriptor, NULL, NULL, SOCK_CLOEXEC);
    if (shed >= 0) tn_acceptor_refuse(acceptor, shed);
    tn_reserve_fill(&acceptor->reserve);
    if (shed < 0) return;
  }
}

static bool is_out_of_descriptors(int number) {
  return number == EMFILE || number == ENFILE;
}

static bool is_out_of_resources(int number) {
  return is_out_of_descriptors(number) || number == ENOBUFS || number == ENOMEM;
}

/* What is reserved for connections serves when nothing else is left. Somebody else in the process may be faster to take
 * what is released: hence the loop. */
static int accept_descriptor(tn_http_listener *from, struct sockaddr_storage *peer) {
  tn_reserve *reserve = &from->acceptor->reserve;
  for (;;) {
    socklen_t size = sizeof *peer;
    int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    int descriptor = accept4(from->io.descriptor, (struct sockaddr *)peer, &size, flags);
    if (descriptor >= 0 || !is_out_of_descriptors(errno) || reserve->count <= 1) return descriptor;
    tn_reserve_release_one(reserve);
  }
}

/* ---- accepting ------------------------------------------------------------------------------------- */

typedef enum accepted {
  ACCEPTED,
  ACCEPTED_ALL, /* there was none */
  ACCEPTED_ENOUGH,
  ACCEPT_STARVED,
} accepted;

static accepted accept_one(tn_http_listener *from) {
  tn_acceptor *acceptor = from->acceptor;
  if (acceptor->counters->open_connections >= acceptor->options->max_connections)
    return ACCEPTED_ENOUGH;
  struct sockaddr_storage peer = {0};
  int descriptor = accept_descriptor(from, &peer);
  if (descriptor >= 0) {
    acceptor->accept(acceptor->server, descriptor, &peer, from->tls);
    return ACCEPTED;
  }
  if (errno == EAGAIN || errno == EWOULDBLOCK) return ACCEPTED_ALL;
  /* Anything else is about that one connection (accept(2)), which is gone. */
  return is_out_of_resources(errno) ? ACCEPT_STARVED : ACCEPTED;
}

static void accept_some(tn_http_listener *from) {
  tn_acceptor *acceptor = from->acceptor;
  tn_reserve_fill(&acceptor->reserve);
  accepted result = ACCEPTED;
  for (int i = 0; i < ACCEPTS_A_TURN && result == ACCEPTED; i++)
    result = accept_one(from);
  from->has_more = result != ACCEPTED_ALL;
  if (result == ACCEPT_STARVED) {
    shed(acceptor, from->io.descriptor);
    resume(acceptor, ACCEPT_PAUSE);
  } else if (result == ACCEPTED) {
    resume(acceptor, 0);
  }
}

static void accept_rest(tn_http_listener *from) {
  accepted result = ACCEPTED;
  for (uint32_t i = 0; i < from->acceptor->options->max_connections && result == ACCEPTED; i++)
    result = accept_one(from);
}

static void resume_fired(tn_alarm *alarm) {
  tn_acceptor *acceptor = TN_CONTAINER(alarm, tn_acceptor, resume);
  for (tn_http_listener *at = acceptor->listeners; at != NULL; at = at->next) {
    if (at->has_more) accept_some(at);
  }
}

static void listener_ready(tn_io *io, int events) {
  (void)events;
  tn_http_listener *from = TN_CONTAINER(io, tn_http_listener, io);
  /* Otherwise its turn comes with the alarm, or when a connection has ended. */
  if (!from->has_more) accept_some(from);
}

/* ---- listening ------------------------------------------------------------------------------------- */

tn_error *tn_acceptor_listen(tn_acceptor *acceptor, int descriptor, tn_tls_context *tls) {
  tn_http_listener *from = tn_calloc(1, sizeof *from);
  tn_error *error = NULL;
  if (from == NULL) {
    error = tn_error_no_memory();
  } else {
    from->acceptor = acceptor;
    error = tn_io_start(&from->io, acceptor->loop, descriptor, listener_ready);
  }
  if (error != NULL) {
    tn_free(from);
    close(descriptor);
    return error;
  }
  if (tls != NULL) from->tls = tn_tls_context_retain(tls);
  from->next = acceptor->listeners;
  acceptor->listeners = from;
  return NULL;
}

static tn_http_listener **find(tn_acceptor *acceptor, int descriptor) {
  tn_http_listener **link = &acceptor->listeners;
  while (*link != NULL && (*link)->io.descriptor != descriptor)
    link = &(*link)->next;
  return link;
}

/* The first of the rest of the list. */
static void close_listener(tn_http_listener **link) {
  tn_http_listener *from = *link;
  *link = from->next;
  int descriptor = from->io.descriptor;
  tn_io_stop(&from->io);
  close(descriptor);
  if (from->tls != NULL) tn_tls_context_release(from->tls);
  tn_free(from);
}

void tn_acceptor_unlisten(tn_acceptor *acceptor, int descriptor) {
  tn_http_listener **link = find(acceptor, descriptor);
  if (*link == NULL) return;
  accept_rest(*link);
  close_listener(link);
}

void tn_acceptor_change_tls(tn_acceptor *acceptor, int descriptor, tn_tls_context *tls) {
  tn_http_listener *from = *find(acceptor, descriptor);
  if (from == NULL) return;
  tn_tls_context *before = from->tls;
  from->tls = tls != NULL ? tn_tls_context_retain(tls) : NULL;
  if (before != NULL) tn_tls_context_release(before);
}

static void close_all(tn_acceptor *acceptor) {
  tn_alarm_clear(acceptor->loop, &acceptor->resume);
  while (acceptor->listeners != NULL)
    close_listener(&acceptor->listeners);
}

void tn_acceptor_unlisten_all(tn_acceptor *acceptor) {
  for (tn_http_listener *at = acceptor->listeners; at != NULL; at = at->next)
    accept_rest(at);
  close_all(acceptor);
}

/* ---- the whole ------------------------------------------------------------------------------------- */

tn_error *tn_acceptor_start(tn_acceptor *acceptor) {
  acceptor->resume.func = resume_fired;
  uint32_t wanted = acceptor->options->reserved_descriptors + 1;
  acceptor->reserve.wanted = wanted < TN_RESERVE_MOST ? wanted : TN_RESERVE_MOST;
  tn_reserve_fill(&acceptor->reserve);
  if (acceptor->reserve.count == acceptor->reserve.wanted) return NULL;
  return tn_error_new(TN_ERROR_IO, "cannot open /dev/null: %s", strerror(errno));
}

void tn_acceptor_stop(tn_acceptor *acceptor) {
  close_all(acceptor);
  acceptor->reserve.wanted = 0;
  tn_reserve_free(&acceptor->reserve);
}
