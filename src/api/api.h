/* The public objects, as src/api/ keeps them. Shared ones are counted: each holds a reference to what it was
 * made from. */
#ifndef TN_API_API_H
#define TN_API_API_H

#include <stdatomic.h>

#include "base/stack.h"
#include "engine/engine.h"
#include "link/compiled.h"
#include "link/instance.h"
#include "link/plan.h"
#include "loop/loop.h"
#include "tenon.h"
#include "wasi/wasi.h"

struct tn_engine {
  atomic_uint references;
  tn_core_engine *core;
  char *cache_directory; /* NULL: no cache */
  bool consume_fuel;
  bool epoch_interruption;
};

tn_engine *tn_engine_retain(tn_engine *engine);

struct tn_component {
  atomic_uint references;
  tn_engine *engine;
  tn_compiled compiled;
};

tn_component *tn_component_retain(const tn_component *component);

struct tn_linked {
  atomic_uint references;
  tn_component *component;
  tn_plan plan;
  tn_restorer *restorer; /* NULL: a guest's store ends with it */
};

struct tn_func {
  tn_instance *instance;
  const tn_plan_export *export_;
};

/* Belongs to one thread. Invariant: `instantiated.runtime.states[TN_STATE_INSTANCE]` is
 * this instance while it lives. */
struct tn_instance {
  tn_linked *linked;
  tn_plan_instantiated instantiated;
  tn_guest guest;
  tn_loop *own_loop; /* NULL: the loop is shared */
  tn_wasi *wasi;
  tn_func *funcs; /* one for each export of the plan */
  void *user;
  /* Called at each tick while the guest computes, on its thread: for what cannot wait for it. An error ends the guest.
   * NULL: nothing. */
  tn_error *(*on_tick)(void *user);
  bool holds_ticker;
  /* what a call may take: the guest's limit, and what host functions may use on top of it */
  size_t stack_bytes;
  tn_stack stack; /* of its own, where the caller's has less; made when it is needed first */
};

/* Whether the guest may be entered on the stack that the caller runs on. */
bool tn_instance_has_stack(const tn_instance *instance);
/* Calls func(argument) on the instance's own stack. An error: there is no memory for it. */
tn_error *tn_instance_on_own_stack(tn_instance *instance, void (*func)(void *argument),
                                   void *argument);

/* As tn_instance_new, on a loop that others use too and that outlives the instance; on the loop's thread. */
tn_error *tn_instance_new_on(const tn_linked *linked, const tn_instance_options *options,
                             tn_loop *loop, tn_instance **out);
/* Ends the guest. What is left can only be deleted or renewed. */
void tn_instance_end(tn_instance *instance);
/* Likewise, but restores the guest's store and keeps it, where the next guest cannot tell: true then. See
 * tn_linked_recycle. All calls of the guest have returned. */
bool tn_instance_retire(tn_instance *instance);
/* Makes it anew, as tn_instance_new_on would, with the memory that it has: allocates next to nothing. It has ended, and
 * has after an error. Its `on_tick` stays. */
tn_error *tn_instance_renew(tn_instance *instance, const tn_instance_options *options);
/* Its place on the loop: for limits, cancellation and tn_loop_spawn. */
static inline tn_guest *tn_instance_guest(tn_instance *instance) {
  return &instance->guest;
}
/* The size of its linear memories, as far as values are passed in them. */
uint64_t tn_instance_memory_bytes(const tn_instance *instance);

/* From now on instances can be retired with their stores: they are restored to what they were right after instantiation,
 * where it can be proven that this is the same as a fresh one (link/restore.h). *is_possible tells whether it may be for
 * this component. Before its first instance. */
tn_error *tn_linked_recycle(tn_linked *linked, bool *is_possible);

/* The index (see tn_instance_func_at) of function `function` in the exported interface `interface` of any version
 * 0.2.x, say "wasi:http/incoming-handler" and "handle"; for all instances of `linked`. SIZE_MAX: there is none. */
size_t tn_linked_find_export(const tn_linked *linked, tn_str interface, tn_str function);

/* Memory for values: an arena behind a public name. */
struct tn_values {
  tn_arena arena;
};

#endif
