#include "test.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "tenon.h"

/* Everything through the public header: what a linker resolves, and what it says when it cannot. */

static tn_engine *engine;

static int set_up(void **state) {
  (void)state;
  tn_engine_options options;
  tn_engine_options_init(&options);
  options.consume_fuel = false;
  return tn_engine_new(&options, &engine) == NULL ? 0 : 1;
}

static int tear_down(void **state) {
  (void)state;
  tn_engine_delete(engine);
  return 0;
}

static tn_component *component_from(const char *text) {
  tn_component *component = NULL;
  assert_ok(tn_component_from_bytes(engine, text, strlen(text), "test", 0, &component));
  return component;
}

/* Links `text` with the linker, or an empty one. */
static tn_error *link_text(const char *text, tn_linker *linker, tn_linked **out) {
  tn_component *component = component_from(text);
  tn_linker *own = NULL;
  if (linker == NULL) assert_ok(tn_linker_new(&own));
  tn_error *error = tn_linker_link(linker != NULL ? linker : own, component, out);
  tn_linker_delete(own);
  tn_component_delete(component);
  return error;
}

static tn_instance *instance_of(const char *text, tn_linker *linker) {
  tn_linked *linked = NULL;
  tn_instance *instance = NULL;
  tn_instance_options options;
  tn_instance_options_init(&options);
  assert_ok(link_text(text, linker, &linked));
  assert_ok(tn_instance_new(linked, &options, &instance));
  tn_linked_delete(linked);
  return instance;
}

static void assert_call(tn_instance *instance, const char *call, const char *expected) {
  char *result = NULL;
  assert_ok(tn_instance_invoke(instance, tn_str_from(call), &result));
  assert_string_equal(result, expected);
  tn_release(result);
}

static const char add[] =
    "(component (core module $M (func (export \"add\") (param i32 i32) (result i32)"
    "  (i32.add (local.get 0) (local.get 1))))"
    " (core instance $m (instantiate $M))"
    " (func (export \"add\") (param \"a\" s32) (param \"b\" s32) (result s32)"
    "  (canon lift (core func $m \"add\"))))";

static void calls_an_exported_function(void **state) {
  (void)state;
  tn_instance *instance = instance_of(add, NULL);
  assert_call(instance, "add(40, 2)", "42");
  assert_call(instance, "add(-1, -2)", "-3");
  tn_instance_delete(instance);
}

static void finds_a_function_without_its_version_or_interface(void **state) {
  (void)state;
  tn_instance *instance =
      instance_of("(component (core module $M (func (export \"f\") (result i32) (i32.const 7)))"
                  " (core instance $m (instantiate $M))"
                  " (func $f (result u32) (canon lift (core func $m \"f\")))"
                  " (instance $i (export \"f\" (func $f))) (export \"a:b/c@1.2.3\" (instance $i)))",
                  NULL);
  assert_call(instance, "a:b/c@1.2.3#f()", "7");
  assert_call(instance, "a:b/c#f()", "7");
  assert_call(instance, "f()", "7");
  char *result = NULL;
  assert_error(tn_instance_invoke(instance, TN_STR("g()"), &result), TN_ERROR_NOT_FOUND,
               "no function `g`");
  tn_instance_delete(instance);
}

static const char importer[] =
    "(component (import \"t:host/i@0.2.1\" (instance $i (export \"f\" (func (param \"x\" u32) "
    "(result u32)))))"
    " (core func $f (canon lower (func $i \"f\")))"
    " (core module $M (import \"\" \"f\" (func $f (param i32) (result i32)))"
    "  (func (export \"run\") (param i32) (result i32) (call $f (local.get 0))))"
    " (core instance $m (instantiate $M (with \"\" (instance (export \"f\" (func $f))))))"
    " (func (export \"run\") (param \"x\" u32) (result u32) (canon lift (core func $m \"run\"))))";

static tn_error *twice(tn_call *call, void *data, const void *params, void *result) {
  (void)call, (void)data;
  *(uint32_t *)result = *(const uint32_t *)params * 2;
  return NULL;
}

static void matches_host_interfaces_by_semantic_version(void **state) {
  (void)state;
  static const char *const compatible[] = {"t:host/i@0.2.1", "t:host/i@0.2.9", "t:host/i@0.2.0"};
  for (size_t i = 0; i < 3; i++) {
    tn_linker *linker = NULL;
    assert_ok(tn_linker_new(&linker));
    assert_ok(
        tn_linker_define_func(linker, compatible[i], "f", "func(x: u32) -> u32", twice, NULL));
    tn_instance *instance = instance_of(importer, linker);
    assert_call(instance, "run(21)", "42");
    tn_instance_delete(instance);
    tn_linker_delete(linker);
  }
}

