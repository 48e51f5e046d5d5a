/* Calls of wasi:http as the tests write them, and exchanges that are made up here. */
#ifndef TN_WASI_HTTP_GUEST_H
#define TN_WASI_HTTP_GUEST_H

#include <setjmp.h>

#include "link/host.h"
#include "wasi/http/state.h"
#include "wasi/io/tables.h"
#include "wasi/state.h"
#include "wasi_guest.h"

enum { ROOM = 200000 };

static guest g;
static tn_wasi_config *config;
static tn_wasi_http *http;

/* ---- a body that comes in: `text` in parts, then trailers or a failure ----------------------------------------- */

typedef struct fake_incoming {
  tn_http_incoming head;
  const char *text;
  size_t at_hand; /* how much of it may be read now */
  size_t read;
  bool is_open; /* more may follow what is at hand */
  bool knows_size;
  bool is_abandoned;
  int64_t failure; /* instead of the end */
  tn_http_field trailer;
} fake_incoming;

static inline size_t fake_left(const fake_incoming *self) {
  return self->at_hand - self->read;
}

static inline size_t fake_available(tn_http_incoming *incoming, size_t wanted) {
  const fake_incoming *self = (fake_incoming *)incoming;
  if (!self->knows_size) return 0;
  return fake_left(self) < wanted ? fake_left(self) : wanted;
}

static inline int64_t fake_read(tn_http_incoming *incoming, uint8_t *out, size_t size) {
  fake_incoming *self = (fake_incoming *)incoming;
  assert_true(size > 0);
  assert_false(self->is_abandoned);
  size_t count = fake_left(self) < size ? fake_left(self) : size;
  if (count == 0 && self->is_open) return 0;
  if (count == 0 && self->failure != 0) return self->failure;
  if (count == 0) {
    if (self->trailer.name.len > 0)
      self->head.trailers = (tn_http_fields){.items = &self->trailer, .count = 1, .cap = 1};
    return TN_HTTP_END;
  }
  memcpy(out, self->text + self->read, count);
  self->read += count;
  return (int64_t)count;
}

static inline bool fake_incoming_is_ready(tn_http_incoming *incoming) {
  const fake_incoming *self = (fake_incoming *)incoming;
  return fake_left(self) > 0 || !self->is_open;
}

static inline void fake_abandon(tn_http_incoming *incoming) {
  ((fake_incoming *)incoming)->is_abandoned = true;
}

static const tn_http_incoming_class fake_incoming_class = {fake_available, fake_read,
                                                           fake_incoming_is_ready, fake_abandon};

static inline void fake_incoming_init(fake_incoming *body, const char *text) {
  *body = (fake_incoming){.head.class = &fake_incoming_class,
                          .text = text,
                          .at_hand = strlen(text),
                          .knows_size = true};
}

static inline void fake_notify(const tn_http_observer *observer) {
  if (observer->func != NULL) observer->func(observer->data);
}

/* ---- a body that goes out --------------------------------------------------------------------------------------- */

typedef struct fake_outgoing {
  tn_http_outgoing head;
  int64_t capacity;
  char bytes[ROOM];
  size_t len;
  int flushes;
  int64_t failure;
  bool refuses_finish;
  bool is_finished;
  bool is_aborted;
  char trailers[64];
} fake_outgoing;

static inline int64_t fake_capacity(tn_http_outgoing *outgoing) {
  const fake_outgoing *self = (fake_outgoing *)outgoing;
  return self->failure != 0 ? self->failure : self->capacity;
}

static inline int64_t fake_write(tn_http_outgoing *outgoing, const uint8_t *bytes, size_t size) {
  fake_outgoing *self = (fake_outgoing *)outgoing;
  assert_false(self->is_finished || self->is_aborted);
  assert_true(size > 0 && (int64_t)size <= self->capacity && self->len + size < ROOM);
  if (self->failure != 0) return self->failure;
  memcpy(self->bytes + self->len, bytes, size);
  self->len += size;
  self->bytes[self->len] = 0;
  self->capacity -= (int64_t)size;
  return 0;
}

static inline void fake_flush(tn_http_outgoing *outgoing) {
  ((fake_outgoing *)outgoing)->flushes++;
}

static inline bool fake_is_flushed(tn_http_outgoing *outgoing) {
  return ((fake_outgoing *)outgoing)->flushes > 0;
}

static inline bool fake_finish(tn_http_outgoing *outgoing, const tn_http_fields *trailers) {
  fake_outgoing *self = (fake_outgoing *)outgoing;
  assert_false(self->is_finished || self->is_aborted);
  self->is_finished = true;
  for (uint32_t i = 0; trailers != NULL && i < trailers->count; i++) {
    size_t len = strlen(self->trailers);
    snprintf(self->trailers + len, sizeof self->trailers - len,
             "%" TN_STR_FORMAT "=%" TN_STR_FORMAT ";", TN_STR_ARG(trailers->items[i].name),
             TN_STR_ARG(trailers->items[i].value));
  }
  return !self->refuses_finish;
}

