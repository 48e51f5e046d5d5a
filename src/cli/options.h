/* The one table of options, and its parser. A row gives the plain long form (`--max-memory 64MiB`), the
 * short one (`-o`), and Wasmtime's grouped spelling (`-W max-memory-size=64MiB`), whichever exist; the same
 * rows make the help, the manual, the documentation and the shell completions. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/report.h"
#include "tenon.h"

/* Texts in the order given; the texts belong to argv. */
typedef struct cli_texts {
  const char **items;
  size_t count;
} cli_texts;

typedef enum cli_choice { CLI_CHOICE_UNSET, CLI_CHOICE_NO, CLI_CHOICE_YES } cli_choice;

/* An amount that may not have been given. */
typedef struct cli_amount {
  bool is_set;
  uint64_t value;
} cli_amount;

/* A clock that is not the system's; nanoseconds. */
typedef struct cli_clock {
  bool is_virtual;
  uint64_t start; /* since 1970-01-01T00:00:00Z */
  uint64_t step;
} cli_clock;

/* What options of all commands can say; each command reads its own. */
typedef struct cli_settings {
  bool help;
  char group_help; /* the letter of a group: -W help */
  bool version;
  /* what to run */
  const char *invoke;
  const char *argv0;
  bool allow_precompiled;
  cli_texts links;
  /* rights */
  cli_texts directories, read_only_directories;
  cli_texts environment;
  cli_texts config_values;
  cli_texts http;
  bool http_private, http_all;
  bool inherit_environment;
  cli_texts network, network_connect, network_listen, network_udp;
  bool inherit_network;
  cli_choice tcp, udp, name_lookup;
  cli_choice inherit_stdin, inherit_stdout, inherit_stderr;
  const char *working_directory;
  cli_amount random_seed;
  /* limits */
  cli_amount max_memory, max_host_memory, max_table_elements, max_instances, max_memories,
      max_tables, max_handles, max_transfer;
  cli_amount fuel, timeout, max_stack, max_output;
  bool trap_on_grow_failure;
  bool always_there; /* what scripts for Wasmtime switch on and Tenon always has */
  /* the compiler */
  tn_compiler compiler;
  uint32_t optimize;
  bool debug_info;
  bool deterministic;
  cli_choice interruptible;
  cli_choice pooling, parallel;
  cli_choice cache;
  bool no_cache;
  const char *cache_directory;
  cli_amount max_cache;
  /* output */
  const char *output;
  bool json;
  bool wat, skeleton, print_offsets;
  bool validate_only;
  bool quiet;
  bool markdown;
  bool man;
  bool settings_reference;
  /* what to serve: settings of the server by name, with their values */
  cli_texts setting_names, setting_values;
  cli_texts routes;
  const char *config_file;
  bool no_logging_prefix;
  /* what to compose */
  cli_texts plugs, dependencies;
  const char *dependency_folder;
  bool import_dependencies, no_validation;
  /* which WIT */
  const char *world;
  cli_texts features;
  bool all_features, wasm;
  /* what to make of a core module, or to leave out of a file */
  cli_texts adapters, import_names;
  const char *encoding, *merging, *module_folder, *pattern, *dummy_names;
  bool dummy, only_custom, realloc_via_memory_grow, all;
  bool async_callback, async_stackful, reject_legacy_names;
  cli_amount threshold;
  /* what is called, what a run is fed, and what is to be shown of it */
  const char *function, *arguments, *arguments_json, *arguments_file, *input;
  cli_clock clock;
  bool allow_clock, allow_random;
  cli_amount verify;
  const char *record, *replay, *result_cache;
  cli_amount ignored; /* what scripts for Wasmtime say and has no effect here */
} cli_settings;

void cli_settings_init(cli_settings *settings);
void cli_settings_free(cli_settings *settings);

/* Commands as bits, for the column that says where an option applies. */
enum {
  CLI_RUN = 1,
  CLI_COMPILE = 2,
  CLI_INSPECT = 4,
  CLI_WAST = 8,
  CLI_COMPLETION = 16,
  CLI_HELP = 32,
  CLI_VERSION = 64,
  CLI_SERVE = 128,
  CLI_CHECK = 256,
  CLI_COMPILING = CLI_RUN | CLI_COMPILE | CLI_WAST,
  CLI_EXEC = 65536,
  CLI_COMPOSE = 131072,
  CLI_WIT = 262144,
  CLI_EMBED = 524288,
  CLI_NEW = 1048576,
  CLI_STRIP = 2097152,
  CLI_PRINT = 4194304,
  CLI_UNBUNDLE = 8388608,
  CLI_EVERY = 0x7fffffff,
};

/* Reads `value` (NULL for a flag without one) into the field. Returns NULL, or what is wrong, to be put
 * after the value: "is not a size such as 64MiB". */
typedef const char *(*cli_parse_func)(void *field, const char *value);

typedef struct cli_option {
  const char *section;    /* heading in the help */
  const char *name;       /* long form without dashes, or NULL */
  char letter;            /* short form, or 0 */
  char group;             /* 'W', 'S', 'O', 'C', 'D' of the grouped form, or 0 */
  const char *group_name; /* the name there */
  const char *argument;   /* placeholder of the value; NULL: a flag, which takes =y or =n */
  unsigned commands;
  cli_parse_func parse;
  size_t offset; /* of the field in cli_settings */
  const char *help;
  /* tenon serve: the value goes to the server's setting of this name instead; or NULL */
  const char *setting;
  const char *fallback; /* its default; or NULL */
} cli_option;

/* All options: the rows of option_table.c, and one for each setting of the server that has none there. Texts are
 * static. */
size_t cli_option_count(void);
cli_option cli_option_at(size_t index);

/* Whether it is about what a guest may see and do. */
bool cli_option_is_right(const cli_option *option);

/* What a group is for, for the help: "W" -> "WebAssembly". NULL: no such group. */
const char *cli_option_group_title(char letter);
/* Its long name: "W" -> "wasm", as in --wasm. NULL: no such group. */
const char *cli_option_group_name(char letter);
extern const char cli_option_groups[];

/* The most similar of the names that `next` yields one by one (NULL at the end), or NULL when none is near. */
typedef struct cli_suggestion {
  const char *wanted;
  const char *best;
  size_t distance;
} cli_suggestion;
void cli_suggestion_consider(cli_suggestion *suggestion, const char *candidate);

/* Parses the options of a command (a bit) out of arguments; operands are moved to the front of
 * `arguments`, in order, and counted. `stop_at_operand`: what follows the first operand is not looked at.
 * Returns 0, or an exit code after reporting and noting in `failure`. */
int cli_options_parse(unsigned command, bool stop_at_operand, char **arguments, int *count,
                      cli_settings *settings, cli_failure *failure);

#endif
