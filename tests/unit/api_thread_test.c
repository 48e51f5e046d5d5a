#include <pthread.h>
#include <stdatomic.h>

#include "guest.h"

/* What tenon.h promises about threads and lifetimes. */

enum { THREADS = 4, ROUNDS = 40 };

static const char text[] =
    "(component (import \"log\" (func $log (param \"s\" string) (result string)))"
    " (type $r (resource (rep i32))) (core func $new (canon resource.new $r)) (core func $drop "
    "(canon resource.drop $r))"
    " (core module $Libc (memory (export \"m\") 1) (global $next (mut i32) (i32.const 1024))"
    "  (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (local $at i32)"
    "   (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))"
    "   (global.set $next (i32.add (local.get $at) (local.get 3))) (local.get $at)))"
    " (core instance $libc (instantiate $Libc))"
    " (core func $log' (canon lower (func $log) (memory (core memory $libc \"m\")) (realloc (core "
    "func $libc \"realloc\"))))"
    " (core module $M (import \"\" \"log\" (func $log (param i32 i32 i32))) (import \"\" \"new\" "
    "(func $new (param i32) (result i32)))"
    "  (import \"\" \"drop\" (func $drop (param i32)))"
    "  (func (export \"echo\") (param i32 i32) (result i32) (call $drop (call $new (i32.const 1)))"
    "   (call $log (local.get 0) (local.get 1) (i32.const 16)) (i32.const 16))"
    "  (func (export \"spin\") (loop $again (br $again))) (func (export \"trap\") "
    "unreachable)" GUEST_FINE_CORE ")"
    " (core instance $m (instantiate $M (with \"\" (instance (export \"log\" (func $log')) (export "
    "\"new\" (func $new))"
    "  (export \"drop\" (func $drop))))))"
    " (func (export \"echo\") (param \"s\" string) (result string) (canon lift (core func $m "
    "\"echo\")"
    "  (memory (core memory $libc \"m\")) (realloc (core func $libc \"realloc\"))))"
    " (func (export \"spin\") (canon lift (core func $m \"spin\"))) (func (export \"trap\") (canon "
    "lift (core func $m \"trap\")))" GUEST_FINE ")";

static tn_error *log_text(tn_call *call, void *data, const void *params, void *result) {
  (void)call;
  *(tn_str *)result = *(const tn_str *)params;
  atomic_fetch_add((atomic_uint *)data, 1);
  return NULL;
}

static tn_linker *log_linker(atomic_uint *calls) {
  tn_linker *linker = NULL;
  assert_ok(tn_linker_new(&linker));
  assert_ok(tn_linker_define_func(linker, "", "log", "func(s: string) -> string", log_text, calls));
  return linker;
}

/* cmocka's assertions leave by longjmp, which only the main thread may: threads count what went wrong. */
typedef struct work {
  tn_linked *linked;
  tn_linker *linker;
  tn_component *component;
  atomic_uint failures;
} work;

static tn_error_kind kind_of(tn_error *error) {
  tn_error_kind kind = error == NULL ? TN_ERROR_NONE : tn_error_get_kind(error);
  tn_error_delete(error);
  return kind;
}

static void expect(work *w, tn_error *error, tn_error_kind kind) {
  if (kind_of(error) != kind) atomic_fetch_add(&w->failures, 1);
}

static void use_instance(work *w, const tn_linked *linked) {
  tn_instance_options options = guest_options();
  options.timeout = (uint64_t)10 * 1000 * 1000 * 1000;
  tn_instance *instance = NULL;
  tn_error *error = tn_instance_new(linked, &options, &instance);
  expect(w, error, TN_ERROR_NONE);
  if (instance == NULL) return;
  expect(w, guest_invoke(instance, "echo(\"hello from a thread\")"), TN_ERROR_NONE);
  expect(w, guest_invoke(instance, "trap()"), TN_ERROR_TRAP);
  expect(w, guest_invoke(instance, "fine()"), TN_ERROR_POISONED);
  tn_instance_delete(instance);
}

static void *use_linked(void *data) {
  work *w = data;
  for (int i = 0; i < ROUNDS; i++)
    use_instance(w, w->linked);
  return NULL;
}

static void *link_and_use(void *data) {
  work *w = data;
  for (int i = 0; i < ROUNDS; i++) {
    tn_linked *linked = NULL;
    expect(w, tn_linker_link(w->linker, w->component, &linked), TN_ERROR_NONE);
    if (linked != NULL) use_instance(w, linked);
    tn_linked_delete(linked);
  }
  return NULL;
}

static void *load_and_use(void *data) {
  work *w = data;
  for (int i = 0; i < 5; i++) {
    tn_component *component = NULL;
    tn_linked *linked = NULL;
    expect(w, tn_component_from_bytes(engine, text, strlen(text), "threads", 0, &component),
           TN_ERROR_NONE);
    if (component == NULL) return NULL;
    expect(w, tn_linker_link(w->linker, component, &linked), TN_ERROR_NONE);
    tn_component_delete(component);
    if (linked != NULL) use_instance(w, linked);
    tn_linked_delete(linked);
  }
  return NULL;
}

static void run_threads(void *(*run)(void *)) {
  atomic_uint calls = 0;
  tn_linker *linker = log_linker(&calls);
  work w = {.linker = linker,
            .component = guest_component(engine, text),
            .linked = guest_link(engine, text, linker)};
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, run, &w), 0);
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  assert_int_equal(w.failures, 0);
  assert_true(calls > 0);
  tn_linked_delete(w.linked);
  tn_component_delete(w.component);
  tn_linker_delete(linker);
}

