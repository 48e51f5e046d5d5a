#include "cli/exit_code.h"

const cli_exit_meaning cli_exit_meanings[] = {
#define CLI_EXIT_ROW(name, number, meaning) {number, meaning},
    CLI_EXIT_CODES(CLI_EXIT_ROW)
#undef CLI_EXIT_ROW
};
const size_t cli_exit_meaning_count = sizeof cli_exit_meanings / sizeof cli_exit_meanings[0];

int cli_exit_code_of_kind(tn_error_kind kind) {
  switch (kind) {
  case TN_ERROR_NONE:
  case TN_ERROR_EXIT:
    return CLI_EXIT_OK;
  case TN_ERROR_ARGUMENT:
    return CLI_EXIT_USAGE;
  case TN_ERROR_IO:
    return CLI_EXIT_IO;
  case TN_ERROR_MALFORMED:
  case TN_ERROR_INVALID:
    return CLI_EXIT_LOAD;
  case TN_ERROR_UNSUPPORTED:
    return CLI_EXIT_UNSUPPORTED;
  case TN_ERROR_LINK:
    return CLI_EXIT_LINK;
  case TN_ERROR_NOT_FOUND:
    return CLI_EXIT_NOT_FOUND;
  case TN_ERROR_TRAP:
  case TN_ERROR_POISONED:
    return CLI_EXIT_TRAP;
  case TN_ERROR_STACK:
    return CLI_EXIT_STACK;
  case TN_ERROR_FUEL:
    return CLI_EXIT_FUEL;
  case TN_ERROR_TIMEOUT:
    return CLI_EXIT_TIMEOUT;
  case TN_ERROR_MEMORY_LIMIT:
    return CLI_EXIT_MEMORY;
  case TN_ERROR_LIMIT:
    return CLI_EXIT_LIMIT;
  case TN_ERROR_DENIED:
    return CLI_EXIT_DENIED;
  case TN_ERROR_CANCELLED:
    return CLI_EXIT_INTERRUPTED;
  case TN_ERROR_NO_MEMORY:
  case TN_ERROR_INTERNAL:
  case TN_ERROR_HOST:
    break;
  }
  return CLI_EXIT_INTERNAL;
}

int cli_exit_code_of(const tn_error *error) {
  tn_error_kind kind = tn_error_get_kind(error);
  return kind == TN_ERROR_EXIT ? tn_error_get_exit_code(error) : cli_exit_code_of_kind(kind);
}
