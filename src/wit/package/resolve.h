/* From syntax trees to resolved packages. For src/wit/package/ only.
 *
 *   resolve.c        packages: which there are, in which order they are resolved
 *   resolve_names.c  gates; what a path or a name stands for; the errors that say what it does not
 *   resolve_types.c  the types and functions of one interface or world
 *   resolve_world.c  the imports and exports of a world, as they are written
 *   include.c        the items of another world
 *   elaborate.c      the imports that a world has because of what its types come from
 *   order.c          the order in which things that need each other can be done */
#ifndef TN_WIT_PACKAGE_RESOLVE_H
#define TN_WIT_PACKAGE_RESOLVE_H

#include "base/pointer_map.h"
#include "wit/package/syntax.h"

/* ---- order (order.c) ------------------------------------------------------------------------- */

/* `from` needs `to`, because of what stands at `place`. */
typedef struct tn_wit_edge {
  uint32_t from;
  uint32_t to;
  tn_wit_place place;
} tn_wit_edge;

typedef TN_VEC(tn_wit_edge) tn_wit_edges;

/* Invariant: cycle_count == 0, and `nodes` are all nodes, each behind those that it needs and else
 * in the order of their numbers; or `cycle` are nodes of which each needs the next and the last one
 * the first. */
typedef struct tn_wit_order {
  uint32_t *nodes;
  uint32_t cycle_count;
  const uint32_t *cycle;
  tn_wit_place cycle_place; /* of the edge that closes it */
} tn_wit_order;

tn_error *tn_wit_find_order(tn_arena *scratch, uint32_t count, const tn_wit_edges *edges,
                            tn_wit_order *out);
/* "<what> depends on itself: a -> b -> a" */
tn_error *tn_wit_cycle_error(const tn_wit_order *order, const char *what,
                             tn_str (*name)(const void *data, uint32_t node), const void *data);

/* ---- what is known --------------------------------------------------------------------------- */

typedef struct tn_wit_known_package tn_wit_known_package;

/* An interface or a world of a package. Invariant: of one that was there before, `syntax` and
 * `unit` are NULL; of one that is gated, `feature` names what would open it; else `interface` or
 * `world` is set once it is its turn. */
typedef struct tn_wit_known {
  const tn_wit_known_package *package;
  const tn_wit_definition *syntax;
  const tn_wit_unit *unit;
  tn_str name;
  bool is_world;
  tn_str feature;
  tn_wit_interface *interface;
  tn_wit_world *world;
  uint32_t number; /* in the package */
} tn_wit_known;

struct tn_wit_known_package {
  tn_wit_package *package;
  tn_str id; /* "a:b@1.0.0" */
  tn_wit_place place;
  bool is_new;     /* it is being resolved, and not in the set yet */
  uint32_t number; /* among the new ones */
  TN_VEC(const tn_wit_unit *) units;
  TN_VEC(tn_wit_known *) definitions;
  tn_map by_name; /* name -> tn_wit_known * */
};

/* Facts about an interface that are looked up often. */
typedef struct tn_wit_interface_facts {
  tn_str id;                             /* "a:b/c@1.0.0"; .data == NULL: it has no name */
  tn_map types;                          /* name -> tn_wit_type * */
  TN_VEC(const tn_wit_interface *) uses; /* whose types its own types stand for, each once */
} tn_wit_interface_facts;

/* Invariant: everything that is to stay is in set->arena, the rest in `scratch`. */
typedef struct tn_wit_resolver {
  tn_wit_set *set;
  tn_arena *scratch;
  tn_map packages; /* id -> tn_wit_known_package * */
  TN_VEC(tn_wit_known_package *) new_packages;
  tn_pointer_map facts;     /* tn_wit_interface -> tn_wit_interface_facts */
  tn_pointer_map borrowing; /* tn_wit_type -> itself: those that hold a borrow */
  tn_pointer_map resources; /* tn_wit_type -> itself: resources and other names of them */
  /* tn_wit_interface -> tn_map of its types that need a feature: name -> tn_str */
  tn_pointer_map gated;
  uint64_t steps; /* see tn_wit_count_steps */
} tn_wit_resolver;

/* Where names are looked up from. */
typedef struct tn_wit_view {
  tn_wit_resolver *resolver;
  const tn_wit_known_package *package;
  const tn_wit_unit *unit;
} tn_wit_view;

/* Adds the packages of these groups to the set; *main is the one of the first group. */
tn_error *tn_wit_resolve(tn_wit_set *set, tn_arena *scratch, const tn_wit_group *groups,
                         uint32_t count, tn_wit_package **main);

/* Text can say in few words what takes many steps (worlds that include worlds): TN_ERROR_LIMIT when
 * it is too much, of `place`. */
tn_error *tn_wit_count_steps(tn_wit_resolver *resolver, tn_wit_place place, uint64_t steps);

/* ---- names (resolve_names.c) ----------------------------------------------------------------- */

static inline tn_wit_place tn_wit_view_place(const tn_wit_view *view, uint32_t offset) {
  return (tn_wit_place){view->unit->source, offset};
}
/* Checks a gate against the version of the package. *feature.data == NULL: what it guards is there. */
tn_error *tn_wit_check_gate(const tn_wit_view *view, const tn_wit_declaration *declaration,
                            tn_str *feature);
