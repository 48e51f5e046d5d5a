/* Calls of wasi:sockets as the tests write them. */
#ifndef TN_WASI_SOCKETS_GUEST_H
#define TN_WASI_SOCKETS_GUEST_H

#include <unistd.h>

#include "link/host.h"
#include "wasi/io/tables.h"
#include "wasi/sockets/idna.h"
#include "wasi/sockets/socket.h"
#include "wasi_guest.h"

enum { SHUTDOWN_RECEIVE, SHUTDOWN_SEND, SHUTDOWN_BOTH };

static guest g;
static tn_wasi_config *config;

/* ---- the test's frame ---------------------------------------------------------------------------- */

/* A test's body is given as the state. */
typedef struct body {
  void (*run)(void **state);
} body;

static inline void run_as_guest(void **state) {
  guest_run(&g, ((const body *)*state)->run);
}

static inline int set_up_without_rights(void **state) {
  (void)state;
  assert_ok(tn_wasi_config_new(&config));
  guest_start(&g, config);
  return 0;
}

static inline int set_up_with_network(void **state) {
  (void)state;
  assert_ok(tn_wasi_config_new(&config));
  assert_ok(tn_wasi_config_inherit_network(config));
  guest_start(&g, config);
  return 0;
}

static inline int tear_down(void **state) {
  (void)state;
  guest_end(&g);
  tn_wasi_config_delete(config);
  return 0;
}

#define WITH_NETWORK(name)                                                                         \
  {                                                                                                \
#name, run_as_guest, set_up_with_network, tear_down, &(body) {                                 \
      name                                                                                         \
    }                                                                                              \
  }
#define WITHOUT_RIGHTS(name)                                                                       \
  {                                                                                                \
#name, run_as_guest, set_up_without_rights, tear_down, &(body) {                               \
      name                                                                                         \
    }                                                                                              \
  }

/* ---- addresses ----------------------------------------------------------------------------------- */

static inline tn_ip_socket_address ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port) {
  return (tn_ip_socket_address){.family = TN_IPV4, .v4 = {.port = port, .address = {a, b, c, d}}};
}

static inline tn_ip_socket_address loopback(uint8_t family, uint16_t port) {
  if (family == TN_IPV4) return ipv4(127, 0, 0, 1, port);
  return (tn_ip_socket_address){.family = TN_IPV6, .v6 = {.port = port, .address = {[7] = 1}}};
}

static inline uint16_t address_port(tn_ip_socket_address address) {
  return address.family == TN_IPV4 ? address.v4.port : address.v6.port;
}

/* Whether this machine has a loopback interface for IPv6; the tests of it can tell nothing elsewhere. */
static inline bool has_ipv6(void) {
  tn_ip_socket_address address = loopback(TN_IPV6, 0);
  tn_sockaddr system;
  tn_address_to_system(&address, &system);
  int descriptor = socket(AF_INET6, SOCK_DGRAM, 0);
  bool is_there = descriptor >= 0 && bind(descriptor, &system.any, tn_address_size(&system)) == 0;
  if (descriptor >= 0) close(descriptor);
  if (!is_there) print_message("no IPv6 here\n");
  return is_there;
}

/* ---- polling and streams ------------------------------------------------------------------------- */

typedef struct read_result {
  uint8_t is_error;
  union {
    struct {
      uint8_t *data;
      size_t len;
    } bytes;
    tn_stream_error error;
  };
} read_result;

static inline bool is_ready(uint32_t pollable) {
  uint8_t ready = 0;
  assert_ok(
      guest_call(&g, &tn_io_poll_interface, NULL, "[method]pollable.ready", &pollable, &ready));
  return ready != 0;
}

/* Blocks, at most for some seconds (a test that waits for ever tells nothing), and drops the pollable. */
static inline void block_on(uint32_t pollable) {
  tn_guest_set_timeout(&g.guest, 10000000000);
  assert_ok(guest_call(&g, &tn_io_poll_interface, NULL, "[method]pollable.block", &pollable, NULL));
  guest_drop(&g, &tn_io_poll_interface, NULL, "pollable", pollable);
}

static inline tn_error *stream_call(const char *name, const void *params, void *result) {
  tn_guest_set_timeout(&g.guest, 10000000000);
  return guest_call(&g, &tn_io_streams_interface, NULL, name, params, result);
}

static inline uint32_t stream_subscribe(const char *name, uint32_t self) {
  uint32_t pollable = 0;
  assert_ok(stream_call(name, &self, &pollable));
  return pollable;
}

static inline read_result read_with(const char *name, uint32_t self, uint64_t len) {
  struct {
    uint32_t self;
    uint64_t len;
  } params = {self, len};
  read_result result = {0};
  assert_ok(stream_call(name, &params, &result));
  return result;
}

static inline read_result read_now(uint32_t self, uint64_t len) {
  return read_with("[method]input-stream.read", self, len);
}

static inline read_result read_blocking(uint32_t self, uint64_t len) {
  return read_with("[method]input-stream.blocking-read", self, len);
}

