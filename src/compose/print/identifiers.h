/* Names of things, from name sections, as identifiers of the text format. */
#ifndef TN_COMPOSE_PRINT_IDENTIFIERS_H
#define TN_COMPOSE_PRINT_IDENTIFIERS_H

#include "base/arena.h"
#include "base/vec.h"
#include "component/binary/reader.h"
#include "compose/print/printer.h"

typedef enum tn_identifier_kind {
  TN_IDENTIFIER_PLAIN,  /* $name */
  TN_IDENTIFIER_QUOTED, /* $"a name" */
  TN_IDENTIFIER_MADE, /* $"#func3 name" (@name "name"): the name cannot be used, or is another's, too */
} tn_identifier_kind;

/* `key` is an index, or of names within something that of the outer thing in the upper half, too. */
typedef struct tn_identifier {
  uint64_t key;
  tn_str name;
  tn_identifier_kind kind;
} tn_identifier;

/* The names in one index space. Invariant (once sorted): keys ascend. `what` is the kind of thing, "func". */
typedef struct tn_identifiers {
  TN_VEC(tn_identifier) entries;
  const char *what;
} tn_identifiers;

/* Adds the names of one `namemap`, or of an `indirectnamemap`, before all of them are sorted. Names may be shared where `may_repeat`. */
tn_error *tn_identifiers_read(tn_arena *arena, tn_reader *in, const char *what,
                              tn_identifiers *out);
tn_error *tn_identifiers_read_indirect(tn_arena *arena, tn_reader *in, const char *what,
                                       bool may_repeat, tn_identifiers *out);
void tn_identifiers_sort(tn_identifiers *names);
tn_identifier tn_identifier_of(tn_str name);

static inline uint64_t tn_identifier_key(uint32_t outer, uint32_t inner) {
  return (uint64_t)outer << 32 | inner;
}

/* NULL if it has none. */
const tn_identifier *tn_identifiers_find(const tn_identifiers *names, uint64_t key);
/* Where the thing is referred to. */
void tn_print_identifier(tn_printer *p, const char *what, const tn_identifier *identifier);
/* Where it is defined: with the name that it has in the name section. */
void tn_print_definition(tn_printer *p, const char *what, const tn_identifier *identifier);
/* A reference by name, or by number. */
void tn_print_index(tn_printer *p, const tn_identifiers *names, uint32_t index);
/* A definition: "$name (;3;)" or "(;3;)". */
void tn_print_new(tn_printer *p, const tn_identifiers *names, uint32_t index);

#endif
