#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "loop/loop.h"
#include "serve/observe/log_parts.h"

enum {
  MAX_WAITING = 8 << 20,
  MAX_OUTPUT = 4 << 20, /* with more than that in the way, what guests print is dropped */
  WORKER_BYTES = 64 << 10,
  CLOSE_SECONDS = 1,
};

/* How often it is said that lines were dropped, while they are. */
static const uint64_t dropped_pause = 1000000000;

/* ---- writing ------------------------------------------------------------------------------------- */

/* Writes all of it. What cannot be written is lost. */
static bool write_all(int descriptor, const char *bytes, size_t size) {
  while (size > 0) {
    ssize_t count = write(descriptor, bytes, size);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes += count;
    size -= (size_t)count;
  }
  return true;
}

/* With the mutex held, which is given back while it writes. */
static void write_waiting(tn_log_sink *sink) {
  tn_buffer lines = sink->waiting;
  uint64_t count = sink->waiting_lines;
  int descriptor = sink->descriptor;
  sink->waiting = (tn_buffer){0};
  sink->waiting_lines = 0;
  sink->is_writing = true;
  pthread_mutex_unlock(&sink->mutex);
  if (!write_all(descriptor, lines.data, lines.len)) atomic_fetch_add(&sink->lost, count);
  pthread_mutex_lock(&sink->mutex);
  sink->is_writing = false;
  atomic_fetch_sub_explicit(&sink->backlog, lines.len, memory_order_relaxed);
  if (sink->waiting.data == NULL) { /* its memory serves again */
    lines.len = 0;
    sink->waiting = lines;
  } else {
    tn_buffer_free(&lines);
  }
  pthread_cond_broadcast(&sink->is_idle);
}

/* ---- handing over -------------------------------------------------------------------------------- */

static void hand_over(tn_log_sink *sink, const tn_buffer *lines, uint32_t count, size_t limit) {
  if (lines->failed || count == 0) {
    atomic_fetch_add(&sink->lost, count);
    return;
  }
  pthread_mutex_lock(&sink->mutex);
  bool was_empty = sink->waiting.len == 0;
  size_t before = sink->waiting.len;
  bool fits = before + lines->len <= limit;
  if (fits) tn_buffer_append(&sink->waiting, lines->data, lines->len);
  if (fits && !sink->waiting.failed) {
    sink->waiting_lines += count;
    atomic_fetch_add_explicit(&sink->backlog, lines->len, memory_order_relaxed);
  } else {
    sink->waiting.failed = false;
    sink->waiting.len = before;
    atomic_fetch_add(&sink->lost, count);
  }
  pthread_mutex_unlock(&sink->mutex);
  if (was_empty) pthread_cond_signal(&sink->has_lines);
}

static void flush(tn_log *log, size_t limit) {
  if (log->line_count == 0) return;
  hand_over(log->sink, &log->lines, log->line_count, limit);
  log->lines.len = 0;
  log->lines.failed = false;
  log->line_count = 0;
}

void tn_log_flush(tn_log *log) {
  flush(log, MAX_WAITING);
}

tn_buffer *tn_log_begin(tn_log *log, tn_buffer *room) {
  return log->is_worker ? &log->lines : room;
}

void tn_log_end(tn_log *log, tn_buffer *room) {
  if (!log->is_worker) {
    hand_over(log->sink, room, 1, MAX_WAITING);
    tn_buffer_free(room);
    return;
  }
  log->line_count++;
  if (log->lines.len >= WORKER_BYTES || log->lines.failed) tn_log_flush(log);
}

uint64_t tn_log_lost(const tn_log *log) {
  return atomic_load(&log->sink->lost);
}

/* ---- output that is dropped ----------------------------------------------------------------------- */

bool tn_log_has_room_for_output(const tn_log *log) {
  return atomic_load_explicit(&log->sink->backlog, memory_order_relaxed) < MAX_OUTPUT;
}

