#include "guest.h"

/* Who may enter whom and when; what is left after a trap; what a trap says about where it happened. */

static const char caller[] =
    "(component (import \"back\" (func $back))"
    " (core func $back' (canon lower (func $back)))"
    " (core module $M (import \"\" \"back\" (func $back)) (func (export \"f\") (call "
    "$back))" GUEST_FINE_CORE ")"
    " (core instance $m (instantiate $M (with \"\" (instance (export \"back\" (func $back'))))))"
    " (func (export \"f\") (canon lift (core func $m \"f\")))" GUEST_FINE ")";

static tn_linker *linker_with(const char *name, tn_host_func func, void *data) {
  tn_linker *linker = NULL;
  assert_ok(tn_linker_new(&linker));
  assert_ok(tn_linker_define_func(linker, "", name, "func()", func, data));
  return linker;
}

static tn_error *enter_again(tn_call *call, void *data, const void *params, void *result) {
  (void)data, (void)params, (void)result;
  return guest_invoke(tn_call_instance(call), "fine()");
}

static void an_instance_is_not_entered_while_it_runs(void **state) {
  (void)state;
  tn_linker *linker = linker_with("back", enter_again, NULL);
  tn_linked *linked = guest_link(engine, caller, linker);
  assert_ends(linked, NULL, "f()", TN_ERROR_TRAP, "cannot enter component instance");
  tn_linked_delete(linked);
  tn_linker_delete(linker);
}

static tn_error *try_to_enter_again(tn_call *call, void *data, const void *params, void *result) {
  (void)params, (void)result;
  tn_error *error = guest_invoke(tn_call_instance(call), "fine()");
  *(tn_error_kind *)data = error == NULL ? TN_ERROR_NONE : tn_error_get_kind(error);
  tn_error_delete(error);
  return NULL;
}

static void a_host_function_may_try_and_go_on(void **state) {
  (void)state;
  tn_error_kind kind = TN_ERROR_NONE;
  tn_linker *linker = linker_with("back", try_to_enter_again, &kind);
  tn_linked *linked = guest_link(engine, caller, linker);
  tn_instance *instance = guest_instance(linked, NULL);
  assert_call(instance, "f()", "");
  assert_int_equal(kind, TN_ERROR_TRAP);
  assert_call(instance, "fine()", "7");
  tn_instance_delete(instance);
  tn_linked_delete(linked);
  tn_linker_delete(linker);
}

/* Calls another instance, of the component that `data` is. */
static tn_error *enter_another(tn_call *call, void *data, const void *params, void *result) {
  (void)call, (void)params, (void)result;
  tn_linked *linked = *(tn_linked **)data;
  assert_still_works(linked, NULL);
  tn_instance *instance = guest_instance(linked, NULL);
  tn_error *error = guest_invoke(instance, "trap()");
  assert_non_null(error);
  tn_error_delete(error);
  tn_instance_delete(instance);
  return NULL;
}

static const char trapping[] =
    GUEST("(func (export \"trap\") unreachable)",
          "(func (export \"trap\") (canon lift (core func $m \"trap\")))");

static void a_host_function_may_run_other_instances_and_see_them_trap(void **state) {
  (void)state;
  tn_linked *other = guest_link(engine, trapping, NULL);
  tn_linker *linker = linker_with("back", enter_another, &other);
  tn_linked *linked = guest_link(engine, caller, linker);
  tn_instance *instance = guest_instance(linked, NULL);
  for (int i = 0; i < 10; i++)
    assert_call(instance, "f()", "");
  tn_instance_delete(instance);
  tn_linked_delete(linked);
  tn_linker_delete(linker);
  tn_linked_delete(other);
}

static tn_error *refuse(tn_call *call, void *data, const void *params, void *result) {
  (void)call, (void)params, (void)result;
  return tn_error_make(*(tn_error_kind *)data, "the host says no");
}

static void a_host_functions_error_ends_the_guest_with_its_kind(void **state) {
  (void)state;
  static const tn_error_kind kinds[] = {TN_ERROR_DENIED, TN_ERROR_LIMIT, TN_ERROR_IO,
                                        TN_ERROR_INTERNAL, TN_ERROR_EXIT};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    tn_error_kind kind = kinds[i];
    tn_linker *linker = linker_with("back", refuse, &kind);
    tn_linked *linked = guest_link(engine, caller, linker);
    assert_ends(linked, NULL, "f()", kind, "the host says no");
    tn_linked_delete(linked);
    tn_linker_delete(linker);
  }
}

static tn_error *cancel_own(tn_call *call, void *data, const void *params, void *result) {
  (void)data, (void)params, (void)result;
  tn_instance_cancel(tn_call_instance(call));
  return NULL;
}

