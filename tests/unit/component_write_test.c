/* The component writer and the builder: what is written reads back to the same tree. */
#include "test.h"

#include "base/alloc.h"
#include "component/component.h"
#include "component/write/builder.h"
#include "component/write/write.h"
#include "component_equal.h"
#include "component_sample.h"

static tn_arena arena;
static tn_buffer file;

static int free_all(void **state) {
  (void)state;
  tn_arena_free(&arena);
  tn_buffer_free(&file);
  return 0;
}

/* Writes the tree to `file`, and reads it back. */
static const tn_component_ast *write_and_read(const tn_component_ast *component) {
  const tn_component_ast *again;
  file.len = 0;
  assert_ok(tn_component_write(&file, component));
  tn_str bytes = tn_arena_copy(&arena, tn_buffer_str(&file));
  assert_ok(tn_component_decode(&arena, bytes, &again));
  return again;
}

static void expect_round_trip(const tn_component_ast *component) {
  assert_true(components_are_equal(component, write_and_read(component)));
}

static void expect_valid_round_trip(const tn_component_ast *component) {
  tn_arena scratch = {0};
  const tn_component_ast *again = write_and_read(component);
  assert_true(components_are_equal(component, again));
  assert_ok(tn_component_validate(&scratch, again));
  tn_arena_free(&scratch);
}

static const tn_component_ast *finish(tn_component_builder *builder) {
  const tn_component_ast *component;
  assert_ok(tn_builder_finish(builder, &component));
  return component;
}

static void expect_bytes(tn_str expected) {
  assert_int_equal(file.len, expected.len);
  assert_memory_equal(file.data, expected.data, expected.len);
}

/* ---- writing -------------------------------------------------------------------------------------------- */

static void a_file_reads_and_writes_to_the_same_bytes(void **state) {
  (void)state;
  const tn_str bytes = {(const char *)sample, sizeof sample};
  const tn_component_ast *component;
  assert_ok(tn_component_decode(&arena, bytes, &component));
  expect_valid_round_trip(component);
  expect_bytes(bytes);
}

static void neighbours_of_one_kind_share_a_section(void **state) {
  (void)state;
  tn_component_builder builder = {.arena = &arena};
  const tn_ast_type number = {.kind = TN_AST_PRIMITIVE, .primitive = TN_PRIM_U32};
  const tn_ast_type list = {.kind = TN_AST_LIST, .element = {.primitive = TN_PRIM_STRING}};
  uint32_t index;
  assert_ok(tn_builder_add_type(&builder, &number, &index));
  assert_int_equal(index, 0);
  assert_ok(tn_builder_add_type(&builder, &list, &index));
  assert_int_equal(index, 1);
  expect_valid_round_trip(finish(&builder));
  expect_bytes(TN_STR("\0asm\x0d\0\1\0\x07\4\2\x79\x70\x73"));
}

static void custom_sections_are_written_last(void **state) {
  (void)state;
  tn_component_builder builder = {.arena = &arena, .name = TN_STR("box")};
  const tn_ast_type number = {.kind = TN_AST_PRIMITIVE, .primitive = TN_PRIM_U32};
  assert_ok(tn_builder_add_custom(&builder, TN_STR("note"), TN_STR("hi")));
  assert_ok(tn_builder_add_type(&builder, &number, NULL));
  const tn_component_ast *component = finish(&builder);
  expect_valid_round_trip(component);
  expect_bytes(TN_STR("\0asm\x0d\0\1\0\x07\2\1\x79\0\7\4notehi\0\x15\x0e"
                      "component-name\0\4\3box"));
}

