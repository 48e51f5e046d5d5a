/* What a call from a guest into a host function costs, by kind of parameters and result, in nanoseconds.
 *
 *   host_calls [CALLS [ROW]]
 *
 * Each row is a loop in the guest. The best of many short runs counts, so that others on the machine matter little. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tenon.h"

/* Runs "scalars" … "record" each call their import as often as they are told. */
static const char guest[] =
    "(component"
    " (import \"bench:host/calls\" (instance $host"
    "  (export \"counter\" (type $counter (sub resource)))"
    "  (type $point' (record (field \"x\" s32) (field \"y\" s32) (field \"z\" f64)))"
    "  (export \"point\" (type $point (eq $point')))"
    "  (export \"make\" (func (result (own $counter))))"
    "  (export \"[method]counter.bump\" (func (param \"self\" (borrow $counter)) (param \"by\" "
    "u32) (result u32)))"
    "  (export \"scalars\" (func (param \"a\" u32) (param \"b\" u64) (result u32)))"
    "  (export \"put-text\" (func (param \"text\" string)))"
    "  (export \"get-text\" (func (result string)))"
    "  (export \"put-bytes\" (func (param \"bytes\" (list u8))))"
    "  (export \"get-bytes\" (func (param \"size\" u32) (result (list u8))))"
    "  (export \"record\" (func (param \"point\" $point) (result $point)))))"
    " (alias export $host \"counter\" (type $counter))"
    " (core module $Libc (memory (export \"m\") 2)"
    "  (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 65536)))"
    " (core instance $libc (instantiate $Libc))"
    " (core func $make (canon lower (func $host \"make\")))"
    " (core func $bump (canon lower (func $host \"[method]counter.bump\")))"
    " (core func $scalars (canon lower (func $host \"scalars\")))"
    " (core func $put-text (canon lower (func $host \"put-text\") (memory (core memory $libc "
    "\"m\"))))"
    " (core func $get-text (canon lower (func $host \"get-text\") (memory (core memory $libc "
    "\"m\"))"
    "  (realloc (core func $libc \"realloc\"))))"
    " (core func $put-bytes (canon lower (func $host \"put-bytes\") (memory (core memory $libc "
    "\"m\"))))"
    " (core func $get-bytes (canon lower (func $host \"get-bytes\") (memory (core memory $libc "
    "\"m\"))"
    "  (realloc (core func $libc \"realloc\"))))"
    " (core func $record (canon lower (func $host \"record\") (memory (core memory $libc \"m\"))))"
    " (core module $Main"
    "  (import \"\" \"make\" (func $make (result i32)))"
    "  (import \"\" \"bump\" (func $bump (param i32 i32) (result i32)))"
    "  (import \"\" \"scalars\" (func $scalars (param i32 i64) (result i32)))"
    "  (import \"\" \"put-text\" (func $put-text (param i32 i32)))"
    "  (import \"\" \"get-text\" (func $get-text (param i32)))"
    "  (import \"\" \"put-bytes\" (func $put-bytes (param i32 i32)))"
    "  (import \"\" \"get-bytes\" (func $get-bytes (param i32 i32)))"
    "  (import \"\" \"record\" (func $record (param i32 i32 f64 i32)))"
#define LOOP(name, locals, before, call)                                                           \
  "  (func (export \"" name "\") (param $n i32) (param $size i32) " locals before                  \
  "   (loop $next " call " (local.set $n (i32.sub (local.get $n) (i32.const 1)))"                  \
  "    (br_if $next (local.get $n))))"
    LOOP("scalars", "", "", "(drop (call $scalars (i32.const 1) (i64.const 2)))")
        LOOP("method", "(local $counter i32)", "(local.set $counter (call $make))",
             "(drop (call $bump (local.get $counter) (i32.const 1)))")
            LOOP("put-text", "", "", "(call $put-text (i32.const 1024) (local.get $size))")
                LOOP("get-text", "", "", "(call $get-text (i32.const 16))") LOOP(
                    "put-bytes", "", "", "(call $put-bytes (i32.const 1024) (local.get $size))")
                    LOOP("get-bytes", "", "", "(call $get-bytes (local.get $size) (i32.const 16))")
                        LOOP("record", "", "",
                             "(call $record (i32.const 1) (i32.const 2) (f64.const 3) (i32.const "
                             "16))") ")"
                                     " (core instance $main (instantiate $Main (with \"\" "
                                     "(instance (export \"make\" (func $make))"
                                     "  (export \"bump\" (func $bump)) (export \"scalars\" (func "
                                     "$scalars)) (export \"put-text\" (func $put-text))"
                                     "  (export \"get-text\" (func $get-text)) (export "
                                     "\"put-bytes\" (func $put-bytes))"
                                     "  (export \"get-bytes\" (func $get-bytes)) (export "
                                     "\"record\" (func $record))))))"
#define EXPORT(name)                                                                               \
  " (func (export \"" name                                                                         \
  "\") (param \"n\" u32) (param \"size\" u32) (canon lift (core func $main \"" name "\")))"
    EXPORT("scalars") EXPORT("method") EXPORT("put-text") EXPORT("get-text") EXPORT("put-bytes")
        EXPORT("get-bytes") EXPORT("record") ")";

/* ---- the host's side ----------------------------------------------------------------------------- */

typedef struct point {
  int32_t x, y;
  double z;
} point;

typedef struct scalars_params {
  uint32_t a;
  uint64_t b;
} scalars_params;

static tn_error *scalars(tn_call *call, void *data, const void *params, void *result) {
  (void)call, (void)data;
  const scalars_params *in = params;
  *(uint32_t *)result = in->a + (uint32_t)in->b;
  return NULL;
}

