/* The host's side of one linking: looks definitions up in the linker and reads the WIT of the interfaces
 * that are really imported. */
#ifndef TN_LINK_HOST_H
#define TN_LINK_HOST_H

#include "base/vec.h"
#include "link/linker.h"
#include "wit/wit.h"

/* An interface of the linker as used by this linking: its types are read into the plan's arena, and its
 * resources have their identity within the plan. */
typedef struct tn_host_use tn_host_use;

typedef struct tn_host {
  tn_linker *linker;
  tn_arena *arena;
  TN_VEC(tn_host_use *) uses;
} tn_host;

/* The interface that serves an import of this name, or NULL in *out when there is none. */
tn_error *tn_host_find_interface(tn_host *host, tn_str name, tn_host_use **out);
/* The interface's name as the host defined it, with the host's version. */
tn_str tn_host_use_name(const tn_host_use *use);
/* The name of another definition of the same interface whose version is not compatible, for messages; .data
 * is NULL when there is none. */
tn_str tn_host_other_version(const tn_host *host, tn_str name);

/* Likewise, the name of the interface that is spelt most like `name`. */
tn_str tn_host_similar(const tn_host *host, tn_str name);

typedef struct tn_host_found_func {
  const tn_func_type *type;
  tn_host_func func;
  void *data;
} tn_host_found_func;

/* A function of the interface; out->func is NULL when there is none. */
tn_error *tn_host_find_func(tn_host *host, tn_host_use *use, tn_str name, tn_host_found_func *out);
/* A resource type of the interface, its own or one that it uses; NULL in *out when there is none. */
tn_error *tn_host_find_resource(tn_host *host, tn_host_use *use, tn_str name,
                                const tn_resource **out);

/* A type or a resource that the interface declares or uses; NULL: none of that name. */
void tn_host_find_type(const tn_host_use *use, tn_str name, const tn_type **type,
                       const tn_resource **resource);

/* ---- interceptors -------------------------------------------------------------------------------- */

/* Stands between the guests and what the linker defines: gets to see each definition when something that imports it is
 * linked, and may put another function in its place. So it costs nothing where none is set. Functions and data that it
 * puts there live in `arena`, which lives as long as the plan. Any member may be NULL. */
typedef struct tn_interceptor {
  /* A function of an interface ("wasi:clocks/wall-clock@0.2.12", "now"), for lowering. */
  tn_error *(*func)(void *data, tn_arena *arena, tn_str interface, tn_str name,
                    tn_host_found_func *found);
  /* A core function ("wasi_snapshot_preview1", "fd_read"). */
  tn_error *(*core)(void *data, tn_arena *arena, tn_str module, tn_str name, tn_host_import *found);
  /* A resource type: how it is dropped. */
  tn_error *(*resource)(void *data, tn_arena *arena, tn_str interface, tn_resource *resource);
} tn_interceptor;

/* Memory that lives as long as the linker, for what interceptors need. */
tn_arena *tn_linker_arena(tn_linker *linker);
/* Adds one behind (outside) those that are there. `interceptor` and `data` outlive the linker and what is linked. */
tn_error *tn_linker_intercept(tn_linker *linker, const tn_interceptor *interceptor, void *data);

/* A core function for core modules, or NULL; `*type` is made in the arena. */
tn_error *tn_host_find_core(tn_host *host, tn_str module, tn_str name, tn_host_import *out);

#endif
