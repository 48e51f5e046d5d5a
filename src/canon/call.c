/* Calls from the embedder, and what all calls have in common. CanonicalABI.md#canon-lift */
#include "base/alloc.h"
#include "canon/task.h"

tn_error *tn_trap(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  tn_error *error = tn_error_vnew(TN_ERROR_TRAP, format, arguments);
  va_end(arguments);
  return tn_error_wrap(error, "wasm trap");
}

/* ---- memory for calls --------------------------------------------------------------------------- */

/* A block that one unusual call has needed is not kept for the rest of the runtime's life. */
enum { KEPT_ARENA_BYTES = 256 * 1024 };

tn_call_arena *tn_call_arena_take(tn_runtime *runtime) {
  tn_call_arena *arena = runtime->arenas;
  if (arena == NULL) return tn_calloc(1, sizeof *arena);
  runtime->arenas = arena->next;
  return arena;
}

void tn_call_arena_give(tn_runtime *runtime, tn_call_arena *arena) {
  if (arena == NULL) return;
  tn_arena_reset(&arena->arena);
  if (arena->arena.end - arena->arena.next > KEPT_ARENA_BYTES) tn_arena_free(&arena->arena);
  if (arena->kept > 0) tn_kept_remove(runtime->kept, arena->kept);
  arena->kept = 0;
  arena->next = runtime->arenas;
  runtime->arenas = arena;
}

/* What the types of the memories say stays true. */
void tn_runtime_renew(tn_runtime *runtime) {
  for (uint32_t i = 0; i < runtime->memory_view_count; i++) {
    tn_memory_view *view = &runtime->memory_views[i];
    *view = (tn_memory_view){.is_fixed = view->is_fixed, .can_move = view->can_move};
  }
  for (uint32_t i = 0; i < runtime->instance_count; i++) {
    tn_handle_table_clear(&runtime->instances[i].handles);
    runtime->instances[i].backpressure = 0;
  }
  runtime->task = NULL;
  runtime->poisoned = TN_ERROR_NONE;
  runtime->has_called_host = false;
}

void tn_runtime_release(tn_runtime *runtime) {
  while (runtime->arenas != NULL) {
    tn_call_arena *arena = runtime->arenas;
    runtime->arenas = arena->next;
    tn_arena_free(&arena->arena);
    tn_free(arena);
  }
  tn_free(runtime->memory_views);
  runtime->memory_views = NULL;
  runtime->memory_view_count = 0;
}

/* ---- entering and leaving ----------------------------------------------------------------------- */

static tn_component_instance *parent_of(const tn_runtime *runtime,
                                        const tn_component_instance *instance) {
  return instance->parent == UINT32_MAX ? NULL : &runtime->instances[instance->parent];
}

static bool encloses(const tn_runtime *runtime, const tn_component_instance *outer,
                     const tn_component_instance *inner) {
  while (inner != NULL && inner != outer)
    inner = parent_of(runtime, inner);
  return inner != NULL;
}

/* The last of the instances to mark is the one below the first that encloses the caller too. */
static bool is_entering(const tn_runtime *runtime, const tn_component_instance *instance,
                        const tn_component_instance *caller) {
  return instance != NULL && (caller == NULL || !encloses(runtime, instance, caller));
}

tn_error *tn_instance_enter(tn_runtime *runtime, tn_component_instance *callee,
                            const tn_component_instance *caller) {
  for (tn_component_instance *i = callee; is_entering(runtime, i, caller);
       i = parent_of(runtime, i)) {
    if (!i->flags->may_enter)
      return tn_trap("cannot enter component instance %" TN_STR_FORMAT, TN_STR_ARG(i->path));
  }
  for (tn_component_instance *i = callee; is_entering(runtime, i, caller);
       i = parent_of(runtime, i)) {
    i->flags->may_enter = false;
  }
  return NULL;
}

void tn_instance_leave(tn_runtime *runtime, tn_component_instance *callee,
                       const tn_component_instance *caller) {
  for (tn_component_instance *i = callee; is_entering(runtime, i, caller);
       i = parent_of(runtime, i)) {
    i->flags->may_enter = true;
  }
}

tn_error *tn_instance_enter_sibling(tn_runtime *runtime, tn_component_instance *callee,
                                    const tn_component_instance *caller) {
  /* What the reference tests call "for now": no calls between a component and one that it encloses. */
  if (encloses(runtime, callee, caller) || encloses(runtime, caller, callee)) {
    return tn_trap("cannot enter component instance %" TN_STR_FORMAT, TN_STR_ARG(callee->path));
  }
  return tn_instance_enter(runtime, callee, caller);
}

tn_error *tn_call_post_return(tn_runtime *runtime, tn_core_context *context,
                              const tn_canon_options *options, tn_core_value result,
                              uint32_t result_count) {
  tn_component_instance *instance = &runtime->instances[options->instance];
  instance->flags->may_leave = false;
  TN_TRY(tn_core_call(context, &runtime->funcs[options->post_return], &result, result_count));
  instance->flags->may_leave = true;
  return NULL;
}

/* ---- lifting ------------------------------------------------------------------------------------ */

/* Core results: an async function has resolved by task.return and returns at most what to do next. */
static uint32_t count_results(const tn_func_type *type, const tn_canon_options *options) {
  return options->is_async ? options->callback >= 0 : type->result != NULL;
}

