/* The thread that advances the epoch while guests with deadlines run. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "engine/private.h"

void tn_engine_ticker_init(tn_ticker *ticker) {
  pthread_mutex_init(&ticker->lock, NULL);
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&ticker->changed, &attributes);
  pthread_condattr_destroy(&attributes);
}

static struct timespec next_tick(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  at.tv_nsec += TN_TICK_MILLISECONDS * 1000000L;
  if (at.tv_nsec >= 1000000000L) {
    at.tv_nsec -= 1000000000L;
    at.tv_sec++;
  }
  return at;
}

static void *run_ticker(void *argument) {
  tn_core_engine *engine = argument;
  tn_ticker *ticker = &engine->ticker;
  pthread_mutex_lock(&ticker->lock);
  while (!ticker->is_ending) {
    if (ticker->users == 0) {
      pthread_cond_wait(&ticker->changed, &ticker->lock);
      continue;
    }
    struct timespec at = next_tick();
    int result = 0;
    while (result != ETIMEDOUT && ticker->users > 0 && !ticker->is_ending) {
      result = pthread_cond_timedwait(&ticker->changed, &ticker->lock, &at);
    }
    if (result == ETIMEDOUT) tn_core_engine_tick(engine);
  }
  pthread_mutex_unlock(&ticker->lock);
  return NULL;
}

/* The thread takes no signals: handlers run on the embedder's own threads. */
static int start_thread(tn_core_engine *engine) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int result = pthread_create(&engine->ticker.thread, NULL, run_ticker, engine);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return result;
}

tn_error *tn_core_engine_ticker_acquire(tn_core_engine *engine) {
  tn_ticker *ticker = &engine->ticker;
  tn_error *error = NULL;
  pthread_mutex_lock(&ticker->lock);
  if (!ticker->is_started) {
    int result = start_thread(engine);
    if (result != 0)
      error = tn_error_new(TN_ERROR_IO, "cannot start the clock thread: %s", strerror(result));
    ticker->is_started = result == 0;
  }
  if (error == NULL && ticker->users++ == 0) pthread_cond_signal(&ticker->changed);
  pthread_mutex_unlock(&ticker->lock);
  return error;
}

void tn_core_engine_ticker_release(tn_core_engine *engine) {
  tn_ticker *ticker = &engine->ticker;
  pthread_mutex_lock(&ticker->lock);
  if (--ticker->users == 0) pthread_cond_signal(&ticker->changed);
  pthread_mutex_unlock(&ticker->lock);
}

void tn_engine_ticker_end(tn_ticker *ticker) {
  pthread_mutex_lock(&ticker->lock);
  ticker->is_ending = true;
  pthread_cond_signal(&ticker->changed);
  pthread_mutex_unlock(&ticker->lock);
  if (ticker->is_started) pthread_join(ticker->thread, NULL);
  pthread_cond_destroy(&ticker->changed);
  pthread_mutex_destroy(&ticker->lock);
}

void tn_core_engine_tick(tn_core_engine *engine) {
  wasmtime_engine_increment_epoch(engine->engine);
}
