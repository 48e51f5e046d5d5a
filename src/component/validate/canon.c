/* Canonical definitions: CanonicalABI.md#canonical-definitions. Each makes a function, or a core function. */
#include "component/validate/canon.h"

enum { REF_NULL = 0x63, HEAP_FUNC = -0x10 };

static const tn_core_valtype I32 = {.code = 0x7f};
static const tn_core_valtype I64 = {.code = 0x7e};

/* ---- adding core functions --------------------------------------------------------------------- */

static tn_error *add_core_func(tn_checker *checker, tn_scope *scope,
                               const tn_flat_signature *signature) {
  tn_flat_signature *copy = TN_ARENA_NEW(checker->arena, tn_flat_signature);
  tn_core_func_type *type = TN_ARENA_NEW(checker->arena, tn_core_func_type);
  if (copy == NULL || type == NULL) return tn_error_no_memory();
  *copy = *signature;
  *type = (tn_core_func_type){.param_count = copy->param_count,
                              .result_count = copy->result_count,
                              .params = copy->params,
                              .results = copy->results};
  return tn_scope_add_core_func(checker, scope, type);
}

/* A core function with `count` parameters of type i32 and one result or (code 0) none. */
static tn_error *add_built_in(tn_checker *checker, tn_scope *scope, uint32_t count,
                              tn_core_valtype result) {
  tn_flat_signature signature = {.param_count = count, .params = {I32, I32, I32, I32}};
  signature.result_count = result.code != 0;
  signature.results[0] = result;
  return add_core_func(checker, scope, &signature);
}

static const tn_core_valtype NOTHING = {0};

/* ---- lift and lower ---------------------------------------------------------------------------- */

static tn_error *check_async(const tn_checked_options *options, const tn_func_type *func) {
  if (!options->is_async || func->is_async) return NULL;
  return tn_check_fail("the `async` canonical option requires an async function type");
}

static tn_error *check_valtypes(tn_checker *checker, const char *what, uint32_t func,
                                const tn_core_valtype *wanted, uint32_t wanted_count,
                                const tn_core_valtype *given, uint32_t given_count) {
  tn_core_func_type a = {.param_count = wanted_count, .params = wanted};
  tn_core_func_type b = {.param_count = given_count, .params = given};
  if (tn_core_func_type_equal(&a, &b)) return NULL;
  tn_str wanted_text = tn_core_valtypes_text(checker->arena, wanted, wanted_count);
  tn_str given_text = tn_core_valtypes_text(checker->arena, given, given_count);
  if (wanted_text.data == NULL || given_text.data == NULL) return tn_error_no_memory();
  return tn_check_fail("lowered %s types `%" TN_STR_FORMAT
                       "` do not match %s types `%" TN_STR_FORMAT "` of core function %u",
                       what, TN_STR_ARG(wanted_text), what, TN_STR_ARG(given_text), func);
}

static tn_error *check_post_return(const tn_checked_options *options,
                                   const tn_flat_signature *lifted) {
  if (options->post_return == NULL) return NULL;
  tn_flat_signature wanted = {.param_count = lifted->result_count, .params = {lifted->results[0]}};
  if (tn_check_is_signature(options->post_return, &wanted)) return NULL;
  return tn_check_fail(
      "canonical option `post-return` uses a core function with an incorrect signature");
}

/* CanonicalABI.md#canon-lift */
static tn_error *check_lift(tn_checker *checker, tn_scope *scope, const tn_ast_canon *canon) {
  const tn_checked_type *type;
  const tn_core_func_type *callee;
  tn_checked_options options;
  tn_flat_signature wanted;
  TN_TRY(tn_scope_type_of_kind(scope, canon->type, TN_CHECKED_FUNC, &type));
  TN_TRY(tn_scope_core_func(scope, canon->func, &callee));
  TN_TRY(tn_check_canon_options(scope, canon, &options));
  TN_TRY(check_async(&options, &type->func));
  TN_TRY(tn_check_lifted_signature(&type->func, &options, &wanted));
  TN_TRY(check_valtypes(checker, "parameter", canon->func, wanted.params, wanted.param_count,
                        callee->params, callee->param_count));
  TN_TRY(check_valtypes(checker, "result", canon->func, wanted.results, wanted.result_count,
                        callee->results, callee->result_count));
  TN_TRY(check_post_return(&options, &wanted));
  tn_checked_item item = {.sort = TN_SORT_FUNC, .type = type};
  return tn_scope_add_item(checker, scope, &item);
}

