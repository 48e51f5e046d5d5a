/* The loop: timers, readiness, the pool, deadlines, cancellation; waiting in place. */
#include "test.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "loop/loop.h"

enum { MILLISECOND = 1000000 };

static tn_guest guest;

static int set_up(void **state) {
  tn_loop *loop;
  assert_ok(tn_loop_new(&loop));
  tn_guest_init(&guest, loop);
  *state = loop;
  return 0;
}

static int tear_down(void **state) {
  tn_guest_free(&guest);
  tn_loop_delete(*state);
  return 0;
}

static void a_wait_that_is_marked_already_returns_at_once(void **state) {
  (void)state;
  tn_wait wait;
  tn_wait_init(&wait, &guest, NULL);
  tn_wait_wake(&wait);
  tn_wait_wake(&wait);
  assert_ok(tn_loop_wait(&wait, NULL));
}

static void a_timer_marks_its_wait_not_before_its_deadline(void **state) {
  (void)state;
  tn_wait wait;
  tn_timer *timer;
  tn_wait_init(&wait, &guest, NULL);
  uint64_t deadline = tn_loop_now() + 3 * MILLISECOND;
  assert_ok(tn_timer_start(&wait, deadline, &timer));
  assert_ok(tn_loop_wait(&wait, NULL));
  assert_true(tn_loop_now() >= deadline);
  tn_timer_stop(timer);
}

static void timers_are_finer_than_a_millisecond(void **state) {
  (void)state;
  uint64_t shortest = UINT64_MAX;
  for (int i = 0; i < 20; i++) {
    tn_wait wait;
    tn_timer *timer;
    tn_wait_init(&wait, &guest, NULL);
    uint64_t start = tn_loop_now();
    assert_ok(tn_timer_start(&wait, start + 100000, &timer));
    assert_ok(tn_loop_wait(&wait, NULL));
    tn_timer_stop(timer);
    uint64_t took = tn_loop_now() - start;
    if (took < shortest) shortest = took;
  }
  assert_in_range(shortest, 100000, 900000);
}

static void of_many_timers_exactly_those_that_are_due_fire(void **state) {
  (void)state;
  enum { COUNT = 200 };
  tn_wait waits[COUNT];
  tn_timer *timers[COUNT];
  uint64_t deadlines[COUNT];
  uint64_t start = tn_loop_now();
  for (int i = 0; i < COUNT; i++) {
    tn_wait_init(&waits[i], &guest, NULL);
    /* Half of them soon and in a scrambled order, half of them much later. */
    deadlines[i] = start + (i % 2 ? 3600000000000 : 0) + (uint64_t)(i * 7919 % COUNT) * 10000;
    assert_ok(tn_timer_start(&waits[i], deadlines[i], &timers[i]));
  }
  /* Taking some out of the middle must keep the order of the rest. */
  for (int i = 0; i < COUNT; i += 3)
    tn_timer_stop(timers[i]);
  for (int i = 0; i < COUNT; i++) {
    if (i % 3 == 0 || i % 2 == 1) continue;
    assert_ok(tn_loop_wait(&waits[i], NULL));
    assert_true(tn_loop_now() >= deadlines[i]);
  }
  for (int i = 0; i < COUNT; i++) {
    if (i % 3 == 0) {
      assert_false(waits[i].is_ready);
    } else {
      assert_int_equal(waits[i].is_ready, i % 2 == 0);
      tn_timer_stop(timers[i]);
    }
  }
}

