/* Components and core modules in the text format. */
#ifndef TN_COMPOSE_PRINT_COMPONENT_H
#define TN_COMPOSE_PRINT_COMPONENT_H

#include "component/component.h"
#include "compose/print/core.h"

/* The text of a component or core module. Of values (which there are no instructions to define) comments tell.
 * TN_ERROR_MALFORMED, also for what is not of a kind known here; TN_ERROR_INVALID; TN_ERROR_LIMIT;
 * TN_ERROR_NO_MEMORY. `p` has its options and `take`. */
tn_error *tn_print_file(tn_printer *p, tn_str file);

/* ---- among the files of the printer --------------------------------------------------------------------- */

/* One scope: a component, or the declarations of a type. Names and counts of the core sorts that modules have,
 * too, are those in `core`. */
typedef struct tn_component_printer {
  tn_printer *p;
  tn_arena *arena;
  struct tn_component_printer *outer; /* the scope around it, or NULL */
  tn_core_scope core;
  tn_identifiers names[TN_SORT_COUNT];
  uint32_t counts[TN_SORT_COUNT];
  uint64_t group; /* what tn_print_open gave for a rec group that is open */
} tn_component_printer;

/* "core func", "instance", … */
const char *tn_print_sort(tn_sort sort);
tn_identifiers *tn_component_names(tn_component_printer *c, tn_sort sort);
/* A reference: the name or number. */
void tn_print_item(tn_component_printer *c, tn_sort sort, uint32_t index);
/* "$name (;3;)": the next index of a sort. */
void tn_print_new_item(tn_component_printer *c, tn_sort sort);
/* With what its attributes say behind it. */
void tn_print_extern_name(tn_printer *p, const tn_extern_name *name);
void tn_print_valtype(tn_component_printer *c, const tn_ast_valtype *type);
/* `is_new`: it adds to the index space. */
void tn_print_extern_type(tn_component_printer *c, const tn_ast_extern_type *type, bool is_new);
void tn_print_alias(tn_component_printer *c, const tn_ast_alias *alias);
/* Each on a line of its own. A rec group is opened by its first type and closed by its last one. */
tn_error *tn_print_type(tn_component_printer *c, const tn_ast_type *type);
tn_error *tn_print_core_definition(tn_component_printer *c, const tn_core_type *type,
                                   uint32_t offset);

#endif
