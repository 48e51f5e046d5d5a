/* The client from within. client.c makes it, client_call.c is the life of a call, client_pool.c hands connections out,
 * client_dial.c makes them, client_http1_*.c and client_http2.c are what is spoken on them.
 *
 *   call ──▶ pool ──▶ idle connection ───────────────▶ HTTP/1.1 or HTTP/2 ──▶ call's handler, bodies' observers
 *             │ └───▶ dial: lookup, connect, proxy, TLS ──▲
 *             └─────▶ queue, until a connection is free
 *
 * Who calls whom: what the user calls (tn_http_client_call, reads, writes) never calls back; it notes what is to be
 * told in call->events and defers. What the loop calls (sockets, alarms, deferred) does its work first and tells last
 * (tn_client_call_tell), when nothing of its own is touched any more. For src/http/client*.c only. */
#ifndef TN_HTTP_CLIENT_PARTS_H
#define TN_HTTP_CLIENT_PARTS_H

#include "base/buffer.h"
#include "http/client/client.h"
#include "http/client/proxy.h"
#include "http/client/resolver.h"
#include "http/http1/http1.h"
#include "http/http2/client.h"
#include "http/transport.h"

typedef struct tn_client_origin tn_client_origin;
typedef struct tn_client_connection tn_client_connection;
typedef struct tn_client_dial tn_client_dial;

enum {
  /* what a call reads into at first, and what small writes gather up to */
  TN_CLIENT_BUFFER = 16384,
  TN_CLIENT_CAPACITY = 65536, /* what one write may bring: all of it may have to be kept */
  TN_CLIENT_BUCKETS = 256,
};

/* Adds to one of the counters, which other threads read. */
static inline void tn_client_count(uint64_t *counter, int64_t change) {
  __atomic_store_n(counter, *counter + (uint64_t)change, __ATOMIC_RELAXED);
}

/* ---- the client ------------------------------------------------------------------------------ */

/* Invariants: connections counts those open and those being made, of all origins; `idle` has the idle ones of all
 * origins, the longest idle first; `hungry` the origins whose first waiting call lacks nothing but a place among
 * max_connections, in the order in which they get one. */
struct tn_http_client {
  tn_loop *loop;
  tn_http_client_options options;
  tn_arena arena; /* of what the options point to */
  tn_client_proxies proxies;
  tn_resolver *resolver;
  tn_tls_context *tls;
  tn_http_client_counters counters;
  uint64_t seed;
  tn_client_origin *buckets[TN_CLIENT_BUCKETS];
  uint32_t connections;
  struct {
    tn_client_connection *first;
    tn_client_connection *last;
  } all, idle;
  struct {
    tn_client_origin *first;
    tn_client_origin *last;
  } hungry;
  tn_alarm idle_alarm;
  tn_http_call *calls;
  tn_http_call *free_calls;
  uint32_t free_count;
  bool is_closing; /* nothing new is begun */
};

/* The TLS context for https, made at the first use. */
tn_error *tn_client_tls(tn_http_client *client, tn_tls_context **out);

/* ---- whom to call ---------------------------------------------------------------------------- */

/* One target under one set of rights. Exists while it has a connection or a call. Invariants: `connections`
 * counts those open and those being made; while calls wait there is no idle connection and no room on an
 * HTTP/2 one. */
struct tn_client_origin {
  tn_client_origin *next; /* in its bucket */
  tn_http_client *client;
  uint64_t hash;
  const void *policy_key;
  const tn_client_proxy *proxy; /* NULL: called directly */
  bool is_tls;
  /* the first connection is being made: it tells whether HTTP/2 is spoken, so others wait for it */
  bool is_probing;
  bool is_known; /* … and it has told, or failed */
  bool is_hungry;
  bool is_forgotten; /* its key stands for nobody any more: no new call finds it */
  uint32_t connections;
  uint32_t calls;             /* that point here */
  tn_client_connection *idle; /* HTTP/1.1, the last used first */
  uint32_t idle_count;
  tn_client_connection *shared; /* HTTP/2 */
  struct {
    tn_http_call *first;
    tn_http_call *last;
  } waiting;
  tn_client_origin *next_hungry;
  tn_client_origin *previous_hungry;
  tn_client_target target;
};

/* ---- connections ----------------------------------------------------------------------------- */

/* Invariants: `call` is set exactly while an HTTP/1.1 one is used, and call->connection points back;
 * `http2` exactly for HTTP/2. Linked in client->all; when nobody uses it also in client->idle, and in
 * origin->idle (HTTP/1.1); HTTP/2 ones are always in origin->shared. */
