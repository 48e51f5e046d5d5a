/* Preview 1 from a guest's side: a module that hands on all of its functions, called with whatever arguments. */
#include "wasi_directory_fixture.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>

#include "api/api.h"
#include "base/buffer.h"
#include "canon/canon.h"

static const struct {
  const char *name;
  const char *params;
} functions[] = {
    {"args_get", "ii"},
    {"args_sizes_get", "ii"},
    {"clock_res_get", "ii"},
    {"clock_time_get", "iIi"},
    {"environ_get", "ii"},
    {"environ_sizes_get", "ii"},
    {"fd_advise", "iIIi"},
    {"fd_allocate", "iII"},
    {"fd_close", "i"},
    {"fd_datasync", "i"},
    {"fd_fdstat_get", "ii"},
    {"fd_fdstat_set_flags", "ii"},
    {"fd_fdstat_set_rights", "iII"},
    {"fd_filestat_get", "ii"},
    {"fd_filestat_set_size", "iI"},
    {"fd_filestat_set_times", "iIIi"},
    {"fd_pread", "iiiIi"},
    {"fd_prestat_dir_name", "iii"},
    {"fd_prestat_get", "ii"},
    {"fd_pwrite", "iiiIi"},
    {"fd_read", "iiii"},
    {"fd_readdir", "iiiIi"},
    {"fd_renumber", "ii"},
    {"fd_seek", "iIii"},
    {"fd_sync", "i"},
    {"fd_tell", "ii"},
    {"fd_write", "iiii"},
    {"path_create_directory", "iii"},
    {"path_filestat_get", "iiiii"},
    {"path_filestat_set_times", "iiiiIIi"},
    {"path_link", "iiiiiii"},
    {"path_open", "iiiiiIIii"},
    {"path_readlink", "iiiiii"},
    {"path_remove_directory", "iii"},
    {"path_rename", "iiiiii"},
    {"path_symlink", "iiiii"},
    {"path_unlink_file", "iii"},
    {"poll_oneoff", "iiii"},
    {"proc_raise", "i"},
    {"random_get", "ii"},
    {"sched_yield", ""},
    {"sock_accept", "iii"},
    {"sock_recv", "iiiiii"},
    {"sock_send", "iiiii"},
    {"sock_shutdown", "ii"},
};
enum { FUNCTION_COUNT = sizeof functions / sizeof *functions, MEMORY = 65536 };

/* Errors of preview 1, and rights. */
enum {
  OK = 0,
  AGAIN = 6,
  BADF = 8,
  EXIST = 20,
  FAULT = 21,
  ILSEQ = 25,
  INVAL = 28,
  ISDIR = 31,
  NAMETOOLONG = 37,
  NOENT = 44,
  NOTDIR = 54,
  NOTSOCK = 57,
  NOTSUP = 58,
  PERM = 63,
  ROFS = 69,
  SPIPE = 70,
  NOTCAPABLE = 76
};
#define RIGHT_READ      (1u << 1)
#define RIGHT_SEEK      (1u << 2)
#define RIGHT_SET_FLAGS (1u << 3)
#define RIGHT_WRITE     (1u << 6)
#define RIGHT_ALL       ((1u << 30) - 1)

/* ---- the guest ---------------------------------------------------------------------------------- */

static tn_engine *engine;
static tn_linked *linked;

static void print_params(tn_buffer *out, const char *params) {
  for (; *params != 0; params++)
    tn_buffer_append_text(out, *params == 'i' ? " (param i32)" : " (param i64)");
}

static int group_set_up(void **state) {
  (void)state;
  tn_engine_options options;
  tn_engine_options_init(&options);
  assert_ok(tn_engine_new(&options, &engine));
  tn_buffer text = {0};
  tn_buffer_append_text(&text, "(module ");
  for (size_t i = 0; i < FUNCTION_COUNT; i++) {
    const char *name = functions[i].name;
    tn_buffer_format(&text, "(import \"wasi_snapshot_preview1\" \"%s\" (func $%s", name, name);
    print_params(&text, functions[i].params);
    tn_buffer_append_text(&text, " (result i32)))");
  }
  tn_buffer_append_text(
      &text, "(import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32)))");
  tn_buffer_append_text(&text, "(memory (export \"memory\") 1)");
  for (size_t i = 0; i < FUNCTION_COUNT; i++) {
    tn_buffer_format(&text, "(export \"%s\" (func $%s))", functions[i].name, functions[i].name);
  }
  tn_buffer_append_text(&text, "(func (export \"_start\") (call $exit (i32.const 297))))");
  tn_component *component;
  tn_linker *linker;
  assert_ok(tn_component_from_bytes(engine, text.data, text.len, "guest", 0, &component));
  assert_ok(tn_linker_new(&linker));
  assert_ok(tn_linker_define_wasi(linker));
  assert_ok(tn_linker_link(linker, component, &linked));
  tn_linker_delete(linker);
  tn_component_delete(component);
  tn_buffer_free(&text);
  return 0;
}

