/* Compiled artifacts: one file that holds a component or module and the native code of its core modules,
 * and the cache of them.
 *
 *   +---------------------------+ 0
 *   | native blobs              |  each at the boundary of a page, so that code runs in a mapping of the file
 *   | original bytes            |  this and what follows at a multiple of 16
 *   | fingerprint               |
 *   | table: offset, length     |  8 + 8 bytes for each blob, in the caller's order
 *   | trailer                   |  places, sizes, version, flags, digest, magic
 *   +---------------------------+
 *
 * The digest protects against accidents and ignorance: a file that is not exactly what was written for an
 * engine of this fingerprint is refused. It does not prove who wrote it, which no digest without a key can
 * do: artifacts are programs. Hence a fast one (XXH3) rather than one that resists attacks. */
#ifndef TN_ENGINE_ARTIFACT_H
#define TN_ENGINE_ARTIFACT_H

#include "base/buffer.h"
#include "engine/engine.h"

enum {
  TN_ARTIFACT_IS_MODULE = 1, /* a core module rather than a component */
};

/* A view of an artifact's bytes. */
typedef struct tn_artifact {
  uint32_t flags;
  tn_str original; /* may be empty, as its writer chose */
  size_t native_count;
  const uint8_t *table;
  const char *bytes;
} tn_artifact;

/* Writes an artifact to the end of an empty buffer. */
tn_error *tn_artifact_write(tn_str fingerprint, uint32_t flags, tn_str original,
                            const tn_str *natives, size_t count, tn_buffer *out);
/* Whether the bytes claim to be an artifact. */
bool tn_artifact_is(tn_str bytes);
/* The fingerprint that a file claims to have, in `room`, of TN_ARTIFACT_FINGERPRINT_ROOM bytes or more; empty: it is no
 * artifact of this version. Nothing is verified. */
enum { TN_ARTIFACT_FINGERPRINT_ROOM = 1024 };
tn_str tn_artifact_read_fingerprint(int descriptor, char *room, size_t size);
/* Whether a fingerprint has this word: "compiler=winch". */
bool tn_artifact_has(tn_str fingerprint, tn_str word);
/* Checks everything, the digest included. Errors: MALFORMED (not an artifact, damaged), UNSUPPORTED (made by
 * another version or for another engine or CPU). The view lives as long as the bytes. */
tn_error *tn_artifact_read(tn_str bytes, tn_str fingerprint, tn_artifact *out);
/* The native code of one module; `index` < native_count. */
tn_str tn_artifact_native(const tn_artifact *artifact, size_t index);
/* Loads all modules, all or nothing; `out` has room for native_count. `is_mapped` says that the bytes are a
 * private mapping of a file from its start, and that it outlives the modules: then nothing is copied, if the
 * file system allows. The file must not be changed in place as long as the modules live. */
tn_error *tn_artifact_load(tn_core_engine *engine, const tn_artifact *artifact, bool is_mapped,
                           tn_module **out);

/* ---- cache -------------------------------------------------------------------------------------------- */

/* The name of an entry: hexadecimal digits of a BLAKE2b digest. */
typedef struct tn_cache_key {
  char name[65];
} tn_cache_key;

/* Of the content that is compiled and the engine that compiles it. Hashes large contents on several
 * threads. */
void tn_cache_key_make(tn_str content, tn_str fingerprint, tn_cache_key *out);
/* False when there is no such entry, or none that can be trusted: the directory and the file must be ours
 * alone to write, and no symbolic links. *out is a private mapping of the file; what it holds still has to be
 * read with tn_artifact_read. */
bool tn_cache_lookup(const char *directory, const tn_cache_key *key, tn_str *out);
/* Unmaps an entry; an empty string is none. */
void tn_cache_release(tn_str entry);
/* Adds or replaces an entry, in one step as others see it. Makes the directory where it is missing. Returns
 * false when that failed (no space, no right), which a caller has no reason to mind. */
bool tn_cache_store(const char *directory, const tn_cache_key *key, tn_str bytes);
/* After an entry of `added` bytes was stored: removes entries, least recently used first, while all of them take more
 * than `limit` bytes. Not those that are mapped, here or in other processes. To be cheap it looks only now and then
 * when what was added is little compared to the limit. */
void tn_cache_trim(const char *directory, uint64_t limit, uint64_t added);

#endif
