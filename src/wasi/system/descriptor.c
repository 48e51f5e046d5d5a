#include "wasi/system/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"

static tn_path_base base_of(const tn_descriptor *directory) {
  return (tn_path_base){directory->fd, directory->walk};
}

static int negative_errno(int result) {
  return result < 0 ? -errno : result;
}

/* ---- opening and closing ------------------------------------------------------------------------ */

static tn_descriptor *make(int fd, tn_file_type type) {
  tn_descriptor *made = tn_calloc(1, sizeof *made);
  if (made == NULL) return NULL;
  made->fd = fd;
  made->references = 1;
  made->type = type;
  return made;
}

tn_descriptor *tn_descriptor_for_directory(int fd, bool is_read_only) {
  tn_descriptor *made = make(fd, TN_FILE_DIRECTORY);
  if (made == NULL) return NULL;
  made->options.read = true;
  made->is_read_only = is_read_only;
  made->options.mutate = !is_read_only;
  made->is_borrowed = true;
  return made;
}

tn_descriptor *tn_descriptor_for_socket(int fd) {
  tn_descriptor *made = make(fd, TN_FILE_SOCKET);
  if (made == NULL) {
    close(fd);
    return NULL;
  }
  made->options.read = made->options.write = true;
  return made;
}

/* Always non-blocking and never a controlling terminal: a guest that opens a FIFO or a device must not hold
 * the thread. Regular files do not care. */
static int open_flags(const tn_open_options *options) {
  int flags = O_NONBLOCK | O_NOCTTY;
  if (options->write) {
    flags |= options->read ? O_RDWR : O_WRONLY;
  } else {
    flags |= O_RDONLY;
  }
  if (!options->follow) flags |= O_NOFOLLOW;
  if (options->create) flags |= O_CREAT;
  if (options->create && options->exclusive) flags |= O_EXCL;
  if (options->truncate) flags |= O_TRUNC;
  if (options->directory) flags |= O_DIRECTORY;
  if (options->append) flags |= O_APPEND;
  if (options->sync) flags |= O_SYNC;
  if (options->data_sync) flags |= O_DSYNC;
  return flags;
}

int tn_descriptor_open(tn_descriptor *directory, tn_str path, const tn_open_options *options,
                       tn_descriptor **out) {
  if (directory->type != TN_FILE_DIRECTORY) return -ENOTDIR;
  if (options->create && options->directory) return -EINVAL;
  if (directory->is_read_only && (options->write || options->create || options->truncate))
    return -EROFS;
  int fd = tn_path_open(base_of(directory), path, open_flags(options), 0666);
  if (fd < 0) return fd;
  struct stat status;
  if (fstat(fd, &status) < 0) {
    int result = -errno;
    close(fd);
    return result;
  }
  tn_descriptor *made = make(fd, tn_file_type_of_mode(status.st_mode));
  if (made == NULL) {
    close(fd);
    return -ENOMEM;
  }
  made->options = *options;
  made->is_read_only = directory->is_read_only;
  made->walk = directory->walk;
  *out = made;
  return 0;
}

void tn_descriptor_release(tn_descriptor *descriptor) {
  if (--descriptor->references > 0) return;
  if (!descriptor->is_borrowed) close(descriptor->fd);
  tn_free(descriptor);
}

/* ---- attributes --------------------------------------------------------------------------------- */

tn_file_type tn_file_type_of_mode(mode_t mode) {
  switch (mode & S_IFMT) {
  case S_IFBLK:
    return TN_FILE_BLOCK_DEVICE;
  case S_IFCHR:
    return TN_FILE_CHARACTER_DEVICE;
  case S_IFDIR:
    return TN_FILE_DIRECTORY;
  case S_IFIFO:
    return TN_FILE_FIFO;
  case S_IFLNK:
    return TN_FILE_SYMBOLIC_LINK;
  case S_IFREG:
    return TN_FILE_REGULAR;
  case S_IFSOCK:
    return TN_FILE_SOCKET;
  default:
    return TN_FILE_UNKNOWN;
  }
}

