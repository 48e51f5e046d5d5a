/* The engine room: everything that Tenon asks of the core WebAssembly engine. The only folder that
 * includes the engine's headers; handles are passed around as plain bytes of the same shape.
 *
 * Threads: a tn_core_engine and a tn_module may be shared; a tn_store and all that belongs to it is used
 * by one thread at a time. */
#ifndef TN_ENGINE_ENGINE_H
#define TN_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/core_type.h"
#include "base/str.h"
#include "tenon.h"

/* ---- the engine ------------------------------------------------------------------------------- */

typedef struct tn_core_engine tn_core_engine;

/* Makes an engine from the public options (tenon.h). Falls back from the pooling allocator to on-demand
 * allocation when the address space is limited. */
tn_error *tn_core_engine_new(const tn_engine_options *options, tn_core_engine **out);
void tn_core_engine_delete(tn_core_engine *engine);
/* Advances the epoch once, at once, so that running guests look at their deadlines. Any thread;
 * async-signal-safe. */
void tn_core_engine_tick(tn_core_engine *engine);
/* Starts (first call) or stops (last matching call) the ticker thread, which advances the epoch every
 * TN_TICK_MILLISECONDS. Counted: one per running guest that has a deadline. Any thread. */
enum { TN_TICK_MILLISECONDS = 5 };
tn_error *tn_core_engine_ticker_acquire(tn_core_engine *engine);
void tn_core_engine_ticker_release(tn_core_engine *engine);
/* What a call into a guest may take of a stack that is no fiber's: the guest's limit, and what the engine and host
 * functions may use on top of it. */
size_t tn_core_engine_stack_bytes(const tn_core_engine *engine);
/* Text that names engine version, settings and CPU: two engines with the same text can run each other's
 * compiled code. Lives as long as the engine. */
tn_str tn_core_engine_fingerprint(const tn_core_engine *engine);
/* What all entries of the cache may take together; 0: no limit. */
uint64_t tn_core_engine_max_cache_bytes(const tn_core_engine *engine);
/* WebAssembly text (module or component, also `(module quote …)` is not handled here) to binary.
 * *out is freed with tn_free. Errors carry line and column as TN_ERROR_MALFORMED. */
tn_error *tn_core_text_to_binary(tn_str text, uint8_t **out, size_t *size);

/* ---- modules ---------------------------------------------------------------------------------- */

typedef struct tn_module tn_module;

/* Validates only (TN_ERROR_INVALID). */
tn_error *tn_module_validate(tn_core_engine *engine, tn_str bytes);
/* Compiles `count` modules in parallel; all or nothing. */
tn_error *tn_modules_compile(tn_core_engine *engine, const tn_str *bytes, size_t count,
                             tn_module **out);
/* Native code as bytes, freed with tn_free. Untrusted bytes must never reach tn_module_load: whoever keeps
 * them must be sure of their integrity (see artifact.h). */
tn_error *tn_module_serialize(const tn_module *module, uint8_t **out, size_t *size);
tn_error *tn_module_load(tn_core_engine *engine, tn_str native, tn_module **out);
/* As tn_module_load, but nothing is copied: the code runs where it lies, at the boundary of a page in a private
 * read-only mapping of a file, which outlives the module and all its instances. */
tn_error *tn_module_load_in_place(tn_core_engine *engine, tn_str native, tn_module **out);
void tn_module_delete(tn_module *module);

/* ---- stores ----------------------------------------------------------------------------------- */

typedef struct tn_store tn_store;
/* borrowed view of a store, as host functions get it */
typedef struct tn_core_context tn_core_context;

typedef struct tn_store_limits {
  /* of each linear memory; UINT64_MAX: no limit of ours. Growth beyond traps with
   * TN_ERROR_MEMORY_LIMIT */
  uint64_t memory_bytes;
  uint64_t table_elements; /* likewise, for each table */
  /* core instances, tables and memories in the store: more is TN_ERROR_LIMIT. UINT32_MAX: as
   * many as the engine allows, 10 000 of each */
  uint32_t instances;
  uint32_t tables;
  uint32_t memories;
  uint32_t own_instances; /* Tenon's own, which come on top of these and are never mentioned */
  uint32_t own_memories;
  bool has_fuel;
  bool counts_memory; /* as a limit of memory does */
  /* growth that a limit allows and the machine cannot give ends the guest: TN_ERROR_NO_MEMORY */
  bool grows_surely;
  uint64_t fuel;
} tn_store_limits;

/* Called on the guest's own thread when the epoch deadline is reached. Returns NULL to go on until the
 * next tick, or an error that ends the guest. Never suspends, but may set *yields (false before): the fiber that is
 * running, and there has to be one, is then suspended afterwards, as if by tn_fiber_suspend. */
typedef tn_error *(*tn_epoch_func)(void *data, bool *yields);

tn_error *tn_store_new(tn_core_engine *engine, const tn_store_limits *limits, void *data,
                       tn_store **out);
