#include "component/validate/canon.h"

enum { I32 = 0x7f, I64 = 0x7e, F32 = 0x7d, F64 = 0x7c };

enum { MAX_FLAT_ASYNC_PARAMS = 4 }; /* of a function that is lowered async */

/* ---- single options: CanonicalABI.md#canonopt-validation --------------------------------------- */

static tn_error *set_encoding(tn_checked_options *options, tn_canon_option_kind kind) {
  static const char *const encoding_names[] = {"utf8", "utf16", "latin1-utf16"};
  tn_string_encoding encoding = (tn_string_encoding)(kind - TN_OPTION_UTF8); /* in the same order */
  if (options->has_encoding)
    return tn_check_fail("canonical encoding option `%s` conflicts with option `%s`",
                         encoding_names[options->encoding], encoding_names[encoding]);
  options->has_encoding = true;
  options->encoding = encoding;
  return NULL;
}

static tn_error *more_than_once(const char *option) {
  return tn_check_fail("canonical option `%s` is specified more than once", option);
}

static tn_error *set_memory(const tn_scope *scope, uint32_t index, tn_checked_options *options) {
  if (options->memory != NULL) return more_than_once("memory");
  TN_TRY(tn_scope_core_extern(scope, TN_SORT_CORE_MEMORY, index, &options->memory));
  tn_core_extern_type wanted = {.kind = TN_CORE_EXTERN_MEMORY};
  wanted.limits.is_64 = options->memory->limits.is_64;
  wanted.limits.has_page_size = options->memory->limits.has_page_size;
  wanted.limits.page_size_log2 = options->memory->limits.page_size_log2;
  return tn_error_wrap(tn_check_core_subtype(options->memory, &wanted),
                       "memory cannot be used by the canonical ABI");
}

static tn_error *set_func(const tn_scope *scope, const char *option, uint32_t index,
                          const tn_core_func_type **out) {
  if (*out != NULL) return more_than_once(option);
  return tn_scope_core_func(scope, index, out);
}

static tn_error *set_option(const tn_scope *scope, const tn_ast_canon_option *option,
                            tn_checked_options *options) {
  switch (option->kind) {
  case TN_OPTION_UTF8:
  case TN_OPTION_UTF16:
  case TN_OPTION_LATIN1_UTF16:
    return set_encoding(options, option->kind);
  case TN_OPTION_MEMORY:
    return set_memory(scope, option->index, options);
  case TN_OPTION_REALLOC:
    return set_func(scope, "realloc", option->index, &options->realloc);
  case TN_OPTION_POST_RETURN:
    return set_func(scope, "post-return", option->index, &options->post_return);
  case TN_OPTION_CALLBACK:
    return set_func(scope, "callback", option->index, &options->callback);
  case TN_OPTION_ASYNC:
    if (options->is_async) return more_than_once("async");
    options->is_async = true;
    return NULL;
  }
  return NULL;
}

tn_core_valtype tn_check_address_type(const tn_checked_options *options) {
  bool is_64 = options->memory != NULL && options->memory->limits.is_64;
  return (tn_core_valtype){.code = is_64 ? I64 : I32};
}

bool tn_check_is_signature(const tn_core_func_type *func, const tn_flat_signature *wanted) {
  tn_core_func_type type = {.param_count = wanted->param_count,
                            .result_count = wanted->result_count,
                            .params = wanted->params,
                            .results = wanted->results};
  return tn_core_func_type_equal(func, &type);
}

static tn_error *wrong_signature(const char *option) {
  return tn_check_fail("canonical option `%s` uses a core function with an incorrect signature",
                       option);
}

static tn_error *check_realloc(const tn_checked_options *options) {
  if (options->realloc == NULL) return NULL;
  if (options->memory == NULL)
    return tn_check_fail("canonical option `realloc` requires `memory` to also be specified");
  tn_core_valtype address = tn_check_address_type(options);
  tn_flat_signature wanted = {4, 1, {address, address, address, address}, {address}};
  return tn_check_is_signature(options->realloc, &wanted) ? NULL : wrong_signature("realloc");
}

static tn_error *check_callback(const tn_checked_options *options) {
  if (options->callback == NULL) return NULL;
  if (!options->is_async) return tn_check_fail("cannot specify callback without async");
  tn_flat_signature wanted = {3, 1, {{.code = I32}, {.code = I32}, {.code = I32}}, {{.code = I32}}};
  return tn_check_is_signature(options->callback, &wanted) ? NULL : wrong_signature("callback");
}

tn_error *tn_check_canon_options(const tn_scope *scope, const tn_ast_canon *canon,
                                 tn_checked_options *out) {
  *out = (tn_checked_options){0};
  for (uint32_t i = 0; i < canon->option_count; i++)
    TN_TRY(set_option(scope, &canon->options[i], out));
  TN_TRY(check_realloc(out));
  TN_TRY(check_callback(out));
  if (out->is_async && out->post_return != NULL)
    return tn_check_fail("cannot specify post-return function in async");
  return NULL;
}

tn_error *tn_check_needs_memory(const tn_checked_options *options) {
  return options->memory != NULL ? NULL : tn_check_fail("canonical option `memory` is required");
}

