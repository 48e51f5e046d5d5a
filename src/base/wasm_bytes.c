#include "base/wasm_bytes.h"

void tn_wasm_u32(tn_buffer *out, uint32_t value) {
  for (; value >= 0x80; value >>= 7)
    tn_buffer_append_byte(out, (uint8_t)(value | 0x80));
  tn_buffer_append_byte(out, (uint8_t)value);
}

void tn_wasm_s64(tn_buffer *out, int64_t value) {
  for (;;) {
    uint8_t low = value & 0x7f;
    value >>= 7;
    bool is_last = (value == 0 && (low & 0x40) == 0) || (value == -1 && (low & 0x40) != 0);
    tn_buffer_append_byte(out, is_last ? low : low | 0x80);
    if (is_last) return;
  }
}

void tn_wasm_bytes(tn_buffer *out, tn_str bytes) {
  tn_wasm_u32(out, (uint32_t)bytes.len);
  tn_buffer_append_str(out, bytes);
}

void tn_wasm_section(tn_buffer *out, uint8_t id, uint32_t count, const tn_buffer *entries) {
  if (count == 0) return;
  tn_buffer number = {0};
  tn_wasm_u32(&number, count);
  tn_buffer_append_byte(out, id);
  tn_wasm_u32(out, (uint32_t)(number.len + entries->len));
  tn_buffer_append_str(out, tn_buffer_str(&number));
  tn_buffer_append_str(out, tn_buffer_str(entries));
  out->failed |= number.failed || entries->failed;
  tn_buffer_free(&number);
}

size_t tn_wasm_begin_sized(const tn_buffer *out) {
  return out->len;
}

/* The number is written behind the contents first, to learn its length, and then trades places with them. */
void tn_wasm_end_sized(tn_buffer *out, size_t begin) {
  char number[8];
  size_t end = out->len;
  tn_wasm_u32(out, (uint32_t)(end - begin));
  if (out->failed) return;
  size_t number_len = out->len - end;
  memcpy(number, out->data + end, number_len);
  memmove(out->data + begin + number_len, out->data + begin, end - begin);
  memcpy(out->data + begin, number, number_len);
}
