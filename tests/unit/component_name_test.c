/* The names of imports and exports: Explainer.md#import-and-export-definitions. */
#include "test.h"

#include "base/alloc.h"
#include "component/extern_name.h"

static tn_arena arena;

static int free_arena(void **state) {
  (void)state;
  tn_arena_free(&arena);
  return 0;
}

static void expect_str(tn_str actual, const char *expected) {
  if (actual.len != strlen(expected) || memcmp(actual.data, expected, actual.len) != 0)
    fail_msg("\"%" TN_STR_FORMAT "\" is not \"%s\"", TN_STR_ARG(actual), expected);
}

static tn_name parse(const char *text) {
  tn_name name;
  assert_ok(tn_name_parse(tn_str_from(text), &name));
  return name;
}

static void refuse(const char *text, const char *reason) {
  tn_name name;
  assert_error(tn_name_parse(tn_str_from(text), &name), TN_ERROR_INVALID, reason);
}

/* ---- labels and plain names -------------------------------------------------------------------- */

static void labels_are_words_and_acronyms_between_hyphens(void **state) {
  (void)state;
  static const char *const valid[] = {
      "a", "a1", "a-1", "B", "B-c", "is-XML", "m1x3d-4CR0NYMS", "a11-w0rds"};
  static const char *const invalid[] = {"",   "1",  "1-a", "a-",  "-a",       "a--b",
                                        "aB", "Ab", "a_b", "a.b", "\xc3\xa9", "a-bC"};
  for (size_t i = 0; i < sizeof valid / sizeof *valid; i++)
    assert_true(tn_label_is_valid(tn_str_from(valid[i])));
  for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++)
    assert_false(tn_label_is_valid(tn_str_from(invalid[i])));
}

static void a_plain_name_is_taken_apart(void **state) {
  (void)state;
  tn_name name = parse("get-JSON");
  assert_int_equal(name.kind, TN_NAME_LABEL);
  expect_str(name.label, "get-JSON");
  assert_null(name.resource.data);

  name = parse("[constructor]fields");
  assert_int_equal(name.kind, TN_NAME_CONSTRUCTOR);
  expect_str(name.resource, "fields");
  assert_null(name.label.data);

  name = parse("[method]fields.get");
  assert_int_equal(name.kind, TN_NAME_METHOD);
  expect_str(name.resource, "fields");
  expect_str(name.label, "get");

  name = parse("[static]fields.from-list");
  assert_int_equal(name.kind, TN_NAME_STATIC);
  expect_str(name.resource, "fields");
  expect_str(name.label, "from-list");
}

static void a_malformed_plain_name_is_refused(void **state) {
  (void)state;
  refuse("", "`` is not in kebab case");
  refuse("aBc", "`aBc` is not in kebab case");
  refuse("[method]a", "failed to find `.` character");
  refuse("[static]a.b.c", "`b.c` is not in kebab case");
  refuse("[method].a", "`` is not in kebab case");
  refuse("[constructor]", "`` is not in kebab case");
  refuse("[getter]a.b", "is not in kebab case");
}

/* ---- interface names and others ---------------------------------------------------------------- */

static void an_interface_name_is_taken_apart(void **state) {
  (void)state;
  tn_name name = parse("wasi:io-2/streams-X@0.2.12");
  assert_int_equal(name.kind, TN_NAME_INTERFACE);
  expect_str(name.package_namespace, "wasi");
  expect_str(name.package, "io-2");
  expect_str(name.interface, "streams-X");
  expect_str(name.version, "0.2.12");
  assert_null(parse("a:b/c").version.data);
  expect_str(parse("a:b/c@0.2").version, "0.2");
  expect_str(parse("a:b/c@1").version, "1");
}

static void a_malformed_interface_name_is_refused(void **state) {
  (void)state;
  refuse("A:b/c", "character `A` is not lowercase");
  refuse("a:B/c", "character `B` is not lowercase");
  refuse("a:b", "expected `/` after package name");
  refuse("a:b:c/d", "expected `/` after package name");
  refuse("a:b/c/d", "trailing characters found: `/d`");
  refuse("a:b/", "`` is not in kebab case");
  refuse("a:b/c@", "empty string");
  refuse("a:b/c@1.2", "unexpected end of input while parsing patch version number");
}

