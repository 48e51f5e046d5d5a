/* What an HTTP message is to everyone above the wire: heads, fields, bodies, exchanges. HTTP/1.1 and HTTP/2,
 * server and client, plain and TLS, all offer exactly this; whoever handles messages (src/wasi/http,
 * src/serve) sees no socket and no protocol. Knows nothing of WebAssembly.
 *
 * Threads: a message belongs to the loop's thread that it came from. Nothing here blocks: what cannot be
 * done now says so, and an observer is called when it may be tried again. */
#ifndef TN_HTTP_MESSAGE_H
#define TN_HTTP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/str.h"
#include "http/code.h"
#include "tenon.h"

/* ---- fields ------------------------------------------------------------------------------------ */

typedef struct tn_http_field {
  tn_str name; /* in the case in which it came or was given; compared without regard to case */
  tn_str value;
} tn_http_field;

/* An ordered list of fields, repeated names included. Strings and items lie in whatever arena their owner
 * says. */
typedef struct tn_http_fields {
  tn_http_field *items;
  uint32_t count;
  uint32_t cap;
} tn_http_fields;

/* RFC 9110 5.6.2: at least one character, all of them tchar. */
bool tn_http_is_field_name(tn_str name);
/* RFC 9110 5.5: no control characters but HTAB within, no NUL, CR or LF, no blank at either end. */
bool tn_http_is_field_value(tn_str value);
bool tn_http_is_method(tn_str method);
/* What a guest may give as a path with query, as a URI authority, as a scheme. */
bool tn_http_is_path(tn_str path);
bool tn_http_is_authority(tn_str authority);
bool tn_http_is_scheme(tn_str scheme);
/* Without regard to ASCII case. */
bool tn_http_name_equal(tn_str a, tn_str b);
/* Fields that belong to one connection and are never passed on: Connection, Keep-Alive, Proxy-Connection,
 * Transfer-Encoding, Upgrade, TE (but for "trailers"), HTTP2-Settings. */
bool tn_http_is_hop_by_hop(tn_str name);

/* Whether a response of this status may come before the one that answers: 101 may not, as what follows it is no
 * HTTP (RFC 9110 15.2). */
bool tn_http_may_inform(int status);

/* Whether a response of this status has no content, whatever is written (RFC 9110 6.4.1, 15.3.6). */
bool tn_http_is_bodyless(int status);

/* Appends; grows `items` within the arena. False when out of memory. Copies nothing. */
bool tn_http_fields_add(tn_arena *arena, tn_http_fields *fields, tn_str name, tn_str value);
/* The first field of that name, or NULL. */
const tn_http_field *tn_http_fields_find(const tn_http_fields *fields, tn_str name);

/* ---- heads --------------------------------------------------------------------------------------- */

enum { TN_HTTP_1_0 = 10, TN_HTTP_1_1 = 11, TN_HTTP_2 = 20 };

#define TN_HTTP_UNKNOWN_LENGTH UINT64_MAX

typedef struct tn_http_request {
  tn_str method;
  tn_str scheme;    /* "http", "https" */
  tn_str authority; /* from Host, :authority or an absolute target; may be empty */
  tn_str path;      /* path and query, "/" at least; "*" for OPTIONS *; empty for CONNECT */
  /* without Host (it is `authority`), framing and hop-by-hop fields kept out */
  tn_http_fields fields;
  uint64_t body_length; /* TN_HTTP_UNKNOWN_LENGTH: not known before its end */
  uint8_t version;
  struct sockaddr_storage peer; /* server: who asks */
} tn_http_request;

typedef struct tn_http_response {
  uint16_t status;       /* 100-999 */
  tn_http_fields fields; /* Content-Length, if any, is checked against what is written */
  uint64_t body_length;  /* TN_HTTP_UNKNOWN_LENGTH, or what Content-Length says */
  uint8_t version;
} tn_http_response;

/* ---- observers ------------------------------------------------------------------------------------ */

/* Called when a body's state may have changed: bytes, room, end or error. Never from within a call that the
 * observer itself makes into the same body. NULL func: nobody looks. */
typedef struct tn_http_observer {
  void (*func)(void *data);
  void *data;
} tn_http_observer;

/* Results below 0 of reads and writes. A failure with code c is -1 - c. */
#define TN_HTTP_END INT64_MIN /* no more will come (read), or nobody takes any more (write) */
static inline int64_t tn_http_failure(tn_http_code code) {
  return -1 - (int64_t)code;
}
static inline tn_http_code tn_http_failure_code(int64_t result) {
  return (tn_http_code)(-1 - result);
}

/* ---- a body that comes in -------------------------------------------------------------------------- */

typedef struct tn_http_incoming tn_http_incoming;

typedef struct tn_http_incoming_class {
  /* Bytes that a read of `wanted` would give now without waiting, as far as is known; 0: none, or unknown. */
  size_t (*available)(tn_http_incoming *incoming, size_t wanted);
  /* Reads up to `size` (> 0) bytes, straight from the socket into `out` where that can be. Gives how many,
   * 0 for none at present, TN_HTTP_END, or a failure. Reading is what opens the window for more. */
  int64_t (*read)(tn_http_incoming *incoming, uint8_t *out, size_t size);
  /* Whether read would give anything but 0. */
  bool (*is_ready)(tn_http_incoming *incoming);
  /* Nobody will read the rest: it is thrown away within reason, or its connection or stream ends. */
  void (*abandon)(tn_http_incoming *incoming);
} tn_http_incoming_class;

