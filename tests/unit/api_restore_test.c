/* Instances that are restored to what they were before their first call: nobody can tell them from fresh ones, and where
 * that cannot be had they are made from nothing. */
#include <pthread.h>

#include "guest_loop.h"

static int set_up(void **state) {
  (void)state;
  return guest_loop_set_up(true);
}

/* Two memories, one of them not exported, globals that are not either, and data in all of them. The start function changes
 * something, and calls nobody. */
#define BUSY_CORE                                                                                                   \
  " (memory $own (export \"own\") 5) (data (memory $own) (i32.const 70000) \"own data\")"                           \
  " (global $a (mut i32) (i32.const 7)) (global $b (mut i64) (i64.const -7)) (global $c (mut f32) (f32.const 0.5))" \
  " (global $d (mut f64) (f64.const -0.5)) (table $t 2 funcref) (elem (table $t) (i32.const 0) func $begin)"        \
  " (func $begin (i32.store $own (i32.const 200000) (i32.const 77)) (i32.store $m (i32.const 8) (i32.const 5))"     \
  "  (global.set $a (i32.const 9)))"                                                                                \
  " (start $begin)"                                                                                                 \
  " (func (export \"write\") (param $which i32) (param $at i32) (param $value i32)"                                 \
  "  (if (local.get $which) (then (i32.store $own (local.get $at) (local.get $value)))"                             \
  "   (else (i32.store $m (local.get $at) (local.get $value)))))"                                                   \
  " (func (export \"set\") (param $value i64)"                                                                      \
  "  (global.set $a (i32.wrap_i64 (local.get $value))) (global.set $b (local.get $value))"                          \
  "  (global.set $c (f32.reinterpret_i32 (i32.wrap_i64 (local.get $value))))"                                       \
  "  (global.set $d (f64.reinterpret_i64 (local.get $value))))"                                                     \
  " (func (export \"globals\") (result i64)"                                                                        \
  "  (i64.xor (i64.xor (i64.extend_i32_u (global.get $a)) (i64.rotl (global.get $b) (i64.const 8)))"                \
  "   (i64.xor (i64.rotl (i64.extend_i32_u (i32.reinterpret_f32 (global.get $c))) (i64.const 16))"                  \
  "    (i64.rotl (i64.reinterpret_f64 (global.get $d)) (i64.const 24)))))"                                          \
  " (func (export \"grow\") (result i32) (memory.grow $own (i32.const 1)))"                                         \
  " (func (export \"fill\") (param i32) (memory.fill $m (i32.const 0) (i32.const 1) (local.get 0)))"                \
  " (func (export \"echo\") (param i32 i32) (result i32)"                                                           \
  "  (i32.store $m (i32.const 0) (local.get 0)) (i32.store $m (i32.const 4) (local.get 1)) (i32.const 0))"          \
  " (func (export \"echo-own\") (param i32 i32) (result i32)"                                                       \
  "  (i32.store $own (i32.const 0) (local.get 0)) (i32.store $own (i32.const 4) (local.get 1)) (i32.const 0))"      \
  " (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 4096))"                              \
  " (func (export \"spin\") (loop $again (br $again))) (func (export \"trap\") unreachable)"

#define BUSY(core)                                                                                            \
  "(component (core module $Memory (memory (export \"mem\") 300) (data (i32.const 100000) \"data\"))"         \
  " (core instance $memory (instantiate $Memory))"                                                            \
  " (core module $M (import \"\" \"mem\" (memory $m 300))" core GUEST_FINE_CORE ")"                           \
  " (core instance $m (instantiate $M (with \"\" (instance $memory))))"                                       \
  " (func (export \"write\") (param \"which\" u32) (param \"at\" u32) (param \"value\" u32)"                  \
  "  (canon lift (core func $m \"write\")))"                                                                  \
  " (func (export \"set\") (param \"value\" u64) (canon lift (core func $m \"set\")))"                        \
  " (func (export \"globals\") (result u64) (canon lift (core func $m \"globals\")))"                         \
  " (func (export \"grow\") (result u32) (canon lift (core func $m \"grow\")))"                               \
  " (func (export \"fill\") (param \"size\" u32) (canon lift (core func $m \"fill\")))"                       \
  " (func (export \"echo\") (param \"s\" string) (result string) (canon lift (core func $m \"echo\")"         \
  "  (memory (core memory $memory \"mem\")) (realloc (core func $m \"realloc\"))))"                           \
  " (func (export \"echo-own\") (param \"s\" string) (result string) (canon lift (core func $m \"echo-own\")" \
  "  (memory (core memory $m \"own\")) (realloc (core func $m \"realloc\"))))"                                \
  " (func (export \"spin\") (canon lift (core func $m \"spin\")))"                                            \
  " (func (export \"trap\") (canon lift (core func $m \"trap\")))" GUEST_FINE ")"

