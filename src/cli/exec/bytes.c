#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/exec/exec.h"

void exec_bytes_add(exec_bytes *bytes, const void *data, size_t size) {
  if (bytes->failed || size == 0) return;
  if (size > bytes->room - bytes->size) {
    size_t room = bytes->room < 256 ? 256 : bytes->room * 2;
    while (room - bytes->size < size)
      room *= 2;
    char *grown = realloc(bytes->data, room);
    if (grown == NULL) {
      bytes->failed = true;
      return;
    }
    bytes->data = grown;
    bytes->room = room;
  }
  memcpy(bytes->data + bytes->size, data, size);
  bytes->size += size;
}

void exec_bytes_text(exec_bytes *bytes, const char *text) {
  exec_bytes_add(bytes, text, strlen(text));
}

void exec_bytes_format(exec_bytes *bytes, const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  exec_bytes_add(bytes, text, length < (int)sizeof text ? (size_t)length : sizeof text - 1);
}

void exec_bytes_field(exec_bytes *bytes, tn_str text) {
  uint64_t size = text.len; /* little endian, as all machines that this runs on */
  exec_bytes_add(bytes, &size, sizeof size);
  exec_bytes_add(bytes, text.data, text.len);
}

void exec_bytes_free(exec_bytes *bytes) {
  free(bytes->data);
  *bytes = (exec_bytes){0};
}

bool exec_is_cut_short(const exec_outcome *outcome) {
  uint64_t used, allowed;
  return outcome->error != NULL &&
         (tn_error_get_kind(outcome->error) == TN_ERROR_CANCELLED ||
          tn_error_get_limit(outcome->error, &used, &allowed) == TN_LIMIT_TIME);
}

void exec_outcome_free(exec_outcome *outcome) {
  tn_error_delete(outcome->error);
  tn_release(outcome->result);
  tn_release(outcome->result_json);
  exec_bytes_free(&outcome->output[0]);
  exec_bytes_free(&outcome->output[1]);
  *outcome = (exec_outcome){0};
}

tn_error *exec_error_of(tn_error_kind kind, exec_bytes *text) {
  exec_bytes_add(text, "", 1);
  tn_error *error = text->failed ? tn_error_make(TN_ERROR_NO_MEMORY, "out of memory")
                                 : tn_error_make(kind, text->data);
  exec_bytes_free(text);
  return error;
}
