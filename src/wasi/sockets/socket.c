/* What TCP and UDP sockets have in common: life, binding, addresses. */
#include "wasi/sockets/socket.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"

const tn_slot_kind tn_socket_tcp_kind = TN_SLOT_TCP_SOCKET;
const tn_slot_kind tn_socket_udp_kind = TN_SLOT_UDP_SOCKET;

enum { DEFAULT_BACKLOG = 4096 };

/* ---- life ---------------------------------------------------------------------------------------- */

tn_error *tn_socket_wrap(tn_wasi *wasi, int descriptor, uint8_t family, tn_socket **out) {
  tn_socket *new = tn_calloc(1, sizeof *new);
  if (new == NULL) {
    close(descriptor);
    return tn_error_no_memory();
  }
  new->wasi = wasi;
  new->descriptor = descriptor;
  new->references = 1;
  new->family = family;
  new->backlog = DEFAULT_BACKLOG;
  *out = new;
  return NULL;
}

/* IPv6 sockets are IPv6 only: wasi:sockets has no dual-stack sockets. TCP sends at once what is written (no
 * Nagle's algorithm), because a guest has no means to ask for it and its writes are whole buffers already. */
static int set_up(int descriptor, int type, uint8_t family) {
  int one = 1;
  if (family == TN_IPV6 && setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) != 0)
    return errno;
  if (type == SOCK_STREAM &&
      setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0)
    return errno;
  return 0;
}

tn_error *tn_socket_new(tn_wasi *wasi, int type, uint8_t family, tn_socket **out, int *code) {
  int descriptor =
      socket(family == TN_IPV4 ? AF_INET : AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  *code = descriptor < 0 ? errno : set_up(descriptor, type, family);
  if (*code == 0) return tn_socket_wrap(wasi, descriptor, family, out);
  if (descriptor >= 0) close(descriptor);
  return NULL;
}

void tn_socket_release(tn_socket *socket) {
  if (--socket->references > 0) return;
  close(socket->descriptor);
  tn_free(socket);
}

tn_error *tn_socket_add(tn_wasi *wasi, tn_slot_kind kind, tn_socket *socket,
                        uint32_t *representation) {
  tn_error *error = tn_wasi_slot_add(wasi, kind, socket, representation);
  if (error != NULL) tn_socket_release(socket);
  return error;
}

void tn_socket_drop(tn_runtime *runtime, void *data, uint32_t representation) {
  tn_wasi *wasi = tn_wasi_of(runtime);
  tn_socket *socket = tn_wasi_slot_get(wasi, *(const tn_slot_kind *)data, representation);
  tn_wasi_slot_remove(wasi, representation);
  tn_socket_release(socket);
}

tn_socket *tn_socket_of(tn_call *call, void *data, const void *params) {
  tn_wasi *wasi = tn_wasi_of_call(call);
  return tn_wasi_slot_get(wasi, *(const tn_slot_kind *)data, *(const uint32_t *)params);
}

tn_error *tn_network_finish(void *result, tn_network_code code) {
  tn_network_done *out = result;
  out->is_error = code != TN_NETWORK_OK;
  if (out->is_error) out->code = (uint8_t)code;
  return NULL;
}

/* ---- binding ------------------------------------------------------------------------------------- */

tn_network_code tn_socket_bind(tn_socket *socket, const tn_sockaddr *address, unsigned operation) {
  bool may_serve = tn_wasi_may_use_address(socket->wasi, operation, &address->any);
  bool is_client = tn_address_is_unspecified(address) && tn_address_port(address) == 0;
  if (!may_serve && !is_client) return TN_NETWORK_ACCESS_DENIED;
  if (bind(socket->descriptor, &address->any, tn_address_size(address)) != 0) {
    /* EINVAL is a bad scope here: that the socket is bound already is known from its state. */
    return tn_network_code_of(errno);
  }
  socket->may_serve = may_serve;
  socket->state = TN_SOCKET_BIND_STARTED;
  return TN_NETWORK_OK;
}

tn_error *tn_socket_finish_bind(tn_call *call, void *data, const void *params, void *result) {
  tn_socket *socket = tn_socket_of(call, data, params);
  if (socket->state != TN_SOCKET_BIND_STARTED)
    return tn_network_finish(result, TN_NETWORK_NOT_IN_PROGRESS);
  socket->state = TN_SOCKET_BOUND;
  return tn_network_finish(result, TN_NETWORK_OK);
}

/* ---- addresses ----------------------------------------------------------------------------------- */

typedef int (*name_func)(int descriptor, struct sockaddr *address, socklen_t *size);

static void put_address(const tn_socket *socket, name_func get_name, tn_network_code refusal,
                        tn_network_address *out) {
  tn_sockaddr address;
  socklen_t size = sizeof address;
  if (refusal == TN_NETWORK_OK && get_name(socket->descriptor, &address.any, &size) != 0) {
    refusal = tn_network_code_of(errno);
  }
  out->is_error = refusal != TN_NETWORK_OK;
  if (out->is_error) {
    out->code = (uint8_t)refusal;
  } else {
    tn_address_from_system(&address, &out->value);
  }
}

static int local_name(int descriptor, struct sockaddr *address, socklen_t *size) {
  return getsockname(descriptor, address, size);
}

static int remote_name(int descriptor, struct sockaddr *address, socklen_t *size) {
  return getpeername(descriptor, address, size);
}

tn_error *tn_socket_local_address(tn_call *call, void *data, const void *params, void *result) {
  tn_socket *socket = tn_socket_of(call, data, params);
  tn_network_code refusal = TN_NETWORK_OK;
  /* Also after a failed connect: C libraries ask then, and abort at `invalid-state`. */
  if (socket->state == TN_SOCKET_UNBOUND) refusal = TN_NETWORK_INVALID_STATE;
  if (socket->state == TN_SOCKET_BIND_STARTED) refusal = TN_NETWORK_CONCURRENCY_CONFLICT;
  put_address(socket, local_name, refusal, result);
  return NULL;
}

tn_error *tn_socket_remote_address(tn_call *call, void *data, const void *params, void *result) {
  tn_socket *socket = tn_socket_of(call, data, params);
  tn_network_code refusal = TN_NETWORK_OK;
  if (socket->state != TN_SOCKET_CONNECTED) refusal = TN_NETWORK_INVALID_STATE;
  put_address(socket, remote_name, refusal, result);
  return NULL;
}

tn_error *tn_socket_address_family(tn_call *call, void *data, const void *params, void *result) {
  *(uint8_t *)result = tn_socket_of(call, data, params)->family;
  return NULL;
}
