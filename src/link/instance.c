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
  size_t flags;
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
  layout.flags = place(&layout.total, plan->instance_count, sizeof(tn_instance_flags));
  return layout;
}

/* Host functions that need nothing of the plan, fetched once for all adapters: the engine looks through all modules of
 * the store for each one that comes into it. */
typedef struct common_funcs {
  uint32_t count;
  struct {
    tn_core_host_func entry;
    tn_core_extern func;
  } items[4];
} common_funcs;

/* Everything that one walk needs. */
typedef struct walk {
  const tn_plan *plan;
  tn_runtime *runtime;
  tn_core_instance *core_instances;
  common_funcs *common;
} walk;

/* Not so when an adapter could not be instantiated: its memories have special pages, for example. */
static bool is_there(const walk *w, uint32_t slot) {
  return w->core_instances[slot].store != 0;
}

static bool is_adapted(const walk *w, const tn_core_source *source) {
  return source->adapter != NULL && source->adapter->slot >= 0 &&
         is_there(w, (uint32_t)source->adapter->slot);
}

static tn_error *fetch_export(const walk *w, uint32_t slot, tn_str name, tn_core_extern *out) {
  if (tn_core_instance_export(w->runtime->context, &w->core_instances[slot], name, out))
    return NULL;
  return tn_error_new(TN_ERROR_INTERNAL, "core instance %u has no export \"%" TN_STR_FORMAT "\"",
                      slot, TN_STR_ARG(name));
}

static tn_error *fetch_host_func(const walk *w, const tn_core_source *source, tn_core_extern *out) {
  common_funcs *common = w->common;
  tn_host_import host = tn_core_source_host(source);
  for (uint32_t i = 0; host.environment == NULL && i < common->count; i++) {
    if (common->items[i].entry != host.func) continue;
    *out = common->items[i].func;
    return NULL;
  }
  TN_TRY(tn_host_funcs_get(w->runtime->context, w->plan->host_funcs, source->number, out));
  bool is_kept =
      host.environment == NULL && common->count < sizeof common->items / sizeof *common->items;
  if (!is_kept) return NULL;
  common->items[common->count].entry = host.func;
  common->items[common->count++].func = *out;
  return NULL;
}

static tn_error *fetch_source(const walk *w, const tn_core_source *source, tn_core_extern *out) {
  if (source->kind == TN_SOURCE_EXPORT) return fetch_export(w, source->slot, source->name, out);
  if (is_adapted(w, source))
    return fetch_export(w, (uint32_t)source->adapter->slot, source->adapter->name, out);
  return fetch_host_func(w, source, out);
}

static tn_error *instantiate_with(const walk *w, const tn_step *step, tn_core_extern *imports) {
  for (uint32_t i = 0; i < step->source_count; i++) {
    TN_TRY(fetch_source(w, &step->sources[i], &imports[i]));
  }
  return tn_core_instantiate(w->runtime->context, step->module, imports, step->source_count,
                             &w->core_instances[step->slot]);
}

static tn_error *start(const walk *w, const tn_step *step) {
  tn_core_extern found;
  TN_TRY(fetch_source(w, step->sources, &found));
  tn_core_value none;
  return tn_core_call(w->runtime->context, &found.func, &none, 0);
}

