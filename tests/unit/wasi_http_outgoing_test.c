/* wasi:http/outgoing-handler and what it takes and gives, over a client that is made up here. */
#include <arpa/inet.h>

#include "wasi_http_guest.h"

/* ---- the client -------------------------------------------------------------------------------------------------------- */

struct tn_http_call {
  const tn_http_call_handler *handler;
  void *data;
  tn_http_call_options options;
  int releases;
};

static struct {
  int calls;
  tn_error *error; /* what the next call gives */
  char method[32], scheme[16], authority[64], path[64], fields[200];
  uint64_t body_length;
  tn_http_call call;
  tn_http_call_failure failure;
} client;

static fake_outgoing upload;
static fake_incoming download;
static tn_loop *client_loop;
static int clients_made, clients_deleted;

static void copy(char *out, size_t size, tn_str text) {
  snprintf(out, size, "%" TN_STR_FORMAT, TN_STR_ARG(text));
}

tn_error *tn_http_client_call(tn_http_client *self, const tn_http_request *request,
                              const tn_http_call_options *options,
                              const tn_http_call_handler *handler, void *data, tn_http_call **out,
                              tn_http_outgoing **body) {
  assert_ptr_equal(self, &client);
  client.calls++;
  if (client.error != NULL) {
    tn_error *error = client.error;
    client.error = NULL;
    return error;
  }
  copy(client.method, sizeof client.method, request->method);
  copy(client.scheme, sizeof client.scheme, request->scheme);
  copy(client.authority, sizeof client.authority, request->authority);
  copy(client.path, sizeof client.path, request->path);
  client.fields[0] = 0;
  for (uint32_t i = 0; i < request->fields.count; i++) {
    size_t len = strlen(client.fields);
    snprintf(client.fields + len, sizeof client.fields - len,
             "%" TN_STR_FORMAT "=%" TN_STR_FORMAT ";", TN_STR_ARG(request->fields.items[i].name),
             TN_STR_ARG(request->fields.items[i].value));
  }
  client.body_length = request->body_length;
  client.call = (tn_http_call){.handler = handler, .data = data, .options = *options};
  *out = &client.call;
  *body = &upload.head;
  return NULL;
}

const tn_http_call_failure *tn_http_call_get_failure(tn_http_call *call_made) {
  assert_ptr_equal(call_made, &client.call);
  return &client.failure;
}

void tn_http_client_forget(tn_http_client *self, const void *policy_key) {
  (void)self, (void)policy_key;
}

void tn_http_call_release(tn_http_call *call_made) {
  call_made->releases++;
}

tn_error *tn_http_client_new(tn_loop *loop, const tn_http_client_options *options,
                             tn_http_client **out) {
  assert_non_null(options);
  client_loop = loop;
  clients_made++;
  *out = (tn_http_client *)(void *)&client;
  return NULL;
}

void tn_http_client_delete(tn_http_client *self) {
  assert_ptr_equal(self, &client);
  clients_deleted++;
}

void tn_http_client_options_init(tn_http_client_options *options) {
  memset(options, 0, sizeof *options);
}

void tn_http_client_options_from_environment(tn_http_client_options *options) {
  (void)options;
}

const tn_http_client_counters *tn_http_client_get_counters(const tn_http_client *self) {
  (void)self;
  static const tn_http_client_counters none;
  return &none;
}

static tn_http_field response_field = {TN_STR("Server"), TN_STR("x")};

static void respond(void) {
  const tn_http_response head = {.status = 404, .fields = {&response_field, 1, 1}};
  client.call.handler->response(client.call.data, &head, &download.head);
}

/* ---- the frame ----------------------------------------------------------------------------------------------------------- */

static tn_http_field added_fields[] = {{TN_STR("traceparent"), TN_STR("00-1")}};
static const tn_http_fields added = {added_fields, 1, 1};

