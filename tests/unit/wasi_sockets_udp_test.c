/* wasi:sockets, UDP over the loopback interface. */
#include "wasi_sockets_guest.h"

typedef struct incoming {
  uint8_t *data;
  size_t len;
  tn_ip_socket_address remote;
} incoming;

typedef struct receive_result {
  uint8_t is_error;
  union {
    struct {
      incoming *data;
      size_t len;
    } ok;
    uint8_t code;
  };
} receive_result;

typedef struct outgoing {
  const char *data;
  size_t len;
  tn_optional_address remote;
} outgoing;

static tn_error *udp_call(const char *name, const void *params, void *result) {
  tn_guest_set_timeout(&g.guest, 10000000000);
  return guest_call(&g, &tn_sockets_udp_interface, (void *)&tn_socket_udp_kind, name, params,
                    result);
}

static uint32_t udp_socket(uint8_t family) {
  tn_network_handle result = {0};
  assert_ok(guest_call(&g, &tn_sockets_udp_create_interface, NULL, "create-udp-socket", &family,
                       &result));
  assert_int_equal(result.is_error, 0);
  return result.value;
}

static tn_network_done udp_bind(uint32_t self, tn_ip_socket_address address) {
  tn_bind_params params = {.self = self, .address = address};
  tn_network_done result = {0};
  assert_ok(udp_call("[method]udp-socket.start-bind", &params, &result));
  return result;
}

static tn_network_done udp_finish_bind(uint32_t self) {
  tn_network_done result = {0};
  assert_ok(udp_call("[method]udp-socket.finish-bind", &self, &result));
  return result;
}

static uint32_t udp_bound(tn_ip_socket_address address) {
  uint32_t self = udp_socket(address.family);
  assert_code(udp_bind(self, address), TN_NETWORK_OK);
  assert_code(udp_finish_bind(self), TN_NETWORK_OK);
  return self;
}

static tn_network_address udp_address(const char *name, uint32_t self) {
  tn_network_address result = {0};
  assert_ok(udp_call(name, &self, &result));
  return result;
}

static tn_ip_socket_address local_address(uint32_t self) {
  tn_network_address result = udp_address("[method]udp-socket.local-address", self);
  assert_int_equal(result.is_error, 0);
  return result.value;
}

static tn_optional_address some(tn_ip_socket_address address) {
  return (tn_optional_address){1, address};
}

static const tn_optional_address none = {0};

static tn_network_pair udp_stream(uint32_t self, tn_optional_address remote) {
  struct {
    uint32_t self;
    tn_optional_address remote;
  } params = {self, remote};
  tn_network_pair result = {0};
  assert_ok(udp_call("[method]udp-socket.stream", &params, &result));
  return result;
}

static receive_result receive(uint32_t self, uint64_t max) {
  struct {
    uint32_t self;
    uint64_t max;
  } params = {self, max};
  receive_result result = {0};
  assert_ok(udp_call("[method]incoming-datagram-stream.receive", &params, &result));
  return result;
}

static tn_network_u64 check_send(uint32_t self) {
  tn_network_u64 result = {0};
  assert_ok(udp_call("[method]outgoing-datagram-stream.check-send", &self, &result));
  return result;
}

static tn_error *try_send(uint32_t self, const outgoing *datagrams, size_t count,
                          tn_network_u64 *result) {
  struct {
    uint32_t self;
    struct {
      const outgoing *data;
      size_t len;
    } datagrams;
  } params = {self, {datagrams, count}};
  *result = (tn_network_u64){0};
  return udp_call("[method]outgoing-datagram-stream.send", &params, result);
}

static tn_network_u64 send_all(uint32_t self, const outgoing *datagrams, size_t count) {
  tn_network_u64 result;
  assert_true(check_send(self).value >= count);
  assert_ok(try_send(self, datagrams, count, &result));
  return result;
}

static tn_network_u64 send_text(uint32_t self, const char *text, tn_optional_address remote) {
  outgoing datagram = {text, strlen(text), remote};
  return send_all(self, &datagram, 1);
}

static void block_on_incoming(uint32_t self) {
  uint32_t pollable = 0;
  assert_ok(udp_call("[method]incoming-datagram-stream.subscribe", &self, &pollable));
  block_on(pollable);
}

static void assert_receives(uint32_t self, const char *text, tn_ip_socket_address from) {
  block_on_incoming(self);
  receive_result result = receive(self, 1);
  assert_int_equal(result.is_error, 0);
  assert_int_equal(result.ok.len, 1);
  assert_int_equal(result.ok.data[0].len, strlen(text));
  assert_memory_equal(result.ok.data[0].data, text, strlen(text));
  assert_memory_equal(&result.ok.data[0].remote, &from, sizeof from);
}

