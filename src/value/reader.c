#include "value/reader.h"

#include "base/buffer.h"
#include "base/utf.h"
#include "base/vec.h"
#include "value/native.h"
#include "value/number.h"
#include "wit/text.h"
#include "wit/wit.h"

tn_error *tn_reader_start(tn_reader *reader, const tn_reader_form *form, tn_arena *arena,
                          tn_str text) {
  *reader = (tn_reader){.form = form, .arena = arena, .text = text};
  if (tn_utf8_is_valid(text.data, text.len)) return NULL;
  return tn_error_new(TN_ERROR_ARGUMENT, "the text is not valid UTF-8");
}

int tn_reader_peek(tn_reader *reader) {
  reader->at = reader->form->skip_space(reader->text, reader->at);
  return reader->at < reader->text.len ? (uint8_t)reader->text.data[reader->at] : -1;
}

bool tn_reader_accept(tn_reader *reader, char c) {
  if (tn_reader_peek(reader) != (uint8_t)c) return false;
  reader->at++;
  return true;
}

tn_error *tn_reader_expect(tn_reader *reader, char c) {
  if (tn_reader_accept(reader, c)) return NULL;
  char what[] = {'\'', c, '\'', '\0'};
  return tn_reader_expected(reader, what);
}

tn_error *tn_reader_expect_end(tn_reader *reader) {
  return tn_reader_peek(reader) < 0 ? NULL : tn_reader_expected(reader, "the end");
}

/* ---- messages ----------------------------------------------------------------------------------- */

tn_error *tn_reader_error(const tn_reader *reader, size_t offset, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  tn_error *error = tn_text_verror(reader->text, offset, format, arguments);
  va_end(arguments);
  return error;
}

/* The word at `offset`, for a message: up to white space or punctuation, at least one character. */
static tn_str word_at(tn_str text, size_t offset) {
  enum { SHOWN = 24 };
  size_t end = offset;
  while (end < text.len && end - offset < SHOWN) {
    if (end > offset && strchr(" \t\r\n,:()[]{}", text.data[end]) != NULL) break;
    uint32_t character;
    end += tn_utf8_decode((const uint8_t *)text.data + end, &character);
  }
  return tn_str_slice(text, offset, end);
}

tn_error *tn_reader_expected(tn_reader *reader, const char *what) {
  if (tn_reader_peek(reader) < 0) {
    return tn_reader_error(reader, reader->at, "expected %s but the text ends", what);
  }
  tn_str found = word_at(reader->text, reader->at);
  return tn_reader_error(reader, reader->at, "expected %s but found '%" TN_STR_FORMAT "'", what,
                         TN_STR_ARG(found));
}

/* Room for a type in a message; a longer one is cut. */
typedef struct type_text {
  char text[80];
} type_text;

static tn_error *describe_type(const tn_type *type, type_text *out) {
  tn_buffer printed = {0};
  tn_wit_print_type(&printed, type);
  if (printed.failed) {
    tn_buffer_free(&printed);
    return tn_error_no_memory();
  }
  static const char dots[] = "…";
  size_t room = sizeof out->text - sizeof dots;
  size_t shown = printed.len < room ? printed.len : room;
  memcpy(out->text, printed.data, shown);
  out->text[shown] = '\0';
  if (shown < printed.len) memcpy(out->text + shown, dots, sizeof dots);
  tn_buffer_free(&printed);
  return NULL;
}

tn_error *tn_reader_expected_type(tn_reader *reader, const tn_type *type) {
  type_text text;
  TN_TRY(describe_type(type, &text));
  return tn_reader_expected(reader, text.text);
}

tn_error *tn_reader_unknown_label(const tn_reader *reader, size_t offset, const char *what,
                                  tn_str label, const tn_type *type) {
  type_text text;
  TN_TRY(describe_type(type, &text));
  return tn_reader_error(reader, offset, "there is no %s '%" TN_STR_FORMAT "' in %s", what,
                         TN_STR_ARG(label), text.text);
}

