/* The interfaces of wasi:filesystem, wasi:cli, wasi:clocks and wasi:random as the canonical ABI calls them. */
#include "wasi_directory_fixture.h"

#include <errno.h>

#include "wasi/cli/cli.h"
#include "wasi/clocks/clocks.h"
#include "wasi/filesystem/native.h"
#include "wasi/io/io.h"
#include "wasi/io/tables.h"
#include "wasi/random/random.h"
#include "wasi/state.h"
#include "wasi_guest.h"

/* Positions of error-code. */
enum {
  BAD_DESCRIPTOR = 3,
  EXIST = 7,
  INVALID = 12,
  IS_DIRECTORY = 14,
  NO_ENTRY = 20,
  NOT_DIRECTORY = 24,
  NOT_PERMITTED = 31,
  READ_ONLY = 33
};

static guest g;
static tn_wasi_config *config;
static uint32_t root; /* the granted directory */

static tn_error *fs(const char *name, const void *params, void *result) {
  char full[64];
  snprintf(full, sizeof full, "[method]descriptor.%s", name);
  return guest_call(&g, &tn_filesystem_types_interface, NULL, full, params, result);
}

static void drop_descriptor(uint32_t descriptor) {
  guest_drop(&g, &tn_filesystem_types_interface, NULL, "descriptor", descriptor);
}

typedef struct preopen_list {
  struct {
    uint32_t descriptor;
    tn_str path;
  } * data;
  size_t len;
} preopen_list;

typedef struct u64_params {
  uint32_t self;
  uint64_t value;
} u64_params;

typedef struct open_params {
  tn_fs_at at;
  uint8_t open_flags;
  uint8_t flags;
} open_params;

typedef struct path_params {
  uint32_t self;
  tn_str path;
} path_params;

static tn_fs_handle_result open_at(uint32_t self, const char *path, uint8_t open_flags,
                                   uint8_t flags) {
  open_params params = {{self, 0, tn_str_from(path)}, open_flags, flags};
  tn_fs_handle_result result = {0};
  assert_ok(fs("open-at", &params, &result));
  return result;
}

static uint32_t opened(const char *path, uint8_t open_flags, uint8_t flags) {
  tn_fs_handle_result result = open_at(root, path, open_flags, flags);
  if (result.is_error) fail_msg("open-at %s: %d", path, result.error);
  return result.handle;
}

static uint8_t flags_of(uint32_t descriptor) {
  tn_fs_byte_result result = {0};
  assert_ok(fs("get-flags", &descriptor, &result));
  assert_int_equal(result.is_error, 0);
  return result.value;
}

/* ---- files -------------------------------------------------------------------------------------- */

static void granted_directories_come_with_their_paths(void **state) {
  (void)state;
  preopen_list list = {0};
  assert_ok(
      guest_call(&g, &tn_filesystem_preopens_interface, NULL, "get-directories", NULL, &list));
  assert_int_equal(list.len, 1);
  assert_memory_equal(list.data[0].path.data, "/work", 5);
  assert_int_equal(flags_of(list.data[0].descriptor), TN_FS_READ | TN_FS_MUTATE_DIRECTORY);
  drop_descriptor(list.data[0].descriptor);
}

static void reads_go_straight_into_the_guest(void **state) {
  (void)state;
  uint32_t file = opened("file", 0, TN_FS_READ);
  struct {
    uint32_t self;
    uint64_t length, offset;
  } params = {file, 100, 1};
  tn_fs_read_result result = {0};
  assert_ok(fs("read", &params, &result));
  assert_int_equal(result.is_error, 0);
  assert_int_equal(result.len, 4);
  assert_memory_equal(result.data, "ello", 4);
  assert_true(guest_owns(&g, result.data));
  assert_int_equal(result.is_end, 0);
  params.offset = 5;
  memset(&result, 0, sizeof result);
  assert_ok(fs("read", &params, &result));
  assert_int_equal(result.len, 0);
  assert_int_equal(result.is_end, 1);
  params.offset = UINT64_MAX;
  memset(&result, 0, sizeof result);
  assert_ok(fs("read", &params, &result));
  assert_int_equal(result.error, INVALID);
  drop_descriptor(file);
}