static int group_tear_down(void **state) {
  (void)state;
  tn_linked_delete(linked);
  tn_engine_delete(engine);
  return 0;
}

typedef struct guest {
  tn_wasi_config *config;
  tn_instance *instance;
  tn_runtime *runtime;
} guest;

static guest g;

static void start(void) {
  tn_instance_options options;
  tn_instance_options_init(&options);
  options.wasi = g.config;
  assert_ok(tn_instance_new(linked, &options, &g.instance));
  g.runtime = &g.instance->instantiated.runtime;
}

static int set_up(void **state) {
  directory_fixture_set_up(state);
  g = (guest){0};
  assert_ok(tn_wasi_config_new(&g.config));
  return 0;
}

static int tear_down(void **state) {
  tn_instance_delete(g.instance);
  tn_wasi_config_delete(g.config);
  return directory_fixture_tear_down(state);
}

static void grant(void **state, unsigned flags) {
  char path[80];
  snprintf(path, sizeof path, "%s/inside", ((directory_fixture *)*state)->path);
  assert_ok(tn_wasi_config_add_directory(g.config, path, "/", flags));
}

static uint8_t *memory(void) {
  return tn_core_memory_base(g.runtime->context, g.runtime->memories);
}

static uint32_t u32_at(uint32_t address) {
  uint32_t value;
  memcpy(&value, memory() + address, sizeof value);
  return value;
}

static uint64_t u64_at(uint32_t address) {
  uint64_t value;
  memcpy(&value, memory() + address, sizeof value);
  return value;
}

static uint32_t put(uint32_t address, const void *bytes, size_t size) {
  memcpy(memory() + address, bytes, size);
  return address;
}

/* One buffer list of one buffer. */
static uint32_t put_part(uint32_t address, uint32_t buffer, uint32_t size) {
  uint32_t part[2] = {buffer, size};
  return put(address, part, sizeof part);
}

static const tn_core_func *function(const char *name) {
  const tn_func *func;
  assert_ok(tn_instance_func(g.instance, tn_str_from(name), &func));
  return &g.runtime->funcs[tn_lifted_callee(func->export_->lifted)];
}

static tn_error *try_call(const char *name, const uint64_t *arguments, uint32_t *result) {
  tn_core_value values[9];
  for (size_t i = 0; i < 9; i++)
    values[i].u64 = arguments[i];
  tn_error *error = tn_core_call(g.runtime->context, function(name), values, 9);
  *result = values[0].u32;
  return error;
}

static uint32_t call_with(const char *name, const uint64_t *arguments) {
  uint32_t result;
  assert_ok(try_call(name, arguments, &result));
  return result;
}
#define CALL(name, ...) call_with(name, (const uint64_t[9]){__VA_ARGS__})

/* Places in the memory that the tests use. */
enum { OUT = 16, PARTS = 64, PATH_AT = 256, SECOND = 1024, DATA = 4096 };

static uint32_t open_path(const char *path, uint32_t oflags, uint64_t rights, uint32_t fdflags,
                          uint32_t *fd) {
  put(PATH_AT, path, strlen(path));
  uint32_t result =
      CALL("path_open", 3, 1, PATH_AT, strlen(path), oflags, rights, RIGHT_ALL, fdflags, OUT);
  *fd = u32_at(OUT);
  return result;
}

static uint32_t opened(const char *path, uint32_t oflags, uint64_t rights) {
  uint32_t fd;
  assert_int_equal(open_path(path, oflags, rights, 0, &fd), OK);
  return fd;
}

/* ---- hostile arguments -------------------------------------------------------------------------- */

