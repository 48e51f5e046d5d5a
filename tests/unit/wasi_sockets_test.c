/* wasi:sockets over the loopback interface: TCP, its states and streams, rights, name lookup. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wasi_sockets_guest.h"

/* ---- bind, connect, listen ----------------------------------------------------------------------- */

static void tcp_sockets_go_through_their_states(void **state) {
  (void)state;
  uint32_t self = tcp_socket(TN_IPV4);
  assert_code(tcp_done("finish-bind", self), TN_NETWORK_NOT_IN_PROGRESS);
  assert_code(tcp_done("finish-listen", self), TN_NETWORK_NOT_IN_PROGRESS);
  assert_code(tcp_done("start-listen", self), TN_NETWORK_INVALID_STATE);
  assert_int_equal(address_of(self, "local-address").code, TN_NETWORK_INVALID_STATE);
  assert_int_equal(address_of(self, "remote-address").code, TN_NETWORK_INVALID_STATE);
  assert_code(tcp_shutdown(self, 2), TN_NETWORK_INVALID_STATE);
  assert_int_equal(tcp_accept(self).code, TN_NETWORK_INVALID_STATE);
  assert_int_equal(tcp_finish_connect(self).code, TN_NETWORK_NOT_IN_PROGRESS);

  assert_code(tcp_bind(self, loopback(TN_IPV4, 0)), TN_NETWORK_OK);
  assert_code(tcp_bind(self, loopback(TN_IPV4, 0)), TN_NETWORK_CONCURRENCY_CONFLICT);
  assert_code(tcp_done("start-listen", self), TN_NETWORK_CONCURRENCY_CONFLICT);
  assert_int_equal(address_of(self, "local-address").code, TN_NETWORK_CONCURRENCY_CONFLICT);
  assert_code(tcp_done("finish-bind", self), TN_NETWORK_OK);
  assert_code(tcp_done("finish-bind", self), TN_NETWORK_NOT_IN_PROGRESS);
  assert_code(tcp_bind(self, loopback(TN_IPV4, 0)), TN_NETWORK_INVALID_STATE);
  assert_true(port_of(self) != 0);

  assert_code(tcp_done("start-listen", self), TN_NETWORK_OK);
  assert_false(is_listening(self));
  assert_code(tcp_done("start-listen", self), TN_NETWORK_CONCURRENCY_CONFLICT);
  assert_code(tcp_done("finish-listen", self), TN_NETWORK_OK);
  assert_true(is_listening(self));
  assert_int_equal(tcp_accept(self).code, TN_NETWORK_WOULD_BLOCK);
  assert_code(tcp_connect(self, loopback(TN_IPV4, 1)), TN_NETWORK_INVALID_STATE);
  assert_code(tcp_done("start-listen", self), TN_NETWORK_INVALID_STATE);
}

static void tcp_addresses_are_checked(void **state) {
  (void)state;
  uint32_t v4 = tcp_socket(TN_IPV4), v6 = tcp_socket(TN_IPV6);
  tn_ip_socket_address multicast = ipv4(224, 0, 0, 1, 80), broadcast = ipv4(255, 255, 255, 255, 80);
  tn_ip_socket_address any = ipv4(0, 0, 0, 0, 80);
  tn_ip_socket_address mapped = {.family = TN_IPV6,
                                 .v6 = {.port = 80, .address = {[5] = 0xffff, 0x7f00, 1}}};
  tn_ip_socket_address group = {.family = TN_IPV6,
                                .v6 = {.port = 80, .address = {0xff02, [7] = 1}}};

  assert_code(tcp_bind(v4, loopback(TN_IPV6, 0)), TN_NETWORK_INVALID_ARGUMENT);
  assert_code(tcp_bind(v6, loopback(TN_IPV4, 0)), TN_NETWORK_INVALID_ARGUMENT);
  assert_code(tcp_bind(v6, mapped), TN_NETWORK_INVALID_ARGUMENT);
  assert_code(tcp_bind(v4, multicast), TN_NETWORK_INVALID_ARGUMENT);
  assert_code(tcp_bind(v4, broadcast), TN_NETWORK_INVALID_ARGUMENT);
  assert_code(tcp_bind(v6, group), TN_NETWORK_INVALID_ARGUMENT);
  assert_code(tcp_bind(v4, ipv4(192, 0, 2, 1, 0)), TN_NETWORK_ADDRESS_NOT_BINDABLE);

  assert_code(tcp_connect(v4, loopback(TN_IPV6, 80)), TN_NETWORK_INVALID_ARGUMENT);
  assert_code(tcp_connect(v6, mapped), TN_NETWORK_INVALID_ARGUMENT);
  assert_code(tcp_connect(v4, any), TN_NETWORK_INVALID_ARGUMENT);
  assert_code(tcp_connect(v4, loopback(TN_IPV4, 0)), TN_NETWORK_INVALID_ARGUMENT);
  assert_code(tcp_connect(v4, multicast), TN_NETWORK_INVALID_ARGUMENT);
  assert_code(tcp_connect(v4, broadcast), TN_NETWORK_INVALID_ARGUMENT);
  assert_code(tcp_connect(v6, group), TN_NETWORK_INVALID_ARGUMENT);
  /* After all that the socket is as it was. */
  assert_code(tcp_bind(v4, loopback(TN_IPV4, 0)), TN_NETWORK_OK);
}

