/* Strings in generated code: CanonicalABI.md#loading, load_string, #storing, store_string. */
#include "canon/adapter_pieces.h"

/* A string of up to 16 bytes is two words that overlap, or up to three bytes: it is read once, checked and
 * written from local variables. */
typedef struct string_move {
  uint32_t pointer, length, out;
  uint32_t head, middle, tail; /* i64 */
} string_move;

static void check_utf8(tn_mover *m, const string_move *s) {
  tn_wasm_i32(m->f, m->from_slot);
  get(m, s->pointer);
  get(m, s->length);
  tn_wasm_emit_u32(m->f, TN_WASM_CALL, TN_ADAPTER_CHECK_UTF8);
}

/* The i64 on the stack has eight bytes of the string, or several sets of eight, one over the other. */
static void check_ascii(tn_mover *m, const string_move *s) {
  tn_wasm_i64(m->f, UINT64_C(0x8080808080808080));
  tn_wasm_emit(m->f, TN_WASM_I64_AND);
  tn_wasm_i64(m->f, 0);
  tn_wasm_emit(m->f, TN_WASM_I64_NE);
  tn_wasm_open(m->f, TN_WASM_IF);
  check_utf8(m, s);
  tn_wasm_close(m->f);
}

/* The address `length - back` bytes behind `base`. */
static void push_tail_address(tn_mover *m, const string_move *s, uint32_t base, uint32_t back) {
  get(m, base);
  get(m, s->length);
  tn_wasm_emit(m->f, TN_WASM_I32_ADD);
  tn_wasm_i32(m->f, back);
  tn_wasm_emit(m->f, TN_WASM_I32_SUB);
}

static void push_middle_address(tn_mover *m, const string_move *s, uint32_t base) {
  get(m, base);
  get(m, s->length);
  tn_wasm_i32(m->f, 1);
  tn_wasm_emit(m->f, TN_WASM_I32_SHR_U);
  tn_wasm_emit(m->f, TN_WASM_I32_ADD);
}

static void read_ends(tn_mover *m, const string_move *s, tn_wasm_op load, uint32_t size) {
  get(m, s->pointer);
  tn_wasm_access(m->f, load, m->from_memory, 0);
  set(m, s->head);
  push_tail_address(m, s, s->pointer, size);
  tn_wasm_access(m->f, load, m->from_memory, 0);
  set(m, s->tail);
}

static void write_ends(tn_mover *m, const string_move *s, tn_wasm_op store, uint32_t size) {
  get(m, s->out);
  get(m, s->head);
  tn_wasm_access(m->f, store, m->to_memory, 0);
  push_tail_address(m, s, s->out, size);
  get(m, s->tail);
  tn_wasm_access(m->f, store, m->to_memory, 0);
}

/* Opens an `if` on length op value. */
static void if_length(tn_mover *m, const string_move *s, tn_wasm_op compare, uint32_t value) {
  get(m, s->length);
  tn_wasm_i32(m->f, value);
  tn_wasm_emit(m->f, compare);
  tn_wasm_open(m->f, TN_WASM_IF);
}

/* head |= the 16 bytes at the address on the stack. */
static void gather_16(tn_mover *m, const string_move *s, uint32_t address) {
  get(m, s->head);
  get(m, address);
  tn_wasm_access(m->f, TN_WASM_I64_LOAD, m->from_memory, 0);
  tn_wasm_emit(m->f, TN_WASM_I64_OR);
  get(m, address);
  tn_wasm_access(m->f, TN_WASM_I64_LOAD, m->from_memory, 8);
  tn_wasm_emit(m->f, TN_WASM_I64_OR);
  set(m, s->head);
}

/* Above 16 bytes: `head` gathers the bits of all words, the last two of which may overlap with others. */
static void read_long(tn_mover *m, const string_move *s) {
  enum { INLINE_CHECK_BYTES = 1024 };
  tn_wasm_func *f = m->f;
  if_length(m, s, TN_WASM_I32_GT_U, INLINE_CHECK_BYTES);
  check_utf8(m, s);
  tn_wasm_emit(f, TN_WASM_ELSE);
  uint32_t at = take(m), last = take(m);
  get(m, s->pointer);
  set(m, at);
  push_tail_address(m, s, s->pointer, 16);
  set(m, last);
  tn_wasm_i64(f, 0);
  set(m, s->head);
  tn_wasm_open(f, TN_WASM_LOOP);
  gather_16(m, s, at);
  get(m, at);
  tn_wasm_i32(f, 16);
  tn_wasm_emit(f, TN_WASM_I32_ADD);
  tn_wasm_emit_u32(f, TN_WASM_LOCAL_TEE, at);
  get(m, last);
  tn_wasm_emit(f, TN_WASM_I32_LT_U);
  tn_wasm_emit_u32(f, TN_WASM_BR_IF, 0);
  tn_wasm_close(f);
  gather_16(m, s, last);
  get(m, s->head);
  check_ascii(m, s);
  give(m, at);
  give(m, last);
  tn_wasm_close(f);
}

