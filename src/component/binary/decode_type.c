/* Component types: Binary.md#type-definitions. */
#include "component/component.h"
#include "component/binary/decode.h"

enum {
  MAX_FIELDS = 10000, /* of records, variants, tuples and enums */
  MAX_FLAGS = 1000,
  MAX_PARAMS = 1000,
  MAX_DECLS = 1000000,
};

/* Opcodes: the primitive types go down from bool to string. */
enum { BOOL = 0x7f, STRING = 0x73, ERROR_CONTEXT = 0x64 };

static bool primitive_of(uint8_t byte, tn_primitive *out) {
  if (byte == ERROR_CONTEXT) {
    *out = TN_PRIM_ERROR_CONTEXT;
    return true;
  }
  if (byte < STRING || byte > BOOL) return false;
  *out = (tn_primitive)(TN_PRIM_BOOL + (BOOL - byte));
  return true;
}

tn_error *tn_decode_valtype(tn_reader *in, tn_ast_valtype *out) {
  uint8_t byte;
  TN_TRY(tn_peek_byte(in, &byte));
  *out = (tn_ast_valtype){0};
  if (primitive_of(byte, &out->primitive)) {
    in->next++;
    return NULL;
  }
  uint32_t offset = tn_reader_offset(in);
  int64_t index;
  TN_TRY(tn_read_s33(in, &index));
  if (index < 0)
    return tn_malformed(offset, "invalid leading byte (0x%x) for component value type", byte);
  out->is_index = true;
  out->index = (uint32_t)index;
  return NULL;
}

static tn_error *decode_optional_valtype(tn_reader *in, tn_ast_valtype *out) {
  bool is_present;
  TN_TRY(tn_read_is_present(in, "optional component value type", &is_present));
  if (is_present) return tn_decode_valtype(in, out);
  *out = (tn_ast_valtype){.is_absent = true};
  return NULL;
}

tn_error *tn_decode_result_list(tn_reader *in, tn_ast_valtype *out) {
  uint8_t byte;
  TN_TRY(tn_read_byte(in, &byte));
  if (byte == 0) return tn_decode_valtype(in, out);
  if (byte != 1) return tn_bad_byte(in, byte, "component function results");
  TN_TRY(tn_read_byte(in, &byte));
  if (byte != 0) return tn_bad_byte(in, byte, "number of results");
  *out = (tn_ast_valtype){.is_absent = true};
  return NULL;
}

/* ---- fields ------------------------------------------------------------------------------------- */

typedef tn_error *(*decode_field_func)(tn_reader *in, tn_ast_field *out);

static tn_error *decode_labelled(tn_reader *in, tn_ast_field *out) {
  TN_TRY(tn_read_name(in, &out->label));
  return tn_decode_valtype(in, &out->type);
}

static tn_error *decode_unlabelled(tn_reader *in, tn_ast_field *out) {
  return tn_decode_valtype(in, &out->type);
}

static tn_error *decode_label(tn_reader *in, tn_ast_field *out) {
  out->type.is_absent = true;
  return tn_read_name(in, &out->label);
}

static tn_error *decode_case(tn_reader *in, tn_ast_field *out) {
  uint8_t zero;
  TN_TRY(tn_read_name(in, &out->label));
  TN_TRY(decode_optional_valtype(in, &out->type));
  TN_TRY(tn_read_byte(in, &zero));
  return zero == 0 ? NULL : tn_bad_byte(in, zero, "zero byte required");
}

static tn_error *decode_fields(tn_arena *arena, tn_reader *in, decode_field_func decode_field,
                               uint32_t limit, const char *what, tn_ast_type *out) {
  uint32_t count;
  TN_TRY(tn_read_count(in, limit, what, &count));
  tn_ast_field *fields = TN_ARENA_ARRAY(arena, tn_ast_field, count);
  if (fields == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < count; i++) {
    fields[i].offset = tn_reader_offset(in);
    TN_TRY(decode_field(in, &fields[i]));
  }
  out->field_count = count;
  out->fields = fields;
  return NULL;
}

/* ---- externtype, imports and exports ------------------------------------------------------------ */

static tn_error *decode_type_bound(tn_reader *in, tn_ast_extern_type *out) {
  uint8_t byte;
  TN_TRY(tn_read_byte(in, &byte));
  if (byte > 1) return tn_bad_byte(in, byte, "type bound");
  out->bound = byte == 0 ? TN_BOUND_EQ : TN_BOUND_SUB_RESOURCE;
  return byte == 0 ? tn_read_u32(in, &out->index) : NULL;
}

static tn_error *decode_value_bound(tn_reader *in, tn_ast_extern_type *out) {
  uint8_t byte;
  TN_TRY(tn_read_byte(in, &byte));
  if (byte > 1) return tn_bad_byte(in, byte, "value bound");
  out->value_is_eq = byte == 0;
  return out->value_is_eq ? tn_read_u32(in, &out->index) : tn_decode_valtype(in, &out->value_type);
}