static void writes_and_sizes_are_seen_by_all(void **state) {
  (void)state;
  uint32_t file = opened("new", TN_FS_CREATE | TN_FS_EXCLUSIVE, TN_FS_READ | TN_FS_WRITE);
  struct {
    uint32_t self;
    tn_str buffer;
    uint64_t offset;
  } params = {file, TN_STR("data"), 10};
  tn_fs_size_result size = {0};
  assert_ok(fs("write", &params, &size));
  assert_int_equal(size.size, 4);
  tn_fs_status_result status = {0};
  assert_ok(fs("stat", &file, &status));
  assert_int_equal(status.size, 14);
  assert_int_equal(status.type, TN_FILE_REGULAR);
  assert_int_equal(status.links, 1);
  assert_int_equal(status.modified.is_some, 1);
  assert_true(status.modified.value.seconds > 1600000000);
  u64_params shorter = {file, 3};
  tn_fs_byte_result done = {0};
  assert_ok(fs("set-size", &shorter, &done));
  assert_ok(fs("sync", &file, &done));
  assert_ok(fs("sync-data", &root, &done));
  assert_int_equal(done.is_error, 0);
  tn_fs_at at = {root, 0, TN_STR("new")};
  assert_ok(fs("stat-at", &at, &status));
  assert_int_equal(status.size, 3);
  drop_descriptor(file);
}

static void opening_gives_what_its_flags_say(void **state) {
  (void)state;
  static const struct {
    uint8_t open_flags, flags, expected;
  } cases[] = {
      {0, 0, TN_FS_READ},
      {0, TN_FS_WRITE, TN_FS_WRITE},
      {TN_FS_EXCLUSIVE, TN_FS_READ, TN_FS_READ},
      {TN_FS_CREATE, TN_FS_READ, TN_FS_READ | TN_FS_WRITE},
      {TN_FS_CREATE, TN_FS_WRITE, TN_FS_WRITE},
      {TN_FS_TRUNCATE, 0, TN_FS_READ | TN_FS_WRITE},
      {0, TN_FS_READ | TN_FS_FILE_SYNC, TN_FS_READ | TN_FS_FILE_SYNC},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint32_t file = opened("file", cases[i].open_flags, cases[i].flags);
    assert_int_equal(flags_of(file), cases[i].expected);
    drop_descriptor(file);
  }
  assert_int_equal(open_at(root, "file", TN_FS_DIRECTORY, TN_FS_READ).error, NOT_DIRECTORY);
  assert_int_equal(open_at(root, "sub", 0, TN_FS_WRITE).error, IS_DIRECTORY);
  assert_int_equal(open_at(root, "file", TN_FS_CREATE | TN_FS_EXCLUSIVE, TN_FS_READ).error, EXIST);
  assert_int_equal(open_at(root, "../secret", 0, TN_FS_READ).error, NOT_PERMITTED);
  assert_int_equal(open_at(root, "", 0, TN_FS_READ).error, NO_ENTRY);
}

static void what_is_created_for_reading_may_exist_read_only(void **state) {
  (void)state;
  if (geteuid() == 0) return; /* root may write everything */
  tn_descriptor *directory = tn_wasi_slot_get(g.wasi, TN_SLOT_DESCRIPTOR, root);
  assert_int_equal(fchmodat(directory->fd, "file", 0444, 0), 0);
  drop_descriptor(opened("file", TN_FS_CREATE, TN_FS_READ));
}

