/* Names to addresses on a loop, asked of a name server that the test is. */
#include "test.h"

#include "base/alloc.h"
#include "loop/lookup.h"
#include "name_server.h"

#define SECOND UINT64_C(1000000000)

static name_server server;
static tn_loop *loop;
static int open_lookups;

typedef struct asked {
  tn_lookup *lookup;
  int told;
  tn_lookup_answer answer;
} asked;

static int set_up(void **state) {
  (void)state;
  name_server_start(&server);
  assert_ok(tn_loop_new(&loop));
  tn_lookup_set_servers(loop, server.address);
  open_lookups = 0;
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  tn_loop_delete(loop);
  name_server_stop(&server);
  return 0;
}

static void told(void *data, const tn_lookup_answer *answer) {
  asked *one = data;
  one->told++;
  one->lookup = NULL;
  one->answer = *answer;
  if (--open_lookups == 0) tn_loop_stop(loop);
}

static void ask(asked *one, const char *name, const void *owner) {
  memset(one, 0, sizeof *one);
  one->lookup = tn_lookup_start(loop, name, owner, told, one);
  assert_non_null(one->lookup);
  assert_int_equal(one->told, 0);
  open_lookups++;
}

static void run_all(void) {
  assert_ok(tn_loop_run(loop));
}

static tn_lookup_answer ask_one(const char *name) {
  asked one;
  ask(&one, name, NULL);
  run_all();
  assert_int_equal(one.told, 1);
  return one.answer;
}

static void a_name_has_addresses_of_both_families(void **state) {
  (void)state;
  tn_lookup_answer answer = ask_one("both.example");
  assert_int_equal(answer.failure, TN_LOOKUP_FOUND);
  assert_int_equal(answer.count, 2);
  int families = 0;
  for (uint32_t i = 0; i < 2; i++)
    families += answer.items[i].any.sa_family;
  assert_int_equal(families, AF_INET + AF_INET6);
}

static void a_name_with_one_family_has_that(void **state) {
  (void)state;
  tn_lookup_answer answer = ask_one("four.example");
  assert_int_equal(answer.count, 1);
  assert_int_equal(answer.items[0].v4.sin_addr.s_addr, inet_addr("192.0.2.1"));
  assert_int_equal(answer.items[0].v4.sin_port, 0);
  answer = ask_one("six.example");
  assert_int_equal(answer.count, 1);
  assert_int_equal(answer.items[0].any.sa_family, AF_INET6);
  assert_int_equal(answer.items[0].v6.sin6_addr.s6_addr[15], 1);
}

static void an_answer_too_long_for_a_datagram_comes_by_tcp_and_is_bounded(void **state) {
  (void)state;
  tn_lookup_answer answer = ask_one("long.example");
  assert_int_equal(answer.failure, TN_LOOKUP_FOUND);
  assert_int_equal(answer.count, TN_LOOKUP_MAX_ADDRESSES);
}

static void a_failure_says_what_the_server_said(void **state) {
  (void)state;
  assert_int_equal(ask_one("none.example").failure, TN_LOOKUP_NO_NAME);
  assert_int_equal(ask_one("empty.example").failure, TN_LOOKUP_NO_ADDRESS);
  assert_int_equal(ask_one("refused.example").failure, TN_LOOKUP_REFUSED);
  assert_int_equal(ask_one("failing.example").failure, TN_LOOKUP_SERVER_FAILED);
  assert_int_equal(ask_one("a..b").failure, TN_LOOKUP_BAD_NAME);
}

static void this_machine_needs_no_server(void **state) {
  (void)state;
  tn_lookup_answer answer = ask_one("localhost");
  assert_int_equal(answer.failure, TN_LOOKUP_FOUND);
  assert_true(answer.count >= 1);
  assert_int_equal(server.queries, 0);
}

static void a_server_that_cannot_be_reached_is_said(void **state) {
  (void)state;
  tn_lookup_set_servers(loop, "127.0.0.1:1");
  uint64_t start = tn_loop_now();
  assert_int_equal(ask_one("four.example").failure, TN_LOOKUP_NO_SERVER);
  assert_true(tn_loop_now() - start < 10 * SECOND); /* one that says nothing takes more */
}

