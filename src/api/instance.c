#include "api/api.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/sanitizer.h"
#include "link/backtrace.h"
#include "tenon/exec.h"
#include "value/value.h"

enum {
  DEFAULT_MAX_HANDLES = 1 << 20,
  DEFAULT_MAX_CORE = 10000,
  DEFAULT_MAX_TRANSFER = 128 << 20,
  DEFAULT_MAX_HOST_MEMORY = 256 << 20,
};

void tn_instance_options_init(tn_instance_options *options) {
  *options = (tn_instance_options){
      .max_memory_bytes = UINT64_MAX,
      .max_table_elements = UINT64_MAX,
      .max_instances = DEFAULT_MAX_CORE,
      .max_tables = DEFAULT_MAX_CORE,
      .max_memories = DEFAULT_MAX_CORE,
      .max_handles = DEFAULT_MAX_HANDLES,
      .max_transfer_bytes = DEFAULT_MAX_TRANSFER,
      .max_host_memory_bytes = DEFAULT_MAX_HOST_MEMORY,
  };
}

/* At each tick while the guest runs: why it should stop, if it should. The engine sets the next deadline only
 * after this has returned, so that a cancellation between the two would go unseen if its tick were the last
 * one: from the first tick on, which is not this instance's own then, there are more to come. */
static tn_error *check_epoch(void *data, bool *yields) {
  tn_instance *instance = data;
  if (!instance->holds_ticker) {
    tn_error *error = tn_core_engine_ticker_acquire(instance->linked->plan.engine);
    instance->holds_ticker = error == NULL;
    tn_error_delete(error);
  }
  if (instance->on_tick != NULL) TN_TRY(instance->on_tick(instance->user));
  TN_TRY(tn_guest_check(&instance->guest));
  *yields = tn_loop_yield(instance->instantiated.runtime.context);
  return NULL;
}

static tn_error *start_clock(tn_instance *instance, const tn_instance_options *options) {
  if (options->timeout == 0) return NULL;
  tn_core_engine *engine = instance->linked->plan.engine;
  if (!instance->linked->component->engine->epoch_interruption) {
    return tn_error_new(TN_ERROR_ARGUMENT, "a time limit needs an engine with epoch_interruption");
  }
  tn_guest_set_timeout(&instance->guest, options->timeout);
  TN_TRY(tn_core_engine_ticker_acquire(engine));
  instance->holds_ticker = true;
  return NULL;
}

static tn_error *make_funcs(tn_instance *instance) {
  if (instance->funcs != NULL) return NULL;
  const tn_plan *plan = &instance->linked->plan;
  instance->funcs = tn_calloc(plan->export_count, sizeof *instance->funcs);
  if (instance->funcs == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < plan->export_count; i++) {
    instance->funcs[i] = (tn_func){instance, &plan->exports[i]};
  }
  return NULL;
}

