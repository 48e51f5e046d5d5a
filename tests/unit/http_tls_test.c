/* TLS over a pair of sockets: both ends are ours, certificates are made here. */
#include "test.h"

#include <sys/socket.h>

#include "http/transport.h"
#include "http_certificate.h"

static int set_up_group(void **state) {
  (void)state;
  strcpy(folder, "/tmp/tenon-tls-XXXXXX");
  assert_non_null(mkdtemp(folder));
  make_certificate("good", "server.test", 86400);
  make_certificate("other", "server.test", 86400);
  make_certificate("old", "server.test", -60);
  return 0;
}

static int tear_down_group(void **state) {
  (void)state;
  static const char *const names[] = {"good.crt", "good.key", "other.crt", "other.key", "old.crt",
                                      "old.key",  "bad.crt",  "now.crt",   "now.key"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    unlink(path_of(names[i]));
  return rmdir(folder);
}

static tn_tls_context *server_context(const char *certificate, const char *key,
                                      const char *client_ca) {
  tn_tls_server_options options = {certificate, key, client_ca, false, true};
  tn_tls_context *context;
  assert_ok(tn_tls_server_context_new(&options, &context));
  return context;
}

/* Two ends of one connection. */
typedef struct pair {
  tn_loop *loop;
  tn_transport server, client;
  int64_t server_result, client_result; /* of the handshake */
} pair;

static void ignore(tn_transport *transport, int events) {
  (void)transport;
  (void)events;
}

static void connect_pair(pair *p, tn_tls_context *server, tn_tls_context *client,
                         const char *host) {
  int sockets[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sockets), 0);
  assert_ok(tn_loop_new(&p->loop));
  assert_ok(tn_transport_start(&p->server, p->loop, sockets[0], ignore, server, (tn_str){0}));
  assert_ok(tn_transport_start(&p->client, p->loop, sockets[1], ignore, client, tn_str_from(host)));
  p->server_result = p->client_result = 0;
  for (int i = 0; i < 8; i++) {
    if (p->client_result == 0) p->client_result = tn_transport_handshake(&p->client);
    if (p->server_result == 0) p->server_result = tn_transport_handshake(&p->server);
  }
}

static void disconnect_pair(pair *p) {
  tn_transport_stop(&p->server, false);
  tn_transport_stop(&p->client, false);
  tn_loop_delete(p->loop);
}

static void bytes_arrive_in_both_directions_and_the_end_is_seen(void **state) {
  (void)state;
  tn_tls_context *server = server_context(path_of("good.crt"), path_of("good.key"), NULL);
  tn_tls_context *client;
  assert_ok(tn_tls_client_context_new(path_of("good.crt"), true, &client));
  pair p;
  connect_pair(&p, server, client, "server.test");
  assert_int_equal(p.client_result, 1);
  assert_int_equal(p.server_result, 1);
  assert_true(tn_transport_is_http2(&p.server) && tn_transport_is_http2(&p.client));
  static uint8_t sent[300000], received[300000];
  for (size_t i = 0; i < sizeof sent; i++)
    sent[i] = (uint8_t)(i * 7 >> 4);
  size_t out = 0, in = 0;
  bool was_blocked = false;
  while (in < sizeof sent) {
    struct iovec parts[3] = {
        {sent + out, out + 100 < sizeof sent ? 100 : sizeof sent - out}, {sent, 0}, {0}};
    size_t first = out + parts[0].iov_len;
    parts[2] = (struct iovec){sent + first, sizeof sent - first};
    int64_t taken = out < sizeof sent ? tn_transport_write(&p.client, parts, 3) : 0;
    assert_true(taken >= 0);
    out += (size_t)taken;
    if (out < sizeof sent) was_blocked = true; /* the rest is offered again */
    int64_t got;
    while (in < sizeof sent &&
           (got = tn_transport_read(&p.server, received + in, sizeof sent - in)) > 0)
      in += (size_t)got;
  }
  assert_true(was_blocked);
  assert_memory_equal(sent, received, sizeof sent);
  tn_transport_shutdown(&p.client);
  assert_int_equal(tn_transport_read(&p.server, received, 1), TN_HTTP_END);
  disconnect_pair(&p);
  tn_tls_context_release(server);
  tn_tls_context_release(client);
}

static void expect_refusal(const char *certificate, const char *trusted, const char *host,
                           const char *words) {
  char key[128];
  snprintf(key, sizeof key, "%.*s.key", (int)strlen(certificate) - 4, certificate);
  tn_tls_context *server = server_context(path_of(certificate), path_of(key), NULL);
  tn_tls_context *client;
  assert_ok(tn_tls_client_context_new(path_of(trusted), true, &client));
  pair p;
  connect_pair(&p, server, client, host);
  assert_int_equal(p.client_result, tn_http_failure(TN_HTTP_TLS_CERTIFICATE_ERROR));
  assert_non_null(strstr(tn_transport_problem(&p.client), words));
  assert_int_equal(p.server_result, tn_http_failure(TN_HTTP_TLS_ALERT_RECEIVED));
  uint8_t id;
  const char *text;
  assert_true(tn_transport_alert(&p.server, &id, &text));
  disconnect_pair(&p);
  tn_tls_context_release(server);
  tn_tls_context_release(client);
}

static void a_client_refuses_certificates_that_do_not_prove_the_host(void **state) {
  (void)state;
  expect_refusal("good.crt", "other.crt", "server.test", "self-signed");
  expect_refusal("good.crt", "good.crt", "elsewhere.test", "hostname mismatch");
  expect_refusal("old.crt", "old.crt", "server.test", "expired");
}

