/* Gives a component functions and a resource written in C: a counter that the guest makes, bumps and drops.
 *
 *   cc host.c $(pkg-config --cflags --libs tenon) && ./a.out */
#include <stdio.h>
#include <string.h>

#include <tenon.h>

static const char text[] =
    "(component\n"
    "  (import \"demo:host/counters@1.0.0\" (instance $counters\n"
    "    (export \"counter\" (type $counter (sub resource)))\n"
    "    (export \"[constructor]counter\" (func (param \"start\" u32) (result (own $counter))))\n"
    "    (export \"[method]counter.bump\" (func (param \"self\" (borrow $counter)) (param \"by\" "
    "u32) (result u32)))\n"
    "    (export \"log\" (func (param \"text\" string)))))\n"
    "  (alias export $counters \"counter\" (type $counter))\n"
    "  (core module $Memory (memory (export \"memory\") 1) (data (i32.const 8) \"the guest is "
    "done\"))\n"
    "  (core instance $memory (instantiate $Memory))\n"
    "  (core func $new (canon lower (func $counters \"[constructor]counter\")))\n"
    "  (core func $bump (canon lower (func $counters \"[method]counter.bump\")))\n"
    "  (core func $drop (canon resource.drop $counter))\n"
    "  (core func $log (canon lower (func $counters \"log\") (memory (core memory $memory "
    "\"memory\"))))\n"
    "  (core module $Main\n"
    "    (import \"host\" \"new\" (func $new (param i32) (result i32)))\n"
    "    (import \"host\" \"bump\" (func $bump (param i32 i32) (result i32)))\n"
    "    (import \"host\" \"drop\" (func $drop (param i32)))\n"
    "    (import \"host\" \"log\" (func $log (param i32 i32)))\n"
    "    (func (export \"count\") (param $start i32) (result i32) (local $counter i32) (local "
    "$result i32)\n"
    "      (local.set $counter (call $new (local.get $start)))\n"
    "      (drop (call $bump (local.get $counter) (i32.const 1)))\n"
    "      (local.set $result (call $bump (local.get $counter) (i32.const 10)))\n"
    "      (call $drop (local.get $counter))\n"
    "      (call $log (i32.const 8) (i32.const 17))\n"
    "      (local.get $result)))\n"
    "  (core instance $main (instantiate $Main (with \"host\" (instance (export \"new\" (func "
    "$new))\n"
    "    (export \"bump\" (func $bump)) (export \"drop\" (func $drop)) (export \"log\" (func "
    "$log))))))\n"
    "  (func (export \"count\") (param \"start\" u32) (result u32) (canon lift (core func $main "
    "\"count\"))))\n";

/* The host's counters. The guest's handle stands for a position in this array. */
enum { MOST_COUNTERS = 8 };
typedef struct counters {
  uint32_t values[MOST_COUNTERS];
  bool in_use[MOST_COUNTERS];
} counters;

static tn_error *make_counter(tn_call *call, void *data, const void *params, void *result) {
  (void)call;
  counters *all = data;
  for (uint32_t i = 0; i < MOST_COUNTERS; i++) {
    if (all->in_use[i]) continue;
    all->in_use[i] = true;
    all->values[i] = *(const uint32_t *)params;
    *(uint32_t *)result = i;
    return NULL;
  }
  return tn_error_make(TN_ERROR_LIMIT, "too many counters");
}

typedef struct bump_params {
  uint32_t self;
  uint32_t by;
} bump_params;

static tn_error *bump_counter(tn_call *call, void *data, const void *params, void *result) {
  (void)call;
  const bump_params *p = params;
  *(uint32_t *)result = ((counters *)data)->values[p->self] += p->by;
  return NULL;
}

static void drop_counter(tn_instance *instance, void *data, uint32_t representation) {
  (void)instance;
  ((counters *)data)->in_use[representation] = false;
  printf("counter dropped at %u\n", ((counters *)data)->values[representation]);
}

static tn_error *log_text(tn_call *call, void *data, const void *params, void *result) {
  (void)call, (void)data, (void)result;
  const tn_str *message = params;
  printf("guest: %.*s\n", (int)message->len, message->data);
  return NULL;
}

static tn_error *define_host(tn_linker *linker, counters *all) {
  const char *interface = "demo:host/counters@1.2.0"; /* serves 1.0.0 as well */
  tn_error *error = tn_linker_define_resource(linker, interface, "counter", drop_counter, all);
  if (error != NULL) return error;
  error = tn_linker_define_func(linker, interface, "[constructor]counter",
                                "func(start: u32) -> counter", make_counter, all);
  if (error != NULL) return error;
  error = tn_linker_define_func(linker, interface, "[method]counter.bump",
                                "func(self: borrow<counter>, by: u32) -> u32", bump_counter, all);
  if (error != NULL) return error;
  return tn_linker_define_func(linker, interface, "log", "func(text: string)", log_text, NULL);
}

int main(void) {
  tn_engine *engine = NULL;
  tn_component *component = NULL;
  tn_linker *linker = NULL;
  tn_linked *linked = NULL;
  tn_instance *instance = NULL;
  counters all = {0};
  char *result = NULL;
  tn_engine_options engine_options;
  tn_engine_options_init(&engine_options);
  tn_instance_options options;
  tn_instance_options_init(&options);

  tn_error *error = tn_engine_new(&engine_options, &engine);
  if (error == NULL)
    error = tn_component_from_bytes(engine, text, strlen(text), "host", 0, &component);
  if (error == NULL) error = tn_linker_new(&linker);
  if (error == NULL) error = define_host(linker, &all);
  if (error == NULL) error = tn_linker_link(linker, component, &linked);
  if (error == NULL) error = tn_instance_new(linked, &options, &instance);
  if (error == NULL) error = tn_instance_invoke(instance, (tn_str){"count(31)", 9}, &result);
  if (error == NULL) printf("count(31) = %s\n", result);

  tn_release(result);
  tn_instance_delete(instance);
  tn_linked_delete(linked);
  tn_linker_delete(linker);
  tn_component_delete(component);
  tn_engine_delete(engine);
  if (error == NULL) return 0;
  fprintf(stderr, "error: %s\n", tn_error_get_message(error));
  tn_error_delete(error);
  return 1;
}
