#include "wasi/config_store/config_store.h"

#include <assert.h>

#include "base/error.h"
#include "wasi/state.h"

/* Everything is in memory: the interface's errors never arise. */

static const tn_wasi_config *config_of(tn_call *call) {
  return tn_wasi_of_call(call)->config;
}

/* result<option<string>, error>; the larger of both payloads is error's: a variant with strings */
typedef struct get_result {
  uint8_t is_error;
  struct {
    uint8_t is_some;
    tn_str value;
  } ok;
} get_result;

static tn_error *get(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const tn_wasi_config *config = config_of(call);
  const tn_str *key = params;
  for (uint32_t i = 0; i < config->values.len; i++) {
    if (!tn_str_equal(config->values.items[i].name, *key)) continue;
    get_result *found = result;
    found->ok.is_some = 1;
    found->ok.value = config->values.items[i].value;
    break;
  }
  return NULL;
}

/* result<list<tuple<string, string>>, error> */
typedef struct get_all_result {
  uint8_t is_error;
  struct {
    const void *data;
    size_t len;
  } ok;
} get_all_result;

static_assert(sizeof(tn_config_variable) == 2 * sizeof(tn_str),
              "a value is the native tuple<string, string>");

static tn_error *get_all(tn_call *call, void *data, const void *params, void *result) {
  (void)data, (void)params;
  const tn_wasi_config *config = config_of(call);
  get_all_result *all = result;
  all->ok.data = config->values.items;
  all->ok.len = config->values.len;
  return NULL;
}

static const tn_host_func_definition store_funcs[] = {
    {"get", "func(key: string) -> result<option<string>, error>", get},
    {"get-all", "func() -> result<list<tuple<string, string>>, error>", get_all},
};

static const tn_host_interface store = {
    .name = "wasi:config/store@0.2.0-rc.1",
    .types = "variant error { upstream(string), io(string) }",
    .funcs = store_funcs,
    .func_count = sizeof store_funcs / sizeof *store_funcs,
};

tn_error *tn_wasi_config_store_define(tn_linker *linker) {
  return tn_linker_define_interface(linker, &store, NULL);
}
