/* What hostile or broken guests do: every case ends in a trap with its own message, and nothing enters the
 * instance afterwards. */
#include "canon_world.h"
#include "keep_signals.h"

typedef struct fixture {
  world w;
  tn_canon_options options;
  tn_core_instance guest;
} fixture;

static int start(void **state) {
  fixture *f = tn_calloc(1, sizeof *f);
  world_start(&f->w);
  *state = f;
  return 0;
}

static int finish(void **state) {
  fixture *f = *state;
  world_end(&f->w);
  tn_free(f);
  return 0;
}

static void load(fixture *f, const char *text) {
  f->options = world_options(&f->w, 2);
  f->guest = world_guest(&f->w, text, NULL, 0);
  world_bind(&f->w, &f->options, &f->guest);
}

/* A guest with one page of memory and a realloc that does `body`. */
#define GUEST(realloc_body, rest)                                                                  \
  "(module (memory (export \"mem\") 1)"                                                            \
  "(func (export \"realloc\") (param i32 i32 i32 i32) (result i32) " realloc_body ")" rest ")"

static tn_error *call(fixture *f, const char *wit, const char *name, const void *params,
                      void *result) {
  const tn_lifted *lifted = world_lift(&f->w, wit, &f->options, world_func(&f->w, &f->guest, name));
  return tn_canon_call(&f->w.runtime, lifted, params, result, &f->w.arena);
}

static void assert_result_traps(fixture *f, const char *wit, const char *body,
                                const char *message) {
  char text[1024];
  snprintf(text, sizeof text, GUEST("i32.const 8", "%s"), body);
  world_reset(&f->w);
  load(f, text);
  uint8_t result[256];
  assert_error(call(f, wit, "f", NULL, result), TN_ERROR_TRAP, message);
  assert_error(call(f, wit, "f", NULL, result), TN_ERROR_POISONED,
               "cannot enter component instance");
}

/* Body of an f that stores a (pointer, length) pair at 0 and returns 0. */
#define RETURNS_PAIR(pointer, length)                                                              \
  "(func (export \"f\") (result i32) (i32.store (i32.const 0) (i32.const " pointer                 \
  ")) (i32.store (i32.const 4) (i32.const " length ")) (i32.const 0))"
#define RETURNS(value) "(func (export \"f\") (result i32) (i32.const " value "))"

