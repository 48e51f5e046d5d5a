/* A loop with an HTTP client on it, scripted servers in threads of their own, and calls whose fate is
 * written down. */
#ifndef TN_HTTP_CLIENT_WORLD_H
#define TN_HTTP_CLIENT_WORLD_H

#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "http/client/client.h"

#define MILLISECOND UINT64_C(1000000)

/* ---- servers --------------------------------------------------------------------------------- */

typedef struct server server;
/* Serves the connection `index` (from 0) and returns; the descriptor is closed afterwards. */
typedef void (*server_script)(server *self, int connection, int index);

enum { MAX_SERVED = 64 };

struct server {
  server_script script;
  void *data;
  int listener;
  uint16_t port;
  pthread_t thread;
  atomic_int accepted;
  atomic_int seen; /* for the scripts */
  atomic_int closed;
  pthread_t served[MAX_SERVED];
};

typedef struct served {
  server *self;
  int connection;
  int index;
} served;

static void *serve_one(void *argument) {
  served one = *(served *)argument;
  free(argument);
  one.self->script(one.self, one.connection, one.index);
  close(one.connection);
  one.self->closed++;
  return NULL;
}

static void *serve_all(void *argument) {
  server *self = argument;
  for (;;) {
    int connection = accept(self->listener, NULL, NULL);
    if (connection < 0) return NULL;
    served *one = malloc(sizeof *one);
    *one = (served){self, connection, self->accepted++};
    pthread_create(&self->served[one->index], NULL, serve_one, one);
  }
}

