/* The loop as servers use it: descriptors that call back, alarms, what is deferred or posted, guests that share it. */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine_test.h"
#include "loop/loop.h"

enum { MILLISECOND = 1000000 };

static tn_loop *loop;

/* Stops the loop when whatever was to happen has not. */
static bool has_expired;

static void expire(tn_alarm *alarm) {
  (void)alarm;
  has_expired = true;
  tn_loop_stop(loop);
}

static tn_alarm expiry = {.func = expire};

static int set_up(void **state) {
  (void)state;
  assert_ok(tn_loop_new(&loop));
  has_expired = false;
  assert_ok(tn_alarm_set(loop, &expiry, tn_loop_now() + 5000ull * MILLISECOND));
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  tn_alarm_clear(loop, &expiry);
  tn_loop_delete(loop);
  assert_false(has_expired);
  return 0;
}

static void stop_at(tn_alarm *alarm) {
  (void)alarm;
  tn_loop_stop(loop);
}

/* Turns for a while. */
static void run_for(uint64_t time) {
  tn_alarm end = {.func = stop_at};
  assert_ok(tn_alarm_set(loop, &end, tn_loop_now() + time));
  assert_ok(tn_loop_run(loop));
}

/* ---- descriptors -------------------------------------------------------------------------------------- */

typedef struct peer {
  tn_io io; /* first */
  struct peer *other;
  int ends[2]; /* ends[0] is watched */
  int events;
  int calls;
} peer;

static void note(tn_io *io, int events) {
  peer *self = (peer *)io;
  self->events |= events;
  self->calls++;
}

static void start(peer *self, void (*func)(tn_io *io, int events)) {
  *self = (peer){0};
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, self->ends), 0);
  assert_ok(tn_io_start(&self->io, loop, self->ends[0], func));
}

static void end(peer *self) {
  tn_io_stop(&self->io);
  close(self->ends[0]);
  if (self->ends[1] >= 0) close(self->ends[1]);
}

static void a_descriptor_reports_once_what_has_changed(void **state) {
  (void)state;
  peer p;
  start(&p, note);
  run_for(MILLISECOND);
  assert_int_equal(p.events, TN_WRITABLE);
  p.events = p.calls = 0;
  assert_int_equal(write(p.ends[1], "x", 1), 1);
  run_for(MILLISECOND);
  assert_int_equal(p.calls, 1);
  assert_true(p.events & TN_READABLE);
  assert_false(p.events & TN_HANGUP);
  run_for(MILLISECOND);
  assert_int_equal(p.calls, 1); /* although nobody has read */
  end(&p);
}

static void a_peer_that_goes_is_a_hang_up(void **state) {
  (void)state;
  peer p;
  start(&p, note);
  close(p.ends[1]);
  p.ends[1] = -1;
  run_for(MILLISECOND);
  assert_int_equal(p.events, TN_READABLE | TN_WRITABLE | TN_HANGUP);
  end(&p);
}

/* Both are ready; whichever is called first stops and frees the other. */
static void end_the_other(tn_io *io, int events) {
  (void)events;
  peer *self = (peer *)io;
  self->calls++;
  if (self->other == NULL) return;
  end(self->other);
  memset(self->other, 0xee, sizeof *self->other);
  free(self->other);
  self->other = NULL;
  tn_loop_stop(loop);
}

static void stopping_one_that_is_about_to_be_called_keeps_it_from_being_called(void **state) {
  (void)state;
  peer *pair[2];
  for (int i = 0; i < 2; i++) {
    pair[i] = malloc(sizeof *pair[i]);
    start(pair[i], end_the_other);
  }
  pair[0]->other = pair[1];
  pair[1]->other = pair[0];
  assert_ok(tn_loop_run(loop));
  peer *left = pair[0]->other == NULL ? pair[0] : pair[1];
  run_for(MILLISECOND);
  assert_int_equal(left->calls, 1);
  end(left);
  free(left);
}