static inline void assert_reads(read_result result, const char *text) {
  assert_int_equal(result.is_error, 0);
  assert_int_equal(result.bytes.len, strlen(text));
  if (result.bytes.len > 0) assert_memory_equal(result.bytes.data, text, strlen(text));
}

static inline tn_stream_count_result check_write_result(uint32_t self) {
  tn_stream_count_result result = {0};
  assert_ok(stream_call("[method]output-stream.check-write", &self, &result));
  return result;
}

static inline uint64_t check_write(uint32_t self) {
  tn_stream_count_result result = check_write_result(self);
  assert_int_equal(result.is_error, 0);
  return result.count;
}

static inline tn_stream_result write_with(const char *name, uint32_t self, const void *bytes,
                                          size_t len) {
  struct {
    uint32_t self;
    struct {
      const void *data;
      size_t len;
    } contents;
  } params = {self, {bytes, len}};
  tn_stream_result result = {0};
  assert_ok(stream_call(name, &params, &result));
  return result;
}

static inline tn_stream_result write_some(uint32_t self, const void *bytes, size_t len) {
  return write_with("[method]output-stream.write", self, bytes, len);
}

static inline void write_text(uint32_t self, const char *text) {
  assert_int_equal(
      write_with("[method]output-stream.blocking-write-and-flush", self, text, strlen(text))
          .is_error,
      0);
}

/* ---- sockets ------------------------------------------------------------------------------------- */

static inline void assert_code(tn_network_done result, tn_network_code code) {
  if (code == TN_NETWORK_OK) {
    if (result.is_error) fail_msg("error-code %u", result.code);
    return;
  }
  assert_int_equal(result.is_error, 1);
  assert_int_equal(result.code, code);
}

static inline tn_error *tcp_call(const char *name, const void *params, void *result) {
  return guest_call(&g, &tn_sockets_tcp_interface, (void *)&tn_socket_tcp_kind, name, params,
                    result);
}

static inline void tcp_method(const char *name, const void *params, void *result) {
  char full[64] = "[method]tcp-socket.";
  strcat(full, name);
  assert_ok(tcp_call(full, params, result));
}

static inline uint32_t tcp_socket(uint8_t family) {
  tn_network_handle result = {0};
  assert_ok(guest_call(&g, &tn_sockets_tcp_create_interface, NULL, "create-tcp-socket", &family,
                       &result));
  assert_int_equal(result.is_error, 0);
  return result.value;
}

static inline void drop_tcp(uint32_t self) {
  guest_drop(&g, &tn_sockets_tcp_interface, (void *)&tn_socket_tcp_kind, "tcp-socket", self);
}

static inline tn_network_done tcp_done(const char *name, uint32_t self) {
  tn_network_done result = {0};
  tcp_method(name, &self, &result);
  return result;
}

static inline tn_network_done tcp_bind(uint32_t self, tn_ip_socket_address address) {
  tn_bind_params params = {.self = self, .address = address};
  tn_network_done result = {0};
  tcp_method("start-bind", &params, &result);
  return result;
}

static inline tn_network_done tcp_connect(uint32_t self, tn_ip_socket_address address) {
  tn_bind_params params = {.self = self, .address = address};
  tn_network_done result = {0};
  tcp_method("start-connect", &params, &result);
  return result;
}

static inline tn_network_pair tcp_finish_connect(uint32_t self) {
  tn_network_pair result = {0};
  tcp_method("finish-connect", &self, &result);
  return result;
}

static inline tn_network_triple tcp_accept(uint32_t self) {
  tn_network_triple result = {0};
  tcp_method("accept", &self, &result);
  return result;
}

static inline tn_network_address address_of(uint32_t self, const char *name) {
  tn_network_address result = {0};
  tcp_method(name, &self, &result);
  return result;
}

static inline uint16_t port_of(uint32_t self) {
  tn_network_address result = address_of(self, "local-address");
  assert_int_equal(result.is_error, 0);
  return address_port(result.value);
}

static inline bool is_listening(uint32_t self) {
  uint8_t result = 0;
  tcp_method("is-listening", &self, &result);
  return result != 0;
}

static inline uint32_t tcp_subscribe(uint32_t self) {
  uint32_t pollable = 0;
  tcp_method("subscribe", &self, &pollable);
  return pollable;
}

static inline tn_network_done tcp_shutdown(uint32_t self, uint8_t type) {
  struct {
    uint32_t self;
    uint8_t type;
  } params = {self, type};
  tn_network_done result = {0};
  tcp_method("shutdown", &params, &result);
  return result;
}

static inline int descriptor_of(uint32_t self) {
  return ((tn_socket *)tn_wasi_slot_get(g.wasi, TN_SLOT_TCP_SOCKET, self))->descriptor;
}

/* Values are little-endian, so that one wide enough for all serves setters of every width, which lie at the
 * offset of their own alignment. */
