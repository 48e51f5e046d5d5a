#include "wasi/sockets/idna.h"

#include <locale.h>
#include <stdint.h>
#include <string.h>
#include <wctype.h>

#include "base/str.h"
#include "base/utf.h"

enum { LABEL_MAX = 63 };

/* The characters of one label. Invariant: len <= LABEL_MAX, because none takes less than a character of the
 * ASCII form. */
typedef struct idna_label {
  uint32_t characters[LABEL_MAX];
  uint32_t len;
  bool is_ascii;
} idna_label;

/* What is written so far. */
typedef struct idna_writer {
  char *out;
  uint32_t len;
  uint32_t max; /* of this label */
  bool is_full;
} idna_writer;

static void idna_put(idna_writer *writer, char byte) {
  if (writer->len >= writer->max) {
    writer->is_full = true;
  } else {
    writer->out[writer->len++] = byte;
  }
}

/* ---- Punycode (RFC 3492) ------------------------------------------------------------------------- */

enum {
  BASE = 36,
  T_MIN = 1,
  T_MAX = 26,
  SKEW = 38,
  DAMP = 700,
  INITIAL_BIAS = 72,
  INITIAL_N = 128
};

/* RFC 3492, section 6.1 */
static uint32_t punycode_adapt(uint32_t delta, uint32_t count, bool is_first) {
  uint32_t bias = 0;
  delta = is_first ? delta / DAMP : delta / 2;
  delta += delta / count;
  for (; delta > (BASE - T_MIN) * T_MAX / 2; bias += BASE)
    delta /= BASE - T_MIN;
  return bias + (BASE - T_MIN + 1) * delta / (delta + SKEW);
}

static char punycode_digit(uint32_t digit) {
  return (char)(digit < 26 ? 'a' + digit : '0' + (digit - 26));
}

static void punycode_put_number(idna_writer *writer, uint32_t number, uint32_t bias) {
  for (uint32_t k = BASE;; k += BASE) {
    uint32_t t = k <= bias ? T_MIN : k >= bias + T_MAX ? T_MAX : k - bias;
    if (number < t) break;
    idna_put(writer, punycode_digit(t + (number - t) % (BASE - t)));
    number = (number - t) / (BASE - t);
  }
  idna_put(writer, punycode_digit(number));
}

static uint32_t smallest_from(const idna_label *label, uint32_t lowest) {
  uint32_t smallest = UINT32_MAX;
  for (uint32_t i = 0; i < label->len; i++) {
    if (label->characters[i] >= lowest && label->characters[i] < smallest)
      smallest = label->characters[i];
  }
  return smallest;
}

/* RFC 3492, section 6.3. Nothing overflows: at most 63 characters below 0x110000 make deltas below 2^27. */
static void punycode_put(idna_writer *writer, const idna_label *label) {
  for (uint32_t i = 0; i < label->len; i++) {
    if (label->characters[i] < INITIAL_N) idna_put(writer, (char)label->characters[i]);
  }
  uint32_t basic = 0;
  for (uint32_t i = 0; i < label->len; i++)
    basic += label->characters[i] < INITIAL_N;
  if (basic > 0) idna_put(writer, '-');

  uint32_t n = INITIAL_N, delta = 0, bias = INITIAL_BIAS;
  for (uint32_t done = basic; done < label->len; delta++, n++) {
    uint32_t next = smallest_from(label, n);
    delta += (next - n) * (done + 1);
    n = next;
    for (uint32_t i = 0; i < label->len; i++) {
      if (label->characters[i] < n) delta++;
      if (label->characters[i] != n) continue;
      punycode_put_number(writer, delta, bias);
      bias = punycode_adapt(delta, done + 1, done == basic);
      delta = 0;
      done++;
    }
  }
}

/* ---- names --------------------------------------------------------------------------------------- */

static bool is_dot(uint32_t character) {
  /* Full stop and what IDNA takes for one (RFC 3490, section 3.1). */
  return character == '.' || character == 0x3002 || character == 0xff0e || character == 0xff61;
}

