/* Decodes and validates arbitrary bytes as a component. Whatever they are, that takes bounded time and memory. */
#include "base/arena.h"
#include "base/error.h"
#include "component/component.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  tn_arena arena = {0};
  tn_arena scratch = {0};
  const tn_component_ast *component;
  tn_error *error = tn_component_decode(&arena, (tn_str){(const char *)data, size}, &component);
  if (error == NULL) error = tn_component_validate(&scratch, component);
  tn_error_delete(error);
  tn_arena_free(&scratch);
  tn_arena_free(&arena);
  return 0;
}
