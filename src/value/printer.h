/* What the printers of WAVE and JSON share. For src/value/ only. */
#ifndef TN_VALUE_PRINTER_H
#define TN_VALUE_PRINTER_H

#include "base/buffer.h"
#include "component/type.h"

/* Writes one character inside of a literal, escaped where the form wants it. */
typedef void (*tn_character_func)(tn_buffer *out, uint32_t character);

/* The characters of a string, each by `print`. Bytes that are not UTF-8, which only a host function can have
 * left there, come out as U+FFFD. */
void tn_print_characters(tn_buffer *out, tn_str string, tn_character_func print);
void tn_print_utf8(tn_buffer *out, uint32_t character);
/* Whether a terminal may take the character for a command, or would show it as something else than what it
 * is: control characters and those that turn the direction of text. Values may be a guest's. */
bool tn_is_control_character(uint32_t character);
/* "own(7)": a handle, stream, future or error context. */
void tn_print_handle(tn_buffer *out, const tn_type *type, const void *value);
/* A case that the type does not have, which only a host function can have left there. */
void tn_print_invalid_case(tn_buffer *out, uint32_t tag);

#endif
