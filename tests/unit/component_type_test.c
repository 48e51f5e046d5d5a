/* Layouts, flattening and equality of types: CanonicalABI.md#alignment, #element-size, #flattening. */
#include "test.h"

#include "component/type.h"

static tn_arena arena;

static int free_arena(void **state) {
  (void)state;
  tn_arena_free(&arena);
  return 0;
}

#define U8     tn_type_primitive(TN_TYPE_U8)
#define U16    tn_type_primitive(TN_TYPE_U16)
#define U32    tn_type_primitive(TN_TYPE_U32)
#define U64    tn_type_primitive(TN_TYPE_U64)
#define F32    tn_type_primitive(TN_TYPE_F32)
#define F64    tn_type_primitive(TN_TYPE_F64)
#define STRING tn_type_primitive(TN_TYPE_STRING)

/* An unfinished type with these parts; `labels` are the letters of the alphabet. */
static tn_type *unfinished(tn_type_kind kind, uint32_t count, const tn_type *const *types) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
  tn_type *type = TN_ARENA_NEW(&arena, tn_type);
  tn_str *labels = TN_ARENA_ARRAY(&arena, tn_str, count);
  const tn_type **copy = TN_ARENA_ARRAY(&arena, const tn_type *, count);
  for (uint32_t i = 0; i < count; i++) {
    labels[i] = (tn_str){&letters[i % 26], 1};
    if (types != NULL) copy[i] = types[i];
  }
  bool has_labels = kind == TN_TYPE_RECORD || kind == TN_TYPE_VARIANT || kind == TN_TYPE_ENUM ||
                    kind == TN_TYPE_FLAGS;
  type->kind = kind;
  type->count = count;
  type->types = types == NULL ? NULL : copy;
  type->labels = has_labels ? labels : NULL;
  return type;
}

static const tn_type *finished(tn_type *type) {
  assert_ok(tn_type_finish(&arena, type));
  return type;
}

#define PARTS(...)                                                                                 \
  (sizeof((const tn_type *[]){__VA_ARGS__}) / sizeof(tn_type *)), (const tn_type *[]) {            \
    __VA_ARGS__                                                                                    \
  }
#define RECORD(...)   finished(unfinished(TN_TYPE_RECORD, PARTS(__VA_ARGS__)))
#define TUPLE(...)    finished(unfinished(TN_TYPE_TUPLE, PARTS(__VA_ARGS__)))
#define VARIANT(...)  finished(unfinished(TN_TYPE_VARIANT, PARTS(__VA_ARGS__)))
#define OF(kind, ...) finished(unfinished(TN_TYPE_##kind, PARTS(__VA_ARGS__)))

static tn_type *fixed_list(const tn_type *element, uint32_t length) {
  tn_type *type = unfinished(TN_TYPE_FIXED_LIST, 1, &element);
  type->length = length;
  return type;
}

static void expect_layout(const tn_type *type, uint32_t size_32, uint32_t alignment_32,
                          uint32_t size_64, uint32_t alignment_64) {
  assert_int_equal(type->layout[0].size, size_32);
  assert_int_equal(type->layout[0].alignment, alignment_32);
  assert_int_equal(type->layout[1].size, size_64);
  assert_int_equal(type->layout[1].alignment, alignment_64);
}

/* `expected` has one letter a core type: i, l, f, d for i32, i64, f32, f64. */
static void expect_flat(const tn_type *type, bool is_64, const char *expected) {
  static const char letters[] = {
      [TN_FLAT_I32] = 'i', [TN_FLAT_I64] = 'l', [TN_FLAT_F32] = 'f', [TN_FLAT_F64] = 'd'};
  tn_flat_type flat[TN_MAX_FLAT_PARAMS];
  char text[TN_MAX_FLAT_PARAMS + 1] = {0};
  uint32_t count = tn_type_flatten(type, is_64, flat, TN_MAX_FLAT_PARAMS);
  assert_int_equal(count, type->flat_count);
  assert_true(count <= TN_MAX_FLAT_PARAMS);
  for (uint32_t i = 0; i < count; i++) {
    text[i] = letters[flat[i]];
  }
  assert_string_equal(text, expected);
}

