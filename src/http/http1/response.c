/* Responses of HTTP/1.1 exchanges: heads, how the body's end is told, and the body. */
#include <assert.h>

#include "base/container.h"
#include "http/http1/connection.h"

enum {
  DIRECT = 16384, /* from this size on bytes go to the system from where they lie */
  ENOUGH = 32768, /* so much is sent without waiting for the turn's end */
};

static tn_http1_exchange *of_exchange(tn_http_exchange *base) {
  return (tn_http1_exchange *)base;
}

static tn_http1_exchange *of_outgoing(tn_http_outgoing *outgoing) {
  return TN_CONTAINER(outgoing, tn_http1_exchange, outgoing);
}

/* ---- the end of a head, and chunks ------------------------------------------------------------------ */

/* Text of at most TN_GAP_SIZE bytes. */
typedef struct text {
  size_t size;
  char bytes[TN_GAP_SIZE];
} text;

static void put(text *out, tn_str string) {
  assert(out->size + string.len <= sizeof out->bytes);
  memcpy(out->bytes + out->size, string.data, string.len);
  out->size += string.len;
}

static void put_number(text *out, uint64_t number, unsigned base) {
  char digits[20];
  size_t at = sizeof digits;
  do {
    digits[--at] = "0123456789abcdef"[number % base];
    number /= base;
  } while (number > 0);
  put(out, (tn_str){digits + at, sizeof digits - at});
}

static void put_chunk_head(text *out, uint64_t size) {
  put_number(out, size, 16);
  put(out, TN_STR("\r\n"));
}

/* The fields about framing and connection, and the empty line. */
static void put_head_end(text *out, const tn_http1_connection *c, const tn_http1_exchange *x,
                         uint64_t length) {
  if (c->closes) {
    put(out, TN_STR("Connection: close\r\n"));
  } else if (x->base.request.version < TN_HTTP_1_1) {
    put(out, TN_STR("Connection: keep-alive\r\n"));
  }
  if (x->delimiter == TN_DELIMITER_CHUNKED) put(out, TN_STR("Transfer-Encoding: chunked\r\n"));
  if (length != TN_HTTP_UNKNOWN_LENGTH) {
    put(out, TN_STR("Content-Length: "));
    put_number(out, length, 10);
    put(out, TN_STR("\r\n"));
  }
  put(out, TN_STR("\r\n"));
}

/* RFC 9112 6: a body whose length nobody said. */
static void choose_delimiter(tn_http1_connection *c, tn_http1_exchange *x) {
  bool can_chunk = x->base.request.version >= TN_HTTP_1_1;
  x->delimiter = can_chunk ? TN_DELIMITER_CHUNKED : TN_DELIMITER_CLOSE;
  if (!can_chunk) c->closes = true;
}

/* Makes all that has gathered ready to leave. `extra` bytes of the body will follow at once. */
static void settle(tn_http1_connection *c, tn_http1_exchange *x, size_t extra) {
  text end = {0};
  if (!c->has_gap) {
    if (x->delimiter != TN_DELIMITER_CHUNKED || extra == 0) return;
    put_chunk_head(&end, extra);
    tn_http1_output_append(c, end.bytes, end.size);
    return;
  }
  size_t gathered = c->out_end - (c->gap_at + TN_GAP_SIZE);
  if (x->delimiter == TN_DELIMITER_OPEN) {
    choose_delimiter(c, x);
    put_head_end(&end, c, x, TN_HTTP_UNKNOWN_LENGTH);
  }
  bool is_chunk = x->delimiter == TN_DELIMITER_CHUNKED && gathered + extra > 0;
  if (is_chunk) put_chunk_head(&end, gathered + extra);
  tn_http1_output_close_gap(c, end.bytes, end.size);
  if (is_chunk && extra == 0) tn_http1_output_append(c, "\r\n", 2);
}

