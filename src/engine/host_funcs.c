/* Host functions that are defined once and used in many stores: a linker of the engine's whose names are
 * numbers. Making a function anew for each store costs microseconds, mostly for its type; fetching one from a
 * linker does not. */
#include <stdio.h>

#include "base/alloc.h"
#include "engine/private.h"

/* Invariant: `linker` defines HOST "0" to HOST "count - 1". */
struct tn_host_funcs {
  wasmtime_linker_t *linker;
  uint32_t count;
};

static const char HOST[] = "host";

typedef struct number_name {
  char text[11];
  size_t length;
} number_name;

static number_name name_of(uint32_t number) {
  number_name name;
  name.length = (size_t)snprintf(name.text, sizeof name.text, "%u", number);
  return name;
}

tn_error *tn_host_funcs_new(tn_core_engine *engine, tn_host_funcs **out) {
  tn_host_funcs *funcs = tn_calloc(1, sizeof *funcs);
  if (funcs == NULL) return tn_error_no_memory();
  funcs->linker = wasmtime_linker_new(engine->engine);
  *out = funcs;
  return NULL;
}

void tn_host_funcs_delete(tn_host_funcs *funcs) {
  if (funcs == NULL) return;
  wasmtime_linker_delete(funcs->linker);
  tn_free(funcs);
}

tn_error *tn_host_funcs_add(tn_host_funcs *funcs, const tn_host_import *import, uint32_t *number) {
  tn_error *unsupported = NULL;
  wasm_functype_t *type = tn_engine_functype(import->type, &unsupported);
  if (type == NULL) return unsupported;
  number_name name = name_of(funcs->count);
  wasmtime_error_t *error = wasmtime_linker_define_func_unchecked(
      funcs->linker, HOST, sizeof HOST - 1, name.text, name.length, type,
      (wasmtime_func_unchecked_callback_t)import->func, import->environment, NULL);
  wasm_functype_delete(type);
  if (error != NULL) return tn_engine_fail(error, NULL, TN_ERROR_INTERNAL);
  *number = funcs->count++;
  return NULL;
}

tn_error *tn_host_funcs_get(tn_core_context *context, const tn_host_funcs *funcs, uint32_t number,
                            tn_core_extern *out) {
  number_name name = name_of(number);
  if (wasmtime_linker_get(funcs->linker, tn_engine_context(context), HOST, sizeof HOST - 1,
                          name.text, name.length, (wasmtime_extern_t *)out))
    return NULL;
  return tn_error_new(TN_ERROR_INTERNAL, "there is no host function %u", number);
}