/* ---- sockets ------------------------------------------------------------------------------------- */

static void udp_sockets_go_through_their_states(void **state) {
  (void)state;
  uint32_t self = udp_socket(TN_IPV4);
  assert_int_equal(udp_stream(self, none).code, TN_NETWORK_INVALID_STATE);
  assert_int_equal(udp_address("[method]udp-socket.local-address", self).code,
                   TN_NETWORK_INVALID_STATE);
  assert_code(udp_finish_bind(self), TN_NETWORK_NOT_IN_PROGRESS);
  assert_code(udp_bind(self, loopback(TN_IPV6, 0)), TN_NETWORK_INVALID_ARGUMENT);
  assert_code(udp_bind(self, ipv4(192, 0, 2, 1, 0)), TN_NETWORK_ADDRESS_NOT_BINDABLE);
  assert_code(udp_bind(self, loopback(TN_IPV4, 0)), TN_NETWORK_OK);
  assert_code(udp_bind(self, loopback(TN_IPV4, 0)), TN_NETWORK_CONCURRENCY_CONFLICT);
  assert_int_equal(udp_stream(self, none).code, TN_NETWORK_INVALID_STATE);
  assert_code(udp_finish_bind(self), TN_NETWORK_OK);
  assert_code(udp_bind(self, loopback(TN_IPV4, 0)), TN_NETWORK_INVALID_STATE);
  assert_int_equal(udp_address("[method]udp-socket.remote-address", self).code,
                   TN_NETWORK_INVALID_STATE);
  assert_int_equal(udp_stream(self, none).is_error, 0);

  uint32_t second = udp_socket(TN_IPV4);
  assert_code(udp_bind(second, local_address(self)), TN_NETWORK_ADDRESS_IN_USE);
  uint32_t pollable = 0;
  assert_ok(udp_call("[method]udp-socket.subscribe", &self, &pollable));
  assert_true(is_ready(pollable));
}

static void the_peer_of_a_stream_is_checked(void **state) {
  (void)state;
  uint32_t self = udp_bound(loopback(TN_IPV4, 0));
  assert_int_equal(udp_stream(self, some(loopback(TN_IPV6, 1))).code, TN_NETWORK_INVALID_ARGUMENT);
  assert_int_equal(udp_stream(self, some(ipv4(0, 0, 0, 0, 1))).code, TN_NETWORK_INVALID_ARGUMENT);
  assert_int_equal(udp_stream(self, some(loopback(TN_IPV4, 0))).code, TN_NETWORK_INVALID_ARGUMENT);
}

/* ---- datagrams ----------------------------------------------------------------------------------- */

static void datagrams_go_both_ways(uint8_t family) {
  uint32_t one = udp_bound(loopback(family, 0)), other = udp_bound(loopback(family, 0));
  tn_network_pair from = udp_stream(one, none), to = udp_stream(other, none);
  assert_int_equal(send_text(from.handles[1], "ping", some(local_address(other))).value, 1);
  assert_receives(to.handles[0], "ping", local_address(one));
  assert_int_equal(send_text(to.handles[1], "", some(local_address(one))).value, 1);
  assert_receives(from.handles[0], "", local_address(other));
  assert_int_equal(receive(from.handles[0], 100).ok.len, 0);
}

static void ipv4_datagrams_go_both_ways(void **state) {
  (void)state;
  datagrams_go_both_ways(TN_IPV4);
}

static void ipv6_datagrams_go_both_ways(void **state) {
  (void)state;
  if (!has_ipv6()) return;
  datagrams_go_both_ways(TN_IPV6);
}

static void several_datagrams_go_in_one_call(void **state) {
  (void)state;
  uint32_t self = udp_bound(loopback(TN_IPV4, 0));
  tn_network_pair streams = udp_stream(self, none);
  tn_optional_address me = some(local_address(self));
  outgoing datagrams[] = {{"a", 1, me}, {"bc", 2, me}, {"def", 3, me}};
  assert_int_equal(send_all(streams.handles[1], datagrams, 3).value, 3);
  block_on_incoming(streams.handles[0]);
  assert_int_equal(receive(streams.handles[0], 0).ok.len, 0);
  receive_result two = receive(streams.handles[0], 2),
                 rest = receive(streams.handles[0], UINT64_MAX);
  assert_int_equal(two.ok.len, 2);
  assert_int_equal(two.ok.data[1].len, 2);
  assert_int_equal(rest.ok.len, 1);
  assert_memory_equal(rest.ok.data[0].data, "def", 3);
}

