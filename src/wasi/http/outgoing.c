/* wasi:http/types, the resources outgoing-request, outgoing-response and request-options. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "wasi/http/state.h"

/* Of methods, schemes, authorities and paths that a guest makes. */
enum { MAX_TEXT = 64 * 1024 };
/* RFC 9110, 15: statuses outside of these are invalid. */
enum { FIRST_STATUS = 100, LAST_STATUS = 599, DEFAULT_STATUS = 200 };

static tn_http_outgoing_message *request_of(tn_call *call, const void *params) {
  return tn_http_object_of(call, TN_SLOT_HTTP_OUTGOING_REQUEST, *(const uint32_t *)params);
}

static tn_http_outgoing_message *response_of(tn_call *call, const void *params) {
  return tn_http_object_of(call, TN_SLOT_HTTP_OUTGOING_RESPONSE, *(const uint32_t *)params);
}

/* ---- what both have --------------------------------------------------------------------------------------------- */

static void forget_text(tn_kept *kept, tn_http_own_text *text) {
  if (text->bytes == NULL) return;
  tn_kept_remove(kept, text->size);
  tn_free(text->bytes);
  *text = (tn_http_own_text){0};
}

void tn_http_outgoing_message_delete(tn_http_outgoing_message *message) {
  tn_http_fields_release(message->fields);
  if (message->body != NULL) tn_http_body_release(message->body);
  tn_kept *kept = tn_wasi_kept(message->http->options.wasi);
  forget_text(kept, &message->method_text);
  forget_text(kept, &message->scheme_text);
  forget_text(kept, &message->authority_text);
  forget_text(kept, &message->path_text);
  tn_http_give(message->http, message);
}

static void drop(tn_runtime *runtime, unsigned kind, uint32_t representation) {
  tn_wasi *wasi = tn_wasi_of(runtime);
  tn_http_outgoing_message *message = tn_wasi_slot_get(wasi, (tn_slot_kind)kind, representation);
  tn_wasi_slot_remove(wasi, representation);
  tn_http_outgoing_message_delete(message);
}

/* Takes over the fields, which are immutable from now on. */
static tn_error *make(tn_call *call, unsigned kind, const void *params, uint32_t *representation) {
  tn_http_fields_object *fields =
      tn_http_consume(call, TN_SLOT_HTTP_FIELDS, *(const uint32_t *)params);
  tn_wasi_http *http = fields->http;
  tn_http_outgoing_message *message = tn_http_take(http, sizeof *message);
  tn_error *error = message == NULL ? tn_error_no_memory()
                                    : tn_wasi_slot_add(http->options.wasi, (tn_slot_kind)kind,
                                                       message, representation);
  if (error != NULL) {
    tn_http_fields_release(fields);
    if (message != NULL) tn_http_give(http, message);
    return error;
  }
  fields->is_immutable = true;
  message->http = http;
  message->fields = fields;
  message->status = DEFAULT_STATUS;
  return NULL;
}

static tn_error *give_body(tn_http_outgoing_message *message, bool is_request,
                           tn_http_handle_result *out) {
  out->is_error = true;
  if (message->body != NULL) return NULL;
  TN_TRY(tn_http_body_add(message->http, message->fields->list, is_request, &message->body,
                          &out->handle));
  out->is_error = message->body == NULL;
  return NULL;
}

/* ---- outgoing-request ----------------------------------------------------------------------------------------------- */

typedef struct method_params {
  uint32_t self;
  tn_http_named method;
} method_params;

typedef struct string_params {
  uint32_t self;
  tn_http_optional_string text;
} string_params;

typedef struct scheme_params {
  uint32_t self;
  tn_http_optional_scheme scheme;
} scheme_params;
static_assert(sizeof(method_params) == 32 && sizeof(string_params) == 32 &&
                  sizeof(scheme_params) == 40,
              "native form of the setters' parameters");

tn_error *tn_http_outgoing_request_constructor(tn_call *call, void *data, const void *params,
                                               void *result) {
  (void)data;
  return make(call, TN_SLOT_HTTP_OUTGOING_REQUEST, params, result);
}

