/* Adapters (canon/adapter.h): which fused functions get one, and finding them.
 *
 * They are gathered in groups: all functions that were lowered since the last use of one make one module, which
 * is instantiated just before the first of them is needed. The same walk finds them twice: once when the
 * component is compiled, without a host, for their bytes; and each time it is linked. */
#include "base/error.h"
#include "canon/adapter.h"
#include "link/scope.h"

/* Instances multiply, and so do adapters: what is beyond is interpreted. For each file that is linked. */
enum { MAX_ADAPTER_BYTES = 256 * 1024 };

/* ---- which functions ---------------------------------------------------------------------------- */

/* In an adapter the callee's task is the caller's, so that nothing in the callee may depend on its task. */
void tn_link_note_canon(tn_linking *linking, const tn_scope *scope, const tn_ast_canon *canon) {
  bool uses_tasks = canon->kind > TN_CANON_RESOURCE_REP;
  if (canon->kind == TN_CANON_LOWER) uses_tasks = scope->funcs.items[canon->func]->type->is_async;
  for (uint32_t i = 0; i < canon->option_count; i++)
    uses_tasks |= canon->options[i].kind == TN_OPTION_ASYNC;
  bool calls_out = canon->kind != TN_CANON_LIFT && canon->kind != TN_CANON_RESOURCE_NEW &&
                   canon->kind != TN_CANON_RESOURCE_REP;
  linking->instances.items[scope->instance].uses_tasks |= uses_tasks;
  linking->instances.items[scope->instance].calls_out |= calls_out;
}

static uint32_t parent_of(const tn_linking *linking, uint32_t instance) {
  return linking->instances.items[instance].parent;
}

bool tn_link_encloses(const tn_linking *linking, uint32_t outer, uint32_t inner) {
  while (inner != UINT32_MAX && inner != outer)
    inner = parent_of(linking, inner);
  return inner != UINT32_MAX;
}

/* The instances from `callee` up to the first that encloses the caller too. */
static tn_error *list_entered(tn_linking *linking, uint32_t caller, uint32_t callee,
                              tn_adapted *out) {
  uint32_t count = 0;
  for (uint32_t i = callee; i != UINT32_MAX && !tn_link_encloses(linking, i, caller);
       i = parent_of(linking, i))
    count++;
  uint32_t *entered = TN_ARENA_ARRAY(linking->arena, uint32_t, count);
  if (entered == NULL) return tn_error_no_memory();
  for (uint32_t i = 0, instance = callee; i < count; i++, instance = parent_of(linking, instance))
    entered[i] = instance;
  out->entered_count = count;
  out->entered = entered;
  return NULL;
}

tn_error *tn_link_adapt(tn_linking *linking, const tn_lowered *lowered, uint32_t caller,
                        uint32_t callee, tn_core_source *source) {
  if (!linking->is_rehearsal && linking->compiled_adapters->adapter_count == 0) return NULL;
  /* Calls between a component and one that it encloses trap. */
  if (tn_link_encloses(linking, caller, callee) || tn_link_encloses(linking, callee, caller))
    return NULL;
  if (linking->instances.items[callee].uses_tasks || !tn_adapter_covers(lowered)) return NULL;
  tn_plan_adapter *adapter = TN_ARENA_NEW(linking->arena, tn_plan_adapter);
  tn_adapted *adapted = TN_VEC_PUSH(linking->arena, &linking->adapted);
  tn_plan_adapter **place = TN_VEC_PUSH(linking->arena, &linking->adapters);
  if (adapter == NULL || adapted == NULL || place == NULL) return tn_error_no_memory();
  *adapter = (tn_plan_adapter){.slot = -1, .is_waiting = true};
  adapter->name = tn_arena_format(linking->arena, "%u", linking->adapted.len - 1);
  if (adapter->name.data == NULL) return tn_error_no_memory();
  *place = adapter;
  adapted->lowered = lowered;
  source->adapter = adapter;
  return list_entered(linking, caller, callee, adapted);
}

/* ---- groups ------------------------------------------------------------------------------------- */

static tn_core_source import_source(const tn_linking *linking, const tn_adapter_import *import) {
  switch (import->kind) {
  case TN_ADAPTER_IMPORT_FUNC:
    return linking->func_sources.items[import->slot];
  case TN_ADAPTER_IMPORT_MEMORY:
    return linking->memory_sources.items[import->slot];
  case TN_ADAPTER_IMPORT_FLAGS:
    return (tn_core_source){
        .kind = TN_SOURCE_EXPORT, .slot = (uint32_t)linking->flags_slot, .name = TN_STR("flags")};
  case TN_ADAPTER_IMPORT_HOST:
    break;
  }
  return (tn_core_source){.kind = TN_SOURCE_HOST, .host = tn_adapter_host(import->slot)};
}

static tn_error *take_flags(tn_linking *linking, uint32_t slot) {
  linking->flags_slot = (int32_t)slot;
  return tn_link_add_step(linking, (tn_step){.kind = TN_STEP_TAKE_FLAGS, .slot = slot});
}

static tn_error *instantiate_group(tn_linking *linking, const tn_module *module,
                                   const tn_adapter_module *group) {
  tn_core_source *sources = TN_ARENA_ARRAY(linking->arena, tn_core_source, group->import_count);
  if (sources == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < group->import_count; i++)
    sources[i] = import_source(linking, &group->imports[i]);
  uint32_t slot = linking->core_instance_slots++;
  TN_TRY(tn_link_add_step(linking, (tn_step){.kind = TN_STEP_ADAPT,
                                             .slot = slot,
                                             .module = module,
                                             .adapter = group->bytes,
                                             .source_count = group->import_count,
                                             .sources = sources}));
  for (uint32_t i = 0; i < linking->adapters.len; i++)
    linking->adapters.items[i]->slot = (int32_t)slot;
  linking->plan->adapter_count++;
  return linking->flags_slot < 0 ? take_flags(linking, slot) : NULL;
}

/* Keeps the bytes for the component that is being compiled. */
static tn_error *record_group(tn_linking *linking, tn_str bytes) {
  if (bytes.len > (uint64_t)MAX_ADAPTER_BYTES * linking->units.len - linking->adapter_bytes)
    return NULL;
  linking->flags_slot = 0;
  linking->adapter_bytes += bytes.len;
  tn_str *place = TN_VEC_PUSH(linking->arena, &linking->rehearsed);
  if (place == NULL) return tn_error_no_memory();
  *place = bytes;
  return NULL;
}

static tn_error *end_group(tn_linking *linking) {
  tn_adapter_module group;
  TN_TRY(tn_adapter_write(linking->arena, linking->adapted.items, linking->adapted.len,
                          linking->flags_slot < 0, &group));
  if (linking->is_rehearsal) return record_group(linking, group.bytes);
  const tn_module *module = tn_compiled_adapter(linking->compiled_adapters, group.bytes);
  return module == NULL ? NULL : instantiate_group(linking, module, &group);
}

tn_error *tn_link_await_adapters(tn_linking *linking, const tn_core_source *sources,
                                 uint32_t count) {
  bool is_needed = false;
  for (uint32_t i = 0; i < count; i++)
    is_needed |= sources[i].adapter != NULL && sources[i].adapter->is_waiting;
  if (!is_needed) return NULL;
  TN_TRY(end_group(linking));
  for (uint32_t i = 0; i < linking->adapters.len; i++)
    linking->adapters.items[i]->is_waiting = false;
  linking->adapters.len = linking->adapted.len = 0;
  return NULL;
}
