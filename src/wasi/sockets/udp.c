/* wasi:sockets/udp and udp-create-socket: the life of a UDP socket. */
#include <errno.h>

#include "base/error.h"
#include "wasi/sockets/socket.h"

static tn_network_code begin_binding(tn_socket *socket, const tn_sockaddr *address) {
  if (socket->state == TN_SOCKET_BIND_STARTED) return TN_NETWORK_CONCURRENCY_CONFLICT;
  if (socket->state != TN_SOCKET_UNBOUND) return TN_NETWORK_INVALID_STATE;
  if (!tn_address_fits(address, socket->family)) return TN_NETWORK_INVALID_ARGUMENT;
  return tn_socket_bind(socket, address, TN_NETWORK_UDP);
}

static tn_error *start_bind(tn_call *call, void *data, const void *params, void *result) {
  const tn_bind_params *in = params;
  tn_sockaddr address;
  tn_address_to_system(&in->address, &address);
  return tn_network_finish(result, begin_binding(tn_socket_of(call, data, params), &address));
}

/* ---- stream -------------------------------------------------------------------------------------- */

/* Ends the association with a peer. Linux then also forgets a port that it had chosen itself, and the guest
 * must not notice: so the socket is bound to it again. */
static tn_network_code disconnect(tn_socket *socket) {
  tn_sockaddr local;
  socklen_t size = sizeof local;
  struct sockaddr nobody = {.sa_family = AF_UNSPEC};
  if (getsockname(socket->descriptor, &local.any, &size) != 0) return tn_network_code_of(errno);
  if (connect(socket->descriptor, &nobody, sizeof nobody) != 0) return tn_network_code_of(errno);
  socket->state = TN_SOCKET_BOUND;
  tn_sockaddr now;
  size = sizeof now;
  if (getsockname(socket->descriptor, &now.any, &size) != 0) return tn_network_code_of(errno);
  if (tn_address_port(&now) == tn_address_port(&local)) return TN_NETWORK_OK;
  if (socket->family == TN_IPV4) {
    now.v4.sin_port = local.v4.sin_port;
  } else {
    now.v6.sin6_port = local.v6.sin6_port;
  }
  if (bind(socket->descriptor, &now.any, tn_address_size(&now)) != 0)
    return tn_network_code_of(errno);
  return TN_NETWORK_OK;
}

static tn_network_code associate(tn_socket *socket, const tn_optional_address *remote) {
  tn_sockaddr address;
  if (socket->state != TN_SOCKET_BOUND && socket->state != TN_SOCKET_CONNECTED)
    return TN_NETWORK_INVALID_STATE;
  if (remote->is_some) {
    tn_address_to_system(&remote->value, &address);
    if (!tn_address_is_remote(&address, socket->family)) return TN_NETWORK_INVALID_ARGUMENT;
    if (!tn_wasi_may_use_address(socket->wasi, TN_NETWORK_UDP, &address.any))
      return TN_NETWORK_ACCESS_DENIED;
  }
  if (socket->state == TN_SOCKET_CONNECTED) {
    tn_network_code code = disconnect(socket);
    if (code != TN_NETWORK_OK) return code;
  }
  if (!remote->is_some) return TN_NETWORK_OK;
  if (connect(socket->descriptor, &address.any, tn_address_size(&address)) != 0) {
    return errno == EADDRNOTAVAIL || errno == EAGAIN ? TN_NETWORK_ADDRESS_IN_USE
                                                     : tn_network_code_of(errno);
  }
  socket->remote = address;
  socket->state = TN_SOCKET_CONNECTED;
  return TN_NETWORK_OK;
}

typedef struct stream_params {
  uint32_t self;
  tn_optional_address remote;
} stream_params;
static_assert(sizeof(stream_params) == 40, "native form of the parameters of udp-socket.stream");

static tn_error *stream(tn_call *call, void *data, const void *params, void *result) {
  const stream_params *in = params;
  tn_socket *socket = tn_socket_of(call, data, params);
  tn_network_pair *out = result;
  tn_network_code code = associate(socket, &in->remote);
  out->is_error = code != TN_NETWORK_OK;
  if (out->is_error) {
    out->code = (uint8_t)code;
    return NULL;
  }
  socket->generation++;
  return tn_datagram_streams_add(socket, out->handles);
}

/* ---- subscribe ----------------------------------------------------------------------------------- */

/* Nothing that a UDP socket itself does takes time. */
static bool always_ready(void *object) {
  (void)object;
  return true;
}

static void socket_release(void *object) {
  tn_socket_release(object);
}

static tn_error *subscribe(tn_call *call, void *data, const void *params, void *result) {
  static const tn_pollable_class class = {.is_ready = always_ready, .release = socket_release};
  tn_socket *socket = tn_socket_of(call, data, params);
  socket->references++;
  return tn_pollable_add(socket->wasi, (tn_pollable){.class = &class, .object = socket}, result);
}

/* ---- tables -------------------------------------------------------------------------------------- */