/* The same when it is known to be right. */
bool tn_wit_is_gated(const tn_wit_set *set, const tn_wit_gate *gate);
/* "a:b@1.0.0" */
tn_str tn_wit_package_id(tn_arena *arena, tn_wit_package_name name);
/* The package that a path is into; its own for a path without one. */
tn_error *tn_wit_find_package(const tn_wit_view *view, const tn_wit_path *path,
                              tn_wit_known_package **out);
/* What a path stands for, be it gated or of the wrong kind; a path that is a name is looked up
 * among the `use`s of its unit and then in the package. */
tn_error *tn_wit_find_known(const tn_wit_view *view, const tn_wit_path *path, tn_wit_known **out);
/* The interface or world at the end of a path. */
tn_error *tn_wit_find_interface(const tn_wit_view *view, const tn_wit_path *path,
                                tn_wit_interface **out);
tn_error *tn_wit_find_included(const tn_wit_view *view, const tn_wit_path *path,
                               const tn_wit_world **out);
/* The type of an interface that a `use` names. */
tn_error *tn_wit_find_used(const tn_wit_view *view, const tn_wit_interface *interface,
                           const tn_wit_word *name, tn_wit_type **out);
/* The facts about an interface, which is complete. NULL: out of memory. */
const tn_wit_interface_facts *tn_wit_facts_of(tn_wit_resolver *resolver,
                                              const tn_wit_interface *interface);

/* ---- types (resolve_types.c) ----------------------------------------------------------------- */

/* A name of an interface or world. */
typedef struct tn_wit_local {
  const tn_wit_item_syntax *item;
  const tn_wit_renaming *renaming; /* of a `use`; else NULL */
  tn_str name;
  tn_wit_place place;
  tn_str feature; /* see tn_wit_check_gate */
  tn_wit_type *type;
  uint32_t number; /* among the types */
} tn_wit_local;

/* The names of one interface or world. Invariant: one of `interface` and `world` is set. */
typedef struct tn_wit_names {
  tn_wit_view view;
  tn_wit_interface *interface;
  tn_wit_world *world;
  TN_VEC(tn_wit_local *) types; /* in the order of their declaration */
  tn_map by_name;               /* of a type -> tn_wit_local * */
  tn_map taken;                 /* tn_name_unique_key of everything -> the name, as tn_str * */
} tn_wit_names;

/* Takes the name of something in the component; an error if it is taken, maybe with other upper and
 * lower case. Explainer.md#name-uniqueness */
tn_error *tn_wit_take_name(tn_wit_names *names, tn_str item_name, tn_wit_place place);
/* Declares and resolves the types of a body; they are added to their owner. */
tn_error *tn_wit_resolve_types(tn_wit_names *names, const tn_wit_body *body);
/* Resolves a function. `resource` is what it belongs to, or NULL. */
tn_error *tn_wit_resolve_function(tn_wit_names *names, const tn_wit_item_syntax *item,
                                  const tn_wit_type *resource, tn_wit_function **out);
/* The resource that an item declares; NULL: none, or it is gated. */
const tn_wit_type *tn_wit_declared_resource(const tn_wit_names *names,
                                            const tn_wit_item_syntax *item);
/* Checks that the types, and the functions of resources, in a body that is gated are gated as well:
 * so much of WIT.md#rules-for-feature-gate-usage is held to elsewhere. */
tn_error *tn_wit_check_gated_body(const tn_wit_view *view, const tn_wit_body *body);
/* Notes whether a type holds a borrow, or is a resource; its parts were noted before. False: out of
 * memory. */
bool tn_wit_note_type(tn_wit_resolver *resolver, const tn_wit_type *type);
/* Fills in an interface. */
tn_error *tn_wit_resolve_interface(const tn_wit_view *view, const tn_wit_body *body,
                                   tn_wit_interface *interface);
/* "[method]counter.bump" */
tn_str tn_wit_item_name(tn_arena *arena, tn_wit_function_kind kind, tn_str resource, tn_str name);

/* ---- worlds (resolve_world.c, include.c, elaborate.c) ---------------------------------------- */

typedef TN_VEC(tn_wit_world_item) tn_wit_world_items;

/* A world that is being put together. */
typedef struct tn_wit_world_draft {
  tn_wit_names names; /* `taken` is what the imports are called */
  tn_map taken_exports;
  tn_wit_world *world;
  tn_wit_world_items imports; /* as written */
  tn_wit_world_items exports;
} tn_wit_world_draft;

tn_error *tn_wit_resolve_world(const tn_wit_view *view, const tn_wit_body *body,
                               tn_wit_world *world);
/* Takes the name of an import or export; an error if it is taken. */
tn_error *tn_wit_take_extern(tn_wit_world_draft *draft, bool is_import, tn_str name,
                             tn_wit_place place);
bool tn_wit_has_extern(const tn_wit_world_draft *draft, bool is_import, tn_str name);
/* Adds what the world of an `include` has. WIT.md#union-of-worlds-with-include */
tn_error *tn_wit_include(tn_wit_world_draft *draft, const tn_wit_item_syntax *item);
/* Completes world->imports and world->exports. WIT.md#transitive-imports-and-worlds */
tn_error *tn_wit_elaborate(tn_wit_world_draft *draft);

#endif
