/* wasi:http/types as a server's guest uses it: a request comes in, a response goes out. */
#include "wasi_http_guest.h"

/* What the responder was told. */
static struct {
  int responses, informs, failures;
  uint16_t status;
  uint64_t body_length;
  char fields[200];
  tn_http_code code;
  char detail[200];
  bool is_gone; /* nobody listens any more */
  bool cannot_inform;
} told;

static fake_incoming upload;
static fake_outgoing download;
static tn_http_exchange exchange;
static uint32_t request, outparam;

static void note_head(const tn_http_response *head) {
  told.status = head->status;
  told.body_length = head->body_length;
  for (uint32_t i = 0; i < head->fields.count; i++) {
    size_t len = strlen(told.fields);
    snprintf(told.fields + len, sizeof told.fields - len, "%" TN_STR_FORMAT "=%" TN_STR_FORMAT ";",
             TN_STR_ARG(head->fields.items[i].name), TN_STR_ARG(head->fields.items[i].value));
  }
}

static tn_http_outgoing *respond(void *data, const tn_http_response *head) {
  assert_ptr_equal(data, &told);
  told.responses++;
  note_head(head);
  return told.is_gone ? NULL : &download.head;
}

static bool inform(void *data, const tn_http_response *head) {
  assert_ptr_equal(data, &told);
  told.informs++;
  note_head(head);
  return !told.cannot_inform;
}

static void failed(void *data, tn_http_code code, tn_str detail) {
  assert_ptr_equal(data, &told);
  told.failures++;
  told.code = code;
  snprintf(told.detail, sizeof told.detail, "%" TN_STR_FORMAT, TN_STR_ARG(detail));
}

static const tn_wasi_http_responder responder = {respond, inform, failed};
static tn_http_field request_fields[] = {{TN_STR("Accept"), TN_STR("*/*")},
                                         {TN_STR("x"), TN_STR("1")}};

static int set_up(void **state) {
  (void)state;
  memset(&told, 0, sizeof told);
  http_start(&(tn_wasi_http_options){0});
  fake_incoming_init(&upload, "upload");
  fake_outgoing_init(&download, ROOM - 1);
  exchange = (tn_http_exchange){
      .request = {.method = TN_STR("GET"),
                  .scheme = TN_STR("https"),
                  .authority = TN_STR("example.org:8443"),
                  .path = TN_STR("/a?b=c"),
                  .fields = {request_fields, 2, 2}},
      .body = &upload.head,
  };
  assert_ok(tn_wasi_http_accept(http, &exchange, &responder, &told, &request, &outparam));
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  http_end();
  return 0;
}

static uint32_t simple_response(void) {
  uint32_t fields = new_fields();
  append(fields, "Content-Type", "text/plain");
  return new_response(fields);
}

static void close_response(void) {
  set_response(outparam, simple_response());
}

/* Another request than the one that set_up makes. */
static void accept_again(void) {
  drop("incoming-request", request);
  drop("response-outparam", outparam);
  memset(&told, 0, sizeof told);
  fake_incoming_init(&upload, "upload");
  assert_ok(tn_wasi_http_accept(http, &exchange, &responder, &told, &request, &outparam));
}

/* ---- incoming-request ---------------------------------------------------------------------------------------------- */

static tn_http_named method(void) {
  tn_http_named out = {0};
  call("[method]incoming-request.method", &request, &out);
  return out;
}

static tn_http_optional_string text_of(const char *name) {
  tn_http_optional_string out = {0};
  call(name, &request, &out);
  return out;
}

static tn_http_optional_scheme scheme(void) {
  tn_http_optional_scheme out = {0};
  call("[method]incoming-request.scheme", &request, &out);
  return out;
}

static void a_request_has_what_came_in(void **state) {
  (void)state;
  assert_int_equal(method().tag, 0);
  assert_int_equal(scheme().is_some, 1);
  assert_int_equal(scheme().value.tag, 1);
  assert_str(text_of("[method]incoming-request.path-with-query").value, "/a?b=c");
  assert_str(text_of("[method]incoming-request.authority").value, "example.org:8443");
  uint32_t headers = 0;
  call("[method]incoming-request.headers", &request, &headers);
  assert_entries(headers, "Accept: */*\nx: 1\n");
  assert_int_equal(append(headers, "a", "1"), TN_HEADER_IMMUTABLE);
}