static void names_without_an_answer_hold_up_no_other(void **state) {
  (void)state;
  asked silent[100], other;
  for (int i = 0; i < 100; i++)
    ask(&silent[i], "silent.example", NULL);
  open_lookups = 0;
  ask(&other, "four.example", NULL);
  run_all();
  assert_int_equal(other.answer.failure, TN_LOOKUP_FOUND);
  for (int i = 0; i < 100; i++) {
    assert_int_equal(silent[i].told, 0);
    tn_lookup_cancel(silent[i].lookup);
  }
}

static void an_owner_leaves_room_for_the_others(void **state) {
  (void)state;
  enum { MANY = 300 };
  static asked greedy[MANY];
  int one, another, third;
  for (int i = 0; i < MANY; i++)
    ask(&greedy[i], "silent.example", &one);
  asked refused, other, last;
  assert_false(tn_lookup_has_room(loop, &one));
  assert_true(tn_lookup_has_room(loop, &another));
  open_lookups = MANY - 256; /* which are told that they are too many */
  ask(&refused, "four.example", &one);
  ask(&other, "four.example", &another);
  ask(&last, "four.example", &third);
  run_all();
  if (open_lookups != 0) fail_msg("%d are open", open_lookups);
  assert_int_equal(refused.answer.failure, TN_LOOKUP_TOO_MANY);
  assert_int_equal(other.answer.failure, TN_LOOKUP_FOUND);
  assert_int_equal(last.answer.failure, TN_LOOKUP_FOUND);
  int refusals = 0;
  for (int i = 0; i < MANY; i++) {
    if (greedy[i].lookup != NULL)
      tn_lookup_cancel(greedy[i].lookup);
    else
      refusals++;
  }
  assert_int_equal(refusals, MANY - 256);
  assert_true(tn_lookup_has_room(loop, &one));
}

static void a_server_that_never_answers_is_given_up(void **state) {
  (void)state;
  uint64_t start = tn_loop_now();
  assert_int_equal(ask_one("silent.example.").failure, TN_LOOKUP_NO_ANSWER);
  assert_true(tn_loop_now() - start > 10 * SECOND);
  assert_true(tn_loop_now() - start < 60 * SECOND);
  assert_true(server.queries >= 6);
}

static void every_failed_allocation_is_survived(void **state) {
  (void)state;
  int found = 0;
  for (int64_t count = 0; found < 3 && count < 2000; count++) {
    asked one = {0};
    tn_alloc_fail_after(count);
    one.lookup = tn_lookup_start(loop, "both.example", NULL, told, &one);
    if (one.lookup != NULL) {
      open_lookups++;
      tn_error *error = tn_loop_run(loop);
      tn_alloc_fail_after(-1);
      assert_null(error);
      assert_int_equal(one.told, 1);
      bool is_found = one.answer.failure == TN_LOOKUP_FOUND;
      assert_true(is_found == (one.answer.count > 0));
      found = is_found && !tn_alloc_did_fail() ? found + 1 : 0;
    }
    tn_alloc_fail_after(-1);
  }
  assert_int_equal(found, 3);
}

int main(void) {
#define LOOKUP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      LOOKUP_TEST(a_name_has_addresses_of_both_families),
      LOOKUP_TEST(a_name_with_one_family_has_that),
      LOOKUP_TEST(an_answer_too_long_for_a_datagram_comes_by_tcp_and_is_bounded),
      LOOKUP_TEST(a_failure_says_what_the_server_said),
      LOOKUP_TEST(this_machine_needs_no_server),
      LOOKUP_TEST(a_server_that_cannot_be_reached_is_said),
      LOOKUP_TEST(names_without_an_answer_hold_up_no_other),
      LOOKUP_TEST(an_owner_leaves_room_for_the_others),
      LOOKUP_TEST(a_server_that_never_answers_is_given_up),
      LOOKUP_TEST(every_failed_allocation_is_survived),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
