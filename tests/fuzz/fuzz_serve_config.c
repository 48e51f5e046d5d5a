/* Reads arbitrary text as a server's file. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "serve/settings/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const char *path) {
  tn_server_settings *settings;
  tn_serve_config *config;
  tn_problems problems = {0};
  if (tn_server_settings_new(&settings) != NULL ||
      tn_server_settings_set_file(settings, path) != NULL)
    abort();
  tn_serve_config_build(settings, &problems, &config);
  if (config != NULL) tn_serve_find_route(config, TN_STR("a.example.com:80"), TN_STR("/v1/x?q"));
  tn_problems_sort(&problems);
  tn_serve_config_delete(config);
  tn_problems_free(&problems);
  tn_server_settings_delete(settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char path[64];
  int descriptor = memfd_create("serve.toml", MFD_CLOEXEC);
  if (descriptor < 0 || write(descriptor, data, size) != (ssize_t)size) abort();
  snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
  read_all(path);
  close(descriptor);
  return 0;
}
