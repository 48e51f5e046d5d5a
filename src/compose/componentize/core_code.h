/* Going through the code of core functions, to find and replace what refers to functions. */
#ifndef TN_COMPOSE_COMPONENTIZE_CORE_CODE_H
#define TN_COMPOSE_COMPONENTIZE_CORE_CODE_H

#include "component/binary/reader.h"

/* Called for each instruction that names a function; [begin, end) is where the number stands. */
typedef tn_error *(*tn_core_visit_func)(void *data, const uint8_t *begin, const uint8_t *end,
                                        uint32_t function);

/* Goes through all instructions up to the end of the reader, which is behind the declarations of local
 * variables. The code is not validated. TN_ERROR_MALFORMED, also for instructions that are not known. */
tn_error *tn_core_visit_code(tn_reader *in, tn_core_visit_func visit, void *data);

/* Steps over the declarations of local variables, with which a body begins. */
tn_error *tn_core_skip_locals(tn_reader *in);

#endif
