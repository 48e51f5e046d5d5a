/* wasi:http/types, fields. */
#include "wasi_http_guest.h"

enum { LIMIT = 4096 };

static int set_up(void **state) {
  (void)state;
  http_start(&(tn_wasi_http_options){.max_fields_bytes = LIMIT});
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  http_end();
  return 0;
}

static tn_http_fields_result from_list(const tn_http_field *items, size_t count) {
  tn_http_entries in = {items, count};
  tn_http_fields_result out = {0};
  call("[static]fields.from-list", &in, &out);
  return out;
}

static tn_http_header_error set(uint32_t fields, const char *name, const tn_str *values,
                                size_t count) {
  struct {
    uint32_t self;
    tn_str name;
    tn_http_values values;
  } in = {fields, str(name), {values, count}};
  tn_http_header_result out = {0};
  call("[method]fields.set", &in, &out);
  return out.is_error ? out.error : TN_HEADER_OK;
}

static tn_http_header_error delete_all(uint32_t fields, const char *name) {
  struct {
    uint32_t self;
    tn_str name;
  } in = {fields, str(name)};
  tn_http_header_result out = {0};
  call("[method]fields.delete", &in, &out);
  return out.is_error ? out.error : TN_HEADER_OK;
}

static tn_http_values get(uint32_t fields, const char *name) {
  struct {
    uint32_t self;
    tn_str name;
  } in = {fields, str(name)};
  tn_http_values out = {0};
  call("[method]fields.get", &in, &out);
  return out;
}

static bool has(uint32_t fields, const char *name) {
  struct {
    uint32_t self;
    tn_str name;
  } in = {fields, str(name)};
  uint8_t out = 0;
  call("[method]fields.has", &in, &out);
  return out;
}

static uint32_t copy_of(uint32_t fields) {
  uint32_t out = 0;
  call("[method]fields.clone", &fields, &out);
  return out;
}

static void fields_count_as_kept_by_the_host(void **state) {
  (void)state;
  static char big[2048];
  memset(big, 'x', sizeof big - 1);
  tn_kept *kept = tn_wasi_kept(g.wasi);
  drop("fields", new_fields());
  uint64_t before = kept->bytes;
  uint32_t one = new_fields();
  append(one, "a", big);
  uint64_t size = kept->bytes - before;
  assert_true(size > sizeof big);
  for (int i = 0; i < 100; i++) {
    assert_int_equal(delete_all(one, "a"), TN_HEADER_OK);
    assert_int_equal(append(one, "a", big), TN_HEADER_OK);
  }
  assert_true(kept->bytes - before < 8 * LIMIT);
  drop("fields", one);
  assert_int_equal(kept->bytes, before);
}

static void fields_beyond_what_the_host_keeps_end_the_guest(void **state) {
  (void)state;
  static char big[2048];
  memset(big, 'x', sizeof big - 1);
  tn_kept *kept = tn_wasi_kept(g.wasi);
  kept->limit = kept->bytes + 65536;
  tn_error *error = NULL;
  int count = 0;
  while (error == NULL && count++ < 1000) {
    uint32_t fields = 0;
    error = guest_call(&g, TYPES, NULL, "[constructor]fields", NULL, &fields);
    struct {
      uint32_t self;
      tn_str name, value;
    } in = {fields, TN_STR("a"), str(big)};
    tn_http_header_result out = {0};
    if (error == NULL) error = guest_call(&g, TYPES, NULL, "[method]fields.append", &in, &out);
  }
  assert_in_range(count, 8, 32);
  assert_error(error, TN_ERROR_MEMORY_LIMIT, "its limit is");
}

static void new_fields_are_empty(void **state) {
  (void)state;
  uint32_t fields = new_fields();
  assert_entries(fields, "");
  assert_false(has(fields, "a"));
  assert_int_equal(get(fields, "a").len, 0);
  drop("fields", fields);
}

static void a_list_keeps_order_case_and_repetition(void **state) {
  (void)state;
  const tn_http_field items[] = {
      {TN_STR("B"), TN_STR("1")}, {TN_STR("a"), TN_STR("")}, {TN_STR("b"), TN_STR("2")}};
  tn_http_fields_result made = from_list(items, 3);
  assert_int_equal(made.is_error, 0);
  assert_entries(made.handle, "B: 1\na: \nb: 2\n");
}

static void a_list_with_a_bad_or_forbidden_field_is_refused(void **state) {
  (void)state;
  const tn_http_field bad[] = {{TN_STR("a"), TN_STR("1")}, {TN_STR("b c"), TN_STR("1")}};
  const tn_http_field bad_value[] = {{TN_STR("a"), TN_STR("1\r\nb: 2")}};
  const tn_http_field forbidden[] = {{TN_STR("a"), TN_STR("1")}, {TN_STR("HOST"), TN_STR("1")}};
  assert_int_equal(from_list(bad, 2).error, TN_HEADER_INVALID_SYNTAX);
  assert_int_equal(from_list(bad_value, 1).error, TN_HEADER_INVALID_SYNTAX);
  tn_http_fields_result out = from_list(forbidden, 2);
  assert_int_equal(out.is_error, 1);
  assert_int_equal(out.error, TN_HEADER_FORBIDDEN);
}