static void every_method_has_its_case(void **state) {
  (void)state;
  static const char *const names[] = {"GET",     "HEAD",    "POST",  "PUT",   "DELETE",
                                      "CONNECT", "OPTIONS", "TRACE", "PATCH", "get"};
  for (uint8_t i = 0; i < sizeof names / sizeof *names; i++) {
    exchange.request.method = str(names[i]);
    accept_again();
    assert_int_equal(method().tag, i);
  }
  assert_str(method().other, "get");
}

static void what_a_request_lacks_is_none(void **state) {
  (void)state;
  exchange.request.path = exchange.request.authority = exchange.request.scheme = (tn_str){0};
  accept_again();
  assert_int_equal(text_of("[method]incoming-request.path-with-query").is_some, 0);
  assert_int_equal(text_of("[method]incoming-request.authority").is_some, 0);
  assert_int_equal(scheme().is_some, 0);
  exchange.request.scheme = TN_STR("ftp");
  exchange.request.path = TN_STR("/\xff"); /* no string of the component model */
  accept_again();
  assert_int_equal(scheme().value.tag, 2);
  assert_str(scheme().value.other, "ftp");
  assert_int_equal(text_of("[method]incoming-request.path-with-query").is_some, 0);
}

static void a_body_is_given_once_and_its_stream_once(void **state) {
  (void)state;
  uint32_t body = take("[method]incoming-request.consume", request);
  refuses("[method]incoming-request.consume", request);
  take("[method]incoming-body.stream", body);
  refuses("[method]incoming-body.stream", body);
}

static void a_body_is_read_to_its_end(void **state) {
  (void)state;
  for (int knows = 0; knows < 2; knows++) {
    accept_again();
    upload.knows_size = knows;
    uint32_t body = take("[method]incoming-request.consume", request);
    uint32_t stream = take("[method]incoming-body.stream", body);
    assert_read(stream, "upload");
    assert_read_closed(stream);
    assert_read_closed(stream);
    drop_input(stream);
    drop("incoming-body", body);
    assert_false(upload.is_abandoned);
  }
}

static void what_is_at_hand_is_read_into_the_guests_memory(void **state) {
  (void)state;
  uint32_t stream =
      take("[method]incoming-body.stream", take("[method]incoming-request.consume", request));
  bytes_result out = read_as("[method]input-stream.read", stream, 1000);
  assert_true(guest_owns(&g, out.bytes.data));
}

static void a_body_that_fails_tells_its_code(void **state) {
  (void)state;
  upload.failure = tn_http_failure(TN_HTTP_CONNECTION_READ_TIMEOUT);
  uint32_t body = take("[method]incoming-request.consume", request);
  uint32_t stream = take("[method]incoming-body.stream", body);
  assert_read(stream, "upload");
  bytes_result out = read_as("[method]input-stream.read", stream, 10);
  assert_int_equal(out.is_error, 1);
  assert_int_equal(out.error.tag, TN_STREAM_LAST_OPERATION_FAILED);
  tn_http_optional_code code = code_of_error(out.error.error);
  assert_int_equal(code.is_some, 1);
  assert_int_equal(code.value.tag, TN_HTTP_CONNECTION_READ_TIMEOUT);
  tn_str text = {0};
  assert_ok(guest_call(&g, &tn_io_error_interface, NULL, "[method]error.to-debug-string",
                       &out.error.error, &text));
  assert_str(text, "connection_read_timeout");
  assert_read_closed(stream);
}

static void errors_of_others_are_not_http_errors(void **state) {
  (void)state;
  uint32_t error;
  assert_ok(tn_io_error_add(g.wasi, TN_IO_FILE, 1, &error));
  assert_int_equal(code_of_error(error).is_some, 0);
}

static void a_body_that_nobody_reads_is_abandoned(void **state) {
  (void)state;
  drop("incoming-request", request);
  assert_true(upload.is_abandoned);
}

static void a_body_is_abandoned_with_the_last_that_could_read_it(void **state) {
  (void)state;
  uint32_t body = take("[method]incoming-request.consume", request);
  uint32_t stream = take("[method]incoming-body.stream", body);
  drop("incoming-request", request);
  assert_read(stream, "upload");
  drop_input(stream);
  assert_false(upload.is_abandoned);
  drop("incoming-body", body);
  assert_true(upload.is_abandoned);
}

/* ---- trailers ---------------------------------------------------------------------------------------------------------- */

static uint32_t finish_incoming(uint32_t body) {
  uint32_t future = 0;
  call("[static]incoming-body.finish", &body, &future);
  return future;
}

