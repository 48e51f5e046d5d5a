/* From a type and the shapes of two ends to a transfer program. */
#include <stdlib.h>

#include "base/map.h"
#include "canon/transfer.h"

enum { SLOT_SIZE = sizeof(tn_core_value) };

/* A position within the value that a block moves: a byte offset, in memory or in an array of slots. */
typedef struct place {
  uint32_t offset;
  bool in_slots;
} place;

typedef struct shape {
  bool is_host;
  uint8_t layout;       /* index into tn_type.layout: 1 for 64-bit pointers */
  uint8_t pointer_size; /* in memory */
  tn_string_encoding encoding;
} shape;

/* A block that is being made. Invariant: `ops` live in the scratch arena until the block is finished. */
typedef struct builder {
  tn_op *ops;
  uint32_t count;
  uint32_t capacity;
} builder;

typedef struct compiler {
  tn_arena *arena;  /* for what stays */
  tn_arena scratch; /* for the rest */
  tn_map blocks;    /* block_key -> tn_block */
  shape source;
  shape destination;
  const tn_canon_options *source_options;
  const tn_canon_options *destination_options;
  tn_program *program;
} compiler;

/* Types are shared graphs: making each block once keeps a program linear in the size of the types, though
 * their expansion may be exponential. */
typedef struct block_key {
  const tn_type *type;
  uintptr_t forms; /* bit 0: source in slots, bit 1: destination in slots */
} block_key;

/* Blocks of up to this many ops are copied into their users instead of being run as blocks. */
enum { INLINE_OPS = 4 };

static tn_error *compile_into(compiler *c, builder *b, const tn_type *type, place source,
                              place destination);

/* ---- building blocks ---------------------------------------------------------------------------- */

static tn_op *push(compiler *c, builder *b, tn_op_kind kind, place source, place destination) {
  if (b->count == b->capacity) {
    uint32_t wanted = b->capacity == 0 ? 8 : b->capacity * 2;
    if (wanted < b->capacity) return NULL;
    tn_op *grown = TN_ARENA_ARRAY(&c->scratch, tn_op, wanted);
    if (grown == NULL) return NULL;
    if (b->count > 0) memcpy(grown, b->ops, b->count * sizeof *grown);
    b->ops = grown;
    b->capacity = wanted;
  }
  tn_op *op = &b->ops[b->count++];
  *op = (tn_op){.kind = (uint8_t)kind, .source = source.offset, .destination = destination.offset};
  return op;
}

/* Adds a copy of memory, as part of the op before where both sides follow on. */
static tn_error *push_copy(compiler *c, builder *b, uint32_t size, uint32_t source,
                           uint32_t destination) {
  if (b->count > 0) {
    tn_op *last = &b->ops[b->count - 1];
    if (last->kind == TN_OP_COPY && last->source + last->size == source &&
        last->destination + last->size == destination) {
      last->size += size;
      return NULL;
    }
  }
  tn_op *op = push(c, b, TN_OP_COPY, (place){source, false}, (place){destination, false});
  if (op == NULL) return tn_error_no_memory();
  op->size = size;
  return NULL;
}

static tn_op_kind copy_of_size(uint32_t size) {
  switch (size) {
  case 1:
    return TN_OP_COPY1;
  case 2:
    return TN_OP_COPY2;
  case 4:
    return TN_OP_COPY4;
  case 8:
    return TN_OP_COPY8;
  case 16:
    return TN_OP_COPY16;
  default:
    return TN_OP_COPY;
  }
}

/* Moves the ops to where they stay. */
static tn_error *finish_ops(compiler *c, const builder *b, tn_block *out) {
  out->count = b->count;
  out->ops = NULL;
  if (b->count == 0) return NULL;
  tn_op *ops = TN_ARENA_ARRAY(c->arena, tn_op, b->count);
  if (ops == NULL) return tn_error_no_memory();
  memcpy(ops, b->ops, b->count * sizeof *ops);
  out->is_bulk = b->count == 1 && ops->kind == TN_OP_COPY && ops->size == out->source_stride &&
                 ops->size == out->destination_stride;
  for (uint32_t i = 0; i < b->count; i++) {
    if (ops[i].kind == TN_OP_COPY) ops[i].kind = (uint8_t)copy_of_size(ops[i].size);
  }
  out->ops = ops;
  return NULL;
}

