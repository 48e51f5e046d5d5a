#include "wasi/cli/cli.h"

#include <assert.h>

#include "base/error.h"
#include "wasi/state.h"
#include "wasi/stdio_stream.h"

static tn_wasi *wasi_of(tn_call *call) {
  return tn_wasi_of_call(call);
}

/* ---- environment -------------------------------------------------------------------------------- */

typedef struct list {
  const void *data;
  size_t len;
} list;

typedef struct optional_string {
  uint8_t is_some;
  tn_str value;
} optional_string;

static_assert(sizeof(tn_config_variable) == 2 * sizeof(tn_str),
              "a variable is the native tuple<string, string>");

static tn_error *get_environment(tn_call *call, void *data, const void *params, void *result) {
  (void)data, (void)params;
  const tn_wasi_config *config = wasi_of(call)->config;
  *(list *)result = (list){config->variables.items, config->variables.len};
  return NULL;
}

static tn_error *get_arguments(tn_call *call, void *data, const void *params, void *result) {
  (void)data, (void)params;
  const tn_wasi_config *config = wasi_of(call)->config;
  *(list *)result = (list){config->arguments.items, config->arguments.len};
  return NULL;
}

/* The guest's paths start at its directories; none of them is more current than the others unless it is told so. */
static tn_error *initial_cwd(tn_call *call, void *data, const void *params, void *result) {
  (void)data, (void)params;
  tn_str path = wasi_of(call)->config->working_directory;
  *(optional_string *)result = (optional_string){.is_some = path.data != NULL, .value = path};
  return NULL;
}

static const tn_host_func_definition environment_funcs[] = {
    {"get-environment", "func() -> list<tuple<string, string>>", get_environment},
    {"get-arguments", "func() -> list<string>", get_arguments},
    {"initial-cwd", "func() -> option<string>", initial_cwd},
};

/* ---- exit --------------------------------------------------------------------------------------- */

static tn_error *exit_with(int code) {
  tn_error *error = tn_error_new(TN_ERROR_EXIT, "the guest called exit(%d)", code);
  tn_error_set_exit_code(error, code);
  return error;
}

/* `status` is a result without payloads: 0 for ok, 1 for error. */
static tn_error *exit_with_status(tn_call *call, void *data, const void *params, void *result) {
  (void)call, (void)data, (void)result;
  return exit_with(*(const uint8_t *)params != 0);
}

static tn_error *exit_with_code(tn_call *call, void *data, const void *params, void *result) {
  (void)call, (void)data, (void)result;
  return exit_with(*(const uint8_t *)params);
}

static const tn_host_func_definition exit_funcs[] = {
    {"exit", "func(status: result)", exit_with_status},
    {"exit-with-code", "func(status-code: u8)", exit_with_code},
};

/* ---- stdin, stdout, stderr ---------------------------------------------------------------------- */

static tn_error *get_stdin(tn_call *call, void *data, const void *params, void *result) {
  (void)data, (void)params;
  return tn_stdio_stream_add(wasi_of(call), 0, result);
}

static tn_error *get_stdout(tn_call *call, void *data, const void *params, void *result) {
  (void)data, (void)params;
  return tn_stdio_stream_add(wasi_of(call), 1, result);
}

static tn_error *get_stderr(tn_call *call, void *data, const void *params, void *result) {
  (void)data, (void)params;
  return tn_stdio_stream_add(wasi_of(call), 2, result);
}

static const tn_host_func_definition stdin_func = {"get-stdin", "func() -> input-stream",
                                                   get_stdin};
static const tn_host_func_definition stdout_func = {"get-stdout", "func() -> output-stream",
                                                    get_stdout};
static const tn_host_func_definition stderr_func = {"get-stderr", "func() -> output-stream",
                                                    get_stderr};

/* ---- terminals ---------------------------------------------------------------------------------- */

typedef struct optional_handle {
  uint8_t is_some;
  uint32_t representation;
} optional_handle;
static_assert(sizeof(optional_handle) == 8, "native form of option<own<…>>");

