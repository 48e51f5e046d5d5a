/* Lowered functions: what the linker makes of `canon lower`. CanonicalABI.md#canon-lower */
#include "canon/transfer.h"

static tn_core_valtype core_type(tn_flat_type type) {
  static const uint8_t codes[] = {
      [TN_FLAT_I32] = 0x7f, [TN_FLAT_I64] = 0x7e, [TN_FLAT_F32] = 0x7d, [TN_FLAT_F64] = 0x7c};
  return (tn_core_valtype){.code = codes[type]};
}

/* The core types of `type`, or the one pointer that stands for them. */
static void flatten_params(const tn_type *type, const tn_canon_options *options,
                           tn_core_valtype pointer, tn_core_func_type *out) {
  tn_flat_type flat[TN_MAX_FLAT_PARAMS];
  tn_core_valtype *params = (tn_core_valtype *)out->params;
  uint32_t count = tn_type_flatten(type, options->is_64, flat, TN_MAX_FLAT_PARAMS);
  if (count > tn_max_lowered_params(options)) {
    params[out->param_count++] = pointer;
    return;
  }
  for (uint32_t i = 0; i < count; i++)
    params[out->param_count++] = core_type(flat[i]);
}

/* CanonicalABI.md#flattening, flatten_functype for context `lower` */
tn_error *tn_lowered_set_type(tn_arena *arena, tn_lowered *lowered, const tn_func_type *type,
                              const tn_canon_options *options) {
  tn_core_valtype pointer = core_type(options->is_64 ? TN_FLAT_I64 : TN_FLAT_I32);
  tn_core_valtype *params = TN_ARENA_ARRAY(arena, tn_core_valtype, TN_MAX_FLAT_PARAMS + 1);
  tn_core_valtype *results = TN_ARENA_ARRAY(arena, tn_core_valtype, TN_MAX_FLAT_RESULTS);
  if (params == NULL || results == NULL) return tn_error_no_memory();
  tn_core_func_type *core = &lowered->type;
  *core = (tn_core_func_type){.params = params, .results = results};
  flatten_params(type->params, options, pointer, core);
  if (type->result != NULL) {
    tn_flat_type flat[TN_MAX_FLAT_RESULTS];
    core->result_count = tn_type_flatten(type->result, options->is_64, flat, TN_MAX_FLAT_RESULTS);
    if (core->result_count > tn_max_lowered_results(options)) {
      lowered->result_slot = core->param_count;
      params[core->param_count++] = pointer;
      core->result_count = 0;
    } else {
      results[0] = core_type(flat[0]);
    }
  }
  if (!options->is_async) return NULL;
  results[0] = core_type(TN_FLAT_I32); /* the subtask */
  core->result_count = 1;
  return NULL;
}

static tn_error *new_lowered(tn_arena *arena, tn_str name, const tn_func_type *type,
                             const tn_canon_options *options, tn_lowered **out) {
  tn_lowered *lowered = TN_ARENA_NEW(arena, tn_lowered);
  if (lowered == NULL) return tn_error_no_memory();
  lowered->name = name;
  lowered->options = *options;
  *out = lowered;
  return tn_lowered_set_type(arena, lowered, type, options);
}

tn_error *tn_canon_lower_host(tn_arena *arena, tn_str name, const tn_func_type *type,
                              const tn_canon_options *options, tn_host_func func, void *data,
                              tn_lowered **out) {
  tn_lowered *lowered = NULL;
  TN_TRY(new_lowered(arena, name, type, options, &lowered));
  lowered->entry = options->is_async ? tn_entry_host_async : tn_entry_host;
  lowered->func = func;
  lowered->data = data;
  lowered->native_params = type->params->layout[1].size;
  lowered->native_result = type->result == NULL ? 0 : type->result->layout[1].size;
  TN_TRY(tn_program_compile(arena, type->params, tn_max_lowered_params(options), &lowered->options,
                            NULL, &lowered->params));
  TN_TRY(tn_program_compile(arena, type->result, tn_max_lowered_results(options), NULL,
                            &lowered->options, &lowered->result));
  *out = lowered;
  return NULL;
}

tn_error *tn_canon_lower_lifted(tn_arena *arena, tn_str name, const tn_func_type *caller_type,
                                const tn_canon_options *options, const tn_lifted *callee,
                                tn_lowered **out) {
  tn_lowered *lowered = NULL;
  TN_TRY(new_lowered(arena, name, caller_type, options, &lowered));
  lowered->entry = callee->type->is_async ? tn_entry_fused_task : tn_entry_fused;
  lowered->callee = callee;
  TN_TRY(tn_program_compile_between(arena, callee->type->params, tn_max_lowered_params(options),
                                    &lowered->options, TN_MAX_FLAT_PARAMS, &callee->options,
                                    &lowered->params));
  TN_TRY(tn_program_compile_between(
      arena, callee->type->result, tn_max_lifted_results(&callee->options), &callee->options,
      tn_max_lowered_results(options), &lowered->options, &lowered->result));
  *out = lowered;
  return NULL;
}

const tn_core_func_type *tn_lowered_type(const tn_lowered *lowered) {
  return &lowered->type;
}

tn_core_host_func tn_lowered_entry(const tn_lowered *lowered) {
  return lowered->entry;
}

/* Whether the value's core form is the value itself, whatever its bits. */
static bool is_core_number(const tn_type *type) {
  switch (type->kind) {
  case TN_TYPE_S32:
  case TN_TYPE_U32:
  case TN_TYPE_S64:
  case TN_TYPE_U64:
  case TN_TYPE_F32:
  case TN_TYPE_F64:
    return true;
  case TN_TYPE_FIXED_LIST:
    return is_core_number(type->types[0]);
  case TN_TYPE_RECORD:
  case TN_TYPE_TUPLE:
    for (uint32_t i = 0; i < type->count; i++) {
      if (!is_core_number(type->types[i])) return false;
    }
    return true;
  default:
    return false;
  }
}

bool tn_canon_is_passthrough(const tn_canon_options *caller, const tn_lifted *callee) {
  const tn_func_type *type = callee->type;
  if (caller->is_async || callee->options.is_async || type->is_async ||
      callee->options.post_return >= 0)
    return false;
  if (caller->instance == callee->options.instance) return false;
  if (type->params->flat_count > TN_MAX_FLAT_PARAMS || !is_core_number(type->params)) return false;
  return type->result == NULL ||
         (type->result->flat_count <= TN_MAX_FLAT_RESULTS && is_core_number(type->result));
}
