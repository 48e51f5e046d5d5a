/* Making an instance: walking a plan. */
#ifndef TN_LINK_INSTANCE_H
#define TN_LINK_INSTANCE_H

#include "link/plan.h"
#include "link/restore.h"

/* A plan's run-time state in a store. Invariants: `runtime` is the store's context data. `limits`, `snapshot` and
 * `can_restore` are about the store that there is. `is_restored`: the guest has ended, and its store is as
 * instantiation left it. */
typedef struct tn_plan_instantiated {
  tn_runtime runtime;
  void *block;           /* the runtime's arrays */
  tn_restorer *restorer; /* not owned; NULL: the guest's store ends with it */
  tn_snapshot *snapshot;
  bool can_restore;
  bool is_restored;
  tn_store_limits limits;
} tn_plan_instantiated;

/* Makes the store and walks the plan in it; `out` stays where it is, as the store points to it. It is zeroed, or one
 * of the same plan that has ended, whose memory is used again, or one that was retired, whose store may be too. The
 * caller has set runtime.states, runtime.max_handles and, if that is wanted, `restorer`; `epoch` and `epoch_data` are
 * always the same. Runs start functions, or finds things as they were after these. On failure it has ended. */
tn_error *tn_plan_instantiate(const tn_plan *plan, const tn_store_limits *limits,
                              tn_epoch_func epoch, void *epoch_data, tn_plan_instantiated *out);
/* Ends the guest and its store. */
void tn_plan_instantiated_end(tn_plan_instantiated *instantiated);
/* Ends the guest, but keeps its store if it can be made again what it was before the guest's first call: true then. No
 * fiber of the guest is left. */
bool tn_plan_instantiated_retire(tn_plan_instantiated *instantiated);
/* Ends it if it has not ended, and gives the memory back. */
void tn_plan_instantiated_free(tn_plan_instantiated *instantiated);

#endif