/* Sizes and indices of more than 7 bits. */
static void long_sections_and_large_indices_read_back(void **state) {
  (void)state;
  tn_component_builder builder = {.arena = &arena};
  const tn_ast_type number = {.kind = TN_AST_PRIMITIVE, .primitive = TN_PRIM_F64};
  uint32_t index;
  for (uint32_t i = 0; i < 300; i++)
    assert_ok(tn_builder_add_type(&builder, &number, &index));
  /* 64 and more need a second byte as a signed number, but not as an unsigned one. */
  for (uint32_t i = 60; i < 300; i += 4) {
    tn_ast_type *list = TN_ARENA_NEW(&arena, tn_ast_type);
    *list = (tn_ast_type){.kind = TN_AST_LIST, .element = {.is_index = true, .index = i}};
    assert_ok(tn_builder_add_type(&builder, list, &index));
  }
  expect_valid_round_trip(finish(&builder));
}

static void every_canonical_definition_reads_back(void **state) {
  (void)state;
  static const tn_ast_canon_option options[] = {
      {TN_OPTION_UTF8, 0},     {TN_OPTION_UTF16, 0},    {TN_OPTION_LATIN1_UTF16, 0},
      {TN_OPTION_MEMORY, 200}, {TN_OPTION_REALLOC, 4},  {TN_OPTION_POST_RETURN, 5},
      {TN_OPTION_ASYNC, 0},    {TN_OPTION_CALLBACK, 6},
  };
  static const tn_ast_canon canons[] = {
      {.kind = TN_CANON_LIFT, .func = 1, .type = 2, .option_count = 8, .options = options},
      {.kind = TN_CANON_LOWER, .func = 300, .option_count = 2, .options = options},
      {.kind = TN_CANON_RESOURCE_NEW, .type = 3},
      {.kind = TN_CANON_RESOURCE_DROP, .type = 3},
      {.kind = TN_CANON_RESOURCE_REP, .type = 3},
      {.kind = TN_CANON_TASK_CANCEL},
      {.kind = TN_CANON_SUBTASK_CANCEL, .is_async = true},
      {.kind = TN_CANON_TASK_RETURN, .result = {.is_absent = true}},
      {.kind = TN_CANON_TASK_RETURN,
       .result = {.is_index = true, .index = 70},
       .option_count = 1,
       .options = options},
      {.kind = TN_CANON_CONTEXT_GET, .context_type = {.code = 0x7f}, .context_slot = 1},
      {.kind = TN_CANON_CONTEXT_SET,
       .context_type = {.code = 0x63, .heap = -0x10},
       .context_slot = 1},
      {.kind = TN_CANON_THREAD_YIELD, .is_cancellable = true},
      {.kind = TN_CANON_SUBTASK_DROP},
      {.kind = TN_CANON_STREAM_NEW, .type = 4},
      {.kind = TN_CANON_STREAM_READ, .type = 4, .option_count = 1, .options = options},
      {.kind = TN_CANON_STREAM_WRITE, .type = 4},
      {.kind = TN_CANON_STREAM_CANCEL_READ, .type = 4, .is_async = true},
      {.kind = TN_CANON_STREAM_CANCEL_WRITE, .type = 4},
      {.kind = TN_CANON_STREAM_DROP_READABLE, .type = 4},
      {.kind = TN_CANON_STREAM_DROP_WRITABLE, .type = 4},
      {.kind = TN_CANON_FUTURE_NEW, .type = 5},
      {.kind = TN_CANON_FUTURE_READ, .type = 5},
      {.kind = TN_CANON_FUTURE_WRITE, .type = 5, .option_count = 4, .options = options},
      {.kind = TN_CANON_FUTURE_CANCEL_READ, .type = 5},
      {.kind = TN_CANON_FUTURE_CANCEL_WRITE, .type = 5, .is_async = true},
      {.kind = TN_CANON_FUTURE_DROP_READABLE, .type = 5},
      {.kind = TN_CANON_FUTURE_DROP_WRITABLE, .type = 5},
      {.kind = TN_CANON_ERROR_CONTEXT_NEW, .option_count = 4, .options = options},
      {.kind = TN_CANON_ERROR_CONTEXT_DEBUG_MESSAGE},
      {.kind = TN_CANON_ERROR_CONTEXT_DROP},
      {.kind = TN_CANON_WAITABLE_SET_NEW},
      {.kind = TN_CANON_WAITABLE_SET_WAIT, .is_cancellable = true, .memory = 1},
      {.kind = TN_CANON_WAITABLE_SET_POLL, .memory = 130},
      {.kind = TN_CANON_WAITABLE_SET_DROP},
      {.kind = TN_CANON_WAITABLE_JOIN},
      {.kind = TN_CANON_BACKPRESSURE_INC},
      {.kind = TN_CANON_BACKPRESSURE_DEC},
      {.kind = TN_CANON_THREAD_INDEX},
      {.kind = TN_CANON_THREAD_NEW_INDIRECT, .type = 7, .table = 1},
      {.kind = TN_CANON_THREAD_RESUME_LATER},
      {.kind = TN_CANON_THREAD_SUSPEND, .is_cancellable = true},
      {.kind = TN_CANON_THREAD_SUSPEND_THEN_RESUME},
      {.kind = TN_CANON_THREAD_YIELD_THEN_RESUME, .is_cancellable = true},
      {.kind = TN_CANON_THREAD_SUSPEND_THEN_PROMOTE},
      {.kind = TN_CANON_THREAD_YIELD_THEN_PROMOTE},
      {.kind = TN_CANON_THREAD_SPAWN_REF, .is_shared = true, .type = 7},
      {.kind = TN_CANON_THREAD_SPAWN_INDIRECT, .type = 7, .table = 2},
      {.kind = TN_CANON_THREAD_AVAILABLE_PARALLELISM, .is_shared = true},
  };
  tn_component_builder builder = {.arena = &arena};
  for (size_t i = 0; i < sizeof canons / sizeof *canons; i++) {
    const tn_definition definition = {.kind = TN_DEFINITION_CANON, .canon = canons[i]};
    assert_ok(tn_builder_add(&builder, &definition, NULL));
  }
  expect_round_trip(finish(&builder));
}

