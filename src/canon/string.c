/* Strings from any encoding to any other, with exactly the calls of realloc that the specification
 * prescribes, as guests can count them. CanonicalABI.md#loading (load_string), #storing (store_string) */
#include "base/utf.h"
#include "canon/transfer.h"

/* What a string is really made of: latin1+utf16 is decided by the tag bit of its length. */
typedef enum simple_encoding { SIMPLE_UTF8, SIMPLE_UTF16, SIMPLE_LATIN1 } simple_encoding;

/* A string at the source, checked to lie in bounds and to be well-formed. */
typedef struct source_string {
  simple_encoding encoding;
  uint64_t offset;
  uint64_t units; /* code units; at most TN_MAX_BYTE_LENGTH */
  uint64_t bytes;
} source_string;

static uint64_t utf16_tag(const tn_end *end) {
  return end->options->is_64 ? UINT64_C(1) << 63 : UINT64_C(1) << 31;
}

static const uint8_t *source_bytes(const tn_transfer *t, const source_string *s) {
  return (const uint8_t *)(t->source->base + (uintptr_t)s->offset);
}

static uint8_t *destination_bytes(const tn_transfer *t, uint64_t offset) {
  return (uint8_t *)(t->destination->base + (uintptr_t)offset);
}

/* ---- the source --------------------------------------------------------------------------------- */

/* Whether `bytes` end in the middle of a character, all before being well-formed. */
static bool is_cut_off(const uint8_t *bytes, size_t size) {
  for (size_t back = 1; back <= 3 && back <= size; back++) {
    uint8_t byte = bytes[size - back];
    if ((byte & 0xc0) == 0x80) continue;
    size_t length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc2 ? 2 : 1;
    if (length <= back || byte > 0xf4 || !tn_utf8_is_valid(bytes, size - back)) return false;
    uint8_t whole[4] = {0};
    memcpy(whole, bytes + size - back, back);
    for (uint32_t fill = 0x80; fill < 0xc0; fill += 0x10) {
      for (size_t i = back; i < length; i++)
        whole[i] = (uint8_t)fill;
      if (tn_utf8_is_valid(whole, length)) return true;
    }
    return false;
  }
  return false;
}

tn_error *tn_utf8_check(const tn_transfer *t, const uint8_t *bytes, uint64_t size) {
  if (tn_utf8_is_valid(bytes, size)) return NULL;
  if (t->source->options == NULL)
    return tn_error_new(TN_ERROR_ARGUMENT, "a string is not valid UTF-8");
  if (is_cut_off(bytes, size)) return tn_trap("incomplete utf-8 byte sequence");
  return tn_trap("invalid utf-8 byte sequence");
}

tn_error *tn_string_out_of_bounds(const tn_transfer *t, uint64_t length) {
  if (t->source->options == NULL) {
    return tn_error_new(TN_ERROR_ARGUMENT, "a string of %llu bytes is too long",
                        (unsigned long long)length);
  }
  return tn_fault_error(TN_FAULT_STRING_BOUNDS);
}

static tn_error *check_content(const tn_transfer *t, const source_string *s) {
  const uint8_t *bytes = source_bytes(t, s);
  if (s->encoding == SIMPLE_UTF8) return tn_utf8_check(t, bytes, s->bytes);
  if (s->encoding == SIMPLE_UTF16 && !tn_utf16_is_valid(bytes, s->units)) {
    return tn_trap("invalid utf-16: unpaired surrogate found");
  }
  return NULL;
}

/* load_string_from_range */
static tn_error *load_string(const tn_transfer *t, uint64_t pointer, uint64_t tagged,
                             source_string *out) {
  tn_string_encoding encoding =
      t->source->options == NULL ? TN_ENCODING_UTF8 : t->source->options->encoding;
  *out = (source_string){.offset = pointer, .units = tagged};
  if (encoding == TN_ENCODING_UTF8) {
    out->encoding = SIMPLE_UTF8;
  } else if (encoding == TN_ENCODING_UTF16) {
    out->encoding = SIMPLE_UTF16;
  } else {
    uint64_t tag = utf16_tag(t->source);
    out->encoding = (tagged & tag) != 0 ? SIMPLE_UTF16 : SIMPLE_LATIN1;
    out->units = tagged & ~tag;
  }
  uint64_t unit_size = out->encoding == SIMPLE_UTF16 ? 2 : 1;
  if (out->units > TN_MAX_BYTE_LENGTH / unit_size) return tn_string_out_of_bounds(t, out->units);
  out->bytes = out->units * unit_size;
  if (encoding != TN_ENCODING_UTF8 && (pointer & 1) != 0) return tn_fault_error(TN_FAULT_UNALIGNED);
  if (!tn_end_contains(t, t->source, pointer, out->bytes))
    return tn_string_out_of_bounds(t, out->units);
  return check_content(t, out);
}

/* Reads the character at `*position` (in bytes) and moves behind it. The bytes were found well-formed; a
 * sequence that nevertheless reaches beyond the end is cut off there, so that no bug elsewhere can make
 * this read outside the string. */
