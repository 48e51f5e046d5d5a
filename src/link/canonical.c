/* Canonical definitions: from indices to the programs of src/canon/. CanonicalABI.md#canonical-definitions */
#include "base/error.h"
#include "link/scope.h"

static tn_error *take_func_option(tn_linking *linking, tn_scope *scope, uint32_t index,
                                  int32_t *slot) {
  return tn_link_take_func(linking, &scope->core[TN_SORT_CORE_FUNC].items[index].source, slot);
}

static tn_error *resolve_options(tn_linking *linking, tn_scope *scope, const tn_ast_canon *canon,
                                 tn_canon_options *out) {
  *out = (tn_canon_options){.instance = scope->instance,
                            .rights = linking->instances.items[scope->instance].rights,
                            .memory = -1,
                            .realloc = -1,
                            .post_return = -1,
                            .callback = -1};
  for (uint32_t i = 0; i < canon->option_count; i++) {
    const tn_ast_canon_option *option = &canon->options[i];
    switch (option->kind) {
    case TN_OPTION_UTF8:
      out->encoding = TN_ENCODING_UTF8;
      break;
    case TN_OPTION_UTF16:
      out->encoding = TN_ENCODING_UTF16;
      break;
    case TN_OPTION_LATIN1_UTF16:
      out->encoding = TN_ENCODING_LATIN1_UTF16;
      break;
    case TN_OPTION_MEMORY: {
      const tn_core_item *memory = &scope->core[TN_SORT_CORE_MEMORY].items[option->index];
      out->is_64 = memory->is_64;
      TN_TRY(tn_link_take_memory(linking, &memory->source, &out->memory));
      break;
    }
    case TN_OPTION_REALLOC:
      TN_TRY(take_func_option(linking, scope, option->index, &out->realloc));
      break;
    case TN_OPTION_POST_RETURN:
      TN_TRY(take_func_option(linking, scope, option->index, &out->post_return));
      break;
    case TN_OPTION_CALLBACK:
      TN_TRY(take_func_option(linking, scope, option->index, &out->callback));
      break;
    case TN_OPTION_ASYNC:
      out->is_async = true;
      break;
    }
  }
  return NULL;
}

static tn_error *lift(tn_linking *linking, tn_scope *scope, const tn_ast_canon *canon) {
  tn_canon_options options;
  TN_TRY(resolve_options(linking, scope, canon, &options));
  tn_func_item *item = TN_ARENA_NEW(linking->arena, tn_func_item);
  if (item == NULL) return tn_error_no_memory();
  item->callee = scope->core[TN_SORT_CORE_FUNC].items[canon->func].source;
  item->name = linking->instances.items[scope->instance].path;
  TN_TRY(tn_link_func_type(linking, scope->types.items[canon->type], &item->type));
  int32_t callee;
  TN_TRY(tn_link_take_func(linking, &item->callee, &callee));
  tn_lifted *lifted;
  TN_TRY(tn_canon_lift(linking->arena, item->type, &options, callee, &lifted));
  item->lifted = lifted;
  return tn_scope_push(linking, scope, (tn_item){.sort = TN_SORT_FUNC, .func = item});
}

static tn_error *push_core_func(tn_linking *linking, tn_scope *scope, tn_core_source source) {
  tn_core_item *item = TN_VEC_PUSH(linking->arena, &scope->core[TN_SORT_CORE_FUNC]);
  if (item == NULL) return tn_error_no_memory();
  item->source = source;
  return NULL;
}

static tn_error *push_lowered(tn_linking *linking, tn_scope *scope, const tn_lowered *lowered) {
  return push_core_func(linking, scope,
                        (tn_core_source){.kind = TN_SOURCE_LOWERED, .lowered = lowered});
}

void tn_link_note_component(tn_linking *linking, const tn_scope *scope) {
  bool *forbids_leaving = &linking->instances.items[scope->instance].forbids_leaving;
  for (uint32_t i = 0; i < scope->ast->definition_count; i++) {
    const tn_definition *definition = &scope->ast->definitions[i];
    if (definition->kind != TN_DEFINITION_CANON) continue;
    for (uint32_t j = 0; j < definition->canon.option_count; j++) {
      tn_canon_option_kind kind = definition->canon.options[j].kind;
      *forbids_leaving |= kind == TN_OPTION_REALLOC || kind == TN_OPTION_POST_RETURN;
    }
  }
}

