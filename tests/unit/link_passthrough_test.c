#include "api/api.h"
#include "guest.h"

/* Which calls between components are joined by handing over the callee's core function, and that the others
 * still make the checks that this would skip. */

/* A callee `$A` with `add`, a caller `$B` that imports it. `%s`: more of the callee's component, of its
 * module, the imports of that, more of the caller's component, of its module, options of the caller's lift. */
static const char two_text[] =
    "(component (component $A %s"
    "  (core module $M %s (func (export \"add\") (param i32 i32) (result i32) (i32.add (local.get "
    "0) (local.get 1))))"
    "  (core instance $m (instantiate $M %s))"
    "  (func (export \"add\") (param \"a\" u32) (param \"b\" u32) (result u32) (canon lift (core "
    "func $m \"add\"))))"
    " (component $B (import \"add\" (func $add (param \"a\" u32) (param \"b\" u32) (result u32)))"
    "  (core func $add' (canon lower (func $add))) %s"
    "  (core module $M (import \"\" \"add\" (func $add (param i32 i32) (result i32))) %s"
    "   (func (export \"f\") (param i32) (result i32) (call $add (local.get 0) (i32.const 2))))"
    "  (core instance $m (instantiate $M (with \"\" (instance (export \"add\" (func $add'))))))"
    "  (func (export \"f\") (param \"x\" u32) (result u32) (canon lift (core func $m \"f\") %s)))"
    " (instance $a (instantiate $A)) (instance $b (instantiate $B (with \"add\" (func $a "
    "\"add\"))))"
    " (export \"f\" (func $b \"f\")))";

typedef struct parts {
  const char *component;
  const char *module;
  const char *arguments;
  const char *caller_component;
  const char *caller_module;
  const char *options;
} parts;

/* The caller's core module is the last that the plan instantiates. */
static bool is_handed_over(const tn_linked *linked) {
  const tn_step *last = NULL;
  for (uint32_t i = 0; i < linked->plan.step_count; i++) {
    if (linked->plan.steps[i].kind == TN_STEP_INSTANTIATE) last = &linked->plan.steps[i];
  }
  assert_non_null(last);
  assert_int_equal(last->source_count, 1);
  return last->sources[0].kind == TN_SOURCE_EXPORT;
}

static tn_linked *link_two(const parts *p) {
  char text[4000];
  int length = snprintf(text, sizeof text, two_text, p->component, p->module, p->arguments,
                        p->caller_component, p->caller_module, p->options);
  assert_true((size_t)length < sizeof text);
  return guest_link(engine, text, NULL);
}

static void assert_joined(const parts *p, bool expected) {
  tn_linked *linked = link_two(p);
  assert_int_equal(is_handed_over(linked), expected);
  tn_instance *instance = guest_instance(linked, NULL);
  assert_call(instance, "f(40)", "42");
  tn_instance_delete(instance);
  tn_linked_delete(linked);
}

static void a_callee_that_calls_nothing_is_handed_over(void **state) {
  (void)state;
  assert_joined(&(parts){"", "", "", "", "", ""}, true);
  assert_joined(&(parts){"(type $r (resource (rep i32))) (core func $new (canon resource.new $r))",
                         "(import \"\" \"new\" (func (param i32) (result i32)))",
                         "(with \"\" (instance (export \"new\" (func $new))))", "", "", ""},
                true);
}

static void a_callee_that_may_depend_on_its_task_is_called(void **state) {
  (void)state;
  assert_joined(&(parts){"(core func $get (canon context.get i32 0))",
                         "(import \"\" \"get\" (func (result i32)))",
                         "(with \"\" (instance (export \"get\" (func $get))))", "", "", ""},
                false);
  assert_joined(
      &(parts){"(type $r (resource (rep i32))) (core func $drop (canon resource.drop $r))",
               "(import \"\" \"drop\" (func (param i32)))",
               "(with \"\" (instance (export \"drop\" (func $drop))))", "", "", ""},
      false);
}

static void a_caller_that_may_be_unable_to_leave_calls(void **state) {
  (void)state;
  static const char post[] = "(func (export \"post\") (param i32))";
  assert_joined(&(parts){"", "", "", "", post, "(post-return (core func $m \"post\"))"}, false);
  static const char library[] = "(core module $L (memory (export \"mem\") 1) (func (export "
                                "\"realloc\") (param i32 i32 i32 i32) (result i32)"
                                "  (i32.const 8))) (core instance $l (instantiate $L))";
  assert_joined(&(parts){"", "", "", library, "",
                         "(memory (core memory $l \"mem\")) (realloc (core func $l \"realloc\"))"},
                false);
}

static void post_return_cannot_call_out_even_for_numbers(void **state) {
  (void)state;
  static const char post[] =
      "(func (export \"post\") (param i32) (drop (call $add (i32.const 1) (i32.const 2))))";
  tn_linked *linked =
      link_two(&(parts){"", "", "", "", post, "(post-return (core func $m \"post\"))"});
  tn_instance *instance = guest_instance(linked, NULL);
  assert_error(guest_invoke(instance, "f(40)"), TN_ERROR_TRAP, "cannot leave component instance");
  tn_instance_delete(instance);
  tn_linked_delete(linked);
}

