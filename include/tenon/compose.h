/* Components out of components: one file in which they call each other. `tenon compose` is written on this;
 * docs/linking.md shows how it is used.
 *
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#ifndef TENON_COMPOSE_H
#define TENON_COMPOSE_H

#include "tenon.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where a package that WAC text names is found. */
typedef struct tn_compose_dependency {
  const char *name; /* "a:b", for any version that is asked for, or "a:b@1.0.0" for this one */
  const char *path; /* a component (binary or text), or WIT: a folder, a file, its binary form */
} tn_compose_dependency;

/* Zeroed: the defaults. */
typedef struct tn_compose_options {
  /* Where packages are looked for that are not among `dependencies`; NULL: "deps". "a:b" is in a/b.wasm,
   * a/b.wat or the folder a/b of WIT; "a:b@1.0.0" in a/b/1.0.0.wasm or a/b@1.0.0.wasm. Without a version, where
   * there is no a/b.wasm, the newest version there is. */
  const char *folder;
  const tn_compose_dependency *dependencies;
  size_t dependency_count;
  /* components become imports ("unlocked-dep=<a:b>") and no part of the result */
  bool import_dependencies;
  bool no_validation; /* the result is not validated */
  /* Told of each plug that the socket imports nothing of, which is then no part of the result; may be NULL. */
  void (*on_unused_plug)(void *data, const char *plug);
  void *data; /* for on_unused_plug */
} tn_compose_options;

/* Reads WAC text and makes the component that it describes. *bytes is given back with tn_release. Errors:
 * TN_ERROR_INVALID (the text), TN_ERROR_LINK (what does not fit together) and TN_ERROR_IO (a package that is
 * not there), with file, line, column and the line itself. Thread-safe. */
TN_API tn_error *tn_compose(const char *path, const tn_compose_options *options, uint8_t **bytes,
                            size_t *size);
/* The same for text that is not in a file; `name` is for messages. */
TN_API tn_error *tn_compose_text(tn_str text, const char *name, const tn_compose_options *options,
                                 uint8_t **bytes, size_t *size);

/* Gives a component (`socket`) what other components (`plugs`) export and it imports, compatible versions
 * included. Its exports are those of the result; what nobody exports is imported, once for all who need it. Plugs get from
 * each other only what the resources that they hand on come from. All paths are of components, binary or text; they may be
 * pipes, which are read to their end. Of the options those that name packages have no effect. Errors as above; TN_ERROR_LINK
 * says what does not fit. */
TN_API tn_error *tn_compose_plug(const char *socket, const char *const *plugs, size_t plug_count,
                                 const tn_compose_options *options, uint8_t **bytes, size_t *size);

#ifdef __cplusplus
}
#endif

#endif
