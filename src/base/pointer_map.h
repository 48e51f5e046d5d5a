/* A map from pointers to pointers; memory comes from an arena. Not thread-safe. */
#ifndef TN_BASE_POINTER_MAP_H
#define TN_BASE_POINTER_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

typedef struct tn_pointer_entry {
  const void *key; /* NULL: an empty slot */
  const void *value;
} tn_pointer_entry;

/* Open addressing with linear probing. Invariant: slots is NULL or has `mask` + 1 entries (a power of two) of
 * which at most half are taken. A zeroed struct is an empty map. */
typedef struct tn_pointer_map {
  tn_pointer_entry *slots;
  uint32_t mask;
  uint32_t count;
} tn_pointer_map;

/* The value under `key`, or NULL. */
const void *tn_pointer_map_get(const tn_pointer_map *map, const void *key);
/* Sets or replaces; neither pointer may be NULL. False when out of memory. */
bool tn_pointer_map_put(tn_arena *arena, tn_pointer_map *map, const void *key, const void *value);

#endif
