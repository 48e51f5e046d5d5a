#include "wasi_directory_fixture.h"

#include <errno.h>

#include "base/alloc.h"
#include "wasi/system/descriptor.h"
#include "wasi/system/directory.h"
#include "wasi/system/error.h"

/* Every test is run with both methods of resolving paths. */
static bool use_walk;

static tn_descriptor *grant(void **state, bool is_read_only) {
  tn_descriptor *directory =
      tn_descriptor_for_directory(((directory_fixture *)*state)->inside, is_read_only);
  assert_non_null(directory);
  directory->walk = use_walk;
  return directory;
}

static const tn_open_options reading = {.read = true, .follow = true};
static const tn_open_options writing = {.write = true};
static const tn_open_options creating = {.read = true, .write = true, .create = true};

static tn_descriptor *open_in(tn_descriptor *directory, const char *path, tn_open_options options) {
  tn_descriptor *opened = NULL;
  int result = tn_descriptor_open(directory, tn_str_from(path), &options, &opened);
  if (result < 0) fail_msg("%s: %s", path, strerror(-result));
  return opened;
}

static int try_open(tn_descriptor *directory, const char *path, tn_open_options options) {
  tn_descriptor *opened = NULL;
  int result = tn_descriptor_open(directory, tn_str_from(path), &options, &opened);
  if (result == 0) tn_descriptor_release(opened);
  return result;
}

static void assert_text(tn_descriptor *file, const char *expected) {
  char text[64] = {0};
  assert_true(tn_descriptor_read(file, (uint8_t *)text, sizeof text - 1, 0) >= 0);
  assert_string_equal(text, expected);
}

static bool exists(tn_descriptor *directory, const char *path) {
  tn_file_status status;
  return tn_descriptor_status_at(directory, tn_str_from(path), false, &status) == 0;
}

#define PATH(text) TN_STR(text)

/* ---- files -------------------------------------------------------------------------------------- */

static void files_are_read_and_written_where_asked(void **state) {
  tn_descriptor *directory = grant(state, false);
  tn_descriptor *file = open_in(directory, "new", creating);
  assert_int_equal(file->type, TN_FILE_REGULAR);
  assert_int_equal(tn_descriptor_write(file, (const uint8_t *)"abcdef", 6, 0), 6);
  assert_int_equal(tn_descriptor_write(file, (const uint8_t *)"XY", 2, 2), 2);
  assert_text(file, "abXYef");
  assert_int_equal(tn_descriptor_append(file, (const uint8_t *)"!", 1), 1);
  assert_text(file, "abXYef!");
  uint8_t byte;
  assert_int_equal(tn_descriptor_read(file, &byte, 1, 7), 0);
  assert_int_equal(tn_descriptor_read(file, &byte, 1, UINT64_MAX), -EINVAL);
  assert_int_equal(tn_descriptor_write(file, &byte, 1, UINT64_MAX), -EINVAL);
  tn_descriptor_release(file);
  tn_descriptor_release(directory);
}

static void what_was_not_opened_for_it_is_refused(void **state) {
  tn_descriptor *directory = grant(state, false);
  tn_descriptor *file = open_in(directory, "file", reading);
  uint8_t byte = 0;
  assert_int_equal(tn_descriptor_write(file, &byte, 1, 0), -EBADF);
  assert_int_equal(tn_descriptor_append(file, &byte, 1), -EBADF);
  assert_int_equal(tn_descriptor_set_size(file, 0), -EINVAL);
  tn_descriptor_release(file);
  file = open_in(directory, "file", writing);
  assert_int_equal(tn_descriptor_read(file, &byte, 1, 0), -EBADF);
  tn_descriptor_release(file);
  tn_descriptor_release(directory);
}

