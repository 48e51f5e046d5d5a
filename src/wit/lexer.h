/* The tokens of WIT text. WIT.md#lexical-structure */
#ifndef TN_WIT_LEXER_H
#define TN_WIT_LEXER_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* The keywords; the primitive types come first and in the order of tn_type_kind. */
typedef enum tn_wit_keyword {
  TN_WIT_BOOL,
  TN_WIT_S8,
  TN_WIT_U8,
  TN_WIT_S16,
  TN_WIT_U16,
  TN_WIT_S32,
  TN_WIT_U32,
  TN_WIT_S64,
  TN_WIT_U64,
  TN_WIT_F32,
  TN_WIT_F64,
  TN_WIT_CHAR,
  TN_WIT_STRING,
  TN_WIT_ERROR_CONTEXT,
  TN_WIT_LIST,
  TN_WIT_MAP,
  TN_WIT_TUPLE,
  TN_WIT_OPTION,
  TN_WIT_RESULT,
  TN_WIT_OWN,
  TN_WIT_BORROW,
  TN_WIT_STREAM,
  TN_WIT_FUTURE,
  TN_WIT_TYPE,
  TN_WIT_RECORD,
  TN_WIT_VARIANT,
  TN_WIT_ENUM,
  TN_WIT_FLAGS,
  TN_WIT_RESOURCE,
  TN_WIT_USE,
  TN_WIT_AS,
  TN_WIT_FUNC,
  TN_WIT_ASYNC,
  /* The rest have no part in types and functions. */
  TN_WIT_PACKAGE,
  TN_WIT_INTERFACE,
  TN_WIT_WORLD,
  TN_WIT_IMPORT,
  TN_WIT_EXPORT,
  TN_WIT_INCLUDE,
  TN_WIT_WITH,
  TN_WIT_FROM,
  TN_WIT_STATIC,
  TN_WIT_CONSTRUCTOR_WORD,
  TN_WIT_NO_KEYWORD,
} tn_wit_keyword;

typedef enum tn_wit_token_kind {
  TN_WIT_END,
  TN_WIT_BAD, /* not a token; tn_wit_token.problem says why */
  TN_WIT_NAME,
  TN_WIT_INTEGER,
  TN_WIT_STRING_LITERAL,
  TN_WIT_ARROW,
  TN_WIT_PUNCTUATION = 32, /* and the kinds from here on are the ASCII character itself */
} tn_wit_token_kind;

typedef struct tn_wit_token {
  uint32_t kind;
  tn_wit_keyword keyword; /* of a name without '%', else TN_WIT_NO_KEYWORD */
  size_t before;          /* offset of the white space and comments in front of it */
  size_t start;           /* offset in the text */
  tn_str text;            /* as written, but a name without its '%' */
  const char *problem;
} tn_wit_token;

/* Invariant: `token` is the current token and `next` the offset right behind it. */
typedef struct tn_wit_lexer {
  tn_str text;
  size_t next;
  tn_wit_token token;
} tn_wit_lexer;

/* The keyword that is spelled so, or TN_WIT_NO_KEYWORD. */
tn_wit_keyword tn_wit_find_keyword(tn_str name);

/* Starts at `offset` with the first token there as the current one. */
void tn_wit_lexer_start(tn_wit_lexer *lexer, tn_str text, size_t offset);
/* Moves on to the next token. At the end it stays there. */
void tn_wit_lexer_advance(tn_wit_lexer *lexer);
/* The number that an INTEGER token of digits stands for; `max` + 1 when it is larger than `max`. */
uint64_t tn_wit_token_number(const tn_wit_token *token, uint32_t max);
/* Reads a semantic version that starts right behind white space at `next`, as the current token: an INTEGER
 * token that holds all of it, or BAD. Its grammar (digits, letters, '.', '-', '+') does not fit the other
 * tokens, so the parser asks for it where it expects one. */
void tn_wit_lexer_advance_version(tn_wit_lexer *lexer);

#endif
