/* An HTTP server on a thread of its own, with a handler whose answers tests know, and raw clients for it. */
#ifndef TN_HTTP_FIXTURE_H
#define TN_HTTP_FIXTURE_H

#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "http/server.h"

enum { FIXTURE_SECONDS = 20 }; /* until something that must happen counts as not happening */

typedef struct fixture {
  pthread_t thread;
  tn_loop *loop;
  tn_http_server *server;
  tn_http_server_options options;
  /* tells the thread to drain (1), to stop (2), or which allocation is to fail (from 100 on) */
  tn_io control;
  int control_fd;
  uint16_t port;
  /* What the handler saw; written by the server's thread. */
  _Atomic int requests;
  _Atomic int refused;
  _Atomic int closed;
  _Atomic int closed_code;
  _Atomic int live;     /* exchanges not released */
  _Atomic int controls; /* what the thread was told and has done */
  _Atomic bool is_drained;
  _Atomic bool may_go_on; /* for "/hold" */
} fixture;

static void fixture_drained(void *data) {
  ((fixture *)data)->is_drained = true;
}

/* ---- the handler ------------------------------------------------------------------------------------ */

/* One request while it is answered. */
typedef struct answer {
  fixture *owner;
  tn_http_exchange *exchange;
  tn_http_outgoing *out;
  tn_buffer body;
  uint64_t left; /* bytes still to write */
  bool is_echo;
  tn_alarm alarm; /* for "/slow" */
} answer;

static void answer_free(answer *self) {
  self->owner->live--;
  tn_alarm_clear(self->owner->loop, &self->alarm);
  tn_buffer_free(&self->body);
  tn_http_exchange *exchange = self->exchange;
  free(self);
  exchange->class->release(exchange);
}

static tn_http_outgoing *answer_respond(answer *self, int status, uint64_t length) {
  tn_http_field field = {TN_STR("X-Test"), TN_STR("yes")};
  tn_http_response head = {
      .status = (uint16_t)status, .fields = {&field, 1, 1}, .body_length = length};
  self->out = self->exchange->class->respond(self->exchange, &head);
  return self->out;
}

static void answer_text(answer *self, int status, const char *text) {
  if (answer_respond(self, status, TN_HTTP_UNKNOWN_LENGTH) != NULL) {
    if (text[0] != '\0') self->out->class->write(self->out, (const uint8_t *)text, strlen(text));
    self->out->class->finish(self->out, NULL);
  }
  answer_free(self);
}

/* Writes what is left as fast as the client takes it. */
static void answer_pour(void *data) {
  answer *self = data;
  static uint8_t block[65536];
  while (self->left > 0) {
    int64_t room = self->out->class->capacity(self->out);
    if (room == 0) return;
    size_t size = room < (int64_t)sizeof block ? (size_t)room : sizeof block;
    if (size > self->left) size = (size_t)self->left;
    if (room < 0 || self->out->class->write(self->out, block, size) != 0) {
      answer_free(self);
      return;
    }
    self->left -= size;
  }
  self->out->class->finish(self->out, NULL);
  answer_free(self);
}

/* What the server understood: "<METHOD authority path body [trailers]>". */
static void answer_report(answer *self) {
  tn_http_request *request = &self->exchange->request;
  tn_buffer text = {0};
  tn_buffer_format(&text, "<%" TN_STR_FORMAT " %" TN_STR_FORMAT " %" TN_STR_FORMAT " ",
                   TN_STR_ARG(request->method), TN_STR_ARG(request->authority),
                   TN_STR_ARG(request->path));
  tn_buffer_append(&text, self->body.data, self->body.len);
  tn_http_fields *trailers = &self->exchange->body->trailers;
  for (uint32_t i = 0; i < trailers->count; i++) {
    tn_buffer_format(&text, " %" TN_STR_FORMAT "=%" TN_STR_FORMAT,
                     TN_STR_ARG(trailers->items[i].name), TN_STR_ARG(trailers->items[i].value));
  }
  tn_buffer_append(&text, ">\n", 3);
  if (text.failed || self->body.failed)
    answer_free(self);
  else
    answer_text(self, 200, text.data);
  tn_buffer_free(&text);
}

