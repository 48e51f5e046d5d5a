/* The server's log: what its lines look like, and that a log that cannot be written stops nobody. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
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

/* ---- a reader that is slow -------------------------------------------------------------------------------- */

typedef struct reader {
  int descriptor;
  char *text; /* all that came, with a 0 behind it */
  size_t size;
} reader;

/* A FIFO that is not read until read_all is. */
static void make_fifo(reader *out) {
  make_path();
  unlink(path);
  assert_int_equal(mkfifo(path, 0600), 0);
  *out = (reader){.descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  assert_true(out->descriptor >= 0);
}

static void *read_all(void *argument) {
  reader *self = argument;
  size_t cap = 1 << 20;
  self->text = malloc(cap);
  fcntl(self->descriptor, F_SETFL, 0);
  ssize_t got;
  while ((got = read(self->descriptor, self->text + self->size, cap - self->size - 1)) > 0) {
    self->size += (size_t)got;
    if (cap - self->size < 65536) self->text = realloc(self->text, cap *= 2);
  }
  self->text[self->size] = '\0';
  return NULL;
}

static uint64_t count_lines(const reader *from, const char *with) {
  uint64_t count = 0;
  for (const char *at = from->text; (at = strstr(at, with)) != NULL; at++)
    count++;
  return count;
}

/* Prints `lines` lines as a guest of `component`. */
static void flood(tn_log *log, tn_str component, tn_str id, int lines) {
  char text[1000];
  memset(text, 'x', sizeof text);
  for (int i = 0; i < lines; i++)
    tn_log_write_output(log, component, id, 1, (tn_str){text, sizeof text});
}

/* Lets it read what has gathered, and ends the log. */
static void finish_reading(reader *from, tn_log *log, tn_log *worker) {
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, read_all, from), 0);
  tn_log_delete(worker);
  tn_log_delete(log);
  pthread_join(thread, NULL);
  close(from->descriptor);
  unlink(path);
}

static void what_a_guest_prints_costs_no_request_its_line(void **state) {
  (void)state;
  enum { PRINTED = 30000, REQUESTS = 5000 };
  tn_log *log, *worker;
  reader slow;
  make_fifo(&slow);
  assert_ok(tn_log_new(TN_SERVE_LOG_TEXT, path, &log));
  assert_ok(tn_log_new_worker(log, &worker));
  flood(worker, TN_STR("chatty"), TN_STR("77"), PRINTED);
  for (int i = 0; i < REQUESTS; i++) {
    tn_log_write_request(worker, &request);
    flood(worker, TN_STR("chatty"), TN_STR("77"), 1);
  }
  tn_log_flush(worker);
  tn_log_write(log, "info", "still here");
  uint64_t lost = tn_log_lost(log);
  finish_reading(&slow, log, worker);
  assert_int_equal(count_lines(&slow, " 200 GET "), REQUESTS);
  assert_int_equal(count_lines(&slow, " info: still here\n"), 1);
  uint64_t printed = count_lines(&slow, " stdout component=chatty id=77: xxx");
  assert_int_equal(printed + lost, PRINTED + REQUESTS);
  char wanted[128];
  snprintf(wanted, sizeof wanted,
           " warning component=chatty id=77: %llu lines of its output dropped: ",
           (unsigned long long)lost);
  assert_int_equal(count_lines(&slow, wanted), 1);
  free(slow.text);
}

static void it_is_said_whose_output_was_dropped(void **state) {
  (void)state;
  tn_log *log, *worker;
  reader slow;
  make_fifo(&slow);
  assert_ok(tn_log_new(TN_SERVE_LOG_JSON, path, &log));
  assert_ok(tn_log_new_worker(log, &worker));
  flood(worker, TN_STR("first"), TN_STR("1"), 10000);
  uint64_t first = tn_log_lost(log);
  flood(worker, TN_STR("second"), TN_STR("2"), 1);
  flood(worker, TN_STR("second"), TN_STR("3"), 1);
  assert_int_equal(tn_log_lost(log), first + 2);
  finish_reading(&slow, log, worker);
  char wanted[160];
  snprintf(wanted, sizeof wanted,
           "\"type\":\"warning\",\"component\":\"first\",\"id\":\"1\",\"message\":\"%llu lines ",
           (unsigned long long)first);
  assert_int_equal(count_lines(&slow, wanted), 1);
  assert_int_equal(
      count_lines(&slow, "\"type\":\"warning\",\"component\":\"second\",\"message\":\"2 lines "),
      1);
  free(slow.text);
}

static void output_is_written_again_when_there_is_room(void **state) {
  (void)state;
  tn_log *log, *worker;
  reader slow;
  make_fifo(&slow);
  assert_ok(tn_log_new(TN_SERVE_LOG_TEXT, path, &log));
  assert_ok(tn_log_new_worker(log, &worker));
  flood(worker, TN_STR("chatty"), TN_STR("7"), 10000);
  assert_true(tn_log_lost(log) > 0);
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, read_all, &slow), 0);
  tn_log_wait(log);
  tn_log_write_output(worker, TN_STR("chatty"), TN_STR("8"), 1, TN_STR("the last"));
  tn_log_delete(worker);
  tn_log_delete(log);
  pthread_join(thread, NULL);
  close(slow.descriptor);
  unlink(path);
  assert_int_equal(count_lines(&slow, " stdout component=chatty id=8: the last\n"), 1);
  free(slow.text);
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
      cmocka_unit_test(what_a_guest_prints_costs_no_request_its_line),
      cmocka_unit_test(it_is_said_whose_output_was_dropped),
      cmocka_unit_test(output_is_written_again_when_there_is_room),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
