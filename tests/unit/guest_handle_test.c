#include "guest.h"

/* Handles that a guest makes up, uses after it gave them away, or uses as what they are not. */

/* Two resource types of one component; core functions of every name that a row below may call. */
static const char own_text[] =
    "(component (type $r' (resource (rep i32))) (type $s (resource (rep i32)))"
    " (export $r \"r\" (type $r'))"
    " (core func $new (canon resource.new $r')) (core func $drop (canon resource.drop $r'))"
    " (core func $rep (canon resource.rep $r'))"
    " (core func $new-s (canon resource.new $s)) (core func $drop-s (canon resource.drop $s))"
    " (core module $M (import \"\" \"new\" (func $new (param i32) (result i32)))"
    "  (import \"\" \"drop\" (func $drop (param i32))) (import \"\" \"rep\" (func $rep (param i32) "
    "(result i32)))"
    "  (import \"\" \"new-s\" (func $new-s (param i32) (result i32))) (import \"\" \"drop-s\" "
    "(func $drop-s (param i32)))"
    "  (func (export \"f\") (result i32) (local $h i32) %s)" GUEST_FINE_CORE ")"
    " (core instance $m (instantiate $M (with \"\" (instance (export \"new\" (func $new)) (export "
    "\"drop\" (func $drop))"
    "  (export \"rep\" (func $rep)) (export \"new-s\" (func $new-s)) (export \"drop-s\" (func "
    "$drop-s))))))"
    " (func (export \"f\") (result u32) (canon lift (core func $m \"f\")))"
    " (func (export \"give\") (result (own $r)) (canon lift (core func $m \"f\")))" GUEST_FINE ")";

typedef struct bad_handle {
  const char *body;
  const char *call;
  const char *message;
} bad_handle;

