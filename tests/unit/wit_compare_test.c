/* What changed between two packages, and whether a component fits a world: compare.c. */
#include "test.h"

#include "base/alloc.h"
#include "wit/package/package.h"

/* ---- helpers ------------------------------------------------------------------------------------------- */

static tn_wit_package *parse(tn_arena *arena, const char *text) {
  tn_wit_set *set = TN_ARENA_NEW(arena, tn_wit_set);
  tn_wit_source *source = TN_ARENA_NEW(arena, tn_wit_source);
  tn_wit_package *package = NULL;
  assert_non_null(set);
  assert_non_null(source);
  set->arena = arena;
  set->all_features = true;
  *source = (tn_wit_source){.path = TN_STR("test.wit"), .text = tn_str_from(text)};
  assert_ok(tn_wit_parse_package(set, source, 1, &package));
  return package;
}

/* Everything as lines "~ where: before -> after [ie]". */
static void write_changes(tn_buffer *out, const tn_wit_changes *changes) {
  static const char signs[] = {
      [TN_WIT_ADDED] = '+', [TN_WIT_REMOVED] = '-', [TN_WIT_CHANGED] = '~'};
  for (uint32_t i = 0; i < changes->len; i++) {
    const tn_wit_change *change = &changes->items[i];
    tn_buffer_format(out, "%c %" TN_STR_FORMAT, signs[change->kind], TN_STR_ARG(change->where));
    if (change->before.data != NULL)
      tn_buffer_format(out, ": %" TN_STR_FORMAT, TN_STR_ARG(change->before));
    if (change->after.data != NULL)
      tn_buffer_format(out, " -> %" TN_STR_FORMAT, TN_STR_ARG(change->after));
    tn_buffer_format(out, " [%s%s]\n", change->breaks_importers ? "i" : "",
                     change->breaks_exporters ? "e" : "");
  }
  tn_buffer_append_byte(out, '\0');
}

static void assert_changes(const char *before, const char *after, const char *expected) {
  tn_arena arena = {0};
  tn_buffer text = {0};
  tn_wit_changes changes;
  assert_ok(tn_wit_compare(&arena, parse(&arena, before), parse(&arena, after), &changes));
  write_changes(&text, &changes);
  assert_string_equal(text.data, expected);
  tn_buffer_free(&text);
  tn_arena_free(&arena);
}

/* Two interfaces with these contents, in two compatible versions. */
static void assert_interface_changes(const char *before, const char *after, const char *expected) {
  tn_arena arena = {0};
  tn_str texts[3] = {
      tn_arena_format(&arena, "package a:b@1.0.0; interface i { %s }", before),
      tn_arena_format(&arena, "package a:b@1.1.0; interface i { %s }", after),
      tn_arena_format(&arena, "~ version of the package: 1.0.0 -> 1.1.0 []\n%s", expected)};
  assert_changes(texts[0].data, texts[1].data, texts[2].data);
  tn_arena_free(&arena);
}

/* ---- interfaces ---------------------------------------------------------------------------------------- */

static void equal_packages_have_no_differences(void **state) {
  (void)state;
  const char *text = "resource r { constructor(); m: func(x: u8); } record p { r: list<own<r>>, t: "
                     "tuple<u8, char> }"
                     " variant v { a, b(p) } flags marks { x } type l = list<p>; f: func(l: l) -> "
                     "result<v, marks>;"
                     " g: async func(s: stream<u8>) -> future<l>;";
  assert_interface_changes(text, text, "");
}

static void a_new_function_breaks_those_who_implement_it(void **state) {
  (void)state;
  assert_interface_changes("f: func();", "f: func(); g: func(a: u8) -> string;",
                           "+ interface i, function g -> func(a: u8) -> string [e]\n");
  assert_interface_changes("resource r;",
                           "resource r { m: func(); s: static func(); constructor(); }",
                           "+ interface i, method r.m -> func(self: borrow<r>) [e]\n"
                           "+ interface i, static function r.s -> func() [e]\n"
                           "+ interface i, constructor of r -> func() -> r [e]\n");
}

