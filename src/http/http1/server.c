/* A server's HTTP/1.1 connections: what is read next, which request is answered, when the connection ends. */
#include <assert.h>
#include <poll.h>

#include "base/alloc.h"
#include "base/container.h"
#include "http/characters.h"
#include "http/http1/connection.h"

enum {
  /* of a body that nobody reads; with more, the connection is worth less than the bytes */
  MAX_DRAINED = 65536,
  REQUESTS_A_TURN = 64, /* of one connection that pipelines, before others get their turn */
  MAX_EMPTY_LINES = 8,  /* before a request line (RFC 9112 2.2) */
};
/* How long a client is listened to, and ignored, after the last response, so that it gets to read that. */
static const uint64_t LINGER_TIME = 2000000000;

static void defer_func(tn_deferred *deferred);

void tn_http1_connection_defer(tn_http1_connection *c) {
  tn_deferred *deferred = &c->base->deferred;
  if (deferred->is_linked) return;
  deferred->func = defer_func;
  tn_loop_defer(tn_http_server_loop(c->server), deferred);
}

void tn_http1_connection_break(tn_http1_connection *c, tn_http_code why, bool resets) {
  if (!c->is_broken) {
    c->is_broken = true;
    c->why = why;
    c->resets = resets;
  }
  tn_http1_connection_defer(c);
}

/* ---- deadlines --------------------------------------------------------------------------------------- */

static tn_http1_deadline current_deadline_kind(const tn_http1_connection *c) {
  const tn_http1_exchange *x = c->exchange;
  if (c->is_lingering) return TN_DEADLINE_LINGER;
  if (c->is_blocked && tn_http1_out_size(c) > 0) return TN_DEADLINE_WRITE;
  if (x == NULL) {
    if (tn_http1_in_size(c) > 0) return TN_DEADLINE_HEAD;
    return c->has_had_request ? TN_DEADLINE_IDLE : TN_DEADLINE_START;
  }
  /* However much of what it has sent lies unread. */
  if (c->input_has_ended || c->base->is_hung_up) return TN_DEADLINE_HALF_CLOSED;
  if (!x->body_is_complete && !x->has_fault && (x->waits_for_body || x->is_abandoned)) {
    return TN_DEADLINE_BODY;
  }
  return TN_DEADLINE_NONE;
}

static uint64_t deadline_time(const tn_http_server_options *options, tn_http1_deadline kind) {
  switch (kind) {
  case TN_DEADLINE_START:
  case TN_DEADLINE_HEAD:
    return options->header_timeout;
  case TN_DEADLINE_IDLE:
    return options->idle_timeout;
  case TN_DEADLINE_BODY:
    return options->body_timeout;
  case TN_DEADLINE_WRITE:
    return options->write_timeout;
  case TN_DEADLINE_HALF_CLOSED:
    return options->half_close_timeout;
  case TN_DEADLINE_LINGER:
    return LINGER_TIME;
  default:
    return 0;
  }
}

void tn_http1_connection_update_deadline(tn_http1_connection *c) {
  tn_http1_deadline kind = current_deadline_kind(c);
  if (kind == c->deadline_kind) return;
  /* The first bytes do not give a new client more time. */
  bool goes_on = kind == TN_DEADLINE_HEAD && c->deadline_kind == TN_DEADLINE_START;
  c->deadline_kind = kind;
  if (goes_on) return;
  uint64_t time = deadline_time(c->options, kind);
  uint64_t now = tn_loop_time(tn_http_server_loop(c->server));
  tn_connection_set_deadline(c->base, time == 0 ? 0 : now + time);
}

/* ---- refusals ------------------------------------------------------------------------------------------ */

static void tell_refused(tn_http1_connection *c, int status, const char *reason) {
  tn_http_count(&tn_http_server_mutable_counters(c->server)->refused_requests, 1);
  void *data;
  const tn_http_handler *handler = tn_http_server_handler(c->server, &data);
  if (handler->refused == NULL) return;
  handler->refused(data, (const struct sockaddr *)&c->base->peer, status, reason);
}

static void refuse(tn_http1_connection *c, int status, const char *reason) {
  c->has_had_request = true;
  tn_http1_respond_plainly(c, NULL, status, reason);
  tell_refused(c, status, reason);
}

/* Whether what a client says first is not HTTP/1: a line of three words, of which the second is no path or
 * URI and the third no version, because there is no slash in either. Whoever makes a mistake in HTTP/1 is
 * told of it, but a client of another protocol, such as HTTP/2 with a broken preface (RFC 9113 3.4), would
 * take the answer for something of its own. */