static void a_port_in_use_cannot_be_bound(void **state) {
  (void)state;
  uint32_t first = tcp_listener(TN_IPV4), second = tcp_socket(TN_IPV4);
  assert_code(tcp_bind(second, loopback(TN_IPV4, port_of(first))), TN_NETWORK_ADDRESS_IN_USE);
  assert_code(tcp_bind(second, loopback(TN_IPV4, 0)), TN_NETWORK_OK);
}

static void a_refused_connection_closes_the_socket(void **state) {
  (void)state;
  uint32_t listener = tcp_listener(TN_IPV4), self = tcp_socket(TN_IPV4);
  uint16_t port = port_of(listener);
  drop_tcp(listener);
  tn_network_done started = tcp_connect(self, loopback(TN_IPV4, port));
  if (started.is_error) {
    assert_code(started, TN_NETWORK_CONNECTION_REFUSED);
  } else {
    assert_int_equal(address_of(self, "local-address").is_error, 0);
    assert_int_equal(address_of(self, "remote-address").code, TN_NETWORK_INVALID_STATE);
    block_on(tcp_subscribe(self));
    assert_int_equal(tcp_finish_connect(self).code, TN_NETWORK_CONNECTION_REFUSED);
  }
  assert_code(tcp_connect(self, loopback(TN_IPV4, port)), TN_NETWORK_INVALID_STATE);
  assert_int_equal(address_of(self, "remote-address").code, TN_NETWORK_INVALID_STATE);
  /* What C libraries ask for even then. */
  assert_int_equal(address_of(self, "local-address").is_error, 0);
  assert_int_equal(tcp_u64("receive-buffer-size", self).is_error, 0);
  assert_true(is_ready(tcp_subscribe(self)));
}

static void connections_carry_bytes_both_ways(uint8_t family) {
  connection pair = tcp_connection(family);
  assert_int_equal(port_of(pair.client),
                   address_port(address_of(pair.server, "remote-address").value));
  assert_int_equal(address_of(pair.client, "remote-address").value.family, family);
  uint8_t reported = 9;
  assert_ok(tcp_call("[method]tcp-socket.address-family", &pair.server, &reported));
  assert_int_equal(reported, family);

  write_text(pair.client_output, "request");
  assert_reads(read_blocking(pair.server_input, 100), "request");
  write_text(pair.server_output, "response");
  assert_reads(read_blocking(pair.client_input, 4), "resp");
  assert_reads(read_blocking(pair.client_input, 100), "onse");
}

static void ipv4_connections_carry_bytes_both_ways(void **state) {
  (void)state;
  connections_carry_bytes_both_ways(TN_IPV4);
}

static void ipv6_connections_carry_bytes_both_ways(void **state) {
  (void)state;
  if (!has_ipv6()) return;
  connections_carry_bytes_both_ways(TN_IPV6);
}

