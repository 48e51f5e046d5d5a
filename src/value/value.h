/* Typed values: native data ("Values" in tenon.h) together with its type. WAVE and JSON text in both
 * directions, comparison, copies. Knows nothing of instances. */
#ifndef TN_VALUE_VALUE_H
#define TN_VALUE_VALUE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "component/type.h"

/* Allocates cleared room for a value of the type (its native layout), or NULL. */
void *tn_value_new(tn_arena *arena, const tn_type *type);
/* Deep equality of two values of one type; NaNs equal each other, -0 and 0 differ. Maps compare as lists. */
bool tn_value_equal(const tn_type *type, const void *a, const void *b);
/* Deep copy into arena memory. TN_ERROR_NO_MEMORY; TN_ERROR_LIMIT when nested more than 500 deep. */
tn_error *tn_value_copy(tn_arena *arena, const tn_type *type, const void *from, void *to);

/* WAVE: reads one value of `type` from `text` into the native room at `out`; strings and lists go to the
 * arena. With `end` NULL the text must be one value and nothing more, else *end receives the position
 * behind it. TN_ERROR_ARGUMENT with line, column and what was expected. Handles are not writable. */
tn_error *tn_wave_parse(tn_arena *arena, const tn_type *type, tn_str text, void *out, size_t *end);
/* Writes a value as WAVE. Handles print as "own(7)"/"borrow(7)", which cannot be read back. */
void tn_wave_print(tn_buffer *out, const tn_type *type, const void *value);
/* Splits a call "name(arg, arg)" or "pkg:a/b@1.0.0#name(arg)" into the name and the arguments, parentheses
 * included; the arguments of just "name" are empty. Both are slices of the text. */
tn_error *tn_wave_parse_call_name(tn_str text, tn_str *name, tn_str *arguments);
/* Reads arguments so split as one native tuple (type->params). Options at the end may be left out; empty
 * text is no arguments. Positions in messages count from the opening parenthesis. */
tn_error *tn_wave_parse_arguments(tn_arena *arena, const tn_func_type *type, tn_str arguments,
                                  void *out);

/* JSON: records, variants ({"case": payload}, or "case"), options (null or the value; nested: {"some": v}),
 * results ({"ok": v} / {"error": v}), flags and enums (strings), tuples and lists (arrays), maps (objects
 * for string keys, else arrays of pairs), 64-bit integers (numbers; strings are read too), char (string),
 * non-finite floats ("nan", "inf", "-inf"). Unknown, duplicate and missing fields are errors. */
tn_error *tn_json_parse(tn_arena *arena, const tn_type *type, tn_str text, void *out);
void tn_json_print(tn_buffer *out, const tn_type *type, const void *value);

#endif
