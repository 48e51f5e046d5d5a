#include <pthread.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "guest.h"

/* However small the caller's stack is, a guest has the one that it may use, and no more. */

static const char text[] =
    "(component (import \"back\" (func $back (param \"n\" u32) (result u32)))"
    " (core func $back' (canon lower (func $back)))"
    " (core module $M (import \"\" \"back\" (func $back (param i32) (result i32)))"
    "  (func $deep (export \"deep\") (param i32) (result i32)"
    "   (if (result i32) (local.get 0)"
    "    (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))"
    "    (else (i32.const 0))))"
    "  (func (export \"out\") (param i32) (result i32) (call $back (local.get 0))))"
    " (core instance $m (instantiate $M (with \"\" (instance (export \"back\" (func $back'))))))"
    " (func (export \"deep\") (param \"n\" u32) (result u32) (canon lift (core func $m \"deep\")))"
    " (func (export \"out\") (param \"n\" u32) (result u32) (canon lift (core func $m \"out\"))))";

/* A host function that calls another instance. */
static tn_error *call_back(tn_call *call, void *data, const void *params, void *result) {
  (void)call;
  tn_instance *other = *(tn_instance **)data;
  const tn_func *deep;
  tn_error *error = tn_instance_func(other, (tn_str){"deep", 4}, &deep);
  tn_values *values;
  if (error == NULL) error = tn_values_new(&values);
  if (error != NULL) return error;
  error = tn_func_call(deep, params, result, values);
  tn_values_delete(values);
  return error;
}

static tn_linked *link_guest(tn_engine *with, tn_instance **other) {
  tn_linker *linker = NULL;
  assert_ok(tn_linker_new(&linker));
  assert_ok(tn_linker_define_func(linker, "", "back", "func(n: u32) -> u32", call_back, other));
  tn_linked *linked = guest_link(with, text, linker);
  tn_linker_delete(linker);
  return linked;
}

/* What one call did, on a thread that cannot use cmocka's assertions. */
typedef struct work {
  tn_linked *linked;
  const char *call;
  tn_error_kind kind;
} work;

static void *make_and_call(void *argument) {
  work *w = argument;
  tn_instance_options options = guest_options();
  tn_instance *instance = NULL;
  tn_error *error = tn_instance_new(w->linked, &options, &instance);
  if (error == NULL) error = guest_invoke(instance, w->call);
  w->kind = error == NULL ? TN_ERROR_NONE : tn_error_get_kind(error);
  tn_error_delete(error);
  tn_instance_delete(instance);
  return NULL;
}

static tn_error_kind call_on_thread(tn_linked *linked, const char *call, size_t stack_bytes) {
  work w = {linked, call, TN_ERROR_INTERNAL};
  pthread_attr_t attributes;
  pthread_t thread;
  assert_int_equal(pthread_attr_init(&attributes), 0);
  assert_int_equal(pthread_attr_setstacksize(&attributes, stack_bytes), 0);
  assert_int_equal(pthread_create(&thread, &attributes, make_and_call, &w), 0);
  assert_int_equal(pthread_join(thread, NULL), 0);
  pthread_attr_destroy(&attributes);
  return w.kind;
}

static const char deep_call[] = "deep(10000)", endless_call[] = "deep(100000000)";

static void threads_with_small_stacks_run_deep_guests(void **state) {
  (void)state;
  tn_linked *linked = link_guest(engine, NULL);
  for (size_t size = 128 << 10; size <= 4 << 20; size *= 2) {
    assert_int_equal(call_on_thread(linked, deep_call, size), TN_ERROR_NONE);
    assert_int_equal(call_on_thread(linked, endless_call, size), TN_ERROR_STACK);
  }
  tn_linked_delete(linked);
}

static void a_stack_may_be_larger_than_the_threads(void **state) {
  (void)state;
  tn_engine_options options;
  tn_engine_options_init(&options);
  options.max_stack_bytes = 12 << 20;
  tn_engine *large = NULL;
  assert_ok(tn_engine_new(&options, &large));
  tn_linked *linked = link_guest(large, NULL);
  assert_int_equal(call_on_thread(linked, "deep(200000)", 256 << 10), TN_ERROR_NONE);
  assert_int_equal(call_on_thread(linked, endless_call, 256 << 10), TN_ERROR_STACK);
  tn_instance *instance = guest_instance(linked, NULL);
  assert_call(instance, "deep(200000)", "200000");
  tn_instance_delete(instance);
  tn_linked_delete(linked);
  tn_engine_delete(large);
}

static void start_functions_have_it_too(void **state) {
  (void)state;
  static const char starting[] =
      "(component (core module $M (func $deep (call $deep) (call $deep)) (start $deep))"
      " (core instance (instantiate $M)))";
  tn_linked *linked = guest_link(engine, starting, NULL);
  assert_int_equal(call_on_thread(linked, "none()", 128 << 10), TN_ERROR_STACK);
  tn_linked_delete(linked);
}

