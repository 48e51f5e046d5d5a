/* What the files of this folder share: the engine's own headers, the additions of deps/wasmtime to them,
 * and the structs behind engine.h. Nothing outside this folder includes it. */
#ifndef TN_ENGINE_PRIVATE_H
#define TN_ENGINE_PRIVATE_H

#include <pthread.h>

#include <wasm.h>
#include <wasmtime.h>

#include "base/error.h"
#include "engine/engine.h"

/* ---- additions of deps/wasmtime/src/lib.rs ------------------------------------------------------ */

/* As wasm_engine_new_with_config, but returns an error where that one aborts. Takes `config`. */
wasmtime_error_t *tenon_engine_new(wasm_config_t *config, wasm_engine_t **out);
void tenon_pooling_pagemap_scan(wasmtime_pooling_allocation_config_t *pool);
/* Needed for the second; bytes as tn_module_load_in_place wants them. */
void tenon_config_code_in_place(wasm_config_t *config);
wasmtime_error_t *tenon_module_load_in_place(wasm_engine_t *engine, const uint8_t *bytes,
                                             size_t size, wasmtime_module_t **out);

enum { TENON_GROWTH_REFUSED = 0, TENON_GROWTH_ALLOWED = 1, TENON_GROWTH_FATAL = 2 };
/* `maximum` is the declared one, SIZE_MAX when there is none. */
typedef uint8_t (*tenon_growing)(void *data, size_t desired, size_t maximum);

typedef struct tenon_limiter {
  void *data;
  tenon_growing memory_growing; /* in bytes */
  tenon_growing table_growing;  /* in elements */
  size_t instances;
  size_t tables;
  size_t memories;
} tenon_limiter;

void tenon_store_limiter(wasmtime_store_t *store, const tenon_limiter *limiter);

/* ---- structs ------------------------------------------------------------------------------------ */

/* The thread that advances the epoch. It is started by the first acquire and then sleeps whenever nobody
 * needs it, so that acquiring again costs a signal instead of a thread. */
typedef struct tn_ticker {
  pthread_mutex_t lock; /* protects all below */
  pthread_cond_t changed;
  pthread_t thread;
  bool is_started;
  bool is_ending;
  uint32_t users;
} tn_ticker;

/* Invariant: `system` defines "tn" "wait" (async: suspends the fiber) and "tn" "enter" (runs the fiber's
 * function); see fiber.c. */
struct tn_core_engine {
  wasm_engine_t *engine;
  wasmtime_linker_t *system;
  wasmtime_store_t *home; /* of the two functions below, which serve all stores: see fiber.c */
  wasmtime_func_t wait;
  wasmtime_func_t enter;
  bool is_winch;
  bool consume_fuel;
  bool parallel_compilation;
  size_t max_stack_bytes;
  uint64_t max_cache_bytes; /* 0: no limit */
  /* address space of each linear memory, which does not move within it */
  uint64_t memory_reservation;
  tn_ticker ticker;
  char fingerprint[512];
};

struct tn_module {
  wasmtime_module_t *module;
};

/* Invariants: `current` is the fiber on whose stack we are, NULL on the thread's own. `parked` is not NULL
 * only from the moment a host function ends the guest until the call into the guest returns: nothing else
 * runs in between. */
struct tn_store {
  wasmtime_store_t *store;
  wasmtime_context_t *context;
  tn_core_engine *engine;
  void *data;
  tn_error *parked;
  tn_fiber *current;
  tn_fiber *free_fibers;
  wasmtime_func_t wait; /* store_id 0: not known yet */
  wasmtime_func_t enter;
  tn_store_limits limits;
  uint64_t memory_peak; /* the largest size of a memory, where growth is asked for */
  tn_epoch_func on_epoch;
  void *epoch_data;
};

/* A tn_core_context is the engine's own context; its data is our store. */
static inline wasmtime_context_t *tn_engine_context(tn_core_context *context) {
  return (wasmtime_context_t *)context;
}

static inline tn_store *tn_engine_store(tn_core_context *context) {
  return wasmtime_context_get_data((wasmtime_context_t *)context);
}

/* ---- fail.c: the engine's errors as ours ---------------------------------------------------------- */

/* Takes both; at least one is not NULL. `kind` is for errors that are neither traps nor limits. */
tn_error *tn_engine_fail(wasmtime_error_t *error, wasm_trap_t *trap, tn_error_kind kind);
/* The same for whatever ended a guest of this store: prefers the parked error. */
tn_error *tn_engine_fail_guest(tn_store *store, wasmtime_error_t *error, wasm_trap_t *trap,
                               tn_error_kind kind);

/* What the guest would get if it found itself that its stack is used up. */
tn_error *tn_engine_stack_exhausted(void);

/* ---- ticker.c -------------------------------------------------------------------------------------- */

void tn_engine_ticker_init(tn_ticker *ticker);
void tn_engine_ticker_end(tn_ticker *ticker);

/* ---- fiber.c --------------------------------------------------------------------------------------- */

tn_error *tn_engine_define_system(tn_core_engine *engine);
void tn_engine_free_fibers(tn_store *store);
/* The current fiber, if the engine suspends it now, waits until it is resumed. */
void tn_engine_fiber_yields(tn_store *store);
/* Tells the number that the store's functions have. */
void tn_engine_identify(tn_store *store, uint64_t number);

/* ---- call.c ---------------------------------------------------------------------------------------- */

/* NULL with an error in *error when a type cannot be had for host functions. */
wasm_functype_t *tn_engine_functype(const tn_core_func_type *type, tn_error **error);

/* ---- compilers -------------------------------------------------------------------------------------- */

/* What helps when Winch lacks something. */
extern const char tn_engine_cranelift_hint[];
/* An engine that compiles nothing and finds valid what Cranelift compiles; NULL: none could be made. */
wasm_engine_t *tn_engine_new_validator(void);

/* ---- cache ----------------------------------------------------------------------------------------- */

/* How the name of an entry that is being written begins. */
#define TN_CACHE_UNFINISHED ".new-"

/* -1 when there is no such directory, or not one of ours. */
int tn_cache_open(const char *directory);
/* Marks an entry as in use for as long as it is open or mapped, and as used now. */
struct stat;
void tn_cache_note_use(int descriptor, const struct stat *status);

#endif
