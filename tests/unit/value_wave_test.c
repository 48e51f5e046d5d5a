/* WAVE text: reading, printing, calls, and what is wrong. */
#include "test.h"

#include <math.h>

#include "base/alloc.h"
#include "value/value.h"
#include "wit/wit.h"

static const char declarations[] =
    "record point { x: s32, y: s32 }"
    "record person { name: string, age: option<u8>, %list: option<string> }"
    "record hollow { a: option<u8>, b: option<u8> }"
    "variant shape { none, circle(f32), rect(tuple<f32, f32>), maybe(option<u8>) }"
    "enum color { red, blue-2, ok, %true }"
    "flags mode { read, write, %inf }"
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
  tn_wit_scope scope;
  const tn_type *type;
  void *value;
} fixture;

static void start(fixture *f, const char *type) {
  *f = (fixture){0};
  f->scope = (tn_wit_scope){.arena = &f->arena, .resource = declare_resource};
  assert_ok(tn_wit_parse_types(&f->scope, TN_STR(declarations)));
  assert_ok(tn_wit_parse_type(&f->scope, tn_str_from(type), &f->type));
  f->value = tn_value_new(&f->arena, f->type);
  assert_non_null(f->value);
}

static void finish(fixture *f) {
  tn_arena_free(&f->arena);
}

static void *parse(fixture *f, const char *type, const char *text) {
  start(f, type);
  assert_ok(tn_wave_parse(&f->arena, f->type, tn_str_from(text), f->value, NULL));
  return f->value;
}

static void assert_prints(const char *type, const char *text, const char *expected) {
  fixture f;
  parse(&f, type, text);
  tn_buffer out = {0};
  tn_wave_print(&out, f.type, f.value);
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
  assert_error(tn_wave_parse(&f.arena, f.type, tn_str_from(text), f.value, NULL), TN_ERROR_ARGUMENT,
               message);
  finish(&f);
}

/* ---- scalars ------------------------------------------------------------------------------------ */

static void integers_reach_their_bounds(void **state) {
  (void)state;
  fixture f;
  assert_int_equal(*(int8_t *)parse(&f, "s8", "-128"), INT8_MIN);
  finish(&f);
  assert_true(*(uint64_t *)parse(&f, "u64", "18446744073709551615") == UINT64_MAX);
  finish(&f);
  assert_true(*(int64_t *)parse(&f, "s64", " -9223372036854775808 ") == INT64_MIN);
  finish(&f);
  static const char *const bounds[][3] = {
      {"s8", "-128", "127"},
      {"u8", "0", "255"},
      {"s16", "-32768", "32767"},
      {"u16", "0", "65535"},
      {"s32", "-2147483648", "2147483647"},
      {"u32", "0", "4294967295"},
      {"s64", "-9223372036854775808", "9223372036854775807"},
      {"u64", "0", "18446744073709551615"},
  };
  for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
    assert_same(bounds[i][0], bounds[i][1]);
    assert_same(bounds[i][0], bounds[i][2]);
  }
}

static void integers_out_of_range_are_refused(void **state) {
  (void)state;
  assert_rejects("tuple<u8, u8>", "(1,\n 300)", "300 is out of range for u8 (0 to 255) at 2:2");
  assert_rejects("u8", "-1", "-1 is out of range for u8 (0 to 255)");
  assert_rejects("s8", "-129", "out of range for s8 (-128 to 127)");
  assert_rejects("s64", "9223372036854775808", "out of range for s64");
  assert_rejects("s64", "-9223372036854775809", "out of range for s64");
  assert_rejects("u64", "18446744073709551616", "out of range for u64");
  assert_rejects("u64", "99999999999999999999999999999999999999999999",
                 "9999999999999999999999999999999999999999… is out of range");
  assert_rejects("u8", "1.0", "expected u8 but found '1.0' at 1:1");
  assert_rejects("u8", "1e2", "expected u8 but found '1e2'");
  assert_rejects("u8", "+1", "expected u8 but found '+1'");
  assert_rejects("u8", "01", "expected the end but found '1' at 1:2");
  assert_rejects("u8", "", "expected u8 but the text ends at 1:1");
}