static void pointers_outside_the_memory_are_faults(void **state) {
  grant(state, 0);
  start();
  uint32_t fd = opened("file", 0, RIGHT_ALL);
  put(PATH_AT, "file", 4);
  put_part(PARTS, DATA, 10);
  static const uint64_t bad[] = {MEMORY - 3, MEMORY, 0x7fffffff, 0xffffffff};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    uint64_t p = bad[i];
    assert_int_equal(CALL("fd_read", fd, p, 1, OUT), FAULT);
    assert_int_equal(CALL("fd_read", fd, PARTS, 1, p), FAULT);
    assert_int_equal(CALL("fd_write", fd, p, 1, OUT), FAULT);
    assert_int_equal(CALL("fd_pread", fd, p, 1, 0, OUT), FAULT);
    assert_int_equal(CALL("fd_readdir", 3, p, 100, 0, OUT), FAULT);
    assert_int_equal(CALL("fd_readdir", 3, DATA, 100, 0, p), FAULT);
    assert_int_equal(CALL("path_open", 3, 0, p, 4, 0, 0, 0, 0, OUT), FAULT);
    assert_int_equal(CALL("path_open", 3, 0, PATH_AT, 4, 0, 0, 0, 0, p), FAULT);
    assert_int_equal(CALL("path_filestat_get", 3, 0, PATH_AT, 4, p), FAULT);
    assert_int_equal(CALL("path_readlink", 3, PATH_AT, 4, p, 100, OUT), FAULT);
    assert_int_equal(CALL("fd_fdstat_get", fd, p), FAULT);
    assert_int_equal(CALL("fd_prestat_get", 3, p), FAULT);
    assert_int_equal(CALL("clock_time_get", 0, 0, p), FAULT);
    assert_int_equal(CALL("random_get", p, 100), FAULT);
    assert_int_equal(CALL("args_sizes_get", p, OUT), FAULT);
    assert_int_equal(CALL("poll_oneoff", p, DATA, 1, OUT), FAULT);
  }
  assert_int_equal(CALL("random_get", 0, 0xffffffff), FAULT);
  assert_int_equal(CALL("random_get", MEMORY - 8, 8), OK);
}

static void buffer_lists_are_checked_as_a_whole(void **state) {
  grant(state, 0);
  start();
  uint32_t fd = opened("file", 0, RIGHT_ALL);
  put_part(PARTS, DATA, 2);
  put_part(PARTS + 8, MEMORY - 1, 2);
  assert_int_equal(CALL("fd_read", fd, PARTS, 2, OUT), FAULT);
  put_part(PARTS + 8, 0xffffffff, 0xffffffff);
  assert_int_equal(CALL("fd_read", fd, PARTS, 2, OUT), FAULT);
  assert_int_equal(CALL("fd_read", fd, PARTS, 0xffffffff, OUT), INVAL);
  assert_int_equal(CALL("fd_read", fd, MEMORY - 15, 2, OUT), FAULT);
  assert_int_equal(CALL("fd_read", fd, PARTS, 1, OUT), OK);
  assert_int_equal(u32_at(OUT), 2);
  assert_memory_equal(memory() + DATA, "he", 2);
}

static void empty_buffers_are_no_end_of_file(void **state) {
  grant(state, 0);
  start();
  uint32_t fd = opened("file", 0, RIGHT_ALL);
  for (uint32_t i = 0; i < 200; i++)
    put_part(SECOND + 8 * i, 0xffffffff, 0);
  put_part(SECOND + 8 * 200, DATA, 5);
  assert_int_equal(CALL("fd_read", fd, SECOND, 201, OUT), OK);
  assert_int_equal(u32_at(OUT), 5);
  assert_int_equal(CALL("fd_read", fd, SECOND, 0, OUT), OK);
  assert_int_equal(u32_at(OUT), 0);
}

static void paths_that_are_no_text_are_refused(void **state) {
  grant(state, 0);
  start();
  uint32_t fd;
  put(PATH_AT, "\xff\xfe", 2);
  assert_int_equal(CALL("path_create_directory", 3, PATH_AT, 2), ILSEQ);
  put(PATH_AT, "fi\0le", 5);
  assert_int_equal(CALL("path_create_directory", 3, PATH_AT, 5), INVAL);
  assert_int_equal(open_path("../secret", 0, RIGHT_READ, 0, &fd), PERM);
  assert_int_equal(open_path("/file", 0, RIGHT_READ, 0, &fd), PERM);
  assert_int_equal(open_path("out", 0, RIGHT_READ, 0, &fd), PERM);
  assert_int_equal(CALL("path_unlink_file", 3, PATH_AT, 0), NOENT);
}

