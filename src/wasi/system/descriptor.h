/* Open files and directories, and everything that can be done with them or with paths beneath them: the
 * operations under preview 1 and wasi:filesystem. They never wait for anything but the disk; what may take
 * long there (sync) goes through the loop's pool.
 *
 * Unless said otherwise, functions return 0 (or a count) or a negative errno. */
#ifndef TN_WASI_SYSTEM_DESCRIPTOR_H
#define TN_WASI_SYSTEM_DESCRIPTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "loop/loop.h"
#include "wasi/system/path.h"

/* In the order of wasi:filesystem/types.descriptor-type. */
typedef enum tn_file_type {
  TN_FILE_UNKNOWN,
  TN_FILE_BLOCK_DEVICE,
  TN_FILE_CHARACTER_DEVICE,
  TN_FILE_DIRECTORY,
  TN_FILE_FIFO,
  TN_FILE_SYMBOLIC_LINK,
  TN_FILE_REGULAR,
  TN_FILE_SOCKET,
} tn_file_type;

/* How something was opened. */
typedef struct tn_open_options {
  bool follow; /* a link as the last component */
  bool create;
  bool exclusive; /* only with create */
  bool truncate;
  bool directory;
  bool read;
  bool write;
  bool append;
  bool sync;
  bool data_sync;
  bool read_sync;
  bool mutate; /* what a directory holds; only told back, see is_read_only */
} tn_open_options;

/* Counted: a guest's handle is one reference, each stream made from it another.
 * Invariants: the system descriptor is non-blocking unless it was granted by the embedder; is_read_only holds
 * for everything opened beneath a directory for which it holds; type does not change. */
typedef struct tn_descriptor {
  int fd;
  uint32_t references;
  tn_file_type type;
  tn_open_options options; /* of its opening; for a granted directory, read and mutate */
  bool is_read_only;       /* granted with TN_DIRECTORY_READ_ONLY: nothing may be changed */
  bool is_borrowed;        /* fd belongs to the configuration */
  bool walk;               /* see tn_path_base */
} tn_descriptor;

/* A granted directory; `fd` stays the caller's and must outlive it. NULL: out of memory. */
tn_descriptor *tn_descriptor_for_directory(int fd, bool is_read_only);
/* Any descriptor that is now owned by the result (a connection, say). Closes it when out of memory. */
tn_descriptor *tn_descriptor_for_socket(int fd);
int tn_descriptor_open(tn_descriptor *directory, tn_str path, const tn_open_options *options,
                       tn_descriptor **out);
static inline tn_descriptor *tn_descriptor_retain(tn_descriptor *descriptor) {
  descriptor->references++;
  return descriptor;
}
void tn_descriptor_release(tn_descriptor *descriptor);

/* ---- attributes --------------------------------------------------------------------------------- */

typedef struct tn_file_status {
  uint64_t device;
  uint64_t inode;
  tn_file_type type;
  uint64_t links;
  uint64_t size;
  struct timespec accessed;
  struct timespec modified;
  struct timespec changed;
} tn_file_status;

tn_file_type tn_file_type_of_mode(mode_t mode);
int tn_descriptor_status(tn_descriptor *descriptor, tn_file_status *out);
int tn_descriptor_status_at(tn_descriptor *directory, tn_str path, bool follow,
                            tn_file_status *out);
/* `times`: access, modification; tv_nsec may be UTIME_NOW or UTIME_OMIT. */
int tn_descriptor_set_times(tn_descriptor *descriptor, const struct timespec times[2]);
int tn_descriptor_set_times_at(tn_descriptor *directory, tn_str path, bool follow,
                               const struct timespec times[2]);
int tn_descriptor_set_size(tn_descriptor *descriptor, uint64_t size);
int tn_descriptor_allocate(tn_descriptor *descriptor, uint64_t offset, uint64_t size);
/* `advice` in the guest's numbering, 0-5: normal, sequential, random, will need, don't need, no reuse. */
int tn_descriptor_advise(tn_descriptor *descriptor, uint64_t offset, uint64_t size,
                         unsigned advice);
/* Writes to disk on a pool thread. The error is that of the wait. */
tn_error *tn_descriptor_sync(tn_descriptor *descriptor, bool data_only, tn_guest *guest,
                             tn_core_context *context, int *result);

/* ---- contents ----------------------------------------------------------------------------------- */

/* As pread and pwrite; never partial on account of a signal alone. */
int64_t tn_descriptor_read(tn_descriptor *descriptor, uint8_t *out, size_t size, uint64_t offset);
int64_t tn_descriptor_write(tn_descriptor *descriptor, const uint8_t *bytes, size_t size,
                            uint64_t offset);
/* Writes at the end, wherever that is by then. */
int64_t tn_descriptor_append(tn_descriptor *descriptor, const uint8_t *bytes, size_t size);

/* ---- paths -------------------------------------------------------------------------------------- */

int tn_descriptor_create_directory(tn_descriptor *directory, tn_str path);
int tn_descriptor_remove_directory(tn_descriptor *directory, tn_str path);
int tn_descriptor_unlink(tn_descriptor *directory, tn_str path);
int tn_descriptor_rename(tn_descriptor *from, tn_str from_path, tn_descriptor *to, tn_str to_path);
/* `follow` with a link as the last component of from_path is -EINVAL: links to links' targets are not made. */
int tn_descriptor_link(tn_descriptor *from, tn_str from_path, bool follow, tn_descriptor *to,
                       tn_str to_path);
/* An absolute `target` is -EPERM. */
int tn_descriptor_symlink(tn_descriptor *directory, tn_str target, tn_str path);
/* Returns the length, of which at most `size` bytes are in `out`; an absolute target is -EPERM. */
int64_t tn_descriptor_readlink(tn_descriptor *directory, tn_str path, char *out, size_t size);

#endif
