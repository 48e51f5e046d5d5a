/* What the canonical ABI makes of a WIT function: the type of the core function, and what a lift or lower of it
 * needs. CanonicalABI.md#flattening */
#ifndef TN_COMPOSE_COMPONENTIZE_CORE_ABI_H
#define TN_COMPOSE_COMPONENTIZE_CORE_ABI_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/core_type.h"
#include "base/error.h"
#include "wit/package/model.h"

typedef enum tn_core_abi {
  TN_ABI_LOWER,
  TN_ABI_LOWER_ASYNC,
  TN_ABI_LIFT,
  TN_ABI_LIFT_ASYNC,    /* with a callback */
  TN_ABI_LIFT_STACKFUL, /* asynchronous, without one */
} tn_core_abi;

enum { TN_MAX_FLAT_PARAMS = 16, TN_MAX_FLAT_ASYNC_PARAMS = 4 };

/* The codes of tn_core_valtype. */
typedef struct tn_core_signature {
  uint32_t param_count;
  uint32_t result_count;
  uint8_t params[TN_MAX_FLAT_PARAMS + 1];
  uint8_t results[1];
} tn_core_signature;

/* TN_ERROR_LIMIT for types that are too large to look at. */
tn_error *tn_core_signature_of(const tn_wit_function *function, tn_core_abi abi,
                               tn_core_signature *out);
/* That of `task.return` for what the function returns. */
tn_error *tn_core_signature_of_task_return(const tn_wit_function *function, tn_core_signature *out);
/* "ii:l" is (i32, i32) -> i64: parameters, a colon, results. */
tn_core_signature tn_core_signature_parse(const char *text);
bool tn_core_signature_fits(const tn_core_signature *signature, const tn_core_func_type *type);
/* "(i32, i64) -> i32" */
void tn_core_signature_print(tn_buffer *out, const tn_core_signature *signature);
void tn_core_func_type_print(tn_buffer *out, const tn_core_func_type *type);

/* Which canonical options a definition has to have. */
typedef struct tn_core_needs {
  bool memory;
  bool realloc;
  bool encoding; /* of strings */
} tn_core_needs;

tn_error *tn_core_needs_of(tn_arena *scratch, const tn_wit_function *function, tn_core_abi abi,
                           tn_core_needs *out);
tn_error *tn_core_needs_of_task_return(tn_arena *scratch, const tn_wit_function *function,
                                       tn_core_needs *out);

/* The n-th stream or future in a function's type, those within others first; NULL: there are not so many. */
const tn_wit_type *tn_core_payload_of(const tn_wit_function *function, uint32_t number);

#endif
