/* How a linker keeps its definitions; for src/link/ only. */
#ifndef TN_LINK_LINKER_INTERNAL_H
#define TN_LINK_LINKER_INTERNAL_H

#include <stdatomic.h>

#include "base/vec.h"
#include "link/compiled.h"
#include "link/linker.h"

/* A function or resource that the embedder defined one by one. Strings are owned by the linker's arena. */
typedef struct tn_linker_func {
  tn_str name;
  tn_str signature;
  tn_host_func func;
  void *data;
} tn_linker_func;

typedef struct tn_linker_resource {
  tn_str name;
  tn_drop_func drop;
  void *data;
} tn_linker_resource;

/* All definitions of one interface: static tables and single ones. */
typedef struct tn_linker_table {
  const tn_host_interface *interface;
  void *data;
} tn_linker_table;

typedef struct tn_linker_interface {
  tn_str name;
  TN_VEC(tn_linker_table) tables;
  TN_VEC(tn_str) types; /* WIT texts */
  TN_VEC(tn_linker_resource) resources;
  TN_VEC(tn_linker_func) funcs;
} tn_linker_interface;

typedef struct tn_linker_core {
  tn_str module;
  const tn_host_core_func *funcs;
  size_t count;
  void *data;
} tn_linker_core;

typedef struct tn_linker_interceptor {
  const struct tn_interceptor *interceptor;
  void *data;
} tn_linker_interceptor;

/* A component whose exports may meet the imports of what is linked, and of each other. */
typedef struct tn_linker_component {
  const tn_compiled *compiled;
  tn_str name;                  /* for messages and paths; .data == NULL: the file's */
  const tn_wasi_config *rights; /* NULL: none */
  tn_release_func release;      /* ends `owner` with the linker */
  void *owner;
} tn_linker_component;

/* Only grows. Not changed while linking, so that threads may share it then. */
struct tn_linker {
  atomic_uint references;
  tn_arena arena;
  TN_VEC(tn_linker_interface *) interfaces;
  TN_VEC(tn_linker_core) cores;
  TN_VEC(tn_linker_interceptor) interceptors; /* innermost first */
  TN_VEC(tn_linker_component) components;     /* in order: earlier ones go first */
};

/* The interface that serves an import of this name by semantic version, or NULL. */
tn_linker_interface *tn_linker_find(const tn_linker *linker, tn_str name);

#endif