static void opening_obeys_its_flags(void **state) {
  tn_descriptor *directory = grant(state, false);
  tn_open_options exclusive = creating, truncating = writing, as_directory = reading,
                  both = creating;
  exclusive.exclusive = true;
  truncating.truncate = true;
  as_directory.directory = both.directory = true;
  assert_int_equal(try_open(directory, "nothing", reading), -ENOENT);
  assert_int_equal(try_open(directory, "file", exclusive), -EEXIST);
  assert_int_equal(try_open(directory, "file", as_directory), -ENOTDIR);
  assert_int_equal(try_open(directory, "new", both), -EINVAL);
  assert_int_equal(try_open(directory, "sub", writing), -EISDIR);
  assert_int_equal(try_open(directory, "to-file", writing), -ELOOP);
  assert_int_equal(try_open(directory, "file", truncating), 0);
  tn_descriptor *file = open_in(directory, "file", reading);
  assert_text(file, "");
  tn_descriptor *below = NULL;
  assert_int_equal(tn_descriptor_open(file, PATH("x"), &reading, &below), -ENOTDIR);
  tn_descriptor_release(file);
  tn_descriptor_release(directory);
}

static void sizes_and_space_can_be_set(void **state) {
  tn_descriptor *directory = grant(state, false);
  tn_descriptor *file = open_in(directory, "new", creating);
  tn_file_status status;
  assert_int_equal(tn_descriptor_set_size(file, 100), 0);
  assert_int_equal(tn_descriptor_status(file, &status), 0);
  assert_int_equal(status.size, 100);
  assert_int_equal(tn_descriptor_set_size(file, UINT64_MAX), -EFBIG);
  assert_int_equal(tn_descriptor_set_size(directory, 0), -EISDIR);
  int allocated = tn_descriptor_allocate(file, 90, 20);
  if (allocated != -ENOTSUP) {
    assert_int_equal(allocated, 0);
    assert_int_equal(tn_descriptor_status(file, &status), 0);
    assert_int_equal(status.size, 110);
  }
  assert_int_equal(tn_descriptor_allocate(file, UINT64_MAX, 1), -EFBIG);
  assert_int_equal(tn_descriptor_allocate(directory, 0, 1), -EISDIR);
  assert_int_equal(tn_descriptor_advise(file, 0, 10, 1), 0);
  assert_int_equal(tn_descriptor_advise(file, 0, 10, 6), -EINVAL);
  assert_int_equal(tn_descriptor_advise(directory, 0, 10, 0), -EBADF);
  tn_descriptor_release(file);
  tn_descriptor_release(directory);
}

static void opening_a_pipe_does_not_wait_for_its_other_end(void **state) {
  directory_fixture *fixture = *state;
  assert_int_equal(mkfifoat(fixture->inside, "pipe", 0644), 0);
  tn_descriptor *directory = grant(state, false);
  assert_int_equal(try_open(directory, "pipe", writing), -ENXIO);
  tn_descriptor *pipe_end = open_in(directory, "pipe", reading);
  assert_int_equal(pipe_end->type, TN_FILE_FIFO);
  tn_descriptor_release(pipe_end);
  tn_descriptor_release(directory);
}

/* ---- attributes --------------------------------------------------------------------------------- */

static void status_tells_links_from_what_they_lead_to(void **state) {
  tn_descriptor *directory = grant(state, false);
  tn_file_status status, target;
  assert_int_equal(tn_descriptor_status_at(directory, PATH("to-file"), false, &status), 0);
  assert_int_equal(status.type, TN_FILE_SYMBOLIC_LINK);
  assert_int_equal(tn_descriptor_status_at(directory, PATH("to-file"), true, &status), 0);
  assert_int_equal(tn_descriptor_status_at(directory, PATH("file"), false, &target), 0);
  assert_int_equal(status.inode, target.inode);
  assert_int_equal(status.size, 5);
  assert_int_equal(tn_descriptor_status_at(directory, PATH("."), true, &status), 0);
  assert_int_equal(status.type, TN_FILE_DIRECTORY);
  assert_int_equal(tn_descriptor_status_at(directory, PATH("out"), false, &status), 0);
  assert_int_equal(tn_descriptor_status_at(directory, PATH("out"), true, &status), -EPERM);
  assert_int_equal(tn_descriptor_status_at(directory, PATH(".."), false, &status), -EPERM);
  assert_int_equal(tn_descriptor_status_at(directory, PATH("up/secret"), false, &status), -EPERM);
  assert_int_equal(tn_descriptor_status_at(directory, PATH("file/"), true, &status), -ENOTDIR);
  tn_descriptor_release(directory);
}

