/* Components from core modules: what the last step of a compiler does that knows WIT but writes core modules;
 * and what is done with finished files: leaving out custom sections, taking core modules out, printing. `tenon
 * embed`, `tenon new`, `tenon strip`, `tenon unbundle` and `tenon print` are written on this.
 *
 * Files are binary or text. Results (*bytes, *text) are given back with tn_release. Everything here is
 * thread-safe.
 *
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#ifndef TENON_COMPONENTIZE_H
#define TENON_COMPONENTIZE_H

#include "tenon.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- a world into a core module ------------------------------------------------------------------------ */

typedef enum tn_embed_encoding {
  TN_EMBED_UTF8,
  TN_EMBED_UTF16,
  TN_EMBED_COMPACT_UTF16, /* Latin-1 or UTF-16 */
} tn_embed_encoding;

/* What a module without functions of its own calls its imports and exports. */
typedef enum tn_embed_names {
  TN_EMBED_STANDARD32, /* "cm32p2|a:b/c@1|f" */
  TN_EMBED_LEGACY,     /* "a:b/c@1.0.0#f" */
} tn_embed_names;

/* How such a module lowers and lifts functions that are `async`. Those of another kind are always synchronous. */
typedef enum tn_embed_abi {
  TN_EMBED_SYNC,
  TN_EMBED_ASYNC_CALLBACK, /* these two with names "legacy" only */
  TN_EMBED_ASYNC_STACKFUL,
} tn_embed_abi;

/* Zeroed: the defaults. */
typedef struct tn_embed_options {
  const char *world; /* "world", "a:b/world", "a:b/world@1.0.0"; NULL: the only one that there is */
  tn_embed_encoding encoding; /* of the module's strings */
  /* what is @unstable is there only if its feature is named here: "a", "a,b" */
  const char *const *features;
  size_t feature_count;
  bool all_features;
  bool only_custom;     /* the result is what would be in the custom section, and no module */
  tn_embed_names names; /* the next two: of a module that is made because none is given */
  tn_embed_abi abi;
  const char *module_name; /* the module's file, for messages; NULL: "the module" */
} tn_embed_options;

/* Adds a world of the WIT at `wit` (a folder, a file, or a binary) to a core module, as the custom section
 * "component-type". With `module` NULL, the module is one that has all imports and exports of the world and
 * does nothing. TN_ERROR_INVALID with file, line and column; TN_ERROR_NOT_FOUND for a world that is not there;
 * TN_ERROR_MALFORMED when the module is none. */
TN_API tn_error *tn_embed(const char *wit, const void *module, size_t module_size,
                          const tn_embed_options *options, uint8_t **bytes, size_t *size);

/* ---- a component from a core module -------------------------------------------------------------------- */

/* A core module that stands between another's imports from the module `name` ("wasi_snapshot_preview1") and a
 * world, which it has embedded. */
typedef struct tn_adapter {
  const char *name;
  const void *bytes;
  size_t size;
  const char *file; /* for messages; NULL: none */
} tn_adapter;

/* Zeroed: the defaults. */
typedef struct tn_componentize_options {
  const tn_adapter *adapters;
  size_t adapter_count;
  const char *const *import_names; /* "OLD=NEW": imported instances that get another name */
  size_t import_name_count;
  bool realloc_via_memory_grow; /* adapters never call the module's "cabi_realloc" */
  bool no_merging;              /* imports of compatible versions are not made one */
  bool no_validation;           /* the result is not validated */
  bool reject_legacy_names;     /* core names are those of the "cm32p2" scheme only */
} tn_componentize_options;

/* Makes a component from a core module and the worlds that are embedded in it and in the adapters. What neither
 * of them calls is not imported. Names of core imports and exports are those that WIT bindings generators have
 * agreed upon (CanonicalABI.md#canonical-abi has what they mean): imports "a:b/c@1.0.0" "f" and "$root" "f",
 * exports "a:b/c@1.0.0#f", "f", "memory", "cabi_realloc", "_initialize"; or those of the standard scheme: imports
 * "cm32p2|a:b/c@1" "f" and "cm32p2" "f", exports "cm32p2|a:b/c@1|f", "cm32p2||f", "cm32p2_memory",
 * "cm32p2_realloc", "cm32p2_initialize". TN_ERROR_LINK for an import that
 * nothing meets and an export that is not there; TN_ERROR_UNSUPPORTED for built-ins that this version does not
 * know. */
TN_API tn_error *tn_componentize(const void *module, size_t module_size,
                                 const tn_componentize_options *options, uint8_t **bytes,
                                 size_t *size);

/* ---- finished files ------------------------------------------------------------------------------------ */

/* Leaves custom sections out, of a component or core module and of all that is nested in it. `pattern` is a
 * POSIX extended regular expression that names of sections match in any place; NULL: all but "name",
 * "dylink.0" and those whose names begin with "component-type", and with `all`, these too. */
TN_API tn_error *tn_strip(const void *file, size_t file_size, const char *pattern, bool all,
                          uint8_t **bytes, size_t *size);

/* One core module that was taken out of a component. */
typedef struct tn_unbundled {
  tn_str import_name; /* by which the component imports it now: "unbundled-module0" */
  tn_str name;        /* of its name section; .data == NULL: none */
  tn_str bytes;       /* in the file it was taken from */
} tn_unbundled;

/* Called for each module that is taken out, in order. An error ends the work. */
typedef tn_error *(*tn_unbundle_func)(void *data, const tn_unbundled *module);

/* Makes a component that imports the core modules of more than `threshold` bytes, nested components' as well,
 * and hands each of them out, equal ones one by one. */
TN_API tn_error *tn_unbundle(const void *component, size_t component_size, size_t threshold,
                             tn_unbundle_func take, void *data, uint8_t **bytes, size_t *size);

/* How a file is printed. Zeroed: all of it, and nothing else. */
typedef struct tn_print_options {
  /* with "..." for code, data, elements and custom sections: such a text cannot be read back */
  bool skeleton;
  bool offsets; /* with the offset in the file at the beginning of each line, in a comment */
} tn_print_options;

/* Takes the next part of a text, which is not ended by NUL. */
typedef void (*tn_print_func)(void *data, const char *text, size_t size);

/* A component or core module in the text format, which reads back as the same file: names become identifiers, other
 * custom sections annotations; only values, which components cannot have yet, are told of in comments. `options` may
 * be NULL. What was given to `take` before an error is the beginning of the text. TN_ERROR_MALFORMED,
 * TN_ERROR_INVALID; TN_ERROR_LIMIT for a file whose text would be far longer than such files have. */
TN_API tn_error *tn_print(const void *file, size_t file_size, const tn_print_options *options,
                          tn_print_func take, void *data);

#ifdef __cplusplus
}
#endif

#endif
