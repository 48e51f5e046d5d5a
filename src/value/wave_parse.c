/* WAVE, the text form of component values: reading. Driven by the type, so that {} can be flags or a record.
 * Grammar in short: true 1 -2.5e3 nan 'c' "text" [a, b] (a, b) {field: a} case case(a) {flag, flag} some(a)
 * none ok(a) err(a); some(…) and ok(…) may be left out around a value that is not itself an option or result;
 * fields that are none may be left out; commas may trail; a name that is a keyword is written %name. */
#include "base/error.h"
#include "base/utf.h"
#include "value/native.h"
#include "value/number.h"
#include "value/reader.h"
#include "value/value.h"
#include "wit/text.h"

static tn_error *read_value(tn_reader *reader, const tn_type *type, void *out);

static size_t skip_space(tn_str text, size_t at) {
  while (at < text.len) {
    if (tn_text_is(text.data[at], TN_TEXT_SPACE)) {
      at++;
    } else if (text.data[at] == '/' && at + 1 < text.len && text.data[at + 1] == '/') {
      at = tn_str_find(text, '\n', at);
    } else {
      break;
    }
  }
  return at;
}

static const tn_reader_form wave_form = {
    .skip_space = skip_space, .read_value = read_value, .allows_trailing_comma = true};

/* ---- names -------------------------------------------------------------------------------------- */

typedef struct wave_label {
  tn_str text;  /* without '%'; empty when there is no label */
  size_t start; /* with '%' */
  size_t end;
  bool is_escaped;
} wave_label;

/* The label that comes next, without passing over it. */
static wave_label peek_label(tn_reader *reader) {
  int next = tn_reader_peek(reader);
  wave_label label = {.is_escaped = next == '%', .start = reader->at};
  size_t first = label.start + label.is_escaped;
  size_t length = tn_text_label(reader->text, first);
  label.text = (tn_str){reader->text.data + first, length};
  label.end = first + length;
  return label;
}

static bool accept_keyword(tn_reader *reader, const char *keyword) {
  wave_label label = peek_label(reader);
  if (label.is_escaped || !tn_str_equal(label.text, tn_str_from(keyword))) return false;
  reader->at = label.end;
  return true;
}

/* ---- characters and strings --------------------------------------------------------------------- */

/* The escape sequence at reader->at, which is a backslash. */
static tn_error *read_escape(tn_reader *reader, uint32_t *out) {
  static const char names[] = "'\"\\tnr";
  static const char meanings[] = "'\"\\\t\n\r";
  size_t start = reader->at;
  char c = start + 1 < reader->text.len ? reader->text.data[start + 1] : '\0';
  const char *name = c == '\0' ? NULL : strchr(names, c);
  if (name != NULL) {
    reader->at += 2;
    *out = (uint8_t)meanings[name - names];
    return NULL;
  }
  if (c == 'u' && start + 2 < reader->text.len && reader->text.data[start + 2] == '{') {
    size_t close = tn_str_find(reader->text, '}', start + 3);
    uint32_t character = tn_reader_hex(reader, start + 3, close - (start + 3));
    if (close < reader->text.len && tn_is_scalar_value(character)) {
      reader->at = close + 1;
      *out = character;
      return NULL;
    }
    return tn_reader_error(reader, start, "expected a character between \\u{0} and \\u{10ffff}");
  }
  return tn_reader_error(reader, start,
                         "unknown escape; there are \\' \\\" \\\\ \\t \\n \\r and \\u{...}");
}

/* The character at reader->at, or the escape sequence there. */
static tn_error *read_character(tn_reader *reader, uint32_t *out) {
  if (reader->text.data[reader->at] == '\\') return read_escape(reader, out);
  reader->at += tn_utf8_decode((const uint8_t *)reader->text.data + reader->at, out);
  return NULL;
}

static bool at_byte(const tn_reader *reader, char c) {
  return reader->at < reader->text.len && reader->text.data[reader->at] == c;
}

