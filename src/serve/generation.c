#include "serve/generation.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "component/type.h"
#include "serve/instance_pool.h"

enum { MAX_FILE = INT32_MAX };

/* ---- files ------------------------------------------------------------------------------------------ */

static tn_file_identity identity_of(const struct stat *status) {
  return (tn_file_identity){status->st_dev, status->st_ino, status->st_size, status->st_mtim};
}

void tn_file_identity_take(const char *path, tn_file_identity *out) {
  struct stat status;
  *out = stat(path, &status) == 0 ? identity_of(&status) : (tn_file_identity){0};
}

bool tn_file_identity_equal(const tn_file_identity *a, const tn_file_identity *b) {
  return a->device == b->device && a->inode == b->inode && a->size == b->size &&
         a->modified.tv_sec == b->modified.tv_sec && a->modified.tv_nsec == b->modified.tv_nsec;
}

static tn_error *cannot_read(const char *path) {
  return tn_error_new(TN_ERROR_IO, "cannot read %s: %s", path, strerror(errno));
}

static tn_error *read_bytes(int descriptor, const char *path, uint8_t *out, size_t size,
                            size_t *read_size) {
  size_t done = 0;
  while (done < size) {
    ssize_t count = read(descriptor, out + done, size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot_read(path);
    if (count == 0) break;
    done += (size_t)count;
  }
  *read_size = done;
  return NULL;
}

/* Reads all of a file that is open, instead of mapping it: whoever builds the next version may write to it in place
 * while this one is served. */
static tn_error *read_open(int descriptor, const char *path, uint8_t **out, size_t *size,
                           tn_file_identity *identity) {
  struct stat status;
  if (fstat(descriptor, &status) < 0) return cannot_read(path);
  if (!S_ISREG(status.st_mode))
    return tn_error_new(TN_ERROR_IO, "cannot read %s: it is no file", path);
  if (status.st_size > MAX_FILE)
    return tn_error_new(TN_ERROR_IO, "cannot read %s: it is too large", path);
  uint8_t *bytes = tn_malloc((size_t)status.st_size + 1);
  if (bytes == NULL) return tn_error_no_memory();
  tn_error *error = read_bytes(descriptor, path, bytes, (size_t)status.st_size, size);
  if (error != NULL) {
    tn_free(bytes);
    return error;
  }
  *identity = identity_of(&status);
  *out = bytes;
  return NULL;
}

static tn_error *read_file(const char *path, uint8_t **out, size_t *size,
                           tn_file_identity *identity) {
  int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return cannot_read(path);
  tn_error *error = read_open(descriptor, path, out, size, identity);
  close(descriptor);
  return error;
}

/* ---- loading ---------------------------------------------------------------------------------------- */

/* func(request: own<incoming-request>, response-out: own<response-outparam>), both of the host. */
static bool is_handle_type(const tn_func_type *type) {
  if (type->is_async || type->param_count != 2 || type->result != NULL) return false;
  for (uint32_t i = 0; i < 2; i++) {
    const tn_type *parameter = type->param_types[i];
    if (parameter->kind != TN_TYPE_OWN || !parameter->resource->is_host) return false;
  }
  return true;
}

static tn_error *find_handle(const char *path, const tn_linked *linked, uint32_t *out) {
  size_t index =
      tn_linked_find_export(linked, TN_STR("wasi:http/incoming-handler"), TN_STR("handle"));
  const tn_plan_export *export_ = index != SIZE_MAX ? &linked->plan.exports[index] : NULL;
  if (export_ != NULL && export_->lifted != NULL) {
    if (!is_handle_type(export_->type)) {
      return tn_error_new(TN_ERROR_LINK,
                          "%s: `%" TN_STR_FORMAT "` has another type than wasi:http says", path,
                          TN_STR_ARG(export_->name));
    }
    *out = (uint32_t)index;
    return NULL;
  }
  return tn_error_set_hint(
      tn_error_new(TN_ERROR_NOT_FOUND,
                   "%s does not answer HTTP: it does not export `wasi:http/incoming-handler`",
                   path),
      "`tenon inspect` lists what it exports; a component for `wasi:http/proxy` 0.2 is wanted");
}

/* *component is set when it was loaded, whatever became of it then. */
static tn_error *add_link(const tn_generation_maker *maker, tn_linker *linker,
                          const tn_serve_link *link, tn_component **component) {
  uint8_t *bytes;
  size_t size;
  tn_file_identity ignored;
  TN_TRY(read_file(link->path, &bytes, &size, &ignored));
  tn_error *error =
      tn_component_from_bytes(maker->engine, bytes, size, link->path, link->load_flags, component);
  tn_free(bytes);
  TN_TRY(error);
  return tn_linker_add_component(linker, *component, &(tn_link_options){.wasi = link->wasi});
}

/* The common linker, or with links one of its own, whose components are put into `added`. */
static tn_error *take_linker(const tn_generation_maker *maker, const tn_serve_component *config,
                             tn_component **added, tn_linker **out) {
  if (config->link_count == 0) {
    *out = tn_linker_retain(maker->linker);
    return NULL;
  }
  tn_linker *linker;
  TN_TRY(tn_linker_new(&linker));
  tn_error *error = tn_linker_define_wasi(linker);
  for (uint32_t i = 0; error == NULL && i < config->link_count; i++) {
    error = add_link(maker, linker, &config->links[i], &added[i]);
    if (error != NULL) config->links[i].state = TN_SERVE_LINK_FAILED;
  }
  if (error != NULL)
    tn_linker_delete(linker);
  else
    *out = linker;
  return error;
}

static void note_unused(const tn_serve_component *config, tn_component *const *added,
                        const tn_linked *linked) {
  for (uint32_t i = 0; i < config->link_count; i++)
    if (!tn_linked_uses(linked, added[i])) config->links[i].state = TN_SERVE_LINK_UNUSED;
}

static tn_error *link_with(const tn_generation_maker *maker, const tn_serve_component *config,
                           const tn_component *component, tn_component **added, tn_linked **out) {
  tn_linker *linker;
  TN_TRY(take_linker(maker, config, added, &linker));
  tn_error *error = tn_linker_link(linker, component, out);
  tn_linker_delete(linker);
  if (error == NULL) note_unused(config, added, *out);
  return error;
}

static tn_error *link_component(const tn_generation_maker *maker, const tn_serve_component *config,
                                const tn_component *component, tn_linked **out) {
  if (config->link_count == 0) return link_with(maker, config, component, NULL, out);
  tn_component **added = tn_calloc(config->link_count, sizeof(tn_component *));
  if (added == NULL) return tn_error_no_memory();
  tn_error *error = link_with(maker, config, component, added, out);
  for (uint32_t i = 0; i < config->link_count; i++)
    tn_component_delete(added[i]);
  tn_free(added);
  return error;
}

static tn_error *link_bytes(const tn_generation_maker *maker, const tn_serve_component *config,
                            const uint8_t *bytes, size_t size, tn_linked **out) {
  const char *path = config->path;
  tn_component *component;
  TN_TRY(tn_component_from_bytes(maker->engine, bytes, size, path, config->load_flags, &component));
  tn_error *error = link_component(maker, config, component, out);
  tn_component_delete(component);
  return tn_error_wrap(error, "%s", path);
}

static tn_error *load(const tn_generation_maker *maker, tn_generation_component *component) {
  const char *path = component->config->path;
  uint8_t *bytes;
  size_t size;
  TN_TRY(read_file(path, &bytes, &size, &component->file));
  tn_error *error = link_bytes(maker, component->config, bytes, size, &component->linked);
  tn_free(bytes);
  if (error == NULL) error = find_handle(path, component->linked, &component->handle);
  bool can_restore;
  if (error == NULL) error = tn_linked_recycle(component->linked, &can_restore);
  return error;
}

/* Takes what another component has loaded from the same file, if that has not changed. With links it has their rights in
 * it, and is not shared. */
static bool share(tn_generation_component *component, const tn_generation_component *loaded) {
  if (component->config->link_count + loaded->config->link_count > 0) return false;
  if (loaded->linked == NULL || component->config->load_flags != loaded->config->load_flags ||
      strcmp(component->config->path, loaded->config->path) != 0)
    return false;
  tn_file_identity now;
  tn_file_identity_take(component->config->path, &now);
  if (!tn_file_identity_equal(&now, &loaded->file)) return false;
  component->file = loaded->file;
  component->linked = loaded->linked;
  component->handle = loaded->handle;
  atomic_fetch_add_explicit(&component->linked->references, 1, memory_order_relaxed);
  return true;
}

static bool share_any(tn_generation_component *component, const tn_generation_component *loaded,
                      uint32_t count) {
  for (uint32_t i = 0; i < count; i++)
    if (share(component, &loaded[i])) return true;
  return false;
}

/* ---- configuration ---------------------------------------------------------------------------------- */

static tn_error *check_rights(const tn_generation_maker *maker, const tn_serve_component *config) {
  if (config->fuel == 0 || maker->engine->consume_fuel) return NULL;
  return tn_error_new(TN_ERROR_ARGUMENT,
                      "component %" TN_STR_FORMAT
                      ": a limit of fuel, where there was none, needs a restart",
                      TN_STR_ARG(config->name));
}

/* The callbacks find the instance, and by it the request, through its `user`. */
static tn_error *send_to_log(tn_wasi_config *wasi) {
  TN_TRY(tn_wasi_config_set_output_callback(wasi, 1, tn_pooled_write_output, NULL));
  return tn_wasi_config_set_output_callback(wasi, 2, tn_pooled_write_output, NULL);
}

static tn_error *send_output_to_log(const tn_serve_component *config) {
  if (config->output != TN_SERVE_OUTPUT_LOG) return NULL;
  for (uint32_t i = 0; i < config->link_count; i++)
    TN_TRY(send_to_log(config->links[i].wasi));
  return send_to_log(config->wasi);
}

static tn_error *configure(const tn_generation_maker *maker, tn_generation_component *component) {
  const tn_serve_component *config = component->config;
  TN_TRY(check_rights(maker, config));
  TN_TRY(send_output_to_log(config));
  tn_permits_init(&component->permits, config->max_concurrent);
  tn_instance_options_init(&component->options);
  component->options.wasi = config->wasi;
  component->options.max_memory_bytes = config->max_memory_bytes;
  component->options.max_host_memory_bytes = config->max_host_memory_bytes;
  component->options.max_handles = config->max_handles;
  component->options.has_fuel = config->fuel != 0;
  component->options.fuel = config->fuel;
  return tn_metrics_component(maker->metrics, config->name, &component->metrics);
}

static tn_error *make_components(const tn_generation_maker *maker, const tn_generation *previous,
                                 tn_generation *generation) {
  for (uint32_t i = 0; i < generation->component_count; i++) {
    tn_generation_component *component = &generation->components[i];
    component->config = &generation->config->components[i];
    TN_TRY(configure(maker, component));
    if (share_any(component, generation->components, i)) continue;
    if (previous != NULL && share_any(component, previous->components, previous->component_count))
      continue;
    TN_TRY(load(maker, component));
  }
  return NULL;
}

tn_error *tn_generation_make(const tn_generation_maker *maker, tn_serve_config *config,
                             const tn_generation *previous, tn_generation **out) {
  tn_generation *generation = tn_calloc(1, sizeof *generation);
  if (generation == NULL) return tn_error_no_memory();
  atomic_init(&generation->references, 1);
  generation->number = previous != NULL ? previous->number + 1 : 1;
  generation->config = config;
  generation->component_count = config->component_count;
  generation->components = tn_calloc(config->component_count, sizeof *generation->components);
  tn_error *error = generation->components == NULL ? tn_error_no_memory()
                                                   : make_components(maker, previous, generation);
  if (error != NULL) {
    generation->config = NULL; /* still the caller's */
    tn_generation_delete(generation);
    return error;
  }
  *out = generation;
  return NULL;
}

void tn_generation_delete(tn_generation *generation) {
  if (generation == NULL) return;
  for (uint32_t i = 0; generation->components != NULL && i < generation->component_count; i++)
    tn_linked_delete(generation->components[i].linked);
  tn_free(generation->components);
  if (generation->config != NULL) tn_serve_config_delete(generation->config);
  tn_free(generation);
}
