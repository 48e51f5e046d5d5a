/* A generation: one configuration with its components loaded and linked. Immutable but for counters, shared by all
 * workers, and replaced as a whole by a reload: new requests go to the new one, and the old one ends when the last worker
 * has finished with it. */
#ifndef TN_SERVE_GENERATION_H
#define TN_SERVE_GENERATION_H

#include <sys/stat.h>

#include "api/api.h"
#include "serve/request/admission.h"
#include "serve/settings/config.h"
#include "serve/observe/metrics.h"

/* What tells whether a file is still the same. */
typedef struct tn_file_identity {
  dev_t device;
  ino_t inode;
  off_t size;
  struct timespec modified;
} tn_file_identity;

/* All zero when there is no such file. */
void tn_file_identity_take(const char *path, tn_file_identity *out);
bool tn_file_identity_equal(const tn_file_identity *a, const tn_file_identity *b);

typedef struct tn_generation_component {
  const tn_serve_component *config;
  tn_file_identity file; /* as it was when it was loaded */
  tn_linked *linked;
  uint32_t handle; /* the export `wasi:http/incoming-handler#handle`, by its place */
  tn_instance_options options;
  tn_component_metrics *metrics; /* one for each worker */
  tn_permits permits;
  _Atomic uint32_t waiting; /* requests in queues of all workers */
} tn_generation_component;

/* Invariant: the holders of references are the server, and each worker that still uses it. */
typedef struct tn_generation {
  atomic_uint references;
  atomic_uint awaited; /* workers that a reload is to bring it to, and that do not use it yet */
  uint64_t number;
  tn_serve_config *config;
  tn_generation_component *components; /* as in config->components */
  uint32_t component_count;
  struct tn_generation *next; /* in the server's list */
} tn_generation;

/* What generations are made with; lives as long as the server. */
typedef struct tn_generation_maker {
  const tn_server_settings *settings;
  tn_engine *engine;
  tn_linker *linker;
  tn_metrics *metrics;
} tn_generation_maker;

/* Loads and links what `config` names; takes it over on success. Files that `previous` (may be NULL) has loaded and that
 * have not changed are not loaded again. One thread at a time; need not be a worker's. */
tn_error *tn_generation_make(const tn_generation_maker *maker, tn_serve_config *config,
                             const tn_generation *previous, tn_generation **out);
void tn_generation_delete(tn_generation *generation);

#endif
