/* tenon wit: reads, prints, checks and compares interfaces. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/file.h"
#include "tenon/wit.h"

/* ---- reading ------------------------------------------------------------------------------------------- */

/* The words of --features, parted by commas. */
typedef struct feature_list {
  char *text; /* owned */
  const char **items;
  size_t count;
} feature_list;

static void free_features(feature_list *list) {
  free(list->text);
  free(list->items);
}

static size_t length_of(const cli_texts *texts) {
  size_t length = 1;
  for (size_t i = 0; i < texts->count; i++)
    length += strlen(texts->items[i]) + 1;
  return length;
}

/* False when out of memory. */
static bool split_features(const cli_texts *texts, feature_list *out) {
  size_t length = length_of(texts);
  *out = (feature_list){.text = calloc(1, length), .items = calloc(length, sizeof *out->items)};
  if (out->text == NULL || out->items == NULL) return false;
  for (size_t i = 0; i < texts->count; i++) {
    strcat(out->text, texts->items[i]);
    strcat(out->text, ",");
  }
  char *rest;
  for (char *word = strtok_r(out->text, ", ", &rest); word != NULL;
       word = strtok_r(NULL, ", ", &rest))
    out->items[out->count++] = word;
  return true;
}

/* Reads WIT as the options say. Returns 0, or an exit code after reporting. */
static int open_wit(const cli_settings *settings, const char *path, tn_wit **out) {
  feature_list features;
  int exit_code;
  if (split_features(&settings->features, &features)) {
    tn_wit_options options = {.features = features.items,
                              .feature_count = features.count,
                              .all_features = settings->all_features};
    exit_code = cli_report_error(tn_wit_open(path, &options, out));
  } else {
    exit_code = cli_report(CLI_EXIT_INTERNAL, NULL, "out of memory");
  }
  free_features(&features);
  return exit_code;
}

/* ---- printing ------------------------------------------------------------------------------------------ */

static int write_text(const cli_settings *settings, const char *text) {
  if (settings->output != NULL)
    return cli_write_file(settings->output, (const uint8_t *)text, strlen(text));
  fputs(text, stdout);
  return CLI_EXIT_OK;
}

static int print_binary(const cli_settings *settings, const tn_wit *wit) {
  uint8_t *bytes;
  size_t size;
  if (settings->output == NULL) {
    return cli_report(CLI_EXIT_USAGE, "-o FILE, or -o - for standard output",
                      "where should the binary go?");
  }
  int exit_code = cli_report_error(tn_wit_binary(wit, settings->world, &bytes, &size));
  if (exit_code != CLI_EXIT_OK) return exit_code;
  exit_code = cli_write_file(settings->output, bytes, size);
  tn_release(bytes);
  return exit_code;
}

static int print_wit(const cli_settings *settings, const tn_wit *wit) {
  char *text;
  tn_wit_format format = settings->json ? TN_WIT_JSON : TN_WIT_TEXT;
  if (settings->wasm) return print_binary(settings, wit);
  int exit_code = cli_report_error(tn_wit_print(wit, settings->world, format, &text));
  if (exit_code != CLI_EXIT_OK) return exit_code;
  exit_code = write_text(settings, text);
  tn_release(text);
  return exit_code;
}

static int print(const cli_settings *settings, char **operands, int count) {
  tn_wit *wit;
  if (count != 1) {
    return cli_report(CLI_EXIT_USAGE, "tenon wit wit/, or tenon help wit",
                      "tenon wit takes one folder or file");
  }
  if (settings->wasm && settings->json) {
    return cli_report(CLI_EXIT_USAGE, NULL, "--wasm and --json do not go together");
  }
  int exit_code = open_wit(settings, operands[0], &wit);
  if (exit_code != CLI_EXIT_OK) return exit_code;
  exit_code = print_wit(settings, wit);
  tn_wit_delete(wit);
  return exit_code;
}

/* ---- check --------------------------------------------------------------------------------------------- */

static void print_count(size_t count, const char *one, const char *many) {
  printf(", %zu %s", count, count == 1 ? one : many);
}

