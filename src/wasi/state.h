/* The state behind tn_wasi. Only src/wasi/ looks into it. */
#ifndef TN_WASI_STATE_H
#define TN_WASI_STATE_H

#include "base/kept.h"
#include "wasi/config.h"
#include "wasi/system/descriptor.h"
#include "wasi/system/random.h"
#include "wasi/system/stdio.h"
#include "wasi/wasi.h"

typedef struct tn_preview1 tn_preview1;
typedef struct tn_wasi_http tn_wasi_http;
typedef struct tn_inodes tn_inodes;

/* A slot in use has its object; a free one the number of the next free slot. */
typedef struct tn_slot {
  tn_slot_kind kind;
  uint32_t next;
  void *object;
} tn_slot;

/* Invariants: slots[0] is never used, so that no representation is 0; the free slots form a list from `free`
 * (0: none); what is shared by all components of an instance (slots, clock, http, preview1) is the first one's; output_left is what may still be written to standard output and error together. */
struct tn_wasi {
  const tn_wasi_config *config;
  tn_wasi *first;  /* itself, or the one in whose `linked` it is */
  tn_wasi *linked; /* of the components linked with, see tn_wasi_link */
  uint32_t linked_count;
  tn_guest *guest;
  tn_slot *slots;
  uint32_t slot_count;
  uint32_t slot_cap;
  uint32_t free;
  uint64_t output_left;
  tn_kept kept; /* what the host keeps for the guest; the first one's is for all */
  tn_stdio stdio[3];
  tn_random random;
  tn_resolved_names resolved;
  tn_inodes *inodes;     /* see disguise.h; made when first needed */
  tn_preview1 *preview1; /* made at the first call of preview 1 */
  tn_wasi_http *http;    /* likewise, unless a server has made one, which is its own */
};

/* Counts `size` bytes of standard output or error; TN_ERROR_LIMIT when they may not be written. */
tn_error *tn_wasi_count_output(tn_wasi *wasi, uint64_t size);

#endif
