/* Numbers in text, the same in WAVE and JSON. For src/value/ only. */
#ifndef TN_VALUE_NUMBER_H
#define TN_VALUE_NUMBER_H

#include "base/arena.h"
#include "base/buffer.h"
#include "component/type.h"

/* The length of the number at `offset`: -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?; 0 when there is none.
 * *is_integer: it has neither fraction nor exponent. */
size_t tn_number_length(tn_str text, size_t offset, bool *is_integer);

static inline bool tn_number_is_integer_kind(tn_type_kind kind) {
  return kind >= TN_TYPE_S8 && kind <= TN_TYPE_U64;
}

/* Writes an integer literal in the native form of `kind`; false when it is out of range. */
bool tn_number_read_integer(tn_type_kind kind, tn_str digits, void *out);
/* The bounds of an integer kind, for messages: "0 to 255". */
const char *tn_number_range(tn_type_kind kind);
/* Writes a number literal as f32 or f64, correctly rounded. *in_range is false when it is too large.
 * TN_ERROR_NO_MEMORY. */
tn_error *tn_number_read_float(tn_arena *arena, tn_type_kind kind, tn_str literal, void *out,
                               bool *in_range);

void tn_number_print_integer(tn_buffer *out, tn_type_kind kind, const void *value);
/* The shortest decimal that reads back as the same number; "nan", "inf", "-inf". */
void tn_number_print_float(tn_buffer *out, tn_type_kind kind, const void *value);

#endif
