/* What a fresh instance of a component costs on a shared loop, as a server makes one for each request: made, perhaps
 * run on a fiber, ended; or restored where that is possible. Nanoseconds each; the best of many short runs counts.
 *
 *   instance FILE [ROUNDS] */
#include <stdio.h>
#include <stdlib.h>

#include "api/api.h"
#include "base/error.h"

enum { BATCH = 200 };

typedef struct bench {
  tn_engine *engine;
  tn_component *component;
  tn_linker *linker;
  tn_linked *linked;
  tn_loop *loop;
  tn_instance *instance;
} bench;

static void check(tn_error *error) {
  if (error == NULL) return;
  fprintf(stderr, "%s\n", tn_error_get_message(error));
  exit(1);
}

static void set_up(bench *b, const char *path) {
  tn_engine_options options;
  tn_engine_options_init(&options);
  options.pooling = true;
  options.epoch_interruption = true;
  check(tn_engine_new(&options, &b->engine));
  check(tn_component_from_file(b->engine, path, 0, &b->component));
  check(tn_linker_new(&b->linker));
  check(tn_linker_define_wasi(b->linker));
  check(tn_linker_link(b->linker, b->component, &b->linked));
  check(tn_loop_new(&b->loop));
}

static void tear_down(bench *b) {
  tn_loop_delete(b->loop);
  tn_linked_delete(b->linked);
  tn_linker_delete(b->linker);
  tn_component_delete(b->component);
  tn_engine_delete(b->engine);
}

static tn_instance *make(bench *b) {
  tn_instance_options options;
  tn_instance_options_init(&options);
  tn_instance *instance;
  check(tn_instance_new_on(b->linked, &options, b->loop, &instance));
  return instance;
}

static void bare_store(bench *b) {
  tn_store *store;
  tn_store_limits limits = {.memory_bytes = UINT64_MAX,
                            .table_elements = UINT64_MAX,
                            .instances = UINT32_MAX,
                            .tables = UINT32_MAX,
                            .memories = UINT32_MAX};
  check(tn_store_new(b->engine->core, &limits, NULL, &store));
  tn_store_delete(store);
}

static void make_and_end(bench *b) {
  tn_instance_delete(make(b));
}

static void nothing(void *argument) {
  (void)argument;
}

static void is_over(void *argument, tn_error *error) {
  (void)argument;
  check(error);
}

static void with_a_fiber(bench *b) {
  tn_instance *instance = make(b);
  check(tn_loop_spawn(tn_instance_guest(instance), instance->instantiated.runtime.store, nothing,
                      is_over, NULL));
  tn_instance_delete(instance);
}

/* As with_a_fiber, but by the instance before. */
static void restored(bench *b) {
  tn_instance_options options;
  tn_instance_options_init(&options);
  check(tn_instance_renew(b->instance, &options));
  check(tn_loop_spawn(tn_instance_guest(b->instance), b->instance->instantiated.runtime.store,
                      nothing, is_over, NULL));
  tn_instance_retire(b->instance);
}

static void measure(bench *b, const char *name, void (*run)(bench *b), int rounds) {
  uint64_t best = UINT64_MAX;
  for (int i = 0; i < rounds; i++) {
    uint64_t start = tn_loop_now();
    for (int j = 0; j < BATCH; j++)
      run(b);
    uint64_t took = tn_loop_now() - start;
    if (took < best) best = took;
  }
  printf("%-16s %8.0f ns\n", name, (double)best / BATCH);
}

int main(int count, char **arguments) {
  if (count < 2) {
    fputs("usage: instance FILE [ROUNDS]\n", stderr);
    return 2;
  }
  int rounds = count > 2 ? atoi(arguments[2]) : 200;
  bench b;
  set_up(&b, arguments[1]);
  measure(&b, "store", bare_store, rounds);
  measure(&b, "instance", make_and_end, rounds);
  measure(&b, "instance, fiber", with_a_fiber, rounds);
  bool can_restore;
  check(tn_linked_recycle(b.linked, &can_restore));
  b.instance = make(&b);
  if (tn_instance_retire(b.instance)) measure(&b, "restored, fiber", restored, rounds);
  tn_instance_delete(b.instance);
  tear_down(&b);
  return 0;
}