static void a_lost_function_breaks_those_who_call_it(void **state) {
  (void)state;
  assert_interface_changes("f: func(); g: func();", "f: func();",
                           "- interface i, function g: func() [i]\n");
}

static void changes_of_a_function_say_where(void **state) {
  (void)state;
  assert_interface_changes("f: func(a: u8, b: list<u8>) -> u8;",
                           "f: func(a: u8, b: list<u16>) -> u8;",
                           "~ interface i, function f, parameter b: list<u8> -> list<u16> [ie]\n");
  assert_interface_changes("f: func(a: u8);", "f: func(a: u8, b: u8);",
                           "+ interface i, function f, parameter b -> u8 [ie]\n");
  assert_interface_changes("f: func(a: u8);", "f: func(x: u8);",
                           "+ interface i, function f, parameter x -> u8 [ie]\n"
                           "- interface i, function f, parameter a: u8 [ie]\n");
  assert_interface_changes("f: func(a: u8, b: u8);", "f: func(b: u8, a: u8);",
                           "~ interface i, function f, order of the parameters [ie]\n");
  assert_interface_changes(
      "f: func();", "f: func() -> result<_, string>;",
      "~ interface i, function f, result: nothing -> result<_, string> [ie]\n");
  assert_interface_changes("f: func();", "f: async func();",
                           "~ interface i, function f: func() -> async func() [ie]\n");
}

static void changes_of_types_say_where(void **state) {
  (void)state;
  assert_interface_changes("record p { x: u8, y: u8 }", "record p { x: u16, z: u8 }",
                           "~ interface i, record p, field x: u8 -> u16 [ie]\n"
                           "+ interface i, record p, field z -> u8 [ie]\n"
                           "- interface i, record p, field y: u8 [ie]\n");
  assert_interface_changes("variant v { a, b(u8) }", "variant v { a(u8), b(u8) }",
                           "~ interface i, variant v, case a: nothing -> u8 [ie]\n");
  assert_interface_changes("enum e { a, b }", "enum e { b, a }",
                           "~ interface i, enum e, order of the cases [ie]\n");
  assert_interface_changes("flags f { a }", "flags f { a, b }",
                           "+ interface i, flags f, flag b [ie]\n");
  assert_interface_changes("type t = u8;", "type t = option<u8>;",
                           "~ interface i, type t: u8 -> option<u8> [ie]\n");
  assert_interface_changes("type t = u8;", "enum t { a }",
                           "~ interface i, type t: type -> enum [ie]\n");
  assert_interface_changes("resource r;", "resource r; type t = u8;",
                           "+ interface i, type t [e]\n");
  assert_interface_changes("resource r; type t = u8;", "",
                           "- interface i, resource r [i]\n"
                           "- interface i, type t [i]\n");
}

static void types_that_are_built_the_same_are_the_same(void **state) {
  (void)state;
  assert_interface_changes("type size = u64; f: func(s: size) -> list<size>;",
                           "type size = u64; f: func(s: u64) -> list<u64>;", "");
  assert_interface_changes("record p { x: u8 } record q { x: u8 } f: func(p: p);",
                           "record p { x: u8 } record q { x: u8 } f: func(p: q);", "");
  assert_interface_changes("resource r; resource s; f: func(r: r);",
                           "resource r; resource s; f: func(r: s);",
                           "~ interface i, function f, parameter r: r -> s [ie]\n");
}

static void a_type_that_changed_is_told_once(void **state) {
  (void)state;
  assert_changes("package a:b; interface i { record p { x: u8 } type q = p; } interface j { use "
                 "i.{p}; f: func(p: p); }",
                 "package a:b; interface i { record p { x: u16 } type q = p; } interface j { use "
                 "i.{p}; f: func(p: p); }",
                 "~ interface i, record p, field x: u8 -> u16 [ie]\n");
}

static void interfaces_come_and_go(void **state) {
  (void)state;
  assert_changes("package a:b@1.0.0; interface i {} interface old {}",
                 "package a:b@2.0.0; interface new {} interface i {}",
                 "~ version of the package: 1.0.0 -> 2.0.0 [ie]\n"
                 "+ interface new []\n"
                 "- interface old [ie]\n");
}