static void floats_are_read_exactly(void **state) {
  (void)state;
  fixture f;
  assert_true(*(double *)parse(&f, "f64", "0.1") == 0.1);
  finish(&f);
  assert_true(*(float *)parse(&f, "f32", "16777217") == 16777216.0f);
  finish(&f);
  assert_true(isnan(*(double *)parse(&f, "f64", "nan")));
  finish(&f);
  assert_true(signbit(*(float *)parse(&f, "f32", "-0")) != 0);
  finish(&f);
  assert_rejects("f32", "1e39", "1e39 is out of range for f32 at 1:1");
  assert_rejects("f64", "-1e999", "-1e999 is out of range for f64");
  assert_rejects("f64", ".5", "expected f64 but found '.5'");
  assert_rejects("f64", "NaN", "expected f64 but found 'NaN'");
  assert_rejects("f64", "infinity", "expected f64 but found 'infinity'");
}

static void floats_print_in_their_shortest_form(void **state) {
  (void)state;
  static const char *const same[] = {"0",
                                     "-0",
                                     "1",
                                     "-1.5",
                                     "0.1",
                                     "inf",
                                     "-inf",
                                     "nan",
                                     "1e100",
                                     "1.5e-7",
                                     "123456",
                                     "0.001",
                                     "1e-5",
                                     "3.141592653589793",
                                     "5e-324",
                                     "1.7976931348623157e308",
                                     "100000000000000",
                                     "1e15"};
  for (size_t i = 0; i < sizeof same / sizeof *same; i++)
    assert_same("f64", same[i]);
  assert_prints("f64", "2.0", "2");
  assert_prints("f64", "1000000e1", "10000000");
  assert_prints("f64", "0.1E+2", "10");
  assert_same("f32", "0.1");
  assert_same("f32", "3.4028235e38");
  assert_prints("f32", "0.10000000149011612", "0.1");
}

static void characters_and_strings_take_all_escapes(void **state) {
  (void)state;
  static const char *const same[] = {"'a'",      "'\"'",      "'\\''",      "'\\\\'",
                                     "'\\n'",    "'\\t'",     "'\\r'",      "'☃'",
                                     "'\\u{0}'", "'\\u{7f}'", "'\\u{202e}'"};
  for (size_t i = 0; i < sizeof same / sizeof *same; i++)
    assert_same("char", same[i]);
  assert_prints("char", "'\\u{1F600}'", "'😀'");
  assert_prints("char", "'\\\"'", "'\"'");
  assert_same("string", "\"\"");
  assert_same("string", "\"it's \\\"☃\\\" \\\\ \\n\\t\\r\\u{1b}[31m\"");
  assert_prints("string", "\"\\'\\u{41}\\u{10ffff}\"", "\"'A\xf4\x8f\xbf\xbf\"");
  assert_rejects("char", "''", "expected one character between single quotes at 1:1");
  assert_rejects("char", "'ab'", "expected one character");
  assert_rejects("char", "'a", "expected one character");
  assert_rejects("char", "'", "expected one character");
  assert_rejects("char", "'\\u{d800}'", "expected a character between \\u{0} and \\u{10ffff}");
  assert_rejects("char", "'\\u{}'", "expected a character between");
  assert_rejects("char", "'\\u{0000041}'", "expected a character between");
  assert_rejects("char", "'\\u{41'", "expected a character between");
  assert_rejects("string", "\"\\x41\"", "unknown escape");
  assert_rejects("string", "\"abc", "this string has no end at 1:1");
  assert_rejects("string", "\"abc\\\"", "this string has no end at 1:1");
  assert_rejects("string", "\"abc\n\"", "a line break in a string is written \\n at 1:5");
  assert_rejects("string", "\"\xff\"", "the text is not valid UTF-8");
  assert_rejects("string", "abc", "expected string but found 'abc' at 1:1");
}

