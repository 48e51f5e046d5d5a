/* Names for people: what custom sections call a component, a module and the things in them. Nothing else
 * depends on them, and a name section that cannot be read is no error. Binary.md#name-section */
#ifndef TN_COMPONENT_NAMES_H
#define TN_COMPONENT_NAMES_H

#include "component/ast.h"

/* From the contents of a component's `component-name` or a core module's `name` section (both have it in
 * subsection 0): the name of the whole; .data == NULL if none. */
tn_str tn_names_own(tn_str section);
/* What the component's `component-name` sections call an item; .data == NULL if nothing. Searches the
 * sections each time: for messages and for naming instances once, when linking. */
tn_str tn_names_find(const tn_component_ast *component, tn_sort sort, uint32_t index);

/* The binary form of each sort: 0x00 and a core sort, or one byte. Binary.md `sort` */
extern const uint8_t tn_sort_codes[TN_SORT_COUNT][2];

#endif
