/* tenon help: the same text as terminal help, Markdown and manual page, all from the tables of commands,
 * options and exit codes. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

enum { WIDTH = 96 };

/* How a piece of text looks in one form. Texts are plain; terms and code are names and commands. */
typedef struct help_form {
  void (*heading)(int level, const char *text);
  void (*paragraphs)(const char *text);
  void (*code)(const char *lines);
  void (*item)(const char *term, const char *text);
  void (*short_item)(const char *term, const char *text); /* for terms of a word */
} help_form;

/* ---- terminal ----------------------------------------------------------------------------------- */

/* Columns of UTF-8 text without combining or wide characters. */
static size_t columns(const char *text, size_t length) {
  size_t count = 0;
  for (size_t i = 0; i < length; i++)
    count += ((unsigned char)text[i] & 0xc0) != 0x80;
  return count;
}

/* One paragraph, from `column` on, in lines that start at `indent`. */
static void print_wrapped(const char *text, size_t length, size_t indent, size_t column) {
  const char *end = text + length;
  while (text < end) {
    const char *space = memchr(text, ' ', (size_t)(end - text));
    size_t word = (size_t)((space != NULL ? space : end) - text);
    if (column > indent && column + 1 + columns(text, word) > WIDTH) {
      printf("\n%*s", (int)indent, "");
      column = indent;
    } else if (column > indent) {
      putchar(' ');
      column++;
    }
    printf("%.*s", (int)word, text);
    column += columns(text, word);
    text += word + (space != NULL);
  }
  putchar('\n');
}

static void text_heading(int level, const char *text) {
  if (level > 0) printf("\n%s:\n", text);
}

static void text_paragraphs(const char *text) {
  for (;;) {
    const char *end = strstr(text, "\n\n");
    print_wrapped(text, end != NULL ? (size_t)(end - text) : strlen(text), 0, 0);
    if (end == NULL) return;
    putchar('\n');
    text = end + 2;
  }
}

static void text_code(const char *lines) {
  while (*lines != '\0') {
    size_t length = strcspn(lines, "\n");
    printf("  %.*s\n", (int)length, lines);
    lines += length + (lines[length] == '\n');
  }
}

static void print_item(const char *term, const char *text, size_t indent) {
  size_t width = columns(term, strlen(term)) + 2;
  printf("  %s", term);
  if (width + 1 >= indent)
    printf("\n%*s", (int)indent, "");
  else
    printf("%*s", (int)(indent - width), "");
  print_wrapped(text, strlen(text), indent, indent);
}

static void text_item(const char *term, const char *text) {
  print_item(term, text, 34);
}

static void text_short_item(const char *term, const char *text) {
  print_item(term, text, 14);
}

static const help_form text_form = {text_heading, text_paragraphs, text_code, text_item,
                                    text_short_item};

/* ---- Markdown ----------------------------------------------------------------------------------- */

static void markdown_escaped(const char *text) {
  for (; *text != '\0'; text++) {
    if (strchr("*_<>|\\", *text) != NULL) putchar('\\');
    putchar(*text);
  }
}

static void markdown_heading(int level, const char *text) {
  printf("%s%.*s %s\n\n", level > 0 ? "\n" : "", level + 1, "######", text);
}

static void markdown_paragraphs(const char *text) {
  markdown_escaped(text);
  putchar('\n');
}

static void markdown_code(const char *lines) {
  printf("```sh\n%s\n```\n", lines);
}

static void markdown_item(const char *term, const char *text) {
  printf("* `%s`: ", term);
  markdown_escaped(text);
  putchar('\n');
}

static const help_form markdown_form = {markdown_heading, markdown_paragraphs, markdown_code,
                                        markdown_item, markdown_item};

/* ---- manual page -------------------------------------------------------------------------------- */

/* roff: a hyphen that is to be one, a backslash, and a line that must not start with a control character. */
static void man_escaped(const char *text) {
  bool is_line_start = true;
  for (; *text != '\0'; text++) {
    if (is_line_start && (*text == '.' || *text == '\'')) fputs("\\&", stdout);
    if (*text == '-')
      fputs("\\-", stdout);
    else if (*text == '\\')
      fputs("\\e", stdout);
    else
      putchar(*text);
    is_line_start = *text == '\n';
  }
}