tn_error *tn_canon_lift(tn_arena *arena, const tn_func_type *type, const tn_canon_options *options,
                        int32_t callee, tn_lifted **out) {
  tn_lifted *lifted = TN_ARENA_NEW(arena, tn_lifted);
  if (lifted == NULL) return tn_error_no_memory();
  lifted->type = type;
  lifted->options = *options;
  lifted->callee = callee;
  uint32_t params = type->params->flat_count > TN_MAX_FLAT_PARAMS ? 1 : type->params->flat_count;
  lifted->result_count = count_results(type, options);
  lifted->value_count = params > lifted->result_count ? params : lifted->result_count;
  TN_TRY(tn_program_compile(arena, type->params, TN_MAX_FLAT_PARAMS, NULL, &lifted->options,
                            &lifted->params));
  TN_TRY(tn_program_compile(arena, type->result, tn_max_lifted_results(options), &lifted->options,
                            NULL, &lifted->result));
  *out = lifted;
  return NULL;
}

int32_t tn_lifted_callee(const tn_lifted *lifted) {
  return lifted->callee;
}

uint32_t tn_lifted_instance(const tn_lifted *lifted) {
  return lifted->options.instance;
}

const tn_func_type *tn_lifted_type(const tn_lifted *lifted) {
  return lifted->type;
}

/* ---- calls from the embedder -------------------------------------------------------------------- */

typedef struct embedder_call {
  tn_runtime *runtime;
  const tn_lifted *lifted;
  const void *params;
  void *result;
  tn_arena *arena;
  tn_end guest;
  tn_end host;
  tn_task task;
  tn_lends lends;
} embedder_call;

static tn_error *lower_params(embedder_call *call, tn_core_value *values) {
  if (call->lifted->params.is_simple)
    return tn_simple_run(&call->lifted->params, call->params, values, true);
  tn_transfer t = {.context = call->runtime->context,
                   .runtime = call->runtime,
                   .source = &call->host,
                   .destination = &call->guest,
                   .task = &call->task,
                   .lends = &call->lends};
  return tn_lower_values(&t, &call->lifted->params, (uintptr_t)call->params, values, NULL);
}

static tn_error *lift_result(embedder_call *call, const tn_core_value *values) {
  if (call->lifted->result.is_simple)
    return tn_simple_run(&call->lifted->result, values, call->result, false);
  tn_transfer t = {.context = call->runtime->context,
                   .runtime = call->runtime,
                   .source = &call->guest,
                   .destination = &call->host,
                   .arena = call->arena,
                   .copies = true,
                   .budget = call->runtime->max_transfer_bytes};
  return tn_lift_values(&t, &call->lifted->result, values, (uintptr_t)call->result);
}

static tn_error *call_as_task(embedder_call *call) {
  const tn_lifted *lifted = call->lifted;
  tn_runtime *runtime = call->runtime;
  tn_core_value values[TN_MAX_FLAT_PARAMS];
  TN_TRY(lower_params(call, values));
  TN_TRY(
      tn_core_call(runtime->context, &runtime->funcs[lifted->callee], values, lifted->value_count));
  if (call->task.borrow_count > 0)
    return tn_trap("borrow handles still remain at the end of the call");
  TN_TRY(lift_result(call, values));
  if (lifted->options.post_return < 0) return NULL;
  return tn_call_post_return(runtime, runtime->context, &lifted->options, values[0],
                             lifted->result_count);
}

/* A call of a function of type `async`. CanonicalABI.md#canon-lift */
typedef struct embedder_task {
  tn_async_task async;
  embedder_call *call;
} embedder_task;

static tn_error *on_start(tn_async_task *task, tn_core_value *values) {
  return lower_params(((embedder_task *)task)->call, values);
}

static tn_error *on_resolve(tn_async_task *task, const tn_core_value *values) {
  return lift_result(((embedder_task *)task)->call, values);
}

static tn_error *call_as_async_task(embedder_call *call) {
  embedder_task task = {.async = {.task = &call->task,
                                  .lifted = call->lifted,
                                  .on_start = on_start,
                                  .on_resolve = on_resolve},
                        .call = call};
  call->task.async = &task.async;
  return tn_task_run(&task.async, call->runtime, call->runtime->context);
}

tn_error *tn_runtime_check_alive(const tn_runtime *runtime) {
  if (runtime->poisoned == TN_ERROR_NONE) return NULL;
  return tn_error_new(
      TN_ERROR_POISONED,
      "wasm trap: cannot enter component instance: it was ended by an earlier error");
}

void tn_runtime_poison(tn_runtime *runtime, const tn_error *error) {
  runtime->poisoned = tn_error_get_kind(error);
  for (uint32_t i = 0; i < runtime->instance_count; i++)
    runtime->instances[i].flags->may_leave = false;
}

tn_error *tn_canon_call(tn_runtime *runtime, const tn_lifted *lifted, const void *params,
                        void *result, tn_arena *arena) {
  TN_TRY(tn_runtime_check_alive(runtime));
  tn_component_instance *instance = &runtime->instances[lifted->options.instance];
  TN_TRY(tn_instance_enter(runtime, instance, NULL));
  embedder_call call = {.runtime = runtime,
                        .lifted = lifted,
                        .params = params,
                        .result = result,
                        .arena = arena,
                        .task = {.caller = runtime->task, .instance = lifted->options.instance}};
  tn_end_guest(&call.guest, runtime, &lifted->options);
  tn_end_host(&call.host, runtime);
  runtime->task = &call.task;
  tn_error *error = lifted->type->is_async ? call_as_async_task(&call) : call_as_task(&call);
  runtime->task = call.task.caller;
  tn_lends_release(&call.lends, &runtime->instances[0].handles);
  if (error != NULL) {
    tn_runtime_poison(runtime, error);
    return error;
  }
  tn_instance_leave(runtime, instance, NULL);
  return NULL;
}
