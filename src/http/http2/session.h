/* What the two ends of HTTP/2 have in common: an nghttp2 session on a transport, and streams with their two bodies. For
 * http2_*.c only.
 *
 *   transport ─read─▶ nghttp2 ─callbacks─▶ streams note what is new ─dispatch─▶ owner, observers
 *   transport ◀─write─ out ◀─frames─ nghttp2 ◀─data─ streams ◀─write─ owner
 *
 * nghttp2's callbacks only note what happened. Nobody outside is called before nghttp2 has returned, so that whoever is
 * called may do anything, the end of the session included. */
#ifndef TN_HTTP_HTTP2_SESSION_H
#define TN_HTTP_HTTP2_SESSION_H

#include <nghttp2/nghttp2.h>

#include "base/buffer.h"
#include "http/message.h"
#include "http/transport.h"
#include "loop/loop.h"

enum {
  TN_HTTP2_STREAM_WINDOW = 256 << 10, /* bytes that a peer may send before somebody reads them */
  TN_HTTP2_CONNECTION_WINDOW = 1 << 20,
};

typedef struct tn_http2_session tn_http2_session;
typedef struct tn_http2_stream tn_http2_stream;

/* A queue of bytes in one block. Invariant: start <= end <= cap. Zeroed: empty. */
typedef struct tn_http2_bytes {
  uint8_t *data;
  size_t start;
  size_t end;
  size_t cap;
} tn_http2_bytes;

static inline size_t tn_http2_bytes_size(const tn_http2_bytes *bytes) {
  return bytes->end - bytes->start;
}
/* False when out of memory. */
bool tn_http2_bytes_add(tn_http2_bytes *bytes, const void *from, size_t size);
void tn_http2_bytes_take(tn_http2_bytes *bytes, size_t size);
void tn_http2_bytes_free(tn_http2_bytes *bytes);

/* What a stream has to tell; lower ones first. */
enum {
  TN_HTTP2_NOTICE_HEAD = 1,     /* the owner: a complete head has come */
  TN_HTTP2_NOTICE_INCOMING = 2, /* the observer of the body that comes in */
  TN_HTTP2_NOTICE_OUTGOING = 4, /* the observer of the body that goes out */
  TN_HTTP2_NOTICE_END = 8,      /* the owner: it ended otherwise than it should */
};

/* One stream; part of its owner's struct. Invariants: in the session's list from attach until it is closed
 * there and the owner has released it, or the session ends (session == NULL then); in the list of notices
 * while `notices` is not 0. */
struct tn_http2_stream {
  tn_http2_session *session;
  tn_arena *arena; /* for trailers */
  int32_t id;      /* 0: none yet */
  bool is_closed;  /* both directions, or reset */
  unsigned notices;
  tn_http2_stream *next, *previous;
  tn_http2_stream *next_noticed, *previous_noticed;

  tn_http_incoming incoming;
  tn_http2_bytes received; /* not read yet */
  tn_http_fields trailers; /* as they come; given to `incoming` at the end */
  int64_t in_result; /* 0: more may come; else what follows `received`: TN_HTTP_END or a failure */
  uint64_t bytes_in;
  uint64_t reading_since; /* a read found nothing: loop time; 0: nobody waits */
  bool is_abandoned;      /* what comes is thrown away */
  bool is_remote_end;     /* END_STREAM has come */

  tn_http_outgoing outgoing;
  tn_http2_bytes pending; /* written, not framed yet */
  uint32_t limit;         /* of `pending` */
  uint64_t promised;      /* bytes that are still to be written, or TN_HTTP_UNKNOWN_LENGTH */
  int64_t out_result;     /* 0: takes more; else TN_HTTP_END or a failure */
  uint64_t *bytes_out;    /* the owner's count of what was written to be sent; may be NULL */
  uint64_t sent_mark;     /* where in what the session sends this stream's newest bytes end */
  /* everything was sent, but the peer goes on, unread: loop time; 0: it does not */
  uint64_t unwanted_since;
  uint64_t writing_since; /* `pending` has not shrunk since: loop time; 0: it is empty */
  uint64_t write_timeout; /* for that; the session's, unless the owner sets another; 0: none */
  bool drops_body;        /* a response that has none (HEAD, 204, 205, 304) */
  bool is_finished;       /* `finish` was called */
  bool is_cut;            /* the stream is reset when `pending` has left */
  bool is_committed;      /* `flush` was called */
  bool is_suspended;      /* nghttp2 has found nothing to send and waits to be told */
  bool wants_room;        /* a write or capacity found no room */
  bool wants_flush;       /* is_flushed was false */
  bool is_local_end;      /* END_STREAM has been framed */
  bool is_leaving;        /* but has not been sent: in the session's list of those */
  uint64_t end_mark;      /* where in what the session sends it ends */
  tn_http2_stream *next_leaving;
  nghttp2_nv *trailer_items;
  size_t trailer_count;
  /* A response's head that nghttp2 has not been given; in the session's list of those while `head_waits`. */
  nghttp2_nv *head_items;
  size_t head_count;
  bool head_waits;
  tn_http2_stream *next_waiting, *previous_waiting;
};

