#include "link/plan.h"

#include "base/error.h"
#include "link/scope.h"

/* The plan owns what the linking has made, whether it succeeds or not. */
static void hand_over(tn_linking *linking) {
  tn_plan *plan = linking->plan;
  plan->steps = linking->steps.items;
  plan->step_count = linking->steps.len;
  plan->instances = linking->instances.items;
  plan->instance_count = linking->instances.len;
  plan->exports = linking->exports.items;
  plan->export_count = linking->exports.len;
  plan->func_slots = linking->func_sources.len;
  plan->memory_slots = linking->memory_sources.len;
  plan->core_instance_slots = linking->core_instance_slots;
}

static tn_error *link_unit(tn_linking *linking, tn_unit *unit, uint32_t parent, tn_scope **out) {
  tn_scope *scope = TN_ARENA_NEW(linking->arena, tn_scope);
  if (scope == NULL) return tn_error_no_memory();
  TN_TRY(tn_link_add_instance(linking, parent, unit->path, &scope->instance));
  linking->instances.items[scope->instance].rights = unit->rights;
  linking->unit = unit;
  *out = scope;
  scope->compiled = unit->compiled;
  scope->ast = unit->compiled->root;
  if (scope->ast == NULL) return tn_link_core_module(linking, unit->compiled);
  unit->exports = &scope->exports;
  return tn_link_component(linking, scope);
}

static tn_error *number_sources(tn_plan *plan, const tn_step *step) {
  tn_core_source *sources = (tn_core_source *)step->sources; /* made by this run of linking */
  for (uint32_t i = 0; i < step->source_count; i++) {
    if (sources[i].kind == TN_SOURCE_EXPORT) continue;
    if (plan->host_funcs == NULL) TN_TRY(tn_host_funcs_new(plan->engine, &plan->host_funcs));
    tn_host_import host = tn_core_source_host(&sources[i]);
    TN_TRY(tn_host_funcs_add(plan->host_funcs, &host, &sources[i].number));
  }
  return NULL;
}

/* A step that needs more than host functions is resolved for each instance; its host functions need not be. */
static tn_error *make_host_funcs(tn_linking *linking) {
  for (uint32_t i = 0; i < linking->steps.len; i++) {
    const tn_step *step = &linking->steps.items[i];
    if (step->pre == NULL) TN_TRY(number_sources(linking->plan, step));
  }
  return NULL;
}

/* Several files are children of one component instance that has nothing else, as if they had been composed. */
static tn_error *link_units(tn_linking *linking) {
  uint32_t host, root = UINT32_MAX, last = linking->units.len - 1;
  TN_TRY(tn_link_add_instance(linking, UINT32_MAX, TN_STR("host"), &host));
  if (last > 0) TN_TRY(tn_link_add_instance(linking, UINT32_MAX, TN_STR(""), &root));
  tn_scope *scope = NULL;
  for (uint32_t i = 0; i <= last; i++) {
    tn_unit *unit = linking->units.items[i];
    tn_error *error = link_unit(linking, unit, root, &scope);
    if (error != NULL && i < last)
      error = tn_error_wrap(error, "%" TN_STR_FORMAT, TN_STR_ARG(unit->name));
    TN_TRY(error);
  }
  return scope->ast != NULL ? tn_link_exports(linking, &scope->exports) : NULL;
}

static tn_error *list_files(tn_linking *linking, tn_plan *plan) {
  plan->files = TN_ARENA_ARRAY(linking->arena, const tn_compiled *, linking->units.len);
  if (plan->files == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < linking->units.len; i++)
    plan->files[i] = linking->units.items[i]->compiled;
  plan->file_count = linking->units.len;
  return NULL;
}

static tn_error *list_rights(tn_linking *linking, const tn_linker *linker, tn_plan *plan) {
  uint32_t count = linking->units.len > 1 ? 1 + linker->components.len : 1;
  plan->rights = TN_ARENA_ARRAY(linking->arena, const tn_wasi_config *, count);
  if (plan->rights == NULL) return tn_error_no_memory();
  for (uint32_t i = 1; i < count; i++)
    plan->rights[i] = linker->components.items[i - 1].rights;
  plan->rights_count = count;
  return NULL;
}

