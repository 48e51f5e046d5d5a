/* The HTTP client over loopback: what is sent, back-pressure both ways, timeouts, cancelling, addresses and
 * proxies. */
#include "http_client_world.h"

#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

/* Keeps all bytes of a request as they come, until they end with `data`, then answers. */
typedef struct recording {
  const char *last; /* what ends a request; NULL: the head's end */
  const char *answer;
  char bytes[65536];
  size_t size;
} recording;

static void script_record(server *self, int connection, int index) {
  (void)index;
  recording *r = self->data;
  const char *last = r->last == NULL ? "\r\n\r\n" : r->last;
  size_t len = strlen(last);
  while (r->size < sizeof r->bytes - 1) {
    ssize_t got = recv(connection, r->bytes + r->size, sizeof r->bytes - 1 - r->size, 0);
    if (got <= 0) return;
    r->size += (size_t)got;
    self->seen++;
    if (r->size >= len && memcmp(r->bytes + r->size - len, last, len) == 0) break;
  }
  send_text(connection, r->answer == NULL ? HELLO : r->answer);
  read_to_end(connection);
}

static void write_all(fetch *f, const char *text) {
  assert_true(f->out->class->capacity(f->out) >= (int64_t)strlen(text));
  assert_int_equal(f->out->class->write(f->out, (const uint8_t *)text, strlen(text)), 0);
}