static const char busy[] = BUSY(BUSY_CORE);

static tn_linked *recycled(const char *text, tn_linker *linker, bool expected) {
  tn_linked *linked = guest_link(engine, text, linker);
  bool is_possible = !expected;
  assert_ok(tn_linked_recycle(linked, &is_possible));
  assert_int_equal(is_possible, expected);
  return linked;
}

static void renew(tn_instance *instance) {
  tn_instance_options options = guest_options();
  assert_ok(tn_instance_renew(instance, &options));
}

static void callf(tn_instance *instance, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void callf(tn_instance *instance, const char *format, ...) {
  char call[128];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(call, sizeof call, format, arguments);
  va_end(arguments);
  assert_ok(guest_invoke(instance, call));
}

/* Everything that the guest could look at. */
static void assert_same_state(tn_instance *a, tn_instance *b) {
  const tn_runtime *first = &a->instantiated.runtime, *second = &b->instantiated.runtime;
  uint32_t memories = a->linked->plan.memory_slots;
  assert_int_equal(memories, 2);
  for (uint32_t i = 0; i < memories; i++) {
    uint64_t size = tn_core_memory_size(first->context, &first->memories[i]);
    assert_int_equal(size, tn_core_memory_size(second->context, &second->memories[i]));
    assert_memory_equal(tn_core_memory_base(first->context, &first->memories[i]),
                        tn_core_memory_base(second->context, &second->memories[i]), size);
  }
  for (uint32_t i = 0; i < first->instance_count; i++) {
    assert_int_equal(first->instances[i].flags->may_enter, second->instances[i].flags->may_enter);
    assert_int_equal(first->instances[i].flags->may_leave, second->instances[i].flags->may_leave);
    assert_true(tn_handle_table_is_untouched(&first->instances[i].handles));
  }
  char *one = NULL, *other = NULL;
  assert_ok(tn_instance_invoke(a, TN_STR("globals()"), &one));
  assert_ok(tn_instance_invoke(b, TN_STR("globals()"), &other));
  assert_string_equal(one, other);
  tn_release(one);
  tn_release(other);
}

static uint32_t next_random(uint64_t *seed) {
  *seed = *seed * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(*seed >> 33);
}

static void change_at_random(tn_instance *instance, uint64_t *seed) {
  static const uint32_t sizes[] = {300 * 65536, 5 * 65536};
  for (uint32_t writes = next_random(seed) % 40; writes > 0; writes--) {
    uint32_t which = next_random(seed) % 2;
    callf(instance, "write(%u, %u, %u)", which, next_random(seed) % (sizes[which] - 4),
          next_random(seed));
  }
  if (next_random(seed) % 2 == 0) callf(instance, "set(%u)", next_random(seed));
  if (next_random(seed) % 2 == 0) callf(instance, "echo(\"some text\")");
  if (next_random(seed) % 4 == 0) callf(instance, "fill(%u)", next_random(seed) % 200000);
}

static void a_restored_instance_is_a_fresh_one_byte_for_byte(void **state) {
  (void)state;
  tn_linked *linked = recycled(busy, NULL, true);
  tn_instance *fresh = guest_instance_on(linked, loop), *instance = guest_instance_on(linked, loop);
  uint64_t seed = 1;
  for (int i = 0; i < 60; i++) {
    const tn_store *store = instance->instantiated.runtime.store;
    change_at_random(instance, &seed);
    assert_true(tn_instance_retire(instance));
    renew(instance);
    assert_ptr_equal(instance->instantiated.runtime.store, store);
    assert_same_state(instance, fresh);
  }
  tn_instance_delete(instance);
  tn_instance_delete(fresh);
  tn_linked_delete(linked);
}

/* Slots of the pool that others have used are no fresher than the system says. */
static void instances_in_used_slots_are_restored_too(void **state) {
  (void)state;
  tn_linked *linked = recycled(busy, NULL, true);
  tn_instance *fresh = guest_instance_on(linked, loop);
  uint64_t seed = 2;
  for (int i = 0; i < 40; i++) {
    tn_instance *instance = guest_instance_on(linked, loop);
    for (int use = 0; use < 3; use++) {
      change_at_random(instance, &seed);
      assert_true(tn_instance_retire(instance));
      renew(instance);
      assert_same_state(instance, fresh);
    }
    tn_instance_delete(instance);
  }
  tn_instance_delete(fresh);
  tn_linked_delete(linked);
}

static void without_a_pool_instances_are_restored_too(void **state) {
  (void)state;
  tn_engine_options options;
  tn_engine_options_init(&options);
  tn_engine *pooling = engine;
  assert_ok(tn_engine_new(&options, &engine));
  tn_linked *linked = recycled(busy, NULL, true);
  tn_instance *fresh = guest_instance_on(linked, loop), *instance = guest_instance_on(linked, loop);
  uint64_t seed = 3;
  for (int i = 0; i < 10; i++) {
    change_at_random(instance, &seed);
    assert_true(tn_instance_retire(instance));
    renew(instance);
    assert_same_state(instance, fresh);
  }
  tn_instance_delete(instance);
  tn_instance_delete(fresh);
  tn_linked_delete(linked);
  tn_engine_delete(engine);
  engine = pooling;
}

/* ---- what makes a fresh one necessary -------------------------------------------------------------------- */

static void assert_is_made_anew(tn_instance *instance, tn_instance *fresh) {
  assert_false(tn_instance_retire(instance));
  assert_null(instance->instantiated.runtime.store);
  renew(instance);
  assert_same_state(instance, fresh);
}

static void what_has_grown_failed_or_written_too_much_is_made_anew(void **state) {
  (void)state;
  tn_linked *linked = recycled(busy, NULL, true);
  tn_instance *fresh = guest_instance_on(linked, loop), *instance = guest_instance_on(linked, loop);
  assert_call(instance, "grow()", "5");
  assert_is_made_anew(instance, fresh);
  assert_error(guest_invoke(instance, "trap()"), TN_ERROR_TRAP, "unreachable");
  assert_is_made_anew(instance, fresh);
  tn_instance_options options = guest_options();
  options.timeout = 20000000;
  tn_instance_end(instance);
  assert_ok(tn_instance_renew(instance, &options));
  assert_error(guest_invoke(instance, "spin()"), TN_ERROR_TIMEOUT, "limit");
  assert_is_made_anew(instance, fresh);
  callf(instance, "fill(%u)", 300 * 65536);
  assert_is_made_anew(instance, fresh);
  assert_true(tn_instance_retire(instance));
  renew(instance);
  assert_same_state(instance, fresh);
  tn_instance_delete(instance);
  tn_instance_delete(fresh);
  tn_linked_delete(linked);
}

static void a_guest_that_always_grows_is_not_tried_for_ever(void **state) {
  (void)state;
  tn_linked *linked = recycled(busy, NULL, true);
  tn_instance *instance = guest_instance_on(linked, loop);
  int tries = 0;
  for (; tries < 100 && instance->instantiated.can_restore; tries++) {
    assert_call(instance, "grow()", "5");
    assert_false(tn_instance_retire(instance));
    renew(instance);
  }
  assert_in_range(tries, 2, 50);
  assert_false(tn_instance_retire(instance));
  tn_instance_delete(instance);
  tn_linked_delete(linked);
}

static void other_limits_make_another_store(void **state) {
  (void)state;
  tn_linked *linked = recycled(busy, NULL, true);
  tn_instance *instance = guest_instance_on(linked, loop);
  assert_true(tn_instance_retire(instance));
  tn_instance_options options = guest_options();
  options.max_memory_bytes = 300 * 65536;
  assert_ok(tn_instance_renew(instance, &options));
  callf(instance, "fill(8)");
  assert_true(tn_instance_retire(instance));
  options.max_memory_bytes = 5 * 65536;
  assert_error(tn_instance_renew(instance, &options), TN_ERROR_MEMORY_LIMIT, "limit");
  renew(instance);
  assert_call(instance, "grow()", "5");
  tn_instance_delete(instance);
  tn_linked_delete(linked);
}

static void fuel_is_given_anew(void **state) {
  (void)state;
  tn_linked *linked = recycled(busy, NULL, true);
  tn_instance *instance = guest_instance_on(linked, loop);
  tn_instance_options options = guest_options();
  options.has_fuel = true;
  options.fuel = 100000;
  for (int i = 0; i < 3; i++) {
    tn_instance_retire(instance);
    assert_ok(tn_instance_renew(instance, &options));
    assert_in_range(tn_instance_fuel_left(instance), 90000, 100000);
    callf(instance, "set(1)");
    assert_true(tn_instance_fuel_left(instance) < 100000);
  }
  assert_error(guest_invoke(instance, "spin()"), TN_ERROR_FUEL, "fuel");
  assert_false(tn_instance_retire(instance));
  tn_instance_delete(instance);
  tn_linked_delete(linked);
}

static void modules_that_can_change_more_are_never_restored(void **state) {
  (void)state;
  tn_linked *linked = recycled(
      BUSY(BUSY_CORE " (func (export \"more\") (table.set $t (i32.const 0) (ref.null func)))"),
      NULL, false);
  tn_instance *instance = guest_instance_on(linked, loop), *fresh = guest_instance_on(linked, loop);
  callf(instance, "set(1)");
  assert_is_made_anew(instance, fresh);
  tn_instance_delete(instance);
  tn_instance_delete(fresh);
  tn_linked_delete(linked);
}

static void memories_too_large_to_be_copied_are_made_anew(void **state) {
  (void)state;
  tn_linked *linked =
      recycled(GUEST("(memory 4000) (memory 97) (func (export \"f\"))", ""), NULL, true);
  tn_instance *instance = guest_instance_on(linked, loop);
  assert_false(tn_instance_retire(instance));
  renew(instance);
  assert_call(instance, "fine()", "7");
  tn_instance_delete(instance);
  tn_linked_delete(linked);
  linked = recycled(GUEST("(memory 4000) (memory 96) (func (export \"f\"))", ""), NULL, true);
  instance = guest_instance_on(linked, loop);
  assert_true(tn_instance_retire(instance));
  renew(instance);
  assert_call(instance, "fine()", "7");
  tn_instance_delete(instance);
  tn_linked_delete(linked);
}

/* ---- the host -------------------------------------------------------------------------------------------- */

static int called, dropped;

static tn_error *on_call(tn_call *call, void *data, const void *params, void *result) {
  (void)call, (void)data, (void)params;
  *(uint32_t *)result = (uint32_t)++called;
  return NULL;
}

#define STARTS(start)                                                                               \
  "(component (import \"f\" (func $f (result u32))) (core func $f (canon lower (func $f)))"         \
  " (core module $M (import \"\" \"f\" (func $f (result i32))) (global $g (mut i32) (i32.const 0))" \
  "  (func $begin (global.set $g (i32.add (global.get $g) (i32.const 1))) " start                   \
  ") (start $begin)"                                                                                \
  "  (func (export \"next\") (result i32) (global.set $g (i32.add (global.get $g) (i32.const 1)))"  \
  "   (drop (call $f)) (global.get $g)))"                                                           \
  " (core instance $m (instantiate $M (with \"\" (instance (export \"f\" (func $f))))))"            \
  " (func (export \"next\") (result u32) (canon lift (core func $m \"next\"))))"

static void what_asks_the_host_at_its_start_asks_each_time(void **state) {
  (void)state;
  tn_linker *linker = NULL;
  assert_ok(tn_linker_new(&linker));
  assert_ok(tn_linker_define_func(linker, "", "f", "func() -> u32", on_call, NULL));
  tn_linked *linked = recycled(STARTS("(global.set $g (call $f))"), linker, true);
  called = 10;
  tn_instance *instance = guest_instance_on(linked, loop);
  assert_int_equal(called, 11);
  assert_call(instance, "next()", "12");
  assert_false(tn_instance_retire(instance));
  renew(instance);
  assert_int_equal(called, 13);
  tn_instance_delete(instance);
  tn_linked_delete(linked);
  linked = recycled(STARTS(""), linker, true);
  instance = guest_instance_on(linked, loop);
  for (int i = 0; i < 3; i++) {
    assert_call(instance, "next()", "2");
    assert_call(instance, "next()", "3");
    assert_true(tn_instance_retire(instance));
    renew(instance);
  }
  tn_instance_delete(instance);
  tn_linked_delete(linked);
  tn_linker_delete(linker);
}

static void on_drop(tn_instance *instance, void *data, uint32_t representation) {
  (void)instance, (void)data;
  assert_int_equal(representation, 5);
  dropped++;
}

static tn_error *make_thing(tn_call *call, void *data, const void *params, void *result) {
  (void)call, (void)data, (void)params;
  *(uint32_t *)result = 5;
  return NULL;
}

static void what_a_guest_holds_is_dropped_once_and_its_handles_start_anew(void **state) {
  (void)state;
  tn_linker *linker = NULL;
  assert_ok(tn_linker_new(&linker));
  assert_ok(tn_linker_define_resource(linker, "t:h/i", "thing", on_drop, NULL));
  assert_ok(
      tn_linker_define_func(linker, "t:h/i", "make", "func() -> own<thing>", make_thing, NULL));
  tn_linked *linked = recycled(
      "(component (import \"t:h/i\" (instance $i (export \"thing\" (type $t (sub resource)))"
      "  (export \"make\" (func (result (own $t))))))"
      " (core func $make (canon lower (func $i \"make\")))"
      " (core module $M (import \"\" \"make\" (func $make (result i32))) (memory 1)"
      "  (func (export \"make\") (result i32) (drop (call $make)) (call $make)))"
      " (core instance $m (instantiate $M (with \"\" (instance (export \"make\" (func $make))))))"
      " (func (export \"make\") (result u32) (canon lift (core func $m \"make\"))))",
      linker, true);
  tn_instance *instance = guest_instance_on(linked, loop);
  dropped = 0;
  for (int i = 1; i <= 5; i++) {
    assert_call(instance, "make()", "2");
    assert_true(tn_instance_retire(instance));
    assert_int_equal(dropped, 2 * i);
    renew(instance);
  }
  assert_true(tn_instance_retire(instance));
  tn_instance_end(instance);
  assert_int_equal(dropped, 10);
  tn_instance_delete(instance);
  tn_linked_delete(linked);
  tn_linker_delete(linker);
}

/* The root's caller passes a string to a callee that counts its calls: through a compiled adapter, with whose memory the
 * flags of all instances are restored. */
static const char pair[] =
    "(component (component $callee"
    "  (core module $M (memory (export \"mem\") 1) (global $calls (mut i32) (i32.const 0))"
    "   (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 64))"
    "   (func (export \"len\") (param i32 i32) (result i32)"
    "    (global.set $calls (i32.add (global.get $calls) (i32.const 10)))"
    "    (i32.store8 (i32.const 500) (i32.add (i32.load8_u (i32.const 500)) (i32.const 1)))"
    "    (i32.add (global.get $calls) (i32.add (local.get 1) (i32.load8_u (i32.const 500))))))"
    "  (core instance $m (instantiate $M))"
    "  (func (export \"len\") (param \"s\" string) (result u32) (canon lift (core func $m \"len\")"
    "   (memory $m \"mem\") (realloc (func $m \"realloc\")))))"
    " (component $caller (import \"len\" (func $len (param \"s\" string) (result u32)))"
    "  (core module $L (memory (export \"mem\") 1) (data (i32.const 8) \"hello\"))"
    "  (core instance $l (instantiate $L))"
    "  (core func $len (canon lower (func $len) (memory $l \"mem\")))"
    "  (core module $M (import \"\" \"len\" (func $len (param i32 i32) (result i32)))"
    "   (func (export \"go\") (result i32) (call $len (i32.const 8) (i32.const 5))))"
    "  (core instance $m (instantiate $M (with \"\" (instance (export \"len\" (func $len))))))"
    "  (func (export \"go\") (result u32) (canon lift (core func $m \"go\"))))"
    " (instance $a (instantiate $callee)) (instance $b (instantiate $caller (with \"len\" (func $a \"len\"))))"
    " (func (export \"go\") (alias export $b \"go\")))";

static void components_that_call_each_other_are_restored_together(void **state) {
  (void)state;
  tn_linked *linked = recycled(pair, NULL, true);
  assert_int_equal(linked->plan.adapter_count, 1);
  tn_instance *instance = guest_instance_on(linked, loop);
  for (int i = 0; i < 5; i++) {
    const tn_store *store = instance->instantiated.runtime.store;
    assert_call(instance, "go()", "16");
    assert_call(instance, "go()", "27");
    assert_true(tn_instance_retire(instance));
    renew(instance);
    assert_ptr_equal(instance->instantiated.runtime.store, store);
  }
  tn_instance_delete(instance);
  tn_linked_delete(linked);
}

/* ---- several of them ------------------------------------------------------------------------------------- */

static void *use_instances(void *data) {
  tn_linked *linked = data;
  tn_loop *own = NULL;
  uintptr_t failures = tn_loop_new(&own) != NULL;
  tn_instance_options options = guest_options();
  for (int i = 0; failures == 0 && i < 20; i++) {
    tn_instance *instance = NULL;
    failures += tn_instance_new_on(linked, &options, own, &instance) != NULL;
    for (int use = 0; failures == 0 && use < 3; use++) {
      failures += guest_invoke(instance, "write(1, 200000, 3)") != NULL;
      failures += !tn_instance_retire(instance);
      failures += tn_instance_renew(instance, &options) != NULL;
      const tn_runtime *runtime = &instance->instantiated.runtime;
      failures += tn_core_memory_base(runtime->context, &runtime->memories[1])[200000] != 77;
    }
    tn_instance_delete(instance);
  }
  tn_loop_delete(own);
  return (void *)failures;
}

static void threads_share_what_instances_are_restored_from(void **state) {
  (void)state;
  tn_linked *linked = recycled(busy, NULL, true);
  pthread_t threads[4];
  for (int i = 0; i < 4; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, use_instances, linked), 0);
  for (int i = 0; i < 4; i++) {
    void *failures = NULL;
    pthread_join(threads[i], &failures);
    assert_null(failures);
  }
  tn_linked_delete(linked);
}

