/* A core module cut down to what some of its exports need: an adapter, which offers all of an older interface,
 * of which a program uses a part. */
#ifndef TN_COMPOSE_COMPONENTIZE_CORE_REDUCE_H
#define TN_COMPOSE_COMPONENTIZE_CORE_REDUCE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"

typedef struct tn_core_reduction {
  /* Names of the exports that stay; the values do not matter. */
  const tn_map *exports;
  /* What the module around it calls its realloc function; .data == NULL: it has none, and the adapter's import of
   * "cabi_realloc" from "__main_module__" is met by a function that grows the memory by a page. */
  tn_str realloc;
} tn_core_reduction;

/* Leaves out the functions (imported ones, too) and exports that are not needed, and gives a module whose stack
 * pointer (the global named "__stack_pointer") is 0 a stack of one page: before the first call of an export if
 * it can (then it has a global named "allocation_state", and there is a `realloc`), else when it is instantiated. The
 * bytes are in the arena. TN_ERROR_MALFORMED; TN_ERROR_UNSUPPORTED for what adapters do not have: memories,
 * data and element segments. */
tn_error *tn_core_reduce(tn_arena *arena, tn_str module, const tn_core_reduction *how, tn_str *out);

#endif
