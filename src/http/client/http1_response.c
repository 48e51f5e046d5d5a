/* The response of an HTTP/1.1 call: its head, and its body as the user reads it. Body bytes are read where
 * the user wants them whenever nothing has been read ahead, and the chunked coding is taken off in place. */
#include <errno.h>
#include <sys/ioctl.h>

#include "base/alloc.h"
#include "base/container.h"
#include "http/client/parts.h"

enum {
  MAX_INFORMATIONAL = 32, /* in front of one response */
  DIRECT_READ = 4096,     /* a smaller one is served from what is read ahead */
};

static tn_http_call *call_of(tn_http_incoming *incoming) {
  return TN_CONTAINER(incoming, tn_http_call, incoming);
}

/* ---- the socket ------------------------------------------------------------------------------ */

/* A plain socket that gave less than asked for has no more, unless an end follows, for which no other event
 * comes. TLS may hold something back until it says 0. */
static int64_t receive(tn_client_connection *c, uint8_t *out, size_t size) {
  if (!c->is_readable) return 0;
  int64_t result = tn_transport_read(&c->transport, out, size);
  bool is_all = result > 0 && (size_t)result < size && c->transport.tls == NULL && !c->is_hung_up;
  if (result <= 0 || is_all) c->is_readable = false;
  return result;
}

/* Makes `in` hold at least `size` bytes; what it has stays. */
static bool in_reserve(tn_http_call *call, size_t size) {
  if (size <= call->in_cap) return true;
  size_t cap = call->in_cap == 0 ? TN_CLIENT_BUFFER : call->in_cap;
  while (cap < size)
    cap *= 2;
  uint8_t *grown = cap > UINT32_MAX ? NULL : tn_realloc(call->in, cap);
  if (grown == NULL) return false;
  call->in = grown;
  call->in_cap = (uint32_t)cap;
  return true;
}

/* Moves what is left to the front. */
static void in_compact(tn_http_call *call) {
  uint32_t start = call->in_start;
  if (start == 0) return;
  memmove(call->in, call->in + start, call->in_end - start);
  call->in_start = 0;
  call->in_data -= start;
  call->in_end -= start;
}

/* ---- the body's framing ---------------------------------------------------------------------- */

static void set_fault(tn_http_call *call, tn_http_code code) {
  call->has_fault = true;
  call->failure.code = code;
  if (call->connection != NULL) tn_client_note_alert(&call->failure, &call->connection->transport);
  call->deadline_kind = TN_CALL_NO_DEADLINE;
  tn_client_pool_give_back(call, false);
}

/* The response is complete: the connection is free for others if the request is, too. */
static void body_complete(tn_http_call *call) {
  call->body_is_complete = true;
  call->deadline_kind = TN_CALL_NO_DEADLINE;
  bool may_reuse = call->framing.keep_alive && !call->has_surplus && tn_client_http1_is_sent(call);
  if (!call->is_finished) call->events |= TN_CALL_TELL_OUT;
  tn_client_pool_give_back(call, may_reuse);
}

/* Takes framing out of raw bytes, in place. *data: how many bytes of the body are left at their beginning;
 * *used: how many raw bytes that took. False: malformed. */
static bool decode_chunks(tn_http_call *call, uint8_t *bytes, size_t size, size_t *data,
                          size_t *used) {
  tn_http1_chunks *chunks = &call->chunks;
  size_t at = 0, out = 0;
  while (at < size && chunks->state != TN_CHUNK_TRAILERS) {
    if (chunks->state == TN_CHUNK_DATA && chunks->left > 0) {
      size_t count = size - at < chunks->left ? size - at : (size_t)chunks->left;
      if (at != out) memmove(bytes + out, bytes + at, count);
      chunks->left -= count;
      at += count;
      out += count;
      continue;
    }
    size_t taken;
    if (!tn_http1_chunks_advance(chunks, bytes + at, size - at, &taken)) return false;
    at += taken;
  }
  *data = out;
  *used = at;
  return true;
}

static bool decode(tn_http_call *call, uint8_t *bytes, size_t size, size_t *data, size_t *used) {
  if (call->framing.body == TN_HTTP1_CHUNKED) return decode_chunks(call, bytes, size, data, used);
  *data = *used = size;
  if (call->framing.body == TN_HTTP1_UNTIL_CLOSE) return true;
  if (size > call->left) *data = *used = (size_t)call->left;
  call->left -= *used;
  return true;
}