static void multiline_strings_lose_their_indentation(void **state) {
  (void)state;
  assert_prints("string", "\"\"\"\n    first\n      second \\\"\"\" \\u{41}\n\n\"\"\"",
                "\"    first\\n      second \\\"\\\"\\\" A\\n\"");
  assert_prints("string", "\"\"\"\n  first\n   second\n  \"\"\"", "\"first\\n second\"");
  assert_prints("string", "\"\"\"\r\n  a\r\n  b\r\n  \"\"\"", "\"a\\nb\"");
  assert_prints("string", "\"\"\"\n\"\"\"", "\"\"");
  assert_prints("string", "\"\"\"\n\n\"\"\"", "\"\"");
  assert_prints("string", "\"\"\"\n\n\n\"\"\"", "\"\\n\"");
  assert_prints("string", "\"\"\"\n \\n\n \"\"\"", "\"\\n\"");
  assert_rejects("string", "\"\"\"abc\n\"\"\"", "expected a line break behind \"\"\"");
  assert_rejects("string", "\"\"\"\nabc\"\"\"", "must be on a line of its own at 2:4");
  assert_rejects("string", "\"\"\"\nabc\n", "this string has no end at 1:1");
  assert_rejects("string", "\"\"\"\nabc\n  \"\"\"",
                 "expected 2 blanks, the indentation of the closing quotes at 2:1");
}

/* ---- compounds ---------------------------------------------------------------------------------- */

static void every_kind_of_value_prints_as_it_was_read(void **state) {
  (void)state;
  static const char *const values[][2] = {
      {"bool", "true"},
      {"bool", "false"},
      {"list<u8>", "[1, 2, 3]"},
      {"list<u8>", "[]"},
      {"list<list<string>>", "[[\"a\"], [], [\"b\", \"c\"]]"},
      {"list<u16, 3>", "[1, 2, 3]"},
      {"tuple<u8, string>", "(1, \"a\")"},
      {"map<string, u8>", "[(\"a\", 1), (\"b\", 2)]"},
      {"map<u8, list<u64>>", "[(1, [2]), (1, [])]"},
      {"point", "{x: 1, y: -2}"},
      {"person", "{name: \"a\", age: some(3)}"},
      {"person", "{name: \"a\"}"},
      {"person", "{name: \"a\", list: some(\"b\")}"},
      {"hollow", "{:}"},
      {"shape", "%none"},
      {"shape", "circle(1.5)"},
      {"shape", "rect((2, 3))"},
      {"shape", "maybe(none)"},
      {"color", "blue-2"},
      {"color", "%ok"},
      {"color", "%true"},
      {"mode", "{}"},
      {"mode", "{read, write}"},
      {"mode", "{%inf}"},
      {"option<u8>", "none"},
      {"option<u8>", "some(1)"},
      {"option<option<u8>>", "some(none)"},
      {"option<option<u8>>", "some(some(1))"},
      {"result<u8, string>", "ok(1)"},
      {"result<u8, string>", "err(\"x\")"},
      {"result<_, string>", "ok"},
      {"result<u8>", "err"},
      {"result", "ok"},
      {"result", "err"},
      {"result<option<u8>, result<u8>>", "err(ok(7))"},
  };
  for (size_t i = 0; i < sizeof values / sizeof *values; i++)
    assert_same(values[i][0], values[i][1]);
}

