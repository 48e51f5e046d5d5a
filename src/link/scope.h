/* The state of making a plan: what every index of every component in the tree stands for.
 *
 * A component is executed abstractly: going through its definitions in order, each adds an item to an
 * index space, where an item is the real thing (this lifted function, this resource type, this export of
 * that core instance), not a type of it. Instantiating a nested component is a recursive walk with the
 * arguments as its imports. What is left over are the steps that touch core instances: the plan. */
#ifndef TN_LINK_SCOPE_H
#define TN_LINK_SCOPE_H

#include "base/map.h"
#include "base/vec.h"
#include "canon/adapter.h"
#include "link/host.h"
#include "link/linker_internal.h"
#include "link/plan.h"

typedef struct tn_scope tn_scope;

/* A type in a type index space, resolved when it is first needed. */
typedef enum tn_type_item_kind {
  TN_TYPE_ITEM_SYNTAX, /* `ast` in `scope`, not looked at yet, or an instance or component type */
  TN_TYPE_ITEM_VALUE,
  TN_TYPE_ITEM_FUNC,
  TN_TYPE_ITEM_RESOURCE,
} tn_type_item_kind;

typedef struct tn_type_item {
  tn_type_item_kind kind;
  const tn_ast_type *ast;
  tn_scope *scope;
  const tn_type *value;
  const tn_func_type *func;
  const tn_resource *resource;
} tn_type_item;

/* A component function. */
typedef struct tn_func_item {
  const tn_func_type *type;
  const tn_lifted *lifted; /* NULL: a host function */
  tn_core_source callee;   /* of a lifted one: its core function */
  tn_str name;             /* of a host function: its full import path */
  tn_host_func host;
  void *host_data;
} tn_func_item;

typedef struct tn_component_item {
  const tn_component_ast *ast;
  tn_scope *closure; /* where it was defined: what its outer aliases mean */
} tn_component_item;

/* Exports by name. */
typedef struct tn_instance_item {
  tn_map exports;       /* name -> tn_item */
  TN_VEC(tn_str) names; /* in order of definition */
} tn_instance_item;

/* Anything that can be imported, exported or passed as an argument. */
typedef struct tn_item {
  tn_sort sort; /* FUNC, TYPE, COMPONENT, INSTANCE or CORE_MODULE */
  union {
    tn_func_item *func;
    tn_type_item *type;
    tn_component_item *component;
    tn_instance_item *instance;
    const tn_core_module *module;
  };
} tn_item;

typedef struct tn_core_item {
  tn_core_source source;
  bool is_64; /* memories: 64-bit addresses */
} tn_core_item;

/* A core instance: one that a step makes (`module` set), or a bundle of inline exports. */
typedef struct tn_core_instance_item {
  const tn_core_module *module;
  uint32_t slot;
  tn_map exports; /* inline: name -> tn_core_item */
} tn_core_instance_item;

/* The index spaces of one component instance, or of an instance type being matched. */
struct tn_scope {
  tn_scope *parent;            /* the enclosing scope; NULL for the root */
  const tn_component_ast *ast; /* NULL for an instance type */
  const tn_compiled *compiled; /* the file that `ast` is of */
  /* imports by name -> tn_item; NULL for the root of a file: ask the linker */
  const tn_map *arguments;
  uint32_t instance; /* component instance */
  uint32_t depth;
  TN_VEC(tn_core_item) core[5]; /* by tn_sort from CORE_FUNC to CORE_TAG */
  TN_VEC(const tn_core_module *) core_modules;
  TN_VEC(tn_core_instance_item) core_instances;
  TN_VEC(tn_func_item *) funcs;
  TN_VEC(tn_type_item *) types;
  TN_VEC(tn_component_item *) components;
  TN_VEC(tn_instance_item *) instances;
  tn_instance_item exports;
};

typedef struct tn_unit tn_unit;

/* A file that is part of what is linked. Invariant: whatever it imports from other units has been linked before it. */
struct tn_unit {
  const tn_compiled *compiled;
  tn_str name;               /* for messages */
  tn_str path;               /* of its component instance */
  uint32_t rights;           /* see tn_plan_instance */
  const tn_unit *importer;   /* the first that needs it; NULL: this is what is linked */
  tn_str via;                /* that one's import */
  tn_map bindings;           /* import -> const tn_binding *, where another unit meets it */
  tn_instance_item *exports; /* NULL: not linked yet */
};

typedef struct tn_binding {
  const tn_unit *unit;
  tn_str name; /* of its export */
} tn_binding;

/* One run of tn_plan_make. */
typedef struct tn_linking {
  tn_core_engine *engine;
  TN_VEC(tn_unit *) units;              /* what is linked comes last */
  const tn_unit *unit;                  /* the one that is being linked */
  const tn_compiled *compiled_adapters; /* has the compiled forms of adapters */
  tn_plan *plan;
  tn_arena *arena; /* the plan's */
  tn_host host;
  TN_VEC(tn_step) steps;
  TN_VEC(tn_plan_instance) instances;
  TN_VEC(tn_plan_export) exports;
  TN_VEC(tn_core_source) func_sources;   /* what each slot of runtime.funcs holds */
  TN_VEC(tn_core_source) memory_sources; /* likewise for memories */
  TN_VEC(tn_map) taken; /* by core instance: name of an export -> its slot + 1, steps.c */
  uint32_t core_instance_slots;
  /* Adapters of the group that is being gathered: what to write, and where linking has promised it. */
  TN_VEC(tn_adapted) adapted;
  TN_VEC(tn_plan_adapter *) adapters;
  int32_t flags_slot; /* core instance that has the flags' memory, or -1 */
  bool is_rehearsal;  /* see tn_plan_rehearse */
  bool is_described;  /* what is bound to nobody is told in a message: resources have their names */
  uint64_t adapter_bytes; /* of `rehearsed` */
  TN_VEC(tn_str) rehearsed;
} tn_linking;

