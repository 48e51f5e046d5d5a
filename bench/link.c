/* What a chain of linked components costs: linking, linking again when the code between them is in the cache, making an
 * instance, and a call from its one end to the other, each for one component of the chain. The same figure for every length
 * means that it is linear.
 *
 *   link [LENGTH…] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tenon.h"

/* Hands its string to the next component and adds 1 to the result; the last one gives the length of the string. */
#define STAGE(import, body)                                                                        \
  "(component " import                                                                             \
  " (core module $L (memory (export \"mem\") 1) (data (i32.const 8) \"0123456789abcdef\")"         \
  "  (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 64)))"             \
  " (core instance $l (instantiate $L)) " body " (func $f (param \"s\" string) (result u32)"       \
  "  (canon lift (core func $m \"f\") (memory $l \"mem\") (realloc (func $l \"realloc\"))))"       \
  " (instance $i (export \"f\" (func $f))) (export \"t:s%u/i\" (instance $i)))"

static const char last_text[] =
    STAGE("", "(core module $M (func (export \"f\") (param i32 i32) (result i32) (local.get 1)))"
              "(core instance $m (instantiate $M))");
static const char middle_text[] = STAGE(
    "(import \"t:s%u/i\" (instance $in (export \"f\" (func (param \"s\" string) (result u32)))))",
    "(core func $f (canon lower (func $in \"f\") (memory $l \"mem\")))"
    "(core module $M (import \"\" \"f\" (func $f (param i32 i32) (result i32)))"
    " (func (export \"f\") (param i32 i32) (result i32)"
    "  (i32.add (i32.const 1) (call $f (local.get 0) (local.get 1)))))"
    "(core instance $m (instantiate $M (with \"\" (instance (export \"f\" (func $f))))))");

static void check(tn_error *error) {
  if (error == NULL) return;
  fprintf(stderr, "error: %s\n", tn_error_get_message(error));
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static tn_component *load(tn_engine *engine, unsigned number) {
  char text[2048];
  if (number == 0)
    snprintf(text, sizeof text, last_text, 0u);
  else
    snprintf(text, sizeof text, middle_text, number - 1, number);
  tn_component *component;
  check(tn_component_from_bytes(engine, text, strlen(text), "stage", TN_LOAD_NO_CACHE, &component));
  return component;
}

/* Links it twice: nanoseconds[0] is with compiling, nanoseconds[1] with what the cache has then. */
static tn_linked *link_chain(tn_engine *engine, unsigned length, double *nanoseconds) {
  tn_linker *linker;
  tn_linked *linked = NULL;
  check(tn_linker_new(&linker));
  for (unsigned i = 0; i + 1 < length; i++) {
    tn_component *component = load(engine, i);
    check(tn_linker_add_component(linker, component, NULL));
    tn_component_delete(component);
  }
  tn_component *first = load(engine, length - 1);
  for (int i = 0; i < 2; i++) {
    tn_linked_delete(linked);
    double start = now();
    check(tn_linker_link(linker, first, &linked));
    nanoseconds[i] = now() - start;
  }
  tn_component_delete(first);
  tn_linker_delete(linker);
  return linked;
}

/* The best of several rounds, so that others on the machine matter little. */
enum { ROUNDS = 20, CALLS = 200 };

static double measure_instance(const tn_linked *linked) {
  tn_instance_options options;
  tn_instance_options_init(&options);
  double best = 1e18;
  for (int i = 0; i < ROUNDS; i++) {
    double start = now();
    tn_instance *instance;
    check(tn_instance_new(linked, &options, &instance));
    tn_instance_delete(instance);
    double took = now() - start;
    if (took < best) best = took;
  }
  return best;
}

static double measure_call(const tn_linked *linked, unsigned length) {
  tn_instance_options options;
  tn_instance_options_init(&options);
  tn_instance *instance;
  tn_values *values;
  const tn_func *func;
  check(tn_instance_new(linked, &options, &instance));
  check(tn_values_new(&values));
  check(tn_instance_func(instance, (tn_str){"f", 1}, &func));
  tn_str text = {"0123456789abcdef", 16};
  double best = 1e18;
  for (int i = 0; i < ROUNDS; i++) {
    double start = now();
    for (int j = 0; j < CALLS; j++) {
      uint32_t result = 0;
      check(tn_func_call(func, &text, &result, values));
      if (result != 16 + length - 1) exit(2);
      tn_values_reset(values);
    }
    double took = (now() - start) / CALLS;
    if (took < best) best = took;
  }
  tn_values_delete(values);
  tn_instance_delete(instance);
  return best;
}

static void measure_chain(tn_engine *engine, unsigned length) {
  double linking[2];
  tn_linked *linked = link_chain(engine, length, linking);
  double instance = measure_instance(linked), call = measure_call(linked, length);
  printf("%8u %14.1f µs %14.1f µs %14.2f µs %14.1f ns\n", length, linking[0] / length / 1e3,
         linking[1] / length / 1e3, instance / length / 1e3, call / length);
  tn_linked_delete(linked);
}

static void measure(const char *cache, char **lengths) {
  tn_engine_options options;
  tn_engine_options_init(&options);
  options.cache_directory = cache;
  options.max_stack_bytes = 4 << 20; /* each component of a chain has a part of it */
  tn_engine *engine;
  check(tn_engine_new(&options, &engine));
  printf("%8s %17s %17s %18s %17s\n", "chain", "linking", "again", "instance", "call, 16 bytes");
  for (; *lengths != NULL; lengths++)
    measure_chain(engine, (unsigned)strtoul(*lengths, NULL, 10));
  tn_engine_delete(engine);
}

int main(int count, char **arguments) {
  char cache[] = "/tmp/tenon-bench-link-XXXXXX", command[64];
  char *usual[] = {"2", "10", "30", "100", NULL};
  if (mkdtemp(cache) == NULL) return 1;
  measure(cache, count > 1 ? arguments + 1 : usual);
  snprintf(command, sizeof command, "rm -r %s", cache);
  return system(command) == 0 ? 0 : 1;
}
