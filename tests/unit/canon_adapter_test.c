/* Adapters do what the interpreter does: the same random call, with whatever the caller's and the callee's
 * memories contain, ends in both ways alike, with the same memories or the same trap. */
#include "canon/adapter.h"
#include "canon_random.h"

enum {
  JUNK = 0,            /* what realloc returns, unless it is 0 */
  RESULT = 16,         /* what the callee returns */
  ARGUMENTS = 256,     /* what the caller passes */
  RECEIVED = 512,      /* what the callee has got */
  RETURNED = 768,      /* what the caller has got back */
  POST_RETURNED = 800, /* what post-return has got */
  SCRATCH = 1024,
  PAGE = 65536,
};

/* ---- guests ------------------------------------------------------------------------------------- */

static const char library_text[] =
    "(module (memory (export \"mem\") 1 4) (global $next (mut i32) (i32.const 32768))"
    "(func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (local $at i32)"
    "  (if (i32.load (i32.const 0)) (then (return (i32.load (i32.const 0)))))"
    "  (local.set $at (i32.and (i32.sub (i32.add (global.get $next) (local.get 2)) (i32.const 1))"
    "    (i32.sub (i32.const 0) (local.get 2))))"
    "  (global.set $next (i32.add (local.get $at) (local.get 3)))"
    "  (if (i32.gt_u (global.get $next) (i32.mul (memory.size) (i32.const 65536)))"
    "    (then (drop (memory.grow (i32.const 1)))))"
    "  (local.get $at)))";

static const char *type_name(tn_core_valtype type) {
  static const char *const names[] = {"f64", "f32", "i64", "i32"};
  return names[type.code - 0x7c];
}

static void add_signature(tn_buffer *text, const tn_core_func_type *type) {
  for (uint32_t i = 0; i < type->param_count; i++)
    tn_buffer_format(text, "(param %s)", type_name(type->params[i]));
  for (uint32_t i = 0; i < type->result_count; i++)
    tn_buffer_format(text, "(result %s)", type_name(type->results[i]));
}

static void add_load(tn_buffer *text, tn_core_valtype type, uint32_t at) {
  tn_buffer_format(text, "(%s.load (i32.const %u))", type_name(type), at);
}

/* Stores what it gets and returns what lies in memory; so does post-return. */
static char *callee_text(const tn_core_func_type *type) {
  tn_buffer text = {0};
  tn_buffer_append_text(&text, "(module (import \"\" \"mem\" (memory 1)) (func (export \"f\")");
  add_signature(&text, type);
  for (uint32_t i = 0; i < type->param_count; i++) {
    tn_buffer_format(&text, "(%s.store (i32.const %u) (local.get %u))", type_name(type->params[i]),
                     RECEIVED + 8 * i, i);
  }
  for (uint32_t i = 0; i < type->result_count; i++)
    add_load(&text, type->results[i], RESULT);
  tn_buffer_append_text(&text, ") (func (export \"post\")");
  for (uint32_t i = 0; i < type->result_count; i++) {
    tn_buffer_format(&text, "(param %s) (%s.store (i32.const %u) (local.get 0))",
                     type_name(type->results[i]), type_name(type->results[i]), POST_RETURNED);
  }
  tn_buffer_append_text(&text, "))");
  return tn_buffer_take(&text);
}

/* Passes what lies in memory and stores what comes back. */
static char *caller_text(const tn_core_func_type *type) {
  tn_buffer text = {0};
  tn_buffer_append_text(&text,
                        "(module (import \"\" \"mem\" (memory 1)) (import \"\" \"f\" (func $f");
  add_signature(&text, type);
  tn_buffer_append_text(&text, ")) (func (export \"go\")");
  if (type->result_count > 0) {
    tn_buffer_format(&text, "(%s.store (i32.const %u) (call $f", type_name(type->results[0]),
                     RETURNED);
  } else {
    tn_buffer_append_text(&text, "(call $f");
  }
  for (uint32_t i = 0; i < type->param_count; i++)
    add_load(&text, type->params[i], ARGUMENTS + 8 * i);
  tn_buffer_append_text(&text, type->result_count > 0 ? "))))" : ")))");
  return tn_buffer_take(&text);
}

