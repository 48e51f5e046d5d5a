/* The instructions of core modules: what they are called, and what stands behind their opcodes. */
#ifndef TN_COMPONENT_CORE_INSTRUCTION_H
#define TN_COMPONENT_CORE_INSTRUCTION_H

#include "component/binary/reader.h"

enum {
  TN_PREFIX_OBJECT = 0xfb,
  TN_PREFIX_BULK = 0xfc,
  TN_PREFIX_VECTOR = 0xfd,
  TN_PREFIX_ATOMIC = 0xfe,
};

/* What follows an opcode, in the order of the binary format. */
typedef enum tn_core_operands {
  TN_OPERANDS_NONE,
  TN_OPERANDS_BLOCK, /* a block type; opens a block, as TRY_TABLE does */
  TN_OPERANDS_ELSE,
  TN_OPERANDS_CATCH, /* a tag */
  TN_OPERANDS_CATCH_ALL,
  TN_OPERANDS_DELEGATE, /* a label; closes a block, as END does */
  TN_OPERANDS_END,
  TN_OPERANDS_TRY_TABLE, /* a block type and a vector of catches */
  TN_OPERANDS_LABEL,
  TN_OPERANDS_LABELS, /* a vector of labels, and one more */
  TN_OPERANDS_FUNCTION,
  TN_OPERANDS_CALL_INDIRECT, /* a type and a table */
  TN_OPERANDS_VALUE_TYPES,   /* a vector */
  TN_OPERANDS_LOCAL,
  TN_OPERANDS_GLOBAL,
  TN_OPERANDS_TABLE,
  TN_OPERANDS_TABLES,     /* two */
  TN_OPERANDS_TABLE_INIT, /* an element segment and a table */
  TN_OPERANDS_ELEMENTS,   /* an element segment */
  TN_OPERANDS_MEMORY,
  TN_OPERANDS_MEMORIES,    /* two */
  TN_OPERANDS_MEMORY_INIT, /* a data segment and a memory */
  TN_OPERANDS_DATA,        /* a data segment */
  TN_OPERANDS_TAG,
  TN_OPERANDS_ADDRESS, /* `core:memarg` */
  TN_OPERANDS_ADDRESS_LANE,
  TN_OPERANDS_I32,
  TN_OPERANDS_I64,
  TN_OPERANDS_F32,
  TN_OPERANDS_F64,
  TN_OPERANDS_V128,
  TN_OPERANDS_SHUFFLE, /* sixteen lanes */
  TN_OPERANDS_LANE,
  TN_OPERANDS_FENCE, /* a byte that is 0 */
  TN_OPERANDS_HEAP_TYPE,
  TN_OPERANDS_REFERENCE, /* the heap type of one */
  TN_OPERANDS_NULLABLE_REFERENCE,
  TN_OPERANDS_CAST, /* flags, a label, two heap types */
  TN_OPERANDS_TYPE,
  TN_OPERANDS_TYPE_TYPE,
  TN_OPERANDS_TYPE_TAG,
  TN_OPERANDS_TYPE_COUNT,
  TN_OPERANDS_TYPE_DATA,
  TN_OPERANDS_TYPE_ELEMENTS,
  TN_OPERANDS_FIELD,        /* a type and a field of it */
  TN_OPERANDS_RESUME,       /* a type and a vector of handlers */
  TN_OPERANDS_RESUME_THROW, /* a type, a tag and a vector of handlers */
} tn_core_operands;

typedef struct tn_core_instruction {
  const char *name;
  tn_core_operands operands;
  uint32_t alignment; /* of an address: the logarithm of the natural one */
  uint32_t offset;    /* of the opcode */
  uint32_t code;      /* the opcode, or behind a prefix the number there */
  uint8_t prefix;     /* 0: none */
} tn_core_instruction;

/* Reads an opcode; the operands are left to the caller. TN_ERROR_MALFORMED, also for one that is not known. */
tn_error *tn_core_instruction_read(tn_reader *in, tn_core_instruction *out);

#endif
