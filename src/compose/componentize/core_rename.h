/* Imports of a core module that have the same names as others, which components do not allow, renamed. */
#ifndef TN_COMPOSE_COMPONENTIZE_CORE_RENAME_H
#define TN_COMPOSE_COMPONENTIZE_CORE_RENAME_H

#include "base/arena.h"
#include "component/ast.h"

/* *out has the module with unique names of imports, in the arena; it is `module` itself when they are unique
 * already. Import i of the result is import i of `module`. TN_ERROR_MALFORMED. */
tn_error *tn_core_rename_imports(tn_arena *arena, const tn_core_module *module,
                                 const tn_core_module **out);

#endif
