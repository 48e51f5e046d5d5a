/* What the test guest imports, as the canonical ABI flattens it, for C without a library. Handles are `int`. A
 * result that does not fit one core value is written where the last parameter points. */
#ifndef GUEST_WASI_H
#define GUEST_WASI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))
#define EXPORT(name)         __attribute__((export_name(name)))

/* A string or a list<u8>. */
typedef struct bytes {
  uint8_t *data;
  uint32_t size;
} bytes;

typedef struct field {
  bytes name;
  bytes value;
} field;

typedef struct field_list {
  field *items;
  uint32_t count;
} field_list;

/* result<own<…>> and result<own<…>, header-error> */
typedef struct handle_result {
  uint8_t failed;
  int handle;
} handle_result;

typedef struct bytes_list {
  bytes *items;
  uint32_t count;
} bytes_list;

/* option<u64> */
typedef struct optional_number {
  uint8_t present;
  uint64_t value;
} optional_number;

/* option<string> */
typedef struct optional_bytes {
  uint8_t present;
  bytes value;
} optional_bytes;

/* The variants `method` and, as an option, `scheme`. */
typedef struct method {
  uint8_t which;
  bytes other;
} method;

typedef struct optional_scheme {
  uint8_t present;
  method scheme;
} optional_scheme;

/* The variant error-code: its payload is 24 bytes from offset 8. */
typedef struct error_code {
  uint8_t which;
  uint64_t payload[3];
} error_code;

enum { ERROR_CODE_CONFIGURATION = 37, ERROR_CODE_INTERNAL = 38 };

/* result<_, error-code> and result<own<…>, error-code> */
typedef struct code_result {
  uint8_t failed;
  union {
    int handle;
    error_code code;
  };
} code_result;

/* option<result<result<own<incoming-response>, error-code>>> */
typedef struct future_response {
  uint8_t ready;
  struct {
    uint8_t taken;
    code_result response;
  };
} future_response;

/* option<result<result<option<own<fields>>, error-code>>> */
typedef struct future_trailers {
  uint8_t ready;
  struct {
    uint8_t taken;
    struct {
      uint8_t failed;
      union {
        struct {
          uint8_t present;
          int fields;
        };
        error_code code;
      };
    };
  };
} future_trailers;

/* The variant stream-error: 0 is last-operation-failed, 1 closed. */
typedef struct stream_error {
  uint8_t which;
  int error;
} stream_error;

typedef struct read_result {
  uint8_t failed;
  union {
    bytes read;
    stream_error error;
  };
} read_result;

typedef struct write_result {
  uint8_t failed;
  stream_error error;
} write_result;

typedef struct count_result {
  uint8_t failed;
  union {
    uint64_t count;
    stream_error error;
  };
} count_result;

/* The memory's owner: what host functions return is allocated by it; `heap_release(heap_mark())` gives everything since
 * back. */
IMPORT("memory", "mark") uint32_t heap_mark(void);
IMPORT("memory", "release") void heap_release(uint32_t mark);
IMPORT("memory", "allocate") void *heap_allocate(uint32_t size);

#define POLL "wasi:io/poll"
IMPORT(POLL, "[method]pollable.block") void pollable_block(int self);
IMPORT(POLL, "[resource-drop]pollable") void pollable_drop(int self);

#define STREAMS "wasi:io/streams"
IMPORT(STREAMS, "[method]input-stream.blocking-read")
void input_stream_blocking_read(int self, uint64_t size, read_result *result);
IMPORT(STREAMS, "[resource-drop]input-stream") void input_stream_drop(int self);
IMPORT(STREAMS, "[method]output-stream.check-write")
void output_stream_check_write(int self, count_result *result);
IMPORT(STREAMS, "[method]output-stream.write")
void output_stream_write(int self, const void *data, uint32_t size, write_result *result);
IMPORT(STREAMS, "[method]output-stream.blocking-flush")
void output_stream_blocking_flush(int self, write_result *result);
IMPORT(STREAMS, "[method]output-stream.blocking-splice")
void output_stream_blocking_splice(int self, int source, uint64_t size, count_result *result);
IMPORT(STREAMS, "[method]output-stream.subscribe") int output_stream_subscribe(int self);
IMPORT(STREAMS, "[resource-drop]output-stream") void output_stream_drop(int self);

