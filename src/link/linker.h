/* The linker: a set of named host definitions that a component's imports are resolved against, once,
 * giving a plan. Set up by one thread, then read-only.
 *
 * Names: an interface is looked up by its full name with semver compatibility: a definition
 * "wasi:io/streams@0.2.12" serves an import "wasi:io/streams@0.2.3" (same compatibility track). The empty
 * interface name holds functions that a component imports directly. */
#ifndef TN_LINK_LINKER_H
#define TN_LINK_LINKER_H

#include "component/type.h"
#include "engine/engine.h"
#include "tenon.h"

/* One more reference, given back with tn_linker_delete: plans point into the linker that made them. */
tn_linker *tn_linker_retain(tn_linker *linker);

/* A function of a host interface. `signature` is WIT: "func(self: borrow<descriptor>, offset: u64) -> …";
 * `name` is the plain extern name: "now", "[method]descriptor.read", "[constructor]fields". */
typedef struct tn_host_func_definition {
  const char *name;
  const char *signature;
  tn_host_func func;
} tn_host_func_definition;

typedef struct tn_host_resource_definition {
  const char *name;
  /* Called when the guest drops its last owning handle. */
  void (*drop)(tn_runtime *runtime, void *data, uint32_t representation);
} tn_host_resource_definition;

/* A host interface as static data. `types` is WIT (see wit.h): use, type, record …, resource. Only what an
 * importing component needs is ever parsed. */
typedef struct tn_host_interface {
  const char *name;  /* "wasi:clocks/wall-clock@0.2.12" */
  const char *types; /* may be NULL */
  const tn_host_resource_definition *resources;
  size_t resource_count;
  const tn_host_func_definition *funcs;
  size_t func_count;
} tn_host_interface;

tn_error *tn_linker_define_interface(tn_linker *linker, const tn_host_interface *interface,
                                     void *data);

/* A core function for core modules (preview 1). `params` and `results` are one letter each: i I f F for
 * i32 i64 f32 f64. The environment of the callback is `data`; context data is the tn_runtime. */
typedef struct tn_host_core_func {
  const char *name;
  const char *params;
  const char *results;
  tn_core_host_func func;
} tn_host_core_func;

/* A component of the same engine to link with, behind those that are there: see tn_linker_add_component. `compiled` lives
 * until the linker calls `release` with `owner`, and `rights` as long as what is linked. */
typedef struct tn_compiled tn_compiled;
typedef void (*tn_release_func)(void *owner);
tn_error *tn_linker_add_compiled(tn_linker *linker, const tn_compiled *compiled, const char *name,
                                 const tn_wasi_config *rights, tn_release_func release,
                                 void *owner);
/* What tn_call_rights gives for calls of that component, the last one added; 0: it was not added. */
uint32_t tn_linker_find_component(const tn_linker *linker, const tn_compiled *compiled);

tn_error *tn_linker_define_core(tn_linker *linker, const char *module,
                                const tn_host_core_func *funcs, size_t count, void *data);

#endif
