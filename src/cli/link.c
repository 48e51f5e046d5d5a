#include "cli/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/file.h"
#include "cli/rights.h"
#include "tenon/exec.h"

static tn_error *out_of_memory(void) {
  return tn_error_make(TN_ERROR_NO_MEMORY, "out of memory");
}

static tn_error *mistake(const cli_link *link, const char *part, const char *wrong) {
  char message[512];
  snprintf(message, sizeof message, "--link %s: `%s` %s", link->text, part, wrong);
  return tn_error_make(TN_ERROR_ARGUMENT, message);
}

static bool find_right(const char *name, cli_option *out) {
  for (size_t i = 0; i < cli_option_count(); i++) {
    *out = cli_option_at(i);
    bool is_right = (out->commands & CLI_RUN) != 0 && cli_option_is_right(out) && out->name != NULL;
    if (is_right && strcmp(out->name, name) == 0) return true;
  }
  return false;
}

/* "dir=data::/data" */
static tn_error *read_right(cli_link *link, char *part) {
  char *value = strchr(part, '=');
  if (value != NULL) *value++ = '\0';
  cli_option option;
  if (!find_right(part, &option))
    return mistake(
        link, part,
        "is not a right: those of tenon run, such as dir=HOST::GUEST, env=NAME=VALUE or net=HOST:PORT");
  if (option.argument != NULL && value == NULL) return mistake(link, part, "needs a value");
  const char *wrong = option.parse((char *)&link->rights + option.offset, value);
  if (wrong == NULL) return NULL;
  if (value != NULL) value[-1] = '=';
  return mistake(link, part, wrong);
}

/* Standard streams are a right here: a component that is linked with starts with none. */
static tn_stdio_kind stdio_kind(cli_choice inherits) {
  return inherits == CLI_CHOICE_YES ? TN_STDIO_INHERIT : TN_STDIO_NULL;
}

static tn_error *configure(cli_link *link) {
  const cli_settings *rights = &link->rights;
  tn_wasi_config *wasi = link->wasi;
  tn_error *error = cli_configure_arguments(wasi, rights, &link->path, 1);
  if (error == NULL)
    error = tn_wasi_config_set_stdin(wasi, stdio_kind(rights->inherit_stdin), STDIN_FILENO);
  if (error == NULL)
    error = tn_wasi_config_set_stdout(wasi, stdio_kind(rights->inherit_stdout), STDOUT_FILENO);
  if (error == NULL)
    error = tn_wasi_config_set_stderr(wasi, stdio_kind(rights->inherit_stderr), STDERR_FILENO);
  if (error == NULL) error = cli_configure_files(wasi, rights);
  if (error == NULL) error = cli_configure_environment(wasi, rights);
  if (error == NULL) error = cli_configure_network(wasi, rights);
  if (error == NULL && rights->random_seed.is_set)
    error = tn_wasi_config_set_random_seed(wasi, rights->random_seed.value);
  return error;
}

static tn_error *read_text(cli_link *link) {
  cli_settings_init(&link->rights);
  char *rest = link->copy = strdup(link->text);
  if (rest == NULL) return out_of_memory();
  link->path = tn_link_text_part(&rest);
  if (*link->path == '\0') return mistake(link, "", "names no file");
  tn_error *error = tn_wasi_config_new(&link->wasi);
  for (char *part; error == NULL && (part = tn_link_text_part(&rest)) != NULL;)
    if (*part != '\0') error = read_right(link, part);
  return error == NULL ? configure(link) : error;
}

size_t cli_links_count_inputs(const cli_settings *settings) {
  size_t count = 0;
  for (size_t i = 0; i < settings->links.count; i++) {
    const char *text = settings->links.items[i];
    count += text[0] == '-' && (text[1] == '\0' || text[1] == ';');
  }
  return count;
}

tn_error *cli_links_read(const cli_settings *settings, cli_links *out) {
  size_t count = settings->links.count;
  out->items = calloc(count + 1, sizeof *out->items);
  if (out->items == NULL) return out_of_memory();
  tn_error *error = NULL;
  for (; out->count < count && error == NULL; out->count++) {
    cli_link *link = &out->items[out->count];
    link->text = settings->links.items[out->count];
    error = read_text(link);
  }
  return error;
}

/* The bytes that are hashed are those that run. */
static tn_error *load_and_hash(cli_link *link, unsigned flags, tn_engine *engine) {
  char *bytes;
  size_t size;
  tn_error *error = cli_load_file(link->path, &bytes, &size);
  if (error != NULL) return error;
  tn_sha256(bytes, size, link->sha256);
  error = tn_component_from_bytes(engine, bytes, size, link->path, flags, &link->component);
  free(bytes);
  return error;
}

static tn_error *add(cli_link *link, bool is_hashed, const cli_settings *settings,
                     tn_engine *engine, tn_linker *linker) {
  unsigned flags = cli_load_flags(settings, link->path);
  tn_error *error = is_hashed ? load_and_hash(link, flags, engine)
                              : tn_component_from_file(engine, cli_input_path(link->path), flags,
                                                       &link->component);
  const tn_link_options options = {.wasi = link->wasi};
  return error == NULL ? tn_linker_add_component(linker, link->component, &options) : error;
}

tn_error *cli_links_add(cli_links *links, const cli_settings *settings, tn_engine *engine,
                        tn_linker *linker, const tn_component *component) {
  if (links->count > 0 && tn_component_is_module(component))
    return tn_error_make(
        TN_ERROR_LINK,
        "a core module cannot be linked (--link) with components: only components can; tenon new makes one of it");
  tn_error *error = NULL;
  for (size_t i = 0; i < links->count && error == NULL; i++)
    error = add(&links->items[i], links->are_hashed, settings, engine, linker);
  return error;
}

void cli_links_free(cli_links *links) {
  for (size_t i = 0; i < links->count; i++) {
    cli_link *link = &links->items[i];
    tn_component_delete(link->component);
    tn_wasi_config_delete(link->wasi);
    cli_settings_free(&link->rights);
    free(link->copy);
  }
  free(links->items);
}

void cli_links_warn_of_unused(const cli_links *links, const tn_linked *linked) {
  for (size_t i = 0; i < links->count; i++) {
    if (tn_linked_uses(linked, links->items[i].component)) continue;
    cli_warn("nothing imports what --link %s exports: it takes no part", links->items[i].text);
  }
}