static tn_error *set_up(tn_instance *instance, const tn_instance_options *options) {
  const tn_engine *engine = instance->linked->component->engine;
  if (options->has_fuel && !engine->consume_fuel) {
    return tn_error_new(TN_ERROR_ARGUMENT, "a fuel limit needs an engine with consume_fuel");
  }
  if (instance->wasi == NULL) {
    TN_TRY(tn_wasi_new(options->wasi, &instance->guest, &instance->wasi));
  } else {
    tn_wasi_renew(instance->wasi, options->wasi, &instance->guest);
  }
  const tn_plan *plan = &instance->linked->plan;
  TN_TRY(tn_wasi_link(instance->wasi, plan->rights + 1, plan->rights_count - 1));
  tn_wasi_set_user(instance->wasi, options->user);
  TN_TRY(start_clock(instance, options));
  TN_TRY(make_funcs(instance));
  tn_runtime *runtime = &instance->instantiated.runtime;
  runtime->states[TN_STATE_INSTANCE] = instance;
  runtime->states[TN_STATE_WASI] = instance->wasi;
  runtime->states[TN_STATE_HTTP] = NULL;
  runtime->states[TN_STATE_USER] = options->user;
  runtime->states[TN_STATE_RECORDING] = options->recording;
  runtime->max_handles = options->max_handles;
  runtime->max_transfer_bytes = options->max_transfer_bytes;
  runtime->kept = tn_wasi_kept(instance->wasi);
  runtime->kept->limit = options->max_host_memory_bytes;
  instance->instantiated.restorer = instance->linked->restorer;
  tn_store_limits limits = {
      .memory_bytes = options->max_memory_bytes,
      .table_elements = options->max_table_elements,
      .instances = options->max_instances,
      .tables = options->max_tables,
      .memories = options->max_memories,
      .counts_memory = options->count_memory || options->sure_memory,
      .grows_surely = options->sure_memory,
      .has_fuel = options->has_fuel || engine->consume_fuel,
      .fuel = options->has_fuel ? options->fuel : UINT64_MAX,
  };
  tn_sanitizer_take(engine->core);
  return tn_plan_instantiate(&instance->linked->plan, &limits,
                             engine->epoch_interruption ? check_epoch : NULL, instance,
                             &instance->instantiated);
}

typedef struct set_up_call {
  tn_instance *instance;
  const tn_instance_options *options;
  tn_error *error;
} set_up_call;

static void run_set_up(void *argument) {
  set_up_call *call = argument;
  call->error = set_up(call->instance, call->options);
}

/* Start functions run, wherever there is room for them. */
static tn_error *set_up_on_stack(tn_instance *instance, const tn_instance_options *options) {
  if (tn_instance_has_stack(instance)) return set_up(instance, options);
  set_up_call call = {instance, options, NULL};
  TN_TRY(tn_instance_on_own_stack(instance, run_set_up, &call));
  return call.error;
}

tn_error *tn_instance_renew(tn_instance *instance, const tn_instance_options *options) {
  instance->user = options->user;
  tn_guest_init(&instance->guest, instance->guest.loop);
  tn_error *error = tn_plan_locate(&instance->linked->plan, set_up_on_stack(instance, options));
  if (error != NULL) tn_instance_end(instance);
  return error;
}

/* `own_loop` is the loop, or NULL when it is shared. */
static tn_error *make_instance(const tn_linked *linked, const tn_instance_options *options,
                               tn_loop *loop, tn_loop *own_loop, tn_instance **out) {
  tn_instance *instance = tn_calloc(1, sizeof *instance);
  if (instance == NULL) {
    tn_loop_delete(own_loop);
    return tn_error_no_memory();
  }
  instance->linked = (tn_linked *)linked; /* only the count changes */
  atomic_fetch_add_explicit(&instance->linked->references, 1, memory_order_relaxed);
  instance->own_loop = own_loop;
  instance->guest.loop = loop;
  instance->stack_bytes = tn_core_engine_stack_bytes(linked->plan.engine);
  tn_error *error = tn_instance_renew(instance, options);
  if (error != NULL) {
    tn_instance_delete(instance);
    return error;
  }
  *out = instance;
  return NULL;
}

tn_error *tn_instance_new_on(const tn_linked *linked, const tn_instance_options *options,
                             tn_loop *loop, tn_instance **out) {
  return make_instance(linked, options, loop, NULL, out);
}

tn_error *tn_instance_new(const tn_linked *linked, const tn_instance_options *options,
                          tn_instance **out) {
  tn_loop *loop;
  TN_TRY(tn_loop_new(&loop));
  return make_instance(linked, options, loop, loop, out);
}

static void end_host_side(tn_instance *instance) {
  tn_sanitizer_give(instance->linked->plan.engine);
  if (instance->holds_ticker) tn_core_engine_ticker_release(instance->linked->plan.engine);
  instance->holds_ticker = false;
  if (instance->wasi != NULL) tn_wasi_end(instance->wasi);
  tn_guest_free(&instance->guest);
}

