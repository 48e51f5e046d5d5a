#include "component/binary/core_instruction.h"

/* ---- names ---------------------------------------------------------------------------------------------- */

/* clang-format off */
/* By opcode; NULL is no instruction. */
static const char *const plain_names[] = {
    "unreachable", "nop", "block", "loop", "if", "else", "try", "catch", "throw", "rethrow",
    "throw_ref", "end", "br", "br_if", "br_table", "return", "call", "call_indirect",
    "return_call", "return_call_indirect", "call_ref", "return_call_ref", [0x18] = "delegate",
    "catch_all", "drop", "select", "select", [0x1f] = "try_table", "local.get", "local.set",
    "local.tee", "global.get", "global.set", "table.get", "table.set", [0x28] = "i32.load",
    "i64.load", "f32.load", "f64.load", "i32.load8_s", "i32.load8_u", "i32.load16_s",
    "i32.load16_u", "i64.load8_s", "i64.load8_u", "i64.load16_s", "i64.load16_u",
    "i64.load32_s", "i64.load32_u", "i32.store", "i64.store", "f32.store", "f64.store",
    "i32.store8", "i32.store16", "i64.store8", "i64.store16", "i64.store32", "memory.size",
    "memory.grow", "i32.const", "i64.const", "f32.const", "f64.const", "i32.eqz", "i32.eq",
    "i32.ne", "i32.lt_s", "i32.lt_u", "i32.gt_s", "i32.gt_u", "i32.le_s", "i32.le_u",
    "i32.ge_s", "i32.ge_u", "i64.eqz", "i64.eq", "i64.ne", "i64.lt_s", "i64.lt_u", "i64.gt_s",
    "i64.gt_u", "i64.le_s", "i64.le_u", "i64.ge_s", "i64.ge_u", "f32.eq", "f32.ne", "f32.lt",
    "f32.gt", "f32.le", "f32.ge", "f64.eq", "f64.ne", "f64.lt", "f64.gt", "f64.le", "f64.ge",
    "i32.clz", "i32.ctz", "i32.popcnt", "i32.add", "i32.sub", "i32.mul", "i32.div_s",
    "i32.div_u", "i32.rem_s", "i32.rem_u", "i32.and", "i32.or", "i32.xor", "i32.shl",
    "i32.shr_s", "i32.shr_u", "i32.rotl", "i32.rotr", "i64.clz", "i64.ctz", "i64.popcnt",
    "i64.add", "i64.sub", "i64.mul", "i64.div_s", "i64.div_u", "i64.rem_s", "i64.rem_u",
    "i64.and", "i64.or", "i64.xor", "i64.shl", "i64.shr_s", "i64.shr_u", "i64.rotl", "i64.rotr",
    "f32.abs", "f32.neg", "f32.ceil", "f32.floor", "f32.trunc", "f32.nearest", "f32.sqrt",
    "f32.add", "f32.sub", "f32.mul", "f32.div", "f32.min", "f32.max", "f32.copysign", "f64.abs",
    "f64.neg", "f64.ceil", "f64.floor", "f64.trunc", "f64.nearest", "f64.sqrt", "f64.add",
    "f64.sub", "f64.mul", "f64.div", "f64.min", "f64.max", "f64.copysign", "i32.wrap_i64",
    "i32.trunc_f32_s", "i32.trunc_f32_u", "i32.trunc_f64_s", "i32.trunc_f64_u",
    "i64.extend_i32_s", "i64.extend_i32_u", "i64.trunc_f32_s", "i64.trunc_f32_u",
    "i64.trunc_f64_s", "i64.trunc_f64_u", "f32.convert_i32_s", "f32.convert_i32_u",
    "f32.convert_i64_s", "f32.convert_i64_u", "f32.demote_f64", "f64.convert_i32_s",
    "f64.convert_i32_u", "f64.convert_i64_s", "f64.convert_i64_u", "f64.promote_f32",
    "i32.reinterpret_f32", "i64.reinterpret_f64", "f32.reinterpret_i32", "f64.reinterpret_i64",
    "i32.extend8_s", "i32.extend16_s", "i64.extend8_s", "i64.extend16_s", "i64.extend32_s",
    [0xd0] = "ref.null", "ref.is_null", "ref.func", "ref.eq", "ref.as_non_null", "br_on_null",
    "br_on_non_null", [0xe0] = "cont.new", "cont.bind", "suspend", "resume", "resume_throw",
    "resume_throw_ref", "switch",
};

