/* WIT packages in binary form and the worlds of components: encode.c, decode.c. */
#include "test.h"

#include "base/alloc.h"
#include "component/component.h"
#include "component/write/write.h"
#include "wit/package/encode.h"
#include "wit/package/package.h"

/* ---- helpers ------------------------------------------------------------------------------------------- */

static tn_wit_package *parse(tn_wit_set *set, const char *text) {
  tn_wit_source *source = TN_ARENA_NEW(set->arena, tn_wit_source);
  tn_wit_package *package = NULL;
  assert_non_null(source);
  *source = (tn_wit_source){.path = TN_STR("test.wit"), .text = tn_str_from(text)};
  assert_ok(tn_wit_parse_package(set, source, 1, &package));
  return package;
}

static const tn_component_ast *decode_bytes(tn_arena *arena, tn_str bytes) {
  tn_arena scratch = {0};
  const tn_component_ast *component = NULL;
  assert_ok(tn_component_decode(arena, bytes, &component));
  assert_ok(tn_component_validate(&scratch, component));
  tn_arena_free(&scratch);
  return component;
}

static const tn_component_ast *assemble(tn_arena *arena, const char *text) {
  uint8_t *bytes;
  size_t size;
  assert_ok(tn_text_to_binary(tn_str_from(text), &bytes, &size));
  tn_str copy = tn_arena_copy(arena, (tn_str){(const char *)bytes, size});
  tn_release(bytes);
  assert_non_null(copy.data);
  return decode_bytes(arena, copy);
}

static tn_str encode(tn_arena *arena, const tn_wit_package *package) {
  tn_buffer out = {0};
  assert_ok(tn_wit_encode_package(&out, package));
  tn_str copy = tn_arena_copy(arena, tn_buffer_str(&out));
  tn_buffer_free(&out);
  return copy;
}

static tn_str print(tn_arena *arena, const tn_wit_set *set, const tn_wit_package *package,
                    bool with_dependencies) {
  tn_buffer out = {0};
  assert_ok(tn_wit_print_package(&out, set, package, with_dependencies));
  tn_str copy = tn_arena_copy(arena, tn_buffer_str(&out));
  tn_buffer_free(&out);
  return copy;
}

static void assert_text(tn_str text, const char *expected) {
  if (!tn_str_equal(text, tn_str_from(expected)))
    fail_msg("\"%.*s\" != \"%s\"", TN_STR_ARG(text), expected);
}

/* Text to binary to text changes nothing. */
static void assert_round_trip(const char *text) {
  tn_arena arena = {0};
  tn_wit_set set = {.arena = &arena, .all_features = true};
  tn_wit_set again = {.arena = &arena};
  tn_wit_package *package = parse(&set, text);
  tn_wit_package *decoded = NULL;
  tn_str bytes = encode(&arena, package);
  const tn_component_ast *component = decode_bytes(&arena, bytes);
  assert_true(tn_wit_is_binary_package(component));
  assert_ok(tn_wit_decode(&again, component, &decoded));
  assert_text(print(&arena, &again, decoded, false), print(&arena, &set, package, false).data);
  tn_str same = encode(&arena, decoded);
  assert_int_equal(same.len, bytes.len);
  assert_memory_equal(same.data, bytes.data, bytes.len);
  tn_arena_free(&arena);
}

/* The world of a component as WIT. */
static void assert_world(const char *component, const char *expected) {
  tn_arena arena = {0};
  tn_wit_set set = {.arena = &arena};
  tn_wit_package *package = NULL;
  const tn_component_ast *ast = assemble(&arena, component);
  assert_false(tn_wit_is_binary_package(ast));
  assert_ok(tn_wit_decode(&set, ast, &package));
  assert_text(print(&arena, &set, package, true), expected);
  decode_bytes(&arena, encode(&arena, package));
  tn_arena_free(&arena);
}

/* ---- packages ------------------------------------------------------------------------------------------ */

static void all_kinds_of_types_survive(void **state) {
  (void)state;
  assert_round_trip("package a:b@1.2.3-rc.1+build;\n"
                    "interface types {\n"
                    "  type number = u32;\n"
                    "  type again = number;\n"
                    "  type numbers = list<number>;\n"
                    "  type four = list<u8, 4>;\n"
                    "  type entries = map<string, option<u8>>;\n"
                    "  record point { x: s8, y: f64, others: list<u32>, more: option<list<u32>> }\n"
                    "  variant shape { none, dot(point), text(string), letter(char) }\n"
                    "  enum color { red, green }\n"
                    "  flags marks { a, b, c }\n"
                    "  resource store { constructor(of: string) -> result<store, string>; get: "
                    "func(k: tuple<u8, s16>) -> "
                    "list<u64>; all: static func() -> list<store>; sync: async func(); }\n"
                    "  type other-store = store;\n"
                    "  f1: func() -> result;\n"
                    "  f2: func(a: result<_, u8>) -> result<u8>;\n"
                    "  f3: func(a: borrow<store>, b: other-store) -> own<store>;\n"
                    "  f4: async func(a: stream<u8>, b: stream, c: future<string>) -> future;\n"
                    "  f5: func(a: bool, b: error-context);\n"
                    "}\n"
                    "interface %interface { use types.{point, store as %resource}; f: func(a: "
                    "point, b: %resource); }\n");
}

