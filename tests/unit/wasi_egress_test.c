/* Which HTTP requests a guest may make. */
#include <arpa/inet.h>

#include "test.h"
#include "wasi/egress.h"

static tn_arena arena;
static tn_egress_policy policy;

static int set_up(void **state) {
  (void)state;
  policy = (tn_egress_policy){0};
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  tn_arena_free(&arena);
  return 0;
}

static void allow(const char *rule) {
  assert_ok(tn_egress_allow(&policy, &arena, rule));
}

static tn_egress_request asked;

static bool may(const char *method, const char *host, uint16_t port) {
  return tn_egress_may_request(&policy, tn_str_from(method), tn_str_from(host), port, &asked);
}

static bool reaches(const char *text) {
  struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(80)};
  struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
  const struct sockaddr *address = (const struct sockaddr *)&ipv4;
  if (inet_pton(AF_INET, text, &ipv4.sin_addr) != 1) {
    assert_int_equal(inet_pton(AF_INET6, text, &ipv6.sin6_addr), 1);
    address = (const struct sockaddr *)&ipv6;
  }
  return tn_egress_may_connect(&policy, &asked, address);
}

static const char *const special[] = {
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "100.127.255.255",
    "169.254.169.254",
    "224.0.0.1",
    "239.1.1.1",
    "255.255.255.255",
    "240.0.0.1",
    "192.0.0.8",
    "198.18.0.1",
    "::",
    "::1",
    "fc00::1",
    "fd12::1",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "ff02::1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:0.0.0.0",
    "::ffff:169.254.1.1",
    "::127.0.0.1",
    "64:ff9b::a00:1",
    "2002:7f00:1::1",
    "2002:a00:1::",
    "192.0.2.1",
    "198.51.100.255",
    "203.0.113.7",
    "192.88.99.1",
    "64:ff9b:1::1",
    "64:ff9b:1:ffff:ffff:ffff:101:101",
    "100::",
    "100::ffff:ffff:ffff:ffff",
    "100:0:0:1::1",
    "2001::1",                      /* Teredo */
    "2001:0:101:101:0:0:f5ff:fffe", /* Teredo: a client at 10.0.0.1 */
    "2001:2::1",
    "2001:10::1",
    "2001:1ff:ffff::1",
    "2001:db8::1",
    "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
    "3fff::1",
    "3fff:fff:ffff::1",
    "5f00::1",
    "::ffff:0:a00:1",
    "::ffff:0:7f00:1",
    "::ffff:0:a9fe:a9fe",
};
static const char *const ordinary[] = {
    "93.184.216.34",
    "1.1.1.1",
    "172.15.255.255",
    "172.32.0.0",
    "100.63.0.1",
    "100.128.0.1",
    "192.167.1.1",
    "2606:2800:220:1::1",
    "::ffff:1.1.1.1",
    "64:ff9b::101:101",
    "2002:101:101::",
    "fbff::1",
    "223.255.255.255",
    "::ffff:0:101:101",
    "64:ff9b:2::1",
    "192.0.1.1",
    "192.0.3.1",
    "198.51.99.255",
    "198.51.101.0",
    "203.0.112.1",
    "203.0.114.1",
    "192.88.98.1",
    "100:0:0:2::1",
    "2001:200::1",
    "2001:db7::1",
    "2001:db9::1",
    "3ffe::1",
    "3fff:1000::1",
    "5eff::1",
    "5f01::1",
    "2001:4860:4860::8888",
};

static void nothing_is_allowed_without_a_rule(void **state) {
  (void)state;
  assert_false(may("GET", "example.org", 80));
  assert_false(may("GET", "93.184.216.34", 80));
}

static void a_name_is_allowed_in_any_case_and_with_the_roots_dot(void **state) {
  (void)state;
  allow("Example.org");
  assert_true(may("GET", "example.ORG", 80));
  assert_true(may("DELETE", "example.org.", 65535));
  assert_false(may("GET", "www.example.org", 80));
  assert_false(may("GET", "example.org.evil.net", 80));
  assert_false(may("GET", "xexample.org", 80));
}

static void names_below_a_name_are_allowed_by_a_star(void **state) {
  (void)state;
  allow("*.example.org");
  assert_true(may("GET", "a.example.org", 80));
  assert_true(may("GET", "a.b.EXAMPLE.org.", 80));
  assert_false(may("GET", "example.org", 80));
  assert_false(may("GET", ".example.org", 80));
  assert_false(may("GET", "aexample.org", 80));
}

static void ports_and_methods_narrow_a_rule(void **state) {
  (void)state;
  allow("GET,HEAD@example.org:8000-8001");
  assert_true(may("GET", "example.org", 8000));
  assert_true(may("HEAD", "example.org", 8001));
  assert_false(may("POST", "example.org", 8000));
  assert_false(may("get", "example.org", 8000));
  assert_false(may("GET", "example.org", 8002));
  allow("POST@*:443");
  assert_true(may("POST", "example.org", 443));
  assert_false(may("GET", "example.org", 443));
}

