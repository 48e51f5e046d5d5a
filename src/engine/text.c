/* WebAssembly text to binary. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "engine/private.h"

/* What stands there, as far as its line goes: the beginning of it. Columns count characters, so that behind others than
 * ASCII nothing is shown. */
static tn_str text_at(tn_str source, unsigned line, unsigned column) {
  enum { MOST = 40 };
  size_t start = 0;
  for (unsigned i = 1; i < line && start < source.len; i++)
    start = tn_str_find(source, '\n', start) + 1;
  if (start >= source.len || column == 0) return (tn_str){0};
  size_t end = tn_str_find(source, '\n', start);
  for (size_t i = start; i < end && i < start + column + MOST; i++) {
    if ((unsigned char)source.data[i] >= 0x80) return (tn_str){0};
  }
  size_t from = start + column - 1;
  if (from >= end) return (tn_str){0};
  return tn_str_slice(source, from, end - from > MOST ? from + MOST : end);
}

/* The engine prints
 *     what is wrong
 *          --> <anon>:LINE:COLUMN
 *           |
 *      LINE | the line itself …
 * of which the first two are enough for one line. */
static tn_error *syntax_error(tn_str source, tn_str text) {
  static const char marker[] = "--> <anon>:";
  unsigned line = 0, column = 0;
  tn_str what = tn_str_slice(text, 0, tn_str_find(text, '\n', 0));
  const char *place = memmem(text.data, text.len, marker, sizeof marker - 1);
  char numbers[32] = "";
  if (place != NULL) {
    tn_str rest = tn_str_slice(text, (size_t)(place - text.data) + sizeof marker - 1, text.len);
    snprintf(numbers, sizeof numbers, "%" TN_STR_FORMAT,
             TN_STR_ARG(tn_str_slice(rest, 0, sizeof numbers - 1)));
  }
  if (sscanf(numbers, "%u:%u", &line, &column) != 2) {
    return tn_error_new(TN_ERROR_MALFORMED, "%" TN_STR_FORMAT, TN_STR_ARG(what));
  }
  tn_str found = text_at(source, line, column);
  return tn_error_new(TN_ERROR_MALFORMED,
                      "line %u, column %u: %" TN_STR_FORMAT "%s%" TN_STR_FORMAT "%s", line, column,
                      TN_STR_ARG(what), found.len > 0 ? ": `" : "", TN_STR_ARG(found),
                      found.len > 0 ? "`" : "");
}

tn_error *tn_core_text_to_binary(tn_str text, uint8_t **out, size_t *size) {
  /* What editors put in front of UTF-8 is no part of the text. */
  if (tn_str_starts_with(text, TN_STR("\xef\xbb\xbf"))) text = tn_str_slice(text, 3, text.len);
  wasm_byte_vec_t binary;
  wasmtime_error_t *error = wasmtime_wat2wasm(text.data, text.len, &binary);
  if (error != NULL) {
    wasm_byte_vec_t message;
    wasmtime_error_message(error, &message);
    tn_error *failure = syntax_error(text, (tn_str){message.data, message.size});
    wasm_byte_vec_delete(&message);
    wasmtime_error_delete(error);
    return failure;
  }
  uint8_t *copy = tn_malloc(binary.size);
  if (copy != NULL) {
    memcpy(copy, binary.data, binary.size);
    *out = copy;
    *size = binary.size;
  }
  wasm_byte_vec_delete(&binary);
  return copy != NULL ? NULL : tn_error_no_memory();
}