static void shorter_forms_are_understood(void **state) {
  (void)state;
  assert_prints("option<u8>", "5", "some(5)");
  assert_prints("option<point>", "{x: 1, y: 2}", "some({x: 1, y: 2})");
  assert_prints("option<shape>", "%none", "some(%none)");
  assert_prints("option<shape>", "none", "none");
  assert_prints("result<u8, string>", "5", "ok(5)");
  assert_prints("result<color>", "%ok", "ok(%ok)");
  assert_prints("hollow", "{}", "{:}");
  assert_prints("person", "{ %list: \"b\", age: none, name: \"a\" }",
                "{name: \"a\", list: some(\"b\")}");
  assert_prints("shape", "%circle(1)", "circle(1)");
  assert_rejects("option<option<u8>>", "5", "expected some(...) or none but found '5'");
  assert_rejects("result<option<u8>>", "5", "expected ok or err but found '5'");
  assert_rejects("result<_, u8>", "5", "expected ok or err");
}

static void commas_may_trail_and_comments_stand_anywhere(void **state) {
  (void)state;
  assert_prints("list<u8>", "[ 1 , // one\n 2, ] // end", "[1, 2]");
  assert_prints("tuple<u8, u8>", "(1, 2,)", "(1, 2)");
  assert_prints("point", "{x: 1, y: 2,}", "{x: 1, y: 2}");
  assert_prints("mode", "{read,}", "{read}");
  assert_prints("option<u8>", "some(1,)", "some(1)");
  assert_prints("map<u8, u8>", "[(1, 2,),]", "[(1, 2)]");
}

static void errors_say_where_and_what_was_expected(void **state) {
  (void)state;
  assert_rejects("point", "{x: 1}", "field 'y' is missing at 1:6");
  assert_rejects("point", "{x: 1, x: 2}", "field 'x' is there twice at 1:8");
  assert_rejects("point", "{x: 1, z: 2}",
                 "there is no field 'z' in record { x: s32, y: s32 } at 1:8");
  assert_rejects("point", "{x 1}", "expected ':' but found '1' at 1:4");
  assert_rejects("point", "{x: 1 y: 2}", "expected ',' or '}' but found 'y' at 1:7");
  assert_rejects("point", "5", "expected record { x: s32, y: s32 } but found '5' at 1:1");
  assert_rejects("point", "{1}", "expected the name of a field");
  assert_rejects("shape", "square", "there is no case 'square' in variant { none");
  assert_rejects("shape", "circle", "expected '(' but the text ends at 1:7");
  assert_rejects("shape", "circle(1, 2)", "expected ')' but found '2'");
  assert_rejects("shape", "7", "expected variant {");
  assert_rejects("mode", "{read, read}", "flag 'read' is there twice at 1:8");
  assert_rejects("mode", "{fly}", "there is no flag 'fly' in flags { read");
  assert_rejects("mode", "{5}", "expected the name of a flag but found '5'");
  assert_rejects("list<u8>", "[1, , 2]", "expected u8 but found ','");
  assert_rejects("list<u8>", "[1 2]", "expected ',' or ']' but found '2' at 1:4");
  assert_rejects("list<u8>", "[1", "expected ',' or ']' but the text ends");
  assert_rejects("list<u8, 2>", "[1]", "expected 2 elements but found 1 at 1:3");
  assert_rejects("list<u8, 2>", "[1, 2, 3]", "expected 2 elements but there are more at 1:8");
  assert_rejects("tuple<u8, u8>", "(1)", "expected 2 elements but found 1");
  assert_rejects("tuple<u8, u8>", "(1, 2, 3)", "expected 2 elements but there are more");
  assert_rejects("bool", "yes", "expected bool but found 'yes'");
  assert_rejects("bool", "%true", "expected bool but found '%true'");
  assert_rejects("option<u8>", "", "expected some(...) or none but the text ends");
  assert_rejects("u8", "1 2", "expected the end but found '2' at 1:3");
  assert_rejects("r", "own(7)", "a value of type r cannot be given as text");
  assert_rejects("stream<u8>", "1", "a value of type stream<u8> cannot be given as text");
}

