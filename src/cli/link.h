/* --link: components that meet imports of what is run. */
#ifndef CLI_LINK_H
#define CLI_LINK_H

#include "cli/options.h"

/* One of them. */
typedef struct cli_link {
  const char *text; /* as it was given */
  cli_settings rights;
  char *copy; /* of the text, which path and rights point into */
  char *path;
  tn_wasi_config *wasi; /* what the rights say; may be added to until an instance is made */
  tn_component *component;
  char sha256[65]; /* of the file, with cli_links.are_hashed */
} cli_link;

typedef struct cli_links {
  cli_link *items;
  size_t count;
  bool are_hashed; /* to be set by who wants it */
} cli_links;

/* How many of these are read from standard input. */
size_t cli_links_count_inputs(const cli_settings *settings);
/* Reads what --link says, in order. A mistake in the text is TN_ERROR_ARGUMENT. */
tn_error *cli_links_read(const cli_settings *settings, cli_links *out);
/* Loads them and adds them to the linker, for `component` to be linked with. */
tn_error *cli_links_add(cli_links *links, const cli_settings *settings, tn_engine *engine,
                        tn_linker *linker, const tn_component *component);
/* After what was linked. tenon run leaves it to the end of the process. */
void cli_links_free(cli_links *links);
/* What takes no part in the link is most likely a mistake: warns of it. */
void cli_links_warn_of_unused(const cli_links *links, const tn_linked *linked);

#endif
