/* The rows; the order is that of the help. */
#include "cli/option_value.h"
#include "cli/options.h"

#define FIELD(name) offsetof(cli_settings, name)

static const char what[] = "What to run";
static const char rights[] = "Rights (nothing is granted by default but standard input and output)";
static const char limits[] = "Limits";
static const char compiler[] = "Compiler and cache";
static const char output[] = "Output";
static const char general[] = "General";

const cli_option cli_options[] = {
    {what, "invoke", 0, 0, NULL, "CALL", CLI_RUN, cli_parse_text, FIELD(invoke),
     "Call an exported function, arguments in WAVE: 'area(rect((2.0, 3.0)))'; print its result"},
    {what, "argv0", 0, 0, NULL, "NAME", CLI_RUN, cli_parse_text, FIELD(argv0),
     "The program name that the guest sees; else the file's name"},
    {what, "allow-precompiled", 0, 0, NULL, NULL, CLI_RUN, cli_parse_flag, FIELD(allow_precompiled),
     "Also take compiled code from a file not named *.cwasm; it is native code: only from those "
     "you trust"},

    {rights, "dir", 0, 0, NULL, "HOST[::GUEST]", CLI_RUN, cli_parse_texts, FIELD(directories),
     "Grant a directory, under the path GUEST (default: HOST); repeatable"},
    {rights, "dir-ro", 0, 0, NULL, "HOST[::GUEST]", CLI_RUN, cli_parse_texts,
     FIELD(read_only_directories), "Likewise, for reading only"},
    {rights, "env", 'e', 0, NULL, "NAME[=VALUE]", CLI_RUN, cli_parse_texts, FIELD(environment),
     "Set an environment variable, or pass on the one of that name; repeatable"},
    {rights, "inherit-env", 0, 'S', "inherit-env", NULL, CLI_RUN, cli_parse_flag,
     FIELD(inherit_environment), "Pass on the whole environment"},
    {rights, "net", 0, 0, NULL, "HOST[:PORT]", CLI_RUN, cli_parse_texts, FIELD(network),
     "Allow TCP and UDP with a host: a name, an address, a range such as 10.0.0.0/8, or *; PORT is "
     "a number, "
     "a range 8000-8999 or * (the default); IPv6 in brackets; repeatable"},
    {rights, "net-connect", 0, 0, NULL, "HOST[:PORT]", CLI_RUN, cli_parse_texts,
     FIELD(network_connect), "Likewise, for TCP connections made by the guest only"},
    {rights, "net-listen", 0, 0, NULL, "HOST[:PORT]", CLI_RUN, cli_parse_texts,
     FIELD(network_listen), "Likewise, for TCP sockets that the guest listens on only"},
    {rights, "net-udp", 0, 0, NULL, "HOST[:PORT]", CLI_RUN, cli_parse_texts, FIELD(network_udp),
     "Likewise, for UDP only"},
    {rights, "inherit-network", 0, 'S', "inherit-network", NULL, CLI_RUN, cli_parse_flag,
     FIELD(inherit_network), "Allow the whole network, name lookup included"},
    {rights, "tcp", 0, 'S', "tcp", NULL, CLI_RUN, cli_parse_choice, FIELD(tcp),
     "With =n: no TCP in what --inherit-network allows"},
    {rights, "udp", 0, 'S', "udp", NULL, CLI_RUN, cli_parse_choice, FIELD(udp),
     "With =n: no UDP in what --inherit-network allows"},
    {rights, "allow-dns", 0, 'S', "allow-ip-name-lookup", NULL, CLI_RUN, cli_parse_choice,
     FIELD(name_lookup),
     "Allow the lookup of any name; names in --net rules may be looked up anyway"},
    {rights, "random-seed", 0, 'S', "random-seed", "NUMBER", CLI_RUN, cli_parse_count,
     FIELD(random_seed), "Random numbers from a generator with this seed: the same in every run"},

    {rights, NULL, 0, 'S', "cli", NULL, CLI_RUN, cli_parse_yes, FIELD(always_there),
     "Accepted for compatibility: the interfaces are always there"},

    {limits, "max-memory", 0, 'W', "max-memory-size", "SIZE", CLI_RUN, cli_parse_size,
     FIELD(max_memory),
     "The largest size of a linear memory, such as 64MiB; growth beyond it ends the guest"},
    {limits, "max-table-elements", 0, 'W', "max-table-elements", "N", CLI_RUN, cli_parse_count,
     FIELD(max_table_elements), "The most elements of a table"},
    {limits, "max-instances", 0, 'W', "max-instances", "N", CLI_RUN, cli_parse_count32,
     FIELD(max_instances), "The most core instances"},
    {limits, "max-memories", 0, 'W', "max-memories", "N", CLI_RUN, cli_parse_count32,
     FIELD(max_memories), "The most linear memories"},
    {limits, "max-tables", 0, 'W', "max-tables", "N", CLI_RUN, cli_parse_count32, FIELD(max_tables),
     "The most tables"},
    {limits, "trap-on-grow-failure", 0, 'W', "trap-on-grow-failure", NULL, CLI_RUN,
     cli_parse_always, FIELD(trap_on_grow_failure),
     "Accepted for compatibility: growth beyond a limit always ends the guest"},
    {limits, "max-handles", 0, 'W', "max-handles", "N", CLI_RUN, cli_parse_count32,
     FIELD(max_handles), "The most handles of a component instance"},
    {limits, NULL, 0, 'S', "max-component-handles", "N", CLI_RUN, cli_parse_count32,
     FIELD(max_handles), "As --max-handles"},
    {limits, "fuel", 0, 'W', "fuel", "N", CLI_RUN, cli_parse_count, FIELD(fuel),
     "How much the guest may compute: about one unit an instruction"},
    {limits, "timeout", 0, 'W', "timeout", "TIME", CLI_RUN, cli_parse_duration, FIELD(timeout),
     "How long the guest may take, running or blocked: 10s, 500ms, 2m"},
    {limits, "max-stack", 0, 'W', "max-wasm-stack", "SIZE", CLI_COMPILING, cli_parse_size,
     FIELD(max_stack), "The largest stack of the guest"},
    {limits, "max-output", 0, 'S', "max-output", "SIZE", CLI_RUN, cli_parse_size, FIELD(max_output),
     "The most that the guest may write to standard output and error together"},

    {compiler, "compiler", 0, 'C', "compiler", "NAME", CLI_COMPILING, cli_parse_compiler,
     FIELD(compiler),
     "cranelift (optimizing, the default) or winch (compiles faster, runs slower)"},
    {compiler, "opt-level", 0, 'O', "opt-level", "LEVEL", CLI_COMPILING, cli_parse_optimize,
     FIELD(optimize), "0 none, 1 or 2 speed (the default), s speed and size"},
    {compiler, "pooling", 0, 'O', "pooling-allocator", NULL, CLI_COMPILING, cli_parse_choice,
     FIELD(pooling), "Reserve room for instances in advance"},
    {compiler, "parallel", 0, 'C', "parallel-compilation", NULL, CLI_COMPILING, cli_parse_choice,
     FIELD(parallel), "Compile on all processors (the default)"},
    {compiler, "debug-info", 'g', 'D', "debug-info", NULL, CLI_COMPILING, cli_parse_flag,
     FIELD(debug_info), "Keep debug information, so that native debuggers see the guest's source"},
    {compiler, "deterministic", 0, 'W', "deterministic", NULL, CLI_COMPILING, cli_parse_flag,
     FIELD(deterministic), "The same NaNs and relaxed SIMD results on every processor"},
    {compiler, NULL, 0, 'W', "nan-canonicalization", NULL, CLI_COMPILING, cli_parse_flag,
     FIELD(deterministic), "As --deterministic"},
    {compiler, NULL, 0, 'W', "relaxed-simd-deterministic", NULL, CLI_COMPILING, cli_parse_flag,
     FIELD(deterministic), "As --deterministic"},
    {compiler, NULL, 0, 'W', "component-model", NULL, CLI_COMPILING, cli_parse_yes,
     FIELD(always_there), "Accepted for compatibility: components are always understood"},
    {compiler, "interruptible", 0, 'W', "epoch-interruption", NULL, CLI_COMPILING, cli_parse_choice,
     FIELD(interruptible),
     "Compile code that looks at the clock in every loop, as --timeout needs; costs speed"},
    {compiler, "no-cache", 0, 0, NULL, NULL, CLI_RUN | CLI_WAST, cli_parse_flag, FIELD(no_cache),
     "Neither use nor fill the cache of compiled code"},
    {compiler, NULL, 0, 'C', "cache", NULL, CLI_RUN | CLI_WAST, cli_parse_choice, FIELD(cache),
     "With =n: as --no-cache"},
    {compiler, "cache-dir", 0, 'C', "cache-dir", "FOLDER", CLI_RUN | CLI_WAST, cli_parse_text,
     FIELD(cache_directory),
     "Where compiled code is kept; else $XDG_CACHE_HOME/tenon or ~/.cache/tenon"},

    {output, "output", 'o', 0, NULL, "FILE", CLI_COMPILE, cli_parse_text, FIELD(output),
     "Where to write to; - is standard output; else the input's name with .cwasm"},
    {output, "json", 0, 0, NULL, NULL, CLI_INSPECT, cli_parse_flag, FIELD(json), "Print JSON"},
    {output, "validate-only", 0, 0, NULL, NULL, CLI_WAST, cli_parse_flag, FIELD(validate_only),
     "Decode and validate everything, instantiate and call nothing"},
    {output, "quiet", 'q', 0, NULL, NULL, CLI_WAST, cli_parse_flag, FIELD(quiet),
     "Print failures only"},
    {output, "markdown", 0, 0, NULL, NULL, CLI_HELP, cli_parse_flag, FIELD(markdown),
     "Print the whole reference as Markdown"},
    {output, "man", 0, 0, NULL, NULL, CLI_HELP, cli_parse_flag, FIELD(man),
     "Print the manual page's source"},

    {general, "help", 'h', 0, NULL, NULL, CLI_EVERY, cli_parse_flag, FIELD(help),
     "Print this help"},
    {general, "version", 'V', 0, NULL, NULL, CLI_EVERY, cli_parse_flag, FIELD(version),
     "Print the version"},
};
const size_t cli_option_count = sizeof cli_options / sizeof cli_options[0];

const char cli_option_groups[] = "WSOCD";

const char *cli_option_group_title(char letter) {
  switch (letter) {
  case 'W':
    return "WebAssembly";
  case 'S':
    return "WASI";
  case 'O':
    return "optimization";
  case 'C':
    return "code generation";
  case 'D':
    return "debugging";
  default:
    return NULL;
  }
}
