#include "cli/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct paint {
  const char *error, *hint, *faint, *end;
} paint;

/* https://no-color.org: any non-empty NO_COLOR turns colours off. */
static paint choose_paint(void) {
  const char *no_color = getenv("NO_COLOR");
  const char *term = getenv("TERM");
  bool is_wanted =
      (no_color == NULL || no_color[0] == '\0') && (term == NULL || strcmp(term, "dumb") != 0);
  if (!is_wanted || !isatty(STDERR_FILENO)) return (paint){"", "", "", ""};
  return (paint){"\033[1;31m", "\033[1;36m", "\033[2m", "\033[0m"};
}

/* Messages quote file names and guest text: control characters in them must not reach the terminal. */
static void print_clean(const char *text) {
  for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
    bool is_control = (*at < 0x20 && *at != '\n' && *at != '\t') || *at == 0x7f;
    if (is_control)
      fprintf(stderr, "\\x%02x", *at);
    else
      fputc(*at, stderr);
  }
}

static void print_lines(const char *message, const char *hint) {
  paint colors = choose_paint();
  fprintf(stderr, "%serror:%s ", colors.error, colors.end);
  print_clean(message);
  fputc('\n', stderr);
  if (hint == NULL) return;
  fprintf(stderr, "%shint:%s ", colors.hint, colors.end);
  print_clean(hint);
  fputc('\n', stderr);
}

/* What the library calls something that is called otherwise here; what has another one in it stands before that. */
static const struct {
  const char *name, *flag;
} flags[] = {
    {"it was compiled with `epoch_interruption`: use an engine that has it",
     "it was compiled with --interruptible: run it with that, too"},
    {"call one of its functions (`tn_instance_func`); `tn_inspect` lists them",
     "call one of its functions with --invoke (tenon exec: --function); `tenon inspect` lists them"},
    {"compile it with Cranelift (`compiler`)", "compile it with Cranelift: --compiler cranelift"},
    {"add one with `tn_embed`", "add one with `tenon embed WIT MODULE -o MODULE`"},
    {"compile it again (`tn_component_artifact`)", "compile it again with `tenon compile`"},
    {"in `adapters`:", "with --adapt"},
    {"where it is in `dependencies`:", "where it is: --dep"},
    {"`features`", "--features"},
    {"`tn_inspect`", "`tenon inspect`"},
    {"`tn_componentize`", "`tenon new`"},
    {"`max_memory_bytes`", "--max-memory"},
    {"`max_host_memory_bytes`", "--max-host-memory"},
    {"`max_table_elements`", "--max-table-elements"},
    {"`max_instances`", "--max-instances"},
    {"`max_memories`", "--max-memories"},
    {"`max_tables`", "--max-tables"},
    {"`max_handles`", "--max-handles"},
    {"`max_transfer_bytes`", "--max-transfer"},
    {"`max_stack_bytes`", "--max-stack"},
    {"`output_limit`", "--max-output"},
    {"`consume_fuel` and `deterministic`", "--fuel 1 --deterministic"},
    {"`consume_fuel`", "--fuel 1 (any number: the limit is that of the run)"},
    {"`deterministic`", "--deterministic"},
    {"`fuel`", "--fuel"},
    {"`timeout`", "--timeout"},
    {"`pooling`", "--pooling"},
    {"`epoch_interruption`", "--interruptible"},
    {"load it with `TN_LOAD_ARTIFACT`", "name it *.cwasm or use --allow-precompiled"},
    {"define it in the linker, or add a component that exports it (`tn_linker_add_component`)",
     "link it with a component that exports it (--link), or compose them"},
};

const char *cli_translate_hint(const char *hint, char *room, size_t size) {
  for (size_t i = 0; hint != NULL && i < sizeof flags / sizeof *flags; i++) {
    const char *at = strstr(hint, flags[i].name);
    if (at == NULL) continue;
    snprintf(room, size, "%.*s%s%s", (int)(at - hint), hint, flags[i].flag,
             at + strlen(flags[i].name));
    return room;
  }
  return hint;
}

static const char *hint_of(const tn_error *error, char *room, size_t size) {
  const char *hint = tn_error_get_hint(error);
  if (hint == NULL && tn_error_get_kind(error) == TN_ERROR_LINK)
    return "`tenon inspect` lists what it imports";
  return cli_translate_hint(hint, room, size);
}

/* "   0: main!abort+0x1b at 0x1f2 in app/child": the first offset counts from the start of the function, the second
 * one from that of the module, which is what tools ask for. */
static void print_frame(size_t index, const tn_frame *frame, const paint *colors) {
  fprintf(stderr, "  %2zu: ", index);
  if (frame->module != NULL) {
    print_clean(frame->module);
    fputc('!', stderr);
  }
  if (frame->function != NULL)
    print_clean(frame->function);
  else
    fprintf(stderr, "<function %u>", frame->function_index);
  if (frame->module_offset != SIZE_MAX) {
    fprintf(stderr, "%s+0x%zx at 0x%zx%s", colors->faint, frame->function_offset,
            frame->module_offset, colors->end);
  }
  if (frame->component != NULL && frame->component[0] != '\0') {
    fputs(" in ", stderr);
    print_clean(frame->component);
  }
  fputc('\n', stderr);
}

