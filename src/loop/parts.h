/* The parts of a loop, for the files of this folder only. */
#ifndef TN_LOOP_PARTS_H
#define TN_LOOP_PARTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "loop/loop.h"

/* ---- alarms.c: a binary heap by deadline --------------------------------------------------------- */

/* Invariants: heap[0] is the earliest; heap[i]->place == i + 1; len <= cap. Zeroed: empty. */
typedef struct tn_alarms {
  tn_alarm **heap;
  uint32_t len;
  uint32_t cap;
} tn_alarms;

/* UINT64_MAX when there is none. */
uint64_t tn_alarms_next(const tn_alarms *alarms);
/* Calls all alarms whose deadline is at or before `now`, having cleared them. */
void tn_alarms_fire(tn_alarms *alarms, uint64_t now);

/* ---- poller.c: readiness -------------------------------------------------------------------------- */

/* Descriptors given to ppoll directly; any further ones go to epoll, so that a turn costs the same however
 * many are waited for, while a guest that waits for a few never pays for registering them. */
enum { TN_POLLER_DIRECT = 8 };

/* The readinesses of one descriptor in the epoll set, a doubly linked list. */
typedef struct tn_watched {
  tn_readiness *first;
  int events; /* registered: all of theirs; 0 = not in the set */
} tn_watched;

/* Events that are being delivered, in the frame that does it. `previous`: those of a turn further out. */
typedef struct tn_batch tn_batch;

/* Invariants: direct[i] is NULL or a readiness whose slot is i, and all are NULL once has_io; epoll < 0 until
 * needed; `watched` is indexed by descriptor. has_io: there has been a tn_io, and `wakeup` and `extra` are in the
 * set. */
typedef struct tn_poller {
  tn_readiness *direct[TN_POLLER_DIRECT];
  int wakeup; /* eventfd, readable while another thread has something for the loop */
  int epoll;
  int extra; /* the pool's descriptor, or -1 */
  bool has_io;
  bool lacks_pwait2;   /* an old kernel */
  uint32_t registered; /* readinesses in the epoll set */
  tn_watched *watched;
  size_t watched_count;
  tn_batch *batch;
} tn_poller;

tn_error *tn_poller_init(tn_poller *poller);
void tn_poller_free(tn_poller *poller);
/* From now on, turns also return when `descriptor` becomes readable. Once. */
tn_error *tn_poller_set_extra(tn_poller *poller, int descriptor);
/* Waits until `deadline` at most (0: not at all, UINT64_MAX: for ever) and calls what is ready. `with_extra`: the extra
 * descriptor is of interest. */
/* *time becomes the time at which it woke, before anything is told: what is told then sets timeouts by it. */
tn_error *tn_poller_turn(tn_poller *poller, uint64_t deadline, bool with_extra, uint64_t *time);
/* Makes the turn that is under way, or the next one, return at once. Any thread. */
void tn_poller_wake(const tn_poller *poller);

/* ---- pool.c: libuv's threads ---------------------------------------------------------------------- */

typedef struct tn_pool tn_pool;

/* Calls the `done` of all work that is over. Returns whether any was called. `pool` may be NULL. */
bool tn_pool_turn(tn_pool *pool);
/* Whether there is work under way. `pool` may be NULL. */
bool tn_pool_is_busy(const tn_pool *pool);
/* Returns at once; work under way is finished by another thread. `pool` may be NULL. */
void tn_pool_delete(tn_pool *pool);

/* ---- mail.c: what other threads have for the loop ---------------------------------------------------- */

/* Invariants: `lock` guards the lists. has_any is set after something was added and cleared before it is taken. */
typedef struct tn_mail {
  atomic_bool has_any;
  pthread_mutex_t lock;
  struct tn_letter *first;
  struct tn_letter *last;
  tn_guest *cancelled; /* whose waits are to be released */
} tn_mail;

void tn_mail_init(tn_mail *mail);
void tn_mail_free(tn_mail *mail);
/* Calls what was posted and releases the waits of cancelled guests. */
void tn_mail_take(tn_loop *loop);

/* ---- guest.c ------------------------------------------------------------------------------------------ */

/* Resumes its fibers that wait, although nothing has come for them: they find out why in tn_guest_check. */
void tn_guest_release(tn_guest *guest);
/* Makes sure that the guest's deadline ends its waits. */
tn_error *tn_guest_arm(tn_guest *guest);

/* ---- spawn.c ------------------------------------------------------------------------------------------ */

typedef struct tn_spawned tn_spawned;

/* Resumes a fiber made by tn_loop_spawn; when it is over, calls its `done`. */
void tn_spawned_resume(tn_fiber *fiber);
void tn_spawned_free(tn_spawned *list);

/* ---- loop.c ---------------------------------------------------------------------------------------- */

/* Invariants: `ready` has, in the order of marking, the waits whose fibers are to be resumed; `deferred` is the
 * head of a ring; depth counts the turns that are under way, one within the other. */
struct tn_loop {
  struct tn_wait_list ready;
  tn_deferred deferred;
  uint64_t time;
  uint32_t turn; /* counts them, for tn_wait.turn */
  uint32_t depth;
  bool is_stopped;
  tn_alarms alarms;
  tn_poller poller;
  tn_pool *pool; /* NULL until there is work for it */
  tn_mail mail;
  tn_spawned *free_spawned;
  struct tn_lookup *lookups; /* that are running */
  const char *name_servers;  /* NULL: the system's */
};

/* Blocks the fiber until its wait is marked or its guest released. Returns false when the fiber is being deleted. */
bool tn_wait_suspend(tn_wait *wait, tn_core_context *context);
/* From the blocked ones to the end of the ready queue. */
void tn_wait_enqueue(tn_wait *wait);
/* One turn; does not block once *is_over. */
tn_error *tn_loop_turn(tn_loop *loop, const bool *is_over);

#endif