static void names_what_is_missing_and_what_is_at_hand(void **state) {
  (void)state;
  tn_linked *linked = NULL;
  assert_error(link_text(importer, NULL, &linked), TN_ERROR_LINK,
               "import `t:host/i@0.2.1` (interface) is not provided");
  tn_linker *linker = NULL;
  assert_ok(tn_linker_new(&linker));
  assert_ok(
      tn_linker_define_func(linker, "t:host/i@0.3.0", "f", "func(x: u32) -> u32", twice, NULL));
  tn_error *error = link_text(importer, linker, &linked);
  assert_non_null(error);
  assert_non_null(strstr(tn_error_get_hint(error), "t:host/i@0.3.0"));
  tn_error_delete(error);
  tn_linker_delete(linker);
}

/* Not that the version is wrong, which it is not. */
static void names_what_an_interface_of_the_host_lacks(void **state) {
  (void)state;
  tn_linked *linked = NULL;
  tn_linker *linker = NULL;
  assert_ok(tn_linker_new(&linker));
  assert_ok(
      tn_linker_define_func(linker, "t:host/i@0.2.4", "g", "func(x: u32) -> u32", twice, NULL));
  assert_error(link_text(importer, linker, &linked), TN_ERROR_LINK,
               "import `t:host/i@0.2.1#f` is not provided: the host's `t:host/i@0.2.4` has no "
               "function `f`, the component expects `func(x: u32) -> u32`");
  assert_error(link_text("(component (import \"t:host/i@0.2.1\" (instance"
                         " (export \"r\" (type (sub resource))))))",
                         linker, &linked),
               TN_ERROR_LINK, "the host's `t:host/i@0.2.4` has no resource `r`");
  tn_linker_delete(linker);
}

static void shows_both_types_when_they_differ(void **state) {
  (void)state;
  tn_linked *linked = NULL;
  tn_linker *linker = NULL;
  assert_ok(tn_linker_new(&linker));
  assert_ok(
      tn_linker_define_func(linker, "t:host/i@0.2.1", "f", "func(x: string) -> u32", twice, NULL));
  assert_error(link_text(importer, linker, &linked), TN_ERROR_LINK,
               "expects `func(x: u32) -> u32`, the host provides `func(x: string) -> u32`");
  tn_linker_delete(linker);
}

static void refuses_a_wrong_signature_where_it_is_defined(void **state) {
  (void)state;
  tn_linker *linker = NULL;
  assert_ok(tn_linker_new(&linker));
  assert_error(
      tn_linker_define_func(linker, "t:host/i@0.2.1", "f", "func(x: nonsense)", twice, NULL),
      TN_ERROR_ARGUMENT, "nonsense");
  assert_ok(
      tn_linker_define_func(linker, "t:host/i@0.2.1", "f", "func(x: u32) -> u32", twice, NULL));
  tn_linker_delete(linker);
}

static void refuses_a_name_that_no_import_can_have(void **state) {
  (void)state;
  static const struct {
    const char *interface, *func, *said;
  } wrong[] = {
      {"t:h/h h", "f", "`t:h/h h` is not the name of an interface: "},
      {"No W", "f", "`No W` is not the name of an interface: `No W` is not in kebab case"},
      {"t:host", "f", "`t:host` is not the name of an interface: expected `/` after package name"},
      {"t:h/i@1.x", "f", "`t:h/i@1.x` is not the name of an interface: invalid interface version"},
      {"[static]a.b", "f",
       "`[static]a.b` is not the name of an interface: functions are called so"},
      {"t:h/i", "h h", "`h h` is not the name of a function: `h h` is not in kebab case"},
      {"", "No W", "`No W` is not the name of a function"},
      {"t:h/i", "", "`` is not the name of a function"},
      {"t:h/i", "[method]counter", "`[method]counter` is not the name of a function"},
      {"t:h/i", "t:h/i", "`t:h/i` is not the name of a function: interfaces and components are"},
  };
  tn_linker *linker = NULL;
  assert_ok(tn_linker_new(&linker));
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    assert_error(
        tn_linker_define_func(linker, wrong[i].interface, wrong[i].func, "func()", twice, NULL),
        TN_ERROR_ARGUMENT, wrong[i].said);
  assert_error(tn_linker_define_types(linker, "No W", "type t = u32;"), TN_ERROR_ARGUMENT,
               "`No W` is not the name of an interface");
  assert_error(tn_linker_define_resource(linker, "t:h/i", "b c", NULL, NULL), TN_ERROR_ARGUMENT,
               "`b c` is not the name of a resource: it is not in kebab case");
  assert_ok(tn_linker_define_func(linker, "host", "is-XML", "func()", twice, NULL));
  tn_linker_delete(linker);
}

