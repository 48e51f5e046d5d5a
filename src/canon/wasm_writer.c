#include "canon/wasm_writer.h"

void tn_wasm_emit(tn_wasm_func *f, tn_wasm_op op) {
  tn_buffer_append_byte(&f->code, (uint8_t)op);
}

void tn_wasm_emit_u32(tn_wasm_func *f, tn_wasm_op op, uint32_t immediate) {
  tn_wasm_emit(f, op);
  tn_wasm_u32(&f->code, immediate);
}

void tn_wasm_i32(tn_wasm_func *f, uint32_t value) {
  tn_wasm_emit(f, TN_WASM_I32_CONST);
  tn_wasm_s64(&f->code, (int32_t)value);
}

void tn_wasm_i64(tn_wasm_func *f, uint64_t value) {
  tn_wasm_emit(f, TN_WASM_I64_CONST);
  tn_wasm_s64(&f->code, (int64_t)value);
}

void tn_wasm_open(tn_wasm_func *f, tn_wasm_op op) {
  tn_wasm_emit(f, op);
  tn_buffer_append_byte(&f->code, TN_WASM_NOTHING);
  f->depth++;
}

void tn_wasm_close(tn_wasm_func *f) {
  tn_wasm_emit(f, TN_WASM_END);
  f->depth--;
}

void tn_wasm_access(tn_wasm_func *f, tn_wasm_op op, uint32_t memory, uint32_t offset) {
  enum { HAS_MEMORY_INDEX = 0x40 };
  tn_wasm_emit_u32(f, op, HAS_MEMORY_INDEX);
  tn_wasm_u32(&f->code, memory);
  tn_wasm_u32(&f->code, offset);
}

void tn_wasm_memory_copy(tn_wasm_func *f, uint32_t destination, uint32_t source) {
  tn_buffer_append(&f->code, "\xfc\x0a", 2);
  tn_wasm_u32(&f->code, destination);
  tn_wasm_u32(&f->code, source);
}

/* ---- local variables ---------------------------------------------------------------------------- */

uint32_t tn_wasm_fresh_local(tn_wasm_func *f, uint8_t type) {
  uint32_t index = f->param_count + (uint32_t)f->locals.len;
  tn_buffer_append_byte(&f->locals, type);
  return index;
}

uint32_t tn_wasm_take_local(tn_wasm_func *f, uint8_t type) {
  int kind = type == TN_WASM_I64;
  if (f->spare_count[kind] > 0) return f->spare[kind][--f->spare_count[kind]];
  return tn_wasm_fresh_local(f, type);
}

void tn_wasm_give_local(tn_wasm_func *f, uint8_t type, uint32_t local) {
  int kind = type == TN_WASM_I64;
  if (f->spare_count[kind] < TN_WASM_SPARE_LOCALS) f->spare[kind][f->spare_count[kind]++] = local;
}

/* Local variables are declared as runs of one type. */
static uint32_t write_locals(const tn_buffer *types, tn_buffer *out) {
  uint32_t runs = 0;
  for (size_t i = 0; i < types->len; runs++) {
    size_t start = i;
    while (i < types->len && types->data[i] == types->data[start])
      i++;
    tn_wasm_u32(out, (uint32_t)(i - start));
    tn_buffer_append_byte(out, (uint8_t)types->data[start]);
  }
  return runs;
}

void tn_wasm_finish(tn_wasm_func *f, tn_buffer *out) {
  tn_buffer runs = {0}, body = {0};
  tn_wasm_u32(&body, write_locals(&f->locals, &runs));
  tn_buffer_append_str(&body, tn_buffer_str(&runs));
  tn_buffer_append_str(&body, tn_buffer_str(&f->code));
  tn_buffer_append_byte(&body, TN_WASM_END);
  tn_wasm_bytes(out, tn_buffer_str(&body));
  out->failed |= f->code.failed || f->locals.failed || runs.failed || body.failed;
  tn_buffer_free(&runs);
  tn_buffer_free(&body);
  tn_buffer_free(&f->code);
  tn_buffer_free(&f->locals);
}
