/* Artifacts and their cache: what is not exactly what was written is refused. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "engine/artifact.h"
#include "engine_test.h"
#include "keep_signals.h"

static const tn_str FINGERPRINT = {"an engine", 9};

static tn_buffer small_artifact(void) {
  tn_buffer out = {0};
  tn_str natives[3] = {TN_STR("first"), TN_STR("the second and largest"), TN_STR("")};
  assert_ok(tn_artifact_write(FINGERPRINT, TN_ARTIFACT_IS_MODULE, TN_STR("the original"), natives,
                              3, &out));
  return out;
}

static void assert_str(tn_str actual, const char *expected) {
  assert_true(tn_str_equal(actual, tn_str_from(expected)));
}

static void what_is_written_is_read(void **state) {
  (void)state;
  tn_buffer file = small_artifact();
  tn_artifact artifact;
  assert_true(tn_artifact_is(tn_buffer_str(&file)));
  assert_ok(tn_artifact_read(tn_buffer_str(&file), FINGERPRINT, &artifact));
  assert_int_equal(artifact.flags, TN_ARTIFACT_IS_MODULE);
  assert_str(artifact.original, "the original");
  assert_int_equal(artifact.native_count, 3);
  assert_str(tn_artifact_native(&artifact, 0), "first");
  assert_str(tn_artifact_native(&artifact, 1), "the second and largest");
  assert_str(tn_artifact_native(&artifact, 2), "");
  /* where a mapping of the file could run it */
  for (size_t i = 0; i < 3; i++)
    assert_int_equal((tn_artifact_native(&artifact, i).data - file.data) % 4096, 0);
  tn_buffer_free(&file);
}

static void nothing_to_compile_makes_an_artifact_too(void **state) {
  (void)state;
  tn_buffer file = {0};
  tn_artifact artifact;
  assert_ok(tn_artifact_write(FINGERPRINT, 0, TN_STR("c"), NULL, 0, &file));
  assert_ok(tn_artifact_read(tn_buffer_str(&file), FINGERPRINT, &artifact));
  assert_int_equal(artifact.native_count, 0);
  assert_str(artifact.original, "c");
  tn_buffer_free(&file);
}

static void every_single_flipped_bit_is_noticed(void **state) {
  (void)state;
  tn_buffer file = small_artifact();
  for (size_t i = 0; i < file.len; i++) {
    for (int bit = 0; bit < 8; bit++) {
      file.data[i] = (char)(file.data[i] ^ (1 << bit));
      tn_artifact artifact;
      tn_error *error = tn_artifact_read(tn_buffer_str(&file), FINGERPRINT, &artifact);
      if (error == NULL) fail_msg("byte %zu, bit %d", i, bit);
      tn_error_delete(error);
      file.data[i] = (char)(file.data[i] ^ (1 << bit));
    }
  }
  tn_buffer_free(&file);
}

static void every_truncation_is_noticed(void **state) {
  (void)state;
  tn_buffer file = small_artifact();
  for (size_t length = 0; length < file.len; length++) {
    char *part = malloc(length + 1); /* of its own, so that a sanitizer sees reads beyond it */
    char *exact = length > 0 ? realloc(part, length) : part;
    memcpy(exact, file.data, length);
    tn_artifact artifact;
    tn_error *error = tn_artifact_read((tn_str){exact, length}, FINGERPRINT, &artifact);
    assert_error(error, TN_ERROR_MALFORMED, "artifact");
    free(exact);
  }
  tn_buffer_append_byte(&file, 0);
  tn_artifact artifact;
  assert_error(tn_artifact_read(tn_buffer_str(&file), FINGERPRINT, &artifact), TN_ERROR_MALFORMED,
               "trailer");
  tn_buffer_free(&file);
}

static void an_artifact_of_another_engine_is_refused(void **state) {
  (void)state;
  tn_buffer file = small_artifact();
  tn_artifact artifact;
  tn_error *error = tn_artifact_read(tn_buffer_str(&file), TN_STR("another engine"), &artifact);
  assert_non_null(error);
  assert_int_equal(tn_error_get_kind(error), TN_ERROR_UNSUPPORTED);
  assert_non_null(strstr(tn_error_get_message(error), "compiled for another engine"));
  assert_non_null(tn_error_get_hint(error));
  tn_error_delete(error);
  tn_buffer_free(&file);
}

