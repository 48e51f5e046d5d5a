#include "component/binary/reader.h"

#include <assert.h>

#include "base/buffer.h"
#include "base/utf.h"

tn_reader tn_reader_new(tn_str bytes, uint32_t offset) {
  assert(bytes.len <= UINT32_MAX - offset);
  const uint8_t *start = (const uint8_t *)bytes.data;
  return (tn_reader){start, start, start == NULL ? NULL : start + bytes.len, offset};
}

static tn_error *error_at(tn_error_kind kind, uint32_t offset, const char *format,
                          va_list arguments) {
  tn_buffer text = {0};
  tn_buffer_vformat(&text, format, arguments);
  tn_error *error = tn_error_no_memory();
  if (!text.failed) {
    error = tn_error_new(kind, "%" TN_STR_FORMAT " (at offset 0x%x)",
                         TN_STR_ARG(tn_buffer_str(&text)), offset);
  }
  tn_buffer_free(&text);
  return error;
}

tn_error *tn_malformed(uint32_t offset, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  tn_error *error = error_at(TN_ERROR_MALFORMED, offset, format, arguments);
  va_end(arguments);
  return error;
}

tn_error *tn_invalid(uint32_t offset, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  tn_error *error = error_at(TN_ERROR_INVALID, offset, format, arguments);
  va_end(arguments);
  return error;
}

tn_error *tn_bad_byte(const tn_reader *reader, uint8_t byte, const char *what) {
  return tn_malformed(tn_reader_offset(reader) - 1, "invalid leading byte (0x%x) for %s", byte,
                      what);
}

static tn_error *unexpected_end(const tn_reader *reader) {
  return tn_malformed(tn_reader_offset(reader), "unexpected end-of-file");
}

tn_error *tn_peek_byte(const tn_reader *reader, uint8_t *out) {
  if (reader->next == reader->end) return unexpected_end(reader);
  *out = *reader->next;
  return NULL;
}

tn_error *tn_read_byte(tn_reader *reader, uint8_t *out) {
  TN_TRY(tn_peek_byte(reader, out));
  reader->next++;
  return NULL;
}

/* An unsigned LEB128 of `bits` bits: at most ceil(bits / 7) bytes, and no bits set beyond. */
static tn_error *read_unsigned(tn_reader *reader, unsigned bits, uint64_t *out) {
  uint64_t value = 0;
  for (unsigned shift = 0;; shift += 7) {
    uint8_t byte;
    TN_TRY(tn_read_byte(reader, &byte));
    value |= (uint64_t)(byte & 0x7f) << shift;
    unsigned left = bits - shift;
    if (left < 7) {
      uint32_t offset = tn_reader_offset(reader) - 1;
      if (byte & 0x80) return tn_malformed(offset, "integer representation too long");
      if (byte >> left != 0) return tn_malformed(offset, "integer too large");
    }
    if ((byte & 0x80) == 0) break;
  }
  *out = value;
  return NULL;
}

/* A signed LEB128 of `bits` bits: in the last possible byte, the bits beyond must repeat the sign. */
static tn_error *read_signed(tn_reader *reader, unsigned bits, int64_t *out) {
  uint64_t value = 0;
  for (unsigned shift = 0;; shift += 7) {
    uint8_t byte;
    TN_TRY(tn_read_byte(reader, &byte));
    value |= (uint64_t)(byte & 0x7f) << shift;
    unsigned left = bits - shift;
    if (left <= 7) {
      uint32_t offset = tn_reader_offset(reader) - 1;
      if (byte & 0x80) return tn_malformed(offset, "integer representation too long");
      uint8_t sign_and_beyond = (uint8_t)(byte >> (left - 1));
      if (sign_and_beyond != 0 && sign_and_beyond != 0x7f >> (left - 1)) {
        return tn_malformed(offset, "integer too large");
      }
    }
    if ((byte & 0x80) == 0) {
      bool is_negative = (byte & 0x40) != 0;
      if (is_negative && shift + 7 < 64) value |= ~UINT64_C(0) << (shift + 7);
      break;
    }
  }
  *out = (int64_t)value;
  return NULL;
}

tn_error *tn_read_u32(tn_reader *reader, uint32_t *out) {
  uint64_t value;
  TN_TRY(read_unsigned(reader, 32, &value));
  *out = (uint32_t)value;
  return NULL;
}

tn_error *tn_read_u64(tn_reader *reader, uint64_t *out) {
  return read_unsigned(reader, 64, out);
}

tn_error *tn_read_s32(tn_reader *reader, int32_t *out) {
  int64_t value;
  TN_TRY(read_signed(reader, 32, &value));
  *out = (int32_t)value;
  return NULL;
}

tn_error *tn_read_s33(tn_reader *reader, int64_t *out) {
  return read_signed(reader, 33, out);
}

tn_error *tn_read_s64(tn_reader *reader, int64_t *out) {
  return read_signed(reader, 64, out);
}

tn_error *tn_read_bytes(tn_reader *reader, size_t size, tn_str *out) {
  if (size > tn_reader_remaining(reader)) return unexpected_end(reader);
  *out = (tn_str){(const char *)reader->next, size};
  reader->next += size;
  return NULL;
}

tn_error *tn_read_name(tn_reader *reader, tn_str *out) {
  uint32_t offset = tn_reader_offset(reader);
  uint32_t size;
  TN_TRY(tn_read_u32(reader, &size));
  if (size > TN_MAX_NAME_BYTES)
    return tn_malformed(offset, "string size of %u out of bounds", size);
  TN_TRY(tn_read_bytes(reader, size, out));
  if (!tn_utf8_is_valid(out->data, out->len))
    return tn_malformed(offset, "malformed UTF-8 encoding");
  return NULL;
}

tn_error *tn_read_bool(tn_reader *reader, bool *out) {
  uint8_t byte;
  TN_TRY(tn_read_byte(reader, &byte));
  if (byte > 1)
    return tn_malformed(tn_reader_offset(reader) - 1, "invalid boolean value: 0x%x", byte);
  *out = byte == 1;
  return NULL;
}

tn_error *tn_read_is_present(tn_reader *reader, const char *what, bool *out) {
  uint8_t byte;
  TN_TRY(tn_read_byte(reader, &byte));
  if (byte > 1) return tn_bad_byte(reader, byte, what);
  *out = byte == 1;
  return NULL;
}

tn_error *tn_read_count(tn_reader *reader, uint32_t limit, const char *what, uint32_t *out) {
  uint32_t offset = tn_reader_offset(reader);
  TN_TRY(tn_read_u32(reader, out));
  if (*out > tn_reader_remaining(reader)) return unexpected_end(reader);
  if (*out > limit)
    return tn_malformed(offset, "%s count of %u exceeds limit of %u", what, *out, limit);
  return NULL;
}

tn_error *tn_read_sized(tn_reader *reader, tn_reader *contents) {
  uint32_t size;
  TN_TRY(tn_read_u32(reader, &size));
  uint32_t offset = tn_reader_offset(reader);
  tn_str bytes;
  TN_TRY(tn_read_bytes(reader, size, &bytes));
  *contents = tn_reader_new(bytes, offset);
  return NULL;
}

tn_error *tn_expect_end(const tn_reader *reader) {
  if (reader->next == reader->end) return NULL;
  return tn_malformed(tn_reader_offset(reader),
                      "section size mismatch: unexpected data at the end of the section");
}
