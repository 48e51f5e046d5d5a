/* Instances on a loop that they share, and those that are made anew with the memory of one that has ended: a guest
 * cannot tell them from others. */
#include "guest_loop.h"

static int set_up(void **state) {
  (void)state;
  return guest_loop_set_up(false);
}

/* `count` counts in a global, a memory and a table that grows; `echo` needs memory of the host's for its call. */
static const char counter[] =
    "(component (core module $M (memory (export \"mem\") 1 4) (global $g (mut i32) (i32.const 0)) (table 1 8 funcref)"
    "  (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 4096))"
    "  (func (export \"count\") (result i32)"
    "   (global.set $g (i32.add (global.get $g) (i32.const 1)))"
    "   (i32.store (i32.const 60000) (i32.add (i32.load (i32.const 60000)) (i32.const 10)))"
    "   (drop (memory.grow (i32.const 1))) (drop (table.grow (ref.null func) (i32.const 1)))"
    "   (i32.add (i32.add (global.get $g) (i32.load (i32.const 60000)))"
    "    (i32.add (i32.mul (memory.size) (i32.const 100)) (i32.mul (table.size) (i32.const 1000)))))"
    "  (func (export \"echo\") (param i32 i32) (result i32)"
    "   (i32.store (i32.const 0) (local.get 0)) (i32.store (i32.const 4) (local.get 1)) (i32.const 0))"
    "  (func (export \"spin\") (loop $again (br $again)))"
    "  (func (export \"trap\") unreachable)" GUEST_FINE_CORE ")"
    " (core instance $m (instantiate $M))"
    " (func (export \"count\") (result u32) (canon lift (core func $m \"count\")))"
    " (func (export \"echo\") (param \"s\" string) (result string) (canon lift (core func $m \"echo\")"
    "  (memory (core memory $m \"mem\")) (realloc (core func $m \"realloc\"))))"
    " (func (export \"spin\") (canon lift (core func $m \"spin\")))"
    " (func (export \"trap\") (canon lift (core func $m \"trap\")))" GUEST_FINE ")";

static void renew(tn_instance *instance) {
  tn_instance_options options = guest_options();
  tn_instance_end(instance);
  assert_ok(tn_instance_renew(instance, &options));
}

static void assert_fresh(tn_instance *instance) {
  assert_call(instance, "count()", "2211");
  assert_call(instance, "count()", "3322");
  assert_call(instance, "echo(\"a\")", "\"a\"");
}

/* ---- one loop ------------------------------------------------------------------------------------------- */

static void several_instances_share_a_loop(void **state) {
  (void)state;
  tn_linked *linked = guest_link(engine, counter, NULL);
  tn_instance *first = guest_instance_on(linked, loop), *second = guest_instance_on(linked, loop);
  assert_ptr_equal(tn_instance_guest(first)->loop, loop);
  assert_fresh(first);
  assert_fresh(second);
  tn_instance_delete(first);
  assert_call(second, "count()", "4433");
  tn_instance_delete(second);
  tn_linked_delete(linked);
}

/* ---- renewal -------------------------------------------------------------------------------------------- */

static void a_renewed_instance_knows_nothing_of_the_one_before(void **state) {
  (void)state;
  tn_linked *linked = guest_link(engine, counter, NULL);
  tn_instance *instance = guest_instance_on(linked, loop);
  for (int i = 0; i < 20; i++) {
    assert_fresh(instance);
    renew(instance);
  }
  tn_instance_delete(instance);
  tn_linked_delete(linked);
}

static void a_renewed_instance_works_after_a_trap(void **state) {
  (void)state;
  tn_linked *linked = guest_link(engine, counter, NULL);
  tn_instance *instance = guest_instance_on(linked, loop);
  assert_error(guest_invoke(instance, "trap()"), TN_ERROR_TRAP, "unreachable");
  assert_error(guest_invoke(instance, "fine()"), TN_ERROR_POISONED, "earlier error");
  renew(instance);
  assert_fresh(instance);
  tn_instance_delete(instance);
  tn_linked_delete(linked);
}

