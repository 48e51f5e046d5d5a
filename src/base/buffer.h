/* A growing byte buffer, for text and binary output. Not thread-safe. */
#ifndef TN_BASE_BUFFER_H
#define TN_BASE_BUFFER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Invariant: len <= cap; once `failed` is set (out of memory) further appends do nothing, so that a
 * writer checks once at its end. A zeroed struct is an empty buffer. */
typedef struct tn_buffer {
  char *data;
  size_t len;
  size_t cap;
  bool failed;
} tn_buffer;

/* Makes room for `extra` more bytes; false (and failed) when out of memory. */
bool tn_buffer_reserve(tn_buffer *buffer, size_t extra);
void tn_buffer_append(tn_buffer *buffer, const void *bytes, size_t size);
void tn_buffer_append_str(tn_buffer *buffer, tn_str string);
void tn_buffer_append_text(tn_buffer *buffer, const char *text);
void tn_buffer_append_byte(tn_buffer *buffer, uint8_t byte);
void tn_buffer_format(tn_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void tn_buffer_vformat(tn_buffer *buffer, const char *format, va_list arguments);
/* The contents as a slice, valid until the next append. */
tn_str tn_buffer_str(const tn_buffer *buffer);
/* Hands the contents out as a NUL-ended string that the caller frees with tn_free; NULL when the
 * buffer has failed. The buffer is empty afterwards. */
char *tn_buffer_take(tn_buffer *buffer);
void tn_buffer_free(tn_buffer *buffer);

#endif