static void worlds_survive(void **state) {
  (void)state;
  assert_round_trip("package a:b;\n"
                    "interface i { resource r; type t = u32; f: func(r: r); }\n"
                    "interface j { use i.{r, t}; g: func(r: r, t: t); }\n"
                    "world w {\n"
                    "  import i;\n"
                    "  use i.{t};\n"
                    "  record pair { a: t, b: t }\n"
                    "  resource own-one { constructor(); m: func(p: pair); }\n"
                    "  import log: func(p: pair, o: borrow<own-one>);\n"
                    "  import inline: interface { use i.{r}; enum e { a } g: func(e: e, r: r); }\n"
                    "  import second: i;\n"
                    "  import third: i;\n"
                    "  export i;\n"
                    "  export j;\n"
                    "  export run: async func(p: pair) -> own-one;\n"
                    "  export written: interface { use j.{r}; h: func() -> r; }\n"
                    "  export other: i;\n"
                    "}\n");
}

static void documentation_and_gates_survive(void **state) {
  (void)state;
  assert_round_trip(
      "/// The \"package\" \\ with ü and\n///\n/// two paragraphs.\n"
      "package a:b@2.0.0;\n"
      "/// I.\n@since(version = 1.0.0)\n"
      "interface i {\n"
      "  /// R.\n  record r { /// A field.\n a: u8, b: u8 }\n"
      "  /// E.\n  enum e { /// A case.\n a }\n"
      "  /// S.\n  resource s { /// Con.\n constructor(); /// M.\n @since(version = 1.0.0) "
      "@deprecated(version = 2.0.0) m: func(); }\n"
      "  /// F.\n  @unstable(feature = later)\n  f: func();\n"
      "}\n"
      "/// W.\n@unstable(feature = later)\n"
      "world w {\n"
      "  /// Imported.\n  @since(version = 1.0.0)\n  import i;\n"
      "  /// Exported.\n  @unstable(feature = x)\n  export i;\n"
      "  /// Labelled.\n  import l: i;\n"
      "  /// Function.\n  import f: func();\n"
      "  /// Exported function.\n  export f: func();\n"
      "  /// Inline.\n  import x: interface { /// G.\n g: func(); }\n"
      "  /// Exported inline.\n  export x: interface { /// H.\n g: func(); }\n"
      "  /// Type.\n  enum t { /// One.\n one }\n"
      "}\n");
}

static void external_ids_survive(void **state) {
  (void)state;
  assert_round_trip(
      "package a:b;\n"
      "interface i { @external-id(\"t\") type t = u32; @external-id(\"r\") resource r { "
      "@external-id(\"m\") m: "
      "func(); } @external-id(\"f\") f: func(); }\n"
      "world w { @external-id(\"in\") import i; @external-id(\"l\") import l: i; "
      "@external-id(\"log\") import "
      "log: func(); @external-id(\"e\") enum e { a } @external-id(\"x\") import x: interface {} "
      "@external-id(\"out\") export i; }\n");
}

/* Measured: `wasm-tools component wit --wasm`, 1.254.0, without its section "producers". */
static const uint8_t written_by_wasm_tools[] = {
    0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00, 0x07, 0x42, 0x01, 0x41, 0x02, 0x01, 0x42, 0x04,
    0x01, 0x72, 0x02, 0x01, 0x61, 0x79, 0x01, 0x62, 0x79, 0x04, 0x00, 0x04, 0x70, 0x61, 0x69, 0x72,
    0x03, 0x00, 0x00, 0x01, 0x40, 0x01, 0x01, 0x70, 0x01, 0x00, 0x79, 0x04, 0x00, 0x03, 0x61, 0x64,
    0x64, 0x01, 0x02, 0x04, 0x00, 0x14, 0x64, 0x6f, 0x63, 0x73, 0x3a, 0x61, 0x64, 0x64, 0x65, 0x72,
    0x2f, 0x61, 0x64, 0x64, 0x40, 0x30, 0x2e, 0x31, 0x2e, 0x30, 0x05, 0x00, 0x0b, 0x09, 0x01, 0x00,
    0x03, 0x61, 0x64, 0x64, 0x03, 0x00, 0x00, 0x07, 0xc2, 0x01, 0x01, 0x41, 0x02, 0x01, 0x41, 0x08,
    0x01, 0x42, 0x04, 0x01, 0x72, 0x02, 0x01, 0x61, 0x79, 0x01, 0x62, 0x79, 0x04, 0x00, 0x04, 0x70,
    0x61, 0x69, 0x72, 0x03, 0x00, 0x00, 0x01, 0x40, 0x01, 0x01, 0x70, 0x01, 0x00, 0x79, 0x04, 0x00,
    0x03, 0x61, 0x64, 0x64, 0x01, 0x02, 0x03, 0x00, 0x14, 0x64, 0x6f, 0x63, 0x73, 0x3a, 0x61, 0x64,
    0x64, 0x65, 0x72, 0x2f, 0x61, 0x64, 0x64, 0x40, 0x30, 0x2e, 0x31, 0x2e, 0x30, 0x05, 0x00, 0x02,
    0x03, 0x00, 0x00, 0x04, 0x70, 0x61, 0x69, 0x72, 0x03, 0x00, 0x04, 0x70, 0x61, 0x69, 0x72, 0x03,
    0x00, 0x01, 0x01, 0x40, 0x01, 0x01, 0x70, 0x02, 0x01, 0x00, 0x03, 0x00, 0x03, 0x6c, 0x6f, 0x67,
    0x01, 0x03, 0x01, 0x42, 0x04, 0x01, 0x72, 0x02, 0x01, 0x61, 0x79, 0x01, 0x62, 0x79, 0x04, 0x00,
    0x04, 0x70, 0x61, 0x69, 0x72, 0x03, 0x00, 0x00, 0x01, 0x40, 0x01, 0x01, 0x70, 0x01, 0x00, 0x79,
    0x04, 0x00, 0x03, 0x61, 0x64, 0x64, 0x01, 0x02, 0x04, 0x00, 0x14, 0x64, 0x6f, 0x63, 0x73, 0x3a,
    0x61, 0x64, 0x64, 0x65, 0x72, 0x2f, 0x61, 0x64, 0x64, 0x40, 0x30, 0x2e, 0x31, 0x2e, 0x30, 0x05,
    0x04, 0x04, 0x00, 0x16, 0x64, 0x6f, 0x63, 0x73, 0x3a, 0x61, 0x64, 0x64, 0x65, 0x72, 0x2f, 0x61,
    0x64, 0x64, 0x65, 0x72, 0x40, 0x30, 0x2e, 0x31, 0x2e, 0x30, 0x04, 0x00, 0x0b, 0x0b, 0x01, 0x00,
    0x05, 0x61, 0x64, 0x64, 0x65, 0x72, 0x03, 0x02, 0x00, 0x00, 0x70, 0x0c, 0x70, 0x61, 0x63, 0x6b,
    0x61, 0x67, 0x65, 0x2d, 0x64, 0x6f, 0x63, 0x73, 0x01, 0x7b, 0x22, 0x69, 0x6e, 0x74, 0x65, 0x72,
    0x66, 0x61, 0x63, 0x65, 0x73, 0x22, 0x3a, 0x7b, 0x22, 0x61, 0x64, 0x64, 0x22, 0x3a, 0x7b, 0x22,
    0x64, 0x6f, 0x63, 0x73, 0x22, 0x3a, 0x22, 0x41, 0x64, 0x64, 0x73, 0x2e, 0x22, 0x2c, 0x22, 0x66,
    0x75, 0x6e, 0x63, 0x73, 0x22, 0x3a, 0x7b, 0x22, 0x61, 0x64, 0x64, 0x22, 0x3a, 0x7b, 0x22, 0x73,
    0x74, 0x61, 0x62, 0x69, 0x6c, 0x69, 0x74, 0x79, 0x22, 0x3a, 0x7b, 0x22, 0x73, 0x74, 0x61, 0x62,
    0x6c, 0x65, 0x22, 0x3a, 0x7b, 0x22, 0x73, 0x69, 0x6e, 0x63, 0x65, 0x22, 0x3a, 0x22, 0x30, 0x2e,
    0x31, 0x2e, 0x30, 0x22, 0x7d, 0x7d, 0x7d, 0x7d, 0x7d, 0x7d, 0x7d,
};

