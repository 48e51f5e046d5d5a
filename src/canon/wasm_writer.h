/* Writing core WebAssembly: instructions, local variables. Internal to src/canon/.
 * Failures to allocate are remembered by the buffers and found at the end. */
#ifndef TN_CANON_WASM_WRITER_H
#define TN_CANON_WASM_WRITER_H

#include "base/buffer.h"
#include "base/wasm_bytes.h"

enum {
  TN_WASM_I32 = 0x7f,
  TN_WASM_I64 = 0x7e,
  TN_WASM_F32 = 0x7d,
  TN_WASM_F64 = 0x7c,
  TN_WASM_NOTHING = 0x40, /* the type of a block without parameters and results */
};

typedef enum tn_wasm_op {
  TN_WASM_UNREACHABLE = 0x00,
  TN_WASM_BLOCK = 0x02,
  TN_WASM_LOOP = 0x03,
  TN_WASM_IF = 0x04,
  TN_WASM_ELSE = 0x05,
  TN_WASM_END = 0x0b,
  TN_WASM_BR = 0x0c,
  TN_WASM_BR_IF = 0x0d,
  TN_WASM_BR_TABLE = 0x0e,
  TN_WASM_RETURN = 0x0f,
  TN_WASM_CALL = 0x10,
  TN_WASM_LOCAL_GET = 0x20,
  TN_WASM_LOCAL_SET = 0x21,
  TN_WASM_LOCAL_TEE = 0x22,
  TN_WASM_I32_LOAD = 0x28,
  TN_WASM_I64_LOAD = 0x29,
  TN_WASM_I32_LOAD8_U = 0x2d,
  TN_WASM_I32_LOAD16_U = 0x2f,
  TN_WASM_I64_LOAD8_U = 0x31,
  TN_WASM_I64_LOAD32_U = 0x35,
  TN_WASM_I32_STORE = 0x36,
  TN_WASM_I64_STORE = 0x37,
  TN_WASM_I32_STORE8 = 0x3a,
  TN_WASM_I32_STORE16 = 0x3b,
  TN_WASM_I64_STORE8 = 0x3c,
  TN_WASM_I64_STORE32 = 0x3e,
  TN_WASM_MEMORY_SIZE = 0x3f,
  TN_WASM_I32_CONST = 0x41,
  TN_WASM_I64_CONST = 0x42,
  TN_WASM_I32_EQZ = 0x45,
  TN_WASM_I32_EQ = 0x46,
  TN_WASM_I32_NE = 0x47,
  TN_WASM_I32_LT_U = 0x49,
  TN_WASM_I32_GT_U = 0x4b,
  TN_WASM_I32_LE_U = 0x4d,
  TN_WASM_I32_GE_U = 0x4f,
  TN_WASM_I64_EQZ = 0x50,
  TN_WASM_I64_NE = 0x52,
  TN_WASM_I64_GT_U = 0x56,
  TN_WASM_I32_ADD = 0x6a,
  TN_WASM_I32_SUB = 0x6b,
  TN_WASM_I32_MUL = 0x6c,
  TN_WASM_I32_AND = 0x71,
  TN_WASM_I32_OR = 0x72,
  TN_WASM_I32_SHR_U = 0x76,
  TN_WASM_I64_ADD = 0x7c,
  TN_WASM_I64_MUL = 0x7e,
  TN_WASM_I64_AND = 0x83,
  TN_WASM_I64_OR = 0x84,
  TN_WASM_I64_SHL = 0x86,
  TN_WASM_I32_WRAP_I64 = 0xa7,
  TN_WASM_I64_EXTEND_I32_U = 0xad,
  TN_WASM_I32_REINTERPRET_F32 = 0xbc,
  TN_WASM_I64_REINTERPRET_F64 = 0xbd,
  TN_WASM_F32_REINTERPRET_I32 = 0xbe,
  TN_WASM_F64_REINTERPRET_I64 = 0xbf,
  TN_WASM_I32_EXTEND8_S = 0xc0,
  TN_WASM_I32_EXTEND16_S = 0xc1,
} tn_wasm_op;

/* ---- the body of a function --------------------------------------------------------------------- */

enum { TN_WASM_SPARE_LOCALS = 32 };

/* A function that is being written. `depth` counts the blocks that are open, `locals` has the type of each
 * local variable that is not a parameter. */
typedef struct tn_wasm_func {
  tn_buffer code;
  tn_buffer locals;
  uint32_t param_count;
  uint32_t depth;
  uint32_t spare_count[2]; /* locals of type i32 and i64 that nobody uses at the moment */
  uint32_t spare[2][TN_WASM_SPARE_LOCALS];
} tn_wasm_func;

/* Without or with one immediate. */
void tn_wasm_emit(tn_wasm_func *f, tn_wasm_op op);
void tn_wasm_emit_u32(tn_wasm_func *f, tn_wasm_op op, uint32_t immediate);
void tn_wasm_i32(tn_wasm_func *f, uint32_t value);
void tn_wasm_i64(tn_wasm_func *f, uint64_t value);
/* Blocks, loops and ifs without results, and their end. */
void tn_wasm_open(tn_wasm_func *f, tn_wasm_op op);
void tn_wasm_close(tn_wasm_func *f);
/* Loads and stores, unaligned. */
void tn_wasm_access(tn_wasm_func *f, tn_wasm_op op, uint32_t memory, uint32_t offset);
void tn_wasm_memory_copy(tn_wasm_func *f, uint32_t destination, uint32_t source);

/* A local variable that is 0 at the function's start. */
uint32_t tn_wasm_fresh_local(tn_wasm_func *f, uint8_t type);
/* One for temporary use, with any value; i32 or i64. */
uint32_t tn_wasm_take_local(tn_wasm_func *f, uint8_t type);
void tn_wasm_give_local(tn_wasm_func *f, uint8_t type, uint32_t local);

/* The function as an entry of the code section; its buffers are freed. */
void tn_wasm_finish(tn_wasm_func *f, tn_buffer *out);

#endif
