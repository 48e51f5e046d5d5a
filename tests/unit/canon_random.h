/* Random types, random native values of them, and their comparison. */
#ifndef TN_CANON_RANDOM_H
#define TN_CANON_RANDOM_H

#include "base/utf.h"
#include "canon_world.h"

typedef struct generator {
  tn_arena *arena;
  uint64_t state;
} generator;

static inline uint32_t pick(generator *g, uint32_t below) {
  g->state ^= g->state << 13;
  g->state ^= g->state >> 7;
  g->state ^= g->state << 17;
  return (uint32_t)(g->state >> 20) % below;
}

static inline uint64_t random_bits(generator *g) {
  uint64_t bits = 0;
  for (int i = 0; i < 4; i++)
    bits = bits << 16 | pick(g, 65536);
  return bits;
}

/* ---- types -------------------------------------------------------------------------------------- */

static const tn_type *random_type(generator *g, uint32_t depth);

static inline const tn_type *random_number(generator *g) {
  return tn_type_primitive((tn_type_kind)pick(g, TN_TYPE_STRING + 1));
}

static inline const tn_type **random_parts(generator *g, uint32_t count, uint32_t depth,
                                           bool may_lack) {
  const tn_type **types = TN_ARENA_ARRAY(g->arena, const tn_type *, count);
  for (uint32_t i = 0; i < count; i++) {
    types[i] = may_lack && pick(g, 4) == 0 ? NULL : random_type(g, depth - 1);
  }
  return types;
}

static inline const tn_type *random_compound(generator *g, uint32_t depth) {
  static const tn_type_kind kinds[] = {TN_TYPE_LIST,    TN_TYPE_FIXED_LIST, TN_TYPE_MAP,
                                       TN_TYPE_RECORD,  TN_TYPE_RECORD,     TN_TYPE_TUPLE,
                                       TN_TYPE_VARIANT, TN_TYPE_VARIANT,    TN_TYPE_ENUM,
                                       TN_TYPE_OPTION,  TN_TYPE_RESULT,     TN_TYPE_FLAGS};
  tn_type *type = TN_ARENA_NEW(g->arena, tn_type);
  type->kind = kinds[pick(g, sizeof kinds / sizeof *kinds)];
  switch (type->kind) {
  case TN_TYPE_LIST:
  case TN_TYPE_OPTION:
    type->count = 1;
    break;
  case TN_TYPE_FIXED_LIST:
    type->count = 1;
    type->length = 1 + pick(g, 5);
    break;
  case TN_TYPE_MAP:
  case TN_TYPE_RESULT:
    type->count = 2;
    break;
  case TN_TYPE_ENUM:
    type->count = pick(g, 8) == 0 ? 300 : 1 + pick(g, 5);
    break;
  case TN_TYPE_FLAGS:
    type->count = 1 + pick(g, 32);
    break;
  default:
    type->count = 1 + pick(g, 5);
  }
  bool may_lack = type->kind == TN_TYPE_VARIANT || type->kind == TN_TYPE_RESULT;
  if (type->kind != TN_TYPE_ENUM && type->kind != TN_TYPE_FLAGS) {
    type->types = random_parts(g, type->count, depth, may_lack);
  }
  assert_ok(tn_type_finish(g->arena, type));
  return type;
}

static const tn_type *random_type(generator *g, uint32_t depth) {
  return depth == 0 || pick(g, 3) == 0 ? random_number(g) : random_compound(g, depth);
}

/* ---- values ------------------------------------------------------------------------------------- */

typedef struct native_list {
  uint8_t *data;
  size_t len;
} native_list;

static inline uint32_t random_character(generator *g) {
  static const uint32_t limits[] = {0x80, 0x100, 0x800, 0x10000, 0x110000};
  uint32_t character = pick(g, limits[pick(g, 5)]);
  return tn_is_scalar_value(character) ? character : 'x';
}

static inline native_list random_string(generator *g) {
  uint32_t length = pick(g, 3) == 0 ? pick(g, 40) : pick(g, 6);
  bool is_ascii = pick(g, 2) == 0;
  native_list string = {tn_arena_alloc(g->arena, 4 * length + 1, 1), 0};
  for (uint32_t i = 0; i < length; i++) {
    string.len += tn_utf8_encode(is_ascii ? 'a' + pick(g, 26) : random_character(g),
                                 string.data + string.len);
  }
  return string;
}

static inline uint32_t case_count(const tn_type *type) {
  return type->kind == TN_TYPE_OPTION || type->kind == TN_TYPE_RESULT ? 2 : type->count;
}

static inline const tn_type *case_payload(const tn_type *type, uint32_t index) {
  if (type->kind == TN_TYPE_ENUM) return NULL;
  if (type->kind == TN_TYPE_OPTION) return index == 0 ? NULL : type->types[0];
  return type->types[index];
}

