#include "compose/print/printer.h"

#include "base/utf.h"

enum { LARGE = 1 << 16 };

static tn_error *hand_on(tn_printer *p) {
  if (p->out.failed) return tn_error_no_memory();
  if (p->out.len > p->left) {
    return tn_error_set_hint(
        tn_error_new(TN_ERROR_LIMIT, "the text is far too long for such a file"),
        "its types or names are repeated very often");
  }
  p->left -= p->out.len;
  p->take(p->data, p->out.data, p->out.len);
  p->out.len = 0;
  return NULL;
}

tn_error *tn_printer_flush(tn_printer *p) {
  return p->out.failed || p->out.len >= LARGE ? hand_on(p) : NULL;
}

tn_error *tn_printer_end(tn_printer *p) {
  tn_print_text(p, "\n");
  return hand_on(p);
}

void tn_print_newline(tn_printer *p, uint32_t offset) {
  static const char blanks[] = "                                                  "
                               "                                                  ";
  enum { MAX_NESTING = (sizeof blanks - 1) / 2 };
  tn_buffer_append_byte(&p->out, '\n');
  if (p->has_offsets && offset != TN_NOWHERE) tn_buffer_format(&p->out, "(;@%-6x;)", offset);
  if (p->has_offsets && offset == TN_NOWHERE) tn_print_text(p, "           ");
  uint32_t nesting = p->nesting < MAX_NESTING ? p->nesting : MAX_NESTING;
  tn_buffer_append(&p->out, blanks, (size_t)nesting * 2);
  p->line++;
}

uint64_t tn_print_open(tn_printer *p, const char *text) {
  tn_buffer_append_byte(&p->out, '(');
  tn_print_text(p, text);
  p->nesting++;
  return p->line;
}

void tn_print_close(tn_printer *p, uint64_t opened) {
  p->nesting--;
  if (p->line != opened) tn_print_newline(p, TN_NOWHERE);
  tn_buffer_append_byte(&p->out, ')');
}

void tn_print_close_at(tn_printer *p, uint64_t opened, uint32_t offset) {
  p->nesting--;
  if (p->has_offsets || p->line != opened) tn_print_newline(p, offset);
  tn_buffer_append_byte(&p->out, ')');
}

void tn_print_text(tn_printer *p, const char *text) {
  tn_buffer_append_text(&p->out, text);
}

void tn_print_number(tn_printer *p, uint64_t number) {
  char digits[20];
  size_t at = sizeof digits;
  do {
    digits[--at] = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  tn_buffer_append(&p->out, digits + at, sizeof digits - at);
}

void tn_print_space_number(tn_printer *p, uint64_t number) {
  tn_buffer_append_byte(&p->out, ' ');
  tn_print_number(p, number);
}

static bool is_plain(uint8_t byte) {
  return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

void tn_print_string_contents(tn_printer *p, tn_str text) {
  for (size_t i = 0; i < text.len;) {
    uint8_t byte = (uint8_t)text.data[i];
    if (is_plain(byte)) {
      tn_buffer_append_byte(&p->out, byte);
      i++;
      continue;
    }
    uint32_t character;
    size_t length = tn_utf8_decode((const uint8_t *)text.data + i, &character);
    tn_buffer_format(&p->out, "\\u{%x}", character);
    i += length;
  }
}

void tn_print_string(tn_printer *p, tn_str text) {
  tn_buffer_append_byte(&p->out, '"');
  tn_print_string_contents(p, text);
  tn_buffer_append_byte(&p->out, '"');
}

void tn_print_bytes(tn_printer *p, tn_str bytes) {
  static const char digits[] = "0123456789abcdef";
  tn_buffer_append_byte(&p->out, '"');
  for (size_t i = 0; i < bytes.len; i++) {
    uint8_t byte = (uint8_t)bytes.data[i];
    if (is_plain(byte)) {
      tn_buffer_append_byte(&p->out, byte);
    } else {
      tn_buffer_append(&p->out, (char[]){'\\', digits[byte >> 4], digits[byte & 15]}, 3);
    }
  }
  tn_buffer_append_byte(&p->out, '"');
}
