/* What can go wrong with an exchange, after the IANA registry of HTTP proxy error types. */
#ifndef TN_HTTP_CODE_H
#define TN_HTTP_CODE_H

/* X(identifier, "name as the registry spells it", status that a gateway answers with). In the order in which
 * wasi:http numbers its error codes, so that no table translates them. */
#define TN_HTTP_CODES(X)                                                                           \
  X(DNS_TIMEOUT, "dns_timeout", 504)                                                               \
  X(DNS_ERROR, "dns_error", 502)                                                                   \
  X(DESTINATION_NOT_FOUND, "destination_not_found", 500)                                           \
  X(DESTINATION_UNAVAILABLE, "destination_unavailable", 503)                                       \
  X(DESTINATION_IP_PROHIBITED, "destination_ip_prohibited", 502)                                   \
  X(DESTINATION_IP_UNROUTABLE, "destination_ip_unroutable", 502)                                   \
  X(CONNECTION_REFUSED, "connection_refused", 502)                                                 \
  X(CONNECTION_TERMINATED, "connection_terminated", 502)                                           \
  X(CONNECTION_TIMEOUT, "connection_timeout", 504)                                                 \
  X(CONNECTION_READ_TIMEOUT, "connection_read_timeout", 504)                                       \
  X(CONNECTION_WRITE_TIMEOUT, "connection_write_timeout", 504)                                     \
  X(CONNECTION_LIMIT_REACHED, "connection_limit_reached", 503)                                     \
  X(TLS_PROTOCOL_ERROR, "tls_protocol_error", 502)                                                 \
  X(TLS_CERTIFICATE_ERROR, "tls_certificate_error", 502)                                           \
  X(TLS_ALERT_RECEIVED, "tls_alert_received", 502)                                                 \
  X(HTTP_REQUEST_DENIED, "http_request_denied", 403)                                               \
  X(HTTP_REQUEST_LENGTH_REQUIRED, "http_request_length_required", 411)                             \
  X(HTTP_REQUEST_BODY_SIZE, "http_request_body_size", 413)                                         \
  X(HTTP_REQUEST_METHOD_INVALID, "http_request_method_invalid", 400)                               \
  X(HTTP_REQUEST_URI_INVALID, "http_request_uri_invalid", 400)                                     \
  X(HTTP_REQUEST_URI_TOO_LONG, "http_request_uri_too_long", 414)                                   \
  X(HTTP_REQUEST_HEADER_SECTION_SIZE, "http_request_header_section_size", 431)                     \
  X(HTTP_REQUEST_HEADER_SIZE, "http_request_header_size", 431)                                     \
  X(HTTP_REQUEST_TRAILER_SECTION_SIZE, "http_request_trailer_section_size", 431)                   \
  X(HTTP_REQUEST_TRAILER_SIZE, "http_request_trailer_size", 431)                                   \
  X(HTTP_RESPONSE_INCOMPLETE, "http_response_incomplete", 502)                                     \
  X(HTTP_RESPONSE_HEADER_SECTION_SIZE, "http_response_header_section_size", 502)                   \
  X(HTTP_RESPONSE_HEADER_SIZE, "http_response_header_size", 502)                                   \
  X(HTTP_RESPONSE_BODY_SIZE, "http_response_body_size", 502)                                       \
  X(HTTP_RESPONSE_TRAILER_SECTION_SIZE, "http_response_trailer_section_size", 502)                 \
  X(HTTP_RESPONSE_TRAILER_SIZE, "http_response_trailer_size", 502)                                 \
  X(HTTP_RESPONSE_TRANSFER_CODING, "http_response_transfer_coding", 502)                           \
  X(HTTP_RESPONSE_CONTENT_CODING, "http_response_content_coding", 502)                             \
  X(HTTP_RESPONSE_TIMEOUT, "http_response_timeout", 504)                                           \
  X(HTTP_UPGRADE_FAILED, "http_upgrade_failed", 502)                                               \
  X(HTTP_PROTOCOL_ERROR, "http_protocol_error", 502)                                               \
  X(LOOP_DETECTED, "proxy_loop_detected", 502)                                                     \
  X(CONFIGURATION_ERROR, "proxy_configuration_error", 500)                                         \
  X(INTERNAL_ERROR, "proxy_internal_error", 500)

typedef enum tn_http_code {
#define TN_HTTP_CODE(identifier, name, status) TN_HTTP_##identifier,
  TN_HTTP_CODES(TN_HTTP_CODE)
#undef TN_HTTP_CODE
} tn_http_code;

/* The registry's name: "connection_refused". */
const char *tn_http_code_name(tn_http_code code);
/* The status with which a gateway answers it. */
int tn_http_code_status(tn_http_code code);
/* The status with which a server answers a request whose body cannot be read for it. */
int tn_http_code_request_status(tn_http_code code);

#endif
