#include "value/number.h"

#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "value/native.h"
#include "wit/text.h"

/* ---- literals ----------------------------------------------------------------------------------- */

static size_t skip_digits(tn_str text, size_t at) {
  while (at < text.len && tn_text_is(text.data[at], TN_TEXT_DIGIT))
    at++;
  return at;
}

static bool is_at(tn_str text, size_t at, char c) {
  return at < text.len && text.data[at] == c;
}

size_t tn_number_length(tn_str text, size_t offset, bool *is_integer) {
  size_t at = offset;
  *is_integer = true;
  if (is_at(text, at, '-')) at++;
  size_t digits = at;
  at = is_at(text, at, '0') ? at + 1 : skip_digits(text, at);
  if (at == digits) return 0;
  if (is_at(text, at, '.')) {
    size_t end = skip_digits(text, at + 1);
    if (end > at + 1) {
      at = end;
      *is_integer = false;
    }
  }
  if (is_at(text, at, 'e') || is_at(text, at, 'E')) {
    size_t exponent = at + 1;
    if (is_at(text, exponent, '-') || is_at(text, exponent, '+')) exponent++;
    size_t end = skip_digits(text, exponent);
    if (end > exponent) {
      at = end;
      *is_integer = false;
    }
  }
  return at - offset;
}

/* ---- integers ----------------------------------------------------------------------------------- */

typedef struct integer_range {
  int64_t min;
  uint64_t max;
  const char *text;
} integer_range;

static const integer_range ranges[] = {
    [TN_TYPE_S8] = {INT8_MIN, INT8_MAX, "-128 to 127"},
    [TN_TYPE_U8] = {0, UINT8_MAX, "0 to 255"},
    [TN_TYPE_S16] = {INT16_MIN, INT16_MAX, "-32768 to 32767"},
    [TN_TYPE_U16] = {0, UINT16_MAX, "0 to 65535"},
    [TN_TYPE_S32] = {INT32_MIN, INT32_MAX, "-2147483648 to 2147483647"},
    [TN_TYPE_U32] = {0, UINT32_MAX, "0 to 4294967295"},
    [TN_TYPE_S64] = {INT64_MIN, INT64_MAX, "-9223372036854775808 to 9223372036854775807"},
    [TN_TYPE_U64] = {0, UINT64_MAX, "0 to 18446744073709551615"},
};

const char *tn_number_range(tn_type_kind kind) {
  return ranges[kind].text;
}

/* Two's complement makes signed and unsigned the same. */
static void store_integer(tn_type_kind kind, uint64_t bits, void *out) {
  switch (tn_type_primitive(kind)->layout[TN_NATIVE].size) {
  case 1:
    *(uint8_t *)out = (uint8_t)bits;
    break;
  case 2:
    *(uint16_t *)out = (uint16_t)bits;
    break;
  case 4:
    *(uint32_t *)out = (uint32_t)bits;
    break;
  default:
    *(uint64_t *)out = bits;
    break;
  }
}

bool tn_number_read_integer(tn_type_kind kind, tn_str digits, void *out) {
  bool is_negative = digits.data[0] == '-';
  uint64_t magnitude = 0;
  for (size_t i = is_negative; i < digits.len; i++) {
    if (__builtin_mul_overflow(magnitude, 10, &magnitude)) return false;
    if (__builtin_add_overflow(magnitude, (uint64_t)(digits.data[i] - '0'), &magnitude))
      return false;
  }
  uint64_t limit = is_negative ? -(uint64_t)ranges[kind].min : ranges[kind].max;
  if (magnitude > limit) return false;
  store_integer(kind, is_negative ? -magnitude : magnitude, out);
  return true;
}

