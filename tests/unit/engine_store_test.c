/* Stores, calls in both directions, errors and backtraces. */
#include <stdio.h>

#include "engine_test.h"
#include "keep_signals.h"

static const char GUEST[] =
    "(module $guest"
    "  (import \"host\" \"double\" (func $double (param i32) (result i32)))"
    "  (import \"host\" \"fail\" (func $fail (param i32) (result i32)))"
    "  (memory (export \"memory\") 1)"
    "  (table (export \"table\") 1 funcref)"
    "  (global (export \"global\") (mut i32) (i32.const 7))"
    "  (tag (export \"tag\") (param i32))"
    "  (func (export \"add\") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))"
    "  (func (export \"twice\") (param i32) (result i32) (call $double (local.get 0)))"
    "  (func $inner (call $fail (i32.const 3)) drop)"
    "  (func $outer (export \"outer\") (call $inner))"
    "  (func (export \"unreachable\") unreachable)"
    "  (func (export \"divide\") (param i32) (result i32) (i32.div_s (i32.const 1) (local.get 0)))"
    "  (func (export \"load\") (param i32) (result i32) (i32.load (local.get 0)))"
    "  (func (export \"throw\") (throw 0 (i32.const 1)))"
    "  (func $_ZN5tenon4test17h0123456789abcdefE (export \"mangled\") unreachable))";

typedef struct fixture {
  tn_core_engine *engine;
  tn_module *module;
  tn_store *store;
  tn_core_context *context;
  tn_core_instance instance;
} fixture;

static tn_core_trap *host_double(void *environment, tn_core_caller *caller, tn_core_value *values,
                                 size_t count) {
  (void)caller;
  assert_int_equal(count, 1);
  if (environment != NULL) ++*(int *)environment;
  values[0].i64 = (uint32_t)(values[0].i32 * 2);
  return NULL;
}

static tn_core_trap *host_fail(void *environment, tn_core_caller *caller, tn_core_value *values,
                               size_t count) {
  (void)environment, (void)count;
  tn_error *error = tn_error_new(TN_ERROR_EXIT, "exit with %d", values[0].i32);
  tn_error_set_exit_code(error, values[0].i32);
  return tn_core_trap_from_error(tn_core_caller_context(caller), error);
}

static int setup(void **state) {
  fixture *f = tn_calloc(1, sizeof *f);
  tn_engine_options options = test_options();
  f->engine = test_engine(&options);
  f->module = test_module(f->engine, GUEST);
  f->store = test_store(f->engine, f);
  f->context = tn_store_context(f->store);
  tn_core_extern imports[2];
  assert_ok(tn_core_extern_func_new(f->context, &test_unary, host_double, NULL, &imports[0]));
  assert_ok(tn_core_extern_func_new(f->context, &test_unary, host_fail, NULL, &imports[1]));
  assert_ok(tn_core_instantiate(f->context, f->module, imports, 2, &f->instance));
  *state = f;
  return 0;
}

static int teardown(void **state) {
  fixture *f = *state;
  tn_store_delete(f->store);
  tn_module_delete(f->module);
  tn_core_engine_delete(f->engine);
  tn_free(f);
  return 0;
}

static tn_error *call(fixture *f, const char *name, tn_core_value *values, size_t count) {
  tn_core_func func = test_func(f->context, &f->instance, name);
  return tn_core_call(f->context, &func, values, count);
}

static void a_call_passes_arguments_and_results(void **state) {
  tn_core_value values[2] = {{.i64 = 40}, {.i64 = 2}};
  assert_ok(call(*state, "add", values, 2));
  assert_int_equal(values[0].i32, 42);
}

static void a_guest_calls_a_host_function(void **state) {
  tn_core_value values[1] = {{.i64 = 21}};
  assert_ok(call(*state, "twice", values, 1));
  assert_int_equal(values[0].i32, 42);
}

