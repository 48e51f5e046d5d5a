/* Bytes that go out on an HTTP/1.1 connection: gathered, so that a response leaves with one system call. */
#include <assert.h>

#include "http/http1/connection.h"

static void drop_output(tn_http1_connection *c) {
  tn_http1_buffer_release(c->pool, c->out);
  c->out = NULL;
  c->out_start = c->out_end = 0;
  c->has_gap = false;
}

void tn_http1_output_lose(tn_http1_connection *c, tn_http_code why) {
  c->has_lost_output = true;
  tn_http1_connection_break(c, why, true);
}

static bool reserve(tn_http1_connection *c, size_t size) {
  size_t used = tn_http1_out_size(c);
  if (c->has_lost_output) return false;
  if (c->out != NULL && c->out->cap - c->out_end >= size) return true;
  if (c->out != NULL && c->out->cap - used >= size) {
    memmove(c->out->bytes, c->out->bytes + c->out_start, used);
  } else {
    tn_http1_buffer *buffer = tn_http1_buffer_take(c->pool, used + size);
    if (buffer == NULL) {
      drop_output(c);
      tn_http1_output_lose(c, TN_HTTP_INTERNAL_ERROR);
      return false;
    }
    if (used > 0) memcpy(buffer->bytes, c->out->bytes + c->out_start, used);
    tn_http1_buffer_release(c->pool, c->out);
    c->out = buffer;
  }
  if (c->has_gap) c->gap_at -= c->out_start;
  c->out_start = 0;
  c->out_end = (uint32_t)used;
  return true;
}

void tn_http1_output_append(tn_http1_connection *c, const void *bytes, size_t size) {
  if (size == 0 || !reserve(c, size)) return;
  memcpy(c->out->bytes + c->out_end, bytes, size);
  c->out_end += (uint32_t)size;
}

void tn_http1_output_open_gap(tn_http1_connection *c) {
  assert(!c->has_gap);
  if (!reserve(c, TN_GAP_SIZE)) return;
  c->has_gap = true;
  c->gap_at = c->out_end;
  c->out_end += TN_GAP_SIZE;
}

/* What stands before the gap moves up to it: mostly a head, or nothing. */
void tn_http1_output_close_gap(tn_http1_connection *c, const char *text, size_t size) {
  assert(c->has_gap && size <= TN_GAP_SIZE);
  uint32_t unused = TN_GAP_SIZE - (uint32_t)size;
  uint8_t *start = c->out->bytes + c->out_start;
  memmove(start + unused, start, c->gap_at - c->out_start);
  memcpy(c->out->bytes + c->gap_at + unused, text, size);
  c->out_start += unused;
  c->has_gap = false;
}

/* Takes what has been sent off the front of a part. */
static size_t advance(struct iovec *part, size_t sent) {
  if (sent > part->iov_len) sent = part->iov_len;
  part->iov_base = (char *)part->iov_base + sent;
  part->iov_len -= sent;
  return sent;
}

/* Sends as much of the parts as the system takes. False: the connection is broken. */
static bool send_parts(tn_http1_connection *c, struct iovec *parts, int count) {
  int first = 0;
  while (first < count) {
    if (parts[first].iov_len == 0) {
      first++;
      continue;
    }
    int64_t result = tn_transport_write(&c->base->transport, parts + first, count - first);
    if (result == 0) {
      c->is_blocked = true;
      return true;
    }
    if (result < 0) {
      c->is_blocked = true;
      tn_http1_output_lose(c, tn_http_failure_code(result));
      return false;
    }
    tn_http_count(&tn_http_server_mutable_counters(c->server)->bytes_out, result);
    c->sent += (uint64_t)result;
    bool restarts =
        c->deadline_kind == TN_DEADLINE_WRITE || c->deadline_kind == TN_DEADLINE_HALF_CLOSED;
    if (restarts) c->deadline_kind = TN_DEADLINE_NONE;
    for (int i = first; i < count; i++)
      result -= (int64_t)advance(&parts[i], (size_t)result);
  }
  return true;
}

void tn_http1_output_send(tn_http1_connection *c, tn_str bytes, tn_str tail) {
  assert(!c->has_gap);
  if (c->has_lost_output) return;
  size_t gathered = tn_http1_out_size(c);
  if (gathered + bytes.len + tail.len == 0) return;
  struct iovec parts[3] = {
      {.iov_base = gathered > 0 ? c->out->bytes + c->out_start : NULL, .iov_len = gathered},
      {.iov_base = (void *)bytes.data, .iov_len = bytes.len},
      {.iov_base = (void *)tail.data, .iov_len = tail.len},
  };
  if (!c->is_blocked && !send_parts(c, parts, 3)) {
    drop_output(c);
    return;
  }
  c->out_start += (uint32_t)(gathered - parts[0].iov_len);
  if (c->out_start == c->out_end) drop_output(c);
  tn_http1_exchanges_left(c, false);
  tn_http1_output_append(c, parts[1].iov_base, parts[1].iov_len);
  tn_http1_output_append(c, parts[2].iov_base, parts[2].iov_len);
  if (c->is_blocked || c->deadline_kind == TN_DEADLINE_NONE) tn_http1_connection_update_deadline(c);
}
