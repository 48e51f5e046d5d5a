/* The code of core modules in the text format. */
#include "base/map.h"
#include "component/binary/core_instruction.h"
#include "component/binary/decode.h"
#include "compose/print/core.h"

typedef enum block_kind { BLOCK_ANY, BLOCK_IF, BLOCK_TRY, BLOCK_CATCH } block_kind;

/* A block that is open. `shadowed` is how deep the block around it lies that has the same name; 0: none has. */
typedef struct block {
  block_kind kind;
  const tn_identifier *name; /* or NULL */
  uint32_t shadowed;
} block;

/* Code being printed. Invariant: `innermost` has how deep the innermost open block of each name lies, from 1. */
typedef struct code_printer {
  tn_printer *p;
  tn_arena *arena;
  const tn_core_scope *scope;
  tn_reader *in;
  uint32_t function;
  bool is_expression;
  uint32_t count; /* of instructions */
  uint32_t label; /* the number of the next block, as it comes */
  TN_VEC(block) blocks;
  tn_map innermost;
} code_printer;

static void text(code_printer *c, const char *text) {
  tn_print_text(c->p, text);
}

/* ---- names ---------------------------------------------------------------------------------------------- */

static void print_index(code_printer *c, tn_core_space space, uint32_t index) {
  text(c, " ");
  tn_print_index(c->p, &c->scope->names[space], index);
}

static tn_error *index_operand(code_printer *c, tn_core_space space) {
  uint32_t index;
  TN_TRY(tn_read_u32(c->in, &index));
  print_index(c, space, index);
  return NULL;
}

/* One that is left out where it is 0. */
static tn_error *optional_index_operand(code_printer *c, tn_core_space space) {
  uint32_t index;
  TN_TRY(tn_read_u32(c->in, &index));
  if (index != 0) print_index(c, space, index);
  return NULL;
}

/* What is named within a function or a type. */
static void print_inner_index(code_printer *c, tn_core_space space, uint32_t outer,
                              uint32_t index) {
  const tn_identifiers *names = &c->scope->names[space];
  const tn_identifier *name = tn_identifiers_find(names, tn_identifier_key(outer, index));
  if (name == NULL) {
    tn_print_space_number(c->p, index);
    return;
  }
  text(c, " ");
  tn_print_identifier(c->p, names->what, name);
}

static uint32_t innermost_of(const code_printer *c, tn_str name) {
  return (uint32_t)(uintptr_t)tn_map_get(&c->innermost, name);
}

static tn_error *set_innermost(code_printer *c, tn_str name, uint32_t depth) {
  void *value = (void *)(uintptr_t)depth;
  return tn_map_put(c->arena, &c->innermost, name, value) ? NULL : tn_error_no_memory();
}

/* A label, by the name of its block unless another within has the same. */
static void print_label(code_printer *c, uint32_t label) {
  uint32_t depth = c->blocks.len - label;
  if (label > c->blocks.len) {
    tn_print_space_number(c->p, label);
    text(c, " (; INVALID ;)");
    return;
  }
  const tn_identifier *name = depth > 0 ? c->blocks.items[depth - 1].name : NULL;
  if (name != NULL && innermost_of(c, name->name) == depth) {
    text(c, " ");
    tn_print_identifier(c->p, c->scope->names[TN_SPACE_LABEL].what, name);
    return;
  }
  tn_print_space_number(c->p, label);
  if (name == NULL && depth > 0) tn_buffer_format(&c->p->out, " (;@%u;)", depth);
}

static tn_error *label_operand(code_printer *c) {
  uint32_t label;
  TN_TRY(tn_read_u32(c->in, &label));
  print_label(c, label);
  return NULL;
}

static tn_error *labels_operand(code_printer *c) {
  uint32_t count;
  TN_TRY(tn_read_count(c->in, TN_MAX_ITEMS, "br_table targets", &count));
  for (uint32_t i = 0; i <= count; i++)
    TN_TRY(label_operand(c));
  return NULL;
}

/* ---- blocks --------------------------------------------------------------------------------------------- */

