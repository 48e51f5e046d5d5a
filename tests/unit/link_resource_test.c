/* Resources of linked components: their identity, also through a component in between, and the handles that pass. */
#include "guest.h"

/* A resource that is a number; `live` is how many there are. */
static const char maker[] =
    "(component "
    "(core module $D (global $live (export \"live\") (mut i32) (i32.const 0)) "
    "(func (export \"drop\") (param i32) (global.set $live (i32.sub (global.get $live) (i32.const 1))))) "
    "(core instance $d (instantiate $D)) "
    "(type $r' (resource (rep i32) (dtor (func $d \"drop\")))) "
    "(core func $new (canon resource.new $r')) "
    "(core module $M (import \"\" \"new\" (func $new (param i32) (result i32))) "
    "(import \"\" \"live\" (global $live (mut i32))) "
    "(func (export \"make\") (param i32) (result i32) "
    "(global.set $live (i32.add (global.get $live) (i32.const 1))) (call $new (local.get 0))) "
    "(func (export \"get\") (param i32) (result i32) (local.get 0)) "
    "(func (export \"live\") (result i32) (global.get $live))) "
    "(core instance $m (instantiate $M (with \"\" (instance (export \"new\" (func $new)) "
    "(export \"live\" (global $d \"live\")))))) "
    "(func $make (param \"x\" u32) (result (own $r')) (canon lift (core func $m \"make\"))) "
    "(func $get (param \"self\" (borrow $r')) (result u32) (canon lift (core func $m \"get\"))) "
    "(func $live (result u32) (canon lift (core func $m \"live\"))) "
    "(instance $i (export \"r\" (type $r')) (export \"make\" (func $make)) (export \"get\" (func $get)) (export \"live\" (func $live))) "
    "(export \"t:maker/i@%s\" (instance $i))) ";

/* Takes them from the maker and hands them on. */
static const char middle[] =
    "(component "
    "(import \"t:maker/i@%s\" (instance $in (export \"r\" (type $r (sub resource))) "
    "(export \"get\" (func (param \"self\" (borrow $r)) (result u32))))) "
    "(alias export $in \"r\" (type $r)) "
    "(core func $get (canon lower (func $in \"get\"))) "
    "(core func $drop (canon resource.drop $r)) "
    "(core module $M (import \"\" \"get\" (func $get (param i32) (result i32))) (import \"\" \"drop\" (func $drop (param i32))) "
    "(func (export \"pass\") (param i32) (result i32) (local.get 0)) "
    "(func (export \"peek\") (param i32) (result i32) (call $get (local.get 0)) (call $drop (local.get 0))) "
    "(func (export \"eat\") (param i32) (call $drop (local.get 0)))) "
    "(core instance $m (instantiate $M (with \"\" (instance (export \"get\" (func $get)) (export \"drop\" (func $drop)))))) "
    "(func $pass (param \"x\" (own $r)) (result (own $r)) (canon lift (core func $m \"pass\"))) "
    "(func $peek (param \"x\" (borrow $r)) (result u32) (canon lift (core func $m \"peek\"))) "
    "(func $eat (param \"x\" (own $r)) (canon lift (core func $m \"eat\"))) "
    "(instance $o (export \"r\" (type $r)) (export \"pass\" (func $pass)) (export \"peek\" (func $peek)) (export \"eat\" (func $eat))) "
    "(export \"t:mid/j\" (instance $o))) ";

/* Has the type from both. */
static const char app[] =
    "(component "
    "(import \"t:maker/i@1.0.0\" (instance $a (export \"r\" (type $r (sub resource))) "
    "(export \"make\" (func (param \"x\" u32) (result (own $r)))) "
    "(export \"get\" (func (param \"self\" (borrow $r)) (result u32))) "
    "(export \"live\" (func (result u32))))) "
    "(alias export $a \"r\" (type $r)) "
    "(import \"t:mid/j\" (instance $b (alias outer 1 $r (type $r')) (export \"r\" (type $s (eq $r'))) "
    "(export \"pass\" (func (param \"x\" (own $s)) (result (own $s)))) "
    "(export \"peek\" (func (param \"x\" (borrow $s)) (result u32))) "
    "(export \"eat\" (func (param \"x\" (own $s)))))) "
    "(core func $make (canon lower (func $a \"make\"))) "
    "(core func $get (canon lower (func $a \"get\"))) "
    "(core func $live (canon lower (func $a \"live\"))) "
    "(core func $pass (canon lower (func $b \"pass\"))) "
    "(core func $peek (canon lower (func $b \"peek\"))) "
    "(core func $eat (canon lower (func $b \"eat\"))) "
    "(core module $M "
    "(import \"\" \"make\" (func $make (param i32) (result i32))) (import \"\" \"get\" (func $get (param i32) (result i32))) "
    "(import \"\" \"live\" (func $live (result i32))) (import \"\" \"pass\" (func $pass (param i32) (result i32))) "
    "(import \"\" \"peek\" (func $peek (param i32) (result i32))) (import \"\" \"eat\" (func $eat (param i32))) "
    "(func (export \"run\") (param i32) (result i32) (local $h i32) "
    "(local.set $h (call $pass (call $make (local.get 0)))) "
    "(i32.add (call $get (local.get $h)) (i32.mul (i32.const 100) (call $peek (local.get $h))))) "
    "(func (export \"eaten\") (result i32) "
    "(drop (call $make (i32.const 1))) (call $eat (call $make (i32.const 2))) (call $live)) "
    "(func (export \"twice\") (local $h i32) "
    "(local.set $h (call $make (i32.const 2))) (call $eat (local.get $h)) (call $eat (local.get $h)))) "
    "(core instance $m (instantiate $M (with \"\" (instance (export \"make\" (func $make)) (export \"get\" (func $get)) "
    "(export \"live\" (func $live)) (export \"pass\" (func $pass)) (export \"peek\" (func $peek)) (export \"eat\" (func $eat)))))) "
    "(func (export \"run\") (param \"x\" u32) (result u32) (canon lift (core func $m \"run\"))) "
    "(func (export \"eaten\") (result u32) (canon lift (core func $m \"eaten\"))) "
    "(func (export \"twice\") (canon lift (core func $m \"twice\")))) ";

