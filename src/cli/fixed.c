#include "cli/fixed.h"

#include <string.h>

#include "cli/option_value.h"
#include "cli/options.h"

#define ON(group, name)                                                                            \
  { group, name, CLI_FIXED_YES, NULL, NULL }
#define OFF(group, name, hint)                                                                     \
  { group, name, CLI_FIXED_NO, NULL, hint }
#define ONLY(group, name, text, hint)                                                              \
  { group, name, CLI_FIXED_TEXT, text, hint }
#define NEVER(group, name, hint)                                                                   \
  { group, name, CLI_FIXED_NONE, NULL, hint }

static const char granted[] = "what is not granted is denied; see tenon run --help";
static const char shared[] = "memories cannot be shared between threads";
static const char layout[] =
    "leave it out: how memories lie follows from the address space there is";
static const char heap[] =
    "leave it out: --max-memory limits what a guest's collected objects take";
static const char slots[] = "leave it out: --pooling reserves as much as fits";
static const char counted[] = "--max-instances, --max-memories and --max-tables limit the guest";
static const char tuned[] = "--opt-level chooses how code is compiled";
static const char async[] = "leave it out: what Tenon runs of it is always on";
static const char debugger[] = "there is no debugger to be given it";
static const char kept[] = "--max-host-memory limits what the host keeps for the guest";

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
    ON('D', "address-map"),
    OFF('D', "coredump", NULL),
    OFF('D', "guest-debug", NULL),
    OFF('D', "debugger", NULL),
    OFF('D', "logging", NULL),
    OFF('D', "log-to-files", NULL),
    OFF('C', "cache-config",
        "--cache-dir says where compiled code is kept, --max-cache how much of it"),
    OFF('C', "collector", NULL),
    ON('W', "component-model-implements"),
    OFF('W', "component-model-async", async),
    OFF('W', "component-model-more-async-builtins", async),
    OFF('W', "component-model-async-stackful", async),
    OFF('W', "component-model-error-context", async),
    OFF('W', "branch-hinting", "leave it out: hints are read over"),
    ON('S', "cli-exit-with-code"),
    ON('S', "network-error-code"),
    NEVER('S', "http-outgoing-body-buffer-chunks", kept),
    NEVER('S', "http-outgoing-body-chunk-size", kept),
    NEVER('S', "max-random-size", kept),
    NEVER('S', "max-http-fields-size", kept),
    ONLY('O', "regalloc-algorithm", "backtracking", tuned),
    ON('O', "memory-may-move"),
    OFF('O', "static-memory-forced", layout),
    ON('O', "guard-before-linear-memory"),
    ON('O', "memory-init-cow"),
    NEVER('O', "memory-guaranteed-dense-image-size", layout),
    NEVER('O', "memory-*", layout),
    NEVER('O', "static-memory-*", layout),
    NEVER('O', "dynamic-memory-*", layout),
    NEVER('O', "gc-heap-*", heap),
    NEVER('O', "gc-zeal-alloc-counter", NULL),
    ON('O', "table-lazy-init"),
    ON('O', "signals-based-traps"),
    ONLY('O', "pooling-pagemap-scan", "auto", slots),
    OFF('O', "pooling-memory-protection-keys", NULL),
    NEVER('O', "pooling-max-core-instances-per-component", counted),
    NEVER('O', "pooling-max-memories-per-component", counted),
    NEVER('O', "pooling-max-tables-per-component", counted),
    NEVER('O', "pooling-max-tables-per-module", counted),
    NEVER('O', "pooling-max-memories-per-module", counted),
    NEVER('O', "pooling-*", slots),
    OFF('C', "native-unwind-info", NULL),
    OFF('C', "metadata-for-internal-asserts", NULL),
    NEVER('C', "metadata-for-gc-heap-corruption", NULL),
    NEVER('C', "inlining", tuned),
    OFF('C', "cranelift-debug-verifier", NULL),
    NEVER('C', "cranelift-*", tuned),
    NEVER('D', "arg", debugger),
    OFF('D', "inherit-stdin", debugger),
    OFF('D', "inherit-stdout", debugger),
    OFF('D', "inherit-stderr", debugger),
    ONLY('D', "max-backtrace", "20", NULL),
    NEVER('D', "symbols", NULL),
    NEVER('R', "*", "tenon exec --record stores a run"),
    OFF(0, "config", "give the options on the command line"),
    OFF(0, "preload", "components are linked with --link"),
    OFF(0, "profile", "--debug-info lets native profilers and debuggers see the guest's source"),
    OFF(0, "record", "tenon exec --record stores a run"),
    OFF(0, "target", "code is compiled for the machine that runs it"),
};

static bool is_called(const cli_fixed *fixed, const char *name, size_t length) {
  size_t own = strlen(fixed->name);
  if (fixed->name[own - 1] == '*')
    return length >= own - 1 && memcmp(fixed->name, name, own - 1) == 0;
  return length == own && memcmp(fixed->name, name, own) == 0;
}

/* The first that fits: names stand before what begins as they do. */
const cli_fixed *cli_fixed_find(char group, const char *name, size_t length) {
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (table[i].group == group && is_called(&table[i], name, length)) return &table[i];
  return NULL;
}

bool cli_fixed_is(const cli_fixed *fixed, const char *value) {
  cli_choice choice;
  switch (fixed->value) {
  case CLI_FIXED_NONE:
    return false;
  case CLI_FIXED_TEXT:
    return value != NULL && strcmp(value, fixed->text) == 0;
  default:
    if (cli_parse_choice(&choice, value) != NULL) return false;
    return (choice == CLI_CHOICE_YES) == (fixed->value == CLI_FIXED_YES);
  }
}