/* CanonicalABI.md#canon-lower */
static tn_error *check_lower(tn_checker *checker, tn_scope *scope, const tn_ast_canon *canon) {
  const tn_checked_type *type;
  tn_checked_options options;
  tn_flat_signature signature;
  TN_TRY(tn_scope_func(scope, canon->func, &type));
  TN_TRY(tn_check_canon_options(scope, canon, &options));
  if (options.post_return != NULL)
    return tn_check_fail("canonical option `post-return` cannot be specified for lowerings");
  if (options.callback != NULL)
    return tn_check_fail("canonical option `callback` cannot be specified for lowerings");
  TN_TRY(check_async(&options, &type->func));
  TN_TRY(tn_check_lowered_signature(&type->func, &options, &signature));
  return add_core_func(checker, scope, &signature);
}

/* ---- resources --------------------------------------------------------------------------------- */

/* The resource type that resource.new, .drop or .rep is for; `must_be_local` for all but .drop. */
static tn_error *check_resource(const tn_scope *scope, uint32_t index, bool must_be_local,
                                tn_checked_resource **out) {
  const tn_checked_type *type;
  TN_TRY(tn_scope_type_of_kind(scope, index, TN_CHECKED_RESOURCE, &type));
  *out = type->resource;
  if (!must_be_local || ((*out)->is_local && (*out)->owner == scope->id)) return NULL;
  return tn_check_fail("type %u is not a local resource", index);
}

/* CanonicalABI.md#canon-resourcenew, #canon-resourcedrop, #canon-resourcerep */
static tn_error *check_resource_built_in(tn_checker *checker, tn_scope *scope,
                                         const tn_ast_canon *canon) {
  bool is_drop = canon->kind == TN_CANON_RESOURCE_DROP;
  tn_checked_resource *resource;
  TN_TRY(check_resource(scope, canon->type, !is_drop, &resource));
  if (is_drop) return add_built_in(checker, scope, 1, NOTHING);
  if (canon->kind == TN_CANON_RESOURCE_REP)
    return add_built_in(checker, scope, 1, resource->representation);
  tn_flat_signature signature = {1, 1, {resource->representation}, {I32}};
  return add_core_func(checker, scope, &signature);
}

/* ---- tasks and contexts ------------------------------------------------------------------------ */

static tn_error *refuse_option(bool is_given, const char *option, const char *built_in) {
  return is_given ? tn_check_fail("cannot specify `%s` option on `%s`", option, built_in) : NULL;
}

/* Options of built-ins that are no functions of a component. */
static tn_error *refuse_function_options(const tn_checked_options *options, const char *built_in) {
  TN_TRY(refuse_option(options->post_return != NULL, "post-return", built_in));
  return refuse_option(options->callback != NULL, "callback", built_in);
}

/* CanonicalABI.md#-canon-taskreturn */
static tn_error *check_task_return(tn_checker *checker, tn_scope *scope,
                                   const tn_ast_canon *canon) {
  const tn_checked_type *result = NULL;
  tn_checked_options options;
  tn_flat_signature signature;
  if (!canon->result.is_absent) TN_TRY(tn_check_valtype(checker, scope, &canon->result, &result));
  if (result != NULL && result->value.has_borrow)
    return tn_check_fail("function result cannot contain a `borrow` type");
  TN_TRY(tn_check_canon_options(scope, canon, &options));
  TN_TRY(refuse_option(options.is_async, "async", "task.return"));
  TN_TRY(refuse_option(options.realloc != NULL, "realloc", "task.return"));
  TN_TRY(refuse_function_options(&options, "task.return"));
  TN_TRY(
      tn_check_task_return_signature(result == NULL ? NULL : &result->value, &options, &signature));
  return add_core_func(checker, scope, &signature);
}

