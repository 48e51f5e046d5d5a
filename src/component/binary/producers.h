/* Putting `producers` sections together; reading them: sections.h. */
#ifndef TN_COMPONENT_PRODUCERS_H
#define TN_COMPONENT_PRODUCERS_H

#include "base/buffer.h"
#include "component/binary/sections.h"

/* Sets the version under a field and name, which is added if it is not there. */
tn_error *tn_producers_set(tn_arena *arena, tn_producers *producers, const tn_producer *producer);
/* Sets all of `more`. */
tn_error *tn_producers_merge(tn_arena *arena, tn_producers *producers, const tn_producers *more);
/* Sets what all that this program writes has: "processed-by" "tenon". */
tn_error *tn_producers_set_own(tn_arena *arena, tn_producers *producers);
/* The contents of the section. */
void tn_producers_write(tn_buffer *out, const tn_producers *producers);
/* The contents of a section that has nothing but tn_producers_set_own. */
tn_error *tn_producers_own(tn_arena *arena, tn_str *out);

#endif
