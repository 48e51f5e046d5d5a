#include "canon/adapter_move.h"

#include "canon/adapter_pieces.h"

/* ---- faults ------------------------------------------------------------------------------------- */

/* The block of the last fault is the outermost, so that each ends in front of its own handler. */
void tn_faults_open(tn_wasm_func *f) {
  for (int i = 0; i < TN_FAULT_COUNT; i++)
    tn_wasm_open(f, TN_WASM_BLOCK);
}

void tn_faults_close(tn_wasm_func *f) {
  for (uint32_t fault = 0; fault < TN_FAULT_COUNT; fault++) {
    tn_wasm_close(f);
    tn_wasm_i32(f, fault);
    tn_wasm_i32(f, 0);
    tn_wasm_emit_u32(f, TN_WASM_CALL, TN_ADAPTER_FAIL);
    tn_wasm_emit(f, TN_WASM_UNREACHABLE);
  }
}

void tn_fault_if(tn_wasm_func *f, tn_fault fault) {
  uint32_t outside = TN_FAULT_COUNT - 1 - fault; /* blocks that enclose the fault's */
  tn_wasm_emit_u32(f, TN_WASM_BR_IF, f->depth - 1 - outside);
}

/* ---- small pieces ------------------------------------------------------------------------------- */

void tn_check_end(tn_mover *m, uint32_t memory, uint32_t pointer, tn_fault fault) {
  tn_wasm_func *f = m->f;
  get(m, pointer);
  tn_wasm_emit(f, TN_WASM_I64_EXTEND_I32_U);
  tn_wasm_emit(f, TN_WASM_I64_ADD);
  tn_wasm_emit_u32(f, TN_WASM_MEMORY_SIZE, memory);
  tn_wasm_emit(f, TN_WASM_I64_EXTEND_I32_U);
  tn_wasm_i64(f, 16);
  tn_wasm_emit(f, TN_WASM_I64_SHL);
  tn_wasm_emit(f, TN_WASM_I64_GT_U);
  tn_fault_if(f, fault);
}

static void check_alignment(tn_mover *m, uint32_t pointer, uint32_t alignment, tn_fault fault) {
  if (alignment == 1) return;
  get(m, pointer);
  tn_wasm_i32(m->f, alignment - 1);
  tn_wasm_emit(m->f, TN_WASM_I32_AND);
  tn_fault_if(m->f, fault);
}

void tn_check_place(tn_mover *m, uint32_t memory, uint32_t local, tn_layout layout) {
  check_alignment(m, local, layout.alignment, TN_FAULT_UNALIGNED);
  tn_wasm_i64(m->f, layout.size);
  tn_check_end(m, memory, local, TN_FAULT_OUT_OF_BOUNDS);
}

/* CanonicalABI.md#lifting-and-lowering-context */
void tn_call_realloc(tn_mover *m, uint32_t alignment, uint32_t size, tn_fault fault, uint32_t out) {
  tn_wasm_func *f = m->f;
  tn_wasm_i32(f, 0);
  tn_wasm_i32(f, 0);
  tn_wasm_i32(f, alignment);
  get(m, size);
  tn_wasm_emit_u32(f, TN_WASM_CALL, m->realloc);
  set(m, out);
  check_alignment(m, out, alignment, TN_FAULT_REALLOC_UNALIGNED);
  get(m, size);
  tn_wasm_emit(f, TN_WASM_I64_EXTEND_I32_U);
  tn_check_end(m, m->to_memory, out, fault);
}

/* ---- plain bytes -------------------------------------------------------------------------------- */

/* Copies up to this many bytes are written out as loads and stores. */
enum { INLINE_COPY_BYTES = 64 };

