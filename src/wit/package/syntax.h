/* The syntax tree of WIT files, before any name is looked up, and the parts of its parser. For
 * src/wit/package/ and src/compose/ only. Everything lives in the arena of the set. */
#ifndef TN_WIT_PACKAGE_SYNTAX_H
#define TN_WIT_PACKAGE_SYNTAX_H

#include "wit/lexer.h"
#include "wit/package/model.h"

enum {
  TN_WIT_MAX_TYPE_DEPTH = 100,  /* of type expressions; bounds every recursion over them */
  TN_WIT_MAX_SOURCE = 64 << 20, /* bytes of one file */
};

/* ---- the tree -------------------------------------------------------------------------------- */

/* A name as it is written somewhere. */
typedef struct tn_wit_word {
  tn_str text; /* without '%' */
  uint32_t offset;
} tn_wit_word;

/* "c", or "a:b/c@1.0.0": use-path. Invariant: without a package all of `package` is empty. */
typedef struct tn_wit_path {
  tn_wit_package_name package; /* .name.data == NULL: a name of this file or package */
  tn_wit_word name;
  uint32_t offset;
} tn_wit_path;

typedef struct tn_wit_type_expression tn_wit_type_expression;

/* What stands behind "x: " or in "x(…)", or only "x". */
typedef struct tn_wit_field {
  tn_wit_word name; /* .text.data == NULL: an element of a tuple */
  tn_str docs;
  const tn_wit_type_expression *type; /* NULL: none */
} tn_wit_field;

typedef TN_VEC(tn_wit_field) tn_wit_fields;

/* Invariant: OWN and BORROW have the name of a resource in `name`; so has ALIAS, which stands for a
 * name alone. RECORD, VARIANT, ENUM, FLAGS and RESOURCE are found only at the top of a TYPE item. */
struct tn_wit_type_expression {
  tn_wit_type_kind kind;
  uint32_t offset;
  tn_primitive primitive;
  uint32_t length;
  tn_wit_word name;
  const tn_wit_type_expression *element;
  const tn_wit_type_expression *error;
  const tn_wit_type_expression *key;
  tn_wit_fields fields; /* TUPLE, RECORD, VARIANT, ENUM, FLAGS */
};

typedef struct tn_wit_function_expression {
  bool is_async;
  tn_wit_fields params;
  const tn_wit_type_expression *result; /* NULL: none */
} tn_wit_function_expression;

/* "a" or "a as b". */
typedef struct tn_wit_renaming {
  tn_wit_word name;
  tn_wit_word as; /* the same as `name` if it is not renamed */
} tn_wit_renaming;

typedef TN_VEC(tn_wit_renaming) tn_wit_renamings;

typedef enum tn_wit_item_kind {
  TN_WIT_ITEM_USE,      /* path, renamings */
  TN_WIT_ITEM_TYPE,     /* type, and the functions of a resource in `body` */
  TN_WIT_ITEM_FUNCTION, /* function, function_kind */
  TN_WIT_ITEM_INCLUDE,  /* path, renamings */
  TN_WIT_ITEM_IMPORT,   /* a function, or a path, or (has_body) an interface written out */
  TN_WIT_ITEM_EXPORT,   /* likewise */
} tn_wit_item_kind;

typedef struct tn_wit_item_syntax tn_wit_item_syntax;
typedef TN_VEC(tn_wit_item_syntax) tn_wit_body;

/* One item of an interface, a world or a resource. declaration.name.data == NULL: it has no name or
 * label. */
struct tn_wit_item_syntax {
  tn_wit_item_kind kind;
  tn_wit_declaration declaration;
  tn_wit_path path; /* IMPORT, EXPORT: .name.text.data == NULL: none */
  tn_wit_renamings renamings;
  tn_wit_type_expression *type;
  const tn_wit_function_expression *function;
  tn_wit_function_kind function_kind;
  bool has_body;
  tn_wit_body body;
};

/* An interface or a world. */
typedef struct tn_wit_definition {
  tn_wit_declaration declaration;
  bool is_world;
  tn_wit_body body;
} tn_wit_definition;