/* Looks for the end of the trailers that have been gathered behind in_data. */
static void take_trailers(tn_http_call *call) {
  const uint8_t *lines = call->in + call->in_data;
  size_t gathered = call->in_end - call->in_data;
  size_t size = tn_http1_find_head_end(lines, gathered, &call->scanned);
  uint32_t max = call->client->options.max_header_bytes;
  if (size == 0 && gathered <= max) return;
  if (size == 0 || size > max) {
    call->failure.size = gathered;
    set_fault(call, TN_HTTP_HTTP_RESPONSE_TRAILER_SECTION_SIZE);
    return;
  }
  tn_str copy = tn_arena_copy(&call->arena, (tn_str){(const char *)lines, size});
  tn_http1_refusal refusal;
  if (copy.data == NULL) {
    set_fault(call, TN_HTTP_INTERNAL_ERROR);
  } else if (!tn_http1_parse_trailers(&call->arena, (const uint8_t *)copy.data, size,
                                      call->client->options.max_header_count,
                                      &call->incoming.trailers, &refusal)) {
    bool is_size = refusal.code == TN_HTTP_HTTP_REQUEST_TRAILER_SECTION_SIZE;
    set_fault(call, is_size ? TN_HTTP_HTTP_RESPONSE_TRAILER_SECTION_SIZE : refusal.code);
  } else {
    call->has_surplus = gathered > size;
    call->in_end = call->in_data;
    body_complete(call);
  }
}

/* After raw bytes have been decoded, with `rest` behind them that are not data. */
static void after_decoding(tn_http_call *call, bool is_well_formed, size_t rest) {
  if (!is_well_formed) {
    set_fault(call, TN_HTTP_HTTP_RESPONSE_TRANSFER_CODING);
  } else if (call->framing.body == TN_HTTP1_CHUNKED) {
    if (call->chunks.state == TN_CHUNK_TRAILERS) take_trailers(call);
  } else if (call->framing.body != TN_HTTP1_UNTIL_CLOSE && call->left == 0) {
    call->has_surplus = rest > 0;
    body_complete(call);
  }
}

static bool is_in_trailers(const tn_http_call *call) {
  return call->framing.body == TN_HTTP1_CHUNKED && call->chunks.state == TN_CHUNK_TRAILERS;
}

/* Raw bytes have come to lie from in_end on. */
static void in_take(tn_http_call *call, size_t size) {
  if (is_in_trailers(call)) {
    call->in_end += (uint32_t)size;
    take_trailers(call);
    return;
  }
  size_t data = 0, used = 0;
  uint8_t *raw = call->in + call->in_data;
  bool is_well_formed = decode(call, raw, size, &data, &used);
  size_t rest = is_well_formed ? size - used : 0;
  call->in_data += (uint32_t)data;
  call->in_end = call->in_data;
  if (rest > 0 && is_in_trailers(call)) {
    memmove(call->in + call->in_data, raw + used, rest);
    call->in_end += (uint32_t)rest;
  }
  after_decoding(call, is_well_formed, rest);
}

/* The connection has given its end or a failure in the middle of a body. */
static void body_ended(tn_http_call *call, int64_t result) {
  if (result == TN_HTTP_END && call->framing.body == TN_HTTP1_UNTIL_CLOSE) {
    body_complete(call);
    return;
  }
  tn_http_code code =
      result == TN_HTTP_END ? TN_HTTP_CONNECTION_TERMINATED : tn_http_failure_code(result);
  set_fault(call, code == TN_HTTP_CONNECTION_TERMINATED ? TN_HTTP_HTTP_RESPONSE_INCOMPLETE : code);
}

/* ---- the body, for the user ------------------------------------------------------------------ */

static int64_t read_over(const tn_http_call *call) {
  if (call->has_fault) return tn_http_failure(call->failure.code);
  return call->body_is_complete ? TN_HTTP_END : 0;
}

/* Whether there is somewhere to read from. */
static bool is_open(const tn_http_call *call) {
  return !call->has_fault && !call->body_is_complete && call->connection != NULL;
}

static size_t in_size(const tn_http_call *call) {
  return call->in_data - call->in_start;
}

