#include "wasi/system/pipe_signal.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

static void only_sigpipe(sigset_t *set) {
  sigemptyset(set);
  sigaddset(set, SIGPIPE);
}

bool tn_pipe_signal_matters(void) {
  struct sigaction action;
  return sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler != SIG_IGN;
}

void tn_pipe_signal_hold(tn_pipe_signal *held) {
  sigset_t set;
  only_sigpipe(&set);
  held->is_held =
      pthread_sigmask(SIG_BLOCK, &set, &held->before) == 0 && !sigismember(&held->before, SIGPIPE);
  held->was_pending = held->is_held && sigpending(&set) == 0 && sigismember(&set, SIGPIPE) == 1;
}

void tn_pipe_signal_release(tn_pipe_signal *held) {
  if (!held->is_held) return;
  int code = errno;
  sigset_t set;
  only_sigpipe(&set);
  /* Takes the signal that the write has raised, if it has: it is pending for this thread alone. */
  if (!held->was_pending && code == EPIPE) sigtimedwait(&set, NULL, &(struct timespec){0});
  pthread_sigmask(SIG_SETMASK, &held->before, NULL);
  errno = code;
}
