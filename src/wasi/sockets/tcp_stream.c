/* The streams of a TCP connection. Received bytes go from the kernel straight into the guest's memory, and
 * sent ones straight out of it, unless the kernel has no room for them. */
#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "wasi/sockets/socket.h"

/* What one check-write permits, and so the most that a stream ever keeps. */
enum { SEND_PERMIT = 65536 };

/* ---- receiving ----------------------------------------------------------------------------------- */

typedef struct tcp_input {
  tn_input_stream head;
  tn_socket *socket;
} tcp_input;

static tn_socket *input_socket(tn_input_stream *stream) {
  return ((tcp_input *)stream)->socket;
}

static size_t input_available(tn_input_stream *stream, size_t wanted) {
  int count = 0;
  if (ioctl(input_socket(stream)->descriptor, FIONREAD, &count) != 0 || count < 0) return 0;
  return (size_t)count < wanted ? (size_t)count : wanted;
}

static tn_error *receive(tn_socket *socket, void *out, size_t size, int flags, int64_t *result) {
  *result = TN_IO_CLOSED;
  if (socket->is_receive_shut) return NULL;
  ssize_t count = recv(socket->descriptor, out, size, flags);
  if (count > 0) *result = count;
  if (count < 0) *result = errno == EAGAIN || errno == EINTR ? 0 : -(int64_t)errno;
  return NULL;
}

static tn_error *input_read(tn_input_stream *stream, uint8_t *out, size_t size, int64_t *result) {
  return receive(input_socket(stream), out, size, 0, result);
}

/* With MSG_TRUNC Linux throws the bytes of a TCP socket away without copying them, tcp(7). */
static tn_error *input_skip(tn_input_stream *stream, uint64_t size, int64_t *result) {
  return receive(input_socket(stream), NULL, size < INT32_MAX ? (size_t)size : INT32_MAX, MSG_TRUNC,
                 result);
}

static bool input_is_ready(tn_input_stream *stream) {
  const tn_socket *socket = input_socket(stream);
  return socket->is_receive_shut || tn_descriptor_is_ready(socket->descriptor, TN_READABLE);
}

static tn_error *input_arm(tn_input_stream *stream, tn_wait *wait, tn_armed *armed) {
  return tn_armed_descriptor(armed, wait, input_socket(stream)->descriptor, TN_READABLE);
}

static void input_destroy(tn_input_stream *stream) {
  tn_socket_release(input_socket(stream));
  tn_free(stream);
}

static const tn_input_class input_class = {
    .origin = TN_IO_NETWORK,
    .available = input_available,
    .read = input_read,
    .skip = input_skip,
    .is_ready = input_is_ready,
    .arm = input_arm,
    .destroy = input_destroy,
};

/* ---- sending ------------------------------------------------------------------------------------- */

/* Invariants: unsent[sent..len) waits for the kernel; there is a watch, which sends it while the guest waits
 * for anything else, if and only if that is not empty; socket->has_unsent says the same. `error` is what
 * became of it when the guest was not there to be told: errno, or 0. */
typedef struct tcp_output {
  tn_output_stream head;
  tn_socket *socket;
  tn_readiness *watch;
  uint8_t *unsent;
  size_t sent;
  size_t len;
  size_t cap;
  int error;
  bool is_full; /* the kernel did not take everything the last time */
} tcp_output;