static const char *const object_names[] = {
    "struct.new", "struct.new_default", "struct.get", "struct.get_s", "struct.get_u",
    "struct.set", "array.new", "array.new_default", "array.new_fixed", "array.new_data",
    "array.new_elem", "array.get", "array.get_s", "array.get_u", "array.set", "array.len",
    "array.fill", "array.copy", "array.init_data", "array.init_elem", "ref.test", "ref.test",
    "ref.cast", "ref.cast", "br_on_cast", "br_on_cast_fail", "any.convert_extern",
    "extern.convert_any", "ref.i31", "i31.get_s", "i31.get_u",
};

static const char *const bulk_names[] = {
    "i32.trunc_sat_f32_s", "i32.trunc_sat_f32_u", "i32.trunc_sat_f64_s", "i32.trunc_sat_f64_u",
    "i64.trunc_sat_f32_s", "i64.trunc_sat_f32_u", "i64.trunc_sat_f64_s", "i64.trunc_sat_f64_u",
    "memory.init", "data.drop", "memory.copy", "memory.fill", "table.init", "elem.drop",
    "table.copy", "table.grow", "table.size", "table.fill", [0x13] = "i64.add128", "i64.sub128",
    "i64.mul_wide_s", "i64.mul_wide_u",
};

static const char *const vector_names[] = {
    "v128.load", "v128.load8x8_s", "v128.load8x8_u", "v128.load16x4_s", "v128.load16x4_u",
    "v128.load32x2_s", "v128.load32x2_u", "v128.load8_splat", "v128.load16_splat",
    "v128.load32_splat", "v128.load64_splat", "v128.store", "v128.const", "i8x16.shuffle",
    "i8x16.swizzle", "i8x16.splat", "i16x8.splat", "i32x4.splat", "i64x2.splat", "f32x4.splat",
    "f64x2.splat", "i8x16.extract_lane_s", "i8x16.extract_lane_u", "i8x16.replace_lane",
    "i16x8.extract_lane_s", "i16x8.extract_lane_u", "i16x8.replace_lane", "i32x4.extract_lane",
    "i32x4.replace_lane", "i64x2.extract_lane", "i64x2.replace_lane", "f32x4.extract_lane",
    "f32x4.replace_lane", "f64x2.extract_lane", "f64x2.replace_lane", "i8x16.eq", "i8x16.ne",
    "i8x16.lt_s", "i8x16.lt_u", "i8x16.gt_s", "i8x16.gt_u", "i8x16.le_s", "i8x16.le_u",
    "i8x16.ge_s", "i8x16.ge_u", "i16x8.eq", "i16x8.ne", "i16x8.lt_s", "i16x8.lt_u",
    "i16x8.gt_s", "i16x8.gt_u", "i16x8.le_s", "i16x8.le_u", "i16x8.ge_s", "i16x8.ge_u",
    "i32x4.eq", "i32x4.ne", "i32x4.lt_s", "i32x4.lt_u", "i32x4.gt_s", "i32x4.gt_u",
    "i32x4.le_s", "i32x4.le_u", "i32x4.ge_s", "i32x4.ge_u", "f32x4.eq", "f32x4.ne", "f32x4.lt",
    "f32x4.gt", "f32x4.le", "f32x4.ge", "f64x2.eq", "f64x2.ne", "f64x2.lt", "f64x2.gt",
    "f64x2.le", "f64x2.ge", "v128.not", "v128.and", "v128.andnot", "v128.or", "v128.xor",
    "v128.bitselect", "v128.any_true", "v128.load8_lane", "v128.load16_lane",
    "v128.load32_lane", "v128.load64_lane", "v128.store8_lane", "v128.store16_lane",
    "v128.store32_lane", "v128.store64_lane", "v128.load32_zero", "v128.load64_zero",
    "f32x4.demote_f64x2_zero", "f64x2.promote_low_f32x4", "i8x16.abs", "i8x16.neg",
    "i8x16.popcnt", "i8x16.all_true", "i8x16.bitmask", "i8x16.narrow_i16x8_s",
    "i8x16.narrow_i16x8_u", "f32x4.ceil", "f32x4.floor", "f32x4.trunc", "f32x4.nearest",
    "i8x16.shl", "i8x16.shr_s", "i8x16.shr_u", "i8x16.add", "i8x16.add_sat_s",
    "i8x16.add_sat_u", "i8x16.sub", "i8x16.sub_sat_s", "i8x16.sub_sat_u", "f64x2.ceil",
    "f64x2.floor", "i8x16.min_s", "i8x16.min_u", "i8x16.max_s", "i8x16.max_u", "f64x2.trunc",
    "i8x16.avgr_u", "i16x8.extadd_pairwise_i8x16_s", "i16x8.extadd_pairwise_i8x16_u",
    "i32x4.extadd_pairwise_i16x8_s", "i32x4.extadd_pairwise_i16x8_u", "i16x8.abs", "i16x8.neg",
    "i16x8.q15mulr_sat_s", "i16x8.all_true", "i16x8.bitmask", "i16x8.narrow_i32x4_s",
    "i16x8.narrow_i32x4_u", "i16x8.extend_low_i8x16_s", "i16x8.extend_high_i8x16_s",
    "i16x8.extend_low_i8x16_u", "i16x8.extend_high_i8x16_u", "i16x8.shl", "i16x8.shr_s",
    "i16x8.shr_u", "i16x8.add", "i16x8.add_sat_s", "i16x8.add_sat_u", "i16x8.sub",
    "i16x8.sub_sat_s", "i16x8.sub_sat_u", "f64x2.nearest", "i16x8.mul", "i16x8.min_s",
    "i16x8.min_u", "i16x8.max_s", "i16x8.max_u", [0x9b] = "i16x8.avgr_u",
    "i16x8.extmul_low_i8x16_s", "i16x8.extmul_high_i8x16_s", "i16x8.extmul_low_i8x16_u",
    "i16x8.extmul_high_i8x16_u", "i32x4.abs", "i32x4.neg", [0xa3] = "i32x4.all_true",
    "i32x4.bitmask", [0xa7] = "i32x4.extend_low_i16x8_s", "i32x4.extend_high_i16x8_s",
    "i32x4.extend_low_i16x8_u", "i32x4.extend_high_i16x8_u", "i32x4.shl", "i32x4.shr_s",
    "i32x4.shr_u", "i32x4.add", [0xb1] = "i32x4.sub", [0xb5] = "i32x4.mul", "i32x4.min_s",
    "i32x4.min_u", "i32x4.max_s", "i32x4.max_u", "i32x4.dot_i16x8_s", [0xbc] =
    "i32x4.extmul_low_i16x8_s", "i32x4.extmul_high_i16x8_s", "i32x4.extmul_low_i16x8_u",
    "i32x4.extmul_high_i16x8_u", "i64x2.abs", "i64x2.neg", [0xc3] = "i64x2.all_true",
    "i64x2.bitmask", [0xc7] = "i64x2.extend_low_i32x4_s", "i64x2.extend_high_i32x4_s",
    "i64x2.extend_low_i32x4_u", "i64x2.extend_high_i32x4_u", "i64x2.shl", "i64x2.shr_s",
    "i64x2.shr_u", "i64x2.add", [0xd1] = "i64x2.sub", [0xd5] = "i64x2.mul", "i64x2.eq",
    "i64x2.ne", "i64x2.lt_s", "i64x2.gt_s", "i64x2.le_s", "i64x2.ge_s",
    "i64x2.extmul_low_i32x4_s", "i64x2.extmul_high_i32x4_s", "i64x2.extmul_low_i32x4_u",
    "i64x2.extmul_high_i32x4_u", "f32x4.abs", "f32x4.neg", [0xe3] = "f32x4.sqrt", "f32x4.add",
    "f32x4.sub", "f32x4.mul", "f32x4.div", "f32x4.min", "f32x4.max", "f32x4.pmin", "f32x4.pmax",
    "f64x2.abs", "f64x2.neg", [0xef] = "f64x2.sqrt", "f64x2.add", "f64x2.sub", "f64x2.mul",
    "f64x2.div", "f64x2.min", "f64x2.max", "f64x2.pmin", "f64x2.pmax",
    "i32x4.trunc_sat_f32x4_s", "i32x4.trunc_sat_f32x4_u", "f32x4.convert_i32x4_s",
    "f32x4.convert_i32x4_u", "i32x4.trunc_sat_f64x2_s_zero", "i32x4.trunc_sat_f64x2_u_zero",
    "f64x2.convert_low_i32x4_s", "f64x2.convert_low_i32x4_u", "i8x16.relaxed_swizzle",
    "i32x4.relaxed_trunc_f32x4_s", "i32x4.relaxed_trunc_f32x4_u",
    "i32x4.relaxed_trunc_f64x2_s_zero", "i32x4.relaxed_trunc_f64x2_u_zero",
    "f32x4.relaxed_madd", "f32x4.relaxed_nmadd", "f64x2.relaxed_madd", "f64x2.relaxed_nmadd",
    "i8x16.relaxed_laneselect", "i16x8.relaxed_laneselect", "i32x4.relaxed_laneselect",
    "i64x2.relaxed_laneselect", "f32x4.relaxed_min", "f32x4.relaxed_max", "f64x2.relaxed_min",
    "f64x2.relaxed_max", "i16x8.relaxed_q15mulr_s", "i16x8.relaxed_dot_i8x16_i7x16_s",
    "i32x4.relaxed_dot_i8x16_i7x16_add_s",
};

