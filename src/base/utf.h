/* UTF-8, UTF-16 and Latin-1: validation, measuring and conversion. Pure functions. */
#ifndef TN_BASE_UTF_H
#define TN_BASE_UTF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether the bytes are well-formed UTF-8 (no surrogates, no overlong forms, nothing above U+10FFFF). */
bool tn_utf8_is_valid(const void *bytes, size_t size);
/* Reads one character of *valid* UTF-8 at `bytes`; returns its length (1-4). */
size_t tn_utf8_decode(const uint8_t *bytes, uint32_t *character);
/* Writes a Unicode scalar value; returns its length (1-4). `out` has room for 4 bytes. */
size_t tn_utf8_encode(uint32_t character, uint8_t *out);
/* Whether `character` is a Unicode scalar value (below 0x110000 and not a surrogate). */
static inline bool tn_is_scalar_value(uint32_t character) {
  return character < 0xd800 || (character >= 0xe000 && character < 0x110000);
}
/* Whether `units` little-endian UTF-16 code units are well-formed (all surrogates paired). The pointer
 * need not be aligned. */
bool tn_utf16_is_valid(const uint8_t *bytes, size_t units);
/* Reads one character of *valid* UTF-16 at `bytes`; returns the number of code units (1-2). */
size_t tn_utf16_decode(const uint8_t *bytes, uint32_t *character);
/* Writes a scalar value as little-endian UTF-16; returns the code units (1-2). */
size_t tn_utf16_encode(uint32_t character, uint8_t *out);

#endif
