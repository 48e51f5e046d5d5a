/* Calls from one component to another: parameters and result go from memory to memory in one pass.
 * CanonicalABI.md#canon-lift and #canon-lower, joined */
#include "canon/task.h"

typedef struct fused_call {
  tn_transfer transfer; /* of the parameters, then of the result */
  tn_end caller;
  tn_end callee;
  const tn_lowered *lowered;
  tn_task task;
  tn_lends lends;
} fused_call;

static tn_error *move_params(fused_call *call, const tn_core_value *from, tn_core_value *to) {
  if (call->lowered->params.is_simple)
    return tn_simple_run(&call->lowered->params, from, to, false);
  tn_transfer *t = &call->transfer;
  t->source = &call->caller;
  t->destination = &call->callee;
  return tn_move_values(t, &call->lowered->params, from, to, NULL);
}

static tn_error *move_result(fused_call *call, const tn_core_value *from, tn_core_value *to) {
  if (call->lowered->result.is_simple)
    return tn_simple_run(&call->lowered->result, from, to, false);
  tn_transfer *t = &call->transfer;
  t->source = &call->callee;
  t->destination = &call->caller;
  return tn_move_values(t, &call->lowered->result, from, to, &to[call->lowered->result_slot]);
}

static tn_error *call_as_task(fused_call *call, tn_core_value *values) {
  const tn_lifted *callee = call->lowered->callee;
  tn_core_value inner[TN_MAX_FLAT_PARAMS];
  TN_TRY(move_params(call, values, inner));
  TN_TRY(tn_core_call(call->transfer.context, &call->transfer.runtime->funcs[callee->callee], inner,
                      callee->value_count));
  if (call->task.borrow_count > 0)
    return tn_trap("borrow handles still remain at the end of the call");
  TN_TRY(move_result(call, inner, values));
  if (callee->options.post_return < 0) return NULL;
  return tn_call_post_return(call->transfer.runtime, call->transfer.context, &callee->options,
                             inner[0], callee->result_count);
}

/* `run` is a constant wherever this is called, so that inlined it is a call like any other. */
static inline __attribute__((always_inline)) tn_error *
call_fused(fused_call *call, tn_core_value *values,
           tn_error *(*run)(fused_call *, tn_core_value *)) {
  tn_runtime *runtime = call->transfer.runtime;
  tn_component_instance *source = call->caller.instance, *destination = call->callee.instance;
  if (!source->flags->may_leave) return tn_fault_error(TN_FAULT_CANNOT_LEAVE);
  /* Siblings, the usual case, have one flag between them. */
  bool is_simple = source->parent == destination->parent && source != destination &&
                   destination->flags->may_enter;
  if (is_simple) {
    destination->flags->may_enter = false;
  } else {
    TN_TRY(tn_instance_enter_sibling(runtime, destination, source));
  }
  runtime->task = &call->task;
  tn_error *error = run(call, values);
  runtime->task = call->task.caller;
  if (error != NULL) return error;
  if (is_simple) {
    destination->flags->may_enter = true;
  } else {
    tn_instance_leave(runtime, destination, source);
  }
  return NULL;
}

static inline __attribute__((always_inline)) tn_core_trap *
enter(const tn_lowered *lowered, tn_core_caller *caller, tn_core_value *values,
      tn_error *(*run)(fused_call *, tn_core_value *)) {
  const tn_canon_options *callee = &lowered->callee->options;
  tn_core_context *context = tn_core_caller_context(caller);
  tn_runtime *runtime = tn_runtime_of(context);
  fused_call call;
  call.transfer.context = context;
  call.transfer.runtime = runtime;
  call.transfer.call = NULL;
  call.transfer.task = &call.task;
  call.transfer.lends = &call.lends;
  call.transfer.temporaries = NULL;
  call.lowered = lowered;
  call.task = (tn_task){.caller = runtime->task, .instance = callee->instance};
  tn_end_guest(&call.caller, runtime, &lowered->options);
  tn_end_guest(&call.callee, runtime, callee);
  bool may_lend = lowered->params.lifts_borrow;
  if (may_lend) tn_lends_init(&call.lends);
  tn_error *error = call_fused(&call, values, run);
  if (may_lend) tn_lends_release(&call.lends, &call.caller.instance->handles);
  return error == NULL ? NULL : tn_core_trap_from_error(context, error);
}

tn_core_trap *tn_entry_fused(void *environment, tn_core_caller *caller, tn_core_value *values,
                             size_t count) {
  (void)count;
  return enter(environment, caller, values, call_as_task);
}

/* ---- functions of type async -------------------------------------------------------------------- */

/* The caller's side of the call: a subtask. */
typedef struct fused_task {
  tn_async_task async;
  fused_call *call;
  tn_core_value *values; /* the caller's: parameters, then results */
} fused_task;

static tn_error *on_start(tn_async_task *task, tn_core_value *values) {
  fused_task *fused = (fused_task *)task;
  return move_params(fused->call, fused->values, values);
}

static tn_error *on_resolve(tn_async_task *task, const tn_core_value *values) {
  fused_task *fused = (fused_task *)task;
  return move_result(fused->call, values, fused->values);
}

/* Without suspension a call resolves before it returns, however it was lowered. CanonicalABI.md#canon-lower */
static tn_error *call_as_async_task(fused_call *call, tn_core_value *values) {
  fused_task task = {.async = {.task = &call->task,
                               .lifted = call->lowered->callee,
                               .on_start = on_start,
                               .on_resolve = on_resolve},
                     .call = call,
                     .values = values};
  call->task.async = &task.async;
  TN_TRY(tn_task_run(&task.async, call->transfer.runtime, call->transfer.context));
  if (call->lowered->options.is_async) values[0].u64 = TN_SUBTASK_RETURNED;
  return NULL;
}

tn_core_trap *tn_entry_fused_task(void *environment, tn_core_caller *caller, tn_core_value *values,
                                  size_t count) {
  (void)count;
  return enter(environment, caller, values, call_as_async_task);
}