static tn_error *block_type(code_printer *c) {
  enum { EMPTY = 0x40, FIRST_TYPE = 0x40, LAST_TYPE = 0x7f };
  tn_core_valtype type;
  int64_t index;
  uint8_t byte;
  uint32_t offset = tn_reader_offset(c->in);
  TN_TRY(tn_peek_byte(c->in, &byte));
  if (byte == EMPTY) {
    c->in->next++;
  } else if (byte > FIRST_TYPE && byte <= LAST_TYPE) { /* a negative number of one byte */
    TN_TRY(tn_decode_core_valtype(c->in, &type));
    text(c, " (result ");
    tn_print_core_valtype(c->p, c->scope, type);
    text(c, ")");
  } else {
    TN_TRY(tn_read_s33(c->in, &index));
    if (index < 0) return tn_malformed(offset, "invalid block type");
    text(c, " ");
    tn_print_core_type_use(c->p, c->scope, (uint32_t)index, NULL);
  }
  return NULL;
}

static tn_error *catches(code_printer *c) {
  enum { WITH_TAG = 2 };
  static const char *const names[] = {" (catch", " (catch_ref", " (catch_all", " (catch_all_ref"};
  uint32_t count;
  TN_TRY(tn_read_count(c->in, TN_MAX_ITEMS, "catches", &count));
  for (uint32_t i = 0; i < count; i++) {
    uint8_t kind;
    TN_TRY(tn_read_byte(c->in, &kind));
    if (kind >= sizeof names / sizeof *names) return tn_bad_byte(c->in, kind, "catch");
    text(c, names[kind]);
    if (kind < WITH_TAG) TN_TRY(index_operand(c, TN_SPACE_TAG));
    TN_TRY(label_operand(c));
    text(c, ")");
  }
  return NULL;
}

static tn_error *handlers(code_printer *c) {
  enum { ON_LABEL, ON_SWITCH };
  uint32_t count;
  TN_TRY(tn_read_count(c->in, TN_MAX_ITEMS, "handlers", &count));
  for (uint32_t i = 0; i < count; i++) {
    uint8_t kind;
    TN_TRY(tn_read_byte(c->in, &kind));
    if (kind > ON_SWITCH) return tn_bad_byte(c->in, kind, "on clause");
    text(c, " (on");
    TN_TRY(index_operand(c, TN_SPACE_TAG));
    if (kind == ON_LABEL) TN_TRY(label_operand(c));
    text(c, kind == ON_LABEL ? ")" : " switch)");
  }
  return NULL;
}

static tn_error *push_block(code_printer *c, block_kind kind, const tn_identifier *name) {
  block *opened = TN_VEC_PUSH(c->arena, &c->blocks);
  if (opened == NULL) return tn_error_no_memory();
  *opened = (block){.kind = kind, .name = name};
  c->p->nesting++;
  c->label++;
  if (name == NULL) return NULL;
  opened->shadowed = innermost_of(c, name->name);
  return set_innermost(c, name->name, c->blocks.len);
}

static tn_error *pop_block(code_printer *c) {
  const block *closed = &c->blocks.items[--c->blocks.len];
  c->p->nesting--;
  return closed->name != NULL ? set_innermost(c, closed->name->name, closed->shadowed) : NULL;
}

/* The labels of catches are those outside the block. */
static tn_error *open_block(code_printer *c, const tn_core_instruction *instruction) {
  enum { IF = 0x04, TRY = 0x06 };
  const tn_identifiers *names = &c->scope->names[TN_SPACE_LABEL];
  const tn_identifier *name = tn_identifiers_find(names, tn_identifier_key(c->function, c->label));
  block_kind kind = instruction->code == IF    ? BLOCK_IF
                    : instruction->code == TRY ? BLOCK_TRY
                                               : BLOCK_ANY;
  if (name != NULL) {
    text(c, " ");
    tn_print_definition(c->p, names->what, name);
  }
  TN_TRY(block_type(c));
  if (instruction->operands == TN_OPERANDS_TRY_TABLE) TN_TRY(catches(c));
  TN_TRY(push_block(c, kind, name));
  if (name == NULL) tn_buffer_format(&c->p->out, " ;; label = @%u", c->blocks.len);
  return NULL;
}

