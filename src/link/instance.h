/* Making an instance: walking a plan. */
#ifndef TN_LINK_INSTANCE_H
#define TN_LINK_INSTANCE_H

#include "link/plan.h"

/* A plan's run-time state in a store. Invariant: `runtime` is the store's context data. */
typedef struct tn_plan_instantiated {
  tn_runtime runtime;
  void *block; /* the runtime's arrays */
} tn_plan_instantiated;

/* Makes the store and walks the plan in it; `out` stays where it is, as the store points to it. It is zeroed, or one
 * of the same plan that has ended, whose memory is used again. The caller has set runtime.states and
 * runtime.max_handles. Runs start functions. On failure it has ended. */
tn_error *tn_plan_instantiate(const tn_plan *plan, const tn_store_limits *limits,
                              tn_epoch_func epoch, void *epoch_data, tn_plan_instantiated *out);
/* Ends the guest and its store. */
void tn_plan_instantiated_end(tn_plan_instantiated *instantiated);
/* Ends it if it has not ended, and gives the memory back. */
void tn_plan_instantiated_free(tn_plan_instantiated *instantiated);

#endif
