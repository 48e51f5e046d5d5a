/* Work on other threads: libuv's thread pool, its loop embedded in ours through its backend descriptor. */
#include <pthread.h>
#include <uv.h>

#include "base/alloc.h"
#include "base/error.h"
#include "loop/parts.h"

typedef struct pool_job pool_job;

/* Invariants: `running` counts the jobs that libuv has; `first` to `last` are those whose work is over and whose
 * `done` is still to be called; is_abandoned is set once, by tn_pool_delete, before another thread takes over. */
struct tn_pool {
  uv_loop_t uv;
  uint32_t running;
  bool is_abandoned;
  pool_job *first;
  pool_job *last;
};

struct pool_job {
  uv_work_t request; /* first: libuv hands out its address */
  tn_pool *pool;
  void (*work)(void *argument);
  void (*done)(void *argument, bool is_abandoned);
  void *argument;
  pool_job *next;
};

static tn_error *pool_error(const char *doing, int code) {
  return tn_error_new(TN_ERROR_IO, "%s: %s", doing, uv_strerror(code));
}

static tn_error *pool_get(tn_loop *loop) {
  if (loop->pool != NULL) return NULL;
  tn_pool *pool = tn_calloc(1, sizeof *pool);
  if (pool == NULL) return tn_error_no_memory();
  int code = uv_loop_init(&pool->uv);
  if (code != 0) {
    tn_free(pool);
    return pool_error("making the thread pool", code);
  }
  tn_error *error = tn_poller_set_extra(&loop->poller, uv_backend_fd(&pool->uv));
  if (error != NULL) {
    uv_loop_close(&pool->uv);
    tn_free(pool);
    return error;
  }
  loop->pool = pool;
  return NULL;
}

static void pool_work(uv_work_t *request) {
  pool_job *job = (pool_job *)request;
  job->work(job->argument);
}

/* `done` may turn the loop, and libuv's must not be run within itself: it is called afterwards. */
static void pool_after(uv_work_t *request, int status) {
  (void)status; /* nothing is ever cancelled */
  pool_job *job = (pool_job *)request;
  tn_pool *pool = job->pool;
  pool->running--;
  if (pool->first == NULL) {
    pool->first = job;
  } else {
    pool->last->next = job;
  }
  pool->last = job;
}

static bool pool_call_done(tn_pool *pool) {
  bool has_any = pool->first != NULL;
  while (pool->first != NULL) {
    pool_job *job = pool->first;
    pool->first = job->next;
    job->done(job->argument, pool->is_abandoned);
    tn_free(job);
  }
  return has_any;
}

tn_error *tn_loop_submit(tn_loop *loop, void (*work)(void *argument),
                         void (*done)(void *argument, bool is_abandoned), void *argument) {
  TN_TRY(pool_get(loop));
  pool_job *job = tn_calloc(1, sizeof *job);
  if (job == NULL) return tn_error_no_memory();
  job->pool = loop->pool;
  job->work = work;
  job->done = done;
  job->argument = argument;
  int code = uv_queue_work(&loop->pool->uv, &job->request, pool_work, pool_after);
  if (code != 0) {
    tn_free(job);
    return pool_error("queueing work", code);
  }
  loop->pool->running++;
  return NULL;
}

bool tn_pool_turn(tn_pool *pool) {
  if (pool == NULL || (pool->running == 0 && pool->first == NULL)) return false;
  /* Also needed before anyone blocks: libuv puts its wake-up into its epoll set only when it runs. */
  if (pool->running > 0) uv_run(&pool->uv, UV_RUN_NOWAIT);
  return pool_call_done(pool);
}

bool tn_pool_is_busy(const tn_pool *pool) {
  return pool != NULL && pool->running > 0;
}

static void *pool_finish(void *argument) {
  tn_pool *pool = argument;
  uv_run(&pool->uv, UV_RUN_DEFAULT);
  pool_call_done(pool);
  uv_loop_close(&pool->uv);
  tn_free(pool);
  return NULL;
}

/* A write to a slow disk may hang for long and cannot be interrupted: it must not hold up whoever deletes
 * the loop. */
void tn_pool_delete(tn_pool *pool) {
  if (pool == NULL) return;
  pool->is_abandoned = true;
  pthread_t thread;
  if (pool->running > 0 && pthread_create(&thread, NULL, pool_finish, pool) == 0) {
    pthread_detach(thread);
    return;
  }
  pool_finish(pool);
}

/* ---- waiting for it -------------------------------------------------------------------------------- */

typedef struct pool_call {
  tn_wait wait;
  void (*work)(void *argument);
  void *argument;
  bool is_over;
} pool_call;

static void pool_call_work(void *argument) {
  pool_call *call = argument;
  call->work(call->argument);
}

static void pool_call_end(void *argument, bool is_abandoned) {
  (void)is_abandoned; /* its frame is still there: never */
  pool_call *call = argument;
  call->is_over = true;
  tn_wait_wake(&call->wait);
}

/* Whoever is to unwind waits nevertheless, on a fiber so that others go on. */
static void pool_wait_for_end(tn_pool *pool, pool_call *call, tn_core_context *context) {
  bool is_suspendable = call->wait.fiber != NULL;
  while (!call->is_over && is_suspendable)
    is_suspendable = tn_wait_suspend(&call->wait, context);
  while (!call->is_over) {
    uv_run(&pool->uv, UV_RUN_ONCE);
    pool_call_done(pool);
  }
}

tn_error *tn_loop_blocking(tn_guest *guest, tn_core_context *context, void (*work)(void *),
                           void *argument) {
  pool_call call = {.work = work, .argument = argument};
  tn_wait_init(&call.wait, guest, context);
  TN_TRY(tn_loop_submit(guest->loop, pool_call_work, pool_call_end, &call));
  tn_error *error = tn_loop_wait(&call.wait, context);
  pool_wait_for_end(guest->loop->pool, &call, context);
  return error;
}