static tn_core_instance instantiate(world *w, const char *text, const tn_core_extern *imports,
                                    size_t count) {
  tn_module *module = test_module(w->engine, text);
  tn_core_instance instance;
  assert_ok(tn_core_instantiate(w->runtime.context, module, imports, count, &instance));
  tn_module_delete(module);
  return instance;
}

static tn_core_extern export_of(world *w, const tn_core_instance *instance, const char *name) {
  tn_core_extern item;
  assert_true(tn_core_instance_export(w->runtime.context, instance, tn_str_from(name), &item));
  return item;
}

/* ---- one fused function ------------------------------------------------------------------------- */

enum { CALLER = 2, CALLEE = 3 };

typedef struct fused {
  world *w;
  tn_core_instance libraries[2]; /* of caller and callee */
  tn_canon_options options[2];
  tn_lowered *lowered;
} fused;

static tn_core_extern import_of_adapter(const fused *f, tn_adapter_import import) {
  world *w = f->w;
  if (import.kind == TN_ADAPTER_IMPORT_FUNC) return world_func_extern(w->funcs[import.slot]);
  if (import.kind == TN_ADAPTER_IMPORT_MEMORY) {
    return export_of(w, &f->libraries[(int32_t)import.slot == f->options[1].memory], "mem");
  }
  assert_int_equal(import.kind, TN_ADAPTER_IMPORT_HOST);
  tn_host_import host = tn_adapter_host(import.slot);
  tn_core_extern item;
  assert_ok(
      tn_core_extern_func_new(w->runtime.context, host.type, host.func, host.environment, &item));
  return item;
}

/* From here on the flags of the instances are in the adapter's memory. */
static void move_flags(world *w, const tn_core_instance *adapter) {
  tn_core_extern memory = export_of(w, adapter, "flags");
  tn_instance_flags *flags =
      (tn_instance_flags *)tn_core_memory_base(w->runtime.context, &memory.memory);
  for (uint32_t i = 0; i < WORLD_INSTANCES; i++) {
    flags[i] = *w->instances[i].flags;
    w->instances[i].flags = &flags[i];
  }
}

static tn_core_extern adapt(const fused *f) {
  world *w = f->w;
  static const uint32_t entered[] = {CALLEE};
  tn_adapted adapted = {.lowered = f->lowered, .entered_count = 1, .entered = entered};
  tn_arena arena = {0};
  tn_adapter_module written;
  assert_ok(tn_adapter_write(&arena, &adapted, 1, true, &written));
  assert_ok(tn_module_validate(w->engine, written.bytes));
  tn_module *module = NULL;
  assert_ok(tn_modules_compile(w->engine, &written.bytes, 1, &module));
  tn_core_extern imports[12];
  assert_true(written.import_count <= 12);
  for (uint32_t i = 0; i < written.import_count; i++)
    imports[i] = import_of_adapter(f, written.imports[i]);
  tn_core_instance instance;
  assert_ok(
      tn_core_instantiate(w->runtime.context, module, imports, written.import_count, &instance));
  tn_module_delete(module);
  tn_arena_free(&arena);
  move_flags(w, &instance);
  return export_of(w, &instance, "0");
}

static void add_library(fused *f, int side) {
  f->options[side] = world_options(f->w, side == 0 ? CALLER : CALLEE);
  f->libraries[side] = instantiate(f->w, library_text, NULL, 0);
  world_bind(f->w, &f->options[side], &f->libraries[side]);
}

