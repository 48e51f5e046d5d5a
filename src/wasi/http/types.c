/* wasi:http/types: the table. */
#include "wasi/http/state.h"

static const tn_host_resource_definition resources[] = {
    {"fields", tn_http_drop_fields},
    {"incoming-request", tn_http_drop_incoming_request},
    {"outgoing-request", tn_http_drop_outgoing_request},
    {"request-options", tn_http_drop_request_options},
    {"response-outparam", tn_http_drop_response_outparam},
    {"incoming-response", tn_http_drop_incoming_response},
    {"incoming-body", tn_http_drop_incoming_body},
    {"future-trailers", tn_http_drop_future_trailers},
    {"outgoing-response", tn_http_drop_outgoing_response},
    {"outgoing-body", tn_http_drop_outgoing_body},
    {"future-incoming-response", tn_http_drop_future_response},
};

#define SELF(resource) "func(self: borrow<" resource ">"
#define FIELDS         SELF("fields")
#define IN_REQUEST     SELF("incoming-request")
#define OUT_REQUEST    SELF("outgoing-request")
#define OPTIONS        SELF("request-options")
#define IN_RESPONSE    SELF("incoming-response")
#define OUT_RESPONSE   SELF("outgoing-response")
#define CHANGED        " -> result<_, header-error>"
#define TIMEOUT        ", duration: option<duration>) -> result"

