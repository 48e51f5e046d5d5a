/* What an instance is given: arguments, environment, directories, network rules, clocks, random numbers; and
 * the slots in which its objects are kept. */
#include "test.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "loop/loop.h"
#include "wasi/config.h"
#include "wasi/io/io.h"
#include "wasi/state.h"

typedef struct fixture {
  tn_wasi_config *config;
  tn_loop *loop;
  tn_guest guest;
  tn_wasi *wasi;
} fixture;

static fixture f;

static int set_up(void **state) {
  (void)state;
  f = (fixture){0};
  assert_ok(tn_wasi_config_new(&f.config));
  assert_ok(tn_loop_new(&f.loop));
  tn_guest_init(&f.guest, f.loop);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  tn_wasi_delete(f.wasi);
  tn_guest_free(&f.guest);
  tn_loop_delete(f.loop);
  tn_wasi_config_delete(f.config);
  return 0;
}

static void make_wasi(void) {
  assert_ok(tn_wasi_new(f.config, &f.guest, &f.wasi));
}

/* ---- arguments, environment, directories --------------------------------------------------------- */

static void arguments_keep_their_order(void **state) {
  (void)state;
  assert_ok(tn_wasi_config_add_argument(f.config, TN_STR("program")));
  assert_ok(tn_wasi_config_add_argument(f.config, TN_STR("")));
  assert_ok(tn_wasi_config_add_argument(f.config, TN_STR("h\xc3\xa9")));
  assert_int_equal(f.config->arguments.len, 3);
  assert_string_equal(f.config->arguments.items[0].data, "program");
  assert_string_equal(f.config->arguments.items[1].data, "");
}

static void strings_that_a_guest_could_not_take_are_refused(void **state) {
  (void)state;
  assert_error(tn_wasi_config_add_argument(f.config, TN_STR("a\0b")), TN_ERROR_ARGUMENT, "NUL");
  assert_error(tn_wasi_config_add_argument(f.config, TN_STR("\xff")), TN_ERROR_ARGUMENT, "UTF-8");
  assert_error(tn_wasi_config_add_env(f.config, TN_STR(""), TN_STR("x")), TN_ERROR_ARGUMENT,
               "name");
  assert_error(tn_wasi_config_add_env(f.config, TN_STR("A=B"), TN_STR("x")), TN_ERROR_ARGUMENT,
               "A=B");
  assert_error(tn_wasi_config_add_env(f.config, TN_STR("A"), TN_STR("\xff")), TN_ERROR_ARGUMENT,
               "UTF-8");
  assert_int_equal(f.config->variables.len, 0);
}

static void a_variable_that_is_set_again_is_replaced(void **state) {
  (void)state;
  assert_ok(tn_wasi_config_add_env(f.config, TN_STR("A"), TN_STR("1")));
  assert_ok(tn_wasi_config_add_env(f.config, TN_STR("B"), TN_STR("2")));
  assert_ok(tn_wasi_config_add_env(f.config, TN_STR("A"), TN_STR("3")));
  assert_int_equal(f.config->variables.len, 2);
  assert_string_equal(f.config->variables.items[0].value.data, "3");
}

static void only_directories_are_granted_as_such(void **state) {
  (void)state;
  assert_ok(tn_wasi_config_add_directory(f.config, "/", "/root", TN_DIRECTORY_READ_ONLY));
  assert_true(f.config->directories.items[0].is_read_only);
  assert_string_equal(f.config->directories.items[0].guest_path.data, "/root");
  assert_error(tn_wasi_config_add_directory(f.config, "/dev/null", "/", 0), TN_ERROR_IO,
               "Not a directory");
  assert_error(tn_wasi_config_add_directory(f.config, "/no/such", "/", 0), TN_ERROR_IO, "/no/such");
  assert_error(tn_wasi_config_add_directory(f.config, "/", "/", 8), TN_ERROR_ARGUMENT, "flags");
}

