/* Floating-point numbers: hexadecimal, which is exact, with the shortest decimal for people in a comment. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compose/print/printer.h"

/* A format by its widths; `bits` without the sign. */
typedef struct float_bits {
  uint64_t bits;
  bool is_negative;
  uint32_t fraction_width;
  uint32_t exponent_width;
  double value; /* the same number, or not a number; a float is also a double */
} float_bits;

static uint64_t fraction_of(const float_bits *number) {
  return number->bits & ((UINT64_C(1) << number->fraction_width) - 1);
}

static void print_nan(tn_printer *p, const float_bits *number) {
  uint64_t payload = fraction_of(number);
  tn_print_text(p, "nan");
  if (payload != UINT64_C(1) << (number->fraction_width - 1))
    tn_buffer_format(&p->out, ":0x%llx", (unsigned long long)payload);
}

static void print_hexadecimal(tn_printer *p, const float_bits *number) {
  static const char digits[] = "0123456789abcdef";
  int32_t bias = (1 << (number->exponent_width - 1)) - 1;
  int32_t exponent = (int32_t)(number->bits >> number->fraction_width) - bias;
  uint64_t fraction = fraction_of(number) << (64 - number->fraction_width);
  if (number->bits == 0) {
    tn_print_text(p, "0x0p+0");
    return;
  }
  if (exponent == -bias) { /* subnormal: the first one becomes the one before the point */
    int zeros = __builtin_clzll(fraction);
    exponent -= zeros;
    fraction = zeros == 63 ? 0 : fraction << (zeros + 1);
  }
  tn_print_text(p, "0x1");
  if (fraction != 0) tn_print_text(p, ".");
  for (; fraction != 0; fraction <<= 4)
    tn_buffer_append_byte(&p->out, (uint8_t)digits[fraction >> 60]);
  tn_buffer_format(&p->out, "p%+d", exponent);
}

static bool reads_back(const float_bits *number, const char *text) {
  if (number->exponent_width == 8) return (double)strtof(text, NULL) == number->value;
  return strtod(text, NULL) == number->value;
}

/* One more in the last place before the exponent. Next to a power of two, the shortest number that reads back may
 * be further off than that which is nearest. */
static void round_up(char *text) {
  char *last = strchr(text, 'e') - 1;
  if (*last >= '0' && *last < '9') ++*last;
}

/* Without an exponent, however many zeros that takes. */
static void print_decimal(tn_printer *p, const float_bits *number) {
  enum { MOST_DIGITS = 17 };
  char text[32] = "", digits[MOST_DIGITS + 1];
  int count = 0, point;
  for (int precision = 0; precision < MOST_DIGITS; precision++) {
    snprintf(text, sizeof text, "%.*e", precision, number->value);
    if (reads_back(number, text)) break;
    round_up(text);
    if (reads_back(number, text)) break;
  }
  for (const char *at = text; *at != 'e' && *at != '\0'; at++) {
    if (*at >= '0' && *at <= '9' && count < MOST_DIGITS) digits[count++] = *at;
  }
  point = atoi(strchr(text, 'e') + 1) + 1;
  if (point <= 0) tn_print_text(p, "0.");
  for (int i = point; i < 0; i++)
    tn_print_text(p, "0");
  for (int i = 0; i < count; i++) {
    if (i == point && i > 0) tn_print_text(p, ".");
    tn_buffer_append_byte(&p->out, (uint8_t)digits[i]);
  }
  for (int i = count; i < point; i++)
    tn_print_text(p, "0");
}

static void print_float(tn_printer *p, const float_bits *number) {
  const char *sign = number->is_negative ? "-" : "";
  tn_print_text(p, sign);
  if (isnan(number->value)) {
    print_nan(p, number);
    tn_print_text(p, " (;=NaN;)");
  } else if (isinf(number->value)) {
    tn_buffer_format(&p->out, "inf (;=%sinf;)", sign);
  } else {
    print_hexadecimal(p, number);
    tn_buffer_format(&p->out, " (;=%s", sign);
    if (number->bits == 0) {
      tn_print_text(p, "0");
    } else {
      print_decimal(p, number);
    }
    tn_print_text(p, ";)");
  }
}

void tn_print_f32(tn_printer *p, uint32_t bits) {
  uint32_t magnitude = bits & 0x7fffffff;
  float value;
  memcpy(&value, &magnitude, sizeof value);
  print_float(p, &(float_bits){magnitude, bits != magnitude, 23, 8, (double)value});
}

void tn_print_f64(tn_printer *p, uint64_t bits) {
  uint64_t magnitude = bits & (UINT64_MAX >> 1);
  double value;
  memcpy(&value, &magnitude, sizeof value);
  print_float(p, &(float_bits){magnitude, bits != magnitude, 52, 11, value});
}
