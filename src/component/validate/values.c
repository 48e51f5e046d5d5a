/* Value definitions: the bytes of a value against its type. Binary.md#-value-definitions */
#include "base/utf.h"
#include "component/validate/validate.h"

/* The bytes not read yet. */
typedef struct value_reader {
  tn_checker *checker;
  const uint8_t *next;
  const uint8_t *end;
} value_reader;

static tn_error *bad_value(const char *what) {
  return tn_check_fail("invalid value: %s", what);
}

static tn_error *read_byte(value_reader *in, uint8_t *out) {
  if (in->next == in->end) return bad_value("unexpected end");
  *out = *in->next++;
  return NULL;
}

/* Signed or unsigned LEB128 of at most `bits` bits: the padding of the last byte must agree with the sign. */
static tn_error *read_leb(value_reader *in, uint32_t bits, bool is_signed, uint64_t *out) {
  uint64_t number = 0;
  for (uint32_t shift = 0;; shift += 7) {
    uint8_t byte;
    TN_TRY(read_byte(in, &byte));
    number |= (uint64_t)(byte & 0x7f) << shift;
    uint32_t left = bits - shift;
    if (left < 7) { /* the last byte, of which only the low `left` bits count */
      uint8_t padding = (uint8_t)(0x7f & ~((1u << left) - 1));
      bool is_negative = is_signed && (byte >> (left - 1) & 1);
      if ((byte & 0x80) != 0 || (byte & padding) != (is_negative ? padding : 0))
        return bad_value("integer too large");
    }
    if ((byte & 0x80) == 0) break;
  }
  *out = number;
  return NULL;
}

static tn_error *read_u32(value_reader *in, uint32_t *out) {
  uint64_t number;
  TN_TRY(read_leb(in, 32, false, &number));
  *out = (uint32_t)number;
  return NULL;
}

static tn_error *read_bytes(value_reader *in, size_t count, const uint8_t **out) {
  if ((size_t)(in->end - in->next) < count) return bad_value("unexpected end");
  *out = in->next;
  in->next += count;
  return NULL;
}

/* One index, bool or presence byte below `limit`. */
static tn_error *read_choice(value_reader *in, uint8_t limit, uint8_t *out) {
  TN_TRY(read_byte(in, out));
  return *out < limit ? NULL : bad_value("discriminant out of range");
}

static tn_error *skip_leb(value_reader *in, uint32_t bits, bool is_signed) {
  uint64_t ignored;
  return read_leb(in, bits, is_signed, &ignored);
}

/* NaNs have one form. */
static tn_error *check_float(value_reader *in, uint32_t size) {
  const uint8_t *bytes;
  uint64_t bits = 0;
  TN_TRY(read_bytes(in, size, &bytes));
  for (uint32_t i = 0; i < size; i++)
    bits |= (uint64_t)bytes[i] << (8 * i);
  uint64_t exponent = size == 4 ? UINT64_C(0x7f800000) : UINT64_C(0x7ff0000000000000);
  uint64_t sign = UINT64_C(1) << (8 * size - 1);
  uint64_t canonical = size == 4 ? UINT64_C(0x7fc00000) : UINT64_C(0x7ff8000000000000);
  bool is_nan = (bits & ~sign) > exponent;
  return is_nan && bits != canonical ? bad_value("a NaN that is not the canonical one") : NULL;
}

static tn_error *check_char(value_reader *in) {
  static const uint8_t lengths[16] = {1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 2, 2, 3, 4};
  const uint8_t *bytes;
  if (in->next == in->end) return bad_value("unexpected end");
  size_t length = lengths[*in->next >> 4];
  if (length == 0) return bad_value("malformed UTF-8 encoding");
  TN_TRY(read_bytes(in, length, &bytes));
  return tn_utf8_is_valid(bytes, length) ? NULL : bad_value("malformed UTF-8 encoding");
}

static tn_error *check_string(value_reader *in) {
  uint32_t length;
  const uint8_t *bytes;
  TN_TRY(read_u32(in, &length));
  TN_TRY(read_bytes(in, length, &bytes));
  return tn_utf8_is_valid(bytes, length) ? NULL : bad_value("malformed UTF-8 encoding");
}