static void a_descriptor_that_becomes_readable_marks_its_wait(void **state) {
  (void)state;
  int pair[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  tn_wait readable, writable;
  tn_readiness *read_readiness, *write_readiness;
  tn_wait_init(&readable, &guest, NULL);
  tn_wait_init(&writable, &guest, NULL);
  assert_ok(tn_readiness_start(&readable, pair[0], TN_READABLE, &read_readiness));
  assert_ok(tn_readiness_start(&writable, pair[0], TN_WRITABLE, &write_readiness));
  assert_ok(tn_loop_wait(&writable, NULL));
  assert_false(readable.is_ready);
  assert_int_equal(write(pair[1], "x", 1), 1);
  assert_ok(tn_loop_wait(&readable, NULL));
  tn_readiness_stop(read_readiness);
  tn_readiness_stop(write_readiness);
  close(pair[0]);
  close(pair[1]);
}

static void a_descriptor_whose_peer_is_gone_counts_as_ready(void **state) {
  (void)state;
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  close(ends[1]);
  tn_wait wait;
  tn_readiness *readiness;
  tn_wait_init(&wait, &guest, NULL);
  assert_ok(tn_readiness_start(&wait, ends[0], TN_READABLE, &readiness));
  assert_ok(tn_loop_wait(&wait, NULL));
  tn_readiness_stop(readiness);
  close(ends[0]);
}

static void waiting_leaves_the_descriptor_blocking(void **state) {
  (void)state;
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  tn_wait wait;
  tn_readiness *readiness;
  tn_wait_init(&wait, &guest, NULL);
  assert_ok(tn_readiness_start(&wait, ends[1], TN_WRITABLE, &readiness));
  assert_ok(tn_loop_wait(&wait, NULL));
  assert_int_equal(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
  tn_readiness_stop(readiness);
  close(ends[0]);
  close(ends[1]);
}

/* Readinesses beyond the first few go to epoll: all of this must hold there as well. */
static void many_readinesses_share_descriptors_in_epoll(void **state) {
  (void)state;
  enum { PAIRS = 20, EACH = 3, COUNT = PAIRS * EACH };
  int pairs[PAIRS][2];
  tn_wait waits[COUNT];
  tn_readiness *readinesses[COUNT];
  for (int i = 0; i < PAIRS; i++)
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]), 0);
  for (int i = 0; i < COUNT; i++) {
    tn_wait_init(&waits[i], &guest, NULL);
    int events = i / PAIRS == 2 ? TN_WRITABLE : TN_READABLE;
    assert_ok(tn_readiness_start(&waits[i], pairs[i % PAIRS][0], events, &readinesses[i]));
  }
  assert_ok(tn_loop_wait(&waits[COUNT - 1], NULL));
  for (int i = 0; i < COUNT; i++)
    assert_int_equal(waits[i].is_ready, i / PAIRS == 2);
  for (int i = 0; i < PAIRS; i++)
    tn_readiness_stop(readinesses[2 * PAIRS + i]);

  assert_int_equal(write(pairs[PAIRS - 1][1], "x", 1), 1);
  assert_ok(tn_loop_wait(&waits[PAIRS - 1], NULL));
  assert_ok(tn_loop_wait(&waits[2 * PAIRS - 1], NULL));
  for (int i = 0; i < 2 * PAIRS; i++) {
    assert_int_equal(waits[i].is_ready, i % PAIRS == PAIRS - 1);
    tn_readiness_stop(readinesses[i]);
  }
  for (int i = 0; i < PAIRS; i++) {
    close(pairs[i][0]);
    close(pairs[i][1]);
  }
}

static void a_regular_file_counts_as_ready(void **state) {
  (void)state;
  enum { COUNT = 12 }; /* some with ppoll, some refused by epoll */
  int file = open("/proc/self/exe", O_RDONLY);
  assert_true(file >= 0);
  tn_wait waits[COUNT];
  tn_readiness *readinesses[COUNT];
  for (int i = 0; i < COUNT; i++) {
    tn_wait_init(&waits[i], &guest, NULL);
    assert_ok(tn_readiness_start(&waits[i], file, TN_READABLE, &readinesses[i]));
  }
  for (int i = 0; i < COUNT; i++) {
    assert_ok(tn_loop_wait(&waits[i], NULL));
    tn_readiness_stop(readinesses[i]);
  }
  close(file);
}

static void a_descriptor_that_is_not_open_counts_as_ready(void **state) {
  (void)state;
  static const int closed[] = {-1, 987654};
  for (int i = 0; i < 2; i++) {
    tn_wait wait;
    tn_readiness *readiness;
    tn_wait_init(&wait, &guest, NULL);
    assert_ok(tn_readiness_start(&wait, closed[i], TN_READABLE, &readiness));
    assert_ok(tn_loop_wait(&wait, NULL));
    tn_readiness_stop(readiness);
  }
}

