/* The event loop: timers, readiness of descriptors, work on other threads, and the one way in which a
 * guest waits. A loop belongs to one thread. Knows nothing of components.
 *
 * What it is made of. A turn of the loop is one ppoll, with nanosecond timeouts, over the first few
 * descriptors that are waited for; what does not fit there goes into an epoll set that is made when it is
 * needed; and the pool is libuv's, embedded through its backend descriptor, made at the first work. libuv's
 * own watchers are not used for guests, because uv_poll_init makes a descriptor non-blocking (which changes
 * a terminal or pipe under everyone who shares it), allows one watcher per descriptor, and its timers count
 * milliseconds. It is also faster: a wait for one descriptor takes 0.9 us, with a libuv watcher 4 us if that is
 * kept and 9 us if it is made for it (start, run until ready, stop, on one machine).
 *
 * Waiting. Whoever wants to block makes a tn_wait, starts sources that will mark it (timers, descriptors,
 * pool work), and calls tn_loop_wait. On a fiber, that suspends the fiber; the loop resumes it when the wait
 * has been marked. Outside a fiber, it runs the loop in place. Nothing spins and no thread is used per wait. */
#ifndef TN_LOOP_LOOP_H
#define TN_LOOP_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"
#include "tenon.h"

typedef struct tn_loop tn_loop;

/* Cheap: one eventfd, and no more until something needs it. */
tn_error *tn_loop_new(tn_loop **out);
void tn_loop_delete(tn_loop *loop);

/* One blocked party. Lives in the waiter's frame. Invariant: linked in the loop only inside tn_loop_wait, and
 * only when it waits on a fiber: among the blocked ones until it is marked, then in the ready queue. */
typedef struct tn_wait {
  tn_loop *loop;
  tn_fiber *fiber;           /* NULL: waits in place */
  struct tn_wait_list *list; /* where it is linked, or NULL */
  struct tn_wait *next;
  struct tn_wait *previous;
  bool is_ready;
} tn_wait;

void tn_wait_init(tn_wait *wait, tn_loop *loop, tn_core_context *context);
/* Marks it ready; on the loop's thread. Idempotent. */
void tn_wait_wake(tn_wait *wait);
/* Blocks until it is marked. Returns NULL, or TN_ERROR_CANCELLED/TN_ERROR_TIMEOUT when the waiter is to
 * unwind: the caller must stop all its sources before it returns. */
tn_error *tn_loop_wait(tn_wait *wait, tn_core_context *context);

/* Limits all waits and the running time of one guest, in nanoseconds from now on. Without it there is no limit. */
void tn_loop_set_timeout(tn_loop *loop, uint64_t timeout);
/* Why the guest must neither wait nor run any longer: TN_ERROR_CANCELLED or TN_ERROR_TIMEOUT; else NULL. */
tn_error *tn_loop_check(const tn_loop *loop);
/* Makes waits of this loop return TN_ERROR_CANCELLED from now on. Any thread. */
void tn_loop_cancel(tn_loop *loop);

/* Sources. Each struct is owned by the caller, started, and must be stopped before it goes away. */
typedef struct tn_timer tn_timer;
typedef struct tn_readiness tn_readiness;

/* Marks `wait` once `deadline` (CLOCK_MONOTONIC nanoseconds) has passed. *out is stopped with
 * tn_timer_stop, fired or not. */
tn_error *tn_timer_start(tn_wait *wait, uint64_t deadline, tn_timer **out);
void tn_timer_stop(tn_timer *timer);

enum { TN_READABLE = 1, TN_WRITABLE = 2 };
/* Marks `wait` once the descriptor is readable or writable (or in error, or hung up). Descriptors that
 * epoll refuses (regular files) count as ready at once. Several readinesses on one descriptor are fine. */
tn_error *tn_readiness_start(tn_wait *wait, int descriptor, int events, tn_readiness **out);
/* Calls func(data) instead, in each turn of the loop in which the descriptor is ready: for what has to go on
 * while the guest waits for something else. `func` may stop this readiness, but no other one. */
tn_error *tn_readiness_watch(tn_loop *loop, int descriptor, int events, void (*func)(void *data),
                             void *data, tn_readiness **out);
void tn_readiness_stop(tn_readiness *readiness);

/* Runs work(argument) on a pool thread and waits for it (see tn_loop_wait). When the waiter is cancelled
 * the work still finishes first, because it may use the waiter's memory. */
tn_error *tn_loop_blocking(tn_loop *loop, tn_core_context *context, void (*work)(void *),
                           void *argument);

/* Runs work(argument) on a pool thread without waiting; afterwards done(argument, false) is called in a turn
 * of the loop. When the loop is deleted first, done(argument, true) is called on some other thread once the
 * work has ended, and may only free what the argument owns. */
tn_error *tn_loop_submit(tn_loop *loop, void (*work)(void *argument),
                         void (*done)(void *argument, bool is_abandoned), void *argument);

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t tn_loop_now(void);

/* Runs func(argument) on a fiber of the store until it returns, driving the loop meanwhile. */
tn_error *tn_loop_run_fiber(tn_loop *loop, tn_store *store, tn_fiber_func func, void *argument);

#endif
