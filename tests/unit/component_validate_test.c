/* Validation of components. The outside suite of the specification covers most rules; here is what it leaves out:
 * values, limits on work, running out of memory, and rules that its tools do not have. */
#include "test.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "component/component.h"
#include "component_sample.h"

/* ---- assembling components --------------------------------------------------------------------- */

enum { TYPES = 7, CANON = 8, START = 9, IMPORTS = 10, EXPORTS = 11, VALUES = 12 };

static tn_buffer file;

static void begin(void) {
  tn_buffer_free(&file);
  tn_buffer_append(&file, "\0asm\x0d\0\1\0", 8);
}

/* LEB128 that reads the same as a signed and as an unsigned number. */
static void append_u32(tn_buffer *out, uint32_t number) {
  for (; number >= 0x40; number >>= 7)
    tn_buffer_append_byte(out, (uint8_t)(number | 0x80));
  tn_buffer_append_byte(out, (uint8_t)number);
}

static void section(uint8_t id, tn_str body) {
  tn_buffer_append_byte(&file, id);
  append_u32(&file, (uint32_t)body.len);
  tn_buffer_append_str(&file, body);
}

/* A section of one item. */
static void item(uint8_t id, tn_str body) {
  tn_buffer bytes = {0};
  tn_buffer_append_byte(&bytes, 1);
  tn_buffer_append_str(&bytes, body);
  section(id, tn_buffer_str(&bytes));
  tn_buffer_free(&bytes);
}

#define ITEM(id, text) item((id), TN_STR(text))

static tn_error *validate_bytes(tn_str bytes) {
  tn_arena arena = {0};
  tn_arena scratch = {0};
  const tn_component_ast *component;
  tn_error *error = tn_component_decode(&arena, bytes, &component);
  if (error != NULL) fail_msg("%s", tn_error_get_message(error));
  error = tn_component_validate(&scratch, component);
  tn_arena_free(&scratch);
  tn_arena_free(&arena);
  return error;
}

static tn_error *validate(void) {
  return validate_bytes(tn_buffer_str(&file));
}

static void expect_valid(void) {
  assert_ok(validate());
}

static void expect_invalid(const char *text) {
  assert_error(validate(), TN_ERROR_INVALID, text);
}

static int free_file(void **state) {
  (void)state;
  tn_buffer_free(&file);
  return 0;
}

/* ---- the whole --------------------------------------------------------------------------------- */

static tn_str sample_bytes(void) {
  return (tn_str){(const char *)sample, sizeof sample};
}

static void a_component_with_most_kinds_of_definitions_is_valid(void **state) {
  (void)state;
  assert_ok(validate_bytes(sample_bytes()));
}

static void each_failing_allocation_is_a_clean_error(void **state) {
  (void)state;
  tn_arena arena = {0};
  const tn_component_ast *component;
  assert_ok(tn_component_decode(&arena, sample_bytes(), &component));
  bool has_failed = true;
  int64_t count = 0;
  for (; has_failed; count++) {
    tn_arena scratch = {0};
    tn_alloc_fail_after(count);
    tn_error *error = tn_component_validate(&scratch, component);
    has_failed = tn_alloc_did_fail();
    tn_alloc_fail_after(-1);
    if (has_failed) {
      assert_non_null(error);
      assert_int_equal(tn_error_get_kind(error), TN_ERROR_NO_MEMORY);
    } else {
      assert_null(error);
    }
    tn_error_delete(error);
    tn_arena_free(&scratch);
  }
  assert_true(count > 1);
  tn_arena_free(&arena);
}

static void an_error_says_where_it_is(void **state) {
  (void)state;
  begin();
  ITEM(TYPES, "\x69\x05"); /* (own 5) */
  expect_invalid("unknown type 5: type index out of bounds (at offset 0xb)");
}

/* ---- values ------------------------------------------------------------------------------------ */

#define IMPORT_U32_VALUE     "\0\1a\2\1\x79" /* (import "a" (value u32)) */
#define EXPORT_VALUE_0(name) "\0\1" name "\2\0\0"

static void a_value_must_be_consumed(void **state) {
  (void)state;
  begin();
  ITEM(IMPORTS, IMPORT_U32_VALUE);
  expect_invalid(
      "value index 0 was not used as part of an instantiation, start function, or export");
  ITEM(EXPORTS, EXPORT_VALUE_0("b"));
  expect_valid();
}