static void the_data_of_a_store_is_found_through_its_context(void **state) {
  fixture *f = *state;
  assert_ptr_equal(tn_core_context_data(f->context), f);
}

static void every_kind_of_export_is_found_and_an_absent_one_is_not(void **state) {
  fixture *f = *state;
  static const struct {
    const char *name;
    tn_core_extern_kind kind;
  } expected[] = {{"memory", TN_CORE_EXTERN_MEMORY},
                  {"table", TN_CORE_EXTERN_TABLE},
                  {"global", TN_CORE_EXTERN_GLOBAL},
                  {"tag", TN_CORE_EXTERN_TAG},
                  {"add", TN_CORE_EXTERN_FUNC}};
  tn_core_extern item;
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    assert_true(
        tn_core_instance_export(f->context, &f->instance, tn_str_from(expected[i].name), &item));
    assert_int_equal(tn_core_extern_get_kind(&item), expected[i].kind);
  }
  assert_false(tn_core_instance_export(f->context, &f->instance, TN_STR("absent"), &item));
}

static void exports_of_every_kind_serve_as_imports(void **state) {
  fixture *f = *state;
  tn_module *module =
      test_module(f->engine, "(module (import \"a\" \"memory\" (memory 1))"
                             " (import \"a\" \"table\" (table 1 funcref))"
                             " (import \"a\" \"global\" (global (mut i32)))"
                             " (import \"a\" \"tag\" (tag (param i32)))"
                             " (import \"a\" \"add\" (func (param i32 i32) (result i32)))"
                             " (func (export \"get\") (result i32)"
                             "   (call 0 (global.get 0) (i32.load (i32.const 8)))))");
  static const char *const names[] = {"memory", "table", "global", "tag", "add"};
  tn_core_extern imports[5];
  for (size_t i = 0; i < 5; i++) {
    assert_true(
        tn_core_instance_export(f->context, &f->instance, tn_str_from(names[i]), &imports[i]));
  }
  tn_core_instance instance;
  assert_ok(tn_core_instantiate(f->context, module, imports, 5, &instance));
  uint32_t written = 5;
  memcpy(tn_core_memory_base(f->context, &imports[0].memory) + 8, &written, sizeof written);
  assert_int_equal(tn_core_memory_size(f->context, &imports[0].memory), 65536);
  tn_core_func get = test_func(f->context, &instance, "get");
  tn_core_value values[1];
  assert_ok(tn_core_call(f->context, &get, values, 1));
  assert_int_equal(values[0].i32, 12);
  assert_error(tn_core_instantiate(f->context, module, imports, 4, &instance), TN_ERROR_LINK, "");
  tn_module_delete(module);
}

/* Two functions of different types, one memory: a module that takes both from two places. */
static const char MIXED[] =
    "(module (import \"a\" \"memory\" (memory 1)) (import \"host\" \"double\" (func (param i32) (result i32)))"
    " (import \"host\" \"note\" (func))"
    " (func (export \"get\") (result i32) (call 1) (call 0 (i32.load (i32.const 8)))))";

static tn_core_trap *host_note(void *environment, tn_core_caller *caller, tn_core_value *values,
                               size_t count) {
  (void)caller, (void)values, (void)count;
  ++*(int *)environment;
  return NULL;
}

static int32_t get_with(const fixture *f, const tn_module *mixed, const tn_host_funcs *funcs) {
  tn_core_extern imports[3];
  assert_true(tn_core_instance_export(f->context, &f->instance, TN_STR("memory"), &imports[0]));
  uint32_t written = 21;
  memcpy(tn_core_memory_base(f->context, &imports[0].memory) + 8, &written, sizeof written);
  assert_ok(tn_host_funcs_get(f->context, funcs, 0, &imports[1]));
  assert_ok(tn_host_funcs_get(f->context, funcs, 1, &imports[2]));
  tn_core_instance instance;
  assert_ok(tn_core_instantiate(f->context, mixed, imports, 3, &instance));
  tn_core_func get = test_func(f->context, &instance, "get");
  tn_core_value values[1];
  assert_ok(tn_core_call(f->context, &get, values, 1));
  return values[0].i32;
}

