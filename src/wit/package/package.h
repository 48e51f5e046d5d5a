/* WIT packages: reading, printing, encoding, comparing. model.h says what they are. Pure but for reading files. */
#ifndef TN_WIT_PACKAGE_H
#define TN_WIT_PACKAGE_H

#include "base/buffer.h"
#include "component/component.h"
#include "wit/package/model.h"

/* ---- text (parse_*.c, resolve.c, files.c) -------------------------------------------------------------- */

/* Reads a folder (its *.wit files make one package, its `deps` folder holds others, as folders, files or binaries),
 * one .wit file, or a binary: a WIT package or a component, whose world becomes "root:component/root". *main is the
 * package that was asked for. Errors: IO, INVALID with file, line, column, the line and a hint. */
tn_error *tn_wit_load(tn_wit_set *set, const char *path, tn_wit_package **main);
/* The same from texts that together are one package (and nested packages); what they use of others is in the set
 * already. The sources must outlive the set. On an error the set has the packages that it had. */
tn_error *tn_wit_parse_package(tn_wit_set *set, const tn_wit_source *sources, uint32_t count,
                               tn_wit_package **main);

/* Finds "world", "interface", "a:b/world" or "a:b/world@1.0.0" from the standpoint of a package; with .data == NULL
 * its only world. TN_ERROR_NOT_FOUND with what there is. */
tn_error *tn_wit_find_world_named(const tn_wit_set *set, const tn_wit_package *package, tn_str name,
                                  const tn_wit_world **out);

/* ---- printing (print_package.c, json.c) ---------------------------------------------------------------- */

/* A package as text that reads back to the same; with `with_dependencies` the other packages of the set follow as
 * nested ones. Imports that are implied are printed as well. */
tn_error *tn_wit_print_package(tn_buffer *out, const tn_wit_set *set, const tn_wit_package *package,
                               bool with_dependencies);
/* The package and all others of the set. docs/wit-json.md */
tn_error *tn_wit_print_package_json(tn_buffer *out, const tn_wit_set *set,
                                    const tn_wit_package *package);
tn_error *tn_wit_print_type_name(tn_buffer *out, const tn_wit_type *type);
/* "func(a: u32) -> string", as it stands in WIT. */
tn_error *tn_wit_print_function_type(tn_buffer *out, const tn_wit_function *function);

/* ---- binary (encode.c, decode.c) ----------------------------------------------------------------------- */

/* The binary form of a package (the one that `wasm-tools component wit --wasm` writes: WIT.md#package-format), with
 * the `package-docs` section for docs and gates. */
tn_error *tn_wit_encode_package(tn_buffer *out, const tn_wit_package *package);
/* One world as a component type, with the string encoding of the module: the payload of a "component-type" custom
 * section. */
tn_error *tn_wit_encode_world(tn_buffer *out, const tn_wit_world *world,
                              tn_string_encoding encoding);
/* Whether a decoded component is a WIT package in binary form. */
bool tn_wit_is_binary_package(const tn_component_ast *component);
/* A binary package, or the world of a component (as package "root:component", world "root"), into the set. What is decoded
 * is best validated before. Interfaces that a binary package uses and that the set has already are completed, or, when they
 * differ, TN_ERROR_INVALID; its worlds that the set has already have to be equal, but for documentation and gates. Those
 * interfaces that a component has are its own (one that it both imports and exports is two objects), and only listed in
 * their package where it does not have one of that name. Errors: INVALID, MALFORMED (of the documentation), LIMIT,
 * NO_MEMORY; the set is then not to be used any more. The component must outlive the set. */
tn_error *tn_wit_decode(tn_wit_set *set, const tn_component_ast *component, tn_wit_package **main);
/* The payload of a "component-type" custom section: its world, which becomes part of the set with its package (or is
 * the equal one that the set has already), and the string encoding of the module. The bytes must outlive the set. */
tn_error *tn_wit_decode_embedded(tn_wit_set *set, tn_str payload, const tn_wit_world **world,
                                 tn_string_encoding *encoding);

/* Types for those who build components: adds what `interface` or `function` is as an instance or function type. The
 * encoder's core, see encode.h. */

/* ---- comparing (compare.c) ----------------------------------------------------------------------------- */

typedef enum tn_wit_change_kind { TN_WIT_ADDED, TN_WIT_REMOVED, TN_WIT_CHANGED } tn_wit_change_kind;

/* One difference. */
typedef struct tn_wit_change {
  tn_wit_change_kind kind;
  tn_str where;  /* "interface types, function get, parameter key" */
  tn_str before; /* as WIT; .data == NULL: none */
  tn_str after;
  /* Components that import the old one cannot be given the new one; of a world: its hosts cannot run components of the
   * new one. */
  bool breaks_importers;
  /* Components that export the old one cannot stand for the new one; of a world: its components do not fit the new one. */
  bool breaks_exporters;
} tn_wit_change;

typedef TN_VEC(tn_wit_change) tn_wit_changes;

/* All differences between two packages, in the order of `after`. Interfaces of other packages are matched by semantic
 * version. TN_ERROR_NO_MEMORY. */
tn_error *tn_wit_compare(tn_arena *arena, const tn_wit_package *before, const tn_wit_package *after,
                         tn_wit_changes *out);

/* All differences between two worlds but those of documentation and gates, in the order of `after`. Interfaces are
 * matched by their full names. TN_ERROR_NO_MEMORY. */
tn_error *tn_wit_compare_world(tn_arena *arena, const tn_wit_world *before,
                               const tn_wit_world *after, tn_wit_changes *out);

/* Whether a component (its world, as decoded) fits a world: it imports nothing but what the world imports, and exports
 * all that the world exports, each with an equal type. `out` lists what does not fit; `where` names it. */
tn_error *tn_wit_fits(tn_arena *arena, const tn_wit_world *component, const tn_wit_world *world,
                      tn_wit_changes *out);

#endif