static tn_log_dropped *find_dropped(tn_log_sink *sink, tn_str component, tn_str id) {
  tn_log_dropped *dropped = sink->dropped;
  while (dropped != NULL && !tn_str_equal((tn_str){dropped->name, dropped->name_size}, component))
    dropped = dropped->next;
  if (dropped != NULL) return dropped;
  dropped = tn_calloc(1, sizeof *dropped + component.len);
  if (dropped == NULL) return NULL;
  memcpy(dropped->name, component.data, component.len);
  dropped->name_size = component.len;
  if (id.len <= sizeof dropped->id) {
    memcpy(dropped->id, id.data, id.len);
    dropped->id_size = id.len;
  }
  dropped->next = sink->dropped;
  sink->dropped = dropped;
  return dropped;
}

void tn_log_drop_output(tn_log *log, tn_str component, tn_str id) {
  tn_log_sink *sink = log->sink;
  atomic_fetch_add(&sink->lost, 1);
  pthread_mutex_lock(&sink->mutex);
  tn_log_dropped *dropped = find_dropped(sink, component, id);
  if (dropped != NULL) {
    dropped->lines++;
    if (!tn_str_equal((tn_str){dropped->id, dropped->id_size}, id)) dropped->id_size = 0;
  }
  pthread_mutex_unlock(&sink->mutex);
}

static void free_dropped(tn_log_dropped *dropped) {
  while (dropped != NULL) {
    tn_log_dropped *next = dropped->next;
    tn_free(dropped);
    dropped = next;
  }
}

/* With the mutex held, which is given back meanwhile. There are few such lines: they come in whatever waits. */
static void say_dropped(tn_log_sink *sink) {
  tn_log_dropped *dropped = sink->dropped;
  sink->dropped = NULL;
  pthread_mutex_unlock(&sink->mutex);
  tn_log log = {.sink = sink, .is_worker = true};
  for (const tn_log_dropped *at = dropped; at != NULL; at = at->next)
    tn_log_write_dropped(&log, at);
  flush(&log, SIZE_MAX);
  tn_buffer_free(&log.lines);
  free_dropped(dropped);
  pthread_mutex_lock(&sink->mutex);
}

/* ---- the thread ---------------------------------------------------------------------------------- */

/* While lines are dropped there are always others waiting. */
static bool is_time_to_say_dropped(const tn_log_sink *sink, uint64_t said) {
  return sink->dropped != NULL && (sink->waiting.len == 0 || tn_loop_now() - said >= dropped_pause);
}

static void *run_thread(void *argument) {
  tn_log_sink *sink = argument;
  uint64_t said = 0;
  pthread_mutex_lock(&sink->mutex);
  while (!sink->is_ending || sink->waiting.len > 0 || sink->dropped != NULL) {
    if (is_time_to_say_dropped(sink, said)) {
      said = tn_loop_now();
      say_dropped(sink);
    } else if (sink->waiting.len > 0) {
      write_waiting(sink);
    } else {
      pthread_cond_wait(&sink->has_lines, &sink->mutex);
    }
  }
  pthread_mutex_unlock(&sink->mutex);
  return NULL;
}

/* ---- making and ending --------------------------------------------------------------------------- */

static tn_error *open_file(const char *path, int *out) {
  int descriptor = path == NULL ? dup(STDERR_FILENO)
                                : open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) {
    return tn_error_new(TN_ERROR_IO, "opening the log %s: %s",
                        path == NULL ? "on standard error" : path, strerror(errno));
  }
  if (path == NULL) fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  *out = descriptor;
  return NULL;
}

static void sink_delete(tn_log_sink *sink) {
  if (sink->descriptor >= 0) close(sink->descriptor);
  pthread_cond_destroy(&sink->has_lines);
  pthread_cond_destroy(&sink->is_idle);
  pthread_mutex_destroy(&sink->mutex);
  tn_buffer_free(&sink->waiting);
  free_dropped(sink->dropped);
  tn_free(sink->path);
  tn_free(sink);
}

static tn_error *copy_path(const char *path, char **out) {
  *out = NULL;
  if (path == NULL) return NULL;
  size_t size = strlen(path) + 1;
  char *copy = tn_malloc(size);
  if (copy == NULL) return tn_error_no_memory();
  *out = memcpy(copy, path, size);
  return NULL;
}

