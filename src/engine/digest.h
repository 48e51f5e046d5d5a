/* A digest of large contents that can be computed on several threads: BLAKE2b over the BLAKE2b digests of
 * its parts of 1 MiB, and its length. */
#ifndef TN_ENGINE_DIGEST_H
#define TN_ENGINE_DIGEST_H

#include <stdint.h>

#include "base/str.h"

enum { TN_DIGEST_SIZE = 32 };

void tn_engine_digest(tn_str content, uint8_t out[TN_DIGEST_SIZE]);

#endif