#define CLOCK "wasi:clocks/monotonic-clock"
IMPORT(CLOCK, "now") uint64_t clock_now(void);
IMPORT(CLOCK, "subscribe-duration") int clock_subscribe_duration(uint64_t nanoseconds);

IMPORT("wasi:cli/environment", "get-environment") void get_environment(field_list *result);
IMPORT("wasi:cli/environment", "get-arguments") void get_arguments(bytes_list *result);
IMPORT("wasi:cli/stdout", "get-stdout") int get_stdout(void);
IMPORT("wasi:cli/stderr", "get-stderr") int get_stderr(void);

#define TYPES "wasi:http/types"
IMPORT(TYPES, "[constructor]fields") int fields_new(void);
IMPORT(TYPES, "[method]fields.append")
void fields_append(int self, const char *name, uint32_t name_size, const void *value, uint32_t size,
                   uint8_t result[2]);
IMPORT(TYPES, "[static]fields.from-list")
void fields_from_list(const field *items, uint32_t count, handle_result *result);
IMPORT(TYPES, "[method]fields.get")
void fields_get(int self, const char *name, uint32_t size, bytes_list *result);
IMPORT(TYPES, "[method]fields.has") int fields_has(int self, const char *name, uint32_t size);
IMPORT(TYPES, "[method]fields.set")
void fields_set(int self, const char *name, uint32_t size, const bytes *values, uint32_t count,
                uint8_t result[2]);
IMPORT(TYPES, "[method]fields.delete")
void fields_delete(int self, const char *name, uint32_t size, uint8_t result[2]);
IMPORT(TYPES, "[method]fields.clone") int fields_clone(int self);
IMPORT(TYPES, "[method]fields.entries") void fields_entries(int self, field_list *result);
IMPORT(TYPES, "[resource-drop]fields") void fields_drop(int self);

IMPORT(TYPES, "[method]incoming-request.method")
void incoming_request_method(int self, method *result);
IMPORT(TYPES, "[method]incoming-request.path-with-query")
void incoming_request_path(int self, optional_bytes *result);
IMPORT(TYPES, "[method]incoming-request.scheme")
void incoming_request_scheme(int self, optional_scheme *result);
IMPORT(TYPES, "[method]incoming-request.authority")
void incoming_request_authority(int self, optional_bytes *result);
IMPORT(TYPES, "[method]incoming-request.headers") int incoming_request_headers(int self);
IMPORT(TYPES, "[method]incoming-request.consume")
void incoming_request_consume(int self, handle_result *result);
IMPORT(TYPES, "[resource-drop]incoming-request") void incoming_request_drop(int self);

IMPORT(TYPES, "[method]incoming-body.stream")
void incoming_body_stream(int self, handle_result *result);
IMPORT(TYPES, "[static]incoming-body.finish") int incoming_body_finish(int self);
IMPORT(TYPES, "[resource-drop]incoming-body") void incoming_body_drop(int self);
IMPORT(TYPES, "[method]future-trailers.subscribe") int future_trailers_subscribe(int self);
IMPORT(TYPES, "[method]future-trailers.get")
void future_trailers_get(int self, future_trailers *result);
IMPORT(TYPES, "[resource-drop]future-trailers") void future_trailers_drop(int self);

/* response-outparam.set flattens result<own<outgoing-response>, error-code>: `value` is the response or the code. */
IMPORT(TYPES, "[static]response-outparam.set")
void response_outparam_set(int self, int failed, int value, int a, uint64_t b, int c, int d, int e,
                           int f);