static int set_up(void **state) {
  (void)state;
  memset(&client, 0, sizeof client);
  clients_made = clients_deleted = 0;
  http_start(&(tn_wasi_http_options){.outgoing_fields = &added});
  assert_ok(tn_wasi_config_allow_http(config, "*"));
  fake_outgoing_init(&upload, ROOM - 1);
  fake_incoming_init(&download, "download");
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  http_end();
  assert_int_equal(clients_made, clients_deleted);
  return 0;
}

static uint8_t set_string(const char *name, uint32_t request, const char *text) {
  struct {
    uint32_t self;
    tn_http_optional_string text;
  } in = {request, {text != NULL, str(text)}};
  uint8_t out = 9;
  call(name, &in, &out);
  return out;
}

static uint8_t set_method(uint32_t request, uint8_t tag, const char *other) {
  struct {
    uint32_t self;
    tn_http_named method;
  } in = {request, {tag, str(other)}};
  uint8_t out = 9;
  call("[method]outgoing-request.set-method", &in, &out);
  return out;
}

static uint8_t set_scheme(uint32_t request, bool is_some, uint8_t tag, const char *other) {
  struct {
    uint32_t self;
    tn_http_optional_scheme scheme;
  } in = {request, {is_some, {tag, str(other)}}};
  uint8_t out = 9;
  call("[method]outgoing-request.set-scheme", &in, &out);
  return out;
}

static uint8_t set_path(uint32_t request, const char *text) {
  return set_string("[method]outgoing-request.set-path-with-query", request, text);
}

static uint8_t set_authority(uint32_t request, const char *text) {
  return set_string("[method]outgoing-request.set-authority", request, text);
}

static uint32_t simple_request(void) {
  uint32_t request = new_request(new_fields());
  assert_int_equal(set_authority(request, "example.org"), 0);
  return request;
}

static tn_http_result handle_with(uint32_t request, uint32_t options) {
  struct {
    uint32_t request;
    tn_http_optional_handle options;
  } in = {request, {options != 0, options}};
  tn_http_result out = {0};
  must_succeed(guest_call(&g, &tn_http_outgoing_handler_interface, NULL, "handle", &in, &out));
  return out;
}

static uint32_t handle(uint32_t request) {
  tn_http_result out = handle_with(request, 0);
  if (out.is_error) fail_msg("refused: %s", tn_http_code_name((tn_http_code)out.error.tag));
  return out.handle;
}

static tn_http_future_response response_of(uint32_t future) {
  tn_http_future_response out = {0};
  call("[method]future-incoming-response.get", &future, &out);
  return out;
}

static uint32_t take_response(uint32_t future) {
  tn_http_future_response out = response_of(future);
  assert_int_equal(out.is_some, 1);
  assert_int_equal(out.value.is_error, 0);
  assert_int_equal(out.value.ok.is_error, 0);
  return out.value.ok.handle;
}

/* ---- outgoing-request ------------------------------------------------------------------------------------------------------ */

static void a_new_request_says_little(void **state) {
  (void)state;
  uint32_t request = new_request(new_fields());
  tn_http_named method = {9, {0}};
  call("[method]outgoing-request.method", &request, &method);
  assert_int_equal(method.tag, 0);
  tn_http_optional_scheme scheme = {.is_some = 9};
  call("[method]outgoing-request.scheme", &request, &scheme);
  assert_int_equal(scheme.is_some, 0);
  tn_http_optional_string text = {9, {0}};
  call("[method]outgoing-request.path-with-query", &request, &text);
  assert_int_equal(text.is_some, 0);
  call("[method]outgoing-request.authority", &request, &text);
  assert_int_equal(text.is_some, 0);
}

