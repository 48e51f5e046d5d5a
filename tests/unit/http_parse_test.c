/* HTTP/1.1 from bytes and to bytes: what src/http offers to the server and to the client. How requests are
 * taken as a whole is in http_hostile_test.c. */
#include "test.h"

#include "base/alloc.h"
#include "http/http1/http1.h"

/* ---- grammars (message.h) ----------------------------------------------------------------------------- */

static void names_and_values_follow_the_grammar(void **state) {
  (void)state;
  assert_true(tn_http_is_field_name(TN_STR("X-Ab_1!#$%&'*+.^`|~")));
  assert_false(tn_http_is_field_name(TN_STR("")));
  const char *bad_names[] = {"a b", "a:",    "a\t", "a\r", "a\x7f", "a\xc3", "(a)", "a,b",  "a;b",
                             "a=b", "\"a\"", "[a]", "{a}", "a/b",   "a@b",   "a?b", "a\\b", "<a>"};
  for (size_t i = 0; i < sizeof bad_names / sizeof *bad_names; i++) {
    if (tn_http_is_field_name(tn_str_from(bad_names[i]))) fail_msg("%s is a name", bad_names[i]);
  }
  assert_true(tn_http_is_field_value(TN_STR("")));
  assert_true(tn_http_is_field_value(TN_STR("a \t\"b\" \xff\x80")));
  const char *bad_values[] = {" a", "a ", "\ta", "a\t", "a\rb", "a\nb", "a\x01", "a\x7f", " "};
  for (size_t i = 0; i < sizeof bad_values / sizeof *bad_values; i++) {
    if (tn_http_is_field_value(tn_str_from(bad_values[i])))
      fail_msg("\"%s\" is a value", bad_values[i]);
  }
  assert_false(tn_http_is_field_value(TN_STR("a\0b")));
  assert_true(tn_http_is_method(TN_STR("M-SEARCH")));
  assert_false(tn_http_is_method(TN_STR("G T")));
}

static void paths_authorities_and_schemes_follow_the_grammar(void **state) {
  (void)state;
  const char *paths[] = {"/", "*", "/a?b=c/d?e", "/%2f", "/a|b\"{}"};
  for (size_t i = 0; i < 5; i++)
    assert_true(tn_http_is_path(tn_str_from(paths[i])));
  const char *bad_paths[] = {"", "a", "?a", "/a b", "/a#b", "/\xc3\xa4", "/a\n", "**"};
  for (size_t i = 0; i < 8; i++)
    assert_false(tn_http_is_path(tn_str_from(bad_paths[i])));
  const char *hosts[] = {"a",         "a.b:1", "a:", "[::1]", "[::ffff:1.2.3.4]:65535",
                         "1.2.3.4:0", "a%20b", "a,b"};
  for (size_t i = 0; i < 8; i++)
    assert_true(tn_http_is_authority(tn_str_from(hosts[i])));
  const char *bad_hosts[] = {"",      ":80",    "a b", "a@b",       "a/b", "a?b",
                             "a#b",   "[::1",   "::1", "[a]",       "a:b", "a:65536",
                             "a:1:2", "[::1]x", "a%2", "a\xc3\xa4", "[]",  "a:-1"};
  for (size_t i = 0; i < sizeof bad_hosts / sizeof *bad_hosts; i++) {
    if (tn_http_is_authority(tn_str_from(bad_hosts[i])))
      fail_msg("%s is an authority", bad_hosts[i]);
  }
  assert_true(tn_http_is_scheme(TN_STR("a+b-c.1")));
  assert_false(tn_http_is_scheme(TN_STR("1a")));
  assert_false(tn_http_is_scheme(TN_STR("a:")));
  assert_false(tn_http_is_scheme(TN_STR("")));
}

static void fields_of_a_connection_are_known(void **state) {
  (void)state;
  const char *names[] = {"Connection", "keep-alive", "Proxy-Connection", "TRANSFER-ENCODING",
                         "Upgrade",    "TE",         "HTTP2-Settings"};
  for (size_t i = 0; i < 7; i++)
    assert_true(tn_http_is_hop_by_hop(tn_str_from(names[i])));
  const char *others[] = {"Content-Length", "Host", "Trailer", "Connectiom", "tea", ""};
  for (size_t i = 0; i < 6; i++)
    assert_false(tn_http_is_hop_by_hop(tn_str_from(others[i])));
}