/* For another guest in a store whose guest has ended, with what remains of it: `limits` differ in their fuel only. */
tn_error *tn_store_renew(tn_store *store, const tn_store_limits *limits);
void tn_store_delete(tn_store *store);
tn_core_context *tn_store_context(tn_store *store);
/* `data` of tn_store_new. */
void *tn_core_context_data(tn_core_context *context);
/* Arranges that `func(data)` is called at each tick from now on while a guest runs. */
void tn_store_on_epoch(tn_store *store, tn_epoch_func func, void *data);
uint64_t tn_store_fuel_left(tn_store *store);
/* The largest size of a linear memory so far, where it is counted: 0 elsewhere. */
uint64_t tn_store_memory_peak(const tn_store *store);
/* Adds fuel, for callers that meter in portions. */
tn_error *tn_store_set_fuel(tn_store *store, uint64_t fuel);

/* ---- core values, functions, memories --------------------------------------------------------- */

/* One core value, untagged. i32 and f32 occupy the low 4 bytes; writers of an i32 store it zero-extended
 * through .i64, so that a slot can be read at either width. */
typedef union tn_core_value {
  int32_t i32;
  int64_t i64;
  uint32_t u32;
  uint64_t u64;
  float f32;
  double f64;
  uint8_t v128[16];
  void *ref;
} tn_core_value;

typedef struct tn_core_func {
  uint64_t store;
  void *item;
} tn_core_func;

typedef struct tn_core_memory {
  uint64_t store;
  uint32_t a, padding, b;
} tn_core_memory;

typedef struct tn_core_table {
  uint64_t store;
  uint32_t a, padding, b;
} tn_core_table;

typedef struct tn_core_global {
  uint64_t store;
  uint32_t a, b, c;
} tn_core_global;

typedef struct tn_core_tag {
  uint64_t store;
  uint32_t a, padding, b;
} tn_core_tag;

/* Any import or export of a core instance. */
typedef struct tn_core_extern {
  uint8_t kind; /* the engine's numbering, not tn_core_extern_kind; only src/engine/ looks at it */
  union {
    tn_core_func func;
    tn_core_global global;
    tn_core_table table;
    tn_core_memory memory;
    void *shared_memory;
    tn_core_tag tag;
  };
} tn_core_extern;

typedef struct tn_core_instance {
  uint64_t store;
  size_t item;
} tn_core_instance;

typedef struct tn_core_caller tn_core_caller;
typedef struct tn_core_trap tn_core_trap; /* what a host function returns to end the guest */

/* A host function, called straight from compiled code: arguments in `values`, results are written over
 * them from values[0] on. Returns NULL, or the result of tn_core_trap_from_error. */
typedef tn_core_trap *(*tn_core_host_func)(void *environment, tn_core_caller *caller,
                                           tn_core_value *values, size_t count);

tn_core_context *tn_core_caller_context(tn_core_caller *caller);
/* Takes ownership of `error` and parks it in the store: whoever made the outermost call into the guest
 * gets it back (with the wasm frames added), with its kind, hint and exit code. */
tn_core_trap *tn_core_trap_from_error(tn_core_context *context, tn_error *error);

/* The opposite, for one who has called a tn_core_host_func himself: the error, which is the caller's. Ends the trap. */
tn_error *tn_core_trap_take_error(tn_core_context *context, tn_core_trap *trap);

/* Makes a host function in the store; environment is not owned. */
tn_error *tn_core_func_new(tn_core_context *context, const tn_core_func_type *type,
                           tn_core_host_func func, void *environment, tn_core_func *out);
/* The same as an import for tn_core_instantiate. */
tn_error *tn_core_extern_func_new(tn_core_context *context, const tn_core_func_type *type,
                                  tn_core_host_func func, void *environment, tn_core_extern *out);
/* What kind of definition it is. */
tn_core_extern_kind tn_core_extern_get_kind(const tn_core_extern *item);
/* Calls a core function: `values` holds the arguments and receives the results, `count` is the larger of
 * the two numbers. Works from outside, within a host function and on a fiber. Errors: whatever ended the
 * guest, by kind (trap, exit, fuel, timeout, memory limit, stack overflow …), with its wasm frames. */
tn_error *tn_core_call(tn_core_context *context, const tn_core_func *func, tn_core_value *values,
                       size_t count);

uint8_t *tn_core_memory_base(tn_core_context *context, const tn_core_memory *memory);
uint64_t tn_core_memory_size(tn_core_context *context, const tn_core_memory *memory); /* in bytes */
/* Whether the memory's base stays the same however much it grows. To be asked once, not at each call. */
bool tn_core_memory_is_fixed(tn_core_context *context, const tn_core_memory *memory);

/* ---- instances -------------------------------------------------------------------------------- */

/* Instantiates; `imports` in the order of the module's import section. Must not be called on a fiber
 * (TN_ERROR_UNSUPPORTED then). Runs the start function. */
