/* tenon exec: Ctrl-C and SIGTERM. The guest is cancelled, and what it has come to until then is told and recorded as that
 * of any other run. */
#ifndef CLI_EXEC_INTERRUPT_H
#define CLI_EXEC_INTERRUPT_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

#include "tenon.h"

/* Filled in by exec_interrupt_start; `lock` is for what follows it. A second signal ends the process at once. */
typedef struct exec_interrupt {
  pthread_t thread; /* which waits for signals: they are blocked in all others */
  bool is_started;
  bool tells_json;
  sigset_t before; /* signals blocked until then */
  int wake;        /* readable once there was a signal */
  pthread_mutex_t lock;
  enum {
    EXEC_BEFORE,   /* there is nothing to be told yet: a signal ends the process */
    EXEC_RUNNING,  /* the guest is cancelled */
    EXEC_RETURNED, /* it has come to its end: what it came to is being put together */
    EXEC_FINISHED, /* what it came to is being told */
    EXEC_STOPPED,
  } stage;
  tn_instance *running; /* NULL: none at the moment */
  int signal;           /* the first one; 0: none */
} exec_interrupt;

/* Before other threads are made, which inherit what is blocked. */
tn_error *exec_interrupt_start(exec_interrupt *interrupt, bool tells_json);
void exec_interrupt_set_stage(exec_interrupt *interrupt, int stage);
/* The guest that is to be cancelled from now on, at once if there was a signal; NULL: none. */
void exec_interrupt_set_running(exec_interrupt *interrupt, tn_instance *instance);
/* The first signal; 0: there was none. */
int exec_interrupt_signal(exec_interrupt *interrupt);
void exec_interrupt_stop(exec_interrupt *interrupt);

#endif