/* CanonicalABI.md#-canon-contextget, #-canon-contextset */
static tn_error *check_context(tn_checker *checker, tn_scope *scope, const tn_ast_canon *canon) {
  bool is_get = canon->kind == TN_CANON_CONTEXT_GET;
  const char *name = is_get ? "context.get" : "context.set";
  uint8_t code = canon->context_type.code;
  if (code != I32.code && code != I64.code)
    return tn_check_fail("`%s` must be of type i32 or i64", name);
  if (canon->context_slot > 1)
    return tn_check_fail("`%s` immediate must be zero or one: %u", name, canon->context_slot);
  if (scope->context_type != 0 && scope->context_type != code)
    return tn_check_fail("all `context.get` and `context.set` of a component must be of one type");
  scope->context_type = code;
  if (is_get) return add_built_in(checker, scope, 0, canon->context_type);
  tn_flat_signature signature = {.param_count = 1, .params = {canon->context_type}};
  return add_core_func(checker, scope, &signature);
}

/* ---- streams, futures, error contexts ---------------------------------------------------------- */

static tn_error *check_stream_type(const tn_scope *scope, uint32_t index, bool is_future,
                                   const char *built_in, const tn_type **out) {
  const tn_checked_type *type;
  TN_TRY(tn_scope_type(scope, index, &type));
  *out = &type->value;
  if (type->kind == TN_CHECKED_VALUE &&
      type->value.kind == (is_future ? TN_TYPE_FUTURE : TN_TYPE_STREAM))
    return NULL;
  return tn_check_fail("`%s.%s` requires a %s type", is_future ? "future" : "stream", built_in,
                       is_future ? "future" : "stream");
}

/* The built-ins on one end of a stream or future that move no data: (i32) -> result. */
static tn_error *check_stream_end(tn_checker *checker, tn_scope *scope, const tn_ast_canon *canon,
                                  bool is_future, const char *built_in, tn_core_valtype result) {
  const tn_type *ignored;
  TN_TRY(check_stream_type(scope, canon->type, is_future, built_in, &ignored));
  return add_built_in(checker, scope, 1, result);
}

static tn_error *check_stream_new(tn_checker *checker, tn_scope *scope, const tn_ast_canon *canon,
                                  bool is_future) {
  const tn_type *ignored;
  TN_TRY(check_stream_type(scope, canon->type, is_future, "new", &ignored));
  return add_built_in(checker, scope, 0, I64);
}

/* CanonicalABI.md#-canon-streamreadwrite, #-canon-futurereadwrite */
static tn_error *check_stream_copy(tn_checker *checker, tn_scope *scope, const tn_ast_canon *canon,
                                   bool is_future, bool is_read) {
  const char *built_in = is_read ? "read" : "write";
  const tn_type *type;
  tn_checked_options options;
  TN_TRY(check_stream_type(scope, canon->type, is_future, built_in, &type));
  TN_TRY(tn_check_canon_options(scope, canon, &options));
  TN_TRY(refuse_function_options(&options, built_in));
  const tn_type *element = type->types[0];
  if (element != NULL) TN_TRY(tn_check_needs_memory(&options));
  if (element != NULL && is_read && element->has_pointer) TN_TRY(tn_check_needs_realloc(&options));
  tn_core_valtype address = tn_check_address_type(&options);
  tn_flat_signature signature = {
      is_future ? 2 : 3, 1, {I32, address, address}, {is_future ? I32 : address}};
  return add_core_func(checker, scope, &signature);
}

static tn_error *check_error_context(tn_checker *checker, tn_scope *scope,
                                     const tn_ast_canon *canon) {
  bool is_new = canon->kind == TN_CANON_ERROR_CONTEXT_NEW;
  const char *name = is_new ? "error-context.new" : "error-context.debug-message";
  tn_checked_options options;
  TN_TRY(tn_check_canon_options(scope, canon, &options));
  TN_TRY(refuse_option(options.is_async, "async", name));
  TN_TRY(refuse_function_options(&options, name));
  TN_TRY(is_new ? tn_check_needs_memory(&options) : tn_check_needs_realloc(&options));
  tn_core_valtype address = tn_check_address_type(&options);
  tn_flat_signature made = {2, 1, {address, address}, {I32}};
  tn_flat_signature read = {2, 0, {I32, address}, {{0}}};
  return add_core_func(checker, scope, is_new ? &made : &read);
}