static void refuses_a_resource_whose_name_the_interface_has(void **state) {
  (void)state;
  tn_linker *linker = NULL;
  assert_ok(tn_linker_new(&linker));
  assert_ok(tn_linker_define_resource(linker, "t:h/i", "r", NULL, NULL));
  assert_ok(tn_linker_define_types(linker, "t:h/i", "type t = u32; record x { a: r }"));
  assert_error(tn_linker_define_resource(linker, "t:h/i", "r", NULL, NULL), TN_ERROR_ARGUMENT,
               "`t:h/i` has a resource `r` already");
  assert_error(tn_linker_define_resource(linker, "t:h/i", "t", NULL, NULL), TN_ERROR_ARGUMENT,
               "`t:h/i` has a type `t` already");
  assert_error(tn_linker_define_types(linker, "t:h/i", "record x { a: u8 }"), TN_ERROR_ARGUMENT,
               "in the types of t:h/i");
  assert_ok(tn_linker_define_resource(linker, "t:h/j", "r", NULL, NULL));
  assert_ok(tn_linker_define_func(linker, "t:h/i", "f", "func(x: x) -> t", twice, NULL));
  tn_linker_delete(linker);
}

static void refuses_what_is_missing_in_a_definition(void **state) {
  (void)state;
  tn_linker *linker = NULL;
  assert_ok(tn_linker_new(&linker));
  assert_error(tn_linker_define_func(linker, "t:h/i", "f", "func()", NULL, NULL), TN_ERROR_ARGUMENT,
               "the function `f` of `t:h/i` has no code: `func` is NULL");
  assert_error(tn_linker_define_func(linker, "t:h/i", "f", NULL, twice, NULL), TN_ERROR_ARGUMENT,
               "the function `f` of `t:h/i` has no signature: it is NULL");
  assert_error(tn_linker_define_func(linker, "t:h/i", NULL, "func()", twice, NULL),
               TN_ERROR_ARGUMENT, "the name of the function is NULL");
  assert_error(tn_linker_define_func(linker, NULL, "f", "func()", twice, NULL), TN_ERROR_ARGUMENT,
               "the name of the interface is NULL");
  assert_error(tn_linker_define_resource(linker, "t:h/i", NULL, NULL, NULL), TN_ERROR_ARGUMENT,
               "the name of the resource is NULL");
  assert_error(tn_linker_define_types(linker, "t:h/i", NULL), TN_ERROR_ARGUMENT,
               "the types of `t:h/i` are NULL");
  tn_linker_delete(linker);
}

static void a_refused_definition_hides_no_other_version_of_its_interface(void **state) {
  (void)state;
  tn_linker *linker = NULL;
  assert_ok(tn_linker_new(&linker));
  assert_ok(
      tn_linker_define_func(linker, "t:host/i@0.2.4", "f", "func(x: u32) -> u32", twice, NULL));
  assert_error(
      tn_linker_define_func(linker, "t:host/i@0.2.1", "f", "func(x: nonsense)", twice, NULL),
      TN_ERROR_ARGUMENT, "nonsense");
  tn_instance *instance = instance_of(importer, linker);
  assert_call(instance, "run(21)", "42");
  tn_instance_delete(instance);
  tn_linker_delete(linker);
}

/* A whole interface that is missing: what the component expects of it. */
static void names_what_is_expected_of_a_missing_interface(void **state) {
  (void)state;
  tn_linked *linked = NULL;
  assert_error(link_text(importer, NULL, &linked), TN_ERROR_LINK,
               "import `t:host/i@0.2.1` (interface) is not provided: the component expects `f: "
               "func(x: u32) -> u32` of it");
  assert_error(
      link_text(
          "(component (import \"t:h/i\" (instance (export \"r\" (type $r (sub resource)))"
          " (export \"[constructor]r\" (func (result (own $r)))) (export \"b\" (func))"
          " (export \"c\" (func)) (export \"d\" (func)) (export \"e\" (func)) (export \"f\" (func)))))",
          NULL, &linked),
      TN_ERROR_LINK,
      "is not provided: the component expects the resource `r`, `[constructor]r: func() -> r`, "
      "`b: func()`, `c: func()` and 3 more of it");
}

