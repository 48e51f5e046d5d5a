/* A server's HTTP/1.1 connection from within. http1_server.c reads heads and decides what comes next,
 * http1_body.c is the body that comes in, http1_response.c the response that goes out, http1_output.c the
 * bytes on their way to the client, http1_input.c those from it, http1_pool.c what is recycled. For these
 * only. */
#ifndef TN_HTTP_HTTP1_CONNECTION_H
#define TN_HTTP_HTTP1_CONNECTION_H

#include "http/connection.h"
#include "http/http1/http1.h"

typedef struct tn_http1_connection tn_http1_connection;
typedef struct tn_http1_exchange tn_http1_exchange;
typedef struct tn_http1_pool tn_http1_pool;

/* Bytes read or to be written. */
typedef struct tn_http1_buffer {
  struct tn_http1_buffer *next; /* among the pool's */
  size_t cap;
  uint8_t bytes[];
} tn_http1_buffer;

/* ---- what is recycled ------------------------------------------------------------------------------- */

/* One for a server; counted, because exchanges may outlive it. Not NULL unless out of memory. */
tn_http1_pool *tn_http1_pool_new(void);
void tn_http1_pool_release(tn_http1_pool *pool);
enum { TN_HTTP1_BUFFER_SIZE = 16384 };
/* An empty one for what is made in one go. */
tn_buffer *tn_http1_pool_scratch(tn_http1_pool *pool);
/* With at least `size` bytes; NULL when out of memory. */
tn_http1_buffer *tn_http1_buffer_take(tn_http1_pool *pool, size_t size);
void tn_http1_buffer_release(tn_http1_pool *pool, tn_http1_buffer *buffer);
/* Zeroed but for an empty arena and a reference to the pool; NULL when out of memory. */
tn_http1_exchange *tn_http1_exchange_take(tn_http1_pool *pool);
void tn_http1_exchange_give(tn_http1_exchange *exchange);

/* ---- exchanges ---------------------------------------------------------------------------------------- */

typedef enum tn_http1_response_state {
  TN_RESPONSE_NONE, /* no head yet */
  TN_RESPONSE_OPEN,
  TN_RESPONSE_COMPLETE,
  TN_RESPONSE_ABORTED,
} tn_http1_response_state;

/* How the end of a response's body is told. */
typedef enum tn_http1_delimiter {
  TN_DELIMITER_OPEN, /* not decided: whichever fits once the body is complete or has to leave */
  TN_DELIMITER_NONE, /* there is no body on the wire: HEAD, 204, 205, 304 */
  TN_DELIMITER_LENGTH,
  TN_DELIMITER_CHUNKED,
  TN_DELIMITER_CLOSE, /* HTTP/1.0 */
} tn_http1_delimiter;

/* Invariants: while it is its connection's current one `connection` is set, and neither outlives the other's link;
 * afterwards (`connection` NULL) every operation says that the client is gone. */
struct tn_http1_exchange {
  tn_http_exchange base;
  tn_http_incoming incoming;
  tn_http_outgoing outgoing;
  tn_http1_connection *connection;
  tn_http1_pool *pool;
  tn_http1_framing framing;

  /* The body that comes in. */
  tn_http1_chunks chunks;
  uint64_t left;  /* with a length: what has not been read */
  size_t scanned; /* of the trailers */
  bool body_is_complete;
  bool is_abandoned;   /* the handler will not read any more */
  bool owes_continue;  /* the client waits for 100 before it sends its body */
  bool has_continued;  /* it got it */
  bool waits_for_body; /* the handler has asked for bytes in vain */
  bool has_fault;      /* the body cannot be read to its end, for `fault` */
  tn_http_code fault;

  /* The response. */
  tn_http1_response_state response;
  tn_http1_delimiter delimiter;
  uint64_t promised; /* what Content-Length says, or TN_HTTP_UNKNOWN_LENGTH */
  uint64_t written;
  uint32_t head_size; /* of the head as it was gathered, with the gap if there is one */
  bool is_committed;  /* the handler has flushed it: it is not taken back any more */
  bool wants_room;    /* the handler has been told that there is none */
  bool is_released;
  bool
      is_leaving; /* it is complete, but not all of it has left: in the connection's list of those */
  uint64_t end_mark;       /* where in what the connection sends it ends */
  tn_http1_exchange *next; /* among those, or the pool's */
};

/* Makes its operations work; everything else is set. */
void tn_http1_body_init(tn_http1_exchange *exchange);
void tn_http1_response_init(tn_http1_exchange *exchange);
/* It cannot be read to its end. */
void tn_http1_body_fault(tn_http1_exchange *exchange, tn_http_code code);
/* Throws away what can be read of the body now, until that is `limit` bytes or some more. Gives how many. */
uint64_t tn_http1_body_discard(tn_http1_exchange *exchange, uint64_t limit);
/* Its response is complete: notes when it will have left. */
void tn_http1_exchange_leaves(tn_http1_exchange *exchange);
/* Of those that are leaving, those that have left are over; `all`: whether they have or not. */
void tn_http1_exchanges_left(tn_http1_connection *connection, bool all);
/* An answer of our own, complete at once: `status` with the reason as its text. Only without a response. */
void tn_http1_respond_plainly(tn_http1_connection *connection, tn_http1_exchange *exchange,
                              int status, const char *reason);