/* The block for `type` at these forms, made at the first request. */
static tn_error *block_for(compiler *c, const tn_type *type, bool source_in_slots,
                           bool destination_in_slots, const tn_block **out) {
  block_key probe = {type, (uintptr_t)source_in_slots | (uintptr_t)destination_in_slots << 1};
  const tn_block *known = tn_map_get(&c->blocks, (tn_str){(const char *)&probe, sizeof probe});
  if (known != NULL) {
    *out = known;
    return NULL;
  }
  tn_block *block = TN_ARENA_NEW(c->arena, tn_block);
  block_key *key = TN_ARENA_NEW(&c->scratch, block_key);
  if (block == NULL || key == NULL) return tn_error_no_memory();
  *key = probe;
  tn_layout source = type->layout[c->source.layout];
  tn_layout destination = type->layout[c->destination.layout];
  *block = (tn_block){.source_stride = source.size,
                      .source_alignment = source.alignment,
                      .destination_stride = destination.size,
                      .destination_alignment = destination.alignment};
  builder b = {0};
  TN_TRY(compile_into(c, &b, type, (place){0, source_in_slots}, (place){0, destination_in_slots}));
  TN_TRY(finish_ops(c, &b, block));
  if (!tn_map_put(&c->scratch, &c->blocks, (tn_str){(const char *)key, sizeof *key}, block)) {
    return tn_error_no_memory();
  }
  *out = block;
  return NULL;
}

/* Whether the op can be had at another offset simply by adding to its own. */
static bool is_copy(uint8_t kind) {
  return kind <= TN_OP_COPY;
}

static uint32_t copy_size(const tn_op *op) {
  static const uint8_t sizes[] = {[TN_OP_COPY1] = 1,
                                  [TN_OP_COPY2] = 2,
                                  [TN_OP_COPY4] = 4,
                                  [TN_OP_COPY8] = 8,
                                  [TN_OP_COPY16] = 16};
  return op->kind == TN_OP_COPY ? op->size : sizes[op->kind];
}

/* Adds a part of a larger value: its ops themselves when they are few, else a reference to its block. */
static tn_error *push_part(compiler *c, builder *b, const tn_type *type, place source,
                           place destination) {
  const tn_block *block;
  TN_TRY(block_for(c, type, source.in_slots, destination.in_slots, &block));
  if (block->count > INLINE_OPS) {
    tn_op *op = push(c, b, TN_OP_BLOCK, source, destination);
    if (op == NULL) return tn_error_no_memory();
    op->block = block;
    return NULL;
  }
  for (uint32_t i = 0; i < block->count; i++) {
    const tn_op *part = &block->ops[i];
    uint32_t from = source.offset + part->source;
    uint32_t to = destination.offset + part->destination;
    if (is_copy(part->kind)) {
      TN_TRY(push_copy(c, b, copy_size(part), from, to));
      continue;
    }
    tn_op *op = push(c, b, part->kind, source, destination);
    if (op == NULL) return tn_error_no_memory();
    *op = *part;
    op->source = from;
    op->destination = to;
  }
  return NULL;
}

/* ---- leaves ------------------------------------------------------------------------------------- */

/* How many bytes are read and written for something of `size` bytes in memory: a slot is read at the
 * width of its i32 where every bit counts, and written whole. */
static void set_widths(tn_op *op, uint32_t size, place source, place destination) {
  op->read = source.in_slots ? 4 : (uint8_t)size;
  op->write = destination.in_slots ? 8 : (uint8_t)size;
}

static tn_error *compile_number(compiler *c, builder *b, tn_type_kind kind, place source,
                                place destination) {
  static const struct {
    uint8_t size;
    uint8_t slot;
  } numbers[] = {
      [TN_TYPE_S8] = {1, TN_OP_SLOT_S8},   [TN_TYPE_U8] = {1, TN_OP_SLOT_U8},
      [TN_TYPE_S16] = {2, TN_OP_SLOT_S16}, [TN_TYPE_U16] = {2, TN_OP_SLOT_U16},
      [TN_TYPE_S32] = {4, TN_OP_SLOT_U32}, [TN_TYPE_U32] = {4, TN_OP_SLOT_U32},
      [TN_TYPE_S64] = {8, TN_OP_SLOT_U64}, [TN_TYPE_U64] = {8, TN_OP_SLOT_U64},
      [TN_TYPE_F32] = {4, TN_OP_SLOT_U32}, [TN_TYPE_F64] = {8, TN_OP_SLOT_U64},
  };
  if (!destination.in_slots)
    return push_copy(c, b, numbers[kind].size, source.offset, destination.offset);
  if (push(c, b, numbers[kind].slot, source, destination) == NULL) return tn_error_no_memory();
  return NULL;
}

