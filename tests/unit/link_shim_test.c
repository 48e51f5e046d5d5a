/* Shims: linking does without them and their fix-ups where they are exactly of the form that it knows, and nowhere
 * else. Whether it does or not, the component does the same. */
#include "api/api.h"
#include "guest.h"

/* ---- parts of a component as tools make it -------------------------------------------------------------- */

#define T           "(type (func (param i32 i32) (result i32)))"
#define PASS(index) "local.get 0 local.get 1 i32.const " index " call_indirect (type 0)"
#define SHIM                                                                                       \
  T "(table (export \"$imports\") 1 1 funcref) (func (export \"0\") (type 0) " PASS("0") ")"
#define FIX_IMPORTS                                                                                \
  T "(import \"\" \"0\" (func (type 0))) (import \"\" \"$imports\" (table 1 1 funcref))"
#define FIX     FIX_IMPORTS "(elem (i32.const 0) func 0)"
#define MAIN    ""
#define IMPORTS "(export \"0\" (func $length)) (export \"$imports\" (table $shim \"$imports\"))"

/* Calls `length` of the host with the string at `at`. */
#define COMPONENT(shim, main, with_main, fix, with_fix, more)                                         \
  "(component (import \"length\" (func $f (param \"s\" string) (result u32)))"                        \
  " (core module $Shim " shim ") (core instance $shim (instantiate $Shim))"                           \
  " (core module $Main (import \"host\" \"length\" (func $length (param i32 i32) (result i32)))" main \
  "  (memory (export \"mem\") 1) (data (i32.const 8) \"hello\")"                                      \
  "  (global $g (mut i32) (i32.const 0))"                                                             \
  "  (func (export \"_initialize\") (global.set $g (i32.const 100)))"                                 \
  "  (func (export \"go\") (result i32)"                                                              \
  "   (i32.add (global.get $g) (call $length (i32.const 8) (i32.const 5)))))"                         \
  " (core instance $m (instantiate $Main"                                                             \
  "  (with \"host\" (instance (export \"length\" (func $shim \"0\")) " with_main "))))"               \
  " (core func $length (canon lower (func $f) (memory $m \"mem\")))"                                  \
  " (core module $Fix " fix ") (core instance (instantiate $Fix (with \"\" (instance " with_fix       \
  "))))"                                                                                              \
  " (func (export \"go\") (result u32) (canon lift (core func $m \"go\"))) " more ")"

#define WITH_SHIM(shim) COMPONENT(shim, MAIN, "", FIX, IMPORTS, "")
#define WITH_FIX(fix)   COMPONENT(SHIM, MAIN, "", fix, IMPORTS, "")

/* ---- running them --------------------------------------------------------------------------------------- */

static tn_error *length_of(tn_call *call, void *data, const void *params, void *result) {
  (void)call, (void)data;
  *(uint32_t *)result = (uint32_t)((const tn_str *)params)->len;
  return NULL;
}

static tn_linker *linker_with_host(void) {
  tn_linker *linker = NULL;
  assert_ok(tn_linker_new(&linker));
  assert_ok(tn_linker_define_func(linker, "", "length", "func(s: string) -> u32", length_of, NULL));
  return linker;
}

static uint32_t instantiations(const tn_linked *linked) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < linked->plan.step_count; i++)
    count += linked->plan.steps[i].kind == TN_STEP_INSTANTIATE;
  return count;
}

/* How many core instances it has, after calling "go" in two instances. */
static uint32_t run(const char *text, const char *expected) {
  tn_linker *linker = linker_with_host();
  tn_linked *linked = guest_link(engine, text, linker);
  uint32_t count = instantiations(linked);
  for (int i = 0; i < 2; i++) {
    tn_instance *instance = guest_instance(linked, NULL);
    assert_call(instance, "go()", expected);
    assert_call(instance, "go()", expected);
    tn_instance_delete(instance);
  }
  tn_linked_delete(linked);
  tn_linker_delete(linker);
  return count;
}

enum { BYPASSED = 1, KEPT = 3 };

typedef struct variant {
  const char *text;
  const char *expected;
} variant;

static void assert_all(const variant *variants, size_t count, uint32_t instances) {
  for (size_t i = 0; i < count; i++) {
    uint32_t made = run(variants[i].text, variants[i].expected);
    if (made != instances)
      fail_msg("%u core instances instead of %u: %s", made, instances, variants[i].text);
  }
}
#define ASSERT_ALL(variants, instances)                                                            \
  assert_all(variants, sizeof variants / sizeof *variants, instances)

/* ---- the form ------------------------------------------------------------------------------------------- */

