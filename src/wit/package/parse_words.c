/* Tokens, comments and gates: what every part of the parser of WIT files reads.
 * WIT.md#lexical-structure */
#include <inttypes.h>

#include "base/utf.h"
#include "component/extern_name.h"
#include "wit/package/syntax.h"
#include "wit/text.h"

/* ---- tokens ---------------------------------------------------------------------------------- */

tn_error *tn_wit_reader_expected(const tn_wit_reader *reader, const char *what) {
  enum { SHOWN = 40 };
  const tn_wit_token *token = &reader->lexer.token;
  tn_wit_place place = tn_wit_reader_place(reader);
  if (token->kind == TN_WIT_END)
    return tn_wit_place_error(place, "expected %s but the file ends", what);
  if (token->kind == TN_WIT_BAD) return tn_wit_place_error(place, "%s", token->problem);
  tn_str shown = tn_str_slice(token->text, 0, SHOWN);
  const char *kind = token->keyword == TN_WIT_NO_KEYWORD ? "" : "the keyword ";
  return tn_wit_place_error(place, "expected %s but found %s'%" TN_STR_FORMAT "'", what, kind,
                            TN_STR_ARG(shown));
}

bool tn_wit_reader_accept(tn_wit_reader *reader, uint32_t kind) {
  if (!tn_wit_reader_at(reader, kind)) return false;
  tn_wit_lexer_advance(&reader->lexer);
  return true;
}

bool tn_wit_reader_accept_keyword(tn_wit_reader *reader, tn_wit_keyword keyword) {
  if (!tn_wit_reader_at_keyword(reader, keyword)) return false;
  tn_wit_lexer_advance(&reader->lexer);
  return true;
}

tn_error *tn_wit_reader_expect(tn_wit_reader *reader, uint32_t kind, const char *what) {
  return tn_wit_reader_accept(reader, kind) ? NULL : tn_wit_reader_expected(reader, what);
}

tn_error *tn_wit_reader_word(tn_wit_reader *reader, const char *what, tn_wit_word *out) {
  const tn_wit_token *token = &reader->lexer.token;
  if (token->kind != TN_WIT_NAME) return tn_wit_reader_expected(reader, what);
  if (token->keyword != TN_WIT_NO_KEYWORD) {
    return tn_error_set_hint(tn_wit_reader_expected(reader, what),
                             "a name that is spelled like a keyword is written %%%" TN_STR_FORMAT,
                             TN_STR_ARG(token->text));
  }
  *out = (tn_wit_word){token->text, (uint32_t)token->start};
  tn_wit_lexer_advance(&reader->lexer);
  return NULL;
}

tn_error *tn_wit_reader_version(tn_wit_reader *reader, tn_str *out) {
  tn_wit_lexer_advance_version(&reader->lexer);
  if (!tn_wit_reader_at(reader, TN_WIT_INTEGER)) return tn_wit_reader_expected(reader, "a version");
  tn_str text = reader->lexer.token.text;
  tn_semver version;
  tn_error *error = tn_semver_parse(text, &version);
  if (error != NULL && tn_error_get_kind(error) != TN_ERROR_NO_MEMORY) {
    tn_error *placed =
        tn_wit_place_error(tn_wit_reader_place(reader), "'%" TN_STR_FORMAT "' is not a version: %s",
                           TN_STR_ARG(text), tn_error_get_message(error));
    tn_error_delete(error);
    return tn_error_set_hint(placed, "a version has three numbers, as in 1.2.3 or 0.2.0-rc.1");
  }
  if (error != NULL) return error;
  *out = text;
  tn_wit_lexer_advance(&reader->lexer);
  return NULL;
}

/* ---- comments -------------------------------------------------------------------------------- */

static tn_str trim_end(tn_str text) {
  while (text.len > 0 && tn_text_is(text.data[text.len - 1], TN_TEXT_SPACE))
    text.len--;
  return text;
}

static size_t leading_space(tn_str text) {
  size_t length = 0;
  while (length < text.len && tn_text_is(text.data[length], TN_TEXT_SPACE))
    length++;
  return length;
}

static void add_line(tn_buffer *out, tn_str line) {
  tn_buffer_append_str(out, line);
  tn_buffer_append_byte(out, '\n');
}

/* "/// text": all but one blank behind the slashes is text. */
static void add_line_comment(tn_buffer *out, tn_str comment) {
  size_t start = 0;
  while (start < comment.len && comment.data[start] == '/')
    start++;
  if (start < comment.len && comment.data[start] == ' ') start++;
  add_line(out, trim_end(tn_str_slice(comment, start, comment.len)));
}