static void addresses_that_are_not_public_are_refused(void **state) {
  (void)state;
  allow("*");
  assert_true(may("GET", "example.org", 80));
  for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
    if (reaches(special[i])) fail_msg("%s is reached", special[i]);
  }
  for (size_t i = 0; i < sizeof ordinary / sizeof *ordinary; i++) {
    if (!reaches(ordinary[i])) fail_msg("%s is refused", ordinary[i]);
  }
}

static void all_addresses_are_reached_when_that_is_granted(void **state) {
  (void)state;
  allow("example.org");
  policy.allows_private = true;
  assert_true(may("GET", "example.org", 80));
  for (size_t i = 0; i < sizeof special / sizeof *special; i++)
    assert_true(reaches(special[i]));
}

static void a_rule_for_the_address_itself_grants_it(void **state) {
  (void)state;
  allow("10.1.0.0/16");
  allow("[::1]:80");
  assert_true(may("GET", "10.1.2.3", 80));
  assert_true(reaches("10.1.2.3"));
  assert_true(reaches("::ffff:10.1.2.3"));
  assert_false(reaches("10.2.0.1"));
  assert_true(may("GET", "::1", 80));
  assert_true(reaches("::1"));
  assert_false(may("GET", "10.2.0.1", 80));
}

static void a_wide_range_does_not_take_in_private_addresses(void **state) {
  (void)state;
  allow("0.0.0.0/0");
  assert_true(may("GET", "10.0.0.1", 80));
  assert_false(reaches("10.0.0.1"));
  assert_true(reaches("1.1.1.1"));
  assert_false(reaches("2606:2800:220:1::1")); /* of the other family */
}

static void a_name_may_resolve_into_a_range(void **state) {
  (void)state;
  allow("10.0.0.0/8");
  assert_true(may("GET", "db.internal", 80));
  assert_true(reaches("10.0.0.1"));
  assert_false(reaches("1.1.1.1"));
  assert_false(reaches("192.168.0.1"));
}

static void localhost_reaches_loopback_only(void **state) {
  (void)state;
  allow("localhost:8080");
  assert_true(may("GET", "LOCALHOST", 8080));
  assert_true(reaches("127.0.0.1"));
  assert_true(reaches("::1"));
  assert_false(reaches("10.0.0.1"));
  allow("*");
  assert_true(may("GET", "evil.net", 8080));
  assert_false(reaches("127.0.0.1"));
  assert_true(may("GET", "localhost", 80));
  assert_false(reaches("127.0.0.1"));
}

static void addresses_of_other_families_are_refused(void **state) {
  (void)state;
  allow("*");
  policy.allows_private = true;
  may("GET", "example.org", 80);
  struct sockaddr local = {.sa_family = AF_UNIX};
  assert_false(tn_egress_may_connect(&policy, &asked, &local));
}

static void connections_are_told_apart_by_what_rules_tell_apart(void **state) {
  (void)state;
  allow("*");
  assert_ptr_equal(tn_egress_key(&policy, TN_STR("GET")), &policy);
  allow("GET@10.0.0.1");
  assert_ptr_not_equal(tn_egress_key(&policy, TN_STR("GET")),
                       tn_egress_key(&policy, TN_STR("POST")));
  assert_ptr_equal(tn_egress_key(&policy, TN_STR("PUT")), tn_egress_key(&policy, TN_STR("POST")));
}

static void everything_is_reached_when_that_is_granted(void **state) {
  (void)state;
  policy.allows_everything = true;
  assert_true(may("POST", "localhost", 1));
  for (size_t i = 0; i < sizeof special / sizeof *special; i++)
    assert_true(reaches(special[i]));
  assert_true(reaches("1.1.1.1"));
}

static void bad_rules_are_refused(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",     "@a.org", "GET,@a.org", "G T@a.org", "a.org:",      "a.org:x",      "a.org:70000",
      "*.*",  "*.",     "*.10.0.0.1", "a b",       "10.0.0.0/33", "http://a.org", "::1",
      "[::1", "GET@",   "1.2.3",      "a.org:2-1",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    tn_error *error = tn_egress_allow(&policy, &arena, bad[i]);
    if (error == NULL) fail_msg("\"%s\" was taken", bad[i]);
    assert_int_equal(tn_error_get_kind(error), TN_ERROR_ARGUMENT);
    assert_non_null(strstr(tn_error_get_message(error), "HTTP rule"));
    tn_error_delete(error);
  }
  assert_int_equal(policy.rules.len, 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(nothing_is_allowed_without_a_rule),
      TEST(a_name_is_allowed_in_any_case_and_with_the_roots_dot),
      TEST(names_below_a_name_are_allowed_by_a_star),
      TEST(ports_and_methods_narrow_a_rule),
      TEST(addresses_that_are_not_public_are_refused),
      TEST(all_addresses_are_reached_when_that_is_granted),
      TEST(a_rule_for_the_address_itself_grants_it),
      TEST(a_wide_range_does_not_take_in_private_addresses),
      TEST(a_name_may_resolve_into_a_range),
      TEST(localhost_reaches_loopback_only),
      TEST(addresses_of_other_families_are_refused),
      TEST(connections_are_told_apart_by_what_rules_tell_apart),
      TEST(everything_is_reached_when_that_is_granted),
      TEST(bad_rules_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
