/* The public objects, as src/api/ keeps them. Shared ones are counted: each holds a reference to what it was
 * made from. */
#ifndef TN_API_API_H
#define TN_API_API_H

#include <stdatomic.h>

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
  tn_loop *loop;
  tn_wasi *wasi;
  tn_func *funcs; /* one for each export of the plan */
  void *user;
  bool holds_ticker;
};

/* Memory for values: an arena behind a public name. */
struct tn_values {
  tn_arena arena;
};

#endif