static void paths_are_changed_and_errors_named(void **state) {
  (void)state;
  path_params params = {root, TN_STR("made")};
  tn_fs_byte_result done = {0};
  assert_ok(fs("create-directory-at", &params, &done));
  assert_int_equal(done.is_error, 0);
  assert_ok(fs("create-directory-at", &params, &done));
  assert_int_equal(done.value, EXIST);
  done = (tn_fs_byte_result){0};
  assert_ok(fs("unlink-file-at", &params, &done));
  assert_int_equal(done.value, IS_DIRECTORY);
  struct {
    uint32_t self;
    tn_str old_path;
    uint32_t other;
    tn_str new_path;
  } rename = {root, TN_STR("made"), root, TN_STR("moved")};
  done = (tn_fs_byte_result){0};
  assert_ok(fs("rename-at", &rename, &done));
  assert_int_equal(done.is_error, 0);
  params.path = TN_STR("moved");
  assert_ok(fs("remove-directory-at", &params, &done));
  assert_int_equal(done.is_error, 0);
  struct {
    tn_fs_at old;
    uint32_t other;
    tn_str new_path;
  } link = {{root, 0, TN_STR("file")}, root, TN_STR("linked")};
  assert_ok(fs("link-at", &link, &done));
  assert_int_equal(done.is_error, 0);
  struct {
    uint32_t self;
    tn_str target, path;
  } symlink = {root, TN_STR("a/b"), TN_STR("sym")};
  assert_ok(fs("symlink-at", &symlink, &done));
  assert_int_equal(done.is_error, 0);
  params.path = TN_STR("sym");
  tn_fs_string_result text = {0};
  assert_ok(fs("readlink-at", &params, &text));
  assert_int_equal(text.string.len, 3);
  assert_memory_equal(text.string.data, "a/b", 3);
}

static void times_are_set_or_left(void **state) {
  (void)state;
  struct {
    tn_fs_at at;
    tn_fs_new_time times[2];
  } params = {{root, 0, TN_STR("file")},
              {{TN_FS_TIME_NO_CHANGE, {0}}, {TN_FS_TIME_GIVEN, {77, 5}}}};
  tn_fs_byte_result done = {0};
  assert_ok(fs("set-times-at", &params, &done));
  assert_int_equal(done.is_error, 0);
  tn_fs_status_result status = {0};
  assert_ok(fs("stat-at", &params.at, &status));
  assert_int_equal(status.modified.value.seconds, 77);
  assert_int_equal(status.modified.value.nanoseconds, 5);
  assert_true(status.accessed.value.seconds > 1600000000);
  params.times[1].given.nanoseconds = 1000000000;
  assert_ok(fs("set-times-at", &params, &done));
  assert_int_equal(done.value, INVALID);
}

static void the_same_object_has_the_same_hash(void **state) {
  (void)state;
  uint32_t file = opened("file", 0, TN_FS_READ);
  tn_fs_hash_result own = {0}, by_path = {0}, other = {0};
  assert_ok(fs("metadata-hash", &file, &own));
  tn_fs_at at = {root, TN_FS_FOLLOW, TN_STR("to-file")};
  assert_ok(fs("metadata-hash-at", &at, &by_path));
  assert_ok(fs("metadata-hash", &root, &other));
  assert_memory_equal(own.hash, by_path.hash, sizeof own.hash);
  assert_memory_not_equal(own.hash, other.hash, sizeof own.hash);
  uint32_t second = opened("file", 0, TN_FS_READ);
  uint8_t is_same = 7;
  assert_ok(fs("is-same-object", (uint32_t[2]){file, second}, &is_same));
  assert_int_equal(is_same, 1);
  assert_ok(fs("is-same-object", (uint32_t[2]){file, root}, &is_same));
  assert_int_equal(is_same, 0);
  drop_descriptor(file);
  drop_descriptor(second);
}

