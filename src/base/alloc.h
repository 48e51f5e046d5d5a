/* Memory allocation. Every allocation of Tenon's own code goes through here, so that a test can make
 * any single one fail (see tn_alloc_fail_after) and prove that the caller copes. */
#ifndef TN_BASE_ALLOC_H
#define TN_BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As malloc, calloc, realloc and free; NULL means out of memory. Thread-safe. */
void *tn_malloc(size_t size);
void *tn_calloc(size_t count, size_t size);
void *tn_realloc(void *old, size_t size);
void tn_free(void *pointer);
/* Gives what is free back to the system, as far as the allocator can; takes milliseconds. */
void tn_alloc_trim(void);

#ifdef TN_FAULT_INJECTION
/* Test builds only: lets `count` more allocations of this thread succeed, fails the next one, and then
 * lets all succeed again. A negative count switches the injection off. */
void tn_alloc_fail_after(int64_t count);
/* Whether the armed failure has happened since the last tn_alloc_fail_after. */
bool tn_alloc_did_fail(void);
/* Likewise for the allocations of all threads together. */
void tn_alloc_fail_anywhere_after(int64_t count);
bool tn_alloc_did_fail_anywhere(void);
#endif

#endif
