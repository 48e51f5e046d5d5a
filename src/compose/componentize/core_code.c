#include "compose/componentize/core_code.h"

#include "component/binary/core_instruction.h"

/* How what follows an opcode is stepped over. */
typedef enum immediate {
  NOTHING,
  BLOCK_TYPE,
  INDEX,
  TWO_INDICES,
  FUNCTION_INDEX,
  LABELS,
  VALUE_TYPES,
  MEMORY_ARGUMENT,
  MEMORY_ARGUMENT_AND_LANE,
  NUMBER,
  ONE_BYTE,
  FOUR_BYTES,
  EIGHT_BYTES,
  SIXTEEN_BYTES,
  CAST,
  CATCHES,
  HANDLERS,
  INDEX_AND_HANDLERS,
} immediate;

static const uint8_t immediates[] = {
    [TN_OPERANDS_NONE] = NOTHING,
    [TN_OPERANDS_BLOCK] = BLOCK_TYPE,
    [TN_OPERANDS_ELSE] = NOTHING,
    [TN_OPERANDS_CATCH] = INDEX,
    [TN_OPERANDS_CATCH_ALL] = NOTHING,
    [TN_OPERANDS_DELEGATE] = INDEX,
    [TN_OPERANDS_END] = NOTHING,
    [TN_OPERANDS_TRY_TABLE] = CATCHES,
    [TN_OPERANDS_LABEL] = INDEX,
    [TN_OPERANDS_LABELS] = LABELS,
    [TN_OPERANDS_FUNCTION] = FUNCTION_INDEX,
    [TN_OPERANDS_CALL_INDIRECT] = TWO_INDICES,
    [TN_OPERANDS_VALUE_TYPES] = VALUE_TYPES,
    [TN_OPERANDS_LOCAL] = INDEX,
    [TN_OPERANDS_GLOBAL] = INDEX,
    [TN_OPERANDS_TABLE] = INDEX,
    [TN_OPERANDS_TABLES] = TWO_INDICES,
    [TN_OPERANDS_TABLE_INIT] = TWO_INDICES,
    [TN_OPERANDS_ELEMENTS] = INDEX,
    [TN_OPERANDS_MEMORY] = INDEX,
    [TN_OPERANDS_MEMORIES] = TWO_INDICES,
    [TN_OPERANDS_MEMORY_INIT] = TWO_INDICES,
    [TN_OPERANDS_DATA] = INDEX,
    [TN_OPERANDS_TAG] = INDEX,
    [TN_OPERANDS_ADDRESS] = MEMORY_ARGUMENT,
    [TN_OPERANDS_ADDRESS_LANE] = MEMORY_ARGUMENT_AND_LANE,
    [TN_OPERANDS_I32] = NUMBER,
    [TN_OPERANDS_I64] = NUMBER,
    [TN_OPERANDS_F32] = FOUR_BYTES,
    [TN_OPERANDS_F64] = EIGHT_BYTES,
    [TN_OPERANDS_V128] = SIXTEEN_BYTES,
    [TN_OPERANDS_SHUFFLE] = SIXTEEN_BYTES,
    [TN_OPERANDS_LANE] = ONE_BYTE,
    [TN_OPERANDS_FENCE] = ONE_BYTE,
    [TN_OPERANDS_HEAP_TYPE] = NUMBER,
    [TN_OPERANDS_REFERENCE] = NUMBER,
    [TN_OPERANDS_NULLABLE_REFERENCE] = NUMBER,
    [TN_OPERANDS_CAST] = CAST,
    [TN_OPERANDS_TYPE] = INDEX,
    [TN_OPERANDS_TYPE_TYPE] = TWO_INDICES,
    [TN_OPERANDS_TYPE_TAG] = TWO_INDICES,
    [TN_OPERANDS_TYPE_COUNT] = TWO_INDICES,
    [TN_OPERANDS_TYPE_DATA] = TWO_INDICES,
    [TN_OPERANDS_TYPE_ELEMENTS] = TWO_INDICES,
    [TN_OPERANDS_FIELD] = TWO_INDICES,
    [TN_OPERANDS_RESUME] = HANDLERS,
    [TN_OPERANDS_RESUME_THROW] = INDEX_AND_HANDLERS,
};

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

/* Flags, a label, two heap types. */
static tn_error *skip_cast(tn_reader *in) {
  int64_t ignored;
  TN_TRY(skip_bytes(in, 1));
  TN_TRY(skip_indices(in, 1));
  TN_TRY(tn_read_s33(in, &ignored));
  return tn_read_s33(in, &ignored);
}

/* resume: `before` indices, and vectors of tags and labels. */
static tn_error *skip_handlers(tn_reader *in, uint32_t before) {
  uint32_t count;
  TN_TRY(skip_indices(in, before));
  TN_TRY(tn_read_count(in, TN_MAX_ITEMS, "handlers", &count));
  for (uint32_t i = 0; i < count; i++) {
    uint8_t kind;
    TN_TRY(tn_read_byte(in, &kind));
    TN_TRY(skip_indices(in, kind == 0 ? 2 : 1));
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
  case NUMBER:
    return tn_read_s64(in, &number);
  case ONE_BYTE:
    return skip_bytes(in, 1);
  case FOUR_BYTES:
    return skip_bytes(in, 4);
  case EIGHT_BYTES:
    return skip_bytes(in, 8);
  case SIXTEEN_BYTES:
    return skip_bytes(in, 16);
  case CAST:
    return skip_cast(in);
  case CATCHES:
    return skip_catches(in);
  case HANDLERS:
    return skip_handlers(in, 1);
  case INDEX_AND_HANDLERS:
    return skip_handlers(in, 2);
  }
  return tn_error_new(TN_ERROR_INTERNAL, "an instruction of a kind that does not exist");
}

tn_error *tn_core_visit_code(tn_reader *in, tn_core_visit_func visit, void *data) {
  while (tn_reader_remaining(in) > 0) {
    tn_core_instruction instruction;
    TN_TRY(tn_core_instruction_read(in, &instruction));
    TN_TRY(visit_immediate(in, (immediate)immediates[instruction.operands], visit, data));
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