/* Bool, char and enum; flags without a full set of bits. */
static tn_error *compile_checked(compiler *c, builder *b, tn_op_kind kind, uint32_t memory_size,
                                 uint32_t argument, place source, place destination) {
  tn_op *op = push(c, b, kind, source, destination);
  if (op == NULL) return tn_error_no_memory();
  set_widths(op, memory_size, source, destination);
  op->size = argument;
  return NULL;
}

static tn_error *compile_flags(compiler *c, builder *b, const tn_type *type, place source,
                               place destination) {
  uint32_t mask = type->count >= 32 ? UINT32_MAX : ((uint32_t)1 << type->count) - 1;
  bool is_full = type->count == 8u * type->discriminant_size;
  if (is_full && !destination.in_slots) {
    return push_copy(c, b, type->discriminant_size, source.offset, destination.offset);
  }
  return compile_checked(c, b, TN_OP_FLAGS, type->discriminant_size, mask, source, destination);
}

/* Sets where the two halves of a string or list are. */
static void set_pair(const compiler *c, tn_op *op, place source, place destination) {
  op->read = c->source.pointer_size;
  op->read_step = source.in_slots ? SLOT_SIZE : c->source.pointer_size;
  op->write = destination.in_slots ? 8 : c->destination.pointer_size;
  op->write_step = destination.in_slots ? SLOT_SIZE : c->destination.pointer_size;
  c->program->reads_memory |= !c->source.is_host;
  c->program->writes_memory |= !c->destination.is_host;
}

static tn_error *check_realloc(const compiler *c) {
  if (c->destination.is_host || c->destination_options->realloc >= 0) return NULL;
  return tn_error_new(TN_ERROR_INVALID, "canonical option `realloc` is required");
}

static tn_error *compile_string(compiler *c, builder *b, place source, place destination) {
  TN_TRY(check_realloc(c));
  bool same = c->source.encoding == TN_ENCODING_UTF8 && c->destination.encoding == TN_ENCODING_UTF8;
  tn_op_kind kind = !same                    ? TN_OP_STRING
                    : c->destination.is_host ? TN_OP_STRING_VIEW
                                             : TN_OP_STRING_COPY;
  tn_op *op = push(c, b, kind, source, destination);
  if (op == NULL) return tn_error_no_memory();
  set_pair(c, op, source, destination);
  return NULL;
}

static tn_error *compile_handle(compiler *c, builder *b, const tn_type *type, place source,
                                place destination) {
  bool is_own = type->kind == TN_TYPE_OWN;
  tn_op *op = push(c, b, is_own ? TN_OP_OWN : TN_OP_BORROW, source, destination);
  if (op == NULL) return tn_error_no_memory();
  set_widths(op, 4, source, destination);
  op->resource = type->resource;
  if (c->source.is_host && type->resource->is_host) op->raw |= TN_HANDLE_LIFT_RAW;
  if (c->destination.is_host && type->resource->is_host) op->raw |= TN_HANDLE_LOWER_RAW;
  if (is_own) return NULL;
  c->program->lifts_borrow = true;
  /* CanonicalABI.md, lower_borrow: the instance that implements the resource gets the representation. */
  if (!c->destination.is_host && !type->resource->is_host &&
      c->destination_options->instance == type->resource->instance) {
    op->raw |= TN_HANDLE_LOWER_RAW;
  }
  return NULL;
}

/* ---- compound types ----------------------------------------------------------------------------- */

static tn_error *compile_fields(compiler *c, builder *b, const tn_type *type, place source,
                                place destination) {
  uint32_t slot = 0;
  for (uint32_t i = 0; i < type->count; i++) {
    place from = source, to = destination;
    from.offset += source.in_slots ? slot * SLOT_SIZE : type->field_offset[c->source.layout][i];
    to.offset +=
        destination.in_slots ? slot * SLOT_SIZE : type->field_offset[c->destination.layout][i];
    slot += type->types[i]->flat_count;
    TN_TRY(push_part(c, b, type->types[i], from, to));
  }
  return NULL;
}

/* The element block of a map: one tuple of key and value. */
static tn_error *map_entry(compiler *c, const tn_type *type, const tn_type **out) {
  tn_type *entry = TN_ARENA_NEW(&c->scratch, tn_type);
  if (entry == NULL) return tn_error_no_memory();
  *entry = (tn_type){.kind = TN_TYPE_TUPLE, .count = 2, .types = type->types};
  TN_TRY(tn_type_finish(&c->scratch, entry));
  *out = entry;
  return NULL;
}