static const char *const atomic_names[] = {
    "memory.atomic.notify", "memory.atomic.wait32", "memory.atomic.wait64", "atomic.fence",
    [0x10] = "i32.atomic.load", "i64.atomic.load", "i32.atomic.load8_u", "i32.atomic.load16_u",
    "i64.atomic.load8_u", "i64.atomic.load16_u", "i64.atomic.load32_u", "i32.atomic.store",
    "i64.atomic.store", "i32.atomic.store8", "i32.atomic.store16", "i64.atomic.store8",
    "i64.atomic.store16", "i64.atomic.store32", "i32.atomic.rmw.add", "i64.atomic.rmw.add",
    "i32.atomic.rmw8.add_u", "i32.atomic.rmw16.add_u", "i64.atomic.rmw8.add_u",
    "i64.atomic.rmw16.add_u", "i64.atomic.rmw32.add_u", "i32.atomic.rmw.sub",
    "i64.atomic.rmw.sub", "i32.atomic.rmw8.sub_u", "i32.atomic.rmw16.sub_u",
    "i64.atomic.rmw8.sub_u", "i64.atomic.rmw16.sub_u", "i64.atomic.rmw32.sub_u",
    "i32.atomic.rmw.and", "i64.atomic.rmw.and", "i32.atomic.rmw8.and_u",
    "i32.atomic.rmw16.and_u", "i64.atomic.rmw8.and_u", "i64.atomic.rmw16.and_u",
    "i64.atomic.rmw32.and_u", "i32.atomic.rmw.or", "i64.atomic.rmw.or", "i32.atomic.rmw8.or_u",
    "i32.atomic.rmw16.or_u", "i64.atomic.rmw8.or_u", "i64.atomic.rmw16.or_u",
    "i64.atomic.rmw32.or_u", "i32.atomic.rmw.xor", "i64.atomic.rmw.xor",
    "i32.atomic.rmw8.xor_u", "i32.atomic.rmw16.xor_u", "i64.atomic.rmw8.xor_u",
    "i64.atomic.rmw16.xor_u", "i64.atomic.rmw32.xor_u", "i32.atomic.rmw.xchg",
    "i64.atomic.rmw.xchg", "i32.atomic.rmw8.xchg_u", "i32.atomic.rmw16.xchg_u",
    "i64.atomic.rmw8.xchg_u", "i64.atomic.rmw16.xchg_u", "i64.atomic.rmw32.xchg_u",
    "i32.atomic.rmw.cmpxchg", "i64.atomic.rmw.cmpxchg", "i32.atomic.rmw8.cmpxchg_u",
    "i32.atomic.rmw16.cmpxchg_u", "i64.atomic.rmw8.cmpxchg_u", "i64.atomic.rmw16.cmpxchg_u",
    "i64.atomic.rmw32.cmpxchg_u",
};
/* clang-format on */