static void a_host_function_cancels_the_call_that_it_serves(void **state) {
  (void)state;
  static const char text[] =
      "(component (import \"back\" (func $back))"
      " (core func $back' (canon lower (func $back)))"
      " (core module $M (import \"\" \"back\" (func $back)) (func (export \"f\") (call $back) "
      "(loop $again (br $again))))"
      " (core instance $m (instantiate $M (with \"\" (instance (export \"back\" (func $back'))))))"
      " (func (export \"f\") (canon lift (core func $m \"f\"))))";
  tn_linker *linker = linker_with("back", cancel_own, NULL);
  tn_linked *linked = guest_link(engine, text, linker);
  tn_instance *instance = guest_instance(linked, NULL);
  assert_error(guest_invoke(instance, "f()"), TN_ERROR_CANCELLED, "cancelled");
  tn_instance_delete(instance);
  tn_linked_delete(linked);
  tn_linker_delete(linker);
}

static void a_trap_poisons_the_instance_and_no_other(void **state) {
  (void)state;
  tn_linked *linked = guest_link(engine, trapping, NULL);
  tn_instance *first = guest_instance(linked, NULL);
  tn_instance *second = guest_instance(linked, NULL);
  assert_error(guest_invoke(first, "trap()"), TN_ERROR_TRAP, "unreachable");
  for (int i = 0; i < 3; i++) {
    assert_error(guest_invoke(first, "trap()"), TN_ERROR_POISONED,
                 "cannot enter component instance");
    assert_error(guest_invoke(first, "fine()"), TN_ERROR_POISONED,
                 "cannot enter component instance");
    assert_call(second, "fine()", "7");
  }
  tn_instance_delete(first);
  assert_call(second, "fine()", "7");
  tn_instance_delete(second);
  tn_linked_delete(linked);
}

static void wrong_arguments_poison_nothing(void **state) {
  (void)state;
  tn_linked *linked = guest_link(engine, trapping, NULL);
  tn_instance *instance = guest_instance(linked, NULL);
  assert_error(guest_invoke(instance, "fine(1)"), TN_ERROR_ARGUMENT, "");
  assert_error(guest_invoke(instance, "fine("), TN_ERROR_ARGUMENT, "");
  assert_error(guest_invoke(instance, "nothing()"), TN_ERROR_NOT_FOUND, "no function `nothing`");
  assert_call(instance, "fine()", "7");
  tn_instance_delete(instance);
  tn_linked_delete(linked);
}

/* ---- where a trap happened ----------------------------------------------------------------------- */

static void a_trap_in_a_nested_component_names_its_functions(void **state) {
  (void)state;
  static const char text[] =
      "(component $outer (component $Inner (core module $Core (func $deep (param i32) (if "
      "(local.get 0) (then unreachable)))"
      "  (func $middle (export \"f\") (param i32) (call $deep (local.get 0))))"
      "  (core instance $m (instantiate $Core)) (func (export \"f\") (param \"x\" u32) (canon lift "
      "(core func $m \"f\"))))"
      " (component $User (import \"f\" (func $f (param \"x\" u32))) (core func $f' (canon lower "
      "(func $f)))"
      "  (core module $Main (import \"\" \"f\" (func $f (param i32))) (func $start-here (export "
      "\"go\") (call $f (i32.const 1))))"
      "  (core instance $m (instantiate $Main (with \"\" (instance (export \"f\" (func $f'))))))"
      "  (func (export \"go\") (canon lift (core func $m \"go\"))))"
      " (instance $inner (instantiate $Inner)) (instance $user (instantiate $User (with \"f\" "
      "(func $inner \"f\"))))"
      " (export \"go\" (func $user \"go\")))";
  static const char *const functions[] = {"deep", "middle", "start-here"};
  static const char *const modules[] = {"Core", "Core", "Main"};
  static const char *const components[] = {"outer/inner", "outer/inner", "outer/user"};
  tn_linked *linked = guest_link(engine, text, NULL);
  tn_instance *instance = guest_instance(linked, NULL);
  tn_error *error = guest_invoke(instance, "go()");
  assert_non_null(error);
  assert_int_equal(tn_error_frame_count(error), 3);
  for (size_t i = 0; i < 3; i++) {
    const tn_frame *frame = tn_error_frame(error, i);
    assert_string_equal(frame->function, functions[i]);
    assert_string_equal(frame->module, modules[i]);
    assert_string_equal(frame->component, components[i]);
    assert_true(frame->function_offset > 0);
    assert_true(frame->module_offset > frame->function_offset);
  }
  assert_error(error, TN_ERROR_TRAP, "unreachable");
  tn_instance_delete(instance);
  tn_linked_delete(linked);
}

