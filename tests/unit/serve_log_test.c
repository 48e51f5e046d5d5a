/* The server's log: what its lines look like, and that a log that cannot be written stops nobody. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "serve/observe/log.h"
#include "test.h"

static char path[64];

static void make_path(void) {
  snprintf(path, sizeof path, "/tmp/tenon-log-XXXXXX");
  int descriptor = mkstemp(path);
  assert_true(descriptor >= 0);
  close(descriptor);
}

/* All that is in the log's file; the caller frees it. */
static char *read_log(void) {
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  char *text = calloc(1, 65536);
  size_t size = fread(text, 1, 65535, file);
  fclose(file);
  unlink(path);
  assert_true(size > 0);
  return text;
}

static const tn_log_request request = {
    .id = TN_STR("01HX"),
    .component = TN_STR("api"),
    .method = TN_STR("GET"),
    .authority = TN_STR("example.com"),
    .path = TN_STR("/a?b=c"),
    .peer = TN_STR("127.0.0.1:5"),
    .protocol = "HTTP/1.1",
    .status = 200,
    .duration = 1234567,
    .instance_time = 999,
    .bytes_in = 0,
    .bytes_out = 14,
};

static void a_request_is_one_line_of_text(void **state) {
  (void)state;
  tn_log *log;
  make_path();
  assert_ok(tn_log_new(TN_SERVE_LOG_TEXT, path, &log));
  tn_log_write_request(log, &request);
  tn_log_delete(log);
  char *text = read_log();
  assert_string_equal(
      text + strlen("2026-11-21T12:34:56.789Z"),
      " 200 GET example.com/a?b=c 1.234ms component=api id=01HX instance=0.000ms in=0 out=14 "
      "peer=127.0.0.1:5 protocol=HTTP/1.1\n");
  free(text);
}

static void a_request_is_one_object_of_json(void **state) {
  (void)state;
  tn_log *log;
  make_path();
  assert_ok(tn_log_new(TN_SERVE_LOG_JSON, path, &log));
  tn_log_write_request(log, &request);
  tn_log_delete(log);
  char *text = read_log();
  assert_non_null(strstr(text, "\"type\":\"request\",\"status\":200,\"method\":\"GET\""));
  assert_non_null(strstr(text, "\"durationMs\":1.234,"));
  free(text);
}

static void control_characters_of_guests_do_not_reach_the_log(void **state) {
  (void)state;
  tn_log *log;
  make_path();
  assert_ok(tn_log_new(TN_SERVE_LOG_TEXT, path, &log));
  tn_log_write_output(log, TN_STR("api"), TN_STR("7"), 1, TN_STR("say \"hi\"\r\033[31m"));
  tn_log_delete(log);
  char *text = read_log();
  assert_non_null(strstr(text, " stdout component=api id=7: say \"hi\"\\u{d}\\u{1b}[31m\n"));
  free(text);
}

static void a_path_of_a_client_cannot_forge_a_line(void **state) {
  (void)state;
  tn_log *log;
  make_path();
  assert_ok(tn_log_new(TN_SERVE_LOG_TEXT, path, &log));
  tn_log_request forged = request;
  forged.path = TN_STR("/\n2026 200 GET");
  tn_log_write_request(log, &forged);
  tn_log_delete(log);
  char *text = read_log();
  assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
  assert_non_null(strstr(text, "\"/\\n2026 200 GET\""));
  free(text);
}

static void a_workers_lines_come_when_they_are_flushed(void **state) {
  (void)state;
  tn_log *log, *worker;
  make_path();
  assert_ok(tn_log_new(TN_SERVE_LOG_TEXT, path, &log));
  assert_ok(tn_log_new_worker(log, &worker));
  for (int i = 0; i < 3; i++)
    tn_log_write_request(worker, &request);
  tn_log_flush(worker);
  tn_log_delete(worker);
  tn_log_delete(log);
  char *text = read_log();
  int lines = 0;
  for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
    lines++;
  assert_int_equal(lines, 3);
  free(text);
}