static void rec_groups_and_open_types_read_back(void **state) {
  (void)state;
  static const tn_core_type types[] = {
      {.kind = TN_CORE_TYPE_FUNC,
       .is_final = true,
       .group_size = 1,
       .encoded = TN_STR("\x60\1\x7f\0")},
      {.kind = TN_CORE_TYPE_FUNC, .group_size = 1, .encoded = TN_STR("\x60\0\0")},
      {.kind = TN_CORE_TYPE_STRUCT, .group_size = 2, .encoded = TN_STR("\x5f\1\x7f\0")},
      {.kind = TN_CORE_TYPE_ARRAY,
       .group_index = 1,
       .group_size = 2,
       .is_final = true,
       .has_supertype = true,
       .supertype = 1,
       .encoded = TN_STR("\x5e\x78\1")},
      {.kind = TN_CORE_TYPE_MODULE, .group_size = 1, .encoded = TN_STR("\x50\0")},
  };
  tn_component_builder builder = {.arena = &arena};
  tn_decl_builder instance = {.arena = &arena};
  const tn_ast_type *type;
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    const tn_definition definition = {.kind = TN_DEFINITION_CORE_TYPE, .core_type = &types[i]};
    const tn_ast_decl decl = {.kind = TN_DECL_CORE_TYPE, .core_type = &types[i]};
    uint32_t index;
    assert_ok(tn_builder_add(&builder, &definition, &index));
    assert_int_equal(index, i);
    assert_ok(tn_decl_builder_add(&instance, &decl, &index));
    assert_int_equal(index, i);
  }
  assert_ok(tn_decl_builder_finish(&instance, TN_AST_INSTANCE, &type));
  assert_ok(tn_builder_add_type(&builder, type, NULL));
  /* A module type knows its extent, so that reading it back gives the flags of a decoded one. */
  const tn_component_ast *component = finish(&builder);
  expect_round_trip(component);
}

