/* Reading what may be damaged: each function fails instead of going beyond the end. For src/record/ only. */
#ifndef TN_RECORD_BYTES_H
#define TN_RECORD_BYTES_H

#include "base/buffer.h"
#include "base/str.h"

/* LEB128, unsigned. */
static inline void tn_put_number(tn_buffer *out, uint64_t number) {
  while (number >= 0x80) {
    tn_buffer_append_byte(out, (uint8_t)(number | 0x80));
    number >>= 7;
  }
  tn_buffer_append_byte(out, (uint8_t)number);
}

/* A number and as many bytes. */
static inline void tn_put_bytes(tn_buffer *out, tn_str bytes) {
  tn_put_number(out, bytes.len);
  if (bytes.len > 0) tn_buffer_append(out, bytes.data, bytes.len);
}

/* These take from the front of `rest`; false: it ends too early, or the number has more than 64 bits. */
static inline bool tn_take_part(tn_str *rest, uint64_t size, tn_str *out) {
  if (size > rest->len) return false;
  *out = (tn_str){rest->data, (size_t)size};
  *rest = (tn_str){rest->data + size, rest->len - (size_t)size};
  return true;
}

static inline bool tn_take_byte(tn_str *rest, uint8_t *out) {
  tn_str byte;
  if (!tn_take_part(rest, 1, &byte)) return false;
  *out = (uint8_t)byte.data[0];
  return true;
}

static inline bool tn_take_number(tn_str *rest, uint64_t *out) {
  *out = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    uint8_t byte;
    if (!tn_take_byte(rest, &byte) || (shift == 63 && byte > 1)) return false;
    *out |= (uint64_t)(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

static inline bool tn_take_bytes(tn_str *rest, tn_str *out) {
  uint64_t size;
  return tn_take_number(rest, &size) && tn_take_part(rest, size, out);
}

#endif