static void standard_streams_are_checked(void **state) {
  (void)state;
  assert_error(tn_wasi_config_set_stdin(f.config, TN_STDIO_CALLBACK, 0), TN_ERROR_ARGUMENT,
               "callback");
  assert_error(tn_wasi_config_set_stdout(f.config, TN_STDIO_DESCRIPTOR, -1), TN_ERROR_ARGUMENT,
               "-1");
  assert_error(tn_wasi_config_set_output_callback(f.config, 0, NULL, NULL), TN_ERROR_ARGUMENT,
               "stream");
}

static void every_failing_allocation_is_a_clean_error(void **state) {
  (void)state;
  for (int64_t count = 0;; count++) {
    tn_wasi_config *config = NULL;
    tn_wasi *wasi = NULL;
    tn_alloc_fail_after(count);
    tn_error *error = tn_wasi_config_new(&config);
    if (error == NULL) error = tn_wasi_config_add_argument(config, TN_STR("argument"));
    if (error == NULL) error = tn_wasi_config_add_env(config, TN_STR("NAME"), TN_STR("value"));
    if (error == NULL) error = tn_wasi_config_add_directory(config, "/", "/", 0);
    if (error == NULL) error = tn_wasi_config_allow_network(config, "[::1]:80", TN_NETWORK_ALL);
    if (error == NULL) error = tn_wasi_new(config, &f.guest, &wasi);
    bool did_fail = tn_alloc_did_fail();
    tn_alloc_fail_after(-1);
    tn_wasi_delete(wasi);
    tn_wasi_config_delete(config);
    if (error == NULL) {
      assert_false(did_fail);
      assert_true(count > 1);
      return;
    }
    assert_int_equal(tn_error_get_kind(error), TN_ERROR_NO_MEMORY);
    tn_error_delete(error);
  }
}

/* ---- network ------------------------------------------------------------------------------------ */

static struct sockaddr_storage address_of(const char *text, uint16_t port) {
  struct sockaddr_storage storage = {0};
  struct sockaddr_in *ipv4 = (struct sockaddr_in *)&storage;
  struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&storage;
  if (inet_pton(AF_INET, text, &ipv4->sin_addr) == 1) {
    ipv4->sin_family = AF_INET;
    ipv4->sin_port = htons(port);
  } else {
    assert_int_equal(inet_pton(AF_INET6, text, &ipv6->sin6_addr), 1);
    ipv6->sin6_family = AF_INET6;
    ipv6->sin6_port = htons(port);
  }
  return storage;
}

static bool may(unsigned operation, const char *address, uint16_t port) {
  struct sockaddr_storage storage = address_of(address, port);
  return tn_wasi_may_use_address(f.wasi, operation, (struct sockaddr *)&storage);
}

static void resolve(const char *name, const char *address) {
  struct sockaddr_storage storage = address_of(address, 0);
  tn_wasi_note_resolved(f.wasi, tn_str_from(name), (struct sockaddr *)&storage);
}

static void nothing_on_the_network_is_allowed_by_default(void **state) {
  (void)state;
  assert_ok(tn_wasi_new(NULL, &f.guest, &f.wasi));
  assert_false(may(TN_NETWORK_TCP_CONNECT, "127.0.0.1", 80));
  assert_false(tn_wasi_may_resolve(f.wasi, TN_STR("localhost")));
}

static void rules_name_addresses_ports_and_operations(void **state) {
  (void)state;
  assert_ok(tn_wasi_config_allow_network(f.config, "10.1.2.3:80", TN_NETWORK_TCP_CONNECT));
  assert_ok(tn_wasi_config_allow_network(f.config, "[::1]:8000-8999",
                                         TN_NETWORK_TCP_LISTEN | TN_NETWORK_UDP));
  assert_ok(tn_wasi_config_allow_network(f.config, "*:53", TN_NETWORK_UDP));
  make_wasi();
  assert_true(may(TN_NETWORK_TCP_CONNECT, "10.1.2.3", 80));
  assert_false(may(TN_NETWORK_TCP_CONNECT, "10.1.2.3", 81));
  assert_false(may(TN_NETWORK_TCP_CONNECT, "10.1.2.4", 80));
  assert_false(may(TN_NETWORK_TCP_LISTEN, "10.1.2.3", 80));
  assert_true(may(TN_NETWORK_TCP_LISTEN, "::1", 8000));
  assert_true(may(TN_NETWORK_UDP, "::1", 8999));
  assert_false(may(TN_NETWORK_TCP_LISTEN, "::1", 9000));
  assert_false(may(TN_NETWORK_TCP_LISTEN, "::2", 8000));
  assert_true(may(TN_NETWORK_UDP, "8.8.8.8", 53));
  assert_true(may(TN_NETWORK_UDP, "2001:db8::1", 53));
  assert_false(may(TN_NETWORK_TCP_CONNECT, "8.8.8.8", 53));
}

