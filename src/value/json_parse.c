/* JSON as a form of component values: reading. A reader of our own, driven by the type, because a general
 * JSON tree loses what matters here: integers above 2^63, the difference of 1 and 1.0, the order and the
 * repetition of keys, and the place of what is wrong. RFC 8259. */
#include "base/error.h"
#include "base/utf.h"
#include "base/vec.h"
#include "value/native.h"
#include "value/number.h"
#include "value/reader.h"
#include "value/value.h"
#include "wit/text.h"

static tn_error *read_value(tn_reader *reader, const tn_type *type, void *out);

static size_t skip_space(tn_str text, size_t at) {
  while (at < text.len && tn_text_is(text.data[at], TN_TEXT_SPACE))
    at++;
  return at;
}

static const tn_reader_form json_form = {
    .skip_space = skip_space, .read_value = read_value, .allows_trailing_comma = false};

static bool accept_word(tn_reader *reader, const char *word) {
  tn_str wanted = tn_str_from(word);
  tn_reader_peek(reader);
  if (!tn_str_starts_with(tn_str_slice(reader->text, reader->at, reader->text.len), wanted))
    return false;
  reader->at += wanted.len;
  return true;
}

/* ---- strings ------------------------------------------------------------------------------------ */

static tn_error *read_unicode_escape(tn_reader *reader, uint32_t *out) {
  size_t start = reader->at;
  uint32_t unit = tn_reader_hex(reader, start + 2, 4);
  reader->at += 6;
  if (unit == UINT32_MAX)
    return tn_reader_error(reader, start, "expected four hexadecimal digits behind \\u");
  if (unit >= 0xd800 && unit < 0xdc00 && reader->at + 1 < reader->text.len &&
      reader->text.data[reader->at] == '\\' && reader->text.data[reader->at + 1] == 'u') {
    uint32_t low = tn_reader_hex(reader, reader->at + 2, 4);
    if (low >= 0xdc00 && low < 0xe000) {
      reader->at += 6;
      *out = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
      return NULL;
    }
  }
  if (!tn_is_scalar_value(unit))
    return tn_reader_error(reader, start, "this is half of a surrogate pair");
  *out = unit;
  return NULL;
}

/* The character at reader->at, or the escape sequence there. */
static tn_error *read_character(tn_reader *reader, uint32_t *out) {
  static const char names[] = "\"\\/bfnrt";
  static const char meanings[] = "\"\\/\b\f\n\r\t";
  size_t start = reader->at;
  if (reader->text.data[start] != '\\') {
    reader->at += tn_utf8_decode((const uint8_t *)reader->text.data + start, out);
    if (*out < 0x20)
      return tn_reader_error(reader, start, "a control character in a string has to be escaped");
    return NULL;
  }
  char c = start + 1 < reader->text.len ? reader->text.data[start + 1] : '\0';
  if (c == 'u') return read_unicode_escape(reader, out);
  const char *name = c == '\0' ? NULL : strchr(names, c);
  if (name == NULL) return tn_reader_error(reader, start, "unknown escape");
  reader->at += 2;
  *out = (uint8_t)meanings[name - names];
  return NULL;
}

/* A string; *start is where it begins. The caller has seen the quote or gives what it expects instead. */
static tn_error *read_string(tn_reader *reader, const char *what, tn_str *out, size_t *start) {
  if (!tn_reader_accept(reader, '"')) return tn_reader_expected(reader, what);
  *start = reader->at - 1;
  size_t close = reader->at;
  while (close < reader->text.len && reader->text.data[close] != '"') {
    close += reader->text.data[close] == '\\' ? 2 : 1;
  }
  if (close >= reader->text.len) return tn_reader_error(reader, *start, "this string has no end");
  /* No escape is shorter than what it stands for. */
  char *bytes = tn_arena_alloc(reader->arena, close - reader->at + 1, 1);
  if (bytes == NULL) return tn_error_no_memory();
  size_t used = 0;
  while (reader->at < close) {
    uint32_t character;
    TN_TRY(read_character(reader, &character));
    used += tn_utf8_encode(character, (uint8_t *)bytes + used);
  }
  reader->at = close + 1;
  bytes[used] = '\0';
  *out = (tn_str){bytes, used};
  return NULL;
}

static tn_error *read_char(tn_reader *reader, uint32_t *out) {
  tn_str string;
  size_t start;
  TN_TRY(read_string(reader, "a string of one character", &string, &start));
  if (string.len > 0 && tn_utf8_decode((const uint8_t *)string.data, out) == string.len)
    return NULL;
  return tn_reader_error(reader, start, "expected a string of one character");
}

/* ---- numbers ------------------------------------------------------------------------------------ */

/* A number, or, for 64 bits, a string with the digits: not every writer of JSON has such numbers. */
static tn_error *read_integer(tn_reader *reader, const tn_type *type, void *out) {
  bool is_wide = type->kind == TN_TYPE_S64 || type->kind == TN_TYPE_U64;
  if (!is_wide || tn_reader_peek(reader) != '"') return tn_reader_integer(reader, type, out);
  tn_str digits;
  size_t start;
  bool is_integer;
  TN_TRY(read_string(reader, "a number", &digits, &start));
  size_t length = tn_number_length(digits, 0, &is_integer);
  if (length == 0 || length != digits.len || !is_integer) {
    return tn_reader_error(reader, start, "expected a whole number in this string");
  }
  return tn_reader_store_integer(reader, type, digits, start, out);
}

