#include "guest.h"

/* What an embedder does wrong is told as such, and apart from what its host functions do wrong. */

static void an_engine_has_a_known_compiler_and_level(void **state) {
  (void)state;
  tn_engine_options options;
  tn_engine *made = NULL;
  tn_engine_options_init(&options);
  options.compiler = 7;
  assert_error(tn_engine_new(&options, &made), TN_ERROR_ARGUMENT, "7 is no compiler (compiler)");
  tn_engine_options_init(&options);
  options.optimize = 9;
  assert_error(tn_engine_new(&options, &made), TN_ERROR_ARGUMENT,
               "9 is no level of optimization (optimize): there are 0 to 2");
  assert_null(made);
}

static void what_is_inspected_needs_no_name(void **state) {
  (void)state;
  char *text = NULL;
  assert_error(tn_inspect("x", 1, NULL, TN_INSPECT_TEXT, &text), TN_ERROR_MALFORMED,
               "inspecting the file: ");
  assert_ok(tn_inspect("\0asm\1\0\0\0", 8, NULL, TN_INSPECT_TEXT, &text));
  assert_null(strstr(text, "null"));
  tn_release(text);
}

static void an_error_of_a_host_function_always_has_kind_and_message(void **state) {
  (void)state;
  tn_error *error = tn_error_make(TN_ERROR_NONE, NULL);
  assert_int_equal(tn_error_get_kind(error), TN_ERROR_HOST);
  assert_string_equal(tn_error_get_message(error), "an error without a message");
  tn_error_delete(error);
  error = tn_error_make((tn_error_kind)1000, "mine");
  assert_int_equal(tn_error_get_kind(error), TN_ERROR_HOST);
  assert_string_equal(tn_error_get_message(error), "mine");
  tn_error_delete(error);
  error = tn_error_make(TN_ERROR_DENIED, "mine");
  assert_int_equal(tn_error_get_kind(error), TN_ERROR_DENIED);
  tn_error_delete(error);
}

/* ---- host functions ---------------------------------------------------------------------------- */

/* A function `f` that returns what the host function `t:h/i#get` of the same type does. */
#define ASKS(result)                                                                               \
  "(component (import \"t:h/i\" (instance $i (export \"get\" (func (result " result ")))))"        \
  " (core module $Libc (memory (export \"m\") 1)"                                                  \
  "  (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))"           \
  " (core instance $libc (instantiate $Libc))"                                                     \
  " (core func $get (canon lower (func $i \"get\") (memory (core memory $libc \"m\"))"             \
  "  (realloc (core func $libc \"realloc\"))))"                                                    \
  " (core module $M (import \"\" \"get\" (func $get (param i32)))"                                 \
  "  (func (export \"f\") (result i32) (call $get (i32.const 16)) (i32.const 16))" GUEST_FINE_CORE \
  ") (core instance $m (instantiate $M (with \"\" (instance (export \"get\" (func $get))))))"      \
  " (func (export \"f\") (result " result ") (canon lift (core func $m \"f\")"                     \
  "  (memory (core memory $libc \"m\"))))" GUEST_FINE ")"

static tn_error *get(tn_call *call, void *data, const void *params, void *result) {
  (void)call, (void)params;
  const tn_str *bytes = data;
  memcpy(result, bytes->data, bytes->len);
  return NULL;
}

static tn_error *fail_silently(tn_call *call, void *data, const void *params, void *result) {
  (void)call, (void)data, (void)params, (void)result;
  return tn_error_make(TN_ERROR_NONE, NULL);
}

static tn_instance *asking(const char *text, const char *signature, tn_host_func func,
                           tn_str *result) {
  tn_linker *linker = NULL;
  assert_ok(tn_linker_new(&linker));
  assert_ok(tn_linker_define_func(linker, "t:h/i", "get", signature, func, result));
  tn_linked *linked = guest_link(engine, text, linker);
  tn_instance_options options = guest_options();
  tn_instance *instance = NULL;
  assert_ok(tn_instance_new(linked, &options, &instance));
  tn_linked_delete(linked);
  tn_linker_delete(linker);
  return instance;
}

static void assert_call_fails(tn_instance *instance, const char *call, tn_error_kind kind,
                              const char *message) {
  char *result = NULL;
  assert_error(tn_instance_invoke(instance, tn_str_from(call), &result), kind, message);
}

static void a_wrong_result_is_the_host_functions_fault(void **state) {
  (void)state;
  static const tn_str bad_utf8 = {"\xff\xfe", 2};
  static const struct { uint8_t discriminant, payload; } bad_case = {7, 3};
  static const struct {
    uint8_t is_error;
    uint32_t ok;
  } bad_char = {0, 0xd800};
  const struct {
    const char *text, *signature;
    tn_str result;
    const char *message;
  } rows[] = {
      {ASKS("string"),
       "func() -> string",
       {(const char *)&bad_utf8, sizeof bad_utf8},
       "the result of the host function `t:h/i#get` is wrong: a string is not valid UTF-8"},
      {ASKS("(result (list u8) (error u8))"),
       "func() -> result<list<u8>, u8>",
       {(const char *)&bad_case, sizeof bad_case},
       "the result of the host function `t:h/i#get` is wrong: 7 is not a case of the type"},
      {ASKS("(result char)"),
       "func() -> result<char>",
       {(const char *)&bad_char, sizeof bad_char},
       "the result of the host function `t:h/i#get` is wrong: 0xd800 is not a Unicode scalar value"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    tn_str result = rows[i].result;
    tn_instance *instance = asking(rows[i].text, rows[i].signature, get, &result);
    assert_call_fails(instance, "f()", TN_ERROR_HOST, rows[i].message);
    assert_call_fails(instance, "fine()", TN_ERROR_POISONED, "ended by an earlier error");
    tn_instance_delete(instance);
  }
}

static void an_error_that_says_nothing_ends_the_guest_as_others_do(void **state) {
  (void)state;
  tn_instance *instance = asking(ASKS("string"), "func() -> string", fail_silently, NULL);
  assert_call_fails(instance, "f()", TN_ERROR_HOST, "an error without a message");
  assert_call_fails(instance, "fine()", TN_ERROR_POISONED, "ended by an earlier error");
  tn_instance_delete(instance);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_engine_has_a_known_compiler_and_level),
      cmocka_unit_test(what_is_inspected_needs_no_name),
      cmocka_unit_test(an_error_of_a_host_function_always_has_kind_and_message),
      cmocka_unit_test(a_wrong_result_is_the_host_functions_fault),
      cmocka_unit_test(an_error_that_says_nothing_ends_the_guest_as_others_do),
  };
  return cmocka_run_group_tests(tests, guest_set_up, guest_tear_down);
}
