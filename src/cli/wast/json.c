/* Reads the JSON form of scripts, as `wasm-tools json-from-wast` writes it; the files that it names lie
 * beside it. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/file.h"
#include "cli/report.h"
#include "cli/wast/wast.h"

enum { DEEPEST_VALUE = 100 };

static int report(const wast_script *script, size_t line, const char *wrong) {
  return cli_report(CLI_EXIT_LOAD, NULL, "%s: the command of line %zu: %s", script->path, line,
                    wrong);
}

static void *allocate(wast_script *script, size_t size) {
  return tn_values_alloc(script->memory, size, _Alignof(max_align_t));
}

/* A copy in the script's memory; {NULL} when it is no string, or out of memory. */
static tn_str copy_string(wast_script *script, const json_t *string) {
  if (!json_is_string(string)) return (tn_str){NULL, 0};
  size_t size = json_string_length(string);
  char *copy = allocate(script, size + 1);
  if (copy == NULL) return (tn_str){NULL, 0};
  memcpy(copy, json_string_value(string), size);
  copy[size] = '\0';
  return (tn_str){copy, size};
}

static tn_str member_string(wast_script *script, const json_t *object, const char *name) {
  return copy_string(script, json_object_get(object, name));
}

/* ---- values ------------------------------------------------------------------------------------- */

typedef struct kind_name {
  const char *name;
  tn_type_kind kind;
} kind_name;

static const kind_name kind_names[] = {
    {"bool", TN_TYPE_BOOL},       {"u8", TN_TYPE_U8},         {"s8", TN_TYPE_S8},
    {"u16", TN_TYPE_U16},         {"s16", TN_TYPE_S16},       {"u32", TN_TYPE_U32},
    {"s32", TN_TYPE_S32},         {"u64", TN_TYPE_U64},       {"s64", TN_TYPE_S64},
    {"i32", TN_TYPE_S32},         {"i64", TN_TYPE_S64},       {"f32", TN_TYPE_F32},
    {"f64", TN_TYPE_F64},         {"char", TN_TYPE_CHAR},     {"string", TN_TYPE_STRING},
    {"list", TN_TYPE_LIST},       {"record", TN_TYPE_RECORD}, {"tuple", TN_TYPE_TUPLE},
    {"variant", TN_TYPE_VARIANT}, {"enum", TN_TYPE_ENUM},     {"flags", TN_TYPE_FLAGS},
    {"option", TN_TYPE_OPTION},   {"result", TN_TYPE_RESULT},
};

static const char *read_value(wast_script *script, const json_t *json, unsigned depth,
                              wast_value *out);

static const char *make_items(wast_script *script, size_t count, wast_value *out) {
  out->items = allocate(script, (count > 0 ? count : 1) * sizeof *out->items);
  if (out->items == NULL) return "out of memory";
  memset(out->items, 0, count * sizeof *out->items);
  out->count = count;
  return NULL;
}

/* A list, tuple, record ([name, value] each) or flags (names). */
static const char *read_items(wast_script *script, const json_t *array, unsigned depth,
                              wast_value *out) {
  if (!json_is_array(array)) return "a value is not an array";
  const char *wrong = make_items(script, json_array_size(array), out);
  for (size_t i = 0; i < out->count && wrong == NULL; i++) {
    const json_t *element = json_array_get(array, i);
    if (out->kind == TN_TYPE_FLAGS) {
      out->items[i].name = copy_string(script, element);
    } else if (out->kind == TN_TYPE_RECORD) {
      out->items[i].name = copy_string(script, json_array_get(element, 0));
      tn_str name = out->items[i].name;
      wrong = read_value(script, json_array_get(element, 1), depth + 1, &out->items[i]);
      out->items[i].name = name;
    } else {
      wrong = read_value(script, element, depth + 1, &out->items[i]);
    }
  }
  return wrong;
}

/* The one item of an option, or the payload of a case; JSON null and nothing: none. */
static const char *read_payload(wast_script *script, const json_t *payload, unsigned depth,
                                wast_value *out) {
  if (payload == NULL || json_is_null(payload)) return NULL;
  const char *wrong = make_items(script, 1, out);
  return wrong != NULL ? wrong : read_value(script, payload, depth + 1, &out->items[0]);
}