static void directories_are_listed_without_dots(void **state) {
  (void)state;
  tn_descriptor *directory = tn_wasi_slot_get(g.wasi, TN_SLOT_DESCRIPTOR, root);
  write_text_file(directory->fd, "sub/no-text-\xff", "");
  uint32_t sub = opened("sub", TN_FS_DIRECTORY, TN_FS_READ);
  tn_fs_handle_result stream = {0};
  assert_ok(fs("read-directory", &sub, &stream));
  assert_int_equal(stream.is_error, 0);
  static const char next[] = "[method]directory-entry-stream.read-directory-entry";
  tn_fs_entry_result entry = {0};
  assert_ok(guest_call(&g, &tn_filesystem_types_interface, NULL, next, &stream.handle, &entry));
  assert_int_equal(entry.is_some, 1);
  assert_int_equal(entry.entry.type, TN_FILE_REGULAR);
  assert_memory_equal(entry.entry.name.data, "inner", 5);
  entry = (tn_fs_entry_result){0};
  assert_ok(guest_call(&g, &tn_filesystem_types_interface, NULL, next, &stream.handle, &entry));
  assert_int_equal(entry.is_some, 0);
  guest_drop(&g, &tn_filesystem_types_interface, NULL, "directory-entry-stream", stream.handle);
  drop_descriptor(sub);
}

/* ---- streams ------------------------------------------------------------------------------------ */

static int64_t stream_read(tn_input_stream *stream, char *out, size_t size) {
  int64_t outcome;
  assert_ok(tn_input_stream_read(stream, (uint8_t *)out, size, &outcome));
  return outcome;
}

static void a_stream_outlives_its_descriptor(void **state) {
  (void)state;
  uint32_t file = opened("file", 0, TN_FS_READ);
  tn_fs_handle_result result = {0};
  assert_ok(fs("read-via-stream", &(u64_params){file, 1}, &result));
  assert_int_equal(result.is_error, 0);
  drop_descriptor(file);
  tn_input_stream *stream = tn_input_stream_of(g.wasi, result.handle);
  char text[16];
  assert_int_equal(stream_read(stream, text, 2), 2);
  assert_int_equal(stream_read(stream, text + 2, 10), 2);
  assert_memory_equal(text, "ello", 4);
  assert_int_equal(stream_read(stream, text, 10), TN_IO_CLOSED);
  guest_drop(&g, &tn_io_streams_interface, NULL, "input-stream", result.handle);
}

static void skipping_stops_at_the_end(void **state) {
  (void)state;
  uint32_t file = opened("file", 0, TN_FS_READ);
  tn_fs_handle_result result = {0};
  assert_ok(fs("read-via-stream", &(u64_params){file, 0}, &result));
  tn_input_stream *stream = tn_input_stream_of(g.wasi, result.handle);
  int64_t outcome;
  assert_ok((stream->class->skip)(stream, 3, &outcome));
  assert_int_equal(outcome, 3);
  char byte;
  assert_int_equal(stream_read(stream, &byte, 1), 1);
  assert_int_equal(byte, 'l');
  assert_ok((stream->class->skip)(stream, 100, &outcome));
  assert_int_equal(outcome, 1);
  assert_ok((stream->class->skip)(stream, 100, &outcome));
  assert_int_equal(outcome, TN_IO_CLOSED);
  guest_drop(&g, &tn_io_streams_interface, NULL, "input-stream", result.handle);
  drop_descriptor(file);
}

static void write_stream(uint32_t handle, const char *text) {
  int64_t outcome;
  tn_output_stream *stream = tn_output_stream_of(g.wasi, handle);
  assert_ok(stream->class->check_write(stream, &outcome));
  assert_true(outcome >= 4096);
  assert_ok(stream->class->write(stream, (const uint8_t *)text, strlen(text), &outcome));
  assert_int_equal(outcome, 0);
}