static void ranges_are_compared_bit_by_bit(void **state) {
  (void)state;
  assert_ok(tn_wasi_config_allow_network(f.config, "10.0.0.0/9", TN_NETWORK_ALL));
  assert_ok(tn_wasi_config_allow_network(f.config, "[2001:db8::/33]", TN_NETWORK_ALL));
  assert_ok(tn_wasi_config_allow_network(f.config, "[fe80::]/10:22", TN_NETWORK_ALL));
  make_wasi();
  assert_true(may(TN_NETWORK_UDP, "10.127.255.255", 1));
  assert_false(may(TN_NETWORK_UDP, "10.128.0.0", 1));
  assert_true(may(TN_NETWORK_UDP, "2001:db8:7fff::", 1));
  assert_false(may(TN_NETWORK_UDP, "2001:db8:8000::", 1));
  assert_true(may(TN_NETWORK_UDP, "febf::1", 22));
  assert_false(may(TN_NETWORK_UDP, "fec0::1", 22));
  assert_false(may(TN_NETWORK_UDP, "fe80::1", 23));
}

static void mapped_addresses_count_as_what_they_stand_for(void **state) {
  (void)state;
  assert_ok(tn_wasi_config_allow_network(f.config, "192.0.2.1", TN_NETWORK_ALL));
  assert_ok(tn_wasi_config_allow_network(f.config, "[::ffff:198.51.100.0/120]", TN_NETWORK_ALL));
  assert_ok(tn_wasi_config_allow_network(f.config, "[::/1]", TN_NETWORK_ALL));
  make_wasi();
  assert_true(may(TN_NETWORK_TCP_CONNECT, "::ffff:192.0.2.1", 1));
  assert_true(may(TN_NETWORK_TCP_CONNECT, "198.51.100.77", 1));
  assert_false(may(TN_NETWORK_TCP_CONNECT, "::ffff:192.0.2.2", 1));
  assert_false(may(TN_NETWORK_TCP_CONNECT, "192.0.2.2", 1));
}

static void a_named_host_is_what_its_name_resolved_to(void **state) {
  (void)state;
  assert_ok(tn_wasi_config_allow_network(f.config, "Example.org:443", TN_NETWORK_TCP_CONNECT));
  make_wasi();
  assert_true(tn_wasi_may_resolve(f.wasi, TN_STR("example.ORG")));
  assert_true(tn_wasi_may_resolve(f.wasi, TN_STR("example.org.")));
  assert_false(tn_wasi_may_resolve(f.wasi, TN_STR("www.example.org")));
  assert_false(may(TN_NETWORK_TCP_CONNECT, "192.0.2.7", 443));
  resolve("other.org", "192.0.2.7");
  assert_false(may(TN_NETWORK_TCP_CONNECT, "192.0.2.7", 443));
  resolve("example.org.", "192.0.2.7");
  resolve("example.org", "2001:db8::7");
  assert_true(may(TN_NETWORK_TCP_CONNECT, "192.0.2.7", 443));
  assert_true(may(TN_NETWORK_TCP_CONNECT, "2001:db8::7", 443));
  assert_false(may(TN_NETWORK_TCP_CONNECT, "192.0.2.7", 80));
  assert_false(may(TN_NETWORK_TCP_CONNECT, "192.0.2.8", 443));
}

static void resolved_addresses_are_remembered_in_bounds(void **state) {
  (void)state;
  assert_ok(tn_wasi_config_allow_network(f.config, "many.example", TN_NETWORK_ALL));
  make_wasi();
  for (int i = 0; i < 5000; i++) {
    char address[32];
    snprintf(address, sizeof address, "10.0.%d.%d", i / 256, i % 256);
    resolve("many.example", address);
  }
  assert_true(f.wasi->resolved.len <= 1024);
  assert_true(may(TN_NETWORK_UDP, "10.0.0.5", 1));
}

