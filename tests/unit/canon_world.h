/* A small world for the tests of src/canon/: an engine, a store, a runtime whose slots are filled by hand, and
 * guests written as text. */
#ifndef TN_CANON_WORLD_H
#define TN_CANON_WORLD_H

#include <stdio.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "canon/canon.h"
#include "canon/transfer.h"
#include "engine_test.h"
#include "wit/wit.h"

enum { WORLD_INSTANCES = 6, WORLD_SLOTS = 32, WORLD_RESOURCES = 4 };

typedef struct world {
  tn_core_engine *engine;
  tn_arena arena;
  tn_wit_scope scope;
  tn_resource resources[WORLD_RESOURCES];
  uint32_t resource_count;
  tn_runtime runtime;
  tn_component_instance instances[WORLD_INSTANCES];
  tn_instance_flags flags[WORLD_INSTANCES];
  tn_core_func funcs[WORLD_SLOTS];
  tn_core_memory memories[WORLD_SLOTS];
  int32_t func_count;
  int32_t memory_count;
  tn_module *modules[WORLD_SLOTS];
  uint32_t module_count;
} world;

static tn_error *world_resource(void *data, tn_str name, const tn_resource **out) {
  world *w = data;
  assert_true(w->resource_count < WORLD_RESOURCES);
  tn_resource *resource = &w->resources[w->resource_count++];
  *resource = (tn_resource){.name = name, .destructor = -1};
  *out = resource;
  return NULL;
}

/* A fresh store and runtime. Instances: 0 the embedder, 1 the root, 2.. its children. */
static inline void world_reset(world *w) {
  if (w->runtime.store != NULL) {
    for (uint32_t i = 0; i < WORLD_INSTANCES; i++)
      tn_handle_table_free(&w->instances[i].handles);
    tn_runtime_release(&w->runtime);
    tn_store_delete(w->runtime.store);
  }
  w->runtime = (tn_runtime){.instances = w->instances,
                            .instance_count = WORLD_INSTANCES,
                            .funcs = w->funcs,
                            .memories = w->memories,
                            .max_handles = 1000000,
                            .max_transfer_bytes = 1 << 30};
  for (uint32_t i = 0; i < WORLD_INSTANCES; i++) {
    w->flags[i] = (tn_instance_flags){.may_enter = true, .may_leave = true};
    w->instances[i] = (tn_component_instance){
        .parent = i < 2 ? UINT32_MAX : 1, .flags = &w->flags[i], .path = TN_STR("root/child")};
  }
  w->func_count = w->memory_count = 0;
  w->runtime.store = test_store(w->engine, &w->runtime);
  w->runtime.context = tn_store_context(w->runtime.store);
}

static inline void world_start(world *w) {
  memset(w, 0, sizeof *w);
  tn_engine_options options = test_options();
  w->engine = test_engine(&options);
  w->scope = (tn_wit_scope){.arena = &w->arena, .resource = world_resource, .data = w};
  world_reset(w);
}

static inline void world_end(world *w) {
  for (uint32_t i = 0; i < WORLD_INSTANCES; i++)
    tn_handle_table_free(&w->instances[i].handles);
  tn_runtime_release(&w->runtime);
  tn_store_delete(w->runtime.store);
  for (uint32_t i = 0; i < w->module_count; i++)
    tn_module_delete(w->modules[i]);
  tn_core_engine_delete(w->engine);
  tn_arena_free(&w->arena);
}

static inline const tn_type *world_type(world *w, const char *wit) {
  const tn_type *type = NULL;
  assert_ok(tn_wit_parse_type(&w->scope, tn_str_from(wit), &type));
  return type;
}

static inline const tn_func_type *world_func_type(world *w, const char *wit) {
  const tn_func_type *type = NULL;
  assert_ok(tn_wit_parse_func(&w->scope, tn_str_from(wit), &type));
  return type;
}

static inline tn_core_extern world_func_extern(tn_core_func func) {
  return (tn_core_extern){.kind = 0 /* the engine's number for functions */, .func = func};
}

/* Instantiates a guest; each lowered function is imported in order. */
static inline tn_core_instance world_guest(world *w, const char *text, tn_lowered *const *imports,
                                           size_t count) {
  assert_true(w->module_count < WORLD_SLOTS);
  tn_module *module = test_module(w->engine, text);
  w->modules[w->module_count++] = module;
  tn_core_extern externs[8];
  assert_true(count <= 8);
  for (size_t i = 0; i < count; i++) {
    tn_core_func func;
    assert_ok(tn_core_func_new(w->runtime.context, tn_lowered_type(imports[i]),
                               tn_lowered_entry(imports[i]), imports[i], &func));
    externs[i] = world_func_extern(func);
  }
  tn_core_instance instance;
  assert_ok(tn_core_instantiate(w->runtime.context, module, externs, count, &instance));
  return instance;
}

