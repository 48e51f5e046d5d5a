/* The parser's parts, for src/wit/ only: type expressions (parse_type.c) and declarations
 * (parse_declarations.c). */
#ifndef TN_WIT_PARSER_H
#define TN_WIT_PARSER_H

#include "base/vec.h"
#include "wit/lexer.h"
#include "wit/text.h"
#include "wit/wit.h"

enum {
  TN_WIT_MAX_DEPTH = 100, /* of type expressions, and of names that are declared further on */
  /* fields, cases, labels, parameters of one type; as in the engine's limits */
  TN_WIT_MAX_MEMBERS = 1000,
};

/* A declaration that is being read: a name that leads back to it would be a type that contains itself. */
typedef struct tn_wit_open_declaration {
  tn_str name;
  const struct tn_wit_open_declaration *outer;
} tn_wit_open_declaration;

/* Invariant: `pending` is filled in (has_index) the first time that a name is not declared yet. */
typedef struct tn_wit_parser {
  tn_wit_scope *scope;
  tn_wit_lexer lexer;
  uint32_t depth;
  bool is_declarations; /* the text is a list of declarations, which names may refer forward to */
  bool has_index;
  tn_map pending; /* name -> where in the text its declaration or `use` starts, behind the gates */
  TN_VEC(size_t) ahead; /* offsets of the declarations that were read ahead of their turn */
  const tn_wit_open_declaration *open;
} tn_wit_parser;

void tn_wit_parser_start(tn_wit_parser *parser, tn_wit_scope *scope, tn_str text);

/* An error at the current token: "expected <what> but found '…' at 1:2". */
tn_error *tn_wit_expected(const tn_wit_parser *parser, const char *what);
/* An error at `offset`. */
tn_error *tn_wit_error(const tn_wit_parser *parser, size_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static inline bool tn_wit_at(const tn_wit_parser *parser, uint32_t kind) {
  return parser->lexer.token.kind == kind;
}
/* Passes over the current token if it is of this kind; whether it was. */
bool tn_wit_accept(tn_wit_parser *parser, uint32_t kind);
/* Passes over a punctuation character that has to be here; `what` describes it. */
tn_error *tn_wit_expect(tn_wit_parser *parser, uint32_t kind, const char *what);
/* Passes over a name that is not a keyword (or is escaped with %). */
tn_error *tn_wit_expect_name(tn_wit_parser *parser, const char *what, tn_str *out);

tn_error *tn_wit_read_type(tn_wit_parser *parser, const tn_type **out);
tn_error *tn_wit_read_func(tn_wit_parser *parser, const tn_func_type **out);
/* Completes a type (tn_type_finish); `start` is where it stands in the text. */
tn_error *tn_wit_finish_type(tn_wit_parser *parser, size_t start, tn_type *type,
                             const tn_type **out);

/* Names with types, as in records, variants, enums, flags and parameter lists. */
typedef enum tn_wit_member_style {
  TN_WIT_LABELS, /* a, b */
  TN_WIT_FIELDS, /* a: t, b: t */
  TN_WIT_CASES,  /* a, b(t): the type of `a` is NULL */
} tn_wit_member_style;

typedef struct tn_wit_members {
  uint32_t count;
  const tn_str *labels;
  const tn_type *const *types; /* NULL for TN_WIT_LABELS */
} tn_wit_members;

/* Reads "a: t, b: t" and the closing character. */
tn_error *tn_wit_read_members(tn_wit_parser *parser, tn_wit_member_style style, char close,
                              tn_wit_members *out);

/* Looks further on in the text for the declaration of a name that is not in the scope yet and reads it now;
 * *found says whether there was one. */
tn_error *tn_wit_read_ahead(tn_wit_parser *parser, tn_str name, size_t where, bool *found);

#endif
