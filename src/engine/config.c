/* Engine, its configuration and fingerprint. */
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#if defined(__x86_64__)
#include <sys/platform/x86.h>
#endif
#include <sys/resource.h>

#include "base/alloc.h"
#include "engine/private.h"

enum {
  DEFAULT_STACK_BYTES = 512 << 10,
  HOST_STACK_BYTES = 512 << 10, /* what host functions may use on top of the guest's stack */
  MAX_STACK_BYTES = 1 << 30,
  MAX_OPTIMIZE = 2,
  KEEP_RESIDENT_MEMORY = 2 << 20,
  KEEP_RESIDENT_TABLE = 64 << 10,
  WARM_SLOTS = 256,
  DECOMMIT_BATCH = 16,
  PER_MODULE = 64,
  POOL_INSTANCES = 1000,
  MAX_GC_HEAPS = 1000,
};

static const uint64_t GIB = 1ull << 30;
/* Of the 47 bits that a process has, with room left for its other mappings. */
static const uint64_t POOL_ADDRESS_SPACE = 120ull << 40;

/* How linear memories lie in the address space. It is part of what compiled code relies on. With 4 GiB and
 * a guard behind them, a 32-bit memory needs no bounds checks. */
typedef struct memory_layout {
  uint64_t reservation;
  uint64_t guard;
  uint64_t growth;
} memory_layout;

