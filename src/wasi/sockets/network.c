/* wasi:sockets/network and instance-network, and wasi:sockets as a whole. */
#include "base/error.h"
#include "wasi/sockets/socket.h"

/* There is one network, with the rights of the instance; its resource stands for nothing. */
static const char the_network;

static void drop_network(tn_runtime *runtime, void *data, uint32_t representation) {
  (void)data;
  tn_wasi_slot_remove(tn_wasi_of(runtime), representation);
}

static tn_error *instance_network(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  (void)params;
  return tn_wasi_slot_add(tn_wasi_of_call(call), TN_SLOT_NETWORK, (void *)&the_network, result);
}

/* option<error-code> */
typedef struct optional_code {
  uint8_t is_some;
  uint8_t code;
} optional_code;

static tn_error *network_error_code(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  tn_wasi *wasi = tn_wasi_of_call(call);
  int code = tn_io_error_code(wasi, TN_IO_NETWORK, *(const uint32_t *)params);
  *(optional_code *)result =
      (optional_code){code != 0, code != 0 ? (uint8_t)tn_network_code_of(code) : 0};
  return NULL;
}

static const tn_host_resource_definition network_resources[] = {{"network", drop_network}};

static const tn_host_func_definition network_funcs[] = {
    {"network-error-code", "func(err: borrow<error>) -> option<error-code>", network_error_code},
};

const tn_host_interface tn_sockets_network_interface = {
    .name = "wasi:sockets/network@0.2.12",
    .types =
        "use wasi:io/error@0.2.12.{error};"
        "resource network;"
        "enum error-code { unknown, access-denied, not-supported, invalid-argument, out-of-memory, "
        "timeout,"
        "  concurrency-conflict, not-in-progress, would-block, invalid-state, new-socket-limit,"
        "  address-not-bindable, address-in-use, remote-unreachable, connection-refused, "
        "connection-reset,"
        "  connection-aborted, datagram-too-large, name-unresolvable, temporary-resolver-failure,"
        "  permanent-resolver-failure }"
        "enum ip-address-family { ipv4, ipv6 }"
        "type ipv4-address = tuple<u8, u8, u8, u8>;"
        "type ipv6-address = tuple<u16, u16, u16, u16, u16, u16, u16, u16>;"
        "variant ip-address { ipv4(ipv4-address), ipv6(ipv6-address) }"
        "record ipv4-socket-address { port: u16, address: ipv4-address }"
        "record ipv6-socket-address { port: u16, flow-info: u32, address: ipv6-address, scope-id: "
        "u32 }"
        "variant ip-socket-address { ipv4(ipv4-socket-address), ipv6(ipv6-socket-address) }",
    .resources = network_resources,
    .resource_count = 1,
    .funcs = network_funcs,
    .func_count = 1,
};

static const tn_host_func_definition instance_network_funcs[] = {
    {"instance-network", "func() -> network", instance_network},
};

const tn_host_interface tn_sockets_instance_network_interface = {
    .name = "wasi:sockets/instance-network@0.2.12",
    .types = "use wasi:sockets/network@0.2.12.{network};",
    .funcs = instance_network_funcs,
    .func_count = 1,
};

/* ---- all of wasi:sockets ------------------------------------------------------------------------- */

tn_error *tn_wasi_sockets_define(tn_linker *linker) {
  /* What TCP and UDP share is told by this which of the two it serves. */
  void *tcp = (void *)&tn_socket_tcp_kind;
  void *udp = (void *)&tn_socket_udp_kind;
  TN_TRY(tn_linker_define_interface(linker, &tn_sockets_network_interface, NULL));
  TN_TRY(tn_linker_define_interface(linker, &tn_sockets_instance_network_interface, NULL));
  TN_TRY(tn_linker_define_interface(linker, &tn_sockets_lookup_interface, NULL));
  TN_TRY(tn_linker_define_interface(linker, &tn_sockets_tcp_interface, tcp));
  TN_TRY(tn_linker_define_interface(linker, &tn_sockets_tcp_create_interface, tcp));
  TN_TRY(tn_linker_define_interface(linker, &tn_sockets_udp_interface, udp));
  return tn_linker_define_interface(linker, &tn_sockets_udp_create_interface, udp);
}

void tn_wasi_sockets_close(tn_slot_kind kind, void *object) {
  if (kind == TN_SLOT_TCP_SOCKET || kind == TN_SLOT_UDP_SOCKET) tn_socket_release(object);
  if (kind == TN_SLOT_INCOMING_DATAGRAMS || kind == TN_SLOT_OUTGOING_DATAGRAMS)
    tn_datagram_stream_delete(object);
  if (kind == TN_SLOT_RESOLVE_ADDRESSES) tn_lookup_delete(object);
}
