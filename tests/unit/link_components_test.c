/* Linking when it runs: imports of components that are met by exports of others. Through the public header, with
 * components as text. */
#include <pthread.h>

#include "guest.h"

/* ---- components ------------------------------------------------------------------------------------ */

enum { MAX_TEXT = 4096 };

/* f(x) of the interface that is exported: x + 1. */
static const char leaf_text[] =
    "(component (core module $M (func (export \"f\") (param i32) (result i32)"
    "  (i32.add (local.get 0) (i32.const 1))))"
    " (core instance $m (instantiate $M))"
    " (func $f (param \"x\" u32) (result u32) (canon lift (core func $m \"f\")))"
    " (instance $i (export \"f\" (func $f))) (export \"%s\" (instance $i)))";

/* Twice f(x) of the interface that is imported. */
static const char stage_text[] =
    "(component (import \"%s\" (instance $i (export \"f\" (func (param \"x\" u32) (result u32)))))"
    " (core func $f (canon lower (func $i \"f\")))"
    " (core module $M (import \"\" \"f\" (func $f (param i32) (result i32)))"
    "  (func (export \"f\") (param i32) (result i32) (i32.mul (i32.const 2) (call $f (local.get 0)))))"
    " (core instance $m (instantiate $M (with \"\" (instance (export \"f\" (func $f))))))"
    " (func $g (param \"x\" u32) (result u32) (canon lift (core func $m \"f\")))"
    " (instance $o (export \"f\" (func $g))) (export \"%s\" (instance $o)))";

static tn_component *load_named(const char *name, const char *format, ...) {
  char text[MAX_TEXT];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  assert_true(length > 0 && length < MAX_TEXT);
  tn_component *component = NULL;
  assert_ok(tn_component_from_bytes(engine, text, (size_t)length, name, 0, &component));
  return component;
}

static tn_component *leaf(const char *name, const char *exported) {
  return load_named(name, leaf_text, exported);
}

static tn_component *stage(const char *name, const char *imported, const char *exported) {
  return load_named(name, stage_text, imported, exported);
}

/* A linker with these components, which it takes over; the list ends with NULL. */
static tn_linker *linker_of(tn_component *first, ...) {
  tn_linker *linker = NULL;
  assert_ok(tn_linker_new(&linker));
  va_list rest;
  va_start(rest, first);
  for (tn_component *next = first; next != NULL; next = va_arg(rest, tn_component *)) {
    assert_ok(tn_linker_add_component(linker, next, NULL));
    tn_component_delete(next);
  }
  va_end(rest);
  return linker;
}

/* Links and ends both. */
static tn_error *link_with(tn_linker *linker, tn_component *component, tn_linked **out) {
  tn_error *error = tn_linker_link(linker, component, out);
  tn_linker_delete(linker);
  tn_component_delete(component);
  return error;
}

static void assert_linked_call(tn_linker *linker, tn_component *component, const char *call,
                               const char *expected) {
  tn_linked *linked = NULL;
  assert_ok(link_with(linker, component, &linked));
  tn_instance *instance = guest_instance(linked, NULL);
  tn_linked_delete(linked);
  assert_call(instance, call, expected);
  tn_instance_delete(instance);
}

static void assert_link_fails(tn_linker *linker, tn_component *component, const char *message,
                              const char *hint) {
  tn_linked *linked = NULL;
  tn_error *error = link_with(linker, component, &linked);
  if (error == NULL) fail_msg("linked, expected: %s", message);
  if (strstr(tn_error_get_message(error), message) == NULL)
    fail_msg("\"%s\" does not contain \"%s\"", tn_error_get_message(error), message);
  if (hint != NULL &&
      (tn_error_get_hint(error) == NULL || strstr(tn_error_get_hint(error), hint) == NULL))
    fail_msg("hint \"%s\" does not contain \"%s\"", tn_error_get_hint(error), hint);
  assert_int_equal(tn_error_get_kind(error), TN_ERROR_LINK);
  tn_error_delete(error);
}

