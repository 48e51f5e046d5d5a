#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

/* Guests that wait for an hour, as a called function and as a command, with and without a loop around it. */

static const char sleeper[] =
    "(component"
    " (import \"wasi:io/poll@0.2.0\" (instance $poll (export \"pollable\" (type $p (sub resource)))"
    "  (export \"[method]pollable.block\" (func (param \"self\" (borrow $p))))))"
    " (alias export $poll \"pollable\" (type $p))"
    " (import \"wasi:clocks/monotonic-clock@0.2.0\" (instance $clock"
    "  (alias outer 1 $p (type $p')) (export \"pollable\" (type $pollable (eq $p')))"
    "  (export \"subscribe-duration\" (func (param \"when\" u64) (result (own $pollable))))))"
    " (core func $block (canon lower (func $poll \"[method]pollable.block\")))"
    " (core func $subscribe (canon lower (func $clock \"subscribe-duration\")))"
    " (core func $drop (canon resource.drop $p))"
    " (core module $M (import \"\" \"block\" (func $block (param i32))) (import \"\" \"drop\" "
    "(func $drop (param i32)))"
    "  (import \"\" \"subscribe\" (func $subscribe (param i64) (result i32)))"
    "  (func $sleep (param $time i64) (local $h i32) (local.set $h (call $subscribe (local.get "
    "$time)))"
    "   (call $block (local.get $h)) (call $drop (local.get $h)))"
    "  (func (export \"sleep\") (call $sleep (i64.const 3600000000000)))"
    "  (func (export \"doze\") (loop $again (call $sleep (i64.const 1000000)) (br $again)))"
    "  (func (export \"run\") (result i32) (call $sleep (i64.const 3600000000000)) (i32.const "
    "0))" GUEST_FINE_CORE ")"
    " (core instance $m (instantiate $M (with \"\" (instance (export \"block\" (func $block)) "
    "(export \"drop\" (func $drop))"
    "  (export \"subscribe\" (func $subscribe))))))"
    " (func (export \"sleep\") (canon lift (core func $m \"sleep\")))"
    " (func (export \"doze\") (canon lift (core func $m \"doze\")))"
    " (func $run (result (result)) (canon lift (core func $m \"run\")))"
    " (instance $command (export \"run\" (func $run))) (export \"wasi:cli/run@0.2.0\" (instance "
    "$command))" GUEST_FINE ")";

static tn_linked *link_sleeper(void) {
  tn_linker *linker = NULL;
  assert_ok(tn_linker_new(&linker));
  assert_ok(tn_linker_define_wasi(linker));
  tn_linked *linked = guest_link(engine, sleeper, linker);
  tn_linker_delete(linker);
  return linked;
}

/* NULL: runs the command. */
static tn_error *start(tn_instance *instance, const char *call) {
  int exit_code;
  return call != NULL ? guest_invoke(instance, call) : tn_instance_run(instance, &exit_code);
}

static const char *const calls[] = {"sleep()", "doze()", NULL};
static void time_runs_while_a_guest_waits(void **state) {
  (void)state;
  tn_linked *linked = link_sleeper();
  for (size_t i = 0; i < 3; i++) {
    tn_instance_options options = guest_options();
    options.timeout = 40 * 1000 * 1000;
    tn_instance *instance = guest_instance(linked, &options);
    assert_error(start(instance, calls[i]), TN_ERROR_TIMEOUT,
                 "the guest ran longer than its limit of 0.04 s");
    tn_instance_delete(instance);
    assert_still_works(linked, NULL);
  }
  tn_linked_delete(linked);
}

static void *cancel_soon(void *instance) {
  usleep(20 * 1000);
  tn_instance_cancel(instance);
  return NULL;
}

static void another_thread_cancels_a_guest_that_waits(void **state) {
  (void)state;
  tn_linked *linked = link_sleeper();
  for (size_t i = 0; i < 3; i++) {
    tn_instance *instance = guest_instance(linked, NULL);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, instance), 0);
    assert_error(start(instance, calls[i]), TN_ERROR_CANCELLED, "cancelled");
    pthread_join(thread, NULL);
    tn_instance_delete(instance);
    assert_still_works(linked, NULL);
  }
  tn_linked_delete(linked);
}

static void a_guest_that_was_cancelled_before_does_not_begin_to_wait(void **state) {
  (void)state;
  tn_linked *linked = link_sleeper();
  for (size_t i = 0; i < 3; i++) {
    tn_instance *instance = guest_instance(linked, NULL);
    tn_instance_cancel(instance);
    assert_error(start(instance, calls[i]), TN_ERROR_CANCELLED, "cancelled");
    tn_instance_delete(instance);
  }
  tn_linked_delete(linked);
}

static void waiting_costs_no_processor_time(void **state) {
  (void)state;
  tn_linked *linked = link_sleeper();
  tn_instance_options options = guest_options();
  options.timeout = 200 * 1000 * 1000;
  tn_instance *instance = guest_instance(linked, &options);
  clock_t before = clock();
  assert_error(start(instance, "sleep()"), TN_ERROR_TIMEOUT,
               "the guest ran longer than its limit of 0.2 s");
  assert_true((double)(clock() - before) / CLOCKS_PER_SEC < 0.1);
  tn_instance_delete(instance);
  tn_linked_delete(linked);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(time_runs_while_a_guest_waits),
      cmocka_unit_test(another_thread_cancels_a_guest_that_waits),
      cmocka_unit_test(a_guest_that_was_cancelled_before_does_not_begin_to_wait),
      cmocka_unit_test(waiting_costs_no_processor_time),
  };
  return cmocka_run_group_tests(tests, guest_set_up, guest_tear_down);
}
