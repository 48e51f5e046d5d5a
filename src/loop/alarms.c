/* Alarms: a binary heap by deadline; and timers, which are alarms that mark a wait. */
#include "base/alloc.h"
#include "base/error.h"
#include "loop/parts.h"

static void alarm_put(tn_alarms *alarms, uint32_t index, tn_alarm *alarm) {
  alarms->heap[index] = alarm;
  alarm->place = index + 1;
}

static void alarm_rise(tn_alarms *alarms, uint32_t index, tn_alarm *alarm) {
  while (index > 0) {
    uint32_t parent = (index - 1) / 2;
    if (alarms->heap[parent]->deadline <= alarm->deadline) break;
    alarm_put(alarms, index, alarms->heap[parent]);
    index = parent;
  }
  alarm_put(alarms, index, alarm);
}

static void alarm_sink(tn_alarms *alarms, uint32_t index, tn_alarm *alarm) {
  for (;;) {
    uint32_t child = 2 * index + 1;
    if (child >= alarms->len) break;
    if (child + 1 < alarms->len &&
        alarms->heap[child + 1]->deadline < alarms->heap[child]->deadline)
      child++;
    if (alarm->deadline <= alarms->heap[child]->deadline) break;
    alarm_put(alarms, index, alarms->heap[child]);
    index = child;
  }
  alarm_put(alarms, index, alarm);
}

/* Puts it where its deadline belongs; heap[index] is free for it. */
static void alarm_settle(tn_alarms *alarms, uint32_t index, tn_alarm *alarm) {
  if (index > 0 && alarm->deadline < alarms->heap[(index - 1) / 2]->deadline) {
    alarm_rise(alarms, index, alarm);
  } else {
    alarm_sink(alarms, index, alarm);
  }
}

static void alarm_take_out(tn_alarms *alarms, tn_alarm *alarm) {
  uint32_t index = alarm->place - 1;
  alarm->place = 0;
  tn_alarm *last = alarms->heap[--alarms->len];
  if (last != alarm) alarm_settle(alarms, index, last);
}

static bool alarm_make_room(tn_alarms *alarms) {
  if (alarms->len < alarms->cap) return true;
  if (alarms->cap > UINT32_MAX / 4) return false;
  uint32_t cap = alarms->cap == 0 ? 8 : alarms->cap * 2;
  tn_alarm **heap = tn_realloc(alarms->heap, cap * sizeof *heap);
  if (heap == NULL) return false;
  alarms->heap = heap;
  alarms->cap = cap;
  return true;
}

tn_error *tn_alarm_set(tn_loop *loop, tn_alarm *alarm, uint64_t deadline) {
  tn_alarms *alarms = &loop->alarms;
  if (alarm->place == 0) {
    if (!alarm_make_room(alarms)) return tn_error_no_memory();
    alarm->deadline = deadline;
    alarm_rise(alarms, alarms->len++, alarm);
  } else {
    alarm->deadline = deadline;
    alarm_settle(alarms, alarm->place - 1, alarm);
  }
  return NULL;
}

void tn_alarm_clear(tn_loop *loop, tn_alarm *alarm) {
  if (alarm->place != 0) alarm_take_out(&loop->alarms, alarm);
}

uint64_t tn_alarms_next(const tn_alarms *alarms) {
  return alarms->len == 0 ? UINT64_MAX : alarms->heap[0]->deadline;
}

/* Not more than there are now: one that sets itself again, to a time that has passed, waits for the next turn. */
void tn_alarms_fire(tn_alarms *alarms, uint64_t now) {
  for (uint32_t left = alarms->len; left > 0; left--) {
    if (alarms->len == 0 || alarms->heap[0]->deadline > now) return;
    tn_alarm *alarm = alarms->heap[0];
    alarm_take_out(alarms, alarm);
    alarm->func(alarm);
  }
}

/* ---- timers ---------------------------------------------------------------------------------------- */

struct tn_timer {
  tn_alarm alarm; /* first */
  tn_wait *wait;
};

static void timer_fire(tn_alarm *alarm) {
  tn_wait_wake(((tn_timer *)alarm)->wait);
}

tn_error *tn_timer_start(tn_wait *wait, uint64_t deadline, tn_timer **out) {
  tn_timer *timer = tn_malloc(sizeof *timer);
  if (timer == NULL) return tn_error_no_memory();
  *timer = (tn_timer){.alarm.func = timer_fire, .wait = wait};
  tn_error *error = tn_alarm_set(wait->guest->loop, &timer->alarm, deadline);
  if (error != NULL) {
    tn_free(timer);
    return error;
  }
  *out = timer;
  return NULL;
}

void tn_timer_stop(tn_timer *timer) {
  tn_alarm_clear(timer->wait->guest->loop, &timer->alarm);
  tn_free(timer);
}
