/* Reads arbitrary bytes as a WIT package in binary form, or as a component, into the model of packages; as
 * they are, so that what only validation would refuse comes that far, too. What can be read and written is
 * read again, valid, and says the same. */
#include <stdlib.h>

#include "component/component.h"
#include "wit/package/package.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Compares two packages in the way `tenon wit diff` does. */
static void expect_equal(tn_arena *arena, const tn_wit_package *a, const tn_wit_package *b) {
  tn_wit_changes changes;
  if (tn_wit_compare(arena, a, b, &changes) != NULL) abort();
  if (changes.len != 0) abort();
}

/* The bytes of a package again as a package. */
static tn_wit_package *read_again(tn_arena *arena, tn_wit_set *set, tn_str bytes) {
  const tn_component_ast *component;
  tn_wit_package *package = NULL;
  if (tn_component_decode(arena, bytes, &component) != NULL) abort();
  if (tn_component_validate(arena, component) != NULL) abort();
  if (!tn_wit_is_binary_package(component)) return NULL; /* it has neither interfaces nor worlds */
  if (tn_wit_decode(set, component, &package) != NULL) abort();
  return package;
}

static void write_and_read(tn_arena *arena, const tn_wit_package *package) {
  tn_wit_set sets[2] = {{.arena = arena}, {.arena = arena}};
  tn_buffer first = {0};
  tn_buffer second = {0};
  tn_error *error = tn_wit_encode_package(&first, package);
  if (error != NULL) {
    tn_error_delete(error);
    return;
  }
  const tn_wit_package *again = read_again(arena, &sets[0], tn_buffer_str(&first));
  if (again != NULL) {
    if (tn_wit_encode_package(&second, again) != NULL) abort();
    const tn_wit_package *third = read_again(arena, &sets[1], tn_buffer_str(&second));
    expect_equal(arena, again, third);
  }
  tn_buffer_free(&first);
  tn_buffer_free(&second);
}

static tn_error *read_and_print(tn_arena *arena, tn_str bytes) {
  tn_arena scratch = {0};
  const tn_component_ast *component;
  tn_wit_set set = {.arena = arena};
  tn_wit_package *package;
  tn_buffer text = {0};
  TN_TRY(tn_component_decode(arena, bytes, &component));
  tn_error *invalid = tn_component_validate(&scratch, component);
  tn_arena_free(&scratch);
  bool is_valid = invalid == NULL;
  tn_error_delete(invalid);
  TN_TRY(tn_wit_decode(&set, component, &package));
  tn_error_delete(tn_wit_print_package(&text, &set, package, true));
  tn_error_delete(tn_wit_print_package_json(&text, &set, package));
  tn_buffer_free(&text);
  if (is_valid && tn_wit_is_binary_package(component)) write_and_read(arena, package);
  return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  tn_arena arena = {0};
  tn_error_delete(read_and_print(&arena, (tn_str){(const char *)data, size}));
  tn_arena_free(&arena);
  return 0;
}
