#include "component/type.h"

#include "base/error.h"
#include "component/component.h"

/* Binary.md#type-definitions: the size of every value type stays below this, by its 64-bit layout. */
static const uint64_t SIZE_LIMIT = UINT64_C(1) << 28;

enum { POINTER_32, POINTER_64, POINTER_KINDS };

static const uint32_t pointer_size[POINTER_KINDS] = {4, 8};

static uint64_t align_to(uint64_t offset, uint32_t alignment) {
  return (offset + alignment - 1) & ~(uint64_t)(alignment - 1);
}

static uint32_t larger(uint32_t a, uint32_t b) {
  return a > b ? a : b;
}

static tn_error *too_large(void) {
  return tn_error_new(TN_ERROR_INVALID, "type exceeds maximum byte size of 268435455");
}

/* ---- primitives ------------------------------------------------------------------------------- */

#define NUMBER(name, bytes, core, plain)                                                           \
  [TN_TYPE_##name] = {.kind = TN_TYPE_##name,                                                      \
                      .layout = {{bytes, bytes}, {bytes, bytes}},                                  \
                      .flat_count = 1,                                                             \
                      .flat = {{TN_FLAT_##core}, {TN_FLAT_##core}},                                \
                      .is_plain = plain,                                                           \
                      .weight = 1}

static const tn_type primitives[] = {
    NUMBER(BOOL, 1, I32, false),
    NUMBER(S8, 1, I32, true),
    NUMBER(U8, 1, I32, true),
    NUMBER(S16, 2, I32, true),
    NUMBER(U16, 2, I32, true),
    NUMBER(S32, 4, I32, true),
    NUMBER(U32, 4, I32, true),
    NUMBER(S64, 8, I64, true),
    NUMBER(U64, 8, I64, true),
    NUMBER(F32, 4, F32, true),
    NUMBER(F64, 8, F64, true),
    NUMBER(CHAR, 4, I32, false),
    [TN_TYPE_STRING] = {.kind = TN_TYPE_STRING,
                        .layout = {{8, 4}, {16, 8}},
                        .flat_count = 2,
                        .flat = {{TN_FLAT_I32, TN_FLAT_I32}, {TN_FLAT_I64, TN_FLAT_I64}},
                        .has_pointer = true,
                        .weight = 1},
    [TN_TYPE_ERROR_CONTEXT] = {.kind = TN_TYPE_ERROR_CONTEXT,
                               .layout = {{4, 4}, {4, 4}},
                               .flat_count = 1,
                               .flat = {{TN_FLAT_I32}, {TN_FLAT_I32}},
                               .has_handle = true,
                               .weight = 1},
};

const tn_type *tn_type_primitive(tn_type_kind kind) {
  return (size_t)kind < sizeof primitives / sizeof *primitives ? &primitives[kind] : NULL;
}

static const tn_type_kind primitive_kinds[] = {
    [TN_PRIM_BOOL] = TN_TYPE_BOOL,     [TN_PRIM_S8] = TN_TYPE_S8,
    [TN_PRIM_U8] = TN_TYPE_U8,         [TN_PRIM_S16] = TN_TYPE_S16,
    [TN_PRIM_U16] = TN_TYPE_U16,       [TN_PRIM_S32] = TN_TYPE_S32,
    [TN_PRIM_U32] = TN_TYPE_U32,       [TN_PRIM_S64] = TN_TYPE_S64,
    [TN_PRIM_U64] = TN_TYPE_U64,       [TN_PRIM_F32] = TN_TYPE_F32,
    [TN_PRIM_F64] = TN_TYPE_F64,       [TN_PRIM_CHAR] = TN_TYPE_CHAR,
    [TN_PRIM_STRING] = TN_TYPE_STRING, [TN_PRIM_ERROR_CONTEXT] = TN_TYPE_ERROR_CONTEXT,
};

const tn_type *tn_type_of_primitive(tn_primitive primitive) {
  return tn_type_primitive(primitive_kinds[primitive]);
}

const char *tn_type_kind_name(tn_type_kind kind) {
  static const char *const names[] = {
      [TN_TYPE_BOOL] = "bool",     [TN_TYPE_S8] = "s8",
      [TN_TYPE_U8] = "u8",         [TN_TYPE_S16] = "s16",
      [TN_TYPE_U16] = "u16",       [TN_TYPE_S32] = "s32",
      [TN_TYPE_U32] = "u32",       [TN_TYPE_S64] = "s64",
      [TN_TYPE_U64] = "u64",       [TN_TYPE_F32] = "f32",
      [TN_TYPE_F64] = "f64",       [TN_TYPE_CHAR] = "char",
      [TN_TYPE_STRING] = "string", [TN_TYPE_ERROR_CONTEXT] = "error-context",
      [TN_TYPE_LIST] = "list",     [TN_TYPE_FIXED_LIST] = "fixed-length list",
      [TN_TYPE_MAP] = "map",       [TN_TYPE_RECORD] = "record",
      [TN_TYPE_TUPLE] = "tuple",   [TN_TYPE_VARIANT] = "variant",
      [TN_TYPE_ENUM] = "enum",     [TN_TYPE_OPTION] = "option",
      [TN_TYPE_RESULT] = "result", [TN_TYPE_FLAGS] = "flags",
      [TN_TYPE_OWN] = "own",       [TN_TYPE_BORROW] = "borrow",
      [TN_TYPE_STREAM] = "stream", [TN_TYPE_FUTURE] = "future",
  };
  return names[kind];
}

const char *tn_primitive_name(tn_primitive primitive) {
  return tn_type_kind_name(primitive_kinds[primitive]);
}

/* ---- layouts: CanonicalABI.md#alignment and #element-size -------------------------------------- */

static tn_error *set_layout(tn_type *type, int pointer, uint64_t size, uint32_t alignment) {
  if (size >= SIZE_LIMIT) return too_large();
  type->layout[pointer] = (tn_layout){(uint32_t)size, alignment};
  return NULL;
}

static tn_error *lay_out_number(tn_type *type, uint32_t size) {
  TN_TRY(set_layout(type, POINTER_32, size, size));
  return set_layout(type, POINTER_64, size, size);
}

static tn_error *lay_out_pointer_and_length(tn_type *type) {
  for (int p = 0; p < POINTER_KINDS; p++) {
    TN_TRY(set_layout(type, p, 2 * pointer_size[p], pointer_size[p]));
  }
  return NULL;
}

static tn_error *lay_out_fixed_list(tn_type *type) {
  const tn_type *element = type->types[0];
  for (int p = 0; p < POINTER_KINDS; p++) {
    uint64_t size = (uint64_t)type->length * element->layout[p].size;
    TN_TRY(set_layout(type, p, size, element->layout[p].alignment));
  }
  return NULL;
}

/* Sets field_offset from types[], one after the other; returns the size of them all and its alignment. */
static tn_error *place_fields(tn_arena *arena, tn_type *type, int pointer, uint64_t *size,
                              uint32_t *alignment) {
  uint32_t *offsets = TN_ARENA_ARRAY(arena, uint32_t, type->count);
  if (offsets == NULL) return tn_error_no_memory();
  *size = 0;
  *alignment = 1;
  for (uint32_t i = 0; i < type->count; i++) {
    tn_layout field = type->types[i]->layout[pointer];
    *size = align_to(*size, field.alignment);
    if (*size > SIZE_LIMIT) return too_large();
    offsets[i] = (uint32_t)*size;
    *size += field.size;
    *alignment = larger(*alignment, field.alignment);
  }
  *size = align_to(*size, *alignment);
  type->field_offset[pointer] = offsets;
  return NULL;
}

static tn_error *lay_out_record(tn_arena *arena, tn_type *type) {
  for (int p = 0; p < POINTER_KINDS; p++) {
    uint64_t size;
    uint32_t alignment;
    TN_TRY(place_fields(arena, type, p, &size, &alignment));
    TN_TRY(set_layout(type, p, size, alignment));
  }
  return NULL;
}

/* A map is a list of (key, value); the limit of size is for the map itself, not for an entry. */
static tn_error *lay_out_map(tn_arena *arena, tn_type *type) {
  for (int p = 0; p < POINTER_KINDS; p++) {
    uint64_t entry_size;
    uint32_t entry_alignment;
    TN_TRY(place_fields(arena, type, p, &entry_size, &entry_alignment));
  }
  return lay_out_pointer_and_length(type);
}

static uint8_t discriminant_size(uint32_t cases) {
  return cases <= 1 << 8 ? 1 : cases <= 1 << 16 ? 2 : 4;
}

/* VARIANT, OPTION, RESULT, and ENUM as a variant without payloads. */
static tn_error *lay_out_variant(tn_type *type, uint32_t cases) {
  uint32_t payloads = type->kind == TN_TYPE_ENUM ? 0 : type->count;
  type->discriminant_size = discriminant_size(cases);
  for (int p = 0; p < POINTER_KINDS; p++) {
    tn_layout payload = {0, 1};
    for (uint32_t i = 0; i < payloads; i++) {
      if (type->types[i] == NULL) continue;
      payload.size = larger(payload.size, type->types[i]->layout[p].size);
      payload.alignment = larger(payload.alignment, type->types[i]->layout[p].alignment);
    }
    uint64_t offset = align_to(type->discriminant_size, payload.alignment);
    uint32_t alignment = larger(type->discriminant_size, payload.alignment);
    type->payload_offset[p] = (uint32_t)offset;
    TN_TRY(set_layout(type, p, align_to(offset + payload.size, alignment), alignment));
  }
  return NULL;
}

static tn_error *lay_out_flags(tn_type *type) {
  if (type->count > 32) return tn_error_new(TN_ERROR_INVALID, "cannot have more than 32 flags");
  type->discriminant_size = type->count <= 8 ? 1 : type->count <= 16 ? 2 : 4;
  return lay_out_number(type, type->discriminant_size);
}

static tn_error *lay_out(tn_arena *arena, tn_type *type) {
  switch (type->kind) {
  case TN_TYPE_LIST:
    return lay_out_pointer_and_length(type);
  case TN_TYPE_FIXED_LIST:
    return lay_out_fixed_list(type);
  case TN_TYPE_MAP:
    return lay_out_map(arena, type);
  case TN_TYPE_RECORD:
  case TN_TYPE_TUPLE:
    return lay_out_record(arena, type);
  case TN_TYPE_VARIANT:
  case TN_TYPE_ENUM:
    return lay_out_variant(type, type->count);
  case TN_TYPE_OPTION:
  case TN_TYPE_RESULT:
    return lay_out_variant(type, 2);
  case TN_TYPE_FLAGS:
    return lay_out_flags(type);
  default: /* handles of all kinds */
    return lay_out_number(type, 4);
  }
}

/* ---- flattening: CanonicalABI.md#flattening ---------------------------------------------------- */

/* While `flat_count` is TN_FLAT_MANY, `flat` is not kept up any more. */
static void append_flat(tn_type *type, const tn_type *part) {
  if (type->flat_count + part->flat_count > TN_MAX_FLAT_PARAMS) {
    type->flat_count = TN_FLAT_MANY;
    return;
  }
  for (int p = 0; p < POINTER_KINDS; p++) {
    memcpy(&type->flat[p][type->flat_count], part->flat[p], part->flat_count);
  }
  type->flat_count += part->flat_count;
}

static uint8_t join(uint8_t a, uint8_t b) {
  if (a == b) return a;
  bool are_32_bits =
      (a == TN_FLAT_I32 || a == TN_FLAT_F32) && (b == TN_FLAT_I32 || b == TN_FLAT_F32);
  return are_32_bits ? TN_FLAT_I32 : TN_FLAT_I64;
}

/* Lays a case's payload over those of the cases before, behind the discriminant. */
static void join_case(tn_type *type, const tn_type *payload) {
  if (type->flat_count == TN_FLAT_MANY) return;
  if (payload->flat_count > TN_MAX_FLAT_PARAMS - 1) {
    type->flat_count = TN_FLAT_MANY;
    return;
  }
  for (uint32_t i = 0; i < payload->flat_count; i++) {
    bool is_new = i + 1 >= type->flat_count;
    if (is_new) type->flat_count++;
    for (int p = 0; p < POINTER_KINDS; p++) {
      uint8_t *slot = &type->flat[p][i + 1];
      *slot = is_new ? payload->flat[p][i] : join(*slot, payload->flat[p][i]);
    }
  }
}

static void flatten_variant(tn_type *type) {
  append_flat(type, tn_type_primitive(TN_TYPE_U32));
  for (uint32_t i = 0; i < type->count; i++) {
    if (type->types[i] != NULL) join_case(type, type->types[i]);
  }
}

static void flatten(tn_type *type) {
  type->flat_count = 0;
  switch (type->kind) {
  case TN_TYPE_LIST:
  case TN_TYPE_MAP:
    append_flat(type, tn_type_primitive(TN_TYPE_STRING));
    break;
  case TN_TYPE_FIXED_LIST:
    if (type->types[0]->flat_count == 0) break;
    for (uint32_t i = 0; i < type->length && type->flat_count < TN_FLAT_MANY; i++) {
      append_flat(type, type->types[0]);
    }
    break;
  case TN_TYPE_RECORD:
  case TN_TYPE_TUPLE:
    for (uint32_t i = 0; i < type->count && type->flat_count < TN_FLAT_MANY; i++) {
      append_flat(type, type->types[i]);
    }
    break;
  case TN_TYPE_VARIANT:
  case TN_TYPE_OPTION:
  case TN_TYPE_RESULT:
    flatten_variant(type);
    break;
  default: /* enum, flags and handles of all kinds */
    append_flat(type, tn_type_primitive(TN_TYPE_U32));
  }
}

uint32_t tn_type_flatten(const tn_type *type, bool is_64, tn_flat_type *out, uint32_t room) {
  if (type->flat_count == TN_FLAT_MANY) return TN_FLAT_MANY;
  const uint8_t *flat = type->flat[is_64 ? POINTER_64 : POINTER_32];
  for (uint32_t i = 0; i < type->flat_count && i < room; i++) {
    out[i] = (tn_flat_type)flat[i];
  }
  return type->flat_count;
}

/* ---- what a type contains ---------------------------------------------------------------------- */

/* How many entries of types[] there are. */
static uint32_t part_count(const tn_type *type) {
  return type->types == NULL || type->kind == TN_TYPE_ENUM || type->kind == TN_TYPE_FLAGS
             ? 0
             : type->count;
}

static bool is_end_of_stream(tn_type_kind kind) {
  return kind == TN_TYPE_STREAM || kind == TN_TYPE_FUTURE;
}

static bool is_plain(const tn_type *type) {
  if (type->kind == TN_TYPE_FIXED_LIST) return type->types[0]->is_plain;
  if (type->kind != TN_TYPE_RECORD && type->kind != TN_TYPE_TUPLE) return false;
  uint64_t without_padding = 0;
  for (uint32_t i = 0; i < type->count; i++) {
    if (!type->types[i]->is_plain) return false;
    without_padding += type->types[i]->layout[POINTER_64].size;
  }
  return without_padding == type->layout[POINTER_64].size;
}

static tn_error *gather_contents(tn_type *type) {
  tn_type_kind kind = type->kind;
  type->has_borrow = kind == TN_TYPE_BORROW;
  type->has_handle = kind == TN_TYPE_BORROW || kind == TN_TYPE_OWN || is_end_of_stream(kind);
  type->has_pointer = kind == TN_TYPE_LIST || kind == TN_TYPE_MAP;
  uint64_t weight = 1;
  for (uint32_t i = 0; i < part_count(type); i++) {
    const tn_type *part = type->types[i];
    if (part == NULL) continue;
    if (part->depth >= type->depth) type->depth = part->depth + 1;
    weight += part->weight;
    if (weight > TN_MAX_TYPE_WEIGHT) break;
    if (is_end_of_stream(kind)) continue; /* what goes through it is not in the value */
    type->has_borrow |= part->has_borrow;
    type->has_handle |= part->has_handle;
    type->has_pointer |= part->has_pointer;
  }
  if (weight > TN_MAX_TYPE_WEIGHT) {
    return tn_error_new(TN_ERROR_INVALID, "effective type size exceeds the limit of %d",
                        TN_MAX_TYPE_WEIGHT);
  }
  type->weight = (uint32_t)weight;
  type->is_plain = is_plain(type);
  return NULL;
}

static tn_error *finish(tn_arena *arena, tn_type *type) {
  TN_TRY(lay_out(arena, type));
  flatten(type);
  return gather_contents(type);
}

tn_error *tn_type_finish(tn_arena *arena, tn_type *type) {
  TN_TRY(finish(arena, type));
  if (type->depth <= TN_MAX_TYPE_DEPTH) return NULL;
  return tn_error_new(TN_ERROR_INVALID, "type nesting is too deep: more than %d levels",
                      TN_MAX_TYPE_DEPTH);
}

tn_error *tn_func_type_finish(tn_arena *arena, tn_func_type *type) {
  tn_type *params = TN_ARENA_NEW(arena, tn_type);
  if (params == NULL) return tn_error_no_memory();
  params->kind = TN_TYPE_TUPLE;
  params->count = type->param_count;
  params->types = type->param_types;
  TN_TRY(finish(arena, params)); /* no level of nesting that the type itself has */
  type->params = params;
  return NULL;
}

/* ---- equality ---------------------------------------------------------------------------------- */

static bool are_labels_equal(const tn_str *a, const tn_str *b, uint32_t count) {
  if (a == b || count == 0) return true;
  if (a == NULL || b == NULL) return false;
  for (uint32_t i = 0; i < count; i++) {
    if (!tn_str_equal(a[i], b[i])) return false;
  }
  return true;
}

static bool are_optional_types_equal(const tn_type *a, const tn_type *b) {
  return a == NULL || b == NULL ? a == b : tn_type_equal(a, b);
}

bool tn_type_equal(const tn_type *a, const tn_type *b) {
  if (a == b) return true;
  if (a->kind != b->kind || a->count != b->count || a->weight != b->weight) return false;
  if (a->kind == TN_TYPE_FIXED_LIST && a->length != b->length) return false;
  if (a->resource != b->resource) return false;
  if (!are_labels_equal(a->labels, b->labels, a->count)) return false;
  for (uint32_t i = 0; i < part_count(a); i++) {
    if (!are_optional_types_equal(a->types[i], b->types[i])) return false;
  }
  return true;
}

bool tn_func_type_equal(const tn_func_type *a, const tn_func_type *b) {
  if (a == b) return true;
  if (a->is_async != b->is_async || a->param_count != b->param_count) return false;
  if (!are_labels_equal(a->param_names, b->param_names, a->param_count)) return false;
  for (uint32_t i = 0; i < a->param_count; i++) {
    if (!tn_type_equal(a->param_types[i], b->param_types[i])) return false;
  }
  return are_optional_types_equal(a->result, b->result);
}
