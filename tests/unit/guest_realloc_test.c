#include "guest.h"

/* Guests that misbehave where the host calls into them in the middle of a call: in realloc and post-return. */

/* A component body whose realloc and post-return are given. `f` takes a string, `g` a list<u32>, `fetch` gets
 * a string from the host, `end` has a post-return function. */
static const char victim[] =
    " (import \"leave\" (func $leave)) (import \"get\" (func $get (result string)))"
    " (core func $leave' (canon lower (func $leave)))"
    " (type $r (resource (rep i32))) (core func $new (canon resource.new $r)) (core func $drop "
    "(canon resource.drop $r))"
    " (core module $Libc (import \"\" \"leave\" (func $leave)) (import \"\" \"new\" (func $new "
    "(param i32) (result i32)))"
    "  (import \"\" \"drop\" (func $drop (param i32)))"
    "  (memory (export \"m\") 1)"
    "  (func $realloc (export \"realloc\") (param $old i32) (param i32) (param $align i32) (param "
    "$size i32) (result i32)"
    "   %s)"
    "  (func (export \"post\") (param i32) %s))"
    " (core instance $libc (instantiate $Libc (with \"\" (instance (export \"leave\" (func "
    "$leave'))"
    "  (export \"new\" (func $new)) (export \"drop\" (func $drop))))))"
    " (core func $get' (canon lower (func $get) (memory (core memory $libc \"m\")) (realloc (core "
    "func $libc \"realloc\"))))"
    " (core module $M (import \"\" \"get\" (func $get (param i32)))"
    "  (func (export \"f\") (param i32 i32)) (func (export \"fetch\") (call $get (i32.const 16)))"
    "  (func (export \"end\") (result i32) (i32.const 9))" GUEST_FINE_CORE ")"
    " (core instance $m (instantiate $M (with \"\" (instance (export \"get\" (func $get'))))))"
    " (func (export \"f\") (param \"s\" string) (canon lift (core func $m \"f\")"
    "  (memory (core memory $libc \"m\")) (realloc (core func $libc \"realloc\"))))"
    " (func (export \"g\") (param \"s\" (list u32)) (canon lift (core func $m \"f\")"
    "  (memory (core memory $libc \"m\")) (realloc (core func $libc \"realloc\"))))"
    " (func (export \"fetch\") (canon lift (core func $m \"fetch\")))"
    " (func (export \"end\") (result u32) (canon lift (core func $m \"end\") (post-return (core "
    "func $libc \"post\"))))" GUEST_FINE;

static tn_error *leave(tn_call *call, void *data, const void *params, void *result) {
  (void)call, (void)params, (void)result;
  ++*(int *)data;
  return NULL;
}

static tn_error *get(tn_call *call, void *data, const void *params, void *result) {
  (void)call, (void)data, (void)params;
  *(tn_str *)result = (tn_str){"hello", 5};
  return NULL;
}

static tn_linker *host(int *calls) {
  tn_linker *linker = NULL;
  assert_ok(tn_linker_new(&linker));
  assert_ok(tn_linker_define_func(linker, "", "leave", "func()", leave, calls));
  assert_ok(tn_linker_define_func(linker, "", "get", "func() -> string", get, NULL));
  return linker;
}

/* The victim as the root component. */
static tn_linked *link_victim(tn_linker *linker, const char *realloc_body,
                              const char *post_return_body) {
  tn_buffer text = {0};
  tn_buffer_append_text(&text, "(component");
  tn_buffer_format(&text, victim, realloc_body, post_return_body);
  tn_buffer_append_text(&text, ")");
  char *wat = tn_buffer_take(&text);
  tn_linked *linked = guest_link(engine, wat, linker);
  tn_free(wat);
  return linked;
}

