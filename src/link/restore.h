/* Making an instance again what it was right after instantiation, for a fraction of what a fresh one costs:
 * only the pages of its memories that it has written are copied back, and its globals set. Nobody can tell it
 * from a fresh one, or it is not done:
 *   - the plan's modules can change nothing else (tn_core_state), and take no functions of core modules'
 *     hosts;
 *   - making the instance has called no host function, so that everything in it follows from its modules
 *     alone; it is compared with the first instance of the plan all the same;
 *   - no call of it has failed, and its memories have the size that they had, which is no more than 256 MiB
 *     in all.
 * What the host keeps for an instance is renewed by its owners, as for a fresh one. */
#ifndef TN_LINK_RESTORE_H
#define TN_LINK_RESTORE_H

#include "link/plan.h"

/* What all instances of a plan share for it. Any thread. */
typedef struct tn_restorer tn_restorer;
/* Of one instance: where its memories and globals are. */
typedef struct tn_snapshot tn_snapshot;

/* Looks through the plan's modules. *out is NULL when its instances cannot be restored. The plan outlives the
 * result. */
tn_error *tn_restorer_new(const tn_plan *plan, tn_restorer **out);
void tn_restorer_delete(tn_restorer *restorer);

/* Of an instance that has just been made and has not been called. `*snapshot` is NULL or an earlier one of the
 * same plan, whose memory is used again; it is freed with tn_free. False: this instance cannot be restored, or
 * it is not worth trying. */
bool tn_snapshot_take(tn_restorer *restorer, const tn_runtime *runtime,
                      const tn_core_instance *core_instances, tn_snapshot **snapshot);
/* False: it could not be done, and what the instance is now is of no use. */
bool tn_snapshot_restore(tn_restorer *restorer, const tn_runtime *runtime,
                         const tn_snapshot *snapshot);

#endif