static void waits_that_began_before_the_first_io_go_on(void **state) {
  (void)state;
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  tn_guest guest;
  tn_guest_init(&guest, loop);
  tn_wait wait;
  tn_readiness *readiness;
  tn_wait_init(&wait, &guest, NULL);
  assert_ok(tn_readiness_start(&wait, ends[0], TN_READABLE, &readiness));
  peer p;
  start(&p, note);
  assert_int_equal(write(ends[1], "x", 1), 1);
  assert_ok(tn_loop_wait(&wait, NULL));
  tn_readiness_stop(readiness);
  end(&p);
  tn_guest_free(&guest);
  close(ends[0]);
  close(ends[1]);
}

static void note_thread(void *argument) {
  *(pthread_t *)argument = pthread_self();
}

static void the_pool_works_with_ios(void **state) {
  (void)state;
  peer p;
  start(&p, note);
  tn_guest guest;
  tn_guest_init(&guest, loop);
  for (int i = 0; i < 50; i++) {
    pthread_t thread = pthread_self();
    assert_ok(tn_loop_blocking(&guest, NULL, note_thread, &thread));
    assert_false(pthread_equal(thread, pthread_self()));
  }
  tn_guest_free(&guest);
  end(&p);
}

/* ---- alarms and what is deferred ---------------------------------------------------------------------- */

typedef struct ring {
  tn_alarm alarm; /* first */
  uint64_t rung;
} ring;

static void note_ring(tn_alarm *alarm) {
  ((ring *)alarm)->rung = tn_loop_time(loop);
}

static void alarms_can_be_moved_and_cleared(void **state) {
  (void)state;
  ring rings[3] = {{.alarm.func = note_ring}, {.alarm.func = note_ring}, {.alarm.func = note_ring}};
  uint64_t start = tn_loop_now();
  for (int i = 0; i < 3; i++)
    assert_ok(tn_alarm_set(loop, &rings[i].alarm, start + MILLISECOND));
  assert_ok(tn_alarm_set(loop, &rings[1].alarm, start + 3 * MILLISECOND));
  tn_alarm_clear(loop, &rings[2].alarm);
  run_for(6 * MILLISECOND);
  assert_in_range(rings[0].rung, start + MILLISECOND, UINT64_MAX);
  assert_in_range(rings[1].rung, start + 3 * MILLISECOND, UINT64_MAX);
  assert_int_equal(rings[2].rung, 0);
}

typedef struct later {
  tn_deferred deferred; /* first */
  int calls;
} later;

static void defer_again(tn_deferred *deferred) {
  if (++((later *)deferred)->calls == 3) {
    tn_loop_stop(loop);
  } else {
    tn_loop_defer(loop, deferred);
  }
}

static void something_that_defers_itself_is_called_in_each_turn(void **state) {
  (void)state;
  later twice = {.deferred.func = defer_again}, never = {.deferred.func = defer_again};
  tn_loop_defer(loop, &twice.deferred);
  tn_loop_defer(loop, &twice.deferred);
  tn_loop_defer(loop, &never.deferred);
  tn_loop_undefer(loop, &never.deferred);
  tn_loop_undefer(loop, &never.deferred);
  assert_ok(tn_loop_run(loop));
  assert_int_equal(twice.calls, 3);
  assert_int_equal(never.calls, 0);
}

/* ---- other threads -------------------------------------------------------------------------------------- */

enum { POSTS = 1000 };
static int posted;

static void receive(void *argument) {
  assert_int_equal(posted++, *(int *)argument);
  if (posted == POSTS) tn_loop_stop(loop);
}

static void *post_many(void *argument) {
  int *numbers = argument;
  for (int i = 0; i < POSTS; i++) {
    numbers[i] = i;
    assert_ok(tn_loop_post(loop, receive, &numbers[i]));
  }
  return NULL;
}

static void what_is_posted_comes_in_order(void **state) {
  (void)state;
  int numbers[POSTS];
  posted = 0;
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, post_many, numbers), 0);
  assert_ok(tn_loop_run(loop));
  pthread_join(thread, NULL);
  assert_int_equal(posted, POSTS);
}

/* ---- guests ---------------------------------------------------------------------------------------------- */

