/* Reading and printing WIT types and functions. */
#include "test.h"

#include "base/alloc.h"
#include "wit/wit.h"

/* ---- a world to read in ------------------------------------------------------------------------ */

typedef struct fixture {
  tn_arena arena;
  tn_wit_scope scope;
  tn_resource resources[4];
  uint32_t resource_count;
  tn_resource elsewhere; /* what `use` finds as "stream-of-bytes" */
  tn_str used_interface;
} fixture;

static tn_error *declare_resource(void *data, tn_str name, const tn_resource **out) {
  fixture *f = data;
  assert_true(f->resource_count < 4);
  f->resources[f->resource_count].name = name;
  *out = &f->resources[f->resource_count++];
  return NULL;
}

static tn_error *use_type(void *data, tn_str interface, tn_str name, const tn_type **out,
                          const tn_resource **resource) {
  fixture *f = data;
  f->used_interface = interface;
  if (tn_str_equal(name, TN_STR("stream-of-bytes"))) {
    *resource = &f->elsewhere;
    return NULL;
  }
  if (tn_str_equal(name, TN_STR("number"))) {
    *out = tn_type_primitive(TN_TYPE_U64);
    return NULL;
  }
  return tn_error_new(TN_ERROR_NOT_FOUND, "no such type");
}

static void start(fixture *f) {
  *f = (fixture){.elsewhere = {.name = TN_STR("stream-of-bytes")}};
  f->scope =
      (tn_wit_scope){.arena = &f->arena, .use = use_type, .resource = declare_resource, .data = f};
}

static void finish(fixture *f) {
  tn_arena_free(&f->arena);
}

static const tn_type *named(fixture *f, const char *name) {
  const tn_type *type = tn_map_get(&f->scope.types, tn_str_from(name));
  assert_non_null(type);
  return type;
}

static void assert_prints(const tn_type *type, const char *expected) {
  tn_buffer out = {0};
  tn_wit_print_type(&out, type);
  char *text = tn_buffer_take(&out);
  assert_string_equal(text, expected);
  tn_free(text);
}

static void assert_declares(const char *text, const char *name, const char *expected) {
  fixture f;
  start(&f);
  assert_ok(tn_wit_parse_types(&f.scope, tn_str_from(text)));
  assert_prints(named(&f, name), expected);
  finish(&f);
}

static void assert_rejects_types(const char *text, const char *message) {
  fixture f;
  start(&f);
  assert_error(tn_wit_parse_types(&f.scope, tn_str_from(text)), TN_ERROR_ARGUMENT, message);
  finish(&f);
}

static void assert_rejects_func(const char *text, const char *message) {
  fixture f;
  const tn_func_type *type = NULL;
  start(&f);
  assert_ok(tn_wit_parse_types(&f.scope, TN_STR("resource r; type n = u8;")));
  assert_error(tn_wit_parse_func(&f.scope, tn_str_from(text), &type), TN_ERROR_ARGUMENT, message);
  assert_null(type);
  finish(&f);
}

/* Reads a type, prints it, and expects the same text. */
static void assert_same_type(const char *text) {
  fixture f;
  const tn_type *type = NULL;
  start(&f);
  assert_ok(tn_wit_parse_types(&f.scope, TN_STR("resource r; type n = u8;")));
  assert_ok(tn_wit_parse_type(&f.scope, tn_str_from(text), &type));
  assert_prints(type, text);
  finish(&f);
}

static void assert_func(const char *text, const char *expected) {
  fixture f;
  const tn_func_type *type = NULL;
  start(&f);
  assert_ok(tn_wit_parse_types(&f.scope, TN_STR("resource r;")));
  assert_ok(tn_wit_parse_func(&f.scope, tn_str_from(text), &type));
  assert_non_null(type->params);
  tn_buffer out = {0};
  tn_wit_print_func(&out, type);
  char *printed = tn_buffer_take(&out);
  assert_string_equal(printed, expected);
  tn_free(printed);
  finish(&f);
}

/* ---- types -------------------------------------------------------------------------------------- */

