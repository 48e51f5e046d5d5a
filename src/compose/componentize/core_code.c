#include "compose/componentize/core_code.h"

/* What follows an opcode. */
typedef enum immediate {
  UNKNOWN,
  NOTHING,
  BLOCK_TYPE,
  INDEX,
  TWO_INDICES,
  FUNCTION_INDEX,
  LABELS,
  VALUE_TYPES,
  MEMORY_ARGUMENT,
  MEMORY_ARGUMENT_AND_LANE,
  NUMBER_32,
  NUMBER_64,
  FOUR_BYTES,
  EIGHT_BYTES,
  SIXTEEN_BYTES,
  LANE,
  HEAP_TYPE,
  CATCHES,
  PREFIX_FC,
  PREFIX_FD,
} immediate;

static const uint8_t immediates[256] = {
    [0x00] = NOTHING,
    [0x01] = NOTHING,
    [0x02 ... 0x04] = BLOCK_TYPE,
    [0x05] = NOTHING,
    [0x08] = INDEX,
    [0x0a] = NOTHING,
    [0x0b] = NOTHING,
    [0x0c ... 0x0d] = INDEX,
    [0x0e] = LABELS,
    [0x0f] = NOTHING,
    [0x10] = FUNCTION_INDEX,
    [0x11] = TWO_INDICES,
    [0x12] = FUNCTION_INDEX,
    [0x13] = TWO_INDICES,
    [0x14 ... 0x15] = INDEX,
    [0x1a ... 0x1b] = NOTHING,
    [0x1c] = VALUE_TYPES,
    [0x1f] = CATCHES,
    [0x20 ... 0x26] = INDEX,
    [0x28 ... 0x3e] = MEMORY_ARGUMENT,
    [0x3f ... 0x40] = INDEX,
    [0x41] = NUMBER_32,
    [0x42] = NUMBER_64,
    [0x43] = FOUR_BYTES,
    [0x44] = EIGHT_BYTES,
    [0x45 ... 0xc4] = NOTHING,
    [0xd0] = HEAP_TYPE,
    [0xd1] = NOTHING,
    [0xd2] = FUNCTION_INDEX,
    [0xd3 ... 0xd4] = NOTHING,
    [0xd5 ... 0xd6] = INDEX,
    [0xfc] = PREFIX_FC,
    [0xfd] = PREFIX_FD,
};

static immediate immediate_fc(uint32_t opcode) {
  static const uint8_t known[] = {
      [0 ... 7] = NOTHING, [8] = TWO_INDICES,  [9] = INDEX,           [10] = TWO_INDICES,
      [11] = INDEX,        [12] = TWO_INDICES, [13] = INDEX,          [14] = TWO_INDICES,
      [15 ... 17] = INDEX, [18] = UNKNOWN,     [19 ... 22] = NOTHING,
  };
  return opcode < sizeof known ? (immediate)known[opcode] : UNKNOWN;
}

static immediate immediate_fd(uint32_t opcode) {
  if (opcode <= 11 || opcode == 92 || opcode == 93) return MEMORY_ARGUMENT;
  if (opcode == 12 || opcode == 13) return SIXTEEN_BYTES;
  if (opcode >= 21 && opcode <= 34) return LANE;
  if (opcode >= 84 && opcode <= 91) return MEMORY_ARGUMENT_AND_LANE;
  return opcode <= 275 ? NOTHING : UNKNOWN;
}

static tn_error *skip_indices(tn_reader *in, uint32_t count) {
  uint32_t ignored;
  for (uint32_t i = 0; i < count; i++)
    TN_TRY(tn_read_u32(in, &ignored));
  return NULL;
}

static tn_error *skip_bytes(tn_reader *in, size_t size) {
  tn_str ignored;
  return tn_read_bytes(in, size, &ignored);
}

static tn_error *skip_memory_argument(tn_reader *in) {
  enum { HAS_MEMORY = 0x40 };
  uint32_t alignment;
  uint64_t offset;
  TN_TRY(tn_read_u32(in, &alignment));
  if (alignment & HAS_MEMORY) TN_TRY(skip_indices(in, 1));
  return tn_read_u64(in, &offset);
}

/* A type: a byte, or `ref` and `ref null` with a heap type. */
static tn_error *skip_value_type(tn_reader *in) {
  enum { REF_NULL = 0x63, REF = 0x64 };
  uint8_t byte;
  int64_t ignored;
  TN_TRY(tn_read_byte(in, &byte));
  return byte == REF || byte == REF_NULL ? tn_read_s33(in, &ignored) : NULL;
}