static void forged_handles_of_its_own_types_are_found_out(void **state) {
  (void)state;
  static const bad_handle rows[] = {
      {"(call $drop (i32.const 0)) (i32.const 0)", "f()", "unknown handle index 0"},
      {"(call $drop (i32.const -1)) (i32.const 0)", "f()", "unknown handle index 4294967295"},
      {"(call $rep (i32.const 12345))", "f()", "unknown handle index 12345"},
      {"(drop (call $new (i32.const 5))) (call $rep (i32.const 0x80000001))", "f()",
       "unknown handle index"},
      {"(local.set $h (call $new (i32.const 5))) (call $drop (local.get $h)) (call $drop "
       "(local.get $h)) (i32.const 0)",
       "f()", "unknown handle index 1"},
      {"(local.set $h (call $new (i32.const 5))) (call $drop (local.get $h)) (call $rep (local.get "
       "$h))",
       "f()", "unknown handle index 1"},
      {"(call $drop (call $new-s (i32.const 5))) (i32.const 0)", "f()", "wrong type"},
      {"(call $rep (call $new-s (i32.const 5)))", "f()", "wrong type"},
      {"(call $drop-s (call $new (i32.const 5))) (i32.const 0)", "f()", "wrong type"},
      {"(i32.const 0)", "give()", "unknown handle index 0"},
      {"(i32.const 77)", "give()", "unknown handle index 77"},
      {"(local.set $h (call $new (i32.const 5))) (call $drop (local.get $h)) (local.get $h)",
       "give()", "unknown handle index 1"},
      {"(call $new-s (i32.const 5))", "give()", "wrong type"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char text[3000];
    snprintf(text, sizeof text, own_text, rows[i].body);
    assert_guest_ends(text, rows[i].call, TN_ERROR_TRAP, rows[i].message);
  }
}

/* The owner of a resource type with functions that take it in all ways, and a user that imports them. The
 * user's `f` and its `lend`, which takes a borrow from the embedder, are given. */
static const char two_text[] =
    "(component (component $Owner"
    "  (type $r' (resource (rep i32))) (export $r \"r\" (type $r')) (core func $new (canon "
    "resource.new $r'))"
    "  (core module $M (import \"\" \"new\" (func $new (param i32) (result i32)))"
    "   (func (export \"make\") (result i32) (call $new (i32.const 42)))"
    "   (func (export \"take\") (param i32)) (func (export \"two\") (param i32 i32))"
    "   (memory (export \"m\") 1) (func (export \"all\") (param i32 i32))"
    "   (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 64)))"
    "  (core instance $m (instantiate $M (with \"\" (instance (export \"new\" (func $new))))))"
    "  (func (export \"make\") (result (own $r)) (canon lift (core func $m \"make\")))"
    "  (func (export \"take\") (param \"x\" (own $r)) (canon lift (core func $m \"take\")))"
    "  (func (export \"look\") (param \"x\" (borrow $r)) (canon lift (core func $m \"take\")))"
    "  (func (export \"look-take\") (param \"x\" (borrow $r)) (param \"y\" (own $r)) (canon lift "
    "(core func $m \"two\")))"
    "  (func (export \"take-look\") (param \"x\" (own $r)) (param \"y\" (borrow $r)) (canon lift "
    "(core func $m \"two\")))"
    "  (func (export \"take-all\") (param \"x\" (list (own $r))) (canon lift (core func $m \"all\")"
    "   (memory (core memory $m \"m\")) (realloc (core func $m \"realloc\")))))"
    " (component $User"
    "  (import \"o\" (instance $o (export \"r\" (type $r (sub resource)))"
    "   (export \"make\" (func (result (own $r)))) (export \"take\" (func (param \"x\" (own $r))))"
    "   (export \"look\" (func (param \"x\" (borrow $r))))"
    "   (export \"look-take\" (func (param \"x\" (borrow $r)) (param \"y\" (own $r))))"
    "   (export \"take-look\" (func (param \"x\" (own $r)) (param \"y\" (borrow $r))))"
    "   (export \"take-all\" (func (param \"x\" (list (own $r)))))))"
    "  (alias export $o \"r\" (type $r)) (type $s (resource (rep i32)))"
    "  (core module $Memory (memory (export \"m\") 1) (data (i32.const 16) "
    "\"\\01\\00\\00\\00\\01\\00\\00\\00\"))"
    "  (core instance $memory (instantiate $Memory))"
    "  (core func $make (canon lower (func $o \"make\"))) (core func $take (canon lower (func $o "
    "\"take\")))"
    "  (core func $look (canon lower (func $o \"look\"))) (core func $look-take (canon lower (func "
    "$o \"look-take\")))"
    "  (core func $take-look (canon lower (func $o \"take-look\")))"
    "  (core func $take-all (canon lower (func $o \"take-all\") (memory (core memory $memory "
    "\"m\"))))"
    "  (core func $drop (canon resource.drop $r)) (core func $new-s (canon resource.new $s))"
    "  (core module $M (import \"\" \"make\" (func $make (result i32))) (import \"\" \"take\" "
    "(func $take (param i32)))"
    "   (import \"\" \"look\" (func $look (param i32))) (import \"\" \"look-take\" (func "
    "$look-take (param i32 i32)))"
    "   (import \"\" \"take-look\" (func $take-look (param i32 i32))) (import \"\" \"drop\" (func "
    "$drop (param i32)))"
    "   (import \"\" \"take-all\" (func $take-all (param i32 i32)))"
    "   (import \"\" \"new-s\" (func $new-s (param i32) (result i32))) (global $kept (mut i32) "
    "(i32.const 0))"
    "   (func (export \"f\") (local $h i32) %s) (func (export \"lend\") (param $h i32) "
    "%s)" GUEST_FINE_CORE ")"
    "  (core instance $m (instantiate $M (with \"\" (instance (export \"make\" (func $make)) "
    "(export \"take\" (func $take))"
    "   (export \"look\" (func $look)) (export \"look-take\" (func $look-take)) (export "
    "\"take-look\" (func $take-look))"
    "   (export \"take-all\" (func $take-all)) (export \"drop\" (func $drop)) (export \"new-s\" "
    "(func $new-s))))))"
    "  (func (export \"f\") (canon lift (core func $m \"f\")))"
    "  (func (export \"lend\") (param \"x\" (borrow $r)) (canon lift (core func $m "
    "\"lend\")))" GUEST_FINE ")"
    " (instance $owner (instantiate $Owner)) (instance $user (instantiate $User (with \"o\" "
    "(instance $owner))))"
    " (export \"o\" (instance $owner)) (export \"f\" (func $user \"f\")) (export \"lend\" (func "
    "$user \"lend\"))"
    " (export \"fine\" (func $user \"fine\")))";

static tn_linked *link_two(const char *f_body, const char *lend_body) {
  char text[8000];
  snprintf(text, sizeof text, two_text, f_body, lend_body);
  return guest_link(engine, text, NULL);
}

#define MAKE "(local.set $h (call $make)) "

static void handles_of_imported_types_are_found_out(void **state) {
  (void)state;
  static const bad_handle rows[] = {
      {"(call $look (i32.const 0))", "", "unknown handle index 0"},
      {"(call $take (i32.const 99))", "", "unknown handle index 99"},
      {MAKE "(call $drop (local.get $h)) (call $look (local.get $h))", "",
       "unknown handle index 1"},
      {MAKE "(call $take (local.get $h)) (call $take (local.get $h))", "",
       "unknown handle index 1"},
      {MAKE "(call $take (local.get $h)) (call $drop (local.get $h))", "",
       "unknown handle index 1"},
      {MAKE "(call $look-take (local.get $h) (local.get $h))", "",
       "cannot remove owned resource while borrowed"},
      {MAKE "(call $take-look (local.get $h) (local.get $h))", "", "unknown handle index 1"},
      {MAKE "(call $take-all (i32.const 16) (i32.const 2))", "", "unknown handle index 1"},
      {"(call $look (call $new-s (i32.const 3)))", "", "wrong type"},
      {"(call $take (call $new-s (i32.const 3)))", "", "wrong type"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    tn_linked *linked = link_two(rows[i].body, "");
    assert_ends(linked, NULL, "f()", TN_ERROR_TRAP, rows[i].message);
    tn_linked_delete(linked);
  }
}

static void a_loan_ends_with_its_call(void **state) {
  (void)state;
  tn_linked *linked = link_two(
      MAKE "(call $look (local.get $h)) (call $look (local.get $h)) (call $drop (local.get $h))",
      "(call $look (local.get $h)) (call $drop (local.get $h))");
  tn_instance *instance = guest_instance(linked, NULL);
  for (int i = 0; i < 100; i++)
    assert_call(instance, "f()", "");
  tn_instance_delete(instance);
  tn_linked_delete(linked);
}

/* Makes a resource for the embedder and calls `lend` with it. */
static tn_error *lend(tn_instance *instance, uint32_t *handle) {
  const tn_func *make, *lend_it;
  tn_values *values;
  assert_ok(tn_values_new(&values));
  assert_ok(tn_instance_func(instance, (tn_str){"o#make", 6}, &make));
  assert_ok(tn_instance_func(instance, (tn_str){"lend", 4}, &lend_it));
  assert_ok(tn_func_call(make, NULL, handle, values));
  tn_error *error = tn_func_call(lend_it, handle, NULL, values);
  tn_values_delete(values);
  return error;
}

static void a_borrowed_handle_is_no_more_than_that(void **state) {
  (void)state;
  static const bad_handle rows[] = {
      {"(call $take (local.get $h))", "", "cannot lift own resource from a borrow"},
      {"", "", "borrow handles still remain at the end of the call"},
      {"(call $look (local.get $h))", "", "borrow handles still remain at the end of the call"},
      {"(call $drop (local.get $h)) (call $drop (local.get $h))", "", "unknown handle index 1"},
      {"(call $drop (local.get $h)) (call $look (local.get $h))", "", "unknown handle index 1"},
      {"(call $look-take (local.get $h) (local.get $h))", "",
       "cannot remove owned resource while borrowed"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    tn_linked *linked = link_two("", rows[i].body);
    tn_instance *instance = guest_instance(linked, NULL);
    uint32_t handle;
    assert_error(lend(instance, &handle), TN_ERROR_TRAP, rows[i].message);
    assert_error(guest_invoke(instance, "fine()"), TN_ERROR_POISONED, "ended by an earlier error");
    assert_error(tn_instance_drop_handle(instance, handle), TN_ERROR_POISONED,
                 "ended by an earlier error");
    tn_instance_delete(instance);
    assert_still_works(linked, NULL);
    tn_linked_delete(linked);
  }
}

static void the_embedders_own_mistakes_end_nothing(void **state) {
  (void)state;
  tn_linked *linked = link_two("", "(call $drop (local.get $h))");
  tn_instance *instance = guest_instance(linked, NULL);
  uint32_t handle;
  assert_error(tn_instance_drop_handle(instance, 0), TN_ERROR_ARGUMENT,
               "handle 0 cannot be dropped");
  assert_error(tn_instance_drop_handle(instance, 1), TN_ERROR_ARGUMENT,
               "handle 1 cannot be dropped");
  assert_error(tn_instance_drop_handle(instance, UINT32_MAX), TN_ERROR_ARGUMENT,
               "cannot be dropped");
  assert_ok(lend(instance, &handle));
  assert_ok(lend(instance, &handle));
  assert_ok(tn_instance_drop_handle(instance, handle));
  assert_error(tn_instance_drop_handle(instance, handle), TN_ERROR_ARGUMENT, "cannot be dropped");
  assert_call(instance, "fine()", "7");
  tn_instance_delete(instance);
  tn_linked_delete(linked);
}

/* ---- resources of the host ----------------------------------------------------------------------- */

static const char host_text[] =
    "(component (import \"t:host/i\" (instance $i (export \"a\" (type $a (sub resource))) (export "
    "\"b\" (type $b (sub resource)))"
    "  (export \"make\" (func (result (own $a)))) (export \"take\" (func (param \"x\" (own $a))))"
    "  (export \"look\" (func (param \"x\" (borrow $a)))) (export \"look-b\" (func (param \"x\" "
    "(borrow $b))))))"
    " (alias export $i \"a\" (type $a)) (alias export $i \"b\" (type $b))"
    " (core func $make (canon lower (func $i \"make\"))) (core func $take (canon lower (func $i "
    "\"take\")))"
    " (core func $look (canon lower (func $i \"look\"))) (core func $look-b (canon lower (func $i "
    "\"look-b\")))"
    " (core func $drop (canon resource.drop $a)) (core func $drop-b (canon resource.drop $b))"
    " (core module $M (import \"\" \"make\" (func $make (result i32))) (import \"\" \"take\" (func "
    "$take (param i32)))"
    "  (import \"\" \"look\" (func $look (param i32))) (import \"\" \"look-b\" (func $look-b "
    "(param i32)))"
    "  (import \"\" \"drop\" (func $drop (param i32))) (import \"\" \"drop-b\" (func $drop-b "
    "(param i32)))"
    "  (func (export \"f\") (local $h i32) " MAKE "%s)" GUEST_FINE_CORE ")"
    " (core instance $m (instantiate $M (with \"\" (instance (export \"make\" (func $make)) "
    "(export \"take\" (func $take))"
    "  (export \"look\" (func $look)) (export \"look-b\" (func $look-b)) (export \"drop\" (func "
    "$drop))"
    "  (export \"drop-b\" (func $drop-b))))))"
    " (func (export \"f\") (canon lift (core func $m \"f\")))" GUEST_FINE ")";

typedef struct seen {
  uint32_t drops, calls, last;
} seen;

static void count_drop(tn_instance *instance, void *data, uint32_t representation) {
  (void)instance;
  ((seen *)data)->drops++;
  ((seen *)data)->last = representation;
}

static tn_error *make_resource(tn_call *call, void *data, const void *params, void *result) {
  (void)call, (void)data, (void)params;
  *(uint32_t *)result = 0xfeedbeef;
  return NULL;
}

static tn_error *see(tn_call *call, void *data, const void *params, void *result) {
  (void)call, (void)result;
  ((seen *)data)->calls++;
  ((seen *)data)->last = *(const uint32_t *)params;
  return NULL;
}

static tn_linker *resource_host(seen *s) {
  tn_linker *linker = NULL;
  assert_ok(tn_linker_new(&linker));
  assert_ok(tn_linker_define_resource(linker, "t:host/i", "a", count_drop, s));
  assert_ok(tn_linker_define_resource(linker, "t:host/i", "b", count_drop, s));
  assert_ok(tn_linker_define_func(linker, "t:host/i", "make", "func() -> a", make_resource, s));
  assert_ok(tn_linker_define_func(linker, "t:host/i", "take", "func(x: a)", see, s));
  assert_ok(tn_linker_define_func(linker, "t:host/i", "look", "func(x: borrow<a>)", see, s));
  assert_ok(tn_linker_define_func(linker, "t:host/i", "look-b", "func(x: borrow<b>)", see, s));
  return linker;
}

static void forged_handles_of_the_hosts_types_are_found_out(void **state) {
  (void)state;
  static const struct {
    const char *body, *message;
    uint32_t drops, calls;
  } rows[] = {
      {"(call $look (i32.const 0))", "unknown handle index 0", 1,
       0}, /* dropped when the instance ends */
      {"(call $take (i32.const 0xfeedbeef))", "unknown handle index 4276993775", 1, 0},
      {"(call $look-b (local.get $h))", "wrong type", 1, 0},
      {"(call $drop-b (local.get $h))", "wrong type", 1, 0},
      {"(call $drop (local.get $h)) (call $drop (local.get $h))", "unknown handle index 1", 1, 0},
      {"(call $drop (local.get $h)) (call $look (local.get $h))", "unknown handle index 1", 1, 0},
      {"(call $take (local.get $h)) (call $drop (local.get $h))", "unknown handle index 1", 0, 1},
      {"(call $take (local.get $h)) (call $take (local.get $h))", "unknown handle index 1", 0, 1},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    seen s = {0};
    char text[4000];
    snprintf(text, sizeof text, host_text, rows[i].body);
    tn_linker *linker = resource_host(&s);
    tn_linked *linked = guest_link(engine, text, linker);
    assert_ends(linked, NULL, "f()", TN_ERROR_TRAP, rows[i].message);
    assert_int_equal(s.drops, rows[i].drops);
    assert_int_equal(s.calls, rows[i].calls);
    if (s.drops + s.calls > 0) assert_int_equal(s.last, 0xfeedbeef);
    tn_linked_delete(linked);
    tn_linker_delete(linker);
  }
}

typedef struct drops {
  uint32_t made, count, order[4];
  bool is_refused; /* the guest could not be entered from the last drop */
} drops;

static tn_error *make_next(tn_call *call, void *data, const void *params, void *result) {
  (void)call, (void)params;
  *(uint32_t *)result = ++((drops *)data)->made;
  return NULL;
}

static void note_drop(tn_instance *instance, void *data, uint32_t representation) {
  drops *d = data;
  assert_true(d->count < 4);
  d->order[d->count++] = representation;
  tn_error *error = guest_invoke(instance, "fine()");
  d->is_refused = error != NULL && tn_error_get_kind(error) == TN_ERROR_POISONED;
  tn_error_delete(error);
}

static void what_the_guest_still_owns_of_the_host_is_dropped_when_its_instance_ends(void **state) {
  (void)state;
  drops d = {0};
  char text[4000];
  snprintf(text, sizeof text, host_text,
           "(drop (call $make)) (drop (call $make)) (call $drop (i32.const 2)) (call $look "
           "(i32.const 3))");
  tn_linker *linker = NULL;
  assert_ok(tn_linker_new(&linker));
  assert_ok(tn_linker_define_resource(linker, "t:host/i", "a", note_drop, &d));
  assert_ok(tn_linker_define_resource(linker, "t:host/i", "b", note_drop, &d));
  assert_ok(tn_linker_define_func(linker, "t:host/i", "make", "func() -> a", make_next, &d));
  seen s = {0};
  assert_ok(tn_linker_define_func(linker, "t:host/i", "take", "func(x: a)", see, &s));
  assert_ok(tn_linker_define_func(linker, "t:host/i", "look", "func(x: borrow<a>)", see, &s));
  assert_ok(tn_linker_define_func(linker, "t:host/i", "look-b", "func(x: borrow<b>)", see, &s));
  tn_linked *linked = guest_link(engine, text, linker);
  tn_instance *instance = guest_instance(linked, NULL);
  assert_call(instance, "f()", "");
  assert_int_equal(d.count, 1);
  assert_int_equal(d.order[0], 2);
  tn_instance_delete(instance);
  assert_int_equal(d.count, 3);
  assert_int_equal(d.order[1], 3);
  assert_int_equal(d.order[2], 1);
  assert_true(d.is_refused);
  tn_linked_delete(linked);
  tn_linker_delete(linker);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(forged_handles_of_its_own_types_are_found_out),
      cmocka_unit_test(handles_of_imported_types_are_found_out),
      cmocka_unit_test(a_loan_ends_with_its_call),
      cmocka_unit_test(a_borrowed_handle_is_no_more_than_that),
      cmocka_unit_test(the_embedders_own_mistakes_end_nothing),
      cmocka_unit_test(forged_handles_of_the_hosts_types_are_found_out),
      cmocka_unit_test(what_the_guest_still_owns_of_the_host_is_dropped_when_its_instance_ends),
  };
  return cmocka_run_group_tests(tests, guest_set_up, guest_tear_down);
}
