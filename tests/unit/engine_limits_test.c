/* Limits: each ends the guest with an error of its own kind and leaves the store and the process sound. */
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

#include "engine_test.h"
#include "keep_signals.h"

static const char GUEST[] =
    "(module (memory (export \"memory\") 1 100) (table $t (export \"table\") 1 1000 funcref)"
    " (func (export \"grow\") (param i32) (result i32) (memory.grow (local.get 0)))"
    " (func (export \"grow-table\") (param i32) (result i32) (table.grow $t (ref.null func) "
    "(local.get 0)))"
    " (func $recurse (export \"recurse\") (param i32) (result i32)"
    "   (i32.add (i32.const 1) (call $recurse (local.get 0))))"
    " (func (export \"spin\") (loop $l (br $l)))"
    " (func (export \"count\") (param i32) (result i32) (loop $l"
    "   (local.set 0 (i32.sub (local.get 0) (i32.const 1))) (br_if $l (local.get 0))) (i32.const "
    "1)))";

typedef struct guest {
  tn_core_engine *engine;
  tn_module *module;
  tn_store *store;
  tn_core_context *context;
  tn_core_instance instance;
} guest;

static guest make_guest(const tn_engine_options *options, const tn_store_limits *limits) {
  guest g = {.engine = test_engine(options)};
  g.module = test_module(g.engine, GUEST);
  assert_ok(tn_store_new(g.engine, limits, NULL, &g.store));
  g.context = tn_store_context(g.store);
  assert_ok(tn_core_instantiate(g.context, g.module, NULL, 0, &g.instance));
  return g;
}

static void end_guest(guest *g) {
  tn_store_delete(g->store);
  tn_module_delete(g->module);
  tn_core_engine_delete(g->engine);
}

/* Calls a function of one number; *result may be NULL. */
static tn_error *call(guest *g, const char *name, int32_t argument, int32_t *result) {
  tn_core_func func = test_func(g->context, &g->instance, name);
  tn_core_value values[1] = {{.i64 = (uint32_t)argument}};
  tn_error *error = tn_core_call(g->context, &func, values, 1);
  if (result != NULL) *result = values[0].i32;
  return error;
}

static void memory_beyond_the_limit_ends_the_guest(void **state) {
  (void)state;
  tn_engine_options options = test_options();
  tn_store_limits limits = no_limits();
  limits.memory_bytes = 10 << 16;
  guest g = make_guest(&options, &limits);
  int32_t before;
  assert_ok(call(&g, "grow", 9, &before));
  assert_int_equal(before, 1);
  assert_error(call(&g, "grow", 1, NULL), TN_ERROR_MEMORY_LIMIT,
               "a memory would grow to 720896 bytes");
  assert_ok(call(&g, "grow", 0, &before));
  assert_int_equal(before, 10);
  assert_ok(
      call(&g, "grow", 1000, &before)); /* beyond the module's own maximum: it gets -1, no error */
  assert_int_equal(before, -1);
  end_guest(&g);
}

static void a_first_memory_beyond_the_limit_fails_the_instantiation(void **state) {
  (void)state;
  tn_engine_options options = test_options();
  tn_core_engine *engine = test_engine(&options);
  tn_module *module = test_module(engine, "(module (memory 20))");
  tn_store_limits limits = no_limits();
  limits.memory_bytes = 10 << 16;
  tn_store *store = NULL;
  assert_ok(tn_store_new(engine, &limits, NULL, &store));
  tn_core_instance instance;
  assert_error(tn_core_instantiate(tn_store_context(store), module, NULL, 0, &instance),
               TN_ERROR_MEMORY_LIMIT, "1310720 bytes, its limit is 655360");
  tn_store_delete(store);
  tn_module_delete(module);
  tn_core_engine_delete(engine);
}

static void a_table_beyond_the_limit_ends_the_guest(void **state) {
  (void)state;
  tn_engine_options options = test_options();
  tn_store_limits limits = no_limits();
  limits.table_elements = 100;
  guest g = make_guest(&options, &limits);
  assert_ok(call(&g, "grow-table", 99, NULL));
  assert_error(call(&g, "grow-table", 1, NULL), TN_ERROR_MEMORY_LIMIT,
               "a table would grow to 101 elements");
  int32_t before;
  assert_ok(call(&g, "grow-table", 5000, &before));
  assert_int_equal(before, -1);
  end_guest(&g);
}

static void too_many_instances_are_refused(void **state) {
  (void)state;
  tn_engine_options options = test_options();
  tn_store_limits limits = no_limits();
  limits.instances = 3;
  guest g = make_guest(&options, &limits);
  tn_core_instance instance;
  assert_ok(tn_core_instantiate(g.context, g.module, NULL, 0, &instance));
  assert_ok(tn_core_instantiate(g.context, g.module, NULL, 0, &instance));
  assert_error(tn_core_instantiate(g.context, g.module, NULL, 0, &instance), TN_ERROR_LIMIT,
               "instance");
  end_guest(&g);
}