/* Whether else, catch or delegate may stand here; they change what the block is. */
static tn_error *check_block(code_printer *c, const tn_core_instruction *instruction) {
  block *open = c->blocks.len > 0 ? &c->blocks.items[c->blocks.len - 1] : NULL;
  block_kind kind = open != NULL ? open->kind : BLOCK_ANY;
  bool is_allowed = kind == BLOCK_TRY;
  if (instruction->operands == TN_OPERANDS_ELSE) is_allowed = kind == BLOCK_IF;
  if (instruction->operands == TN_OPERANDS_CATCH || instruction->operands == TN_OPERANDS_CATCH_ALL)
    is_allowed = kind == BLOCK_TRY || kind == BLOCK_CATCH;
  if (!is_allowed) {
    return tn_malformed(instruction->offset, "%s found outside the block that it belongs to",
                        instruction->name);
  }
  open->kind = instruction->operands == TN_OPERANDS_CATCH ? BLOCK_CATCH : BLOCK_ANY;
  return NULL;
}

/* ---- memory, numbers and vectors ------------------------------------------------------------------------ */

static tn_error *address_operand(code_printer *c, uint32_t natural) {
  enum { HAS_MEMORY = 0x40 };
  uint32_t flags, at = tn_reader_offset(c->in);
  uint64_t offset;
  TN_TRY(tn_read_u32(c->in, &flags));
  if (flags >= 2 * HAS_MEMORY)
    return tn_malformed(at, "malformed memop alignment: alignment too large");
  if (flags & HAS_MEMORY) TN_TRY(optional_index_operand(c, TN_SPACE_MEMORY));
  uint32_t alignment = flags & (HAS_MEMORY - 1);
  TN_TRY(tn_read_u64(c->in, &offset));
  if (offset != 0) {
    text(c, " offset=");
    tn_print_number(c->p, offset);
  }
  if (alignment != natural) {
    text(c, " align=");
    tn_print_number(c->p, UINT64_C(1) << alignment);
  }
  return NULL;
}

static tn_error *signed_operand(code_printer *c, bool is_64) {
  int64_t number;
  int32_t small;
  if (is_64) {
    TN_TRY(tn_read_s64(c->in, &number));
  } else {
    TN_TRY(tn_read_s32(c->in, &small));
    number = small;
  }
  text(c, number < 0 ? " -" : " ");
  tn_print_number(c->p, number < 0 ? ~(uint64_t)number + 1 : (uint64_t)number);
  return NULL;
}

/* Numbers of `size` bytes, of which the first is the lowest. */
static uint64_t little_endian(const char *bytes, size_t size) {
  uint64_t value = 0;
  for (size_t i = size; i-- > 0;)
    value = value << 8 | (uint8_t)bytes[i];
  return value;
}

static tn_error *float_operand(code_printer *c, size_t size) {
  tn_str bytes;
  TN_TRY(tn_read_bytes(c->in, size, &bytes));
  text(c, " ");
  if (size == sizeof(uint32_t)) {
    tn_print_f32(c->p, (uint32_t)little_endian(bytes.data, size));
  } else {
    tn_print_f64(c->p, little_endian(bytes.data, size));
  }
  return NULL;
}

static tn_error *vector_operand(code_printer *c) {
  enum { SIZE = 16, PART = 4 };
  tn_str bytes;
  TN_TRY(tn_read_bytes(c->in, SIZE, &bytes));
  text(c, " i32x4");
  for (size_t i = 0; i < SIZE; i += PART)
    tn_buffer_format(&c->p->out, " 0x%08x", (uint32_t)little_endian(bytes.data + i, PART));
  return NULL;
}

static tn_error *lanes_operand(code_printer *c, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    uint8_t lane;
    TN_TRY(tn_read_byte(c->in, &lane));
    tn_print_space_number(c->p, lane);
  }
  return NULL;
}

static tn_error *fence_operand(code_printer *c) {
  uint8_t byte;
  TN_TRY(tn_read_byte(c->in, &byte));
  return byte == 0 ? NULL : tn_bad_byte(c->in, byte, "atomic.fence");
}

