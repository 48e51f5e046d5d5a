/* JSON as a form of component values. */
#include "test.h"

#include <math.h>

#include "base/alloc.h"
#include "value/value.h"
#include "wit/wit.h"

static const char declarations[] = "record point { x: s32, y: option<u8> }"
                                   "variant shape { none, circle(f32), maybe(option<u8>) }"
                                   "enum color { red, blue }"
                                   "flags mode { read, write }"
                                   "resource r;";

static tn_resource resource = {.name = {"r", 1}};

static tn_error *declare_resource(void *data, tn_str name, const tn_resource **out) {
  (void)data;
  (void)name;
  *out = &resource;
  return NULL;
}

typedef struct fixture {
  tn_arena arena;
  const tn_type *type;
  void *value;
} fixture;

static void start(fixture *f, const char *type) {
  *f = (fixture){0};
  tn_wit_scope scope = {.arena = &f->arena, .resource = declare_resource};
  assert_ok(tn_wit_parse_types(&scope, TN_STR(declarations)));
  assert_ok(tn_wit_parse_type(&scope, tn_str_from(type), &f->type));
  f->value = tn_value_new(&f->arena, f->type);
  assert_non_null(f->value);
}

static void finish(fixture *f) {
  tn_arena_free(&f->arena);
}

static void assert_prints(const char *type, const char *text, const char *expected) {
  fixture f;
  start(&f, type);
  assert_ok(tn_json_parse(&f.arena, f.type, tn_str_from(text), f.value));
  tn_buffer out = {0};
  tn_json_print(&out, f.type, f.value);
  char *printed = tn_buffer_take(&out);
  assert_string_equal(printed, expected);
  tn_free(printed);
  finish(&f);
}

static void assert_same(const char *type, const char *text) {
  assert_prints(type, text, text);
}

static void assert_rejects(const char *type, const char *text, const char *message) {
  fixture f;
  start(&f, type);
  assert_error(tn_json_parse(&f.arena, f.type, tn_str_from(text), f.value), TN_ERROR_ARGUMENT,
               message);
  finish(&f);
}

static void every_kind_of_value_prints_as_it_was_read(void **state) {
  (void)state;
  static const char *const values[][2] = {
      {"bool", "true"},
      {"bool", "false"},
      {"s8", "-128"},
      {"u32", "4294967295"},
      {"u64", "18446744073709551615"},
      {"s64", "-9223372036854775808"},
      {"f64", "0.1"},
      {"f64", "1e300"},
      {"f64", "-0"},
      {"f32", "\"nan\""},
      {"f64", "\"-inf\""},
      {"char", "\"☃\""},
      {"char", "\"\\u0000\""},
      {"string", "\"a \\\"b\\\" \\\\ \\n \\u001b\""},
      {"list<u8>", "[1,2]"},
      {"list<u8>", "[]"},
      {"list<u8, 2>", "[1,2]"},
      {"tuple<u8, string>", "[1,\"a\"]"},
      {"map<string, u8>", "{\"a\":1,\"b\":2}"},
      {"map<string, u8>", "{}"},
      {"map<u8, string>", "[[1,\"a\"],[2,\"b\"]]"},
      {"point", "{\"x\":1,\"y\":null}"},
      {"point", "{\"x\":1,\"y\":2}"},
      {"shape", "\"none\""},
      {"shape", "{\"circle\":1.5}"},
      {"shape", "{\"maybe\":null}"},
      {"color", "\"blue\""},
      {"mode", "[]"},
      {"mode", "[\"read\",\"write\"]"},
      {"option<u8>", "null"},
      {"option<u8>", "1"},
      {"option<option<u8>>", "null"},
      {"option<option<u8>>", "{\"some\":null}"},
      {"option<option<u8>>", "{\"some\":1}"},
      {"result<u8, string>", "{\"ok\":1}"},
      {"result<u8, string>", "{\"error\":\"a\"}"},
      {"result", "{\"ok\":null}"},
      {"result<option<u8>>", "{\"error\":null}"},
  };
  for (size_t i = 0; i < sizeof values / sizeof *values; i++)
    assert_same(values[i][0], values[i][1]);
}

static void equivalent_forms_are_read(void **state) {
  (void)state;
  assert_prints("u64", "\"18446744073709551615\"", "18446744073709551615");
  assert_prints("s64", "\"-1\"", "-1");
  assert_prints("point", " { \"y\" : 2 ,\n \"\\u0078\" : 1 } ", "{\"x\":1,\"y\":2}");
  assert_prints("string", "\"\\/\\b\\f\\r\\t\\u00e4\\ud83d\\ude00\"",
                "\"/\\u0008\\u000c\\u000d\\u0009ä😀\"");
  assert_prints("f64", "1.50", "1.5");
  assert_prints("result<u8, string>", "{\"err\": \"a\"}", "{\"error\":\"a\"}");
}

