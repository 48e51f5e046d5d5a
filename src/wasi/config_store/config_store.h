/* wasi:config/store: what the host's configuration says to a guest, as keys and values.
 * https://github.com/WebAssembly/wasi-config */
#ifndef TN_WASI_CONFIG_STORE_CONFIG_STORE_H
#define TN_WASI_CONFIG_STORE_CONFIG_STORE_H

#include "wasi/wasi.h"

tn_error *tn_wasi_config_store_define(tn_linker *linker);

#endif