static void add_callee(fused *f, const tn_func_type *type, bool has_post_return) {
  world *w = f->w;
  /* What a callee that takes the parameters in the lowered form has as its core type. */
  tn_lowered *probe = NULL;
  tn_func_type no_result = *type;
  no_result.result = NULL;
  tn_lifted *lifted = NULL;
  assert_ok(tn_canon_lift(&w->arena, &no_result, &f->options[1], 0, &lifted));
  assert_ok(tn_canon_lower_lifted(&w->arena, TN_STR("probe"), &no_result, &f->options[0], lifted,
                                  &probe));
  tn_core_func_type core = *tn_lowered_type(probe);
  static const tn_core_valtype pointer = {.code = 0x7f};
  tn_flat_type flat;
  tn_core_valtype result = pointer;
  if (type->result->flat_count == 1 && tn_type_flatten(type->result, false, &flat, 1) == 1) {
    result.code = (uint8_t)(0x7f - flat);
  }
  core.result_count = 1;
  core.results = &result;
  char *text = callee_text(&core);
  tn_core_extern memory = export_of(w, &f->libraries[1], "mem");
  tn_core_instance instance = instantiate(w, text, &memory, 1);
  tn_free(text);
  if (has_post_return) f->options[1].post_return = world_func(w, &instance, "post");
  assert_ok(tn_canon_lift(&w->arena, type, &f->options[1], world_func(w, &instance, "f"), &lifted));
  assert_ok(
      tn_canon_lower_lifted(&w->arena, TN_STR("f"), type, &f->options[0], lifted, &f->lowered));
}

/* ---- memories ----------------------------------------------------------------------------------- */

/* Small numbers, and addresses that are good lengths and characters too: many calls succeed. */
static uint32_t tame_word(generator *g) {
  return pick(g, 3) == 0 ? SCRATCH + 256 * pick(g, 4) + 8 * pick(g, 16) : pick(g, 2);
}

static uint32_t wild_word(generator *g) {
  static const uint32_t odd[] = {0xd800, 0xdfff,     0x110000,   0x10ffff, 65535,
                                 65536,  0xffffffff, 0x10000000, 0x80};
  switch (pick(g, 16)) {
  case 0:
    return (uint32_t)random_bits(g);
  case 1:
    return odd[pick(g, sizeof odd / sizeof *odd)];
  case 2:
    return 0xa9c3a9c3;
  case 3:
    return pick(g, 40);
  case 4:
  case 5:
    return 0x61626364 + pick(g, 16);
  default:
    return tame_word(g);
  }
}

static void put_address(uint8_t *bytes, uint32_t at, generator *g) {
  uint32_t address = SCRATCH + 8 * pick(g, 16);
  memcpy(bytes + at, &address, 4);
}

/* `room` is where the address is that a result in memory goes to. */
static void fill_memory(world *w, const tn_core_instance *library, uint32_t room, generator *g) {
  tn_core_extern memory = export_of(w, library, "mem");
  uint8_t *bytes = tn_core_memory_base(w->runtime.context, &memory.memory);
  static const uint32_t junk[] = {1, 4, 65535, 65536, 0xffffffff, 0xfffffff8, 131072, 2048};
  bool is_wild = pick(g, 3) == 0;
  for (uint32_t i = 0; i < SCRATCH + 16384; i += 4) {
    uint32_t word = is_wild ? wild_word(g) : tame_word(g);
    memcpy(bytes + i, &word, 4);
  }
  if (!is_wild) put_address(bytes, room, g);
  if (!is_wild && pick(g, 2) == 0)
    put_address(bytes, ARGUMENTS,
                g); /* of the first string or list, or of all spilled parameters */
  uint32_t value = is_wild && pick(g, 4) == 0 ? junk[pick(g, 8)] : 0;
  memcpy(bytes + JUNK, &value, 4);
}

/* ---- outcomes ----------------------------------------------------------------------------------- */

typedef struct outcome {
  char error[200]; /* "": none */
  uint64_t size[2];
  uint8_t *memory[2];
} outcome;

