/* The loop with a fiber: it is suspended while it waits and resumed when what it waits for has come. */
#include <pthread.h>
#include <unistd.h>

#include "engine_test.h"
#include "loop/loop.h"

enum { MILLISECOND = 1000000 };

static tn_core_engine *engine;
static tn_store *store;
static tn_loop *loop;
static tn_guest guest;
static bool is_over;

static int set_up(void **state) {
  (void)state;
  tn_engine_options options = test_options();
  engine = test_engine(&options);
  store = test_store(engine, NULL);
  assert_ok(tn_loop_new(&loop));
  tn_guest_init(&guest, loop);
  is_over = false;
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  tn_guest_free(&guest);
  tn_loop_delete(loop);
  tn_store_delete(store);
  tn_core_engine_delete(engine);
  return 0;
}

static tn_core_context *context(void) {
  return tn_store_context(store);
}

static void run(tn_fiber_func func) {
  assert_ok(tn_loop_run_fiber(&guest, store, func, NULL));
  assert_true(is_over);
  assert_null(tn_fiber_current(context()));
}

static void return_at_once(void *argument) {
  (void)argument;
  assert_non_null(tn_fiber_current(context()));
  is_over = true;
}

static void a_fiber_that_never_waits_just_runs(void **state) {
  (void)state;
  run(return_at_once);
}

static void wait_for_many_things(void *argument) {
  (void)argument;
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  for (int i = 0; i < 100; i++) {
    tn_wait wait;
    tn_readiness *readiness;
    tn_timer *timer;
    tn_wait_init(&wait, &guest, context());
    assert_non_null(wait.fiber);
    assert_ok(tn_readiness_start(&wait, ends[0], TN_READABLE, &readiness));
    bool by_timer = i % 2 == 0;
    if (!by_timer) assert_int_equal(write(ends[1], "x", 1), 1);
    assert_ok(tn_timer_start(&wait, by_timer ? 1 : UINT64_MAX, &timer));
    assert_ok(tn_loop_wait(&wait, context()));
    tn_timer_stop(timer);
    tn_readiness_stop(readiness);
    char byte;
    if (!by_timer) assert_int_equal(read(ends[0], &byte, 1), 1);
  }
  close(ends[0]);
  close(ends[1]);
  is_over = true;
}

static void a_fiber_waits_again_and_again(void **state) {
  (void)state;
  run(wait_for_many_things);
}

static void note_thread(void *argument) {
  usleep(2000);
  *(pthread_t *)argument = pthread_self();
}

static void work_elsewhere(void *argument) {
  (void)argument;
  pthread_t worker = pthread_self();
  assert_ok(tn_loop_blocking(&guest, context(), note_thread, &worker));
  assert_false(pthread_equal(worker, pthread_self()));
  is_over = true;
}

static void a_fiber_waits_for_the_pool(void **state) {
  (void)state;
  run(work_elsewhere);
}

static void work_beyond_the_deadline(void *argument) {
  (void)argument;
  pthread_t worker = pthread_self();
  tn_guest_set_timeout(&guest, MILLISECOND / 2);
  assert_error(tn_loop_blocking(&guest, context(), note_thread, &worker), TN_ERROR_TIMEOUT,
               "longer than its limit");
  /* It has nevertheless ended, since it used this frame. */
  assert_false(pthread_equal(worker, pthread_self()));
  is_over = true;
}

static void work_on_the_pool_ends_before_its_fiber_goes_on(void **state) {
  (void)state;
  run(work_beyond_the_deadline);
}

static void wait_for_ever(void *argument) {
  tn_wait wait;
  tn_wait_init(&wait, &guest, context());
  tn_error *error = tn_loop_wait(&wait, context());
  *(tn_error_kind *)argument = tn_error_get_kind(error);
  tn_error_delete(error);
}

static void *cancel_soon(void *argument) {
  usleep(2000);
  tn_guest_cancel(argument);
  return NULL;
}

static void a_suspended_fiber_can_be_cancelled_from_another_thread(void **state) {
  (void)state;
  pthread_t thread;
  tn_error_kind kind = TN_ERROR_NONE;
  assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &guest), 0);
  assert_ok(tn_loop_run_fiber(&guest, store, wait_for_ever, &kind));
  assert_int_equal(kind, TN_ERROR_CANCELLED);
  pthread_join(thread, NULL);
}

static void the_deadline_resumes_a_suspended_fiber(void **state) {
  (void)state;
  tn_error_kind kind = TN_ERROR_NONE;
  tn_guest_set_timeout(&guest, MILLISECOND);
  assert_ok(tn_loop_run_fiber(&guest, store, wait_for_ever, &kind));
  assert_int_equal(kind, TN_ERROR_TIMEOUT);
}

#define WITH_A_STORE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_A_STORE(a_fiber_that_never_waits_just_runs),
      WITH_A_STORE(a_fiber_waits_again_and_again),
      WITH_A_STORE(a_fiber_waits_for_the_pool),
      WITH_A_STORE(work_on_the_pool_ends_before_its_fiber_goes_on),
      WITH_A_STORE(a_suspended_fiber_can_be_cancelled_from_another_thread),
      WITH_A_STORE(the_deadline_resumes_a_suspended_fiber),
  };
  return cmocka_run_group_tests_name("loop on a fiber", tests, NULL, NULL);
}
