/* Core types: core WebAssembly's binary format for types, and Binary.md#type-definitions for module types. */
#include "component/component.h"
#include "component/binary/decode.h"

enum {
  MAX_PARAMS = 1000,
  MAX_RESULTS = 1000,
  MAX_STRUCT_FIELDS = 10000,
  MAX_MODULE_DECLS = 100000,
};

enum {
  REF_NULL = 0x63,
  REF = 0x64,
  REC_GROUP = 0x4e,
  SUB_FINAL = 0x4f,
  SUB_OR_MODULE = 0x50,
  CONT_TYPE = 0x5d,
  ARRAY_TYPE = 0x5e,
  STRUCT_TYPE = 0x5f,
  FUNC_TYPE = 0x60,
};

/* From nocont (0x75) to cont (0x68): each is a one-byte negative number. */
static bool is_abstract_heap_type(uint8_t byte) {
  return byte >= 0x68 && byte <= 0x75;
}

static int32_t abstract_heap_type(uint8_t byte) {
  return (int32_t)byte - 0x80;
}

tn_error *tn_decode_core_heaptype(tn_reader *in, int32_t *out) {
  uint8_t byte;
  TN_TRY(tn_peek_byte(in, &byte));
  if (is_abstract_heap_type(byte)) {
    in->next++;
    *out = abstract_heap_type(byte);
    return NULL;
  }
  uint32_t offset = tn_reader_offset(in);
  int64_t index;
  TN_TRY(tn_read_s33(in, &index));
  if (index < 0) return tn_malformed(offset, "invalid abstract heap type");
  if (index >= TN_MAX_ITEMS)
    return tn_malformed(offset, "type index %lld is too large", (long long)index);
  *out = (int32_t)index;
  return NULL;
}

tn_error *tn_decode_core_valtype(tn_reader *in, tn_core_valtype *out) {
  uint8_t byte;
  TN_TRY(tn_read_byte(in, &byte));
  *out = (tn_core_valtype){.code = byte};
  if (byte >= 0x7b && byte <= 0x7f) return NULL;
  if (byte == REF || byte == REF_NULL) return tn_decode_core_heaptype(in, &out->heap);
  if (!is_abstract_heap_type(byte)) return tn_bad_byte(in, byte, "value type");
  *out = (tn_core_valtype){.code = REF_NULL, .heap = abstract_heap_type(byte)};
  return NULL;
}

/* `core:limits` of tables (page sizes are not for them) and memories. */
static tn_error *decode_limits(tn_reader *in, bool is_memory, tn_core_limits *out) {
  enum { HAS_MAX = 1, SHARED = 2, IS_64 = 4, HAS_PAGE_SIZE = 8 };
  uint8_t flags;
  TN_TRY(tn_read_byte(in, &flags));
  int allowed = HAS_MAX | SHARED | IS_64 | (is_memory ? HAS_PAGE_SIZE : 0);
  if ((flags & ~allowed) != 0) {
    return tn_malformed(tn_reader_offset(in) - 1, "invalid %s limits flags 0x%x",
                        is_memory ? "memory" : "table", flags);
  }
  *out = (tn_core_limits){
      .has_max = (flags & HAS_MAX) != 0,
      .is_shared = (flags & SHARED) != 0,
      .is_64 = (flags & IS_64) != 0,
      .has_page_size = (flags & HAS_PAGE_SIZE) != 0,
      .page_size_log2 = 16,
  };
  uint32_t min = 0, max = 0;
  if (out->is_64) {
    TN_TRY(tn_read_u64(in, &out->min));
    if (out->has_max) TN_TRY(tn_read_u64(in, &out->max));
  } else {
    TN_TRY(tn_read_u32(in, &min));
    if (out->has_max) TN_TRY(tn_read_u32(in, &max));
    out->min = min;
    out->max = max;
  }
  if (out->has_page_size) TN_TRY(tn_read_u32(in, &out->page_size_log2));
  return NULL;
}