static void host_functions_made_once_serve_several_stores(void **state) {
  fixture *f = *state;
  fixture other = {.engine = f->engine, .store = test_store(f->engine, &other)};
  other.context = tn_store_context(other.store);
  tn_host_funcs *funcs = NULL;
  int doubled = 0, noted = 0;
  uint32_t number = 7;
  assert_ok(tn_host_funcs_new(f->engine, &funcs));
  assert_ok(
      tn_host_funcs_add(funcs, &(tn_host_import){&test_unary, host_double, &doubled}, &number));
  assert_int_equal(number, 0);
  assert_ok(tn_host_funcs_add(funcs, &(tn_host_import){&test_nullary, host_note, &noted}, &number));
  assert_int_equal(number, 1);
  tn_core_extern imports[2];
  assert_ok(tn_host_funcs_get(other.context, funcs, 0, &imports[0]));
  imports[1] = imports[0];
  assert_ok(tn_core_instantiate(other.context, f->module, imports, 2, &other.instance));
  tn_module *mixed = test_module(f->engine, MIXED);
  assert_int_equal(get_with(f, mixed, funcs), 42);
  assert_int_equal(get_with(&other, mixed, funcs), 42);
  assert_int_equal(get_with(f, mixed, funcs), 42);
  assert_int_equal(doubled, 3);
  assert_int_equal(noted, 3);
  assert_error(tn_host_funcs_get(f->context, funcs, 2, &imports[0]), TN_ERROR_INTERNAL,
               "no host function 2");
  tn_host_funcs_delete(funcs); /* those that a store has stay */
  tn_core_value values[1] = {{.i64 = 4}};
  assert_ok(call(&other, "twice", values, 1));
  assert_int_equal(values[0].i32, 8);
  assert_int_equal(doubled, 4);
  tn_store_delete(other.store);
  tn_module_delete(mixed);
}

static void a_host_function_of_an_impossible_type_is_refused(void **state) {
  fixture *f = *state;
  tn_host_funcs *funcs = NULL;
  uint32_t number = 7;
  static const tn_core_valtype odd[] = {{0x64, 0}};
  static const tn_core_func_type takes_odd = {.param_count = 1, .params = odd};
  assert_ok(tn_host_funcs_new(f->engine, &funcs));
  assert_error(tn_host_funcs_add(funcs, &(tn_host_import){&takes_odd, host_note, NULL}, &number),
               TN_ERROR_UNSUPPORTED, "");
  assert_int_equal(number, 7);
  tn_host_funcs_delete(funcs);
  tn_host_funcs_delete(NULL);
}

static void traps_have_the_engines_words(void **state) {
  tn_core_value values[1] = {{.i64 = 0}};
  assert_error(call(*state, "unreachable", NULL, 0), TN_ERROR_TRAP,
               "wasm trap: wasm `unreachable` instruction executed");
  assert_error(call(*state, "divide", values, 1), TN_ERROR_TRAP,
               "wasm trap: integer divide by zero");
  values[0].i64 = 65536;
  assert_error(call(*state, "load", values, 1), TN_ERROR_TRAP,
               "wasm trap: out of bounds memory access");
  assert_error(call(*state, "throw", NULL, 0), TN_ERROR_TRAP,
               "an exception was thrown and not caught");
  values[0].i64 = 1;
  assert_ok(call(*state, "divide", values, 1)); /* the store is still sound */
}

