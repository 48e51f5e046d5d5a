/* Guests written as text, linked and run through the public header alone. */
#ifndef TN_GUEST_H
#define TN_GUEST_H

#include <stdio.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "keep_signals.h"
#include "tenon.h"
#include "test.h"

/* A core function and a component function of the same name that every guest has: what shows that the next
 * instance of the same linked component works. */
#define GUEST_FINE_CORE " (func (export \"fine\") (result i32) (i32.const 7))"
#define GUEST_FINE      " (func (export \"fine\") (result u32) (canon lift (core func $m \"fine\")))"

/* A component of one core module `$M`, instantiated as `$m` without imports. */
#define GUEST(core, lifts)                                                                         \
  "(component (core module $M " core GUEST_FINE_CORE                                               \
  ") (core instance $m (instantiate $M))" lifts GUEST_FINE ")"

static tn_engine *engine;

static inline int guest_set_up(void **state) {
  (void)state;
  tn_engine_options options;
  tn_engine_options_init(&options);
  return tn_engine_new(&options, &engine) == NULL ? 0 : 1;
}

static inline int guest_tear_down(void **state) {
  (void)state;
  tn_engine_delete(engine);
  return 0;
}

static inline tn_component *guest_component(tn_engine *with, const char *text) {
  tn_component *component = NULL;
  assert_ok(tn_component_from_bytes(with, text, strlen(text), "guest", 0, &component));
  return component;
}

/* Linked with `linker`; NULL: without imports. */
static inline tn_linked *guest_link(tn_engine *with, const char *text, tn_linker *linker) {
  tn_component *component = guest_component(with, text);
  tn_linker *empty = NULL;
  tn_linked *linked = NULL;
  if (linker == NULL) assert_ok(tn_linker_new(&empty));
  assert_ok(tn_linker_link(linker != NULL ? linker : empty, component, &linked));
  tn_linker_delete(empty);
  tn_component_delete(component);
  return linked;
}

static inline tn_instance_options guest_options(void) {
  tn_instance_options options;
  tn_instance_options_init(&options);
  return options;
}

static inline tn_instance *guest_instance(const tn_linked *linked,
                                          const tn_instance_options *options) {
  tn_instance_options plain = guest_options();
  tn_instance *instance = NULL;
  assert_ok(tn_instance_new(linked, options != NULL ? options : &plain, &instance));
  return instance;
}

static inline tn_error *guest_invoke(tn_instance *instance, const char *call) {
  char *result = NULL;
  tn_error *error = tn_instance_invoke(instance, (tn_str){call, strlen(call)}, &result);
  tn_release(result);
  return error;
}

static inline void assert_call(tn_instance *instance, const char *call, const char *expected) {
  char *result = NULL;
  assert_ok(tn_instance_invoke(instance, (tn_str){call, strlen(call)}, &result));
  assert_string_equal(result, expected);
  tn_release(result);
}

/* A fresh instance with the same options works, and so does the engine. */
static inline void assert_still_works(const tn_linked *linked, const tn_instance_options *options) {
  tn_instance *instance = guest_instance(linked, options);
  assert_call(instance, "fine()", "7");
  tn_instance_delete(instance);
}

/* `call` fails in this way; the instance can never be entered again; another one works. */
static inline void assert_ends(const tn_linked *linked, const tn_instance_options *options,
                               const char *call, tn_error_kind kind, const char *text) {
  tn_instance *instance = guest_instance(linked, options);
  tn_error *error = guest_invoke(instance, call);
  if (error == NULL) fail_msg("%s went well, expected: %s", call, text);
  if (tn_error_get_kind(error) != kind || strstr(tn_error_get_message(error), text) == NULL) {
    fail_msg("%s: error of kind %d \"%s\" instead of kind %d \"%s\"", call,
             (int)tn_error_get_kind(error), tn_error_get_message(error), (int)kind, text);
  }
  tn_error_delete(error);
  error = guest_invoke(instance, "fine()");
  assert_non_null(error);
  tn_error_kind after = tn_error_get_kind(error);
  assert_true(after == TN_ERROR_POISONED || after == TN_ERROR_CANCELLED ||
              after == TN_ERROR_TIMEOUT);
  tn_error_delete(error);
  tn_instance_delete(instance);
  tn_instance_options plain = guest_options();
  assert_still_works(linked, &plain);
}

/* The same for a guest without imports and limits. */
static inline void assert_guest_ends(const char *text, const char *call, tn_error_kind kind,
                                     const char *message) {
  tn_linked *linked = guest_link(engine, text, NULL);
  assert_ends(linked, NULL, call, kind, message);
  tn_linked_delete(linked);
}

#endif