static inline tn_network_done tcp_set(const char *name, uint32_t self, uint64_t value) {
  struct {
    uint32_t self;
    uint32_t value;
  } narrow = {self, (uint32_t)value};
  struct {
    uint32_t self;
    uint64_t value;
  } wide = {self, value};
  bool is_narrow = strstr(name, "enabled") != NULL || strstr(name, "count") != NULL ||
                   strstr(name, "hop") != NULL;
  tn_network_done result = {0};
  tcp_method(name, is_narrow ? (void *)&narrow : (void *)&wide, &result);
  return result;
}

static inline tn_network_byte tcp_byte(const char *name, uint32_t self) {
  tn_network_byte result = {0};
  tcp_method(name, &self, &result);
  return result;
}

static inline tn_network_u32 tcp_u32(const char *name, uint32_t self) {
  tn_network_u32 result = {0};
  tcp_method(name, &self, &result);
  return result;
}

static inline tn_network_u64 tcp_u64(const char *name, uint32_t self) {
  tn_network_u64 result = {0};
  tcp_method(name, &self, &result);
  return result;
}

static inline uint32_t tcp_listener_with(uint8_t family, uint64_t buffer_size) {
  uint32_t self = tcp_socket(family);
  if (buffer_size > 0)
    assert_code(tcp_set("set-receive-buffer-size", self, buffer_size), TN_NETWORK_OK);
  assert_code(tcp_bind(self, loopback(family, 0)), TN_NETWORK_OK);
  assert_code(tcp_done("finish-bind", self), TN_NETWORK_OK);
  assert_code(tcp_done("start-listen", self), TN_NETWORK_OK);
  assert_code(tcp_done("finish-listen", self), TN_NETWORK_OK);
  return self;
}

static inline uint32_t tcp_listener(uint8_t family) {
  return tcp_listener_with(family, 0);
}

/* Two connected sockets with their streams. */
typedef struct connection {
  uint32_t client;
  uint32_t client_input;
  uint32_t client_output;
  uint32_t server;
  uint32_t server_input;
  uint32_t server_output;
} connection;

static inline connection tcp_connection_with(uint8_t family, uint64_t buffer_size) {
  uint32_t listener = tcp_listener_with(family, buffer_size), client = tcp_socket(family);
  if (buffer_size > 0)
    assert_code(tcp_set("set-send-buffer-size", client, buffer_size), TN_NETWORK_OK);
  assert_code(tcp_connect(client, loopback(family, port_of(listener))), TN_NETWORK_OK);
  block_on(tcp_subscribe(client));
  tn_network_pair streams = tcp_finish_connect(client);
  assert_int_equal(streams.is_error, 0);
  block_on(tcp_subscribe(listener));
  tn_network_triple accepted = tcp_accept(listener);
  assert_int_equal(accepted.is_error, 0);
  return (connection){client,
                      streams.handles[0],
                      streams.handles[1],
                      accepted.handles[0],
                      accepted.handles[1],
                      accepted.handles[2]};
}

static inline connection tcp_connection(uint8_t family) {
  return tcp_connection_with(family, 0);
}

static inline connection tcp_connection_with_small_buffers(void) {
  return tcp_connection_with(TN_IPV4, 4096);
}

/* ---- name lookup --------------------------------------------------------------------------------- */

static inline tn_network_handle resolve(const char *name) {
  struct {
    uint32_t network;
    tn_str name;
  } params = {0, tn_str_from(name)};
  tn_network_handle result = {0};
  assert_ok(
      guest_call(&g, &tn_sockets_lookup_interface, NULL, "resolve-addresses", &params, &result));
  return result;
}

static inline tn_network_next next_address(uint32_t self) {
  tn_network_next result = {0};
  assert_ok(guest_call(&g, &tn_sockets_lookup_interface, NULL,
                       "[method]resolve-address-stream.resolve-next-address", &self, &result));
  return result;
}

/* ---- forms --------------------------------------------------------------------------------------- */

/* The type of a function, by way of the linker that knows all of WASI. */
static inline const tn_func_type *find_type(const tn_host_interface *interface, const char *name) {
  tn_linker *linker;
  assert_ok(tn_linker_new(&linker));
  assert_ok(tn_wasi_define(linker));
  tn_host host = {.linker = linker, .arena = &g.world.arena};
  tn_host_use *use = NULL;
  assert_ok(tn_host_find_interface(&host, tn_str_from(interface->name), &use));
  assert_non_null(use);
  tn_host_found_func found;
  assert_ok(tn_host_find_func(&host, use, tn_str_from(name), &found));
  assert_ptr_equal(found.func, guest_find(interface, name)->func);
  tn_linker_delete(linker);
  return found.type;
}

static inline void assert_layout(const tn_host_interface *interface, const char *name,
                                 size_t params, size_t result) {
  const tn_func_type *type = find_type(interface, name);
  assert_int_equal(type->params->layout[1].size, params);
  assert_int_equal(type->result->layout[1].size, result);
}

#endif