static void times_are_set_on_the_link_or_on_its_target(void **state) {
  tn_descriptor *directory = grant(state, false);
  struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1000, .tv_nsec = 5}};
  tn_file_status before, file, link;
  assert_int_equal(tn_descriptor_status_at(directory, PATH("file"), false, &before), 0);
  assert_int_equal(tn_descriptor_set_times_at(directory, PATH("to-file"), false, times), 0);
  assert_int_equal(tn_descriptor_status_at(directory, PATH("file"), false, &file), 0);
  assert_int_equal(tn_descriptor_status_at(directory, PATH("to-file"), false, &link), 0);
  assert_int_equal(file.modified.tv_sec, before.modified.tv_sec);
  assert_int_equal(link.modified.tv_sec, 1000);
  assert_int_equal(link.modified.tv_nsec, 5);
  assert_int_equal(tn_descriptor_set_times_at(directory, PATH("to-file"), true, times), 0);
  assert_int_equal(tn_descriptor_status_at(directory, PATH("file"), false, &file), 0);
  assert_int_equal(file.modified.tv_sec, 1000);
  assert_int_equal(file.accessed.tv_sec, before.accessed.tv_sec);
  assert_int_equal(tn_descriptor_set_times_at(directory, PATH("out"), true, times), -EPERM);
  assert_int_equal(tn_descriptor_set_times_at(directory, PATH(".."), true, times), -EPERM);
  tn_descriptor_release(directory);
}

/* ---- directories -------------------------------------------------------------------------------- */

static void directories_are_made_and_removed(void **state) {
  tn_descriptor *directory = grant(state, false);
  assert_int_equal(tn_descriptor_create_directory(directory, PATH("new/")), 0);
  assert_int_equal(tn_descriptor_create_directory(directory, PATH("new")), -EEXIST);
  assert_int_equal(tn_descriptor_create_directory(directory, PATH(".")), -EEXIST);
  assert_int_equal(tn_descriptor_create_directory(directory, PATH("")), -ENOENT);
  assert_int_equal(tn_descriptor_create_directory(directory, PATH("to-sub/below")), 0);
  assert_int_equal(tn_descriptor_remove_directory(directory, PATH("sub")), -ENOTEMPTY);
  assert_int_equal(tn_descriptor_remove_directory(directory, PATH("sub/below/")), 0);
  assert_int_equal(tn_descriptor_remove_directory(directory, PATH("file")), -ENOTDIR);
  assert_int_equal(tn_descriptor_remove_directory(directory, PATH("file/")), -ENOTDIR);
  assert_int_equal(tn_descriptor_remove_directory(directory, PATH(".")), -EINVAL);
  assert_int_equal(tn_descriptor_remove_directory(directory, PATH("new")), 0);
  tn_descriptor_release(directory);
}

static void files_are_unlinked_and_directories_are_not(void **state) {
  tn_descriptor *directory = grant(state, false);
  assert_int_equal(tn_descriptor_unlink(directory, PATH("sub")), -EISDIR);
  assert_int_equal(tn_descriptor_unlink(directory, PATH("sub/")), -EISDIR);
  assert_int_equal(tn_descriptor_unlink(directory, PATH("file/")), -ENOTDIR);
  assert_int_equal(tn_descriptor_unlink(directory, PATH("nothing")), -ENOENT);
  assert_int_equal(tn_descriptor_unlink(directory, PATH("to-file")), 0);
  assert_true(exists(directory, "file"));
  assert_int_equal(tn_descriptor_unlink(directory, PATH("file")), 0);
  assert_false(exists(directory, "file"));
  tn_descriptor_release(directory);
}