/* ---- pairs whose order or presence differs in the text -------------------------------------------------- */

/* A thing and where it is or goes to, which in the text comes first and is left out where it is 0. */
static tn_error *swapped_operands(code_printer *c, tn_core_space first, tn_core_space second) {
  uint32_t thing, place;
  TN_TRY(tn_read_u32(c->in, &thing));
  TN_TRY(tn_read_u32(c->in, &place));
  if (place != 0) print_index(c, second, place);
  print_index(c, first, thing);
  return NULL;
}

/* Two, both left out where both are 0. */
static tn_error *optional_pair(code_printer *c, tn_core_space space) {
  uint32_t to, from;
  TN_TRY(tn_read_u32(c->in, &to));
  TN_TRY(tn_read_u32(c->in, &from));
  if (to == 0 && from == 0) return NULL;
  print_index(c, space, to);
  print_index(c, space, from);
  return NULL;
}

static tn_error *pair(code_printer *c, tn_core_space first, tn_core_space second) {
  TN_TRY(index_operand(c, first));
  return index_operand(c, second);
}

static tn_error *call_indirect_operands(code_printer *c) {
  uint32_t type, table;
  TN_TRY(tn_read_u32(c->in, &type));
  TN_TRY(tn_read_u32(c->in, &table));
  if (table != 0) print_index(c, TN_SPACE_TABLE, table);
  text(c, " (type");
  print_index(c, TN_SPACE_TYPE, type);
  text(c, ")");
  return NULL;
}

/* ---- types ---------------------------------------------------------------------------------------------- */

static tn_error *value_types_operand(code_printer *c) {
  uint32_t count;
  tn_core_valtype type;
  TN_TRY(tn_read_count(c->in, TN_MAX_ITEMS, "select types", &count));
  text(c, " (result");
  for (uint32_t i = 0; i < count; i++) {
    TN_TRY(tn_decode_core_valtype(c->in, &type));
    text(c, " ");
    tn_print_core_valtype(c->p, c->scope, type);
  }
  text(c, ")");
  return NULL;
}

static tn_error *heap_type_operand(code_printer *c) {
  int32_t heap;
  TN_TRY(tn_decode_core_heaptype(c->in, &heap));
  text(c, " ");
  tn_print_core_heaptype(c->p, c->scope, heap);
  return NULL;
}

static tn_error *reference_operand(code_printer *c, bool is_nullable) {
  enum { REF_NULL = 0x63, REF = 0x64 };
  tn_core_valtype type = {.code = is_nullable ? REF_NULL : REF};
  TN_TRY(tn_decode_core_heaptype(c->in, &type.heap));
  text(c, " ");
  tn_print_core_valtype(c->p, c->scope, type);
  return NULL;
}

static tn_error *cast_operands(code_printer *c) {
  enum { FROM_NULLABLE = 1, TO_NULLABLE = 2 };
  uint8_t flags;
  TN_TRY(tn_read_byte(c->in, &flags));
  if (flags > (FROM_NULLABLE | TO_NULLABLE)) return tn_bad_byte(c->in, flags, "cast flags");
  TN_TRY(label_operand(c));
  TN_TRY(reference_operand(c, (flags & FROM_NULLABLE) != 0));
  return reference_operand(c, (flags & TO_NULLABLE) != 0);
}

static tn_error *field_operands(code_printer *c) {
  uint32_t type, field;
  TN_TRY(tn_read_u32(c->in, &type));
  TN_TRY(tn_read_u32(c->in, &field));
  print_index(c, TN_SPACE_TYPE, type);
  print_inner_index(c, TN_SPACE_FIELD, type, field);
  return NULL;
}

static tn_error *type_and_count(code_printer *c) {
  uint32_t count;
  TN_TRY(index_operand(c, TN_SPACE_TYPE));
  TN_TRY(tn_read_u32(c->in, &count));
  tn_print_space_number(c->p, count);
  return NULL;
}

static tn_error *local_operand(code_printer *c) {
  uint32_t local;
  TN_TRY(tn_read_u32(c->in, &local));
  print_inner_index(c, TN_SPACE_LOCAL, c->function, local);
  return NULL;
}

