/* HTTP/2 between our own client session and our own server, over a real connection. */
#include "test.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buffer.h"
#include "http/http2/client.h"
#include "http/server.h"

enum { BLOCK = 32 << 10 };

/* ---- a server that echoes ---------------------------------------------------------------------------------- */

typedef struct fixture fixture;

typedef struct echo {
  fixture *owner;
  tn_http_exchange *exchange;
  tn_http_outgoing *out;
} echo;

struct fixture {
  tn_loop *loop;
  tn_http_server *server;
  tn_transport transport;
  tn_http2_client *client;
  int closed;            /* the server's handler was told */
  int ended;             /* the client was told */
  uint64_t written;      /* bytes of the echoes, as their exchanges count them */
  bool answers_trailers; /* with an empty body */
  bool holds;            /* requests are kept unanswered */
  tn_http_exchange *held[8];
  int held_count;
};

static void echo_go_on(void *data) {
  static uint8_t block[BLOCK];
  echo *self = data;
  tn_http_incoming *in = self->exchange->body;
  int64_t room, got = 0;
  while ((room = self->out->class->capacity(self->out)) > 0) {
    got = in->class->read(in, block, room < BLOCK ? (size_t)room : BLOCK);
    if (got <= 0) break;
    assert_int_equal(self->out->class->write(self->out, block, (size_t)got), 0);
  }
  if (room >= 0 && (room == 0 || got == 0)) return;
  if (got == TN_HTTP_END)
    self->out->class->finish(self->out, &in->trailers);
  else
    self->out->class->abort(self->out);
  self->owner->written += self->exchange->bytes_out;
  self->exchange->class->release(self->exchange);
  free(self);
}

static void on_request(void *data, tn_http_exchange *exchange) {
  fixture *f = data;
  if (f->holds) {
    f->held[f->held_count++] = exchange;
    return;
  }
  if (f->answers_trailers) {
    tn_http_field field = {TN_STR("X-Sum"), TN_STR("42")};
    tn_http_outgoing *out = exchange->class->respond(exchange, &(tn_http_response){.status = 200});
    assert_true(out->class->finish(out, &(tn_http_fields){&field, 1, 1}));
    exchange->class->release(exchange);
    return;
  }
  tn_http_response head = {.status = 200, .body_length = TN_HTTP_UNKNOWN_LENGTH};
  tn_http_outgoing *out = exchange->class->respond(exchange, &head);
  assert_non_null(out);
  echo *self = calloc(1, sizeof *self);
  *self = (echo){f, exchange, out};
  exchange->handler_data = self;
  out->observer = exchange->body->observer = (tn_http_observer){echo_go_on, self};
  echo_go_on(self);
}

static void on_closed(void *data, tn_http_exchange *exchange, tn_http_code code) {
  (void)code;
  fixture *f = data;
  f->closed++;
  free(exchange->handler_data);
  exchange->class->release(exchange);
}

static void transport_ready(tn_transport *transport, int events) {
  fixture *f = (fixture *)((char *)transport - offsetof(fixture, transport));
  if (f->client != NULL) tn_http2_client_ready(f->client, events);
}

static void client_closed(void *data, tn_http2_client *client, tn_http_code why,
                          const char *detail) {
  (void)why;
  assert_non_null(detail);
  fixture *f = data;
  f->ended++;
  tn_http2_client_delete(client);
  f->client = NULL;
  tn_transport_stop(&f->transport, false);
  tn_loop_stop(f->loop);
}

static int set_up(void **state) {
  fixture *f = calloc(1, sizeof *f);
  assert_ok(tn_loop_new(&f->loop));
  tn_http_server_options options;
  tn_http_server_options_init(&options);
  static const tn_http_handler handler = {on_request, on_closed, NULL};
  assert_ok(tn_http_server_new(f->loop, &options, &handler, f, &f->server));
  int listener;
  assert_ok(tn_http_listen_socket(TN_STR("127.0.0.1:0"), 16, &listener));
  struct sockaddr_in address;
  assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &(socklen_t){sizeof address}),
                   0);
  assert_ok(tn_http_server_listen(f->server, listener, NULL));
  int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof address), 0);
  fcntl(descriptor, F_SETFL, O_NONBLOCK);
  assert_ok(
      tn_transport_start(&f->transport, f->loop, descriptor, transport_ready, NULL, (tn_str){0}));
  tn_http2_client_options client_options = {64 << 10, 100, 64 << 10, UINT64_C(5000000000), 0};
  static const tn_http2_client_handler client_handler = {NULL, client_closed};
  assert_ok(tn_http2_client_new(&f->transport, &client_options, &client_handler, f, &f->client));
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  fixture *f = *state;
  tn_http2_client_delete(f->client);
  tn_transport_stop(&f->transport, false);
  tn_http_server_delete(f->server);
  tn_loop_delete(f->loop);
  free(f);
  return 0;
}

