/* Rights of linked components: each has its own, and what it opens it may hand on. */
#include "guest.h"

/* What it finds through WASI, as interface t:NAME/i; first it imports what stands at the first %s, and last it exports what
 * stands at the third. */
static const char looker[] =
    "(component "
    "(import \"wasi:cli/environment@0.2.0\" (instance $env "
    "(export \"get-environment\" (func (result (list (tuple string string))))))) "
    "(import \"wasi:filesystem/types@0.2.0\" (instance $types (export \"descriptor\" (type (sub resource))))) "
    "(alias export $types \"descriptor\" (type $descriptor)) "
    "(import \"wasi:filesystem/preopens@0.2.0\" (instance $preopens "
    "(alias outer 1 $descriptor (type $d)) (export \"descriptor\" (type $d' (eq $d))) "
    "(export \"get-directories\" (func (result (list (tuple (own $d') string))))))) "
    "(import \"wasi:random/random@0.2.0\" (instance $random (export \"get-random-u64\" (func (result u64))))) "
    "%s "
    "(core module $L (memory (export \"mem\") 1) (global $at (mut i32) (i32.const 1024)) "
    "(func (export \"realloc\") (param i32 i32 i32 i32) (result i32) "
    "(local $p i32) "
    "(local.set $p (i32.and (i32.add (global.get $at) (i32.const 7)) (i32.const -8))) "
    "(global.set $at (i32.add (local.get $p) (local.get 3))) (local.get $p))) "
    "(core instance $l (instantiate $L)) "
    "(core func $env (canon lower (func $env \"get-environment\") (memory $l \"mem\") (realloc (func $l \"realloc\")))) "
    "(core func $dirs (canon lower (func $preopens \"get-directories\") (memory $l \"mem\") (realloc (func $l \"realloc\")))) "
    "(core func $random (canon lower (func $random \"get-random-u64\"))) "
    "(core module $M (import \"\" \"env\" (func $env (param i32))) (import \"\" \"dirs\" (func $dirs (param i32))) "
    "(import \"\" \"random\" (func (result i64))) (import \"\" \"mem\" (memory 1)) "
    "(func (export \"variables\") (result i32) (call $env (i32.const 16)) (i32.load (i32.const 20))) "
    "(func (export \"directories\") (result i32) (call $dirs (i32.const 16)) (i32.load (i32.const 20))) "
    "(export \"random\" (func 2))) "
    "(core instance $m (instantiate $M (with \"\" (instance (export \"env\" (func $env)) (export \"dirs\" (func $dirs)) "
    "(export \"random\" (func $random)) (export \"mem\" (memory $l \"mem\")))))) "
    "(func $variables (result u32) (canon lift (core func $m \"variables\"))) "
    "(func $directories (result u32) (canon lift (core func $m \"directories\"))) "
    "(func $random-number (result u64) (canon lift (core func $m \"random\"))) "
    "(instance $i (export \"variables\" (func $variables)) (export \"directories\" (func $directories)) "
    "(export \"random\" (func $random-number))) "
    "(export \"t:%s/i\" (instance $i)) "
    "%s) ";

static const char import_lib[] =
    "(import \"t:lib/i\" (instance $lib (export \"variables\" (func (result u32)))"
    " (export \"directories\" (func (result u32))) (export \"random\" (func (result u64)))))";

/* Gives its standard output away. */
static const char lender[] =
    "(component "
    "(import \"wasi:io/streams@0.2.0\" (instance $streams (export \"output-stream\" (type (sub resource))))) "
    "(alias export $streams \"output-stream\" (type $s)) "
    "(import \"wasi:cli/stdout@0.2.0\" (instance $stdout (alias outer 1 $s (type $t)) (export \"output-stream\" (type $u (eq $t))) "
    "(export \"get-stdout\" (func (result (own $u)))))) "
    "(core func $get (canon lower (func $stdout \"get-stdout\"))) "
    "(core module $M (import \"\" \"get\" (func $get (result i32))) (func (export \"get\") (result i32) (call $get))) "
    "(core instance $m (instantiate $M (with \"\" (instance (export \"get\" (func $get)))))) "
    "(func $get' (result (own $s)) (canon lift (core func $m \"get\"))) "
    "(instance $o (export \"output-stream\" (type $s)) (export \"get\" (func $get'))) "
    "(export \"t:out/i\" (instance $o))) ";

