/* Heads of responses on their way to nghttp2, which cannot give back what it was given: they wait until something is
 * sent, so that a response of which nothing has left can be taken back. */
#include "http/http2/session.h"

static bool copy_text(tn_arena *arena, uint8_t **text, size_t size) {
  tn_str copy = tn_arena_copy(arena, (tn_str){(const char *)*text, size});
  *text = (uint8_t *)(uintptr_t)copy.data;
  return copy.data != NULL;
}

bool tn_http2_head_keep(tn_http2_stream *stream, const tn_http2_head *head, bool has_body) {
  if (head->failed) return false;
  for (size_t i = 0; i < head->count; i++) {
    nghttp2_nv *item = &head->items[i];
    if (!copy_text(stream->arena, &item->name, item->namelen) ||
        !copy_text(stream->arena, &item->value, item->valuelen))
      return false;
  }
  tn_http2_session *session = stream->session;
  stream->head_items = head->items;
  stream->head_count = head->count;
  stream->drops_body = !has_body;
  stream->head_waits = true;
  stream->next_waiting = NULL;
  stream->previous_waiting = session->last_waiting;
  *(session->last_waiting != NULL ? &session->last_waiting->next_waiting
                                  : &session->first_waiting) = stream;
  session->last_waiting = stream;
  tn_http2_session_schedule(session);
  return true;
}

void tn_http2_head_drop(tn_http2_stream *stream) {
  tn_http2_session *session = stream->session;
  if (!stream->head_waits || session == NULL) return;
  stream->head_waits = false;
  *(stream->previous_waiting != NULL ? &stream->previous_waiting->next_waiting
                                     : &session->first_waiting) = stream->next_waiting;
  *(stream->next_waiting != NULL ? &stream->next_waiting->previous_waiting
                                 : &session->last_waiting) = stream->previous_waiting;
  stream->next_waiting = stream->previous_waiting = NULL;
}

void tn_http2_heads_submit(tn_http2_session *session) {
  while (session->first_waiting != NULL) {
    tn_http2_stream *stream = session->first_waiting;
    tn_http2_head_drop(stream);
    nghttp2_data_provider provider = tn_http2_stream_provider(stream);
    if (nghttp2_submit_response(session->nghttp2, stream->id, stream->head_items,
                                stream->head_count, stream->drops_body ? NULL : &provider) == 0)
      continue;
    int64_t failure = tn_http_failure(TN_HTTP_INTERNAL_ERROR);
    tn_http2_stream_fail(stream, failure, failure);
    tn_http2_stream_note(stream, TN_HTTP2_NOTICE_END);
    tn_http2_stream_reset(stream, NGHTTP2_INTERNAL_ERROR);
  }
}
