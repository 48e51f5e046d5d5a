/* wasi:filesystem/types: opening, creating, moving and removing by path. */
#include <errno.h>
#include <limits.h>

#include "base/error.h"
#include "base/utf.h"
#include "wasi/disguise.h"
#include "wasi/filesystem/native.h"
#include "wasi/system/error.h"

/* ---- opening ------------------------------------------------------------------------------------ */

typedef struct open_params {
  tn_fs_at at;
  uint8_t open_flags;
  uint8_t flags;
} open_params;
static_assert(sizeof(open_params) == 32, "native form");

/* What is created or truncated is open for writing, and what is asked for neither is open for reading. */
static tn_open_options options_of(const open_params *in) {
  bool create = (in->open_flags & TN_FS_CREATE) != 0;
  bool truncate = (in->open_flags & TN_FS_TRUNCATE) != 0;
  bool write = (in->flags & TN_FS_WRITE) != 0;
  return (tn_open_options){
      .follow = (in->at.path_flags & TN_FS_FOLLOW) != 0,
      .create = create,
      .exclusive = (in->open_flags & TN_FS_EXCLUSIVE) != 0,
      .truncate = truncate,
      .directory = (in->open_flags & TN_FS_DIRECTORY) != 0,
      .read = (in->flags & TN_FS_READ) != 0 || !write,
      .write = write || create || truncate,
      .sync = (in->flags & TN_FS_FILE_SYNC) != 0,
      .data_sync = (in->flags & TN_FS_DATA_SYNC) != 0,
      .read_sync = (in->flags & TN_FS_READ_SYNC) != 0,
      .mutate = (in->flags & TN_FS_MUTATE_DIRECTORY) != 0,
  };
}

static int open_at(tn_descriptor *directory, const open_params *in, tn_descriptor **out) {
  if (directory->is_read_only && (in->flags & TN_FS_MUTATE_DIRECTORY) != 0) return -EROFS;
  tn_open_options options = options_of(in);
  int outcome = tn_descriptor_open(directory, in->at.path, &options, out);
  if (outcome != -EACCES || (in->flags & TN_FS_WRITE) != 0 || options.truncate) return outcome;
  /* It exists and may only be read, which is all that was asked for. */
  options.write = false;
  return tn_descriptor_open(directory, in->at.path, &options, out);
}

tn_error *tn_fs_open_at(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const open_params *in = params;
  tn_fs_handle_result *out = result;
  tn_descriptor *opened;
  int outcome = open_at(tn_fs_descriptor(call, in->at.self), in, &opened);
  if (outcome < 0) {
    out->is_error = 1;
    out->error = tn_errno_to_filesystem(-outcome);
    return NULL;
  }
  return tn_fs_descriptor_add(tn_wasi_of_call(call), opened, &out->handle);
}

/* ---- changing directories ----------------------------------------------------------------------- */

typedef struct path_params {
  uint32_t self;
  tn_str path;
} path_params;
static_assert(sizeof(path_params) == 24, "native form of (borrow<descriptor>, string)");

typedef struct rename_params {
  uint32_t self;
  tn_str old_path;
  uint32_t new_descriptor;
  tn_str new_path;
} rename_params;
static_assert(sizeof(rename_params) == 48, "native form");

typedef struct link_params {
  tn_fs_at old;
  uint32_t new_descriptor;
  tn_str new_path;
} link_params;
static_assert(sizeof(link_params) == 48, "native form");

typedef struct symlink_params {
  uint32_t self;
  tn_str old_path;
  tn_str new_path;
} symlink_params;
static_assert(sizeof(symlink_params) == 40, "native form");

tn_error *tn_fs_create_directory_at(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const path_params *in = params;
  return tn_fs_done(tn_descriptor_create_directory(tn_fs_descriptor(call, in->self), in->path),
                    result);
}

tn_error *tn_fs_remove_directory_at(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const path_params *in = params;
  return tn_fs_done(
      tn_wasi_remove_directory(tn_wasi_of_call(call), tn_fs_descriptor(call, in->self), in->path),
      result);
}

tn_error *tn_fs_unlink_file_at(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const path_params *in = params;
  return tn_fs_done(
      tn_wasi_unlink(tn_wasi_of_call(call), tn_fs_descriptor(call, in->self), in->path), result);
}

tn_error *tn_fs_rename_at(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const rename_params *in = params;
  tn_descriptor *from = tn_fs_descriptor(call, in->self);
  tn_descriptor *to = tn_fs_descriptor(call, in->new_descriptor);
  return tn_fs_done(tn_wasi_rename(tn_wasi_of_call(call), from, in->old_path, to, in->new_path),
                    result);
}

tn_error *tn_fs_link_at(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const link_params *in = params;
  tn_descriptor *from = tn_fs_descriptor(call, in->old.self);
  tn_descriptor *to = tn_fs_descriptor(call, in->new_descriptor);
  bool follow = (in->old.path_flags & TN_FS_FOLLOW) != 0;
  return tn_fs_done(tn_descriptor_link(from, in->old.path, follow, to, in->new_path), result);
}

tn_error *tn_fs_symlink_at(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const symlink_params *in = params;
  return tn_fs_done(
      tn_descriptor_symlink(tn_fs_descriptor(call, in->self), in->old_path, in->new_path), result);
}

tn_error *tn_fs_readlink_at(tn_call *call, void *data, const void *params, void *result) {
  (void)data;
  const path_params *in = params;
  tn_fs_string_result *out = result;
  char target[PATH_MAX];
  int64_t size =
      tn_descriptor_readlink(tn_fs_descriptor(call, in->self), in->path, target, sizeof target);
  if (size >= 0 && !tn_utf8_is_valid(target, (size_t)size)) size = -EILSEQ;
  if (size < 0) {
    out->is_error = 1;
    out->error = tn_errno_to_filesystem((int)-size);
    return NULL;
  }
  char *kept = tn_call_alloc(call, (size_t)size, 1);
  if (kept == NULL) return tn_error_no_memory();
  memcpy(kept, target, (size_t)size);
  out->string = (tn_str){kept, (size_t)size};
  return NULL;
}