static void attributes_of_names_read_back(void **state) {
  (void)state;
  tn_component_builder builder = {.arena = &arena};
  const tn_ast_type func = {.kind = TN_AST_FUNC, .element = {.is_absent = true}};
  tn_definition import = {
      .kind = TN_DEFINITION_IMPORT,
      .import = {.name = {.name = TN_STR("a:b/c@1"),
                          .version_suffix = TN_STR(".2.3"),
                          .external_id = TN_STR("")},
                 .type = {.sort = TN_SORT_FUNC}},
  };
  assert_ok(tn_builder_add_type(&builder, &func, NULL));
  assert_ok(tn_builder_add(&builder, &import, NULL));
  import.import.name = (tn_extern_name){.name = TN_STR("d"), .implements = TN_STR("a:b/c")};
  assert_ok(tn_builder_add(&builder, &import, NULL));
  expect_round_trip(finish(&builder));
}

static const tn_component_ast *component_around(const tn_component_ast *inner) {
  tn_component_builder builder = {.arena = &arena};
  if (inner != NULL) assert_ok(tn_builder_add_component(&builder, inner, NULL));
  return finish(&builder);
}

static void components_nest_as_deep_as_they_can_be_read(void **state) {
  (void)state;
  const tn_component_ast *component = NULL;
  for (uint32_t i = 0; i < TN_MAX_COMPONENT_DEPTH; i++)
    component = component_around(component);
  expect_valid_round_trip(component);
  tn_buffer out = {0};
  assert_error(tn_component_write(&out, component_around(component)), TN_ERROR_LIMIT,
               "nesting too deep");
  tn_buffer_free(&out);
}

static void types_nest_as_deep_as_they_can_be_read(void **state) {
  (void)state;
  const tn_ast_type *type = NULL;
  for (uint32_t i = 0; i <= TN_MAX_TYPE_DEPTH; i++) {
    tn_decl_builder decls = {.arena = &arena};
    if (type != NULL) assert_ok(tn_decl_builder_add_type(&decls, type, NULL));
    assert_ok(tn_decl_builder_finish(&decls, TN_AST_INSTANCE, &type));
    tn_component_builder builder = {.arena = &arena};
    assert_ok(tn_builder_add_type(&builder, type, NULL));
    if (i < TN_MAX_TYPE_DEPTH) {
      expect_round_trip(finish(&builder));
    } else {
      tn_buffer out = {0};
      assert_error(tn_component_write(&out, finish(&builder)), TN_ERROR_LIMIT, "nesting too deep");
      tn_buffer_free(&out);
    }
  }
}

static void each_failing_allocation_is_a_clean_error(void **state) {
  (void)state;
  const tn_component_ast *component;
  assert_ok(tn_component_decode(&arena, (tn_str){(const char *)sample, sizeof sample}, &component));
  int64_t count = 0;
  for (bool has_failed = true; has_failed; count++) {
    tn_buffer out = {0};
    tn_alloc_fail_after(count);
    tn_error *error = tn_component_write(&out, component);
    has_failed = tn_alloc_did_fail();
    tn_alloc_fail_after(-1);
    assert_true(has_failed == (error != NULL));
    if (error != NULL) assert_int_equal(tn_error_get_kind(error), TN_ERROR_NO_MEMORY);
    tn_error_delete(error);
    tn_buffer_free(&out);
  }
  assert_true(count > 1);
}

/* ---- building ------------------------------------------------------------------------------------------- */

static tn_ast_extern_type of_type(tn_sort sort, uint32_t index) {
  return (tn_ast_extern_type){.sort = sort, .index = index};
}

/* (component
 *   (type (func (param "n" u32) (result u32)))
 *   (import "double" (func (type 0)))
 *   (component (type (func …)) (import "f" (func (type 0))) (export "g" (func 0)))
 *   (instance (instantiate 0 (with "f" (func 0))))
 *   (alias export 0 "g" (func))
 *   (export "twice" (func 1))) */