static void read_short(tn_mover *m, const string_move *s) {
  tn_wasm_func *f = m->f;
  tn_wasm_i64(f, 0);
  set(m, s->middle);
  if_length(m, s, TN_WASM_I32_GE_U, 8);
  read_ends(m, s, TN_WASM_I64_LOAD, 8);
  tn_wasm_emit(f, TN_WASM_ELSE);
  if_length(m, s, TN_WASM_I32_GE_U, 4);
  read_ends(m, s, TN_WASM_I64_LOAD32_U, 4);
  tn_wasm_emit(f, TN_WASM_ELSE);
  tn_wasm_i64(f, 0);
  tn_wasm_emit_u32(f, TN_WASM_LOCAL_TEE, s->head);
  set(m, s->tail);
  get(m, s->length);
  tn_wasm_open(f, TN_WASM_IF);
  read_ends(m, s, TN_WASM_I64_LOAD8_U, 1);
  push_middle_address(m, s, s->pointer);
  tn_wasm_access(f, TN_WASM_I64_LOAD8_U, m->from_memory, 0);
  set(m, s->middle);
  tn_wasm_close(f);
  tn_wasm_close(f);
  tn_wasm_close(f);
  get(m, s->head);
  get(m, s->tail);
  tn_wasm_emit(f, TN_WASM_I64_OR);
  get(m, s->middle);
  tn_wasm_emit(f, TN_WASM_I64_OR);
  check_ascii(m, s);
}

static void write_short(tn_mover *m, const string_move *s) {
  tn_wasm_func *f = m->f;
  if_length(m, s, TN_WASM_I32_GE_U, 8);
  write_ends(m, s, TN_WASM_I64_STORE, 8);
  tn_wasm_emit(f, TN_WASM_ELSE);
  if_length(m, s, TN_WASM_I32_GE_U, 4);
  write_ends(m, s, TN_WASM_I64_STORE32, 4);
  tn_wasm_emit(f, TN_WASM_ELSE);
  get(m, s->length);
  tn_wasm_open(f, TN_WASM_IF);
  write_ends(m, s, TN_WASM_I64_STORE8, 1);
  push_middle_address(m, s, s->out);
  get(m, s->middle);
  tn_wasm_access(f, TN_WASM_I64_STORE8, m->to_memory, 0);
  tn_wasm_close(f);
  tn_wasm_close(f);
  tn_wasm_close(f);
}

void tn_move_string(tn_mover *m, uint32_t pointer, uint32_t length, uint32_t out) {
  enum { SHORT_BYTES = 16 };
  tn_wasm_func *f = m->f;
  string_move s = {pointer,
                   length,
                   out,
                   tn_wasm_take_local(f, TN_WASM_I64),
                   tn_wasm_take_local(f, TN_WASM_I64),
                   tn_wasm_take_local(f, TN_WASM_I64)};
  get(m, length);
  tn_wasm_i32(f, (uint32_t)TN_MAX_BYTE_LENGTH);
  tn_wasm_emit(f, TN_WASM_I32_GT_U);
  tn_fault_if(f, TN_FAULT_STRING_BOUNDS);
  get(m, length);
  tn_wasm_emit(f, TN_WASM_I64_EXTEND_I32_U);
  tn_check_end(m, m->from_memory, pointer, TN_FAULT_STRING_BOUNDS);
  if_length(m, &s, TN_WASM_I32_LE_U, SHORT_BYTES);
  read_short(m, &s);
  tn_wasm_emit(f, TN_WASM_ELSE);
  read_long(m, &s);
  tn_wasm_close(f);
  tn_call_realloc(m, 1, length, TN_FAULT_REALLOC_STRING, out);
  if_length(m, &s, TN_WASM_I32_LE_U, SHORT_BYTES);
  write_short(m, &s);
  tn_wasm_emit(f, TN_WASM_ELSE);
  copy_all(m, out, pointer, length);
  tn_wasm_close(f);
  tn_wasm_give_local(f, TN_WASM_I64, s.head);
  tn_wasm_give_local(f, TN_WASM_I64, s.middle);
  tn_wasm_give_local(f, TN_WASM_I64, s.tail);
}
