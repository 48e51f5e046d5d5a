/* The life of a call: made, told about, failed, released, used again. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/container.h"
#include "base/error.h"
#include "http/client/parts.h"

enum {
  MAX_FREE_CALLS = 256,
  MAX_KEPT = 32768, /* of each buffer of a call that is kept */
  HTTP_PORT = 80,
  HTTPS_PORT = 443,
};

/* ---- telling --------------------------------------------------------------------------------- */

void tn_client_call_defer(tn_http_call *call) {
  if (call->client != NULL && !call->is_released)
    tn_loop_defer(call->client->loop, &call->deferred);
}

void tn_client_call_free(tn_http_call *call) {
  tn_arena_free(&call->arena);
  tn_buffer_free(&call->pending);
  tn_buffer_free(&call->out);
  tn_free(call->in);
  tn_free(call);
}

static void observe(const tn_http_observer *observer) {
  if (observer->func != NULL) observer->func(observer->data);
}

static void tell_result(tn_http_call *call) {
  if (call->state == TN_CALL_FAILED)
    call->handler.failed(call->data, call->failure.code, call->failure.detail);
  else
    call->handler.response(call->data, &call->response, call->body);
}

static void call_recycle(tn_http_call *call);

void tn_client_call_tell(tn_http_call *call) {
  if (call->is_telling) {
    tn_client_call_defer(call);
    return;
  }
  call->is_telling = true;
  uint8_t events = call->events;
  call->events = 0;
  if (events & TN_CALL_TELL_RESULT) tell_result(call);
  if ((events & TN_CALL_TELL_OUT) && !call->is_released && !call->is_finished)
    observe(&call->outgoing.observer);
  if ((events & TN_CALL_TELL_IN) && !call->is_released) observe(&call->incoming.observer);
  call->is_telling = false;
  if (call->is_released) call_recycle(call);
}

static void call_deferred(tn_deferred *deferred) {
  tn_http_call *call = TN_CONTAINER(deferred, tn_http_call, deferred);
  if (call->connection != NULL)
    tn_client_http1_progress(call);
  else if (call->http2 != NULL)
    tn_client_http2_flush(call);
  tn_client_call_tell(call);
}

/* ---- deadlines ------------------------------------------------------------------------------- */

/* Has call_alarm called at that time. */
static void watch_for(tn_http_call *call, uint64_t deadline) {
  /* One that is set to fire earlier will find out then. */
  if (call->alarm.place != 0 && call->alarm.deadline <= deadline) return;
  tn_error *error = tn_alarm_set(call->client->loop, &call->alarm, deadline);
  if (error == NULL) return;
  tn_error_delete(error);
  if (call->state < TN_CALL_RESPONDED)
    tn_client_call_fail(call, TN_HTTP_INTERNAL_ERROR, "out of memory");
}

static uint64_t from_now(uint64_t timeout) {
  uint64_t now = tn_loop_now();
  return timeout > UINT64_MAX - now ? UINT64_MAX : now + timeout;
}

void tn_client_call_set_deadline(tn_http_call *call, tn_client_deadline kind, uint64_t timeout) {
  call->deadline_kind = timeout == 0 ? TN_CALL_NO_DEADLINE : kind;
  if (timeout == 0 || call->client == NULL) return;
  call->deadline = from_now(timeout);
  watch_for(call, call->deadline);
}

void tn_client_call_watch_upload(tn_http_call *call) {
  uint64_t timeout = call->options.between_bytes_timeout;
  bool is_waiting = call->out.len > call->out_start && timeout != 0 && call->client != NULL;
  bool has_moved = call->sent != call->sent_before;
  call->sent_before = call->sent;
  if (!is_waiting) {
    call->upload_deadline = 0;
  } else if (has_moved || call->upload_deadline == 0) {
    call->upload_deadline = from_now(timeout);
    watch_for(call, call->upload_deadline);
  }
}

static void connect_timeout(tn_http_call *call) {
  const char *host = call->origin->target.host;
  if (call->dial == NULL) {
    bool is_full = !call->origin->is_probing;
    tn_client_call_fail(call,
                        is_full ? TN_HTTP_CONNECTION_LIMIT_REACHED : TN_HTTP_CONNECTION_TIMEOUT,
                        "no connection to %s became free in time", host);
    return;
  }
  const char *doing;
  tn_http_code code = tn_client_dial_phase(call->dial, &doing);
  tn_client_call_fail(call, code, "%s %s took too long", doing, host);
}