/* The text of a line within a block comment, without the '*' that may lead it; *indent is what
 * stands in front. */
static tn_str block_line(tn_str text, size_t start, size_t end, size_t *indent) {
  tn_str line = trim_end(tn_str_slice(text, start, end));
  size_t space = leading_space(line);
  if (space < line.len && line.data[space] == '*') {
    line = tn_str_slice(line, space + 1, line.len);
    space = leading_space(line);
  }
  *indent = space;
  return line;
}

/* What stands between the stars; the lines behind the first lose the indentation that they share. */
static void add_block_comment(tn_buffer *out, tn_str text) {
  size_t shared = SIZE_MAX;
  size_t indent = 0;
  size_t first_end = tn_str_find(text, '\n', 0);
  for (size_t start = first_end + 1; start < text.len; start = tn_str_find(text, '\n', start) + 1) {
    tn_str line = block_line(text, start, tn_str_find(text, '\n', start), &indent);
    if (indent < line.len && indent < shared) shared = indent;
  }
  tn_str first = trim_end(tn_str_slice(text, 0, first_end));
  first = tn_str_slice(first, leading_space(first), first.len);
  if (first.len > 0) add_line(out, first);
  for (size_t start = first_end + 1; start < text.len; start = tn_str_find(text, '\n', start) + 1) {
    size_t end = tn_str_find(text, '\n', start);
    tn_str line = block_line(text, start, end, &indent);
    if (end < text.len || line.len > 0) add_line(out, tn_str_slice(line, shared, line.len));
  }
}

/* The end of the comment that starts at `start`. The lexer has passed it: it has an end. */
static size_t comment_end(tn_str text, size_t start) {
  if (text.data[start + 1] == '/') return tn_str_find(text, '\n', start);
  size_t open = 0;
  size_t at = start;
  do {
    bool opens = text.data[at] == '/' && text.data[at + 1] == '*';
    bool closes = text.data[at] == '*' && text.data[at + 1] == '/';
    if (opens) open++;
    if (closes) open--;
    at += opens || closes ? 2 : 1;
  } while (open > 0);
  return at;
}

/* Whether comments in this white space document what follows. Most is without any. */
static bool has_docs(tn_str space) {
  for (size_t at = tn_str_find(space, '/', 0); at + 2 < space.len;
       at = tn_str_find(space, '/', at + 1)) {
    if (memcmp(space.data + at, "///", 3) == 0 || memcmp(space.data + at, "/**", 3) == 0)
      return true;
  }
  return false;
}

static void add_comments(tn_buffer *out, tn_str space) {
  for (size_t at = 0; at < space.len;) {
    if (space.data[at] != '/') {
      at++;
      continue;
    }
    size_t end = comment_end(space, at);
    tn_str comment = tn_str_slice(space, at, end);
    if (tn_str_starts_with(comment, TN_STR("///"))) {
      add_line_comment(out, comment);
    } else if (tn_str_starts_with(comment, TN_STR("/**")) && comment.len > 4) {
      add_block_comment(out, tn_str_slice(comment, 3, comment.len - 2));
    }
    at = end;
  }
}

tn_error *tn_wit_reader_docs(const tn_wit_reader *reader, tn_str *out) {
  const tn_wit_token *token = &reader->lexer.token;
  tn_str space = tn_str_slice(reader->lexer.text, token->before, token->start);
  *out = (tn_str){0};
  if (token->kind == TN_WIT_BAD || !has_docs(space)) return NULL;
  tn_buffer text = {0};
  add_comments(&text, space);
  tn_str docs = tn_buffer_str(&text);
  while (docs.len > 0 && docs.data[docs.len - 1] == '\n')
    docs.len--;
  bool failed = text.failed;
  if (docs.len > 0) {
    *out = tn_arena_copy(reader->kept, docs);
    failed = failed || out->data == NULL;
  }
  tn_buffer_free(&text);
  return failed ? tn_error_no_memory() : NULL;
}

/* ---- gates ----------------------------------------------------------------------------------- */

static tn_error *expect_field(tn_wit_reader *reader, tn_str name, const char *what) {
  if (!tn_str_equal(reader->lexer.token.text, name)) return tn_wit_reader_expected(reader, what);
  tn_wit_lexer_advance(&reader->lexer);
  return tn_wit_reader_at(reader, '=') ? NULL : tn_wit_reader_expected(reader, "'='");
}

static tn_error *read_version_field(tn_wit_reader *reader, tn_str *out) {
  TN_TRY(expect_field(reader, TN_STR("version"), "'version'"));
  return tn_wit_reader_version(reader, out);
}

