/* The datagram streams of wasi:sockets/udp. */
#include <errno.h>

#include "base/alloc.h"
#include "base/error.h"
#include "wasi/sockets/socket.h"

/* How many datagrams one call receives or sends at most, and how many unwanted ones it looks at. */
enum { BATCH = 16, UNWANTED_MAX = 64, DATAGRAM_MAX = 65536 };

/* Either stream. Invariant: works only while generation == socket->generation: a later udp-socket.stream has
 * made a pair that replaces this one. */
typedef struct datagram_stream {
  tn_socket *socket;
  uint32_t references; /* the resource and each pollable */
  uint32_t generation;
  uint32_t permit; /* outgoing: what the last check-send permitted */
  bool is_full;    /* outgoing: the kernel had no room the last time */
  uint8_t *buffer; /* incoming: DATAGRAM_MAX bytes, made at the first use */
} datagram_stream;

static void stream_release(datagram_stream *stream) {
  if (--stream->references > 0) return;
  if (stream->buffer != NULL) tn_kept_remove(tn_wasi_kept(stream->socket->wasi), DATAGRAM_MAX);
  tn_socket_release(stream->socket);
  tn_free(stream->buffer);
  tn_free(stream);
}

void tn_datagram_stream_delete(void *object) {
  stream_release(object);
}

static tn_error *stream_add(tn_socket *socket, tn_slot_kind kind, uint32_t *handle) {
  datagram_stream *stream = tn_calloc(1, sizeof *stream);
  if (stream == NULL) return tn_error_no_memory();
  stream->socket = socket;
  stream->references = 1;
  stream->generation = socket->generation;
  socket->references++;
  tn_error *error = tn_wasi_slot_add(socket->wasi, kind, stream, handle);
  if (error != NULL) stream_release(stream);
  return error;
}

tn_error *tn_datagram_streams_add(tn_socket *socket, uint32_t handles[2]) {
  TN_TRY(stream_add(socket, TN_SLOT_INCOMING_DATAGRAMS, &handles[0]));
  return stream_add(socket, TN_SLOT_OUTGOING_DATAGRAMS, &handles[1]);
}

static void stream_drop(tn_runtime *runtime, tn_slot_kind kind, uint32_t representation) {
  tn_wasi *wasi = tn_wasi_of(runtime);
  datagram_stream *stream = tn_wasi_slot_get(wasi, kind, representation);
  tn_wasi_slot_remove(wasi, representation);
  if (stream->references > 1)
    tn_runtime_refuse_drop(
        runtime, tn_error_new(TN_ERROR_TRAP, "a datagram stream: dropped before its pollable"));
  stream_release(stream);
}

void tn_datagram_drop_incoming(tn_runtime *runtime, void *data, uint32_t representation) {
  (void)data;
  stream_drop(runtime, TN_SLOT_INCOMING_DATAGRAMS, representation);
}

void tn_datagram_drop_outgoing(tn_runtime *runtime, void *data, uint32_t representation) {
  (void)data;
  stream_drop(runtime, TN_SLOT_OUTGOING_DATAGRAMS, representation);
}

static datagram_stream *stream_of(tn_call *call, tn_slot_kind kind, const void *params) {
  return tn_wasi_slot_get(tn_wasi_of_call(call), kind, *(const uint32_t *)params);
}

static bool is_replaced(const datagram_stream *stream) {
  return stream->generation != stream->socket->generation;
}

static tn_error *subscribe(datagram_stream *stream, const tn_pollable_class *class, void *result) {
  stream->references++;
  return tn_pollable_add(stream->socket->wasi, (tn_pollable){.class = class, .object = stream},
                         result);
}

static void pollable_release(void *object) {
  stream_release(object);
}

/* ---- receiving ----------------------------------------------------------------------------------- */

typedef struct incoming_datagram {
  uint8_t *data;
  size_t len;
  tn_ip_socket_address remote;
} incoming_datagram;
static_assert(sizeof(incoming_datagram) == 48, "native form of incoming-datagram");

typedef struct receive_params {
  uint32_t self;
  uint64_t max_results;
} receive_params;

/* result<list<incoming-datagram>, error-code> */
typedef struct receive_result {
  uint8_t is_error;
  union {
    struct {
      incoming_datagram *data;
      size_t len;
    } ok;
    uint8_t code;
  };
} receive_result;

/* A connected socket gets nothing from others, except what was queued before it was connected. One that was
 * bound without a right to serve there hears only from those to whom it may send. */