/* ---- instructions --------------------------------------------------------------------------------------- */

static tn_error *print_operands(code_printer *c, const tn_core_instruction *instruction) {
  switch (instruction->operands) {
  case TN_OPERANDS_BLOCK:
  case TN_OPERANDS_TRY_TABLE:
    return open_block(c, instruction);
  case TN_OPERANDS_NONE:
  case TN_OPERANDS_ELSE:
  case TN_OPERANDS_CATCH_ALL:
  case TN_OPERANDS_END:
    return NULL;
  case TN_OPERANDS_LABEL:
  case TN_OPERANDS_DELEGATE:
    return label_operand(c);
  case TN_OPERANDS_LABELS:
    return labels_operand(c);
  case TN_OPERANDS_FUNCTION:
    return index_operand(c, TN_SPACE_FUNCTION);
  case TN_OPERANDS_CALL_INDIRECT:
    return call_indirect_operands(c);
  case TN_OPERANDS_VALUE_TYPES:
    return value_types_operand(c);
  case TN_OPERANDS_LOCAL:
    return local_operand(c);
  case TN_OPERANDS_GLOBAL:
    return index_operand(c, TN_SPACE_GLOBAL);
  case TN_OPERANDS_TABLE:
    return index_operand(c, TN_SPACE_TABLE);
  case TN_OPERANDS_TABLES:
    return optional_pair(c, TN_SPACE_TABLE);
  case TN_OPERANDS_TABLE_INIT:
    return swapped_operands(c, TN_SPACE_ELEMENT, TN_SPACE_TABLE);
  case TN_OPERANDS_ELEMENTS:
    return index_operand(c, TN_SPACE_ELEMENT);
  case TN_OPERANDS_MEMORY:
    return optional_index_operand(c, TN_SPACE_MEMORY);
  case TN_OPERANDS_MEMORIES:
    return optional_pair(c, TN_SPACE_MEMORY);
  case TN_OPERANDS_MEMORY_INIT:
    return swapped_operands(c, TN_SPACE_DATA, TN_SPACE_MEMORY);
  case TN_OPERANDS_DATA:
    return index_operand(c, TN_SPACE_DATA);
  case TN_OPERANDS_TAG:
  case TN_OPERANDS_CATCH:
    return index_operand(c, TN_SPACE_TAG);
  case TN_OPERANDS_ADDRESS:
    return address_operand(c, instruction->alignment);
  case TN_OPERANDS_ADDRESS_LANE:
    TN_TRY(address_operand(c, instruction->alignment));
    return lanes_operand(c, 1);
  case TN_OPERANDS_I32:
    return signed_operand(c, false);
  case TN_OPERANDS_I64:
    return signed_operand(c, true);
  case TN_OPERANDS_F32:
    return float_operand(c, sizeof(float));
  case TN_OPERANDS_F64:
    return float_operand(c, sizeof(double));
  case TN_OPERANDS_V128:
    return vector_operand(c);
  case TN_OPERANDS_SHUFFLE:
    return lanes_operand(c, 16);
  case TN_OPERANDS_LANE:
    return lanes_operand(c, 1);
  case TN_OPERANDS_FENCE:
    return fence_operand(c);
  case TN_OPERANDS_HEAP_TYPE:
    return heap_type_operand(c);
  case TN_OPERANDS_REFERENCE:
    return reference_operand(c, false);
  case TN_OPERANDS_NULLABLE_REFERENCE:
    return reference_operand(c, true);
  case TN_OPERANDS_CAST:
    return cast_operands(c);
  case TN_OPERANDS_TYPE:
    return index_operand(c, TN_SPACE_TYPE);
  case TN_OPERANDS_TYPE_TYPE:
    return pair(c, TN_SPACE_TYPE, TN_SPACE_TYPE);
  case TN_OPERANDS_TYPE_TAG:
    return pair(c, TN_SPACE_TYPE, TN_SPACE_TAG);
  case TN_OPERANDS_TYPE_COUNT:
    return type_and_count(c);
  case TN_OPERANDS_TYPE_DATA:
    return pair(c, TN_SPACE_TYPE, TN_SPACE_DATA);
  case TN_OPERANDS_TYPE_ELEMENTS:
    return pair(c, TN_SPACE_TYPE, TN_SPACE_ELEMENT);
  case TN_OPERANDS_FIELD:
    return field_operands(c);
  case TN_OPERANDS_RESUME:
    TN_TRY(index_operand(c, TN_SPACE_TYPE));
    return handlers(c);
  case TN_OPERANDS_RESUME_THROW:
    TN_TRY(pair(c, TN_SPACE_TYPE, TN_SPACE_TAG));
    return handlers(c);
  }
  return tn_error_new(TN_ERROR_INTERNAL, "an instruction of a form that does not exist");
}