static inline void fake_abort(tn_http_outgoing *outgoing) {
  fake_outgoing *self = (fake_outgoing *)outgoing;
  assert_false(self->is_finished || self->is_aborted);
  self->is_aborted = true;
}

static const tn_http_outgoing_class fake_outgoing_class = {
    fake_capacity, fake_write, fake_flush, fake_is_flushed, fake_finish, fake_abort};

static inline void fake_outgoing_init(fake_outgoing *body, int64_t capacity) {
  memset(body, 0, sizeof *body);
  body->head.class = &fake_outgoing_class;
  body->capacity = capacity;
}

/* ---- calls --------------------------------------------------------------------------------------------------------- */

#define TYPES &tn_http_types_interface

/* A test's body that is run again and again, each time with the next allocation failing. */
static struct {
  bool is_on;
  tn_error *error; /* the first; what follows in the body is left out */
  jmp_buf end;
  void (*body)(void);
  bool did_fail;
} sweep;

/* No call may fail, but for the one that gets no memory. */
static inline void must_succeed(tn_error *error) {
  if (error != NULL && sweep.is_on) {
    sweep.error = error;
    longjmp(sweep.end, 1);
  }
  assert_ok(error);
}

static inline void call(const char *name, const void *params, void *result) {
  must_succeed(guest_call(&g, TYPES, NULL, name, params, result));
}

static inline void drop(const char *resource, uint32_t representation) {
  guest_drop(&g, TYPES, NULL, resource, representation);
}

static inline void drop_input(uint32_t representation) {
  guest_drop(&g, &tn_io_streams_interface, NULL, "input-stream", representation);
}

static inline void drop_output(uint32_t representation) {
  guest_drop(&g, &tn_io_streams_interface, NULL, "output-stream", representation);
}

static inline void drop_pollable(uint32_t representation) {
  guest_drop(&g, &tn_io_poll_interface, NULL, "pollable", representation);
}

static inline tn_str str(const char *text) {
  return tn_str_from(text);
}

static inline void assert_str(tn_str actual, const char *expected) {
  if (!tn_str_equal(actual, str(expected)))
    fail_msg("\"%" TN_STR_FORMAT "\" instead of \"%s\"", TN_STR_ARG(actual), expected);
}

static inline uint32_t new_fields(void) {
  uint32_t fields = 0;
  call("[constructor]fields", NULL, &fields);
  return fields;
}

/* The header-error, or TN_HEADER_OK. */
static inline tn_http_header_error append(uint32_t fields, const char *name, const char *value) {
  struct {
    uint32_t self;
    tn_str name, value;
  } in = {fields, str(name), str(value)};
  tn_http_header_result out = {0};
  call("[method]fields.append", &in, &out);
  return out.is_error ? out.error : TN_HEADER_OK;
}

/* "name: value" lines. */
static inline void assert_entries(uint32_t fields, const char *expected) {
  tn_http_entries out = {0};
  call("[method]fields.entries", &fields, &out);
  char text[4096] = "";
  for (size_t i = 0; i < out.len; i++) {
    size_t len = strlen(text);
    snprintf(text + len, sizeof text - len, "%" TN_STR_FORMAT ": %" TN_STR_FORMAT "\n",
             TN_STR_ARG(out.data[i].name), TN_STR_ARG(out.data[i].value));
  }
  assert_string_equal(text, expected);
}

static inline uint32_t new_response(uint32_t fields) {
  uint32_t response = 0;
  call("[constructor]outgoing-response", &fields, &response);
  return response;
}

static inline uint32_t new_request(uint32_t fields) {
  uint32_t request = 0;
  call("[constructor]outgoing-request", &fields, &request);
  return request;
}

static inline uint32_t take(const char *name, uint32_t self) {
  tn_http_handle_result out = {0};
  call(name, &self, &out);
  assert_int_equal(out.is_error, 0);
  return out.handle;
}

static inline void refuses(const char *name, uint32_t self) {
  tn_http_handle_result out = {0};
  call(name, &self, &out);
  assert_int_equal(out.is_error, 1);
}

static inline tn_http_result finish_body(uint32_t body, uint32_t trailers) {
  struct {
    uint32_t self;
    tn_http_optional_handle trailers;
  } in = {body, {trailers != 0, trailers}};
  tn_http_result out = {0};
  call("[static]outgoing-body.finish", &in, &out);
  return out;
}

static inline void set_response(uint32_t outparam, uint32_t response) {
  struct {
    uint32_t self;
    tn_http_result response;
  } in = {outparam, {.handle = response}};
  call("[static]response-outparam.set", &in, NULL);
}

