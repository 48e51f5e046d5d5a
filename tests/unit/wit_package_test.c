/* WIT packages from text: messages, limits, printing, several packages in one set. What is accepted
 * and what not is tests/wit's subject. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "wit/package/package.h"

typedef struct fixture {
  tn_arena arena;
  tn_wit_set set;
  tn_wit_package *package;
  tn_wit_source *source; /* of the last text */
} fixture;

static void start(fixture *f) {
  *f = (fixture){0};
  f->set.arena = &f->arena;
}

static void finish(fixture *f) {
  tn_arena_free(&f->arena);
}

/* Reads a text as the file "x.wit". */
static tn_error *parse(fixture *f, const char *text) {
  f->source = TN_ARENA_NEW(&f->arena, tn_wit_source);
  if (f->source == NULL) return tn_error_no_memory();
  *f->source = (tn_wit_source){TN_STR("x.wit"), tn_str_from(text)};
  return tn_wit_parse_package(&f->set, f->source, 1, &f->package);
}

/* Expects this message in full. */
static void refuses(const char *text, const char *message, const char *hint) {
  fixture f;
  start(&f);
  tn_error *error = parse(&f, text);
  assert_non_null(error);
  assert_string_equal(tn_error_get_message(error), message);
  if (hint == NULL) {
    assert_null(tn_error_get_hint(error));
  } else {
    assert_non_null(tn_error_get_hint(error));
    assert_string_equal(tn_error_get_hint(error), hint);
  }
  assert_int_equal(f.set.packages.len, 0);
  tn_error_delete(error);
  finish(&f);
}

/* The text with which a printed package is to be compared; freed with tn_buffer_free. */
static tn_buffer printed(const fixture *f, bool with_dependencies) {
  tn_buffer out = {0};
  assert_ok(tn_wit_print_package(&out, &f->set, f->package, with_dependencies));
  tn_buffer_append_byte(&out, 0);
  assert_false(out.failed);
  return out;
}

static void prints(const char *text, const char *expected) {
  fixture f;
  start(&f);
  assert_ok(parse(&f, text));
  tn_buffer out = printed(&f, true);
  assert_string_equal(out.data, expected);
  tn_buffer_free(&out);
  finish(&f);
}

/* ---- messages -------------------------------------------------------------------------------- */

static void an_error_shows_where_it_is_and_the_line(void **state) {
  (void)state;
  refuses("package a:b;\n\ninterface i {\n  f: func(a: nope);\n}\n",
          "x.wit:4:14: there is no type 'nope'\n"
          "      f: func(a: nope);\n"
          "                 ^",
          "a type of another interface is brought in by: use other-interface.{nope};");
  refuses("package a:b;\ninterface é {}",
          "x.wit:2:11: unexpected character\n"
          "    interface é {}\n"
          "              ^",
          NULL);
  refuses("package a:b;\r\n/* é */\tinterface i {\r\n",
          "x.wit:3:1: expected a use, a type or a function but the file ends\n"
          "    \n"
          "    ^",
          NULL);
}

static void a_caret_stands_under_its_character(void **state) {
  (void)state;
  refuses("package a:b;\n/* éé */\tinterface i { ; }\r\n",
          "x.wit:2:24: expected a use, a type or a function but found ';'\n"
          "    /* éé */\tinterface i { ; }\n"
          "            \t              ^",
          NULL);
}

static void of_a_long_line_the_part_around_the_place_is_shown(void **state) {
  (void)state;
  fixture f;
  start(&f);
  tn_buffer text = {0};
  tn_buffer_append_text(&text, "package a:b; interface i { ");
  for (int i = 0; i < 1000; i++)
    tn_buffer_format(&text, "é%c", i == 0 ? ';' : ' ');
  tn_buffer_append_byte(&text, 0);
  memcpy(text.data + 27, "/*", 2);
  tn_error *error = parse(&f, text.data);
  assert_non_null(error);
  assert_true(strlen(tn_error_get_message(error)) < 500);
  tn_error_delete(error);
  tn_buffer_free(&text);
  finish(&f);
}

static void an_error_knows_its_line_and_column(void **state) {
  (void)state;
  fixture f;
  size_t line = 0;
  size_t column = 0;
  start(&f);
  tn_error *error = parse(&f, "package a:b;\n  interface 1 {}");
  assert_non_null(error);
  tn_error_get_place(error, &line, &column);
  assert_int_equal(line, 2);
  assert_int_equal(column, 13);
  tn_error_delete(error);
  finish(&f);
}