static tn_error *instantiate(const walk *w, const tn_step *step) {
  if (step->kind == TN_STEP_START) return start(w, step);
  if (step->pre != NULL) {
    return tn_module_pre_instantiate(w->runtime->context, step->pre,
                                     &w->core_instances[step->slot]);
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

/* Where it does not work, the functions are interpreted. */
static tn_error *adapt(const walk *w, const tn_step *step) {
  for (uint32_t i = 0; i < step->source_count; i++) {
    const tn_core_source *source = &step->sources[i];
    if (source->kind == TN_SOURCE_EXPORT && !is_there(w, source->slot)) return NULL;
  }
  tn_error *error = instantiate(w, step);
  if (error == NULL || tn_error_get_kind(error) == TN_ERROR_NO_MEMORY) return error;
  tn_error_delete(error);
  w->core_instances[step->slot] = (tn_core_instance){0};
  return NULL;
}

/* The memory has one page for as long as it lives, so that it stays where it is. */
static tn_error *take_flags(const walk *w, const tn_step *step) {
  tn_runtime *runtime = w->runtime;
  tn_core_extern memory;
  if (!is_there(w, step->slot)) return NULL;
  TN_TRY(fetch_export(w, step->slot, TN_STR("flags"), &memory));
  tn_instance_flags *flags =
      (tn_instance_flags *)tn_core_memory_base(runtime->context, &memory.memory);
  for (uint32_t i = 0; i < runtime->instance_count; i++) {
    flags[i] = *runtime->instances[i].flags;
    runtime->instances[i].flags = &flags[i];
  }
  return NULL;
}

static tn_error *walk_steps(const walk *w) {
  for (uint32_t i = 0; i < w->plan->step_count; i++) {
    const tn_step *step = &w->plan->steps[i];
    switch (step->kind) {
    case TN_STEP_INSTANTIATE:
    case TN_STEP_START:
      TN_TRY(instantiate_as_task(w, step));
      break;
    case TN_STEP_TAKE_FUNC:
      TN_TRY(take_func(w, step));
      break;
    case TN_STEP_TAKE_MEMORY:
      TN_TRY(take_memory(w, step));
      break;
    case TN_STEP_ADAPT:
      TN_TRY(adapt(w, step));
      break;
    case TN_STEP_TAKE_FLAGS:
      TN_TRY(take_flags(w, step));
      break;
    }
  }
  return NULL;
}

/* Limits are about what the component has itself. */
static tn_store_limits limits_for(const tn_plan *plan, const tn_store_limits *limits) {
  tn_store_limits all = *limits;
  all.own_instances = plan->adapter_count;
  all.own_memories = plan->adapter_count > 0;
  return all;
}

/* The arrays of the runtime. Sets what stays as it is, however often the plan is instantiated. */
static tn_error *make_block(const tn_plan *plan, const block_layout *layout,
                            tn_plan_instantiated *out) {
  char *block = tn_calloc(1, layout->total);
  if (block == NULL) return tn_error_no_memory();
  tn_runtime *runtime = &out->runtime;
  out->block = block;
  runtime->instances = (tn_component_instance *)(block + layout->instances);
  runtime->instance_count = plan->instance_count;
  runtime->funcs = (tn_core_func *)(block + layout->funcs);
  /* Preview 1 looks at the first one, if there is one. */
  runtime->memories = plan->memory_slots > 0 ? (tn_core_memory *)(block + layout->memories) : NULL;
  for (uint32_t i = 0; i < plan->instance_count; i++) {
    runtime->instances[i].parent = plan->instances[i].parent;
    runtime->instances[i].path = plan->instances[i].path;
  }
  return NULL;
}

static void reset_flags(tn_runtime *runtime, tn_instance_flags *flags) {
  for (uint32_t i = 0; i < runtime->instance_count; i++) {
    runtime->instances[i].flags = &flags[i];
    flags[i] = (tn_instance_flags){.may_enter = true, .may_leave = true};
  }
}

/* What can be told only once it is all there. */
static void take_snapshot(const walk *w, tn_plan_instantiated *out) {
  out->can_restore = out->restorer != NULL &&
                     tn_snapshot_take(out->restorer, w->runtime, w->core_instances, &out->snapshot);
}

static tn_error *instantiate_anew(const tn_plan *plan, const tn_store_limits *limits,
                                  tn_epoch_func epoch, void *epoch_data,
                                  tn_plan_instantiated *out) {
  tn_runtime *runtime = &out->runtime;
  block_layout layout = layout_block(plan);
  if (out->block == NULL) {
    TN_TRY(make_block(plan, &layout, out));
  } else {
    tn_runtime_renew(runtime);
  }
  reset_flags(runtime, (tn_instance_flags *)((char *)out->block + layout.flags));
  tn_store_limits all = limits_for(plan, limits);
  TN_TRY(tn_store_new(plan->engine, &all, runtime, &runtime->store));
  runtime->context = tn_store_context(runtime->store);
  if (epoch != NULL) tn_store_on_epoch(runtime->store, epoch, epoch_data);
  common_funcs common = {0};
  walk w = {plan, runtime, (tn_core_instance *)((char *)out->block + layout.core_instances),
            &common};
  memset(w.core_instances, 0, plan->core_instance_slots * sizeof *w.core_instances);
  TN_TRY(walk_steps(&w));
  out->limits = *limits;
  take_snapshot(&w, out);
  return NULL;
}

/* The flags may lie in a memory of the store, and stay there. */
static tn_error *start_again(const tn_store_limits *limits, tn_plan_instantiated *out) {
  tn_runtime *runtime = &out->runtime;
  tn_runtime_renew(runtime);
  for (uint32_t i = 0; i < runtime->instance_count; i++)
    *runtime->instances[i].flags = (tn_instance_flags){.may_enter = true, .may_leave = true};
  out->is_restored = false;
  return tn_store_renew(runtime->store, limits);
}

static bool has_limits(const tn_plan_instantiated *instantiated, const tn_store_limits *limits) {
  const tn_store_limits *has = &instantiated->limits;
  return has->memory_bytes == limits->memory_bytes &&
         has->table_elements == limits->table_elements && has->instances == limits->instances &&
         has->tables == limits->tables && has->memories == limits->memories &&
         has->counts_memory == limits->counts_memory && has->grows_surely == limits->grows_surely;
}

tn_error *tn_plan_instantiate(const tn_plan *plan, const tn_store_limits *limits,
                              tn_epoch_func epoch, void *epoch_data, tn_plan_instantiated *out) {
  if (out->is_restored && !has_limits(out, limits)) tn_plan_instantiated_end(out);
  tn_error *error = out->is_restored ? start_again(limits, out)
                                     : instantiate_anew(plan, limits, epoch, epoch_data, out);
  if (error != NULL) tn_plan_instantiated_end(out);
  return error;
}

/* Newest first: what was made from something else goes before it. */
static void drop_host_resources(tn_runtime *runtime, tn_handle_table *table) {
  for (uint32_t i = table->len; i-- > 0;) {
    tn_handle handle = table->entries[i];
    bool is_ours = handle.kind == TN_HANDLE_RESOURCE && handle.is_own && handle.resource->is_host;
    if (!is_ours || handle.resource->drop == NULL) continue;
    tn_handle_remove(table, i);
    handle.resource->drop(runtime, handle.resource->data, handle.representation);
  }
}

static void end_guest(tn_runtime *runtime) {
  if (runtime->poisoned == TN_ERROR_NONE)
    runtime->poisoned = TN_ERROR_CANCELLED; /* what `drop` calls must not enter */
  for (uint32_t i = 0; i < runtime->instance_count; i++)
    drop_host_resources(runtime, &runtime->instances[i].handles);
  for (uint32_t i = 0; i < runtime->instance_count; i++)
    tn_handle_table_clear(&runtime->instances[i].handles);
}

void tn_plan_instantiated_end(tn_plan_instantiated *instantiated) {
  tn_runtime *runtime = &instantiated->runtime;
  if (runtime->store == NULL) return;
  end_guest(runtime);
  tn_store_delete(runtime->store);
  runtime->store = NULL;
  instantiated->can_restore = false;
  instantiated->is_restored = false;
}

bool tn_plan_instantiated_retire(tn_plan_instantiated *instantiated) {
  tn_runtime *runtime = &instantiated->runtime;
  if (runtime->store == NULL) return false;
  bool is_sound =
      instantiated->can_restore && runtime->poisoned == TN_ERROR_NONE && runtime->task == NULL;
  if (is_sound) {
    end_guest(runtime);
    instantiated->is_restored =
        tn_snapshot_restore(instantiated->restorer, runtime, instantiated->snapshot);
  }
  if (!instantiated->is_restored) tn_plan_instantiated_end(instantiated);
  return instantiated->is_restored;
}

void tn_plan_instantiated_free(tn_plan_instantiated *instantiated) {
  tn_runtime *runtime = &instantiated->runtime;
  tn_plan_instantiated_end(instantiated);
  for (uint32_t i = 0; runtime->instances != NULL && i < runtime->instance_count; i++)
    tn_handle_table_free(&runtime->instances[i].handles);
  tn_runtime_release(runtime);
  tn_free(instantiated->snapshot);
  instantiated->snapshot = NULL;
  tn_free(instantiated->block);
  instantiated->block = NULL;
  runtime->instances = NULL;
}