/* Takes the body in, then reports. */
static void answer_collect(void *data) {
  answer *self = data;
  tn_http_incoming *body = self->exchange->body;
  uint8_t bytes[1000];
  int64_t size;
  while ((size = body->class->read(body, bytes, sizeof bytes)) > 0) {
    tn_buffer_append(&self->body, bytes, (size_t)size);
  }
  if (size == 0) return;
  if (size == TN_HTTP_END)
    answer_report(self);
  else
    answer_free(self);
}

/* "/slow": a byte of the body every 100 ms. */
static void answer_slowly(tn_alarm *alarm) {
  answer *self = (answer *)((char *)alarm - offsetof(answer, alarm));
  uint8_t byte;
  int64_t size = self->exchange->body->class->read(self->exchange->body, &byte, 1);
  if (size == TN_HTTP_END) {
    answer_report(self);
    return;
  }
  assert_true(size >= 0);
  if (size > 0) tn_buffer_append_byte(&self->body, byte);
  self->alarm.func = answer_slowly;
  assert_ok(tn_alarm_set(self->owner->loop, &self->alarm,
                         tn_loop_time(self->owner->loop) + UINT64_C(100000000)));
}

/* "/fails": begins a response and fails before anything has left, so that another can take its place;
 * "/fails/sized": of a known length; "/fails/flushed": when the beginning has been flushed, so that it is
 * too late. */
static void answer_that_fails(answer *self, tn_str path) {
  tn_http_exchange *exchange = self->exchange;
  bool is_sized = tn_str_equal(path, TN_STR("/fails/sized"));
  bool is_flushed = tn_str_equal(path, TN_STR("/fails/flushed"));
  answer_respond(self, 200, is_sized ? 100 : TN_HTTP_UNKNOWN_LENGTH);
  self->out->class->write(self->out, (const uint8_t *)"beginning", 9);
  if (is_flushed) self->out->class->flush(self->out);
  assert_false(exchange->is_retracted);
  self->out->class->abort(self->out);
  assert_int_equal(exchange->is_retracted, !is_flushed);
  if (is_flushed) assert_null(answer_respond(self, 500, TN_HTTP_UNKNOWN_LENGTH));
  answer_text(self, 500, "failed\n");
}