/* Sends what the kernel takes: the number of bytes, or negative errno. */
static ssize_t send_now(tcp_output *stream, const uint8_t *bytes, size_t size) {
  ssize_t count = send(stream->socket->descriptor, bytes, size, MSG_NOSIGNAL);
  stream->is_full = count < (ssize_t)size;
  if (count >= 0) return count;
  return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

static void forget_unsent(tcp_output *stream) {
  stream->sent = stream->len = 0;
  stream->socket->has_unsent = false;
  if (stream->watch != NULL) tn_readiness_stop(stream->watch);
  stream->watch = NULL;
  if (stream->socket->is_send_shut) shutdown(stream->socket->descriptor, SHUT_WR);
}

static void send_unsent(void *data) {
  tcp_output *stream = data;
  ssize_t count = send_now(stream, stream->unsent + stream->sent, stream->len - stream->sent);
  if (count < 0) stream->error = (int)-count;
  if (count > 0) stream->sent += (size_t)count;
  if (count < 0 || stream->sent == stream->len) forget_unsent(stream);
}

static bool make_room(tcp_output *stream, size_t size) {
  if (stream->cap - stream->len >= size) return true;
  size_t needed = stream->len + size;
  uint8_t *grown = tn_realloc(stream->unsent, needed);
  if (grown == NULL) return false;
  tn_kept_add(tn_wasi_kept(stream->socket->wasi), needed - stream->cap);
  stream->unsent = grown;
  stream->cap = needed;
  return true;
}

static tn_error *keep_unsent(tcp_output *stream, const uint8_t *bytes, size_t size) {
  TN_TRY(tn_kept_check(tn_wasi_kept(stream->socket->wasi)));
  if (!make_room(stream, size)) return tn_error_no_memory();
  memcpy(stream->unsent + stream->len, bytes, size);
  stream->len += size;
  stream->socket->has_unsent = true;
  if (stream->watch != NULL) return NULL;
  tn_socket *socket = stream->socket;
  return tn_readiness_watch(tn_wasi_loop(socket->wasi), socket->descriptor, TN_WRITABLE,
                            send_unsent, stream, &stream->watch);
}

/* Whether the next write finds room, trying to make some. */
static bool has_room(tcp_output *stream) {
  if (stream->error != 0 || stream->socket->is_send_shut)
    return true; /* there is something to report */
  if (!stream->is_full) return true;
  if (stream->len > 0) send_unsent(stream);
  if (stream->len > 0) return false;
  return stream->error != 0 || tn_descriptor_is_ready(stream->socket->descriptor, TN_WRITABLE);
}

static tn_error *output_check_write(tn_output_stream *head, int64_t *result) {
  tcp_output *stream = (tcp_output *)head;
  *result = has_room(stream) ? SEND_PERMIT : 0;
  if (stream->socket->is_send_shut) *result = TN_IO_CLOSED;
  if (stream->error != 0) *result = -stream->error;
  return NULL;
}

static tn_error *output_write(tn_output_stream *head, const uint8_t *bytes, size_t size,
                              int64_t *result) {
  tcp_output *stream = (tcp_output *)head;
  *result = stream->socket->is_send_shut ? TN_IO_CLOSED : -stream->error;
  if (*result != 0) return NULL;
  ssize_t count = stream->len > 0 ? 0 : send_now(stream, bytes, size);
  if (count < 0) *result = count;
  if (count < 0 || (size_t)count == size) return NULL;
  return keep_unsent(stream, bytes + count, size - (size_t)count);
}

/* Nothing to begin: what is kept is being sent anyway, and check-write gives 0 until it is out. */
static tn_error *output_flush(tn_output_stream *head, int64_t *result) {
  const tcp_output *stream = (tcp_output *)head;
  *result = stream->socket->is_send_shut ? TN_IO_CLOSED : -stream->error;
  return NULL;
}

static bool output_is_ready(tn_output_stream *head) {
  return has_room((tcp_output *)head);
}

static tn_error *output_arm(tn_output_stream *head, tn_wait *wait, tn_armed *armed) {
  return tn_armed_descriptor(armed, wait, ((tcp_output *)head)->socket->descriptor, TN_WRITABLE);
}

/* The guest was told to flush before it drops the stream: what the kernel does not take now is lost. */
static void output_destroy(tn_output_stream *head) {
  tcp_output *stream = (tcp_output *)head;
  if (stream->len > 0) send_unsent(stream);
  if (stream->len > 0) forget_unsent(stream);
  tn_kept_remove(tn_wasi_kept(stream->socket->wasi), stream->cap);
  tn_socket_release(stream->socket);
  tn_free(stream->unsent);
  tn_free(stream);
}

static const tn_output_class output_class = {
    .origin = TN_IO_NETWORK,
    .check_write = output_check_write,
    .write = output_write,
    .flush = output_flush,
    .is_ready = output_is_ready,
    .arm = output_arm,
    .destroy = output_destroy,
};

/* ---- making them --------------------------------------------------------------------------------- */

static tn_error *add_input(tn_socket *socket, uint32_t *handle) {
  tcp_input *stream = tn_calloc(1, sizeof *stream);
  if (stream == NULL) return tn_error_no_memory();
  tn_input_stream_init(&stream->head, &input_class);
  stream->socket = socket;
  socket->references++;
  return tn_input_stream_add(socket->wasi, &stream->head, handle);
}

static tn_error *add_output(tn_socket *socket, uint32_t *handle) {
  tcp_output *stream = tn_calloc(1, sizeof *stream);
  if (stream == NULL) return tn_error_no_memory();
  tn_output_stream_init(&stream->head, &output_class);
  stream->socket = socket;
  socket->references++;
  return tn_output_stream_add(socket->wasi, &stream->head, handle);
}

/* When the second one cannot be made the first stays a slot that nobody has a handle to, until the instance,
 * which that error ends, is torn down. */
tn_error *tn_tcp_streams_add(tn_socket *socket, uint32_t handles[2]) {
  TN_TRY(add_input(socket, &handles[0]));
  return add_output(socket, &handles[1]);
}
