#include "wasi/system/random.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include <sodium.h>

#include "base/error.h"

void tn_random_init(tn_random *random, bool is_seeded, uint64_t seed) {
  random->is_seeded = is_seeded;
  random->seed = seed;
  random->block = 0;
  random->next = sizeof random->bytes;
}

static void next_block(tn_random *random) {
  uint8_t key[crypto_stream_chacha20_KEYBYTES] = "seeded random numbers of a guest";
  uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
  _Static_assert(sizeof nonce == sizeof random->block, "the block's number is the nonce");
  for (unsigned i = 0; i < 8; i++) {
    key[i] ^= (uint8_t)(random->seed >> (8 * i));
    nonce[i] = (uint8_t)(random->block >> (8 * i));
  }
  crypto_stream_chacha20(random->bytes, sizeof random->bytes, nonce, key);
  random->block++;
  random->next = 0;
}

static tn_error *fill_from_system(uint8_t *out, size_t size) {
  while (size > 0) {
    ssize_t count = getrandom(out, size, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return tn_error_new(TN_ERROR_IO, "random numbers: %s", strerror(errno));
    out += count;
    size -= (size_t)count;
  }
  return NULL;
}

tn_error *tn_random_fill(tn_random *random, uint8_t *out, size_t size) {
  if (!random->is_seeded) return fill_from_system(out, size);
  while (size > 0) {
    if (random->next == sizeof random->bytes) next_block(random);
    size_t count = sizeof random->bytes - random->next;
    if (count > size) count = size;
    memcpy(out, random->bytes + random->next, count);
    random->next += (uint16_t)count;
    out += count;
    size -= count;
  }
  return NULL;
}
