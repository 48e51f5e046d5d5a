#include "value/printer.h"

#include <inttypes.h>

void tn_print_handle(tn_buffer *out, const tn_type *type, const void *value) {
  static const char *const names[] = {
      [TN_TYPE_OWN] = "own",
      [TN_TYPE_BORROW] = "borrow",
      [TN_TYPE_STREAM] = "stream",
      [TN_TYPE_FUTURE] = "future",
      [TN_TYPE_ERROR_CONTEXT] = "error-context",
  };
  tn_buffer_format(out, "%s(%" PRIu32 ")", names[type->kind], *(const uint32_t *)value);
}

void tn_print_invalid_case(tn_buffer *out, uint32_t tag) {
  tn_buffer_format(out, "invalid(%" PRIu32 ")", tag);
}