static void everything_can_be_allowed(void **state) {
  (void)state;
  assert_ok(tn_wasi_config_inherit_network(f.config));
  make_wasi();
  assert_true(may(TN_NETWORK_TCP_LISTEN, "203.0.113.1", 1));
  assert_true(tn_wasi_may_resolve(f.wasi, TN_STR("example.org")));
}

static void name_lookup_is_a_right_of_its_own(void **state) {
  (void)state;
  assert_ok(tn_wasi_config_allow_name_lookup(f.config, true));
  make_wasi();
  assert_true(tn_wasi_may_resolve(f.wasi, TN_STR("example.org")));
  resolve("example.org", "192.0.2.7");
  assert_false(may(TN_NETWORK_TCP_CONNECT, "192.0.2.7", 443));
}

static void malformed_rules_are_refused(void **state) {
  (void)state;
  static const char *const rules[] = {"",
                                      ":80",
                                      "10.0.0.0/33",
                                      "10.0.0.256",
                                      "10.0.0",
                                      "host:",
                                      "host:x",
                                      "host:70000",
                                      "host:9-8",
                                      "host:1-",
                                      "::1",
                                      "[::1",
                                      "[::1/129]",
                                      "[10.0.0.1]",
                                      "ho st",
                                      "a/8",
                                      "[::ffff:0:0/90]",
                                      "host:1-2-3",
                                      "[::1]x:80",
                                      "example.org/"};
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    tn_error *error = tn_wasi_config_allow_network(f.config, rules[i], TN_NETWORK_ALL);
    if (error == NULL) fail_msg("rule \"%s\" was taken", rules[i]);
    assert_int_equal(tn_error_get_kind(error), TN_ERROR_ARGUMENT);
    assert_non_null(tn_error_get_hint(error));
    tn_error_delete(error);
  }
  assert_error(tn_wasi_config_allow_network(f.config, "*", 0), TN_ERROR_ARGUMENT, "operations");
  assert_error(tn_wasi_config_allow_network(f.config, "*", 8), TN_ERROR_ARGUMENT, "operations");
  assert_int_equal(f.config->network.rules.len, 0);
}

/* ---- clocks and random numbers ------------------------------------------------------------------ */

typedef struct own_clock {
  uint64_t now;
  uint64_t waited_for;
} own_clock;

static uint64_t own_now(void *data) {
  return ((own_clock *)data)->now;
}

static uint64_t own_wall(void *data) {
  return ((own_clock *)data)->now + 1000;
}

static void own_wait(void *data, uint64_t deadline) {
  own_clock *clock = data;
  clock->waited_for = clock->now = deadline;
}

static void a_clock_of_its_own_replaces_the_system_s(void **state) {
  (void)state;
  own_clock own = {.now = 5};
  tn_clock clock = {.monotonic_now = own_now, .wall_now = own_wall, .wait = own_wait, .data = &own};
  assert_ok(tn_wasi_config_set_clock(f.config, &clock));
  make_wasi();
  assert_int_equal(tn_wasi_monotonic_now(f.wasi), 5);
  assert_int_equal(tn_wasi_wall_now(f.wasi), 1005);
  assert_int_equal(tn_wasi_real_deadline(f.wasi, 50), 0);
  assert_int_equal(own.waited_for, 50);
  assert_int_equal(tn_wasi_real_deadline(f.wasi, 20), 0);
  assert_int_equal(tn_wasi_monotonic_now(f.wasi), 50);
  clock.wait = NULL;
  assert_error(tn_wasi_config_set_clock(f.config, &clock), TN_ERROR_ARGUMENT, "functions");
}

static void the_system_s_clocks_go_on(void **state) {
  (void)state;
  make_wasi();
  uint64_t before = tn_wasi_monotonic_now(f.wasi);
  assert_true(before <= tn_wasi_monotonic_now(f.wasi));
  assert_true(tn_wasi_wall_now(f.wasi) > UINT64_C(1600000000) * 1000000000);
  assert_int_equal(tn_wasi_real_deadline(f.wasi, before), before);
}

