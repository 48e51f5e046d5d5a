#include "cli/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/fixed.h"
#include "cli/option_value.h"
#include "cli/report.h"

void cli_settings_init(cli_settings *settings) {
  *settings = (cli_settings){.compiler = TN_COMPILER_CRANELIFT, .optimize = 1};
}

void cli_settings_free(cli_settings *settings) {
  cli_texts *lists[] = {
      &settings->directories,
      &settings->read_only_directories,
      &settings->environment,
      &settings->network,
      &settings->network_connect,
      &settings->network_listen,
      &settings->network_udp,
      &settings->setting_names,
      &settings->setting_values,
      &settings->routes,
      &settings->links,
      &settings->config_values,
      &settings->http,
      &settings->plugs,
      &settings->dependencies,
      &settings->features,
      &settings->adapters,
      &settings->import_names,
  };
  for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
    free(lists[i]->items);
}

/* ---- suggestions -------------------------------------------------------------------------------- */

/* Edits (insert, delete, replace) from one to the other; names longer than the room count as far away. */
static size_t edit_distance(const char *a, const char *b) {
  enum { ROOM = 40 };
  size_t length_a = strlen(a), length_b = strlen(b), row[ROOM + 1];
  if (length_a > ROOM || length_b > ROOM) return SIZE_MAX;
  for (size_t j = 0; j <= length_b; j++)
    row[j] = j;
  for (size_t i = 1; i <= length_a; i++) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= length_b; j++) {
      size_t replace = diagonal + (a[i - 1] != b[j - 1]);
      size_t shorter = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
      diagonal = row[j];
      row[j] = replace < shorter ? replace : shorter;
    }
  }
  return row[length_b];
}

void cli_suggestion_consider(cli_suggestion *suggestion, const char *candidate) {
  size_t nearest = strlen(suggestion->wanted) / 3 + 1;
  size_t distance = edit_distance(suggestion->wanted, candidate);
  if (distance > nearest || (suggestion->best != NULL && distance >= suggestion->distance)) return;
  suggestion->best = candidate;
  suggestion->distance = distance;
}

/* ---- finding ------------------------------------------------------------------------------------ */

static bool is_named(const char *name, const char *text, size_t length) {
  return name != NULL && strlen(name) == length && memcmp(name, text, length) == 0;
}

static bool find_long(unsigned command, const char *name, size_t length, cli_option *out) {
  for (size_t i = 0; i < cli_option_count(); i++) {
    *out = cli_option_at(i);
    if ((out->commands & command) != 0 && is_named(out->name, name, length)) return true;
  }
  return false;
}

static bool find_letter(unsigned command, char letter, cli_option *out) {
  for (size_t i = 0; i < cli_option_count(); i++) {
    *out = cli_option_at(i);
    if ((out->commands & command) != 0 && out->letter == letter) return true;
  }
  return false;
}

static bool find_grouped(unsigned command, char group, const char *name, size_t length,
                         cli_option *out) {
  for (size_t i = 0; i < cli_option_count(); i++) {
    *out = cli_option_at(i);
    if ((out->commands & command) != 0 && out->group == group &&
        is_named(out->group_name, name, length))
      return true;
  }
  return false;
}

/* ---- errors ------------------------------------------------------------------------------------- */

/* "see tenon run --help" */
static void say_help(char *out, size_t size, unsigned command, const char *more) {
  for (size_t i = 0; i < cli_command_count; i++)
    if (cli_commands[i].bit == command)
      snprintf(out, size, "see tenon %s --help%s", cli_commands[i].name, more);
}

static int report_unknown_letter(unsigned command, const char *spelling, cli_failure *failure) {
  char hint[160] = "see tenon --help";
  say_help(hint, sizeof hint, command, "");
  return cli_fail(failure, CLI_EXIT_USAGE, hint, "unknown option %s", spelling);
}

static int report_unknown_long(unsigned command, const char *name, size_t length,
                               cli_failure *failure) {
  char wanted[64], hint[160] = "see tenon --help";
  snprintf(wanted, sizeof wanted, "%.*s", (int)(length < 60 ? length : 60), name);
  cli_suggestion suggestion = {.wanted = wanted};
  cli_option option;
  bool is_elsewhere = find_long(CLI_EVERY, name, length, &option);
  for (size_t i = 0; i < cli_option_count(); i++) {
    option = cli_option_at(i);
    if ((option.commands & command) != 0 && option.name != NULL)
      cli_suggestion_consider(&suggestion, option.name);
  }
  if (is_elsewhere)
    snprintf(hint, sizeof hint, "it is an option of another command; see tenon help");
  else if (suggestion.best != NULL)
    snprintf(hint, sizeof hint, "did you mean --%s?", suggestion.best);
  else
    say_help(hint, sizeof hint, command,
             (command & (CLI_RUN | CLI_EXEC)) != 0
                 ? "; what is meant for the guest goes behind the file's name"
                 : "");
  return cli_fail(failure, CLI_EXIT_USAGE, hint, "unknown option --%s", wanted);
}

