/* Descriptors that are kept back, for when a process has no others left. */
#ifndef TN_HTTP_RESERVE_H
#define TN_HTTP_RESERVE_H

#include <stdbool.h>
#include <stdint.h>

enum { TN_RESERVE_MOST = 16 };

/* Zeroed: keeps none. Invariant: count <= wanted <= TN_RESERVE_MOST. */
typedef struct tn_reserve {
  uint32_t wanted;
  uint32_t count;
  int descriptors[TN_RESERVE_MOST];
} tn_reserve;

/* Takes as many as are wanted, as far as there are any. Cheap when there is nothing to do. */
void tn_reserve_fill(tn_reserve *reserve);
/* Gives one back to the process, for whoever asks for one next. */
void tn_reserve_release_one(tn_reserve *reserve);
void tn_reserve_free(tn_reserve *reserve);

#endif