static void count_call(void *count) {
  ++*(int *)count;
}

static void a_watch_is_called_while_something_else_is_waited_for(void **state) {
  int ends[2], calls = 0;
  assert_int_equal(pipe(ends), 0);
  assert_int_equal(write(ends[1], "x", 1), 1);
  tn_wait wait;
  tn_timer *timer;
  tn_readiness *watch;
  tn_wait_init(&wait, &guest, NULL);
  assert_ok(tn_readiness_watch(*state, ends[0], TN_READABLE, count_call, &calls, &watch));
  assert_ok(tn_timer_start(&wait, 1, &timer));
  assert_ok(tn_loop_wait(&wait, NULL));
  assert_int_equal(calls, 1);
  tn_timer_stop(timer);
  tn_readiness_stop(watch);
  close(ends[0]);
  close(ends[1]);
}

static void the_deadline_ends_a_wait(void **state) {
  (void)state;
  tn_wait wait;
  tn_wait_init(&wait, &guest, NULL);
  uint64_t start = tn_loop_now();
  tn_guest_set_timeout(&guest, 2 * MILLISECOND);
  assert_error(tn_loop_wait(&wait, NULL), TN_ERROR_TIMEOUT,
               "the guest ran longer than its limit of 0.002 s");
  assert_true(tn_loop_now() >= start + 2 * MILLISECOND);
}

static void *cancel_soon(void *cancelled) {
  usleep(2000);
  tn_guest_cancel(cancelled);
  return NULL;
}

static void another_thread_can_cancel_a_wait(void **state) {
  (void)state;
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &guest), 0);
  tn_wait wait;
  tn_wait_init(&wait, &guest, NULL);
  assert_error(tn_loop_wait(&wait, NULL), TN_ERROR_CANCELLED, "cancelled");
  assert_error(tn_loop_wait(&wait, NULL), TN_ERROR_CANCELLED, "cancelled");
  pthread_join(thread, NULL);
}

typedef struct job {
  pthread_t thread;
  int calls;
} job;

static void do_job(void *argument) {
  job *done = argument;
  usleep(2000);
  done->thread = pthread_self();
  done->calls++;
}

static void blocking_work_runs_on_another_thread(void **state) {
  (void)state;
  job jobs[2] = {0};
  assert_ok(tn_loop_blocking(&guest, NULL, do_job, &jobs[0]));
  assert_ok(tn_loop_blocking(&guest, NULL, do_job, &jobs[1]));
  for (int i = 0; i < 2; i++) {
    assert_int_equal(jobs[i].calls, 1);
    assert_false(pthread_equal(jobs[i].thread, pthread_self()));
  }
}

static void blocking_work_is_finished_although_its_waiter_was_cancelled(void **state) {
  (void)state;
  job slow = {0};
  tn_guest_set_timeout(&guest, MILLISECOND / 2);
  assert_error(tn_loop_blocking(&guest, NULL, do_job, &slow), TN_ERROR_TIMEOUT,
               "longer than its limit");
  assert_int_equal(slow.calls, 1);
}

typedef struct submitted {
  job job;
  tn_wait wait;
  bool is_abandoned;
} submitted;

static void submitted_done(void *argument, bool is_abandoned) {
  submitted *work = argument;
  work->is_abandoned = is_abandoned;
  tn_wait_wake(&work->wait);
}

static void submitted_work(void *argument) {
  submitted *work = argument;
  do_job(&work->job);
}

static void submitted_work_reports_in_a_turn_of_the_loop(void **state) {
  submitted work = {0};
  tn_wait_init(&work.wait, &guest, NULL);
  assert_ok(tn_loop_submit(*state, submitted_work, submitted_done, &work));
  assert_ok(tn_loop_wait(&work.wait, NULL));
  assert_int_equal(work.job.calls, 1);
  assert_false(work.is_abandoned);
}

static int abandoned_pipe[2];

static void wait_for_pipe(void *argument) {
  char byte;
  assert_int_equal(read(*(int *)argument, &byte, 1), 1);
}

