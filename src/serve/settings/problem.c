#include "serve/settings/problem.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "base/error.h"

/* Formats into the arena of the problems, NULL without memory. */
static const char *format_text(tn_problems *problems, const char *format, va_list arguments) {
  tn_buffer text = {0};
  tn_buffer_vformat(&text, format, arguments);
  const char *kept =
      text.failed ? NULL : tn_arena_copy(&problems->arena, tn_buffer_str(&text)).data;
  tn_buffer_free(&text);
  if (kept == NULL) problems->no_memory = true;
  return kept;
}

/* More than anybody would read. */
enum { MAX_PROBLEMS = 200 };

tn_server_problem *tn_problems_add(tn_problems *problems, tn_error_kind kind, tn_place place,
                                   const char *format, ...) {
  if (problems->items.len == MAX_PROBLEMS) return NULL;
  va_list arguments;
  va_start(arguments, format);
  const char *message = format_text(problems, format, arguments);
  va_end(arguments);
  if (message == NULL) return NULL;
  tn_server_problem *added = TN_VEC_PUSH(&problems->arena, &problems->items);
  if (added == NULL) {
    problems->no_memory = true;
    return NULL;
  }
  *added = (tn_server_problem){kind, place.file, place.line, place.column, message, NULL, false};
  return added;
}

void tn_problems_set_hint(tn_problems *problems, tn_server_problem *problem, const char *format,
                          ...) {
  if (problem == NULL) return;
  va_list arguments;
  va_start(arguments, format);
  problem->hint = format_text(problems, format, arguments);
  va_end(arguments);
}

void tn_problems_add_error(tn_problems *problems, tn_place place, const char *what,
                           tn_error *error) {
  if (error == NULL) return;
  /* Whatever becomes of the others. */
  problems->no_memory |= tn_error_get_kind(error) == TN_ERROR_NO_MEMORY;
  const char *hint = tn_error_get_hint(error);
  tn_server_problem *added =
      tn_problems_add(problems, tn_error_get_kind(error), place, "%s%s%s", what != NULL ? what : "",
                      what != NULL ? ": " : "", tn_error_get_message(error));
  if (hint != NULL) tn_problems_set_hint(problems, added, "%s", hint);
  tn_error_delete(error);
}

bool tn_problems_any(const tn_problems *problems) {
  return problems->items.len > 0 || problems->no_memory;
}

static int compare_numbers(unsigned a, unsigned b) {
  return (a > b) - (a < b);
}

static int compare_places(const tn_server_problem *a, const tn_server_problem *b) {
  if ((a->file == NULL) != (b->file == NULL)) return a->file == NULL ? -1 : 1;
  if (a->line != b->line) return compare_numbers(a->line, b->line);
  return compare_numbers(a->column, b->column);
}

/* By insertion, which keeps the order of those of one place. */
void tn_problems_sort(tn_problems *problems) {
  tn_server_problem *items = problems->items.items;
  for (uint32_t i = 1; i < problems->items.len; i++) {
    tn_server_problem moved = items[i];
    uint32_t at = i;
    for (; at > 0 && compare_places(&items[at - 1], &moved) > 0; at--)
      items[at] = items[at - 1];
    items[at] = moved;
  }
}

tn_error *tn_problems_to_error(tn_problems *problems) {
  if (problems->no_memory) return tn_error_no_memory();
  if (problems->items.len == 0) return NULL;
  tn_problems_sort(problems);
  const tn_server_problem *first = &problems->items.items[0];
  tn_error *error = tn_error_new(first->kind, "%s", first->message);
  if (first->hint != NULL) tn_error_set_hint(error, "%s", first->hint);
  if (first->file == NULL) return error;
  if (first->line == 0) return tn_error_wrap(error, "%s", first->file);
  return tn_error_wrap(error, "%s:%u:%u", first->file, first->line, first->column);
}

void tn_problems_free(tn_problems *problems) {
  tn_arena_free(&problems->arena);
  *problems = (tn_problems){0};
}
