/* The table of commands: what help, manual, documentation and completions say about them. */
#include <string.h>

#include "cli/cli.h"

const cli_command cli_commands[] = {
    {"run", CLI_RUN, CLI_OPERANDS_FILES, true, "[run] [OPTIONS] FILE [ARGUMENTS…]",
     "Run a command, or call one function of a component",
     "FILE is a WebAssembly component, a WASI preview 1 module, the text form of either, or what "
     "tenon compile made. "
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
    {"inspect", CLI_INSPECT, CLI_OPERANDS_FILES, false, "inspect [--json] FILE…",
     "Show imports, exports and types as WIT, sections and sizes, producers", NULL,
     "tenon inspect app.wasm\ntenon inspect --json app.wasm", cli_inspect},
    {"wast", CLI_WAST, CLI_OPERANDS_FILES, false, "wast [OPTIONS] FILE…",
     "Run WebAssembly test scripts",
     "FILE is a .wast script, or the .json form that wasm-tools json-from-wast makes, with its "
     ".wasm files beside it. "
     "Each failed assertion is printed with its file and line. The texts of assert_trap, "
     "assert_invalid and "
     "assert_malformed must be part of Tenon's message. Exits with 0 when all assertions of all "
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
const size_t cli_command_count = sizeof cli_commands / sizeof cli_commands[0];

const cli_command *cli_command_find(const char *name) {
  for (size_t i = 0; i < cli_command_count; i++)
    if (strcmp(cli_commands[i].name, name) == 0) return &cli_commands[i];
  return NULL;
}
