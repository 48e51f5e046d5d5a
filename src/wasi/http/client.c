/* wasi:http/outgoing-handler, and the resource future-incoming-response. */
#include <string.h>

#include "base/error.h"
#include "wasi/http/state.h"
#include "wasi/state.h"

enum { HTTP_PORT = 80, HTTPS_PORT = 443 };
/* What a call is counted with, besides the head of its response: its own state and buffers, a share of a connection. */
enum { CALL_SIZE = 16 * 1024 };
#define DEFAULT_TIMEOUT UINT64_C(600000000000) /* nanoseconds */

/* ---- what becomes of a call ------------------------------------------------------------------------------------ */

static void on_response(void *data, const tn_http_response *head, tn_http_incoming *body) {
  tn_http_message *message = data;
  if (message->state != TN_MESSAGE_WAITING) return;
  message->state = TN_MESSAGE_ARRIVED;
  message->status = head->status;
  message->fields = head->fields;
  tn_http_message_count_call(message, tn_http_fields_size(&head->fields));
  tn_http_message_set_incoming(message, body);
  tn_http_message_changed(message);
}

static void on_failure(void *data, tn_http_code code, const char *detail) {
  tn_http_message_fail(data, code, tn_str_from(detail));
}

static const tn_http_call_handler call_handler = {on_response, on_failure};

static bool may_connect(void *data, const struct sockaddr *address) {
  const tn_http_permission *permission = data;
  return tn_egress_may_connect(permission->policy, &permission->request, address);
}

/* ---- making one ---------------------------------------------------------------------------------------------------- */

static tn_error *client_of(tn_wasi_http *http, tn_http_client **out) {
  *out = http->options.client != NULL ? http->options.client : http->own_client;
  if (*out != NULL) return NULL;
  tn_http_client_options options;
  tn_http_client_options_init(&options);
  tn_http_client_options_from_environment(&options);
  TN_TRY(tn_http_client_new(tn_wasi_loop(http->options.wasi), &options, &http->own_client));
  *out = http->own_client;
  return NULL;
}

/* What is wrong with the request itself; INTERNAL_ERROR: nothing. */
static tn_http_code check_request(const tn_http_outgoing_message *request) {
  if (request->scheme.is_some && tn_http_scheme_of((tn_str){0}).tag == request->scheme.value.tag)
    return TN_HTTP_HTTP_PROTOCOL_ERROR;
  if (!request->authority.is_some || !tn_http_is_authority(request->authority.value))
    return TN_HTTP_HTTP_REQUEST_URI_INVALID;
  /* A tunnel would lead past all rules. */
  if (tn_str_equal(tn_http_method_text(&request->method), TN_STR("CONNECT")))
    return TN_HTTP_HTTP_REQUEST_METHOD_INVALID;
  uint64_t length;
  if (!tn_http_fields_length(request->fields->list, &length)) return TN_HTTP_HTTP_PROTOCOL_ERROR;
  return TN_HTTP_INTERNAL_ERROR;
}

/* Splits a valid authority. */
static tn_str host_of(tn_str authority, bool is_secure, uint16_t *port) {
  size_t end = authority.data[0] == '[' ? tn_str_find(authority, ']', 0) : 0;
  size_t colon = tn_str_find(authority, ':', end);
  *port = is_secure ? HTTPS_PORT : HTTP_PORT;
  if (colon + 1 < authority.len) *port = 0;
  for (size_t i = colon + 1; i < authority.len; i++)
    *port = (uint16_t)(*port * 10 + (authority.data[i] - '0'));
  if (end > 0) return tn_str_slice(authority, 1, end);
  return tn_str_slice(authority, 0, colon);
}

/* The path as it goes on the wire: never empty. */
static tn_error *wire_path(tn_arena *arena, const tn_http_optional_string *path, tn_str *out) {
  *out = TN_STR("/");
  if (!path->is_some || path->value.len == 0) return NULL;
  *out = path->value;
  if (path->value.data[0] != '?') return NULL;
  *out = tn_arena_format(arena, "/%" TN_STR_FORMAT, TN_STR_ARG(path->value));
  return out->data == NULL ? tn_error_no_memory() : NULL;
}