static bool at_line_end(const tn_reader *reader) {
  return reader->at == reader->text.len || at_byte(reader, '\n');
}

static tn_error *read_char(tn_reader *reader, const tn_type *type, void *out) {
  if (!tn_reader_accept(reader, '\'')) return tn_reader_expected_type(reader, type);
  size_t start = reader->at - 1;
  if (at_line_end(reader) || at_byte(reader, '\'')) {
    return tn_reader_error(reader, start, "expected one character between single quotes");
  }
  TN_TRY(read_character(reader, out));
  if (!at_byte(reader, '\''))
    return tn_reader_error(reader, start, "expected one character between single quotes");
  reader->at++;
  return NULL;
}

/* Decodes the text from reader->at to `end` behind `*used` bytes of `out`, which has room for it all: no
 * escape is shorter than what it stands for. */
static tn_error *decode_text(tn_reader *reader, size_t end, char *out, size_t *used) {
  while (reader->at < end) {
    uint32_t character;
    TN_TRY(read_character(reader, &character));
    *used += tn_utf8_encode(character, (uint8_t *)out + *used);
  }
  return NULL;
}

/* The offset of the quotes that end a string which starts at `at`, or of what stands in their way. */
static size_t find_quotes(tn_str text, size_t at, tn_str quotes, bool is_multiline) {
  while (at < text.len && !tn_str_starts_with(tn_str_slice(text, at, text.len), quotes)) {
    if (text.data[at] == '\n' && !is_multiline) return at;
    at += text.data[at] == '\\' && at + 1 < text.len ? 2 : 1;
  }
  return at;
}

static tn_error *new_text(tn_reader *reader, size_t size, char **out) {
  *out = tn_arena_alloc(reader->arena, size + 1, 1);
  return *out == NULL ? tn_error_no_memory() : NULL;
}

/* What the line break at `at` measures: 0 (there is none), 1 or 2 bytes. */
static size_t line_break(tn_str text, size_t at) {
  if (at < text.len && text.data[at] == '\n') return 1;
  return at + 1 < text.len && text.data[at] == '\r' && text.data[at + 1] == '\n' ? 2 : 0;
}

/* The lines of a multiline string from reader->at to `end`, each indented by at least `indent` blanks. */
static tn_error *decode_lines(tn_reader *reader, size_t end, size_t indent, char *out,
                              size_t *used) {
  while (reader->at < end) {
    size_t feed = tn_str_find(tn_str_slice(reader->text, 0, end), '\n', reader->at);
    size_t line_end =
        feed > reader->at && feed < end && reader->text.data[feed - 1] == '\r' ? feed - 1 : feed;
    for (size_t i = 0; i < indent; i++) {
      if (!at_byte(reader, ' ')) {
        return tn_reader_error(reader, reader->at,
                               "expected %zu blanks, the indentation of the closing quotes",
                               indent);
      }
      reader->at++;
    }
    TN_TRY(decode_text(reader, line_end, out, used));
    if (feed < end) out[(*used)++] = '\n';
    reader->at = feed + 1;
  }
  return NULL;
}

/* """ line break, lines, line break, blanks """: the blanks are the indentation that is taken off every line. */
static tn_error *read_multiline(tn_reader *reader, size_t start, tn_str *out) {
  tn_str text = reader->text;
  size_t first_break = line_break(text, reader->at);
  if (first_break == 0)
    return tn_reader_error(reader, start, "expected a line break behind \"\"\"");
  size_t body = reader->at + first_break;
  size_t close = find_quotes(text, body, TN_STR("\"\"\""), true);
  if (close >= text.len) return tn_reader_error(reader, start, "this string has no end");
  size_t line = close;
  while (line > body && text.data[line - 1] == ' ')
    line--;
  if (text.data[line - 1] != '\n') {
    return tn_reader_error(reader, close, "the closing \"\"\" must be on a line of its own");
  }
  char *bytes;
  size_t used = 0;
  TN_TRY(new_text(reader, close - body, &bytes));
  reader->at = body;
  if (line > body) { /* otherwise the first line break is the last one as well */
    size_t end = line - 1;
    if (end > body && text.data[end - 1] == '\r') end--;
    TN_TRY(decode_lines(reader, end, close - line, bytes, &used));
  }
  reader->at = close + 3;
  bytes[used] = '\0';
  *out = (tn_str){bytes, used};
  return NULL;
}

