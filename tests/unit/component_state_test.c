/* What of an instance of a core module can change, by its bytes. */
#include <stdio.h>

#include "base/alloc.h"
#include "component/component.h"
#include "engine/engine.h"
#include "test.h"

typedef struct read_module {
  tn_arena arena;
  uint8_t *bytes;
  tn_core_state state;
} read_module;

static read_module read_text(const char *text) {
  read_module read = {0};
  size_t size = 0;
  const tn_core_module *module = NULL;
  assert_ok(tn_core_text_to_binary(tn_str_from(text), &read.bytes, &size));
  assert_ok(tn_core_module_read(&read.arena, (tn_str){(const char *)read.bytes, size}, 0, &module));
  assert_ok(tn_core_module_state(&read.arena, module, &read.state));
  return read;
}

static void free_module(read_module *read) {
  tn_arena_free(&read->arena);
  tn_free(read->bytes);
}

static bool is_plain(const char *text) {
  read_module read = read_text(text);
  bool is_plain = read.state.is_plain;
  free_module(&read);
  return is_plain;
}

static void lists_own_memories_and_globals_that_can_change(void **state) {
  (void)state;
  read_module read = read_text(
      "(module (import \"a\" \"f\" (func)) (import \"a\" \"m\" (memory 1)) (import \"a\" \"g\" "
      "(global (mut i32)))"
      " (import \"a\" \"h\" (global i64)) (memory 1) (memory 0 2) (global i32 (i32.const 70000))"
      " (global (mut i64) (i64.const -1)) (global funcref (ref.func 0)) (global (mut f32) "
      "(f32.const 1))"
      " (global (mut f64) (f64.const 1)) (global (mut i32) (i32.add (i32.const 1) (i32.const "
      "2))))");
  static const uint32_t expected[] = {1, 3, 4, 5};
  assert_true(read.state.is_plain);
  assert_int_equal(read.state.memory_count, 2);
  assert_int_equal(read.state.global_count, 4);
  assert_memory_equal(read.state.globals, expected, sizeof expected);
  free_module(&read);
  read = read_text("(module)");
  assert_true(read.state.is_plain);
  assert_int_equal(read.state.memory_count + read.state.global_count, 0);
  free_module(&read);
}

/* One instruction of each form, so that one that is stepped over wrongly shifts all that follow: they end with a
 * `table.set` that has to be found, or with none. */
