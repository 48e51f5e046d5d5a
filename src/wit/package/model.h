/* WIT packages, resolved: what the parser (parse_*.c, resolve.c) makes of text and the decoder (decode.c) of the
 * binary form or of a component, and what the printer, the encoder, diff, targets, WAC and `new` work on. WIT.md
 *
 * Everything lives in the arena of one tn_wit_set and points at each other; names are without '%'. Immutable once it
 * is resolved, but for sets that are still being added to. */
#ifndef TN_WIT_PACKAGE_MODEL_H
#define TN_WIT_PACKAGE_MODEL_H

#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"
#include "base/vec.h"
#include "component/ast.h"

typedef struct tn_wit_package tn_wit_package;
typedef struct tn_wit_interface tn_wit_interface;
typedef struct tn_wit_world tn_wit_world;
typedef struct tn_wit_type tn_wit_type;

/* One file of text; lives, with its path and text, as long as the set. */
typedef struct tn_wit_source {
  tn_str path; /* for messages */
  tn_str text;
} tn_wit_source;

/* Where something was declared; source NULL: it was read from a binary. */
typedef struct tn_wit_place {
  const tn_wit_source *source;
  uint32_t offset;
} tn_wit_place;

/* @since(version = 1.2.3), @unstable(feature = x), @deprecated(version = 1.3.0); .data == NULL: not there. */
typedef struct tn_wit_gate {
  tn_str since;
  tn_str feature;
  tn_str deprecated;
} tn_wit_gate;

/* What every declaration has. `docs` is the text of its /// or block comments, lines parted by '\n', .data == NULL:
 * none. */
typedef struct tn_wit_declaration {
  tn_str name;
  tn_str docs;
  tn_wit_gate gate;
  tn_str external_id; /* what @external-id("…") says; .data == NULL: not there */
  tn_wit_place place;
} tn_wit_declaration;

/* "a:b@1.0.0". */
typedef struct tn_wit_package_name {
  tn_str name_space;
  tn_str name;
  tn_str version; /* .data == NULL: none */
} tn_wit_package_name;

struct tn_wit_package {
  tn_wit_package_name name;
  tn_str docs;
  bool is_root; /* it was asked for; the others are there because it uses them */
  /* Named ones, in the order of their declaration, but each behind all that it uses or includes. */
  TN_VEC(tn_wit_interface *) interfaces;
  TN_VEC(tn_wit_world *) worlds;
};

typedef enum tn_wit_type_kind {
  TN_WIT_KIND_PRIMITIVE,  /* primitive */
  TN_WIT_KIND_LIST,       /* element */
  TN_WIT_KIND_FIXED_LIST, /* element, length */
  TN_WIT_KIND_MAP,        /* key, element */
  TN_WIT_KIND_OPTION,     /* element */
  TN_WIT_KIND_RESULT,     /* element and error, each may be NULL */
  TN_WIT_KIND_TUPLE,      /* members without names */
  TN_WIT_KIND_RECORD,     /* members */
  TN_WIT_KIND_VARIANT,    /* members; type NULL: without payload */
  TN_WIT_KIND_ENUM,       /* members without types */
  TN_WIT_KIND_FLAGS,      /* members without types */
  TN_WIT_KIND_RESOURCE,   /* its functions are functions of the interface, see tn_wit_function */
  TN_WIT_KIND_OWN,        /* element: the resource (or an alias of it) */
  TN_WIT_KIND_BORROW,     /* likewise */
  TN_WIT_KIND_STREAM,     /* element, may be NULL */
  TN_WIT_KIND_FUTURE,     /* element, may be NULL */
  TN_WIT_KIND_ALIAS,      /* element: `type x = element;`, and what `use` brings in (is_use) */
} tn_wit_type_kind;

typedef struct tn_wit_member {
  tn_str name; /* .data == NULL: a tuple's */
  tn_str docs;
  const tn_wit_type *type; /* may be NULL */
} tn_wit_member;

/* A type. Named ones (of an interface or a world) are in `types` of their owner; the others have name.data == NULL and
 * no owner. A resource by name as a value (`f: func(x: r)`) is OWN. Invariant: at most one owner is set. */
struct tn_wit_type {
  tn_wit_type_kind kind;
  tn_wit_declaration declaration;
  const tn_wit_interface *interface;
  const tn_wit_world *world;
  tn_primitive primitive;
  bool is_use; /* ALIAS: made by `use`; element is the other interface's named type */
  uint32_t member_count;
  const tn_wit_member *members;
  const tn_wit_type *element;
  const tn_wit_type *error;
  const tn_wit_type *key;
  uint32_t length;
};