/* ---- operands ------------------------------------------------------------------------------------------- */

static const uint8_t plain_operands[] = {
    [0x02 ... 0x04] = TN_OPERANDS_BLOCK,
    [0x05] = TN_OPERANDS_ELSE,
    [0x06] = TN_OPERANDS_BLOCK,
    [0x07] = TN_OPERANDS_CATCH,
    [0x08] = TN_OPERANDS_TAG,
    [0x09] = TN_OPERANDS_LABEL,
    [0x0b] = TN_OPERANDS_END,
    [0x0c ... 0x0d] = TN_OPERANDS_LABEL,
    [0x0e] = TN_OPERANDS_LABELS,
    [0x10] = TN_OPERANDS_FUNCTION,
    [0x11] = TN_OPERANDS_CALL_INDIRECT,
    [0x12] = TN_OPERANDS_FUNCTION,
    [0x13] = TN_OPERANDS_CALL_INDIRECT,
    [0x14 ... 0x15] = TN_OPERANDS_TYPE,
    [0x18] = TN_OPERANDS_DELEGATE,
    [0x19] = TN_OPERANDS_CATCH_ALL,
    [0x1c] = TN_OPERANDS_VALUE_TYPES,
    [0x1f] = TN_OPERANDS_TRY_TABLE,
    [0x20 ... 0x22] = TN_OPERANDS_LOCAL,
    [0x23 ... 0x24] = TN_OPERANDS_GLOBAL,
    [0x25 ... 0x26] = TN_OPERANDS_TABLE,
    [0x28 ... 0x3e] = TN_OPERANDS_ADDRESS,
    [0x3f ... 0x40] = TN_OPERANDS_MEMORY,
    [0x41] = TN_OPERANDS_I32,
    [0x42] = TN_OPERANDS_I64,
    [0x43] = TN_OPERANDS_F32,
    [0x44] = TN_OPERANDS_F64,
    [0xd0] = TN_OPERANDS_HEAP_TYPE,
    [0xd2] = TN_OPERANDS_FUNCTION,
    [0xd5 ... 0xd6] = TN_OPERANDS_LABEL,
    [0xe0] = TN_OPERANDS_TYPE,
    [0xe1] = TN_OPERANDS_TYPE_TYPE,
    [0xe2] = TN_OPERANDS_TAG,
    [0xe3] = TN_OPERANDS_RESUME,
    [0xe4] = TN_OPERANDS_RESUME_THROW,
    [0xe5] = TN_OPERANDS_RESUME,
    [0xe6] = TN_OPERANDS_TYPE_TAG,
};

