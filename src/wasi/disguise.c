#include "wasi/disguise.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/map.h"
#include "tenon/exec.h"
#include "wasi/state.h"

/* One file as the guest knows it. */
typedef struct known_file {
  uint64_t number; /* 0: it is gone, and what the system gives its number to is another file */
  bool has_time[2];
  struct timespec times[2]; /* accessed and modified, where the guest has set them */
} known_file;

/* Keys are the 16 bytes of device and number. */
struct tn_inodes {
  tn_arena arena;
  tn_map known;
  uint64_t last; /* number given */
};

void tn_inodes_delete(tn_inodes *inodes) {
  if (inodes == NULL) return;
  tn_arena_free(&inodes->arena);
  tn_free(inodes);
}

static bool disguises_files(const tn_wasi *wasi) {
  return (wasi->config->deterministic & TN_DETERMINISTIC_FILES) != 0;
}

static bool disguises_times(const tn_wasi *wasi) {
  return (wasi->config->deterministic & TN_DETERMINISTIC_TIMES) != 0;
}

/* NULL: not known, or gone. */
static known_file *find_known(const tn_wasi *wasi, uint64_t device, uint64_t inode) {
  uint64_t identity[2] = {device, inode};
  if (wasi->inodes == NULL) return NULL;
  known_file *file =
      tn_map_get(&wasi->inodes->known, (tn_str){(const char *)identity, sizeof identity});
  return file == NULL || file->number == 0 ? NULL : file;
}

static known_file *add_known(tn_inodes *inodes, uint64_t device, uint64_t inode) {
  uint64_t identity[2] = {device, inode};
  tn_str key = {(const char *)identity, sizeof identity};
  known_file *file = tn_map_get(&inodes->known, key);
  if (file == NULL) {
    file = TN_ARENA_NEW(&inodes->arena, known_file);
    key = tn_arena_copy(&inodes->arena, key);
    if (file == NULL || key.data == NULL || !tn_map_put(&inodes->arena, &inodes->known, key, file))
      return NULL;
  }
  *file = (known_file){.number = ++inodes->last};
  return file;
}

/* The file, which is known from here on; NULL: no memory. */
static known_file *know(tn_wasi *wasi, uint64_t device, uint64_t inode) {
  known_file *file = find_known(wasi, device, inode);
  if (file != NULL) return file;
  if (wasi->inodes == NULL) wasi->inodes = tn_calloc(1, sizeof *wasi->inodes);
  return wasi->inodes == NULL ? NULL : add_known(wasi->inodes, device, inode);
}

int tn_wasi_disguise_inode(tn_wasi *wasi, uint64_t device, uint64_t *inode) {
  if (!disguises_files(wasi)) return 0;
  const known_file *file = know(wasi, device, *inode);
  if (file == NULL) return -ENOMEM;
  *inode = file->number;
  return 0;
}

/* ---- times ------------------------------------------------------------------------------------------ */

/* None but those that the guest has set itself. */
static void disguise_times(const tn_wasi *wasi, tn_file_status *status) {
  /* Before 1970: what has no time in WASI 0.2, and 0 in preview 1. */
  const struct timespec none = {.tv_sec = -1};
  const known_file *file = find_known(wasi, status->device, status->inode);
  status->accessed = file != NULL && file->has_time[0] ? file->times[0] : none;
  status->modified = file != NULL && file->has_time[1] ? file->times[1] : none;
  status->changed = none;
}

/* `times` as for utimensat(2). What is set to the present time has none. */
static int note_times(tn_wasi *wasi, const tn_file_status *status, const struct timespec times[2]) {
  known_file *file = know(wasi, status->device, status->inode);
  if (file == NULL) return -ENOMEM;
  for (int i = 0; i < 2; i++) {
    if (times[i].tv_nsec == UTIME_OMIT) continue;
    file->has_time[i] = times[i].tv_nsec != UTIME_NOW;
    file->times[i] = times[i];
  }
  return 0;
}

int tn_wasi_set_times(tn_wasi *wasi, tn_descriptor *descriptor, const struct timespec times[2]) {
  tn_file_status status;
  int failed = tn_descriptor_set_times(descriptor, times);
  if (failed < 0 || !disguises_times(wasi)) return failed;
  failed = tn_descriptor_status(descriptor, &status);
  return failed < 0 ? failed : note_times(wasi, &status, times);
}

int tn_wasi_set_times_at(tn_wasi *wasi, tn_descriptor *directory, tn_str path, bool follow,
                         const struct timespec times[2]) {
  tn_file_status status;
  int failed = tn_descriptor_set_times_at(directory, path, follow, times);
  if (failed < 0 || !disguises_times(wasi)) return failed;
  failed = tn_descriptor_status_at(directory, path, follow, &status);
  return failed < 0 ? failed : note_times(wasi, &status, times);
}

/* ---- files that go ---------------------------------------------------------------------------------- */

/* What is known of the file that has this name, and no other; NULL: nothing. */
static known_file *only_known_as(tn_wasi *wasi, tn_descriptor *directory, tn_str path) {
  tn_file_status status;
  if (wasi->inodes == NULL || tn_descriptor_status_at(directory, path, false, &status) < 0)
    return NULL;
  bool is_only = status.type == TN_FILE_DIRECTORY || status.links <= 1;
  return is_only ? find_known(wasi, status.device, status.inode) : NULL;
}

/* Some systems give the number of a file that is gone to the next one, others do not. */
static int forget(known_file *file, int outcome) {
  if (outcome == 0 && file != NULL) file->number = 0;
  return outcome;
}

int tn_wasi_unlink(tn_wasi *wasi, tn_descriptor *directory, tn_str path) {
  known_file *file = only_known_as(wasi, directory, path);
  return forget(file, tn_descriptor_unlink(directory, path));
}

int tn_wasi_remove_directory(tn_wasi *wasi, tn_descriptor *directory, tn_str path) {
  known_file *file = only_known_as(wasi, directory, path);
  return forget(file, tn_descriptor_remove_directory(directory, path));
}

int tn_wasi_rename(tn_wasi *wasi, tn_descriptor *from, tn_str from_path, tn_descriptor *to,
                   tn_str to_path) {
  known_file *moved = only_known_as(wasi, from, from_path);
  known_file *replaced = only_known_as(wasi, to, to_path);
  if (replaced == moved) replaced = NULL;
  return forget(replaced, tn_descriptor_rename(from, from_path, to, to_path));
}

/* ---- what is seen ----------------------------------------------------------------------------------- */

int tn_wasi_disguise_status(tn_wasi *wasi, tn_file_status *status) {
  if (disguises_times(wasi)) disguise_times(wasi, status);
  if (!disguises_files(wasi)) return 0;
  int failed = tn_wasi_disguise_inode(wasi, status->device, &status->inode);
  status->device = 1;
  if (status->type != TN_FILE_DIRECTORY) return failed;
  status->size = 0;
  status->links = 1;
  return failed;
}

int tn_wasi_disguise_directory(tn_wasi *wasi, tn_directory *directory) {
  return disguises_files(wasi) ? tn_directory_sort(directory) : 0;
}
