/* WIT: packages of interfaces and worlds, as text, as binaries and as the worlds of components; what changed
 * between two of them, and whether a component fits a world. `tenon wit` is written on this.
 *
 * Texts and bytes that are handed out are given back with tn_release. A tn_wit is immutable: threads may share
 * it.
 *
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#ifndef TENON_WIT_H
#define TENON_WIT_H

#include "tenon.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One package, and those that it uses. */
typedef struct tn_wit tn_wit;

/* Zeroed: the defaults. */
typedef struct tn_wit_options {
  const char *const *features; /* what is @unstable is there only if its feature is named here */
  size_t feature_count;
  bool all_features;
} tn_wit_options;

/* Reads a folder (its *.wit files make one package, its folder "deps" has others), one .wit file, or a binary:
 * a WIT package, or a component, whose imports and exports are the world "root" of the package
 * "root:component". `options` may be NULL. TN_ERROR_INVALID with file, line, column, the line itself and a
 * hint; TN_ERROR_IO. */
TN_API tn_error *tn_wit_open(const char *path, const tn_wit_options *options, tn_wit **out);
TN_API void tn_wit_delete(tn_wit *wit);

/* "docs:adder@0.1.0"; lives as long as the tn_wit. */
TN_API const char *tn_wit_get_package(const tn_wit *wit);
/* How many interfaces and worlds the package has, and how many other packages it uses. */
typedef struct tn_wit_counts {
  size_t interfaces;
  size_t worlds;
  size_t dependencies;
} tn_wit_counts;
TN_API tn_wit_counts tn_wit_count(const tn_wit *wit);

typedef enum tn_wit_format { TN_WIT_TEXT, TN_WIT_JSON } tn_wit_format;
/* The package, or (with `world`: "w", "a:b/w", "a:b/w@1.0.0") one world of it. As text, the packages that it
 * uses follow, so that the result can be read again. TN_ERROR_NOT_FOUND for a world that is not there. */
TN_API tn_error *tn_wit_print(const tn_wit *wit, const char *world, tn_wit_format format,
                              char **text);
/* The same in binary form: what `wasm-tools component wit --wasm` writes; of one world, what stands in the
 * section "component-type" of core modules, for UTF-8 strings. */
TN_API tn_error *tn_wit_binary(const tn_wit *wit, const char *world, uint8_t **bytes, size_t *size);

/* ---- comparing ----------------------------------------------------------------------------------------- */

typedef enum tn_wit_difference_kind {
  TN_WIT_DIFFERENCE_ADDED,
  TN_WIT_DIFFERENCE_REMOVED,
  TN_WIT_DIFFERENCE_CHANGED
} tn_wit_difference_kind;

/* One difference. Texts live as long as the comparison. */
typedef struct tn_wit_difference {
  tn_wit_difference_kind kind;
  const char *where;  /* "interface types, function get, parameter key" */
  const char *before; /* as WIT, or a word; NULL: nothing */
  const char *after;
  /* Components that import the interface as it was cannot be given it as it is. Of a world: its hosts cannot
   * run the components of the new one. */
  bool breaks_importers;
  /* Components that export the interface as it was cannot stand for it as it is. Of a world: components made
   * for it do not fit the new one. */
  bool breaks_exporters;
} tn_wit_difference;

typedef struct tn_wit_comparison tn_wit_comparison;

/* What changed from one package (or component) to the other. Interfaces of other packages are matched by
 * semantic version: 0.2.3 and 0.2.6 are the same. Documentation and gates are not compared. */
TN_API tn_error *tn_wit_compare_packages(const tn_wit *before, const tn_wit *after,
                                         tn_wit_comparison **out);
/* Whether a component fits a world of `wit` (NULL: its only one): it imports no more than the world does and
 * exports no less, each with equal types. The differences (before: what the world has, after: what the
 * component has) are what does not fit; there are none when it does. */
TN_API tn_error *tn_wit_check_target(const tn_wit *component, const tn_wit *wit, const char *world,
                                     tn_wit_comparison **out);

TN_API size_t tn_wit_comparison_count(const tn_wit_comparison *comparison);
/* `index` is below the count. */
TN_API tn_wit_difference tn_wit_comparison_at(const tn_wit_comparison *comparison, size_t index);
/* All of it as JSON: {"importers":true,"exporters":false,"differences":[{"kind":"added","where":…,"before":…,
 * "after":…,"breaks":["exporters"]}]}, where "importers" and "exporters" say whether those are compatible. */
TN_API tn_error *tn_wit_comparison_json(const tn_wit_comparison *comparison, char **text);
TN_API void tn_wit_comparison_delete(tn_wit_comparison *comparison);

#ifdef __cplusplus
}
#endif

#endif