static void a_connected_stream_talks_to_its_peer_only(void **state) {
  (void)state;
  uint32_t self = udp_bound(loopback(TN_IPV4, 0)), peer = udp_bound(loopback(TN_IPV4, 0));
  uint32_t stranger = udp_bound(loopback(TN_IPV4, 0));
  tn_network_pair to_all = udp_stream(stranger, none), to_peer = udp_stream(peer, none);
  /* Sent before the association: it waits in the queue of the kernel, but must not come out. */
  assert_int_equal(send_text(to_all.handles[1], "stranger", some(local_address(self))).value, 1);
  tn_network_pair streams = udp_stream(self, some(local_address(peer)));
  assert_int_equal(streams.is_error, 0);
  tn_network_address remote = udp_address("[method]udp-socket.remote-address", self);
  assert_int_equal(address_port(remote.value), address_port(local_address(peer)));
  assert_int_equal(send_text(to_peer.handles[1], "peer", some(local_address(self))).value, 1);
  assert_receives(streams.handles[0], "peer", local_address(peer));

  assert_int_equal(send_text(streams.handles[1], "implied", none).value, 1);
  assert_int_equal(send_text(streams.handles[1], "named", some(local_address(peer))).value, 1);
  assert_receives(to_peer.handles[0], "implied", local_address(self));
  assert_receives(to_peer.handles[0], "named", local_address(self));
  assert_int_equal(send_text(streams.handles[1], "no", some(local_address(stranger))).code,
                   TN_NETWORK_INVALID_ARGUMENT);
}

static void a_new_association_keeps_the_port_and_replaces_the_streams(void **state) {
  (void)state;
  uint32_t self = udp_bound(loopback(TN_IPV4, 0)), peer = udp_bound(loopback(TN_IPV4, 0));
  tn_ip_socket_address local = local_address(self);
  tn_network_pair to_peer = udp_stream(peer, none);
  tn_network_pair before = udp_stream(self, some(local_address(peer)));
  tn_network_pair now = udp_stream(self, none);
  assert_int_equal(now.is_error, 0);
  assert_int_equal(address_port(local_address(self)), address_port(local));
  assert_int_equal(receive(before.handles[0], 1).code, TN_NETWORK_INVALID_STATE);
  assert_int_equal(check_send(before.handles[1]).code, TN_NETWORK_INVALID_STATE);
  assert_int_equal(send_text(to_peer.handles[1], "again", some(local)).value, 1);
  assert_receives(now.handles[0], "again", local_address(peer));
  assert_int_equal(udp_stream(self, some(local_address(peer))).is_error, 0);
}

static void sending_needs_a_permit(void **state) {
  (void)state;
  uint32_t self = udp_bound(loopback(TN_IPV4, 0));
  tn_network_pair streams = udp_stream(self, none);
  outgoing datagram = {"x", 1, some(local_address(self))};
  tn_network_u64 result;
  assert_error(try_send(streams.handles[1], &datagram, 1, &result), TN_ERROR_TRAP, "permitted 0");
  assert_ok(try_send(streams.handles[1], NULL, 0, &result));
  assert_int_equal(result.is_error, 0);
  uint64_t permit = check_send(streams.handles[1]).value;
  assert_true(permit > 0);
  assert_error(try_send(streams.handles[1], &datagram, (size_t)permit + 1, &result), TN_ERROR_TRAP,
               "check-send");
  assert_ok(try_send(streams.handles[1], &datagram, 1, &result));
  assert_error(try_send(streams.handles[1], &datagram, 1, &result), TN_ERROR_TRAP, "permitted 0");
}

static void destinations_are_checked_one_by_one(void **state) {
  (void)state;
  uint32_t self = udp_bound(loopback(TN_IPV4, 0));
  uint32_t out = udp_stream(self, none).handles[1];
  assert_int_equal(send_text(out, "x", none).code, TN_NETWORK_INVALID_ARGUMENT);
  assert_int_equal(send_text(out, "x", some(loopback(TN_IPV6, 1))).code,
                   TN_NETWORK_INVALID_ARGUMENT);
  assert_int_equal(send_text(out, "x", some(ipv4(0, 0, 0, 0, 1))).code,
                   TN_NETWORK_INVALID_ARGUMENT);
  assert_int_equal(send_text(out, "x", some(loopback(TN_IPV4, 0))).code,
                   TN_NETWORK_INVALID_ARGUMENT);
  static char large[65535];
  outgoing datagrams[] = {{"x", 1, some(local_address(self))},
                          {large, sizeof large, some(local_address(self))}};
  assert_int_equal(send_all(out, datagrams + 1, 1).code, TN_NETWORK_DATAGRAM_TOO_LARGE);
  /* What was sent before an error is what counts. */
  assert_int_equal(send_all(out, datagrams, 2).value, 1);
}