static const uint8_t object_operands[] = {
    [0x00 ... 0x01] = TN_OPERANDS_TYPE,      [0x02 ... 0x05] = TN_OPERANDS_FIELD,
    [0x06 ... 0x07] = TN_OPERANDS_TYPE,      [0x08] = TN_OPERANDS_TYPE_COUNT,
    [0x09] = TN_OPERANDS_TYPE_DATA,          [0x0a] = TN_OPERANDS_TYPE_ELEMENTS,
    [0x0b ... 0x0e] = TN_OPERANDS_TYPE,      [0x10] = TN_OPERANDS_TYPE,
    [0x11] = TN_OPERANDS_TYPE_TYPE,          [0x12] = TN_OPERANDS_TYPE_DATA,
    [0x13] = TN_OPERANDS_TYPE_ELEMENTS,      [0x14] = TN_OPERANDS_REFERENCE,
    [0x15] = TN_OPERANDS_NULLABLE_REFERENCE, [0x16] = TN_OPERANDS_REFERENCE,
    [0x17] = TN_OPERANDS_NULLABLE_REFERENCE, [0x18 ... 0x19] = TN_OPERANDS_CAST,
};

static const uint8_t bulk_operands[] = {
    [0x08] = TN_OPERANDS_MEMORY_INIT, [0x09] = TN_OPERANDS_DATA,
    [0x0a] = TN_OPERANDS_MEMORIES,    [0x0b] = TN_OPERANDS_MEMORY,
    [0x0c] = TN_OPERANDS_TABLE_INIT,  [0x0d] = TN_OPERANDS_ELEMENTS,
    [0x0e] = TN_OPERANDS_TABLES,      [0x0f ... 0x11] = TN_OPERANDS_TABLE,
};

