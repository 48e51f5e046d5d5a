#include "compose/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "component/component.h"
#include "component/extern_name.h"
#include "link/compiled.h"
#include "wit/package/package.h"

/* ---- reading ------------------------------------------------------------------------------------------- */

static bool has_kind(const char *path, mode_t kind) {
  struct stat status;
  return stat(path, &status) == 0 && (status.st_mode & S_IFMT) == kind;
}

static bool is_folder(const char *path) {
  return has_kind(path, S_IFDIR);
}

static bool is_file(const char *path) {
  return has_kind(path, S_IFREG);
}

static tn_error *in_arena(tn_arena *arena, tn_str bytes, tn_str *out) {
  *out = tn_arena_copy(arena, bytes);
  return out->data == NULL ? tn_error_no_memory() : NULL;
}

/* Waits for what is written into it. */
static tn_error *read_pipe(tn_arena *arena, const char *path, tn_str *out) {
  tn_compiled_source source = {0};
  int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return tn_error_new(TN_ERROR_IO, "cannot read %s: %s", path, strerror(errno));
  tn_error *error = tn_compiled_source_read(descriptor, path, &source);
  close(descriptor);
  if (error == NULL) error = in_arena(arena, source.bytes, out);
  tn_compiled_source_free(&source);
  return error;
}

tn_error *tn_compose_read_file(tn_arena *arena, const char *path, tn_str *out) {
  enum { MAX_FILE = 1 << 30 };
  bool is_pipe = has_kind(path, S_IFIFO) || has_kind(path, S_IFCHR);
  return is_pipe ? read_pipe(arena, path, out) : tn_file_read(arena, path, MAX_FILE, out);
}

static tn_error *read_wit(tn_arena *arena, const char *path, tn_str *out) {
  tn_wit_set set = {.arena = arena};
  tn_wit_package *package;
  tn_buffer bytes = {0};
  TN_TRY(tn_wit_load(&set, path, &package));
  tn_error *error = tn_wit_encode_package(&bytes, package);
  if (error == NULL)
    error = bytes.failed ? tn_error_no_memory() : in_arena(arena, tn_buffer_str(&bytes), out);
  tn_buffer_free(&bytes);
  return error;
}

static tn_error *to_binary(tn_arena *arena, tn_str bytes, tn_str *out) {
  uint8_t *binary;
  size_t size;
  *out = bytes;
  TN_TRY(tn_compiled_to_binary(bytes, &binary, &size));
  if (binary == NULL) return NULL;
  tn_error *error = in_arena(arena, (tn_str){(const char *)binary, size}, out);
  tn_free(binary);
  return error;
}

tn_error *tn_compose_read_package(tn_arena *arena, const char *path, tn_str *out) {
  tn_str bytes;
  if (is_folder(path) || tn_str_ends_with(tn_str_from(path), TN_STR(".wit")))
    return read_wit(arena, path, out);
  TN_TRY(tn_compose_read_file(arena, path, &bytes));
  return tn_error_wrap(to_binary(arena, bytes, out), "%s", path);
}

/* ---- finding ------------------------------------------------------------------------------------------- */

/* Looks for one package. */
typedef struct finder {
  tn_arena *arena;
  tn_str base;          /* path of the package without version and ending: "deps/a/b" */
  tn_str name, version; /* version: the newest so far, when any will do */
  tn_semver best;       /* the same */
  tn_str track;         /* only versions of this one (tn_version_track); .data == NULL: all */
  const char *found;
} finder;

/* In this order, if a package is there in several. */
static const char *const endings[] = {".wat", ".wasm", ".wit"};
enum { ENDING_COUNT = sizeof endings / sizeof *endings };

static tn_error *try_path(finder *f, bool may_be_folder, tn_str path) {
  if (path.data == NULL) return tn_error_no_memory();
  if (f->found == NULL && (is_file(path.data) || (may_be_folder && is_folder(path.data))))
    f->found = path.data;
  return NULL;
}

/* A file's name without the ending of a component or of WIT; .data == NULL: it has neither. */
static tn_str without_ending(tn_str file) {
  for (size_t i = 0; i < ENDING_COUNT; i++) {
    tn_str ending = tn_str_from(endings[i]);
    if (tn_str_ends_with(file, ending)) return tn_str_slice(file, 0, file.len - ending.len);
  }
  return (tn_str){NULL, 0};
}

static bool has_wit(const char *folder) {
  bool found = false;
  DIR *entries = opendir(folder);
  if (entries == NULL) return false;
  for (struct dirent *entry = readdir(entries); entry != NULL && !found; entry = readdir(entries))
    found = tn_str_ends_with(tn_str_from(entry->d_name), TN_STR(".wit"));
  closedir(entries);
  return found;
}

static bool is_on_track(const finder *f, tn_str version) {
  return f->track.data == NULL || tn_str_equal(tn_version_track(version), f->track);
}

