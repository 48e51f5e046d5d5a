/* An nghttp2 session on a transport: bytes in, bytes out, and who is told when. */
#include "http/http2/session.h"

#include "base/alloc.h"

enum {
  READ_SIZE = 64 << 10,
  READS_A_TURN = 16,     /* then others get their turn */
  SEND_SIZE = 128 << 10, /* what is gathered for one write */
  /* frames that wait to be sent; the peer is not listened to until it takes them */
  MAX_ANSWERS = 2000,
};

/* RFC 9113 section 8.1: a peer whose message is not wanted any more is told so, unless it ends by itself:
 * most have only the end left to send when the answer is on its way to them. */
static const uint64_t unwanted_time = 100000000;

/* ---- what nghttp2 is given ------------------------------------------------------------------- */

static void *memory_malloc(size_t size, void *data) {
  (void)data;
  return tn_malloc(size);
}

static void memory_free(void *pointer, void *data) {
  (void)data;
  tn_free(pointer);
}

static void *memory_calloc(size_t count, size_t size, void *data) {
  (void)data;
  return tn_calloc(count, size);
}

static void *memory_realloc(void *pointer, size_t size, void *data) {
  (void)data;
  return tn_realloc(pointer, size);
}

static nghttp2_mem memory = {NULL, memory_malloc, memory_free, memory_calloc, memory_realloc};

static void count(uint64_t *counter, uint64_t amount) {
  if (counter != NULL) __atomic_store_n(counter, *counter + amount, __ATOMIC_RELAXED);
}

/* The body's bytes follow their frame's head without a copy in between. */
static int send_data(nghttp2_session *nghttp2, nghttp2_frame *frame, const uint8_t *head,
                     size_t size, nghttp2_data_source *source, void *data) {
  (void)nghttp2;
  (void)frame;
  tn_http2_session *session = data;
  tn_http2_stream *stream = source->ptr;
  enum { FRAME_HEAD = 9 };
  if (tn_http2_bytes_size(&session->out) >= SEND_SIZE) return NGHTTP2_ERR_WOULDBLOCK;
  /* The stream may have failed since nghttp2 asked for the bytes. */
  if (tn_http2_bytes_size(&stream->pending) < size) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  if (!tn_http2_bytes_add(&session->out, head, FRAME_HEAD) ||
      !tn_http2_bytes_add(&session->out, stream->pending.data + stream->pending.start, size))
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  session->queued += FRAME_HEAD + size;
  tn_http2_bytes_take(&stream->pending, size);
  stream->sent_mark = session->queued;
  bool is_empty = tn_http2_bytes_size(&stream->pending) == 0;
  stream->writing_since = is_empty ? 0 : tn_loop_time(session->loop);
  if (stream->wants_room && tn_http2_bytes_size(&stream->pending) <= stream->limit / 2) {
    stream->wants_room = false;
    tn_http2_stream_note(stream, TN_HTTP2_NOTICE_OUTGOING);
  }
  return 0;
}

static void set_callbacks(nghttp2_session_callbacks *out, const tn_http2_callbacks *callbacks) {
  nghttp2_session_callbacks_set_send_data_callback(out, send_data);
  nghttp2_session_callbacks_set_on_begin_frame_callback(out, callbacks->begin_frame);
  nghttp2_session_callbacks_set_on_begin_headers_callback(out, callbacks->begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(out, callbacks->header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(out, callbacks->data);
  nghttp2_session_callbacks_set_on_frame_recv_callback(out, callbacks->frame);
  nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(out, callbacks->invalid_frame);
  nghttp2_session_callbacks_set_on_frame_send_callback(out, callbacks->frame_sent);
  nghttp2_session_callbacks_set_on_stream_close_callback(out, callbacks->stream_close);
}

/* Windows are opened when bytes are read. A server has to remember streams that are closed, see its callbacks. */
static bool make_nghttp2(tn_http2_session *session, const tn_http2_callbacks *callbacks) {
  nghttp2_session_callbacks *made = NULL;
  nghttp2_option *option = NULL;
  int result = nghttp2_session_callbacks_new(&made);
  if (result == 0) result = nghttp2_option_new(&option);
  if (result == 0) {
    set_callbacks(made, callbacks);
    nghttp2_option_set_no_auto_window_update(option, 1);
    if (!callbacks->is_server) nghttp2_option_set_no_closed_streams(option, 1);
    result = (callbacks->is_server ? nghttp2_session_server_new3 : nghttp2_session_client_new3)(
        &session->nghttp2, made, session, option, &memory);
  }
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(made);
  return result == 0;
}

static bool settle(tn_http2_session *session, uint32_t max_header_bytes, uint32_t max_streams) {
  nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, TN_HTTP2_STREAM_WINDOW},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, max_header_bytes},
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, max_streams},
  };
  /* A server must not send ENABLE_PUSH other than 0, and a client has no streams to grant (RFC 9113 section
   * 6.5.2). */
  return nghttp2_submit_settings(session->nghttp2, NGHTTP2_FLAG_NONE, settings,
                                 sizeof settings / sizeof *settings) == 0 &&
         nghttp2_session_set_local_window_size(session->nghttp2, NGHTTP2_FLAG_NONE, 0,
                                               TN_HTTP2_CONNECTION_WINDOW) == 0;
}

