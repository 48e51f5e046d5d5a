/* Numbers, vectors and sections of WebAssembly's binary format, core and component. Failures to allocate are
 * remembered by the buffers and found at the end. */
#ifndef TN_BASE_WASM_BYTES_H
#define TN_BASE_WASM_BYTES_H

#include "base/buffer.h"

void tn_wasm_u32(tn_buffer *out, uint32_t value);
void tn_wasm_s64(tn_buffer *out, int64_t value);
/* A length and the bytes. */
void tn_wasm_bytes(tn_buffer *out, tn_str bytes);
/* A section of `count` entries that are already encoded; nothing when there are none. */
void tn_wasm_section(tn_buffer *out, uint8_t id, uint32_t count, const tn_buffer *entries);

/* What is appended between the two gets its length in front: tn_wasm_end_sized(out, tn_wasm_begin_sized(out)). */
size_t tn_wasm_begin_sized(const tn_buffer *out);
void tn_wasm_end_sized(tn_buffer *out, size_t begin);

#endif
