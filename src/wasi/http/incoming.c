/* wasi:http/types, the resources incoming-request and incoming-response. */
#include <string.h>

#include "base/error.h"
#include "base/utf.h"
#include "wasi/http/state.h"

static tn_http_message *message_of(tn_call *call, unsigned kind, const void *params) {
  return tn_http_object_of(call, kind, *(const uint32_t *)params);
}

static void drop(tn_runtime *runtime, unsigned kind, uint32_t representation) {
  tn_wasi *wasi = tn_wasi_of(runtime);
  tn_http_message *message = tn_wasi_slot_get(wasi, (tn_slot_kind)kind, representation);
  tn_wasi_slot_remove(wasi, representation);
  tn_http_message_release_reader(message);
}

static tn_error *consume(tn_http_message *message, tn_http_handle_result *out) {
  out->is_error = message->is_consumed;
  if (message->is_consumed) return NULL;
  message->is_consumed = true;
  return tn_http_message_add_reader(message, TN_SLOT_HTTP_INCOMING_BODY, &out->handle);
}

/* A string of the request as the guest sees it: what is not UTF-8 cannot be shown. */
static tn_http_optional_string optional(tn_str text) {
  if (text.len == 0 || !tn_utf8_is_valid(text.data, text.len)) return (tn_http_optional_string){0};
  return (tn_http_optional_string){true, text};
}

/* ---- incoming-request ---------------------------------------------------------------------------------------- */

tn_error *tn_http_incoming_request_method(tn_call *call, void *data, const void *params,
                                          void *result) {
  (void)data;
  const tn_http_message *message = message_of(call, TN_SLOT_HTTP_INCOMING_REQUEST, params);
  *(tn_http_named *)result = tn_http_method_of(message->method);
  return NULL;
}

tn_error *tn_http_incoming_request_path(tn_call *call, void *data, const void *params,
                                        void *result) {
  (void)data;
  const tn_http_message *message = message_of(call, TN_SLOT_HTTP_INCOMING_REQUEST, params);
  *(tn_http_optional_string *)result = optional(message->path);
  return NULL;
}

tn_error *tn_http_incoming_request_scheme(tn_call *call, void *data, const void *params,
                                          void *result) {
  (void)data;
  const tn_http_message *message = message_of(call, TN_SLOT_HTTP_INCOMING_REQUEST, params);
  tn_http_optional_scheme *out = result;
  out->is_some = message->scheme.len > 0;
  if (out->is_some) out->value = tn_http_scheme_of(message->scheme);
  return NULL;
}

tn_error *tn_http_incoming_request_authority(tn_call *call, void *data, const void *params,
                                             void *result) {
  (void)data;
  const tn_http_message *message = message_of(call, TN_SLOT_HTTP_INCOMING_REQUEST, params);
  *(tn_http_optional_string *)result = optional(message->authority);
  return NULL;
}

tn_error *tn_http_incoming_request_headers(tn_call *call, void *data, const void *params,
                                           void *result) {
  (void)data;
  tn_http_message *message = message_of(call, TN_SLOT_HTTP_INCOMING_REQUEST, params);
  return tn_http_fields_view(message, &message->fields, result);
}

tn_error *tn_http_incoming_request_consume(tn_call *call, void *data, const void *params,
                                           void *result) {
  (void)data;
  return consume(message_of(call, TN_SLOT_HTTP_INCOMING_REQUEST, params), result);
}

void tn_http_drop_incoming_request(tn_runtime *runtime, void *data, uint32_t representation) {
  (void)data;
  drop(runtime, TN_SLOT_HTTP_INCOMING_REQUEST, representation);
}

/* ---- incoming-response ----------------------------------------------------------------------------------------- */

tn_error *tn_http_incoming_response_status(tn_call *call, void *data, const void *params,
                                           void *result) {
  (void)data;
  *(uint16_t *)result = message_of(call, TN_SLOT_HTTP_INCOMING_RESPONSE, params)->status;
  return NULL;
}

tn_error *tn_http_incoming_response_headers(tn_call *call, void *data, const void *params,
                                            void *result) {
  (void)data;
  tn_http_message *message = message_of(call, TN_SLOT_HTTP_INCOMING_RESPONSE, params);
  return tn_http_fields_view(message, &message->fields, result);
}

tn_error *tn_http_incoming_response_consume(tn_call *call, void *data, const void *params,
                                            void *result) {
  (void)data;
  return consume(message_of(call, TN_SLOT_HTTP_INCOMING_RESPONSE, params), result);
}

void tn_http_drop_incoming_response(tn_runtime *runtime, void *data, uint32_t representation) {
  (void)data;
  drop(runtime, TN_SLOT_HTTP_INCOMING_RESPONSE, representation);
}