static void hints_say_what_would_help(void **state) {
  (void)state;
  refuses("package a:b;\ninterface i { record point { x: u32 } f: func() -> pont; }",
          "x.wit:2:52: there is no type 'pont'\n"
          "    interface i { record point { x: u32 } f: func() -> pont; }\n"
          "                                                       ^",
          "did you mean 'point'?");
  refuses("package a:b;\ninterface i { f: func(a: lst<u8>); }",
          "x.wit:2:26: there is no type 'lst' that takes others in '<…>'\n"
          "    interface i { f: func(a: lst<u8>); }\n"
          "                             ^",
          "did you mean 'list'?");
  refuses("package a:b;\nworld w { import wasi:io/streams@0.2.0; }",
          "x.wit:2:18: there is no package wasi:io@0.2.0\n"
          "    world w { import wasi:io/streams@0.2.0; }\n"
          "                     ^",
          "where a folder is given, what it uses is in its folder 'deps': deps/io/*.wit or "
          "deps/io.wit");
  refuses("package a:b;\npackage wasi:io@0.2.1 { interface streams {} }\nworld w { import "
          "wasi:io/streams@0.2.0; }",
          "x.wit:3:18: there is no package wasi:io@0.2.0\n"
          "    world w { import wasi:io/streams@0.2.0; }\n"
          "                     ^",
          "of this package there is @0.2.1 (versions have to be equal)");
  refuses("package a:b;\ninterface i { @unstable(feature = x) type t = u32; f: func() -> t; }",
          "x.wit:2:65: type 't' is @unstable and its feature 'x' is not enabled\n"
          "    interface i { @unstable(feature = x) type t = u32; f: func() -> t; }\n"
          "                                                                    ^",
          "`features` x enables it; or put the same gate here");
  refuses("package a:b;\nworld w { import wasi:cli; }",
          "x.wit:2:23: package a:b has no interface or world 'cli'\n"
          "    world w { import wasi:cli; }\n"
          "                          ^",
          "an interface of another package is written a:b/interface");
  refuses("package a:b;\ninterface i { list: func(); }",
          "x.wit:2:15: expected a use, a type or a function but found the keyword 'list'\n"
          "    interface i { list: func(); }\n"
          "                  ^",
          "a name that is spelled like a keyword is written %list");
}

static void an_export_that_needs_an_import_of_an_export_is_explained(void **state) {
  (void)state;
  refuses("package a:b;\n"
          "interface a { resource t; }\n"
          "interface b { use a.{t}; }\n"
          "interface c { use a.{t}; use b.{t as t2}; }\n"
          "world w { export a; export c; }",
          "x.wit:5:28: export 'a:b/c' uses 'a:b/b', which is imported and uses 'a:b/a', which is "
          "exported: it would "
          "have to be imported and exported at once\n"
          "    world w { export a; export c; }\n"
          "                               ^",
          "export 'a:b/b' as well");
}

/* ---- printing -------------------------------------------------------------------------------- */

static void comments_become_documentation(void **state) {
  (void)state;
  prints("/// the package\npackage a:b;\n"
         "// not this\n"
         "///two\n///   lines\n///\n///  \n"
         "interface i { // nor this\n"
         "  /** one line */ f: func(/// no\n a: u32);\n"
         "  /**\n   * several\n   *   lines\n   */\n"
         "  g: func();\n"
         "  /***/ /**/ ////\n"
         "  record r { /// a field\n a: u32, /// b\n /** c */ b: u32, /// nothing\n }\n"
         "}\n",
         "/// the package\npackage a:b;\n\n"
         "/// two\n///   lines\n"
         "interface i {\n"
         "  record r {\n"
         "    /// a field\n"
         "    a: u32,\n"
         "    /// b\n"
         "    /// c\n"
         "    b: u32,\n"
         "  }\n\n"
         "  /// one line\n"
         "  f: func(a: u32);\n\n"
         "  /// several\n"
         "  ///   lines\n"
         "  g: func();\n"
         "}\n");
}

