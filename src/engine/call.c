/* Calls in both directions, and memories. */
#include <stdalign.h>

#include "base/stack.h"
#include "engine/private.h"

#define SAME_SHAPE(ours, theirs)                                                                   \
  _Static_assert(sizeof(ours) == sizeof(theirs) && alignof(ours) == alignof(theirs),               \
                 #ours " differs")

SAME_SHAPE(tn_core_value, wasmtime_val_raw_t);
SAME_SHAPE(tn_core_func, wasmtime_func_t);
SAME_SHAPE(tn_core_memory, wasmtime_memory_t);
SAME_SHAPE(tn_core_table, wasmtime_table_t);
SAME_SHAPE(tn_core_global, wasmtime_global_t);
SAME_SHAPE(tn_core_tag, wasmtime_tag_t);
SAME_SHAPE(tn_core_extern, wasmtime_extern_t);
SAME_SHAPE(tn_core_instance, wasmtime_instance_t);
_Static_assert(offsetof(tn_core_extern, func) == offsetof(wasmtime_extern_t, of),
               "tn_core_extern differs");

tn_core_context *tn_core_caller_context(tn_core_caller *caller) {
  return (tn_core_context *)wasmtime_caller_context((wasmtime_caller_t *)caller);
}

tn_core_trap *tn_core_trap_from_error(tn_core_context *context, tn_error *error) {
  tn_store *store = tn_engine_store(context);
  tn_error_delete(store->parked);
  store->parked = error;
  static const char message[] = "ended by a host function";
  return (tn_core_trap *)wasmtime_trap_new(message, sizeof message - 1);
}

tn_error *tn_core_trap_take_error(tn_core_context *context, tn_core_trap *trap) {
  tn_store *store = tn_engine_store(context);
  tn_error *error = store->parked;
  store->parked = NULL;
  if (error == NULL) return tn_engine_fail(NULL, (wasm_trap_t *)trap, TN_ERROR_TRAP);
  wasm_trap_delete((wasm_trap_t *)trap);
  return error;
}

/* ---- function types -------------------------------------------------------------------------------- */

static bool valtype_kind(tn_core_valtype type, wasm_valkind_t *out) {
  switch (type.code) {
  case 0x7f:
    *out = WASM_I32;
    return true;
  case 0x7e:
    *out = WASM_I64;
    return true;
  case 0x7d:
    *out = WASM_F32;
    return true;
  case 0x7c:
    *out = WASM_F64;
    return true;
  case 0x63: /* nullable references to any function or any host value */
    if (type.heap == -0x10) return *out = WASM_FUNCREF, true;
    if (type.heap == -0x11) return *out = WASM_EXTERNREF, true;
    return false;
  default:
    return false;
  }
}

static bool make_valtypes(const tn_core_valtype *types, uint32_t count, wasm_valtype_vec_t *out) {
  wasm_valtype_vec_new_uninitialized(out, count);
  for (uint32_t i = 0; i < count; i++)
    out->data[i] = NULL;
  for (uint32_t i = 0; i < count; i++) {
    wasm_valkind_t kind;
    if (!valtype_kind(types[i], &kind)) return false;
    out->data[i] = wasm_valtype_new(kind);
  }
  return true;
}

wasm_functype_t *tn_engine_functype(const tn_core_func_type *type, tn_error **error) {
  wasm_valtype_vec_t params, results = {0};
  bool ok = make_valtypes(type->params, type->param_count, &params);
  ok = ok && make_valtypes(type->results, type->result_count, &results);
  if (ok) return wasm_functype_new(&params, &results);
  wasm_valtype_vec_delete(&params);
  wasm_valtype_vec_delete(&results);
  *error = tn_error_new(TN_ERROR_UNSUPPORTED,
                        "a host function with vectors or typed references in its signature");
  return NULL;
}

/* ---- functions ------------------------------------------------------------------------------------- */

tn_error *tn_core_func_new(tn_core_context *context, const tn_core_func_type *type,
                           tn_core_host_func func, void *environment, tn_core_func *out) {
  tn_error *error = NULL;
  wasm_functype_t *functype = tn_engine_functype(type, &error);
  if (functype == NULL) return error;
  wasmtime_func_new_unchecked(tn_engine_context(context), functype,
                              (wasmtime_func_unchecked_callback_t)func, environment, NULL,
                              (wasmtime_func_t *)out);
  wasm_functype_delete(functype);
  return NULL;
}

tn_error *tn_core_call(tn_core_context *context, const tn_core_func *func, tn_core_value *values,
                       size_t count) {
  if (tn_stack_is_used_up()) return tn_engine_stack_exhausted();
  wasm_trap_t *trap = NULL;
  wasmtime_error_t *error =
      wasmtime_func_call_unchecked(tn_engine_context(context), (const wasmtime_func_t *)func,
                                   (wasmtime_val_raw_t *)values, count, &trap);
  if (__builtin_expect(error == NULL && trap == NULL, 1)) return NULL;
  return tn_engine_fail_guest(tn_engine_store(context), error, trap, TN_ERROR_TRAP);
}

/* ---- memories -------------------------------------------------------------------------------------- */

uint8_t *tn_core_memory_base(tn_core_context *context, const tn_core_memory *memory) {
  return wasmtime_memory_data(tn_engine_context(context), (const wasmtime_memory_t *)memory);
}

uint64_t tn_core_memory_size(tn_core_context *context, const tn_core_memory *memory) {
  return wasmtime_memory_data_size(tn_engine_context(context), (const wasmtime_memory_t *)memory);
}

/* The most bytes that a memory of this type can have; UINT64_MAX when nothing bounds it. */
static uint64_t memory_limit(const wasm_memorytype_t *type) {
  uint64_t pages, limit = UINT64_MAX;
  if (!wasmtime_memorytype_is64(type)) limit = (uint64_t)1 << 32;
  if (!wasmtime_memorytype_maximum(type, &pages)) return limit;
  uint64_t bytes;
  if (__builtin_mul_overflow(pages, wasmtime_memorytype_page_size(type), &bytes)) return limit;
  return bytes < limit ? bytes : limit;
}

bool tn_core_memory_is_fixed(tn_core_context *context, const tn_core_memory *memory) {
  wasm_memorytype_t *type =
      wasmtime_memory_type(tn_engine_context(context), (const wasmtime_memory_t *)memory);
  uint64_t limit = memory_limit(type);
  wasm_memorytype_delete(type);
  return limit <= tn_engine_store(context)->engine->memory_reservation;
}
