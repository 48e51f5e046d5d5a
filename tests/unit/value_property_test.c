/* Properties of values of random types: what is printed reads back equal, copies are equal; and equality. */
#include "test.h"

#include <math.h>

#include "base/alloc.h"
#include "base/utf.h"
#include "value/value.h"
#include "wit/wit.h"

/* ---- randomness: xorshift, so that a failure can be repeated from its seed ------------------------ */

static uint64_t random_state;

static uint64_t next_random(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state * UINT64_C(0x2545f4914f6cdd1d);
}

static uint32_t below(uint32_t bound) {
  return (uint32_t)((next_random() >> 32) % bound);
}

/* ---- types --------------------------------------------------------------------------------------- */

static const tn_str labels[] = {{"a", 1},   {"some", 4}, {"none", 4},  {"ok", 2},
                                {"err", 3}, {"true", 4}, {"b-c-2", 5}, {"XML", 3},
                                {"nan", 3}, {"list", 4}, {"false", 5}, {"inf", 3}};
enum { LABELS = sizeof labels / sizeof *labels };

static const tn_type *random_type(tn_arena *arena, uint32_t depth);

static const tn_type *random_payload(tn_arena *arena, uint32_t depth) {
  return below(3) == 0 ? NULL : random_type(arena, depth);
}

static const tn_type *random_type(tn_arena *arena, uint32_t depth) {
  static const tn_type_kind compound[] = {TN_TYPE_LIST,   TN_TYPE_FIXED_LIST, TN_TYPE_MAP,
                                          TN_TYPE_RECORD, TN_TYPE_TUPLE,      TN_TYPE_VARIANT,
                                          TN_TYPE_ENUM,   TN_TYPE_OPTION,     TN_TYPE_RESULT,
                                          TN_TYPE_FLAGS,  TN_TYPE_OPTION,     TN_TYPE_RESULT};
  if (depth == 0 || below(4) == 0) return tn_type_primitive(below(TN_TYPE_STRING + 1));
  tn_type *type = TN_ARENA_NEW(arena, tn_type);
  const tn_type **types = TN_ARENA_ARRAY(arena, const tn_type *, LABELS);
  type->kind = compound[below(sizeof compound / sizeof *compound)];
  type->types = types;
  type->labels = labels;
  type->length = 1 + below(3);
  switch (type->kind) {
  case TN_TYPE_LIST:
  case TN_TYPE_FIXED_LIST:
  case TN_TYPE_OPTION:
    type->count = 1;
    types[0] = random_type(arena, depth - 1);
    break;
  case TN_TYPE_MAP:
    type->count = 2;
    types[0] = tn_type_primitive(below(2) == 0 ? TN_TYPE_STRING : TN_TYPE_S16);
    types[1] = random_type(arena, depth - 1);
    break;
  case TN_TYPE_RESULT:
    type->count = 2;
    for (uint32_t i = 0; i < 2; i++)
      types[i] = random_payload(arena, depth - 1);
    break;
  default:
    type->count = 1 + below(LABELS);
    for (uint32_t i = 0; i < type->count; i++) {
      types[i] = type->kind == TN_TYPE_VARIANT ? random_payload(arena, depth - 1)
                                               : random_type(arena, depth - 1);
    }
    break;
  }
  assert_ok(tn_type_finish(arena, type));
  return type;
}

/* ---- values -------------------------------------------------------------------------------------- */

static uint32_t random_character(void) {
  static const uint32_t ceilings[] = {0x20, 0x80, 0x100, 0x3000, 0x110000};
  while (true) {
    uint32_t character = below(ceilings[below(5)]);
    if (tn_is_scalar_value(character)) return character;
  }
}

static tn_str random_string(tn_arena *arena) {
  uint8_t *bytes = tn_arena_alloc(arena, 40, 1);
  size_t used = 0;
  for (uint32_t i = below(8); i > 0; i--)
    used += tn_utf8_encode(random_character(), bytes + used);
  return (tn_str){(char *)bytes, used};
}

static void random_bits(void *out, size_t size) {
  static const uint64_t edges[] = {
      0, 1, UINT64_MAX, INT64_MAX, (uint64_t)INT64_MIN, 0x80, 0x7f80000000000000};
  uint64_t bits = below(3) == 0 ? edges[below(7)] : next_random() >> below(64);
  memcpy(out, &bits, size);
}

typedef struct list_form {
  void *data;
  size_t len;
} list_form;

static void random_value(tn_arena *arena, const tn_type *type, void *out);

static void random_elements(tn_arena *arena, const tn_type *element, void *data, size_t count) {
  for (size_t i = 0; i < count; i++)
    random_value(arena, element, (char *)data + i * element->layout[1].size);
}