static void everything_is_printed_in_its_form(void **state) {
  (void)state;
  static const char *const text =
      "package %list:b@1.0.0-rc.1;\n\n"
      "/// An interface\n"
      "@since(version = 0.9.0)\n"
      "@deprecated(version = 0.9.1)\n"
      "@external-id(\"a \\\"b\\\\ \\u{2603}\")\n"
      "interface %interface {\n"
      "  use c:d/i@1.0.0.{t, t as %u32};\n"
      "  use c:d/i@2.0.0.{t as t2};\n\n"
      "  resource r {\n"
      "    /// makes one\n"
      "    constructor(a: u32) -> result<r, string>;\n"
      "    m: async func() -> list<u8, 4>;\n"
      "    s: static func(a: borrow<r>, b: r);\n"
      "  }\n\n"
      "  resource q;\n\n"
      "  type h = own<r>;\n\n"
      "  type n = r;\n\n"
      "  variant v {\n"
      "    a,\n"
      "    b(map<string, option<result<_, u8>>>),\n"
      "  }\n\n"
      "  flags f {\n"
      "    a,\n"
      "  }\n\n"
      "  g: async func(a: stream, b: future<tuple<u8, s8>>) -> result<u8>;\n"
      "}\n\n"
      "world w {\n"
      "  import c:d/i@1.0.0;\n"
      "  import c:d/i@2.0.0;\n"
      "  import %interface;\n"
      "  import one: %interface;\n\n"
      "  use %interface.{v};\n\n"
      "  resource x {\n"
      "    m: func();\n"
      "  }\n\n"
      "  import %func: func();\n\n"
      "  export run: func(a: v) -> x;\n\n"
      "  export k: interface {\n"
      "    f: func();\n"
      "  }\n"
      "}\n\n"
      "package c:d@1.0.0 {\n"
      "  interface i {\n"
      "    type t = u32;\n"
      "  }\n"
      "}\n\n"
      "package c:d@2.0.0 {\n"
      "  interface i {\n"
      "    type t = error-context;\n"
      "  }\n"
      "}\n";
  prints(text, text);
}

static void json_has_everything(void **state) {
  (void)state;
  fixture f;
  tn_buffer out = {0};
  start(&f);
  assert_ok(parse(
      &f,
      "/// \"p\"\npackage a:b@1.0.0;\n"
      "interface i { @since(version = 1.0.0) record r { a: list<u8, 2>, b: result<_, string> }\n"
      "  resource x { m: async func(y: borrow<x>) -> x; } }\n"
      "world w { use i.{r as s}; export f: func() -> s; import k: interface { type t = stream; } "
      "}\n"));
  assert_ok(tn_wit_print_package_json(&out, &f.set, f.package));
  tn_buffer_append_byte(&out, 0);
  assert_string_equal(
      out.data,
      "{\"package\":{\"namespace\":\"a\",\"name\":\"b\",\"version\":\"1.0.0\",\"docs\":"
      "\"\\\"p\\\"\",\"interfaces\":["
      "{\"name\":\"i\",\"id\":\"a:b/i@1.0.0\",\"types\":["
      "{\"name\":\"r\",\"since\":\"1.0.0\",\"kind\":\"record\",\"fields\":["
      "{\"name\":\"a\",\"type\":{\"list\":\"u8\",\"length\":2}},"
      "{\"name\":\"b\",\"type\":{\"result\":{\"ok\":null,\"error\":\"string\"}}}]},"
      "{\"name\":\"x\",\"kind\":\"resource\"}],\"functions\":["
      "{\"name\":\"m\",\"item\":\"[method]x.m\",\"kind\":\"method\",\"resource\":\"x\",\"async\":"
      "true,\"params\":["
      "{\"name\":\"self\",\"type\":{\"borrow\":\"x\"}},{\"name\":\"y\",\"type\":{\"borrow\":\"x\"}}"
      "],"
      "\"result\":{\"own\":\"x\"}}]}],"
      "\"worlds\":[{\"name\":\"w\",\"id\":\"a:b/w@1.0.0\",\"types\":["
      "{\"name\":\"s\",\"kind\":\"use\",\"interface\":\"a:b/i@1.0.0\",\"type\":\"r\"}],"
      "\"imports\":[{\"name\":\"k\",\"kind\":\"interface\",\"interface\":{\"types\":["
      "{\"name\":\"t\",\"kind\":\"alias\",\"type\":{\"stream\":null}}],\"functions\":[]}},"
      "{\"name\":\"a:b/i@1.0.0\",\"kind\":\"interface\",\"implied\":true,\"interface\":\"a:b/"
      "i@1.0.0\"},"
      "{\"name\":\"s\",\"kind\":\"type\"}],"
      "\"exports\":[{\"name\":\"f\",\"kind\":\"function\",\"function\":{\"item\":\"f\",\"kind\":"
      "\"function\","
      "\"params\":[],\"result\":{\"type\":\"s\"}}}]}]},\"dependencies\":[]}\n");
  tn_buffer_free(&out);
  finish(&f);
}

