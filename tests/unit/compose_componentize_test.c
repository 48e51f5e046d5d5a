/* Components from core modules: signatures, adapters cut down, and memory that runs out.
 * tests/cli/componentize.py runs what comes out. */
#include "test.h"

#include "base/alloc.h"
#include "component/component.h"
#include "compose/componentize/componentize.h"
#include "compose/componentize/core_reduce.h"
#include "compose/componentize/core_write.h"
#include "compose/componentize/embed.h"
#include "wit/package/package.h"

static tn_arena arena;

static int free_arena(void **state) {
  (void)state;
  tn_arena_free(&arena);
  return 0;
}

static const tn_wit_world *parse_world(const char *text, const char *name) {
  tn_wit_set *set = TN_ARENA_NEW(&arena, tn_wit_set);
  const tn_wit_source source = {.path = TN_STR("test.wit"), .text = tn_str_from(text)};
  tn_wit_package *package;
  const tn_wit_world *world;
  set->arena = &arena;
  assert_ok(tn_wit_parse_package(set, &source, 1, &package));
  assert_ok(tn_wit_find_world_named(set, package, tn_str_from(name), &world));
  return world;
}

/* ---- signatures ------------------------------------------------------------------------------------------ */

static void expect_signature(const tn_wit_function *function, tn_core_abi abi,
                             const char *expected) {
  tn_core_signature signature;
  tn_buffer text = {0};
  assert_ok(tn_core_signature_of(function, abi, &signature));
  tn_core_signature_print(&text, &signature);
  tn_buffer_append_byte(&text, '\0');
  assert_string_equal(text.data, expected);
  tn_buffer_free(&text);
}

/* What wasm-tools gives the functions of a dummy module. */
static void functions_flatten_as_the_canonical_abi_says(void **state) {
  (void)state;
  static const struct {
    const char *type;
    const char *lowered;
    const char *lifted;
  } cases[] = {
      {"func()", "() -> ()", "() -> ()"},
      {"func(a: u8, b: s64, c: f32, d: f64, e: char, f: bool) -> u64",
       "(i32, i64, f32, f64, i32, i32) -> i64", "(i32, i64, f32, f64, i32, i32) -> i64"},
      {"func(a: string) -> string", "(i32, i32, i32) -> ()", "(i32, i32) -> i32"},
      {"func(a: list<u8>) -> f64", "(i32, i32) -> f64", "(i32, i32) -> f64"},
      {"func(a: point) -> option<u8>", "(i32, f64, i32) -> ()", "(i32, f64) -> i32"},
      {"func(a: result<f32, u32>, b: result<f32, f64>, c: result<u64, f32>)",
       "(i32, i32, i32, i64, i32, i64) -> ()", "(i32, i32, i32, i64, i32, i64) -> ()"},
      {"func(a: shape, b: color, c: mode) -> color", "(i32, i64, i64, i32, i32) -> i32",
       "(i32, i64, i64, i32, i32) -> i32"},
      {"func(a: tuple<u8, u8, u8, u8, u8, u8, u8, u8>, b: tuple<f32, f32, f32, f32, f32, f32, f32, f32>)",
       "(i32, i32, i32, i32, i32, i32, i32, i32, f32, f32, f32, f32, f32, f32, f32, f32) -> ()",
       "(i32, i32, i32, i32, i32, i32, i32, i32, f32, f32, f32, f32, f32, f32, f32, f32) -> ()"},
      {"func(a: tuple<u8, u8, u8, u8, u8, u8, u8, u8>, b: tuple<f32, f32, f32, f32, f32, f32, f32, f32>, c: u8) "
       "-> u8",
       "(i32) -> i32", "(i32) -> i32"},
      {"func() -> result", "() -> i32", "() -> i32"},
      {"func() -> result<u8>", "(i32) -> ()", "() -> i32"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    tn_str text = tn_arena_format(
        &arena,
        "package t:t; world w { record point { x: u32, y: f64 } enum color { r, g } "
        "flags mode { a, b } variant shape { none, long(u64), text(string), at(point) } "
        "import f: %s; }",
        cases[i].type);
    const tn_wit_world *world = parse_world(text.data, "w");
    const tn_wit_function *function = world->imports.items[world->imports.len - 1].function;
    expect_signature(function, TN_ABI_LOWER, cases[i].lowered);
    expect_signature(function, TN_ABI_LIFT, cases[i].lifted);
  }
}

static void asynchronous_functions_have_signatures_of_their_own(void **state) {
  (void)state;
  const tn_wit_world *world =
      parse_world("package t:t; world w { import f: func(a: string, b: u64, c: u8) -> u8; "
                  "import g: func(a: string, b: string, c: u8); }",
                  "w");
  const tn_wit_function *f = world->imports.items[0].function,
                        *g = world->imports.items[1].function;
  expect_signature(f, TN_ABI_LOWER_ASYNC, "(i32, i32, i64, i32, i32) -> i32");
  expect_signature(g, TN_ABI_LOWER_ASYNC, "(i32) -> i32");
  expect_signature(f, TN_ABI_LIFT_ASYNC, "(i32, i32, i64, i32) -> i32");
  expect_signature(f, TN_ABI_LIFT_STACKFUL, "(i32, i32, i64, i32) -> ()");
}

/* ---- names ----------------------------------------------------------------------------------------------- */

static void expect_text(tn_str text, const char *expected) {
  if (expected == NULL) {
    assert_null(text.data);
  } else {
    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.data, expected, text.len);
  }
}