static void threads_share_what_is_linked(void **state) {
  (void)state;
  run_threads(use_linked);
}

static void threads_link_with_one_linker(void **state) {
  (void)state;
  run_threads(link_and_use);
}

static void threads_load_with_one_engine(void **state) {
  (void)state;
  run_threads(load_and_use);
}

/* ---- cancelling many at once --------------------------------------------------------------------- */

typedef struct runner {
  tn_instance *instance;
  atomic_uint *running;
  tn_error_kind kind;
} runner;

static void *spin(void *data) {
  runner *r = data;
  atomic_fetch_add(r->running, 1);
  r->kind = kind_of(guest_invoke(r->instance, "spin()"));
  return NULL;
}

/* Each cancellation's tick makes the others look at their flags too: none of them may go unseen. */
static void instances_are_cancelled_one_right_after_the_other(void **state) {
  (void)state;
  atomic_uint calls = 0;
  tn_linker *linker = log_linker(&calls);
  tn_linked *linked = guest_link(engine, text, linker);
  for (int round = 0; round < 50; round++) {
    atomic_uint running = 0;
    pthread_t threads[THREADS];
    runner runners[THREADS];
    for (int i = 0; i < THREADS; i++) {
      runners[i] = (runner){guest_instance(linked, NULL), &running, TN_ERROR_NONE};
      assert_int_equal(pthread_create(&threads[i], NULL, spin, &runners[i]), 0);
    }
    while (atomic_load(&running) < THREADS)
      sched_yield();
    for (int i = 0; i < THREADS; i++)
      tn_instance_cancel(runners[i].instance);
    for (int i = 0; i < THREADS; i++) {
      pthread_join(threads[i], NULL);
      assert_int_equal(runners[i].kind, TN_ERROR_CANCELLED);
      tn_instance_delete(runners[i].instance);
    }
  }
  tn_linked_delete(linked);
  tn_linker_delete(linker);
}

/* ---- lifetimes ----------------------------------------------------------------------------------- */

static void an_instance_keeps_alive_what_it_was_made_from(void **state) {
  (void)state;
  tn_engine_options options;
  tn_engine_options_init(&options);
  tn_engine *own = NULL;
  assert_ok(tn_engine_new(&options, &own));
  atomic_uint calls = 0;
  tn_linker *linker = log_linker(&calls);
  tn_linked *linked = guest_link(own, text, linker);
  tn_engine_delete(own);
  tn_linker_delete(linker);
  tn_instance *instance = guest_instance(linked, NULL);
  tn_linked_delete(linked);
  assert_call(instance, "echo(\"still there\")", "\"still there\"");
  assert_int_equal(calls, 1);
  tn_instance_delete(instance);
}

static void engines_come_and_go(void **state) {
  (void)state;
  for (int i = 0; i < 10; i++) {
    tn_engine_options options;
    tn_engine_options_init(&options);
    options.pooling = i % 2 == 1;
    options.pool_instances = 10;
    tn_engine *own = NULL;
    assert_ok(tn_engine_new(&options, &own));
    tn_linked *linked = guest_link(own, GUEST("", ""), NULL);
    assert_still_works(linked, NULL);
    tn_linked_delete(linked);
    tn_engine_delete(own);
  }
}

static void a_pool_that_is_used_up_says_so_and_recovers(void **state) {
  (void)state;
  enum { SLOTS = 3 };
  tn_engine_options options;
  tn_engine_options_init(&options);
  options.pooling = true;
  options.pool_instances = SLOTS;
  tn_engine *own = NULL;
  assert_ok(tn_engine_new(&options, &own));
  tn_linked *linked = guest_link(own, GUEST("(memory 1)", ""), NULL);
  for (int round = 0; round < 3; round++) {
    tn_instance *instances[SLOTS];
    tn_instance *surplus = NULL;
    tn_instance_options plain = guest_options();
    for (int i = 0; i < SLOTS; i++)
      instances[i] = guest_instance(linked, NULL);
    assert_error(tn_instance_new(linked, &plain, &surplus), TN_ERROR_LIMIT, "maximum concurrent");
    for (int i = 0; i < SLOTS; i++) {
      assert_call(instances[i], "fine()", "7");
      tn_instance_delete(instances[i]);
    }
  }
  tn_linked_delete(linked);
  tn_engine_delete(own);
}

static void deleting_nothing_is_fine(void **state) {
  (void)state;
  tn_engine_delete(NULL);
  tn_component_delete(NULL);
  tn_linker_delete(NULL);
  tn_linked_delete(NULL);
  tn_instance_delete(NULL);
  tn_values_delete(NULL);
  tn_wasi_config_delete(NULL);
  tn_error_delete(NULL);
  tn_release(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(threads_share_what_is_linked),
      cmocka_unit_test(threads_link_with_one_linker),
      cmocka_unit_test(threads_load_with_one_engine),
      cmocka_unit_test(instances_are_cancelled_one_right_after_the_other),
      cmocka_unit_test(an_instance_keeps_alive_what_it_was_made_from),
      cmocka_unit_test(engines_come_and_go),
      cmocka_unit_test(a_pool_that_is_used_up_says_so_and_recovers),
      cmocka_unit_test(deleting_nothing_is_fine),
  };
  return cmocka_run_group_tests(tests, guest_set_up, guest_tear_down);
}
