/* The lines of the log.
 *
 *   text:  2026-11-21T12:34:56.789Z 200 GET example.com/path 1.234ms component=api id=… instance=0.6ms in=0 out=14 …
 *   JSON:  {"time":"…","type":"request","status":200, …}
 *
 * Everything that comes from clients and guests is escaped: a line is a line, and no control character reaches a
 * terminal. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "serve/observe/log_parts.h"
#include "wit/text.h"

/* ---- parts --------------------------------------------------------------------------------------- */

static void print_time(tn_log *log, tn_buffer *out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  char room[24];
  char *stamp = log->is_worker ? log->stamp : room; /* only a worker's log belongs to one thread */
  if (!log->is_worker || now.tv_sec != log->second) {
    struct tm parts;
    gmtime_r(&now.tv_sec, &parts);
    strftime(stamp, sizeof room, "%Y-%m-%dT%H:%M:%S", &parts);
    if (log->is_worker) log->second = now.tv_sec;
  }
  tn_buffer_append_text(out, stamp);
  uint32_t milliseconds = (uint32_t)(now.tv_nsec / 1000000);
  char fraction[] = {'.', (char)('0' + milliseconds / 100), (char)('0' + milliseconds / 10 % 10),
                     (char)('0' + milliseconds % 10), 'Z'};
  tn_buffer_append(out, fraction, sizeof fraction);
}

static bool is_plain(tn_str text) {
  for (size_t i = 0; i < text.len; i++) {
    uint8_t c = (uint8_t)text.data[i];
    if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\') return false;
  }
  return true;
}

/* A JSON string; nearly all have nothing to escape. */
static void print_quoted(tn_buffer *out, tn_str text) {
  if (!is_plain(text)) {
    tn_text_print_json(out, text);
    return;
  }
  tn_buffer_append_byte(out, '"');
  tn_buffer_append_str(out, text);
  tn_buffer_append_byte(out, '"');
}

/* A value of a text line: bare when it is one word. */
static void print_word(tn_buffer *out, tn_str text) {
  if (text.len > 0 && is_plain(text) && tn_str_find(text, ' ', 0) == text.len) {
    tn_buffer_append_str(out, text);
  } else {
    print_quoted(out, text);
  }
}

static void print_clean_character(tn_buffer *out, uint32_t character) {
  if (tn_text_is_control(character)) {
    tn_buffer_format(out, "\\u{%" PRIx32 "}", character);
  } else {
    tn_text_print_utf8(out, character);
  }
}

/* The rest of a text line, for people: only control characters are escaped. */
static void print_clean(tn_buffer *out, tn_str text) {
  tn_text_print_characters(out, text, print_clean_character);
}