static void received_bytes_go_straight_into_the_guest(void **state) {
  (void)state;
  connection pair = tcp_connection(TN_IPV4);
  assert_reads(read_now(pair.server_input, 100), "");
  int before = guest_realloc_calls(&g);
  write_text(pair.client_output, "direct");
  block_on(stream_subscribe("[method]input-stream.subscribe", pair.server_input));
  read_result result = read_now(pair.server_input, 1000);
  assert_reads(result, "direct");
  assert_true(guest_owns(&g, result.bytes.data));
  assert_int_equal(guest_realloc_calls(&g), before + 1);
}

static void skipped_bytes_are_gone(void **state) {
  (void)state;
  connection pair = tcp_connection(TN_IPV4);
  write_text(pair.client_output, "0123456789");
  block_on(stream_subscribe("[method]input-stream.subscribe", pair.server_input));
  struct {
    uint32_t self;
    uint64_t len;
  } params = {pair.server_input, 4};
  tn_stream_count_result skipped = {0};
  assert_ok(stream_call("[method]input-stream.blocking-skip", &params, &skipped));
  assert_int_equal(skipped.count, 4);
  assert_reads(read_blocking(pair.server_input, 100), "456789");
}

/* ---- back-pressure ------------------------------------------------------------------------------- */

/* Writes a pattern until the stream takes no more; the number of bytes taken. */
static size_t fill(uint32_t output) {
  static uint8_t bytes[65536];
  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (uint8_t)(i % 251);
  size_t total = 0;
  for (uint64_t permit; (permit = check_write(output)) > 0;) {
    size_t part = permit < sizeof bytes ? (size_t)permit : sizeof bytes;
    assert_int_equal(write_some(output, bytes, part).is_error, 0);
    total += part;
  }
  return total;
}

static void assert_receives_pattern(int peer, size_t total) {
  uint8_t byte;
  for (size_t i = 0; i < total; i++) {
    assert_int_equal(read(peer, &byte, 1), 1);
    if (byte != i % 65536 % 251) fail_msg("byte %zu is %u", i, byte);
  }
}

static void a_full_stream_permits_nothing_until_the_peer_reads(void **state) {
  (void)state;
  connection pair = tcp_connection_with_small_buffers();
  size_t total = fill(pair.client_output);
  uint32_t pollable = stream_subscribe("[method]output-stream.subscribe", pair.client_output);
  assert_false(is_ready(pollable));
  size_t received = 0;
  while (received < total) {
    read_result part = read_blocking(pair.server_input, 1 << 20);
    assert_int_equal(part.is_error, 0);
    for (size_t i = 0; i < part.bytes.len; i++) {
      assert_int_equal(part.bytes.data[i], (received + i) % 65536 % 251);
    }
    received += part.bytes.len;
  }
  assert_int_equal(received, total);
  block_on(pollable);
  assert_true(check_write(pair.client_output) > 0);
}

static void what_the_kernel_did_not_take_goes_out_while_the_guest_waits(void **state) {
  (void)state;
  connection pair = tcp_connection_with_small_buffers();
  size_t total = fill(pair.client_output);
  /* A peer outside the guest: reads everything and then answers. The guest only waits for the answer. */
  int peer = dup(descriptor_of(pair.server));
  pid_t child = fork();
  if (child == 0) {
    fcntl(peer, F_SETFL, 0);
    assert_receives_pattern(peer, total);
    _exit(write(peer, "!", 1) == 1 ? 0 : 1);
  }
  assert_reads(read_blocking(pair.client_input, 1), "!");
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  close(peer);
}

static void shutting_down_sends_what_was_written_before(void **state) {
  (void)state;
  connection pair = tcp_connection_with_small_buffers();
  size_t total = fill(pair.client_output), received = 0;
  assert_code(tcp_shutdown(pair.client, SHUTDOWN_SEND), TN_NETWORK_OK);
  assert_code(tcp_shutdown(pair.client, SHUTDOWN_SEND), TN_NETWORK_OK);
  for (;;) {
    read_result part = read_blocking(pair.server_input, 1 << 20);
    if (part.is_error) break;
    received += part.bytes.len;
  }
  assert_int_equal(received, total);
  tn_stream_count_result permit = check_write_result(pair.client_output);
  assert_int_equal(permit.is_error, 1);
  assert_int_equal(permit.error.tag, TN_STREAM_CLOSED);
}