/* Head of every incoming body. Lives as long as its exchange or call. */
struct tn_http_incoming {
  const tn_http_incoming_class *class;
  tn_http_observer observer;
  /* The failure that a read gives, or will give behind what has come; 0: none so far. */
  int64_t failure;
  /* After TN_HTTP_END: the trailers, or none (count 0). In the exchange's arena. */
  tn_http_fields trailers;
};

/* ---- a body that goes out -------------------------------------------------------------------------- */

typedef struct tn_http_outgoing tn_http_outgoing;

typedef struct tn_http_outgoing_class {
  /* How many bytes write takes now: more than 0, 0 for none at present (back-pressure), TN_HTTP_END, or a
   * failure. */
  int64_t (*capacity)(tn_http_outgoing *outgoing);
  /* Takes all of `size` bytes, at most what capacity gave. Large ones go straight to the socket; small ones
   * are kept until they are flushed, until there are enough of them, or until the guest waits. Gives 0,
   * TN_HTTP_END or a failure. HTTP_RESPONSE_BODY_SIZE when Content-Length promised less. */
  int64_t (*write)(tn_http_outgoing *outgoing, const uint8_t *bytes, size_t size);
  /* What was written leaves at the end of this turn of the loop at the latest, whatever happens to the rest. */
  void (*flush)(tn_http_outgoing *outgoing);
  /* Whether all that was written has been handed to the system, or will be at the end of this turn: false
   * only while the client takes no more. */
  bool (*is_flushed)(tn_http_outgoing *outgoing);
  /* The body is complete, `trailers` (may be NULL) follow. A body shorter than promised ends as `abort`
   * does, and false is returned. The object is not used by the caller afterwards. */
  bool (*finish)(tn_http_outgoing *outgoing, const tn_http_fields *trailers);
  /* It will never be complete: the peer must notice (chunked: no last chunk, HTTP/2: RST_STREAM). A
   * response of which nothing was flushed or has left may be taken back instead: see
   * tn_http_exchange.is_retracted. The object is not used by the caller afterwards. */
  void (*abort)(tn_http_outgoing *outgoing);
} tn_http_outgoing_class;

/* Head of every outgoing body. Lives as long as its exchange or call. */
struct tn_http_outgoing {
  const tn_http_outgoing_class *class;
  tn_http_observer observer;
};

/* ---- server: one request and its response ---------------------------------------------------------- */

typedef struct tn_http_exchange tn_http_exchange;

typedef struct tn_http_exchange_class {
  /* An informational response. False: not possible (HTTP/1.0, the head is out, 101, 100 for the second time, or
   * the client takes nothing). */
  bool (*inform)(tn_http_exchange *exchange, const tn_http_response *head);
  /* The response's head, once. Strings are copied. Hop-by-hop fields are left out, Date and what frames the
   * body are added. Gives the body to write to (for HEAD, 204, 205, 304 too: what is written there is dropped),
   * or NULL when the client is gone. */
  tn_http_outgoing *(*respond)(tn_http_exchange *exchange, const tn_http_response *head);
  /* No response, or none that can be completed: HTTP/1 closes the connection, HTTP/2 resets the stream. */
  void (*abort)(tn_http_exchange *exchange);
  /* The handler is done with it and everything in it. The rest of a response goes out all the same. */
  void (*release)(tn_http_exchange *exchange);
} tn_http_exchange_class;

/* Made by a server connection for each request, given to tn_http_handler.request, and the handler's until it
 * calls `release`; it and all in it stay valid until then, even when the client is gone. */
struct tn_http_exchange {
  const tn_http_exchange_class *class;
  tn_arena arena; /* of request strings; the handler may use it too */
  tn_http_request request;
  tn_http_incoming *body; /* never NULL: a request without one gives TN_HTTP_END at once */
  bool is_closed;         /* the client is gone, or the exchange timed out or was aborted */
  /* The response was aborted before anything of it had left, and was taken back: as if `respond` had not
   * been called, which may be called again, to tell the client what went wrong. Cleared by that. If the
   * exchange is released instead, the client gets no response. */
  bool is_retracted;
  uint64_t bytes_in; /* of the body, so far */
  uint64_t bytes_out;
  uint64_t started; /* CLOCK_MONOTONIC, when its head was complete, and */
  uint64_t
      ended; /* when its response had been handed to the system, or the client was gone; 0: not yet */
  void *handler_data; /* the handler's own */
};

/* Who answers the requests of a server. All on the loop's thread. */
typedef struct tn_http_handler {
  /* A request with a complete head. Must sooner or later release the exchange. */
  void (*request)(void *data, tn_http_exchange *exchange);
  /* The client is gone, or `code` says what else ended the exchange (a timeout, a body too large): nothing that
   * is written will arrive. At most once, never after `release`, never from within `request`. */
  void (*closed)(void *data, tn_http_exchange *exchange, tn_http_code code);
  /* A request that was refused before it became an exchange, for logs and counters: status 400, 408, 413, 414,
   * 431, 501, 505 … and what was wrong. May be NULL. */
  void (*refused)(void *data, const struct sockaddr *peer, int status, const char *reason);
  /* The request's body is at fault (too late, too large) without that anybody reads it, and there is no response
   * yet: the handler may give a whole one here, or the client gets a plain one. `closed` follows; that response goes
   * out all the same. Must not release the exchange; never from within `request`. May be NULL. */
  void (*faulted)(void *data, tn_http_exchange *exchange, tn_http_code code);
  /* `ended` has been set after `release`: the last that is heard of it. May come at any time, and may do nothing but
   * look. May be NULL. */
  void (*ended)(void *data, const tn_http_exchange *exchange);
  /* A connection has gone, and its buffers with it. May be NULL. */
  void (*disconnected)(void *data);
} tn_http_handler;

#endif