bool tn_http2_session_start(tn_http2_session *session, const tn_http2_callbacks *callbacks,
                            uint32_t max_header_bytes, uint32_t max_streams) {
  if (make_nghttp2(session, callbacks) && settle(session, max_header_bytes, max_streams))
    return true;
  nghttp2_session_del(session->nghttp2);
  session->nghttp2 = NULL;
  return false;
}

/* ---- end ------------------------------------------------------------------------------------- */

/* Those whose end lies before `mark`. */
static void tell_left(tn_http2_session *session, uint64_t mark) {
  while (session->first_leaving != NULL && session->first_leaving->end_mark <= mark) {
    tn_http2_stream *stream = session->first_leaving;
    session->first_leaving = stream->next_leaving;
    stream->is_leaving = false;
    session->class->left(stream);
  }
}

void tn_http2_session_fail(tn_http2_session *session, int64_t failure, const char *problem) {
  if (session->failure != 0) return;
  session->failure = failure;
  session->problem = problem;
  tell_left(session, UINT64_MAX);
  int64_t result =
      failure == TN_HTTP_END ? tn_http_failure(TN_HTTP_CONNECTION_TERMINATED) : failure;
  for (tn_http2_stream *stream = session->streams; stream != NULL; stream = stream->next) {
    if (stream->is_closed) continue;
    stream->is_closed = true;
    tn_http2_stream_fail(stream, result, result);
    tn_http2_stream_note(stream, TN_HTTP2_NOTICE_END);
  }
  tn_http2_session_schedule(session);
}

static void fail_nghttp2(tn_http2_session *session, int error) {
  tn_http_code code = error == NGHTTP2_ERR_NOMEM || error == NGHTTP2_ERR_CALLBACK_FAILURE
                          ? TN_HTTP_INTERNAL_ERROR
                          : TN_HTTP_HTTP_PROTOCOL_ERROR;
  tn_http2_session_fail(session, tn_http_failure(code), nghttp2_strerror(error));
}

void tn_http2_session_free(tn_http2_session *session, tn_http_code why) {
  tn_loop_undefer(session->loop, session->deferred);
  int64_t failure = tn_http_failure(why);
  for (tn_http2_stream *stream = session->streams; stream != NULL; stream = stream->next)
    tn_http2_stream_fail(stream, failure, failure);
  for (tn_http2_stream *stream = session->streams, *next; stream != NULL; stream = next) {
    next = stream->next;
    tn_http2_head_drop(stream);
    stream->session = NULL;
    stream->is_closed = true;
    stream->notices = 0;
    stream->next = stream->previous = stream->next_noticed = stream->previous_noticed = NULL;
  }
  tn_loop_undefer(session->loop, session->deferred);
  session->streams = session->first_noticed = session->last_noticed = NULL;
  session->stream_count = 0;
  nghttp2_session_del(session->nghttp2);
  session->nghttp2 = NULL;
  tn_http2_bytes_free(&session->out);
  if (session->is_deleted != NULL) *session->is_deleted = true;
}

void tn_http2_session_schedule(tn_http2_session *session) {
  if (!session->deferred->is_linked) tn_loop_defer(session->loop, session->deferred);
}

/* ---- who is told ----------------------------------------------------------------------------- */

static tn_http2_stream *take_notice(tn_http2_session *session, unsigned *notice) {
  tn_http2_stream *stream = session->first_noticed;
  if (stream == NULL) return NULL;
  *notice = stream->notices & -stream->notices;
  stream->notices &= ~*notice;
  if (stream->notices != 0) return stream;
  session->first_noticed = stream->next_noticed;
  if (stream->next_noticed != NULL)
    stream->next_noticed->previous_noticed = NULL;
  else
    session->last_noticed = NULL;
  stream->next_noticed = NULL;
  return stream;
}

