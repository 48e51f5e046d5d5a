/* A bump allocator: many small allocations, freed as one. Not thread-safe. */
#ifndef TN_BASE_ARENA_H
#define TN_BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

typedef struct tn_arena_block tn_arena_block;

/*   blocks: newest -> ... -> oldest
 *   +--------+----------------------+---------+
 *   | header | handed out           | free    |
 *   +--------+----------------------+---------+
 *                                   ^ next    ^ end      (both within the newest block)
 * Invariant: blocks == NULL implies next == end == NULL. A zeroed struct is an empty arena. */
typedef struct tn_arena {
  tn_arena_block *blocks;
  char *next;
  char *end;
} tn_arena;

/* Returns `size` bytes aligned to `alignment` (a power of two, at most 4096), not cleared, or NULL when
 * out of memory. The bytes live until the arena is reset or freed. */
void *tn_arena_alloc(tn_arena *arena, size_t size, size_t alignment);
/* As tn_arena_alloc for `count` elements of `size` bytes, cleared; NULL also when the product overflows. */
void *tn_arena_calloc(tn_arena *arena, size_t count, size_t size);
/* Copies a string into the arena with a NUL after it; .data is NULL when out of memory. */
tn_str tn_arena_copy(tn_arena *arena, tn_str string);
/* Formats as printf into the arena; .data is NULL when out of memory. */
tn_str tn_arena_format(tn_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Forgets all allocations but keeps the largest block for reuse. */
void tn_arena_reset(tn_arena *arena);
/* What it has allocated. */
size_t tn_arena_size(const tn_arena *arena);
/* Gives all memory back; the arena is empty again and may be used again. */
void tn_arena_free(tn_arena *arena);

/* One cleared T, or an array of N cleared Ts. */
#define TN_ARENA_NEW(arena, T)      ((T *)tn_arena_calloc((arena), 1, sizeof(T)))
#define TN_ARENA_ARRAY(arena, T, n) ((T *)tn_arena_calloc((arena), (n), sizeof(T)))

#endif
