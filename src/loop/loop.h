/* The event loop: timers, readiness of descriptors, work on other threads, and the one way in which a
 * guest waits. A loop belongs to one thread. Knows nothing of components.
 *
 * What it is made of. A turn of the loop is one ppoll, with nanosecond timeouts, over the first few
 * descriptors that are waited for; what does not fit there goes into an epoll set that is made when it is
 * needed. From the first tn_io on, which servers use, everything is in that set and a turn is one epoll_pwait2.
 * The pool is libuv's, embedded through its backend descriptor, made at the first work. libuv's
 * own watchers are not used for guests, because uv_poll_init makes a descriptor non-blocking (which changes
 * a terminal or pipe under everyone who shares it), allows one watcher per descriptor, and its timers count
 * milliseconds. It is also faster: a wait for one descriptor takes 0.9 us, with a libuv watcher 4 us if that is
 * kept and 9 us if it is made for it (start, run until ready, stop, on one machine).
 *
 * Waiting. Whoever wants to block makes a tn_wait, starts sources that will mark it (timers, descriptors,
 * pool work), and calls tn_loop_wait. On a fiber, that suspends the fiber; the loop resumes it when the wait
 * has been marked. Outside a fiber, it runs the loop in place, also from within a turn (a start function that
 * blocks while a server makes its instance), but only so deep. Nothing spins and no thread is used per wait.
 *
 * A turn: what other threads have posted, the fibers that can go on, what was deferred, one poll with what is
 * ready, the alarms that are due. */
#ifndef TN_LOOP_LOOP_H
#define TN_LOOP_LOOP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"
#include "tenon.h"

typedef struct tn_loop tn_loop;
typedef struct tn_guest tn_guest;

/* Cheap: one eventfd, and no more until something needs it. */
tn_error *tn_loop_new(tn_loop **out);
void tn_loop_delete(tn_loop *loop);

/* A time at which func is called. Zeroed: not set. */
typedef struct tn_alarm tn_alarm;
struct tn_alarm {
  void (*func)(tn_alarm *alarm);
  uint64_t deadline;
  uint32_t place; /* in the heap, 1-based; 0: not set */
};
/* Sets or moves it. It is cleared when it fires. */
tn_error *tn_alarm_set(tn_loop *loop, tn_alarm *alarm, uint64_t deadline);
void tn_alarm_clear(tn_loop *loop, tn_alarm *alarm);

/* ---- guests ------------------------------------------------------------------------------------------------- */

/* One guest's place on a loop: what limits its time, whether it is cancelled, and which of its fibers wait. Any
 * number of guests share a loop. Embedded in its owner; used on the loop's thread but for tn_guest_cancel.
 * Invariant: `blocked` has the waits of its suspended fibers that nothing has marked. */
struct tn_guest {
  tn_loop *loop;
  struct tn_wait_list {
    struct tn_wait *first;
    struct tn_wait *last;
  } blocked;
  uint64_t deadline; /* UINT64_MAX: none */
  uint64_t timeout;  /* that it was made of, for messages */
  uint64_t ran;      /* nanoseconds that its fibers had the thread, without their waits */
  /* set to the deadline from the first wait on: most guests of a server never wait */
  tn_alarm alarm;
  atomic_bool is_cancelled;
  tn_guest *next_cancelled; /* of those that the loop has yet to hear of */
};

void tn_guest_init(tn_guest *guest, tn_loop *loop);
/* Takes it off the loop; none of its fibers may be left. */
void tn_guest_free(tn_guest *guest);
/* Limits all waits and the running time, in nanoseconds from now on; a new limit takes the place of an older one.
 * UINT64_MAX, and without it: no limit. */
void tn_guest_set_timeout(tn_guest *guest, uint64_t timeout);
/* Why the guest must neither wait nor run any longer: TN_ERROR_CANCELLED or TN_ERROR_TIMEOUT; else NULL. */
tn_error *tn_guest_check(const tn_guest *guest);
/* Makes its waits return TN_ERROR_CANCELLED from now on; those that it is blocked in, in the loop's next turn. Any
 * thread, but not after tn_guest_free has begun. */
void tn_guest_cancel(tn_guest *guest);

/* ---- waits -------------------------------------------------------------------------------------------------- */

/* One blocked party. Lives in the waiter's frame. Invariant: linked only inside tn_loop_wait, and only when it
 * waits on a fiber: among its guest's blocked ones until it is marked, then in the loop's ready queue. */
typedef struct tn_wait {
  tn_guest *guest;
  tn_fiber *fiber;           /* NULL: waits in place */
  struct tn_wait_list *list; /* where it is linked, or NULL */
  struct tn_wait *next;
  struct tn_wait *previous;
  uint32_t turn; /* in which it came into the ready queue */
  bool is_ready;
} tn_wait;

