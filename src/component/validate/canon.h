/* Canonical options, shared by canon.c (which definitions there are) and canon_options.c. */
#ifndef TN_COMPONENT_VALIDATE_CANON_H
#define TN_COMPONENT_VALIDATE_CANON_H

#include "component/validate/validate.h"

/* Options with their indices resolved; NULL or false for what is not given. */
typedef struct tn_checked_options {
  bool has_encoding;
  tn_string_encoding encoding;
  const tn_core_extern_type *memory;
  const tn_core_func_type *realloc;
  const tn_core_func_type *post_return;
  const tn_core_func_type *callback;
  bool is_async;
} tn_checked_options;

/* CanonicalABI.md#canonopt-validation: everything that holds for all canonical definitions. */
tn_error *tn_check_canon_options(const tn_scope *scope, const tn_ast_canon *canon,
                                 tn_checked_options *out);

/* Core signatures as long as the canonical ABI makes them: 16 parameters and a pointer to the results. */
typedef struct tn_flat_signature {
  uint32_t param_count;
  uint32_t result_count;
  tn_core_valtype params[TN_MAX_FLAT_PARAMS + 1];
  tn_core_valtype results[1];
} tn_flat_signature;

/* `flatten_functype`, and which options the function needs. CanonicalABI.md#flattening, #canon-lift,
 * #canon-lower */
tn_error *tn_check_lifted_signature(const tn_func_type *func, const tn_checked_options *options,
                                    tn_flat_signature *out);
tn_error *tn_check_lowered_signature(const tn_func_type *func, const tn_checked_options *options,
                                     tn_flat_signature *out);
/* The parameters of task.return for a result, which may be NULL. */
tn_error *tn_check_task_return_signature(const tn_type *result, const tn_checked_options *options,
                                         tn_flat_signature *out);

/* An error unless the option is there. */
tn_error *tn_check_needs_memory(const tn_checked_options *options);
tn_error *tn_check_needs_realloc(const tn_checked_options *options);
/* The core type of addresses in the memory of these options; i32 without one. */
tn_core_valtype tn_check_address_type(const tn_checked_options *options);
bool tn_check_is_signature(const tn_core_func_type *func, const tn_flat_signature *wanted);

#endif