static void random_map(tn_arena *arena, const tn_type *type, list_form *out) {
  const tn_type **parts = TN_ARENA_ARRAY(arena, const tn_type *, 2);
  parts[0] = type->types[0];
  parts[1] = type->types[1];
  tn_type *entry = TN_ARENA_NEW(arena, tn_type);
  *entry = (tn_type){.kind = TN_TYPE_TUPLE, .count = 2, .types = parts};
  assert_ok(tn_type_finish(arena, entry));
  out->len = below(4);
  out->data = tn_arena_calloc(arena, out->len, entry->layout[1].size);
  random_elements(arena, entry, out->data, out->len);
}

static void random_case(tn_arena *arena, const tn_type *type, void *out) {
  uint32_t count = type->kind == TN_TYPE_OPTION || type->kind == TN_TYPE_RESULT ? 2 : type->count;
  uint32_t tag = below(count);
  *(uint8_t *)out = (uint8_t)tag;
  const tn_type *payload = NULL;
  if (type->kind == TN_TYPE_OPTION) {
    payload = tag == 0 ? NULL : type->types[0];
  } else if (type->kind != TN_TYPE_ENUM) {
    payload = type->types[tag];
  }
  if (payload != NULL) random_value(arena, payload, (char *)out + type->payload_offset[1]);
}

static void random_value(tn_arena *arena, const tn_type *type, void *out) {
  switch (type->kind) {
  case TN_TYPE_BOOL:
    *(uint8_t *)out = (uint8_t)below(2);
    break;
  case TN_TYPE_CHAR:
    *(uint32_t *)out = random_character();
    break;
  case TN_TYPE_STRING:
    *(tn_str *)out = random_string(arena);
    break;
  case TN_TYPE_LIST: {
    list_form *list = out;
    list->len = below(4);
    list->data = tn_arena_calloc(arena, list->len, type->types[0]->layout[1].size);
    random_elements(arena, type->types[0], list->data, list->len);
    break;
  }
  case TN_TYPE_FIXED_LIST:
    random_elements(arena, type->types[0], out, type->length);
    break;
  case TN_TYPE_MAP:
    random_map(arena, type, out);
    break;
  case TN_TYPE_RECORD:
  case TN_TYPE_TUPLE:
    for (uint32_t i = 0; i < type->count; i++) {
      random_value(arena, type->types[i], (char *)out + type->field_offset[1][i]);
    }
    break;
  case TN_TYPE_FLAGS: {
    uint32_t bits = below(UINT32_C(1) << type->count);
    memcpy(out, &bits, type->discriminant_size);
    break;
  }
  case TN_TYPE_VARIANT:
  case TN_TYPE_ENUM:
  case TN_TYPE_OPTION:
  case TN_TYPE_RESULT:
    random_case(arena, type, out);
    break;
  default:
    random_bits(out, type->layout[1].size);
    break;
  }
}

/* ---- properties ---------------------------------------------------------------------------------- */

enum { ROUNDS = 4000 };

typedef void (*print_func)(tn_buffer *out, const tn_type *type, const void *value);

static tn_error *parse_wave(tn_arena *arena, const tn_type *type, tn_str text, void *out) {
  return tn_wave_parse(arena, type, text, out, NULL);
}

static void assert_round_trips(print_func print,
                               tn_error *(*parse)(tn_arena *, const tn_type *, tn_str, void *)) {
  for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
    tn_arena arena = {0};
    random_state = seed * UINT64_C(0x9e3779b97f4a7c15);
    const tn_type *type = random_type(&arena, 4);
    void *value = tn_value_new(&arena, type);
    void *again = tn_value_new(&arena, type);
    random_value(&arena, type, value);
    tn_buffer out = {0};
    print(&out, type, value);
    assert_false(out.failed);
    assert_ok(parse(&arena, type, tn_buffer_str(&out), again));
    if (!tn_value_equal(type, value, again))
      fail_msg("seed %u: %.*s", (unsigned)seed, (int)out.len, out.data);
    tn_buffer_free(&out);
    tn_arena_free(&arena);
  }
}

static void what_wave_prints_reads_back_equal(void **state) {
  (void)state;
  assert_round_trips(tn_wave_print, parse_wave);
}

static void what_json_prints_reads_back_equal(void **state) {
  (void)state;
  assert_round_trips(tn_json_print, tn_json_parse);
}

static void what_is_printed_of_a_type_reads_back_equal(void **state) {
  (void)state;
  static const char source[] =
      "list<tuple<map<string, option<u8>>, result<_, list<f32, 3>>, stream<char>>>";
  tn_arena arena = {0};
  tn_wit_scope scope = {.arena = &arena};
  const tn_type *type = NULL;
  const tn_type *again = NULL;
  tn_buffer out = {0};
  assert_ok(tn_wit_parse_type(&scope, TN_STR(source), &type));
  tn_wit_print_type(&out, type);
  assert_ok(tn_wit_parse_type(&scope, tn_buffer_str(&out), &again));
  assert_true(tn_type_equal(type, again));
  tn_buffer_free(&out);
  tn_arena_free(&arena);
}