static bool is_foreign(const tn_http1_connection *c, tn_str head) {
  if (c->has_had_request) return false;
  size_t end = tn_str_find(head, '\r', 0);
  size_t first = tn_str_find(head, ' ', 0);
  if (first >= end) return false;
  size_t second = tn_str_find(head, ' ', first + 1);
  if (second >= end) return false;
  tn_str last = tn_str_slice(head, second + 1, end);
  return tn_str_find(last, ' ', 0) == last.len && tn_str_find(last, '/', 0) == last.len &&
         tn_str_find(tn_str_slice(head, first + 1, second), '/', 0) == second - first - 1;
}

/* ---- requests ------------------------------------------------------------------------------------------ */

/* RFC 9110 7.4, 9.3.6: what this server cannot be meant by. */
static const char *unfit_reason(const tn_http1_connection *c, const tn_http_request *request,
                                int *status) {
  if (tn_str_equal(request->method, TN_STR("CONNECT"))) {
    *status = 501;
    return "CONNECT is not supported";
  }
  if (!c->base->is_tls && tn_str_equal(request->scheme, TN_STR("https"))) {
    *status = 421;
    return "https without TLS";
  }
  return NULL;
}

static void start_exchange(tn_http1_connection *c, tn_http1_exchange *x) {
  x->connection = c;
  x->base.started = tn_loop_time(tn_http_server_loop(c->server));
  x->base.request.peer = c->base->peer;
  x->base.request.scheme = c->base->is_tls ? TN_STR("https") : TN_STR("http");
  tn_http1_body_init(x);
  tn_http1_response_init(x);
  c->exchange = x;
  c->has_had_request = true;
  c->drained = 0;
  if (!x->framing.keep_alive) c->closes = true;
  tn_connection_set_idle(c->base, false);
  void *data;
  const tn_http_handler *handler = tn_http_server_handler(c->server, &data);
  c->is_in_handler = true;
  handler->request(data, &x->base);
  c->is_in_handler = false;
}

/* The head of `size` bytes at in_start becomes an exchange, or is refused. Its bytes are copied, as a request can be
 * under way for long, and need not keep a whole buffer then. */
static void take_head(tn_http1_connection *c, size_t size) {
  tn_http1_exchange *x = tn_http1_exchange_take(c->pool);
  tn_str head = {(const char *)c->in->bytes + c->in_start, size};
  tn_str copy = x == NULL ? (tn_str){0} : tn_arena_copy(&x->base.arena, head);
  if (copy.data == NULL) {
    if (x != NULL) tn_http1_exchange_give(x);
    refuse(c, 503, "out of memory");
    return;
  }
  tn_http1_refusal refusal;
  int status = 0;
  const char *reason = NULL;
  if (!tn_http1_parse_request(&x->base.arena, (const uint8_t *)copy.data, size,
                              c->options->max_header_count, &x->base.request, &x->framing,
                              &refusal)) {
    status = refusal.status;
    reason = refusal.reason;
  } else if (x->framing.length > c->options->max_body_bytes) {
    status = 413;
    reason = "body too large";
  } else {
    reason = unfit_reason(c, &x->base.request, &status);
  }
  if (reason != NULL) {
    tn_http1_exchange_give(x);
    if (is_foreign(c, head)) {
      tell_refused(c, status, reason);
      tn_http1_connection_break(c, TN_HTTP_CONNECTION_TERMINATED, false);
    } else {
      refuse(c, status, reason);
    }
    return;
  }
  c->in_start += (uint32_t)size;
  c->scanned = 0;
  c->empty_lines = 0;
  start_exchange(c, x);
}

/* RFC 9112 2.2. False: too many. */
static bool skip_empty_lines(tn_http1_connection *c) {
  for (;;) {
    const uint8_t *at = c->in->bytes + c->in_start;
    if (tn_http1_in_size(c) < 2 || at[0] != '\r' || at[1] != '\n') return true;
    if (c->empty_lines++ == MAX_EMPTY_LINES) return false;
    c->in_start += 2;
    c->scanned = 0;
  }
}

