/* What keeps the cache of compiled artifacts from growing without end: entries that were not used for long go first.
 *
 * Processes do not talk to each other about it. An entry says by its time of modification when it was last used, and by
 * a shared lock that it is mapped: the lock belongs to the open file, which a mapping keeps as close does not. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/vec.h"
#include "engine/artifact.h"
#include "engine/private.h"

enum {
  TOUCH_SECONDS = 600,   /* a use is not noted more often than that */
  STALE_SECONDS = 3600,  /* what is being written for so long nobody writes any more */
  MAX_ENTRIES = 1 << 16, /* of which one trim takes note */
};

typedef struct entry {
  char name[65];
  struct timespec used;
  uint64_t size;
} entry;

typedef struct trimming {
  int folder;
  tn_arena arena;
  TN_VEC(entry) entries;
  uint64_t total;
} trimming;

void tn_cache_note_use(int descriptor, const struct stat *status) {
  flock(descriptor, LOCK_SH | LOCK_NB); /* taken only by a trim that is about to remove its name */
  if (time(NULL) - status->st_mtim.tv_sec > TOUCH_SECONDS) futimens(descriptor, NULL);
}

static bool is_key(const char *name) {
  return strlen(name) == 64 && strspn(name, "0123456789abcdef") == 64;
}

static bool is_stale(const char *name, const struct stat *status) {
  return strncmp(name, TN_CACHE_UNFINISHED, sizeof TN_CACHE_UNFINISHED - 1) == 0 &&
         time(NULL) - status->st_mtim.tv_sec > STALE_SECONDS;
}

/* Other names are none of ours. */
static void note(trimming *t, const char *name) {
  struct stat status;
  if (fstatat(t->folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode))
    return;
  if (is_stale(name, &status)) unlinkat(t->folder, name, 0);
  if (!is_key(name) || t->entries.len >= MAX_ENTRIES) return;
  entry *made = TN_VEC_PUSH(&t->arena, &t->entries);
  if (made == NULL) return;
  memcpy(made->name, name, sizeof made->name);
  made->used = status.st_mtim;
  made->size = (uint64_t)status.st_size;
  t->total += made->size;
}

static int compare_use(const void *a, const void *b) {
  const struct timespec *x = &((const entry *)a)->used, *y = &((const entry *)b)->used;
  if (x->tv_sec != y->tv_sec) return x->tv_sec < y->tv_sec ? -1 : 1;
  return (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

/* Not one that a process has mapped: it would compile it again although it is there. Where files cannot be locked none is
 * known to be. */
static bool remove_entry(trimming *t, const entry *old) {
  int descriptor = openat(t->folder, old->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return errno == ENOENT;
  bool is_used = flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  bool is_removed = !is_used && unlinkat(t->folder, old->name, 0) == 0;
  close(descriptor);
  return is_removed;
}

static void trim(trimming *t, DIR *directory, uint64_t limit) {
  for (const struct dirent *found; (found = readdir(directory)) != NULL;)
    note(t, found->d_name);
  if (t->total <= limit) return;
  qsort(t->entries.items, t->entries.len, sizeof *t->entries.items, compare_use);
  uint64_t goal = limit - limit / 8; /* so that the next entry does not ask for it again */
  for (uint32_t i = 0; i < t->entries.len && t->total > goal; i++)
    if (remove_entry(t, &t->entries.items[i])) t->total -= t->entries.items[i].size;
}

void tn_cache_trim(const char *directory, uint64_t limit, uint64_t added) {
  /* Looking at all entries costs too much for each that is added: about sixteen times while the cache fills once. */
  uint64_t step = limit / 16;
  if (added < step && randombytes_random() % (step / (added + 1) + 1) != 0) return;
  trimming t = {.folder = tn_cache_open(directory)};
  DIR *listing = t.folder >= 0 ? fdopendir(t.folder) : NULL;
  if (listing != NULL) {
    trim(&t, listing, limit);
    closedir(listing); /* and what it was opened with */
  } else if (t.folder >= 0) {
    close(t.folder);
  }
  tn_arena_free(&t.arena);
}
