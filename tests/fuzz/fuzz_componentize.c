/* Arbitrary bytes as a core module that becomes a component, as an adapter, and as a component that is
 * stripped and taken apart. What comes out of a valid component is valid. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/error.h"
#include "component/component.h"
#include "component/write/write.h"
#include "compose/componentize/componentize.h"
#include "compose/componentize/core_reduce.h"
#include "compose/strip.h"
#include "compose/unbundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static tn_error *make_component(tn_str bytes) {
  static const tn_componentize_options options;
  tn_buffer out = {0};
  tn_error *error = tn_make_component(&out, bytes, &options);
  tn_buffer_free(&out);
  return error;
}

/* Keeps the exports whose names begin with a small letter of the first half. */
static tn_error *reduce(tn_str bytes) {
  tn_arena arena = {0};
  tn_map exports = {0};
  const tn_core_module *module;
  tn_core_reduction how = {.exports = &exports};
  if (bytes.len % 2 == 0) how.realloc = TN_STR("cabi_realloc");
  tn_str reduced;
  tn_error *error = tn_core_module_read(&arena, bytes, 0, &module);
  for (uint32_t i = 0; error == NULL && i < module->export_count; i++) {
    tn_str name = module->exports[i].name;
    bool is_kept = name.len > 0 && name.data[0] >= 'a' && name.data[0] <= 'm';
    if (is_kept && !tn_map_put(&arena, &exports, name, &exports)) abort();
  }
  if (error == NULL) error = tn_core_reduce(&arena, bytes, &how, &reduced);
  tn_arena_free(&arena);
  return error;
}

static tn_error *take(void *data, const tn_unbundled *module) {
  (void)data;
  (void)module;
  return NULL;
}

static bool keeps_some(void *data, tn_str name) {
  (void)data;
  return name.len % 2 == 0;
}

static void expect_valid(const tn_component_ast *component) {
  tn_arena arena = {0};
  tn_arena scratch = {0};
  tn_buffer out = {0};
  const tn_component_ast *again;
  if (tn_component_write(&out, component) != NULL) abort();
  if (tn_component_decode(&arena, tn_buffer_str(&out), &again) != NULL) abort();
  if (tn_component_validate(&scratch, again) != NULL) abort();
  tn_buffer_free(&out);
  tn_arena_free(&scratch);
  tn_arena_free(&arena);
}

static tn_error *take_apart(tn_str bytes) {
  tn_arena arena = {0};
  tn_arena scratch = {0};
  const tn_component_ast *component, *stripped, *rest;
  tn_error *error = tn_component_decode(&arena, bytes, &component);
  if (error == NULL) error = tn_component_validate(&scratch, component);
  if (error == NULL) error = tn_strip_component(&arena, component, keeps_some, NULL, &stripped);
  if (error == NULL) expect_valid(stripped);
  if (error == NULL) error = tn_unbundle_component(&arena, component, 9, take, NULL, &rest);
  if (error == NULL) expect_valid(rest);
  tn_arena_free(&scratch);
  tn_arena_free(&arena);
  return error;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  tn_str bytes = {(const char *)data, size};
  if (tn_file_kind_of(bytes) == TN_FILE_COMPONENT) {
    tn_error_delete(take_apart(bytes));
  } else {
    tn_error_delete(make_component(bytes));
    tn_error_delete(reduce(bytes));
  }
  return 0;
}
