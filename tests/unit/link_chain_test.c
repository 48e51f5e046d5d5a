/* What a link of many components costs, by counts: of steps, of allocations, of adapters. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "engine_test.h"
#include "link/compiled.h"
#include "link/instance.h"
#include "link/linker.h"
#include "link/plan.h"

static tn_core_engine *engine;

static int set_up(void **state) {
  (void)state;
  tn_engine_options options = test_options();
  return tn_core_engine_new(&options, &engine) == NULL ? 0 : 1;
}

static int tear_down(void **state) {
  (void)state;
  tn_core_engine_delete(engine);
  return 0;
}

/* A link of the chain: its string goes to the next one, which gives the number of links behind it; the last has none. */
#define STAGE(import, lower, call, exported)                                                         \
  "(component " import " (core module $L (memory (export \"mem\") 1)"                                \
  "  (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 64)))"               \
  " (core instance $l (instantiate $L)) " lower " (core instance $m (instantiate $M " call "))"      \
  " (func $f (param \"s\" string) (result u32) (canon lift (core func $m \"f\") (memory $l \"mem\")" \
  "  (realloc (func $l \"realloc\"))))"                                                              \
  " (instance $i (export \"f\" (func $f))) (export \"" exported "\" (instance $i)))"

static const char last_text[] =
    STAGE("", "(core module $M (func (export \"f\") (param i32 i32) (result i32) (local.get 1)))",
          "", "t:s%u/i");
static const char middle_text[] = STAGE(
    "(import \"t:s%u/i\" (instance $in (export \"f\" (func (param \"s\" string) (result u32)))))",
    "(core func $f (canon lower (func $in \"f\") (memory $l \"mem\")))"
    "(core module $M (import \"\" \"f\" (func $f (param i32 i32) (result i32)))"
    " (func (export \"f\") (param i32 i32) (result i32)"
    "  (i32.add (i32.const 1) (call $f (local.get 0) (local.get 1)))))",
    "(with \"\" (instance (export \"f\" (func $f))))", "t:s%u/i");

typedef struct chain {
  uint32_t length;
  tn_compiled *files;
  tn_linker *linker;
} chain;

static void release_nothing(void *owner) {
  (void)owner;
}

/* files[0] is the end of the chain, and the last one what is linked. */
static chain chain_of(uint32_t length) {
  chain made = {.length = length, .files = calloc(length, sizeof(tn_compiled))};
  assert_non_null(made.files);
  assert_ok(tn_linker_new(&made.linker));
  for (uint32_t i = 0; i < length; i++) {
    char text[2048], name[16];
    if (i == 0)
      snprintf(text, sizeof text, last_text, 0u);
    else
      snprintf(text, sizeof text, middle_text, i - 1, i);
    snprintf(name, sizeof name, "s%u", i);
    tn_compiled_source source = {.name = tn_str_from(name), .bytes = tn_str_from(text)};
    assert_ok(tn_compiled_load(engine, &source, &made.files[i]));
    if (i + 1 < length)
      assert_ok(
          tn_linker_add_compiled(made.linker, &made.files[i], NULL, NULL, release_nothing, NULL));
  }
  return made;
}

static void chain_free(chain *c) {
  tn_linker_delete(c->linker);
  for (uint32_t i = 0; i < c->length; i++)
    tn_compiled_free(&c->files[i]);
  free(c->files);
}

static tn_plan plan_of(const chain *c, const char *cache) {
  tn_plan plan;
  assert_ok(tn_plan_make(&c->files[c->length - 1], c->linker, cache, &plan));
  return plan;
}

/* How many allocations of ours it makes: one less would not do. */
static int64_t count_allocations(const tn_plan *plan) {
  tn_store_limits limits = no_limits();
  for (int64_t allowed = 0;; allowed++) {
    tn_plan_instantiated instance = {.runtime.max_handles = 10};
    tn_alloc_fail_after(allowed);
    tn_error *error = tn_plan_instantiate(plan, &limits, NULL, NULL, &instance);
    bool did_fail = tn_alloc_did_fail();
    tn_alloc_fail_after(-1);
    tn_plan_instantiated_free(&instance);
    tn_error_delete(error);
    if (!did_fail) return allowed;
  }
}

static uint32_t call(const tn_plan *plan) {
  tn_store_limits limits = no_limits();
  tn_plan_instantiated instance = {.runtime.max_handles = 10};
  assert_ok(tn_plan_instantiate(plan, &limits, NULL, NULL, &instance));
  tn_str text = TN_STR("hello");
  uint32_t result = 0;
  tn_arena arena = {0};
  assert_ok(tn_canon_call(&instance.runtime, plan->exports[0].lifted, &text, &result, &arena));
  tn_arena_free(&arena);
  tn_plan_instantiated_free(&instance);
  return result;
}

