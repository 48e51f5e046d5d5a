/* From types back to syntax: types of imports, and definitions. For src/compose/ only. */
#ifndef TN_COMPOSE_ENCODE_H
#define TN_COMPOSE_ENCODE_H

#include "base/pointer_map.h"
#include "component/write/builder.h"
#include "compose/type.h"

typedef struct tn_compose_scope tn_compose_scope;

/* Where types are being written: the component itself, or a component or instance type.
 * Invariant: either `component` is set (the component itself), or `decls` is in use. */
struct tn_compose_scope {
  tn_compose_types *types_of; /* for memory */
  /* instance types: the scope around it; NULL: nothing from outside may be used */
  tn_compose_scope *outer;
  tn_component_builder *component;
  tn_decl_builder decls;
  bool has_imports;                /* it can import: the component itself and component types */
  const tn_compose_items *imports; /* what it is to import */
  /* for each: its index + 1; 0: not yet; TN_COMPOSE_ENCODING: under way */
  uint32_t *import_indices;
  tn_pointer_map import_interfaces; /* interfaces among them -> position + 1 */
  const tn_compose_interface *self; /* the interface whose instance type this is */
  tn_pointer_map types; /* root type -> its index + 1; the first that has a name here, if any has */
  tn_pointer_map named; /* likewise, those that have a name here */
  tn_pointer_map instances; /* interface -> index + 1 of an instance of it */
  tn_map instances_by_id;   /* likewise, for what was imported because its types are used */
};

enum { TN_COMPOSE_ENCODING = UINT32_MAX };

/* A scope that imports these; `component` NULL: the scope of a component type. */
tn_error *tn_compose_scope_open(tn_compose_scope *scope, tn_compose_types *types,
                                tn_component_builder *component, const tn_compose_items *imports);
/* Writes import `position`, and before it whatever it uses, unless that has happened already. *index is its
 * index in the index space of its sort. */
tn_error *tn_compose_encode_import(tn_compose_scope *scope, uint32_t position, uint32_t *index);
/* The index of a type, which is written if it is not there yet. */
tn_error *tn_compose_encode_type(tn_compose_scope *scope, const tn_compose_type *type,
                                 uint32_t *index);
/* A type was given a name here; of several the first counts. */
tn_error *tn_compose_scope_name_type(tn_compose_scope *scope, const tn_compose_type *type,
                                     uint32_t index);
/* The type of a component. */
tn_error *tn_compose_encode_world(tn_compose_types *types, const tn_compose_world *world,
                                  const tn_ast_type **out);
/* An interface or world as packages define them: a component type with one export, of its own name.
 * WIT.md#package-format */
tn_error *tn_compose_encode_definition(tn_compose_types *types, const tn_compose_type *type,
                                       const tn_ast_type **out);

#endif