/* A file, or the braces of a nested package: what a name that `use` brings in is known in. */
typedef struct tn_wit_unit {
  const tn_wit_source *source;
  tn_wit_package_name package; /* .name.data == NULL: a file that does not say */
  uint32_t package_offset;
  tn_str docs;                     /* of the package */
  TN_VEC(tn_wit_item_syntax) uses; /* kind USE; declaration.name is what it is known as */
  TN_VEC(tn_wit_definition) definitions;
  tn_map aliases; /* name -> its item of `uses`; for the resolver, which fills it in */
} tn_wit_unit;

/* The files that together are one package, and the packages nested in them. */
typedef struct tn_wit_group {
  TN_VEC(tn_wit_unit) files;
  TN_VEC(tn_wit_unit) nested;
} tn_wit_group;

/* Reads one file and adds it to the group. The tree is in `arena`, the strings that declarations
 * hand on to the model are in `kept` or in the source. (parse_package.c) */
tn_error *tn_wit_parse_source(tn_arena *arena, tn_arena *kept, const tn_wit_source *source,
                              tn_wit_group *group);
/* Whether a text is UTF-8 without the characters that must not be in one. WIT.md#lexical-structure
 * (parse_package.c) */
tn_error *tn_wit_check_characters(const tn_wit_source *source);

/* Why a character must not be in a file, or NULL: control characters, those that turn the direction
 * of the text, and those that Unicode deprecates or strongly discourages. WIT.md#lexical-structure */
const char *tn_wit_forbidden_character(uint32_t character);

/* ---- reading (parse_words.c) ----------------------------------------------------------------- */

/* Invariant: lexer.token is the next thing to read; `depth` the type expressions that are open
 * around it. */
typedef struct tn_wit_reader {
  tn_arena *arena; /* of the tree */
  tn_arena *kept;  /* of docs and other strings */
  const tn_wit_source *source;
  tn_wit_lexer lexer;
  uint32_t depth;
} tn_wit_reader;

static inline bool tn_wit_reader_at(const tn_wit_reader *reader, uint32_t kind) {
  return reader->lexer.token.kind == kind;
}
static inline bool tn_wit_reader_at_keyword(const tn_wit_reader *reader, tn_wit_keyword keyword) {
  return reader->lexer.token.keyword == keyword;
}
static inline tn_wit_place tn_wit_reader_place(const tn_wit_reader *reader) {
  return (tn_wit_place){reader->source, (uint32_t)reader->lexer.token.start};
}
/* "expected <what> but found 'x'", at the current token. */
tn_error *tn_wit_reader_expected(const tn_wit_reader *reader, const char *what);
/* Passes over the current token if it is this one; whether it was. */
bool tn_wit_reader_accept(tn_wit_reader *reader, uint32_t kind);
bool tn_wit_reader_accept_keyword(tn_wit_reader *reader, tn_wit_keyword keyword);
tn_error *tn_wit_reader_expect(tn_wit_reader *reader, uint32_t kind, const char *what);
/* Passes over a name that is not a keyword, or has a '%'. */
tn_error *tn_wit_reader_word(tn_wit_reader *reader, const char *what, tn_wit_word *out);
/* Passes over the current token, which comes before a version, and over the version. */
tn_error *tn_wit_reader_version(tn_wit_reader *reader, tn_str *out);
/* The /// and block comments in front of the current token. */
tn_error *tn_wit_reader_docs(const tn_wit_reader *reader, tn_str *out);
/* What stands in front of an item: comments, @since(…), @unstable(…), @deprecated(…),
 * @external-id("…"). */
tn_error *tn_wit_reader_front(tn_wit_reader *reader, tn_wit_declaration *out);
/* "a:b@1.0.0" and "c" or "a:b/c@1.0.0". */
tn_error *tn_wit_reader_package_name(tn_wit_reader *reader, tn_wit_package_name *out);
tn_error *tn_wit_reader_path(tn_wit_reader *reader, tn_wit_path *out);

/* ---- types and functions (parse_types.c) ----------------------------------------------------- */

tn_error *tn_wit_reader_type(tn_wit_reader *reader, tn_wit_type_expression **out);
/* "async func(a: u32) -> string" */
tn_error *tn_wit_reader_function(tn_wit_reader *reader, const tn_wit_function_expression **out);
/* Whether a type, record, variant, enum, flags or resource is declared here. */
bool tn_wit_reader_at_type_item(const tn_wit_reader *reader);
/* One of them, up to its ';' or '}'; `item` has its front. */
tn_error *tn_wit_reader_type_item(tn_wit_reader *reader, tn_wit_item_syntax *item);

#endif
