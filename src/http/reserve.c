#include "http/reserve.h"

#include <fcntl.h>
#include <unistd.h>

void tn_reserve_fill(tn_reserve *reserve) {
  while (reserve->count < reserve->wanted) {
    int descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return;
    reserve->descriptors[reserve->count++] = descriptor;
  }
}

void tn_reserve_release_one(tn_reserve *reserve) {
  if (reserve->count > 0) close(reserve->descriptors[--reserve->count]);
}

void tn_reserve_free(tn_reserve *reserve) {
  while (reserve->count > 0)
    tn_reserve_release_one(reserve);
}
