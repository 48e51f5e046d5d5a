/* Modules: validation, compilation in parallel, native code in and out. */
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "engine/private.h"

static tn_error *validate(wasm_engine_t *engine, tn_str bytes) {
  wasmtime_error_t *error =
      wasmtime_module_validate(engine, (const uint8_t *)bytes.data, bytes.len);
  return error == NULL ? NULL : tn_engine_fail(error, NULL, TN_ERROR_INVALID);
}

/* Takes `why`. */
static tn_error *beyond_winch(tn_error *why) {
  tn_error *error =
      tn_error_new(TN_ERROR_UNSUPPORTED, "Winch does not support what the module uses: %s",
                   tn_error_get_message(why));
  tn_error_delete(why);
  return tn_error_set_hint(error, "%s", tn_engine_cranelift_hint);
}

/* To Winch's engine a module is invalid that uses what Winch lacks; whether that is so an engine of the other compiler
 * says. */
tn_error *tn_module_validate(tn_core_engine *engine, tn_str bytes) {
  tn_error *error = validate(engine->engine, bytes);
  if (error == NULL || !engine->is_winch) return error;
  wasm_engine_t *cranelift = tn_engine_new_validator();
  tn_error *invalid = cranelift == NULL ? tn_error_no_memory() : validate(cranelift, bytes);
  if (cranelift != NULL) wasm_engine_delete(cranelift);
  if (invalid == NULL) return beyond_winch(error);
  tn_error_delete(invalid);
  return error;
}

/* Takes `module` in any case. */
static tn_error *hand_out(wasmtime_module_t *module, tn_module **out) {
  tn_module *made = tn_malloc(sizeof *made);
  if (made == NULL) {
    wasmtime_module_delete(module);
    return tn_error_no_memory();
  }
  made->module = module;
  *out = made;
  return NULL;
}

void tn_module_delete(tn_module *module) {
  if (module == NULL) return;
  wasmtime_module_delete(module->module);
  tn_free(module);
}

/* ---- compilation ----------------------------------------------------------------------------------- */

/* Work shared by the compiling threads: each takes the next module that nobody has taken. */
typedef struct compilation {
  tn_core_engine *engine;
  const tn_str *bytes;
  size_t count;
  tn_module **out;
  atomic_size_t next;
  _Atomic(tn_error *) error; /* the first one */
} compilation;

static tn_error *compile_one(tn_core_engine *engine, tn_str bytes, tn_module **out) {
  wasmtime_module_t *module = NULL;
  wasmtime_error_t *error =
      wasmtime_module_new(engine->engine, (const uint8_t *)bytes.data, bytes.len, &module);
  if (error == NULL) return hand_out(module, out);
  tn_error *failure = tn_engine_fail(error, NULL, TN_ERROR_UNSUPPORTED);
  /* A valid module that does not compile uses what this compiler does not have. */
  tn_error *invalid = tn_module_validate(engine, bytes);
  if (invalid == NULL) return engine->is_winch ? beyond_winch(failure) : failure;
  tn_error_delete(failure);
  return invalid;
}

static void *compile_all(void *argument) {
  compilation *work = argument;
  while (atomic_load(&work->error) == NULL) {
    size_t i = atomic_fetch_add(&work->next, 1);
    if (i >= work->count) break;
    tn_error *error = compile_one(work->engine, work->bytes[i], &work->out[i]);
    tn_error *none = NULL;
    if (error != NULL && !atomic_compare_exchange_strong(&work->error, &none, error))
      tn_error_delete(error);
  }
  return NULL;
}

enum { MAX_THREADS = 16 };

static size_t helper_count(const tn_core_engine *engine, size_t modules) {
  if (!engine->parallel_compilation || modules < 2) return 0;
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  size_t threads = processors < 1 ? 1 : (size_t)processors;
  if (threads > MAX_THREADS) threads = MAX_THREADS;
  return (threads < modules ? threads : modules) - 1;
}

tn_error *tn_modules_compile(tn_core_engine *engine, const tn_str *bytes, size_t count,
                             tn_module **out) {
  compilation work = {.engine = engine, .bytes = bytes, .count = count, .out = out};
  memset(out, 0, count * sizeof *out);
  pthread_t helpers[MAX_THREADS];
  size_t started = 0;
  size_t wanted = helper_count(engine, count);
  while (started < wanted && pthread_create(&helpers[started], NULL, compile_all, &work) == 0)
    started++;
  compile_all(&work); /* also alone, when there are no threads to be had */
  for (size_t i = 0; i < started; i++)
    pthread_join(helpers[i], NULL);
  tn_error *error = atomic_load(&work.error);
  if (error == NULL) return NULL;
  for (size_t i = 0; i < count; i++) {
    tn_module_delete(out[i]);
    out[i] = NULL;
  }
  return error;
}

/* ---- native code ----------------------------------------------------------------------------------- */

tn_error *tn_module_serialize(const tn_module *module, uint8_t **out, size_t *size) {
  wasm_byte_vec_t native;
  wasmtime_error_t *error = wasmtime_module_serialize(module->module, &native);
  if (error != NULL) return tn_engine_fail(error, NULL, TN_ERROR_INTERNAL);
  uint8_t *copy = tn_malloc(native.size);
  if (copy != NULL) {
    memcpy(copy, native.data, native.size);
    *out = copy;
    *size = native.size;
  }
  wasm_byte_vec_delete(&native);
  return copy != NULL ? NULL : tn_error_no_memory();
}

tn_error *tn_module_load(tn_core_engine *engine, tn_str native, tn_module **out) {
  wasmtime_module_t *module = NULL;
  wasmtime_error_t *error = wasmtime_module_deserialize(
      engine->engine, (const uint8_t *)native.data, native.len, &module);
  if (error != NULL) return tn_engine_fail(error, NULL, TN_ERROR_MALFORMED);
  return hand_out(module, out);
}

tn_error *tn_module_load_in_place(tn_core_engine *engine, tn_str native, tn_module **out) {
  wasmtime_module_t *module = NULL;
  wasmtime_error_t *error =
      tenon_module_load_in_place(engine->engine, (const uint8_t *)native.data, native.len, &module);
  if (error != NULL) return tn_engine_fail(error, NULL, TN_ERROR_MALFORMED);
  return hand_out(module, out);
}