static void an_open_file_outlives_its_name(void **state) {
  tn_descriptor *directory = grant(state, false);
  tn_descriptor *file = open_in(directory, "file", (tn_open_options){.read = true, .write = true});
  assert_int_equal(tn_descriptor_unlink(directory, PATH("file")), 0);
  assert_int_equal(try_open(directory, "file", reading), -ENOENT);
  assert_text(file, "hello");
  assert_int_equal(tn_descriptor_append(file, (const uint8_t *)"!", 1), 1);
  assert_text(file, "hello!");
  tn_file_status status;
  assert_int_equal(tn_descriptor_status(file, &status), 0);
  assert_int_equal(status.size, 6);
  assert_int_equal(status.links, 0);
  tn_descriptor_release(file);
  tn_descriptor_release(directory);
}

static void a_granted_directory_that_is_removed_is_empty_for_good(void **state) {
  tn_descriptor *outer = grant(state, false);
  assert_int_equal(tn_descriptor_create_directory(outer, PATH("granted")), 0);
  tn_descriptor *granted = open_in(outer, "granted", reading);
  assert_int_equal(tn_descriptor_remove_directory(outer, PATH("granted")), 0);
  assert_int_equal(tn_descriptor_create_directory(outer, PATH("granted")),
                   0); /* another one of that name */
  assert_int_equal(try_open(granted, "new", creating), -ENOENT);
  assert_int_equal(try_open(granted, "../file", reading), -EPERM);
  assert_int_equal(tn_descriptor_create_directory(granted, PATH("new")), -ENOENT);
  tn_file_status status;
  assert_int_equal(tn_descriptor_status(granted, &status), 0);
  tn_directory *reader;
  assert_int_equal(tn_directory_open(granted, &reader), 0);
  tn_directory_entry entry;
  while (tn_directory_next(reader, &entry) == 1)
    assert_int_equal(entry.name.data[0], '.');
  tn_directory_close(reader);
  tn_descriptor_release(granted);
  tn_descriptor_release(outer);
}

static void renaming_moves_files_and_directories(void **state) {
  tn_descriptor *directory = grant(state, false);
  tn_descriptor *sub = open_in(directory, "sub", reading);
  assert_int_equal(tn_descriptor_rename(directory, PATH("file"), sub, PATH("moved")), 0);
  assert_true(exists(sub, "moved"));
  assert_int_equal(tn_descriptor_create_directory(directory, PATH("empty")), 0);
  assert_int_equal(tn_descriptor_rename(sub, PATH("moved"), directory, PATH("empty")), -EISDIR);
  assert_int_equal(tn_descriptor_rename(directory, PATH("sub"), directory, PATH("to-file")),
                   -ENOTDIR);
  assert_int_equal(tn_descriptor_rename(directory, PATH("sub/"), directory, PATH("other/")), 0);
  assert_true(exists(directory, "other/moved"));
  tn_descriptor_release(sub);
  tn_descriptor_release(directory);
}

static void links_are_made_to_files_only(void **state) {
  tn_descriptor *directory = grant(state, false);
  assert_int_equal(tn_descriptor_link(directory, PATH("file"), false, directory, PATH("second")),
                   0);
  tn_file_status status;
  assert_int_equal(tn_descriptor_status_at(directory, PATH("file"), false, &status), 0);
  assert_int_equal(status.links, 2);
  assert_int_equal(tn_descriptor_link(directory, PATH("file"), false, directory, PATH("second")),
                   -EEXIST);
  assert_int_equal(tn_descriptor_link(directory, PATH("sub"), false, directory, PATH("third")),
                   -EPERM);
  assert_int_equal(tn_descriptor_link(directory, PATH("sub/"), false, directory, PATH("third")),
                   -EPERM);
  assert_int_equal(tn_descriptor_link(directory, PATH("file"), false, directory, PATH("third/")),
                   -ENOENT);
  assert_int_equal(tn_descriptor_link(directory, PATH("dangling"), false, directory, PATH("third")),
                   0);
  assert_int_equal(tn_descriptor_link(directory, PATH("to-file"), true, directory, PATH("fourth")),
                   -EINVAL);
  assert_int_equal(tn_descriptor_link(directory, PATH(""), false, directory, PATH("")), -ENOENT);
  tn_descriptor_release(directory);
}