/* Adapters between files depend on all of them: they are found by a rehearsal, and compiled now, or once for all
 * who have the same cache. */
static tn_error *find_adapters(const tn_compiled *compiled, tn_linker *linker,
                               const char *cache_directory, tn_plan *plan) {
  tn_str *adapters = NULL;
  uint32_t count = 0;
  TN_TRY(tn_plan_rehearse(compiled, linker, &plan->arena, &adapters, &count));
  return tn_compiled_from_adapters(compiled->engine, adapters, count, cache_directory,
                                   &plan->adapters);
}

static tn_error *make(tn_linking *linking, const tn_compiled *compiled, tn_linker *linker,
                      const char *cache_directory) {
  tn_plan *plan = linking->plan;
  TN_TRY(tn_link_gather(linking, compiled, linker));
  TN_TRY(list_files(linking, plan));
  TN_TRY(list_rights(linking, linker, plan));
  if (plan->file_count > 1) {
    TN_TRY(find_adapters(compiled, linker, cache_directory, plan));
    linking->compiled_adapters = &plan->adapters;
  }
  TN_TRY(link_units(linking));
  TN_TRY(tn_link_bypass_shims(linking));
  return make_host_funcs(linking);
}

tn_error *tn_plan_make(const tn_compiled *compiled, tn_linker *linker, const char *cache_directory,
                       tn_plan *out) {
  *out = (tn_plan){
      .engine = compiled->engine, .compiled = compiled, .linker = tn_linker_retain(linker)};
  tn_linking linking = {.engine = compiled->engine,
                        .compiled_adapters = compiled,
                        .plan = out,
                        .arena = &out->arena,
                        .flags_slot = -1,
                        .host = {.linker = linker, .arena = &out->arena}};
  tn_error *error = make(&linking, compiled, linker, cache_directory);
  hand_over(&linking);
  if (error == NULL) return NULL;
  tn_plan_free(out);
  return tn_error_wrap(error, "linking %" TN_STR_FORMAT, TN_STR_ARG(compiled->name));
}

static tn_error *copy_rehearsed(const tn_linking *linking, tn_arena *arena, tn_str **out,
                                uint32_t *count) {
  tn_str *copies = TN_ARENA_ARRAY(arena, tn_str, linking->rehearsed.len);
  if (copies == NULL) return tn_error_no_memory();
  *out = copies;
  for (uint32_t i = 0; i < linking->rehearsed.len; i++) {
    copies[i] = tn_arena_copy(arena, linking->rehearsed.items[i]);
    if (copies[i].data == NULL) return tn_error_no_memory();
  }
  *count = linking->rehearsed.len;
  return NULL;
}

tn_error *tn_plan_rehearse(const tn_compiled *compiled, const tn_linker *linker, tn_arena *arena,
                           tn_str **out, uint32_t *count) {
  tn_plan plan = {.engine = compiled->engine};
  tn_linking linking = {.engine = compiled->engine,
                        .plan = &plan,
                        .arena = &plan.arena,
                        .flags_slot = -1,
                        .is_rehearsal = true};
  tn_error *error = tn_link_gather(&linking, compiled, linker);
  if (error == NULL) error = link_units(&linking);
  if (error != NULL && tn_error_get_kind(error) != TN_ERROR_NO_MEMORY) {
    tn_error_delete(error); /* linking will tell */
    error = NULL;
  } else if (error == NULL) {
    error = copy_rehearsed(&linking, arena, out, count);
  }
  tn_arena_free(&plan.arena);
  return error;
}

void tn_plan_free(tn_plan *plan) {
  for (uint32_t i = 0; i < plan->step_count; i++)
    tn_module_pre_delete(plan->steps[i].pre);
  tn_host_funcs_delete(plan->host_funcs);
  tn_compiled_free(&plan->adapters);
  tn_arena_free(&plan->arena);
  tn_linker_delete(plan->linker);
  *plan = (tn_plan){0};
}