/* ---- a call ------------------------------------------------------------------------------------------------- */

typedef struct exchange_call {
  fixture *f;
  tn_http2_call *call;
  tn_http_outgoing *out;
  tn_http_incoming *in;
  uint64_t to_send, sent, received;
  bool is_finished;
  int status;
  int64_t end; /* of the response's body */
  int failures;
  tn_http_code code;
  bool may_retry;
  tn_str trailer;
} exchange_call;

static uint8_t byte_at(uint64_t position) {
  return (uint8_t)(position * 31 >> 3);
}

static void send_more(void *data) {
  static uint8_t block[BLOCK];
  exchange_call *c = data;
  while (c->sent < c->to_send) {
    int64_t room = c->out->class->capacity(c->out);
    if (room <= 0) return;
    size_t size = room < BLOCK ? (size_t)room : BLOCK;
    if (size > c->to_send - c->sent) size = (size_t)(c->to_send - c->sent);
    for (size_t i = 0; i < size; i++)
      block[i] = byte_at(c->sent + i);
    assert_int_equal(c->out->class->write(c->out, block, size), 0);
    c->sent += size;
  }
  if (c->is_finished) return;
  c->is_finished = true;
  tn_http_field field = {TN_STR("X-Sum"), TN_STR("42")};
  assert_true(c->out->class->finish(c->out, &(tn_http_fields){&field, 1, 1}));
}

static void read_more(void *data) {
  uint8_t block[1000];
  exchange_call *c = data;
  int64_t got;
  while ((got = c->in->class->read(c->in, block, sizeof block)) > 0) {
    for (int64_t i = 0; i < got; i++)
      assert_int_equal(block[i], byte_at(c->received + (uint64_t)i));
    c->received += (uint64_t)got;
  }
  if (got == 0) return;
  c->end = got;
  const tn_http_field *field = tn_http_fields_find(&c->in->trailers, TN_STR("x-sum"));
  if (field != NULL) c->trailer = field->value;
  tn_loop_stop(c->f->loop);
}

static void got_response(void *data, const tn_http_response *head, tn_http_incoming *body) {
  exchange_call *c = data;
  c->status = head->status;
  c->in = body;
  body->observer = (tn_http_observer){read_more, c};
  read_more(c);
}

static void got_failure(void *data, tn_http_code code, const char *detail, bool may_retry) {
  exchange_call *c = data;
  assert_non_null(detail);
  c->failures++;
  c->code = code;
  c->may_retry = may_retry;
  tn_loop_stop(c->f->loop);
}

static void start_call(fixture *f, exchange_call *c, uint64_t size, tn_http2_call_options options) {
  static const tn_http2_call_handler handler = {got_response, got_failure};
  *c = (exchange_call){.f = f, .to_send = size};
  tn_http_request request = {.method = TN_STR("POST"),
                             .scheme = TN_STR("http"),
                             .authority = TN_STR("example"),
                             .path = TN_STR("/"),
                             .body_length = TN_HTTP_UNKNOWN_LENGTH};
  assert_ok(tn_http2_client_call(f->client, &request, &options, &handler, c, &c->call, &c->out));
  c->out->observer = (tn_http_observer){send_more, c};
  send_more(c);
}

static void a_body_with_trailers_comes_back_as_it_was_sent(void **state) {
  fixture *f = *state;
  exchange_call call;
  start_call(f, &call, 20 << 20, (tn_http2_call_options){0});
  assert_ok(tn_loop_run(f->loop));
  assert_int_equal(call.status, 200);
  assert_int_equal(call.end, TN_HTTP_END);
  assert_int_equal(call.received, 20 << 20);
  assert_true(tn_str_equal(call.trailer, TN_STR("42")));
  tn_http2_call_release(call.call);
  assert_int_equal(f->written, 20 << 20);
  assert_int_equal(tn_http_server_get_counters(f->server)->http2_connections, 1);
}