static void call_timeout(tn_http_call *call) {
  tn_client_deadline kind = call->deadline_kind;
  call->deadline_kind = TN_CALL_NO_DEADLINE;
  if (kind == TN_CALL_CONNECT) {
    connect_timeout(call);
  } else if (kind == TN_CALL_FIRST_BYTE) {
    tn_client_call_fail(call, TN_HTTP_CONNECTION_READ_TIMEOUT, "%s did not answer in time",
                        call->origin->target.host);
  } else {
    call->has_fault = true;
    call->failure.code = TN_HTTP_CONNECTION_READ_TIMEOUT;
    call->events |= TN_CALL_TELL_IN;
    tn_client_pool_give_back(call, false);
  }
}

/* An answer that has come is worth more than the rest of the request. */
static void upload_timeout(tn_http_call *call) {
  call->upload_deadline = 0;
  if (call->state >= TN_CALL_RESPONDED)
    tn_client_http1_stop_sending(call);
  else
    tn_client_call_fail(call, TN_HTTP_CONNECTION_WRITE_TIMEOUT,
                        "%s takes no more of the request's body", call->origin->target.host);
}

static void call_alarm(tn_alarm *alarm) {
  tn_http_call *call = TN_CONTAINER(alarm, tn_http_call, alarm);
  uint64_t deadline = call->deadline_kind == TN_CALL_NO_DEADLINE ? UINT64_MAX : call->deadline;
  bool is_uploading = call->upload_deadline != 0 && call->connection != NULL;
  uint64_t upload = is_uploading ? call->upload_deadline : UINT64_MAX;
  uint64_t next = deadline < upload ? deadline : upload;
  if (next == UINT64_MAX) return;
  if (tn_loop_now() < next) {
    /* Cannot fail for want of memory: its place in the heap has just been freed. */
    tn_error_delete(tn_alarm_set(call->client->loop, alarm, next));
    return;
  }
  if (next == deadline) {
    call_timeout(call);
  } else {
    upload_timeout(call);
    if (call->deadline_kind != TN_CALL_NO_DEADLINE)
      tn_error_delete(tn_alarm_set(call->client->loop, alarm, call->deadline)); /* likewise */
  }
  tn_client_call_tell(call);
}

/* ---- ends ------------------------------------------------------------------------------------ */

/* Lets go of queue, dial, connection and origin, in whatever state it is. */
static void call_detach(tn_http_call *call) {
  call->deadline_kind = TN_CALL_NO_DEADLINE;
  if (call->is_queued) tn_client_pool_cancel(call);
  tn_client_origin *origin = call->origin;
  tn_client_dial *dial = call->dial;
  call->dial = NULL;
  if (dial != NULL) {
    tn_client_dial_cancel(dial);
    tn_client_pool_dialed(origin, NULL, NULL);
  }
  if (call->connection != NULL) tn_client_pool_give_back(call, false);
  call->origin = NULL;
  if (origin == NULL) return;
  origin->calls--;
  tn_client_origin_check(origin);
}

static const char *format_detail(tn_http_call *call, const char *format, va_list arguments) {
  char text[512];
  vsnprintf(text, sizeof text, format, arguments);
  tn_str copy = tn_arena_copy(&call->arena, tn_str_from(text));
  return copy.data == NULL ? "" : copy.data;
}

void tn_client_call_fail(tn_http_call *call, tn_http_code code, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  call->failure.detail = format_detail(call, format, arguments);
  va_end(arguments);
  call->state = TN_CALL_FAILED;
  call->failure.code = code;
  call->events = TN_CALL_TELL_RESULT | TN_CALL_TELL_OUT;
  if (call->client != NULL) tn_client_count(&call->client->counters.failures, 1);
  tn_client_call_defer(call);
  call_detach(call);
}

void tn_client_note_alert(tn_http_call_failure *failure, const tn_transport *transport) {
  if (failure->code == TN_HTTP_TLS_ALERT_RECEIVED)
    failure->has_alert = tn_transport_alert(transport, &failure->alert_id, &failure->alert_message);
}

/* Of HTTP/2 bodies only the session knows. */
static bool has_session_failure(tn_http_call *call) {
  if (call->http2 == NULL || call->state != TN_CALL_RESPONDED) return false;
  return tn_http2_call_has_failed(call->http2, &call->failure.code, &call->failure.detail);
}