static void a_server_refuses_clients_without_a_certificate(void **state) {
  (void)state;
  tn_tls_context *server =
      server_context(path_of("good.crt"), path_of("good.key"), path_of("other.crt"));
  tn_tls_context *client;
  assert_ok(tn_tls_client_context_new(path_of("good.crt"), true, &client));
  pair p;
  connect_pair(&p, server, client, "server.test");
  assert_int_equal(p.server_result, tn_http_failure(TN_HTTP_TLS_CERTIFICATE_ERROR));
  uint8_t byte;
  assert_int_equal(tn_transport_read(&p.client, &byte, 1),
                   tn_http_failure(TN_HTTP_TLS_ALERT_RECEIVED));
  disconnect_pair(&p);
  tn_tls_context_release(server);
  tn_tls_context_release(client);
}

static void a_peer_that_speaks_nonsense_is_an_error(void **state) {
  (void)state;
  tn_tls_context *server = server_context(path_of("good.crt"), path_of("good.key"), NULL);
  int sockets[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sockets), 0);
  tn_loop *loop;
  assert_ok(tn_loop_new(&loop));
  tn_transport transport;
  assert_ok(tn_transport_start(&transport, loop, sockets[0], ignore, server, (tn_str){0}));
  assert_int_equal(write(sockets[1], "GET / HTTP/1.1\r\n\r\n", 18), 18);
  assert_int_equal(tn_transport_handshake(&transport), tn_http_failure(TN_HTTP_TLS_PROTOCOL_ERROR));
  assert_non_null(strstr(tn_transport_problem(&transport), "http request"));
  tn_transport_stop(&transport, true);
  close(sockets[1]);
  tn_loop_delete(loop);
  tn_tls_context_release(server);
}

static void copy(const char *from, const char *to) {
  char bytes[8192];
  FILE *in = fopen(path_of(from), "r");
  FILE *out = fopen(path_of(to), "w");
  size_t size = fread(bytes, 1, sizeof bytes, in);
  assert_int_equal(fwrite(bytes, 1, size, out), size);
  fclose(in);
  fclose(out);
}

static bool is_trusted(tn_tls_context *server, const char *certificate) {
  tn_tls_context *client;
  assert_ok(tn_tls_client_context_new(path_of(certificate), true, &client));
  pair p;
  connect_pair(&p, server, client, "server.test");
  bool result = p.client_result == 1;
  disconnect_pair(&p);
  tn_tls_context_release(client);
  return result;
}

static void
a_reload_takes_the_new_certificate_and_keeps_the_old_one_when_that_is_broken(void **state) {
  (void)state;
  copy("good.crt", "now.crt");
  copy("good.key", "now.key");
  tn_tls_context *server = server_context(path_of("now.crt"), path_of("now.key"), NULL);
  assert_true(is_trusted(server, "good.crt"));
  copy("other.crt", "now.crt");
  assert_error(tn_tls_context_reload(server), TN_ERROR_ARGUMENT,
               "does not belong to the certificate");
  assert_true(is_trusted(server, "good.crt"));
  copy("other.key", "now.key");
  assert_ok(tn_tls_context_reload(server));
  assert_true(is_trusted(server, "other.crt"));
  assert_false(is_trusted(server, "good.crt"));
  tn_tls_context_release(server);
}

static void broken_files_are_named_with_what_is_wrong(void **state) {
  (void)state;
  FILE *file = fopen(path_of("bad.crt"), "w");
  fputs("a comment\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", file);
  fclose(file);
  tn_tls_context *context;
  tn_tls_server_options options = {path_of("bad.crt"), path_of("good.key"), NULL, false, true};
  assert_error(tn_tls_server_context_new(&options, &context), TN_ERROR_ARGUMENT,
               "bad.crt:2: the certificate");
  options.certificate_path = path_of("good.key");
  assert_error(tn_tls_server_context_new(&options, &context), TN_ERROR_ARGUMENT,
               "there is no certificate");
  options.certificate_path = path_of("missing.crt");
  assert_error(tn_tls_server_context_new(&options, &context), TN_ERROR_IO,
               "missing.crt: No such file");
  options.certificate_path = path_of("good.crt");
  options.key_path = path_of("other.key");
  assert_error(tn_tls_server_context_new(&options, &context), TN_ERROR_ARGUMENT,
               "other.key: the key does not");
}

static void a_certificate_that_is_optional_may_be_left_out(void **state) {
  (void)state;
  tn_tls_server_options options = {path_of("good.crt"), path_of("good.key"), path_of("other.crt"),
                                   true, true};
  tn_tls_context *server, *client;
  assert_ok(tn_tls_server_context_new(&options, &server));
  assert_ok(tn_tls_client_context_new(path_of("good.crt"), true, &client));
  pair p;
  connect_pair(&p, server, client, "server.test");
  assert_int_equal(p.server_result, 1);
  assert_int_equal(p.client_result, 1);
  disconnect_pair(&p);
  tn_tls_context_release(server);
  tn_tls_context_release(client);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bytes_arrive_in_both_directions_and_the_end_is_seen),
      cmocka_unit_test(a_client_refuses_certificates_that_do_not_prove_the_host),
      cmocka_unit_test(a_server_refuses_clients_without_a_certificate),
      cmocka_unit_test(a_certificate_that_is_optional_may_be_left_out),
      cmocka_unit_test(a_peer_that_speaks_nonsense_is_an_error),
      cmocka_unit_test(
          a_reload_takes_the_new_certificate_and_keeps_the_old_one_when_that_is_broken),
      cmocka_unit_test(broken_files_are_named_with_what_is_wrong),
  };
  return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
