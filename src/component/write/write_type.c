/* Core and component types: Binary.md#type-definitions. */
#include "component/component.h"
#include "component/write/parts.h"

/* ---- core types ----------------------------------------------------------------------------------------- */

enum {
  REF_NULL = 0x63,
  REF = 0x64,
  REC_GROUP = 0x4e,
  SUB_FINAL = 0x4f,
  SUB = 0x50,
  SUB_FOLLOWS = 0x00, /* outside a rec group, 0x50 alone would be a module type */
};

void tn_write_core_valtype(tn_buffer *out, tn_core_valtype type) {
  tn_buffer_append_byte(out, type.code);
  if (type.code == REF || type.code == REF_NULL) tn_wasm_s64(out, type.heap);
}

static void write_sub_type(tn_buffer *out, const tn_core_type *type) {
  if (!type->is_final || type->has_supertype) {
    if (!type->is_final && type->group_size == 1) tn_buffer_append_byte(out, SUB_FOLLOWS);
    tn_buffer_append_byte(out, type->is_final ? SUB_FINAL : SUB);
    tn_wasm_u32(out, type->has_supertype);
    if (type->has_supertype) tn_wasm_u32(out, type->supertype);
  }
  tn_buffer_append_str(out, type->encoded);
}

void tn_write_core_type(tn_buffer *out, const tn_core_type *type) {
  if (type->kind == TN_CORE_TYPE_MODULE) {
    tn_buffer_append_str(out, type->encoded);
    return;
  }
  if (type->group_index == 0 && type->group_size > 1) {
    tn_buffer_append_byte(out, REC_GROUP);
    tn_wasm_u32(out, type->group_size);
  }
  write_sub_type(out, type);
}

/* ---- value types ---------------------------------------------------------------------------------------- */

static void write_primitive(tn_buffer *out, tn_primitive primitive) {
  enum { BOOL = 0x7f, ERROR_CONTEXT = 0x64 };
  tn_buffer_append_byte(out, primitive == TN_PRIM_ERROR_CONTEXT ? ERROR_CONTEXT
                                                                : (uint8_t)(BOOL - primitive));
}

void tn_write_valtype(tn_buffer *out, const tn_ast_valtype *type) {
  if (type->is_index) {
    tn_wasm_s64(out, type->index);
  } else {
    write_primitive(out, type->primitive);
  }
}

static void write_optional_valtype(tn_buffer *out, const tn_ast_valtype *type) {
  tn_buffer_append_byte(out, !type->is_absent);
  if (!type->is_absent) tn_write_valtype(out, type);
}

void tn_write_result_list(tn_buffer *out, const tn_ast_valtype *type) {
  if (type->is_absent) {
    tn_buffer_append(out, "\x01\x00", 2);
  } else {
    tn_buffer_append_byte(out, 0x00);
    tn_write_valtype(out, type);
  }
}

/* ---- fields --------------------------------------------------------------------------------------------- */

typedef void (*write_field_func)(tn_buffer *out, const tn_ast_field *field);

static void write_labelled(tn_buffer *out, const tn_ast_field *field) {
  tn_wasm_bytes(out, field->label);
  tn_write_valtype(out, &field->type);
}

static void write_unlabelled(tn_buffer *out, const tn_ast_field *field) {
  tn_write_valtype(out, &field->type);
}

static void write_label(tn_buffer *out, const tn_ast_field *field) {
  tn_wasm_bytes(out, field->label);
}

static void write_case(tn_buffer *out, const tn_ast_field *field) {
  tn_wasm_bytes(out, field->label);
  write_optional_valtype(out, &field->type);
  tn_buffer_append_byte(out, 0x00);
}

static void write_fields(tn_buffer *out, const tn_ast_type *type, write_field_func write_field) {
  tn_wasm_u32(out, type->field_count);
  for (uint32_t i = 0; i < type->field_count; i++)
    write_field(out, &type->fields[i]);
}

/* ---- externtype and declarators ------------------------------------------------------------------------- */

void tn_write_extern_type(tn_buffer *out, const tn_ast_extern_type *type) {
  enum { IS_EQ = 0x00, IS_ANY = 0x01 };
  tn_write_sort(out, type->sort);
  if (type->sort == TN_SORT_TYPE && type->bound == TN_BOUND_SUB_RESOURCE) {
    tn_buffer_append_byte(out, IS_ANY);
  } else if (type->sort == TN_SORT_VALUE && !type->value_is_eq) {
    tn_buffer_append_byte(out, IS_ANY);
    tn_write_valtype(out, &type->value_type);
  } else {
    if (type->sort == TN_SORT_TYPE || type->sort == TN_SORT_VALUE)
      tn_buffer_append_byte(out, IS_EQ);
    tn_wasm_u32(out, type->index);
  }
}

static void write_decl_export(tn_buffer *out, const tn_ast_export *export_) {
  tn_write_extern_name(out, &export_->name);
  tn_write_extern_type(out, &export_->type);
}

static void write_type_at(tn_component_writer *writer, const tn_ast_type *type, uint32_t depth);

