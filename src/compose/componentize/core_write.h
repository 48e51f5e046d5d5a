/* Core modules that components need around the one they are made from. */
#ifndef TN_COMPOSE_COMPONENTIZE_CORE_WRITE_H
#define TN_COMPOSE_COMPONENTIZE_CORE_WRITE_H

#include "base/buffer.h"
#include "base/core_type.h"

/* Failures to allocate are remembered by the buffer. */

/* The circle between a module that imports lowered functions and the lowered functions, which need its memory,
 * is broken by two modules: the shim's functions "0", "1" … call what is in its table "$imports", and
 * instantiating the fix-up puts the functions that it imports (as "" "0" …) into that table (as "" "$imports"). */
void tn_core_write_shim(tn_buffer *out, const tn_core_func_type *const *types, uint32_t count);
void tn_core_write_fixup(tn_buffer *out, const tn_core_func_type *const *types, uint32_t count);
/* Calls the function that it imports as "" "" when it is instantiated. */
void tn_core_write_starter(tn_buffer *out);
/* Exports "": a function of that type which calls what it imports as "" "init", () -> (), and then as "" "". */
void tn_core_write_wrapper(tn_buffer *out, const tn_core_func_type *type);

void tn_core_write_preamble(tn_buffer *out);
void tn_core_write_func_type(tn_buffer *out, const tn_core_func_type *type);
void tn_core_write_custom(tn_buffer *out, tn_str name, tn_str payload);

#endif
