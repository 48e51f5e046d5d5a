/* Fibers: futures of the engine that we poll ourselves.
 *
 * The engine can suspend only in an async function. So the engine's linker defines two functions: "enter", on
 * which every fiber starts and which runs the fiber's own function, and the async "wait". Calling "wait" from any
 * host function on a fiber suspends the fiber with all its C and wasm frames: its continuation is asked at the next
 * poll whether the fiber has been resumed. Deleting a suspended future makes the call of "wait" fail, and the C code
 * unwinds. (Fetching an async function by name, rather than importing it, leaves the store a synchronous one.)
 *
 * Each store would have to fetch the two, by name, for a tenth of what a fresh instance costs. But a function is a
 * store's number and a reference that, for functions of the host, says nothing of the store: so they are fetched once,
 * in a store that lives as long as the engine, and get the number of the store that uses them.
 * engine_fiber_stress_test proves that this works, too.
 *
 * The engine's header allows one live future in a store; in fact it saves and restores everything per
 * fiber, which engine_fiber_stress_test proves anew for each version. */
#include <assert.h>

#include "base/alloc.h"
#include "base/stack.h"
#include "engine/private.h"

struct tn_fiber {
  tn_store *store;
  tn_fiber *next_free;
  tn_fiber_func func;
  void *argument;
  wasmtime_call_future_t *future;
  wasm_trap_t *trap;       /* written by the engine when `enter` could not be run */
  wasmtime_error_t *error; /* likewise */
  uintptr_t stack_limit;   /* see tn_stack_limit; 0 until its function runs */
  bool is_resumed;         /* what a suspended fiber is waiting for; false: until it is resumed */
  bool is_cancelled; /* it unwinds and must not suspend again: the engine would abort the process */
};

static const char SYSTEM[] = "tn";
static const char WAIT[] = "wait";
static const char ENTER[] = "enter";
#define NAME(literal) (literal), sizeof(literal) - 1

static bool is_resumed(void *environment) {
  return ((tn_fiber *)environment)->is_resumed;
}

static void wait_for_resume(void *environment, wasmtime_caller_t *caller,
                            const wasmtime_val_t *arguments, size_t argument_count,
                            wasmtime_val_t *results, size_t result_count, wasm_trap_t **trap,
                            wasmtime_async_continuation_t *continuation) {
  (void)environment, (void)arguments, (void)argument_count, (void)results, (void)result_count,
      (void)trap;
  tn_store *store = tn_engine_store((tn_core_context *)wasmtime_caller_context(caller));
  continuation->callback = is_resumed;
  continuation->env = store->current;
  continuation->finalizer = NULL;
}

static wasm_trap_t *enter_fiber(void *environment, wasmtime_caller_t *caller,
                                wasmtime_val_raw_t *values, size_t count) {
  (void)environment, (void)values, (void)count;
  tn_fiber *fiber = tn_engine_store((tn_core_context *)wasmtime_caller_context(caller))->current;
  fiber->stack_limit =
      (uintptr_t)__builtin_frame_address(0) - fiber->store->engine->max_stack_bytes;
  tn_stack_limit = fiber->stack_limit;
  fiber->func(fiber->argument);
  return NULL;
}

static tn_error *fetch_system(tn_core_engine *engine) {
  wasmtime_context_t *context = wasmtime_store_context(engine->home);
  wasmtime_extern_t wait, enter;
  if (!wasmtime_linker_get(engine->system, context, NAME(SYSTEM), NAME(WAIT), &wait) ||
      !wasmtime_linker_get(engine->system, context, NAME(SYSTEM), NAME(ENTER), &enter))
    return tn_error_new(TN_ERROR_INTERNAL, "the engine has no functions for fibers");
  engine->wait = wait.of.func;
  engine->enter = enter.of.func;
  return NULL;
}

tn_error *tn_engine_define_system(tn_core_engine *engine) {
  engine->system = wasmtime_linker_new(engine->engine);
  wasm_functype_t *nothing = wasm_functype_new_0_0();
  wasmtime_error_t *error = wasmtime_linker_define_async_func(
      engine->system, NAME(SYSTEM), NAME(WAIT), nothing, wait_for_resume, NULL, NULL);
  if (error == NULL) {
    error = wasmtime_linker_define_func_unchecked(engine->system, NAME(SYSTEM), NAME(ENTER),
                                                  nothing, enter_fiber, NULL, NULL);
  }
  wasm_functype_delete(nothing);
  if (error != NULL) return tn_engine_fail(error, NULL, TN_ERROR_INTERNAL);
  engine->home = wasmtime_store_new(engine->engine, NULL, NULL);
  return fetch_system(engine);
}

