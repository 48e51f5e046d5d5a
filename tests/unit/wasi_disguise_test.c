/* Directories in order, and files with small numbers. */
#include "wasi_directory_fixture.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "tenon/exec.h"
#include "wasi/disguise.h"
#include "wasi/state.h"

static tn_descriptor *granted(const directory_fixture *fixture) {
  tn_descriptor *descriptor = tn_descriptor_for_directory(fixture->inside, false);
  assert_non_null(descriptor);
  return descriptor;
}

static tn_directory *sorted_reader(const directory_fixture *fixture) {
  tn_descriptor *descriptor = granted(fixture);
  tn_directory *reader = NULL;
  assert_int_equal(tn_directory_open(descriptor, &reader), 0);
  assert_int_equal(tn_directory_sort(reader), 0);
  tn_descriptor_release(descriptor);
  return reader;
}

static void assert_next(tn_directory *reader, const char *name) {
  tn_directory_entry entry;
  assert_int_equal(tn_directory_next(reader, &entry), 1);
  assert_int_equal(entry.name.len, strlen(name));
  assert_memory_equal(entry.name.data, name, entry.name.len);
}

static void entries_come_by_name(void **state) {
  tn_directory *reader = sorted_reader(*state);
  static const char *const names[] = {".",   "..",   "back", "dangling", "file",   "loop",
                                      "out", "root", "sub",  "to-file",  "to-sub", "up"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    assert_next(reader, names[i]);
  tn_directory_entry entry;
  assert_int_equal(tn_directory_next(reader, &entry), 0);
  tn_directory_close(reader);
}

static void a_reader_comes_back_to_where_it_was(void **state) {
  tn_directory *reader = sorted_reader(*state);
  tn_directory_entry entry;
  for (int i = 0; i < 5; i++)
    assert_int_equal(tn_directory_next(reader, &entry), 1);
  assert_next(reader, "loop");
  assert_int_equal(tn_directory_seek(reader, entry.next), 0);
  assert_next(reader, "loop");
  assert_int_equal(tn_directory_seek(reader, 12), 0);
  assert_int_equal(tn_directory_next(reader, &entry), 0);
  assert_int_equal(tn_directory_seek(reader, 13), -EINVAL);
  assert_int_equal(tn_directory_seek(reader, UINT64_MAX), -EINVAL);
  tn_directory_close(reader);
}

static void going_back_to_the_start_sees_what_is_new(void **state) {
  directory_fixture *fixture = *state;
  tn_directory *reader = sorted_reader(fixture);
  assert_next(reader, ".");
  write_text_file(fixture->inside, "a", "");
  assert_int_equal(tn_directory_seek(reader, 0), 0);
  assert_next(reader, ".");
  assert_next(reader, "..");
  assert_next(reader, "a");
  tn_directory_close(reader);
}

/* An instance's state with only what the disguise needs. */
static tn_wasi_config *deterministic(unsigned what) {
  tn_wasi_config *config = NULL;
  assert_ok(tn_wasi_config_new(&config));
  assert_ok(tn_wasi_config_set_deterministic(config, what));
  return config;
}

static void files_are_numbered_as_they_are_seen(void **state) {
  (void)state;
  tn_wasi_config *config = deterministic(TN_DETERMINISTIC_FILES);
  tn_wasi wasi = {.config = config};
  static const uint64_t seen[][3] = {/* device, number, given */
                                     {7, 100, 1}, {7, 99, 2}, {8, 100, 3},
                                     {7, 100, 1}, {0, 0, 4},  {0, 0, 4}};
  for (size_t i = 0; i < sizeof seen / sizeof *seen; i++) {
    uint64_t inode = seen[i][1];
    assert_int_equal(tn_wasi_disguise_inode(&wasi, seen[i][0], &inode), 0);
    assert_int_equal(inode, seen[i][2]);
  }
  tn_inodes_delete(wasi.inodes);
  tn_wasi_config_delete(config);
}

static void directories_tell_nothing_of_their_file_system(void **state) {
  (void)state;
  tn_wasi_config *config = deterministic(TN_DETERMINISTIC_ALL);
  tn_wasi wasi = {.config = config};
  tn_file_status status = {
      .device = 5, .inode = 6, .type = TN_FILE_DIRECTORY, .links = 9, .size = 4096};
  assert_int_equal(tn_wasi_disguise_status(&wasi, &status), 0);
  assert_int_equal(status.device, 1);
  assert_int_equal(status.inode, 1);
  assert_int_equal(status.links, 1);
  assert_int_equal(status.size, 0);
  assert_int_equal(status.modified.tv_sec, -1);
  status = (tn_file_status){.type = TN_FILE_REGULAR, .links = 2, .size = 10};
  assert_int_equal(tn_wasi_disguise_status(&wasi, &status), 0);
  assert_int_equal(status.links, 2);
  assert_int_equal(status.size, 10);
  tn_inodes_delete(wasi.inodes);
  tn_wasi_config_delete(config);
}

static void elsewhere_everything_is_as_it_is(void **state) {
  tn_wasi_config *config = deterministic(0);
  tn_wasi wasi = {.config = config};
  tn_file_status status = {
      .device = 5, .inode = 6, .type = TN_FILE_DIRECTORY, .links = 9, .size = 4096};
  assert_int_equal(tn_wasi_disguise_status(&wasi, &status), 0);
  assert_int_equal(status.inode, 6);
  assert_int_equal(status.size, 4096);
  assert_null(wasi.inodes);
  tn_descriptor *descriptor = granted(*state);
  tn_directory *reader;
  assert_int_equal(tn_directory_open(descriptor, &reader), 0);
  assert_int_equal(tn_wasi_disguise_directory(&wasi, reader), 0);
  tn_directory_close(reader);
  tn_descriptor_release(descriptor);
  assert_error(tn_wasi_config_set_deterministic(config, 4), TN_ERROR_ARGUMENT, "unknown");
  tn_wasi_config_delete(config);
}

static void assert_modified(tn_wasi *wasi, tn_descriptor *directory, const char *name,
                            long seconds) {
  tn_file_status status;
  assert_int_equal(tn_descriptor_status_at(directory, tn_str_from(name), true, &status), 0);
  assert_int_equal(tn_wasi_disguise_status(wasi, &status), 0);
  assert_int_equal(status.modified.tv_sec, seconds);
}

static void times_are_those_that_the_guest_has_set(void **state) {
  tn_wasi_config *config = deterministic(TN_DETERMINISTIC_ALL);
  tn_wasi wasi = {.config = config};
  tn_descriptor *directory = granted(*state);
  const tn_str file = TN_STR("file");
  struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 2000}};
  assert_modified(&wasi, directory, "file", -1);
  assert_int_equal(tn_wasi_set_times_at(&wasi, directory, file, true, times), 0);
  assert_modified(&wasi, directory, "file", 2000);
  assert_modified(&wasi, directory, "sub", -1);
  times[1].tv_nsec = UTIME_OMIT;
  assert_int_equal(tn_wasi_set_times_at(&wasi, directory, file, true, times), 0);
  assert_modified(&wasi, directory, "file", 2000);
  times[1].tv_nsec = UTIME_NOW;
  assert_int_equal(tn_wasi_set_times_at(&wasi, directory, file, true, times), 0);
  assert_modified(&wasi, directory, "file", -1);
  tn_descriptor_release(directory);
  tn_inodes_delete(wasi.inodes);
  tn_wasi_config_delete(config);
}

