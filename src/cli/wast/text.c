/* Reads .wast: finds the top-level forms, hands the text of components and modules on untouched, and reads
 * the actions and values itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/report.h"
#include "cli/wast/wast.h"

/* The place in the text. After an error `wrong` says what was missing, and all functions return false. */
typedef struct cursor {
  wast_script *script;
  const char *start, *at, *end;
  const char *wrong;
} cursor;

enum { DEEPEST_VALUE = 100 };

static bool fail(cursor *c, const char *wrong) {
  if (c->wrong == NULL) c->wrong = wrong;
  return false;
}

static size_t line_of(const cursor *c, const char *place) {
  size_t line = 1;
  for (const char *at = c->start; at < place; at++)
    line += *at == '\n';
  return line;
}

static void *allocate(cursor *c, size_t size) {
  void *memory = tn_values_alloc(c->script->memory, size, _Alignof(max_align_t));
  if (memory == NULL) fail(c, "out of memory");
  return memory;
}

/* ---- tokens ------------------------------------------------------------------------------------- */

static void skip_block_comment(cursor *c) {
  size_t depth = 0;
  while (c->at + 1 < c->end) {
    if (c->at[0] == '(' && c->at[1] == ';') {
      depth++;
      c->at += 2;
    } else if (c->at[0] == ';' && c->at[1] == ')') {
      c->at += 2;
      if (--depth == 0) return;
    } else {
      c->at++;
    }
  }
  c->at = c->end;
  fail(c, "a block comment without an end");
}

/* Over blanks and comments. */
static void skip_space(cursor *c) {
  while (c->at < c->end) {
    if (strchr(" \t\r\n", *c->at) != NULL && *c->at != '\0')
      c->at++;
    else if (c->at[0] == ';' && c->at + 1 < c->end && c->at[1] == ';')
      while (c->at < c->end && *c->at != '\n')
        c->at++;
    else if (c->at[0] == '(' && c->at + 1 < c->end && c->at[1] == ';')
      skip_block_comment(c);
    else
      return;
  }
}

static bool skip_string(cursor *c) {
  for (c->at++; c->at < c->end; c->at++) {
    if (*c->at == '\\' && c->at + 1 < c->end)
      c->at++;
    else if (*c->at == '"') {
      c->at++;
      return true;
    }
  }
  return fail(c, "a string without an end");
}

static bool is_word_end(char character) {
  return character == '\0' || strchr(" \t\r\n()\";", character) != NULL;
}

static tn_str take_word(cursor *c) {
  skip_space(c);
  const char *start = c->at;
  while (c->at < c->end && !is_word_end(*c->at))
    c->at++;
  return (tn_str){start, (size_t)(c->at - start)};
}

static bool peek(cursor *c, char character) {
  skip_space(c);
  return c->at < c->end && *c->at == character;
}

static bool take(cursor *c, char character) {
  if (!peek(c, character)) return false;
  c->at++;
  return true;
}

static bool expect(cursor *c, char character) {
  if (take(c, character)) return true;
  return fail(c, character == '(' ? "a ( is missing" : "a ) is missing");
}

static bool is_word(tn_str word, const char *text) {
  return word.len == strlen(text) && memcmp(word.data, text, word.len) == 0;
}

/* Takes the word if it comes next. */
static bool take_keyword(cursor *c, const char *keyword) {
  skip_space(c);
  const char *before = c->at;
  if (is_word(take_word(c), keyword)) return true;
  c->at = before;
  return false;
}

/* Behind the ) that ends the form whose ( is at the cursor. Without recursion: depth costs nothing. */
static bool skip_form(cursor *c) {
  size_t depth = 0;
  do {
    skip_space(c);
    if (c->at >= c->end) return fail(c, "a ) is missing");
    if (*c->at == '"') {
      if (!skip_string(c)) return false;
    } else {
      if (*c->at == '(')
        depth++;
      else if (*c->at == ')')
        depth--;
      c->at++;
    }
  } while (depth > 0);
  return true;
}