/* The victim beside a component that hands it a string (`f`) and a list (`g`). */
static tn_linked *link_with_sibling(tn_linker *linker, const char *realloc_body) {
  tn_buffer text = {0};
  tn_buffer_append_text(
      &text,
      "(component (import \"leave\" (func $leave)) (import \"get\" (func $get (result string)))"
      " (component $Victim");
  tn_buffer_format(&text, victim, realloc_body, "");
  tn_buffer_append_text(
      &text, ") (component $Giver"
             " (import \"f\" (func $f (param \"s\" string))) (import \"g\" (func $g (param \"s\" "
             "(list u32))))"
             " (core module $Memory (memory (export \"m\") 1) (data (i32.const 64) \"hello\"))"
             " (core instance $memory (instantiate $Memory))"
             " (core func $f' (canon lower (func $f) (memory (core memory $memory \"m\"))))"
             " (core func $g' (canon lower (func $g) (memory (core memory $memory \"m\"))))"
             " (core module $M (import \"\" \"f\" (func $f (param i32 i32))) (import \"\" \"g\" "
             "(func $g (param i32 i32)))"
             "  (func (export \"f\") (call $f (i32.const 64) (i32.const 5)))"
             "  (func (export \"g\") (call $g (i32.const 64) (i32.const 3)))" GUEST_FINE_CORE ")"
             " (core instance $m (instantiate $M (with \"\" (instance (export \"f\" (func $f')) "
             "(export \"g\" (func $g'))))))"
             " (func (export \"f\") (canon lift (core func $m \"f\"))) (func (export \"g\") (canon "
             "lift (core func $m \"g\")))" GUEST_FINE ")"
             " (instance $victim (instantiate $Victim (with \"leave\" (func $leave)) (with \"get\" "
             "(func $get))))"
             " (instance $giver (instantiate $Giver (with \"f\" (func $victim \"f\")) (with \"g\" "
             "(func $victim \"g\"))))"
             " (export \"f\" (func $giver \"f\")) (export \"g\" (func $giver \"g\")) (export "
             "\"fine\" (func $giver \"fine\")))");
  char *wat = tn_buffer_take(&text);
  tn_linked *linked = guest_link(engine, wat, linker);
  tn_free(wat);
  return linked;
}

typedef struct bad_realloc {
  const char *body;
  tn_error_kind kind;
  const char *message;
  bool for_lists_only; /* breaks an alignment that bytes do not have */
} bad_realloc;

static const bad_realloc bad_reallocs[] = {
    {"unreachable", TN_ERROR_TRAP, "unreachable", false},
    {"(i32.div_u (i32.const 1) (i32.const 0))", TN_ERROR_TRAP, "divide by zero", false},
    {"(i32.const 65532)", TN_ERROR_TRAP, "realloc return: beyond end of memory", false},
    {"(i32.const 0xfffffffc)", TN_ERROR_TRAP, "realloc return: beyond end of memory", false},
    {"(i32.const 0x7ffffff0)", TN_ERROR_TRAP, "realloc return: beyond end of memory", false},
    {"(i32.const 66)", TN_ERROR_TRAP, "realloc return: result not aligned", true},
    {"(call $realloc (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 1)) (call $realloc "
     "(i32.const 0) (i32.const 0)"
     " (i32.const 1) (i32.const 1)) i32.add",
     TN_ERROR_STACK, "call stack exhausted", false},
    {"(call $leave) (i32.const 1024)", TN_ERROR_TRAP, "cannot leave component instance", false},
    {"(call $new (i32.const 1))", TN_ERROR_TRAP, "cannot leave component instance", false},
    {"(call $drop (i32.const 1)) (i32.const 1024)", TN_ERROR_TRAP,
     "cannot leave component instance", false},
};
enum { BAD_REALLOCS = sizeof bad_reallocs / sizeof *bad_reallocs };