static void keep_memory(fused *f, int side, outcome *out) {
  tn_core_extern memory = export_of(f->w, &f->libraries[side], "mem");
  out->size[side] = tn_core_memory_size(f->w->runtime.context, &memory.memory);
  out->memory[side] = tn_malloc(out->size[side]);
  assert_non_null(out->memory[side]);
  memcpy(out->memory[side], tn_core_memory_base(f->w->runtime.context, &memory.memory),
         out->size[side]);
}

static outcome run(world *w, const tn_func_type *type, uint64_t seed, bool is_adapted) {
  world_reset(w);
  generator g = {&w->arena, seed};
  fused f = {.w = w};
  outcome out = {0};
  for (int side = 0; side < 2; side++)
    add_library(&f, side);
  add_callee(&f, type, pick(&g, 2) == 0);
  assert_true(tn_adapter_covers(f.lowered));
  for (int side = 0; side < 2; side++) {
    fill_memory(w, &f.libraries[side], side == 0 ? ARGUMENTS + 8 * f.lowered->result_slot : RESULT,
                &g);
  }
  if (pick(&g, 32) == 0) w->instances[CALLER].flags->may_leave = false;
  if (pick(&g, 32) == 0) w->instances[CALLEE].flags->may_enter = false;
  tn_core_extern imports[2] = {export_of(w, &f.libraries[0], "mem")};
  if (is_adapted) {
    imports[1] = adapt(&f);
  } else {
    assert_ok(tn_core_extern_func_new(w->runtime.context, tn_lowered_type(f.lowered),
                                      tn_lowered_entry(f.lowered), f.lowered, &imports[1]));
  }
  char *text = caller_text(tn_lowered_type(f.lowered));
  tn_core_instance caller = instantiate(w, text, imports, 2);
  tn_free(text);
  tn_core_func go = test_func(w->runtime.context, &caller, "go");
  tn_error *error = tn_core_call(w->runtime.context, &go, NULL, 0);
  if (error != NULL) snprintf(out.error, sizeof out.error, "%s", tn_error_get_message(error));
  tn_error_delete(error);
  for (int side = 0; side < 2; side++)
    keep_memory(&f, side, &out);
  for (uint32_t i = 0; out.error[0] == '\0' && i < WORLD_INSTANCES; i++) {
    assert_true(w->instances[i].flags->may_enter && w->instances[i].flags->may_leave);
  }
  return out;
}

/* Memories after a trap are nobody's business. Returns whether the call went well. */
static bool compare(world *w, const tn_func_type *type, uint64_t seed) {
  outcome interpreted = run(w, type, seed, false), adapted = run(w, type, seed, true);
  assert_string_equal(adapted.error, interpreted.error);
  bool is_fine = interpreted.error[0] == '\0';
  for (int side = 0; side < 2; side++) {
    assert_int_equal(adapted.size[side], interpreted.size[side]);
    if (is_fine)
      assert_memory_equal(adapted.memory[side], interpreted.memory[side], adapted.size[side]);
    tn_free(adapted.memory[side]);
    tn_free(interpreted.memory[side]);
  }
  return is_fine;
}

static const tn_func_type *random_func_type(generator *g) {
  tn_func_type *type = TN_ARENA_NEW(g->arena, tn_func_type);
  type->param_count = pick(g, 5);
  const tn_type **params = TN_ARENA_ARRAY(g->arena, const tn_type *, type->param_count);
  for (uint32_t i = 0; i < type->param_count; i++)
    params[i] = random_type(g, pick(g, 4));
  type->param_types = params;
  type->result = random_type(g, pick(g, 4));
  assert_ok(tn_func_type_finish(g->arena, type));
  return type;
}

static void random_calls_end_alike(void **state) {
  (void)state;
  world w;
  world_start(&w);
  uint32_t fine = 0, failed = 0;
  for (uint32_t i = 0; i < 100; i++) {
    tn_arena arena = {0};
    generator g = {&arena, 0x2545f4914f6cdd1d + i * 0x1234567};
    for (int warm = 0; warm < 4; warm++)
      random_bits(&g);
    const tn_func_type *type = random_func_type(&g);
    if (type->params->weight + type->result->weight < 400) {
      *(compare(&w, type, random_bits(&g) | 1) ? &fine : &failed) += 1;
    }
    tn_arena_free(&arena);
  }
  assert_true(fine > 10 && failed > 10);
  world_end(&w);
}