static bool take_string(cursor *c, tn_str *out);

/* An optional $name; without the $, and unescaped when it is written $"…". */
static bool take_name(cursor *c, tn_str *out) {
  *out = (tn_str){NULL, 0};
  if (!peek(c, '$')) return true;
  c->at++;
  if (c->at < c->end && *c->at == '"') return take_string(c, out);
  *out = take_word(c);
  return true;
}

/* ---- strings ------------------------------------------------------------------------------------ */

static int hex_digit(char character) {
  if (character >= '0' && character <= '9') return character - '0';
  if (character >= 'a' && character <= 'f') return character - 'a' + 10;
  if (character >= 'A' && character <= 'F') return character - 'A' + 10;
  return -1;
}

static char *put_utf8(char *out, uint32_t scalar) {
  if (scalar < 0x80) {
    *out++ = (char)scalar;
  } else if (scalar < 0x800) {
    *out++ = (char)(0xc0 | scalar >> 6);
    *out++ = (char)(0x80 | (scalar & 0x3f));
  } else if (scalar < 0x10000) {
    *out++ = (char)(0xe0 | scalar >> 12);
    *out++ = (char)(0x80 | (scalar >> 6 & 0x3f));
    *out++ = (char)(0x80 | (scalar & 0x3f));
  } else {
    *out++ = (char)(0xf0 | scalar >> 18);
    *out++ = (char)(0x80 | (scalar >> 12 & 0x3f));
    *out++ = (char)(0x80 | (scalar >> 6 & 0x3f));
    *out++ = (char)(0x80 | (scalar & 0x3f));
  }
  return out;
}

/* The \u{…} whose u is at *at; never longer unescaped than escaped. NULL: malformed. */
static char *unescape_scalar(const char **at, const char *end, char *out) {
  uint32_t scalar = 0;
  const char *digit = *at + 1;
  if (digit >= end || *digit++ != '{') return NULL;
  for (; digit < end && hex_digit(*digit) >= 0 && scalar < 0x110000; digit++)
    scalar = scalar << 4 | (uint32_t)hex_digit(*digit);
  if (digit >= end || *digit != '}' || scalar >= 0x110000) return NULL;
  *at = digit;
  return put_utf8(out, scalar);
}

/* The escape behind a backslash at *at, which moves to its last character. NULL: malformed. */
static char *unescape(const char **at, const char *end, char *out) {
  static const char letters[] = "tnr\"'\\", meanings[] = "\t\n\r\"'\\";
  if (*at >= end || **at == '\0') return NULL;
  const char *letter = strchr(letters, **at);
  if (letter != NULL) {
    *out++ = meanings[letter - letters];
    return out;
  }
  if (**at == 'u') return unescape_scalar(at, end, out);
  if (*at + 1 >= end || hex_digit((*at)[0]) < 0 || hex_digit((*at)[1]) < 0) return NULL;
  *out++ = (char)(hex_digit((*at)[0]) << 4 | hex_digit((*at)[1]));
  *at += 1;
  return out;
}

static bool take_string(cursor *c, tn_str *out) {
  if (!peek(c, '"')) return fail(c, "a string is missing");
  const char *start = c->at + 1;
  if (!skip_string(c)) return false;
  const char *end = c->at - 1;
  char *text = allocate(c, (size_t)(end - start) + 1), *used = text;
  if (text == NULL) return false;
  for (const char *at = start; at < end; at++) {
    if (*at != '\\') {
      *used++ = *at;
      continue;
    }
    at++;
    used = unescape(&at, end, used);
    if (used == NULL) return fail(c, "an escape in a string is malformed");
  }
  *used = '\0';
  *out = (tn_str){text, (size_t)(used - text)};
  return true;
}

