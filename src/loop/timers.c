/* Timers: a binary heap by deadline. */
#include "base/alloc.h"
#include "base/error.h"
#include "loop/parts.h"

/* Invariant: index == TIMER_FIRED, or the place in its loop's heap. */
struct tn_timer {
  tn_wait *wait;
  uint64_t deadline;
  uint32_t index;
};

#define TIMER_FIRED UINT32_MAX

static void timer_put(tn_timers *timers, uint32_t index, tn_timer *timer) {
  timers->heap[index] = timer;
  timer->index = index;
}

static void timer_rise(tn_timers *timers, uint32_t index, tn_timer *timer) {
  while (index > 0) {
    uint32_t parent = (index - 1) / 2;
    if (timers->heap[parent]->deadline <= timer->deadline) break;
    timer_put(timers, index, timers->heap[parent]);
    index = parent;
  }
  timer_put(timers, index, timer);
}

static void timer_sink(tn_timers *timers, uint32_t index, tn_timer *timer) {
  for (;;) {
    uint32_t child = 2 * index + 1;
    if (child >= timers->len) break;
    if (child + 1 < timers->len &&
        timers->heap[child + 1]->deadline < timers->heap[child]->deadline)
      child++;
    if (timer->deadline <= timers->heap[child]->deadline) break;
    timer_put(timers, index, timers->heap[child]);
    index = child;
  }
  timer_put(timers, index, timer);
}

static void timer_take_out(tn_timers *timers, tn_timer *timer) {
  uint32_t index = timer->index;
  timer->index = TIMER_FIRED;
  tn_timer *last = timers->heap[--timers->len];
  if (last == timer) return;
  if (index > 0 && last->deadline < timers->heap[(index - 1) / 2]->deadline) {
    timer_rise(timers, index, last);
  } else {
    timer_sink(timers, index, last);
  }
}

static bool timer_make_room(tn_timers *timers) {
  if (timers->len < timers->cap) return true;
  if (timers->cap > UINT32_MAX / 4) return false;
  uint32_t cap = timers->cap == 0 ? 8 : timers->cap * 2;
  tn_timer **heap = tn_realloc(timers->heap, cap * sizeof *heap);
  if (heap == NULL) return false;
  timers->heap = heap;
  timers->cap = cap;
  return true;
}

tn_error *tn_timer_start(tn_wait *wait, uint64_t deadline, tn_timer **out) {
  tn_timers *timers = &wait->loop->timers;
  if (!timer_make_room(timers)) return tn_error_no_memory();
  tn_timer *timer = tn_malloc(sizeof *timer);
  if (timer == NULL) return tn_error_no_memory();
  timer->wait = wait;
  timer->deadline = deadline;
  timer_rise(timers, timers->len++, timer);
  *out = timer;
  return NULL;
}

void tn_timer_stop(tn_timer *timer) {
  if (timer->index != TIMER_FIRED) timer_take_out(&timer->wait->loop->timers, timer);
  tn_free(timer);
}

uint64_t tn_timers_next(const tn_timers *timers) {
  return timers->len == 0 ? UINT64_MAX : timers->heap[0]->deadline;
}

void tn_timers_fire(tn_timers *timers, uint64_t now) {
  while (timers->len > 0 && timers->heap[0]->deadline <= now) {
    tn_timer *timer = timers->heap[0];
    timer_take_out(timers, timer);
    tn_wait_wake(timer->wait);
  }
}
