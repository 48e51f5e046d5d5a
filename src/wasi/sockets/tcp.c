/* wasi:sockets/tcp and tcp-create-socket: the life of a TCP socket. */
#include <errno.h>
#include <limits.h>

#include "base/error.h"
#include "wasi/sockets/socket.h"

/* Whether an operation may start in a socket that has to be in one of two states. */
static tn_network_code check_start(const tn_socket *socket, tn_socket_state first,
                                   tn_socket_state second) {
  if (socket->state == first || socket->state == second) return TN_NETWORK_OK;
  bool is_busy = socket->state == TN_SOCKET_BIND_STARTED ||
                 socket->state == TN_SOCKET_LISTEN_STARTED ||
                 socket->state == TN_SOCKET_CONNECT_STARTED;
  return is_busy ? TN_NETWORK_CONCURRENCY_CONFLICT : TN_NETWORK_INVALID_STATE;
}

/* ---- bind ---------------------------------------------------------------------------------------- */

/* A recently closed connection on the address is no obstacle, as the interface asks. For a port of the
 * system's choice SO_REUSEADDR must stay off: it would be chosen among those that others are bound to. */
static tn_network_code set_reuse_address(const tn_socket *socket, const tn_sockaddr *address) {
  int reuse = tn_address_port(address) != 0;
  int outcome = setsockopt(socket->descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
  return outcome == 0 ? TN_NETWORK_OK : tn_network_code_of(errno);
}

static tn_error *start_bind(tn_call *call, void *data, const void *params, void *result) {
  const tn_bind_params *in = params;
  tn_socket *socket = tn_socket_of(call, data, params);
  tn_sockaddr address;
  tn_address_to_system(&in->address, &address);
  tn_network_code code = check_start(socket, TN_SOCKET_UNBOUND, TN_SOCKET_UNBOUND);
  if (code == TN_NETWORK_OK &&
      !(tn_address_fits(&address, socket->family) && tn_address_is_unicast(&address))) {
    code = TN_NETWORK_INVALID_ARGUMENT;
  }
  if (code == TN_NETWORK_OK) code = set_reuse_address(socket, &address);
  if (code == TN_NETWORK_OK) code = tn_socket_bind(socket, &address, TN_NETWORK_TCP_LISTEN);
  return tn_network_finish(result, code);
}

/* ---- connect ------------------------------------------------------------------------------------- */

/* Linux says EADDRNOTAVAIL when there is no port left for an implicit bind. */
static tn_network_code connect_code(int code) {
  return code == EADDRNOTAVAIL || code == EAGAIN ? TN_NETWORK_ADDRESS_IN_USE
                                                 : tn_network_code_of(code);
}

static tn_network_code begin_connecting(tn_socket *socket, const tn_sockaddr *address) {
  if (!tn_address_is_remote(address, socket->family) || !tn_address_is_unicast(address)) {
    return TN_NETWORK_INVALID_ARGUMENT;
  }
  if (!tn_wasi_may_use_address(socket->wasi, TN_NETWORK_TCP_CONNECT, &address->any))
    return TN_NETWORK_ACCESS_DENIED;
  socket->state = TN_SOCKET_CONNECT_STARTED;
  if (connect(socket->descriptor, &address->any, tn_address_size(address)) == 0 ||
      errno == EINPROGRESS) {
    return TN_NETWORK_OK;
  }
  socket->state = TN_SOCKET_CLOSED;
  return connect_code(errno);
}

static tn_error *start_connect(tn_call *call, void *data, const void *params, void *result) {
  const tn_bind_params *in = params;
  tn_socket *socket = tn_socket_of(call, data, params);
  tn_sockaddr address;
  tn_address_to_system(&in->address, &address);
  tn_network_code code = check_start(socket, TN_SOCKET_UNBOUND, TN_SOCKET_BOUND);
  if (code == TN_NETWORK_OK) code = begin_connecting(socket, &address);
  return tn_network_finish(result, code);
}

static tn_network_code end_connecting(tn_socket *socket) {
  if (socket->state != TN_SOCKET_CONNECT_STARTED) return TN_NETWORK_NOT_IN_PROGRESS;
  if (!tn_descriptor_is_ready(socket->descriptor, TN_WRITABLE)) return TN_NETWORK_WOULD_BLOCK;
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(socket->descriptor, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  socket->state = error == 0 ? TN_SOCKET_CONNECTED : TN_SOCKET_CLOSED;
  return error == 0 ? TN_NETWORK_OK : connect_code(error);
}

static tn_error *finish_connect(tn_call *call, void *data, const void *params, void *result) {
  tn_socket *socket = tn_socket_of(call, data, params);
  tn_network_pair *out = result;
  tn_network_code code = end_connecting(socket);
  out->is_error = code != TN_NETWORK_OK;
  if (!out->is_error) return tn_tcp_streams_add(socket, out->handles);
  out->code = (uint8_t)code;
  return NULL;
}

/* ---- listen and accept --------------------------------------------------------------------------- */

static tn_network_code begin_listening(tn_socket *socket) {
  if (!socket->may_serve) return TN_NETWORK_ACCESS_DENIED;
  if (listen(socket->descriptor, (int)socket->backlog) != 0) return tn_network_code_of(errno);
  socket->state = TN_SOCKET_LISTEN_STARTED;
  return TN_NETWORK_OK;
}

static tn_error *start_listen(tn_call *call, void *data, const void *params, void *result) {
  tn_socket *socket = tn_socket_of(call, data, params);
  tn_network_code code = check_start(socket, TN_SOCKET_BOUND, TN_SOCKET_BOUND);
  if (code == TN_NETWORK_OK) code = begin_listening(socket);
  return tn_network_finish(result, code);
}

static tn_error *finish_listen(tn_call *call, void *data, const void *params, void *result) {
  tn_socket *socket = tn_socket_of(call, data, params);
  if (socket->state != TN_SOCKET_LISTEN_STARTED)
    return tn_network_finish(result, TN_NETWORK_NOT_IN_PROGRESS);
  socket->state = TN_SOCKET_LISTENING;
  return tn_network_finish(result, TN_NETWORK_OK);
}

/* Linux hands errors that are already known of the new connection to accept: that connection is gone, the
 * listener is fine (accept(2), "Error handling"). */
static tn_network_code accept_code(int code) {
  switch (code) {
  case EPROTO:
  case ENOPROTOOPT:
  case ENETDOWN:
  case EHOSTDOWN:
  case ENONET:
  case EHOSTUNREACH:
  case EOPNOTSUPP:
  case ENETUNREACH:
    return TN_NETWORK_CONNECTION_ABORTED;
  default:
    return tn_network_code_of(code);
  }
}

/* The options that are inherited the kernel hands on by itself. */
static tn_error *add_accepted(tn_wasi *wasi, tn_socket *accepted, uint32_t handles[3]) {
  accepted->state = TN_SOCKET_CONNECTED;
  tn_error *error = tn_tcp_streams_add(accepted, handles + 1);
  if (error != NULL) {
    tn_socket_release(accepted);
    return error;
  }
  return tn_socket_add(wasi, TN_SLOT_TCP_SOCKET, accepted, &handles[0]);
}

static tn_error *accept_connection(tn_call *call, void *data, const void *params, void *result) {
  tn_socket *socket = tn_socket_of(call, data, params);
  tn_network_triple *out = result;
  int descriptor = -1;
  tn_network_code code = TN_NETWORK_INVALID_STATE;
  if (socket->state == TN_SOCKET_LISTENING) {
    descriptor = accept4(socket->descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    code = descriptor < 0 ? accept_code(errno) : TN_NETWORK_OK;
  }
  out->is_error = code != TN_NETWORK_OK;
  if (out->is_error) {
    out->code = (uint8_t)code;
    return NULL;
  }
  tn_socket *accepted;
  TN_TRY(tn_socket_wrap(socket->wasi, descriptor, socket->family, &accepted));
  return add_accepted(socket->wasi, accepted, out->handles);
}

static tn_error *is_listening(tn_call *call, void *data, const void *params, void *result) {
  *(uint8_t *)result = tn_socket_of(call, data, params)->state == TN_SOCKET_LISTENING;
  return NULL;
}

typedef struct backlog_params {
  uint32_t self;
  uint64_t value;
} backlog_params;

static tn_error *set_listen_backlog_size(tn_call *call, void *data, const void *params,
                                         void *result) {
  tn_socket *socket = tn_socket_of(call, data, params);
  uint64_t value = ((const backlog_params *)params)->value;
  if (value == 0) return tn_network_finish(result, TN_NETWORK_INVALID_ARGUMENT);
  if (socket->state == TN_SOCKET_CONNECT_STARTED || socket->state == TN_SOCKET_CONNECTED ||
      socket->state == TN_SOCKET_CLOSED) {
    return tn_network_finish(result, TN_NETWORK_INVALID_STATE);
  }
  socket->backlog = value > INT_MAX ? INT_MAX : (uint32_t)value;
  bool is_in_use =
      socket->state == TN_SOCKET_LISTEN_STARTED || socket->state == TN_SOCKET_LISTENING;
  int outcome = is_in_use ? listen(socket->descriptor, (int)socket->backlog) : 0;
  return tn_network_finish(result, outcome == 0 ? TN_NETWORK_OK : tn_network_code_of(errno));
}

/* ---- subscribe and shutdown ---------------------------------------------------------------------- */

/* What the next step of the socket waits for, or 0 when nothing is under way. */
static int awaited_events(const tn_socket *socket) {
  if (socket->state == TN_SOCKET_CONNECT_STARTED) return TN_WRITABLE;
  return socket->state == TN_SOCKET_LISTENING ? TN_READABLE : 0;
}

static bool socket_is_ready(void *object) {
  const tn_socket *socket = object;
  int events = awaited_events(socket);
  return events == 0 || tn_descriptor_is_ready(socket->descriptor, events);
}

static tn_error *socket_arm(void *object, tn_wait *wait, tn_armed *armed) {
  const tn_socket *socket = object;
  return tn_armed_descriptor(armed, wait, socket->descriptor, awaited_events(socket));
}

static void socket_release(void *object) {
  tn_socket_release(object);
}

static tn_error *subscribe(tn_call *call, void *data, const void *params, void *result) {
  static const tn_pollable_class class = {socket_is_ready, socket_arm, socket_release};
  tn_socket *socket = tn_socket_of(call, data, params);
  socket->references++;
  return tn_pollable_add(socket->wasi, (tn_pollable){.class = &class, .object = socket}, result);
}

enum { SHUTDOWN_RECEIVE, SHUTDOWN_SEND, SHUTDOWN_BOTH };

typedef struct shutdown_params {
  uint32_t self;
  uint8_t type;
} shutdown_params;

/* ENOTCONN: the peer has reset the connection meanwhile, so there is nothing left to shut. */
static tn_network_code shut(const tn_socket *socket, int how) {
  return shutdown(socket->descriptor, how) == 0 || errno == ENOTCONN ? TN_NETWORK_OK
                                                                     : tn_network_code_of(errno);
}

static tn_error *shut_down(tn_call *call, void *data, const void *params, void *result) {
  uint8_t type = ((const shutdown_params *)params)->type;
  tn_socket *socket = tn_socket_of(call, data, params);
  tn_network_code code = check_start(socket, TN_SOCKET_CONNECTED, TN_SOCKET_CONNECTED);
  if (code == TN_NETWORK_OK && type != SHUTDOWN_SEND && !socket->is_receive_shut) {
    socket->is_receive_shut = true;
    code = shut(socket, SHUT_RD);
  }
  if (code == TN_NETWORK_OK && type != SHUTDOWN_RECEIVE && !socket->is_send_shut) {
    socket->is_send_shut = true;
    /* What the output stream still keeps goes out before the FIN, see tcp_stream.c. */
    if (!socket->has_unsent) code = shut(socket, SHUT_WR);
  }
  return tn_network_finish(result, code);
}

/* ---- tables -------------------------------------------------------------------------------------- */

static tn_error *create_tcp_socket(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  tn_wasi *wasi = tn_wasi_of_call(call);
  tn_network_handle *out = result;
  tn_socket *socket;
  int code;
  TN_TRY(tn_socket_new(wasi, SOCK_STREAM, *(const uint8_t *)params, &socket, &code));
  out->is_error = code != 0;
  if (code == 0) return tn_socket_add(wasi, TN_SLOT_TCP_SOCKET, socket, &out->value);
  out->code = (uint8_t)tn_network_code_of(code);
  return NULL;
}

#define METHOD(name) "[method]tcp-socket." name
#define SELF         "self: borrow<tcp-socket>"
#define GET(type)    "func(" SELF ") -> result<" type ", error-code>"
#define SET(type)    "func(" SELF ", value: " type ") -> result<_, error-code>"

static const tn_host_func_definition tcp_funcs[] = {
    {METHOD("start-bind"),
     "func(" SELF
     ", network: borrow<network>, local-address: ip-socket-address) -> result<_, error-code>",
     start_bind},
    {METHOD("finish-bind"), GET("_"), tn_socket_finish_bind},
    {METHOD("start-connect"),
     "func(" SELF
     ", network: borrow<network>, remote-address: ip-socket-address) -> result<_, error-code>",
     start_connect},
    {METHOD("finish-connect"), GET("tuple<input-stream, output-stream>"), finish_connect},
    {METHOD("start-listen"), GET("_"), start_listen},
    {METHOD("finish-listen"), GET("_"), finish_listen},
    {METHOD("accept"), GET("tuple<tcp-socket, input-stream, output-stream>"), accept_connection},
    {METHOD("local-address"), GET("ip-socket-address"), tn_socket_local_address},
    {METHOD("remote-address"), GET("ip-socket-address"), tn_socket_remote_address},
    {METHOD("is-listening"), "func(" SELF ") -> bool", is_listening},
    {METHOD("address-family"), "func(" SELF ") -> ip-address-family", tn_socket_address_family},
    {METHOD("set-listen-backlog-size"), SET("u64"), set_listen_backlog_size},
    {METHOD("keep-alive-enabled"), GET("bool"), tn_tcp_keep_alive_enabled},
    {METHOD("set-keep-alive-enabled"), SET("bool"), tn_tcp_set_keep_alive_enabled},
    {METHOD("keep-alive-idle-time"), GET("duration"), tn_tcp_keep_alive_idle_time},
    {METHOD("set-keep-alive-idle-time"), SET("duration"), tn_tcp_set_keep_alive_idle_time},
    {METHOD("keep-alive-interval"), GET("duration"), tn_tcp_keep_alive_interval},
    {METHOD("set-keep-alive-interval"), SET("duration"), tn_tcp_set_keep_alive_interval},
    {METHOD("keep-alive-count"), GET("u32"), tn_tcp_keep_alive_count},
    {METHOD("set-keep-alive-count"), SET("u32"), tn_tcp_set_keep_alive_count},
    {METHOD("hop-limit"), GET("u8"), tn_socket_hop_limit},
    {METHOD("set-hop-limit"), SET("u8"), tn_socket_set_hop_limit},
    {METHOD("receive-buffer-size"), GET("u64"), tn_socket_receive_buffer_size},
    {METHOD("set-receive-buffer-size"), SET("u64"), tn_socket_set_receive_buffer_size},
    {METHOD("send-buffer-size"), GET("u64"), tn_socket_send_buffer_size},
    {METHOD("set-send-buffer-size"), SET("u64"), tn_socket_set_send_buffer_size},
    {METHOD("subscribe"), "func(" SELF ") -> pollable", subscribe},
    {METHOD("shutdown"), "func(" SELF ", shutdown-type: shutdown-type) -> result<_, error-code>",
     shut_down},
};

static const tn_host_resource_definition tcp_resources[] = {{"tcp-socket", tn_socket_drop}};

const tn_host_interface tn_sockets_tcp_interface = {
    .name = "wasi:sockets/tcp@0.2.12",
    .types = "use wasi:io/streams@0.2.12.{input-stream, output-stream}; use "
             "wasi:io/poll@0.2.12.{pollable};"
             "use wasi:clocks/monotonic-clock@0.2.12.{duration};"
             "use wasi:sockets/network@0.2.12.{network, error-code, ip-socket-address, "
             "ip-address-family};"
             "enum shutdown-type { receive, send, both }"
             "resource tcp-socket;",
    .resources = tcp_resources,
    .resource_count = 1,
    .funcs = tcp_funcs,
    .func_count = sizeof tcp_funcs / sizeof *tcp_funcs,
};

static const tn_host_func_definition tcp_create_funcs[] = {
    {"create-tcp-socket",
     "func(address-family: ip-address-family) -> result<tcp-socket, error-code>",
     create_tcp_socket},
};

const tn_host_interface tn_sockets_tcp_create_interface = {
    .name = "wasi:sockets/tcp-create-socket@0.2.12",
    .types = "use wasi:sockets/network@0.2.12.{network, error-code, ip-address-family};"
             "use wasi:sockets/tcp@0.2.12.{tcp-socket};",
    .funcs = tcp_create_funcs,
    .func_count = 1,
};
