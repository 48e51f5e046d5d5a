#include "value/printer.h"

#include <inttypes.h>

void tn_print_handle(tn_buffer *out, const tn_type *type, const void *value) {
  tn_buffer_format(out, "%s(%" PRIu32 ")", tn_type_kind_name(type->kind), *(const uint32_t *)value);
}

void tn_print_invalid_case(tn_buffer *out, uint32_t tag) {
  tn_buffer_format(out, "invalid(%" PRIu32 ")", tag);
}
