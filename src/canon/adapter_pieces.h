/* The smallest pieces of generated code: local variables, and copies. Internal to src/canon/adapter_*.c. */
#ifndef TN_CANON_ADAPTER_PIECES_H
#define TN_CANON_ADAPTER_PIECES_H

#include "canon/adapter_move.h"

static inline void get(tn_mover *m, uint32_t local) {
  tn_wasm_emit_u32(m->f, TN_WASM_LOCAL_GET, local);
}

static inline void set(tn_mover *m, uint32_t local) {
  tn_wasm_emit_u32(m->f, TN_WASM_LOCAL_SET, local);
}

static inline uint32_t take(tn_mover *m) {
  return tn_wasm_take_local(m->f, TN_WASM_I32);
}

static inline void give(tn_mover *m, uint32_t local) {
  tn_wasm_give_local(m->f, TN_WASM_I32, local);
}

/* Copies the bytes of a list or long string. */
static inline void copy_all(tn_mover *m, uint32_t out, uint32_t pointer, uint32_t size) {
  get(m, out);
  get(m, pointer);
  get(m, size);
  tn_wasm_memory_copy(m->f, m->to_memory, m->from_memory);
}

/* The fault when the address in `pointer` and the i64 size on the stack reach beyond the memory. */
void tn_check_end(tn_mover *m, uint32_t memory, uint32_t pointer, tn_fault fault);
/* adapter_string.c: moves a string whose pointer and length are in locals; `out` receives its new address. */
void tn_move_string(tn_mover *m, uint32_t pointer, uint32_t length, uint32_t out);

#endif