static void what_is_set_is_given_back(void **state) {
  (void)state;
  uint32_t request = new_request(new_fields());
  assert_int_equal(set_method(request, 9, "PURGE"), 0);
  assert_int_equal(set_scheme(request, true, 2, "ftp"), 0);
  assert_int_equal(set_path(request, "/a?b"), 0);
  assert_int_equal(set_authority(request, "[::1]:80"), 0);
  tn_http_named method = {0};
  call("[method]outgoing-request.method", &request, &method);
  assert_int_equal(method.tag, 9);
  assert_str(method.other, "PURGE");
  tn_http_optional_scheme scheme = {0};
  call("[method]outgoing-request.scheme", &request, &scheme);
  assert_str(scheme.value.other, "ftp");
  tn_http_optional_string text = {0};
  call("[method]outgoing-request.path-with-query", &request, &text);
  assert_str(text.value, "/a?b");
  call("[method]outgoing-request.authority", &request, &text);
  assert_str(text.value, "[::1]:80");
  assert_int_equal(set_method(request, 2, ""), 0);
  call("[method]outgoing-request.method", &request, &method);
  assert_int_equal(method.tag, 2);
  assert_int_equal(set_scheme(request, false, 0, ""), 0);
  call("[method]outgoing-request.scheme", &request, &scheme);
  assert_int_equal(scheme.is_some, 0);
  assert_int_equal(set_path(request, NULL), 0);
  call("[method]outgoing-request.path-with-query", &request, &text);
  assert_int_equal(text.is_some, 0);
}

static void what_makes_no_sense_is_refused_and_changes_nothing(void **state) {
  (void)state;
  uint32_t request = simple_request();
  static const char *const bad_methods[] = {"", "A B", "GET\r\n", "G\xc3\xa9T"};
  for (size_t i = 0; i < sizeof bad_methods / sizeof *bad_methods; i++)
    assert_int_equal(set_method(request, 9, bad_methods[i]), 1);
  static const char *const bad_schemes[] = {"", "1a", "a b", "a:"};
  for (size_t i = 0; i < sizeof bad_schemes / sizeof *bad_schemes; i++)
    assert_int_equal(set_scheme(request, true, 2, bad_schemes[i]), 1);
  static const char *const bad_paths[] = {"a",    "/a b", "/a\r\nb", "/\x01", "?a b",
                                          "?a#b", "/a#b", "/<a>",    "/`"};
  for (size_t i = 0; i < sizeof bad_paths / sizeof *bad_paths; i++)
    assert_int_equal(set_path(request, bad_paths[i]), 1);
  static const char *const bad_authorities[] = {"",     "a b",    "a/b", "u@v@a", "u/@a",    "a:b",
                                                "[::1", "[::1]a", "[/]", "a\x01", "\xc3\xa9"};
  for (size_t i = 0; i < sizeof bad_authorities / sizeof *bad_authorities; i++)
    assert_int_equal(set_authority(request, bad_authorities[i]), 1);
  tn_http_optional_string text = {0};
  call("[method]outgoing-request.authority", &request, &text);
  assert_str(text.value, "example.org");
  handle(request);
  assert_string_equal(client.method, "GET");
}

static void options_keep_their_times(void **state) {
  (void)state;
  uint32_t options = 0;
  call("[constructor]request-options", NULL, &options);
  static const char *const names[][2] = {
      {"[method]request-options.connect-timeout", "[method]request-options.set-connect-timeout"},
      {"[method]request-options.first-byte-timeout",
       "[method]request-options.set-first-byte-timeout"},
      {"[method]request-options.between-bytes-timeout",
       "[method]request-options.set-between-bytes-timeout"},
  };
  for (uint64_t i = 0; i < 3; i++) {
    tn_http_optional_u64 time = {9, 9};
    call(names[i][0], &options, &time);
    assert_int_equal(time.is_some, 0);
    struct {
      uint32_t self;
      tn_http_optional_u64 time;
    } in = {options, {true, i * 5}};
    uint8_t refused = 9;
    call(names[i][1], &in, &refused);
    assert_int_equal(refused, 0);
    call(names[i][0], &options, &time);
    assert_int_equal(time.is_some, 1);
    assert_int_equal(time.value, i * 5);
  }
  assert_int_equal(handle_with(simple_request(), options).is_error, 0);
  assert_int_equal(client.call.options.connect_timeout, 1); /* 0 would be no limit */
  assert_int_equal(client.call.options.first_byte_timeout, 5);
  assert_int_equal(client.call.options.between_bytes_timeout, 10);
  uint32_t unused = 0;
  call("[constructor]request-options", NULL, &unused);
  drop("request-options", unused);
}