static void does_without_a_shim_and_its_fix_up(void **state) {
  (void)state;
  static const variant variants[] = {
      {WITH_SHIM(SHIM), "5"},
      {COMPONENT(
           T "(table (export \"$imports\") 1 funcref) (func (export \"0\") (type 0) " PASS("0") ")",
           MAIN, "",
           T "(import \"\" \"0\" (func (type 0))) (import \"\" \"$imports\" (table 1 funcref))"
             "(elem (i32.const 0) func 0)",
           IMPORTS, ""),
       "5"},
      {WITH_SHIM(SHIM "(@custom \"producers\" \"x\")"), "5"},
      {COMPONENT(T "(table (export \"$imports\") 2 2 funcref) (func (export \"1\") (type 0) " PASS(
                     "0") ")"
                          "(func (export \"0\") (type 0) " PASS("1") ")",
                 MAIN, "",
                 T "(import \"\" \"0\" (func (type 0))) (import \"\" \"1\" (func (type 0)))"
                   "(import \"\" \"$imports\" (table 2 2 funcref)) (elem (i32.const 0) func 0 1)",
                 IMPORTS "(export \"1\" (func $length))", ""),
       "5"},
  };
  ASSERT_ALL(variants, BYPASSED);
}

static void calls_what_a_fix_up_starts(void **state) {
  (void)state;
  static const variant variants[] = {
      {COMPONENT(
           SHIM, MAIN, "",
           T
           "(type (func)) (import \"\" \"0\" (func (type 0))) (import \"\" \"start\" (func (type 1)))"
           "(import \"\" \"$imports\" (table 1 1 funcref)) (start 1) (elem (i32.const 0) func 0)",
           IMPORTS "(export \"start\" (func $m \"_initialize\"))", ""),
       "105"},
  };
  ASSERT_ALL(variants, BYPASSED);
}

/* ---- what is close to it -------------------------------------------------------------------------------- */

static void keeps_a_shim_that_does_anything_else(void **state) {
  (void)state;
#define TABLE "(table (export \"$imports\") 1 1 funcref)"
  static const variant variants[] = {
      {WITH_SHIM(T TABLE "(func (export \"0\") (type 0) nop " PASS("0") ")"), "5"},
      {WITH_SHIM(T TABLE "(func (export \"0\") (type 0) (local i32) " PASS("0") ")"), "5"},
      {WITH_SHIM(
           T TABLE
           "(func (export \"0\") (type 0) local.get 1 local.get 0 i32.const 0 call_indirect (type 0))"),
       "8"},
      {WITH_SHIM(
           T TABLE
           "(func (export \"0\") (type 0) local.get 0 i32.const 3 i32.const 0 call_indirect (type 0))"),
       "3"},
      {WITH_SHIM(T TABLE "(func (export \"0\") (type 0) " PASS("0") " i32.const 1 i32.add)"), "6"},
      {WITH_SHIM(T T TABLE "(func (export \"0\") (type 1) " PASS("0") ")"), "5"},
      {WITH_SHIM(SHIM "(func (type 0) i32.const 1)"), "5"},
      {WITH_SHIM(SHIM "(memory 1)"), "5"},
      {WITH_SHIM(SHIM "(global (mut i32) (i32.const 0))"), "5"},
      {WITH_SHIM(SHIM "(table 1 1 funcref)"), "5"},
      {WITH_SHIM(SHIM "(type (func)) (func $s (type 1)) (start $s)"), "5"},
      {WITH_SHIM(
           T
           "(table 1 1 funcref) (table (export \"$imports\") 1 1 funcref)"
           "(func (export \"0\") (type 0) local.get 0 local.get 1 i32.const 0 call_indirect 1 (type 0))"),
       "5"},
      {WITH_SHIM(T "(table (export \"$imports\") 1 1 funcref) (elem declare func 0)"
                   "(func (export \"0\") (type 0) " PASS("0") ")"),
       "5"},
  };
  ASSERT_ALL(variants, KEPT);
}

static void keeps_a_fix_up_that_does_anything_else(void **state) {
  (void)state;
#define TWO(table, elements)                                                                       \
  T "(import \"\" \"0\" (func (type 0))) (import \"\" \"$imports\" (table " table                  \
    " funcref))" elements
#define WIDE(fix)                                                                                  \
  COMPONENT(                                                                                       \
      T "(table (export \"$imports\") 2 2 funcref) (func (export \"0\") (type 0) " PASS("1") ")",  \
      MAIN, "", fix, IMPORTS, "")
  static const variant variants[] = {
      {WIDE(TWO("2 2", "(elem (i32.const 1) func 0)")), "5"},
      {WIDE(TWO("2 2", "(elem (i32.const 0) func 0 0)")), "5"},
      {WITH_FIX(FIX "(func (type 0) i32.const 1)"), "5"},
      {WITH_FIX(FIX "(memory 1)"), "5"},
      {WITH_FIX(FIX "(export \"f\" (func 0))"), "5"},
      {WITH_FIX(FIX "(elem (i32.const 0) func 0)"), "5"},
      {WITH_FIX(FIX "(elem declare func 0)"), "5"},
      {WITH_FIX(FIX_IMPORTS "(elem (table 0) (i32.const 0) funcref (ref.func 0))"), "5"},
      {WITH_FIX(FIX "(type (func)) (func $s (type 1)) (start $s)"), "5"},
      {WITH_FIX(FIX_IMPORTS "(global i32 (i32.const 0)) (elem (i32.const 0) func 0)"), "5"},
  };
  ASSERT_ALL(variants, KEPT);
}

