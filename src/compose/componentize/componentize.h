/* A component from a core module: the parts of the work, among themselves, and its entry.
 *
 * The module and the adapters are `parts`. Each has embedded worlds, which are merged (world.c); each import of
 * each part is found out to be something of these worlds, of an adapter or of the main module (match.c);
 * adapters are cut down to what is needed before. Then the component is written from top to bottom:
 *
 *   imports, with what is needed of them                                            (import.c)
 *   core modules: main, adapters, shim, fix-up; the shim's instance
 *   resource types of exported interfaces, whose destructors are in the shim
 *   main's instance: its imports are lowered functions that need no memory, or in the shim
 *   the adapters' instances
 *   the fix-up's instance: what the shim calls, lowered with memory and realloc     (encode.c)
 *   lifted functions and exports                                                    (export.c) */
#ifndef TN_COMPOSE_COMPONENTIZE_COMPONENTIZE_H
#define TN_COMPOSE_COMPONENTIZE_COMPONENTIZE_H

#include "component/component.h"
#include "base/pointer_map.h"
#include "component/binary/producers.h"
#include "component/write/builder.h"
#include "compose/componentize/core_abi.h"
#include "compose/componentize/core_names.h"
#include "tenon/componentize.h"
#include "wit/package/encode.h"

/* ---- the merged world ----------------------------------------------------------------------------------- */

typedef enum tn_making_state { TN_NOT_MADE, TN_BEING_MADE, TN_MADE } tn_making_state;

/* One import or export of the component. */
typedef struct tn_made_item tn_made_item;
struct tn_made_item {
  tn_wit_world_item item;
  /* imports: the same interface in a compatible, newer version that stands for it; or NULL */
  tn_made_item *newer;
  tn_making_state state;
  uint32_t index; /* imports: of the instance, function or type, once it is made */
};

typedef struct tn_made_items {
  TN_VEC(tn_made_item *) all;
  tn_map by_name; /* names in the component -> tn_made_item * */
} tn_made_items;

/* ---- parts ---------------------------------------------------------------------------------------------- */

typedef struct tn_core_part tn_core_part;

typedef enum tn_need_kind {
  TN_NEED_LOWER,    /* item, function, abi */
  TN_NEED_DROP,     /* item, resource; of an imported one */
  TN_NEED_OWN_DROP, /* resource of an exported interface; likewise the next two */
  TN_NEED_OWN_NEW,
  TN_NEED_OWN_REP,
  TN_NEED_TASK_RETURN, /* function of an export */
  TN_NEED_BUILT_IN,    /* canon; with `payload`, of a stream or future type */
  TN_NEED_ADAPTER,     /* adapter's function of that name */
  TN_NEED_MAIN,        /* main's function of that name */
  TN_NEED_MEMORY,      /* main's memory */
} tn_need_kind;

/* One import of a part.
 * Invariant: is_indirect: slot is its place in the shim. */
typedef struct tn_core_need {
  tn_need_kind kind;
  const tn_core_import *core;
  /* the name in the module, which is core->name but for imports that are there twice */
  tn_str given;
  tn_made_item *item;
  const tn_wit_function *function;
  tn_core_abi abi;
  tn_core_needs options;
  const tn_wit_type *resource;
  const tn_wit_type *payload;
  bool payload_is_exported; /* it is a type as exports see it */
  tn_ast_canon canon;       /* options are added to those that it has */
  tn_core_part *adapter;
  bool is_indirect;
  uint32_t slot;
} tn_core_need;

/* The main module (name.data == NULL) or an adapter. */
struct tn_core_part {
  tn_str name;
  const char *file; /* for messages; NULL: unknown */
  const tn_core_module *module;
  const tn_core_module *renamed; /* the same with unique names of imports */
  tn_core_exports exports;
  tn_string_encoding encoding;
  TN_VEC(const tn_wit_world *) worlds;
  tn_producers producers;     /* of what made the embedded worlds */
  TN_VEC(tn_core_need) needs; /* one for each import */
  bool is_left_out;           /* an adapter that nothing needs */
  uint32_t core_module;
  uint32_t core_instance;
  bool has_realloc[2]; /* whether `realloc` is known, for [0] lowered and [1] lifted functions */
  uint32_t realloc[2];
};

/* What a slot of the shim calls in the end. */
typedef struct tn_shim_slot {
  const tn_core_func_type *type;
  tn_core_part *part;
  const tn_core_need *need; /* NULL: the export `destructor` of the part */
  tn_str destructor;
} tn_shim_slot;

/* A resource type that the component defines. */
typedef struct tn_own_resource {
  const tn_wit_type *type;
  uint32_t index;
} tn_own_resource;

/* ---- the work ------------------------------------------------------------------------------------------- */