static tn_http_future_trailers_value trailers_of(uint32_t future) {
  tn_http_future_trailers_value out = {0};
  call("[method]future-trailers.get", &future, &out);
  return out;
}

static void a_body_without_trailers_has_none(void **state) {
  (void)state;
  uint32_t future = finish_incoming(take("[method]incoming-request.consume", request));
  tn_http_future_trailers_value out = trailers_of(future);
  assert_int_equal(out.is_some, 1);
  assert_int_equal(out.value.is_error, 0);
  assert_int_equal(out.value.ok.is_error, 0);
  assert_int_equal(out.value.ok.trailers.is_some, 0);
  out = trailers_of(future);
  assert_int_equal(out.is_some, 1);
  assert_int_equal(out.value.is_error, 1); /* only once */
}

static void assert_refused(const char *resource, uint32_t representation, const char *child) {
  tn_error *error = guest_try_drop(&g, TYPES, NULL, resource, representation);
  assert_error(error, TN_ERROR_TRAP, child);
}

static void trailers_follow_a_body_that_is_not_read(void **state) {
  (void)state;
  upload.trailer = (tn_http_field){TN_STR("Sum"), TN_STR("42")};
  upload.at_hand = 3;
  upload.is_open = true;
  uint32_t future = finish_incoming(take("[method]incoming-request.consume", request));
  uint32_t pollable = 0;
  call("[method]future-trailers.subscribe", &future, &pollable);
  assert_int_equal(trailers_of(future).is_some, 0);
  assert_false(is_ready(pollable));
  upload.at_hand = 6;
  upload.is_open = false;
  assert_true(is_ready(pollable));
  tn_http_future_trailers_value out = trailers_of(future);
  assert_int_equal(out.value.ok.trailers.is_some, 1);
  uint32_t trailers = out.value.ok.trailers.handle;
  assert_entries(trailers, "Sum: 42\n");
  assert_int_equal(append(trailers, "a", "1"), TN_HEADER_IMMUTABLE);
  assert_refused("future-trailers", future, "before its pollable");
  drop_pollable(pollable);
  assert_entries(trailers, "Sum: 42\n");
}

static void trailers_of_a_broken_body_are_an_error(void **state) {
  (void)state;
  upload.failure = tn_http_failure(TN_HTTP_CONNECTION_TERMINATED);
  uint32_t future = finish_incoming(take("[method]incoming-request.consume", request));
  tn_http_future_trailers_value out = trailers_of(future);
  assert_int_equal(out.value.ok.is_error, 1);
  assert_int_equal(out.value.ok.error.tag, TN_HTTP_CONNECTION_TERMINATED);
}

static void finishing_a_body_whose_stream_lives_traps(void **state) {
  (void)state;
  uint32_t body = take("[method]incoming-request.consume", request);
  take("[method]incoming-body.stream", body);
  uint32_t future = 0;
  assert_error(guest_call(&g, TYPES, NULL, "[static]incoming-body.finish", &body, &future),
               TN_ERROR_TRAP, "input-stream still lives");
}

/* ---- waiting --------------------------------------------------------------------------------------------------------------- */

/* What a timer of the loop does while the guest waits. */
static void (*later)(void);
static tn_alarm alarm_clock;

static void ring(tn_alarm *alarm) {
  (void)alarm;
  later();
}

static void do_later(void (*func)(void)) {
  later = func;
  alarm_clock = (tn_alarm){.func = ring};
  assert_ok(tn_alarm_set(g.loop, &alarm_clock, tn_loop_now() + 1000000));
}

static void upload_arrives(void) {
  upload.at_hand = strlen(upload.text);
  fake_notify(&upload.head.observer);
}

static void upload_ends(void) {
  upload.is_open = false;
  fake_notify(&upload.head.observer);
}

static void download_has_room(void) {
  download.capacity = ROOM - 1 - (int64_t)download.len;
  fake_notify(&download.head.observer);
}

static void a_reader_waits_until_bytes_arrive(void **state) {
  (void)state;
  upload.at_hand = 0;
  upload.is_open = true;
  uint32_t stream =
      take("[method]incoming-body.stream", take("[method]incoming-request.consume", request));
  assert_read(stream, "");
  do_later(upload_arrives);
  bytes_result out = read_as("[method]input-stream.blocking-read", stream, 100);
  assert_str((tn_str){(const char *)out.bytes.data, out.bytes.len}, "upload");
  do_later(upload_ends);
  out = read_as("[method]input-stream.blocking-read", stream, 100);
  assert_int_equal(out.is_error, 1);
  assert_int_equal(out.error.tag, TN_STREAM_CLOSED);
}

