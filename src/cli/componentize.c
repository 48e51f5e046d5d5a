/* tenon embed, new, strip and unbundle: components from core modules, and what is done with finished files. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/file.h"
#include "cli/print.h"
#include "tenon/componentize.h"

/* Checked before the work is done. */
static int check_output(const cli_settings *settings) {
  bool is_terminal =
      (settings->output == NULL || strcmp(settings->output, "-") == 0) && isatty(STDOUT_FILENO);
  if (!is_terminal || settings->wat) return CLI_EXIT_OK;
  return cli_report(CLI_EXIT_USAGE, "say where to: -o FILE",
                    "a binary file is not printed on a terminal");
}

/* Writes a result. */
static int write_result(const cli_settings *settings, int exit_code, uint8_t *bytes, size_t size) {
  if (exit_code != CLI_EXIT_OK) return exit_code;
  exit_code = cli_write_binary(settings, bytes, size);
  tn_release(bytes);
  return exit_code;
}

/* ---- embed --------------------------------------------------------------------------------------------- */

static int parse_encoding(const char *text, tn_embed_encoding *out) {
  static const char *const names[] = {[TN_EMBED_UTF8] = "utf8",
                                      [TN_EMBED_UTF16] = "utf16",
                                      [TN_EMBED_COMPACT_UTF16] = "compact-utf16"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (text != NULL && strcmp(text, names[i]) != 0) continue;
    *out = (tn_embed_encoding)i;
    return CLI_EXIT_OK;
  }
  return cli_report(CLI_EXIT_USAGE, "utf8, utf16 or compact-utf16",
                    "--encoding %s is no encoding of strings", text);
}

/* How a dummy is to look. */
static int parse_dummy(const cli_settings *settings, tn_embed_options *out) {
  const char *names = settings->dummy_names;
  bool is_legacy = names != NULL && strcmp(names, "legacy") == 0;
  if (names != NULL && !is_legacy && strcmp(names, "standard32") != 0)
    return cli_report(CLI_EXIT_USAGE, "standard32 or legacy",
                      "--dummy-names %s is no scheme of names", names);
  if (settings->async_callback && settings->async_stackful)
    return cli_report(CLI_EXIT_USAGE, NULL,
                      "--async-callback and --async-stackful exclude each other");
  if (settings->async_callback) out->abi = TN_EMBED_ASYNC_CALLBACK;
  if (settings->async_stackful) out->abi = TN_EMBED_ASYNC_STACKFUL;
  if (out->abi != TN_EMBED_SYNC && !is_legacy)
    return cli_report(CLI_EXIT_USAGE, "--dummy-names legacy",
                      "the standard names have none for asynchronous functions");
  out->names = is_legacy ? TN_EMBED_LEGACY : TN_EMBED_STANDARD32;
  return CLI_EXIT_OK;
}

static int check_embed(const cli_settings *settings, bool is_dummy, int count) {
  const char *excluded = is_dummy ? "--dummy" : settings->wat ? "--wat" : NULL;
  bool only_custom = settings->only_custom;
  if (only_custom && excluded != NULL)
    return cli_report(CLI_EXIT_USAGE, NULL, "--only-custom and %s exclude each other", excluded);
  if (count == (is_dummy ? 1 : 2) || (count == 1 && only_custom)) return check_output(settings);
  return cli_report(CLI_EXIT_USAGE, "tenon embed wit/ core.wasm -o embedded.wasm",
                    is_dummy ? "with --dummy, tenon embed takes WIT and nothing else"
                             : "tenon embed takes WIT and a core module");
}