static void unknown_flags_and_values_are_refused(void **state) {
  grant(state, 0);
  start();
  uint32_t fd = opened("file", 0, RIGHT_ALL);
  assert_int_equal(open_path("file", 16, RIGHT_READ, 0, &fd), INVAL);
  assert_int_equal(open_path("file", 0, RIGHT_READ, 32, &fd), INVAL);
  assert_int_equal(CALL("path_open", 3, 2, PATH_AT, 4, 0, 0, 0, 0, OUT), INVAL);
  assert_int_equal(CALL("fd_seek", 4, 0, 3, OUT), INVAL);
  assert_int_equal(CALL("fd_advise", 4, 0, 0, 6), INVAL);
  assert_int_equal(CALL("fd_filestat_set_times", 4, 0, 0, 3), INVAL);
  assert_int_equal(CALL("fd_filestat_set_times", 4, 0, 0, 16), INVAL);
  assert_int_equal(CALL("fd_fdstat_set_flags", 4, 32), INVAL);
  assert_int_equal(CALL("clock_time_get", 2, 0, OUT), INVAL);
  assert_int_equal(CALL("proc_raise", 6), NOTSUP);
}

static void every_function_refuses_numbers_that_are_not_open(void **state) {
  (void)state;
  start();
  static const char *const names[] = {"fd_advise",
                                      "fd_allocate",
                                      "fd_close",
                                      "fd_datasync",
                                      "fd_fdstat_get",
                                      "fd_fdstat_set_flags",
                                      "fd_fdstat_set_rights",
                                      "fd_filestat_get",
                                      "fd_filestat_set_size",
                                      "fd_filestat_set_times",
                                      "fd_pread",
                                      "fd_prestat_dir_name",
                                      "fd_prestat_get",
                                      "fd_pwrite",
                                      "fd_read",
                                      "fd_readdir",
                                      "fd_renumber",
                                      "fd_seek",
                                      "fd_sync",
                                      "fd_tell",
                                      "fd_write",
                                      "path_create_directory",
                                      "path_filestat_get",
                                      "path_filestat_set_times",
                                      "path_link",
                                      "path_open",
                                      "path_readlink",
                                      "path_remove_directory",
                                      "path_rename",
                                      "path_unlink_file",
                                      "sock_accept",
                                      "sock_recv",
                                      "sock_send",
                                      "sock_shutdown"};
  static const uint64_t numbers[] = {3, 4, 0x7fffffff, 0xffffffff};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
      uint32_t result = CALL(names[i], numbers[k]);
      if (result != BADF) fail_msg("%s(%u) = %u", names[i], (unsigned)numbers[k], result);
    }
  }
  assert_int_equal(CALL("path_symlink", 0, 0, 9, 0, 0), BADF);
}

/* ---- numbers and rights ------------------------------------------------------------------------- */

static void rights_can_only_be_given_up(void **state) {
  grant(state, 0);
  start();
  uint32_t fd = opened("file", 0, RIGHT_READ | RIGHT_SEEK);
  assert_int_equal(CALL("fd_fdstat_get", fd, OUT), OK);
  assert_int_equal(u64_at(OUT + 8), RIGHT_READ | RIGHT_SEEK);
  assert_int_equal(memory()[OUT], 4);
  assert_int_equal(CALL("fd_sync", fd), NOTCAPABLE);
  put_part(PARTS, DATA, 1);
  assert_int_equal(CALL("fd_write", fd, PARTS, 1, OUT), BADF);
  assert_int_equal(CALL("fd_fdstat_set_rights", fd, RIGHT_READ | RIGHT_WRITE, 0), NOTCAPABLE);
  assert_int_equal(CALL("fd_fdstat_set_rights", fd, RIGHT_SEEK, 0), OK);
  assert_int_equal(CALL("fd_read", fd, PARTS, 1, OUT), BADF);
  assert_int_equal(CALL("fd_seek", fd, 2, 0, OUT), OK);
  assert_int_equal(u64_at(OUT), 2);
}

static void what_a_directory_may_not_hand_on_is_refused(void **state) {
  grant(state, 0);
  start();
  assert_int_equal(CALL("fd_fdstat_get", 3, OUT), OK);
  uint64_t base = u64_at(OUT + 8), inheriting = u64_at(OUT + 16);
  assert_int_equal(CALL("fd_fdstat_set_rights", 3, base, inheriting & ~(uint64_t)RIGHT_WRITE), OK);
  uint32_t fd;
  assert_int_equal(open_path("file", 0, RIGHT_WRITE, 0, &fd), NOTCAPABLE);
  assert_int_equal(open_path("file", 0, RIGHT_READ, 0, &fd), OK);
}

