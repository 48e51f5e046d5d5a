/* --link: components that meet imports of what is run. */
#ifndef CLI_LINK_H
#define CLI_LINK_H

#include "cli/options.h"

/* One of them; all lives as long as the process. */
typedef struct cli_link {
  const char *text; /* as it was given */
  cli_settings rights;
  tn_wasi_config *wasi;
  tn_component *component;
} cli_link;

typedef struct cli_links {
  cli_link *items;
  size_t count;
} cli_links;

/* How many of these are read from standard input. */
size_t cli_links_count_inputs(const cli_settings *settings);
/* Loads what --link says and adds it to the linker, in order. A mistake in the text is TN_ERROR_ARGUMENT. */
tn_error *cli_links_add(const cli_settings *settings, tn_engine *engine, tn_linker *linker,
                        cli_links *out);
/* What takes no part in the link is most likely a mistake: warns of it. */
void cli_links_warn_of_unused(const cli_links *links, const tn_linked *linked);

#endif
