/* Calls of host functions by guests. CanonicalABI.md#canon-lower */
#include <stdalign.h>

#include "base/alloc.h"
#include "canon/task.h"

/* Native structs of up to this size lie on the stack. */
enum { NATIVE_ON_STACK = 256 };

/* `task` and what follows it are set up only when the parameters contain borrows. */
typedef struct host_call {
  tn_call call;
  tn_task task; /* the scope of borrows that the host function gets */
  tn_lends lends;
  tn_lends temporaries; /* borrow handles in the embedder's table */
} host_call;

static tn_error *lift_params(host_call *h, const tn_core_value *values, void *params) {
  const tn_program *program = &h->call.lowered->params;
  if (program->is_simple) return tn_simple_run(program, values, params, false);
  tn_transfer *t = &h->call.transfer;
  tn_end_guest(&h->call.guest, t->runtime, &h->call.lowered->options);
  tn_end_host(&h->call.host, t->runtime);
  t->call = &h->call;
  t->source = &h->call.guest;
  t->destination = &h->call.host;
  t->task = &h->task;
  t->lends = &h->lends;
  t->temporaries = &h->temporaries;
  t->arena = NULL;
  t->copies = false;
  t->budget = t->runtime->max_transfer_bytes;
  return tn_lift_values(t, program, values, (uintptr_t)params);
}

/* Sets up a transfer from the host to the caller. */
static void prepare_lowering(tn_call *call) {
  tn_transfer *t = &call->transfer;
  tn_end_guest(&call->guest, t->runtime, &call->lowered->options);
  tn_end_host(&call->host, t->runtime);
  t->call = call;
  t->source = &call->host;
  t->destination = &call->guest;
}

/* Not the fault of the guest, nor of who called it. */
static __attribute__((cold)) tn_error *wrong_result(const tn_lowered *lowered, tn_error *error) {
  if (tn_error_get_kind(error) != TN_ERROR_ARGUMENT) return error;
  tn_error *wrong = tn_error_new(
      TN_ERROR_HOST, "the result of the host function `%" TN_STR_FORMAT "` is wrong: %s",
      TN_STR_ARG(lowered->name), tn_error_get_message(error));
  tn_error_delete(error);
  return wrong;
}

static tn_error *lower_result(host_call *h, const void *result, tn_core_value *values) {
  const tn_lowered *lowered = h->call.lowered;
  tn_transfer *t = &h->call.transfer;
  tn_error *error;
  if (lowered->result.is_simple) {
    error = tn_simple_run(&lowered->result, result, values, true);
  } else {
    prepare_lowering(&h->call);
    error = tn_lower_values(t, &lowered->result, (uintptr_t)result, values,
                            &values[lowered->result_slot]);
  }
  return error == NULL ? NULL : wrong_result(lowered, error);
}

/* Room for a native struct that does not fit on the stack. */
static tn_error *native_room(host_call *h, uint32_t size, void **room) {
  if (size <= NATIVE_ON_STACK) return NULL;
  if (h->call.arena == NULL) h->call.arena = tn_call_arena_take(h->call.transfer.runtime);
  if (h->call.arena == NULL) return tn_error_no_memory();
  *room = tn_arena_alloc(&h->call.arena->arena, size, 16);
  return *room == NULL ? tn_error_no_memory() : NULL;
}

/* Most results are small; there is always more room on the stack than they need. */
static inline void clear_result(void *result, uint32_t size) {
  if (size <= 32) {
    memset(result, 0, 32);
  } else {
    memset(result, 0, size);
  }
}

static tn_error *call_with_room(host_call *h, tn_core_value *values, void *params, void *result) {
  const tn_lowered *lowered = h->call.lowered;
  TN_TRY(lift_params(h, values, params));
  clear_result(result, lowered->native_result);
  tn_error *error = lowered->func(&h->call, lowered->data, params, result);
  if (error != NULL) return error;
  return lower_result(h, result, values);
}

static tn_error *call_host(host_call *h, tn_core_value *values) {
  const tn_lowered *lowered = h->call.lowered;
  alignas(16) uint8_t few_params[NATIVE_ON_STACK];
  alignas(16) uint8_t few_result[NATIVE_ON_STACK];
  void *params = few_params, *result = few_result;
  TN_TRY(native_room(h, lowered->native_params, &params));
  TN_TRY(native_room(h, lowered->native_result, &result));
  return call_with_room(h, values, params, result);
}

