/* Tasks of functions of type `async`. Internal to src/canon/. CanonicalABI.md#task-state, #subtask-state
 *
 * Such a call is made of the same parts whoever makes it: on_start lowers the parameters for the callee,
 * on_resolve lifts its result, and in between tn_task_run does what the callee's options say. A callee that
 * has to wait cannot be suspended yet: it ends the guest with TN_ERROR_UNSUPPORTED. */
#ifndef TN_CANON_TASK_H
#define TN_CANON_TASK_H

#include "canon/transfer.h"

typedef enum tn_task_state {
  TN_TASK_INITIAL,
  TN_TASK_STARTED,
  TN_TASK_RESOLVED,
} tn_task_state;

/* Subtask.State, as the guest sees it. */
typedef enum tn_subtask_state {
  TN_SUBTASK_RETURNED = 2,
} tn_subtask_state;

/* Lives on the C stack of the call, as its tn_task does. */
struct tn_async_task {
  tn_task *task;
  const tn_lifted *lifted;
  tn_task_state state;
  /* Writes the parameters as the callee's core function takes them. */
  tn_error *(*on_start)(tn_async_task *task, tn_core_value *values);
  /* Takes the result: core values, or in the first of them where it lies in the callee's memory. */
  tn_error *(*on_resolve)(tn_async_task *task, const tn_core_value *values);
};

/* Runs the task to its end. It is the current one, and its instance has been entered.
 * CanonicalABI.md#canon-lift */
tn_error *tn_task_run(tn_async_task *task, tn_runtime *runtime, tn_core_context *context);

/* Entries of the built-ins on the current task. */
tn_core_trap *tn_entry_task_return(void *environment, tn_core_caller *caller, tn_core_value *values,
                                   size_t count);
tn_core_trap *tn_entry_task_cancel(void *environment, tn_core_caller *caller, tn_core_value *values,
                                   size_t count);

#endif
