/* Resolving a guest's paths beneath a directory. Whatever the path, the symbolic links on the way and other
 * processes renaming things meanwhile: nothing outside the directory is ever opened.
 *
 * Two methods do the same: openat2 with RESOLVE_BENEATH, and, where the kernel or a filter refuses that
 * system call, a walk of our own, one component at a time. All functions return a descriptor or 0, or a
 * negative errno; what would lead outside (an absolute path, "..", a link) is -EPERM. */
#ifndef TN_WASI_SYSTEM_PATH_H
#define TN_WASI_SYSTEM_PATH_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/str.h"

/* Where a path starts. `walk` picks the second method even where the first would work (for tests). */
typedef struct tn_path_base {
  int fd;
  bool walk;
} tn_path_base;

/* Opens `path` with open(2) flags; O_CLOEXEC is added. With O_NOFOLLOW a link as the last component is not
 * followed: -ELOOP, or the link itself with O_PATH. */
int tn_path_open(tn_path_base base, tn_str path, int flags, mode_t mode);

/* The directory in which the last component of a path is to be created, removed or renamed. */
typedef struct tn_path_parent {
  int fd;
  bool is_owned;           /* fd was opened for this; else it is the base's */
  char name[NAME_MAX + 2]; /* the last component, with one "/" where the path ends with slashes */
} tn_path_parent;

/* Checks the path and finds the parent; the last component need not exist and is not followed. */
int tn_path_parent_open(tn_path_base base, tn_str path, tn_path_parent *out);
void tn_path_parent_close(tn_path_parent *parent);

/* 0 when the path may be used at all: not empty (-ENOENT), not too long, no NUL in it, not absolute. */
int tn_path_check(tn_str path);

#endif
