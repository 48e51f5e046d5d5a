/* What runs as a command: its type is checked, and it runs on a fiber, garbage collection included. */
#include "guest.h"

#define RUN_TYPE_IS(params, result, core, lift)                                                    \
  "(component (core module $M (memory (export \"m\") 1)"                                           \
  "  (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 8))"               \
  "  (func (export \"run\") " core "))"                                                            \
  " (core instance $m (instantiate $M))"                                                           \
  " (func $run " params " (result " result ") (canon lift (core func $m \"run\")" lift "))"        \
  " (instance (export \"wasi:cli/run@0.2.0\") (export \"run\" (func $run))))"

#define LIFT_MEMORY " (memory $m \"m\") (realloc (func $m \"realloc\"))"

static tn_error *run(const char *text, int *exit_code) {
  tn_linked *linked = guest_link(engine, text, NULL);
  tn_instance *instance = guest_instance(linked, NULL);
  tn_error *error = tn_instance_run(instance, exit_code);
  tn_instance_delete(instance);
  tn_linked_delete(linked);
  return error;
}

static void assert_no_command(const char *text, const char *message) {
  int exit_code = -1;
  assert_error(run(text, &exit_code), TN_ERROR_LINK, message);
}

static void a_command_may_succeed_or_fail(void **state) {
  (void)state;
  int exit_code = -1;
  assert_ok(run(RUN_TYPE_IS("", "(result)", "(result i32) (i32.const 0)", ""), &exit_code));
  assert_int_equal(exit_code, 0);
  assert_ok(run(RUN_TYPE_IS("", "(result)", "(result i32) (i32.const 1)", ""), &exit_code));
  assert_int_equal(exit_code, 1);
}

static void run_with_another_type_is_no_command(void **state) {
  (void)state;
  const char *message = "`wasi:cli/run#run` is not a `func() -> result`";
  assert_no_command(RUN_TYPE_IS("", "(tuple u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64)",
                                "(result i32) (i32.const 16)", LIFT_MEMORY),
                    message);
  assert_no_command(RUN_TYPE_IS("", "string", "(result i32) (i32.const 16)", LIFT_MEMORY), message);
  assert_no_command(RUN_TYPE_IS("", "(result u8)", "(result i32) (i32.const 16)", LIFT_MEMORY),
                    message);
  assert_no_command(
      RUN_TYPE_IS("", "(result (error u8))", "(result i32) (i32.const 16)", LIFT_MEMORY), message);
  assert_no_command(RUN_TYPE_IS("(param \"s\" string)", "(result)",
                                "(param i32 i32) (result i32) (i32.const 0)", LIFT_MEMORY),
                    message);
}

static void start_with_parameters_or_results_is_no_command(void **state) {
  (void)state;
  const char *message = "`_start` has parameters or results";
  assert_no_command("(module (func (export \"_start\") (param i32)))", message);
  assert_no_command("(module (func (export \"_start\") (result i64) (i64.const 1)))", message);
}

/* The engine yields when it collects, and nobody but the fiber's owner could wake it. */
static void a_command_whose_garbage_is_collected_goes_on(void **state) {
  (void)state;
  int exit_code = -1;
  assert_ok(run("(module (type $pair (struct (field i32)))"
                " (func (export \"_start\") (local $i i32)"
                "  (loop $again"
                "   (drop (struct.new $pair (i32.const 1)))"
                "   (local.set $i (i32.add (local.get $i) (i32.const 1)))"
                "   (br_if $again (i32.lt_u (local.get $i) (i32.const 1000000))))))",
                &exit_code));
  assert_int_equal(exit_code, 0);
}

/* A list of 1024 lists, each of which is the list itself, and so on: 2^40 elements in one page. */
static void lists_that_refer_to_each_other_do_not_fill_the_host(void **state) {
  (void)state;
  tn_linked *linked = guest_link(
      engine,
      GUEST("(memory (export \"m\") 1)"
            " (func (export \"f\") (result i32) (local $i i32)"
            "  (loop $again"
            "   (i32.store (i32.add (i32.const 16) (local.get $i)) (i32.const 16))"
            "   (i32.store (i32.add (i32.const 20) (local.get $i)) (i32.const 1024))"
            "   (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 8)))"
            "                           (i32.const 8192))))"
            "  (i32.const 16))",
            " (func (export \"f\") (result (list (list (list (list u8)))))"
            "  (canon lift (core func $m \"f\") (memory $m \"m\")))"),
      NULL);
  assert_ends(linked, NULL, "f()", TN_ERROR_LIMIT, "refer to more than 134217728 bytes");
  tn_instance_options options = guest_options();
  options.max_transfer_bytes = 1 << 20;
  assert_ends(linked, &options, "f()", TN_ERROR_LIMIT, "refer to more than 1048576 bytes");
  tn_linked_delete(linked);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_command_may_succeed_or_fail),
      cmocka_unit_test(run_with_another_type_is_no_command),
      cmocka_unit_test(start_with_parameters_or_results_is_no_command),
      cmocka_unit_test(a_command_whose_garbage_is_collected_goes_on),
      cmocka_unit_test(lists_that_refer_to_each_other_do_not_fill_the_host),
  };
  return cmocka_run_group_tests(tests, guest_set_up, guest_tear_down);
}