/* ---- ends ---------------------------------------------------------------------------------------- */

static void shutdown_closes_the_streams_of_its_direction(void **state) {
  (void)state;
  connection pair = tcp_connection(TN_IPV4);
  write_text(pair.server_output, "never read");
  assert_code(tcp_shutdown(pair.client, SHUTDOWN_RECEIVE), TN_NETWORK_OK);
  read_result result = read_blocking(pair.client_input, 1);
  assert_int_equal(result.is_error, 1);
  assert_int_equal(result.error.tag, TN_STREAM_CLOSED);
  write_text(pair.client_output, "still open");
  assert_reads(read_blocking(pair.server_input, 100), "still open");
  assert_code(tcp_shutdown(pair.client, SHUTDOWN_BOTH), TN_NETWORK_OK);
  result = read_blocking(pair.server_input, 1);
  assert_int_equal(result.error.tag, TN_STREAM_CLOSED);
}

static void a_connection_lives_as_long_as_its_streams(void **state) {
  (void)state;
  connection pair = tcp_connection(TN_IPV4);
  drop_tcp(pair.client);
  write_text(pair.client_output, "alive");
  assert_reads(read_blocking(pair.server_input, 100), "alive");
  guest_drop(&g, &tn_io_streams_interface, NULL, "output-stream", pair.client_output);
  guest_drop(&g, &tn_io_streams_interface, NULL, "input-stream", pair.client_input);
  read_result result = read_blocking(pair.server_input, 1);
  assert_int_equal(result.is_error, 1);
  assert_int_equal(result.error.tag, TN_STREAM_CLOSED);
}

static void a_reset_connection_gives_its_network_error(void **state) {
  (void)state;
  connection pair = tcp_connection(TN_IPV4);
  struct linger reset = {.l_onoff = 1};
  setsockopt(descriptor_of(pair.server), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  drop_tcp(pair.server);
  guest_drop(&g, &tn_io_streams_interface, NULL, "output-stream", pair.server_output);
  guest_drop(&g, &tn_io_streams_interface, NULL, "input-stream", pair.server_input);
  read_result result = read_blocking(pair.client_input, 1);
  assert_int_equal(result.is_error, 1);
  assert_int_equal(result.error.tag, TN_STREAM_LAST_OPERATION_FAILED);
  struct {
    uint8_t is_some;
    uint8_t code;
  } code = {0};
  assert_ok(guest_call(&g, &tn_sockets_network_interface, NULL, "network-error-code",
                       &result.error.error, &code));
  assert_int_equal(code.is_some, 1);
  assert_int_equal(code.code, TN_NETWORK_CONNECTION_RESET);
}

/* ---- options ------------------------------------------------------------------------------------- */

static void options_can_be_set_and_read_back(void **state) {
  (void)state;
  const uint64_t second = 1000000000;
  uint32_t self = tcp_socket(TN_IPV6);
  assert_code(tcp_set("set-keep-alive-enabled", self, 1), TN_NETWORK_OK);
  assert_int_equal(tcp_byte("keep-alive-enabled", self).value, 1);
  assert_code(tcp_set("set-keep-alive-idle-time", self, 5 * second + 1), TN_NETWORK_OK);
  assert_int_equal(tcp_u64("keep-alive-idle-time", self).value, 6 * second);
  assert_code(tcp_set("set-keep-alive-interval", self, 1), TN_NETWORK_OK);
  assert_int_equal(tcp_u64("keep-alive-interval", self).value, second);
  assert_code(tcp_set("set-keep-alive-interval", self, UINT64_MAX), TN_NETWORK_OK);
  assert_code(tcp_set("set-keep-alive-count", self, 7), TN_NETWORK_OK);
  assert_int_equal(tcp_u32("keep-alive-count", self).value, 7);
  assert_code(tcp_set("set-keep-alive-count", self, UINT32_MAX), TN_NETWORK_OK);
  assert_code(tcp_set("set-hop-limit", self, 42), TN_NETWORK_OK);
  assert_int_equal(tcp_byte("hop-limit", self).value, 42);
  assert_code(tcp_set("set-receive-buffer-size", self, 8192), TN_NETWORK_OK);
  assert_int_equal(tcp_u64("receive-buffer-size", self).value, 8192);
  assert_code(tcp_set("set-send-buffer-size", self, 16384), TN_NETWORK_OK);
  assert_int_equal(tcp_u64("send-buffer-size", self).value, 16384);
  assert_code(tcp_set("set-send-buffer-size", self, UINT64_MAX), TN_NETWORK_OK);
  assert_code(tcp_set("set-listen-backlog-size", self, UINT64_MAX), TN_NETWORK_OK);
}

static void zero_is_no_value_for_an_option(void **state) {
  (void)state;
  static const char *const names[] = {"set-keep-alive-idle-time", "set-keep-alive-interval",
                                      "set-keep-alive-count",     "set-hop-limit",
                                      "set-receive-buffer-size",  "set-send-buffer-size",
                                      "set-listen-backlog-size"};
  uint32_t self = tcp_socket(TN_IPV4);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    assert_code(tcp_set(names[i], self, 0), TN_NETWORK_INVALID_ARGUMENT);
  }
}