static const tn_host_func_definition funcs[] = {
    {"[constructor]fields", "func() -> fields", tn_http_fields_constructor},
    {"[static]fields.from-list",
     "func(entries: list<tuple<field-name, field-value>>) -> result<fields, header-error>",
     tn_http_fields_from_list},
    {"[method]fields.get", FIELDS ", name: field-name) -> list<field-value>", tn_http_fields_get},
    {"[method]fields.has", FIELDS ", name: field-name) -> bool", tn_http_fields_has},
    {"[method]fields.set", FIELDS ", name: field-name, value: list<field-value>)" CHANGED,
     tn_http_fields_set},
    {"[method]fields.delete", FIELDS ", name: field-name)" CHANGED, tn_http_fields_delete},
    {"[method]fields.append", FIELDS ", name: field-name, value: field-value)" CHANGED,
     tn_http_fields_append},
    {"[method]fields.entries", FIELDS ") -> list<tuple<field-name, field-value>>",
     tn_http_fields_entries},
    {"[method]fields.clone", FIELDS ") -> fields", tn_http_fields_clone},

    {"[method]incoming-request.method", IN_REQUEST ") -> method", tn_http_incoming_request_method},
    {"[method]incoming-request.path-with-query", IN_REQUEST ") -> option<string>",
     tn_http_incoming_request_path},
    {"[method]incoming-request.scheme", IN_REQUEST ") -> option<scheme>",
     tn_http_incoming_request_scheme},
    {"[method]incoming-request.authority", IN_REQUEST ") -> option<string>",
     tn_http_incoming_request_authority},
    {"[method]incoming-request.headers", IN_REQUEST ") -> headers",
     tn_http_incoming_request_headers},
    {"[method]incoming-request.consume", IN_REQUEST ") -> result<incoming-body>",
     tn_http_incoming_request_consume},

    {"[constructor]outgoing-request", "func(headers: headers) -> outgoing-request",
     tn_http_outgoing_request_constructor},
    {"[method]outgoing-request.body", OUT_REQUEST ") -> result<outgoing-body>",
     tn_http_outgoing_request_body},
    {"[method]outgoing-request.method", OUT_REQUEST ") -> method", tn_http_outgoing_request_method},
    {"[method]outgoing-request.set-method", OUT_REQUEST ", method: method) -> result",
     tn_http_outgoing_request_set_method},
    {"[method]outgoing-request.path-with-query", OUT_REQUEST ") -> option<string>",
     tn_http_outgoing_request_path},
    {"[method]outgoing-request.set-path-with-query",
     OUT_REQUEST ", path-with-query: option<string>) -> result", tn_http_outgoing_request_set_path},
    {"[method]outgoing-request.scheme", OUT_REQUEST ") -> option<scheme>",
     tn_http_outgoing_request_scheme},
    {"[method]outgoing-request.set-scheme", OUT_REQUEST ", scheme: option<scheme>) -> result",
     tn_http_outgoing_request_set_scheme},
    {"[method]outgoing-request.authority", OUT_REQUEST ") -> option<string>",
     tn_http_outgoing_request_authority},
    {"[method]outgoing-request.set-authority", OUT_REQUEST ", authority: option<string>) -> result",
     tn_http_outgoing_request_set_authority},
    {"[method]outgoing-request.headers", OUT_REQUEST ") -> headers",
     tn_http_outgoing_request_headers},

    {"[constructor]request-options", "func() -> request-options",
     tn_http_request_options_constructor},
    {"[method]request-options.connect-timeout", OPTIONS ") -> option<duration>",
     tn_http_request_options_connect},
    {"[method]request-options.set-connect-timeout", OPTIONS TIMEOUT,
     tn_http_request_options_set_connect},
    {"[method]request-options.first-byte-timeout", OPTIONS ") -> option<duration>",
     tn_http_request_options_first_byte},
    {"[method]request-options.set-first-byte-timeout", OPTIONS TIMEOUT,
     tn_http_request_options_set_first_byte},
    {"[method]request-options.between-bytes-timeout", OPTIONS ") -> option<duration>",
     tn_http_request_options_between_bytes},
    {"[method]request-options.set-between-bytes-timeout", OPTIONS TIMEOUT,
     tn_http_request_options_set_between_bytes},

    {"[method]response-outparam.send-informational",
     SELF("response-outparam") ", status: u16, headers: headers) -> result<_, error-code>",
     tn_http_response_outparam_inform},
    {"[static]response-outparam.set",
     "func(param: response-outparam, response: result<outgoing-response, error-code>)",
     tn_http_response_outparam_set},

    {"[method]incoming-response.status", IN_RESPONSE ") -> status-code",
     tn_http_incoming_response_status},
    {"[method]incoming-response.headers", IN_RESPONSE ") -> headers",
     tn_http_incoming_response_headers},
    {"[method]incoming-response.consume", IN_RESPONSE ") -> result<incoming-body>",
     tn_http_incoming_response_consume},

    {"[method]incoming-body.stream", SELF("incoming-body") ") -> result<input-stream>",
     tn_http_incoming_body_stream},
    {"[static]incoming-body.finish", "func(this: incoming-body) -> future-trailers",
     tn_http_incoming_body_finish},

    {"[method]future-trailers.subscribe", SELF("future-trailers") ") -> pollable",
     tn_http_future_trailers_subscribe},
    {"[method]future-trailers.get",
     SELF("future-trailers") ") -> option<result<result<option<trailers>, error-code>>>",
     tn_http_future_trailers_get},

    {"[constructor]outgoing-response", "func(headers: headers) -> outgoing-response",
     tn_http_outgoing_response_constructor},
    {"[method]outgoing-response.status-code", OUT_RESPONSE ") -> status-code",
     tn_http_outgoing_response_status},
    {"[method]outgoing-response.set-status-code",
     OUT_RESPONSE ", status-code: status-code) -> result", tn_http_outgoing_response_set_status},
    {"[method]outgoing-response.headers", OUT_RESPONSE ") -> headers",
     tn_http_outgoing_response_headers},
    {"[method]outgoing-response.body", OUT_RESPONSE ") -> result<outgoing-body>",
     tn_http_outgoing_response_body},

    {"[method]outgoing-body.write", SELF("outgoing-body") ") -> result<output-stream>",
     tn_http_outgoing_body_write},
    {"[static]outgoing-body.finish",
     "func(this: outgoing-body, trailers: option<trailers>) -> result<_, error-code>",
     tn_http_outgoing_body_finish},

    {"[method]future-incoming-response.subscribe", SELF("future-incoming-response") ") -> pollable",
     tn_http_future_response_subscribe},
    {"[method]future-incoming-response.get",
     SELF("future-incoming-response") ") -> "
                                      "option<result<result<incoming-response, error-code>>>",
     tn_http_future_response_get},

    {"http-error-code", "func(err: borrow<io-error>) -> option<error-code>",
     tn_http_error_code_of_io_error},
};

