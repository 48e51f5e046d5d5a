#include "guest.h"

/* Values that a guest must not hand out: bad pointers, lengths, alignments, text, characters, cases. Each is
 * tried three times: as a result for the embedder, as a parameter of a host function and as a parameter of
 * another component. */

typedef struct bad_value {
  const char *type; /* as WebAssembly text */
  const char *wit;  /* as WIT */
  const char *encoding;
  uint32_t flat[2];
  uint32_t flat_count;
  const char *data; /* lies at 64 in the guest's one page of memory */
  const char *message;
} bad_value;

static const bad_value bad_values[] = {
    {"string", "string", "utf8", {0xffffffff, 1}, 2, "", "out-of-bounds"},
    {"string", "string", "utf8", {65536, 1}, 2, "", "out-of-bounds"},
    {"string", "string", "utf8", {65535, 2}, 2, "", "out-of-bounds"},
    {"string", "string", "utf8", {16, 0xffffffff}, 2, "", "out-of-bounds"},
    {"string", "string", "utf8", {0xfffffff0, 0x20}, 2, "", "out-of-bounds"},
    {"string", "string", "utf8", {65537, 0}, 2, "", "out-of-bounds"},
    {"string", "string", "utf8", {64, 1}, 2, "\\ff", "utf-8"},
    {"string", "string", "utf8", {64, 2}, 2, "\\c0\\80", "utf-8"},
    {"string", "string", "utf8", {64, 3}, 2, "\\ed\\a0\\80", "utf-8"},
    {"string", "string", "utf8", {64, 2}, 2, "\\e2\\82\\ac", "utf-8"},
    {"string", "string", "utf8", {64, 4}, 2, "\\f4\\90\\80\\80", "utf-8"},
    {"string", "string", "utf8", {64, 20}, 2, "0123456789abcdefghi\\80", "utf-8"},
    {"string", "string", "utf16", {64, 1}, 2, "\\00\\d8", "unpaired surrogate"},
    {"string", "string", "utf16", {64, 1}, 2, "\\00\\dc", "unpaired surrogate"},
    {"string", "string", "utf16", {64, 2}, 2, "\\00\\d8a\\00", "unpaired surrogate"},
    {"string", "string", "utf16", {65, 1}, 2, "", "unaligned pointer"},
    {"string", "string", "utf16", {65534, 2}, 2, "", "out-of-bounds"},
    {"string", "string", "utf16", {64, 0x80000000}, 2, "", "out-of-bounds"},
    {"string", "string", "latin1+utf16", {64, 0x80000001}, 2, "\\00\\dc", "unpaired surrogate"},
    {"string", "string", "latin1+utf16", {64, 0xffffffff}, 2, "", "out-of-bounds"},
    {"string", "string", "latin1+utf16", {64, 0x7fffffff}, 2, "", "out-of-bounds"},
    {"string", "string", "latin1+utf16", {65, 0x80000001}, 2, "", "unaligned pointer"},
    {"string", "string", "latin1+utf16", {65535, 2}, 2, "", ""},
    {"(list u8)", "list<u8>", "utf8", {65535, 2}, 2, "", "out-of-bounds"},
    {"(list u8)", "list<u8>", "utf8", {0xffffffff, 0xffffffff}, 2, "", "out-of-bounds"},
    {"(list u32)", "list<u32>", "utf8", {65, 1}, 2, "", "unaligned pointer"},
    {"(list u32)", "list<u32>", "utf8", {65, 0}, 2, "", "unaligned pointer"},
    {"(list u32)", "list<u32>", "utf8", {64, 0x40000000}, 2, "", "out-of-bounds"},
    {"(list u32)", "list<u32>", "utf8", {64, 0x40000001}, 2, "", "out-of-bounds"},
    {"(list u64)", "list<u64>", "utf8", {64, 0x20000000}, 2, "", "out-of-bounds"},
    {"(list (tuple u64 u64))",
     "list<tuple<u64, u64>>",
     "utf8",
     {64, 0x10000000},
     2,
     "",
     "out-of-bounds"},
    {"(list (tuple string u64))",
     "list<tuple<string, u64>>",
     "utf8",
     {64, 0x10000001},
     2,
     "",
     "out-of-bounds"},
    {"(list string)", "list<string>", "utf8", {64, 1}, 2, "\\ff\\ff\\ff\\ff\\01", "out-of-bounds"},
    {"(list string)",
     "list<string>",
     "utf8",
     {64, 2},
     2,
     "\\40\\00\\00\\00\\01\\00\\00\\00\\ff\\00\\00\\00\\01",
     ""},
    {"(list (list u16))",
     "list<list<u16>>",
     "utf8",
     {64, 1},
     2,
     "\\41\\00\\00\\00\\01",
     "unaligned pointer"},
    {"(list char)", "list<char>", "utf8", {64, 1}, 2, "\\00\\00\\11\\00", "char"},
    {"(list char)", "list<char>", "utf8", {64, 2}, 2, "a\\00\\00\\00\\ff\\df\\00\\00", "char"},
    {"(list (option u8))",
     "list<option<u8>>",
     "utf8",
     {64, 2},
     2,
     "\\01\\02\\02\\01",
     "discriminant"},
    {"(list (result u8))", "list<result<u8>>", "utf8", {64, 1}, 2, "\\ff", "discriminant"},
    {"(option u32)", "option<u32>", "utf8", {2, 0}, 2, "", "discriminant"},
    {"(option u32)", "option<u32>", "utf8", {0x80, 0}, 2, "", "discriminant"},
    {"(option char)", "option<char>", "utf8", {1, 0xd800}, 2, "", "char"},
    {"(result u32 (error u32))", "result<u32, u32>", "utf8", {2, 0}, 2, "", "discriminant"},
    {"(result)", "result", "utf8", {2, 0}, 1, "", "discriminant"},
    {"(result)", "result", "utf8", {0xffffffff, 0}, 1, "", "discriminant"},
    {"char", "char", "utf8", {0x110000, 0}, 1, "", "char"},
    {"char", "char", "utf8", {0xd800, 0}, 1, "", "char"},
    {"char", "char", "utf8", {0xdfff, 0}, 1, "", "char"},
    {"char", "char", "utf8", {0xffffffff, 0}, 1, "", "char"},
};
enum { BAD_VALUES = sizeof bad_values / sizeof *bad_values };