/* The guest's fields and those that the host adds, unless the guest has set them. */
static tn_error *wire_fields(tn_arena *arena, const tn_wasi_http *http, const tn_http_fields *own,
                             tn_http_fields *out) {
  *out = *own;
  const tn_http_fields *added = http->options.outgoing_fields;
  if (added == NULL || added->count == 0) return NULL;
  uint32_t cap = own->count + added->count;
  out->items = TN_ARENA_ARRAY(arena, tn_http_field, cap);
  if (out->items == NULL) return tn_error_no_memory();
  out->cap = cap;
  if (own->count > 0) memcpy(out->items, own->items, own->count * sizeof *out->items);
  for (uint32_t i = 0; i < added->count; i++) {
    if (tn_http_fields_find(own, added->items[i].name) == NULL)
      out->items[out->count++] = added->items[i];
  }
  return NULL;
}

/* Zero means without limit to the client, and at once to the guest. One that the guest does not set is Wasmtime's. */
static uint64_t timeout_of(const tn_http_request_options *options, int which) {
  if (options == NULL || !options->timeouts[which].is_some) return DEFAULT_TIMEOUT;
  uint64_t timeout = options->timeouts[which].value;
  return timeout == 0 ? 1 : timeout;
}

/* What the request says of itself lies in the message's arena from here on, or in the request until the call has
 * copied it. */
static tn_error *start_call(tn_http_message *message, const tn_http_outgoing_message *request,
                            const tn_http_request_options *options) {
  tn_wasi_http *http = message->http;
  tn_http_client *client;
  TN_TRY(client_of(http, &client));
  tn_http_request head = {
      .method = message->method,
      .scheme = message->scheme,
      .authority = request->authority.value,
      .body_length = tn_http_body_length(request->body),
  };
  TN_TRY(wire_path(&message->arena, &request->path, &head.path));
  TN_TRY(wire_fields(&message->arena, http, request->fields->list, &head.fields));
  const tn_http_permission *permission = &message->permission;
  bool is_anywhere = tn_egress_may_connect_anywhere(permission->policy, &permission->request);
  const tn_http_call_options call_options = {
      .connect_timeout = timeout_of(options, 0),
      .first_byte_timeout = timeout_of(options, 1),
      .between_bytes_timeout = timeout_of(options, 2),
      .may_connect = is_anywhere ? NULL : may_connect,
      .may_connect_data = &message->permission,
      .policy_key = tn_egress_key(message->permission.policy, message->method),
  };
  tn_http_outgoing *outgoing = NULL;
  TN_TRY(tn_http_client_call(client, &head, &call_options, &call_handler, message, &message->call,
                             &outgoing));
  tn_http_message_link(message);
  tn_http_message_count_call(message, CALL_SIZE);
  tn_http_body_attach(request->body, message, outgoing);
  return NULL;
}

/* Gives false, with the code in *out, when the request is wrong or not allowed. */
static tn_error *prepare(tn_wasi *caller, tn_http_message *message,
                         const tn_http_outgoing_message *request, tn_http_result *out,
                         bool *is_fine) {
  *is_fine = false;
  tn_http_code problem = check_request(request);
  if (problem != TN_HTTP_INTERNAL_ERROR) {
    tn_http_fail(out, problem, (tn_str){0});
    return NULL;
  }
  message->method = tn_arena_copy(&message->arena, tn_http_method_text(&request->method));
  if (message->method.data == NULL) return tn_error_no_memory();
  /* Without a scheme it is the safe one, as in Wasmtime. */
  bool is_secure = !request->scheme.is_some || request->scheme.value.tag == 1;
  message->scheme = is_secure ? TN_STR("https") : TN_STR("http");
  message->permission.policy = &caller->config->egress;
  uint16_t port;
  tn_str host = host_of(request->authority.value, is_secure, &port);
  *is_fine = tn_egress_may_request(message->permission.policy, message->method, host, port,
                                   &message->permission.request);
  if (!*is_fine) tn_http_fail(out, TN_HTTP_HTTP_REQUEST_DENIED, (tn_str){0});
  return NULL;
}

