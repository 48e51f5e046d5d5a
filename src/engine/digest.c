#include "engine/digest.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <unistd.h>

enum {
  PART_SIZE = 1 << 20,
  GROUP_PARTS = 64, /* parts whose digests are kept at a time: bounds the memory */
  PARTS_PER_THREAD = 4,
  MAX_THREADS = 8,
  LARGE = 128 << 10,
};

typedef struct group {
  tn_str content;
  size_t part_count;
  atomic_size_t next; /* part that nobody has taken */
  uint8_t digests[GROUP_PARTS][TN_DIGEST_SIZE];
} group;

static void *hash_parts(void *argument) {
  group *g = argument;
  for (;;) {
    size_t i = atomic_fetch_add(&g->next, 1);
    if (i >= g->part_count) return NULL;
    tn_str part = tn_str_slice(g->content, i * PART_SIZE, (i + 1) * PART_SIZE);
    crypto_generichash(g->digests[i], TN_DIGEST_SIZE, (const uint8_t *)part.data, part.len, NULL,
                       0);
  }
}

static size_t helper_count(size_t parts) {
  size_t wanted = parts / PARTS_PER_THREAD;
  if (wanted < 2) return 0;
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  size_t threads = processors < 1 ? 1 : (size_t)processors;
  if (threads > MAX_THREADS) threads = MAX_THREADS;
  return (threads < wanted ? threads : wanted) - 1;
}

static void hash_group(group *g) {
  pthread_t helpers[MAX_THREADS];
  size_t started = 0;
  size_t wanted = helper_count(g->part_count);
  atomic_store(&g->next, 0);
  while (started < wanted && pthread_create(&helpers[started], NULL, hash_parts, g) == 0)
    started++;
  hash_parts(g);
  for (size_t i = 0; i < started; i++)
    pthread_join(helpers[i], NULL);
}

void tn_engine_digest(tn_str content, uint8_t out[TN_DIGEST_SIZE]) {
  /* Chooses the fastest code for this CPU, which takes as long as hashing some 40 KiB. Should it fail, the
   * portable code serves. */
  int chosen = content.len >= LARGE ? sodium_init() : 0;
  (void)chosen;
  crypto_generichash_state state;
  crypto_generichash_init(&state, NULL, 0, TN_DIGEST_SIZE);
  uint64_t length = content.len;
  for (tn_str rest = content; rest.len > 0;) {
    group g = {.content = tn_str_slice(rest, 0, (size_t)GROUP_PARTS * PART_SIZE)};
    g.part_count = (g.content.len + PART_SIZE - 1) / PART_SIZE;
    hash_group(&g);
    crypto_generichash_update(&state, g.digests[0], g.part_count * TN_DIGEST_SIZE);
    rest = tn_str_slice(rest, g.content.len, rest.len);
  }
  crypto_generichash_update(&state, (const uint8_t *)&length, sizeof length);
  crypto_generichash_final(&state, out, TN_DIGEST_SIZE);
}
