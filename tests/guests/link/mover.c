/* Gives shelves of wit/link.wit away to the component that has them, without generated bindings. */
#include <string.h>

#include "stock.h"

#define STOCK  "guests:link/stock"
#define MOVING "guests:link/moving"

struct moved {
  struct string label;
  uint32_t discarded;
};

IMPORT(STOCK, "[constructor]shelf") int32_t construct(const char *label, size_t length);
IMPORT(STOCK, "[method]shelf.label") void get_label(int32_t shelf, struct string *result);
IMPORT(STOCK, "[method]shelf.put")
void put(int32_t shelf, const char *name, size_t length, uint32_t amount, int unit, int marks);
IMPORT(MOVING, "merge") int32_t merge(int32_t one, int32_t other);
IMPORT(MOVING, "discard") uint32_t discard(const int32_t *shelves, size_t count);

static int32_t shelf_with(const char *label, const char *goods) {
  int32_t shelf = construct(label, strlen(label));
  put(shelf, goods, strlen(goods), 1, PIECE, 0);
  return shelf;
}

EXPORT("move") const struct moved *move(void) {
  static struct moved moved;
  int32_t both = merge(shelf_with("attic", "trunk"), shelf_with("hall", "coat"));
  get_label(both, &moved.label);
  int32_t rest[] = {both, shelf_with("yard", "bike")};
  moved.discarded = discard(rest, 2);
  return &moved;
}

EXPORT("cabi_post_move") void move_done(const struct moved *moved) {
  free(moved->label.text);
}
