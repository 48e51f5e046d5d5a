/* Services that a guest is denied. */
#include "guest.h"
#include "tenon/exec.h"

static const char asking[] =
    "(component"
    " (import \"wasi:clocks/monotonic-clock@0.2.3\" (instance $clock (export \"now\" (func (result u64)))))"
    " (import \"wasi:random/random@0.2.3\" (instance $random (export \"get-random-u64\" (func (result u64)))))"
    " (core func $now (canon lower (func $clock \"now\")))"
    " (core func $number (canon lower (func $random \"get-random-u64\")))"
    " (core module $M"
    "  (import \"h\" \"now\" (func $now (result i64))) (import \"h\" \"number\" (func $number (result i64)))"
    "  (func (export \"time\") (result i32) (i64.ne (call $now) (i64.const 0)))"
    "  (func (export \"number\") (result i32) (drop (call $number)) (i32.const 1))" GUEST_FINE_CORE
    ")"
    " (core instance $m (instantiate $M (with \"h\" (instance"
    "  (export \"now\" (func $now)) (export \"number\" (func $number))))))"
    " (func (export \"time\") (result u32) (canon lift (core func $m \"time\")))"
    " (func (export \"number\") (result u32) (canon lift (core func $m \"number\")))" GUEST_FINE
    ")";

static tn_linker *wasi_linker(void) {
  tn_linker *linker = NULL;
  assert_ok(tn_linker_new(&linker));
  assert_ok(tn_linker_define_wasi(linker));
  return linker;
}

static void a_denied_call_ends_the_guest_with_its_name_and_the_hint(void **state) {
  (void)state;
  tn_linker *linker = wasi_linker();
  assert_ok(tn_linker_deny(linker, TN_SERVICE_CLOCKS, "say please"));
  tn_linked *linked = guest_link(engine, asking, linker);
  tn_linker_delete(linker);
  assert_ends(linked, NULL, "time()", TN_ERROR_DENIED,
              "`wasi:clocks/monotonic-clock#now` was called");
  tn_instance *instance = guest_instance(linked, NULL);
  tn_error *error = guest_invoke(instance, "time()");
  assert_string_equal(tn_error_get_hint(error), "say please");
  tn_error_delete(error);
  tn_instance_delete(instance);
  instance = guest_instance(linked, NULL);
  assert_call(instance, "number()", "1");
  assert_call(instance, "fine()", "7");
  tn_instance_delete(instance);
  tn_linked_delete(linked);
}

static void denials_add_up_and_hold_for_what_is_linked_later(void **state) {
  (void)state;
  tn_linker *linker = wasi_linker();
  tn_linked *before = guest_link(engine, asking, linker);
  assert_ok(tn_linker_deny(linker, TN_SERVICE_RANDOM, NULL));
  assert_ok(tn_linker_deny(linker, TN_SERVICE_CLOCKS | TN_SERVICE_HTTP, NULL));
  tn_linked *after = guest_link(engine, asking, linker);
  tn_linker_delete(linker);
  tn_instance *instance = guest_instance(before, NULL);
  assert_call(instance, "time()", "1");
  assert_call(instance, "number()", "1");
  tn_instance_delete(instance);
  assert_ends(after, NULL, "time()", TN_ERROR_DENIED, "no right to clocks");
  assert_ends(after, NULL, "number()", TN_ERROR_DENIED, "no right to random numbers");
  tn_linked_delete(before);
  tn_linked_delete(after);
}

/* Calls t:lib/i, and looks at the clock itself. */
static const char caller[] =
    "(component"
    " (import \"wasi:clocks/monotonic-clock@0.2.3\" (instance $clock (export \"now\" (func (result u64)))))"
    " (import \"t:lib/i\" (instance $lib (export \"time\" (func (result u64)))))"
    " (core func $now (canon lower (func $clock \"now\"))) (core func $time (canon lower (func $lib \"time\")))"
    " (core module $M (import \"h\" \"now\" (func $now (result i64))) (import \"h\" \"time\" (func $time (result i64)))"
    "  (func (export \"own\") (result i32) (i64.ne (call $now) (i64.const 0)))"
    "  (func (export \"lent\") (result i32) (i64.ne (call $time) (i64.const 0))) " GUEST_FINE_CORE
    ") (core instance $m (instantiate $M (with \"h\" (instance"
    "  (export \"now\" (func $now)) (export \"time\" (func $time))))))"
    " (func (export \"own\") (result u32) (canon lift (core func $m \"own\")))"
    " (func (export \"lent\") (result u32) (canon lift (core func $m \"lent\")))" GUEST_FINE ")";
