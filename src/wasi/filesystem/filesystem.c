#include "wasi/filesystem/filesystem.h"

#include "base/error.h"
#include "wasi/filesystem/native.h"
#include "wasi/io/io.h"
#include "wasi/state.h"
#include "wasi/system/directory.h"
#include "wasi/system/error.h"

/* ---- resources ---------------------------------------------------------------------------------- */

tn_error *tn_fs_descriptor_add(tn_wasi *wasi, tn_descriptor *descriptor, uint32_t *representation) {
  tn_error *error = tn_wasi_slot_add(wasi, TN_SLOT_DESCRIPTOR, descriptor, representation);
  if (error != NULL) tn_descriptor_release(descriptor);
  return error;
}

void tn_wasi_filesystem_close(tn_slot_kind kind, void *object) {
  if (kind == TN_SLOT_DESCRIPTOR) {
    tn_descriptor_release(object);
  } else {
    tn_directory_close(object);
  }
}

static void drop(tn_runtime *runtime, tn_slot_kind kind, uint32_t representation) {
  tn_wasi *wasi = tn_wasi_of(runtime);
  tn_wasi_filesystem_close(kind, tn_wasi_slot_get(wasi, kind, representation));
  tn_wasi_slot_remove(wasi, representation);
}

static void drop_descriptor(tn_runtime *runtime, void *data, uint32_t representation) {
  (void)data;
  drop(runtime, TN_SLOT_DESCRIPTOR, representation);
}

static void drop_directory_stream(tn_runtime *runtime, void *data, uint32_t representation) {
  (void)data;
  tn_wasi *wasi = tn_wasi_of(runtime);
  const tn_directory *directory = tn_wasi_slot_get(wasi, TN_SLOT_DIRECTORY_STREAM, representation);
  tn_kept_remove(tn_wasi_kept(wasi), tn_directory_size(directory));
  drop(runtime, TN_SLOT_DIRECTORY_STREAM, representation);
}

/* ---- results ------------------------------------------------------------------------------------ */

tn_error *tn_fs_done(int outcome, void *result) {
  if (outcome < 0)
    *(tn_fs_byte_result *)result = (tn_fs_byte_result){1, tn_errno_to_filesystem(-outcome)};
  return NULL;
}

typedef struct optional_code {
  uint8_t is_some;
  uint8_t code;
} optional_code;

static tn_error *filesystem_error_code(tn_call *call, void *data, const void *params,
                                       void *result) {
  (void)data;
  int code = tn_io_error_code(tn_wasi_of_call(call), TN_IO_FILE, *(const uint32_t *)params);
  if (code != 0) *(optional_code *)result = (optional_code){1, tn_errno_to_filesystem(code)};
  return NULL;
}

/* ---- preopens ----------------------------------------------------------------------------------- */

typedef struct preopen {
  uint32_t descriptor;
  tn_str path;
} preopen;
static_assert(sizeof(preopen) == 24, "native form of tuple<own<descriptor>, string>");

typedef struct preopen_list {
  const preopen *data;
  size_t len;
} preopen_list;

static tn_error *get_directories(tn_call *call, void *data, const void *params, void *result) {
  (void)data, (void)params;
  tn_wasi *wasi = tn_wasi_of_call(call);
  const tn_wasi_config *config = wasi->config;
  uint32_t count = config->directories.len;
  preopen *list = tn_call_alloc(call, count * sizeof *list, _Alignof(preopen));
  if (list == NULL && count > 0) return tn_error_no_memory();
  for (uint32_t i = 0; i < count; i++) {
    const tn_config_directory *granted = &config->directories.items[i];
    tn_descriptor *descriptor = tn_descriptor_for_directory(granted->fd, granted->is_read_only);
    if (descriptor == NULL) return tn_error_no_memory();
    TN_TRY(tn_fs_descriptor_add(wasi, descriptor, &list[i].descriptor));
    list[i].path = granted->guest_path;
  }
  *(preopen_list *)result = (preopen_list){list, count};
  return NULL;
}

/* ---- interfaces --------------------------------------------------------------------------------- */

static const char types_text[] =
    "use wasi:io/streams@0.2.12.{input-stream, output-stream};"
    "use wasi:io/error@0.2.12.{error};"
    "use wasi:clocks/wall-clock@0.2.12.{datetime};"
    "type filesize = u64; type link-count = u64;"
    "enum descriptor-type { unknown, block-device, character-device, directory, fifo, "
    "symbolic-link,"
    " regular-file, socket }"
    "flags descriptor-flags { read, write, file-integrity-sync, data-integrity-sync, "
    "requested-write-sync,"
    " mutate-directory }"
    "flags path-flags { symlink-follow }"
    "flags open-flags { create, directory, exclusive, truncate }"
    "record descriptor-stat { %type: descriptor-type, link-count: link-count, size: filesize,"
    " data-access-timestamp: option<datetime>, data-modification-timestamp: option<datetime>,"
    " status-change-timestamp: option<datetime> }"
    "variant new-timestamp { no-change, now, timestamp(datetime) }"
    "record directory-entry { %type: descriptor-type, name: string }"
    "enum error-code { access, would-block, already, bad-descriptor, busy, deadlock, quota, exist,"
    " file-too-large, illegal-byte-sequence, in-progress, interrupted, invalid, io, is-directory, "
    "loop,"
    " too-many-links, message-size, name-too-long, no-device, no-entry, no-lock, "
    "insufficient-memory,"
    " insufficient-space, not-directory, not-empty, not-recoverable, unsupported, no-tty, "
    "no-such-device,"
    " overflow, not-permitted, pipe, read-only, invalid-seek, text-file-busy, cross-device }"
    "enum advice { normal, sequential, random, will-need, dont-need, no-reuse }"
    "record metadata-hash-value { lower: u64, upper: u64 }"
    "resource descriptor; resource directory-entry-stream;";

