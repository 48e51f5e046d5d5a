#include "guest.h"

/* Functions of type `async`: a task that resolves without having to wait, called by the embedder and by other
 * components, lifted and lowered with and without the option `async`. */

/* `%s`: core function `f` (and `cb`), then options of its lift after `async`. `$return` takes the result. */
#define TASK(result, core_result, options)                                                         \
  "(component (core module $L (memory (export \"mem\") 1)) (core instance $l (instantiate $L))"    \
  " (core func $return (canon task.return " result " (memory (core memory $l \"mem\"))))"          \
  " (core func $cancel (canon task.cancel))"                                                       \
  " (core func $inc (canon backpressure.inc)) (core func $yield (canon thread.yield))"             \
  " (core func $utf16 (canon task.return " result " string-encoding=utf16"                         \
  "  (memory (core memory $l \"mem\"))))"                                                          \
  " (core func $other (canon task.return (result (tuple u8 char))))"                               \
  " (core module $M (import \"\" \"return\" (func $return (param " core_result ")))"               \
  "  (import \"\" \"utf16\" (func $utf16 (param " core_result ")))"                                \
  "  (import \"\" \"other\" (func $other (param i32 i32)))"                                        \
  "  (import \"\" \"cancel\" (func $cancel)) (import \"\" \"inc\" (func $inc))"                    \
  "  (import \"\" \"yield\" (func $yield (result i32)))"                                           \
  "  (import \"\" \"mem\" (memory 1)) (global $calls (mut i32) (i32.const 0))"                     \
  "  (data (i32.const 100) \"hello\") (func (export \"inc\") (call $inc)) %s" GUEST_FINE_CORE ")"  \
  " (core instance $m (instantiate $M (with \"\" (instance (export \"return\" (func $return))"     \
  "  (export \"utf16\" (func $utf16)) (export \"other\" (func $other)) (export \"inc\" (func "     \
  "$inc))"                                                                                         \
  "  (export \"cancel\" (func $cancel)) (export \"yield\" (func $yield))"                          \
  "  (export \"mem\" (memory $l \"mem\"))))))"                                                     \
  " (func (export \"f\") async " result " (canon lift (core func $m \"f\")"                        \
  "  (memory (core memory $l \"mem\")) " options "))"                                              \
  " (func (export \"inc\") (canon lift (core func $m \"inc\")))" GUEST_FINE ")"

#define STACKFUL    "async"
#define CALLBACK    "async (callback (core func $m \"cb\"))"
#define NO_CALLBACK "(func (export \"cb\") (param i32 i32 i32) (result i32) unreachable)"

static const char stackful_text[] = TASK("(result u32)", "i32", STACKFUL);
static const char callback_text[] = TASK("(result u32)", "i32", CALLBACK);
static const char string_text[] = TASK("(result string)", "i32 i32", STACKFUL);
static const char sync_text[] = TASK("(result u32)", "i32", "");

static char text[6000];

static const char *guest(const char *format, const char *core) {
  assert_true((size_t)snprintf(text, sizeof text, format, core) < sizeof text);
  return text;
}

static void assert_result(const char *format, const char *core, const char *expected) {
  tn_linked *linked = guest_link(engine, guest(format, core), NULL);
  tn_instance *instance = guest_instance(linked, NULL);
  assert_call(instance, "f()", expected);
  assert_call(instance, "f()", expected);
  tn_instance_delete(instance);
  tn_linked_delete(linked);
}

static void the_embedder_gets_what_task_return_was_given(void **state) {
  (void)state;
  assert_result(stackful_text, "(func (export \"f\") (call $return (i32.const 42)))", "42");
  assert_result(string_text, "(func (export \"f\") (call $return (i32.const 100) (i32.const 5)))",
                "\"hello\"");
  assert_result(
      callback_text,
      "(func (export \"f\") (result i32) (call $return (i32.const 42)) (i32.const 0))" NO_CALLBACK,
      "42");
}

