/* Resources: handles of guests, borrows and their ends, destructors, and what the embedder and host functions
 * get to see. */
#include "canon_world.h"

typedef struct fixture {
  world w;
  uint32_t dropped[8]; /* representations of host resources whose last handle went */
  uint32_t drop_count;
} fixture;

static int start(void **state) {
  fixture *f = tn_calloc(1, sizeof *f);
  world_start(&f->w);
  assert_ok(tn_wit_parse_types(&f->w.scope, TN_STR("resource r; resource h;")));
  f->w.resources[0].instance = 3;
  *state = f;
  return 0;
}

static int finish(void **state) {
  fixture *f = *state;
  world_end(&f->w);
  tn_free(f);
  return 0;
}

static void record_drop(tn_runtime *runtime, void *data, uint32_t representation) {
  (void)runtime;
  fixture *f = data;
  f->dropped[f->drop_count++] = representation;
}

static tn_lowered *builtin(fixture *f, tn_canon_kind kind, uint32_t resource, uint32_t instance) {
  tn_lowered *lowered = NULL;
  assert_ok(
      tn_canon_resource_builtin(&f->w.arena, kind, &f->w.resources[resource], instance, &lowered));
  return lowered;
}

static tn_error *call(fixture *f, const tn_lifted *lifted, const void *params, void *result) {
  return tn_canon_call(&f->w.runtime, lifted, params, result, &f->w.arena);
}

/* Instance 3 implements r: constructor, a method, and a destructor that adds up what it destroyed. */
typedef struct implementer {
  tn_lifted *make, *get, *take, *destroyed;
} implementer;

static implementer add_implementer(fixture *f) {
  tn_lowered *imports[] = {builtin(f, TN_CANON_RESOURCE_NEW, 0, 3),
                           builtin(f, TN_CANON_RESOURCE_REP, 0, 3),
                           builtin(f, TN_CANON_RESOURCE_DROP, 0, 3)};
  tn_core_instance guest = world_guest(
      &f->w,
      "(module (import \"\" \"new\" (func $new (param i32) (result i32)))"
      "(import \"\" \"rep\" (func $rep (param i32) (result i32))) (import \"\" \"drop\" (func "
      "$drop (param i32)))"
      "(global $sum (mut i32) (i32.const 0))"
      "(func (export \"make\") (param i32) (result i32) (call $new (local.get 0)))"
      "(func (export \"get\") (param i32) (result i32) (local.get 0))"
      "(func (export \"take\") (param i32) (result i32) (local $rep i32)"
      "  (local.set $rep (call $rep (local.get 0))) (call $drop (local.get 0)) (local.get $rep))"
      "(func (export \"dtor\") (param i32) (global.set $sum (i32.add (global.get $sum) (local.get "
      "0))))"
      "(func (export \"destroyed\") (result i32) (global.get $sum)))",
      imports, 3);
  tn_canon_options options = world_no_options(3);
  f->w.resources[0].destructor = world_func(&f->w, &guest, "dtor");
  return (implementer){
      world_lift(&f->w, "func(a: u32) -> r", &options, world_func(&f->w, &guest, "make")),
      world_lift(&f->w, "func(a: borrow<r>) -> u32", &options, world_func(&f->w, &guest, "get")),
      world_lift(&f->w, "func(a: r) -> u32", &options, world_func(&f->w, &guest, "take")),
      world_lift(&f->w, "func() -> u32", &options, world_func(&f->w, &guest, "destroyed")),
  };
}

static uint32_t destroyed(fixture *f, const implementer *i) {
  uint32_t sum = 0;
  assert_ok(call(f, i->destroyed, NULL, &sum));
  return sum;
}