/* ---- layout ------------------------------------------------------------------------------------- */

static void primitives_have_their_natural_size_and_alignment(void **state) {
  (void)state;
  static const uint8_t sizes[] = {
      [TN_TYPE_BOOL] = 1, [TN_TYPE_S8] = 1,  [TN_TYPE_U8] = 1,  [TN_TYPE_S16] = 2,
      [TN_TYPE_U16] = 2,  [TN_TYPE_S32] = 4, [TN_TYPE_U32] = 4, [TN_TYPE_S64] = 8,
      [TN_TYPE_U64] = 8,  [TN_TYPE_F32] = 4, [TN_TYPE_F64] = 8, [TN_TYPE_CHAR] = 4,
  };
  for (int kind = TN_TYPE_BOOL; kind <= TN_TYPE_CHAR; kind++) {
    const tn_type *type = tn_type_primitive((tn_type_kind)kind);
    assert_int_equal(type->kind, kind);
    expect_layout(type, sizes[kind], sizes[kind], sizes[kind], sizes[kind]);
    assert_int_equal(type->flat_count, 1);
  }
  expect_layout(STRING, 8, 4, 16, 8);
  expect_layout(tn_type_primitive(TN_TYPE_ERROR_CONTEXT), 4, 4, 4, 4);
  assert_null(tn_type_primitive(TN_TYPE_LIST));
}

static void record_fields_are_placed_at_their_alignment(void **state) {
  (void)state;
  const tn_type *record = RECORD(U8, STRING, U16, U64, U8);
  expect_layout(record, 32, 8, 48, 8);
  const uint32_t narrow[] = {0, 4, 12, 16, 24}, wide[] = {0, 8, 24, 32, 40};
  assert_memory_equal(record->field_offset[0], narrow, sizeof narrow);
  assert_memory_equal(record->field_offset[1], wide, sizeof wide);
}

static void lists_and_maps_are_a_pointer_and_a_length(void **state) {
  (void)state;
  expect_layout(OF(LIST, U8), 8, 4, 16, 8);
  const tn_type *map = OF(MAP, U8, STRING);
  expect_layout(map, 8, 4, 16, 8);
  assert_int_equal(map->field_offset[0][1], 4);
  assert_int_equal(map->field_offset[1][1], 8);
}

static void a_fixed_list_lies_inline(void **state) {
  (void)state;
  expect_layout(finished(fixed_list(U16, 5)), 10, 2, 10, 2);
  expect_layout(finished(fixed_list(STRING, 3)), 24, 4, 48, 8);
}

static void a_variant_payload_follows_its_discriminant(void **state) {
  (void)state;
  const tn_type *variant = VARIANT(NULL, U8, F64);
  expect_layout(variant, 16, 8, 16, 8);
  assert_int_equal(variant->payload_offset[0], 8);
  const tn_type *option = OF(OPTION, STRING);
  expect_layout(option, 12, 4, 24, 8);
  assert_int_equal(option->payload_offset[0], 4);
  assert_int_equal(option->payload_offset[1], 8);
  expect_layout(OF(RESULT, NULL, NULL), 1, 1, 1, 1);
  expect_layout(OF(RESULT, NULL, U16), 4, 2, 4, 2);
}

static void discriminants_grow_with_the_number_of_cases(void **state) {
  (void)state;
  static const struct {
    uint32_t cases;
    uint32_t size;
  } rows[] = {{1, 1}, {256, 1}, {257, 2}, {65536, 2}, {65537, 4}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const tn_type *type = finished(unfinished(TN_TYPE_ENUM, rows[i].cases, NULL));
    assert_int_equal(type->discriminant_size, rows[i].size);
    expect_layout(type, rows[i].size, rows[i].size, rows[i].size, rows[i].size);
  }
}

static void flags_take_1_2_or_4_bytes_and_not_more(void **state) {
  (void)state;
  static const struct {
    uint32_t labels;
    uint32_t size;
  } rows[] = {{1, 1}, {8, 1}, {9, 2}, {16, 2}, {17, 4}, {32, 4}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const tn_type *type = finished(unfinished(TN_TYPE_FLAGS, rows[i].labels, NULL));
    expect_layout(type, rows[i].size, rows[i].size, rows[i].size, rows[i].size);
    expect_flat(type, false, "i");
  }
  assert_error(tn_type_finish(&arena, unfinished(TN_TYPE_FLAGS, 33, NULL)), TN_ERROR_INVALID,
               "more than 32 flags");
}

