/* Canonical definitions: from indices to the programs of src/canon/. CanonicalABI.md#canonical-definitions */
#include "base/error.h"
#include "link/scope.h"

static tn_error *take_func_option(tn_linking *linking, tn_scope *scope, uint32_t index, int32_t *slot) {
  return tn_link_take_func(linking, &scope->core[TN_SORT_CORE_FUNC].items[index].source, slot);
}

static tn_error *resolve_options(tn_linking *linking, tn_scope *scope, const tn_ast_canon *canon, tn_canon_options *out) {
  *out = (tn_canon_options){.instance = scope->instance, .memory = -1, .realloc = -1, .post_return = -1, .callback = -1};
  for (uint32_t i = 0; i < canon->option_count; i++) {
    const tn_ast_canon_option *option = &canon->options[i];
    switch (option->kind) {
    case TN_OPTION_UTF8: out->encoding = TN_ENCODING_UTF8; break;
    case TN_OPTION_UTF16: out->encoding = TN_ENCODING_UTF16; break;
    case TN_OPTION_LATIN1_UTF16: out->encoding = TN_ENCODING_LATIN1_UTF16; break;
    case TN_OPTION_MEMORY: {
      const tn_core_item *memory = &scope->core[TN_SORT_CORE_MEMORY].items[option->index];
      out->is_64 = memory->is_64;
      TN_TRY(tn_link_take_memory(linking, &memory->source, &out->memory));
      break;
    }
    case TN_OPTION_REALLOC: TN_TRY(take_func_option(linking, scope, option->index, &out->realloc)); break;
    case TN_OPTION_POST_RETURN: TN_TRY(take_func_option(linking, scope, option->index, &out->post_return)); break;
    case TN_OPTION_CALLBACK: TN_TRY(take_func_option(linking, scope, option->index, &out->callback)); break;
    case TN_OPTION_ASYNC: out->is_async = true; break;
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
  return push_core_func(linking, scope, (tn_core_source){.kind = TN_SOURCE_LOWERED, .lowered = lowered});
}

static tn_error *lower(tn_linking *linking, tn_scope *scope, const tn_ast_canon *canon) {
  const tn_func_item *func = scope->funcs.items[canon->func];
  tn_canon_options options;
  TN_TRY(resolve_options(linking, scope, canon, &options));
  tn_lowered *lowered;
  if (func->lifted == NULL) {
    TN_TRY(tn_canon_lower_host(linking->arena, func->name, func->type, &options, func->host, func->host_data, &lowered));
  } else if (tn_canon_is_passthrough(&options, func->lifted)) {
    return push_core_func(linking, scope, func->callee);
  } else {
    TN_TRY(tn_canon_lower_lifted(linking->arena, func->name, func->type, &options, func->lifted, &lowered));
  }
  return push_lowered(linking, scope, lowered);
}

static tn_error *resource_builtin(tn_linking *linking, tn_scope *scope, const tn_ast_canon *canon) {
  const tn_resource *resource;
  TN_TRY(tn_link_resource(linking, scope->types.items[canon->type], &resource));
  tn_lowered *lowered;
  TN_TRY(tn_canon_resource_builtin(linking->arena, canon->kind, resource, scope->instance, &lowered));
  return push_lowered(linking, scope, lowered);
}

static const char *const builtin_names[] = {
    [TN_CANON_TASK_CANCEL] = "task.cancel",
    [TN_CANON_SUBTASK_CANCEL] = "subtask.cancel",
    [TN_CANON_TASK_RETURN] = "task.return",
    [TN_CANON_CONTEXT_GET] = "context.get",
    [TN_CANON_CONTEXT_SET] = "context.set",
    [TN_CANON_THREAD_YIELD] = "thread.yield",
    [TN_CANON_SUBTASK_DROP] = "subtask.drop",
    [TN_CANON_STREAM_NEW] = "stream.new",
    [TN_CANON_STREAM_READ] = "stream.read",
    [TN_CANON_STREAM_WRITE] = "stream.write",
    [TN_CANON_STREAM_CANCEL_READ] = "stream.cancel-read",
    [TN_CANON_STREAM_CANCEL_WRITE] = "stream.cancel-write",
    [TN_CANON_STREAM_DROP_READABLE] = "stream.drop-readable",
    [TN_CANON_STREAM_DROP_WRITABLE] = "stream.drop-writable",
    [TN_CANON_FUTURE_NEW] = "future.new",
    [TN_CANON_FUTURE_READ] = "future.read",
    [TN_CANON_FUTURE_WRITE] = "future.write",
    [TN_CANON_FUTURE_CANCEL_READ] = "future.cancel-read",
    [TN_CANON_FUTURE_CANCEL_WRITE] = "future.cancel-write",
    [TN_CANON_FUTURE_DROP_READABLE] = "future.drop-readable",
    [TN_CANON_FUTURE_DROP_WRITABLE] = "future.drop-writable",
    [TN_CANON_ERROR_CONTEXT_NEW] = "error-context.new",
    [TN_CANON_ERROR_CONTEXT_DEBUG_MESSAGE] = "error-context.debug-message",
    [TN_CANON_ERROR_CONTEXT_DROP] = "error-context.drop",
    [TN_CANON_WAITABLE_SET_NEW] = "waitable-set.new",
    [TN_CANON_WAITABLE_SET_WAIT] = "waitable-set.wait",
    [TN_CANON_WAITABLE_SET_POLL] = "waitable-set.poll",
    [TN_CANON_WAITABLE_SET_DROP] = "waitable-set.drop",
    [TN_CANON_WAITABLE_JOIN] = "waitable.join",
    [TN_CANON_BACKPRESSURE_INC] = "backpressure.inc",
    [TN_CANON_BACKPRESSURE_DEC] = "backpressure.dec",
    [TN_CANON_THREAD_INDEX] = "thread.index",
    [TN_CANON_THREAD_NEW_INDIRECT] = "thread.new-indirect",
    [TN_CANON_THREAD_RESUME_LATER] = "thread.resume-later",
    [TN_CANON_THREAD_SUSPEND] = "thread.suspend",
    [TN_CANON_THREAD_SUSPEND_THEN_RESUME] = "thread.suspend-then-resume",
    [TN_CANON_THREAD_YIELD_THEN_RESUME] = "thread.yield-then-resume",
    [TN_CANON_THREAD_SUSPEND_THEN_PROMOTE] = "thread.suspend-then-promote",
    [TN_CANON_THREAD_YIELD_THEN_PROMOTE] = "thread.yield-then-promote",
    [TN_CANON_THREAD_SPAWN_REF] = "thread.spawn-ref",
    [TN_CANON_THREAD_SPAWN_INDIRECT] = "thread.spawn-indirect",
    [TN_CANON_THREAD_AVAILABLE_PARALLELISM] = "thread.available-parallelism",
};

tn_error *tn_link_canon(tn_linking *linking, tn_scope *scope, const tn_ast_canon *canon) {
  switch (canon->kind) {
  case TN_CANON_LIFT: return lift(linking, scope, canon);
  case TN_CANON_LOWER: return lower(linking, scope, canon);
  case TN_CANON_RESOURCE_NEW:
  case TN_CANON_RESOURCE_DROP:
  case TN_CANON_RESOURCE_REP: return resource_builtin(linking, scope, canon);
  default:
    return tn_error_new(TN_ERROR_UNSUPPORTED,
                        "component %" TN_STR_FORMAT " uses the built-in `%s`, which this version cannot run yet",
                        TN_STR_ARG(linking->instances.items[scope->instance].path), builtin_names[canon->kind]);
  }
}
