/* The built-ins that are not about resources. CanonicalABI.md#canonical-definitions */
#include "canon/task.h"

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
    return end(context, tn_fault_error(TN_FAULT_CANNOT_LEAVE));
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

/* `signature` are the core types: 'i' i32, 'l' i64, 'p' a pointer, 'c' the type of a context; parameters, '>',
 * results. NULL: there is no way to write it. `entry` NULL: entry_unsupported. */
typedef struct built_in {
  const char *name;
  const char *signature;
  tn_core_host_func entry;
} built_in;

/* By tn_canon_kind. The signature of task.return follows from its result. */
static const built_in built_ins[] = {
    [TN_CANON_TASK_CANCEL] = {"task.cancel", ">", .entry = tn_entry_task_cancel},
    [TN_CANON_SUBTASK_CANCEL] = {"subtask.cancel", "i>i"},
    [TN_CANON_TASK_RETURN] = {"task.return", ">", .entry = tn_entry_task_return},
    [TN_CANON_CONTEXT_GET] = {"context.get", ">c", .entry = entry_context_get},
    [TN_CANON_CONTEXT_SET] = {"context.set", "c>", .entry = entry_context_set},
    [TN_CANON_THREAD_YIELD] = {"thread.yield", ">i"},
    [TN_CANON_SUBTASK_DROP] = {"subtask.drop", "i>"},
    [TN_CANON_STREAM_NEW] = {"stream.new", ">l"},
    [TN_CANON_STREAM_READ] = {"stream.read", "ipp>p"},
    [TN_CANON_STREAM_WRITE] = {"stream.write", "ipp>p"},
    [TN_CANON_STREAM_CANCEL_READ] = {"stream.cancel-read", "i>i"},
    [TN_CANON_STREAM_CANCEL_WRITE] = {"stream.cancel-write", "i>i"},
    [TN_CANON_STREAM_DROP_READABLE] = {"stream.drop-readable", "i>"},
    [TN_CANON_STREAM_DROP_WRITABLE] = {"stream.drop-writable", "i>"},
    [TN_CANON_FUTURE_NEW] = {"future.new", ">l"},
    [TN_CANON_FUTURE_READ] = {"future.read", "ip>i"},
    [TN_CANON_FUTURE_WRITE] = {"future.write", "ip>i"},
    [TN_CANON_FUTURE_CANCEL_READ] = {"future.cancel-read", "i>i"},
    [TN_CANON_FUTURE_CANCEL_WRITE] = {"future.cancel-write", "i>i"},
    [TN_CANON_FUTURE_DROP_READABLE] = {"future.drop-readable", "i>"},
    [TN_CANON_FUTURE_DROP_WRITABLE] = {"future.drop-writable", "i>"},
    [TN_CANON_ERROR_CONTEXT_NEW] = {"error-context.new", "pp>i"},
    [TN_CANON_ERROR_CONTEXT_DEBUG_MESSAGE] = {"error-context.debug-message", "ip>"},
    [TN_CANON_ERROR_CONTEXT_DROP] = {"error-context.drop", "i>"},
    [TN_CANON_WAITABLE_SET_NEW] = {"waitable-set.new", ">i"},
    [TN_CANON_WAITABLE_SET_WAIT] = {"waitable-set.wait", "ip>i"},
    [TN_CANON_WAITABLE_SET_POLL] = {"waitable-set.poll", "ip>i"},
    [TN_CANON_WAITABLE_SET_DROP] = {"waitable-set.drop", "i>"},
    [TN_CANON_WAITABLE_JOIN] = {"waitable.join", "ii>"},
    [TN_CANON_BACKPRESSURE_INC] = {"backpressure.inc", ">", .entry = entry_backpressure_inc},
    [TN_CANON_BACKPRESSURE_DEC] = {"backpressure.dec", ">", .entry = entry_backpressure_dec},
    [TN_CANON_THREAD_INDEX] = {"thread.index", ">i"},
    [TN_CANON_THREAD_NEW_INDIRECT] = {"thread.new-indirect", "ii>i"},
    [TN_CANON_THREAD_RESUME_LATER] = {"thread.resume-later", "i>"},
    [TN_CANON_THREAD_SUSPEND] = {"thread.suspend", ">i"},
    [TN_CANON_THREAD_SUSPEND_THEN_RESUME] = {"thread.suspend-then-resume", "i>i"},
    [TN_CANON_THREAD_YIELD_THEN_RESUME] = {"thread.yield-then-resume", "i>i"},
    [TN_CANON_THREAD_SUSPEND_THEN_PROMOTE] = {"thread.suspend-then-promote", "i>i"},
    [TN_CANON_THREAD_YIELD_THEN_PROMOTE] = {"thread.yield-then-promote", "i>i"},
    [TN_CANON_THREAD_SPAWN_REF] = {"thread.spawn-ref", NULL},
    [TN_CANON_THREAD_SPAWN_INDIRECT] = {"thread.spawn-indirect", NULL},
    [TN_CANON_THREAD_AVAILABLE_PARALLELISM] = {"thread.available-parallelism", ">i"},
};

static tn_core_valtype letter_type(char letter, const tn_ast_canon *canon, bool is_64) {
  if (letter == 'c') return canon->context_type;
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
static tn_error *set_task_return_type(tn_arena *arena, const tn_type *result, tn_lowered *lowered) {
  tn_func_type *type = TN_ARENA_NEW(arena, tn_func_type);
  const tn_type **params = TN_ARENA_ARRAY(arena, const tn_type *, 1);
  if (type == NULL || params == NULL) return tn_error_no_memory();
  params[0] = result;
  type->param_types = params;
  type->param_count = result != NULL;
  TN_TRY(tn_func_type_finish(arena, type));
  lowered->returned = result;
  return tn_lowered_set_type(arena, lowered, type, &lowered->options);
}

tn_error *tn_canon_builtin(tn_arena *arena, const tn_ast_canon *canon,
                           const tn_canon_options *options, const tn_type *result,
                           tn_lowered **out) {
  const built_in *found = &built_ins[canon->kind];
  if (found->signature == NULL || canon->context_slot > 1) {
    return tn_error_new(TN_ERROR_UNSUPPORTED, "the built-in `%s` is not supported yet",
                        found->name);
  }
  tn_lowered *lowered = TN_ARENA_NEW(arena, tn_lowered);
  if (lowered == NULL) return tn_error_no_memory();
  lowered->options = *options;
  lowered->name = tn_str_from(found->name);
  lowered->entry = found->entry != NULL ? found->entry : entry_unsupported;
  lowered->result_slot = canon->context_slot;
  *out = lowered;
  if (canon->kind == TN_CANON_TASK_RETURN) return set_task_return_type(arena, result, lowered);
  return set_type(arena, canon, found->signature, options->is_64, &lowered->type);
}