void tn_instance_end(tn_instance *instance) {
  /* Others may have its memory before the next line has ended. */
  tn_sanitizer_give(instance->linked->plan.engine);
  tn_plan_instantiated_end(&instance->instantiated);
  end_host_side(instance);
}

bool tn_instance_retire(tn_instance *instance) {
  bool is_restored = tn_plan_instantiated_retire(&instance->instantiated);
  end_host_side(instance);
  return is_restored;
}

void tn_instance_delete(tn_instance *instance) {
  if (instance == NULL) return;
  tn_instance_end(instance);
  tn_plan_instantiated_free(&instance->instantiated);
  tn_wasi_delete(instance->wasi);
  tn_loop_delete(instance->own_loop);
  tn_stack_free(&instance->stack);
  tn_free(instance->funcs);
  tn_linked_delete(instance->linked);
  tn_free(instance);
}

void *tn_instance_user(tn_instance *instance) {
  return instance->user;
}

void tn_instance_cancel(tn_instance *instance) {
  tn_guest_cancel(&instance->guest);
  tn_core_engine_tick(instance->linked->plan.engine);
}

uint64_t tn_instance_fuel_left(tn_instance *instance) {
  return tn_store_fuel_left(instance->instantiated.runtime.store);
}

uint64_t tn_instance_memory_peak(const tn_instance *instance) {
  return tn_store_memory_peak(instance->instantiated.runtime.store);
}

uint64_t tn_instance_memory_bytes(const tn_instance *instance) {
  const tn_runtime *runtime = &instance->instantiated.runtime;
  uint64_t size = 0;
  for (uint32_t i = 0; i < instance->linked->plan.memory_slots; i++)
    size += tn_core_memory_size(runtime->context, &runtime->memories[i]);
  return size;
}

typedef struct drop_call {
  tn_runtime *runtime;
  uint32_t handle;
  tn_error *error;
} drop_call;

static void run_drop(void *argument) {
  drop_call *call = argument;
  call->error = tn_canon_drop_handle(call->runtime, call->handle);
}

/* A destructor may be the guest's. */
tn_error *tn_instance_drop_handle(tn_instance *instance, uint32_t handle) {
  drop_call call = {&instance->instantiated.runtime, handle, NULL};
  if (tn_instance_has_stack(instance)) {
    run_drop(&call);
  } else {
    TN_TRY(tn_instance_on_own_stack(instance, run_drop, &call));
  }
  return tn_plan_locate(&instance->linked->plan, call.error);
}

/* ---- functions --------------------------------------------------------------------------------- */

size_t tn_instance_func_count(const tn_instance *instance) {
  return instance->linked->plan.export_count;
}

const tn_func *tn_instance_func_at(const tn_instance *instance, size_t index) {
  return index < instance->linked->plan.export_count ? &instance->funcs[index] : NULL;
}

tn_str tn_func_name(const tn_func *func) {
  return func->export_->name;
}

const tn_func_type *tn_func_get_type(const tn_func *func) {
  return func->export_->type;
}

/* "ns:pkg/interface@version#f" as "ns:pkg/interface#f" would match it, too. */
static bool matches_without_version(tn_str name, tn_str wanted) {
  size_t at = tn_str_find(name, '@', 0);
  size_t hash = tn_str_find(name, '#', at);
  if (at == name.len || hash == name.len || wanted.len != at + (name.len - hash)) return false;
  return memcmp(name.data, wanted.data, at) == 0 &&
         memcmp(name.data + hash, wanted.data + at, name.len - hash) == 0;
}

static bool matches_last_part(tn_str name, tn_str wanted) {
  return name.len > wanted.len && name.data[name.len - wanted.len - 1] == '#' &&
         tn_str_ends_with(name, wanted);
}

typedef bool (*match_func)(tn_str name, tn_str wanted);

