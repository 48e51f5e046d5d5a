#include "record/value_code.h"

#include "base/error.h"
#include "base/utf.h"
#include "record/bytes.h"
#include "value/native.h"

static bool is_bytes(const tn_type *list) {
  return list->kind == TN_TYPE_LIST && list->types[0]->kind == TN_TYPE_U8;
}

static size_t size_of(const tn_type *type) {
  return type->layout[TN_NATIVE].size;
}

/* ---- encoding ------------------------------------------------------------------------------------- */

static void encode_elements(tn_buffer *out, const tn_type *element, const void *data, size_t count,
                            const tn_reserved *reserved) {
  if (count == 0) return;
  if (element->is_plain) {
    tn_buffer_append(out, data, count * size_of(element));
    return;
  }
  for (size_t i = 0; i < count && !out->failed; i++)
    tn_value_encode(out, element, tn_native_element(element, data, i), reserved);
}

static void encode_list(tn_buffer *out, const tn_type *type, const tn_native_list *list,
                        const tn_reserved *reserved) {
  if (is_bytes(type)) {
    bool is_reserved = list->len > 0 && list->data == reserved->data;
    tn_put_number(out, (uint64_t)list->len << 1 | is_reserved);
  } else {
    tn_put_number(out, list->len);
  }
  encode_elements(out, type->types[0], list->data, list->len, reserved);
}

static void encode_map(tn_buffer *out, const tn_type *type, const tn_native_list *map,
                       const tn_reserved *reserved) {
  tn_put_number(out, map->len);
  for (size_t i = 0; i < map->len && !out->failed; i++) {
    for (uint32_t part = 0; part < 2; part++)
      tn_value_encode(out, type->types[part], tn_native_entry_part(type, map->data, i, part),
                      reserved);
  }
}

void tn_value_encode(tn_buffer *out, const tn_type *type, const void *value,
                     const tn_reserved *reserved) {
  switch (type->kind) {
  case TN_TYPE_BOOL:
    tn_buffer_append_byte(out, *(const uint8_t *)value != 0);
    return;
  case TN_TYPE_STRING:
    tn_put_bytes(out, *(const tn_str *)value);
    return;
  case TN_TYPE_LIST:
    encode_list(out, type, value, reserved);
    return;
  case TN_TYPE_MAP:
    encode_map(out, type, value, reserved);
    return;
  case TN_TYPE_FIXED_LIST:
    encode_elements(out, type->types[0], value, type->length, reserved);
    return;
  case TN_TYPE_RECORD:
  case TN_TYPE_TUPLE:
    for (uint32_t i = 0; i < type->count; i++)
      tn_value_encode(out, type->types[i], tn_native_field(type, value, i), reserved);
    return;
  case TN_TYPE_ENUM:
  case TN_TYPE_FLAGS:
    tn_put_number(out, tn_native_tag(type, value));
    return;
  case TN_TYPE_VARIANT:
  case TN_TYPE_OPTION:
  case TN_TYPE_RESULT: {
    uint32_t tag = tn_native_tag(type, value);
    tn_put_number(out, tag);
    const tn_type *payload = tn_native_payload_type(type, tag);
    if (payload != NULL) tn_value_encode(out, payload, tn_native_payload(type, value), reserved);
    return;
  }
  default: /* numbers, characters, handles */
    tn_buffer_append(out, value, size_of(type));
    return;
  }
}

/* ---- decoding ------------------------------------------------------------------------------------- */

typedef struct decoder {
  tn_arena *arena;
  tn_str *rest;
  const tn_reserved *reserved;
  tn_error **error;
  /* bytes that may still be allocated: few bytes can stand for much that is empty */
  uint64_t *budget;
} decoder;

static bool decode(const decoder *d, const tn_type *type, void *out);

static bool decode_elements(const decoder *d, const tn_type *element, void *data, size_t count) {
  if (element->is_plain) {
    tn_str bytes;
    if (!tn_take_part(d->rest, (uint64_t)count * size_of(element), &bytes)) return false;
    if (bytes.len > 0) memcpy(data, bytes.data, bytes.len);
    return true;
  }
  for (size_t i = 0; i < count; i++) {
    if (!decode(d, element, tn_native_element(element, data, i))) return false;
  }
  return true;
}

/* Room for `count` things, of which each takes at least a byte of what is left: no type is empty. */
static bool decode_room(const decoder *d, uint64_t count, size_t size, size_t alignment,
                        void **out) {
  if (count > d->rest->len || count > *d->budget / size) return false;
  *d->budget -= count * size;
  *out = tn_arena_alloc(d->arena, (size_t)count * size + 1, alignment);
  if (*out == NULL) {
    *d->error = tn_error_no_memory();
    return false;
  }
  memset(*out, 0, (size_t)count * size);
  return true;
}