static const char adder_text[] = "package docs:adder@0.1.0;\n"
                                 "\n"
                                 "/// Adds.\n"
                                 "interface add {\n"
                                 "  record pair {\n"
                                 "    a: u32,\n"
                                 "    b: u32,\n"
                                 "  }\n"
                                 "\n"
                                 "  @since(version = 0.1.0)\n"
                                 "  add: func(p: pair) -> u32;\n"
                                 "}\n"
                                 "\n"
                                 "world adder {\n"
                                 "  import add;\n"
                                 "\n"
                                 "  use add.{pair};\n"
                                 "\n"
                                 "  import log: func(p: pair);\n"
                                 "\n"
                                 "  export add;\n"
                                 "}\n";

static void packages_are_written_as_wasm_tools_writes_them(void **state) {
  (void)state;
  tn_arena arena = {0};
  tn_wit_set set = {.arena = &arena};
  tn_str bytes = encode(&arena, parse(&set, adder_text));
  assert_true(bytes.len > sizeof written_by_wasm_tools);
  assert_memory_equal(bytes.data, written_by_wasm_tools, sizeof written_by_wasm_tools);
  tn_arena_free(&arena);
}

static void what_wasm_tools_writes_is_read(void **state) {
  (void)state;
  tn_arena arena = {0};
  tn_wit_set set = {.arena = &arena};
  tn_wit_package *package = NULL;
  tn_str bytes = {(const char *)written_by_wasm_tools, sizeof written_by_wasm_tools};
  assert_ok(tn_wit_decode(&set, decode_bytes(&arena, bytes), &package));
  assert_true(package->is_root);
  assert_int_equal(set.packages.len, 1);
  assert_text(print(&arena, &set, package, true), adder_text);
  tn_arena_free(&arena);
}

/* Two packages, of which the first uses the second. */
static const char two_packages[] =
    "(component\n"
    "  (type (component\n"
    "    (import \"c:d/i@1.0.0\" (instance (type $t' (record (field \"x\" u8))) (export \"t\" "
    "(type $t (eq $t')))\n"
    "      (type $u' (enum \"a\")) (export \"u\" (type (eq $u')))))\n"
    "    (alias export 0 \"t\" (type $t))\n"
    "    (export \"a:b/j\" (instance (alias outer 1 $t (type $t)) (export \"t\" (type $e (eq "
    "$t)))\n"
    "      (export \"f\" (func (param \"x\" $e)))))))\n"
    "  (export \"j\" (type 0)))";

static void other_packages_have_what_is_used_of_them(void **state) {
  (void)state;
  tn_arena arena = {0};
  tn_wit_set set = {.arena = &arena};
  tn_wit_package *package = NULL;
  assert_ok(tn_wit_decode(&set, assemble(&arena, two_packages), &package));
  assert_int_equal(set.packages.len, 2);
  assert_ptr_equal(set.packages.items[1], package);
  assert_false(set.packages.items[0]->is_root);
  assert_text(print(&arena, &set, package, true), "package a:b;\n"
                                                  "\n"
                                                  "interface j {\n"
                                                  "  use c:d/i@1.0.0.{t};\n"
                                                  "\n"
                                                  "  f: func(x: t);\n"
                                                  "}\n"
                                                  "\n"
                                                  "package c:d@1.0.0 {\n"
                                                  "  interface i {\n"
                                                  "    record t {\n"
                                                  "      x: u8,\n"
                                                  "    }\n"
                                                  "\n"
                                                  "    enum u {\n"
                                                  "      a,\n"
                                                  "    }\n"
                                                  "  }\n"
                                                  "}\n");
  tn_arena_free(&arena);
}

