/* Request ids and W3C trace context. */
#include "serve/observe/trace.h"
#include "test.h"

#define TRACE_ID  "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT_ID "00f067aa0ba902b7"

static tn_ids ids;

static tn_trace begin(const char *incoming) {
  tn_trace trace;
  tn_trace_begin(&trace, &ids, tn_str_from(incoming));
  tn_str parent = tn_trace_parent(&trace);
  assert_int_equal(parent.len, 55);
  assert_memory_equal(parent.data, "00-", 3);
  return trace;
}

static void a_trace_that_comes_in_goes_on_with_another_parent(void **state) {
  (void)state;
  tn_trace trace = begin("00-" TRACE_ID "-" PARENT_ID "-00");
  assert_true(trace.is_continued);
  assert_memory_equal(trace.traceparent + 3, TRACE_ID, 32);
  assert_memory_not_equal(trace.traceparent + 36, PARENT_ID, 16);
  assert_memory_equal(trace.traceparent + 52, "-00", 3);
}

static void the_id_of_a_request_is_that_of_its_span(void **state) {
  (void)state;
  tn_trace trace = begin("");
  tn_str id = tn_trace_request_id(&trace);
  assert_int_equal(id.len, 16);
  assert_ptr_equal(id.data, trace.traceparent + 36);
}

static void a_sampling_decision_is_passed_on_and_unknown_flags_are_not(void **state) {
  (void)state;
  tn_trace trace = begin("00-" TRACE_ID "-" PARENT_ID "-ff");
  assert_memory_equal(trace.traceparent + 52, "-03", 3);
  trace = begin("00-" TRACE_ID "-" PARENT_ID "-01");
  assert_memory_equal(trace.traceparent + 52, "-01", 3);
}

static void a_later_version_may_be_longer(void **state) {
  (void)state;
  assert_true(begin("cc-" TRACE_ID "-" PARENT_ID "-01").is_continued);
  assert_true(begin("cc-" TRACE_ID "-" PARENT_ID "-01-more").is_continued);
  assert_false(begin("cc-" TRACE_ID "-" PARENT_ID "-01.more").is_continued);
}

static void what_is_malformed_begins_a_new_trace(void **state) {
  (void)state;
  static const char *const values[] = {
      "",
      "00",
      "00-" TRACE_ID "-" PARENT_ID "-0",
      "00-" TRACE_ID "-" PARENT_ID "-01-more",
      "00-" TRACE_ID "-" PARENT_ID "-0x",
      "ff-" TRACE_ID "-" PARENT_ID "-01",
      "0g-" TRACE_ID "-" PARENT_ID "-01",
      "00_" TRACE_ID "-" PARENT_ID "-01",
      "00-" TRACE_ID "_" PARENT_ID "-01",
      "00-" TRACE_ID "-" PARENT_ID "_01",
      "00-4BF92F3577B34DA6A3CE929D0E0E4736-" PARENT_ID "-01",
      "00-00000000000000000000000000000000-" PARENT_ID "-01",
      "00-" TRACE_ID "-0000000000000000-01",
  };
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    tn_trace trace = begin(values[i]);
    assert_false(trace.is_continued);
    assert_memory_not_equal(trace.traceparent + 3, TRACE_ID, 32);
    tn_trace again;
    tn_trace_begin(&again, &ids, tn_trace_parent(&trace));
    assert_true(again.is_continued); /* what is made is well-formed */
  }
}

static void ids_do_not_repeat_and_differ_between_generators(void **state) {
  (void)state;
  tn_ids a, b;
  assert_ok(tn_ids_init(&a));
  assert_ok(tn_ids_init(&b));
  uint64_t first = tn_ids_next(&a);
  assert_int_not_equal(first, tn_ids_next(&b));
  for (int i = 0; i < 100000; i++)
    assert_true(tn_ids_next(&a) != first);
}

static int set_up(void **state) {
  (void)state;
  return tn_ids_init(&ids) == NULL ? 0 : -1;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_trace_that_comes_in_goes_on_with_another_parent),
      cmocka_unit_test(the_id_of_a_request_is_that_of_its_span),
      cmocka_unit_test(a_sampling_decision_is_passed_on_and_unknown_flags_are_not),
      cmocka_unit_test(a_later_version_may_be_longer),
      cmocka_unit_test(what_is_malformed_begins_a_new_trace),
      cmocka_unit_test(ids_do_not_repeat_and_differ_between_generators),
  };
  return cmocka_run_group_tests(tests, set_up, NULL);
}