static void a_writer_waits_until_there_is_room(void **state) {
  (void)state;
  uint32_t response = simple_response();
  uint32_t body = take("[method]outgoing-response.body", response);
  set_response(outparam, response);
  uint32_t stream = take("[method]outgoing-body.write", body);
  download.capacity = 3;
  do_later(download_has_room);
  assert_int_equal(
      write_as("[method]output-stream.blocking-write-and-flush", stream, "hello", 5).is_error, 0);
  assert_string_equal(download.bytes, "hello");
  assert_int_equal(download.flushes, 1);
}

static void set_waits_until_what_was_written_before_is_taken(void **state) {
  (void)state;
  uint32_t response = simple_response();
  uint32_t body = take("[method]outgoing-response.body", response);
  uint32_t stream = take("[method]outgoing-body.write", body);
  write_text(stream, "hello");
  download.capacity = 2;
  do_later(download_has_room);
  set_response(outparam, response);
  assert_string_equal(download.bytes, "hello");
}

/* ---- response-outparam and bodies -------------------------------------------------------------------------------------- */

static void a_response_without_a_body_is_complete_at_once(void **state) {
  (void)state;
  close_response();
  assert_int_equal(told.responses, 1);
  assert_int_equal(told.status, 200);
  assert_int_equal(told.body_length, 0);
  assert_string_equal(told.fields, "Content-Type=text/plain;");
  assert_true(download.is_finished);
  assert_int_equal(told.failures, 0);
}

static void a_body_is_written_after_the_head(void **state) {
  (void)state;
  uint32_t response = simple_response();
  struct {
    uint32_t self;
    uint16_t status;
  } in = {response, 201};
  uint8_t refused = 1;
  call("[method]outgoing-response.set-status-code", &in, &refused);
  assert_int_equal(refused, 0);
  uint32_t body = take("[method]outgoing-response.body", response);
  refuses("[method]outgoing-response.body", response);
  set_response(outparam, response);
  assert_int_equal(told.status, 201);
  assert_true(told.body_length == TN_HTTP_UNKNOWN_LENGTH);
  uint32_t stream = take("[method]outgoing-body.write", body);
  refuses("[method]outgoing-body.write", body);
  write_text(stream, "hello");
  drop_output(stream);
  uint32_t trailers = new_fields();
  append(trailers, "Sum", "42");
  assert_int_equal(finish_body(body, trailers).is_error, 0);
  assert_true(download.is_finished);
  assert_string_equal(download.bytes, "hello");
  assert_string_equal(download.trailers, "Sum=42;");
}

static void a_body_that_is_finished_before_the_head_has_a_length(void **state) {
  (void)state;
  uint32_t response = simple_response();
  uint32_t body = take("[method]outgoing-response.body", response);
  uint32_t stream = take("[method]outgoing-body.write", body);
  write_text(stream, "hello, ");
  write_text(stream, "world");
  drop_output(stream);
  assert_int_equal(finish_body(body, 0).is_error, 0);
  set_response(outparam, response);
  assert_int_equal(told.body_length, 12);
  assert_string_equal(download.bytes, "hello, world");
  assert_true(download.is_finished);
}

static void a_body_before_the_head_is_bounded(void **state) {
  (void)state;
  uint32_t response = simple_response();
  uint32_t body = take("[method]outgoing-response.body", response);
  uint32_t stream = take("[method]outgoing-body.write", body);
  static char much[BODY_KEPT_MAX];
  memset(much, 'x', sizeof much);
  assert_int_equal(check_write(stream).count, BODY_KEPT_MAX);
  write_as("[method]output-stream.write", stream, much, BODY_KEPT_MAX - 1);
  assert_int_equal(check_write(stream).count, 1);
  write_text(stream, "y");
  assert_int_equal(check_write(stream).count, 0);
  set_response(outparam, response);
  assert_int_equal(download.len, BODY_KEPT_MAX);
  assert_int_equal(download.bytes[BODY_KEPT_MAX - 1], 'y');
  assert_true(check_write(stream).count > 0);
}

static uint32_t response_of_length(const char *length) {
  uint32_t fields = new_fields();
  append(fields, "content-length", length);
  return new_response(fields);
}