/* ---- handle --------------------------------------------------------------------------------------------------------------------- */

static void a_request_goes_out_as_it_was_made(void **state) {
  (void)state;
  uint32_t fields = new_fields();
  append(fields, "Accept", "a");
  uint32_t request = new_request(fields);
  set_method(request, 9, "PURGE");
  set_scheme(request, true, 1, "");
  set_authority(request, "example.org:444");
  set_path(request, "/a?b=c");
  handle(request);
  assert_string_equal(client.method, "PURGE");
  assert_string_equal(client.scheme, "https");
  assert_string_equal(client.authority, "example.org:444");
  assert_string_equal(client.path, "/a?b=c");
  assert_string_equal(client.fields, "Accept=a;traceparent=00-1;");
  assert_int_equal(client.body_length, 0);
  assert_true(upload.is_finished);
  assert_int_equal(client.call.options.connect_timeout, 600000000000);
  assert_int_equal(client.call.options.first_byte_timeout, 600000000000);
  assert_int_equal(client.call.options.between_bytes_timeout, 600000000000);
  assert_ptr_equal(client_loop, g.loop);
}

static void what_was_not_set_has_a_default(void **state) {
  (void)state;
  handle(simple_request());
  assert_string_equal(client.method, "GET");
  assert_string_equal(client.scheme, "https");
  assert_string_equal(client.path, "/");
  uint32_t request = simple_request();
  set_path(request, "?q");
  fake_outgoing_init(&upload, 0);
  handle(request);
  assert_string_equal(client.path, "/?q");
  fake_outgoing_init(&upload, 0);
  request = simple_request();
  set_path(request, "");
  handle(request);
  assert_string_equal(client.path, "/");
  assert_int_equal(clients_made, 1);
}

static void a_field_of_the_guest_wins_over_the_hosts(void **state) {
  (void)state;
  uint32_t fields = new_fields();
  append(fields, "TraceParent", "mine");
  uint32_t request = new_request(fields);
  set_authority(request, "example.org");
  handle(request);
  assert_string_equal(client.fields, "TraceParent=mine;");
}

static tn_http_code refused_code(uint32_t request) {
  tn_http_result out = handle_with(request, 0);
  assert_int_equal(out.is_error, 1);
  assert_int_equal(client.calls, 0);
  return (tn_http_code)out.error.tag;
}

static void an_invalid_request_is_refused(void **state) {
  (void)state;
  assert_int_equal(refused_code(new_request(new_fields())), TN_HTTP_HTTP_REQUEST_URI_INVALID);
  uint32_t request;
  /* These are authorities of some URI, but nothing that HTTP could call. */
  static const char *const bad_authorities[] = {"user@example.org", "u:p@a", ":80",       "a:65536",
                                                "[v1.x]",           "%4",    "u@[::1]:80"};
  for (size_t i = 0; i < sizeof bad_authorities / sizeof *bad_authorities; i++) {
    request = simple_request();
    assert_int_equal(set_authority(request, bad_authorities[i]), 0);
    assert_int_equal(refused_code(request), TN_HTTP_HTTP_REQUEST_URI_INVALID);
  }
  request = simple_request();
  set_scheme(request, true, 2, "ftp");
  assert_int_equal(refused_code(request), TN_HTTP_HTTP_PROTOCOL_ERROR);
  request = simple_request();
  set_method(request, 5, "");
  assert_int_equal(refused_code(request), TN_HTTP_HTTP_REQUEST_METHOD_INVALID);
  request = simple_request();
  set_method(request, 9, "CONNECT");
  assert_int_equal(refused_code(request), TN_HTTP_HTTP_REQUEST_METHOD_INVALID);
  uint32_t fields = new_fields();
  append(fields, "content-length", "5");
  append(fields, "content-length", "6");
  request = new_request(fields);
  set_authority(request, "example.org");
  assert_int_equal(refused_code(request), TN_HTTP_HTTP_PROTOCOL_ERROR);
}

