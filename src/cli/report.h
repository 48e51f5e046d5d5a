/* What goes to standard error: errors with their hint and backtrace, in colour on a terminal. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "cli/exit_code.h"

/* Prints the error with its hint and backtrace, deletes it and returns the exit code that stands for it.
 * NULL: returns 0. TN_ERROR_EXIT is not printed: it is no failure of Tenon's. */
int cli_report_error(tn_error *error);

/* Prints the error with something behind its message, and its hint and backtrace. */
void cli_print_error(const tn_error *error, const char *addition);
/* The error's hint in terms of the command line, perhaps in `room`; NULL: none. */
const char *cli_hint(const tn_error *error, char *room, size_t size);

/* Prints an error of the command line's own and returns `exit_code`. `hint` may be NULL. */
int cli_report(int exit_code, const char *hint, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Makes sure that what was printed has really been written (a full disk, a closed pipe): returns the exit
 * code. */
int cli_finish_output(int exit_code);

#endif
