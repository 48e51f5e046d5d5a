/* The client against our own server over TLS, HTTP/1.1 and HTTP/2, on one loop; also when memory runs out. */
#include "http_certificate.h"
#include "http_client_world.h"

#include "http/server.h"

static int set_up_group(void **state) {
  (void)state;
  strcpy(folder, "/tmp/tenon-client-tls-XXXXXX");
  assert_non_null(mkdtemp(folder));
  make_certificate("good", "localhost", 86400);
  make_certificate("other", "localhost", 86400);
  return 0;
}

static int tear_down_group(void **state) {
  (void)state;
  static const char *const names[] = {"good.crt", "good.key", "other.crt", "other.key"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    unlink(path_of(names[i]));
  return rmdir(folder);
}

/* ---- a server on the world's loop ------------------------------------------------------------- */

typedef struct site {
  tn_http_server *server;
  uint16_t port;
} site;

static void answer(void *data, tn_http_exchange *exchange) {
  (void)data;
  const tn_http_response head = {.status = 200, .body_length = 5};
  tn_http_outgoing *out = exchange->class->respond(exchange, &head);
  if (out != NULL && out->class->write(out, (const uint8_t *)"hello", 5) == 0)
    out->class->finish(out, NULL);
  exchange->class->release(exchange);
}

static void closed(void *data, tn_http_exchange *exchange, tn_http_code code) {
  (void)data, (void)exchange, (void)code;
}

static site site_new(world *w, bool http2, const char *client_ca) {
  static const tn_http_handler handler = {answer, closed, NULL};
  site s;
  tn_http_server_options options;
  tn_http_server_options_init(&options);
  options.http2 = http2;
  assert_ok(tn_http_server_new(w->loop, &options, &handler, NULL, &s.server));
  tn_tls_server_options tls = {path_of("good.crt"), path_of("good.key"), client_ca, false, http2};
  tn_tls_context *context;
  assert_ok(tn_tls_server_context_new(&tls, &context));
  int listener;
  assert_ok(tn_http_listen_socket(TN_STR("127.0.0.1:0"), 16, &listener));
  struct sockaddr_in address;
  assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &(socklen_t){sizeof address}),
                   0);
  s.port = ntohs(address.sin_port);
  assert_ok(tn_http_server_listen(s.server, listener, context));
  tn_tls_context_release(context);
  return s;
}

static world tls_world(const char *trusted) {
  tn_http_client_options options = world_options();
  assert_ok(tn_tls_client_context_new(path_of(trusted), true, &options.tls));
  world w = world_new(&options);
  tn_tls_context_release(options.tls);
  return w;
}

static bool fetch_secure(world *w, fetch *f, uint16_t port, const tn_http_call_options *options) {
  char room[64];
  tn_http_request request = request_to(port, "GET", room);
  request.authority.len = (size_t)snprintf(room, sizeof room, "localhost:%u", port);
  request.scheme = TN_STR("https");
  tn_error *error = fetch_try(w, f, &request, options);
  if (error != NULL) {
    tn_error_delete(error);
    return false;
  }
  f->out->class->finish(f->out, NULL);
  return true;
}

/* ---- tests ------------------------------------------------------------------------------------ */

static void calls_share_a_connection(bool http2, uint64_t most) {
  world w = tls_world("good.crt");
  site s = site_new(&w, http2, NULL);
  fetch f[8] = {0};
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < 8; i++)
      assert_true(fetch_secure(&w, &f[i], s.port, NULL));
    world_run(&w);
    for (int i = 0; i < 8; i++) {
      assert_body(&f[i], "hello");
      fetch_end(&f[i]);
    }
  }
  const tn_http_client_counters *counters = tn_http_client_get_counters(w.client);
  assert_true(counters->connections <= most);
  assert_true(counters->reused >= 8);
  tn_http_client_forget(w.client, NULL);
  WORLD_WAIT(&w, counters->open_connections == 0);
  tn_http_server_delete(s.server);
  world_delete(&w);
}

static void calls_share_one_http2_connection(void **state) {
  (void)state;
  calls_share_a_connection(true, 1);
}

static void without_http2_connections_are_used_again(void **state) {
  (void)state;
  calls_share_a_connection(false, 8);
}

static void a_certificate_that_nobody_vouches_for_fails_the_call(void **state) {
  (void)state;
  world w = tls_world("other.crt");
  site s = site_new(&w, true, NULL);
  fetch f = {0};
  assert_true(fetch_secure(&w, &f, s.port, NULL));
  world_run(&w);
  assert_failed(&f, TN_HTTP_TLS_CERTIFICATE_ERROR, "TLS with localhost");
  fetch_end(&f);
  tn_http_server_delete(s.server);
  world_delete(&w);
}

static void an_alert_is_told_with_its_number(void **state) {
  (void)state;
  world w = tls_world("good.crt");
  site s = site_new(&w, true, path_of("other.crt"));
  fetch f = {0};
  assert_true(fetch_secure(&w, &f, s.port, NULL));
  world_run(&w);
  assert_failed(&f, TN_HTTP_TLS_ALERT_RECEIVED, "alert");
  const tn_http_call_failure *failure = tn_http_call_get_failure(f.call);
  assert_true(failure->has_alert);
  assert_int_equal(failure->alert_id, 116); /* certificate_required */
  assert_non_null(failure->alert_message);
  fetch_end(&f);
  tn_http_server_delete(s.server);
  world_delete(&w);
}

static void whatever_allocation_fails_the_call_ends(void **state) {
  (void)state;
  const tn_http_call_options options = {
      1000 * MILLISECOND, 1000 * MILLISECOND, 1000 * MILLISECOND, NULL, NULL, NULL};
  int succeeded = 0;
  for (int64_t n = 0; n < 400 && succeeded < 3; n++) {
    world w = tls_world("good.crt");
    site s = site_new(&w, true, NULL);
    fetch f = {0};
    tn_alloc_fail_after(n);
    if (fetch_secure(&w, &f, s.port, &options)) {
      world_run(&w);
      tn_alloc_fail_after(-1);
      succeeded = f.has_failed || f.end != TN_HTTP_END ? 0 : succeeded + 1;
      fetch_end(&f);
    }
    tn_alloc_fail_after(-1);
    tn_http_server_delete(s.server);
    world_delete(&w);
  }
  assert_int_equal(succeeded, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(calls_share_one_http2_connection),
      cmocka_unit_test(without_http2_connections_are_used_again),
      cmocka_unit_test(a_certificate_that_nobody_vouches_for_fails_the_call),
      cmocka_unit_test(an_alert_is_told_with_its_number),
      cmocka_unit_test(whatever_allocation_fails_the_call_ends),
  };
  return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
