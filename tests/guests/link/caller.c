/* Takes the tour of wit/link.wit through a stock that another component has, without generated bindings. */
#include <stdlib.h>
#include <string.h>

#include "stock.h"

#define STOCK "guests:link/stock"

struct seen {
  struct string label;
  struct amount_or_reason added;
  struct amount_or_reason refused;
  struct maybe_item found;
  struct maybe_item missing;
  struct items items;
  uint32_t pieces;
};

IMPORT(STOCK, "[constructor]shelf") int32_t construct(const char *label, size_t length);
IMPORT(STOCK, "[resource-drop]shelf") void drop(int32_t shelf);
IMPORT(STOCK, "[method]shelf.label") void get_label(int32_t shelf, struct string *result);
IMPORT(STOCK, "[method]shelf.put")
void put_item(int32_t shelf, const char *name, size_t length, uint32_t amount, int unit, int marks);
IMPORT(STOCK, "[method]shelf.change")
void change_item(int32_t shelf, const char *name, size_t length, int change, uint32_t number,
                 size_t size, struct amount_or_reason *result);
IMPORT(STOCK, "[method]shelf.find")
void find_item(int32_t shelf, const char *name, size_t length, struct maybe_item *result);
IMPORT(STOCK, "[method]shelf.items") void get_items(int32_t shelf, struct items *result);
IMPORT(STOCK, "[static]shelf.join") int32_t join(int32_t one, int32_t other);
IMPORT(STOCK, "count") uint32_t count(const struct item *items, uint32_t length, int unit);

static int32_t new_shelf(const char *label) {
  return construct(label, strlen(label));
}

static void put(int32_t shelf, const char *name, uint32_t amount, enum unit unit, int marks) {
  put_item(shelf, name, strlen(name), amount, unit, marks);
}

static struct amount_or_reason change(int32_t shelf, const char *name, enum change change,
                                      uint32_t number) {
  struct amount_or_reason result;
  change_item(shelf, name, strlen(name), change, number, 0, &result);
  return result;
}

static void rename_item(int32_t shelf, const char *name, const char *new_name) {
  struct amount_or_reason result;
  change_item(shelf, name, strlen(name), RENAME, (uint32_t)(uintptr_t)new_name, strlen(new_name),
              &result);
}

static struct maybe_item find(int32_t shelf, const char *name) {
  struct maybe_item result;
  find_item(shelf, name, strlen(name), &result);
  return result;
}

EXPORT("guests:link/tour#take") const struct seen *take(void) {
  static struct seen seen;
  int32_t pantry = new_shelf("pantry"), cellar = new_shelf("cellar");
  put(pantry, "milk", 2, LITRE, FRESH);
  put(pantry, "eggs", 12, PIECE, FRESH | FRAGILE);
  put(cellar, "flour", 1, KILOGRAM, 0);
  put(cellar, "crème fraîche", 3, PIECE, FRESH | FOREIGN);
  seen.added = change(pantry, "milk", ADD, 3);
  seen.refused = change(pantry, "eggs", TAKE, 13);
  rename_item(pantry, "eggs", "ägg");
  change(pantry, "ägg", MARK, FRAGILE | FOREIGN);
  change(cellar, "flour", CLEAR, 0);
  int32_t both = join(pantry, cellar);
  get_label(both, &seen.label);
  seen.found = find(both, "ägg");
  seen.missing = find(both, "eggs");
  get_items(both, &seen.items);
  seen.pieces = count(seen.items.first, seen.items.count, PIECE);
  drop(both);
  drop(cellar);
  drop(pantry);
  return &seen;
}

EXPORT("cabi_post_guests:link/tour#take") void take_done(const struct seen *seen) {
  for (uint32_t i = 0; i < seen->items.count; i++)
    free(seen->items.first[i].name.text);
  free(seen->items.first);
  free(seen->found.item.name.text);
  free(seen->refused.reason.text);
  free(seen->label.text);
}
