/* tenon completion: scripts for bash, zsh and fish, made from the tables of commands and options. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static void print_commands(void) {
  for (size_t i = 0; i < cli_command_count; i++)
    printf("%s%s", i > 0 ? " " : "", cli_commands[i].name);
}

/* The long and short options of a command, parted by spaces. */
static void print_options(const cli_command *command) {
  for (size_t i = 0; i < cli_option_count(); i++) {
    const cli_option row = cli_option_at(i), *option = &row;
    if ((option->commands & command->bit) == 0) continue;
    if (option->name != NULL) printf("--%s ", option->name);
    if (option->letter != 0) printf("-%c ", option->letter);
  }
}

static void print_group_names(char group) {
  for (size_t i = 0; i < cli_option_count(); i++) {
    const cli_option row = cli_option_at(i), *option = &row;
    if (option->group == group)
      printf("%s%s ", option->group_name, option->argument != NULL ? "=" : "");
  }
}

static void print_bash(void) {
  fputs("# bash completion for tenon\n"
        "_tenon() {\n"
        "  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command=run "
        "candidate\n"
        "  for candidate in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
        "    case $candidate in\n"
        "      ",
        stdout);
  for (size_t i = 0; i < cli_command_count; i++)
    printf("%s%s", i > 0 ? "|" : "", cli_commands[i].name);
  fputs(") command=$candidate; break ;;\n    esac\n  done\n  local options= words=\n  case "
        "$previous in\n",
        stdout);
  for (const char *group = cli_option_groups; *group != '\0'; group++) {
    printf("    -%c) compopt -o nospace; COMPREPLY=($(compgen -W '", *group);
    print_group_names(*group);
    fputs("' -- \"$word\")); return ;;\n", stdout);
  }
  fputs("  esac\n  case $command in\n", stdout);
  for (size_t i = 0; i < cli_command_count; i++) {
    printf("    %s) options='", cli_commands[i].name);
    print_options(&cli_commands[i]);
    printf("'");
    if (cli_commands[i].operands == CLI_OPERANDS_SHELL) fputs("; words='bash zsh fish'", stdout);
    if (cli_commands[i].operands == CLI_OPERANDS_COMMAND) {
      fputs("; words='", stdout);
      print_commands();
      putchar('\'');
    }
    fputs(" ;;\n", stdout);
  }
  fputs("  esac\n  [[ $COMP_CWORD -eq 1 ]] && words='", stdout);
  print_commands();
  fputs("'\n"
        "  if [[ $word == -* ]]; then COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
        "  else COMPREPLY=($(compgen -W \"$words\" -f -- \"$word\")); fi\n"
        "}\n"
        "complete -o filenames -F _tenon tenon\n",
        stdout);
}

/* In single quotes, without what zsh's _arguments gives a meaning. */
static void print_quoted(const char *text, const char *special) {
  for (; *text != '\0'; text++) {
    if (*text == '\'')
      fputs("'\\''", stdout);
    else if (strchr(special, *text) != NULL)
      printf("\\%c", *text);
    else
      putchar(*text);
  }
}

static void print_zsh_options(const cli_command *command) {
  for (size_t i = 0; i < cli_option_count(); i++) {
    const cli_option row = cli_option_at(i), *option = &row;
    if ((option->commands & command->bit) == 0 || option->name == NULL) continue;
    printf(" \\\n        '*--%s%s[", option->name, option->argument != NULL ? "=" : "");
    print_quoted(option->help, "[]:\\");
    putchar(']');
    if (option->argument != NULL) {
      putchar(':');
      print_quoted(option->argument, "[]:\\");
      putchar(':');
      if (strstr(option->argument, "HOST[::") != NULL || strcmp(option->argument, "FOLDER") == 0)
        fputs("_files -/", stdout);
      else if (strcmp(option->argument, "FILE") == 0)
        fputs("_files", stdout);
    }
    putchar('\'');
  }
}

static void print_zsh_operands(const cli_command *command) {
  switch (command->operands) {
  case CLI_OPERANDS_NONE:
    break;
  case CLI_OPERANDS_FILES:
    fputs(" \\\n        '*:file:_files'", stdout);
    break;
  case CLI_OPERANDS_SHELL:
    fputs(" \\\n        '1:shell:(bash zsh fish)'", stdout);
    break;
  case CLI_OPERANDS_COMMAND:
    fputs(" \\\n        '1:command:(", stdout);
    print_commands();
    fputs(")'", stdout);
    break;
  }
}

static void print_zsh(void) {
  fputs("#compdef tenon\n"
        "_tenon() {\n"
        "  local -a commands\n"
        "  commands=(\n",
        stdout);
  for (size_t i = 0; i < cli_command_count; i++) {
    printf("    '%s:", cli_commands[i].name);
    print_quoted(cli_commands[i].summary, ":\\");
    fputs("'\n", stdout);
  }
  fputs("  )\n"
        "  if (( CURRENT == 2 )); then _describe command commands; _files; return; fi\n"
        "  shift words; (( CURRENT-- ))\n"
        "  case $words[1] in\n",
        stdout);
  for (size_t i = 0; i < cli_command_count; i++) {
    printf("    %s)\n      _arguments", cli_commands[i].name);
    print_zsh_options(&cli_commands[i]);
    print_zsh_operands(&cli_commands[i]);
    fputs(" ;;\n", stdout);
  }
  fputs("    *) _files ;;\n"
        "  esac\n"
        "}\n"
        "if [[ $funcstack[1] == _tenon ]]; then _tenon \"$@\"; else compdef _tenon tenon; fi\n",
        stdout);
}

static void print_fish(void) {
  fputs("# fish completion for tenon\n", stdout);
  for (size_t i = 0; i < cli_command_count; i++) {
    printf("complete -c tenon -n __fish_use_subcommand -a %s -d '", cli_commands[i].name);
    print_quoted(cli_commands[i].summary, "\\");
    fputs("'\n", stdout);
  }
  for (size_t i = 0; i < cli_command_count; i++) {
    const cli_command *command = &cli_commands[i];
    for (size_t j = 0; j < cli_option_count(); j++) {
      const cli_option row = cli_option_at(j), *option = &row;
      if ((option->commands & command->bit) == 0 || option->name == NULL) continue;
      printf("complete -c tenon -n '__fish_seen_subcommand_from %s' -l %s", command->name,
             option->name);
      if (option->letter != 0) printf(" -s %c", option->letter);
      if (option->argument != NULL) fputs(" -r", stdout);
      fputs(" -d '", stdout);
      print_quoted(option->help, "\\");
      fputs("'\n", stdout);
    }
  }
  fputs("complete -c tenon -n '__fish_seen_subcommand_from completion' -f -a 'bash zsh fish'\n"
        "complete -c tenon -n '__fish_seen_subcommand_from help' -f -a '",
        stdout);
  print_commands();
  fputs("'\n", stdout);
}

int cli_completion(const cli_settings *settings, char **operands, int count) {
  (void)settings;
  const char *shell = count == 1 ? operands[0] : "";
  if (strcmp(shell, "bash") == 0)
    print_bash();
  else if (strcmp(shell, "zsh") == 0)
    print_zsh();
  else if (strcmp(shell, "fish") == 0)
    print_fish();
  else
    return cli_report(CLI_EXIT_USAGE, NULL, "tenon completion takes one shell: bash, zsh or fish");
  return cli_finish_output(CLI_EXIT_OK);
}
