/* What a guest of a deterministic run (tn_wasi_config_set_deterministic) sees of files in place of what
 * differs from one file system to another: the order of directories, the numbers of devices and files, sizes
 * of directories, and times. Elsewhere these functions do nothing. Failures are negative errno. */
#ifndef TN_WASI_DISGUISE_H
#define TN_WASI_DISGUISE_H

#include "wasi/system/descriptor.h"
#include "wasi/system/directory.h"
#include "wasi/wasi.h"

/* The numbers that files have been given: 1, 2, 3 … in the order in which the guest gets to see them. */
typedef struct tn_inodes tn_inodes;
void tn_inodes_delete(tn_inodes *inodes);

int tn_wasi_disguise_status(tn_wasi *wasi, tn_file_status *status);
int tn_wasi_disguise_inode(tn_wasi *wasi, uint64_t device, uint64_t *inode);
/* As those of tn_descriptor_…: what the guest does to files, as far as it decides what it sees of them. */
int tn_wasi_set_times(tn_wasi *wasi, tn_descriptor *descriptor, const struct timespec times[2]);
int tn_wasi_set_times_at(tn_wasi *wasi, tn_descriptor *directory, tn_str path, bool follow,
                         const struct timespec times[2]);
int tn_wasi_unlink(tn_wasi *wasi, tn_descriptor *directory, tn_str path);
int tn_wasi_remove_directory(tn_wasi *wasi, tn_descriptor *directory, tn_str path);
int tn_wasi_rename(tn_wasi *wasi, tn_descriptor *from, tn_str from_path, tn_descriptor *to,
                   tn_str to_path);
int tn_wasi_disguise_directory(tn_wasi *wasi, tn_directory *directory);

#endif
