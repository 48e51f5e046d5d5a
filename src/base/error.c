#include "base/error.h"

#include <stdarg.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"

/* Invariant: all strings are owned and NUL-ended, except in the static out-of-memory error. */
struct tn_error {
  tn_error_kind kind;
  int exit_code;
  char *message;
  char *hint; /* NULL: none */
  tn_frame *frames;
  size_t frame_count;
  bool is_located; /* see tn_error_locate_frames */
  bool is_cut;     /* see tn_error_cut_backtrace */
  tn_limit limit;
  uint64_t used, allowed; /* of the limit */
  size_t line, column;    /* in a text; from 1, 0: in none */
};

/* Never written to: everything that changes or frees an error leaves this one alone. */
static const tn_error no_memory = {.kind = TN_ERROR_NO_MEMORY, .message = (char *)"out of memory"};

tn_error *tn_error_no_memory(void) {
  return (tn_error *)&no_memory;
}

static char *format_text(const char *format, va_list arguments) {
  tn_buffer text = {0};
  tn_buffer_vformat(&text, format, arguments);
  return tn_buffer_take(&text);
}

tn_error *tn_error_vnew(tn_error_kind kind, const char *format, va_list arguments) {
  tn_error *error = tn_calloc(1, sizeof *error);
  if (error == NULL) return tn_error_no_memory();
  error->kind = kind;
  error->message = format_text(format, arguments);
  if (error->message == NULL) {
    tn_free(error);
    return tn_error_no_memory();
  }
  return error;
}

tn_error *tn_error_new(tn_error_kind kind, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  tn_error *error = tn_error_vnew(kind, format, arguments);
  va_end(arguments);
  return error;
}

tn_error *tn_error_wrap(tn_error *error, const char *format, ...) {
  if (error == NULL || error == &no_memory) return error;
  tn_buffer text = {0};
  va_list arguments;
  va_start(arguments, format);
  tn_buffer_vformat(&text, format, arguments);
  va_end(arguments);
  tn_buffer_format(&text, ": %s", error->message);
  char *message = tn_buffer_take(&text);
  if (message == NULL) return error; /* the shorter message still says what was wrong */
  tn_free(error->message);
  error->message = message;
  return error;
}

tn_error *tn_error_set_hint(tn_error *error, const char *format, ...) {
  if (error == NULL || error == &no_memory) return error;
  va_list arguments;
  va_start(arguments, format);
  char *hint = format_text(format, arguments);
  va_end(arguments);
  if (hint == NULL) return error;
  tn_free(error->hint);
  error->hint = hint;
  return error;
}

void tn_error_set_exit_code(tn_error *error, int code) {
  if (error != &no_memory) error->exit_code = code;
}

tn_error *tn_error_set_limit(tn_error *error, tn_limit limit, uint64_t used, uint64_t allowed) {
  if (error == NULL || error == &no_memory) return error;
  error->limit = limit;
  error->used = used;
  error->allowed = allowed;
  return error;
}

tn_limit tn_error_get_limit(const tn_error *error, uint64_t *used, uint64_t *allowed) {
  *used = error->used;
  *allowed = error->allowed;
  return error->limit;
}

tn_error *tn_error_set_place(tn_error *error, size_t line, size_t column) {
  if (error == NULL || error == &no_memory) return error;
  error->line = line;
  error->column = column;
  return error;
}

bool tn_error_get_place(const tn_error *error, size_t *line, size_t *column) {
  *line = error->line;
  *column = error->column;
  return error->line != 0;
}

static char *copy_text(const char *text) {
  if (text == NULL) return NULL;
  size_t size = strlen(text) + 1;
  char *copy = tn_malloc(size);
  if (copy != NULL) memcpy(copy, text, size);
  return copy;
}

void tn_error_add_frame(tn_error *error, const tn_frame *frame) {
  if (error == &no_memory) return;
  tn_frame *frames = tn_realloc(error->frames, (error->frame_count + 1) * sizeof *frames);
  if (frames == NULL) return;
  error->frames = frames;
  frames[error->frame_count++] = (tn_frame){
      .component = copy_text(frame->component),
      .module = copy_text(frame->module),
      .function = copy_text(frame->function),
      .function_index = frame->function_index,
      .function_offset = frame->function_offset,
      .module_offset = frame->module_offset,
  };
}

static void free_frame(const tn_frame *frame) {
  tn_free((char *)frame->component);
  tn_free((char *)frame->module);
  tn_free((char *)frame->function);
}

/* Sets a text that is not known yet. */
static void complete(const char **text, tn_str value) {
  if (*text != NULL || value.data == NULL) return;
  char *copy = tn_malloc(value.len + 1);
  if (copy == NULL) return; /* the backtrace says less, then */
  memcpy(copy, value.data, value.len);
  copy[value.len] = '\0';
  *text = copy;
}

tn_error *tn_error_locate_frames(tn_error *error, tn_frame_locator locate, const void *data) {
  if (error == NULL || error->is_located || error->frame_count == 0) return error;
  size_t kept = 0;
  for (size_t i = 0; i < error->frame_count; i++) {
    tn_frame frame = error->frames[i];
    tn_frame_place place = {0};
    tn_arena scratch = {0};
    locate(data, &frame, &scratch, &place);
    complete(&frame.component, place.component);
    complete(&frame.module, place.module);
    complete(&frame.function, place.function);
    tn_arena_free(&scratch);
    if (place.is_internal) {
      free_frame(&frame);
    } else {
      error->frames[kept++] = frame;
    }
  }
  error->frame_count = kept;
  error->is_located = true;
  return error;
}

tn_error_kind tn_error_get_kind(const tn_error *error) {
  return error->kind;
}

const char *tn_error_get_message(const tn_error *error) {
  return error->message;
}

const char *tn_error_get_hint(const tn_error *error) {
  return error->hint;
}

int tn_error_get_exit_code(const tn_error *error) {
  return error->exit_code;
}

void tn_error_cut_backtrace(tn_error *error) {
  if (error != &no_memory) error->is_cut = true;
}

bool tn_error_is_backtrace_cut(const tn_error *error) {
  return error->is_cut;
}

size_t tn_error_frame_count(const tn_error *error) {
  return error->frame_count;
}

const tn_frame *tn_error_frame(const tn_error *error, size_t index) {
  return index < error->frame_count ? &error->frames[index] : NULL;
}

void tn_error_delete(tn_error *error) {
  if (error == NULL || error == &no_memory) return;
  for (size_t i = 0; i < error->frame_count; i++)
    free_frame(&error->frames[i]);
  tn_free(error->frames);
  tn_free(error->hint);
  tn_free(error->message);
  tn_free(error);
}

tn_error *tn_error_make(tn_error_kind kind, const char *message) {
  bool is_kind = kind > TN_ERROR_NONE && kind <= TN_ERROR_HOST;
  return tn_error_new(is_kind ? kind : TN_ERROR_HOST, "%s",
                      message != NULL ? message : "an error without a message");
}