/* Reads ahead once. False: nothing came. */
static bool read_ahead(tn_http_call *call) {
  if (!is_open(call)) return false;
  in_compact(call);
  uint32_t wanted = call->in_end + DIRECT_READ;
  if (is_in_trailers(call) && !in_reserve(call, wanted)) {
    set_fault(call, TN_HTTP_INTERNAL_ERROR);
    return false;
  }
  size_t room = call->in_cap - call->in_end;
  if (call->framing.body == TN_HTTP1_LENGTH && room > call->left) room = (size_t)call->left;
  int64_t result = receive(call->connection, call->in + call->in_end, room);
  if (result == 0) return false;
  if (result < 0)
    body_ended(call, result);
  else
    in_take(call, (size_t)result);
  return true;
}

static size_t in_give(tn_http_call *call, uint8_t *out, size_t size) {
  if (size > in_size(call)) size = in_size(call);
  memcpy(out, call->in + call->in_start, size);
  call->in_start += (uint32_t)size;
  return size;
}

/* Reads where the user wants it; the bytes of trailers move to where they are gathered. Gives the bytes of
 * data. */
static size_t read_direct(tn_http_call *call, uint8_t *out, size_t size) {
  if (call->framing.body == TN_HTTP1_LENGTH && size > call->left) size = (size_t)call->left;
  int64_t result = receive(call->connection, out, size);
  if (result <= 0) {
    if (result < 0) body_ended(call, result);
    return 0;
  }
  size_t data = 0, used = 0;
  bool is_well_formed = decode(call, out, (size_t)result, &data, &used);
  size_t rest = is_well_formed ? (size_t)result - used : 0;
  if (rest > 0 && is_in_trailers(call)) {
    if (!in_reserve(call, rest)) {
      set_fault(call, TN_HTTP_INTERNAL_ERROR);
      return data;
    }
    memcpy(call->in, out + used, rest);
    call->in_end = (uint32_t)rest;
  }
  after_decoding(call, is_well_formed, rest);
  return data;
}

static void wait_for_data(tn_http_call *call) {
  call->wants_data = true;
  if (call->deadline_kind == TN_CALL_NO_DEADLINE)
    tn_client_call_set_deadline(call, TN_CALL_BETWEEN_BYTES, call->options.between_bytes_timeout);
}

static int64_t in_read(tn_http_incoming *incoming, uint8_t *out, size_t size) {
  tn_http_call *call = call_of(incoming);
  size_t got = in_give(call, out, size);
  while (got == 0 && is_open(call) && call->connection->is_readable) {
    if (size < DIRECT_READ || is_in_trailers(call)) {
      read_ahead(call);
      got = in_give(call, out, size);
    } else {
      call->in_start = call->in_data = call->in_end = 0;
      got = read_direct(call, out, size);
    }
  }
  if (got > 0) {
    if (call->deadline_kind == TN_CALL_BETWEEN_BYTES) call->deadline_kind = TN_CALL_NO_DEADLINE;
    call->wants_data = false;
    return (int64_t)got;
  }
  int64_t result = read_over(call);
  if (result == 0) wait_for_data(call);
  return result;
}

/* What the socket has, where all of it is data. */
static size_t pending_data(const tn_http_call *call) {
  const tn_client_connection *c = call->connection;
  if (c == NULL || !c->is_readable || c->transport.tls != NULL ||
      call->framing.body == TN_HTTP1_CHUNKED)
    return 0;
  int count = 0;
  if (ioctl(c->transport.io.descriptor, FIONREAD, &count) < 0 || count < 0) return 0;
  bool is_bounded = call->framing.body == TN_HTTP1_LENGTH && (uint64_t)count > call->left;
  return is_bounded ? (size_t)call->left : (size_t)count;
}

static size_t in_available(tn_http_incoming *incoming, size_t wanted) {
  tn_http_call *call = call_of(incoming);
  if (in_size(call) == 0 && is_open(call)) {
    size_t pending = pending_data(call);
    if (pending > 0) return pending < wanted ? pending : wanted;
    while (in_size(call) == 0 && read_ahead(call))
      continue;
  }
  return in_size(call) < wanted ? in_size(call) : wanted;
}