static void the_error_of_a_host_function_comes_back_with_frames(void **state) {
  tn_error *error = call(*state, "outer", NULL, 0);
  assert_non_null(error);
  assert_int_equal(tn_error_get_kind(error), TN_ERROR_EXIT);
  assert_int_equal(tn_error_get_exit_code(error), 3);
  assert_string_equal(tn_error_get_message(error), "exit with 3");
  assert_int_equal(tn_error_frame_count(error), 2);
  assert_string_equal(tn_error_frame(error, 0)->function, "inner");
  assert_string_equal(tn_error_frame(error, 1)->function, "outer");
  assert_string_equal(tn_error_frame(error, 1)->module, "guest");
  assert_int_equal(tn_error_frame(error, 1)->function_index, 5);
  assert_true(tn_error_frame(error, 0)->module_offset > 8);
  tn_error_delete(error);
  assert_error(call(*state, "unreachable", NULL, 0), TN_ERROR_TRAP,
               "unreachable"); /* nothing is left over */
}

static void function_names_are_demangled(void **state) {
  tn_error *error = call(*state, "mangled", NULL, 0);
  assert_non_null(error);
  assert_string_equal(tn_error_frame(error, 0)->function, "tenon::test");
  tn_error_delete(error);
}

/* A host function that calls back into the guest, and hands on what that ends with. */
static tn_core_trap *host_nested(void *environment, tn_core_caller *caller, tn_core_value *values,
                                 size_t count) {
  (void)count;
  fixture *f = environment;
  tn_core_context *context = tn_core_caller_context(caller);
  tn_core_value sum[2] = {{.i64 = (uint32_t)values[0].i32}, {.i64 = 1}};
  tn_error *error = call(f, "add", sum, 2);
  if (error == NULL) error = call(f, "outer", NULL, 0);
  values[0] = sum[0];
  return error == NULL ? NULL : tn_core_trap_from_error(context, error);
}

static void an_error_crosses_nested_calls_unchanged(void **state) {
  fixture *f = *state;
  tn_module *module =
      test_module(f->engine, "(module $second"
                             " (import \"h\" \"n\" (func $n (param i32) (result i32)))"
                             " (func $run (export \"run\") (drop (call $n (i32.const 1)))))");
  tn_core_extern import;
  assert_ok(tn_core_extern_func_new(f->context, &test_unary, host_nested, f, &import));
  tn_core_instance instance;
  assert_ok(tn_core_instantiate(f->context, module, &import, 1, &instance));
  tn_core_func run = test_func(f->context, &instance, "run");
  tn_error *error = tn_core_call(f->context, &run, NULL, 0);
  assert_non_null(error);
  assert_string_equal(tn_error_get_message(error), "exit with 3");
  assert_int_equal(tn_error_frame_count(error), 3);
  assert_string_equal(tn_error_frame(error, 2)->function, "run");
  assert_string_equal(tn_error_frame(error, 2)->module, "second");
  tn_error_delete(error);
  tn_module_delete(module);
}

static void a_start_function_that_traps_fails_the_instantiation(void **state) {
  fixture *f = *state;
  tn_module *module = test_module(f->engine, "(module (func $s unreachable) (start $s))");
  tn_core_instance instance;
  assert_error(tn_core_instantiate(f->context, module, NULL, 0, &instance), TN_ERROR_TRAP,
               "unreachable");
  tn_module_delete(module);
}

static void a_host_function_of_vectors_is_refused_by_name(void **state) {
  fixture *f = *state;
  static const tn_core_valtype vector[] = {{0x7b, 0}};
  tn_core_func_type type = {1, 0, vector, NULL};
  tn_core_func func;
  assert_error(tn_core_func_new(f->context, &type, host_double, NULL, &func), TN_ERROR_UNSUPPORTED,
               "vectors");
}

