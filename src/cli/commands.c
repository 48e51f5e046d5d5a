/* The table of commands: what help, manual, documentation and completions say about them. */
#include <string.h>

#include "cli/cli.h"

/* clang-format off: rows are easier to read without it */
const cli_command cli_commands[] = {
    {"run", CLI_RUN, CLI_OPERANDS_FILES, true, "[run] [OPTIONS] FILE [ARGUMENTS…]",
     "Run a command, or call one function of a component",
     "FILE is a WebAssembly component, a WASI preview 1 module, the text form of either, or what "
     "tenon compile made; - is standard input, as for --link, and the guest's is empty then. "
     "Without --invoke its command is run: wasi:cli/run of a component, _start of a module. The "
     "first operand ends "
     "the options; what follows it is the guest's. The word run may be left out when FILE exists.\n"
     "\n"
     "The guest starts with no rights but its standard input and output: directories, environment "
     "and network are "
     "granted by options. Limits end the guest, each with its own message and exit code.\n"
     "\n"
     "Ctrl-C ends the guest; a second one ends Tenon at once.",
     "tenon run --dir .::/work app.wasm input.txt\n"
     "tenon run --invoke 'area(rect((2.0, 3.0)))' shapes.wasm\n"
     "tenon run --net example.org:443 --timeout 10s --max-memory 64MiB fetch.wasm\n"
     "tenon run -W fuel=1000000,max-memory-size=67108864 -S inherit-network app.wasm",
     cli_run},
    {"exec", CLI_EXEC, CLI_OPERANDS_FILES, true, "exec [OPTIONS] FILE [ARGUMENTS…]",
     "Run a component so that the same input always gives the same output",
     "FILE is what tenon run takes. Without --function its command is run, and what follows FILE is the guest's; with it "
     "that function is called, and what follows are its arguments.\n"
     "\n"
     "The guest has no clock, no random numbers, no files and no network: a call that needs one ends the run with exit "
     "code 121 and says which option would allow it. Virtual clocks and seeded numbers keep runs the same; real ones do "
     "not, and a warning says so. Arguments, environment (--env) and standard input are part of the input.\n"
     "\n"
     "Fuel is counted; what a run has used is printed on standard error, or with everything else by --json. "
     "docs/determinism.md says what is promised.",
     "tenon exec app.wasm input\n"
     "tenon exec --function add math.wasm s32:40 s32:2\n"
     "tenon exec --clock virtual=2024-01-01T00:00:00Z --random seed=7 --verify=3 app.wasm\n"
     "tenon exec --dir data::/data --record run.rec app.wasm && tenon exec --replay run.rec app.wasm",
     cli_exec},
    {"serve", CLI_SERVE, CLI_OPERANDS_FILES, false, "serve [OPTIONS] [FILE]",
     "Answer HTTP requests with components",
     "FILE is a component that exports wasi:http/incoming-handler 0.2; it answers everything. Several components, each "
     "under a host and path, are named by --route or in a file (--config). Each request gets an instance of its own. "
     "Unless told otherwise the server listens on 127.0.0.1:8080, this machine only: --addr 0.0.0.0:8080 is for all.\n"
     "\n"
     "Components have no rights but their output, which goes to the log. Options win over the file.\n"
     "\n"
     "SIGTERM and Ctrl-C: accept no more, finish what is under way, exit with 0; a second one ends at once. SIGHUP: "
     "read file, components and certificates again, and open the log file again; if anything is wrong with them, those "
     "before serve on. docs/serve.md is the operator's manual.",
     "tenon serve app.wasm\n"
     "tenon serve --route 'api.example.com/v1=api.wasm' --route '/=site.wasm' --addr 0.0.0.0:8080\n"
     "tenon serve --tls-cert cert.pem --tls-key key.pem --addr '[::]:443' --log json app.wasm\n"
     "tenon serve --config serve.toml --watch",
     cli_serve},
    {"check", CLI_CHECK, CLI_OPERANDS_FILES, false, "check FILE…",
     "Say what is wrong with a server's file",
     "FILE is what tenon serve --config takes. Every problem is printed with its line and column. Components are "
     "loaded and linked, certificates read; nothing is run. When all is well, what would be served where is printed. "
     "The exit code is that of the first problem.",
     "tenon check serve.toml", cli_check},
    {"compile", CLI_COMPILE, CLI_OPERANDS_FILES, false, "compile [OPTIONS] FILE",
     "Compile ahead of time, to a file that tenon run takes",
     "The result is native code for this processor, this version of Tenon and these options. tenon "
     "run refuses one "
     "that does not fit or is damaged. The checksum that tells damage has no key and does not tell "
     "who made the file: take compiled files only from those you trust. A guest that is to run with --fuel, "
     "--compiler, --opt-level, "
     "--debug-info or --deterministic is compiled with the same (for fuel the amount does not "
     "matter), and one that "
     "is to run with --timeout is compiled with --interruptible.",
     "tenon compile app.wasm\ntenon run app.cwasm", cli_compile},
    {"compose", CLI_COMPOSE, CLI_OPERANDS_FILES, false, "compose [OPTIONS] FILE",
     "Make one component of several that call each other",
     "FILE is a text in WAC, the language of compositions (*.wac), or with --plug a component, binary or text. One of all files "
     "may be - for standard input. A component is given what the "
     "plugs export and it imports, by name, in a compatible version and with equal types; its exports are those of the "
     "result. What nobody provides stays an import, one for all who need it.\n"
     "\n"
     "The components become parts of the result, which needs none of the files any more. docs/linking.md explains WAC "
     "with examples; tenon run --link does without a file.",
     "tenon compose --plug math.wasm app.wasm -o whole.wasm\n"
     "tenon compose app.wac --dep my:app=app.wasm --dep my:math=math.wasm -o whole.wasm\n"
     "tenon compose app.wac --deps-dir components -o whole.wasm",
     cli_compose},
    {"embed", CLI_EMBED, CLI_OPERANDS_FILES, false, "embed [OPTIONS] WIT MODULE",
     "Embed a WIT world in a core module",
     "WIT is a folder of *.wit files, a .wit file or a WIT package in binary form. The world says what the module imports "
     "and exports as a component; it becomes a custom section, which tenon new reads. Bindings generators often do this "
     "themselves.",
     "tenon embed wit/ core.wasm --world adder -o embedded.wasm\n"
     "tenon embed wit/ --world adder --dummy -o dummy.wasm",
     cli_embed},
    {"new", CLI_NEW, CLI_OPERANDS_FILES, false, "new [OPTIONS] MODULE",
     "Make a component of a core module with an embedded world",
     "The module's imports are found in the embedded worlds by the names that bindings generators use, or in adapters: "
     "modules that stand between it and a world of their own. What neither of them calls is not imported.\n"
     "\n"
     "Programs for WASI preview 1 need the adapter that Wasmtime's releases have, wasi_snapshot_preview1.command.wasm, or "
     "for libraries ….reactor.wasm. (tenon run runs such programs as they are.)",
     "tenon new embedded.wasm -o component.wasm\n"
     "tenon new program.wasm --adapt wasi_snapshot_preview1.command.wasm -o component.wasm",
     cli_new},
    {"strip", CLI_STRIP, CLI_OPERANDS_FILES, false, "strip [OPTIONS] FILE",
     "Leave custom sections out of a component or core module",
     "Debug information, producers and the like are left out, in core modules and nested components as well. Names of "
     "functions (for backtraces), embedded worlds and what dynamic linking needs stay, unless --all or --delete says otherwise.",
     "tenon strip app.wasm -o small.wasm\ntenon strip --delete '^[.]debug' app.wasm -o small.wasm",
     cli_strip},
    {"unbundle", CLI_UNBUNDLE, CLI_OPERANDS_FILES, false, "unbundle [OPTIONS] FILE",
     "Take the core modules out of a component",
     "The modules are printed with their sizes, and with --module-dir written to files. With -o the rest is written: a "
     "component that imports what was taken out.",
     "tenon unbundle app.wasm\ntenon unbundle app.wasm --module-dir modules -o rest.wasm",
     cli_unbundle},
    {"print", CLI_PRINT, CLI_OPERANDS_FILES, false, "print [OPTIONS] FILE…",
     "Print a component or core module as text",
     "The text can be read back: tenon takes it wherever it takes a file. Names become identifiers, other custom sections "
     "annotations. tenon inspect and tenon wit show less, and easier to read.",
     "tenon print app.wasm -o app.wat\ntenon print --skeleton app.wasm", cli_print},
    {"inspect", CLI_INSPECT, CLI_OPERANDS_FILES, false, "inspect [--json] FILE…",
     "Show imports, exports and types as WIT, sections and sizes, producers", NULL,
     "tenon inspect app.wasm\ntenon inspect --json app.wasm", cli_inspect},
    {"wit", CLI_WIT, CLI_OPERANDS_WIT, false, "wit [check|diff|targets] [OPTIONS] PATH…",
     "Read, print, check and compare interfaces",
     "PATH is a folder of *.wit files (those that it uses are in its folder deps), one .wit file, a WIT package in binary "
     "form, or a component, whose imports and exports are then shown as the world root.\n"
     "\n"
     "tenon wit PATH prints it, together with what it uses.\n"
     "\n"
     "tenon wit check PATH… says what is wrong, with file, line and column.\n"
     "\n"
     "tenon wit diff OLD NEW prints what changed and whom it breaks: importers, who call the interface (for a world: its "
     "hosts), or exporters, who implement it (for a world: its components). Other packages' interfaces are matched by "
     "semantic version. A new version of the package breaks both when it is not compatible with the old one; documentation, @since "
     "and @deprecated break nobody. Exits with 0 when nothing breaks, with 1 when something does.\n"
     "\n"
     "tenon wit targets COMPONENT PATH says whether a component fits a world: imports no more, exports no less, with "
     "equal types. In place of PATH there may be a world of the folder wit. Exits with 0 when it fits, with 1 when not.",
     "tenon wit wit/\n"
     "tenon wit app.wasm\n"
     "tenon wit --wasm -o package.wasm wit/\n"
     "tenon wit check --features http2 wit/\n"
     "tenon wit diff v1/wit v2/wit\n"
     "tenon wit targets app.wasm wit/ --world wasi:cli/command",
     cli_wit},
    {"wast", CLI_WAST, CLI_OPERANDS_FILES, false, "wast [OPTIONS] FILE…",
     "Run WebAssembly test scripts",
     "FILE is a .wast script, or the .json form that wasm-tools json-from-wast makes, with its "
     ".wasm files beside it. "
     "Each failed assertion is printed with its file and line. The texts of assert_trap, "
     "assert_invalid and "
     "assert_malformed must be part of Tenon's message. A command that Tenon cannot run, such as "
     "register, fails too, and "
     "the others are run. Exits with 0 when all assertions of all "
     "files hold.",
     NULL, cli_wast},
    {"completion", CLI_COMPLETION, CLI_OPERANDS_SHELL, false, "completion bash|zsh|fish",
     "Print a shell's completion script", NULL,
     "source <(tenon completion bash)\ntenon completion fish | source", cli_completion},
    {"help", CLI_HELP, CLI_OPERANDS_COMMAND, false, "help [COMMAND]",
     "Explain Tenon or one command", NULL, NULL, cli_help},
    {"version", CLI_VERSION, CLI_OPERANDS_NONE, false, "version", "Print the version", NULL, NULL,
     cli_version},
};
/* clang-format on */
const size_t cli_command_count = sizeof cli_commands / sizeof cli_commands[0];

const cli_command *cli_command_find(const char *name) {
  for (size_t i = 0; i < cli_command_count; i++)
    if (strcmp(cli_commands[i].name, name) == 0) return &cli_commands[i];
  return NULL;
}
