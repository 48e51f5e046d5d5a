/* What the readers of WAVE and JSON share: a position in the text, values driven by their types, sequences,
 * numbers and messages. For src/value/ only. */
#ifndef TN_VALUE_READER_H
#define TN_VALUE_READER_H

#include "base/arena.h"
#include "base/error.h"
#include "component/type.h"

typedef struct tn_reader tn_reader;

/* One text form. */
typedef struct tn_reader_form {
  /* The offset of the next byte at or behind `at` that is neither white space nor part of a comment. */
  size_t (*skip_space)(tn_str text, size_t at);
  tn_error *(*read_value)(tn_reader *reader, const tn_type *type, void *out);
  bool allows_trailing_comma;
} tn_reader_form;

/* Invariant: at <= text.len; the text is valid UTF-8. */
struct tn_reader {
  const tn_reader_form *form;
  tn_arena *arena;
  tn_str text;
  size_t at;
  uint32_t depth;
};

/* Checks that the text is UTF-8. */
tn_error *tn_reader_start(tn_reader *reader, const tn_reader_form *form, tn_arena *arena,
                          tn_str text);
/* Only white space may follow. */
tn_error *tn_reader_expect_end(tn_reader *reader);

/* Skips white space; the next byte, or -1 at the end. */
int tn_reader_peek(tn_reader *reader);
bool tn_reader_accept(tn_reader *reader, char c);
tn_error *tn_reader_expect(tn_reader *reader, char c);

tn_error *tn_reader_error(const tn_reader *reader, size_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "expected <what> but found '…' at 1:2", here. */
tn_error *tn_reader_expected(tn_reader *reader, const char *what);
tn_error *tn_reader_expected_type(tn_reader *reader, const tn_type *type);

/* For handles, streams and the like, which no text can stand for. */
tn_error *tn_reader_not_writable(const tn_reader *reader, const tn_type *type);

/* One value, bounded in depth. `out` is cleared room. */
tn_error *tn_reader_value(tn_reader *reader, const tn_type *type, void *out);

/* Behind an element of a sequence: passes over a comma, then *more, or over the closing character. */
tn_error *tn_reader_next(tn_reader *reader, char close, bool *more);

/* "[a, b]": list<T>, list<T, N>. */
tn_error *tn_reader_list(tn_reader *reader, const tn_type *type, void *out);
tn_error *tn_reader_fixed_list(tn_reader *reader, const tn_type *type, void *out);
/* "(a, b)" or "[a, b]": the fields of a tuple. */
tn_error *tn_reader_tuple(tn_reader *reader, const tn_type *type, char open, char close, void *out);
/* A map as a list of pairs, each written as a tuple. */
tn_error *tn_reader_map(tn_reader *reader, const tn_type *type, char open, char close, void *out);

/* An integer within the range of its type; a finite float. */
tn_error *tn_reader_integer(tn_reader *reader, const tn_type *type, void *out);
tn_error *tn_reader_float(tn_reader *reader, const tn_type *type, void *out);
/* As tn_reader_integer, of a literal at `offset` that is read already. */
tn_error *tn_reader_store_integer(const tn_reader *reader, const tn_type *type, tn_str digits,
                                  size_t offset, void *out);

/* The position of a label among the type's, or type->count. */
uint32_t tn_reader_find_label(const tn_type *type, tn_str label);
/* "there is no <what> 'x' in <type>" */
tn_error *tn_reader_unknown_label(const tn_reader *reader, size_t offset, const char *what,
                                  tn_str label, const tn_type *type);

/* Four to six hexadecimal digits and the like: the value of `count` digits at `offset`, or UINT32_MAX. */
uint32_t tn_reader_hex(const tn_reader *reader, size_t offset, size_t count);

#endif
