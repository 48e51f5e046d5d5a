#include "cli/report.h"

#include <errno.h>
#include <stdarg.h>
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
  bool is_wanted = (no_color == NULL || no_color[0] == '\0') && (term == NULL || strcmp(term, "dumb") != 0);
  if (!is_wanted || !isatty(STDERR_FILENO)) return (paint){"", "", "", ""};
  return (paint){"\033[1;31m", "\033[1;36m", "\033[2m", "\033[0m"};
}

/* Messages quote file names and guest text: control characters in them must not reach the terminal. */
static void print_clean(const char *text) {
  for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
    bool is_control = (*at < 0x20 && *at != '\n' && *at != '\t') || *at == 0x7f;
    if (is_control) fprintf(stderr, "\\x%02x", *at);
    else fputc(*at, stderr);
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

static void print_frame(size_t index, const tn_frame *frame) {
  fprintf(stderr, "  %2zu: ", index);
  if (frame->component != NULL && frame->component[0] != '\0') {
    print_clean(frame->component);
    fputs(" ", stderr);
  }
  print_clean(frame->module != NULL ? frame->module : "<module>");
  fputc('!', stderr);
  if (frame->function != NULL) print_clean(frame->function);
  else fprintf(stderr, "<function %u>", frame->function_index);
  fprintf(stderr, " +0x%zx (module 0x%zx)\n", frame->function_offset, frame->module_offset);
}

static void print_backtrace(const tn_error *error) {
  enum { MOST = 64, HEAD = 48 };
  size_t count = tn_error_frame_count(error);
  if (count == 0) return;
  paint colors = choose_paint();
  fprintf(stderr, "%sbacktrace:%s\n", colors.faint, colors.end);
  for (size_t i = 0; i < count; i++) {
    if (count > MOST && i == HEAD) {
      fprintf(stderr, "      … %zu frames more …\n", count - MOST);
      i += count - MOST;
    }
    print_frame(i, tn_error_frame(error, i));
  }
}

int cli_report_error(tn_error *error) {
  if (error == NULL) return CLI_EXIT_OK;
  int exit_code = cli_exit_code_of(error);
  if (tn_error_get_kind(error) != TN_ERROR_EXIT) {
    fflush(stdout);
    print_lines(tn_error_get_message(error), tn_error_get_hint(error));
    print_backtrace(error);
  }
  tn_error_delete(error);
  return exit_code;
}

int cli_report(int exit_code, const char *hint, const char *format, ...) {
  char message[2048];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  print_lines(message, hint);
  return exit_code;
}

int cli_finish_output(int exit_code) {
  if (fflush(stdout) == 0 && !ferror(stdout)) return exit_code;
  int reason = errno;
  if (exit_code != CLI_EXIT_OK) return exit_code;
  return cli_report(CLI_EXIT_IO, NULL, "while writing to standard output: %s", strerror(reason));
}