static void a_request_that_is_not_allowed_is_denied(void **state) {
  (void)state;
  config->egress.rules.len = 0;
  assert_ok(tn_wasi_config_allow_http(config, "GET@example.net:8080"));
  assert_int_equal(refused_code(simple_request()), TN_HTTP_HTTP_REQUEST_DENIED);
  uint32_t request = simple_request();
  set_authority(request, "example.net");
  assert_int_equal(refused_code(request), TN_HTTP_HTTP_REQUEST_DENIED);
  request = simple_request();
  set_authority(request, "example.net:8080");
  set_method(request, 2, "");
  uint32_t body = take("[method]outgoing-request.body", request);
  assert_int_equal(refused_code(request), TN_HTTP_HTTP_REQUEST_DENIED);
  uint32_t stream = take("[method]outgoing-body.write", body);
  assert_int_equal(check_write(stream).error.tag, TN_STREAM_CLOSED);
  request = simple_request();
  set_authority(request, "EXAMPLE.net:8080");
  handle(request);
}

static void an_address_is_checked_when_it_is_connected_to(void **state) {
  (void)state;
  handle(simple_request());
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(80)};
  const tn_http_call_options *options = &client.call.options;
  inet_pton(AF_INET, "93.184.216.34", &address.sin_addr);
  assert_true(options->may_connect(options->may_connect_data, (struct sockaddr *)&address));
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  assert_false(options->may_connect(options->may_connect_data, (struct sockaddr *)&address));
  assert_ptr_equal(options->policy_key, &config->egress);
}

static void what_the_client_cannot_do_ends_the_guest(void **state) {
  (void)state;
  client.error = tn_error_new(TN_ERROR_IO, "no more descriptors");
  struct {
    uint32_t request;
    tn_http_optional_handle options;
  } in = {simple_request(), {0}};
  tn_http_result out = {0};
  assert_error(guest_call(&g, &tn_http_outgoing_handler_interface, NULL, "handle", &in, &out),
               TN_ERROR_IO, "no more descriptors");
}

/* ---- the body of a request ----------------------------------------------------------------------------------------------------------- */

static void a_body_is_written_after_the_call(void **state) {
  (void)state;
  uint32_t request = simple_request();
  uint32_t body = take("[method]outgoing-request.body", request);
  refuses("[method]outgoing-request.body", request);
  handle(request);
  assert_true(client.body_length == TN_HTTP_UNKNOWN_LENGTH);
  uint32_t stream = take("[method]outgoing-body.write", body);
  write_text(stream, "hello");
  drop_output(stream);
  assert_int_equal(finish_body(body, 0).is_error, 0);
  assert_true(upload.is_finished);
  assert_string_equal(upload.bytes, "hello");
}

static void what_was_written_before_goes_out_bit_by_bit(void **state) {
  (void)state;
  uint32_t request = simple_request();
  uint32_t body = take("[method]outgoing-request.body", request);
  uint32_t stream = take("[method]outgoing-body.write", body);
  write_text(stream, "hello");
  upload.capacity = 0;
  handle(request);
  assert_int_equal(check_write(stream).count, 0);
  upload.capacity = 3;
  fake_notify(&upload.head.observer);
  assert_string_equal(upload.bytes, "hel");
  drop_output(stream);
  assert_int_equal(finish_body(body, 0).is_error, 0);
  assert_false(upload.is_finished);
  upload.capacity = 10;
  fake_notify(&upload.head.observer);
  assert_string_equal(upload.bytes, "hello");
  assert_true(upload.is_finished);
}

