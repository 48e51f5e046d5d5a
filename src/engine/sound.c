#include "engine/sound.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "engine/artifact.h"

bool tn_engine_identify(int descriptor, tn_file_identity *out) {
  struct stat status;
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) return false;
  *out = (tn_file_identity){
      .device = status.st_dev,
      .inode = status.st_ino,
      .size = (uint64_t)status.st_size,
      .seconds = (uint64_t)status.st_ctim.tv_sec,
      .nanoseconds = (uint64_t)status.st_ctim.tv_nsec,
  };
  return true;
}

static void name_of(const tn_file_identity *identity, tn_cache_key *out) {
  tn_cache_key_make((tn_str){(const char *)identity, sizeof *identity}, TN_STR("sound"), out);
}

bool tn_engine_recalls(const char *directory, const tn_file_identity *identity) {
  tn_cache_key name;
  name_of(identity, &name);
  return tn_cache_has(directory, &name);
}

/* The clock of file times advances in steps of some milliseconds. */
static bool is_settled(const tn_file_identity *identity) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return identity->seconds + 2 <= (uint64_t)now.tv_sec;
}

void tn_engine_remember(const char *directory, int descriptor, const tn_file_identity *identity) {
  tn_file_identity after;
  if (!is_settled(identity) || !tn_engine_identify(descriptor, &after)) return;
  if (memcmp(&after, identity, sizeof after) != 0) return;
  tn_cache_key name;
  name_of(identity, &name);
  tn_cache_store(directory, &name, TN_STR("")); /* when that fails, the file is checked again next time */
}
