/* The client against an HTTP/2 server over TLS that is scripted frame by frame: what is sent again and what is not, what
 * comes before an answer, answers that stop, and connections that resume an earlier one's keys. */
#include "http_certificate.h"
#include "http_client_world.h"

#include <openssl/ssl.h>
#include <signal.h>

enum { DATA = 0, HEADERS = 1, RST_STREAM = 3, SETTINGS = 4, PING = 6, GOAWAY = 7 };
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4 };
enum { INTERNAL_ERROR = 2, REFUSED_STREAM = 7 };

typedef struct peer peer;
/* Answers the request `nth` (from 0, of all connections). Gives whether the connection goes on. */
typedef bool (*peer_script)(peer *self, uint32_t stream, int nth);

/* What `break_protocol` sends, and what comes before it. */
typedef struct violation {
  const char *name;
  bool is_in_place_of_settings;
  bool is_in_a_body; /* of each request */
  const char *bytes;
  size_t size;
} violation;

typedef struct site {
  server listening;
  SSL_CTX *context;
  peer_script script;
  const violation *violation;
  atomic_int resumed;
  atomic_int ended; /* connections that the client has ended */
  atomic_bool is_over;
} site;

struct peer {
  SSL *ssl;
  site *site;
};

/* ---- the peer -------------------------------------------------------------------------------------------- */

static bool receive(peer *self, void *out, int size) {
  for (int got = 0, part; got < size; got += part) {
    part = SSL_read(self->ssl, (char *)out + got, size - got);
    if (part <= 0) return false;
  }
  return true;
}

static void send_frame(peer *self, int kind, int flags, uint32_t stream, const void *payload,
                       size_t size) {
  uint8_t bytes[64] = {0, (uint8_t)(size >> 8), (uint8_t)size, (uint8_t)kind, (uint8_t)flags};
  uint32_t number = htonl(stream);
  memcpy(bytes + 5, &number, sizeof number);
  if (size > 0) memcpy(bytes + 9, payload, size);
  SSL_write(self->ssl, bytes, (int)(9 + size));
}

static void send_reset(peer *self, uint32_t stream, uint32_t code) {
  code = htonl(code);
  send_frame(self, RST_STREAM, 0, stream, &code, sizeof code);
}

static void send_goaway(peer *self, uint32_t last) {
  uint32_t payload[2] = {htonl(last), 0};
  send_frame(self, GOAWAY, 0, 0, payload, sizeof payload);
}

/* :status without indexing, or 200 as HPACK's table has it. */
static void send_status(peer *self, uint32_t stream, const char *status) {
  char fields[8] = "\x08\x03";
  strcpy(fields + 2, status);
  bool is_200 = strcmp(status, "200") == 0;
  send_frame(self, HEADERS, END_HEADERS, stream, is_200 ? "\x88" : fields, is_200 ? 1 : 5);
}

static void send_hello(peer *self, uint32_t stream) {
  send_status(self, stream, "200");
  send_frame(self, DATA, END_STREAM, stream, "hello", 5);
}

static void serve_site(server *listening, int connection, int index) {
  (void)index;
  site *s = (site *)((char *)listening - offsetof(site, listening));
  peer self = {SSL_new(s->context), s};
  SSL_set_fd(self.ssl, connection);
  uint8_t head[24], payload[16384];
  bool goes_on = SSL_accept(self.ssl) == 1 && receive(&self, head, 24);
  if (goes_on) s->resumed += SSL_session_reused(self.ssl);
  if (goes_on && s->violation != NULL && s->violation->is_in_place_of_settings)
    SSL_write(self.ssl, s->violation->bytes, (int)s->violation->size);
  else if (goes_on)
    send_frame(&self, SETTINGS, 0, 0, NULL, 0);
  while (goes_on && receive(&self, head, 9)) {
    int size = head[1] << 8 | head[2];
    if (!receive(&self, payload, size)) break;
    if (head[3] == SETTINGS && (head[4] & ACK) == 0) send_frame(&self, SETTINGS, ACK, 0, NULL, 0);
    if (head[3] != HEADERS) continue;
    uint32_t stream;
    memcpy(&stream, head + 5, sizeof stream);
    goes_on = s->script(&self, ntohl(stream), listening->seen++);
  }
  if (goes_on) s->ended++;
  SSL_shutdown(self.ssl);
  SSL_free(self.ssl);
  /* What is still on its way here must not make a reset of the end, which would overtake the answer. */
  const struct timeval second = {.tv_sec = 1};
  setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
  shutdown(connection, SHUT_WR);
  while (recv(connection, payload, sizeof payload, 0) > 0)
    continue;
}

