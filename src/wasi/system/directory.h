/* Reading directories: a buffer of our own over getdents64, with the file system's own cookies, which stay
 * good while entries are added and removed. */
#ifndef TN_WASI_SYSTEM_DIRECTORY_H
#define TN_WASI_SYSTEM_DIRECTORY_H

#include "wasi/system/descriptor.h"

typedef struct tn_directory tn_directory;

typedef struct tn_directory_entry {
  uint64_t next; /* cookie of the entry after this one; never 0 */
  uint64_t inode;
  tn_file_type type;
  tn_str name; /* valid until the next call; "." and ".." are among the entries */
} tn_directory_entry;

/* Opens the directory anew, so that readers do not disturb each other. 0 or negative errno. */
int tn_directory_open(tn_descriptor *descriptor, tn_directory **out);
void tn_directory_close(tn_directory *directory);
/* From now on the entries come by name, byte by byte, whatever order the file system has; cookies are positions. Reads
 * the whole directory, again whenever a reader goes back to the start. 0 or negative errno. */
int tn_directory_sort(tn_directory *directory);
/* The memory that it takes. */
size_t tn_directory_size(const tn_directory *directory);
uint64_t tn_directory_device(const tn_directory *directory);
/* Goes to the entry with this cookie; 0 is the first. */
int tn_directory_seek(tn_directory *directory, uint64_t cookie);
/* 1 and the entry, 0 at the end, or negative errno. */
int tn_directory_next(tn_directory *directory, tn_directory_entry *out);

#endif
