#include "tenon/artifact.h"

#include <fcntl.h>
#include <unistd.h>

#include "engine/artifact.h"

static void adopt(tn_engine_options *options, tn_str fingerprint) {
  if (tn_artifact_has(fingerprint, TN_STR("compiler=winch"))) options->compiler = TN_COMPILER_WINCH;
  if (tn_artifact_has(fingerprint, TN_STR("compiler=cranelift")))
    options->compiler = TN_COMPILER_CRANELIFT;
  for (uint32_t level = 0; level <= 2; level++) {
    char word[] = {'o', 'p', 't', 'i', 'm', 'i', 'z', 'e', '=', (char)('0' + level)};
    if (tn_artifact_has(fingerprint, (tn_str){word, sizeof word})) options->optimize = level;
  }
  options->debug_info = tn_artifact_has(fingerprint, TN_STR("debug-info=1"));
  if (tn_artifact_has(fingerprint, TN_STR("fuel=1"))) options->consume_fuel = true;
  if (tn_artifact_has(fingerprint, TN_STR("deterministic=1"))) options->deterministic = true;
}

void tn_engine_options_adopt(tn_engine_options *options, const char *path) {
  char room[TN_ARTIFACT_FINGERPRINT_ROOM];
  int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return; /* loading will tell */
  tn_str fingerprint = tn_artifact_read_fingerprint(descriptor, room, sizeof room);
  close(descriptor);
  if (fingerprint.len > 0) adopt(options, fingerprint);
}
