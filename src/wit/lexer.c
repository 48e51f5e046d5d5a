#include "wit/lexer.h"

#include "wit/text.h"

typedef struct keyword_entry {
  const char *text;
  tn_wit_keyword keyword;
} keyword_entry;

/* By length, so that a name is compared with few candidates; each group ends with a NULL. */
static const keyword_entry keywords_2[] = {
    {"u8", TN_WIT_U8}, {"s8", TN_WIT_S8}, {"as", TN_WIT_AS}, {NULL, TN_WIT_NO_KEYWORD}};
static const keyword_entry keywords_3[] = {
    {"u32", TN_WIT_U32}, {"u64", TN_WIT_U64}, {"s32", TN_WIT_S32}, {"s64", TN_WIT_S64},
    {"u16", TN_WIT_U16}, {"s16", TN_WIT_S16}, {"f32", TN_WIT_F32}, {"f64", TN_WIT_F64},
    {"use", TN_WIT_USE}, {"own", TN_WIT_OWN}, {"map", TN_WIT_MAP}, {NULL, TN_WIT_NO_KEYWORD}};
static const keyword_entry keywords_4[] = {
    {"list", TN_WIT_LIST}, {"bool", TN_WIT_BOOL}, {"func", TN_WIT_FUNC},
    {"type", TN_WIT_TYPE}, {"enum", TN_WIT_ENUM}, {"char", TN_WIT_CHAR},
    {"from", TN_WIT_FROM}, {"with", TN_WIT_WITH}, {NULL, TN_WIT_NO_KEYWORD}};
static const keyword_entry keywords_5[] = {{"tuple", TN_WIT_TUPLE},
                                           {"flags", TN_WIT_FLAGS},
                                           {"async", TN_WIT_ASYNC},
                                           {"world", TN_WIT_WORLD},
                                           {NULL, TN_WIT_NO_KEYWORD}};
static const keyword_entry keywords_6[] = {
    {"string", TN_WIT_STRING}, {"result", TN_WIT_RESULT}, {"option", TN_WIT_OPTION},
    {"record", TN_WIT_RECORD}, {"borrow", TN_WIT_BORROW}, {"stream", TN_WIT_STREAM},
    {"future", TN_WIT_FUTURE}, {"export", TN_WIT_EXPORT}, {"import", TN_WIT_IMPORT},
    {"static", TN_WIT_STATIC}, {NULL, TN_WIT_NO_KEYWORD}};
static const keyword_entry keywords_7[] = {{"variant", TN_WIT_VARIANT},
                                           {"include", TN_WIT_INCLUDE},
                                           {"package", TN_WIT_PACKAGE},
                                           {NULL, TN_WIT_NO_KEYWORD}};
static const keyword_entry keywords_8[] = {{"resource", TN_WIT_RESOURCE},
                                           {NULL, TN_WIT_NO_KEYWORD}};
static const keyword_entry keywords_9[] = {{"interface", TN_WIT_INTERFACE},
                                           {NULL, TN_WIT_NO_KEYWORD}};
static const keyword_entry keywords_11[] = {{"constructor", TN_WIT_CONSTRUCTOR_WORD},
                                            {NULL, TN_WIT_NO_KEYWORD}};
static const keyword_entry keywords_13[] = {{"error-context", TN_WIT_ERROR_CONTEXT},
                                            {NULL, TN_WIT_NO_KEYWORD}};

static const keyword_entry *const keywords_by_length[] = {
    [2] = keywords_2, [3] = keywords_3, [4] = keywords_4, [5] = keywords_5,   [6] = keywords_6,
    [7] = keywords_7, [8] = keywords_8, [9] = keywords_9, [11] = keywords_11, [13] = keywords_13};

tn_wit_keyword tn_wit_find_keyword(tn_str name) {
  enum { LENGTHS = sizeof keywords_by_length / sizeof *keywords_by_length };
  if (name.len >= LENGTHS || keywords_by_length[name.len] == NULL) return TN_WIT_NO_KEYWORD;
  for (const keyword_entry *entry = keywords_by_length[name.len]; entry->text != NULL; entry++) {
    /* All are at least two bytes long: mostly that tells them apart. */
    if (entry->text[0] == name.data[0] && entry->text[1] == name.data[1] &&
        memcmp(entry->text, name.data, name.len) == 0)
      return entry->keyword;
  }
  return TN_WIT_NO_KEYWORD;
}

/* The offset behind the block comment, which may contain others, that starts at `at`; 0 if it never ends. */
static size_t skip_block_comment(tn_str text, size_t at) {
  size_t open = 0;
  while (at + 1 < text.len) {
    if (text.data[at] == '/' && text.data[at + 1] == '*') {
      open++;
      at += 2;
    } else if (text.data[at] == '*' && text.data[at + 1] == '/') {
      at += 2;
      if (--open == 0) return at;
    } else {
      at++;
    }
  }
  return 0;
}

static void set_token(tn_wit_lexer *lexer, uint32_t kind, size_t start, size_t end) {
  lexer->token = (tn_wit_token){
      .kind = kind,
      .keyword = TN_WIT_NO_KEYWORD,
      .before = lexer->token.before,
      .start = start,
      .text = {lexer->text.data + start, end - start},
  };
  lexer->next = end;
}

static void set_problem(tn_wit_lexer *lexer, size_t start, const char *problem) {
  set_token(lexer, TN_WIT_BAD, start, lexer->text.len);
  lexer->token.problem = problem;
}

