/* Core instances, and modules whose imports are resolved in advance. */
#include <string.h>

#include "base/alloc.h"
#include "engine/private.h"

tn_error *tn_core_extern_func_new(tn_core_context *context, const tn_core_func_type *type,
                                  tn_core_host_func func, void *environment, tn_core_extern *out) {
  out->kind = WASMTIME_EXTERN_FUNC;
  return tn_core_func_new(context, type, func, environment, &out->func);
}

tn_core_extern_kind tn_core_extern_get_kind(const tn_core_extern *item) {
  switch (item->kind) {
  case WASMTIME_EXTERN_GLOBAL:
    return TN_CORE_EXTERN_GLOBAL;
  case WASMTIME_EXTERN_TABLE:
    return TN_CORE_EXTERN_TABLE;
  case WASMTIME_EXTERN_MEMORY:
  case WASMTIME_EXTERN_SHAREDMEMORY:
    return TN_CORE_EXTERN_MEMORY;
  case WASMTIME_EXTERN_TAG:
    return TN_CORE_EXTERN_TAG;
  default:
    return TN_CORE_EXTERN_FUNC;
  }
}

static tn_error *refuse_on_fiber(const tn_store *store) {
  if (store->current == NULL) return NULL;
  return tn_error_new(TN_ERROR_UNSUPPORTED,
                      "instantiating a module while its store runs on a fiber");
}

tn_error *tn_core_instantiate(tn_core_context *context, const tn_module *module,
                              const tn_core_extern *imports, size_t count, tn_core_instance *out) {
  tn_store *store = tn_engine_store(context);
  TN_TRY(refuse_on_fiber(store));
  wasm_trap_t *trap = NULL;
  wasmtime_error_t *error =
      wasmtime_instance_new(store->context, module->module, (const wasmtime_extern_t *)imports,
                            count, (wasmtime_instance_t *)out, &trap);
  if (error != NULL || trap != NULL) return tn_engine_fail_guest(store, error, trap, TN_ERROR_LINK);
  tn_engine_identify(store, out->store);
  return NULL;
}

bool tn_core_instance_export(tn_core_context *context, const tn_core_instance *instance,
                             tn_str name, tn_core_extern *out) {
  return wasmtime_instance_export_get(tn_engine_context(context),
                                      (const wasmtime_instance_t *)instance, name.data, name.len,
                                      (wasmtime_extern_t *)out);
}

/* ---- resolved in advance --------------------------------------------------------------------------- */

/* Invariant: either `pre` is not NULL, or `imports` holds `count` functions that have to be made for each
 * store: then the module imports one name twice with two types, which the engine's linker cannot hold. */
struct tn_module_pre {
  const tn_module *module;
  wasmtime_instance_pre_t *pre;
  tn_host_import *imports;
  size_t count;
};

static wasmtime_error_t *define_import(wasmtime_linker_t *linker, const wasm_importtype_t *name,
                                       const wasm_functype_t *type, const tn_host_import *import) {
  const wasm_name_t *module = wasm_importtype_module(name);
  const wasm_name_t *field = wasm_importtype_name(name);
  return wasmtime_linker_define_func_unchecked(
      linker, module->data, module->size, field->data, field->size, type,
      (wasmtime_func_unchecked_callback_t)import->func, import->environment, NULL);
}

/* *refused tells that the linker would not hold them. */
static tn_error *define_imports(wasmtime_linker_t *linker, const wasm_importtype_vec_t *names,
                                const tn_host_import *imports, bool *refused) {
  for (size_t i = 0; i < names->size; i++) {
    tn_error *error = NULL;
    wasm_functype_t *type = tn_engine_functype(imports[i].type, &error);
    if (type == NULL) return error;
    wasmtime_error_t *failure = define_import(linker, names->data[i], type, &imports[i]);
    wasm_functype_delete(type);
    if (failure == NULL) continue;
    wasmtime_error_delete(failure);
    *refused = true;
    return NULL;
  }
  return NULL;
}

static tn_error *keep_imports(tn_module_pre *pre, const tn_host_import *imports, size_t count) {
  pre->imports = tn_calloc(count, sizeof *imports);
  if (pre->imports == NULL) return tn_error_no_memory();
  if (count > 0) memcpy(pre->imports, imports, count * sizeof *imports);
  pre->count = count;
  return NULL;
}

static tn_error *resolve(tn_core_engine *engine, tn_module_pre *pre,
                         const wasm_importtype_vec_t *names, const tn_host_import *imports) {
  bool refused = false;
  wasmtime_linker_t *linker = wasmtime_linker_new(engine->engine);
  tn_error *error = define_imports(linker, names, imports, &refused);
  if (error == NULL && !refused) {
    wasmtime_error_t *failure =
        wasmtime_linker_instantiate_pre(linker, pre->module->module, &pre->pre);
    if (failure != NULL) error = tn_engine_fail(failure, NULL, TN_ERROR_LINK);
  }
  wasmtime_linker_delete(linker);
  if (error == NULL && refused) error = keep_imports(pre, imports, names->size);
  return error;
}

tn_error *tn_module_pre_new(tn_core_engine *engine, const tn_module *module,
                            const tn_host_import *imports, size_t count, tn_module_pre **out) {
  tn_module_pre *pre = tn_calloc(1, sizeof *pre);
  if (pre == NULL) return tn_error_no_memory();
  pre->module = module;
  wasm_importtype_vec_t names;
  wasmtime_module_imports(module->module, &names);
  tn_error *error = NULL;
  if (names.size == count)
    error = resolve(engine, pre, &names, imports);
  else
    error =
        tn_error_new(TN_ERROR_LINK, "a module with %zu imports was given %zu", names.size, count);
  wasm_importtype_vec_delete(&names);
  if (error != NULL) {
    tn_module_pre_delete(pre);
    return error;
  }
  *out = pre;
  return NULL;
}

void tn_module_pre_delete(tn_module_pre *pre) {
  if (pre == NULL) return;
  if (pre->pre != NULL) wasmtime_instance_pre_delete(pre->pre);
  tn_free(pre->imports);
  tn_free(pre);
}

static tn_error *instantiate_each(tn_core_context *context, const tn_module_pre *pre,
                                  tn_core_extern *imports, tn_core_instance *out) {
  for (size_t i = 0; i < pre->count; i++) {
    const tn_host_import *import = &pre->imports[i];
    TN_TRY(tn_core_extern_func_new(context, import->type, import->func, import->environment,
                                   &imports[i]));
  }
  return tn_core_instantiate(context, pre->module, imports, pre->count, out);
}

tn_error *tn_module_pre_instantiate(tn_core_context *context, const tn_module_pre *pre,
                                    tn_core_instance *out) {
  tn_store *store = tn_engine_store(context);
  TN_TRY(refuse_on_fiber(store));
  if (pre->pre == NULL) {
    tn_core_extern *imports = tn_calloc(pre->count, sizeof *imports);
    if (imports == NULL) return tn_error_no_memory();
    tn_error *error = instantiate_each(context, pre, imports, out);
    tn_free(imports);
    return error;
  }
  wasm_trap_t *trap = NULL;
  wasmtime_error_t *error = wasmtime_instance_pre_instantiate(pre->pre, store->context,
                                                              (wasmtime_instance_t *)out, &trap);
  if (error != NULL || trap != NULL) return tn_engine_fail_guest(store, error, trap, TN_ERROR_LINK);
  tn_engine_identify(store, out->store);
  return NULL;
}