static void the_lowest_free_number_is_given_out(void **state) {
  grant(state, 0);
  start();
  uint32_t first = opened("file", 0, RIGHT_READ), second = opened("file", 0, RIGHT_READ);
  assert_int_equal(first, 4);
  assert_int_equal(second, 5);
  assert_int_equal(CALL("fd_close", first), OK);
  assert_int_equal(CALL("fd_close", 0), OK);
  assert_int_equal(opened("file", 0, RIGHT_READ), 0);
  assert_int_equal(opened("file", 0, RIGHT_READ), 4);
  assert_int_equal(opened("file", 0, RIGHT_READ), 6);
}

static void renumbering_moves_and_closes(void **state) {
  grant(state, 0);
  start();
  uint32_t from = opened("file", 0, RIGHT_READ), to = opened("sub/inner", 0, RIGHT_READ);
  assert_int_equal(CALL("fd_renumber", from, to), OK);
  assert_int_equal(CALL("fd_close", from), BADF);
  put_part(PARTS, DATA, 5);
  assert_int_equal(CALL("fd_read", to, PARTS, 1, OUT), OK);
  assert_memory_equal(memory() + DATA, "hello", 5);
  assert_int_equal(CALL("fd_renumber", to, from), BADF);
  assert_int_equal(CALL("fd_renumber", to, to), OK);
  assert_int_equal(CALL("fd_renumber", 3, to), OK);
  assert_int_equal(CALL("fd_prestat_get", to, OUT), OK);
  assert_int_equal(u32_at(OUT + 4), 1);
  assert_int_equal(CALL("fd_prestat_dir_name", to, OUT, 0), NAMETOOLONG);
}

static void guests_cannot_open_without_end(void **state) {
  grant(state, 0);
  start();
  uint32_t fd, result = OK;
  int count = 0;
  while (result == OK && count < 100000) {
    result = open_path("file", 0, RIGHT_READ, 0, &fd);
    count++;
  }
  assert_int_equal(result, 33); /* mfile */
  assert_int_equal(CALL("fd_close", 10), OK);
  assert_int_equal(opened("file", 0, RIGHT_READ), 10);
}

/* ---- files -------------------------------------------------------------------------------------- */

static void appending_can_be_switched(void **state) {
  grant(state, 0);
  start();
  uint32_t fd;
  assert_int_equal(open_path("file", 0, RIGHT_ALL, 1, &fd), OK);
  put(DATA, "xyz", 3);
  put_part(PARTS, DATA, 3);
  assert_int_equal(CALL("fd_write", fd, PARTS, 1, OUT), OK);
  assert_int_equal(CALL("fd_tell", fd, OUT), OK);
  assert_int_equal(u64_at(OUT), 8);
  assert_int_equal(CALL("fd_fdstat_set_flags", fd, 0), OK);
  assert_int_equal(CALL("fd_seek", fd, 0, 0, OUT), OK);
  assert_int_equal(CALL("fd_write", fd, PARTS, 1, OUT), OK);
  put_part(PARTS, DATA, 100);
  assert_int_equal(CALL("fd_pread", fd, PARTS, 1, 0, OUT), OK);
  assert_int_equal(u32_at(OUT), 8);
  assert_memory_equal(memory() + DATA, "xyzloxyz", 8);
  assert_int_equal(CALL("fd_fdstat_set_flags", fd, 16), NOTSUP);
}

static void a_read_only_directory_is_one_in_preview_1_too(void **state) {
  grant(state, TN_DIRECTORY_READ_ONLY);
  start();
  uint32_t fd;
  assert_int_equal(open_path("file", 0, RIGHT_READ | RIGHT_WRITE, 0, &fd), ROFS);
  assert_int_equal(open_path("new", 1, RIGHT_READ, 0, &fd), ROFS);
  assert_int_equal(open_path("file", 0, RIGHT_READ, 0, &fd), OK);
  put(PATH_AT, "new", 3);
  assert_int_equal(CALL("path_create_directory", 3, PATH_AT, 3), ROFS);
  assert_int_equal(CALL("path_symlink", PATH_AT, 3, 3, PATH_AT, 3), ROFS);
}

/* Counts the entries that lie in the buffer as a whole; *cookie is that of the last. */
static int count_entries(uint32_t used, uint64_t *cookie) {
  int count = 0;
  for (uint32_t at = DATA; at + 24 <= DATA + used;) {
    uint32_t name_size = u32_at(at + 16);
    if (at + 24 + name_size > DATA + used) break;
    *cookie = u64_at(at);
    at += 24 + name_size;
    count++;
  }
  return count;
}