static tn_error *create_udp_socket(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  tn_wasi *wasi = tn_wasi_of_call(call);
  tn_network_handle *out = result;
  tn_socket *socket;
  int code;
  TN_TRY(tn_socket_new(wasi, SOCK_DGRAM, *(const uint8_t *)params, &socket, &code));
  out->is_error = code != 0;
  if (code == 0) return tn_socket_add(wasi, TN_SLOT_UDP_SOCKET, socket, &out->value);
  out->code = (uint8_t)tn_network_code_of(code);
  return NULL;
}

#define METHOD(name)   "[method]udp-socket." name
#define INCOMING(name) "[method]incoming-datagram-stream." name
#define OUTGOING(name) "[method]outgoing-datagram-stream." name
#define SELF           "self: borrow<udp-socket>"
#define GET(type)      "func(" SELF ") -> result<" type ", error-code>"
#define SET(type)      "func(" SELF ", value: " type ") -> result<_, error-code>"

static const tn_host_func_definition udp_funcs[] = {
    {METHOD("start-bind"),
     "func(" SELF
     ", network: borrow<network>, local-address: ip-socket-address) -> result<_, error-code>",
     start_bind},
    {METHOD("finish-bind"), GET("_"), tn_socket_finish_bind},
    {METHOD("stream"),
     "func(" SELF ", remote-address: option<ip-socket-address>) -> "
     "result<tuple<incoming-datagram-stream, outgoing-datagram-stream>, error-code>",
     stream},
    {METHOD("local-address"), GET("ip-socket-address"), tn_socket_local_address},
    {METHOD("remote-address"), GET("ip-socket-address"), tn_socket_remote_address},
    {METHOD("address-family"), "func(" SELF ") -> ip-address-family", tn_socket_address_family},
    {METHOD("unicast-hop-limit"), GET("u8"), tn_socket_hop_limit},
    {METHOD("set-unicast-hop-limit"), SET("u8"), tn_socket_set_hop_limit},
    {METHOD("receive-buffer-size"), GET("u64"), tn_socket_receive_buffer_size},
    {METHOD("set-receive-buffer-size"), SET("u64"), tn_socket_set_receive_buffer_size},
    {METHOD("send-buffer-size"), GET("u64"), tn_socket_send_buffer_size},
    {METHOD("set-send-buffer-size"), SET("u64"), tn_socket_set_send_buffer_size},
    {METHOD("subscribe"), "func(" SELF ") -> pollable", subscribe},
    {INCOMING("receive"),
     "func(self: borrow<incoming-datagram-stream>, max-results: u64) -> "
     "result<list<incoming-datagram>, error-code>",
     tn_datagram_receive},
    {INCOMING("subscribe"), "func(self: borrow<incoming-datagram-stream>) -> pollable",
     tn_datagram_subscribe_incoming},
    {OUTGOING("check-send"),
     "func(self: borrow<outgoing-datagram-stream>) -> result<u64, error-code>",
     tn_datagram_check_send},
    {OUTGOING("send"),
     "func(self: borrow<outgoing-datagram-stream>, datagrams: list<outgoing-datagram>) -> "
     "result<u64, error-code>",
     tn_datagram_send},
    {OUTGOING("subscribe"), "func(self: borrow<outgoing-datagram-stream>) -> pollable",
     tn_datagram_subscribe_outgoing},
};

static const tn_host_resource_definition udp_resources[] = {
    {"udp-socket", tn_socket_drop},
    {"incoming-datagram-stream", tn_datagram_drop_incoming},
    {"outgoing-datagram-stream", tn_datagram_drop_outgoing},
};

const tn_host_interface tn_sockets_udp_interface = {
    .name = "wasi:sockets/udp@0.2.12",
    .types =
        "use wasi:io/poll@0.2.12.{pollable};"
        "use wasi:sockets/network@0.2.12.{network, error-code, ip-socket-address, "
        "ip-address-family};"
        "record incoming-datagram { data: list<u8>, remote-address: ip-socket-address }"
        "record outgoing-datagram { data: list<u8>, remote-address: option<ip-socket-address> }"
        "resource udp-socket; resource incoming-datagram-stream; resource "
        "outgoing-datagram-stream;",
    .resources = udp_resources,
    .resource_count = sizeof udp_resources / sizeof *udp_resources,
    .funcs = udp_funcs,
    .func_count = sizeof udp_funcs / sizeof *udp_funcs,
};

static const tn_host_func_definition udp_create_funcs[] = {
    {"create-udp-socket",
     "func(address-family: ip-address-family) -> result<udp-socket, error-code>",
     create_udp_socket},
};

const tn_host_interface tn_sockets_udp_create_interface = {
    .name = "wasi:sockets/udp-create-socket@0.2.12",
    .types = "use wasi:sockets/network@0.2.12.{network, error-code, ip-address-family};"
             "use wasi:sockets/udp@0.2.12.{udp-socket};",
    .funcs = udp_create_funcs,
    .func_count = 1,
};
