/* What a component expects of an interface that nobody provides, in words. */
#ifndef TN_LINK_EXPECTED_H
#define TN_LINK_EXPECTED_H

#include "base/buffer.h"
#include "link/scope.h"

/* "`get: func(key: string) -> option<string>`, the resource `r` and 3 more": on one line of bounded length, in the order
 * of definition. Nothing when there are no functions and resources. */
void tn_link_print_expected(tn_buffer *out, const tn_instance_item *instance);

#endif
