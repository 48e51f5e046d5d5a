/* The types that the fuzz targets for values choose from, and the round trip that they check. */
#ifndef TN_FUZZ_TYPES_H
#define TN_FUZZ_TYPES_H

#include <stdlib.h>

#include "base/error.h"
#include "value/value.h"
#include "wit/wit.h"

static const char fuzz_declarations[] =
    "record point { x: s32, y: option<u8>, %list: string }"
    "variant shape { none, circle(f32), rect(tuple<f64, f64>), maybe(option<u8>), some(result<u8, "
    "string>) }"
    "enum color { red, blue-2, ok, %true } flags mode { read, write, %inf }"
    "record all { a: bool, b: s8, c: u16, d: s64, e: u64, f: char, g: color, h: mode, i: "
    "option<point> }";

static const char *const fuzz_types[] = {
    "string",
    "f64",
    "f32",
    "char",
    "u64",
    "list<u8>",
    "list<list<string>>",
    "list<u16, 3>",
    "map<string, u8>",
    "map<u8, list<char>>",
    "point",
    "shape",
    "color",
    "mode",
    "list<all>",
    "option<option<shape>>",
    "result<list<point>, mode>",
    "tuple<bool, shape, mode, point, f32>",
};

/* The type that the first byte stands for. */
static const tn_type *fuzz_choose_type(tn_arena *arena, uint8_t first) {
  tn_wit_scope scope = {.arena = arena};
  const tn_type *type = NULL;
  tn_error *error = tn_wit_parse_types(&scope, TN_STR(fuzz_declarations));
  if (error != NULL) abort();
  error = tn_wit_parse_type(
      &scope, tn_str_from(fuzz_types[first % (sizeof fuzz_types / sizeof *fuzz_types)]), &type);
  if (error != NULL) abort();
  return type;
}

typedef tn_error *(*fuzz_parse_func)(tn_arena *arena, const tn_type *type, tn_str text, void *out);
typedef void (*fuzz_print_func)(tn_buffer *out, const tn_type *type, const void *value);

/* What can be read prints as something that reads back equal. */
static inline int fuzz_round_trip(const uint8_t *data, size_t size, fuzz_parse_func parse,
                                  fuzz_print_func print) {
  if (size == 0) return 0;
  tn_arena arena = {0};
  const tn_type *type = fuzz_choose_type(&arena, data[0]);
  void *value = tn_value_new(&arena, type);
  void *again = tn_value_new(&arena, type);
  if (value == NULL || again == NULL) abort();
  tn_error *error = parse(&arena, type, (tn_str){(const char *)data + 1, size - 1}, value);
  if (error == NULL) {
    tn_buffer out = {0};
    print(&out, type, value);
    if (parse(&arena, type, tn_buffer_str(&out), again) != NULL) abort();
    if (!tn_value_equal(type, value, again)) abort();
    tn_buffer_free(&out);
  }
  tn_error_delete(error);
  tn_arena_free(&arena);
  return 0;
}

#endif