static void versions_that_no_link_joins_break_all(void **state) {
  (void)state;
  static const char *const texts[][3] = {
      {"package a:b@1.0.0;", "package a:b@1.4.0;", "~ version of the package: 1.0.0 -> 1.4.0 []\n"},
      {"package a:b@0.2.0;", "package a:b@0.2.1;", "~ version of the package: 0.2.0 -> 0.2.1 []\n"},
      {"package a:b@0.2.0;", "package a:b@0.3.0;",
       "~ version of the package: 0.2.0 -> 0.3.0 [ie]\n"},
      {"package a:b@1.0.0-rc.1;", "package a:b@1.0.0;",
       "~ version of the package: 1.0.0-rc.1 -> 1.0.0 [ie]\n"},
      {"package a:b;", "package a:b@1.0.0;", "+ version of the package -> 1.0.0 [ie]\n"},
      {"package a:b@1.0.0;", "package a:b;", "- version of the package: 1.0.0 [ie]\n"},
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    tn_arena arena = {0};
    tn_str before = tn_arena_format(&arena, "%s interface i {}", texts[i][0]);
    tn_str after = tn_arena_format(&arena, "%s interface i {}", texts[i][1]);
    assert_changes(before.data, after.data, texts[i][2]);
    tn_arena_free(&arena);
  }
}

static void documentation_breaks_nobody(void **state) {
  (void)state;
  assert_changes(
      "/// One.\npackage a:b; interface i { /// What f does.\n f: func(); resource r;"
      " record p { /// the width\n x: u8, y: u8 } }",
      "/// Two.\npackage a:b; /// New.\ninterface i { /// What f really does.\n f: func();"
      " /// A thing.\n resource r; record p { x: u8, y: u8 } }",
      "~ package, documentation []\n"
      "+ interface i, resource r, documentation []\n"
      "- interface i, record p, field x, documentation []\n"
      "~ interface i, function f, documentation []\n"
      "+ interface i, documentation []\n");
  assert_changes("package a:b; world w { import f: func(); export g: func(); }",
                 "package a:b; /// W.\nworld w { /// F.\n import f: func(); /// G.\n export g: "
                 "func(); }",
                 "+ world w, import f, documentation []\n"
                 "+ world w, export g, documentation []\n"
                 "+ world w, documentation []\n");
}

static void gates_break_those_who_have_not_enabled_the_feature(void **state) {
  (void)state;
  assert_changes(
      "package a:b@1.3.0; interface i { @since(version = 1.0.0) f: func();"
      " @unstable(feature = x) g: func(); h: func(); @unstable(feature = x) k: func(); }",
      "package a:b@1.3.0; @since(version = 1.3.0) interface i {"
      " @since(version = 1.1.0) @deprecated(version = 1.2.0) f: func();"
      " @since(version = 1.1.0) g: func(); @unstable(feature = y) h: func();"
      " @unstable(feature = y) k: func(); }",
      "~ interface i, function f, @since: 1.0.0 -> 1.1.0 []\n"
      "+ interface i, function f, @deprecated -> 1.2.0 []\n"
      "+ interface i, function g, @since -> 1.1.0 []\n"
      "- interface i, function g, @unstable: x [e]\n"
      "+ interface i, function h, @unstable -> y [i]\n"
      "~ interface i, function k, @unstable: x -> y [ie]\n"
      "+ interface i, @since -> 1.3.0 []\n");
  assert_changes("package a:b@1.3.0; world w { import f: func(); export g: func(); }",
                 "package a:b@1.3.0; world w { @unstable(feature = x) import f: func();"
                 " @unstable(feature = x) export g: func(); }",
                 "+ world w, import f, @unstable -> x [e]\n"
                 "+ world w, export g, @unstable -> x [i]\n");
}