tn_error *tn_check_needs_realloc(const tn_checked_options *options) {
  TN_TRY(tn_check_needs_memory(options));
  return options->realloc != NULL ? NULL : tn_check_fail("canonical option `realloc` is required");
}

/* ---- signatures: CanonicalABI.md#flattening ---------------------------------------------------- */

static const uint8_t flat_codes[] = {
    [TN_FLAT_I32] = I32, [TN_FLAT_I64] = I64, [TN_FLAT_F32] = F32, [TN_FLAT_F64] = F64};

/* What a row of types flattens to; `count` is TN_FLAT_MANY when that is more than 16. */
typedef struct flat_row {
  uint32_t count;
  bool has_pointer;
  tn_core_valtype types[TN_MAX_FLAT_PARAMS];
} flat_row;

static void add_to_row(flat_row *row, const tn_type *type, bool is_64) {
  tn_flat_type flat[TN_MAX_FLAT_PARAMS];
  uint32_t count = tn_type_flatten(type, is_64, flat, TN_MAX_FLAT_PARAMS);
  row->has_pointer |= type->has_pointer;
  if (row->count + count > TN_MAX_FLAT_PARAMS) {
    row->count = TN_FLAT_MANY;
    return;
  }
  for (uint32_t i = 0; i < count; i++)
    row->types[row->count++].code = flat_codes[flat[i]];
}

static void flatten_row(const tn_type *const *types, uint32_t count,
                        const tn_checked_options *options, flat_row *out) {
  *out = (flat_row){0};
  bool is_64 = tn_check_address_type(options).code == I64;
  for (uint32_t i = 0; i < count; i++) {
    if (types[i] != NULL) add_to_row(out, types[i], is_64);
  }
}

static void add_param(tn_flat_signature *signature, tn_core_valtype type) {
  signature->params[signature->param_count++] = type;
}

/* Parameters one by one, or a pointer to them when there are more than `limit`. */
static void add_params(tn_flat_signature *signature, const flat_row *row, uint32_t limit,
                       const tn_checked_options *options) {
  if (row->count > limit) {
    add_param(signature, tn_check_address_type(options));
    return;
  }
  for (uint32_t i = 0; i < row->count; i++)
    add_param(signature, row->types[i]);
}

static void set_result(tn_flat_signature *signature, tn_core_valtype type) {
  signature->result_count = 1;
  signature->results[0] = type;
}

tn_error *tn_check_lifted_signature(const tn_func_type *func, const tn_checked_options *options,
                                    tn_flat_signature *out) {
  flat_row params;
  flat_row results;
  *out = (tn_flat_signature){0};
  flatten_row(func->param_types, func->param_count, options, &params);
  flatten_row(&func->result, 1, options, &results);
  uint32_t max_results = options->is_async ? TN_MAX_FLAT_PARAMS : TN_MAX_FLAT_RESULTS;
  if (params.has_pointer || params.count > TN_MAX_FLAT_PARAMS)
    TN_TRY(tn_check_needs_realloc(options));
  if (results.has_pointer || results.count > max_results) TN_TRY(tn_check_needs_memory(options));
  add_params(out, &params, TN_MAX_FLAT_PARAMS, options);
  if (options->is_async) {
    if (options->callback != NULL) set_result(out, (tn_core_valtype){.code = I32});
  } else if (results.count > 0) {
    set_result(out, results.count > TN_MAX_FLAT_RESULTS ? tn_check_address_type(options)
                                                        : results.types[0]);
  }
  return NULL;
}

tn_error *tn_check_lowered_signature(const tn_func_type *func, const tn_checked_options *options,
                                     tn_flat_signature *out) {
  flat_row params;
  flat_row results;
  *out = (tn_flat_signature){0};
  flatten_row(func->param_types, func->param_count, options, &params);
  flatten_row(&func->result, 1, options, &results);
  uint32_t max_params = options->is_async ? MAX_FLAT_ASYNC_PARAMS : TN_MAX_FLAT_PARAMS;
  uint32_t max_results = options->is_async ? 0 : TN_MAX_FLAT_RESULTS;
  if (params.has_pointer || params.count > max_params) TN_TRY(tn_check_needs_memory(options));
  if (results.has_pointer) TN_TRY(tn_check_needs_realloc(options));
  if (results.count > max_results) TN_TRY(tn_check_needs_memory(options));
  add_params(out, &params, max_params, options);
  if (results.count > max_results)
    add_param(out, tn_check_address_type(options));
  else if (results.count > 0)
    set_result(out, results.types[0]);
  if (options->is_async) set_result(out, (tn_core_valtype){.code = I32});
  return NULL;
}

tn_error *tn_check_task_return_signature(const tn_type *result, const tn_checked_options *options,
                                         tn_flat_signature *out) {
  flat_row row;
  *out = (tn_flat_signature){0};
  flatten_row(&result, 1, options, &row);
  if (row.has_pointer || row.count > TN_MAX_FLAT_PARAMS) TN_TRY(tn_check_needs_memory(options));
  add_params(out, &row, TN_MAX_FLAT_PARAMS, options);
  return NULL;
}