static void the_embedder_holds_lends_gives_and_drops_guest_resources(void **state) {
  fixture *f = *state;
  implementer i = add_implementer(f);
  uint32_t seven = 7, nine = 9, a = 0, b = 0, result = 0;
  assert_ok(call(f, i.make, &seven, &a));
  assert_ok(call(f, i.make, &nine, &b));
  assert_int_equal(a, 1);
  assert_int_equal(b, 2);
  assert_ok(call(f, i.get, &a, &result));
  assert_int_equal(result, 7);
  assert_ok(call(f, i.get, &a, &result));
  assert_ok(call(f, i.take, &b, &result));
  assert_int_equal(result, 9);
  assert_int_equal(destroyed(f, &i), 9);
  assert_ok(tn_canon_drop_handle(&f->w.runtime, a));
  assert_int_equal(destroyed(f, &i), 16);
  assert_error(tn_canon_drop_handle(&f->w.runtime, a), TN_ERROR_ARGUMENT, "unknown handle index 1");
  assert_int_equal(destroyed(f, &i), 16);
  assert_error(call(f, i.get, &a, &result), TN_ERROR_TRAP, "unknown handle index 1");
}

/* A user of r in instance 2, whose export "run" does `body`. */
static tn_lifted *add_user(fixture *f, const implementer *i, const char *body) {
  tn_canon_options options = world_no_options(2);
  tn_lowered *imports[] = {
      world_fuse(&f->w, &options, i->make), world_fuse(&f->w, &options, i->get),
      world_fuse(&f->w, &options, i->take), builtin(f, TN_CANON_RESOURCE_DROP, 0, 2),
      builtin(f, TN_CANON_RESOURCE_REP, 0, 2)};
  char text[1024];
  snprintf(text, sizeof text,
           "(module (import \"\" \"make\" (func $make (param i32) (result i32)))"
           "(import \"\" \"get\" (func $get (param i32) (result i32)))"
           "(import \"\" \"take\" (func $take (param i32) (result i32)))"
           "(import \"\" \"drop\" (func $drop (param i32)))"
           "(import \"\" \"rep\" (func $rep (param i32) (result i32)))"
           "(func (export \"run\") (result i32) %s))",
           body);
  tn_core_instance guest = world_guest(&f->w, text, imports, 5);
  return world_lift(&f->w, "func() -> u32", &options, world_func(&f->w, &guest, "run"));
}

static void a_component_uses_the_resource_of_another(void **state) {
  fixture *f = *state;
  implementer i = add_implementer(f);
  tn_lifted *run = add_user(f, &i,
                            "(drop (call $make (i32.const 30))) (drop (call $make (i32.const 12)))"
                            "(i32.add (call $get (i32.const 1)) (call $take (i32.const 2)))"
                            "(call $drop (i32.const 1)) (drop (call $make (i32.const 5)))");
  uint32_t result = 0;
  assert_ok(call(f, run, NULL, &result));
  assert_int_equal(result, 42);
  assert_int_equal(destroyed(f, &i), 42);
}

static void assert_user_traps(fixture *f, const char *body, const char *message) {
  world_reset(&f->w);
  implementer i = add_implementer(f);
  tn_lifted *run = add_user(f, &i, body);
  uint32_t result = 0;
  assert_error(call(f, run, NULL, &result), TN_ERROR_TRAP, message);
}

static void forged_and_used_up_handles_trap(void **state) {
  fixture *f = *state;
  assert_user_traps(f, "(call $get (i32.const 0))", "unknown handle index 0");
  assert_user_traps(f, "(call $get (i32.const 5))", "unknown handle index 5");
  assert_user_traps(f, "(call $take (i32.const -1))", "unknown handle index 4294967295");
  assert_user_traps(f, "(call $drop (i32.const 1)) (i32.const 0)", "unknown handle index 1");
  assert_user_traps(
      f, "(drop (call $make (i32.const 1))) (call $drop (i32.const 1)) (call $get (i32.const 1))",
      "unknown handle index 1");
  assert_user_traps(f, "(call $rep (i32.const 5))", "unknown handle index 5");
}

static void a_handle_of_another_type_traps(void **state) {
  fixture *f = *state;
  f->w.resources[1].instance = 2;
  tn_lowered *imports[] = {builtin(f, TN_CANON_RESOURCE_NEW, 0, 2),
                           builtin(f, TN_CANON_RESOURCE_DROP, 1, 2)};
  tn_core_instance guest =
      world_guest(&f->w,
                  "(module (import \"\" \"new\" (func $new (param i32) (result i32)))"
                  "(import \"\" \"drop\" (func $drop (param i32)))"
                  "(func (export \"run\") (call $drop (call $new (i32.const 1)))))",
                  imports, 2);
  tn_canon_options options = world_no_options(2);
  tn_lifted *run = world_lift(&f->w, "func()", &options, world_func(&f->w, &guest, "run"));
  assert_error(call(f, run, NULL, NULL), TN_ERROR_TRAP,
               "handle index 1 used with the wrong type, expected guest-defined resource but found "
               "a different "
               "guest-defined resource");
}

