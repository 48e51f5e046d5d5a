/* A guest of WASI for the tests of src/wasi/. A test's body runs as a host function that a core function has
 * called, and so has a genuine tn_call; in it, it calls the functions of a host interface as the canonical ABI
 * does, with native parameters and results, which stay valid until the body returns. */
#ifndef TN_WASI_GUEST_H
#define TN_WASI_GUEST_H

#include "canon_world.h"
#include "link/linker.h"
#include "loop/loop.h"
#include "wasi/wasi.h"

typedef struct guest {
  world world;
  tn_loop *loop;
  tn_guest guest;
  tn_wasi *wasi;
  tn_call *call;
  tn_core_func run; /* calls `body` */
  tn_canon_options options;
  int32_t realloc_calls;
  void (*body)(void **state);
} guest;

/* The realloc counts its calls, so that a test sees what was reserved. */
static const char guest_text[] =
    "(module (memory (export \"mem\") 64) (global $next (mut i32) (i32.const 64))"
    " (global $calls (mut i32) (i32.const 0))"
    " (func (export \"realloc\") (param i32 i32 i32 i32) (result i32)"
    "  (global.set $calls (i32.add (global.get $calls) (i32.const 1)))"
    "  (global.get $next) (global.set $next (i32.add (global.get $next) (local.get 3))))"
    " (func (export \"calls\") (result i32) (global.get $calls)))";

/* Its result is never filled in, but lets the body reserve memory. */
static inline tn_error *guest_body(tn_call *call, void *data, const void *params, void *result) {
  (void)params, (void)result;
  guest *g = data;
  g->call = call;
  g->body(NULL);
  return NULL;
}

static inline void guest_start(guest *g, const tn_wasi_config *config) {
  memset(g, 0, sizeof *g);
  world_start(&g->world);
  assert_ok(tn_loop_new(&g->loop));
  tn_guest_init(&g->guest, g->loop);
  assert_ok(tn_wasi_new(config, &g->guest, &g->wasi));
  g->world.runtime.states[TN_STATE_WASI] = g->wasi;
  tn_core_instance instance = world_guest(&g->world, guest_text, NULL, 0);
  g->options = world_options(&g->world, 1);
  world_bind(&g->world, &g->options, &instance);
  g->realloc_calls = world_func(&g->world, &instance, "calls");
  tn_lowered *lowered;
  assert_ok(tn_canon_lower_host(&g->world.arena, TN_STR("test"),
                                world_func_type(&g->world, "func() -> list<u8>"), &g->options,
                                guest_body, g, &lowered));
  assert_ok(tn_core_func_new(g->world.runtime.context, tn_lowered_type(lowered),
                             tn_lowered_entry(lowered), lowered, &g->run));
}

static inline void guest_end(guest *g) {
  tn_wasi_delete(g->wasi);
  tn_guest_free(&g->guest);
  tn_loop_delete(g->loop);
  world_end(&g->world);
}

/* Runs a test's body as described above. */
static inline void guest_run(guest *g, void (*body)(void **state)) {
  tn_core_value room = {0};
  g->body = body;
  assert_ok(tn_core_call(g->world.runtime.context, &g->run, &room, 1));
}

/* How many times the guest's realloc has been called. */
static inline int guest_realloc_calls(guest *g) {
  tn_core_value value = {0};
  assert_ok(tn_core_call(g->world.runtime.context, &g->world.funcs[g->realloc_calls], &value, 1));
  return value.i32;
}

/* Whether the bytes lie in the guest's memory. */
static inline bool guest_owns(guest *g, const void *bytes) {
  tn_core_memory *memory = &g->world.memories[g->options.memory];
  const uint8_t *base = tn_core_memory_base(g->world.runtime.context, memory);
  const uint8_t *at = bytes;
  return at >= base && at < base + tn_core_memory_size(g->world.runtime.context, memory);
}

static inline const tn_host_func_definition *guest_find(const tn_host_interface *interface,
                                                        const char *name) {
  for (size_t i = 0; i < interface->func_count; i++) {
    if (strcmp(interface->funcs[i].name, name) == 0) return &interface->funcs[i];
  }
  fail_msg("%s has no %s", interface->name, name);
  return NULL;
}

static inline tn_error *guest_call(guest *g, const tn_host_interface *interface, void *data,
                                   const char *name, const void *params, void *result) {
  return guest_find(interface, name)->func(g->call, data, params, result);
}

/* The error: what is dropped must not be, yet. */
static inline tn_error *guest_try_drop(guest *g, const tn_host_interface *interface, void *data,
                                       const char *name, uint32_t representation) {
  for (size_t i = 0; i < interface->resource_count; i++) {
    if (strcmp(interface->resources[i].name, name) != 0) continue;
    tn_runtime *runtime = &g->world.runtime;
    interface->resources[i].drop(runtime, data, representation);
    tn_error *error = runtime->drop_error;
    runtime->drop_error = NULL;
    return error;
  }
  fail_msg("%s has no %s", interface->name, name);
  return NULL;
}

static inline void guest_drop(guest *g, const tn_host_interface *interface, void *data,
                              const char *name, uint32_t representation) {
  assert_ok(guest_try_drop(g, interface, data, name, representation));
}

#endif