static void names_are_found_in_any_case(void **state) {
  (void)state;
  uint32_t fields = new_fields();
  assert_int_equal(append(fields, "Set-Cookie", "a"), TN_HEADER_OK);
  assert_int_equal(append(fields, "set-cookie", "b"), TN_HEADER_OK);
  assert_true(has(fields, "SET-COOKIE"));
  tn_http_values values = get(fields, "SET-cookie");
  assert_int_equal(values.len, 2);
  assert_str(values.data[0], "a");
  assert_str(values.data[1], "b");
  assert_false(has(fields, "set cookie"));
  assert_int_equal(get(fields, "").len, 0);
}

static void set_replaces_all_values(void **state) {
  (void)state;
  uint32_t fields = new_fields();
  append(fields, "A", "1");
  append(fields, "b", "2");
  append(fields, "a", "3");
  const tn_str values[] = {TN_STR("x"), TN_STR("y")};
  assert_int_equal(set(fields, "a", values, 2), TN_HEADER_OK);
  assert_entries(fields, "b: 2\na: x\na: y\n");
  assert_int_equal(set(fields, "a", NULL, 0), TN_HEADER_OK);
  assert_entries(fields, "b: 2\n");
}

static void delete_takes_all_values(void **state) {
  (void)state;
  uint32_t fields = new_fields();
  append(fields, "A", "1");
  append(fields, "b", "2");
  append(fields, "a", "3");
  assert_int_equal(delete_all(fields, "a"), TN_HEADER_OK);
  assert_int_equal(delete_all(fields, "missing"), TN_HEADER_OK);
  assert_entries(fields, "b: 2\n");
}

static void changes_check_names_and_values(void **state) {
  (void)state;
  static const char *const bad_names[] = {"", " ", "a b", "a:", "\x7f", "a\n", "h\xc3\xa9"};
  uint32_t fields = new_fields();
  const tn_str fine = TN_STR("1"), bad = TN_STR("1\n");
  for (size_t i = 0; i < sizeof bad_names / sizeof *bad_names; i++) {
    assert_int_equal(append(fields, bad_names[i], "1"), TN_HEADER_INVALID_SYNTAX);
    assert_int_equal(set(fields, bad_names[i], &fine, 1), TN_HEADER_INVALID_SYNTAX);
    assert_int_equal(delete_all(fields, bad_names[i]), TN_HEADER_INVALID_SYNTAX);
  }
  assert_int_equal(append(fields, "a", "1\r"), TN_HEADER_INVALID_SYNTAX);
  assert_int_equal(set(fields, "a", &bad, 1), TN_HEADER_INVALID_SYNTAX);
  assert_entries(fields, "");
}

static void a_set_that_fails_changes_nothing(void **state) {
  (void)state;
  uint32_t fields = new_fields();
  append(fields, "a", "1");
  const tn_str values[] = {TN_STR("2"), TN_STR("3\n")};
  assert_int_equal(set(fields, "a", values, 2), TN_HEADER_INVALID_SYNTAX);
  assert_entries(fields, "a: 1\n");
}

static void fields_of_the_connection_are_forbidden(void **state) {
  (void)state;
  static const char *const names[] = {
      "Connection",
      "keep-alive",
      "Proxy-Authenticate",
      "proxy-authorization",
      "proxy-connection",
      "Transfer-Encoding",
      "upgrade",
      "Host",
      "HTTP2-Settings",
  };
  uint32_t fields = new_fields();
  const tn_str value = TN_STR("1");
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    assert_int_equal(append(fields, names[i], "1"), TN_HEADER_FORBIDDEN);
    assert_int_equal(set(fields, names[i], &value, 1), TN_HEADER_FORBIDDEN);
    assert_int_equal(delete_all(fields, names[i]), TN_HEADER_FORBIDDEN);
    assert_false(has(fields, names[i]));
  }
  assert_int_equal(append(fields, "te", "trailers"), TN_HEADER_OK);
  static const char *const bad_lengths[] = {"x", "-1", "+1", "1 2", "5, 5", "99999999999999999999",
                                            ""};
  for (size_t i = 0; i < sizeof bad_lengths / sizeof *bad_lengths; i++)
    assert_int_equal(append(fields, "Content-Length", bad_lengths[i]), TN_HEADER_INVALID_SYNTAX);
  assert_int_equal(append(fields, "content-length", "0"), TN_HEADER_OK);
}

static void a_clone_is_deep_and_may_be_changed(void **state) {
  (void)state;
  uint32_t fields = new_fields();
  append(fields, "a", "1");
  uint32_t copy = copy_of(fields);
  append(copy, "b", "2");
  assert_entries(fields, "a: 1\n");
  drop("fields", fields);
  assert_entries(copy, "a: 1\nb: 2\n");
}

