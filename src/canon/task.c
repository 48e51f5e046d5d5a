#include "canon/task.h"

/* CallbackCode: the low bits of what an async core function and its callback return. */
enum {
  CALLBACK_EXIT = 0,
  CALLBACK_YIELD = 1,
  CALLBACK_WAIT = 2,
  CALLBACK_CODE = 0xf,
  CALLBACK_SHIFT = 4
};
/* EventCode: the first parameter of a callback. */
enum { EVENT_NONE = 0 };

/* A task that yields is resumed at once, as nothing else is there to run. One that other guests wait for
 * may in turn be waiting for them, for ever: after so many times in a row that is what it is taken for. */
enum { MAX_YIELDS = 1 << 20 };

static tn_error *cannot_wait(const tn_task *task, const tn_runtime *runtime, const char *what) {
  return tn_error_new(TN_ERROR_UNSUPPORTED,
                      "a task of component instance %" TN_STR_FORMAT
                      " %s, which cannot be done yet",
                      TN_STR_ARG(runtime->instances[task->instance].path), what);
}

/* ---- resolving ---------------------------------------------------------------------------------- */

/* Task.return_ */
static tn_error *resolve(tn_async_task *task, const tn_core_value *values) {
  if (task->state == TN_TASK_RESOLVED) {
    return tn_trap("`task.return` or `task.cancel` called more than once for current task");
  }
  if (task->task->borrow_count > 0)
    return tn_trap("borrow handles still remain at the end of the call");
  TN_TRY(task->on_resolve(task, values));
  task->state = TN_TASK_RESOLVED;
  return NULL;
}

/* Two slots may hold the same memory under two of its names. */
static bool is_same_memory(const tn_runtime *runtime, int32_t a, int32_t b) {
  if (a == b) return true;
  if (a < 0 || b < 0) return false;
  const tn_core_memory *first = &runtime->memories[a], *second = &runtime->memories[b];
  return first->store == second->store && first->a == second->a && first->b == second->b;
}

/* Whether task.return is what the function was lifted with. A task.return that reads no memory need not
 * name it. */
static bool fits(const tn_lowered *built_in, const tn_lifted *lifted, const tn_runtime *runtime) {
  const tn_type *given = built_in->returned, *wanted = lifted->type->result;
  if (given != wanted && (given == NULL || wanted == NULL || !tn_type_equal(given, wanted)))
    return false;
  if (built_in->options.encoding != lifted->options.encoding) return false;
  int32_t memory = built_in->options.memory;
  return memory < 0 || is_same_memory(runtime, memory, lifted->options.memory);
}

/* What task.return and task.cancel check first. */
static tn_error *current_async_task(const tn_lowered *built_in, const tn_runtime *runtime,
                                    tn_async_task **out) {
  if (!runtime->instances[built_in->options.instance].flags->may_leave) {
    return tn_fault_error(TN_FAULT_CANNOT_LEAVE);
  }
  *out = runtime->task == NULL ? NULL : runtime->task->async;
  if (*out != NULL && (*out)->lifted->options.is_async) return NULL;
  return tn_trap("`%" TN_STR_FORMAT "` called by a function that is not lifted with `async`",
                 TN_STR_ARG(built_in->name));
}

static tn_error *task_return(const tn_lowered *built_in, const tn_runtime *runtime,
                             const tn_core_value *values) {
  tn_async_task *task = NULL;
  TN_TRY(current_async_task(built_in, runtime, &task));
  if (!fits(built_in, task->lifted, runtime)) {
    return tn_trap("invalid `task.return` signature and/or options for current task");
  }
  return resolve(task, values);
}

/* CanonicalABI.md#-canon-taskreturn */
tn_core_trap *tn_entry_task_return(void *environment, tn_core_caller *caller, tn_core_value *values,
                                   size_t count) {
  (void)count;
  tn_core_context *context = tn_core_caller_context(caller);
  tn_error *error = task_return(environment, tn_runtime_of(context), values);
  return error == NULL ? NULL : tn_core_trap_from_error(context, error);
}

