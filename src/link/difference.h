/* Where two types that should be equal differ, for messages. */
#ifndef TN_LINK_DIFFERENCE_H
#define TN_LINK_DIFFERENCE_H

#include "base/buffer.h"
#include "component/type.h"

/* "parameter `shape`, case `rect`: expected `f32`, given `f64`": the first difference of two function types that are
 * not equal. Short, however large the types are. */
void tn_func_type_difference(tn_buffer *out, const tn_func_type *expected,
                             const tn_func_type *given);

#endif