static void print_number(tn_buffer *out, uint64_t number) {
  char digits[20];
  size_t start = sizeof digits;
  do {
    digits[--start] = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  tn_buffer_append(out, digits + start, sizeof digits - start);
}

/* Milliseconds with three digits behind the point. */
static void print_milliseconds(tn_buffer *out, uint64_t nanoseconds) {
  uint64_t microseconds = nanoseconds / 1000;
  uint32_t rest = (uint32_t)(microseconds % 1000);
  print_number(out, microseconds / 1000);
  char fraction[] = {'.', (char)('0' + rest / 100), (char)('0' + rest / 10 % 10),
                     (char)('0' + rest % 10)};
  tn_buffer_append(out, fraction, sizeof fraction);
}

/* ---- text and JSON members ------------------------------------------------------------------------ */

static void text_word(tn_buffer *out, const char *name, tn_str value) {
  if (value.len == 0) return;
  tn_buffer_append_text(out, name);
  print_word(out, value);
}

static void json_name(tn_buffer *out, const char *name) {
  tn_buffer_append_text(out, ",\"");
  tn_buffer_append_text(out, name);
  tn_buffer_append_text(out, "\":");
}

static void json_text(tn_buffer *out, const char *name, tn_str value) {
  if (value.len == 0) return;
  json_name(out, name);
  print_quoted(out, value);
}

static void json_count(tn_buffer *out, const char *name, uint64_t value) {
  json_name(out, name);
  print_number(out, value);
}

static void json_duration(tn_buffer *out, const char *name, uint64_t nanoseconds) {
  json_name(out, name);
  print_milliseconds(out, nanoseconds);
}

/* {"time":"…","type":"…" — the first members of every JSON line. */
static void json_start(tn_log *log, tn_buffer *out, const char *type) {
  tn_buffer_append_text(out, "{\"time\":\"");
  print_time(log, out);
  tn_buffer_append_text(out, "\",\"type\":\"");
  tn_buffer_append_text(out, type);
  tn_buffer_append_byte(out, '"');
}

/* ---- requests ------------------------------------------------------------------------------------- */

static void request_as_text(tn_log *log, tn_buffer *out, const tn_log_request *request) {
  print_time(log, out);
  tn_buffer_append_byte(out, ' ');
  print_number(out, (uint64_t)request->status);
  text_word(out, " ", request->method);
  tn_buffer_append_byte(out, ' ');
  tn_str place = request->authority.len + request->path.len == 0 ? TN_STR("-") : request->authority;
  if (place.len > 0) print_word(out, place);
  if (request->path.len > 0) print_word(out, request->path);
  tn_buffer_append_byte(out, ' ');
  print_milliseconds(out, request->duration);
  tn_buffer_append_text(out, "ms");
  text_word(out, " component=", request->component);
  text_word(out, " id=", request->id);
  tn_buffer_append_text(out, " instance=");
  print_milliseconds(out, request->instance_time);
  tn_buffer_append_text(out, "ms in=");
  print_number(out, request->bytes_in);
  tn_buffer_append_text(out, " out=");
  print_number(out, request->bytes_out);
  text_word(out, " peer=", request->peer);
  text_word(out, " protocol=", tn_str_from(request->protocol));
  text_word(out, " trace=", request->trace);
  text_word(out, " error=", request->error);
  tn_buffer_append_byte(out, '\n');
}

static void request_as_json(tn_log *log, tn_buffer *out, const tn_log_request *request) {
  json_start(log, out, "request");
  json_count(out, "status", (uint64_t)request->status);
  json_text(out, "method", request->method);
  json_text(out, "authority", request->authority);
  json_text(out, "path", request->path);
  json_text(out, "component", request->component);
  json_text(out, "id", request->id);
  json_duration(out, "durationMs", request->duration);
  json_duration(out, "instanceMs", request->instance_time);
  json_count(out, "bytesIn", request->bytes_in);
  json_count(out, "bytesOut", request->bytes_out);
  json_text(out, "peer", request->peer);
  json_text(out, "protocol", tn_str_from(request->protocol));
  json_text(out, "traceparent", request->trace);
  json_text(out, "error", request->error);
  tn_buffer_append_text(out, "}\n");
}

void tn_log_write_request(tn_log *log, const tn_log_request *request) {
  if (tn_log_format(log) == TN_SERVE_LOG_OFF) return;
  tn_buffer room = {0};
  tn_buffer *out = tn_log_begin(log, &room);
  if (tn_log_format(log) == TN_SERVE_LOG_JSON) {
    request_as_json(log, out, request);
  } else {
    request_as_text(log, out, request);
  }
  tn_log_end(log, &room);
}

/* ---- guests' output, and the server's own messages -------------------------------------------------- */

/* A line of text of `type`, which JSON has as member `name`. */
static void write_text(tn_log *log, const char *type, tn_str component, tn_str id, const char *name,
                       tn_str text, tn_str hint) {
  tn_buffer room = {0};
  tn_buffer *out = tn_log_begin(log, &room);
  if (tn_log_format(log) == TN_SERVE_LOG_JSON) {
    json_start(log, out, type);
    json_text(out, "component", component);
    json_text(out, "id", id);
    json_name(out, name);
    print_quoted(out, text);
    json_text(out, "hint", hint);
    tn_buffer_append_text(out, "}\n");
  } else {
    print_time(log, out);
    tn_buffer_append_byte(out, ' ');
    tn_buffer_append_text(out, type);
    text_word(out, " component=", component);
    text_word(out, " id=", id);
    tn_buffer_append_text(out, ": ");
    print_clean(out, text);
    text_word(out, " hint=", hint);
    tn_buffer_append_byte(out, '\n');
  }
  tn_log_end(log, &room);
}

void tn_log_write_output(tn_log *log, tn_str component, tn_str id, int stream, tn_str line) {
  if (!tn_log_has_room_for_output(log)) {
    tn_log_drop_output(log, component, id);
    return;
  }
  write_text(log, stream == 1 ? "stdout" : "stderr", component, id, "line", line, (tn_str){0});
}

void tn_log_write_dropped(tn_log *log, const tn_log_dropped *dropped) {
  char text[128];
  int size = snprintf(text, sizeof text,
                      "%" PRIu64
                      " line%s of its output dropped: the log is not written as fast as it prints",
                      dropped->lines, dropped->lines == 1 ? "" : "s");
  write_text(log, "warning", (tn_str){dropped->name, dropped->name_size},
             (tn_str){dropped->id, dropped->id_size}, "message", (tn_str){text, (size_t)size},
             (tn_str){0});
}

void tn_log_write(tn_log *log, const char *level, const char *format, ...) {
  tn_buffer message = {0};
  va_list arguments;
  va_start(arguments, format);
  tn_buffer_vformat(&message, format, arguments);
  va_end(arguments);
  write_text(log, level, (tn_str){0}, (tn_str){0}, "message", tn_buffer_str(&message), (tn_str){0});
  tn_buffer_free(&message);
}

/* "; at module!function+0x1b (0x1f2)", innermost first. */
static void print_frames(tn_buffer *out, const tn_error *error) {
  enum { MAX_FRAMES = 16 };
  size_t count = tn_error_frame_count(error);
  for (size_t i = 0; i < count && i < MAX_FRAMES; i++) {
    const tn_frame *frame = tn_error_frame(error, i);
    tn_buffer_append_text(out, i == 0 ? "; at " : " < ");
    if (frame->module != NULL) tn_buffer_format(out, "%s!", frame->module);
    if (frame->function != NULL) {
      tn_buffer_append_text(out, frame->function);
    } else {
      tn_buffer_format(out, "<function %u>", frame->function_index);
    }
    if (frame->module_offset != SIZE_MAX) tn_buffer_format(out, "@0x%zx", frame->module_offset);
  }
  if (count > MAX_FRAMES)
    tn_buffer_format(out, " < %s%zu more", tn_error_is_backtrace_cut(error) ? "at least " : "",
                     count - MAX_FRAMES);
}

/* The library's advice in terms of the server's settings: `max_memory_bytes` is "max-memory" there. */
static void print_hint(tn_buffer *out, tn_str hint) {
  bool is_setting = false;
  for (size_t i = 0; i < hint.len; i++) {
    tn_str rest = tn_str_slice(hint, i, hint.len);
    if (is_setting && tn_str_starts_with(rest, TN_STR("_bytes`"))) i += sizeof "_bytes" - 1;
    if (hint.data[i] == '`') is_setting = tn_str_starts_with(rest, TN_STR("`max_"));
    tn_buffer_append_byte(out, (uint8_t)(is_setting && hint.data[i] == '_' ? '-' : hint.data[i]));
  }
}

void tn_log_write_error(tn_log *log, tn_str component, tn_str id, const tn_error *error) {
  tn_buffer message = {0};
  tn_buffer hint = {0};
  tn_buffer_append_text(&message, tn_error_get_message(error));
  print_frames(&message, error);
  print_hint(&hint, tn_str_from(tn_error_get_hint(error)));
  write_text(log, "error", component, id, "message", tn_buffer_str(&message), tn_buffer_str(&hint));
  tn_buffer_free(&hint);
  tn_buffer_free(&message);
}