typedef enum tn_wit_function_kind {
  TN_WIT_FREE_FUNCTION,
  TN_WIT_METHOD,
  TN_WIT_STATIC_FUNCTION,
  TN_WIT_CONSTRUCTOR,
} tn_wit_function_kind;

/* A function. Parameters are as in the component's type: a method's first one is "self" of type borrow; a
 * constructor's result is own<resource>, or a result<own<resource>, e>. */
typedef struct tn_wit_function {
  tn_wit_declaration declaration; /* name: as in WIT: "bump"; a constructor's is the resource's */
  tn_str item_name;               /* as in the component: "[method]counter.bump" */
  tn_wit_function_kind kind;
  const tn_wit_type *resource; /* what it belongs to; NULL: none */
  bool is_async;
  uint32_t param_count;
  const tn_wit_member *params;
  const tn_wit_type *result; /* NULL: none */
} tn_wit_function;

struct tn_wit_interface {
  tn_wit_declaration declaration; /* name.data == NULL: written out in a world's item */
  const tn_wit_package *package;
  /* In the order of their declaration, but each behind all that it needs; what `use` brings in stands where the `use`
   * does. Types of other interfaces are reached through `use` (is_use) only. */
  TN_VEC(tn_wit_type *) types;
  TN_VEC(tn_wit_function *) functions;
};

typedef enum tn_wit_world_item_kind {
  TN_WIT_WORLD_INTERFACE,
  TN_WIT_WORLD_FUNCTION,
  TN_WIT_WORLD_TYPE, /* imports only: types declared in the world or brought in by `use` */
} tn_wit_world_item_kind;

/* One import or export. */
typedef struct tn_wit_world_item {
  tn_wit_world_item_kind kind;
  /* The name in the component: "docs:adder/add@0.1.0", "log", "run". */
  tn_str name;
  /* docs, gate and place of the item; .name is its label: .data == NULL for an interface that is
   * imported or exported by its own name */
  tn_wit_declaration declaration;
  /* not written there: an interface whose types something else in the world uses. It has the
   * gate of what it is there for */
  bool is_implied;
  const tn_wit_interface *interface;
  const tn_wit_function *function;
  const tn_wit_type *type;
} tn_wit_world_item;

/* An import of a component that WIT has no word for: a core module, a component or a value. */
typedef struct tn_wit_other_import {
  tn_str name;
  tn_sort sort;
} tn_wit_other_import;

/* A world, with what it includes merged in. */
struct tn_wit_world {
  tn_wit_declaration declaration;
  const tn_wit_package *package;
  TN_VEC(tn_wit_type *) types; /* its own, in the order in which they are items of `imports` */
  /* Interfaces, each behind those that it uses; what `use` brings in; other types; functions; functions of resources. */
  TN_VEC(tn_wit_world_item) imports;
  /* functions, then interfaces, each behind those that it uses */
  TN_VEC(tn_wit_world_item) exports;
  TN_VEC(tn_wit_other_import) other_imports; /* only if it was read from a component */
};

/* Packages that know each other. Zeroed but for `arena`: empty. */
typedef struct tn_wit_set {
  tn_arena *arena;
  TN_VEC(tn_wit_package *) packages; /* a package stands behind all that it uses */
  TN_VEC(tn_str) features; /* what is @unstable is there only if its feature is named here */
  bool all_features;
} tn_wit_set;

/* The package "a:b@1.0.0" (or without its version when there is only one), or NULL. */
tn_wit_package *tn_wit_set_find(const tn_wit_set *set, tn_wit_package_name name);
tn_wit_interface *tn_wit_package_interface(const tn_wit_package *package, tn_str name);
tn_wit_world *tn_wit_package_world(const tn_wit_package *package, tn_str name);
tn_wit_type *tn_wit_interface_type(const tn_wit_interface *interface, tn_str name);
/* "a:b/c@1.0.0" of a named interface or world, in the arena; NULL: out of memory. */
const char *tn_wit_interface_id(tn_arena *arena, const tn_wit_interface *interface);
const char *tn_wit_world_id(tn_arena *arena, const tn_wit_world *world);
/* What is behind all aliases. */
const tn_wit_type *tn_wit_type_root(const tn_wit_type *type);

/* A TN_ERROR_INVALID "FILE:LINE:COLUMN: message", followed by the line itself and a caret. */
tn_error *tn_wit_place_error(tn_wit_place place, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same as a TN_ERROR_LIMIT. */
tn_error *tn_wit_place_limit(tn_wit_place place, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