static void a_closed_port_is_reported_to_a_connected_stream(void **state) {
  (void)state;
  uint32_t self = udp_bound(loopback(TN_IPV4, 0)), peer = udp_bound(loopback(TN_IPV4, 0));
  tn_network_pair streams = udp_stream(self, some(local_address(peer)));
  guest_drop(&g, &tn_sockets_udp_interface, (void *)&tn_socket_udp_kind, "udp-socket", peer);
  assert_int_equal(send_text(streams.handles[1], "anyone?", none).value, 1);
  block_on_incoming(streams.handles[0]);
  assert_int_equal(receive(streams.handles[0], 1).code, TN_NETWORK_CONNECTION_REFUSED);
}

static void streams_outlive_their_socket(void **state) {
  (void)state;
  uint32_t self = udp_bound(loopback(TN_IPV4, 0));
  tn_ip_socket_address local = local_address(self);
  tn_network_pair streams = udp_stream(self, none);
  guest_drop(&g, &tn_sockets_udp_interface, (void *)&tn_socket_udp_kind, "udp-socket", self);
  assert_int_equal(send_text(streams.handles[1], "still", some(local)).value, 1);
  assert_receives(streams.handles[0], "still", local);
  guest_drop(&g, &tn_sockets_udp_interface, NULL, "incoming-datagram-stream", streams.handles[0]);
  guest_drop(&g, &tn_sockets_udp_interface, NULL, "outgoing-datagram-stream", streams.handles[1]);
}

/* ---- rights -------------------------------------------------------------------------------------- */

static int set_up_for_one_peer(void **state) {
  (void)state;
  assert_ok(tn_wasi_config_new(&config));
  assert_ok(tn_wasi_config_allow_network(config, "127.0.0.2", TN_NETWORK_UDP));
  guest_start(&g, config);
  return 0;
}

/* A client with a port of the system's choice may talk to those that it was granted and hears only them. */
static void a_client_reaches_only_whom_it_was_granted(void **state) {
  (void)state;
  assert_code(udp_bind(udp_socket(TN_IPV4), loopback(TN_IPV4, 0)), TN_NETWORK_ACCESS_DENIED);
  uint32_t granted = udp_bound(ipv4(127, 0, 0, 2, 0)), client = udp_bound(ipv4(0, 0, 0, 0, 0));
  tn_network_pair streams = udp_stream(client, none), to_client = udp_stream(granted, none);
  assert_int_equal(send_text(streams.handles[1], "x", some(loopback(TN_IPV4, 9))).code,
                   TN_NETWORK_ACCESS_DENIED);
  assert_int_equal(udp_stream(client, some(loopback(TN_IPV4, 9))).code, TN_NETWORK_ACCESS_DENIED);

  int outsider = socket(AF_INET, SOCK_DGRAM, 0);
  tn_sockaddr address;
  tn_ip_socket_address at = loopback(TN_IPV4, address_port(local_address(client)));
  tn_address_to_system(&at, &address);
  assert_int_equal(sendto(outsider, "bad", 3, 0, &address.any, tn_address_size(&address)), 3);
  close(outsider);
  assert_int_equal(send_text(streams.handles[1], "hello", some(local_address(granted))).value, 1);
  block_on_incoming(to_client.handles[0]);
  receive_result hello = receive(to_client.handles[0], 1);
  /* It comes from 127.0.0.1, which the granted address, being bound with a right, may hear. */
  assert_int_equal(hello.ok.len, 1);
  block_on_incoming(streams.handles[0]);
  assert_int_equal(receive(streams.handles[0], 10).ok.len, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_NETWORK(udp_sockets_go_through_their_states),
      WITH_NETWORK(the_peer_of_a_stream_is_checked),
      WITH_NETWORK(ipv4_datagrams_go_both_ways),
      WITH_NETWORK(ipv6_datagrams_go_both_ways),
      WITH_NETWORK(several_datagrams_go_in_one_call),
      WITH_NETWORK(a_connected_stream_talks_to_its_peer_only),
      WITH_NETWORK(a_new_association_keeps_the_port_and_replaces_the_streams),
      WITH_NETWORK(sending_needs_a_permit),
      WITH_NETWORK(destinations_are_checked_one_by_one),
      WITH_NETWORK(a_closed_port_is_reported_to_a_connected_stream),
      WITH_NETWORK(streams_outlive_their_socket),
      {"a_client_reaches_only_whom_it_was_granted", run_as_guest, set_up_for_one_peer, tear_down,
       &(body){a_client_reaches_only_whom_it_was_granted}},
  };
  return cmocka_run_group_tests_name("wasi:sockets udp", tests, NULL, NULL);
}