static void a_bad_realloc_ends_a_call_from_the_embedder(void **state) {
  (void)state;
  for (size_t i = 0; i < BAD_REALLOCS; i++) {
    const bad_realloc *row = &bad_reallocs[i];
    int calls = 0;
    tn_linker *linker = host(&calls);
    tn_linked *linked = link_victim(linker, row->body, "");
    if (!row->for_lists_only) {
      assert_ends(linked, NULL, "f(\"hello\")", row->kind, row->message);
      assert_ends(linked, NULL, "fetch()", row->kind, row->message);
    }
    assert_ends(linked, NULL, "g([1, 2, 3])", row->kind, row->message);
    assert_int_equal(calls, 0);
    tn_linked_delete(linked);
    tn_linker_delete(linker);
  }
}

static void a_bad_realloc_ends_a_call_between_components(void **state) {
  (void)state;
  for (size_t i = 0; i < BAD_REALLOCS; i++) {
    const bad_realloc *row = &bad_reallocs[i];
    int calls = 0;
    tn_linker *linker = host(&calls);
    tn_linked *linked = link_with_sibling(linker, row->body);
    if (!row->for_lists_only) assert_ends(linked, NULL, "f()", row->kind, row->message);
    assert_ends(linked, NULL, "g()", row->kind, row->message);
    assert_int_equal(calls, 0);
    tn_linked_delete(linked);
    tn_linker_delete(linker);
  }
}

static void a_realloc_that_loops_runs_out_of_time(void **state) {
  (void)state;
  int calls = 0;
  tn_linker *linker = host(&calls);
  tn_linked *linked = link_victim(linker, "(loop $again (br $again)) unreachable", "");
  tn_instance_options options = guest_options();
  options.timeout = 30 * 1000 * 1000;
  assert_ends(linked, &options, "f(\"hello\")", TN_ERROR_TIMEOUT, "longer than its limit");
  assert_ends(linked, &options, "fetch()", TN_ERROR_TIMEOUT, "longer than its limit");
  tn_linked_delete(linked);
  tn_linker_delete(linker);
}

static void a_realloc_that_grows_memory_is_held_to_its_limit(void **state) {
  (void)state;
  int calls = 0;
  tn_linker *linker = host(&calls);
  tn_linked *linked =
      link_victim(linker, "(i32.mul (memory.grow (i32.const 100)) (i32.const 65536))", "");
  tn_instance *instance = guest_instance(linked, NULL);
  assert_call(instance, "f(\"hello\")", "");
  assert_call(instance, "g([1, 2, 3])", "");
  assert_call(instance, "fetch()", "");
  tn_instance_delete(instance);
  tn_instance_options options = guest_options();
  options.max_memory_bytes = 1 << 20;
  assert_ends(linked, &options, "f(\"hello\")", TN_ERROR_MEMORY_LIMIT, "1048576");
  tn_linked_delete(linked);
  tn_linker_delete(linker);
}

static void a_bad_post_return_ends_the_call(void **state) {
  (void)state;
  static const char *const bodies[] = {"(call $leave)", "(drop (call $new (i32.const 1)))",
                                       "(call $drop (i32.const 1))", "unreachable"};
  for (size_t i = 0; i < 4; i++) {
    int calls = 0;
    tn_linker *linker = host(&calls);
    tn_linked *linked = link_victim(linker, "(i32.const 1024)", bodies[i]);
    assert_ends(linked, NULL, "end()", TN_ERROR_TRAP,
                i < 3 ? "cannot leave component instance" : "unreachable");
    assert_int_equal(calls, 0);
    tn_linked_delete(linked);
    tn_linker_delete(linker);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_bad_realloc_ends_a_call_from_the_embedder),
      cmocka_unit_test(a_bad_realloc_ends_a_call_between_components),
      cmocka_unit_test(a_realloc_that_loops_runs_out_of_time),
      cmocka_unit_test(a_realloc_that_grows_memory_is_held_to_its_limit),
      cmocka_unit_test(a_bad_post_return_ends_the_call),
  };
  return cmocka_run_group_tests(tests, guest_set_up, guest_tear_down);
}