static void errors_say_where_and_what_was_expected(void **state) {
  (void)state;
  assert_rejects("point", "{\"x\": 1}", "field 'y' is missing at 1:8");
  assert_rejects("point", "{\"x\": 1, \"x\": 1}", "field 'x' is there twice at 1:10");
  assert_rejects("point", "{\"x\": 1, \"z\": 1}", "there is no field 'z' in record");
  assert_rejects("point", "{x: 1}", "expected a string as the key but found 'x'");
  assert_rejects("point", "[]", "expected record { x: s32");
  assert_rejects("list<u8>", "[1,]", "expected u8 but found ']' at 1:4");
  assert_rejects("list<u8>", "[1, 300]", "300 is out of range for u8 (0 to 255) at 1:5");
  assert_rejects("list<u8>", "[1", "expected ',' or ']' but the text ends");
  assert_rejects("u8", "\"1\"", "expected u8 but found");
  assert_rejects("u8", "1.0", "expected u8 but found '1.0'");
  assert_rejects("u64", "\"1.0\"", "expected a whole number in this string at 1:1");
  assert_rejects("u64", "\"18446744073709551616\"", "out of range for u64");
  assert_rejects("f64", "\"1\"", "expected a number, \"nan\", \"inf\" or \"-inf\"");
  assert_rejects("f64", "nan", "expected f64 but found 'nan'");
  assert_rejects("f64", "1e999", "out of range for f64");
  assert_rejects("bool", "1", "expected bool but found '1'");
  assert_rejects("char", "\"\"", "expected a string of one character at 1:1");
  assert_rejects("char", "\"ab\"", "expected a string of one character at 1:1");
  assert_rejects("string", "\"a\nb\"", "a control character in a string has to be escaped at 1:3");
  assert_rejects("string", "\"\\x\"", "unknown escape at 1:2");
  assert_rejects("string", "\"\\ud800x\"", "this is half of a surrogate pair");
  assert_rejects("string", "\"\\udc00\"", "this is half of a surrogate pair");
  assert_rejects("string", "\"\\u12\"", "expected four hexadecimal digits");
  assert_rejects("string", "\"\\\"", "this string has no end at 1:1");
  assert_rejects("string", "\"\xc0\x80\"", "the text is not valid UTF-8");
  assert_rejects("string", "5", "expected string but found '5'");
  assert_rejects("shape", "\"circle\"", "case 'circle' has a payload");
  assert_rejects("shape", "{\"none\": null}", "case 'none' has no payload");
  assert_rejects("shape", "{\"square\": 1}", "there is no case 'square'");
  assert_rejects("shape", "{\"circle\": 1, \"x\": 2}", "expected '}' but found ','");
  assert_rejects("color", "0", "expected enum { red, blue } but found '0'");
  assert_rejects("mode", "[\"read\", \"read\"]", "flag 'read' is there twice");
  assert_rejects("mode", "[\"fly\"]", "there is no flag 'fly'");
  assert_rejects("option<option<u8>>", "1", "expected null or {\"some\": ...}");
  assert_rejects("option<option<u8>>", "{\"a\": 1}", "expected the key \"some\"");
  assert_rejects("result<u8>", "1", "expected {\"ok\": ...} or {\"error\": ...}");
  assert_rejects("result<u8>", "{\"fault\": 1}", "expected the key \"ok\" or \"error\"");
  assert_rejects("result<u8>", "{\"error\": 1}", "expected null but found '1'");
  assert_rejects("tuple<u8, u8>", "[1]", "expected 2 elements but found 1");
  assert_rejects("tuple<u8, u8>", "[1, 2, 3]", "expected 2 elements but there are more");
  assert_rejects("list<u8, 2>", "[1, 2, 3]", "expected 2 elements but there are more");
  assert_rejects("map<u8, u8>", "[[1]]", "expected ',' but found ']'");
  assert_rejects("u8", "1 // comment", "expected the end but found '/");
  assert_rejects("r", "7", "a value of type r cannot be given as text");
}

static void handles_print_as_strings(void **state) {
  (void)state;
  fixture f;
  start(&f, "borrow<r>");
  *(uint32_t *)f.value = 7;
  tn_buffer out = {0};
  tn_json_print(&out, f.type, f.value);
  char *printed = tn_buffer_take(&out);
  assert_string_equal(printed, "\"borrow(7)\"");
  tn_free(printed);
  finish(&f);
}

static void every_failing_allocation_is_reported(void **state) {
  (void)state;
  fixture f;
  start(&f, "tuple<string, list<point>, map<string, u8>>");
  for (int64_t n = 0;; n++) {
    tn_arena arena = {0};
    tn_buffer out = {0};
    tn_alloc_fail_after(n);
    tn_error *error =
        tn_json_parse(&arena, f.type, TN_STR("[\"abc\", [{\"x\":1,\"y\":2}], {\"k\":1}]"), f.value);
    if (error == NULL) tn_json_print(&out, f.type, f.value);
    bool did_fail = tn_alloc_did_fail();
    tn_alloc_fail_after(-1);
    if (error != NULL) {
      assert_error(error, TN_ERROR_NO_MEMORY, "");
    } else {
      assert_int_equal(out.failed, did_fail);
    }
    tn_buffer_free(&out);
    tn_arena_free(&arena);
    if (!did_fail) {
      assert_true(n > 1);
      break;
    }
  }
  finish(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_kind_of_value_prints_as_it_was_read),
      cmocka_unit_test(equivalent_forms_are_read),
      cmocka_unit_test(errors_say_where_and_what_was_expected),
      cmocka_unit_test(handles_print_as_strings),
      cmocka_unit_test(every_failing_allocation_is_reported),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