/* What cannot be put into binary form is wrong, too. */
static int check_one(const cli_settings *settings, const char *path) {
  tn_wit *wit;
  uint8_t *bytes;
  size_t size;
  int exit_code = open_wit(settings, path, &wit);
  if (exit_code != CLI_EXIT_OK) return exit_code;
  exit_code = cli_report_error(tn_wit_binary(wit, NULL, &bytes, &size));
  if (exit_code == CLI_EXIT_OK) {
    tn_wit_counts counts = tn_wit_count(wit);
    tn_release(bytes);
    printf("%s: ok: package %s", path, tn_wit_get_package(wit));
    print_count(counts.interfaces, "interface", "interfaces");
    print_count(counts.worlds, "world", "worlds");
    if (counts.dependencies > 0) print_count(counts.dependencies, "dependency", "dependencies");
    printf("\n");
  }
  tn_wit_delete(wit);
  return exit_code;
}

static int check(const cli_settings *settings, char **operands, int count) {
  int exit_code = CLI_EXIT_OK;
  if (count == 0)
    return cli_report(CLI_EXIT_USAGE, "tenon wit check wit/",
                      "tenon wit check takes a folder or file");
  for (int i = 0; i < count; i++) {
    int code = check_one(settings, operands[i]);
    if (exit_code == CLI_EXIT_OK) exit_code = code;
  }
  return exit_code;
}

/* ---- comparisons --------------------------------------------------------------------------------------- */

static void print_texts(const tn_wit_difference *difference) {
  const char *before = difference->before;
  const char *after = difference->after;
  if (before != NULL && after != NULL)
    printf(": %s -> %s", before, after);
  else if (before != NULL || after != NULL)
    printf(": %s", before != NULL ? before : after);
}

static void print_difference(const tn_wit_difference *difference) {
  static const char signs[] = {[TN_WIT_DIFFERENCE_ADDED] = '+',
                               [TN_WIT_DIFFERENCE_REMOVED] = '-',
                               [TN_WIT_DIFFERENCE_CHANGED] = '~'};
  bool both = difference->breaks_importers && difference->breaks_exporters;
  printf("%c %s", signs[difference->kind], difference->where);
  print_texts(difference);
  if (both)
    printf("  [breaks importers and exporters]");
  else if (difference->breaks_importers)
    printf("  [breaks importers]");
  else if (difference->breaks_exporters)
    printf("  [breaks exporters]");
  printf("\n");
}

static int print_json(const tn_wit_comparison *comparison) {
  char *text;
  int exit_code = cli_report_error(tn_wit_comparison_json(comparison, &text));
  if (exit_code != CLI_EXIT_OK) return exit_code;
  fputs(text, stdout);
  tn_release(text);
  return CLI_EXIT_OK;
}

static void print_verdict(const char *who, bool is_broken) {
  printf("%s for %s\n", is_broken ? "breaking" : "compatible", who);
}

static int print_diff(const cli_settings *settings, const tn_wit_comparison *comparison) {
  bool importers = false;
  bool exporters = false;
  size_t count = tn_wit_comparison_count(comparison);
  for (size_t i = 0; i < count; i++) {
    tn_wit_difference difference = tn_wit_comparison_at(comparison, i);
    importers |= difference.breaks_importers;
    exporters |= difference.breaks_exporters;
    if (!settings->json) print_difference(&difference);
  }
  int exit_code = importers || exporters ? CLI_EXIT_FAILED : CLI_EXIT_OK;
  if (settings->json) {
    int printed = print_json(comparison);
    return printed != CLI_EXIT_OK ? printed : exit_code;
  }
  if (count == 0) printf("no differences\n");
  print_verdict("importers", importers);
  print_verdict("exporters", exporters);
  return exit_code;
}

static int diff_packages(const cli_settings *settings, const tn_wit *before, const tn_wit *after) {
  tn_wit_comparison *comparison;
  int exit_code = cli_report_error(tn_wit_compare_packages(before, after, &comparison));
  if (exit_code != CLI_EXIT_OK) return exit_code;
  exit_code = print_diff(settings, comparison);
  tn_wit_comparison_delete(comparison);
  return exit_code;
}

