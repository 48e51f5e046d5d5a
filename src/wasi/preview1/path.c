/* Preview 1: path_*. */
#include <limits.h>

#include "base/error.h"
#include "wasi/disguise.h"
#include "wasi/preview1/call.h"

/* lookupflags, oflags */
enum { FOLLOW = 1, CREAT = 1, DIRECTORY = 2, EXCL = 4, TRUNC = 8 };

/* A directory with these rights, and a path beneath it. */
static int place_get(tn_p1_call *call, uint32_t number, uint64_t rights, uint32_t address,
                     uint32_t size, tn_p1_entry **entry, tn_str *path) {
  int failed = tn_p1_entry_get(call, number, 0, entry);
  if (failed < 0) return failed;
  if (tn_p1_entry_type(*entry) != TN_FILE_DIRECTORY || (*entry)->descriptor == NULL)
    return -ENOTDIR;
  failed = tn_p1_entry_get(call, number, rights, entry);
  return failed < 0 ? failed : tn_p1_path(call, address, size, path);
}

/* ---- opening ------------------------------------------------------------------------------------ */

static int options_of(const tn_p1_entry *directory, const tn_core_value *in, tn_open_options *out) {
  uint32_t lookup = in[1].u32, oflags = in[4].u32, fdflags = in[7].u32;
  uint64_t rights = in[5].u64;
  if (lookup > FOLLOW || oflags > (CREAT | DIRECTORY | EXCL | TRUNC) || fdflags > 31)
    return -EINVAL;
  /* Rights beyond these two are only narrowed; without them the descriptor would be of no use to the guest. */
  uint64_t data = rights & (TN_P1_FD_READ | TN_P1_FD_WRITE);
  if ((data & ~directory->inheriting) != 0) return -TN_P1_ENOTCAPABLE;
  *out = (tn_open_options){
      .follow = (lookup & FOLLOW) != 0,
      .create = (oflags & CREAT) != 0,
      .exclusive = (oflags & EXCL) != 0,
      .truncate = (oflags & TRUNC) != 0,
      .directory = (oflags & DIRECTORY) != 0,
      .read = (data & TN_P1_FD_READ) != 0,
      .write = (data & TN_P1_FD_WRITE) != 0,
      .append = (fdflags & TN_P1_APPEND) != 0,
      .sync = (fdflags & (TN_P1_SYNC | TN_P1_RSYNC)) != 0,
      .data_sync = (fdflags & TN_P1_DSYNC) != 0,
  };
  return 0;
}

static int path_open(tn_p1_call *call, const tn_core_value *in) {
  uint64_t needed = TN_P1_PATH_OPEN;
  if ((in[4].u32 & CREAT) != 0) needed |= TN_P1_PATH_CREATE_FILE;
  if ((in[4].u32 & TRUNC) != 0) needed |= TN_P1_PATH_FILESTAT_SET_SIZE;
  tn_p1_entry *directory;
  tn_str path;
  tn_open_options options;
  int failed = place_get(call, in[0].u32, needed, in[2].u32, in[3].u32, &directory, &path);
  if (failed == 0) failed = options_of(directory, in, &options);
  if (failed == 0 && tn_p1_bytes(call, in[8].u32, 4) == NULL) failed = -EFAULT;
  if (failed < 0) return failed;
  tn_p1_entry made = {.flags = (uint16_t)in[7].u32};
  failed = tn_descriptor_open(directory->descriptor, path, &options, &made.descriptor);
  if (failed < 0) return failed;
  tn_file_type type = made.descriptor->type;
  made.rights = in[5].u64 & directory->inheriting & tn_p1_rights_of(type);
  made.inheriting = type == TN_FILE_DIRECTORY ? in[6].u64 & directory->inheriting : 0;
  uint32_t number;
  failed = tn_p1_entry_add(call, &made, &number);
  if (failed < 0) {
    tn_descriptor_release(made.descriptor);
    return failed;
  }
  return tn_p1_store_u32(call, in[8].u32, number);
}

/* ---- attributes --------------------------------------------------------------------------------- */

static int path_filestat_get(tn_p1_call *call, const tn_core_value *in) {
  tn_p1_entry *directory;
  tn_str path;
  tn_file_status status;
  int failed =
      place_get(call, in[0].u32, TN_P1_PATH_FILESTAT_GET, in[2].u32, in[3].u32, &directory, &path);
  bool follow = (in[1].u32 & FOLLOW) != 0;
  if (failed == 0) failed = tn_descriptor_status_at(directory->descriptor, path, follow, &status);
  if (failed == 0) failed = tn_wasi_disguise_status(call->wasi, &status);
  return failed < 0 ? failed : tn_p1_store_filestat(call, in[4].u32, &status);
}

static int path_filestat_set_times(tn_p1_call *call, const tn_core_value *in) {
  tn_p1_entry *directory;
  tn_str path;
  struct timespec times[2];
  int failed = place_get(call, in[0].u32, TN_P1_PATH_FILESTAT_SET_TIMES, in[2].u32, in[3].u32,
                         &directory, &path);
  if (failed == 0) failed = tn_p1_times(in[4].u64, in[5].u64, in[6].u32, times);
  bool follow = (in[1].u32 & FOLLOW) != 0;
  return failed < 0 ? failed
                    : tn_wasi_set_times_at(call->wasi, directory->descriptor, path, follow, times);
}