static void suggests_an_interface_of_a_similar_name(void **state) {
  (void)state;
  tn_linked *linked = NULL;
  tn_linker *linker = NULL;
  assert_ok(tn_linker_new(&linker));
  assert_ok(
      tn_linker_define_func(linker, "t:hots/i@0.2.1", "f", "func(x: u32) -> u32", twice, NULL));
  tn_error *error = link_text(importer, linker, &linked);
  assert_non_null(error);
  assert_non_null(strstr(tn_error_get_hint(error),
                         "the host provides `t:hots/i@0.2.1`: is that what is meant? Else "));
  tn_error_delete(error);
  tn_linker_delete(linker);
}

static void a_built_in_that_cannot_be_run_yet_is_named_when_it_is_called(void **state) {
  (void)state;
  tn_instance *instance = instance_of(
      "(component (core func $new (canon waitable-set.new)) (core func $index (canon thread.index))"
      " (core module $M (import \"\" \"new\" (func $new (result i32))) (import \"\" \"index\" "
      "(func (result i32)))"
      "  (func (export \"seven\") (result i32) (i32.const 7)) (func (export \"new\") (result i32) "
      "(call $new)))"
      " (core instance $m (instantiate $M (with \"\" (instance (export \"new\" (func $new)) "
      "(export \"index\" (func $index))))))"
      " (func (export \"seven\") (result u32) (canon lift (core func $m \"seven\")))"
      " (func (export \"new\") (result u32) (canon lift (core func $m \"new\"))))",
      NULL);
  assert_call(instance, "seven()", "7");
  char *result = NULL;
  assert_error(tn_instance_invoke(instance, TN_STR("new()"), &result), TN_ERROR_UNSUPPORTED,
               "`waitable-set.new`");
  tn_instance_delete(instance);
}

static void joins_components_of_one_file(void **state) {
  (void)state;
  tn_instance *instance = instance_of(
      "(component"
      " (component $A (core module $M (func (export \"inc\") (param i32) (result i32) (i32.add "
      "(local.get 0) (i32.const 1))))"
      "  (core instance $m (instantiate $M))"
      "  (func (export \"inc\") (param \"x\" u32) (result u32) (canon lift (core func $m "
      "\"inc\"))))"
      " (component $B (import \"inc\" (func $inc (param \"x\" u32) (result u32)))"
      "  (core func $inc' (canon lower (func $inc)))"
      "  (core module $M (import \"\" \"inc\" (func $inc (param i32) (result i32)))"
      "   (func (export \"twice\") (param i32) (result i32) (call $inc (call $inc (local.get 0)))))"
      "  (core instance $m (instantiate $M (with \"\" (instance (export \"inc\" (func $inc'))))))"
      "  (func (export \"twice\") (param \"x\" u32) (result u32) (canon lift (core func $m "
      "\"twice\"))))"
      " (instance $a (instantiate $A)) (instance $b (instantiate $B (with \"inc\" (func $a "
      "\"inc\"))))"
      " (export \"twice\" (func $b \"twice\")))",
      NULL);
  assert_call(instance, "twice(40)", "42");
  tn_instance_delete(instance);
}

static void a_module_is_called_like_a_component(void **state) {
  (void)state;
  tn_instance *instance = instance_of("(module (func (export \"neg\") (param i64) (result i64)"
                                      " (i64.sub (i64.const 0) (local.get 0))))",
                                      NULL);
  assert_call(instance, "neg(5)", "-5");
  tn_instance_delete(instance);
}

static void refuses_a_file_that_multiplies_instances(void **state) {
  (void)state;
  tn_buffer text = {0};
  tn_buffer_append_text(&text, "(component (component $c0)");
  for (int i = 1; i < 30; i++) {
    tn_buffer_format(&text,
                     "(component $c%d (alias outer 1 $c%d (component $x)) (instance (instantiate "
                     "$x)) (instance (instantiate $x)))",
                     i, i - 1);
  }
  tn_buffer_append_text(&text, "(instance (instantiate $c29)))");
  char *wat = tn_buffer_take(&text);
  tn_linked *linked = NULL;
  assert_error(link_text(wat, NULL, &linked), TN_ERROR_LIMIT, "component instances");
  tn_free(wat);
}