/* ---- who meets what -------------------------------------------------------------------------------- */

static void exports_of_one_component_meet_imports_of_another(void **state) {
  (void)state;
  assert_linked_call(linker_of(leaf("leaf", "t:a/i@1.0.0"), NULL),
                     stage("app", "t:a/i@1.0.0", "t:app/i"), "f(20)", "42");
}

static void linked_components_import_from_each_other_in_any_order(void **state) {
  (void)state;
  for (int turn = 0; turn < 2; turn++) {
    tn_component *a = leaf("a", "t:a/i"), *b = stage("b", "t:a/i", "t:b/i");
    tn_linker *linker = turn == 0 ? linker_of(a, b, NULL) : linker_of(b, a, NULL);
    assert_linked_call(linker, stage("app", "t:b/i", "t:app/i"), "f(9)", "40");
  }
}

static void versions_of_one_track_are_compatible(void **state) {
  (void)state;
  static const struct {
    const char *imported, *exported;
    bool fits;
  } cases[] = {
      {"t:a/i@1.2.0", "t:a/i@1.2.0", true},
      {"t:a/i@1.2.0", "t:a/i@1.9.3", true},
      {"t:a/i@1.9.3", "t:a/i@1.2.0", true},
      {"t:a/i@0.2.1", "t:a/i@0.2.7", true},
      {"t:a/i@0.2.1", "t:a/i@0.3.0", false},
      {"t:a/i@1.0.0", "t:a/i@2.0.0", false},
      {"t:a/i@0.0.1", "t:a/i@0.0.2", false},
      {"t:a/i@1.0.0-rc.1", "t:a/i@1.0.0-rc.1", true},
      {"t:a/i@1.0.0-rc.1", "t:a/i@1.0.0", false},
      {"t:a/i@1.0.0-rc.1", "t:a/i@1.0.0-rc.2", false},
      {"t:a/i", "t:a/i@1.0.0", false},
      {"t:a/i", "t:a/i", true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    tn_linker *linker = linker_of(leaf("leaf", cases[i].exported), NULL);
    tn_component *app = stage("app", cases[i].imported, "t:app/i");
    if (cases[i].fits)
      assert_linked_call(linker, app, "t:app/i#f(20)", "42");
    else
      assert_link_fails(linker, app, "is not provided", cases[i].exported);
  }
}

/* The older one would lack what newer importers use. */
static void a_component_with_a_newer_version_goes_before_an_older_one(void **state) {
  (void)state;
  tn_linker *linker = linker_of(leaf("old", "t:a/i@1.0.0"), stage("new", "t:z/i", "t:a/i@1.5.0"),
                                leaf("z", "t:z/i"), NULL);
  assert_linked_call(linker, stage("app", "t:a/i@1.2.0", "t:app/i"), "t:app/i#f(4)", "20");
}

/* All get it from one, which is as new as the one who wants the newest. */
static void importers_of_compatible_versions_have_one_provider(void **state) {
  (void)state;
  for (int turn = 0; turn < 2; turn++) {
    tn_component *old = leaf("old", "t:a/i@1.0.0"), *new = leaf("new", "t:a/i@1.5.0");
    tn_component *b = stage("b", "t:a/i@1.2.0", "t:b/i");
    tn_linker *linker = NULL;
    assert_ok(tn_linker_new(&linker));
    assert_ok(tn_linker_add_component(linker, turn == 0 ? old : new, NULL));
    assert_ok(tn_linker_add_component(linker, turn == 0 ? new : old, NULL));
    assert_ok(tn_linker_add_component(linker, b, NULL));
    tn_component *app =
        load_named("app", "(component (import \"t:a/i@1.0.0\" (instance (export \"f\""
                          " (func (param \"x\" u32) (result u32)))))"
                          " (import \"t:b/i\" (instance (export \"f\""
                          " (func (param \"x\" u32) (result u32))))))");
    tn_linked *linked = NULL;
    assert_ok(link_with(linker, app, &linked));
    assert_true(tn_linked_uses(linked, new));
    assert_false(tn_linked_uses(linked, old));
    tn_linked_delete(linked);
    tn_component_delete(old);
    tn_component_delete(new);
    tn_component_delete(b);
  }
}

/* Nobody has what the application wants: the newest comes nearest. */
static void the_newest_is_taken_where_all_are_older(void **state) {
  (void)state;
  for (int turn = 0; turn < 2; turn++) {
    const char *first = turn == 0 ? "t:a/i@1.0.0" : "t:a/i@1.5.0";
    const char *second = turn == 0 ? "t:a/i@1.5.0" : "t:a/i@1.0.0";
    /* The one of 1.5.0 doubles. */
    tn_linker *linker = turn == 0 ? linker_of(leaf("old", first), stage("new", "t:z/i", second),
                                              leaf("z", "t:z/i"), NULL)
                                  : linker_of(stage("new", "t:z/i", first), leaf("old", second),
                                              leaf("z", "t:z/i"), NULL);
    assert_linked_call(linker, stage("app", "t:a/i@1.9.0", "t:app/i"), "t:app/i#f(4)", "20");
  }
}

static tn_error *thrice(tn_call *call, void *data, const void *params, void *result) {
  (void)call, (void)data;
  *(uint32_t *)result = *(const uint32_t *)params * 3;
  return NULL;
}

static void components_go_before_the_host_and_may_import_from_it(void **state) {
  (void)state;
  tn_linker *linker = linker_of(stage("b", "t:host/i", "t:b/i"), NULL);
  assert_ok(tn_linker_define_func(linker, "t:host/i", "f", "func(x: u32) -> u32", thrice, NULL));
  assert_ok(tn_linker_define_func(linker, "t:b/i", "f", "func(x: u32) -> u32", thrice, NULL));
  assert_linked_call(linker, stage("app", "t:b/i", "t:app/i"), "f(5)", "60");
}

/* Each doubles: f(5) of the host is 15. */
static void a_component_may_stand_in_front_of_an_interface(void **state) {
  (void)state;
  for (int fronts = 0; fronts <= 3; fronts++) {
    tn_linker *linker = linker_of(NULL, NULL);
    assert_ok(tn_linker_define_func(linker, "t:h/i", "f", "func(x: u32) -> u32", thrice, NULL));
    for (int i = 0; i < fronts; i++) {
      tn_component *front = stage("front", "t:h/i", "t:h/i");
      assert_ok(tn_linker_add_component(linker, front, NULL));
      tn_component_delete(front);
    }
    char expected[16];
    snprintf(expected, sizeof expected, "%d", 30 << fronts);
    assert_linked_call(linker, stage("app", "t:h/i", "t:app/i"), "f(5)", expected);
  }
}

/* Also for those who want a newer version: else they would go past it. */
static void what_stands_in_front_does_so_in_its_version(void **state) {
  (void)state;
  tn_linker *linker =
      linker_of(stage("front", "t:a/i@1.0.0", "t:a/i@1.0.0"), leaf("store", "t:a/i@1.5.0"), NULL);
  assert_linked_call(linker, stage("app", "t:a/i@1.2.0", "t:app/i"), "t:app/i#f(4)", "20");
}

/* The first in front is in front for all but those behind it. */
static void what_stands_in_front_does_so_for_all(void **state) {
  (void)state;
  tn_linker *linker = linker_of(stage("lib", "t:h/i", "t:lib/i"), stage("front", "t:h/i", "t:h/i"),
                                stage("behind", "t:h/i", "t:h/i"), NULL);
  assert_ok(tn_linker_define_func(linker, "t:h/i", "f", "func(x: u32) -> u32", thrice, NULL));
  assert_linked_call(linker, stage("app", "t:lib/i", "t:app/i"), "f(1)", "48");
}

static void functions_may_be_imported_without_an_interface(void **state) {
  (void)state;
  tn_component *add = load_named(
      "add", "(component (core module $M (func (export \"f\") (result i32) (i32.const 7)))"
             " (core instance $m (instantiate $M))"
             " (func (export \"seven\") (result u32) (canon lift (core func $m \"f\"))))");
  tn_component *app = load_named(
      "app", "(component (import \"seven\" (func $f (result u32)))"
             " (core func $f (canon lower (func $f)))"
             " (core module $M (import \"\" \"f\" (func $f (result i32))) (export \"f\" (func $f)))"
             " (core instance $m (instantiate $M (with \"\" (instance (export \"f\" (func $f))))))"
             " (func (export \"run\") (result u32) (canon lift (core func $m \"f\"))))");
  assert_linked_call(linker_of(add, NULL), app, "run()", "7");
}

/* ---- what is refused ------------------------------------------------------------------------------- */

static void a_circle_is_refused_with_its_path(void **state) {
  (void)state;
  assert_link_fails(linker_of(stage("b", "t:c/i", "t:b/i"), stage("c", "t:b/i", "t:c/i"), NULL),
                    stage("app", "t:b/i", "t:app/i"),
                    "components import each other in a circle: b imports `t:c/i` from c, c imports "
                    "`t:b/i` from b",
                    NULL);
}

static void a_circle_through_what_is_linked_is_refused_with_its_path(void **state) {
  (void)state;
  static const char hint[] = "a component can only import from those that can be made before it";
  assert_link_fails(
      linker_of(stage("n", "t:m/i", "t:n/i"), NULL), stage("app", "t:n/i", "t:m/i"),
      "components import each other in a circle: app imports `t:n/i` from n, n imports "
      "`t:m/i` from app",
      hint);
  assert_link_fails(
      linker_of(stage("c", "t:m/i@1.0.0", "t:c/i"), stage("b", "t:c/i", "t:b/i"), NULL),
      stage("app", "t:b/i", "t:m/i@1.2.0"),
      "components import each other in a circle: app imports `t:b/i` from b, b imports "
      "`t:c/i` from c, c imports `t:m/i@1.0.0` from app",
      hint);
}

/* What is linked may export what the host has for the others. */
static void the_host_goes_before_a_circle(void **state) {
  (void)state;
  tn_linker *linker = linker_of(stage("n", "t:m/i", "t:n/i"), NULL);
  assert_ok(tn_linker_define_func(linker, "t:m/i", "f", "func(x: u32) -> u32", thrice, NULL));
  assert_linked_call(linker, stage("app", "t:n/i", "t:m/i"), "f(5)", "60");
}

/* Types need nobody who has been made before. */
static void interfaces_of_nothing_but_types_make_no_circle(void **state) {
  (void)state;
  static const char types[] =
      "(instance (type $r (record (field \"x\" u32))) (export \"r\" (type (eq $r))))";
  tn_component *a = load_named(
      "a",
      "(component (import \"t:b/i\" (instance $i (export \"f\" (func (param \"x\" u32) (result u32)))))"
      " (type $r (record (field \"x\" u32))) (instance $t (export \"r\" (type $r)))"
      " (export \"t:types/t\" (instance $t)) (export \"t:a/i\" (instance $i)))");
  tn_component *b =
      load_named("b",
                 "(component (import \"t:types/t\" %s)"
                 " (core module $M (func (export \"f\") (param i32) (result i32) (local.get 0)))"
                 " (core instance $m (instantiate $M))"
                 " (func $f (param \"x\" u32) (result u32) (canon lift (core func $m \"f\")))"
                 " (instance $i (export \"f\" (func $f))) (export \"t:b/i\" (instance $i)))",
                 types);
  assert_linked_call(linker_of(a, b, NULL), stage("app", "t:a/i", "t:app/i"), "f(21)", "42");
}

static void names_the_component_whose_import_is_missing(void **state) {
  (void)state;
  assert_link_fails(
      linker_of(stage("b", "t:nobody/i", "t:b/i"), NULL), stage("app", "t:b/i", "t:app/i"),
      "linking app: b: import `t:nobody/i` (interface) is not provided", "tn_linker_add_component");
}

/* An importer of t:a/i#f of the type `expected`, where the host has the WIT signature `given`. */
static void assert_mismatch(const char *expected, const char *types, const char *given,
                            const char *message) {
  tn_component *app = load_named("app", "(component (import \"t:a/i\" (instance %s)))", expected);
  tn_linker *linker = linker_of(NULL, NULL);
  assert_ok(tn_linker_define_types(linker, "t:a/i", types));
  assert_ok(tn_linker_define_func(linker, "t:a/i", "f", given, thrice, NULL));
  assert_link_fails(linker, app, message, NULL);
}

static void a_mismatch_says_where_the_types_differ(void **state) {
  (void)state;
#define F(type)     "(export \"f\" (func " type "))"
#define NAMED(kind) "(type $t' (" kind ")) (export \"t\" (type $t (eq $t')))"
#define TAKES(kind) NAMED(kind) F("(param \"p\" $t)")
  static const struct {
    const char *expected, *types, *given, *message;
  } cases[] = {
      {F("(param \"x\" u32) (result u32)"), "", "func(x: u64) -> u32",
       "import `t:a/i#f` has the wrong type: parameter `x`: expected `u32`, given `u64`; the component expects "
       "`func(x: u32) -> u32`, the host provides `func(x: u64) -> u32`"},
      {F("(param \"x\" u32)"), "", "func(y: u32)", "parameter 1: expected the name `x`, given `y`"},
      {F("(param \"x\" u32) (param \"y\" u32)"), "", "func(x: u32)",
       "parameter `y` is expected and not given"},
      {F("(param \"x\" u32)"), "", "func(x: u32, y: u32)",
       "parameter `y` is given and not expected"},
      {F("(result string)"), "", "func()", "result: expected `string`, given nothing"},
      {F("(result (result (list u8) (error u32)))"), "", "func() -> result<list<s8>, u32>",
       "result, ok, element: expected `u8`, given `s8`"},
      {F("(result (result (list u8)))"), "", "func() -> result<list<u8>, u32>",
       "result, error: expected nothing, given `u32`"},
      {F("(param \"x\" (tuple u8 (option char)))"), "", "func(x: tuple<u8, option<u8>>)",
       "parameter `x`, element 1: expected `char`, given `u8`"},
      {TAKES("record (field \"a\" u8) (field \"b\" f32)"), "record t { a: u8, b: f64 }",
       "func(p: t)", "parameter `p`, field `b`: expected `f32`, given `f64`"},
      {TAKES("record (field \"a\" u8) (field \"b\" f32)"), "record t { a: u8 }", "func(p: t)",
       "parameter `p`: field `b` is expected and not given"},
      {TAKES("record (field \"a\" u8) (field \"b\" u8)"), "record t { b: u8, a: u8 }", "func(p: t)",
       "parameter `p`: field `a` is at another place"},
      {TAKES("enum \"a\""), "enum t { a, b }", "func(p: t)",
       "parameter `p`: case `b` is given and not expected"},
      {TAKES("flags \"a\""), "flags t { b }", "func(p: t)",
       "parameter `p`: flag `a` is expected and not given"},
      {TAKES("variant (case \"a\" u8) (case \"b\" (list u8))"), "variant t { a(u8), b(string) }",
       "func(p: t)", "parameter `p`, case `b`: expected `list<u8>`, given `string`"},
  };
#undef TAKES
#undef NAMED
#undef F
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_mismatch(cases[i].expected, cases[i].types, cases[i].given, cases[i].message);
}

static void a_mismatch_names_both_components(void **state) {
  (void)state;
  static const char app[] =
      "(component (import \"t:a/i\" (instance (export \"%s\" (func (param \"x\" u32) (result %s))))))";
  assert_link_fails(
      linker_of(leaf("lib", "t:a/i"), NULL), load_named("dir/app.wasm", app, "f", "u64"),
      "import `t:a/i#f` has the wrong type: result: expected `u64`, given `u32`; app.wasm expects "
      "`func(x: u32) -> u64`, lib provides `func(x: u32) -> u32`",
      NULL);
  assert_link_fails(
      linker_of(leaf("lib", "t:a/i"), NULL), load_named("app", app, "g", "u32"),
      "import `t:a/i#g` is not provided: lib's `t:a/i` has no function `g`, app expects "
      "`func(x: u32) -> u32`",
      NULL);
}

/* A signature that nobody could read is left out. */
static void the_message_of_a_mismatch_stays_short(void **state) {
  (void)state;
  char fields[2048] = "", text[MAX_TEXT];
  for (int i = 0; i < 60; i++)
    snprintf(fields + strlen(fields), sizeof fields - strlen(fields), "(field \"n%d\" u8)", i);
  snprintf(text, sizeof text,
           "(type $t' (record %s (field \"last\" u8))) (export \"t\" (type $t (eq $t')))"
           "(export \"f\" (func (param \"p\" $t)))",
           fields);
  char types[2048] = "record t { ";
  for (int i = 0; i < 60; i++)
    snprintf(types + strlen(types), sizeof types - strlen(types), "n%d: u8, ", i);
  strcat(types, "last: char }");
  tn_component *app = load_named("app", "(component (import \"t:a/i\" (instance %s)))", text);
  tn_linker *linker = linker_of(NULL, NULL);
  assert_ok(tn_linker_define_types(linker, "t:a/i", types));
  assert_ok(tn_linker_define_func(linker, "t:a/i", "f", "func(p: t)", thrice, NULL));
  tn_linked *linked = NULL;
  tn_error *error = link_with(linker, app, &linked);
  assert_non_null(error);
  assert_string_equal(
      tn_error_get_message(error),
      "linking app: import `t:a/i#f` has the wrong type: parameter `p`, field `last`: expected "
      "`u8`, given `char` (by the host)");
  tn_error_delete(error);
}

static void core_modules_cannot_be_linked_with(void **state) {
  (void)state;
  tn_component *module = load_named("lib.wasm", "(module)");
  tn_linker *linker = linker_of(NULL, NULL);
  tn_error *error = tn_linker_add_component(linker, module, NULL);
  assert_non_null(error);
  assert_string_equal(tn_error_get_hint(error),
                      "`tn_componentize` makes a component of a core module");
  assert_error(error, TN_ERROR_LINK,
               "lib.wasm is a core module: only components can be linked with");
  tn_component_delete(module);
  tn_linker_delete(linker);
}

static void components_of_another_engine_are_refused(void **state) {
  (void)state;
  tn_engine_options options;
  tn_engine_options_init(&options);
  tn_engine *first = engine, *second = NULL;
  assert_ok(tn_engine_new(&options, &second));
  engine = second;
  tn_linker *linker = linker_of(leaf("lib", "t:a/i"), NULL);
  engine = first;
  tn_linked *linked = NULL;
  assert_error(link_with(linker, stage("app", "t:a/i", "t:app/i"), &linked), TN_ERROR_ARGUMENT,
               "lib was loaded by another engine");
  tn_engine_delete(second);
}

/* ---- what is made ---------------------------------------------------------------------------------- */

static void what_nothing_imports_is_not_made(void **state) {
  (void)state;
  tn_component *lib = leaf("lib", "t:a/i");
  tn_component *other =
      load_named("other", "(component (core module $M (func $s unreachable) (start $s))"
                          " (core instance (instantiate $M))"
                          " (instance $i) (export \"t:other/i\" (instance $i)))");
  tn_component *app = stage("app", "t:a/i", "t:app/i");
  tn_linker *linker = linker_of(NULL, NULL);
  assert_ok(tn_linker_add_component(linker, lib, NULL));
  assert_ok(tn_linker_add_component(linker, other, NULL));
  tn_linked *linked = NULL;
  assert_ok(tn_linker_link(linker, app, &linked));
  assert_true(tn_linked_uses(linked, app));
  assert_true(tn_linked_uses(linked, lib));
  assert_false(tn_linked_uses(linked, other));
  tn_instance *instance = guest_instance(linked, NULL);
  assert_call(instance, "f(1)", "4");
  tn_instance_delete(instance);
  tn_linked_delete(linked);
  tn_linker_delete(linker);
  tn_component_delete(app);
  tn_component_delete(other);
  tn_component_delete(lib);
}

/* Two importers of one component share it: it counts their calls together. */
static void importers_share_one_instance(void **state) {
  (void)state;
  tn_component *counter = load_named(
      "counter", "(component (core module $M (global $n (mut i32) (i32.const 0))"
                 "  (func (export \"f\") (param i32) (result i32)"
                 "   (global.set $n (i32.add (global.get $n) (local.get 0))) (global.get $n)))"
                 " (core instance $m (instantiate $M))"
                 " (func $f (param \"x\" u32) (result u32) (canon lift (core func $m \"f\")))"
                 " (instance $i (export \"f\" (func $f))) (export \"t:count/i\" (instance $i)))");
  tn_component *app = load_named(
      "app",
      "(component"
      " (import \"t:count/i\" (instance $a (export \"f\" (func (param \"x\" u32) (result u32)))))"
      " (import \"t:b/i\" (instance $b (export \"f\" (func (param \"x\" u32) (result u32)))))"
      " (core func $f (canon lower (func $a \"f\"))) (core func $g (canon lower (func $b \"f\")))"
      " (core module $M (import \"\" \"f\" (func $f (param i32) (result i32)))"
      "  (import \"\" \"g\" (func $g (param i32) (result i32)))"
      "  (func (export \"f\") (result i32) (drop (call $f (i32.const 3)))"
      "   (drop (call $g (i32.const 4))) (call $f (i32.const 0))))"
      " (core instance $m (instantiate $M (with \"\" (instance (export \"f\" (func $f)) (export \"g\" (func $g))))))"
      " (func (export \"run\") (result u32) (canon lift (core func $m \"f\"))))");
  assert_linked_call(linker_of(counter, stage("b", "t:count/i", "t:b/i"), NULL), app, "run()", "7");
}

static void a_trap_in_a_linked_component_names_it(void **state) {
  (void)state;
  tn_component *lib = load_named(
      "lib.wasm",
      "(component (core module $M (func (export \"f\") (param i32) (result i32) unreachable))"
      " (core instance $m (instantiate $M))"
      " (func $f (param \"x\" u32) (result u32) (canon lift (core func $m \"f\")))"
      " (instance $i (export \"f\" (func $f))) (export \"t:a/i\" (instance $i)))");
  tn_linked *linked = NULL;
  assert_ok(link_with(linker_of(lib, NULL), stage("app.wasm", "t:a/i", "t:app/i"), &linked));
  tn_instance *instance = guest_instance(linked, NULL);
  tn_error *error = guest_invoke(instance, "f(1)");
  assert_non_null(error);
  assert_int_equal(tn_error_get_kind(error), TN_ERROR_TRAP);
  assert_int_equal(tn_error_frame_count(error), 2);
  assert_string_equal(tn_error_frame(error, 0)->component, "lib.wasm");
  assert_string_equal(tn_error_frame(error, 1)->component, "app.wasm");
  tn_error_delete(error);
  tn_instance_delete(instance);
  tn_linked_delete(linked);
}

static void *call_in_thread(void *linked) {
  for (int i = 0; i < 50; i++) {
    tn_instance_options options;
    tn_instance_options_init(&options);
    tn_instance *instance = NULL;
    char *result = NULL;
    if (tn_instance_new(linked, &options, &instance) != NULL) return NULL;
    if (tn_instance_invoke(instance, TN_STR("f(20)"), &result) != NULL || strcmp(result, "84") != 0)
      return NULL;
    tn_release(result);
    tn_instance_delete(instance);
  }
  return linked;
}

static void a_linked_graph_is_shared_by_threads(void **state) {
  (void)state;
  tn_linked *linked = NULL;
  tn_linker *linker = linker_of(leaf("a", "t:a/i"), stage("b", "t:a/i", "t:b/i"), NULL);
  assert_ok(link_with(linker, stage("app", "t:b/i", "t:app/i"), &linked));
  pthread_t threads[4];
  for (int i = 0; i < 4; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, call_in_thread, linked), 0);
  for (int i = 0; i < 4; i++) {
    void *result = NULL;
    pthread_join(threads[i], &result);
    assert_ptr_equal(result, linked);
  }
  tn_linked_delete(linked);
}