/* Skips white space and comments from `next`; false when a comment has no end (which is then the token). */
static bool skip_space(tn_wit_lexer *lexer) {
  tn_str text = lexer->text;
  size_t at = lexer->next;
  lexer->token.before = at;
  while (at < text.len) {
    char c = text.data[at];
    if (tn_text_is(c, TN_TEXT_SPACE)) {
      at++;
    } else if (c == '/' && at + 1 < text.len && text.data[at + 1] == '/') {
      at = tn_str_find(text, '\n', at);
    } else if (c == '/' && at + 1 < text.len && text.data[at + 1] == '*') {
      size_t end = skip_block_comment(text, at);
      if (end == 0) {
        set_problem(lexer, at, "this comment has no end");
        return false;
      }
      at = end;
    } else {
      break;
    }
  }
  lexer->next = at;
  return true;
}

/* Whether what stands right behind a label would have to be part of it: "aB", "a--b", "a_b", "a-". */
static bool continues_name(tn_str text, size_t at) {
  char c = text.data[at];
  if (c == '-') return at + 1 == text.len || text.data[at + 1] != '>';
  return c == '_' || tn_text_is(c, TN_TEXT_LETTER | TN_TEXT_DIGIT);
}

static void read_name(tn_wit_lexer *lexer, size_t start) {
  bool is_escaped = lexer->text.data[start] == '%';
  size_t first = start + is_escaped;
  size_t length = tn_text_label(lexer->text, first);
  if (length == 0) {
    set_problem(lexer, start, "expected a name behind '%'");
    return;
  }
  size_t end = first + length;
  if (end < lexer->text.len && continues_name(lexer->text, end)) {
    set_problem(
        lexer, start,
        "not a name: its parts, between single hyphens, have lower case or upper case letters and digits");
    return;
  }
  set_token(lexer, TN_WIT_NAME, first, end);
  lexer->token.start = start;
  if (!is_escaped) lexer->token.keyword = tn_wit_find_keyword(lexer->token.text);
}

static void read_integer(tn_wit_lexer *lexer, size_t start) {
  size_t end = start;
  while (end < lexer->text.len && tn_text_is(lexer->text.data[end], TN_TEXT_DIGIT))
    end++;
  set_token(lexer, TN_WIT_INTEGER, start, end);
}

/* String literals stand only in gates, whose contents are skipped: finding the end is enough. */
static void read_string(tn_wit_lexer *lexer, size_t start) {
  for (size_t at = start + 1; at < lexer->text.len && lexer->text.data[at] != '\n'; at++) {
    if (lexer->text.data[at] == '\\') {
      at++;
    } else if (lexer->text.data[at] == '"') {
      set_token(lexer, TN_WIT_STRING_LITERAL, start, at + 1);
      return;
    }
  }
  set_problem(lexer, start, "this string has no end");
}

static bool is_punctuation(char c) {
  static const bool table[128] = {
      ['='] = true, [','] = true, [':'] = true, [';'] = true, ['('] = true, [')'] = true,
      ['{'] = true, ['}'] = true, ['<'] = true, ['>'] = true, ['*'] = true, ['/'] = true,
      ['.'] = true, ['@'] = true, ['_'] = true, ['['] = true, [']'] = true};
  return (uint8_t)c < sizeof table && table[(uint8_t)c];
}

void tn_wit_lexer_advance(tn_wit_lexer *lexer) {
  if (!skip_space(lexer)) return;
  size_t start = lexer->next;
  if (start == lexer->text.len) {
    set_token(lexer, TN_WIT_END, start, start);
    return;
  }
  char c = lexer->text.data[start];
  if (tn_text_is(c, TN_TEXT_LETTER) || c == '%') {
    read_name(lexer, start);
  } else if (tn_text_is(c, TN_TEXT_DIGIT)) {
    read_integer(lexer, start);
  } else if (c == '"') {
    read_string(lexer, start);
  } else if (c == '-' && start + 1 < lexer->text.len && lexer->text.data[start + 1] == '>') {
    set_token(lexer, TN_WIT_ARROW, start, start + 2);
  } else if (is_punctuation(c)) {
    set_token(lexer, (uint8_t)c, start, start + 1);
  } else {
    set_problem(lexer, start, "unexpected character");
  }
}

void tn_wit_lexer_start(tn_wit_lexer *lexer, tn_str text, size_t offset) {
  *lexer = (tn_wit_lexer){.text = text, .next = offset};
  tn_wit_lexer_advance(lexer);
}

static bool is_version_character(char c) {
  return tn_text_is(c, TN_TEXT_DIGIT | TN_TEXT_LETTER) || c == '-' || c == '+';
}

uint64_t tn_wit_token_number(const tn_wit_token *token, uint32_t max) {
  uint64_t number = 0;
  for (size_t i = 0; i < token->text.len && number <= max; i++)
    number = number * 10 + (uint64_t)(token->text.data[i] - '0');
  return number <= max ? number : (uint64_t)max + 1;
}

void tn_wit_lexer_advance_version(tn_wit_lexer *lexer) {
  if (!skip_space(lexer)) return;
  tn_str text = lexer->text;
  size_t start = lexer->next;
  size_t end = start;
  /* A '.' belongs to the version only when more of it follows: `use a:b/c@1.0.0.{d}`. */
  while (end < text.len &&
         (is_version_character(text.data[end]) || (text.data[end] == '.' && end + 1 < text.len &&
                                                   is_version_character(text.data[end + 1]))))
    end++;
  if (end == start || !tn_text_is(text.data[start], TN_TEXT_DIGIT)) {
    set_problem(lexer, start, "expected a version such as 1.2.3");
    return;
  }
  set_token(lexer, TN_WIT_INTEGER, start, end);
}
