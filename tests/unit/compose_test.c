/* Composition: what the cases in tests/wac do not show. Memory that runs out, bindings, versions, and text that
 * is cut off anywhere or nests without end. */
#include "test.h"

#include "base/alloc.h"
#include "compose/graph.h"
#include "compose/plug.h"
#include "tenon/compose.h"
#include "compose/wac/wac.h"
#include "component/component.h"
#include "engine/engine.h"

/* ---- components ---------------------------------------------------------------------------------------- */

static const char thing[] =
    "(component (type $r' (resource (rep i32)))"
    " (core func $drop (canon resource.drop $r'))"
    " (core module $m (func (export \"make\") (result i32) unreachable)) (core instance $i (instantiate $m))"
    " (func $make (result (own $r')) (canon lift (core func $i \"make\")))"
    " (component $s (import \"r\" (type $r (sub resource))) (import \"make\" (func $f (result (own $r))))"
    "  (export $e \"r\" (type $r)) (export \"make\" (func $f) (func (result (own $e)))))"
    " (instance $x (instantiate $s (with \"r\" (type $r')) (with \"make\" (func $make))))"
    " (export \"a:b/thing@1.2.0\" (instance $x)))";

static const char user[] =
    "(component (import \"a:b/thing@1.0.0\" (instance $t (export \"r\" (type $r (sub resource)))"
    "   (export \"make\" (func (result (own $r))))))"
    " (alias export $t \"r\" (type $r))"
    " (import \"a:b/more@1.0.0\" (instance (alias outer 1 $r (type $o)) (export \"r\" (type $e (eq $o)))"
    "   (type $p' (record (field \"x\" (list u8)) (field \"y\" (option string)))) (export \"p\" (type $p (eq "
    "$p')))"
    "   (export \"use\" (func (param \"x\" (borrow $e)) (param \"p\" $p) (result (result $p (error "
    "string)))))))"
    " (import \"log\" (func (param \"m\" string))))";

static const char document[] =
    "package my:app@1.0.0;\n"
    "/// An interface.\n"
    "interface i { record p { x: u8, y: list<string> } resource r { constructor(p: p); get: func() -> p; } }\n"
    "world w { use i.{p, r as s}; import i; include v with { a as b }; }\n"
    "world v { import a: func(); export i2: interface { f: func(); } }\n"
    "import x as \"my:app/i@1.0.0\": i;\n"
    "let t = new my:thing {};\n"
    "let u = new my:user { \"a:b/thing@1.0.0\": (t).thing, more, ... };\n"
    "export t...;\n"
    "export x as again;\n";

/* The worlds in the order in which they may be used. */
static const char working_document[] =
    "package my:app@1.0.0 targets my:app/w;\n"
    "/// An interface.\n"
    "interface i { record p { x: u8, y: list<string> } resource r { constructor(p: p); get: func() -> p; } }\n"
    "world v { import a: func(); export i2: interface { f: func(); } }\n"
    "world w { use i.{p, r as s}; import i; import log: func(m: string); import again: interface {}; }\n"
    "world z { include v with { a as b }; }\n"
    "type e = option<result<_, tuple<u8, char>>>;\n"
    "import x as \"my:app/i@1.0.0\": i;\n"
    "let t = new my:thing {};\n"
    "let u = new my:thing {}.thing[\"make\"];\n"
    "export t...;\n"
    "export x as again;\n";

static tn_str binary_of(tn_arena *arena, const char *text) {
  uint8_t *bytes;
  size_t size;
  assert_ok(tn_core_text_to_binary(tn_str_from(text), &bytes, &size));
  tn_str copy = tn_arena_copy(arena, (tn_str){(const char *)bytes, size});
  tn_free(bytes);
  assert_non_null(copy.data);
  return copy;
}

typedef struct packages {
  tn_str thing;
  tn_str user;
} packages;

static tn_error *load(void *data, tn_str name, tn_str version, tn_wac_loaded *out) {
  const packages *all = data;
  if (version.data != NULL) return tn_error_new(TN_ERROR_IO, "no versions here");
  if (tn_str_equal(name, TN_STR("my:thing")))
    out->bytes = all->thing;
  else if (tn_str_equal(name, TN_STR("my:user")))
    out->bytes = all->user;
  else
    return tn_error_new(TN_ERROR_IO, "no such package");
  out->path = "memory";
  return NULL;
}