struct tn_client_connection {
  tn_transport transport; /* first: its on_ready is given its address */
  tn_http_client *client;
  tn_client_origin *origin;
  tn_client_dial *dial; /* while it is being made */
  tn_http_call *call;
  tn_http2_client *http2;
  uint64_t idle_since;
  uint64_t uses;
  bool is_idle;
  bool is_readable; /* a read may give something */
  bool is_blocked;  /* a write gave less than all */
  bool is_hung_up;  /* an end or an error is to be read behind the last bytes */
  bool is_broken;   /* a write has failed */
  struct {
    tn_client_connection *next;
    tn_client_connection *previous;
  } in_all, in_idle, in_origin;
};

/* ---- calls ----------------------------------------------------------------------------------- */

typedef enum tn_client_state {
  TN_CALL_WAITING, /* for a connection, in its origin's queue */
  TN_CALL_DIALING,
  TN_CALL_STARTED, /* has a connection; no response yet */
  TN_CALL_RESPONDED,
  TN_CALL_FAILED,
} tn_client_state;

enum {                          /* what is to be told */
       TN_CALL_TELL_RESULT = 1, /* response or failed */
       TN_CALL_TELL_IN = 2,
       TN_CALL_TELL_OUT = 4,
};

typedef enum tn_client_deadline {
  TN_CALL_NO_DEADLINE,
  TN_CALL_CONNECT,
  TN_CALL_FIRST_BYTE,
  TN_CALL_BETWEEN_BYTES,
} tn_client_deadline;

/*   in:   |  taken  |  data of the body  |  trailers so far  |  room  |     (before the response: head so far, room)
 *         0      in_start           in_data              in_end    in_cap
 * Body to be sent: `pending` has bytes of the body that have not been framed, `out` bytes for the wire, sent up to
 * out_start. Invariants: `origin` is set until the call is over; `connection` while it uses HTTP/1.1, `http2` once it
 * uses HTTP/2; pending.len <= TN_CLIENT_BUFFER but for HTTP/1.1 bodies behind a blocked connection. */
struct tn_http_call {
  tn_http_incoming incoming;
  tn_http_outgoing outgoing;
  tn_http_client *client; /* NULL: it is gone */
  tn_http_call *next;     /* among the client's, or the free ones */
  tn_http_call *previous;
  tn_http_call_options options;
  tn_http_call_handler handler;
  void *data;
  tn_arena arena; /* request, response, detail, trailers */
  tn_http_request request;
  tn_client_state state;
  uint8_t events; /* to be told */
  bool is_telling;
  bool is_released;
  bool is_retry;
  tn_http_call_failure failure; /* when FAILED, or has_fault */
  tn_deferred deferred;         /* sends what has gathered, tells events */
  tn_alarm alarm;               /* moved lazily: may fire before `deadline` */
  uint64_t deadline;
  tn_client_deadline deadline_kind;
  /* when the peer has to have taken more of `out`; 0: nothing waits to be sent */
  uint64_t upload_deadline;
  uint64_t sent_before; /* `sent`, when that was set */

  tn_client_origin *origin;
  tn_http_call *next_waiting;
  tn_http_call *previous_waiting;
  bool is_queued;
  tn_client_dial *dial;
  tn_client_connection *connection;

  /* The request's body. */
  tn_buffer pending;
  tn_buffer out;
  size_t out_start;
  uint64_t written; /* by the user */
  uint64_t sent;    /* to the system, of all bytes on this connection */
  bool is_finished; /* no more will come */
  bool is_aborted;
  bool is_chunked;
  bool head_is_out; /* composed, in `out` or sent */
  bool end_is_out;  /* and so is the end of the body */
  bool is_deaf;     /* the peer takes no more of the body */
  bool wants_room;
  tn_http_fields trailers; /* to be sent */

  /* The response. */
  tn_http_response response;
  tn_http1_framing framing;
  tn_http1_chunks chunks;
  uint64_t left; /* of a body with a length: not read from the connection yet */
  uint8_t *in;
  uint32_t in_cap;
  uint32_t in_start;
  uint32_t in_data;
  uint32_t in_end;
  size_t scanned; /* of the head or the trailers */
  uint32_t informational;
  bool body_is_complete;
  bool has_surplus; /* bytes behind the response */
  bool wants_data;
  bool is_abandoned;
  bool has_fault;         /* the body fails */
  tn_http_incoming *body; /* what the user reads: `incoming` or that of HTTP/2 */

  tn_http2_call *http2;
  tn_http_outgoing *http2_body;
};

