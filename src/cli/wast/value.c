/* Script values and native values; the native forms are described in tenon.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/wast/wast.h"

/* ---- numbers ------------------------------------------------------------------------------------ */

/* The text without underscores, ended by NUL. False: too long for a number. */
static bool clean_number(tn_str text, char *out, size_t room) {
  size_t used = 0;
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] == '_') continue;
    if (used + 1 >= room) return false;
    out[used++] = text.data[i];
  }
  out[used] = '\0';
  return used > 0;
}

/* An integer of up to 64 bits, two's complement. Core values may be written signed or unsigned. */
static bool read_integer(tn_str text, uint64_t *out) {
  char number[80];
  if (!clean_number(text, number, sizeof number)) return false;
  const char *digits = number[0] == '-' || number[0] == '+' ? number + 1 : number;
  if (digits[0] < '0' || digits[0] > '9') return false;
  int base = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X') ? 16 : 10;
  char *end;
  errno = 0;
  uint64_t magnitude = strtoull(digits, &end, base);
  if (*end != '\0' || errno != 0) return false;
  *out = number[0] == '-' ? 0 - magnitude : magnitude;
  return true;
}

static bool has_prefix(tn_str text, const char *prefix) {
  size_t length = strlen(prefix);
  return text.len >= length && memcmp(text.data, prefix, length) == 0;
}

static bool is_nan_text(tn_str text) {
  return has_prefix(text, "nan") || has_prefix(text, "-nan") || has_prefix(text, "+nan");
}

static const uint32_t canonical_nan32 = 0x7fc00000;
static const uint64_t canonical_nan64 = 0x7ff8000000000000;

static bool read_f32_bits(const wast_value *value, uint32_t *bits) {
  uint64_t wide;
  if (value->is_float_bits && !is_nan_text(value->text)) {
    if (!read_integer(value->text, &wide) || wide > UINT32_MAX) return false;
    *bits = (uint32_t)wide;
    return true;
  }
  char number[128], *end;
  *bits = canonical_nan32;
  if (is_nan_text(value->text)) return true;
  if (!clean_number(value->text, number, sizeof number)) return false;
  float result = strtof(number, &end);
  memcpy(bits, &result, sizeof result);
  return *end == '\0';
}

static bool read_f64_bits(const wast_value *value, uint64_t *bits) {
  if (value->is_float_bits && !is_nan_text(value->text)) return read_integer(value->text, bits);
  char number[512], *end;
  *bits = canonical_nan64;
  if (is_nan_text(value->text)) return true;
  if (!clean_number(value->text, number, sizeof number)) return false;
  double result = strtod(number, &end);
  memcpy(bits, &result, sizeof result);
  return *end == '\0';
}

static bool is_float(tn_type_kind kind) {
  return kind == TN_TYPE_F32 || kind == TN_TYPE_F64;
}

static bool is_scalar(tn_type_kind kind) {
  return kind <= TN_TYPE_CHAR;
}

/* The one character of a text. */
static bool read_char(tn_str text, uint64_t *out) {
  const unsigned char *at = (const unsigned char *)text.data;
  static const uint8_t masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
  if (text.len < 1 || text.len > 4) return false;
  *out = at[0] & masks[text.len];
  for (size_t i = 1; i < text.len; i++)
    *out = *out << 6 | (at[i] & 0x3f);
  return true;
}

/* The bits of a scalar, as wide as its native form. */
static bool read_scalar(const wast_value *value, uint64_t *bits) {
  uint32_t narrow;
  switch (value->kind) {
  case TN_TYPE_BOOL:
    *bits = has_prefix(value->text, "true");
    return true;
  case TN_TYPE_CHAR:
    return read_char(value->text, bits);
  case TN_TYPE_F64:
    return read_f64_bits(value, bits);
  case TN_TYPE_F32:
    if (!read_f32_bits(value, &narrow)) return false;
    *bits = narrow;
    return true;
  default:
    return read_integer(value->text, bits);
  }
}

/* ---- shapes ------------------------------------------------------------------------------------- */