static void too_many_memories_are_refused(void **state) {
  (void)state;
  tn_engine_options options = test_options();
  tn_store_limits limits = no_limits();
  limits.memories = 1;
  guest g = make_guest(&options, &limits);
  tn_core_instance instance;
  assert_error(tn_core_instantiate(g.context, g.module, NULL, 0, &instance), TN_ERROR_LIMIT,
               "more memories than its limit of 1");
  end_guest(&g);
}

static void call_recursion(void *argument) {
  assert_error(call(argument, "recurse", 0, NULL), TN_ERROR_STACK,
               "wasm trap: call stack exhausted");
}

static void endless_recursion_overflows_the_guests_stack_only(void **state) {
  (void)state;
  tn_engine_options options = test_options();
  tn_store_limits limits = no_limits();
  guest g = make_guest(&options, &limits);
  call_recursion(&g);
  tn_fiber *fiber = NULL;
  assert_ok(tn_fiber_new(g.store, call_recursion, &g, &fiber));
  assert_true(tn_fiber_resume(fiber));
  tn_fiber_delete(fiber);
  assert_ok(call(&g, "count", 1, NULL));
  end_guest(&g);
}

static void fuel_is_counted_and_ends_the_guest(void **state) {
  (void)state;
  tn_engine_options options = test_options();
  options.consume_fuel = true;
  tn_store_limits limits = no_limits();
  limits.has_fuel = true;
  limits.fuel = 10000;
  guest g = make_guest(&options, &limits);
  assert_ok(call(&g, "count", 100, NULL));
  uint64_t left = tn_store_fuel_left(g.store);
  assert_in_range(left, 1, 9900);
  assert_error(call(&g, "count", 100000, NULL), TN_ERROR_FUEL,
               "wasm trap: all fuel consumed by WebAssembly");
  assert_ok(tn_store_set_fuel(g.store, 10000));
  assert_ok(call(&g, "count", 100, NULL));
  assert_int_equal(tn_store_fuel_left(g.store), left);
  end_guest(&g);
}

static void fuel_without_a_limit_lasts(void **state) {
  (void)state;
  tn_engine_options options = test_options();
  options.consume_fuel = true;
  tn_store_limits limits = no_limits();
  guest g = make_guest(&options, &limits);
  assert_ok(call(&g, "count", 1000000, NULL));
  end_guest(&g);
}

static void a_fuel_limit_needs_an_engine_that_counts(void **state) {
  (void)state;
  tn_engine_options options = test_options();
  tn_core_engine *engine = test_engine(&options);
  tn_store_limits limits = no_limits();
  limits.has_fuel = true;
  tn_store *store = NULL;
  assert_error(tn_store_new(engine, &limits, NULL, &store), TN_ERROR_ARGUMENT, "counts fuel");
  tn_core_engine_delete(engine);
}

static tn_error *end_after_three(void *data, bool *yields) {
  (void)yields;
  int *ticks = data;
  return ++*ticks < 3 ? NULL : tn_error_new(TN_ERROR_TIMEOUT, "out of time");
}

static void a_spinning_guest_is_asked_at_each_tick_and_ended(void **state) {
  (void)state;
  tn_engine_options options = test_options();
  tn_store_limits limits = no_limits();
  guest g = make_guest(&options, &limits);
  int ticks = 0;
  tn_store_on_epoch(g.store, end_after_three, &ticks);
  assert_ok(tn_core_engine_ticker_acquire(g.engine));
  tn_error *error = call(&g, "spin", 0, NULL);
  tn_core_engine_ticker_release(g.engine);
  assert_non_null(error);
  assert_int_equal(tn_error_get_kind(error), TN_ERROR_TIMEOUT);
  assert_string_equal(tn_error_get_message(error), "out of time");
  assert_int_equal(tn_error_frame_count(error), 1);
  tn_error_delete(error);
  assert_int_equal(ticks, 3);
  end_guest(&g);
}

static void a_store_without_an_epoch_function_does_not_mind_ticks(void **state) {
  (void)state;
  tn_engine_options options = test_options();
  tn_store_limits limits = no_limits();
  guest g = make_guest(&options, &limits);
  for (int i = 0; i < 100; i++)
    tn_core_engine_tick(g.engine);
  assert_ok(call(&g, "count", 100, NULL));
  end_guest(&g);
}

static tn_error *count_tick(void *data, bool *yields) {
  (void)yields;
  ++*(int *)data;
  return NULL;
}