static int report_unknown_grouped(unsigned command, char group, const char *name, size_t length,
                                  cli_failure *failure) {
  char wanted[64], hint[160];
  snprintf(wanted, sizeof wanted, "%.*s", (int)(length < 60 ? length : 60), name);
  cli_suggestion suggestion = {.wanted = wanted};
  for (size_t i = 0; i < cli_option_count(); i++) {
    cli_option option = cli_option_at(i);
    if ((option.commands & command) != 0 && option.group == group)
      cli_suggestion_consider(&suggestion, option.group_name);
  }
  if (suggestion.best != NULL)
    snprintf(hint, sizeof hint, "did you mean -%c %s?", group, suggestion.best);
  else
    snprintf(hint, sizeof hint, "see -%c help", group);
  return cli_fail(failure, CLI_EXIT_USAGE, hint, "unknown option -%c %s", group, wanted);
}

/* What the server's settings mean the library reads. */
static const char *keep_setting(cli_settings *settings, const cli_option *option,
                                const char *value) {
  const char *wrong = cli_parse_texts(&settings->setting_names, option->setting);
  return wrong != NULL ? wrong
                       : cli_parse_texts(&settings->setting_values, value != NULL ? value : "true");
}

typedef struct parser {
  unsigned command;
  char **arguments;
  int count, at; /* arguments[at] is the one being read */
  cli_settings *settings;
  cli_failure *failure;
} parser;

static int apply(parser *p, const cli_option *option, const char *spelling, size_t spelling_length,
                 const char *value) {
  if (option->argument != NULL && value == NULL)
    return cli_fail(p->failure, CLI_EXIT_USAGE, option->help, "%.*s needs a value: %s",
                    (int)spelling_length, spelling, option->argument);
  bool is_setting = option->setting != NULL && (p->command & CLI_SERVE) != 0;
  const char *wrong = is_setting ? keep_setting(p->settings, option, value)
                                 : option->parse((char *)p->settings + option->offset, value);
  if (wrong == NULL) return CLI_EXIT_OK;
  return cli_fail(p->failure, CLI_EXIT_USAGE, option->help, "%.*s: %s %s", (int)spelling_length,
                  spelling, value != NULL ? value : "", wrong);
}

/* ---- parsing ------------------------------------------------------------------------------------ */

/* `value` is none that is accepted; NULL: there was none. */
static int report_fixed(const cli_fixed *fixed, const char *name, size_t length, const char *value,
                        cli_failure *failure) {
  char spelling[80];
  cli_choice choice;
  if (fixed->group == 0)
    snprintf(spelling, sizeof spelling, "--%s", fixed->name);
  else
    snprintf(spelling, sizeof spelling, "-%c%s%.*s", fixed->group, length > 0 ? " " : "",
             (int)(length < 60 ? length : 60), name);
  if (fixed->value == CLI_FIXED_TEXT)
    return cli_fail(failure, CLI_EXIT_USAGE, fixed->hint, "%s: Tenon supports %s only", spelling,
                    fixed->text);
  if (fixed->value == CLI_FIXED_YES) {
    const char *wrong = cli_parse_choice(&choice, value);
    if (wrong != NULL)
      return cli_fail(failure, CLI_EXIT_USAGE, NULL, "%s: %s %s", spelling, value, wrong);
    return cli_fail(failure, CLI_EXIT_USAGE, NULL, "%s cannot be switched off: Tenon always has it",
                    spelling);
  }
  return cli_fail(failure, CLI_EXIT_USAGE, fixed->hint, "%s is not supported by Tenon", spelling);
}

/* "name[=value],name[=value]…", cut in place: the texts become values. */
static int parse_grouped(parser *p, char group, char *text) {
  if (strcmp(text, "help") == 0) {
    p->settings->group_help = group;
    return CLI_EXIT_OK;
  }
  for (char *item = text, *next; item != NULL; item = next) {
    next = strchr(item, ',');
    if (next != NULL) *next++ = '\0';
    char *value = strchr(item, '=');
    size_t length = value != NULL ? (size_t)(value - item) : strlen(item);
    cli_option option;
    if (!find_grouped(p->command, group, item, length, &option)) {
      const cli_fixed *fixed = cli_fixed_find(group, item, length);
      if (fixed == NULL) return report_unknown_grouped(p->command, group, item, length, p->failure);
      if (!cli_fixed_is(fixed, value != NULL ? value + 1 : NULL))
        return report_fixed(fixed, item, length, value != NULL ? value + 1 : NULL, p->failure);
      continue;
    }
    char spelling[80];
    int spelled = snprintf(spelling, sizeof spelling, "-%c %s", group, option.group_name);
    int exit_code = apply(p, &option, spelling, (size_t)spelled, value != NULL ? value + 1 : NULL);
    if (exit_code != CLI_EXIT_OK) return exit_code;
  }
  return CLI_EXIT_OK;
}