static void a_body_keeps_its_promise(void **state) {
  (void)state;
  uint32_t response = response_of_length("5");
  uint32_t body = take("[method]outgoing-response.body", response);
  set_response(outparam, response);
  assert_int_equal(told.body_length, 5);
  uint32_t stream = take("[method]outgoing-body.write", body);
  write_text(stream, "hello");
  drop_output(stream);
  assert_int_equal(finish_body(body, 0).is_error, 0);
}

static void a_body_that_is_too_short_is_an_error_and_broken(void **state) {
  (void)state;
  uint32_t response = response_of_length("5");
  uint32_t body = take("[method]outgoing-response.body", response);
  set_response(outparam, response);
  uint32_t stream = take("[method]outgoing-body.write", body);
  write_text(stream, "hell");
  drop_output(stream);
  tn_http_result out = finish_body(body, 0);
  assert_int_equal(out.is_error, 1);
  assert_int_equal(out.error.tag, TN_HTTP_HTTP_RESPONSE_BODY_SIZE);
  assert_int_equal(out.error.body_size.is_some, 1);
  assert_int_equal(out.error.body_size.value, 4);
  assert_true(download.is_aborted);
}

static void a_body_that_is_too_long_is_an_error_and_broken(void **state) {
  (void)state;
  uint32_t response = response_of_length("5");
  uint32_t body = take("[method]outgoing-response.body", response);
  set_response(outparam, response);
  uint32_t stream = take("[method]outgoing-body.write", body);
  check_write(stream);
  tn_stream_result written = write_as("[method]output-stream.write", stream, "hello!", 6);
  assert_int_equal(written.is_error, 1);
  assert_int_equal(code_of_error(written.error.error).value.tag, TN_HTTP_HTTP_RESPONSE_BODY_SIZE);
  drop_output(stream);
  tn_http_result out = finish_body(body, 0);
  assert_int_equal(out.error.tag, TN_HTTP_HTTP_RESPONSE_BODY_SIZE);
  assert_true(download.is_aborted);
  assert_int_equal(download.len, 0);
}

static void lengths_that_contradict_each_other_give_no_body(void **state) {
  (void)state;
  uint32_t fields = new_fields();
  append(fields, "content-length", "5");
  append(fields, "Content-Length", "6");
  refuses("[method]outgoing-response.body", new_response(fields));
}

static void a_response_to_head_may_promise_what_it_does_not_send(void **state) {
  (void)state;
  exchange.request.method = TN_STR("HEAD");
  for (int is_before = 0; is_before < 2; is_before++) {
    accept_again();
    fake_outgoing_init(&download, 100);
    uint32_t response = response_of_length("5");
    uint32_t body = take("[method]outgoing-response.body", response);
    if (is_before == 0) set_response(outparam, response);
    assert_int_equal(finish_body(body, 0).is_error, 0);
    if (is_before == 1) set_response(outparam, response);
    assert_int_equal(told.body_length, 5);
    assert_true(download.is_finished);
    /* So that the next round has something to drop. */
    assert_ok(tn_wasi_http_accept(http, &exchange, &responder, &told, &request, &outparam));
  }
}

static void a_body_may_not_be_dropped_before_its_stream(void **state) {
  (void)state;
  uint32_t response = simple_response();
  uint32_t body = take("[method]outgoing-response.body", response);
  uint32_t stream = take("[method]outgoing-body.write", body);
  assert_refused("outgoing-body", body, "before its output-stream");
  drop_output(stream);
  body = take("[method]incoming-request.consume", request);
  stream = take("[method]incoming-body.stream", body);
  assert_refused("incoming-body", body, "before its input-stream");
  drop_input(stream);
}

static void headers_and_bodies_may_outlive_their_message(void **state) {
  (void)state;
  uint32_t response = simple_response();
  uint32_t headers = 0;
  call("[method]outgoing-response.headers", &response, &headers);
  uint32_t body = take("[method]outgoing-response.body", response);
  drop("outgoing-response", response);
  drop("outgoing-body", body);
  drop("fields", headers);
  body = take("[method]incoming-request.consume", request);
  call("[method]incoming-request.headers", &request, &headers);
  drop("incoming-request", request);
  drop("fields", headers);
  drop("incoming-body", body);
}

static void a_body_that_is_dropped_breaks_the_response(void **state) {
  (void)state;
  uint32_t response = simple_response();
  uint32_t body = take("[method]outgoing-response.body", response);
  set_response(outparam, response);
  drop("outgoing-body", body);
  assert_true(download.is_aborted);
}