/* Writes "hello" to that, and "hel" to its own. */
static const char writer[] =
    "(component "
    "(import \"wasi:io/error@0.2.0\" (instance $error (export \"error\" (type (sub resource))))) "
    "(alias export $error \"error\" (type $e)) "
    "(import \"wasi:io/streams@0.2.0\" (instance $streams "
    "(alias outer 1 $e (type $oe)) (export \"error\" (type $err (eq $oe))) "
    "(export \"output-stream\" (type $os (sub resource))) "
    "(type $se' (variant (case \"last-operation-failed\" (own $err)) (case \"closed\"))) "
    "(export \"stream-error\" (type $se (eq $se'))) "
    "(export \"[method]output-stream.blocking-write-and-flush\" "
    "(func (param \"self\" (borrow $os)) (param \"contents\" (list u8)) (result (result (error $se))))))) "
    "(alias export $streams \"output-stream\" (type $s)) "
    "(import \"t:out/i\" (instance $out (alias outer 1 $s (type $t)) (export \"output-stream\" (type $u (eq $t))) "
    "(export \"get\" (func (result (own $u)))))) "
    "(import \"wasi:cli/stdout@0.2.0\" (instance $stdout (alias outer 1 $s (type $t)) (export \"output-stream\" (type $u (eq $t))) "
    "(export \"get-stdout\" (func (result (own $u)))))) "
    "(core module $L (memory (export \"mem\") 1) (data (i32.const 8) \"hello\")) "
    "(core instance $l (instantiate $L)) "
    "(core func $get (canon lower (func $out \"get\"))) "
    "(core func $own (canon lower (func $stdout \"get-stdout\"))) "
    "(core func $drop (canon resource.drop $s)) "
    "(core func $write (canon lower (func $streams \"[method]output-stream.blocking-write-and-flush\") (memory $l \"mem\"))) "
    "(core module $M (import \"\" \"get\" (func $get (result i32))) (import \"\" \"own\" (func $own (result i32))) "
    "(import \"\" \"drop\" (func $drop (param i32))) (import \"\" \"write\" (func $write (param i32 i32 i32 i32))) "
    "(func $say (param $stream i32) (param $size i32) "
    "(call $write (local.get $stream) (i32.const 8) (local.get $size) (i32.const 100)) (call $drop (local.get $stream))) "
    "(func (export \"say-lent\") (call $say (call $get) (i32.const 5))) "
    "(func (export \"say-own\") (call $say (call $own) (i32.const 3)))) "
    "(core instance $m (instantiate $M (with \"\" (instance (export \"get\" (func $get)) (export \"own\" (func $own)) "
    "(export \"drop\" (func $drop)) (export \"write\" (func $write)))))) "
    "(func (export \"say-lent\") (canon lift (core func $m \"say-lent\"))) "
    "(func (export \"say-own\") (canon lift (core func $m \"say-own\")))) ";

static void add(tn_linker *linker, const char *text, const tn_wasi_config *rights) {
  tn_component *component = guest_component(engine, text);
  assert_ok(tn_linker_add_component(linker, component,
                                    &(tn_link_options){.name = "lib", .wasi = rights}));
  tn_component_delete(component);
}

static tn_linker *wasi_linker(void) {
  tn_linker *linker = NULL;
  assert_ok(tn_linker_new(&linker));
  assert_ok(tn_linker_define_wasi(linker));
  return linker;
}

