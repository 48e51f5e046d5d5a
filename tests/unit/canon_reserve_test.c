#include "guest.h"

/* tn_call_reserve: a host function fills a list<u8> in the guest's own memory. */

/* `fetch` calls the host's `get`; the other functions tell what it got, and how realloc was called for it. */
static const char guest[] =
    "(component"
    " (import \"get\" (func $get (result (list u8)))) (import \"put\" (func $put (param \"n\" "
    "u32)))"
    " (core module $Libc (memory (export \"m\") 1)"
    "  (global $next (mut i32) (i32.const 1024)) (global $calls (mut i32) (i32.const 0))"
    "  (global $old (mut i32) (i32.const 0)) (global $osize (mut i32) (i32.const 0)) (global "
    "$nsize (mut i32) "
    "(i32.const 0))"
    "  (func (export \"realloc\") (param $old i32) (param $osize i32) (param $align i32) (param "
    "$nsize i32)"
    "   (result i32) (local $at i32)"
    "   (global.set $calls (i32.add (global.get $calls) (i32.const 1)))"
    "   (global.set $old (local.get $old)) (global.set $osize (local.get $osize))"
    "   (global.set $nsize (local.get $nsize))"
    "   (if (local.get $old) (then (return (local.get $old))))"
    "   (local.set $at (global.get $next))"
    "   (global.set $next (i32.add (local.get $at) (i32.const 64)))"
    "   (local.get $at))"
    "  (func (export \"calls\") (result i32) (global.get $calls))"
    "  (func (export \"old\") (result i32) (global.get $old))"
    "  (func (export \"osize\") (result i32) (global.get $osize))"
    "  (func (export \"nsize\") (result i32) (global.get $nsize)))"
    " (core instance $libc (instantiate $Libc))"
    " (core func $get' (canon lower (func $get) (memory (core memory $libc \"m\"))"
    "  (realloc (core func $libc \"realloc\"))))"
    " (core func $put' (canon lower (func $put)))"
    " (core module $M (import \"\" \"get\" (func $get (param i32))) (import \"\" \"put\" (func "
    "$put (param i32)))"
    "  (import \"\" \"m\" (memory 1))"
    "  (func (export \"fetch\") (call $get (i32.const 16)))"
    "  (func (export \"put\") (call $put (i32.const 1)))"
    "  (func (export \"at\") (result i32) (i32.load (i32.const 16)))"
    "  (func (export \"length\") (result i32) (i32.load (i32.const 20)))"
    "  (func (export \"byte\") (param i32) (result i32)"
    "   (i32.load8_u (i32.add (i32.load (i32.const 16)) (local.get 0))))" GUEST_FINE_CORE ")"
    " (core instance $m (instantiate $M (with \"\" (instance (export \"get\" (func $get'))"
    "  (export \"put\" (func $put')) (export \"m\" (memory $libc \"m\"))))))"
    " (func (export \"fetch\") (canon lift (core func $m \"fetch\")))"
    " (func (export \"put\") (canon lift (core func $m \"put\")))"
    " (func (export \"at\") (result u32) (canon lift (core func $m \"at\")))"
    " (func (export \"length\") (result u32) (canon lift (core func $m \"length\")))"
    " (func (export \"byte\") (param \"i\" u32) (result u32) (canon lift (core func $m \"byte\")))"
    " (func (export \"calls\") (result u32) (canon lift (core func $libc \"calls\")))"
    " (func (export \"old\") (result u32) (canon lift (core func $libc \"old\")))"
    " (func (export \"old-size\") (result u32) (canon lift (core func $libc \"osize\")))"
    " (func (export \"new-size\") (result u32) (canon lift (core func $libc \"nsize\")))" GUEST_FINE
    ")";

typedef struct list {
  const uint8_t *data;
  size_t len;
} list;

/* What the host function does: reserves `sizes` one after the other, fills the `chosen` one and returns `length`
 * bytes that begin `skip` bytes into it. */
typedef struct plan {
  size_t sizes[2];
  int count;
  int chosen;
  size_t skip;
  size_t length;
} plan;

static tn_error *get(tn_call *call, void *data, const void *params, void *result) {
  (void)params;
  const plan *p = data;
  uint8_t *rooms[2] = {NULL, NULL};
  for (int i = 0; i < p->count; i++) {
    tn_error *error = tn_call_reserve(call, p->sizes[i], &rooms[i]);
    if (error != NULL) return error;
  }
  for (size_t i = 0; i < p->sizes[p->chosen]; i++)
    rooms[p->chosen][i] = (uint8_t)(10 + i);
  *(list *)result = (list){rooms[p->chosen] + p->skip, p->length};
  return NULL;
}

static tn_error *put(tn_call *call, void *data, const void *params, void *result) {
  (void)data, (void)params, (void)result;
  uint8_t *room;
  return tn_call_reserve(call, 8, &room);
}

static tn_linked *link_guest(const plan *p) {
  tn_linker *linker = NULL;
  assert_ok(tn_linker_new(&linker));
  assert_ok(tn_linker_define_func(linker, "", "get", "func() -> list<u8>", get, (void *)p));
  assert_ok(tn_linker_define_func(linker, "", "put", "func(n: u32)", put, NULL));
  tn_linked *linked = guest_link(engine, guest, linker);
  tn_linker_delete(linker);
  return linked;
}