static bool is_letter(uint32_t character) {
  return character >= 'a' && character <= 'z';
}

static bool is_digit(uint32_t character) {
  return character >= '0' && character <= '9';
}

/* Underscores are no part of host names proper, but in use. */
static bool is_allowed(uint32_t character, locale_t unicode) {
  if (character >= INITIAL_N) {
    return unicode != (locale_t)0 &&
           (iswalnum_l((wint_t)character, unicode) ||
            iswctype_l((wint_t)character, wctype_l("combining", unicode), unicode));
  }
  return is_letter(character) || is_digit(character) || character == '-' || character == '_';
}

static uint32_t to_lower(uint32_t character, locale_t unicode) {
  if (character >= 'A' && character <= 'Z') return character - 'A' + 'a';
  if (character < INITIAL_N || unicode == (locale_t)0) return character;
  return (uint32_t)towlower_l((wint_t)character, unicode);
}

/* Reads up to the next dot or the end. */
static bool read_label(tn_str name, size_t *position, locale_t unicode, idna_label *out) {
  out->len = 0;
  out->is_ascii = true;
  while (*position < name.len) {
    uint32_t character;
    size_t size = tn_utf8_decode((const uint8_t *)name.data + *position, &character);
    if (is_dot(character)) break;
    *position += size;
    character = to_lower(character, unicode);
    if (out->len == LABEL_MAX || !is_allowed(character, unicode)) return false;
    out->characters[out->len++] = character;
    if (character >= INITIAL_N) out->is_ascii = false;
  }
  return out->len > 0 && out->characters[0] != '-' && out->characters[out->len - 1] != '-';
}

static void put_label(idna_writer *writer, const idna_label *label) {
  writer->max = writer->len + LABEL_MAX;
  if (writer->max > TN_HOST_NAME_SIZE - 1) writer->max = TN_HOST_NAME_SIZE - 1;
  if (label->is_ascii) {
    for (uint32_t i = 0; i < label->len; i++)
      idna_put(writer, (char)label->characters[i]);
  } else {
    for (const char *c = "xn--"; *c != 0; c++)
      idna_put(writer, *c);
    punycode_put(writer, label);
  }
}

/* "127", "0177", "0x7f": inet_aton would read it. */
static bool is_number(const idna_label *label) {
  if (label->len >= 2 && label->characters[0] == '0' && label->characters[1] == 'x') {
    for (uint32_t i = 2; i < label->len; i++) {
      uint32_t c = label->characters[i];
      if (!is_digit(c) && !(c >= 'a' && c <= 'f')) return false;
    }
    return true;
  }
  for (uint32_t i = 0; i < label->len; i++) {
    if (!is_digit(label->characters[i])) return false;
  }
  return true;
}

static size_t dot_size(tn_str name, size_t position) {
  uint32_t character;
  return tn_utf8_decode((const uint8_t *)name.data + position, &character);
}

static bool convert(tn_str name, locale_t unicode, idna_writer *writer) {
  idna_label label;
  size_t position = 0;
  for (;;) {
    if (!read_label(name, &position, unicode, &label)) return false;
    put_label(writer, &label);
    if (position < name.len) position += dot_size(name, position);
    if (position >= name.len) break; /* a dot at the very end says that the name is complete */
    writer->max = TN_HOST_NAME_SIZE - 1;
    idna_put(writer, '.');
  }
  return !writer->is_full && !is_number(&label);
}

bool tn_host_name_to_ascii(tn_str name, char out[TN_HOST_NAME_SIZE]) {
  /* No name whose ASCII form fits is longer than 4 bytes a character. */
  if (name.len == 0 || name.len > 4 * TN_HOST_NAME_SIZE || !tn_utf8_is_valid(name.data, name.len))
    return false;
  idna_writer writer = {.out = out};
  locale_t unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
  bool is_name = convert(name, unicode, &writer);
  if (unicode != (locale_t)0) freelocale(unicode);
  out[writer.len] = 0;
  return is_name;
}