static void listings_go_on_where_the_buffer_ended(void **state) {
  grant(state, 0);
  start();
  for (uint32_t room = 60; room < 400; room += 17) {
    uint64_t cookie = 0;
    int total = 0;
    for (uint32_t used = room; used == room;) {
      assert_int_equal(CALL("fd_readdir", 3, DATA, room, cookie, OUT), OK);
      used = u32_at(OUT);
      assert_true(used <= room);
      total += count_entries(used, &cookie);
    }
    assert_int_equal(total, 12); /* file, sub, eight links, "." and ".." */
  }
}

/* ---- streams, waiting --------------------------------------------------------------------------- */

static char output[64];

static void take_output(void *data, int stream, const uint8_t *bytes, size_t size) {
  (void)data;
  size_t used = strlen(output);
  snprintf(output + used, sizeof output - used, "%d:%.*s ", stream, (int)size, (const char *)bytes);
}

static void output_is_counted_against_its_limit(void **state) {
  (void)state;
  output[0] = 0;
  assert_ok(tn_wasi_config_set_output_callback(g.config, 1, take_output, NULL));
  assert_ok(tn_wasi_config_set_output_callback(g.config, 2, take_output, NULL));
  assert_ok(tn_wasi_config_set_output_limit(g.config, 10));
  start();
  put(DATA, "abcdef", 6);
  put_part(PARTS, DATA, 6);
  put_part(SECOND, DATA, 4);
  assert_int_equal(CALL("fd_write", 1, PARTS, 1, OUT), OK);
  assert_int_equal(CALL("fd_write", 2, SECOND, 1, OUT), OK);
  assert_string_equal(output, "1:abcdef 2:abcd ");
  uint32_t result;
  assert_error(try_call("fd_write", (const uint64_t[9]){1, SECOND, 1, OUT}, &result),
               TN_ERROR_LIMIT, "10 bytes");
}

static void standard_streams_without_a_place_are_no_terminals(void **state) {
  (void)state;
  start();
  for (uint32_t fd = 0; fd < 3; fd++) {
    assert_int_equal(CALL("fd_fdstat_get", fd, OUT), OK);
    assert_int_equal(memory()[OUT], 0);
    assert_int_equal(u64_at(OUT + 8) & RIGHT_SEEK, 0);
    assert_int_equal(CALL("fd_filestat_get", fd, OUT), OK);
    assert_int_equal(CALL("sock_shutdown", fd, 1), NOTSOCK);
  }
  put_part(PARTS, DATA, 10);
  assert_int_equal(CALL("fd_read", 0, PARTS, 1, OUT), OK);
  assert_int_equal(u32_at(OUT), 0);
  assert_int_equal(CALL("fd_read", 1, PARTS, 1, OUT), BADF);
  assert_int_equal(CALL("fd_write", 0, PARTS, 1, OUT), BADF);
}

static void reading_an_empty_pipe_waits_unless_it_must_not(void **state) {
  (void)state;
  int ends[2];
  assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
  assert_ok(tn_wasi_config_set_stdin(g.config, TN_STDIO_DESCRIPTOR, ends[0]));
  start();
  put_part(PARTS, DATA, 10);
  assert_int_equal(CALL("fd_fdstat_set_flags", 0, 4), OK);
  assert_int_equal(CALL("fd_read", 0, PARTS, 1, OUT), AGAIN);
  assert_int_equal(CALL("fd_fdstat_set_flags", 0, 0), OK);
  if (fork() == 0) {
    usleep(30000);
    _exit(write(ends[1], "late", 4) == 4 ? 0 : 1);
  }
  assert_int_equal(CALL("fd_read", 0, PARTS, 1, OUT), OK);
  assert_int_equal(u32_at(OUT), 4);
  assert_memory_equal(memory() + DATA, "late", 4);
  close(ends[0]);
  close(ends[1]);
}

static void a_write_to_a_full_pipe_goes_on_until_all_is_written(void **state) {
  (void)state;
  int ends[2];
  assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
  assert_int_equal(fcntl(ends[1], F_SETPIPE_SZ, 4096), 4096);
  assert_ok(tn_wasi_config_set_stdout(g.config, TN_STDIO_DESCRIPTOR, ends[1]));
  start();
  if (fork() == 0) {
    char bytes[1000];
    size_t total = 0;
    close(ends[1]);
    ssize_t count;
    while ((count = read(ends[0], bytes, sizeof bytes)) > 0)
      total += (size_t)count;
    _exit(total == 50000 ? 0 : 1);
  }
  close(ends[0]);
  put_part(PARTS, DATA, 20000);
  put_part(PARTS + 8, DATA, 30000);
  assert_int_equal(CALL("fd_write", 1, PARTS, 2, OUT), OK);
  assert_int_equal(u32_at(OUT), 50000);
  close(ends[1]);
}

