/* Holds guests to limits: one that runs out of fuel, one out of time, one that another thread cancels, one
 * that wants too much memory. Each ends with an error of its own; the process goes on.
 *
 *   cc limits.c $(pkg-config --cflags --libs tenon) -lpthread && ./a.out */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <tenon.h>

static const char text[] =
    "(component\n"
    "  (core module $Main\n"
    "    (memory 1)\n"
    "    (func (export \"spin\") (loop $again (br $again)))\n"
    "    (func (export \"grow\") (loop $again (drop (memory.grow (i32.const 16))) (br $again)))\n"
    "    (func (export \"answer\") (result i32) (i32.const 42)))\n"
    "  (core instance $main (instantiate $Main))\n"
    "  (func (export \"spin\") (canon lift (core func $main \"spin\")))\n"
    "  (func (export \"grow\") (canon lift (core func $main \"grow\")))\n"
    "  (func (export \"answer\") (result u32) (canon lift (core func $main \"answer\"))))\n";

static void *cancel_soon(void *instance) {
  usleep(20 * 1000);
  tn_instance_cancel(instance);
  return NULL;
}

/* Calls a function in a fresh instance and prints how that ended. Returns the kind of the error. */
static tn_error_kind try_call(const tn_linked *linked, const tn_instance_options *options,
                              const char *call, bool cancel) {
  tn_instance *instance = NULL;
  char *result = NULL;
  pthread_t thread;
  tn_error *error = tn_instance_new(linked, options, &instance);
  if (error == NULL) {
    if (cancel) pthread_create(&thread, NULL, cancel_soon, instance);
    error = tn_instance_invoke(instance, (tn_str){call, strlen(call)}, &result);
    if (cancel) pthread_join(thread, NULL);
  }
  tn_error_kind kind = error == NULL ? TN_ERROR_NONE : tn_error_get_kind(error);
  printf("%s: %s\n", call, error == NULL ? result : tn_error_get_message(error));
  tn_error_delete(error);
  tn_release(result);
  tn_instance_delete(instance);
  return kind;
}

int main(void) {
  tn_engine *engine = NULL;
  tn_component *component = NULL;
  tn_linker *linker = NULL;
  tn_linked *linked = NULL;
  tn_engine_options engine_options;
  tn_engine_options_init(&engine_options);
  engine_options.consume_fuel = true;

  tn_error *error = tn_engine_new(&engine_options, &engine);
  if (error == NULL)
    error = tn_component_from_bytes(engine, text, strlen(text), "limits", 0, &component);
  if (error == NULL) error = tn_linker_new(&linker);
  if (error == NULL) error = tn_linker_link(linker, component, &linked);
  if (error != NULL) {
    fprintf(stderr, "error: %s\n", tn_error_get_message(error));
    return 1;
  }

  tn_instance_options plain;
  tn_instance_options_init(&plain);
  tn_instance_options fuel = plain;
  fuel.has_fuel = true;
  fuel.fuel = 100000;
  tn_instance_options time = plain;
  time.timeout = 30 * 1000 * 1000;
  tn_instance_options memory = plain;
  memory.max_memory_bytes = 8 << 20;

  bool as_expected = try_call(linked, &plain, "answer()", false) == TN_ERROR_NONE &&
                     try_call(linked, &fuel, "spin()", false) == TN_ERROR_FUEL &&
                     try_call(linked, &time, "spin()", false) == TN_ERROR_TIMEOUT &&
                     try_call(linked, &plain, "spin()", true) == TN_ERROR_CANCELLED &&
                     try_call(linked, &memory, "grow()", false) == TN_ERROR_MEMORY_LIMIT;

  tn_linked_delete(linked);
  tn_linker_delete(linker);
  tn_component_delete(component);
  tn_engine_delete(engine);
  return as_expected ? 0 : 1;
}
