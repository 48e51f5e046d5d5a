#include "wit/text.h"

#include <inttypes.h>

#include "base/buffer.h"
#include "base/utf.h"

tn_error *tn_text_verror(tn_str text, size_t offset, const char *format, va_list arguments) {
  size_t line = 1;
  size_t column = 1;
  for (size_t i = 0; i < offset && i < text.len; i++) {
    uint8_t byte = (uint8_t)text.data[i];
    if (byte == '\n') {
      line++;
      column = 1;
    } else if ((byte & 0xc0) != 0x80) { /* not a continuation byte of UTF-8 */
      column++;
    }
  }
  tn_buffer message = {0};
  tn_buffer_vformat(&message, format, arguments);
  tn_buffer_format(&message, " at %zu:%zu", line, column);
  tn_error *error = message.failed ? tn_error_no_memory()
                                   : tn_error_new(TN_ERROR_ARGUMENT, "%" TN_STR_FORMAT,
                                                  TN_STR_ARG(tn_buffer_str(&message)));
  tn_buffer_free(&message);
  return tn_error_set_place(error, line, column);
}

tn_error *tn_text_error(tn_str text, size_t offset, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  tn_error *error = tn_text_verror(text, offset, format, arguments);
  va_end(arguments);
  return error;
}

const uint8_t tn_text_class[256] = {
    [' '] = TN_TEXT_SPACE,         ['\t'] = TN_TEXT_SPACE,        ['\n'] = TN_TEXT_SPACE,
    ['\r'] = TN_TEXT_SPACE,        ['0' ... '9'] = TN_TEXT_DIGIT, ['A' ... 'Z'] = TN_TEXT_UPPER,
    ['a' ... 'z'] = TN_TEXT_LOWER,
};

size_t tn_text_label(tn_str text, size_t offset) {
  if (offset >= text.len || !tn_text_is(text.data[offset], TN_TEXT_LETTER)) return 0;
  size_t at = offset;
  unsigned letters = 0; /* the case of this fragment's letters */
  for (; at < text.len; at++) {
    unsigned class = tn_text_class[(uint8_t)text.data[at]];
    if ((class & TN_TEXT_LETTER) != 0) {
      if ((letters | class) == TN_TEXT_LETTER) break;
      letters = class;
    } else if (text.data[at] == '-') {
      if (at + 1 == text.len || !tn_text_is(text.data[at + 1], TN_TEXT_LETTER | TN_TEXT_DIGIT))
        break;
      letters = 0;
    } else if (class != TN_TEXT_DIGIT) {
      break;
    }
  }
  return at - offset;
}

/* ---- printing ----------------------------------------------------------------------------------- */

enum { REPLACEMENT = 0xfffd };

void tn_text_print_characters(tn_buffer *out, tn_str string, tn_text_character_func print) {
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

void tn_text_print_utf8(tn_buffer *out, uint32_t character) {
  uint8_t bytes[4];
  tn_buffer_append(out, bytes,
                   tn_utf8_encode(tn_is_scalar_value(character) ? character : REPLACEMENT, bytes));
}

bool tn_text_is_control(uint32_t character) {
  return character < 0x20 || (character >= 0x7f && character < 0xa0) ||
         (character >= 0x2028 && character <= 0x202e) ||
         (character >= 0x2066 && character <= 0x2069) || character == 0x200e || character == 0x200f;
}

void tn_text_print_json_character(tn_buffer *out, uint32_t character) {
  if (character == '"' || character == '\\') {
    tn_buffer_append_byte(out, '\\');
    tn_buffer_append_byte(out, (uint8_t)character);
  } else if (character == '\n') {
    tn_buffer_append_text(out, "\\n");
  } else if (tn_text_is_control(character)) { /* all of them are below U+10000 */
    tn_buffer_format(out, "\\u%04" PRIx32, character);
  } else {
    tn_text_print_utf8(out, character);
  }
}

void tn_text_print_json(tn_buffer *out, tn_str string) {
  tn_buffer_append_byte(out, '"');
  tn_text_print_characters(out, string, tn_text_print_json_character);
  tn_buffer_append_byte(out, '"');
}
