/* Writing to a pipe that nobody reads must be an error to the guest, not the end of the process that runs it:
 * around such a write SIGPIPE is held back on this thread, unless the process ignores it anyway, which saves
 * the system calls. */
#ifndef TN_WASI_SYSTEM_PIPE_SIGNAL_H
#define TN_WASI_SYSTEM_PIPE_SIGNAL_H

#include <signal.h>
#include <stdbool.h>

/* Invariant: is_held means that SIGPIPE was not blocked before and that `before` is to be restored. */
typedef struct tn_pipe_signal {
  bool is_held;
  bool was_pending;
  sigset_t before;
} tn_pipe_signal;

/* Whether SIGPIPE would do anything in this process. */
bool tn_pipe_signal_matters(void);
void tn_pipe_signal_hold(tn_pipe_signal *held);
/* Keeps errno. */
void tn_pipe_signal_release(tn_pipe_signal *held);

#endif
