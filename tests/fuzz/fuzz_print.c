/* Arbitrary bytes as a component or core module that is printed, in each way. What is printed is text: valid UTF-8, and
 * no longer than the printer promises. */
#include <stdlib.h>

#include "base/utf.h"
#include "compose/print/component.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void append(void *data, const char *text, size_t size) {
  tn_buffer_append(data, text, size);
}

static void print(tn_str file, bool is_skeleton, bool has_offsets) {
  tn_buffer text = {0};
  tn_printer printer = {
      .take = append, .data = &text, .is_skeleton = is_skeleton, .has_offsets = has_offsets};
  tn_error_delete(tn_print_file(&printer, file));
  if (!text.failed && !tn_utf8_is_valid(text.data, text.len)) abort();
  tn_buffer_free(&printer.out);
  tn_buffer_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  tn_str file = {(const char *)data, size};
  print(file, false, false);
  print(file, false, true);
  print(file, true, false);
  return 0;
}
