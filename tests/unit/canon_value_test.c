/* Values of all types survive every way through the canonical ABI: host to guest to host, and from guest to
 * guest with every pair of string encodings and pointer sizes. */
#include "canon_random.h"

/* ---- a relay: embedder -> guest A -> guest B -> host function, and back -------------------------- */

static void add_types(tn_buffer *text, const char *what, const tn_core_valtype *types,
                      uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    static const char *const names[] = {"f64", "f32", "i64", "i32"};
    tn_buffer_format(text, "(%s %s)", what, names[types[i].code - 0x7c]);
  }
}

/* A guest whose export "f" hands its parameters on to its import, and the import's result back: what one end
 * lowered flat the other lifts flat. */
static char *relay_text(const tn_lowered *import, bool is_64) {
  const tn_core_func_type *type = tn_lowered_type(import);
  const char *pointer = is_64 ? "i64" : "i32";
  bool has_room = import->result.block.count > 0 && type->result_count == 0;
  uint32_t params = type->param_count - (has_room ? 1 : 0);
  tn_buffer text = {0};
  tn_buffer_append_text(&text, "(module (import \"\" \"f\" (func $f ");
  add_types(&text, "param", type->params, type->param_count);
  add_types(&text, "result", type->results, type->result_count);
  tn_buffer_append_text(&text, "))\n");
  tn_buffer_append_text(&text, is_64 ? WORLD_ALLOCATOR("i64") : WORLD_ALLOCATOR("i32"));
  tn_buffer_append_text(&text, "(func (export \"f\") ");
  add_types(&text, "param", type->params, params);
  if (has_room) tn_buffer_format(&text, "(result %s)", pointer);
  add_types(&text, "result", type->results, type->result_count);
  if (has_room) tn_buffer_format(&text, "(local $room %s)", pointer);
  if (has_room) {
    tn_buffer_format(
        &text,
        "(local.set $room (call $realloc (%s.const 0) (%s.const 0) (%s.const 16) (%s.const %u)))\n",
        pointer, pointer, pointer, pointer, import->result.block.destination_stride);
  }
  for (uint32_t i = 0; i < params; i++)
    tn_buffer_format(&text, "(local.get %u)", i);
  if (has_room) tn_buffer_append_text(&text, "(local.get $room)");
  tn_buffer_append_text(&text, "(call $f)");
  if (has_room) tn_buffer_append_text(&text, "(local.get $room)");
  tn_buffer_append_text(&text, "))");
  return tn_buffer_take(&text);
}

typedef struct relay {
  generator *g;
  const tn_func_type *type;
  const uint8_t *sent;  /* the native tuple of parameters */
  const uint8_t *reply; /* the native result */
  bool was_called;
} relay;

/* The far end: what arrives must be what was sent. */
static tn_error *far_end(tn_call *call, void *data, const void *params, void *result) {
  (void)call;
  relay *r = data;
  r->was_called = true;
  if (!values_equal(r->g, r->type->params, r->sent, params)) {
    return tn_error_new(TN_ERROR_INTERNAL, "the parameters have changed on their way");
  }
  memcpy(result, r->reply, r->type->result->layout[1].size);
  return NULL;
}

typedef struct guest_kind {
  tn_string_encoding encoding;
  bool is_64;
} guest_kind;

static tn_lifted *add_guest(world *w, const tn_func_type *type, tn_canon_options *options,
                            tn_lowered *import) {
  char *text = relay_text(import, options->is_64);
  tn_core_instance instance = world_guest(w, text, &import, 1);
  tn_free(text);
  tn_module_delete(w->modules[--w->module_count]);
  world_bind(w, options, &instance);
  tn_lifted *lifted = NULL;
  assert_ok(tn_canon_lift(&w->arena, type, options, world_func(w, &instance, "f"), &lifted));
  return lifted;
}