const tn_http_call_failure *tn_http_call_get_failure(tn_http_call *call) {
  bool has_failed = call->state == TN_CALL_FAILED || call->has_fault || has_session_failure(call);
  return has_failed ? &call->failure : NULL;
}

static void client_unlink(tn_http_call *call) {
  if (call->previous != NULL)
    call->previous->next = call->next;
  else
    call->client->calls = call->next;
  if (call->next != NULL) call->next->previous = call->previous;
}

void tn_client_call_orphan(tn_http_call *call) {
  tn_loop_undefer(call->client->loop, &call->deferred);
  tn_alarm_clear(call->client->loop, &call->alarm);
  if (call->state < TN_CALL_RESPONDED) {
    call->state = TN_CALL_FAILED;
    call->failure.code = TN_HTTP_INTERNAL_ERROR;
    call->failure.detail = "the client was closed";
  } else if (!call->body_is_complete) {
    call->has_fault = true;
    call->failure.code = TN_HTTP_HTTP_RESPONSE_INCOMPLETE;
  }
  call_detach(call);
  client_unlink(call);
  call->client = NULL;
}

/* Everything zero but what is worth keeping: memory. */
static void call_clear(tn_http_call *call) {
  tn_arena arena = call->arena;
  tn_buffer pending = call->pending, out = call->out;
  uint8_t *in = call->in;
  uint32_t in_cap = call->in_cap;
  memset(call, 0, sizeof *call);
  tn_arena_reset(&arena);
  if (arena.end - arena.next > MAX_KEPT) tn_arena_free(&arena);
  if (pending.cap > MAX_KEPT || pending.failed) tn_buffer_free(&pending);
  if (out.cap > MAX_KEPT || out.failed) tn_buffer_free(&out);
  if (in_cap > MAX_KEPT) {
    tn_free(in);
    in = NULL;
    in_cap = 0;
  }
  pending.len = out.len = 0;
  call->arena = arena;
  call->pending = pending;
  call->out = out;
  call->in = in;
  call->in_cap = in_cap;
}

/* To the free ones, or to the system when its client is gone or has enough. */
static void call_recycle(tn_http_call *call) {
  tn_http_client *client = call->client;
  if (client != NULL) client_unlink(call);
  if (client == NULL || client->free_count >= MAX_FREE_CALLS) {
    tn_client_call_free(call);
    return;
  }
  call_clear(call);
  call->next = client->free_calls;
  client->free_calls = call;
  client->free_count++;
}

void tn_http_call_release(tn_http_call *call) {
  if (call == NULL) return;
  call->is_released = true;
  if (call->connection != NULL && call->state == TN_CALL_RESPONDED) tn_client_http1_abandon(call);
  call_detach(call);
  if (call->http2 != NULL) tn_http2_call_release(call->http2);
  call->http2 = NULL;
  if (call->client != NULL) {
    tn_loop_undefer(call->client->loop, &call->deferred);
    tn_alarm_clear(call->client->loop, &call->alarm);
  }
  if (!call->is_telling) call_recycle(call);
}

/* ---- beginning ------------------------------------------------------------------------------- */

static tn_http_call *call_take(tn_http_client *client) {
  tn_http_call *call = client->free_calls;
  if (call != NULL) {
    client->free_calls = call->next;
    client->free_count--;
  } else {
    call = tn_calloc(1, sizeof *call);
    if (call == NULL) return NULL;
  }
  call->client = client;
  call->previous = NULL;
  call->next = client->calls;
  if (call->next != NULL) call->next->previous = call;
  client->calls = call;
  call->incoming.class = &tn_client_incoming_class;
  call->outgoing.class = &tn_client_outgoing_class;
  call->body = &call->incoming;
  call->deferred.func = call_deferred;
  call->alarm.func = call_alarm;
  return call;
}

static bool copy_string(tn_arena *arena, tn_str from, tn_str *out) {
  *out = tn_arena_copy(arena, from);
  return out->data != NULL;
}

bool tn_client_copy_fields(tn_arena *arena, const tn_http_fields *from, tn_http_fields *out) {
  *out = (tn_http_fields){0};
  for (uint32_t i = 0; i < from->count; i++) {
    tn_str name, value;
    if (!copy_string(arena, from->items[i].name, &name) ||
        !copy_string(arena, from->items[i].value, &value) ||
        !tn_http_fields_add(arena, out, name, value)) {
      return false;
    }
  }
  return true;
}