static void a_seed_determines_the_random_numbers(void **state) {
  (void)state;
  uint8_t one[1000], other[1000];
  tn_random random;
  tn_random_init(&random, true, 42);
  assert_ok(tn_random_fill(&random, one, sizeof one));
  tn_random_init(&random, true, 42);
  for (size_t i = 0; i < sizeof other;) {
    size_t size = i % 7 + 1 < sizeof other - i ? i % 7 + 1 : sizeof other - i;
    assert_ok(tn_random_fill(&random, other + i, size));
    i += size;
  }
  assert_memory_equal(one, other, sizeof one);
  tn_random_init(&random, true, 43);
  assert_ok(tn_random_fill(&random, other, sizeof other));
  assert_memory_not_equal(one, other, sizeof one);
  assert_memory_not_equal(one, one + 256, 256);
}

static void without_a_seed_random_numbers_differ(void **state) {
  (void)state;
  make_wasi();
  uint8_t one[32], other[32];
  assert_ok(tn_wasi_random(f.wasi, one, sizeof one));
  assert_ok(tn_wasi_random(f.wasi, other, sizeof other));
  assert_memory_not_equal(one, other, sizeof one);
}

/* ---- slots -------------------------------------------------------------------------------------- */

static void slots_are_found_and_used_again(void **state) {
  (void)state;
  make_wasi();
  uint32_t one, other, third;
  assert_ok(tn_wasi_slot_add(f.wasi, TN_SLOT_TERMINAL_INPUT, &one, &one));
  assert_ok(tn_wasi_slot_add(f.wasi, TN_SLOT_TERMINAL_OUTPUT, &other, &other));
  assert_true(one != 0 && other != 0 && one != other);
  assert_ptr_equal(tn_wasi_slot_get(f.wasi, TN_SLOT_TERMINAL_INPUT, one), &one);
  assert_ptr_equal(tn_wasi_slot_get(f.wasi, TN_SLOT_TERMINAL_OUTPUT, other), &other);
  tn_wasi_slot_remove(f.wasi, one);
  assert_ok(tn_wasi_slot_add(f.wasi, TN_SLOT_TERMINAL_INPUT, &third, &third));
  assert_int_equal(third, one);
}

static void there_is_a_limit_to_slots(void **state) {
  (void)state;
  make_wasi();
  uint32_t representation;
  tn_error *error = NULL;
  int count = 0;
  while (error == NULL && count <= 1 << 20) {
    error = tn_wasi_slot_add(f.wasi, TN_SLOT_TERMINAL_INPUT, NULL, &representation);
    count++;
  }
  assert_error(error, TN_ERROR_LIMIT, "resources");
  tn_wasi_slot_remove(f.wasi, 7);
  assert_ok(tn_wasi_slot_add(f.wasi, TN_SLOT_TERMINAL_INPUT, NULL, &representation));
  assert_int_equal(representation, 7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(arguments_keep_their_order),
      TEST(strings_that_a_guest_could_not_take_are_refused),
      TEST(a_variable_that_is_set_again_is_replaced),
      TEST(only_directories_are_granted_as_such),
      TEST(standard_streams_are_checked),
      TEST(every_failing_allocation_is_a_clean_error),
      TEST(nothing_on_the_network_is_allowed_by_default),
      TEST(rules_name_addresses_ports_and_operations),
      TEST(ranges_are_compared_bit_by_bit),
      TEST(mapped_addresses_count_as_what_they_stand_for),
      TEST(a_named_host_is_what_its_name_resolved_to),
      TEST(resolved_addresses_are_remembered_in_bounds),
      TEST(everything_can_be_allowed),
      TEST(name_lookup_is_a_right_of_its_own),
      TEST(malformed_rules_are_refused),
      TEST(a_clock_of_its_own_replaces_the_system_s),
      TEST(the_system_s_clocks_go_on),
      TEST(a_seed_determines_the_random_numbers),
      TEST(without_a_seed_random_numbers_differ),
      TEST(slots_are_found_and_used_again),
      TEST(there_is_a_limit_to_slots),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
