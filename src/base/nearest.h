/* Which of several names someone may have meant. Pure functions. */
#ifndef TN_BASE_NEAREST_H
#define TN_BASE_NEAREST_H

#include "base/str.h"

/* The nearer of two names to `wanted`: `best` (.data == NULL: none yet) or `candidate`, which
 * counts only if it is near at all. Called for each candidate in turn. */
tn_str tn_nearest_of(tn_str wanted, tn_str best, tn_str candidate);

#endif
