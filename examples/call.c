/* Loads a component, calls a function with native C values, then another by text.
 *
 *   cc call.c $(pkg-config --cflags --libs tenon) && ./a.out */
#include <stdio.h>
#include <string.h>

#include <tenon.h>

/* A component that exports `distance: func(a: point, b: point) -> u32` and `shout: func(text: string) -> string`. */
static const char text[] =
    "(component\n"
    "  (core module $Main\n"
    "    (memory (export \"memory\") 1)\n"
    "    (global $next (mut i32) (i32.const 1024))\n"
    "    (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (local $start i32)\n"
    "      (local.set $start (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))\n"
    "      (global.set $next (i32.add (local.get $start) (local.get 3)))\n"
    "      (local.get $start))\n"
    "    (func $abs (param i32) (result i32)\n"
    "      (select (local.get 0) (i32.sub (i32.const 0) (local.get 0)) (i32.ge_s (local.get 0) "
    "(i32.const 0))))\n"
    "    (func (export \"distance\") (param i32 i32 i32 i32) (result i32)\n"
    "      (i32.add (call $abs (i32.sub (local.get 0) (local.get 2)))\n"
    "               (call $abs (i32.sub (local.get 1) (local.get 3)))))\n"
    "    (func (export \"shout\") (param $at i32) (param $size i32) (result i32) (local $i i32)\n"
    "      (block $end (loop $next\n"
    "        (br_if $end (i32.ge_u (local.get $i) (local.get $size)))\n"
    "        (i32.store8 (i32.add (local.get $at) (local.get $i))\n"
    "          (i32.sub (i32.load8_u (i32.add (local.get $at) (local.get $i)))\n"
    "            (i32.mul (i32.const 32) (i32.lt_u (i32.sub (i32.load8_u (i32.add (local.get $at) "
    "(local.get $i)))\n"
    "                                                       (i32.const 97)) (i32.const 26)))))\n"
    "        (local.set $i (i32.add (local.get $i) (i32.const 1)))\n"
    "        (br $next)))\n"
    "      (i32.store (i32.const 16) (local.get $at))\n"
    "      (i32.store (i32.const 20) (local.get $size))\n"
    "      (i32.const 16)))\n"
    "  (core instance $main (instantiate $Main))\n"
    "  (type $point' (record (field \"x\" s32) (field \"y\" s32)))\n"
    "  (export $point \"point\" (type $point'))\n"
    "  (func (export \"distance\") (param \"a\" $point) (param \"b\" $point) (result u32)\n"
    "    (canon lift (core func $main \"distance\")))\n"
    "  (func (export \"shout\") (param \"text\" string) (result string)\n"
    "    (canon lift (core func $main \"shout\") (memory (core memory $main \"memory\"))\n"
    "      (realloc (core func $main \"realloc\")))))\n";

/* The native forms, as tenon.h lays them down. */
typedef struct point {
  int32_t x, y;
} point;

typedef struct distance_params {
  point a, b;
} distance_params;

static int report(tn_error *error) {
  fprintf(stderr, "error: %s\n", tn_error_get_message(error));
  tn_error_delete(error);
  return 1;
}

static tn_error *call_distance(tn_instance *instance, tn_values *values) {
  const tn_func *func;
  tn_error *error = tn_instance_func(instance, (tn_str){"distance", 8}, &func);
  if (error != NULL) return error;
  distance_params params = {{1, 2}, {4, -2}};
  uint32_t result;
  error = tn_func_call(func, &params, &result, values);
  if (error == NULL) printf("distance = %u\n", result);
  return error;
}

static tn_error *call_shout(tn_instance *instance) {
  char *result;
  tn_error *error = tn_instance_invoke(instance, (tn_str){"shout(\"hello\")", 14}, &result);
  if (error != NULL) return error;
  printf("shout = %s\n", result);
  tn_release(result);
  return NULL;
}

int main(void) {
  tn_engine *engine = NULL;
  tn_component *component = NULL;
  tn_linker *linker = NULL;
  tn_linked *linked = NULL;
  tn_instance *instance = NULL;
  tn_values *values = NULL;
  tn_engine_options engine_options;
  tn_engine_options_init(&engine_options);
  tn_instance_options options;
  tn_instance_options_init(&options);

  tn_error *error = tn_engine_new(&engine_options, &engine);
  if (error == NULL)
    error = tn_component_from_bytes(engine, text, strlen(text), "call", 0, &component);
  if (error == NULL) error = tn_linker_new(&linker);
  if (error == NULL) error = tn_linker_link(linker, component, &linked);
  if (error == NULL) error = tn_instance_new(linked, &options, &instance);
  if (error == NULL) error = tn_values_new(&values);
  if (error == NULL) error = call_distance(instance, values);
  if (error == NULL) error = call_shout(instance);

  tn_values_delete(values);
  tn_instance_delete(instance);
  tn_linked_delete(linked);
  tn_linker_delete(linker);
  tn_component_delete(component);
  tn_engine_delete(engine);
  return error == NULL ? 0 : report(error);
}