typedef struct visitor {
  tn_guest guest;
  tn_store *store;
  uint64_t time; /* that it waits; 0: for ever */
  int *left;
  tn_error *error;
  bool is_over;
} visitor;

static void visit(void *argument) {
  visitor *self = argument;
  tn_core_context *context = tn_store_context(self->store);
  tn_wait wait;
  tn_timer *timer;
  tn_wait_init(&wait, &self->guest, context);
  uint64_t until = self->time == 0 ? UINT64_MAX : tn_loop_now() + self->time;
  assert_ok(tn_timer_start(&wait, until, &timer));
  self->error = tn_loop_wait(&wait, context);
  tn_timer_stop(timer);
}

static void visit_is_over(void *argument, tn_error *error) {
  visitor *self = argument;
  assert_ok(error);
  assert_null(tn_fiber_current(tn_store_context(self->store)));
  self->is_over = true;
  if (--*self->left == 0) tn_loop_stop(loop);
}

enum { VISITORS = 20 };

static void guests_share_a_loop_each_with_its_own_limits(void **state) {
  (void)state;
  tn_engine_options options = test_options();
  tn_core_engine *engine = test_engine(&options);
  visitor visitors[VISITORS] = {0};
  int left = VISITORS;
  for (int i = 0; i < VISITORS; i++) {
    visitor *v = &visitors[i];
    v->store = test_store(engine, NULL);
    v->left = &left;
    tn_guest_init(&v->guest, loop);
    if (i % 4 == 0) v->time = (uint64_t)(i + 1) * MILLISECOND / 10;
    if (i % 4 == 1) tn_guest_set_timeout(&v->guest, 2 * MILLISECOND);
    assert_ok(tn_loop_spawn(&v->guest, v->store, visit, visit_is_over, v));
    assert_false(v->is_over);
    if (i % 4 == 2) tn_guest_set_timeout(&v->guest, MILLISECOND); /* while it waits */
    if (i % 4 == 3) tn_guest_cancel(&v->guest);
  }
  for (int i = 0; i < 200 && left > 0; i++)
    run_for(50 * MILLISECOND);
  for (int i = 0; i < VISITORS; i++) {
    visitor *v = &visitors[i];
    if (i % 4 == 0) assert_ok(v->error);
    if (i % 4 == 1) assert_error(v->error, TN_ERROR_TIMEOUT, "0.002 s");
    if (i % 4 == 2) assert_error(v->error, TN_ERROR_TIMEOUT, "0.001 s");
    if (i % 4 == 3) assert_error(v->error, TN_ERROR_CANCELLED, "cancelled");
    assert_true(v->is_over);
    tn_guest_free(&v->guest);
    tn_store_delete(v->store);
  }
  assert_int_equal(left, 0);
  tn_core_engine_delete(engine);
}

static void
a_guest_that_goes_before_the_loop_has_heard_of_its_cancellation_is_forgotten(void **state) {
  (void)state;
  tn_guest *guest = malloc(sizeof *guest);
  tn_guest_init(guest, loop);
  tn_guest_cancel(guest);
  tn_guest_cancel(guest);
  tn_guest_free(guest);
  memset(guest, 0xee, sizeof *guest);
  free(guest);
  run_for(MILLISECOND);
}

#define IN_A_LOOP(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_A_LOOP(a_descriptor_reports_once_what_has_changed),
      IN_A_LOOP(a_peer_that_goes_is_a_hang_up),
      IN_A_LOOP(stopping_one_that_is_about_to_be_called_keeps_it_from_being_called),
      IN_A_LOOP(waits_that_began_before_the_first_io_go_on),
      IN_A_LOOP(the_pool_works_with_ios),
      IN_A_LOOP(alarms_can_be_moved_and_cleared),
      IN_A_LOOP(something_that_defers_itself_is_called_in_each_turn),
      IN_A_LOOP(what_is_posted_comes_in_order),
      IN_A_LOOP(guests_share_a_loop_each_with_its_own_limits),
      IN_A_LOOP(a_guest_that_goes_before_the_loop_has_heard_of_its_cancellation_is_forgotten),
  };
  return cmocka_run_group_tests_name("loop of a server", tests, NULL, NULL);
}
