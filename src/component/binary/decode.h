/* The parts of the decoder, among themselves. Each function reads one production of Binary.md and leaves
 * the reader behind it. What is allocated comes from `arena`; the results point into the bytes read. */
#ifndef TN_COMPONENT_DECODE_H
#define TN_COMPONENT_DECODE_H

#include "base/arena.h"
#include "base/vec.h"
#include "component/ast.h"
#include "component/binary/reader.h"

/* ---- decode_preamble.c: how every file begins ---------------------------------------------------------- */

typedef struct tn_preamble {
  uint16_t version;
  uint16_t layer;
} tn_preamble;

static inline bool tn_preamble_is_module(tn_preamble preamble) {
  return preamble.version == 1 && preamble.layer == 0;
}

static inline bool tn_preamble_is_component(tn_preamble preamble) {
  return preamble.version == 0x0d && preamble.layer == 1;
}

tn_error *tn_decode_preamble(tn_reader *in, tn_preamble *out);
tn_error *tn_unknown_version(uint32_t offset, tn_preamble preamble);

/* ---- decode_core.c: core types ----------------------------------------------------------------- */

/* `core:valtype`, with shorthands for references written out. */
tn_error *tn_decode_core_valtype(tn_reader *in, tn_core_valtype *out);
/* The negative opcode or index of `core:heaptype`. */
tn_error *tn_decode_core_heaptype(tn_reader *in, int32_t *out);
/* `core:tabletype`, `core:memtype`, `core:globaltype`, `core:tagtype`: each sets kind and what belongs to it. */
tn_error *tn_decode_core_table(tn_reader *in, tn_core_extern_type *out);
tn_error *tn_decode_core_memory(tn_reader *in, tn_core_extern_type *out);
tn_error *tn_decode_core_global(tn_reader *in, tn_core_extern_type *out);
tn_error *tn_decode_core_tag(tn_reader *in, tn_core_extern_type *out);
/* `core:externtype`; `func` stays NULL. */
tn_error *tn_decode_core_extern_type(tn_reader *in, tn_core_extern_type *out);
tn_error *tn_decode_core_import(tn_reader *in, tn_core_import *out);

/* One or more types of one rec group. */
typedef struct tn_core_type_group {
  uint32_t count;
  const tn_core_type *types;
} tn_core_type_group;

/* `core:rectype`, as it stands in a core module. */
tn_error *tn_decode_core_rec_type(tn_arena *arena, tn_reader *in, tn_core_type_group *out);
/* `core:type`, as it stands in a component: a module type, a rec group or a single type. */
tn_error *tn_decode_core_type(tn_arena *arena, tn_reader *in, tn_core_type_group *out);

/* ---- decode_names.c: names and sorts ----------------------------------------------------------- */

/* `nameattributes`. */
tn_error *tn_decode_extern_name(tn_reader *in, tn_extern_name *out);
/* `sortidx` where a component's items may stand: of the core sorts, modules only. */
tn_error *tn_decode_sort_index(tn_reader *in, tn_sort_index *out);
/* `core:sortidx` of an item that a core module can export. */
tn_error *tn_decode_core_sort_index(tn_reader *in, tn_sort_index *out);
/* `alias`. */
tn_error *tn_decode_alias(tn_reader *in, tn_ast_alias *out);

/* ---- decode_type.c: component types ------------------------------------------------------------ */

tn_error *tn_decode_valtype(tn_reader *in, tn_ast_valtype *out);
/* `resultlist`, as a type that may be absent. */
tn_error *tn_decode_result_list(tn_reader *in, tn_ast_valtype *out);
tn_error *tn_decode_extern_type(tn_reader *in, tn_ast_extern_type *out);
tn_error *tn_decode_import(tn_reader *in, tn_ast_import *out);
/* `type`; `depth` counts the component and instance types around it. */
tn_error *tn_decode_type(tn_arena *arena, tn_reader *in, uint32_t depth, tn_ast_type *out);

/* ---- decode_canon.c ---------------------------------------------------------------------------- */

tn_error *tn_decode_canon(tn_arena *arena, tn_reader *in, tn_ast_canon *out);

#endif
