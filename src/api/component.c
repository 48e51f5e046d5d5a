#include "api/api.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"

static tn_error *load(tn_engine *engine, tn_compiled_source *source, tn_component **out) {
  tn_component *component = tn_calloc(1, sizeof *component);
  if (component == NULL) {
    tn_compiled_source_free(source);
    return tn_error_no_memory();
  }
  atomic_init(&component->references, 1);
  source->cache_directory = engine->cache_directory;
  tn_error *error = tn_compiled_load(engine->core, source, &component->compiled);
  if (error != NULL) {
    tn_free(component);
    return error;
  }
  component->engine = tn_engine_retain(engine);
  *out = component;
  return NULL;
}

tn_error *tn_component_from_bytes(tn_engine *engine, const void *bytes, size_t size,
                                  const char *name, unsigned flags, tn_component **out) {
  tn_compiled_source source = {.name = tn_str_from(name), .bytes = {bytes, size}, .flags = flags};
  return load(engine, &source, out);
}

/* Maps a regular file; anything else (a pipe, a device) is read. */
static tn_error *map_descriptor(const char *path, int descriptor, tn_compiled_source *source) {
  struct stat status;
  if (fstat(descriptor, &status) != 0)
    return tn_error_new(TN_ERROR_IO, "cannot read %s: %s", path, strerror(errno));
  if (S_ISDIR(status.st_mode))
    return tn_error_new(TN_ERROR_IO, "cannot read %s: it is a directory", path);
  if (!S_ISREG(status.st_mode)) return tn_compiled_source_read(descriptor, path, source);
  if (status.st_size == 0) return NULL;
  void *mapping = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (mapping == MAP_FAILED)
    return tn_error_new(TN_ERROR_IO, "cannot map %s: %s", path, strerror(errno));
  source->mapping = mapping;
  source->mapping_size = (size_t)status.st_size;
  source->bytes = (tn_str){mapping, source->mapping_size};
  return NULL;
}

static tn_error *map_file(const char *path, tn_compiled_source *source) {
  int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return tn_error_new(TN_ERROR_IO, "cannot open %s: %s", path, strerror(errno));
  tn_error *error = map_descriptor(path, descriptor, source);
  close(descriptor);
  if (error != NULL) tn_compiled_source_free(source);
  return error;
}

tn_error *tn_component_from_file(tn_engine *engine, const char *path, unsigned flags,
                                 tn_component **out) {
  tn_compiled_source source = {.name = tn_str_from(path), .flags = flags};
  TN_TRY(map_file(path, &source));
  return load(engine, &source, out);
}

tn_error *tn_validate(tn_engine *engine, const void *bytes, size_t size, const char *name) {
  tn_compiled_source source = {.name = tn_str_from(name), .bytes = {bytes, size}};
  return tn_compiled_check(engine->core, &source);
}

bool tn_component_is_module(const tn_component *component) {
  return component->compiled.core != NULL;
}

tn_error *tn_component_artifact(const tn_component *component, uint8_t **out, size_t *size) {
  return tn_compiled_artifact(&component->compiled, out, size);
}

tn_component *tn_component_retain(const tn_component *component) {
  tn_component *shared = (tn_component *)component; /* the count is the one mutable part */
  atomic_fetch_add_explicit(&shared->references, 1, memory_order_relaxed);
  return shared;
}

void tn_component_delete(tn_component *component) {
  if (component == NULL ||
      atomic_fetch_sub_explicit(&component->references, 1, memory_order_acq_rel) != 1)
    return;
  tn_compiled_free(&component->compiled);
  tn_engine_delete(component->engine);
  tn_free(component);
}
