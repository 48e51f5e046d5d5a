/* The rows; the order is that of the help. */
#include <string.h>

#include "cli/option_value.h"
#include "cli/options.h"

#define FIELD(name) offsetof(cli_settings, name)

static const char serving[] = "What to serve, and where";
static const char server[] = "Server";
static const char server_limits[] = "Limits of the server";
static const char components[] = "Components (holds for all of them)";
static const char composing[] = "What to compose";
static const char wit[] = "WIT";
static const char making[] = "What to make";
static const char taking[] = "What to take out";
static const char what[] = "What to run";
static const char given[] = "What the run is given";
static const char outside[] =
    "What comes from outside (nothing by default; what is not granted ends the run)";
static const char proof[] = "Proof";
static const char rights[] = "Rights (nothing is granted by default but standard input and output)";
static const char limits[] = "Limits";
static const char compiler[] = "Compiler and cache";
static const char output[] = "Output";
static const char general[] = "General";

/* clang-format off: rows are easier to read without it */
static const cli_option rows[] = {
    {serving, "config", 0, 0, NULL, "FILE", CLI_SERVE, cli_parse_text, FIELD(config_file),
     "The server's file, see docs/serve.md; what options say wins over it"},
    {serving, "route", 0, 0, NULL, "[HOST][/PATH]=FILE", CLI_SERVE, cli_parse_texts, FIELD(routes),
     "Which component answers what; the most specific route wins; repeatable"},
    {serving, "addr", 0, 0, NULL, "ADDRESS", CLI_SERVE, NULL, 0, "As --listen", "listen"},
    {serving, "tls-cert", 0, 0, NULL, "FILE", CLI_SERVE, NULL, 0,
     "PEM file: the certificate and those that lead to its authority. With it the server speaks TLS only",
     "certificate"},
    {serving, "tls-key", 0, 0, NULL, "FILE", CLI_SERVE, NULL, 0,
     "PEM file: the certificate's private key", "key"},
    {serving, "tls-client-ca", 0, 0, NULL, "FILE", CLI_SERVE, NULL, 0,
     "PEM file: clients have to show a certificate signed by one of these", "client-ca"},
    {serving, "tls-client-cert", 0, 0, NULL, "required|optional", CLI_SERVE, NULL, 0,
     "Whether a client without a certificate is turned away", "client-certificate"},
    {serving, "no-logging-prefix", 0, 0, NULL, NULL, CLI_SERVE, cli_parse_flag,
     FIELD(no_logging_prefix), "As --output=inherit"},
    {serving, "shutdown-addr", 0, 0, NULL, "ADDRESS", CLI_SERVE, cli_parse_shutdown, FIELD(ignored),
     "Not supported: SIGTERM stops the server gracefully"},
    {serving, "max-concurrent-requests", 0, 0, NULL, "N", CLI_SERVE, NULL, 0, "As --max-concurrent",
     "max-concurrent"},
    {serving, "max-concurrent-connections", 0, 0, NULL, "N", CLI_SERVE, NULL, 0,
     "As --max-connections", "max-connections"},
    {serving, "component-max-concurrent", 0, 0, NULL, "N", CLI_SERVE, NULL, 0,
     "Requests of each component that are being answered at once", "component.max-concurrent"},
    {serving, "max-instance-concurrent-reuse-count", 0, 0, NULL, "N", CLI_SERVE, cli_parse_count,
     FIELD(ignored),
     "Accepted for compatibility: an instance of a WASI 0.2 component answers one request at a time"},

    {composing, "plug", 0, 0, NULL, "FILE", CLI_COMPOSE, cli_parse_texts, FIELD(plugs),
     "Give the component what this one, binary or text, exports; - is standard input; repeatable"},
    {composing, "dep", 'd', 0, NULL, "PACKAGE[@VERSION]=FILE", CLI_COMPOSE, cli_parse_texts,
     FIELD(dependencies),
     "Where a package is that WAC names: a component, binary or text, or a folder or file of WIT; - is standard input; "
     "repeatable"},
    {composing, "deps-dir", 0, 0, NULL, "DIRECTORY", CLI_COMPOSE, cli_parse_text,
     FIELD(dependency_folder),
     "Where the other packages are, a:b as a/b.wasm, a:b@1.0.0 as a/b/1.0.0.wasm or a/b@1.0.0.wasm; else deps"},
    {composing, "import-dependencies", 'i', 0, NULL, NULL, CLI_COMPOSE, cli_parse_flag,
     FIELD(import_dependencies), "Import the components instead of embedding them"},
    {composing, "no-validate", 0, 0, NULL, NULL, CLI_COMPOSE, cli_parse_flag, FIELD(no_validation),
     "Write the result even if it is not a valid component"},

    {wit, "world", 'w', 0, NULL, "NAME", CLI_WIT | CLI_EMBED, cli_parse_text, FIELD(world),
     "Which world is meant: world, a:b/world or a:b/world@1.0.0; not needed where there is only one"},
    {wit, "features", 0, 0, NULL, "NAME[,NAME]...", CLI_WIT | CLI_EMBED, cli_parse_texts,
     FIELD(features), "Take in what is @unstable under these features; repeatable"},
    {wit, "all-features", 0, 0, NULL, NULL, CLI_WIT | CLI_EMBED, cli_parse_flag,
     FIELD(all_features), "Take in everything that is @unstable"},
    {wit, "wasm", 0, 0, NULL, NULL, CLI_WIT, cli_parse_flag, FIELD(wasm),
     "Write the binary form, to -o; with --world: what stands in a core module's section \"component-type\""},

    {making, "encoding", 0, 0, NULL, "utf8|utf16|compact-utf16", CLI_EMBED, cli_parse_text,
     FIELD(encoding), "How the module encodes its strings; else utf8"},
    {making, "dummy", 0, 0, NULL, NULL, CLI_EMBED, cli_parse_flag, FIELD(dummy),
     "Make a module that has all imports and exports of the world and does nothing"},
    {making, "dummy-names", 0, 0, NULL, "standard32|legacy", CLI_EMBED, cli_parse_text,
     FIELD(dummy_names), "The same, with core names of this scheme; else standard32"},
    {making, "async-callback", 0, 0, NULL, NULL, CLI_EMBED, cli_parse_flag, FIELD(async_callback),
     "With --dummy-names legacy: lower and lift functions that are async so, with callbacks"},
    {making, "async-stackful", 0, 0, NULL, NULL, CLI_EMBED, cli_parse_flag, FIELD(async_stackful),
     "The same without callbacks"},
    {making, "only-custom", 0, 0, NULL, NULL, CLI_EMBED, cli_parse_flag, FIELD(only_custom),
     "Write what would stand in the custom section, without a module"},
    {making, "adapt", 0, 0, NULL, "[NAME=]FILE", CLI_NEW, cli_parse_texts, FIELD(adapters),
     "Meet imports of the module NAME with this adapter; else NAME is the file's name up to its first dot; repeatable"},
    {making, "import-name", 0, 0, NULL, "OLD=NEW", CLI_NEW, cli_parse_texts, FIELD(import_names),
     "Import the instance OLD as NEW, such as unlocked-dep=<a:b>; repeatable"},
    {making, "realloc-via-memory-grow", 0, 0, NULL, NULL, CLI_NEW, cli_parse_flag,
     FIELD(realloc_via_memory_grow),
     "Adapters make room by growing the memory, never by the module's cabi_realloc"},
    {making, "merge-imports-based-on-semver", 0, 0, NULL, "true|false", CLI_NEW, cli_parse_text,
     FIELD(merging), "Whether imports of compatible versions become one, the newest; else true"},
    {making, "skip-validation", 0, 0, NULL, NULL, CLI_NEW, cli_parse_flag, FIELD(no_validation),
     "Write the result even if it is not a valid component"},
    {making, "reject-legacy-names", 0, 0, NULL, NULL, CLI_NEW, cli_parse_flag,
     FIELD(reject_legacy_names), "Take only the standard core names, which begin with cm32p2"},

    {taking, "all", 'a', 0, NULL, NULL, CLI_STRIP, cli_parse_flag, FIELD(all),
     "Leave all custom sections out, names and embedded worlds as well"},
    {taking, "delete", 'd', 0, NULL, "REGEX", CLI_STRIP, cli_parse_text, FIELD(pattern),
     "Leave out those whose names match this regular expression in any place, and no others"},
    {taking, "module-dir", 0, 0, NULL, "DIRECTORY", CLI_UNBUNDLE, cli_parse_text,
     FIELD(module_folder), "Where the modules go, as unbundled-module0.wasm and so on"},
    {taking, "threshold", 0, 0, NULL, "SIZE", CLI_UNBUNDLE, cli_parse_size, FIELD(threshold),
     "Leave modules of this size and smaller where they are; else 10KiB"},

    {what, "invoke", 0, 0, NULL, "CALL", CLI_RUN, cli_parse_text, FIELD(invoke),
     "Call an exported function, arguments in WAVE: 'area(rect((2.0, 3.0)))'; print its result"},
    {what, "link", 0, 0, NULL, "FILE[;RIGHT=VALUE]...", CLI_RUN | CLI_SERVE | CLI_EXEC,
     cli_parse_texts, FIELD(links),
     "Meet imports with what this component exports, a file as FILE is one; it has no rights but those that follow it, as in "
     "'store.wasm;dir=data::/data;net=db.example:5432'; the first that fits goes first; repeatable",
     "link"},
    {what, "argv0", 0, 0, NULL, "NAME", CLI_RUN | CLI_EXEC, cli_parse_text, FIELD(argv0),
     "The program name that the guest sees; else the file's name"},
    {what, "allow-precompiled", 0, 0, NULL, NULL, CLI_RUN | CLI_SERVE | CLI_EXEC, cli_parse_flag,
     FIELD(allow_precompiled),
     "Also take compiled code from a file not named *.cwasm; it is native code: only from those "
     "you trust",
     "allow-precompiled"},

    {given, "function", 'f', 0, NULL, "NAME", CLI_EXEC, cli_parse_text, FIELD(function),
     "Call an exported function instead of running the command: interface#name, interface::name, interface.name, or "
     "the name alone; its arguments follow the file: s32:42, string:hello, f64:3.14, list<u8>:1,2,3, or WAVE"},
    {given, "args", 0, 0, NULL, "LIST", CLI_EXEC, cli_parse_text, FIELD(arguments),
     "The function's arguments in one text, parted by commas"},
    {given, "args-json", 0, 0, NULL, "JSON", CLI_EXEC, cli_parse_text, FIELD(arguments_json),
     "The function's arguments as a JSON array, or an object with the parameters' names"},
    {given, "input", 0, 0, NULL, "FILE", CLI_EXEC, cli_parse_text, FIELD(arguments_file),
     "The function's arguments from a file, or standard input (-): as JSON, or a value a line, as they would follow the "
     "file"},
    {given, "stdin", 0, 0, NULL, "FILE", CLI_EXEC, cli_parse_text, FIELD(input),
     "The guest's standard input; else Tenon's own. It is read to its end when the guest first reads it"},

    {outside, "clock", 0, 0, NULL, "virtual[=START[,STEP]]", CLI_EXEC, cli_parse_clock,
     FIELD(clock),
     "A clock that starts at START (2024-05-01T12:00:00Z or seconds since 1970; default 1980) and moves by STEP "
     "(default 1us) whenever it is looked at; sleeping moves it at once"},
    {outside, "random", 0, 0, NULL, "seed=N", CLI_EXEC, cli_parse_seed, FIELD(random_seed),
     "Random numbers from a generator with this seed, as in --random seed=7: the same in every run"},
    {outside, "allow-clock", 0, 0, NULL, NULL, CLI_EXEC, cli_parse_flag, FIELD(allow_clock),
     "The system's clock; the run is no longer deterministic"},
    {outside, "allow-random", 0, 0, NULL, NULL, CLI_EXEC, cli_parse_flag, FIELD(allow_random),
     "The system's random numbers; the run is no longer deterministic"},

    {proof, "verify", 0, 0, NULL, NULL, CLI_EXEC, cli_parse_verify, FIELD(verify),
     "Run it once more (=N: N times) and compare everything: host calls, result, output, exit code, fuel, memory"},
    {proof, "record", 0, 0, NULL, "FILE", CLI_EXEC, cli_parse_text, FIELD(record),
     "Store every host call and its result"},
    {proof, "replay", 0, 0, NULL, "FILE", CLI_EXEC, cli_parse_text, FIELD(replay),
     "Repeat a recorded run from its recording, without touching the outside; report the first difference"},
    {proof, "cache", 0, 0, NULL, "FOLDER", CLI_EXEC, cli_parse_text, FIELD(result_cache),
     "Answer from a stored result when component, input and policy are the same; else store it"},

    {rights, "dir", 0, 0, NULL, "HOST[::GUEST]", CLI_RUN | CLI_SERVE | CLI_EXEC, cli_parse_texts,
     FIELD(directories), "Grant a directory, under the path GUEST (default: HOST); repeatable",
     "dir"},
    {rights, "dir-ro", 0, 0, NULL, "HOST[::GUEST]", CLI_RUN | CLI_SERVE | CLI_EXEC, cli_parse_texts,
     FIELD(read_only_directories), "Likewise, for reading only", "dir-ro"},
    {rights, "env", 'e', 0, NULL, "NAME[=VALUE]", CLI_RUN | CLI_SERVE | CLI_EXEC, cli_parse_texts,
     FIELD(environment), "Set an environment variable, or pass on the one of that name; repeatable",
     "env"},
    {rights, "inherit-env", 0, 'S', "inherit-env", NULL, CLI_RUN | CLI_SERVE | CLI_EXEC,
     cli_parse_flag, FIELD(inherit_environment), "Pass on the whole environment", "inherit-env"},
    {rights, "net", 0, 0, NULL, "HOST[:PORT]", CLI_RUN | CLI_SERVE | CLI_EXEC, cli_parse_texts,
     FIELD(network),
     "Allow TCP and UDP with a host: a name, an address, a range such as 10.0.0.0/8, or *; PORT is "
     "a number, "
     "a range 8000-8999 or * (the default); IPv6 in brackets; repeatable",
     "net"},
    {rights, "net-connect", 0, 0, NULL, "HOST[:PORT]", CLI_RUN | CLI_SERVE | CLI_EXEC,
     cli_parse_texts, FIELD(network_connect),
     "Likewise, for TCP connections made by the guest only", "net-connect"},
    {rights, "net-listen", 0, 0, NULL, "HOST[:PORT]", CLI_RUN | CLI_SERVE | CLI_EXEC,
     cli_parse_texts, FIELD(network_listen),
     "Likewise, for TCP sockets that the guest listens on only", "net-listen"},
    {rights, "net-udp", 0, 0, NULL, "HOST[:PORT]", CLI_RUN | CLI_SERVE | CLI_EXEC, cli_parse_texts,
     FIELD(network_udp), "Likewise, for UDP only", "net-udp"},
    {rights, "inherit-network", 0, 'S', "inherit-network", NULL, CLI_RUN | CLI_SERVE | CLI_EXEC,
     cli_parse_flag, FIELD(inherit_network), "Allow the whole network, name lookup included",
     "inherit-network"},
    {rights, "tcp", 0, 'S', "tcp", NULL, CLI_RUN | CLI_EXEC, cli_parse_choice, FIELD(tcp),
     "With =n: no TCP in what --inherit-network allows"},
    {rights, "udp", 0, 'S', "udp", NULL, CLI_RUN | CLI_EXEC, cli_parse_choice, FIELD(udp),
     "With =n: no UDP in what --inherit-network allows"},
    {rights, "allow-dns", 0, 'S', "allow-ip-name-lookup", NULL, CLI_RUN | CLI_SERVE | CLI_EXEC,
     cli_parse_choice, FIELD(name_lookup),
     "Allow the lookup of any name; names in --net rules may be looked up anyway", "allow-dns"},
    {rights, "http", 0, 0, NULL, "[METHOD@]HOST[:PORT]", CLI_RUN | CLI_SERVE | CLI_EXEC,
     cli_parse_texts, FIELD(http),
     "Allow outgoing HTTP requests to a host, as for --net, or to *.NAME for all below it; with methods only those: "
     "GET,HEAD@example.org. Addresses that are not of the public Internet must be named as such; repeatable",
     "http"},
    {rights, "http-private", 0, 0, NULL, NULL, CLI_RUN | CLI_SERVE | CLI_EXEC, cli_parse_flag,
     FIELD(http_private),
     "Allow the hosts of --http to resolve to loopback, private and link-local addresses",
     "http-private"},
    {rights, "http-all", 0, 'S', "http", NULL, CLI_RUN | CLI_SERVE | CLI_EXEC, cli_parse_flag,
     FIELD(http_all), "Allow all outgoing HTTP requests, to loopback and private addresses too",
     "http-all"},
    {rights, "config-value", 0, 'S', "config-var", "KEY=VALUE", CLI_RUN | CLI_SERVE | CLI_EXEC,
     cli_parse_texts, FIELD(config_values),
     "A value that the guest finds through wasi:config/store; repeatable", "config"},
    {rights, "inherit-stdin", 0, 'S', "inherit-stdin", NULL, CLI_RUN, cli_parse_choice,
     FIELD(inherit_stdin), "With =n: the guest's standard input is empty"},
    {rights, "inherit-stdout", 0, 'S', "inherit-stdout", NULL, CLI_RUN, cli_parse_choice,
     FIELD(inherit_stdout), "With =n: what the guest writes to standard output is thrown away"},
    {rights, "inherit-stderr", 0, 'S', "inherit-stderr", NULL, CLI_RUN, cli_parse_choice,
     FIELD(inherit_stderr), "With =n: likewise for standard error"},
    {rights, "cwd", 0, 'S', "cwd", "PATH", CLI_RUN | CLI_EXEC, cli_parse_text,
     FIELD(working_directory),
     "The directory that the guest is told it starts in; gives no right to it"},
    {rights, "random-seed", 0, 'S', "random-seed", "NUMBER", CLI_RUN, cli_parse_count,
     FIELD(random_seed), "Random numbers from a generator with this seed: the same in every run"},

    {rights, NULL, 0, 'S', "cli", NULL, CLI_RUN | CLI_SERVE, cli_parse_yes, FIELD(always_there),
     "Accepted for compatibility: the interfaces are always there"},

    {rights, NULL, 0, 'S', "config", NULL, CLI_RUN | CLI_SERVE, cli_parse_yes, FIELD(always_there),
     "Accepted for compatibility: the interface is always there"},

    {limits, "max-memory", 0, 'W', "max-memory-size", "SIZE", CLI_RUN | CLI_SERVE | CLI_EXEC,
     cli_parse_size, FIELD(max_memory),
     "The largest size of a linear memory, such as 64MiB; growth beyond it ends the guest",
     "max-memory"},
    {limits, "max-host-memory", 0, 0, NULL, "SIZE", CLI_RUN | CLI_SERVE | CLI_EXEC, cli_parse_size,
     FIELD(max_host_memory),
     "The most that the host keeps for the guest beyond its memory: handles, fields, buffers; without it, 256MiB",
     "max-host-memory"},
    {limits, "max-table-elements", 0, 'W', "max-table-elements", "N", CLI_RUN | CLI_EXEC,
     cli_parse_count, FIELD(max_table_elements), "The most elements of a table"},
    {limits, "max-instances", 0, 'W', "max-instances", "N", CLI_RUN | CLI_EXEC, cli_parse_count32,
     FIELD(max_instances), "The most core instances"},
    {limits, "max-memories", 0, 'W', "max-memories", "N", CLI_RUN | CLI_EXEC, cli_parse_count32,
     FIELD(max_memories), "The most linear memories"},
    {limits, "max-tables", 0, 'W', "max-tables", "N", CLI_RUN | CLI_EXEC, cli_parse_count32,
     FIELD(max_tables), "The most tables"},
    {limits, "trap-on-grow-failure", 0, 'W', "trap-on-grow-failure", NULL,
     CLI_RUN | CLI_SERVE | CLI_EXEC, cli_parse_always, FIELD(trap_on_grow_failure),
     "Accepted for compatibility: growth beyond a limit always ends the guest"},
    {limits, "max-handles", 0, 'W', "max-handles", "N", CLI_RUN | CLI_SERVE | CLI_EXEC,
     cli_parse_count32, FIELD(max_handles),
     "The most handles of a component instance, or open files and directories with preview 1",
     "max-handles"},
    {limits, "max-transfer", 0, 'S', "hostcall-fuel", "SIZE", CLI_RUN | CLI_EXEC, cli_parse_size,
     FIELD(max_transfer),
     "The most that the values of one call may take outside the guest (128MiB by default)"},
    {limits, NULL, 0, 'S', "max-component-handles", "N", CLI_RUN | CLI_EXEC, cli_parse_count32,
     FIELD(max_handles), "As --max-handles"},
    {limits, "fuel", 0, 'W', "fuel", "N", CLI_RUN | CLI_COMPILE | CLI_SERVE | CLI_EXEC,
     cli_parse_count, FIELD(fuel), "How much the guest may compute: about one unit an instruction",
     "fuel"},
    {limits, "timeout", 0, 'W', "timeout", "TIME", CLI_RUN | CLI_SERVE | CLI_EXEC,
     cli_parse_duration, FIELD(timeout),
     "How long the guest may take, running or blocked: 10s, 500ms, 2m", "timeout"},
    {limits, "max-stack", 0, 'W', "max-wasm-stack", "SIZE", CLI_COMPILING | CLI_SERVE | CLI_EXEC,
     cli_parse_size, FIELD(max_stack), "The largest stack of the guest", "max-stack"},
    {limits, "max-output", 0, 'S', "max-output", "SIZE", CLI_RUN | CLI_EXEC, cli_parse_size,
     FIELD(max_output), "The most that the guest may write to standard output and error together"},

    {compiler, "compiler", 0, 'C', "compiler", "NAME", CLI_COMPILING | CLI_SERVE | CLI_EXEC,
     cli_parse_compiler, FIELD(compiler),
     "cranelift (optimizing, the default) or winch (compiles faster, runs slower; no tail calls, exceptions, typed "
     "references, collected objects, relaxed SIMD or debug information)",
     "compiler"},
    {compiler, "opt-level", 0, 'O', "opt-level", "LEVEL", CLI_COMPILING | CLI_SERVE | CLI_EXEC,
     cli_parse_optimize, FIELD(optimize), "0 none, 1 or 2 speed (the default), s speed and size",
     "opt-level"},
    {compiler, "pooling", 0, 'O', "pooling-allocator", NULL, CLI_COMPILING, cli_parse_choice,
     FIELD(pooling), "Reserve room for instances in advance"},
    {compiler, "parallel", 0, 'C', "parallel-compilation", NULL, CLI_COMPILING | CLI_EXEC,
     cli_parse_choice, FIELD(parallel), "Compile on all processors (the default)"},
    {compiler, "debug-info", 'g', 'D', "debug-info", NULL, CLI_COMPILING | CLI_EXEC, cli_parse_flag,
     FIELD(debug_info), "Keep debug information, so that native debuggers see the guest's source"},
    {compiler, "deterministic", 0, 'W', "deterministic", NULL, CLI_COMPILING, cli_parse_flag,
     FIELD(deterministic), "The same NaNs and relaxed SIMD results on every processor"},
    {compiler, NULL, 0, 'W', "nan-canonicalization", NULL, CLI_COMPILING, cli_parse_flag,
     FIELD(deterministic), "As --deterministic"},
    {compiler, NULL, 0, 'W', "relaxed-simd-deterministic", NULL, CLI_COMPILING, cli_parse_flag,
     FIELD(deterministic), "As --deterministic"},
    {compiler, NULL, 0, 'W', "component-model", NULL, CLI_COMPILING | CLI_SERVE, cli_parse_yes,
     FIELD(always_there), "Accepted for compatibility: components are always understood"},
    {compiler, "interruptible", 0, 'W', "epoch-interruption", NULL, CLI_COMPILING, cli_parse_choice,
     FIELD(interruptible),
     "Compile code that looks at the clock in every loop, as --timeout needs; costs speed"},
    {compiler, "no-cache", 0, 0, NULL, NULL, CLI_RUN | CLI_WAST | CLI_SERVE | CLI_EXEC,
     cli_parse_flag, FIELD(no_cache), "Neither use nor fill the cache of compiled code"},
    {compiler, NULL, 0, 'C', "cache", NULL, CLI_RUN | CLI_WAST | CLI_SERVE, cli_parse_choice,
     FIELD(cache), "With =n: as --no-cache"},
    {compiler, "cache-dir", 0, 'C', "cache-dir", "FOLDER",
     CLI_RUN | CLI_WAST | CLI_SERVE | CLI_EXEC, cli_parse_text, FIELD(cache_directory),
     "Where compiled code is kept; else $XDG_CACHE_HOME/tenon or ~/.cache/tenon"},
    {compiler, "max-cache", 0, 'C', "max-cache", "SIZE", CLI_RUN | CLI_WAST | CLI_SERVE | CLI_EXEC,
     cli_parse_size, FIELD(max_cache),
     "What the cache may take before what was not used for longest goes; else 1GiB; 0: no limit",
     "max-cache"},

    {output, "output", 'o', 0, NULL, "FILE", CLI_COMPILE, cli_parse_text, FIELD(output),
     "Where to write to; - is standard output; else the input's name with .cwasm"},
    {output, "output", 'o', 0, NULL, "FILE", CLI_COMPOSE, cli_parse_text, FIELD(output),
     "Where to write to; - is standard output (the default)"},
    {output, "output", 'o', 0, NULL, "FILE", CLI_WIT, cli_parse_text, FIELD(output),
     "Where to write to; - is standard output (the default for text)"},
    {output, "output", 'o', 0, NULL, "FILE", CLI_EMBED | CLI_NEW | CLI_STRIP | CLI_UNBUNDLE,
     cli_parse_text, FIELD(output), "Where to write to; - is standard output (the default)"},
    {output, "output", 'o', 0, NULL, "FILE", CLI_PRINT, cli_parse_text, FIELD(output),
     "Where to write the text to; - is standard output (the default)"},
    {output, "wat", 't', 0, NULL, NULL,
     CLI_COMPOSE | CLI_EMBED | CLI_NEW | CLI_STRIP | CLI_UNBUNDLE, cli_parse_flag, FIELD(wat),
     "Write text, as tenon print does"},
    {output, "skeleton", 0, 0, NULL, NULL, CLI_PRINT, cli_parse_flag, FIELD(skeleton),
     "Print ... for code, data, elements and custom sections"},
    {output, "print-offsets", 'p', 0, NULL, NULL, CLI_PRINT, cli_parse_flag, FIELD(print_offsets),
     "Begin each line with its offset in the file"},
    {output, "json", 0, 0, NULL, NULL, CLI_EXEC | CLI_INSPECT | CLI_WIT, cli_parse_flag,
     FIELD(json), "Print JSON"},
    {output, "validate-only", 0, 0, NULL, NULL, CLI_WAST, cli_parse_flag, FIELD(validate_only),
     "Decode and validate everything, instantiate and call nothing"},
    {output, "quiet", 'q', 0, NULL, NULL, CLI_WAST | CLI_EXEC, cli_parse_flag, FIELD(quiet),
     "Print failures only; tenon exec: what the guest says only"},
    {output, "markdown", 0, 0, NULL, NULL, CLI_HELP, cli_parse_flag, FIELD(markdown),
     "Print the whole reference as Markdown"},
    {output, "man", 0, 0, NULL, NULL, CLI_HELP, cli_parse_flag, FIELD(man),
     "Print the manual page's source"},
    {output, "settings", 0, 0, NULL, NULL, CLI_HELP, cli_parse_flag, FIELD(settings_reference),
     "Print the reference of the server's settings as Markdown"},

};
/* clang-format on */

