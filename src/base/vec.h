/* Growing arrays whose memory comes from an arena. `TN_VEC(T) v = {0};` then TN_VEC_PUSH.
 * Growth leaves the old array behind in the arena (at most as much again as the final one). */
#ifndef TN_BASE_VEC_H
#define TN_BASE_VEC_H

#include <stdint.h>
#include <string.h>

#include "base/arena.h"

#define TN_VEC(T)                                                                                  \
  struct {                                                                                         \
    T *items;                                                                                      \
    uint32_t len;                                                                                  \
    uint32_t cap;                                                                                  \
  }

/* A pointer to a new, cleared last element, or NULL when out of memory. */
#define TN_VEC_PUSH(arena, vec)                                                                    \
  ((__typeof__((vec)->items))tn_vec_grow((arena), (void **)&(vec)->items, &(vec)->len,             \
                                         &(vec)->cap, sizeof *(vec)->items))

static inline void *tn_vec_grow(tn_arena *arena, void **items, uint32_t *len, uint32_t *cap,
                                size_t size) {
  if (*len == *cap) {
    if (*cap > UINT32_MAX / 2) return NULL;
    uint32_t wanted = *cap == 0 ? 4 : *cap * 2;
    size_t bytes;
    if (__builtin_mul_overflow((size_t)wanted, size, &bytes)) return NULL;
    void *grown = tn_arena_alloc(arena, bytes, _Alignof(max_align_t));
    if (grown == NULL) return NULL;
    if (*len > 0) memcpy(grown, *items, *len * size);
    *items = grown;
    *cap = wanted;
  }
  /* Cleared one by one, so that memory that no element comes to use is never touched. */
  return memset((char *)*items + (*len)++ * size, 0, size);
}

#endif