/* Above 0: `a` is rather taken than `b`. A release is, rather than a pre-release, however new that is. */
static int prefer(const tn_semver *a, const tn_semver *b) {
  bool is_release = a->prerelease.data == NULL;
  if (is_release != (b->prerelease.data == NULL)) return is_release ? 1 : -1;
  return tn_semver_compare(a, b);
}

/* Versions that differ in what has no order (1.0.0+a, 1.0.0+b) are ordered as texts; both end with a NUL. */
static bool is_best(const finder *f, const tn_semver *version, tn_str text) {
  int order = f->version.data == NULL ? 1 : prefer(version, &f->best);
  return order != 0 ? order > 0 : strcmp(text.data, f->version.data) > 0;
}

/* A file of the folder that may be a version of the package: its name begins with `prefix`. */
static tn_error *consider(finder *f, tn_str folder, tn_str prefix, tn_str file) {
  tn_semver version;
  tn_str path = tn_arena_format(f->arena, "%" TN_STR_FORMAT "/%" TN_STR_FORMAT, TN_STR_ARG(folder),
                                TN_STR_ARG(file));
  if (path.data == NULL) return tn_error_no_memory();
  tn_str stem = has_wit(path.data) ? file : without_ending(file);
  if (stem.data == NULL || !tn_str_starts_with(stem, prefix)) return NULL;
  tn_str text = tn_arena_copy(f->arena, tn_str_slice(stem, prefix.len, stem.len));
  if (text.data == NULL) return tn_error_no_memory();
  tn_error *error = tn_semver_parse(text, &version);
  bool is_version = error == NULL;
  tn_error_delete(error);
  if (!is_version || !is_on_track(f, text) || !is_best(f, &version, text)) return NULL;
  f->best = version;
  f->version = text;
  return NULL;
}

static tn_error *newest_in(finder *f, tn_str folder, tn_str prefix) {
  tn_error *error = NULL;
  DIR *entries = opendir(folder.data);
  if (entries == NULL) return NULL; /* then nothing is in it */
  for (struct dirent *entry = readdir(entries); entry != NULL && error == NULL;
       entry = readdir(entries))
    if (entry->d_name[0] != '.') error = consider(f, folder, prefix, tn_str_from(entry->d_name));
  closedir(entries);
  return error;
}

/* "deps/a/b/1.0.0.wasm" and "deps/a/b@1.0.0.wasm", for all versions. */
static tn_error *find_newest(finder *f) {
  size_t slash = f->base.len;
  while (slash > 0 && f->base.data[slash - 1] != '/')
    slash--;
  tn_str folder = tn_arena_copy(f->arena, tn_str_slice(f->base, 0, slash - 1));
  tn_str prefix = tn_arena_format(f->arena, "%" TN_STR_FORMAT "@", (int)(f->base.len - slash),
                                  f->base.data + slash);
  if (folder.data == NULL || prefix.data == NULL) return tn_error_no_memory();
  TN_TRY(newest_in(f, f->base, (tn_str){"", 0}));
  return newest_in(f, folder, prefix);
}

static tn_error *find_file(finder *f) {
  bool has_version = f->version.data != NULL;
  for (int form = 0; form < (has_version ? 2 : 1); form++) {
    tn_str stem = !has_version ? f->base
                               : tn_arena_format(f->arena, "%" TN_STR_FORMAT "%c%" TN_STR_FORMAT,
                                                 TN_STR_ARG(f->base), form == 0 ? '/' : '@',
                                                 TN_STR_ARG(f->version));
    if (stem.data == NULL) return tn_error_no_memory();
    if (has_wit(stem.data)) TN_TRY(try_path(f, true, stem));
    for (size_t i = 0; i < ENDING_COUNT; i++)
      TN_TRY(try_path(
          f, false,
          tn_arena_format(f->arena, "%" TN_STR_FORMAT "%s", TN_STR_ARG(stem), endings[i])));
  }
  return NULL;
}

static tn_error *find_in_folder(finder *f) {
  TN_TRY(find_file(f));
  if (f->found != NULL || f->version.data != NULL) return NULL;
  TN_TRY(find_newest(f));
  return f->version.data != NULL ? find_file(f) : NULL;
}

/* A dependency's version, if it is one of this package. */
static bool is_dependency(tn_str given, tn_str name, tn_str *version) {
  size_t at = tn_str_find(given, '@', 0);
  *version = at == given.len ? (tn_str){NULL, 0} : tn_str_slice(given, at + 1, given.len);
  return tn_str_equal(tn_str_slice(given, 0, at), name);
}

static bool is_above(tn_str version, tn_str other) {
  tn_semver first, second;
  if (other.data == NULL) return true;
  tn_error *error = tn_semver_parse(version, &first);
  if (error == NULL) error = tn_semver_parse(other, &second);
  bool is_valid = error == NULL;
  tn_error_delete(error);
  return is_valid && prefer(&first, &second) > 0;
}

