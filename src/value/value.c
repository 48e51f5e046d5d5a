#include "value/value.h"

#include "base/error.h"
#include "value/native.h"

size_t tn_native_entry_size(const tn_type *map) {
  tn_layout key = map->types[0]->layout[TN_NATIVE];
  tn_layout value = map->types[1]->layout[TN_NATIVE];
  size_t alignment = key.alignment > value.alignment ? key.alignment : value.alignment;
  size_t end = (size_t)map->field_offset[TN_NATIVE][1] + value.size;
  return (end + alignment - 1) & ~(alignment - 1);
}

void *tn_value_new(tn_arena *arena, const tn_type *type) {
  return tn_arena_calloc(arena, 1, type->layout[TN_NATIVE].size);
}

/* ---- equality ----------------------------------------------------------------------------------- */

static bool are_equal(const tn_type *type, const void *a, const void *b, uint32_t depth);

static bool are_floats_equal(const tn_type *type, const void *a, const void *b) {
  if (type->kind == TN_TYPE_F32) {
    float x = *(const float *)a;
    float y = *(const float *)b;
    return (x != x && y != y) || memcmp(a, b, sizeof(float)) == 0;
  }
  double x = *(const double *)a;
  double y = *(const double *)b;
  return (x != x && y != y) || memcmp(a, b, sizeof(double)) == 0;
}

static bool are_arrays_equal(const tn_type *element, const void *a, const void *b, size_t count,
                             uint32_t depth) {
  if (count == 0) return true;
  if (element->is_plain && memcmp(a, b, count * element->layout[TN_NATIVE].size) == 0) return true;
  for (size_t i = 0; i < count; i++) {
    if (!are_equal(element, tn_native_element(element, a, i), tn_native_element(element, b, i),
                   depth))
      return false;
  }
  return true;
}

static bool are_maps_equal(const tn_type *type, const tn_native_list *a, const tn_native_list *b,
                           uint32_t depth) {
  if (a->len != b->len) return false;
  for (size_t i = 0; i < a->len; i++) {
    for (uint32_t part = 0; part < 2; part++) {
      if (!are_equal(type->types[part], tn_native_entry_part(type, a->data, i, part),
                     tn_native_entry_part(type, b->data, i, part), depth))
        return false;
    }
  }
  return true;
}

static bool are_fields_equal(const tn_type *type, const void *a, const void *b, uint32_t depth) {
  for (uint32_t i = 0; i < type->count; i++) {
    if (!are_equal(type->types[i], tn_native_field(type, a, i), tn_native_field(type, b, i), depth))
      return false;
  }
  return true;
}

static bool are_cases_equal(const tn_type *type, const void *a, const void *b, uint32_t depth) {
  uint32_t tag = tn_native_tag(type, a);
  if (tag != tn_native_tag(type, b)) return false;
  const tn_type *payload = tn_native_payload_type(type, tag);
  return payload == NULL ||
         are_equal(payload, tn_native_payload(type, a), tn_native_payload(type, b), depth);
}

static bool are_flags_equal(const tn_type *type, const void *a, const void *b) {
  uint32_t used = type->count >= 32 ? UINT32_MAX : (UINT32_C(1) << type->count) - 1;
  return ((tn_native_tag(type, a) ^ tn_native_tag(type, b)) & used) == 0;
}

static bool are_equal(const tn_type *type, const void *a, const void *b, uint32_t depth) {
  if (depth == TN_VALUE_MAX_DEPTH) return false;
  switch (type->kind) {
  case TN_TYPE_BOOL:
    return (*(const uint8_t *)a != 0) == (*(const uint8_t *)b != 0);
  case TN_TYPE_F32:
  case TN_TYPE_F64:
    return are_floats_equal(type, a, b);
  case TN_TYPE_STRING:
    return tn_str_equal(*(const tn_str *)a, *(const tn_str *)b);
  case TN_TYPE_LIST: {
    const tn_native_list *x = a;
    const tn_native_list *y = b;
    return x->len == y->len &&
           are_arrays_equal(type->types[0], x->data, y->data, x->len, depth + 1);
  }
  case TN_TYPE_FIXED_LIST:
    return are_arrays_equal(type->types[0], a, b, type->length, depth + 1);
  case TN_TYPE_MAP:
    return are_maps_equal(type, a, b, depth + 1);
  case TN_TYPE_RECORD:
  case TN_TYPE_TUPLE:
    return are_fields_equal(type, a, b, depth + 1);
  case TN_TYPE_VARIANT:
  case TN_TYPE_ENUM:
  case TN_TYPE_OPTION:
  case TN_TYPE_RESULT:
    return are_cases_equal(type, a, b, depth + 1);
  case TN_TYPE_FLAGS:
    return are_flags_equal(type, a, b);
  default: /* integers, char, handles */
    return memcmp(a, b, type->layout[TN_NATIVE].size) == 0;
  }
}