static void take_status(const struct stat *status, tn_file_status *out) {
  *out = (tn_file_status){
      .device = status->st_dev,
      .inode = status->st_ino,
      .type = tn_file_type_of_mode(status->st_mode),
      .links = status->st_nlink,
      .size = (uint64_t)status->st_size,
      .accessed = status->st_atim,
      .modified = status->st_mtim,
      .changed = status->st_ctim,
  };
}

int tn_descriptor_status(tn_descriptor *descriptor, tn_file_status *out) {
  struct stat status;
  if (fstat(descriptor->fd, &status) < 0) return -errno;
  take_status(&status, out);
  return 0;
}

/* Whether the path is one plain name, which cannot lead anywhere else as long as links are not followed. */
static bool is_plain_name(tn_str path) {
  return tn_path_check(path) == 0 && path.len <= NAME_MAX &&
         memchr(path.data, '/', path.len) == NULL && !tn_str_equal(path, TN_STR(".."));
}

int tn_descriptor_status_at(tn_descriptor *directory, tn_str path, bool follow,
                            tn_file_status *out) {
  if (directory->type != TN_FILE_DIRECTORY) return -ENOTDIR;
  struct stat status;
  if (is_plain_name(path)) {
    /* The common case needs one system call instead of three. */
    char name[NAME_MAX + 1];
    memcpy(name, path.data, path.len);
    name[path.len] = 0;
    if (fstatat(directory->fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0) return -errno;
    if (!follow || !S_ISLNK(status.st_mode)) {
      take_status(&status, out);
      return 0;
    }
  }
  int fd = tn_path_open(base_of(directory), path, O_PATH | (follow ? 0 : O_NOFOLLOW), 0);
  if (fd < 0) return fd;
  int result = negative_errno(fstat(fd, &status));
  close(fd);
  if (result == 0) take_status(&status, out);
  return result;
}

int tn_descriptor_set_times(tn_descriptor *descriptor, const struct timespec times[2]) {
  if (descriptor->is_read_only) return -EROFS;
  return negative_errno(futimens(descriptor->fd, times));
}

int tn_descriptor_set_times_at(tn_descriptor *directory, tn_str path, bool follow,
                               const struct timespec times[2]) {
  if (directory->type != TN_FILE_DIRECTORY) return -ENOTDIR;
  if (directory->is_read_only) return -EROFS;
  int fd = tn_path_open(base_of(directory), path, O_PATH | (follow ? 0 : O_NOFOLLOW), 0);
  if (fd < 0) return fd;
  int result = negative_errno(utimensat(fd, "", times, AT_EMPTY_PATH));
  if (result == -EINVAL || result == -ENOENT) {
    /* Kernels before 5.8 do not know AT_EMPTY_PATH here. */
    char path_of_fd[32];
    snprintf(path_of_fd, sizeof path_of_fd, "/proc/self/fd/%d", fd);
    result = negative_errno(utimensat(AT_FDCWD, path_of_fd, times, 0));
  }
  close(fd);
  return result;
}

int tn_descriptor_set_size(tn_descriptor *descriptor, uint64_t size) {
  if (descriptor->type == TN_FILE_DIRECTORY) return -EISDIR;
  if (descriptor->is_read_only) return -EROFS;
  if (size > INT64_MAX) return -EFBIG;
  return negative_errno(ftruncate(descriptor->fd, (off_t)size));
}

int tn_descriptor_allocate(tn_descriptor *descriptor, uint64_t offset, uint64_t size) {
  if (descriptor->type == TN_FILE_DIRECTORY) return -EISDIR;
  if (descriptor->is_read_only) return -EROFS;
  if (offset > INT64_MAX || size > INT64_MAX) return -EFBIG;
  return negative_errno(fallocate(descriptor->fd, 0, (off_t)offset, (off_t)size));
}

int tn_descriptor_advise(tn_descriptor *descriptor, uint64_t offset, uint64_t size,
                         unsigned advice) {
  static const int advices[] = {POSIX_FADV_NORMAL,   POSIX_FADV_SEQUENTIAL, POSIX_FADV_RANDOM,
                                POSIX_FADV_WILLNEED, POSIX_FADV_DONTNEED,   POSIX_FADV_NOREUSE};
  if (advice >= sizeof advices / sizeof *advices) return -EINVAL;
  if (descriptor->type == TN_FILE_DIRECTORY) return -EBADF;
  if (offset > INT64_MAX || size > INT64_MAX) return -EINVAL;
  return -posix_fadvise(descriptor->fd, (off_t)offset, (off_t)size, advices[advice]);
}

typedef struct sync_work {
  int fd;
  bool data_only;
  int result;
} sync_work;

static void run_sync(void *argument) {
  sync_work *work = argument;
  do {
    work->result = negative_errno(work->data_only ? fdatasync(work->fd) : fsync(work->fd));
  } while (work->result == -EINTR);
}

tn_error *tn_descriptor_sync(tn_descriptor *descriptor, bool data_only, tn_guest *guest,
                             tn_core_context *context, int *result) {
  bool is_directory = descriptor->type == TN_FILE_DIRECTORY;
  *result = 0;
  /* What cannot have been written to has nothing to sync, and the system would refuse pipes and devices. */
  if (!is_directory && (!descriptor->options.write || descriptor->type != TN_FILE_REGULAR))
    return NULL;
  sync_work work = {.fd = descriptor->fd, .data_only = data_only};
  /* The descriptor may be closed by another fiber meanwhile. */
  tn_descriptor_retain(descriptor);
  tn_error *error = tn_loop_blocking(guest, context, run_sync, &work);
  tn_descriptor_release(descriptor);
  *result = work.result;
  return error;
}

/* ---- contents ----------------------------------------------------------------------------------- */

int64_t tn_descriptor_read(tn_descriptor *descriptor, uint8_t *out, size_t size, uint64_t offset) {
  if (!descriptor->options.read) return -EBADF;
  if (offset > INT64_MAX) return -EINVAL;
  ssize_t count;
  do {
    count = pread(descriptor->fd, out, size, (off_t)offset);
  } while (count < 0 && errno == EINTR);
  return count < 0 ? -errno : count;
}

int64_t tn_descriptor_write(tn_descriptor *descriptor, const uint8_t *bytes, size_t size,
                            uint64_t offset) {
  if (!descriptor->options.write) return -EBADF;
  if (offset > INT64_MAX) return -EINVAL;
  ssize_t count;
  do {
    count = pwrite(descriptor->fd, bytes, size, (off_t)offset);
  } while (count < 0 && errno == EINTR);
  return count < 0 ? -errno : count;
}

int64_t tn_descriptor_append(tn_descriptor *descriptor, const uint8_t *bytes, size_t size) {
  if (!descriptor->options.write) return -EBADF;
  struct iovec part = {(void *)(uintptr_t)bytes, size};
  ssize_t count;
  do {
    count = pwritev2(descriptor->fd, &part, 1, 0, RWF_APPEND);
  } while (count < 0 && errno == EINTR);
  return count < 0 ? -errno : count;
}

/* ---- paths -------------------------------------------------------------------------------------- */

/* Finds where something is to be changed. */
static int change_open(tn_descriptor *directory, tn_str path, tn_path_parent *out) {
  if (directory->type != TN_FILE_DIRECTORY) return -ENOTDIR;
  int result = tn_path_parent_open(base_of(directory), path, out);
  if (result == 0 && directory->is_read_only) {
    tn_path_parent_close(out);
    return -EROFS;
  }
  return result;
}

int tn_descriptor_create_directory(tn_descriptor *directory, tn_str path) {
  tn_path_parent parent;
  int result = change_open(directory, path, &parent);
  if (result < 0) return result;
  result = negative_errno(mkdirat(parent.fd, parent.name, 0777));
  tn_path_parent_close(&parent);
  return result;
}

static int remove_at(tn_descriptor *directory, tn_str path, int flags) {
  tn_path_parent parent;
  int result = change_open(directory, path, &parent);
  if (result < 0) return result;
  result = negative_errno(unlinkat(parent.fd, parent.name, flags));
  tn_path_parent_close(&parent);
  return result;
}

int tn_descriptor_remove_directory(tn_descriptor *directory, tn_str path) {
  return remove_at(directory, path, AT_REMOVEDIR);
}

int tn_descriptor_unlink(tn_descriptor *directory, tn_str path) {
  return remove_at(directory, path, 0);
}

int tn_descriptor_rename(tn_descriptor *from, tn_str from_path, tn_descriptor *to, tn_str to_path) {
  tn_path_parent old_parent, new_parent;
  int result = change_open(from, from_path, &old_parent);
  if (result < 0) return result;
  result = change_open(to, to_path, &new_parent);
  if (result == 0) {
    result =
        negative_errno(renameat(old_parent.fd, old_parent.name, new_parent.fd, new_parent.name));
    tn_path_parent_close(&new_parent);
  }
  tn_path_parent_close(&old_parent);
  return result;
}

static bool is_link(const tn_path_parent *parent) {
  struct stat status;
  return fstatat(parent->fd, parent->name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISLNK(status.st_mode);
}

int tn_descriptor_link(tn_descriptor *from, tn_str from_path, bool follow, tn_descriptor *to,
                       tn_str to_path) {
  tn_path_parent old_parent, new_parent;
  int result = change_open(from, from_path, &old_parent);
  if (result < 0) return result;
  if (strchr(old_parent.name, '/') != NULL) {
    /* The system would follow a link here. Only a directory may have a slash, and those cannot be linked. */
    tn_path_parent_close(&old_parent);
    int fd = tn_path_open(base_of(from), from_path, O_PATH | O_DIRECTORY, 0);
    if (fd < 0) return fd;
    close(fd);
    return -EPERM;
  }
  if (follow && is_link(&old_parent)) {
    tn_path_parent_close(&old_parent);
    return -EINVAL;
  }
  result = change_open(to, to_path, &new_parent);
  if (result == 0) {
    result =
        negative_errno(linkat(old_parent.fd, old_parent.name, new_parent.fd, new_parent.name, 0));
    tn_path_parent_close(&new_parent);
  }
  tn_path_parent_close(&old_parent);
  return result;
}

int tn_descriptor_symlink(tn_descriptor *directory, tn_str target, tn_str path) {
  int result = tn_path_check(target);
  if (result < 0) return result;
  char text[PATH_MAX];
  memcpy(text, target.data, target.len);
  text[target.len] = 0;
  tn_path_parent parent;
  result = change_open(directory, path, &parent);
  if (result < 0) return result;
  result = negative_errno(symlinkat(text, parent.fd, parent.name));
  tn_path_parent_close(&parent);
  return result;
}

int64_t tn_descriptor_readlink(tn_descriptor *directory, tn_str path, char *out, size_t size) {
  if (directory->type != TN_FILE_DIRECTORY) return -ENOTDIR;
  /* With the link itself open, a slash after its name has been followed already, and is EINVAL below. */
  int fd = tn_path_open(base_of(directory), path, O_PATH | O_NOFOLLOW, 0);
  if (fd < 0) return fd;
  char target[PATH_MAX];
  ssize_t length = readlinkat(fd, "", target, sizeof target);
  /* What is open but not a link answers ENOENT for an empty name. */
  int64_t result = length >= 0 ? length : errno == ENOENT ? -EINVAL : -errno;
  close(fd);
  if (result <= 0) return result;
  if (target[0] == '/') return -EPERM;
  memcpy(out, target, (size_t)result < size ? (size_t)result : size);
  return result;
}
