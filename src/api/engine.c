#include "api/api.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

void tn_engine_options_init(tn_engine_options *options) {
  *options = (tn_engine_options){
      .compiler = TN_COMPILER_CRANELIFT,
      .optimize = 1,
      .epoch_interruption = true,
      .pool_instances = 1000,
      .pool_memory_bytes = (uint64_t)4 << 30,
      .max_stack_bytes = 512 * 1024,
      .parallel_compilation = true,
      .max_cache_bytes = (uint64_t)1 << 30,
  };
}

static char *copy_or_null(const char *text) {
  size_t size = strlen(text) + 1;
  char *copy = tn_malloc(size);
  if (copy != NULL) memcpy(copy, text, size);
  return copy;
}

tn_error *tn_engine_new(const tn_engine_options *options, tn_engine **out) {
  tn_engine *engine = tn_calloc(1, sizeof *engine);
  if (engine == NULL) return tn_error_no_memory();
  atomic_init(&engine->references, 1);
  engine->consume_fuel = options->consume_fuel;
  engine->epoch_interruption = options->epoch_interruption;
  tn_error *error = NULL;
  if (options->cache_directory != NULL) {
    engine->cache_directory = copy_or_null(options->cache_directory);
    if (engine->cache_directory == NULL) error = tn_error_no_memory();
  }
  if (error == NULL) error = tn_core_engine_new(options, &engine->core);
  if (error != NULL) {
    tn_engine_delete(engine);
    return error;
  }
  *out = engine;
  return NULL;
}

tn_engine *tn_engine_retain(tn_engine *engine) {
  atomic_fetch_add_explicit(&engine->references, 1, memory_order_relaxed);
  return engine;
}

void tn_engine_delete(tn_engine *engine) {
  if (engine == NULL ||
      atomic_fetch_sub_explicit(&engine->references, 1, memory_order_acq_rel) != 1)
    return;
  if (engine->core != NULL) tn_core_engine_delete(engine->core);
  tn_free(engine->cache_directory);
  tn_free(engine);
}

tn_error *tn_text_to_binary(tn_str text, uint8_t **out, size_t *size) {
  return tn_core_text_to_binary(text, out, size);
}

void tn_release(void *bytes) {
  tn_free(bytes);
}