/* Whether the caller gets the callee's core function itself: see tn_canon_is_passthrough. */
static bool is_passthrough(const tn_linking *linking, const tn_canon_options *options,
                           const tn_lifted *lifted) {
  uint32_t caller = options->instance, callee = tn_lifted_instance(lifted);
  const tn_plan_instance *instances = linking->instances.items;
  if (instances[caller].forbids_leaving || instances[callee].calls_out) return false;
  if (tn_link_encloses(linking, caller, callee) || tn_link_encloses(linking, callee, caller))
    return false;
  return tn_link_encloses(linking, instances[callee].parent, caller) &&
         tn_canon_is_passthrough(options, lifted);
}

static tn_error *lower(tn_linking *linking, tn_scope *scope, const tn_ast_canon *canon) {
  const tn_func_item *func = scope->funcs.items[canon->func];
  tn_canon_options options;
  TN_TRY(resolve_options(linking, scope, canon, &options));
  tn_lowered *lowered;
  tn_core_source source = {.kind = TN_SOURCE_LOWERED};
  if (func->lifted == NULL) {
    TN_TRY(tn_canon_lower_host(linking->arena, func->name, func->type, &options, func->host,
                               func->host_data, &lowered));
  } else if (is_passthrough(linking, &options, func->lifted)) {
    return push_core_func(linking, scope, func->callee);
  } else {
    TN_TRY(tn_canon_lower_lifted(linking->arena, func->name, func->type, &options, func->lifted,
                                 &lowered));
    TN_TRY(tn_link_adapt(linking, lowered, scope->instance, tn_lifted_instance(func->lifted),
                         &source));
  }
  source.lowered = lowered;
  return push_core_func(linking, scope, source);
}

static tn_error *resource_builtin(tn_linking *linking, tn_scope *scope, const tn_ast_canon *canon) {
  const tn_resource *resource;
  TN_TRY(tn_link_resource(linking, scope->types.items[canon->type], &resource));
  tn_lowered *lowered;
  TN_TRY(
      tn_canon_resource_builtin(linking->arena, canon->kind, resource, scope->instance, &lowered));
  return push_lowered(linking, scope, lowered);
}

/* Two built-ins name their memory without calling it an option. */
static tn_error *take_immediate_memory(tn_linking *linking, tn_scope *scope,
                                       const tn_ast_canon *canon, tn_canon_options *out) {
  if (canon->kind != TN_CANON_WAITABLE_SET_WAIT && canon->kind != TN_CANON_WAITABLE_SET_POLL)
    return NULL;
  const tn_core_item *memory = &scope->core[TN_SORT_CORE_MEMORY].items[canon->memory];
  out->is_64 = memory->is_64;
  return tn_link_take_memory(linking, &memory->source, &out->memory);
}

static tn_error *other_builtin(tn_linking *linking, tn_scope *scope, const tn_ast_canon *canon) {
  tn_canon_options options;
  const tn_type *result = NULL;
  TN_TRY(resolve_options(linking, scope, canon, &options));
  TN_TRY(take_immediate_memory(linking, scope, canon, &options));
  if (canon->kind == TN_CANON_TASK_RETURN && !canon->result.is_absent) {
    TN_TRY(tn_link_value_type(linking, scope, &canon->result, &result));
  }
  tn_lowered *lowered;
  TN_TRY(tn_canon_builtin(linking->arena, canon, &options, result, &lowered));
  return push_lowered(linking, scope, lowered);
}

tn_error *tn_link_canon(tn_linking *linking, tn_scope *scope, const tn_ast_canon *canon) {
  tn_link_note_canon(linking, scope, canon);
  switch (canon->kind) {
  case TN_CANON_LIFT:
    return lift(linking, scope, canon);
  case TN_CANON_LOWER:
    return lower(linking, scope, canon);
  case TN_CANON_RESOURCE_NEW:
  case TN_CANON_RESOURCE_DROP:
  case TN_CANON_RESOURCE_REP:
    return resource_builtin(linking, scope, canon);
  default:
    return other_builtin(linking, scope, canon);
  }
}