static void accepted_sockets_inherit_options(void **state) {
  (void)state;
  uint32_t listener = tcp_listener(TN_IPV4), client = tcp_socket(TN_IPV4);
  assert_code(tcp_set("set-hop-limit", listener, 42), TN_NETWORK_OK);
  assert_code(tcp_set("set-keep-alive-enabled", listener, 1), TN_NETWORK_OK);
  assert_code(tcp_connect(client, loopback(TN_IPV4, port_of(listener))), TN_NETWORK_OK);
  block_on(tcp_subscribe(listener));
  uint32_t server = tcp_accept(listener).handles[0];
  assert_int_equal(tcp_byte("hop-limit", server).value, 42);
  assert_int_equal(tcp_byte("keep-alive-enabled", server).value, 1);
}

/* ---- rights -------------------------------------------------------------------------------------- */

static void without_rights_nothing_can_be_reached(void **state) {
  (void)state;
  uint32_t self = tcp_socket(TN_IPV4);
  assert_code(tcp_connect(self, loopback(TN_IPV4, 80)), TN_NETWORK_ACCESS_DENIED);
  assert_code(tcp_bind(self, loopback(TN_IPV4, 0)), TN_NETWORK_ACCESS_DENIED);
  assert_code(tcp_bind(self, ipv4(0, 0, 0, 0, 8080)), TN_NETWORK_ACCESS_DENIED);
  assert_int_equal(resolve("localhost").code, TN_NETWORK_ACCESS_DENIED);
}

static void a_client_may_take_any_port_but_not_listen_on_it(void **state) {
  (void)state;
  uint32_t self = tcp_socket(TN_IPV4);
  assert_code(tcp_bind(self, ipv4(0, 0, 0, 0, 0)), TN_NETWORK_OK);
  assert_code(tcp_done("finish-bind", self), TN_NETWORK_OK);
  assert_code(tcp_done("start-listen", self), TN_NETWORK_ACCESS_DENIED);
}

/* ---- name lookup --------------------------------------------------------------------------------- */

static void addresses_are_resolved_without_asking_anyone(void **state) {
  (void)state;
  uint32_t self = resolve("127.0.0.1").value;
  tn_network_next next = next_address(self);
  assert_int_equal(next.is_error, 0);
  assert_int_equal(next.ok.is_some, 1);
  assert_int_equal(next.ok.value.family, TN_IPV4);
  assert_memory_equal(next.ok.value.v4, ((uint8_t[]){127, 0, 0, 1}), 4);
  assert_int_equal(next_address(self).ok.is_some, 0);

  static const char *const v6[] = {"::1", "[::1]"};
  for (int i = 0; i < 2; i++) {
    next = next_address(resolve(v6[i]).value);
    assert_int_equal(next.ok.value.family, TN_IPV6);
    assert_int_equal(next.ok.value.v6[7], 1);
  }
  next = next_address(resolve("::ffff:1.2.3.4").value);
  assert_int_equal(next.ok.value.family, TN_IPV4);
}

