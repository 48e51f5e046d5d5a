/* WASI: one instance's state and the entry points. An instance of several linked components has one tn_wasi for each that
 * has rights of its own: handles are common to them, what they may open is not. The operations beneath preview 1 and 0.2 are the same C
 * functions (src/wasi/system/); each package folder offers them in its own shape.
 *
 * All policy (clocks, random, directories, network, output limits) belongs to the tn_wasi of one instance;
 * nothing is process-wide. */
#ifndef TN_WASI_WASI_H
#define TN_WASI_WASI_H

#include "base/kept.h"
#include "canon/canon.h"
#include "link/linker.h"
#include "loop/loop.h"
#include "tenon.h"

typedef struct tn_wasi tn_wasi;

/* Makes the state of one instance. `guest` is whose waits they are and outlives it, as does `config`. */
tn_error *tn_wasi_new(const tn_wasi_config *config, tn_guest *guest, tn_wasi **out);
/* Ends it as tn_wasi_delete does, and makes it new with the memory that it has. */
void tn_wasi_renew(tn_wasi *wasi, const tn_wasi_config *config, tn_guest *guest);
/* Gives the components that the guest is linked with rights of their own, `configs` by tn_call_rights - 1 (NULL: none).
 * Made new or renewed before. Handles may pass from one to another, and the clock is one for all. Without a seed of its
 * own a component's random numbers follow from the seed of `wasi`, if that has one. */
tn_error *tn_wasi_link(tn_wasi *wasi, const tn_wasi_config *const *configs, uint32_t count);
/* Closes everything that the guest left open; what is left can be renewed or deleted. */
void tn_wasi_end(tn_wasi *wasi);
/* What output callbacks without data of their own get: the instance's `user`. */
void tn_wasi_set_user(tn_wasi *wasi, void *user);
/* Closes everything that the guest left open. */
void tn_wasi_delete(tn_wasi *wasi);

/* Defines all of WASI 0.2 (cli, clocks, filesystem, http, io, random, sockets) and wasi_snapshot_preview1 in the
 * linker. The functions find their tn_wasi in runtime->states[TN_STATE_WASI], that of the
 * instance, and that of the caller by tn_wasi_of_call. */
tn_error *tn_wasi_define(tn_linker *linker);

enum { TN_DENIED_TO_ALL = UINT32_MAX };
/* What tn_linker_deny (tenon/exec.h) says, for the component that tn_call_rights gives this of, or for all. */
tn_error *tn_wasi_deny(tn_linker *linker, uint32_t rights, unsigned services, const char *hint);

static inline tn_wasi *tn_wasi_of(tn_runtime *runtime) {
  return runtime->states[TN_STATE_WASI];
}

/* Of whoever calls: what a function may do that is not already in a handle that it is given. */
tn_wasi *tn_wasi_of_call(tn_call *call);

/* ---- host resources: representation <-> object -------------------------------------------------- */

/* What a slot holds; each package has its own kinds, so that a representation can be checked. */
typedef enum tn_slot_kind {
  TN_SLOT_FREE,
  TN_SLOT_ERROR,        /* wasi:io/error */
  TN_SLOT_POLLABLE,     /* wasi:io/poll */
  TN_SLOT_INPUT_STREAM, /* wasi:io/streams */
  TN_SLOT_OUTPUT_STREAM,
  TN_SLOT_TERMINAL_INPUT, /* wasi:cli/terminal-* */
  TN_SLOT_TERMINAL_OUTPUT,
  TN_SLOT_DESCRIPTOR, /* wasi:filesystem/types */
  TN_SLOT_DIRECTORY_STREAM,
  TN_SLOT_NETWORK, /* wasi:sockets */
  TN_SLOT_TCP_SOCKET,
  TN_SLOT_UDP_SOCKET,
  TN_SLOT_INCOMING_DATAGRAMS,
  TN_SLOT_OUTGOING_DATAGRAMS,
  TN_SLOT_RESOLVE_ADDRESSES,
  TN_SLOT_HTTP, /* kinds above this one are src/wasi/http's */
} tn_slot_kind;

/* Takes a slot for `object` (not owned), whose own size is counted with the slot unless it is large; TN_ERROR_LIMIT when
 * there are too many, TN_ERROR_MEMORY_LIMIT when too much is kept for the guest. */
tn_error *tn_wasi_slot_add(tn_wasi *wasi, tn_slot_kind kind, void *object,
                           uint32_t *representation);
/* The object of a live representation; representations come from our own handle tables, so a mismatch is a
 * bug: asserts. */
void *tn_wasi_slot_get(tn_wasi *wasi, tn_slot_kind kind, uint32_t representation);
void tn_wasi_slot_remove(tn_wasi *wasi, uint32_t representation);

/* ---- services of the instance ------------------------------------------------------------------- */

tn_guest *tn_wasi_guest(tn_wasi *wasi);
tn_loop *tn_wasi_loop(tn_wasi *wasi);
uint64_t tn_wasi_monotonic_now(tn_wasi *wasi);
uint64_t tn_wasi_wall_now(tn_wasi *wasi);
/* The deadline of a real timer for `deadline` of the guest's monotonic clock; for a clock of its own, moves
 * that clock to it and returns 0 (already over). */
uint64_t tn_wasi_real_deadline(tn_wasi *wasi, uint64_t deadline);
/* What the host keeps for the guest of the instance; made and renewed without a limit. */
tn_kept *tn_wasi_kept(tn_wasi *wasi);
/* Fills with random bytes by the instance's policy. */
tn_error *tn_wasi_random(tn_wasi *wasi, void *out, size_t size);

/* Network policy. `address` is what is about to be connected to, bound or sent to. */
struct sockaddr;
bool tn_wasi_may_use_address(tn_wasi *wasi, unsigned operation, const struct sockaddr *address);
/* Whether the name may be looked up; the addresses that come out are remembered as allowed when the rule
 * named the host. */
bool tn_wasi_may_resolve(tn_wasi *wasi, tn_str name);
void tn_wasi_note_resolved(tn_wasi *wasi, tn_str name, const struct sockaddr *address);

#endif
