/* What the printers of WAVE and JSON share. For src/value/ only. */
#ifndef TN_VALUE_PRINTER_H
#define TN_VALUE_PRINTER_H

#include "base/buffer.h"
#include "component/type.h"

/* "own(7)": a handle, stream, future or error context. */
void tn_print_handle(tn_buffer *out, const tn_type *type, const void *value);
/* A case that the type does not have, which only a host function can have left there. */
void tn_print_invalid_case(tn_buffer *out, uint32_t tag);

#endif
