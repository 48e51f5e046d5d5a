/* How many requests may be under way at once: permits that all workers share. Whoever gets none may wait; whoever gives
 * one back looks whether somebody does.
 *
 * Nobody is forgotten: one who waits counts itself in `waiting` first and then tries once more, one who gives back does
 * so first and then looks at `waiting`; all of it sequentially consistent, so one of the two sees the other. */
#ifndef TN_SERVE_REQUEST_ADMISSION_H
#define TN_SERVE_REQUEST_ADMISSION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct tn_permits {
  char before[64]; /* all workers write to it: nothing else is on its cache line */
  _Atomic uint32_t in_use;
  _Atomic uint32_t limit; /* 0: none, and nothing is counted; from 0 or to 0 it never changes */
  char after[56];
} tn_permits;

static inline void tn_permits_init(tn_permits *permits, uint32_t limit) {
  atomic_init(&permits->in_use, 0);
  atomic_init(&permits->limit, limit);
}

/* May be changed while it is used; 0: none. */
static inline uint32_t tn_permits_limit(const tn_permits *permits) {
  return atomic_load_explicit(&permits->limit, memory_order_relaxed);
}

static inline bool tn_permits_are_left(const tn_permits *permits) {
  uint32_t limit = tn_permits_limit(permits);
  return limit == 0 || atomic_load(&permits->in_use) < limit;
}

/* Never counts above the limit, not even for a moment, as others would be refused by it in vain. */
static inline bool tn_permits_take(tn_permits *permits) {
  uint32_t limit = tn_permits_limit(permits);
  if (limit == 0) return true;
  uint32_t in_use = atomic_load(&permits->in_use);
  do {
    if (in_use >= limit) return false;
  } while (!atomic_compare_exchange_weak(&permits->in_use, &in_use, in_use + 1));
  return true;
}

static inline void tn_permits_give(tn_permits *permits) {
  if (tn_permits_limit(permits) != 0) atomic_fetch_sub(&permits->in_use, 1);
}

#endif
