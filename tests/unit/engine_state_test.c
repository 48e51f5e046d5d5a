/* What an instance consists of, exported or not, and which pages have been written. */
#include <sys/mman.h>
#include <unistd.h>

#include "engine_test.h"

/* What the engine calls by a name is the same thing that is found by counting, and so what has no name is
 * found too. */
static const char PARTS[] =
    "(module (import \"a\" \"memory\" (memory 1)) (import \"a\" \"i\" (global (mut i32)))"
    " (memory $own (export \"own\") 2) (memory 3) (data (memory 2) (i32.const 5) \"third\")"
    " (global $i (mut i32) (i32.const -3)) (global (export \"constant\") i64 (i64.const 9))"
    " (global $l (export \"l\") (mut i64) (i64.const -4)) (global $f (mut f32) (f32.const 1))"
    " (global $d (mut f64) (f64.const 2)) (func (export \"sum\") (result i64)"
    "  (i64.add (i64.extend_i32_s (global.get $i)) (i64.add (global.get $l)"
    "   (i64.add (i64.trunc_f32_s (global.get $f)) (i64.trunc_f64_s (global.get $d)))))))";

static const char IMPORTED[] =
    "(module (memory (export \"memory\") 1) (global (export \"i\") (mut i32) (i32.const 7)))";

typedef struct fixture {
  tn_core_engine *engine;
  tn_module *imported;
  tn_module *parts;
  tn_store *store;
  tn_core_context *context;
  tn_core_instance instance;
} fixture;

/* The second of two instances. */
static int setup(void **state) {
  fixture *f = tn_calloc(1, sizeof *f);
  tn_engine_options options = test_options();
  f->engine = test_engine(&options);
  f->imported = test_module(f->engine, IMPORTED);
  f->parts = test_module(f->engine, PARTS);
  f->store = test_store(f->engine, f);
  f->context = tn_store_context(f->store);
  tn_core_instance other;
  tn_core_extern imports[2];
  assert_ok(tn_core_instantiate(f->context, f->imported, NULL, 0, &other));
  assert_true(tn_core_instance_export(f->context, &other, TN_STR("memory"), &imports[0]));
  assert_true(tn_core_instance_export(f->context, &other, TN_STR("i"), &imports[1]));
  assert_ok(tn_core_instantiate(f->context, f->parts, imports, 2, &f->instance));
  *state = f;
  return 0;
}

static int teardown(void **state) {
  fixture *f = *state;
  tn_store_delete(f->store);
  tn_module_delete(f->imported);
  tn_module_delete(f->parts);
  tn_core_engine_delete(f->engine);
  tn_free(f);
  return 0;
}

static void memories_are_found_by_counting(void **state) {
  fixture *f = *state;
  tn_core_extern named;
  assert_true(tn_core_instance_export(f->context, &f->instance, TN_STR("own"), &named));
  tn_core_memory own = tn_core_instance_memory(&f->instance, 0);
  assert_int_equal(own.store, named.memory.store);
  assert_int_equal(own.a, named.memory.a);
  assert_int_equal(own.b, named.memory.b);
  tn_core_memory third = tn_core_instance_memory(&f->instance, 1);
  assert_int_equal(tn_core_memory_size(f->context, &third), 3 * 65536);
  assert_memory_equal(tn_core_memory_base(f->context, &third) + 5, "third", 5);
}

static void globals_are_found_by_counting(void **state) {
  fixture *f = *state;
  tn_core_extern named;
  assert_true(tn_core_instance_export(f->context, &f->instance, TN_STR("l"), &named));
  tn_core_global l = tn_core_instance_global(&f->instance, 2);
  assert_int_equal(l.store, named.global.store);
  assert_int_equal(l.a, named.global.a);
  assert_int_equal(l.b, named.global.b);
  assert_int_equal(l.c, named.global.c);
}