/* ---- sets ------------------------------------------------------------------------------------ */

static void packages_of_a_set_know_each_other(void **state) {
  (void)state;
  fixture f;
  start(&f);
  assert_ok(parse(&f, "package c:d@1.0.0; interface i { resource r; type t = list<borrow<r>>; } "
                      "world v { import i; }"));
  assert_error(parse(&f, "package a:b; interface j { use c:d/i@1.0.0.{t}; f: func() -> t; }"),
               TN_ERROR_INVALID, "a function cannot return a borrow");
  assert_int_equal(f.set.packages.len, 1);
  assert_error(parse(&f, "package c:d@1.0.0;"), TN_ERROR_INVALID, "is there already");
  assert_ok(parse(&f, "package a:b; interface j { use c:d/i@1.0.0.{t, r}; f: func(a: t) -> r; }"
                      "world w { include c:d/v@1.0.0; export j; }"));
  assert_int_equal(f.set.packages.len, 2);
  assert_ptr_equal(f.set.packages.items[1], f.package);
  const tn_wit_world *world = NULL;
  assert_ok(tn_wit_find_world_named(&f.set, f.package, (tn_str){0}, &world));
  assert_string_equal(tn_wit_world_id(&f.arena, world), "a:b/w");
  assert_int_equal(world->imports.len, 1);
  assert_true(tn_str_equal(world->imports.items[0].name, TN_STR("c:d/i@1.0.0")));
  finish(&f);
}

static void worlds_are_found_by_their_names(void **state) {
  (void)state;
  fixture f;
  const tn_wit_world *world = NULL;
  start(&f);
  assert_ok(parse(
      &f, "package a:b; world v {} world w {} package c:d@1.0.0 { world x {} } package e:f {}"));
  assert_ok(tn_wit_find_world_named(&f.set, f.package, TN_STR("w"), &world));
  assert_string_equal(tn_wit_world_id(&f.arena, world), "a:b/w");
  assert_ok(tn_wit_find_world_named(&f.set, f.package, TN_STR("c:d/x@1.0.0"), &world));
  assert_string_equal(tn_wit_world_id(&f.arena, world), "c:d/x@1.0.0");
  assert_ok(tn_wit_find_world_named(&f.set, f.package, TN_STR("c:d/x"), &world));
  assert_error(tn_wit_find_world_named(&f.set, f.package, (tn_str){0}, &world), TN_ERROR_NOT_FOUND,
               "more than one world");
  assert_error(tn_wit_find_world_named(&f.set, f.package, TN_STR("x"), &world), TN_ERROR_NOT_FOUND,
               "no world 'x'");
  assert_error(tn_wit_find_world_named(&f.set, f.package, TN_STR("c:d/y"), &world),
               TN_ERROR_NOT_FOUND, "no world c:d/y");
  assert_error(tn_wit_find_world_named(&f.set, f.package, TN_STR("c:d/"), &world), TN_ERROR_INVALID,
               "c:d/");
  tn_wit_package *empty =
      tn_wit_set_find(&f.set, (tn_wit_package_name){TN_STR("e"), TN_STR("f"), {0}});
  assert_non_null(empty);
  assert_error(tn_wit_find_world_named(&f.set, empty, (tn_str){0}, &world), TN_ERROR_NOT_FOUND,
               "no world");
  finish(&f);
}

static void what_is_needed_comes_first(void **state) {
  (void)state;
  fixture f;
  start(&f);
  assert_ok(
      parse(&f, "package a:b;\n"
                "interface i { type a = list<b>; use c:d/i.{t}; record b { x: c } enum c { y } }\n"
                "package c:d { interface i { use e:f/i.{t}; } }\n"
                "package e:f { interface i { type t = u32; } }\n"));
  static const char *const packages[] = {"e", "c", "a"};
  static const char *const types[] = {"c", "b", "a", "t"};
  for (uint32_t i = 0; i < 3; i++)
    assert_true(tn_str_equal(f.set.packages.items[i]->name.name_space, tn_str_from(packages[i])));
  for (uint32_t i = 0; i < 4; i++)
    assert_true(tn_str_equal(f.package->interfaces.items[0]->types.items[i]->declaration.name,
                             tn_str_from(types[i])));
  finish(&f);
}