static void types_of_one_name_are_told_apart(void **state) {
  (void)state;
  static const char format[] =
      "package a:b; interface i { record r { x: u8 } resource s; } interface j { record r { x: u16 } "
      "resource s; } interface k { use %s.{r, s}; f: func(x: r, y: list<borrow<s>>) -> option<r>; }";
  tn_arena arena = {0};
  assert_changes(
      tn_arena_format(&arena, format, "i").data, tn_arena_format(&arena, format, "j").data,
      "~ interface k, type r: record r of a:b/i -> record r of a:b/j [ie]\n"
      "~ interface k, type s: resource s of a:b/i -> resource s of a:b/j [ie]\n"
      "~ interface k, function f, parameter x: record r of a:b/i -> record r of a:b/j [ie]\n"
      "~ interface k, function f, parameter y: list<borrow<s>> with resource s of a:b/i ->"
      " list<borrow<s>> with resource s of a:b/j [ie]\n"
      "~ interface k, function f, result: option<r> with record r of a:b/i -> option<r> with"
      " record r of a:b/j [ie]\n");
  tn_arena_free(&arena);
}

static void another_package_is_told(void **state) {
  (void)state;
  assert_changes("package a:b; interface i {}", "package a:c; interface i {}",
                 "~ name of the package: a:b -> a:c [ie]\n");
}

/* ---- worlds -------------------------------------------------------------------------------------------- */

static void worlds_break_hosts_and_components(void **state) {
  (void)state;
  assert_changes(
      "package a:b@0.1.0; interface i {} world w { import i; import f: func(); export run: func(); "
      "}",
      "package a:b@0.2.0; interface i {} interface j {}"
      " world w { import i; import j; export run: func() -> u8; export again: func(); } world v {}",
      "~ version of the package: 0.1.0 -> 0.2.0 [ie]\n"
      "+ interface j []\n"
      "+ world w, import a:b/j@0.2.0 [i]\n"
      "- world w, import f: func() [e]\n"
      "~ world w, function run, result: nothing -> u8 [ie]\n"
      "+ world w, export again -> func() [e]\n"
      "+ world v []\n");
}

static void interfaces_within_worlds_break_the_other_side_when_imported(void **state) {
  (void)state;
  assert_changes("package a:b; world w { import x: interface { f: func(); } export y: interface { "
                 "f: func(); } }",
                 "package a:b; world w { import x: interface { f: func(); g: func(); }"
                 " export y: interface { f: func(); g: func(); } }",
                 "+ world w, import x, function g -> func() [i]\n"
                 "+ world w, export y, function g -> func() [e]\n");
}

static void compatible_versions_of_other_packages_are_the_same(void **state) {
  (void)state;
  assert_changes("package a:b; world w { import c:d/i@0.2.3; } package c:d@0.2.3 { interface i { "
                 "f: func(); } }",
                 "package a:b; world w { import c:d/i@0.2.6; } package c:d@0.2.6 { interface i { "
                 "f: func(); g: func(); } }",
                 "~ world w, import c:d/i@0.2.6: c:d/i@0.2.3 -> c:d/i@0.2.6 []\n"
                 "+ world w, import c:d/i@0.2.6, function g -> func() [i]\n");
  assert_changes(
      "package a:b; world w { import c:d/i@0.2.3; } package c:d@0.2.3 { interface i {} }",
      "package a:b; world w { import c:d/i@0.3.0; } package c:d@0.3.0 { interface i {} }",
      "+ world w, import c:d/i@0.3.0 [i]\n"
      "- world w, import c:d/i@0.2.3 [e]\n");
}

/* ---- targets ------------------------------------------------------------------------------------------- */

static void assert_fits(const char *component, const char *world, const char *expected) {
  tn_arena arena = {0};
  tn_buffer text = {0};
  tn_wit_changes changes;
  const tn_wit_package *have = parse(&arena, component);
  const tn_wit_package *want = parse(&arena, world);
  assert_ok(tn_wit_fits(&arena, have->worlds.items[0], want->worlds.items[0], &changes));
  write_changes(&text, &changes);
  assert_string_equal(text.data, expected);
  tn_buffer_free(&text);
  tn_arena_free(&arena);
}

