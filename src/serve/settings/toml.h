/* A TOML document (https://toml.io/en/v1.0.0) as a tree in an arena, each node with its place. Values of flags
 * become such nodes too, so that one reader serves both. */
#ifndef TN_SERVE_SETTINGS_TOML_H
#define TN_SERVE_SETTINGS_TOML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tenon.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tn_arena;

typedef enum tn_toml_kind {
  TN_TOML_TABLE,
  TN_TOML_ARRAY,
  TN_TOML_TEXT,
  TN_TOML_INTEGER,
  TN_TOML_FLOAT,
  TN_TOML_BOOLEAN,
  TN_TOML_TIME, /* a date, a time or both; nothing here wants one, so it has no value */
} tn_toml_kind;

typedef struct tn_toml tn_toml;
struct tn_toml {
  tn_toml_kind kind;
  uint32_t line; /* from 1; 0: from a flag */
  uint32_t column;
  tn_str key; /* in a table, ended by NUL; else empty */
  uint32_t key_line;
  uint32_t key_column;
  /* by kind */
  tn_str text; /* ended by NUL */
  int64_t integer;
  double number;
  bool boolean;
  tn_toml *items; /* of an array; of a table, in the order of the file */
  uint32_t count;
};

typedef struct tn_toml_mistake {
  uint32_t line;
  uint32_t column;
  char message[200];
} tn_toml_mistake;

typedef enum tn_toml_verdict { TN_TOML_FINE, TN_TOML_WRONG, TN_TOML_NO_MEMORY } tn_toml_verdict;

/* Parses a document. *out is its root table, in `arena`; *mistake is written for TN_TOML_WRONG. Values nest at most 256
 * deep. */
tn_toml_verdict tn_toml_parse(struct tn_arena *arena, tn_str text, tn_toml *out,
                              tn_toml_mistake *mistake);

/* The value under a key of a table, or NULL. */
const tn_toml *tn_toml_get(const tn_toml *table, const char *key);

#ifdef __cplusplus
}
#endif

#endif