static const char *const every_form[] = {
    "nop (block (result i32) (i32.const 1)) drop (block $a (loop $b (br_if $a (i32.const 1)) (br "
    "$b)))",
    "(if (i32.const 1) (then nop) (else nop)) (if (result i64) (i32.const 1) (then (i64.const 1)) "
    "(else (i64.const 2)))"
    " drop",
    "(block $a (block $b (block $c (br_table $a $b $c $a $b (i32.const 3)))))",
    "(block (type $two) (i32.const 1)) drop drop",
    "(call $f) (drop (call $g (i32.const 1))) (call_indirect $t (type $none) (i32.const 0))",
    "(call_ref $none (ref.func $f)) (drop (ref.is_null (ref.func $f))) (drop (ref.null func))"
    " (drop (ref.null extern)) (drop (ref.null $none))",
    "(block $l (drop (block (result (ref null $none)) (ref.null $none))))",
    "(drop (select (i32.const 1) (i32.const 2) (i32.const 0)))"
    " (drop (select (result (ref null $none)) (ref.null $none) (ref.null $none) (i32.const 0)))"
    " (drop (select (result i64) (i64.const 1) (i64.const 2) (i32.const 0)))",
    "(block $l (call_ref $none (br_on_null $l (ref.func $f)))) (block (result (ref $none))"
    " (br_on_non_null 0 (ref.func $f)) unreachable) drop (drop (ref.as_non_null (ref.func $f)))",
    "(local $x i32) (local.set $x (local.tee $x (local.get $x))) (global.set $n (global.get $n))",
    "(drop (table.get $t (i32.const 0))) (drop (table.size $t))",
    "(drop (i32.load (i32.const 8))) (drop (i64.load32_u offset=70000 align=1 (i32.const 8)))"
    " (i32.store8 (i32.const 8) (i32.const 9)) (f64.store offset=8 (i32.const 8) (f64.const 9))",
    "(drop (i32.load $second offset=4 (i32.const 8))) (i64.store $second (i32.const 8) (i64.const "
    "-9))",
    "(drop (memory.size)) (drop (memory.grow $second (i32.const 1)))",
    "(drop (i32.const -70000)) (drop (i64.const 0x7fffffffffffffff)) (drop (f32.const 1.5)) (drop "
    "(f64.const nan))",
    "(drop (i64.extend32_s (i64.mul (i64.const 2) (i64.const 3)))) (drop (i32.wrap_i64 (i64.const "
    "1)))",
    "(drop (i32.trunc_sat_f32_s (f32.const 1))) (drop (i64.trunc_sat_f64_u (f64.const 1)))",
    "(memory.init $d (i32.const 0) (i32.const 0) (i32.const 1)) (memory.fill (i32.const 0) "
    "(i32.const 1) (i32.const 2))"
    " (memory.copy $second 0 (i32.const 0) (i32.const 1) (i32.const 2))",
    "(drop (i64.add128 (i64.const 1) (i64.const 1) (i64.const 1) (i64.const 1))) drop"
    " (drop (i64.mul_wide_s (i64.const 1) (i64.const 1))) drop",
    "(drop (v128.load offset=16 (i32.const 0))) (drop (v128.const i32x4 0x26 0x26 0x26 0x26))"
    " (v128.store $second (i32.const 0) (v128.const i64x2 1 2))",
    "(drop (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 (v128.const i64x2 1 2) (v128.const "
    "i64x2 1 2)))",
    "(drop (i8x16.extract_lane_s 3 (v128.const i64x2 1 2)))"
    " (drop (f64x2.replace_lane 1 (v128.const i64x2 1 2) (f64.const 1)))",
    "(drop (v128.load16_lane offset=300 2 (i32.const 0) (v128.const i64x2 1 2)))"
    " (v128.store64_lane 1 (i32.const 0) (v128.const i64x2 1 2)) (drop (v128.load32_zero "
    "(i32.const 0)))",
    "(drop (i32x4.add (i32x4.splat (i32.const 1)) (i32x4.splat (i32.const 2))))"
    " (drop (i32x4.relaxed_trunc_f32x4_s (v128.const i64x2 1 2)))",
    "(drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1))) atomic.fence (i32.atomic.store8 "
    "(i32.const 0) (i32.const 1))"
    " (drop (memory.atomic.notify offset=8 (i32.const 0) (i32.const 1)))",
    "(return)",
    "(return_call $f)",
    "(return_call_indirect $t (type $none) (i32.const 0))",
    "(return_call_ref $none (ref.func $f))",
};

#define MODULE                                                                                     \
  "(module (type $none (func)) (type $two (func (param i32) (result i32 i32)))"                    \
  " (table $t 4 funcref) (memory 1) (memory $second 1) (global $n (mut i32) (i32.const 0))"        \
  " (data $d \"abc\") (elem $e declare func $f) (func $f)"                                         \
  " (func $g (param i32) (result i32) (i32.const 38))"

static char *with_body(const char *body, const char *more) {
  size_t size = strlen(body) + strlen(more) + sizeof MODULE + 64;
  char *text = tn_malloc(size);
  assert_non_null(text);
  snprintf(text, size, MODULE " (func (param i32) %s) (func %s))", body, more);
  return text;
}

static void steps_over_every_form_of_instruction(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof every_form / sizeof *every_form; i++) {
    const char *body = strcmp(every_form[i], "(block (type $two) (i32.const 1)) drop drop") == 0
                           ? "(i32.const 1) (block (type $two) (i32.const 2)) drop drop"
                           : every_form[i];
    char *text = with_body(body, "");
    if (!is_plain(text)) fail_msg("not stepped over: %s", body);
    tn_free(text);
    char *open = NULL;
    size_t size = strlen(body) + 128;
    open = tn_malloc(size);
    snprintf(open, size, "%s (table.set $t (i32.const 0) (ref.null func))", body);
    text = with_body(open, "");
    if (is_plain(text)) fail_msg("`table.set` not found behind: %s", body);
    tn_free(open);
    tn_free(text);
  }
}

