/* Core modules and their types in the text format. */
#ifndef TN_COMPOSE_PRINT_CORE_H
#define TN_COMPOSE_PRINT_CORE_H

#include "component/ast.h"
#include "compose/print/identifiers.h"

/* Index spaces that have names; the values are the subsections of the name section. */
typedef enum tn_core_space {
  TN_SPACE_MODULE,
  TN_SPACE_FUNCTION,
  TN_SPACE_LOCAL, /* within a function */
  TN_SPACE_LABEL, /* within a function: blocks as they come */
  TN_SPACE_TYPE,
  TN_SPACE_TABLE,
  TN_SPACE_MEMORY,
  TN_SPACE_GLOBAL,
  TN_SPACE_ELEMENT,
  TN_SPACE_DATA,
  TN_SPACE_FIELD, /* within a type */
  TN_SPACE_TAG,
  TN_SPACE_COUNT
} tn_core_space;

/* What text can refer to: a module's index spaces, or a component's core ones. */
typedef struct tn_core_scope {
  tn_identifiers names[TN_SPACE_COUNT];
  uint32_t counts[TN_SPACE_COUNT];             /* of what has been printed; the next one's index */
  TN_VEC(const tn_core_func_type *) functions; /* for each type; NULL: it is none */
} tn_core_scope;

/* ---- core_type.c ---------------------------------------------------------------------------------------- */

void tn_print_core_heaptype(tn_printer *p, const tn_core_scope *scope, int32_t heap);
void tn_print_core_valtype(tn_printer *p, const tn_core_scope *scope, tn_core_valtype type);
/* A list of parameters or local variables, those that have names in groups of their own. */
typedef struct tn_local_list {
  const char *group; /* "param " */
  bool has_begun;
  bool is_open;
  uint64_t opened;
} tn_local_list;

/* `function` NULL: without names. */
void tn_print_local(tn_printer *p, const tn_core_scope *scope, tn_local_list *list,
                    const uint32_t *function, uint32_t index, tn_core_valtype type);
void tn_print_locals_end(tn_printer *p, tn_local_list *list);
/* " (param …) (result …)" */
void tn_print_core_func_type(tn_printer *p, const tn_core_scope *scope,
                             const tn_core_func_type *type, const uint32_t *function);
/* "(type 3)", and what tn_print_core_func_type prints. Returns how many parameters there are. */
uint32_t tn_print_core_type_use(tn_printer *p, const tn_core_scope *scope, uint32_t type,
                                const uint32_t *function);
/* "(type $name (;3;) (func …))", with the number in the scope; `begin` is "type ". */
tn_error *tn_print_core_type(tn_printer *p, tn_arena *arena, tn_core_scope *scope,
                             const char *begin, const tn_core_type *type);
/* "table $name (;0;) 1 funcref", all but the parentheses. `is_new`: with the next number in the scope. */
void tn_print_core_extern_type(tn_printer *p, tn_core_scope *scope, const tn_core_extern_type *type,
                               bool is_new);
/* (import "m" "n" (func …)) */
void tn_print_core_import(tn_printer *p, tn_core_scope *scope, const tn_core_import *import,
                          bool is_new);
/* "func": the kind of thing. */
const char *tn_core_kind_name(tn_core_extern_kind kind);
tn_core_space tn_core_space_of(tn_core_extern_kind kind);

/* ---- core_code.c ---------------------------------------------------------------------------------------- */

/* The instructions of a function behind its local variables, each on a line. *end: where the last one is. */
tn_error *tn_print_core_code(tn_printer *p, tn_arena *scratch, const tn_core_scope *scope,
                             uint32_t function, tn_reader *in, uint32_t *end);
/* A constant expression, in one line. */
tn_error *tn_print_core_expression(tn_printer *p, const tn_core_scope *scope, tn_reader *in);
/* Likewise in parentheses: "(i32.const 0)", or if it is not just one instruction "(offset …)". */
tn_error *tn_print_core_expression_group(tn_printer *p, const tn_core_scope *scope, tn_reader *in,
                                         const char *what);

/* ---- core_module.c -------------------------------------------------------------------------------------- */

/* The bytes of a core module, which begin at `offset` in the file. `begin` is "module", or for one in a component
 * "core module $name (;0;)", of which nothing is known here. */
tn_error *tn_print_core_module(tn_printer *p, tn_str bytes, uint32_t offset, bool is_nested);

/* ---- custom.c ------------------------------------------------------------------------------------------- */

/* A custom section; `place` says between which others it stands (NULL: nothing does). */
void tn_print_custom(tn_printer *p, const tn_custom_section *custom, const char *place);

#endif
