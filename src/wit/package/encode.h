/* WIT as component-model types: what the interfaces, functions and types of the model (model.h) are in a component
 * or in a component type that is being built. The encoder of WIT packages (encode.c), composition and `new` add
 * imports, exports and types by it. WIT.md#package-format
 *
 * A tn_wit_encoder stands for one scope with its index spaces, and remembers which types and interfaces are there
 * under which index. Named types of interfaces are found by their names ("a:b/c@1.0.0", "t"), not by their
 * addresses, so that interfaces that were read from several files are the same when they are called the same.
 * A type of an imported interface is fetched from the instance (alias export) the first time that it is needed.
 *
 *   tn_wit_encoder scope = {.arena = a, .component = &builder};
 *   tn_wit_encode_import(&scope, &world->imports.items[0], NULL, &index);      adds the import, returns its index
 *   tn_wit_encode_import(&scope, &world->imports.items[1], NULL, &index);      its types come from the first
 *   tn_wit_encode_func_type(&scope, function, &type);                          a function type in `builder` */
#ifndef TN_WIT_PACKAGE_ENCODE_H
#define TN_WIT_PACKAGE_ENCODE_H

#include "base/pointer_map.h"
#include "component/write/builder.h"
#include "wit/package/model.h"

/* One scope. Zeroed but for `arena` and one of the builders: empty.
 * Invariant: exactly one of `component` and `decls` is set. */
typedef struct tn_wit_encoder {
  tn_arena *arena;
  tn_component_builder *component; /* a component */
  tn_decl_builder *decls;          /* a component type or an instance type */
  /* For an instance type: the scope around it, whose types it may alias. NULL for components and component
   * types: resources cannot be aliased into those (Explainer.md#alias-definitions). */
  struct tn_wit_encoder *outer;
  const tn_wit_interface *self; /* the interface whose instance type this is; NULL: none */
  /* Interfaces that are needed but not there are imported, with their types only. */
  bool imports_needed;
  /* The encoder's own: */
  tn_pointer_map types;      /* the types of worlds, by address -> index + 1 */
  tn_map interfaces;         /* by their ids -> what is known about them */
  tn_pointer_map by_address; /* the same by their addresses */
  tn_map shapes;             /* anonymous types, by what they are made of -> index + 1 */
  uint32_t depth;            /* of types that are being defined */
  uint32_t chain;            /* of interfaces that are being imported */
} tn_wit_encoder;

/* Which parts of an interface are wanted; NULL members: all. Types that wanted functions or types need are
 * there in any case. */
typedef struct tn_wit_wanted {
  bool (*function)(void *data, const tn_wit_function *function);
  bool (*type)(void *data, const tn_wit_type *type);
  void *data;
} tn_wit_wanted;

/* Nothing but the types. */
extern const tn_wit_wanted tn_wit_wanted_types;

/* Errors of all that follows: TN_ERROR_NO_MEMORY; TN_ERROR_INVALID for a type that belongs to an interface
 * which is not in scope; TN_ERROR_LIMIT for types that nest too deeply. */

/* ---- types --------------------------------------------------------------------------------------------- */

/* A type as a parameter, a field … has it; defined in the scope where it is not there yet. */
tn_error *tn_wit_encode_type(tn_wit_encoder *scope, const tn_wit_type *type, tn_ast_valtype *out);
/* The index of a type that has one: any but primitive ones. For resources, too. */
tn_error *tn_wit_encode_type_index(tn_wit_encoder *scope, const tn_wit_type *type, uint32_t *index);
/* Defines anew what a named type is, other than a resource, under no name; for an alias of a named type the
 * index is that type's. Nothing is remembered. */
tn_error *tn_wit_encode_definition(tn_wit_encoder *scope, const tn_wit_type *type, uint32_t *index);
/* A function type; equal ones are defined once. */
tn_error *tn_wit_encode_func_type(tn_wit_encoder *scope, const tn_wit_function *function,
                                  uint32_t *index);
/* An interface as an instance type. */
tn_error *tn_wit_encode_instance_type(tn_wit_encoder *scope, const tn_wit_interface *interface,
                                      const tn_wit_wanted *wanted, uint32_t *index);

/* ---- imports and exports ------------------------------------------------------------------------------- */

/* Adds an import: of an instance, a function, or a type of the world (which may be a resource). From then on
 * the types of that interface are those of this instance. *index (may be NULL) counts instances, functions or
 * types. */
tn_error *tn_wit_encode_import(tn_wit_encoder *scope, const tn_wit_world_item *item,
                               const tn_wit_wanted *wanted, uint32_t *index);
/* The same under a name of one's choice. */
tn_error *tn_wit_encode_import_interface(tn_wit_encoder *scope, tn_str name,
                                         const tn_wit_interface *interface,
                                         const tn_wit_wanted *wanted, uint32_t *index);
/* Imports the interfaces that the types of this one come from and that are not there yet, with their types
 * only. Only with `imports_needed`. */
tn_error *tn_wit_encode_needed_imports(tn_wit_encoder *scope, const tn_wit_interface *interface);
/* Adds an export to a component type (`decls`): an instance or a function. From then on the types of that
 * interface are those of the exported instance. */
tn_error *tn_wit_encode_export(tn_wit_encoder *scope, const tn_wit_world_item *item,
                               uint32_t *index);
/* Adds all imports and exports of a world to a component type. An exported interface comes behind those that it
 * uses and that are exported as well. */
tn_error *tn_wit_encode_world_items(tn_wit_encoder *scope, const tn_wit_world *world);

/* ---- what is there already ------------------------------------------------------------------------------ */

/* The types of the interface are those of this instance of the scope, whatever they were before. */
tn_error *tn_wit_encoder_bind_instance(tn_wit_encoder *scope, const tn_wit_interface *interface,
                                       uint32_t instance);
/* The type is there under this index. */
tn_error *tn_wit_encoder_bind_type(tn_wit_encoder *scope, const tn_wit_type *type, uint32_t index);

#endif