static bool decode_list(const decoder *d, const tn_type *type, tn_native_list *out) {
  uint64_t count;
  if (!tn_take_number(d->rest, &count)) return false;
  bool is_reserved = is_bytes(type) && (count & 1) != 0;
  if (is_bytes(type)) count >>= 1;
  const tn_type *element = type->types[0];
  if (is_reserved && (d->reserved->data == NULL || count > d->reserved->size)) return false;
  if (is_reserved)
    out->data = d->reserved->data;
  else if (!decode_room(d, count, size_of(element), element->layout[TN_NATIVE].alignment,
                        &out->data))
    return false;
  out->len = (size_t)count;
  return decode_elements(d, element, out->data, out->len);
}

static bool decode_map(const decoder *d, const tn_type *type, tn_native_list *out) {
  uint64_t count;
  if (!tn_take_number(d->rest, &count)) return false;
  if (!decode_room(d, count, tn_native_entry_size(type), 8, &out->data)) return false;
  out->len = (size_t)count;
  for (size_t i = 0; i < out->len; i++) {
    for (uint32_t part = 0; part < 2; part++)
      if (!decode(d, type->types[part], tn_native_entry_part(type, out->data, i, part)))
        return false;
  }
  return true;
}

static bool decode_string(const decoder *d, tn_str *out) {
  tn_str bytes;
  if (!tn_take_bytes(d->rest, &bytes) || !tn_utf8_is_valid(bytes.data, bytes.len)) return false;
  *out = tn_arena_copy(d->arena, bytes);
  if (out->data == NULL) *d->error = tn_error_no_memory();
  return out->data != NULL;
}

static bool decode_flags(const decoder *d, const tn_type *type, void *out) {
  uint64_t bits;
  if (!tn_take_number(d->rest, &bits)) return false;
  if (type->count < 32 && bits >> type->count != 0) return false;
  if (bits > UINT32_MAX) return false;
  tn_native_set_tag(type, out, (uint32_t)bits);
  return true;
}

static bool decode_variant(const decoder *d, const tn_type *type, void *out) {
  uint64_t tag;
  bool is_pair = type->kind == TN_TYPE_OPTION || type->kind == TN_TYPE_RESULT;
  if (!tn_take_number(d->rest, &tag) || tag >= (is_pair ? 2 : type->count)) return false;
  tn_native_set_tag(type, out, (uint32_t)tag);
  if (type->kind == TN_TYPE_ENUM) return true;
  const tn_type *payload = tn_native_payload_type(type, (uint32_t)tag);
  return payload == NULL || decode(d, payload, tn_native_payload(type, out));
}

static bool decode_number(const decoder *d, const tn_type *type, void *out) {
  tn_str bytes;
  if (!tn_take_part(d->rest, size_of(type), &bytes)) return false;
  memcpy(out, bytes.data, bytes.len);
  if (type->kind == TN_TYPE_CHAR) return tn_is_scalar_value(*(const uint32_t *)out);
  return type->kind != TN_TYPE_BOOL || *(const uint8_t *)out <= 1;
}

static bool decode(const decoder *d, const tn_type *type, void *out) {
  switch (type->kind) {
  case TN_TYPE_STRING:
    return decode_string(d, out);
  case TN_TYPE_LIST:
    return decode_list(d, type, out);
  case TN_TYPE_MAP:
    return decode_map(d, type, out);
  case TN_TYPE_FIXED_LIST:
    return decode_elements(d, type->types[0], out, type->length);
  case TN_TYPE_RECORD:
  case TN_TYPE_TUPLE:
    for (uint32_t i = 0; i < type->count; i++)
      if (!decode(d, type->types[i], tn_native_field(type, out, i))) return false;
    return true;
  case TN_TYPE_FLAGS:
    return decode_flags(d, type, out);
  case TN_TYPE_ENUM:
  case TN_TYPE_VARIANT:
  case TN_TYPE_OPTION:
  case TN_TYPE_RESULT:
    return decode_variant(d, type, out);
  default:
    return decode_number(d, type, out);
  }
}

bool tn_value_decode(tn_arena *arena, const tn_type *type, tn_str *rest, void *out,
                     const tn_reserved *reserved, tn_error **error) {
  uint64_t budget = ((uint64_t)1 << 28) + 16 * (uint64_t)rest->len;
  decoder d = {arena, rest, reserved, error, &budget};
  *error = NULL;
  return decode(&d, type, out);
}