static void copy_chunk(tn_mover *m, uint32_t from, uint32_t to, uint32_t offset, uint32_t size) {
  static const struct {
    uint8_t load;
    uint8_t store;
  } ops[] = {[1] = {TN_WASM_I32_LOAD8_U, TN_WASM_I32_STORE8},
             [2] = {TN_WASM_I32_LOAD16_U, TN_WASM_I32_STORE16},
             [4] = {TN_WASM_I32_LOAD, TN_WASM_I32_STORE},
             [8] = {TN_WASM_I64_LOAD, TN_WASM_I64_STORE}};
  get(m, to);
  get(m, from);
  tn_wasm_access(m->f, ops[size].load, m->from_memory, offset);
  tn_wasm_access(m->f, ops[size].store, m->to_memory, offset);
}

static void push_address(tn_mover *m, uint32_t base, uint32_t offset) {
  get(m, base);
  if (offset == 0) return;
  tn_wasm_i32(m->f, offset);
  tn_wasm_emit(m->f, TN_WASM_I32_ADD);
}

static void copy_bytes(tn_mover *m, uint32_t from, uint32_t to, uint32_t offset, uint32_t size) {
  if (size > INLINE_COPY_BYTES) {
    push_address(m, to, offset);
    push_address(m, from, offset);
    tn_wasm_i32(m->f, size);
    tn_wasm_memory_copy(m->f, m->to_memory, m->from_memory);
    return;
  }
  for (uint32_t chunk = 8; size > 0; chunk /= 2) {
    for (; size >= chunk; size -= chunk, offset += chunk)
      copy_chunk(m, from, to, offset, chunk);
  }
}

/* ---- lists: CanonicalABI.md#loading, load_list, #storing, store_list ---------------------------- */

static void advance(tn_mover *m, uint32_t local, uint32_t step) {
  get(m, local);
  tn_wasm_i32(m->f, step);
  tn_wasm_emit(m->f, TN_WASM_I32_ADD);
  tn_wasm_emit_u32(m->f, TN_WASM_LOCAL_TEE, local);
}

/* Moves consecutive elements, at least one: from the address in `from` up to that in `end`. Changes `from`
 * and `to`. */
static void move_elements(tn_mover *m, const tn_type *element, uint32_t from, uint32_t to,
                          uint32_t end) {
  uint32_t stride = element->layout[0].size;
  tn_wasm_open(m->f, TN_WASM_LOOP);
  tn_move_memory(m, element, from, to);
  advance(m, to, stride);
  set(m, to);
  advance(m, from, stride);
  get(m, end);
  tn_wasm_emit(m->f, TN_WASM_I32_NE);
  tn_wasm_emit_u32(m->f, TN_WASM_BR_IF, 0);
  tn_wasm_close(m->f);
}

/* Sets `size` to the list's in bytes. Strides are below 2^28 and lengths below 2^32: no overflow in 64 bits. */
static void check_list(tn_mover *m, tn_layout layout, uint32_t pointer, uint32_t length,
                       uint32_t size) {
  tn_wasm_func *f = m->f;
  uint32_t wide = tn_wasm_take_local(f, TN_WASM_I64);
  check_alignment(m, pointer, layout.alignment, TN_FAULT_UNALIGNED);
  get(m, length);
  tn_wasm_emit(f, TN_WASM_I64_EXTEND_I32_U);
  if (layout.size != 1) {
    tn_wasm_i64(f, layout.size);
    tn_wasm_emit(f, TN_WASM_I64_MUL);
  }
  tn_wasm_emit_u32(f, TN_WASM_LOCAL_TEE, wide);
  tn_wasm_i64(f, TN_MAX_BYTE_LENGTH);
  tn_wasm_emit(f, TN_WASM_I64_GT_U);
  tn_fault_if(f, TN_FAULT_LIST_BOUNDS);
  get(m, wide);
  tn_check_end(m, m->from_memory, pointer, TN_FAULT_LIST_BOUNDS);
  get(m, wide);
  tn_wasm_emit(f, TN_WASM_I32_WRAP_I64);
  set(m, size);
  tn_wasm_give_local(f, TN_WASM_I64, wide);
}

static bool is_bulk(const tn_type *type);

