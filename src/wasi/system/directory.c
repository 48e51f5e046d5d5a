#include "wasi/system/directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/vec.h"

enum { BUFFER_SIZE = 32 * 1024 };

/* An entry of a directory that is read as a whole. */
typedef struct sorted_entry {
  tn_str name;
  uint64_t inode;
  tn_file_type type;
} sorted_entry;

/* Invariants: with `is_sorted`, what follows `sorted` in this sentence is not used, the entries are sorted[0..len) and
 * `position` is the index of the next one; else buffer[next..end) are entries not handed out yet; `position` is the cookie of the first of
 * them (of the entry to be read next when there are none). */
struct tn_directory {
  int fd;
  uint64_t inode;
  uint64_t position;
  uint64_t device;
  bool is_sorted;
  tn_arena arena;
  TN_VEC(sorted_entry) sorted;
  size_t next;
  size_t end;
  _Alignas(struct dirent64) char buffer[BUFFER_SIZE];
};

int tn_directory_open(tn_descriptor *descriptor, tn_directory **out) {
  if (descriptor->type != TN_FILE_DIRECTORY) return -ENOTDIR;
  tn_directory *made = tn_malloc(sizeof *made);
  if (made == NULL) return -ENOMEM;
  made->fd = openat(descriptor->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  struct stat status;
  if (made->fd < 0 || fstat(made->fd, &status) < 0) {
    int result = -errno;
    if (made->fd >= 0) close(made->fd);
    tn_free(made);
    return result;
  }
  made->inode = status.st_ino;
  made->device = status.st_dev;
  made->position = made->next = made->end = 0;
  made->is_sorted = false;
  made->arena = (tn_arena){0};
  made->sorted.items = NULL;
  made->sorted.len = made->sorted.cap = 0;
  *out = made;
  return 0;
}

void tn_directory_close(tn_directory *directory) {
  close(directory->fd);
  tn_arena_free(&directory->arena);
  tn_free(directory);
}

size_t tn_directory_size(const tn_directory *directory) {
  return sizeof *directory + tn_arena_size(&directory->arena);
}

uint64_t tn_directory_device(const tn_directory *directory) {
  return directory->device;
}

static const struct dirent64 *entry_at(const tn_directory *directory, size_t offset) {
  return (const struct dirent64 *)(const void *)(directory->buffer + offset);
}

static int seek_sorted(tn_directory *directory, uint64_t cookie) {
  if (cookie == 0 && directory->position != 0) return tn_directory_sort(directory);
  if (cookie > directory->sorted.len) return -EINVAL;
  directory->position = cookie;
  return 0;
}

int tn_directory_seek(tn_directory *directory, uint64_t cookie) {
  if (directory->is_sorted) return seek_sorted(directory, cookie);
  if (cookie == directory->position && cookie != 0) return 0;
  /* Callers whose buffer ended within an entry come back to one a little earlier. */
  for (size_t offset = 0; cookie != 0 && offset < directory->end;) {
    const struct dirent64 *entry = entry_at(directory, offset);
    offset += entry->d_reclen;
    if ((uint64_t)entry->d_off != cookie) continue;
    directory->next = offset;
    directory->position = cookie;
    return 0;
  }
  if (cookie > INT64_MAX) return -EINVAL;
  if (lseek(directory->fd, (off_t)cookie, SEEK_SET) < 0) return -errno;
  directory->position = cookie;
  directory->next = directory->end = 0;
  return 0;
}

static tn_file_type type_of(const tn_directory *directory, const struct dirent64 *entry) {
  if (entry->d_type != DT_UNKNOWN) return tn_file_type_of_mode(DTTOIF(entry->d_type));
  struct stat status;
  if (fstatat(directory->fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0)
    return TN_FILE_UNKNOWN;
  return tn_file_type_of_mode(status.st_mode);
}

static int next_in_file_system(tn_directory *directory, tn_directory_entry *out) {
  if (directory->next == directory->end) {
    long size = syscall(SYS_getdents64, directory->fd, directory->buffer, sizeof directory->buffer);
    /* A directory that was removed meanwhile has no more entries. */
    if (size < 0) return errno == ENOENT ? 0 : -errno;
    directory->next = 0;
    directory->end = (size_t)size;
    if (size == 0) return 0;
  }
  const struct dirent64 *entry = entry_at(directory, directory->next);
  directory->next += entry->d_reclen;
  directory->position = (uint64_t)entry->d_off;
  out->next = directory->position;
  out->name = tn_str_from(entry->d_name);
  out->type = type_of(directory, entry);
  /* What lies above a granted directory is none of the guest's business. */
  out->inode = tn_str_equal(out->name, TN_STR("..")) ? directory->inode : entry->d_ino;
  return 1;
}

/* ---- sorted ------------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b) {
  tn_str one = ((const sorted_entry *)a)->name, other = ((const sorted_entry *)b)->name;
  size_t common = one.len < other.len ? one.len : other.len;
  int order = memcmp(one.data, other.data, common);
  return order != 0 ? order : (one.len > other.len) - (one.len < other.len);
}

static int read_all(tn_directory *directory) {
  tn_directory_entry entry;
  int outcome;
  while ((outcome = next_in_file_system(directory, &entry)) == 1) {
    sorted_entry *added = TN_VEC_PUSH(&directory->arena, &directory->sorted);
    if (added == NULL) return -ENOMEM;
    *added = (sorted_entry){tn_arena_copy(&directory->arena, entry.name), entry.inode, entry.type};
    if (added->name.data == NULL) return -ENOMEM;
  }
  return outcome;
}

int tn_directory_sort(tn_directory *directory) {
  tn_arena_reset(&directory->arena);
  directory->sorted.items = NULL;
  directory->sorted.len = directory->sorted.cap = 0;
  directory->position = directory->next = directory->end = 0;
  directory->is_sorted = true;
  if (lseek(directory->fd, 0, SEEK_SET) < 0) return -errno;
  int outcome = read_all(directory);
  if (outcome < 0) return outcome;
  if (directory->sorted.len > 1)
    qsort(directory->sorted.items, directory->sorted.len, sizeof(sorted_entry), compare_names);
  directory->position = 0;
  return 0;
}

int tn_directory_next(tn_directory *directory, tn_directory_entry *out) {
  if (!directory->is_sorted) return next_in_file_system(directory, out);
  if (directory->position >= directory->sorted.len) return 0;
  const sorted_entry *entry = &directory->sorted.items[directory->position++];
  *out = (tn_directory_entry){directory->position, entry->inode, entry->type, entry->name};
  return 1;
}