tn_error *tn_reader_not_writable(const tn_reader *reader, const tn_type *type) {
  type_text text;
  TN_TRY(describe_type(type, &text));
  return tn_reader_error(reader, reader->at, "a value of type %s cannot be given as text",
                         text.text);
}

uint32_t tn_reader_find_label(const tn_type *type, tn_str label) {
  uint32_t index = 0;
  while (index < type->count && !tn_str_equal(type->labels[index], label))
    index++;
  return index;
}

/* ---- values and sequences ------------------------------------------------------------------------ */

tn_error *tn_reader_value(tn_reader *reader, const tn_type *type, void *out) {
  if (reader->depth == TN_VALUE_MAX_DEPTH) {
    return tn_reader_error(reader, reader->at, "the value is nested too deeply");
  }
  reader->depth++;
  tn_error *error = reader->form->read_value(reader, type, out);
  reader->depth--;
  return error;
}

tn_error *tn_reader_next(tn_reader *reader, char close, bool *more) {
  bool comma = tn_reader_accept(reader, ',');
  if (comma && !(reader->form->allows_trailing_comma && tn_reader_peek(reader) == (uint8_t)close)) {
    *more = true;
    return NULL;
  }
  *more = false;
  if (tn_reader_accept(reader, close)) return NULL;
  char what[] = "',' or '?'";
  what[8] = close;
  return tn_reader_expected(reader, what);
}

/* Elements of a list whose number is not known before; `size` bytes each. */
typedef struct growing_list {
  void *items;
  uint32_t len;
  uint32_t cap;
} growing_list;

static tn_error *add_element(tn_reader *reader, growing_list *list, size_t size, void **out) {
  *out = tn_vec_grow(reader->arena, &list->items, &list->len, &list->cap, size);
  return *out == NULL ? tn_error_no_memory() : NULL;
}

tn_error *tn_reader_list(tn_reader *reader, const tn_type *type, void *out) {
  const tn_type *element = type->types[0];
  growing_list list = {0};
  if (!tn_reader_accept(reader, '[')) return tn_reader_expected_type(reader, type);
  bool more = !tn_reader_accept(reader, ']');
  while (more) {
    void *slot;
    TN_TRY(add_element(reader, &list, element->layout[TN_NATIVE].size, &slot));
    TN_TRY(tn_reader_value(reader, element, slot));
    TN_TRY(tn_reader_next(reader, ']', &more));
  }
  *(tn_native_list *)out = (tn_native_list){list.items, list.len};
  return NULL;
}

static tn_error *wrong_count(const tn_reader *reader, uint32_t expected, uint32_t found,
                             bool has_more) {
  const char *plural = expected == 1 ? "" : "s";
  if (has_more)
    return tn_reader_error(reader, reader->at, "expected %u element%s but there are more", expected,
                           plural);
  return tn_reader_error(reader, reader->at - 1, "expected %u element%s but found %u", expected,
                         plural, found);
}

tn_error *tn_reader_fixed_list(tn_reader *reader, const tn_type *type, void *out) {
  const tn_type *element = type->types[0];
  uint32_t count = 0;
  if (!tn_reader_accept(reader, '[')) return tn_reader_expected_type(reader, type);
  bool more = !tn_reader_accept(reader, ']');
  while (more && count < type->length) {
    TN_TRY(tn_reader_value(reader, element, tn_native_element(element, out, count)));
    TN_TRY(tn_reader_next(reader, ']', &more));
    count++;
  }
  bool is_right = !more && count == type->length;
  return is_right ? NULL : wrong_count(reader, type->length, count, more);
}

tn_error *tn_reader_tuple(tn_reader *reader, const tn_type *type, char open, char close,
                          void *out) {
  uint32_t count = 0;
  if (!tn_reader_accept(reader, open)) return tn_reader_expected_type(reader, type);
  bool more = !tn_reader_accept(reader, close);
  while (more && count < type->count) {
    TN_TRY(tn_reader_value(reader, type->types[count], tn_native_field(type, out, count)));
    TN_TRY(tn_reader_next(reader, close, &more));
    count++;
  }
  bool is_right = !more && count == type->count;
  return is_right ? NULL : wrong_count(reader, type->count, count, more);
}

