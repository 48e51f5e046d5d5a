#include "engine/artifact.h"

#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/alloc.h"
#include "base/error.h"

enum {
  FORMAT_VERSION = 2,
  ALIGNMENT = 16,
  PAGE = 4096,
  KNOWN_FLAGS = TN_ARTIFACT_IS_MODULE,
};

static const uint8_t MAGIC[8] = {'t', 'e', 'n', 'o', 'n', '\r', '\n', 0x1a};

/* Where a part of the file lies. */
typedef struct extent {
  uint64_t offset;
  uint64_t length;
} extent;

/* The last bytes of the file, as they are in it: little-endian on every machine that we build for. The
 * digest, XXH3 of 128 bits, covers everything before it. */
typedef struct trailer {
  extent table;
  extent original;
  extent fingerprint;
  uint64_t file_size;
  uint32_t version;
  uint32_t flags;
  XXH128_canonical_t digest;
  uint8_t magic[sizeof MAGIC];
} trailer;

_Static_assert(sizeof(trailer) == 88, "the trailer has no padding");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "artifacts are little-endian");

static XXH128_canonical_t digest_of(const char *bytes, size_t size) {
  XXH128_canonical_t digest;
  XXH128_canonicalFromHash(&digest, XXH3_128bits(bytes, size));
  return digest;
}

/* ---- writing ------------------------------------------------------------------------------------------ */

static extent append(tn_buffer *out, tn_str bytes, size_t alignment) {
  static const char zeros[PAGE];
  tn_buffer_append(out, zeros, (alignment - out->len % alignment) % alignment);
  extent place = {out->len, bytes.len};
  tn_buffer_append_str(out, bytes);
  return place;
}

tn_error *tn_artifact_write(tn_str fingerprint, uint32_t flags, tn_str original,
                            const tn_str *natives, size_t count, tn_buffer *out) {
  extent *table = tn_calloc(count, sizeof *table);
  if (table == NULL) return tn_error_no_memory();
  for (size_t i = 0; i < count; i++)
    table[i] = append(out, natives[i], PAGE);
  trailer end = {.version = FORMAT_VERSION, .flags = flags};
  end.original = append(out, original, ALIGNMENT);
  end.fingerprint = append(out, fingerprint, ALIGNMENT);
  end.table = append(out, (tn_str){(const char *)table, count * sizeof *table}, ALIGNMENT);
  tn_free(table);
  end.file_size = out->len + sizeof end;
  memcpy(end.magic, MAGIC, sizeof MAGIC);
  tn_buffer_append(out, &end, sizeof end);
  if (out->failed) return tn_error_no_memory();
  size_t covered = out->len - sizeof end + offsetof(trailer, digest);
  end.digest = digest_of(out->data, covered);
  memcpy(out->data + covered, &end.digest, sizeof end.digest);
  return NULL;
}

/* ---- reading ------------------------------------------------------------------------------------------ */

static bool read_trailer(tn_str bytes, trailer *out) {
  if (bytes.len < sizeof *out) return false;
  memcpy(out, bytes.data + bytes.len - sizeof *out, sizeof *out);
  return memcmp(out->magic, MAGIC, sizeof MAGIC) == 0;
}

bool tn_artifact_is(tn_str bytes) {
  trailer end;
  return read_trailer(bytes, &end);
}

static bool has_extent(extent place, uint64_t size) {
  return place.offset <= size && place.length <= size - place.offset;
}

static bool has_sound_table(const char *bytes, const trailer *end, uint64_t size) {
  if (end->table.length % sizeof(extent) != 0) return false;
  for (uint64_t at = 0; at < end->table.length; at += sizeof(extent)) {
    extent place;
    memcpy(&place, bytes + end->table.offset + at, sizeof place);
    if (!has_extent(place, size)) return false;
  }
  return true;
}

static tn_error *damaged(const char *what) {
  return tn_error_new(TN_ERROR_MALFORMED, "compiled artifact: %s", what);
}

/* Checked before the digest: that of an older format may lie elsewhere. */
static tn_error *check_version(const trailer *end, uint64_t file_size) {
  if (end->version != FORMAT_VERSION) {
    return tn_error_new(TN_ERROR_UNSUPPORTED,
                        "compiled artifact: it has format %u, this version reads %u", end->version,
                        FORMAT_VERSION);
  }
  if (end->file_size != file_size) return damaged("it is not complete");
  return NULL;
}