/* ---- hostile text ---------------------------------------------------------------------------- */

/* `count` times one text with the number in place of each '#', between a start and an end. */
static char *repeated(const char *start_text, const char *form, const char *end_text, int from,
                      int count) {
  tn_buffer out = {0};
  tn_buffer_append_text(&out, start_text);
  for (int i = from; i < from + count; i++) {
    for (const char *at = form; *at != '\0'; at++) {
      if (*at == '#' || *at == '$') {
        tn_buffer_format(&out, "%d", *at == '#' ? i : i - 1);
      } else {
        tn_buffer_append_byte(&out, (uint8_t)*at);
      }
    }
  }
  tn_buffer_append_text(&out, end_text);
  return tn_buffer_take(&out);
}

static void expect_parsed(char *text, const char *refused_because) {
  fixture f;
  start(&f);
  assert_non_null(text);
  tn_error *error = parse(&f, text);
  if (refused_because == NULL) {
    assert_ok(error);
  } else {
    assert_non_null(error);
    assert_non_null(strstr(tn_error_get_message(error), refused_because));
    tn_error_delete(error);
  }
  finish(&f);
  tn_free(text);
}

static void long_chains_need_no_deep_stack(void **state) {
  (void)state;
  enum { MANY = 10000 };
  expect_parsed(
      repeated("package a:b; interface i { type t0 = u32; ", "type t# = list<t$>;", "}", 1, MANY),
      NULL);
  expect_parsed(repeated("package a:b; interface i { ", "type t$ = t#;",
                         "resource t10000; f: func(a: t0); }", 1, MANY),
                NULL);
  expect_parsed(repeated("package a:b; interface i0 { type t = u32; } ",
                         "interface i# { use i$.{t}; f: func() -> t; }",
                         "world w { import i10000; export i10000; }", 1, MANY),
                NULL);
  expect_parsed(repeated("package a:b; package c:p0 { interface i { type t = u32; } }",
                         "package c:p# { interface i { use c:p$/i.{t}; } }", "", 1, MANY),
                NULL);
  expect_parsed(repeated("package a:b; interface i { ", "type t$ = list<t#>;",
                         " type t10000 = t0; }", 1, MANY),
                "depends on itself: t0 -> t1 -> t2");
}

static void deep_nesting_is_refused(void **state) {
  (void)state;
  expect_parsed(repeated("package a:b; interface i { type t = ", "list<", "", 0, 100000),
                "nested too deeply");
  expect_parsed(repeated("package a:b; ", "/*", "", 0, 100000), "this comment has no end");
  expect_parsed(repeated("package a:b; ", "interface i {", "", 0, 100000), "expected");
}

static void worlds_that_grow_by_including_are_refused(void **state) {
  (void)state;
  expect_parsed(repeated("package a:b; world w0 {}",
                         "world w# { include w$; import fn#: func(a: tuple<u8, u8>); }", "", 1,
                         3000),
                "more than");
}

static void text_that_ends_early_is_refused(void **state) {
  (void)state;
  static const char text[] =
      "/// d\npackage a:b@1.0.0-a; use i as j; @since(version = 1.0.0) interface i { use k.{t as "
      "u,};"
      "/** e */ record r { a: list<u8, 4>, b: map<u8, result<_, u>> } resource x { constructor(); "
      "m: static async func(a: borrow<x>) -> x; } @external-id(\"\\u{41}\\n\") f: func(); }"
      "interface k { type t = u32; } world w { include v with { a as b } export f: func(); }"
      "world v { import a: func(); import i: interface { g: func(); } import y: k; }"
      "package c:d { variant q { } }";
  for (size_t length = 0; length < sizeof text - 1; length++) {
    fixture f;
    char *copy = malloc(length + 1);
    assert_non_null(copy);
    memcpy(copy, text, length);
    copy[length] = '\0';
    start(&f);
    tn_error_delete(parse(&f, copy)); /* some of these are whole; the sanitizers watch */
    finish(&f);
    free(copy);
  }
}