static const tn_host_resource_definition types_resources[] = {
    {"descriptor", drop_descriptor},
    {"directory-entry-stream", drop_directory_stream},
};

#define METHOD(name, parameters, result, func)                                                     \
  { "[method]descriptor." name, "func(self: borrow<descriptor>" parameters ") -> " result, func }
#define DONE "result<_, error-code>"

static const tn_host_func_definition types_funcs[] = {
    METHOD("read-via-stream", ", offset: filesize", "result<input-stream, error-code>",
           tn_fs_read_via_stream),
    METHOD("write-via-stream", ", offset: filesize", "result<output-stream, error-code>",
           tn_fs_write_via_stream),
    METHOD("append-via-stream", "", "result<output-stream, error-code>", tn_fs_append_via_stream),
    METHOD("advise", ", offset: filesize, length: filesize, advice: advice", DONE, tn_fs_advise),
    METHOD("sync-data", "", DONE, tn_fs_sync_data),
    METHOD("get-flags", "", "result<descriptor-flags, error-code>", tn_fs_get_flags),
    METHOD("get-type", "", "result<descriptor-type, error-code>", tn_fs_get_type),
    METHOD("set-size", ", size: filesize", DONE, tn_fs_set_size),
    METHOD("set-times",
           ", data-access-timestamp: new-timestamp, data-modification-timestamp: new-timestamp",
           DONE, tn_fs_set_times),
    METHOD("read", ", length: filesize, offset: filesize",
           "result<tuple<list<u8>, bool>, error-code>", tn_fs_read),
    METHOD("write", ", buffer: list<u8>, offset: filesize", "result<filesize, error-code>",
           tn_fs_write),
    METHOD("read-directory", "", "result<directory-entry-stream, error-code>",
           tn_fs_read_directory),
    METHOD("sync", "", DONE, tn_fs_sync),
    METHOD("create-directory-at", ", path: string", DONE, tn_fs_create_directory_at),
    METHOD("stat", "", "result<descriptor-stat, error-code>", tn_fs_status),
    METHOD("stat-at", ", path-flags: path-flags, path: string",
           "result<descriptor-stat, error-code>", tn_fs_status_at),
    METHOD("set-times-at",
           ", path-flags: path-flags, path: string, data-access-timestamp: new-timestamp,"
           " data-modification-timestamp: new-timestamp",
           DONE, tn_fs_set_times_at),
    METHOD("link-at",
           ", old-path-flags: path-flags, old-path: string, new-descriptor: borrow<descriptor>, "
           "new-path: string",
           DONE, tn_fs_link_at),
    METHOD(
        "open-at",
        ", path-flags: path-flags, path: string, open-flags: open-flags, %flags: descriptor-flags",
        "result<descriptor, error-code>", tn_fs_open_at),
    METHOD("readlink-at", ", path: string", "result<string, error-code>", tn_fs_readlink_at),
    METHOD("remove-directory-at", ", path: string", DONE, tn_fs_remove_directory_at),
    METHOD("rename-at", ", old-path: string, new-descriptor: borrow<descriptor>, new-path: string",
           DONE, tn_fs_rename_at),
    METHOD("symlink-at", ", old-path: string, new-path: string", DONE, tn_fs_symlink_at),
    METHOD("unlink-file-at", ", path: string", DONE, tn_fs_unlink_file_at),
    METHOD("is-same-object", ", other: borrow<descriptor>", "bool", tn_fs_is_same_object),
    METHOD("metadata-hash", "", "result<metadata-hash-value, error-code>", tn_fs_metadata_hash),
    METHOD("metadata-hash-at", ", path-flags: path-flags, path: string",
           "result<metadata-hash-value, error-code>", tn_fs_metadata_hash_at),
    {"[method]directory-entry-stream.read-directory-entry",
     "func(self: borrow<directory-entry-stream>) -> result<option<directory-entry>, error-code>",
     tn_fs_read_directory_entry},
    {"filesystem-error-code", "func(err: borrow<error>) -> option<error-code>",
     filesystem_error_code},
};

static const tn_host_func_definition preopens_funcs[] = {
    {"get-directories", "func() -> list<tuple<descriptor, string>>", get_directories},
};

const tn_host_interface tn_filesystem_types_interface = {
    .name = "wasi:filesystem/types@0.2.12",
    .types = types_text,
    .resources = types_resources,
    .resource_count = sizeof types_resources / sizeof *types_resources,
    .funcs = types_funcs,
    .func_count = sizeof types_funcs / sizeof *types_funcs,
};

const tn_host_interface tn_filesystem_preopens_interface = {
    .name = "wasi:filesystem/preopens@0.2.12",
    .types = "use wasi:filesystem/types@0.2.12.{descriptor};",
    .funcs = preopens_funcs,
    .func_count = sizeof preopens_funcs / sizeof *preopens_funcs,
};

tn_error *tn_wasi_filesystem_define(tn_linker *linker) {
  TN_TRY(tn_linker_define_interface(linker, &tn_filesystem_types_interface, NULL));
  return tn_linker_define_interface(linker, &tn_filesystem_preopens_interface, NULL);
}
