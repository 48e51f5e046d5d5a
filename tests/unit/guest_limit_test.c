#include <pthread.h>
#include <unistd.h>

#include "guest.h"

/* Guests that want more than they may have: time, fuel, stack, memory, tables, instances, handles. */

static tn_engine *fuel_engine;

static int set_up(void **state) {
  tn_engine_options options;
  tn_engine_options_init(&options);
  options.consume_fuel = true;
  return tn_engine_new(&options, &fuel_engine) == NULL ? guest_set_up(state) : 1;
}

static int tear_down(void **state) {
  tn_engine_delete(fuel_engine);
  return guest_tear_down(state);
}

static const char greedy[] = GUEST(
    "(memory (export \"memory\") 1) (table $t 1 funcref)"
    " (func (export \"spin\") (loop $again (br $again)))"
    " (func $recurse (export \"recurse\") (call $recurse) (call $recurse))"
    " (func (export \"grow\") (loop $again (br_if $again (i32.ge_s (memory.grow (i32.const 1)) "
    "(i32.const 0)))))"
    " (func (export \"fill\") (loop $again"
    "  (br_if $again (i32.ge_s (table.grow $t (ref.null func) (i32.const 1000)) (i32.const 0)))))",
    " (func (export \"spin\") (canon lift (core func $m \"spin\")))"
    " (func (export \"recurse\") (canon lift (core func $m \"recurse\")))"
    " (func (export \"grow\") (canon lift (core func $m \"grow\")))"
    " (func (export \"fill\") (canon lift (core func $m \"fill\")))");

static void an_endless_loop_ends_when_its_time_is_over(void **state) {
  (void)state;
  tn_linked *linked = guest_link(engine, greedy, NULL);
  tn_instance_options options = guest_options();
  options.timeout = 30 * 1000 * 1000;
  assert_ends(linked, &options, "spin()", TN_ERROR_TIMEOUT, "longer than its limit of 0.03 s");
  tn_linked_delete(linked);
}

static void an_endless_loop_ends_when_its_fuel_is_used_up(void **state) {
  (void)state;
  tn_linked *linked = guest_link(fuel_engine, greedy, NULL);
  tn_instance_options options = guest_options();
  options.has_fuel = true;
  options.fuel = 100000;
  assert_ends(linked, &options, "spin()", TN_ERROR_FUEL, "fuel");
  tn_instance *instance = guest_instance(linked, &options);
  assert_call(instance, "fine()", "7");
  assert_in_range(tn_instance_fuel_left(instance), 1, 99999);
  tn_instance_delete(instance);
  tn_linked_delete(linked);
}

static void a_fuel_limit_needs_an_engine_that_counts_fuel(void **state) {
  (void)state;
  tn_linked *linked = guest_link(engine, greedy, NULL);
  tn_instance_options options = guest_options();
  options.has_fuel = true;
  tn_instance *instance = NULL;
  assert_error(tn_instance_new(linked, &options, &instance), TN_ERROR_ARGUMENT, "consume_fuel");
  tn_linked_delete(linked);
}

static void *cancel_soon(void *instance) {
  usleep(10 * 1000);
  tn_instance_cancel(instance);
  return NULL;
}

static void another_thread_cancels_an_endless_loop(void **state) {
  (void)state;
  tn_linked *linked = guest_link(engine, greedy, NULL);
  for (int i = 0; i < 5; i++) {
    tn_instance *instance = guest_instance(linked, NULL);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, instance), 0);
    assert_error(guest_invoke(instance, "spin()"), TN_ERROR_CANCELLED, "cancelled");
    pthread_join(thread, NULL);
    tn_instance_delete(instance);
  }
  assert_still_works(linked, NULL);
  tn_linked_delete(linked);
}

static void *cancel_now(void *instance) {
  tn_instance_cancel(instance);
  return NULL;
}

/* The cancellation comes at any point between the call's entry and its first iterations. */
static void a_cancellation_is_never_lost(void **state) {
  (void)state;
  tn_linked *linked = guest_link(engine, greedy, NULL);
  for (int i = 0; i < 300; i++) {
    tn_instance *instance = guest_instance(linked, NULL);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, cancel_now, instance), 0);
    assert_error(guest_invoke(instance, "spin()"), TN_ERROR_CANCELLED, "cancelled");
    pthread_join(thread, NULL);
    tn_instance_delete(instance);
  }
  tn_linked_delete(linked);
}

static void a_cancelled_instance_is_not_entered(void **state) {
  (void)state;
  tn_linked *linked = guest_link(engine, greedy, NULL);
  tn_instance *instance = guest_instance(linked, NULL);
  assert_call(instance, "fine()", "7");
  tn_instance_cancel(instance);
  assert_error(guest_invoke(instance, "fine()"), TN_ERROR_CANCELLED, "cancelled");
  tn_instance_cancel(instance);
  assert_error(guest_invoke(instance, "fine()"), TN_ERROR_CANCELLED, "cancelled");
  tn_instance_delete(instance);
  assert_still_works(linked, NULL);
  tn_linked_delete(linked);
}