static void a_body_that_is_dropped_before_the_head_breaks_the_response(void **state) {
  (void)state;
  uint32_t response = simple_response();
  drop("outgoing-body", take("[method]outgoing-response.body", response));
  set_response(outparam, response);
  assert_true(download.is_aborted);
}

static void finishing_a_body_that_is_being_written_traps(void **state) {
  (void)state;
  uint32_t response = simple_response();
  uint32_t body = take("[method]outgoing-response.body", response);
  set_response(outparam, response);
  take("[method]outgoing-body.write", body);
  struct {
    uint32_t self;
    tn_http_optional_handle trailers;
  } in = {body, {0}};
  tn_http_result out = {0};
  assert_error(guest_call(&g, TYPES, NULL, "[static]outgoing-body.finish", &in, &out),
               TN_ERROR_TRAP, "output-stream still lives");
  assert_true(download.is_aborted);
}

static void statuses_outside_of_the_range_are_refused(void **state) {
  (void)state;
  uint32_t response = simple_response();
  static const uint16_t bad[] = {0, 99, 600, 999, 65535};
  struct {
    uint32_t self;
    uint16_t status;
  } in = {response, 0};
  uint8_t refused = 0;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    in.status = bad[i];
    call("[method]outgoing-response.set-status-code", &in, &refused);
    assert_int_equal(refused, 1);
  }
  in.status = 599;
  call("[method]outgoing-response.set-status-code", &in, &refused);
  assert_int_equal(refused, 0);
  uint16_t status = 0;
  call("[method]outgoing-response.status-code", &response, &status);
  assert_int_equal(status, 599);
}

static void an_informational_status_is_no_response(void **state) {
  (void)state;
  uint32_t response = simple_response();
  struct {
    uint32_t self;
    uint16_t status;
  } in = {response, 103};
  uint8_t refused = 1;
  call("[method]outgoing-response.set-status-code", &in, &refused);
  set_response(outparam, response);
  assert_int_equal(told.responses, 0);
  assert_int_equal(told.code, TN_HTTP_HTTP_PROTOCOL_ERROR);
}

static void an_error_is_passed_on(void **state) {
  (void)state;
  struct {
    uint32_t self;
    tn_http_result response;
  } in = {outparam,
          {.is_error = 1,
           .error = {.tag = TN_HTTP_INTERNAL_ERROR, .text = {true, TN_STR("it broke")}}}};
  call("[static]response-outparam.set", &in, NULL);
  assert_int_equal(told.failures, 1);
  assert_int_equal(told.code, TN_HTTP_INTERNAL_ERROR);
  assert_string_equal(told.detail, "it broke");
}

static void no_response_is_an_error(void **state) {
  (void)state;
  drop("response-outparam", outparam);
  assert_int_equal(told.failures, 1);
  assert_int_equal(told.code, TN_HTTP_INTERNAL_ERROR);
  assert_string_equal(told.detail, "the guest gave no response");
}

static tn_http_result send_informational(uint16_t status) {
  uint32_t fields = new_fields();
  append(fields, "Link", "</x>");
  struct {
    uint32_t self;
    uint16_t status;
    uint32_t headers;
  } in = {outparam, status, fields};
  tn_http_result out = {0};
  call("[method]response-outparam.send-informational", &in, &out);
  return out;
}

static void informational_responses_come_first(void **state) {
  (void)state;
  assert_int_equal(send_informational(103).is_error, 0);
  assert_int_equal(told.informs, 1);
  assert_int_equal(told.status, 103);
  assert_string_equal(told.fields, "Link=</x>;");
  assert_int_equal(send_informational(99).error.tag, TN_HTTP_HTTP_PROTOCOL_ERROR);
  assert_int_equal(send_informational(200).error.tag, TN_HTTP_HTTP_PROTOCOL_ERROR);
  told.cannot_inform = true;
  assert_int_equal(send_informational(103).error.tag, TN_HTTP_INTERNAL_ERROR);
  close_response();
  assert_int_equal(told.responses, 1);
}

/* ---- when things end early ----------------------------------------------------------------------------------------------- */

static void nobody_listens_any_more(void **state) {
  (void)state;
  told.is_gone = true;
  uint32_t response = simple_response();
  uint32_t body = take("[method]outgoing-response.body", response);
  set_response(outparam, response);
  uint32_t stream = take("[method]outgoing-body.write", body);
  tn_stream_count_result room = check_write(stream);
  assert_int_equal(room.is_error, 1);
  assert_int_equal(room.error.tag, TN_STREAM_CLOSED);
  drop_output(stream);
  assert_int_equal(finish_body(body, 0).is_error, 0);
}