static void symbolic_links_keep_their_text(void **state) {
  tn_descriptor *directory = grant(state, false);
  char text[16] = "untouched";
  assert_int_equal(tn_descriptor_symlink(directory, PATH("a/b"), PATH("sub/link")), 0);
  assert_int_equal(tn_descriptor_readlink(directory, PATH("sub/link"), text, sizeof text), 3);
  assert_memory_equal(text, "a/bouched", 9);
  assert_int_equal(tn_descriptor_readlink(directory, PATH("sub/link"), text, 1), 3);
  assert_int_equal(tn_descriptor_symlink(directory, PATH("/etc"), PATH("link")), -EPERM);
  assert_int_equal(tn_descriptor_symlink(directory, PATH(""), PATH("link")), -ENOENT);
  assert_int_equal(tn_descriptor_symlink(directory, PATH("x"), PATH("file")), -EEXIST);
  assert_int_equal(tn_descriptor_symlink(directory, PATH("x"), PATH("new/")), -ENOENT);
  assert_int_equal(tn_descriptor_readlink(directory, PATH("file"), text, sizeof text), -EINVAL);
  assert_int_equal(tn_descriptor_readlink(directory, PATH("root"), text, sizeof text), -EPERM);
  assert_int_equal(tn_descriptor_readlink(directory, PATH("to-sub/"), text, sizeof text), -EINVAL);
  tn_descriptor_release(directory);
}

static void nothing_outside_is_ever_changed(void **state) {
  tn_descriptor *directory = grant(state, false);
  assert_int_equal(tn_descriptor_create_directory(directory, PATH("../new")), -EPERM);
  assert_int_equal(tn_descriptor_create_directory(directory, PATH("..")), -EPERM);
  assert_int_equal(tn_descriptor_unlink(directory, PATH("up/secret")), -EPERM);
  assert_int_equal(tn_descriptor_remove_directory(directory, PATH("up/inside")), -EPERM);
  assert_int_equal(tn_descriptor_remove_directory(directory, PATH("up/")), -EPERM);
  assert_int_equal(tn_descriptor_rename(directory, PATH("up/secret"), directory, PATH("mine")),
                   -EPERM);
  assert_int_equal(tn_descriptor_rename(directory, PATH("file"), directory, PATH("up/file")),
                   -EPERM);
  assert_int_equal(tn_descriptor_link(directory, PATH("up/secret"), false, directory, PATH("mine")),
                   -EPERM);
  assert_int_equal(tn_descriptor_link(directory, PATH("up/"), false, directory, PATH("mine")),
                   -EPERM);
  assert_int_equal(tn_descriptor_link(directory, PATH("file"), false, directory, PATH("..")),
                   -EPERM);
  assert_int_equal(tn_descriptor_symlink(directory, PATH("x"), PATH("up/link")), -EPERM);
  char text[16];
  assert_int_equal(tn_descriptor_readlink(directory, PATH("up/inside/to-file"), text, sizeof text),
                   -EPERM);
  tn_descriptor_release(directory);
}

static void a_read_only_directory_refuses_every_change(void **state) {
  tn_descriptor *directory = grant(state, true);
  tn_open_options truncating = reading;
  truncating.truncate = true;
  assert_int_equal(try_open(directory, "file", writing), -EROFS);
  assert_int_equal(try_open(directory, "file", creating), -EROFS);
  assert_int_equal(try_open(directory, "file", truncating), -EROFS);
  struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
  tn_descriptor *sub = open_in(directory, "sub", reading);
  tn_descriptor *file = open_in(sub, "inner", reading);
  tn_descriptor *places[] = {directory, sub};
  for (size_t i = 0; i < 2; i++) {
    tn_descriptor *place = places[i];
    tn_str name = i == 0 ? PATH("file") : PATH("inner");
    assert_int_equal(tn_descriptor_create_directory(place, PATH("new")), -EROFS);
    assert_int_equal(tn_descriptor_remove_directory(place, PATH("sub")), -EROFS);
    assert_int_equal(tn_descriptor_unlink(place, name), -EROFS);
    assert_int_equal(tn_descriptor_rename(place, name, place, PATH("new")), -EROFS);
    assert_int_equal(tn_descriptor_link(place, name, false, place, PATH("new")), -EROFS);
    assert_int_equal(tn_descriptor_symlink(place, PATH("x"), PATH("new")), -EROFS);
    assert_int_equal(tn_descriptor_set_times_at(place, name, true, times), -EROFS);
  }
  assert_int_equal(tn_descriptor_set_times(file, times), -EROFS);
  assert_int_equal(tn_descriptor_set_size(file, 0), -EROFS);
  assert_int_equal(tn_descriptor_allocate(file, 0, 10), -EROFS);
  assert_text(file, "inner");
  tn_descriptor_release(file);
  tn_descriptor_release(sub);
  tn_descriptor_release(directory);
}