static void every_type_expression_prints_as_it_was_read(void **state) {
  (void)state;
  static const char *const types[] = {
      "bool",
      "s8",
      "u8",
      "s16",
      "u16",
      "s32",
      "u32",
      "s64",
      "u64",
      "f32",
      "f64",
      "char",
      "string",
      "error-context",
      "list<u8>",
      "list<string, 4>",
      "map<string, list<u8>>",
      "tuple<u8>",
      "tuple<u8, string, f32>",
      "option<option<u8>>",
      "result",
      "result<u8>",
      "result<_, string>",
      "result<u8, string>",
      "stream",
      "stream<u8>",
      "future",
      "future<result<u8, string>>",
      "r",
      "borrow<r>",
      "tuple<r, list<borrow<r>>>",
  };
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    assert_same_type(types[i]);
}

static void own_of_a_resource_is_the_resource(void **state) {
  (void)state;
  assert_declares("resource r { constructor(); } type t = own<r>;", "t", "r");
}

static void a_list_with_a_length_is_a_fixed_list(void **state) {
  (void)state;
  fixture f;
  const tn_type *type = NULL;
  start(&f);
  assert_ok(tn_wit_parse_type(&f.scope, TN_STR("list< u16 , 3 >"), &type));
  assert_int_equal(type->kind, TN_TYPE_FIXED_LIST);
  assert_int_equal(type->length, 3);
  assert_int_equal(type->layout[1].size, 6);
  finish(&f);
}

static void declared_types_are_complete(void **state) {
  (void)state;
  assert_declares("record point { x: s32, y: s32, }", "point", "record { x: s32, y: s32 }");
  assert_declares("variant shape { none, circle(f32), rect(tuple<f32, f32>) }", "shape",
                  "variant { none, circle(f32), rect(tuple<f32, f32>) }");
  assert_declares("enum color { red, GREEN, blue-2 }", "color", "enum { red, GREEN, blue-2 }");
  assert_declares("flags mode { read, write }", "mode", "flags { read, write }");
  assert_declares("type size = u64; type sizes = list<size>;", "sizes", "list<u64>");
}

static void keywords_are_names_behind_a_percent_sign(void **state) {
  (void)state;
  assert_declares("record %record { %type: u8, %x: u8 }", "record", "record { %type: u8, x: u8 }");
  assert_declares("type %list = u8; type other = option<%list>;", "other", "option<u8>");
}

static void comments_and_gates_are_passed_over(void **state) {
  (void)state;
  assert_declares("/// Docs with { and ; in them.\n"
                  "@since(version = 0.2.0-rc.1+x)\n"
                  "/* a /* nested { */ comment */ @unstable(feature = some-thing)\n"
                  "@deprecated(version = 1.2.3) @external-id(\"a \\\" ) b\")\n"
                  "enum e { // the first\n a, b }",
                  "e", "enum { a, b }");
}

static void a_resource_body_is_passed_over(void **state) {
  (void)state;
  assert_declares("resource r {\n  constructor(a: list<u8>);\n  @since(version = 0.2.1-x) // }\n  "
                  "f: func() -> r;\n"
                  "  g: static func(a: borrow<r>); }\ntype t = borrow<r>;",
                  "t", "borrow<r>");
}

static void a_name_may_be_used_before_it_is_declared(void **state) {
  (void)state;
  assert_declares(
      "type a = list<b>; @since(version = 1.0.0) record b { c: c, d: r, e: number } enum c { x }\n"
      "resource r { f: func(); } use i.{number}; type last = u8;",
      "a", "list<record { c: enum { x }, d: r, e: u64 }>");
  assert_declares("type a = b; type b = c; type c = u8; type d = b;", "d", "u8");
}

static void another_name_for_a_resource_is_a_resource(void **state) {
  (void)state;
  assert_declares("resource r; type s = r; type t = borrow<s>;", "t", "borrow<r>");
}

/* ---- use ---------------------------------------------------------------------------------------- */

static void use_asks_for_types_of_other_interfaces(void **state) {
  (void)state;
  fixture f;
  start(&f);
  assert_ok(tn_wit_parse_types(
      &f.scope, TN_STR("use wasi:io/streams@0.2.12-rc.1.{stream-of-bytes as input, number,};"
                       "type t = tuple<input, borrow<input>, number>;")));
  assert_prints(named(&f, "t"), "tuple<stream-of-bytes, borrow<stream-of-bytes>, u64>");
  assert_true(tn_str_equal(f.used_interface, TN_STR("wasi:io/streams@0.2.12-rc.1")));
  finish(&f);
}

