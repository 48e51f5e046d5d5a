/* Core imports that are built-ins of the canonical ABI. */
#ifndef TN_COMPOSE_COMPONENTIZE_BUILT_IN_H
#define TN_COMPOSE_COMPONENTIZE_BUILT_IN_H

#include "compose/componentize/componentize.h"

/* Whether the import is one that belongs to no function ("[waitable-set-new]"), and what its type has to be. */
tn_error *tn_make_match_built_in(tn_maker *m, tn_core_need *need, tn_core_signature *signature,
                                 bool *is_one);
/* Whether it is one for a stream or future ("[stream-new-0]f") of a function of the interface, or, with
 * `interface` NULL, of the world. */
tn_error *tn_make_match_payload(tn_maker *m, tn_core_need *need, tn_made_item *interface,
                                bool is_exported, tn_core_signature *signature, bool *is_one);

#endif