/* Types nest 100 deep at most (tn_type_finish), and so do values. */
static void the_deepest_value_is_read_and_printed(void **state) {
  (void)state;
  enum { DEPTH = 100 };
  fixture f;
  start(&f, "u8");
  const tn_type *type = f.type;
  for (int i = 0; i < DEPTH; i++) {
    tn_type *list = TN_ARENA_NEW(&f.arena, tn_type);
    const tn_type **element = TN_ARENA_NEW(&f.arena, const tn_type *);
    *element = type;
    *list = (tn_type){.kind = TN_TYPE_LIST, .count = 1, .types = element};
    assert_ok(tn_type_finish(&f.arena, list));
    type = list;
  }
  char text[2 * DEPTH + 1] = {0};
  memset(text, '[', DEPTH);
  memset(text + DEPTH, ']', DEPTH);
  void *value = tn_value_new(&f.arena, type);
  assert_ok(tn_wave_parse(&f.arena, type, tn_str_from(text), value, NULL));
  tn_buffer out = {0};
  tn_wave_print(&out, type, value);
  char *printed = tn_buffer_take(&out);
  assert_string_equal(printed, text);
  tn_free(printed);
  memset(text, '[', sizeof text - 1);
  assert_error(tn_wave_parse(&f.arena, type, tn_str_from(text), value, NULL), TN_ERROR_ARGUMENT,
               "");
  finish(&f);
}

static void parsing_can_stop_behind_the_value(void **state) {
  (void)state;
  fixture f;
  size_t end = 0;
  start(&f, "u8");
  assert_ok(tn_wave_parse(&f.arena, f.type, TN_STR(" 12 34"), f.value, &end));
  assert_int_equal(end, 3);
  assert_int_equal(*(uint8_t *)f.value, 12);
  finish(&f);
}

static void handles_print_with_their_number(void **state) {
  (void)state;
  static const char *const types[][2] = {{"r", "own(7)"},
                                         {"borrow<r>", "borrow(7)"},
                                         {"stream<u8>", "stream(7)"},
                                         {"future", "future(7)"},
                                         {"error-context", "error-context(7)"}};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    fixture f;
    start(&f, types[i][0]);
    *(uint32_t *)f.value = 7;
    tn_buffer out = {0};
    tn_wave_print(&out, f.type, f.value);
    char *printed = tn_buffer_take(&out);
    assert_string_equal(printed, types[i][1]);
    tn_free(printed);
    finish(&f);
  }
}

/* ---- calls -------------------------------------------------------------------------------------- */

static void assert_call(const char *text, const char *name, const char *arguments) {
  tn_str found_name;
  tn_str found_arguments;
  assert_ok(tn_wave_parse_call_name(tn_str_from(text), &found_name, &found_arguments));
  assert_true(tn_str_equal(found_name, tn_str_from(name)));
  assert_true(tn_str_equal(found_arguments, tn_str_from(arguments)));
}

static void calls_are_split_into_name_and_arguments(void **state) {
  (void)state;
  tn_str name;
  tn_str arguments;
  assert_call("area(rect((2.0,3.0)))", "area", "(rect((2.0,3.0)))");
  assert_call(" run ", "run", "");
  assert_call("wasi:cli/run@0.2.0#run()", "wasi:cli/run@0.2.0#run", "()");
  assert_call("docs:adder/add@1.0.0-rc.1+x#add (1, 2)", "docs:adder/add@1.0.0-rc.1+x#add",
              "(1, 2)");
  assert_call("[method]x.y(1)", "[method]x.y", "(1)");
  assert_error(tn_wave_parse_call_name(TN_STR(""), &name, &arguments), TN_ERROR_ARGUMENT,
               "expected the name of a function at 1:1");
  assert_error(tn_wave_parse_call_name(TN_STR("(1)"), &name, &arguments), TN_ERROR_ARGUMENT,
               "expected the name");
  assert_error(tn_wave_parse_call_name(TN_STR("f 1"), &name, &arguments), TN_ERROR_ARGUMENT,
               "expected '(' behind the name of a function at 1:3");
}