static const char library[] =
    "(component"
    " (import \"wasi:clocks/monotonic-clock@0.2.3\" (instance $clock (export \"now\" (func (result u64)))))"
    " (core func $now (canon lower (func $clock \"now\")))"
    " (core module $M (import \"h\" \"now\" (func $now (result i64)))"
    "  (func (export \"time\") (result i64) (call $now)))"
    " (core instance $m (instantiate $M (with \"h\" (instance (export \"now\" (func $now))))))"
    " (func $time (result u64) (canon lift (core func $m \"time\")))"
    " (instance $i (export \"time\" (func $time))) (export \"t:lib/i\" (instance $i)))";

static tn_linked *link_denying(bool denies_library) {
  tn_linker *linker = wasi_linker();
  tn_component *component = guest_component(engine, library);
  assert_ok(tn_linker_add_component(linker, component, NULL));
  assert_ok(tn_linker_deny_component(linker, denies_library ? component : NULL, TN_SERVICE_CLOCKS,
                                     "say please"));
  tn_linked *linked = guest_link(engine, caller, linker);
  tn_component_delete(component);
  tn_linker_delete(linker);
  return linked;
}

static void what_is_denied_to_one_component_the_others_may_call(void **state) {
  (void)state;
  for (int denies_library = 0; denies_library < 2; denies_library++) {
    tn_linked *linked = link_denying(denies_library != 0);
    tn_instance *instance = guest_instance(linked, NULL);
    assert_call(instance, denies_library ? "own()" : "lent()", "1");
    tn_instance_delete(instance);
    assert_ends(linked, NULL, denies_library ? "lent()" : "own()", TN_ERROR_DENIED,
                "`wasi:clocks/monotonic-clock#now` was called");
    tn_linked_delete(linked);
  }
}

static void a_component_that_was_not_added_cannot_be_denied_anything(void **state) {
  (void)state;
  tn_linker *linker = wasi_linker();
  tn_component *component = guest_component(engine, library);
  assert_error(tn_linker_deny_component(linker, component, TN_SERVICE_CLOCKS, NULL),
               TN_ERROR_ARGUMENT, "was not added");
  tn_component_delete(component);
  tn_linker_delete(linker);
}

static void services_that_there_are_not_are_refused(void **state) {
  (void)state;
  tn_linker *linker = wasi_linker();
  assert_error(tn_linker_deny(linker, 32, NULL), TN_ERROR_ARGUMENT, "unknown services 0x20");
  tn_linker_delete(linker);
}

static void denying_survives_any_failed_allocation(void **state) {
  (void)state;
  tn_component *component = guest_component(engine, asking);
  bool failed = true;
  for (int allowed = 0; failed; allowed++) {
    tn_linker *linker = wasi_linker();
    tn_linked *linked = NULL;
    tn_alloc_fail_after(allowed);
    tn_error *error = tn_linker_deny(linker, TN_SERVICE_CLOCKS, "say please");
    if (error == NULL) error = tn_linker_link(linker, component, &linked);
    failed = tn_alloc_did_fail();
    tn_alloc_fail_after(-1);
    assert_true(failed == (error != NULL));
    if (failed) assert_int_equal(tn_error_get_kind(error), TN_ERROR_NO_MEMORY);
    tn_error_delete(error);
    tn_linked_delete(linked);
    tn_linker_delete(linker);
  }
  tn_component_delete(component);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_denied_call_ends_the_guest_with_its_name_and_the_hint),
      cmocka_unit_test(denials_add_up_and_hold_for_what_is_linked_later),
      cmocka_unit_test(what_is_denied_to_one_component_the_others_may_call),
      cmocka_unit_test(a_component_that_was_not_added_cannot_be_denied_anything),
      cmocka_unit_test(services_that_there_are_not_are_refused),
      cmocka_unit_test(denying_survives_any_failed_allocation),
  };
  return cmocka_run_group_tests(tests, guest_set_up, guest_tear_down);
}