static tn_error *make(tn_call *call, void *data, const void *params, void *result) {
  (void)call, (void)data, (void)params;
  *(uint32_t *)result = 1;
  return NULL;
}

static tn_error *bump(tn_call *call, void *data, const void *params, void *result) {
  (void)call;
  const uint32_t *self_by = params;
  *(uint32_t *)result = *(uint32_t *)data += self_by[1];
  return NULL;
}

static tn_error *put(tn_call *call, void *data, const void *params, void *result) {
  (void)call, (void)result;
  *(uint32_t *)data += (uint32_t)((const tn_str *)params)->len;
  return NULL;
}

static tn_error *get_text(tn_call *call, void *data, const void *params, void *result) {
  (void)call, (void)data, (void)params;
  *(tn_str *)result = (tn_str){"sixteen letters!", 16};
  return NULL;
}

typedef struct byte_list {
  uint8_t *data;
  size_t len;
} byte_list;

static tn_error *get_bytes(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  byte_list *out = result;
  out->len = *(const uint32_t *)params;
  tn_error *error = tn_call_reserve(call, out->len, &out->data);
  if (error == NULL) out->data[0] = 1;
  return error;
}

static tn_error *record(tn_call *call, void *data, const void *params, void *result) {
  (void)call, (void)data;
  *(point *)result = *(const point *)params;
  return NULL;
}

static tn_error *define(tn_linker *linker, uint32_t *sum) {
  static const char interface[] = "bench:host/calls";
  static const struct {
    const char *name, *signature;
    tn_host_func func;
  } funcs[] = {
      {"make", "func() -> counter", make},
      {"[method]counter.bump", "func(self: borrow<counter>, by: u32) -> u32", bump},
      {"scalars", "func(a: u32, b: u64) -> u32", scalars},
      {"put-text", "func(text: string)", put},
      {"get-text", "func() -> string", get_text},
      {"put-bytes", "func(bytes: list<u8>)", put},
      {"get-bytes", "func(size: u32) -> list<u8>", get_bytes},
      {"record", "func(point: point) -> point", record},
  };
  tn_error *error =
      tn_linker_define_types(linker, interface, "record point { x: s32, y: s32, z: f64 }");
  if (error == NULL) error = tn_linker_define_resource(linker, interface, "counter", NULL, NULL);
  for (size_t i = 0; error == NULL && i < sizeof funcs / sizeof *funcs; i++) {
    error = tn_linker_define_func(linker, interface, funcs[i].name, funcs[i].signature,
                                  funcs[i].func, sum);
  }
  return error;
}

/* ---- measuring ----------------------------------------------------------------------------------- */

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return 1e9 * (double)time.tv_sec + (double)time.tv_nsec;
}

/* Rows whose title contains `wanted`. */
static tn_error *measure(tn_instance *instance, uint32_t calls, const char *wanted) {
  enum { RUNS = 200 };
  static const struct {
    const char *title, *name;
    uint32_t size;
  } rows[] = {
      {"scalars(u32, u64) -> u32", "scalars", 0},
      {"method(borrow, u32) -> u32", "method", 0},
      {"record of 3 both ways", "record", 0},
      {"string of 16 to the host", "put-text", 16},
      {"string of 16 from the host", "get-text", 16},
      {"list<u8> of 64 to the host", "put-bytes", 64},
      {"list<u8> of 4096 to the host", "put-bytes", 4096},
      {"list<u8> of 64, reserved", "get-bytes", 64},
      {"list<u8> of 4096, reserved", "get-bytes", 4096},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (strstr(rows[i].title, wanted) == NULL) continue;
    const tn_func *func;
    tn_error *error =
        tn_instance_func(instance, (tn_str){rows[i].name, strlen(rows[i].name)}, &func);
    uint32_t params[] = {calls, rows[i].size};
    double best = 0;
    for (int run = 0; error == NULL && run < RUNS; run++) {
      double start = now();
      error = tn_func_call(func, params, NULL, NULL);
      double taken = (now() - start) / calls;
      if (run == 0 || taken < best) best = taken;
    }
    if (error != NULL) return error;
    printf("%s: %.1f ns\n", rows[i].title, best);
  }
  return NULL;
}

int main(int count, char **arguments) {
  long calls = count > 1 ? atol(arguments[1]) : 5000;
  if (calls < 1 || calls > INT32_MAX) return 2;
  tn_engine *engine = NULL;
  tn_component *component = NULL;
  tn_linker *linker = NULL;
  tn_linked *linked = NULL;
  tn_instance *instance = NULL;
  uint32_t sum = 0;
  tn_engine_options engine_options;
  tn_engine_options_init(&engine_options);
  tn_instance_options options;
  tn_instance_options_init(&options);

  tn_error *error = tn_engine_new(&engine_options, &engine);
  if (error == NULL)
    error = tn_component_from_bytes(engine, guest, strlen(guest), "guest", 0, &component);
  if (error == NULL) error = tn_linker_new(&linker);
  if (error == NULL) error = define(linker, &sum);
  if (error == NULL) error = tn_linker_link(linker, component, &linked);
  if (error == NULL) error = tn_instance_new(linked, &options, &instance);
  if (error == NULL) error = measure(instance, (uint32_t)calls, count > 2 ? arguments[2] : "");

  if (error != NULL) fprintf(stderr, "error: %s\n", tn_error_get_message(error));
  bool failed = error != NULL;
  tn_error_delete(error);
  tn_instance_delete(instance);
  tn_linked_delete(linked);
  tn_linker_delete(linker);
  tn_component_delete(component);
  tn_engine_delete(engine);
  return failed;
}
