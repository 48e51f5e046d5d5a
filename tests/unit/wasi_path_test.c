#include "wasi_directory_fixture.h"

#include <errno.h>
#include <limits.h>

#include "wasi/system/path.h"

/* Every test holds for both methods of resolving. */
static const bool methods[] = {false, true};
#define FOR_EACH_METHOD(base, fixture)                                                             \
  for (size_t method = 0; method < 2; method++)                                                    \
    for (tn_path_base base = {(fixture)->inside, methods[method]}, *once = &base; once != NULL;    \
         once = NULL)

static int open_path(tn_path_base base, const char *path, int flags) {
  return tn_path_open(base, tn_str_from(path), flags, 0644);
}

static void assert_refused(tn_path_base base, const char *path, int flags, int expected) {
  int fd = open_path(base, path, flags);
  if (fd >= 0) {
    close(fd);
    fail_msg("%s was opened (walk: %d)", path, base.walk);
  }
  if (fd != expected)
    fail_msg("%s: %s, expected %s (walk: %d)", path, strerror(-fd), strerror(-expected), base.walk);
}

static void assert_holds(tn_path_base base, const char *path, int flags, const char *expected) {
  int fd = open_path(base, path, flags);
  if (fd < 0) fail_msg("%s: %s (walk: %d)", path, strerror(-fd), base.walk);
  char text[16] = {0};
  assert_true(read(fd, text, sizeof text - 1) >= 0);
  assert_string_equal(text, expected);
  assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  close(fd);
}

static void paths_inside_are_opened(void **state) {
  FOR_EACH_METHOD(base, (directory_fixture *)*state) {
    assert_holds(base, "file", O_RDONLY, "hello");
    assert_holds(base, "sub/inner", O_RDONLY, "inner");
    assert_holds(base, "./sub//.././sub/../file", O_RDONLY, "hello");
    assert_holds(base, "to-file", O_RDONLY, "hello");
    assert_holds(base, "to-sub/inner", O_RDONLY, "inner");
    assert_holds(base, "to-sub/../back", O_RDONLY, "hello");
    assert_holds(base, "file", O_RDONLY | O_NOFOLLOW, "hello");
    int fd = open_path(base, "sub/..", O_RDONLY | O_DIRECTORY);
    assert_true(fd >= 0);
    close(fd);
  }
}

static void nothing_outside_is_ever_opened(void **state) {
  FOR_EACH_METHOD(base, (directory_fixture *)*state) {
    static const char *const paths[] = {"..",
                                        "../secret",
                                        "../inside/file",
                                        "up",
                                        "up/secret",
                                        "out",
                                        "sub/../../secret",
                                        "root",
                                        "root/etc/passwd",
                                        "/",
                                        "/etc/passwd",
                                        "up/inside/file",
                                        "./../.",
                                        "to-sub/../../secret",
                                        "sub/../up/."};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
      assert_refused(base, paths[i], O_RDONLY, -EPERM);
      assert_refused(base, paths[i], O_PATH, -EPERM);
    }
    assert_refused(base, "../new", O_CREAT | O_WRONLY, -EPERM);
    assert_refused(base, "up/new", O_CREAT | O_WRONLY, -EPERM);
  }
}

static void a_created_link_never_lets_creation_out(void **state) {
  directory_fixture *fixture = *state;
  assert_int_equal(symlinkat("../created", fixture->inside, "trap"), 0);
  FOR_EACH_METHOD(base, fixture) {
    assert_refused(base, "trap", O_CREAT | O_WRONLY, -EPERM);
    assert_refused(base, "trap", O_CREAT | O_EXCL | O_WRONLY, -EEXIST);
    struct stat status;
    assert_int_equal(fstatat(fixture->inside, "../created", &status, 0), -1);
  }
}

static void malformed_paths_are_refused(void **state) {
  FOR_EACH_METHOD(base, (directory_fixture *)*state) {
    assert_refused(base, "", O_RDONLY, -ENOENT);
    assert_int_equal(tn_path_open(base, (tn_str){"file\0x", 6}, O_RDONLY, 0), -EINVAL);
    assert_int_equal(tn_path_open(base, (tn_str){"file\0", 5}, O_RDONLY, 0), -EINVAL);
    char endless[2 * PATH_MAX];
    memset(endless, 'a', sizeof endless);
    assert_int_equal(tn_path_open(base, (tn_str){endless, sizeof endless}, O_RDONLY, 0),
                     -ENAMETOOLONG);
    assert_int_equal(tn_path_open(base, (tn_str){endless, 300}, O_RDONLY, 0), -ENAMETOOLONG);
  }
}