static const cli_option general_rows[] = {
    {general, "help", 'h', 0, NULL, NULL, CLI_EVERY, cli_parse_flag, FIELD(help),
     "Print this help"},
    {general, "version", 'V', 0, NULL, NULL, CLI_EVERY, cli_parse_flag, FIELD(version),
     "Print the version"},
};

enum {
  ROWS = sizeof rows / sizeof *rows,
  GENERAL_ROWS = sizeof general_rows / sizeof *general_rows
};

static bool has_row(const tn_server_setting *setting) {
  for (size_t i = 0; i < ROWS; i++)
    if ((rows[i].commands & CLI_SERVE) != 0 && rows[i].name != NULL &&
        strcmp(rows[i].name, setting->name) == 0)
      return true;
  return false;
}

/* What the server and a component both have is the server's; the component's then has a row of its own. */
static bool is_the_servers(const tn_server_setting *setting) {
  if (strcmp(setting->section, "component") != 0) return false;
  for (size_t i = 0; i < tn_server_setting_count(); i++) {
    tn_server_setting other = tn_server_setting_at(i);
    if (strcmp(other.section, "limits") == 0 && strcmp(other.name, setting->name) == 0) return true;
  }
  return false;
}

/* A row that no command has stands for a setting that is no option of its own. */
static cli_option row_of(const tn_server_setting *setting) {
  const char *section = setting->section[0] == '\0'                  ? server
                        : strcmp(setting->section, "limits") == 0    ? server_limits
                        : strcmp(setting->section, "component") == 0 ? components
                                                                     : NULL;
  bool is_option =
      setting->is_settable && section != NULL && !has_row(setting) && !is_the_servers(setting);
  return (cli_option){.section = section,
                      .name = setting->name,
                      .argument = setting->argument,
                      .commands = is_option ? CLI_SERVE : 0,
                      .help = setting->help,
                      .setting = setting->name,
                      .fallback = setting->is_flag ? NULL : setting->fallback};
}

size_t cli_option_count(void) {
  return ROWS + tn_server_setting_count() + GENERAL_ROWS;
}

cli_option cli_option_at(size_t index) {
  size_t settings = tn_server_setting_count();
  if (index < ROWS) return rows[index];
  if (index >= ROWS + settings) return general_rows[index - ROWS - settings];
  tn_server_setting setting = tn_server_setting_at(index - ROWS);
  return row_of(&setting);
}

bool cli_option_is_right(const cli_option *option) {
  return option->section == rights;
}

const char cli_option_groups[] = "WSOCD";

const char *cli_option_group_name(char letter) {
  switch (letter) {
  case 'W':
    return "wasm";
  case 'S':
    return "wasi";
  case 'O':
    return "optimize";
  case 'C':
    return "codegen";
  case 'D':
    return "debug";
  default:
    return NULL;
  }
}

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