/* CanonicalABI.md#-canon-taskcancel. No task is ever asked to cancel, as that takes a caller that did not
 * wait. */
tn_core_trap *tn_entry_task_cancel(void *environment, tn_core_caller *caller, tn_core_value *values,
                                   size_t count) {
  (void)values, (void)count;
  tn_core_context *context = tn_core_caller_context(caller);
  tn_async_task *task = NULL;
  tn_error *error = current_async_task(environment, tn_runtime_of(context), &task);
  if (error == NULL) error = tn_trap("`task.cancel` called by task which has not been cancelled");
  return tn_core_trap_from_error(context, error);
}

/* ---- running ------------------------------------------------------------------------------------ */

/* Task.enter_implicit_thread. That of another task is never in the way: the instance could not have been
 * entered. */
static tn_error *enter_implicit_thread(const tn_async_task *task, const tn_runtime *runtime) {
  if (runtime->instances[task->task->instance].backpressure == 0) return NULL;
  return cannot_wait(task->task, runtime, "would have to wait for backpressure to end");
}

/* Task.exit_implicit_thread */
static tn_error *exit_implicit_thread(const tn_async_task *task) {
  if (task->state == TN_TASK_RESOLVED) return NULL;
  return tn_trap("async-lifted export failed to produce a result");
}

static tn_error *wait_in_callback(const tn_task *task, const tn_runtime *runtime, uint32_t index) {
  const tn_handle_table *table = &runtime->instances[task->instance].handles;
  if (index >= table->len || table->entries[index].kind == TN_HANDLE_FREE) {
    return tn_trap("unknown handle index %u", index);
  }
  if (table->entries[index].kind != TN_HANDLE_WAITABLE_SET) {
    return tn_trap("handle index %u used with the wrong type, expected a waitable set", index);
  }
  return cannot_wait(task, runtime, "waits for an event");
}

static tn_error *run_callbacks(const tn_async_task *task, tn_runtime *runtime,
                               tn_core_context *context, uint32_t packed) {
  const tn_core_func *callback = &runtime->funcs[task->lifted->options.callback];
  for (uint32_t yields = 0;; yields++) {
    switch (packed & CALLBACK_CODE) {
    case CALLBACK_EXIT:
      return NULL;
    case CALLBACK_YIELD:
      break;
    case CALLBACK_WAIT:
      return wait_in_callback(task->task, runtime, packed >> CALLBACK_SHIFT);
    default:
      return tn_trap("unsupported callback code: %u", packed & CALLBACK_CODE);
    }
    if (yields == MAX_YIELDS && task->task->caller != NULL) {
      return cannot_wait(task->task, runtime, "yields to the one that waits for it");
    }
    tn_core_value values[3] = {{.u64 = EVENT_NONE}, {.u64 = 0}, {.u64 = 0}};
    TN_TRY(tn_core_call(context, callback, values, 3));
    packed = values[0].u32;
  }
}

tn_error *tn_task_run(tn_async_task *task, tn_runtime *runtime, tn_core_context *context) {
  const tn_lifted *lifted = task->lifted;
  tn_core_value values[TN_MAX_FLAT_PARAMS];
  TN_TRY(enter_implicit_thread(task, runtime));
  task->state = TN_TASK_STARTED;
  TN_TRY(task->on_start(task, values));
  TN_TRY(tn_core_call(context, &runtime->funcs[lifted->callee], values, lifted->value_count));
  if (!lifted->options.is_async) {
    TN_TRY(resolve(task, values));
    if (lifted->options.post_return < 0) return NULL;
    return tn_call_post_return(runtime, context, &lifted->options, values[0], lifted->result_count);
  }
  if (lifted->options.callback >= 0) TN_TRY(run_callbacks(task, runtime, context, values[0].u32));
  return exit_implicit_thread(task);
}
