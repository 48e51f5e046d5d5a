/* Bytes that come in on an HTTP/1.1 connection. */
#include <assert.h>
#include <sys/ioctl.h>

#include "http/http1/connection.h"

enum { MIN_ROOM = 2048 }; /* a read for less is not worth its system call */

/* A plain socket that gave less than asked for has no more, unless an end follows, for which no other event
 * comes. TLS may hold something back until it says 0. */
static void note_read(tn_http1_connection *c, int64_t result, size_t size) {
  if (result > 0) {
    tn_http_count(&tn_http_server_mutable_counters(c->server)->bytes_in, result);
    if ((size_t)result < size && !c->base->is_tls && !c->base->is_hung_up) c->is_readable = false;
    return;
  }
  c->is_readable = false;
  if (result == TN_HTTP_END) c->input_has_ended = true;
}

static int64_t receive(tn_http1_connection *c, uint8_t *out, size_t size) {
  if (c->input_has_ended) return TN_HTTP_END;
  if (!c->is_readable) return 0;
  int64_t result = tn_transport_read(&c->base->transport, out, size);
  note_read(c, result, size);
  return result;
}

/* Moves what has not been used to another buffer of at least `size` bytes. */
static bool replace_buffer(tn_http1_connection *c, size_t size) {
  tn_http1_buffer *buffer = tn_http1_buffer_take(c->pool, size);
  if (buffer == NULL) return false;
  size_t kept = tn_http1_in_size(c);
  if (kept > 0) memcpy(buffer->bytes, c->in->bytes + c->in_start, kept);
  tn_http1_buffer_release(c->pool, c->in);
  c->in = buffer;
  c->in_start = 0;
  c->in_end = (uint32_t)kept;
  return true;
}

/* Gives the room behind in_end: 0 when the buffer holds `limit` bytes already, or without memory (*failed). */
static size_t make_room(tn_http1_connection *c, size_t limit, bool *failed) {
  *failed = false;
  size_t kept = tn_http1_in_size(c);
  if (c->in != NULL) {
    if (kept == 0 || (c->in->cap - c->in_end < MIN_ROOM && c->in_start > 0)) {
      memmove(c->in->bytes, c->in->bytes + c->in_start, kept);
      c->in_start = 0;
      c->in_end = (uint32_t)kept;
    }
    if (c->in->cap - c->in_end >= MIN_ROOM) return c->in->cap - c->in_end;
    if (kept >= limit) return 0;
  }
  size_t size = kept + MIN_ROOM;
  *failed = !replace_buffer(c, size);
  return *failed ? 0 : c->in->cap - c->in_end;
}

int64_t tn_http1_input_fill(tn_http1_connection *c, size_t limit) {
  if (c->input_has_ended) return TN_HTTP_END;
  if (!c->is_readable) return 0;
  bool failed;
  size_t room = make_room(c, limit, &failed);
  if (failed) return tn_http_failure(TN_HTTP_INTERNAL_ERROR);
  if (room == 0) return 0;
  int64_t result = receive(c, c->in->bytes + c->in_end, room);
  if (result > 0) c->in_end += (uint32_t)result;
  return result;
}

int64_t tn_http1_input_take(tn_http1_connection *c, uint8_t *out, size_t size) {
  size_t kept = tn_http1_in_size(c);
  if (kept == 0) return receive(c, out, size);
  if (size > kept) size = kept;
  memcpy(out, c->in->bytes + c->in_start, size);
  c->in_start += (uint32_t)size;
  return (int64_t)size;
}

size_t tn_http1_input_pending(const tn_http1_connection *c) {
  int count = 0;
  if (ioctl(c->base->transport.io.descriptor, FIONREAD, &count) < 0 || count < 0) return 0;
  return (size_t)count;
}

void tn_http1_input_trim(tn_http1_connection *c) {
  if (c->in == NULL || c->in_start != c->in_end) return;
  tn_http1_buffer_release(c->pool, c->in);
  c->in = NULL;
  c->in_start = c->in_end = 0;
  c->scanned = 0;
}