static void a_module_resolved_in_advance_serves_many_stores(void **state) {
  fixture *f = *state;
  int calls = 0;
  tn_host_import imports[2] = {{&test_unary, host_double, &calls}, {&test_unary, host_fail, NULL}};
  tn_module_pre *pre = NULL;
  assert_ok(tn_module_pre_new(f->engine, f->module, imports, 2, &pre));
  for (int i = 0; i < 100; i++) {
    tn_store *store = test_store(f->engine, NULL);
    tn_core_context *context = tn_store_context(store);
    tn_core_instance instance;
    assert_ok(tn_module_pre_instantiate(context, pre, &instance));
    tn_core_func twice = test_func(context, &instance, "twice");
    tn_core_value values[1] = {{.i64 = 4}};
    assert_ok(tn_core_call(context, &twice, values, 1));
    assert_int_equal(values[0].i32, 8);
    tn_store_delete(store);
  }
  assert_int_equal(calls, 100);
  tn_module_pre_delete(pre);
  assert_error(tn_module_pre_new(f->engine, f->module, imports, 1, &pre), TN_ERROR_LINK,
               "2 imports was given 1");
  imports[0].type = &test_nullary;
  assert_error(tn_module_pre_new(f->engine, f->module, imports, 2, &pre), TN_ERROR_LINK, "host");
}

static tn_core_trap *host_count(void *environment, tn_core_caller *caller, tn_core_value *values,
                                size_t count) {
  (void)caller, (void)values, (void)count;
  ++*(int *)environment;
  return NULL;
}

static void one_name_imported_with_two_types_is_resolved_too(void **state) {
  fixture *f = *state;
  tn_module *module =
      test_module(f->engine, "(module (import \"h\" \"x\" (func $a))"
                             " (import \"h\" \"x\" (func $b (param i32) (result i32)))"
                             " (func (export \"run\") (call $a) (drop (call $b (i32.const 1)))))");
  int first = 0, second = 0;
  tn_host_import imports[2] = {{&test_nullary, host_count, &first},
                               {&test_unary, host_double, &second}};
  tn_module_pre *pre = NULL;
  assert_ok(tn_module_pre_new(f->engine, module, imports, 2, &pre));
  tn_core_instance instance;
  assert_ok(tn_module_pre_instantiate(f->context, pre, &instance));
  tn_core_func run = test_func(f->context, &instance, "run");
  assert_ok(tn_core_call(f->context, &run, NULL, 0));
  assert_int_equal(first, 1);
  assert_int_equal(second, 1);
  tn_module_pre_delete(pre);
  tn_module_delete(module);
}

static void bad_text_is_reported_with_line_and_column(void **state) {
  (void)state;
  uint8_t *bytes = NULL;
  size_t size = 0;
  assert_error(tn_core_text_to_binary(TN_STR("(module\n  (func (nonsense)))"), &bytes, &size),
               TN_ERROR_MALFORMED, "line 2, column 10: ");
  assert_error(tn_core_text_to_binary(TN_STR("\xff"), &bytes, &size), TN_ERROR_MALFORMED, "utf-8");
}

static void an_invalid_module_is_refused_in_one_line(void **state) {
  fixture *f = *state;
  uint8_t *bytes = NULL;
  size_t size = 0;
  assert_ok(tn_core_text_to_binary(TN_STR("(module (func (result i32)))"), &bytes, &size));
  tn_str binary = {(const char *)bytes, size};
  tn_module *module = NULL;
  tn_error *error = tn_modules_compile(f->engine, &binary, 1, &module);
  assert_non_null(error);
  assert_null(strchr(tn_error_get_message(error), '\n'));
  tn_error_delete(error);
  assert_error(tn_module_validate(f->engine, binary), TN_ERROR_INVALID, "type mismatch");
  assert_error(tn_module_validate(f->engine, TN_STR("nothing like wasm")), TN_ERROR_INVALID, "");
  assert_null(module);
  tn_free(bytes);
}

