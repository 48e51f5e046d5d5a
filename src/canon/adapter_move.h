/* Moving values of a type from one guest to another in generated code. Internal to src/canon/.
 * Both guests have 32-bit memories and UTF-8 strings, so that a type is laid out and flattened alike in both. */
#ifndef TN_CANON_ADAPTER_MOVE_H
#define TN_CANON_ADAPTER_MOVE_H

#include "canon/fault.h"
#include "canon/transfer.h"
#include "canon/wasm_writer.h"

/* Functions that each adapter module imports, by function index. */
enum {
  TN_ADAPTER_FAIL,       /* (fault, instance): ends the guest */
  TN_ADAPTER_CHECK_UTF8, /* (memory slot, pointer, length): ends the guest when they are not UTF-8 */
  TN_ADAPTER_FIRST_FUNC,
};

/* A direction of a call: from the memory of one guest to that of another. Memories and realloc are indices
 * within the adapter module; meaningless where the types do not need them. */
typedef struct tn_mover {
  tn_wasm_func *f;
  tn_arena *scratch;
  uint32_t from_memory;
  uint32_t to_memory;
  uint32_t realloc;
  uint32_t from_slot; /* of the source's memory in the runtime, for TN_ADAPTER_CHECK_UTF8 */
  uint32_t run_start; /* bytes that are to be copied and follow each other: [run_start, run_end) */
  uint32_t run_end;
  tn_error *error;
} tn_mover;

/* The body of a function opens one block for each fault; branching out of it raises the fault. Nothing comes back from
 * tn_faults_close but what returns before. */
void tn_faults_open(tn_wasm_func *f);
void tn_faults_close(tn_wasm_func *f);
/* Raises the fault when the i32 on the stack is not 0. */
void tn_fault_if(tn_wasm_func *f, tn_fault fault);

/* Values in local variables that follow each other, from `from` on, with the types of the flattening. */
void tn_move_flat(tn_mover *m, const tn_type *type, uint32_t from, uint32_t to,
                  const uint8_t *flat);
/* A value in memory; `from` and `to` are locals with the two addresses, which have been checked. */
void tn_move_memory(tn_mover *m, const tn_type *type, uint32_t from, uint32_t to);
/* Checks that the address in `local` is aligned and has `size` bytes behind it. */
void tn_check_place(tn_mover *m, uint32_t memory, uint32_t local, tn_layout layout);
/* Calls realloc for `size` (in a local) bytes and checks what it returns; sets `out`. */
void tn_call_realloc(tn_mover *m, uint32_t alignment, uint32_t size, tn_fault fault, uint32_t out);

#endif