static inline tn_str tn_client_host(const tn_client_origin *origin) {
  return (tn_str){origin->target.host, origin->target.host_size};
}

/* client_call.c */

/* Fails it: whatever it holds is let go, and the user told at the end of this turn. Not for a call that is
 * over. */
void tn_client_call_fail(tn_http_call *call, tn_http_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The alert of a connection whose failure was TLS_ALERT_RECEIVED. */
void tn_client_note_alert(tn_http_call_failure *failure, const tn_transport *transport);
/* Makes sure that something happens at the end of this turn. */
void tn_client_call_defer(tn_http_call *call);
/* Tells what is to be told. The call may be gone afterwards. */
void tn_client_call_tell(tn_http_call *call);
void tn_client_call_set_deadline(tn_http_call *call, tn_client_deadline kind, uint64_t timeout);
/* Some of `out` has been sent, or now waits to be. */
void tn_client_call_watch_upload(tn_http_call *call);
/* Gives a call's memory back to the system. */
void tn_client_call_free(tn_http_call *call);
/* Cuts it off from a client that goes away. */
void tn_client_call_orphan(tn_http_call *call);
/* A copy with all its strings. False: out of memory. */
bool tn_client_copy_fields(tn_arena *arena, const tn_http_fields *from, tn_http_fields *out);

/* client_pool.c */

void tn_client_pool_init(tn_http_client *client);
/* Closes all connections; no call uses one. */
void tn_client_pool_delete(tn_http_client *client);

/* The origin of a target, made if need be; NULL when out of memory. */
tn_client_origin *tn_client_origin_get(tn_http_client *client, const tn_client_target *target,
                                       bool is_tls, const void *policy_key);
/* Called when one of `calls` or `connections` may have become 0: it may be gone afterwards. */
void tn_client_origin_check(tn_client_origin *origin);
/* Finds a connection for a call with an origin, now or later. */
void tn_client_pool_request(tn_http_call *call);
/* Takes the call out of its queue. */
void tn_client_pool_cancel(tn_http_call *call);
/* A dial is over: with a connection, which now belongs to `call`, or without (both NULL): it has failed or
 * was given up. */
void tn_client_pool_dialed(tn_client_origin *origin, tn_http_call *call,
                           tn_client_connection *connection);
/* The call is done with its HTTP/1.1 connection, which is kept or closed. */
void tn_client_pool_give_back(tn_http_call *call, bool may_reuse);
/* Closes a connection, which no HTTP/1.1 call uses, and frees it. */
void tn_client_connection_close(tn_client_connection *connection, bool reset);
/* Room may have come up on an HTTP/2 connection, or its last call ended. */
void tn_client_pool_changed(tn_client_connection *connection);

/* client_dial.c */

/* Begins to connect for a call; tells by tn_client_pool_dialed, or fails the call first, never from within.
 * False: out of memory. */
bool tn_client_dial_start(tn_http_call *call);
/* Gives up; tells nobody. */
void tn_client_dial_cancel(tn_client_dial *dial);
/* The dial's connection attempt became ready in its TLS handshake. */
void tn_client_dial_handshake(tn_client_dial *dial);
/* What it is doing, for the message of a timeout, and the code that says so. */
tn_http_code tn_client_dial_phase(const tn_client_dial *dial, const char **doing);

/* client_http1_request.c: the request on an HTTP/1.1 connection */

extern const tn_http_outgoing_class tn_client_outgoing_class;
/* The call has got a connection: its request goes out from the end of this turn on, or with the body's end. */
void tn_client_http1_start(tn_http_call *call, tn_client_connection *connection);
/* Sends what has gathered. */
void tn_client_http1_flush(tn_http_call *call);
/* The rest of the body is not sent: the peer does not take it. */
void tn_client_http1_stop_sending(tn_http_call *call);
/* Whether all of the request is with the system. */
bool tn_client_http1_is_sent(const tn_http_call *call);

/* client_http1_response.c: the response */

extern const tn_http_incoming_class tn_client_incoming_class;
/* Goes on with what the socket allows. */
void tn_client_http1_progress(tn_http_call *call);
void tn_client_http1_ready(tn_client_connection *connection, int events);
/* The call will not read the rest: gives the connection back or closes it. */
void tn_client_http1_abandon(tn_http_call *call);

/* client_http2.c */

tn_error *tn_client_http2_connect(tn_client_connection *connection);
void tn_client_http2_start(tn_http_call *call, tn_client_connection *connection);
/* Hands the gathered body over. */
void tn_client_http2_flush(tn_http_call *call);

#endif
