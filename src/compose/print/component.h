/* Components in the component text format. */
#ifndef TN_COMPOSE_PRINT_COMPONENT_H
#define TN_COMPOSE_PRINT_COMPONENT_H

#include "base/buffer.h"
#include "base/error.h"
#include "component/component.h"

/* Comments tell of core modules, custom sections, and the few kinds of core types and values for which there is
 * no text. */
tn_error *tn_print_component(tn_buffer *out, const tn_component_ast *component);

/* ---- among the files of the printer --------------------------------------------------------------------- */

/* Items are called by their indices; `counts` says which comes next. One scope. */
typedef struct tn_component_printer {
  tn_buffer *out;
  uint32_t indent;
  uint32_t counts[TN_SORT_COUNT];
} tn_component_printer;

/* A new line, indented. */
void tn_print_line(tn_component_printer *p);
/* "text" with escapes. */
void tn_print_string(tn_buffer *out, tn_str text);
/* "core func", "instance" … */
const char *tn_print_sort(tn_sort sort);
/* "(;3;)", and counts. */
void tn_print_new_index(tn_component_printer *p, tn_sort sort);
void tn_print_extern_name(tn_component_printer *p, const tn_extern_name *name);
/* "(func (type 1))": with `index`, what is defined here gets an index. */
void tn_print_extern_type(tn_component_printer *p, const tn_ast_extern_type *type, bool index);
void tn_print_alias(tn_component_printer *p, const tn_ast_alias *alias);
void tn_print_valtype(tn_component_printer *p, const tn_ast_valtype *type);
void tn_print_core_valtype(tn_buffer *out, tn_core_valtype type);
/* "(type (;0;) …)"; "(core type …)" for those of core modules. */
void tn_print_type(tn_component_printer *p, const tn_ast_type *type);
void tn_print_core_type(tn_component_printer *p, const tn_core_type *type);
/* "(func (param i32))", with "(;0;)" if `index` says so. */
void tn_print_core_extern_type(tn_component_printer *p, const tn_core_extern_type *type);

#endif