static void the_ticker_is_counted_and_stops(void **state) {
  (void)state;
  tn_engine_options options = test_options();
  tn_store_limits limits = no_limits();
  guest g = make_guest(&options, &limits);
  int ticks = 0;
  tn_store_on_epoch(g.store, count_tick, &ticks);
  assert_ok(tn_core_engine_ticker_acquire(g.engine));
  assert_ok(tn_core_engine_ticker_acquire(g.engine));
  tn_core_engine_ticker_release(g.engine);
  for (int i = 0; i < 2000 && ticks == 0; i++) {
    usleep(5000);
    assert_ok(call(&g, "count", 10, NULL));
  }
  assert_int_equal(ticks, 1); /* still ticking: one user is left */
  tn_core_engine_ticker_release(g.engine);
  assert_ok(call(&g, "count", 10, NULL)); /* may see the last tick */
  int stopped_at = ticks;
  usleep(50000);
  assert_ok(call(&g, "count", 10, NULL));
  assert_int_equal(ticks, stopped_at);
  end_guest(&g);
}

static void winch_compiles_and_runs(void **state) {
  (void)state;
#if defined(__x86_64__)
  tn_engine_options options = test_options();
  options.compiler = TN_COMPILER_WINCH;
  tn_store_limits limits = no_limits();
  guest g = make_guest(&options, &limits);
  assert_ok(call(&g, "count", 100, NULL));
  call_recursion(&g);
  end_guest(&g);
  options.deterministic = options.consume_fuel = true;
  g = make_guest(&options, &limits);
  assert_ok(call(&g, "count", 100, NULL));
  end_guest(&g);
#else
  skip();
#endif
}

static void a_pool_gives_instances_and_takes_them_back(void **state) {
  (void)state;
  tn_engine_options options = test_options();
  options.pooling = true;
  options.pool_instances = 2;
  options.pool_memory_bytes = 4 << 16;
  tn_core_engine *engine = test_engine(&options);
  tn_module *module = test_module(engine, "(module (memory 1) (memory 1)"
                                          " (func (export \"grow\") (param i32) (result i32)"
                                          "   (memory.grow (local.get 0))))");
  for (int i = 0; i < 10; i++) {
    tn_store *store = test_store(engine, NULL);
    tn_core_instance instance;
    assert_ok(tn_core_instantiate(tn_store_context(store), module, NULL, 0, &instance));
    tn_core_func grow = test_func(tn_store_context(store), &instance, "grow");
    tn_core_value values[1] = {{.i64 = 4}};
    assert_ok(tn_core_call(tn_store_context(store), &grow, values, 1));
    assert_int_equal(values[0].i32, -1); /* a slot holds four pages */
    tn_error *error = tn_core_instantiate(tn_store_context(store), module, NULL, 0, &instance);
    assert_error(error, TN_ERROR_LIMIT, "maximum");
    tn_store_delete(store);
  }
  tn_module_delete(module);
  tn_core_engine_delete(engine);
}

static void a_limited_address_space_still_makes_an_engine(void **state) {
  (void)state;
#if !defined(__SANITIZE_ADDRESS__)
  struct rlimit before, limit;
  getrlimit(RLIMIT_AS, &before);
  limit = before;
  limit.rlim_cur = 2ull << 30;
  assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
  tn_engine_options options = test_options();
  options.pooling = true;
  tn_store_limits limits = no_limits();
  guest g = make_guest(&options, &limits);
  assert_ok(call(&g, "grow", 5, NULL));
  end_guest(&g);
  setrlimit(RLIMIT_AS, &before);
#else
  skip();
#endif
}

static void the_fingerprint_tells_settings_apart(void **state) {
  (void)state;
  tn_engine_options options = test_options();
  tn_core_engine *plain = test_engine(&options);
  tn_core_engine *same = test_engine(&options);
  options.consume_fuel = true;
  tn_core_engine *fuel = test_engine(&options);
  assert_true(tn_str_equal(tn_core_engine_fingerprint(plain), tn_core_engine_fingerprint(same)));
  assert_false(tn_str_equal(tn_core_engine_fingerprint(plain), tn_core_engine_fingerprint(fuel)));
  tn_core_engine_delete(plain);
  tn_core_engine_delete(same);
  tn_core_engine_delete(fuel);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(memory_beyond_the_limit_ends_the_guest),
      cmocka_unit_test(a_first_memory_beyond_the_limit_fails_the_instantiation),
      cmocka_unit_test(a_table_beyond_the_limit_ends_the_guest),
      cmocka_unit_test(too_many_instances_are_refused),
      cmocka_unit_test(too_many_memories_are_refused),
      cmocka_unit_test(endless_recursion_overflows_the_guests_stack_only),
      cmocka_unit_test(fuel_is_counted_and_ends_the_guest),
      cmocka_unit_test(fuel_without_a_limit_lasts),
      cmocka_unit_test(a_fuel_limit_needs_an_engine_that_counts),
      cmocka_unit_test(a_spinning_guest_is_asked_at_each_tick_and_ended),
      cmocka_unit_test(a_store_without_an_epoch_function_does_not_mind_ticks),
      cmocka_unit_test(the_ticker_is_counted_and_stops),
      cmocka_unit_test(winch_compiles_and_runs),
      cmocka_unit_test(a_pool_gives_instances_and_takes_them_back),
      cmocka_unit_test(a_limited_address_space_still_makes_an_engine),
      cmocka_unit_test(the_fingerprint_tells_settings_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
