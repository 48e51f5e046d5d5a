/* Arguments of a function as a user types them: "s32:42", "string:hello", "list<u8>:1,2,3", "flags:a|b",
 * WAVE, JSON. */
#ifndef CLI_EXEC_ARGUMENT_H
#define CLI_EXEC_ARGUMENT_H

#include "tenon.h"

/* One value. On failure *column is where in `text`, in bytes, and *length how much of it is wrong. */
tn_error *exec_argument_parse(tn_values *values, const tn_type *type, tn_str text, void *out,
                              size_t *column, size_t *length);

/* The offset of the first of `stops` in `text` from `at` on that stands in no brackets and no quotes, or
 * text.len. */
size_t exec_argument_find(tn_str text, size_t at, const char *stops);

/* The same error without " at LINE:COLUMN" at its end, where it has a place. */
tn_error *exec_argument_without_place(tn_error *error);

/* The offset of character `column` (from 1) of line `line` (from 1). */
size_t exec_argument_offset(tn_str text, size_t line, size_t column);

#endif
