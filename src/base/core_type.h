/* Core value and function types: plain data that the engine takes and the component rooms read from files. */
#ifndef TN_BASE_CORE_TYPE_H
#define TN_BASE_CORE_TYPE_H

#include <stdint.h>

/* A core value type. `code` is the number-, vector- or reference-type opcode (0x7f i32, 0x7e i64, 0x7d
 * f32, 0x7c f64, 0x7b v128); references always have code 0x64 (ref) or 0x63 (ref null), also when the
 * binary used a shorthand, with the heap type in `heap`: a type index if >= 0, else the negative opcode
 * (funcref is 0x63 with heap -0x10). */
typedef struct tn_core_valtype {
  uint8_t code;
  int32_t heap;
} tn_core_valtype;

/* "i32", "v128"; NULL for what is no number or vector type. */
const char *tn_core_number_name(uint8_t code);

typedef struct tn_core_func_type {
  uint32_t param_count;
  uint32_t result_count;
  const tn_core_valtype *params;
  const tn_core_valtype *results;
} tn_core_func_type;

typedef enum tn_core_extern_kind {
  TN_CORE_EXTERN_FUNC = 0,
  TN_CORE_EXTERN_TABLE = 1,
  TN_CORE_EXTERN_MEMORY = 2,
  TN_CORE_EXTERN_GLOBAL = 3,
  TN_CORE_EXTERN_TAG = 4,
} tn_core_extern_kind;

#endif
