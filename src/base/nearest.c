#include "base/nearest.h"

#include <stdint.h>

/* Edits (insert, delete, replace) from one to the other; longer names than the room count as far
 * away. */
static size_t edit_distance(tn_str a, tn_str b) {
  enum { ROOM = 40 };
  size_t row[ROOM + 1];
  if (a.len > ROOM || b.len > ROOM) return SIZE_MAX;
  for (size_t j = 0; j <= b.len; j++)
    row[j] = j;
  for (size_t i = 1; i <= a.len; i++) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.len; j++) {
      size_t replace = diagonal + (a.data[i - 1] != b.data[j - 1]);
      size_t shorter = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
      diagonal = row[j];
      row[j] = replace < shorter ? replace : shorter;
    }
  }
  return row[b.len];
}

tn_str tn_nearest_of(tn_str wanted, tn_str best, tn_str candidate) {
  size_t distance = edit_distance(wanted, candidate);
  if (distance > wanted.len / 3 + 1) return best;
  return best.data == NULL || distance < edit_distance(wanted, best) ? candidate : best;
}