void tn_http_drop_outgoing_request(tn_runtime *runtime, void *data, uint32_t representation) {
  (void)data;
  drop(runtime, TN_SLOT_HTTP_OUTGOING_REQUEST, representation);
}

tn_error *tn_http_outgoing_request_body(tn_call *call, void *data, const void *params,
                                        void *result) {
  (void)data;
  return give_body(request_of(call, params), true, result);
}

tn_error *tn_http_outgoing_request_headers(tn_call *call, void *data, const void *params,
                                           void *result) {
  (void)data;
  return tn_http_fields_share(request_of(call, params)->fields, result);
}

/* Replaces the text at *owned by a copy of `text`, which is left alone. */
static tn_error *keep_text(tn_http_outgoing_message *message, tn_str text, tn_http_own_text *owned,
                           tn_str *out) {
  tn_kept *kept = tn_wasi_kept(message->http->options.wasi);
  TN_TRY(tn_kept_check(kept));
  char *copy = tn_malloc(text.len + 1);
  if (copy == NULL) return tn_error_no_memory();
  if (text.len > 0) memcpy(copy, text.data, text.len);
  copy[text.len] = 0;
  forget_text(kept, owned);
  *owned = (tn_http_own_text){copy, text.len + 1};
  tn_kept_add(kept, owned->size);
  *out = (tn_str){copy, text.len};
  return NULL;
}

/* A result without payloads. */
static bool refuse(void *result, bool is_wrong) {
  *(uint8_t *)result = is_wrong;
  return is_wrong;
}

static tn_error *set_named(tn_http_outgoing_message *message, const tn_http_named *in,
                           const tn_http_named *none, bool is_valid, tn_http_own_text *owned,
                           tn_http_named *out, void *result) {
  if (in->tag < none->tag) {
    *(uint8_t *)result = false;
    *out = (tn_http_named){.tag = in->tag};
    return NULL;
  }
  if (refuse(result, in->other.len > MAX_TEXT || !is_valid)) return NULL;
  TN_TRY(keep_text(message, in->other, owned, &out->other));
  out->tag = in->tag;
  return NULL;
}

tn_error *tn_http_outgoing_request_method(tn_call *call, void *data, const void *params,
                                          void *result) {
  (void)data;
  *(tn_http_named *)result = request_of(call, params)->method;
  return NULL;
}

tn_error *tn_http_outgoing_request_set_method(tn_call *call, void *data, const void *params,
                                              void *result) {
  (void)data;
  const method_params *in = params;
  tn_http_outgoing_message *request = request_of(call, params);
  const tn_http_named none = tn_http_method_of((tn_str){0});
  return set_named(request, &in->method, &none, tn_http_is_method(tn_http_method_text(&in->method)),
                   &request->method_text, &request->method, result);
}

tn_error *tn_http_outgoing_request_scheme(tn_call *call, void *data, const void *params,
                                          void *result) {
  (void)data;
  *(tn_http_optional_scheme *)result = request_of(call, params)->scheme;
  return NULL;
}

tn_error *tn_http_outgoing_request_set_scheme(tn_call *call, void *data, const void *params,
                                              void *result) {
  (void)data;
  const scheme_params *in = params;
  tn_http_outgoing_message *request = request_of(call, params);
  *(uint8_t *)result = false;
  if (!in->scheme.is_some) {
    request->scheme = (tn_http_optional_scheme){0};
    return NULL;
  }
  const tn_http_named none = tn_http_scheme_of((tn_str){0});
  TN_TRY(set_named(request, &in->scheme.value, &none,
                   tn_http_is_scheme(tn_http_scheme_text(&in->scheme.value)), &request->scheme_text,
                   &request->scheme.value, result));
  if (*(const uint8_t *)result == 0) request->scheme.is_some = true;
  return NULL;
}

static tn_error *set_string(tn_http_outgoing_message *message, const tn_http_optional_string *in,
                            bool (*is_valid)(tn_str), tn_http_own_text *owned,
                            tn_http_optional_string *out, void *result) {
  if (refuse(result, in->is_some && (in->value.len > MAX_TEXT || !is_valid(in->value))))
    return NULL;
  out->is_some = in->is_some;
  return in->is_some ? keep_text(message, in->value, owned, &out->value) : NULL;
}