/* ---- reading directories ------------------------------------------------------------------------ */

enum { MANY = 2000 };

static void make_many(tn_descriptor *directory) {
  assert_int_equal(tn_descriptor_create_directory(directory, PATH("many")), 0);
  for (int i = 0; i < MANY; i++) {
    char name[64];
    snprintf(name, sizeof name, "many/file-with-a-rather-long-name-%d", i);
    tn_descriptor_release(open_in(directory, name, creating));
  }
}

static void a_directory_is_read_to_its_end(void **state) {
  tn_descriptor *directory = grant(state, false);
  make_many(directory);
  tn_descriptor *many = open_in(directory, "many", reading);
  tn_directory *reader;
  assert_int_equal(tn_directory_open(many, &reader), 0);
  for (int round = 0; round < 2; round++) {
    int files = 0, others = 0;
    tn_directory_entry entry;
    while (tn_directory_next(reader, &entry) == 1) {
      assert_true(entry.next != 0);
      if (entry.type == TN_FILE_REGULAR)
        files++;
      else
        others++;
    }
    assert_int_equal(files, MANY);
    assert_int_equal(others, 2);
    assert_int_equal(tn_directory_next(reader, &entry), 0);
    assert_int_equal(tn_directory_seek(reader, 0), 0);
  }
  tn_directory_close(reader);
  tn_descriptor_release(many);
  tn_descriptor_release(directory);
}

static void every_cookie_leads_back_to_its_place(void **state) {
  tn_descriptor *directory = grant(state, false);
  make_many(directory);
  tn_descriptor *many = open_in(directory, "many", reading);
  tn_directory *reader;
  assert_int_equal(tn_directory_open(many, &reader), 0);
  static uint64_t cookies[MANY + 2], inodes[MANY + 2];
  tn_directory_entry entry;
  for (int i = 0; i < MANY + 2; i++) {
    assert_int_equal(tn_directory_next(reader, &entry), 1);
    cookies[i] = entry.next;
    inodes[i] = entry.inode;
  }
  for (int i = 0; i + 1 < MANY + 2; i += 37) {
    assert_int_equal(tn_directory_seek(reader, cookies[i]), 0);
    assert_int_equal(tn_directory_next(reader, &entry), 1);
    assert_int_equal(entry.inode, inodes[i + 1]);
  }
  assert_int_equal(tn_directory_seek(reader, cookies[MANY + 1]), 0);
  assert_int_equal(tn_directory_next(reader, &entry), 0);
  assert_int_equal(tn_directory_seek(reader, UINT64_MAX), -EINVAL);
  tn_directory_close(reader);
  tn_descriptor_release(many);
  tn_descriptor_release(directory);
}

static void files_may_be_removed_while_they_are_listed(void **state) {
  tn_descriptor *directory = grant(state, false);
  make_many(directory);
  tn_descriptor *many = open_in(directory, "many", reading);
  tn_directory *reader;
  assert_int_equal(tn_directory_open(many, &reader), 0);
  tn_directory_entry entry;
  int removed = 0;
  while (tn_directory_next(reader, &entry) == 1) {
    if (entry.type == TN_FILE_REGULAR && tn_descriptor_unlink(many, entry.name) == 0) removed++;
  }
  assert_int_equal(removed, MANY);
  assert_int_equal(tn_descriptor_remove_directory(directory, PATH("many")), 0);
  tn_directory_close(reader);
  tn_descriptor_release(many);
  tn_descriptor_release(directory);
}