/* What wasm-tools calls the exports of a dummy module. */
static void exports_have_their_names_in_both_schemes(void **state) {
  (void)state;
  static const struct {
    tn_core_role role;
    const char *interface;
    const char *name;
    const char *legacy;
    const char *standard;
  } cases[] = {
      {TN_ROLE_FUNCTION, NULL, "f", "f", "cm32p2||f"},
      {TN_ROLE_FUNCTION, "j", "f", "j#f", "cm32p2|j|f"},
      {TN_ROLE_FUNCTION, "a:b/c@0.2.1", "[method]r.f", "a:b/c@0.2.1#[method]r.f",
       "cm32p2|a:b/c@0.2|[method]r.f"},
      {TN_ROLE_POST_RETURN, "a:b/c@1.2.3", "f", "cabi_post_a:b/c@1.2.3#f", "cm32p2|a:b/c@1|f_post"},
      {TN_ROLE_DESTRUCTOR, "a:b/c@0.0.4", "r", "a:b/c@0.0.4#[dtor]r", "cm32p2|a:b/c@0.0.4|r_dtor"},
      {TN_ROLE_ASYNC, "a:b/c", "f", "[async-lift]a:b/c#f", NULL},
      {TN_ROLE_STACKFUL, NULL, "f", "[async-lift-stackful]f", NULL},
      {TN_ROLE_CALLBACK, NULL, "f", "[callback][async-lift]f", NULL},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    tn_str interface =
               cases[i].interface == NULL ? (tn_str){NULL, 0} : tn_str_from(cases[i].interface),
           name = tn_str_from(cases[i].name), legacy, standard;
    assert_ok(
        tn_core_export_name(&arena, TN_SCHEME_LEGACY, cases[i].role, interface, name, &legacy));
    assert_ok(
        tn_core_export_name(&arena, TN_SCHEME_STANDARD, cases[i].role, interface, name, &standard));
    expect_text(legacy, cases[i].legacy);
    expect_text(standard, cases[i].standard);
  }
}

