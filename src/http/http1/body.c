/* The bodies of HTTP/1.1 requests. */
#include <assert.h>

#include "base/container.h"
#include "http/http1/connection.h"

static tn_http1_exchange *of_incoming(tn_http_incoming *incoming) {
  return TN_CONTAINER(incoming, tn_http1_exchange, incoming);
}

void tn_http1_body_fault(tn_http1_exchange *x, tn_http_code code) {
  x->has_fault = true;
  x->fault = code;
  x->incoming.failure = tn_http_failure(code);
}

/* Nothing more can be read of it, nor of the connection. The handler may still answer. */
static void fail(tn_http1_exchange *x, tn_http_code code) {
  tn_http1_body_fault(x, code);
  x->connection->closes = true;
}

/* The input has ended or failed before the body has: the client is gone. */
static void fail_input(tn_http1_exchange *x, int64_t result) {
  tn_http_code code =
      result == TN_HTTP_END ? TN_HTTP_CONNECTION_TERMINATED : tn_http_failure_code(result);
  fail(x, code);
  tn_http1_connection_break(x->connection, code, true);
}

/* The first sign of interest makes a client send that waits for it (RFC 9110 10.1.1). */
static void send_continue(tn_http1_exchange *x) {
  if (!x->owes_continue) return;
  x->owes_continue = false;
  x->has_continued = true;
  static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
  tn_http1_output_append(x->connection, line, sizeof line - 1);
  tn_http1_connection_defer(x->connection);
}

static bool is_chunked(const tn_http1_exchange *x) {
  return x->framing.body == TN_HTTP1_CHUNKED;
}

/* Bytes of data that come next, before any framing. */
static uint64_t data_left(const tn_http1_exchange *x) {
  if (!is_chunked(x)) return x->left;
  return x->chunks.state == TN_CHUNK_DATA ? x->chunks.left : 0;
}

static void account(tn_http1_exchange *x, size_t size) {
  if (is_chunked(x)) {
    x->chunks.left -= size;
  } else {
    x->left -= size;
    x->body_is_complete = x->left == 0;
  }
  x->base.bytes_in += size;
  x->waits_for_body = false;
  tn_http1_connection *c = x->connection;
  bool restarts =
      c->deadline_kind == TN_DEADLINE_BODY || c->deadline_kind == TN_DEADLINE_HALF_CLOSED;
  if (restarts) c->deadline_kind = TN_DEADLINE_NONE;
}

static void take_trailers(tn_http1_exchange *x) {
  tn_http1_connection *c = x->connection;
  uint8_t *bytes = c->in->bytes + c->in_start;
  size_t size = tn_http1_find_head_end(bytes, tn_http1_in_size(c), &x->scanned);
  if (size > c->options->max_header_bytes ||
      (size == 0 && tn_http1_in_size(c) > c->options->max_header_bytes)) {
    fail(x, TN_HTTP_HTTP_REQUEST_TRAILER_SECTION_SIZE);
  }
  if (size == 0 || x->has_fault) return;
  /* The bytes do not stay where they are. */
  tn_str copy = tn_arena_copy(&x->base.arena, (tn_str){(const char *)bytes, size});
  tn_http1_refusal refusal = {.code = TN_HTTP_INTERNAL_ERROR};
  if (copy.data == NULL ||
      !tn_http1_parse_trailers(&x->base.arena, (const uint8_t *)copy.data, size,
                               c->options->max_header_count, &x->incoming.trailers, &refusal)) {
    x->incoming.trailers = (tn_http_fields){0};
    fail(x, refusal.code);
    return;
  }
  c->in_start += (uint32_t)size;
  x->body_is_complete = true;
}

/* The limit may have become smaller than what there is already. */
static bool is_too_large(const tn_http1_exchange *x) {
  uint64_t limit = x->connection->options->max_body_bytes, so_far = x->base.bytes_in;
  return so_far > limit || data_left(x) > limit - so_far;
}

/* Steps over framing in the buffer. */
static void take_framing(tn_http1_exchange *x) {
  tn_http1_connection *c = x->connection;
  size_t used;
  if (!tn_http1_chunks_advance(&x->chunks, c->in->bytes + c->in_start, tn_http1_in_size(c),
                               &used)) {
    fail(x, TN_HTTP_HTTP_PROTOCOL_ERROR);
    return;
  }
  c->in_start += (uint32_t)used;
  if (x->chunks.state == TN_CHUNK_TRAILERS) {
    take_trailers(x);
  } else if (is_too_large(x)) {
    fail(x, TN_HTTP_HTTP_REQUEST_BODY_SIZE);
  }
}