static void many_modules_compile_at_once_or_not_at_all(void **state) {
  fixture *f = *state;
  enum { COUNT = 24 };
  tn_str binaries[COUNT];
  tn_module *modules[COUNT];
  for (int i = 0; i < COUNT; i++) {
    char text[128];
    snprintf(text, sizeof text, "(module (func (export \"f\") (result i32) (i32.const %d)))", i);
    uint8_t *bytes = NULL;
    assert_ok(tn_core_text_to_binary(tn_str_from(text), &bytes, &binaries[i].len));
    binaries[i].data = (const char *)bytes;
  }
  assert_ok(tn_modules_compile(f->engine, binaries, COUNT, modules));
  for (int i = 0; i < COUNT; i++) {
    tn_core_instance instance;
    assert_ok(tn_core_instantiate(f->context, modules[i], NULL, 0, &instance));
    tn_core_func func = test_func(f->context, &instance, "f");
    tn_core_value values[1];
    assert_ok(tn_core_call(f->context, &func, values, 1));
    assert_int_equal(values[0].i32, i);
    tn_module_delete(modules[i]);
  }
  tn_str good = binaries[COUNT / 2];
  binaries[COUNT / 2] = TN_STR("\0asm\1\0\0\0\1");
  assert_error(tn_modules_compile(f->engine, binaries, COUNT, modules), TN_ERROR_INVALID, "");
  for (int i = 0; i < COUNT; i++)
    assert_null(modules[i]);
  binaries[COUNT / 2] = good;
  for (int i = 0; i < COUNT; i++)
    tn_free((char *)binaries[i].data);
}

static void native_code_survives_being_written_and_loaded(void **state) {
  fixture *f = *state;
  uint8_t *native = NULL;
  size_t size = 0;
  tn_module *source =
      test_module(f->engine, "(module (func (export \"f\") (result i32) (i32.const 5)))");
  assert_ok(tn_module_serialize(source, &native, &size));
  tn_module_delete(source);
  tn_module *module = NULL;
  assert_ok(tn_module_load(f->engine, (tn_str){(const char *)native, size}, &module));
  tn_core_instance instance;
  assert_ok(tn_core_instantiate(f->context, module, NULL, 0, &instance));
  tn_core_func func = test_func(f->context, &instance, "f");
  tn_core_value values[1];
  assert_ok(tn_core_call(f->context, &func, values, 1));
  assert_int_equal(values[0].i32, 5);
  tn_module_delete(module);
  assert_error(tn_module_load(f->engine, TN_STR("not native code"), &module), TN_ERROR_MALFORMED,
               "");
  tn_free(native);
}

static void failing_allocations_are_reported(void **state) {
  fixture *f = *state;
  tn_store_limits limits = no_limits();
  tn_store *store = NULL;
  tn_alloc_fail_after(0);
  tn_error *error = tn_store_new(f->engine, &limits, NULL, &store);
  tn_alloc_fail_after(-1);
  assert_error(error, TN_ERROR_NO_MEMORY, "memory");
  tn_core_value values[1] = {{.i64 = 0}};
  for (int64_t i = 0; i < 20; i++) {
    tn_alloc_fail_after(i);
    error = call(f, "divide", values, 1);
    bool failed = tn_alloc_did_fail();
    tn_alloc_fail_after(-1);
    assert_non_null(error);
    tn_error_delete(error);
    if (!failed) return;
  }
  fail_msg("a trap takes too many allocations");
}

/* Makes each allocation of `make` fail in turn until it succeeds. */
static void assert_survives(tn_error *(*make)(fixture *), fixture *f) {
  for (int64_t i = 0; i < 50; i++) {
    tn_alloc_fail_after(i);
    tn_error *error = make(f);
    bool failed = tn_alloc_did_fail();
    tn_alloc_fail_after(-1);
    if (!failed) {
      assert_ok(error);
      return;
    }
    assert_error(error, TN_ERROR_NO_MEMORY, "memory");
  }
  fail_msg("it never succeeds");
}

static tn_error *make_engine(fixture *f) {
  (void)f;
  tn_engine_options options = test_options();
  tn_core_engine *engine = NULL;
  TN_TRY(tn_core_engine_new(&options, &engine));
  tn_core_engine_delete(engine);
  return NULL;
}