/* ---- changing directories ----------------------------------------------------------------------- */

static int path_create_directory(tn_p1_call *call, const tn_core_value *in) {
  tn_p1_entry *directory;
  tn_str path;
  int failed = place_get(call, in[0].u32, TN_P1_PATH_CREATE_DIRECTORY, in[1].u32, in[2].u32,
                         &directory, &path);
  return failed < 0 ? failed : tn_descriptor_create_directory(directory->descriptor, path);
}

static int path_remove_directory(tn_p1_call *call, const tn_core_value *in) {
  tn_p1_entry *directory;
  tn_str path;
  int failed = place_get(call, in[0].u32, TN_P1_PATH_REMOVE_DIRECTORY, in[1].u32, in[2].u32,
                         &directory, &path);
  return failed < 0 ? failed : tn_wasi_remove_directory(call->wasi, directory->descriptor, path);
}

static int path_unlink_file(tn_p1_call *call, const tn_core_value *in) {
  tn_p1_entry *directory;
  tn_str path;
  int failed =
      place_get(call, in[0].u32, TN_P1_PATH_UNLINK_FILE, in[1].u32, in[2].u32, &directory, &path);
  return failed < 0 ? failed : tn_wasi_unlink(call->wasi, directory->descriptor, path);
}

static int path_rename(tn_p1_call *call, const tn_core_value *in) {
  tn_p1_entry *from, *to;
  tn_str old_path, new_path;
  int failed =
      place_get(call, in[0].u32, TN_P1_PATH_RENAME_SOURCE, in[1].u32, in[2].u32, &from, &old_path);
  if (failed < 0) return failed;
  failed =
      place_get(call, in[3].u32, TN_P1_PATH_RENAME_TARGET, in[4].u32, in[5].u32, &to, &new_path);
  return failed < 0
             ? failed
             : tn_wasi_rename(call->wasi, from->descriptor, old_path, to->descriptor, new_path);
}

static int path_link(tn_p1_call *call, const tn_core_value *in) {
  tn_p1_entry *from, *to;
  tn_str old_path, new_path;
  int failed =
      place_get(call, in[0].u32, TN_P1_PATH_LINK_SOURCE, in[2].u32, in[3].u32, &from, &old_path);
  if (failed < 0) return failed;
  failed = place_get(call, in[4].u32, TN_P1_PATH_LINK_TARGET, in[5].u32, in[6].u32, &to, &new_path);
  bool follow = (in[1].u32 & FOLLOW) != 0;
  return failed < 0
             ? failed
             : tn_descriptor_link(from->descriptor, old_path, follow, to->descriptor, new_path);
}

static int path_symlink(tn_p1_call *call, const tn_core_value *in) {
  tn_p1_entry *directory;
  tn_str target, path;
  int failed =
      place_get(call, in[2].u32, TN_P1_PATH_SYMLINK, in[3].u32, in[4].u32, &directory, &path);
  if (failed == 0) failed = tn_p1_path(call, in[0].u32, in[1].u32, &target);
  return failed < 0 ? failed : tn_descriptor_symlink(directory->descriptor, target, path);
}

static int path_readlink(tn_p1_call *call, const tn_core_value *in) {
  tn_p1_entry *directory;
  tn_str path;
  int failed =
      place_get(call, in[0].u32, TN_P1_PATH_READLINK, in[1].u32, in[2].u32, &directory, &path);
  if (failed < 0) return failed;
  uint8_t *out = tn_p1_bytes(call, in[3].u32, in[4].u32);
  if (out == NULL) return -EFAULT;
  int64_t size = tn_descriptor_readlink(directory->descriptor, path, (char *)out, in[4].u32);
  if (size < 0) return (int)size;
  return tn_p1_store_u32(call, in[5].u32, size < in[4].u32 ? (uint32_t)size : in[4].u32);
}

/* ---- table -------------------------------------------------------------------------------------- */

TN_P1_FUNCTION(path_create_directory)
TN_P1_FUNCTION(path_filestat_get)
TN_P1_FUNCTION(path_filestat_set_times)
TN_P1_FUNCTION(path_link)
TN_P1_FUNCTION(path_open)
TN_P1_FUNCTION(path_readlink)
TN_P1_FUNCTION(path_remove_directory)
TN_P1_FUNCTION(path_rename)
TN_P1_FUNCTION(path_symlink)
TN_P1_FUNCTION(path_unlink_file)

static const tn_host_core_func funcs[] = {
    {"path_create_directory", "iii", "i", path_create_directory_entry},
    {"path_filestat_get", "iiiii", "i", path_filestat_get_entry},
    {"path_filestat_set_times", "iiiiIIi", "i", path_filestat_set_times_entry},
    {"path_link", "iiiiiii", "i", path_link_entry},
    {"path_open", "iiiiiIIii", "i", path_open_entry},
    {"path_readlink", "iiiiii", "i", path_readlink_entry},
    {"path_remove_directory", "iii", "i", path_remove_directory_entry},
    {"path_rename", "iiiiii", "i", path_rename_entry},
    {"path_symlink", "iiiii", "i", path_symlink_entry},
    {"path_unlink_file", "iii", "i", path_unlink_file_entry},
};

const tn_p1_group tn_p1_path_funcs = {funcs, sizeof funcs / sizeof *funcs};
