/* wasi:sockets: TCP, UDP and name lookup. */
#ifndef TN_WASI_SOCKETS_SOCKETS_H
#define TN_WASI_SOCKETS_SOCKETS_H

#include "tenon.h"
#include "wasi/wasi.h"

/* Defines all interfaces of wasi:sockets. */
tn_error *tn_wasi_sockets_define(tn_linker *linker);
/* Frees the object of a slot of one of the sockets' kinds (NETWORK to RESOLVE_ADDRESSES) that the guest left
 * behind: for tn_wasi_delete, in any order. */
void tn_wasi_sockets_close(tn_slot_kind kind, void *object);

#endif
