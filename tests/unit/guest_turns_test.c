/* Guests that compute on one loop: at each tick the others have their turn. */
#include "api/api.h"
#include "guest.h"
#include "loop/loop.h"

/* `spin` counts to the end of its own memory's number, or for ever. */
static const char spinner[] =
    GUEST(" (memory 1)"
          " (func (export \"spin\") (param $rounds i64) (loop $again"
          "  (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))"
          "  (local.set $rounds (i64.sub (local.get $rounds) (i64.const 1)))"
          "  (br_if $again (i64.ne (local.get $rounds) (i64.const 0)))))",
          " (func (export \"spin\") (param \"rounds\" u64) (canon lift (core func $m \"spin\")))");

static const uint64_t for_ever = 0;
static const uint64_t MILLISECOND = 1000000;

typedef struct run {
  tn_instance *instance;
  uint64_t rounds;
  bool is_over;
  tn_error *error;
} run;

static tn_linked *linked;
static tn_loop *loop;

static int set_up(void **state) {
  assert_int_equal(guest_set_up(state), 0);
  linked = guest_link(engine, spinner, NULL);
  assert_ok(tn_loop_new(&loop));
  assert_ok(tn_core_engine_ticker_acquire(linked->plan.engine));
  return 0;
}

static int tear_down(void **state) {
  tn_core_engine_ticker_release(linked->plan.engine);
  tn_loop_delete(loop);
  tn_linked_delete(linked);
  return guest_tear_down(state);
}

static void call_spin(void *argument) {
  run *self = argument;
  const tn_func *func;
  tn_values values = {0};
  assert_ok(tn_instance_func(self->instance, TN_STR("spin"), &func));
  self->error = tn_func_call(func, &self->rounds, NULL, &values);
  tn_arena_free(&values.arena);
}

static void note_end(void *argument, tn_error *error) {
  run *self = argument;
  assert_ok(error);
  self->is_over = true;
}

static void start(run *self, uint64_t rounds) {
  tn_instance_options options = guest_options();
  *self = (run){.rounds = rounds};
  assert_ok(tn_instance_new_on(linked, &options, loop, &self->instance));
  assert_ok(tn_loop_spawn(tn_instance_guest(self->instance),
                          self->instance->instantiated.runtime.store, call_spin, note_end, self));
}

static void stop_at(tn_alarm *alarm) {
  (void)alarm;
  tn_loop_stop(loop);
}

static void turn_for(uint64_t duration) {
  tn_alarm alarm = {.func = stop_at};
  assert_ok(tn_alarm_set(loop, &alarm, tn_loop_now() + duration));
  assert_ok(tn_loop_run(loop));
}

/* A guest that is cancelled ends at its next tick. */
static void cancel(run *self) {
  tn_guest_cancel(tn_instance_guest(self->instance));
  for (int i = 0; i < 1000 && !self->is_over; i++)
    turn_for(MILLISECOND);
  assert_true(self->is_over);
  assert_error(self->error, TN_ERROR_CANCELLED, "cancelled");
  tn_instance_delete(self->instance);
}

static void a_guest_that_computes_for_ever_does_not_keep_the_loop(void **state) {
  (void)state;
  run endless;
  start(&endless, for_ever);
  assert_false(endless.is_over);
  turn_for(20 * MILLISECOND); /* the alarm is called */
  assert_false(endless.is_over);
  cancel(&endless);
}

static void guests_that_compute_take_turns(void **state) {
  (void)state;
  run endless, other_endless, finite;
  start(&endless, for_ever);
  start(&other_endless, for_ever);
  start(&finite, 200 * 1000 * 1000);
  for (int i = 0; i < 10000 && !finite.is_over; i++)
    turn_for(MILLISECOND);
  assert_true(finite.is_over);
  assert_ok(finite.error);
  assert_false(endless.is_over);
  assert_false(other_endless.is_over);
  tn_instance_delete(finite.instance);
  cancel(&other_endless);
  cancel(&endless);
}

static void a_guest_that_waits_for_its_turn_ends_in_time(void **state) {
  (void)state;
  run endless, limited;
  start(&endless, for_ever);
  start(&limited, for_ever);
  tn_guest_set_timeout(tn_instance_guest(limited.instance), 30 * MILLISECOND);
  for (int i = 0; i < 1000 && !limited.is_over; i++)
    turn_for(MILLISECOND);
  assert_true(limited.is_over);
  assert_error(limited.error, TN_ERROR_TIMEOUT, "0.03 s");
  tn_instance_delete(limited.instance);
  cancel(&endless);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_guest_that_computes_for_ever_does_not_keep_the_loop),
      TEST(guests_that_compute_take_turns),
      TEST(a_guest_that_waits_for_its_turn_ends_in_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
