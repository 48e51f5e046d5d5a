/* Fibers: many of them in one store, resumed in any order, cancelled, made from within each other. The
 * engine does not promise that; these tests are how an engine that does not keep it is found out. */
#include <stdlib.h>

#include "engine_test.h"
#include "keep_signals.h"

/* `handle(depth, id)` recurses `depth` times and then calls the host, which suspends. */
static const char GUEST[] =
    "(module (import \"h\" \"block\" (func $block (param i32) (result i32)))"
    " (memory (export \"memory\") 1) (global $heap (mut i32) (i32.const 1024))"
    " (func (export \"realloc\") (param i32 i32 i32 i32) (result i32)"
    "   (global.set $heap (i32.add (global.get $heap) (local.get 3))) (global.get $heap))"
    " (func $deep (export \"handle\") (param $depth i32) (param $id i32) (result i32)"
    "   (if (result i32) (i32.eqz (local.get $depth))"
    "     (then (call $block (local.get $id)))"
    "     (else (i32.add (i32.const 1)"
    "       (call $deep (i32.sub (local.get $depth) (i32.const 1)) (local.get $id))))))"
    " (func (export \"trap\") unreachable))";

typedef struct home {
  tn_store *store;
  tn_core_context *context;
  tn_core_func realloc_func;
  tn_core_func handle;
  tn_core_func trap;
} home;

typedef enum outcome { RUNNING, RETURNED, CANCELLED, TRAPPED } outcome;

typedef struct job {
  home *home;
  tn_fiber *fiber;
  int id;
  int depth;
  int suspensions; /* how often it suspends before it goes on */
  int result;
  outcome outcome;
  tn_error_kind kind;
  struct job *child; /* a job to start from within this one's host function */
} job;

static void nested_realloc(tn_core_context *context, const home *h) {
  tn_core_value values[4] = {{.i64 = 0}, {.i64 = 0}, {.i64 = 1}, {.i64 = 16}};
  assert_ok(tn_core_call(context, &h->realloc_func, values, 4));
}

static job *job_of(tn_core_context *context, job *jobs) {
  tn_fiber *current = tn_fiber_current(context);
  assert_non_null(current);
  for (job *j = jobs;; j++) {
    if (j->fiber == current) return j;
  }
}

static void run_job(void *argument);

static tn_core_trap *host_block(void *environment, tn_core_caller *caller, tn_core_value *values,
                                size_t count) {
  (void)count;
  tn_core_context *context = tn_core_caller_context(caller);
  int id = values[0].i32;
  job *j = job_of(context, *(job **)environment);
  assert_int_equal(j->id, id);
  nested_realloc(context, j->home);
  if (j->child != NULL)
    assert_ok(tn_fiber_new(j->home->store, run_job, j->child, &j->child->fiber));
  for (int i = 0; i < j->suspensions; i++) {
    if (!tn_fiber_suspend(context)) {
      return tn_core_trap_from_error(context, tn_error_new(TN_ERROR_CANCELLED, "cancelled %d", id));
    }
    assert_ptr_equal(tn_fiber_current(context), j->fiber);
    nested_realloc(context, j->home);
  }
  values[0].i64 = (uint32_t)(id * 2);
  return NULL;
}

static void run_job(void *argument) {
  job *j = argument;
  tn_core_value values[2] = {{.i64 = j->depth}, {.i64 = j->id}};
  tn_error *error = tn_core_call(j->home->context, &j->home->handle, values, 2);
  if (error == NULL) {
    j->outcome = RETURNED;
    j->result = values[0].i32;
    return;
  }
  j->kind = tn_error_get_kind(error);
  j->outcome = j->kind == TN_ERROR_CANCELLED ? CANCELLED : TRAPPED;
  assert_int_equal(tn_error_frame_count(error) > 0, 1);
  tn_error_delete(error);
}

typedef struct fixture {
  tn_core_engine *engine;
  tn_module *module;
  tn_module_pre *pre;
  job *jobs; /* those among which host_block finds its own */
} fixture;

static int setup_engine(void **state, bool pooling) {
  fixture *f = tn_calloc(1, sizeof *f);
  tn_engine_options options = test_options();
  options.pooling = pooling;
  options.pool_instances = 200;
  f->engine = test_engine(&options);
  f->module = test_module(f->engine, GUEST);
  tn_host_import import = {&test_unary, host_block, &f->jobs};
  assert_ok(tn_module_pre_new(f->engine, f->module, &import, 1, &f->pre));
  *state = f;
  return 0;
}

static int setup(void **state) {
  return setup_engine(state, false);
}

static int setup_pool(void **state) {
  return setup_engine(state, true);
}

static int teardown(void **state) {
  fixture *f = *state;
  tn_module_pre_delete(f->pre);
  tn_module_delete(f->module);
  tn_core_engine_delete(f->engine);
  tn_free(f);
  return 0;
}