static void streams_write_at_their_place_or_at_the_end(void **state) {
  (void)state;
  uint32_t file = opened("file", 0, TN_FS_READ | TN_FS_WRITE);
  tn_fs_handle_result at = {0}, end = {0};
  assert_ok(fs("write-via-stream", &(u64_params){file, 1}, &at));
  assert_ok(fs("append-via-stream", &file, &end));
  write_stream(at.handle, "AB");
  write_stream(end.handle, "!");
  write_stream(at.handle, "C");
  write_stream(end.handle, "?");
  char text[16] = {0};
  tn_descriptor *descriptor = tn_wasi_slot_get(g.wasi, TN_SLOT_DESCRIPTOR, file);
  assert_int_equal(tn_descriptor_read(descriptor, (uint8_t *)text, 15, 0), 7);
  assert_string_equal(text, "hABCo!?");
  guest_drop(&g, &tn_io_streams_interface, NULL, "output-stream", at.handle);
  guest_drop(&g, &tn_io_streams_interface, NULL, "output-stream", end.handle);
  drop_descriptor(file);
}

static void streams_need_a_file_that_is_open_for_them(void **state) {
  (void)state;
  uint32_t reader = opened("file", 0, TN_FS_READ), writer = opened("file", 0, TN_FS_WRITE);
  tn_fs_handle_result result = {0};
  assert_ok(fs("write-via-stream", &(u64_params){reader, 0}, &result));
  assert_int_equal(result.error, BAD_DESCRIPTOR);
  assert_ok(fs("append-via-stream", &reader, &result));
  assert_int_equal(result.error, BAD_DESCRIPTOR);
  assert_ok(fs("read-via-stream", &(u64_params){writer, 0}, &result));
  assert_int_equal(result.error, BAD_DESCRIPTOR);
  assert_ok(fs("read-via-stream", &(u64_params){root, 0}, &result));
  assert_int_equal(result.error, IS_DIRECTORY);
  drop_descriptor(reader);
  drop_descriptor(writer);
}

static void pipes_in_directories_are_streams_that_wait(void **state) {
  (void)state;
  tn_descriptor *directory = tn_wasi_slot_get(g.wasi, TN_SLOT_DESCRIPTOR, root);
  assert_int_equal(mkfifoat(directory->fd, "pipe", 0644), 0);
  uint32_t reader = opened("pipe", 0, TN_FS_READ), writer = opened("pipe", 0, TN_FS_WRITE);
  tn_fs_handle_result in = {0}, out = {0};
  assert_ok(fs("read-via-stream", &(u64_params){reader, 0}, &in));
  assert_ok(fs("write-via-stream", &(u64_params){writer, 0}, &out));
  tn_input_stream *stream = tn_input_stream_of(g.wasi, in.handle);
  char text[16];
  assert_false(stream->class->is_ready(stream));
  assert_int_equal(stream_read(stream, text, sizeof text), 0);
  write_stream(out.handle, "through");
  assert_ok(tn_input_stream_wait(stream, g.wasi, g.world.runtime.context));
  assert_int_equal(stream->class->available(stream, 100), 7);
  assert_int_equal(stream_read(stream, text, sizeof text), 7);
  drop_descriptor(writer);
  guest_drop(&g, &tn_io_streams_interface, NULL, "output-stream", out.handle);
  assert_int_equal(stream_read(stream, text, sizeof text), TN_IO_CLOSED);
  guest_drop(&g, &tn_io_streams_interface, NULL, "input-stream", in.handle);
  drop_descriptor(reader);
}

static void only_errors_of_files_have_a_code_of_files(void **state) {
  (void)state;
  struct {
    uint8_t is_some, code;
  } result = {0};
  uint32_t file, network;
  assert_ok(tn_io_error_add(g.wasi, TN_IO_FILE, EROFS, &file));
  assert_ok(tn_io_error_add(g.wasi, TN_IO_NETWORK, EROFS, &network));
  assert_ok(guest_call(&g, &tn_filesystem_types_interface, NULL, "filesystem-error-code", &network,
                       &result));
  assert_int_equal(result.is_some, 0);
  assert_ok(guest_call(&g, &tn_filesystem_types_interface, NULL, "filesystem-error-code", &file,
                       &result));
  assert_int_equal(result.is_some, 1);
  assert_int_equal(result.code, READ_ONLY);
}