static void names_that_are_none_are_refused(void **state) {
  (void)state;
  static const char *const names[] = {"",      " ",         ".",         "a..b",        "a.b<&>",
                                      "a.b[",  "-a.b",      "a-.b",      "a b.com",     "127.1",
                                      "0x7f",  "1.2.3.4.5", "[1.2.3.4]", "exa\xffmple", "[::1",
                                      "a.b/c", "host:80",   "256.1.1.1"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    tn_network_handle result = resolve(names[i]);
    if (!result.is_error || result.code != TN_NETWORK_INVALID_ARGUMENT)
      fail_msg("\"%s\" was not refused", names[i]);
  }
  char label[66];
  memset(label, 'a', 64);
  strcpy(label + 64, "b");
  assert_int_equal(resolve(label).code, TN_NETWORK_INVALID_ARGUMENT);
}

static void the_pool_resolves_names_while_the_guest_waits(void **state) {
  (void)state;
  uint32_t self = resolve("localhost").value;
  uint32_t pollable = 0;
  assert_ok(guest_call(&g, &tn_sockets_lookup_interface, NULL,
                       "[method]resolve-address-stream.subscribe", &self, &pollable));
  if (!is_ready(pollable)) assert_int_equal(next_address(self).code, TN_NETWORK_WOULD_BLOCK);
  block_on(pollable);
  tn_network_next next = next_address(self);
  assert_int_equal(next.is_error, 0);
  assert_int_equal(next.ok.is_some, 1);
}

static void a_lookup_can_be_dropped_before_it_is_over(void **state) {
  (void)state;
  for (int i = 0; i < 20; i++) {
    uint32_t self = resolve("localhost").value;
    guest_drop(&g, &tn_sockets_lookup_interface, NULL, "resolve-address-stream", self);
  }
}

static void assert_ascii(const char *name, const char *expected) {
  char out[TN_HOST_NAME_SIZE];
  if (!tn_host_name_to_ascii(tn_str_from(name), out)) fail_msg("\"%s\" was refused", name);
  assert_string_equal(out, expected);
}

static void names_become_ascii(void **state) {
  (void)state;
  assert_ascii("Example.COM", "example.com");
  assert_ascii("example.com.", "example.com");
  assert_ascii("_dmarc.x-y.z9", "_dmarc.x-y.z9");
  assert_ascii("m\xc3\xbcnchen.de", "xn--mnchen-3ya.de");
  assert_ascii("M\xc3\x9cNCHEN.DE", "xn--mnchen-3ya.de");
  assert_ascii("b\xc3\xbc"
               "cher.example",
               "xn--bcher-kva.example");
  assert_ascii("\xe4\xbe\x8b\xe3\x81\x88.\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88",
               "xn--r8jz45g.xn--zckzah");
  assert_ascii("\xe4\xbe\x8b\xe3\x80\x82"
               "com",
               "xn--fsq.com"); /* an ideographic full stop */
  char out[TN_HOST_NAME_SIZE];
  assert_false(tn_host_name_to_ascii(TN_STR("a\0b"), out));
  char longest[254];
  for (int i = 0; i < 253; i++)
    longest[i] = i % 64 == 63 ? '.' : 'a';
  assert_true(tn_host_name_to_ascii((tn_str){longest, 253}, out));
  longest[253] = 'a';
  assert_false(tn_host_name_to_ascii((tn_str){longest, 254}, out));
}

/* ---- forms --------------------------------------------------------------------------------------- */

static void every_type_and_signature_can_be_read(void **state) {
  (void)state;
  static const tn_host_interface *const interfaces[] = {
      &tn_io_error_interface,       &tn_io_poll_interface,
      &tn_io_streams_interface,     &tn_sockets_network_interface,
      &tn_sockets_lookup_interface, &tn_sockets_instance_network_interface,
      &tn_sockets_tcp_interface,    &tn_sockets_tcp_create_interface,
      &tn_sockets_udp_interface,    &tn_sockets_udp_create_interface};
  for (size_t i = 0; i < sizeof interfaces / sizeof *interfaces; i++) {
    for (size_t j = 0; j < interfaces[i]->func_count; j++)
      find_type(interfaces[i], interfaces[i]->funcs[j].name);
  }
}