static tn_error *read_string(tn_reader *reader, const tn_type *type, tn_str *out) {
  if (!tn_reader_accept(reader, '"')) return tn_reader_expected_type(reader, type);
  size_t start = reader->at - 1;
  if (tn_str_starts_with(tn_str_slice(reader->text, reader->at, reader->text.len),
                         TN_STR("\"\""))) {
    reader->at += 2;
    return read_multiline(reader, start, out);
  }
  size_t close = find_quotes(reader->text, reader->at, TN_STR("\""), false);
  if (close >= reader->text.len) return tn_reader_error(reader, start, "this string has no end");
  if (reader->text.data[close] == '\n') {
    return tn_reader_error(reader, close, "a line break in a string is written \\n");
  }
  char *bytes;
  size_t used = 0;
  TN_TRY(new_text(reader, close - reader->at, &bytes));
  TN_TRY(decode_text(reader, close, bytes, &used));
  reader->at = close + 1;
  bytes[used] = '\0';
  *out = (tn_str){bytes, used};
  return NULL;
}

/* ---- records, variants, flags -------------------------------------------------------------------- */

static tn_error *read_field(tn_reader *reader, const tn_type *type, bool *seen, void *out) {
  wave_label label = peek_label(reader);
  if (label.text.len == 0) return tn_reader_expected(reader, "the name of a field");
  uint32_t index = tn_reader_find_label(type, label.text);
  if (index == type->count)
    return tn_reader_unknown_label(reader, label.start, "field", label.text, type);
  if (seen[index]) {
    return tn_reader_error(reader, label.start, "field '%" TN_STR_FORMAT "' is there twice",
                           TN_STR_ARG(label.text));
  }
  seen[index] = true;
  reader->at = label.end;
  TN_TRY(tn_reader_expect(reader, ':'));
  return tn_reader_value(reader, type->types[index], tn_native_field(type, out, index));
}

static tn_error *read_record(tn_reader *reader, const tn_type *type, void *out) {
  if (!tn_reader_accept(reader, '{')) return tn_reader_expected_type(reader, type);
  bool *seen = TN_ARENA_ARRAY(reader->arena, bool, type->count);
  if (seen == NULL) return tn_error_no_memory();
  bool more = !tn_reader_accept(reader, '}');
  if (more && tn_reader_accept(reader, ':')) { /* {:} has no fields, and is no flags */
    TN_TRY(tn_reader_expect(reader, '}'));
    more = false;
  }
  while (more) {
    TN_TRY(read_field(reader, type, seen, out));
    TN_TRY(tn_reader_next(reader, '}', &more));
  }
  for (uint32_t i = 0; i < type->count; i++) {
    if (seen[i] || type->types[i]->kind == TN_TYPE_OPTION) continue; /* cleared room is none */
    return tn_reader_error(reader, reader->at - 1, "field '%" TN_STR_FORMAT "' is missing",
                           TN_STR_ARG(type->labels[i]));
  }
  return NULL;
}

static tn_error *read_payload(tn_reader *reader, const tn_type *payload, void *out) {
  TN_TRY(tn_reader_expect(reader, '('));
  TN_TRY(tn_reader_value(reader, payload, out));
  tn_reader_accept(reader, ',');
  return tn_reader_expect(reader, ')');
}

/* Variants and enums. */
static tn_error *read_case(tn_reader *reader, const tn_type *type, void *out) {
  wave_label label = peek_label(reader);
  if (label.text.len == 0) return tn_reader_expected_type(reader, type);
  uint32_t index = tn_reader_find_label(type, label.text);
  if (index == type->count)
    return tn_reader_unknown_label(reader, label.start, "case", label.text, type);
  reader->at = label.end;
  tn_native_set_tag(type, out, index);
  const tn_type *payload = tn_native_payload_type(type, index);
  return payload == NULL ? NULL : read_payload(reader, payload, tn_native_payload(type, out));
}