static void tell(tn_http2_stream *stream, unsigned notice) {
  tn_http_observer observer = {0};
  switch (notice) {
  case TN_HTTP2_NOTICE_INCOMING:
    observer = stream->incoming.observer;
    break;
  case TN_HTTP2_NOTICE_OUTGOING:
    observer = stream->outgoing.observer;
    break;
  default:
    stream->session->class->notice(stream, notice);
    return;
  }
  if (observer.func != NULL) observer.func(observer.data);
}

bool tn_http2_session_dispatch(tn_http2_session *session) {
  if (session->first_noticed == NULL) return true;
  bool is_deleted = false;
  bool *outer = session->is_deleted;
  session->is_deleted = &is_deleted;
  unsigned notice;
  tn_http2_stream *stream;
  while (!is_deleted && (stream = take_notice(session, &notice)) != NULL)
    tell(stream, notice);
  if (is_deleted) {
    if (outer != NULL) *outer = true;
    return false;
  }
  session->is_deleted = outer;
  return true;
}

/* ---- reading --------------------------------------------------------------------------------- */

void tn_http2_session_receive(tn_http2_session *session, const uint8_t *bytes, size_t size) {
  if (session->failure != 0) return;
  count(session->bytes_in, size);
  ssize_t used = nghttp2_session_mem_recv(session->nghttp2, bytes, size);
  if (used < 0) {
    fail_nghttp2(session, (int)used);
    return;
  }
  tn_http2_session_schedule(session);
}

static bool is_overwhelmed(const tn_http2_session *session) {
  return session->is_blocked &&
         nghttp2_session_get_outbound_queue_size(session->nghttp2) > MAX_ANSWERS;
}

/* One read from the transport. True: there may be more. */
static bool read_some(tn_http2_session *session) {
  uint8_t bytes[READ_SIZE];
  int64_t got = tn_transport_read(session->transport, bytes, sizeof bytes);
  if (got > 0) {
    tn_http2_session_receive(session, bytes, (size_t)got);
    return true;
  }
  if (got == TN_HTTP_END)
    tn_http2_session_fail(session, got, "the peer closed the connection");
  else if (got < 0)
    tn_http2_session_fail(session, got, tn_transport_problem(session->transport));
  return false;
}

bool tn_http2_session_read(tn_http2_session *session) {
  session->has_more_to_read = session->failure == 0;
  session->is_reading_paused = false;
  for (int i = 0; i < READS_A_TURN && session->has_more_to_read; i++) {
    if (is_overwhelmed(session)) {
      session->is_reading_paused = true;
      break;
    }
    session->has_more_to_read = read_some(session) && session->failure == 0;
    if (!tn_http2_session_dispatch(session)) return false;
  }
  /* As the socket says only once that it has something, the rest is read in the next turn on our own account. */
  if (session->has_more_to_read && !session->is_reading_paused)
    tn_http2_session_check_by(session, 0);
  return true;
}

bool tn_http2_session_ready(tn_http2_session *session, int events) {
  bool was_paused = session->is_reading_paused;
  if ((events & TN_WRITABLE) && session->is_blocked) {
    session->is_blocked = false;
    tn_http2_session_schedule(session);
  }
  return !((events & TN_READABLE) || was_paused) || tn_http2_session_read(session);
}

/* ---- sending --------------------------------------------------------------------------------- */

/* Has nghttp2 make frames until there is enough for a write. */
static void gather(tn_http2_session *session) {
  if (session->failure == 0) tn_http2_heads_submit(session);
  while (session->failure == 0 && tn_http2_bytes_size(&session->out) < SEND_SIZE) {
    const uint8_t *bytes;
    ssize_t size = nghttp2_session_mem_send(session->nghttp2, &bytes);
    if (size == 0) return;
    if (size < 0 || !tn_http2_bytes_add(&session->out, bytes, (size_t)size)) {
      fail_nghttp2(session, size < 0 ? (int)size : NGHTTP2_ERR_NOMEM);
      return;
    }
    session->queued += (uint64_t)size;
  }
}

/* Gives `out` to the transport; true when it took everything. */
static bool write_out(tn_http2_session *session) {
  while (tn_http2_bytes_size(&session->out) > 0) {
    struct iovec part = {session->out.data + session->out.start,
                         tn_http2_bytes_size(&session->out)};
    int64_t taken = tn_transport_write(session->transport, &part, 1);
    if (taken == 0) {
      session->is_blocked = true;
      session->blocked_since = tn_loop_time(session->loop);
      if (session->write_timeout != 0)
        tn_http2_session_check_by(session, session->blocked_since + session->write_timeout);
      return false;
    }
    if (taken < 0) {
      tn_http2_session_fail(session, taken, tn_transport_problem(session->transport));
      return false;
    }
    session->sent += (uint64_t)taken;
    count(session->bytes_out, (uint64_t)taken);
    tn_http2_bytes_take(&session->out, (size_t)taken);
    tell_left(session, session->sent);
  }
  return true;
}