static home make_home(fixture *f) {
  home h = {.store = test_store(f->engine, NULL)};
  h.context = tn_store_context(h.store);
  tn_core_instance instance;
  assert_ok(tn_module_pre_instantiate(h.context, f->pre, &instance));
  h.realloc_func = test_func(h.context, &instance, "realloc");
  h.handle = test_func(h.context, &instance, "handle");
  h.trap = test_func(h.context, &instance, "trap");
  return h;
}

static void start(job *j) {
  assert_ok(tn_fiber_new(j->home->store, run_job, j, &j->fiber));
}

static void assert_job_returned(const job *j) {
  assert_int_equal(j->outcome, RETURNED);
  assert_int_equal(j->result, j->id * 2 + j->depth);
}

static void end(job *j) {
  tn_fiber_delete(j->fiber);
  j->fiber = NULL;
}

/* One round: `count` jobs over `homes`, driven in random order, one in seven cancelled midway. */
static void play_round(fixture *f, home *homes, int home_count, int count) {
  job *jobs = tn_calloc((size_t)count, sizeof *jobs);
  f->jobs = jobs;
  for (int i = 0; i < count; i++) {
    jobs[i] = (job){
        .home = &homes[i % home_count], .id = i, .depth = rand() % 40, .suspensions = rand() % 4};
    start(&jobs[i]);
  }
  for (int left = count; left > 0;) {
    job *j = &jobs[rand() % count];
    if (j->fiber == NULL) continue;
    if (rand() % 7 == 0) {
      bool was_running = j->outcome == RUNNING;
      end(j);
      left--;
      if (was_running)
        assert_true(j->outcome == CANCELLED || j->outcome == RUNNING); /* RUNNING: never begun */
    } else if (tn_fiber_resume(j->fiber)) {
      assert_job_returned(j);
      assert_null(tn_fiber_take_error(j->fiber));
      end(j);
      left--;
    }
    assert_null(tn_fiber_current(homes[0].context));
  }
  tn_free(jobs);
}

static void many_fibers_share_a_store_in_any_order(void **state) {
  fixture *f = *state;
  home h = make_home(f);
  srand(1);
  for (int round = 0; round < 300; round++)
    play_round(f, &h, 1, 200);
  tn_store_delete(h.store);
}

static void many_fibers_run_in_several_stores(void **state) {
  fixture *f = *state;
  srand(2);
  for (int round = 0; round < 20; round++) {
    home homes[8];
    for (int i = 0; i < 8; i++)
      homes[i] = make_home(f);
    for (int i = 0; i < 5; i++)
      play_round(f, homes, 8, 200);
    for (int i = 0; i < 8; i++)
      tn_store_delete(homes[i].store);
  }
}

static void a_deleted_fiber_that_never_ran_does_not_run(void **state) {
  fixture *f = *state;
  home h = make_home(f);
  job j = {.home = &h, .id = 1};
  f->jobs = &j;
  start(&j);
  end(&j);
  assert_int_equal(j.outcome, RUNNING);
  tn_store_delete(h.store);
}

static void a_suspended_fiber_that_is_deleted_unwinds_through_the_guest(void **state) {
  fixture *f = *state;
  home h = make_home(f);
  job j = {.home = &h, .id = 1, .depth = 10, .suspensions = 5};
  f->jobs = &j;
  start(&j);
  assert_false(tn_fiber_resume(j.fiber));
  assert_false(tn_fiber_resume(j.fiber));
  end(&j);
  assert_int_equal(j.outcome, CANCELLED);
  tn_store_delete(h.store);
}

static void suspend_stubbornly(void *argument) {
  tn_core_context *context = argument;
  int refused = 0;
  while (refused < 3)
    refused += !tn_fiber_suspend(context);
}

static void a_cancelled_fiber_cannot_suspend_again(void **state) {
  fixture *f = *state;
  home h = make_home(f);
  tn_fiber *fiber = NULL;
  assert_ok(tn_fiber_new(h.store, suspend_stubbornly, h.context, &fiber));
  assert_false(tn_fiber_resume(fiber));
  tn_fiber_delete(fiber);
  assert_null(tn_fiber_current(h.context));
  tn_store_delete(h.store);
}

static void a_fiber_is_made_from_within_another(void **state) {
  fixture *f = *state;
  home h = make_home(f);
  job jobs[2] = {{.home = &h, .id = 0, .suspensions = 2, .child = &jobs[1]},
                 {.home = &h, .id = 1, .depth = 3, .suspensions = 1}};
  f->jobs = jobs;
  start(&jobs[0]);
  assert_false(tn_fiber_resume(jobs[0].fiber));
  assert_false(tn_fiber_resume(jobs[1].fiber));
  assert_false(tn_fiber_resume(jobs[0].fiber));
  assert_true(tn_fiber_resume(jobs[1].fiber));
  assert_true(tn_fiber_resume(jobs[0].fiber));
  assert_job_returned(&jobs[0]);
  assert_job_returned(&jobs[1]);
  end(&jobs[0]);
  end(&jobs[1]);
  tn_store_delete(h.store);
}