static tn_error *check_digest(tn_str bytes, const trailer *end) {
  XXH128_canonical_t digest =
      digest_of(bytes.data, bytes.len - sizeof *end + offsetof(trailer, digest));
  return memcmp(&digest, &end->digest, sizeof digest) == 0
             ? NULL
             : damaged("its content is not what was written");
}

static tn_error *check_layout(tn_str bytes, const trailer *end) {
  uint64_t size = bytes.len - sizeof *end;
  if (!has_extent(end->table, size) || !has_extent(end->original, size) ||
      !has_extent(end->fingerprint, size) || !has_sound_table(bytes.data, end, size)) {
    return damaged("a part lies outside of it");
  }
  if ((end->flags & ~(uint32_t)KNOWN_FLAGS) != 0) return damaged("it has unknown flags");
  return NULL;
}

static tn_str view(const char *bytes, extent place) {
  return (tn_str){bytes + place.offset, place.length};
}

/* The text up to the next space; *rest is what follows. */
static tn_str take_word(tn_str *rest) {
  size_t end = tn_str_find(*rest, ' ', 0);
  tn_str word = tn_str_slice(*rest, 0, end);
  *rest = tn_str_slice(*rest, end < rest->len ? end + 1 : end, rest->len);
  return word;
}

static bool has_word(tn_str text, tn_str wanted) {
  while (text.len > 0)
    if (tn_str_equal(take_word(&text), wanted)) return true;
  return false;
}

/* The words of `text` that are not words of `other`. */
static void append_difference(tn_buffer *out, tn_str text, tn_str other) {
  while (text.len > 0) {
    tn_str word = take_word(&text);
    if (has_word(other, word)) continue;
    tn_buffer_append_text(out, " ");
    tn_buffer_append_str(out, word);
  }
}

/* Whether `made_for` is `fingerprint` but for this word in place of that one. */
static bool differs_only_in(tn_str made_for, tn_str word, tn_str fingerprint, tn_str other) {
  while (made_for.len > 0 && fingerprint.len > 0) {
    tn_str a = take_word(&made_for), b = take_word(&fingerprint);
    if (!tn_str_equal(a, b) && !(tn_str_equal(a, word) && tn_str_equal(b, other))) return false;
  }
  return made_for.len == fingerprint.len;
}

static const char *choose_hint(tn_str made_for, tn_str fingerprint) {
  tn_str with = TN_STR("interruptible=1"), without = TN_STR("interruptible=0");
  if (differs_only_in(made_for, with, fingerprint, without))
    return "it was compiled with `epoch_interruption`: use an engine that has it, or compile it again "
           "without";
  if (differs_only_in(made_for, without, fingerprint, with))
    return "compile it again with `epoch_interruption`, which a time limit needs, or run it without one";
  if (has_word(made_for, without) && has_word(fingerprint, with))
    return "compile it again on this machine, with the same options; a time limit needs "
           "`epoch_interruption`";
  return "compile it again on this machine, with the same options";
}

static bool is_pair(tn_str a, tn_str b, tn_str wanted_a, tn_str wanted_b) {
  return tn_str_equal(a, wanted_a) && tn_str_equal(b, wanted_b);
}

/* Where nothing is wrong but that the engine asks for what the artifact was compiled without. */
static tn_error *check_unmet(tn_str made_for, tn_str fingerprint) {
  bool lacks_fuel = false, lacks_determinism = false;
  while (made_for.len > 0 || fingerprint.len > 0) {
    tn_str has = take_word(&made_for), wanted = take_word(&fingerprint);
    if (tn_str_equal(has, wanted)) continue;
    if (is_pair(has, wanted, TN_STR("fuel=0"), TN_STR("fuel=1"))) {
      lacks_fuel = true;
    } else if (is_pair(has, wanted, TN_STR("deterministic=0"), TN_STR("deterministic=1"))) {
      lacks_determinism = true;
    } else {
      return NULL;
    }
  }
  if (!lacks_fuel && !lacks_determinism) return NULL;
  const char *both = lacks_fuel && lacks_determinism ? " and " : "";
  tn_error *error = tn_error_new(TN_ERROR_UNSUPPORTED, "compiled artifact: its code %s%s%s",
                                 lacks_fuel ? "does not count fuel" : "", both,
                                 lacks_determinism ? "is not deterministic" : "");
  return tn_error_set_hint(error, "compile it again with %s%s%s",
                           lacks_fuel ? "`consume_fuel`" : "", both,
                           lacks_determinism ? "`deterministic`" : "");
}