static bool is_text_equal(const char *a, const char *b) {
  return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool is_same_frame(const tn_frame *a, const tn_frame *b) {
  return a->function_index == b->function_index && a->module_offset == b->module_offset &&
         is_text_equal(a->module, b->module) && is_text_equal(a->component, b->component);
}

/* How many frames from `index` on are the same: what recurses. */
static size_t count_repeated(const tn_error *error, size_t index) {
  size_t end = index + 1, count = tn_error_frame_count(error);
  while (end < count && is_same_frame(tn_error_frame(error, index), tn_error_frame(error, end)))
    end++;
  return end - index;
}

static void print_backtrace(const tn_error *error) {
  size_t count = tn_error_frame_count(error);
  if (count == 0) return;
  bool is_cut = tn_error_is_backtrace_cut(error);
  paint colors = choose_paint();
  fprintf(stderr, "%sbacktrace:%s\n", colors.hint, colors.end);
  for (size_t i = 0; i < count;) {
    size_t repeated = count_repeated(error, i);
    print_frame(i, tn_error_frame(error, i), &colors);
    i += repeated;
    if (repeated > 1)
      fprintf(stderr, "      … and %s%zu more times\n", i == count && is_cut ? "at least " : "",
              repeated - 1);
  }
  if (is_cut) fputs("      … frames further out are not kept\n", stderr);
}

const char *cli_hint(const tn_error *error, char *room, size_t size) {
  return hint_of(error, room, size);
}

static void print_parts(const tn_error *error, const char *before, const char *link,
                        const char *after, const char *hint) {
  fflush(stdout);
  char message[4096];
  snprintf(message, sizeof message, "%s%s%s%s", before, link, tn_error_get_message(error), after);
  print_lines(message, hint);
  print_backtrace(error);
}

void cli_print_error(const tn_error *error, const char *addition, const char *hint) {
  print_parts(error, "", "", addition, hint);
}

int cli_report_in_file(const char *path, tn_error *error) {
  if (error == NULL) return CLI_EXIT_OK;
  int exit_code = cli_exit_code_of(error);
  char room[1024];
  print_parts(error, strcmp(path, "-") == 0 ? "standard input" : path, ": ", "",
              hint_of(error, room, sizeof room));
  tn_error_delete(error);
  return exit_code;
}

static void note(cli_failure *failure, int exit_code, const char *message, const char *hint) {
  if (failure == NULL) return;
  failure->exit_code = exit_code;
  snprintf(failure->message, sizeof failure->message, "%s", message);
  snprintf(failure->hint, sizeof failure->hint, "%s", hint != NULL ? hint : "");
}

int cli_fail_with(cli_failure *failure, tn_error *error) {
  if (error == NULL) return CLI_EXIT_OK;
  int exit_code = cli_exit_code_of(error);
  if (tn_error_get_kind(error) != TN_ERROR_EXIT) {
    fflush(stdout);
    char room[1024];
    const char *hint = hint_of(error, room, sizeof room);
    print_lines(tn_error_get_message(error), hint);
    print_backtrace(error);
    note(failure, exit_code, tn_error_get_message(error), hint);
  }
  tn_error_delete(error);
  return exit_code;
}

int cli_report_error(tn_error *error) {
  return cli_fail_with(NULL, error);
}

enum { MESSAGE_ROOM = 2048 };

static void print_formatted(char *room, const char *hint, const char *format, va_list arguments) {
  vsnprintf(room, MESSAGE_ROOM, format, arguments);
  print_lines(room, hint);
}

int cli_fail(cli_failure *failure, int exit_code, const char *hint, const char *format, ...) {
  char message[MESSAGE_ROOM];
  va_list arguments;
  va_start(arguments, format);
  print_formatted(message, hint, format, arguments);
  va_end(arguments);
  note(failure, exit_code, message, hint);
  return exit_code;
}

int cli_report(int exit_code, const char *hint, const char *format, ...) {
  char message[MESSAGE_ROOM];
  va_list arguments;
  va_start(arguments, format);
  print_formatted(message, hint, format, arguments);
  va_end(arguments);
  return exit_code;
}

void cli_warn(const char *format, ...) {
  char message[MESSAGE_ROOM];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  fputs("warning: ", stderr);
  print_clean(message);
  fputc('\n', stderr);
}

const char *cli_output_failure(int reason) {
  bool is_closed = fileno(stdout) != STDOUT_FILENO; /* see main */
  return is_closed ? "it is closed" : strerror(reason);
}

int cli_finish_output(int exit_code) {
  if (fflush(stdout) == 0 && !ferror(stdout)) return exit_code;
  int reason = errno;
  if (exit_code != CLI_EXIT_OK) return exit_code;
  return cli_report(CLI_EXIT_IO, NULL, "while writing to standard output: %s",
                    cli_output_failure(reason));
}