static void what_is_lent_cannot_be_given_away_in_the_same_call(void **state) {
  fixture *f = *state;
  tn_canon_options callee = world_no_options(3), caller = world_no_options(2);
  tn_core_instance inner =
      world_guest(&f->w, "(module (func (export \"f\") (param i32 i32)))", NULL, 0);
  tn_lifted *lend_and_give =
      world_lift(&f->w, "func(a: borrow<r>, b: r)", &callee, world_func(&f->w, &inner, "f"));
  tn_lowered *imports[] = {world_fuse(&f->w, &caller, lend_and_give),
                           builtin(f, TN_CANON_RESOURCE_NEW, 0, 2)};
  tn_core_instance guest = world_guest(
      &f->w,
      "(module (import \"\" \"f\" (func $f (param i32 i32))) (import \"\" \"new\" (func $new "
      "(param i32) (result i32)))"
      "(func (export \"different\") (call $f (call $new (i32.const 1)) (call $new (i32.const 2))))"
      "(func (export \"same\") (call $f (call $new (i32.const 1)) (i32.const 2))))",
      imports, 2);
  tn_lifted *different =
      world_lift(&f->w, "func()", &caller, world_func(&f->w, &guest, "different"));
  tn_lifted *same = world_lift(&f->w, "func()", &caller, world_func(&f->w, &guest, "same"));
  assert_ok(call(f, different, NULL, NULL));
  assert_error(call(f, same, NULL, NULL), TN_ERROR_TRAP,
               "cannot remove owned resource while borrowed");
}

/* ---- host resources ----------------------------------------------------------------------------- */

static tn_error *take_borrow(tn_call *call, void *data, const void *params, void *result) {
  (void)call, (void)data;
  *(uint32_t *)result = *(const uint32_t *)params + 1;
  return NULL;
}

static tn_error *give_own(tn_call *call, void *data, const void *params, void *result) {
  (void)call, (void)data;
  *(uint32_t *)result = *(const uint32_t *)params;
  return NULL;
}

static void host_resources_are_their_representation(void **state) {
  fixture *f = *state;
  tn_resource *h = &f->w.resources[1];
  h->is_host = true;
  h->drop = record_drop;
  h->data = f;
  tn_canon_options options = world_no_options(2);
  tn_lowered *imports[] = {
      world_lower_host(&f->w, "func(a: u32) -> h", &options, give_own, NULL),
      world_lower_host(&f->w, "func(a: borrow<h>) -> u32", &options, take_borrow, NULL),
      world_lower_host(&f->w, "func(a: h) -> u32", &options, take_borrow, NULL),
      builtin(f, TN_CANON_RESOURCE_DROP, 1, 2)};
  tn_core_instance guest = world_guest(
      &f->w,
      "(module (import \"\" \"make\" (func $make (param i32) (result i32)))"
      "(import \"\" \"borrow\" (func $borrow (param i32) (result i32)))"
      "(import \"\" \"own\" (func $own (param i32) (result i32)))"
      "(import \"\" \"drop\" (func $drop (param i32)))"
      "(func (export \"run\") (param i32) (result i32) (local $a i32) (local $b i32)"
      "  (local.set $a (call $make (i32.const 100))) (local.set $b (call $make (i32.const 20)))"
      "  (call $borrow (local.get $a)) (call $own (local.get $b)) (call $drop (local.get $a)) "
      "(i32.add)"
      "  (call $drop (local.get 0)))"
      "(func (export \"keep\") (param i32) (result i32) (i32.const 0))"
      "(func (export \"reuse\") (result i32) (local $a i32)"
      "  (local.set $a (call $make (i32.const 1))) (drop (call $own (local.get $a))) (call $own "
      "(local.get $a))))",
      imports, 4);
  tn_lifted *run =
      world_lift(&f->w, "func(a: borrow<h>) -> u32", &options, world_func(&f->w, &guest, "run"));
  tn_lifted *keep =
      world_lift(&f->w, "func(a: borrow<h>) -> u32", &options, world_func(&f->w, &guest, "keep"));
  uint32_t lent = 5, result = 0;
  assert_ok(call(f, run, &lent, &result));
  assert_int_equal(result, 101 + 21);
  assert_int_equal(f->drop_count, 1); /* not the one that was given to the host, nor the borrow */
  assert_int_equal(f->dropped[0], 100);
  assert_error(call(f, keep, &lent, &result), TN_ERROR_TRAP,
               "borrow handles still remain at the end of the call");
}