void tn_wait_init(tn_wait *wait, tn_guest *guest, tn_core_context *context);
/* Marks it ready; on the loop's thread. Idempotent. */
void tn_wait_wake(tn_wait *wait);
/* Blocks until it is marked. Returns NULL, or TN_ERROR_CANCELLED/TN_ERROR_TIMEOUT when the waiter is to
 * unwind: the caller must stop all its sources before it returns. */
tn_error *tn_loop_wait(tn_wait *wait, tn_core_context *context);

/* Sources. Each struct is owned by the caller, started, and must be stopped before it goes away. */
typedef struct tn_timer tn_timer;
typedef struct tn_readiness tn_readiness;

/* Marks `wait` once `deadline` (CLOCK_MONOTONIC nanoseconds) has passed. *out is stopped with
 * tn_timer_stop, fired or not. */
tn_error *tn_timer_start(tn_wait *wait, uint64_t deadline, tn_timer **out);
void tn_timer_stop(tn_timer *timer);

enum { TN_READABLE = 1, TN_WRITABLE = 2, TN_HANGUP = 4 };
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
tn_error *tn_loop_blocking(tn_guest *guest, tn_core_context *context, void (*work)(void *),
                           void *argument);

/* Runs work(argument) on a pool thread without waiting; afterwards done(argument, false) is called in a turn
 * of the loop. When the loop is deleted first, done(argument, true) is called on some other thread once the
 * work has ended, and may only free what the argument owns. */
tn_error *tn_loop_submit(tn_loop *loop, void (*work)(void *argument),
                         void (*done)(void *argument, bool is_abandoned), void *argument);

/* ---- for servers: sources that call back and live in their owner's struct ------------------------------------ */

/* A descriptor that is watched as long as it is open (a connection, a listener): one edge-triggered registration
 * for both directions, no system call afterwards. `func` gets TN_READABLE and TN_WRITABLE (both on errors and
 * hang-ups), with TN_HANGUP too when the peer has ended its side or the connection is broken (EPOLLRDHUP, EPOLLHUP,
 * EPOLLERR): an end or an error stands behind the last bytes. It may stop and free any tn_io, its own included. */
typedef struct tn_io tn_io;
struct tn_io {
  void (*func)(tn_io *io, int events);
  tn_loop *loop;
  int descriptor;
};
tn_error *tn_io_start(tn_io *io, tn_loop *loop, int descriptor,
                      void (*func)(tn_io *io, int events));
/* Unregisters; does not close. Zeroed or stopped: nothing happens. */
void tn_io_stop(tn_io *io);

/* Something to do at the end of this turn, once all that was ready has been called and all fibers that could go on
 * have: to send what has gathered, to free what may still be in use. Zeroed: not deferred. */
typedef struct tn_deferred tn_deferred;
struct tn_deferred {
  void (*func)(tn_deferred *deferred);
  tn_deferred *next;
  tn_deferred *previous;
  bool is_linked;
};
void tn_loop_defer(tn_loop *loop, tn_deferred *deferred);
void tn_loop_undefer(tn_loop *loop, tn_deferred *deferred);

/* Calls func(argument) in a turn of the loop, in the order of posting; never when the loop is deleted before. Any
 * thread. */
tn_error *tn_loop_post(tn_loop *loop, void (*func)(void *argument), void *argument);
/* Turns until tn_loop_stop (loop's thread) has been called; not at all when that was before. */
tn_error *tn_loop_run(tn_loop *loop);
void tn_loop_stop(tn_loop *loop);
/* The time of this turn (CLOCK_MONOTONIC), read once in a turn: for timeouts. */
uint64_t tn_loop_time(const tn_loop *loop);

/* Starts func(argument) on a fiber and runs it until it first suspends or is over. When it is over, done(argument,
 * error) is called outside it, perhaps before this returns; `error` says why it could not be run, if so, and is the
 * callee's. `guest` is whose waits and limits they are. After an error of its own, nothing was started and `done` is
 * not called. Not on a fiber of the same store. */
tn_error *tn_loop_spawn(tn_guest *guest, tn_store *store, tn_fiber_func func,
                        void (*done)(void *argument, tn_error *error), void *argument);

/* At a tick of the epoch, while a guest computes: whether it has to let others have a turn. If so, its fiber is among
 * those that are ready, and the caller suspends it at once. False where it cannot be suspended. */
bool tn_loop_yield(tn_core_context *context);

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t tn_loop_now(void);

/* Runs func(argument) on a fiber of the store until it returns, driving the loop meanwhile. */
tn_error *tn_loop_run_fiber(tn_guest *guest, tn_store *store, tn_fiber_func func, void *argument);

#endif
