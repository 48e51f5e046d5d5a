/* tenon completion: scripts for bash, zsh and fish, made from the tables of commands and options. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/option_value.h"

static const char wit_verbs[] = "check diff targets";

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

/* The values of an option that has only a few, parted by "|"; NULL: there are many. */
static const char *values_of(const cli_option *option) {
  if (option->parse == cli_parse_compiler) return "cranelift|winch";
  if (option->parse == cli_parse_optimize) return "0|1|2|s";
  bool is_list = option->argument != NULL && strchr(option->argument, '|') != NULL &&
                 strpbrk(option->argument, "[]=:; ") == NULL;
  return is_list ? option->argument : NULL;
}

static void print_values(const char *values) {
  for (; *values != '\0'; values++)
    putchar(*values == '|' ? ' ' : *values);
}

/* Each name of a group once, however many rows it has. */
static bool is_first_of_name(size_t index) {
  cli_option option = cli_option_at(index);
  for (size_t i = 0; i < index; i++) {
    cli_option other = cli_option_at(i);
    if (other.group == option.group && strcmp(other.group_name, option.group_name) == 0)
      return false;
  }
  return true;
}

static void print_group_names(char group) {
  for (size_t i = 0; i < cli_option_count(); i++) {
    const cli_option row = cli_option_at(i), *option = &row;
    if (option->group == group && is_first_of_name(i))
      printf("%s%s ", option->group_name, option->argument != NULL ? "=" : "");
  }
}

/* ---- bash ---------------------------------------------------------------------------------------- */

/* The options that have few values: "--compiler", "-C.compiler". */
static void print_bash_values(void) {
  for (size_t i = 0; i < cli_option_count(); i++) {
    const cli_option row = cli_option_at(i), *option = &row;
    const char *values = values_of(option);
    if (values == NULL) continue;
    fputs("    ", stdout);
    if (option->name != NULL) printf("--%s", option->name);
    if (option->group != 0)
      printf("%s-%c.%s", option->name != NULL ? "|" : "", option->group, option->group_name);
    fputs(") values='", stdout);
    print_values(values);
    fputs("' ;;\n", stdout);
  }
}

static void print_bash_words(const cli_command *command) {
  switch (command->operands) {
  case CLI_OPERANDS_SHELL:
    fputs("; words='bash zsh fish'", stdout);
    break;
  case CLI_OPERANDS_WIT:
    printf("; [[ $previous == wit ]] && words='%s'", wit_verbs);
    break;
  case CLI_OPERANDS_COMMAND:
    fputs("; words='", stdout);
    print_commands();
    putchar('\'');
    break;
  default:
    break;
  }
}

/* Bash parts words at "=" and gives back only what follows it: `argument` is the whole, `partial` what is completed,
 * `prefix` what stands before that in the same word. */
static void print_bash(void) {
  fputs("# bash completion for tenon\n"
        "_tenon() {\n"
        "  local word=${COMP_WORDS[COMP_CWORD]} at=$COMP_CWORD command=run candidate\n"
        "  local argument=$word previous partial prefix option= values=\n"
        "  while [[ $at -gt 1 && ( ${COMP_WORDS[at]} == = || ${COMP_WORDS[at-1]} == = ) ]]; do\n"
        "    at=$((at - 1)); argument=${COMP_WORDS[at]}$argument\n"
        "  done\n"
        "  previous=${COMP_WORDS[at-1]}\n"
        "  [[ $word == = ]] && word=\n"
        "  partial=${word##*[,=]}; prefix=${word%\"$partial\"}\n"
        "  for candidate in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
        "    case $candidate in\n"
        "      ",
        stdout);
  for (size_t i = 0; i < cli_command_count; i++)
    printf("%s%s", i > 0 ? "|" : "", cli_commands[i].name);
  fputs(
      ") command=$candidate; break ;;\n    esac\n  done\n  local options= words= element=${argument##*,}\n"
      "  case $previous in\n",
      stdout);
  printf("    -[%s])\n"
         "      if [[ $element == *=* ]]; then option=$previous.${element%%%%=*}\n"
         "      else\n"
         "        compopt -o nospace\n"
         "        case $previous in\n",
         cli_option_groups);
  for (const char *group = cli_option_groups; *group != '\0'; group++) {
    printf("          -%c) words='", *group);
    print_group_names(*group);
    fputs("' ;;\n", stdout);
  }
  fputs("        esac\n"
        "        COMPREPLY=($(compgen -P \"$prefix\" -W \"$words\" -- \"$partial\")); return\n"
        "      fi ;;\n"
        "    --*) option=$previous ;;\n"
        "  esac\n"
        "  [[ $argument == --*=* ]] && option=${argument%%=*}\n"
        "  case $option in\n",
        stdout);
  print_bash_values();
  fputs("  esac\n"
        "  if [[ -n $values ]]; then\n"
        "    COMPREPLY=($(compgen -P \"$prefix\" -W \"$values\" -- \"$partial\")); return\n"
        "  fi\n"
        "  case $command in\n",
        stdout);
  for (size_t i = 0; i < cli_command_count; i++) {
    printf("    %s) options='", cli_commands[i].name);
    print_options(&cli_commands[i]);
    printf("'");
    print_bash_words(&cli_commands[i]);
    fputs(" ;;\n", stdout);
  }
  fputs("  esac\n  [[ $COMP_CWORD -eq 1 ]] && words='", stdout);
  print_commands();
  fputs(
      "'\n"
      "  if [[ $argument == --*=* ]]; then COMPREPLY=($(compgen -P \"$prefix\" -f -- \"$partial\"))\n"
      "  elif [[ $word == -* ]]; then COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
      "  else COMPREPLY=($(compgen -W \"$words\" -f -- \"$word\")); fi\n"
      "}\n"
      "complete -o filenames -F _tenon tenon\n",
      stdout);
}