static int choose_http2(SSL *ssl, const unsigned char **out, unsigned char *size,
                        const unsigned char *offered, unsigned int offered_size, void *data) {
  (void)ssl, (void)data;
  static const unsigned char name[] = "\2h2";
  return SSL_select_next_proto((unsigned char **)out, size, name, 3, offered, offered_size) ==
                 OPENSSL_NPN_NEGOTIATED
             ? SSL_TLSEXT_ERR_OK
             : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void site_start(site *s, peer_script script) {
  memset(s, 0, sizeof *s);
  s->script = script;
  s->context = SSL_CTX_new(TLS_server_method());
  assert_int_equal(SSL_CTX_use_certificate_file(s->context, path_of("good.crt"), SSL_FILETYPE_PEM),
                   1);
  assert_int_equal(SSL_CTX_use_PrivateKey_file(s->context, path_of("good.key"), SSL_FILETYPE_PEM),
                   1);
  SSL_CTX_set_alpn_select_cb(s->context, choose_http2, NULL);
  server_start(&s->listening, serve_site, NULL);
}

static void site_stop(site *s) {
  server_stop(&s->listening);
  SSL_CTX_free(s->context);
}

/* ---- the client ------------------------------------------------------------------------------------------ */

static int set_up_group(void **state) {
  (void)state;
  signal(SIGPIPE, SIG_IGN); /* of a peer that still writes when its client has gone */
  strcpy(folder, "/tmp/tenon-client-http2-XXXXXX");
  assert_non_null(mkdtemp(folder));
  make_certificate("good", "localhost", 86400);
  return 0;
}

static int tear_down_group(void **state) {
  (void)state;
  unlink(path_of("good.crt"));
  unlink(path_of("good.key"));
  return rmdir(folder);
}

static world secure_world_of(tn_http_client_options options) {
  assert_ok(tn_tls_client_context_new(path_of("good.crt"), true, &options.tls));
  world w = world_new(&options);
  tn_tls_context_release(options.tls);
  return w;
}

static world secure_world(void) {
  return secure_world_of(world_options());
}

/* A whole request, and what became of it. */
static void ask(world *w, const site *s, fetch *f, const tn_http_call_options *options) {
  char room[64];
  tn_http_request request = request_to(s->listening.port, "POST", room);
  request.authority.len = (size_t)snprintf(room, sizeof room, "localhost:%u", s->listening.port);
  request.scheme = TN_STR("https");
  fetch_start(w, f, &request, options);
  assert_true(f->out->class->finish(f->out, NULL));
  world_run(w);
}

/* ---- tests ----------------------------------------------------------------------------------------------- */

static bool refuse_first(peer *self, uint32_t stream, int nth) {
  if (nth == 0)
    send_reset(self, stream, REFUSED_STREAM);
  else
    send_hello(self, stream);
  return true;
}

static void a_refused_request_is_sent_once_more(void **state) {
  (void)state;
  site s;
  site_start(&s, refuse_first);
  world w = secure_world();
  fetch f = {0};
  ask(&w, &s, &f, NULL);
  assert_body(&f, "hello");
  assert_int_equal(s.listening.seen, 2);
  fetch_end(&f);
  world_delete(&w);
  site_stop(&s);
}

static bool refuse_all(peer *self, uint32_t stream, int nth) {
  (void)nth;
  send_reset(self, stream, REFUSED_STREAM);
  return true;
}

static void a_request_that_is_refused_again_fails(void **state) {
  (void)state;
  site s;
  site_start(&s, refuse_all);
  world w = secure_world();
  fetch f = {0};
  ask(&w, &s, &f, NULL);
  assert_true(f.has_failed);
  assert_int_equal(s.listening.seen, 2);
  fetch_end(&f);
  world_delete(&w);
  site_stop(&s);
}

static bool go_away_first(peer *self, uint32_t stream, int nth) {
  if (nth > 0) {
    send_hello(self, stream);
    return true;
  }
  send_goaway(self, 0);
  return false;
}

static void a_request_that_a_goaway_leaves_out_is_sent_on_another_connection(void **state) {
  (void)state;
  site s;
  site_start(&s, go_away_first);
  world w = secure_world();
  fetch f = {0};
  ask(&w, &s, &f, NULL);
  assert_body(&f, "hello");
  assert_int_equal(s.listening.seen, 2);
  assert_int_equal(s.listening.accepted, 2);
  fetch_end(&f);
  world_delete(&w);
  site_stop(&s);
}

static bool fail_all(peer *self, uint32_t stream, int nth) {
  (void)nth;
  send_reset(self, stream, INTERNAL_ERROR);
  return true;
}

static void a_request_that_may_have_been_looked_at_is_not_sent_again(void **state) {
  (void)state;
  site s;
  site_start(&s, fail_all);
  world w = secure_world();
  fetch f = {0};
  ask(&w, &s, &f, NULL);
  assert_true(f.has_failed);
  assert_int_equal(s.listening.seen, 1);
  fetch_end(&f);
  world_delete(&w);
  site_stop(&s);
}

static bool inform_and_answer(peer *self, uint32_t stream, int nth) {
  (void)nth;
  send_status(self, stream, "100");
  send_status(self, stream, "103");
  send_hello(self, stream);
  return true;
}

static void what_comes_before_the_answer_is_not_taken_for_it(void **state) {
  (void)state;
  site s;
  site_start(&s, inform_and_answer);
  world w = secure_world();
  fetch f = {0};
  ask(&w, &s, &f, NULL);
  assert_int_equal(f.status, 200);
  assert_body(&f, "hello");
  fetch_end(&f);
  world_delete(&w);
  site_stop(&s);
}

static bool stop_in_the_middle(peer *self, uint32_t stream, int nth) {
  if (nth > 0) {
    send_hello(self, stream);
    return true;
  }
  send_status(self, stream, "200");
  send_frame(self, DATA, 0, stream, "some", 4);
  return true;
}

static void an_answer_that_stops_fails_and_its_connection_goes_on(void **state) {
  (void)state;
  site s;
  site_start(&s, stop_in_the_middle);
  world w = secure_world();
  fetch f = {0};
  ask(&w, &s, &f, &(tn_http_call_options){.between_bytes_timeout = 300 * MILLISECOND});
  assert_int_equal(f.status, 200);
  assert_true(f.end == tn_http_failure(TN_HTTP_CONNECTION_READ_TIMEOUT));
  assert_int_equal(f.body.len, 4);
  fetch_end(&f);
  ask(&w, &s, &f, NULL);
  assert_body(&f, "hello");
  assert_int_equal(s.listening.accepted, 1);
  fetch_end(&f);
  world_delete(&w);
  site_stop(&s);
}

static bool say_nothing(peer *self, uint32_t stream, int nth) {
  (void)self, (void)stream, (void)nth;
  return true;
}

/* What is written stops at the window of 65 535 bytes that the peer never opens. */
static void a_request_that_does_not_end_has_its_times(void **state) {
  (void)state;
  static const struct {
    tn_http_call_options options;
    size_t size;
    tn_http_code code;
    const char *words;
  } cases[] = {
      {{.first_byte_timeout = 50 * MILLISECOND},
       0,
       TN_HTTP_CONNECTION_READ_TIMEOUT,
       "does not answer"},
      {{.first_byte_timeout = 50 * MILLISECOND},
       9,
       TN_HTTP_CONNECTION_READ_TIMEOUT,
       "does not answer"},
      {{.between_bytes_timeout = 50 * MILLISECOND},
       200000,
       TN_HTTP_CONNECTION_WRITE_TIMEOUT,
       "takes no more of the request"},
  };
  static const uint8_t zeros[65536];
  site s;
  site_start(&s, say_nothing);
  world w = secure_world();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char room[64];
    fetch f = {0};
    tn_http_request request = request_to(s.listening.port, "POST", room);
    request.authority.len = (size_t)snprintf(room, sizeof room, "localhost:%u", s.listening.port);
    request.scheme = TN_STR("https");
    request.body_length = TN_HTTP_UNKNOWN_LENGTH;
    fetch_start(&w, &f, &request, &cases[i].options);
    for (size_t written = 0; written < cases[i].size && !f.is_over;) {
      int64_t most = f.out->class->capacity(f.out);
      if (most < 0) break;
      size_t size = (size_t)most < cases[i].size - written ? (size_t)most : cases[i].size - written;
      if (size > sizeof zeros) size = sizeof zeros;
      if (size > 0) assert_int_equal(f.out->class->write(f.out, zeros, size), 0);
      written += size;
      world_turn(&w, 5 * MILLISECOND);
    }
    world_run(&w);
    assert_failed(&f, cases[i].code, cases[i].words);
    fetch_end(&f);
  }
  assert_int_equal(s.listening.accepted, 1);
  world_delete(&w);
  site_stop(&s);
}