static void the_parent_of_a_granted_directory_has_no_number_of_its_own(void **state) {
  tn_descriptor *directory = grant(state, false);
  tn_file_status status;
  assert_int_equal(tn_descriptor_status(directory, &status), 0);
  tn_directory *reader;
  assert_int_equal(tn_directory_open(directory, &reader), 0);
  tn_directory_entry entry;
  int seen = 0;
  while (tn_directory_next(reader, &entry) == 1) {
    if (entry.name.data[0] != '.') continue;
    assert_int_equal(entry.inode, status.inode);
    seen++;
  }
  assert_int_equal(seen, 2);
  tn_directory_close(reader);
  tn_descriptor_release(directory);
}

/* ---- the rest ----------------------------------------------------------------------------------- */

static void failing_allocations_leave_nothing_open(void **state) {
  tn_descriptor *directory = grant(state, false);
  int before = dup(0);
  close(before);
  tn_descriptor *opened;
  tn_directory *reader;
  tn_alloc_fail_after(0);
  assert_int_equal(tn_descriptor_open(directory, PATH("file"), &reading, &opened), -ENOMEM);
  tn_alloc_fail_after(0);
  assert_int_equal(tn_directory_open(directory, &reader), -ENOMEM);
  tn_alloc_fail_after(0);
  assert_null(tn_descriptor_for_directory(0, false));
  tn_alloc_fail_after(-1);
  int after = dup(0);
  close(after);
  assert_int_equal(before, after);
  tn_descriptor_release(directory);
}

static void system_errors_have_a_code_for_each_kind_of_guest(void **state) {
  (void)state;
  assert_int_equal(tn_errno_to_preview1(0), 0);
  assert_int_equal(tn_errno_to_preview1(ENOENT), 44);
  assert_int_equal(tn_errno_to_preview1(EXDEV), 75);
  assert_int_equal(tn_errno_to_preview1(EOPNOTSUPP), 58);
  assert_int_equal(tn_errno_to_preview1(100000), 29);
  assert_int_equal(tn_errno_to_filesystem(EACCES), 0);
  assert_int_equal(tn_errno_to_filesystem(ENOENT), 20);
  assert_int_equal(tn_errno_to_filesystem(EPERM), 31);
  assert_int_equal(tn_errno_to_filesystem(EROFS), 33);
  assert_int_equal(tn_errno_to_filesystem(EXDEV), 36);
  assert_int_equal(tn_errno_to_filesystem(-1), 13);
}

#define TEST(name)                                                                                 \
  cmocka_unit_test_setup_teardown(name, directory_fixture_set_up, directory_fixture_tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(files_are_read_and_written_where_asked),
      TEST(what_was_not_opened_for_it_is_refused),
      TEST(opening_obeys_its_flags),
      TEST(sizes_and_space_can_be_set),
      TEST(opening_a_pipe_does_not_wait_for_its_other_end),
      TEST(status_tells_links_from_what_they_lead_to),
      TEST(times_are_set_on_the_link_or_on_its_target),
      TEST(directories_are_made_and_removed),
      TEST(files_are_unlinked_and_directories_are_not),
      TEST(an_open_file_outlives_its_name),
      TEST(a_granted_directory_that_is_removed_is_empty_for_good),
      TEST(renaming_moves_files_and_directories),
      TEST(links_are_made_to_files_only),
      TEST(symbolic_links_keep_their_text),
      TEST(nothing_outside_is_ever_changed),
      TEST(a_read_only_directory_refuses_every_change),
      TEST(a_directory_is_read_to_its_end),
      TEST(every_cookie_leads_back_to_its_place),
      TEST(files_may_be_removed_while_they_are_listed),
      TEST(the_parent_of_a_granted_directory_has_no_number_of_its_own),
      TEST(failing_allocations_leave_nothing_open),
      TEST(system_errors_have_a_code_for_each_kind_of_guest),
  };
  int failed = cmocka_run_group_tests_name("openat2", tests, NULL, NULL);
  use_walk = true;
  return failed + cmocka_run_group_tests_name("walk", tests, NULL, NULL);
}
