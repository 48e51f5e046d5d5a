/* tenon exec: texts that people typed, and what is wrong where in them. */
#include <string.h>

#include "cli/exec/exec.h"

const char exec_no_utf8[] = "this byte is no part of a text in UTF-8";

static tn_str slice(tn_str text, size_t start, size_t end) {
  return (tn_str){text.data + start, end - start};
}

size_t exec_utf8_length(tn_str text, size_t at) {
  const unsigned char *bytes = (const unsigned char *)text.data + at;
  size_t left = text.len - at;
  size_t length = bytes[0] < 0x80                       ? 1
                  : bytes[0] >= 0xc2 && bytes[0] < 0xe0 ? 2
                  : (bytes[0] & 0xf0) == 0xe0           ? 3
                  : bytes[0] >= 0xf0 && bytes[0] < 0xf5 ? 4
                                                        : 0;
  if (length == 0 || length > left) return 0;
  for (size_t i = 1; i < length; i++)
    if ((bytes[i] & 0xc0) != 0x80) return 0;
  bool is_long = (bytes[0] == 0xe0 && bytes[1] < 0xa0) || (bytes[0] == 0xf0 && bytes[1] < 0x90);
  bool is_beyond = (bytes[0] == 0xed && bytes[1] >= 0xa0) || (bytes[0] == 0xf4 && bytes[1] >= 0x90);
  return is_long || is_beyond ? 0 : length;
}

size_t exec_utf8_find_wrong(tn_str text) {
  size_t at = 0;
  while (at < text.len) {
    size_t length = exec_utf8_length(text, at);
    if (length == 0) return at;
    at += length;
  }
  return at;
}

void exec_bytes_clean(exec_bytes *bytes, tn_str text) {
  while (text.len > 0) {
    size_t good = exec_utf8_find_wrong(text);
    exec_bytes_add(bytes, text.data, good);
    if (good == text.len) return;
    exec_bytes_text(bytes, "\xef\xbf\xbd");
    text = (tn_str){text.data + good + 1, text.len - good - 1};
  }
}

size_t exec_columns(tn_str text) {
  size_t count = 0;
  for (size_t at = 0; at < text.len; count++) {
    size_t length = exec_utf8_length(text, at);
    at += length > 0 ? length : 1; /* exec_bytes_clean makes one character of it */
  }
  return count;
}

static bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

tn_str exec_trim(tn_str text) {
  while (text.len > 0 && is_space(text.data[0]))
    text = slice(text, 1, text.len);
  while (text.len > 0 && is_space(text.data[text.len - 1]))
    text.len--;
  return text;
}

/* At most so many bytes before and behind what is wrong are shown. */
enum { BEFORE = 120, BEHIND = 60 };

static bool is_inside_character(tn_str text, size_t at) {
  return at < text.len && ((unsigned char)text.data[at] & 0xc0) == 0x80;
}

void exec_bytes_difference(exec_bytes *out, tn_str expected, tn_str given) {
  static const char dots[] = "…";
  const tn_str texts[] = {expected, given};
  bool is_short = expected.len <= BEFORE + BEHIND && given.len <= BEFORE + BEHIND;
  size_t at = 0, start = 0;
  while (at < expected.len && at < given.len && expected.data[at] == given.data[at])
    at++;
  if (!is_short && at > BEHIND) start = at - BEHIND;
  while (is_inside_character(expected, start))
    start++;
  for (size_t i = 0; i < 2; i++) {
    size_t end = is_short || texts[i].len - at < BEHIND ? texts[i].len : at + BEHIND;
    while (is_inside_character(texts[i], end))
      end++;
    if (i == 1) exec_bytes_text(out, ", and now is ");
    if (start > 0) exec_bytes_text(out, dots);
    exec_bytes_add(out, texts[i].data + start, end - start);
    if (end < texts[i].len) exec_bytes_text(out, dots);
  }
  if (!is_short) exec_bytes_format(out, " (from byte %zu on)", at + 1);
}

void exec_bytes_caret(exec_bytes *out, tn_str text, size_t column, size_t length) {
  static const char dots[] = "…";
  size_t start = column, end = column;
  while (start > 0 && text.data[start - 1] != '\n' && column - start < BEFORE)
    start--;
  while (start < column && is_inside_character(text, start))
    start++;
  while (end < text.len && text.data[end] != '\n' && end - column < BEHIND)
    end++;
  while (end > column && is_inside_character(text, end))
    end--;
  bool is_cut = start > 0 && text.data[start - 1] != '\n';
  exec_bytes_text(out, "\n  ");
  if (is_cut) exec_bytes_text(out, dots);
  exec_bytes_clean(out, slice(text, start, end));
  if (end < text.len && text.data[end] != '\n') exec_bytes_text(out, dots);
  exec_bytes_format(out, "\n  %*s", (int)(exec_columns(slice(text, start, column)) + is_cut), "");
  size_t marked = length < end - column ? length : end - column;
  size_t count = exec_columns(slice(text, column, column + marked));
  for (size_t i = 0; i < (count > 0 ? count : 1); i++)
    exec_bytes_text(out, "^");
}
