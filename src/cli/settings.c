/* tenon help --settings: the reference of the server's settings, from the library's table. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

typedef struct section {
  const char *name;
  const char *heading;
  const char *text;
} section;

static const section sections[] = {
    {"", "Top level", "What the server is told as a whole."},
    {"limits", "[limits]",
     "What clients may do to the server. Beyond a limit a request is refused, not the server slowed."},
    {"listen", "[[listen]]",
     "One table for each address, where more is to be said than the address. Without certificates "
     "`listen = [\"127.0.0.1:8080\", \"[::1]:8080\"]` is shorter."},
    {"component", "[component.NAME]",
     "One table for each component; NAME is what logs and metrics call it. Without rights it can do nothing but answer."},
    {"route", "[[route]]",
     "Who answers what. The most specific host wins, then the longest path. Shorter: "
     "`route = { \"api.example.com/v1\" = \"api\", \"/\" = \"site\" }`."},
};

/* In a cell of a table. */
static void print_cell(const char *text) {
  for (; *text != '\0'; text++) {
    if (strchr("|*_<>", *text) != NULL) putchar('\\');
    putchar(*text);
  }
}

/* "size or none", "list of HOST[:PORT]" */
static void print_type(const tn_server_setting *setting) {
  static const struct {
    const char *argument, *name;
  } types[] = {
      {"SIZE", "size"}, {"TIME", "time"}, {"N", "number"}, {"FILE", "path"}, {"TEXT", "text"}};
  const char *argument = setting->is_flag            ? "true or false"
                         : setting->argument != NULL ? setting->argument
                                                     : "table";
  const char *name = argument;
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (strcmp(argument, types[i].argument) == 0) name = types[i].name;
  if (setting->is_list) printf("list of ");
  print_cell(name);
  if (setting->can_be_none) printf(" or none");
}

static void print_setting(const tn_server_setting *setting) {
  printf("| `%s` | ", setting->name);
  print_type(setting);
  printf(" | ");
  if (setting->fallback != NULL) printf("`%s`", setting->fallback);
  printf(" | ");
  print_cell(setting->help);
  puts(". |");
}

void cli_print_settings(void) {
  puts(
      "<!-- Made by `make docs` from the table of src/serve/settings/setting_table.c. Do not edit. -->\n"
      "# Settings of the server\n"
      "\n"
      "What the file of `tenon serve --config` may hold; docs/serve.md says how they go together. Sizes: `65536`, `\"64KiB\"`, "
      "`\"1.5GiB\"` (KB, MB and GB are powers of 1000). Times: `10` (seconds), `\"1.5s\"`, `\"500ms\"`, `\"2m\"`. Where a type says "
      "so, `\"none\"` is no limit. A list is an array, or one value alone. Paths are relative to the file.");
  for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
    printf("\n## %s\n\n%s\n\n| name | type | default | meaning |\n|---|---|---|---|\n",
           sections[i].heading, sections[i].text);
    for (size_t j = 0; j < tn_server_setting_count(); j++) {
      tn_server_setting setting = tn_server_setting_at(j);
      if (setting.is_in_file && strcmp(setting.section, sections[i].name) == 0)
        print_setting(&setting);
    }
  }
}
