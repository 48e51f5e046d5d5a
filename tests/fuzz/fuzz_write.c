/* What decodes and validates is written to bytes that decode, validate and are written again as the same bytes. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/error.h"
#include "component/component.h"
#include "component/write/write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_and_read_back(const tn_component_ast *component) {
  tn_arena arena = {0};
  tn_arena scratch = {0};
  tn_buffer first = {0};
  tn_buffer second = {0};
  const tn_component_ast *again;
  if (tn_component_write(&first, component) != NULL) abort();
  if (tn_component_decode(&arena, tn_buffer_str(&first), &again) != NULL) abort();
  if (tn_component_validate(&scratch, again) != NULL) abort();
  if (tn_component_write(&second, again) != NULL) abort();
  if (!tn_str_equal(tn_buffer_str(&first), tn_buffer_str(&second))) abort();
  tn_buffer_free(&second);
  tn_buffer_free(&first);
  tn_arena_free(&scratch);
  tn_arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  tn_arena arena = {0};
  tn_arena scratch = {0};
  const tn_component_ast *component;
  tn_error *error = tn_component_decode(&arena, (tn_str){(const char *)data, size}, &component);
  if (error == NULL) error = tn_component_validate(&scratch, component);
  if (error == NULL) write_and_read_back(component);
  tn_error_delete(error);
  tn_arena_free(&scratch);
  tn_arena_free(&arena);
  return 0;
}
