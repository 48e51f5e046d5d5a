/* The two bodies of an HTTP/2 stream. */
#include "http/http2/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/container.h"

enum {
  SEND_AT = 64 << 10, /* so much from one stream is sent without waiting for the end of the turn */
  DISCARD = 1 << 20,  /* of a body that nobody wants, so much is let through */
};

/* ---- queues of bytes -------------------------------------------------------------------------------------- */

/* Moves what is left to the front when that makes room and is no more than what was taken, so that each
 * byte is moved once at most; else doubles. */
static bool bytes_reserve(tn_http2_bytes *bytes, size_t size) {
  if (bytes->cap - bytes->end >= size) return true;
  size_t used = tn_http2_bytes_size(bytes);
  if (used <= bytes->start && bytes->cap - used >= size) {
    if (used > 0) memcpy(bytes->data, bytes->data + bytes->start, used);
    bytes->start = 0;
    bytes->end = used;
    return true;
  }
  size_t cap = bytes->cap == 0 ? 1024 : bytes->cap;
  while (cap - used < size) {
    if (cap > SIZE_MAX / 2) return false;
    cap *= 2;
  }
  uint8_t *data = tn_malloc(cap);
  if (data == NULL) return false;
  if (used > 0) memcpy(data, bytes->data + bytes->start, used);
  tn_free(bytes->data);
  *bytes = (tn_http2_bytes){data, 0, used, cap};
  return true;
}

bool tn_http2_bytes_add(tn_http2_bytes *bytes, const void *from, size_t size) {
  if (size == 0) return true;
  if (!bytes_reserve(bytes, size)) return false;
  memcpy(bytes->data + bytes->end, from, size);
  bytes->end += size;
  return true;
}

void tn_http2_bytes_take(tn_http2_bytes *bytes, size_t size) {
  bytes->start += size;
  if (bytes->start == bytes->end) bytes->start = bytes->end = 0;
}

void tn_http2_bytes_free(tn_http2_bytes *bytes) {
  tn_free(bytes->data);
  *bytes = (tn_http2_bytes){0};
}

/* ---- the body that comes in -------------------------------------------------------------------------------- */

static tn_http2_stream *stream_of_incoming(tn_http_incoming *incoming) {
  return TN_CONTAINER(incoming, tn_http2_stream, incoming);
}

/* Nothing is there, and somebody asks. */
static void tell_interest(tn_http2_stream *stream) {
  const tn_http2_session *session = stream->session;
  if (stream->in_result == 0 && session != NULL && session->class->before_read != NULL)
    session->class->before_read(stream);
}

static size_t incoming_available(tn_http_incoming *incoming, size_t wanted) {
  tn_http2_stream *stream = stream_of_incoming(incoming);
  size_t size = tn_http2_bytes_size(&stream->received);
  if (size == 0) tell_interest(stream);
  return size < wanted ? size : wanted;
}

/* Opens both windows for what has been taken out of them. */
static void stream_consume(tn_http2_stream *stream, size_t size) {
  tn_http2_session *session = stream->session;
  if (size == 0 || session == NULL || session->failure != 0) return;
  nghttp2_session_consume(session->nghttp2, stream->id, size);
  if (nghttp2_session_want_write(session->nghttp2)) tn_http2_session_schedule(session);
}

static int64_t incoming_read(tn_http_incoming *incoming, uint8_t *out, size_t size) {
  tn_http2_stream *stream = stream_of_incoming(incoming);
  size_t there = tn_http2_bytes_size(&stream->received);
  if (there == 0 || size == 0) {
    if (there > 0 || stream->in_result != 0) return there > 0 ? 0 : stream->in_result;
    if (stream->reading_since == 0) {
      tn_http2_session *session = stream->session;
      stream->reading_since = tn_loop_time(session->loop);
      if (session->read_timeout != 0)
        tn_http2_session_check_by(session, stream->reading_since + session->read_timeout);
      tell_interest(stream);
    }
    return 0;
  }
  if (size > there) size = there;
  memcpy(out, stream->received.data + stream->received.start, size);
  tn_http2_bytes_take(&stream->received, size);
  stream_consume(stream, size);
  return (int64_t)size;
}

static bool incoming_is_ready(tn_http_incoming *incoming) {
  const tn_http2_stream *stream = stream_of_incoming(incoming);
  return tn_http2_bytes_size(&stream->received) > 0 || stream->in_result != 0;
}

