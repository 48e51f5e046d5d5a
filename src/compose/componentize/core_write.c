#include "compose/componentize/core_write.h"

#include "base/wasm_bytes.h"

enum {
  TYPE = 1,
  IMPORT = 2,
  FUNCTION = 3,
  TABLE = 4,
  EXPORT = 7,
  START = 8,
  ELEMENT = 9,
  CODE = 10
};
enum { KIND_FUNC = 0, KIND_TABLE = 1, FUNC_TYPE = 0x60, FUNCREF = 0x70, HAS_MAX = 1 };
enum { END = 0x0b, CALL_INDIRECT = 0x11, LOCAL_GET = 0x20, I32_CONST = 0x41 };

static const char table_name[] = "$imports";

void tn_core_write_preamble(tn_buffer *out) {
  tn_buffer_append(out, "\0asm\1\0\0\0", 8);
}

void tn_core_write_custom(tn_buffer *out, tn_str name, tn_str payload) {
  tn_buffer_append_byte(out, 0);
  size_t begin = tn_wasm_begin_sized(out);
  tn_wasm_bytes(out, name);
  tn_buffer_append_str(out, payload);
  tn_wasm_end_sized(out, begin);
}

static void write_valtypes(tn_buffer *out, const tn_core_valtype *types, uint32_t count) {
  tn_wasm_u32(out, count);
  for (uint32_t i = 0; i < count; i++)
    tn_buffer_append_byte(out, types[i].code);
}

void tn_core_write_func_type(tn_buffer *out, const tn_core_func_type *type) {
  tn_buffer_append_byte(out, FUNC_TYPE);
  write_valtypes(out, type->params, type->param_count);
  write_valtypes(out, type->results, type->result_count);
}

/* Begins a section of `count` entries; ended by tn_wasm_end_sized. */
static size_t begin_section(tn_buffer *out, uint8_t id, uint32_t count) {
  tn_buffer_append_byte(out, id);
  size_t begin = tn_wasm_begin_sized(out);
  tn_wasm_u32(out, count);
  return begin;
}

/* One type for each function, so that type i is that of function i. */
static void write_types(tn_buffer *out, const tn_core_func_type *const *types, uint32_t count) {
  size_t begin = begin_section(out, TYPE, count);
  for (uint32_t i = 0; i < count; i++)
    tn_core_write_func_type(out, types[i]);
  tn_wasm_end_sized(out, begin);
}

static void write_table_type(tn_buffer *out, uint32_t size) {
  tn_buffer_append_byte(out, FUNCREF);
  tn_buffer_append_byte(out, HAS_MAX);
  tn_wasm_u32(out, size);
  tn_wasm_u32(out, size);
}

static void write_number_name(tn_buffer *out, uint32_t number) {
  size_t begin = tn_wasm_begin_sized(out);
  tn_buffer_format(out, "%u", number);
  tn_wasm_end_sized(out, begin);
}

static void write_table_export(tn_buffer *out) {
  tn_wasm_bytes(out, tn_str_from(table_name));
  tn_buffer_append_byte(out, KIND_TABLE);
  tn_wasm_u32(out, 0);
}

/* Passes all arguments on to the function in slot `slot`. */
static void write_forwarder(tn_buffer *out, uint32_t slot, uint32_t param_count) {
  size_t begin = tn_wasm_begin_sized(out);
  tn_wasm_u32(out, 0); /* no local variables */
  for (uint32_t i = 0; i < param_count; i++) {
    tn_buffer_append_byte(out, LOCAL_GET);
    tn_wasm_u32(out, i);
  }
  tn_buffer_append_byte(out, I32_CONST);
  tn_wasm_s64(out, slot);
  tn_buffer_append_byte(out, CALL_INDIRECT);
  tn_wasm_u32(out, slot); /* its type */
  tn_wasm_u32(out, 0);
  tn_buffer_append_byte(out, END);
  tn_wasm_end_sized(out, begin);
}

