/* What goes to standard error: errors with their hint and backtrace, in colour on a terminal. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "cli/exit_code.h"

/* An error as it was printed, for who tells it in another form too. Texts are cut to fit; a hint that there is not
 * is "". */
typedef struct cli_failure {
  int exit_code; /* 0: there was none */
  char message[4096];
  char hint[1024];
} cli_failure;

/* Prints the error with its hint and backtrace, deletes it and returns the exit code that stands for it.
 * NULL: returns 0. TN_ERROR_EXIT is not printed: it is no failure of Tenon's. */
int cli_report_error(tn_error *error);
/* The same for an error about this file ("-": standard input), which its message does not name. */
int cli_report_in_file(const char *path, tn_error *error);
/* Likewise, and notes it in `failure`; NULL: nowhere. */
int cli_fail_with(cli_failure *failure, tn_error *error);

/* Prints the error with something behind its message, and its hint and backtrace. */
void cli_print_error(const tn_error *error, const char *addition, const char *hint);
/* The library's advice in terms of the command line, perhaps in `room`. NULL stays NULL. */
const char *cli_translate_hint(const char *hint, char *room, size_t size);
/* The error's hint in terms of the command line, perhaps in `room`; NULL: none. */
const char *cli_hint(const tn_error *error, char *room, size_t size);

/* Prints an error of the command line's own and returns `exit_code`. `hint` may be NULL. */
int cli_report(int exit_code, const char *hint, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Likewise, and notes it in `failure`; NULL: nowhere. */
int cli_fail(cli_failure *failure, int exit_code, const char *hint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Prints "warning: …". */
void cli_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Why standard output could not be written to, given errno. */
const char *cli_output_failure(int reason);
/* Makes sure that what was printed has really been written (a full disk, a closed pipe): returns the exit
 * code. */
int cli_finish_output(int exit_code);

#endif