/* Answers nothing to the first of two requests, and after the second what no peer may send. Goes on listening. */
static bool break_protocol(peer *self, uint32_t stream, int nth) {
  const violation *v = self->site->violation;
  if (v->is_in_a_body) {
    send_status(self, stream, "200");
    send_frame(self, DATA, 0, stream, "part", 4);
  }
  if (nth % 2 == 1 && !v->is_in_place_of_settings) SSL_write(self->ssl, v->bytes, (int)v->size);
  return true;
}

static void a_peer_that_breaks_the_protocol_fails_all_calls_at_once(void **state) {
  (void)state;
#define BYTES(text) text, sizeof text - 1
  static const violation violations[] = {
      {"an answer of HTTP/1.1", true, false, BYTES("HTTP/1.1 400 Bad Request\r\n\r\n")},
      {"noise", true, false, BYTES("\xde\xad\xbe\xef\xde\xad\xbe\xef\xde\xad\xbe\xef")},
      {"noise later", false, false, BYTES("\xde\xad\xbe\xef\xde\xad\xbe\xef\xde\xad\xbe\xef")},
      {"DATA before HEADERS", false, false, BYTES("\0\0\2\0\0\0\0\0\5ok")},
      {"bad HPACK", false, false, BYTES("\0\0\1\1\4\0\0\0\1\xff")},
      {"WINDOW_UPDATE of 0", false, false, BYTES("\0\0\4\10\0\0\0\0\0\0\0\0\0")},
      {"SETTINGS of 5 bytes", false, false, BYTES("\0\0\5\4\0\0\0\0\0abcde")},
      {"PUSH_PROMISE", false, false, BYTES("\0\0\5\5\4\0\0\0\1\0\0\0\2\x82")},
      {"WINDOW_UPDATE of 0 in a body", false, true, BYTES("\0\0\4\10\0\0\0\0\0\0\0\0\0")},
      {"bad HPACK in a body", false, true, BYTES("\0\0\1\1\4\0\0\0\1\xff")},
  };
#undef BYTES
  site s;
  site_start(&s, break_protocol);
  world w = secure_world();
  for (size_t i = 0; i < sizeof violations / sizeof *violations; i++) {
    const violation *v = s.violation = &violations[i];
    fetch calls[2] = {0};
    for (int k = 0; k < 2; k++) {
      char room[64];
      tn_http_request request = request_to(s.listening.port, "GET", room);
      request.authority.len = (size_t)snprintf(room, sizeof room, "localhost:%u", s.listening.port);
      request.scheme = TN_STR("https");
      fetch_start(&w, &calls[k], &request, NULL);
      assert_true(calls[k].out->class->finish(calls[k].out, NULL));
    }
    world_run(&w);
    for (int k = 0; k < 2; k++) {
      const tn_http_call_failure *failure = tn_http_call_get_failure(calls[k].call);
      if (failure == NULL) fail_msg("%s: no failure", v->name);
      assert_int_equal(failure->code, TN_HTTP_HTTP_PROTOCOL_ERROR);
      if (v->is_in_a_body)
        assert_int_equal(calls[k].body.len, 4);
      else
        assert_failed(&calls[k], TN_HTTP_HTTP_PROTOCOL_ERROR, "HTTP/2");
    }
    int accepted = s.listening.accepted;
    for (int turns = 0; s.ended < accepted && turns < 1000; turns++)
      world_turn(&w, 5 * MILLISECOND);
    if (s.ended != accepted) fail_msg("%s: the connection is still open", v->name);
    for (int k = 0; k < 2; k++)
      fetch_end(&calls[k]);
    s.listening.seen = 0;
  }
  world_delete(&w);
  site_stop(&s);
}

