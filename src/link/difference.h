/* Where two types that should be equal differ, for messages. */
#ifndef TN_LINK_DIFFERENCE_H
#define TN_LINK_DIFFERENCE_H

#include "base/buffer.h"
#include "component/type.h"

/* Two resources of one name. */
typedef struct tn_resource_pair {
  const tn_resource *expected, *given; /* NULL: this is not the difference */
} tn_resource_pair;

/* "parameter `shape`, case `rect`: expected `f32`, given `f64`": the first difference of two function types that are
 * not equal. Short, however large the types are. What tells two resources of one name apart goes to *pair, and is the
 * end of the text. */
void tn_func_type_difference(tn_buffer *out, const tn_func_type *expected,
                             const tn_func_type *given, tn_resource_pair *pair);

#endif
