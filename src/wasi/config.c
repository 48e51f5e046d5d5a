#include "wasi/config.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/utf.h"
#include "tenon/exec.h"

static const tn_wasi_config nothing = {.output_limit = UINT64_MAX};

const tn_wasi_config *tn_wasi_config_nothing(void) {
  return &nothing;
}

tn_error *tn_wasi_config_new(tn_wasi_config **out) {
  tn_wasi_config *made = tn_malloc(sizeof *made);
  if (made == NULL) return tn_error_no_memory();
  *made = nothing;
  *out = made;
  return NULL;
}

void tn_wasi_config_delete(tn_wasi_config *config) {
  if (config == NULL) return;
  for (uint32_t i = 0; i < config->directories.len; i++)
    close(config->directories.items[i].fd);
  tn_arena_free(&config->arena);
  tn_free(config);
}

/* Copies a string that a guest will see. */
static tn_error *keep(tn_wasi_config *config, const char *what, tn_str text, tn_str *out) {
  if (text.len > 0 && memchr(text.data, 0, text.len) != NULL) {
    return tn_error_new(TN_ERROR_ARGUMENT, "%s contains a NUL byte", what);
  }
  if (!tn_utf8_is_valid(text.data, text.len)) {
    return tn_error_new(TN_ERROR_ARGUMENT, "%s is not valid UTF-8", what);
  }
  *out = tn_arena_copy(&config->arena, text);
  return out->data == NULL ? tn_error_no_memory() : NULL;
}

tn_error *tn_wasi_config_add_argument(tn_wasi_config *config, tn_str argument) {
  tn_str kept;
  TN_TRY(keep(config, "an argument", argument, &kept));
  tn_str *added = TN_VEC_PUSH(&config->arena, &config->arguments);
  if (added == NULL) return tn_error_no_memory();
  *added = kept;
  return NULL;
}

tn_error *tn_wasi_config_set_working_directory(tn_wasi_config *config, tn_str path) {
  return keep(config, "the working directory", path, &config->working_directory);
}

tn_error *tn_wasi_config_add_env(tn_wasi_config *config, tn_str name, tn_str value) {
  if (name.len == 0 || memchr(name.data, '=', name.len) != NULL) {
    return tn_error_new(TN_ERROR_ARGUMENT,
                        "\"%" TN_STR_FORMAT "\" is not the name of an environment variable",
                        TN_STR_ARG(name));
  }
  tn_config_variable kept;
  TN_TRY(keep(config, "the name of an environment variable", name, &kept.name));
  TN_TRY(keep(config, "the value of an environment variable", value, &kept.value));
  for (uint32_t i = 0; i < config->variables.len; i++) {
    if (!tn_str_equal(config->variables.items[i].name, name)) continue;
    config->variables.items[i] = kept;
    return NULL;
  }
  tn_config_variable *added = TN_VEC_PUSH(&config->arena, &config->variables);
  if (added == NULL) return tn_error_no_memory();
  *added = kept;
  return NULL;
}

tn_error *tn_wasi_config_add_config_value(tn_wasi_config *config, tn_str key, tn_str value) {
  tn_config_variable kept;
  TN_TRY(keep(config, "the key of a configuration value", key, &kept.name));
  TN_TRY(keep(config, "a configuration value", value, &kept.value));
  for (uint32_t i = 0; i < config->values.len; i++) {
    if (!tn_str_equal(config->values.items[i].name, key)) continue;
    config->values.items[i] = kept;
    return NULL;
  }
  tn_config_variable *added = TN_VEC_PUSH(&config->arena, &config->values);
  if (added == NULL) return tn_error_no_memory();
  *added = kept;
  return NULL;
}

/* ---- standard streams --------------------------------------------------------------------------- */

static tn_error *set_stdio(tn_wasi_config *config, int stream, tn_stdio_kind kind, int descriptor) {
  if (kind == TN_STDIO_CALLBACK) {
    return tn_error_new(TN_ERROR_ARGUMENT,
                        "a callback is set with tn_wasi_config_set_output_callback");
  }
  if (kind == TN_STDIO_DESCRIPTOR && descriptor < 0) {
    return tn_error_new(TN_ERROR_ARGUMENT, "%d is not a descriptor", descriptor);
  }
  config->stdio[stream] = (tn_config_stdio){
      .kind = kind,
      .descriptor = kind == TN_STDIO_INHERIT ? stream : descriptor,
  };
  return NULL;
}

tn_error *tn_wasi_config_set_stdin(tn_wasi_config *config, tn_stdio_kind kind, int descriptor) {
  return set_stdio(config, 0, kind, descriptor);
}

