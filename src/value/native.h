/* Reaching into the native form of values ("Values" in tenon.h). For src/value/ only. */
#ifndef TN_VALUE_NATIVE_H
#define TN_VALUE_NATIVE_H

#include <string.h>

#include "component/type.h"

enum {
  TN_NATIVE = 1, /* index of the native layout in tn_type's arrays by pointer size */
  /* Nesting of values beyond this is not followed: types come from guests, the stack is ours. */
  TN_VALUE_MAX_DEPTH = 500,
};

/* The native form of list<T> and map<K, V>. */
typedef struct tn_native_list {
  void *data;
  size_t len;
} tn_native_list;

/* The discriminant of a variant, enum, option or result; the bits of flags. */
static inline uint32_t tn_native_tag(const tn_type *type, const void *value) {
  switch (type->discriminant_size) {
  case 1:
    return *(const uint8_t *)value;
  case 2:
    return *(const uint16_t *)value;
  default:
    return *(const uint32_t *)value;
  }
}

static inline void tn_native_set_tag(const tn_type *type, void *value, uint32_t tag) {
  switch (type->discriminant_size) {
  case 1:
    *(uint8_t *)value = (uint8_t)tag;
    break;
  case 2:
    *(uint16_t *)value = (uint16_t)tag;
    break;
  default:
    *(uint32_t *)value = tag;
    break;
  }
}

/* A field of a record or tuple. */
static inline void *tn_native_field(const tn_type *type, const void *value, uint32_t index) {
  return (char *)value + type->field_offset[TN_NATIVE][index];
}

/* The payload of a variant, option or result. */
static inline void *tn_native_payload(const tn_type *type, const void *value) {
  return (char *)value + type->payload_offset[TN_NATIVE];
}

/* An element of an array. */
static inline void *tn_native_element(const tn_type *element, const void *data, size_t index) {
  return (char *)data + index * element->layout[TN_NATIVE].size;
}

/* The type of the payload for a discriminant, NULL for none or for a discriminant that is out of range. */
static inline const tn_type *tn_native_payload_type(const tn_type *type, uint32_t tag) {
  switch (type->kind) {
  case TN_TYPE_OPTION:
    return tag == 0 ? NULL : type->types[0];
  case TN_TYPE_RESULT:
    return type->types[tag == 0 ? 0 : 1];
  case TN_TYPE_VARIANT:
    return tag < type->count ? type->types[tag] : NULL;
  default:
    return NULL;
  }
}

/* A map's entries lie as tuples of key and value. */
size_t tn_native_entry_size(const tn_type *map);
static inline void *tn_native_entry_part(const tn_type *map, const void *data, size_t index,
                                         uint32_t part) {
  return (char *)data + index * tn_native_entry_size(map) + map->field_offset[TN_NATIVE][part];
}

#endif