/* ---- connections --------------------------------------------------------------------------------------- */

/* What the connection's deadline is for. */
typedef enum tn_http1_deadline {
  TN_DEADLINE_NONE,
  TN_DEADLINE_START, /* nothing has come yet */
  TN_DEADLINE_IDLE,
  TN_DEADLINE_HEAD,
  TN_DEADLINE_BODY,
  TN_DEADLINE_WRITE,
  TN_DEADLINE_HALF_CLOSED,
  TN_DEADLINE_LINGER,
} tn_http1_deadline;

/*   in:   |  used  | read, not yet used |  room  |
 *         0     in_start             in_end      cap
 *   out:  |  sent   |  to be sent  |   gap   | body bytes |  room  |
 *         0     out_start        gap_at  +TN_GAP_SIZE  out_end      cap
 * Invariant: a gap (has_gap) is room for what can only be written once what follows it is known: the end of a head,
 * a chunk's size. Nothing behind a gap has been sent. A connection that has nothing in a buffer between two turns has
 * no buffer: the strings of a request lie in its exchange's arena. */
struct tn_http1_connection {
  tn_connection *base;
  tn_http_server *server;
  const tn_http_server_options *options;
  tn_http1_pool *pool;
  /* the request that is answered, or the response that is not complete; or NULL */
  tn_http1_exchange *exchange;

  tn_http1_buffer *in;
  uint32_t in_start;
  uint32_t in_end;
  size_t scanned;       /* of the head at in_start */
  uint8_t empty_lines;  /* before it */
  bool is_readable;     /* a read may give something */
  bool input_has_ended; /* and it has been read */

  tn_http1_buffer *out;
  uint32_t out_start;
  uint32_t out_end;
  uint32_t gap_at;
  bool has_gap;
  bool is_blocked; /* the system takes no more for now */
  uint64_t sent;   /* bytes that it ever took */
  /* Complete responses that lie in `out`, the connection's exchange perhaps among them. */
  tn_http1_exchange *first_leaving, *last_leaving;
  /* bytes that were to be sent are gone: what would follow on them must not be sent */
  bool has_lost_output;

  bool is_in_handler; /* a handler's request function is running */
  bool has_had_request;
  bool closes;       /* no request after this one */
  bool is_lingering; /* all is said; what the client still sends is thrown away for a while */
  bool is_broken;    /* to be ended at the next chance, for `why` */
  bool resets;
  tn_http_code why;
  uint64_t drained; /* bytes of an abandoned body, or while lingering */
  tn_http1_deadline deadline_kind;
};

/* Input. All give bytes, 0 for none now, TN_HTTP_END, or a failure. */
static inline size_t tn_http1_in_size(const tn_http1_connection *c) {
  return c->in_end - c->in_start;
}
/* Reads more into the buffer, which may grow to hold `limit` bytes; 0 also when it is full. */
int64_t tn_http1_input_fill(tn_http1_connection *connection, size_t limit);
/* Bytes from the buffer, or straight from the socket when it is empty. */
int64_t tn_http1_input_take(tn_http1_connection *connection, uint8_t *out, size_t size);
/* Bytes that the socket has now, as far as the system tells. */
size_t tn_http1_input_pending(const tn_http1_connection *connection);
/* The buffer goes back to the pool when it is empty. */
void tn_http1_input_trim(tn_http1_connection *connection);

/* Output. */
enum { TN_GAP_SIZE = 96 };
static inline size_t tn_http1_out_size(const tn_http1_connection *c) {
  return c->out_end - c->out_start;
}
/* Something that was to be sent cannot be: breaks the connection, and nothing that is appended later leaves. */
void tn_http1_output_lose(tn_http1_connection *connection, tn_http_code why);
/* Appends; out of memory loses it. */
void tn_http1_output_append(tn_http1_connection *connection, const void *bytes, size_t size);
void tn_http1_output_open_gap(tn_http1_connection *connection);
/* Puts `text` (at most TN_GAP_SIZE bytes) in place of the gap. */
void tn_http1_output_close_gap(tn_http1_connection *connection, const char *text, size_t size);
/* Sends what there is, then `bytes`, then `tail`, keeping what the system does not take. There is no gap. */
void tn_http1_output_send(tn_http1_connection *connection, tn_str bytes, tn_str tail);
/* Decides what is open in the response (delimiter, chunk) and sends everything, unless the client takes
 * nothing. */
void tn_http1_response_send(tn_http1_connection *connection);

/* Something is to be done at the end of this turn. */
void tn_http1_connection_defer(tn_http1_connection *connection);
/* The connection cannot go on; it is ended at the end of this turn at the latest. */
void tn_http1_connection_break(tn_http1_connection *connection, tn_http_code why, bool resets);
/* The deadline that fits the state. Progress starts it anew. */
void tn_http1_connection_update_deadline(tn_http1_connection *connection);

#endif
