/* Socket options of both interfaces, in every state: also after a failed connect, where C libraries that are
 * asked for an option would abort at `invalid-state`. */
#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>

#include "base/error.h"
#include "wasi/sockets/socket.h"

static const uint64_t second = 1000000000;

typedef struct u8_params {
  uint32_t self;
  uint8_t value;
} u8_params;

typedef struct u32_params {
  uint32_t self;
  uint32_t value;
} u32_params;

typedef struct u64_params {
  uint32_t self;
  uint64_t value;
} u64_params;

static tn_network_code get_option(const tn_socket *socket, int level, int option, int *value) {
  socklen_t size = sizeof *value;
  return getsockopt(socket->descriptor, level, option, value, &size) == 0
             ? TN_NETWORK_OK
             : tn_network_code_of(errno);
}

static tn_network_code set_option(const tn_socket *socket, int level, int option, int value) {
  int outcome = setsockopt(socket->descriptor, level, option, &value, sizeof value);
  return outcome == 0 ? TN_NETWORK_OK : tn_network_code_of(errno);
}

static tn_error *put_byte(tn_network_byte *out, tn_network_code code, int value) {
  out->is_error = code != TN_NETWORK_OK;
  out->value = out->is_error ? (uint8_t)code : (uint8_t)value;
  return NULL;
}

static tn_error *put_u64(tn_network_u64 *out, tn_network_code code, uint64_t value) {
  out->is_error = code != TN_NETWORK_OK;
  if (out->is_error) {
    out->code = (uint8_t)code;
  } else {
    out->value = value;
  }
  return NULL;
}

static int clamp(uint64_t value, int lowest, int highest) {
  if (value < (uint64_t)lowest) return lowest;
  return value > (uint64_t)highest ? highest : (int)value;
}

/* ---- hop limit ----------------------------------------------------------------------------------- */

static int hop_limit_level(const tn_socket *socket) {
  return socket->family == TN_IPV4 ? IPPROTO_IP : IPPROTO_IPV6;
}

static int hop_limit_option(const tn_socket *socket) {
  return socket->family == TN_IPV4 ? IP_TTL : IPV6_UNICAST_HOPS;
}

tn_error *tn_socket_hop_limit(tn_call *call, void *data, const void *params, void *result) {
  const tn_socket *socket = tn_socket_of(call, data, params);
  int value = 0;
  tn_network_code code =
      get_option(socket, hop_limit_level(socket), hop_limit_option(socket), &value);
  return put_byte(result, code, value);
}

tn_error *tn_socket_set_hop_limit(tn_call *call, void *data, const void *params, void *result) {
  const tn_socket *socket = tn_socket_of(call, data, params);
  uint8_t value = ((const u8_params *)params)->value;
  if (value == 0) return tn_network_finish(result, TN_NETWORK_INVALID_ARGUMENT);
  return tn_network_finish(
      result, set_option(socket, hop_limit_level(socket), hop_limit_option(socket), value));
}

/* ---- buffers ------------------------------------------------------------------------------------- */

/* Linux doubles what is set, to have room for its own books, and reports the doubled size. */
static tn_error *get_buffer_size(const tn_socket *socket, int option, void *result) {
  int value = 0;
  tn_network_code code = get_option(socket, SOL_SOCKET, option, &value);
  return put_u64(result, code, (uint64_t)value / 2);
}

static tn_error *set_buffer_size(const tn_socket *socket, int option, uint64_t value,
                                 void *result) {
  if (value == 0) return tn_network_finish(result, TN_NETWORK_INVALID_ARGUMENT);
  return tn_network_finish(result,
                           set_option(socket, SOL_SOCKET, option, clamp(value, 1, INT_MAX / 2)));
}

tn_error *tn_socket_receive_buffer_size(tn_call *call, void *data, const void *params,
                                        void *result) {
  return get_buffer_size(tn_socket_of(call, data, params), SO_RCVBUF, result);
}

tn_error *tn_socket_set_receive_buffer_size(tn_call *call, void *data, const void *params,
                                            void *result) {
  return set_buffer_size(tn_socket_of(call, data, params), SO_RCVBUF,
                         ((const u64_params *)params)->value, result);
}