void tn_core_write_shim(tn_buffer *out, const tn_core_func_type *const *types, uint32_t count) {
  tn_core_write_preamble(out);
  write_types(out, types, count);
  size_t begin = begin_section(out, FUNCTION, count);
  for (uint32_t i = 0; i < count; i++)
    tn_wasm_u32(out, i);
  tn_wasm_end_sized(out, begin);

  begin = begin_section(out, TABLE, 1);
  write_table_type(out, count);
  tn_wasm_end_sized(out, begin);

  begin = begin_section(out, EXPORT, count + 1);
  for (uint32_t i = 0; i < count; i++) {
    write_number_name(out, i);
    tn_buffer_append_byte(out, KIND_FUNC);
    tn_wasm_u32(out, i);
  }
  write_table_export(out);
  tn_wasm_end_sized(out, begin);

  begin = begin_section(out, CODE, count);
  for (uint32_t i = 0; i < count; i++)
    write_forwarder(out, i, types[i]->param_count);
  tn_wasm_end_sized(out, begin);
}

void tn_core_write_fixup(tn_buffer *out, const tn_core_func_type *const *types, uint32_t count) {
  tn_core_write_preamble(out);
  write_types(out, types, count);
  size_t begin = begin_section(out, IMPORT, count + 1);
  for (uint32_t i = 0; i < count; i++) {
    tn_wasm_bytes(out, TN_STR(""));
    write_number_name(out, i);
    tn_buffer_append_byte(out, KIND_FUNC);
    tn_wasm_u32(out, i);
  }
  tn_wasm_bytes(out, TN_STR(""));
  tn_wasm_bytes(out, tn_str_from(table_name));
  tn_buffer_append_byte(out, KIND_TABLE);
  write_table_type(out, count);
  tn_wasm_end_sized(out, begin);

  begin = begin_section(out, ELEMENT, 1);
  tn_wasm_u32(out, 0); /* active, of table 0 */
  tn_buffer_append_byte(out, I32_CONST);
  tn_wasm_s64(out, 0);
  tn_buffer_append_byte(out, END);
  tn_wasm_u32(out, count);
  for (uint32_t i = 0; i < count; i++)
    tn_wasm_u32(out, i);
  tn_wasm_end_sized(out, begin);
}

static void write_func_import(tn_buffer *out, tn_str name, uint32_t type) {
  tn_wasm_bytes(out, TN_STR(""));
  tn_wasm_bytes(out, name);
  tn_buffer_append_byte(out, KIND_FUNC);
  tn_wasm_u32(out, type);
}

void tn_core_write_starter(tn_buffer *out) {
  static const tn_core_func_type none = {0};
  const tn_core_func_type *const types[] = {&none};
  tn_core_write_preamble(out);
  write_types(out, types, 1);
  size_t begin = begin_section(out, IMPORT, 1);
  write_func_import(out, TN_STR(""), 0);
  tn_wasm_end_sized(out, begin);
  tn_buffer_append_byte(out, START);
  begin = tn_wasm_begin_sized(out);
  tn_wasm_u32(out, 0);
  tn_wasm_end_sized(out, begin);
}

void tn_core_write_wrapper(tn_buffer *out, const tn_core_func_type *type) {
  enum { INIT = 0, WRAPPED = 1, WRAPPER = 2, CALL = 0x10 };
  static const tn_core_func_type plain = {0};
  const tn_core_func_type *const types[] = {&plain, type};
  tn_core_write_preamble(out);
  write_types(out, types, 2);
  size_t begin = begin_section(out, IMPORT, 2);
  write_func_import(out, TN_STR("init"), 0);
  write_func_import(out, TN_STR(""), 1);
  tn_wasm_end_sized(out, begin);
  begin = begin_section(out, FUNCTION, 1);
  tn_wasm_u32(out, 1);
  tn_wasm_end_sized(out, begin);
  begin = begin_section(out, EXPORT, 1);
  tn_wasm_bytes(out, TN_STR(""));
  tn_buffer_append_byte(out, KIND_FUNC);
  tn_wasm_u32(out, WRAPPER);
  tn_wasm_end_sized(out, begin);
  begin = begin_section(out, CODE, 1);
  size_t body = tn_wasm_begin_sized(out);
  tn_wasm_u32(out, 0); /* no local variables */
  tn_buffer_append_byte(out, CALL);
  tn_wasm_u32(out, INIT);
  for (uint32_t i = 0; i < type->param_count; i++) {
    tn_buffer_append_byte(out, LOCAL_GET);
    tn_wasm_u32(out, i);
  }
  tn_buffer_append_byte(out, CALL);
  tn_wasm_u32(out, WRAPPED);
  tn_buffer_append_byte(out, END);
  tn_wasm_end_sized(out, body);
  tn_wasm_end_sized(out, begin);
}