static void a_cancellation_and_a_time_limit_end_with_their_guest(void **state) {
  (void)state;
  tn_linked *linked = guest_link(engine, counter, NULL);
  tn_instance *instance = guest_instance_on(linked, loop);
  tn_instance_cancel(instance);
  assert_error(guest_invoke(instance, "fine()"), TN_ERROR_CANCELLED, "cancelled");
  tn_instance_end(instance);
  tn_instance_options options = guest_options();
  options.timeout = 20000000;
  assert_ok(tn_instance_renew(instance, &options));
  assert_error(guest_invoke(instance, "spin()"), TN_ERROR_TIMEOUT, "limit");
  renew(instance);
  assert_fresh(instance);
  assert_int_equal(tn_instance_guest(instance)->deadline, UINT64_MAX);
  tn_instance_delete(instance);
  tn_linked_delete(linked);
}

static void an_instance_can_be_renewed_after_that_has_failed(void **state) {
  (void)state;
  tn_linked *linked = guest_link(engine, counter, NULL);
  tn_instance *instance = guest_instance_on(linked, loop);
  tn_instance_options options = guest_options();
  options.max_memory_bytes = 1024;
  tn_instance_end(instance);
  assert_error(tn_instance_renew(instance, &options), TN_ERROR_MEMORY_LIMIT, "limit");
  renew(instance);
  assert_fresh(instance);
  tn_instance_end(instance);
  tn_instance_delete(instance);
  tn_linked_delete(linked);
}

static void renewal_survives_any_failed_allocation(void **state) {
  (void)state;
  tn_linked *linked = guest_link(engine, counter, NULL);
  tn_instance_options options = guest_options();
  bool failed = true;
  for (int allowed = 0; failed; allowed++) {
    tn_instance *instance = NULL;
    tn_alloc_fail_after(allowed);
    tn_error *error = tn_instance_new_on(linked, &options, loop, &instance);
    if (error == NULL) {
      tn_instance_end(instance);
      error = tn_instance_renew(instance, &options);
    }
    failed = tn_alloc_did_fail();
    tn_alloc_fail_after(-1);
    assert_true(failed == (error != NULL));
    tn_error_delete(error);
    if (instance != NULL) {
      renew(instance);
      assert_fresh(instance);
    }
    tn_instance_delete(instance);
  }
  tn_linked_delete(linked);
}

/* ---- exports -------------------------------------------------------------------------------------------- */

static void finds_exports_of_any_patch_version(void **state) {
  (void)state;
  tn_linked *linked = guest_link(
      engine,
      "(component (core module $M (func (export \"f\"))) (core instance $m (instantiate $M))"
      " (func $f (canon lift (core func $m \"f\"))) (func (export \"f\") (canon lift (core func $m \"f\")))"
      " (instance $i (export \"f\" (func $f)) (export \"ff\" (func $f)))"
      " (export \"a:b/other@0.2.0\" (instance $i)) (export \"a:b/c@0.3.0\" (instance $i))"
      " (export \"a:b/cc@0.2.1\" (instance $i)) (export \"a:b/c@0.2.17\" (instance $i)))",
      NULL);
  size_t index = tn_linked_find_export(linked, TN_STR("a:b/c"), TN_STR("ff"));
  assert_true(index < linked->plan.export_count);
  assert_true(tn_str_equal(linked->plan.exports[index].name, TN_STR("a:b/c@0.2.17#ff")));
  assert_int_equal(tn_linked_find_export(linked, TN_STR("a:b/c"), TN_STR("g")), SIZE_MAX);
  assert_int_equal(tn_linked_find_export(linked, TN_STR("a:b/d"), TN_STR("f")), SIZE_MAX);
  assert_int_equal(tn_linked_find_export(linked, TN_STR("b/c"), TN_STR("f")), SIZE_MAX);
  tn_instance *instance = guest_instance_on(linked, loop);
  const tn_func *func = tn_instance_func_at(instance, index);
  assert_true(tn_str_equal(tn_func_name(func), TN_STR("a:b/c@0.2.17#ff")));
  assert_null(tn_instance_func_at(instance, SIZE_MAX));
  tn_instance_delete(instance);
  tn_linked_delete(linked);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(several_instances_share_a_loop),
      cmocka_unit_test(a_renewed_instance_knows_nothing_of_the_one_before),
      cmocka_unit_test(a_renewed_instance_works_after_a_trap),
      cmocka_unit_test(a_cancellation_and_a_time_limit_end_with_their_guest),
      cmocka_unit_test(an_instance_can_be_renewed_after_that_has_failed),
      cmocka_unit_test(renewal_survives_any_failed_allocation),
      cmocka_unit_test(finds_exports_of_any_patch_version),
  };
  return cmocka_run_group_tests(tests, set_up, guest_loop_tear_down);
}