static bool is_kind_of(const wast_value *value, const tn_type *type) {
  tn_type_kind kind = tn_type_get_kind(type);
  if (kind == TN_TYPE_FIXED_LIST || kind == TN_TYPE_MAP) return value->kind == TN_TYPE_LIST;
  return value->kind == kind;
}

/* The part of that name, or its count when there is none. */
static size_t find_part(const tn_type *type, tn_str name) {
  size_t count = tn_type_part_count(type);
  for (size_t i = 0; i < count; i++) {
    tn_str part = tn_type_part_name(type, i);
    if (part.len == name.len && memcmp(part.data, name.data, name.len) == 0) return i;
  }
  return count;
}

typedef struct native_list {
  void *data;
  size_t len;
} native_list;

/* How the elements of a list or map lie in memory. `key` and `value` are of maps only. */
typedef struct element_layout {
  const tn_type *element;
  const tn_type *key, *value;
  size_t value_offset, size, alignment;
} element_layout;

static size_t align_up(size_t offset, size_t alignment) {
  return (offset + alignment - 1) & ~(alignment - 1);
}

static element_layout layout_of(const tn_type *type) {
  element_layout layout = {.element = tn_type_part(type, 0)};
  layout.size = tn_type_get_size(layout.element);
  layout.alignment = tn_type_get_alignment(layout.element);
  if (tn_type_get_kind(type) != TN_TYPE_MAP) return layout;
  layout.key = layout.element;
  layout.value = tn_type_part(type, 1);
  layout.element = NULL;
  size_t value_alignment = tn_type_get_alignment(layout.value);
  layout.value_offset = align_up(layout.size, value_alignment);
  if (value_alignment > layout.alignment) layout.alignment = value_alignment;
  layout.size = align_up(layout.value_offset + tn_type_get_size(layout.value), layout.alignment);
  return layout;
}

/* ---- writing ------------------------------------------------------------------------------------ */

static const char *write_element(const wast_value *value, const element_layout *layout, char *out,
                                 tn_values *memory) {
  if (layout->element != NULL) return wast_value_write(value, layout->element, out, memory);
  if (value->kind != TN_TYPE_TUPLE || value->count != 2)
    return "an entry of a map is not a tuple of two";
  const char *wrong = wast_value_write(&value->items[0], layout->key, out, memory);
  if (wrong != NULL) return wrong;
  return wast_value_write(&value->items[1], layout->value, out + layout->value_offset, memory);
}

static const char *write_list(const wast_value *value, const tn_type *type, void *out,
                              tn_values *memory) {
  element_layout layout = layout_of(type);
  native_list list = {NULL, value->count};
  if (value->count > 0) {
    list.data = tn_values_alloc(memory, layout.size * value->count, layout.alignment);
    if (list.data == NULL) return "out of memory";
  }
  for (size_t i = 0; i < value->count; i++) {
    const char *wrong =
        write_element(&value->items[i], &layout, (char *)list.data + i * layout.size, memory);
    if (wrong != NULL) return wrong;
  }
  memcpy(out, &list, sizeof list);
  return NULL;
}

static const char *write_fixed_list(const wast_value *value, const tn_type *type, char *out,
                                    tn_values *memory) {
  const tn_type *element = tn_type_part(type, 0);
  if (value->count != tn_type_length(type)) return "a fixed-length list has another length";
  for (size_t i = 0; i < value->count; i++) {
    const char *wrong =
        wast_value_write(&value->items[i], element, out + i * tn_type_get_size(element), memory);
    if (wrong != NULL) return wrong;
  }
  return NULL;
}

static const char *write_fields(const wast_value *value, const tn_type *type, char *out,
                                tn_values *memory) {
  size_t count = tn_type_part_count(type);
  if (value->count != count) return "wrong number of fields";
  for (size_t i = 0; i < count; i++) {
    size_t part = value->kind == TN_TYPE_RECORD ? find_part(type, value->items[i].name) : i;
    if (part == count) return "no field of that name";
    const char *wrong = wast_value_write(&value->items[i], tn_type_part(type, part),
                                         out + tn_type_part_offset(type, part), memory);
    if (wrong != NULL) return wrong;
  }
  return NULL;
}