/* What matters most, with many memories each. */
static void chosen_calls_end_alike(void **state) {
  (void)state;
  static const char *const signatures[] = {
      "func(a: string) -> u32",
      "func(a: list<u8>) -> list<u8>",
      "func(a: list<tuple<s32, s32, string>>) -> list<tuple<s32, s32, string>>",
      "func(a: string, b: string) -> string",
      "func(a: list<bool>) -> list<char>",
      "func(a: result<f32, u64>, b: result<f64, string>, c: option<option<u8>>) -> result<f32, "
      "s64>",
      "func(a: s8, b: s16, c: u8, d: u16, e: bool, f: char, g: f32, h: f64, i: u64) -> s8",
      "func(a: tuple<u64, u64, u64, u64, u64, u64, u64, u64, u64>, b: tuple<f32, f32, f32, f32, "
      "f32, f32, "
      "f32, f32, u8>, c: string) -> f32",
      "func(a: list<list<string>>) -> option<string>",
      "func(a: list<string, 3>, b: list<tuple<u8, bool>, 9>) -> list<tuple<u8, bool>, 4>",
  };
  world w;
  world_start(&w);
  for (size_t s = 0; s < sizeof signatures / sizeof *signatures; s++) {
    const tn_func_type *type = world_func_type(&w, signatures[s]);
    uint32_t fine = 0;
    for (uint64_t i = 0; i < 24; i++)
      fine += compare(&w, type, 0x9e3779b97f4a7c15 * (i + 1));
    assert_true(fine > 0);
  }
  world_end(&w);
}

/* ---- strings of every length -------------------------------------------------------------------- */

static void strings_of_all_lengths_arrive_whole(void **state) {
  (void)state;
  world w;
  world_start(&w);
  const tn_func_type *type = world_func_type(&w, "func(a: string) -> u32");
  fused f = {.w = &w};
  for (int side = 0; side < 2; side++)
    add_library(&f, side);
  add_callee(&f, type, false);
  tn_core_extern imports[2] = {export_of(&w, &f.libraries[0], "mem"), adapt(&f)};
  char *text = caller_text(tn_lowered_type(f.lowered));
  tn_core_instance caller = instantiate(&w, text, imports, 2);
  tn_free(text);
  tn_core_func go = test_func(w.runtime.context, &caller, "go");
  tn_core_extern from = export_of(&w, &f.libraries[0], "mem"),
                 to = export_of(&w, &f.libraries[1], "mem");
  uint8_t *source = tn_core_memory_base(w.runtime.context, &from.memory);
  for (uint32_t length = 0; length < 1100; length += length < 70 ? 1 : 41) {
    for (uint32_t i = 0; i < length; i++)
      source[SCRATCH + i] = (uint8_t)('!' + i % 90);
    for (int is_ascii = 1; is_ascii >= 0; is_ascii--) {
      if (is_ascii == 0 && length >= 2) memcpy(source + SCRATCH + (length - 2) / 2, "\xc3\xa9", 2);
      memcpy(source + ARGUMENTS, &(uint32_t){SCRATCH}, 4);
      memcpy(source + ARGUMENTS + 8, &length, 4);
      assert_ok(tn_core_call(w.runtime.context, &go, NULL, 0));
      const uint8_t *destination = tn_core_memory_base(w.runtime.context, &to.memory);
      uint32_t received[3];
      memcpy(received, destination + RECEIVED, sizeof received);
      assert_int_equal(received[2], length);
      assert_memory_equal(destination + received[0], source + SCRATCH, length);
    }
  }
  world_end(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_calls_end_alike),
      cmocka_unit_test(chosen_calls_end_alike),
      cmocka_unit_test(strings_of_all_lengths_arrive_whole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