static void a_pipe_without_a_reader_is_an_error_and_no_signal(void **state) {
  grant(state, 0);
  assert_int_equal(mkfifoat(((directory_fixture *)*state)->inside, "pipe", 0644), 0);
  start();
  uint32_t reader = opened("pipe", 0, RIGHT_READ), writer = opened("pipe", 0, RIGHT_WRITE);
  put_part(PARTS, DATA, 3);
  assert_int_equal(CALL("fd_write", writer, PARTS, 1, OUT), OK);
  assert_int_equal(CALL("fd_close", reader), OK);
  signal(SIGPIPE, SIG_DFL);
  assert_int_equal(CALL("fd_write", writer, PARTS, 1, OUT), 64);
  signal(SIGPIPE, SIG_IGN);
}

static void put_subscription(uint32_t at, uint64_t userdata, uint8_t type, uint32_t id,
                             uint64_t timeout, uint16_t flags) {
  memset(memory() + at, 0, 48);
  put(at, &userdata, 8);
  put(at + 8, &type, 1);
  put(at + 16, &id, 4);
  put(at + 24, &timeout, 8);
  put(at + 40, &flags, 2);
}

static void polling_tells_what_is_ready(void **state) {
  grant(state, 0);
  int ends[2];
  assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
  assert_ok(tn_wasi_config_set_stdin(g.config, TN_STDIO_DESCRIPTOR, ends[0]));
  start();
  put_subscription(SECOND, 1, 0, 1, 20 * 1000 * 1000, 0);
  put_subscription(SECOND + 48, 2, 1, 0, 0, 0);
  assert_int_equal(CALL("poll_oneoff", SECOND, DATA, 2, OUT), OK);
  assert_int_equal(u32_at(OUT), 1);
  assert_int_equal(u64_at(DATA), 1);
  assert_int_equal(write(ends[1], "abc", 3), 3);
  put_subscription(SECOND, 1, 0, 1, UINT64_MAX, 1);
  assert_int_equal(CALL("poll_oneoff", SECOND, DATA, 2, OUT), OK);
  assert_int_equal(u32_at(OUT), 1);
  assert_int_equal(u64_at(DATA), 2);
  assert_int_equal(memory()[DATA + 10], 1);
  assert_int_equal(u64_at(DATA + 16), 3);
  close(ends[1]);
  assert_int_equal(CALL("poll_oneoff", SECOND, DATA, 2, OUT), OK);
  assert_int_equal(memory()[DATA + 24], 1); /* hung up */
  close(ends[0]);
}

static void polling_reports_what_cannot_be_waited_for(void **state) {
  (void)state;
  start();
  put_subscription(SECOND, 7, 1, 9, 0, 0);
  put_subscription(SECOND + 48, 8, 0, 2, 0, 0);
  put_subscription(SECOND + 96, 9, 5, 0, 0, 0);
  put_subscription(SECOND + 144, 10, 0, 1, UINT64_MAX, 0);
  assert_int_equal(CALL("poll_oneoff", SECOND, DATA, 4, OUT), OK);
  assert_int_equal(u32_at(OUT), 3);
  assert_int_equal(u32_at(DATA + 8) & 0xffff, BADF);
  assert_int_equal(u32_at(DATA + 32 + 8) & 0xffff, INVAL);
  assert_int_equal(u32_at(DATA + 64 + 8) & 0xffff, INVAL);
  assert_int_equal(CALL("poll_oneoff", SECOND, DATA, 0, OUT), INVAL);
  assert_int_equal(CALL("poll_oneoff", SECOND, DATA, 0xffffffff, OUT), INVAL);
}

static void many_timers_can_be_polled_at_once(void **state) {
  (void)state;
  start();
  for (uint32_t i = 0; i < 100; i++)
    put_subscription(SECOND + 48 * i, i, 0, i % 2, (1 + i / 50) * 1000000, 0);
  assert_int_equal(CALL("poll_oneoff", SECOND, DATA + 8192, 100, OUT), OK);
  assert_true(u32_at(OUT) >= 50);
}