static tn_error *compile_list(compiler *c, builder *b, const tn_type *element, place source,
                              place destination) {
  TN_TRY(check_realloc(c));
  const tn_block *block;
  TN_TRY(block_for(c, element, false, false, &block));
  tn_op *op = push(c, b, block->is_bulk ? TN_OP_LIST_BULK : TN_OP_LIST, source, destination);
  if (op == NULL) return tn_error_no_memory();
  op->block = block;
  set_pair(c, op, source, destination);
  return NULL;
}

static tn_error *compile_fixed_list(compiler *c, builder *b, const tn_type *type, place source,
                                    place destination) {
  const tn_type *element = type->types[0];
  const tn_block *block;
  TN_TRY(block_for(c, element, source.in_slots, destination.in_slots, &block));
  if (!source.in_slots && !destination.in_slots) {
    if (block->is_bulk) {
      return push_copy(c, b, type->length * block->source_stride, source.offset,
                       destination.offset);
    }
    tn_op *op = push(c, b, TN_OP_REPEAT, source, destination);
    if (op == NULL) return tn_error_no_memory();
    op->block = block;
    op->size = type->length;
    return NULL;
  }
  /* One side in slots: there are at most 16 elements. */
  uint32_t source_step = source.in_slots ? element->flat_count * SLOT_SIZE : block->source_stride;
  uint32_t destination_step =
      destination.in_slots ? element->flat_count * SLOT_SIZE : block->destination_stride;
  for (uint32_t i = 0; i < type->length; i++) {
    place from = {source.offset + i * source_step, source.in_slots};
    place to = {destination.offset + i * destination_step, destination.in_slots};
    TN_TRY(push_part(c, b, element, from, to));
  }
  return NULL;
}

/* Payload `index` of a variant-like type, NULL for none. */
static const tn_type *payload_of(const tn_type *type, uint32_t index) {
  if (type->kind == TN_TYPE_OPTION) return index == 0 ? NULL : type->types[0];
  return type->types[index];
}

/* One case of a variant: the payload, then zeros in slots that only other cases use. Offsets are relative
 * to the variant's own. */
static tn_error *compile_case(compiler *c, const tn_type *type, const tn_type *payload,
                              bool source_in_slots, bool destination_in_slots,
                              const tn_block **out) {
  builder b = {0};
  uint32_t used = 1;
  *out = NULL;
  if (payload != NULL) {
    place from = {source_in_slots ? SLOT_SIZE : type->payload_offset[c->source.layout],
                  source_in_slots};
    place to = {destination_in_slots ? SLOT_SIZE : type->payload_offset[c->destination.layout],
                destination_in_slots};
    TN_TRY(push_part(c, &b, payload, from, to));
    used += payload->flat_count;
  }
  if (destination_in_slots && used < type->flat_count) {
    place to = {used * SLOT_SIZE, true};
    tn_op *op = push(c, &b, TN_OP_ZERO, (place){0, false}, to);
    if (op == NULL) return tn_error_no_memory();
    op->size = (type->flat_count - used) * SLOT_SIZE;
  }
  if (b.count == 0) return NULL;
  tn_block *block = TN_ARENA_NEW(c->arena, tn_block);
  if (block == NULL) return tn_error_no_memory();
  TN_TRY(finish_ops(c, &b, block));
  *out = block;
  return NULL;
}

static tn_error *compile_variant(compiler *c, builder *b, const tn_type *type, place source,
                                 place destination) {
  uint32_t count = type->kind == TN_TYPE_VARIANT ? type->count : 2;
  const tn_block **cases = TN_ARENA_ARRAY(c->arena, const tn_block *, count);
  if (cases == NULL) return tn_error_no_memory();
  bool any = false;
  for (uint32_t i = 0; i < count; i++) {
    TN_TRY(compile_case(c, type, payload_of(type, i), source.in_slots, destination.in_slots,
                        &cases[i]));
    any |= cases[i] != NULL;
  }
  TN_TRY(compile_checked(c, b, any ? TN_OP_VARIANT : TN_OP_ENUM, type->discriminant_size, count,
                         source, destination));
  b->ops[b->count - 1].cases = cases;
  return NULL;
}

