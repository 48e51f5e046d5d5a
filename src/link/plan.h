/* A plan: a component with all its imports resolved and its nested components flattened into one straight
 * list of steps. Making an instance is walking that list. Immutable and shared between threads. */
#ifndef TN_LINK_PLAN_H
#define TN_LINK_PLAN_H

#include "canon/canon.h"
#include "engine/engine.h"
#include "link/compiled.h"
#include "link/linker.h"

/* Where a core definition comes from at run time. */
typedef enum tn_core_source_kind {
  TN_SOURCE_EXPORT,  /* export `name` of core instance `slot` */
  TN_SOURCE_LOWERED, /* a lowered component function or built-in */
  TN_SOURCE_HOST,    /* a core host function (preview 1) */
} tn_core_source_kind;

/* The compiled form of a lowered function: export `name` of core instance `slot`. -1: there is none, or (as long as
 * the plan is being made and `is_waiting`) not yet. */
typedef struct tn_plan_adapter {
  int32_t slot;
  bool is_waiting;
  tn_str name;
} tn_plan_adapter;

typedef struct tn_core_source {
  tn_core_source_kind kind;
  uint32_t slot;
  tn_str name;
  const tn_lowered *lowered;
  const tn_plan_adapter *adapter; /* LOWERED: takes its place where it exists; may be NULL */
  tn_host_import host;
  /* LOWERED and HOST, in steps that are not resolved in advance: in the plan's host_funcs */
  uint32_t number;
} tn_core_source;

/* The host function behind a source of kind LOWERED or HOST. */
static inline tn_host_import tn_core_source_host(const tn_core_source *source) {
  if (source->kind == TN_SOURCE_HOST) return source->host;
  return (tn_host_import){tn_lowered_type(source->lowered), tn_lowered_entry(source->lowered),
                          (void *)source->lowered};
}

typedef enum tn_step_kind {
  TN_STEP_INSTANTIATE, /* module with `sources` as imports -> core instance `slot` */
  TN_STEP_TAKE_FUNC,   /* source -> runtime.funcs[slot] */
  TN_STEP_TAKE_MEMORY, /* source -> runtime.memories[slot] */
  TN_STEP_ADAPT,       /* as INSTANTIATE for an adapter module, without which the plan works too */
  TN_STEP_START,       /* calls the source, a function without parameters and results */
  TN_STEP_TAKE_FLAGS,  /* the instances' flags move to memory "flags" of core instance `slot` */
} tn_step_kind;

typedef struct tn_step {
  tn_step_kind kind;
  uint32_t slot;
  uint32_t instance; /* INSTANTIATE: the component instance in which its start function runs */
  const tn_module *module;
  const tn_core_module *ast; /* of the module; NULL: an adapter */
  tn_str adapter;            /* ADAPT: the module's bytes */
  tn_module_pre *pre;        /* not NULL: all imports are host functions, resolved in advance */
  uint32_t source_count;
  const tn_core_source *sources;
} tn_step;

/* An exported function: lifted, or a host function that the component hands on. */
typedef struct tn_plan_export {
  tn_str name; /* "f" or "ns:pkg/interface@version#f" */
  const tn_func_type *type;
  const tn_lifted *lifted; /* NULL: `host` */
  tn_host_func host;
  void *host_data;
} tn_plan_export;

typedef struct tn_plan_instance {
  uint32_t parent;
  tn_str path;
  uint32_t rights; /* whose: index into the plan's; 0: those of the instance that is made */
  bool uses_tasks; /* its component may depend on the task that it runs in */
  /* its core functions can reach anything but each other, resource.new and resource.rep */
  bool calls_out;
  /* its component has realloc or post-return functions, from which no call may leave */
  bool forbids_leaving;
} tn_plan_instance;

/* Invariants: instances[0] is the embedder, instances[1] the root, which holds all others; the last file is what was
 * linked, those before it are the components that it needs. */
typedef struct tn_plan {
  tn_core_engine *engine;
  const tn_compiled *compiled; /* what was linked */
  uint32_t file_count;
  const tn_compiled **files;
  uint32_t rights_count;
  /* of the components of the linker, by tn_plan_instance.rights; [0] is NULL */
  const tn_wasi_config **rights;
  tn_compiled adapters; /* those between several files; else they are `compiled`'s own */
  tn_linker *linker;    /* a reference */
  tn_arena arena;
  uint32_t step_count;
  const tn_step *steps;
  uint32_t func_slots;
  uint32_t memory_slots;
  uint32_t core_instance_slots;
  uint32_t adapter_count; /* core instances that are adapters */
  uint32_t instance_count;
  const tn_plan_instance *instances;
  uint32_t export_count;
  const tn_plan_export *exports;
  /* for the steps that are not resolved in advance; NULL: they need none */
  tn_host_funcs *host_funcs;
} tn_plan;

/* Resolves a loaded file against a linker. `compiled` must outlive the plan, as must the data of the linker's
 * host functions. Adapters between files are compiled here, or found in the cache (NULL: there is none).
 * Errors: LINK (what is missing or differs, with its full path), UNSUPPORTED. */
tn_error *tn_plan_make(const tn_compiled *compiled, tn_linker *linker, const char *cache_directory,
                       tn_plan *out);
void tn_plan_free(tn_plan *plan);
/* Makes a plan without a host and throws it away, for the adapter modules that linking will ask for: adds their
 * bytes to `out`, in `arena`, each once. `linker`: whose components take part; NULL: none. None when it fails for whatever
 * other reason than lack of memory. */
tn_error *tn_plan_rehearse(const tn_compiled *compiled, const tn_linker *linker, tn_arena *arena,
                           tn_str **out, uint32_t *count);

#endif