static void move_list(tn_mover *m, const tn_type *element, uint32_t pointer, uint32_t length,
                      uint32_t out) {
  tn_wasm_func *f = m->f;
  tn_layout layout = element->layout[0];
  uint32_t size = take(m);
  check_list(m, layout, pointer, length, size);
  tn_call_realloc(m, layout.alignment, size, TN_FAULT_REALLOC_LIST, out);
  if (is_bulk(element)) {
    copy_all(m, out, pointer, size);
  } else {
    uint32_t from = take(m), to = take(m), end = size;
    get(m, size);
    tn_wasm_open(f, TN_WASM_IF);
    get(m, pointer);
    tn_wasm_emit_u32(f, TN_WASM_LOCAL_TEE, from);
    get(m, size);
    tn_wasm_emit(f, TN_WASM_I32_ADD);
    set(m, end);
    get(m, out);
    set(m, to);
    move_elements(m, element, from, to, end);
    tn_wasm_close(f);
    give(m, from);
    give(m, to);
  }
  give(m, size);
}

/* ---- one recursion for both forms --------------------------------------------------------------- */

/* Where a value is: in memory at an offset from the addresses in two locals, or, where `flat` is set, in
 * locals from two on; then `at` counts values, and `flat` has the types of all of them. */
typedef struct place {
  uint32_t from;
  uint32_t to;
  uint32_t at;
  const uint8_t *flat;
} place;

static void move(tn_mover *m, const tn_type *type, place p);

/* Copies what has been put off. */
static void end_run(tn_mover *m, place p) {
  if (m->run_start < m->run_end)
    copy_bytes(m, p.from, p.to, m->run_start, m->run_end - m->run_start);
  m->run_start = m->run_end = 0;
}

static void add_to_run(tn_mover *m, place p, uint32_t size) {
  if (m->run_end != p.at || m->run_start == m->run_end) {
    end_run(m, p);
    m->run_start = p.at;
  }
  m->run_end = p.at + size;
}

static bool is_full_flags(const tn_type *type) {
  return type->kind == TN_TYPE_FLAGS && type->count == 8u * type->discriminant_size;
}

/* Whether a value in memory is moved as bytes, all of it. */
static bool is_bulk(const tn_type *type) {
  return type->is_plain || is_full_flags(type);
}

static uint8_t core_type(const tn_type *type) {
  switch (type->kind) {
  case TN_TYPE_S64:
  case TN_TYPE_U64:
    return TN_WASM_I64;
  case TN_TYPE_F32:
    return TN_WASM_F32;
  case TN_TYPE_F64:
    return TN_WASM_F64;
  default:
    return TN_WASM_I32;
  }
}

static uint8_t flat_core_type(uint8_t flat) {
  static const uint8_t types[] = {[TN_FLAT_I32] = TN_WASM_I32,
                                  [TN_FLAT_I64] = TN_WASM_I64,
                                  [TN_FLAT_F32] = TN_WASM_F32,
                                  [TN_FLAT_F64] = TN_WASM_F64};
  return types[flat];
}

/* Payloads of a variant share locals of joined types. CanonicalABI.md#flat-lifting, lift_flat_variant */
static void push_flat(tn_mover *m, place p, uint8_t wanted) {
  tn_wasm_func *f = m->f;
  uint8_t has = flat_core_type(p.flat[p.at]);
  get(m, p.from + p.at);
  if (has == wanted) return;
  if (wanted == TN_WASM_F64) {
    tn_wasm_emit(f, TN_WASM_F64_REINTERPRET_I64);
    return;
  }
  if (has == TN_WASM_I64) tn_wasm_emit(f, TN_WASM_I32_WRAP_I64);
  if (wanted == TN_WASM_F32) tn_wasm_emit(f, TN_WASM_F32_REINTERPRET_I32);
}

