#include "cli/exec/argument.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/exec/exec.h"

/* ---- slices --------------------------------------------------------------------------------------- */

static tn_str slice(tn_str text, size_t start, size_t end) {
  return (tn_str){text.data + start, end - start};
}

static bool is_text(tn_str text, const char *wanted) {
  return text.len == strlen(wanted) && memcmp(text.data, wanted, text.len) == 0;
}

static bool starts_with(tn_str text, char c) {
  return text.len > 0 && text.data[0] == c;
}

/* Behind the quoted text that starts at `at`. */
static size_t skip_quoted(tn_str text, size_t at) {
  char quote = text.data[at++];
  for (; at < text.len && text.data[at] != quote; at++)
    if (text.data[at] == '\\') at++;
  return at < text.len ? at : text.len - 1;
}

size_t exec_argument_find(tn_str text, size_t at, const char *stops) {
  size_t depth = 0;
  for (; at < text.len; at++) {
    char c = text.data[at];
    if (depth == 0 && strchr(stops, c) != NULL) return at;
    if (strchr("([{<", c) != NULL) depth++;
    if (strchr(")]}>", c) != NULL && depth > 0) depth--;
    /* An apostrophe within a word is no quote. */
    bool is_quote =
        c == '"' || (c == '\'' && (at == 0 || strchr("([{, :=\t\n", text.data[at - 1]) != NULL));
    if (is_quote) at = skip_quoted(text, at);
  }
  return text.len;
}

/* ---- what was wrong where -------------------------------------------------------------------------- */

/* Invariant: `whole` is what the user typed; texts that are looked at are slices of it. */
typedef struct argument {
  tn_values *values;
  tn_str whole;
  size_t column;
  size_t length;
} argument;

static void mark(argument *a, tn_str part) {
  a->column = (size_t)(part.data - a->whole.data);
  a->length = part.len;
}

static tn_error *out_of_memory(void) {
  return tn_error_make(TN_ERROR_NO_MEMORY, "out of memory");
}

static const char *kind_name(tn_type_kind kind) {
  static const char *const names[] = {
      [TN_TYPE_BOOL] = "bool",     [TN_TYPE_S8] = "s8",           [TN_TYPE_U8] = "u8",
      [TN_TYPE_S16] = "s16",       [TN_TYPE_U16] = "u16",         [TN_TYPE_S32] = "s32",
      [TN_TYPE_U32] = "u32",       [TN_TYPE_S64] = "s64",         [TN_TYPE_U64] = "u64",
      [TN_TYPE_F32] = "f32",       [TN_TYPE_F64] = "f64",         [TN_TYPE_CHAR] = "char",
      [TN_TYPE_STRING] = "string", [TN_TYPE_LIST] = "list",       [TN_TYPE_FIXED_LIST] = "list",
      [TN_TYPE_MAP] = "map",       [TN_TYPE_RECORD] = "record",   [TN_TYPE_TUPLE] = "tuple",
      [TN_TYPE_ENUM] = "enum",     [TN_TYPE_VARIANT] = "variant", [TN_TYPE_OPTION] = "option",
      [TN_TYPE_RESULT] = "result", [TN_TYPE_FLAGS] = "flags",     [TN_TYPE_FUTURE] = NULL,
  };
  return names[kind] != NULL ? names[kind] : "resource";
}

static bool is_kind_name(tn_str word) {
  for (int kind = TN_TYPE_BOOL; kind < TN_TYPE_OWN; kind++)
    if (is_text(word, kind_name((tn_type_kind)kind))) return true;
  return false;
}

/* ---- WAVE ------------------------------------------------------------------------------------------ */

size_t exec_argument_offset(tn_str text, size_t line, size_t column) {
  size_t at = 0;
  for (; line > 1 && at < text.len; at++)
    if (text.data[at] == '\n') line--;
  for (; column > 1 && at < text.len; column--)
    do {
      at++;
    } while (at < text.len && ((unsigned char)text.data[at] & 0xc0) == 0x80);
  return at;
}