/* Gets the next data into the buffer if it can be had. Gives how much there is. */
static size_t prepare(tn_http1_exchange *x) {
  tn_http1_connection *c = x->connection;
  while (!x->body_is_complete && !x->has_fault) {
    if (is_chunked(x) && tn_http1_in_size(c) > 0) take_framing(x);
    if (x->body_is_complete || x->has_fault) break;
    size_t size = tn_http1_in_size(c);
    if (data_left(x) > 0 && size > 0) return size < data_left(x) ? size : (size_t)data_left(x);
    int64_t result = tn_http1_input_fill(c, (size_t)c->options->max_header_bytes + 1);
    if (result == 0) break;
    if (result < 0) fail_input(x, result);
  }
  return 0;
}

static bool is_over(const tn_http1_exchange *x) {
  return x->body_is_complete || x->has_fault || x->connection == NULL;
}

static int64_t end_result(const tn_http1_exchange *x) {
  if (x->body_is_complete) return TN_HTTP_END;
  return tn_http_failure(x->has_fault ? x->fault : TN_HTTP_CONNECTION_TERMINATED);
}

static void note_waiting(tn_http1_exchange *x) {
  if (x->waits_for_body) return;
  x->waits_for_body = true;
  tn_http1_connection_update_deadline(x->connection);
}

static int64_t body_read(tn_http_incoming *incoming, uint8_t *out, size_t size) {
  tn_http1_exchange *x = of_incoming(incoming);
  if (is_over(x)) return end_result(x);
  send_continue(x);
  if (data_left(x) == 0) prepare(x);
  if (is_over(x)) return end_result(x);
  uint64_t left = data_left(x);
  int64_t result = 0;
  if (left > 0) result = tn_http1_input_take(x->connection, out, size < left ? size : (size_t)left);
  if (result > 0) {
    account(x, (size_t)result);
    return result;
  }
  if (result < 0) {
    fail_input(x, result);
    return end_result(x);
  }
  note_waiting(x);
  return 0;
}

static size_t body_available(tn_http_incoming *incoming, size_t wanted) {
  tn_http1_exchange *x = of_incoming(incoming);
  if (is_over(x)) return 0;
  send_continue(x);
  tn_http1_connection *c = x->connection;
  size_t size = 0;
  /* A large read goes past the buffer: ask the system, do not read yet. */
  bool is_direct = wanted >= TN_HTTP1_BUFFER_SIZE && tn_http1_in_size(c) == 0 && c->is_readable &&
                   !c->base->is_tls && data_left(x) > 0;
  if (is_direct) size = tn_http1_input_pending(c);
  if (size > data_left(x)) size = (size_t)data_left(x);
  if (size == 0) size = prepare(x);
  return size < wanted ? size : wanted;
}

static bool body_is_ready(tn_http_incoming *incoming) {
  tn_http1_exchange *x = of_incoming(incoming);
  if (is_over(x)) return true;
  send_continue(x);
  if (prepare(x) > 0 || is_over(x)) return true;
  note_waiting(x);
  return false;
}

static void body_abandon(tn_http_incoming *incoming) {
  tn_http1_exchange *x = of_incoming(incoming);
  x->is_abandoned = true;
  incoming->observer.func = NULL;
  if (x->connection != NULL) tn_http1_connection_defer(x->connection);
}

uint64_t tn_http1_body_discard(tn_http1_exchange *x, uint64_t limit) {
  uint64_t total = 0;
  while (!is_over(x) && total < limit) {
    if (data_left(x) == 0) prepare(x);
    uint8_t waste[4096];
    uint64_t left = is_over(x) ? 0 : data_left(x);
    if (left == 0) break;
    int64_t result = tn_http1_input_take(x->connection, waste,
                                         left < sizeof waste ? (size_t)left : sizeof waste);
    if (result < 0) fail_input(x, result);
    if (result <= 0) break;
    account(x, (size_t)result);
    total += (uint64_t)result;
  }
  return total;
}

static const tn_http_incoming_class body_class = {
    .available = body_available,
    .read = body_read,
    .is_ready = body_is_ready,
    .abandon = body_abandon,
};

void tn_http1_body_init(tn_http1_exchange *x) {
  x->incoming.class = &body_class;
  x->base.body = &x->incoming;
  x->left = x->framing.length;
  x->body_is_complete = x->framing.body == TN_HTTP1_NO_BODY;
  x->owes_continue = x->framing.expects_continue && !x->body_is_complete;
}