static inline void server_start(server *self, server_script script, void *data) {
  memset(self, 0, sizeof *self);
  self->script = script;
  self->data = data;
  self->listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  assert_int_equal(bind(self->listener, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(self->listener, 64), 0);
  socklen_t size = sizeof address;
  getsockname(self->listener, (struct sockaddr *)&address, &size);
  self->port = ntohs(address.sin_port);
  pthread_create(&self->thread, NULL, serve_all, self);
}

static inline void server_stop(server *self) {
  shutdown(self->listener, SHUT_RDWR);
  pthread_join(self->thread, NULL);
  for (int i = 0; i < self->accepted; i++)
    pthread_join(self->served[i], NULL);
  close(self->listener);
}

/* Reads a head, and nothing behind it. Gives false at the connection's end. */
static bool read_head(int connection, char *out, size_t size) {
  size_t len = 0;
  while (len + 1 < size && recv(connection, out + len, 1, 0) == 1) {
    out[++len] = 0;
    if (len >= 4 && memcmp(out + len - 4, "\r\n\r\n", 4) == 0) return true;
  }
  out[len] = 0;
  return false;
}

static void send_text(int connection, const char *text) {
  size_t size = strlen(text);
  while (size > 0) {
    ssize_t sent = send(connection, text, size, MSG_NOSIGNAL);
    if (sent <= 0) return;
    text += sent;
    size -= (size_t)sent;
  }
}

static void read_to_end(int connection) {
  char bytes[4096];
  while (recv(connection, bytes, sizeof bytes, 0) > 0)
    continue;
}

/* Answers each request on the connection with `data`. */
__attribute__((unused)) static void script_answer(server *self, int connection, int index) {
  (void)index;
  char head[8192];
  while (read_head(connection, head, sizeof head)) {
    self->seen++;
    send_text(connection, self->data);
  }
}

/* Answers one request and closes. */
__attribute__((unused)) static void script_answer_once(server *self, int connection, int index) {
  (void)index;
  char head[8192];
  if (!read_head(connection, head, sizeof head)) return;
  self->seen++;
  send_text(connection, self->data);
  shutdown(connection, SHUT_WR);
  read_to_end(connection);
}

/* ---- the client's side ----------------------------------------------------------------------- */

typedef struct world {
  tn_loop *loop;
  tn_http_client *client;
  tn_alarm guard;
  bool is_late;
  int open; /* fetches that are not over */
} world;

/* A call and what has become of it. */
typedef struct fetch {
  world *w;
  tn_http_call *call;
  tn_http_outgoing *out;
  tn_http_incoming *in;
  int status; /* 0: none */
  bool has_failed;
  tn_http_code code;
  char detail[512];
  tn_buffer body;
  int64_t end; /* of the body */
  bool is_over;
  bool only_head; /* the body is left alone */
  size_t read_size;
  char fields[1024];
  char trailers[256];
} fetch;

static tn_http_client_options world_options(void) {
  tn_http_client_options options;
  tn_http_client_options_init(&options);
  return options;
}

static world world_new(const tn_http_client_options *options) {
  tn_http_client_options defaults = world_options();
  world w = {0};
  assert_ok(tn_loop_new(&w.loop));
  assert_ok(tn_http_client_new(w.loop, options == NULL ? &defaults : options, &w.client));
  return w;
}

static void world_delete(world *w) {
  tn_http_client_delete(w->client);
  tn_loop_delete(w->loop);
}

static void guard_fired(tn_alarm *alarm) {
  world *w = (world *)((char *)alarm - offsetof(world, guard));
  w->is_late = true;
  tn_loop_stop(w->loop);
}

/* Turns for a while. */
__attribute__((unused)) static void world_turn(world *w, uint64_t time) {
  w->guard.func = guard_fired;
  assert_ok(tn_alarm_set(w->loop, &w->guard, tn_loop_now() + time));
  assert_ok(tn_loop_run(w->loop));
  tn_alarm_clear(w->loop, &w->guard);
  w->is_late = false;
}

/* Turns until the condition holds. */
#define WORLD_WAIT(w, condition)                                                                   \
  do {                                                                                             \
    for (int turns = 0; turns < 2000 && !(condition); turns++)                                     \
      world_turn(w, 5 * MILLISECOND);                                                              \
    assert_true(condition);                                                                        \
  } while (0)

/* Turns until all fetches are over. */
static void world_run(world *w) {
  if (w->open == 0) return;
  w->guard.func = guard_fired;
  assert_ok(tn_alarm_set(w->loop, &w->guard, tn_loop_now() + 30000 * MILLISECOND));
  assert_ok(tn_loop_run(w->loop));
  tn_alarm_clear(w->loop, &w->guard);
  if (w->is_late) fail_msg("nothing has happened for thirty seconds");
}

static void fetch_over(fetch *f) {
  f->is_over = true;
  if (--f->w->open == 0) tn_loop_stop(f->w->loop);
}

static void print_fields(const tn_http_fields *fields, char *out, size_t size) {
  size_t len = 0;
  out[0] = 0;
  for (uint32_t i = 0; i < fields->count && len < size; i++) {
    const tn_http_field *field = &fields->items[i];
    len += (size_t)snprintf(out + len, size - len, "%.*s=%.*s;", TN_STR_ARG(field->name),
                            TN_STR_ARG(field->value));
  }
}

static void fetch_read(void *data) {
  fetch *f = data;
  uint8_t bytes[65536];
  size_t size = f->read_size == 0 ? sizeof bytes : f->read_size;
  while (!f->is_over) {
    int64_t got = f->in->class->read(f->in, bytes, size);
    if (got == 0) return;
    if (got > 0) {
      tn_buffer_append(&f->body, bytes, (size_t)got);
      continue;
    }
    f->end = got;
    print_fields(&f->in->trailers, f->trailers, sizeof f->trailers);
    fetch_over(f);
  }
}

static void fetch_response(void *data, const tn_http_response *head, tn_http_incoming *body) {
  fetch *f = data;
  f->status = head->status;
  f->in = body;
  print_fields(&head->fields, f->fields, sizeof f->fields);
  if (f->only_head) {
    fetch_over(f);
    return;
  }
  body->observer = (tn_http_observer){fetch_read, f};
  fetch_read(f);
}

static void fetch_failed(void *data, tn_http_code code, const char *detail) {
  fetch *f = data;
  f->has_failed = true;
  f->code = code;
  snprintf(f->detail, sizeof f->detail, "%s", detail);
  fetch_over(f);
}

static const tn_http_call_handler fetch_handler = {fetch_response, fetch_failed};

/* Starts a call without finishing its body. */
static tn_error *fetch_try(world *w, fetch *f, const tn_http_request *request,
                           const tn_http_call_options *options) {
  static const tn_http_call_options none;
  f->w = w;
  tn_error *error = tn_http_client_call(w->client, request, options == NULL ? &none : options,
                                        &fetch_handler, f, &f->call, &f->out);
  if (error == NULL) w->open++;
  return error;
}

static void fetch_start(world *w, fetch *f, const tn_http_request *request,
                        const tn_http_call_options *options) {
  assert_ok(fetch_try(w, f, request, options));
}

static tn_http_request request_to(uint16_t port, const char *method, char room[64]) {
  int size = snprintf(room, 64, "127.0.0.1:%u", port);
  return (tn_http_request){
      .method = tn_str_from(method),
      .scheme = TN_STR("http"),
      .authority = {room, (size_t)size},
      .path = TN_STR("/path?query"),
  };
}

/* A whole GET, or whatever `method` says, without a body. */
static inline void fetch_get(world *w, fetch *f, uint16_t port, const char *method,
                             const tn_http_call_options *options) {
  char room[64];
  tn_http_request request = request_to(port, method, room);
  fetch_start(w, f, &request, options);
  assert_true(f->out->class->finish(f->out, NULL));
}

static void fetch_end(fetch *f) {
  tn_http_call_release(f->call);
  tn_buffer_free(&f->body);
  if (f->w != NULL && !f->is_over) f->w->open--;
  memset(f, 0, sizeof *f);
}

#define assert_body(f, text)                                                                       \
  do {                                                                                             \
    if ((f)->has_failed) fail_msg("%s: %s", tn_http_code_name((f)->code), (f)->detail);            \
    assert_true((f)->end == TN_HTTP_END);                                                          \
    assert_int_equal((f)->body.len, strlen(text));                                                 \
    assert_memory_equal((f)->body.len == 0 ? "" : (f)->body.data, text, strlen(text));             \
  } while (0)

#define assert_failed(f, expected, words)                                                          \
  do {                                                                                             \
    if (!(f)->has_failed) fail_msg("no failure but status %d", (f)->status);                       \
    assert_string_equal(tn_http_code_name((f)->code), tn_http_code_name(expected));                \
    if (strstr((f)->detail, (words)) == NULL) fail_msg("\"%s\" lacks \"%s\"", (f)->detail, words); \
  } while (0)

#endif