void tn_http2_stream_abandon(tn_http2_stream *stream) {
  if (stream->is_abandoned) return;
  stream->is_abandoned = true;
  stream->reading_since = 0;
  stream->incoming.observer = (tn_http_observer){0};
  stream_consume(stream, tn_http2_bytes_size(&stream->received));
  tn_http2_bytes_free(&stream->received);
}

static void incoming_abandon(tn_http_incoming *incoming) {
  tn_http2_stream *stream = stream_of_incoming(incoming);
  tn_http2_stream_abandon(stream);
  if (stream->session != NULL) stream->session->class->abandoned(stream);
}

static const tn_http_incoming_class incoming_class = {
    incoming_available,
    incoming_read,
    incoming_is_ready,
    incoming_abandon,
};

void tn_http2_stream_receive(tn_http2_stream *stream, const uint8_t *bytes, size_t size) {
  stream->bytes_in += size;
  if (stream->in_result != 0 || stream->is_abandoned) {
    /* Nobody will read it. A peer that does not stop is held by its own window, the others' share is given
     * back. */
    if (stream->bytes_in <= DISCARD)
      stream_consume(stream, size);
    else
      nghttp2_session_consume_connection(stream->session->nghttp2, size);
    return;
  }
  stream->reading_since = 0;
  if (!tn_http2_bytes_add(&stream->received, bytes, size)) {
    nghttp2_session_consume_connection(stream->session->nghttp2, size);
    int64_t failure = tn_http_failure(TN_HTTP_INTERNAL_ERROR);
    tn_http2_stream_fail(stream, failure, failure);
    tn_http2_stream_reset(stream, NGHTTP2_INTERNAL_ERROR);
    return;
  }
  tn_http2_stream_note(stream, TN_HTTP2_NOTICE_INCOMING);
}

void tn_http2_stream_receive_end(tn_http2_stream *stream) {
  stream->is_remote_end = true;
  stream->reading_since = 0;
  if (stream->in_result != 0) return;
  stream->in_result = TN_HTTP_END;
  stream->incoming.trailers = stream->trailers;
  tn_http2_stream_note(stream, TN_HTTP2_NOTICE_INCOMING);
}

/* ---- the body that goes out -------------------------------------------------------------------------------- */

static tn_http2_stream *stream_of_outgoing(tn_http_outgoing *outgoing) {
  return TN_CONTAINER(outgoing, tn_http2_stream, outgoing);
}

static int64_t outgoing_capacity(tn_http_outgoing *outgoing) {
  tn_http2_stream *stream = stream_of_outgoing(outgoing);
  if (stream->out_result != 0) return stream->out_result;
  size_t used = tn_http2_bytes_size(&stream->pending);
  if (used < stream->limit) return (int64_t)(stream->limit - used);
  stream->wants_room = true;
  return 0;
}

/* Has nghttp2 look again for something to send. */
static void stream_resume(tn_http2_stream *stream) {
  tn_http2_session *session = stream->session;
  if (stream->is_suspended) {
    stream->is_suspended = false;
    nghttp2_session_resume_data(session->nghttp2, stream->id);
  }
  tn_http2_session_schedule(session);
}

/* The peer has to take something from here on. */
static void stream_watch_writing(tn_http2_stream *stream) {
  tn_http2_session *session = stream->session;
  stream->writing_since = tn_loop_time(session->loop);
  if (stream->write_timeout != 0)
    tn_http2_session_check_by(session, stream->writing_since + stream->write_timeout);
}

static int64_t outgoing_write(tn_http_outgoing *outgoing, const uint8_t *bytes, size_t size) {
  tn_http2_stream *stream = stream_of_outgoing(outgoing);
  if (stream->out_result != 0) return stream->out_result;
  if (stream->promised != TN_HTTP_UNKNOWN_LENGTH) {
    if (size > stream->promised) return tn_http_failure(TN_HTTP_HTTP_RESPONSE_BODY_SIZE);
    stream->promised -= size;
  }
  if (stream->drops_body || size == 0) return 0;
  tn_http2_session *session = stream->session;
  if (stream->bytes_out != NULL) *stream->bytes_out += size;
  if (tn_http2_bytes_size(&stream->pending) == 0) stream_watch_writing(stream);
  if (!tn_http2_bytes_add(&stream->pending, bytes, size))
    return tn_http_failure(TN_HTTP_INTERNAL_ERROR);
  stream_resume(stream);
  size_t used = tn_http2_bytes_size(&stream->pending);
  if (used >= SEND_AT || used >= stream->limit) tn_http2_session_flush(session);
  return 0;
}