static void endless_recursion_ends_with_the_stack(void **state) {
  (void)state;
  assert_guest_ends(greedy, "recurse()", TN_ERROR_STACK, "call stack exhausted");
}

/* Each destructor drops the next resource: recursion that goes through the host at every step. */
static void recursion_through_destructors_ends_with_the_stack(void **state) {
  (void)state;
  static const char text[] =
      "(component"
      " (core module $Shim (table (export \"t\") 1 funcref) (type $f (func (param i32)))"
      "  (func (export \"dtor\") (param i32) (call_indirect (type $f) (local.get 0) (i32.const "
      "0))))"
      " (core instance $shim (instantiate $Shim))"
      " (type $r (resource (rep i32) (dtor (func $shim \"dtor\"))))"
      " (core func $new (canon resource.new $r)) (core func $drop (canon resource.drop $r))"
      " (core module $M (import \"\" \"t\" (table 1 funcref)) (import \"\" \"new\" (func $new "
      "(param i32) (result i32)))"
      "  (import \"\" \"drop\" (func $drop (param i32)))"
      "  (func $next (param i32) (if (local.get 0) (then (call $drop (local.get 0)))))"
      "  (elem (i32.const 0) $next)"
      "  (func (export \"chain\") (param $n i32) (local $last i32)"
      "   (loop $more (local.set $last (call $new (local.get $last)))"
      "    (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))"
      "   (call $drop (local.get $last)))" GUEST_FINE_CORE ")"
      " (core instance $m (instantiate $M (with \"\" (instance (export \"t\" (table $shim \"t\"))"
      "  (export \"new\" (func $new)) (export \"drop\" (func $drop))))))"
      " (func (export \"chain\") (param \"n\" u32) (canon lift (core func $m "
      "\"chain\")))" GUEST_FINE ")";
  tn_linked *linked = guest_link(engine, text, NULL);
  tn_instance *instance = guest_instance(linked, NULL);
  assert_call(instance, "chain(20)", "");
  tn_instance_delete(instance);
  assert_ends(linked, NULL, "chain(500000)", TN_ERROR_STACK, "call stack exhausted");
  tn_linked_delete(linked);
}

static void a_memory_grows_up_to_its_limit(void **state) {
  (void)state;
  tn_linked *linked = guest_link(engine, greedy, NULL);
  tn_instance_options options = guest_options();
  options.max_memory_bytes = 1 << 20;
  assert_ends(linked, &options, "grow()", TN_ERROR_MEMORY_LIMIT, "1048576");
  tn_linked_delete(linked);
}

static void a_table_grows_up_to_its_limit(void **state) {
  (void)state;
  tn_linked *linked = guest_link(engine, greedy, NULL);
  tn_instance_options options = guest_options();
  options.max_table_elements = 5000;
  assert_ends(linked, &options, "fill()", TN_ERROR_MEMORY_LIMIT, "5000");
  tn_linked_delete(linked);
}

static void a_first_memory_beyond_the_limit_is_refused(void **state) {
  (void)state;
  static const char text[] = GUEST("(memory 20)", "");
  tn_linked *linked = guest_link(engine, text, NULL);
  tn_instance_options options = guest_options();
  options.max_memory_bytes = 1 << 20;
  tn_instance *instance = NULL;
  assert_error(tn_instance_new(linked, &options, &instance), TN_ERROR_MEMORY_LIMIT, "1048576");
  assert_still_works(linked, NULL);
  tn_linked_delete(linked);
}

static void counts_core_instances_memories_and_tables(void **state) {
  (void)state;
  static const char text[] =
      GUEST("(memory 1) (table 1 funcref)",
            " (core instance (instantiate $M)) (core instance (instantiate $M))");
  tn_linked *linked = guest_link(engine, text, NULL);
  static const char *const messages[] = {"more core instances than its limit of 2",
                                         "more memories than its limit of 2",
                                         "more tables than its limit of 2"};
  for (int i = 0; i < 3; i++) {
    tn_instance_options options = guest_options();
    if (i == 0) options.max_instances = 2;
    if (i == 1) options.max_memories = 2;
    if (i == 2) options.max_tables = 2;
    tn_instance *instance = NULL;
    assert_error(tn_instance_new(linked, &options, &instance), TN_ERROR_LIMIT, messages[i]);
    options.max_instances = options.max_memories = options.max_tables = 3;
    assert_still_works(linked, &options);
  }
  tn_linked_delete(linked);
}

