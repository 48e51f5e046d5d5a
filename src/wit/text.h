/* What the textual forms (WIT, WAVE, JSON) share: positions for messages, and labels. Pure functions. */
#ifndef TN_WIT_TEXT_H
#define TN_WIT_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/str.h"

/* A TN_ERROR_ARGUMENT "<formatted> at LINE:COLUMN" for the byte `offset` of `text`. Lines and columns count
 * from 1; a column is one character. */
tn_error *tn_text_error(tn_str text, size_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
tn_error *tn_text_verror(tn_str text, size_t offset, const char *format, va_list arguments);

/* Classes of characters, as bits. */
enum {
  TN_TEXT_SPACE = 1, /* blank, tab, line feed, carriage return */
  TN_TEXT_LOWER = 2,
  TN_TEXT_UPPER = 4,
  TN_TEXT_DIGIT = 8,
  TN_TEXT_LETTER = TN_TEXT_LOWER | TN_TEXT_UPPER,
};
extern const uint8_t tn_text_class[256];

static inline bool tn_text_is(char c, unsigned classes) {
  return (tn_text_class[(uint8_t)c] & classes) != 0;
}

/* The length of the label (kebab-case name) that starts at `offset`, or 0 when none does. A label never ends
 * in '-'. Explainer.md#import-and-export-definitions, `label` */
size_t tn_text_label(tn_str text, size_t offset);

/* ---- printing ----------------------------------------------------------------------------------- */

/* Writes one character inside of a literal, escaped where the form wants it. */
typedef void (*tn_text_character_func)(tn_buffer *out, uint32_t character);

/* The characters of a string, each by `print`. Bytes that are not UTF-8, which only a host function can have
 * left there, come out as U+FFFD. */
void tn_text_print_characters(tn_buffer *out, tn_str string, tn_text_character_func print);
void tn_text_print_utf8(tn_buffer *out, uint32_t character);
/* Whether a terminal may take the character for a command, or would show it as something else than what it
 * is: control characters and those that turn the direction of text. Values may be a guest's. */
bool tn_text_is_control(uint32_t character);
/* One character within a JSON string, escaped where it has to be; a whole JSON string. */
void tn_text_print_json_character(tn_buffer *out, uint32_t character);
void tn_text_print_json(tn_buffer *out, tn_str string);

#endif
