/* What the tests of the engine room share. */
#ifndef TN_ENGINE_TEST_H
#define TN_ENGINE_TEST_H

#include "base/alloc.h"
#include "engine/engine.h"
#include "test.h"

static inline tn_engine_options test_options(void) {
  return (tn_engine_options){.optimize = 1,
                             .epoch_interruption = true,
                             .max_stack_bytes = 128 << 10,
                             .parallel_compilation = true};
}

static inline tn_core_engine *test_engine(const tn_engine_options *options) {
  tn_core_engine *engine = NULL;
  assert_ok(tn_core_engine_new(options, &engine));
  return engine;
}

static inline tn_store_limits no_limits(void) {
  return (tn_store_limits){.memory_bytes = UINT64_MAX,
                           .table_elements = UINT64_MAX,
                           .instances = UINT32_MAX,
                           .tables = UINT32_MAX,
                           .memories = UINT32_MAX};
}

static inline tn_store *test_store(tn_core_engine *engine, void *data) {
  tn_store_limits limits = no_limits();
  tn_store *store = NULL;
  assert_ok(tn_store_new(engine, &limits, data, &store));
  return store;
}

static inline tn_module *test_module(tn_core_engine *engine, const char *text) {
  uint8_t *bytes = NULL;
  size_t size = 0;
  assert_ok(tn_core_text_to_binary(tn_str_from(text), &bytes, &size));
  tn_str binary = {(const char *)bytes, size};
  tn_module *module = NULL;
  assert_ok(tn_modules_compile(engine, &binary, 1, &module));
  tn_free(bytes);
  return module;
}

static inline tn_core_func test_func(tn_core_context *context, const tn_core_instance *instance,
                                     const char *name) {
  tn_core_extern item;
  assert_true(tn_core_instance_export(context, instance, tn_str_from(name), &item));
  assert_int_equal(tn_core_extern_get_kind(&item), TN_CORE_EXTERN_FUNC);
  return item.func;
}

#define TEST_I32                                                                                   \
  { 0x7f, 0 }
static const tn_core_valtype test_i32s[] = {TEST_I32, TEST_I32, TEST_I32, TEST_I32};
/* (i32) -> i32 and () -> () */
static const tn_core_func_type test_unary = {1, 1, test_i32s, test_i32s};
static const tn_core_func_type test_nullary = {0, 0, test_i32s, test_i32s};

#endif