/* Takes no more bytes. */
static bool stop_reading(peer *self, uint32_t stream, int nth) {
  (void)stream, (void)nth;
  while (!self->site->is_over)
    poll(NULL, 0, 10);
  return false;
}

/* More heads than the system takes: what waits to be sent has its time all the same. */
static void a_request_whose_head_cannot_be_sent_has_its_time(void **state) {
  (void)state;
  enum { CALLS = 400, FIELD = 30000 };
  site s;
  site_start(&s, stop_reading);
  tn_http_client_options options = world_options();
  options.max_connections_per_host = 1;
  world w = secure_world_of(options);
  static fetch calls[CALLS];
  static char filler[FIELD];
  memset(filler, 'x', sizeof filler);
  tn_http_field field = {TN_STR("x-filler"), {filler, sizeof filler}};
  for (int i = 0; i < CALLS; i++) {
    char room[64];
    tn_http_request request = request_to(s.listening.port, "GET", room);
    request.authority.len = (size_t)snprintf(room, sizeof room, "localhost:%u", s.listening.port);
    request.scheme = TN_STR("https");
    request.fields = (tn_http_fields){&field, 1, 1};
    fetch_start(&w, &calls[i], &request,
                &(tn_http_call_options){.connect_timeout = 9000 * MILLISECOND,
                                        .first_byte_timeout = 100 * MILLISECOND});
    assert_true(calls[i].out->class->finish(calls[i].out, NULL));
  }
  world_run(&w);
  for (int i = 0; i < CALLS; i++) {
    assert_failed(&calls[i], TN_HTTP_CONNECTION_READ_TIMEOUT, "does not answer");
    fetch_end(&calls[i]);
  }
  assert_int_equal(s.listening.accepted, 1);
  world_delete(&w);
  s.is_over = true;
  site_stop(&s);
}