/* A head that is not complete but is too long, or never was HTTP. */
static bool refuse_early(tn_http1_connection *c) {
  const uint8_t *bytes = c->in->bytes + c->in_start;
  size_t size = tn_http1_in_size(c);
  if (size == 0) return false;
  bool may_be_http = tn_http_is((char)bytes[0], TN_CHAR_TOKEN) || (bytes[0] == '\r' && size == 1);
  if (!may_be_http) {
    refuse(c, 400, bytes[0] == 0x16 ? "TLS on a plain connection" : "malformed request line");
    return true;
  }
  if (size <= c->options->max_header_bytes) return false;
  bool has_line = memchr(bytes, '\n', c->options->max_header_bytes) != NULL;
  refuse(c, has_line ? 431 : 414, has_line ? "head too large" : "request line too long");
  return true;
}

/* Looks for a request in what has been read. False: there is none yet. */
static bool find_request(tn_http1_connection *c) {
  if (c->in == NULL) return false;
  if (!skip_empty_lines(c)) {
    refuse(c, 400, "empty lines instead of a request");
    return true;
  }
  size_t size =
      tn_http1_find_head_end(c->in->bytes + c->in_start, tn_http1_in_size(c), &c->scanned);
  if (size == 0 || size > c->options->max_header_bytes) return refuse_early(c);
  take_head(c, size);
  return true;
}

/* ---- ends ---------------------------------------------------------------------------------------------- */

/* The response is out and nothing of the request is left to be read. */
static void leave_exchange(tn_http1_connection *c) {
  tn_http1_exchange *x = c->exchange;
  c->exchange = NULL;
  c->deadline_kind = TN_DEADLINE_NONE;
  x->connection = NULL;
  if (x->is_released && !x->is_leaving) tn_http1_exchange_give(x);
}

/* All has been said. A client that is still sending would get a reset instead of the response if the
 * connection were closed now (RFC 9112 9.6), so that it is listened to for a while. Gives whether the
 * connection is gone. */
static bool close_connection(tn_http1_connection *c) {
  if (!c->is_lingering) {
    tn_http1_response_send(c);
    if (c->is_broken || tn_http1_out_size(c) > 0) return false;
    if (c->input_has_ended || (!c->is_readable && tn_http1_in_size(c) == 0)) {
      tn_connection_end(c->base, TN_HTTP_CONNECTION_TERMINATED, false);
      return true;
    }
    c->is_lingering = true;
    c->in_start = c->in_end;
    tn_transport_shutdown(&c->base->transport);
  }
  uint8_t waste[4096];
  int64_t result;
  do {
    result = tn_http1_input_take(c, waste, sizeof waste);
  } while (result > 0);
  if (result == 0) return false;
  tn_connection_end(c->base, TN_HTTP_CONNECTION_TERMINATED, false);
  return true;
}

/* What to do with the exchange. Gives whether it is over. */
static bool continue_exchange(tn_http1_connection *c) {
  tn_http1_exchange *x = c->exchange;
  bool drains = x->is_abandoned && !x->body_is_complete && !x->has_fault && !x->owes_continue;
  if (drains && c->drained < MAX_DRAINED) {
    c->drained += tn_http1_body_discard(x, MAX_DRAINED - c->drained);
  }
  if (c->is_broken || x->response != TN_RESPONSE_COMPLETE) return false;
  bool is_too_much = x->is_abandoned && !x->body_is_complete &&
                     (c->closes || c->drained >= MAX_DRAINED || x->left > MAX_DRAINED);
  if (!x->body_is_complete && !x->has_fault && !is_too_much) return false;
  if (!x->body_is_complete || tn_http_server_is_draining(c->server)) c->closes = true;
  leave_exchange(c);
  return true;
}

/* Draining ends a connection on which nothing more has come. After a handshake the request is on its way. */
static bool is_last_read(const tn_http1_connection *c) {
  bool may_come = c->base->is_tls && !c->has_had_request;
  return tn_http_server_is_draining(c->server) && tn_http1_in_size(c) == 0 && !may_come;
}

/* Nobody is to be answered: looks for the next request. Gives whether to go on; *gone: the connection has
 * ended. */
static bool seek_request(tn_http1_connection *c, bool *gone) {
  if (find_request(c)) return true;
  int64_t result = tn_http1_input_fill(c, (size_t)c->options->max_header_bytes + 1);
  if (result > 0) return true;
  if (result == 0) {
    c->closes = is_last_read(c);
    return c->closes;
  }
  /* What was answered before may still be on its way. */
  if (result == TN_HTTP_END && tn_http1_out_size(c) > 0) {
    c->in_start = c->in_end;
    c->closes = true;
    return true;
  }
  tn_connection_end(c->base, TN_HTTP_CONNECTION_TERMINATED, false);
  *gone = true;
  return false;
}