static const tn_component_ast *build_nested(void) {
  static const tn_ast_field param = {.label = TN_STR("n"), .type = {.primitive = TN_PRIM_U32}};
  static const tn_ast_type func = {.kind = TN_AST_FUNC,
                                   .field_count = 1,
                                   .fields = &param,
                                   .element = {.primitive = TN_PRIM_U32}};
  tn_component_builder inner = {.arena = &arena};
  tn_component_builder outer = {.arena = &arena};
  uint32_t type, imported, component, instance, alias, exported;
  assert_ok(tn_builder_add_type(&inner, &func, &type));
  assert_ok(tn_builder_add_import(&inner, TN_STR("f"), of_type(TN_SORT_FUNC, type), &imported));
  assert_ok(tn_builder_add_export(&inner, TN_STR("g"), (tn_sort_index){TN_SORT_FUNC, imported},
                                  &exported));
  assert_int_equal(exported, 1);
  assert_ok(tn_builder_add_type(&outer, &func, &type));
  assert_ok(
      tn_builder_add_import(&outer, TN_STR("double"), of_type(TN_SORT_FUNC, type), &imported));
  assert_ok(tn_builder_add_component(&outer, finish(&inner), &component));
  tn_ast_argument *argument = TN_ARENA_NEW(&arena, tn_ast_argument);
  *argument = (tn_ast_argument){.name = {.name = TN_STR("f")}, .item = {TN_SORT_FUNC, imported}};
  const tn_definition instantiate = {
      .kind = TN_DEFINITION_INSTANCE,
      .instance = {.is_instantiate = true,
                   .component = component,
                   .argument_count = 1,
                   .arguments = argument},
  };
  assert_ok(tn_builder_add(&outer, &instantiate, &instance));
  assert_ok(tn_builder_add_alias(&outer, instance, TN_STR("g"), TN_SORT_FUNC, &alias));
  assert_int_equal(alias, 1);
  assert_ok(tn_builder_add_export(&outer, TN_STR("twice"), (tn_sort_index){TN_SORT_FUNC, alias},
                                  &exported));
  assert_int_equal(exported, 2);
  return finish(&outer);
}

static void a_component_with_a_nested_one_can_be_built(void **state) {
  (void)state;
  expect_valid_round_trip(build_nested());
}

/* An imported interface with a resource, and another that uses the resource by an alias. */
static void interfaces_that_share_a_resource_can_be_built(void **state) {
  (void)state;
  tn_component_builder builder = {.arena = &arena};
  tn_decl_builder makers = {.arena = &arena}, users = {.arena = &arena};
  uint32_t resource, borrow, func, type, instance, alias;
  const tn_ast_type *made;
  const tn_ast_extern_type new_resource = {.sort = TN_SORT_TYPE, .bound = TN_BOUND_SUB_RESOURCE};
  assert_ok(tn_decl_builder_add_export(&makers, TN_STR("r"), new_resource, &resource));
  assert_ok(tn_decl_builder_finish(&makers, TN_AST_INSTANCE, &made));
  assert_ok(tn_builder_add_type(&builder, made, &type));
  assert_ok(tn_builder_add_import(&builder, TN_STR("a:b/make"), of_type(TN_SORT_INSTANCE, type),
                                  &instance));
  assert_ok(tn_builder_add_alias(&builder, instance, TN_STR("r"), TN_SORT_TYPE, &alias));

  assert_ok(tn_decl_builder_add_outer(&users, TN_SORT_TYPE, 1, alias, &resource));
  assert_ok(
      tn_decl_builder_add_export(&users, TN_STR("r"), of_type(TN_SORT_TYPE, resource), &resource));
  const tn_ast_type borrowed = {.kind = TN_AST_BORROW, .resource = resource};
  assert_ok(tn_decl_builder_add_type(&users, &borrowed, &borrow));
  const tn_ast_field self = {.label = TN_STR("it"), .type = {.is_index = true, .index = borrow}};
  const tn_ast_type use = {
      .kind = TN_AST_FUNC, .field_count = 1, .fields = &self, .element = {.is_absent = true}};
  assert_ok(tn_decl_builder_add_type(&users, &use, &func));
  assert_ok(tn_decl_builder_add_export(&users, TN_STR("use"), of_type(TN_SORT_FUNC, func), NULL));
  assert_ok(tn_decl_builder_finish(&users, TN_AST_INSTANCE, &made));
  assert_ok(tn_builder_add_type(&builder, made, &type));
  assert_ok(tn_builder_add_import(&builder, TN_STR("a:b/use"), of_type(TN_SORT_INSTANCE, type),
                                  &instance));
  assert_int_equal(instance, 1);
  expect_valid_round_trip(finish(&builder));
}

