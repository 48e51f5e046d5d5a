/* Values as the bytes of recordings. */
#include "canon_random.h"

#include "record/bytes.h"
#include "record/value_code.h"
#include "value/value.h"

enum { ROUNDS = 2000 };

static const tn_reserved nothing;

typedef struct sample {
  tn_arena arena;
  generator generator;
  const tn_type *type;
  uint8_t *value;
  tn_buffer bytes;
} sample;

static sample random_sample(uint64_t seed) {
  sample s = {.generator.state = seed * 0x9e3779b97f4a7c15u + 1};
  return s;
}

/* Apart from the former, because the generator points into the sample. */
static void fill(sample *s) {
  s->generator.arena = &s->arena;
  s->type = random_type(&s->generator, 4);
  s->value = tn_value_new(&s->arena, s->type);
  random_value(&s->generator, s->type, s->value);
  tn_value_encode(&s->bytes, s->type, s->value, &nothing);
  assert_false(s->bytes.failed);
}

static void free_sample(sample *s) {
  tn_buffer_free(&s->bytes);
  tn_arena_free(&s->arena);
}

static void random_values_come_back_as_they_were(void **state) {
  (void)state;
  for (uint64_t i = 0; i < ROUNDS; i++) {
    sample s = random_sample(i);
    fill(&s);
    tn_str rest = tn_buffer_str(&s.bytes);
    tn_error *error;
    void *decoded = tn_value_new(&s.arena, s.type);
    assert_true(tn_value_decode(&s.arena, s.type, &rest, decoded, &nothing, &error));
    assert_null(error);
    assert_int_equal(rest.len, 0);
    assert_true(values_equal(&s.generator, s.type, s.value, decoded));
    free_sample(&s);
  }
}

/* What is no value is refused; what is one can be written again. */
static void check_damaged(sample *s, tn_str bytes) {
  tn_str rest = bytes;
  tn_error *error;
  void *decoded = tn_value_new(&s->arena, s->type);
  if (!tn_value_decode(&s->arena, s->type, &rest, decoded, &nothing, &error)) {
    assert_null(error);
    return;
  }
  tn_buffer again = {0};
  tn_value_encode(&again, s->type, decoded, &nothing);
  tn_str same = tn_buffer_str(&again);
  void *last = tn_value_new(&s->arena, s->type);
  assert_true(tn_value_decode(&s->arena, s->type, &same, last, &nothing, &error));
  assert_true(values_equal(&s->generator, s->type, decoded, last));
  tn_buffer_free(&again);
}

static void bytes_that_are_cut_or_changed_do_no_harm(void **state) {
  (void)state;
  for (uint64_t i = 0; i < ROUNDS; i++) {
    sample s = random_sample(i);
    fill(&s);
    if (s.bytes.len > 0) {
      size_t at = pick(&s.generator, (uint32_t)s.bytes.len);
      check_damaged(&s, (tn_str){s.bytes.data, at});
      s.bytes.data[at] = (char)(s.bytes.data[at] ^ (1 << pick(&s.generator, 8)));
      check_damaged(&s, tn_buffer_str(&s.bytes));
    }
    free_sample(&s);
  }
}

static const tn_type *type_of(tn_arena *arena, const char *text) {
  tn_wit_scope scope = {.arena = arena};
  const tn_func_type *type = NULL;
  char signature[128];
  snprintf(signature, sizeof signature, "func() -> %s", text);
  assert_ok(tn_wit_parse_func(&scope, tn_str_from(signature), &type));
  return type->result;
}

static bool decodes(tn_arena *arena, const char *type_text, tn_str bytes,
                    const tn_reserved *reserved) {
  const tn_type *type = type_of(arena, type_text);
  tn_error *error;
  bool is_value = tn_value_decode(arena, type, &bytes, tn_value_new(arena, type), reserved, &error);
  assert_null(error);
  return is_value && bytes.len == 0;
}

static void bytes_that_are_no_value_are_refused(void **state) {
  (void)state;
  tn_arena arena = {0};
  assert_true(decodes(&arena, "bool", TN_STR("\1"), &nothing));
  assert_false(decodes(&arena, "bool", TN_STR("\2"), &nothing));
  assert_true(decodes(&arena, "option<u8>", TN_STR("\1\7"), &nothing));
  assert_false(decodes(&arena, "option<u8>", TN_STR("\2\7"), &nothing));
  assert_true(decodes(&arena, "string", TN_STR("\2\xc3\xa9"), &nothing));
  assert_false(decodes(&arena, "string", TN_STR("\1\xc3"), &nothing));
  assert_false(decodes(&arena, "string", TN_STR("\3ab"), &nothing));
  assert_true(decodes(&arena, "char", TN_STR("\x61\0\0\0"), &nothing));
  assert_false(decodes(&arena, "char", TN_STR("\x00\xd8\0\0"), &nothing));
  assert_false(
      decodes(&arena, "list<u16>", TN_STR("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02"), &nothing));
  tn_arena_free(&arena);
}

static void few_bytes_do_not_stand_for_much_memory(void **state) {
  (void)state;
  tn_arena arena = {0};
  char many[4096] = "\xfe\x1f"; /* 4094 times none, each as large as 16 MiB */
  assert_false(
      decodes(&arena, "list<option<list<u8, 16777216>>>", (tn_str){many, sizeof many}, &nothing));
  tn_arena_free(&arena);
}

static void bytes_in_reserved_memory_go_there_again(void **state) {
  (void)state;
  tn_arena arena = {0};
  const tn_type *type = type_of(&arena, "list<u8>");
  uint8_t there[8] = "abcdefg", here[8] = "";
  native_list list = {there, 3};
  tn_reserved first = {there, sizeof there}, second = {here, sizeof here};
  tn_buffer bytes = {0};
  tn_value_encode(&bytes, type, &list, &first);
  native_list decoded = {NULL, 0};
  tn_str rest = tn_buffer_str(&bytes);
  tn_error *error;
  assert_true(tn_value_decode(&arena, type, &rest, &decoded, &second, &error));
  assert_ptr_equal(decoded.data, here);
  assert_int_equal(decoded.len, 3);
  assert_memory_equal(here, "abc\0", 4);
  tn_reserved small = {here, 2};
  assert_false(decodes(&arena, "list<u8>", tn_buffer_str(&bytes), &small));
  assert_false(decodes(&arena, "list<u8>", tn_buffer_str(&bytes), &nothing));
  tn_buffer_free(&bytes);
  tn_arena_free(&arena);
}

static void numbers_have_at_most_64_bits(void **state) {
  (void)state;
  static const uint64_t numbers[] = {0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    tn_buffer bytes = {0};
    uint64_t number;
    tn_put_number(&bytes, numbers[i]);
    tn_str rest = tn_buffer_str(&bytes);
    assert_true(tn_take_number(&rest, &number));
    assert_int_equal(number, numbers[i]);
    assert_int_equal(rest.len, 0);
    rest = tn_str_slice(tn_buffer_str(&bytes), 0, bytes.len - 1);
    assert_false(tn_take_number(&rest, &number));
    tn_buffer_free(&bytes);
  }
  tn_str beyond = TN_STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02");
  uint64_t number;
  assert_false(tn_take_number(&beyond, &number));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_values_come_back_as_they_were),
      cmocka_unit_test(bytes_that_are_cut_or_changed_do_no_harm),
      cmocka_unit_test(bytes_that_are_no_value_are_refused),
      cmocka_unit_test(few_bytes_do_not_stand_for_much_memory),
      cmocka_unit_test(bytes_in_reserved_memory_go_there_again),
      cmocka_unit_test(numbers_have_at_most_64_bits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