static void packages_of_the_set_are_used_and_completed(void **state) {
  (void)state;
  tn_arena arena = {0};
  tn_wit_set set = {.arena = &arena};
  tn_wit_package *used =
      parse(&set, "package c:d@1.0.0; interface i { record t { x: u8 } f: func(t: t); }");
  tn_wit_package *package = NULL;
  assert_ok(tn_wit_decode(&set, assemble(&arena, two_packages), &package));
  assert_int_equal(set.packages.len, 2);
  assert_ptr_equal(package->interfaces.items[0]->types.items[0]->element,
                   used->interfaces.items[0]->types.items[0]);
  assert_non_null(tn_wit_interface_type(used->interfaces.items[0], TN_STR("u")));
  assert_int_equal(used->interfaces.items[0]->functions.len, 1);
  tn_arena_free(&arena);
}

static void interfaces_that_contradict_each_other_are_refused(void **state) {
  (void)state;
  tn_arena arena = {0};
  tn_wit_set set = {.arena = &arena};
  tn_wit_package *package = NULL;
  parse(&set, "package c:d@1.0.0; interface i { record t { x: u16 } }");
  assert_error(tn_wit_decode(&set, assemble(&arena, two_packages), &package), TN_ERROR_INVALID,
               "type 't' of interface 'i' is described in two ways");
  tn_arena_free(&arena);
}

static void assert_no_package(const char *text, const char *message) {
  tn_arena arena = {0};
  tn_wit_set set = {.arena = &arena};
  tn_wit_package *package = NULL;
  assert_error(tn_wit_decode(&set, assemble(&arena, text), &package), TN_ERROR_INVALID, message);
  tn_arena_free(&arena);
}

static void types_that_are_no_packages_are_refused(void **state) {
  (void)state;
  assert_no_package("(component (type (component)) (export \"a\" (type 0)))",
                    "does not have exactly one export");
  assert_no_package(
      "(component (type (component (export \"a\" (instance)))) (export \"a\" (type 0)))",
      "'a' is not the name of an interface or world");
  assert_no_package(
      "(component (type (component (export \"a:b/c\" (func)))) (export \"a\" (type 0)))",
      "neither an interface nor a world");
  assert_no_package(
      "(component (type (component (export \"a:b/c\" (instance)))) (export \"c\" (type 0))"
      " (type (component (export \"d:e/f\" (instance)))) (export \"f\" (type 2)))",
      "several packages");
  assert_no_package(
      "(component (type (component (export \"a:b/w\" (component)))) (export \"w\" (type 0))"
      " (export \"w2\" (type 0)))",
      "two worlds of one name");
  assert_no_package(
      "(component (type (component (import \"f\" (func)) (export \"a:b/c\" (instance))))"
      " (export \"c\" (type 0)))",
      "other things than interfaces");
  assert_no_package(
      "(component (type (component (export \"a:b/c\" (instance)))) (export \"c\" (type 0))"
      " (type (component (export \"a:b/C\" (component)))) (export \"w\" (type 2)))",
      "have the same name");
}

/* A package whose metadata is this. */
static tn_error *decode_with_docs(tn_arena *arena, const char *docs, tn_wit_package **package) {
  tn_wit_set *set = TN_ARENA_NEW(arena, tn_wit_set);
  tn_str bytes = encode(
      arena, parse(&(tn_wit_set){.arena = arena}, "package a:b; interface i { f: func(); }"));
  tn_component_ast component = *decode_bytes(arena, bytes);
  tn_custom_section custom = {.name = TN_STR("package-docs"), .bytes = tn_str_from(docs)};
  set->arena = arena;
  component.customs = &custom;
  component.custom_count = 1;
  return tn_wit_decode(set, &component, package);
}

static void older_documentation_is_read(void **state) {
  (void)state;
  tn_arena arena = {0};
  tn_wit_package *package = NULL;
  assert_ok(decode_with_docs(
      &arena,
      "\1 { \"docs\": \"\\u00fc\\ud83d\\ude00\\n\\\"\", \"unknown\": {\"a\": null},"
      " \"interfaces\": {\"i\": {\"funcs\": {\"f\": \"only text\", \"g\": \"\"}}, \"x\": {}}}",
      &package));
  assert_text(package->docs, "\xc3\xbc\xf0\x9f\x98\x80\n\"");
  assert_text(package->interfaces.items[0]->functions.items[0]->declaration.docs, "only text");
  tn_arena_free(&arena);
}

static void malformed_documentation_is_refused(void **state) {
  (void)state;
  static const char *const malformed[] = {
      "",
      "\2{}",
      "\1",
      "\1{",
      "\1{}x",
      "\1{\"docs\":1}",
      "\1{\"docs\":\"\\x\"}",
      "\1{\"docs\":\"\\ud800\"}",
      "\1{\"docs\":\"\\u00g0\"}",
      "\1{\"docs\" \"a\"}",
      "\1{\"docs\":\"\xff\"}",
      "\1{\"docs\":\"a",
      "\1{\"interfaces\":{\"i\":{\"stability\":{\"stable\":{\"since\":\"1\"}}}}}",
      "\1{\"interfaces\":{\"i\":{\"stability\":{\"unstable\":{\"feature\":\"a b\"}}}}}",
      "\1{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{"
      "\"a\":{\"a\":{\"a\":"
      "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{"
      "\"a\":{\"a\":"
      "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{"
      "\"a\":{\"a\":"
      "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{",
  };
  for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
    tn_arena arena = {0};
    tn_wit_package *package = NULL;
    tn_error *error = decode_with_docs(&arena, malformed[i], &package);
    if (error == NULL) fail_msg("accepted: %s", malformed[i]);
    assert_non_null(strstr(tn_error_get_message(error), "package-docs"));
    tn_error_delete(error);
    tn_arena_free(&arena);
  }
}