static inline uint32_t next_character(simple_encoding encoding, const uint8_t *bytes, uint64_t size,
                                      uint64_t *position) {
  const uint8_t *at = bytes + *position;
  uint64_t left = size - *position;
  uint32_t character = 0;
  if (encoding == SIMPLE_LATIN1) {
    *position += 1;
    return *at;
  }
  if (encoding == SIMPLE_UTF16) {
    uint16_t unit;
    memcpy(&unit, at, 2);
    *position += 2;
    if ((unit & 0xfc00) != 0xd800 || left < 4) return unit;
    *position += 2 * (tn_utf16_decode(at, &character) - 1);
    return character;
  }
  if (*at < 0x80 || left < 4) {
    uint8_t tail[4] = {0};
    memcpy(tail, at, left < 4 ? left : 4);
    uint64_t length = tn_utf8_decode(tail, &character);
    *position += length < left ? length : left;
    return character;
  }
  *position += tn_utf8_decode(at, &character);
  return character;
}

/* ---- writing ------------------------------------------------------------------------------------ */

/* Appends the rest of the string from `position` on as UTF-8 to out[0, room); returns the bytes written. */
static uint64_t write_utf8(const tn_transfer *t, const source_string *s, uint64_t position,
                           uint8_t *out, uint64_t room) {
  const uint8_t *bytes = source_bytes(t, s);
  uint64_t written = 0;
  while (position < s->bytes && written < room) {
    uint32_t character = next_character(s->encoding, bytes, s->bytes, &position);
    if (character < 0x80) {
      out[written++] = (uint8_t)character;
      continue;
    }
    uint8_t encoded[4];
    size_t length = tn_utf8_encode(character, encoded);
    if (length > room - written) break;
    memcpy(out + written, encoded, length);
    written += length;
  }
  return written;
}

/* Likewise as UTF-16; room and result in code units. */
static uint64_t write_utf16(const tn_transfer *t, const source_string *s, uint64_t position,
                            uint8_t *out, uint64_t room) {
  const uint8_t *bytes = source_bytes(t, s);
  uint64_t written = 0;
  while (position < s->bytes && written < room) {
    uint32_t character = next_character(s->encoding, bytes, s->bytes, &position);
    uint8_t encoded[4];
    size_t length = tn_utf16_encode(character, encoded);
    if (length > room - written) break;
    memcpy(out + 2 * written, encoded, 2 * length);
    written += length;
  }
  return written;
}

static tn_error *reallocate(tn_transfer *t, uint64_t *pointer, uint64_t old_size,
                            uint32_t alignment, uint64_t new_size) {
  return tn_guest_realloc(t, *pointer, old_size, alignment, new_size, TN_FAULT_REALLOC_STRING,
                          pointer);
}

/* store_string_copy, also from Latin-1 to UTF-16 */
static tn_error *store_copy(tn_transfer *t, const source_string *s, uint32_t unit_size,
                            uint32_t alignment, uint64_t *pointer, uint64_t *length) {
  uint64_t size = s->units * unit_size;
  *pointer = 0;
  *length = s->units;
  TN_TRY(reallocate(t, pointer, 0, alignment, size));
  const uint8_t *from = source_bytes(t, s);
  uint8_t *to = destination_bytes(t, *pointer);
  if (size == s->bytes) {
    if (size > 0) memcpy(to, from, size);
    return NULL;
  }
  for (uint64_t i = 0; i < s->units; i++) {
    to[2 * i] = from[i];
    to[2 * i + 1] = 0;
  }
  return NULL;
}

/* store_string_to_utf8 */
static tn_error *store_to_utf8(tn_transfer *t, const source_string *s, uint64_t worst_case,
                               uint64_t *pointer, uint64_t *length) {
  *pointer = 0;
  TN_TRY(reallocate(t, pointer, 0, 1, s->units));
  const uint8_t *from = source_bytes(t, s);
  uint8_t *to = destination_bytes(t, *pointer);
  uint64_t step = s->encoding == SIMPLE_UTF16 ? 2 : 1;
  uint64_t ascii = 0;
  while (ascii < s->units && from[ascii * step] < 0x80 &&
         (step == 1 || from[ascii * step + 1] == 0)) {
    to[ascii] = from[ascii * step];
    ascii++;
  }
  *length = s->units;
  if (ascii == s->units) return NULL;
  TN_TRY(reallocate(t, pointer, s->units, 1, worst_case));
  *length = ascii + write_utf8(t, s, ascii * step, destination_bytes(t, *pointer + ascii),
                               worst_case - ascii);
  if (*length < worst_case) return reallocate(t, pointer, worst_case, 1, *length);
  return NULL;
}

/* store_utf8_to_utf16 */
static tn_error *store_to_utf16(tn_transfer *t, const source_string *s, uint64_t *pointer,
                                uint64_t *length) {
  uint64_t worst_case = 2 * s->units;
  *pointer = 0;
  TN_TRY(reallocate(t, pointer, 0, 2, worst_case));
  *length = write_utf16(t, s, 0, destination_bytes(t, *pointer), s->units);
  if (2 * *length < worst_case) return reallocate(t, pointer, worst_case, 2, 2 * *length);
  return NULL;
}