static inline int32_t world_func(world *w, const tn_core_instance *instance, const char *name) {
  assert_true(w->func_count < WORLD_SLOTS);
  w->funcs[w->func_count] = test_func(w->runtime.context, instance, name);
  return w->func_count++;
}

static inline int32_t world_memory(world *w, const tn_core_instance *instance) {
  tn_core_extern item;
  assert_true(tn_core_instance_export(w->runtime.context, instance, TN_STR("mem"), &item));
  assert_true(w->memory_count < WORLD_SLOTS);
  w->memories[w->memory_count] = item.memory;
  return w->memory_count++;
}

static inline tn_canon_options world_no_options(uint32_t instance) {
  return (tn_canon_options){
      .instance = instance, .memory = -1, .realloc = -1, .post_return = -1, .callback = -1};
}

/* Options for a guest that will export "mem" and "realloc": their slots are taken in advance, and filled by
 * world_bind. */
static inline tn_canon_options world_options(world *w, uint32_t instance) {
  tn_canon_options options = world_no_options(instance);
  options.memory = w->memory_count++;
  options.realloc = w->func_count++;
  return options;
}

static inline void world_bind(world *w, const tn_canon_options *options,
                              const tn_core_instance *instance) {
  tn_core_extern item;
  assert_true(tn_core_instance_export(w->runtime.context, instance, TN_STR("mem"), &item));
  w->memories[options->memory] = item.memory;
  w->funcs[options->realloc] = test_func(w->runtime.context, instance, "realloc");
}

static inline tn_lifted *world_lift(world *w, const char *wit, const tn_canon_options *options,
                                    int32_t callee) {
  tn_lifted *lifted = NULL;
  assert_ok(tn_canon_lift(&w->arena, world_func_type(w, wit), options, callee, &lifted));
  return lifted;
}

static inline tn_lowered *world_lower_host(world *w, const char *wit,
                                           const tn_canon_options *options, tn_host_func func,
                                           void *data) {
  tn_lowered *lowered = NULL;
  assert_ok(tn_canon_lower_host(&w->arena, TN_STR("test:host/f"), world_func_type(w, wit), options,
                                func, data, &lowered));
  return lowered;
}

static inline tn_lowered *world_fuse(world *w, const tn_canon_options *options,
                                     const tn_lifted *callee) {
  tn_lowered *lowered = NULL;
  assert_ok(tn_canon_lower_lifted(&w->arena, TN_STR("test:guest/f"), tn_lifted_type(callee),
                                  options, callee, &lowered));
  return lowered;
}

static inline uint8_t *world_memory_at(world *w, const tn_canon_options *options, uint64_t offset) {
  return tn_core_memory_base(w->runtime.context, &w->memories[options->memory]) + offset;
}

/* A memory and an allocator that never frees, and grows the memory when it must. */
#define WORLD_ALLOCATOR(P)                                                                         \
  "(memory (export \"mem\") " P " 1)\n"                                                            \
  "(global $next (mut " P ") (" P ".const 4096))\n"                                                \
  "(func $realloc (export \"realloc\") (param $old " P ") (param $osize " P ") (param $align " P   \
  ") (param $nsize " P ") (result " P ")\n"                                                        \
  "  (local $at " P ")\n"                                                                          \
  "  (local.set $at (" P ".and (" P ".sub (" P ".add (global.get $next) (local.get $align)) (" P   \
  ".const 1)) (" P ".sub (" P ".const 0) (local.get $align))))\n"                                  \
  "  (global.set $next (" P ".add (local.get $at) (local.get $nsize)))\n"                          \
  "  (block $ok (br_if $ok (" P ".le_u (global.get $next) (" P ".mul (memory.size) (" P            \
  ".const 65536))))\n"                                                                             \
  "    (br_if $ok (" P ".ne (" P ".const -1) (memory.grow (" P ".add (" P                          \
  ".div_u (local.get $nsize) (" P ".const 65536)) (" P ".const 1))))) unreachable)\n"              \
  "  (memory.copy (local.get $at) (local.get $old) (select (local.get $osize) (local.get $nsize) " \
  "(" P ".lt_u (local.get $osize) (local.get $nsize))))\n"                                         \
  "  (local.get $at))\n"

#endif