typedef struct tn_maker {
  tn_arena *arena;
  const tn_componentize_options *options;
  tn_wit_set set;
  tn_core_part *main;
  TN_VEC(tn_core_part *) parts; /* main first */
  tn_made_items imports;
  tn_made_items exports;
  /* types of worlds that are not the first of their name -> the first */
  tn_pointer_map world_types;
  tn_pointer_map live_functions; /* those of imports that a part calls */
  tn_pointer_map live_types;     /* those of imported interfaces that are needed */
  uint32_t depth;
  tn_component_builder builder;
  tn_wit_encoder in;  /* types as imports see them */
  tn_wit_encoder out; /* types as exports see them */
  TN_VEC(tn_shim_slot) slots;
  TN_VEC(tn_own_resource) resources;
  uint32_t shim_instance;
  bool has_memory;
  uint32_t memory;
} tn_maker;

/* ---- componentize_world.c ------------------------------------------------------------------------------- */

/* Reads the worlds that are embedded in a part's module. */
tn_error *tn_make_read_worlds(tn_maker *m, tn_core_part *part);
/* The contents of a part's section "producers": those of its module, and those of what made its worlds. */
tn_error *tn_make_producers(tn_maker *m, tn_core_part *part, tn_str *out);
/* Merges the worlds of all parts. */
tn_error *tn_make_merge_worlds(tn_maker *m);
tn_made_item *tn_made_find(const tn_made_items *items, tn_str name);
/* The same for the name of a core import's module, which may be of another compatible version: bindings are
 * made from the WIT of one version, and the world that is embedded is of another. */
tn_made_item *tn_made_find_module(const tn_made_items *items, tn_str module);
/* The imported interface in the newest of its compatible versions; NULL when it is not imported. */
tn_made_item *tn_make_find_import_of(const tn_maker *m, const tn_wit_interface *interface);
/* A function of an interface by its name in the component, or NULL. */
const tn_wit_function *tn_make_find_function(const tn_wit_interface *interface, tn_str item_name);
/* The name of a part for messages: "the module", "adapter 'x' (x.wasm)". */
const char *tn_make_part_name(const tn_maker *m, const tn_core_part *part);
/* Likewise; `file` NULL: unknown. */
const char *tn_make_adapter_name(tn_arena *arena, tn_str name, const char *file);
/* The core function that a part exports for a function, or a resource, of an export; *out == NULL: none. */
tn_error *tn_make_find_export(tn_maker *m, const tn_core_part *part, tn_core_role role,
                              const tn_made_item *item, tn_str name, const tn_core_export **out);

/* ---- componentize_match.c ------------------------------------------------------------------------------- */

/* Finds out what each import of a part is. */
tn_error *tn_make_match(tn_maker *m, tn_core_part *part);
/* A function by its name in the interface, or, with `interface` NULL, in the world; or NULL. */
const tn_wit_function *tn_make_function_of(const tn_made_items *items,
                                           const tn_made_item *interface, tn_str name);

/* ---- componentize_adapter.c ----------------------------------------------------------------------------- */

/* Cuts an adapter down to what main and the world's exports need of it. */
tn_error *tn_make_reduce_adapter(tn_maker *m, tn_core_part *part);

/* ---- componentize_import.c ------------------------------------------------------------------------------ */

/* Adds what the parts call and what the exports' types need to the component's imports. */
tn_error *tn_make_imports(tn_maker *m);

/* ---- componentize_encode.c ------------------------------------------------------------------------------ */

tn_error *tn_make_core_alias(tn_maker *m, uint32_t instance, tn_sort sort, tn_str name,
                             uint32_t *index);
tn_error *tn_make_canon(tn_maker *m, const tn_ast_canon *canon, uint32_t *index);
/* Sets the options that `needs` asks for. TN_ERROR_LINK when the modules lack what is needed. */
tn_error *tn_make_options(tn_maker *m, tn_core_part *part, tn_core_needs needs, bool is_lift,
                          tn_ast_canon *canon);
/* Adds one option. */
tn_error *tn_make_option(tn_maker *m, tn_ast_canon *canon, tn_canon_option_kind kind,
                         uint32_t index);
/* A module may export functions that set up what a task needs ("__wasm_init_task", "__wasm_init_async_task"): then
 * *index becomes a function that calls the one for `abi` and then what *index was, which is the module's `core`. */
tn_error *tn_make_with_task_init(tn_maker *m, const tn_core_part *part, const tn_core_export *core,
                                 tn_core_abi abi, uint32_t *index);
/* Everything from the core modules to the fix-up. */
tn_error *tn_make_core(tn_maker *m);

/* ---- componentize_export.c ------------------------------------------------------------------------------ */

/* The types of exported interfaces as `out` sees them until they are exported. */
tn_error *tn_make_export_types(tn_maker *m);
tn_error *tn_make_exports(tn_maker *m);

/* ---- the entry, componentize.c -------------------------------------------------------------------------- */

tn_error *tn_make_component(tn_buffer *out, tn_str module, const tn_componentize_options *options);

#endif