/* Strings up to the ), joined, between `before` and `after`. */
static bool take_strings(cursor *c, const char *before, const char *after, tn_str *out) {
  const char *start = c->at;
  cursor ahead = *c;
  while (peek(&ahead, '"'))
    if (!skip_string(&ahead)) return fail(c, ahead.wrong);
  char *text = allocate(c, strlen(before) + strlen(after) + (size_t)(ahead.at - start) + 1);
  if (text == NULL) return false;
  char *used = stpcpy(text, before);
  while (peek(c, '"')) {
    tn_str part;
    if (!take_string(c, &part)) return false;
    memcpy(used, part.data, part.len);
    used += part.len;
  }
  used = stpcpy(used, after);
  *out = (tn_str){text, (size_t)(used - text)};
  return true;
}

/* ---- values ------------------------------------------------------------------------------------- */

typedef struct constant {
  const char *keyword;
  tn_type_kind kind;
} constant;

static const constant constants[] = {
    {"bool.const", TN_TYPE_BOOL},    {"u8.const", TN_TYPE_U8},
    {"s8.const", TN_TYPE_S8},        {"u16.const", TN_TYPE_U16},
    {"s16.const", TN_TYPE_S16},      {"u32.const", TN_TYPE_U32},
    {"s32.const", TN_TYPE_S32},      {"u64.const", TN_TYPE_U64},
    {"s64.const", TN_TYPE_S64},      {"i32.const", TN_TYPE_S32},
    {"i64.const", TN_TYPE_S64},      {"f32.const", TN_TYPE_F32},
    {"f64.const", TN_TYPE_F64},      {"char.const", TN_TYPE_CHAR},
    {"str.const", TN_TYPE_STRING},   {"list.const", TN_TYPE_LIST},
    {"map.const", TN_TYPE_LIST},     {"record.const", TN_TYPE_RECORD},
    {"tuple.const", TN_TYPE_TUPLE},  {"variant.const", TN_TYPE_VARIANT},
    {"enum.const", TN_TYPE_ENUM},    {"flags.const", TN_TYPE_FLAGS},
    {"option.none", TN_TYPE_OPTION}, {"option.some", TN_TYPE_OPTION},
    {"result.ok", TN_TYPE_RESULT},   {"result.err", TN_TYPE_RESULT},
};

static bool take_value(cursor *c, unsigned depth, wast_value *out);
static bool take_value_body(cursor *c, unsigned depth, wast_value *out);

/* One more item of a list whose room doubles; abandoned room stays in the script's memory. */
static wast_value *add_item(cursor *c, wast_value **items, size_t *count) {
  bool is_full = (*count & (*count - 1)) == 0; /* at 0, 1, 2, 4, 8 … */
  if (is_full) {
    wast_value *larger = allocate(c, (*count == 0 ? 1 : *count * 2) * sizeof *larger);
    if (larger == NULL) return NULL;
    if (*count > 0) memcpy(larger, *items, *count * sizeof *larger);
    *items = larger;
  }
  wast_value *item = &(*items)[(*count)++];
  *item = (wast_value){0};
  return item;
}

static bool take_items(cursor *c, unsigned depth, wast_value *out) {
  while (peek(c, '(')) {
    wast_value *item = add_item(c, &out->items, &out->count);
    if (item == NULL || !take_value(c, depth + 1, item)) return false;
  }
  return true;
}

/* (field "name" keyword body)… */
static bool take_fields(cursor *c, unsigned depth, wast_value *out) {
  while (take(c, '(')) {
    tn_str name;
    if (!take_keyword(c, "field")) return fail(c, "a record's (field …) is missing");
    wast_value *item = add_item(c, &out->items, &out->count);
    if (item == NULL || !take_string(c, &name) || !take_value_body(c, depth + 1, item))
      return false;
    item->name = name;
    if (!expect(c, ')')) return false;
  }
  return true;
}

static bool take_labels(cursor *c, wast_value *out) {
  while (peek(c, '"')) {
    wast_value *item = add_item(c, &out->items, &out->count);
    if (item == NULL || !take_string(c, &item->name)) return false;
  }
  return true;
}