/* Everything that was written leaves at the end of the turn anyway. */
static void outgoing_flush(tn_http_outgoing *outgoing) {
  stream_of_outgoing(outgoing)->is_committed = true;
}

static bool stream_is_flushed(const tn_http2_stream *stream) {
  if (stream->session == NULL || stream->out_result != 0) return true;
  return tn_http2_bytes_size(&stream->pending) == 0 && stream->session->sent >= stream->sent_mark;
}

static bool outgoing_is_flushed(tn_http_outgoing *outgoing) {
  tn_http2_stream *stream = stream_of_outgoing(outgoing);
  if (stream_is_flushed(stream)) return true;
  stream->wants_flush = stream->session->has_flush_waiters = true;
  return false;
}

/* Copies the trailers, because they are sent later. */
static bool stream_keep_trailers(tn_http2_stream *stream, const tn_http_fields *trailers) {
  tn_http2_head head = {.arena = stream->arena};
  for (uint32_t i = 0; i < trailers->count; i++) {
    tn_http_field field = trailers->items[i];
    if (tn_http2_is_left_out(field.name)) continue;
    tn_str name = tn_arena_copy(stream->arena, field.name);
    tn_str value = tn_arena_copy(stream->arena, field.value);
    if (name.data == NULL || value.data == NULL) return false;
    tn_http2_head_add(&head, name, value);
  }
  stream->trailer_items = head.items;
  stream->trailer_count = head.count;
  return !head.failed;
}

static void stream_finished(tn_http2_stream *stream, bool is_aborted) {
  stream->outgoing.observer = (tn_http_observer){0};
  stream->is_finished = !is_aborted;
  if (stream->session != NULL) stream->session->class->finished(stream, is_aborted);
}

static void outgoing_abort(tn_http_outgoing *outgoing) {
  stream_finished(stream_of_outgoing(outgoing), true);
}

static bool outgoing_finish(tn_http_outgoing *outgoing, const tn_http_fields *trailers) {
  tn_http2_stream *stream = stream_of_outgoing(outgoing);
  bool is_short =
      stream->promised != TN_HTTP_UNKNOWN_LENGTH && stream->promised > 0 && !stream->drops_body;
  bool has_trailers = trailers != NULL && trailers->count > 0 && !stream->drops_body;
  if (is_short || (has_trailers && !stream_keep_trailers(stream, trailers))) {
    outgoing_abort(outgoing);
    return false;
  }
  stream_finished(stream, false);
  if (stream->session != NULL && stream->out_result == 0) stream_resume(stream);
  return true;
}

static const tn_http_outgoing_class outgoing_class = {
    outgoing_capacity,   outgoing_write,  outgoing_flush,
    outgoing_is_flushed, outgoing_finish, outgoing_abort,
};

/* ---- nghttp2 takes --------------------------------------------------------------------------- */