static tn_error *check_value(value_reader *in, const tn_type *type);

static tn_error *check_optional(value_reader *in, const tn_type *type) {
  return type == NULL ? NULL : check_value(in, type);
}

static tn_error *check_row(value_reader *in, const tn_type *const *types, uint32_t count) {
  for (uint32_t i = 0; i < count; i++)
    TN_TRY(check_value(in, types[i]));
  return NULL;
}

/* Elements without a size (none of today's types) would make this unbounded, hence the budget. */
static tn_error *check_elements(value_reader *in, const tn_type *const *types, uint32_t row,
                                uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    TN_TRY(tn_check_spend(in->checker, 1));
    TN_TRY(check_row(in, types, row));
  }
  return NULL;
}

static tn_error *check_counted(value_reader *in, const tn_type *type) {
  uint32_t count;
  TN_TRY(read_u32(in, &count));
  return check_elements(in, type->types, type->count, count);
}

static tn_error *check_case(value_reader *in, const tn_type *type) {
  uint32_t index;
  TN_TRY(read_u32(in, &index));
  if (index >= type->count) return bad_value("discriminant out of range");
  return type->types == NULL ? NULL : check_optional(in, type->types[index]);
}

static tn_error *check_flags(value_reader *in, const tn_type *type) {
  const uint8_t *bytes;
  uint32_t size = (type->count + 7) / 8;
  TN_TRY(read_bytes(in, size, &bytes));
  uint32_t rest = type->count % 8;
  bool has_padding = rest != 0 && bytes[size - 1] >> rest != 0;
  return has_padding ? bad_value("a flag that the type does not have") : NULL;
}

static tn_error *check_value(value_reader *in, const tn_type *type) {
  uint8_t choice;
  switch (type->kind) {
  case TN_TYPE_BOOL:
    return read_choice(in, 2, &choice);
  case TN_TYPE_S8:
  case TN_TYPE_U8:
    return read_byte(in, &choice);
  case TN_TYPE_S16:
  case TN_TYPE_U16:
    return skip_leb(in, 16, type->kind == TN_TYPE_S16);
  case TN_TYPE_S32:
  case TN_TYPE_U32:
    return skip_leb(in, 32, type->kind == TN_TYPE_S32);
  case TN_TYPE_S64:
  case TN_TYPE_U64:
    return skip_leb(in, 64, type->kind == TN_TYPE_S64);
  case TN_TYPE_F32:
    return check_float(in, 4);
  case TN_TYPE_F64:
    return check_float(in, 8);
  case TN_TYPE_CHAR:
    return check_char(in);
  case TN_TYPE_STRING:
    return check_string(in);
  case TN_TYPE_LIST:
  case TN_TYPE_MAP:
    return check_counted(in, type);
  case TN_TYPE_FIXED_LIST:
    return check_elements(in, type->types, 1, type->length);
  case TN_TYPE_RECORD:
  case TN_TYPE_TUPLE:
    return check_row(in, type->types, type->count);
  case TN_TYPE_VARIANT:
  case TN_TYPE_ENUM:
    return check_case(in, type);
  case TN_TYPE_OPTION:
    TN_TRY(read_choice(in, 2, &choice));
    return choice == 1 ? check_value(in, type->types[0]) : NULL;
  case TN_TYPE_RESULT:
    TN_TRY(read_choice(in, 2, &choice));
    return check_optional(in, type->types[choice]);
  case TN_TYPE_FLAGS:
    return check_flags(in, type);
  default:
    return bad_value("a handle, stream, future or error context has no constant form");
  }
}

tn_error *tn_check_value(tn_checker *checker, tn_scope *scope, const tn_ast_value *value) {
  const tn_checked_type *type;
  const uint8_t *bytes = (const uint8_t *)value->bytes.data;
  value_reader in = {checker, bytes, bytes + value->bytes.len};
  TN_TRY(tn_check_valtype(checker, scope, &value->type, &type));
  TN_TRY(check_value(&in, &type->value));
  if (in.next != in.end) return bad_value("trailing bytes");
  tn_checked_item item = {.sort = TN_SORT_VALUE, .type = type};
  return tn_scope_add_item(checker, scope, &item);
}