static void values_of_globals_are_bits(void **state) {
  fixture *f = *state;
  static const struct {
    uint32_t index;
    uint64_t before;
    uint64_t after; /* 10, 20, 3, 4 */
  } expected[] = {{0, (uint32_t)-3, 10},
                  {2, (uint64_t)-4, 20},
                  {3, 0x3f800000, 0x40400000},
                  {4, 0x4000000000000000, 0x4010000000000000}};
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    tn_core_global global = tn_core_instance_global(&f->instance, expected[i].index);
    tn_core_number number = tn_core_global_get(f->context, &global);
    assert_true(number.bits == expected[i].before);
    assert_true(
        tn_core_global_set(f->context, &global, (tn_core_number){number.kind, expected[i].after}));
    assert_true(tn_core_global_get(f->context, &global).bits == expected[i].after);
    uint8_t other_kind = (uint8_t)((number.kind + 1) % 4);
    assert_false(tn_core_global_set(f->context, &global, (tn_core_number){other_kind, 0}));
    assert_true(tn_core_global_get(f->context, &global).bits == expected[i].after);
  }
  tn_core_global constant = tn_core_instance_global(&f->instance, 1);
  tn_core_number nine = tn_core_global_get(f->context, &constant);
  assert_int_equal(nine.bits, 9);
  assert_false(tn_core_global_set(f->context, &constant, nine));
  tn_core_func sum = test_func(f->context, &f->instance, "sum");
  tn_core_value values[1];
  assert_ok(tn_core_call(f->context, &sum, values, 1));
  assert_int_equal(values[0].i64, 10 + 20 + 3 + 4);
}

/* ---- pages ---------------------------------------------------------------------------------------------- */

static void assert_written(int pages, const uint8_t *start, size_t count, const char *expected) {
  char found[64] = {0};
  memset(found, '.', count);
  tn_page_ranges ranges;
  assert_true(tn_pages_written(pages, start, count * 4096, &ranges));
  assert_int_equal(ranges.end, count * 4096);
  for (uint32_t i = 0; i < ranges.count; i++) {
    for (size_t at = ranges.ranges[i].start; at < ranges.ranges[i].end; at += 4096)
      found[at / 4096] = 'w';
  }
  assert_string_equal(found, expected);
}

static void pages_that_were_written_are_told_from_those_that_were_read(void **state) {
  (void)state;
  int pages = tn_pages_open();
  if (pages < 0) skip(); /* an older kernel */
  int file = memfd_create("test", MFD_CLOEXEC);
  assert_int_equal(ftruncate(file, 8 * 4096), 0);
  int protection = PROT_READ | PROT_WRITE;
  volatile uint8_t *maps[2] = {mmap(NULL, 8 * 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
                               mmap(NULL, 8 * 4096, protection, MAP_PRIVATE, file, 0)};
  for (int i = 0; i < 2; i++) {
    uint8_t *map = (uint8_t *)maps[i];
    assert_ptr_not_equal(map, MAP_FAILED);
    assert_written(pages, map, 8, "........");
    for (int page = 0; page < 4; page++)
      assert_int_equal(maps[i][page * 4096 + 9], 0);
    assert_written(pages, map, 8, "........");
    maps[i][2 * 4096] = 0; /* what was there already */
    maps[i][5 * 4096 + 4095] = 1;
    maps[i][6 * 4096] = 1;
    assert_written(pages, map, 8, "..w..ww.");
    assert_written(pages, map + 4096, 5, ".w..w");
    madvise(map, 8 * 4096, MADV_DONTNEED);
    assert_written(pages, map, 8, "........");
    munmap(map, 8 * 4096);
  }
  close(file);
  close(pages);
}

static void many_ranges_of_pages_come_in_portions(void **state) {
  (void)state;
  int pages = tn_pages_open();
  if (pages < 0) skip();
  enum { COUNT = 1000 };
  uint8_t *map =
      mmap(NULL, COUNT * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_ptr_not_equal(map, MAP_FAILED);
  for (size_t page = 0; page < COUNT; page += 2)
    map[page * 4096] = 1;
  size_t found = 0, at = 0;
  while (at < COUNT * 4096) {
    tn_page_ranges ranges;
    assert_true(tn_pages_written(pages, map + at, COUNT * 4096 - at, &ranges));
    assert_in_range(ranges.end, 1, COUNT * 4096 - at);
    for (uint32_t i = 0; i < ranges.count; i++) {
      assert_int_equal(ranges.ranges[i].end - ranges.ranges[i].start, 4096);
      assert_int_equal(map[at + ranges.ranges[i].start], 1);
      found++;
    }
    at += ranges.end;
  }
  assert_int_equal(found, COUNT / 2);
  munmap(map, COUNT * 4096);
  close(pages);
}

static void what_is_no_page_map_tells_nothing(void **state) {
  (void)state;
  tn_page_ranges ranges;
  assert_false(tn_pages_written(-1, state, 4096, &ranges));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(memories_are_found_by_counting, setup, teardown),
      cmocka_unit_test_setup_teardown(globals_are_found_by_counting, setup, teardown),
      cmocka_unit_test_setup_teardown(values_of_globals_are_bits, setup, teardown),
      cmocka_unit_test(pages_that_were_written_are_told_from_those_that_were_read),
      cmocka_unit_test(many_ranges_of_pages_come_in_portions),
      cmocka_unit_test(what_is_no_page_map_tells_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