/* With --only-custom, a module may be named and is not read: build scripts call wasm-tools so. */
int cli_embed(const cli_settings *settings, char **operands, int count) {
  bool is_dummy = settings->dummy || settings->dummy_names != NULL;
  bool has_module = !is_dummy && !settings->only_custom;
  tn_embed_options options = {.world = settings->world,
                              .features = settings->features.items,
                              .feature_count = settings->features.count,
                              .all_features = settings->all_features,
                              .only_custom = settings->only_custom};
  char *module = NULL;
  uint8_t *bytes = NULL;
  size_t module_size = 0, size = 0;
  int exit_code = check_embed(settings, is_dummy, count);
  if (exit_code == CLI_EXIT_OK) exit_code = parse_encoding(settings->encoding, &options.encoding);
  if (exit_code == CLI_EXIT_OK) exit_code = parse_dummy(settings, &options);
  if (exit_code == CLI_EXIT_OK && has_module) options.module_name = operands[1];
  if (exit_code == CLI_EXIT_OK && has_module)
    exit_code = cli_read_file(operands[1], &module, &module_size);
  if (exit_code != CLI_EXIT_OK) return exit_code;
  tn_error *error = tn_embed(operands[0], module, module_size, &options, &bytes, &size);
  free(module);
  return write_result(settings, cli_report_error(error), bytes, size);
}

/* ---- new ----------------------------------------------------------------------------------------------- */

/* "[NAME=]FILE" in its parts; both are freed by free_adapter. */
static int read_adapter(const char *text, tn_adapter *out) {
  const char *equals = strchr(text, '=');
  const char *path = equals != NULL ? equals + 1 : text;
  const char *slash = strrchr(path, '/');
  const char *base = slash != NULL ? slash + 1 : path;
  char *name =
      equals != NULL ? strndup(text, (size_t)(equals - text)) : strndup(base, strcspn(base, "."));
  char *bytes;
  if (name == NULL) return cli_report(CLI_EXIT_INTERNAL, NULL, "out of memory");
  int exit_code = cli_read_file(path, &bytes, &out->size);
  if (exit_code != CLI_EXIT_OK) {
    free(name);
    return exit_code;
  }
  out->name = name;
  out->bytes = bytes;
  out->file = path;
  return CLI_EXIT_OK;
}

static int read_adapters(const cli_texts *texts, tn_adapter *out, size_t *count) {
  for (*count = 0; *count < texts->count; ++*count) {
    int exit_code = read_adapter(texts->items[*count], &out[*count]);
    if (exit_code != CLI_EXIT_OK) return exit_code;
  }
  return CLI_EXIT_OK;
}

static void free_adapters(tn_adapter *adapters, size_t count) {
  for (size_t i = 0; i < count; i++) {
    free((char *)adapters[i].name);
    free((void *)adapters[i].bytes);
  }
  free(adapters);
}

static int check_new(const cli_settings *settings, int count) {
  const char *merging = settings->merging;
  if (count != 1) return cli_report(CLI_EXIT_USAGE, NULL, "tenon new takes one core module");
  if (merging != NULL && strcmp(merging, "true") != 0 && strcmp(merging, "false") != 0)
    return cli_report(CLI_EXIT_USAGE, NULL,
                      "--merge-imports-based-on-semver is true or false, not %s", merging);
  for (size_t i = 0; i < settings->import_names.count; i++) {
    if (strchr(settings->import_names.items[i], '=') == NULL)
      return cli_report(CLI_EXIT_USAGE, "as in --import-name 'a:b/c=unlocked-dep=<a:b>'",
                        "--import-name %s says no new name", settings->import_names.items[i]);
  }
  return check_output(settings);
}

int cli_new(const cli_settings *settings, char **operands, int count) {
  int exit_code = check_new(settings, count);
  if (exit_code != CLI_EXIT_OK) return exit_code;
  tn_adapter *adapters = calloc(settings->adapters.count + 1, sizeof *adapters);
  if (adapters == NULL) return cli_report(CLI_EXIT_INTERNAL, NULL, "out of memory");
  tn_componentize_options options = {.adapters = adapters,
                                     .import_names = settings->import_names.items,
                                     .import_name_count = settings->import_names.count,
                                     .realloc_via_memory_grow = settings->realloc_via_memory_grow,
                                     .no_merging = settings->merging != NULL &&
                                                   strcmp(settings->merging, "false") == 0,
                                     .no_validation = settings->no_validation,
                                     .reject_legacy_names = settings->reject_legacy_names};
  char *module = NULL;
  uint8_t *bytes = NULL;
  size_t module_size, size = 0;
  exit_code = read_adapters(&settings->adapters, adapters, &options.adapter_count);
  if (exit_code == CLI_EXIT_OK) exit_code = cli_read_file(operands[0], &module, &module_size);
  if (exit_code == CLI_EXIT_OK) {
    tn_error *error = tn_componentize(module, module_size, &options, &bytes, &size);
    exit_code = cli_report_in_file(operands[0], error);
    exit_code = write_result(settings, exit_code, bytes, size);
  }
  free(module);
  free_adapters(adapters, options.adapter_count);
  return exit_code;
}

