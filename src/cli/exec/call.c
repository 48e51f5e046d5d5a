/* tenon exec --function: which function is meant, its arguments, its result. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/exec/exec.h"
#include "cli/exec/argument.h"
#include "cli/rights.h"

/* ---- texts ------------------------------------------------------------------------------------------ */

static tn_str slice(tn_str text, size_t start, size_t end) {
  return (tn_str){text.data + start, end - start};
}

static bool is_same(tn_str a, tn_str b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static size_t find(tn_str text, char c) {
  const char *at = text.len > 0 ? memchr(text.data, c, text.len) : NULL;
  return at == NULL ? text.len : (size_t)(at - text.data);
}

/* An error whose message is in `text`, which is freed. */
static tn_error *error_of(tn_error_kind kind, exec_bytes *text) {
  exec_bytes_add(text, "", 1);
  tn_error *error = text->failed ? tn_error_make(TN_ERROR_NO_MEMORY, "out of memory")
                                 : tn_error_make(kind, text->data);
  exec_bytes_free(text);
  return error;
}

/* ---- which function ---------------------------------------------------------------------------------- */

/* "ns:pkg/interface@1.0.0#name": the parts; a direct export has no interface. */
static void split_export(tn_str name, tn_str *interface, tn_str *function) {
  size_t hash = find(name, '#');
  *interface = hash < name.len ? slice(name, 0, hash) : (tn_str){NULL, 0};
  *function = hash < name.len ? slice(name, hash + 1, name.len) : name;
}

/* "ns:pkg/interface@1.0.0", "ns:pkg/interface", "pkg/interface" or "interface" */
static bool names_interface(tn_str wanted, tn_str interface) {
  if (is_same(wanted, interface)) return true;
  tn_str plain = slice(interface, 0, find(interface, '@'));
  if (wanted.len > plain.len) return false;
  tn_str end = slice(plain, plain.len - wanted.len, plain.len);
  if (!is_same(wanted, end) || wanted.len == 0) return false;
  return wanted.len == plain.len || strchr("/:", plain.data[plain.len - wanted.len - 1]) != NULL;
}

/* Whether "interface#f", "interface::f", "interface.f" or "f" can mean the export of this name. */
static bool names_function(tn_str wanted, tn_str name) {
  tn_str interface, function;
  split_export(name, &interface, &function);
  if (is_same(wanted, function)) return true;
  if (interface.len == 0 || wanted.len <= function.len) return false;
  size_t start = wanted.len - function.len;
  if (!is_same(slice(wanted, start, wanted.len), function)) return false;
  static const char *const separators[] = {"#", "::", "."};
  for (size_t i = 0; i < sizeof separators / sizeof *separators; i++) {
    size_t length = strlen(separators[i]);
    if (start > length && memcmp(wanted.data + start - length, separators[i], length) == 0)
      return names_interface(slice(wanted, 0, start - length), interface);
  }
  return false;
}

static void list_exports(tn_instance *instance, const char *wanted, exec_bytes *out) {
  enum { SHOWN = 20 };
  size_t count = 0;
  for (size_t i = 0; i < tn_instance_func_count(instance); i++) {
    tn_str name = tn_func_name(tn_instance_func_at(instance, i));
    if (wanted != NULL && !names_function(cli_text(wanted), name)) continue;
    if (count++ >= SHOWN) continue;
    exec_bytes_text(out, "\n  ");
    exec_bytes_add(out, name.data, name.len);
  }
  if (count > SHOWN) exec_bytes_format(out, "\n  and %zu more", count - SHOWN);
}

static tn_error *find_function(tn_instance *instance, const char *wanted, const tn_func **out) {
  size_t count = 0;
  for (size_t i = 0; i < tn_instance_func_count(instance); i++) {
    const tn_func *func = tn_instance_func_at(instance, i);
    if (is_same(tn_func_name(func), cli_text(wanted))) {
      *out = func;
      return NULL;
    }
    if (!names_function(cli_text(wanted), tn_func_name(func))) continue;
    *out = func;
    count++;
  }
  if (count == 1) return NULL;
  exec_bytes text = {0};
  if (count > 1) {
    exec_bytes_format(&text, "`%s` can mean %zu functions; name one of them:", wanted, count);
    list_exports(instance, wanted, &text);
    return error_of(TN_ERROR_NOT_FOUND, &text);
  }
  exec_bytes_format(&text, "no function `%s` is exported; %s", wanted,
                    tn_instance_func_count(instance) > 0 ? "there are:" : "there is none");
  list_exports(instance, NULL, &text);
  return error_of(TN_ERROR_NOT_FOUND, &text);
}

/* ---- arguments --------------------------------------------------------------------------------------- */

typedef struct function_call {
  exec_job *job;
  const tn_func *func;
  const tn_func_type *type;
  tn_values *values;
  void *params;
} function_call;

static void *param_room(const function_call *call, size_t index) {
  return (char *)call->params + tn_type_part_offset(tn_func_type_params(call->type), index);
}

static const tn_type *param_type(const function_call *call, size_t index) {
  return tn_type_part(tn_func_type_params(call->type), index);
}

static void add_signature(const function_call *call, exec_bytes *out) {
  char *wit;
  tn_error *error = tn_func_type_to_wit(call->type, &wit);
  if (error == NULL) {
    tn_str name = tn_func_name(call->func);
    exec_bytes_format(out, "\n  it is %.*s: ", (int)name.len, name.data);
    exec_bytes_text(out, wit);
    tn_release(wit);
  }
  tn_error_delete(error);
}

static tn_error *argument_error(const function_call *call, size_t index, tn_str text, size_t column,
                                size_t length, tn_error *cause) {
  if (tn_error_get_kind(cause) != TN_ERROR_ARGUMENT) return cause;
  tn_str name = tn_func_type_param_name(call->type, index);
  exec_bytes message = {0};
  exec_bytes_format(&message, "argument %zu (%.*s): %s", index + 1, (int)name.len, name.data,
                    tn_error_get_message(cause));
  exec_bytes_caret(&message, text, column, length);
  add_signature(call, &message);
  tn_error_delete(cause);
  return error_of(TN_ERROR_ARGUMENT, &message);
}

static tn_error *parse_argument(const function_call *call, size_t index, tn_str text) {
  size_t column = exec_utf8_find_wrong(text), length = 1;
  tn_error *error = column < text.len
                        ? tn_error_make(TN_ERROR_ARGUMENT, exec_no_utf8)
                        : exec_argument_parse(call->values, param_type(call, index), text,
                                              param_room(call, index), &column, &length);
  return error == NULL ? NULL : argument_error(call, index, text, column, length, error);
}

/* Options at the end may be left out. */
static tn_error *check_count(const function_call *call, size_t count) {
  size_t wanted = tn_func_type_param_count(call->type), needed = wanted;
  while (needed > 0 && tn_type_get_kind(param_type(call, needed - 1)) == TN_TYPE_OPTION)
    needed--;
  if (count >= needed && count <= wanted) return NULL;
  exec_bytes message = {0};
  exec_bytes_format(&message, "the function takes %zu argument%s, %zu %s given", wanted,
                    wanted == 1 ? "" : "s", count, count == 1 ? "is" : "are");
  add_signature(call, &message);
  return error_of(TN_ERROR_ARGUMENT, &message);
}

static tn_error *parse_operands(const function_call *call) {
  size_t count = (size_t)call->job->count - 1;
  tn_error *error = check_count(call, count);
  for (size_t i = 0; i < count && error == NULL; i++)
    error = parse_argument(call, i, cli_text(call->job->operands[i + 1]));
  return error;
}

static bool is_blank(tn_str text) {
  for (size_t i = 0; i < text.len; i++)
    if (strchr(" \t\r\n", text.data[i]) == NULL) return false;
  return true;
}

/* "s32:1, string:two": parted by commas that are in no brackets and no quotes. */
static tn_error *parse_list(const function_call *call) {
  tn_str text = cli_text(call->job->settings->arguments);
  size_t count = 0;
  for (size_t at = 0; !is_blank(text) && at <= text.len; count++)
    at = exec_argument_find(text, at, ",") + 1;
  tn_error *error = check_count(call, count);
  size_t at = 0;
  for (size_t i = 0; i < count && error == NULL; i++) {
    size_t end = exec_argument_find(text, at, ",");
    size_t start = at;
    while (start < end && text.data[start] == ' ')
      start++;
    error = parse_argument(call, i, slice(text, start, end));
    at = end + 1;
  }
  return error;
}

/* ---- arguments as JSON ------------------------------------------------------------------------------- */

static size_t skip_space(tn_str text, size_t at) {
  while (at < text.len && strchr(" \t\r\n", text.data[at]) != NULL)
    at++;
  return at;
}

static tn_error *json_error(const function_call *call, tn_str text, tn_error *cause) {
  if (tn_error_get_kind(cause) != TN_ERROR_ARGUMENT) return cause;
  size_t line, column;
  exec_bytes message = {0};
  exec_bytes_format(&message, "the arguments as JSON: %s", tn_error_get_message(cause));
  if (tn_error_get_place(cause, &line, &column)) {
    size_t at = 0;
    for (; line > 1 && at < text.len; at++)
      line -= text.data[at] == '\n';
    for (; column > 1 && at < text.len; column--)
      do {
        at++;
      } while (at < text.len && ((unsigned char)text.data[at] & 0xc0) == 0x80);
    exec_bytes_caret(&message, text, at, 1);
  }
  add_signature(call, &message);
  tn_error_delete(cause);
  return error_of(TN_ERROR_ARGUMENT, &message);
}

static tn_error *json_expected(const function_call *call, tn_str text, size_t at,
                               const char *what) {
  exec_bytes message = {0};
  exec_bytes_format(&message, "the arguments as JSON: %s", what);
  exec_bytes_caret(&message, text, at, 1);
  add_signature(call, &message);
  return error_of(TN_ERROR_ARGUMENT, &message);
}

/* {"a": 1, "b": 2}: each member is the parameter of that name. The values are checked as they are read. */
static tn_error *parse_json_object(const function_call *call, tn_str text, size_t at) {
  size_t count = tn_func_type_param_count(call->type);
  bool *is_given = tn_values_alloc(call->values, count + 1, 1);
  if (is_given == NULL) return tn_error_make(TN_ERROR_NO_MEMORY, "out of memory");
  memset(is_given, 0, count + 1);
  size_t given = 0;
  for (at = skip_space(text, at + 1); at < text.len && text.data[at] != '}'; given++) {
    if (text.data[at] != '"')
      return json_expected(call, text, at, "expected the name of a parameter");
    size_t colon = exec_argument_find(text, at, ":"), end = exec_argument_find(text, at, ",}");
    if (colon >= end)
      return json_expected(call, text, at, "expected ':' and a value behind the name");
    tn_str name = slice(text, at + 1, colon);
    while (name.len > 0 && name.data[name.len - 1] != '"')
      name.len--;
    if (name.len > 0) name.len--;
    size_t index = 0;
    while (index < count && !is_same(tn_func_type_param_name(call->type, index), name))
      index++;
    if (index == count) return json_expected(call, text, at, "there is no parameter of this name");
    if (is_given[index]) return json_expected(call, text, at, "this parameter is given twice");
    is_given[index] = true;
    tn_str value = slice(text, colon + 1, end);
    tn_error *error =
        tn_values_from_json(call->values, param_type(call, index), value, param_room(call, index));
    if (error != NULL) return json_error(call, value, error);
    at = skip_space(text, end + (end < text.len && text.data[end] == ','));
  }
  if (at == text.len) return json_expected(call, text, at, "expected '}' but the text ends");
  if (skip_space(text, at + 1) < text.len)
    return json_expected(call, text, skip_space(text, at + 1), "expected the end");
  for (size_t i = 0; i < count; i++)
    if (!is_given[i] && tn_type_get_kind(param_type(call, i)) != TN_TYPE_OPTION)
      return check_count(call, given);
  return NULL;
}

static tn_error *parse_json(const function_call *call) {
  tn_str text = exec_bytes_str(&call->job->arguments_json);
  size_t start = skip_space(text, 0);
  if (start < text.len && text.data[start] == '{') return parse_json_object(call, text, start);
  if (start == text.len || text.data[start] != '[')
    return json_expected(call, text, start,
                         "expected '[' and the arguments, or '{' and their names with values");
  tn_error *error =
      tn_values_from_json(call->values, tn_func_type_params(call->type), text, call->params);
  return error == NULL ? NULL : json_error(call, text, error);
}

static tn_error *parse_arguments(const function_call *call) {
  if (call->job->arguments_json.size > 0) return parse_json(call);
  return call->job->settings->arguments != NULL ? parse_list(call) : parse_operands(call);
}

/* ---- the call ---------------------------------------------------------------------------------------- */

static void *new_value(tn_values *values, const tn_type *type) {
  void *room = tn_values_alloc(values, tn_type_get_size(type) + 1, tn_type_get_alignment(type));
  if (room != NULL) memset(room, 0, tn_type_get_size(type));
  return room;
}

static tn_error *call_with(function_call *call, exec_outcome *outcome) {
  const tn_type *result_type = tn_func_type_result(call->type);
  call->params = new_value(call->values, tn_func_type_params(call->type));
  void *result = result_type != NULL ? new_value(call->values, result_type) : NULL;
  if (call->params == NULL || (result_type != NULL && result == NULL))
    return tn_error_make(TN_ERROR_NO_MEMORY, "out of memory");
  tn_error *error = parse_arguments(call);
  if (error == NULL) error = tn_func_call(call->func, call->params, result, call->values);
  if (error != NULL) return error;
  if (result == NULL) return NULL;
  error = tn_value_to_wave(result_type, result, &outcome->result);
  return error == NULL ? tn_value_to_json(result_type, result, &outcome->result_json) : error;
}

tn_error *exec_call_function(exec_job *job, tn_instance *instance, exec_outcome *outcome) {
  function_call call = {.job = job};
  tn_error *error = find_function(instance, job->settings->function, &call.func);
  if (error != NULL) return error;
  call.type = tn_func_get_type(call.func);
  error = tn_values_new(&call.values);
  if (error != NULL) return error;
  error = call_with(&call, outcome);
  tn_values_delete(call.values);
  return error;
}
