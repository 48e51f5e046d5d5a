/* Strings between encodings: the bytes that arrive, and the calls of realloc on the way, which guests can
 * count. CanonicalABI.md#storing */
#include "canon_world.h"

/* A realloc that notes (old, old size, alignment, new size) of each call at 1024, 16 bytes apart, with their number
 * at 1020; it allocates from 4096 on, 256 bytes apart. */
#define NOTING_GUEST                                                                               \
  "(module (memory (export \"mem\") 1)"                                                            \
  "(func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (local $n i32) (local $at i32)" \
  "  (local.set $n (i32.load (i32.const 1020)))"                                                   \
  "  (i32.store (i32.const 1020) (i32.add (local.get $n) (i32.const 1)))"                          \
  "  (local.set $at (i32.add (i32.const 1024) (i32.shl (local.get $n) (i32.const 4))))"            \
  "  (i32.store (local.get $at) (local.get 0)) (i32.store offset=4 (local.get $at) (local.get 1))" \
  "  (i32.store offset=8 (local.get $at) (local.get 2)) (i32.store offset=12 (local.get $at) "     \
  "(local.get 3))"                                                                                 \
  "  (local.set $at (i32.add (i32.const 4096) (i32.shl (local.get $n) (i32.const 8))))"            \
  "  (memory.copy (local.get $at) (local.get 0) (select (local.get 1) (local.get 3) (i32.lt_u "    \
  "(local.get 1) (local.get 3))))"                                                                 \
  "  (local.get $at))"                                                                             \
  "(func (export \"f\") (param i32 i32) (i32.store (i32.const 0) (local.get 0)) (i32.store "       \
  "(i32.const 4) (local.get 1))))"

typedef struct transfer_case {
  tn_string_encoding from, to;
  const char *source; /* bytes at the source */
  uint32_t size;
  uint32_t tagged_length;
  const char *arrives; /* bytes at the destination */
  uint32_t arriving_size;
  uint32_t arriving_length;
  uint32_t calls; /* of realloc, and their arguments but the old pointer */
  uint32_t sizes[3][3];
} transfer_case;

#define U8          TN_ENCODING_UTF8
#define U16         TN_ENCODING_UTF16
#define L1          TN_ENCODING_LATIN1_UTF16
#define TAG         0x80000000u
#define BYTES(text) text, sizeof text - 1

static const transfer_case cases[] = {
    {U8, U8, BYTES("h\xc3\xb6"), 3, BYTES("h\xc3\xb6"), 3, 1, {{0, 1, 3}}},
    {U8, U8, BYTES(""), 0, BYTES(""), 0, 1, {{0, 1, 0}}},
    {U8, U16, BYTES("ab"), 2, BYTES("a\0b\0"), 2, 1, {{0, 2, 4}}},
    {U8, U16, BYTES("h\xc3\xb6"), 3, BYTES("h\0\xf6\0"), 2, 2, {{0, 2, 6}, {6, 2, 4}}},
    {U8,
     U16,
     BYTES("\xf0\x9f\x8d\xb0"),
     4,
     BYTES("\x3c\xd8\x70\xdf"),
     2,
     2,
     {{0, 2, 8}, {8, 2, 4}}},
    {U8, L1, BYTES("ab"), 2, BYTES("ab"), 2, 1, {{0, 2, 2}}},
    {U8, L1, BYTES("h\xc3\xb6"), 3, BYTES("h\xf6"), 2, 2, {{0, 2, 3}, {3, 2, 2}}},
    {U8,
     L1,
     BYTES("h\xe2\x98\x83"),
     4,
     BYTES("h\0\x03\x26"),
     TAG | 2,
     3,
     {{0, 2, 4}, {4, 2, 8}, {8, 2, 4}}},
    {U16, U8, BYTES("a\0b\0"), 2, BYTES("ab"), 2, 1, {{0, 1, 2}}},
    {U16, U8, BYTES("h\0\xf6\0"), 2, BYTES("h\xc3\xb6"), 3, 3, {{0, 1, 2}, {2, 1, 6}, {6, 1, 3}}},
    {U16, U8, BYTES("\x03\x26"), 1, BYTES("\xe2\x98\x83"), 3, 2, {{0, 1, 1}, {1, 1, 3}}},
    {U16, U16, BYTES("h\0\xf6\0"), 2, BYTES("h\0\xf6\0"), 2, 1, {{0, 2, 4}}},
    {U16, L1, BYTES("h\0\xf6\0"), 2, BYTES("h\xf6"), 2, 1, {{0, 2, 2}}},
    {U16, L1, BYTES("h\0\x03\x26"), 2, BYTES("h\0\x03\x26"), TAG | 2, 2, {{0, 2, 2}, {2, 2, 4}}},
    {L1, U8, BYTES("ab"), 2, BYTES("ab"), 2, 1, {{0, 1, 2}}},
    {L1, U8, BYTES("h\xf6"), 2, BYTES("h\xc3\xb6"), 3, 3, {{0, 1, 2}, {2, 1, 4}, {4, 1, 3}}},
    {L1, U8, BYTES("\xf6\xf6"), 2, BYTES("\xc3\xb6\xc3\xb6"), 4, 2, {{0, 1, 2}, {2, 1, 4}}},
    {L1, U8, BYTES("\x03\x26"), TAG | 1, BYTES("\xe2\x98\x83"), 3, 2, {{0, 1, 1}, {1, 1, 3}}},
    {L1, U16, BYTES("h\xf6"), 2, BYTES("h\0\xf6\0"), 2, 1, {{0, 2, 4}}},
    {L1, U16, BYTES("\x03\x26"), TAG | 1, BYTES("\x03\x26"), 1, 1, {{0, 2, 2}}},
    {L1, L1, BYTES("h\xf6"), 2, BYTES("h\xf6"), 2, 1, {{0, 2, 2}}},
    {L1, L1, BYTES("A\0B\0"), TAG | 2, BYTES("AB"), 2, 2, {{0, 2, 4}, {4, 1, 2}}},
    {L1, L1, BYTES("A\0\x03\x26"), TAG | 2, BYTES("A\0\x03\x26"), TAG | 2, 1, {{0, 2, 4}}},
};