static void native_structs_have_the_layout_of_their_types(void **state) {
  (void)state;
  const tn_host_interface *tcp = &tn_sockets_tcp_interface, *udp = &tn_sockets_udp_interface;
  const tn_host_interface *streams = &tn_io_streams_interface;
  assert_layout(tcp, "[method]tcp-socket.start-bind", sizeof(tn_bind_params),
                sizeof(tn_network_done));
  assert_layout(tcp, "[method]tcp-socket.finish-connect", 4, sizeof(tn_network_pair));
  assert_layout(tcp, "[method]tcp-socket.accept", 4, sizeof(tn_network_triple));
  assert_layout(tcp, "[method]tcp-socket.local-address", 4, sizeof(tn_network_address));
  assert_layout(tcp, "[method]tcp-socket.hop-limit", 4, sizeof(tn_network_byte));
  assert_layout(tcp, "[method]tcp-socket.keep-alive-count", 4, sizeof(tn_network_u32));
  assert_layout(tcp, "[method]tcp-socket.keep-alive-interval", 4, sizeof(tn_network_u64));
  assert_layout(udp, "[method]udp-socket.stream", 40, sizeof(tn_network_pair));
  assert_layout(udp, "[method]incoming-datagram-stream.receive", 16, 24);
  assert_layout(udp, "[method]outgoing-datagram-stream.send", 24, sizeof(tn_network_u64));
  assert_layout(&tn_sockets_lookup_interface, "[method]resolve-address-stream.resolve-next-address",
                4, sizeof(tn_network_next));
  assert_layout(streams, "[method]input-stream.read", 16, sizeof(read_result));
  assert_layout(streams, "[method]output-stream.check-write", 4, sizeof(tn_stream_count_result));
  assert_layout(streams, "[method]output-stream.write", 24, sizeof(tn_stream_result));
  assert_layout(streams, "[method]output-stream.splice", 16, sizeof(tn_stream_count_result));
}

/* ---- running out of memory ----------------------------------------------------------------------- */

/* Goes once through everything that allocates; gives the first error. */
static tn_error *use_everything(void) {
  uint8_t family = TN_IPV4;
  tn_network_handle made;
  tn_network_done done;
  tn_network_pair streams;
  tn_network_triple accepted;
  uint32_t pollables[2];
  tn_bind_params to = {.address = loopback(TN_IPV4, 0)};
  void *tcp = (void *)&tn_socket_tcp_kind;
  const tn_host_interface *table = &tn_sockets_tcp_interface;
  TN_TRY(
      guest_call(&g, &tn_sockets_tcp_create_interface, NULL, "create-tcp-socket", &family, &made));
  uint32_t listener = to.self = made.value;
  TN_TRY(guest_call(&g, table, tcp, "[method]tcp-socket.start-bind", &to, &done));
  TN_TRY(guest_call(&g, table, tcp, "[method]tcp-socket.finish-bind", &listener, &done));
  TN_TRY(guest_call(&g, table, tcp, "[method]tcp-socket.start-listen", &listener, &done));
  TN_TRY(guest_call(&g, table, tcp, "[method]tcp-socket.finish-listen", &listener, &done));
  TN_TRY(guest_call(&g, table, tcp, "[method]tcp-socket.subscribe", &listener, &pollables[0]));
  TN_TRY(
      guest_call(&g, &tn_sockets_tcp_create_interface, NULL, "create-tcp-socket", &family, &made));
  to = (tn_bind_params){.self = made.value, .address = loopback(TN_IPV4, port_of(listener))};
  TN_TRY(guest_call(&g, table, tcp, "[method]tcp-socket.start-connect", &to, &done));
  TN_TRY(
      guest_call(&g, &tn_io_poll_interface, NULL, "[method]pollable.block", &pollables[0], NULL));
  TN_TRY(guest_call(&g, table, tcp, "[method]tcp-socket.finish-connect", &made.value, &streams));
  TN_TRY(guest_call(&g, table, tcp, "[method]tcp-socket.accept", &listener, &accepted));
  TN_TRY(stream_call("[method]input-stream.subscribe", &streams.handles[0], &pollables[1]));
  struct {
    uint32_t *data;
    size_t len;
  } list = {pollables, 2}, ready;
  TN_TRY(stream_call("[method]output-stream.subscribe", &streams.handles[1], &pollables[0]));
  TN_TRY(guest_call(&g, &tn_io_poll_interface, NULL, "poll", &list, &ready));
  struct {
    uint32_t network;
    tn_str name;
  } lookup = {0, TN_STR("localhost")};
  TN_TRY(guest_call(&g, &tn_sockets_lookup_interface, NULL, "resolve-addresses", &lookup, &made));
  TN_TRY(guest_call(&g, &tn_sockets_lookup_interface, NULL,
                    "[method]resolve-address-stream.subscribe", &made.value, &pollables[1]));
  TN_TRY(
      guest_call(&g, &tn_io_poll_interface, NULL, "[method]pollable.block", &pollables[1], NULL));
  tn_network_next address;
  TN_TRY(guest_call(&g, &tn_sockets_lookup_interface, NULL,
                    "[method]resolve-address-stream.resolve-next-address", &made.value, &address));
  if (address.is_error) return tn_error_no_memory();
  uint32_t handle;
  return tn_io_error_add(g.wasi, TN_IO_NETWORK, ECONNRESET, &handle);
}