static tn_error *read_flags(tn_reader *reader, const tn_type *type, void *out) {
  uint32_t bits = 0;
  if (!tn_reader_accept(reader, '{')) return tn_reader_expected_type(reader, type);
  bool more = !tn_reader_accept(reader, '}');
  while (more) {
    wave_label label = peek_label(reader);
    if (label.text.len == 0) return tn_reader_expected(reader, "the name of a flag");
    uint32_t index = tn_reader_find_label(type, label.text);
    if (index == type->count)
      return tn_reader_unknown_label(reader, label.start, "flag", label.text, type);
    if ((bits >> index & 1) != 0) {
      return tn_reader_error(reader, label.start, "flag '%" TN_STR_FORMAT "' is there twice",
                             TN_STR_ARG(label.text));
    }
    bits |= UINT32_C(1) << index;
    reader->at = label.end;
    TN_TRY(tn_reader_next(reader, '}', &more));
  }
  tn_native_set_tag(type, out, bits);
  return NULL;
}

/* Whether the bare value may stand for some(value) or ok(value). */
static bool allows_shorthand(const tn_type *payload) {
  return payload != NULL && payload->kind != TN_TYPE_OPTION && payload->kind != TN_TYPE_RESULT;
}

static tn_error *read_option(tn_reader *reader, const tn_type *type, void *out) {
  const tn_type *payload = type->types[0];
  if (accept_keyword(reader, "none")) {
    tn_native_set_tag(type, out, 0);
    return NULL;
  }
  tn_native_set_tag(type, out, 1);
  if (accept_keyword(reader, "some"))
    return read_payload(reader, payload, tn_native_payload(type, out));
  if (!allows_shorthand(payload) || tn_reader_peek(reader) < 0)
    return tn_reader_expected(reader, "some(...) or none");
  return tn_reader_value(reader, payload, tn_native_payload(type, out));
}

static tn_error *read_result(tn_reader *reader, const tn_type *type, void *out) {
  bool is_ok = accept_keyword(reader, "ok");
  bool is_error = !is_ok && accept_keyword(reader, "err");
  tn_native_set_tag(type, out, is_error);
  const tn_type *payload = type->types[is_error ? 1 : 0];
  if (is_ok || is_error) {
    return payload == NULL ? NULL : read_payload(reader, payload, tn_native_payload(type, out));
  }
  if (!allows_shorthand(payload) || tn_reader_peek(reader) < 0)
    return tn_reader_expected(reader, "ok or err");
  return tn_reader_value(reader, payload, tn_native_payload(type, out));
}

/* ---- values ------------------------------------------------------------------------------------- */

static tn_error *read_bool(tn_reader *reader, const tn_type *type, uint8_t *out) {
  bool is_true = accept_keyword(reader, "true");
  if (!is_true && !accept_keyword(reader, "false")) return tn_reader_expected_type(reader, type);
  *out = is_true;
  return NULL;
}

static tn_error *read_float(tn_reader *reader, const tn_type *type, void *out) {
  tn_str special = {NULL, 0};
  if (accept_keyword(reader, "nan")) {
    special = TN_STR("nan");
  } else if (accept_keyword(reader, "inf")) {
    special = TN_STR("inf");
  } else if (tn_str_starts_with(tn_str_slice(reader->text, reader->at, reader->text.len),
                                TN_STR("-inf"))) {
    special = TN_STR("-inf");
    reader->at += special.len;
  }
  if (special.data == NULL) return tn_reader_float(reader, type, out);
  bool in_range;
  return tn_number_read_float(reader->arena, type->kind, special, out, &in_range);
}