/* The second half of store_string_to_latin1_or_utf16: a character above U+00FF has turned up at `position`
 * of the source after `done` bytes of Latin-1. */
static tn_error *widen_to_utf16(tn_transfer *t, const source_string *s, uint64_t position,
                                uint64_t done, uint64_t *pointer, uint64_t *length) {
  uint64_t worst_case = 2 * s->units;
  TN_TRY(reallocate(t, pointer, s->units, 2, worst_case));
  uint8_t *to = destination_bytes(t, *pointer);
  for (uint64_t j = done; j-- > 0;) {
    to[2 * j] = to[j];
    to[2 * j + 1] = 0;
  }
  uint64_t units = done + write_utf16(t, s, position, to + 2 * done, s->units - done);
  if (2 * units < worst_case) TN_TRY(reallocate(t, pointer, worst_case, 2, 2 * units));
  *length = units | utf16_tag(t->destination);
  return NULL;
}

/* store_string_to_latin1_or_utf16 */
static tn_error *store_to_latin1_or_utf16(tn_transfer *t, const source_string *s, uint64_t *pointer,
                                          uint64_t *length) {
  *pointer = 0;
  TN_TRY(reallocate(t, pointer, 0, 2, s->units));
  const uint8_t *from = source_bytes(t, s);
  uint8_t *to = destination_bytes(t, *pointer);
  uint64_t position = 0, done = 0;
  while (position < s->bytes && done < s->units) {
    uint64_t next = position;
    uint32_t character = next_character(s->encoding, from, s->bytes, &next);
    if (character > 0xff) return widen_to_utf16(t, s, position, done, pointer, length);
    to[done++] = (uint8_t)character;
    position = next;
  }
  *length = done;
  if (done < s->units) return reallocate(t, pointer, s->units, 2, done);
  return NULL;
}

/* store_probably_utf16_to_latin1_or_utf16 */
static tn_error *store_probably_utf16(tn_transfer *t, const source_string *s, uint64_t *pointer,
                                      uint64_t *length) {
  *pointer = 0;
  TN_TRY(reallocate(t, pointer, 0, 2, s->bytes));
  uint8_t *to = destination_bytes(t, *pointer);
  if (s->bytes > 0) memcpy(to, source_bytes(t, s), s->bytes);
  uint8_t high = 0;
  for (uint64_t i = 0; i < s->units; i++)
    high |= to[2 * i + 1];
  if (high != 0) {
    *length = s->units | utf16_tag(t->destination);
    return NULL;
  }
  for (uint64_t i = 0; i < s->units; i++)
    to[i] = to[2 * i];
  *length = s->units;
  return reallocate(t, pointer, s->bytes, 1, s->units);
}

/* store_string_into_range */
static tn_error *store_to_guest(tn_transfer *t, const source_string *s, uint64_t *pointer,
                                uint64_t *length) {
  switch (t->destination->options->encoding) {
  case TN_ENCODING_UTF8:
    if (s->encoding == SIMPLE_UTF8) return store_copy(t, s, 1, 1, pointer, length);
    return store_to_utf8(t, s, s->units * (s->encoding == SIMPLE_UTF16 ? 3 : 2), pointer, length);
  case TN_ENCODING_UTF16:
    if (s->encoding == SIMPLE_UTF8) return store_to_utf16(t, s, pointer, length);
    return store_copy(t, s, 2, 2, pointer, length);
  case TN_ENCODING_LATIN1_UTF16:
    break;
  }
  bool is_tagged =
      s->encoding == SIMPLE_UTF16 && t->source->options->encoding == TN_ENCODING_LATIN1_UTF16;
  if (is_tagged) return store_probably_utf16(t, s, pointer, length);
  if (s->encoding == SIMPLE_LATIN1) return store_copy(t, s, 1, 2, pointer, length);
  return store_to_latin1_or_utf16(t, s, pointer, length);
}

/* The host's strings are UTF-8 in an arena, ended by NUL for good measure. */
static tn_error *store_to_host(tn_transfer *t, const source_string *s, uint64_t *pointer,
                               uint64_t *length) {
  uint64_t worst_case = s->units * (s->encoding == SIMPLE_UTF16    ? 3
                                    : s->encoding == SIMPLE_LATIN1 ? 2
                                                                   : 1);
  void *out;
  TN_TRY(tn_transfer_alloc(t, worst_case + 1, 1, &out));
  *length = write_utf8(t, s, 0, out, worst_case);
  ((char *)out)[*length] = '\0';
  *pointer = (uintptr_t)out;
  return NULL;
}

tn_error *tn_string_transfer(tn_transfer *t, uint64_t pointer, uint64_t tagged_length,
                             uint64_t *out_pointer, uint64_t *out_length) {
  source_string s;
  TN_TRY(load_string(t, pointer, tagged_length, &s));
  if (t->destination->options == NULL) return store_to_host(t, &s, out_pointer, out_length);
  return store_to_guest(t, &s, out_pointer, out_length);
}