static void what_else_can_change_is_found(void **state) {
  (void)state;
  static const char *const bodies[] = {
      "(table.set $t (i32.const 0) (ref.null func))",
      "(drop (table.grow $t (ref.null func) (i32.const 1)))",
      "(table.fill $t (i32.const 0) (ref.null func) (i32.const 1))",
      "(table.copy $t $t (i32.const 0) (i32.const 0) (i32.const 1))",
      "(table.init $t $e (i32.const 0) (i32.const 0) (i32.const 0))",
      "(elem.drop $e)",
      "(data.drop $d)",
  };
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
    char *text = with_body("", bodies[i]);
    if (is_plain(text)) fail_msg("not found: %s", bodies[i]);
    tn_free(text);
  }
}

static void other_kinds_of_state_are_not_plain(void **state) {
  (void)state;
  static const char *const modules[] = {
      "(module (global (mut funcref) (ref.null func)))",
      "(module (global (mut externref) (ref.null extern)))",
      "(module (global (mut v128) (v128.const i64x2 0 0)))",
      "(module (memory 1 1 shared))",
      "(module (tag $t) (func (throw $t)))",
      "(module (tag $t) (func (block $h (try_table (catch_all $h)))))",
      "(module (type $s (struct (field (mut i32)))) (func (drop (struct.new_default $s))))",
      "(module (func (drop (ref.i31 (i32.const 1)))))",
  };
  for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
    read_module read = {0};
    size_t size = 0;
    const tn_core_module *module = NULL;
    assert_ok(tn_core_text_to_binary(tn_str_from(modules[i]), &read.bytes, &size));
    assert_ok(
        tn_core_module_read(&read.arena, (tn_str){(const char *)read.bytes, size}, 0, &module));
    tn_error *error = tn_core_module_state(&read.arena, module, &read.state);
    if (error == NULL && read.state.is_plain) fail_msg("plain: %s", modules[i]);
    tn_error_delete(error);
    free_module(&read);
  }
}

/* Each prefix of a module that has everything, and each with one byte changed: it may fail or not, but ends. */
static void damaged_bytes_do_no_harm(void **state) {
  (void)state;
  char *text = with_body(every_form[2], every_form[20]);
  uint8_t *bytes = NULL;
  size_t size = 0;
  assert_ok(tn_core_text_to_binary(tn_str_from(text), &bytes, &size));
  tn_free(text);
  uint32_t refused = 0;
  for (size_t i = 8; i < size; i++) {
    for (int change = 0; change < 3; change++) {
      uint8_t *copy = tn_malloc(size);
      memcpy(copy, bytes, size);
      size_t length = change == 0 ? i : size;
      if (change > 0) copy[i] ^= change == 1 ? 0x80 : 0xff;
      uint8_t *exact = tn_malloc(length); /* so that a sanitizer sees what is read behind it */
      memcpy(exact, copy, length);
      tn_arena arena = {0};
      tn_core_state found;
      tn_core_module module = {.bytes = {(const char *)exact, length}};
      tn_error *error = tn_core_module_state(&arena, &module, &found);
      refused += error != NULL || !found.is_plain;
      tn_error_delete(error);
      tn_arena_free(&arena);
      tn_free(exact);
      tn_free(copy);
    }
  }
  assert_true(refused > size);
  tn_free(bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lists_own_memories_and_globals_that_can_change),
      cmocka_unit_test(steps_over_every_form_of_instruction),
      cmocka_unit_test(what_else_can_change_is_found),
      cmocka_unit_test(other_kinds_of_state_are_not_plain),
      cmocka_unit_test(damaged_bytes_do_no_harm),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