static void a_value_must_not_be_consumed_twice(void **state) {
  (void)state;
  begin();
  ITEM(IMPORTS, IMPORT_U32_VALUE);
  ITEM(EXPORTS, EXPORT_VALUE_0("b"));
  ITEM(EXPORTS, EXPORT_VALUE_0("c"));
  expect_invalid("value 0 cannot be used more than once");
}

/* (import "f" (func (param "x" u32) (result u32))) with a value to pass */
static void begin_start(void) {
  begin();
  ITEM(TYPES, "\x40\1\1x\x79\0\x79");
  ITEM(IMPORTS, "\0\1f\1\0");
}

static void a_start_function_consumes_values_and_makes_one(void **state) {
  (void)state;
  begin_start();
  ITEM(IMPORTS, IMPORT_U32_VALUE);
  section(START, TN_STR("\0\1\0\1"));
  expect_invalid("value index 1 was not used");
  ITEM(EXPORTS, "\0\1r\2\1\0");
  expect_valid();
}

static void a_start_function_gets_what_it_declares(void **state) {
  (void)state;
  begin_start();
  section(START, TN_STR("\0\0\1"));
  expect_invalid("component start function requires 1 arguments but was given 0");

  begin_start();
  ITEM(IMPORTS, IMPORT_U32_VALUE);
  section(START, TN_STR("\0\1\0\0"));
  expect_invalid("component start function has a result count of 0");

  begin_start();
  ITEM(IMPORTS, "\0\1a\2\1\x73");
  section(START, TN_STR("\0\1\0\1"));
  expect_invalid("argument 0: expected primitive `u32` found primitive `string`");
}

/* Defines a value of the type with index 0, or of a primitive type when `type` is one byte, and exports it. */
static tn_error *define_value(tn_str type, tn_str bytes) {
  bool is_primitive = type.len == 1;
  tn_buffer body = {0};
  begin();
  if (!is_primitive) {
    item(TYPES, type);
    ITEM(EXPORTS, "\0\1t\3\0\0");
  }
  tn_buffer_append_byte(&body, is_primitive ? (uint8_t)type.data[0] : 1);
  append_u32(&body, (uint32_t)bytes.len);
  tn_buffer_append_str(&body, bytes);
  item(VALUES, tn_buffer_str(&body));
  tn_buffer_free(&body);
  ITEM(EXPORTS, EXPORT_VALUE_0("v"));
  return validate();
}

typedef struct value_case {
  tn_str type;
  tn_str bytes;
} value_case;

#define CASE(type, bytes)                                                                          \
  {                                                                                                \
    {type, sizeof(type) - 1}, {                                                                    \
      bytes, sizeof(bytes) - 1                                                                     \
    }                                                                                              \
  }