static void a_type_of_2_to_the_28_bytes_is_refused(void **state) {
  (void)state;
  static const char message[] = "exceeds maximum byte size";
  const tn_type *largest = finished(fixed_list(U8, (1 << 28) - 1));
  assert_error(tn_type_finish(&arena, fixed_list(U8, 1 << 28)), TN_ERROR_INVALID, message);
  assert_error(tn_type_finish(&arena, fixed_list(U64, 1 << 29)), TN_ERROR_INVALID, message);
  assert_error(tn_type_finish(&arena, fixed_list(largest, UINT32_MAX)), TN_ERROR_INVALID, message);
  assert_error(tn_type_finish(&arena, unfinished(TN_TYPE_TUPLE, PARTS(largest, U8))),
               TN_ERROR_INVALID, message);
  assert_error(tn_type_finish(&arena, unfinished(TN_TYPE_OPTION, PARTS(largest))), TN_ERROR_INVALID,
               message);
}

static void the_limit_of_size_is_that_of_64_bit_pointers(void **state) {
  (void)state;
  finished(fixed_list(STRING, (1 << 24) - 1));
  assert_error(tn_type_finish(&arena, fixed_list(STRING, 1 << 24)), TN_ERROR_INVALID,
               "exceeds maximum byte size");
}

static void only_the_map_itself_counts_for_the_limit_of_size(void **state) {
  (void)state;
  const tn_type *largest = finished(fixed_list(U8, (1 << 28) - 1));
  expect_layout(OF(MAP, U8, largest), 8, 4, 16, 8);
  expect_layout(OF(LIST, largest), 8, 4, 16, 8);
}

static void a_type_that_unfolds_without_end_is_refused(void **state) {
  (void)state;
  const tn_type *type = OF(LIST, U8);
  tn_error *error = NULL;
  uint32_t levels = 0;
  for (; error == NULL && levels < 100; levels++) {
    tn_type *pair = unfinished(TN_TYPE_TUPLE, PARTS(type, type));
    error = tn_type_finish(&arena, pair);
    type = pair;
  }
  assert_true(levels <= 20);
  assert_error(error, TN_ERROR_INVALID, "effective type size exceeds the limit");
}

/* ---- flattening --------------------------------------------------------------------------------- */

static void types_nest_a_hundred_deep_at_most(void **state) {
  (void)state;
  const tn_type *type = U8;
  for (int i = 0; i < 100; i++)
    type = finished(unfinished(TN_TYPE_LIST, 1, &type));
  assert_int_equal(type->depth, 100);
  assert_error(tn_type_finish(&arena, unfinished(TN_TYPE_OPTION, 1, &type)), TN_ERROR_INVALID,
               "nesting is too deep: more than 100 levels");
  const tn_str name = TN_STR("x");
  tn_func_type func = {.param_count = 1, .param_names = &name, .param_types = &type};
  assert_ok(tn_func_type_finish(&arena, &func));
}

static void flattening_is_in_order_and_as_wide_as_pointers(void **state) {
  (void)state;
  const tn_type *record = RECORD(U8, STRING, F32, F64, OF(LIST, U8), U64);
  expect_flat(record, false, "iiifdiil");
  expect_flat(record, true, "illfdlll");
  expect_flat(finished(fixed_list(F32, 3)), false, "fff");
}

static void cases_of_a_variant_share_their_core_values(void **state) {
  (void)state;
  expect_flat(VARIANT(F32, U32), false, "ii");
  expect_flat(VARIANT(F32, F64), false, "il");
  expect_flat(VARIANT(F64, F64, NULL), false, "id");
  expect_flat(VARIANT(STRING, F32, U64), false, "ili");
  expect_flat(VARIANT(STRING, F32, U64), true, "ill");
  expect_flat(OF(RESULT, TUPLE(F32, F32), OF(OPTION, F64)), false, "iil");
}