tn_error *tn_decode_extern_type(tn_reader *in, tn_ast_extern_type *out) {
  enum { CORE, FUNC, VALUE, TYPE, COMPONENT, INSTANCE, CORE_MODULE = 0x11 };
  uint8_t byte;
  TN_TRY(tn_read_byte(in, &byte));
  *out = (tn_ast_extern_type){.sort = TN_SORT_CORE_MODULE};
  switch (byte) {
  case CORE:
    TN_TRY(tn_read_byte(in, &byte));
    if (byte != CORE_MODULE) break;
    return tn_read_u32(in, &out->index);
  case FUNC:
    out->sort = TN_SORT_FUNC;
    return tn_read_u32(in, &out->index);
  case VALUE:
    out->sort = TN_SORT_VALUE;
    return decode_value_bound(in, out);
  case TYPE:
    out->sort = TN_SORT_TYPE;
    return decode_type_bound(in, out);
  case COMPONENT:
    out->sort = TN_SORT_COMPONENT;
    return tn_read_u32(in, &out->index);
  case INSTANCE:
    out->sort = TN_SORT_INSTANCE;
    return tn_read_u32(in, &out->index);
  }
  return tn_bad_byte(in, byte, "component external kind");
}

tn_error *tn_decode_import(tn_reader *in, tn_ast_import *out) {
  TN_TRY(tn_decode_extern_name(in, &out->name));
  return tn_decode_extern_type(in, &out->type);
}

/* ---- component and instance types --------------------------------------------------------------- */

typedef TN_VEC(tn_ast_decl) ast_decls;

static tn_error *decode_core_type_decl(tn_arena *arena, tn_reader *in, ast_decls *decls) {
  uint32_t offset = tn_reader_offset(in);
  tn_core_type_group group;
  TN_TRY(tn_decode_core_type(arena, in, &group));
  for (uint32_t i = 0; i < group.count; i++) {
    tn_ast_decl *decl = TN_VEC_PUSH(arena, decls);
    if (decl == NULL) return tn_error_no_memory();
    *decl =
        (tn_ast_decl){.kind = TN_DECL_CORE_TYPE, .offset = offset, .core_type = &group.types[i]};
  }
  return NULL;
}

static tn_error *decode_type_decl(tn_arena *arena, tn_reader *in, uint32_t depth,
                                  tn_ast_decl *decl) {
  tn_ast_type *type = TN_ARENA_NEW(arena, tn_ast_type);
  if (type == NULL) return tn_error_no_memory();
  decl->kind = TN_DECL_TYPE;
  decl->type = type;
  return tn_decode_type(arena, in, depth + 1, type);
}

static tn_error *decode_export_decl(tn_reader *in, tn_ast_decl *decl) {
  decl->kind = TN_DECL_EXPORT;
  TN_TRY(tn_decode_extern_name(in, &decl->export_.name));
  decl->export_.has_type = true;
  TN_TRY(tn_decode_extern_type(in, &decl->export_.type));
  decl->export_.item.sort = decl->export_.type.sort;
  return NULL;
}

/* `componentdecl`, or `instancedecl` when `is_component` is false. */
static tn_error *decode_decl(tn_arena *arena, tn_reader *in, uint32_t depth, bool is_component,
                             ast_decls *decls) {
  enum { CORE_TYPE, TYPE, ALIAS, IMPORT, EXPORT };
  uint32_t offset = tn_reader_offset(in);
  uint8_t byte;
  TN_TRY(tn_read_byte(in, &byte));
  if (byte == CORE_TYPE) return decode_core_type_decl(arena, in, decls);
  if (byte > EXPORT || (byte == IMPORT && !is_component)) {
    return tn_bad_byte(in, byte, "component or instance type declaration");
  }
  tn_ast_decl *decl = TN_VEC_PUSH(arena, decls);
  if (decl == NULL) return tn_error_no_memory();
  decl->offset = offset;
  switch (byte) {
  case TYPE:
    return decode_type_decl(arena, in, depth, decl);
  case ALIAS:
    decl->kind = TN_DECL_ALIAS;
    return tn_decode_alias(in, &decl->alias);
  case IMPORT:
    decl->kind = TN_DECL_IMPORT;
    return tn_decode_import(in, &decl->import);
  default:
    return decode_export_decl(in, decl);
  }
}

static tn_error *decode_decls(tn_arena *arena, tn_reader *in, uint32_t depth, bool is_component,
                              tn_ast_type *out) {
  if (depth >= TN_MAX_TYPE_DEPTH) return tn_malformed(tn_reader_offset(in), "nesting too deep");
  uint32_t count;
  ast_decls decls = {0};
  TN_TRY(tn_read_count(in, MAX_DECLS, "type declarations", &count));
  for (uint32_t i = 0; i < count; i++) {
    TN_TRY(decode_decl(arena, in, depth, is_component, &decls));
  }
  out->decl_count = decls.len;
  out->decls = decls.items;
  return NULL;
}