static tn_error *check_fingerprint(tn_str made_for, tn_str fingerprint) {
  if (tn_str_equal(made_for, fingerprint)) return NULL;
  tn_buffer difference = {0};
  tn_buffer_append_text(&difference, "it has");
  append_difference(&difference, made_for, fingerprint);
  tn_buffer_append_text(&difference, "; this one has");
  append_difference(&difference, fingerprint, made_for);
  tn_str text = tn_buffer_str(&difference);
  tn_error *error = tn_error_new(
      TN_ERROR_UNSUPPORTED,
      "compiled artifact: it was compiled for another engine, settings or CPU (%" TN_STR_FORMAT ")",
      TN_STR_ARG(text));
  tn_buffer_free(&difference);
  return tn_error_set_hint(error, "%s", choose_hint(made_for, fingerprint));
}

bool tn_artifact_has(tn_str fingerprint, tn_str word) {
  return has_word(fingerprint, word);
}

tn_str tn_artifact_read_fingerprint(int descriptor, char *room, size_t size) {
  struct stat status;
  trailer end;
  tn_str nothing = {room, 0};
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) return nothing;
  off_t place = status.st_size - (off_t)sizeof end;
  bool is_read = place >= 0 && pread(descriptor, &end, sizeof end, place) == (ssize_t)sizeof end;
  if (!is_read || memcmp(end.magic, MAGIC, sizeof MAGIC) != 0 || end.version != FORMAT_VERSION ||
      end.fingerprint.length > size || !has_extent(end.fingerprint, (uint64_t)place))
    return nothing;
  ssize_t length = pread(descriptor, room, end.fingerprint.length, (off_t)end.fingerprint.offset);
  return (tn_str){room, length > 0 ? (size_t)length : 0};
}

tn_error *tn_artifact_read(tn_str bytes, tn_str fingerprint, tn_artifact *out) {
  trailer end;
  if (!read_trailer(bytes, &end)) return damaged("it has no trailer, or is cut off");
  TN_TRY(check_version(&end, bytes.len));
  TN_TRY(check_digest(bytes, &end));
  TN_TRY(check_layout(bytes, &end));
  TN_TRY(check_unmet(view(bytes.data, end.fingerprint), fingerprint));
  TN_TRY(check_fingerprint(view(bytes.data, end.fingerprint), fingerprint));
  *out = (tn_artifact){
      .flags = end.flags,
      .original = view(bytes.data, end.original),
      .native_count = end.table.length / sizeof(extent),
      .table = (const uint8_t *)bytes.data + end.table.offset,
      .bytes = bytes.data,
  };
  return NULL;
}

static extent native_extent(const tn_artifact *artifact, size_t index) {
  extent place;
  memcpy(&place, artifact->table + index * sizeof place, sizeof place);
  return place;
}

tn_str tn_artifact_native(const tn_artifact *artifact, size_t index) {
  return view(artifact->bytes, native_extent(artifact, index));
}

/* ---- loading ------------------------------------------------------------------------------------------ */

static tn_error *load_one(tn_core_engine *engine, tn_str native, bool is_mapped, tn_module **out) {
  /* The system's pages may be larger than the ones that the file was made for. */
  if (is_mapped && (uintptr_t)native.data % (size_t)sysconf(_SC_PAGESIZE) == 0) {
    tn_error *error = tn_module_load_in_place(engine, native, out);
    if (error == NULL) return NULL;
    tn_error_delete(error); /* a file system whose files must not be executed: copy */
  }
  return tn_module_load(engine, native, out);
}

tn_error *tn_artifact_load(tn_core_engine *engine, const tn_artifact *artifact, bool is_mapped,
                           tn_module **out) {
  for (size_t i = 0; i < artifact->native_count; i++) {
    tn_error *error = load_one(engine, tn_artifact_native(artifact, i), is_mapped, &out[i]);
    if (error == NULL) continue;
    while (i > 0)
      tn_module_delete(out[--i]);
    return error;
  }
  return NULL;
}