static void a_function_of_type_async_need_not_be_lifted_so(void **state) {
  (void)state;
  assert_result(sync_text, "(func (export \"f\") (result i32) (i32.const 42))", "42");
}

static void a_callback_that_yields_is_called_again(void **state) {
  (void)state;
  assert_result(
      callback_text,
      "(func (export \"f\") (result i32) (global.set $calls (i32.const 0)) (i32.const 1))"
      "(func (export \"cb\") (param i32 i32 i32) (result i32)"
      " (if (i32.or (local.get 0) (i32.or (local.get 1) (local.get 2))) (then unreachable))"
      " (global.set $calls (i32.add (global.get $calls) (i32.const 1)))"
      " (if (i32.lt_u (global.get $calls) (i32.const 3)) (then (return (i32.const 1))))"
      " (call $return (global.get $calls)) (i32.const 0))",
      "3");
}

typedef struct bad_task {
  const char *format;
  const char *core;
  tn_error_kind kind;
  const char *message;
} bad_task;

static void a_task_resolves_exactly_once_and_as_it_was_lifted(void **state) {
  (void)state;
#define RETURN "(call $return (i32.const 1))"
  static const bad_task rows[] = {
      {stackful_text, "(func (export \"f\") " RETURN RETURN ")", TN_ERROR_TRAP,
       "called more than once"},
      {stackful_text, "(func (export \"f\"))", TN_ERROR_TRAP, "failed to produce a result"},
      {callback_text, "(func (export \"f\") (result i32) (i32.const 0))" NO_CALLBACK, TN_ERROR_TRAP,
       "failed to produce a result"},
      {stackful_text, "(func (export \"f\") (call $other (i32.const 0) (i32.const 0)))",
       TN_ERROR_TRAP, "invalid `task.return` signature"},
      {stackful_text, "(func (export \"f\") (call $utf16 (i32.const 1)))", TN_ERROR_TRAP,
       "invalid `task.return` signature"},
      {sync_text, "(func (export \"f\") (result i32) " RETURN " (i32.const 1))", TN_ERROR_TRAP,
       "not lifted with `async`"},
      {sync_text, "(func (export \"f\") (result i32) (call $cancel) (i32.const 1))", TN_ERROR_TRAP,
       "not lifted with `async`"},
      {stackful_text, "(func (export \"f\") (call $cancel))", TN_ERROR_TRAP,
       "has not been cancelled"},
      {string_text, "(func (export \"f\") (call $return (i32.const 65535) (i32.const 2)))",
       TN_ERROR_TRAP, "out-of-bounds"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_guest_ends(guest(rows[i].format, rows[i].core), "f()", rows[i].kind, rows[i].message);
  }
}

static void what_a_core_function_asks_for_is_checked(void **state) {
  (void)state;
  static const bad_task rows[] = {
      {callback_text, "(func (export \"f\") (result i32) (i32.const 3))" NO_CALLBACK, TN_ERROR_TRAP,
       "unsupported callback code"},
      {callback_text, "(func (export \"f\") (result i32) (i32.const -1))" NO_CALLBACK,
       TN_ERROR_TRAP, "unsupported callback code"},
      {callback_text, "(func (export \"f\") (result i32) (i32.const 0x22))" NO_CALLBACK,
       TN_ERROR_TRAP, "unknown handle index 2"},
      {callback_text, "(func (export \"f\") (result i32) (i32.const 0xfffffff2))" NO_CALLBACK,
       TN_ERROR_TRAP, "unknown handle index"},
      {stackful_text, "(func (export \"f\") (drop (call $yield)))", TN_ERROR_UNSUPPORTED,
       "`thread.yield`"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_guest_ends(guest(rows[i].format, rows[i].core), "f()", rows[i].kind, rows[i].message);
  }
}

static void backpressure_would_have_to_be_waited_for(void **state) {
  (void)state;
  tn_linked *linked = guest_link(
      engine, guest(stackful_text, "(func (export \"f\") (call $return (i32.const 1)))"), NULL);
  tn_instance *instance = guest_instance(linked, NULL);
  assert_call(instance, "f()", "1");
  assert_ok(guest_invoke(instance, "inc()"));
  assert_call(instance, "fine()", "7");
  assert_error(guest_invoke(instance, "f()"), TN_ERROR_UNSUPPORTED, "backpressure");
  tn_instance_delete(instance);
  tn_linked_delete(linked);
}

/* ---- between components ------------------------------------------------------------------------- */

/* A callee with one function of type async, lifted in three ways, and a caller that lowers each in two. It
 * takes a string and four numbers and gives back the string and their sum. */
#define SHAPE                                                                                      \
  "async (param \"s\" string) (param \"a\" u32) (param \"b\" u32) (param \"c\" u32) (param \"d\" " \
  "u32)"                                                                                           \
  " (result (tuple string u32))"
#define ALLOCATOR                                                                                  \
  "(core module $L (memory (export \"mem\") 1) (global $next (mut i32) (i32.const 1024))"          \
  " (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (global.get $next)"            \
  "  (global.set $next (i32.add (global.get $next) (i32.and (i32.add (local.get 3) (i32.const "    \
  "7)) (i32.const -8))))))"                                                                        \
  " (core instance $l (instantiate $L))"
#define MEMORY "(memory (core memory $l \"mem\")) (realloc (core func $l \"realloc\"))"
#define SIX    "(param i32 i32 i32 i32 i32 i32)"
#define SUM    "(i32.add (i32.add (local.get 2) (local.get 3)) (i32.add (local.get 4) (local.get 5)))"

static const char callee_text[] =
    "(component $Callee " ALLOCATOR " (core func $return (canon task.return (result (tuple string "
    "u32)) (memory (core memory $l \"mem\"))))"
    " (core module $M (import \"\" \"mem\" (memory 1)) (import \"\" \"return\" (func $return "
    "(param i32 i32 i32)))"
    "  (func (export \"sync\") " SIX " (result i32) (i32.store (i32.const 16) (local.get 0))"
    "   (i32.store (i32.const 20) (local.get 1)) (i32.store (i32.const 24) " SUM ") (i32.const 16))"
    "  (func (export \"stackful\") " SIX " (call $return (local.get 0) (local.get 1) " SUM "))"
    "  (func (export \"callback\") " SIX
    " (result i32) (call $return (local.get 0) (local.get 1) " SUM ") (i32.const 0))"
    "  (func (export \"cb\") (param i32 i32 i32) (result i32) unreachable))"
    " (core instance $m (instantiate $M (with \"\" (instance (export \"mem\" (memory $l \"mem\"))"
    "  (export \"return\" (func $return))))))"
    " (func (export \"sync\") " SHAPE " (canon lift (core func $m \"sync\") " MEMORY "))"
    " (func (export \"stackful\") " SHAPE " (canon lift (core func $m \"stackful\") async " MEMORY
    "))"
    " (func (export \"callback\") " SHAPE " (canon lift (core func $m \"callback\") async"
    "  (callback (core func $m \"cb\")) " MEMORY ")))";

/* `check` is 42 when the string and the sum are back. */
static const char caller_text[] =
    "(component $Caller (import \"f\" (func $f " SHAPE ")) " ALLOCATOR
    " (core func $sync (canon lower (func $f) " MEMORY
    ")) (core func $async (canon lower (func $f) async " MEMORY "))"
    " (core module $M (import \"\" \"mem\" (memory 1)) (import \"\" \"sync\" (func $sync " SIX
    "(param i32)))"
    "  (import \"\" \"async\" (func $async (param i32 i32) (result i32))) (data (i32.const 100) "
    "\"abc\")"
    "  (func $check (result i32)"
    "   (if (i32.lt_u (i32.load (i32.const 200)) (i32.const 1024)) (then unreachable))"
    "   (if (i32.ne (i32.load (i32.load (i32.const 200))) (i32.const 0x636261)) (then unreachable))"
    "   (if (i32.ne (i32.load (i32.const 204)) (i32.const 3)) (then unreachable))"
    "   (i32.load (i32.const 208)))"
    "  (func (export \"sync\") (result i32) (call $sync (i32.const 100) (i32.const 3) (i32.const "
    "1) (i32.const 1)"
    "   (i32.const 20) (i32.const 20) (i32.const 200)) (call $check))"
    "  (func (export \"async\") (result i32) (i32.store (i32.const 40) (i32.const 100))"
    "   (i32.store (i32.const 44) (i32.const 3)) (i32.store (i32.const 48) (i32.const 1))"
    "   (i32.store (i32.const 52) (i32.const 1)) (i32.store (i32.const 56) (i32.const 20))"
    "   (i32.store (i32.const 60) (i32.const 20))"
    "   (if (i32.ne (call $async (i32.const 40) (i32.const 200)) (i32.const 2)) (then "
    "unreachable)) (call $check)))"
    " (core instance $m (instantiate $M (with \"\" (instance (export \"mem\" (memory $l \"mem\"))"
    "  (export \"sync\" (func $sync)) (export \"async\" (func $async))))))"
    " (func (export \"sync\") async (result u32) (canon lift (core func $m \"sync\")))"
    " (func (export \"async\") async (result u32) (canon lift (core func $m \"async\"))))";

static void every_way_of_lifting_goes_with_every_way_of_lowering(void **state) {
  (void)state;
  static const char *const ways[] = {"sync", "stackful", "callback"};
  for (size_t i = 0; i < 3; i++) {
    char both[9000];
    int length =
        snprintf(both, sizeof both,
                 "(component %s %s (instance $c (instantiate $Callee))"
                 " (instance $d (instantiate $Caller (with \"f\" (func $c \"%s\"))))"
                 " (export \"sync\" (func $d \"sync\")) (export \"async\" (func $d \"async\")))",
                 callee_text, caller_text, ways[i]);
    assert_true((size_t)length < sizeof both);
    tn_linked *linked = guest_link(engine, both, NULL);
    tn_instance *instance = guest_instance(linked, NULL);
    for (int round = 0; round < 2; round++) {
      assert_call(instance, "sync()", "42");
      assert_call(instance, "async()", "42");
    }
    tn_instance_delete(instance);
    tn_linked_delete(linked);
  }
}

static tn_error *add(tn_call *call, void *data, const void *params, void *result) {
  (void)call, (void)data;
  const uint32_t *numbers = params;
  *(uint32_t *)result = numbers[0] + numbers[4];
  return NULL;
}

static void a_host_function_answers_an_async_call_at_once(void **state) {
  (void)state;
#define FIVE                                                                                       \
  "(param \"a\" u32) (param \"b\" u32) (param \"c\" u32) (param \"d\" u32) (param \"e\" u32)"
  tn_linker *linker = NULL;
  assert_ok(tn_linker_new(&linker));
  assert_ok(tn_linker_define_func(linker, "t:host/i", "add",
                                  "async func(a: u32, b: u32, c: u32, d: u32, e: u32) -> u32", add,
                                  NULL));
  tn_linked *linked = guest_link(
      engine,
      "(component (import \"t:host/i\" (instance $i (export \"add\" (func async " FIVE
      " (result u32)))))"
      " (core module $L (memory (export \"mem\") 1)) (core instance $l (instantiate $L))"
      " (core func $add (canon lower (func $i \"add\") async (memory (core memory $l \"mem\"))))"
      " (core module $M (import \"\" \"mem\" (memory 1)) (import \"\" \"add\" (func $add (param "
      "i32 i32) (result i32)))"
      "  (func (export \"f\") (result i32) (i32.store (i32.const 16) (i32.const 40)) (i32.store "
      "(i32.const 32) (i32.const 2))"
      "   (if (i32.ne (call $add (i32.const 16) (i32.const 64)) (i32.const 2)) (then unreachable))"
      "   (i32.load (i32.const 64))))"
      " (core instance $m (instantiate $M (with \"\" (instance (export \"mem\" (memory $l "
      "\"mem\")) (export \"add\" (func $add))))))"
      " (func (export \"f\") async (result u32) (canon lift (core func $m \"f\"))))",
      linker);
  tn_instance *instance = guest_instance(linked, NULL);
  assert_call(instance, "f()", "42");
  tn_instance_delete(instance);
  tn_linked_delete(linked);
  tn_linker_delete(linker);
}

/* A task that has not dropped what it was lent. */
static void a_task_cannot_resolve_while_it_holds_a_borrow(void **state) {
  (void)state;
  assert_guest_ends(
      "(component (component $Owner (type $r' (resource (rep i32))) (export $r \"r\" (type $r'))"
      "  (core func $new (canon resource.new $r'))"
      "  (core module $M (import \"\" \"new\" (func $new (param i32) (result i32)))"
      "   (func (export \"make\") (result i32) (call $new (i32.const 1))))"
      "  (core instance $m (instantiate $M (with \"\" (instance (export \"new\" (func $new))))))"
      "  (func (export \"make\") (result (own $r)) (canon lift (core func $m \"make\"))))"
      " (component $Keeper (import \"r\" (type $r (sub resource))) (core func $return (canon "
      "task.return))"
      "  (core module $M (import \"\" \"return\" (func $return)) (func (export \"keep\") (param "
      "i32) (call $return)))"
      "  (core instance $m (instantiate $M (with \"\" (instance (export \"return\" (func "
      "$return))))))"
      "  (func (export \"keep\") async (param \"x\" (borrow $r)) (canon lift (core func $m "
      "\"keep\") async)))"
      " (component $User (import \"r\" (type $r (sub resource))) (import \"make\" (func $make "
      "(result (own $r))))"
      "  (import \"keep\" (func $keep async (param \"x\" (borrow $r))))"
      "  (core func $make' (canon lower (func $make))) (core func $keep' (canon lower (func $keep) "
      "async))"
      "  (core module $M (import \"\" \"make\" (func $make (result i32))) (import \"\" \"keep\" "
      "(func $keep (param i32) (result i32)))"
      "   (func (export \"f\") (drop (call $keep (call $make))))" GUEST_FINE_CORE ")"
      "  (core instance $m (instantiate $M (with \"\" (instance (export \"make\" (func $make')) "
      "(export \"keep\" (func $keep'))))))"
      "  (func (export \"f\") async (canon lift (core func $m \"f\")))" GUEST_FINE ")"
      " (instance $o (instantiate $Owner)) (instance $k (instantiate $Keeper (with \"r\" (type $o "
      "\"r\"))))"
      " (instance $u (instantiate $User (with \"r\" (type $o \"r\")) (with \"make\" (func $o "
      "\"make\")) (with \"keep\" (func $k \"keep\"))))"
      " (export \"f\" (func $u \"f\")) (export \"fine\" (func $u \"fine\")))",
      "f()", TN_ERROR_TRAP, "borrow handles still remain");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_embedder_gets_what_task_return_was_given),
      cmocka_unit_test(a_function_of_type_async_need_not_be_lifted_so),
      cmocka_unit_test(a_callback_that_yields_is_called_again),
      cmocka_unit_test(a_task_resolves_exactly_once_and_as_it_was_lifted),
      cmocka_unit_test(what_a_core_function_asks_for_is_checked),
      cmocka_unit_test(backpressure_would_have_to_be_waited_for),
      cmocka_unit_test(every_way_of_lifting_goes_with_every_way_of_lowering),
      cmocka_unit_test(a_host_function_answers_an_async_call_at_once),
      cmocka_unit_test(a_task_cannot_resolve_while_it_holds_a_borrow),
  };
  return cmocka_run_group_tests(tests, guest_set_up, guest_tear_down);
}