static bool is_wanted(const tn_socket *socket, const tn_sockaddr *from) {
  if (socket->state == TN_SOCKET_CONNECTED) return tn_address_equal(from, &socket->remote);
  return socket->may_serve || tn_wasi_may_use_address(socket->wasi, TN_NETWORK_UDP, &from->any);
}

/* Copies the datagram into memory of the call: how large it is was not known before. */
static tn_error *put_datagram(tn_call *call, const datagram_stream *stream, size_t size,
                              const tn_sockaddr *from, incoming_datagram *out) {
  out->data = tn_call_alloc(call, size > 0 ? size : 1, 1);
  if (out->data == NULL) return tn_error_no_memory();
  memcpy(out->data, stream->buffer, size);
  out->len = size;
  tn_address_from_system(from, &out->remote);
  return NULL;
}

/* Receives what is there; *code is what ended it, if that was an error. */
static tn_error *receive_all(tn_call *call, datagram_stream *stream, size_t max,
                             receive_result *out, int *code) {
  *code = 0;
  for (int unwanted = 0; out->ok.len < max && unwanted < UNWANTED_MAX;) {
    tn_sockaddr from;
    socklen_t from_size = sizeof from;
    ssize_t size = recvfrom(stream->socket->descriptor, stream->buffer, DATAGRAM_MAX, 0, &from.any,
                            &from_size);
    if (size < 0) {
      if (errno != EAGAIN && errno != EINTR) *code = errno;
      return NULL;
    }
    if (!is_wanted(stream->socket, &from)) {
      unwanted++;
      continue;
    }
    TN_TRY(put_datagram(call, stream, (size_t)size, &from, &out->ok.data[out->ok.len++]));
  }
  return NULL;
}

static tn_error *make_buffer(datagram_stream *stream) {
  if (stream->buffer != NULL) return NULL;
  tn_kept *kept = tn_wasi_kept(stream->socket->wasi);
  TN_TRY(tn_kept_check(kept));
  stream->buffer = tn_malloc(DATAGRAM_MAX);
  if (stream->buffer == NULL) return tn_error_no_memory();
  tn_kept_add(kept, DATAGRAM_MAX);
  return NULL;
}

tn_error *tn_datagram_receive(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const receive_params *in = params;
  receive_result *out = result;
  datagram_stream *stream = stream_of(call, TN_SLOT_INCOMING_DATAGRAMS, params);
  out->is_error = is_replaced(stream);
  if (out->is_error) {
    out->code = TN_NETWORK_INVALID_STATE;
    return NULL;
  }
  size_t max = in->max_results < BATCH ? (size_t)in->max_results : BATCH;
  if (max == 0) return NULL;
  TN_TRY(make_buffer(stream));
  out->ok.data = tn_call_alloc(call, max * sizeof *out->ok.data, _Alignof(incoming_datagram));
  if (out->ok.data == NULL) return tn_error_no_memory();
  int code;
  TN_TRY(receive_all(call, stream, max, out, &code));
  out->is_error = code != 0 && out->ok.len == 0;
  if (out->is_error) out->code = (uint8_t)tn_network_code_of(code);
  return NULL;
}

static bool incoming_is_ready(void *object) {
  const datagram_stream *stream = object;
  return is_replaced(stream) || tn_descriptor_is_ready(stream->socket->descriptor, TN_READABLE);
}

static tn_error *incoming_arm(void *object, tn_wait *wait, tn_armed *armed) {
  const datagram_stream *stream = object;
  return tn_armed_descriptor(armed, wait, stream->socket->descriptor, TN_READABLE);
}

tn_error *tn_datagram_subscribe_incoming(tn_call *call, void *data, const void *params,
                                         void *result) {
  (void)data;
  static const tn_pollable_class class = {incoming_is_ready, incoming_arm, pollable_release};
  return subscribe(stream_of(call, TN_SLOT_INCOMING_DATAGRAMS, params), &class, result);
}

/* ---- sending ------------------------------------------------------------------------------------- */

typedef struct outgoing_datagram {
  const uint8_t *data;
  size_t len;
  tn_optional_address remote;
} outgoing_datagram;
static_assert(sizeof(outgoing_datagram) == 56, "native form of outgoing-datagram");

typedef struct send_params {
  uint32_t self;
  struct {
    const outgoing_datagram *data;
    size_t len;
  } datagrams;
} send_params;
static_assert(sizeof(send_params) == 24, "native form of the parameters of send");

