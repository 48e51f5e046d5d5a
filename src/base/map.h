/* A map from strings to pointers; memory comes from an arena, keys are not copied. Not thread-safe. */
#ifndef TN_BASE_MAP_H
#define TN_BASE_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

typedef struct tn_map_entry {
  tn_str key; /* data == NULL: an empty slot */
  void *value;
  uint64_t hash;
} tn_map_entry;

/* Open addressing with linear probing. Invariant: slots is NULL or has `mask` + 1 entries (a power of
 * two) of which at most 3/4 are taken. A zeroed struct is an empty map. */
typedef struct tn_map {
  tn_map_entry *slots;
  uint32_t mask;
  uint32_t count;
  uint64_t seed; /* of the hash; set with the first slots */
} tn_map;

/* The value under `key`, or NULL. */
void *tn_map_get(const tn_map *map, tn_str key);
bool tn_map_has(const tn_map *map, tn_str key);
/* Sets or replaces; `key.data` must not be NULL and must outlive the map. False when out of memory. */
bool tn_map_put(tn_arena *arena, tn_map *map, tn_str key, void *value);
/* Calls for iteration: for (tn_map_entry *e = tn_map_next(m, NULL); e; e = tn_map_next(m, e)). */
tn_map_entry *tn_map_next(const tn_map *map, const tn_map_entry *after);

#endif