static void an_error_says_what_would_help(void **state) {
  (void)state;
  tn_log *log;
  make_path();
  assert_ok(tn_log_new(TN_SERVE_LOG_TEXT, path, &log));
  tn_error *error =
      tn_error_set_hint(tn_error_new(TN_ERROR_TRAP, "it went wrong"), "%s", "try again");
  tn_log_write_error(log, TN_STR("api"), TN_STR("7"), error);
  tn_error_delete(error);
  tn_log_delete(log);
  char *text = read_log();
  assert_non_null(strstr(text, " error component=api id=7: it went wrong hint=\"try again\"\n"));
  free(text);
}

static void lines_that_no_disk_takes_are_lost_and_counted(void **state) {
  (void)state;
  tn_log *log;
  assert_ok(tn_log_new(TN_SERVE_LOG_TEXT, "/dev/full", &log));
  tn_log_write_request(log, &request);
  for (int i = 0; i < 1000 && tn_log_lost(log) == 0; i++)
    usleep(1000);
  assert_int_equal(tn_log_lost(log), 1);
  tn_log_delete(log);
}

static void a_log_that_is_turned_off_still_has_the_servers_own_messages(void **state) {
  (void)state;
  tn_log *log;
  make_path();
  assert_ok(tn_log_new(TN_SERVE_LOG_OFF, path, &log));
  tn_log_write_request(log, &request);
  tn_log_write(log, "warning", "%d left", 3);
  tn_log_delete(log);
  char *text = read_log();
  assert_null(strstr(text, "GET"));
  assert_non_null(strstr(text, " warning: 3 left\n"));
  free(text);
}

static void a_log_that_was_moved_away_is_opened_again(void **state) {
  (void)state;
  tn_log *log;
  char moved[80];
  make_path();
  snprintf(moved, sizeof moved, "%s.1", path);
  assert_ok(tn_log_new(TN_SERVE_LOG_TEXT, path, &log));
  assert_int_equal(rename(path, moved), 0);
  assert_ok(tn_log_reopen(log));
  tn_log_write(log, "info", "new");
  tn_log_delete(log);
  unlink(moved);
  char *text = read_log();
  assert_non_null(strstr(text, " info: new\n"));
  free(text);
}

static void what_is_waited_for_is_in_the_file_before_the_end(void **state) {
  (void)state;
  tn_log *log;
  make_path();
  assert_ok(tn_log_new(TN_SERVE_LOG_TEXT, path, &log));
  for (int i = 0; i < 100; i++) {
    tn_log_write(log, "info", "line %d.", i);
    tn_log_wait(log);
    char wanted[16];
    snprintf(wanted, sizeof wanted, "line %d.\n", i);
    FILE *file = fopen(path, "r");
    char bytes[8192];
    size_t size = fread(bytes, 1, sizeof bytes - 1, file);
    fclose(file);
    bytes[size] = 0;
    assert_non_null(strstr(bytes, wanted));
  }
  tn_log_delete(log);
  unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_waited_for_is_in_the_file_before_the_end),
      cmocka_unit_test(a_request_is_one_line_of_text),
      cmocka_unit_test(a_request_is_one_object_of_json),
      cmocka_unit_test(control_characters_of_guests_do_not_reach_the_log),
      cmocka_unit_test(a_path_of_a_client_cannot_forge_a_line),
      cmocka_unit_test(a_workers_lines_come_when_they_are_flushed),
      cmocka_unit_test(an_error_says_what_would_help),
      cmocka_unit_test(lines_that_no_disk_takes_are_lost_and_counted),
      cmocka_unit_test(a_log_that_is_turned_off_still_has_the_servers_own_messages),
      cmocka_unit_test(a_log_that_was_moved_away_is_opened_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
