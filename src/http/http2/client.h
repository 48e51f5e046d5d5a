/* The client's end of an HTTP/2 connection (RFC 9113): many calls at once over one transport. For src/http/ only;
 * whoever opens connections and shares them out (the client's pool) owns the transport, this object works on it.
 *
 *   transport ready ──▶ tn_http2_client_ready ──▶ responses, bodies' observers
 *   tn_http2_client_call, writes to bodies ──▶ sent at the end of the loop's turn
 *
 * Nothing here calls back from within a call of its owner: `failed`, `closed` and `changed` come from
 * tn_http2_client_ready, from an alarm, or at the end of a turn. */
#ifndef TN_HTTP_HTTP2_CLIENT_H
#define TN_HTTP_HTTP2_CLIENT_H

#include "http/message.h"
#include "http/transport.h"
#include "loop/loop.h"

typedef struct tn_http2_client tn_http2_client;
typedef struct tn_http2_call tn_http2_call;

/* Times are nanoseconds, 0: without limit. */
typedef struct tn_http2_client_options {
  uint32_t max_header_bytes; /* of a response: more fails the call */
  uint32_t max_header_count;
  /* of a request's body that the peer does not take yet; then back-pressure */
  uint32_t write_buffer_bytes;
  uint64_t ping_timeout;  /* how long tn_http2_client_ping waits for the answer */
  uint64_t write_timeout; /* a peer that takes nothing for so long is gone */
} tn_http2_client_options;

typedef struct tn_http2_client_handler {
  /* tn_http2_client_room or tn_http2_client_calls may have changed. NULL: nobody looks. May delete the client. */
  void (*changed)(void *data, tn_http2_client *client);
  /* The connection is at its end: broken, closed by the peer, or drained. All calls have been told. Once;
   * the owner deletes the client (also from within) and stops the transport. `detail` lives until then. */
  void (*closed)(void *data, tn_http2_client *client, tn_http_code why, const char *detail);
} tn_http2_client_handler;

/* On a connected transport whose handshake is done; it stays its owner's, who forwards what `on_ready` says. The
 * preface and SETTINGS leave at the end of this turn; calls may be started at once. `handler` is copied. */
tn_error *tn_http2_client_new(tn_transport *transport, const tn_http2_client_options *options,
                              const tn_http2_client_handler *handler, void *data,
                              tn_http2_client **out);
void tn_http2_client_ready(tn_http2_client *client, int events);
/* Ends everything without calling anybody. Calls stay valid (and fail) until they are released. */
void tn_http2_client_delete(tn_http2_client *client);

/* How many more calls may be started now: the peer's limit less those under way; 0 once it has said GOAWAY, the
 * connection is broken, or it was drained. */
uint32_t tn_http2_client_room(const tn_http2_client *client);
/* Calls under way: started, and their stream not closed. */
uint32_t tn_http2_client_calls(const tn_http2_client *client);
/* Whether no call will ever be possible any more; `closed` follows when the last one is done. */
bool tn_http2_client_is_draining(const tn_http2_client *client);
/* No new calls: GOAWAY now, `closed` (code CONNECTION_TERMINATED) when the last call is done, at the end of
 * this turn at the earliest. */
void tn_http2_client_drain(tn_http2_client *client);
/* Asks whether the peer is there: without an answer in time the connection is broken (CONNECTION_TIMEOUT).
 * Does nothing while an answer is outstanding. For connections that were idle for long, next to the first
 * call on them. */
void tn_http2_client_ping(tn_http2_client *client);

/* Times are nanoseconds, 0: without limit. Running out fails the call with CONNECTION_READ_TIMEOUT, or
 * CONNECTION_WRITE_TIMEOUT where the peer takes no more of the request, and resets its stream; the connection goes on. */
typedef struct tn_http2_call_options {
  uint64_t first_byte_timeout; /* from the call's start, whether its head can be sent or not */
  /* of a body: the request's, until there is a response, and the response's, while somebody
   * waits for it */
  uint64_t between_bytes_timeout;
} tn_http2_call_options;

/* Exactly one of the two, never from within tn_http2_client_call; none after tn_http2_call_release. */
typedef struct tn_http2_call_handler {
  /* The response's head (not an informational one). It and the body live until tn_http2_call_release. */
  void (*response)(void *data, const tn_http_response *head, tn_http_incoming *body);
  /* No response. `may_retry`: the peer has not looked at the request (REFUSED_STREAM, GOAWAY with a lower
   * number, never sent), so that it may be sent again elsewhere if its body still can. `detail` lives until
   * the release. After `response`, failures are results of the body's `read` instead. */
  void (*failed)(void *data, tn_http_code code, const char *detail, bool may_retry);
} tn_http2_call_handler;

/* Starts a call; only while there is room (else an error). The head is copied; hop-by-hop fields are left
 * out. *body is written to and finished by the caller (also when there is none: finish at once); it and its
 * observer live until the release. request->body_length: 0 none, TN_HTTP_UNKNOWN_LENGTH, or what is
 * checked. */
tn_error *tn_http2_client_call(tn_http2_client *client, const tn_http_request *request,
                               const tn_http2_call_options *options,
                               const tn_http2_call_handler *handler, void *data,
                               tn_http2_call **out, tn_http_outgoing **body);
/* Whether the response's body has failed, and how. `*detail` (NULL: nothing is known) lives until the release. */
bool tn_http2_call_has_failed(const tn_http2_call *call, tn_http_code *code, const char **detail);
/* What the call's client works on; while it has one, as during `failed`. */
const tn_transport *tn_http2_call_transport(const tn_http2_call *call);
/* Done with the call and everything in it. What is unfinished is cancelled (RST_STREAM CANCEL). May be called from
 * within its handler's functions and its bodies' observers, and after tn_http2_client_delete. */
void tn_http2_call_release(tn_http2_call *call);

#endif
