/* The native forms of what wasi:filesystem/types passes around, for the files of this folder. */
#ifndef TN_WASI_FILESYSTEM_NATIVE_H
#define TN_WASI_FILESYSTEM_NATIVE_H

#include <assert.h>
#include <stddef.h>

#include "wasi/clocks/clocks.h"
#include "wasi/filesystem/filesystem.h"

/* flags descriptor-flags, path-flags, open-flags */
enum {
  TN_FS_READ = 1,
  TN_FS_WRITE = 2,
  TN_FS_FILE_SYNC = 4,
  TN_FS_DATA_SYNC = 8,
  TN_FS_READ_SYNC = 16,
  TN_FS_MUTATE_DIRECTORY = 32,

  TN_FS_FOLLOW = 1,

  TN_FS_CREATE = 1,
  TN_FS_DIRECTORY = 2,
  TN_FS_EXCLUSIVE = 4,
  TN_FS_TRUNCATE = 8,
};

/* result<_, error-code>, and result<descriptor-flags or descriptor-type, error-code> */
typedef struct tn_fs_byte_result {
  uint8_t is_error;
  uint8_t value;
} tn_fs_byte_result;

/* result<own<…>, error-code> */
typedef struct tn_fs_handle_result {
  uint8_t is_error;
  union {
    uint32_t handle;
    uint8_t error;
  };
} tn_fs_handle_result;
static_assert(sizeof(tn_fs_handle_result) == 8, "native form");

/* result<filesize, error-code> */
typedef struct tn_fs_size_result {
  uint8_t is_error;
  union {
    uint64_t size;
    uint8_t error;
  };
} tn_fs_size_result;
static_assert(sizeof(tn_fs_size_result) == 16, "native form");

/* result<tuple<list<u8>, bool>, error-code> */
typedef struct tn_fs_read_result {
  uint8_t is_error;
  union {
    struct {
      const uint8_t *data;
      size_t len;
      uint8_t is_end;
    };
    uint8_t error;
  };
} tn_fs_read_result;
static_assert(sizeof(tn_fs_read_result) == 32, "native form");

/* result<string, error-code> */
typedef struct tn_fs_string_result {
  uint8_t is_error;
  union {
    tn_str string;
    uint8_t error;
  };
} tn_fs_string_result;
static_assert(sizeof(tn_fs_string_result) == 24, "native form");

typedef struct tn_fs_optional_time {
  uint8_t is_some;
  tn_datetime value;
} tn_fs_optional_time;

/* result<descriptor-stat, error-code> */
typedef struct tn_fs_status_result {
  uint8_t is_error;
  union {
    struct {
      uint8_t type;
      uint64_t links;
      uint64_t size;
      tn_fs_optional_time accessed;
      tn_fs_optional_time modified;
      tn_fs_optional_time changed;
    };
    uint8_t error;
  };
} tn_fs_status_result;
static_assert(sizeof(tn_fs_status_result) == 104, "native form");

/* result<metadata-hash-value, error-code> */
typedef struct tn_fs_hash_result {
  uint8_t is_error;
  union {
    uint64_t hash[2];
    uint8_t error;
  };
} tn_fs_hash_result;
static_assert(sizeof(tn_fs_hash_result) == 24, "native form");

/* result<option<directory-entry>, error-code> */
typedef struct tn_fs_entry_result {
  uint8_t is_error;
  union {
    struct {
      uint8_t is_some;
      struct {
        uint8_t type;
        tn_str name;
      } entry;
    };
    uint8_t error;
  };
} tn_fs_entry_result;
static_assert(sizeof(tn_fs_entry_result) == 40, "native form");

/* variant new-timestamp */
enum { TN_FS_TIME_NO_CHANGE, TN_FS_TIME_NOW, TN_FS_TIME_GIVEN };
typedef struct tn_fs_new_time {
  uint8_t tag;
  tn_datetime given;
} tn_fs_new_time;
static_assert(sizeof(tn_fs_new_time) == 24, "native form");

/* The parameters (self, path-flags, path) with which several functions begin. */
typedef struct tn_fs_at {
  uint32_t self;
  uint8_t path_flags;
  tn_str path;
} tn_fs_at;
static_assert(sizeof(tn_fs_at) == 24, "native form");

static inline tn_descriptor *tn_fs_descriptor(tn_call *call, uint32_t representation) {
  return tn_wasi_slot_get(tn_wasi_of_call(call), TN_SLOT_DESCRIPTOR, representation);
}

/* Makes a descriptor resource, which takes over the caller's reference; on failure that is released. */
tn_error *tn_fs_descriptor_add(tn_wasi *wasi, tn_descriptor *descriptor, uint32_t *representation);
/* Writes the outcome (0 or a negative errno) of a function without a value. */
tn_error *tn_fs_done(int outcome, void *result);

/* The functions, by file: contents.c (of files), attributes.c, paths.c. */
tn_error *tn_fs_read_via_stream(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_fs_write_via_stream(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_fs_append_via_stream(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_fs_read(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_fs_write(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_fs_sync(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_fs_sync_data(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_fs_read_directory(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_fs_read_directory_entry(tn_call *call, void *data, const void *params, void *result);

tn_error *tn_fs_advise(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_fs_get_flags(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_fs_get_type(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_fs_set_size(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_fs_set_times(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_fs_set_times_at(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_fs_status(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_fs_status_at(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_fs_is_same_object(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_fs_metadata_hash(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_fs_metadata_hash_at(tn_call *call, void *data, const void *params, void *result);

tn_error *tn_fs_open_at(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_fs_create_directory_at(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_fs_remove_directory_at(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_fs_unlink_file_at(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_fs_rename_at(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_fs_link_at(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_fs_symlink_at(tn_call *call, void *data, const void *params, void *result);
tn_error *tn_fs_readlink_at(tn_call *call, void *data, const void *params, void *result);

#endif
