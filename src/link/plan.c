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

/* What a file is called in paths of instances, if it has no name of its own: without the folders. */
static tn_str base_name(tn_str path) {
  size_t start = path.len;
  while (start > 0 && path.data[start - 1] != '/')
    start--;
  return tn_str_slice(path, start, path.len);
}

static tn_error *link_root(tn_linking *linking) {
  uint32_t host, root;
  TN_TRY(tn_link_add_instance(linking, UINT32_MAX, TN_STR("host"), &host));
  tn_str name = linking->compiled->root != NULL ? linking->compiled->root->name
                                                : linking->compiled->core->name;
  if (name.data == NULL) name = base_name(linking->compiled->name);
  TN_TRY(tn_link_add_instance(linking, UINT32_MAX, name, &root));
  if (linking->compiled->root == NULL) return tn_link_core_module(linking);
  tn_scope *scope = TN_ARENA_NEW(linking->arena, tn_scope);
  if (scope == NULL) return tn_error_no_memory();
  scope->instance = root;
  scope->ast = linking->compiled->root;
  TN_TRY(tn_link_component(linking, scope));
  return tn_link_exports(linking, &scope->exports);
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

tn_error *tn_plan_make(const tn_compiled *compiled, tn_linker *linker, tn_plan *out) {
  *out = (tn_plan){
      .engine = compiled->engine, .compiled = compiled, .linker = tn_linker_retain(linker)};
  tn_linking linking = {.compiled = compiled,
                        .plan = out,
                        .arena = &out->arena,
                        .flags_slot = -1,
                        .host = {.linker = linker, .arena = &out->arena}};
  tn_error *error = link_root(&linking);
  if (error == NULL) error = tn_link_bypass_shims(&linking);
  if (error == NULL) error = make_host_funcs(&linking);
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

tn_error *tn_plan_rehearse(const tn_compiled *compiled, tn_arena *arena, tn_str **out,
                           uint32_t *count) {
  tn_plan plan = {.engine = compiled->engine};
  tn_linking linking = {.compiled = compiled,
                        .plan = &plan,
                        .arena = &plan.arena,
                        .flags_slot = -1,
                        .is_rehearsal = true};
  tn_error *error = link_root(&linking);
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
  tn_arena_free(&plan->arena);
  tn_linker_delete(plan->linker);
  *plan = (tn_plan){0};
}
