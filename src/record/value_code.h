/* Native values as bytes, driven by their type: how recordings hold parameters and results.
 *
 *   numbers, char, handles      as they lie in memory, little endian
 *   bool                        one byte
 *   enum, flags                 a number (bytes.h)
 *   variant, option, result     the case as a number, then the payload if there is one
 *   string                      its length as a number, the bytes
 *   list, map                   its length as a number, the elements; of list<u8> twice the length, and one more
 *                               when it lies in memory that was reserved in the guest (tn_call_reserve)
 *   record, tuple, list<T, N>   the parts
 *
 * Runs of plain data go as they lie in memory. */
#ifndef TN_RECORD_VALUE_CODE_H
#define TN_RECORD_VALUE_CODE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "component/type.h"

/* Memory of the guest that a call has reserved; data NULL: none. */
typedef struct tn_reserved {
  uint8_t *data;
  uint64_t size;
} tn_reserved;

void tn_value_encode(tn_buffer *out, const tn_type *type, const void *value,
                     const tn_reserved *reserved);
/* Takes a value from the front of `rest` into cleared room; strings and lists go to the arena, or into what is
 * reserved. The bytes may be anything: false for what is no value of the type, *error for want of memory. */
bool tn_value_decode(tn_arena *arena, const tn_type *type, tn_str *rest, void *out,
                     const tn_reserved *reserved, tn_error **error);

#endif
