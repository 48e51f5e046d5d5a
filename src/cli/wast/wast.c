/* tenon wast: runs the commands of test scripts. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/file.h"
#include "cli/wast/wast.h"

enum { TIMEOUT_SECONDS = 60 }; /* for a guest that never ends */

/* Definitions and instances in the order in which they were made: of the same name the latest counts. A
 * script's names point into it. */
typedef struct definition {
  tn_str name;
  tn_component *component;
  tn_linked *linked;
} definition;

typedef struct live_instance {
  tn_str name;
  tn_instance *instance;
} live_instance;

typedef struct runner {
  const cli_settings *settings;
  const wast_script *script;
  tn_engine *engine;
  tn_linker *linker;
  tn_values *memory; /* of the values of one call */
  definition *definitions;
  size_t definition_count;
  live_instance *instances;
  size_t instance_count;
  size_t passed, failed;
} runner;

wast_command *wast_add_command(wast_script *script) {
  if (script->count == script->room) {
    size_t room = script->room == 0 ? 64 : script->room * 2;
    wast_command *larger = realloc(script->commands, room * sizeof *larger);
    if (larger == NULL) return NULL;
    script->commands = larger;
    script->room = room;
  }
  wast_command *command = &script->commands[script->count++];
  *command = (wast_command){0};
  return command;
}

/* ---- outcomes ----------------------------------------------------------------------------------- */

static const char *const kind_names[] = {
    [WAST_UNKNOWN] = "unknown command",
    [WAST_MODULE] = "definition",
    [WAST_DEFINITION] = "definition",
    [WAST_INSTANCE] = "instance",
    [WAST_REGISTER] = "register",
    [WAST_ACTION] = "invoke",
    [WAST_RETURN] = "assert_return",
    [WAST_TRAP] = "assert_trap",
    [WAST_INVALID] = "assert_invalid",
    [WAST_MALFORMED] = "assert_malformed",
    [WAST_UNLINKABLE] = "assert_unlinkable",
    [WAST_UNINSTANTIABLE] = "assert_trap",
};