static void relay_value(world *w, generator *g, const tn_func_type *type, guest_kind a,
                        guest_kind b) {
  world_reset(w);
  uint8_t *sent = tn_arena_calloc(g->arena, 1, type->params->layout[1].size + 1);
  uint8_t *reply = tn_arena_calloc(g->arena, 1, type->result->layout[1].size + 1);
  uint8_t *received = tn_arena_calloc(g->arena, 1, type->result->layout[1].size + 1);
  random_value(g, type->params, sent);
  random_value(g, type->result, reply);
  relay r = {g, type, sent, reply, false};

  tn_canon_options near = world_options(w, 2), far = world_options(w, 3);
  near.encoding = a.encoding, near.is_64 = a.is_64;
  far.encoding = b.encoding, far.is_64 = b.is_64;
  tn_lowered *to_host = NULL, *to_far = NULL;
  assert_ok(tn_canon_lower_host(&w->arena, TN_STR("far-end"), type, &far, far_end, &r, &to_host));
  tn_lifted *far_func = add_guest(w, type, &far, to_host);
  assert_ok(tn_canon_lower_lifted(&w->arena, TN_STR("far"), type, &near, far_func, &to_far));
  tn_lifted *near_func = add_guest(w, type, &near, to_far);

  assert_ok(tn_canon_call(&w->runtime, near_func, sent, received, g->arena));
  assert_true(r.was_called);
  assert_true(values_equal(g, type->result, reply, received));
}

static const tn_func_type *random_func_type(generator *g) {
  tn_func_type *type = TN_ARENA_NEW(g->arena, tn_func_type);
  type->param_count = 1 + pick(g, 4);
  const tn_type **params = TN_ARENA_ARRAY(g->arena, const tn_type *, type->param_count);
  for (uint32_t i = 0; i < type->param_count; i++)
    params[i] = random_type(g, pick(g, 4));
  type->param_types = params;
  type->result = random_type(g, pick(g, 4));
  assert_ok(tn_func_type_finish(g->arena, type));
  return type;
}

static void random_values_survive_the_way_through_two_guests_and_back(void **state) {
  (void)state;
  world w;
  world_start(&w);
  for (uint32_t i = 0; i < 400; i++) {
    tn_arena arena = {0};
    generator g = {&arena, 0x9e3779b97f4a7c15 + i * 0x1234567};
    for (int warm = 0; warm < 4; warm++)
      random_bits(&g);
    const tn_func_type *type = random_func_type(&g);
    guest_kind a = {(tn_string_encoding)pick(&g, 3), pick(&g, 2)},
               b = {(tn_string_encoding)pick(&g, 3), pick(&g, 2)};
    relay_value(&w, &g, type, a, b);
    tn_arena_free(&arena);
  }
  world_end(&w);
}

/* Wider than 16 core values, so that parameters spill; with payloads that share joined slots. */
static void chosen_types_survive_with_all_encodings_and_pointer_sizes(void **state) {
  (void)state;
  static const char *const signatures[] = {
      "func(a: string) -> string",
      "func(a: list<u8>, b: list<bool>, c: list<char>) -> list<string>",
      "func(a: tuple<s8, s16, u8, u16, s32, bool, char, f32, f64, s64>) -> tuple<s8, s16, u8, u16>",
      "func(a: result<f32, u64>, b: result<f64, string>, c: option<option<u8>>) -> result<f32, "
      "s64>",
      "func(a: list<tuple<s32, s32, string>>) -> list<tuple<s32, s32, string>>",
      "func(a: tuple<u64, u64, u64, u64, u64, u64, u64, u64, u64>, b: tuple<f32, f32, f32, f32, "
      "f32, f32, f32, f32, "
      "u8>) -> f32",
      "func(a: s8, b: s16) -> s8",
      "func(a: list<list<list<u16>>>, b: list<option<string>>) -> option<f64>",
      "func(a: list<string, 3>, b: list<u8, 4>) -> list<tuple<u8, u32>, 4>",
      "func(a: map<string, list<u32>>) -> map<u32, string>",
  };
  world w;
  world_start(&w);
  for (size_t s = 0; s < sizeof signatures / sizeof *signatures; s++) {
    for (uint32_t kinds = 0; kinds < 36; kinds++) {
      tn_arena arena = {0};
      generator g = {&arena, 77 + kinds * 0x10001 + s};
      for (int warm = 0; warm < 8; warm++)
        random_bits(&g);
      guest_kind a = {(tn_string_encoding)(kinds % 3), kinds / 3 % 2};
      guest_kind b = {(tn_string_encoding)(kinds / 6 % 3), kinds / 18};
      relay_value(&w, &g, world_func_type(&w, signatures[s]), a, b);
      tn_arena_free(&arena);
    }
  }
  world_end(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_values_survive_the_way_through_two_guests_and_back),
      cmocka_unit_test(chosen_types_survive_with_all_encodings_and_pointer_sizes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