static void other_kinds_of_names_wrap_their_text(void **state) {
  (void)state;
  assert_int_equal(parse("url=<https://x/y?z>").kind, TN_NAME_URL);
  assert_int_equal(parse("url=<a>,integrity=<sha256-abc=>").kind, TN_NAME_URL);
  assert_int_equal(parse("integrity=< sha512-a?x sha256-b >").kind, TN_NAME_HASH);
  tn_name name = parse("unlocked-dep=<a:b@{>=1.2.3 <2.0.0}>");
  assert_int_equal(name.kind, TN_NAME_DEPENDENCY);
  expect_str(name.package, "b");
  assert_int_equal(parse("unlocked-dep=<a:b@*>").kind, TN_NAME_DEPENDENCY);
  assert_int_equal(parse("unlocked-dep=<a:b@{<2.0.0}>").kind, TN_NAME_DEPENDENCY);
  assert_int_equal(parse("locked-dep=<a:b@1.2.3>,integrity=<sha384-a>").kind, TN_NAME_DEPENDENCY);
  refuse("url=", "expected `<`");
  refuse("url=<", "failed to find `>`");
  refuse("url=<a<b>", "unexpected `<` or `>`");
  refuse("integrity=<>", "integrity hash cannot be empty");
  refuse("integrity=<md5-a>", "unrecognized hash algorithm");
  refuse("integrity=<sha256->", "not valid base64");
  refuse("integrity=<sha256-a===>", "not valid base64");
  refuse("integrity=<sha256>", "expected `-` after hash algorithm");
  refuse("unlocked-dep=<a:b@{>1.0.0}>", "at start of version range");
  refuse("unlocked-dep=<a:b@1.0.0>", "expected `*` or `{`");
  refuse("locked-dep=<a:b@1.0.0>,url=<x>", "expected `integrity=<`");
  refuse("locked-dep=<a>", "expected `:`");
}

/* ---- versions ---------------------------------------------------------------------------------- */

static void a_version_is_taken_apart(void **state) {
  (void)state;
  tn_semver version;
  assert_ok(tn_semver_parse(TN_STR("1.20.18446744073709551615-rc.1.x-y+build.007"), &version));
  assert_int_equal(version.major, 1);
  assert_int_equal(version.minor, 20);
  assert_true(version.patch == UINT64_MAX);
  expect_str(version.prerelease, "rc.1.x-y");
  expect_str(version.build, "build.007");
  assert_ok(tn_semver_parse(TN_STR("0.0.0"), &version));
  assert_null(version.prerelease.data);
  assert_null(version.build.data);
}

static void a_malformed_version_is_refused(void **state) {
  (void)state;
  static const char *const malformed[][2] = {
      {"", "empty string"},
      {".", "unexpected character '.' while parsing major version number"},
      {"1.", "unexpected end of input while parsing minor version number"},
      {"01.0.0", "invalid leading zero in major version number"},
      {"1.0x0", "unexpected character 'x' after minor version number"},
      {"1.0.0.0", "unexpected character '.' after patch version number"},
      {"1.0.0-", "empty identifier segment in pre-release identifier"},
      {"1.0.0-a..b", "empty identifier segment in pre-release identifier"},
      {"1.0.0-01", "invalid leading zero in pre-release identifier"},
      {"1.0.0+", "empty identifier segment in build metadata"},
      {"1.0.0-a_b", "unexpected character '_' after pre-release identifier"},
      {"18446744073709551616.0.0", "exceeds 64 bits"},
      {"1.0.0\n", "unexpected character 0x0a"},
  };
  for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
    tn_semver version;
    assert_error(tn_semver_parse(tn_str_from(malformed[i][0]), &version), TN_ERROR_INVALID,
                 malformed[i][1]);
  }
}

static int compare(const char *a, const char *b) {
  tn_semver left;
  tn_semver right;
  assert_ok(tn_semver_parse(tn_str_from(a), &left));
  assert_ok(tn_semver_parse(tn_str_from(b), &right));
  int order = tn_semver_compare(&left, &right);
  return (order > 0) - (order < 0);
}

static void versions_are_ordered_by_precedence(void **state) {
  (void)state;
  static const char *const ascending[] = {
      "0.0.1",       "0.2.0",         "0.10.0",
      "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta",
      "1.0.0-beta",  "1.0.0-beta.2",  "1.0.0-beta.11",
      "1.0.0-rc.1",  "1.0.0",         "2.0.0-0",
      "2.0.0-00a",
  };
  for (size_t i = 0; i < sizeof ascending / sizeof *ascending; i++) {
    for (size_t k = 0; k < sizeof ascending / sizeof *ascending; k++) {
      assert_int_equal(compare(ascending[i], ascending[k]), (i > k) - (i < k));
    }
  }
  assert_int_equal(compare("1.0.0+a", "1.0.0+b"), 0);
}