/* The only function that matches; *count says how many there are. */
static const tn_func *find_matching(tn_instance *instance, tn_str wanted, match_func matches,
                                    size_t *count) {
  const tn_func *found = NULL;
  *count = 0;
  for (size_t i = 0; i < tn_instance_func_count(instance); i++) {
    if (!matches(instance->funcs[i].export_->name, wanted)) continue;
    found = &instance->funcs[i];
    (*count)++;
  }
  return found;
}

/* A core module may export functions whose types have no counterpart among the component's. */
static bool is_core_export(const tn_instance *instance, tn_str name) {
  const tn_core_module *module = instance->linked->component->compiled.core;
  for (uint32_t i = 0; module != NULL && i < module->export_count; i++) {
    const tn_core_export *export_ = &module->exports[i];
    if (export_->type.kind == TN_CORE_EXTERN_FUNC && tn_str_equal(export_->name, name)) return true;
  }
  return false;
}

tn_error *tn_instance_func(tn_instance *instance, tn_str name, const tn_func **out) {
  static const match_func matchers[] = {tn_str_equal, matches_without_version, matches_last_part};
  for (size_t i = 0; i < sizeof matchers / sizeof *matchers; i++) {
    size_t count;
    const tn_func *found = find_matching(instance, name, matchers[i], &count);
    if (count > 1) {
      return tn_error_set_hint(tn_error_new(TN_ERROR_NOT_FOUND,
                                            "`%" TN_STR_FORMAT "` is exported by %zu interfaces",
                                            TN_STR_ARG(name), count),
                               "write it as interface#function, for example `%" TN_STR_FORMAT "`",
                               TN_STR_ARG(found->export_->name));
    }
    if (count == 1) {
      *out = found;
      return NULL;
    }
  }
  if (is_core_export(instance, name)) {
    return tn_error_new(
        TN_ERROR_UNSUPPORTED,
        "`%" TN_STR_FORMAT
        "` is exported, but a function of its type cannot be called from here: it may take up to "
        "%d numbers and return one",
        TN_STR_ARG(name), TN_MAX_FLAT_PARAMS);
  }
  tn_error *error = tn_error_new(TN_ERROR_NOT_FOUND, "no function `%" TN_STR_FORMAT "` is exported",
                                 TN_STR_ARG(name));
  return tn_error_set_hint(error, "`tn_inspect` lists what the component exports");
}

typedef struct lifted_call {
  const tn_func *func;
  const void *params;
  void *result;
  tn_values *values;
  tn_error *error;
} lifted_call;

static tn_error *call_lifted(const tn_func *func, const void *params, void *result,
                             tn_values *values) {
  return tn_canon_call(&func->instance->instantiated.runtime, func->export_->lifted, params, result,
                       &values->arena);
}

static void run_lifted(void *argument) {
  lifted_call *call = argument;
  call->error = call_lifted(call->func, call->params, call->result, call->values);
}

static tn_error *call_on_own_stack(const tn_func *func, const void *params, void *result,
                                   tn_values *values) {
  lifted_call call = {func, params, result, values, NULL};
  TN_TRY(tn_instance_on_own_stack(func->instance, run_lifted, &call));
  return call.error;
}

tn_error *tn_func_call(const tn_func *func, const void *params, void *result, tn_values *values) {
  tn_instance *instance = func->instance;
  TN_TRY(tn_guest_check(&instance->guest)); /* a guest that is cancelled or late is not entered */
  if (func->export_->lifted == NULL) {
    return tn_error_new(TN_ERROR_UNSUPPORTED,
                        "`%" TN_STR_FORMAT
                        "` is a function of the host that the component hands on",
                        TN_STR_ARG(func->export_->name));
  }
  tn_error *error = tn_instance_has_stack(instance)
                        ? call_lifted(func, params, result, values)
                        : call_on_own_stack(func, params, result, values);
  return tn_plan_locate(&instance->linked->plan, error);
}

/* ---- commands ---------------------------------------------------------------------------------- */

