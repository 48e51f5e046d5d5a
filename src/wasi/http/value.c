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

tn_error *tn_http_error_code_of_io_error(tn_call *call, void *data, const void *params,
                                         void *result) {
  (void)data;
  tn_wasi *wasi = tn_wasi_of(tn_call_runtime(call));
  int code = tn_io_error_code(wasi, TN_IO_HTTP, *(const uint32_t *)params);
  tn_http_optional_code *out = result;
  out->is_some = code != 0;
  if (out->is_some)
    out->value = tn_http_error_code_of(tn_http_failure_code(-(int64_t)code), (tn_str){0});
  return NULL;
}