/* Keyword and body, without the parentheses. A compound's own name is kept apart from a field's. */
static bool take_value_body(cursor *c, unsigned depth, wast_value *out) {
  if (depth > DEEPEST_VALUE) return fail(c, "values are nested too deeply");
  tn_str keyword = take_word(c);
  size_t i = 0, count = sizeof constants / sizeof constants[0];
  while (i < count && !is_word(keyword, constants[i].keyword))
    i++;
  if (i == count) return fail(c, "not a value that scripts can have");
  out->kind = constants[i].kind;
  switch (out->kind) {
  case TN_TYPE_STRING:
  case TN_TYPE_CHAR:
    return take_string(c, &out->text);
  case TN_TYPE_RECORD:
    return take_fields(c, depth, out);
  case TN_TYPE_FLAGS:
    return take_labels(c, out);
  case TN_TYPE_ENUM:
    return take_string(c, &out->name);
  case TN_TYPE_VARIANT:
    return take_string(c, &out->name) && take_items(c, depth, out);
  case TN_TYPE_RESULT:
    out->name = is_word(keyword, "result.ok") ? (tn_str){"ok", 2} : (tn_str){"err", 3};
    return take_items(c, depth, out);
  case TN_TYPE_LIST:
  case TN_TYPE_TUPLE:
  case TN_TYPE_OPTION:
    return take_items(c, depth, out);
  default:
    out->text = take_word(c);
    return out->text.len > 0 || fail(c, "a number is missing");
  }
}

static bool take_value(cursor *c, unsigned depth, wast_value *out) {
  return expect(c, '(') && take_value_body(c, depth, out) && expect(c, ')');
}

static bool take_values(cursor *c, wast_value **items, size_t *count) {
  wast_value all = {0};
  bool is_read = take_items(c, 0, &all);
  *items = all.items;
  *count = all.count;
  return is_read;
}

/* ---- commands ----------------------------------------------------------------------------------- */

/* invoke $instance "function" value…, behind the keyword */
static bool take_invoke(cursor *c, wast_command *command) {
  return take_name(c, &command->instance) && take_string(c, &command->function) &&
         take_values(c, &command->arguments, &command->argument_count);
}

static bool take_action(cursor *c, wast_command *command) {
  if (!expect(c, '(')) return false;
  if (!take_keyword(c, "invoke")) return fail(c, "only (invoke …) can be asked for here");
  return take_invoke(c, command) && expect(c, ')');
}

/* The text of a definition is the form itself, without the word `definition`, which the text format does
 * not know; lines and columns stay as they are. */
static bool take_text_source(cursor *c, const char *form, const char *definition,
                             wast_command *command) {
  c->at = form;
  if (!skip_form(c)) return false;
  size_t size = (size_t)(c->at - form);
  command->source = (tn_str){form, size};
  command->is_text = true;
  if (definition == NULL) return true;
  char *text = allocate(c, size);
  if (text == NULL) return false;
  memcpy(text, form, size);
  memset(text + (definition - form), ' ', strlen("definition"));
  command->source.data = text;
  return true;
}

/* component or module, from its ( at `form` on; the cursor is behind the keyword. */
static bool take_component(cursor *c, const char *form, const char *keyword,
                           wast_command *command) {
  char before[16];
  skip_space(c);
  const char *definition = c->at;
  command->kind = WAST_MODULE;
  if (take_keyword(c, "definition"))
    command->kind = WAST_DEFINITION;
  else
    definition = NULL;
  if (take_keyword(c, "instance")) {
    command->kind = WAST_INSTANCE;
    return take_name(c, &command->name) && take_name(c, &command->definition) && expect(c, ')');
  }
  if (!take_name(c, &command->name)) return false;
  if (take_keyword(c, "binary")) return take_strings(c, "", "", &command->source) && expect(c, ')');
  if (take_keyword(c, "quote")) {
    snprintf(before, sizeof before, "(%s ", keyword);
    command->is_text = true;
    return take_strings(c, before, ")", &command->source) && expect(c, ')');
  }
  return take_text_source(c, form, definition, command);
}

