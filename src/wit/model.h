/* The externally visible types of a component, found by walking its definitions. For src/wit/ and src/compose/ only.
 *
 * Indices are resolved by a `space` for each scope: the component itself, each instance or component type, and
 * each instantiation of a nested component, whose imports stand for what they were given. */
#ifndef TN_WIT_MODEL_H
#define TN_WIT_MODEL_H

#include "base/arena.h"
#include "base/error.h"
#include "base/vec.h"
#include "component/ast.h"

typedef struct tn_wit_space tn_wit_space;
typedef struct tn_wit_node tn_wit_node;
typedef struct tn_wit_instance tn_wit_instance;

/* One type. A name makes a node of its own that leads to what it names.
 * Invariant: `ast` is set, or `same`, or (an abstract resource) neither. */
struct tn_wit_node {
  const tn_ast_type *ast;
  const tn_wit_space *space;    /* where the indices in `ast` count */
  const tn_wit_node *same;      /* (type (eq …)): the type that this one equals */
  tn_str name;                  /* .data == NULL: none */
  const tn_wit_instance *owner; /* whose import or export `name` is */
};

/* A component, by its definition or by its type, and the scope around it. */
typedef struct tn_wit_component {
  const tn_component_ast *ast;
  const tn_wit_node *type;
  const tn_wit_space *outer;
} tn_wit_component;

typedef struct tn_wit_item {
  tn_str name;
  tn_str implements;  /* the interface's name where `name` is only a label; .data == NULL: none */
  tn_str external_id; /* .data == NULL: none */
  tn_sort sort;
  const tn_wit_node *type;    /* TYPE; FUNC: its type */
  tn_wit_instance *instance;  /* INSTANCE */
  tn_wit_component component; /* COMPONENT */
} tn_wit_item;

typedef TN_VEC(tn_wit_item) tn_wit_items;

struct tn_wit_instance {
  tn_str name; /* as imported or exported; .data == NULL before that */
  tn_wit_items items;
};

/* The world of a component. */
typedef struct tn_wit_component_world {
  tn_wit_instance imports;
  tn_wit_instance exports;
} tn_wit_component_world;

tn_error *tn_wit_find_world(tn_arena *arena, const tn_component_ast *component,
                            tn_wit_component_world *out);
/* The world of a component type. `cost` adds up over calls, from 0, and bounds them together. */
tn_error *tn_wit_find_world_of_type(tn_arena *arena, const tn_wit_node *type, uint32_t *cost,
                                    tn_wit_component_world *out);
/* The same for a component within another: its definition, or its type. */
tn_error *tn_wit_find_component_world(tn_arena *arena, const tn_wit_component *component,
                                      tn_wit_component_world *out);

/* The type that a type index stands for in a space, or NULL. */
const tn_wit_node *tn_wit_space_type(const tn_wit_space *space, uint32_t index);
/* What is behind all names: a node with `ast`, or an abstract resource. */
const tn_wit_node *tn_wit_node_root(const tn_wit_node *node);

#endif
