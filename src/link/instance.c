#include "link/instance.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

/* The arrays of a runtime lie in one block, so that making and ending an instance is one allocation. */
typedef struct block_layout {
  size_t instances;
  size_t funcs;
  size_t memories;
  size_t core_instances;
  size_t total;
} block_layout;

static size_t place(size_t *end, size_t count, size_t size) {
  size_t start = (*end + 15) & ~(size_t)15;
  *end = start + count * size;
  return start;
}

static block_layout layout_block(const tn_plan *plan) {
  block_layout layout = {0};
  layout.instances = place(&layout.total, plan->instance_count, sizeof(tn_component_instance));
  layout.funcs = place(&layout.total, plan->func_slots, sizeof(tn_core_func));
  layout.memories = place(&layout.total, plan->memory_slots, sizeof(tn_core_memory));
  layout.core_instances = place(&layout.total, plan->core_instance_slots, sizeof(tn_core_instance));
  return layout;
}

/* Everything that one walk needs. */
typedef struct walk {
  const tn_plan *plan;
  tn_runtime *runtime;
  tn_core_instance *core_instances;
} walk;

static tn_error *fetch_source(const walk *w, const tn_core_source *source, tn_core_extern *out) {
  tn_core_context *context = w->runtime->context;
  if (source->kind == TN_SOURCE_EXPORT) {
    if (tn_core_instance_export(context, &w->core_instances[source->slot], source->name, out)) return NULL;
    return tn_error_new(TN_ERROR_INTERNAL, "core instance %u has no export \"%" TN_STR_FORMAT "\"", source->slot,
                        TN_STR_ARG(source->name));
  }
  tn_host_import host = tn_core_source_host(source);
  tn_core_func func;
  TN_TRY(tn_core_func_new(context, host.type, host.func, host.environment, &func));
  *out = tn_core_extern_of_func(func);
  return NULL;
}

static tn_error *instantiate_with(const walk *w, const tn_step *step, tn_core_extern *imports) {
  for (uint32_t i = 0; i < step->source_count; i++) {
    TN_TRY(fetch_source(w, &step->sources[i], &imports[i]));
  }
  return tn_core_instantiate(w->runtime->context, step->module, imports, step->source_count,
                             &w->core_instances[step->slot]);
}

static tn_error *instantiate(const walk *w, const tn_step *step) {
  if (step->pre != NULL) {
    return tn_module_pre_instantiate(w->runtime->context, step->pre, &w->core_instances[step->slot]);
  }
  enum { ON_STACK = 32 };
  tn_core_extern few[ON_STACK];
  if (step->source_count <= ON_STACK) return instantiate_with(w, step, few);
  tn_core_extern *many = tn_calloc(step->source_count, sizeof *many);
  if (many == NULL) return tn_error_no_memory();
  tn_error *error = instantiate_with(w, step, many);
  tn_free(many);
  return error;
}

/* A start function runs as a task of its component instance. */
static tn_error *instantiate_as_task(const walk *w, const tn_step *step) {
  tn_task task = {.caller = w->runtime->task, .instance = step->instance};
  w->runtime->task = &task;
  tn_error *error = instantiate(w, step);
  w->runtime->task = task.caller;
  if (error == NULL) return NULL;
  return tn_error_wrap(error, "while instantiating a core module of component %" TN_STR_FORMAT,
                       TN_STR_ARG(w->runtime->instances[step->instance].path));
}

static tn_error *take_func(const walk *w, const tn_step *step) {
  tn_core_extern found;
  TN_TRY(fetch_source(w, step->sources, &found));
  w->runtime->funcs[step->slot] = found.func;
  return NULL;
}

static tn_error *take_memory(const walk *w, const tn_step *step) {
  tn_core_extern found;
  TN_TRY(fetch_source(w, step->sources, &found));
  w->runtime->memories[step->slot] = found.memory;
  return NULL;
}

static tn_error *walk_steps(const walk *w) {
  for (uint32_t i = 0; i < w->plan->step_count; i++) {
    const tn_step *step = &w->plan->steps[i];
    switch (step->kind) {
    case TN_STEP_INSTANTIATE: TN_TRY(instantiate_as_task(w, step)); break;
    case TN_STEP_TAKE_FUNC: TN_TRY(take_func(w, step)); break;
    case TN_STEP_TAKE_MEMORY: TN_TRY(take_memory(w, step)); break;
    }
  }
  return NULL;
}

tn_error *tn_plan_instantiate(const tn_plan *plan, const tn_store_limits *limits, tn_epoch_func epoch, void *epoch_data,
                              tn_plan_instantiated *out) {
  tn_runtime *runtime = &out->runtime;
  block_layout layout = layout_block(plan);
  char *block = tn_calloc(1, layout.total);
  if (block == NULL) return tn_error_no_memory();
  out->block = block;
  runtime->instances = (tn_component_instance *)(block + layout.instances);
  runtime->instance_count = plan->instance_count;
  runtime->funcs = (tn_core_func *)(block + layout.funcs);
  runtime->memories = (tn_core_memory *)(block + layout.memories);
  for (uint32_t i = 0; i < plan->instance_count; i++) {
    runtime->instances[i] = (tn_component_instance){.parent = plan->instances[i].parent,
                                                    .path = plan->instances[i].path,
                                                    .flags = &flags[i]};
    flags[i] = (tn_instance_flags){.may_enter = true, .may_leave = true};
  }
  tn_error *error = tn_store_new(plan->engine, limits, runtime, &runtime->store);
  if (error == NULL) {
    runtime->context = tn_store_context(runtime->store);
    if (epoch != NULL) tn_store_on_epoch(runtime->store, epoch, epoch_data);
    walk w = {plan, runtime, (tn_core_instance *)(block + layout.core_instances)};
    error = walk_steps(&w);
  }
  if (error != NULL) tn_plan_instantiated_free(out);
  return error;
}

void tn_plan_instantiated_free(tn_plan_instantiated *instantiated) {
  tn_runtime *runtime = &instantiated->runtime;
  for (uint32_t i = 0; runtime->instances != NULL && i < runtime->instance_count; i++) {
    tn_handle_table_free(&runtime->instances[i].handles);
  }
  tn_runtime_release(runtime);
  tn_store_delete(runtime->store);
  runtime->store = NULL;
  tn_free(instantiated->block);
  instantiated->block = NULL;
  runtime->instances = NULL;
}