static void a_forgotten_exchange_is_gone_for_the_guest(void **state) {
  (void)state;
  uint32_t headers = 0;
  call("[method]incoming-request.headers", &request, &headers);
  uint32_t body_in = take("[method]incoming-request.consume", request);
  uint32_t stream_in = take("[method]incoming-body.stream", body_in);
  uint32_t response = simple_response();
  uint32_t body_out = take("[method]outgoing-response.body", response);
  set_response(outparam, response);
  uint32_t stream_out = take("[method]outgoing-body.write", body_out);
  tn_wasi_http_forget(http, &exchange);
  assert_true(download.is_aborted);
  memset(&exchange, 0xee, sizeof exchange);
  memset(&upload, 0xee, sizeof upload);
  memset(&download, 0xee, sizeof download);
  assert_str(text_of("[method]incoming-request.path-with-query").value, "/a?b=c");
  assert_entries(headers, "Accept: */*\nx: 1\n");
  bytes_result out = read_as("[method]input-stream.read", stream_in, 10);
  assert_int_equal(code_of_error(out.error.error).value.tag, TN_HTTP_CONNECTION_TERMINATED);
  assert_int_equal(check_write(stream_out).error.tag, TN_STREAM_CLOSED);
  drop_output(stream_out);
  assert_int_equal(finish_body(body_out, 0).is_error, 0);
}

static void a_response_after_the_exchange_goes_nowhere(void **state) {
  (void)state;
  tn_wasi_http_forget(http, &exchange);
  assert_int_equal(send_informational(103).error.tag, TN_HTTP_CONNECTION_TERMINATED);
  close_response();
  assert_int_equal(told.responses + told.failures, 0);
  tn_wasi_http_forget(http, &exchange); /* nothing left */
}

static void nothing_breaks_where_parents_go_before_their_children(void **state) {
  (void)state;
  uint32_t headers = 0;
  call("[method]incoming-request.headers", &request, &headers);
  uint32_t body = take("[method]incoming-request.consume", request);
  uint32_t stream = take("[method]incoming-body.stream", body);
  uint32_t pollable = 0;
  assert_ok(guest_call(&g, &tn_io_streams_interface, NULL, "[method]input-stream.subscribe",
                       &stream, &pollable));
  uint32_t response = simple_response();
  uint32_t body_out = take("[method]outgoing-response.body", response);
  uint32_t stream_out = take("[method]outgoing-body.write", body_out);
  set_response(outparam, response);
  drop("incoming-request", request);
  assert_refused("incoming-body", body, "before its input-stream");
  assert_error(guest_try_drop(&g, &tn_io_streams_interface, NULL, "input-stream", stream),
               TN_ERROR_TRAP, "before its pollable");
  assert_true(is_ready(pollable));
  drop_pollable(pollable);
  assert_entries(headers, "Accept: */*\nx: 1\n");
  drop("fields", headers);
  assert_refused("outgoing-body", body_out, "before its output-stream");
  assert_int_equal(check_write(stream_out).error.tag, TN_STREAM_CLOSED);
  drop_output(stream_out);
}

/* What is left over is cleaned up by tear_down, and the sanitizer sees that nothing leaks. */
static void an_instance_may_end_in_the_middle(void **state) {
  (void)state;
  uint32_t headers = 0, pollable = 0;
  call("[method]incoming-request.headers", &request, &headers);
  uint32_t future = finish_incoming(take("[method]incoming-request.consume", request));
  call("[method]future-trailers.subscribe", &future, &pollable);
  uint32_t response = simple_response();
  uint32_t body = take("[method]outgoing-response.body", response);
  take("[method]outgoing-body.write", body);
  uint32_t early = simple_response();
  uint32_t early_stream =
      take("[method]outgoing-body.write", take("[method]outgoing-response.body", early));
  write_text(early_stream, "kept");
  set_response(outparam, response);
}

static void a_request_that_cannot_be_taken_leaves_nothing(void **state) {
  (void)state;
  for (int i = 0; i < 20; i++) {
    uint32_t handles[2];
    tn_alloc_fail_after(i);
    tn_error *error =
        tn_wasi_http_accept(http, &exchange, &responder, &told, &handles[0], &handles[1]);
    bool failed_once = tn_alloc_did_fail();
    tn_alloc_fail_after(-1);
    assert_true(failed_once == (error != NULL));
    tn_error_delete(error);
    if (!failed_once) return;
  }
  fail_msg("never succeeded");
}