static ssize_t provide(nghttp2_session *nghttp2, int32_t id, uint8_t *room, size_t size,
                       uint32_t *flags, nghttp2_data_source *source, void *data) {
  (void)room;
  (void)data;
  tn_http2_stream *stream = source->ptr;
  size_t there = tn_http2_bytes_size(&stream->pending);
  if (there == 0 && stream->is_cut) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* resets it */
  if (there == 0 && !stream->is_finished) {
    stream->is_suspended = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (there > size) return (ssize_t)size;
  /* Sent after this frame. */
  if (stream->is_cut)
    nghttp2_submit_rst_stream(nghttp2, NGHTTP2_FLAG_NONE, id, NGHTTP2_INTERNAL_ERROR);
  if (!stream->is_finished) return (ssize_t)there;
  *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (stream->trailer_count == 0) return (ssize_t)there;
  *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
  int result = nghttp2_submit_trailer(nghttp2, id, stream->trailer_items, stream->trailer_count);
  return result == 0 ? (ssize_t)there : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

nghttp2_data_provider tn_http2_stream_provider(tn_http2_stream *stream) {
  return (nghttp2_data_provider){.source.ptr = stream, .read_callback = provide};
}

/* ---- life ------------------------------------------------------------------------------------ */

void tn_http2_stream_init(tn_http2_stream *stream, tn_http2_session *session, int32_t id,
                          tn_arena *arena, uint32_t limit) {
  *stream = (tn_http2_stream){.session = session, .id = id, .arena = arena, .limit = limit};
  stream->write_timeout = session->write_timeout;
  stream->incoming.class = &incoming_class;
  stream->outgoing.class = &outgoing_class;
  stream->promised = TN_HTTP_UNKNOWN_LENGTH;
  stream->next = session->streams;
  if (stream->next != NULL) stream->next->previous = stream;
  session->streams = stream;
  session->stream_count++;
}

static void stream_unnote(tn_http2_stream *stream) {
  tn_http2_session *session = stream->session;
  if (stream->notices == 0 || session == NULL) return;
  stream->notices = 0;
  *(stream->previous_noticed != NULL ? &stream->previous_noticed->next_noticed
                                     : &session->first_noticed) = stream->next_noticed;
  *(stream->next_noticed != NULL ? &stream->next_noticed->previous_noticed
                                 : &session->last_noticed) = stream->previous_noticed;
  stream->next_noticed = stream->previous_noticed = NULL;
}

void tn_http2_stream_free(tn_http2_stream *stream) {
  tn_http2_session *session = stream->session;
  if (session != NULL) {
    stream_consume(stream, tn_http2_bytes_size(&stream->received));
    stream_unnote(stream);
    tn_http2_head_drop(stream);
    *(stream->previous != NULL ? &stream->previous->next : &session->streams) = stream->next;
    if (stream->next != NULL) stream->next->previous = stream->previous;
    session->stream_count--;
  }
  tn_http2_bytes_free(&stream->received);
  tn_http2_bytes_free(&stream->pending);
}

void tn_http2_stream_note(tn_http2_stream *stream, unsigned notice) {
  tn_http2_session *session = stream->session;
  if (stream->notices == 0) {
    stream->previous_noticed = session->last_noticed;
    stream->next_noticed = NULL;
    *(session->last_noticed != NULL ? &session->last_noticed->next_noticed
                                    : &session->first_noticed) = stream;
    session->last_noticed = stream;
    tn_http2_session_schedule(session);
  }
  stream->notices |= notice;
}

void tn_http2_stream_fail_incoming(tn_http2_stream *stream, int64_t result) {
  stream->reading_since = 0;
  if (stream->in_result != 0) return;
  stream->in_result = result;
  if (result != TN_HTTP_END) stream->incoming.failure = result;
  tn_http2_stream_note(stream, TN_HTTP2_NOTICE_INCOMING);
}

void tn_http2_stream_fail(tn_http2_stream *stream, int64_t in_result, int64_t out_result) {
  stream->writing_since = 0;
  tn_http2_stream_fail_incoming(stream, in_result);
  if (stream->out_result == 0) {
    stream->out_result = out_result;
    tn_http2_bytes_free(&stream->pending);
    tn_http2_stream_note(stream, TN_HTTP2_NOTICE_OUTGOING);
  }
}

void tn_http2_stream_leaves(tn_http2_stream *stream) {
  tn_http2_session *session = stream->session;
  stream->is_leaving = true;
  stream->end_mark = session->queued;
  stream->next_leaving = NULL;
  if (session->first_leaving == NULL)
    session->first_leaving = stream;
  else
    session->last_leaving->next_leaving = stream;
  session->last_leaving = stream;
}

void tn_http2_stream_cut(tn_http2_stream *stream) {
  tn_http2_session *session = stream->session;
  if (session == NULL || stream->is_closed || session->failure != 0) return;
  stream->is_cut = true;
  stream_watch_writing(stream);
  stream_resume(stream);
}

void tn_http2_stream_reset(tn_http2_stream *stream, uint32_t error) {
  tn_http2_session *session = stream->session;
  if (session == NULL || stream->is_closed || session->failure != 0) return;
  nghttp2_submit_rst_stream(session->nghttp2, NGHTTP2_FLAG_NONE, stream->id, error);
  tn_http2_session_schedule(session);
}