static int diff(const cli_settings *settings, char **operands, int count) {
  tn_wit *before;
  tn_wit *after;
  if (count != 2) {
    return cli_report(CLI_EXIT_USAGE, "tenon wit diff old/ new/",
                      "tenon wit diff takes two folders or files");
  }
  int exit_code = open_wit(settings, operands[0], &before);
  if (exit_code != CLI_EXIT_OK) return exit_code;
  exit_code = open_wit(settings, operands[1], &after);
  if (exit_code == CLI_EXIT_OK) {
    exit_code = diff_packages(settings, before, after);
    tn_wit_delete(after);
  }
  tn_wit_delete(before);
  return exit_code;
}

/* ---- targets ------------------------------------------------------------------------------------------- */

/* What does not fit: `before` is what the world has, `after` what the component has. */
static void print_misfit(const tn_wit_difference *difference) {
  const char *before = difference->before;
  const char *after = difference->after;
  printf("%s: ", difference->where);
  if (difference->kind == TN_WIT_DIFFERENCE_ADDED) {
    printf("the component needs it, the world does not have it");
    if (after != NULL) printf(" (%s)", after);
  } else if (difference->kind == TN_WIT_DIFFERENCE_REMOVED) {
    printf("the world asks for it, the component does not have it");
    if (before != NULL) printf(" (%s)", before);
  } else if (before != NULL && after != NULL) {
    printf("expected %s, the component has %s", before, after);
  } else {
    printf("differs");
  }
  printf("\n");
}

static int print_target(const cli_settings *settings, const tn_wit_comparison *comparison,
                        const char *path) {
  size_t count = tn_wit_comparison_count(comparison);
  int exit_code = count > 0 ? CLI_EXIT_FAILED : CLI_EXIT_OK;
  if (settings->json) {
    int printed = print_json(comparison);
    return printed != CLI_EXIT_OK ? printed : exit_code;
  }
  for (size_t i = 0; i < count; i++) {
    tn_wit_difference difference = tn_wit_comparison_at(comparison, i);
    print_misfit(&difference);
  }
  printf("%s %s\n", path, count > 0 ? "does not fit" : "fits");
  return exit_code;
}

static int check_target(const cli_settings *settings, const tn_wit *component, const tn_wit *wit,
                        const char *world, const char *path) {
  tn_wit_comparison *comparison;
  int exit_code = cli_report_error(tn_wit_check_target(component, wit, world, &comparison));
  if (exit_code != CLI_EXIT_OK) return exit_code;
  exit_code = print_target(settings, comparison, path);
  tn_wit_comparison_delete(comparison);
  return exit_code;
}

/* The second operand is a folder or file, or else a world of the folder "wit". */
static int targets(const cli_settings *settings, char **operands, int count) {
  tn_wit *component;
  tn_wit *wit;
  if (count != 2) {
    return cli_report(CLI_EXIT_USAGE, "tenon wit targets app.wasm wit/ --world my-world",
                      "tenon wit targets takes a component and a world, or the WIT that has it");
  }
  bool is_path = access(operands[1], F_OK) == 0;
  const char *world = is_path ? settings->world : operands[1];
  int exit_code = open_wit(settings, operands[0], &component);
  if (exit_code != CLI_EXIT_OK) return exit_code;
  exit_code = open_wit(settings, is_path ? operands[1] : "wit", &wit);
  if (exit_code == CLI_EXIT_OK) {
    exit_code = check_target(settings, component, wit, world, operands[0]);
    tn_wit_delete(wit);
  }
  tn_wit_delete(component);
  return exit_code;
}

/* ---- the command --------------------------------------------------------------------------------------- */

int cli_wit(const cli_settings *settings, char **operands, int count) {
  static const struct {
    const char *name;
    int (*run)(const cli_settings *settings, char **operands, int count);
  } verbs[] = {{"check", check}, {"diff", diff}, {"targets", targets}};
  for (size_t i = 0; count > 0 && i < sizeof verbs / sizeof *verbs; i++) {
    if (strcmp(operands[0], verbs[i].name) != 0) continue;
    return cli_finish_output(verbs[i].run(settings, operands + 1, count - 1));
  }
  return cli_finish_output(print(settings, operands, count));
}