tn_error *tn_socket_send_buffer_size(tn_call *call, void *data, const void *params, void *result) {
  return get_buffer_size(tn_socket_of(call, data, params), SO_SNDBUF, result);
}

tn_error *tn_socket_set_send_buffer_size(tn_call *call, void *data, const void *params,
                                         void *result) {
  return set_buffer_size(tn_socket_of(call, data, params), SO_SNDBUF,
                         ((const u64_params *)params)->value, result);
}

/* ---- keep-alive ---------------------------------------------------------------------------------- */

/* The kernel's own bounds (MAX_TCP_KEEPIDLE, …): beyond them it refuses instead of clamping. */
enum { KEEP_ALIVE_SECONDS_MAX = 32767, KEEP_ALIVE_COUNT_MAX = 127 };

static tn_error *get_keep_alive_time(const tn_socket *socket, int option, void *result) {
  int value = 0;
  tn_network_code code = get_option(socket, IPPROTO_TCP, option, &value);
  return put_u64(result, code, (uint64_t)value * second);
}

/* Rounded up to whole seconds, so that a short time does not become none. */
static tn_error *set_keep_alive_time(const tn_socket *socket, int option, uint64_t value,
                                     void *result) {
  if (value == 0) return tn_network_finish(result, TN_NETWORK_INVALID_ARGUMENT);
  uint64_t seconds = value / second + (value % second != 0);
  return tn_network_finish(
      result, set_option(socket, IPPROTO_TCP, option, clamp(seconds, 1, KEEP_ALIVE_SECONDS_MAX)));
}

tn_error *tn_tcp_keep_alive_enabled(tn_call *call, void *data, const void *params, void *result) {
  int value = 0;
  tn_network_code code =
      get_option(tn_socket_of(call, data, params), SOL_SOCKET, SO_KEEPALIVE, &value);
  return put_byte(result, code, value != 0);
}

tn_error *tn_tcp_set_keep_alive_enabled(tn_call *call, void *data, const void *params,
                                        void *result) {
  int value = ((const u8_params *)params)->value != 0;
  return tn_network_finish(
      result, set_option(tn_socket_of(call, data, params), SOL_SOCKET, SO_KEEPALIVE, value));
}

tn_error *tn_tcp_keep_alive_idle_time(tn_call *call, void *data, const void *params, void *result) {
  return get_keep_alive_time(tn_socket_of(call, data, params), TCP_KEEPIDLE, result);
}

tn_error *tn_tcp_set_keep_alive_idle_time(tn_call *call, void *data, const void *params,
                                          void *result) {
  const u64_params *in = params;
  return set_keep_alive_time(tn_socket_of(call, data, params), TCP_KEEPIDLE, in->value, result);
}

tn_error *tn_tcp_keep_alive_interval(tn_call *call, void *data, const void *params, void *result) {
  return get_keep_alive_time(tn_socket_of(call, data, params), TCP_KEEPINTVL, result);
}

tn_error *tn_tcp_set_keep_alive_interval(tn_call *call, void *data, const void *params,
                                         void *result) {
  const u64_params *in = params;
  return set_keep_alive_time(tn_socket_of(call, data, params), TCP_KEEPINTVL, in->value, result);
}

tn_error *tn_tcp_keep_alive_count(tn_call *call, void *data, const void *params, void *result) {
  int value = 0;
  tn_network_code code =
      get_option(tn_socket_of(call, data, params), IPPROTO_TCP, TCP_KEEPCNT, &value);
  tn_network_u32 *out = result;
  out->is_error = code != TN_NETWORK_OK;
  if (out->is_error) {
    out->code = (uint8_t)code;
  } else {
    out->value = (uint32_t)value;
  }
  return NULL;
}

tn_error *tn_tcp_set_keep_alive_count(tn_call *call, void *data, const void *params, void *result) {
  const tn_socket *socket = tn_socket_of(call, data, params);
  uint32_t value = ((const u32_params *)params)->value;
  if (value == 0) return tn_network_finish(result, TN_NETWORK_INVALID_ARGUMENT);
  return tn_network_finish(
      result, set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, clamp(value, 1, KEEP_ALIVE_COUNT_MAX)));
}
