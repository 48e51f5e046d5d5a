/* What the functions of preview 1 read and write in the guest's memory, so that a recording can hold it: they
 * get addresses, and only their documentation says what lies there. */
#ifndef TN_RECORD_PREVIEW1_H
#define TN_RECORD_PREVIEW1_H

#include "base/buffer.h"
#include "canon/canon.h"

typedef struct tn_p1_ranges tn_p1_ranges;

/* NULL: not a function that is known. */
const tn_p1_ranges *tn_p1_ranges_of(tn_str name);

/* A stretch of the guest's memory as it was. */
typedef struct tn_p1_range {
  uint64_t address;
  uint64_t size;
  uint8_t *before; /* owned */
} tn_p1_range;

/* What a call may write. Invariant: ranges lie within the memory as it was when they were taken. */
typedef struct tn_p1_writes {
  tn_p1_range *ranges; /* owned */
  uint32_t count;
  uint32_t cap;
} tn_p1_writes;

/* Appends what the call is given beyond its parameters: paths, contents to be written, subscriptions. */
void tn_p1_put_inputs(tn_buffer *out, const tn_p1_ranges *ranges, tn_runtime *runtime,
                      const tn_core_value *params);
/* Keeps what lies where the call may write. TN_ERROR_NO_MEMORY. */
tn_error *tn_p1_writes_take(tn_p1_writes *writes, const tn_p1_ranges *ranges, tn_runtime *runtime,
                            const tn_core_value *params);
/* Appends the count of ranges that differ now, and for each its address and bytes. */
void tn_p1_writes_put(tn_buffer *out, const tn_p1_writes *writes, tn_runtime *runtime);
void tn_p1_writes_free(tn_p1_writes *writes);
/* Writes `count` ranges from recorded bytes. False: one is outside the memory. */
bool tn_p1_writes_replay(tn_str ranges, uint64_t count, tn_runtime *runtime);

#endif