static void results_that_do_not_lie_in_memory_trap(void **state) {
  fixture *f = *state;
  static const struct {
    const char *wit, *body, *message;
  } cases[] = {
      {"func() -> string", RETURNS("1"), "wasm trap: unaligned pointer"},
      {"func() -> string", RETURNS("65532"), "out of bounds"},
      {"func() -> string", RETURNS("-4"), "out of bounds"},
      {"func() -> string", RETURNS_PAIR("65536", "1"),
       "string pointer/length out of bounds of memory"},
      {"func() -> string", RETURNS_PAIR("0xdeadbeef", "0"),
       "string pointer/length out of bounds of memory"},
      {"func() -> string", RETURNS_PAIR("8", "-1"), "string content out-of-bounds"},
      {"func() -> string", RETURNS_PAIR("-1", "-1"), "string content out-of-bounds"},
      {"func() -> list<u8>", RETURNS_PAIR("65535", "2"), "list content out-of-bounds"},
      {"func() -> list<u8>", RETURNS_PAIR("65537", "0"), "list content out-of-bounds"},
      {"func() -> list<u32>", RETURNS_PAIR("2", "1"), "unaligned pointer"},
      {"func() -> list<u32>", RETURNS_PAIR("4", "0x40000000"), "list content out-of-bounds"},
      {"func() -> list<u32>", RETURNS_PAIR("4", "0x4000000"), "list content out-of-bounds"},
      {"func() -> list<string>", RETURNS_PAIR("4", "0x20000000"), "list content out-of-bounds"},
      {"func() -> list<list<u8, 4>>", RETURNS_PAIR("65536", "1"), "list content out-of-bounds"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_result_traps(f, cases[i].wit, cases[i].body, cases[i].message);
  }
}

static void values_outside_their_type_trap(void **state) {
  fixture *f = *state;
  static const struct {
    const char *wit, *body, *message;
  } cases[] = {
      {"func() -> char", RETURNS("0xd800"), "invalid `char` bit pattern"},
      {"func() -> char", RETURNS("0xdfff"), "invalid `char` bit pattern"},
      {"func() -> char", RETURNS("0x110000"), "invalid `char` bit pattern"},
      {"func() -> result", RETURNS("2"), "invalid variant discriminant"},
      {"func() -> result", RETURNS("256"), "invalid variant discriminant"},
      {"func() -> option<u8>",
       "(func (export \"f\") (result i32) (i32.store8 (i32.const 0) (i32.const 2)) (i32.const 0))",
       "invalid variant discriminant"},
      {"func() -> list<char>",
       "(func (export \"f\") (result i32) (i32.store (i32.const 0) (i32.const 8)) (i32.store "
       "(i32.const 4) (i32.const 1))"
       "(i32.store (i32.const 8) (i32.const 0xd900)) (i32.const 0))",
       "invalid `char` bit pattern"},
      {"func() -> string",
       "(func (export \"f\") (result i32) (i32.store (i32.const 0) (i32.const 8)) (i32.store "
       "(i32.const 4) (i32.const 1))"
       "(i32.store8 (i32.const 8) (i32.const 0xff)) (i32.const 0))",
       "invalid utf-8"},
      {"func() -> string",
       "(func (export \"f\") (result i32) (i32.store (i32.const 0) (i32.const 8)) (i32.store "
       "(i32.const 4) (i32.const 2))"
       "(i32.store16 (i32.const 8) (i32.const 0x98e2)) (i32.const 0))",
       "incomplete utf-8 byte sequence"},
      {"func() -> string",
       "(func (export \"f\") (result i32) (i32.store (i32.const 0) (i32.const 8)) (i32.store "
       "(i32.const 4) (i32.const 2))"
       "(i32.store16 (i32.const 8) (i32.const 0x80ed)) (i32.const 0))",
       "incomplete utf-8 byte sequence"},
      {"func() -> string",
       "(func (export \"f\") (result i32) (i32.store (i32.const 0) (i32.const 8)) (i32.store "
       "(i32.const 4) (i32.const 2))"
       "(i32.store16 (i32.const 8) (i32.const 0xa0ed)) (i32.const 0))",
       "invalid utf-8"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_result_traps(f, cases[i].wit, cases[i].body, cases[i].message);
  }
}

static void assert_realloc_traps(fixture *f, const char *returns, const char *wit,
                                 const void *params, const char *message) {
  char text[512];
  snprintf(text, sizeof text, GUEST("i32.const %s", "(func (export \"f\") (param i32 i32))"),
           returns);
  world_reset(&f->w);
  load(f, text);
  assert_error(call(f, wit, "f", params, NULL), TN_ERROR_TRAP, message);
}

static void what_realloc_returns_is_checked_even_for_nothing(void **state) {
  fixture *f = *state;
  uint32_t numbers[] = {1, 2};
  struct {
    const void *data;
    size_t len;
  } two = {numbers, 2}, none = {NULL, 0};
  assert_realloc_traps(f, "-4", "func(a: list<u32>)", &two, "realloc return: beyond end of memory");
  assert_realloc_traps(f, "-4", "func(a: list<u32>)", &none,
                       "realloc return: beyond end of memory");
  assert_realloc_traps(f, "-1", "func(a: list<u32>)", &two, "realloc return: result not aligned");
  assert_realloc_traps(f, "65532", "func(a: list<u32>)", &two,
                       "wasm trap: list content out-of-bounds");
  assert_realloc_traps(f, "65535", "func(a: string)", &two,
                       "wasm trap: string content out-of-bounds");
  assert_realloc_traps(f, "2", "func(a: list<u32>)", &two, "wasm trap: unaligned pointer");
}

static void a_trap_in_realloc_ends_the_call(void **state) {
  fixture *f = *state;
  load(f, GUEST("unreachable", "(func (export \"f\") (param i32 i32))"));
  tn_str hello = TN_STR("hello");
  assert_error(call(f, "func(a: string)", "f", &hello, NULL), TN_ERROR_TRAP, "unreachable");
}

static tn_error *do_nothing(tn_call *call, void *data, const void *params, void *result) {
  (void)call, (void)data, (void)params, (void)result;
  return NULL;
}

static void neither_realloc_nor_post_return_may_call_out(void **state) {
  fixture *f = *state;
  f->options = world_options(&f->w, 2);
  tn_canon_options plain = world_no_options(2);
  tn_lowered *out = world_lower_host(&f->w, "func()", &plain, do_nothing, NULL);
  const char *text =
      "(module (import \"\" \"out\" (func $out)) (memory (export \"mem\") 1)"
      "(func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (call $out) (i32.const 8))"
      "(func (export \"post\") (call $out))"
      "(func (export \"take\") (param i32 i32)) (func (export \"f\") (call $out)))";
  f->guest = world_guest(&f->w, text, &out, 1);
  world_bind(&f->w, &f->options, &f->guest);
  assert_ok(call(f, "func()", "f", NULL, NULL));
  tn_str hello = TN_STR("hello");
  assert_error(call(f, "func(a: string)", "take", &hello, NULL), TN_ERROR_TRAP,
               "cannot leave component instance");

  world_reset(&f->w);
  f->options = world_options(&f->w, 2);
  f->guest = world_guest(&f->w, text, &out, 1);
  world_bind(&f->w, &f->options, &f->guest);
  f->options.post_return = world_func(&f->w, &f->guest, "post");
  assert_error(call(f, "func()", "f", NULL, NULL), TN_ERROR_TRAP,
               "cannot leave component instance");
}

static void post_return_gets_the_flat_results(void **state) {
  fixture *f = *state;
  load(f, GUEST("i32.const 8", "(func (export \"f\") (result i32) (i32.const 42))"
                               "(func (export \"post\") (param i32) (if (i32.ne (local.get 0) "
                               "(i32.const 42)) (then unreachable)))"));
  f->options.post_return = world_func(&f->w, &f->guest, "post");
  uint32_t result = 0;
  assert_ok(call(f, "func() -> u32", "f", NULL, &result));
  assert_int_equal(result, 42);
}

static tn_lowered *builtin(fixture *f, tn_canon_kind kind) {
  tn_ast_canon canon = {.kind = kind, .context_type = {.code = 0x7f}, .context_slot = 1};
  tn_canon_options options = world_no_options(2);
  tn_lowered *lowered = NULL;
  assert_ok(tn_canon_builtin(&f->w.arena, &canon, &options, NULL, &lowered));
  return lowered;
}

static void context_belongs_to_the_task_and_lasts_through_post_return(void **state) {
  fixture *f = *state;
  tn_lowered *imports[] = {builtin(f, TN_CANON_CONTEXT_GET), builtin(f, TN_CANON_CONTEXT_SET)};
  f->options = world_no_options(2);
  f->guest = world_guest(
      &f->w,
      "(module (import \"\" \"get\" (func $get (result i32))) (import \"\" \"set\" (func $set "
      "(param i32)))"
      "(func (export \"f\") (result i32) (local $before i32) (local.set $before (call $get))"
      "  (call $set (i32.const 42)) (local.get $before))"
      "(func (export \"post\") (param i32) (if (i32.ne (call $get) (i32.const 42)) (then "
      "unreachable))))",
      imports, 2);
  f->options.post_return = world_func(&f->w, &f->guest, "post");
  uint32_t before = 1;
  assert_ok(call(f, "func() -> u32", "f", NULL, &before));
  assert_int_equal(before, 0);
  assert_ok(call(f, "func() -> u32", "f", NULL, &before));
  assert_int_equal(before, 0);
}

static void a_builtin_that_cannot_run_yet_says_so(void **state) {
  fixture *f = *state;
  tn_lowered *yield = builtin(f, TN_CANON_THREAD_YIELD);
  f->options = world_no_options(2);
  f->guest = world_guest(
      &f->w,
      "(module (import \"\" \"y\" (func $y (result i32))) (func (export \"f\") (drop (call $y))))",
      &yield, 1);
  assert_error(call(f, "func()", "f", NULL, NULL), TN_ERROR_UNSUPPORTED,
               "`thread.yield` cannot be run yet");
}

/* ---- reentrance --------------------------------------------------------------------------------- */

/* The embedder enters the root's child 2 while it is active, through a host function. */
static tn_error *enter_again(tn_call *call, void *data, const void *params, void *result) {
  (void)params, (void)result;
  return tn_canon_call(tn_call_runtime(call), *(const tn_lifted **)data, NULL, NULL, NULL);
}

static void an_active_instance_cannot_be_entered(void **state) {
  fixture *f = *state;
  const tn_lifted *lifted = NULL;
  f->options = world_no_options(2);
  tn_lowered *again = world_lower_host(&f->w, "func()", &f->options, enter_again, &lifted);
  f->guest = world_guest(
      &f->w, "(module (import \"\" \"again\" (func $again)) (func (export \"f\") (call $again)))",
      &again, 1);
  lifted = world_lift(&f->w, "func()", &f->options, world_func(&f->w, &f->guest, "f"));
  assert_error(tn_canon_call(&f->w.runtime, lifted, NULL, NULL, NULL), TN_ERROR_TRAP,
               "wasm trap: cannot enter component instance");
}

static void components_do_not_call_what_encloses_them(void **state) {
  fixture *f = *state;
  tn_canon_options child = world_no_options(2), root = world_no_options(1);
  tn_core_instance inner = world_guest(&f->w, "(module (func (export \"f\")))", NULL, 0);
  const tn_lifted *of_root = world_lift(&f->w, "func()", &root, world_func(&f->w, &inner, "f"));
  tn_lowered *up = world_fuse(&f->w, &child, of_root);
  tn_core_instance outer = world_guest(
      &f->w, "(module (import \"\" \"f\" (func $f)) (func (export \"g\") (call $f)))", &up, 1);
  const tn_lifted *of_child = world_lift(&f->w, "func()", &child, world_func(&f->w, &outer, "g"));
  assert_error(tn_canon_call(&f->w.runtime, of_child, NULL, NULL, NULL), TN_ERROR_TRAP,
               "wasm trap: cannot enter component instance");
}

/* ---- the embedder's own mistakes ---------------------------------------------------------------- */

static void native_values_outside_their_type_are_refused(void **state) {
  fixture *f = *state;
  static const char text[] = GUEST(
      "i32.const 8", "(func (export \"one\") (param i32)) (func (export \"two\") (param i32 i32))");
  load(f, text);
  uint32_t surrogate = 0xd800;
  assert_error(call(f, "func(a: char)", "one", &surrogate, NULL), TN_ERROR_ARGUMENT,
               "not a Unicode scalar value");
  world_reset(&f->w);
  load(f, text);
  tn_str bad = TN_STR("\xff");
  assert_error(call(f, "func(a: string)", "two", &bad, NULL), TN_ERROR_ARGUMENT, "not valid UTF-8");
  world_reset(&f->w);
  load(f, text);
  uint8_t third_case = 2;
  assert_error(call(f, "func(a: result)", "one", &third_case, NULL), TN_ERROR_ARGUMENT,
               "not a case");
  world_reset(&f->w);
  load(f, text);
  tn_str endless = {"x", SIZE_MAX};
  assert_error(call(f, "func(a: string)", "two", &endless, NULL), TN_ERROR_ARGUMENT, "too long");
}

/* Nested lists that all point at the same memory would fill the host's. */
static void a_small_guest_cannot_make_the_host_allocate_without_end(void **state) {
  fixture *f = *state;
  load(f, GUEST("i32.const 8", "(func (export \"f\") (result i32) (local $i i32)"
                               "(loop $l (i32.store (local.get $i) (i32.const 0)) (i32.store "
                               "offset=4 (local.get $i) (i32.const 8000))"
                               "(br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) "
                               "(i32.const 8))) (i32.const 65536)))) (i32.const 0))"));
  uint8_t result[16];
  assert_error(call(f, "func() -> list<list<list<u8>>>", "f", NULL, result), TN_ERROR_LIMIT,
               "values of one call refer to more than");
}

/* ---- memory that moves and grows ----------------------------------------------------------------- */

static void memory_that_grows_in_realloc_is_found_again(void **state) {
  fixture *f = *state;
  load(f, "(module " WORLD_ALLOCATOR(
              "i32") "(func (export \"f\") (param i32 i32) (result i32) (i32.load8_u (i32.sub "
                     "(i32.add (local.get 0) (local.get 1)) (i32.const 1)))))");
  size_t size = 3 << 20;
  uint8_t *bytes = tn_calloc(size, 1);
  bytes[size - 1] = 77;
  struct {
    const void *data;
    size_t len;
  } list = {bytes, size};
  uint32_t result = 0;
  assert_ok(call(f, "func(a: list<u8>) -> u32", "f", &list, &result));
  assert_int_equal(result, 77);
  tn_free(bytes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(results_that_do_not_lie_in_memory_trap),
      TEST(values_outside_their_type_trap),
      TEST(what_realloc_returns_is_checked_even_for_nothing),
      TEST(a_trap_in_realloc_ends_the_call),
      TEST(neither_realloc_nor_post_return_may_call_out),
      TEST(post_return_gets_the_flat_results),
      TEST(context_belongs_to_the_task_and_lasts_through_post_return),
      TEST(a_builtin_that_cannot_run_yet_says_so),
      TEST(an_active_instance_cannot_be_entered),
      TEST(components_do_not_call_what_encloses_them),
      TEST(native_values_outside_their_type_are_refused),
      TEST(a_small_guest_cannot_make_the_host_allocate_without_end),
      TEST(memory_that_grows_in_realloc_is_found_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