/* (component …) or (module …) as the operand of an assertion. */
static bool take_operand(cursor *c, wast_kind kind, wast_command *command) {
  skip_space(c);
  const char *form = c->at;
  if (!expect(c, '(')) return false;
  const char *keyword = take_keyword(c, "component") ? "component"
                        : take_keyword(c, "module")  ? "module"
                                                     : NULL;
  if (keyword == NULL) return fail(c, "a (component …) or (module …) is missing");
  if (!take_component(c, form, keyword, command)) return false;
  command->kind = kind;
  return true;
}

static bool take_trap(cursor *c, wast_command *command) {
  cursor ahead = *c;
  bool is_call = take(&ahead, '(') && take_keyword(&ahead, "invoke");
  command->kind = WAST_TRAP;
  return (is_call ? take_action(c, command) : take_operand(c, WAST_UNINSTANTIABLE, command)) &&
         take_string(c, &command->text);
}

static bool take_return(cursor *c, wast_command *command) {
  command->kind = WAST_RETURN;
  if (!take_action(c, command)) return false;
  skip_space(c);
  const char *start = c->at;
  if (!take_values(c, &command->expected, &command->expected_count)) return false;
  command->expected_text = (tn_str){start, (size_t)(c->at - start)};
  return true;
}

static bool take_rejection(cursor *c, wast_kind kind, wast_command *command) {
  command->kind = kind;
  return take_operand(c, kind, command) && take_string(c, &command->text);
}

static bool take_register(cursor *c, wast_command *command) {
  command->kind = WAST_REGISTER;
  return take_string(c, &command->text) && take_name(c, &command->definition);
}

/* The command whose ( is at `form`; the cursor is behind that. */
static bool take_form(cursor *c, const char *form, wast_command *command) {
  if (take_keyword(c, "component")) return take_component(c, form, "component", command);
  if (take_keyword(c, "module")) return take_component(c, form, "module", command);
  bool is_taken;
  if (take_keyword(c, "assert_return"))
    is_taken = take_return(c, command);
  else if (take_keyword(c, "assert_trap") || take_keyword(c, "assert_exhaustion"))
    is_taken = take_trap(c, command);
  else if (take_keyword(c, "assert_invalid"))
    is_taken = take_rejection(c, WAST_INVALID, command);
  else if (take_keyword(c, "assert_malformed"))
    is_taken = take_rejection(c, WAST_MALFORMED, command);
  else if (take_keyword(c, "assert_unlinkable"))
    is_taken = take_rejection(c, WAST_UNLINKABLE, command);
  else if (take_keyword(c, "register"))
    is_taken = take_register(c, command);
  else if (take_keyword(c, "invoke")) {
    command->kind = WAST_ACTION;
    is_taken = take_invoke(c, command);
  } else {
    command->name = take_word(c);
    return fail(c, "not a command that scripts can have");
  }
  return is_taken && expect(c, ')');
}

/* A command that cannot be read is one that fails, as long as it can be seen where it ends. */
static bool take_command(cursor *c) {
  skip_space(c);
  const char *form = c->at;
  wast_command *command = wast_add_command(c->script);
  if (command == NULL) return fail(c, "out of memory");
  command->line = line_of(c, form);
  if (!expect(c, '(')) return false;
  if (take_form(c, form, command)) return true;
  cursor whole = *c;
  whole.at = form;
  whole.wrong = NULL;
  if (!skip_form(&whole)) return false;
  command->wrong = c->wrong;
  *c = whole;
  return true;
}

int wast_read_text(wast_script *script, const char *bytes, size_t size) {
  cursor c = {.script = script, .start = bytes, .at = bytes, .end = bytes + size};
  skip_space(&c);
  while (c.wrong == NULL && c.at < c.end && take_command(&c))
    skip_space(&c);
  if (c.wrong == NULL) return CLI_EXIT_OK;
  return cli_report(CLI_EXIT_LOAD, NULL, "%s:%zu: %s", script->path, line_of(&c, c.at), c.wrong);
}