/* The next argument as a value, or NULL. */
static char *take_next(parser *p) {
  return p->at + 1 < p->count ? p->arguments[++p->at] : NULL;
}

static int parse_group(parser *p, char group, char *items) {
  if (items == NULL)
    return cli_fail(p->failure, CLI_EXIT_USAGE, NULL,
                    "-%c needs options: name[=value],…; see -%c help", group, group);
  return parse_grouped(p, group, items);
}

static bool has_group(unsigned command, char group) {
  for (size_t i = 0; i < cli_option_count(); i++) {
    cli_option option = cli_option_at(i);
    if ((option.commands & command) != 0 && option.group == group) return true;
  }
  return false;
}

/* The group's letter for a name such as "wasm", or 0. */
static char group_called(unsigned command, const char *name, size_t length) {
  for (const char *letter = cli_option_groups; *letter != '\0'; letter++)
    if (is_named(cli_option_group_name(*letter), name, length) && has_group(command, *letter))
      return *letter;
  return 0;
}

static int parse_long(parser *p) {
  char *argument = p->arguments[p->at], *name = argument + 2;
  char *equals = strchr(name, '=');
  size_t length = equals != NULL ? (size_t)(equals - name) : strlen(name);
  cli_option option;
  if (!find_long(p->command, name, length, &option)) {
    char group = group_called(p->command, name, length);
    if (group != 0) return parse_group(p, group, equals != NULL ? equals + 1 : take_next(p));
    const cli_fixed *fixed =
        (p->command & CLI_COMPILING) != 0 ? cli_fixed_find(0, name, length) : NULL;
    return fixed != NULL ? report_fixed(fixed, name, length, NULL, p->failure)
                         : report_unknown_long(p->command, name, length, p->failure);
  }
  const char *value = equals != NULL ? equals + 1 : option.argument != NULL ? take_next(p) : NULL;
  return apply(p, &option, argument, length + 2, value);
}

/* "-o FILE", "-oFILE", "-gq", "-W name=value", "-Wname=value", "-W=name=value" */
static int parse_short(parser *p) {
  char *argument = p->arguments[p->at];
  for (char *letter = argument + 1; *letter != '\0'; letter++) {
    char spelling[3] = {'-', *letter, '\0'};
    if (letter == argument + 1 && cli_option_group_title(*letter) != NULL) {
      char *items = letter[1] == '=' ? letter + 2 : letter[1] != '\0' ? letter + 1 : take_next(p);
      return parse_group(p, *letter, items);
    }
    cli_option option;
    if (!find_letter(p->command, *letter, &option)) {
      const cli_fixed *fixed =
          (p->command & CLI_COMPILING) != 0 ? cli_fixed_find(*letter, "", 0) : NULL;
      return fixed != NULL ? report_fixed(fixed, "", 0, NULL, p->failure)
                           : report_unknown_letter(p->command, spelling, p->failure);
    }
    const char *value = NULL;
    if (option.argument != NULL) value = letter[1] != '\0' ? letter + 1 : take_next(p);
    int exit_code = apply(p, &option, spelling, 2, value);
    if (exit_code != CLI_EXIT_OK || option.argument != NULL) return exit_code;
  }
  return CLI_EXIT_OK;
}

int cli_options_parse(unsigned command, bool stop_at_operand, char **arguments, int *count,
                      cli_settings *settings, cli_failure *failure) {
  parser p = {command, arguments, *count, 0, settings, failure};
  int operands = 0;
  for (; p.at < p.count; p.at++) {
    char *argument = arguments[p.at];
    if (strcmp(argument, "--") == 0) {
      p.at++;
      break;
    }
    int exit_code = CLI_EXIT_OK;
    if (argument[0] != '-' || argument[1] == '\0') {
      if (stop_at_operand) break;
      arguments[operands++] = argument;
    } else if (argument[1] == '-') {
      exit_code = parse_long(&p);
    } else {
      exit_code = parse_short(&p);
    }
    if (exit_code != CLI_EXIT_OK) return exit_code;
  }
  while (p.at < p.count)
    arguments[operands++] = arguments[p.at++];
  *count = operands;
  return CLI_EXIT_OK;
}