static tn_wasi_config *rights_of(int variables, int directories) {
  tn_wasi_config *config = NULL;
  assert_ok(tn_wasi_config_new(&config));
  for (int i = 0; i < variables; i++) {
    char name = (char)('A' + i);
    assert_ok(tn_wasi_config_add_env(config, (tn_str){&name, 1}, TN_STR("x")));
  }
  for (int i = 0; i < directories; i++)
    assert_ok(
        tn_wasi_config_add_directory(config, "/tmp", i == 0 ? "/a" : "/b", TN_DIRECTORY_READ_ONLY));
  return config;
}

/* Exports t:app/i, which looks with its own rights, and t:of-lib/i, which is the library's. */
static tn_linked *link_lookers(const tn_wasi_config *rights) {
  char lib[4096], app[4096];
  snprintf(lib, sizeof lib, looker, "", "lib", "");
  snprintf(app, sizeof app, looker, import_lib, "app", "(export \"t:of-lib/i\" (instance $lib))");
  tn_linker *linker = wasi_linker();
  add(linker, lib, rights);
  tn_linked *linked = guest_link(engine, app, linker);
  tn_linker_delete(linker);
  return linked;
}

static void each_component_has_its_own_rights(void **state) {
  (void)state;
  tn_wasi_config *own = rights_of(3, 0), *granted = rights_of(1, 2);
  tn_linked *linked = link_lookers(granted);
  tn_instance_options options = guest_options();
  options.wasi = own;
  tn_instance *instance = guest_instance(linked, &options);
  assert_call(instance, "t:app/i#variables()", "3");
  assert_call(instance, "t:app/i#directories()", "0");
  assert_call(instance, "t:of-lib/i#variables()", "1");
  assert_call(instance, "t:of-lib/i#directories()", "2");
  tn_instance_delete(instance);
  tn_linked_delete(linked);
  tn_wasi_config_delete(own);
  tn_wasi_config_delete(granted);
}

static void without_rights_a_component_has_none(void **state) {
  (void)state;
  tn_wasi_config *own = rights_of(3, 1);
  tn_linked *linked = link_lookers(NULL);
  tn_instance_options options = guest_options();
  options.wasi = own;
  tn_instance *instance = guest_instance(linked, &options);
  assert_call(instance, "t:of-lib/i#variables()", "0");
  assert_call(instance, "t:of-lib/i#directories()", "0");
  tn_instance_delete(instance);
  tn_linked_delete(linked);
  tn_wasi_config_delete(own);
}

static void random_number(const tn_linked *linked, const tn_wasi_config *own, const char *call,
                          char out[32]) {
  tn_instance_options options = guest_options();
  options.wasi = own;
  tn_instance *instance = guest_instance(linked, &options);
  char *result = NULL;
  assert_ok(tn_instance_invoke(instance, tn_str_from(call), &result));
  snprintf(out, 32, "%s", result);
  tn_release(result);
  tn_instance_delete(instance);
}

/* A run with a seed is the same in all of its parts. */
static void the_seed_of_the_instance_is_for_all_without_one(void **state) {
  (void)state;
  tn_wasi_config *own = rights_of(0, 0);
  assert_ok(tn_wasi_config_set_random_seed(own, 5));
  tn_linked *linked = link_lookers(NULL);
  char app[32], first[32], again[32];
  random_number(linked, own, "t:app/i#random()", app);
  random_number(linked, own, "t:of-lib/i#random()", first);
  random_number(linked, own, "t:of-lib/i#random()", again);
  assert_string_equal(first, again);
  assert_string_not_equal(first, app);
  random_number(linked, NULL, "t:of-lib/i#random()", again);
  assert_string_not_equal(first, again);
  tn_linked_delete(linked);
  tn_wasi_config_delete(own);
}

static void note_output(void *data, int stream, const uint8_t *bytes, size_t size) {
  assert_int_equal(stream, 1);
  tn_buffer_append(data, bytes, size);
}