/* ---- zsh ----------------------------------------------------------------------------------------- */

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

/* ":NAME:(cranelift winch)": what the value is called, and how it is completed. */
static void print_zsh_argument(const cli_option *option) {
  if (option->argument == NULL) return;
  putchar(':');
  print_quoted(option->argument, "[]:\\");
  putchar(':');
  const char *values = values_of(option);
  if (values != NULL) {
    putchar('(');
    print_values(values);
    putchar(')');
  } else if (strstr(option->argument, "HOST[::") != NULL ||
             strcmp(option->argument, "FOLDER") == 0) {
    fputs("_files -/", stdout);
  } else if (strcmp(option->argument, "FILE") == 0) {
    fputs("_files", stdout);
  }
}

/* A function for each group: its options, parted by commas. */
static void print_zsh_groups(void) {
  for (const char *group = cli_option_groups; *group != '\0'; group++) {
    printf("_tenon_%c() {\n  _values -s , '%s option'", *group, cli_option_group_title(*group));
    for (size_t i = 0; i < cli_option_count(); i++) {
      const cli_option row = cli_option_at(i), *option = &row;
      if (option->group != *group || !is_first_of_name(i)) continue;
      printf(" \\\n    '%s[", option->group_name);
      print_quoted(option->help, "[]:\\");
      putchar(']');
      print_zsh_argument(option);
      putchar('\'');
    }
    fputs("\n}\n", stdout);
  }
}

static bool has_group(const cli_command *command, char group) {
  for (size_t i = 0; i < cli_option_count(); i++) {
    cli_option option = cli_option_at(i);
    if (option.group == group && (option.commands & command->bit) != 0) return true;
  }
  return false;
}

static void print_zsh_options(const cli_command *command) {
  for (const char *group = cli_option_groups; *group != '\0'; group++)
    if (has_group(command, *group))
      printf(" \\\n        '*-%c[%s options]:option:_tenon_%c'", *group,
             cli_option_group_title(*group), *group);
  for (size_t i = 0; i < cli_option_count(); i++) {
    const cli_option row = cli_option_at(i), *option = &row;
    if ((option->commands & command->bit) == 0 || option->name == NULL) continue;
    printf(" \\\n        '*--%s%s[", option->name, option->argument != NULL ? "=" : "");
    print_quoted(option->help, "[]:\\");
    putchar(']');
    print_zsh_argument(option);
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
  case CLI_OPERANDS_WIT:
    printf(" \\\n        '1:command or file:_tenon_wit' \\\n        '*:file:_files'");
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
  fputs("#compdef tenon\n", stdout);
  print_zsh_groups();
  printf("_tenon_wit() { _alternative 'commands:command:(%s)' 'files:file:_files'; }\n", wit_verbs);
  fputs("_tenon() {\n"
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

/* ---- fish ---------------------------------------------------------------------------------------- */

static void print_fish_groups(void) {
  for (const char *group = cli_option_groups; *group != '\0'; group++) {
    fputs("complete -c tenon -n '__fish_seen_subcommand_from", stdout);
    for (size_t i = 0; i < cli_command_count; i++)
      if (has_group(&cli_commands[i], *group)) printf(" %s", cli_commands[i].name);
    printf("' -s %c -x -d '%s options' -a '(__fish_append , ", *group,
           cli_option_group_title(*group));
    print_group_names(*group);
    fputs(")'\n", stdout);
  }
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
      const char *values = values_of(option);
      if (values != NULL) {
        fputs(" -f -a '", stdout);
        print_values(values);
        putchar('\'');
      }
      fputs(" -d '", stdout);
      print_quoted(option->help, "\\");
      fputs("'\n", stdout);
    }
  }
  print_fish_groups();
  printf("complete -c tenon -n '__fish_seen_subcommand_from wit' -a '%s'\n", wit_verbs);
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