static void a_body_of_the_wrong_size_is_the_requests_error(void **state) {
  (void)state;
  uint32_t fields = new_fields();
  append(fields, "content-length", "3");
  uint32_t request = new_request(fields);
  set_authority(request, "example.org");
  uint32_t body = take("[method]outgoing-request.body", request);
  uint32_t future = handle(request);
  assert_int_equal(client.body_length, 3);
  tn_http_result out = finish_body(body, 0);
  assert_int_equal(out.error.tag, TN_HTTP_HTTP_REQUEST_BODY_SIZE);
  assert_int_equal(out.error.body_size.value, 0);
  assert_true(upload.is_aborted);
  tn_http_future_response response = response_of(future);
  assert_int_equal(response.is_some, 1);
  assert_int_equal(response.value.ok.error.tag, TN_HTTP_HTTP_PROTOCOL_ERROR);
}

static void a_body_that_is_dropped_ends_the_call(void **state) {
  (void)state;
  for (int is_before = 0; is_before < 2; is_before++) {
    fake_outgoing_init(&upload, 100);
    uint32_t request = simple_request();
    uint32_t body = take("[method]outgoing-request.body", request);
    if (is_before) drop("outgoing-body", body);
    uint32_t future = handle(request);
    if (!is_before) drop("outgoing-body", body);
    assert_true(upload.is_aborted);
    assert_int_equal(response_of(future).value.ok.is_error, 1);
    respond(); /* too late */
    assert_int_equal(response_of(future).value.is_error, 1);
  }
}

static void an_upload_outlives_the_future(void **state) {
  (void)state;
  uint32_t request = simple_request();
  uint32_t body = take("[method]outgoing-request.body", request);
  drop("future-incoming-response", handle(request));
  assert_int_equal(client.call.releases, 0);
  uint32_t stream = take("[method]outgoing-body.write", body);
  write_text(stream, "x");
  drop_output(stream);
  assert_int_equal(finish_body(body, 0).is_error, 0);
  assert_true(upload.is_finished);
  assert_int_equal(client.call.releases, 1);
}

/* ---- the response ------------------------------------------------------------------------------------------------------------------------ */

static tn_alarm alarm_clock;

static void ring(tn_alarm *alarm) {
  (void)alarm;
  respond();
}

static void a_response_arrives_while_the_guest_waits(void **state) {
  (void)state;
  uint32_t future = handle(simple_request());
  assert_int_equal(response_of(future).is_some, 0);
  uint32_t pollable = 0;
  call("[method]future-incoming-response.subscribe", &future, &pollable);
  assert_false(is_ready(pollable));
  alarm_clock = (tn_alarm){.func = ring};
  assert_ok(tn_alarm_set(g.loop, &alarm_clock, tn_loop_now() + 1000000));
  block(pollable);
  uint32_t response = take_response(future);
  assert_int_equal(response_of(future).value.is_error, 1); /* only once */
  uint16_t status = 0;
  call("[method]incoming-response.status", &response, &status);
  assert_int_equal(status, 404);
  uint32_t headers = 0;
  call("[method]incoming-response.headers", &response, &headers);
  assert_entries(headers, "Server: x\n");
  assert_int_equal(append(headers, "a", "1"), TN_HEADER_IMMUTABLE);
  uint32_t body = take("[method]incoming-response.consume", response);
  refuses("[method]incoming-response.consume", response);
  uint32_t stream = take("[method]incoming-body.stream", body);
  assert_read(stream, "download");
  assert_read_closed(stream);
}

static void a_response_can_be_read_after_its_parents_are_gone(void **state) {
  (void)state;
  uint32_t future = handle(simple_request());
  respond();
  uint32_t response = take_response(future);
  uint32_t body = take("[method]incoming-response.consume", response);
  drop("future-incoming-response", future);
  drop("incoming-response", response);
  uint32_t stream = take("[method]incoming-body.stream", body);
  assert_read(stream, "download");
  assert_int_equal(client.call.releases, 0);
  drop_input(stream);
  drop("incoming-body", body);
  assert_int_equal(client.call.releases, 1);
}