static void answer_start(answer *self, tn_str path) {
  tn_http_exchange *exchange = self->exchange;
  tn_http_response hints = {.status = 103};
  if (tn_str_equal(path, TN_STR("/hang"))) return;
  if (tn_str_equal(path, TN_STR("/abort"))) {
    exchange->class->abort(exchange);
    answer_free(self);
  } else if (tn_str_equal(path, TN_STR("/early"))) {
    answer_text(self, 200, "early\n");
  } else if (tn_str_equal(path, TN_STR("/hold"))) {
    /* Holds the turn up until the client has seen what was flushed. */
    answer_respond(self, 200, 4);
    self->out->class->write(self->out, (const uint8_t *)"ab", 2);
    tn_http_server_flush_pending(self->owner->server);
    for (int i = 0; i < FIXTURE_SECONDS * 1000 && !self->owner->may_go_on; i++) {
      nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    self->out->class->write(self->out, (const uint8_t *)"cd", 2);
    self->out->class->finish(self->out, NULL);
    answer_free(self);
  } else if (tn_str_equal(path, TN_STR("/drain"))) {
    /* Begins to drain when the client says so, with all that it has done meanwhile not looked at. */
    for (int i = 0; i < FIXTURE_SECONDS * 1000 && !self->owner->may_go_on; i++) {
      nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    tn_http_server_drain(self->owner->server, fixture_drained, self->owner);
    answer_text(self, 200, "draining\n");
  } else if (tn_str_equal(path, TN_STR("/no-content"))) {
    answer_text(self, 204, "dropped");
  } else if (tn_str_equal(path, TN_STR("/not-modified"))) {
    answer_text(self, 304, "dropped");
  } else if (tn_str_equal(path, TN_STR("/hints"))) {
    exchange->class->inform(exchange, &hints);
    answer_text(self, 200, "after hints\n");
  } else if (tn_str_equal(path, TN_STR("/short"))) {
    answer_respond(self, 200, 10);
    self->out->class->write(self->out, (const uint8_t *)"short", 5);
    assert_false(self->out->class->finish(self->out, NULL));
    answer_free(self);
  } else if (tn_str_equal(path, TN_STR("/long"))) {
    answer_respond(self, 200, 3);
    int64_t result = self->out->class->write(self->out, (const uint8_t *)"too long", 8);
    assert_int_equal(result, tn_http_failure(TN_HTTP_HTTP_RESPONSE_BODY_SIZE));
    answer_free(self);
  } else if (tn_str_equal(path, TN_STR("/cut"))) {
    answer_respond(self, 200, TN_HTTP_UNKNOWN_LENGTH);
    static uint8_t block[20000];
    self->out->class->write(self->out, block, sizeof block);
    self->out->class->abort(self->out);
    answer_free(self);
  } else if (tn_str_equal(path, TN_STR("/slow"))) {
    answer_slowly(&self->alarm);
  } else if (tn_str_starts_with(path, TN_STR("/fails"))) {
    answer_that_fails(self, path);
  } else if (tn_str_equal(path, TN_STR("/trailers"))) {
    tn_http_field field = {TN_STR("X-Sum"), TN_STR("7")};
    answer_respond(self, 200, TN_HTTP_UNKNOWN_LENGTH);
    self->out->class->write(self->out, (const uint8_t *)"data", 4);
    self->out->class->finish(self->out, &(tn_http_fields){&field, 1, 1});
    answer_free(self);
  } else if (tn_str_starts_with(path, TN_STR("/pour/")) ||
             tn_str_starts_with(path, TN_STR("/sized/"))) {
    self->left = strtoull(path.data + (path.data[1] == 'p' ? 6 : 7), NULL, 10);
    uint64_t length = path.data[1] == 'p' ? TN_HTTP_UNKNOWN_LENGTH : self->left;
    answer_respond(self, 200, length);
    self->out->observer = (tn_http_observer){answer_pour, self};
    answer_pour(self);
  } else {
    exchange->body->observer = (tn_http_observer){answer_collect, self};
    answer_collect(self);
  }
}

static void fixture_request(void *data, tn_http_exchange *exchange) {
  fixture *self = data;
  self->requests++;
  self->live++;
  answer *one = calloc(1, sizeof *one);
  assert_non_null(one);
  one->owner = self;
  one->exchange = exchange;
  exchange->handler_data = one;
  answer_start(one, exchange->request.path);
}

static void fixture_closed(void *data, tn_http_exchange *exchange, tn_http_code code) {
  fixture *self = data;
  self->closed_code = (int)code;
  self->closed++;
  answer_free(exchange->handler_data);
}

static void fixture_refused(void *data, const struct sockaddr *peer, int status,
                            const char *reason) {
  (void)peer, (void)status, (void)reason;
  ((fixture *)data)->refused++;
}

/* ---- the server ---------------------------------------------------------------------------------------- */

static void fixture_control(tn_io *io, int events) {
  (void)events;
  fixture *self = (fixture *)((char *)io - offsetof(fixture, control));
  uint64_t what;
  if (read(self->control_fd, &what, sizeof what) != sizeof what) return;
  if (what == 1)
    tn_http_server_drain(self->server, fixture_drained, self);
  else if (what == 2)
    tn_loop_stop(self->loop);
  else
    tn_alloc_fail_after((int64_t)what - 101);
  self->controls++;
}

static void *fixture_run(void *data) {
  fixture *self = data;
  assert_ok(tn_loop_run(self->loop));
  return NULL;
}

/* Change self->options in between, if need be. */
static void fixture_init(fixture *self) {
  memset(self, 0, sizeof *self);
  tn_http_server_options_init(&self->options);
}

static void fixture_start(fixture *self) {
  static const tn_http_handler handler = {fixture_request, fixture_closed, fixture_refused};
  assert_ok(tn_loop_new(&self->loop));
  assert_ok(tn_http_server_new(self->loop, &self->options, &handler, self, &self->server));
  int descriptor;
  assert_ok(tn_http_listen_socket(TN_STR("127.0.0.1:0"), 100, &descriptor));
  struct sockaddr_in address;
  socklen_t size = sizeof address;
  assert_int_equal(getsockname(descriptor, (struct sockaddr *)&address, &size), 0);
  self->port = ntohs(address.sin_port);
  assert_ok(tn_http_server_listen(self->server, descriptor, NULL));
  self->control_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  assert_true(self->control_fd >= 0);
  assert_ok(tn_io_start(&self->control, self->loop, self->control_fd, fixture_control));
  assert_int_equal(pthread_create(&self->thread, NULL, fixture_run, self), 0);
}

static inline void fixture_tell(fixture *self, uint64_t what) {
  assert_int_equal(write(self->control_fd, &what, sizeof what), sizeof what);
}

static inline void fixture_drain(fixture *self) {
  fixture_tell(self, 1);
}

static void fixture_stop(fixture *self) {
  fixture_tell(self, 2);
  pthread_join(self->thread, NULL);
  tn_http_server_delete(self->server);
  assert_int_equal(self->live, 0);
  tn_io_stop(&self->control);
  close(self->control_fd);
  tn_loop_delete(self->loop);
}

/* Waits until the counter has this value. */
static inline void wait_for(_Atomic int *counter, int value) {
  for (int i = 0; i < FIXTURE_SECONDS * 1000 && *counter != value; i++) {
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  }
  assert_int_equal(*counter, value);
}

/* ---- clients -------------------------------------------------------------------------------------------- */

static int client_connect(const fixture *self) {
  int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(descriptor >= 0);
  struct timeval limit = {.tv_sec = FIXTURE_SECONDS};
  setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons(self->port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof address), 0);
  return descriptor;
}

/* recv(2), which a stop of the process breaks off on a socket with a time limit. */
static inline ssize_t client_receive(int descriptor, void *out, size_t size) {
  ssize_t got;
  do {
    got = recv(descriptor, out, size, 0);
  } while (got < 0 && errno == EINTR);
  return got;
}

/* Everything; that the server has closed meanwhile is fine. */
static void client_send(int descriptor, tn_str bytes) {
  size_t at = 0;
  while (at < bytes.len) {
    ssize_t sent = send(descriptor, bytes.data + at, bytes.len - at, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) return;
    assert_true(sent > 0);
    at += (size_t)sent;
  }
}

/* Reads until the server ends the connection. Gives a NUL-ended string; *is_reset: by a reset. */
static inline char *client_read_all(int descriptor, size_t *size, bool *is_reset) {
  tn_buffer text = {0};
  char bytes[65536];
  ssize_t got;
  while ((got = client_receive(descriptor, bytes, sizeof bytes)) > 0)
    tn_buffer_append(&text, bytes, (size_t)got);
  if (got < 0 && errno != ECONNRESET)
    fail_msg("the server neither answers nor closes; so far: %s", tn_buffer_take(&text));
  if (is_reset != NULL) *is_reset = got < 0;
  if (size != NULL) *size = text.len;
  char *result = tn_buffer_take(&text);
  assert_non_null(result);
  return result;
}

/* Reads until what has been read ends with `end`. */
static inline char *client_read_until(int descriptor, const char *end) {
  tn_buffer text = {0};
  size_t length = strlen(end);
  for (;;) {
    char byte;
    ssize_t got = client_receive(descriptor, &byte, 1);
    if (got <= 0) fail_msg("no \"%s\" in: %s", end, tn_buffer_take(&text));
    tn_buffer_append(&text, &byte, 1);
    if (text.len >= length && memcmp(text.data + text.len - length, end, length) == 0) break;
  }
  return tn_buffer_take(&text);
}

#endif