/* ---- strip --------------------------------------------------------------------------------------------- */

int cli_strip(const cli_settings *settings, char **operands, int count) {
  char *file;
  uint8_t *bytes = NULL;
  size_t file_size, size = 0;
  if (count != 1) return cli_report(CLI_EXIT_USAGE, NULL, "tenon strip takes one file");
  int exit_code = check_output(settings);
  if (exit_code == CLI_EXIT_OK) exit_code = cli_read_file(operands[0], &file, &file_size);
  if (exit_code != CLI_EXIT_OK) return exit_code;
  tn_error *error = tn_strip(file, file_size, settings->pattern, settings->all, &bytes, &size);
  free(file);
  return write_result(settings, cli_report_in_file(operands[0], error), bytes, size);
}

/* ---- unbundle ------------------------------------------------------------------------------------------- */

typedef struct unbundle_state {
  const cli_settings *settings;
  FILE *report;
  int exit_code;
} unbundle_state;

static int write_module(const cli_settings *settings, const tn_unbundled *module) {
  char *path;
  if (settings->module_folder == NULL) return CLI_EXIT_OK;
  if (mkdir(settings->module_folder, 0777) != 0 && errno != EEXIST)
    return cli_report(CLI_EXIT_IO, NULL, "cannot make %s: %s", settings->module_folder,
                      strerror(errno));
  if (asprintf(&path, "%s/%.*s.wasm", settings->module_folder, (int)module->import_name.len,
               module->import_name.data) < 0)
    return cli_report(CLI_EXIT_INTERNAL, NULL, "out of memory");
  int exit_code = cli_write_file(path, (const uint8_t *)module->bytes.data, module->bytes.len);
  free(path);
  return exit_code;
}

static tn_error *take_module(void *data, const tn_unbundled *module) {
  unbundle_state *state = data;
  fprintf(state->report, "%.*s %zu", (int)module->import_name.len, module->import_name.data,
          module->bytes.len);
  if (module->name.data != NULL)
    fprintf(state->report, " %.*s", (int)module->name.len, module->name.data);
  fputc('\n', state->report);
  if (state->exit_code == CLI_EXIT_OK) state->exit_code = write_module(state->settings, module);
  return NULL;
}

int cli_unbundle(const cli_settings *settings, char **operands, int count) {
  enum { DEFAULT_THRESHOLD = 10240 };
  bool is_to_output = settings->output != NULL && strcmp(settings->output, "-") == 0;
  unbundle_state state = {.settings = settings, .report = is_to_output ? stderr : stdout};
  char *file;
  uint8_t *bytes = NULL;
  size_t file_size, size = 0;
  if (count != 1) return cli_report(CLI_EXIT_USAGE, NULL, "tenon unbundle takes one component");
  int exit_code = settings->output != NULL ? check_output(settings) : CLI_EXIT_OK;
  if (exit_code == CLI_EXIT_OK) exit_code = cli_read_file(operands[0], &file, &file_size);
  if (exit_code != CLI_EXIT_OK) return exit_code;
  size_t threshold = settings->threshold.is_set ? settings->threshold.value : DEFAULT_THRESHOLD;
  tn_error *error = tn_unbundle(file, file_size, threshold, take_module, &state, &bytes, &size);
  free(file);
  exit_code = cli_report_in_file(operands[0], error);
  if (exit_code == CLI_EXIT_OK) exit_code = state.exit_code;
  if (exit_code == CLI_EXIT_OK && settings->output != NULL)
    exit_code = cli_write_binary(settings, bytes, size);
  tn_release(bytes);
  return cli_finish_output(exit_code);
}