bool tn_value_equal(const tn_type *type, const void *a, const void *b) {
  return are_equal(type, a, b, 0);
}

/* ---- copies ------------------------------------------------------------------------------------- */

static tn_error *copy_value(tn_arena *arena, const tn_type *type, const void *from, void *to,
                            uint32_t depth);

/* Copies what the elements point to; the elements themselves are copied already. */
static tn_error *copy_elements(tn_arena *arena, const tn_type *element, const void *from, void *to,
                               size_t count, uint32_t depth) {
  if (!element->has_pointer) return NULL;
  for (size_t i = 0; i < count; i++) {
    TN_TRY(copy_value(arena, element, tn_native_element(element, from, i),
                      tn_native_element(element, to, i), depth));
  }
  return NULL;
}

static tn_error *copy_array(tn_arena *arena, const tn_native_list *from, tn_native_list *to,
                            size_t size) {
  *to = (tn_native_list){.data = NULL, .len = from->len};
  if (from->len == 0) return NULL;
  to->data = tn_arena_calloc(arena, from->len, size);
  if (to->data == NULL) return tn_error_no_memory();
  memcpy(to->data, from->data, from->len * size);
  return NULL;
}

static tn_error *copy_list(tn_arena *arena, const tn_type *type, const tn_native_list *from,
                           tn_native_list *to, uint32_t depth) {
  TN_TRY(copy_array(arena, from, to, type->types[0]->layout[TN_NATIVE].size));
  return copy_elements(arena, type->types[0], from->data, to->data, from->len, depth);
}

static tn_error *copy_map(tn_arena *arena, const tn_type *type, const tn_native_list *from,
                          tn_native_list *to, uint32_t depth) {
  TN_TRY(copy_array(arena, from, to, tn_native_entry_size(type)));
  for (size_t i = 0; i < from->len; i++) {
    for (uint32_t part = 0; part < 2; part++) {
      TN_TRY(copy_value(arena, type->types[part], tn_native_entry_part(type, from->data, i, part),
                        tn_native_entry_part(type, to->data, i, part), depth));
    }
  }
  return NULL;
}

static tn_error *copy_pointers(tn_arena *arena, const tn_type *type, const void *from, void *to,
                               uint32_t depth) {
  switch (type->kind) {
  case TN_TYPE_STRING: {
    tn_str copy = tn_arena_copy(arena, *(const tn_str *)from);
    if (copy.data == NULL) return tn_error_no_memory();
    *(tn_str *)to = copy;
    return NULL;
  }
  case TN_TYPE_LIST:
    return copy_list(arena, type, from, to, depth);
  case TN_TYPE_FIXED_LIST:
    return copy_elements(arena, type->types[0], from, to, type->length, depth);
  case TN_TYPE_MAP:
    return copy_map(arena, type, from, to, depth);
  case TN_TYPE_RECORD:
  case TN_TYPE_TUPLE:
    for (uint32_t i = 0; i < type->count; i++) {
      TN_TRY(copy_value(arena, type->types[i], tn_native_field(type, from, i),
                        tn_native_field(type, to, i), depth));
    }
    return NULL;
  default: { /* variant, option, result */
    const tn_type *payload = tn_native_payload_type(type, tn_native_tag(type, from));
    if (payload == NULL) return NULL;
    return copy_value(arena, payload, tn_native_payload(type, from), tn_native_payload(type, to),
                      depth);
  }
  }
}

static tn_error *copy_value(tn_arena *arena, const tn_type *type, const void *from, void *to,
                            uint32_t depth) {
  if (depth == TN_VALUE_MAX_DEPTH)
    return tn_error_new(TN_ERROR_LIMIT, "the value is nested too deeply");
  memcpy(to, from, type->layout[TN_NATIVE].size);
  return type->has_pointer ? copy_pointers(arena, type, from, to, depth + 1) : NULL;
}

tn_error *tn_value_copy(tn_arena *arena, const tn_type *type, const void *from, void *to) {
  return copy_value(arena, type, from, to, 0);
}
