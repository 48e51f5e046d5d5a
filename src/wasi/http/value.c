/* Methods, schemes and error codes as wasi:http has them. */
#include "base/error.h"
#include "wasi/http/state.h"

/* ---- methods and schemes ------------------------------------------------------------------------------------- */

static const tn_str methods[] = {
    {"GET", 3},     {"HEAD", 4},    {"POST", 4},  {"PUT", 3},   {"DELETE", 6},
    {"CONNECT", 7}, {"OPTIONS", 7}, {"TRACE", 5}, {"PATCH", 5},
};
static const tn_str schemes[] = {{"http", 4}, {"https", 5}};

enum {
  METHOD_OTHER = sizeof methods / sizeof *methods,
  SCHEME_OTHER = sizeof schemes / sizeof *schemes,
};

static tn_http_named find(const tn_str *names, uint8_t count, tn_str text) {
  for (uint8_t i = 0; i < count; i++) {
    if (tn_str_equal(names[i], text)) return (tn_http_named){.tag = i};
  }
  return (tn_http_named){.tag = count, .other = text};
}

tn_http_named tn_http_method_of(tn_str method) {
  return find(methods, METHOD_OTHER, method);
}

tn_http_named tn_http_scheme_of(tn_str scheme) {
  return find(schemes, SCHEME_OTHER, scheme);
}

tn_str tn_http_method_text(const tn_http_named *method) {
  return method->tag < METHOD_OTHER ? methods[method->tag] : method->other;
}

tn_str tn_http_scheme_text(const tn_http_named *scheme) {
  return scheme->tag < SCHEME_OTHER ? schemes[scheme->tag] : scheme->other;
}

/* ---- error codes --------------------------------------------------------------------------------------------------- */

tn_http_error_code tn_http_error_code_of(tn_http_code code, tn_str detail) {
  tn_http_error_code made = {.tag = (uint8_t)code};
  if (code == TN_HTTP_INTERNAL_ERROR && detail.len > 0)
    made.text = (tn_http_optional_string){true, detail};
  return made;
}

static tn_http_optional_string text_of(const char *text) {
  return (tn_http_optional_string){text != NULL, text != NULL ? tn_str_from(text) : (tn_str){0}};
}

tn_http_error_code tn_http_message_error(const tn_http_message *message, tn_http_code code) {
  tn_http_error_code made = tn_http_error_code_of(code, message->detail);
  const tn_http_call_failure *failure =
      message->call != NULL ? tn_http_call_get_failure(message->call) : NULL;
  if (failure == NULL || failure->code != code) return made;
  switch (code) {
  case TN_HTTP_DNS_ERROR:
    made.dns.rcode = text_of(failure->dns_rcode);
    break;
  case TN_HTTP_TLS_ALERT_RECEIVED:
    if (failure->has_alert)
      made.alert = (tn_http_tls_alert){{true, failure->alert_id}, text_of(failure->alert_message)};
    break;
  case TN_HTTP_HTTP_RESPONSE_HEADER_SECTION_SIZE:
  case TN_HTTP_HTTP_RESPONSE_TRAILER_SECTION_SIZE:
    if (failure->size > 0 && failure->size <= UINT32_MAX)
      made.section_size = (tn_http_optional_u32){true, (uint32_t)failure->size};
    break;
  default:
    break;
  }
  return made;
}

tn_error *tn_http_error_code_of_io_error(tn_call *call, void *data, const void *params,
                                         void *result) {
  (void)data;
  tn_wasi *wasi = tn_wasi_of_call(call);
  int code = tn_io_error_code(wasi, TN_IO_HTTP, *(const uint32_t *)params);
  tn_http_optional_code *out = result;
  out->is_some = code != 0;
  if (out->is_some)
    out->value = tn_http_error_code_of(tn_http_failure_code(-(int64_t)code), (tn_str){0});
  return NULL;
}