static void fields_of_a_message_cannot_be_changed(void **state) {
  (void)state;
  uint32_t fields = new_fields();
  append(fields, "a", "1");
  uint32_t response = new_response(fields);
  uint32_t headers = 0;
  call("[method]outgoing-response.headers", &response, &headers);
  assert_entries(headers, "a: 1\n");
  const tn_str value = TN_STR("1");
  assert_int_equal(append(headers, "b", "2"), TN_HEADER_IMMUTABLE);
  assert_int_equal(set(headers, "a", &value, 1), TN_HEADER_IMMUTABLE);
  assert_int_equal(delete_all(headers, "a"), TN_HEADER_IMMUTABLE);
  assert_int_equal(append(headers, "b c", "2"), TN_HEADER_INVALID_SYNTAX);
  uint32_t copy = copy_of(headers);
  drop("outgoing-response", response);
  assert_entries(headers, "a: 1\n"); /* dropped in the wrong order: still safe */
  assert_int_equal(append(copy, "b", "2"), TN_HEADER_OK);
  assert_entries(copy, "a: 1\nb: 2\n");
}

static void fields_beyond_the_limit_end_the_guest(void **state) {
  (void)state;
  uint32_t fields = new_fields();
  char value[LIMIT];
  memset(value, 'x', sizeof value);
  struct {
    uint32_t self;
    tn_str name, value;
  } in = {fields, TN_STR("a"), {value, LIMIT - 33}};
  tn_http_header_result out = {0};
  call("[method]fields.append", &in, &out); /* exactly the limit: 1 + 4063 + 32 */
  assert_int_equal(out.is_error, 0);
  in.value.len = 0;
  assert_error(guest_call(&g, TYPES, NULL, "[method]fields.append", &in, &out), TN_ERROR_LIMIT,
               "fields of more than 4096 bytes");
}

static void fields_that_are_changed_for_ever_take_no_more_memory(void **state) {
  (void)state;
  uint32_t fields = new_fields();
  char value[1001];
  memset(value, 'x', 1000);
  value[1000] = 0;
  for (int i = 0; i < 10000; i++) {
    value[0] = (char)('a' + i % 26);
    assert_int_equal(append(fields, "a", value), TN_HEADER_OK);
    assert_int_equal(append(fields, "b", "keep"), TN_HEADER_OK);
    assert_int_equal(delete_all(fields, "a"), TN_HEADER_OK);
    const tn_str kept = TN_STR("kept");
    assert_int_equal(set(fields, "b", &kept, 1), TN_HEADER_OK);
  }
  assert_entries(fields, "b: kept\n");
  const tn_http_fields_object *object =
      tn_wasi_slot_get(g.wasi, (tn_slot_kind)TN_SLOT_HTTP_FIELDS, fields);
  assert_true(object->kept_bytes <= 3 * LIMIT);
}

static void many_fields_are_kept(void **state) {
  (void)state;
  uint32_t fields = new_fields();
  char name[32];
  for (int i = 0; i < 80; i++) {
    snprintf(name, sizeof name, "name-%d", i);
    assert_int_equal(append(fields, name, name), TN_HEADER_OK);
  }
  for (int i = 0; i < 80; i++) {
    snprintf(name, sizeof name, "NAME-%d", i);
    assert_true(has(fields, name));
  }
}

static void nothing_breaks_when_memory_runs_out(void **state) {
  (void)state;
  const tn_http_field items[] = {{TN_STR("a"), TN_STR("1")},
                                 {TN_STR("b"), TN_STR("2")},
                                 {TN_STR("c"), TN_STR("3")},
                                 {TN_STR("d"), TN_STR("4")},
                                 {TN_STR("e"), TN_STR("5")}};
  tn_http_entries in = {items, 5};
  for (int i = 0; i < 20; i++) {
    tn_alloc_fail_after(i);
    tn_http_fields_result out = {0};
    tn_error *error = guest_call(&g, TYPES, NULL, "[static]fields.from-list", &in, &out);
    bool failed = tn_alloc_did_fail();
    tn_alloc_fail_after(-1);
    assert_true(failed == (error != NULL));
    if (error == NULL) return;
    assert_int_equal(tn_error_get_kind(error), TN_ERROR_NO_MEMORY);
    tn_error_delete(error);
  }
  fail_msg("never succeeded");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      AS_GUEST(fields_count_as_kept_by_the_host),
      AS_GUEST(fields_beyond_what_the_host_keeps_end_the_guest),
      AS_GUEST(new_fields_are_empty),
      AS_GUEST(a_list_keeps_order_case_and_repetition),
      AS_GUEST(a_list_with_a_bad_or_forbidden_field_is_refused),
      AS_GUEST(names_are_found_in_any_case),
      AS_GUEST(set_replaces_all_values),
      AS_GUEST(delete_takes_all_values),
      AS_GUEST(changes_check_names_and_values),
      AS_GUEST(a_set_that_fails_changes_nothing),
      AS_GUEST(fields_of_the_connection_are_forbidden),
      AS_GUEST(a_clone_is_deep_and_may_be_changed),
      AS_GUEST(fields_of_a_message_cannot_be_changed),
      AS_GUEST(fields_beyond_the_limit_end_the_guest),
      AS_GUEST(fields_that_are_changed_for_ever_take_no_more_memory),
      AS_GUEST(many_fields_are_kept),
      AS_GUEST(nothing_breaks_when_memory_runs_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