static void what_a_guest_leaves_open_is_closed(void **state) {
  (void)state;
  uint32_t file = opened("file", 0, TN_FS_READ | TN_FS_WRITE);
  tn_fs_handle_result result = {0};
  assert_ok(fs("read-via-stream", &(u64_params){file, 0}, &result));
  assert_ok(fs("append-via-stream", &file, &result));
  assert_ok(fs("read-directory", &root, &result));
  /* The sanitizers tell whether tear_down frees all of it. */
  assert_int_equal(result.is_error, 0);
}

/* ---- cli, clocks, random ------------------------------------------------------------------------ */

static tn_error *cli(const char *interface, const char *name, const void *params, void *result) {
  for (size_t i = 0; i < TN_CLI_INTERFACE_COUNT; i++) {
    if (strstr(tn_cli_interfaces[i].name, interface) == NULL) continue;
    return guest_call(&g, &tn_cli_interfaces[i], NULL, name, params, result);
  }
  fail_msg("no %s", interface);
  return NULL;
}

static void a_command_sees_its_arguments_and_environment(void **state) {
  (void)state;
  struct {
    tn_str *data;
    size_t len;
  } list = {0};
  assert_ok(cli("cli/environment", "get-arguments", NULL, &list));
  assert_int_equal(list.len, 1);
  assert_string_equal(list.data[0].data, "program");
  assert_ok(cli("cli/environment", "get-environment", NULL, &list));
  assert_int_equal(list.len, 1);
  assert_string_equal(list.data[0].data, "NAME");
  assert_string_equal(list.data[1].data, "value");
}

static void exiting_is_an_error_that_carries_the_code(void **state) {
  (void)state;
  uint8_t status = 0, code = 42;
  tn_error *error = cli("cli/exit", "exit", &status, NULL);
  assert_int_equal(tn_error_get_kind(error), TN_ERROR_EXIT);
  assert_int_equal(tn_error_get_exit_code(error), 0);
  tn_error_delete(error);
  error = cli("cli/exit", "exit-with-code", &code, NULL);
  assert_int_equal(tn_error_get_exit_code(error), 42);
  tn_error_delete(error);
}

static void what_is_no_terminal_is_not_taken_for_one(void **state) {
  (void)state;
  struct {
    uint8_t is_some;
    uint32_t handle;
  } result = {1, 0};
  assert_ok(cli("terminal-stdout", "get-terminal-stdout", NULL, &result));
  assert_int_equal(result.is_some, 0);
}

static void the_output_limit_holds_for_streams(void **state) {
  (void)state;
  uint32_t out, error_out;
  assert_ok(cli("cli/stdout", "get-stdout", NULL, &out));
  assert_ok(cli("cli/stderr", "get-stderr", NULL, &error_out));
  write_stream(out, "123456");
  write_stream(error_out, "7890");
  int64_t outcome;
  tn_output_stream *stream = tn_output_stream_of(g.wasi, out);
  assert_error(stream->class->write(stream, (const uint8_t *)"!", 1, &outcome), TN_ERROR_LIMIT,
               "10 bytes");
}

static void clocks_agree_with_the_services(void **state) {
  (void)state;
  uint64_t now = 0, resolution = 0;
  uint64_t before = tn_wasi_monotonic_now(g.wasi);
  assert_ok(guest_call(&g, &tn_monotonic_clock_interface, NULL, "now", NULL, &now));
  assert_true(now >= before);
  assert_ok(guest_call(&g, &tn_monotonic_clock_interface, NULL, "resolution", NULL, &resolution));
  assert_true(resolution > 0);
  tn_datetime wall = {0};
  assert_ok(guest_call(&g, &tn_wall_clock_interface, NULL, "now", NULL, &wall));
  assert_true(wall.seconds > 1600000000 && wall.nanoseconds < 1000000000);
  uint64_t never = UINT64_MAX, at_once = 0;
  uint32_t late, early;
  assert_ok(
      guest_call(&g, &tn_monotonic_clock_interface, NULL, "subscribe-duration", &never, &late));
  assert_ok(
      guest_call(&g, &tn_monotonic_clock_interface, NULL, "subscribe-instant", &at_once, &early));
  assert_false(tn_pollable_is_ready(g.wasi, tn_wasi_slot_get(g.wasi, TN_SLOT_POLLABLE, late)));
  assert_true(tn_pollable_is_ready(g.wasi, tn_wasi_slot_get(g.wasi, TN_SLOT_POLLABLE, early)));
}

