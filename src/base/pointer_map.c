#include "base/pointer_map.h"

#include <assert.h>

/* The slot that has `key`, or the empty one where it belongs. */
static tn_pointer_entry *find_slot(const tn_pointer_map *map, const void *key) {
  uint64_t hash = (uint64_t)(uintptr_t)key * UINT64_C(0x9e3779b97f4a7c15);
  uint32_t at = (uint32_t)(hash >> 32) & map->mask;
  while (map->slots[at].key != NULL && map->slots[at].key != key)
    at = (at + 1) & map->mask;
  return &map->slots[at];
}

const void *tn_pointer_map_get(const tn_pointer_map *map, const void *key) {
  return map->slots == NULL ? NULL : find_slot(map, key)->value;
}

static bool grow(tn_arena *arena, tn_pointer_map *map) {
  if (map->mask >= UINT32_MAX / 2) return false;
  uint32_t old_count = map->slots == NULL ? 0 : map->mask + 1;
  uint32_t new_count = old_count == 0 ? 8 : old_count * 2;
  tn_pointer_map grown = {TN_ARENA_ARRAY(arena, tn_pointer_entry, new_count), new_count - 1,
                          map->count};
  if (grown.slots == NULL) return false;
  for (uint32_t i = 0; i < old_count; i++) {
    if (map->slots[i].key != NULL) *find_slot(&grown, map->slots[i].key) = map->slots[i];
  }
  *map = grown;
  return true;
}

bool tn_pointer_map_put(tn_arena *arena, tn_pointer_map *map, const void *key, const void *value) {
  assert(key != NULL && value != NULL);
  bool is_full = map->slots == NULL || map->count + 1 > (map->mask + 1) / 2;
  if (is_full && !grow(arena, map)) return false;
  tn_pointer_entry *slot = find_slot(map, key);
  if (slot->key == NULL) map->count++;
  *slot = (tn_pointer_entry){key, value};
  return true;
}
