#include "component/binary/core_module_expr.h"

#include "component/binary/decode.h"

enum {
  OP_END = 0x0b,
  OP_GLOBAL_GET = 0x23,
  OP_I32_CONST = 0x41,
  OP_I64_CONST = 0x42,
  OP_F32_CONST = 0x43,
  OP_F64_CONST = 0x44,
  OP_I32_ADD = 0x6a,
  OP_I32_MUL = 0x6c,
  OP_I64_ADD = 0x7c,
  OP_I64_MUL = 0x7e,
  OP_REF_NULL = 0xd0,
  OP_REF_FUNC = 0xd2,
  OP_GC = 0xfb,
  OP_VECTOR = 0xfd,
};

static tn_error *not_constant(uint32_t offset) {
  return tn_invalid(offset, "constant expression required: non-constant operator");
}

static tn_error *skip_indices(tn_reader *in, unsigned count) {
  uint32_t ignored;
  for (unsigned i = 0; i < count; i++) {
    TN_TRY(tn_read_u32(in, &ignored));
  }
  return NULL;
}

/* What follows 0xfb, the prefix of the instructions of garbage collection. */
static tn_error *skip_gc_operator(tn_reader *in, uint32_t offset) {
  enum {
    STRUCT_NEW = 0,
    STRUCT_NEW_DEFAULT = 1,
    ARRAY_NEW = 6,
    ARRAY_NEW_DEFAULT = 7,
    ARRAY_NEW_FIXED = 8,
    ANY_CONVERT_EXTERN = 26,
    EXTERN_CONVERT_ANY = 27,
    REF_I31 = 28,
  };
  uint32_t operator;
  TN_TRY(tn_read_u32(in, &operator));
  switch (operator) {
  case STRUCT_NEW:
  case STRUCT_NEW_DEFAULT:
  case ARRAY_NEW:
  case ARRAY_NEW_DEFAULT:
    return skip_indices(in, 1);
  case ARRAY_NEW_FIXED:
    return skip_indices(in, 2);
  case ANY_CONVERT_EXTERN:
  case EXTERN_CONVERT_ANY:
  case REF_I31:
    return NULL;
  default:
    return not_constant(offset);
  }
}

static tn_error *skip_vector_operator(tn_reader *in, uint32_t offset) {
  enum { V128_CONST = 12 };
  uint32_t operator;
  tn_str ignored;
  TN_TRY(tn_read_u32(in, &operator));
  return operator== V128_CONST ? tn_read_bytes(in, 16, &ignored) : not_constant(offset);
}

static tn_error *skip_operator(tn_reader *in, uint8_t opcode, uint32_t offset) {
  int32_t ignored_i32;
  int64_t ignored_i64;
  tn_str ignored_bytes;
  switch (opcode) {
  case OP_GLOBAL_GET:
  case OP_REF_FUNC:
    return skip_indices(in, 1);
  case OP_I32_CONST:
    return tn_read_s32(in, &ignored_i32);
  case OP_I64_CONST:
    return tn_read_s64(in, &ignored_i64);
  case OP_F32_CONST:
    return tn_read_bytes(in, 4, &ignored_bytes);
  case OP_F64_CONST:
    return tn_read_bytes(in, 8, &ignored_bytes);
  case OP_REF_NULL:
    return tn_decode_core_heaptype(in, &ignored_i32);
  case OP_GC:
    return skip_gc_operator(in, offset);
  case OP_VECTOR:
    return skip_vector_operator(in, offset);
  default:
    break;
  }
  bool is_arithmetic = (opcode >= OP_I32_ADD && opcode <= OP_I32_MUL) ||
                       (opcode >= OP_I64_ADD && opcode <= OP_I64_MUL);
  return is_arithmetic ? NULL : not_constant(offset);
}

tn_error *tn_core_skip_constant_expression(tn_reader *in) {
  for (;;) {
    uint32_t offset = tn_reader_offset(in);
    uint8_t opcode;
    TN_TRY(tn_read_byte(in, &opcode));
    if (opcode == OP_END) return NULL;
    TN_TRY(skip_operator(in, opcode, offset));
  }
}