static void well_formed_values_are_valid(void **state) {
  (void)state;
  static const value_case cases[] = {
      CASE("\x7f", "\1"),                                       /* bool */
      CASE("\x7e", "\xff"),                                     /* s8 */
      CASE("\x7c", "\x80\x80\x7e"),                             /* s16: -32768 */
      CASE("\x7b", "\xff\xff\x03"),                             /* u16 */
      CASE("\x7a", "\x7f"),                                     /* s32: -1 */
      CASE("\x79", "\xff\xff\xff\xff\x0f"),                     /* u32 */
      CASE("\x78", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f"), /* s64: the smallest */
      CASE("\x77", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), /* u64 */
      CASE("\x76", "\0\0\xc0\x7f"),                             /* f32: nan */
      CASE("\x76", "\0\0\x80\xff"),                             /* f32: -inf */
      CASE("\x75", "\0\0\0\0\0\0\xf8\x7f"),
      CASE("\x74", "\xe2\x98\x83"), /* char */
      CASE("\x73", "\3abc"),
      CASE("\x72\2\1a\x7f\1b\x7d", "\1\7"),     /* record */
      CASE("\x71\2\1a\0\0\1b\1\x7d\0", "\1\7"), /* variant */
      CASE("\x71\2\1a\0\0\1b\1\x7d\0", "\0"),
      CASE("\x70\x7d", "\2\1\2"),     /* list */
      CASE("\x67\x7d\3", "\1\2\3"),   /* fixed-length list */
      CASE("\x6f\2\x7d\x7f", "\7\0"), /* tuple */
      CASE("\x6e\2\1a\1b", "\3"),     /* flags */
      CASE("\x6d\2\1a\1b", "\1"),     /* enum */
      CASE("\x6b\x7d", "\0"),         /* option */
      CASE("\x6b\x7d", "\1\7"),
      CASE("\x6a\1\x7d\0", "\0\7"), /* result */
      CASE("\x6a\1\x7d\0", "\1"),
      CASE("\x63\x7d\x7f", "\1\7\1"), /* map */
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    tn_error *error = define_value(cases[i].type, cases[i].bytes);
    if (error != NULL) fail_msg("case %zu: %s", i, tn_error_get_message(error));
  }
}

static void malformed_values_are_refused(void **state) {
  (void)state;
  static const struct {
    value_case value;
    const char *reason;
  } cases[] = {
      {CASE("\x7f", "\2"), "discriminant out of range"},
      {CASE("\x7f", ""), "unexpected end"},
      {CASE("\x7f", "\1\1"), "trailing bytes"},
      {CASE("\x7b", "\xff\xff\x07"), "integer too large"},
      {CASE("\x7a", "\xff\xff\xff\xff\x4f"), "integer too large"},
      {CASE("\x79", "\xff\xff\xff\xff\x8f"), "integer too large"},
      {CASE("\x76", "\1\0\xc0\x7f"), "NaN"},
      {CASE("\x75", "\0\0\0\0\0\0\xf8\xff"), "NaN"},
      {CASE("\x74", "\xed\xa0\x80"), "malformed UTF-8"},
      {CASE("\x74", "\x80"), "malformed UTF-8"},
      {CASE("\x74", "\xe2\x98"), "unexpected end"},
      {CASE("\x73", "\2\xc3\x28"), "malformed UTF-8"},
      {CASE("\x73", "\4abc"), "unexpected end"},
      {CASE("\x71\2\1a\0\0\1b\1\x7d\0", "\2"), "discriminant out of range"},
      {CASE("\x70\x7d", "\3\1\2"), "unexpected end"},
      {CASE("\x6e\2\1a\1b", "\4"), "a flag that the type does not have"},
      {CASE("\x6d\2\1a\1b", "\2"), "discriminant out of range"},
      {CASE("\x6b\x7d", "\2"), "discriminant out of range"},
      {CASE("\x66\0", "\0"), "no constant form"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_error(define_value(cases[i].value.type, cases[i].value.bytes), TN_ERROR_INVALID,
                 cases[i].reason);
  }
}

/* ---- rules of types ---------------------------------------------------------------------------- */

static void borrows_do_not_go_through_streams_and_futures(void **state) {
  (void)state;
  static const char *const ends[][2] = {{"\x66\1\1", "stream element cannot contain a `borrow`"},
                                        {"\x65\1\1", "future element cannot contain a `borrow`"}};
  for (size_t i = 0; i < 2; i++) {
    begin();
    ITEM(IMPORTS, "\0\1r\3\1"); /* (type (sub resource)) */
    ITEM(TYPES, "\x68\0");      /* (borrow 0) */
    item(TYPES, tn_str_from(ends[i][0]));
    expect_invalid(ends[i][1]);
  }
}

static void an_exported_value_holds_no_borrow(void **state) {
  (void)state;
  begin();
  ITEM(TYPES, "\x41\3\3\0\1r\3\1\1\x68\0\4\0\1v\2\1\1");
  expect_invalid("exported value cannot contain a `borrow` type");
}

static void the_key_of_a_map_is_not_a_float_or_a_compound(void **state) {
  (void)state;
  begin();
  ITEM(TYPES, "\x63\x73\x7d");
  expect_valid();
  ITEM(TYPES, "\x63\x76\x7d");
  expect_invalid("the key of a map");
  begin();
  ITEM(TYPES, "\x70\x7d");
  ITEM(TYPES, "\x63\0\x7d");
  expect_invalid("the key of a map");
}

static void a_version_suffix_completes_a_canonical_version(void **state) {
  (void)state;
  begin();
  ITEM(TYPES, "\x42\0");
  ITEM(IMPORTS, "\2\7a:b/c@1\1\1\4.2.3\5\0");
  ITEM(IMPORTS, "\2\x9"
                "a:b/d@0.2\1\1\5.6-rc\5\0");
  expect_valid();
  ITEM(IMPORTS, "\2\xb"
                "a:b/e@1.0.0\1\1\2-a\5\0");
  expect_invalid("has no canonical version");
  begin();
  ITEM(TYPES, "\x42\0");
  ITEM(IMPORTS, "\2\7a:b/c@1\1\1\5"
                "2.0.0\5\0");
  expect_invalid("invalid `versionsuffix` `2.0.0`");
  begin();
  ITEM(TYPES, "\x42\0");
  ITEM(IMPORTS, "\2\7a:b/c@1\1\1\2.2\5\0");
  expect_invalid("invalid `versionsuffix` `.2`");
}

static void only_imports_have_names_of_dependencies(void **state) {
  (void)state;
  begin();
  ITEM(TYPES, "\x40\0\1\0");
  ITEM(IMPORTS, "\0\7url=<x>\1\0");
  expect_valid();
  ITEM(EXPORTS, "\0\7url=<y>\1\0\0");
  expect_invalid("`url=<y>` is not a valid export name");
}

static void contexts_of_one_component_have_one_type(void **state) {
  (void)state;
  begin();
  ITEM(CANON, "\x0a\x7f\0");
  ITEM(CANON, "\x0b\x7f\1");
  expect_valid();
  ITEM(CANON, "\x0b\x7e\0");
  expect_invalid("must be of one type");
  begin();
  ITEM(CANON, "\x0a\x7f\2");
  expect_invalid("`context.get` immediate must be zero or one: 2");
}

/* ---- limits ------------------------------------------------------------------------------------ */

/* A type definition made of the given bytes with `index` in between and behind. */
static void type_of_index(const char *before, size_t size, uint32_t index, uint32_t times) {
  tn_buffer body = {0};
  tn_buffer_append(&body, before, size);
  for (uint32_t i = 0; i < times; i++)
    append_u32(&body, index);
  item(TYPES, tn_buffer_str(&body));
  tn_buffer_free(&body);
}

static void types_nest_a_hundred_deep_at_most(void **state) {
  (void)state;
  begin();
  ITEM(TYPES, "\x70\x7d");
  for (uint32_t i = 0; i < 99; i++)
    type_of_index("\x70", 1, i, 1);
  expect_valid();
  type_of_index("\x70", 1, 99, 1);
  expect_invalid("type nesting is too deep");
}

static void types_that_double_in_size_are_cut_off(void **state) {
  (void)state;
  begin();
  ITEM(TYPES, "\x70\x7d");
  for (uint32_t i = 0; i < 40; i++) {
    type_of_index("\x6f\2", 2, 2 * i, 2);   /* (tuple t t) */
    type_of_index("\x70", 1, 2 * i + 1, 1); /* a list of it, which keeps values small */
  }
  expect_invalid("effective type size exceeds the limit of 1000000");
}

/* Each instance type exports the one before twice, and each has resources of its own. */
static void instances_whose_resources_double_are_cut_off(void **state) {
  (void)state;
  begin();
  ITEM(TYPES, "\x42\1\4\0\1r\3\1");
  for (uint32_t i = 0; i < 50; i++) {
    tn_buffer body = {0};
    tn_buffer_append(&body, "\x42\3\2\3\2\1", 6); /* (instance (alias outer 1 */
    append_u32(&body, i);
    tn_buffer_append(&body, "\4\0\1a\5\0\4\0\1b\5\0", 12);
    item(TYPES, tn_buffer_str(&body));
    tn_buffer_free(&body);
  }
  expect_invalid("take too much work to check");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_component_with_most_kinds_of_definitions_is_valid),
      cmocka_unit_test(each_failing_allocation_is_a_clean_error),
      cmocka_unit_test(an_error_says_where_it_is),
      cmocka_unit_test(a_value_must_be_consumed),
      cmocka_unit_test(a_value_must_not_be_consumed_twice),
      cmocka_unit_test(a_start_function_consumes_values_and_makes_one),
      cmocka_unit_test(a_start_function_gets_what_it_declares),
      cmocka_unit_test(well_formed_values_are_valid),
      cmocka_unit_test(malformed_values_are_refused),
      cmocka_unit_test(borrows_do_not_go_through_streams_and_futures),
      cmocka_unit_test(an_exported_value_holds_no_borrow),
      cmocka_unit_test(the_key_of_a_map_is_not_a_float_or_a_compound),
      cmocka_unit_test(a_version_suffix_completes_a_canonical_version),
      cmocka_unit_test(only_imports_have_names_of_dependencies),
      cmocka_unit_test(contexts_of_one_component_have_one_type),
      cmocka_unit_test(types_nest_a_hundred_deep_at_most),
      cmocka_unit_test(types_that_double_in_size_are_cut_off),
      cmocka_unit_test(instances_whose_resources_double_are_cut_off),
  };
  return cmocka_run_group_tests(tests, NULL, free_file);
}
