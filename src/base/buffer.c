#include "base/buffer.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

bool tn_buffer_reserve(tn_buffer *buffer, size_t extra) {
  if (buffer->failed) return false;
  if (extra <= buffer->cap - buffer->len) return true;
  size_t needed;
  if (__builtin_add_overflow(buffer->len, extra, &needed)) {
    buffer->failed = true;
    return false;
  }
  size_t cap = buffer->cap < 64 ? 64 : buffer->cap;
  while (cap < needed) {
    cap = cap > SIZE_MAX / 2 ? needed : cap * 2;
  }
  char *data = tn_realloc(buffer->data, cap);
  if (data == NULL) {
    buffer->failed = true;
    return false;
  }
  buffer->data = data;
  buffer->cap = cap;
  return true;
}

void tn_buffer_append(tn_buffer *buffer, const void *bytes, size_t size) {
  if (size == 0 || !tn_buffer_reserve(buffer, size)) return;
  memcpy(buffer->data + buffer->len, bytes, size);
  buffer->len += size;
}

void tn_buffer_append_str(tn_buffer *buffer, tn_str string) {
  tn_buffer_append(buffer, string.data, string.len);
}

void tn_buffer_append_text(tn_buffer *buffer, const char *text) {
  tn_buffer_append(buffer, text, strlen(text));
}

void tn_buffer_append_byte(tn_buffer *buffer, uint8_t byte) {
  tn_buffer_append(buffer, &byte, 1);
}

void tn_buffer_vformat(tn_buffer *buffer, const char *format, va_list arguments) {
  va_list again;
  va_copy(again, arguments);
  int length = vsnprintf(NULL, 0, format, arguments);
  if (length < 0) {
    buffer->failed = true;
  } else if (tn_buffer_reserve(buffer, (size_t)length + 1)) {
    vsnprintf(buffer->data + buffer->len, (size_t)length + 1, format, again);
    buffer->len += (size_t)length;
  }
  va_end(again);
}

void tn_buffer_format(tn_buffer *buffer, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  tn_buffer_vformat(buffer, format, arguments);
  va_end(arguments);
}

tn_str tn_buffer_str(const tn_buffer *buffer) {
  return (tn_str){buffer->data, buffer->len};
}

char *tn_buffer_take(tn_buffer *buffer) {
  tn_buffer_append_byte(buffer, '\0');
  char *data = buffer->data;
  if (buffer->failed) {
    tn_free(data);
    data = NULL;
  }
  *buffer = (tn_buffer){0};
  return data;
}

void tn_buffer_free(tn_buffer *buffer) {
  tn_free(buffer->data);
  *buffer = (tn_buffer){0};
}