/* An empty path is one: it becomes "/" on its way. */
static bool is_path(tn_str path) {
  for (size_t i = 0; i < path.len; i++) {
    char c = path.data[i];
    if (c <= ' ' || c >= 0x7f || c == '#' || c == '<' || c == '>' || c == '`') return false;
  }
  return path.len == 0 || path.data[0] == '?' || tn_http_is_path(path);
}

static bool are_port_digits(tn_str text) {
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] < '0' || text.data[i] > '9') return false;
  }
  return true;
}

/* What users and hosts are made of (RFC 3986, 3.2): unreserved, sub-delims, ":", and "%" before two digits. */
static bool is_of_names(tn_str text) {
  static const char allowed[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=:%";
  for (size_t i = 0; i < text.len; i++) {
    if (memchr(allowed, text.data[i], sizeof allowed - 1) == NULL) return false;
  }
  return true;
}

/* An authority as RFC 3986, 3.2, has it, except that an empty one is none. Whether HTTP can call it is looked at when it
 * is called: a user, a port that there is not, a host that is empty or no name are refused then. */
static bool is_authority(tn_str authority) {
  size_t at = tn_str_find(authority, '@', 0);
  tn_str host = at < authority.len ? tn_str_slice(authority, at + 1, authority.len) : authority;
  if (authority.len == 0 || (at < authority.len && !is_of_names(tn_str_slice(authority, 0, at))))
    return false;
  size_t end = tn_str_find(host, ':', 0);
  if (host.len > 0 && host.data[0] == '[') {
    size_t bracket = tn_str_find(host, ']', 1);
    if (bracket == host.len || !is_of_names(tn_str_slice(host, 1, bracket))) return false;
    end = bracket + 1;
    if (end < host.len && host.data[end] != ':') return false;
  } else if (!is_of_names(tn_str_slice(host, 0, end))) {
    return false;
  }
  return end == host.len || are_port_digits(tn_str_slice(host, end + 1, host.len));
}

tn_error *tn_http_outgoing_request_path(tn_call *call, void *data, const void *params,
                                        void *result) {
  (void)data;
  *(tn_http_optional_string *)result = request_of(call, params)->path;
  return NULL;
}

tn_error *tn_http_outgoing_request_set_path(tn_call *call, void *data, const void *params,
                                            void *result) {
  (void)data;
  tn_http_outgoing_message *request = request_of(call, params);
  return set_string(request, &((const string_params *)params)->text, is_path, &request->path_text,
                    &request->path, result);
}

tn_error *tn_http_outgoing_request_authority(tn_call *call, void *data, const void *params,
                                             void *result) {
  (void)data;
  *(tn_http_optional_string *)result = request_of(call, params)->authority;
  return NULL;
}

tn_error *tn_http_outgoing_request_set_authority(tn_call *call, void *data, const void *params,
                                                 void *result) {
  (void)data;
  tn_http_outgoing_message *request = request_of(call, params);
  return set_string(request, &((const string_params *)params)->text, is_authority,
                    &request->authority_text, &request->authority, result);
}

/* ---- outgoing-response ------------------------------------------------------------------------------------------------ */

typedef struct status_params {
  uint32_t self;
  uint16_t status;
} status_params;

tn_error *tn_http_outgoing_response_constructor(tn_call *call, void *data, const void *params,
                                                void *result) {
  (void)data;
  return make(call, TN_SLOT_HTTP_OUTGOING_RESPONSE, params, result);
}

void tn_http_drop_outgoing_response(tn_runtime *runtime, void *data, uint32_t representation) {
  (void)data;
  drop(runtime, TN_SLOT_HTTP_OUTGOING_RESPONSE, representation);
}

tn_error *tn_http_outgoing_response_status(tn_call *call, void *data, const void *params,
                                           void *result) {
  (void)data;
  *(uint16_t *)result = response_of(call, params)->status;
  return NULL;
}

tn_error *tn_http_outgoing_response_set_status(tn_call *call, void *data, const void *params,
                                               void *result) {
  (void)data;
  uint16_t status = ((const status_params *)params)->status;
  if (!refuse(result, status < FIRST_STATUS || status > LAST_STATUS))
    response_of(call, params)->status = status;
  return NULL;
}

tn_error *tn_http_outgoing_response_headers(tn_call *call, void *data, const void *params,
                                            void *result) {
  (void)data;
  return tn_http_fields_share(response_of(call, params)->fields, result);
}

tn_error *tn_http_outgoing_response_body(tn_call *call, void *data, const void *params,
                                         void *result) {
  (void)data;
  return give_body(response_of(call, params), false, result);
}

/* ---- request-options ----------------------------------------------------------------------------------------------------- */

enum { CONNECT, FIRST_BYTE, BETWEEN_BYTES };

typedef struct timeout_params {
  uint32_t self;
  tn_http_optional_u64 timeout;
} timeout_params;
static_assert(sizeof(timeout_params) == 24,
              "native form of (borrow<request-options>, option<u64>)");

tn_error *tn_http_request_options_constructor(tn_call *call, void *data, const void *params,
                                              void *result) {
  (void)data, (void)params;
  tn_wasi_http *http;
  TN_TRY(tn_http_state_of(tn_call_runtime(call), &http));
  tn_http_request_options *options = tn_http_take(http, sizeof *options);
  if (options == NULL) return tn_error_no_memory();
  options->http = http;
  tn_error *error = tn_wasi_slot_add(http->options.wasi, (tn_slot_kind)TN_SLOT_HTTP_REQUEST_OPTIONS,
                                     options, result);
  if (error != NULL) tn_http_give(http, options);
  return error;
}

void tn_http_request_options_delete(tn_http_request_options *options) {
  tn_http_give(options->http, options);
}

void tn_http_drop_request_options(tn_runtime *runtime, void *data, uint32_t representation) {
  (void)data;
  tn_wasi *wasi = tn_wasi_of(runtime);
  tn_http_request_options *options =
      tn_wasi_slot_get(wasi, (tn_slot_kind)TN_SLOT_HTTP_REQUEST_OPTIONS, representation);
  tn_wasi_slot_remove(wasi, representation);
  tn_http_request_options_delete(options);
}

static tn_error *get_timeout(tn_call *call, int which, const void *params, void *result) {
  const tn_http_request_options *options =
      tn_http_object_of(call, TN_SLOT_HTTP_REQUEST_OPTIONS, *(const uint32_t *)params);
  *(tn_http_optional_u64 *)result = options->timeouts[which];
  return NULL;
}

/* All three are supported, so the result is never an error. */
static tn_error *set_timeout(tn_call *call, int which, const void *params, void *result) {
  const timeout_params *in = params;
  tn_http_request_options *options =
      tn_http_object_of(call, TN_SLOT_HTTP_REQUEST_OPTIONS, in->self);
  options->timeouts[which] = in->timeout;
  *(uint8_t *)result = false;
  return NULL;
}

tn_error *tn_http_request_options_connect(tn_call *call, void *data, const void *params,
                                          void *result) {
  (void)data;
  return get_timeout(call, CONNECT, params, result);
}

tn_error *tn_http_request_options_set_connect(tn_call *call, void *data, const void *params,
                                              void *result) {
  (void)data;
  return set_timeout(call, CONNECT, params, result);
}

tn_error *tn_http_request_options_first_byte(tn_call *call, void *data, const void *params,
                                             void *result) {
  (void)data;
  return get_timeout(call, FIRST_BYTE, params, result);
}

tn_error *tn_http_request_options_set_first_byte(tn_call *call, void *data, const void *params,
                                                 void *result) {
  (void)data;
  return set_timeout(call, FIRST_BYTE, params, result);
}

tn_error *tn_http_request_options_between_bytes(tn_call *call, void *data, const void *params,
                                                void *result) {
  (void)data;
  return get_timeout(call, BETWEEN_BYTES, params, result);
}

tn_error *tn_http_request_options_set_between_bytes(tn_call *call, void *data, const void *params,
                                                    void *result) {
  (void)data;
  return set_timeout(call, BETWEEN_BYTES, params, result);
}
