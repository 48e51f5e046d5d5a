#include "test.h"

#include "base/alloc.h"
#include "base/arena.h"
#include "base/buffer.h"
#include "base/map.h"
#include "base/utf.h"
#include "base/vec.h"

static void arena_hands_out_aligned_cleared_memory(void **state) {
  (void)state;
  tn_arena arena = {0};
  for (size_t alignment = 1; alignment <= 4096; alignment *= 2) {
    void *bytes = tn_arena_alloc(&arena, 3, alignment);
    assert_int_equal((uintptr_t)bytes % alignment, 0);
  }
  const char *cleared = tn_arena_calloc(&arena, 1000, 1);
  for (int i = 0; i < 1000; i++)
    assert_int_equal(cleared[i], 0);
  assert_null(tn_arena_calloc(&arena, SIZE_MAX, 2));
  tn_arena_reset(&arena);
  assert_non_null(tn_arena_alloc(&arena, 100000, 8));
  tn_arena_free(&arena);
}

static void vector_keeps_its_elements_while_it_grows(void **state) {
  (void)state;
  tn_arena arena = {0};
  TN_VEC(int) numbers = {0};
  for (int i = 0; i < 1000; i++)
    *TN_VEC_PUSH(&arena, &numbers) = i;
  for (int i = 0; i < 1000; i++)
    assert_int_equal(numbers.items[i], i);
  tn_arena_free(&arena);
}

static void map_finds_what_was_put(void **state) {
  (void)state;
  tn_arena arena = {0};
  tn_map map = {0};
  assert_null(tn_map_get(&map, TN_STR("x")));
  for (int i = 0; i < 500; i++) {
    tn_str key = tn_arena_format(&arena, "key%d", i);
    assert_true(tn_map_put(&arena, &map, key, (void *)(uintptr_t)(i + 1)));
  }
  assert_int_equal((uintptr_t)tn_map_get(&map, TN_STR("key77")), 78);
  assert_false(tn_map_has(&map, TN_STR("key500")));
  int seen = 0;
  for (tn_map_entry *e = tn_map_next(&map, NULL); e != NULL; e = tn_map_next(&map, e))
    seen++;
  assert_int_equal(seen, 500);
  tn_arena_free(&arena);
}

static void utf8_follows_the_unicode_table(void **state) {
  (void)state;
  assert_true(tn_utf8_is_valid("h\xc3\xa9llo \xf0\x9f\x98\x80", 11));
  const char *bad[] = {
      "\xc0\x80",         "\xc1\xbf",         "\xe0\x9f\x80", "\xed\xa0\x80", "\xf0\x8f\x80\x80",
      "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\x80",         "\xe2\x82",     "\xff"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_false(tn_utf8_is_valid(bad[i], strlen(bad[i])));
  }
  char long_text[200];
  memset(long_text, 'a', sizeof long_text);
  long_text[150] = (char)0x80;
  assert_false(tn_utf8_is_valid(long_text, sizeof long_text));
}

static void every_scalar_value_survives_both_encodings(void **state) {
  (void)state;
  for (uint32_t c = 0; c < 0x110000; c++) {
    if (!tn_is_scalar_value(c)) continue;
    uint8_t bytes[4];
    uint32_t back;
    size_t length = tn_utf8_encode(c, bytes);
    if (!tn_utf8_is_valid(bytes, length) || tn_utf8_decode(bytes, &back) != length || back != c)
      fail_msg("utf-8 U+%04X", c);
    length = tn_utf16_encode(c, bytes);
    if (!tn_utf16_is_valid(bytes, length) || tn_utf16_decode(bytes, &back) != length || back != c)
      fail_msg("utf-16 U+%04X", c);
  }
}

static void errors_carry_context_and_survive_lack_of_memory(void **state) {
  (void)state;
  tn_error *error = tn_error_wrap(tn_error_new(TN_ERROR_LINK, "no %s", "import"), "while linking");
  assert_string_equal(tn_error_get_message(error), "while linking: no import");
  tn_error_delete(error);
  for (int n = 0; n < 2; n++) {
    tn_alloc_fail_after(n);
    error = tn_error_new(TN_ERROR_TRAP, "x");
    assert_true(tn_alloc_did_fail());
    tn_alloc_fail_after(-1);
    assert_int_equal(tn_error_get_kind(error), TN_ERROR_NO_MEMORY);
    tn_error_delete(error);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(arena_hands_out_aligned_cleared_memory),
      cmocka_unit_test(vector_keeps_its_elements_while_it_grows),
      cmocka_unit_test(map_finds_what_was_put),
      cmocka_unit_test(utf8_follows_the_unicode_table),
      cmocka_unit_test(every_scalar_value_survives_both_encodings),
      cmocka_unit_test(errors_carry_context_and_survive_lack_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