static void modules_that_are_imported_say_what_they_are_for(void **state) {
  (void)state;
  static const struct {
    const char *module;
    tn_core_scheme scheme;
    const char *interface;
    bool is_own;
  } cases[] = {
      {"$root", TN_SCHEME_LEGACY, NULL, false},
      {"[export]$root", TN_SCHEME_LEGACY, NULL, true},
      {"a:b/c@1.2.3", TN_SCHEME_LEGACY, "a:b/c@1.2.3", false},
      {"[export]j", TN_SCHEME_LEGACY, "j", true},
      {"cm32p2", TN_SCHEME_STANDARD, NULL, false},
      {"cm32p2|a:b/c@1", TN_SCHEME_STANDARD, "a:b/c@1", false},
      {"cm32p2|_ex_a:b/c@1", TN_SCHEME_STANDARD, "a:b/c@1", true},
      {"cm32p2|_ex_", TN_SCHEME_STANDARD, NULL, true},
      {"cm32p2x", TN_SCHEME_LEGACY, "cm32p2x", false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    tn_core_place place = tn_core_place_of(tn_str_from(cases[i].module));
    tn_str name;
    assert_int_equal(place.scheme, cases[i].scheme);
    assert_int_equal(place.is_own, cases[i].is_own);
    expect_text(place.interface, cases[i].interface);
    assert_ok(tn_core_place_name(&arena, &place, &name));
    expect_text(name, cases[i].module);
  }
}

/* ---- components ------------------------------------------------------------------------------------------ */

static const char worlds[] =
    "package t:t@1.2.3;"
    "interface kinds { record point { x: u32, name: string } resource r { constructor(p: point); get: func() -> "
    "point; }"
    "  enum e { a, b } type alias = point; }"
    "interface user { use kinds.{r, point as p, e}; f: func(x: borrow<r>, y: list<p>) -> result<r, e>; }"
    "world importing { import user; import top: func(x: string) -> list<string>; export run: func(); }"
    "world exporting { export kinds; export user; export top: func(x: string) -> list<string>; }"
    "world mixed { import kinds; export user; export inner: interface { resource q; make: func() -> q; } }"
    "world async-world { import go: async func(x: stream<u8>) -> u32; export run: async func() -> string; }";

/* A module that fits the world, with the world embedded. */
static tn_str make_dummy(const char *name, tn_embed_names names, tn_embed_abi abi) {
  const tn_wit_world *world = parse_world(worlds, name);
  tn_buffer module = {0}, payload = {0};
  assert_ok(tn_dummy_module(&module, &arena, world, names, abi));
  assert_ok(tn_wit_encode_world(&payload, world, TN_ENCODING_UTF16));
  tn_core_write_custom(&module, TN_STR("component-type"), tn_buffer_str(&payload));
  tn_str bytes = tn_arena_copy(&arena, tn_buffer_str(&module));
  tn_buffer_free(&payload);
  tn_buffer_free(&module);
  return bytes;
}

static void expect_fit(const char *name, tn_embed_names names, tn_embed_abi abi) {
  static const tn_componentize_options options;
  tn_buffer out = {0};
  tn_wit_set set = {.arena = &arena, .all_features = true};
  const tn_component_ast *component;
  tn_wit_package *package;
  tn_wit_changes misfits = {0};
  assert_ok(tn_make_component(&out, make_dummy(name, names, abi), &options));
  assert_ok(tn_component_decode(&arena, tn_arena_copy(&arena, tn_buffer_str(&out)), &component));
  assert_ok(tn_wit_decode(&set, component, &package));
  const tn_wit_world *made = tn_wit_package_world(package, TN_STR("root"));
  assert_non_null(made);
  assert_ok(tn_wit_fits(&arena, made, parse_world(worlds, name), &misfits));
  assert_int_equal(misfits.len, 0);
  tn_buffer_free(&out);
}

static void a_dummy_of_a_world_becomes_a_component_that_fits_it(void **state) {
  (void)state;
  static const char *const names[] = {"importing", "exporting", "mixed", "async-world"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    expect_fit(names[i], TN_EMBED_STANDARD32, TN_EMBED_SYNC);
    expect_fit(names[i], TN_EMBED_LEGACY, TN_EMBED_SYNC);
    expect_fit(names[i], TN_EMBED_LEGACY, TN_EMBED_ASYNC_CALLBACK);
    expect_fit(names[i], TN_EMBED_LEGACY, TN_EMBED_ASYNC_STACKFUL);
  }
}

static void each_failing_allocation_is_a_clean_error(void **state) {
  (void)state;
  static const tn_componentize_options options;
  tn_str module = make_dummy("mixed", TN_EMBED_LEGACY, TN_EMBED_SYNC);
  int64_t count = 0;
  for (bool has_failed = true; has_failed; count++) {
    tn_buffer out = {0};
    tn_alloc_fail_after(count);
    tn_error *error = tn_make_component(&out, module, &options);
    has_failed = tn_alloc_did_fail();
    tn_alloc_fail_after(-1);
    if (!has_failed) assert_ok(error);
    tn_error_delete(error);
    tn_buffer_free(&out);
  }
  assert_true(count > 10);
}

static void cut_off_modules_are_refused(void **state) {
  (void)state;
  static const tn_componentize_options options = {.no_validation = true};
  tn_str module = make_dummy("exporting", TN_EMBED_LEGACY, TN_EMBED_SYNC);
  for (size_t size = 0; size < module.len; size++) {
    tn_buffer out = {0};
    /* A copy of its own, so that a sanitizer sees what is read behind the end. */
    char *cut = tn_malloc(size + 1);
    memcpy(cut, module.data, size);
    tn_error *error = tn_make_component(&out, (tn_str){cut, size}, &options);
    tn_free(cut);
    tn_error_delete(error);
    tn_buffer_free(&out);
  }
}

/* ---- cutting down ---------------------------------------------------------------------------------------- */

/* (module
 *   (import "a" "used" (func)) (import "a" "unused" (func))
 *   (func (export "keep") call 0 call 4) (func (export "drop") call 1) (func (; 4 ;) i32.const 1 drop)) */
static const char reducible[] = "\0asm\1\0\0\0"
                                "\1\4\1\x60\0\0"
                                "\2\x15\2\1a\4used\0\0\1a\6unused\0\0"
                                "\3\4\3\0\0\0"
                                "\7\x0f\2\4keep\0\2\4drop\0\3"
                                "\x0a\x13\3\6\0\x10\0\x10\4\x0b\4\0\x10\1\x0b\5\0\x41\1\x1a\x0b";

static void what_is_not_needed_is_left_out_and_calls_find_their_functions(void **state) {
  (void)state;
  tn_map exports = {0};
  const tn_core_reduction how = {.exports = &exports};
  const tn_core_module *module;
  tn_str reduced;
  assert_true(tn_map_put(&arena, &exports, TN_STR("keep"), &exports));
  assert_ok(tn_core_reduce(&arena, (tn_str){reducible, sizeof reducible - 1}, &how, &reduced));
  assert_ok(tn_core_module_read(&arena, reduced, 0, &module));
  assert_int_equal(module->import_count, 1);
  assert_true(tn_str_equal(module->imports[0].name, TN_STR("used")));
  assert_int_equal(module->export_count, 1);
  assert_int_equal(module->exports[0].index, 1);
  /* Function 4 is 2 now. */
  tn_str code = TN_STR("\x0a\x0e\2\6\0\x10\0\x10\2\x0b\5\0\x41\1\x1a\x0b");
  bool is_there = false;
  for (size_t i = 0; i + code.len <= reduced.len; i++)
    is_there |= memcmp(reduced.data + i, code.data, code.len) == 0;
  assert_true(is_there);
}

static void cut_off_adapters_are_refused(void **state) {
  (void)state;
  tn_map exports = {0};
  const tn_core_reduction how = {.exports = &exports};
  assert_true(tn_map_put(&arena, &exports, TN_STR("keep"), &exports));
  for (size_t size = 0; size + 1 < sizeof reducible; size++) {
    char *cut = tn_malloc(size + 1);
    tn_str reduced;
    memcpy(cut, reducible, size);
    tn_error_delete(tn_core_reduce(&arena, (tn_str){cut, size}, &how, &reduced));
    tn_free(cut);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(functions_flatten_as_the_canonical_abi_says),
      cmocka_unit_test(asynchronous_functions_have_signatures_of_their_own),
      cmocka_unit_test(exports_have_their_names_in_both_schemes),
      cmocka_unit_test(modules_that_are_imported_say_what_they_are_for),
      cmocka_unit_test(a_dummy_of_a_world_becomes_a_component_that_fits_it),
      cmocka_unit_test(each_failing_allocation_is_a_clean_error),
      cmocka_unit_test(cut_off_modules_are_refused),
      cmocka_unit_test(what_is_not_needed_is_left_out_and_calls_find_their_functions),
      cmocka_unit_test(cut_off_adapters_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, free_arena);
}