static void write_decl(tn_component_writer *writer, const tn_ast_decl *decl, uint32_t depth) {
  enum { CORE_TYPE, TYPE, ALIAS, IMPORT, EXPORT };
  tn_buffer *out = writer->out;
  switch (decl->kind) {
  case TN_DECL_CORE_TYPE:
    if (tn_core_type_is_entry(decl->core_type)) tn_buffer_append_byte(out, CORE_TYPE);
    tn_write_core_type(out, decl->core_type);
    break;
  case TN_DECL_TYPE:
    tn_buffer_append_byte(out, TYPE);
    write_type_at(writer, decl->type, depth + 1);
    break;
  case TN_DECL_ALIAS:
    tn_buffer_append_byte(out, ALIAS);
    tn_write_alias(out, &decl->alias);
    break;
  case TN_DECL_IMPORT:
    tn_buffer_append_byte(out, IMPORT);
    tn_write_import(out, &decl->import);
    break;
  case TN_DECL_EXPORT:
    tn_buffer_append_byte(out, EXPORT);
    write_decl_export(out, &decl->export_);
    break;
  }
}

static void write_decls(tn_component_writer *writer, const tn_ast_type *type, uint32_t depth) {
  if (depth >= TN_MAX_TYPE_DEPTH) {
    writer->is_too_deep = true;
    return;
  }
  uint32_t count = 0;
  for (uint32_t i = 0; i < type->decl_count; i++) {
    const tn_ast_decl *decl = &type->decls[i];
    count += decl->kind != TN_DECL_CORE_TYPE || tn_core_type_is_entry(decl->core_type);
  }
  tn_wasm_u32(writer->out, count);
  for (uint32_t i = 0; i < type->decl_count && !tn_writer_is_stopped(writer); i++)
    write_decl(writer, &type->decls[i], depth);
}

/* ---- types ---------------------------------------------------------------------------------------------- */

static const uint8_t opcodes[] = {
    [TN_AST_RECORD] = 0x72,     [TN_AST_VARIANT] = 0x71,  [TN_AST_LIST] = 0x70,
    [TN_AST_FIXED_LIST] = 0x67, [TN_AST_TUPLE] = 0x6f,    [TN_AST_FLAGS] = 0x6e,
    [TN_AST_ENUM] = 0x6d,       [TN_AST_OPTION] = 0x6b,   [TN_AST_RESULT] = 0x6a,
    [TN_AST_OWN] = 0x69,        [TN_AST_BORROW] = 0x68,   [TN_AST_STREAM] = 0x66,
    [TN_AST_FUTURE] = 0x65,     [TN_AST_MAP] = 0x63,      [TN_AST_FUNC] = 0x40,
    [TN_AST_COMPONENT] = 0x41,  [TN_AST_INSTANCE] = 0x42, [TN_AST_RESOURCE] = 0x3f,
};

static void write_func(tn_buffer *out, const tn_ast_type *type) {
  write_fields(out, type, write_labelled);
  tn_write_result_list(out, &type->element);
}

static void write_resource(tn_buffer *out, const tn_ast_type *type) {
  tn_write_core_valtype(out, type->representation);
  tn_buffer_append_byte(out, type->has_destructor);
  if (type->has_destructor) tn_wasm_u32(out, type->destructor);
}

/* What follows the opcode. */
static void write_body(tn_component_writer *writer, const tn_ast_type *type, uint32_t depth) {
  tn_buffer *out = writer->out;
  switch (type->kind) {
  case TN_AST_RECORD:
    write_fields(out, type, write_labelled);
    break;
  case TN_AST_VARIANT:
    write_fields(out, type, write_case);
    break;
  case TN_AST_TUPLE:
    write_fields(out, type, write_unlabelled);
    break;
  case TN_AST_FLAGS:
  case TN_AST_ENUM:
    write_fields(out, type, write_label);
    break;
  case TN_AST_LIST:
  case TN_AST_OPTION:
    tn_write_valtype(out, &type->element);
    break;
  case TN_AST_FIXED_LIST:
    tn_write_valtype(out, &type->element);
    tn_wasm_u32(out, type->length);
    break;
  case TN_AST_RESULT:
    write_optional_valtype(out, &type->element);
    write_optional_valtype(out, &type->error);
    break;
  case TN_AST_OWN:
  case TN_AST_BORROW:
    tn_wasm_u32(out, type->resource);
    break;
  case TN_AST_STREAM:
  case TN_AST_FUTURE:
    write_optional_valtype(out, &type->element);
    break;
  case TN_AST_MAP:
    tn_write_valtype(out, &type->key);
    tn_write_valtype(out, &type->element);
    break;
  case TN_AST_FUNC:
    write_func(out, type);
    break;
  case TN_AST_COMPONENT:
  case TN_AST_INSTANCE:
    write_decls(writer, type, depth);
    break;
  case TN_AST_RESOURCE:
    write_resource(out, type);
    break;
  case TN_AST_PRIMITIVE:
    break;
  }
}

static void write_type_at(tn_component_writer *writer, const tn_ast_type *type, uint32_t depth) {
  enum { ASYNC_FUNC = 0x43 };
  if (type->kind == TN_AST_PRIMITIVE) {
    write_primitive(writer->out, type->primitive);
    return;
  }
  bool is_async_func = type->kind == TN_AST_FUNC && type->is_async;
  tn_buffer_append_byte(writer->out, is_async_func ? ASYNC_FUNC : opcodes[type->kind]);
  write_body(writer, type, depth);
}

void tn_write_type(tn_component_writer *writer, const tn_ast_type *type) {
  write_type_at(writer, type, 0);
}