static void a_response_of_no_bytes_may_have_trailers(void **state) {
  fixture *f = *state;
  f->answers_trailers = true;
  exchange_call call;
  start_call(f, &call, 0, (tn_http2_call_options){0});
  assert_ok(tn_loop_run(f->loop));
  assert_int_equal(call.end, TN_HTTP_END);
  assert_true(tn_str_equal(call.trailer, TN_STR("42")));
  tn_http2_call_release(call.call);
}

static void an_empty_body_comes_back_empty(void **state) {
  fixture *f = *state;
  exchange_call call;
  start_call(f, &call, 0, (tn_http2_call_options){0});
  assert_ok(tn_loop_run(f->loop));
  assert_int_equal(call.end, TN_HTTP_END);
  assert_int_equal(call.received, 0);
  tn_http2_call_release(call.call);
}

static void a_call_whose_peer_is_silent_runs_out_of_time(void **state) {
  fixture *f = *state;
  f->holds = true;
  exchange_call call;
  start_call(f, &call, 10, (tn_http2_call_options){.first_byte_timeout = 20000000});
  assert_ok(tn_loop_run(f->loop));
  assert_int_equal(call.failures, 1);
  assert_int_equal(call.code, TN_HTTP_CONNECTION_READ_TIMEOUT);
  tn_http2_call_release(call.call);
  f->holds = false;
  start_call(f, &call, 10, (tn_http2_call_options){0});
  assert_ok(tn_loop_run(f->loop));
  tn_http2_call_release(call.call);
  assert_int_equal(f->closed, 1); /* the handler heard of the reset */
}

static void draining_lets_calls_finish_and_then_ends_the_connection(void **state) {
  fixture *f = *state;
  exchange_call call;
  start_call(f, &call, 1 << 20, (tn_http2_call_options){0});
  tn_http2_client_drain(f->client);
  assert_int_equal(tn_http2_client_room(f->client), 0);
  assert_ok(tn_loop_run(f->loop));
  assert_int_equal(call.received, 1 << 20);
  tn_http2_call_release(call.call);
  if (f->ended == 0) assert_ok(tn_loop_run(f->loop));
  assert_int_equal(f->ended, 1);
}

/* ---- pings ------------------------------------------------------------------------------------------------ */

static void a_ping_that_is_answered_changes_nothing(void **state) {
  fixture *f = *state;
  tn_http2_client_ping(f->client);
  exchange_call call;
  start_call(f, &call, 10, (tn_http2_call_options){0});
  assert_ok(tn_loop_run(f->loop));
  assert_int_equal(call.received, 10);
  tn_http2_call_release(call.call);
  assert_int_equal(f->ended, 0);
}

typedef struct lonely {
  tn_loop *loop;
  tn_transport transport;
  tn_http2_client *client;
  tn_http_code why;
} lonely;

static void lonely_ready(tn_transport *transport, int events) {
  lonely *self = (lonely *)((char *)transport - offsetof(lonely, transport));
  tn_http2_client_ready(self->client, events);
}

static void lonely_closed(void *data, tn_http2_client *client, tn_http_code why,
                          const char *detail) {
  (void)client;
  lonely *self = data;
  assert_non_null(strstr(detail, "ping"));
  self->why = why;
  tn_loop_stop(self->loop);
}

static void a_ping_without_an_answer_ends_the_connection(void **state) {
  fixture *f = *state;
  lonely self = {.loop = f->loop};
  int ends[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  assert_ok(tn_transport_start(&self.transport, f->loop, ends[0], lonely_ready, NULL, (tn_str){0}));
  const tn_http2_client_options options = {64 << 10, 100, 64 << 10, UINT64_C(20000000), 0};
  const tn_http2_client_handler handler = {NULL, lonely_closed};
  assert_ok(tn_http2_client_new(&self.transport, &options, &handler, &self, &self.client));
  tn_http2_client_ping(self.client);
  assert_ok(tn_loop_run(f->loop));
  assert_int_equal(self.why, TN_HTTP_CONNECTION_TIMEOUT);
  tn_http2_client_delete(self.client);
  tn_transport_stop(&self.transport, false);
  close(ends[1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_body_with_trailers_comes_back_as_it_was_sent, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(a_response_of_no_bytes_may_have_trailers, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_empty_body_comes_back_empty, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_call_whose_peer_is_silent_runs_out_of_time, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(a_ping_that_is_answered_changes_nothing, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_ping_without_an_answer_ends_the_connection, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(draining_lets_calls_finish_and_then_ends_the_connection,
                                      set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
