/* Plain transports: what reading and writing give at each state of the socket. (TLS: http_tls_test.) */
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/transport.h"

static tn_loop *loop;
static tn_transport transport;
static int peer;
static int events_seen, events_wanted;

static void on_ready(tn_transport *self, int events) {
  assert_ptr_equal(self, &transport);
  events_seen |= events;
  if ((events_seen & events_wanted) == events_wanted) tn_loop_stop(loop);
}

/* Two ends of a TCP connection; the transport's is non-blocking. */
static void connect_pair(int ends[2]) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
  assert_int_equal(listen(listener, 1), 0);
  assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
  ends[1] = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(connect(ends[1], (struct sockaddr *)&address, size), 0);
  ends[0] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
  assert_true(ends[0] >= 0);
  close(listener);
}

static int set_up(void **state) {
  (void)state;
  int ends[2];
  connect_pair(ends);
  peer = ends[1];
  assert_ok(tn_loop_new(&loop));
  assert_ok(tn_transport_start(&transport, loop, ends[0], on_ready, NULL, (tn_str){0}));
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  tn_transport_stop(&transport, false);
  tn_transport_stop(&transport, true); /* again: nothing happens */
  tn_loop_delete(loop);
  if (peer >= 0) close(peer);
  return 0;
}

/* Turns until the loop has told of all these events. */
static void wait_for_events(int events) {
  events_seen = 0;
  events_wanted = events;
  assert_ok(tn_loop_run(loop));
}

static void it_needs_no_handshake(void **state) {
  (void)state;
  assert_true(transport.handshake_done);
  assert_int_equal(tn_transport_handshake(&transport), 1);
  assert_false(tn_transport_is_http2(&transport));
  uint8_t id;
  const char *text;
  assert_false(tn_transport_alert(&transport, &id, &text));
}

static void reading_gives_bytes_nothing_and_the_end(void **state) {
  (void)state;
  uint8_t bytes[16];
  assert_int_equal(tn_transport_read(&transport, bytes, sizeof bytes), 0);
  assert_int_equal(send(peer, "hello", 5, 0), 5);
  wait_for_events(TN_READABLE);
  assert_int_equal(tn_transport_read(&transport, bytes, 0), 0);
  assert_int_equal(tn_transport_read(&transport, bytes, 3), 3);
  assert_int_equal(tn_transport_read(&transport, bytes + 3, sizeof bytes - 3), 2);
  assert_memory_equal(bytes, "hello", 5);
  assert_int_equal(tn_transport_read(&transport, bytes, sizeof bytes), 0);
  shutdown(peer, SHUT_WR);
  wait_for_events(TN_READABLE);
  assert_true(tn_transport_read(&transport, bytes, sizeof bytes) == TN_HTTP_END);
  assert_true(tn_transport_read(&transport, bytes, sizeof bytes) == TN_HTTP_END);
}

static void writing_stops_when_the_peer_takes_no_more_and_goes_on_when_it_does(void **state) {
  (void)state;
  static uint8_t block[65536], room[65536];
  struct iovec parts[2] = {{block, 1000}, {block, sizeof block}};
  uint64_t written = 0;
  int64_t result;
  while ((result = tn_transport_write(&transport, parts, 2)) > 0) {
    assert_true(result <= 1000 + (int64_t)sizeof block);
    written += (uint64_t)result;
  }
  assert_int_equal(result, 0);
  assert_true(written > sizeof block);
  for (uint64_t got = 0; got < written;) {
    ssize_t part = recv(peer, room, sizeof room, 0);
    assert_true(part > 0);
    got += (uint64_t)part;
  }
  wait_for_events(TN_WRITABLE);
  assert_true(tn_transport_write(&transport, parts, 2) > 0);
}

static void writing_to_a_peer_that_is_gone_fails_and_raises_no_signal(void **state) {
  (void)state;
  signal(SIGPIPE, SIG_DFL);
  struct linger at_once = {.l_onoff = 1};
  setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(peer);
  peer = -1;
  wait_for_events(TN_READABLE);
  struct iovec part = {"x", 1};
  int64_t result = 1;
  for (int i = 0; i < 10 && result > 0; i++)
    result = tn_transport_write(&transport, &part, 1);
  assert_true(result == tn_http_failure(TN_HTTP_CONNECTION_TERMINATED));
  assert_string_equal(tn_transport_problem(&transport), "the connection was closed");
}

static void a_shutdown_ends_one_direction(void **state) {
  (void)state;
  char byte;
  tn_transport_shutdown(&transport);
  assert_int_equal(recv(peer, &byte, 1, 0), 0);
  assert_int_equal(send(peer, "x", 1, 0), 1);
  wait_for_events(TN_READABLE);
  uint8_t got;
  assert_int_equal(tn_transport_read(&transport, &got, 1), 1);
}

static void a_stop_with_a_reset_is_seen_as_such(void **state) {
  (void)state;
  char byte;
  tn_transport_stop(&transport, true);
  assert_int_equal(recv(peer, &byte, 1, 0), -1);
  assert_int_equal(errno, ECONNRESET);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(it_needs_no_handshake, set_up, tear_down),
      cmocka_unit_test_setup_teardown(reading_gives_bytes_nothing_and_the_end, set_up, tear_down),
      cmocka_unit_test_setup_teardown(
          writing_stops_when_the_peer_takes_no_more_and_goes_on_when_it_does, set_up, tear_down),
      cmocka_unit_test_setup_teardown(writing_to_a_peer_that_is_gone_fails_and_raises_no_signal,
                                      set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_shutdown_ends_one_direction, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_stop_with_a_reset_is_seen_as_such, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