/* What is different at the two ends. */
typedef struct tn_http2_session_class {
  /* Has the stream's HEAD or END notice. May free the stream, or the session. */
  void (*notice)(tn_http2_stream *stream, unsigned notice);
  /* No failure is pending and the first bytes of a body are wanted: a server says 100 Continue. May be NULL. */
  void (*before_read)(tn_http2_stream *stream);
  /* The bodies' owners are done with a direction. */
  void (*abandoned)(tn_http2_stream *stream);
  void (*finished)(tn_http2_stream *stream, bool is_aborted);
  /* A body that somebody waits for has not come in time. True: that is dealt with; else the stream is reset. May be
   * NULL. */
  bool (*late)(tn_http2_stream *stream);
  /* Its end has been sent, see tn_http2_stream_leaves, or never will be. Must not free it. Of a server. */
  void (*left)(tn_http2_stream *stream);
  /* Something is to be looked at by `check_at` (tn_http2_session.check_at has become earlier). */
  void (*check)(tn_http2_session *session);
} tn_http2_session_class;

/* What nghttp2 tells of what comes and goes; those that one end does not need are NULL. */
typedef struct tn_http2_callbacks {
  bool is_server;
  nghttp2_on_begin_frame_callback begin_frame;
  nghttp2_on_begin_headers_callback begin_headers;
  nghttp2_on_header_callback header;
  nghttp2_on_data_chunk_recv_callback data;
  nghttp2_on_frame_recv_callback frame;
  nghttp2_on_invalid_frame_recv_callback invalid_frame;
  nghttp2_on_frame_send_callback frame_sent;
  nghttp2_on_stream_close_callback stream_close;
} tn_http2_callbacks;

/* Invariant: after `failure` is set nghttp2 is not called any more, but to free it. */
struct tn_http2_session {
  const tn_http2_session_class *class;
  nghttp2_session *nghttp2;
  tn_transport *transport;
  tn_loop *loop;
  tn_deferred *deferred; /* the owner's, whose function calls tn_http2_session_send */
  tn_http2_stream *streams;
  uint32_t stream_count;
  tn_http2_stream *first_noticed, *last_noticed;
  tn_http2_stream *first_waiting, *last_waiting; /* their heads, see tn_http2_head_keep */
  tn_http2_stream *first_leaving,
      *last_leaving;      /* is_leaving, in the order in which they will have left */
  tn_http2_bytes out;     /* frames that the transport has not taken */
  uint64_t queued;        /* bytes that ever went into `out`, and */
  uint64_t sent;          /* out of it */
  bool is_blocked;        /* the transport takes nothing now */
  bool has_flush_waiters; /* some stream wants_flush */
  bool has_more_to_read;  /* it may: reading has stopped before it said that there is nothing */
  bool is_reading_paused; /* so many answers wait to be sent that nothing is read */
  uint64_t blocked_since; /* loop time */
  uint64_t check_at;      /* when a stream may have waited for too long; UINT64_MAX: never */
  uint64_t read_timeout;  /* see reading_since; 0: none */
  uint64_t write_timeout;
  uint64_t *bytes_in; /* counters of the owner's, read by other threads; may be NULL */
  uint64_t *bytes_out;
  int64_t failure;     /* 0, TN_HTTP_END (the peer has closed), or a failure */
  const char *problem; /* static, or the transport's */
  bool *is_deleted;    /* set when the session is freed, for whoever is calling out of it */
};

/* ---- the session ------------------------------------------------------------------------------------------ */

/* Makes its nghttp2 session, with the settings that both ends share. The callbacks' data is the session. False: out of
 * memory, and there is none. */
bool tn_http2_session_start(tn_http2_session *session, const tn_http2_callbacks *callbacks,
                            uint32_t max_header_bytes, uint32_t max_streams);
/* Detaches all streams (they fail with `why`, nobody is told) and frees what it has; not the struct. */
void tn_http2_session_free(tn_http2_session *session, tn_http_code why);

/* Gives bytes that have been read to nghttp2. */
void tn_http2_session_receive(tn_http2_session *session, const uint8_t *bytes, size_t size);
/* Reads what there is (up to a bound for one turn) and tells whom it concerns. False: the session has been
 * freed. */