/* Goes on as far as possible. Gives whether the connection is gone. */
static bool advance(tn_http1_connection *c) {
  int requests = 0;
  bool gone = false, goes_on = true;
  while (goes_on && !c->is_broken) {
    if (c->exchange != NULL) {
      goes_on = continue_exchange(c);
    } else if (c->closes) {
      return close_connection(c);
    } else if (tn_http1_out_size(c) >= c->options->write_buffer_bytes) {
      tn_http1_response_send(c);
      goes_on = tn_http1_out_size(c) < c->options->write_buffer_bytes;
    } else if (requests++ == REQUESTS_A_TURN) {
      tn_http1_connection_defer(c); /* for the next turn */
      goes_on = false;
    } else {
      goes_on = seek_request(c, &gone);
    }
  }
  return gone;
}

/* Whether the socket is in error or closed both ways. */
static bool is_reset(const tn_http1_connection *c) {
  struct pollfd fd = {.fd = c->base->transport.io.descriptor};
  return poll(&fd, 1, 0) > 0 && (fd.revents & (POLLERR | POLLHUP)) != 0;
}

/* A client that goes away while its request is answered is noticed at once, also when nobody reads. One that has only
 * ended its side may still listen, which the deadline is for. */
static void watch_client(tn_http1_connection *c) {
  tn_http1_exchange *x = c->exchange;
  if (x == NULL || c->is_broken) return;
  if (c->is_readable && x->body_is_complete) {
    int64_t result = tn_http1_input_fill(c, TN_HTTP1_BUFFER_SIZE);
    if (result < 0 && result != TN_HTTP_END) {
      tn_http1_connection_break(c, tn_http_failure_code(result), true);
    }
  }
  if (!c->base->is_hung_up) return;
  bool is_cut = x->framing.body == TN_HTTP1_LENGTH && !c->base->is_tls && !c->input_has_ended &&
                tn_http1_in_size(c) + tn_http1_input_pending(c) < x->left;
  if (is_cut || is_reset(c)) tn_http1_connection_break(c, TN_HTTP_CONNECTION_TERMINATED, true);
}

static void call_observer(tn_http_observer observer) {
  if (observer.func != NULL) observer.func(observer.data);
}

static void call_observers(tn_http1_connection *c, int events) {
  tn_http1_exchange *x = c->exchange;
  if (x != NULL && (events & TN_READABLE) && !x->is_abandoned && !x->body_is_complete) {
    call_observer(x->incoming.observer);
  }
  x = c->exchange;
  bool has_room = x != NULL && x->wants_room && x->response == TN_RESPONSE_OPEN && !c->is_blocked &&
                  tn_http1_out_size(c) < c->options->write_buffer_bytes;
  if (!has_room) return;
  x->wants_room = false;
  call_observer(x->outgoing.observer);
}

/* The connection cannot go on. What has gathered may still leave. */
static void end_broken(tn_http1_connection *c) {
  tn_http1_response_send(c);
  tn_connection_end(c->base, c->why, c->resets);
}

static void step(tn_http1_connection *c, int events) {
  if (!c->is_broken && (events & TN_WRITABLE)) tn_http1_response_send(c);
  if (!c->is_broken && advance(c)) return;
  call_observers(c, events);
  watch_client(c);
  if (c->is_broken) {
    end_broken(c);
    return;
  }
  /* A response that is complete need not wait for the turn's end: the client can go on meanwhile. */
  bool is_complete = c->exchange == NULL || c->exchange->response == TN_RESPONSE_COMPLETE;
  if (is_complete) tn_http1_response_send(c);
  if (tn_http1_out_size(c) > 0 && !c->is_blocked) tn_http1_connection_defer(c);
  tn_http1_input_trim(c);
  tn_http1_connection_update_deadline(c);
  tn_connection_set_idle(c->base, c->exchange == NULL);
}

/* ---- the connection's class ------------------------------------------------------------------------------ */

static void connection_ready(tn_connection *base, int events) {
  tn_http1_connection *c = base->protocol;
  if (events & TN_READABLE) c->is_readable = true;
  if (events & TN_WRITABLE) c->is_blocked = false;
  step(c, events);
}

static void defer_func(tn_deferred *deferred) {
  tn_connection *base = TN_CONTAINER(deferred, tn_connection, deferred);
  tn_http1_connection *c = base->protocol;
  tn_http1_response_send(c);
  step(c, 0);
}

static void connection_flush(tn_connection *base) {
  tn_http1_response_send(base->protocol);
}