static void a_list_of_fields_grows_and_is_searched_without_case(void **state) {
  (void)state;
  tn_arena arena = {0};
  tn_http_fields fields = {0};
  for (int i = 0; i < 100; i++) {
    assert_true(
        tn_http_fields_add(&arena, &fields, tn_arena_format(&arena, "Name-%d", i), TN_STR("v")));
  }
  assert_true(tn_http_fields_add(&arena, &fields, TN_STR("name-7"), TN_STR("later")));
  const tn_http_field *found = tn_http_fields_find(&fields, TN_STR("NAME-7"));
  assert_ptr_equal(found, &fields.items[7]);
  assert_null(tn_http_fields_find(&fields, TN_STR("name-100")));
  tn_arena_free(&arena);
}

/* ---- requests -------------------------------------------------------------------------------------------- */

static void a_request_keeps_what_is_about_the_message(void **state) {
  (void)state;
  static const char bytes[] = "POST /a?b HTTP/1.1\r\nhost: h:1\r\nA:  b c \t\r\nContent-Length: "
                              "5\r\nConnection: keep-alive, X-Hop\r\n"
                              "Keep-Alive: 5\r\nX-Hop: 1\r\nTE: trailers\r\nProxy-Connection: "
                              "x\r\nUpgrade: y\r\nHTTP2-Settings: z\r\n"
                              "Expect: 100-Continue\r\nTrailer: q\r\n\r\n";
  tn_arena arena = {0};
  tn_http_request request;
  tn_http1_framing framing;
  tn_http1_refusal refusal;
  assert_true(tn_http1_parse_request(&arena, (const uint8_t *)bytes, sizeof bytes - 1, 100,
                                     &request, &framing, &refusal));
  assert_true(tn_str_equal(request.method, TN_STR("POST")));
  assert_true(tn_str_equal(request.path, TN_STR("/a?b")));
  assert_true(tn_str_equal(request.authority, TN_STR("h:1")));
  assert_int_equal(request.version, TN_HTTP_1_1);
  assert_int_equal(request.body_length, 5);
  assert_int_equal(framing.body, TN_HTTP1_LENGTH);
  assert_true(framing.keep_alive && framing.expects_continue && framing.is_upgrade);
  static const char *const kept[] = {"A", "Content-Length", "TE", "Trailer"};
  assert_int_equal(request.fields.count, 4);
  for (int i = 0; i < 4; i++) {
    assert_true(tn_str_equal(request.fields.items[i].name, tn_str_from(kept[i])));
  }
  assert_true(tn_str_equal(request.fields.items[0].value, TN_STR("b c")));
  tn_arena_free(&arena);
}

