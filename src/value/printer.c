#include "value/printer.h"

#include <inttypes.h>

#include "base/utf.h"

enum { REPLACEMENT = 0xfffd };

void tn_print_characters(tn_buffer *out, tn_str string, tn_character_func print) {
  bool is_valid = tn_utf8_is_valid(string.data, string.len);
  for (size_t at = 0; at < string.len && !out->failed;) {
    uint32_t character = (uint8_t)string.data[at];
    if (is_valid) {
      at += tn_utf8_decode((const uint8_t *)string.data + at, &character);
    } else {
      if (character >= 0x80) character = REPLACEMENT;
      at++;
    }
    print(out, character);
  }
}

void tn_print_utf8(tn_buffer *out, uint32_t character) {
  uint8_t bytes[4];
  tn_buffer_append(out, bytes, tn_utf8_encode(tn_is_scalar_value(character) ? character : REPLACEMENT, bytes));
}

bool tn_is_control_character(uint32_t character) {
  return character < 0x20 || (character >= 0x7f && character < 0xa0) || (character >= 0x2028 && character <= 0x202e) ||
         (character >= 0x2066 && character <= 0x2069) || character == 0x200e || character == 0x200f;
}

void tn_print_handle(tn_buffer *out, const tn_type *type, const void *value) {
  static const char *const names[] = {
      [TN_TYPE_OWN] = "own",       [TN_TYPE_BORROW] = "borrow",
      [TN_TYPE_STREAM] = "stream", [TN_TYPE_FUTURE] = "future",
      [TN_TYPE_ERROR_CONTEXT] = "error-context",
  };
  tn_buffer_format(out, "%s(%" PRIu32 ")", names[type->kind], *(const uint32_t *)value);
}

void tn_print_invalid_case(tn_buffer *out, uint32_t tag) {
  tn_buffer_format(out, "invalid(%" PRIu32 ")", tag);
}
