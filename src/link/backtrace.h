/* Where the frames of a backtrace are: what the engine, which knows core modules only, cannot tell. */
#ifndef TN_LINK_BACKTRACE_H
#define TN_LINK_BACKTRACE_H

#include "link/plan.h"

/* Fills in the frames of an error that an instance of the plan has ended with: the component instance, a label for
 * a module without a name, the export's name for a function without one. What is not certain stays NULL. Returns
 * `error`, which may be NULL. */
tn_error *tn_plan_locate(const tn_plan *plan, tn_error *error);

#endif
