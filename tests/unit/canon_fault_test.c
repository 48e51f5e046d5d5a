/* Every single allocation of the canonical ABI can fail: a clean error, nothing is left behind, and the next
 * attempt succeeds. */
#include "canon_world.h"

static const char signature[] = "func(a: list<tuple<string, u8>>, b: result<string, list<char>>, "
                                "c: tuple<u64, bool>) -> list<option<string>>";

static void compiling_a_function_copes_with_each_failing_allocation(void **state) {
  (void)state;
  tn_arena types = {0};
  tn_wit_scope scope = {.arena = &types};
  const tn_func_type *type = NULL;
  assert_ok(tn_wit_parse_func(&scope, TN_STR(signature), &type));
  tn_canon_options near = {
      .instance = 2, .memory = 0, .realloc = 0, .post_return = -1, .callback = -1};
  tn_canon_options far = {
      .instance = 3, .is_64 = true, .memory = 1, .realloc = 1, .post_return = -1, .callback = -1};
  bool did_fail = true;
  for (int64_t after = 0; did_fail; after++) {
    tn_arena arena = {0};
    tn_lifted *lifted = NULL;
    tn_lowered *lowered = NULL;
    tn_alloc_fail_after(after);
    tn_error *error = tn_canon_lift(&arena, type, &far, 0, &lifted);
    if (error == NULL)
      error = tn_canon_lower_lifted(&arena, TN_STR("f"), type, &near, lifted, &lowered);
    did_fail = tn_alloc_did_fail();
    tn_alloc_fail_after(-1);
    if (did_fail) {
      assert_error(error, TN_ERROR_NO_MEMORY, "memory");
    } else {
      assert_ok(error);
    }
    tn_arena_free(&arena);
  }
  tn_arena_free(&types);
}

typedef struct native_result {
  struct {
    uint8_t is_some;
    tn_str text;
  } * data;
  size_t len;
} native_result;

/* Returns two strings, made with memory of the call. */
static tn_error *answer(tn_call *call, void *data, const void *params, void *result) {
  (void)data, (void)params;
  native_result *out = result;
  out->data = tn_call_alloc(call, 2 * sizeof *out->data, 8);
  if (out->data == NULL) return tn_error_no_memory();
  out->len = 2;
  out->data[0].is_some = 0;
  out->data[1].is_some = 1;
  out->data[1].text = TN_STR("two");
  return NULL;
}

/* Embedder -> guest -> host, with lists to build on the way in and on the way out. */
static void run_with_failure(world *w, int64_t after, bool *did_fail) {
  world_reset(w);
  tn_canon_options options = world_options(w, 2);
  tn_lowered *out =
      world_lower_host(w, "func(a: list<string>) -> list<option<string>>", &options, answer, NULL);
  tn_core_instance guest =
      world_guest(w,
                  "(module (import \"\" \"f\" (func $f (param i32 i32 i32)))" WORLD_ALLOCATOR(
                      "i32") "(func (export \"f\") (param i32 i32) (result i32) (call $f "
                             "(local.get 0) (local.get 1) (i32.const 64)) (i32.const 64)))",
                  &out, 1);
  tn_module_delete(w->modules[--w->module_count]);
  world_bind(w, &options, &guest);
  tn_lifted *run = world_lift(w, "func(a: list<string>) -> list<option<string>>", &options,
                              world_func(w, &guest, "f"));
  tn_str strings[] = {TN_STR("a"), TN_STR("b")};
  struct {
    const tn_str *data;
    size_t len;
  } params = {strings, 2};
  native_result result;
  tn_arena arena = {0};
  tn_alloc_fail_after(after);
  tn_error *error = tn_canon_call(&w->runtime, run, &params, &result, &arena);
  *did_fail = tn_alloc_did_fail();
  tn_alloc_fail_after(-1);
  if (error == NULL) {
    assert_int_equal(result.len, 2);
    assert_int_equal(result.data[1].is_some, 1);
    assert_true(tn_str_equal(result.data[1].text, TN_STR("two")));
  } else {
    assert_error(error, TN_ERROR_NO_MEMORY, "memory");
  }
  tn_arena_free(&arena);
}

static void calling_copes_with_each_failing_allocation(void **state) {
  (void)state;
  world w;
  world_start(&w);
  bool did_fail = true;
  int failures = 0;
  for (int64_t after = 0; did_fail; after++) {
    run_with_failure(&w, after, &did_fail);
    failures += did_fail;
  }
  assert_true(failures >= 3);
  world_end(&w);
}

/* Loans beyond the few that a call keeps without allocating. */
static void many_lent_handles_are_all_returned(void **state) {
  (void)state;
  tn_resource resource = {.name = TN_STR("r")};
  tn_handle_table table = {0};
  tn_lends lends = {0};
  for (uint32_t i = 0; i < 100; i++) {
    uint32_t index;
    tn_handle handle = {
        .resource = &resource, .kind = TN_HANDLE_RESOURCE, .is_own = true, .representation = i};
    assert_ok(tn_handle_add(&table, 1000, handle, &index));
    assert_int_equal(index, i + 1);
    assert_true(tn_lends_add(&lends, index));
    table.entries[index].lends++;
  }
  tn_lends_release(&lends, &table);
  for (uint32_t i = 1; i <= 100; i++)
    assert_int_equal(table.entries[i].lends, 0);
  tn_handle_remove(&table, 5);
  tn_handle_remove(&table, 9);
  uint32_t index;
  assert_ok(tn_handle_add(&table, 1000, (tn_handle){.kind = TN_HANDLE_RESOURCE}, &index));
  assert_int_equal(index, 9);
  assert_ok(tn_handle_add(&table, 1000, (tn_handle){.kind = TN_HANDLE_RESOURCE}, &index));
  assert_int_equal(index, 5);
  tn_handle_table_free(&table);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(compiling_a_function_copes_with_each_failing_allocation),
      cmocka_unit_test(calling_copes_with_each_failing_allocation),
      cmocka_unit_test(many_lent_handles_are_all_returned),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