static void use_takes_all_forms_of_a_path(void **state) {
  (void)state;
  static const char *const paths[][2] = {
      {"use types.{number};", "types"},
      {"use a:b/c.{number};", "a:b/c"},
      {"use a : b /* { */ / %list @ 1.2.3 . { number };", "a:b/list@1.2.3"},
      {"use a:b:c/d/e@1.0.0+x.{number};", "a:b:c/d/e@1.0.0+x"},
  };
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
    fixture f;
    start(&f);
    assert_ok(tn_wit_parse_types(&f.scope, tn_str_from(paths[i][0])));
    assert_true(tn_str_equal(f.used_interface, tn_str_from(paths[i][1])));
    finish(&f);
  }
}

static void what_use_does_not_find_is_reported(void **state) {
  (void)state;
  fixture f;
  start(&f);
  assert_error(tn_wit_parse_types(&f.scope, TN_STR("use a:b/c.{nothing};")), TN_ERROR_NOT_FOUND,
               "no such type");
  finish(&f);
}

/* ---- functions ---------------------------------------------------------------------------------- */

static void signatures_print_as_they_were_read(void **state) {
  (void)state;
  assert_func("func()", "func()");
  assert_func("func(a: u32, %list: list<string>,) -> result<u64>",
              "func(a: u32, %list: list<string>) -> result<u64>");
  assert_func(" async  func ( self : borrow<r> )->r ", "async func(self: borrow<r>) -> r");
}

/* ---- errors ------------------------------------------------------------------------------------- */

static void errors_say_where_and_what_was_expected(void **state) {
  (void)state;
  assert_rejects_func("func(a: )", "expected a type but found ')' at 1:9");
  assert_rejects_func("func(a u8)", "expected ':' but found 'u8' at 1:8");
  assert_rejects_func("func(a: u8", "expected ',' or ')' but the text ends at 1:11");
  assert_rejects_func("func(a: u8, a: u8)", "'a' is there twice at 1:13");
  assert_rejects_func("func(a: u8, A: u8)", "'A' is there twice");
  assert_rejects_func("func(list: u8)",
                      "found the keyword 'list' (a name like it is written %list) at 1:6");
  assert_rejects_func("func() -> x", "there is no type 'x' at 1:11");
  assert_rejects_func("func(a: borrow<n>)", "'n' is not a resource at 1:16");
  assert_rejects_func("func() -> borrow<r>", "a function cannot return a borrow");
  assert_rejects_func("func(a: stream<borrow<r>>)", "a borrow cannot be sent");
  assert_rejects_func("func(a: map<f32, u8>)", "the key of a map");
  assert_rejects_func("func(a: map<r, u8>)", "the key of a map");
  assert_rejects_func("func(a: list<u8, 0>)", "expected a length");
  assert_rejects_func("func(a: list<u8, 4294967296>)", "this length is too large");
  assert_rejects_func("func(a: list<u64, 4294967295>)", "maximum byte size");
  assert_rejects_func("func(a: tuple<>)", "expected a type but found '>'");
  assert_rejects_func("func(a: result<_>)", "expected ','");
  assert_rejects_func("func(a: record)", "expected a type but found 'record'");
  assert_rejects_func("func() extra", "expected the end but found 'extra'");
  assert_rejects_func("func(a-: u8)", "upper case letters and digits at 1:6");
  assert_rejects_func("func(%: u8)", "expected a name behind '%'");
  assert_rejects_func("func /* …", "this comment has no end at 1:6");
  assert_rejects_func("", "expected 'func' but the text ends at 1:1");
}

static void errors_in_declarations_say_where(void **state) {
  (void)state;
  assert_rejects_types("type a = u8;\n  type a = u16;", "'a' is declared twice at 2:8");
  assert_rejects_types("/* äö */ record r {}", "'r' needs at least one member at 1:17");
  assert_rejects_types("type a = a;", "'a' contains itself at 1:10");
  assert_rejects_types("record a { b: option<b> } record b { a: list<a> }", "'a' contains itself");
  assert_rejects_types("enum e { a, b c }", "expected ',' or '}' but found 'c'");
  assert_rejects_types("resource r { f: func();", "expected '}' but the text ends");
  assert_rejects_types("f: func();", "expected use, type, record");
  assert_rejects_types("interface i { }", "expected use, type, record");
  assert_rejects_types("use a:b.{c};", "expected '/' and the name of an interface");
  assert_rejects_types("use a:b/c@x.{c};", "expected a version such as 1.2.3");
  assert_rejects_types("use a:b/c@1.0.0.{};", "expected the name of a type");
  assert_rejects_types("@since version", "expected '('");
  assert_rejects_types("@since(version 1)", "expected '='");
  assert_rejects_types("@since(version = x)", "expected a version");
  assert_rejects_types("@since(\"x", "this string has no end");
  assert_rejects_types("type a = missing; enum e { @", "there is no type 'missing'");
}

