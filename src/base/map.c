#include "base/map.h"

#include <string.h>
#include <sys/auxv.h>

/* Random for each process, so that a file cannot be made to collide in advance. */
static uint64_t random_seed(void) {
  uint64_t seed = 0x9e3779b97f4a7c15u;
  const void *random = (const void *)getauxval(AT_RANDOM);
  if (random != NULL) memcpy(&seed, random, sizeof seed);
  return seed;
}

static uint64_t hash_bytes(const tn_map *map, tn_str key) {
  uint64_t hash = map->seed;
  for (size_t i = 0; i < key.len; i++) {
    hash = (hash ^ (uint8_t)key.data[i]) * 0x2127599bf4325c37u;
    hash ^= hash >> 29;
  }
  return hash;
}

static tn_map_entry *find_slot(const tn_map *map, tn_str key, uint64_t hash) {
  for (uint32_t i = (uint32_t)hash & map->mask;; i = (i + 1) & map->mask) {
    tn_map_entry *entry = &map->slots[i];
    if (entry->key.data == NULL) return entry;
    if (entry->hash == hash && tn_str_equal(entry->key, key)) return entry;
  }
}

void *tn_map_get(const tn_map *map, tn_str key) {
  if (map->slots == NULL) return NULL;
  return find_slot(map, key, hash_bytes(map, key))->value;
}

bool tn_map_has(const tn_map *map, tn_str key) {
  return map->slots != NULL && find_slot(map, key, hash_bytes(map, key))->key.data != NULL;
}

static bool grow(tn_arena *arena, tn_map *map) {
  uint32_t size = map->slots == NULL ? 8 : (map->mask + 1) * 2;
  if (size == 0) return false;
  tn_map bigger = {.slots = TN_ARENA_ARRAY(arena, tn_map_entry, size),
                   .mask = size - 1,
                   .count = map->count,
                   .seed = map->slots == NULL ? random_seed() : map->seed};
  if (bigger.slots == NULL) return false;
  for (tn_map_entry *e = tn_map_next(map, NULL); e != NULL; e = tn_map_next(map, e)) {
    *find_slot(&bigger, e->key, e->hash) = *e;
  }
  *map = bigger;
  return true;
}

bool tn_map_put(tn_arena *arena, tn_map *map, tn_str key, void *value) {
  if (map->slots == NULL || map->count >= (map->mask + 1) / 4 * 3) {
    if (!grow(arena, map)) return false;
  }
  uint64_t hash = hash_bytes(map, key);
  tn_map_entry *entry = find_slot(map, key, hash);
  if (entry->key.data == NULL) map->count++;
  *entry = (tn_map_entry){key, value, hash};
  return true;
}

tn_map_entry *tn_map_next(const tn_map *map, const tn_map_entry *after) {
  if (map->slots == NULL) return NULL;
  tn_map_entry *end = map->slots + map->mask + 1;
  tn_map_entry *entry = after == NULL ? map->slots : map->slots + (after - map->slots) + 1;
  while (entry < end && entry->key.data == NULL)
    entry++;
  return entry < end ? entry : NULL;
}