static void a_socket_as_a_standard_stream_is_one_for_the_guest(void **state) {
  (void)state;
  int ends[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  assert_ok(tn_wasi_config_set_stdin(g.config, TN_STDIO_DESCRIPTOR, ends[0]));
  start();
  assert_int_equal(write(ends[1], "hello", 5), 5);
  put_part(PARTS, DATA, 2);
  assert_int_equal(CALL("sock_recv", 0, PARTS, 1, 1, OUT, OUT + 4), OK);
  assert_int_equal(CALL("sock_recv", 0, PARTS, 1, 0, OUT, OUT + 4), OK);
  assert_memory_equal(memory() + DATA, "he", 2);
  assert_int_equal(CALL("sock_recv", 0, PARTS, 1, 2, OUT, OUT + 4), NOTSUP);
  assert_int_equal(CALL("sock_send", 0, PARTS, 1, 0, OUT), OK);
  char text[4] = {0};
  assert_int_equal(read(ends[1], text, 2), 2);
  assert_string_equal(text, "he");
  assert_int_equal(CALL("sock_shutdown", 0, 4), INVAL);
  assert_int_equal(CALL("sock_shutdown", 0, 3), OK);
  assert_int_equal(read(ends[1], text, 2), 0);
  close(ends[0]);
  close(ends[1]);
}

/* ---- the process -------------------------------------------------------------------------------- */

static void arguments_and_environment_are_laid_out_as_in_c(void **state) {
  (void)state;
  assert_ok(tn_wasi_config_add_argument(g.config, TN_STR("prog")));
  assert_ok(tn_wasi_config_add_argument(g.config, TN_STR("")));
  assert_ok(tn_wasi_config_add_env(g.config, TN_STR("A"), TN_STR("b")));
  start();
  assert_int_equal(CALL("args_sizes_get", OUT, OUT + 4), OK);
  assert_int_equal(u32_at(OUT), 2);
  assert_int_equal(u32_at(OUT + 4), 6);
  assert_int_equal(CALL("args_get", SECOND, DATA), OK);
  assert_int_equal(u32_at(SECOND + 4), DATA + 5);
  assert_memory_equal(memory() + DATA, "prog\0\0", 6);
  assert_int_equal(CALL("environ_sizes_get", OUT, OUT + 4), OK);
  assert_int_equal(u32_at(OUT + 4), 4);
  assert_int_equal(CALL("environ_get", SECOND, DATA), OK);
  assert_memory_equal(memory() + DATA, "A=b\0", 4);
  assert_int_equal(CALL("args_get", MEMORY - 4, DATA), FAULT);
  assert_int_equal(CALL("args_get", SECOND, MEMORY - 5), FAULT);
}

static void exiting_ends_the_guest_with_its_code(void **state) {
  (void)state;
  start();
  int code = 0;
  assert_ok(tn_instance_run(g.instance, &code));
  assert_int_equal(code, 297 & 0xff);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGCHLD, SIG_IGN);
  const struct CMUnitTest tests[] = {
      TEST(pointers_outside_the_memory_are_faults),
      TEST(buffer_lists_are_checked_as_a_whole),
      TEST(empty_buffers_are_no_end_of_file),
      TEST(paths_that_are_no_text_are_refused),
      TEST(unknown_flags_and_values_are_refused),
      TEST(every_function_refuses_numbers_that_are_not_open),
      TEST(rights_can_only_be_given_up),
      TEST(what_a_directory_may_not_hand_on_is_refused),
      TEST(the_lowest_free_number_is_given_out),
      TEST(renumbering_moves_and_closes),
      TEST(guests_cannot_open_without_end),
      TEST(appending_can_be_switched),
      TEST(a_read_only_directory_is_one_in_preview_1_too),
      TEST(listings_go_on_where_the_buffer_ended),
      TEST(output_is_counted_against_its_limit),
      TEST(standard_streams_without_a_place_are_no_terminals),
      TEST(reading_an_empty_pipe_waits_unless_it_must_not),
      TEST(a_write_to_a_full_pipe_goes_on_until_all_is_written),
      TEST(a_pipe_without_a_reader_is_an_error_and_no_signal),
      TEST(polling_tells_what_is_ready),
      TEST(polling_reports_what_cannot_be_waited_for),
      TEST(many_timers_can_be_polled_at_once),
      TEST(a_socket_as_a_standard_stream_is_one_for_the_guest),
      TEST(arguments_and_environment_are_laid_out_as_in_c),
      TEST(exiting_ends_the_guest_with_its_code),
  };
  return cmocka_run_group_tests(tests, group_set_up, group_tear_down);
}