/* ---- whoever else could see it -------------------------------------------------------------------------- */

static void keeps_a_shim_that_others_use_in_other_ways(void **state) {
  (void)state;
  static const variant variants[] = {
      {COMPONENT(SHIM, "(import \"host\" \"t\" (table 1 1 funcref))",
                 "(export \"t\" (table $shim \"$imports\"))", FIX, IMPORTS, ""),
       "5"},
      {COMPONENT(SHIM, MAIN, "", FIX, IMPORTS,
                 "(func (export \"more\") (param \"x\" u32) (param \"y\" u32) (result u32)"
                 " (canon lift (core func $shim \"0\")))"),
       "5"},
      {COMPONENT(SHIM, "(func $start) (start $start)", "", FIX, IMPORTS, ""), "5"},
  };
  ASSERT_ALL(variants, KEPT);
}

/* The table is empty when the main module starts: to call through it is a trap, and stays one. */
static void lets_nothing_call_before_the_table_is_filled(void **state) {
  (void)state;
  tn_linker *linker = linker_with_host();
  tn_linked *linked = guest_link(
      engine,
      COMPONENT(SHIM,
                "(func $start (drop (call $length (i32.const 8) (i32.const 5)))) (start $start)",
                "", FIX, IMPORTS, ""),
      linker);
  tn_instance *instance = NULL;
  tn_instance_options options = guest_options();
  assert_error(tn_instance_new(linked, &options, &instance), TN_ERROR_TRAP,
               "uninitialized element");
  tn_linked_delete(linked);
  tn_linker_delete(linker);
}

/* Each imports from the next one, and has a shim and what fills it; the last one imports from the host. */
static const char part[] =
    COMPONENT(SHIM, MAIN, "", FIX, IMPORTS,
              "(import \"t:l%d/i\" (instance (export \"go\" (func (result u32)))))"
              "(instance $o (export \"go\" (func 1))) (export \"t:l%d/i\" (instance $o))");

static tn_component *part_of(int number) {
  char text[sizeof part + 32];
  snprintf(text, sizeof text, part, number + 1, number);
  return guest_component(engine, text);
}

/* Parts 1 to `count` - 1. */
static tn_linker *linker_with_parts(int count) {
  char last[16];
  snprintf(last, sizeof last, "t:l%d/i", count);
  tn_linker *linker = linker_with_host();
  assert_ok(tn_linker_define_func(linker, last, "go", "func() -> u32", length_of, NULL));
  for (int i = 1; i < count; i++) {
    tn_component *component = part_of(i);
    assert_ok(tn_linker_add_component(linker, component, NULL));
    tn_component_delete(component);
  }
  return linker;
}

static void does_without_the_shims_of_all_components_of_a_link(void **state) {
  (void)state;
  enum { COUNT = 40 };
  tn_linker *linker = linker_with_parts(COUNT);
  tn_component *first = part_of(0);
  tn_linked *linked = NULL;
  assert_ok(tn_linker_link(linker, first, &linked));
  assert_int_equal(linked->plan.file_count, COUNT);
  assert_int_equal(instantiations(linked), COUNT);
  tn_instance *instance = guest_instance(linked, NULL);
  assert_call(instance, "t:l0/i#go()", "5");
  tn_instance_delete(instance);
  tn_linked_delete(linked);
  tn_component_delete(first);
  tn_linker_delete(linker);
}

static void each_failing_allocation_is_a_clean_error(void **state) {
  (void)state;
  tn_linker *linker = linker_with_parts(3);
  tn_component *first = part_of(0);
  int64_t allowed = 0;
  for (bool is_done = false; !is_done; allowed++) {
    tn_linked *linked = NULL;
    tn_alloc_fail_after(allowed);
    tn_error *error = tn_linker_link(linker, first, &linked);
    is_done = !tn_alloc_did_fail();
    tn_alloc_fail_after(-1);
    if (error == NULL)
      tn_linked_delete(linked);
    else
      assert_error(error, TN_ERROR_NO_MEMORY, "");
  }
  assert_true(allowed > 10);
  tn_component_delete(first);
  tn_linker_delete(linker);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(does_without_a_shim_and_its_fix_up),
      cmocka_unit_test(does_without_the_shims_of_all_components_of_a_link),
      cmocka_unit_test(calls_what_a_fix_up_starts),
      cmocka_unit_test(keeps_a_shim_that_does_anything_else),
      cmocka_unit_test(keeps_a_fix_up_that_does_anything_else),
      cmocka_unit_test(keeps_a_shim_that_others_use_in_other_ways),
      cmocka_unit_test(lets_nothing_call_before_the_table_is_filled),
      cmocka_unit_test(each_failing_allocation_is_a_clean_error),
  };
  return cmocka_run_group_tests(tests, guest_set_up, guest_tear_down);
}
