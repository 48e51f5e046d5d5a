/* Adapters: core modules that do what canon/fused_call.c does, compiled. A call between two components then never
 * leaves compiled code: each realloc is a call of a few instructions. What adapters do not cover is interpreted:
 * handles, other encodings than UTF-8, 64-bit memories, async.
 *
 * An adapter module depends on nothing but the component, so that it is compiled and kept along with the
 * component's own modules; linking finds it by its bytes. It has one function for each of several fused
 * functions, exported by number ("0", "1", ...), and imports what these need by position. The flags of the component
 * instances are in a memory that the first adapter module of a plan exports as "flags". */
#ifndef TN_CANON_ADAPTER_H
#define TN_CANON_ADAPTER_H

#include "canon/canon.h"

/* One fused function. `entered` are the component instances that the call enters, the callee first.
 * CanonicalABI.md#component-instances */
typedef struct tn_adapted {
  const tn_lowered *lowered;
  uint32_t entered_count;
  const uint32_t *entered;
} tn_adapted;

typedef enum tn_adapter_import_kind {
  TN_ADAPTER_IMPORT_HOST,   /* a function of tn_adapter_host */
  TN_ADAPTER_IMPORT_FUNC,   /* what is in runtime.funcs[slot] */
  TN_ADAPTER_IMPORT_MEMORY, /* what is in runtime.memories[slot] */
  TN_ADAPTER_IMPORT_FLAGS,  /* the memory of the flags */
} tn_adapter_import_kind;

typedef struct tn_adapter_import {
  tn_adapter_import_kind kind;
  uint32_t slot; /* HOST: the argument of tn_adapter_host */
} tn_adapter_import;

typedef struct tn_adapter_module {
  tn_str bytes;
  uint32_t import_count;
  const tn_adapter_import *imports;
} tn_adapter_module;

/* Whether an adapter can stand for this function. What the callee's component does is for the linker to check:
 * in an adapter the callee has no task of its own. */
bool tn_adapter_covers(const tn_lowered *lowered);
/* Writes the module; it lives in `arena`. `defines_flags`: the memory of the flags is its own. */
tn_error *tn_adapter_write(tn_arena *arena, const tn_adapted *funcs, uint32_t count,
                           bool defines_flags, tn_adapter_module *out);
tn_host_import tn_adapter_host(uint32_t index);

#endif
