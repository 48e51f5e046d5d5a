/* Files that are watched: what counts as a change, and when it is told. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "serve/watch.h"
#include "test.h"

typedef struct fixture {
  char folder[64];
  char file[96];
  char other[96];
  tn_serve_component component;
  tn_serve_config config;
  tn_loop *loop;
  tn_watch watch;
  tn_alarm step; /* does what the test does */
  tn_alarm end;
  void (*act)(struct fixture *f);
  int changes;
} fixture;

#define CONTAINER(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

static void write_file(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
}

static void on_changed(void *data) {
  fixture *f = data;
  f->changes++;
  tn_watch_note(&f->watch);
}

static void on_step(tn_alarm *alarm) {
  fixture *f = CONTAINER(alarm, fixture, step);
  f->act(f);
}

static void on_end(tn_alarm *alarm) {
  tn_loop_stop(CONTAINER(alarm, fixture, end)->loop);
}

static int set_up(void **state) {
  fixture *f = calloc(1, sizeof *f);
  strcpy(f->folder, "/tmp/tenon-watch-XXXXXX");
  if (mkdtemp(f->folder) == NULL) return -1;
  snprintf(f->file, sizeof f->file, "%s/app.wasm", f->folder);
  snprintf(f->other, sizeof f->other, "%s/other", f->folder);
  write_file(f->file, "one");
  f->component.path = f->file;
  f->config.components = &f->component;
  f->config.component_count = 1;
  f->step.func = on_step;
  f->end.func = on_end;
  if (tn_loop_new(&f->loop) != NULL) return -1;
  tn_watch_start(&f->watch, f->loop, on_changed, f);
  *state = f;
  return tn_watch_set(&f->watch, &f->config) == NULL ? 0 : -1;
}

static int tear_down(void **state) {
  fixture *f = *state;
  tn_watch_stop(&f->watch);
  tn_loop_delete(f->loop);
  char command[128];
  snprintf(command, sizeof command, "rm -r %s", f->folder);
  int result = system(command);
  free(f);
  return result;
}

/* How many changes are told when `act` is done after 200 ms, within a second. */
static int changes_after(fixture *f, void (*act)(fixture *f)) {
  f->act = act;
  uint64_t now = tn_loop_now();
  assert_ok(tn_alarm_set(f->loop, &f->step, now + 200000000));
  assert_ok(tn_alarm_set(f->loop, &f->end, now + 1000000000));
  assert_ok(tn_loop_run(f->loop));
  return f->changes;
}

static void nothing(fixture *f) {
  (void)f;
}

static void write_in_place(fixture *f) {
  write_file(f->file, "two!");
}

static void replace(fixture *f) {
  write_file(f->other, "two");
  assert_int_equal(rename(f->other, f->file), 0);
}

static void write_another(fixture *f) {
  write_file(f->other, "x");
}

static void write_the_same_time_and_size(fixture *f) {
  struct stat before;
  assert_int_equal(stat(f->file, &before), 0);
  struct timespec times[2] = {before.st_atim, before.st_mtim};
  write_file(f->file, "one");
  assert_int_equal(utimensat(AT_FDCWD, f->file, times, 0), 0);
}

static void without_a_change_nothing_is_told(void **state) {
  assert_int_equal(changes_after(*state, nothing), 0);
}

static void a_file_written_in_place_is_a_change(void **state) {
  assert_int_equal(changes_after(*state, write_in_place), 1);
}

static void a_file_that_is_replaced_is_a_change(void **state) {
  assert_int_equal(changes_after(*state, replace), 1);
}

static void another_file_in_the_folder_is_no_change(void **state) {
  assert_int_equal(changes_after(*state, write_another), 0);
}

static void a_file_that_is_the_same_again_is_no_change(void **state) {
  assert_int_equal(changes_after(*state, write_the_same_time_and_size), 0);
}

/* As orchestrators exchange a whole folder of files. */
static void swap_link(fixture *f) {
  char link[96], fresh[96];
  snprintf(link, sizeof link, "%s/current", f->folder);
  snprintf(fresh, sizeof fresh, "%s/fresh", f->folder);
  assert_int_equal(symlink("v2", fresh), 0);
  assert_int_equal(rename(fresh, link), 0);
}

static void a_link_on_the_way_to_a_file_that_points_elsewhere_is_a_change(void **state) {
  fixture *f = *state;
  char path[96];
  for (int version = 1; version <= 2; version++) {
    snprintf(path, sizeof path, "%s/v%d", f->folder, version);
    assert_int_equal(mkdir(path, 0755), 0);
    snprintf(path, sizeof path, "%s/v%d/app.wasm", f->folder, version);
    write_file(path, version == 1 ? "one" : "two");
  }
  snprintf(path, sizeof path, "%s/current", f->folder);
  assert_int_equal(symlink("v1", path), 0);
  assert_int_equal(unlink(f->file), 0);
  assert_int_equal(symlink("current/app.wasm", f->file), 0);
  tn_watch_note(&f->watch);
  assert_ok(tn_watch_set(&f->watch, &f->config));
  assert_int_equal(changes_after(f, swap_link), 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(without_a_change_nothing_is_told, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_file_written_in_place_is_a_change, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_file_that_is_replaced_is_a_change, set_up, tear_down),
      cmocka_unit_test_setup_teardown(another_file_in_the_folder_is_no_change, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_file_that_is_the_same_again_is_no_change, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(a_link_on_the_way_to_a_file_that_points_elsewhere_is_a_change,
                                      set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