/* ---- types -------------------------------------------------------------------------------------- */

static tn_error *decode_func(tn_arena *arena, tn_reader *in, tn_ast_type *out) {
  TN_TRY(decode_fields(arena, in, decode_labelled, MAX_PARAMS, "function params", out));
  return tn_decode_result_list(in, &out->element);
}

static tn_error *decode_resource(tn_reader *in, tn_ast_type *out) {
  TN_TRY(tn_decode_core_valtype(in, &out->representation));
  TN_TRY(tn_read_is_present(in, "optional resource destructor", &out->has_destructor));
  return out->has_destructor ? tn_read_u32(in, &out->destructor) : NULL;
}

static tn_error *decode_result(tn_reader *in, tn_ast_type *out) {
  TN_TRY(decode_optional_valtype(in, &out->element));
  return decode_optional_valtype(in, &out->error);
}

static tn_error *decode_fixed_list(tn_reader *in, tn_ast_type *out) {
  TN_TRY(tn_decode_valtype(in, &out->element));
  return tn_read_u32(in, &out->length);
}

static tn_error *decode_map(tn_reader *in, tn_ast_type *out) {
  TN_TRY(tn_decode_valtype(in, &out->key));
  return tn_decode_valtype(in, &out->element);
}

/* What follows each opcode of `deftype` but the primitive ones. */
static tn_error *decode_body(tn_arena *arena, tn_reader *in, uint32_t depth, uint8_t opcode,
                             tn_ast_type *out) {
  switch (out->kind) {
  case TN_AST_RECORD:
    return decode_fields(arena, in, decode_labelled, MAX_FIELDS, "record fields", out);
  case TN_AST_VARIANT:
    return decode_fields(arena, in, decode_case, MAX_FIELDS, "variant cases", out);
  case TN_AST_LIST:
  case TN_AST_OPTION:
    return tn_decode_valtype(in, &out->element);
  case TN_AST_FIXED_LIST:
    return decode_fixed_list(in, out);
  case TN_AST_TUPLE:
    return decode_fields(arena, in, decode_unlabelled, MAX_FIELDS, "tuple types", out);
  case TN_AST_FLAGS:
    return decode_fields(arena, in, decode_label, MAX_FLAGS, "flag names", out);
  case TN_AST_ENUM:
    return decode_fields(arena, in, decode_label, MAX_FIELDS, "enum cases", out);
  case TN_AST_RESULT:
    return decode_result(in, out);
  case TN_AST_OWN:
  case TN_AST_BORROW:
    return tn_read_u32(in, &out->resource);
  case TN_AST_STREAM:
  case TN_AST_FUTURE:
    return decode_optional_valtype(in, &out->element);
  case TN_AST_MAP:
    return decode_map(in, out);
  case TN_AST_FUNC:
    return decode_func(arena, in, out);
  case TN_AST_COMPONENT:
    return decode_decls(arena, in, depth, true, out);
  case TN_AST_INSTANCE:
    return decode_decls(arena, in, depth, false, out);
  case TN_AST_RESOURCE:
    return decode_resource(in, out);
  case TN_AST_PRIMITIVE:
    break;
  }
  return tn_bad_byte(in, opcode, "component defined type");
}

/* The kind that each opcode of `deftype` stands for; those of no kind are TN_AST_PRIMITIVE, which is 0. */
static const uint8_t kind_of_opcode[256] = {
    [0x72] = TN_AST_RECORD,     [0x71] = TN_AST_VARIANT,   [0x70] = TN_AST_LIST,
    [0x67] = TN_AST_FIXED_LIST, [0x6f] = TN_AST_TUPLE,     [0x6e] = TN_AST_FLAGS,
    [0x6d] = TN_AST_ENUM,       [0x6b] = TN_AST_OPTION,    [0x6a] = TN_AST_RESULT,
    [0x69] = TN_AST_OWN,        [0x68] = TN_AST_BORROW,    [0x66] = TN_AST_STREAM,
    [0x65] = TN_AST_FUTURE,     [0x63] = TN_AST_MAP,       [0x40] = TN_AST_FUNC,
    [0x43] = TN_AST_FUNC,       [0x41] = TN_AST_COMPONENT, [0x42] = TN_AST_INSTANCE,
    [0x3f] = TN_AST_RESOURCE,
};

tn_error *tn_decode_type(tn_arena *arena, tn_reader *in, uint32_t depth, tn_ast_type *out) {
  enum { ASYNC_FUNC = 0x43 };
  *out = (tn_ast_type){.offset = tn_reader_offset(in)};
  uint8_t opcode;
  TN_TRY(tn_read_byte(in, &opcode));
  if (primitive_of(opcode, &out->primitive)) return NULL;
  out->kind = (tn_ast_type_kind)kind_of_opcode[opcode];
  out->is_async = opcode == ASYNC_FUNC;
  return decode_body(arena, in, depth, opcode, out);
}
