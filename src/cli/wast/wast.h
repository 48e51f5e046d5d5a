/* Test scripts: a .wast file or its JSON form, read into the same list of commands. */
#ifndef CLI_WAST_H
#define CLI_WAST_H

#include <stdbool.h>
#include <stddef.h>

#include "tenon.h"

/* A value as the script has it. Which parts are used follows from `kind`, which is the type's that the
 * value is meant for:
 *   numbers, bool       text: "-12", "0x1f", "nan:canonical", "true"
 *   char, string        text, unescaped
 *   list, tuple         items
 *   record              items, each with its name
 *   flags               items, with nothing but a name
 *   enum                name
 *   variant             name; one item if it has a payload
 *   option              one item, or none
 *   result              name "ok" or "err"; one item if it has a payload */
typedef struct wast_value wast_value;
struct wast_value {
  tn_type_kind kind;
  bool is_float_bits; /* text is the number of the bits: how the JSON form writes floats */
  tn_str name;
  tn_str text;
  wast_value *items;
  size_t count;
};

typedef enum wast_kind {
  WAST_UNKNOWN,        /* something else, called `name` */
  WAST_MODULE,         /* define and instantiate */
  WAST_DEFINITION,     /* define only */
  WAST_INSTANCE,       /* instantiate the definition `definition` as `name` */
  WAST_REGISTER,       /* make the instance `definition` importable as `text` */
  WAST_ACTION,         /* call */
  WAST_RETURN,         /* call and compare */
  WAST_TRAP,           /* call, which fails with `text` */
  WAST_INVALID,        /* the source does not validate */
  WAST_MALFORMED,      /* the source cannot be decoded */
  WAST_UNLINKABLE,     /* the source does not link */
  WAST_UNINSTANTIABLE, /* the source's instantiation fails */
} wast_kind;

typedef struct wast_command {
  wast_kind kind;
  size_t line;
  tn_str name;       /* without $; .data == NULL: none */
  tn_str definition; /* likewise */
  tn_str source;     /* of the component or module, binary or text */
  bool is_text;
  tn_str instance; /* of a call: whose function; none: the latest instance's */
  tn_str function;
  wast_value *arguments;
  size_t argument_count;
  wast_value *expected;
  size_t expected_count;
  tn_str expected_text; /* as the script has it; .data == NULL: nothing */
  tn_str text;          /* what the message must contain */
  const char *wrong;    /* why it cannot be run; NULL: it can */
} wast_command;

/* Invariant: all that it refers to lives in `memory` or in the bytes that it was read from. */
typedef struct wast_script {
  const char *path;
  tn_values *memory;
  wast_command *commands;
  size_t count, room;
} wast_script;

/* Room for one more command, cleared; NULL: out of memory. */
wast_command *wast_add_command(wast_script *script);

/* Reads a script. `bytes`, ended by a NUL, outlive it. Return 0, or an exit code after reporting. */
int wast_read_text(wast_script *script, const char *bytes, size_t size);
int wast_read_json(wast_script *script, const char *bytes, size_t size);

/* Writes the native form of a value into `out`. Returns NULL, or what is wrong with the value. */
const char *wast_value_write(const wast_value *value, const tn_type *type, void *out,
                             tn_values *memory);
/* Whether a native value is what the script expects. NaN patterns are understood. */
bool wast_value_matches(const wast_value *value, const tn_type *type, const void *native);

#endif