static void random_bytes_lie_in_the_guest(void **state) {
  (void)state;
  struct {
    const uint8_t *data;
    size_t len;
  } list = {0};
  uint64_t size = 100;
  assert_ok(guest_call(&g, &tn_random_interfaces[0], NULL, "get-random-bytes", &size, &list));
  assert_int_equal(list.len, 100);
  assert_true(guest_owns(&g, list.data));
  size = UINT64_MAX;
  assert_error(guest_call(&g, &tn_random_interfaces[0], NULL, "get-random-bytes", &size, &list),
               TN_ERROR_LIMIT, "random bytes");
}

/* ---- running ------------------------------------------------------------------------------------ */

/* cmocka's initial state is the test; its body runs as a host function of a guest. */
typedef struct body {
  void (*run)(void **state);
} body;

static void run_as_guest(void **state) {
  const body *test = *state;
  void *fixture = NULL;
  directory_fixture_set_up(&fixture);
  char path[80];
  snprintf(path, sizeof path, "%s/inside", ((directory_fixture *)fixture)->path);
  assert_ok(tn_wasi_config_new(&config));
  assert_ok(tn_wasi_config_add_directory(config, path, "/work", 0));
  assert_ok(tn_wasi_config_add_argument(config, TN_STR("program")));
  assert_ok(tn_wasi_config_add_env(config, TN_STR("NAME"), TN_STR("value")));
  assert_ok(tn_wasi_config_set_output_limit(config, 10));
  guest_start(&g, config);
  tn_descriptor *granted = tn_descriptor_for_directory(config->directories.items[0].fd, false);
  assert_ok(tn_fs_descriptor_add(g.wasi, granted, &root));
  guest_run(&g, test->run);
  guest_end(&g);
  tn_wasi_config_delete(config);
  directory_fixture_tear_down(&fixture);
}

#define TEST(name)                                                                                 \
  {                                                                                                \
#name, run_as_guest, NULL, NULL, &(body) {                                                     \
      name                                                                                         \
    }                                                                                              \
  }

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(granted_directories_come_with_their_paths),
      TEST(reads_go_straight_into_the_guest),
      TEST(writes_and_sizes_are_seen_by_all),
      TEST(opening_gives_what_its_flags_say),
      TEST(what_is_created_for_reading_may_exist_read_only),
      TEST(paths_are_changed_and_errors_named),
      TEST(times_are_set_or_left),
      TEST(the_same_object_has_the_same_hash),
      TEST(directories_are_listed_without_dots),
      TEST(a_stream_outlives_its_descriptor),
      TEST(skipping_stops_at_the_end),
      TEST(streams_write_at_their_place_or_at_the_end),
      TEST(streams_need_a_file_that_is_open_for_them),
      TEST(pipes_in_directories_are_streams_that_wait),
      TEST(only_errors_of_files_have_a_code_of_files),
      TEST(what_a_guest_leaves_open_is_closed),
      TEST(a_command_sees_its_arguments_and_environment),
      TEST(exiting_is_an_error_that_carries_the_code),
      TEST(what_is_no_terminal_is_not_taken_for_one),
      TEST(the_output_limit_holds_for_streams),
      TEST(clocks_agree_with_the_services),
      TEST(random_bytes_lie_in_the_guest),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