static void arguments_become_one_tuple(void **state) {
  (void)state;
  fixture f;
  const tn_func_type *type = NULL;
  start(&f, "u8");
  assert_ok(tn_wit_parse_func(&f.scope, TN_STR("func(a: u8, s: shape, o: option<u64>)"), &type));
  void *params = tn_value_new(&f.arena, type->params);
  static const char *const accepted[][2] = {
      {"(1, circle(2), some(3))", "(1, circle(2), some(3))"},
      {"( 1, rect((2.0,3.0)), )", "(1, rect((2, 3)), none)"},
  };
  for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
    assert_ok(tn_wave_parse_arguments(&f.arena, type, tn_str_from(accepted[i][0]), params));
    tn_buffer out = {0};
    tn_wave_print(&out, type->params, params);
    char *printed = tn_buffer_take(&out);
    assert_string_equal(printed, accepted[i][1]);
    tn_free(printed);
  }
  static const char *const refused[][2] = {
      {"", "argument 'a' is missing (there are 0 of 3)"},
      {"()", "argument 'a' is missing"},
      {"(1)", "argument 's' is missing (there are 1 of 3) at 1:3"},
      {"(300)", "argument 'a': 300 is out of range for u8 (0 to 255) at 1:2"},
      {"(1, %none, none, 4)", "too many arguments, expected 3 at 1:18"},
      {"(1, %none) x", "expected the end but found 'x'"},
      {"(1, %none", "expected ',' or ')' but the text ends"},
  };
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    assert_error(tn_wave_parse_arguments(&f.arena, type, tn_str_from(refused[i][0]), params),
                 TN_ERROR_ARGUMENT, refused[i][1]);
  }
  assert_ok(tn_wit_parse_func(&f.scope, TN_STR("func()"), &type));
  assert_ok(tn_wave_parse_arguments(&f.arena, type, TN_STR(""), params));
  assert_ok(tn_wave_parse_arguments(&f.arena, type, TN_STR("( )"), params));
  assert_error(tn_wave_parse_arguments(&f.arena, type, TN_STR("(1)"), params), TN_ERROR_ARGUMENT,
               "too many arguments, expected 0");
  finish(&f);
}

static void every_failing_allocation_is_reported(void **state) {
  (void)state;
  static const char long_float[] =
      "(\"abc\", [{name: \"x\", age: 3}, {name: \"y\"}], [(\"k\", 1)], "
      "0.1000000000000000000000000000000000000000000000000000000000000000000000000000000000001)";
  fixture f;
  start(&f, "tuple<string, list<person>, map<string, u8>, f64>");
  for (int64_t n = 0;; n++) {
    tn_arena arena = {0};
    tn_buffer out = {0};
    tn_alloc_fail_after(n);
    tn_error *error = tn_wave_parse(&arena, f.type, TN_STR(long_float), f.value, NULL);
    if (error == NULL) tn_wave_print(&out, f.type, f.value);
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
      cmocka_unit_test(integers_reach_their_bounds),
      cmocka_unit_test(integers_out_of_range_are_refused),
      cmocka_unit_test(floats_are_read_exactly),
      cmocka_unit_test(floats_print_in_their_shortest_form),
      cmocka_unit_test(characters_and_strings_take_all_escapes),
      cmocka_unit_test(multiline_strings_lose_their_indentation),
      cmocka_unit_test(every_kind_of_value_prints_as_it_was_read),
      cmocka_unit_test(shorter_forms_are_understood),
      cmocka_unit_test(commas_may_trail_and_comments_stand_anywhere),
      cmocka_unit_test(errors_say_where_and_what_was_expected),
      cmocka_unit_test(the_deepest_value_is_read_and_printed),
      cmocka_unit_test(parsing_can_stop_behind_the_value),
      cmocka_unit_test(handles_print_with_their_number),
      cmocka_unit_test(calls_are_split_into_name_and_arguments),
      cmocka_unit_test(arguments_become_one_tuple),
      cmocka_unit_test(every_failing_allocation_is_reported),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
