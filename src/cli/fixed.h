/* Options of Wasmtime's whose answer is fixed: what Tenon always has, and what it does not have. They are accepted with
 * the value that they have anyway, and refused by name with the other. */
#ifndef CLI_FIXED_H
#define CLI_FIXED_H

#include <stdbool.h>
#include <stddef.h>

/* The only value that is accepted. */
typedef enum cli_fixed_value {
  CLI_FIXED_NO,
  CLI_FIXED_YES,
  CLI_FIXED_TEXT,
  CLI_FIXED_NONE, /* none is */
} cli_fixed_value;

typedef struct cli_fixed {
  char group;       /* 0: a long option of its own */
  const char *name; /* ends in * when it stands for all that begin so */
  cli_fixed_value value;
  const char *text; /* the only value, for CLI_FIXED_TEXT */
  const char *hint; /* what to do instead, or NULL */
} cli_fixed;

/* NULL: there is none. */
const cli_fixed *cli_fixed_find(char group, const char *name, size_t length);
/* Whether the value (NULL: none, which means yes) asks for what is so anyway. */
bool cli_fixed_is(const cli_fixed *fixed, const char *value);

#endif
