/* The command line: one function a subcommand, and the table of them. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "cli/options.h"
#include "cli/report.h"

/* What a command's operands are, for the completions. */
typedef enum cli_operands {
  CLI_OPERANDS_NONE,
  CLI_OPERANDS_FILES,
  CLI_OPERANDS_WIT, /* a verb or files */
  CLI_OPERANDS_SHELL,
  CLI_OPERANDS_COMMAND
} cli_operands;

typedef struct cli_command {
  const char *name;
  unsigned bit; /* CLI_RUN and so on */
  cli_operands operands;
  bool stops_at_operand; /* what follows the first operand belongs to the guest */
  const char *synopsis;
  const char *summary;
  const char *description; /* paragraphs, parted by blank lines; NULL: the summary says it all */
  const char *examples;    /* lines, or NULL */
  /* Returns the process's exit code. Operands are NUL-ended. */
  int (*run)(const cli_settings *settings, char **operands, int count);
} cli_command;

extern const cli_command cli_commands[];
extern const size_t cli_command_count;
/* NULL: no such command. */
const cli_command *cli_command_find(const char *name);

int cli_run(const cli_settings *settings, char **operands, int count);
int cli_exec(const cli_settings *settings, char **operands, int count);
/* Prints a failure before any run as --json does. */
void cli_exec_print_failure(const cli_failure *failure);
int cli_serve(const cli_settings *settings, char **operands, int count);
int cli_check(const cli_settings *settings, char **operands, int count);
int cli_compile(const cli_settings *settings, char **operands, int count);
int cli_compose(const cli_settings *settings, char **operands, int count);
int cli_inspect(const cli_settings *settings, char **operands, int count);
int cli_wit(const cli_settings *settings, char **operands, int count);
int cli_embed(const cli_settings *settings, char **operands, int count);
int cli_new(const cli_settings *settings, char **operands, int count);
int cli_strip(const cli_settings *settings, char **operands, int count);
int cli_unbundle(const cli_settings *settings, char **operands, int count);
int cli_print(const cli_settings *settings, char **operands, int count);
int cli_wast(const cli_settings *settings, char **operands, int count);
int cli_completion(const cli_settings *settings, char **operands, int count);
int cli_help(const cli_settings *settings, char **operands, int count);
int cli_version(const cli_settings *settings, char **operands, int count);

/* What `tenon help` prints (NULL), or `tenon help COMMAND`. */
void cli_print_help(const cli_command *command);
/* What `tenon help --settings` prints. */
void cli_print_settings(void);
/* What `tenon run -W help` prints. */
void cli_print_group_help(const cli_command *command, char group);

/* Whether a guest that computes can be ended at any time. */
bool cli_is_interruptible(const cli_settings *settings);
/* The folder of the cache of compiled code, made if need be, in `room` of `size` bytes; NULL: none. */
const char *cli_choose_cache(const cli_settings *settings, char *room, size_t size);
/* An engine as the options say. */
tn_error *cli_engine_new(const cli_settings *settings, bool with_cache, tn_engine **out);
/* Likewise, but with the compiler's options of the artifact in this file, if it is one; NULL: none is accepted. */
tn_error *cli_engine_for(const char *artifact, const cli_settings *settings, bool with_cache,
                         tn_engine **out);

#endif