/* The word at `at`, for the caret. */
static size_t word_length(tn_str text, size_t at) {
  size_t end = at;
  while (end < text.len && strchr(" \t\r\n,:()[]{}|", text.data[end]) == NULL)
    end++;
  return end > at ? end - at : 1;
}

/* Without the place that a message ends with, which counts from the value's start: the caret shows it. */
tn_error *exec_argument_without_place(tn_error *error) {
  size_t line, column;
  char what[512], place[64];
  if (!tn_error_get_place(error, &line, &column)) return error;
  snprintf(what, sizeof what, "%s", tn_error_get_message(error));
  int length = snprintf(place, sizeof place, " at %zu:%zu", line, column);
  size_t kept = strlen(what);
  if (kept < (size_t)length || strcmp(what + kept - (size_t)length, place) != 0) return error;
  what[kept - (size_t)length] = '\0';
  tn_error_kind kind = tn_error_get_kind(error);
  tn_error_delete(error);
  return tn_error_make(kind, what);
}

static tn_error *parse_wave(argument *a, const tn_type *type, tn_str text, void *out) {
  tn_error *error = tn_values_from_wave(a->values, type, text, out);
  if (error == NULL) return NULL;
  size_t line, column, at = 0;
  if (tn_error_get_place(error, &line, &column)) at = exec_argument_offset(text, line, column);
  mark(a, slice(text, at, text.len));
  a->length = word_length(text, at);
  return exec_argument_without_place(error);
}

/* ---- notations for one kind -------------------------------------------------------------------------- */

static tn_error *parse_value(argument *a, const tn_type *type, tn_str text, void *out);

static tn_error *parse_string(argument *a, const tn_type *type, tn_str text, void *out) {
  bool is_quoted = text.len >= 2 && text.data[0] == '"' && skip_quoted(text, 0) == text.len - 1 &&
                   text.data[text.len - 1] == '"';
  if (is_quoted) return parse_wave(a, type, text, out);
  *(tn_str *)out = text; /* it lives as long as what was typed */
  return NULL;
}

/* "x" or "'x'" */
static tn_error *parse_char(argument *a, const tn_type *type, tn_str text, void *out) {
  if (starts_with(text, '\'') && text.len > 1) return parse_wave(a, type, text, out);
  size_t count = exec_columns(text);
  mark(a, text);
  if (count != 1) {
    char message[64];
    snprintf(message, sizeof message, "expected one character but found %zu", count);
    return tn_error_make(TN_ERROR_ARGUMENT, count == 0 ? "expected one character" : message);
  }
  char quoted[8] = "'";
  size_t length = 1;
  if (strchr("'\\", text.data[0]) != NULL) quoted[length++] = '\\';
  memcpy(quoted + length, text.data, text.len);
  length += text.len;
  quoted[length++] = '\'';
  tn_error *error = tn_values_from_wave(a->values, type, (tn_str){quoted, length}, out);
  return error == NULL ? NULL : exec_argument_without_place(error);
}

/* "a|b" or "a,b" */
static tn_error *parse_flags(argument *a, const tn_type *type, tn_str text, void *out) {
  if (starts_with(text, '{')) return parse_wave(a, type, text, out);
  uint32_t bits = 0;
  for (size_t at = 0; at < text.len;) {
    size_t end = exec_argument_find(text, at, "|,");
    tn_str label = exec_trim(slice(text, at, end));
    size_t index = 0;
    for (; index < tn_type_part_count(type); index++) {
      tn_str name = tn_type_part_name(type, index);
      if (name.len == label.len && memcmp(name.data, label.data, name.len) == 0) break;
    }
    if (index == tn_type_part_count(type)) {
      mark(a, label);
      return tn_error_make(TN_ERROR_ARGUMENT, "there is no such flag");
    }
    bits |= (uint32_t)1 << index;
    at = end + 1;
  }
  memcpy(out, &bits, tn_type_discriminant_size(type)); /* little endian */
  return NULL;
}