static tn_error *evaluate(const packages *all, tn_str text, tn_buffer *out) {
  tn_arena arena = {0};
  tn_compose_graph graph;
  tn_wit_source source = {.path = TN_STR("t.wac"), .text = text};
  tn_compose_graph_init(&graph, &arena);
  tn_error *error = tn_wac_evaluate(&graph, &source, load, (void *)all);
  if (error == NULL) error = tn_compose_encode(&graph, (tn_compose_encoding){0}, out);
  tn_arena_free(&arena);
  return error;
}

static packages read_packages(tn_arena *arena) {
  return (packages){.thing = binary_of(arena, thing), .user = binary_of(arena, user)};
}

/* ---- memory -------------------------------------------------------------------------------------------- */

static void a_document_survives_running_out_of_memory_anywhere(void **state) {
  (void)state;
  tn_arena arena = {0};
  packages all = read_packages(&arena);
  for (int64_t n = 0;; n++) {
    tn_buffer out = {0};
    tn_alloc_fail_after(n);
    tn_error *error = evaluate(&all, tn_str_from(working_document), &out);
    bool did_fail = tn_alloc_did_fail();
    tn_alloc_fail_after(-1);
    tn_buffer_free(&out);
    if (!did_fail) {
      assert_ok(error);
      assert_true(n > 8);
      break;
    }
    /* Where only a message was to be made longer, the shorter one is what is left; there is none here. */
    assert_error(error, TN_ERROR_NO_MEMORY, "");
  }
  tn_arena_free(&arena);
}

static tn_error *plug(const packages *all, tn_buffer *out) {
  tn_arena arena = {0};
  tn_compose_graph graph;
  tn_compose_package *socket, *plugged;
  tn_compose_graph_init(&graph, &arena);
  tn_error *error = tn_compose_package_new(&graph, TN_STR("user"), (tn_str){0}, all->user, &socket);
  if (error == NULL)
    error = tn_compose_package_new(&graph, TN_STR("thing"), (tn_str){0}, all->thing, &plugged);
  const tn_compose_package *plugs[] = {plugged};
  bool is_used;
  if (error == NULL) error = tn_compose_plug_into(&graph, socket, plugs, 1, &is_used);
  if (error == NULL)
    error = tn_compose_encode(&graph, (tn_compose_encoding){.import_components = true}, out);
  tn_arena_free(&arena);
  return error;
}

/* It ends with an error of its own: what uses the plugged resource is not plugged. */
static void a_plug_survives_running_out_of_memory_anywhere(void **state) {
  (void)state;
  tn_arena arena = {0};
  packages all = read_packages(&arena);
  for (int64_t n = 0;; n++) {
    tn_buffer out = {0};
    tn_alloc_fail_after(n);
    tn_error *error = plug(&all, &out);
    bool did_fail = tn_alloc_did_fail();
    tn_alloc_fail_after(-1);
    tn_buffer_free(&out);
    assert_non_null(error);
    if (!did_fail) {
      assert_error(error, TN_ERROR_LINK, "`a:b/more@1.0.0` for resource `r` of `a:b/thing@1.2.0`");
      assert_true(n > 8);
      break;
    }
    tn_error_delete(error);
  }
  tn_arena_free(&arena);
}

#define COMPONENT(name) TESTS_FOLDER "/wac/components/" name ".wat"

/* From files, three plugs that share two interfaces. */
static void plugs_that_share_survive_running_out_of_memory_anywhere(void **state) {
  (void)state;
  const char *const plugs[] = {COMPONENT("reader"), COMPONENT("holder"), COMPONENT("thing")};
  for (int64_t n = 0;; n++) {
    uint8_t *bytes = NULL;
    size_t size = 0;
    tn_alloc_fail_after(n);
    tn_error *error = tn_compose_plug(COMPONENT("holder-user"), plugs, 3, NULL, &bytes, &size);
    bool did_fail = tn_alloc_did_fail();
    tn_alloc_fail_after(-1);
    if (!did_fail) {
      assert_ok(error);
      assert_true(size > 1000 && n > 20);
      tn_release(bytes);
      break;
    }
    assert_error(error, TN_ERROR_NO_MEMORY, "");
  }
}

