/* A composition: components, instances of them, what is taken from one and given to another, and what the whole
 * imports and exports. Everything is checked as it is added; a node only refers to nodes that were there before
 * it, so there are no cycles. tn_compose_encode makes a component of it. */
#ifndef TN_COMPOSE_GRAPH_H
#define TN_COMPOSE_GRAPH_H

#include "base/buffer.h"
#include "compose/type.h"

typedef struct tn_compose_node tn_compose_node;

/* A component, or a package of WIT in binary form, as read from a file. */
typedef struct tn_compose_package {
  tn_str name;    /* "a:b" */
  tn_str version; /* .data == NULL: none */
  const tn_component_ast *component;
  /* to look names and kinds up in; instances have worlds of their own */
  const tn_compose_world *world;
} tn_compose_package;

/* Something that the whole imports. `place`: see tn_compose_graph. */
typedef struct tn_compose_import {
  uint32_t place;
  bool is_explicit; /* asked for by name, and not because an instance was not given it */
  bool is_implied;  /* there only because another import uses its types */
} tn_compose_import;

typedef enum tn_compose_node_kind {
  TN_COMPOSE_IMPORT,     /* import: position among the imports */
  TN_COMPOSE_INSTANCE,   /* package, arguments */
  TN_COMPOSE_ALIAS,      /* source */
  TN_COMPOSE_DEFINITION, /* a type, exported as item.name */
} tn_compose_node_kind;

/* What an instance is given for one of its imports: a node, or (NULL) an import of the whole. */
typedef struct tn_compose_argument {
  tn_str name;
  tn_compose_node *node;
  uint32_t import; /* position; only if node is NULL */
} tn_compose_argument;

struct tn_compose_node {
  tn_compose_node_kind kind;
  uint32_t place;
  /* .name: of an import; of the export that an alias is of; of a definition */
  tn_compose_item item;
  uint32_t import;
  const tn_compose_package *package;
  uint32_t argument_count;
  tn_compose_argument *arguments; /* one for each import of the package, in their order */
  tn_compose_node *source;
  tn_map aliases; /* of exports of this instance: name -> tn_compose_node */
};

typedef struct tn_compose_export {
  uint32_t place;
  tn_str name;
  tn_compose_node *node;
} tn_compose_export;

/* Zeroed but for what tn_compose_graph_init sets: empty.
 * Invariants: imports.list and import_details have the same length; nodes are in an order in which they can be
 * made. */
typedef struct tn_compose_graph {
  tn_arena *arena;
  tn_compose_types types;
  tn_compose_items imports;
  TN_VEC(tn_compose_import) import_details;
  tn_map imports_by_id; /* of interfaces: the id's track -> position + 1 */
  TN_VEC(tn_compose_node *) nodes;
  TN_VEC(tn_compose_export) exports; /* definitions included */
  tn_map exports_by_name;            /* name -> tn_compose_node */
  /* What is added now comes from here: a number of the caller's, 0 for unknown. When the whole cannot be made, or is not
   * valid, it is the place of what caused that. */
  uint32_t place;
} tn_compose_graph;

void tn_compose_graph_init(tn_compose_graph *graph, tn_arena *arena);

/* Decodes and validates a component, whose bytes must outlive the graph. */
tn_error *tn_compose_package_new(tn_compose_graph *graph, tn_str name, tn_str version, tn_str bytes,
                                 tn_compose_package **out);

/* Imports an item by the name `name`; an interface is copied, so that the import has types of its own. */
tn_error *tn_compose_add_import(tn_compose_graph *graph, tn_str name, const tn_compose_item *item,
                                tn_compose_node **out);

/* Lets the resources of the imports be bound to others, or not (which is how it is otherwise): for comparing
 * with what the whole is to be given. */
void tn_compose_open_imports(tn_compose_graph *graph, bool are_open);

/* What an instance is given: the import's name and a node. */
typedef struct tn_compose_given {
  tn_str name;
  tn_compose_node *node;
} tn_compose_given;

/* Instantiates a component. With `import_missing`, what it is not given is imported; without it that is an
 * error. *failed (may be NULL) is which of `given` an error is about, or `count`. */
tn_error *tn_compose_instantiate(tn_compose_graph *graph, const tn_compose_package *package,
                                 const tn_compose_given *given, uint32_t count, bool import_missing,
                                 tn_compose_node **out, uint32_t *failed);
/* An export of an instance; NULL in *out: there is none of this name. */
tn_error *tn_compose_alias(tn_compose_graph *graph, tn_compose_node *instance, tn_str name,
                           tn_compose_node **out);
/* A type (of sort TYPE) that is exported as `name`. */
tn_error *tn_compose_define(tn_compose_graph *graph, tn_str name, tn_compose_type *type,
                            tn_compose_node **out);
tn_error *tn_compose_add_export(tn_compose_graph *graph, tn_str name, tn_compose_node *node);
/* The import or export behind a node's name: what names are inferred from. .data == NULL: none. */
tn_str tn_compose_node_name(const tn_compose_node *node);

/* What to make of a graph. */
typedef struct tn_compose_encoding {
  bool import_components; /* components are not embedded but imported */
  bool no_validation;
} tn_compose_encoding;

/* Appends the component in binary form. On an error, graph->place says what it is about. */
tn_error *tn_compose_encode(tn_compose_graph *graph, tn_compose_encoding encoding, tn_buffer *out);

#endif
