/* Preview 1: fd_* except for the transfer of data. */
#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "wasi/disguise.h"
#include "wasi/preview1/call.h"

/* ---- structures --------------------------------------------------------------------------------- */

typedef struct fdstat {
  uint8_t file_type;
  uint16_t flags;
  uint64_t rights;
  uint64_t inheriting;
} fdstat;
_Static_assert(sizeof(fdstat) == 24 && offsetof(fdstat, flags) == 2, "layout of fdstat");

typedef struct filestat {
  uint64_t device;
  uint64_t inode;
  uint8_t file_type;
  uint64_t links;
  uint64_t size;
  uint64_t times[3]; /* access, modification, change */
} filestat;
_Static_assert(sizeof(filestat) == 64 && offsetof(filestat, links) == 24, "layout of filestat");

typedef struct prestat {
  uint8_t tag;
  uint32_t name_size;
} prestat;
_Static_assert(sizeof(prestat) == 8, "layout of prestat");

static uint64_t nanoseconds_of(struct timespec time) {
  return time.tv_sec < 0 ? 0 : (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

int tn_p1_store_filestat(tn_p1_call *call, uint32_t address, const tn_file_status *status) {
  filestat out;
  memset(&out, 0, sizeof out); /* the guest gets the gaps as well */
  out.device = status->device;
  out.inode = status->inode;
  out.file_type = tn_p1_file_type(status->type);
  out.links = status->links;
  out.size = status->size;
  out.times[0] = nanoseconds_of(status->accessed);
  out.times[1] = nanoseconds_of(status->modified);
  out.times[2] = nanoseconds_of(status->changed);
  return tn_p1_store(call, address, &out, sizeof out);
}

/* fstflags */
enum { SET_ATIM = 1, SET_ATIM_NOW = 2, SET_MTIM = 4, SET_MTIM_NOW = 8 };

static struct timespec time_of(uint64_t nanoseconds, bool is_given, bool is_now) {
  if (is_now) return (struct timespec){.tv_nsec = UTIME_NOW};
  if (!is_given) return (struct timespec){.tv_nsec = UTIME_OMIT};
  return (struct timespec){(time_t)(nanoseconds / 1000000000u), (long)(nanoseconds % 1000000000u)};
}

int tn_p1_times(uint64_t accessed, uint64_t modified, unsigned fstflags, struct timespec out[2]) {
  const unsigned atim = SET_ATIM | SET_ATIM_NOW, mtim = SET_MTIM | SET_MTIM_NOW;
  if ((fstflags & ~(atim | mtim)) != 0) return -EINVAL;
  if ((fstflags & atim) == atim || (fstflags & mtim) == mtim) return -EINVAL;
  out[0] = time_of(accessed, fstflags & SET_ATIM, fstflags & SET_ATIM_NOW);
  out[1] = time_of(modified, fstflags & SET_MTIM, fstflags & SET_MTIM_NOW);
  return 0;
}

/* ---- what a descriptor is ----------------------------------------------------------------------- */

static int fd_fdstat_get(tn_p1_call *call, const tn_core_value *in) {
  tn_p1_entry *entry;
  int failed = tn_p1_entry_get(call, in[0].u32, 0, &entry);
  if (failed < 0) return failed;
  fdstat out;
  memset(&out, 0, sizeof out);
  out.file_type = tn_p1_file_type(tn_p1_entry_type(entry));
  out.flags = entry->flags;
  out.rights = entry->rights;
  out.inheriting = entry->inheriting;
  return tn_p1_store(call, in[1].u32, &out, sizeof out);
}

static int fd_fdstat_set_flags(tn_p1_call *call, const tn_core_value *in) {
  tn_p1_entry *entry;
  uint32_t flags = in[1].u32;
  int failed = tn_p1_entry_get(call, in[0].u32, TN_P1_FD_FDSTAT_SET_FLAGS, &entry);
  if (failed < 0) return failed;
  if ((flags &
       ~(uint32_t)(TN_P1_APPEND | TN_P1_DSYNC | TN_P1_NONBLOCK | TN_P1_RSYNC | TN_P1_SYNC)) != 0) {
    return -EINVAL;
  }
  uint32_t changed = flags ^ entry->flags;
  if ((changed & (TN_P1_DSYNC | TN_P1_RSYNC | TN_P1_SYNC)) != 0)
    return -ENOTSUP; /* fixed when it is opened */
  if ((changed & TN_P1_APPEND) != 0) {
    /* What other processes share is not changed for a guest. */
    if (entry->descriptor == NULL) return -ENOTSUP;
    int fl = O_NONBLOCK | ((flags & TN_P1_APPEND) != 0 ? O_APPEND : 0);
    if (fcntl(entry->descriptor->fd, F_SETFL, fl) < 0) return -errno;
  }
  entry->flags = (uint16_t)flags;
  return 0;
}

static int fd_fdstat_set_rights(tn_p1_call *call, const tn_core_value *in) {
  tn_p1_entry *entry;
  int failed = tn_p1_entry_get(call, in[0].u32, 0, &entry);
  if (failed < 0) return failed;
  if ((in[1].u64 & ~entry->rights) != 0 || (in[2].u64 & ~entry->inheriting) != 0)
    return -TN_P1_ENOTCAPABLE;
  entry->rights = in[1].u64;
  entry->inheriting = in[2].u64;
  return 0;
}

static int fd_filestat_get(tn_p1_call *call, const tn_core_value *in) {
  tn_p1_entry *entry;
  int failed = tn_p1_entry_get(call, in[0].u32, TN_P1_FD_FILESTAT_GET, &entry);
  if (failed < 0) return failed;
  tn_file_status status = {0};
  if (entry->descriptor != NULL) {
    failed = tn_descriptor_status(entry->descriptor, &status);
    if (failed == 0) failed = tn_wasi_disguise_status(call->wasi, &status);
  } else {
    /* Where standard streams lead is not the guest's business, but whether and how much there is to read is. */
    status.type = tn_p1_entry_type(entry);
    struct stat host;
    int fd = tn_p1_entry_fd(entry);
    if (status.type == TN_FILE_REGULAR && fstat(fd, &host) == 0)
      status.size = (uint64_t)host.st_size;
  }
  return failed < 0 ? failed : tn_p1_store_filestat(call, in[1].u32, &status);
}

/* ---- changing files ----------------------------------------------------------------------------- */

static int fd_filestat_set_size(tn_p1_call *call, const tn_core_value *in) {
  tn_descriptor *descriptor;
  int failed = tn_p1_descriptor_get(call, in[0].u32, TN_P1_FD_FILESTAT_SET_SIZE, &descriptor);
  return failed < 0 ? failed : tn_descriptor_set_size(descriptor, in[1].u64);
}

static int fd_filestat_set_times(tn_p1_call *call, const tn_core_value *in) {
  tn_descriptor *descriptor;
  struct timespec times[2];
  int failed = tn_p1_descriptor_get(call, in[0].u32, TN_P1_FD_FILESTAT_SET_TIMES, &descriptor);
  if (failed == 0) failed = tn_p1_times(in[1].u64, in[2].u64, in[3].u32, times);
  return failed < 0 ? failed : tn_wasi_set_times(call->wasi, descriptor, times);
}

static int fd_advise(tn_p1_call *call, const tn_core_value *in) {
  tn_descriptor *descriptor;
  int failed = tn_p1_descriptor_get(call, in[0].u32, TN_P1_FD_ADVISE, &descriptor);
  return failed < 0 ? failed : tn_descriptor_advise(descriptor, in[1].u64, in[2].u64, in[3].u32);
}

static int fd_allocate(tn_p1_call *call, const tn_core_value *in) {
  tn_descriptor *descriptor;
  int failed = tn_p1_descriptor_get(call, in[0].u32, TN_P1_FD_ALLOCATE, &descriptor);
  return failed < 0 ? failed : tn_descriptor_allocate(descriptor, in[1].u64, in[2].u64);
}

static int write_to_disk(tn_p1_call *call, uint32_t number, uint64_t right, bool data_only) {
  tn_p1_entry *entry;
  int outcome = tn_p1_entry_get(call, number, right, &entry);
  if (outcome < 0 || entry->descriptor == NULL) return outcome;
  tn_error *error = tn_descriptor_sync(entry->descriptor, data_only, call->wasi->guest,
                                       call->runtime->context, &outcome);
  return error != NULL ? tn_p1_fail(call, error) : outcome;
}

static int fd_sync(tn_p1_call *call, const tn_core_value *in) {
  return write_to_disk(call, in[0].u32, TN_P1_FD_SYNC, false);
}

static int fd_datasync(tn_p1_call *call, const tn_core_value *in) {
  return write_to_disk(call, in[0].u32, TN_P1_FD_DATASYNC, true);
}

/* ---- position ----------------------------------------------------------------------------------- */

static int seek(tn_p1_call *call, uint32_t number, uint64_t right, int64_t offset, int whence,
                uint32_t out) {
  tn_p1_entry *entry;
  int failed = tn_p1_entry_get(call, number, right, &entry);
  if (failed < 0) return failed;
  int fd = tn_p1_entry_fd(entry);
  if (fd < 0) return -ESPIPE;
  off_t position = lseek(fd, offset, whence);
  return position < 0 ? -errno : tn_p1_store_u64(call, out, (uint64_t)position);
}

static int fd_seek(tn_p1_call *call, const tn_core_value *in) {
  static const int whences[] = {SEEK_SET, SEEK_CUR, SEEK_END};
  if (in[2].u32 >= sizeof whences / sizeof *whences) return -EINVAL;
  return seek(call, in[0].u32, TN_P1_FD_SEEK, in[1].i64, whences[in[2].u32], in[3].u32);
}

static int fd_tell(tn_p1_call *call, const tn_core_value *in) {
  return seek(call, in[0].u32, TN_P1_FD_TELL, 0, SEEK_CUR, in[1].u32);
}

/* ---- numbers ------------------------------------------------------------------------------------ */

static int fd_close(tn_p1_call *call, const tn_core_value *in) {
  tn_p1_entry *entry;
  int failed = tn_p1_entry_get(call, in[0].u32, 0, &entry);
  if (failed == 0) tn_p1_entry_close(call->preview1, in[0].u32);
  return failed;
}

static int fd_renumber(tn_p1_call *call, const tn_core_value *in) {
  tn_p1_entry *from, *to;
  int failed = tn_p1_entry_get(call, in[0].u32, 0, &from);
  if (failed == 0) failed = tn_p1_entry_get(call, in[1].u32, 0, &to);
  if (failed < 0 || from == to) return failed;
  tn_p1_entry moved = *from;
  tn_p1_entry_close(call->preview1, in[1].u32);
  *to = moved;
  *from = (tn_p1_entry){0};
  if (in[0].u32 < call->preview1->lowest_free) call->preview1->lowest_free = in[0].u32;
  return 0;
}

static int preopen_get(tn_p1_call *call, uint32_t number, tn_str *name) {
  tn_p1_entry *entry;
  int failed = tn_p1_entry_get(call, number, 0, &entry);
  if (failed < 0 || entry->preopen == NULL) return -EBADF;
  *name = entry->preopen->guest_path;
  return 0;
}

static int fd_prestat_get(tn_p1_call *call, const tn_core_value *in) {
  tn_str name;
  int failed = preopen_get(call, in[0].u32, &name);
  if (failed < 0) return failed;
  prestat out;
  memset(&out, 0, sizeof out);
  out.name_size = (uint32_t)name.len;
  return tn_p1_store(call, in[1].u32, &out, sizeof out);
}

static int fd_prestat_dir_name(tn_p1_call *call, const tn_core_value *in) {
  tn_str name;
  int failed = preopen_get(call, in[0].u32, &name);
  if (failed < 0) return failed;
  if (in[2].u32 < name.len) return -ENAMETOOLONG;
  return tn_p1_store(call, in[1].u32, name.data, name.len);
}

/* ---- table -------------------------------------------------------------------------------------- */

TN_P1_FUNCTION(fd_advise)
TN_P1_FUNCTION(fd_allocate)
TN_P1_FUNCTION(fd_close)
TN_P1_FUNCTION(fd_datasync)
TN_P1_FUNCTION(fd_fdstat_get)
TN_P1_FUNCTION(fd_fdstat_set_flags)
TN_P1_FUNCTION(fd_fdstat_set_rights)
TN_P1_FUNCTION(fd_filestat_get)
TN_P1_FUNCTION(fd_filestat_set_size)
TN_P1_FUNCTION(fd_filestat_set_times)
TN_P1_FUNCTION(fd_prestat_dir_name)
TN_P1_FUNCTION(fd_prestat_get)
TN_P1_FUNCTION(fd_renumber)
TN_P1_FUNCTION(fd_seek)
TN_P1_FUNCTION(fd_sync)
TN_P1_FUNCTION(fd_tell)

static const tn_host_core_func funcs[] = {
    {"fd_advise", "iIIi", "i", fd_advise_entry},
    {"fd_allocate", "iII", "i", fd_allocate_entry},
    {"fd_close", "i", "i", fd_close_entry},
    {"fd_datasync", "i", "i", fd_datasync_entry},
    {"fd_fdstat_get", "ii", "i", fd_fdstat_get_entry},
    {"fd_fdstat_set_flags", "ii", "i", fd_fdstat_set_flags_entry},
    {"fd_fdstat_set_rights", "iII", "i", fd_fdstat_set_rights_entry},
    {"fd_filestat_get", "ii", "i", fd_filestat_get_entry},
    {"fd_filestat_set_size", "iI", "i", fd_filestat_set_size_entry},
    {"fd_filestat_set_times", "iIIi", "i", fd_filestat_set_times_entry},
    {"fd_prestat_dir_name", "iii", "i", fd_prestat_dir_name_entry},
    {"fd_prestat_get", "ii", "i", fd_prestat_get_entry},
    {"fd_renumber", "ii", "i", fd_renumber_entry},
    {"fd_seek", "iIii", "i", fd_seek_entry},
    {"fd_sync", "i", "i", fd_sync_entry},
    {"fd_tell", "ii", "i", fd_tell_entry},
};

const tn_p1_group tn_p1_descriptor_funcs = {funcs, sizeof funcs / sizeof *funcs};