static void a_failed_allocation_is_an_error(void **state) {
  (void)state;
  tn_buffer text = {0};
  tn_buffer_append_text(&text,
                        "/// d\npackage a:b; use i as j; interface i { resource x { m: func(); } ");
  for (int i = 0; i < 200; i++)
    tn_buffer_format(
        &text, "type t%d = tuple<u8, result<list<u8>, x>>; /// d\n fn%d: func(a: t%d); ", i, i, i);
  tn_buffer_append_text(
      &text, "} world v { use i.{x}; import f: func(a: x); export k: interface { use j.{t1}; } "
             "import i2; } interface i2 { use i.{t2}; } world w { include v with { f as g } } ");
  tn_buffer_append_text(&text, "package c:d { interface i { @external-id(\"x\") type t = u32; } }");
  tn_buffer_append_byte(&text, 0);
  for (int64_t n = 0;; n++) {
    fixture f;
    tn_buffer out = {0};
    start(&f);
    tn_alloc_fail_after(n);
    tn_error *error = parse(&f, text.data);
    assert_true(error == NULL || f.set.packages.len == 0);
    if (error == NULL) error = tn_wit_print_package(&out, &f.set, f.package, true);
    if (error == NULL) error = tn_wit_print_package_json(&out, &f.set, f.package);
    bool did_fail = tn_alloc_did_fail();
    tn_alloc_fail_after(-1);
    if (did_fail) {
      assert_error(error, TN_ERROR_NO_MEMORY, "");
    } else {
      assert_ok(error);
    }
    tn_buffer_free(&out);
    finish(&f);
    if (!did_fail) {
      assert_true(n > 30);
      break;
    }
  }
  tn_buffer_free(&text);
}

/* ---- the standard interfaces ----------------------------------------------------------------- */

/* Reads all packages of a folder, prints them, and reads that. */
static void round_trip_folder(const char *folder) {
  char root[64];
  char path[96];
  snprintf(root, sizeof root, "/tmp/tenon-wit-XXXXXX");
  assert_non_null(mkdtemp(root));
  snprintf(path, sizeof path, "%s/main.wit", root);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs("package local:all;\n", file);
  fclose(file);
  char deps[96];
  snprintf(deps, sizeof deps, "%s/deps", root);
  assert_int_equal(symlink(folder, deps), 0);
  fixture f;
  fixture again;
  start(&f);
  start(&again);
  assert_ok(tn_wit_load(&f.set, root, &f.package));
  assert_true(f.set.packages.len > 5);
  tn_buffer first = printed(&f, true);
  assert_ok(parse(&again, first.data));
  tn_buffer second = printed(&again, true);
  assert_string_equal(first.data, second.data);
  tn_buffer_free(&first);
  tn_buffer_free(&second);
  finish(&f);
  finish(&again);
  unlink(deps);
  unlink(path);
  rmdir(root);
}

static void the_standard_interfaces_read_back_as_they_are_printed(void **state) {
  (void)state;
  static const char *const folders[] = {TESTS_FOLDER "/../../shared/wit/0.2",
                                        TESTS_FOLDER "/../../shared/wit/0.3"};
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
    char *folder = realpath(folders[i], NULL);
    if (folder == NULL) {
      print_message("%s is not there: skipped\n", folders[i]);
      skip();
    }
    round_trip_folder(folder);
    free(folder);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_error_shows_where_it_is_and_the_line),
      cmocka_unit_test(a_caret_stands_under_its_character),
      cmocka_unit_test(of_a_long_line_the_part_around_the_place_is_shown),
      cmocka_unit_test(an_error_knows_its_line_and_column),
      cmocka_unit_test(hints_say_what_would_help),
      cmocka_unit_test(an_export_that_needs_an_import_of_an_export_is_explained),
      cmocka_unit_test(comments_become_documentation),
      cmocka_unit_test(everything_is_printed_in_its_form),
      cmocka_unit_test(json_has_everything),
      cmocka_unit_test(packages_of_a_set_know_each_other),
      cmocka_unit_test(worlds_are_found_by_their_names),
      cmocka_unit_test(what_is_needed_comes_first),
      cmocka_unit_test(long_chains_need_no_deep_stack),
      cmocka_unit_test(deep_nesting_is_refused),
      cmocka_unit_test(worlds_that_grow_by_including_are_refused),
      cmocka_unit_test(text_that_ends_early_is_refused),
      cmocka_unit_test(a_failed_allocation_is_an_error),
      cmocka_unit_test(the_standard_interfaces_read_back_as_they_are_printed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