static bool outgoing_is_ready(void *object) {
  const datagram_stream *stream = object;
  return !stream->is_full || is_replaced(stream) ||
         tn_descriptor_is_ready(stream->socket->descriptor, TN_WRITABLE);
}

static tn_error *outgoing_arm(void *object, tn_wait *wait, tn_armed *armed) {
  const datagram_stream *stream = object;
  return tn_armed_descriptor(armed, wait, stream->socket->descriptor, TN_WRITABLE);
}

tn_error *tn_datagram_check_send(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  datagram_stream *stream = stream_of(call, TN_SLOT_OUTGOING_DATAGRAMS, params);
  tn_network_u64 *out = result;
  out->is_error = is_replaced(stream);
  if (out->is_error) {
    out->code = TN_NETWORK_INVALID_STATE;
    return NULL;
  }
  stream->permit = outgoing_is_ready(stream) ? BATCH : 0;
  out->value = stream->permit;
  return NULL;
}

/* Where the datagram goes: *to is not set where the socket is connected to it already. */
static tn_network_code destination(const tn_socket *socket, const outgoing_datagram *datagram,
                                   tn_sockaddr *to) {
  bool is_connected = socket->state == TN_SOCKET_CONNECTED;
  if (!datagram->remote.is_some) return is_connected ? TN_NETWORK_OK : TN_NETWORK_INVALID_ARGUMENT;
  tn_address_to_system(&datagram->remote.value, to);
  if (is_connected)
    return tn_address_equal(to, &socket->remote) ? TN_NETWORK_OK : TN_NETWORK_INVALID_ARGUMENT;
  if (!tn_address_is_remote(to, socket->family)) return TN_NETWORK_INVALID_ARGUMENT;
  bool is_allowed = tn_wasi_may_use_address(socket->wasi, TN_NETWORK_UDP, &to->any);
  return is_allowed ? TN_NETWORK_OK : TN_NETWORK_ACCESS_DENIED;
}

/* TN_NETWORK_WOULD_BLOCK when the kernel has no room. */
static tn_network_code send_one(datagram_stream *stream, const outgoing_datagram *datagram) {
  const tn_socket *socket = stream->socket;
  tn_sockaddr to;
  tn_network_code code = destination(socket, datagram, &to);
  if (code != TN_NETWORK_OK) return code;
  bool is_connected = socket->state == TN_SOCKET_CONNECTED;
  ssize_t sent = sendto(socket->descriptor, datagram->data, datagram->len, MSG_NOSIGNAL,
                        is_connected ? NULL : &to.any, is_connected ? 0 : tn_address_size(&to));
  if (sent >= 0) return TN_NETWORK_OK;
  stream->is_full = errno == EAGAIN || errno == EINTR;
  return stream->is_full ? TN_NETWORK_WOULD_BLOCK : tn_network_code_of(errno);
}

tn_error *tn_datagram_send(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const send_params *in = params;
  datagram_stream *stream = stream_of(call, TN_SLOT_OUTGOING_DATAGRAMS, params);
  tn_network_u64 *out = result;
  if (in->datagrams.len > stream->permit) {
    return tn_error_new(
        TN_ERROR_TRAP,
        "outgoing-datagram-stream.send of %zu datagrams, but check-send permitted %u",
        in->datagrams.len, stream->permit);
  }
  if (in->datagrams.len > 0) stream->permit = 0;
  tn_network_code code = is_replaced(stream) ? TN_NETWORK_INVALID_STATE : TN_NETWORK_OK;
  uint64_t count = 0;
  stream->is_full = false;
  while (code == TN_NETWORK_OK && count < in->datagrams.len) {
    code = send_one(stream, &in->datagrams.data[count]);
    if (code == TN_NETWORK_OK) count++;
  }
  out->is_error = count == 0 && code != TN_NETWORK_OK && code != TN_NETWORK_WOULD_BLOCK;
  if (out->is_error) {
    out->code = (uint8_t)code;
  } else {
    out->value = count;
  }
  return NULL;
}

tn_error *tn_datagram_subscribe_outgoing(tn_call *call, void *data, const void *params,
                                         void *result) {
  (void)data;
  static const tn_pollable_class class = {outgoing_is_ready, outgoing_arm, pollable_release};
  return subscribe(stream_of(call, TN_SLOT_OUTGOING_DATAGRAMS, params), &class, result);
}