/* The same number of everything for each link more. */
static void a_chain_costs_the_same_for_each_of_its_links(void **state) {
  (void)state;
  enum { FEW = 10, STEP = 45 }; /* 10, 55 and 100 links */
  struct {
    uint32_t steps, funcs, memories, core_instances, adapters;
    int64_t allocations;
  } counts[3];
  for (uint32_t i = 0; i < 3; i++) {
    chain c = chain_of(FEW + i * STEP);
    tn_plan plan = plan_of(&c, NULL);
    counts[i].steps = plan.step_count;
    counts[i].funcs = plan.func_slots;
    counts[i].memories = plan.memory_slots;
    counts[i].core_instances = plan.core_instance_slots;
    counts[i].adapters = plan.adapter_count;
    counts[i].allocations = count_allocations(&plan);
    assert_int_equal(plan.file_count, c.length);
    assert_int_equal(plan.instance_count, c.length + 2);
    assert_int_equal(call(&plan), c.length - 1 + 5);
    tn_plan_free(&plan);
    chain_free(&c);
  }
  assert_int_equal(counts[2].steps - counts[1].steps, counts[1].steps - counts[0].steps);
  assert_int_equal(counts[2].funcs - counts[1].funcs, counts[1].funcs - counts[0].funcs);
  assert_int_equal(counts[2].memories - counts[1].memories,
                   counts[1].memories - counts[0].memories);
  assert_int_equal(counts[2].core_instances - counts[1].core_instances,
                   counts[1].core_instances - counts[0].core_instances);
  assert_int_equal(counts[2].adapters, FEW + 2 * STEP - 1);
  assert_int_equal(counts[2].adapters - counts[1].adapters, STEP);
  assert_int_equal(counts[2].allocations, counts[0].allocations);
}

/* Nothing is interpreted between linked components that is not between composed ones. */
static void calls_between_linked_components_are_compiled(void **state) {
  (void)state;
  chain c = chain_of(3);
  tn_plan plan = plan_of(&c, NULL);
  assert_int_equal(plan.adapter_count, 2);
  assert_int_equal(plan.adapters.adapter_count, 2);
  assert_int_equal(call(&plan), 7);
  tn_plan_free(&plan);
  chain_free(&c);
}

static uint32_t count_files(const char *folder) {
  uint32_t count = 0;
  DIR *listing = opendir(folder);
  assert_non_null(listing);
  for (struct dirent *entry; (entry = readdir(listing)) != NULL;)
    count += entry->d_name[0] != '.';
  closedir(listing);
  return count;
}

static void compiled_calls_are_kept_in_the_cache(void **state) {
  (void)state;
  char folder[] = "/tmp/tenon-link-XXXXXX", command[64];
  assert_non_null(mkdtemp(folder));
  chain c = chain_of(3);
  for (int i = 0; i < 2; i++) {
    tn_plan plan = plan_of(&c, folder);
    assert_int_equal(plan.adapter_count, 2);
    assert_int_equal(plan.adapters.cache_entry.len > 0, i == 1);
    assert_int_equal(call(&plan), 7);
    tn_plan_free(&plan);
    assert_int_equal(count_files(folder), 1);
  }
  chain_free(&c);
  snprintf(command, sizeof command, "rm -r %s", folder);
  assert_int_equal(system(command), 0);
}

/* The calls between them are compiled, or come from the cache; either way it works or says what is missing. */
static void linking_copes_with_each_failing_allocation(void **state) {
  (void)state;
  char folder[] = "/tmp/tenon-link-XXXXXX", command[64];
  const char *caches[] = {NULL, folder};
  assert_non_null(mkdtemp(folder));
  chain c = chain_of(3);
  for (int i = 0; i < 2; i++) {
    int64_t allowed = 0;
    for (bool is_done = false; !is_done; allowed++) {
      tn_plan plan;
      tn_alloc_fail_after(allowed);
      tn_error *error = tn_plan_make(&c.files[2], c.linker, caches[i], &plan);
      is_done = !tn_alloc_did_fail();
      tn_alloc_fail_after(-1);
      if (error != NULL) {
        assert_error(error, TN_ERROR_NO_MEMORY, "");
        continue;
      }
      assert_int_equal(call(&plan), 7);
      tn_plan_free(&plan);
    }
    assert_true(allowed > 20);
  }
  chain_free(&c);
  snprintf(command, sizeof command, "rm -r %s", folder);
  assert_int_equal(system(command), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_chain_costs_the_same_for_each_of_its_links),
      cmocka_unit_test(calls_between_linked_components_are_compiled),
      cmocka_unit_test(compiled_calls_are_kept_in_the_cache),
      cmocka_unit_test(linking_copes_with_each_failing_allocation),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