static void a_fused_call_keeps_the_frames_of_both_sides(void **state) {
  (void)state;
  static const char text[] =
      "(component (component $Inner (core module $Core (memory (export \"m\") 1)"
      "   (func $grab (export \"realloc\") (param i32 i32 i32 i32) (result i32) unreachable) (func "
      "(export \"f\") (param i32 i32)))"
      "  (core instance $m (instantiate $Core)) (func (export \"f\") (param \"x\" string) (canon "
      "lift (core func $m \"f\")"
      "   (memory (core memory $m \"m\")) (realloc (core func $m \"realloc\")))))"
      " (component $User (import \"f\" (func $f (param \"x\" string)))"
      "  (core module $Memory (memory (export \"m\") 1)) (core instance $memory (instantiate "
      "$Memory))"
      "  (core func $f' (canon lower (func $f) (memory (core memory $memory \"m\"))))"
      "  (core module $Main (import \"\" \"f\" (func $f (param i32 i32)))"
      "   (func $start-here (export \"go\") (call $f (i32.const 1) (i32.const 1))))"
      "  (core instance $m (instantiate $Main (with \"\" (instance (export \"f\" (func $f'))))))"
      "  (func (export \"go\") (canon lift (core func $m \"go\"))))"
      " (instance $inner (instantiate $Inner)) (instance $user (instantiate $User (with \"f\" "
      "(func $inner \"f\"))))"
      " (export \"go\" (func $user \"go\")))";
  tn_linked *linked = guest_link(engine, text, NULL);
  tn_instance *instance = guest_instance(linked, NULL);
  tn_error *error = guest_invoke(instance, "go()");
  assert_non_null(error);
  assert_int_equal(tn_error_frame_count(error), 2);
  assert_string_equal(tn_error_frame(error, 0)->function, "grab");
  assert_string_equal(tn_error_frame(error, 1)->function, "start-here");
  assert_error(error, TN_ERROR_TRAP, "unreachable");
  tn_instance_delete(instance);
  tn_linked_delete(linked);
}

/* The first error of `call`, whose frames the caller looks at and ends. */
static tn_error *trap_of(const char *text, const char *call) {
  tn_linked *linked = guest_link(engine, text, NULL);
  tn_instance *instance = guest_instance(linked, NULL);
  tn_error *error = guest_invoke(instance, call);
  assert_non_null(error);
  tn_instance_delete(instance);
  tn_linked_delete(linked);
  return error;
}

static void what_has_no_name_is_found_by_its_place_in_the_file(void **state) {
  (void)state;
  static const char text[] =
      "(component (core module (func (export \"other\") nop)) (core module (func nop unreachable)"
      "  (func (export \"go\") (call 0))) (core instance (instantiate 0)) (core instance "
      "(instantiate 1))"
      " (func (export \"go\") (canon lift (core func 1 \"go\"))))";
  tn_error *error = trap_of(text, "go()");
  assert_int_equal(tn_error_frame_count(error), 2);
  assert_null(tn_error_frame(error, 0)->function);
  assert_string_equal(tn_error_frame(error, 1)->function, "go");
  for (size_t i = 0; i < 2; i++) {
    assert_string_equal(tn_error_frame(error, i)->module, "module 1");
    assert_string_equal(tn_error_frame(error, i)->component, "guest");
  }
  tn_error_delete(error);
}

static void a_frame_that_could_be_in_several_instances_names_none(void **state) {
  (void)state;
  static const char text[] =
      "(component $top (component $C (core module $M (func (export \"go\") unreachable)) (core "
      "instance $m "
      "(instantiate $M)) (func (export \"go\") (canon lift (core func $m \"go\"))))"
      " (instance $one (instantiate $C)) (instance $two (instantiate $C)) (export \"go\" (func "
      "$two \"go\")))";
  tn_error *error = trap_of(text, "go()");
  assert_int_equal(tn_error_frame_count(error), 1);
  assert_string_equal(tn_error_frame(error, 0)->module, "M");
  assert_null(tn_error_frame(error, 0)->component);
  tn_error_delete(error);
}

static void a_core_module_without_a_name_is_called_by_its_file(void **state) {
  (void)state;
  tn_error *error = trap_of("(module (func (export \"go\") unreachable))", "go()");
  assert_int_equal(tn_error_frame_count(error), 1);
  assert_string_equal(tn_error_frame(error, 0)->module, "guest");
  assert_string_equal(tn_error_frame(error, 0)->function, "go");
  assert_null(tn_error_frame(error, 0)->component);
  tn_error_delete(error);
}

/* ---- depth --------------------------------------------------------------------------------------- */

