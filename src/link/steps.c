/* The plan's steps, and the slots of the runtime's arrays. */
#include "base/error.h"
#include "link/scope.h"

tn_error *tn_link_add_step(tn_linking *linking, tn_step step) {
  if (linking->steps.len >= TN_MAX_PLAN_STEPS) {
    return tn_error_new(TN_ERROR_LIMIT, "the component needs more than %d instantiation steps",
                        TN_MAX_PLAN_STEPS);
  }
  tn_step *place = TN_VEC_PUSH(linking->arena, &linking->steps);
  if (place == NULL) return tn_error_no_memory();
  *place = step;
  return NULL;
}

/* Where the slots of the exports of a core instance are noted, by name: an instance's functions and memories have
 * different ones. NULL: out of memory. */
static tn_map *taken_of(tn_linking *linking, uint32_t core_instance) {
  while (linking->taken.len <= core_instance)
    if (TN_VEC_PUSH(linking->arena, &linking->taken) == NULL) return NULL;
  return &linking->taken.items[core_instance];
}

/* *slot: what holds `source` already, or -1. A component's options name the same memory and realloc again and again; what
 * is no export is rarely named twice, and has a slot each time. */
static tn_error *find_slot(tn_linking *linking, const tn_core_source *source, int32_t *slot) {
  *slot = -1;
  if (source->kind != TN_SOURCE_EXPORT) return NULL;
  const tn_map *taken = taken_of(linking, source->slot);
  if (taken == NULL) return tn_error_no_memory();
  *slot = (int32_t)(uintptr_t)tn_map_get(taken, source->name) - 1;
  return NULL;
}

static tn_error *note_slot(tn_linking *linking, const tn_core_source *source, int32_t slot) {
  if (source->kind != TN_SOURCE_EXPORT) return NULL;
  tn_map *taken = taken_of(linking, source->slot);
  bool is_noted = taken != NULL &&
                  tn_map_put(linking->arena, taken, source->name, (void *)((uintptr_t)slot + 1));
  return is_noted ? NULL : tn_error_no_memory();
}

static tn_error *copy_source(tn_linking *linking, const tn_core_source *source,
                             const tn_core_source **out) {
  tn_core_source *copy = TN_ARENA_NEW(linking->arena, tn_core_source);
  if (copy == NULL) return tn_error_no_memory();
  *copy = *source;
  *out = copy;
  return NULL;
}

tn_error *tn_link_take_func(tn_linking *linking, const tn_core_source *source, int32_t *slot) {
  TN_TRY(find_slot(linking, source, slot));
  if (*slot >= 0) return NULL;
  TN_TRY(tn_link_await_adapters(linking, source, 1));
  *slot = (int32_t)linking->func_sources.len;
  tn_core_source *place = TN_VEC_PUSH(linking->arena, &linking->func_sources);
  if (place == NULL) return tn_error_no_memory();
  *place = *source;
  TN_TRY(note_slot(linking, source, *slot));
  tn_step step = {.kind = TN_STEP_TAKE_FUNC, .slot = (uint32_t)*slot, .source_count = 1};
  TN_TRY(copy_source(linking, source, &step.sources));
  return tn_link_add_step(linking, step);
}

tn_error *tn_link_take_memory(tn_linking *linking, const tn_core_source *source, int32_t *slot) {
  TN_TRY(find_slot(linking, source, slot));
  if (*slot >= 0) return NULL;
  *slot = (int32_t)linking->memory_sources.len;
  tn_core_source *place = TN_VEC_PUSH(linking->arena, &linking->memory_sources);
  if (place == NULL) return tn_error_no_memory();
  *place = *source;
  TN_TRY(note_slot(linking, source, *slot));
  tn_step step = {.kind = TN_STEP_TAKE_MEMORY, .slot = (uint32_t)*slot, .source_count = 1};
  TN_TRY(copy_source(linking, source, &step.sources));
  return tn_link_add_step(linking, step);
}

static bool is_host(const tn_core_source *source) {
  bool is_adapted = source->adapter != NULL && source->adapter->slot >= 0;
  return source->kind != TN_SOURCE_EXPORT && !is_adapted;
}

tn_error *tn_link_resolve_in_advance(tn_linking *linking, tn_step *step) {
  if (linking->is_rehearsal) return NULL;
  for (uint32_t i = 0; i < step->source_count; i++) {
    if (!is_host(&step->sources[i])) return NULL;
  }
  tn_host_import *imports = TN_ARENA_ARRAY(linking->arena, tn_host_import, step->source_count);
  if (imports == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < step->source_count; i++)
    imports[i] = tn_core_source_host(&step->sources[i]);
  return tn_module_pre_new(linking->engine, step->module, imports, step->source_count, &step->pre);
}

tn_error *tn_link_instantiate_module(tn_linking *linking, const tn_compiled *compiled,
                                     const tn_core_module *module, uint32_t instance,
                                     const tn_core_source *sources, uint32_t *slot) {
  TN_TRY(tn_link_await_adapters(linking, sources, module->import_count));
  *slot = linking->core_instance_slots++;
  tn_step step = {.kind = TN_STEP_INSTANTIATE,
                  .slot = *slot,
                  .instance = instance,
                  .module = compiled->modules[tn_compiled_module_index(compiled, module)],
                  .ast = module,
                  .source_count = module->import_count,
                  .sources = sources};
  TN_TRY(tn_link_resolve_in_advance(linking, &step));
  tn_error *error = tn_link_add_step(linking, step);
  if (error != NULL) tn_module_pre_delete(step.pre);
  return error;
}
