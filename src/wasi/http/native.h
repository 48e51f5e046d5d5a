/* The native forms of the types of wasi:http, see "Values" in tenon.h. */
#ifndef TN_WASI_HTTP_NATIVE_H
#define TN_WASI_HTTP_NATIVE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "http/message.h"

/* list<u8>, a field's value. Has the form of a string, so that fields need no translation. */
typedef tn_str tn_http_bytes;

/* option<string> */
typedef struct tn_http_optional_string {
  uint8_t is_some;
  tn_str value;
} tn_http_optional_string;
static_assert(sizeof(tn_http_optional_string) == 24, "native form of option<string>");

/* option<u64> */
typedef struct tn_http_optional_u64 {
  uint8_t is_some;
  uint64_t value;
} tn_http_optional_u64;
static_assert(sizeof(tn_http_optional_u64) == 16, "native form of option<u64>");

/* variant method, variant scheme: the cases with a name of their own, then other(string). */
typedef struct tn_http_named {
  uint8_t tag;
  tn_str other;
} tn_http_named;
static_assert(sizeof(tn_http_named) == 24, "native form of method and of scheme");

/* option<scheme> */
typedef struct tn_http_optional_scheme {
  uint8_t is_some;
  tn_http_named value;
} tn_http_optional_scheme;
static_assert(sizeof(tn_http_optional_scheme) == 32, "native form of option<scheme>");

/* option<u16> and option<u8> */
typedef struct tn_http_optional_u16 {
  uint8_t is_some;
  uint16_t value;
} tn_http_optional_u16;
typedef struct tn_http_optional_u8 {
  uint8_t is_some;
  uint8_t value;
} tn_http_optional_u8;

/* option<u32> */
typedef struct tn_http_optional_u32 {
  uint8_t is_some;
  uint32_t value;
} tn_http_optional_u32;
static_assert(sizeof(tn_http_optional_u32) == 8, "native form of option<u32>");

/* record DNS-error-payload */
typedef struct tn_http_dns_error {
  tn_http_optional_string rcode;
  tn_http_optional_u16 info_code;
} tn_http_dns_error;
static_assert(sizeof(tn_http_dns_error) == 32, "native form of DNS-error-payload");

/* record TLS-alert-received-payload */
typedef struct tn_http_tls_alert {
  tn_http_optional_u8 id;
  tn_http_optional_string message;
} tn_http_tls_alert;
static_assert(sizeof(tn_http_tls_alert) == 32 && offsetof(tn_http_tls_alert, message) == 8,
              "native form of TLS-alert-received-payload");

/* variant error-code. The tag is a tn_http_code. Of the payloads only those that are ever looked at or set have a
 * name; zeroed, each of them says nothing. */
typedef struct tn_http_error_code {
  uint8_t tag;
  union {
    tn_http_optional_u64 body_size; /* HTTP-request-body-size, HTTP-response-body-size */
    /* HTTP-response-header-section-size, HTTP-response-trailer-section-size */
    tn_http_optional_u32 section_size;
    tn_http_dns_error dns;
    tn_http_tls_alert alert;
    tn_http_optional_string text; /* internal-error */
    uint64_t room[5];             /* option<field-size-payload> */
  };
} tn_http_error_code;
static_assert(sizeof(tn_http_error_code) == 48 && offsetof(tn_http_error_code, text) == 8,
              "native form of error-code");

/* option<error-code> */
typedef struct tn_http_optional_code {
  uint8_t is_some;
  tn_http_error_code value;
} tn_http_optional_code;
static_assert(sizeof(tn_http_optional_code) == 56, "native form of option<error-code>");

/* result<_, error-code> and, for any resource, result<own<R>, error-code> */
typedef struct tn_http_result {
  uint8_t is_error;
  union {
    uint32_t handle;
    tn_http_error_code error;
  };
} tn_http_result;
static_assert(sizeof(tn_http_result) == 56, "native form of result<own<R>, error-code>");

/* option<own<R>> */
typedef struct tn_http_optional_handle {
  uint8_t is_some;
  uint32_t handle;
} tn_http_optional_handle;
static_assert(sizeof(tn_http_optional_handle) == 8, "native form of option<own<R>>");

/* result<own<R>> */
typedef struct tn_http_handle_result {
  uint8_t is_error;
  uint32_t handle;
} tn_http_handle_result;
static_assert(sizeof(tn_http_handle_result) == 8, "native form of result<own<R>>");

/* variant header-error */
typedef enum tn_http_header_error {
  TN_HEADER_INVALID_SYNTAX,
  TN_HEADER_FORBIDDEN,
  TN_HEADER_IMMUTABLE,
  TN_HEADER_OK, /* not a case: nothing is wrong */
} tn_http_header_error;

/* result<_, header-error> */
typedef struct tn_http_header_result {
  uint8_t is_error;
  uint8_t error;
} tn_http_header_result;

/* result<fields, header-error> */
typedef struct tn_http_fields_result {
  uint8_t is_error;
  union {
    uint32_t handle;
    uint8_t error;
  };
} tn_http_fields_result;
static_assert(sizeof(tn_http_fields_result) == 8, "native form of result<fields, header-error>");

/* list<tuple<field-name, field-value>>: a tn_http_field has the form of the tuple. */
typedef struct tn_http_entries {
  const tn_http_field *data;
  size_t len;
} tn_http_entries;
static_assert(sizeof(tn_http_field) == 32 && offsetof(tn_http_field, value) == 16,
              "native form of tuple<field-name, field-value>");

/* list<field-value> */
typedef struct tn_http_values {
  const tn_http_bytes *data;
  size_t len;
} tn_http_values;

/* option<result<result<own<R>, error-code>>>, future-incoming-response.get */
typedef struct tn_http_future_response {
  uint8_t is_some;
  struct {
    uint8_t is_error;
    tn_http_result ok;
  } value;
} tn_http_future_response;
static_assert(sizeof(tn_http_future_response) == 72, "native form of what a future gives");

/* option<result<result<option<trailers>, error-code>>>, future-trailers.get */
typedef struct tn_http_future_trailers_value {
  uint8_t is_some;
  struct {
    uint8_t is_error;
    struct {
      uint8_t is_error;
      union {
        tn_http_optional_handle trailers;
        tn_http_error_code error;
      };
    } ok;
  } value;
} tn_http_future_trailers_value;
static_assert(sizeof(tn_http_future_trailers_value) == 72,
              "native form of what future-trailers.get gives");

#endif