tn_error *tn_decode_core_table(tn_reader *in, tn_core_extern_type *out) {
  out->kind = TN_CORE_EXTERN_TABLE;
  TN_TRY(tn_decode_core_valtype(in, &out->valtype));
  if (out->valtype.code != REF && out->valtype.code != REF_NULL) {
    return tn_malformed(tn_reader_offset(in) - 1, "malformed reference type");
  }
  TN_TRY(decode_limits(in, false, &out->limits));
  out->is_shared = out->limits.is_shared;
  return NULL;
}

tn_error *tn_decode_core_memory(tn_reader *in, tn_core_extern_type *out) {
  out->kind = TN_CORE_EXTERN_MEMORY;
  return decode_limits(in, true, &out->limits);
}

tn_error *tn_decode_core_global(tn_reader *in, tn_core_extern_type *out) {
  enum { MUTABLE = 1, SHARED = 2 };
  out->kind = TN_CORE_EXTERN_GLOBAL;
  TN_TRY(tn_decode_core_valtype(in, &out->valtype));
  uint8_t flags;
  TN_TRY(tn_read_byte(in, &flags));
  if ((flags & ~(MUTABLE | SHARED)) != 0)
    return tn_malformed(tn_reader_offset(in) - 1, "malformed mutability");
  out->is_mutable = (flags & MUTABLE) != 0;
  out->is_shared = (flags & SHARED) != 0;
  return NULL;
}

tn_error *tn_decode_core_tag(tn_reader *in, tn_core_extern_type *out) {
  uint8_t attribute;
  out->kind = TN_CORE_EXTERN_TAG;
  TN_TRY(tn_read_byte(in, &attribute));
  if (attribute != 0) return tn_malformed(tn_reader_offset(in) - 1, "invalid tag attributes");
  return tn_read_u32(in, &out->type_index);
}

tn_error *tn_decode_core_extern_type(tn_reader *in, tn_core_extern_type *out) {
  uint8_t kind;
  TN_TRY(tn_read_byte(in, &kind));
  *out = (tn_core_extern_type){.kind = TN_CORE_EXTERN_FUNC};
  switch (kind) {
  case TN_CORE_EXTERN_FUNC:
    return tn_read_u32(in, &out->type_index);
  case TN_CORE_EXTERN_TABLE:
    return tn_decode_core_table(in, out);
  case TN_CORE_EXTERN_MEMORY:
    return tn_decode_core_memory(in, out);
  case TN_CORE_EXTERN_GLOBAL:
    return tn_decode_core_global(in, out);
  case TN_CORE_EXTERN_TAG:
    return tn_decode_core_tag(in, out);
  default:
    return tn_bad_byte(in, kind, "external kind");
  }
}

tn_error *tn_decode_core_import(tn_reader *in, tn_core_import *out) {
  out->offset = tn_reader_offset(in);
  TN_TRY(tn_read_name(in, &out->module));
  TN_TRY(tn_read_name(in, &out->name));
  return tn_decode_core_extern_type(in, &out->type);
}

/* ---- recursive types --------------------------------------------------------------------------- */

static tn_error *decode_valtypes(tn_arena *arena, tn_reader *in, uint32_t limit, const char *what,
                                 uint32_t *count, const tn_core_valtype **out) {
  TN_TRY(tn_read_count(in, limit, what, count));
  tn_core_valtype *types = TN_ARENA_ARRAY(arena, tn_core_valtype, *count);
  if (types == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < *count; i++) {
    TN_TRY(tn_decode_core_valtype(in, &types[i]));
  }
  *out = types;
  return NULL;
}

static tn_error *decode_func_type(tn_arena *arena, tn_reader *in, tn_core_func_type *out) {
  TN_TRY(
      decode_valtypes(arena, in, MAX_PARAMS, "function params", &out->param_count, &out->params));
  return decode_valtypes(arena, in, MAX_RESULTS, "function returns", &out->result_count,
                         &out->results);
}