static tn_error *make_binary(fixture *f) {
  (void)f;
  uint8_t *bytes = NULL;
  size_t size = 0;
  TN_TRY(tn_core_text_to_binary(TN_STR("(module)"), &bytes, &size));
  tn_free(bytes);
  return NULL;
}

static tn_error *make_native(fixture *f) {
  uint8_t *native = NULL;
  size_t size = 0;
  TN_TRY(tn_module_serialize(f->module, &native, &size));
  tn_module *module = NULL;
  tn_error *error = tn_module_load(f->engine, (tn_str){(const char *)native, size}, &module);
  tn_free(native);
  tn_module_delete(module);
  return error;
}

static tn_error *make_modules(fixture *f) {
  static const tn_str bytes[3] = {{"\0asm\1\0\0", 8}, {"\0asm\1\0\0", 8}, {"\0asm\1\0\0", 8}};
  tn_module *modules[3];
  TN_TRY(tn_modules_compile(f->engine, bytes, 3, modules));
  for (int i = 0; i < 3; i++)
    tn_module_delete(modules[i]);
  return NULL;
}

static tn_error *make_pre(fixture *f) {
  tn_host_import imports[2] = {{&test_unary, host_double, NULL}, {&test_unary, host_fail, NULL}};
  tn_module_pre *pre = NULL;
  TN_TRY(tn_module_pre_new(f->engine, f->module, imports, 2, &pre));
  tn_module_pre_delete(pre);
  return NULL;
}

static void run_nothing(void *argument) {
  (void)argument;
}

static tn_error *make_fiber(fixture *f) {
  tn_fiber *fiber = NULL;
  TN_TRY(tn_fiber_new(f->store, run_nothing, NULL, &fiber));
  tn_fiber_delete(fiber);
  return NULL;
}

static void every_failing_allocation_is_a_clean_error(void **state) {
  fixture *f = *state;
  assert_survives(make_engine, f);
  assert_survives(make_binary, f);
  assert_survives(make_native, f);
  assert_survives(make_pre, f);
  assert_survives(make_fiber, f);
  tn_engine_options options = test_options();
  options.parallel_compilation = false; /* failures are armed for this thread alone */
  tn_core_engine *shared = f->engine;
  f->engine = test_engine(&options);
  assert_survives(make_modules, f);
  tn_core_engine_delete(f->engine);
  f->engine = shared;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_call_passes_arguments_and_results, setup, teardown),
      cmocka_unit_test_setup_teardown(a_guest_calls_a_host_function, setup, teardown),
      cmocka_unit_test_setup_teardown(the_data_of_a_store_is_found_through_its_context, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(every_kind_of_export_is_found_and_an_absent_one_is_not, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(exports_of_every_kind_serve_as_imports, setup, teardown),
      cmocka_unit_test_setup_teardown(host_functions_made_once_serve_several_stores, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(a_host_function_of_an_impossible_type_is_refused, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(traps_have_the_engines_words, setup, teardown),
      cmocka_unit_test_setup_teardown(the_error_of_a_host_function_comes_back_with_frames, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(function_names_are_demangled, setup, teardown),
      cmocka_unit_test_setup_teardown(an_error_crosses_nested_calls_unchanged, setup, teardown),
      cmocka_unit_test_setup_teardown(a_start_function_that_traps_fails_the_instantiation, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(a_host_function_of_vectors_is_refused_by_name, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(a_module_resolved_in_advance_serves_many_stores, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(one_name_imported_with_two_types_is_resolved_too, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(bad_text_is_reported_with_line_and_column, setup, teardown),
      cmocka_unit_test_setup_teardown(an_invalid_module_is_refused_in_one_line, setup, teardown),
      cmocka_unit_test_setup_teardown(many_modules_compile_at_once_or_not_at_all, setup, teardown),
      cmocka_unit_test_setup_teardown(native_code_survives_being_written_and_loaded, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(failing_allocations_are_reported, setup, teardown),
      cmocka_unit_test_setup_teardown(every_failing_allocation_is_a_clean_error, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
