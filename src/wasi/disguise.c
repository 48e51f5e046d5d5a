#include "wasi/disguise.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/map.h"
#include "tenon/exec.h"
#include "wasi/state.h"

/* Keys are the 16 bytes of device and number; the value is the number given, as a pointer. */
struct tn_inodes {
  tn_arena arena;
  tn_map given;
};

void tn_inodes_delete(tn_inodes *inodes) {
  if (inodes == NULL) return;
  tn_arena_free(&inodes->arena);
  tn_free(inodes);
}

static bool disguises_files(const tn_wasi *wasi) {
  return (wasi->config->deterministic & TN_DETERMINISTIC_FILES) != 0;
}

int tn_wasi_disguise_inode(tn_wasi *wasi, uint64_t device, uint64_t *inode) {
  if (!disguises_files(wasi)) return 0;
  if (wasi->inodes == NULL) wasi->inodes = tn_calloc(1, sizeof *wasi->inodes);
  tn_inodes *inodes = wasi->inodes;
  if (inodes == NULL) return -ENOMEM;
  uint64_t identity[2] = {device, *inode};
  tn_str key = {(const char *)identity, sizeof identity};
  uintptr_t number = (uintptr_t)tn_map_get(&inodes->given, key);
  if (number == 0) {
    number = (uintptr_t)inodes->given.count + 1;
    key = tn_arena_copy(&inodes->arena, key);
    if (key.data == NULL || !tn_map_put(&inodes->arena, &inodes->given, key, (void *)number))
      return -ENOMEM;
  }
  *inode = number;
  return 0;
}

int tn_wasi_disguise_status(tn_wasi *wasi, tn_file_status *status) {
  if ((wasi->config->deterministic & TN_DETERMINISTIC_TIMES) != 0) {
    /* Before 1970: what has no time in WASI 0.2, and 0 in preview 1. */
    struct timespec none = {.tv_sec = -1};
    status->accessed = status->modified = status->changed = none;
  }
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
