/* The traps of the canonical ABI that both the interpreter and the adapters raise, with one wording.
 * Internal to src/canon/. */
#ifndef TN_CANON_FAULT_H
#define TN_CANON_FAULT_H

#include "tenon.h"

typedef enum tn_fault {
  TN_FAULT_CANNOT_LEAVE,
  TN_FAULT_UNALIGNED,
  TN_FAULT_OUT_OF_BOUNDS,
  TN_FAULT_STRING_BOUNDS,
  TN_FAULT_LIST_BOUNDS,
  TN_FAULT_REALLOC_UNALIGNED,
  TN_FAULT_REALLOC_ARGUMENT, /* what realloc returned has no room for the parameters, a string, a list */
  TN_FAULT_REALLOC_STRING,
  TN_FAULT_REALLOC_LIST,
  TN_FAULT_DISCRIMINANT,
  TN_FAULT_CHAR,
  TN_FAULT_COUNT,                         /* of those that always say the same */
  TN_FAULT_CANNOT_ENTER = TN_FAULT_COUNT, /* names an instance */
} tn_fault;

/* Any but TN_FAULT_CANNOT_ENTER. */
tn_error *tn_fault_error(tn_fault fault) __attribute__((cold));

#endif