/* A core module, its instance, and a function of it that is lifted. */
static void a_core_function_can_be_lifted(void **state) {
  (void)state;
  static const tn_core_module module = {
      .bytes = TN_STR("\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0\7\5\1\1f\0\0\x0a\4\1\2\0\x0b")};
  static const tn_ast_type func = {.kind = TN_AST_FUNC, .element = {.is_absent = true}};
  tn_component_builder builder = {.arena = &arena};
  uint32_t index, core_func, type, lifted;
  assert_ok(tn_builder_add_core_module(&builder, &module, &index));
  const tn_definition instance = {
      .kind = TN_DEFINITION_CORE_INSTANCE,
      .core_instance = {.is_instantiate = true, .module = index},
  };
  assert_ok(tn_builder_add(&builder, &instance, &index));
  const tn_definition alias = {
      .kind = TN_DEFINITION_ALIAS,
      .alias = {.kind = TN_ALIAS_CORE_EXPORT,
                .sort = TN_SORT_CORE_FUNC,
                .instance = index,
                .name = TN_STR("f")},
  };
  assert_ok(tn_builder_add(&builder, &alias, &core_func));
  assert_ok(tn_builder_add_type(&builder, &func, &type));
  const tn_definition lift = {
      .kind = TN_DEFINITION_CANON,
      .canon = {.kind = TN_CANON_LIFT, .func = core_func, .type = type},
  };
  assert_ok(tn_builder_add(&builder, &lift, &lifted));
  assert_ok(
      tn_builder_add_export(&builder, TN_STR("f"), (tn_sort_index){TN_SORT_FUNC, lifted}, NULL));
  expect_valid_round_trip(finish(&builder));
}

static void values_count_as_they_are_made(void **state) {
  (void)state;
  tn_component_builder builder = {.arena = &arena};
  static const uint32_t arguments[] = {0};
  uint32_t index;
  const tn_definition value = {
      .kind = TN_DEFINITION_VALUE,
      .value = {.type = {.primitive = TN_PRIM_U8}, .bytes = TN_STR("\7")},
  };
  const tn_definition start = {
      .kind = TN_DEFINITION_START,
      .start = {.func = 0, .argument_count = 1, .arguments = arguments, .result_count = 3},
  };
  assert_ok(tn_builder_add(&builder, &value, &index));
  assert_int_equal(index, 0);
  assert_ok(tn_builder_add(&builder, &start, &index));
  assert_int_equal(index, 1);
  const tn_ast_extern_type any = {.sort = TN_SORT_VALUE, .value_type = {.primitive = TN_PRIM_U8}};
  assert_ok(tn_builder_add_import(&builder, TN_STR("v"), any, &index));
  assert_int_equal(index, 4);
  expect_round_trip(finish(&builder));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_file_reads_and_writes_to_the_same_bytes),
      cmocka_unit_test(neighbours_of_one_kind_share_a_section),
      cmocka_unit_test(custom_sections_are_written_last),
      cmocka_unit_test(long_sections_and_large_indices_read_back),
      cmocka_unit_test(every_canonical_definition_reads_back),
      cmocka_unit_test(rec_groups_and_open_types_read_back),
      cmocka_unit_test(attributes_of_names_read_back),
      cmocka_unit_test(components_nest_as_deep_as_they_can_be_read),
      cmocka_unit_test(types_nest_as_deep_as_they_can_be_read),
      cmocka_unit_test(each_failing_allocation_is_a_clean_error),
      cmocka_unit_test(a_component_with_a_nested_one_can_be_built),
      cmocka_unit_test(interfaces_that_share_a_resource_can_be_built),
      cmocka_unit_test(a_core_function_can_be_lifted),
      cmocka_unit_test(values_count_as_they_are_made),
  };
  return cmocka_run_group_tests(tests, NULL, free_all);
}