static const char *read_result(wast_script *script, const json_t *json, unsigned depth,
                               wast_value *out) {
  const json_t *ok = json_object_get(json, "Ok");
  out->name = ok != NULL ? (tn_str){"ok", 2} : (tn_str){"err", 3};
  return read_payload(script, ok != NULL ? ok : json_object_get(json, "Err"), depth, out);
}

static const char *read_text_of(wast_script *script, const json_t *json, tn_str *out) {
  *out = copy_string(script, json);
  return out->data != NULL ? NULL : "a value is not a string";
}

static const char *read_value(wast_script *script, const json_t *json, unsigned depth,
                              wast_value *out) {
  if (depth > DEEPEST_VALUE) return "values are nested too deeply";
  const char *type = json_string_value(json_object_get(json, "type"));
  const json_t *value = json_object_get(json, "value");
  size_t i = 0, count = sizeof kind_names / sizeof kind_names[0];
  while (i < count && (type == NULL || strcmp(type, kind_names[i].name) != 0))
    i++;
  if (i == count) return "not a value that scripts can have";
  out->kind = kind_names[i].kind;
  switch (out->kind) {
  case TN_TYPE_BOOL:
    out->text = json_is_true(value) ? (tn_str){"true", 4} : (tn_str){"false", 5};
    return NULL;
  case TN_TYPE_LIST:
  case TN_TYPE_TUPLE:
  case TN_TYPE_RECORD:
  case TN_TYPE_FLAGS:
    return read_items(script, value, depth, out);
  case TN_TYPE_OPTION:
    return read_payload(script, value, depth, out);
  case TN_TYPE_RESULT:
    return read_result(script, value, depth, out);
  case TN_TYPE_ENUM:
    return read_text_of(script, value, &out->name);
  case TN_TYPE_VARIANT:
    out->name = member_string(script, value, "case");
    if (out->name.data == NULL) return "a variant has no case";
    return read_payload(script, json_object_get(value, "payload"), depth, out);
  default:
    out->is_float_bits = true;
    return read_text_of(script, value, &out->text);
  }
}

static const char *read_values(wast_script *script, const json_t *array, wast_value **items,
                               size_t *count) {
  wast_value all = {.kind = TN_TYPE_LIST};
  const char *wrong = array != NULL ? read_items(script, array, 0, &all) : NULL;
  *items = all.items;
  *count = all.count;
  return wrong;
}

/* ---- commands ----------------------------------------------------------------------------------- */

static const char *read_action(wast_script *script, const json_t *action, wast_command *command) {
  const char *type = json_string_value(json_object_get(action, "type"));
  if (type == NULL || strcmp(type, "invoke") != 0) return "only \"invoke\" can be asked for here";
  command->instance = member_string(script, action, "module");
  command->function = member_string(script, action, "field");
  if (command->function.data == NULL) return "a call names no function";
  return read_values(script, json_object_get(action, "args"), &command->arguments,
                     &command->argument_count);
}

static const char *read_expected(wast_script *script, const json_t *expected,
                                 wast_command *command) {
  char *text = json_dumps(expected, JSON_COMPACT | JSON_ENCODE_ANY);
  if (text != NULL) {
    size_t size = strlen(text);
    char *copy = allocate(script, size + 1);
    if (copy != NULL) command->expected_text = (tn_str){memcpy(copy, text, size + 1), size};
    free(text);
  }
  return read_values(script, expected, &command->expected, &command->expected_count);
}

/* The file beside the script. */
static int read_source(wast_script *script, const json_t *json, wast_command *command) {
  const char *name = json_string_value(json_object_get(json, "filename"));
  const char *type = json_string_value(json_object_get(json, "module_type"));
  if (name == NULL || strchr(name, '/') != NULL)
    return report(script, command->line, "it names no file beside the script");
  const char *slash = strrchr(script->path, '/');
  char path[4096], *bytes;
  int length = snprintf(path, sizeof path, "%.*s%s",
                        slash != NULL ? (int)(slash + 1 - script->path) : 0, script->path, name);
  if (length < 0 || (size_t)length >= sizeof path)
    return report(script, command->line, "the file's path is too long");
  size_t size;
  int exit_code = cli_read_file(path, &bytes, &size);
  if (exit_code != CLI_EXIT_OK) return exit_code;
  char *copy = allocate(script, size + 1);
  if (copy != NULL) memcpy(copy, bytes, size + 1);
  free(bytes);
  if (copy == NULL) return cli_report(CLI_EXIT_INTERNAL, NULL, "out of memory");
  command->source = (tn_str){copy, size};
  command->is_text = type != NULL && strcmp(type, "text") == 0;
  return CLI_EXIT_OK;
}