/* What running a command has come to: an exit is no error. */
static tn_error *take_exit(tn_error *error, int *exit_code) {
  if (error == NULL || tn_error_get_kind(error) != TN_ERROR_EXIT) return error;
  *exit_code = tn_error_get_exit_code(error);
  tn_error_delete(error);
  return NULL;
}

static const tn_func *find_command(tn_instance *instance) {
  if (!tn_component_is_module(instance->linked->component)) {
    size_t index = tn_linked_find_export(instance->linked, TN_STR("wasi:cli/run"), TN_STR("run"));
    return tn_instance_func_at(instance, index);
  }
  for (size_t i = 0; i < tn_instance_func_count(instance); i++) {
    if (tn_str_equal(instance->funcs[i].export_->name, TN_STR("_start")))
      return &instance->funcs[i];
  }
  return NULL;
}

/* A command's run on a fiber of its own, so that whatever blocks in it suspends instead. */
typedef struct command_run {
  const tn_func *func;
  uint8_t is_error; /* what `run` has returned; `_start` has no result */
  tn_values values;
  tn_error *error;
} command_run;

/* `run: func() -> result`, whose native form is one byte, or a module's `_start`, without a result. */
static bool has_command_type(const tn_func *func, bool is_module) {
  const tn_func_type *type = func->export_->type;
  if (type->param_count != 0) return false;
  if (is_module) return type->result == NULL;
  return type->result != NULL && type->result->kind == TN_TYPE_RESULT &&
         type->result->types[0] == NULL && type->result->types[1] == NULL;
}

static tn_error *check_command(tn_instance *instance, const tn_func *func) {
  bool is_module = tn_component_is_module(instance->linked->component);
  if (func == NULL) {
    return tn_error_set_hint(
        tn_error_new(TN_ERROR_NOT_FOUND,
                     "it is not a command: it exports neither `wasi:cli/run` nor `_start`"),
        "call one of its functions (`tn_instance_func`); `tn_inspect` lists them");
  }
  if (has_command_type(func, is_module)) return NULL;
  return tn_error_new(TN_ERROR_LINK, "it is not a command: its %s",
                      is_module ? "`_start` has parameters or results"
                                : "`wasi:cli/run#run` is not a `func() -> result`");
}

static void run_command(void *argument) {
  command_run *run = argument;
  run->error = tn_func_call(run->func, NULL, &run->is_error, &run->values);
}

tn_error *tn_instance_run(tn_instance *instance, int *exit_code) {
  command_run run = {.func = find_command(instance)};
  TN_TRY(check_command(instance, run.func));
  tn_error *error =
      tn_loop_run_fiber(&instance->guest, instance->instantiated.runtime.store, run_command, &run);
  if (error == NULL) error = run.error;
  int code = run.is_error;
  error = take_exit(error, &code);
  if (error == NULL) *exit_code = code;
  tn_arena_free(&run.values.arena);
  return error;
}

tn_error *tn_instance_invoke(tn_instance *instance, tn_str call, char **out) {
  tn_str name, arguments;
  TN_TRY(tn_wave_parse_call_name(call, &name, &arguments));
  const tn_func *func;
  TN_TRY(tn_instance_func(instance, name, &func));
  const tn_func_type *type = func->export_->type;
  tn_values values = {0};
  void *params = tn_value_new(&values.arena, type->params);
  void *result = type->result == NULL ? NULL : tn_value_new(&values.arena, type->result);
  tn_error *error = NULL;
  if (params == NULL || (type->result != NULL && result == NULL)) error = tn_error_no_memory();
  if (error == NULL) error = tn_wave_parse_arguments(&values.arena, type, arguments, params);
  if (error == NULL) error = tn_func_call(func, params, result, &values);
  if (error == NULL) {
    tn_buffer text = {0};
    if (result != NULL) tn_wave_print(&text, type->result, result);
    *out = tn_buffer_take(&text);
    if (*out == NULL) error = tn_error_no_memory();
  }
  tn_arena_free(&values.arena);
  return error;
}
