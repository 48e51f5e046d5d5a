/* What options say about a guest's rights and limits, for run and exec. */
#ifndef CLI_RIGHTS_H
#define CLI_RIGHTS_H

#include "cli/options.h"

tn_str cli_text(const char *text);

/* The guest's arguments: its name, from --argv0 or the file in operands[0], and the other operands. */
tn_error *cli_configure_arguments(tn_wasi_config *config, const cli_settings *settings,
                                  char **operands, int count);
/* Directories, and the one that it starts in. */
tn_error *cli_configure_files(tn_wasi_config *config, const cli_settings *settings);
/* Environment and wasi:config values. */
tn_error *cli_configure_environment(tn_wasi_config *config, const cli_settings *settings);
/* Sockets, name lookup and outgoing HTTP. */
tn_error *cli_configure_network(tn_wasi_config *config, const cli_settings *settings);
void cli_configure_limits(tn_instance_options *options, const cli_settings *settings);

/* TN_LOAD_… for the file to be run. */
unsigned cli_load_flags(const cli_settings *settings, const char *path);

#endif
