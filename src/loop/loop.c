/* Waits, fibers and turns of the loop. */
#include "loop/loop.h"

#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "loop/parts.h"

uint64_t tn_loop_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

tn_error *tn_loop_new(tn_loop **out) {
  tn_loop *loop = tn_calloc(1, sizeof *loop);
  if (loop == NULL) return tn_error_no_memory();
  loop->deadline = UINT64_MAX;
  tn_error *error = tn_poller_init(&loop->poller);
  if (error != NULL) {
    tn_free(loop);
    return error;
  }
  *out = loop;
  return NULL;
}

void tn_loop_delete(tn_loop *loop) {
  if (loop == NULL) return;
  tn_pool_delete(loop->pool);
  tn_poller_free(&loop->poller);
  tn_free(loop->timers.heap);
  tn_free(loop);
}

void tn_loop_set_timeout(tn_loop *loop, uint64_t timeout) {
  uint64_t now = tn_loop_now();
  loop->timeout = timeout;
  loop->deadline = timeout > UINT64_MAX - now ? UINT64_MAX : now + timeout;
}

void tn_loop_cancel(tn_loop *loop) {
  atomic_store(&loop->is_cancelled, true);
  uint64_t one = 1;
  /* Can only fail when the counter is full, and then it is readable anyway. */
  ssize_t written = write(loop->poller.wakeup, &one, sizeof one);
  (void)written;
}

/* ---- waits ----------------------------------------------------------------------------------------- */

void tn_wait_init(tn_wait *wait, tn_loop *loop, tn_core_context *context) {
  *wait = (tn_wait){.loop = loop, .fiber = context == NULL ? NULL : tn_fiber_current(context)};
}

static void wait_link(tn_wait_list *list, tn_wait *wait) {
  wait->list = list;
  wait->next = NULL;
  wait->previous = list->last;
  if (list->last == NULL) {
    list->first = wait;
  } else {
    list->last->next = wait;
  }
  list->last = wait;
}

static void wait_unlink(tn_wait *wait) {
  tn_wait_list *list = wait->list;
  if (list == NULL) return;
  if (wait->previous == NULL) {
    list->first = wait->next;
  } else {
    wait->previous->next = wait->next;
  }
  if (wait->next == NULL) {
    list->last = wait->previous;
  } else {
    wait->next->previous = wait->previous;
  }
  wait->list = NULL;
}

/* From the blocked ones to the end of the ready queue. */
static void wait_enqueue(tn_wait *wait) {
  wait_unlink(wait);
  wait_link(&wait->loop->ready, wait);
}

void tn_wait_wake(tn_wait *wait) {
  wait->is_ready = true;
  if (wait->list == &wait->loop->blocked) wait_enqueue(wait);
}

static tn_error *loop_cancelled(void) {
  return tn_error_new(TN_ERROR_CANCELLED, "the guest was cancelled");
}

tn_error *tn_loop_check(const tn_loop *loop) {
  if (atomic_load(&loop->is_cancelled)) return loop_cancelled();
  if (loop->deadline == UINT64_MAX || tn_loop_now() < loop->deadline) return NULL;
  tn_error *error = tn_error_new(TN_ERROR_TIMEOUT, "the guest ran longer than its limit of %.3g s",
                                 (double)loop->timeout / 1e9);
  return tn_error_set_hint(error, "raise `timeout`");
}

/* Resumes those who wait although nothing has come for them: they find out why in tn_loop_check. */
static void loop_release_blocked(tn_loop *loop) {
  while (loop->blocked.first != NULL)
    wait_enqueue(loop->blocked.first);
}

/* Waits for sources, unless fibers are ready, and marks the waits of those that have come. */
static tn_error *loop_turn(tn_loop *loop) {
  int pool;
  if (tn_pool_turn(loop->pool, &pool)) return NULL;
  uint64_t timer = tn_timers_next(&loop->timers);
  uint64_t until = timer < loop->deadline ? timer : loop->deadline;
  if (loop->ready.first != NULL) until = 0;
  TN_TRY(tn_poller_turn(&loop->poller, until, pool));

  bool has_deadline = loop->deadline != UINT64_MAX;
  uint64_t now = timer != UINT64_MAX || has_deadline ? tn_loop_now() : 0;
  if (timer != UINT64_MAX) tn_timers_fire(&loop->timers, now);
  if ((has_deadline && now >= loop->deadline) || atomic_load(&loop->is_cancelled))
    loop_release_blocked(loop);
  return NULL;
}

/* Suspends the fiber until the wait is marked, or released by loop_release_blocked. */
static tn_error *wait_on_fiber(tn_wait *wait, tn_core_context *context) {
  wait_link(&wait->loop->blocked, wait);
  bool is_resumed = tn_fiber_suspend(context);
  wait_unlink(wait);
  return is_resumed ? NULL : loop_cancelled();
}

tn_error *tn_loop_wait(tn_wait *wait, tn_core_context *context) {
  while (!wait->is_ready) {
    TN_TRY(tn_loop_check(wait->loop));
    TN_TRY(wait->fiber != NULL ? wait_on_fiber(wait, context) : loop_turn(wait->loop));
  }
  return NULL;
}

/* ---- fibers ---------------------------------------------------------------------------------------- */

tn_error *tn_loop_run_fiber(tn_loop *loop, tn_store *store, tn_fiber_func func, void *argument) {
  tn_fiber *fiber;
  TN_TRY(tn_fiber_new(store, func, argument, &fiber));
  tn_error *error = NULL;
  bool is_over = tn_fiber_resume(fiber);
  while (!is_over && error == NULL) {
    tn_wait *wait = loop->ready.first;
    if (wait == NULL) {
      error = loop_turn(loop);
      continue;
    }
    wait_unlink(wait);
    tn_fiber *resumed = wait->fiber; /* the wait may be gone after the resumption */
    bool has_returned = tn_fiber_resume(resumed);
    if (resumed == fiber) is_over = has_returned;
  }
  if (is_over) error = tn_fiber_take_error(fiber);
  tn_fiber_delete(fiber);
  return error;
}