static void there_are_at_most_32_flags(void **state) {
  (void)state;
  tn_buffer text = {0};
  tn_buffer_append_text(&text, "flags f { ");
  for (int i = 0; i < 33; i++)
    tn_buffer_format(&text, "b%d, ", i);
  tn_buffer_append_text(&text, "}");
  char *flags = tn_buffer_take(&text);
  assert_rejects_types(flags, "'f' has more than 32 flags");
  tn_free(flags);
}

static void nesting_is_bounded(void **state) {
  (void)state;
  tn_buffer text = {0};
  tn_buffer_append_text(&text, "func(a: ");
  for (int i = 0; i < 100000; i++)
    tn_buffer_append_text(&text, "list<");
  char *lists = tn_buffer_take(&text);
  assert_rejects_func(lists, "types are nested too deeply");
  tn_free(lists);
  for (int i = 0; i < 100000; i++)
    tn_buffer_format(&text, "type a%d = a%d;", i, i + 1);
  char *aliases = tn_buffer_take(&text);
  assert_rejects_types(aliases, "types are nested too deeply");
  tn_free(aliases);
}

static void without_callbacks_nothing_is_used_or_declared_as_a_resource(void **state) {
  (void)state;
  tn_arena arena = {0};
  tn_wit_scope scope = {.arena = &arena};
  assert_error(tn_wit_parse_types(&scope, TN_STR("use a.{b};")), TN_ERROR_ARGUMENT,
               "'use' is not possible here");
  assert_error(tn_wit_parse_types(&scope, TN_STR("resource b;")), TN_ERROR_ARGUMENT,
               "a resource cannot be declared here");
  tn_arena_free(&arena);
}

static void every_failing_allocation_is_reported(void **state) {
  (void)state;
  static const char text[] =
      "type early = list<late>; use a:b/c@1.0.0.{number}; resource r { f: func(); }"
      "record late { a: number, b: string, c: option<borrow<r>>, d: tuple<u8, u8> }"
      "variant v { a, b(late) } enum e { a, b, c, d, e, f } flags fl { a, b }";
  /* Blocks of the arena are large, so that little of it fails by itself; a large list of names adds blocks. */
  for (int64_t n = 0;; n++) {
    fixture f;
    const tn_func_type *type = NULL;
    start(&f);
    tn_alloc_fail_after(n);
    tn_error *error = tn_wit_parse_types(&f.scope, TN_STR(text));
    if (error == NULL)
      error = tn_wit_parse_func(&f.scope, TN_STR("func(a: late, b: v) -> result<r, e>"), &type);
    bool did_fail = tn_alloc_did_fail();
    tn_alloc_fail_after(-1);
    if (did_fail) {
      assert_error(error, TN_ERROR_NO_MEMORY, "");
    } else {
      assert_ok(error);
    }
    finish(&f);
    if (!did_fail) {
      assert_true(n > 0);
      break;
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_type_expression_prints_as_it_was_read),
      cmocka_unit_test(own_of_a_resource_is_the_resource),
      cmocka_unit_test(a_list_with_a_length_is_a_fixed_list),
      cmocka_unit_test(declared_types_are_complete),
      cmocka_unit_test(keywords_are_names_behind_a_percent_sign),
      cmocka_unit_test(comments_and_gates_are_passed_over),
      cmocka_unit_test(a_resource_body_is_passed_over),
      cmocka_unit_test(a_name_may_be_used_before_it_is_declared),
      cmocka_unit_test(another_name_for_a_resource_is_a_resource),
      cmocka_unit_test(use_asks_for_types_of_other_interfaces),
      cmocka_unit_test(use_takes_all_forms_of_a_path),
      cmocka_unit_test(what_use_does_not_find_is_reported),
      cmocka_unit_test(signatures_print_as_they_were_read),
      cmocka_unit_test(errors_say_where_and_what_was_expected),
      cmocka_unit_test(errors_in_declarations_say_where),
      cmocka_unit_test(there_are_at_most_32_flags),
      cmocka_unit_test(nesting_is_bounded),
      cmocka_unit_test(without_callbacks_nothing_is_used_or_declared_as_a_resource),
      cmocka_unit_test(every_failing_allocation_is_reported),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