static void an_embedded_world_is_read_with_its_encoding(void **state) {
  (void)state;
  static const tn_string_encoding encodings[] = {TN_ENCODING_UTF8, TN_ENCODING_UTF16,
                                                 TN_ENCODING_LATIN1_UTF16};
  for (size_t i = 0; i < 3; i++) {
    tn_arena arena = {0};
    tn_buffer bytes = {0};
    tn_wit_set set = {.arena = &arena};
    tn_wit_set again = {.arena = &arena};
    const tn_wit_world *world = NULL;
    tn_string_encoding encoding = 99;
    tn_wit_package *package = parse(&set, adder_text);
    assert_ok(tn_wit_encode_world(&bytes, package->worlds.items[0], encodings[i]));
    assert_ok(tn_wit_decode_embedded(&again, tn_buffer_str(&bytes), &world, &encoding));
    assert_int_equal(encoding, encodings[i]);
    assert_text(world->declaration.name, "adder");
    assert_string_equal(tn_wit_world_id(&arena, world), "docs:adder/adder@0.1.0");
    assert_int_equal(world->imports.len, 3);
    assert_int_equal(world->exports.len, 1);
    tn_arena_free(&arena);
    tn_buffer_free(&bytes);
  }
}

static void an_embedded_world_without_encoding_is_refused(void **state) {
  (void)state;
  tn_arena arena = {0};
  tn_wit_set set = {.arena = &arena};
  const tn_wit_world *world;
  tn_string_encoding encoding;
  tn_str bytes = {(const char *)written_by_wasm_tools, sizeof written_by_wasm_tools};
  assert_error(tn_wit_decode_embedded(&set, bytes, &world, &encoding), TN_ERROR_INVALID,
               "wit-component-encoding");
  tn_arena_free(&arena);
}

static const char twice_text[] =
    "package a:b@1.0.0;\n"
    "interface i { record r { x: u32 } f: func(r: r); }\n"
    "interface j { g: func(); }\n"
    "world w {\n"
    "  use i.{r};\n"
    "  type list-of = list<r>;\n"
    "  resource held { get: func() -> r; }\n"
    "  import log: func(text: string, what: list-of);\n"
    "  import inner: interface { use i.{r}; enum e { one, two } h: func(e: e) -> r; }\n"
    "  export run: func(held: borrow<held>);\n"
    "  export i;\n"
    "}\n"
    "/// not the last one of the package\n"
    "world v { import j; }\n";

/* What is embedded for the first world of a text becomes part of the set. */
static tn_error *embed_into(tn_wit_set *set, tn_arena *other, const char *text,
                            const tn_wit_world **world) {
  tn_wit_set parsed = {.arena = other};
  tn_string_encoding encoding;
  tn_buffer bytes = {0};
  const tn_wit_package *package = parse(&parsed, text);
  assert_ok(tn_wit_encode_world(&bytes, package->worlds.items[0], TN_ENCODING_UTF8));
  tn_str payload = tn_arena_copy(other, tn_buffer_str(&bytes));
  tn_buffer_free(&bytes);
  return tn_wit_decode_embedded(set, payload, world, &encoding);
}

static void a_world_that_is_embedded_twice_is_one(void **state) {
  (void)state;
  tn_arena arena = {0};
  tn_wit_set set = {.arena = &arena};
  const tn_wit_world *first, *between, *second;
  assert_ok(embed_into(&set, &arena, twice_text, &first));
  assert_ok(embed_into(&set, &arena,
                       "package a:b@1.0.0; interface k { h: func(); } world v { import k; }",
                       &between));
  assert_ok(embed_into(&set, &arena, twice_text, &second));
  assert_ptr_equal(first, second);
  assert_text(between->declaration.name, "v");
  assert_int_equal(set.packages.len, 1);
  assert_int_equal(set.packages.items[0]->worlds.len, 2);
  assert_int_equal(set.packages.items[0]->interfaces.len, 2);
  tn_arena_free(&arena);
}

static void assert_differs(const char *before, const char *after, const char *why) {
  static const char text[] = "package a:b; interface i {} interface j {} world w { %s }";
  tn_arena arena = {0};
  tn_wit_set set = {.arena = &arena};
  const tn_wit_world *world;
  assert_ok(embed_into(&set, &arena, tn_arena_format(&arena, text, before).data, &world));
  assert_error(embed_into(&set, &arena, tn_arena_format(&arena, text, after).data, &world),
               TN_ERROR_INVALID, why);
  tn_arena_free(&arena);
}

static void worlds_of_one_name_that_differ_are_refused(void **state) {
  (void)state;
  assert_differs(
      "import i;", "import j;",
      "a world is described in two ways: world a:b/w, import a:b/j is only in the second");
  assert_differs("import i; import j;", "import i;",
                 "world a:b/w, import a:b/j is only in the first");
  assert_differs("", "export f: func();", "world a:b/w, export f is only in the second");
  assert_differs("import f: func(a: u8);", "import f: func(a: u16);",
                 "is described in two ways: u8, and then u16");
  assert_differs("import f: func();", "import f: interface {}",
                 "world a:b/w, import f is described in two ways: function, and then interface");
  assert_differs("import n: interface { f: func(); }", "import n: interface { g: func(); }",
                 "world a:b/w, import n, function g is only in the second");
  assert_differs("type t = u8;", "type t = u16;", "world a:b/w, type t is described in two ways");
}