static const char target[] = "package a:b; world w { import c:d/i@1.2.0; import log: func(s: "
                             "string); export run: func() -> u8;"
                             " export e: interface { f: func(); } } package c:d@1.2.0 { interface "
                             "i { resource r; f: func(); g: func(r: r); } }";

static void a_component_may_import_less_and_export_more(void **state) {
  (void)state;
  assert_fits("package root:component; world root { import c:d/i@1.0.0; export run: func() -> u8; "
              "export more: func();"
              " export e: interface { f: func(); g: func(); type t = u8; } }"
              " package c:d@1.0.0 { interface i { resource r; g: func(r: r); } }",
              target, "");
}

static void what_a_component_needs_beyond_the_world_is_told(void **state) {
  (void)state;
  assert_fits("package root:component; world root { import c:d/i@1.2.0; import c:d/j@1.2.0; import "
              "log: func(s: u8);"
              " export run: func() -> u8; export e: interface { f: func(); } }"
              " package c:d@1.2.0 { interface i { h: func(); f: func(); } interface j {} }",
              target,
              "+ world w, import c:d/i@1.2.0, function h -> func() [i]\n"
              "+ world w, import c:d/j@1.2.0 [i]\n"
              "~ world w, function log, parameter s: string -> u8 [ie]\n");
}

static void what_the_world_asks_for_is_told(void **state) {
  (void)state;
  assert_fits(
      "package root:component; world root { export run: func() -> u16; export e: interface {} }",
      target,
      "~ world w, function run, result: u8 -> u16 [ie]\n"
      "- world w, export e, function f: func() [i]\n");
  assert_fits("package root:component; world root { export run: func() -> u8; }", target,
              "- world w, export e [i]\n");
}

/* ---- memory -------------------------------------------------------------------------------------------- */

static void memory_that_runs_out_is_an_error(void **state) {
  (void)state;
  tn_arena arena = {0};
  const tn_wit_package *before = parse(&arena, target);
  const tn_wit_package *after = parse(&arena, "package a:b; interface new {} world w { import log: "
                                              "func(s: list<string>); export e: func(); }");
  for (int64_t n = 0;; n++) {
    tn_arena scratch = {0};
    tn_wit_changes changes;
    tn_alloc_fail_after(n);
    tn_error *error = tn_wit_compare(&scratch, before, after, &changes);
    bool did_fail = tn_alloc_did_fail();
    tn_alloc_fail_after(-1);
    tn_arena_free(&scratch);
    if (!did_fail) {
      assert_ok(error);
      assert_true(n > 0);
      break;
    }
    assert_error(error, TN_ERROR_NO_MEMORY, "");
  }
  tn_arena_free(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(equal_packages_have_no_differences),
      cmocka_unit_test(a_new_function_breaks_those_who_implement_it),
      cmocka_unit_test(a_lost_function_breaks_those_who_call_it),
      cmocka_unit_test(changes_of_a_function_say_where),
      cmocka_unit_test(changes_of_types_say_where),
      cmocka_unit_test(types_that_are_built_the_same_are_the_same),
      cmocka_unit_test(a_type_that_changed_is_told_once),
      cmocka_unit_test(interfaces_come_and_go),
      cmocka_unit_test(versions_that_no_link_joins_break_all),
      cmocka_unit_test(documentation_breaks_nobody),
      cmocka_unit_test(gates_break_those_who_have_not_enabled_the_feature),
      cmocka_unit_test(types_of_one_name_are_told_apart),
      cmocka_unit_test(another_package_is_told),
      cmocka_unit_test(worlds_break_hosts_and_components),
      cmocka_unit_test(interfaces_within_worlds_break_the_other_side_when_imported),
      cmocka_unit_test(compatible_versions_of_other_packages_are_the_same),
      cmocka_unit_test(a_component_may_import_less_and_export_more),
      cmocka_unit_test(what_a_component_needs_beyond_the_world_is_told),
      cmocka_unit_test(what_the_world_asks_for_is_told),
      cmocka_unit_test(memory_that_runs_out_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
