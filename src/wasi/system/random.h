/* Random bytes: the system's, or a sequence that a seed determines. */
#ifndef TN_WASI_SYSTEM_RANDOM_H
#define TN_WASI_SYSTEM_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tenon.h"

/* One guest's generator. Invariant: without a seed the other members are not used; with one, the sequence is
 * the ChaCha20 key stream of the seed, cut into blocks, of which bytes[next..] have not been handed out. */
typedef struct tn_random {
  bool is_seeded;
  uint64_t seed;
  uint64_t block; /* of the sequence, to be made next */
  uint16_t next;
  uint8_t bytes[256];
} tn_random;

void tn_random_init(tn_random *random, bool is_seeded, uint64_t seed);
tn_error *tn_random_fill(tn_random *random, uint8_t *out, size_t size);

#endif