void tn_http1_response_send(tn_http1_connection *c) {
  if (c->is_blocked || tn_http1_out_size(c) == 0) return;
  if (c->has_gap) settle(c, c->exchange, 0);
  tn_http1_output_send(c, (tn_str){0}, (tn_str){0});
}

/* ---- heads -------------------------------------------------------------------------------------------- */

static bool can_respond(const tn_http1_exchange *x) {
  return x->connection != NULL && !x->connection->is_broken && x->response == TN_RESPONSE_NONE;
}

static void append_head(tn_http1_connection *c, const tn_http_response *head) {
  tn_buffer *scratch = tn_http1_pool_scratch(c->pool);
  tn_http1_write_response_head(scratch, head);
  if (scratch->failed)
    tn_http1_output_lose(c, TN_HTTP_INTERNAL_ERROR);
  else
    tn_http1_output_append(c, scratch->data, scratch->len);
}

static bool exchange_inform(tn_http_exchange *base, const tn_http_response *head) {
  tn_http1_exchange *x = of_exchange(base);
  tn_http1_connection *c = x->connection;
  if (!can_respond(x) || base->request.version < TN_HTTP_1_1) return false;
  if (!tn_http_may_inform(head->status) || (head->status == 100 && x->has_continued)) return false;
  /* Nobody counts them: a client that takes none must not fill the memory. */
  if (tn_http1_out_size(c) >= c->options->write_buffer_bytes) tn_http1_response_send(c);
  if (c->is_broken || tn_http1_out_size(c) >= c->options->write_buffer_bytes) return false;
  if (head->status == 100) {
    x->owes_continue = false;
    x->has_continued = true;
  }
  append_head(c, head);
  tn_http1_output_append(c, "\r\n", 2);
  tn_http1_connection_defer(c);
  return !c->is_broken;
}

/* What of a response's own fields is about more than the message. */
static void read_fields(tn_http1_connection *c, const tn_http_fields *fields, bool *has_date) {
  *has_date = false;
  for (uint32_t i = 0; i < fields->count; i++) {
    const tn_http_field *field = &fields->items[i];
    if (field->name.len == 4 && tn_http_name_equal(field->name, TN_STR("date"))) *has_date = true;
    if (field->name.len == 10 && tn_http_name_equal(field->name, TN_STR("connection")) &&
        tn_http_name_equal(field->value, TN_STR("close"))) {
      c->closes = true;
    }
  }
}

/* RFC 9112 6.3, RFC 9110 8.6 */
static void frame(tn_http1_exchange *x, const tn_http_response *head) {
  x->promised = head->body_length;
  bool is_head = tn_str_equal(x->base.request.method, TN_STR("HEAD"));
  if (head->status == 204) x->promised = TN_HTTP_UNKNOWN_LENGTH;
  if (head->status == 205) x->promised = 0;
  if (is_head || tn_http_is_bodyless(head->status)) {
    x->delimiter = TN_DELIMITER_NONE;
  } else {
    x->delimiter = x->promised == TN_HTTP_UNKNOWN_LENGTH ? TN_DELIMITER_OPEN : TN_DELIMITER_LENGTH;
  }
}

static tn_http_outgoing *exchange_respond(tn_http_exchange *base, const tn_http_response *head) {
  tn_http1_exchange *x = of_exchange(base);
  if (!can_respond(x)) return NULL;
  assert(head->status >= 200);
  tn_http1_connection *c = x->connection;
  x->response = TN_RESPONSE_OPEN;
  base->is_retracted = false;
  /* Whether the client sends its body after all is not known, so that nothing can follow (RFC 9110 10.1.1). */
  if (x->owes_continue) c->closes = true;
  x->owes_continue = false;
  if (tn_http_server_is_draining(c->server)) c->closes = true;
  bool has_date;
  read_fields(c, &head->fields, &has_date);
  frame(x, head);
  size_t before = tn_http1_out_size(c);
  append_head(c, head);
  if (!has_date) {
    tn_str line = tn_http_server_date_line(c->server);
    tn_http1_output_append(c, line.data, line.len);
  }
  if (x->delimiter == TN_DELIMITER_OPEN) {
    tn_http1_output_open_gap(c);
  } else {
    text end = {0};
    put_head_end(&end, c, x, x->promised);
    tn_http1_output_append(c, end.bytes, end.size);
  }
  x->head_size = (uint32_t)(tn_http1_out_size(c) - before);
  tn_http1_connection_defer(c);
  return c->is_broken ? NULL : &x->outgoing;
}

