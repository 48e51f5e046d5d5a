/* Compiled calls between components: found when the file is compiled, kept with it, used when it is linked, and
 * done without where they cannot be had. */
#include "base/alloc.h"
#include "engine_test.h"
#include "link/compiled.h"
#include "link/instance.h"
#include "link/plan.h"

static tn_core_engine *engine;

static int set_up(void **state) {
  (void)state;
  tn_engine_options options = test_options();
  return tn_core_engine_new(&options, &engine) == NULL ? 0 : 1;
}

static int tear_down(void **state) {
  (void)state;
  tn_core_engine_delete(engine);
  return 0;
}

/* The root passes "hello" from one component to another, which returns its length. */
#define PAIR(callee_memory, callee_canon)                                                          \
  "(component"                                                                                     \
  " (component $callee"                                                                            \
  "  (core module $M (memory (export \"mem\") " callee_memory ")"                                  \
  "   (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 64))"             \
  "   (func (export \"len\") (param i32 i32) (result i32)"                                         \
  "    (i32.add (local.get 1) (i32.load8_u (local.get 0)))))"                                      \
  "  (core instance $m (instantiate $M)) " callee_canon                                            \
  "  (func (export \"len\") (param \"s\" string) (result u32) (canon lift (core func $m \"len\")"  \
  "   (memory $m \"mem\") (realloc (func $m \"realloc\")))))"                                      \
  " (component $caller (import \"len\" (func $len (param \"s\" string) (result u32)))"             \
  "  (core module $L (memory (export \"mem\") 1) (data (i32.const 8) \"hello\"))"                  \
  "  (core instance $l (instantiate $L))"                                                          \
  "  (core func $len (canon lower (func $len) (memory $l \"mem\")))"                               \
  "  (core module $M (import \"\" \"len\" (func $len (param i32 i32) (result i32)))"               \
  "   (func (export \"go\") (result i32) (call $len (i32.const 8) (i32.const 5))))"                \
  "  (core instance $m (instantiate $M (with \"\" (instance (export \"len\" (func $len))))))"      \
  "  (func (export \"go\") (result u32) (canon lift (core func $m \"go\"))))"                      \
  " (instance $a (instantiate $callee)) (instance $b (instantiate $caller (with \"len\" (func $a " \
  "\"len\"))))"                                                                                    \
  " (func (export \"go\") (alias export $b \"go\")))"

enum { EXPECTED = 5 + 'h' };

static tn_compiled load(tn_str bytes, unsigned flags) {
  tn_compiled_source source = {.name = TN_STR("pair"), .bytes = bytes, .flags = flags};
  tn_compiled compiled;
  assert_ok(tn_compiled_load(engine, &source, &compiled));
  return compiled;
}

static tn_plan link_alone(const tn_compiled *compiled) {
  tn_linker *linker = NULL;
  tn_plan plan;
  assert_ok(tn_linker_new(&linker));
  assert_ok(tn_plan_make(compiled, linker, NULL, &plan));
  tn_linker_delete(linker);
  return plan;
}

/* Calls "go" twice, and tells whether the flags have moved to an adapter's memory. */
static bool call_go(const tn_plan *plan) {
  tn_store_limits limits = no_limits();
  tn_plan_instantiated instance = {.runtime.max_handles = 10};
  assert_ok(tn_plan_instantiate(plan, &limits, NULL, NULL, &instance));
  for (int i = 0; i < 2; i++) {
    uint32_t result = 0;
    tn_arena arena = {0};
    assert_ok(tn_canon_call(&instance.runtime, plan->exports[0].lifted, NULL, &result, &arena));
    assert_int_equal(result, EXPECTED);
    tn_arena_free(&arena);
  }
  /* Without an adapter they are in the block that has the runtime's own arrays, which is small. */
  uintptr_t distance = (uintptr_t)instance.runtime.instances[0].flags - (uintptr_t)instance.block;
  bool is_adapted = distance > 1 << 16;
  tn_plan_instantiated_free(&instance);
  return is_adapted;
}

static void calls_between_components_are_compiled(void **state) {
  (void)state;
  tn_compiled compiled = load(TN_STR(PAIR("1", "")), 0);
  assert_int_equal(compiled.adapter_count, 1);
  tn_plan plan = link_alone(&compiled);
  assert_int_equal(plan.adapter_count, 1);
  assert_true(call_go(&plan));
  tn_plan_free(&plan);
  tn_compiled_free(&compiled);
}

static void an_artifact_brings_its_adapters_along(void **state) {
  (void)state;
  tn_compiled compiled = load(TN_STR(PAIR("1", "")), 0);
  uint8_t *bytes = NULL;
  size_t size = 0;
  assert_ok(tn_compiled_artifact(&compiled, &bytes, &size));
  tn_compiled again = load((tn_str){(const char *)bytes, size}, TN_LOAD_ARTIFACT);
  assert_int_equal(again.adapter_count, 1);
  tn_plan plan = link_alone(&again);
  assert_true(call_go(&plan));
  tn_plan_free(&plan);
  tn_compiled_free(&again);
  tn_compiled_free(&compiled);
  tn_free(bytes);
}

static void a_file_without_its_adapters_is_interpreted(void **state) {
  (void)state;
  tn_compiled compiled = load(TN_STR(PAIR("1", "")), 0);
  tn_compiled without = compiled;
  without.adapter_count = 0;
  tn_plan plan = link_alone(&without);
  assert_int_equal(plan.adapter_count, 0);
  assert_false(call_go(&plan));
  tn_plan_free(&plan);
  tn_compiled_free(&compiled);
}

/* An adapter cannot import a memory whose pages have another size. */
static void an_adapter_that_does_not_fit_is_done_without(void **state) {
  (void)state;
  tn_compiled compiled = load(TN_STR(PAIR("65536 (pagesize 1)", "")), 0);
  assert_int_equal(compiled.adapter_count, 1);
  tn_plan plan = link_alone(&compiled);
  assert_false(call_go(&plan));
  tn_plan_free(&plan);
  tn_compiled_free(&compiled);
}

static void a_callee_that_looks_at_its_task_is_interpreted(void **state) {
  (void)state;
  tn_compiled compiled = load(TN_STR(PAIR("1", "(core func (canon context.get i32 0))")), 0);
  assert_int_equal(compiled.adapter_count, 0);
  tn_compiled_free(&compiled);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(calls_between_components_are_compiled),
      cmocka_unit_test(an_artifact_brings_its_adapters_along),
      cmocka_unit_test(a_file_without_its_adapters_is_interpreted),
      cmocka_unit_test(an_adapter_that_does_not_fit_is_done_without),
      cmocka_unit_test(a_callee_that_looks_at_its_task_is_interpreted),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