static tn_error *compile_into(compiler *c, builder *b, const tn_type *type, place source,
                              place destination) {
  switch (type->kind) {
  case TN_TYPE_BOOL:
    return compile_checked(c, b, TN_OP_BOOL, 1, 0, source, destination);
  case TN_TYPE_S8:
  case TN_TYPE_U8:
  case TN_TYPE_S16:
  case TN_TYPE_U16:
  case TN_TYPE_S32:
  case TN_TYPE_U32:
  case TN_TYPE_S64:
  case TN_TYPE_U64:
  case TN_TYPE_F32:
  case TN_TYPE_F64:
    return compile_number(c, b, type->kind, source, destination);
  case TN_TYPE_CHAR:
    return compile_checked(c, b, TN_OP_CHAR, 4, 0, source, destination);
  case TN_TYPE_STRING:
    return compile_string(c, b, source, destination);
  case TN_TYPE_LIST:
    return compile_list(c, b, type->types[0], source, destination);
  case TN_TYPE_MAP: {
    const tn_type *entry = NULL;
    TN_TRY(map_entry(c, type, &entry));
    return compile_list(c, b, entry, source, destination);
  }
  case TN_TYPE_FIXED_LIST:
    return compile_fixed_list(c, b, type, source, destination);
  case TN_TYPE_RECORD:
  case TN_TYPE_TUPLE:
    return compile_fields(c, b, type, source, destination);
  case TN_TYPE_VARIANT:
  case TN_TYPE_OPTION:
  case TN_TYPE_RESULT:
    return compile_variant(c, b, type, source, destination);
  case TN_TYPE_ENUM:
    return compile_checked(c, b, TN_OP_ENUM, type->discriminant_size, type->count, source,
                           destination);
  case TN_TYPE_FLAGS:
    return compile_flags(c, b, type, source, destination);
  case TN_TYPE_OWN:
  case TN_TYPE_BORROW:
    return compile_handle(c, b, type, source, destination);
  case TN_TYPE_STREAM:
    return tn_error_new(TN_ERROR_UNSUPPORTED, "values of type `stream` are not supported yet");
  case TN_TYPE_FUTURE:
    return tn_error_new(TN_ERROR_UNSUPPORTED, "values of type `future` are not supported yet");
  case TN_TYPE_ERROR_CONTEXT:
    return tn_error_new(TN_ERROR_UNSUPPORTED,
                        "values of type `error-context` are not supported yet");
  }
  return tn_error_new(TN_ERROR_INTERNAL, "unknown kind of type %d", (int)type->kind);
}

/* ---- programs ----------------------------------------------------------------------------------- */

static shape shape_of(const tn_canon_options *options) {
  if (options == NULL)
    return (shape){.is_host = true, .layout = 1, .pointer_size = 8, .encoding = TN_ENCODING_UTF8};
  return (shape){.layout = options->is_64,
                 .pointer_size = options->is_64 ? 8 : 4,
                 .encoding = options->encoding};
}

static tn_error *compile_program(compiler *c, const tn_type *type, uint32_t max_source,
                                 uint32_t max_destination) {
  tn_program *program = c->program;
  bool is_source_spilled = type->flat_count > max_source;
  bool is_destination_spilled = type->flat_count > max_destination;
  program->source_in_memory = c->source.is_host || is_source_spilled;
  program->destination_in_memory = c->destination.is_host || is_destination_spilled;
  program->reads_memory = is_source_spilled && !c->source.is_host;
  program->writes_memory = is_destination_spilled && !c->destination.is_host;
  const tn_block *block;
  TN_TRY(block_for(c, type, !program->source_in_memory, !program->destination_in_memory, &block));
  program->block = *block;
  program->is_simple = !program->reads_memory && !program->writes_memory;
  for (uint32_t i = 0; i < block->count; i++)
    program->is_simple &= block->ops[i].kind <= TN_OP_LAST_LEAF;
  if (program->reads_memory && c->source_options->memory < 0) {
    return tn_error_new(TN_ERROR_INVALID, "canonical option `memory` is required");
  }
  if (program->writes_memory && c->destination_options->memory < 0) {
    return tn_error_new(TN_ERROR_INVALID, "canonical option `memory` is required");
  }
  return NULL;
}

tn_error *tn_program_compile(tn_arena *arena, const tn_type *type, uint32_t max_flat,
                             const tn_canon_options *source, const tn_canon_options *destination,
                             tn_program *out) {
  return tn_program_compile_between(arena, type, max_flat, source, max_flat, destination, out);
}

tn_error *tn_program_compile_between(tn_arena *arena, const tn_type *type, uint32_t max_source,
                                     const tn_canon_options *source, uint32_t max_destination,
                                     const tn_canon_options *destination, tn_program *out) {
  *out = (tn_program){.is_simple = true};
  if (type == NULL) return NULL;
  compiler c = {.arena = arena,
                .source = shape_of(source),
                .destination = shape_of(destination),
                .source_options = source,
                .destination_options = destination,
                .program = out};
  tn_error *error = compile_program(&c, type, max_source, max_destination);
  tn_arena_free(&c.scratch);
  return error;
}
