/* The types of a composition: what components import and export, with every index resolved, and what WAC text
 * declares.
 *
 * A component is read anew for each of its instances, so that each instance has types of its own. What an
 * instance is given for an import is then *bound* to what the import asks for (tn_compose_check): from there on
 * both are one type. Resources get their identity this way. All of it lives in one arena. */
#ifndef TN_COMPOSE_TYPE_H
#define TN_COMPOSE_TYPE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/map.h"
#include "base/vec.h"
#include "component/ast.h"

typedef struct tn_compose_type tn_compose_type;
typedef struct tn_compose_interface tn_compose_interface;
typedef struct tn_compose_world tn_compose_world;

/* A field, case, label, tuple element or parameter. */
typedef struct tn_compose_member {
  tn_str label;          /* .data == NULL: a tuple's */
  tn_compose_type *type; /* NULL: none */
} tn_compose_member;

/* What a type index may stand for. Always go through tn_compose_root before looking at anything but `same`.
 * Invariant: following `same` ends, and value types contain each other without cycles, at most as deep as
 * validation allows. */
struct tn_compose_type {
  tn_compose_type *same; /* bound to this one; NULL: a type of its own */
  tn_ast_type_kind kind;
  bool is_async;          /* FUNC */
  bool is_open;           /* RESOURCE: wanted by an import, so that it may be bound to another */
  bool is_imported;       /* RESOURCE: of an import of the whole */
  tn_primitive primitive; /* PRIMITIVE */
  uint32_t length;        /* FIXED_LIST */
  uint32_t member_count;
  tn_compose_member *members; /* as the fields of tn_ast_type */
  tn_compose_type *element;   /* likewise; OWN, BORROW: the resource */
  tn_compose_type *error;
  tn_compose_type *key;
  tn_compose_interface *interface; /* INSTANCE */
  tn_compose_world *world;         /* COMPONENT */
  tn_str name;                /* that it was first imported or exported by; .data == NULL: none */
  tn_compose_interface *home; /* the interface that `name` is in; NULL: none */
};

/* One import or export. */
typedef struct tn_compose_item {
  tn_str name;
  tn_sort sort;
  tn_compose_type *type;           /* TYPE; FUNC: its type */
  tn_compose_interface *interface; /* INSTANCE */
  tn_compose_world *world;         /* COMPONENT */
} tn_compose_item;

/* Items in order. Invariants: `by_name` has each item's position + 1 under its name; `by_track` has that of the
 * highest version under what compatible names share (tn_name_track). */
typedef struct tn_compose_items {
  TN_VEC(tn_compose_item) list;
  tn_map by_name;
  tn_map by_track;
} tn_compose_items;

struct tn_compose_interface {
  tn_str id; /* "a:b/c@1.0.0"; .data == NULL: none */
  tn_compose_items items;
  tn_compose_interface *merged; /* another one stands for it; NULL: none */
};

struct tn_compose_world {
  tn_str id; /* .data == NULL: none */
  tn_compose_items imports;
  tn_compose_items exports;
};

/* What types are made with. `bound` are the types that were bound so far, for undoing. */
typedef struct tn_compose_types {
  tn_arena *arena;
  tn_compose_type primitives[TN_PRIM_ERROR_CONTEXT + 1];
  TN_VEC(tn_compose_type *) bound;
  uint64_t work; /* steps taken so far, which are limited */
} tn_compose_types;

void tn_compose_types_init(tn_compose_types *types, tn_arena *arena);
/* Counts a step of work that the size of the files does not bound: TN_ERROR_LIMIT beyond some millions. */
tn_error *tn_compose_spend(tn_compose_types *types);

/* ---- type.c ------------------------------------------------------------------------------------------- */

/* NULL: out of memory. */
tn_compose_type *tn_compose_type_new(tn_compose_types *types, tn_ast_type_kind kind);
tn_compose_interface *tn_compose_interface_new(tn_compose_types *types, tn_str id);
tn_compose_world *tn_compose_world_new(tn_compose_types *types, tn_str id);
/* What is behind all bindings. */
tn_compose_type *tn_compose_root(const tn_compose_type *type);
tn_compose_interface *tn_compose_interface_root(const tn_compose_interface *interface);
/* Makes `type` the same as `other`. Both are roots. */
tn_error *tn_compose_bind(tn_compose_types *types, tn_compose_type *type, tn_compose_type *other);
/* Undoes all bindings but the first `count`. */
void tn_compose_unbind(tn_compose_types *types, uint32_t count);

/* Adds an item, whose name is not there yet. */
tn_error *tn_compose_items_add(tn_compose_types *types, tn_compose_items *items,
                               const tn_compose_item *item);
/* Valid until the next item is added; NULL: there is none. */
tn_compose_item *tn_compose_items_get(const tn_compose_items *items, tn_str name);
/* Gives an item another name. */
tn_error *tn_compose_items_rename(tn_compose_types *types, tn_compose_items *items,
                                  tn_compose_item *item, tn_str name);
/* The item whose name is `name`, or else a name that may be linked with it: the highest such version. */
tn_compose_item *tn_compose_items_find(const tn_compose_items *items, tn_str name);
/* What is behind all names of an item that is a type, if it is of this kind; else NULL. */
const tn_compose_type *tn_compose_type_of_kind(const tn_compose_item *item, tn_ast_type_kind kind);
/* Whether two names stand for compatible versions of one interface. */
bool tn_compose_is_compatible(tn_str a, tn_str b);
/* Whether the version of name `a` is above that of `b`; both are compatible. */
bool tn_compose_is_newer(tn_str a, tn_str b);

/* ---- read.c ------------------------------------------------------------------------------------------- */

/* The world of a (valid) component, with types that nothing else has. */
tn_error *tn_compose_read_world(tn_compose_types *types, const tn_component_ast *component,
                                tn_compose_world **out);

/* ---- clone.c ------------------------------------------------------------------------------------------ */

/* Finds what stands for a type of another interface (its `home`, by its `name` there). */
typedef tn_error *(*tn_compose_foreign_func)(void *data, const tn_compose_type *type,
                                             tn_compose_type **out);

/* A copy of an interface: its own types are copied, those of other interfaces are asked for. */
tn_error *tn_compose_clone_interface(tn_compose_types *types, const tn_compose_interface *interface,
                                     tn_compose_foreign_func foreign, void *data,
                                     tn_compose_interface **out);

/* ---- check.c ------------------------------------------------------------------------------------------ */

/* Checks that `given` may stand where `expected` is asked for, and binds the types of `expected` to those of
 * `given`. TN_ERROR_LINK says what differs; nothing is bound then. */
tn_error *tn_compose_check(tn_compose_types *types, const tn_compose_item *given,
                           const tn_compose_item *expected);
/* Makes `into` an interface that has all that both have. TN_ERROR_LINK when the two contradict each other. */
tn_error *tn_compose_merge(tn_compose_types *types, tn_compose_interface *into,
                           tn_compose_interface *other);

/* ---- print.c ------------------------------------------------------------------------------------------ */

/* A type, by its name if it has one: "list<point>". */
void tn_compose_print_type(tn_buffer *out, const tn_compose_type *type);
/* "func(x: u32) -> string" */
void tn_compose_print_function(tn_buffer *out, const tn_compose_type *type);
/* "function", "instance", "resource", "record", … */
const char *tn_compose_type_kind_name(const tn_compose_type *type);
const char *tn_compose_item_kind_name(const tn_compose_item *item);

#endif