static const char realloc_core[] =
    " (global $next (mut i32) (i32.const 4096))"
    " (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (local $at i32)"
    "  (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))"
    "  (global.set $next (i32.add (local.get $at) (local.get 3))) (local.get $at))";

static const char *core_params(const bad_value *value) {
  return value->flat_count == 1 ? "(param i32)" : "(param i32 i32)";
}

static char *result_text(const bad_value *value) {
  tn_buffer text = {0};
  tn_buffer_format(
      &text, "(component (core module $M (memory (export \"m\") 1) (data (i32.const 64) \"%s\")%s",
      value->data, GUEST_FINE_CORE);
  if (value->flat_count == 1) {
    tn_buffer_format(&text, " (func (export \"f\") (result i32) (i32.const %u)))", value->flat[0]);
  } else {
    tn_buffer_format(&text,
                     " (func (export \"f\") (result i32) (i32.store (i32.const 16) (i32.const %u))"
                     " (i32.store (i32.const 20) (i32.const %u)) (i32.const 16)))",
                     value->flat[0], value->flat[1]);
  }
  tn_buffer_format(
      &text,
      " (core instance $m (instantiate $M)) (func (export \"f\") (result %s)"
      " (canon lift (core func $m \"f\") (memory (core memory $m \"m\")) string-encoding=%s))%s)",
      value->type, value->encoding, GUEST_FINE);
  return tn_buffer_take(&text);
}

