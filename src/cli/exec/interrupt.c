#include "cli/exec/interrupt.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cli/cli.h"

/* How long a guest that cannot be cancelled at the moment, as one that is still being instantiated, has for coming to
 * where it can be. */
enum { GRACE_SECONDS = 1 };

static void fill_signals(sigset_t *set) {
  sigemptyset(set);
  sigaddset(set, SIGINT);
  sigaddset(set, SIGTERM);
}

/* The lock is held: nobody prints a report of a run any more. */
static void end_at_once(const exec_interrupt *interrupt) {
  cli_failure failure = {0};
  cli_fail(&failure, 128 + interrupt->signal, NULL, "interrupted");
  if (interrupt->tells_json && interrupt->stage < EXEC_FINISHED) {
    cli_exec_print_failure(&failure);
    cli_finish_output(failure.exit_code);
  }
  _exit(failure.exit_code);
}

/* False: it is to be waited for no longer. */
static bool take_signal(exec_interrupt *interrupt, int number) {
  pthread_mutex_lock(&interrupt->lock);
  bool is_stopped = interrupt->stage == EXEC_STOPPED, is_first = interrupt->signal == 0;
  if (is_first) interrupt->signal = number;
  if (!is_stopped && (!is_first || interrupt->stage == EXEC_BEFORE)) end_at_once(interrupt);
  if (!is_stopped && interrupt->running != NULL) tn_instance_cancel(interrupt->running);
  pthread_mutex_unlock(&interrupt->lock);
  const uint64_t one = 1;
  ssize_t written = write(interrupt->wake, &one, sizeof one);
  (void)written; /* it can only be full, and so readable */
  return !is_stopped;
}

static void end_late_guest(exec_interrupt *interrupt) {
  pthread_mutex_lock(&interrupt->lock);
  if (interrupt->signal != 0 && interrupt->stage == EXEC_RUNNING) end_at_once(interrupt);
  pthread_mutex_unlock(&interrupt->lock);
}

static void *watch(void *data) {
  exec_interrupt *interrupt = data;
  const struct timespec grace = {.tv_sec = GRACE_SECONDS};
  sigset_t set;
  fill_signals(&set);
  for (bool has_signal = false;;) {
    int number = sigtimedwait(&set, NULL, has_signal ? &grace : NULL);
    if (number > 0) {
      if (!take_signal(interrupt, number)) return NULL;
      has_signal = true;
    } else if (errno == EAGAIN) {
      end_late_guest(interrupt);
      has_signal = false;
    }
  }
}

tn_error *exec_interrupt_start(exec_interrupt *interrupt, bool tells_json) {
  sigset_t set;
  fill_signals(&set);
  *interrupt = (exec_interrupt){.tells_json = tells_json, .stage = EXEC_BEFORE};
  interrupt->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (interrupt->wake < 0) return tn_error_make(TN_ERROR_IO, "while making an eventfd");
  pthread_mutex_init(&interrupt->lock, NULL);
  pthread_sigmask(SIG_BLOCK, &set, &interrupt->before);
  interrupt->is_started = pthread_create(&interrupt->thread, NULL, watch, interrupt) == 0;
  if (interrupt->is_started) return NULL;
  pthread_sigmask(SIG_SETMASK, &interrupt->before, NULL);
  pthread_mutex_destroy(&interrupt->lock);
  close(interrupt->wake);
  return tn_error_make(TN_ERROR_NO_MEMORY, "while making a thread for signals");
}

void exec_interrupt_set_stage(exec_interrupt *interrupt, int stage) {
  pthread_mutex_lock(&interrupt->lock);
  interrupt->stage = stage;
  pthread_mutex_unlock(&interrupt->lock);
}

void exec_interrupt_set_running(exec_interrupt *interrupt, tn_instance *instance) {
  pthread_mutex_lock(&interrupt->lock);
  interrupt->running = instance;
  if (instance != NULL && interrupt->signal != 0) tn_instance_cancel(instance);
  pthread_mutex_unlock(&interrupt->lock);
}

int exec_interrupt_signal(exec_interrupt *interrupt) {
  pthread_mutex_lock(&interrupt->lock);
  int number = interrupt->signal;
  pthread_mutex_unlock(&interrupt->lock);
  return number;
}

void exec_interrupt_stop(exec_interrupt *interrupt) {
  if (!interrupt->is_started) return;
  exec_interrupt_set_stage(interrupt, EXEC_STOPPED);
  pthread_kill(interrupt->thread, SIGTERM);
  pthread_join(interrupt->thread, NULL);
  pthread_sigmask(SIG_SETMASK, &interrupt->before, NULL);
  pthread_mutex_destroy(&interrupt->lock);
  close(interrupt->wake);
}