typedef struct native_list {
  void *data;
  size_t len;
} native_list;

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "0x00ff" */
static tn_error *parse_hex(argument *a, tn_str text, native_list *out) {
  tn_str digits = slice(text, 2, text.len);
  mark(a, digits);
  if (digits.len % 2 != 0)
    return tn_error_make(TN_ERROR_ARGUMENT, "bytes in hexadecimal need an even number of digits");
  uint8_t *bytes = tn_values_alloc(a->values, digits.len / 2 + 1, 1);
  if (bytes == NULL) return out_of_memory();
  for (size_t i = 0; i < digits.len; i++) {
    int digit = hex_digit(digits.data[i]);
    if (digit < 0) {
      mark(a, slice(digits, i, i + 1));
      return tn_error_make(TN_ERROR_ARGUMENT, "expected a hexadecimal digit");
    }
    bytes[i / 2] = (uint8_t)(i % 2 == 0 ? digit << 4 : bytes[i / 2] | digit);
  }
  *out = (native_list){bytes, digits.len / 2};
  return NULL;
}

static bool is_hex(const tn_type *element, tn_str text) {
  return tn_type_get_kind(element) == TN_TYPE_U8 && text.len >= 2 && text.data[0] == '0' &&
         text.data[1] == 'x' && exec_argument_find(text, 0, ",") == text.len;
}

static size_t count_elements(tn_str text) {
  size_t count = text.len > 0;
  for (size_t at = 0; (at = exec_argument_find(text, at, ",")) < text.len; at++)
    count++;
  return count;
}

/* "1,,2"; the caret is below what ends the element that is not there. */
static tn_error *no_element(argument *a, tn_str part) {
  mark(a, slice(part, part.len, part.len));
  a->length = 1;
  return tn_error_make(TN_ERROR_ARGUMENT, "expected an element of the list but there is none");
}

/* "a, b, c" without brackets. */
static tn_error *parse_list(argument *a, const tn_type *type, tn_str text, void *out) {
  const tn_type *element = tn_type_part(type, 0);
  if (starts_with(text, '[') || tn_type_get_kind(type) == TN_TYPE_FIXED_LIST)
    return parse_wave(a, type, text, out);
  if (is_hex(element, text)) return parse_hex(a, text, out);
  size_t count = count_elements(text), size = tn_type_get_size(element);
  char *data = tn_values_alloc(a->values, count * size + 1, tn_type_get_alignment(element));
  if (data == NULL) return out_of_memory();
  memset(data, 0, count * size);
  size_t at = 0;
  for (size_t i = 0; i < count; i++) {
    size_t end = exec_argument_find(text, at, ",");
    tn_str part = exec_trim(slice(text, at, end));
    tn_error *error = part.len == 0 && tn_type_get_kind(element) != TN_TYPE_STRING
                          ? no_element(a, slice(text, at, end))
                          : parse_value(a, element, part, data + i * size);
    if (error != NULL) return error;
    at = end + 1;
  }
  *(native_list *)out = (native_list){data, count};
  return NULL;
}

/* What follows "TYPE:". */
static tn_error *parse_typed(argument *a, const tn_type *type, tn_str text, void *out) {
  switch (tn_type_get_kind(type)) {
  case TN_TYPE_STRING:
    return parse_string(a, type, text, out);
  case TN_TYPE_CHAR:
    return parse_char(a, type, text, out);
  case TN_TYPE_FLAGS:
    return parse_flags(a, type, exec_trim(text), out);
  case TN_TYPE_LIST:
  case TN_TYPE_FIXED_LIST:
    return parse_list(a, type, exec_trim(text), out);
  default:
    return parse_wave(a, type, text, out);
  }
}

/* ---- types that are named ---------------------------------------------------------------------------- */

/* The length of "word" or "word<…>" before a colon at the start of the text, or 0. */
static size_t type_length(tn_str text) {
  size_t at = 0;
  while (at < text.len && ((text.data[at] >= 'a' && text.data[at] <= 'z') ||
                           (text.data[at] >= '0' && text.data[at] <= '9')))
    at++;
  if (at == 0 || at == text.len) return 0;
  if (text.data[at] == '<') at = exec_argument_find(text, at, ":");
  return at < text.len && text.data[at] == ':' ? at : 0;
}

