/* A stock of goods: exports `stock` of wit/link.wit without generated bindings. The strings of goods and labels
   live as long as the program. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stock.h"

#define STOCK  "guests:link/stock#"
#define MOVING "guests:link/moving#"

struct shelf {
  struct string label;
  struct items items;
};

IMPORT("[export]guests:link/stock", "[resource-new]shelf")
int32_t shelf_handle(struct shelf *shelf);
IMPORT("[export]guests:link/stock", "[resource-rep]shelf") struct shelf *shelf_of(int32_t handle);
IMPORT("[export]guests:link/stock", "[resource-drop]shelf") void drop_shelf(int32_t handle);

static void append(struct shelf *shelf, const struct item *goods, uint32_t count) {
  struct items *items = &shelf->items;
  items->first = cabi_realloc(items->first, 0, 4, (items->count + count) * sizeof(struct item));
  if (count > 0) memcpy(items->first + items->count, goods, count * sizeof(struct item));
  items->count += count;
}

static struct item *find(struct shelf *shelf, struct string name) {
  for (uint32_t i = 0; i < shelf->items.count; i++) {
    struct item *item = &shelf->items.first[i];
    if (item->name.length == name.length && memcmp(item->name.text, name.text, name.length) == 0)
      return item;
  }
  return NULL;
}

static int32_t new_shelf(struct string label) {
  struct shelf *shelf = cabi_realloc(NULL, 0, 4, sizeof(struct shelf));
  *shelf = (struct shelf){.label = label};
  return shelf_handle(shelf);
}

EXPORT(STOCK "[constructor]shelf") int32_t construct(char *text, uint32_t length) {
  return new_shelf((struct string){text, length});
}

EXPORT(STOCK "[dtor]shelf") void destroy(struct shelf *shelf) {
  free(shelf->items.first);
  free(shelf);
}

EXPORT(STOCK "[method]shelf.label") const struct string *label(struct shelf *shelf) {
  return &shelf->label;
}

EXPORT(STOCK "[method]shelf.put")
void put(struct shelf *shelf, char *name, uint32_t length, uint32_t amount, uint8_t unit,
         uint8_t marks) {
  struct item goods = {{name, length}, amount, unit, marks};
  append(shelf, &goods, 1);
}

static struct amount_or_reason refuse(struct string name, const char *format, unsigned amount) {
  struct amount_or_reason result = {.failed = 1};
  result.reason.text = cabi_realloc(NULL, 0, 1, name.length + 32);
  int used = snprintf(result.reason.text, 32, format, amount);
  memcpy(result.reason.text + used, name.text, name.length);
  result.reason.length = (uint32_t)used + name.length;
  return result;
}

static struct amount_or_reason apply(struct shelf *shelf, struct string name, int change,
                                     uint32_t number, uint32_t size) {
  struct item *item = find(shelf, name);
  if (!item) return refuse(name, "no ", 0);
  if (change == TAKE && number > item->amount) return refuse(name, "only %u ", item->amount);
  if (change == ADD)
    item->amount += number;
  else if (change == TAKE)
    item->amount -= number;
  else if (change == RENAME)
    item->name = (struct string){(char *)(uintptr_t)number, size};
  else if (change == MARK)
    item->marks = (uint8_t)number;
  else
    item->amount = 0;
  return (struct amount_or_reason){.amount = item->amount};
}

EXPORT(STOCK "[method]shelf.change")
const struct amount_or_reason *change(struct shelf *shelf, char *name, uint32_t length, int change,
                                      uint32_t number, uint32_t size) {
  static struct amount_or_reason result;
  result = apply(shelf, (struct string){name, length}, change, number, size);
  return &result;
}

EXPORT("cabi_post_" STOCK "[method]shelf.change")
void change_done(const struct amount_or_reason *result) {
  if (result->failed) free(result->reason.text);
}

EXPORT(STOCK "[method]shelf.find")
const struct maybe_item *find_item(struct shelf *shelf, char *name, uint32_t length) {
  static struct maybe_item result;
  struct item *item = find(shelf, (struct string){name, length});
  result = item ? (struct maybe_item){1, *item} : (struct maybe_item){0};
  return &result;
}

EXPORT(STOCK "[method]shelf.items") const struct items *items(struct shelf *shelf) {
  return &shelf->items;
}

EXPORT(STOCK "[static]shelf.join")
int32_t join(const struct shelf *one, const struct shelf *other) {
  struct string label = {.length = one->label.length + 5 + other->label.length};
  label.text = cabi_realloc(NULL, 0, 1, label.length);
  memcpy(label.text, one->label.text, one->label.length);
  memcpy(label.text + one->label.length, " and ", 5);
  memcpy(label.text + one->label.length + 5, other->label.text, other->label.length);
  int32_t handle = new_shelf(label);
  struct shelf *both = shelf_of(handle);
  append(both, one->items.first, one->items.count);
  append(both, other->items.first, other->items.count);
  return handle;
}

/* What is owned comes as a handle, what is borrowed as the shelf itself. */
EXPORT(MOVING "merge") int32_t merge(int32_t one, int32_t other) {
  int32_t both = join(shelf_of(one), shelf_of(other));
  drop_shelf(one);
  drop_shelf(other);
  return both;
}

EXPORT(MOVING "discard") uint32_t discard(int32_t *shelves, uint32_t count) {
  uint32_t kinds = 0;
  for (uint32_t i = 0; i < count; i++) {
    kinds += shelf_of(shelves[i])->items.count;
    drop_shelf(shelves[i]);
  }
  if (count > 0) free(shelves);
  return kinds;
}

EXPORT(STOCK "count") uint32_t count(const struct item *items, uint32_t length, int unit) {
  uint32_t result = 0;
  for (uint32_t i = 0; i < length; i++)
    result += items[i].unit == unit;
  return result;
}
