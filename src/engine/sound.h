/* Which files have been found sound: a memory of files, not of contents. The cache's directory holds an empty
 * file for each, named by a digest of what identifies it: device, inode, size, time of change. The system
 * sets the last of these at every write, and no user can set it back. */
#ifndef TN_ENGINE_SOUND_H
#define TN_ENGINE_SOUND_H

#include <stdbool.h>
#include <stdint.h>

typedef struct tn_file_identity {
  uint64_t device;
  uint64_t inode;
  uint64_t size;
  uint64_t seconds; /* of the last change */
  uint64_t nanoseconds;
} tn_file_identity;

bool tn_engine_identify(int descriptor, tn_file_identity *out);
bool tn_engine_recalls(const char *directory, const tn_file_identity *identity);
/* To be called after the file has been checked, with its identity from before. Does nothing when it has
 * changed meanwhile, or so recently that another change might get the same time. */
void tn_engine_remember(const char *directory, int descriptor, const tn_file_identity *identity);

#endif