/* CanonicalABI.md#flat-lowering, lower_flat_variant */
static void pop_flat(tn_mover *m, place p, uint8_t given) {
  tn_wasm_func *f = m->f;
  uint8_t wanted = flat_core_type(p.flat[p.at]);
  if (wanted != given) {
    if (given == TN_WASM_F32) tn_wasm_emit(f, TN_WASM_I32_REINTERPRET_F32);
    if (given == TN_WASM_F64) tn_wasm_emit(f, TN_WASM_I64_REINTERPRET_F64);
    if (given != TN_WASM_F64 && wanted == TN_WASM_I64) tn_wasm_emit(f, TN_WASM_I64_EXTEND_I32_U);
  }
  set(m, p.to + p.at);
}

/* An i32 of `size` bytes in memory. */
static void push_i32(tn_mover *m, place p, uint32_t size) {
  if (p.flat != NULL) {
    push_flat(m, p, TN_WASM_I32);
    return;
  }
  get(m, p.from);
  tn_wasm_access(m->f,
                 size == 1   ? TN_WASM_I32_LOAD8_U
                 : size == 2 ? TN_WASM_I32_LOAD16_U
                             : TN_WASM_I32_LOAD,
                 m->from_memory, p.at);
}

/* Before and after the value is pushed. */
static void begin_pop_i32(tn_mover *m, place p) {
  if (p.flat == NULL) get(m, p.to);
}

static void end_pop_i32(tn_mover *m, place p, uint32_t size) {
  if (p.flat != NULL) {
    pop_flat(m, p, TN_WASM_I32);
    return;
  }
  tn_wasm_access(m->f,
                 size == 1   ? TN_WASM_I32_STORE8
                 : size == 2 ? TN_WASM_I32_STORE16
                             : TN_WASM_I32_STORE,
                 m->to_memory, p.at);
}

static void pop_local(tn_mover *m, place p, uint32_t size, uint32_t local) {
  begin_pop_i32(m, p);
  get(m, local);
  end_pop_i32(m, p, size);
}

static void move_number(tn_mover *m, const tn_type *type, place p) {
  if (p.flat == NULL) {
    add_to_run(m, p, type->layout[0].size);
    return;
  }
  push_flat(m, p, core_type(type));
  switch (type->kind) {
  case TN_TYPE_S8:
    tn_wasm_emit(m->f, TN_WASM_I32_EXTEND8_S);
    break;
  case TN_TYPE_S16:
    tn_wasm_emit(m->f, TN_WASM_I32_EXTEND16_S);
    break;
  case TN_TYPE_U8:
  case TN_TYPE_U16:
    tn_wasm_i32(m->f, type->kind == TN_TYPE_U8 ? 0xff : 0xffff);
    tn_wasm_emit(m->f, TN_WASM_I32_AND);
    break;
  default:
    break;
  }
  pop_flat(m, p, core_type(type));
}

static void move_bool(tn_mover *m, place p) {
  begin_pop_i32(m, p);
  push_i32(m, p, 1);
  tn_wasm_emit(m->f, TN_WASM_I32_EQZ);
  tn_wasm_emit(m->f, TN_WASM_I32_EQZ);
  end_pop_i32(m, p, 1);
}

static void move_flags(tn_mover *m, const tn_type *type, place p) {
  begin_pop_i32(m, p);
  push_i32(m, p, type->discriminant_size);
  if (type->count < 32) {
    tn_wasm_i32(m->f, (UINT32_C(1) << type->count) - 1);
    tn_wasm_emit(m->f, TN_WASM_I32_AND);
  }
  end_pop_i32(m, p, type->discriminant_size);
}

/* convert_i32_to_char: not a surrogate, not above U+10FFFF. */
static void move_char(tn_mover *m, place p) {
  tn_wasm_func *f = m->f;
  uint32_t value = take(m);
  push_i32(m, p, 4);
  tn_wasm_emit_u32(f, TN_WASM_LOCAL_TEE, value);
  tn_wasm_i32(f, 11);
  tn_wasm_emit(f, TN_WASM_I32_SHR_U);
  tn_wasm_i32(f, 0xd800 >> 11);
  tn_wasm_emit(f, TN_WASM_I32_EQ);
  get(m, value);
  tn_wasm_i32(f, 0x10ffff);
  tn_wasm_emit(f, TN_WASM_I32_GT_U);
  tn_wasm_emit(f, TN_WASM_I32_OR);
  tn_fault_if(f, TN_FAULT_CHAR);
  pop_local(m, p, 4, value);
  give(m, value);
}

