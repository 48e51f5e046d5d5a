#include "http/code.h"

#include <stddef.h>

static const struct {
  const char *name;
  int status;
} codes[] = {
#define TN_HTTP_CODE(identifier, name, status) [TN_HTTP_##identifier] = {name, status},
    TN_HTTP_CODES(TN_HTTP_CODE)
#undef TN_HTTP_CODE
};

const char *tn_http_code_name(tn_http_code code) {
  return codes[code].name;
}

int tn_http_code_status(tn_http_code code) {
  return codes[code].status;
}

int tn_http_code_request_status(tn_http_code code) {
  if (code == TN_HTTP_CONNECTION_READ_TIMEOUT) return 408;
  return codes[code].status < 500 ? codes[code].status : 400;
}