static void run_trap(void *argument) {
  job *j = argument;
  tn_error *error = tn_core_call(j->home->context, &j->home->trap, NULL, 0);
  assert_non_null(error);
  j->kind = tn_error_get_kind(error);
  tn_error_delete(error);
  run_job(j); /* a trap ends the call, not the fiber */
}

static void a_trap_on_one_fiber_leaves_the_others_alone(void **state) {
  fixture *f = *state;
  home h = make_home(f);
  job jobs[2] = {{.home = &h, .id = 0, .depth = 5, .suspensions = 1},
                 {.home = &h, .id = 1, .suspensions = 1}};
  f->jobs = jobs;
  start(&jobs[0]);
  assert_false(tn_fiber_resume(jobs[0].fiber));
  assert_ok(tn_fiber_new(h.store, run_trap, &jobs[1], &jobs[1].fiber));
  assert_false(tn_fiber_resume(jobs[1].fiber));
  assert_int_equal(jobs[1].kind, TN_ERROR_TRAP);
  assert_true(tn_fiber_resume(jobs[0].fiber));
  assert_true(tn_fiber_resume(jobs[1].fiber));
  assert_job_returned(&jobs[0]);
  assert_job_returned(&jobs[1]);
  end(&jobs[0]);
  end(&jobs[1]);
  tn_store_delete(h.store);
}

typedef struct attempt {
  fixture *fixture;
  home *home;
} attempt;

static void try_to_instantiate(void *argument) {
  attempt *a = argument;
  tn_core_context *context = a->home->context;
  tn_core_instance instance;
  assert_error(tn_module_pre_instantiate(context, a->fixture->pre, &instance), TN_ERROR_UNSUPPORTED,
               "fiber");
  assert_error(tn_core_instantiate(context, a->fixture->module, NULL, 0, &instance),
               TN_ERROR_UNSUPPORTED, "fiber");
}

static void instantiation_on_a_fiber_is_refused(void **state) {
  fixture *f = *state;
  home h = make_home(f);
  attempt a = {f, &h};
  tn_fiber *fiber = NULL;
  assert_ok(tn_fiber_new(h.store, try_to_instantiate, &a, &fiber));
  assert_true(tn_fiber_resume(fiber));
  tn_fiber_delete(fiber);
  tn_store_delete(h.store);
}

/* The pool of setup_pool has as many stacks as instances. */
static void a_fiber_without_a_stack_ends_with_an_error(void **state) {
  fixture *f = *state;
  enum { COUNT = 201 };
  home h = make_home(f);
  job *jobs = tn_calloc(COUNT, sizeof *jobs);
  f->jobs = jobs;
  for (int i = 0; i < COUNT; i++) {
    jobs[i] = (job){.home = &h, .id = i, .suspensions = 1};
    start(&jobs[i]);
    assert_int_equal(tn_fiber_resume(jobs[i].fiber), i == COUNT - 1);
  }
  assert_int_equal(jobs[COUNT - 1].outcome, RUNNING);
  assert_error(tn_fiber_take_error(jobs[COUNT - 1].fiber), TN_ERROR_LIMIT, "limit");
  for (int i = 0; i < COUNT; i++)
    end(&jobs[i]);
  tn_free(jobs);
  tn_store_delete(h.store);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(many_fibers_share_a_store_in_any_order, setup, teardown),
      cmocka_unit_test_setup_teardown(many_fibers_run_in_several_stores, setup, teardown),
      cmocka_unit_test_setup_teardown(many_fibers_run_in_several_stores, setup_pool, teardown),
      cmocka_unit_test_setup_teardown(a_deleted_fiber_that_never_ran_does_not_run, setup, teardown),
      cmocka_unit_test_setup_teardown(a_suspended_fiber_that_is_deleted_unwinds_through_the_guest,
                                      setup, teardown),
      cmocka_unit_test_setup_teardown(a_cancelled_fiber_cannot_suspend_again, setup, teardown),
      cmocka_unit_test_setup_teardown(a_fiber_is_made_from_within_another, setup, teardown),
      cmocka_unit_test_setup_teardown(a_trap_on_one_fiber_leaves_the_others_alone, setup, teardown),
      cmocka_unit_test_setup_teardown(instantiation_on_a_fiber_is_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(a_fiber_without_a_stack_ends_with_an_error, setup_pool,
                                      teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
