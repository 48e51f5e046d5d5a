/* Waits, and turns of the loop. */
#include "loop/loop.h"

#include <time.h>

#include "base/alloc.h"
#include "base/error.h"
#include "loop/parts.h"

/* Turns within turns use up the stack. */
enum { MAX_DEPTH = 16 };

uint64_t tn_loop_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

tn_error *tn_loop_new(tn_loop **out) {
  tn_loop *loop = tn_calloc(1, sizeof *loop);
  if (loop == NULL) return tn_error_no_memory();
  loop->deferred.next = loop->deferred.previous = &loop->deferred;
  loop->time = tn_loop_now();
  tn_error *error = tn_poller_init(&loop->poller);
  if (error != NULL) {
    tn_free(loop);
    return error;
  }
  tn_mail_init(&loop->mail);
  *out = loop;
  return NULL;
}

void tn_loop_delete(tn_loop *loop) {
  if (loop == NULL) return;
  tn_pool_delete(loop->pool);
  tn_mail_free(&loop->mail);
  tn_poller_free(&loop->poller);
  tn_spawned_free(loop->free_spawned);
  tn_free(loop->alarms.heap);
  tn_free(loop);
}

uint64_t tn_loop_time(const tn_loop *loop) {
  return loop->time;
}

/* ---- waits ----------------------------------------------------------------------------------------- */

void tn_wait_init(tn_wait *wait, tn_guest *guest, tn_core_context *context) {
  *wait = (tn_wait){.guest = guest, .fiber = context == NULL ? NULL : tn_fiber_current(context)};
}

static void wait_link(struct tn_wait_list *list, tn_wait *wait) {
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
  struct tn_wait_list *list = wait->list;
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

void tn_wait_enqueue(tn_wait *wait) {
  wait_unlink(wait);
  wait_link(&wait->guest->loop->ready, wait);
  wait->turn = wait->guest->loop->turn;
}

void tn_wait_wake(tn_wait *wait) {
  wait->is_ready = true;
  if (wait->list == &wait->guest->blocked) tn_wait_enqueue(wait);
}

bool tn_wait_suspend(tn_wait *wait, tn_core_context *context) {
  wait_link(&wait->guest->blocked, wait);
  bool is_resumed = tn_fiber_suspend(context);
  wait_unlink(wait);
  return is_resumed;
}

tn_error *tn_loop_wait(tn_wait *wait, tn_core_context *context) {
  while (!wait->is_ready) {
    TN_TRY(tn_guest_check(wait->guest));
    TN_TRY(tn_guest_arm(wait->guest));
    if (wait->fiber == NULL) {
      TN_TRY(tn_loop_turn(wait->guest->loop, &wait->is_ready));
    } else if (!tn_wait_suspend(wait, context)) {
      return tn_error_new(TN_ERROR_CANCELLED, "the guest was cancelled");
    }
  }
  return NULL;
}

/* ---- what is deferred ------------------------------------------------------------------------------- */

static void deferred_link(tn_deferred *ring, tn_deferred *deferred) {
  deferred->next = ring;
  deferred->previous = ring->previous;
  ring->previous->next = deferred;
  ring->previous = deferred;
  deferred->is_linked = true;
}

static void deferred_unlink(tn_deferred *deferred) {
  deferred->previous->next = deferred->next;
  deferred->next->previous = deferred->previous;
  deferred->is_linked = false;
}

void tn_loop_defer(tn_loop *loop, tn_deferred *deferred) {
  if (!deferred->is_linked) deferred_link(&loop->deferred, deferred);
}

void tn_loop_undefer(tn_loop *loop, tn_deferred *deferred) {
  (void)loop; /* a ring's members know their neighbours */
  if (deferred->is_linked) deferred_unlink(deferred);
}

/* Whatever is deferred meanwhile has its turn in the next one. */
static void loop_run_deferred(tn_loop *loop) {
  tn_deferred *ring = &loop->deferred;
  if (ring->next == ring) return;
  tn_deferred now = *ring;
  now.next->previous = now.previous->next = &now;
  ring->next = ring->previous = ring;
  while (now.next != &now) {
    tn_deferred *deferred = now.next;
    deferred_unlink(deferred);
    deferred->func(deferred);
  }
}

/* ---- turns ------------------------------------------------------------------------------------------- */

/* A fiber that becomes ready again meanwhile waits for the next turn, so that none keeps the loop from polling. */
static void loop_resume_ready(tn_loop *loop) {
  loop->turn++;
  for (tn_wait *wait; (wait = loop->ready.first) != NULL && wait->turn != loop->turn;) {
    wait_unlink(wait);
    tn_spawned_resume(wait->fiber);
  }
}

static bool loop_may_block(const tn_loop *loop, const bool *is_over) {
  return !*is_over && loop->ready.first == NULL && loop->deferred.next == &loop->deferred;
}

static tn_error *loop_turn(tn_loop *loop, const bool *is_over) {
  tn_mail_take(loop);
  loop_resume_ready(loop);
  loop_run_deferred(loop);
  if (*is_over) return NULL;
  bool has_work_ended = tn_pool_turn(loop->pool);
  bool may_block = loop_may_block(loop, is_over) && !has_work_ended;
  uint64_t until = may_block ? tn_alarms_next(&loop->alarms) : 0;
  TN_TRY(tn_poller_turn(&loop->poller, until, tn_pool_is_busy(loop->pool), &loop->time));
  tn_alarms_fire(&loop->alarms, loop->time);
  return NULL;
}

tn_error *tn_loop_turn(tn_loop *loop, const bool *is_over) {
  if (loop->depth == MAX_DEPTH)
    return tn_error_new(TN_ERROR_LIMIT, "more than %d guests block while they are instantiated",
                        MAX_DEPTH);
  loop->depth++;
  tn_error *error = loop_turn(loop, is_over);
  loop->depth--;
  return error;
}

tn_error *tn_loop_run(tn_loop *loop) {
  tn_error *error = NULL;
  while (!loop->is_stopped && error == NULL)
    error = tn_loop_turn(loop, &loop->is_stopped);
  loop->is_stopped = false;
  return error;
}

void tn_loop_stop(tn_loop *loop) {
  loop->is_stopped = true;
}