/* A component body that imports `take` and hands the value to it. */
static void append_giver(tn_buffer *text, const bad_value *value) {
  tn_buffer_format(text,
                   " (import \"take\" (func $take (param \"x\" %s)))"
                   " (core module $Memory (memory (export \"m\") 1) (data (i32.const 64) \"%s\"))"
                   " (core instance $memory (instantiate $Memory))"
                   " (core func $take' (canon lower (func $take) (memory (core memory $memory "
                   "\"m\")) string-encoding=%s))"
                   " (core module $M (import \"\" \"take\" (func $take %s)) (func (export \"f\") "
                   "(call $take (i32.const %u)",
                   value->type, value->data, value->encoding, core_params(value), value->flat[0]);
  if (value->flat_count == 2) tn_buffer_format(text, " (i32.const %u)", value->flat[1]);
  tn_buffer_format(text,
                   "))%s) (core instance $m (instantiate $M (with \"\" (instance (export \"take\" "
                   "(func $take'))))))"
                   " (func (export \"f\") (canon lift (core func $m \"f\")))%s",
                   GUEST_FINE_CORE, GUEST_FINE);
}

static char *param_text(const bad_value *value) {
  tn_buffer text = {0};
  tn_buffer_append_text(&text, "(component");
  append_giver(&text, value);
  tn_buffer_append_text(&text, ")");
  return tn_buffer_take(&text);
}

static char *sibling_text(const bad_value *value, const char *taker_encoding) {
  tn_buffer text = {0};
  tn_buffer_format(
      &text,
      "(component (component $Taker (core module $M (memory (export \"m\") 1)%s (func (export "
      "\"take\") %s))"
      " (core instance $m (instantiate $M)) (func (export \"take\") (param \"x\" %s) (canon lift"
      " (core func $m \"take\") (memory (core memory $m \"m\")) (realloc (core func $m "
      "\"realloc\"))"
      " string-encoding=%s))) (component $Giver",
      realloc_core, core_params(value), value->type, taker_encoding);
  append_giver(&text, value);
  tn_buffer_append_text(
      &text, ") (instance $taker (instantiate $Taker))"
             " (instance $giver (instantiate $Giver (with \"take\" (func $taker \"take\"))))"
             " (export \"f\" (func $giver \"f\")) (export \"fine\" (func $giver \"fine\")))");
  return tn_buffer_take(&text);
}

/* Every row but those with an empty message, which only must not do harm. */
static void assert_row(const char *text, tn_linker *linker, const bad_value *value) {
  tn_linked *linked = guest_link(engine, text, linker);
  if (value->message[0] == '\0') {
    tn_instance *instance = guest_instance(linked, NULL);
    tn_error *error = guest_invoke(instance, "f()");
    if (error != NULL) assert_int_equal(tn_error_get_kind(error), TN_ERROR_TRAP);
    tn_error_delete(error);
    tn_instance_delete(instance);
    assert_still_works(linked, NULL);
  } else {
    assert_ends(linked, NULL, "f()", TN_ERROR_TRAP, value->message);
  }
  tn_linked_delete(linked);
}

static void bad_results_do_not_reach_the_embedder(void **state) {
  (void)state;
  for (size_t i = 0; i < BAD_VALUES; i++) {
    char *text = result_text(&bad_values[i]);
    assert_row(text, NULL, &bad_values[i]);
    tn_free(text);
  }
}

static tn_error *take(tn_call *call, void *data, const void *params, void *result) {
  (void)call, (void)params, (void)result;
  ++*(int *)data;
  return NULL;
}

static void bad_parameters_do_not_reach_a_host_function(void **state) {
  (void)state;
  for (size_t i = 0; i < BAD_VALUES; i++) {
    const bad_value *value = &bad_values[i];
    char signature[100];
    int calls = 0;
    snprintf(signature, sizeof signature, "func(x: %s)", value->wit);
    tn_linker *linker = NULL;
    assert_ok(tn_linker_new(&linker));
    assert_ok(tn_linker_define_func(linker, "", "take", signature, take, &calls));
    char *text = param_text(value);
    assert_row(text, linker, value);
    if (value->message[0] != '\0') assert_int_equal(calls, 0);
    tn_free(text);
    tn_linker_delete(linker);
  }
}

