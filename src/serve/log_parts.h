/* Between log.c, which carries lines to their file, and log_line.c, which makes them. */
#ifndef TN_SERVE_LOG_PARTS_H
#define TN_SERVE_LOG_PARTS_H

#include <time.h>

#include "serve/log.h"

typedef struct tn_log_sink tn_log_sink;

/* Invariant: `lines` holds whole lines but while one is being made. */
struct tn_log {
  tn_log_sink *sink;
  tn_serve_log_format format;
  bool is_worker; /* gathers lines; used by one thread */
  tn_buffer lines;
  uint32_t line_count;
  time_t second;  /* that `stamp` was made for */
  char stamp[24]; /* "2026-11-21T12:34:56" */
};

/* The lines that are to go on in: the log's own for a worker, else `room`. */
tn_buffer *tn_log_begin(tn_log *log, tn_buffer *room);
/* The line is complete. A log that is no worker's hands `room` over and frees it. */
void tn_log_end(tn_log *log, tn_buffer *room);

#endif