/* ---- memory ---------------------------------------------------------------------------------------- */

static tn_error *link_and_call(tn_linker *linker, const tn_component *app) {
  tn_linked *linked = NULL;
  tn_instance *instance = NULL;
  tn_instance_options options;
  tn_instance_options_init(&options);
  tn_error *error = tn_linker_link(linker, app, &linked);
  if (error == NULL) error = tn_instance_new(linked, &options, &instance);
  tn_linked_delete(linked);
  if (error == NULL) error = guest_invoke(instance, "f(9)");
  tn_instance_delete(instance);
  return error;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  tn_component *app = stage("app", "t:b/i", "t:app/i");
  tn_linker *linker = linker_of(leaf("a", "t:a/i"), stage("b", "t:a/i", "t:b/i"), NULL);
  int64_t allowed = 0;
  for (bool is_done = false; !is_done; allowed++) {
    assert_true(allowed < 10000);
    tn_alloc_fail_after(allowed);
    tn_error *error = link_and_call(linker, app);
    is_done = !tn_alloc_did_fail();
    tn_alloc_fail_after(-1);
    if (error != NULL) assert_int_equal(tn_error_get_kind(error), TN_ERROR_NO_MEMORY);
    if (is_done) assert_null(error);
    tn_error_delete(error);
  }
  assert_true(allowed > 20);
  tn_linker_delete(linker);
  tn_component_delete(app);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(exports_of_one_component_meet_imports_of_another),
      cmocka_unit_test(linked_components_import_from_each_other_in_any_order),
      cmocka_unit_test(versions_of_one_track_are_compatible),
      cmocka_unit_test(a_component_with_a_newer_version_goes_before_an_older_one),
      cmocka_unit_test(importers_of_compatible_versions_have_one_provider),
      cmocka_unit_test(the_newest_is_taken_where_all_are_older),
      cmocka_unit_test(components_go_before_the_host_and_may_import_from_it),
      cmocka_unit_test(a_component_may_stand_in_front_of_an_interface),
      cmocka_unit_test(what_stands_in_front_does_so_in_its_version),
      cmocka_unit_test(what_stands_in_front_does_so_for_all),
      cmocka_unit_test(functions_may_be_imported_without_an_interface),
      cmocka_unit_test(a_circle_is_refused_with_its_path),
      cmocka_unit_test(a_circle_through_what_is_linked_is_refused_with_its_path),
      cmocka_unit_test(the_host_goes_before_a_circle),
      cmocka_unit_test(interfaces_of_nothing_but_types_make_no_circle),
      cmocka_unit_test(names_the_component_whose_import_is_missing),
      cmocka_unit_test(a_mismatch_says_where_the_types_differ),
      cmocka_unit_test(a_mismatch_names_both_components),
      cmocka_unit_test(the_message_of_a_mismatch_stays_short),
      cmocka_unit_test(core_modules_cannot_be_linked_with),
      cmocka_unit_test(components_of_another_engine_are_refused),
      cmocka_unit_test(what_nothing_imports_is_not_made),
      cmocka_unit_test(importers_share_one_instance),
      cmocka_unit_test(a_trap_in_a_linked_component_names_it),
      cmocka_unit_test(a_linked_graph_is_shared_by_threads),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, guest_set_up, guest_tear_down);
}