bool tn_http2_session_read(tn_http2_session *session);
/* The transport is ready for `events`: has sent what waited for it, and reads. False: the session has been freed. */
bool tn_http2_session_ready(tn_http2_session *session, int events);
/* Sends what there is and tells whom it concerns. False: the session has been freed. */
bool tn_http2_session_send(tn_http2_session *session);
/* The same without telling anybody: for calls from outside. */
void tn_http2_session_flush(tn_http2_session *session);
/* Tells what is to be told. False: the session has been freed. */
bool tn_http2_session_dispatch(tn_http2_session *session);
/* Has the owner's deferred function run at the end of this turn. */
void tn_http2_session_schedule(tn_http2_session *session);
/* Has class->check called if `time` is earlier than what it waits for. */
void tn_http2_session_check_by(tn_http2_session *session, uint64_t time);
/* Fails everything that has waited for too long, sets check_at to when the next would. */
void tn_http2_session_check(tn_http2_session *session, uint64_t now);
/* The session is broken: nothing more is read or sent, all streams fail. */
void tn_http2_session_fail(tn_http2_session *session, int64_t failure, const char *problem);
bool tn_http2_session_is_sent(const tn_http2_session *session);

/* ---- streams ------------------------------------------------------------------------------------------------ */

/* Into the session's list, in which it is from here on. */
void tn_http2_stream_init(tn_http2_stream *stream, tn_http2_session *session, int32_t id,
                          tn_arena *arena, uint32_t limit);
/* Out of all lists, buffers freed; closed in nghttp2 before. */
void tn_http2_stream_free(tn_http2_stream *stream);
void tn_http2_stream_note(tn_http2_stream *stream, unsigned notice);
/* For nghttp2's callbacks. */
void tn_http2_stream_receive(tn_http2_stream *stream, const uint8_t *bytes, size_t size);
void tn_http2_stream_receive_end(tn_http2_stream *stream);
/* What is still to come of the peer's body fails, if it is not complete. */
void tn_http2_stream_fail_incoming(tn_http2_stream *stream, int64_t result);
/* Both bodies fail, as far as they are not complete. */
void tn_http2_stream_fail(tn_http2_stream *stream, int64_t in_result, int64_t out_result);
/* RST_STREAM with an HTTP/2 error code (RFC 9113 section 7). */
void tn_http2_stream_reset(tn_http2_stream *stream, uint32_t error);
/* Likewise, when what has been written is sent. */
void tn_http2_stream_cut(tn_http2_stream *stream);
/* All is sent and nothing that still comes is wanted: in a while the peer is told to stop (RST_STREAM
 * NO_ERROR). */
void tn_http2_stream_refuse_rest(tn_http2_stream *stream);
/* END_STREAM has just been framed: `left` is called once, and the stream must not be freed until then. */
void tn_http2_stream_leaves(tn_http2_stream *stream);
/* What nghttp2 takes the body from. */
nghttp2_data_provider tn_http2_stream_provider(tn_http2_stream *stream);
/* Throws away what has come and what comes. */
void tn_http2_stream_abandon(tn_http2_stream *stream);

/* ---- heads of responses (head.c) ------------------------------------------------------------- */

struct tn_http2_head;
/* Has the head sent, and the body after it if there is one, with what is sent next. False: out of memory. */
bool tn_http2_head_keep(tn_http2_stream *stream, const struct tn_http2_head *head, bool has_body);
/* It is not to be sent, if it has not been. */
void tn_http2_head_drop(tn_http2_stream *stream);
/* Gives nghttp2 those that wait. */
void tn_http2_heads_submit(tn_http2_session *session);

/* ---- fields (http2_fields.c) ----------------------------------------------------------------- */

/* A growing list of what goes into a HEADERS frame, in an arena; what it points to must live until it is
 * submitted. */
typedef struct tn_http2_head {
  tn_arena *arena;
  nghttp2_nv *items;
  size_t count;
  size_t cap;
  bool failed; /* out of memory */
} tn_http2_head;

void tn_http2_head_add(tn_http2_head *head, tn_str name, tn_str value);
/* What belongs to a connection (RFC 9113 section 8.2.2), and what is said in another way: the host, and the length,
 * which is a message's own only where it has a body. */
bool tn_http2_is_left_out(tn_str name);
/* All but those. */
void tn_http2_head_add_fields(tn_http2_head *head, const tn_http_fields *fields);
void tn_http2_head_add_number(tn_http2_head *head, tn_str name, uint64_t number);
/* Whether Content-Length is there and what it says. */
bool tn_http2_find_length(const tn_http_fields *fields, uint64_t *out);
/* What an error code of a reset stream means to whoever waits for it. */
tn_http_code tn_http2_code_of(uint32_t error);

#endif