static void large_artifacts_are_checked_in_full(void **state) {
  (void)state;
  enum { SIZE = 70 << 20 };
  char *content = malloc(SIZE);
  for (size_t i = 0; i < SIZE; i++)
    content[i] = (char)(i * 2654435761u >> 24);
  tn_buffer file = {0};
  tn_str native = {content, SIZE};
  assert_ok(tn_artifact_write(FINGERPRINT, 0, TN_STR(""), &native, 1, &file));
  free(content);
  tn_artifact artifact;
  assert_ok(tn_artifact_read(tn_buffer_str(&file), FINGERPRINT, &artifact));
  static const size_t sampled[] = {0, (1 << 20) - 1, 1 << 20, (64 << 20) - 1, 64 << 20, SIZE - 1};
  for (size_t i = 0; i < sizeof sampled / sizeof *sampled; i++) {
    file.data[sampled[i]] ^= 1;
    assert_error(tn_artifact_read(tn_buffer_str(&file), FINGERPRINT, &artifact), TN_ERROR_MALFORMED,
                 "content");
    file.data[sampled[i]] ^= 1;
  }
  tn_buffer_free(&file);
}

static void failing_allocations_of_the_writer_are_reported(void **state) {
  (void)state;
  tn_str natives[2] = {TN_STR("a"), TN_STR("b")};
  for (int64_t i = 0; i < 100; i++) {
    tn_buffer out = {0};
    tn_alloc_fail_after(i);
    tn_error *error = tn_artifact_write(FINGERPRINT, 0, TN_STR("o"), natives, 2, &out);
    bool failed = tn_alloc_did_fail();
    tn_alloc_fail_after(-1);
    tn_buffer_free(&out);
    if (!failed) {
      assert_null(error);
      return;
    }
    assert_error(error, TN_ERROR_NO_MEMORY, "memory");
  }
  fail_msg("too many allocations");
}

/* ---- native code ---------------------------------------------------------------------------------------- */

typedef struct compiled {
  tn_core_engine *engine;
  tn_buffer file;
} compiled;

/* Two modules, the second large enough to be mapped. */
static compiled compile_two(void) {
  tn_engine_options options = test_options();
  compiled c = {.engine = test_engine(&options)};
  tn_buffer text = {0};
  tn_buffer_append_text(&text, "(module (memory (export \"m\") 8)"
                               " (func (export \"f\") (result i32) (i32.const 2))"
                               " (data (i32.const 0) \"");
  for (int i = 0; i < 300000; i++)
    tn_buffer_append_byte(&text, (uint8_t)('a' + i % 26));
  tn_buffer_append_text(&text, "\"))");
  tn_module *modules[2];
  modules[0] = test_module(c.engine, "(module (func (export \"f\") (result i32) (i32.const 1)))");
  char *large = tn_buffer_take(&text);
  modules[1] = test_module(c.engine, large);
  tn_free(large);
  tn_str natives[2];
  for (int i = 0; i < 2; i++) {
    uint8_t *native = NULL;
    assert_ok(tn_module_serialize(modules[i], &native, &natives[i].len));
    natives[i].data = (const char *)native;
    tn_module_delete(modules[i]);
  }
  assert_ok(
      tn_artifact_write(tn_core_engine_fingerprint(c.engine), 0, TN_STR(""), natives, 2, &c.file));
  for (int i = 0; i < 2; i++)
    tn_free((char *)natives[i].data);
  return c;
}

static void assert_modules_run(compiled *c, tn_module **modules) {
  for (int i = 0; i < 2; i++) {
    tn_store *store = test_store(c->engine, NULL);
    tn_core_context *context = tn_store_context(store);
    tn_core_instance instance;
    assert_ok(tn_core_instantiate(context, modules[i], NULL, 0, &instance));
    tn_core_func func = test_func(context, &instance, "f");
    tn_core_value values[1];
    assert_ok(tn_core_call(context, &func, values, 1));
    assert_int_equal(values[0].i32, i + 1);
    tn_core_extern memory;
    if (tn_core_instance_export(context, &instance, TN_STR("m"), &memory)) {
      assert_memory_equal(tn_core_memory_base(context, &memory.memory) + 26, "abcdef", 6);
    }
    tn_store_delete(store);
    tn_module_delete(modules[i]);
  }
}

static void end_compiled(compiled *c) {
  tn_buffer_free(&c->file);
  tn_core_engine_delete(c->engine);
}

static void modules_are_loaded_from_bytes(void **state) {
  (void)state;
  compiled c = compile_two();
  tn_artifact artifact;
  assert_ok(
      tn_artifact_read(tn_buffer_str(&c.file), tn_core_engine_fingerprint(c.engine), &artifact));
  tn_module *modules[2];
  assert_ok(tn_artifact_load(c.engine, &artifact, false, modules));
  assert_modules_run(&c, modules);
  end_compiled(&c);
}

