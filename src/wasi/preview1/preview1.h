/* wasi_snapshot_preview1, natively: core functions over the same operations as WASI 0.2. */
#ifndef TN_WASI_PREVIEW1_PREVIEW1_H
#define TN_WASI_PREVIEW1_PREVIEW1_H

#include "wasi/wasi.h"

/* Defines the module wasi_snapshot_preview1. Its functions work on the memory in slot 0 of the runtime. */
tn_error *tn_preview1_define(tn_linker *linker);

typedef struct tn_preview1 tn_preview1;
/* Closes what the guest left open. */
void tn_preview1_delete(tn_preview1 *preview1);

#endif