static bool in_is_ready(tn_http_incoming *incoming) {
  tn_http_call *call = call_of(incoming);
  if (in_size(call) > 0 || read_over(call) != 0) return true;
  if (pending_data(call) > 0) return true;
  while (in_size(call) == 0 && read_ahead(call))
    continue;
  bool is_ready = in_size(call) > 0 || read_over(call) != 0;
  if (!is_ready) wait_for_data(call);
  return is_ready;
}

static void in_abandon(tn_http_incoming *incoming) {
  tn_http_call *call = call_of(incoming);
  call->is_abandoned = true;
  tn_client_http1_abandon(call);
}

const tn_http_incoming_class tn_client_incoming_class = {
    .available = in_available,
    .read = in_read,
    .is_ready = in_is_ready,
    .abandon = in_abandon,
};

/* What is there already is thrown away, in the hope that it is all; waiting for more would cost more than another
 * connection. */
void tn_client_http1_abandon(tn_http_call *call) {
  call->in_start = call->in_data;
  if (is_open(call) && in_reserve(call, TN_CLIENT_BUFFER)) {
    read_ahead(call);
    call->in_start = call->in_data;
  }
  if (is_open(call)) set_fault(call, TN_HTTP_HTTP_RESPONSE_INCOMPLETE);
}

/* ---- the head -------------------------------------------------------------------------------- */

static bool is_idempotent(tn_str method) {
  static const tn_str methods[] = {{"GET", 3},   {"HEAD", 4}, {"OPTIONS", 7},
                                   {"TRACE", 5}, {"PUT", 3},  {"DELETE", 6}};
  for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
    if (tn_str_equal(method, methods[i])) return true;
  }
  return false;
}

/* RFC 9112 9.3.1: a peer may close an idle connection just when it is used again. */
static bool may_retry(const tn_http_call *call) {
  if (call->is_retry || call->connection->uses < 2 || call->in_end > 0 || call->informational > 0)
    return false;
  return call->sent == 0 ||
         (is_idempotent(call->request.method) && call->is_finished && call->written == 0);
}

static void retry(tn_http_call *call) {
  /* Otherwise it is still in `out`, as it was composed. */
  bool was_sent = call->sent > 0;
  call->is_retry = true;
  tn_client_call_set_deadline(call, TN_CALL_NO_DEADLINE, 0);
  tn_client_pool_give_back(call, false);
  if (was_sent) {
    call->head_is_out = call->end_is_out = call->is_deaf = false;
    call->out.len = call->out_start = 0;
  }
  tn_client_call_set_deadline(call, TN_CALL_CONNECT, call->options.connect_timeout);
  tn_client_pool_request(call);
}

/* The connection ended before the response's head was there. */
static void head_ended(tn_http_call *call, int64_t result) {
  tn_client_connection *c = call->connection;
  if (may_retry(call)) {
    retry(call);
    return;
  }
  tn_http_code code =
      result == TN_HTTP_END ? TN_HTTP_CONNECTION_TERMINATED : tn_http_failure_code(result);
  call->failure.code = code;
  tn_client_note_alert(&call->failure, &c->transport);
  const char *host = call->origin->target.host;
  bool has_begun = call->in_end > 0;
  if (code == TN_HTTP_CONNECTION_TERMINATED && has_begun)
    tn_client_call_fail(call, TN_HTTP_HTTP_RESPONSE_INCOMPLETE,
                        "%s closed the connection within the response's head", host);
  else
    tn_client_call_fail(call, code, "waiting for the response of %s: %s", host,
                        result == TN_HTTP_END ? "it closed the connection"
                                              : tn_transport_problem(&c->transport));
}

static void fail_head(tn_http_call *call, tn_http_code code, const char *reason) {
  tn_client_call_fail(call, code, "the response of %s: %s", call->origin->target.host, reason);
}

/* The final head has been parsed; the body's first bytes lie behind its `size`. */
static void take_response(tn_http_call *call, size_t size) {
  size_t rest = call->in_end - size;
  memmove(call->in, call->in + size, rest);
  call->in_start = call->in_data = call->in_end = 0;
  call->scanned = 0;
  call->state = TN_CALL_RESPONDED;
  call->deadline_kind = TN_CALL_NO_DEADLINE;
  call->events |= TN_CALL_TELL_RESULT;
  call->left = call->framing.length;
  if (call->framing.body == TN_HTTP1_NO_BODY) {
    call->has_surplus = rest > 0;
    body_complete(call);
  } else if (rest > 0) {
    in_take(call, rest);
  }
}