static void a_guest_that_another_calls_has_a_stack_of_its_own(void **state) {
  (void)state;
  tn_instance *other = NULL;
  tn_linked *linked = link_guest(engine, &other);
  other = guest_instance(linked, NULL);
  assert_int_equal(call_on_thread(linked, "out(10000)", 128 << 10), TN_ERROR_NONE);
  assert_int_equal(call_on_thread(linked, "out(100000000)", 128 << 10), TN_ERROR_STACK);
  tn_instance_delete(other);
  tn_linked_delete(linked);
}

/* ---- coroutines ------------------------------------------------------------------------------------ */

static ucontext_t outside, inside;
static work on_coroutine;

static void run_coroutine(void) {
  make_and_call(&on_coroutine);
}

static void coroutines_of_the_embedder_run_deep_guests(void **state) {
  (void)state;
  tn_linked *linked = link_guest(engine, NULL);
  size_t size = 256 << 10;
  void *stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(stack != MAP_FAILED);
  static const struct {
    const char *call;
    tn_error_kind kind;
  } cases[] = {{deep_call, TN_ERROR_NONE}, {endless_call, TN_ERROR_STACK}};
  for (size_t i = 0; i < 2; i++) {
    on_coroutine = (work){linked, cases[i].call, TN_ERROR_INTERNAL};
    getcontext(&inside);
    inside.uc_stack = (stack_t){.ss_sp = stack, .ss_size = size};
    inside.uc_link = &outside;
    makecontext(&inside, run_coroutine, 0);
    swapcontext(&outside, &inside);
    assert_int_equal(on_coroutine.kind, cases[i].kind);
  }
  munmap(stack, size);
  tn_linked_delete(linked);
}

/* ---- fibers ---------------------------------------------------------------------------------------- */

/* Each destructor drops the next resource, 500 000 of them: recursion that enters the guest anew at every step. */
static const char chain[] =
    "(component"
    " (core module $Shim (table (export \"t\") 1 funcref) (type $f (func (param i32)))"
    "  (func (export \"dtor\") (param i32) (call_indirect (type $f) (local.get 0) (i32.const 0))))"
    " (core instance $shim (instantiate $Shim))"
    " (type $r (resource (rep i32) (dtor (func $shim \"dtor\"))))"
    " (core func $new (canon resource.new $r)) (core func $drop (canon resource.drop $r))"
    " (core module $M (import \"\" \"t\" (table 1 funcref))"
    "  (import \"\" \"new\" (func $new (param i32) (result i32)))"
    "  (import \"\" \"drop\" (func $drop (param i32)))"
    "  (func $next (param i32) (if (local.get 0) (then (call $drop (local.get 0)))))"
    "  (elem (i32.const 0) $next)"
    "  (func (export \"run\") (result i32) (local $n i32) (local $last i32)"
    "   (local.set $n (i32.const 500000))"
    "   (loop $more (local.set $last (call $new (local.get $last)))"
    "    (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))"
    "   (call $drop (local.get $last)) (i32.const 0)))"
    " (core instance $m (instantiate $M (with \"\" (instance (export \"t\" (table $shim \"t\"))"
    "  (export \"new\" (func $new)) (export \"drop\" (func $drop))))))"
    " (func $run (result (result)) (canon lift (core func $m \"run\")))"
    " (instance $i (export \"run\" (func $run))) (export \"wasi:cli/run@0.2.0\" (instance $i)))";

static void recursion_through_the_host_ends_on_a_fiber(void **state) {
  (void)state;
  for (size_t size = 64 << 10; size <= 2 << 20; size *= 32) {
    tn_engine_options options;
    tn_engine_options_init(&options);
    options.max_stack_bytes = size;
    tn_engine *with = NULL;
    assert_ok(tn_engine_new(&options, &with));
    tn_linked *linked = guest_link(with, chain, NULL);
    tn_instance *instance = guest_instance(linked, NULL);
    int exit_code = 77;
    assert_error(tn_instance_run(instance, &exit_code), TN_ERROR_STACK, "call stack exhausted");
    tn_instance_delete(instance);
    tn_linked_delete(linked);
    tn_engine_delete(with);
  }
}

static void a_stack_beyond_all_measure_is_refused(void **state) {
  (void)state;
  tn_engine_options options;
  tn_engine_options_init(&options);
  tn_engine *none = NULL;
  options.max_stack_bytes = ((size_t)1 << 30) + 1;
  assert_error(tn_engine_new(&options, &none), TN_ERROR_ARGUMENT, "max_stack_bytes");
  options.max_stack_bytes = SIZE_MAX;
  assert_error(tn_engine_new(&options, &none), TN_ERROR_ARGUMENT, "max_stack_bytes");
  assert_null(none);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(threads_with_small_stacks_run_deep_guests),
      cmocka_unit_test(a_stack_may_be_larger_than_the_threads),
      cmocka_unit_test(start_functions_have_it_too),
      cmocka_unit_test(a_guest_that_another_calls_has_a_stack_of_its_own),
      cmocka_unit_test(coroutines_of_the_embedder_run_deep_guests),
      cmocka_unit_test(recursion_through_the_host_ends_on_a_fiber),
      cmocka_unit_test(a_stack_beyond_all_measure_is_refused),
  };
  return cmocka_run_group_tests(tests, guest_set_up, guest_tear_down);
}
