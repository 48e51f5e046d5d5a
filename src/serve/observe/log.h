/* The server's log: one line a request, the guests' output line by line, and the server's own messages, as text or as
 * JSON.
 *
 * A thread of its own writes, so that no worker ever waits for a disk or for whoever reads a pipe. Lines that it cannot
 * write in time (8 MiB are waiting) or at all (disk full) are lost and counted; the server goes on. Guests' output goes
 * first, when half of that is not written yet: a guest that prints without end costs its own lines, and a line says how many
 * of whose. A worker gathers its lines and hands them over once in a turn of its loop, which takes one lock; see
 * tn_log_new_worker. */
#ifndef TN_SERVE_OBSERVE_LOG_H
#define TN_SERVE_OBSERVE_LOG_H

#include "base/buffer.h"
#include "serve/settings/config.h"

typedef struct tn_log tn_log;

/* `path` NULL: standard error. The log may be used by any thread: each line is handed over at once. Errors: the file
 * cannot be opened, the thread cannot be made. */
tn_error *tn_log_new(tn_serve_log_format format, const char *path, tn_log **out);
/* A log that writes to the same place, for one thread, which calls tn_log_flush. Goes before `log` does. */
tn_error *tn_log_new_worker(tn_log *log, tn_log **out);
/* Hands over what has gathered in a worker's log. Does nothing for others. */
void tn_log_flush(tn_log *log);
/* Returns when what was handed over is written, after a second at most: for a process that ends without tn_log_delete. */
void tn_log_wait(tn_log *log);
/* Writes what is waiting, for a second at most, and ends. */
void tn_log_delete(tn_log *log);
/* Opens its file again (after a rotation). This and tn_log_change: one thread at a time. */
tn_error *tn_log_reopen(tn_log *log);
/* From now on in another form, to another place, for all logs made from it. On failure nothing changes. */
tn_error *tn_log_change(tn_log *log, tn_serve_log_format format, const char *path);
/* Whether tn_log_write_request does anything. Any thread. */
bool tn_log_takes_requests(const tn_log *log);
/* Lines that were lost so far. */
uint64_t tn_log_lost(const tn_log *log);

/* One answered (or cut off: status 0) request. Times in nanoseconds. */
typedef struct tn_log_request {
  tn_str id;
  tn_str component;
  tn_str method;
  tn_str authority;
  tn_str path;
  tn_str peer;
  tn_str trace;         /* traceparent as passed on */
  const char *protocol; /* "HTTP/1.1", "HTTP/2" */
  int status;
  uint64_t duration;
  uint64_t instance_time;
  uint64_t bytes_in;
  uint64_t bytes_out;
  tn_str error; /* what went wrong; empty: nothing */
} tn_log_request;
void tn_log_write_request(tn_log *log, const tn_log_request *request);

/* A line (without its end) that a guest wrote; stream 1 or 2. */
void tn_log_write_output(tn_log *log, tn_str component, tn_str id, int stream, tn_str line);
/* The server's own; level "info", "warning" or "error". Written also when the format is OFF. */
void tn_log_write(tn_log *log, const char *level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* An error with hint and backtrace, of request `id` (may be empty) of a component. */
void tn_log_write_error(tn_log *log, tn_str component, tn_str id, const tn_error *error);

#endif