static void more_than_sixteen_core_values_are_many(void **state) {
  (void)state;
  tn_flat_type none[1];
  const tn_type *sixteen = finished(fixed_list(U32, 16));
  assert_int_equal(sixteen->flat_count, 16);
  assert_int_equal(finished(fixed_list(U32, 17))->flat_count, TN_FLAT_MANY);
  assert_int_equal(tn_type_flatten(OF(OPTION, sixteen), false, none, 0), TN_FLAT_MANY);
  assert_int_equal(TUPLE(sixteen, U8)->flat_count, TN_FLAT_MANY);
  assert_int_equal(finished(fixed_list(U8, 1 << 27))->flat_count, TN_FLAT_MANY);
}

static void no_more_core_values_are_written_than_there_is_room_for(void **state) {
  (void)state;
  tn_flat_type flat[2] = {TN_FLAT_F64, TN_FLAT_F64};
  assert_int_equal(tn_type_flatten(STRING, false, flat, 1), 2);
  assert_int_equal(flat[0], TN_FLAT_I32);
  assert_int_equal(flat[1], TN_FLAT_F64);
}

/* ---- contents ----------------------------------------------------------------------------------- */

static void plain_types_are_numbers_without_padding(void **state) {
  (void)state;
  assert_true(U8->is_plain && F64->is_plain);
  assert_true(TUPLE(U8, U8, U16)->is_plain);
  assert_true(finished(fixed_list(TUPLE(F32, U32), 4))->is_plain);
  assert_false(TUPLE(U8, U16)->is_plain);
  assert_false(TUPLE(U16, U8)->is_plain);
  assert_false(tn_type_primitive(TN_TYPE_BOOL)->is_plain);
  assert_false(tn_type_primitive(TN_TYPE_CHAR)->is_plain);
  assert_false(OF(OPTION, U8)->is_plain);
  assert_false(OF(LIST, U8)->is_plain);
}

static void handles_and_pointers_show_through_what_contains_them(void **state) {
  (void)state;
  tn_type *borrow = unfinished(TN_TYPE_BORROW, 0, NULL);
  const tn_type *nested = OF(OPTION, TUPLE(U8, OF(LIST, finished(borrow))));
  assert_true(nested->has_borrow && nested->has_handle && nested->has_pointer);
  const tn_type *own = OF(RESULT, finished(unfinished(TN_TYPE_OWN, 0, NULL)), NULL);
  assert_true(own->has_handle);
  assert_false(own->has_borrow || own->has_pointer);
  const tn_type *stream = OF(STREAM, STRING);
  assert_true(stream->has_handle);
  assert_false(stream->has_pointer);
  assert_true(tn_type_primitive(TN_TYPE_ERROR_CONTEXT)->has_handle);
}

static void parameters_are_laid_out_as_a_tuple(void **state) {
  (void)state;
  const tn_type *types[] = {U8, U64};
  tn_func_type func = {.param_count = 2, .param_types = types};
  assert_ok(tn_func_type_finish(&arena, &func));
  assert_int_equal(func.params->kind, TN_TYPE_TUPLE);
  expect_layout(func.params, 16, 8, 16, 8);
  tn_func_type nothing = {0};
  assert_ok(tn_func_type_finish(&arena, &nothing));
  expect_layout(nothing.params, 0, 1, 0, 1);
  assert_int_equal(nothing.params->flat_count, 0);
}

/* ---- equality ----------------------------------------------------------------------------------- */

static void equal_types_have_the_same_structure_and_labels(void **state) {
  (void)state;
  assert_true(tn_type_equal(RECORD(U8, STRING), RECORD(U8, STRING)));
  assert_false(tn_type_equal(RECORD(U8, STRING), RECORD(STRING, U8)));
  assert_false(tn_type_equal(RECORD(U8, STRING), TUPLE(U8, STRING)));
  assert_true(tn_type_equal(VARIANT(NULL, U8), VARIANT(NULL, U8)));
  assert_false(tn_type_equal(VARIANT(NULL, U8), VARIANT(U8, NULL)));
  assert_false(tn_type_equal(OF(STREAM, U8), OF(STREAM, NULL)));
  assert_false(tn_type_equal(finished(fixed_list(U8, 3)), finished(fixed_list(U8, 4))));
  tn_type *other_labels = unfinished(TN_TYPE_ENUM, 2, NULL);
  other_labels->labels = (const tn_str[]){TN_STR("a"), TN_STR("other")};
  assert_false(tn_type_equal(finished(unfinished(TN_TYPE_ENUM, 2, NULL)), finished(other_labels)));
}

