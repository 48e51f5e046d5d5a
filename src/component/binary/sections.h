/* The sections of a file as a list, for people: `tenon inspect`. */
#ifndef TN_COMPONENT_SECTIONS_H
#define TN_COMPONENT_SECTIONS_H

#include "base/arena.h"
#include "base/vec.h"
#include "tenon.h"

typedef struct tn_section {
  const char *kind; /* "core module", "type", "custom" … */
  tn_str name;      /* of a custom section, else .data == NULL */
  tn_str contents;
  uint32_t offset; /* of the contents */
} tn_section;

typedef struct tn_sections {
  TN_VEC(tn_section) items;
} tn_sections;

/* Lists the sections of a component or core module, not those of what is nested in it. Ids that are not
 * known are "unknown". TN_ERROR_MALFORMED, TN_ERROR_NO_MEMORY. */
tn_error *tn_sections_list(tn_arena *arena, tn_str bytes, tn_sections *out);

/* One entry of a `producers` section: field "language", name "Rust", version "1.95". */
typedef struct tn_producer {
  tn_str field;
  tn_str name;
  tn_str version;
} tn_producer;

typedef struct tn_producers {
  TN_VEC(tn_producer) items;
} tn_producers;

/* Reads the contents of a `producers` custom section. */
tn_error *tn_producers_read(tn_arena *arena, tn_str contents, tn_producers *out);

#endif