/* ---- waitable sets and threads ----------------------------------------------------------------- */

static tn_error *check_waitable_set(tn_checker *checker, tn_scope *scope,
                                    const tn_ast_canon *canon) {
  tn_ast_canon_option memory = {.kind = TN_OPTION_MEMORY, .index = canon->memory};
  tn_ast_canon with_memory = {.kind = canon->kind, .option_count = 1, .options = &memory};
  tn_checked_options options;
  TN_TRY(tn_check_canon_options(scope, &with_memory, &options));
  tn_flat_signature signature = {2, 1, {I32, tn_check_address_type(&options)}, {I32}};
  return add_core_func(checker, scope, &signature);
}

/* A thread starts with a function of one address. Shared function types are not decoded, so that
 * none can satisfy `shared`. */
static tn_error *check_thread_func(const tn_scope *scope, const tn_ast_canon *canon,
                                   tn_core_valtype *out) {
  uint32_t index = canon->type;
  const tn_checked_core_type *type;
  TN_TRY(tn_scope_core_type(scope, index, &type));
  if (type->type == NULL || type->type->kind != TN_CORE_TYPE_FUNC)
    return tn_check_fail("core type index %u is not a function type", index);
  if (canon->is_shared) return tn_check_fail("spawn type must be shared");
  const tn_core_func_type *func = &type->type->func;
  bool fits = func->param_count == 1 && func->result_count == 0 &&
              (func->params[0].code == I32.code || func->params[0].code == I64.code);
  if (!fits)
    return tn_check_fail(
        "start function must take a single `i32` or `i64` argument and return nothing");
  *out = func->params[0];
  return NULL;
}

static tn_error *check_thread_table(const tn_scope *scope, uint32_t index, bool is_shared,
                                    tn_core_valtype *out) {
  const tn_core_extern_type *table;
  TN_TRY(tn_scope_core_extern(scope, TN_SORT_CORE_TABLE, index, &table));
  tn_core_extern_type wanted = {.kind = TN_CORE_EXTERN_TABLE,
                                .limits = {.is_64 = table->limits.is_64},
                                .valtype = {.code = REF_NULL, .heap = HEAP_FUNC},
                                .is_shared = is_shared};
  *out = table->limits.is_64 ? I64 : I32;
  return tn_error_wrap(tn_check_core_subtype(table, &wanted),
                       "table is not a table of (ref null (func))");
}

/* CanonicalABI.md#-canon-threadnew-indirect, #-canon-threadspawn-indirect */
static tn_error *check_thread_indirect(tn_checker *checker, tn_scope *scope,
                                       const tn_ast_canon *canon) {
  tn_flat_signature signature = {.param_count = 2, .result_count = 1, .results = {I32}};
  TN_TRY(check_thread_func(scope, canon, &signature.params[1]));
  TN_TRY(check_thread_table(scope, canon->table, canon->is_shared, &signature.params[0]));
  return add_core_func(checker, scope, &signature);
}

/* CanonicalABI.md#-canon-threadspawn-ref */
static tn_error *check_thread_spawn_ref(tn_checker *checker, tn_scope *scope,
                                        const tn_ast_canon *canon) {
  tn_flat_signature signature = {.param_count = 2, .result_count = 1, .results = {I32}};
  TN_TRY(check_thread_func(scope, canon, &signature.params[1]));
  signature.params[0] = (tn_core_valtype){.code = REF_NULL, .heap = (int32_t)canon->type};
  return add_core_func(checker, scope, &signature);
}

/* ---- all --------------------------------------------------------------------------------------- */