tn_error *tn_core_instantiate(tn_core_context *context, const tn_module *module,
                              const tn_core_extern *imports, size_t count, tn_core_instance *out);
/* False when there is no such export. */
bool tn_core_instance_export(tn_core_context *context, const tn_core_instance *instance,
                             tn_str name, tn_core_extern *out);

/* A memory or global that the instance itself defines, exported or not; `index` counts these only, without imported ones,
 * and has to be one that the module has. */
tn_core_memory tn_core_instance_memory(const tn_core_instance *instance, uint32_t index);
tn_core_global tn_core_instance_global(const tn_core_instance *instance, uint32_t index);

/* The value of a global of type i32, i64, f32 or f64. */
typedef struct tn_core_number {
  uint8_t kind; /* the engine's numbering */
  uint64_t bits;
} tn_core_number;

tn_core_number tn_core_global_get(tn_core_context *context, const tn_core_global *global);
/* False when it is not of the number's type. */
bool tn_core_global_set(tn_core_context *context, const tn_core_global *global,
                        tn_core_number number);

/* Offsets of pages in a mapping. */
typedef struct tn_page_range {
  size_t start;
  size_t end;
} tn_page_range;

enum { TN_PAGE_RANGES = 64 };

typedef struct tn_page_ranges {
  uint32_t count;
  size_t end; /* what lies behind has not been looked at */
  tn_page_range ranges[TN_PAGE_RANGES];
} tn_page_ranges;

/* What tn_pages_written asks; the caller closes it. -1: the system cannot tell. */
int tn_pages_open(void);
/* The pages of a private mapping (of a file or of nothing) that have been written since it was made. False when that
 * cannot be told. */
bool tn_pages_written(int map, const void *start, size_t size, tn_page_ranges *out);

/* A module all of whose imports are host functions, resolved once for many stores. */
typedef struct tn_module_pre tn_module_pre;

/* `type` and `environment` are not owned: both outlive the tn_module_pre, the latter its instances too. */
typedef struct tn_host_import {
  const tn_core_func_type *type;
  tn_core_host_func func;
  void *environment;
} tn_host_import;

/* Host functions that many stores use, by number. Once all have been added, any thread may get them. */
typedef struct tn_host_funcs tn_host_funcs;

tn_error *tn_host_funcs_new(tn_core_engine *engine, tn_host_funcs **out);
/* Stores that use some of them may live on. */
void tn_host_funcs_delete(tn_host_funcs *funcs);
/* `*number` counts from 0. Errors: UNSUPPORTED, for a type that host functions cannot have. */
tn_error *tn_host_funcs_add(tn_host_funcs *funcs, const tn_host_import *import, uint32_t *number);
/* The function as an import for modules in this store. */
tn_error *tn_host_funcs_get(tn_core_context *context, const tn_host_funcs *funcs, uint32_t number,
                            tn_core_extern *out);

/* `imports` in the order of the module's import section. The module must outlive the result. */
tn_error *tn_module_pre_new(tn_core_engine *engine, const tn_module *module,
                            const tn_host_import *imports, size_t count, tn_module_pre **out);
void tn_module_pre_delete(tn_module_pre *pre);
tn_error *tn_module_pre_instantiate(tn_core_context *context, const tn_module_pre *pre,
                                    tn_core_instance *out);

/* ---- fibers and waiting ------------------------------------------------------------------------ */

/* A second stack on which guest code and host functions run and from which they can be suspended as a
 * whole, C frames included. Several may live in one store and be resumed in any order. */
typedef struct tn_fiber tn_fiber;

typedef void (*tn_fiber_func)(void *argument);

/* Makes a fiber that will run func(argument) at its first resume. */
tn_error *tn_fiber_new(tn_store *store, tn_fiber_func func, void *argument, tn_fiber **out);
/* Runs it until it suspends (returns false) or its function has returned (true). Not from within another
 * fiber. */
bool tn_fiber_resume(tn_fiber *fiber);
/* After tn_fiber_resume has returned true: NULL, or why the function could not be run at all (there was no
 * memory or no slot of the pool for its stack). The caller owns the error. */
tn_error *tn_fiber_take_error(tn_fiber *fiber);
/* What tn_fiber_new was given. */
void *tn_fiber_argument(const tn_fiber *fiber);
/* On a fiber: suspends it. Returns true when it is resumed, false when it is being cancelled: then unwind.
 * Whatever runs on it until then cannot suspend any more: this returns false at once. */
bool tn_fiber_suspend(tn_core_context *context);
/* Whether it is being deleted: whatever runs on it unwinds and cannot be suspended. */
bool tn_fiber_is_cancelled(const tn_fiber *fiber);
/* The fiber that is running in this store, or NULL. */
tn_fiber *tn_fiber_current(tn_core_context *context);
/* Ends it: if it is suspended it is cancelled and unwinds first. */
void tn_fiber_delete(tn_fiber *fiber);

#endif