void tn_engine_identify(tn_store *store, uint64_t number) {
  const tn_core_engine *engine = store->engine;
  store->wait = (wasmtime_func_t){number, engine->wait.__private};
  store->enter = (wasmtime_func_t){number, engine->enter.__private};
}

/* A store without instances has to be asked for its number. */
static tn_error *find_number(tn_store *store) {
  wasmtime_extern_t wait;
  if (!wasmtime_linker_get(store->engine->system, store->context, NAME(SYSTEM), NAME(WAIT), &wait))
    return tn_error_new(TN_ERROR_INTERNAL, "the engine has no functions for fibers");
  tn_engine_identify(store, wait.of.func.store_id);
  return NULL;
}

static tn_fiber *take_fiber(tn_store *store) {
  tn_fiber *fiber = store->free_fibers;
  if (fiber == NULL) return tn_malloc(sizeof *fiber);
  store->free_fibers = fiber->next_free;
  return fiber;
}

tn_error *tn_fiber_new(tn_store *store, tn_fiber_func func, void *argument, tn_fiber **out) {
  if (store->wait.store_id == 0) TN_TRY(find_number(store));
  tn_fiber *fiber = take_fiber(store);
  if (fiber == NULL) return tn_error_no_memory();
  *fiber = (tn_fiber){.store = store, .func = func, .argument = argument};
  fiber->future = wasmtime_func_call_async(store->context, &store->enter, NULL, 0, NULL, 0,
                                           &fiber->trap, &fiber->error);
  *out = fiber;
  return NULL;
}

bool tn_fiber_resume(tn_fiber *fiber) {
  tn_store *store = fiber->store;
  assert(store->current == NULL);
  fiber->is_resumed = true;
  store->current = fiber;
  uintptr_t limit = tn_stack_limit;
  tn_stack_limit = fiber->stack_limit;
  bool has_returned;
  do { /* The engine yields on its own account, too, when it collects garbage: nobody would resume it. */
    has_returned = wasmtime_call_future_poll(fiber->future);
  } while (!has_returned && fiber->is_resumed);
  tn_stack_limit = limit;
  store->current = NULL;
  return has_returned;
}

void *tn_fiber_argument(const tn_fiber *fiber) {
  return fiber->argument;
}

tn_error *tn_fiber_take_error(tn_fiber *fiber) {
  if (fiber->error == NULL && fiber->trap == NULL) return NULL;
  tn_error *error =
      tn_engine_fail_guest(fiber->store, fiber->error, fiber->trap, TN_ERROR_NO_MEMORY);
  fiber->error = NULL;
  fiber->trap = NULL;
  return error;
}

bool tn_fiber_suspend(tn_core_context *context) {
  tn_store *store = tn_engine_store(context);
  tn_fiber *fiber = store->current;
  assert(fiber != NULL);
  if (fiber->is_cancelled) return false;
  fiber->is_resumed = false;
  wasmtime_val_raw_t nothing[1];
  wasm_trap_t *trap = NULL;
  wasmtime_error_t *error =
      wasmtime_func_call_unchecked(store->context, &store->wait, nothing, 0, &trap);
  if (error == NULL && trap == NULL) return true;
  if (error != NULL) wasmtime_error_delete(error);
  if (trap != NULL) wasm_trap_delete(trap);
  fiber->is_cancelled = true;
  return false;
}

void tn_engine_fiber_yields(tn_store *store) {
  store->current->is_resumed = false;
}

bool tn_fiber_is_cancelled(const tn_fiber *fiber) {
  return fiber->is_cancelled;
}

tn_fiber *tn_fiber_current(tn_core_context *context) {
  return tn_engine_store(context)->current;
}

void tn_fiber_delete(tn_fiber *fiber) {
  if (fiber == NULL) return;
  tn_store *store = fiber->store;
  tn_fiber *before = store->current;
  assert(before != fiber);
  fiber->is_cancelled = true;
  store->current = fiber; /* it may have to unwind */
  uintptr_t limit = tn_stack_limit;
  tn_stack_limit = fiber->stack_limit;
  wasmtime_call_future_delete(fiber->future);
  tn_stack_limit = limit;
  store->current = before;
  tn_error_delete(tn_fiber_take_error(fiber));
  fiber->next_free = store->free_fibers;
  store->free_fibers = fiber;
}

void tn_engine_free_fibers(tn_store *store) {
  while (store->free_fibers != NULL) {
    tn_fiber *fiber = store->free_fibers;
    store->free_fibers = fiber->next_free;
    tn_free(fiber);
  }
}