/* What a command is made of, besides its line and kind. */
enum { HAS_SOURCE = 1, HAS_ACTION = 2, HAS_EXPECTED = 4, HAS_TEXT = 8 };

typedef struct command_form {
  const char *type;
  wast_kind kind;
  unsigned parts;
} command_form;

static const command_form command_forms[] = {
    {"module", WAST_MODULE, HAS_SOURCE},
    {"module_definition", WAST_DEFINITION, HAS_SOURCE},
    {"module_instance", WAST_INSTANCE, 0},
    {"register", WAST_REGISTER, 0},
    {"action", WAST_ACTION, HAS_ACTION},
    {"assert_return", WAST_RETURN, HAS_ACTION | HAS_EXPECTED},
    {"assert_trap", WAST_TRAP, HAS_ACTION | HAS_TEXT},
    {"assert_exhaustion", WAST_TRAP, HAS_ACTION | HAS_TEXT},
    {"assert_invalid", WAST_INVALID, HAS_SOURCE | HAS_TEXT},
    {"assert_malformed", WAST_MALFORMED, HAS_SOURCE | HAS_TEXT},
    {"assert_unlinkable", WAST_UNLINKABLE, HAS_SOURCE | HAS_TEXT},
    {"assert_uninstantiable", WAST_UNINSTANTIABLE, HAS_SOURCE | HAS_TEXT},
};

static const command_form *find_form(const char *type) {
  for (size_t i = 0; i < sizeof command_forms / sizeof command_forms[0]; i++)
    if (type != NULL && strcmp(type, command_forms[i].type) == 0) return &command_forms[i];
  return NULL;
}

static void read_names(wast_script *script, const json_t *json, wast_command *command) {
  switch (command->kind) {
  case WAST_INSTANCE:
    command->name = member_string(script, json, "instance");
    command->definition = member_string(script, json, "module");
    break;
  case WAST_REGISTER:
    command->definition = member_string(script, json, "name");
    command->text = member_string(script, json, "as");
    break;
  default:
    command->name = member_string(script, json, "name");
  }
}

static int read_command(wast_script *script, const json_t *json) {
  size_t line = (size_t)json_integer_value(json_object_get(json, "line"));
  const command_form *form = find_form(json_string_value(json_object_get(json, "type")));
  wast_command *command = wast_add_command(script);
  if (command == NULL) return cli_report(CLI_EXIT_INTERNAL, NULL, "out of memory");
  command->line = line;
  if (form == NULL) {
    command->name = member_string(script, json, "type");
    command->wrong = "not a command that scripts can have";
    return CLI_EXIT_OK;
  }
  command->kind = form->kind;
  read_names(script, json, command);
  const char *wrong = NULL;
  if ((form->parts & HAS_TEXT) != 0) command->text = member_string(script, json, "text");
  if ((form->parts & HAS_ACTION) != 0)
    wrong = read_action(script, json_object_get(json, "action"), command);
  if (wrong == NULL && (form->parts & HAS_EXPECTED) != 0)
    wrong = read_expected(script, json_object_get(json, "expected"), command);
  command->wrong = wrong;
  if (wrong != NULL) return CLI_EXIT_OK;
  return (form->parts & HAS_SOURCE) != 0 ? read_source(script, json, command) : CLI_EXIT_OK;
}

int wast_read_json(wast_script *script, const char *bytes, size_t size) {
  json_error_t problem;
  json_t *root = json_loadb(bytes, size, 0, &problem);
  if (root == NULL)
    return cli_report(CLI_EXIT_LOAD, NULL, "%s:%d: %s", script->path, problem.line, problem.text);
  const json_t *commands = json_object_get(root, "commands");
  int exit_code = CLI_EXIT_OK;
  if (!json_is_array(commands))
    exit_code = cli_report(CLI_EXIT_LOAD, NULL, "%s has no commands", script->path);
  for (size_t i = 0; i < json_array_size(commands) && exit_code == CLI_EXIT_OK; i++)
    exit_code = read_command(script, json_array_get(commands, i));
  json_decref(root);
  return exit_code;
}