static bool copy_request(tn_http_call *call, const tn_http_request *from) {
  tn_http_request *to = &call->request;
  to->body_length = from->body_length;
  to->version = TN_HTTP_1_1;
  tn_arena *arena = &call->arena;
  return copy_string(arena, from->method, &to->method) &&
         copy_string(arena, from->scheme, &to->scheme) &&
         copy_string(arena, from->authority, &to->authority) &&
         copy_string(arena, from->path, &to->path) &&
         tn_client_copy_fields(arena, &from->fields, &to->fields);
}

/* What a proxy is to call is no address that is connected to here. Names are checked as they are dialed for (dial.c). */
static bool is_prohibited(const tn_http_call *call, const tn_client_target *target) {
  if (call->origin->proxy == NULL || !target->is_address || call->options.may_connect == NULL)
    return false;
  return !call->options.may_connect(call->options.may_connect_data, &target->address.any);
}

static void call_start(tn_http_call *call) {
  const tn_http_request *request = &call->request;
  bool is_tls = tn_http_name_equal(request->scheme, TN_STR("https"));
  if (!is_tls && !tn_http_name_equal(request->scheme, TN_STR("http"))) {
    tn_client_call_fail(call, TN_HTTP_HTTP_REQUEST_URI_INVALID,
                        "the scheme \"%.40s\" cannot be called", request->scheme.data);
    return;
  }
  if (tn_str_equal(request->method, TN_STR("CONNECT"))) {
    tn_client_call_fail(call, TN_HTTP_HTTP_REQUEST_METHOD_INVALID, "CONNECT is not for calls");
    return;
  }
  tn_client_target target;
  const char *problem;
  if (!tn_client_parse_target(request->authority, is_tls ? HTTPS_PORT : HTTP_PORT, &target,
                              &problem)) {
    tn_client_call_fail(call, TN_HTTP_HTTP_REQUEST_URI_INVALID, "calling \"%.80s\": %s",
                        request->authority.data, problem);
    return;
  }
  call->origin = tn_client_origin_get(call->client, &target, is_tls, call->options.policy_key);
  if (call->origin == NULL) {
    tn_client_call_fail(call, TN_HTTP_INTERNAL_ERROR, "out of memory");
    return;
  }
  call->origin->calls++;
  if (call->origin->proxy != NULL && call->origin->proxy->problem != NULL) {
    tn_client_call_fail(call, TN_HTTP_CONFIGURATION_ERROR, "the proxy for %s cannot be used: %s",
                        target.host, call->origin->proxy->problem);
  } else if (is_prohibited(call, &target)) {
    tn_client_call_fail(call, TN_HTTP_DESTINATION_IP_PROHIBITED, "calling %s is not allowed",
                        target.host);
  } else {
    tn_client_call_set_deadline(call, TN_CALL_CONNECT, call->options.connect_timeout);
    if (call->state == TN_CALL_WAITING) tn_client_pool_request(call);
  }
}

static void default_to(uint64_t *timeout, uint64_t otherwise) {
  if (*timeout == 0) *timeout = otherwise;
}

/* Who bounds only the time to the answer does not want to wait longer for the connection. */
static void choose_timeouts(tn_http_call_options *options, const tn_http_client_options *defaults) {
  uint64_t connect = defaults->connect_timeout, first_byte = options->first_byte_timeout;
  if (first_byte != 0 && (connect == 0 || first_byte < connect)) connect = first_byte;
  default_to(&options->connect_timeout, connect);
  default_to(&options->first_byte_timeout, defaults->first_byte_timeout);
  default_to(&options->between_bytes_timeout, defaults->between_bytes_timeout);
}

tn_error *tn_http_client_call(tn_http_client *client, const tn_http_request *request,
                              const tn_http_call_options *options,
                              const tn_http_call_handler *handler, void *data, tn_http_call **out,
                              tn_http_outgoing **body) {
  tn_http_call *call = call_take(client);
  if (call == NULL) return tn_error_no_memory();
  call->options = *options;
  choose_timeouts(&call->options, &client->options);
  call->handler = *handler;
  call->data = data;
  if (!copy_request(call, request)) {
    tn_http_call_release(call);
    return tn_error_no_memory();
  }
  tn_client_count(&client->counters.calls, 1);
  call_start(call);
  *out = call;
  *body = &call->outgoing;
  return NULL;
}