static void end_temporaries(host_call *h) {
  tn_handle_table *embedder = &h->call.transfer.runtime->instances[0].handles;
  const uint32_t *indices = h->temporaries.capacity == 0 ? h->temporaries.few : h->temporaries.more;
  for (uint32_t i = 0; i < h->temporaries.count; i++) {
    uint32_t index = indices[i];
    if (index < embedder->len && embedder->entries[index].scope == &h->task)
      tn_handle_remove(embedder, index);
  }
  tn_free(h->temporaries.more);
}

/* Borrows end with the call: the embedder's handles go, the guest's may be dropped again. */
static inline void end_borrows(host_call *h) {
  tn_runtime *runtime = h->call.transfer.runtime;
  if (h->temporaries.count > 0) end_temporaries(h);
  tn_lends_release(&h->lends, &runtime->instances[h->call.lowered->options.instance].handles);
}

tn_core_trap *tn_entry_host(void *environment, tn_core_caller *caller, tn_core_value *values,
                            size_t count) {
  (void)count;
  const tn_lowered *lowered = environment;
  tn_core_context *context = tn_core_caller_context(caller);
  tn_runtime *runtime = tn_runtime_of(context);
  host_call h;
  h.call.transfer.context = context;
  h.call.transfer.runtime = runtime;
  runtime->has_called_host = true;
  h.call.lowered = lowered;
  h.call.arena = NULL;
  h.call.reserved = NULL;
  bool may_lend = lowered->params.lifts_borrow;
  if (may_lend) {
    h.task = (tn_task){.caller = runtime->task};
    tn_lends_init(&h.lends);
    tn_lends_init(&h.temporaries);
  }
  tn_error *error = runtime->instances[lowered->options.instance].flags->may_leave
                        ? call_host(&h, values)
                        : tn_fault_error(TN_FAULT_CANNOT_LEAVE);
  if (may_lend) end_borrows(&h);
  if (h.call.arena != NULL) tn_call_arena_give(runtime, h.call.arena);
  return error == NULL ? NULL : tn_core_trap_from_error(context, error);
}

tn_core_trap *tn_entry_host_async(void *environment, tn_core_caller *caller, tn_core_value *values,
                                  size_t count) {
  tn_core_trap *trap = tn_entry_host(environment, caller, values, count);
  if (trap == NULL) values[0].u64 = TN_SUBTASK_RETURNED;
  return trap;
}

/* ---- what a host function can ask for ----------------------------------------------------------- */

tn_runtime *tn_call_runtime(tn_call *call) {
  return call->transfer.runtime;
}

uint32_t tn_call_rights(const tn_call *call) {
  return call->lowered->options.rights;
}

uint8_t *tn_call_reserved(const tn_call *call, uint64_t *size) {
  *size = call->reserved_size;
  return call->reserved;
}

tn_instance *tn_call_instance(tn_call *call) {
  return call->transfer.runtime->states[TN_STATE_INSTANCE];
}

tn_arena *tn_call_arena_get(tn_call *call) {
  if (call->arena == NULL) call->arena = tn_call_arena_take(call->transfer.runtime);
  return call->arena == NULL ? NULL : &call->arena->arena;
}

/* Beyond the limit, the guest learns of it at the next thing that it is given. */
static void count_allocation(tn_call *call, size_t size) {
  tn_kept *kept = call->transfer.runtime->kept;
  if (kept == NULL) return;
  tn_kept_add(kept, size);
  call->arena->kept += size;
}

void *tn_call_alloc(tn_call *call, size_t size, size_t alignment) {
  tn_arena *arena = tn_call_arena_get(call);
  if (arena == NULL) return NULL;
  count_allocation(call, size);
  return tn_arena_alloc(arena, size, alignment);
}

tn_error *tn_call_reserve(tn_call *call, size_t size, uint8_t **out) {
  const tn_canon_options *options = &call->lowered->options;
  if (options->realloc < 0 || options->memory < 0) {
    return tn_error_new(TN_ERROR_ARGUMENT,
                        "%" TN_STR_FORMAT " reserves memory but has no list in its result",
                        TN_STR_ARG(call->lowered->name));
  }
  if (size > TN_MAX_BYTE_LENGTH) {
    return tn_error_new(TN_ERROR_ARGUMENT,
                        "%" TN_STR_FORMAT " reserves %zu bytes, which is more than a list can have",
                        TN_STR_ARG(call->lowered->name), size);
  }
  tn_transfer *t = &call->transfer;
  prepare_lowering(call);
  tn_end_expect(t, t->destination);
  TN_TRY(tn_guest_realloc(t, 0, 0, 1, size, TN_FAULT_REALLOC_LIST, &call->reserved_offset));
  call->reserved_size = size;
  call->reserved = (uint8_t *)(t->destination->base + (uintptr_t)call->reserved_offset);
  *out = call->reserved;
  return NULL;
}