static tn_error *read_pair(tn_reader *reader, const tn_type *map, char open, char close,
                           void *entry) {
  TN_TRY(tn_reader_expect(reader, open));
  TN_TRY(tn_reader_value(reader, map->types[0], (char *)entry + map->field_offset[TN_NATIVE][0]));
  TN_TRY(tn_reader_expect(reader, ','));
  TN_TRY(tn_reader_value(reader, map->types[1], (char *)entry + map->field_offset[TN_NATIVE][1]));
  if (reader->form->allows_trailing_comma) tn_reader_accept(reader, ',');
  return tn_reader_expect(reader, close);
}

tn_error *tn_reader_map(tn_reader *reader, const tn_type *type, char open, char close, void *out) {
  growing_list list = {0};
  if (!tn_reader_accept(reader, '[')) return tn_reader_expected_type(reader, type);
  bool more = !tn_reader_accept(reader, ']');
  while (more) {
    void *entry;
    TN_TRY(add_element(reader, &list, tn_native_entry_size(type), &entry));
    TN_TRY(read_pair(reader, type, open, close, entry));
    TN_TRY(tn_reader_next(reader, ']', &more));
  }
  *(tn_native_list *)out = (tn_native_list){list.items, list.len};
  return NULL;
}

/* ---- numbers ------------------------------------------------------------------------------------ */

static tn_error *out_of_range(const tn_reader *reader, const tn_type *type, tn_str literal,
                              size_t offset, const char *range) {
  enum { SHOWN = 40 };
  type_text text;
  TN_TRY(describe_type(type, &text));
  bool is_long = literal.len > SHOWN;
  return tn_reader_error(reader, offset, "%" TN_STR_FORMAT "%s is out of range for %s%s%s%s",
                         TN_STR_ARG(tn_str_slice(literal, 0, SHOWN)), is_long ? "…" : "", text.text,
                         range == NULL ? "" : " (", range == NULL ? "" : range,
                         range == NULL ? "" : ")");
}

tn_error *tn_reader_store_integer(const tn_reader *reader, const tn_type *type, tn_str digits,
                                  size_t offset, void *out) {
  if (tn_number_read_integer(type->kind, digits, out)) return NULL;
  return out_of_range(reader, type, digits, offset, tn_number_range(type->kind));
}

tn_error *tn_reader_integer(tn_reader *reader, const tn_type *type, void *out) {
  bool is_integer;
  tn_reader_peek(reader);
  size_t start = reader->at;
  size_t length = tn_number_length(reader->text, start, &is_integer);
  if (length == 0 || !is_integer) return tn_reader_expected_type(reader, type);
  reader->at += length;
  return tn_reader_store_integer(reader, type, tn_str_slice(reader->text, start, start + length),
                                 start, out);
}

tn_error *tn_reader_float(tn_reader *reader, const tn_type *type, void *out) {
  bool is_integer;
  bool in_range;
  tn_reader_peek(reader);
  size_t start = reader->at;
  size_t length = tn_number_length(reader->text, start, &is_integer);
  if (length == 0) return tn_reader_expected_type(reader, type);
  tn_str literal = tn_str_slice(reader->text, start, start + length);
  TN_TRY(tn_number_read_float(reader->arena, type->kind, literal, out, &in_range));
  if (!in_range) return out_of_range(reader, type, literal, start, NULL);
  reader->at += length;
  return NULL;
}

uint32_t tn_reader_hex(const tn_reader *reader, size_t offset, size_t count) {
  uint32_t value = 0;
  if (count == 0 || count > 6 || offset > reader->text.len || count > reader->text.len - offset)
    return UINT32_MAX;
  for (size_t i = offset; i < offset + count; i++) {
    char c = reader->text.data[i];
    uint32_t digit;
    if (c >= '0' && c <= '9') {
      digit = (uint32_t)(c - '0');
    } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
      digit = (uint32_t)((c | 0x20) - 'a') + 10;
    } else {
      return UINT32_MAX;
    }
    value = value * 16 + digit;
  }
  return value;
}