/* Moves the discriminant and keeps it in `value`. */
static void move_discriminant(tn_mover *m, const tn_type *type, uint32_t cases, place p,
                              uint32_t value) {
  push_i32(m, p, type->discriminant_size);
  tn_wasm_emit_u32(m->f, TN_WASM_LOCAL_TEE, value);
  tn_wasm_i32(m->f, cases);
  tn_wasm_emit(m->f, TN_WASM_I32_GE_U);
  tn_fault_if(m->f, TN_FAULT_DISCRIMINANT);
  pop_local(m, p, type->discriminant_size, value);
}

static void move_enum(tn_mover *m, const tn_type *type, place p) {
  uint32_t value = take(m);
  move_discriminant(m, type, type->count, p, value);
  give(m, value);
}

static const tn_type *payload_of(const tn_type *type, uint32_t index) {
  if (type->kind == TN_TYPE_OPTION) return index == 0 ? NULL : type->types[0];
  return type->types[index];
}

static void move_payload(tn_mover *m, const tn_type *payload, place p) {
  if (payload == NULL) return;
  move(m, payload, p);
  end_run(m, p);
}

/* The payload of one of two cases; which one is on the stack. */
static void move_either(tn_mover *m, const tn_type *type, place payload) {
  tn_wasm_open(m->f, TN_WASM_IF);
  move_payload(m, payload_of(type, 1), payload);
  if (payload_of(type, 0) != NULL) {
    tn_wasm_emit(m->f, TN_WASM_ELSE);
    move_payload(m, payload_of(type, 0), payload);
  }
  tn_wasm_close(m->f);
}

/* The payload of one of many. */
static void move_one_of(tn_mover *m, const tn_type *type, uint32_t count, uint32_t value,
                        place payload) {
  tn_wasm_func *f = m->f;
  for (uint32_t i = 0; i <= count; i++)
    tn_wasm_open(f, TN_WASM_BLOCK);
  get(m, value);
  tn_wasm_emit_u32(f, TN_WASM_BR_TABLE, count - 1);
  for (uint32_t i = 0; i < count;
       i++) { /* the last is the default; case i is right behind block i */
    uint32_t label = payload_of(type, i) == NULL ? count : i;
    tn_wasm_u32(&f->code, label);
  }
  for (uint32_t i = 0; i < count; i++) {
    tn_wasm_close(f);
    move_payload(m, payload_of(type, i), payload);
    if (i + 1 < count) tn_wasm_emit_u32(f, TN_WASM_BR, count - 1 - i);
  }
  tn_wasm_close(f);
}

/* Local variables that only other cases use are 0 from the start. */
static void move_variant(tn_mover *m, const tn_type *type, place p) {
  uint32_t count = type->kind == TN_TYPE_VARIANT ? type->count : 2;
  uint32_t value = take(m);
  move_discriminant(m, type, count, p, value);
  p.at += p.flat != NULL ? 1 : type->payload_offset[0];
  if (count == 2) {
    get(m, value);
    move_either(m, type, p);
  } else {
    move_one_of(m, type, count, value, p);
  }
  give(m, value);
}

/* The entry of a map is a tuple of key and value. */
static const tn_type *element_of(tn_mover *m, const tn_type *type) {
  if (type->kind == TN_TYPE_LIST) return type->types[0];
  tn_type *entry = TN_ARENA_NEW(m->scratch, tn_type);
  tn_error *error = entry == NULL ? tn_error_no_memory() : NULL;
  if (error == NULL) {
    *entry = (tn_type){.kind = TN_TYPE_TUPLE, .count = 2, .types = type->types};
    error = tn_type_finish(m->scratch, entry);
  }
  if (error == NULL) return entry;
  tn_error_delete(m->error);
  m->error = error;
  return NULL;
}