static void bad_parameters_do_not_reach_another_component(void **state) {
  (void)state;
  static const char *const encodings[] = {"utf8", "utf16", "latin1+utf16"};
  for (size_t i = 0; i < BAD_VALUES; i++) {
    size_t tries = strcmp(bad_values[i].type, "string") == 0 ? 3 : 1;
    for (size_t j = 0; j < tries; j++) {
      char *text = sibling_text(&bad_values[i], encodings[j]);
      assert_row(text, NULL, &bad_values[i]);
      tn_free(text);
    }
  }
}

/* ---- results in memory --------------------------------------------------------------------------- */

static void the_place_of_a_result_is_checked(void **state) {
  (void)state;
  static const struct {
    const char *pointer, *message;
  } rows[] = {{"17", "unaligned pointer"},
              {"-4", "out of bounds"},
              {"65532", "out of bounds"},
              {"65536", "out of bounds"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char text[1000];
    snprintf(text, sizeof text,
             GUEST("(memory (export \"m\") 1) (func (export \"f\") (result i32) (i32.const %s))",
                   " (func (export \"f\") (result (tuple u32 u32)) (canon lift (core func $m \"f\")"
                   " (memory (core memory $m \"m\"))))"),
             rows[i].pointer);
    assert_guest_ends(text, "f()", TN_ERROR_TRAP, rows[i].message);
  }
}

static void the_place_for_a_host_functions_result_is_checked(void **state) {
  (void)state;
  static const char *const pointers[] = {"17", "-4", "65532"};
  static const char *const messages[] = {"unaligned pointer", "out of bounds", "out of bounds"};
  tn_linker *linker = NULL;
  int calls = 0;
  assert_ok(tn_linker_new(&linker));
  assert_ok(tn_linker_define_func(linker, "", "pair", "func() -> tuple<u32, u32>", take, &calls));
  for (size_t i = 0; i < 3; i++) {
    char text[1500];
    snprintf(text, sizeof text,
             "(component (import \"pair\" (func $pair (result (tuple u32 u32))))"
             " (core module $Memory (memory (export \"m\") 1)) (core instance $memory (instantiate "
             "$Memory))"
             " (core func $pair' (canon lower (func $pair) (memory (core memory $memory \"m\"))))"
             " (core module $M (import \"\" \"pair\" (func $pair (param i32)))"
             "  (func (export \"f\") (call $pair (i32.const %s)))" GUEST_FINE_CORE ")"
             " (core instance $m (instantiate $M (with \"\" (instance (export \"pair\" (func "
             "$pair'))))))"
             " (func (export \"f\") (canon lift (core func $m \"f\")))" GUEST_FINE ")",
             pointers[i]);
    tn_linked *linked = guest_link(engine, text, linker);
    assert_ends(linked, NULL, "f()", TN_ERROR_TRAP, messages[i]);
    tn_linked_delete(linked);
  }
  tn_linker_delete(linker);
}

static void cases_of_enums_and_variants_are_checked(void **state) {
  (void)state;
  static const char *const types[] = {"(enum \"a\" \"b\" \"c\")",
                                      "(variant (case \"a\") (case \"b\") (case \"c\"))"};
  static const char *const values[] = {"3", "255", "-1", "256"};
  for (size_t i = 0; i < 2; i++) {
    for (size_t j = 0; j < 4; j++) {
      char text[1000];
      snprintf(text, sizeof text,
               GUEST("(func (export \"f\") (result i32) (i32.const %s))",
                     " (type $t' %s) (export $t \"t\" (type $t'))"
                     " (func (export \"f\") (result $t) (canon lift (core func $m \"f\")))"),
               values[j], types[i]);
      assert_guest_ends(text, "f()", TN_ERROR_TRAP, "discriminant");
    }
  }
}

static void surplus_bits_are_ignored(void **state) {
  (void)state;
  static const char text[] =
      GUEST("(func (export \"set\") (result i32) (i32.const -1)) (func (export \"small\") (result "
            "i32) (i32.const 0x7fffff01))"
            " (func (export \"yes\") (result i32) (i32.const 0x1000))",
            " (type $t' (flags \"a\" \"b\" \"c\")) (export $t \"t\" (type $t'))"
            " (func (export \"set\") (result $t) (canon lift (core func $m \"set\")))"
            " (func (export \"small\") (result s8) (canon lift (core func $m \"small\")))"
            " (func (export \"yes\") (result bool) (canon lift (core func $m \"yes\")))");
  tn_linked *linked = guest_link(engine, text, NULL);
  tn_instance *instance = guest_instance(linked, NULL);
  assert_call(instance, "set()", "{a, b, c}");
  assert_call(instance, "small()", "1");
  assert_call(instance, "yes()", "true");
  tn_instance_delete(instance);
  tn_linked_delete(linked);
}

/* A page of a million pointers to one and the same megabyte. */
static void lists_that_multiply_are_cut_off(void **state) {
  (void)state;
  static const char text[] = GUEST("(memory (export \"m\") 160)"
                                   " (func (export \"f\") (result i32) (local $i i32)"
                                   "  (loop $more"
                                   "   (i32.store (i32.add (i32.const 0x100000) (i32.mul "
                                   "(local.get $i) (i32.const 8))) (i32.const 0))"
                                   "   (i32.store (i32.add (i32.const 0x100004) (i32.mul "
                                   "(local.get $i) (i32.const 8))) (i32.const 0x100000))"
                                   "   (local.set $i (i32.add (local.get $i) (i32.const 1)))"
                                   "   (br_if $more (i32.lt_u (local.get $i) (i32.const 1000000))))"
                                   "  (i32.store (i32.const 16) (i32.const 0x100000)) (i32.store "
                                   "(i32.const 20) (i32.const 1000000)) (i32.const 16))",
                                   " (func (export \"f\") (result (list (list u8))) (canon lift "
                                   "(core func $m \"f\") (memory (core memory $m \"m\"))))");
  assert_guest_ends(text, "f()", TN_ERROR_LIMIT, "values of one call");
}

/* ---- 64-bit memories ----------------------------------------------------------------------------- */

static void pointers_into_64_bit_memories_are_checked(void **state) {
  (void)state;
  static const struct {
    const char *pointer, *length, *message;
  } rows[] = {
      {"-1", "1", "out-of-bounds"},
      {"-8", "16", "out-of-bounds"},
      {"0x8000000000000000", "0x8000000000000000", "out-of-bounds"},
      {"0x100000000", "1", "out-of-bounds"},
      {"0x10000", "1", "out-of-bounds"},
      {"8", "-1", "out-of-bounds"},
      {"8", "0x100000001", "out-of-bounds"},
  };
  static const char *const types[] = {"string", "(list u8)", "(list (tuple u64 string))"};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    for (size_t j = 0; j < 3; j++) {
      if (j == 2 && strcmp(rows[i].pointer, "-1") == 0) continue; /* would be unaligned first */
      char text[1500];
      snprintf(text, sizeof text,
               GUEST("(memory (export \"m\") i64 1) (func (export \"f\") (result i64)"
                     " (i64.store (i64.const 16) (i64.const %s)) (i64.store (i64.const 24) "
                     "(i64.const %s)) (i64.const 16))",
                     " (func (export \"f\") (result %s) (canon lift (core func $m \"f\") (memory "
                     "(core memory $m \"m\"))))"),
               rows[i].pointer, rows[i].length, types[j]);
      assert_guest_ends(text, "f()", TN_ERROR_TRAP, rows[i].message);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bad_results_do_not_reach_the_embedder),
      cmocka_unit_test(bad_parameters_do_not_reach_a_host_function),
      cmocka_unit_test(bad_parameters_do_not_reach_another_component),
      cmocka_unit_test(the_place_of_a_result_is_checked),
      cmocka_unit_test(the_place_for_a_host_functions_result_is_checked),
      cmocka_unit_test(cases_of_enums_and_variants_are_checked),
      cmocka_unit_test(surplus_bits_are_ignored),
      cmocka_unit_test(lists_that_multiply_are_cut_off),
      cmocka_unit_test(pointers_into_64_bit_memories_are_checked),
  };
  return cmocka_run_group_tests(tests, guest_set_up, guest_tear_down);
}