static void store_bits(void *out, uint64_t bits, size_t size) {
  memcpy(out, &bits, size); /* little-endian hosts only, as WebAssembly's own memory */
}

static uint64_t load_bits(const void *native, size_t size) {
  uint64_t bits = 0;
  memcpy(&bits, native, size);
  return bits;
}

static const char *write_flags(const wast_value *value, const tn_type *type, void *out) {
  uint64_t bits = 0;
  for (size_t i = 0; i < value->count; i++) {
    size_t part = find_part(type, value->items[i].name);
    if (part == tn_type_part_count(type)) return "no flag of that name";
    bits |= UINT64_C(1) << part;
  }
  store_bits(out, bits, tn_type_discriminant_size(type));
  return NULL;
}

static const char *write_case(const wast_value *value, const tn_type *type, size_t part, char *out,
                              tn_values *memory) {
  const tn_type *payload = tn_type_part(type, part);
  if ((payload != NULL) != (value->count == 1))
    return "a case has a payload where it should have none, or none";
  if (payload == NULL) return NULL;
  return wast_value_write(&value->items[0], payload, out + tn_type_part_offset(type, part), memory);
}

/* The case that is chosen: its part, and the discriminant. False: no such case. */
static bool find_case(const wast_value *value, const tn_type *type, size_t *part,
                      uint64_t *discriminant) {
  if (value->kind == TN_TYPE_OPTION) {
    *part = 0;
    *discriminant = value->count;
    return true;
  }
  *part = value->kind == TN_TYPE_RESULT ? value->name.data[0] == 'e' : find_part(type, value->name);
  *discriminant = *part;
  return *part < tn_type_part_count(type);
}

static size_t discriminant_size(const tn_type *type) {
  tn_type_kind kind = tn_type_get_kind(type);
  return kind == TN_TYPE_OPTION || kind == TN_TYPE_RESULT ? 1 : tn_type_discriminant_size(type);
}

static const char *write_chosen(const wast_value *value, const tn_type *type, char *out,
                                tn_values *memory) {
  size_t part;
  uint64_t discriminant;
  if (!find_case(value, type, &part, &discriminant)) return "no case of that name";
  store_bits(out, discriminant, discriminant_size(type));
  if (value->kind == TN_TYPE_ENUM || (value->kind == TN_TYPE_OPTION && value->count == 0))
    return NULL;
  return write_case(value, type, part, out, memory);
}

const char *wast_value_write(const wast_value *value, const tn_type *type, void *out,
                             tn_values *memory) {
  uint64_t bits;
  if (!is_kind_of(value, type)) return "a value is of another type than the function's";
  memset(out, 0, tn_type_get_size(type));
  switch (tn_type_get_kind(type)) {
  case TN_TYPE_STRING:
    memcpy(out, &value->text, sizeof value->text);
    return NULL;
  case TN_TYPE_LIST:
  case TN_TYPE_MAP:
    return write_list(value, type, out, memory);
  case TN_TYPE_FIXED_LIST:
    return write_fixed_list(value, type, out, memory);
  case TN_TYPE_RECORD:
  case TN_TYPE_TUPLE:
    return write_fields(value, type, out, memory);
  case TN_TYPE_FLAGS:
    return write_flags(value, type, out);
  case TN_TYPE_ENUM:
  case TN_TYPE_VARIANT:
  case TN_TYPE_OPTION:
  case TN_TYPE_RESULT:
    return write_chosen(value, type, out, memory);
  default:
    if (!is_scalar(value->kind)) return "values of this type cannot be written in a script";
    if (!read_scalar(value, &bits)) return "a number cannot be read";
    store_bits(out, bits, tn_type_get_size(type));
    return NULL;
  }
}

/* ---- comparing ---------------------------------------------------------------------------------- */

