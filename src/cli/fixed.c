#include "cli/fixed.h"

#include <string.h>

#include "cli/option_value.h"
#include "cli/options.h"

#define ON(group, name)                                                                            \
  { group, name, true, NULL }
#define OFF(group, name, hint)                                                                     \
  { group, name, false, hint }

static const char granted[] = "what is not granted is denied; see tenon run --help";
static const char shared[] = "memories cannot be shared between threads";

static const cli_fixed table[] = {
    ON('W', "bulk-memory"),
    ON('W', "multi-memory"),
    ON('W', "multi-value"),
    ON('W', "reference-types"),
    ON('W', "simd"),
    ON('W', "relaxed-simd"),
    ON('W', "tail-call"),
    ON('W', "memory64"),
    ON('W', "function-references"),
    ON('W', "gc"),
    ON('W', "gc-support"),
    ON('W', "custom-page-sizes"),
    ON('W', "wide-arithmetic"),
    ON('W', "extended-const"),
    ON('W', "exceptions"),
    ON('W', "concurrency-support"),
    ON('W', "component-model-fixed-length-lists"),
    ON('W', "component-model-map"),
    ON('W', "component-model-memory64"),
    OFF('W', "all-proposals", "those that Tenon runs are always on; leave the option out"),
    OFF('W', "threads", shared),
    OFF('W', "shared-memory", shared),
    OFF('W', "shared-everything-threads", shared),
    OFF('W', "component-model-threading", shared),
    OFF('W', "component-model-gc", NULL),
    OFF('W', "stack-switching", NULL),
    OFF('W', "wmemcheck", NULL),
    OFF('W', "unknown-imports-trap", "an import can be met by a component: --link"),
    OFF('W', "unknown-imports-default", "an import can be met by a component: --link"),
    ON('W', "unknown-exports-allow"),
    OFF('W', "async-stack-size", "it follows from --max-stack"),
    OFF('W', "async-stack-zeroing", NULL),
    ON('S', "common"),
    ON('S', "preview2"),
    OFF('S', "preview0", "preview 1 and WASI 0.2 are there"),
    OFF('S', "p3", "preview 1 and WASI 0.2 are there"),
    OFF('S', "nn", NULL),
    OFF('S', "nn-graph", NULL),
    OFF('S', "threads", shared),
    OFF('S', "keyvalue", NULL),
    OFF('S', "keyvalue-in-memory-data", NULL),
    OFF('S', "listenfd", granted),
    OFF('S', "tcplisten", "--net-listen lets the guest listen"),
    OFF('S', "tls", NULL),
    OFF('S', "max-resources", "--max-handles limits them"),
    OFF('S', "hostcall-fuel", NULL),
    ON('D', "address-map"),
    OFF('D', "coredump", NULL),
    OFF('D', "guest-debug", NULL),
    OFF('D', "debugger", NULL),
    OFF('D', "logging", NULL),
    OFF('D', "log-to-files", NULL),
    OFF('C', "cache-config", "--cache-dir says where compiled code is kept"),
    OFF('C', "collector", NULL),
    OFF(0, "config", "give the options on the command line"),
    OFF(0, "preload", "components are linked with --link"),
    OFF(0, "profile", "--debug-info lets native profilers and debuggers see the guest's source"),
    OFF(0, "record", "tenon exec --record stores a run"),
    OFF(0, "target", "code is compiled for the machine that runs it"),
};

const cli_fixed *cli_fixed_find(char group, const char *name, size_t length) {
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    const cli_fixed *fixed = &table[i];
    bool is_it = fixed->group == group && strlen(fixed->name) == length;
    if (is_it && memcmp(fixed->name, name, length) == 0) return fixed;
  }
  return NULL;
}

bool cli_fixed_is(const cli_fixed *fixed, const char *value) {
  cli_choice choice;
  if (cli_parse_choice(&choice, value) != NULL) return false;
  return (choice == CLI_CHOICE_YES) == fixed->is_on;
}