/* ---- worlds of components ------------------------------------------------------------------------------ */

static void interfaces_are_put_into_their_packages(void **state) {
  (void)state;
  assert_world("(component\n"
               "  (import \"a:b/types@0.2.0\" (instance $t (export \"r\" (type (sub resource)))))\n"
               "  (alias export $t \"r\" (type $r))\n"
               "  (import \"a:b/user@0.2.0\" (instance (alias outer 1 $r (type $o)) (export \"s\" "
               "(type $s (eq $o)))\n"
               "    (export \"f\" (func (param \"x\" (own $s))))))\n"
               "  (import \"c:d/more\" (instance (alias outer 1 $r (type $o))\n"
               "    (export \"g\" (func (param \"x\" (borrow $o)))))))",
               "package root:component;\n"
               "\n"
               "world root {\n"
               "  import a:b/types@0.2.0;\n"
               "  import a:b/user@0.2.0;\n"
               "  import c:d/more;\n"
               "}\n"
               "\n"
               "package a:b@0.2.0 {\n"
               "  interface types {\n"
               "    resource r;\n"
               "  }\n"
               "\n"
               "  interface user {\n"
               "    use types.{r as s};\n"
               "\n"
               "    f: func(x: s);\n"
               "  }\n"
               "}\n"
               "\n"
               "package c:d {\n"
               "  interface more {\n"
               "    use a:b/types@0.2.0.{r};\n"
               "\n"
               "    g: func(x: borrow<r>);\n"
               "  }\n"
               "}\n");
}

static const char twin_component[] =
    "(component\n"
    "  (import \"a:b/c\" (instance $in (export \"r\" (type (sub resource))) (export \"f\" "
    "(func))))\n"
    "  (alias export $in \"f\" (func $f))\n"
    "  (type $r' (resource (rep i32)))\n"
    "  (instance $out (export \"r\" (type $r')) (export \"g\" (func $f)))\n"
    "  (export \"a:b/c\" (instance $out)))";

static void an_interface_that_is_imported_and_exported_has_two_sides(void **state) {
  (void)state;
  tn_arena arena = {0};
  tn_wit_set set = {.arena = &arena};
  tn_wit_package *package = NULL;
  assert_ok(tn_wit_decode(&set, assemble(&arena, twin_component), &package));
  const tn_wit_world *world = package->worlds.items[0];
  const tn_wit_interface *imported = world->imports.items[0].interface;
  const tn_wit_interface *exported = world->exports.items[0].interface;
  assert_ptr_not_equal(imported, exported);
  assert_int_equal(imported->functions.len, 1);
  assert_text(imported->functions.items[0]->item_name, "f");
  assert_int_equal(exported->functions.len, 1);
  assert_text(exported->functions.items[0]->item_name, "g");
  assert_int_equal(exported->types.items[0]->kind, TN_WIT_KIND_RESOURCE);
  tn_wit_interface *listed = set.packages.items[0]->interfaces.items[0];
  assert_int_equal(set.packages.items[0]->interfaces.len, 1);
  assert_int_equal(listed->functions.len, 2);
  tn_arena_free(&arena);
}

static void an_interface_that_is_handed_on_is_one(void **state) {
  (void)state;
  tn_arena arena = {0};
  tn_wit_set set = {.arena = &arena};
  tn_wit_package *package = NULL;
  const char *text =
      "(component (import \"a:b/c\" (instance $i (export \"r\" (type (sub resource)))))"
      " (export \"a:b/c\" (instance $i)))";
  assert_ok(tn_wit_decode(&set, assemble(&arena, text), &package));
  const tn_wit_world *world = package->worlds.items[0];
  assert_ptr_equal(world->imports.items[0].interface, world->exports.items[0].interface);
  tn_arena_free(&arena);
}

static void types_are_found_behind_the_instances_they_come_through(void **state) {
  (void)state;
  assert_world(
      "(component\n"
      "  (component $inner (type $t' (record (field \"x\" u8))) (export $t \"t\" (type $t'))\n"
      "    (type $u' (record (field \"t\" $t))) (export $u \"u\" (type $u')))\n"
      "  (instance $made (instantiate $inner))\n"
      "  (alias export $made \"t\" (type $t)) (alias export $made \"u\" (type $u))\n"
      "  (instance $bag (export \"t\" (type $t)) (export \"u\" (type $u)))\n"
      "  (export \"a:b/bag\" (instance $bag))\n"
      "  (core module $m (func (export \"f\") (param i32))) (core instance $m (instantiate $m))\n"
      "  (func $f (param \"u\" $u) (canon lift (core func $m \"f\")))\n"
      "  (instance $user (export \"f\" (func $f)))\n"
      "  (export \"a:b/user\" (instance $user)))",
      "package root:component;\n"
      "\n"
      "world root {\n"
      "  export a:b/bag;\n"
      "  export a:b/user;\n"
      "}\n"
      "\n"
      "package a:b {\n"
      "  interface bag {\n"
      "    record t {\n"
      "      x: u8,\n"
      "    }\n"
      "\n"
      "    record u {\n"
      "      t: t,\n"
      "    }\n"
      "  }\n"
      "\n"
      "  interface user {\n"
      "    use bag.{u};\n"
      "\n"
      "    f: func(u: u);\n"
      "  }\n"
      "}\n");
}