/* RFC 9110 9.3.2. A request that was refused is still unread. */
static bool asks_for_head(const tn_http1_connection *c, const tn_http1_exchange *x) {
  static const tn_str head = {"HEAD ", 5};
  if (x != NULL) return tn_str_equal(x->base.request.method, TN_STR("HEAD"));
  if (c->in == NULL) return false;
  tn_str unread = {(const char *)c->in->bytes + c->in_start, tn_http1_in_size(c)};
  return tn_str_starts_with(unread, head);
}

void tn_http1_respond_plainly(tn_http1_connection *c, tn_http1_exchange *x, int status,
                              const char *reason) {
  c->closes = true;
  tn_http_field type = {TN_STR("Content-Type"), TN_STR("text/plain; charset=utf-8")};
  tn_http_response head = {.status = (uint16_t)status,
                           .fields = {.items = &type, .count = 1, .cap = 1}};
  append_head(c, &head);
  tn_str line = tn_http_server_date_line(c->server);
  tn_http1_output_append(c, line.data, line.len);
  tn_str body = tn_str_from(reason);
  text end = {0};
  put(&end, TN_STR("Connection: close\r\nContent-Length: "));
  put_number(&end, body.len + 1, 10);
  put(&end, TN_STR("\r\n\r\n"));
  tn_http1_output_append(c, end.bytes, end.size);
  if (!asks_for_head(c, x)) {
    tn_http1_output_append(c, body.data, body.len);
    tn_http1_output_append(c, "\n", 1);
  }
  if (x == NULL) return;
  x->response = TN_RESPONSE_COMPLETE;
  tn_http1_exchange_leaves(x);
}

/* ---- bodies --------------------------------------------------------------------------------------------- */

static bool is_open(const tn_http1_exchange *x) {
  return x->connection != NULL && !x->connection->is_broken && x->response == TN_RESPONSE_OPEN;
}

static int64_t outgoing_capacity(tn_http_outgoing *outgoing) {
  tn_http1_exchange *x = of_outgoing(outgoing);
  if (!is_open(x)) return TN_HTTP_END;
  tn_http1_connection *c = x->connection;
  size_t limit = c->options->write_buffer_bytes;
  if (tn_http1_out_size(c) >= limit) {
    tn_http1_response_send(c);
    if (c->is_broken) return TN_HTTP_END;
  }
  size_t gathered = tn_http1_out_size(c);
  if (gathered < limit) return (int64_t)(limit - gathered);
  x->wants_room = true;
  return 0;
}

static void write_directly(tn_http1_connection *c, tn_http1_exchange *x, tn_str bytes) {
  settle(c, x, bytes.len);
  bool is_chunk = x->delimiter == TN_DELIMITER_CHUNKED;
  if (!c->is_broken) tn_http1_output_send(c, bytes, is_chunk ? TN_STR("\r\n") : (tn_str){0});
}

