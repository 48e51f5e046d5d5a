/* The cache of compiled artifacts: a directory of files named by what was compiled and by what. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/artifact.h"
#include "engine/digest.h"
#include "engine/private.h"

void tn_cache_key_make(tn_str content, tn_str fingerprint, tn_cache_key *out) {
  uint8_t of_content[TN_DIGEST_SIZE], digest[TN_DIGEST_SIZE];
  tn_engine_digest(content, of_content);
  /* The content's digest as the key of the fingerprint's. */
  crypto_generichash(digest, sizeof digest, (const uint8_t *)fingerprint.data, fingerprint.len,
                     of_content, sizeof of_content);
  sodium_bin2hex(out->name, sizeof out->name, digest, sizeof digest);
}

/* Whether nobody else could have written it. */
static bool is_ours(const struct stat *status) {
  return status->st_uid == geteuid() && (status->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

int tn_cache_open(const char *directory) {
  int descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (descriptor < 0) return -1;
  struct stat status;
  if (fstat(descriptor, &status) == 0 && is_ours(&status)) return descriptor;
  close(descriptor);
  return -1;
}

/* ---- lookup ------------------------------------------------------------------------------------------- */

/* The descriptor of an entry that is a regular file of ours, or -1. */
static int open_entry(const char *directory, const char *name, struct stat *status) {
  int folder = tn_cache_open(directory);
  if (folder < 0) return -1;
  /* O_NONBLOCK: a pipe in its place must not make us wait */
  int descriptor = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  close(folder);
  if (descriptor < 0) return -1;
  if (fstat(descriptor, status) == 0 && S_ISREG(status->st_mode) && is_ours(status))
    return descriptor;
  close(descriptor);
  return -1;
}

static bool map_file(int descriptor, off_t length, tn_str *out) {
  if (length <= 0 || (uint64_t)length > SIZE_MAX) return false;
  size_t size = (size_t)length;
  void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (bytes == MAP_FAILED) return false;
  *out = (tn_str){bytes, size};
  return true;
}

bool tn_cache_lookup(const char *directory, const tn_cache_key *key, tn_str *out) {
  struct stat status;
  int descriptor = open_entry(directory, key->name, &status);
  if (descriptor < 0) return false;
  bool mapped = map_file(descriptor, status.st_size, out);
  if (mapped) tn_cache_note_use(descriptor, &status);
  close(descriptor);
  return mapped;
}

void tn_cache_release(tn_str entry) {
  if (entry.len > 0) munmap((void *)entry.data, entry.len);
}

/* ---- store -------------------------------------------------------------------------------------------- */

static bool make_directories(const char *directory) {
  char path[PATH_MAX];
  size_t length = strlen(directory);
  if (length == 0 || length >= sizeof path) return false;
  memcpy(path, directory, length + 1);
  for (size_t i = 1; i <= length; i++) {
    if (path[i] != '/' && path[i] != '\0') continue;
    char end = path[i];
    path[i] = '\0';
    if (mkdir(path, 0700) != 0 && errno != EEXIST) return false;
    path[i] = end;
  }
  return true;
}

static bool write_all(int descriptor, tn_str bytes) {
  while (bytes.len > 0) {
    ssize_t written = write(descriptor, bytes.data, bytes.len);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes = tn_str_slice(bytes, (size_t)written, bytes.len);
  }
  return true;
}

static bool write_entry(int folder, const char *name, const char *temporary, tn_str bytes) {
  int descriptor =
      openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (descriptor < 0) return false;
  bool written = write_all(descriptor, bytes);
  written = close(descriptor) == 0 && written;
  if (written && renameat(folder, temporary, folder, name) == 0) return true;
  unlinkat(folder, temporary, 0);
  return false;
}

bool tn_cache_store(const char *directory, const tn_cache_key *key, tn_str bytes) {
  int folder = tn_cache_open(directory);
  if (folder < 0 && make_directories(directory)) folder = tn_cache_open(directory);
  if (folder < 0) return false;
  char temporary[64];
  snprintf(temporary, sizeof temporary, TN_CACHE_UNFINISHED "%08x%08x", randombytes_random(),
           randombytes_random());
  bool stored = write_entry(folder, key->name, temporary, bytes);
  close(folder);
  return stored;
}