static void a_function_of_the_world_uses_types_of_an_instance(void **state) {
  (void)state;
  assert_world("(component\n"
               "  (import \"a:b/c\" (instance $i (export \"r\" (type (sub resource)))))\n"
               "  (alias export $i \"r\" (type $r))\n"
               "  (import \"r\" (func (param \"x\" (own $r)))))",
               "package root:component;\n"
               "\n"
               "world root {\n"
               "  import a:b/c;\n"
               "\n"
               "  use a:b/c.{r as r-2};\n"
               "\n"
               "  import r: func(x: r-2);\n"
               "}\n"
               "\n"
               "package a:b {\n"
               "  interface c {\n"
               "    resource r;\n"
               "  }\n"
               "}\n");
}

static void types_of_instances_without_package_keep_their_identity(void **state) {
  (void)state;
  tn_arena arena = {0};
  tn_wit_set set = {.arena = &arena};
  tn_wit_package *package = NULL;
  const char *text =
      "(component (import \"plain\" (instance $i (export \"r\" (type (sub resource)))))"
      " (alias export $i \"r\" (type $r))"
      " (import \"f\" (func (param \"x\" (own $r)))))";
  assert_ok(tn_wit_decode(&set, assemble(&arena, text), &package));
  const tn_wit_world *world = package->worlds.items[0];
  const tn_wit_type *r = world->imports.items[0].interface->types.items[0];
  assert_ptr_equal(world->imports.items[1].function->params[0].type->element, r);
  decode_bytes(&arena, encode(&arena, package));
  tn_arena_free(&arena);
}

/* (type 0 (tuple u8 u8)), (type 1 (tuple 0 0)), …: each twice as large as the one before. */
static void types_that_double_with_every_level_are_refused(void **state) {
  (void)state;
  tn_arena arena = {0};
  tn_wit_set set = {.arena = &arena};
  tn_wit_package *package = NULL;
  tn_buffer text = {0};
  tn_buffer_append_text(&text, "(component (type $t0 (tuple u8 u8))");
  for (int i = 1; i < 60; i++)
    tn_buffer_format(&text, " (type $t%d (tuple $t%d $t%d))", i, i - 1, i - 1);
  tn_buffer_append_text(&text, " (import \"f\" (func (param \"x\" $t59))))");
  uint8_t *bytes;
  size_t size;
  const tn_component_ast *component = NULL;
  assert_ok(tn_text_to_binary(tn_buffer_str(&text), &bytes, &size));
  assert_ok(tn_component_decode(&arena, (tn_str){(const char *)bytes, size}, &component));
  assert_error(tn_wit_decode(&set, component, &package), TN_ERROR_LIMIT, "too large");
  tn_release(bytes);
  tn_buffer_free(&text);
  tn_arena_free(&arena);
}

/* ---- the encoder as a part of others ------------------------------------------------------------------- */

static bool wants_get(void *data, const tn_wit_function *function) {
  (void)data;
  return tn_str_equal(function->declaration.name, TN_STR("get"));
}

static bool wants_no_type(void *data, const tn_wit_type *type) {
  (void)data;
  (void)type;
  return false;
}

/* Imports of a component that is built: only what is wanted, and what that needs. */
static void a_component_imports_what_is_wanted(void **state) {
  (void)state;
  tn_arena arena = {0};
  tn_wit_set set = {.arena = &arena};
  tn_component_builder builder = {.arena = &arena};
  tn_wit_encoder scope = {.arena = &arena, .component = &builder, .imports_needed = true};
  tn_wit_wanted wanted = {.function = wants_get, .type = wants_no_type};
  tn_wit_package *package = parse(
      &set, "package a:b; interface types { type key = string; enum unused { a } }\n"
            "interface store { use types.{key}; record pair { k: key, v: u8 } flags no { a }\n"
            "  get: func(k: key) -> pair; put: func(n: no); }");
  const tn_component_ast *component = NULL;
  tn_buffer bytes = {0};
  uint32_t index = 99;
  assert_ok(tn_wit_encode_import_interface(&scope, TN_STR("a:b/store"),
                                           package->interfaces.items[1], &wanted, &index));
  assert_int_equal(index, 1);
  assert_ok(tn_builder_finish(&builder, &component));
  assert_ok(tn_component_write(&bytes, component));
  component = decode_bytes(&arena, tn_buffer_str(&bytes));
  tn_wit_set again = {.arena = &arena};
  tn_wit_package *decoded = NULL;
  assert_ok(tn_wit_decode(&again, component, &decoded));
  assert_text(print(&arena, &again, decoded, true), "package root:component;\n"
                                                    "\n"
                                                    "world root {\n"
                                                    "  import a:b/types;\n"
                                                    "  import a:b/store;\n"
                                                    "}\n"
                                                    "\n"
                                                    "package a:b {\n"
                                                    "  interface types {\n"
                                                    "    type key = string;\n"
                                                    "\n"
                                                    "    enum unused {\n"
                                                    "      a,\n"
                                                    "    }\n"
                                                    "  }\n"
                                                    "\n"
                                                    "  interface store {\n"
                                                    "    use types.{key};\n"
                                                    "\n"
                                                    "    record pair {\n"
                                                    "      k: key,\n"
                                                    "      v: u8,\n"
                                                    "    }\n"
                                                    "\n"
                                                    "    get: func(k: key) -> pair;\n"
                                                    "  }\n"
                                                    "}\n");
  tn_buffer_free(&bytes);
  tn_arena_free(&arena);
}