static int64_t outgoing_write(tn_http_outgoing *outgoing, const uint8_t *bytes, size_t size) {
  tn_http1_exchange *x = of_outgoing(outgoing);
  if (!is_open(x)) return TN_HTTP_END;
  tn_http1_connection *c = x->connection;
  if (size == 0 || x->delimiter == TN_DELIMITER_NONE) return 0;
  if (x->delimiter == TN_DELIMITER_LENGTH && size > x->promised - x->written) {
    return tn_http_failure(TN_HTTP_HTTP_RESPONSE_BODY_SIZE);
  }
  x->written += size;
  x->base.bytes_out += size;
  if (size >= DIRECT && !c->is_blocked) {
    write_directly(c, x, (tn_str){(const char *)bytes, size});
  } else {
    if (x->delimiter == TN_DELIMITER_CHUNKED && !c->has_gap) tn_http1_output_open_gap(c);
    tn_http1_output_append(c, bytes, size);
    if (tn_http1_out_size(c) >= ENOUGH) tn_http1_response_send(c);
  }
  if (c->is_broken) return TN_HTTP_END;
  if (tn_http1_out_size(c) > 0) tn_http1_connection_defer(c);
  return 0;
}

/* What has gathered leaves at the end of the turn anyway. */
static void outgoing_flush(tn_http_outgoing *outgoing) {
  of_outgoing(outgoing)->is_committed = true;
}

static bool outgoing_is_flushed(tn_http_outgoing *outgoing) {
  tn_http1_exchange *x = of_outgoing(outgoing);
  if (!is_open(x) || !x->connection->is_blocked) return true;
  x->wants_room = true;
  return false;
}

/* There will be no response, of which nothing has left. When that is the request's fault the client is told. */
static void give_up(tn_http1_connection *c, tn_http1_exchange *x) {
  x->base.is_closed = true;
  x->base.is_retracted = false;
  if (x->has_fault) {
    tn_http1_respond_plainly(c, x, tn_http_code_request_status(x->fault),
                             tn_http_code_name(x->fault));
    tn_http1_connection_defer(c);
    return;
  }
  x->response = TN_RESPONSE_ABORTED;
  tn_http1_connection_break(c, TN_HTTP_CONNECTION_TERMINATED, false);
}

/* The client sees that this is not all by the missing end, or by a reset. What was gathered may still leave. */
static void cut(tn_http1_connection *c, tn_http1_exchange *x) {
  x->base.is_closed = true;
  x->response = TN_RESPONSE_ABORTED;
  if (c->has_gap) settle(c, x, 0);
  tn_http1_connection_break(c, TN_HTTP_CONNECTION_TERMINATED, x->delimiter == TN_DELIMITER_CLOSE);
}

/* Whether all of the response is still here, behind what answers earlier requests, and nobody was promised
 * anything. */
static bool can_take_back(const tn_http1_connection *c, const tn_http1_exchange *x) {
  if (x->is_committed) return false;
  if (x->delimiter == TN_DELIMITER_CHUNKED || x->delimiter == TN_DELIMITER_CLOSE) return false;
  return tn_http1_out_size(c) >= x->head_size + x->written;
}

static void take_back(tn_http1_connection *c, tn_http1_exchange *x) {
  c->out_end -= x->head_size + (uint32_t)x->written;
  c->has_gap = false;
  x->response = TN_RESPONSE_NONE;
  x->base.is_retracted = true;
  x->base.bytes_out = x->written = 0;
}

static void outgoing_abort(tn_http_outgoing *outgoing) {
  tn_http1_exchange *x = of_outgoing(outgoing);
  if (!is_open(x)) return;
  tn_http1_connection *c = x->connection;
  if (!can_take_back(c, x)) {
    cut(c, x);
    return;
  }
  take_back(c, x);
}

static void finish_chunked(tn_http1_connection *c, tn_http1_exchange *x,
                           const tn_http_fields *trailers) {
  if (c->has_gap) settle(c, x, 0);
  tn_buffer *scratch = tn_http1_pool_scratch(c->pool);
  tn_buffer_append_text(scratch, "0\r\n");
  if (trailers != NULL) tn_http1_write_fields(scratch, trailers);
  tn_buffer_append_text(scratch, "\r\n");
  if (scratch->failed)
    tn_http1_output_lose(c, TN_HTTP_INTERNAL_ERROR);
  else
    tn_http1_output_append(c, scratch->data, scratch->len);
}

