/* What the files of the decoder share: from the externally visible types of a component (wit/model.h) to the
 * model of packages. For src/wit/package/ only. */
#ifndef TN_WIT_PACKAGE_DECODE_INTERNAL_H
#define TN_WIT_PACKAGE_DECODE_INTERNAL_H

#include "base/pointer_map.h"
#include "wit/model.h"
#include "wit/package/model.h"

/* An interface or a world while it is read.
 * Invariant: exactly one of `interface` and `world` is set; the maps have what is in it by name. */
typedef struct tn_decoded {
  tn_wit_interface *interface;
  tn_wit_world *world;
  tn_map types;          /* name -> tn_wit_type * */
  tn_map functions;      /* name in the component -> tn_wit_function * */
  tn_map taken;          /* all names, and those of a world's imports, without regard to case */
  tn_pointer_map names;  /* node that a type here leads to -> its tn_shell * */
  tn_pointer_map used;   /* type of another interface -> the alias that stands for it here */
  tn_pointer_map shared; /* node of an anonymous type -> tn_wit_type * */
} tn_decoded;

typedef enum tn_shell_state {
  TN_SHELL_EMPTY,
  TN_SHELL_BEING_FILLED,
  TN_SHELL_FILLED
} tn_shell_state;

/* A named type that is known, but perhaps not yet what it is. */
typedef struct tn_shell {
  tn_shell_state state;
  tn_decoded *owner;
  const tn_wit_node *node;
  tn_wit_type *type;
  /* filled from `node`: `type`, or, when that was there before, one to compare it with */
  tn_wit_type *described;
} tn_shell;

typedef TN_VEC(tn_shell *) tn_shells;

/* Everything that is read lives in set->arena; what is needed to read it in `scratch`. */
typedef struct tn_wit_decoder {
  tn_wit_set *set;
  tn_arena *scratch;
  const tn_wit_package *main;
  tn_pointer_map nodes;     /* node of a named type -> tn_shell * */
  tn_pointer_map ways;      /* node that a named type leads to -> the first such tn_shell * */
  tn_pointer_map by_type;   /* tn_wit_type * -> its tn_shell * */
  tn_pointer_map instances; /* items of an instance -> tn_decoded * */
  tn_map interfaces; /* id -> tn_decoded *, of a binary package or of the imports of a component */
  tn_map exported;   /* the same for the exports of a component */
  tn_map packages;   /* "a:b@1.0.0" -> tn_wit_package * */
  tn_map worlds;     /* ids of the worlds of a binary package */
  const tn_wit_world *last_world; /* of a binary package, as it stands in the set */
  tn_pointer_map old_packages;    /* those of the set that were asked for */
  TN_VEC(tn_wit_package *) added; /* packages that are not in the set yet */
  tn_shells shells;               /* of everything that has been begun, in order */
  uint32_t filled;                /* how many of `shells` are finished */
  bool is_component;  /* not a binary package: its interfaces are not mixed with those of the set */
  uint32_t depth;     /* of shells that are being filled */
  uint32_t walk_cost; /* see tn_wit_find_world_of_type */
  uint32_t cost;      /* steps along chains of names */
  uint32_t weight;    /* of the anonymous types when they are written out */
} tn_wit_decoder;

/* Takes a name; TN_ERROR_INVALID when it is taken. (decode_interface.c) */
tn_error *tn_decode_take_name(tn_wit_decoder *d, tn_decoded *in, tn_str name);

/* ---- types (decode_type.c) ----------------------------------------------------------------------------- */

/* Makes the type that an item names known; *type is the type of that name in the owner. */
tn_error *tn_decode_begin_type(tn_wit_decoder *d, tn_decoded *owner, const tn_wit_item *item,
                               tn_wit_type **type);
/* Finds out what all types are that have been begun. */
tn_error *tn_decode_finish_types(tn_wit_decoder *d);
/* The type of a parameter and the like, for use in `in`; NULL when it is absent. */
tn_error *tn_decode_value_type(tn_wit_decoder *d, tn_decoded *in, const tn_wit_space *space,
                               const tn_ast_valtype *type, const tn_wit_type **out);

/* ---- interfaces (decode_interface.c) ------------------------------------------------------------------- */

/* The package of this name, made when there is none. */
tn_error *tn_decode_package(tn_wit_decoder *d, tn_wit_package_name name, tn_wit_package **out);
/* "a:b/c@1.0.0" in its parts; TN_ERROR_INVALID when it is no such name. */
tn_error *tn_decode_id(tn_str id, tn_wit_package_name *package, tn_str *name);
/* The interface of this id among `known`, made when there is none. */
tn_error *tn_decode_named_interface(tn_wit_decoder *d, tn_map *known, tn_str id, tn_decoded **out);
/* Adds types and functions; the types are finished first. */
tn_error *tn_decode_begin_types_of(tn_wit_decoder *d, tn_decoded *in, const tn_wit_items *items);
tn_error *tn_decode_functions_of(tn_wit_decoder *d, tn_decoded *in, const tn_wit_items *items);
tn_error *tn_decode_function(tn_wit_decoder *d, tn_decoded *in, const tn_wit_item *item,
                             tn_wit_function **out);

/* ---- worlds (decode_world.c) ---------------------------------------------------------------------------- */

/* Reads what a component or component type imports and exports into a world. */
tn_error *tn_decode_world(tn_wit_decoder *d, tn_wit_world *world,
                          const tn_wit_component_world *from);

/* ---- documentation (decode_docs.c) ---------------------------------------------------------------------- */

/* Reads a "package-docs" section into the package. What it says of things that are not there is passed over.
 * TN_ERROR_MALFORMED. */
tn_error *tn_decode_docs(tn_arena *arena, tn_wit_package *package, tn_str payload);

#endif