static void move_pointer_and_length(tn_mover *m, const tn_type *type, place p) {
  uint32_t pointer = take(m), length = take(m), out = take(m);
  place second = p;
  second.at += p.flat != NULL ? 1 : 4;
  push_i32(m, p, 4);
  set(m, pointer);
  push_i32(m, second, 4);
  set(m, length);
  if (type->kind == TN_TYPE_STRING) {
    tn_move_string(m, pointer, length, out);
  } else {
    const tn_type *element = element_of(m, type);
    if (element != NULL) move_list(m, element, pointer, length, out);
  }
  pop_local(m, p, 4, out);
  pop_local(m, second, 4, length);
  give(m, pointer);
  give(m, length);
  give(m, out);
}

static void move_fields(tn_mover *m, const tn_type *type, place p) {
  place field = p;
  for (uint32_t i = 0; i < type->count; i++) {
    if (p.flat == NULL) field.at = p.at + type->field_offset[0][i];
    move(m, type->types[i], field);
    if (p.flat != NULL) field.at += type->types[i]->flat_count;
  }
}

static void move_fixed_list(tn_mover *m, const tn_type *type, place p) {
  enum { UNROLLED = 4 };
  const tn_type *element = type->types[0];
  uint32_t step = p.flat != NULL ? element->flat_count : element->layout[0].size;
  if (p.flat != NULL || type->length <= UNROLLED) {
    for (uint32_t i = 0; i < type->length; i++, p.at += step)
      move(m, element, p);
    return;
  }
  if (is_bulk(element)) {
    add_to_run(m, p, type->length * step);
    return;
  }
  end_run(m, p);
  uint32_t from = take(m), to = take(m), end = take(m);
  push_address(m, p.to, p.at);
  set(m, to);
  push_address(m, p.from, p.at);
  tn_wasm_emit_u32(m->f, TN_WASM_LOCAL_TEE, from);
  tn_wasm_i32(m->f, type->length * step);
  tn_wasm_emit(m->f, TN_WASM_I32_ADD);
  set(m, end);
  move_elements(m, element, from, to, end);
  give(m, from);
  give(m, to);
  give(m, end);
}

static void move(tn_mover *m, const tn_type *type, place p) {
  if (m->error != NULL) return;
  switch (type->kind) {
  case TN_TYPE_RECORD:
  case TN_TYPE_TUPLE:
    move_fields(m, type, p);
    return;
  case TN_TYPE_FIXED_LIST:
    move_fixed_list(m, type, p);
    return;
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
    move_number(m, type, p);
    return;
  default:
    break;
  }
  if (p.flat == NULL && is_full_flags(type)) {
    add_to_run(m, p, type->layout[0].size);
    return;
  }
  end_run(m, p);
  switch (type->kind) {
  case TN_TYPE_BOOL:
    move_bool(m, p);
    return;
  case TN_TYPE_CHAR:
    move_char(m, p);
    return;
  case TN_TYPE_FLAGS:
    move_flags(m, type, p);
    return;
  case TN_TYPE_ENUM:
    move_enum(m, type, p);
    return;
  case TN_TYPE_VARIANT:
  case TN_TYPE_OPTION:
  case TN_TYPE_RESULT:
    move_variant(m, type, p);
    return;
  case TN_TYPE_STRING:
  case TN_TYPE_LIST:
  case TN_TYPE_MAP:
    move_pointer_and_length(m, type, p);
    return;
  default:
    m->error = tn_error_new(TN_ERROR_INTERNAL, "an adapter for values of kind %d", (int)type->kind);
  }
}

void tn_move_flat(tn_mover *m, const tn_type *type, uint32_t from, uint32_t to,
                  const uint8_t *flat) {
  move(m, type, (place){.from = from, .to = to, .flat = flat});
}

void tn_move_memory(tn_mover *m, const tn_type *type, uint32_t from, uint32_t to) {
  place p = {.from = from, .to = to};
  move(m, type, p);
  end_run(m, p);
}