const tn_host_interface tn_http_types_interface = {
    .name = "wasi:http/types@0.2.12",
    .types =
        "use wasi:clocks/monotonic-clock@0.2.12.{duration};"
        "use wasi:io/streams@0.2.12.{input-stream, output-stream};"
        "use wasi:io/error@0.2.12.{error as io-error};"
        "use wasi:io/poll@0.2.12.{pollable};"
        "variant method { get, head, post, put, delete, connect, options, trace, patch, "
        "  other(string) }"
        "variant scheme { HTTP, HTTPS, other(string) }"
        "record DNS-error-payload { rcode: option<string>, info-code: option<u16> }"
        "record TLS-alert-received-payload { alert-id: option<u8>, alert-message: option<string> }"
        "record field-size-payload { field-name: option<string>, field-size: option<u32> }"
        "variant error-code {"
        "  DNS-timeout, DNS-error(DNS-error-payload), destination-not-found,"
        "  destination-unavailable, destination-IP-prohibited, destination-IP-unroutable,"
        "  connection-refused, connection-terminated, connection-timeout,"
        "  connection-read-timeout, connection-write-timeout, connection-limit-reached,"
        "  TLS-protocol-error, TLS-certificate-error,"
        "  TLS-alert-received(TLS-alert-received-payload), HTTP-request-denied,"
        "  HTTP-request-length-required, HTTP-request-body-size(option<u64>),"
        "  HTTP-request-method-invalid, HTTP-request-URI-invalid, HTTP-request-URI-too-long,"
        "  HTTP-request-header-section-size(option<u32>),"
        "  HTTP-request-header-size(option<field-size-payload>),"
        "  HTTP-request-trailer-section-size(option<u32>),"
        "  HTTP-request-trailer-size(field-size-payload), HTTP-response-incomplete,"
        "  HTTP-response-header-section-size(option<u32>),"
        "  HTTP-response-header-size(field-size-payload),"
        "  HTTP-response-body-size(option<u64>),"
        "  HTTP-response-trailer-section-size(option<u32>),"
        "  HTTP-response-trailer-size(field-size-payload),"
        "  HTTP-response-transfer-coding(option<string>),"
        "  HTTP-response-content-coding(option<string>), HTTP-response-timeout,"
        "  HTTP-upgrade-failed, HTTP-protocol-error, loop-detected, configuration-error,"
        "  internal-error(option<string>) }"
        "variant header-error { invalid-syntax, forbidden, immutable }"
        "type field-key = string; type field-name = field-key; type field-value = list<u8>;"
        "type status-code = u16;"
        "resource fields; type headers = fields; type trailers = fields;"
        "resource incoming-request; resource outgoing-request; resource request-options;"
        "resource response-outparam; resource incoming-response; resource incoming-body;"
        "resource future-trailers; resource outgoing-response; resource outgoing-body;"
        "resource future-incoming-response;",
    .resources = resources,
    .resource_count = sizeof resources / sizeof *resources,
    .funcs = funcs,
    .func_count = sizeof funcs / sizeof *funcs,
};

static const tn_host_func_definition handler_funcs[] = {
    {"handle",
     "func(request: outgoing-request, options: option<request-options>)"
     " -> result<future-incoming-response, error-code>",
     tn_http_outgoing_handle},
};

const tn_host_interface tn_http_outgoing_handler_interface = {
    .name = "wasi:http/outgoing-handler@0.2.12",
    .types = "use wasi:http/types@0.2.12.{outgoing-request, request-options,"
             "  future-incoming-response, error-code};",
    .funcs = handler_funcs,
    .func_count = 1,
};