static void assert_written(tn_buffer *buffer, const char *expected) {
  assert_int_equal(buffer->len, strlen(expected));
  if (buffer->len > 0) assert_memory_equal(buffer->data, expected, buffer->len);
  buffer->len = 0;
}

/* A handle is good for what it was opened with, whoever has it. */
static void a_handle_keeps_the_rights_of_who_opened_it(void **state) {
  (void)state;
  tn_buffer own_output = {0}, lent_output = {0};
  tn_wasi_config *own = rights_of(0, 0), *lent = rights_of(0, 0);
  assert_ok(tn_wasi_config_set_output_callback(own, 1, note_output, &own_output));
  assert_ok(tn_wasi_config_set_output_callback(lent, 1, note_output, &lent_output));
  tn_linker *linker = wasi_linker();
  add(linker, lender, lent);
  tn_linked *linked = guest_link(engine, writer, linker);
  tn_linker_delete(linker);
  tn_instance_options options = guest_options();
  options.wasi = own;
  tn_instance *instance = guest_instance(linked, &options);
  assert_call(instance, "say-lent()", "");
  assert_written(&lent_output, "hello");
  assert_written(&own_output, "");
  assert_call(instance, "say-own()", "");
  assert_written(&lent_output, "");
  assert_written(&own_output, "hel");
  tn_instance_delete(instance);
  tn_linked_delete(linked);
  tn_wasi_config_delete(own);
  tn_wasi_config_delete(lent);
  tn_buffer_free(&own_output);
  tn_buffer_free(&lent_output);
}

/* Else a limit could be got around by having somebody else write. */
static void the_limit_of_output_is_for_all_together(void **state) {
  (void)state;
  tn_wasi_config *own = rights_of(0, 0), *lent = rights_of(0, 0);
  assert_ok(tn_wasi_config_set_output_limit(own, 8));
  tn_linker *linker = wasi_linker();
  add(linker, lender, lent);
  tn_linked *linked = guest_link(engine, writer, linker);
  tn_linker_delete(linker);
  tn_instance_options options = guest_options();
  options.wasi = own;
  tn_instance *instance = guest_instance(linked, &options);
  assert_call(instance, "say-lent()", "");
  assert_call(instance, "say-own()", "");
  assert_error(guest_invoke(instance, "say-lent()"), TN_ERROR_LIMIT, "more than 8 bytes of output");
  tn_instance_delete(instance);
  tn_linked_delete(linked);
  tn_wasi_config_delete(own);
  tn_wasi_config_delete(lent);
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  tn_wasi_config *granted = rights_of(1, 1);
  tn_linked *linked = link_lookers(granted);
  tn_instance_options options = guest_options();
  int64_t allowed = 0;
  for (bool is_done = false; !is_done; allowed++) {
    assert_true(allowed < 10000);
    tn_instance *instance = NULL;
    tn_alloc_fail_after(allowed);
    tn_error *error = tn_instance_new(linked, &options, &instance);
    if (error == NULL) error = guest_invoke(instance, "t:of-lib/i#directories()");
    is_done = !tn_alloc_did_fail();
    tn_alloc_fail_after(-1);
    if (error != NULL) assert_int_equal(tn_error_get_kind(error), TN_ERROR_NO_MEMORY);
    if (is_done) assert_null(error);
    tn_error_delete(error);
    tn_instance_delete(instance);
  }
  tn_linked_delete(linked);
  tn_wasi_config_delete(granted);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_component_has_its_own_rights),
      cmocka_unit_test(without_rights_a_component_has_none),
      cmocka_unit_test(the_seed_of_the_instance_is_for_all_without_one),
      cmocka_unit_test(a_handle_keeps_the_rights_of_who_opened_it),
      cmocka_unit_test(the_limit_of_output_is_for_all_together),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, guest_set_up, guest_tear_down);
}