static bool matches_float(const wast_value *value, const void *native) {
  bool is_wide = value->kind == TN_TYPE_F64;
  size_t size = is_wide ? 8 : 4;
  uint64_t actual = load_bits(native, size), expected;
  if (!is_nan_text(value->text)) return read_scalar(value, &expected) && expected == actual;
  uint64_t quiet = is_wide ? canonical_nan64 : canonical_nan32;
  uint64_t sign = UINT64_C(1) << (size * 8 - 1);
  if (has_prefix(value->text, "nan:canonical")) return (actual & ~sign) == quiet;
  uint64_t infinity = is_wide ? UINT64_C(0x7ff0000000000000) : UINT64_C(0x7f800000);
  return (actual & ~sign) > infinity;
}

static bool matches_elements(const wast_value *value, const element_layout *layout,
                             const char *data) {
  for (size_t i = 0; i < value->count; i++) {
    const char *element = data + i * layout->size;
    const wast_value *item = &value->items[i];
    if (layout->element != NULL) {
      if (!wast_value_matches(item, layout->element, element)) return false;
    } else if (item->kind != TN_TYPE_TUPLE || item->count != 2 ||
               !wast_value_matches(&item->items[0], layout->key, element) ||
               !wast_value_matches(&item->items[1], layout->value,
                                   element + layout->value_offset)) {
      return false;
    }
  }
  return true;
}

static bool matches_list(const wast_value *value, const tn_type *type, const void *native) {
  native_list list;
  memcpy(&list, native, sizeof list);
  element_layout layout = layout_of(type);
  return list.len == value->count && matches_elements(value, &layout, list.data);
}

static bool matches_fields(const wast_value *value, const tn_type *type, const char *native) {
  size_t count = tn_type_part_count(type);
  if (value->count != count) return false;
  for (size_t i = 0; i < count; i++) {
    size_t part = value->kind == TN_TYPE_RECORD ? find_part(type, value->items[i].name) : i;
    if (part == count) return false;
    if (!wast_value_matches(&value->items[i], tn_type_part(type, part),
                            native + tn_type_part_offset(type, part)))
      return false;
  }
  return true;
}

static bool matches_chosen(const wast_value *value, const tn_type *type, const char *native) {
  size_t part;
  uint64_t discriminant;
  if (!find_case(value, type, &part, &discriminant)) return false;
  if (load_bits(native, discriminant_size(type)) != discriminant) return false;
  if (value->kind == TN_TYPE_ENUM || (value->kind == TN_TYPE_OPTION && value->count == 0))
    return true;
  const tn_type *payload = tn_type_part(type, part);
  if ((payload != NULL) != (value->count == 1)) return false;
  return payload == NULL ||
         wast_value_matches(&value->items[0], payload, native + tn_type_part_offset(type, part));
}

static bool matches_scalar(const wast_value *value, const tn_type *type, const void *native) {
  if (!is_scalar(value->kind)) return false;
  if (is_float(value->kind)) return matches_float(value, native);
  uint64_t expected = 0, written = 0;
  if (!read_scalar(value, &written)) return false;
  size_t size = tn_type_get_size(type);
  store_bits(&expected, written, size);
  return load_bits(native, size) == expected;
}

bool wast_value_matches(const wast_value *value, const tn_type *type, const void *native) {
  uint64_t expected = 0;
  tn_str text;
  if (!is_kind_of(value, type)) return false;
  switch (tn_type_get_kind(type)) {
  case TN_TYPE_STRING:
    memcpy(&text, native, sizeof text);
    return text.len == value->text.len &&
           (text.len == 0 || memcmp(text.data, value->text.data, text.len) == 0);
  case TN_TYPE_LIST:
  case TN_TYPE_MAP:
    return matches_list(value, type, native);
  case TN_TYPE_FIXED_LIST: {
    element_layout layout = layout_of(type);
    return value->count == tn_type_length(type) && matches_elements(value, &layout, native);
  }
  case TN_TYPE_RECORD:
  case TN_TYPE_TUPLE:
    return matches_fields(value, type, native);
  case TN_TYPE_FLAGS:
    return write_flags(value, type, &expected) == NULL &&
           load_bits(native, tn_type_discriminant_size(type)) == expected;
  case TN_TYPE_ENUM:
  case TN_TYPE_VARIANT:
  case TN_TYPE_OPTION:
  case TN_TYPE_RESULT:
    return matches_chosen(value, type, native);
  default:
    return matches_scalar(value, type, native);
  }
}
