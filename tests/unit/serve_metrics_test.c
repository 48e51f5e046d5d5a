/* What a server counts, and how it is told. */
#include <jansson.h>
#include <stdlib.h>

#include "serve/observe/metrics.h"
#include "test.h"

static tn_metric_request get(int status, uint64_t duration) {
  return (tn_metric_request){.method = TN_STR("GET"),
                             .status = status,
                             .duration = duration,
                             .instance_time = 500,
                             .bytes_in = 1,
                             .bytes_out = 14};
}

static tn_metrics *metrics;
static tn_component_metrics *api;

static int set_up(void **state) {
  (void)state;
  assert_ok(tn_metrics_new(2, &metrics));
  assert_ok(tn_metrics_component(metrics, TN_STR("api"), &api));
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  tn_metrics_delete(metrics);
  return 0;
}

/* Whether the text has the line. */
static bool tells(const char *line) {
  tn_buffer out = {0};
  tn_metrics_print_text(metrics, 0, &out);
  tn_buffer_append_byte(&out, '\0');
  const char *at = strstr(out.data, line);
  bool is_there = at != NULL && (at == out.data || at[-1] == '\n') && at[strlen(line)] == '\n';
  tn_buffer_free(&out);
  return is_there;
}

static void requests_of_all_workers_are_added_up(void **state) {
  (void)state;
  tn_metric_request ok = get(200, 300000), missing = get(404, 300000);
  tn_metrics_record(&api[0], &ok);
  tn_metrics_record(&api[1], &ok);
  tn_metrics_record(&api[1], &missing);
  assert_true(tells("tenon_requests_total{component=\"api\",method=\"GET\",status=\"200\"} 2"));
  assert_true(tells("tenon_requests_total{component=\"api\",method=\"GET\",status=\"404\"} 1"));
  assert_true(tells("tenon_response_bytes_total{component=\"api\"} 42"));
}

static void methods_that_nobody_knows_are_counted_together(void **state) {
  (void)state;
  tn_metric_request request = get(200, 1);
  request.method = TN_STR("BREW");
  tn_metrics_record(&api[0], &request);
  request.method = TN_STR("get");
  tn_metrics_record(&api[0], &request);
  assert_true(tells("tenon_requests_total{component=\"api\",method=\"other\",status=\"200\"} 2"));
}

static void durations_are_counted_at_or_below_their_bound(void **state) {
  (void)state;
  tn_metric_request at_bound = get(200, 250000), above = get(200, 250001),
                    endless = get(200, UINT64_MAX - 1);
  tn_metrics_record(&api[0], &at_bound);
  tn_metrics_record(&api[0], &above);
  tn_metrics_record(&api[0], &endless);
  assert_true(tells("tenon_request_duration_seconds_bucket{component=\"api\",le=\"0.0001\"} 0"));
  assert_true(tells("tenon_request_duration_seconds_bucket{component=\"api\",le=\"0.00025\"} 1"));
  assert_true(tells("tenon_request_duration_seconds_bucket{component=\"api\",le=\"0.0005\"} 2"));
  assert_true(tells("tenon_request_duration_seconds_bucket{component=\"api\",le=\"+Inf\"} 3"));
  assert_true(tells("tenon_request_duration_seconds_count{component=\"api\"} 3"));
}

static void a_duration_can_be_told_later(void **state) {
  (void)state;
  tn_metric_request unknown = get(200, UINT64_MAX);
  tn_metrics_record(&api[0], &unknown);
  assert_true(tells("tenon_request_duration_seconds_count{component=\"api\"} 0"));
  tn_metrics_record_duration(&api[0], 250000);
  assert_true(tells("tenon_request_duration_seconds_bucket{component=\"api\",le=\"0.00025\"} 1"));
  assert_true(tells("tenon_request_duration_seconds_sum{component=\"api\"} 0.00025"));
}

static void a_component_keeps_its_counters_through_reloads(void **state) {
  (void)state;
  tn_component_metrics *again, *other;
  assert_ok(tn_metrics_component(metrics, TN_STR("other"), &other));
  assert_ok(tn_metrics_component(metrics, TN_STR("api"), &again));
  assert_ptr_equal(again, api);
  assert_ptr_not_equal(other, api);
}

static void a_worker_that_ends_leaves_its_counters(void **state) {
  (void)state;
  tn_http_server_counters server = {.connections = 5};
  tn_http_client_counters client = {.calls = 7};
  tn_metrics_set_worker(metrics, 1, &server, &client);
  assert_true(tells("tenon_connections_total 5"));
  tn_metrics_clear_worker(metrics, 1);
  server.connections = 100;
  assert_true(tells("tenon_connections_total 5"));
  assert_true(tells("tenon_client_calls_total 7"));
}

static void the_peak_of_memory_is_that_of_one_instance(void **state) {
  (void)state;
  tn_metric_raise(&api[0].memory_peak, 65536);
  tn_metric_raise(&api[1].memory_peak, 131072);
  tn_metric_raise(&api[1].memory_peak, 65536);
  assert_true(tells("tenon_instance_memory_peak_bytes{component=\"api\"} 131072"));
}

static void quotes_in_names_are_escaped(void **state) {
  (void)state;
  tn_component_metrics *odd;
  assert_ok(tn_metrics_component(metrics, TN_STR("a\"b\\c\nd"), &odd));
  assert_true(tells("tenon_requests_in_flight{component=\"a\\\"b\\\\c\\nd\"} 0"));
}

static void json_says_the_same(void **state) {
  (void)state;
  tn_metric_request ok = get(200, 300000);
  tn_metrics_record(&api[0], &ok);
  tn_metrics_record(&api[1], &ok);
  tn_metric_add(&api[0].traps[TN_ERROR_TIMEOUT], 3);
  tn_metrics_count_reload(metrics, false);
  tn_buffer out = {0};
  tn_metrics_print_json(metrics, 9, &out);
  json_t *root = json_loadb(out.data, out.len, 0, NULL);
  tn_buffer_free(&out);
  assert_non_null(root);
  json_t *component = json_array_get(json_object_get(root, "components"), 0);
  assert_int_equal(json_integer_value(json_object_get(component, "requests")), 2);
  json_t *traps = json_object_get(component, "traps");
  assert_int_equal(json_integer_value(json_object_get(traps, "timeout")), 3);
  assert_int_equal(json_integer_value(json_object_get(root, "failedReloads")), 1);
  assert_int_equal(json_integer_value(json_object_get(root, "logLinesLost")), 9);
  json_decref(root);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(requests_of_all_workers_are_added_up),
      TEST(methods_that_nobody_knows_are_counted_together),
      TEST(durations_are_counted_at_or_below_their_bound),
      TEST(a_duration_can_be_told_later),
      TEST(a_component_keeps_its_counters_through_reloads),
      TEST(a_worker_that_ends_leaves_its_counters),
      TEST(the_peak_of_memory_is_that_of_one_instance),
      TEST(quotes_in_names_are_escaped),
      TEST(json_says_the_same),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