static tn_error *read_feature_field(tn_wit_reader *reader, tn_str *out) {
  tn_wit_word feature;
  TN_TRY(expect_field(reader, TN_STR("feature"), "'feature'"));
  tn_wit_lexer_advance(&reader->lexer);
  TN_TRY(tn_wit_reader_word(reader, "the name of a feature", &feature));
  *out = feature.text;
  return NULL;
}

/* The escapes of a string literal: \t \n \r \" \' \\ \hh \u{h…}. False: none of these. */
static bool read_escape(tn_str text, size_t *at, tn_buffer *out) {
  static const char simple[][2] = {{'t', '\t'}, {'n', '\n'},  {'r', '\r'},
                                   {'"', '"'},  {'\'', '\''}, {'\\', '\\'}};
  for (size_t i = 0; i < sizeof simple / sizeof *simple; i++) {
    if (text.data[*at] != simple[i][0]) continue;
    tn_buffer_append_byte(out, (uint8_t)simple[i][1]);
    *at += 1;
    return true;
  }
  bool is_long = text.len - *at > 3 && text.data[*at] == 'u' && text.data[*at + 1] == '{';
  size_t start = *at + (is_long ? 2 : 0);
  size_t end = is_long ? tn_str_find(text, '}', start) : start + 2;
  if (end > text.len || end == start || end - start > 6 || (is_long && end == text.len))
    return false;
  uint32_t value = 0;
  for (size_t i = start; i < end; i++) {
    uint32_t digit = (uint8_t)text.data[i];
    if (digit >= '0' && digit <= '9') {
      value = value * 16 + digit - '0';
    } else if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f') {
      value = value * 16 + (digit | 0x20) - 'a' + 10;
    } else {
      return false;
    }
  }
  *at = end + is_long;
  if (!is_long) {
    tn_buffer_append_byte(out, (uint8_t)value);
    return true;
  }
  if (!tn_is_scalar_value(value)) return false;
  tn_text_print_utf8(out, value);
  return true;
}

/* Core specification, text/values.html#strings */
static tn_error *unescape(tn_wit_reader *reader, tn_str *out) {
  tn_str text = reader->lexer.token.text;
  text = tn_str_slice(text, 1, text.len - 1);
  tn_buffer bytes = {0};
  bool is_good = true;
  for (size_t at = 0; at < text.len && is_good;) {
    if (text.data[at] != '\\') {
      tn_buffer_append_byte(&bytes, (uint8_t)text.data[at++]);
    } else {
      at++;
      is_good = at < text.len && read_escape(text, &at, &bytes);
    }
  }
  is_good = is_good && tn_utf8_is_valid(bytes.data, bytes.len);
  bool failed = bytes.failed;
  if (!failed && is_good) {
    *out = tn_arena_copy(reader->kept, tn_buffer_str(&bytes));
    failed = out->data == NULL;
  }
  tn_buffer_free(&bytes);
  if (failed) return tn_error_no_memory();
  return is_good ? NULL
                 : tn_wit_place_error(tn_wit_reader_place(reader),
                                      "this string has an escape that means nothing");
}

static tn_error *read_external_id(tn_wit_reader *reader, tn_str *out) {
  if (!tn_wit_reader_at(reader, TN_WIT_STRING_LITERAL))
    return tn_wit_reader_expected(reader, "a string");
  TN_TRY(unescape(reader, out));
  tn_wit_lexer_advance(&reader->lexer);
  return NULL;
}

typedef struct gate_form {
  tn_str name;
  size_t slot; /* in tn_wit_declaration */
  tn_error *(*read)(tn_wit_reader *, tn_str *);
} gate_form;

/* One gate, behind its '@'. */
static tn_error *read_gate(tn_wit_reader *reader, tn_wit_declaration *out) {
  static const gate_form forms[] = {
      {{"since", 5}, offsetof(tn_wit_declaration, gate.since), read_version_field},
      {{"unstable", 8}, offsetof(tn_wit_declaration, gate.feature), read_feature_field},
      {{"deprecated", 10}, offsetof(tn_wit_declaration, gate.deprecated), read_version_field},
      {{"external-id", 11}, offsetof(tn_wit_declaration, external_id), read_external_id},
  };
  tn_wit_place place = tn_wit_reader_place(reader);
  tn_wit_word name;
  TN_TRY(tn_wit_reader_word(reader, "the name of a gate", &name));
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    if (!tn_str_equal(name.text, forms[i].name)) continue;
    tn_str *slot = (tn_str *)((char *)out + forms[i].slot);
    if (slot->data != NULL)
      return tn_wit_place_error(place, "@%" TN_STR_FORMAT " is there twice", TN_STR_ARG(name.text));
    TN_TRY(tn_wit_reader_expect(reader, '(', "'('"));
    TN_TRY(forms[i].read(reader, slot));
    return tn_wit_reader_expect(reader, ')', "')'");
  }
  return tn_error_set_hint(
      tn_wit_place_error(place, "there is no gate @%" TN_STR_FORMAT, TN_STR_ARG(name.text)),
      "the gates are @since(version = 1.2.3), @unstable(feature = name), "
      "@deprecated(version = 1.2.3) and @external-id(\"text\")");
}