static void the_failure_to_load_one_module_leaves_none(void **state) {
  (void)state;
  compiled c = compile_two();
  tn_buffer file = {0};
  tn_str natives[2] = {TN_STR("no native code"), TN_STR("nor this")};
  assert_ok(tn_artifact_write(FINGERPRINT, 0, TN_STR(""), natives, 2, &file));
  tn_artifact artifact;
  assert_ok(tn_artifact_read(tn_buffer_str(&file), FINGERPRINT, &artifact));
  tn_module *modules[2];
  assert_error(tn_artifact_load(c.engine, &artifact, false, modules), TN_ERROR_MALFORMED, "");
  tn_buffer_free(&file);
  end_compiled(&c);
}

/* ---- cache ---------------------------------------------------------------------------------------------- */

static char folder[64];

static int make_folder(void **state) {
  (void)state;
  snprintf(folder, sizeof folder, "/tmp/tenon-cache-test-XXXXXX");
  return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state) {
  (void)state;
  char command[256];
  snprintf(command, sizeof command, "chmod -R u+rwx '%s' && rm -r '%s'", folder, folder);
  return system(command);
}

static const char *in_folder(const char *name) {
  static char path[1024];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

static tn_cache_key key_of(const char *content) {
  tn_cache_key key;
  tn_cache_key_make(tn_str_from(content), FINGERPRINT, &key);
  return key;
}

static void assert_entry(const tn_cache_key *key, const char *expected) {
  tn_str entry;
  assert_true(tn_cache_lookup(folder, key, &entry));
  assert_str(entry, expected);
  tn_cache_release(entry);
}

static void assert_no_entry(const tn_cache_key *key) {
  tn_str entry;
  assert_false(tn_cache_lookup(folder, key, &entry));
}

static void keys_differ_by_content_and_by_engine(void **state) {
  (void)state;
  tn_cache_key a = key_of("a"), again = key_of("a"), b = key_of("b"), other;
  tn_cache_key_make(TN_STR("a"), TN_STR("another engine"), &other);
  assert_string_equal(a.name, again.name);
  assert_string_not_equal(a.name, b.name);
  assert_string_not_equal(a.name, other.name);
  assert_int_equal(strlen(a.name), 64);
}

static void a_stored_entry_is_found_and_can_be_replaced(void **state) {
  (void)state;
  tn_cache_key key = key_of("a");
  assert_no_entry(&key);
  assert_true(tn_cache_store(folder, &key, TN_STR("one")));
  assert_entry(&key, "one");
  assert_true(tn_cache_store(folder, &key, TN_STR("two")));
  assert_entry(&key, "two");
  struct stat status;
  assert_int_equal(stat(in_folder(key.name), &status), 0);
  assert_int_equal(status.st_mode & 0777, 0600);
}

static void the_directory_is_made_for_its_owner_alone(void **state) {
  (void)state;
  tn_cache_key key = key_of("a");
  char path[256];
  snprintf(path, sizeof path, "%s/deep/er", folder);
  assert_true(tn_cache_store(path, &key, TN_STR("one")));
  struct stat status;
  assert_int_equal(stat(path, &status), 0);
  assert_int_equal(status.st_mode & 0777, 0700);
}

static void what_others_may_write_is_not_trusted(void **state) {
  (void)state;
  tn_cache_key key = key_of("a");
  assert_true(tn_cache_store(folder, &key, TN_STR("one")));
  assert_int_equal(chmod(in_folder(key.name), 0620), 0);
  assert_no_entry(&key);
  assert_int_equal(chmod(in_folder(key.name), 0602), 0);
  assert_no_entry(&key);
  assert_int_equal(chmod(in_folder(key.name), 0600), 0);
  assert_entry(&key, "one");
  assert_int_equal(chmod(folder, 0777), 0);
  assert_no_entry(&key);
  assert_false(tn_cache_store(folder, &key, TN_STR("two")));
  assert_int_equal(chmod(folder, 0700), 0);
  if (geteuid() != 0) return; /* only root can give files away */
  assert_int_equal(chown(in_folder(key.name), 12345, 12345), 0);
  assert_no_entry(&key);
}

static void links_pipes_and_empty_files_are_no_entries(void **state) {
  (void)state;
  tn_cache_key key = key_of("a"), target = key_of("b");
  assert_true(tn_cache_store(folder, &target, TN_STR("elsewhere")));
  assert_int_equal(symlink(target.name, in_folder(key.name)), 0);
  assert_no_entry(&key);
  assert_true(
      tn_cache_store(folder, &key, TN_STR("one"))); /* replaces the link, not what it leads to */
  assert_entry(&key, "one");
  assert_entry(&target, "elsewhere");
  assert_int_equal(unlink(in_folder(key.name)), 0);
  assert_int_equal(mkfifo(in_folder(key.name), 0600), 0);
  assert_no_entry(&key);
  assert_true(tn_cache_store(folder, &key, TN_STR("")));
  assert_no_entry(&key);
  char link[1024];
  snprintf(link, sizeof link, "%s", in_folder("link"));
  assert_int_equal(mkdir(in_folder("real"), 0700), 0);
  assert_int_equal(symlink("real", link), 0);
  assert_false(tn_cache_store(link, &key, TN_STR("one")));
}

static void a_full_disk_is_no_error_and_leaves_nothing_behind(void **state) {
  (void)state;
  tn_cache_key key = key_of("a");
  assert_false(tn_cache_store("/dev/null/cache", &key, TN_STR("one")));
  assert_false(tn_cache_store("", &key, TN_STR("one")));
  struct sigaction ignore = {.sa_handler = SIG_IGN};
  sigaction(SIGXFSZ, &ignore, NULL);
  struct rlimit before, limit;
  getrlimit(RLIMIT_FSIZE, &before);
  limit = before;
  limit.rlim_cur = 2;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
  bool stored = tn_cache_store(folder, &key, TN_STR("more than two bytes"));
  setrlimit(RLIMIT_FSIZE, &before);
  assert_false(stored);
  assert_int_equal(rmdir(folder), 0); /* it is empty */
  assert_int_equal(mkdir(folder, 0700), 0);
}

/* Entries "a", "b"… of 100 bytes each, the first used longest ago. */
static void store_entries(size_t count, tn_cache_key *keys) {
  char bytes[100];
  memset(bytes, 'x', sizeof bytes);
  for (size_t i = 0; i < count; i++) {
    keys[i] = key_of((char[]){(char)('a' + i), '\0'});
    assert_true(tn_cache_store(folder, &keys[i], (tn_str){bytes, sizeof bytes}));
    struct timespec used[2] = {{.tv_sec = (time_t)(1000 + i)}, {.tv_sec = (time_t)(1000 + i)}};
    assert_int_equal(utimensat(AT_FDCWD, in_folder(keys[i].name), used, 0), 0);
  }
}

static bool is_there(const char *name) {
  return access(in_folder(name), F_OK) == 0;
}

static void a_trim_removes_what_was_not_used_for_longest(void **state) {
  (void)state;
  tn_cache_key keys[10];
  store_entries(10, keys);
  tn_cache_trim(folder, 1000, 100);
  for (size_t i = 0; i < 10; i++)
    assert_true(is_there(keys[i].name));
  tn_str entry;
  assert_true(tn_cache_lookup(folder, &keys[0], &entry)); /* used now */
  tn_cache_release(entry);
  tn_cache_trim(folder, 800, 100); /* down to 7/8 of it */
  assert_true(is_there(keys[0].name));
  for (size_t i = 1; i < 4; i++)
    assert_false(is_there(keys[i].name));
  for (size_t i = 4; i < 10; i++)
    assert_true(is_there(keys[i].name));
}

static void a_trim_leaves_what_is_mapped_and_what_is_not_the_caches(void **state) {
  (void)state;
  tn_cache_key keys[4];
  store_entries(4, keys);
  tn_str entry;
  assert_true(tn_cache_lookup(folder, &keys[1], &entry));
  struct timespec old[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
  assert_int_equal(utimensat(AT_FDCWD, in_folder(keys[1].name), old, 0), 0);
  const char *others[] = {"notes.txt", ".new-0000000000000000"};
  for (size_t i = 0; i < 2; i++)
    close(open(in_folder(others[i]), O_CREAT | O_WRONLY, 0600));
  tn_cache_trim(folder, 1, 1);
  assert_true(is_there(keys[1].name));
  for (size_t i = 0; i < 4; i++)
    assert_int_equal(is_there(keys[i].name), i == 1);
  assert_true(is_there(others[0]));
  assert_true(is_there(others[1])); /* somebody may be writing it */
  assert_int_equal(utimensat(AT_FDCWD, in_folder(others[1]), old, 0), 0);
  tn_cache_release(entry);
  tn_cache_trim(folder, 1, 1);
  assert_false(is_there(keys[1].name));
  assert_true(is_there(others[0]));
  assert_false(is_there(others[1]));
}

/* Each child stores and trims; none may fail, and what they leave is within the limit. */
static void many_processes_trim_at_once(void **state) {
  (void)state;
  pid_t children[8];
  for (size_t i = 0; i < 8; i++) {
    children[i] = fork();
    assert_true(children[i] >= 0);
    if (children[i] != 0) continue;
    bool is_fine = true;
    for (int round = 0; round < 50; round++) {
      char content[32];
      snprintf(content, sizeof content, "%zu %d", i, round);
      tn_cache_key key = key_of(content);
      is_fine = is_fine && tn_cache_store(folder, &key, TN_STR("0123456789"));
      tn_cache_trim(folder, 200, 200);
    }
    _exit(is_fine ? 0 : 1);
  }
  for (size_t i = 0; i < 8; i++) {
    int status;
    assert_int_equal(waitpid(children[i], &status, 0), children[i]);
    assert_int_equal(status, 0);
  }
  tn_cache_trim(folder, 200, 200);
  char command[256];
  snprintf(command, sizeof command, "test $(ls -A '%s' | wc -l) -le 20", folder);
  assert_int_equal(system(command), 0);
}

static void a_cached_artifact_runs_where_it_is_mapped(void **state) {
  (void)state;
  compiled c = compile_two();
  tn_cache_key key = key_of("two modules");
  assert_true(tn_cache_store(folder, &key, tn_buffer_str(&c.file)));
  tn_str entry;
  assert_true(tn_cache_lookup(folder, &key, &entry));
  tn_artifact artifact;
  assert_ok(tn_artifact_read(entry, tn_core_engine_fingerprint(c.engine), &artifact));
  tn_module *modules[2];
  assert_ok(tn_artifact_load(c.engine, &artifact, true, modules));
  assert_int_equal(unlink(in_folder(key.name)), 0);
  assert_modules_run(&c, modules);
  tn_cache_release(entry);
  end_compiled(&c);
}

/* As on a file system that does not allow it, or with larger pages than the file was made for. */
static void what_cannot_run_where_it_lies_is_copied(void **state) {
  (void)state;
  compiled c = compile_two();
  char *moved = malloc(c.file.len + 32);
  char *unaligned = moved + 16 - (uintptr_t)moved % 16 + 8;
  memcpy(unaligned, c.file.data, c.file.len);
  tn_artifact artifact;
  assert_ok(tn_artifact_read((tn_str){unaligned, c.file.len}, tn_core_engine_fingerprint(c.engine),
                             &artifact));
  tn_module *modules[2];
  assert_ok(tn_artifact_load(c.engine, &artifact, true, modules));
  free(moved);
  assert_modules_run(&c, modules);
  end_compiled(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_written_is_read),
      cmocka_unit_test(nothing_to_compile_makes_an_artifact_too),
      cmocka_unit_test(every_single_flipped_bit_is_noticed),
      cmocka_unit_test(every_truncation_is_noticed),
      cmocka_unit_test(an_artifact_of_another_engine_is_refused),
      cmocka_unit_test(large_artifacts_are_checked_in_full),
      cmocka_unit_test(failing_allocations_of_the_writer_are_reported),
      cmocka_unit_test(modules_are_loaded_from_bytes),
      cmocka_unit_test(the_failure_to_load_one_module_leaves_none),
      cmocka_unit_test(keys_differ_by_content_and_by_engine),
      cmocka_unit_test_setup_teardown(a_stored_entry_is_found_and_can_be_replaced, make_folder,
                                      remove_folder),
      cmocka_unit_test_setup_teardown(the_directory_is_made_for_its_owner_alone, make_folder,
                                      remove_folder),
      cmocka_unit_test_setup_teardown(what_others_may_write_is_not_trusted, make_folder,
                                      remove_folder),
      cmocka_unit_test_setup_teardown(links_pipes_and_empty_files_are_no_entries, make_folder,
                                      remove_folder),
      cmocka_unit_test_setup_teardown(a_trim_removes_what_was_not_used_for_longest, make_folder,
                                      remove_folder),
      cmocka_unit_test_setup_teardown(a_trim_leaves_what_is_mapped_and_what_is_not_the_caches,
                                      make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(many_processes_trim_at_once, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(a_full_disk_is_no_error_and_leaves_nothing_behind,
                                      make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(a_cached_artifact_runs_where_it_is_mapped, make_folder,
                                      remove_folder),
      cmocka_unit_test(what_cannot_run_where_it_lies_is_copied),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
