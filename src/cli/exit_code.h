/* The process's exit codes: one table, from which --help, the manual and the documentation are made.
 *
 * A guest's own codes (0-255, usually small) pass through unchanged. Tenon's own lie in 109-127, which
 * programs hardly use, and where shells give a meaning, at that one: 124 as timeout(1), 130 and 143 as for a
 * process ended by SIGINT and SIGTERM, 134 as for one that aborted. */
#ifndef CLI_EXIT_CODE_H
#define CLI_EXIT_CODE_H

#include <stddef.h>

#include "tenon.h"

/* name, number, meaning */
#define CLI_EXIT_CODES(X)                                                                                     \
  X(OK, 0, "success")                                                                                         \
  X(FAILED, 1,                                                                                                \
    "the guest's `run` returned an error; assertions of a test script failed; tenon wit: a change breaks, a " \
    "component does not fit")                                                                                 \
  X(OUTPUT, 109, "tenon exec: limit of output")                                                               \
  X(HANDLES, 110, "tenon exec: limit of handles")                                                             \
  X(DIFFERS, 111, "tenon exec: a run differed from its recording or from the first run")                      \
  X(USAGE, 112, "wrong arguments: an unknown option, a value that cannot be read")                            \
  X(IO, 113, "a file could not be read or written")                                                           \
  X(LOAD, 114, "not a WebAssembly file, or one that is malformed or invalid")                                 \
  X(UNSUPPORTED, 115, "valid, but needs what this version does not have")                                     \
  X(LINK, 116, "an import is missing or has the wrong type")                                                  \
  X(NOT_FOUND, 117, "no such exported function")                                                              \
  X(FUEL, 118, "out of fuel")                                                                                 \
  X(MEMORY, 119, "memory or table limit")                                                                     \
  X(LIMIT, 120, "another limit: handles, instances, bytes of output")                                         \
  X(DENIED, 121, "a right that was not granted; tenon exec: a call that depends on the outside")              \
  X(STACK, 122, "stack overflow in the guest")                                                                \
  X(INTERNAL, 123, "the host is out of memory, or a bug in Tenon")                                            \
  X(TIMEOUT, 124, "out of time, running or blocked")                                                          \
  X(INTERRUPTED, 130, "interrupted by Ctrl-C (SIGINT)")                                                       \
  X(TRAP, 134, "the guest trapped")                                                                           \
  X(TERMINATED, 143, "ended by SIGTERM")

enum cli_exit_code {
#define CLI_EXIT_ENUM(name, number, meaning) CLI_EXIT_##name = number,
  CLI_EXIT_CODES(CLI_EXIT_ENUM)
#undef CLI_EXIT_ENUM
};

typedef struct cli_exit_meaning {
  int number;
  const char *meaning;
} cli_exit_meaning;

extern const cli_exit_meaning cli_exit_meanings[];
extern const size_t cli_exit_meaning_count;

/* The exit code for a kind of error; of TN_ERROR_EXIT, where it is the guest's own, 0. */
int cli_exit_code_of_kind(tn_error_kind kind);
/* The exit code for an error of the library; for TN_ERROR_EXIT the guest's own. */
int cli_exit_code_of(const tn_error *error);

#endif