/* $M takes a memory from another module, so that its imports can be resolved only in an instance. */
static const char mixed[] =
    "(component (import \"t:host/i@0.2.1\" (instance $i (export \"f\" (func (param \"x\" u32) (result u32)))))"
    " (core func $f (canon lower (func $i \"f\")))"
    " (core module $Memory (memory (export \"mem\") 1) (data (i32.const 8) \"\\07\"))"
    " (core instance $memory (instantiate $Memory))"
    " (core module $M (import \"\" \"f\" (func $f (param i32) (result i32))) (import \"\" \"mem\" (memory 1))"
    "  (import \"\" \"again\" (func $again (param i32) (result i32)))"
    "  (func (export \"run\") (param i32) (result i32)"
    "   (i32.store8 (i32.const 8) (i32.add (i32.load8_u (i32.const 8)) (i32.const 1)))"
    "   (i32.add (call $again (call $f (local.get 0))) (i32.load8_u (i32.const 8)))))"
    " (core instance $m (instantiate $M (with \"\" (instance (export \"f\" (func $f)) (export \"again\" (func $f))"
    "  (export \"mem\" (memory $memory \"mem\"))))))"
    " (func (export \"run\") (param \"x\" u32) (result u32) (canon lift (core func $m \"run\"))))";

static void imports_from_the_host_and_from_modules_mix_in_every_instance(void **state) {
  (void)state;
  tn_linker *linker = NULL;
  assert_ok(tn_linker_new(&linker));
  assert_ok(
      tn_linker_define_func(linker, "t:host/i@0.2.1", "f", "func(x: u32) -> u32", twice, NULL));
  tn_linked *linked = NULL;
  assert_ok(link_text(mixed, linker, &linked));
  tn_linker_delete(linker);
  tn_instance_options options;
  tn_instance_options_init(&options);
  tn_instance *instances[3];
  for (size_t i = 0; i < 3; i++)
    assert_ok(tn_instance_new(linked, &options, &instances[i]));
  tn_linked_delete(linked); /* the instances keep what they need */
  assert_call(instances[0], "run(10)", "48");
  assert_call(instances[2], "run(10)", "48");
  tn_instance_delete(instances[0]);
  assert_call(instances[1], "run(1)", "12");
  tn_instance_delete(instances[1]);
  assert_call(instances[2], "run(1)", "13");
  tn_instance_delete(instances[2]);
}

static void every_failing_allocation_gives_a_clean_error(void **state) {
  (void)state;
  tn_component *component = component_from(mixed);
  tn_linker *linker = NULL;
  assert_ok(tn_linker_new(&linker));
  assert_ok(
      tn_linker_define_func(linker, "t:host/i@0.2.1", "f", "func(x: u32) -> u32", twice, NULL));
  bool failed = true;
  for (int64_t n = 0; failed; n++) {
    tn_linked *linked = NULL;
    tn_instance *instance = NULL;
    tn_instance_options options;
    tn_instance_options_init(&options);
    tn_alloc_fail_after(n);
    tn_error *error = tn_linker_link(linker, component, &linked);
    if (error == NULL) error = tn_instance_new(linked, &options, &instance);
    failed = tn_alloc_did_fail();
    tn_alloc_fail_after(-1);
    if (error != NULL) assert_int_equal(tn_error_get_kind(error), TN_ERROR_NO_MEMORY);
    assert_int_equal(failed, error != NULL);
    tn_error_delete(error);
    tn_instance_delete(instance);
    tn_linked_delete(linked);
  }
  tn_linker_delete(linker);
  tn_component_delete(component);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(calls_an_exported_function),
      cmocka_unit_test(finds_a_function_without_its_version_or_interface),
      cmocka_unit_test(matches_host_interfaces_by_semantic_version),
      cmocka_unit_test(names_what_is_missing_and_what_is_at_hand),
      cmocka_unit_test(names_what_an_interface_of_the_host_lacks),
      cmocka_unit_test(shows_both_types_when_they_differ),
      cmocka_unit_test(refuses_a_wrong_signature_where_it_is_defined),
      cmocka_unit_test(refuses_a_name_that_no_import_can_have),
      cmocka_unit_test(refuses_a_resource_whose_name_the_interface_has),
      cmocka_unit_test(refuses_what_is_missing_in_a_definition),
      cmocka_unit_test(a_refused_definition_hides_no_other_version_of_its_interface),
      cmocka_unit_test(names_what_is_expected_of_a_missing_interface),
      cmocka_unit_test(suggests_an_interface_of_a_similar_name),
      cmocka_unit_test(a_built_in_that_cannot_be_run_yet_is_named_when_it_is_called),
      cmocka_unit_test(joins_components_of_one_file),
      cmocka_unit_test(a_module_is_called_like_a_component),
      cmocka_unit_test(refuses_a_file_that_multiplies_instances),
      cmocka_unit_test(imports_from_the_host_and_from_modules_mix_in_every_instance),
      cmocka_unit_test(every_failing_allocation_gives_a_clean_error),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