/* The message with its call as the resource that tells what becomes of it. */
static tn_error *make_future(tn_wasi *caller, tn_http_message *message,
                             const tn_http_outgoing_message *request,
                             const tn_http_request_options *options, tn_http_result *out) {
  bool is_fine;
  TN_TRY(prepare(caller, message, request, out, &is_fine));
  if (!is_fine) return NULL;
  TN_TRY(start_call(message, request, options));
  return tn_http_message_add_reader(message, TN_SLOT_HTTP_FUTURE_RESPONSE, &out->handle);
}

typedef struct handle_params {
  uint32_t request;
  tn_http_optional_handle options;
} handle_params;
static_assert(sizeof(handle_params) == 12,
              "native form of (own<outgoing-request>, option<own<request-options>>)");

tn_error *tn_http_outgoing_handle(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const handle_params *in = params;
  tn_http_outgoing_message *request =
      tn_http_consume(call, TN_SLOT_HTTP_OUTGOING_REQUEST, in->request);
  tn_http_request_options *options = NULL;
  if (in->options.is_some)
    options = tn_http_consume(call, TN_SLOT_HTTP_REQUEST_OPTIONS, in->options.handle);
  tn_http_message *message = tn_http_message_new(request->http);
  tn_error *error = message == NULL
                        ? tn_error_no_memory()
                        : make_future(tn_wasi_of_call(call), message, request, options, result);
  if (message != NULL) tn_http_message_release(message);
  /* Whoever holds the body learns that nobody takes it. */
  if (request->body != NULL && !request->body->is_attached)
    tn_http_body_attach(request->body, NULL, NULL);
  tn_http_outgoing_message_delete(request);
  if (options != NULL) tn_http_request_options_delete(options);
  return error;
}

/* ---- future-incoming-response ------------------------------------------------------------------------------------------ */

static tn_http_message *future_of(tn_call *call, const void *params) {
  return tn_http_object_of(call, TN_SLOT_HTTP_FUTURE_RESPONSE, *(const uint32_t *)params);
}

static bool response_is_ready(void *object) {
  const tn_http_message *message = object;
  return message->state != TN_MESSAGE_WAITING;
}

static void response_release(void *object) {
  ((tn_http_message *)object)->response_pollables--;
  tn_http_message_release_reader(object);
}

tn_error *tn_http_future_response_subscribe(tn_call *call, void *data, const void *params,
                                            void *result) {
  (void)data;
  static const tn_pollable_class class = {response_is_ready, tn_http_message_arm, response_release};
  tn_http_message *message = future_of(call, params);
  message->response_pollables++;
  return tn_http_message_subscribe(message, &class, result);
}

tn_error *tn_http_future_response_get(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  tn_http_message *message = future_of(call, params);
  tn_http_future_response *out = result;
  out->is_some = message->state != TN_MESSAGE_WAITING;
  if (!out->is_some) return NULL;
  out->value.is_error = message->is_response_taken;
  if (message->is_response_taken) return NULL;
  message->is_response_taken = true;
  if (message->state == TN_MESSAGE_FAILED) {
    out->value.ok.is_error = true;
    out->value.ok.error = tn_http_message_error(message, message->code);
    return NULL;
  }
  return tn_http_message_add_reader(message, TN_SLOT_HTTP_INCOMING_RESPONSE, &out->value.ok.handle);
}

void tn_http_drop_future_response(tn_runtime *runtime, void *data, uint32_t representation) {
  (void)data;
  tn_wasi *wasi = tn_wasi_of(runtime);
  tn_http_message *message =
      tn_wasi_slot_get(wasi, (tn_slot_kind)TN_SLOT_HTTP_FUTURE_RESPONSE, representation);
  tn_wasi_slot_remove(wasi, representation);
  if (message->response_pollables > 0)
    tn_runtime_refuse_drop(
        runtime,
        tn_error_new(TN_ERROR_TRAP, "future-incoming-response: dropped before its pollable"));
  tn_http_message_release_reader(message);
}