/* How a request is written, by what the caller knows of its body. */
static void requests_are_framed_by_what_is_known_of_the_body(void **state) {
  (void)state;
  static const struct {
    const char *method, *body, *last, *expected;
    uint64_t length;
    bool has_trailers;
  } cases[] = {
      {"GET", "", NULL, "GET /path?query HTTP/1.1\r\nHost: %s\r\nX-A: b\r\n\r\n", 0, false},
      {"POST", "", NULL,
       "POST /path?query HTTP/1.1\r\nHost: %s\r\nX-A: b\r\nContent-Length: 0\r\n\r\n", 0, false},
      {"POST", "abc", "abc",
       "POST /path?query HTTP/1.1\r\nHost: %s\r\nX-A: b\r\nContent-Length: 3\r\n\r\nabc", 3, false},
      {"PUT", "abc", "abc",
       "PUT /path?query HTTP/1.1\r\nHost: %s\r\nX-A: b\r\nContent-Length: 3\r\n\r\nabc",
       TN_HTTP_UNKNOWN_LENGTH, false},
      {"GET", "", NULL, "GET /path?query HTTP/1.1\r\nHost: %s\r\nX-A: b\r\n\r\n",
       TN_HTTP_UNKNOWN_LENGTH, false},
      {"PUT", "abc", "0\r\nSum: 3\r\n\r\n",
       "PUT /path?query HTTP/1.1\r\nHost: %s\r\nX-A: b\r\nTransfer-Encoding: "
       "chunked\r\n\r\n3\r\nabc\r\n0\r\nSum: 3\r\n\r\n",
       TN_HTTP_UNKNOWN_LENGTH, true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    recording *r = calloc(1, sizeof *r);
    r->last = cases[i].last;
    server s;
    server_start(&s, script_record, r);
    world w = world_new(NULL);
    fetch f = {0};
    char room[64];
    tn_http_request request = request_to(s.port, cases[i].method, room);
    tn_http_field fields[] = {{TN_STR("X-A"), TN_STR("b")},
                              {TN_STR("Connection"), TN_STR("close")}};
    request.fields = (tn_http_fields){fields, 2, 2};
    request.body_length = cases[i].length;
    fetch_start(&w, &f, &request, NULL);
    if (cases[i].body[0] != 0) write_all(&f, cases[i].body);
    tn_http_field trailer = {TN_STR("Sum"), TN_STR("3")};
    const tn_http_fields trailers = {&trailer, 1, 1};
    assert_true(f.out->class->finish(f.out, cases[i].has_trailers ? &trailers : NULL));
    world_run(&w);
    assert_body(&f, "hello");
    fetch_end(&f);
    world_delete(&w);
    server_stop(&s);
    char expected[512];
    snprintf(expected, sizeof expected, cases[i].expected, room);
    assert_string_equal(r->bytes, expected);
    assert_int_equal(s.seen, 1); /* all in one write */
    free(r);
  }
}

static void a_streamed_body_leaves_in_chunks_as_it_is_flushed(void **state) {
  (void)state;
  recording *r = calloc(1, sizeof *r);
  r->last = "0\r\n\r\n";
  server s;
  server_start(&s, script_record, r);
  world w = world_new(NULL);
  fetch f = {0};
  char room[64];
  tn_http_request request = request_to(s.port, "POST", room);
  request.body_length = TN_HTTP_UNKNOWN_LENGTH;
  fetch_start(&w, &f, &request, NULL);
  world_turn(&w, 20 * MILLISECOND);
  write_all(&f, "on");
  write_all(&f, "e");
  f.out->class->flush(f.out);
  assert_false(f.out->class->is_flushed(f.out));
  WORLD_WAIT(&w, f.out->class->is_flushed(f.out));
  write_all(&f, "two");
  assert_true(f.out->class->finish(f.out, NULL));
  world_run(&w);
  assert_body(&f, "hello");
  fetch_end(&f);
  world_delete(&w);
  server_stop(&s);
  char *body = strstr(r->bytes, "\r\n\r\n");
  assert_non_null(body);
  assert_string_equal(body + 4, "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n");
  free(r);
}

static void a_body_must_be_as_long_as_promised(void **state) {
  (void)state;
  recording *r = calloc(1, sizeof *r);
  server s;
  server_start(&s, script_record, r);
  world w = world_new(NULL);
  char room[64];
  tn_http_request request = request_to(s.port, "POST", room);
  request.body_length = 3;
  fetch longer = {0}, shorter = {0}, aborted = {0};
  fetch_start(&w, &longer, &request, NULL);
  int64_t result = longer.out->class->write(longer.out, (const uint8_t *)"abcd", 4);
  assert_true(result == tn_http_failure(TN_HTTP_HTTP_REQUEST_BODY_SIZE));
  fetch_end(&longer);
  fetch_start(&w, &shorter, &request, NULL);
  write_all(&shorter, "ab");
  assert_false(shorter.out->class->finish(shorter.out, NULL));
  fetch_start(&w, &aborted, &request, NULL);
  aborted.out->class->abort(aborted.out);
  world_run(&w);
  assert_failed(&shorter, TN_HTTP_HTTP_REQUEST_BODY_SIZE, "shorter");
  assert_failed(&aborted, TN_HTTP_HTTP_PROTOCOL_ERROR, "given up");
  fetch_end(&shorter);
  fetch_end(&aborted);
  world_delete(&w);
  server_stop(&s);
  free(r);
}

/* ---- much ------------------------------------------------------------------------------------ */

/* Sends back what comes, unframed, in the framing in which it came. */
static void script_echo(server *self, int connection, int index) {
  (void)index;
  (void)self;
  char head[4096];
  if (!read_head(connection, head, sizeof head)) return;
  send_text(connection, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  char bytes[16384];
  ssize_t got;
  while ((got = recv(connection, bytes, sizeof bytes, 0)) > 0) {
    for (ssize_t at = 0, sent; at < got; at += sent) {
      sent = send(connection, bytes + at, (size_t)(got - at), MSG_NOSIGNAL);
      if (sent < 0) return;
    }
  }
}

enum { MUCH = 20 << 20 };

static uint8_t byte_at(size_t at) {
  return (uint8_t)(at * 2654435761u >> 13);
}

typedef struct upload {
  fetch f;
  size_t written;
  size_t part;
  bool has_waited;
} upload;

static void upload_more(void *data) {
  upload *u = data;
  static uint8_t bytes[65536];
  while (u->written < MUCH) {
    int64_t room = u->f.out->class->capacity(u->f.out);
    assert_true(room >= 0);
    if (room == 0) {
      u->has_waited = true;
      return;
    }
    size_t size = (size_t)room < u->part ? (size_t)room : u->part;
    if (size > MUCH - u->written) size = MUCH - u->written;
    for (size_t i = 0; i < size; i++)
      bytes[i] = byte_at(u->written + i);
    assert_int_equal(u->f.out->class->write(u->f.out, bytes, size), 0);
    u->written += size;
  }
  u->f.out->observer = (tn_http_observer){0};
  assert_true(u->f.out->class->finish(u->f.out, NULL));
}

static void much_passes_both_ways_at_once_with_back_pressure(void **state) {
  (void)state;
  static const size_t parts[] = {700, 65536};
  for (size_t i = 0; i < 2; i++) {
    server s;
    server_start(&s, script_echo, NULL);
    world w = world_new(NULL);
    upload u = {.part = parts[i]};
    char room[64];
    tn_http_request request = request_to(s.port, "POST", room);
    request.body_length = TN_HTTP_UNKNOWN_LENGTH;
    fetch_start(&w, &u.f, &request, NULL);
    u.f.out->observer = (tn_http_observer){upload_more, &u};
    upload_more(&u);
    world_run(&w);
    assert_true(u.has_waited);
    assert_true(u.f.end == TN_HTTP_END);
    assert_int_equal(u.f.body.len, MUCH);
    for (size_t at = 0; at < MUCH; at++) {
      if ((uint8_t)u.f.body.data[at] != byte_at(at)) fail_msg("byte %zu is wrong", at);
    }
    fetch_end(&u.f);
    world_delete(&w);
    server_stop(&s);
  }
}

/* ---- early answers --------------------------------------------------------------------------- */

static void an_answer_that_comes_before_the_request_is_complete_is_read(void **state) {
  (void)state;
  recording *r = calloc(1, sizeof *r);
  r->answer = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n\r\nlarge";
  server s;
  server_start(&s, script_record, r);
  world w = world_new(NULL);
  fetch f = {0};
  char room[64];
  tn_http_request request = request_to(s.port, "POST", room);
  request.body_length = 1 << 20;
  fetch_start(&w, &f, &request, NULL);
  world_run(&w);
  assert_int_equal(f.status, 413);
  assert_body(&f, "large");
  /* The rest is not wanted. */
  assert_true(f.out->class->capacity(f.out) == TN_HTTP_END);
  assert_int_equal(tn_http_client_get_counters(w.client)->open_connections, 0);
  fetch_end(&f);
  world_delete(&w);
  server_stop(&s);
  free(r);
}

/* ---- time ------------------------------------------------------------------------------------ */

static void script_silent(server *self, int connection, int index) {
  (void)index;
  char head[4096];
  if (!read_head(connection, head, sizeof head)) return;
  if (self->data != NULL) send_text(connection, self->data);
  read_to_end(connection);
  self->seen++;
}

static void a_server_that_does_not_answer_in_time_fails_the_call(void **state) {
  (void)state;
  server s;
  server_start(&s, script_silent, NULL);
  world w = world_new(NULL);
  fetch f = {0};
  const tn_http_call_options options = {.first_byte_timeout = 50 * MILLISECOND};
  uint64_t start = tn_loop_now();
  fetch_get(&w, &f, s.port, "GET", &options);
  world_run(&w);
  assert_true(tn_loop_now() - start >= 50 * MILLISECOND);
  assert_failed(&f, TN_HTTP_CONNECTION_READ_TIMEOUT, "127.0.0.1");
  fetch_end(&f);
  world_delete(&w);
  server_stop(&s);
  assert_int_equal(s.seen, 1); /* it has seen the connection's end */
}

static void an_open_body_does_not_put_off_the_time_of_the_answer(void **state) {
  (void)state;
  server s;
  server_start(&s, script_silent, NULL);
  world w = world_new(NULL);
  static const char *const bodies[] = {"", "some of it"};
  for (size_t i = 0; i < 2; i++) {
    fetch f = {0};
    char room[64];
    tn_http_request request = request_to(s.port, "POST", room);
    request.body_length = TN_HTTP_UNKNOWN_LENGTH;
    fetch_start(&w, &f, &request, &(tn_http_call_options){.first_byte_timeout = 50 * MILLISECOND});
    write_all(&f, bodies[i]);
    world_run(&w);
    assert_failed(&f, TN_HTTP_CONNECTION_READ_TIMEOUT, "did not answer in time");
    fetch_end(&f);
  }
  world_delete(&w);
  server_stop(&s);
}

/* Answers with `data`, if there is any, and takes nothing behind the head. */
static void script_takes_no_body(server *self, int connection, int index) {
  (void)index;
  char head[4096];
  if (!read_head(connection, head, sizeof head)) return;
  if (self->data != NULL) send_text(connection, self->data);
  struct pollfd end = {connection, POLLRDHUP, 0};
  poll(&end, 1, 5000);
}

static void fill(fetch *f) {
  static const uint8_t zeros[65536];
  for (int64_t room; (room = f->out->class->capacity(f->out)) > 0;) {
    size_t size = (size_t)room < sizeof zeros ? (size_t)room : sizeof zeros;
    if (f->out->class->write(f->out, zeros, size) != 0) return;
  }
}

static void fill_more(void *data) {
  fill(data);
}

enum { TAKING_TIME = 300 }; /* milliseconds, in which an answer comes that does come */

static void start_endless(world *w, fetch *f, uint16_t port) {
  char room[64];
  tn_http_request request = request_to(port, "POST", room);
  request.body_length = TN_HTTP_UNKNOWN_LENGTH;
  fetch_start(w, f, &request, &(tn_http_call_options){.between_bytes_timeout = TAKING_TIME * MILLISECOND});
  f->out->observer = (tn_http_observer){fill_more, f};
  fill(f);
}

static void a_request_that_nobody_takes_fails_after_its_time(void **state) {
  (void)state;
  server s;
  server_start(&s, script_takes_no_body, NULL);
  world w = world_new(NULL);
  fetch f = {0};
  uint64_t start = tn_loop_now();
  start_endless(&w, &f, s.port);
  world_run(&w);
  assert_true(tn_loop_now() - start >= TAKING_TIME * MILLISECOND);
  assert_failed(&f, TN_HTTP_CONNECTION_WRITE_TIMEOUT, "takes no more of the request's body");
  fetch_end(&f);
  world_delete(&w);
  server_stop(&s);
}

static void an_answer_to_a_request_that_nobody_takes_is_read(void **state) {
  (void)state;
  server s;
  server_start(&s, script_takes_no_body, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello");
  world w = world_new(NULL);
  fetch f = {.only_head = true};
  start_endless(&w, &f, s.port);
  world_run(&w);
  assert_int_equal(f.status, 200);
  assert_int_equal(f.out->class->capacity(f.out), 0);
  WORLD_WAIT(&w, f.out->class->capacity(f.out) == TN_HTTP_END);
  uint8_t body[16];
  assert_int_equal(f.in->class->read(f.in, body, sizeof body), 5);
  assert_memory_equal(body, "hello", 5);
  assert_int_equal(f.in->class->read(f.in, body, sizeof body), 0);
  fetch_end(&f);
  assert_int_equal(tn_http_client_get_counters(w.client)->open_connections, 0);
  world_delete(&w);
  server_stop(&s);
}

static void a_body_that_stops_coming_fails_after_its_time(void **state) {
  (void)state;
  server s;
  server_start(&s, script_silent, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel");
  world w = world_new(NULL);
  fetch f = {0};
  const tn_http_call_options options = {.between_bytes_timeout = 50 * MILLISECOND};
  fetch_get(&w, &f, s.port, "GET", &options);
  world_run(&w);
  assert_int_equal(f.status, 200);
  assert_int_equal(f.body.len, 3);
  assert_true(f.end == tn_http_failure(TN_HTTP_CONNECTION_READ_TIMEOUT));
  fetch_end(&f);
  world_delete(&w);
  server_stop(&s);
}

/* The queue of a listener that nobody accepts from is full after a few. */
static void connecting_that_takes_too_long_fails(void **state) {
  (void)state;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(listener, 0), 0);
  socklen_t size = sizeof address;
  getsockname(listener, (struct sockaddr *)&address, &size);
  int filler[4];
  for (int i = 0; i < 4; i++) {
    filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    connect(filler[i], (struct sockaddr *)&address, size);
  }
  world w = world_new(NULL);
  fetch f = {0};
  const tn_http_call_options options = {.connect_timeout = 50 * MILLISECOND};
  fetch_get(&w, &f, ntohs(address.sin_port), "GET", &options);
  world_run(&w);
  assert_failed(&f, TN_HTTP_CONNECTION_TIMEOUT, "connecting to 127.0.0.1");
  fetch_end(&f);
  world_delete(&w);
  for (int i = 0; i < 4; i++)
    close(filler[i]);
  close(listener);
}

static void script_deaf(server *self, int connection, int index) {
  (void)self, (void)index;
  read_to_end(connection);
}

/* Whichever of the two times a call says, or its client: it covers the handshake, and what its guest does not say is
 * no reason to wait. */
static void a_handshake_that_is_not_answered_runs_out_of_time(void **state) {
  (void)state;
  server s;
  server_start(&s, script_deaf, NULL);
  static const struct {
    uint64_t of_client;
    tn_http_call_options options;
    uint64_t expected;
  } cases[] = {
      {50 * MILLISECOND, {0}, 50 * MILLISECOND},
      {8000 * MILLISECOND, {.connect_timeout = 50 * MILLISECOND}, 50 * MILLISECOND},
      {8000 * MILLISECOND, {.first_byte_timeout = 50 * MILLISECOND}, 50 * MILLISECOND},
      {0, {.first_byte_timeout = 50 * MILLISECOND}, 50 * MILLISECOND},
      {50 * MILLISECOND, {.first_byte_timeout = 8000 * MILLISECOND}, 50 * MILLISECOND},
      {50 * MILLISECOND,
       {.first_byte_timeout = 20 * MILLISECOND, .connect_timeout = 150 * MILLISECOND},
       150 * MILLISECOND},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    tn_http_client_options options = world_options();
    options.connect_timeout = cases[i].of_client;
    world w = world_new(&options);
    fetch f = {0};
    char room[64];
    tn_http_request request = request_to(s.port, "GET", room);
    request.scheme = TN_STR("https");
    uint64_t start = tn_loop_now();
    fetch_start(&w, &f, &request, &cases[i].options);
    assert_true(f.out->class->finish(f.out, NULL));
    world_run(&w);
    assert_failed(&f, TN_HTTP_CONNECTION_TIMEOUT, "the TLS handshake with 127.0.0.1");
    assert_in_range(tn_loop_now() - start, cases[i].expected, 7000 * MILLISECOND);
    fetch_end(&f);
    world_delete(&w);
  }
  server_stop(&s);
}

static void waiting_too_long_for_a_free_connection_fails(void **state) {
  (void)state;
  server s;
  server_start(&s, script_silent, NULL);
  tn_http_client_options options = world_options();
  options.max_connections_per_host = 1;
  world w = world_new(&options);
  fetch first = {0}, second = {0};
  const tn_http_call_options times = {.connect_timeout = 50 * MILLISECOND};
  fetch_get(&w, &first, s.port, "GET", NULL);
  fetch_get(&w, &second, s.port, "GET", &times);
  w.open--; /* the first one never ends */
  world_run(&w);
  assert_failed(&second, TN_HTTP_CONNECTION_LIMIT_REACHED, "free");
  w.open++;
  fetch_end(&second);
  fetch_end(&first);
  world_delete(&w);
  server_stop(&s);
}

/* ---- leaving --------------------------------------------------------------------------------- */

static void a_call_can_be_released_at_any_moment(void **state) {
  (void)state;
  server s;
  server_start(&s, script_silent, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel");
  world w = world_new(NULL);
  for (int moment = 0; moment < 3; moment++) {
    fetch f = {.only_head = moment == 2};
    char room[64];
    tn_http_request request = request_to(s.port, "POST", room);
    request.body_length = TN_HTTP_UNKNOWN_LENGTH;
    fetch_start(&w, &f, &request, NULL);
    if (moment > 0) write_all(&f, "some");
    if (moment == 1) world_turn(&w, 20 * MILLISECOND);
    if (moment == 2) world_run(&w);
    fetch_end(&f);
    WORLD_WAIT(&w, tn_http_client_get_counters(w.client)->open_connections == 0);
  }
  world_delete(&w);
  server_stop(&s);
}

static void calls_outlive_their_client(void **state) {
  (void)state;
  server s;
  server_start(&s, script_silent, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel");
  world w = world_new(NULL);
  fetch reading = {.only_head = true}, starting = {0};
  fetch_get(&w, &reading, s.port, "GET", NULL);
  world_run(&w);
  fetch_get(&w, &starting, s.port, "GET", NULL);
  tn_http_client_delete(w.client);
  uint8_t bytes[8];
  assert_int_equal(reading.in->class->read(reading.in, bytes, sizeof bytes), 3);
  assert_true(reading.in->class->read(reading.in, bytes, sizeof bytes) ==
              tn_http_failure(TN_HTTP_HTTP_RESPONSE_INCOMPLETE));
  assert_false(starting.is_over);
  fetch_end(&reading);
  fetch_end(&starting);
  tn_loop_delete(w.loop);
  server_stop(&s);
}

/* ---- where to -------------------------------------------------------------------------------- */

static bool refuse_all(void *data, const struct sockaddr *address) {
  (void)address;
  ++*(int *)data;
  return false;
}

static bool allow_v4(void *data, const struct sockaddr *address) {
  ++*(int *)data;
  return address->sa_family == AF_INET;
}

static void only_allowed_addresses_are_connected_to(void **state) {
  (void)state;
  server s;
  server_start(&s, script_answer, HELLO);
  world w = world_new(NULL);
  char authority[64];
  snprintf(authority, sizeof authority, "LocalHost:%u", s.port);
  tn_http_request request = {.method = TN_STR("GET"),
                             .scheme = TN_STR("http"),
                             .authority = tn_str_from(authority),
                             .path = TN_STR("/")};
  int asked = 0;
  fetch refused = {0}, allowed = {0};
  tn_http_call_options options = {.may_connect = refuse_all, .may_connect_data = &asked};
  fetch_start(&w, &refused, &request, &options);
  refused.out->class->finish(refused.out, NULL);
  world_run(&w);
  assert_failed(&refused, TN_HTTP_DESTINATION_IP_PROHIBITED, "localhost");
  assert_int_equal(asked, 2);
  assert_int_equal(s.accepted, 0);
  options.may_connect = allow_v4;
  fetch_start(&w, &allowed, &request, &options);
  allowed.out->class->finish(allowed.out, NULL);
  world_run(&w);
  assert_body(&allowed, "hello");
  fetch_end(&refused);
  fetch_end(&allowed);
  world_delete(&w);
  server_stop(&s);
}

/* The server listens on 127.0.0.1 only: ::1, which comes first, refuses. */
static void a_host_with_two_addresses_is_reached_at_the_one_that_answers(void **state) {
  (void)state;
  server s;
  server_start(&s, script_answer, HELLO);
  world w = world_new(NULL);
  char authority[64];
  snprintf(authority, sizeof authority, "app.localhost:%u", s.port);
  tn_http_request request = {.method = TN_STR("GET"),
                             .scheme = TN_STR("http"),
                             .authority = tn_str_from(authority),
                             .path = TN_STR("/")};
  fetch f = {0};
  fetch_start(&w, &f, &request, NULL);
  f.out->class->finish(f.out, NULL);
  world_run(&w);
  assert_body(&f, "hello");
  fetch_end(&f);
  world_delete(&w);
  server_stop(&s);
}

static void what_cannot_be_called_fails_with_its_reason(void **state) {
  (void)state;
  static const struct {
    const char *scheme, *authority;
    tn_http_code code;
    const char *words;
  } cases[] = {
      {"http", "127.0.0.1:1", TN_HTTP_CONNECTION_REFUSED,
       "connecting to 127.0.0.1 (127.0.0.1:1): Connection refused"},
      {"http", "localhost:1", TN_HTTP_CONNECTION_REFUSED, "Connection refused"},
      {"ftp", "localhost", TN_HTTP_HTTP_REQUEST_URI_INVALID, "ftp"},
      {"http", "127.1", TN_HTTP_HTTP_REQUEST_URI_INVALID, "ends in a number"},
      {"http", "0x7f000001", TN_HTTP_HTTP_REQUEST_URI_INVALID, "ends in a number"},
      {"http", "user@host", TN_HTTP_HTTP_REQUEST_URI_INVALID, "malformed"},
      {"http", "a%62c", TN_HTTP_HTTP_REQUEST_URI_INVALID, "characters"},
      {"http", "host:0", TN_HTTP_HTTP_REQUEST_URI_INVALID, "port 0"},
      {"http", "a..b", TN_HTTP_HTTP_REQUEST_URI_INVALID, "empty label"},
      {"http", "[1::2::3]", TN_HTTP_HTTP_REQUEST_URI_INVALID, "IPv6"},
  };
  world w = world_new(NULL);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    tn_http_request request = {.method = TN_STR("GET"),
                               .scheme = tn_str_from(cases[i].scheme),
                               .authority = tn_str_from(cases[i].authority),
                               .path = TN_STR("/")};
    fetch f = {0};
    fetch_start(&w, &f, &request, NULL);
    f.out->class->finish(f.out, NULL);
    assert_false(f.is_over); /* never from within */
    world_run(&w);
    assert_failed(&f, cases[i].code, cases[i].words);
    fetch_end(&f);
  }
  world_delete(&w);
}

static void a_name_that_does_not_exist_is_a_dns_error(void **state) {
  (void)state;
  world w = world_new(NULL);
  fetch f[2] = {0};
  for (int i = 0; i < 2; i++) {
    tn_http_request request = {.method = TN_STR("GET"),
                               .scheme = TN_STR("http"),
                               .authority = TN_STR("does-not-exist.invalid"),
                               .path = TN_STR("/")};
    fetch_start(&w, &f[i], &request,
                &(tn_http_call_options){.connect_timeout = 8000 * MILLISECOND});
    f[i].out->class->finish(f[i].out, NULL);
  }
  world_run(&w);
  for (int i = 0; i < 2; i++) {
    bool is_dns = f[i].code == TN_HTTP_DNS_ERROR || f[i].code == TN_HTTP_DNS_TIMEOUT;
    assert_true(f[i].has_failed && is_dns);
    assert_non_null(strstr(f[i].detail, "looking up does-not-exist.invalid"));
    fetch_end(&f[i]);
  }
  world_delete(&w);
}

/* ---- proxies --------------------------------------------------------------------------------- */

static fetch fetch_by_proxy(recording *r, const char *scheme, const char *authority,
                            const char *no_proxy, bool is_refused) {
  server s;
  server_start(&s, script_record, r);
  char proxy[64];
  snprintf(proxy, sizeof proxy, "http://us%%65r:pass@127.0.0.1:%u", s.port);
  tn_http_client_options options = world_options();
  options.http_proxy = options.https_proxy = proxy;
  options.no_proxy = no_proxy;
  world w = world_new(&options);
  int asked = 0;
  const tn_http_call_options call = {.may_connect = is_refused ? refuse_all : NULL,
                                     .may_connect_data = &asked};
  tn_http_request request = {.method = TN_STR("GET"),
                             .scheme = tn_str_from(scheme),
                             .authority = tn_str_from(authority),
                             .path = TN_STR("/x")};
  fetch f = {0};
  fetch_start(&w, &f, &request, &call);
  f.out->class->finish(f.out, NULL);
  world_run(&w);
  tn_http_call_release(f.call);
  world_delete(&w);
  server_stop(&s);
  f.w = NULL;
  f.call = NULL;
  return f;
}

static void a_proxy_is_asked_with_the_whole_url(void **state) {
  (void)state;
  recording *r = calloc(1, sizeof *r);
  fetch f = fetch_by_proxy(r, "http", "upstream.test:81", "other.test", false);
  assert_body(&f, "hello");
  assert_string_equal(r->bytes,
                      "GET http://upstream.test:81/x HTTP/1.1\r\nHost: upstream.test:81\r\n"
                      "Proxy-Authorization: Basic dXNlcjpwYXNz\r\n\r\n");
  fetch_end(&f);
  free(r);
}

static void a_tunnel_that_the_proxy_refuses_fails_the_call(void **state) {
  (void)state;
  static const struct {
    const char *answer;
    tn_http_code code;
  } cases[] = {
      {"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", TN_HTTP_CONFIGURATION_ERROR},
      {"HTTP/1.1 403 Forbidden\r\n\r\n", TN_HTTP_HTTP_REQUEST_DENIED},
      {"HTTP/1.1 502 Bad Gateway\r\n\r\n", TN_HTTP_DESTINATION_UNAVAILABLE},
      {"HTTP/1.1 200 OK\r\n\r\nsurplus", TN_HTTP_HTTP_PROTOCOL_ERROR},
      {"nonsense\r\n\r\n", TN_HTTP_HTTP_PROTOCOL_ERROR},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    recording *r = calloc(1, sizeof *r);
    r->answer = cases[i].answer;
    fetch f = fetch_by_proxy(r, "https", "upstream.test", NULL, false);
    assert_failed(&f, cases[i].code, "127.0.0.1");
    assert_string_equal(r->bytes,
                        "CONNECT upstream.test:443 HTTP/1.1\r\nHost: upstream.test:443\r\n"
                        "Proxy-Authorization: Basic dXNlcjpwYXNz\r\n\r\n");
    fetch_end(&f);
    free(r);
  }
}

static void hosts_named_in_no_proxy_are_called_directly(void **state) {
  (void)state;
  static const struct {
    const char *authority, *no_proxy;
    bool is_direct;
  } cases[] = {
      {"192.0.2.7", "192.0.2.0/24", true},
      {"192.0.2.7", "192.0.3.0/24, 192.0.2.8", false},
      {"192.0.2.7", "x, 192.0.2.7", true},
      {"192.0.2.7:8080", "192.0.2.7:8080", true},
      {"192.0.2.7:8080", "192.0.2.7:80", false},
      {"[2001:db8::7]", "2001:db8::/32", true},
      {"[2001:db8::7]", "[2001:db8::7]", true},
      {"192.0.2.7", "*", true},
      {"127.0.0.1:9", NULL, true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    recording *r = calloc(1, sizeof *r);
    fetch f = fetch_by_proxy(r, "http", cases[i].authority, cases[i].no_proxy, true);
    /* Nothing is allowed: an address that is not the proxy's to reach, or is not, fails all the same;
     * whether it was asked tells. */
    assert_failed(&f, TN_HTTP_DESTINATION_IP_PROHIBITED,
                  cases[i].is_direct ? "connecting to" : "calling");
    fetch_end(&f);
    free(r);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(requests_are_framed_by_what_is_known_of_the_body),
      cmocka_unit_test(a_streamed_body_leaves_in_chunks_as_it_is_flushed),
      cmocka_unit_test(a_body_must_be_as_long_as_promised),
      cmocka_unit_test(much_passes_both_ways_at_once_with_back_pressure),
      cmocka_unit_test(an_answer_that_comes_before_the_request_is_complete_is_read),
      cmocka_unit_test(a_server_that_does_not_answer_in_time_fails_the_call),
      cmocka_unit_test(an_open_body_does_not_put_off_the_time_of_the_answer),
      cmocka_unit_test(a_request_that_nobody_takes_fails_after_its_time),
      cmocka_unit_test(an_answer_to_a_request_that_nobody_takes_is_read),
      cmocka_unit_test(a_body_that_stops_coming_fails_after_its_time),
      cmocka_unit_test(connecting_that_takes_too_long_fails),
      cmocka_unit_test(a_handshake_that_is_not_answered_runs_out_of_time),
      cmocka_unit_test(waiting_too_long_for_a_free_connection_fails),
      cmocka_unit_test(a_call_can_be_released_at_any_moment),
      cmocka_unit_test(calls_outlive_their_client),
      cmocka_unit_test(only_allowed_addresses_are_connected_to),
      cmocka_unit_test(a_host_with_two_addresses_is_reached_at_the_one_that_answers),
      cmocka_unit_test(what_cannot_be_called_fails_with_its_reason),
      cmocka_unit_test(a_name_that_does_not_exist_is_a_dns_error),
      cmocka_unit_test(a_proxy_is_asked_with_the_whole_url),
      cmocka_unit_test(a_tunnel_that_the_proxy_refuses_fails_the_call),
      cmocka_unit_test(hosts_named_in_no_proxy_are_called_directly),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
