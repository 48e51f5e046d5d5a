/* A directory of its own for each test of files, removed afterwards. */
#ifndef TN_WASI_DIRECTORY_FIXTURE_H
#define TN_WASI_DIRECTORY_FIXTURE_H

#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* inside/ is what a guest is granted; beside it lies secret, which it must not reach.
 *
 *   inside/file            "hello"
 *   inside/sub/inner       "inner"
 *   inside/up      -> ..            inside/out -> ../secret
 *   inside/root    -> /             inside/to-file -> file
 *   inside/to-sub  -> sub           inside/loop -> loop
 *   inside/back    -> sub/../file   inside/dangling -> nothing */
typedef struct directory_fixture {
  char path[64];
  int inside;
} directory_fixture;

static void write_text_file(int directory, const char *name, const char *text) {
  int fd = openat(directory, name, O_CREAT | O_WRONLY | O_TRUNC, 0644);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
  close(fd);
}

static int directory_fixture_set_up(void **state) {
  directory_fixture *fixture = calloc(1, sizeof *fixture);
  strcpy(fixture->path, "/tmp/tenon-test-XXXXXX");
  assert_non_null(mkdtemp(fixture->path));
  int outer = open(fixture->path, O_RDONLY | O_DIRECTORY);
  write_text_file(outer, "secret", "secret");
  assert_int_equal(mkdirat(outer, "inside", 0755), 0);
  fixture->inside = openat(outer, "inside", O_RDONLY | O_DIRECTORY);
  close(outer);
  write_text_file(fixture->inside, "file", "hello");
  assert_int_equal(mkdirat(fixture->inside, "sub", 0755), 0);
  write_text_file(fixture->inside, "sub/inner", "inner");
  static const char *const links[][2] = {
      {"..", "up"},      {"../secret", "out"}, {"/", "root"},           {"file", "to-file"},
      {"sub", "to-sub"}, {"loop", "loop"},     {"sub/../file", "back"}, {"nothing", "dangling"}};
  for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
    assert_int_equal(symlinkat(links[i][0], fixture->inside, links[i][1]), 0);
  }
  *state = fixture;
  return 0;
}

static void remove_tree(int parent, const char *name) {
  if (unlinkat(parent, name, 0) == 0) return;
  int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (fd < 0) return;
  DIR *directory = fdopendir(fd);
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
      remove_tree(fd, entry->d_name);
  }
  closedir(directory);
  unlinkat(parent, name, AT_REMOVEDIR);
}

static int directory_fixture_tear_down(void **state) {
  directory_fixture *fixture = *state;
  close(fixture->inside);
  remove_tree(AT_FDCWD, fixture->path);
  free(fixture);
  return 0;
}

#endif