/* `core:fieldtype`: a value type or a packed one (i8, i16), and whether it is mutable. */
static tn_error *skip_field_type(tn_reader *in) {
  enum { I8 = 0x78, I16 = 0x77 };
  uint8_t byte;
  TN_TRY(tn_peek_byte(in, &byte));
  if (byte == I8 || byte == I16) {
    in->next++;
  } else {
    tn_core_valtype ignored;
    TN_TRY(tn_decode_core_valtype(in, &ignored));
  }
  TN_TRY(tn_read_byte(in, &byte));
  if (byte > 1) return tn_malformed(tn_reader_offset(in) - 1, "malformed mutability");
  return NULL;
}

static tn_error *skip_struct_type(tn_reader *in) {
  uint32_t count;
  TN_TRY(tn_read_count(in, MAX_STRUCT_FIELDS, "struct fields", &count));
  for (uint32_t i = 0; i < count; i++) {
    TN_TRY(skip_field_type(in));
  }
  return NULL;
}

/* `core:comptype`. */
static tn_error *decode_composite_type(tn_arena *arena, tn_reader *in, tn_core_type *out) {
  int32_t ignored;
  uint8_t byte;
  TN_TRY(tn_read_byte(in, &byte));
  switch (byte) {
  case FUNC_TYPE:
    out->kind = TN_CORE_TYPE_FUNC;
    return decode_func_type(arena, in, &out->func);
  case STRUCT_TYPE:
    out->kind = TN_CORE_TYPE_STRUCT;
    return skip_struct_type(in);
  case ARRAY_TYPE:
    out->kind = TN_CORE_TYPE_ARRAY;
    return skip_field_type(in);
  case CONT_TYPE:
    out->kind = TN_CORE_TYPE_CONT;
    return tn_decode_core_heaptype(in, &ignored);
  default:
    return tn_bad_byte(in, byte, "type");
  }
}

/* `core:subtype`. */
static tn_error *decode_sub_type(tn_arena *arena, tn_reader *in, tn_core_type *out) {
  uint8_t byte;
  TN_TRY(tn_peek_byte(in, &byte));
  out->offset = tn_reader_offset(in);
  out->is_final = byte != SUB_OR_MODULE;
  if (byte == SUB_FINAL || byte == SUB_OR_MODULE) {
    in->next++;
    uint32_t supertypes;
    TN_TRY(tn_read_count(in, 1, "supertypes", &supertypes));
    out->has_supertype = supertypes == 1;
    if (out->has_supertype) TN_TRY(tn_read_u32(in, &out->supertype));
  }
  const uint8_t *start = in->next;
  TN_TRY(decode_composite_type(arena, in, out));
  out->encoded = tn_reader_since(in, start);
  return NULL;
}

tn_error *tn_decode_core_rec_type(tn_arena *arena, tn_reader *in, tn_core_type_group *out) {
  uint32_t count = 1;
  uint8_t byte;
  TN_TRY(tn_peek_byte(in, &byte));
  if (byte == REC_GROUP) {
    in->next++;
    TN_TRY(tn_read_count(in, TN_MAX_ITEMS, "rec group types", &count));
  }
  tn_core_type *types = TN_ARENA_ARRAY(arena, tn_core_type, count);
  if (types == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < count; i++) {
    types[i].group_index = i;
    types[i].group_size = count;
    types[i].is_grouped = byte == REC_GROUP;
    TN_TRY(decode_sub_type(arena, in, &types[i]));
  }
  *out = (tn_core_type_group){count, types};
  return NULL;
}

/* ---- module types: Binary.md `core:moduletype` -------------------------------------------------- */

typedef TN_VEC(tn_core_decl) core_decls;

/* A rec group makes several declarators. */
static tn_error *decode_type_decl(tn_arena *arena, tn_reader *in, core_decls *decls) {
  uint8_t byte;
  uint32_t offset = tn_reader_offset(in);
  TN_TRY(tn_peek_byte(in, &byte));
  if (byte == SUB_OR_MODULE) {
    return tn_invalid(offset, "invalid leading byte (0x50) for type: module types do not nest");
  }
  tn_core_type_group group;
  TN_TRY(tn_decode_core_type(arena, in, &group));
  for (uint32_t i = 0; i < group.count; i++) {
    tn_core_decl *decl = TN_VEC_PUSH(arena, decls);
    if (decl == NULL) return tn_error_no_memory();
    *decl = (tn_core_decl){.kind = TN_CORE_DECL_TYPE, .offset = offset, .type = &group.types[i]};
  }
  return NULL;
}