/* `count` components, each of which hands a string on to the next. */
static char *chain_text(int count) {
  tn_buffer text = {0};
  tn_buffer_append_text(
      &text,
      "(component (component $Last (core module $M (memory (export \"m\") 1) (func (export \"f\") "
      "(param i32 i32))"
      "  (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 64)))"
      "  (core instance $m (instantiate $M)) (func (export \"f\") (param \"s\" string) (canon lift "
      "(core func $m \"f\")"
      "   (memory (core memory $m \"m\")) (realloc (core func $m \"realloc\")))))"
      " (component $Link (import \"f\" (func $f (param \"s\" string)))"
      "  (core module $Libc (memory (export \"m\") 1)"
      "   (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 64)))"
      "  (core instance $libc (instantiate $Libc))"
      "  (core func $f' (canon lower (func $f) (memory (core memory $libc \"m\"))))"
      "  (core module $M (import \"\" \"f\" (func $f (param i32 i32)))"
      "   (func (export \"f\") (param i32 i32) (call $f (local.get 0) (local.get 1))))"
      "  (core instance $m (instantiate $M (with \"\" (instance (export \"f\" (func $f'))))))"
      "  (func (export \"f\") (param \"s\" string) (canon lift (core func $m \"f\")"
      "   (memory (core memory $libc \"m\")) (realloc (core func $libc \"realloc\")))))"
      " (instance $i0 (instantiate $Last))");
  for (int i = 1; i <= count; i++) {
    tn_buffer_format(&text, " (instance $i%d (instantiate $Link (with \"f\" (func $i%d \"f\"))))",
                     i, i - 1);
  }
  tn_buffer_format(&text, " (export \"f\" (func $i%d \"f\")))", count);
  return tn_buffer_take(&text);
}

static void a_long_chain_of_components_ends_with_the_stack_or_well(void **state) {
  (void)state;
  static const int lengths[] = {10, 900};
  for (size_t i = 0; i < 2; i++) {
    char *text = chain_text(lengths[i]);
    tn_linked *linked = guest_link(engine, text, NULL);
    tn_instance *instance = guest_instance(linked, NULL);
    tn_error *error = guest_invoke(instance, "f(\"hello\")");
    if (i == 0) assert_null(error);
    if (error != NULL) assert_error(error, TN_ERROR_STACK, "call stack exhausted");
    tn_instance_delete(instance);
    tn_linked_delete(linked);
    tn_free(text);
  }
}

static void types_that_nest_too_deep_are_refused(void **state) {
  (void)state;
  tn_buffer text = {0};
  tn_buffer_append_text(&text, "(component (type $t0 (list u8))");
  for (int i = 1; i < 100000; i++)
    tn_buffer_format(&text, " (type $t%d (list $t%d))", i, i - 1);
  tn_buffer_append_text(&text,
                        " (core module $M (memory (export \"m\") 1) (func (export \"f\") (result "
                        "i32) (i32.const 16)))"
                        " (core instance $m (instantiate $M)) (func (export \"f\") (result $t99999)"
                        " (canon lift (core func $m \"f\") (memory (core memory $m \"m\")))))");
  char *wat = tn_buffer_take(&text);
  tn_component *component = NULL;
  tn_error *error = tn_component_from_bytes(engine, wat, strlen(wat), "guest", 0, &component);
  assert_error(error, TN_ERROR_INVALID, "type nesting is too deep: more than 100 levels");
  tn_free(wat);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_instance_is_not_entered_while_it_runs),
      cmocka_unit_test(a_host_function_may_try_and_go_on),
      cmocka_unit_test(a_host_function_may_run_other_instances_and_see_them_trap),
      cmocka_unit_test(a_host_functions_error_ends_the_guest_with_its_kind),
      cmocka_unit_test(a_host_function_cancels_the_call_that_it_serves),
      cmocka_unit_test(a_trap_poisons_the_instance_and_no_other),
      cmocka_unit_test(wrong_arguments_poison_nothing),
      cmocka_unit_test(a_trap_in_a_nested_component_names_its_functions),
      cmocka_unit_test(a_fused_call_keeps_the_frames_of_both_sides),
      cmocka_unit_test(what_has_no_name_is_found_by_its_place_in_the_file),
      cmocka_unit_test(a_frame_that_could_be_in_several_instances_names_none),
      cmocka_unit_test(a_core_module_without_a_name_is_called_by_its_file),
      cmocka_unit_test(a_long_chain_of_components_ends_with_the_stack_or_well),
      cmocka_unit_test(types_that_nest_too_deep_are_refused),
  };
  return cmocka_run_group_tests(tests, guest_set_up, guest_tear_down);
}