static void resources_are_equal_only_to_themselves(void **state) {
  (void)state;
  static const tn_resource first, second;
  tn_type *a = unfinished(TN_TYPE_OWN, 0, NULL), *b = unfinished(TN_TYPE_OWN, 0, NULL);
  tn_type *c = unfinished(TN_TYPE_OWN, 0, NULL);
  a->resource = b->resource = &first;
  c->resource = &second;
  assert_true(tn_type_equal(finished(a), finished(b)));
  assert_false(tn_type_equal(a, finished(c)));
}

static void functions_are_equal_by_parameters_names_result_and_async(void **state) {
  (void)state;
  const tn_type *types[] = {U8, STRING};
  const tn_str names[] = {TN_STR("x"), TN_STR("y")}, other_names[] = {TN_STR("x"), TN_STR("z")};
  tn_func_type func = {.param_count = 2, .param_names = names, .param_types = types, .result = U8};
  tn_func_type same = func, renamed = func, async = func, silent = func, shorter = func;
  renamed.param_names = other_names;
  async.is_async = true;
  silent.result = NULL;
  shorter.param_count = 1;
  assert_true(tn_func_type_equal(&func, &same));
  assert_false(tn_func_type_equal(&func, &renamed));
  assert_false(tn_func_type_equal(&func, &async));
  assert_false(tn_func_type_equal(&func, &silent));
  assert_false(tn_func_type_equal(&func, &shorter));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(primitives_have_their_natural_size_and_alignment, free_arena),
      cmocka_unit_test_teardown(record_fields_are_placed_at_their_alignment, free_arena),
      cmocka_unit_test_teardown(lists_and_maps_are_a_pointer_and_a_length, free_arena),
      cmocka_unit_test_teardown(a_fixed_list_lies_inline, free_arena),
      cmocka_unit_test_teardown(a_variant_payload_follows_its_discriminant, free_arena),
      cmocka_unit_test_teardown(discriminants_grow_with_the_number_of_cases, free_arena),
      cmocka_unit_test_teardown(flags_take_1_2_or_4_bytes_and_not_more, free_arena),
      cmocka_unit_test_teardown(a_type_of_2_to_the_28_bytes_is_refused, free_arena),
      cmocka_unit_test_teardown(the_limit_of_size_is_that_of_64_bit_pointers, free_arena),
      cmocka_unit_test_teardown(only_the_map_itself_counts_for_the_limit_of_size, free_arena),
      cmocka_unit_test_teardown(a_type_that_unfolds_without_end_is_refused, free_arena),
      cmocka_unit_test_teardown(types_nest_a_hundred_deep_at_most, free_arena),
      cmocka_unit_test_teardown(flattening_is_in_order_and_as_wide_as_pointers, free_arena),
      cmocka_unit_test_teardown(cases_of_a_variant_share_their_core_values, free_arena),
      cmocka_unit_test_teardown(more_than_sixteen_core_values_are_many, free_arena),
      cmocka_unit_test_teardown(no_more_core_values_are_written_than_there_is_room_for, free_arena),
      cmocka_unit_test_teardown(plain_types_are_numbers_without_padding, free_arena),
      cmocka_unit_test_teardown(handles_and_pointers_show_through_what_contains_them, free_arena),
      cmocka_unit_test_teardown(parameters_are_laid_out_as_a_tuple, free_arena),
      cmocka_unit_test_teardown(equal_types_have_the_same_structure_and_labels, free_arena),
      cmocka_unit_test_teardown(resources_are_equal_only_to_themselves, free_arena),
      cmocka_unit_test_teardown(functions_are_equal_by_parameters_names_result_and_async,
                                free_arena),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