/* A host function that is lent a guest's resource sees a handle of the embedder for as long as it runs. */
static tn_error *look_at_borrow(tn_call *call, void *data, const void *params, void *result) {
  (void)result;
  *(uint32_t *)data = *(const uint32_t *)params;
  tn_handle *handle = NULL;
  TN_TRY(tn_handle_get_any(&tn_call_runtime(call)->instances[0].handles, *(const uint32_t *)params,
                           &handle));
  return handle->representation == 55 && !handle->is_own
             ? NULL
             : tn_error_new(TN_ERROR_INTERNAL, "another handle");
}

static void a_host_function_may_use_a_borrow_only_while_it_runs(void **state) {
  fixture *f = *state;
  tn_canon_options options = world_no_options(3);
  uint32_t seen = 0;
  tn_lowered *imports[] = {
      world_lower_host(&f->w, "func(a: borrow<r>)", &options, look_at_borrow, &seen),
      builtin(f, TN_CANON_RESOURCE_NEW, 0, 3), builtin(f, TN_CANON_RESOURCE_DROP, 0, 3)};
  tn_core_instance guest =
      world_guest(&f->w,
                  "(module (import \"\" \"look\" (func $look (param i32))) (import \"\" \"new\" "
                  "(func $new (param i32) (result i32)))"
                  "(import \"\" \"drop\" (func $drop (param i32)))"
                  "(func (export \"run\") (local $a i32) (local.set $a (call $new (i32.const 55))) "
                  "(call $look (local.get $a))"
                  "  (call $look (local.get $a)) (call $drop (local.get $a))))",
                  imports, 3);
  tn_lifted *run = world_lift(&f->w, "func()", &options, world_func(&f->w, &guest, "run"));
  assert_ok(call(f, run, NULL, NULL));
  assert_error(tn_canon_drop_handle(&f->w.runtime, seen), TN_ERROR_ARGUMENT,
               "unknown handle index");
}

static void a_guest_cannot_hold_more_handles_than_allowed(void **state) {
  fixture *f = *state;
  f->w.runtime.max_handles = 10;
  tn_lowered *new_r = builtin(f, TN_CANON_RESOURCE_NEW, 0, 2);
  tn_core_instance guest =
      world_guest(&f->w,
                  "(module (import \"\" \"new\" (func $new (param i32) (result i32)))"
                  "(func (export \"run\") (loop $l (drop (call $new (i32.const 1))) (br $l))))",
                  &new_r, 1);
  tn_canon_options options = world_no_options(2);
  tn_lifted *run = world_lift(&f->w, "func()", &options, world_func(&f->w, &guest, "run"));
  assert_error(call(f, run, NULL, NULL), TN_ERROR_LIMIT, "more than 10 handles");
  assert_int_equal(f->w.instances[2].handles.len, 11);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(the_embedder_holds_lends_gives_and_drops_guest_resources),
      TEST(a_component_uses_the_resource_of_another),
      TEST(forged_and_used_up_handles_trap),
      TEST(a_handle_of_another_type_traps),
      TEST(what_is_lent_cannot_be_given_away_in_the_same_call),
      TEST(host_resources_are_their_representation),
      TEST(a_host_function_may_use_a_borrow_only_while_it_runs),
      TEST(a_guest_cannot_hold_more_handles_than_allowed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
