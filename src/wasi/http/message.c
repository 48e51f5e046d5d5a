/* A message that comes in, whatever resources show of it. */
#include <string.h>

#include "base/error.h"
#include "wasi/http/state.h"

tn_http_message *tn_http_message_new(tn_wasi_http *http) {
  tn_http_message *message = tn_http_take(http, sizeof *message);
  if (message == NULL) return NULL;
  message->http = http;
  message->references = 1;
  return message;
}

void tn_http_message_link(tn_http_message *message) {
  tn_wasi_http *http = message->http;
  message->next = http->messages;
  if (http->messages != NULL) http->messages->previous = message;
  http->messages = message;
}

void tn_http_message_count_call(tn_http_message *message, size_t size) {
  tn_kept_add(tn_wasi_kept(message->http->options.wasi), size);
  message->call_size += size;
}

void tn_http_message_changed(void *data) {
  tn_http_message *message = data;
  tn_http_waiters_wake(&message->readers_waiting);
}

void tn_http_message_set_incoming(tn_http_message *message, tn_http_incoming *incoming) {
  message->incoming = incoming;
  incoming->observer = (tn_http_observer){tn_http_message_changed, message};
}

static void unlink_message(tn_http_message *message) {
  if (message->next != NULL) message->next->previous = message->previous;
  if (message->previous != NULL)
    message->previous->next = message->next;
  else
    message->http->messages = message->next;
  message->next = message->previous = NULL;
}

/* Nobody will read the rest. */
static void abandon(tn_http_message *message) {
  if (message->incoming == NULL) return;
  message->incoming->observer = (tn_http_observer){0};
  if (!message->is_ended) message->incoming->class->abandon(message->incoming);
  message->is_ended = true;
  if (message->end == 0) message->end = TN_HTTP_END;
}

/* ---- cutting off ------------------------------------------------------------------------------------------- */

static void keep(tn_http_message *message, tn_str *string) {
  tn_str copy = tn_arena_copy(&message->arena, *string);
  *string = copy.data == NULL ? (tn_str){0} : copy;
}

static void keep_fields(tn_http_message *message, tn_http_fields *fields) {
  tn_http_fields copy = {0};
  if (!tn_http_fields_copy(&message->arena, fields, &copy)) copy = (tn_http_fields){0};
  *fields = copy;
}

/* What the guest may still ask for outlives the exchange; what there is no memory for is gone with it. */
static void keep_head(tn_http_message *message) {
  tn_str *strings[] = {&message->method, &message->scheme, &message->authority, &message->path};
  for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
    keep(message, strings[i]);
  keep_fields(message, &message->fields);
  keep_fields(message, &message->trailers);
}

static void cut_off(tn_http_message *message) {
  if (message->exchange == NULL && message->call == NULL) return;
  if (message->references > 0) keep_head(message);
  if (message->outgoing_body != NULL) tn_http_body_cut(message->outgoing_body);
  if (message->incoming != NULL) message->incoming->observer = (tn_http_observer){0};
  message->incoming = NULL;
  message->is_ended = true;
  if (message->end == 0) message->end = tn_http_failure(TN_HTTP_CONNECTION_TERMINATED);
  tn_http_message_fail(message, TN_HTTP_CONNECTION_TERMINATED, (tn_str){0});
  if (message->call != NULL) tn_http_call_release(message->call);
  tn_kept_remove(tn_wasi_kept(message->http->options.wasi), message->call_size);
  message->call_size = 0;
  message->call = NULL;
  message->exchange = NULL;
  unlink_message(message);
}

void tn_http_message_cut(tn_http_message *message) {
  message->references++; /* its body may have had the last one */
  cut_off(message);
  tn_http_message_changed(message);
  tn_http_message_release(message);
}

void tn_http_message_fail(tn_http_message *message, tn_http_code code, tn_str detail) {
  if (message->state != TN_MESSAGE_WAITING) return;
  message->state = TN_MESSAGE_FAILED;
  message->code = code;
  message->detail = tn_arena_copy(&message->arena, detail);
  if (message->detail.data == NULL) message->detail = (tn_str){0};
  tn_http_message_changed(message);
}

/* ---- references ---------------------------------------------------------------------------------------------- */

void tn_http_message_release(tn_http_message *message) {
  if (--message->references > 0) return;
  abandon(message);
  cut_off(message);
  tn_arena_free(&message->arena);
  tn_http_give(message->http, message);
}

tn_error *tn_http_message_add_reader(tn_http_message *message, unsigned kind,
                                     uint32_t *representation) {
  TN_TRY(
      tn_wasi_slot_add(message->http->options.wasi, (tn_slot_kind)kind, message, representation));
  message->references++;
  message->readers++;
  return NULL;
}

void tn_http_message_release_reader(tn_http_message *message) {
  if (--message->readers == 0) abandon(message);
  tn_http_message_release(message);
}

/* ---- waiting ----------------------------------------------------------------------------------------------------- */

tn_error *tn_http_message_arm(void *data, tn_wait *wait, tn_armed *armed) {
  tn_http_message *message = data;
  return tn_http_waiters_arm(&message->readers_waiting, message->http, wait, armed);
}

tn_error *tn_http_message_subscribe(tn_http_message *message, const tn_pollable_class *class,
                                    uint32_t *representation) {
  message->references++;
  message->readers++;
  return tn_pollable_add(message->http->options.wasi,
                         (tn_pollable){.class = class, .object = message}, representation);
}