static void note_flushed(tn_http2_session *session) {
  for (tn_http2_stream *stream = session->streams; stream != NULL; stream = stream->next) {
    if (!stream->wants_flush || tn_http2_bytes_size(&stream->pending) > 0 ||
        session->sent < stream->sent_mark)
      continue;
    stream->wants_flush = false;
    tn_http2_stream_note(stream, TN_HTTP2_NOTICE_OUTGOING);
  }
  session->has_flush_waiters = false;
}

void tn_http2_session_flush(tn_http2_session *session) {
  if (session->is_blocked) return;
  bool is_done = false;
  while (!is_done && session->failure == 0) {
    gather(session);
    is_done = tn_http2_bytes_size(&session->out) < SEND_SIZE;
    if (!write_out(session)) break;
  }
  if (session->has_flush_waiters) note_flushed(session);
  /* Connections without requests keep no buffer. */
  if (session->stream_count == 0 && tn_http2_bytes_size(&session->out) == 0)
    tn_http2_bytes_free(&session->out);
}

bool tn_http2_session_send(tn_http2_session *session) {
  tn_http2_session_flush(session);
  return tn_http2_session_dispatch(session);
}

bool tn_http2_session_is_sent(const tn_http2_session *session) {
  return session->failure != 0 ||
         (tn_http2_bytes_size(&session->out) == 0 && session->first_waiting == NULL &&
          !nghttp2_session_want_write(session->nghttp2));
}

/* ---- what takes too long --------------------------------------------------------------------- */

void tn_http2_session_check_by(tn_http2_session *session, uint64_t time) {
  if (time >= session->check_at) return;
  session->check_at = time;
  session->class->check(session);
}

static uint64_t earlier(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

/* Has the rest of what the peer sends refused, if it does not come to its end soon. */
void tn_http2_stream_refuse_rest(tn_http2_stream *stream) {
  if (stream->session == NULL || stream->unwanted_since != 0) return;
  stream->unwanted_since = tn_loop_time(stream->session->loop);
  tn_http2_session_check_by(stream->session, stream->unwanted_since + unwanted_time);
}

/* Fails a stream whose body does not move; gives when it would have to be. */
static uint64_t stream_check(tn_http2_session *session, tn_http2_stream *stream, uint64_t now) {
  uint64_t next = UINT64_MAX;
  int64_t failure = 0;
  if (session->read_timeout != 0 && stream->reading_since != 0) {
    uint64_t end = stream->reading_since + session->read_timeout;
    bool is_late = now >= end;
    if (is_late && session->class->late != NULL && session->class->late(stream)) return next;
    if (is_late) failure = tn_http_failure(TN_HTTP_CONNECTION_READ_TIMEOUT);
    next = earlier(next, end);
  }
  if (stream->unwanted_since != 0) {
    uint64_t end = stream->unwanted_since + unwanted_time;
    if (now < end)
      next = earlier(next, end);
    else
      tn_http2_stream_reset(stream, NGHTTP2_NO_ERROR);
  }
  if (stream->write_timeout != 0 && stream->writing_since != 0) {
    uint64_t end = stream->writing_since + stream->write_timeout;
    if (now >= end) failure = tn_http_failure(TN_HTTP_CONNECTION_WRITE_TIMEOUT);
    next = earlier(next, end);
  }
  if (failure == 0) return next;
  tn_http2_stream_fail(stream, failure, failure);
  tn_http2_stream_note(stream, TN_HTTP2_NOTICE_END);
  tn_http2_stream_reset(stream, NGHTTP2_CANCEL);
  return UINT64_MAX;
}

void tn_http2_session_check(tn_http2_session *session, uint64_t now) {
  session->check_at = UINT64_MAX;
  if (session->failure != 0) return;
  uint64_t next = UINT64_MAX;
  if (session->is_blocked && session->write_timeout != 0) {
    uint64_t end = session->blocked_since + session->write_timeout;
    if (now >= end) {
      tn_http2_session_fail(session, tn_http_failure(TN_HTTP_CONNECTION_WRITE_TIMEOUT),
                            "the peer takes nothing");
      return;
    }
    next = earlier(next, end);
  }
  for (tn_http2_stream *stream = session->streams; stream != NULL; stream = stream->next)
    if (!stream->is_closed) next = earlier(next, stream_check(session, stream, now));
  if (next != UINT64_MAX) tn_http2_session_check_by(session, next);
}
