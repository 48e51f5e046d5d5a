/* Between log.c, which carries lines to their file, and log_line.c, which makes them. */
#ifndef TN_SERVE_OBSERVE_LOG_PARTS_H
#define TN_SERVE_OBSERVE_LOG_PARTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "serve/observe/log.h"

/* Where lines go. Shared by all logs made from one; guarded by `mutex` but for what only the thread uses, and `path`, which
 * belongs to whoever opens the file again. Invariants: `waiting` holds whole lines, `waiting_lines` of them; `descriptor`
 * is open. */
typedef struct tn_log_sink {
  _Atomic tn_serve_log_format format;
  pthread_mutex_t mutex;
  pthread_cond_t has_lines;
  pthread_cond_t is_idle;
  pthread_t thread;
  bool has_thread;
  bool is_ending;
  bool is_writing;
  int descriptor;
  char *path; /* NULL: standard error */
  tn_buffer waiting;
  uint64_t waiting_lines;
  _Atomic uint64_t lost;
} tn_log_sink;

/* Invariant: `lines` holds whole lines but while one is being made. */
struct tn_log {
  tn_log_sink *sink;
  bool is_worker; /* gathers lines; used by one thread */
  tn_buffer lines;
  uint32_t line_count;
  time_t second;  /* that `stamp` was made for */
  char stamp[24]; /* "2026-11-21T12:34:56" */
};

static inline tn_serve_log_format tn_log_format(const tn_log *log) {
  return atomic_load_explicit(&log->sink->format, memory_order_relaxed);
}

/* The lines that are to go on in: the log's own for a worker, else `room`. */
tn_buffer *tn_log_begin(tn_log *log, tn_buffer *room);
/* The line is complete. A log that is no worker's hands `room` over and frees it. */
void tn_log_end(tn_log *log, tn_buffer *room);

#endif