tn_error *tn_check_canon(tn_checker *checker, tn_scope *scope, const tn_ast_canon *canon) {
  switch (canon->kind) {
  case TN_CANON_LIFT:
    return check_lift(checker, scope, canon);
  case TN_CANON_LOWER:
    return check_lower(checker, scope, canon);
  case TN_CANON_RESOURCE_NEW:
  case TN_CANON_RESOURCE_DROP:
  case TN_CANON_RESOURCE_REP:
    return check_resource_built_in(checker, scope, canon);
  case TN_CANON_TASK_RETURN:
    return check_task_return(checker, scope, canon);
  case TN_CANON_CONTEXT_GET:
  case TN_CANON_CONTEXT_SET:
    return check_context(checker, scope, canon);
  case TN_CANON_STREAM_NEW:
    return check_stream_new(checker, scope, canon, false);
  case TN_CANON_FUTURE_NEW:
    return check_stream_new(checker, scope, canon, true);
  case TN_CANON_STREAM_READ:
    return check_stream_copy(checker, scope, canon, false, true);
  case TN_CANON_STREAM_WRITE:
    return check_stream_copy(checker, scope, canon, false, false);
  case TN_CANON_FUTURE_READ:
    return check_stream_copy(checker, scope, canon, true, true);
  case TN_CANON_FUTURE_WRITE:
    return check_stream_copy(checker, scope, canon, true, false);
  case TN_CANON_STREAM_CANCEL_READ:
    return check_stream_end(checker, scope, canon, false, "cancel-read", I32);
  case TN_CANON_STREAM_CANCEL_WRITE:
    return check_stream_end(checker, scope, canon, false, "cancel-write", I32);
  case TN_CANON_FUTURE_CANCEL_READ:
    return check_stream_end(checker, scope, canon, true, "cancel-read", I32);
  case TN_CANON_FUTURE_CANCEL_WRITE:
    return check_stream_end(checker, scope, canon, true, "cancel-write", I32);
  case TN_CANON_STREAM_DROP_READABLE:
    return check_stream_end(checker, scope, canon, false, "drop-readable", NOTHING);
  case TN_CANON_STREAM_DROP_WRITABLE:
    return check_stream_end(checker, scope, canon, false, "drop-writable", NOTHING);
  case TN_CANON_FUTURE_DROP_READABLE:
    return check_stream_end(checker, scope, canon, true, "drop-readable", NOTHING);
  case TN_CANON_FUTURE_DROP_WRITABLE:
    return check_stream_end(checker, scope, canon, true, "drop-writable", NOTHING);
  case TN_CANON_ERROR_CONTEXT_NEW:
  case TN_CANON_ERROR_CONTEXT_DEBUG_MESSAGE:
    return check_error_context(checker, scope, canon);
  case TN_CANON_WAITABLE_SET_WAIT:
  case TN_CANON_WAITABLE_SET_POLL:
    return check_waitable_set(checker, scope, canon);
  case TN_CANON_THREAD_NEW_INDIRECT:
  case TN_CANON_THREAD_SPAWN_INDIRECT:
    return check_thread_indirect(checker, scope, canon);
  case TN_CANON_THREAD_SPAWN_REF:
    return check_thread_spawn_ref(checker, scope, canon);

  case TN_CANON_TASK_CANCEL:
  case TN_CANON_BACKPRESSURE_INC:
  case TN_CANON_BACKPRESSURE_DEC:
    return add_built_in(checker, scope, 0, NOTHING);
  case TN_CANON_WAITABLE_SET_NEW:
  case TN_CANON_THREAD_INDEX:
  case TN_CANON_THREAD_YIELD:
  case TN_CANON_THREAD_SUSPEND:
  case TN_CANON_THREAD_AVAILABLE_PARALLELISM:
    return add_built_in(checker, scope, 0, I32);
  case TN_CANON_SUBTASK_DROP:
  case TN_CANON_ERROR_CONTEXT_DROP:
  case TN_CANON_WAITABLE_SET_DROP:
  case TN_CANON_THREAD_RESUME_LATER:
    return add_built_in(checker, scope, 1, NOTHING);
  case TN_CANON_SUBTASK_CANCEL:
  case TN_CANON_THREAD_SUSPEND_THEN_RESUME:
  case TN_CANON_THREAD_YIELD_THEN_RESUME:
  case TN_CANON_THREAD_SUSPEND_THEN_PROMOTE:
  case TN_CANON_THREAD_YIELD_THEN_PROMOTE:
    return add_built_in(checker, scope, 1, I32);
  case TN_CANON_WAITABLE_JOIN:
    return add_built_in(checker, scope, 2, NOTHING);
  }
  return tn_check_fail("unknown canonical definition 0x%x", canon->kind);
}