/* The head has not left: now the length is known. */
static void finish_whole(tn_http1_connection *c, tn_http1_exchange *x) {
  x->delimiter = TN_DELIMITER_LENGTH;
  text end = {0};
  put_head_end(&end, c, x, x->written);
  tn_http1_output_close_gap(c, end.bytes, end.size);
}

static bool outgoing_finish(tn_http_outgoing *outgoing, const tn_http_fields *trailers) {
  tn_http1_exchange *x = of_outgoing(outgoing);
  if (!is_open(x)) return false;
  tn_http1_connection *c = x->connection;
  if (x->delimiter == TN_DELIMITER_LENGTH && x->written < x->promised) {
    cut(c, x);
    return false;
  }
  bool has_trailers = trailers != NULL && trailers->count > 0;
  if (x->delimiter == TN_DELIMITER_OPEN) {
    if (has_trailers && x->base.request.version >= TN_HTTP_1_1)
      settle(c, x, 0);
    else
      finish_whole(c, x);
  }
  if (x->delimiter == TN_DELIMITER_CHUNKED) finish_chunked(c, x, trailers);
  x->response = TN_RESPONSE_COMPLETE;
  /* Unless the next request is here already, whose response may go along. */
  if (tn_http1_in_size(c) == 0) tn_http1_response_send(c);
  tn_http1_exchange_leaves(x);
  tn_http1_connection_defer(c);
  return !c->is_broken;
}

/* ---- the exchange's end ------------------------------------------------------------------------------------ */

void tn_http1_exchange_leaves(tn_http1_exchange *x) {
  tn_http1_connection *c = x->connection;
  if (tn_http1_out_size(c) == 0 && !c->is_broken) {
    tn_http_server_exchange_ended(c->server, &x->base, x->is_released);
    return;
  }
  x->is_leaving = true;
  x->end_mark = c->sent + tn_http1_out_size(c);
  x->next = NULL;
  if (c->first_leaving == NULL)
    c->first_leaving = x;
  else
    c->last_leaving->next = x;
  c->last_leaving = x;
}

void tn_http1_exchanges_left(tn_http1_connection *c, bool all) {
  while (c->first_leaving != NULL && (all || c->first_leaving->end_mark <= c->sent)) {
    tn_http1_exchange *x = c->first_leaving;
    c->first_leaving = x->next;
    x->is_leaving = false;
    tn_http_server_exchange_ended(c->server, &x->base, x->is_released);
    if (x->is_released && x->connection == NULL) tn_http1_exchange_give(x);
  }
}

static void exchange_abort(tn_http_exchange *base) {
  tn_http1_exchange *x = of_exchange(base);
  if (x->response == TN_RESPONSE_OPEN) outgoing_abort(&x->outgoing);
  if (can_respond(x)) give_up(x->connection, x);
  base->is_closed = true;
}

static void exchange_release(tn_http_exchange *base) {
  tn_http1_exchange *x = of_exchange(base);
  assert(!x->is_released);
  x->is_released = true;
  x->is_abandoned = true;
  if (x->connection == NULL) {
    if (!x->is_leaving) tn_http1_exchange_give(x);
    return;
  }
  x->incoming.observer.func = NULL;
  x->outgoing.observer.func = NULL;
  if (x->response != TN_RESPONSE_COMPLETE) exchange_abort(base);
  tn_http1_connection_defer(x->connection);
}

static const tn_http_exchange_class exchange_class = {
    .inform = exchange_inform,
    .respond = exchange_respond,
    .abort = exchange_abort,
    .release = exchange_release,
};

static const tn_http_outgoing_class outgoing_class = {
    .capacity = outgoing_capacity,
    .write = outgoing_write,
    .flush = outgoing_flush,
    .is_flushed = outgoing_is_flushed,
    .finish = outgoing_finish,
    .abort = outgoing_abort,
};

void tn_http1_response_init(tn_http1_exchange *x) {
  x->base.class = &exchange_class;
  x->outgoing.class = &outgoing_class;
}
