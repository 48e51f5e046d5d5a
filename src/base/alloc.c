#include "base/alloc.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#ifdef TN_FAULT_INJECTION

static _Thread_local int64_t allocations_left = -1;
static _Thread_local bool failure_happened;

void tn_alloc_fail_after(int64_t count) {
  allocations_left = count;
  failure_happened = false;
}

bool tn_alloc_did_fail(void) {
  return failure_happened;
}

static _Atomic int64_t anywhere_left = -1;
static atomic_bool anywhere_happened;

void tn_alloc_fail_anywhere_after(int64_t count) {
  anywhere_left = count;
  anywhere_happened = false;
}

bool tn_alloc_did_fail_anywhere(void) {
  return anywhere_happened;
}

static bool should_fail_anywhere(void) {
  if (anywhere_left < 0 || atomic_fetch_sub(&anywhere_left, 1) != 0) return false;
  anywhere_happened = true;
  return true;
}

static bool should_fail(void) {
  if (allocations_left < 0) return should_fail_anywhere();
  if (allocations_left-- > 0) return false;
  failure_happened = true;
  return true;
}

#else

static inline bool should_fail(void) {
  return false;
}

#endif

void *tn_malloc(size_t size) {
  if (should_fail()) return NULL;
  return malloc(size != 0 ? size : 1);
}

/* glibc's calloc does not look into the thread's own cache of small blocks, which makes it several times slower. */
enum { SMALL = 1024 };

void *tn_calloc(size_t count, size_t size) {
  if (should_fail()) return NULL;
  size_t total;
  if (__builtin_mul_overflow(count, size, &total) || total > SMALL) return calloc(count, size);
  void *block = malloc(total != 0 ? total : 1);
  return block == NULL ? NULL : memset(block, 0, total);
}

void *tn_realloc(void *old, size_t size) {
  if (should_fail()) return NULL;
  return realloc(old, size != 0 ? size : 1);
}

void tn_free(void *pointer) {
  free(pointer);
}

/* Less is soon used again. What was given back before counts too, but to give it back again costs little. */
enum { WORTH_TRIMMING = 4 << 20 };

void tn_alloc_trim(void) {
#ifdef __GLIBC__
  if (mallinfo2().fordblks < WORTH_TRIMMING) return;
  malloc_trim(0);
#endif
}
