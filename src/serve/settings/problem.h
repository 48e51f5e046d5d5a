/* What is wrong with a configuration: all of it, each with its place. */
#ifndef TN_SERVE_SETTINGS_PROBLEM_H
#define TN_SERVE_SETTINGS_PROBLEM_H

#include "base/arena.h"
#include "base/vec.h"
#include "serve/settings/toml.h"
#include "tenon.h"

/* file NULL: a flag; line 0: not known. */
typedef struct tn_place {
  const char *file;
  uint32_t line;
  uint32_t column;
} tn_place;

/* Invariant: `no_memory` is set once a problem could not be kept. Zeroed: none. */
typedef struct tn_problems {
  tn_arena arena; /* of all texts */
  TN_VEC(tn_server_problem) items;
  bool no_memory;
} tn_problems;

/* Adds one; the result, for tn_problems_set_hint, is NULL without memory, or when there are too many already. */
tn_server_problem *tn_problems_add(tn_problems *problems, tn_error_kind kind, tn_place place,
                                   const char *format, ...) __attribute__((format(printf, 4, 5)));
void tn_problems_set_hint(tn_problems *problems, tn_server_problem *problem, const char *format,
                          ...) __attribute__((format(printf, 3, 4)));
/* Adds an error with its hint and deletes it; NULL is none. `what` stands in front, may be NULL. */
void tn_problems_add_error(tn_problems *problems, tn_place place, const char *what,
                           tn_error *error);
bool tn_problems_any(const tn_problems *problems);
/* In the order of file, line and column; flags first. */
void tn_problems_sort(tn_problems *problems);
/* The first as an error: "serve.toml:3:7: max-body: …". NULL: none. */
tn_error *tn_problems_to_error(tn_problems *problems);
void tn_problems_free(tn_problems *problems);

#endif
