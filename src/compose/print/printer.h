/* Writing text: lines, groups in parentheses, strings and numbers. */
#ifndef TN_COMPOSE_PRINT_PRINTER_H
#define TN_COMPOSE_PRINT_PRINTER_H

#include "base/buffer.h"
#include "base/error.h"
#include "tenon/componentize.h"

/* `out` holds what has not been given to `take`. A position, where one is asked for, is that in the file. */
typedef struct tn_printer {
  tn_buffer out;
  tn_print_func take;
  void *data;
  bool is_skeleton; /* contents of functions, data and elements are left out */
  bool has_offsets; /* each line begins with its position */
  uint32_t nesting; /* groups and blocks that are open */
  uint64_t line;    /* lines that have begun */
  uint64_t left;    /* bytes that may still be written */
} tn_printer;

enum { TN_NOWHERE = UINT32_MAX };

/* Gives on what has been written if it is much. Called between lines by everything whose number is not small.
 * TN_ERROR_NO_MEMORY; TN_ERROR_LIMIT for a text that is far too long for its file. */
tn_error *tn_printer_flush(tn_printer *p);
/* Gives on all. */
tn_error *tn_printer_end(tn_printer *p);

/* A new line, indented; `offset` may be TN_NOWHERE. */
void tn_print_newline(tn_printer *p, uint32_t offset);
/* Opens a group, of which `text` is the beginning: "(func ". Returns what tn_print_close needs. */
uint64_t tn_print_open(tn_printer *p, const char *text);
/* The parenthesis stands on a line of its own if the group has several. */
void tn_print_close(tn_printer *p, uint64_t opened);
/* As tn_print_close, for a group whose end has a position. */
void tn_print_close_at(tn_printer *p, uint64_t opened, uint32_t offset);

void tn_print_text(tn_printer *p, const char *text);
void tn_print_number(tn_printer *p, uint64_t number);
/* " 12" */
void tn_print_space_number(tn_printer *p, uint64_t number);
/* A name, which is UTF-8, in quotes. */
void tn_print_string(tn_printer *p, tn_str text);
/* What stands between the quotes. */
void tn_print_string_contents(tn_printer *p, tn_str text);
/* Any bytes, in quotes. */
void tn_print_bytes(tn_printer *p, tn_str bytes);
/* A number as text that reads back as the same bits, and a decimal comment. float.c */
void tn_print_f32(tn_printer *p, uint32_t bits);
void tn_print_f64(tn_printer *p, uint64_t bits);

#endif