/* A number, or "nan", "inf", "-inf", for which JSON has no numbers. */
static tn_error *read_float(tn_reader *reader, const tn_type *type, void *out) {
  if (tn_reader_peek(reader) != '"') return tn_reader_float(reader, type, out);
  tn_str text;
  size_t start;
  bool in_range;
  TN_TRY(read_string(reader, "a number", &text, &start));
  if (!tn_str_equal(text, TN_STR("nan")) && !tn_str_equal(text, TN_STR("inf")) &&
      !tn_str_equal(text, TN_STR("-inf"))) {
    return tn_reader_error(reader, start, "expected a number, \"nan\", \"inf\" or \"-inf\"");
  }
  return tn_number_read_float(reader->arena, type->kind, text, out, &in_range);
}

/* ---- objects ------------------------------------------------------------------------------------ */

static tn_error *read_key(tn_reader *reader, tn_str *key, size_t *start) {
  TN_TRY(read_string(reader, "a string as the key", key, start));
  return tn_reader_expect(reader, ':');
}

static tn_error *read_field(tn_reader *reader, const tn_type *type, bool *seen, void *out) {
  tn_str key;
  size_t start;
  TN_TRY(read_key(reader, &key, &start));
  uint32_t index = tn_reader_find_label(type, key);
  if (index == type->count) return tn_reader_unknown_label(reader, start, "field", key, type);
  if (seen[index]) {
    return tn_reader_error(reader, start, "field '%" TN_STR_FORMAT "' is there twice",
                           TN_STR_ARG(key));
  }
  seen[index] = true;
  return tn_reader_value(reader, type->types[index], tn_native_field(type, out, index));
}

static tn_error *read_record(tn_reader *reader, const tn_type *type, void *out) {
  if (!tn_reader_accept(reader, '{')) return tn_reader_expected_type(reader, type);
  bool *seen = TN_ARENA_ARRAY(reader->arena, bool, type->count);
  if (seen == NULL) return tn_error_no_memory();
  bool more = !tn_reader_accept(reader, '}');
  while (more) {
    TN_TRY(read_field(reader, type, seen, out));
    TN_TRY(tn_reader_next(reader, '}', &more));
  }
  for (uint32_t i = 0; i < type->count; i++) {
    if (seen[i]) continue;
    return tn_reader_error(reader, reader->at - 1, "field '%" TN_STR_FORMAT "' is missing",
                           TN_STR_ARG(type->labels[i]));
  }
  return NULL;
}

/* {"key": value} with the string keys of a map. */
static tn_error *read_string_map(tn_reader *reader, const tn_type *type, tn_native_list *out) {
  struct {
    void *items;
    uint32_t len;
    uint32_t cap;
  } list = {0};
  if (!tn_reader_accept(reader, '{')) return tn_reader_expected_type(reader, type);
  bool more = !tn_reader_accept(reader, '}');
  while (more) {
    size_t start;
    char *entry =
        tn_vec_grow(reader->arena, &list.items, &list.len, &list.cap, tn_native_entry_size(type));
    if (entry == NULL) return tn_error_no_memory();
    TN_TRY(read_key(reader, (tn_str *)(entry + type->field_offset[TN_NATIVE][0]), &start));
    TN_TRY(tn_reader_value(reader, type->types[1], entry + type->field_offset[TN_NATIVE][1]));
    TN_TRY(tn_reader_next(reader, '}', &more));
  }
  *out = (tn_native_list){list.items, list.len};
  return NULL;
}

/* "case", or {"case": payload}. */
static tn_error *read_case(tn_reader *reader, const tn_type *type, void *out) {
  tn_str name;
  size_t start;
  int next = tn_reader_peek(reader);
  if (next != '"' && next != '{') return tn_reader_expected_type(reader, type);
  bool has_payload = tn_reader_accept(reader, '{');
  TN_TRY(read_string(reader, "the name of a case", &name, &start));
  uint32_t index = tn_reader_find_label(type, name);
  if (index == type->count) return tn_reader_unknown_label(reader, start, "case", name, type);
  tn_native_set_tag(type, out, index);
  const tn_type *payload = tn_native_payload_type(type, index);
  if (has_payload != (payload != NULL)) {
    return tn_reader_error(reader, start, "case '%" TN_STR_FORMAT "' has %s payload",
                           TN_STR_ARG(name), payload == NULL ? "no" : "a");
  }
  if (payload == NULL) return NULL;
  TN_TRY(tn_reader_expect(reader, ':'));
  TN_TRY(tn_reader_value(reader, payload, tn_native_payload(type, out)));
  return tn_reader_expect(reader, '}');
}