static void add(tn_linker *linker, const char *name, const char *format, const char *version) {
  char text[4096];
  snprintf(text, sizeof text, format, version);
  tn_component *component = NULL;
  assert_ok(tn_component_from_bytes(engine, text, strlen(text), name, 0, &component));
  assert_ok(tn_linker_add_component(linker, component, NULL));
  tn_component_delete(component);
}

/* The middle one has its resources from a maker of that version; the application from version 1. */
static tn_error *link_all(const char *version, tn_linked **out) {
  tn_linker *linker = NULL;
  assert_ok(tn_linker_new(&linker));
  add(linker, "middle", middle, version);
  add(linker, "maker", maker, "1.0.0");
  add(linker, "other", maker, "2.0.0");
  tn_component *component = guest_component(engine, app);
  tn_error *error = tn_linker_link(linker, component, out);
  tn_component_delete(component);
  tn_linker_delete(linker);
  return error;
}

static tn_instance *instance_of_all(void) {
  tn_linked *linked = NULL;
  assert_ok(link_all("1.0.0", &linked));
  tn_instance *instance = guest_instance(linked, NULL);
  tn_linked_delete(linked);
  return instance;
}

static void a_resource_is_the_same_behind_a_third_component(void **state) {
  (void)state;
  tn_instance *instance = instance_of_all();
  assert_call(instance, "run(7)", "707");
  tn_instance_delete(instance);
}

/* The destructor is the maker's, whoever drops. */
static void what_another_component_drops_ends_where_it_was_made(void **state) {
  (void)state;
  tn_instance *instance = instance_of_all();
  assert_call(instance, "eaten()", "1");
  assert_call(instance, "eaten()", "2");
  tn_instance_delete(instance);
}

static void a_handle_that_was_handed_on_is_gone(void **state) {
  (void)state;
  tn_instance *instance = instance_of_all();
  assert_error(guest_invoke(instance, "twice()"), TN_ERROR_TRAP, "unknown handle index 1");
  tn_instance_delete(instance);
}

static void resources_of_two_makers_are_not_the_same(void **state) {
  (void)state;
  tn_linked *linked = NULL;
  tn_error *error = link_all("2.0.0", &linked);
  assert_non_null(error);
  assert_string_equal(
      tn_error_get_hint(error),
      "both have to import the interface that `r` is of, in compatible versions: then "
      "one provider meets both");
  assert_error(
      error, TN_ERROR_LINK,
      "import `t:mid/j#pass` has the wrong type: parameter `x`: both name a resource `r`, but these are two: "
      "guest has it from maker, middle has it from other; guest expects `func(x: r) -> r`, middle "
      "provides `func(x: r) -> r`");
}

/* The middle one wants a newer maker than the application: both get it from the newer one. */
static void one_maker_serves_all_compatible_versions_in_any_order(void **state) {
  (void)state;
  static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
    tn_linker *linker = NULL;
    assert_ok(tn_linker_new(&linker));
    for (int k = 0; k < 3; k++) {
      if (orders[i][k] == 0) add(linker, "middle", middle, "1.3.0");
      if (orders[i][k] == 1) add(linker, "old", maker, "1.0.0");
      if (orders[i][k] == 2) add(linker, "new", maker, "1.3.0");
    }
    tn_component *component = guest_component(engine, app);
    tn_linked *linked = NULL;
    assert_ok(tn_linker_link(linker, component, &linked));
    tn_instance *instance = guest_instance(linked, NULL);
    assert_call(instance, "run(7)", "707");
    tn_instance_delete(instance);
    tn_linked_delete(linked);
    tn_component_delete(component);
    tn_linker_delete(linker);
  }
}

/* A pre-release is compatible only with itself. */
static void a_pre_release_is_not_met_by_the_release(void **state) {
  (void)state;
  tn_linked *linked = NULL;
  assert_error(link_all("1.0.0-rc.1", &linked), TN_ERROR_LINK,
               "middle: import `t:maker/i@1.0.0-rc.1` (interface) is not provided");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_resource_is_the_same_behind_a_third_component),
      cmocka_unit_test(what_another_component_drops_ends_where_it_was_made),
      cmocka_unit_test(a_handle_that_was_handed_on_is_gone),
      cmocka_unit_test(resources_of_two_makers_are_not_the_same),
      cmocka_unit_test(one_maker_serves_all_compatible_versions_in_any_order),
      cmocka_unit_test(a_pre_release_is_not_met_by_the_release),
  };
  return cmocka_run_group_tests(tests, guest_set_up, guest_tear_down);
}
