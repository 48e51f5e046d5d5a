#include "wasi/system/path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As the kernel's own limit. */
enum { MAX_LINKS = 40 };
/* Directories that the walk keeps open at once, to be able to go back with "..". */
enum { MAX_DEPTH = 256 };
/* With RESOLVE_BENEATH the kernel answers EAGAIN when something was renamed while it looked at "..". */
enum { MAX_RETRIES = 32 };

int tn_path_check(tn_str path) {
  if (path.len == 0) return -ENOENT;
  if (path.len >= PATH_MAX) return -ENAMETOOLONG;
  if (memchr(path.data, 0, path.len) != NULL) return -EINVAL;
  if (path.data[0] == '/') return -EPERM;
  return 0;
}

/* ---- the walk ----------------------------------------------------------------------------------- */

/* A walk in progress. Invariants: stack[0] is the base and not owned, stack[1..depth] are directories that
 * were each opened without following links in the one before; rest is what is still to be resolved, ended
 * by NUL. So ".." can only lead back to where the walk has come from, whatever is renamed meanwhile. */
typedef struct walk {
  int stack[MAX_DEPTH + 1];
  int depth;
  int links;
  char rest[PATH_MAX];
} walk;

static void walk_pop(walk *self) {
  close(self->stack[self->depth--]);
}

/* Puts the contents of the link before what follows it in `rest` (after_name points there). */
static int walk_expand(walk *self, int link, const char *after_name) {
  char target[PATH_MAX];
  if (++self->links > MAX_LINKS) return -ELOOP;
  ssize_t size = readlinkat(link, "", target, sizeof target);
  if (size < 0) return -errno;
  if (size == 0) return -ENOENT;
  if (target[0] == '/') return -EPERM;
  size_t rest_size = strlen(after_name);
  if ((size_t)size + rest_size + 1 > sizeof self->rest) return -ENAMETOOLONG;
  memmove(self->rest + size, after_name, rest_size + 1);
  memcpy(self->rest, target, (size_t)size);
  return 0;
}

