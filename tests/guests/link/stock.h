/* The types of wit/link.wit as the canonical ABI lays them out in memory, and cabi_realloc: for the one file of a
   program. */
#pragma once

#include <stdint.h>
#include <stdlib.h>

#define EXPORT(name)         __attribute__((export_name(name)))
#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))

struct string {
  char *text;
  uint32_t length;
};

enum unit { PIECE, LITRE, KILOGRAM };

enum { FRESH = 1, FRAGILE = 2, FOREIGN = 4 };

struct item {
  struct string name;
  uint32_t amount;
  uint8_t unit;
  uint8_t marks;
};

struct items {
  struct item *first;
  uint32_t count;
};

enum change { ADD, TAKE, RENAME, MARK, CLEAR };

struct amount_or_reason {
  uint8_t failed;
  union {
    uint32_t amount;
    struct string reason;
  };
};

struct maybe_item {
  uint8_t there;
  struct item item;
};

_Static_assert(sizeof(struct item) == 16, "an item");
_Static_assert(sizeof(struct amount_or_reason) == 12, "a result");
_Static_assert(sizeof(struct maybe_item) == 20, "an option");

EXPORT("cabi_realloc")
void *cabi_realloc(void *old, uint32_t old_size, uint32_t align, uint32_t size) {
  (void)old_size;
  if (size == 0) return (void *)(uintptr_t)align;
  void *result = realloc(old, size);
  if (!result) abort();
  return result;
}
