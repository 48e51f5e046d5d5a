#include "base/utf.h"

#include <string.h>

static bool all_ascii(const uint8_t *bytes, size_t size) {
  uint64_t seen = 0;
  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    uint64_t word;
    memcpy(&word, bytes + i, 8);
    seen |= word;
  }
  for (; i < size; i++)
    seen |= bytes[i];
  return (seen & 0x8080808080808080u) == 0;
}

/* Length of the well-formed sequence at `b` with `left` bytes to go, or 0. Table 3-7 of the Unicode
 * standard. */
static size_t valid_sequence(const uint8_t *b, size_t left) {
  if (b[0] < 0x80) return 1;
  if (b[0] < 0xc2 || b[0] > 0xf4) return 0;
  size_t length = b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;
  if (left < length) return 0;
  uint8_t low = b[0] == 0xe0 ? 0xa0 : b[0] == 0xf0 ? 0x90 : 0x80;
  uint8_t high = b[0] == 0xed ? 0x9f : b[0] == 0xf4 ? 0x8f : 0xbf;
  if (b[1] < low || b[1] > high) return 0;
  for (size_t i = 2; i < length; i++) {
    if ((b[i] & 0xc0) != 0x80) return 0;
  }
  return length;
}

bool tn_utf8_is_valid(const void *bytes, size_t size) {
  const uint8_t *b = bytes;
  size_t i = 0;
  while (i < size) {
    size_t run = size - i < 64 ? size - i : 64;
    if (all_ascii(b + i, run)) {
      i += run;
      continue;
    }
    size_t end = i + run;
    while (i < end) {
      size_t length = valid_sequence(b + i, size - i);
      if (length == 0) return false;
      i += length;
    }
  }
  return true;
}

size_t tn_utf8_decode(const uint8_t *b, uint32_t *character) {
  if (b[0] < 0x80) {
    *character = b[0];
    return 1;
  }
  if (b[0] < 0xe0) {
    *character = (b[0] & 0x1fu) << 6 | (b[1] & 0x3fu);
    return 2;
  }
  if (b[0] < 0xf0) {
    *character = (b[0] & 0x0fu) << 12 | (b[1] & 0x3fu) << 6 | (b[2] & 0x3fu);
    return 3;
  }
  *character = (b[0] & 0x07u) << 18 | (b[1] & 0x3fu) << 12 | (b[2] & 0x3fu) << 6 | (b[3] & 0x3fu);
  return 4;
}

size_t tn_utf8_encode(uint32_t c, uint8_t *out) {
  if (c < 0x80) {
    out[0] = (uint8_t)c;
    return 1;
  }
  if (c < 0x800) {
    out[0] = (uint8_t)(0xc0 | c >> 6);
    out[1] = (uint8_t)(0x80 | (c & 0x3f));
    return 2;
  }
  if (c < 0x10000) {
    out[0] = (uint8_t)(0xe0 | c >> 12);
    out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    out[2] = (uint8_t)(0x80 | (c & 0x3f));
    return 3;
  }
  out[0] = (uint8_t)(0xf0 | c >> 18);
  out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
  out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
  out[3] = (uint8_t)(0x80 | (c & 0x3f));
  return 4;
}

static uint32_t unit_at(const uint8_t *bytes) {
  return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
}

bool tn_utf16_is_valid(const uint8_t *bytes, size_t units) {
  for (size_t i = 0; i < units; i++) {
    uint32_t unit = unit_at(bytes + 2 * i);
    if (unit < 0xd800 || unit >= 0xe000) continue;
    if (unit >= 0xdc00 || i + 1 == units) return false;
    uint32_t low = unit_at(bytes + 2 * ++i);
    if (low < 0xdc00 || low >= 0xe000) return false;
  }
  return true;
}

size_t tn_utf16_decode(const uint8_t *bytes, uint32_t *character) {
  uint32_t unit = unit_at(bytes);
  if (unit < 0xd800 || unit >= 0xe000) {
    *character = unit;
    return 1;
  }
  *character = 0x10000 + ((unit & 0x3ffu) << 10 | (unit_at(bytes + 2) & 0x3ffu));
  return 2;
}

static void put_unit(uint32_t unit, uint8_t *out) {
  out[0] = (uint8_t)unit;
  out[1] = (uint8_t)(unit >> 8);
}

size_t tn_utf16_encode(uint32_t character, uint8_t *out) {
  if (character < 0x10000) {
    put_unit(character, out);
    return 1;
  }
  put_unit(0xd800 | (character - 0x10000) >> 10, out);
  put_unit(0xdc00 | (character & 0x3ff), out + 2);
  return 2;
}