static void a_guest_holds_so_many_handles_and_no_more(void **state) {
  (void)state;
  static const char text[] =
      "(component (type $r (resource (rep i32)))"
      " (core func $new (canon resource.new $r)) (core func $drop (canon resource.drop $r))"
      " (core module $M (import \"\" \"new\" (func $new (param i32) (result i32))) (import \"\" "
      "\"drop\" (func $drop (param i32)))"
      "  (func (export \"hoard\") (loop $again (drop (call $new (i32.const 0))) (br $again)))"
      "  (func (export \"reuse\") (param $n i32) (loop $again (call $drop (call $new (i32.const "
      "0)))"
      "   (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))" GUEST_FINE_CORE
      ")"
      " (core instance $m (instantiate $M (with \"\" (instance (export \"new\" (func $new)) "
      "(export \"drop\" (func $drop))))))"
      " (func (export \"hoard\") (canon lift (core func $m \"hoard\")))"
      " (func (export \"reuse\") (param \"n\" u32) (canon lift (core func $m "
      "\"reuse\")))" GUEST_FINE ")";
  tn_linked *linked = guest_link(engine, text, NULL);
  assert_ends(linked, NULL, "hoard()", TN_ERROR_LIMIT, "more than 1048576 handles");
  tn_instance_options options = guest_options();
  options.max_handles = 100;
  assert_ends(linked, &options, "hoard()", TN_ERROR_LIMIT, "more than 100 handles");
  options.max_handles = 1;
  tn_instance *instance = guest_instance(linked, &options);
  assert_call(instance, "reuse(10000)", "");
  tn_instance_delete(instance);
  tn_linked_delete(linked);
}

static const char bad_starts[] =
    "(component (core module $Spin (func $f (loop $again (br $again))) (start $f))"
    " (core instance (instantiate $Spin)))";

static void a_start_function_that_loops_runs_out_of_time(void **state) {
  (void)state;
  tn_linked *linked = guest_link(engine, bad_starts, NULL);
  tn_instance_options options = guest_options();
  options.timeout = 30 * 1000 * 1000;
  for (int i = 0; i < 3; i++) {
    tn_instance *instance = NULL;
    assert_error(tn_instance_new(linked, &options, &instance), TN_ERROR_TIMEOUT,
                 "longer than its limit");
  }
  tn_linked_delete(linked);
}

static void a_start_function_that_loops_runs_out_of_fuel(void **state) {
  (void)state;
  tn_linked *linked = guest_link(fuel_engine, bad_starts, NULL);
  tn_instance_options options = guest_options();
  options.has_fuel = true;
  options.fuel = 5000;
  tn_instance *instance = NULL;
  assert_error(tn_instance_new(linked, &options, &instance), TN_ERROR_FUEL, "fuel");
  tn_linked_delete(linked);
}

static void a_start_function_that_traps_leaves_nothing(void **state) {
  (void)state;
  tn_linked *linked = guest_link(engine,
                                 "(component (core module $M (func $start-me unreachable) (start "
                                 "$start-me)) (core instance (instantiate $M)))",
                                 NULL);
  for (int i = 0; i < 3; i++) {
    tn_instance *instance = NULL;
    tn_instance_options options = guest_options();
    tn_error *error = tn_instance_new(linked, &options, &instance);
    assert_null(instance);
    assert_int_equal(tn_error_frame_count(error), 1);
    assert_string_equal(tn_error_frame(error, 0)->function, "start-me");
    assert_error(error, TN_ERROR_TRAP, "unreachable");
  }
  tn_linked_delete(linked);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_endless_loop_ends_when_its_time_is_over),
      cmocka_unit_test(an_endless_loop_ends_when_its_fuel_is_used_up),
      cmocka_unit_test(a_fuel_limit_needs_an_engine_that_counts_fuel),
      cmocka_unit_test(another_thread_cancels_an_endless_loop),
      cmocka_unit_test(a_cancellation_is_never_lost),
      cmocka_unit_test(a_cancelled_instance_is_not_entered),
      cmocka_unit_test(endless_recursion_ends_with_the_stack),
      cmocka_unit_test(recursion_through_destructors_ends_with_the_stack),
      cmocka_unit_test(a_memory_grows_up_to_its_limit),
      cmocka_unit_test(a_table_grows_up_to_its_limit),
      cmocka_unit_test(a_first_memory_beyond_the_limit_is_refused),
      cmocka_unit_test(counts_core_instances_memories_and_tables),
      cmocka_unit_test(a_guest_holds_so_many_handles_and_no_more),
      cmocka_unit_test(a_start_function_that_loops_runs_out_of_time),
      cmocka_unit_test(a_start_function_that_loops_runs_out_of_fuel),
      cmocka_unit_test(a_start_function_that_traps_leaves_nothing),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