static void fail(runner *r, const wast_command *command, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void fail(runner *r, const wast_command *command, const char *format, ...) {
  va_list arguments;
  r->failed++;
  printf("%s:%zu: %s", r->script->path, command->line, kind_names[command->kind]);
  tn_str called = command->kind == WAST_UNKNOWN ? command->name : command->function;
  if (called.data != NULL) printf(" %.*s", (int)called.len, called.data);
  fputs(": ", stdout);
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  putchar('\n');
}

/* A command that has to succeed. */
static void settle(runner *r, const wast_command *command, tn_error *error) {
  if (error == NULL)
    r->passed++;
  else
    fail(r, command, "%s", tn_error_get_message(error));
  tn_error_delete(error);
}

/* A command that has to fail, with one of the kinds (a mask of 1 << kind) and the text in the message. */
static void settle_failure(runner *r, const wast_command *command, tn_error *error,
                           unsigned kinds) {
  if (error == NULL) {
    fail(r, command, "succeeded; expected: %s", command->text.data);
    return;
  }
  const char *message = tn_error_get_message(error);
  if ((kinds >> tn_error_get_kind(error) & 1) == 0)
    fail(r, command, "failed in another way: %s", message);
  else if (strstr(message, command->text.data) == NULL)
    fail(r, command, "the message is \"%s\", without \"%s\"", message, command->text.data);
  else
    r->passed++;
  tn_error_delete(error);
}

/* ---- definitions and instances ------------------------------------------------------------------ */

/* The binary form in *out: the source itself, or a translation in *translated, to be released. */
static tn_error *to_binary(const wast_command *command, tn_str *out, uint8_t **translated) {
  size_t size;
  *translated = NULL;
  *out = command->source;
  if (!command->is_text) return NULL;
  tn_error *error = tn_text_to_binary(command->source, translated, &size);
  if (error == NULL) *out = (tn_str){(const char *)*translated, size};
  return error;
}

static tn_error *validate(runner *r, const wast_command *command) {
  tn_str binary;
  uint8_t *translated;
  tn_error *error = to_binary(command, &binary, &translated);
  if (error == NULL) error = tn_validate(r->engine, binary.data, binary.len, r->script->path);
  tn_release(translated);
  return error;
}

static tn_error *load(runner *r, const wast_command *command, tn_component **out) {
  tn_str binary;
  uint8_t *translated;
  tn_error *error = to_binary(command, &binary, &translated);
  if (error == NULL)
    error = tn_component_from_bytes(r->engine, binary.data, binary.len, r->script->path, 0, out);
  tn_release(translated);
  return error;
}

static tn_error *no_memory(void) {
  return tn_error_make(TN_ERROR_NO_MEMORY, "out of memory");
}

/* Takes the component over. */
static tn_error *add_definition(runner *r, tn_str name, tn_component *component) {
  definition *larger = realloc(r->definitions, (r->definition_count + 1) * sizeof *larger);
  if (larger == NULL) {
    tn_component_delete(component);
    return no_memory();
  }
  larger[r->definition_count++] = (definition){name, component, NULL};
  r->definitions = larger;
  return NULL;
}

/* Takes the instance over. */
static tn_error *add_instance(runner *r, tn_str name, tn_instance *instance) {
  live_instance *larger = realloc(r->instances, (r->instance_count + 1) * sizeof *larger);
  if (larger == NULL) {
    tn_instance_delete(instance);
    return no_memory();
  }
  larger[r->instance_count++] = (live_instance){name, instance};
  r->instances = larger;
  return NULL;
}

static bool is_same(tn_str a, tn_str b) {
  return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

/* The latest of that name; without a name the latest of all. */
static definition *find_definition(runner *r, tn_str name) {
  for (size_t i = r->definition_count; i-- > 0;)
    if (name.data == NULL ||
        (r->definitions[i].name.data != NULL && is_same(r->definitions[i].name, name)))
      return &r->definitions[i];
  return NULL;
}

static tn_instance *find_instance(runner *r, tn_str name) {
  for (size_t i = r->instance_count; i-- > 0;)
    if (name.data == NULL ||
        (r->instances[i].name.data != NULL && is_same(r->instances[i].name, name)))
      return r->instances[i].instance;
  return NULL;
}

static tn_error *make_instance(runner *r, definition *from, tn_str name) {
  tn_instance_options options;
  tn_instance_options_init(&options);
  options.timeout = TIMEOUT_SECONDS * UINT64_C(1000000000);
  tn_instance *instance;
  tn_error *error =
      from->linked == NULL ? tn_linker_link(r->linker, from->component, &from->linked) : NULL;
  if (error == NULL) error = tn_instance_new(from->linked, &options, &instance);
  return error == NULL ? add_instance(r, name, instance) : error;
}

static tn_error *define(runner *r, const wast_command *command) {
  if (r->settings->validate_only) return validate(r, command);
  tn_component *component;
  tn_error *error = load(r, command, &component);
  return error == NULL ? add_definition(r, command->name, component) : error;
}

static tn_error *define_and_instantiate(runner *r, const wast_command *command) {
  tn_error *error = define(r, command);
  if (error != NULL || r->settings->validate_only) return error;
  return make_instance(r, find_definition(r, (tn_str){NULL, 0}), command->name);
}

static tn_error *instantiate(runner *r, const wast_command *command) {
  definition *from = find_definition(r, command->definition);
  if (from == NULL) return tn_error_make(TN_ERROR_ARGUMENT, "no definition of that name");
  return make_instance(r, from, command->name);
}

/* ---- calls -------------------------------------------------------------------------------------- */

static tn_error *write_arguments(runner *r, const wast_command *command, const tn_func_type *type,
                                 void **out) {
  const tn_type *params = tn_func_type_params(type);
  if (command->argument_count != tn_func_type_param_count(type))
    return tn_error_make(TN_ERROR_ARGUMENT, "wrong number of arguments");
  size_t size = tn_type_get_size(params);
  *out = tn_values_alloc(r->memory, size > 0 ? size : 1, tn_type_get_alignment(params));
  if (*out == NULL) return no_memory();
  for (size_t i = 0; i < command->argument_count; i++) {
    const char *wrong = wast_value_write(&command->arguments[i], tn_type_part(params, i),
                                         (char *)*out + tn_type_part_offset(params, i), r->memory);
    if (wrong != NULL) return tn_error_make(TN_ERROR_ARGUMENT, wrong);
  }
  return NULL;
}

/* Calls; *result points to the native result of type *result_type, NULL for none. */
static tn_error *call(runner *r, const wast_command *command, void **result,
                      const tn_type **result_type) {
  tn_instance *instance = find_instance(r, command->instance);
  if (instance == NULL) return tn_error_make(TN_ERROR_ARGUMENT, "no instance of that name");
  const tn_func *func;
  void *arguments;
  tn_values_reset(r->memory);
  tn_error *error = tn_instance_func(instance, command->function, &func);
  if (error != NULL) return error;
  const tn_func_type *type = tn_func_get_type(func);
  error = write_arguments(r, command, type, &arguments);
  if (error != NULL) return error;
  *result = NULL;
  *result_type = tn_func_type_result(type);
  if (*result_type != NULL) {
    size_t size = tn_type_get_size(*result_type);
    *result = tn_values_alloc(r->memory, size > 0 ? size : 1, tn_type_get_alignment(*result_type));
    if (*result == NULL) return no_memory();
  }
  return tn_func_call(func, arguments, *result, r->memory);
}

/* As WAVE, to be released; NULL: out of memory. */
static char *print_native(const tn_type *type, const void *native) {
  char *text = NULL;
  tn_error_delete(tn_value_to_wave(type, native, &text));
  return text;
}

/* What the script expects in the words of what was given, to be released; NULL when it is not of that type, or would
 * read the same, as NaNs do. */
static char *print_expected(runner *r, const wast_command *command, const tn_type *type,
                            const char *given) {
  if (type == NULL || given == NULL || command->expected_count != 1) return NULL;
  void *native =
      tn_values_alloc(r->memory, tn_type_get_size(type) + 1, tn_type_get_alignment(type));
  if (native == NULL) return NULL;
  memset(native, 0, tn_type_get_size(type));
  if (wast_value_write(&command->expected[0], type, native, r->memory) != NULL) return NULL;
  char *text = print_native(type, native);
  if (text == NULL || strcmp(text, given) != 0) return text;
  tn_release(text);
  return NULL;
}

static void fail_return(runner *r, const wast_command *command, const tn_type *type,
                        const void *result) {
  char *given = type != NULL ? print_native(type, result) : NULL;
  char *wanted = print_expected(r, command, type, given);
  tn_str written = command->expected_text;
  if (wanted != NULL) written = (tn_str){wanted, strlen(wanted)};
  if (command->expected_count == 0) written = (tn_str){"nothing", strlen("nothing")};
  fail(r, command, "returned %s; expected: %.*s",
       type == NULL    ? "nothing"
       : given != NULL ? given
                       : "a value that cannot be printed",
       (int)written.len, written.data);
  tn_release(given);
  tn_release(wanted);
}

static void run_return(runner *r, const wast_command *command) {
  void *result;
  const tn_type *type;
  tn_error *error = call(r, command, &result, &type);
  if (error != NULL) {
    settle(r, command, error);
    return;
  }
  bool has_result = type != NULL;
  bool holds = command->expected_count == has_result &&
               (!has_result || wast_value_matches(&command->expected[0], type, result));
  if (holds)
    r->passed++;
  else
    fail_return(r, command, type, result);
}

static tn_error *run_call(runner *r, const wast_command *command) {
  void *result;
  const tn_type *type;
  return call(r, command, &result, &type);
}

/* Loads and links, and if `with_instance` instantiates, what the command is the assertion about. */
static tn_error *try_instance(runner *r, const wast_command *command, bool with_instance) {
  tn_error *error = define(r, command);
  if (error != NULL) {
    fail(r, command, "does not even load: %s", tn_error_get_message(error));
    tn_error_delete(error);
    return NULL;
  }
  definition *latest = find_definition(r, (tn_str){NULL, 0});
  return with_instance ? make_instance(r, latest, command->name)
                       : tn_linker_link(r->linker, latest->component, &latest->linked);
}

/* ---- scripts ------------------------------------------------------------------------------------ */

#define KIND(name) (1u << TN_ERROR_##name)
static const unsigned rejections = KIND(MALFORMED) | KIND(INVALID);
static const unsigned traps = KIND(TRAP) | KIND(STACK) | KIND(POISONED);

static bool needs_instances(wast_kind kind) {
  return kind != WAST_MODULE && kind != WAST_DEFINITION && kind != WAST_INVALID &&
         kind != WAST_MALFORMED && kind != WAST_UNKNOWN;
}

static void run_command(runner *r, const wast_command *command) {
  size_t failed = r->failed;
  tn_error *error;
  if (r->settings->validate_only && needs_instances(command->kind)) return;
  if (command->wrong != NULL) {
    fail(r, command, "%s", command->wrong);
    return;
  }
  switch (command->kind) {
  case WAST_UNKNOWN:
  case WAST_MODULE:
    settle(r, command, define_and_instantiate(r, command));
    break;
  case WAST_DEFINITION:
    settle(r, command, define(r, command));
    break;
  case WAST_INSTANCE:
    settle(r, command, instantiate(r, command));
    break;
  case WAST_REGISTER:
    fail(
        r, command,
        "not supported: an instance cannot be imported by another one, each has a store of its own");
    break;
  case WAST_ACTION:
    settle(r, command, run_call(r, command));
    break;
  case WAST_RETURN:
    run_return(r, command);
    break;
  case WAST_TRAP:
    settle_failure(r, command, run_call(r, command), traps);
    break;
  case WAST_INVALID:
  case WAST_MALFORMED:
    settle_failure(r, command, validate(r, command), rejections);
    break;
  case WAST_UNLINKABLE:
  case WAST_UNINSTANTIABLE:
    error = try_instance(r, command, command->kind == WAST_UNINSTANTIABLE);
    if (failed == r->failed)
      settle_failure(r, command, error, command->kind == WAST_UNLINKABLE ? KIND(LINK) : traps);
    break;
  }
}

static void delete_runner(runner *r) {
  for (size_t i = 0; i < r->instance_count; i++)
    tn_instance_delete(r->instances[i].instance);
  for (size_t i = 0; i < r->definition_count; i++) {
    tn_linked_delete(r->definitions[i].linked);
    tn_component_delete(r->definitions[i].component);
  }
  free(r->instances);
  free(r->definitions);
  tn_values_delete(r->memory);
  tn_linker_delete(r->linker);
}

static int run_script(const cli_settings *settings, tn_engine *engine, const wast_script *script) {
  runner r = {.settings = settings, .script = script, .engine = engine};
  tn_error *error = tn_linker_new(&r.linker);
  if (error == NULL) error = tn_linker_define_wasi(r.linker);
  if (error == NULL) error = tn_values_new(&r.memory);
  if (error != NULL) {
    delete_runner(&r);
    return cli_report_error(error);
  }
  for (size_t i = 0; i < script->count; i++) {
    run_command(&r, &script->commands[i]);
    fflush(stdout); /* what a crash leaves behind should say where it was */
  }
  delete_runner(&r);
  if (!settings->quiet || r.failed > 0)
    printf("%s: %zu passed, %zu failed\n", script->path, r.passed, r.failed);
  return r.failed == 0 ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

static bool is_json(const char *path) {
  size_t length = strlen(path);
  return length > 5 && strcmp(path + length - 5, ".json") == 0;
}

static int run_file(const cli_settings *settings, tn_engine *engine, const char *path) {
  wast_script script = {.path = path};
  char *bytes;
  size_t size;
  int exit_code = cli_read_file(path, &bytes, &size);
  if (exit_code != CLI_EXIT_OK) return exit_code;
  exit_code = cli_report_error(tn_values_new(&script.memory));
  if (exit_code == CLI_EXIT_OK)
    exit_code =
        is_json(path) ? wast_read_json(&script, bytes, size) : wast_read_text(&script, bytes, size);
  if (exit_code == CLI_EXIT_OK) exit_code = run_script(settings, engine, &script);
  tn_values_delete(script.memory);
  free(script.commands);
  free(bytes);
  return exit_code;
}

int cli_wast(const cli_settings *settings, char **operands, int count) {
  if (count == 0) return cli_report(CLI_EXIT_USAGE, NULL, "tenon wast takes at least one file");
  tn_engine *engine;
  cli_settings with_limit = *settings;
  /* An action that does not end must not end the script. */
  with_limit.interruptible = CLI_CHOICE_YES;
  int worst = cli_report_error(cli_engine_new(&with_limit, true, &engine));
  if (worst != CLI_EXIT_OK) return worst;
  for (int i = 0; i < count; i++) {
    int exit_code = run_file(settings, engine, operands[i]);
    if (exit_code != CLI_EXIT_OK && (worst == CLI_EXIT_OK || worst == CLI_EXIT_FAILED))
      worst = exit_code;
  }
  tn_engine_delete(engine);
  return cli_finish_output(worst);
}