static bool address_space_is_limited(void) {
  struct rlimit limit;
  return getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

static uint64_t pool_instances(const tn_engine_options *options) {
  return options->pool_instances != 0 ? options->pool_instances : POOL_INSTANCES;
}

/* Few components use collected objects, and a heap of them takes as much address space as a memory. */
static uint64_t gc_heaps(const tn_engine_options *options) {
  uint64_t count = pool_instances(options);
  return count < MAX_GC_HEAPS ? count : MAX_GC_HEAPS;
}

static uint64_t pool_memory_bytes(const tn_engine_options *options) {
  return options->pool_memory_bytes != 0 ? options->pool_memory_bytes : 4 * GIB;
}

static memory_layout choose_layout(const tn_engine_options *options) {
  if (address_space_is_limited())
    return (memory_layout){.reservation = 0, .guard = 64 << 10, .growth = 1 << 20};
  memory_layout layout = {.reservation = 4 * GIB, .guard = 32 << 20, .growth = 2 * GIB};
  if (options->pooling) {
    uint64_t slots = pool_instances(options) + gc_heaps(options);
    uint64_t wanted = slots * (layout.reservation + layout.guard);
    if (wanted > POOL_ADDRESS_SPACE) layout.reservation = pool_memory_bytes(options);
  }
  return layout;
}

static void set_features(wasm_config_t *config, const tn_engine_options *options) {
  wasmtime_config_wasm_multi_memory_set(config, true);
  wasmtime_config_wasm_memory64_set(config, true);
  wasmtime_config_wasm_wide_arithmetic_set(config, true);
  wasmtime_config_wasm_custom_page_sizes_set(config, true);
  /* Winch has none of these; asking for them would be refused. */
  if (options->compiler == TN_COMPILER_WINCH) return;
  wasmtime_config_wasm_tail_call_set(config, true);
  wasmtime_config_wasm_function_references_set(config, true);
  wasmtime_config_wasm_gc_set(config, true);
  wasmtime_config_wasm_exceptions_set(config, true);
  wasmtime_config_wasm_relaxed_simd_set(config, true);
}

static size_t stack_bytes(const tn_engine_options *options) {
  return options->max_stack_bytes != 0 ? options->max_stack_bytes : DEFAULT_STACK_BYTES;
}

/* Of a fiber: a guest that has used up its stack may just have been entered for the last time, and then has as much
 * once more (see tn_stack_limit). What is not used takes address space only. */
static size_t fiber_stack_bytes(const tn_engine_options *options) {
  return 2 * stack_bytes(options) + HOST_STACK_BYTES;
}

static wasmtime_opt_level_t optimization(const tn_engine_options *options) {
  switch (options->optimize) {
  case 0:
    return WASMTIME_OPT_LEVEL_NONE;
  case 1:
    return WASMTIME_OPT_LEVEL_SPEED;
  default:
    return WASMTIME_OPT_LEVEL_SPEED_AND_SIZE;
  }
}

static wasm_config_t *make_config(const tn_engine_options *options, const memory_layout *layout) {
  wasm_config_t *config = wasm_config_new();
  bool winch = options->compiler == TN_COMPILER_WINCH;
  wasmtime_config_strategy_set(config,
                               winch ? WASMTIME_STRATEGY_WINCH : WASMTIME_STRATEGY_CRANELIFT);
  if (!winch) wasmtime_config_cranelift_opt_level_set(config, optimization(options));
  wasmtime_config_parallel_compilation_set(config, options->parallel_compilation);
  wasmtime_config_debug_info_set(config, options->debug_info);
  wasmtime_config_consume_fuel_set(config, options->consume_fuel);
  wasmtime_config_epoch_interruption_set(config, options->epoch_interruption);
  wasmtime_config_max_wasm_stack_set(config, stack_bytes(options));
  wasmtime_config_async_stack_size_set(config, fiber_stack_bytes(options));
  wasmtime_config_memory_reservation_set(config, layout->reservation);
  wasmtime_config_memory_guard_size_set(config, layout->guard);
  wasmtime_config_memory_reservation_for_growth_set(config, layout->growth);
  wasmtime_config_memory_init_cow_set(config, true);
  tenon_config_code_in_place(config);
  /* Only unwinders of other languages would look at it, and registering it costs time for each module. */
  wasmtime_config_native_unwind_info_set(config, false);
  if (options->deterministic) {
    wasmtime_config_cranelift_nan_canonicalization_set(config, true);
    wasmtime_config_wasm_relaxed_simd_deterministic_set(config, true);
  }
  set_features(config, options);
  return config;
}

static uint32_t times(uint64_t count, uint32_t factor) {
  uint64_t product = count * factor;
  return product > UINT32_MAX ? UINT32_MAX : (uint32_t)product;
}

/* What a fresh instance costs is mostly the resetting of its memory when it ends: up to
 * KEEP_RESIDENT_MEMORY of it is cleared in place rather than given back to the system, and of that only
 * the pages that the guest has written (the pagemap scan, where the kernel has it). Slots beyond the warm
 * ones are given back one system call each, hence a generous number of them, and batches. */
static void set_pool(wasm_config_t *config, const tn_engine_options *options) {
  uint64_t count = pool_instances(options);
  wasmtime_pooling_allocation_config_t *pool = wasmtime_pooling_allocation_config_new();
  wasmtime_pooling_allocation_config_total_core_instances_set(pool, times(count, 8));
  wasmtime_pooling_allocation_config_total_memories_set(pool, times(count, 1));
  wasmtime_pooling_allocation_config_total_tables_set(pool, times(count, 4));
  /* A guard page each: two mappings of the process, which may have 65 530 by default. */
  wasmtime_pooling_allocation_config_total_stacks_set(pool, times(count, 1));
  wasmtime_pooling_allocation_config_total_gc_heaps_set(pool, times(gc_heaps(options), 1));
  wasmtime_pooling_allocation_config_max_memories_per_module_set(pool, PER_MODULE);
  wasmtime_pooling_allocation_config_max_tables_per_module_set(pool, PER_MODULE);
  wasmtime_pooling_allocation_config_max_memory_size_set(pool, pool_memory_bytes(options));
  wasmtime_pooling_allocation_config_linear_memory_keep_resident_set(pool, KEEP_RESIDENT_MEMORY);
  wasmtime_pooling_allocation_config_table_keep_resident_set(pool, KEEP_RESIDENT_TABLE);
  wasmtime_pooling_allocation_config_max_unused_warm_slots_set(pool, WARM_SLOTS);
  wasmtime_pooling_allocation_config_decommit_batch_size_set(pool, DECOMMIT_BATCH);
  tenon_pooling_pagemap_scan(pool);
  wasmtime_pooling_allocation_strategy_set(config, pool);
  wasmtime_pooling_allocation_config_delete(pool);
}

static tn_error *make_engine(const tn_engine_options *options, const memory_layout *layout,
                             wasm_engine_t **out) {
  if (options->pooling && !address_space_is_limited()) {
    wasm_config_t *config = make_config(options, layout);
    set_pool(config, options);
    wasmtime_error_t *error = tenon_engine_new(config, out);
    if (error == NULL) return NULL;
    /* No room for the pool, or a configuration that fails below as well. */
    wasmtime_error_delete(error);
  }
  wasmtime_error_t *error = tenon_engine_new(make_config(options, layout), out);
  if (error == NULL) return NULL;
  tn_error *failure =
      tn_error_wrap(tn_engine_fail(error, NULL, TN_ERROR_UNSUPPORTED), "engine configuration");
  if (options->compiler == TN_COMPILER_WINCH)
    tn_error_set_hint(failure, "%s", tn_engine_cranelift_hint);
  return failure;
}

const char tn_engine_cranelift_hint[] = "compile it with Cranelift (`compiler`)";

wasm_engine_t *tn_engine_new_validator(void) {
  wasm_engine_t *engine = NULL;
  wasm_config_t *config = wasm_config_new();
  set_features(config, &(tn_engine_options){.compiler = TN_COMPILER_CRANELIFT});
  wasmtime_error_t *error = tenon_engine_new(config, &engine);
  if (error == NULL) return engine;
  wasmtime_error_delete(error);
  return NULL;
}

/* ---- fingerprint -------------------------------------------------------------------------------- */

#if defined(__x86_64__)

#include <cpuid.h>

/* The features that the compiler makes use of. The C library has asked the processor already; to ask again is
 * slow in virtual machines, where each question goes to the host. */
#define CPU_FEATURES(X)                                                                            \
  X(SSE3)                                                                                          \
  X(SSSE3)                                                                                         \
  X(SSE4_1)                                                                                        \
  X(SSE4_2)                                                                                        \
  X(AVX)                                                                                           \
  X(AVX2)                                                                                          \
  X(FMA)                                                                                           \
  X(BMI1)                                                                                          \
  X(BMI2) X(LZCNT) X(POPCNT) X(AVX512F) X(AVX512DQ) X(AVX512VL) X(AVX512_BITALG) X(AVX512_VBMI)

/* As CPU_FEATURE_ACTIVE, which shifts a bit into the sign. */
static bool has_feature(unsigned index) {
  const struct cpuid_feature *leaf = __x86_get_cpuid_feature_leaf(index / 128);
  return (leaf->active_array[index / 32 % 4] >> index % 32 & 1) != 0;
}

static void describe_cpu(char *out, size_t size) {
  size_t used = (size_t)snprintf(out, size, "x86_64");
#define ADD_FEATURE(name)                                                                          \
  if (has_feature(x86_cpu_##name) && used < size)                                                  \
    used += (size_t)snprintf(out + used, size - used, "+" #name);
  CPU_FEATURES(ADD_FEATURE)
#undef ADD_FEATURE
}

#elif defined(__aarch64__)

static void describe_cpu(char *out, size_t size) {
  snprintf(out, size, "aarch64+%lx+%lx", getauxval(AT_HWCAP), getauxval(AT_HWCAP2));
}

#else
#error "this architecture has no description of its CPU yet"
#endif

static void describe(tn_core_engine *engine, const tn_engine_options *options,
                     const memory_layout *layout) {
  char cpu[256];
  describe_cpu(cpu, sizeof cpu);
  snprintf(engine->fingerprint, sizeof engine->fingerprint,
           "tenon-" TN_VERSION_STRING " wasmtime-" WASMTIME_VERSION
           " compiler=%s optimize=%u fuel=%d interruptible=%d debug-info=%d deterministic=%d "
           "memory=%llu/%llu/%llu cpu=%s",
           options->compiler == TN_COMPILER_WINCH ? "winch" : "cranelift", options->optimize,
           options->consume_fuel, options->epoch_interruption, options->debug_info,
           options->deterministic, (unsigned long long)layout->reservation,
           (unsigned long long)layout->guard, (unsigned long long)layout->growth, cpu);
}

/* ---- engine --------------------------------------------------------------------------------------- */

size_t tn_core_engine_stack_bytes(const tn_core_engine *engine) {
  return engine->max_stack_bytes + HOST_STACK_BYTES;
}

static tn_error *check_options(const tn_engine_options *options) {
  if (options->compiler != TN_COMPILER_CRANELIFT && options->compiler != TN_COMPILER_WINCH) {
    return tn_error_new(TN_ERROR_ARGUMENT,
                        "%d is no compiler (compiler): there are TN_COMPILER_CRANELIFT and "
                        "TN_COMPILER_WINCH",
                        (int)options->compiler);
  }
  if (options->optimize > MAX_OPTIMIZE) {
    return tn_error_new(TN_ERROR_ARGUMENT,
                        "%u is no level of optimization (optimize): there are 0 to %d",
                        (unsigned)options->optimize, MAX_OPTIMIZE);
  }
  if (stack_bytes(options) > MAX_STACK_BYTES) {
    return tn_error_new(TN_ERROR_ARGUMENT,
                        "a stack of %zu bytes (max_stack_bytes): there may be up to %d",
                        stack_bytes(options), MAX_STACK_BYTES);
  }
  return NULL;
}

tn_error *tn_core_engine_new(const tn_engine_options *options, tn_core_engine **out) {
  TN_TRY(check_options(options));
  tn_core_engine *engine = tn_calloc(1, sizeof *engine);
  if (engine == NULL) return tn_error_no_memory();
  tn_engine_ticker_init(&engine->ticker);
  engine->is_winch = options->compiler == TN_COMPILER_WINCH;
  engine->consume_fuel = options->consume_fuel;
  engine->parallel_compilation = options->parallel_compilation;
  engine->max_stack_bytes = stack_bytes(options);
  engine->max_cache_bytes = options->max_cache_bytes;
  memory_layout layout = choose_layout(options);
  engine->memory_reservation = layout.reservation;
  describe(engine, options, &layout);
  tn_error *error = make_engine(options, &layout, &engine->engine);
  if (error == NULL) error = tn_engine_define_system(engine);
  if (error != NULL) {
    tn_core_engine_delete(engine);
    return error;
  }
  *out = engine;
  return NULL;
}

void tn_core_engine_delete(tn_core_engine *engine) {
  if (engine == NULL) return;
  tn_engine_ticker_end(&engine->ticker);
  if (engine->home != NULL) wasmtime_store_delete(engine->home);
  if (engine->system != NULL) wasmtime_linker_delete(engine->system);
  if (engine->engine != NULL) wasm_engine_delete(engine->engine);
  tn_free(engine);
}

tn_str tn_core_engine_fingerprint(const tn_core_engine *engine) {
  return tn_str_from(engine->fingerprint);
}

uint64_t tn_core_engine_max_cache_bytes(const tn_core_engine *engine) {
  return engine->max_cache_bytes;
}
