/* wasi:cli: what a command world offers its program. */
#ifndef TN_WASI_CLI_CLI_H
#define TN_WASI_CLI_CLI_H

#include "wasi/wasi.h"

/* Defines all interfaces of wasi:cli that a command imports. */
tn_error *tn_wasi_cli_define(tn_linker *linker);

/* The interfaces themselves. */
enum { TN_CLI_INTERFACE_COUNT = 10 };
extern const tn_host_interface tn_cli_interfaces[TN_CLI_INTERFACE_COUNT];

#endif
