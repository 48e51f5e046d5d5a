/* Where a guest runs when it is not on a fiber: on the caller's stack if that has room for all that the guest may use,
 * else on one of the instance's own. The engine compares a guest's depth with its limit, not with what is there. */
#include "api/api.h"
#include "base/error.h"
#include "base/stack.h"

/* A guest that is entered again while it runs is bounded by its first entrance. */
bool tn_instance_has_stack(const tn_instance *instance) {
  const tn_runtime *runtime = &instance->instantiated.runtime;
  if (tn_stack_has(instance->stack_bytes) || runtime->task != NULL) return true;
  return runtime->store != NULL && tn_fiber_current(runtime->context) != NULL;
}

tn_error *tn_instance_on_own_stack(tn_instance *instance, void (*func)(void *argument),
                                   void *argument) {
  if (instance->stack.mapping == NULL)
    TN_TRY(tn_stack_make(&instance->stack, instance->stack_bytes));
  tn_stack_run(&instance->stack, func, argument);
  return NULL;
}