static void copies_are_equal_and_independent(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
    tn_arena arena = {0};
    tn_arena source = {0};
    random_state = seed * UINT64_C(0x9e3779b97f4a7c15);
    const tn_type *type = random_type(&arena, 4);
    void *value = tn_value_new(&source, type);
    random_value(&source, type, value);
    void *copy = tn_value_new(&arena, type);
    tn_buffer before = {0};
    tn_buffer after = {0};
    tn_wave_print(&before, type, value);
    assert_ok(tn_value_copy(&arena, type, value, copy));
    assert_true(tn_value_equal(type, value, copy));
    tn_arena_free(&source);
    tn_wave_print(&after, type, copy);
    assert_true(tn_str_equal(tn_buffer_str(&before), tn_buffer_str(&after)));
    tn_buffer_free(&before);
    tn_buffer_free(&after);
    tn_arena_free(&arena);
  }
}

static void a_copy_reports_every_failing_allocation(void **state) {
  (void)state;
  static const char text[] = "[(\"a\", [(\"k\", [\"v\"])]), (\"b\", [])]";
  tn_arena arena = {0};
  tn_wit_scope scope = {.arena = &arena};
  const tn_type *type = NULL;
  assert_ok(
      tn_wit_parse_type(&scope, TN_STR("list<tuple<string, map<string, list<string>>>>"), &type));
  void *value = tn_value_new(&arena, type);
  void *copy = tn_value_new(&arena, type);
  assert_ok(tn_wave_parse(&arena, type, TN_STR(text), value, NULL));
  tn_arena target = {0};
  tn_alloc_fail_after(0);
  assert_error(tn_value_copy(&target, type, value, copy), TN_ERROR_NO_MEMORY, "");
  tn_alloc_fail_after(-1);
  tn_arena_free(&target);
  tn_arena_free(&arena);
}

static void assert_equality(const char *type_text, const char *a_text, const char *b_text,
                            bool expected) {
  tn_arena arena = {0};
  tn_wit_scope scope = {.arena = &arena};
  const tn_type *type = NULL;
  assert_ok(tn_wit_parse_type(&scope, tn_str_from(type_text), &type));
  void *a = tn_value_new(&arena, type);
  void *b = tn_value_new(&arena, type);
  assert_ok(tn_wave_parse(&arena, type, tn_str_from(a_text), a, NULL));
  assert_ok(tn_wave_parse(&arena, type, tn_str_from(b_text), b, NULL));
  assert_int_equal(tn_value_equal(type, a, b), expected);
  assert_int_equal(tn_value_equal(type, b, a), expected);
  tn_arena_free(&arena);
}

static void equality_is_deep_and_exact(void **state) {
  (void)state;
  assert_equality("f64", "nan", "nan", true);
  assert_equality("f32", "0", "-0", false);
  assert_equality("list<f64>", "[1, nan]", "[1, nan]", true);
  assert_equality("list<f64>", "[1, nan]", "[1]", false);
  assert_equality("list<u8>", "[1, 2]", "[1, 3]", false);
  assert_equality("list<u8, 2>", "[1, 2]", "[1, 3]", false);
  assert_equality("list<string>", "[\"a\"]", "[\"b\"]", false);
  assert_equality("tuple<u8, string>", "(1, \"a\")", "(1, \"b\")", false);
  assert_equality("option<u8>", "none", "some(0)", false);
  assert_equality("result<u8, u8>", "ok(1)", "err(1)", false);
  assert_equality("result<u8, u8>", "ok(1)", "ok(2)", false);
  assert_equality("map<u8, u8>", "[(1, 2), (3, 4)]", "[(3, 4), (1, 2)]", false);
  assert_equality("map<u8, u8>", "[(1, 2)]", "[(1, 2), (3, 4)]", false);
  assert_equality("char", "'a'", "'b'", false);
}

static void any_byte_but_0_is_true(void **state) {
  (void)state;
  uint8_t one = 1;
  uint8_t two = 2;
  uint8_t zero = 0;
  assert_true(tn_value_equal(tn_type_primitive(TN_TYPE_BOOL), &one, &two));
  assert_false(tn_value_equal(tn_type_primitive(TN_TYPE_BOOL), &zero, &two));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_wave_prints_reads_back_equal),
      cmocka_unit_test(what_json_prints_reads_back_equal),
      cmocka_unit_test(what_is_printed_of_a_type_reads_back_equal),
      cmocka_unit_test(copies_are_equal_and_independent),
      cmocka_unit_test(a_copy_reports_every_failing_allocation),
      cmocka_unit_test(equality_is_deep_and_exact),
      cmocka_unit_test(any_byte_but_0_is_true),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
