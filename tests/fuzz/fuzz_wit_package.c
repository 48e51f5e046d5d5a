/* Reads arbitrary text as a package of WIT: the first byte chooses features, a zero byte ends a
 * file. What is printed of a package reads back, and is printed as the same. The JSON form is
 * printed as well. */
#include <stdlib.h>

#include "base/buffer.h"
#include "wit/package/package.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_FILES = 4 };

/* One reading. Invariant: the set is in the arena. */
typedef struct reading {
  tn_arena arena;
  tn_wit_set set;
  tn_wit_package *package;
} reading;

static void start(reading *r, uint8_t features) {
  *r = (reading){.set.all_features = (features & 1) != 0};
  r->set.arena = &r->arena;
  if ((features & 2) == 0) return;
  tn_str *slot = TN_VEC_PUSH(&r->arena, &r->set.features);
  if (slot == NULL) abort();
  *slot = TN_STR("x");
}

static uint32_t split(tn_str text, tn_wit_source *sources) {
  static const char *const names[MAX_FILES] = {"a.wit", "b.wit", "c.wit", "d.wit"};
  uint32_t count = 0;
  for (size_t at = 0; at <= text.len && count < MAX_FILES; count++) {
    size_t end = tn_str_find(text, '\0', at);
    sources[count] = (tn_wit_source){tn_str_from(names[count]), tn_str_slice(text, at, end)};
    at = end + 1;
  }
  return count;
}

static void print(const reading *r, tn_buffer *out) {
  if (tn_wit_print_package(out, &r->set, r->package, true) != NULL || out->failed) abort();
}

static void print_json(const reading *r) {
  tn_buffer out = {0};
  if (tn_wit_print_package_json(&out, &r->set, r->package) != NULL) abort();
  tn_buffer_free(&out);
}

static void check_printed(const reading *r, uint8_t features) {
  reading again;
  tn_buffer first = {0};
  tn_buffer second = {0};
  start(&again, features);
  print(r, &first);
  tn_wit_source source = {TN_STR("printed.wit"), tn_buffer_str(&first)};
  if (tn_wit_parse_package(&again.set, &source, 1, &again.package) != NULL) abort();
  print(&again, &second);
  if (!tn_str_equal(tn_buffer_str(&first), tn_buffer_str(&second))) abort();
  tn_buffer_free(&first);
  tn_buffer_free(&second);
  tn_arena_free(&again.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  reading r;
  tn_wit_source sources[MAX_FILES];
  start(&r, data[0]);
  uint32_t count = split((tn_str){(const char *)data + 1, size - 1}, sources);
  tn_error *error = tn_wit_parse_package(&r.set, sources, count, &r.package);
  if (error == NULL) {
    check_printed(&r, data[0]);
    print_json(&r);
  }
  tn_error_delete(error);
  tn_arena_free(&r.arena);
  return 0;
}