static void answer_to_the_end(void) {
  uint32_t headers = 0, trailers = 0, pollable = 0;
  uint32_t in = request, out = outparam;
  call("[method]incoming-request.headers", &in, &headers);
  uint32_t incoming = take("[method]incoming-request.consume", in);
  uint32_t input = take("[method]incoming-body.stream", incoming);
  assert_read(input, "upload");
  drop_input(input);
  call("[static]incoming-body.finish", &incoming, &trailers);
  call("[method]future-trailers.subscribe", &trailers, &pollable);
  block(pollable);
  tn_http_future_trailers_value got = {0};
  call("[method]future-trailers.get", &trailers, &got);
  uint32_t response = simple_response();
  uint32_t body = take("[method]outgoing-response.body", response);
  uint32_t stream = take("[method]outgoing-body.write", body);
  write_text(stream, "kept");
  set_response(out, response);
  write_text(stream, "written");
  drop_output(stream);
  uint32_t sums = new_fields();
  append(sums, "sum", "1");
  finish_body(body, sums);
}

static void check_answer(void) {
  assert_true(download.is_finished || download.is_aborted || told.responses == 0);
}

static void an_answer_ends_well_wherever_memory_runs_out(void **state) {
  (void)state;
  sweep_memory(set_up, answer_to_the_end, tear_down, check_answer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      AS_GUEST(a_request_has_what_came_in),
      AS_GUEST(every_method_has_its_case),
      AS_GUEST(what_a_request_lacks_is_none),
      AS_GUEST(a_body_is_given_once_and_its_stream_once),
      AS_GUEST(a_body_is_read_to_its_end),
      AS_GUEST(a_body_may_not_be_dropped_before_its_stream),
      AS_GUEST(headers_and_bodies_may_outlive_their_message),
      AS_GUEST(what_is_at_hand_is_read_into_the_guests_memory),
      AS_GUEST(a_body_that_fails_tells_its_code),
      AS_GUEST(errors_of_others_are_not_http_errors),
      AS_GUEST(a_body_that_nobody_reads_is_abandoned),
      AS_GUEST(a_body_is_abandoned_with_the_last_that_could_read_it),
      AS_GUEST(a_body_without_trailers_has_none),
      AS_GUEST(trailers_follow_a_body_that_is_not_read),
      AS_GUEST(trailers_of_a_broken_body_are_an_error),
      AS_GUEST(finishing_a_body_whose_stream_lives_traps),
      AS_GUEST(a_reader_waits_until_bytes_arrive),
      AS_GUEST(a_writer_waits_until_there_is_room),
      AS_GUEST(set_waits_until_what_was_written_before_is_taken),
      AS_GUEST(a_response_without_a_body_is_complete_at_once),
      AS_GUEST(a_body_is_written_after_the_head),
      AS_GUEST(a_body_that_is_finished_before_the_head_has_a_length),
      AS_GUEST(a_body_before_the_head_is_bounded),
      AS_GUEST(a_body_keeps_its_promise),
      AS_GUEST(a_body_that_is_too_short_is_an_error_and_broken),
      AS_GUEST(a_body_that_is_too_long_is_an_error_and_broken),
      AS_GUEST(lengths_that_contradict_each_other_give_no_body),
      AS_GUEST(a_response_to_head_may_promise_what_it_does_not_send),
      AS_GUEST(a_body_that_is_dropped_breaks_the_response),
      AS_GUEST(a_body_that_is_dropped_before_the_head_breaks_the_response),
      AS_GUEST(finishing_a_body_that_is_being_written_traps),
      AS_GUEST(statuses_outside_of_the_range_are_refused),
      AS_GUEST(an_informational_status_is_no_response),
      AS_GUEST(an_error_is_passed_on),
      AS_GUEST(no_response_is_an_error),
      AS_GUEST(informational_responses_come_first),
      AS_GUEST(nobody_listens_any_more),
      AS_GUEST(a_forgotten_exchange_is_gone_for_the_guest),
      AS_GUEST(a_response_after_the_exchange_goes_nowhere),
      AS_GUEST(nothing_breaks_where_parents_go_before_their_children),
      AS_GUEST(an_instance_may_end_in_the_middle),
      cmocka_unit_test(an_answer_ends_well_wherever_memory_runs_out),
      AS_GUEST(a_request_that_cannot_be_taken_leaves_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