typedef struct pair {
  tn_canon_options caller, callee;
  tn_lifted *run;
} pair;

/* A caller in instance 2 that passes the string at 64 to a noting callee in instance 3. */
static pair join(world *w, tn_string_encoding from, tn_string_encoding to) {
  world_reset(w);
  pair p = {world_options(w, 2), world_options(w, 3), NULL};
  p.caller.encoding = from;
  p.callee.encoding = to;
  tn_core_instance inner = world_guest(w, NOTING_GUEST, NULL, 0);
  world_bind(w, &p.callee, &inner);
  tn_lifted *callee = world_lift(w, "func(a: string)", &p.callee, world_func(w, &inner, "f"));
  tn_lowered *lowered = world_fuse(w, &p.caller, callee);
  tn_core_instance outer = world_guest(
      w,
      "(module (import \"\" \"f\" (func $f (param i32 i32)))" WORLD_ALLOCATOR(
          "i32") "(func (export \"run\") (param i32 i32) (call $f (local.get 0) (local.get 1))))",
      &lowered, 1);
  world_bind(w, &p.caller, &outer);
  p.run = world_lift(w, "func(a: u32, b: u32)", &p.caller, world_func(w, &outer, "run"));
  w->module_count -= 2;
  tn_module_delete(w->modules[w->module_count]);
  tn_module_delete(w->modules[w->module_count + 1]);
  return p;
}

static uint32_t word(world *w, const tn_canon_options *options, uint32_t offset) {
  uint32_t value;
  memcpy(&value, world_memory_at(w, options, offset), 4);
  return value;
}

static void check(world *w, const transfer_case *c) {
  pair p = join(w, c->from, c->to);
  memcpy(world_memory_at(w, &p.caller, 64), c->source, c->size);
  uint32_t params[] = {64, c->tagged_length};
  assert_ok(tn_canon_call(&w->runtime, p.run, params, NULL, NULL));
  assert_int_equal(word(w, &p.callee, 4), c->arriving_length);
  assert_memory_equal(world_memory_at(w, &p.callee, word(w, &p.callee, 0)), c->arrives,
                      c->arriving_size);
  assert_int_equal(word(w, &p.callee, 1020), c->calls);
  for (uint32_t i = 0; i < c->calls; i++) {
    for (uint32_t k = 0; k < 3; k++)
      assert_int_equal(word(w, &p.callee, 1024 + 16 * i + 4 + 4 * k), c->sizes[i][k]);
    uint32_t old = i == 0 ? 0 : 4096 + 256 * (i - 1);
    assert_int_equal(word(w, &p.callee, 1024 + 16 * i), old);
  }
}

static void every_pair_of_encodings_reallocates_as_specified(void **state) {
  (void)state;
  world w;
  world_start(&w);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    check(&w, &cases[i]);
  world_end(&w);
}

static void assert_traps(world *w, tn_string_encoding from, uint32_t pointer, uint32_t length,
                         const char *bytes, size_t size, const char *message) {
  pair p = join(w, from, TN_ENCODING_UTF8);
  if (size > 0) memcpy(world_memory_at(w, &p.caller, 64), bytes, size);
  uint32_t params[] = {pointer, length};
  assert_error(tn_canon_call(&w->runtime, p.run, params, NULL, NULL), TN_ERROR_TRAP, message);
}

static void malformed_and_misplaced_strings_trap(void **state) {
  (void)state;
  world w;
  world_start(&w);
  assert_traps(&w, U16, 1, 0, "", 0, "wasm trap: unaligned pointer");
  assert_traps(&w, L1, 1, 0, "", 0, "wasm trap: unaligned pointer");
  assert_traps(&w, L1, 1, TAG, "", 0, "wasm trap: unaligned pointer");
  assert_traps(&w, U8, 65535, 2, "", 0, "string content out-of-bounds");
  assert_traps(&w, U8, 0x80000000, 1, "", 0, "string content out-of-bounds");
  assert_traps(&w, U16, 65534, 2, "", 0, "string content out-of-bounds");
  assert_traps(&w, U16, 0, 0x80000000, "", 0, "string content out-of-bounds");
  assert_traps(&w, L1, 65534, TAG | 2, "", 0, "string content out-of-bounds");
  assert_traps(&w, U16, 64, 1, "\x00\xd8", 2, "unpaired surrogate");
  assert_traps(&w, U16, 64, 1, "\x00\xdc", 2, "unpaired surrogate");
  assert_traps(&w, L1, 64, TAG | 2, "\x00\xd8\x41\x00", 4, "unpaired surrogate");
  assert_traps(&w, U8, 64, 1, "\xff", 1, "invalid utf-8");
  assert_traps(&w, U8, 64, 3, "a\xc3(", 3, "invalid utf-8");
  assert_traps(&w, U8, 64, 2, "a\xc3", 2, "incomplete utf-8 byte sequence");
  assert_traps(&w, U8, 64, 4, "\xf0\x9f\x8d", 3,
               "invalid utf-8"); /* ended by a NUL that is not part of it */
  world_end(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_pair_of_encodings_reallocates_as_specified),
      cmocka_unit_test(malformed_and_misplaced_strings_trap),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