static void compatible_versions_share_a_track(void **state) {
  (void)state;
  static const char *const tracks[][2] = {
      {"a:b/c@0.2.6", "a:b/c@0.2"},
      {"a:b/c@0.2", "a:b/c@0.2"},
      {"a:b/c@1.2.3+build-x", "a:b/c@1"},
      {"a:b/c@10.0.0", "a:b/c@10"},
      {"a:b/c@0.0.4", "a:b/c@0.0.4"},
      {"a:b/c@0.2.0-rc.1", "a:b/c@0.2.0-rc.1"},
      {"a:b/c", "a:b/c"},
      {"plain", "plain"},
      {"[method]a.b", "[method]a.b"},
      {"unlocked-dep=<a:b@{>=1.0.0}>", "unlocked-dep=<a:b@{>=1.0.0}>"},
  };
  for (size_t i = 0; i < sizeof tracks / sizeof *tracks; i++) {
    expect_str(tn_name_track(tn_str_from(tracks[i][0])), tracks[i][1]);
  }
}

static void canonical_versions_end_at_their_first_number_above_zero(void **state) {
  (void)state;
  static const char *const canonical[] = {"1", "12", "0.2", "0.0.3", "0.0.0"};
  static const char *const others[] = {"",      "0",       "01",    "1.2", "0.0",   "0.02",
                                       "0.2.1", "0.0.0.1", "1.0.0", "x",   "0.0.01"};
  for (size_t i = 0; i < sizeof canonical / sizeof *canonical; i++)
    assert_true(tn_version_is_canonical(tn_str_from(canonical[i])));
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    assert_false(tn_version_is_canonical(tn_str_from(others[i])));
}

/* ---- uniqueness -------------------------------------------------------------------------------- */

static bool are_strongly_unique(const char *a, const char *b) {
  return !tn_str_equal(tn_name_unique_key(&arena, tn_str_from(a)),
                       tn_name_unique_key(&arena, tn_str_from(b)));
}

/* The examples of Explainer.md#name-uniqueness. */
static void names_are_unique_regardless_of_case_and_most_annotations(void **state) {
  (void)state;
  static const char *const together[] = {
      "foo", "foo-bar", "[constructor]foo", "[method]foo.bar", "[static]foo.baz", "foo:bar/baz"};
  static const char *const clashing[] = {
      "FOO", "foo-BAR", "[constructor]FOO", "[method]foo.BAR", "[method]foo.baz", "foo:bar/BAZ"};
  for (size_t i = 0; i < sizeof together / sizeof *together; i++) {
    assert_false(are_strongly_unique(together[i], clashing[i]));
    for (size_t k = 0; k < i; k++)
      assert_true(are_strongly_unique(together[i], together[k]));
  }
  assert_false(are_strongly_unique("foo", "[method]foo.FOO"));
  assert_false(are_strongly_unique("foo-bar", "[static]foo-BAR.FOO-bar"));
  assert_true(are_strongly_unique("a:b/c@1.0.0", "a:b/c@2.0.0"));
  assert_true(are_strongly_unique("a:b/c@1.0.0-A", "a:b/c@1.0.0-a"));
  assert_false(are_strongly_unique("a:b/C@1.0.0", "a:b/c@1.0.0"));
}

static void running_out_of_memory_yields_no_key(void **state) {
  (void)state;
  tn_arena_free(&arena);
  tn_alloc_fail_after(0);
  tn_str key = tn_name_unique_key(&arena, TN_STR("a:b/C@1.0.0"));
  tn_alloc_fail_after(-1);
  assert_null(key.data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(labels_are_words_and_acronyms_between_hyphens),
      cmocka_unit_test(a_plain_name_is_taken_apart),
      cmocka_unit_test(a_malformed_plain_name_is_refused),
      cmocka_unit_test(an_interface_name_is_taken_apart),
      cmocka_unit_test(a_malformed_interface_name_is_refused),
      cmocka_unit_test(other_kinds_of_names_wrap_their_text),
      cmocka_unit_test(a_version_is_taken_apart),
      cmocka_unit_test(a_malformed_version_is_refused),
      cmocka_unit_test(versions_are_ordered_by_precedence),
      cmocka_unit_test(compatible_versions_share_a_track),
      cmocka_unit_test(canonical_versions_end_at_their_first_number_above_zero),
      cmocka_unit_test_teardown(names_are_unique_regardless_of_case_and_most_annotations,
                                free_arena),
      cmocka_unit_test_teardown(running_out_of_memory_yields_no_key, free_arena),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
