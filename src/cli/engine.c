#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "tenon/artifact.h"

/* Makes the folder and its parents. What cannot be made shows when the cache is used: it is then without
 * effect. */
static void make_folders(char *path) {
  for (char *slash = path + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
    *slash = '\0';
    mkdir(path, 0700);
    *slash = '/';
  }
  mkdir(path, 0700);
}

/* The default folder of the cache in `out`, or NULL when there is no home. */
static const char *default_cache(char *out, size_t room) {
  const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
  int length;
  if (base != NULL && base[0] == '/')
    length = snprintf(out, room, "%s/tenon", base);
  else if (home != NULL && home[0] == '/')
    length = snprintf(out, room, "%s/.cache/tenon", home);
  else
    return NULL;
  return length > 0 && (size_t)length < room ? out : NULL;
}

const char *cli_choose_cache(const cli_settings *settings, char *room, size_t size) {
  if (settings->no_cache || settings->cache == CLI_CHOICE_NO) return NULL;
  const char *folder = default_cache(room, size);
  if (settings->cache_directory != NULL) {
    if (strlen(settings->cache_directory) >= size) return NULL;
    folder = strcpy(room, settings->cache_directory);
  }
  struct stat status;
  if (folder != NULL && stat(folder, &status) != 0 && errno == ENOENT) make_folders(room);
  return folder;
}

bool cli_is_interruptible(const cli_settings *settings) {
  return settings->timeout.is_set || settings->interruptible == CLI_CHOICE_YES;
}

tn_error *cli_engine_new(const cli_settings *settings, bool with_cache, tn_engine **out) {
  return cli_engine_for(NULL, settings, with_cache, out);
}

tn_error *cli_engine_for(const char *artifact, const cli_settings *settings, bool with_cache,
                         tn_engine **out) {
  char cache[4096];
  tn_engine_options options;
  tn_engine_options_init(&options);
  options.compiler = settings->compiler;
  options.optimize = settings->optimize;
  options.consume_fuel = settings->fuel.is_set;
  options.debug_info = settings->debug_info;
  options.deterministic = settings->deterministic;
  /* Looking at the clock costs a loop up to a third of its speed: only for those who ask for a time limit. */
  options.epoch_interruption = cli_is_interruptible(settings);
  /* One guest: slots for many would only cost time and memory. */
  options.pooling = settings->pooling == CLI_CHOICE_YES;
  options.parallel_compilation = settings->parallel != CLI_CHOICE_NO;
  if (settings->max_stack.is_set) options.max_stack_bytes = settings->max_stack.value;
  if (settings->max_cache.is_set) options.max_cache_bytes = settings->max_cache.value;
  options.cache_directory = with_cache ? cli_choose_cache(settings, cache, sizeof cache) : NULL;
  if (artifact != NULL) tn_engine_options_adopt(&options, artifact);
  return tn_engine_new(&options, out);
}