static void man_heading(int level, const char *text) {
  if (level == 0) return;
  printf(".%s ", level == 1 ? "SH" : "SS");
  man_escaped(text);
  putchar('\n');
}

static void man_paragraphs(const char *text) {
  fputs(".PP\n", stdout);
  for (;;) {
    const char *end = strstr(text, "\n\n");
    if (end == NULL) break;
    char paragraph[2048];
    snprintf(paragraph, sizeof paragraph, "%.*s", (int)(end - text), text);
    man_escaped(paragraph);
    fputs("\n.PP\n", stdout);
    text = end + 2;
  }
  man_escaped(text);
  putchar('\n');
}

static void man_code(const char *lines) {
  fputs(".PP\n.nf\n", stdout);
  man_escaped(lines);
  fputs("\n.fi\n", stdout);
}

static void man_item(const char *term, const char *text) {
  fputs(".TP\n.B ", stdout);
  man_escaped(term);
  putchar('\n');
  man_escaped(text);
  putchar('\n');
}

static const help_form man_form = {man_heading, man_paragraphs, man_code, man_item, man_item};

/* ---- what is said ------------------------------------------------------------------------------- */

/* "-e, --env NAME[=VALUE]", "--fuel N, -W fuel=N" */
static void describe_option(const cli_option *option, char *out, size_t room) {
  const char *argument = option->argument;
  int used = 0;
  out[0] = '\0';
  if (option->letter != 0) used = snprintf(out, room, "-%c, ", option->letter);
  if (option->name != NULL)
    used += snprintf(out + used, room - (size_t)used, "--%s%s%s", option->name,
                     argument != NULL ? " " : "", argument != NULL ? argument : "");
  if (option->group != 0)
    snprintf(out + used, room - (size_t)used, "%s-%c %s%s%s", option->name != NULL ? ", " : "",
             option->group, option->group_name, argument != NULL ? "=" : "",
             argument != NULL ? argument : "");
}

static void print_options(const help_form *form, const cli_command *command, int level) {
  const char *section = NULL;
  for (size_t i = 0; i < cli_option_count(); i++) {
    const cli_option row = cli_option_at(i), *option = &row;
    if ((option->commands & command->bit) == 0) continue;
    if (option->section != section) {
      form->heading(level, option->section);
      section = option->section;
    }
    char term[160], text[1024];
    describe_option(option, term, sizeof term);
    bool has_default = option->fallback != NULL;
    snprintf(text, sizeof text, "%s%s%s%s", option->help, has_default ? " (default: " : "",
             has_default ? option->fallback : "", has_default ? ")" : "");
    form->item(term, text);
  }
}

static void print_command(const help_form *form, const cli_command *command, int level) {
  char line[160];
  form->paragraphs(command->summary);
  form->heading(level, "Usage");
  snprintf(line, sizeof line, "tenon %s", command->synopsis);
  form->code(line);
  if (command->description != NULL) {
    if (form == &text_form) putchar('\n');
    form->paragraphs(command->description);
  }
  if (command->examples != NULL) {
    form->heading(level, "Examples");
    form->code(command->examples);
  }
  print_options(form, command, level);
}

static void print_exit_codes(const help_form *form) {
  form->heading(1, "Exit codes");
  form->short_item("n", "a guest's own code, from exit(n), passes through");
  for (size_t i = 0; i < cli_exit_meaning_count; i++) {
    char number[16];
    snprintf(number, sizeof number, "%d", cli_exit_meanings[i].number);
    form->short_item(number, cli_exit_meanings[i].meaning);
  }
}

static void print_groups(const help_form *form) {
  form->heading(1, "Grouped options");
  form->paragraphs("Options that Wasmtime has are also understood in its spelling: -W "
                   "name=value,name=value and so "
                   "on. A flag takes =y or =n. What a group holds: tenon run -W help.");
  for (const char *letter = cli_option_groups; *letter != '\0'; letter++) {
    char term[3] = {'-', *letter, '\0'};
    form->short_item(term, cli_option_group_title(*letter));
  }
}