static tn_str word_of(tn_str spec) {
  const char *angle = memchr(spec.data, '<', spec.len);
  return angle == NULL ? spec : slice(spec, 0, (size_t)(angle - spec.data));
}

/* Whether "list<u8>" names the type; parts that are not given may be anything. */
static bool names_type(tn_str spec, const tn_type *type, unsigned depth) {
  spec = exec_trim(spec);
  if (type == NULL) return is_text(spec, "_");
  tn_str word = word_of(spec);
  if (!is_text(word, kind_name(tn_type_get_kind(type))) || depth == 0) return false;
  if (word.len == spec.len) return true;
  if (spec.data[spec.len - 1] != '>') return false;
  tn_str inner = slice(spec, word.len + 1, spec.len - 1);
  size_t part = 0;
  for (size_t at = 0; at < inner.len; part++) {
    size_t end = exec_argument_find(inner, at, ",");
    if (part == tn_type_part_count(type) ||
        !names_type(slice(inner, at, end), tn_type_part(type, part), depth - 1))
      return false;
    at = end + 1;
  }
  return true;
}

/* The type as it would have to be named, in `out`; what is too long or too deep is cut. */
static size_t describe_type(const tn_type *type, unsigned depth, char *out, size_t size) {
  if (type == NULL) return (size_t)snprintf(out, size, "_");
  tn_type_kind kind = tn_type_get_kind(type);
  size_t length = (size_t)snprintf(out, size, "%s", kind_name(kind));
  bool has_parts = kind == TN_TYPE_LIST || kind == TN_TYPE_OPTION || kind == TN_TYPE_RESULT ||
                   kind == TN_TYPE_TUPLE;
  if (!has_parts || depth == 0) return length;
  for (size_t i = 0; i < tn_type_part_count(type) && length + 2 < size; i++) {
    length += (size_t)snprintf(out + length, size - length, i == 0 ? "<" : ", ");
    if (length < size)
      length += describe_type(tn_type_part(type, i), depth - 1, out + length, size - length);
  }
  if (length < size) length += (size_t)snprintf(out + length, size - length, ">");
  return length;
}

static tn_error *wrong_type(argument *a, const tn_type *type, tn_str spec) {
  char message[256], name[80];
  describe_type(type, 3, name, sizeof name);
  snprintf(message, sizeof message, "the function takes a value of type %s, not %.*s", name,
           spec.len < 60 ? (int)spec.len : 60, spec.data);
  mark(a, spec);
  return tn_error_make(TN_ERROR_ARGUMENT, message);
}

static tn_error *parse_value(argument *a, const tn_type *type, tn_str text, void *out) {
  enum { MAX_DEPTH = 100 };
  tn_type_kind kind = tn_type_get_kind(type);
  tn_str trimmed = exec_trim(text);
  size_t length = type_length(trimmed);
  tn_str spec = slice(trimmed, 0, length);
  bool is_typed = length > 0 && is_kind_name(word_of(spec));
  if (is_typed && !names_type(spec, type, MAX_DEPTH)) return wrong_type(a, type, spec);
  if (is_typed) return parse_typed(a, type, slice(trimmed, length + 1, trimmed.len), out);
  if (length > 0 && kind != TN_TYPE_STRING && kind != TN_TYPE_VARIANT) {
    mark(a, spec);
    return tn_error_make(TN_ERROR_ARGUMENT, "there is no such type");
  }
  if (kind == TN_TYPE_STRING) return parse_string(a, type, text, out);
  if (kind == TN_TYPE_CHAR) return parse_char(a, type, trimmed, out);
  return parse_wave(a, type, text, out);
}

tn_error *exec_argument_parse(tn_values *values, const tn_type *type, tn_str text, void *out,
                              size_t *column, size_t *length) {
  argument a = {.values = values, .whole = text, .length = text.len};
  memset(out, 0, tn_type_get_size(type));
  tn_error *error = parse_value(&a, type, text, out);
  *column = a.column;
  *length = a.length;
  return error;
}