/* `core:alias`. */
static tn_error *decode_outer_alias(tn_reader *in, tn_core_decl *decl) {
  enum { SORT_TYPE = 0x10, TARGET_OUTER = 0x01 };
  uint8_t byte;
  TN_TRY(tn_read_byte(in, &byte));
  if (byte != SORT_TYPE) return tn_bad_byte(in, byte, "outer alias kind");
  TN_TRY(tn_read_byte(in, &byte));
  if (byte != TARGET_OUTER) return tn_bad_byte(in, byte, "outer alias target");
  decl->kind = TN_CORE_DECL_ALIAS_OUTER;
  TN_TRY(tn_read_u32(in, &decl->outer.count));
  return tn_read_u32(in, &decl->outer.index);
}

static tn_error *decode_export_decl(tn_reader *in, tn_core_decl *decl) {
  decl->kind = TN_CORE_DECL_EXPORT;
  decl->export_.offset = tn_reader_offset(in);
  TN_TRY(tn_read_name(in, &decl->export_.name));
  return tn_decode_core_extern_type(in, &decl->export_.type);
}

/* `core:moduledecl`. */
static tn_error *decode_module_decl(tn_arena *arena, tn_reader *in, core_decls *decls) {
  enum { IMPORT, TYPE, ALIAS, EXPORT };
  uint32_t offset = tn_reader_offset(in);
  uint8_t byte;
  TN_TRY(tn_read_byte(in, &byte));
  if (byte == TYPE) return decode_type_decl(arena, in, decls);
  if (byte > EXPORT) return tn_bad_byte(in, byte, "type definition");
  tn_core_decl *decl = TN_VEC_PUSH(arena, decls);
  if (decl == NULL) return tn_error_no_memory();
  decl->offset = offset;
  if (byte == ALIAS) return decode_outer_alias(in, decl);
  if (byte == EXPORT) return decode_export_decl(in, decl);
  decl->kind = TN_CORE_DECL_IMPORT;
  return tn_decode_core_import(in, &decl->import);
}

static tn_error *decode_module_type(tn_arena *arena, tn_reader *in, tn_core_type *out) {
  uint32_t count;
  core_decls decls = {0};
  TN_TRY(tn_read_count(in, MAX_MODULE_DECLS, "module type declarations", &count));
  for (uint32_t i = 0; i < count; i++) {
    TN_TRY(decode_module_decl(arena, in, &decls));
  }
  out->decl_count = decls.len;
  out->decls = decls.items;
  return NULL;
}

static tn_error *decode_module_type_alone(tn_arena *arena, tn_reader *in, tn_core_type_group *out) {
  tn_core_type *type = TN_ARENA_NEW(arena, tn_core_type);
  if (type == NULL) return tn_error_no_memory();
  const uint8_t *start = in->next;
  type->kind = TN_CORE_TYPE_MODULE;
  type->offset = tn_reader_offset(in);
  type->group_size = 1;
  in->next++;
  TN_TRY(decode_module_type(arena, in, type));
  type->encoded = tn_reader_since(in, start);
  *out = (tn_core_type_group){1, type};
  return NULL;
}

/* 0x50 means a module type here, and a non-final `sub` everywhere else; with 0x00 before it, it means
 * a `sub` here too. */
tn_error *tn_decode_core_type(tn_arena *arena, tn_reader *in, tn_core_type_group *out) {
  enum { SUB_FOLLOWS = 0x00 };
  uint8_t byte;
  TN_TRY(tn_peek_byte(in, &byte));
  if (byte == SUB_OR_MODULE) return decode_module_type_alone(arena, in, out);
  if (byte == SUB_FOLLOWS) {
    in->next++;
    TN_TRY(tn_read_byte(in, &byte));
    if (byte != SUB_OR_MODULE) return tn_bad_byte(in, byte, "non-final subtype");
    in->next--;
  }
  return tn_decode_core_rec_type(arena, in, out);
}