#ifdef INFORMATIONAL
IMPORT(TYPES, "[method]response-outparam.send-informational")
void response_outparam_inform(int self, int status, int headers, code_result *result);
#endif
IMPORT(TYPES, "[constructor]outgoing-response") int outgoing_response_new(int headers);
IMPORT(TYPES, "[method]outgoing-response.status-code") int outgoing_response_status(int self);
IMPORT(TYPES, "[method]outgoing-response.headers") int outgoing_response_headers(int self);
IMPORT(TYPES, "[resource-drop]outgoing-response") void outgoing_response_drop(int self);
IMPORT(TYPES, "[method]outgoing-response.set-status-code")
int outgoing_response_set_status(int self, int status);
IMPORT(TYPES, "[method]outgoing-response.body")
void outgoing_response_body(int self, handle_result *result);
IMPORT(TYPES, "[method]outgoing-body.write")
void outgoing_body_write(int self, handle_result *result);
IMPORT(TYPES, "[static]outgoing-body.finish")
void outgoing_body_finish(int self, int has_trailers, int trailers, code_result *result);
IMPORT(TYPES, "[resource-drop]outgoing-body") void outgoing_body_drop(int self);

IMPORT(TYPES, "[constructor]outgoing-request") int outgoing_request_new(int headers);
IMPORT(TYPES, "[resource-drop]outgoing-request") void outgoing_request_drop(int self);
IMPORT(TYPES, "[method]outgoing-request.method")
void outgoing_request_method(int self, method *result);
IMPORT(TYPES, "[method]outgoing-request.path-with-query")
void outgoing_request_path(int self, optional_bytes *result);
IMPORT(TYPES, "[method]outgoing-request.scheme")
void outgoing_request_scheme(int self, optional_scheme *result);
IMPORT(TYPES, "[method]outgoing-request.authority")
void outgoing_request_authority(int self, optional_bytes *result);
IMPORT(TYPES, "[method]outgoing-request.headers") int outgoing_request_headers(int self);
IMPORT(TYPES, "[method]outgoing-request.set-method")
int outgoing_request_set_method(int self, int which, const void *other, uint32_t size);
IMPORT(TYPES, "[method]outgoing-request.set-path-with-query")
int outgoing_request_set_path(int self, int present, const void *path, uint32_t size);
IMPORT(TYPES, "[method]outgoing-request.set-scheme")
int outgoing_request_set_scheme(int self, int present, int which, const void *other, uint32_t size);
IMPORT(TYPES, "[method]outgoing-request.set-authority")
int outgoing_request_set_authority(int self, int present, const void *authority, uint32_t size);
IMPORT(TYPES, "[method]outgoing-request.body")
void outgoing_request_body(int self, handle_result *result);

IMPORT(TYPES, "[constructor]request-options") int request_options_new(void);
IMPORT(TYPES, "[method]request-options.connect-timeout")
void request_options_connect(int self, optional_number *result);
IMPORT(TYPES, "[method]request-options.first-byte-timeout")
void request_options_first_byte(int self, optional_number *result);
IMPORT(TYPES, "[method]request-options.between-bytes-timeout")
void request_options_between_bytes(int self, optional_number *result);
IMPORT(TYPES, "[method]request-options.set-connect-timeout")
int request_options_set_connect(int self, int present, uint64_t nanoseconds);
IMPORT(TYPES, "[method]request-options.set-first-byte-timeout")
int request_options_set_first_byte(int self, int present, uint64_t nanoseconds);
IMPORT(TYPES, "[method]request-options.set-between-bytes-timeout")
int request_options_set_between_bytes(int self, int present, uint64_t nanoseconds);

IMPORT(TYPES, "[method]incoming-response.status") int incoming_response_status(int self);
IMPORT(TYPES, "[method]incoming-response.headers") int incoming_response_headers(int self);
IMPORT(TYPES, "[method]incoming-response.consume")
void incoming_response_consume(int self, handle_result *result);
IMPORT(TYPES, "[resource-drop]incoming-response") void incoming_response_drop(int self);
IMPORT(TYPES, "[method]future-incoming-response.subscribe") int future_response_subscribe(int self);
IMPORT(TYPES, "[method]future-incoming-response.get")
void future_response_get(int self, future_response *result);
IMPORT(TYPES, "[resource-drop]future-incoming-response") void future_response_drop(int self);

IMPORT("wasi:http/outgoing-handler", "handle")
void outgoing_handle(int request, int has_options, int options, code_result *result);

#endif
