/* wasi:random. */
#ifndef TN_WASI_RANDOM_RANDOM_H
#define TN_WASI_RANDOM_RANDOM_H

#include "wasi/wasi.h"

/* Defines all interfaces of wasi:random. */
tn_error *tn_wasi_random_define(tn_linker *linker);

/* The interfaces themselves. */
enum { TN_RANDOM_INTERFACE_COUNT = 3 };
extern const tn_host_interface tn_random_interfaces[TN_RANDOM_INTERFACE_COUNT];

#endif