void tn_number_print_integer(tn_buffer *out, tn_type_kind kind, const void *value) {
  switch (kind) {
  case TN_TYPE_S8:
    tn_buffer_format(out, "%d", *(const int8_t *)value);
    break;
  case TN_TYPE_U8:
    tn_buffer_format(out, "%u", *(const uint8_t *)value);
    break;
  case TN_TYPE_S16:
    tn_buffer_format(out, "%d", *(const int16_t *)value);
    break;
  case TN_TYPE_U16:
    tn_buffer_format(out, "%u", *(const uint16_t *)value);
    break;
  case TN_TYPE_S32:
    tn_buffer_format(out, "%" PRId32, *(const int32_t *)value);
    break;
  case TN_TYPE_U32:
    tn_buffer_format(out, "%" PRIu32, *(const uint32_t *)value);
    break;
  case TN_TYPE_S64:
    tn_buffer_format(out, "%" PRId64, *(const int64_t *)value);
    break;
  default:
    tn_buffer_format(out, "%" PRIu64, *(const uint64_t *)value);
    break;
  }
}

/* ---- floats ------------------------------------------------------------------------------------- */

/* The C library's conversions follow the embedder's locale; text has a '.' in every one. glibc answers with
 * a static object, so that this neither allocates nor fails; elsewhere NULL leaves the locale as it is. */
static locale_t enter_c_locale(locale_t *c_locale) {
  *c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  return *c_locale == (locale_t)0 ? (locale_t)0 : uselocale(*c_locale);
}

static void leave_c_locale(locale_t previous, locale_t c_locale) {
  if (c_locale == (locale_t)0) return;
  uselocale(previous);
  freelocale(c_locale);
}

tn_error *tn_number_read_float(tn_arena *arena, tn_type_kind kind, tn_str literal, void *out,
                               bool *in_range) {
  char room[64];
  const char *text = room;
  if (literal.len < sizeof room) {
    memcpy(room, literal.data, literal.len);
    room[literal.len] = '\0';
  } else {
    text = tn_arena_copy(arena, literal).data;
    if (text == NULL) return tn_error_no_memory();
  }
  locale_t c_locale;
  locale_t previous = enter_c_locale(&c_locale);
  if (kind == TN_TYPE_F32) {
    float value = strtof(text, NULL);
    *in_range = !isinf(value);
    *(float *)out = value;
  } else {
    double value = strtod(text, NULL);
    *in_range = !isinf(value);
    *(double *)out = value;
  }
  leave_c_locale(previous, c_locale);
  return NULL;
}

static bool reads_back(tn_type_kind kind, const char *text, double value) {
  return kind == TN_TYPE_F32 ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value;
}

/* "1e+20" -> "1e20", "1e-07" -> "1e-7" */
static void append_plain_exponent(tn_buffer *out, const char *text) {
  const char *exponent = strchr(text, 'e');
  if (exponent == NULL) {
    tn_buffer_append_text(out, text);
    return;
  }
  tn_buffer_append(out, text, (size_t)(exponent - text) + 1);
  exponent++;
  if (*exponent == '-') tn_buffer_append_byte(out, '-');
  exponent++;
  while (*exponent == '0')
    exponent++;
  tn_buffer_append_text(out, exponent);
}

static void print_finite(tn_buffer *out, tn_type_kind kind, double value) {
  /* Below it whole numbers are written without an exponent. */
  static const double PLAIN_INTEGERS = 1e15;
  char text[48];
  if (value == floor(value) && fabs(value) < PLAIN_INTEGERS) {
    snprintf(text, sizeof text, "%.0f", value);
    if (reads_back(kind, text, value)) {
      tn_buffer_append_text(out, text);
      return;
    }
  }
  /* 9 and 17 digits are always enough. */
  int most = kind == TN_TYPE_F32 ? 9 : 17;
  for (int digits = 1; digits <= most; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, value);
    if (reads_back(kind, text, value)) break;
  }
  append_plain_exponent(out, text);
}

void tn_number_print_float(tn_buffer *out, tn_type_kind kind, const void *value) {
  double number = kind == TN_TYPE_F32 ? (double)*(const float *)value : *(const double *)value;
  if (isnan(number)) {
    tn_buffer_append_text(out, "nan");
  } else if (isinf(number)) {
    tn_buffer_append_text(out, number < 0 ? "-inf" : "inf");
  } else {
    locale_t c_locale;
    locale_t previous = enter_c_locale(&c_locale);
    print_finite(out, kind, number);
    leave_c_locale(previous, c_locale);
  }
}