tn_error *tn_wasi_config_set_stdout(tn_wasi_config *config, tn_stdio_kind kind, int descriptor) {
  return set_stdio(config, 1, kind, descriptor);
}

tn_error *tn_wasi_config_set_stderr(tn_wasi_config *config, tn_stdio_kind kind, int descriptor) {
  return set_stdio(config, 2, kind, descriptor);
}

tn_error *tn_wasi_config_set_output_callback(tn_wasi_config *config, int stream,
                                             tn_output_func write, void *data) {
  if ((stream != 1 && stream != 2) || write == NULL) {
    return tn_error_new(TN_ERROR_ARGUMENT,
                        "an output callback is a function for stream 1 or 2, not %d", stream);
  }
  config->stdio[stream] =
      (tn_config_stdio){.kind = TN_STDIO_CALLBACK, .descriptor = -1, .write = write, .data = data};
  return NULL;
}

tn_error *tn_wasi_config_set_input_callback(tn_wasi_config *config, tn_input_func open,
                                            void *data) {
  if (open == NULL) return tn_error_new(TN_ERROR_ARGUMENT, "an input callback is a function");
  config->stdio[0] =
      (tn_config_stdio){.kind = TN_STDIO_CALLBACK, .descriptor = -1, .open = open, .data = data};
  return NULL;
}

tn_error *tn_wasi_config_set_output_limit(tn_wasi_config *config, uint64_t bytes) {
  config->output_limit = bytes;
  return NULL;
}

/* ---- directories, network ----------------------------------------------------------------------- */

tn_error *tn_wasi_config_add_directory(tn_wasi_config *config, const char *host_path,
                                       const char *guest_path, unsigned flags) {
  if ((flags & ~(unsigned)TN_DIRECTORY_READ_ONLY) != 0) {
    return tn_error_new(TN_ERROR_ARGUMENT, "directory %s: unknown flags %#x", host_path, flags);
  }
  tn_config_directory made = {.is_read_only = (flags & TN_DIRECTORY_READ_ONLY) != 0};
  TN_TRY(keep(config, "a directory's path",
              tn_str_from(guest_path != NULL ? guest_path : host_path), &made.guest_path));
  made.fd = open(host_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  /* A directory that may be passed through but not listed is still good for what it holds. */
  if (made.fd < 0 && errno == EACCES) made.fd = open(host_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (made.fd < 0) return tn_error_new(TN_ERROR_IO, "directory %s: %s", host_path, strerror(errno));
  tn_config_directory *added = TN_VEC_PUSH(&config->arena, &config->directories);
  if (added == NULL) {
    close(made.fd);
    return tn_error_no_memory();
  }
  *added = made;
  return NULL;
}

tn_error *tn_wasi_config_allow_network(tn_wasi_config *config, const char *rule,
                                       unsigned operations) {
  return tn_network_allow(&config->network, &config->arena, rule, operations);
}

tn_error *tn_wasi_config_inherit_network(tn_wasi_config *config) {
  config->network.allows_everything = true;
  return NULL;
}

tn_error *tn_wasi_config_allow_name_lookup(tn_wasi_config *config, bool allowed) {
  config->network.allows_lookup = allowed;
  return NULL;
}

tn_error *tn_wasi_config_allow_http(tn_wasi_config *config, const char *rule) {
  return tn_egress_allow(&config->egress, &config->arena, rule);
}

tn_error *tn_wasi_config_allow_http_private(tn_wasi_config *config, bool allowed) {
  config->egress.allows_private = allowed;
  return NULL;
}

tn_error *tn_wasi_config_allow_http_all(tn_wasi_config *config, bool allowed) {
  config->egress.allows_everything = allowed;
  return NULL;
}

/* ---- clocks, random numbers --------------------------------------------------------------------- */

tn_error *tn_wasi_config_set_clock(tn_wasi_config *config, const tn_clock *clock) {
  if (clock->monotonic_now == NULL || clock->wall_now == NULL || clock->wait == NULL) {
    return tn_error_new(TN_ERROR_ARGUMENT, "a clock needs its three functions");
  }
  config->clock = *clock;
  if (config->clock.resolution == 0) config->clock.resolution = 1;
  config->has_clock = true;
  return NULL;
}

tn_error *tn_wasi_config_set_random_seed(tn_wasi_config *config, uint64_t seed) {
  config->has_seed = true;
  config->seed = seed;
  return NULL;
}

tn_error *tn_wasi_config_set_deterministic(tn_wasi_config *config, unsigned what) {
  if ((what & ~(unsigned)TN_DETERMINISTIC_ALL) != 0)
    return tn_error_new(TN_ERROR_ARGUMENT, "unknown flags %#x", what);
  config->deterministic = what;
  return NULL;
}