static tn_error *read_flags(tn_reader *reader, const tn_type *type, void *out) {
  uint32_t bits = 0;
  if (!tn_reader_accept(reader, '[')) return tn_reader_expected_type(reader, type);
  bool more = !tn_reader_accept(reader, ']');
  while (more) {
    tn_str name;
    size_t start;
    TN_TRY(read_string(reader, "the name of a flag", &name, &start));
    uint32_t index = tn_reader_find_label(type, name);
    if (index == type->count) return tn_reader_unknown_label(reader, start, "flag", name, type);
    if ((bits >> index & 1) != 0) {
      return tn_reader_error(reader, start, "flag '%" TN_STR_FORMAT "' is there twice",
                             TN_STR_ARG(name));
    }
    bits |= UINT32_C(1) << index;
    TN_TRY(tn_reader_next(reader, ']', &more));
  }
  tn_native_set_tag(type, out, bits);
  return NULL;
}

/* null, or the value; an option in an option is {"some": value}, for null stands for none. */
static tn_error *read_option(tn_reader *reader, const tn_type *type, void *out) {
  const tn_type *payload = type->types[0];
  if (accept_word(reader, "null")) {
    tn_native_set_tag(type, out, 0);
    return NULL;
  }
  tn_native_set_tag(type, out, 1);
  if (payload->kind != TN_TYPE_OPTION)
    return tn_reader_value(reader, payload, tn_native_payload(type, out));
  tn_str key;
  size_t start;
  if (!tn_reader_accept(reader, '{')) return tn_reader_expected(reader, "null or {\"some\": ...}");
  TN_TRY(read_key(reader, &key, &start));
  if (!tn_str_equal(key, TN_STR("some")))
    return tn_reader_error(reader, start, "expected the key \"some\"");
  TN_TRY(tn_reader_value(reader, payload, tn_native_payload(type, out)));
  return tn_reader_expect(reader, '}');
}

/* {"ok": value} or {"error": value}, also written {"err": value} as in WAVE; null where there is no payload. */
static tn_error *read_result(tn_reader *reader, const tn_type *type, void *out) {
  tn_str key;
  size_t start;
  if (!tn_reader_accept(reader, '{'))
    return tn_reader_expected(reader, "{\"ok\": ...} or {\"error\": ...}");
  TN_TRY(read_key(reader, &key, &start));
  bool is_error = tn_str_equal(key, TN_STR("error")) || tn_str_equal(key, TN_STR("err"));
  if (!is_error && !tn_str_equal(key, TN_STR("ok"))) {
    return tn_reader_error(reader, start, "expected the key \"ok\" or \"error\"");
  }
  tn_native_set_tag(type, out, is_error);
  const tn_type *payload = type->types[is_error ? 1 : 0];
  if (payload != NULL) {
    TN_TRY(tn_reader_value(reader, payload, tn_native_payload(type, out)));
  } else if (!accept_word(reader, "null")) {
    return tn_reader_expected(reader, "null");
  }
  return tn_reader_expect(reader, '}');
}

/* ---- values ------------------------------------------------------------------------------------- */

static tn_error *read_bool(tn_reader *reader, const tn_type *type, uint8_t *out) {
  bool is_true = accept_word(reader, "true");
  if (!is_true && !accept_word(reader, "false")) return tn_reader_expected_type(reader, type);
  *out = is_true;
  return NULL;
}

static tn_error *read_value(tn_reader *reader, const tn_type *type, void *out) {
  size_t start;
  switch (type->kind) {
  case TN_TYPE_BOOL:
    return read_bool(reader, type, out);
  case TN_TYPE_F32:
  case TN_TYPE_F64:
    return read_float(reader, type, out);
  case TN_TYPE_CHAR:
    return read_char(reader, out);
  case TN_TYPE_STRING:
    return read_string(reader, "string", out, &start);
  case TN_TYPE_LIST:
    return tn_reader_list(reader, type, out);
  case TN_TYPE_FIXED_LIST:
    return tn_reader_fixed_list(reader, type, out);
  case TN_TYPE_MAP:
    if (type->types[0]->kind == TN_TYPE_STRING) return read_string_map(reader, type, out);
    return tn_reader_map(reader, type, '[', ']', out);
  case TN_TYPE_RECORD:
    return read_record(reader, type, out);
  case TN_TYPE_TUPLE:
    return tn_reader_tuple(reader, type, '[', ']', out);
  case TN_TYPE_VARIANT:
  case TN_TYPE_ENUM:
    return read_case(reader, type, out);
  case TN_TYPE_FLAGS:
    return read_flags(reader, type, out);
  case TN_TYPE_OPTION:
    return read_option(reader, type, out);
  case TN_TYPE_RESULT:
    return read_result(reader, type, out);
  default:
    if (tn_number_is_integer_kind(type->kind)) return read_integer(reader, type, out);
    return tn_reader_not_writable(reader, type);
  }
}

tn_error *tn_json_parse(tn_arena *arena, const tn_type *type, tn_str text, void *out) {
  tn_reader reader;
  TN_TRY(tn_reader_start(&reader, &json_form, arena, text));
  memset(out, 0, type->layout[TN_NATIVE].size);
  TN_TRY(tn_reader_value(&reader, type, out));
  return tn_reader_expect_end(&reader);
}
