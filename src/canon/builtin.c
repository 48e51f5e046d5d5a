/* The built-ins that are not about resources. CanonicalABI.md#canonical-definitions */
#include "canon/transfer.h"

static tn_core_trap *end(tn_core_context *context, tn_error *error) {
  return tn_core_trap_from_error(context, error);
}

static tn_core_trap *entry_unsupported(void *environment, tn_core_caller *caller,
                                       tn_core_value *values, size_t count) {
  (void)values, (void)count;
  const tn_lowered *lowered = environment;
  tn_core_context *context = tn_core_caller_context(caller);
  tn_runtime *runtime = tn_runtime_of(context);
  if (!runtime->instances[lowered->options.instance].flags->may_leave) {
    return end(context, tn_trap("cannot leave component instance"));
  }
  return end(context, tn_error_new(TN_ERROR_UNSUPPORTED,
                                   "the built-in `%" TN_STR_FORMAT "` cannot be run yet",
                                   TN_STR_ARG(lowered->name)));
}

/* ---- context: `result_slot` is the number of the storage ------------------------------------------ */

static tn_core_trap *entry_context_get(void *environment, tn_core_caller *caller,
                                       tn_core_value *values, size_t count) {
  (void)count;
  const tn_lowered *lowered = environment;
  values[0] = tn_runtime_of(tn_core_caller_context(caller))->task->context[lowered->result_slot];
  return NULL;
}

static tn_core_trap *entry_context_set(void *environment, tn_core_caller *caller,
                                       tn_core_value *values, size_t count) {
  (void)count;
  const tn_lowered *lowered = environment;
  tn_core_value *storage =
      &tn_runtime_of(tn_core_caller_context(caller))->task->context[lowered->result_slot];
  bool is_64 = lowered->type.params[0].code == 0x7e;
  *storage = (tn_core_value){.u64 = is_64 ? values[0].u64 : values[0].u32};
  return NULL;
}

/* ---- backpressure --------------------------------------------------------------------------------- */

static tn_core_trap *change_backpressure(const tn_lowered *lowered, tn_core_caller *caller,
                                         int32_t by) {
  tn_core_context *context = tn_core_caller_context(caller);
  tn_component_instance *instance = &tn_runtime_of(context)->instances[lowered->options.instance];
  int32_t changed = instance->backpressure + by;
  if (changed < 0 || changed > UINT16_MAX)
    return end(context, tn_trap("backpressure counter overflow"));
  instance->backpressure = changed;
  return NULL;
}

static tn_core_trap *entry_backpressure_inc(void *environment, tn_core_caller *caller,
                                            tn_core_value *values, size_t count) {
  (void)values, (void)count;
  return change_backpressure(environment, caller, 1);
}

static tn_core_trap *entry_backpressure_dec(void *environment, tn_core_caller *caller,
                                            tn_core_value *values, size_t count) {
  (void)values, (void)count;
  return change_backpressure(environment, caller, -1);
}

/* ---- making ------------------------------------------------------------------------------------- */

/* The core types: 'i' i32, 'l' i64, 'p' a pointer, 'c' the type of a context; parameters, '>', results. */
static const char *signature(tn_canon_kind kind) {
  switch (kind) {
  case TN_CANON_TASK_CANCEL:
  case TN_CANON_BACKPRESSURE_INC:
  case TN_CANON_BACKPRESSURE_DEC:
    return ">";
  case TN_CANON_CONTEXT_GET:
    return ">c";
  case TN_CANON_CONTEXT_SET:
    return "c>";
  case TN_CANON_THREAD_YIELD:
  case TN_CANON_THREAD_INDEX:
  case TN_CANON_THREAD_SUSPEND:
  case TN_CANON_WAITABLE_SET_NEW:
    return ">i";
  case TN_CANON_STREAM_NEW:
  case TN_CANON_FUTURE_NEW:
    return ">l";
  case TN_CANON_STREAM_READ:
  case TN_CANON_STREAM_WRITE:
    return "ipp>p";
  case TN_CANON_FUTURE_READ:
  case TN_CANON_FUTURE_WRITE:
  case TN_CANON_WAITABLE_SET_WAIT:
  case TN_CANON_WAITABLE_SET_POLL:
    return "ip>i";
  case TN_CANON_SUBTASK_CANCEL:
  case TN_CANON_STREAM_CANCEL_READ:
  case TN_CANON_STREAM_CANCEL_WRITE:
  case TN_CANON_FUTURE_CANCEL_READ:
  case TN_CANON_FUTURE_CANCEL_WRITE:
  case TN_CANON_THREAD_SUSPEND_THEN_RESUME:
  case TN_CANON_THREAD_YIELD_THEN_RESUME:
  case TN_CANON_THREAD_SUSPEND_THEN_PROMOTE:
  case TN_CANON_THREAD_YIELD_THEN_PROMOTE:
    return "i>i";
  case TN_CANON_SUBTASK_DROP:
  case TN_CANON_STREAM_DROP_READABLE:
  case TN_CANON_STREAM_DROP_WRITABLE:
  case TN_CANON_FUTURE_DROP_READABLE:
  case TN_CANON_FUTURE_DROP_WRITABLE:
  case TN_CANON_WAITABLE_SET_DROP:
  case TN_CANON_ERROR_CONTEXT_DROP:
  case TN_CANON_THREAD_RESUME_LATER:
    return "i>";
  case TN_CANON_WAITABLE_JOIN:
    return "ii>";
  case TN_CANON_ERROR_CONTEXT_NEW:
    return "pp>i";
  case TN_CANON_ERROR_CONTEXT_DEBUG_MESSAGE:
    return "ip>";
  case TN_CANON_THREAD_NEW_INDIRECT:
    return "ic>i";
  default:
    return NULL;
  }
}

