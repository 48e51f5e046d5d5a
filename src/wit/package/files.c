/* Packages from folders, files and binaries. WIT.md#filesystem-structure */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "component/component.h"
#include "engine/engine.h"
#include "wit/package/package.h"
#include "wit/package/resolve.h"

enum { MAX_BINARY = 1 << 30 };

typedef TN_VEC(tn_wit_group) group_list;

/* What is being loaded. Invariant: the first group is the one that was asked for. */
typedef struct wit_loader {
  tn_wit_set *set;
  tn_arena scratch;
  group_list groups;
} wit_loader;

typedef TN_VEC(const char *) path_list;

static bool is_folder(const char *path) {
  struct stat status;
  return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool has_ending(const char *path, const char *ending) {
  return tn_str_ends_with(tn_str_from(path), tn_str_from(ending));
}

static int compare_paths(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* ---- folders --------------------------------------------------------------------------------- */

static tn_error *read_entries(wit_loader *loader, DIR *folder, const char *path, path_list *out) {
  for (errno = 0;; errno = 0) {
    const struct dirent *entry = readdir(folder);
    if (entry == NULL && errno != 0)
      return tn_error_new(TN_ERROR_IO, "cannot read %s: %s", path, strerror(errno));
    if (entry == NULL) return NULL;
    if (entry->d_name[0] == '.') continue;
    const char **slot = TN_VEC_PUSH(&loader->scratch, out);
    if (slot == NULL) return tn_error_no_memory();
    *slot = tn_arena_format(loader->set->arena, "%s/%s", path, entry->d_name).data;
    if (*slot == NULL) return tn_error_no_memory();
  }
}

/* The paths of what is in a folder, sorted; hidden files are left out. */
static tn_error *list_folder(wit_loader *loader, const char *path, path_list *out) {
  *out = (path_list){0};
  DIR *folder = opendir(path);
  if (folder == NULL) return tn_error_new(TN_ERROR_IO, "cannot read %s: %s", path, strerror(errno));
  tn_error *error = read_entries(loader, folder, path, out);
  closedir(folder);
  if (error == NULL && out->len > 0) qsort(out->items, out->len, sizeof *out->items, compare_paths);
  return error;
}

/* ---- text ------------------------------------------------------------------------------------ */

static tn_error *parse_text(wit_loader *loader, const char *path, tn_str text,
                            tn_wit_group *group) {
  tn_wit_source *source = TN_ARENA_NEW(loader->set->arena, tn_wit_source);
  if (source == NULL) return tn_error_no_memory();
  *source = (tn_wit_source){tn_str_from(path), text};
  return tn_wit_parse_source(&loader->scratch, loader->set->arena, source, group);
}

static tn_error *parse_file(wit_loader *loader, const char *path, tn_wit_group *group) {
  tn_str text;
  TN_TRY(tn_file_read(loader->set->arena, path, TN_WIT_MAX_SOURCE, &text));
  return parse_text(loader, path, text, group);
}

static tn_error *parse_folder(wit_loader *loader, const char *path, tn_wit_group *group) {
  path_list paths;
  TN_TRY(list_folder(loader, path, &paths));
  for (uint32_t i = 0; i < paths.len; i++) {
    if (has_ending(paths.items[i], ".wit") && !is_folder(paths.items[i]))
      TN_TRY(parse_file(loader, paths.items[i], group));
  }
  return group->files.len > 0
             ? NULL
             : tn_error_new(TN_ERROR_INVALID, "there are no .wit files in %s", path);
}

static tn_error *new_group(wit_loader *loader, tn_wit_group **out) {
  *out = TN_VEC_PUSH(&loader->scratch, &loader->groups);
  return *out == NULL ? tn_error_no_memory() : NULL;
}

/* ---- binaries -------------------------------------------------------------------------------- */

static tn_error *text_to_binary(wit_loader *loader, tn_str text, tn_str *out) {
  uint8_t *bytes = NULL;
  size_t size = 0;
  TN_TRY(tn_core_text_to_binary(text, &bytes, &size));
  *out = tn_arena_copy(loader->set->arena, (tn_str){(const char *)bytes, size});
  tn_free(bytes);
  return out->data == NULL ? tn_error_no_memory() : NULL;
}

static tn_error *decode_binary(wit_loader *loader, tn_str bytes, tn_wit_package **out) {
  const tn_component_ast *component = NULL;
  TN_TRY(tn_component_decode(loader->set->arena, bytes, &component));
  TN_TRY(tn_component_validate(&loader->scratch, component));
  return tn_wit_decode(loader->set, component, out);
}

/* Something that is no whole binary may be the beginning of one, and then it is no text. */
static tn_error *check_text(const char *path, tn_str bytes) {
  if (bytes.len == 0 && !has_ending(path, ".wit"))
    return tn_error_new(TN_ERROR_MALFORMED, "%s: the file is empty", path);
  if (!tn_str_starts_with(bytes, TN_STR("\0"))) return NULL;
  const tn_component_ast *component = NULL;
  tn_arena scratch = {0};
  tn_error *error = tn_component_decode(&scratch, bytes, &component);
  tn_arena_free(&scratch);
  return tn_error_wrap(error, "%s", path);
}

/* Adds what a file has: to the set at once if it is binary (*binary), else as a new group. */
static tn_error *load_file(wit_loader *loader, const char *path, tn_wit_package **binary) {
  tn_str bytes;
  *binary = NULL;
  TN_TRY(tn_file_read(loader->set->arena, path, MAX_BINARY, &bytes));
  if (has_ending(path, ".wat"))
    TN_TRY(tn_error_wrap(text_to_binary(loader, bytes, &bytes), "%s", path));
  switch (tn_file_kind_of(bytes)) {
  case TN_FILE_COMPONENT:
    return tn_error_wrap(decode_binary(loader, bytes, binary), "%s", path);
  case TN_FILE_CORE_MODULE:
    return tn_error_set_hint(
        tn_error_new(TN_ERROR_INVALID, "%s is a core module, which has no WIT", path),
        "`tn_componentize` makes a component of a core module");
  default:
    break;
  }
  TN_TRY(check_text(path, bytes));
  tn_wit_group *group = NULL;
  TN_TRY(new_group(loader, &group));
  return parse_text(loader, path, bytes, group);
}

/* ---- dependencies ---------------------------------------------------------------------------- */

/* A folder makes one package and has no `deps` of its own. Other files than these may lie around. */
static tn_error *load_dependency(wit_loader *loader, const char *path) {
  tn_wit_group *group = NULL;
  tn_wit_package *binary = NULL;
  if (is_folder(path)) {
    TN_TRY(new_group(loader, &group));
    return parse_folder(loader, path, group);
  }
  bool is_known = has_ending(path, ".wit") || has_ending(path, ".wasm") || has_ending(path, ".wat");
  return is_known ? load_file(loader, path, &binary) : NULL;
}

static tn_error *load_dependencies(wit_loader *loader, const char *folder) {
  path_list paths;
  tn_str deps = tn_arena_format(loader->set->arena, "%s/deps", folder);
  if (deps.data == NULL) return tn_error_no_memory();
  if (!is_folder(deps.data)) return NULL;
  TN_TRY(list_folder(loader, deps.data, &paths));
  for (uint32_t i = 0; i < paths.len; i++)
    TN_TRY(load_dependency(loader, paths.items[i]));
  return NULL;
}

static tn_error *load_folder(wit_loader *loader, const char *path) {
  tn_wit_group *group = NULL;
  TN_TRY(new_group(loader, &group));
  TN_TRY(parse_folder(loader, path, group));
  return load_dependencies(loader, path);
}

/* A path without the '/' at its end; in the arena, as messages show it later on. */
static tn_error *keep_path(wit_loader *loader, const char *path, const char **out) {
  tn_str text = tn_str_from(path);
  while (text.len > 1 && text.data[text.len - 1] == '/')
    text.len--;
  *out = tn_arena_copy(loader->set->arena, text).data;
  return *out == NULL ? tn_error_no_memory() : NULL;
}

static tn_error *load(wit_loader *loader, const char *path, tn_wit_package **main) {
  TN_TRY(keep_path(loader, path, &path));
  if (is_folder(path)) {
    TN_TRY(load_folder(loader, path));
  } else {
    TN_TRY(load_file(loader, path, main));
    if (*main != NULL) return NULL;
  }
  return tn_wit_resolve(loader->set, &loader->scratch, loader->groups.items, loader->groups.len,
                        main);
}

tn_error *tn_wit_load(tn_wit_set *set, const char *path, tn_wit_package **main) {
  wit_loader loader = {.set = set};
  *main = NULL;
  tn_error *error = load(&loader, path, main);
  if (error == NULL) (*main)->is_root = true;
  tn_arena_free(&loader.scratch);
  return error;
}