static void every_failure_has_its_code(void **state) {
  (void)state;
  for (int code = 0; code <= TN_HTTP_INTERNAL_ERROR; code++) {
    uint32_t future = handle(simple_request());
    fake_outgoing_init(&upload, 100);
    client.call.handler->failed(client.call.data, (tn_http_code)code, "it broke");
    tn_http_future_response out = response_of(future);
    assert_int_equal(out.value.ok.is_error, 1);
    assert_int_equal(out.value.ok.error.tag, code);
    assert_int_equal(out.value.ok.error.text.is_some, code == TN_HTTP_INTERNAL_ERROR);
    if (code == TN_HTTP_INTERNAL_ERROR) assert_str(out.value.ok.error.text.value, "it broke");
    drop("future-incoming-response", future);
  }
}

static tn_http_error_code failed_with(tn_http_call_failure failure) {
  uint32_t future = handle(simple_request());
  fake_outgoing_init(&upload, 100);
  client.failure = failure;
  client.call.handler->failed(client.call.data, failure.code, "it broke");
  tn_http_future_response out = response_of(future);
  assert_int_equal(out.value.ok.error.tag, failure.code);
  return out.value.ok.error;
}

static void a_failure_says_what_is_known_of_it(void **state) {
  (void)state;
  tn_http_error_code code =
      failed_with((tn_http_call_failure){.code = TN_HTTP_DNS_ERROR, .dns_rcode = "NXDOMAIN"});
  assert_int_equal(code.dns.rcode.is_some, 1);
  assert_str(code.dns.rcode.value, "NXDOMAIN");
  assert_int_equal(code.dns.info_code.is_some, 0);
  code = failed_with((tn_http_call_failure){.code = TN_HTTP_DNS_ERROR});
  assert_int_equal(code.dns.rcode.is_some, 0);
  code = failed_with((tn_http_call_failure){.code = TN_HTTP_TLS_ALERT_RECEIVED,
                                            .has_alert = true,
                                            .alert_id = 40,
                                            .alert_message = "handshake failure"});
  assert_int_equal(code.alert.id.is_some, 1);
  assert_int_equal(code.alert.id.value, 40);
  assert_str(code.alert.message.value, "handshake failure");
  code = failed_with(
      (tn_http_call_failure){.code = TN_HTTP_HTTP_RESPONSE_HEADER_SECTION_SIZE, .size = 70000});
  assert_int_equal(code.section_size.is_some, 1);
  assert_int_equal(code.section_size.value, 70000);
}

static void trailers_that_are_too_large_say_how_large(void **state) {
  (void)state;
  uint32_t future = handle(simple_request());
  respond();
  uint32_t body = take("[method]incoming-response.consume", take_response(future)), trailers = 0;
  download.failure = tn_http_failure(TN_HTTP_HTTP_RESPONSE_TRAILER_SECTION_SIZE);
  client.failure =
      (tn_http_call_failure){.code = TN_HTTP_HTTP_RESPONSE_TRAILER_SECTION_SIZE, .size = 9000};
  call("[static]incoming-body.finish", &body, &trailers);
  tn_http_future_trailers_value out = {0};
  call("[method]future-trailers.get", &trailers, &out);
  assert_int_equal(out.value.ok.error.tag, TN_HTTP_HTTP_RESPONSE_TRAILER_SECTION_SIZE);
  assert_int_equal(out.value.ok.error.section_size.is_some, 1);
  assert_int_equal(out.value.ok.error.section_size.value, 9000);
}

/* ---- memory ------------------------------------------------------------------------------------------------------------------- */