static void report_abandoned(void *argument, bool is_abandoned) {
  (void)argument;
  assert_int_equal(write(abandoned_pipe[1], is_abandoned ? "a" : "n", 1), 1);
}

static void deleting_a_loop_does_not_wait_for_submitted_work(void **state) {
  (void)state;
  int gate[2];
  assert_int_equal(pipe(gate), 0);
  assert_int_equal(pipe(abandoned_pipe), 0);
  tn_loop *loop;
  assert_ok(tn_loop_new(&loop));
  assert_ok(tn_loop_submit(loop, wait_for_pipe, report_abandoned, &gate[0]));
  tn_loop_delete(loop);
  /* The work is still blocked: only now may it end. */
  assert_int_equal(write(gate[1], "x", 1), 1);
  char how;
  assert_int_equal(read(abandoned_pipe[0], &how, 1), 1);
  assert_int_equal(how, 'a');
  for (int i = 0; i < 2; i++) {
    close(gate[i]);
    close(abandoned_pipe[i]);
  }
}

static void every_failing_allocation_is_reported(void **state) {
  (void)state;
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  tn_wait wait;
  tn_wait_init(&wait, &guest, NULL);
  tn_timer *timer;
  for (int i = 0; i < 2; i++) {
    tn_alloc_fail_after(i);
    assert_error(tn_timer_start(&wait, 1, &timer), TN_ERROR_NO_MEMORY, "memory");
  }
  tn_readiness *readinesses[9];
  tn_alloc_fail_after(0);
  assert_error(tn_readiness_start(&wait, ends[0], TN_READABLE, &readinesses[0]), TN_ERROR_NO_MEMORY,
               "memory");
  for (int i = 0; i < 8; i++)
    assert_ok(tn_readiness_start(&wait, ends[0], TN_READABLE, &readinesses[i]));
  tn_alloc_fail_after(1);
  assert_error(tn_readiness_start(&wait, ends[0], TN_READABLE, &readinesses[8]), TN_ERROR_NO_MEMORY,
               "memory");
  for (int i = 0; i < 8; i++)
    tn_readiness_stop(readinesses[i]);
  job unused = {0};
  for (int i = 0; i < 2; i++) {
    tn_alloc_fail_after(i);
    assert_error(tn_loop_blocking(&guest, NULL, do_job, &unused), TN_ERROR_NO_MEMORY, "memory");
  }
  assert_int_equal(unused.calls, 0);
  tn_alloc_fail_after(-1);
  close(ends[0]);
  close(ends[1]);
}

#define IN_A_LOOP(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_A_LOOP(a_wait_that_is_marked_already_returns_at_once),
      IN_A_LOOP(a_timer_marks_its_wait_not_before_its_deadline),
      IN_A_LOOP(timers_are_finer_than_a_millisecond),
      IN_A_LOOP(of_many_timers_exactly_those_that_are_due_fire),
      IN_A_LOOP(a_descriptor_that_becomes_readable_marks_its_wait),
      IN_A_LOOP(a_descriptor_whose_peer_is_gone_counts_as_ready),
      IN_A_LOOP(waiting_leaves_the_descriptor_blocking),
      IN_A_LOOP(many_readinesses_share_descriptors_in_epoll),
      IN_A_LOOP(a_regular_file_counts_as_ready),
      IN_A_LOOP(a_descriptor_that_is_not_open_counts_as_ready),
      IN_A_LOOP(a_watch_is_called_while_something_else_is_waited_for),
      IN_A_LOOP(the_deadline_ends_a_wait),
      IN_A_LOOP(another_thread_can_cancel_a_wait),
      IN_A_LOOP(blocking_work_runs_on_another_thread),
      IN_A_LOOP(blocking_work_is_finished_although_its_waiter_was_cancelled),
      IN_A_LOOP(submitted_work_reports_in_a_turn_of_the_loop),
      IN_A_LOOP(deleting_a_loop_does_not_wait_for_submitted_work),
      IN_A_LOOP(every_failing_allocation_is_reported),
  };
  return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
