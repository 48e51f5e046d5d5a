#include "wasi/random/random.h"

#include "base/error.h"

/* The insecure numbers are as good as the others: nothing is gained by making them worse. */

/* More at once than any guest needs; a request for all of its address space is one of these. */
enum { MAX_BYTES = 64 * 1024 * 1024 };

typedef struct byte_list {
  const uint8_t *data;
  size_t len;
} byte_list;

static tn_error *get_bytes(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  uint64_t size = *(const uint64_t *)params;
  if (size > MAX_BYTES) {
    return tn_error_new(TN_ERROR_LIMIT,
                        "the guest asked for %llu random bytes; at most %d are given at once",
                        (unsigned long long)size, MAX_BYTES);
  }
  uint8_t *bytes;
  TN_TRY(tn_call_reserve(call, (size_t)size, &bytes));
  TN_TRY(tn_wasi_random(tn_wasi_of_call(call), bytes, (size_t)size));
  *(byte_list *)result = (byte_list){bytes, (size_t)size};
  return NULL;
}

static tn_error *get_u64(tn_call *call, void *data, const void *params, void *result) {
  (void)data, (void)params;
  return tn_wasi_random(tn_wasi_of_call(call), result, sizeof(uint64_t));
}

static tn_error *get_seed(tn_call *call, void *data, const void *params, void *result) {
  (void)data, (void)params;
  return tn_wasi_random(tn_wasi_of_call(call), result, 2 * sizeof(uint64_t));
}

static const tn_host_func_definition secure_funcs[] = {
    {"get-random-bytes", "func(len: u64) -> list<u8>", get_bytes},
    {"get-random-u64", "func() -> u64", get_u64},
};

static const tn_host_func_definition insecure_funcs[] = {
    {"get-insecure-random-bytes", "func(len: u64) -> list<u8>", get_bytes},
    {"get-insecure-random-u64", "func() -> u64", get_u64},
};

static const tn_host_func_definition seed_funcs[] = {
    {"insecure-seed", "func() -> tuple<u64, u64>", get_seed},
};

const tn_host_interface tn_random_interfaces[TN_RANDOM_INTERFACE_COUNT] = {
    {.name = "wasi:random/random@0.2.12",
     .funcs = secure_funcs,
     .func_count = sizeof secure_funcs / sizeof *secure_funcs},
    {.name = "wasi:random/insecure@0.2.12",
     .funcs = insecure_funcs,
     .func_count = sizeof insecure_funcs / sizeof *insecure_funcs},
    {.name = "wasi:random/insecure-seed@0.2.12",
     .funcs = seed_funcs,
     .func_count = sizeof seed_funcs / sizeof *seed_funcs},
};

tn_error *tn_wasi_random_define(tn_linker *linker) {
  for (size_t i = 0; i < TN_RANDOM_INTERFACE_COUNT; i++) {
    TN_TRY(tn_linker_define_interface(linker, &tn_random_interfaces[i], NULL));
  }
  return NULL;
}