static inline tn_http_optional_code code_of_error(uint32_t io_error) {
  tn_http_optional_code out = {0};
  call("http-error-code", &io_error, &out);
  return out;
}

/* ---- streams -------------------------------------------------------------------------------------------------------- */

static inline tn_stream_count_result check_write(uint32_t stream) {
  tn_stream_count_result out = {0};
  must_succeed(guest_call(&g, &tn_io_streams_interface, NULL, "[method]output-stream.check-write",
                          &stream, &out));
  return out;
}

static inline tn_stream_result write_as(const char *name, uint32_t stream, const char *bytes,
                                        size_t size) {
  struct {
    uint32_t self;
    tn_str bytes;
  } in = {stream, {bytes, size}};
  tn_stream_result out = {0};
  must_succeed(guest_call(&g, &tn_io_streams_interface, NULL, name, &in, &out));
  return out;
}

static inline void write_text(uint32_t stream, const char *text) {
  check_write(stream);
  assert_int_equal(write_as("[method]output-stream.write", stream, text, strlen(text)).is_error, 0);
}

typedef struct bytes_result {
  uint8_t is_error;
  union {
    struct {
      uint8_t *data;
      size_t len;
    } bytes;
    tn_stream_error error;
  };
} bytes_result;

static inline bytes_result read_as(const char *name, uint32_t stream, uint64_t size) {
  struct {
    uint32_t self;
    uint64_t len;
  } in = {stream, size};
  bytes_result out = {0};
  must_succeed(guest_call(&g, &tn_io_streams_interface, NULL, name, &in, &out));
  return out;
}

static inline void assert_read(uint32_t stream, const char *expected) {
  bytes_result out = read_as("[method]input-stream.read", stream, 1000);
  assert_int_equal(out.is_error, 0);
  assert_str((tn_str){(const char *)out.bytes.data, out.bytes.len}, expected);
}

static inline void assert_read_closed(uint32_t stream) {
  bytes_result out = read_as("[method]input-stream.read", stream, 1000);
  assert_int_equal(out.is_error, 1);
  assert_int_equal(out.error.tag, TN_STREAM_CLOSED);
}

static inline bool is_ready(uint32_t pollable) {
  uint8_t out = 0;
  must_succeed(
      guest_call(&g, &tn_io_poll_interface, NULL, "[method]pollable.ready", &pollable, &out));
  return out;
}

static inline void block(uint32_t pollable) {
  must_succeed(
      guest_call(&g, &tn_io_poll_interface, NULL, "[method]pollable.block", &pollable, NULL));
}

/* ---- the test's frame ----------------------------------------------------------------------------------------------- */

typedef struct test_body {
  void (*run)(void **state);
} test_body;

static inline void run_as_guest(void **state) {
  guest_run(&g, ((const test_body *)*state)->run);
}

static inline void http_start(const tn_wasi_http_options *options) {
  assert_ok(tn_wasi_config_new(&config));
  guest_start(&g, config);
  tn_wasi_http_options made = *options;
  made.wasi = g.wasi;
  assert_ok(tn_wasi_http_new(&made, &http));
  g.world.runtime.states[TN_STATE_HTTP] = http;
}

/* The state goes after all that the guest has left behind. */
static inline void http_end(void) {
  tn_wasi_delete(g.wasi);
  g.wasi = NULL;
  tn_wasi_http_delete(http);
  guest_end(&g);
  tn_wasi_config_delete(config);
}

static inline void run_sweep(void **state) {
  (void)state;
  sweep.is_on = true;
  if (setjmp(sweep.end) == 0) sweep.body();
  sweep.is_on = false;
  sweep.did_fail = tn_alloc_did_fail();
  tn_alloc_fail_after(-1);
}

/* Runs `body` with its 1st, 2nd … allocation failing until none does. `check` sees each end of an instance. */
static inline void sweep_memory(int (*set_up)(void **state), void (*body)(void),
                                int (*tear_down)(void **state), void (*check)(void)) {
  enum { MOST = 500 };
  int errors = 0, i = 0;
  for (sweep.did_fail = true; sweep.did_fail && i < MOST; i++) {
    set_up(NULL);
    sweep.error = NULL;
    sweep.body = body;
    tn_alloc_fail_after(i);
    guest_run(&g, run_sweep);
    assert_true(sweep.did_fail || sweep.error == NULL);
    if (sweep.error != NULL) {
      errors++;
      assert_int_equal(tn_error_get_kind(sweep.error), TN_ERROR_NO_MEMORY);
      tn_error_delete(sweep.error);
    }
    tear_down(NULL);
    check();
  }
  assert_false(sweep.did_fail);
  assert_true(errors > 0);
}

#define AS_GUEST(name)                                                                             \
  {                                                                                                \
#name, run_as_guest, set_up, tear_down, &(test_body) {                                         \
      name                                                                                         \
    }                                                                                              \
  }

#endif