static void a_type_of_an_interface_that_is_not_there_is_an_error(void **state) {
  (void)state;
  tn_arena arena = {0};
  tn_wit_set set = {.arena = &arena};
  tn_component_builder builder = {.arena = &arena};
  tn_wit_encoder scope = {.arena = &arena, .component = &builder};
  tn_wit_package *package = parse(&set, "package a:b; interface i { resource r; f: func(r: r); }");
  uint32_t index;
  assert_error(
      tn_wit_encode_func_type(&scope, package->interfaces.items[0]->functions.items[0], &index),
      TN_ERROR_INVALID,
      "type 'r' is used, but its interface 'a:b/i' is neither imported nor exported");
  tn_arena_free(&arena);
}

/* An exported interface that is declared before the one whose types it uses. */
static void exports_come_behind_what_they_use(void **state) {
  (void)state;
  tn_arena arena = {0};
  tn_wit_set set = {.arena = &arena};
  tn_wit_package *package =
      parse(&set, "package a:b; world w { export j; export i; }\n"
                  "interface i { resource r; } interface j { use i.{r}; f: func(r: r); }");
  tn_wit_set again = {.arena = &arena};
  tn_wit_package *decoded = NULL;
  assert_ok(tn_wit_decode(&again, decode_bytes(&arena, encode(&arena, package)), &decoded));
  const tn_wit_world *world = decoded->worlds.items[0];
  assert_int_equal(world->imports.len, 0);
  assert_int_equal(world->exports.len, 2);
  assert_text(world->exports.items[0].name, "a:b/i");
  assert_text(world->exports.items[1].name, "a:b/j");
  tn_arena_free(&arena);
}

/* ---- memory -------------------------------------------------------------------------------------------- */

static const char everything[] =
    "/// P.\npackage a:b@1.0.0; interface i { record p { x: list<u8> } resource r { m: func(); } "
    "}\n"
    "/// W.\nworld w { use i.{p}; import log: func(p: p); import n: i; export i; }";

static void memory_that_runs_out_while_writing_is_an_error(void **state) {
  (void)state;
  tn_arena arena = {0};
  tn_wit_set set = {.arena = &arena};
  tn_wit_package *package = parse(&set, everything);
  for (int64_t n = 0;; n++) {
    tn_buffer out = {0};
    tn_alloc_fail_after(n);
    tn_error *error = tn_wit_encode_package(&out, package);
    bool did_fail = tn_alloc_did_fail();
    tn_alloc_fail_after(-1);
    tn_buffer_free(&out);
    if (!did_fail) {
      assert_ok(error);
      assert_true(n > 3);
      break;
    }
    assert_error(error, TN_ERROR_NO_MEMORY, "");
  }
  tn_arena_free(&arena);
}

static void assert_reading_survives(const tn_component_ast *component) {
  for (int64_t n = 0;; n++) {
    tn_arena arena = {0};
    tn_wit_set set = {.arena = &arena};
    tn_wit_package *package = NULL;
    tn_alloc_fail_after(n);
    tn_error *error = tn_wit_decode(&set, component, &package);
    bool did_fail = tn_alloc_did_fail();
    tn_alloc_fail_after(-1);
    tn_arena_free(&arena);
    if (!did_fail) {
      assert_ok(error);
      assert_true(n > 1);
      return;
    }
    assert_error(error, TN_ERROR_NO_MEMORY, "");
  }
}

static void memory_that_runs_out_while_reading_is_an_error(void **state) {
  (void)state;
  tn_arena arena = {0};
  tn_wit_set set = {.arena = &arena};
  assert_reading_survives(decode_bytes(&arena, encode(&arena, parse(&set, everything))));
  assert_reading_survives(assemble(&arena, twin_component));
  tn_arena_free(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_kinds_of_types_survive),
      cmocka_unit_test(worlds_survive),
      cmocka_unit_test(documentation_and_gates_survive),
      cmocka_unit_test(external_ids_survive),
      cmocka_unit_test(packages_are_written_as_wasm_tools_writes_them),
      cmocka_unit_test(what_wasm_tools_writes_is_read),
      cmocka_unit_test(other_packages_have_what_is_used_of_them),
      cmocka_unit_test(packages_of_the_set_are_used_and_completed),
      cmocka_unit_test(interfaces_that_contradict_each_other_are_refused),
      cmocka_unit_test(types_that_are_no_packages_are_refused),
      cmocka_unit_test(older_documentation_is_read),
      cmocka_unit_test(malformed_documentation_is_refused),
      cmocka_unit_test(an_embedded_world_is_read_with_its_encoding),
      cmocka_unit_test(an_embedded_world_without_encoding_is_refused),
      cmocka_unit_test(a_world_that_is_embedded_twice_is_one),
      cmocka_unit_test(worlds_of_one_name_that_differ_are_refused),
      cmocka_unit_test(interfaces_are_put_into_their_packages),
      cmocka_unit_test(an_interface_that_is_imported_and_exported_has_two_sides),
      cmocka_unit_test(an_interface_that_is_handed_on_is_one),
      cmocka_unit_test(types_are_found_behind_the_instances_they_come_through),
      cmocka_unit_test(a_function_of_the_world_uses_types_of_an_instance),
      cmocka_unit_test(types_of_instances_without_package_keep_their_identity),
      cmocka_unit_test(types_that_double_with_every_level_are_refused),
      cmocka_unit_test(a_component_imports_what_is_wanted),
      cmocka_unit_test(a_type_of_an_interface_that_is_not_there_is_an_error),
      cmocka_unit_test(exports_come_behind_what_they_use),
      cmocka_unit_test(memory_that_runs_out_while_writing_is_an_error),
      cmocka_unit_test(memory_that_runs_out_while_reading_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
