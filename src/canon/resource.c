/* The resource built-ins. CanonicalABI.md#canon-resourcenew, #canon-resourcedrop, #canon-resourcerep */
#include "canon/transfer.h"

static tn_core_trap *end(tn_core_context *context, tn_error *error) {
  return error == NULL ? NULL : tn_core_trap_from_error(context, error);
}

static tn_core_trap *entry_new(void *environment, tn_core_caller *caller, tn_core_value *values,
                               size_t count) {
  (void)count;
  const tn_lowered *lowered = environment;
  tn_core_context *context = tn_core_caller_context(caller);
  tn_runtime *runtime = tn_runtime_of(context);
  tn_component_instance *instance = &runtime->instances[lowered->options.instance];
  if (!instance->flags->may_leave) return end(context, tn_fault_error(TN_FAULT_CANNOT_LEAVE));
  tn_handle handle = {.resource = lowered->resource,
                      .representation = values[0].u32,
                      .kind = TN_HANDLE_RESOURCE,
                      .is_own = true};
  uint32_t index;
  tn_error *error = tn_runtime_add_handle(runtime, &instance->handles, handle, &index);
  if (error != NULL) return end(context, error);
  values[0].u64 = index;
  return NULL;
}

static tn_core_trap *entry_rep(void *environment, tn_core_caller *caller, tn_core_value *values,
                               size_t count) {
  (void)count;
  const tn_lowered *lowered = environment;
  tn_core_context *context = tn_core_caller_context(caller);
  tn_runtime *runtime = tn_runtime_of(context);
  tn_handle_table *table = &runtime->instances[lowered->options.instance].handles;
  tn_handle *handle = tn_handle_find(table, values[0].u32, lowered->resource);
  if (handle == NULL) {
    tn_error *error = tn_handle_get(table, values[0].u32, lowered->resource, &handle);
    if (error != NULL) return end(context, error);
  }
  values[0].u64 = handle->representation;
  return NULL;
}

/* ---- dropping ----------------------------------------------------------------------------------- */

static tn_error *call_destructor(tn_runtime *runtime, tn_core_context *context,
                                 const tn_resource *resource, uint32_t representation) {
  tn_task task = {.caller = runtime->task, .instance = resource->instance};
  tn_core_value value = {.u64 = representation};
  runtime->task = &task;
  tn_error *error = tn_core_call(context, &runtime->funcs[resource->destructor], &value, 1);
  runtime->task = task.caller;
  return error;
}

void tn_runtime_refuse_drop(tn_runtime *runtime, tn_error *error) {
  if (runtime->poisoned != TN_ERROR_NONE || runtime->drop_error != NULL)
    tn_error_delete(error);
  else
    runtime->drop_error = error;
}

tn_error *tn_resource_destroy(tn_runtime *runtime, tn_core_context *context,
                              const tn_resource *resource, uint32_t representation,
                              const tn_component_instance *caller) {
  if (resource->is_host) {
    if (resource->drop != NULL) resource->drop(runtime, resource->data, representation);
    tn_error *error = runtime->drop_error;
    runtime->drop_error = NULL;
    return error;
  }
  tn_component_instance *instance = &runtime->instances[resource->instance];
  TN_TRY(tn_instance_enter(runtime, instance, caller));
  if (resource->destructor >= 0)
    TN_TRY(call_destructor(runtime, context, resource, representation));
  tn_instance_leave(runtime, instance, caller);
  return NULL;
}

/* Takes the handle out of the table and ends what it stands for. */
static tn_error *drop(tn_runtime *runtime, tn_core_context *context, tn_handle_table *table,
                      uint32_t index, const tn_handle *found, const tn_component_instance *caller) {
  if (found->lends != 0) return tn_trap("cannot remove owned resource while borrowed");
  tn_handle handle = *found;
  tn_handle_remove(table, index);
  if (handle.is_own)
    return tn_resource_destroy(runtime, context, handle.resource, handle.representation, caller);
  handle.scope->borrow_count--;
  return NULL;
}

static tn_error *drop_from_guest(const tn_lowered *lowered, tn_runtime *runtime,
                                 tn_core_context *context, uint32_t index) {
  tn_component_instance *instance = &runtime->instances[lowered->options.instance];
  if (!instance->flags->may_leave) return tn_fault_error(TN_FAULT_CANNOT_LEAVE);
  tn_handle *handle = tn_handle_find(&instance->handles, index, lowered->resource);
  if (handle == NULL) TN_TRY(tn_handle_get(&instance->handles, index, lowered->resource, &handle));
  return drop(runtime, context, &instance->handles, index, handle, instance);
}

static tn_core_trap *entry_drop(void *environment, tn_core_caller *caller, tn_core_value *values,
                                size_t count) {
  (void)count;
  tn_core_context *context = tn_core_caller_context(caller);
  return end(context, drop_from_guest(environment, tn_runtime_of(context), context, values[0].u32));
}

tn_error *tn_canon_drop_handle(tn_runtime *runtime, uint32_t index) {
  TN_TRY(tn_runtime_check_alive(runtime));
  tn_handle_table *table = &runtime->instances[0].handles;
  tn_handle *handle;
  tn_error *error = tn_handle_get_any(table, index, &handle);
  if (error == NULL && handle->lends != 0)
    error = tn_trap("cannot remove owned resource while borrowed");
  if (error != NULL) {
    /* The embedder's mistake, not the guest's: nothing is poisoned. */
    tn_error *argument = tn_error_new(TN_ERROR_ARGUMENT, "handle %u cannot be dropped: %s", index,
                                      tn_error_get_message(error));
    tn_error_delete(error);
    return argument;
  }
  error = drop(runtime, runtime->context, table, index, handle, NULL);
  if (error != NULL) tn_runtime_poison(runtime, error);
  return error;
}

/* ---- making ------------------------------------------------------------------------------------- */

tn_error *tn_canon_resource_builtin(tn_arena *arena, tn_canon_kind kind,
                                    const tn_resource *resource, uint32_t instance,
                                    tn_lowered **out) {
  static const tn_core_valtype i32[] = {{.code = 0x7f}};
  tn_lowered *lowered = TN_ARENA_NEW(arena, tn_lowered);
  if (lowered == NULL) return tn_error_no_memory();
  lowered->options = (tn_canon_options){
      .instance = instance, .memory = -1, .realloc = -1, .post_return = -1, .callback = -1};
  lowered->resource = resource;
  lowered->name = resource->name;
  lowered->type =
      (tn_core_func_type){.param_count = 1, .params = i32, .result_count = 1, .results = i32};
  switch (kind) {
  case TN_CANON_RESOURCE_NEW:
    lowered->entry = entry_new;
    break;
  case TN_CANON_RESOURCE_REP:
    lowered->entry = entry_rep;
    break;
  case TN_CANON_RESOURCE_DROP:
    lowered->entry = entry_drop;
    lowered->type.result_count = 0;
    break;
  default:
    return tn_error_new(TN_ERROR_INTERNAL, "not a resource built-in: %d", (int)kind);
  }
  *out = lowered;
  return NULL;
}
