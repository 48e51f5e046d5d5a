/* What a guest writes to its standard output and error, as lines of the log. */
#ifndef TN_SERVE_OUTPUT_H
#define TN_SERVE_OUTPUT_H

#include "serve/observe/log.h"

/* A longer line is logged in parts. */
enum { TN_OUTPUT_LINE = 4096 };

/* Of one instance; zeroed but for log and component: nothing written. `id` is the request's that it works for, or
 * empty. Invariants: a line is NULL until its stream is first written to; used < TN_OUTPUT_LINE. */
typedef struct tn_lines {
  tn_log *log;
  tn_str component;
  tn_str id;
  char *lines[2];
  uint32_t used[2];
} tn_lines;

/* For stream 1 or 2. What there is no memory for is lost. */
void tn_lines_write(tn_lines *output, int stream, const uint8_t *bytes, size_t size);
/* Logs what has no end of line yet: the request is over. */
void tn_lines_flush(tn_lines *output);
void tn_lines_free(tn_lines *output);

#endif