/* But for a few, without which a lookup goes on: the host's own name, for a search domain. */
static void every_failing_allocation_ends_the_guest_cleanly(void **state) {
  (void)state;
  int count = 0, survived = 0;
  for (;; count++) {
    tn_alloc_fail_after(count);
    tn_error *error = use_everything();
    bool has_failed = tn_alloc_did_fail();
    tn_alloc_fail_after(-1);
    if (!has_failed) {
      assert_ok(error);
      break;
    }
    if (error == NULL)
      survived++;
    else
      assert_error(error, TN_ERROR_NO_MEMORY, "memory");
  }
  assert_in_range(count, 15, 200);
  assert_in_range(survived, 0, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_NETWORK(tcp_sockets_go_through_their_states),
      WITH_NETWORK(tcp_addresses_are_checked),
      WITH_NETWORK(a_port_in_use_cannot_be_bound),
      WITH_NETWORK(a_refused_connection_closes_the_socket),
      WITH_NETWORK(ipv4_connections_carry_bytes_both_ways),
      WITH_NETWORK(ipv6_connections_carry_bytes_both_ways),
      WITH_NETWORK(received_bytes_go_straight_into_the_guest),
      WITH_NETWORK(skipped_bytes_are_gone),
      WITH_NETWORK(a_full_stream_permits_nothing_until_the_peer_reads),
      WITH_NETWORK(what_the_kernel_did_not_take_goes_out_while_the_guest_waits),
      WITH_NETWORK(shutting_down_sends_what_was_written_before),
      WITH_NETWORK(shutdown_closes_the_streams_of_its_direction),
      WITH_NETWORK(a_connection_lives_as_long_as_its_streams),
      WITH_NETWORK(a_reset_connection_gives_its_network_error),
      WITH_NETWORK(options_can_be_set_and_read_back),
      WITH_NETWORK(zero_is_no_value_for_an_option),
      WITH_NETWORK(accepted_sockets_inherit_options),
      WITHOUT_RIGHTS(without_rights_nothing_can_be_reached),
      WITHOUT_RIGHTS(a_client_may_take_any_port_but_not_listen_on_it),
      WITHOUT_RIGHTS(addresses_are_resolved_without_asking_anyone),
      WITH_NETWORK(names_that_are_none_are_refused),
      WITH_NETWORK(the_pool_resolves_names_while_the_guest_waits),
      WITH_NETWORK(a_lookup_can_be_dropped_before_it_is_over),
      cmocka_unit_test(names_become_ascii),
      WITH_NETWORK(every_failing_allocation_ends_the_guest_cleanly),
      WITHOUT_RIGHTS(every_type_and_signature_can_be_read),
      WITHOUT_RIGHTS(native_structs_have_the_layout_of_their_types),
  };
  return cmocka_run_group_tests_name("wasi:sockets", tests, NULL, NULL);
}
