/* What a component imports and exports, as WIT or JSON text. For people and tools; nothing at run time needs
 * it. */
#ifndef TN_WIT_WORLD_H
#define TN_WIT_WORLD_H

#include "base/buffer.h"
#include "base/error.h"
#include "component/ast.h"

/* "package root:component; world root { import wasi:cli/stdout@0.2.0; export f: func(a: u32) -> string; }" and
 * then, by package, the interfaces that it names, with their types, resources and functions. What WIT cannot
 * say (imports of core modules, components and values) stands in comments.
 * TN_ERROR_INVALID for a component that was not validated and is not valid, TN_ERROR_LIMIT when the text would
 * be longer than 16 MiB or needs more than a million steps to find, TN_ERROR_NO_MEMORY. */
tn_error *tn_wit_print_component(tn_buffer *out, const tn_component_ast *component);

/* {"imports": [item…], "exports": [item…]}, an item being {"name", "kind"} and
 *   for kind "func":     "type": "func(a: u32) -> string"
 *   for kind "type":     "type": WIT text, as for a declaration
 *   for kind "instance": "items": [item…]
 *   for the other kinds ("component", "module", "value"): nothing more */
tn_error *tn_wit_print_component_json(tn_buffer *out, const tn_component_ast *component);

#endif