static void call_to_the_end(void) {
  uint32_t fields = new_fields();
  append(fields, "accept", "a");
  append(
      fields, "x-long",
      "much more than there is room for in what is at hand for the text of few short fields, so that "
      "all of this needs memory of its own, and then something more to be really sure of it all");
  uint32_t request = new_request(fields);
  set_method(request, 9, "PURGE");
  set_scheme(request, true, 0, "");
  set_authority(request, "example.org");
  set_path(request, "?a");
  uint32_t options = 0, headers = 0, pollable = 0, trailers = 0;
  call("[constructor]request-options", NULL, &options);
  call("[method]outgoing-request.headers", &request, &headers);
  uint32_t body = take("[method]outgoing-request.body", request);
  uint32_t stream = take("[method]outgoing-body.write", body);
  write_text(stream, "kept");
  uint32_t future = handle_with(request, options).handle;
  call("[method]future-incoming-response.subscribe", &future, &pollable);
  write_text(stream, "written");
  drop_output(stream);
  finish_body(body, new_fields());
  respond();
  block(pollable);
  uint32_t response = take_response(future), answered = 0;
  call("[method]incoming-response.headers", &response, &answered);
  uint32_t copied = 0;
  call("[method]fields.clone", &answered, &copied);
  uint32_t incoming = take("[method]incoming-response.consume", response);
  uint32_t input = take("[method]incoming-body.stream", incoming);
  assert_read(input, "download");
  drop_input(input);
  call("[static]incoming-body.finish", &incoming, &trailers);
  call("[method]future-trailers.subscribe", &trailers, &pollable);
  tn_http_future_trailers_value out = {0};
  call("[method]future-trailers.get", &trailers, &out);
}

static void check_release(void) {
  assert_int_equal(client.call.releases, client.calls);
}

static void a_call_ends_well_wherever_memory_runs_out(void **state) {
  (void)state;
  sweep_memory(set_up, call_to_the_end, tear_down, check_release);
}

static void a_call_that_nobody_waits_for_is_cancelled(void **state) {
  (void)state;
  drop("future-incoming-response", handle(simple_request()));
  assert_int_equal(client.call.releases, 1);
}

/* tear_down cleans up. */
static void an_instance_may_end_in_the_middle_of_a_call(void **state) {
  (void)state;
  uint32_t request = simple_request();
  uint32_t body = take("[method]outgoing-request.body", request);
  take("[method]outgoing-body.write", body);
  uint32_t future = handle(request), pollable = 0;
  call("[method]future-incoming-response.subscribe", &future, &pollable);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      AS_GUEST(a_new_request_says_little),
      AS_GUEST(what_is_set_is_given_back),
      AS_GUEST(what_makes_no_sense_is_refused_and_changes_nothing),
      AS_GUEST(options_keep_their_times),
      AS_GUEST(a_request_goes_out_as_it_was_made),
      AS_GUEST(what_was_not_set_has_a_default),
      AS_GUEST(a_field_of_the_guest_wins_over_the_hosts),
      AS_GUEST(an_invalid_request_is_refused),
      AS_GUEST(a_request_that_is_not_allowed_is_denied),
      AS_GUEST(an_address_is_checked_when_it_is_connected_to),
      AS_GUEST(what_the_client_cannot_do_ends_the_guest),
      AS_GUEST(a_body_is_written_after_the_call),
      AS_GUEST(what_was_written_before_goes_out_bit_by_bit),
      AS_GUEST(a_body_of_the_wrong_size_is_the_requests_error),
      AS_GUEST(a_body_that_is_dropped_ends_the_call),
      AS_GUEST(an_upload_outlives_the_future),
      AS_GUEST(a_response_arrives_while_the_guest_waits),
      AS_GUEST(a_response_can_be_read_after_its_parents_are_gone),
      AS_GUEST(every_failure_has_its_code),
      AS_GUEST(a_failure_says_what_is_known_of_it),
      AS_GUEST(trailers_that_are_too_large_say_how_large),
      cmocka_unit_test(a_call_ends_well_wherever_memory_runs_out),
      AS_GUEST(a_call_that_nobody_waits_for_is_cancelled),
      AS_GUEST(an_instance_may_end_in_the_middle_of_a_call),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