/* A terminal has no operations: its resource only says that there is one. */
static tn_error *get_terminal(tn_call *call, int stream, tn_slot_kind kind,
                              optional_handle *result) {
  tn_wasi *wasi = wasi_of(call);
  tn_stdio *stdio = &wasi->stdio[stream];
  tn_stdio_open(stdio);
  *result = (optional_handle){.is_some = stdio->is_terminal};
  return stdio->is_terminal ? tn_wasi_slot_add(wasi, kind, NULL, &result->representation) : NULL;
}

static tn_error *get_terminal_stdin(tn_call *call, void *data, const void *params, void *result) {
  (void)data, (void)params;
  return get_terminal(call, 0, TN_SLOT_TERMINAL_INPUT, result);
}

static tn_error *get_terminal_stdout(tn_call *call, void *data, const void *params, void *result) {
  (void)data, (void)params;
  return get_terminal(call, 1, TN_SLOT_TERMINAL_OUTPUT, result);
}

static tn_error *get_terminal_stderr(tn_call *call, void *data, const void *params, void *result) {
  (void)data, (void)params;
  return get_terminal(call, 2, TN_SLOT_TERMINAL_OUTPUT, result);
}

static void drop_terminal(tn_runtime *runtime, void *data, uint32_t representation) {
  (void)data;
  tn_wasi_slot_remove(tn_wasi_of(runtime), representation);
}

static const tn_host_resource_definition terminal_input = {"terminal-input", drop_terminal};
static const tn_host_resource_definition terminal_output = {"terminal-output", drop_terminal};
static const tn_host_func_definition terminal_stdin_func = {
    "get-terminal-stdin", "func() -> option<terminal-input>", get_terminal_stdin};
static const tn_host_func_definition terminal_stdout_func = {
    "get-terminal-stdout", "func() -> option<terminal-output>", get_terminal_stdout};
static const tn_host_func_definition terminal_stderr_func = {
    "get-terminal-stderr", "func() -> option<terminal-output>", get_terminal_stderr};

/* ---- interfaces --------------------------------------------------------------------------------- */

const tn_host_interface tn_cli_interfaces[TN_CLI_INTERFACE_COUNT] = {
    {.name = "wasi:cli/environment@0.2.12",
     .funcs = environment_funcs,
     .func_count = sizeof environment_funcs / sizeof *environment_funcs},
    {.name = "wasi:cli/exit@0.2.12",
     .funcs = exit_funcs,
     .func_count = sizeof exit_funcs / sizeof *exit_funcs},
    {.name = "wasi:cli/stdin@0.2.12",
     .types = "use wasi:io/streams@0.2.12.{input-stream};",
     .funcs = &stdin_func,
     .func_count = 1},
    {.name = "wasi:cli/stdout@0.2.12",
     .types = "use wasi:io/streams@0.2.12.{output-stream};",
     .funcs = &stdout_func,
     .func_count = 1},
    {.name = "wasi:cli/stderr@0.2.12",
     .types = "use wasi:io/streams@0.2.12.{output-stream};",
     .funcs = &stderr_func,
     .func_count = 1},
    {.name = "wasi:cli/terminal-input@0.2.12",
     .types = "resource terminal-input;",
     .resources = &terminal_input,
     .resource_count = 1},
    {.name = "wasi:cli/terminal-output@0.2.12",
     .types = "resource terminal-output;",
     .resources = &terminal_output,
     .resource_count = 1},
    {.name = "wasi:cli/terminal-stdin@0.2.12",
     .types = "use wasi:cli/terminal-input@0.2.12.{terminal-input};",
     .funcs = &terminal_stdin_func,
     .func_count = 1},
    {.name = "wasi:cli/terminal-stdout@0.2.12",
     .types = "use wasi:cli/terminal-output@0.2.12.{terminal-output};",
     .funcs = &terminal_stdout_func,
     .func_count = 1},
    {.name = "wasi:cli/terminal-stderr@0.2.12",
     .types = "use wasi:cli/terminal-output@0.2.12.{terminal-output};",
     .funcs = &terminal_stderr_func,
     .func_count = 1},
};

tn_error *tn_wasi_cli_define(tn_linker *linker) {
  for (size_t i = 0; i < TN_CLI_INTERFACE_COUNT; i++) {
    TN_TRY(tn_linker_define_interface(linker, &tn_cli_interfaces[i], NULL));
  }
  return NULL;
}