static void print_environment(const help_form *form) {
  form->heading(1, "Environment");
  form->short_item("NO_COLOR", "no colours in messages, if set to anything");
  form->short_item("XDG_CACHE_HOME, HOME",
                   "where the cache of compiled code is kept; see --cache-dir");
  form->short_item(
      "http_proxy, https_proxy, all_proxy",
      "a proxy for the outgoing HTTP requests of guests, http://[USER:PASSWORD@]HOST[:PORT]; upper "
      "case too, but for HTTP_PROXY. A name is looked up and checked against --http before the "
      "proxy is given it, unless --http-private or -S http allow all addresses");
  form->short_item("no_proxy",
                   "hosts that are called directly: names, which stand for all below them too, "
                   "addresses and ranges, each with a port if need be, with commas between; "
                   "* for all. This machine always is");
}

static const char introduction[] =
    "Tenon runs and serves WebAssembly components, and runs WASI preview 1 modules, "
    "safely: a guest can do nothing that was not "
    "granted to it.";

static void print_general(void) {
  text_paragraphs(introduction);
  text_heading(1, "Usage");
  text_code("tenon FILE [ARGUMENTS…]\ntenon COMMAND [OPTIONS] …");
  text_heading(1, "Commands");
  for (size_t i = 0; i < cli_command_count; i++)
    text_short_item(cli_commands[i].name, cli_commands[i].summary);
  text_heading(1, "Examples");
  text_code(cli_commands[0].examples);
  print_exit_codes(&text_form);
  puts("\nOptions of a command: tenon help COMMAND");
}

void cli_print_help(const cli_command *command) {
  if (command == NULL)
    print_general();
  else
    print_command(&text_form, command, 1);
}

void cli_print_group_help(const cli_command *command, char group) {
  char heading[64];
  snprintf(heading, sizeof heading, "-%c, options of %s", group, cli_option_group_title(group));
  text_heading(1, heading);
  for (size_t i = 0; i < cli_option_count(); i++) {
    const cli_option row = cli_option_at(i), *option = &row;
    if (option->group != group || (option->commands & command->bit) == 0) continue;
    char term[96];
    snprintf(term, sizeof term, "%s%s", option->group_name,
             option->argument != NULL ? "=" : "[=y|n]");
    if (option->argument != NULL) strncat(term, option->argument, sizeof term - strlen(term) - 1);
    text_item(term, option->help);
  }
}

static void print_markdown(void) {
  fputs("<!-- Made by `make docs` from the tables of src/cli. Do not edit. -->\n", stdout);
  markdown_heading(0, "The command line");
  markdown_paragraphs(introduction);
  for (size_t i = 0; i < cli_command_count; i++) {
    char heading[32];
    snprintf(heading, sizeof heading, "tenon %s", cli_commands[i].name);
    markdown_heading(1, heading);
    print_command(&markdown_form, &cli_commands[i], 2);
  }
  print_groups(&markdown_form);
  print_exit_codes(&markdown_form);
  print_environment(&markdown_form);
}

static void print_man(void) {
  printf(".\\\" Made by `make docs` from the tables of src/cli. Do not edit.\n.TH TENON 1 \"\" "
         "\"tenon %s\"\n",
         TN_VERSION_STRING);
  fputs(".SH NAME\ntenon \\- run WebAssembly components\n.SH SYNOPSIS\n", stdout);
  for (size_t i = 0; i < cli_command_count; i++) {
    fputs(i > 0 ? ".br\n.B tenon\n" : ".B tenon\n", stdout);
    man_escaped(cli_commands[i].synopsis);
    putchar('\n');
  }
  man_heading(1, "DESCRIPTION");
  man_paragraphs(introduction);
  for (size_t i = 0; i < cli_command_count; i++) {
    char heading[32];
    snprintf(heading, sizeof heading, "tenon %s", cli_commands[i].name);
    man_heading(1, heading);
    print_command(&man_form, &cli_commands[i], 2);
  }
  print_groups(&man_form);
  print_exit_codes(&man_form);
  print_environment(&man_form);
}

int cli_help(const cli_settings *settings, char **operands, int count) {
  if (count > 1) return cli_report(CLI_EXIT_USAGE, NULL, "tenon help takes at most one command");
  if (settings->markdown) {
    print_markdown();
  } else if (settings->man) {
    print_man();
  } else if (settings->settings_reference) {
    cli_print_settings();
  } else {
    const cli_command *command = count == 1 ? cli_command_find(operands[0]) : NULL;
    if (count == 1 && command == NULL)
      return cli_report(CLI_EXIT_USAGE, "see tenon help", "no command is called %s", operands[0]);
    cli_print_help(command);
  }
  return cli_finish_output(CLI_EXIT_OK);
}
