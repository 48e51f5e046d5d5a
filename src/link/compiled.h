/* A loaded file: decoded, validated, its core modules compiled. Immutable, shared between threads,
 * reference-counted. */
#ifndef TN_LINK_COMPILED_H
#define TN_LINK_COMPILED_H

#include "base/map.h"
#include "component/component.h"
#include "engine/engine.h"
#include "tenon.h"

/* Invariants: exactly one of `root` and `core` is set; `modules[i]` is the compiled form of
 * `module_asts[i]`, which are all core modules of the file in ascending order of offset. The adapters
 * (canon/adapter.h) follow them: the bytes of modules[module_count + i] are adapters[i]. */
typedef struct tn_compiled {
  tn_core_engine *engine;
  tn_arena arena;       /* holds the syntax trees and the arrays */
  tn_str name;          /* of the file, for messages */
  tn_str bytes;         /* of the file in binary form; what the syntax trees point into */
  uint8_t *owned_bytes; /* frees `bytes`, or NULL */
  void *mapping;        /* holds `bytes`, or NULL */
  size_t mapping_size;
  tn_str cache_entry; /* a mapping that holds the native code, or empty */
  const tn_component_ast *root;
  const tn_core_module *core;
  uint32_t module_count;
  const tn_core_module **module_asts;
  tn_module **modules;
  uint32_t adapter_count;
  tn_str *adapters;
  tn_map adapters_by_bytes; /* -> tn_module */
} tn_compiled;

/* Where a file's bytes come from. `bytes` lie in `owned_bytes` (freed with tn_free), in `mapping`, or, when both
 * are NULL, belong to the caller, and are copied as far as they must last. */
typedef struct tn_compiled_source {
  tn_str name;
  tn_str bytes;
  uint8_t *owned_bytes;
  void *mapping;
  size_t mapping_size;
  unsigned flags;              /* TN_LOAD_* */
  const char *cache_directory; /* NULL: no cache */
} tn_compiled_source;

/* Reads all of an open file that cannot be mapped (a pipe, say) into owned_bytes. */
/* What is not a regular file may be without end (/dev/zero): TN_ERROR_ARGUMENT when there is more than 1 GiB. */
tn_error *tn_compiled_source_read(int descriptor, const char *path, tn_compiled_source *source);
void tn_compiled_source_free(tn_compiled_source *source);

/* Text as binary: *owned is freed with tn_free. What is binary already is left alone (*owned NULL); anything else is
 * TN_ERROR_MALFORMED, with what it seems to be. */
tn_error *tn_compiled_to_binary(tn_str bytes, uint8_t **owned, size_t *size);

/* Loads from binary, text or (TN_LOAD_ARTIFACT) artifact. Takes over what the source owns, also on failure. */
tn_error *tn_compiled_load(tn_core_engine *engine, tn_compiled_source *source, tn_compiled *out);
/* As above, but stops after validation: no modules are compiled. */
tn_error *tn_compiled_check(tn_core_engine *engine, tn_compiled_source *source);
/* No file, only adapters, by their bytes, which outlive it: compiled, or from the cache (NULL: there is none). Without
 * them (adapter_count 0) when the compiler does not have what they need. */
tn_error *tn_compiled_from_adapters(tn_core_engine *engine, tn_str *adapters, uint32_t count,
                                    const char *cache_directory, tn_compiled *out);
void tn_compiled_free(tn_compiled *compiled);
/* The adapter module of these bytes, or NULL when there is none. */
const tn_module *tn_compiled_adapter(const tn_compiled *compiled, tn_str bytes);
/* Index into `modules`. */
uint32_t tn_compiled_module_index(const tn_compiled *compiled, const tn_core_module *module);
/* The file and its native code as an artifact; *out is freed with tn_free. */
tn_error *tn_compiled_artifact(const tn_compiled *compiled, uint8_t **out, size_t *size);

#endif