/* WIT.md#rules-for-feature-gate-usage */
static tn_error *check_gate(tn_wit_place place, const tn_wit_gate *gate) {
  if (gate->since.data != NULL && gate->feature.data != NULL)
    return tn_wit_place_error(place, "@since and @unstable exclude each other");
  if (gate->deprecated.data != NULL && gate->since.data == NULL && gate->feature.data == NULL)
    return tn_wit_place_error(place, "@deprecated needs a @since or an @unstable beside it");
  return NULL;
}

tn_error *tn_wit_reader_front(tn_wit_reader *reader, tn_wit_declaration *out) {
  tn_wit_place place = tn_wit_reader_place(reader);
  *out = (tn_wit_declaration){.place = place};
  TN_TRY(tn_wit_reader_docs(reader, &out->docs));
  while (tn_wit_reader_accept(reader, '@'))
    TN_TRY(read_gate(reader, out));
  TN_TRY(check_gate(place, &out->gate));
  out->place = tn_wit_reader_place(reader);
  return NULL;
}

/* ---- names of packages and paths ------------------------------------------------------------- */

static tn_error *read_optional_version(tn_wit_reader *reader, tn_wit_package_name *out) {
  return tn_wit_reader_at(reader, '@') ? tn_wit_reader_version(reader, &out->version) : NULL;
}

/* The parts of the name of a package have no upper case letters.
 * Explainer.md#import-and-export-definitions */
static tn_error *check_lower(const tn_wit_reader *reader, tn_wit_word word) {
  for (size_t i = 0; i < word.text.len; i++) {
    if (!tn_text_is(word.text.data[i], TN_TEXT_UPPER)) continue;
    return tn_wit_place_error((tn_wit_place){reader->source, word.offset},
                              "'%" TN_STR_FORMAT
                              "' has upper case letters, which the name of a package cannot have",
                              TN_STR_ARG(word.text));
  }
  return NULL;
}

/* "a:b", of a package; a longer one is of those that WIT.md marks as not settled (🪺). */
static tn_error *read_package_words(tn_wit_reader *reader, tn_wit_word first,
                                    tn_wit_package_name *out) {
  tn_wit_word name;
  TN_TRY(tn_wit_reader_word(reader, "the name of a package", &name));
  TN_TRY(check_lower(reader, first));
  TN_TRY(check_lower(reader, name));
  if (tn_wit_reader_at(reader, ':')) {
    return tn_wit_place_error(tn_wit_reader_place(reader),
                              "nested namespaces (a:b:c) are not supported, only a:b");
  }
  *out = (tn_wit_package_name){.name_space = first.text, .name = name.text};
  return NULL;
}

tn_error *tn_wit_reader_package_name(tn_wit_reader *reader, tn_wit_package_name *out) {
  tn_wit_word first;
  TN_TRY(tn_wit_reader_word(reader, "the name of a package, such as local:demo", &first));
  TN_TRY(tn_wit_reader_expect(reader, ':', "':' and the name of the package"));
  TN_TRY(read_package_words(reader, first, out));
  if (tn_wit_reader_at(reader, '/')) {
    return tn_wit_place_error(tn_wit_reader_place(reader),
                              "nested packages (a:b/c) are not supported, only a:b");
  }
  return read_optional_version(reader, out);
}

tn_error *tn_wit_reader_path(tn_wit_reader *reader, tn_wit_path *out) {
  *out = (tn_wit_path){.offset = (uint32_t)reader->lexer.token.start};
  tn_wit_word first;
  TN_TRY(tn_wit_reader_word(reader, "the name of an interface or world", &first));
  out->name = first;
  if (!tn_wit_reader_accept(reader, ':')) return NULL;
  TN_TRY(read_package_words(reader, first, &out->package));
  TN_TRY(tn_wit_reader_expect(reader, '/', "'/' and the name of an interface"));
  TN_TRY(tn_wit_reader_word(reader, "the name of an interface or world", &out->name));
  if (tn_wit_reader_at(reader, '/')) {
    return tn_wit_place_error(tn_wit_reader_place(reader),
                              "nested packages (a:b/c/d) are not supported");
  }
  return read_optional_version(reader, &out->package);
}
