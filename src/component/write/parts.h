/* The parts of the writer, among themselves. Each function appends one production of Binary.md. */
#ifndef TN_COMPONENT_WRITE_PARTS_H
#define TN_COMPONENT_WRITE_PARTS_H

#include "base/buffer.h"
#include "base/wasm_bytes.h"
#include "component/ast.h"

/* Invariant: once `is_too_deep` or `is_too_large` is set, what `out` holds is of no use. */
typedef struct tn_component_writer {
  tn_buffer *out;
  size_t start; /* of the component in `out` */
  bool is_too_deep;
  bool is_too_large;
} tn_component_writer;

/* Whether going on is in vain. A tree may share parts, so that a small one can be of any size when it is
 * written. */
static inline bool tn_writer_is_stopped(tn_component_writer *writer) {
  if (writer->out->len - writer->start > UINT32_MAX) writer->is_too_large = true;
  return writer->is_too_large || writer->is_too_deep || writer->out->failed;
}

/* ---- write_type.c --------------------------------------------------------------------------------------- */

void tn_write_core_valtype(tn_buffer *out, tn_core_valtype type);
/* A core type; of a rec group, the first one writes the beginning of the group. */
void tn_write_core_type(tn_buffer *out, const tn_core_type *type);
/* Whether a vector counts this type: a rec group is one entry, its first. */
static inline bool tn_core_type_is_entry(const tn_core_type *type) {
  return type->group_index == 0;
}

void tn_write_valtype(tn_buffer *out, const tn_ast_valtype *type);
/* `resultlist` */
void tn_write_result_list(tn_buffer *out, const tn_ast_valtype *type);
void tn_write_extern_type(tn_buffer *out, const tn_ast_extern_type *type);
void tn_write_type(tn_component_writer *writer, const tn_ast_type *type);

/* ---- write_definition.c --------------------------------------------------------------------------------- */

void tn_write_extern_name(tn_buffer *out, const tn_extern_name *name);
void tn_write_sort(tn_buffer *out, tn_sort sort);
void tn_write_sort_index(tn_buffer *out, tn_sort_index item);
void tn_write_core_instance(tn_buffer *out, const tn_ast_core_instance *instance);
void tn_write_instance(tn_buffer *out, const tn_ast_instance *instance);
void tn_write_alias(tn_buffer *out, const tn_ast_alias *alias);
void tn_write_start(tn_buffer *out, const tn_ast_start *start);
void tn_write_import(tn_buffer *out, const tn_ast_import *import);
void tn_write_export(tn_buffer *out, const tn_ast_export *export_);
void tn_write_value(tn_buffer *out, const tn_ast_value *value);

/* ---- write_canon.c -------------------------------------------------------------------------------------- */

void tn_write_canon(tn_buffer *out, const tn_ast_canon *canon);

#endif