static void separate(code_printer *c, uint32_t offset) {
  if (!c->is_expression) {
    tn_print_newline(c->p, offset);
  } else if (c->count > 0) {
    text(c, " ");
  }
}

/* What closes or divides a block stands as far out as what opens it. */
static tn_error *print_instruction(code_printer *c, const tn_core_instruction *instruction) {
  bool divides = instruction->operands == TN_OPERANDS_ELSE ||
                 instruction->operands == TN_OPERANDS_CATCH ||
                 instruction->operands == TN_OPERANDS_CATCH_ALL;
  bool delegates = instruction->operands == TN_OPERANDS_DELEGATE;
  if (divides || delegates) TN_TRY(check_block(c, instruction));
  if (delegates || instruction->operands == TN_OPERANDS_END) TN_TRY(pop_block(c));
  if (divides) c->p->nesting--;
  separate(c, instruction->offset);
  if (divides) c->p->nesting++;
  text(c, instruction->name);
  c->count++;
  return print_operands(c, instruction);
}

tn_error *tn_print_core_code(tn_printer *p, tn_arena *scratch, const tn_core_scope *scope,
                             uint32_t function, tn_reader *in, uint32_t *end) {
  code_printer c = {.p = p, .arena = scratch, .scope = scope, .in = in, .function = function};
  for (;;) {
    tn_core_instruction instruction;
    TN_TRY(tn_core_instruction_read(in, &instruction));
    if (instruction.operands == TN_OPERANDS_END && c.blocks.len == 0) {
      *end = instruction.offset;
      if (tn_reader_remaining(in) == 0) return NULL;
      return tn_malformed(tn_reader_offset(in), "instructions remain behind the end of a function");
    }
    TN_TRY(print_instruction(&c, &instruction));
    TN_TRY(tn_printer_flush(p));
  }
}

/* *count: how many instructions it has. */
static tn_error *print_expression(tn_printer *p, const tn_core_scope *scope, tn_reader *in,
                                  uint32_t *count) {
  code_printer c = {.p = p, .scope = scope, .in = in, .is_expression = true};
  for (;;) {
    tn_core_instruction instruction;
    TN_TRY(tn_core_instruction_read(in, &instruction));
    if (instruction.operands == TN_OPERANDS_END) break;
    if (instruction.operands == TN_OPERANDS_BLOCK || instruction.operands == TN_OPERANDS_TRY_TABLE)
      return tn_invalid(instruction.offset, "constant expression required: non-constant operator");
    TN_TRY(print_instruction(&c, &instruction));
  }
  *count = c.count;
  return NULL;
}

tn_error *tn_print_core_expression(tn_printer *p, const tn_core_scope *scope, tn_reader *in) {
  uint32_t count;
  return print_expression(p, scope, in, &count);
}

tn_error *tn_print_core_expression_group(tn_printer *p, const tn_core_scope *scope, tn_reader *in,
                                         const char *what) {
  uint32_t count;
  tn_print_text(p, "(");
  size_t begin = p->out.len, length = strlen(what);
  TN_TRY(print_expression(p, scope, in, &count));
  if (count != 1 && tn_buffer_reserve(&p->out, length)) {
    memmove(p->out.data + begin + length, p->out.data + begin, p->out.len - begin);
    memcpy(p->out.data + begin, what, length);
    p->out.len += length;
  }
  tn_print_text(p, ")");
  return NULL;
}