/* The very version; if none is asked for, what has none, else the newest. */
static void find_dependency(finder *f, const tn_compose_options *options) {
  const char *any = NULL, *newest = NULL, *exact = NULL;
  tn_str best = {NULL, 0}, given;
  for (size_t i = 0; i < options->dependency_count; i++) {
    const tn_compose_dependency *dependency = &options->dependencies[i];
    if (!is_dependency(tn_str_from(dependency->name), f->name, &given)) continue;
    if (given.data == NULL) {
      any = dependency->path;
    } else if (f->version.data != NULL && tn_str_equal(given, f->version)) {
      exact = dependency->path;
    } else if (is_on_track(f, given) && is_above(given, best)) {
      newest = dependency->path;
      best = given;
    }
  }
  bool is_newest = f->version.data == NULL && any == NULL && newest != NULL;
  f->found = f->version.data != NULL ? exact : any != NULL ? any : newest;
  if (is_newest) f->version = best;
}

/* What is there of the package without a version, though one is asked for; NULL: nothing. */
static const char *without_version(finder *f, const tn_compose_options *options) {
  finder other = {.arena = f->arena, .base = f->base, .name = f->name};
  find_dependency(&other, options);
  if (other.version.data != NULL) other.found = NULL;
  if (other.found == NULL) tn_error_delete(find_file(&other));
  return other.found;
}

/* The newest version that is there of the package, of this track if any is; .data == NULL: none. */
static tn_str newest_version(finder *f, const tn_compose_options *options, tn_str track) {
  finder other = {.arena = f->arena, .base = f->base, .name = f->name, .track = track};
  find_dependency(&other, options);
  if (other.version.data == NULL) tn_error_delete(find_newest(&other));
  return other.version;
}

/* Which other version could be asked for; false: none is there. */
static bool name_other_version(finder *f, const tn_compose_options *options, tn_error *error) {
  tn_str version = newest_version(f, options, tn_version_track(f->version));
  bool is_compatible = version.data != NULL;
  if (!is_compatible) version = newest_version(f, options, (tn_str){NULL, 0});
  if (version.data == NULL) return false;
  tn_error_set_hint(error,
                    "`%" TN_STR_FORMAT "@%" TN_STR_FORMAT
                    "` is there%s: name that version, or none for the newest",
                    TN_STR_ARG(f->name), TN_STR_ARG(version),
                    is_compatible ? ", which is compatible" : "");
  return true;
}

static tn_error *not_found(finder *f, const tn_compose_options *options) {
  bool has_version = f->version.data != NULL;
  tn_str version = has_version ? f->version : TN_STR("");
  tn_error *error =
      tn_error_new(TN_ERROR_IO, "package `%" TN_STR_FORMAT "%s%" TN_STR_FORMAT "` is not there",
                   TN_STR_ARG(f->name), has_version ? "@" : "", TN_STR_ARG(version));
  const char *other = has_version ? without_version(f, options) : NULL;
  if (other != NULL)
    return tn_error_set_hint(
        error,
        "%s is there as `%" TN_STR_FORMAT
        "`: ask for it without a version, or say that it is this one: --dep %" TN_STR_FORMAT
        "@%" TN_STR_FORMAT "=%s",
        other, TN_STR_ARG(f->name), TN_STR_ARG(f->name), TN_STR_ARG(version), other);
  if (has_version && name_other_version(f, options, error)) return error;
  if (has_version)
    return tn_error_set_hint(error,
                             "put it at %" TN_STR_FORMAT "/%" TN_STR_FORMAT
                             ".wasm, or say where it is in `dependencies`: "
                             "%" TN_STR_FORMAT "@%" TN_STR_FORMAT "=FILE",
                             TN_STR_ARG(f->base), TN_STR_ARG(version), TN_STR_ARG(f->name),
                             TN_STR_ARG(version));
  return tn_error_set_hint(error,
                           "put it at %" TN_STR_FORMAT
                           ".wasm, or say where it is in `dependencies`: %" TN_STR_FORMAT "=FILE",
                           TN_STR_ARG(f->base), TN_STR_ARG(f->name));
}

tn_error *tn_compose_find_package(tn_arena *arena, const tn_compose_options *options, tn_str name,
                                  tn_str version, const char **path, tn_str *found) {
  finder f = {.arena = arena, .name = name, .version = version};
  find_dependency(&f, options);
  *path = f.found;
  *found = f.version;
  if (f.found != NULL) return NULL;
  tn_str base =
      tn_arena_format(arena, "%s/%" TN_STR_FORMAT,
                      options->folder != NULL ? options->folder : "deps", TN_STR_ARG(name));
  if (base.data == NULL) return tn_error_no_memory();
  for (size_t i = base.len - name.len; i < base.len; i++)
    if (base.data[i] == ':') ((char *)base.data)[i] = '/';
  f.base = base;
  TN_TRY(find_in_folder(&f));
  if (f.found == NULL) return not_found(&f, options);
  *path = f.found;
  *found = f.version;
  return NULL;
}
