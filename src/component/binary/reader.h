/* Reading the binary format: bytes, LEB128 integers, names and counts, every one of them checked against
 * the end of what is being read. */
#ifndef TN_COMPONENT_READER_H
#define TN_COMPONENT_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

/* Part of a file. Invariants: start <= next <= end; the file has less than 4 GiB, so that
 * offset + (end - start) fits. Plain data: a copy is a second reader at the same place. */
typedef struct tn_reader {
  const uint8_t *start;
  const uint8_t *next;
  const uint8_t *end;
  uint32_t offset; /* of `start`, from the start of the file */
} tn_reader;

/* The limits of names and of nearly everything that is counted; those that Wasmtime has. */
enum { TN_MAX_NAME_BYTES = 100000, TN_MAX_ITEMS = 1000000 };

tn_reader tn_reader_new(tn_str bytes, uint32_t offset);

static inline uint32_t tn_reader_offset(const tn_reader *reader) {
  return reader->offset + (uint32_t)(reader->next - reader->start);
}

static inline size_t tn_reader_remaining(const tn_reader *reader) {
  return (size_t)(reader->end - reader->next);
}

/* What lies between `from`, an earlier value of reader->next, and the reader's place. */
static inline tn_str tn_reader_since(const tn_reader *reader, const uint8_t *from) {
  return (tn_str){(const char *)from, (size_t)(reader->next - from)};
}

/* TN_ERROR_MALFORMED or another kind, with " (at offset 0x…)" behind the message. */
tn_error *tn_malformed(uint32_t offset, const char *format, ...)
    __attribute__((format(printf, 2, 3), returns_nonnull));
tn_error *tn_invalid(uint32_t offset, const char *format, ...)
    __attribute__((format(printf, 2, 3), returns_nonnull));
/* For a byte that has just been read: "invalid leading byte (0x2a) for <what>". */
tn_error *tn_bad_byte(const tn_reader *reader, uint8_t byte, const char *what)
    __attribute__((returns_nonnull));

/* Each reads one item and moves on. Errors are TN_ERROR_MALFORMED: "unexpected end-of-file", "integer
 * representation too long", "integer too large", "malformed UTF-8 encoding", … */
tn_error *tn_read_byte(tn_reader *reader, uint8_t *out);
tn_error *tn_peek_byte(const tn_reader *reader, uint8_t *out);
tn_error *tn_read_u32(tn_reader *reader, uint32_t *out);
tn_error *tn_read_u64(tn_reader *reader, uint64_t *out);
tn_error *tn_read_s32(tn_reader *reader, int32_t *out);
tn_error *tn_read_s33(tn_reader *reader, int64_t *out);
tn_error *tn_read_s64(tn_reader *reader, int64_t *out);
tn_error *tn_read_bytes(tn_reader *reader, size_t size, tn_str *out);
tn_error *tn_read_name(tn_reader *reader, tn_str *out);
/* A byte that has to be 0 or 1. */
tn_error *tn_read_bool(tn_reader *reader, bool *out);
/* Whether an optional item follows (0x00, 0x01). */
tn_error *tn_read_is_present(tn_reader *reader, const char *what, bool *out);
/* The length of a vector, at most `limit`. It is also no more than the bytes that remain (each element
 * takes one at least), so that room for the elements may be allocated. */
tn_error *tn_read_count(tn_reader *reader, uint32_t limit, const char *what, uint32_t *out);
/* A section's or subsection's size and contents. */
tn_error *tn_read_sized(tn_reader *reader, tn_reader *contents);
/* Fails unless everything has been read. */
tn_error *tn_expect_end(const tn_reader *reader);

#endif