static tn_error *sink_start(tn_log_sink *sink, const char *path) {
  TN_TRY(open_file(path, &sink->descriptor));
  TN_TRY(copy_path(path, &sink->path));
  int failed = pthread_create(&sink->thread, NULL, run_thread, sink);
  if (failed != 0)
    return tn_error_new(TN_ERROR_IO, "making the log's thread: %s", strerror(failed));
  sink->has_thread = true;
  return NULL;
}

tn_error *tn_log_new(tn_serve_log_format format, const char *path, tn_log **out) {
  tn_log *log = tn_calloc(1, sizeof *log);
  tn_log_sink *sink = tn_calloc(1, sizeof *sink);
  if (log == NULL || sink == NULL) {
    tn_free(log);
    tn_free(sink);
    return tn_error_no_memory();
  }
  pthread_mutex_init(&sink->mutex, NULL);
  pthread_cond_init(&sink->has_lines, NULL);
  pthread_cond_init(&sink->is_idle, NULL);
  sink->descriptor = -1;
  atomic_init(&sink->format, format);
  tn_error *error = sink_start(sink, path);
  if (error != NULL) {
    sink_delete(sink);
    tn_free(log);
    return error;
  }
  *log = (tn_log){.sink = sink};
  *out = log;
  return NULL;
}

tn_error *tn_log_new_worker(tn_log *log, tn_log **out) {
  tn_log *made = tn_calloc(1, sizeof *made);
  if (made == NULL) return tn_error_no_memory();
  *made = (tn_log){.sink = log->sink, .is_worker = true};
  *out = made;
  return NULL;
}

static bool is_all_written(const tn_log_sink *sink) {
  return sink->waiting.len == 0 && sink->dropped == NULL && !sink->is_writing;
}

/* Whoever reads a pipe may have stopped reading: then the thread cannot be waited for. */
static bool wait_until_written(tn_log_sink *sink, bool is_ending) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += CLOSE_SECONDS;
  pthread_mutex_lock(&sink->mutex);
  int waited = 0;
  while (!is_all_written(sink) && waited == 0)
    waited = pthread_cond_timedwait(&sink->is_idle, &sink->mutex, &until);
  bool is_written = is_all_written(sink);
  sink->is_ending = is_ending;
  pthread_mutex_unlock(&sink->mutex);
  if (is_ending) pthread_cond_signal(&sink->has_lines);
  return is_written;
}

void tn_log_wait(tn_log *log) {
  tn_log_flush(log);
  wait_until_written(log->sink, false);
}

void tn_log_delete(tn_log *log) {
  if (log == NULL) return;
  tn_log_flush(log);
  tn_buffer_free(&log->lines);
  if (!log->is_worker) {
    if (wait_until_written(log->sink, true)) {
      pthread_join(log->sink->thread, NULL);
      sink_delete(log->sink);
    } else {
      /* It is stuck in a write: the sink stays until the process ends. */
      pthread_detach(log->sink->thread);
    }
  }
  tn_free(log);
}

/* Writes to what `path` names from now on. */
static tn_error *redirect(tn_log_sink *sink, const char *path) {
  int opened;
  TN_TRY(open_file(path, &opened));
  pthread_mutex_lock(&sink->mutex);
  /* The thread may be writing to the old one: it takes the new one's place under the same number. */
  int failed = dup3(opened, sink->descriptor, O_CLOEXEC) < 0 ? errno : 0;
  pthread_mutex_unlock(&sink->mutex);
  close(opened);
  return failed == 0 ? NULL
                     : tn_error_new(TN_ERROR_IO, "opening the log again: %s", strerror(failed));
}

tn_error *tn_log_reopen(tn_log *log) {
  return log->sink->path != NULL ? redirect(log->sink, log->sink->path) : NULL;
}

tn_error *tn_log_change(tn_log *log, tn_serve_log_format format, const char *path) {
  tn_log_sink *sink = log->sink;
  char *copy;
  TN_TRY(copy_path(path, &copy));
  tn_error *error = redirect(sink, copy);
  if (error != NULL) {
    tn_free(copy);
    return error;
  }
  tn_free(sink->path);
  sink->path = copy;
  atomic_store_explicit(&sink->format, format, memory_order_relaxed);
  return NULL;
}

bool tn_log_takes_requests(const tn_log *log) {
  return tn_log_format(log) != TN_SERVE_LOG_OFF;
}