/* A head of `size` bytes is there. False: it was informational, and there may be another. */
static bool take_head(tn_http_call *call, size_t size) {
  /* Its strings outlive the buffer's next use. */
  tn_str copy = tn_arena_copy(&call->arena, (tn_str){(const char *)call->in, size});
  if (copy.data == NULL) {
    fail_head(call, TN_HTTP_INTERNAL_ERROR, "out of memory");
    return true;
  }
  tn_http1_refusal refusal;
  if (!tn_http1_parse_response(&call->arena, (const uint8_t *)copy.data, size,
                               call->client->options.max_header_count, call->request.method,
                               &call->response, &call->framing, &refusal)) {
    fail_head(call, refusal.code, refusal.reason);
  } else if (call->response.status == 101) {
    fail_head(call, TN_HTTP_HTTP_UPGRADE_FAILED,
              "it switches to a protocol that was not asked for");
  } else if (call->response.status >= 200) {
    take_response(call, size);
  } else if (++call->informational > MAX_INFORMATIONAL) {
    fail_head(call, TN_HTTP_HTTP_PROTOCOL_ERROR, "too many informational responses");
  } else {
    call->in_end -= (uint32_t)size;
    memmove(call->in, call->in + size, call->in_end);
    call->scanned = 0;
    return false;
  }
  return true;
}

/* Whether the head, or a verdict on it, is there. */
static bool look_for_head(tn_http_call *call) {
  while (call->in_end > 0) {
    size_t size = tn_http1_find_head_end(call->in, call->in_end, &call->scanned);
    uint32_t max = call->client->options.max_header_bytes;
    if (size > max || (size == 0 && call->in_end >= max)) {
      call->failure.size = size > max ? size : call->in_end;
      fail_head(call, TN_HTTP_HTTP_RESPONSE_HEADER_SECTION_SIZE, "its head is too long");
      return true;
    }
    if (size == 0) return false;
    if (take_head(call, size)) return true;
  }
  return false;
}

static void read_head(tn_http_call *call) {
  while (call->connection != NULL && call->state == TN_CALL_STARTED &&
         call->connection->is_readable) {
    if (!in_reserve(call, call->in_end + DIRECT_READ)) {
      fail_head(call, TN_HTTP_INTERNAL_ERROR, "out of memory");
      return;
    }
    int64_t result =
        receive(call->connection, call->in + call->in_end, call->in_cap - call->in_end);
    if (result == 0) return;
    /* What comes before the request has gone out answers nobody: the connection was at its end. */
    if (result > 0 && call->sent == 0) result = TN_HTTP_END;
    if (result < 0) {
      head_ended(call, result);
      return;
    }
    call->in_end += (uint32_t)result;
    if (look_for_head(call)) return;
  }
}

/* ---- events ---------------------------------------------------------------------------------- */

void tn_client_http1_progress(tn_http_call *call) {
  tn_client_connection *c = call->connection;
  /* First what came in: it tells whether there is still somebody to send to. */
  if (call->state == TN_CALL_STARTED) read_head(call);
  if (call->connection != c) return;
  tn_client_http1_flush(call);
  if (call->connection == c && call->state == TN_CALL_STARTED && c->is_hung_up) read_head(call);
  bool has_news = call->connection != NULL && call->connection->is_readable;
  if (call->state == TN_CALL_RESPONDED && call->wants_data && has_news) {
    call->wants_data = false;
    call->events |= TN_CALL_TELL_IN;
  }
}

/* Nothing is expected on an idle connection but its end. */
static void idle_ready(tn_client_connection *c) {
  uint8_t byte;
  if (!c->is_readable) return;
  c->is_readable = false;
  /* TLS: what was no data (a ticket) gives 0. */
  if (c->is_hung_up || tn_transport_read(&c->transport, &byte, 1) != 0)
    tn_client_connection_close(c, false);
}

void tn_client_http1_ready(tn_client_connection *c, int events) {
  if (events & TN_HANGUP) c->is_hung_up = true;
  if (events & (TN_READABLE | TN_HANGUP)) c->is_readable = true;
  if (events & TN_WRITABLE) c->is_blocked = false;
  tn_http_call *call = c->call;
  if (call == NULL) {
    idle_ready(c);
    return;
  }
  tn_client_http1_progress(call);
  tn_client_call_tell(call);
}