/* Bounds on what a plan may grow to: nesting multiplies, so that a small file could ask for any number. */
enum { TN_MAX_PLAN_INSTANCES = 10000, TN_MAX_PLAN_STEPS = 100000 };

/* graph.c: the units that `compiled` needs of the linker (NULL: none), itself included. */
tn_error *tn_link_gather(tn_linking *linking, const tn_compiled *compiled, const tn_linker *linker);
/* Whether an instance type asks for nothing but plain types, which need no provider. */
bool tn_link_has_only_types(const tn_ast_type *type);
/* For messages: a component of the linker that exports the interface `name` in a version that is not compatible, which goes
 * to *found; or NULL. */
const tn_linker_component *tn_link_other_version(const tn_linker *linker, tn_str name,
                                                 tn_str *found);
/* The error of a circle: `last`'s import of that name leads back to `back`, which needs `last`. */
tn_error *tn_link_circle(tn_linking *linking, const tn_unit *last, tn_str import,
                         const tn_unit *back);
/* Whether `unit` exports `name` in a compatible version. */
bool tn_link_has_export(const tn_unit *unit, tn_str name);
/* For messages: whether `unit` exports `name` itself, so that it is not for those before it to provide it. *before is one
 * of these that does export it and could as well stand behind, since it needs nobody for it; or NULL. */
bool tn_link_stands_in_front(const tn_linker *linker, const tn_unit *unit, tn_str name,
                             const tn_linker_component **before);

/* flatten.c: walks the definitions of scope->ast into the scope. */
tn_error *tn_link_component(tn_linking *linking, tn_scope *scope);
/* A new component instance below `parent` for messages and the runtime. */
tn_error *tn_link_add_instance(tn_linking *linking, uint32_t parent, tn_str name, uint32_t *out);
tn_error *tn_instance_item_put(tn_linking *linking, tn_instance_item *instance, tn_str name,
                               tn_item item);
/* Adds an item to the index space of its sort. */
tn_error *tn_scope_push(tn_linking *linking, tn_scope *scope, tn_item item);

/* steps.c: the plan's steps and slots. */
tn_error *tn_link_take_func(tn_linking *linking, const tn_core_source *source, int32_t *slot);
tn_error *tn_link_take_memory(tn_linking *linking, const tn_core_source *source, int32_t *slot);
tn_error *tn_link_instantiate_module(tn_linking *linking, const tn_compiled *compiled,
                                     const tn_core_module *module, uint32_t instance,
                                     const tn_core_source *sources, uint32_t *slot);
tn_error *tn_link_add_step(tn_linking *linking, tn_step step);
/* When every import of the step is a host function, they are resolved now, once for all instances. */
tn_error *tn_link_resolve_in_advance(tn_linking *linking, tn_step *step);

/* shim.c: takes shims and what fills them out of the steps. */
tn_error *tn_link_bypass_shims(tn_linking *linking);

/* adapters.c: compiled forms of fused functions. */

/* Whether `inner` is `outer` or lies within it. */
bool tn_link_encloses(const tn_linking *linking, uint32_t outer, uint32_t inner);
/* Before a canonical definition of the scope is resolved. */
void tn_link_note_canon(tn_linking *linking, const tn_scope *scope, const tn_ast_canon *canon);
/* Gives `source`, which is `lowered`, an adapter if it can have one; `caller` and `callee` are component instances. */
tn_error *tn_link_adapt(tn_linking *linking, const tn_lowered *lowered, uint32_t caller,
                        uint32_t callee, tn_core_source *source);
/* Before the sources are used in a step: makes sure that their adapters are there. */
tn_error *tn_link_await_adapters(tn_linking *linking, const tn_core_source *sources,
                                 uint32_t count);

/* types.c: resolves types. */
tn_error *tn_link_new_type(tn_linking *linking, tn_scope *scope, const tn_ast_type *ast,
                           tn_type_item **out);
tn_error *tn_link_value_type(tn_linking *linking, tn_scope *scope, const tn_ast_valtype *type,
                             const tn_type **out);
tn_error *tn_link_func_type(tn_linking *linking, tn_type_item *item, const tn_func_type **out);
tn_error *tn_link_resource(tn_linking *linking, tn_type_item *item, const tn_resource **out);
tn_error *tn_link_force_type(tn_linking *linking, tn_type_item *item);

/* canonical.c: canonical definitions. */

/* Before the first definition of the scope. */
void tn_link_note_component(tn_linking *linking, const tn_scope *scope);
tn_error *tn_link_canon(tn_linking *linking, tn_scope *scope, const tn_ast_canon *canon);

/* imports.c: an import of a file, from another unit or the host. */
tn_error *tn_link_import(tn_linking *linking, tn_scope *scope, const tn_ast_import *import,
                         tn_item *out);
/* Under which name it is looked for. */
static inline tn_str tn_link_import_interface(const tn_ast_import *import) {
  return import->name.implements.data != NULL ? import->name.implements : import->name.name;
}

/* exports.c: the root's exports as a flat list of functions. */
tn_error *tn_link_exports(tn_linking *linking, const tn_instance_item *root);

/* module_plan.c: a core module as if it were a component. */
tn_error *tn_link_core_module(tn_linking *linking, const tn_compiled *compiled);

#endif
