/* wasi:random. */
#ifndef TN_WASI_RANDOM_RANDOM_H
#define TN_WASI_RANDOM_RANDOM_H

#include "wasi/wasi.h"

/* Defines all interfaces of wasi:random. */
tn_error *tn_wasi_random_define(tn_linker *linker);

#endif