static bool answer_once(peer *self, uint32_t stream, int nth) {
  (void)nth;
  send_hello(self, stream);
  send_goaway(self, stream);
  return false;
}

static void a_second_connection_resumes_the_first(void **state) {
  (void)state;
  site s;
  site_start(&s, answer_once);
  world w = secure_world();
  for (int i = 0; i < 3; i++) {
    fetch f = {0};
    ask(&w, &s, &f, NULL);
    assert_body(&f, "hello");
    fetch_end(&f);
    world_turn(&w, 20 * MILLISECOND);
  }
  world_delete(&w);
  site_stop(&s);
  assert_int_equal(s.listening.accepted, 3);
  assert_int_equal(s.resumed, 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_refused_request_is_sent_once_more),
      cmocka_unit_test(a_request_that_is_refused_again_fails),
      cmocka_unit_test(a_request_that_a_goaway_leaves_out_is_sent_on_another_connection),
      cmocka_unit_test(a_request_that_may_have_been_looked_at_is_not_sent_again),
      cmocka_unit_test(what_comes_before_the_answer_is_not_taken_for_it),
      cmocka_unit_test(an_answer_that_stops_fails_and_its_connection_goes_on),
      cmocka_unit_test(a_request_that_does_not_end_has_its_times),
      cmocka_unit_test(a_request_whose_head_cannot_be_sent_has_its_time),
      cmocka_unit_test(a_peer_that_breaks_the_protocol_fails_all_calls_at_once),
      cmocka_unit_test(a_second_connection_resumes_the_first),
  };
  return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