/* An instance that has fetched its list; the guest reads `length` and the bytes from `first` on. */
static tn_instance *fetch(const plan *p, const char *length, const char *first) {
  tn_linked *linked = link_guest(p);
  tn_instance *instance = guest_instance(linked, NULL);
  tn_linked_delete(linked);
  assert_call(instance, "fetch()", "");
  assert_call(instance, "length()", length);
  if (first != NULL) assert_call(instance, "byte(0)", first);
  return instance;
}

static void a_reserved_list_is_handed_over_where_it_is(void **state) {
  (void)state;
  plan p = {.sizes = {8}, .count = 1, .length = 8};
  tn_instance *instance = fetch(&p, "8", "10");
  assert_call(instance, "byte(7)", "17");
  assert_call(instance, "at()", "1024");
  assert_call(instance, "calls()", "1");
  assert_call(instance, "new-size()", "8");
  tn_instance_delete(instance);
}

static void a_list_that_was_not_filled_is_shrunk(void **state) {
  (void)state;
  plan p = {.sizes = {8}, .count = 1, .length = 3};
  tn_instance *instance = fetch(&p, "3", "10");
  assert_call(instance, "at()", "1024");
  assert_call(instance, "calls()", "2");
  assert_call(instance, "old()", "1024");
  assert_call(instance, "old-size()", "8");
  assert_call(instance, "new-size()", "3");
  tn_instance_delete(instance);
}

static void nothing_in_reserved_room_is_an_empty_list(void **state) {
  (void)state;
  plan p = {.sizes = {8}, .count = 1, .length = 0};
  tn_instance *instance = fetch(&p, "0", NULL);
  assert_call(instance, "new-size()", "0");
  tn_instance_delete(instance);
}

static void another_pointer_is_copied(void **state) {
  (void)state;
  plan p = {.sizes = {8}, .count = 1, .skip = 1, .length = 4};
  tn_instance *instance = fetch(&p, "4", "11");
  assert_call(instance, "byte(3)", "14");
  assert_call(instance, "at()", "1088");
  assert_call(instance, "calls()", "2");
  assert_call(instance, "old()", "0");
  tn_instance_delete(instance);
}

static void more_than_was_reserved_is_not_handed_over(void **state) {
  (void)state;
  plan p = {.sizes = {8}, .count = 1, .length = 9};
  tn_instance *instance = fetch(&p, "9", "10");
  assert_call(instance, "byte(7)", "17");
  assert_call(instance, "at()", "1088");
  assert_call(instance, "old()", "0");
  assert_call(instance, "new-size()", "9");
  tn_instance_delete(instance);
}

static void the_last_of_two_reservations_counts(void **state) {
  (void)state;
  plan p = {.sizes = {4, 8}, .count = 2, .chosen = 1, .length = 8};
  tn_instance *instance = fetch(&p, "8", "10");
  assert_call(instance, "at()", "1088");
  assert_call(instance, "calls()", "2");
  tn_instance_delete(instance);
}

static void an_earlier_reservation_is_copied(void **state) {
  (void)state;
  plan p = {.sizes = {4, 8}, .count = 2, .chosen = 0, .length = 4};
  tn_instance *instance = fetch(&p, "4", "10");
  assert_call(instance, "at()", "1152");
  assert_call(instance, "calls()", "3");
  assert_call(instance, "old()", "0");
  tn_instance_delete(instance);
}

static void a_function_without_memory_can_reserve_none(void **state) {
  (void)state;
  plan p = {0};
  tn_linked *linked = link_guest(&p);
  assert_ends(linked, NULL, "put()", TN_ERROR_ARGUMENT,
              "reserves memory but has no list in its result");
  tn_linked_delete(linked);
}

static void more_than_a_list_can_have_is_refused(void **state) {
  (void)state;
  plan p = {.sizes = {(size_t)1 << 28}, .count = 1};
  tn_linked *linked = link_guest(&p);
  assert_ends(linked, NULL, "fetch()", TN_ERROR_ARGUMENT, "which is more than a list can have");
  tn_linked_delete(linked);
}

static void room_beyond_the_guests_memory_is_a_trap(void **state) {
  (void)state;
  plan p = {.sizes = {100000}, .count = 1};
  tn_linked *linked = link_guest(&p);
  assert_ends(linked, NULL, "fetch()", TN_ERROR_TRAP, "beyond end of memory");
  tn_linked_delete(linked);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_reserved_list_is_handed_over_where_it_is),
      cmocka_unit_test(a_list_that_was_not_filled_is_shrunk),
      cmocka_unit_test(nothing_in_reserved_room_is_an_empty_list),
      cmocka_unit_test(another_pointer_is_copied),
      cmocka_unit_test(more_than_was_reserved_is_not_handed_over),
      cmocka_unit_test(the_last_of_two_reservations_counts),
      cmocka_unit_test(an_earlier_reservation_is_copied),
      cmocka_unit_test(a_function_without_memory_can_reserve_none),
      cmocka_unit_test(more_than_a_list_can_have_is_refused),
      cmocka_unit_test(room_beyond_the_guests_memory_is_a_trap),
  };
  return cmocka_run_group_tests(tests, guest_set_up, guest_tear_down);
}