static void errors_are_those_of_the_system(void **state) {
  FOR_EACH_METHOD(base, (directory_fixture *)*state) {
    assert_refused(base, "nothing", O_RDONLY, -ENOENT);
    assert_refused(base, "nothing/more", O_RDONLY, -ENOENT);
    assert_refused(base, "dangling", O_RDONLY, -ENOENT);
    assert_refused(base, "loop", O_RDONLY, -ELOOP);
    assert_refused(base, "loop/x", O_RDONLY, -ELOOP);
    assert_refused(base, "to-file", O_RDONLY | O_NOFOLLOW, -ELOOP);
    assert_refused(base, "to-sub", O_RDONLY | O_NOFOLLOW | O_DIRECTORY, -ENOTDIR);
    assert_refused(base, "file/", O_RDONLY, -ENOTDIR);
    assert_refused(base, "file/x", O_RDONLY, -ENOTDIR);
    assert_refused(base, "file/..", O_RDONLY, -ENOTDIR);
    assert_refused(base, "to-file/", O_RDONLY, -ENOTDIR);
    assert_refused(base, "file", O_RDONLY | O_DIRECTORY, -ENOTDIR);
    assert_refused(base, "sub", O_WRONLY, -EISDIR);
    assert_refused(base, "new/", O_CREAT | O_WRONLY, -EISDIR);
    assert_refused(base, ".", O_CREAT | O_WRONLY, -EISDIR);
    assert_refused(base, "file", O_CREAT | O_EXCL | O_WRONLY, -EEXIST);
    assert_refused(base, "dangling", O_CREAT | O_EXCL | O_WRONLY, -EEXIST);
  }
}

static void a_link_itself_can_be_held(void **state) {
  FOR_EACH_METHOD(base, (directory_fixture *)*state) {
    int fd = open_path(base, "out", O_PATH | O_NOFOLLOW);
    assert_true(fd >= 0);
    struct stat status;
    assert_int_equal(fstat(fd, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    close(fd);
    assert_refused(base, "out/", O_PATH | O_NOFOLLOW, -EPERM);
  }
}

static void files_are_created_through_links_inside(void **state) {
  directory_fixture *fixture = *state;
  FOR_EACH_METHOD(base, fixture) {
    int fd = open_path(base, "dangling", O_CREAT | O_WRONLY);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(unlinkat(fixture->inside, "nothing", 0), 0);
  }
}

static void chains_of_links_are_bounded(void **state) {
  directory_fixture *fixture = *state;
  char name[16] = "file";
  for (int i = 0; i < 45; i++) {
    char next[16];
    snprintf(next, sizeof next, "link%d", i);
    assert_int_equal(symlinkat(name, fixture->inside, next), 0);
    strcpy(name, next);
  }
  FOR_EACH_METHOD(base, fixture) {
    assert_holds(base, "link38", O_RDONLY, "hello");
    assert_refused(base, "link44", O_RDONLY, -ELOOP);
  }
}

static void the_walk_is_bounded_in_depth(void **state) {
  directory_fixture *fixture = *state;
  char path[PATH_MAX] = "d";
  int at = dup(fixture->inside);
  for (int i = 0; i < 300; i++) {
    assert_int_equal(mkdirat(at, "d", 0755), 0);
    int next = openat(at, "d", O_RDONLY | O_DIRECTORY);
    close(at);
    at = next;
    if (i > 0) strcat(path, "/d");
  }
  close(at);
  tn_path_base base = {fixture->inside, true};
  assert_refused(base, path, O_RDONLY, -ENAMETOOLONG);
  base.walk = false;
  int fd = open_path(base, path, O_RDONLY);
  assert_true(fd >= 0);
  close(fd);
}

static void parents_are_found_for_what_does_not_exist_yet(void **state) {
  FOR_EACH_METHOD(base, (directory_fixture *)*state) {
    tn_path_parent parent;
    assert_int_equal(tn_path_parent_open(base, TN_STR("new"), &parent), 0);
    assert_int_equal(parent.fd, base.fd);
    assert_string_equal(parent.name, "new");
    tn_path_parent_close(&parent);
    assert_int_equal(tn_path_parent_open(base, TN_STR("to-sub/./new//"), &parent), 0);
    assert_string_equal(parent.name, "new/");
    assert_int_equal(mkdirat(parent.fd, parent.name, 0755), 0);
    tn_path_parent_close(&parent);
    assert_int_equal(unlinkat(base.fd, "sub/new", AT_REMOVEDIR), 0);
  }
}

static void parents_outside_are_refused(void **state) {
  FOR_EACH_METHOD(base, (directory_fixture *)*state) {
    static const char *const paths[] = {"..",  "../new",    "up/new",        "root/new",
                                        "up/", "sub/../..", "sub/../../new", "/new"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
      tn_path_parent parent;
      int result = tn_path_parent_open(base, tn_str_from(paths[i]), &parent);
      if (result != -EPERM) fail_msg("%s: %d (walk: %d)", paths[i], result, base.walk);
    }
    tn_path_parent parent;
    assert_int_equal(tn_path_parent_open(base, TN_STR("nothing/new"), &parent), -ENOENT);
    assert_int_equal(tn_path_parent_open(base, TN_STR("file/new"), &parent), -ENOTDIR);
    assert_int_equal(tn_path_parent_open(base, TN_STR(""), &parent), -ENOENT);
  }
}

#define TEST(name)                                                                                 \
  cmocka_unit_test_setup_teardown(name, directory_fixture_set_up, directory_fixture_tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(paths_inside_are_opened),
      TEST(nothing_outside_is_ever_opened),
      TEST(a_created_link_never_lets_creation_out),
      TEST(malformed_paths_are_refused),
      TEST(errors_are_those_of_the_system),
      TEST(a_link_itself_can_be_held),
      TEST(files_are_created_through_links_inside),
      TEST(chains_of_links_are_bounded),
      TEST(the_walk_is_bounded_in_depth),
      TEST(parents_are_found_for_what_does_not_exist_yet),
      TEST(parents_outside_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