static tn_error *skip_block_type(tn_reader *in) {
  enum { REF_NULL = 0x63, REF = 0x64 };
  uint8_t byte;
  int64_t ignored;
  TN_TRY(tn_peek_byte(in, &byte));
  return byte == REF || byte == REF_NULL ? skip_value_type(in) : tn_read_s33(in, &ignored);
}

static tn_error *skip_value_types(tn_reader *in) {
  uint32_t count;
  TN_TRY(tn_read_count(in, TN_MAX_ITEMS, "types", &count));
  for (uint32_t i = 0; i < count; i++)
    TN_TRY(skip_value_type(in));
  return NULL;
}

static tn_error *skip_labels(tn_reader *in) {
  uint32_t count;
  TN_TRY(tn_read_count(in, TN_MAX_ITEMS, "labels", &count));
  return skip_indices(in, count + 1);
}

/* try_table: a block type, and vectors of tags and labels. */
static tn_error *skip_catches(tn_reader *in) {
  uint32_t count;
  TN_TRY(skip_block_type(in));
  TN_TRY(tn_read_count(in, TN_MAX_ITEMS, "catches", &count));
  for (uint32_t i = 0; i < count; i++) {
    uint8_t kind;
    TN_TRY(tn_read_byte(in, &kind));
    TN_TRY(skip_indices(in, kind < 2 ? 2 : 1));
  }
  return NULL;
}

static tn_error *visit_function(tn_reader *in, tn_core_visit_func visit, void *data) {
  uint32_t function;
  const uint8_t *begin = in->next;
  TN_TRY(tn_read_u32(in, &function));
  return visit(data, begin, in->next, function);
}

static tn_error *visit_immediate(tn_reader *in, immediate kind, tn_core_visit_func visit,
                                 void *data) {
  int64_t number;
  int32_t small;
  switch (kind) {
  case NOTHING:
    return NULL;
  case BLOCK_TYPE:
    return skip_block_type(in);
  case INDEX:
    return skip_indices(in, 1);
  case TWO_INDICES:
    return skip_indices(in, 2);
  case FUNCTION_INDEX:
    return visit_function(in, visit, data);
  case LABELS:
    return skip_labels(in);
  case VALUE_TYPES:
    return skip_value_types(in);
  case MEMORY_ARGUMENT:
    return skip_memory_argument(in);
  case MEMORY_ARGUMENT_AND_LANE:
    TN_TRY(skip_memory_argument(in));
    return skip_bytes(in, 1);
  case NUMBER_32:
    return tn_read_s32(in, &small);
  case NUMBER_64:
    return tn_read_s64(in, &number);
  case FOUR_BYTES:
    return skip_bytes(in, 4);
  case EIGHT_BYTES:
    return skip_bytes(in, 8);
  case SIXTEEN_BYTES:
    return skip_bytes(in, 16);
  case LANE:
    return skip_bytes(in, 1);
  case HEAP_TYPE:
    return tn_read_s33(in, &number);
  case CATCHES:
    return skip_catches(in);
  default:
    return tn_error_new(TN_ERROR_INTERNAL, "an instruction of a kind that does not exist");
  }
}

tn_error *tn_core_visit_code(tn_reader *in, tn_core_visit_func visit, void *data) {
  while (tn_reader_remaining(in) > 0) {
    uint32_t offset = tn_reader_offset(in), second = 0;
    uint8_t opcode;
    TN_TRY(tn_read_byte(in, &opcode));
    immediate kind = (immediate)immediates[opcode];
    if (kind == PREFIX_FC || kind == PREFIX_FD) {
      TN_TRY(tn_read_u32(in, &second));
      kind = kind == PREFIX_FC ? immediate_fc(second) : immediate_fd(second);
    }
    if (kind == UNKNOWN) {
      return tn_error_new(TN_ERROR_UNSUPPORTED, "instruction 0x%x %u at offset 0x%x is not known",
                          opcode, second, offset);
    }
    TN_TRY(visit_immediate(in, kind, visit, data));
  }
  return NULL;
}

tn_error *tn_core_skip_locals(tn_reader *in) {
  uint32_t runs;
  TN_TRY(tn_read_count(in, TN_MAX_ITEMS, "local variables", &runs));
  for (uint32_t i = 0; i < runs; i++) {
    TN_TRY(skip_indices(in, 1));
    TN_TRY(skip_value_type(in));
  }
  return NULL;
}