static tn_error *read_value(tn_reader *reader, const tn_type *type, void *out) {
  switch (type->kind) {
  case TN_TYPE_BOOL:
    return read_bool(reader, type, out);
  case TN_TYPE_F32:
  case TN_TYPE_F64:
    return read_float(reader, type, out);
  case TN_TYPE_CHAR:
    return read_char(reader, type, out);
  case TN_TYPE_STRING:
    return read_string(reader, type, out);
  case TN_TYPE_LIST:
    return tn_reader_list(reader, type, out);
  case TN_TYPE_FIXED_LIST:
    return tn_reader_fixed_list(reader, type, out);
  case TN_TYPE_MAP:
    return tn_reader_map(reader, type, '(', ')', out);
  case TN_TYPE_RECORD:
    return read_record(reader, type, out);
  case TN_TYPE_TUPLE:
    return tn_reader_tuple(reader, type, '(', ')', out);
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
    if (tn_number_is_integer_kind(type->kind)) return tn_reader_integer(reader, type, out);
    return tn_reader_not_writable(reader, type);
  }
}

tn_error *tn_wave_parse(tn_arena *arena, const tn_type *type, tn_str text, void *out, size_t *end) {
  tn_reader reader;
  TN_TRY(tn_reader_start(&reader, &wave_form, arena, text));
  memset(out, 0, type->layout[TN_NATIVE].size);
  TN_TRY(tn_reader_value(&reader, type, out));
  if (end == NULL) return tn_reader_expect_end(&reader);
  *end = reader.at;
  return NULL;
}

/* ---- calls -------------------------------------------------------------------------------------- */

static bool is_name_character(char c) {
  return tn_text_is(c, TN_TEXT_LETTER | TN_TEXT_DIGIT) ||
         (c != '\0' && strchr("-:/@.#[]%+_*=<>", c) != NULL);
}

tn_error *tn_wave_parse_call_name(tn_str text, tn_str *name, tn_str *arguments) {
  size_t start = skip_space(text, 0);
  size_t end = start;
  while (end < text.len && is_name_character(text.data[end]))
    end++;
  if (end == start) return tn_text_error(text, start, "expected the name of a function");
  size_t open = skip_space(text, end);
  if (open < text.len && text.data[open] != '(') {
    return tn_text_error(text, open, "expected '(' behind the name of a function");
  }
  *name = tn_str_slice(text, start, end);
  *arguments = tn_str_slice(text, open, text.len);
  return NULL;
}

/* Arguments at the end whose type is an option may be left out, as fields may. */
static tn_error *check_rest_optional(const tn_reader *reader, const tn_func_type *type,
                                     uint32_t count) {
  for (uint32_t i = count; i < type->param_count; i++) {
    if (type->param_types[i]->kind == TN_TYPE_OPTION) continue;
    tn_str name = type->param_names[i];
    return tn_reader_error(reader, reader->at > 0 ? reader->at - 1 : 0,
                           "argument '%" TN_STR_FORMAT "' is missing (there are %u of %u)",
                           TN_STR_ARG(name), count, type->param_count);
  }
  return NULL;
}

tn_error *tn_wave_parse_arguments(tn_arena *arena, const tn_func_type *type, tn_str arguments,
                                  void *out) {
  const tn_type *params = type->params;
  tn_reader reader;
  TN_TRY(tn_reader_start(&reader, &wave_form, arena, arguments));
  memset(out, 0, params->layout[TN_NATIVE].size);
  uint32_t count = 0;
  bool more = tn_reader_accept(&reader, '(') && !tn_reader_accept(&reader, ')');
  while (more) {
    if (count == type->param_count) {
      return tn_reader_error(&reader, reader.at, "too many arguments, expected %u",
                             type->param_count);
    }
    TN_TRY(tn_error_wrap(
        tn_reader_value(&reader, params->types[count], tn_native_field(params, out, count)),
        "argument '%" TN_STR_FORMAT "'", TN_STR_ARG(type->param_names[count])));
    TN_TRY(tn_reader_next(&reader, ')', &more));
    count++;
  }
  TN_TRY(check_rest_optional(&reader, type, count));
  return tn_reader_expect_end(&reader);
}