/* ---- text ---------------------------------------------------------------------------------------------- */

static void a_document_cut_off_anywhere_is_an_error_or_whole_statements(void **state) {
  (void)state;
  tn_arena arena = {0};
  packages all = read_packages(&arena);
  tn_str whole = tn_str_from(working_document);
  for (size_t length = 0; length < whole.len; length++) {
    tn_buffer out = {0};
    tn_error *error = evaluate(&all, tn_str_slice(whole, 0, length), &out);
    bool may_be_whole =
        length > 0 && (whole.data[length - 1] == ';' || whole.data[length - 1] == '}' ||
                       whole.data[length - 1] == '\n');
    assert_true(error != NULL || may_be_whole);
    if (error != NULL) assert_non_null(strstr(tn_error_get_message(error), "t.wac:"));
    tn_error_delete(error);
    tn_buffer_free(&out);
  }
  tn_arena_free(&arena);
}

static void names_are_not_known_before_they_are_declared(void **state) {
  (void)state;
  tn_arena arena = {0};
  tn_buffer out = {0};
  packages all = read_packages(&arena);
  assert_error(evaluate(&all, tn_str_from(document), &out), TN_ERROR_INVALID,
               "t.wac:4:48: `v` is not defined");
  tn_buffer_free(&out);
  tn_arena_free(&arena);
}

static tn_str repeated(tn_arena *arena, const char *before, const char *part, uint32_t count,
                       const char *behind) {
  tn_buffer text = {0};
  tn_buffer_append_text(&text, before);
  for (uint32_t i = 0; i < count; i++)
    tn_buffer_append_text(&text, part);
  tn_buffer_append_text(&text, behind);
  tn_str copy = tn_arena_copy(arena, tn_buffer_str(&text));
  tn_buffer_free(&text);
  return copy;
}

static void nesting_without_end_is_refused(void **state) {
  (void)state;
  tn_arena arena = {0};
  tn_buffer out = {0};
  packages all = read_packages(&arena);
  assert_error(evaluate(&all, repeated(&arena, "package a:b; let x = ", "(", 100000, ""), &out),
               TN_ERROR_INVALID, "nested too deeply");
  assert_error(
      evaluate(&all, repeated(&arena, "package a:b; type x = ", "list<", 100000, ""), &out),
      TN_ERROR_INVALID, "nested too deeply");
  assert_error(
      evaluate(&all, repeated(&arena, "package a:b; let x = ", "new my:user { log: ", 100000, ""),
               &out),
      TN_ERROR_INVALID, "nested too deeply");
  tn_buffer_free(&out);
  tn_arena_free(&arena);
}

/* Each type is a pair of the one before: as a tree it would have 2^60 leaves. */
static void types_with_shared_parts_are_compared_in_bounded_time(void **state) {
  (void)state;
  tn_arena arena = {0};
  tn_buffer text = {0}, out = {0};
  packages all = read_packages(&arena);
  tn_buffer_append_text(&text, "package a:b; type t0 = u8;\n");
  for (int i = 1; i <= 60; i++)
    tn_buffer_format(&text, "type t%d = tuple<t%d, t%d>;\n", i, i - 1, i - 1);
  tn_error *error = evaluate(&all, tn_buffer_str(&text), &out);
  assert_non_null(error); /* no component can have a type of this size */
  tn_error_delete(error);
  tn_buffer_free(&text);
  tn_buffer_free(&out);
  tn_arena_free(&arena);
}

/* ---- types --------------------------------------------------------------------------------------------- */

static tn_compose_item export_of(const tn_compose_world *world, const char *name) {
  const tn_compose_item *item = tn_compose_items_get(&world->exports, tn_str_from(name));
  assert_non_null(item);
  return *item;
}

