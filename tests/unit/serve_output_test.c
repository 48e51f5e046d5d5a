/* What guests write, line by line in the log. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "serve/output.h"
#include "test.h"

typedef struct fixture {
  char path[64];
  tn_log *log;
  tn_lines output;
} fixture;

static int set_up(void **state) {
  fixture *f = calloc(1, sizeof *f);
  snprintf(f->path, sizeof f->path, "/tmp/tenon-output-XXXXXX");
  close(mkstemp(f->path));
  if (tn_log_new(TN_SERVE_LOG_TEXT, f->path, &f->log) != NULL) return -1;
  f->output = (tn_lines){.log = f->log, .component = TN_STR("app"), .id = TN_STR("1")};
  *state = f;
  return 0;
}

static void write_text(fixture *f, int stream, const char *text) {
  tn_lines_write(&f->output, stream, (const uint8_t *)text, strlen(text));
}

/* The messages of all lines, each with its stream in front: "stdout a|stderr b|". */
static void assert_lines(fixture *f, const char *expected) {
  tn_lines_free(&f->output);
  tn_log_delete(f->log);
  f->log = NULL;
  FILE *file = fopen(f->path, "r");
  assert_non_null(file);
  static char line[3 * TN_OUTPUT_LINE], all[8 * TN_OUTPUT_LINE];
  all[0] = '\0';
  while (fgets(line, sizeof line, file) != NULL) {
    char *message = strstr(line, " id=1: ");
    assert_non_null(message);
    message[strcspn(message, "\n")] = '\0';
    strcat(all, strstr(line, " stderr ") != NULL ? "stderr " : "stdout ");
    strcat(all, message + strlen(" id=1: "));
    strcat(all, "|");
  }
  fclose(file);
  assert_string_equal(all, expected);
}

static int tear_down(void **state) {
  fixture *f = *state;
  unlink(f->path);
  free(f);
  return 0;
}

static void each_line_is_one_of_the_log(void **state) {
  fixture *f = *state;
  write_text(f, 1, "one\ntwo\n\nfour\n");
  assert_lines(f, "stdout one|stdout two|stdout |stdout four|");
}

static void a_line_may_come_in_parts(void **state) {
  fixture *f = *state;
  write_text(f, 1, "o");
  write_text(f, 2, "err");
  write_text(f, 1, "n");
  write_text(f, 1, "e\ntw");
  write_text(f, 2, "or\n");
  write_text(f, 1, "o\n");
  assert_lines(f, "stdout one|stderr error|stdout two|");
}

static void a_last_line_without_an_end_is_logged_once(void **state) {
  fixture *f = *state;
  write_text(f, 2, "no end");
  tn_lines_flush(&f->output);
  tn_lines_flush(&f->output);
  assert_lines(f, "stderr no end|");
}

static void a_carriage_return_at_the_end_is_no_part_of_a_line(void **state) {
  fixture *f = *state;
  write_text(f, 1, "a\r\nb");
  write_text(f, 1, "\r\n");
  assert_lines(f, "stdout a|stdout b|");
}

static void a_line_without_end_is_logged_in_parts(void **state) {
  fixture *f = *state;
  static char text[2 * TN_OUTPUT_LINE + 4], expected[3 * TN_OUTPUT_LINE];
  memset(text, 'x', 2 * TN_OUTPUT_LINE + 1);
  strcpy(text + 2 * TN_OUTPUT_LINE + 1, "\n");
  char part[TN_OUTPUT_LINE + 1] = {0};
  memset(part, 'x', TN_OUTPUT_LINE);
  snprintf(expected, sizeof expected, "stdout %s|stdout %s|stdout x|", part, part);
  write_text(f, 1, text);
  assert_lines(f, expected);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(each_line_is_one_of_the_log, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_line_may_come_in_parts, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_last_line_without_an_end_is_logged_once, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_carriage_return_at_the_end_is_no_part_of_a_line, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(a_line_without_end_is_logged_in_parts, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
