/* What the host keeps for one guest, counted in bytes against a limit: a guest pays with its own memory for little of
 * what it can make the host remember. Only what allocates counts, by what it allocates, and not to the last byte. */
#ifndef TN_BASE_KEPT_H
#define TN_BASE_KEPT_H

#include <stdint.h>

#include "base/error.h"

/* Without a limit it is UINT64_MAX. */
typedef struct tn_kept {
  uint64_t bytes;
  uint64_t limit;
} tn_kept;

/* TN_ERROR_MEMORY_LIMIT: `bytes` would be kept, more than the limit. */
tn_error *tn_kept_error(const tn_kept *kept, uint64_t bytes) __attribute__((returns_nonnull));

/* Counts what was allocated already: small, or of a size that is limited in itself. Whoever gives the guest a handle to
 * it checks (tn_kept_check). */
static inline void tn_kept_add(tn_kept *kept, uint64_t size) {
  kept->bytes += size;
}

static inline void tn_kept_remove(tn_kept *kept, uint64_t size) {
  kept->bytes -= size;
}

static inline tn_error *tn_kept_check(const tn_kept *kept) {
  return kept->bytes <= kept->limit ? NULL : tn_kept_error(kept, kept->bytes);
}

/* Counts what is about to be allocated; on failure it is not counted. */
static inline tn_error *tn_kept_take(tn_kept *kept, uint64_t size) {
  if (kept->bytes > kept->limit || size > kept->limit - kept->bytes)
    return tn_kept_error(kept, kept->bytes + size);
  tn_kept_add(kept, size);
  return NULL;
}

#endif