static const uint8_t vector_operands[] = {
    [0x00 ... 0x0b] = TN_OPERANDS_ADDRESS,
    [0x0c] = TN_OPERANDS_V128,
    [0x0d] = TN_OPERANDS_SHUFFLE,
    [0x15 ... 0x22] = TN_OPERANDS_LANE,
    [0x54 ... 0x5b] = TN_OPERANDS_ADDRESS_LANE,
    [0x5c ... 0x5d] = TN_OPERANDS_ADDRESS,
};

static const uint8_t atomic_operands[] = {
    [0x00 ... 0x02] = TN_OPERANDS_ADDRESS,
    [0x03] = TN_OPERANDS_FENCE,
    [0x10 ... 0x4e] = TN_OPERANDS_ADDRESS,
};

/* The logarithm of how many bytes are read or written, which is the alignment that need not be written: a digit
 * for each instruction from the first on. */
static const char plain_alignments[] = "23230011001122232301012"; /* from 0x28 */
static const char vector_alignments[] = "433333301234";           /* from 0xfd 0x00 */
static const char lane_alignments[] = "0123012323";               /* from 0xfd 0x54 */
static const char wait_alignments[] = "223";                      /* from 0xfe 0x00 */
static const char atomic_alignments[] = "2301012"; /* from 0xfe 0x10, over and over */

static uint32_t alignment_of(uint8_t prefix, uint32_t code) {
  enum { PLAIN = 0x28, LANE = 0x54, ATOMIC = 0x10 };
  char digit = plain_alignments[0];
  if (prefix == 0) digit = plain_alignments[code - PLAIN];
  if (prefix == TN_PREFIX_VECTOR && code < LANE) digit = vector_alignments[code];
  if (prefix == TN_PREFIX_VECTOR && code >= LANE) digit = lane_alignments[code - LANE];
  if (prefix == TN_PREFIX_ATOMIC && code < ATOMIC) digit = wait_alignments[code];
  if (prefix == TN_PREFIX_ATOMIC && code >= ATOMIC)
    digit = atomic_alignments[(code - ATOMIC) % (sizeof atomic_alignments - 1)];
  return (uint32_t)(digit - '0');
}

/* ---- looking up ----------------------------------------------------------------------------------------- */

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))
#define TABLE(prefix, which)                                                                       \
  { prefix, COUNT_OF(which##_names), COUNT_OF(which##_operands), which##_names, which##_operands }

/* `operand_count` may be less than `name_count`: those behind have no operands. */
static const struct {
  uint8_t prefix;
  uint32_t name_count;
  uint32_t operand_count;
  const char *const *names;
  const uint8_t *operands;
} tables[] = {
    TABLE(0, plain),
    TABLE(TN_PREFIX_OBJECT, object),
    TABLE(TN_PREFIX_BULK, bulk),
    TABLE(TN_PREFIX_VECTOR, vector),
    TABLE(TN_PREFIX_ATOMIC, atomic),
};

static tn_error *unknown(uint32_t offset, uint8_t prefix, uint32_t code) {
  if (prefix == 0) return tn_malformed(offset, "illegal opcode: 0x%x", code);
  return tn_malformed(offset, "unknown 0x%x subopcode: 0x%x", prefix, code);
}

tn_error *tn_core_instruction_read(tn_reader *in, tn_core_instruction *out) {
  uint8_t byte;
  size_t table = 0;
  *out = (tn_core_instruction){.offset = tn_reader_offset(in)};
  TN_TRY(tn_read_byte(in, &byte));
  out->code = byte;
  if (byte >= TN_PREFIX_OBJECT && byte <= TN_PREFIX_ATOMIC) {
    table = byte - TN_PREFIX_OBJECT + 1u;
    out->prefix = byte;
    TN_TRY(tn_read_u32(in, &out->code));
  }
  if (out->code < tables[table].name_count) out->name = tables[table].names[out->code];
  if (out->name == NULL) return unknown(out->offset, out->prefix, out->code);
  if (out->code < tables[table].operand_count)
    out->operands = (tn_core_operands)tables[table].operands[out->code];
  if (out->operands == TN_OPERANDS_ADDRESS || out->operands == TN_OPERANDS_ADDRESS_LANE)
    out->alignment = alignment_of(out->prefix, out->code);
  return NULL;
}