static void realloc_cannot_call_out_even_for_numbers(void **state) {
  (void)state;
  static const char text[] =
      "(component (component $A (core module $M (func (export \"one\") (result i32) (i32.const 1)))"
      "  (core instance $m (instantiate $M)) (func (export \"one\") (result u32) (canon lift (core "
      "func $m \"one\"))))"
      " (component $B (import \"one\" (func $one (result u32))) (core func $one' (canon lower "
      "(func $one)))"
      "  (core module $M (import \"\" \"one\" (func $one (result i32))) (memory (export \"mem\") 1)"
      "   (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (call $one))"
      "   (func (export \"f\") (param i32 i32)))"
      "  (core instance $m (instantiate $M (with \"\" (instance (export \"one\" (func $one'))))))"
      "  (func (export \"f\") (param \"s\" string) (canon lift (core func $m \"f\") (memory (core "
      "memory $m \"mem\"))"
      "   (realloc (core func $m \"realloc\")))))"
      " (instance $a (instantiate $A)) (instance $b (instantiate $B (with \"one\" (func $a "
      "\"one\"))))"
      " (export \"f\" (func $b \"f\")))";
  tn_linked *linked = guest_link(engine, text, NULL);
  tn_instance *instance = guest_instance(linked, NULL);
  assert_error(guest_invoke(instance, "f(\"x\")"), TN_ERROR_TRAP,
               "cannot leave component instance");
  tn_instance_delete(instance);
  tn_linked_delete(linked);
}

static void a_parent_cannot_call_its_child_even_for_numbers(void **state) {
  (void)state;
  static const char text[] =
      "(component (component $A (core module $M (func (export \"one\") (result i32) (i32.const 1)))"
      "  (core instance $m (instantiate $M)) (func (export \"one\") (result u32) (canon lift (core "
      "func $m \"one\"))))"
      " (instance $a (instantiate $A)) (core func $one' (canon lower (func $a \"one\")))"
      " (core module $M (import \"\" \"one\" (func $one (result i32))) (func (export \"f\") "
      "(result i32) (call $one)))"
      " (core instance $m (instantiate $M (with \"\" (instance (export \"one\" (func $one'))))))"
      " (func (export \"f\") (result u32) (canon lift (core func $m \"f\"))))";
  tn_linked *linked = guest_link(engine, text, NULL);
  tn_instance *instance = guest_instance(linked, NULL);
  assert_error(guest_invoke(instance, "f()"), TN_ERROR_TRAP, "cannot enter component instance");
  tn_instance_delete(instance);
  tn_linked_delete(linked);
}

/* Its parent may be in the middle of a call, even where it is not itself. */
static void the_grandchild_of_another_component_is_called(void **state) {
  (void)state;
  static const char text[] =
      "(component (component $A (component $I (core module $M (func (export \"one\") (result i32) "
      "(i32.const 1)))"
      "   (core instance $m (instantiate $M)) (func (export \"one\") (result u32) (canon lift "
      "(core func $m \"one\"))))"
      "  (instance $i (instantiate $I)) (export \"one\" (func $i \"one\")))"
      " (component $B (import \"one\" (func $one (result u32))) (core func $one' (canon lower "
      "(func $one)))"
      "  (core module $M (import \"\" \"one\" (func $one (result i32))) (func (export \"f\") "
      "(result i32) (call $one)))"
      "  (core instance $m (instantiate $M (with \"\" (instance (export \"one\" (func $one'))))))"
      "  (func (export \"f\") (result u32) (canon lift (core func $m \"f\"))))"
      " (instance $a (instantiate $A)) (instance $b (instantiate $B (with \"one\" (func $a "
      "\"one\"))))"
      " (export \"f\" (func $b \"f\")))";
  tn_linked *linked = guest_link(engine, text, NULL);
  assert_false(is_handed_over(linked));
  tn_instance *instance = guest_instance(linked, NULL);
  assert_call(instance, "f()", "1");
  tn_instance_delete(instance);
  tn_linked_delete(linked);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_callee_that_calls_nothing_is_handed_over),
      cmocka_unit_test(a_callee_that_may_depend_on_its_task_is_called),
      cmocka_unit_test(a_caller_that_may_be_unable_to_leave_calls),
      cmocka_unit_test(post_return_cannot_call_out_even_for_numbers),
      cmocka_unit_test(realloc_cannot_call_out_even_for_numbers),
      cmocka_unit_test(a_parent_cannot_call_its_child_even_for_numbers),
      cmocka_unit_test(the_grandchild_of_another_component_is_called),
  };
  return cmocka_run_group_tests(tests, guest_set_up, guest_tear_down);
}
