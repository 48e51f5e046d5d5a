/* Names, sorts, instances, aliases, imports and exports: what the sections of a component hold. */
#include "component/binary/names.h"
#include "component/write/parts.h"

/* ---- names and sorts: Binary.md#import-and-export-definitions ------------------------------------------- */

static void write_attribute(tn_buffer *out, uint8_t kind, tn_str value) {
  if (value.data == NULL) return;
  tn_buffer_append_byte(out, kind);
  tn_wasm_bytes(out, value);
}

void tn_write_extern_name(tn_buffer *out, const tn_extern_name *name) {
  enum { PLAIN = 0, WITH_ATTRIBUTES = 2 };
  const tn_str attributes[] = {name->implements, name->version_suffix, name->external_id};
  uint32_t count = 0;
  for (uint8_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
    count += attributes[i].data != NULL;
  tn_buffer_append_byte(out, count == 0 ? PLAIN : WITH_ATTRIBUTES);
  tn_wasm_bytes(out, name->name);
  if (count == 0) return;
  tn_wasm_u32(out, count);
  for (uint8_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
    write_attribute(out, i, attributes[i]);
}

void tn_write_sort(tn_buffer *out, tn_sort sort) {
  const uint8_t *code = tn_sort_codes[sort];
  tn_buffer_append(out, code, code[0] == 0 ? 2 : 1);
}

void tn_write_sort_index(tn_buffer *out, tn_sort_index item) {
  tn_write_sort(out, item.sort);
  tn_wasm_u32(out, item.index);
}

/* Where only core sorts can stand they have no 0x00 in front. */
static void write_core_sort_index(tn_buffer *out, tn_sort_index item) {
  tn_buffer_append_byte(out, tn_sort_codes[item.sort][1]);
  tn_wasm_u32(out, item.index);
}

/* ---- instances: Binary.md#instance-definitions ---------------------------------------------------------- */

enum { INSTANTIATE = 0x00, INLINE_EXPORTS = 0x01 };

void tn_write_core_instance(tn_buffer *out, const tn_ast_core_instance *instance) {
  tn_buffer_append_byte(out, instance->is_instantiate ? INSTANTIATE : INLINE_EXPORTS);
  if (instance->is_instantiate) tn_wasm_u32(out, instance->module);
  tn_wasm_u32(out, instance->argument_count);
  for (uint32_t i = 0; i < instance->argument_count; i++) {
    tn_wasm_bytes(out, instance->arguments[i].name);
    write_core_sort_index(out, instance->arguments[i].item);
  }
}

void tn_write_instance(tn_buffer *out, const tn_ast_instance *instance) {
  tn_buffer_append_byte(out, instance->is_instantiate ? INSTANTIATE : INLINE_EXPORTS);
  if (instance->is_instantiate) tn_wasm_u32(out, instance->component);
  tn_wasm_u32(out, instance->argument_count);
  for (uint32_t i = 0; i < instance->argument_count; i++) {
    const tn_ast_argument *argument = &instance->arguments[i];
    if (instance->is_instantiate) {
      tn_wasm_bytes(out, argument->name.name);
    } else {
      tn_write_extern_name(out, &argument->name);
    }
    tn_write_sort_index(out, argument->item);
  }
}

/* ---- the others ----------------------------------------------------------------------------------------- */

void tn_write_alias(tn_buffer *out, const tn_ast_alias *alias) {
  enum { EXPORT, CORE_EXPORT, OUTER };
  tn_write_sort(out, alias->sort);
  switch (alias->kind) {
  case TN_ALIAS_EXPORT:
  case TN_ALIAS_CORE_EXPORT:
    tn_buffer_append_byte(out, alias->kind == TN_ALIAS_EXPORT ? EXPORT : CORE_EXPORT);
    tn_wasm_u32(out, alias->instance);
    tn_wasm_bytes(out, alias->name);
    break;
  case TN_ALIAS_OUTER:
    tn_buffer_append_byte(out, OUTER);
    tn_wasm_u32(out, alias->outer_count);
    tn_wasm_u32(out, alias->outer_index);
    break;
  }
}

void tn_write_start(tn_buffer *out, const tn_ast_start *start) {
  tn_wasm_u32(out, start->func);
  tn_wasm_u32(out, start->argument_count);
  for (uint32_t i = 0; i < start->argument_count; i++)
    tn_wasm_u32(out, start->arguments[i]);
  tn_wasm_u32(out, start->result_count);
}

void tn_write_import(tn_buffer *out, const tn_ast_import *import) {
  tn_write_extern_name(out, &import->name);
  tn_write_extern_type(out, &import->type);
}

void tn_write_export(tn_buffer *out, const tn_ast_export *export_) {
  tn_write_extern_name(out, &export_->name);
  tn_write_sort_index(out, export_->item);
  tn_buffer_append_byte(out, export_->has_type);
  if (export_->has_type) tn_write_extern_type(out, &export_->type);
}

void tn_write_value(tn_buffer *out, const tn_ast_value *value) {
  tn_write_valtype(out, &value->type);
  tn_wasm_bytes(out, value->bytes);
}