static void what_is_given_binds_resources_until_it_is_undone(void **state) {
  (void)state;
  tn_arena arena = {0};
  tn_compose_types types;
  tn_compose_world *one, *two, *wants;
  packages all = read_packages(&arena);
  const tn_component_ast *thing_ast, *user_ast;
  tn_compose_types_init(&types, &arena);
  assert_ok(tn_component_decode(&arena, all.thing, &thing_ast));
  assert_ok(tn_component_decode(&arena, all.user, &user_ast));
  assert_ok(tn_compose_read_world(&types, thing_ast, &one));
  assert_ok(tn_compose_read_world(&types, thing_ast, &two));
  assert_ok(tn_compose_read_world(&types, user_ast, &wants));
  tn_compose_item first = export_of(one, "a:b/thing@1.2.0"),
                  second = export_of(two, "a:b/thing@1.2.0");
  const tn_compose_item *import = tn_compose_items_find(&wants->imports, TN_STR("a:b/thing@1.2.0"));
  assert_non_null(import);
  assert_ok(tn_compose_check(&types, &first, import));
  assert_error(tn_compose_check(&types, &second, import), TN_ERROR_LINK,
               "given another component's");
  assert_ok(tn_compose_check(&types, &first, import));
  tn_compose_unbind(&types, 0);
  assert_ok(tn_compose_check(&types, &second, import));
  tn_arena_free(&arena);
}

static void versions_are_compatible_as_semantic_versions_are(void **state) {
  (void)state;
  assert_true(tn_compose_is_compatible(TN_STR("a:b/c@1.0.0"), TN_STR("a:b/c@1.9.0")));
  assert_true(tn_compose_is_compatible(TN_STR("a:b/c@0.2.0"), TN_STR("a:b/c@0.2.7")));
  assert_false(tn_compose_is_compatible(TN_STR("a:b/c@0.2.0"), TN_STR("a:b/c@0.3.0")));
  assert_false(tn_compose_is_compatible(TN_STR("a:b/c@0.0.1"), TN_STR("a:b/c@0.0.2")));
  assert_false(tn_compose_is_compatible(TN_STR("a:b/c@1.0.0-rc.1"), TN_STR("a:b/c@1.0.0")));
  assert_false(tn_compose_is_compatible(TN_STR("a:b/c@1.0.0"), TN_STR("a:b/d@1.0.0")));
  assert_true(tn_compose_is_newer(TN_STR("a:b/c@0.2.10"), TN_STR("a:b/c@0.2.9")));
  assert_false(tn_compose_is_newer(TN_STR("a:b/c@0.2.9"), TN_STR("a:b/c@0.2.9")));
}

static void the_highest_compatible_version_is_found_unless_the_name_is_there(void **state) {
  (void)state;
  static const char *const names[] = {"a:b/c@1.1.0", "a:b/c@1.10.0", "a:b/c@1.9.0", "a:b/c@2.0.0"};
  tn_arena arena = {0};
  tn_compose_types types;
  tn_compose_items items = {0};
  tn_compose_types_init(&types, &arena);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    assert_ok(tn_compose_items_add(
        &types, &items, &(tn_compose_item){.name = tn_str_from(names[i]), .sort = TN_SORT_FUNC}));
  assert_true(tn_str_equal(tn_compose_items_find(&items, TN_STR("a:b/c@1.0.0"))->name,
                           TN_STR("a:b/c@1.10.0")));
  assert_true(tn_str_equal(tn_compose_items_find(&items, TN_STR("a:b/c@1.1.0"))->name,
                           TN_STR("a:b/c@1.1.0")));
  assert_null(tn_compose_items_find(&items, TN_STR("a:b/c@3.0.0")));
  assert_null(tn_compose_items_find(&items, TN_STR("a:b/c")));
  tn_arena_free(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_document_survives_running_out_of_memory_anywhere),
      cmocka_unit_test(a_plug_survives_running_out_of_memory_anywhere),
      cmocka_unit_test(plugs_that_share_survive_running_out_of_memory_anywhere),
      cmocka_unit_test(a_document_cut_off_anywhere_is_an_error_or_whole_statements),
      cmocka_unit_test(names_are_not_known_before_they_are_declared),
      cmocka_unit_test(nesting_without_end_is_refused),
      cmocka_unit_test(types_with_shared_parts_are_compared_in_bounded_time),
      cmocka_unit_test(what_is_given_binds_resources_until_it_is_undone),
      cmocka_unit_test(versions_are_compatible_as_semantic_versions_are),
      cmocka_unit_test(the_highest_compatible_version_is_found_unless_the_name_is_there),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
