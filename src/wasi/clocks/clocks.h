/* wasi:clocks: the monotonic and the wall clock of an instance. */
#ifndef TN_WASI_CLOCKS_CLOCKS_H
#define TN_WASI_CLOCKS_CLOCKS_H

#include "wasi/wasi.h"

/* Defines all interfaces of wasi:clocks. */
tn_error *tn_wasi_clocks_define(tn_linker *linker);

/* The interfaces themselves. */
extern const tn_host_interface tn_monotonic_clock_interface;
extern const tn_host_interface tn_wall_clock_interface;
extern const tn_host_interface tn_timezone_interface;

/* record datetime of wasi:clocks/wall-clock, native form. */
typedef struct tn_datetime {
  uint64_t seconds;
  uint32_t nanoseconds;
} tn_datetime;

tn_datetime tn_datetime_from_nanoseconds(uint64_t nanoseconds);
/* Of both clocks, in nanoseconds. */
uint64_t tn_wasi_clock_resolution(tn_wasi *wasi);

#endif
