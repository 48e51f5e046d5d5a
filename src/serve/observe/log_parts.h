/* Between log.c, which carries lines to their file, and log_line.c, which makes them. */
#ifndef TN_SERVE_OBSERVE_LOG_PARTS_H
#define TN_SERVE_OBSERVE_LOG_PARTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "serve/observe/log.h"

enum { TN_LOG_ID_SIZE = 32 };

/* Lines of a component's output that were dropped, and have not been told of yet. */
typedef struct tn_log_dropped {
  struct tn_log_dropped *next;
  uint64_t lines;
  size_t id_size; /* 0: they are of several requests */
  char id[TN_LOG_ID_SIZE];
  size_t name_size;
  char name[];
} tn_log_dropped;

/* Where lines go. Shared by all logs made from one; guarded by `mutex` but for what only the thread uses, and `path`, which
 * belongs to whoever opens the file again. Invariants: `waiting` holds whole lines, `waiting_lines` of them; `descriptor`
 * is open; `backlog` is what waits and what is being written. */
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
  /* bytes; read without the mutex, to know whether there is room for output */
  _Atomic size_t backlog;
  tn_log_dropped *dropped;
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

/* Whether a line of a guest's output may be added: what it may take is less than there is room for altogether, so that
 * requests and messages always have some. Any thread. */
bool tn_log_has_room_for_output(const tn_log *log);
/* A line of output is not written: counted, and told of when there is room again. */
void tn_log_drop_output(tn_log *log, tn_str component, tn_str id);
/* The line that tells of it. */
void tn_log_write_dropped(tn_log *log, const tn_log_dropped *dropped);

#endif
