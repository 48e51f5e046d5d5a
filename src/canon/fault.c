#include "canon/fault.h"

#include "canon/transfer.h"

static const char *const messages[] = {
    [TN_FAULT_CANNOT_LEAVE] = "cannot leave component instance",
    [TN_FAULT_UNALIGNED] = "unaligned pointer",
    [TN_FAULT_OUT_OF_BOUNDS] = "out of bounds memory access",
    [TN_FAULT_STRING_BOUNDS] =
        "string content out-of-bounds (string pointer/length out of bounds of memory)",
    [TN_FAULT_LIST_BOUNDS] =
        "list content out-of-bounds (list pointer/length out of bounds of memory)",
    [TN_FAULT_REALLOC_UNALIGNED] = "unaligned pointer (realloc return: result not aligned)",
    [TN_FAULT_REALLOC_ARGUMENT] =
        "argument content out-of-bounds (realloc return: beyond end of memory)",
    [TN_FAULT_REALLOC_STRING] =
        "string content out-of-bounds (realloc return: beyond end of memory)",
    [TN_FAULT_REALLOC_LIST] = "list content out-of-bounds (realloc return: beyond end of memory)",
    [TN_FAULT_DISCRIMINANT] = "invalid variant discriminant",
    [TN_FAULT_CHAR] = "invalid `char` bit pattern",
};

tn_error *tn_fault_error(tn_fault fault) {
  return tn_trap("%s", messages[fault]);
}