/* Goes through a component that something follows: a directory or a link. `name` is ended by NUL. */
static int walk_enter(walk *self, const char *name, const char *after_name) {
  int fd = openat(self->stack[self->depth], name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return -errno;
  struct stat status;
  int result = fstat(fd, &status) < 0 ? -errno : 0;
  if (result == 0 && S_ISDIR(status.st_mode)) {
    if (self->depth == MAX_DEPTH) {
      result = -ENAMETOOLONG;
    } else {
      self->stack[++self->depth] = fd;
      memmove(self->rest, after_name, strlen(after_name) + 1);
      return 0;
    }
  } else if (result == 0 && S_ISLNK(status.st_mode)) {
    result = walk_expand(self, fd, after_name);
  } else if (result == 0) {
    result = -ENOTDIR;
  }
  close(fd);
  return result;
}

/* Opens the last component. Returns the descriptor, or -EAGAIN when it was a link that now lies expanded in
 * `rest`, or what went wrong. */
static int walk_finish(walk *self, const char *name, int flags, mode_t mode) {
  int top = self->stack[self->depth];
  if ((flags & O_NOFOLLOW) == 0) {
    int fd = openat(top, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0) {
      struct stat status;
      int result = fstat(fd, &status) < 0 ? -errno : 0;
      bool is_link = result == 0 && S_ISLNK(status.st_mode);
      if (is_link && (flags & O_EXCL) != 0) result = -EEXIST;
      if (is_link && result == 0) result = walk_expand(self, fd, "");
      close(fd);
      if (result < 0) return result;
      if (is_link) return -EAGAIN;
    } else if (errno != ENOENT) {
      return -errno;
    }
  }
  int fd = openat(top, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
  return fd < 0 ? -errno : fd;
}

/* Opens the directory that the walk stands in: the path ended with ".", ".." or a slash. */
static int walk_finish_directory(walk *self, int flags) {
  if ((flags & O_CREAT) != 0) return -EISDIR;
  int fd = openat(self->stack[self->depth], ".", (flags & ~O_NOFOLLOW) | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

static int walk_run(walk *self, int flags, mode_t mode) {
  for (;;) {
    char *name = self->rest + strspn(self->rest, "/");
    size_t size = strcspn(name, "/");
    if (size == 0) return walk_finish_directory(self, flags);
    char component[NAME_MAX + 1];
    if (size > NAME_MAX) return -ENAMETOOLONG;
    memcpy(component, name, size);
    component[size] = 0;
    const char *after_name = name + size;
    if (strcmp(component, ".") == 0 || strcmp(component, "..") == 0) {
      if (component[1] == '.') {
        if (self->depth == 0) return -EPERM;
        walk_pop(self);
      }
      memmove(self->rest, after_name, strlen(after_name) + 1);
    } else if (*after_name == '/') {
      /* openat(2) refuses to create what has a slash after its name. */
      bool is_last = after_name[strspn(after_name, "/")] == 0;
      if (is_last && (flags & O_CREAT) != 0) return -EISDIR;
      int result = walk_enter(self, component, after_name);
      if (result < 0) return result;
    } else {
      int result = walk_finish(self, component, flags, mode);
      if (result != -EAGAIN) return result;
    }
  }
}

static int walk_open(int base, tn_str path, int flags, mode_t mode) {
  walk self;
  self.stack[0] = base;
  self.depth = self.links = 0;
  memcpy(self.rest, path.data, path.len);
  self.rest[path.len] = 0;
  int result = walk_run(&self, flags, mode);
  while (self.depth > 0)
    walk_pop(&self);
  return result;
}

/* ---- opening ------------------------------------------------------------------------------------ */

int tn_path_open(tn_path_base base, tn_str path, int flags, mode_t mode) {
  int checked = tn_path_check(path);
  if (checked < 0) return checked;
  if ((flags & O_CREAT) == 0) mode = 0; /* openat2 insists */
  if (base.walk) return walk_open(base.fd, path, flags, mode);
  char text[PATH_MAX];
  memcpy(text, path.data, path.len);
  text[path.len] = 0;
  struct open_how how = {
      .flags = (uint64_t)(flags | O_CLOEXEC),
      .mode = mode,
      .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
  };
  for (int i = 0; i < MAX_RETRIES; i++) {
    long fd = syscall(SYS_openat2, base.fd, text, &how, sizeof how);
    if (fd >= 0) return (int)fd;
    if (errno == EXDEV) return -EPERM;
    /* Not there, or refused by a filter (some answer EPERM): the walk finds out what is really the case. */
    if (errno == ENOSYS || errno == EPERM) break;
    if (errno != EAGAIN && errno != EINTR) return -errno;
  }
  return walk_open(base.fd, path, flags, mode);
}

/* ---- parents ------------------------------------------------------------------------------------ */

/* The path as a whole must not lead outside, also where the last component is "..", or a link that a slash
 * follows: the system call on the last component would not tell. */
static int check_whole(tn_path_base base, tn_str path) {
  int fd = tn_path_open(base, path, O_PATH, 0);
  if (fd >= 0) close(fd);
  return fd == -EPERM ? fd : 0;
}

int tn_path_parent_open(tn_path_base base, tn_str path, tn_path_parent *out) {
  int result = tn_path_check(path);
  if (result < 0) return result;
  size_t end = path.len;
  while (path.data[end - 1] == '/')
    end--; /* not absolute: some other byte comes before */
  size_t start = end;
  while (start > 0 && path.data[start - 1] != '/')
    start--;
  size_t size = end - start;
  if (size > NAME_MAX) return -ENAMETOOLONG;
  memcpy(out->name, path.data + start, size);
  out->name[size] = 0;
  if (end < path.len || strcmp(out->name, "..") == 0) {
    result = check_whole(base, path);
    if (result < 0) return result;
  }
  if (end < path.len) strcpy(out->name + size, "/");
  out->fd = base.fd;
  out->is_owned = start > 0;
  if (start == 0) return 0;
  int fd = tn_path_open(base, tn_str_slice(path, 0, start), O_PATH | O_DIRECTORY, 0);
  if (fd < 0) return fd;
  out->fd = fd;
  return 0;
}

void tn_path_parent_close(tn_path_parent *parent) {
  if (parent->is_owned) close(parent->fd);
}
