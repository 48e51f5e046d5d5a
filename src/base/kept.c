#include "base/kept.h"

tn_error *tn_kept_error(const tn_kept *kept, uint64_t bytes) {
  tn_error *error = tn_error_new(TN_ERROR_MEMORY_LIMIT,
                                 "the host would keep %llu bytes for the guest, its limit is %llu",
                                 (unsigned long long)bytes, (unsigned long long)kept->limit);
  tn_error_set_limit(error, TN_LIMIT_MEMORY, bytes, kept->limit);
  return tn_error_set_hint(error, "raise `max_host_memory_bytes`");
}