static tn_core_valtype letter_type(char letter, const tn_ast_canon *canon, bool is_64) {
  if (letter == 'c' && canon->kind != TN_CANON_THREAD_NEW_INDIRECT) return canon->context_type;
  bool is_long = letter == 'l' || (letter == 'p' && is_64);
  return (tn_core_valtype){.code = is_long ? 0x7e : 0x7f};
}

static tn_error *set_type(tn_arena *arena, const tn_ast_canon *canon, const char *letters,
                          bool is_64, tn_core_func_type *out) {
  tn_core_valtype *types = TN_ARENA_ARRAY(arena, tn_core_valtype, 8);
  if (types == NULL) return tn_error_no_memory();
  *out = (tn_core_func_type){.params = types};
  for (; *letters != '>'; letters++)
    types[out->param_count++] = letter_type(*letters, canon, is_64);
  out->results = types + out->param_count;
  for (letters++; *letters != '\0'; letters++) {
    types[out->param_count + out->result_count++] = letter_type(*letters, canon, is_64);
  }
  return NULL;
}

/* The parameters of task.return are the result's, as if it were a parameter. */
static tn_error *set_task_return_type(tn_arena *arena, const tn_type *result, bool is_64,
                                      tn_lowered *lowered) {
  tn_func_type *type = TN_ARENA_NEW(arena, tn_func_type);
  const tn_type **params = TN_ARENA_ARRAY(arena, const tn_type *, 1);
  if (type == NULL || params == NULL) return tn_error_no_memory();
  params[0] = result;
  type->param_types = params;
  type->param_count = result != NULL;
  TN_TRY(tn_func_type_finish(arena, type));
  lowered->options.is_64 = is_64;
  return tn_lowered_set_type(arena, lowered, type, &lowered->options);
}

static tn_core_host_func entry_of(tn_canon_kind kind) {
  switch (kind) {
  case TN_CANON_CONTEXT_GET:
    return entry_context_get;
  case TN_CANON_CONTEXT_SET:
    return entry_context_set;
  case TN_CANON_BACKPRESSURE_INC:
    return entry_backpressure_inc;
  case TN_CANON_BACKPRESSURE_DEC:
    return entry_backpressure_dec;
  default:
    return entry_unsupported;
  }
}

tn_error *tn_canon_builtin(tn_arena *arena, const tn_ast_canon *canon, const char *name, bool is_64,
                           const tn_type *result, uint32_t instance, tn_lowered **out) {
  tn_lowered *lowered = TN_ARENA_NEW(arena, tn_lowered);
  if (lowered == NULL) return tn_error_no_memory();
  lowered->options = (tn_canon_options){
      .instance = instance, .memory = -1, .realloc = -1, .post_return = -1, .callback = -1};
  lowered->name = tn_str_from(name);
  lowered->entry = entry_of(canon->kind);
  *out = lowered;
  if (canon->kind == TN_CANON_TASK_RETURN)
    return set_task_return_type(arena, result, is_64, lowered);
  lowered->result_slot = canon->context_slot;
  const char *letters = signature(canon->kind);
  if (letters == NULL || lowered->result_slot > 1) {
    return tn_error_new(TN_ERROR_UNSUPPORTED, "the built-in `%s` is not supported yet", name);
  }
  return set_type(arena, canon, letters, is_64, &lowered->type);
}