static void connection_drain(tn_connection *base) {
  tn_http1_connection *c = base->protocol;
  c->is_readable = true; /* what has come already is answered */
  tn_http1_connection_defer(c);
}

static void tell_closed(tn_http1_exchange *x, tn_http_code code) {
  if (x->base.is_closed || x->is_released) return;
  x->base.is_closed = true;
  tn_http_server *server = x->connection->server;
  void *data;
  const tn_http_handler *handler = tn_http_server_handler(server, &data);
  handler->closed(data, &x->base, code);
}

static void tell_faulted(tn_http1_exchange *x, tn_http_code code) {
  if (x->base.is_closed || x->is_released) return;
  void *data;
  const tn_http_handler *handler = tn_http_server_handler(x->connection->server, &data);
  if (handler->faulted != NULL) handler->faulted(data, &x->base, code);
}

static void body_timed_out(tn_http1_connection *c) {
  tn_http1_exchange *x = c->exchange;
  bool can_answer = x->response == TN_RESPONSE_NONE;
  if (!can_answer && x->response != TN_RESPONSE_COMPLETE) {
    tn_connection_end(c->base, TN_HTTP_CONNECTION_READ_TIMEOUT, true);
    return;
  }
  tn_http1_body_fault(x, TN_HTTP_CONNECTION_READ_TIMEOUT);
  c->closes = true;
  if (can_answer) {
    tell_faulted(x, TN_HTTP_CONNECTION_READ_TIMEOUT);
    if (x->response == TN_RESPONSE_NONE)
      tn_http1_respond_plainly(c, x, 408, "the request's body did not come in time");
    tell_closed(x, TN_HTTP_CONNECTION_READ_TIMEOUT);
  }
  step(c, 0);
}

static void connection_timeout(tn_connection *base) {
  tn_http1_connection *c = base->protocol;
  tn_http1_deadline kind = c->deadline_kind;
  c->deadline_kind = TN_DEADLINE_NONE;
  switch (kind) {
  case TN_DEADLINE_HEAD:
    refuse(c, 408, "the request did not come in time");
    step(c, 0);
    break;
  case TN_DEADLINE_BODY:
    body_timed_out(c);
    break;
  case TN_DEADLINE_NONE: /* there was progress since it was set */
    tn_http1_connection_update_deadline(c);
    break;
  case TN_DEADLINE_WRITE:
    tn_connection_end(base, TN_HTTP_CONNECTION_WRITE_TIMEOUT, true);
    break;
  default:
    tn_connection_end(base, TN_HTTP_CONNECTION_TERMINATED, false);
    break;
  }
}

static void connection_destroy(tn_connection *base, tn_http_code why) {
  tn_http1_connection *c = base->protocol;
  tn_http1_exchange *x = c->exchange;
  tn_http1_exchanges_left(c, true);
  if (x != NULL) {
    bool is_answered = x->response == TN_RESPONSE_COMPLETE && tn_http1_out_size(c) == 0;
    if (x->base.ended == 0) tn_http_server_exchange_ended(c->server, &x->base, x->is_released);
    if (!is_answered) tell_closed(x, why);
    leave_exchange(c);
  }
  tn_http1_buffer_release(c->pool, c->in);
  tn_http1_buffer_release(c->pool, c->out);
  tn_free(c);
}

static const tn_connection_class http1_class = {
    .ready = connection_ready,
    .drain = connection_drain,
    .flush = connection_flush,
    .timeout = connection_timeout,
    .destroy = connection_destroy,
};

void tn_http1_connection_start(tn_connection *connection, const uint8_t *bytes, size_t size) {
  tn_http1_connection *c = tn_calloc(1, sizeof *c);
  tn_http1_pool *pool = tn_http_server_http1_pool(connection->server);
  if (c != NULL && size > 0) c->in = tn_http1_buffer_take(pool, size);
  if (c == NULL || (size > 0 && c->in == NULL)) {
    tn_free(c);
    tn_connection_end(connection, TN_HTTP_INTERNAL_ERROR, true);
    return;
  }
  c->base = connection;
  c->server = connection->server;
  c->options = tn_http_server_options_of(c->server);
  c->pool = pool;
  c->is_readable = true;
  c->deadline_kind = TN_DEADLINE_START; /* the server has set it */
  if (size > 0) memcpy(c->in->bytes, bytes, size);
  c->in_end = (uint32_t)size;
  connection->class = &http1_class;
  connection->protocol = c;
  connection->deferred.func = defer_func;
  step(c, 0);
}
