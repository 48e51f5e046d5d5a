#include "base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

struct tn_arena_block {
  tn_arena_block *older;
  size_t size; /* of the bytes behind this header */
};

enum { FIRST_BLOCK = 4096 - sizeof(tn_arena_block), LARGEST_STEP = 1 << 20 };

static char *align_up(char *pointer, size_t alignment) {
  return pointer + (-(uintptr_t)pointer & (alignment - 1));
}

static char *block_bytes(tn_arena_block *block) {
  return (char *)(block + 1);
}

static bool add_block(tn_arena *arena, size_t needed) {
  size_t size = FIRST_BLOCK;
  if (arena->blocks != NULL) {
    size = arena->blocks->size < LARGEST_STEP ? arena->blocks->size * 2 : LARGEST_STEP;
  }
  if (size < needed) size = needed;
  if (size > SIZE_MAX - sizeof(tn_arena_block)) return false;
  tn_arena_block *block = tn_malloc(sizeof(tn_arena_block) + size);
  if (block == NULL) return false;
  block->older = arena->blocks;
  block->size = size;
  arena->blocks = block;
  arena->next = block_bytes(block);
  arena->end = arena->next + size;
  return true;
}

void *tn_arena_alloc(tn_arena *arena, size_t size, size_t alignment) {
  assert(alignment != 0 && (alignment & (alignment - 1)) == 0 && alignment <= 4096);
  if (arena->blocks != NULL) {
    char *start = align_up(arena->next, alignment);
    if (start <= arena->end && (size_t)(arena->end - start) >= size) {
      arena->next = start + size;
      return start;
    }
  }
  if (size > SIZE_MAX - alignment || !add_block(arena, size + alignment)) return NULL;
  char *start = align_up(arena->next, alignment);
  arena->next = start + size;
  return start;
}

void *tn_arena_calloc(tn_arena *arena, size_t count, size_t size) {
  size_t total;
  if (__builtin_mul_overflow(count, size, &total)) return NULL;
  void *bytes = tn_arena_alloc(arena, total, _Alignof(max_align_t));
  if (bytes != NULL) memset(bytes, 0, total);
  return bytes;
}

tn_str tn_arena_copy(tn_arena *arena, tn_str string) {
  char *bytes = string.len < SIZE_MAX ? tn_arena_alloc(arena, string.len + 1, 1) : NULL;
  if (bytes == NULL) return (tn_str){NULL, 0};
  if (string.len > 0) memcpy(bytes, string.data, string.len);
  bytes[string.len] = '\0';
  return (tn_str){bytes, string.len};
}

tn_str tn_arena_format(tn_arena *arena, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  char *bytes = length < 0 ? NULL : tn_arena_alloc(arena, (size_t)length + 1, 1);
  if (bytes == NULL) return (tn_str){NULL, 0};
  va_start(arguments, format);
  vsnprintf(bytes, (size_t)length + 1, format, arguments);
  va_end(arguments);
  return (tn_str){bytes, (size_t)length};
}

static void free_chain(tn_arena_block *block) {
  while (block != NULL) {
    tn_arena_block *older = block->older;
    tn_free(block);
    block = older;
  }
}

void tn_arena_reset(tn_arena *arena) {
  if (arena->blocks == NULL) return;
  tn_arena_block **largest = &arena->blocks;
  for (tn_arena_block **link = &arena->blocks; *link != NULL; link = &(*link)->older) {
    if ((*link)->size > (*largest)->size) largest = link;
  }
  tn_arena_block *kept = *largest;
  *largest = kept->older;
  free_chain(arena->blocks);
  kept->older = NULL;
  arena->blocks = kept;
  arena->next = block_bytes(kept);
  arena->end = arena->next + kept->size;
}

size_t tn_arena_size(const tn_arena *arena) {
  size_t size = 0;
  for (const tn_arena_block *block = arena->blocks; block != NULL; block = block->older)
    size += sizeof *block + block->size;
  return size;
}

void tn_arena_free(tn_arena *arena) {
  free_chain(arena->blocks);
  *arena = (tn_arena){0};
}