static inline const tn_type *list_element(generator *g, const tn_type *type) {
  if (type->kind != TN_TYPE_MAP) return type->types[0];
  tn_type *entry = TN_ARENA_NEW(g->arena, tn_type);
  *entry = (tn_type){.kind = TN_TYPE_TUPLE, .count = 2, .types = type->types};
  assert_ok(tn_type_finish(g->arena, entry));
  return entry;
}

static inline void random_value(generator *g, const tn_type *type, uint8_t *out) {
  uint64_t bits = random_bits(g);
  switch (type->kind) {
  case TN_TYPE_BOOL:
    *out = bits & 1;
    return;
  case TN_TYPE_F32: {
    float number = (float)(int32_t)bits;
    memcpy(out, &number, 4);
    return;
  }
  case TN_TYPE_F64: {
    double number = (double)(int64_t)bits;
    memcpy(out, &number, 8);
    return;
  }
  case TN_TYPE_CHAR: {
    uint32_t character = random_character(g);
    memcpy(out, &character, 4);
    return;
  }
  case TN_TYPE_STRING: {
    native_list string = random_string(g);
    memcpy(out, &string, sizeof string);
    return;
  }
  case TN_TYPE_LIST:
  case TN_TYPE_MAP: {
    const tn_type *element = list_element(g, type);
    uint32_t length = pick(g, 5);
    native_list list = {tn_arena_calloc(g->arena, length + 1, element->layout[1].size), length};
    for (uint32_t i = 0; i < length; i++)
      random_value(g, element, list.data + i * element->layout[1].size);
    memcpy(out, &list, sizeof list);
    return;
  }
  case TN_TYPE_FIXED_LIST:
    for (uint32_t i = 0; i < type->length; i++)
      random_value(g, type->types[0], out + i * type->types[0]->layout[1].size);
    return;
  case TN_TYPE_RECORD:
  case TN_TYPE_TUPLE:
    for (uint32_t i = 0; i < type->count; i++)
      random_value(g, type->types[i], out + type->field_offset[1][i]);
    return;
  case TN_TYPE_VARIANT:
  case TN_TYPE_OPTION:
  case TN_TYPE_RESULT:
  case TN_TYPE_ENUM: {
    uint32_t index = pick(g, case_count(type));
    memcpy(out, &index, type->discriminant_size);
    const tn_type *payload = case_payload(type, index);
    if (payload != NULL) random_value(g, payload, out + type->payload_offset[1]);
    return;
  }
  case TN_TYPE_FLAGS: {
    uint32_t mask = type->count == 32 ? UINT32_MAX : ((uint32_t)1 << type->count) - 1;
    uint32_t flags = (uint32_t)bits & mask;
    memcpy(out, &flags, type->discriminant_size);
    return;
  }
  default:
    memcpy(out, &bits, type->layout[1].size);
  }
}

/* ---- comparison --------------------------------------------------------------------------------- */

static inline bool values_equal(generator *g, const tn_type *type, const uint8_t *a,
                                const uint8_t *b) {
  switch (type->kind) {
  case TN_TYPE_STRING:
  case TN_TYPE_LIST:
  case TN_TYPE_MAP: {
    native_list x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    if (x.len != y.len) return false;
    if (type->kind == TN_TYPE_STRING) return x.len == 0 || memcmp(x.data, y.data, x.len) == 0;
    const tn_type *element = list_element(g, type);
    uint32_t size = element->layout[1].size;
    for (size_t i = 0; i < x.len; i++) {
      if (!values_equal(g, element, x.data + i * size, y.data + i * size)) return false;
    }
    return true;
  }
  case TN_TYPE_FIXED_LIST: {
    uint32_t size = type->types[0]->layout[1].size;
    for (uint32_t i = 0; i < type->length; i++) {
      if (!values_equal(g, type->types[0], a + i * size, b + i * size)) return false;
    }
    return true;
  }
  case TN_TYPE_RECORD:
  case TN_TYPE_TUPLE:
    for (uint32_t i = 0; i < type->count; i++) {
      uint32_t offset = type->field_offset[1][i];
      if (!values_equal(g, type->types[i], a + offset, b + offset)) return false;
    }
    return true;
  case TN_TYPE_VARIANT:
  case TN_TYPE_OPTION:
  case TN_TYPE_RESULT:
  case TN_TYPE_ENUM: {
    uint32_t index = 0;
    memcpy(&index, a, type->discriminant_size);
    if (memcmp(a, b, type->discriminant_size) != 0) return false;
    const tn_type *payload = case_payload(type, index);
    uint32_t offset = type->payload_offset[1];
    return payload == NULL || values_equal(g, payload, a + offset, b + offset);
  }
  default:
    return memcmp(a, b, type->layout[1].size) == 0;
  }
}

#endif