/* Whether the system gives its number to the next file or not. */
static void a_file_that_is_gone_is_known_no_more(void **state) {
  directory_fixture *fixture = *state;
  tn_wasi_config *config = deterministic(TN_DETERMINISTIC_ALL);
  tn_wasi wasi = {.config = config};
  tn_descriptor *directory = granted(fixture);
  struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 2000}};
  tn_file_status first, moved;
  for (uint64_t i = 1; i < 20; i++) {
    write_text_file(fixture->inside, "new", "");
    assert_int_equal(tn_descriptor_status_at(directory, TN_STR("new"), true, &first), 0);
    assert_int_equal(tn_wasi_disguise_status(&wasi, &first), 0);
    assert_int_equal(first.inode, i);
    assert_int_equal(first.modified.tv_sec, -1);
    assert_int_equal(tn_wasi_set_times_at(&wasi, directory, TN_STR("new"), true, times), 0);
    assert_int_equal(tn_wasi_rename(&wasi, directory, TN_STR("new"), directory, TN_STR("moved")),
                     0);
    assert_int_equal(tn_descriptor_status_at(directory, TN_STR("moved"), true, &moved), 0);
    assert_int_equal(tn_wasi_disguise_status(&wasi, &moved), 0);
    assert_int_equal(moved.inode, i);
    assert_int_equal(moved.modified.tv_sec, 2000);
    if (i % 2 == 0) assert_int_equal(tn_wasi_unlink(&wasi, directory, TN_STR("moved")), 0);
  }
  assert_int_equal(tn_wasi_unlink(&wasi, directory, TN_STR("no-such-file")), -ENOENT);
  tn_descriptor_release(directory);
  tn_inodes_delete(wasi.inodes);
  tn_wasi_config_delete(config);
}

static void sorting_and_numbering_survive_any_failed_allocation(void **state) {
  directory_fixture *fixture = *state;
  tn_wasi_config *config = deterministic(TN_DETERMINISTIC_ALL);
  bool failed = true;
  for (int allowed = 0; failed; allowed++) {
    tn_wasi wasi = {.config = config};
    tn_descriptor *descriptor = granted(fixture);
    tn_alloc_fail_after(allowed);
    tn_directory *reader = NULL;
    int outcome = tn_directory_open(descriptor, &reader);
    if (outcome == 0) outcome = tn_wasi_disguise_directory(&wasi, reader);
    uint64_t inode = 3;
    if (outcome == 0) outcome = tn_wasi_disguise_inode(&wasi, 1, &inode);
    const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 2}};
    if (outcome == 0)
      outcome = tn_wasi_set_times_at(&wasi, descriptor, TN_STR("file"), true, times);
    failed = tn_alloc_did_fail();
    tn_alloc_fail_after(-1);
    assert_int_equal(outcome, failed ? -ENOMEM : 0);
    if (reader != NULL) tn_directory_close(reader);
    tn_inodes_delete(wasi.inodes);
    tn_descriptor_release(descriptor);
  }
  tn_wasi_config_delete(config);
}

int main(void) {
#define WITH_DIRECTORY(test)                                                                       \
  cmocka_unit_test_setup_teardown(test, directory_fixture_set_up, directory_fixture_tear_down)
  const struct CMUnitTest tests[] = {
      WITH_DIRECTORY(entries_come_by_name),
      WITH_DIRECTORY(a_reader_comes_back_to_where_it_was),
      WITH_DIRECTORY(going_back_to_the_start_sees_what_is_new),
      cmocka_unit_test(files_are_numbered_as_they_are_seen),
      cmocka_unit_test(directories_tell_nothing_of_their_file_system),
      WITH_DIRECTORY(elsewhere_everything_is_as_it_is),
      WITH_DIRECTORY(times_are_those_that_the_guest_has_set),
      WITH_DIRECTORY(a_file_that_is_gone_is_known_no_more),
      WITH_DIRECTORY(sorting_and_numbering_survive_any_failed_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