static void a_head_must_be_whole(void **state) {
  (void)state;
  static const char bytes[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  tn_arena arena = {0};
  tn_http_request request;
  tn_http1_framing framing;
  tn_http1_refusal refusal;
  for (size_t size = 0; size < sizeof bytes - 1; size++) {
    assert_false(tn_http1_parse_request(&arena, (const uint8_t *)bytes, size, 100, &request,
                                        &framing, &refusal));
    assert_int_equal(refusal.status, 400);
  }
  tn_arena_free(&arena);
}

static void without_memory_a_head_is_refused_as_such(void **state) {
  (void)state;
  static const char bytes[] = "GET http://h?q HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n";
  tn_http_request request;
  tn_http1_framing framing;
  tn_http1_refusal refusal;
  tn_arena arena = {0};
  tn_alloc_fail_after(0);
  assert_false(tn_http1_parse_request(&arena, (const uint8_t *)bytes, sizeof bytes - 1, 100,
                                      &request, &framing, &refusal));
  tn_alloc_fail_after(-1);
  assert_int_equal(refusal.status, 503);
  tn_arena_free(&arena);
}

/* ---- responses --------------------------------------------------------------------------------------------- */

typedef struct response_case {
  const char *method;
  const char *bytes;
  int status; /* 0: refused */
  tn_http1_body body;
  uint64_t length;
  bool keep_alive;
} response_case;

static void responses_are_framed_by_rfc_9112_section_6_3(void **state) {
  (void)state;
  static const response_case cases[] = {
      {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 200, TN_HTTP1_LENGTH, 5, true},
      {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, TN_HTTP1_NO_BODY, 0, true},
      {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200, TN_HTTP1_CHUNKED,
       UINT64_MAX, true},
      {"GET", "HTTP/1.1 200 OK\r\n\r\n", 200, TN_HTTP1_UNTIL_CLOSE, UINT64_MAX, false},
      {"GET", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", 200, TN_HTTP1_LENGTH, 5, false},
      {"GET", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n", 200,
       TN_HTTP1_LENGTH, 5, true},
      {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n", 200,
       TN_HTTP1_LENGTH, 5, false},
      {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", 200,
       TN_HTTP1_LENGTH, 5, true},
      {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 200, TN_HTTP1_NO_BODY, 5, true},
      {"HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200, TN_HTTP1_NO_BODY,
       UINT64_MAX, true},
      {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, TN_HTTP1_NO_BODY, 5,
       true},
      {"GET", "HTTP/1.1 204 No Content\r\n\r\n", 204, TN_HTTP1_NO_BODY, 0, true},
      {"GET", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", 204, TN_HTTP1_NO_BODY, 0,
       false},
      {"GET", "HTTP/1.1 100 Continue\r\n\r\n", 100, TN_HTTP1_NO_BODY, 0, true},
      {"CONNECT", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 200, TN_HTTP1_NO_BODY, 0, true},
      {"CONNECT", "HTTP/1.1 403 No\r\nContent-Length: 5\r\n\r\n", 403, TN_HTTP1_LENGTH, 5, true},
      {"GET", "HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n", 299, TN_HTTP1_NO_BODY, 0, true},
      {"GET", "HTTP/1.1 999\r\nContent-Length: 0\r\n\r\n", 999, TN_HTTP1_NO_BODY, 0, true},
      {"GET", "HTTP/1.1 200 \xc3\xa4\r\nContent-Length: 0\r\n\r\n", 200, TN_HTTP1_NO_BODY, 0, true},
      {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 0, 0, 0, false},
      {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 0, 0, 0,
       false},
      {"GET", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 0, 0, 0, false},
      {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", 0, 0, 0, false},
      {"GET", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", 0, 0, 0, false},
      {"GET", "HTTP/1.1 099 OK\r\n\r\n", 0, 0, 0, false},
      {"GET", "HTTP/1.1 20 OK\r\n\r\n", 0, 0, 0, false},
      {"GET", "HTTP/1.1 2000 OK\r\n\r\n", 0, 0, 0, false},
      {"GET", "HTTP/1.1  200 OK\r\n\r\n", 0, 0, 0, false},
      {"GET", "HTTP/2.0 200 OK\r\n\r\n", 0, 0, 0, false},
      {"GET", "HTTP/1.1 200 O\x01\r\n\r\n", 0, 0, 0, false},
      {"GET", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", 0, 0, 0, false},
      {"GET", "ICY 200 OK\r\n\r\n", 0, 0, 0, false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const response_case *one = &cases[i];
    tn_arena arena = {0};
    tn_http_response response;
    tn_http1_framing framing;
    tn_http1_refusal refusal;
    bool is_taken =
        tn_http1_parse_response(&arena, (const uint8_t *)one->bytes, strlen(one->bytes), 100,
                                tn_str_from(one->method), &response, &framing, &refusal);
    if (is_taken != (one->status != 0))
      fail_msg("%s: %s", one->bytes, is_taken ? "taken" : refusal.reason);
    if (is_taken) {
      if (response.status != one->status || framing.body != one->body ||
          response.body_length != one->length || framing.keep_alive != one->keep_alive) {
        fail_msg("%s %s: %d, body %d, length %lld, %s", one->method, one->bytes, response.status,
                 framing.body, (long long)response.body_length,
                 framing.keep_alive ? "goes on" : "ends");
      }
    }
    tn_arena_free(&arena);
  }
}

static void a_response_with_too_many_fields_is_a_clients_error(void **state) {
  (void)state;
  static const char bytes[] = "HTTP/1.1 200 OK\r\nA:\r\nB:\r\n\r\n";
  tn_arena arena = {0};
  tn_http_response response;
  tn_http1_framing framing;
  tn_http1_refusal refusal;
  assert_false(tn_http1_parse_response(&arena, (const uint8_t *)bytes, sizeof bytes - 1, 1,
                                       TN_STR("GET"), &response, &framing, &refusal));
  assert_int_equal(refusal.code, TN_HTTP_HTTP_RESPONSE_HEADER_SECTION_SIZE);
  tn_arena_free(&arena);
}

/* ---- writing ------------------------------------------------------------------------------------------------ */

static void assert_text(tn_buffer *buffer, const char *expected) {
  tn_buffer_append_byte(buffer, '\0');
  assert_string_equal(buffer->data, expected);
  buffer->len = 0;
}

static void heads_are_written_without_what_the_caller_adds(void **state) {
  (void)state;
  tn_http_field items[] = {
      {TN_STR("A"), TN_STR("b")},
      {TN_STR("Host"), TN_STR("x")},
      {TN_STR("Content-Length"), TN_STR("5")},
      {TN_STR("Connection"), TN_STR("close")},
      {TN_STR("te"), TN_STR("trailers")},
      {TN_STR("TE"), TN_STR("gzip")},
      {TN_STR("E"), TN_STR("")},
  };
  tn_http_request request = {.method = TN_STR("GET"),
                             .scheme = TN_STR("http"),
                             .authority = TN_STR("h:1"),
                             .path = TN_STR("/p"),
                             .fields = {items, 7, 7}};
  tn_buffer out = {0};
  tn_http1_write_request_head(&out, &request, false);
  assert_text(&out, "GET /p HTTP/1.1\r\nHost: h:1\r\nA: b\r\nte: trailers\r\nE: \r\n");
  request.fields.count = 0;
  tn_http1_write_request_head(&out, &request, true);
  assert_text(&out, "GET http://h:1/p HTTP/1.1\r\nHost: h:1\r\n");
  request.method = TN_STR("OPTIONS");
  request.path = TN_STR("*");
  tn_http1_write_request_head(&out, &request, true);
  assert_text(&out, "OPTIONS http://h:1 HTTP/1.1\r\nHost: h:1\r\n");
  request.method = TN_STR("CONNECT");
  tn_http1_write_request_head(&out, &request, false);
  assert_text(&out, "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n");
  tn_http_response response = {.status = 404, .fields = {items, 4, 4}};
  tn_http1_write_response_head(&out, &response);
  assert_text(&out, "HTTP/1.1 404 Not Found\r\nA: b\r\n");
  response = (tn_http_response){.status = 299};
  tn_http1_write_response_head(&out, &response);
  assert_text(&out, "HTTP/1.1 299 \r\n");
  tn_buffer_free(&out);
}

static void chunk_sizes_are_written_in_hexadecimal(void **state) {
  (void)state;
  tn_buffer out = {0};
  tn_http1_chunk_head(&out, 0x1aF);
  assert_text(&out, "1af\r\n");
  tn_http1_chunk_head(&out, SIZE_MAX);
  assert_text(&out, "ffffffffffffffff\r\n");
  tn_buffer_free(&out);
}

static void dates_are_those_of_rfc_9110(void **state) {
  (void)state;
  char room[32];
  tn_str date = tn_http_date(room, 784111777);
  assert_true(tn_str_equal(date, TN_STR("Sun, 06 Nov 1994 08:49:37 GMT")));
  date = tn_http_date(room, 951827696); /* a leap day */
  assert_true(tn_str_equal(date, TN_STR("Tue, 29 Feb 2000 12:34:56 GMT")));
}

static void codes_have_the_registrys_names(void **state) {
  (void)state;
  assert_string_equal(tn_http_code_name(TN_HTTP_DNS_TIMEOUT), "dns_timeout");
  assert_int_equal(tn_http_code_status(TN_HTTP_DNS_TIMEOUT), 504);
  assert_string_equal(tn_http_code_name(TN_HTTP_INTERNAL_ERROR), "proxy_internal_error");
  for (int64_t code = 0; code <= TN_HTTP_INTERNAL_ERROR; code++) {
    assert_true(tn_http_failure((tn_http_code)code) < 0);
    assert_int_equal(tn_http_failure_code(tn_http_failure((tn_http_code)code)), code);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_and_values_follow_the_grammar),
      cmocka_unit_test(paths_authorities_and_schemes_follow_the_grammar),
      cmocka_unit_test(fields_of_a_connection_are_known),
      cmocka_unit_test(a_list_of_fields_grows_and_is_searched_without_case),
      cmocka_unit_test(a_request_keeps_what_is_about_the_message),
      cmocka_unit_test(a_head_must_be_whole),
      cmocka_unit_test(without_memory_a_head_is_refused_as_such),
      cmocka_unit_test(responses_are_framed_by_rfc_9112_section_6_3),
      cmocka_unit_test(a_response_with_too_many_fields_is_a_clients_error),
      cmocka_unit_test(heads_are_written_without_what_the_caller_adds),
      cmocka_unit_test(chunk_sizes_are_written_in_hexadecimal),
      cmocka_unit_test(dates_are_those_of_rfc_9110),
      cmocka_unit_test(codes_have_the_registrys_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
