/* Stores and their limits. */
#include <sys/mman.h>

#include "base/alloc.h"
#include "engine/private.h"

static const uint64_t NO_DEADLINE = UINT64_MAX / 2;

static uint8_t refuse_growth(tn_store *store, const char *what, size_t desired, const char *unit,
                             uint64_t limit, const char *option, tn_limit kind) {
  if (store->parked == NULL) {
    store->parked =
        tn_error_new(TN_ERROR_MEMORY_LIMIT, "a %s would grow to %zu %s, its limit is %llu", what,
                     desired, unit, (unsigned long long)limit);
    tn_error_set_hint(store->parked, "raise `%s`", option);
    tn_error_set_limit(store->parked, kind, desired, limit);
  }
  return TENON_GROWTH_FATAL;
}

/* Whether the machine has that much address space and memory left. The guest must not see the engine fail where the
 * limit would have allowed it: so it is tried before. */
static bool can_map(size_t size) {
  const size_t margin = (size_t)64 << 20; /* what the engine maps besides */
  if (size > SIZE_MAX - margin) return false;
  void *mapping =
      mmap(NULL, size + margin, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return mapping != MAP_FAILED && munmap(mapping, size + margin) == 0;
}

/* Growth beyond the maximum that the module itself declares is no business of ours: it gets -1. */
static uint8_t memory_growing(void *data, size_t desired, size_t maximum) {
  tn_store *store = data;
  if (desired > maximum) return TENON_GROWTH_REFUSED;
  if (desired <= store->limits.memory_bytes) {
    if (store->limits.grows_surely && !can_map(desired)) {
      if (store->parked == NULL) store->parked = tn_error_no_memory();
      return TENON_GROWTH_FATAL;
    }
    if (desired > store->memory_peak) store->memory_peak = desired;
    return TENON_GROWTH_ALLOWED;
  }
  return refuse_growth(store, "memory", desired, "bytes", store->limits.memory_bytes,
                       "max_memory_bytes", TN_LIMIT_MEMORY);
}

static uint8_t table_growing(void *data, size_t desired, size_t maximum) {
  tn_store *store = data;
  if (desired > maximum) return TENON_GROWTH_REFUSED;
  if (desired <= store->limits.table_elements) return TENON_GROWTH_ALLOWED;
  return refuse_growth(store, "table", desired, "elements", store->limits.table_elements,
                       "max_table_elements", TN_LIMIT_TABLE);
}

/* The engine's own limit of each kind, which costs nothing. */
enum { ENGINE_DEFAULT = 10000 };

static size_t count_limit(uint32_t limit, uint32_t own) {
  return (size_t)(limit == UINT32_MAX ? ENGINE_DEFAULT : limit) + own;
}

static bool is_engines(uint32_t limit, uint32_t own) {
  return limit == UINT32_MAX || (limit == ENGINE_DEFAULT && own == 0);
}

static bool has_limits(const tn_store_limits *limits) {
  return limits->counts_memory || limits->memory_bytes != UINT64_MAX ||
         limits->table_elements != UINT64_MAX ||
         !is_engines(limits->instances, limits->own_instances) || !is_engines(limits->tables, 0) ||
         !is_engines(limits->memories, limits->own_memories);
}

static void set_limits(tn_store *store, const tn_store_limits *limits) {
  store->limits = *limits;
  if (!has_limits(limits)) return;
  tenon_limiter limiter = {
      .data = store,
      .memory_growing = memory_growing,
      .table_growing = table_growing,
      .instances = count_limit(limits->instances, limits->own_instances),
      .tables = count_limit(limits->tables, 0),
      .memories = count_limit(limits->memories, limits->own_memories),
  };
  tenon_store_limiter(store->store, &limiter);
}

/* An engine that counts fuel gives a new store none at all. */
static tn_error *set_fuel(tn_store *store, const tn_store_limits *limits) {
  if (limits->has_fuel) return tn_store_set_fuel(store, limits->fuel);
  return store->engine->consume_fuel ? tn_store_set_fuel(store, UINT64_MAX) : NULL;
}

tn_error *tn_store_new(tn_core_engine *engine, const tn_store_limits *limits, void *data,
                       tn_store **out) {
  tn_store *store = tn_calloc(1, sizeof *store);
  if (store == NULL) return tn_error_no_memory();
  store->engine = engine;
  store->data = data;
  store->store = wasmtime_store_new(engine->engine, store, NULL);
  store->context = wasmtime_store_context(store->store);
  wasmtime_context_set_epoch_deadline(store->context, NO_DEADLINE);
  set_limits(store, limits);
  tn_error *error = set_fuel(store, limits);
  if (error != NULL) {
    tn_store_delete(store);
    return error;
  }
  *out = store;
  return NULL;
}

tn_error *tn_store_renew(tn_store *store, const tn_store_limits *limits) {
  if (store->on_epoch != NULL) wasmtime_context_set_epoch_deadline(store->context, 1);
  return set_fuel(store, limits);
}

void tn_store_delete(tn_store *store) {
  if (store == NULL) return;
  wasmtime_store_delete(store->store);
  tn_engine_free_fibers(store);
  tn_error_delete(store->parked);
  tn_free(store);
}

tn_core_context *tn_store_context(tn_store *store) {
  return (tn_core_context *)store->context;
}

void *tn_core_context_data(tn_core_context *context) {
  return tn_engine_store(context)->data;
}

static wasmtime_error_t *at_epoch(wasmtime_context_t *context, void *data, uint64_t *delta,
                                  wasmtime_update_deadline_kind_t *kind) {
  (void)context;
  tn_store *store = data;
  bool yields = false;
  tn_error *error = store->on_epoch(store->epoch_data, &yields);
  if (error != NULL) {
    tn_error_delete(store->parked);
    store->parked = error;
    return wasmtime_error_new("ended at a tick");
  }
  *delta = 1;
  if (yields) tn_engine_fiber_yields(store);
  *kind = yields ? WASMTIME_UPDATE_DEADLINE_YIELD : WASMTIME_UPDATE_DEADLINE_CONTINUE;
  return NULL;
}

void tn_store_on_epoch(tn_store *store, tn_epoch_func func, void *data) {
  store->on_epoch = func;
  store->epoch_data = data;
  wasmtime_store_epoch_deadline_callback(store->store, at_epoch, store, NULL);
  wasmtime_context_set_epoch_deadline(store->context, 1);
}

uint64_t tn_store_fuel_left(tn_store *store) {
  uint64_t fuel = 0;
  wasmtime_error_t *error = wasmtime_context_get_fuel(store->context, &fuel);
  if (error != NULL) wasmtime_error_delete(error); /* the engine does not count: none is left */
  return fuel;
}

uint64_t tn_store_memory_peak(const tn_store *store) {
  return store->memory_peak;
}

tn_error *tn_store_set_fuel(tn_store *store, uint64_t fuel) {
  wasmtime_error_t *error = wasmtime_context_set_fuel(store->context, fuel);
  if (error == NULL) return NULL;
  wasmtime_error_delete(error);
  return tn_error_new(TN_ERROR_ARGUMENT, "a fuel limit needs an engine that counts fuel");
}
