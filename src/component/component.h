/* From bytes to a checked, immutable description of a component. Binary.md */
#ifndef TN_COMPONENT_COMPONENT_H
#define TN_COMPONENT_COMPONENT_H

#include "base/arena.h"
#include "component/ast.h"
#include "tenon.h"

/* What a file holds, by its preamble. */
typedef enum tn_file_kind { TN_FILE_UNKNOWN, TN_FILE_CORE_MODULE, TN_FILE_COMPONENT } tn_file_kind;

tn_file_kind tn_file_kind_of(tn_str bytes);

/* Decodes a component, nested ones included. `bytes` and `arena` must outlive the result. Errors:
 * TN_ERROR_MALFORMED with the offset ("… (at offset 0x1f)"), TN_ERROR_INVALID for what is well-formed but
 * has no place in the syntax tree (a module type within a module type; an import or export of a core
 * module that refers to nothing), TN_ERROR_NO_MEMORY. Cost is linear in the size of the file; depth and
 * counts are bounded as Wasmtime bounds them. */
tn_error *tn_component_decode(tn_arena *arena, tn_str bytes, const tn_component_ast **out);

/* Reads the imports and exports of a core module (tn_core_module). Function bodies are not looked at. */
tn_error *tn_core_module_read(tn_arena *arena, tn_str bytes, uint32_t offset,
                              const tn_core_module **out);

/* What of an instance of a core module can change once it is there. Where `is_plain`, it is the contents of its own
 * memories, their sizes, and its own globals that are listed, all of them numbers; nothing else: no table can change, no
 * segment can be dropped, no exception can be thrown, no collected object can be made or changed. Otherwise the counts say nothing. */
typedef struct tn_core_state {
  bool is_plain;
  uint32_t memory_count; /* of its own */
  uint32_t global_count;
  const uint32_t *globals; /* numbers among its own globals, without imported ones */
} tn_core_state;

/* Looks through a whole module, which is known to be valid: its code is stepped over, not checked. Errors: as of reading
 * a module, for one that is not. */
tn_error *tn_core_module_state(tn_arena *arena, const tn_core_module *module, tn_core_state *out);

/* Checks every validation rule of Explainer.md and Binary.md except those inside core modules, which the
 * engine checks. TN_ERROR_INVALID with the offset. `scratch` may be freed afterwards. */
tn_error *tn_component_validate(tn_arena *scratch, const tn_component_ast *component);
/* The same with the offset in *offset, and not in the message. */
tn_error *tn_component_validate_at(tn_arena *scratch, const tn_component_ast *component,
                                   uint32_t *offset);

/* How many levels components, and types within types, may nest. */
enum { TN_MAX_COMPONENT_DEPTH = 100, TN_MAX_TYPE_DEPTH = 100 };

#endif
