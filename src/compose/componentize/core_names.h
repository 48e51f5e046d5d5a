/* What core modules call what they import and export of a world. There are two schemes: the older one, which most
 * bindings generators use ("a:b/c@1.2.3" "f", "a:b/c@1.2.3#f", "memory"), and the standard one for 32-bit
 * memories ("cm32p2|a:b/c@1" "f", "cm32p2|a:b/c@1|f", "cm32p2_memory"), which has no names for asynchronous
 * functions. A module may use both. */
#ifndef TN_COMPOSE_COMPONENTIZE_CORE_NAMES_H
#define TN_COMPOSE_COMPONENTIZE_CORE_NAMES_H

#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"
#include "component/ast.h"

typedef enum tn_core_scheme {
  TN_SCHEME_LEGACY,
  TN_SCHEME_STANDARD,
  TN_SCHEME_COUNT,
} tn_core_scheme;

/* What an exported core function is to the function, or the resource, of a world. */
typedef enum tn_core_role {
  TN_ROLE_FUNCTION,
  TN_ROLE_ASYNC,    /* lifted asynchronously, with a callback */
  TN_ROLE_STACKFUL, /* lifted asynchronously, without one */
  TN_ROLE_CALLBACK,
  TN_ROLE_POST_RETURN,
  TN_ROLE_DESTRUCTOR,
  TN_ROLE_COUNT,
} tn_core_role;

/* What a module exports once, for all functions. */
typedef enum tn_core_fixture {
  TN_FIXTURE_MEMORY,
  TN_FIXTURE_REALLOC,
  TN_FIXTURE_INITIALIZE,
} tn_core_fixture;

/* The name of an export. `interface` as the world names it; .data == NULL: of the world itself. `name` is a
 * function's name in the component ("[method]r.f"), or a resource's. out->data == NULL: the scheme has none. */
tn_error *tn_core_export_name(tn_arena *arena, tn_core_scheme scheme, tn_core_role role,
                              tn_str interface, tn_str name, tn_str *out);
tn_str tn_core_fixture_name(tn_core_scheme scheme, tn_core_fixture fixture);

/* ---- imports -------------------------------------------------------------------------------------------- */

typedef enum tn_core_import_kind {
  TN_IMPORT_FUNCTION,
  TN_IMPORT_RESOURCE_DROP,
  TN_IMPORT_RESOURCE_NEW,
  TN_IMPORT_RESOURCE_REP,
} tn_core_import_kind;

/* What the name of an imported module says.
 * Invariant: interface.data == NULL: of the world itself. */
typedef struct tn_core_place {
  tn_core_scheme scheme;
  tn_str interface;
  bool is_own; /* what a module needs for what it exports itself */
} tn_core_place;

tn_core_place tn_core_place_of(tn_str module);
tn_error *tn_core_place_name(tn_arena *arena, const tn_core_place *place, tn_str *out);

/* Takes off `name` what says that it is of this kind; false if it is not. */
bool tn_core_import_strip(tn_core_scheme scheme, tn_core_import_kind kind, tn_str *name);
tn_error *tn_core_import_name(tn_arena *arena, tn_core_scheme scheme, tn_core_import_kind kind,
                              tn_str name, tn_str *out);

/* ---- finding exports -------------------------------------------------------------------------------------- */

/* Exports of a module by their names.
 * Invariant: the keys are the names of the `count` exports. */
typedef struct tn_core_exports {
  tn_map by_name; /* -> const tn_core_export * */
  const tn_core_export *all;
  uint32_t count;
  bool no_legacy; /* names of the older scheme do not count */
} tn_core_exports;

/* *out == NULL: there is none. A name of the older scheme may have another compatible version in it: bindings
 * are made from the WIT of one version, and the world that is embedded is of another. */
tn_error *tn_core_find_export(tn_arena *arena, const tn_core_exports *exports, tn_core_role role,
                              tn_str interface, tn_str name, const tn_core_export **out);
/* NULL: there is none. */
const tn_core_export *tn_core_find_fixture(const tn_core_exports *exports, tn_core_fixture fixture);
/* Whom a realloc function is for. */
typedef enum tn_core_realloc {
  TN_REALLOC_FOR_IMPORTS, /* what lowered functions return */
  TN_REALLOC_FOR_EXPORTS, /* what lifted functions are given */
  TN_REALLOC_FOR_ADAPTERS,
  TN_REALLOC_COUNT,
} tn_core_realloc;

/* NULL: there is none. */
const tn_core_export *tn_core_find_realloc(const tn_core_exports *exports, tn_core_realloc use);
/* A function of that very name; NULL: there is none. */
const tn_core_export *tn_core_find_function(const tn_core_exports *exports, tn_str name);

/* Whether two names "…a:b/c@1.0.0#f" differ in nothing but the version, which is compatible. */
bool tn_core_is_same_but_for_version(tn_str a, tn_str b);

#endif
