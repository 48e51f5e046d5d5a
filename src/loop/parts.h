/* The parts of a loop, for the files of this folder only. */
#ifndef TN_LOOP_PARTS_H
#define TN_LOOP_PARTS_H

#include <stdatomic.h>
#include <stddef.h>

#include "loop/loop.h"

/* ---- timers.c: a binary heap by deadline --------------------------------------------------------- */

/* Invariants: heap[0] is the earliest; heap[i]->index == i; len <= cap. Zeroed: empty. */
typedef struct tn_timers {
  tn_timer **heap;
  uint32_t len;
  uint32_t cap;
} tn_timers;

/* UINT64_MAX when there is none that has yet to fire. */
uint64_t tn_timers_next(const tn_timers *timers);
/* Marks the waits of all timers whose deadline is at or before `now` and takes those timers out. */
void tn_timers_fire(tn_timers *timers, uint64_t now);

/* ---- poller.c: readiness -------------------------------------------------------------------------- */

/* Descriptors given to ppoll directly; any further ones go to epoll, so that a turn costs the same however
 * many are waited for, while a guest that waits for a few never pays for registering them. */
enum { TN_POLLER_DIRECT = 8 };

/* The readinesses of one descriptor in the epoll set, a doubly linked list. */
typedef struct tn_watched {
  tn_readiness *first;
  int events; /* registered: all of theirs; 0 = not in the set */
} tn_watched;

/* Invariants: direct[i] is NULL or a readiness whose slot is i; epoll < 0 until needed; `watched` is indexed
 * by descriptor. */
typedef struct tn_poller {
  tn_readiness *direct[TN_POLLER_DIRECT];
  int wakeup; /* eventfd, readable once the loop has been cancelled */
  int epoll;
  uint32_t registered; /* readinesses in the epoll set */
  tn_watched *watched;
  size_t watched_count;
} tn_poller;

tn_error *tn_poller_init(tn_poller *poller);
void tn_poller_free(tn_poller *poller);
/* Waits until `deadline` at most (0: not at all, UINT64_MAX: for ever) and calls what is ready. Also returns
 * when `extra` is readable (-1: none). */
tn_error *tn_poller_turn(tn_poller *poller, uint64_t deadline, int extra);

/* ---- pool.c: libuv's threads ---------------------------------------------------------------------- */

typedef struct tn_pool tn_pool;

/* Calls the `done` of all work that is over. *descriptor becomes readable when more is, and is -1 when no
 * work is under way. Returns whether any `done` was called. `pool` may be NULL. */
bool tn_pool_turn(tn_pool *pool, int *descriptor);
/* Returns at once; work under way is finished by another thread. `pool` may be NULL. */
void tn_pool_delete(tn_pool *pool);

/* ---- loop.c ---------------------------------------------------------------------------------------- */

/* Invariant: wait->list is this list for each wait that is linked in it. */
typedef struct tn_wait_list {
  tn_wait *first;
  tn_wait *last;
} tn_wait_list;

/* Invariants: `blocked` has the waits of suspended fibers that nothing has marked; `ready`, in the order of
 * marking, those that are to be resumed. */
struct tn_loop {
  tn_wait_list blocked;
  tn_wait_list ready;
  uint64_t deadline; /* UINT64_MAX: none */
  uint64_t timeout;  /* that it was made of, for messages */
  atomic_bool is_cancelled;
  tn_timers timers;
  tn_poller poller;
  tn_pool *pool; /* NULL until there is work for it */
};

#endif
