/* What is said of two recordings of a call that are not the same: never the same text twice. */
#include "test.h"

#include <stdio.h>

#include "base/alloc.h"
#include "record/bytes.h"
#include "record/difference.h"
#include "record/value_code.h"
#include "value/value.h"
#include "wit/wit.h"

typedef struct fixture {
  tn_arena arena;
  const tn_type *type;
  tn_buffer encoded[2], text;
} fixture;

static void start(fixture *f, const char *type) {
  *f = (fixture){0};
  tn_wit_scope scope = {.arena = &f->arena};
  if (type != NULL) assert_ok(tn_wit_parse_type(&scope, tn_str_from(type), &f->type));
}

static void encode(fixture *f, size_t index, const char *wave) {
  static const tn_reserved nothing;
  void *value = tn_value_new(&f->arena, f->type);
  assert_non_null(value);
  assert_ok(tn_wave_parse(&f->arena, f->type, tn_str_from(wave), value, NULL));
  tn_value_encode(&f->encoded[index], f->type, value, &nothing);
}

/* Takes what was written to f->text. */
static void finish(fixture *f, const char *expected) {
  char *text = tn_buffer_take(&f->text);
  assert_string_equal(text, expected);
  tn_free(text);
  tn_buffer_free(&f->encoded[0]);
  tn_buffer_free(&f->encoded[1]);
  tn_arena_free(&f->arena);
}

static void assert_values(const char *type, const char *one, const char *other,
                          const char *expected) {
  fixture f;
  start(&f, type);
  encode(&f, 0, one);
  encode(&f, 1, other);
  tn_difference_of_values(&f.text, f.type, tn_buffer_str(&f.encoded[0]),
                          tn_buffer_str(&f.encoded[1]));
  finish(&f, expected);
}

static void short_values_are_shown_whole(void **state) {
  (void)state;
  assert_values("u32", "7", "9", "7, and now 9");
  assert_values("tuple<string, option<u8>>", "(\"a\", none)", "(\"a\", some(1))",
                "(\"a\", none), and now (\"a\", some(1))");
}

static void long_values_are_shown_about_their_difference(void **state) {
  (void)state;
  char texts[2][520];
  for (size_t i = 0; i < 2; i++) {
    memset(texts[i], 'x', 500);
    texts[i][0] = '"';
    memcpy(texts[i] + 300, i == 0 ? "näh" : "nöh", strlen("näh"));
    strcpy(texts[i] + 500, "\"");
  }
  char expected[800], before[80], behind[90];
  memset(before, 'x', 79);
  before[79] = '\0';
  memset(behind, 'x', 77);
  behind[77] = '\0';
  snprintf(expected, sizeof expected, "…%sn%sh%s…, and now …%sn%sh%s… (from character 302 on)",
           before, "ä", behind, before, "ö", behind);
  assert_values("string", texts[0], texts[1], expected);
}

static void values_that_look_the_same_are_shown_as_bytes(void **state) {
  (void)state;
  fixture f;
  start(&f, "f32");
  tn_difference_of_values(&f.text, f.type, TN_STR("\x00\x00\xc0\x7f"), TN_STR("\x01\x00\xc0\x7f"));
  finish(
      &f,
      "what is encoded as \"\\x00\\x00\\xc0\\x7f\", and now \"\\x01\\x00\\xc0\\x7f\" (from byte 1 on)");
}

static void what_is_no_value_is_shown_as_bytes(void **state) {
  (void)state;
  fixture f;
  start(&f, "string");
  tn_difference_of_values(&f.text, f.type, TN_STR("\x02yes"), TN_STR("\x09no"));
  finish(&f,
         "\"\\x02yes\", and now \"\\x09no\" (from byte 1 on; there were 4 bytes, and now are 3)");
}

static void long_bytes_are_shown_about_their_difference(void **state) {
  (void)state;
  char one[100], other[100];
  memset(one, 'a', sizeof one);
  memset(other, 'a', sizeof other);
  other[60] = '"';
  fixture f;
  start(&f, NULL);
  tn_difference_of_bytes(&f.text, (tn_str){one, 100}, (tn_str){other, 100});
  finish(&f, "\"…aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…\", and now "
             "\"…aaaaaaaaaaaaaaaa\\\"aaaaaaaaaaaaaaaaaaaaaaa…\" (from byte 61 on)");
}

/* ---- core functions --------------------------------------------------------------------------------- */

static void add_numbers(tn_buffer *out, const uint64_t *numbers, size_t count) {
  for (size_t i = 0; i < count; i++)
    tn_put_number(out, numbers[i]);
}

static void parameters_are_told_by_number_and_by_what_they_point_to(void **state) {
  (void)state;
  fixture f;
  start(&f, NULL);
  add_numbers(&f.encoded[0], (const uint64_t[]){1, 300}, 2);
  add_numbers(&f.encoded[1], (const uint64_t[]){1, 301}, 2);
  tn_difference_of_core_params(&f.text, 2, tn_buffer_str(&f.encoded[0]),
                               tn_buffer_str(&f.encoded[1]));
  finish(&f, "300 as parameter 2, and now 301");
  start(&f, NULL);
  tn_difference_of_core_params(&f.text, 1, TN_STR("\x01hello"), TN_STR("\x01hallo"));
  finish(&f, "\"hello\", and now \"hallo\" (from byte 2 on)");
}

static void add_result(tn_buffer *out, uint64_t result, uint64_t address, tn_str bytes) {
  add_numbers(out, (const uint64_t[]){result, bytes.data != NULL}, 2);
  if (bytes.data == NULL) return;
  tn_put_number(out, address);
  tn_put_bytes(out, bytes);
}

static void assert_core_results(uint64_t result, uint64_t address, tn_str bytes,
                                const char *expected) {
  fixture f;
  start(&f, NULL);
  add_result(&f.encoded[0], 0, 64, TN_STR("noon"));
  add_result(&f.encoded[1], result, address, bytes);
  tn_difference_of_core_results(&f.text, tn_buffer_str(&f.encoded[0]),
                                tn_buffer_str(&f.encoded[1]));
  finish(&f, expected);
}

static void results_are_told_by_number_and_by_what_was_written(void **state) {
  (void)state;
  assert_core_results(28, 64, TN_STR("noon"), "0, and now 28");
  assert_core_results(0, 64, TN_STR("none"),
                      "\"noon\" at address 64, and now \"none\" at address 64 (from byte 3 on)");
  assert_core_results(0, 65, TN_STR("noon"),
                      "\"noon\" at address 64, and now \"noon\" at address 65");
  assert_core_results(0, 0, (tn_str){NULL, 0},
                      "\"noon\" at address 64, and now nothing more in the guest's memory");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(short_values_are_shown_whole),
      cmocka_unit_test(long_values_are_shown_about_their_difference),
      cmocka_unit_test(values_that_look_the_same_are_shown_as_bytes),
      cmocka_unit_test(what_is_no_value_is_shown_as_bytes),
      cmocka_unit_test(long_bytes_are_shown_about_their_difference),
      cmocka_unit_test(parameters_are_told_by_number_and_by_what_they_point_to),
      cmocka_unit_test(results_are_told_by_number_and_by_what_was_written),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