static void any_failed_allocation_leaves_an_instance_that_works(void **state) {
  (void)state;
  tn_instance_options options = guest_options();
  bool failed = true;
  for (int allowed = 0; failed; allowed++) {
    tn_linked *linked = guest_link(engine, busy, NULL);
    tn_instance *instance = NULL;
    bool is_possible;
    tn_alloc_fail_after(allowed);
    tn_error *error = tn_linked_recycle(linked, &is_possible);
    if (error == NULL) error = tn_instance_new_on(linked, &options, loop, &instance);
    if (instance != NULL) tn_instance_retire(instance);
    if (instance != NULL) error = tn_instance_renew(instance, &options);
    failed = tn_alloc_did_fail();
    tn_alloc_fail_after(-1);
    if (error != NULL) assert_int_equal(tn_error_get_kind(error), TN_ERROR_NO_MEMORY);
    tn_error_delete(error);
    if (instance != NULL) {
      tn_instance_end(instance);
      renew(instance);
      assert_call(instance, "fine()", "7");
    }
    tn_instance_delete(instance);
    tn_linked_delete(linked);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_restored_instance_is_a_fresh_one_byte_for_byte),
      cmocka_unit_test(instances_in_used_slots_are_restored_too),
      cmocka_unit_test(without_a_pool_instances_are_restored_too),
      cmocka_unit_test(what_has_grown_failed_or_written_too_much_is_made_anew),
      cmocka_unit_test(a_guest_that_always_grows_is_not_tried_for_ever),
      cmocka_unit_test(other_limits_make_another_store),
      cmocka_unit_test(fuel_is_given_anew),
      cmocka_unit_test(modules_that_can_change_more_are_never_restored),
      cmocka_unit_test(memories_too_large_to_be_copied_are_made_anew),
      cmocka_unit_test(what_asks_the_host_at_its_start_asks_each_time),
      cmocka_unit_test(what_a_guest_holds_is_dropped_once_and_its_handles_start_anew),
      cmocka_unit_test(components_that_call_each_other_are_restored_together),
      cmocka_unit_test(threads_share_what_instances_are_restored_from),
      cmocka_unit_test(any_failed_allocation_leaves_an_instance_that_works),
  };
  return cmocka_run_group_tests(tests, set_up, guest_loop_tear_down);
}
