/* tenon exec --function: all arguments of the function, in whichever form they are given. */
#include <stdio.h>
#include <string.h>

#include "cli/exec/argument.h"
#include "cli/exec/call.h"
#include "cli/rights.h"

static tn_str slice(tn_str text, size_t start, size_t end) {
  return (tn_str){text.data + start, end - start};
}

static bool is_same(tn_str a, tn_str b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static void *param_room(const exec_call *call, size_t index) {
  return (char *)call->params + tn_type_part_offset(tn_func_type_params(call->type), index);
}

static const tn_type *param_type(const exec_call *call, size_t index) {
  return tn_type_part(tn_func_type_params(call->type), index);
}

static void add_signature(const exec_call *call, exec_bytes *out) {
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

/* ---- errors ------------------------------------------------------------------------------------------ */

/* "FILE:2:5: ", where the text comes from a file. */
static void add_place(const exec_call *call, size_t at, exec_bytes *out) {
  const char *source = call->job->arguments.source;
  if (source == NULL) return;
  size_t line = 1, start = 0;
  for (size_t i = 0; i < at; i++) {
    if (call->whole.data[i] != '\n') continue;
    line++;
    start = i + 1;
  }
  exec_bytes_text(out, source);
  exec_bytes_format(out, ":%zu:%zu: ", line, exec_columns(slice(call->whole, start, at)) + 1);
}

/* `at` and `length` say what of call->whole is wrong. */
static tn_error *error_at(const exec_call *call, size_t at, size_t length, const char *about,
                          const char *what) {
  exec_bytes message = {0};
  add_place(call, at, &message);
  exec_bytes_text(&message, about);
  exec_bytes_text(&message, ": ");
  exec_bytes_text(&message, what);
  exec_bytes_caret(&message, call->whole, at, length);
  add_signature(call, &message);
  return exec_error_of(TN_ERROR_ARGUMENT, &message);
}

static size_t offset_of(const exec_call *call, tn_str part) {
  return (size_t)(part.data - call->whole.data);
}

/* ---- one argument ------------------------------------------------------------------------------------- */

static tn_error *argument_error(const exec_call *call, size_t index, size_t at, size_t length,
                                tn_error *cause) {
  if (tn_error_get_kind(cause) != TN_ERROR_ARGUMENT) return cause;
  tn_str name = tn_func_type_param_name(call->type, index);
  char about[160];
  snprintf(about, sizeof about, "argument %zu (%.*s)", index + 1, (int)name.len, name.data);
  tn_error *error = error_at(call, at, length, about, tn_error_get_message(cause));
  tn_error_delete(cause);
  return error;
}

/* `text` is part of call->whole. */
static tn_error *parse_argument(const exec_call *call, size_t index, tn_str text) {
  size_t column = exec_utf8_find_wrong(text), length = 1;
  tn_error *error = column < text.len
                        ? tn_error_make(TN_ERROR_ARGUMENT, exec_no_utf8)
                        : exec_argument_parse(call->values, param_type(call, index), text,
                                              param_room(call, index), &column, &length);
  if (error == NULL) return NULL;
  return argument_error(call, index, offset_of(call, text) + column, length, error);
}

static bool takes_list(const exec_call *call) {
  for (size_t i = 0; i < tn_func_type_param_count(call->type); i++)
    if (tn_type_get_kind(param_type(call, i)) == TN_TYPE_LIST) return true;
  return false;
}

/* Options at the end may be left out. */
static tn_error *check_count(const exec_call *call, size_t count) {
  size_t wanted = tn_func_type_param_count(call->type), needed = wanted;
  while (needed > 0 && tn_type_get_kind(param_type(call, needed - 1)) == TN_TYPE_OPTION)
    needed--;
  if (count >= needed && count <= wanted) return NULL;
  exec_bytes message = {0};
  exec_bytes_format(&message, "the function takes %zu argument%s, %zu %s given", wanted,
                    wanted == 1 ? "" : "s", count, count == 1 ? "is" : "are");
  if (count > wanted && call->job->arguments.form == EXEC_LIST && takes_list(call))
    exec_bytes_text(&message,
                    "\n  commas part arguments here: the elements of a list stand in brackets, [1, 2]");
  add_signature(call, &message);
  return exec_error_of(TN_ERROR_ARGUMENT, &message);
}

static tn_error *parse_operands(exec_call *call) {
  size_t count = (size_t)call->job->count - 1;
  tn_error *error = check_count(call, count);
  for (size_t i = 0; i < count && error == NULL; i++) {
    call->whole = cli_text(call->job->operands[i + 1]);
    error = parse_argument(call, i, call->whole);
  }
  return error;
}

static bool is_blank(tn_str text) {
  for (size_t i = 0; i < text.len; i++)
    if (strchr(" \t\r\n", text.data[i]) == NULL) return false;
  return true;
}

/* "s32:1, string:two": parted by commas that are in no brackets and no quotes. */
static tn_error *parse_list(const exec_call *call, tn_str text) {
  size_t count = 0;
  for (size_t at = 0; !is_blank(text) && at <= text.len; count++)
    at = exec_argument_find(text, at, ",") + 1;
  tn_error *error = check_count(call, count);
  size_t at = 0;
  for (size_t i = 0; i < count && error == NULL; i++) {
    size_t end = exec_argument_find(text, at, ",");
    error = parse_argument(call, i, exec_trim(slice(text, at, end)));
    at = end + 1;
  }
  return error;
}

/* The next line that is not blank, from *at on, which is moved behind it; a line break in brackets or quotes ends none.
 * .data is NULL behind the last one. */
static tn_str next_line(tn_str text, size_t *at) {
  while (*at < text.len) {
    size_t end = exec_argument_find(text, *at, "\n");
    tn_str line = slice(text, *at, end);
    *at = end + 1;
    if (!is_blank(line)) return exec_trim(line);
  }
  return (tn_str){NULL, 0};
}

/* A value a line; one line alone may also be a list for several parameters. */
static tn_error *parse_lines(const exec_call *call) {
  size_t count = 0, at = 0;
  for (; next_line(call->whole, &at).data != NULL; count++) {
  }
  at = 0;
  if (count == 1 && tn_func_type_param_count(call->type) > 1)
    return parse_list(call, next_line(call->whole, &at));
  tn_error *error = check_count(call, count);
  for (size_t i = 0; i < count && error == NULL; i++)
    error = parse_argument(call, i, next_line(call->whole, &at));
  return error;
}

/* ---- arguments as JSON ------------------------------------------------------------------------------- */

static size_t skip_space(tn_str text, size_t at) {
  while (at < text.len && strchr(" \t\r\n", text.data[at]) != NULL)
    at++;
  return at;
}

static const char about_json[] = "the arguments as JSON";

/* `text`, part of call->whole, is wrong where `cause` says. */
static tn_error *json_error(const exec_call *call, tn_str text, tn_error *cause) {
  if (tn_error_get_kind(cause) != TN_ERROR_ARGUMENT) return cause;
  size_t line = 1, column = 1;
  bool has_place = tn_error_get_place(cause, &line, &column);
  cause = exec_argument_without_place(cause);
  size_t at = offset_of(call, text) + exec_argument_offset(text, line, column);
  tn_error *error =
      error_at(call, at, has_place ? 1 : text.len, about_json, tn_error_get_message(cause));
  tn_error_delete(cause);
  return error;
}

static tn_error *json_expected(const exec_call *call, size_t at, const char *what) {
  return error_at(call, at, 1, about_json, what);
}

/* {"a": 1, "b": 2}: each member is the parameter of that name. The values are checked as they are read. */
static tn_error *parse_json_object(const exec_call *call, tn_str text, size_t at) {
  size_t count = tn_func_type_param_count(call->type);
  bool *is_given = tn_values_alloc(call->values, count + 1, 1);
  if (is_given == NULL) return tn_error_make(TN_ERROR_NO_MEMORY, "out of memory");
  memset(is_given, 0, count + 1);
  size_t given = 0;
  for (at = skip_space(text, at + 1); at < text.len && text.data[at] != '}'; given++) {
    if (text.data[at] != '"') return json_expected(call, at, "expected the name of a parameter");
    size_t colon = exec_argument_find(text, at, ":"), end = exec_argument_find(text, at, ",}");
    if (colon >= end) return json_expected(call, at, "expected ':' and a value behind the name");
    tn_str name = slice(text, at + 1, colon);
    while (name.len > 0 && name.data[name.len - 1] != '"')
      name.len--;
    if (name.len > 0) name.len--;
    size_t index = 0;
    while (index < count && !is_same(tn_func_type_param_name(call->type, index), name))
      index++;
    if (index == count) return json_expected(call, at, "there is no parameter of this name");
    if (is_given[index]) return json_expected(call, at, "this parameter is given twice");
    is_given[index] = true;
    tn_str value = slice(text, colon + 1, end);
    tn_error *error =
        tn_values_from_json(call->values, param_type(call, index), value, param_room(call, index));
    if (error != NULL) return json_error(call, value, error);
    at = skip_space(text, end + (end < text.len && text.data[end] == ','));
  }
  if (at == text.len) return json_expected(call, at, "expected '}' but the text ends");
  if (skip_space(text, at + 1) < text.len)
    return json_expected(call, skip_space(text, at + 1), "expected the end");
  for (size_t i = 0; i < count; i++)
    if (!is_given[i] && tn_type_get_kind(param_type(call, i)) != TN_TYPE_OPTION)
      return check_count(call, given);
  return NULL;
}

static tn_error *parse_json(const exec_call *call) {
  tn_str text = call->whole;
  size_t start = skip_space(text, 0), wrong = exec_utf8_find_wrong(text);
  if (wrong < text.len) return json_expected(call, wrong, exec_no_utf8);
  if (start < text.len && text.data[start] == '{') return parse_json_object(call, text, start);
  if (start == text.len || text.data[start] != '[')
    return json_expected(call, start,
                         "expected '[' and the arguments, or '{' and their names with values");
  tn_error *error =
      tn_values_from_json(call->values, tn_func_type_params(call->type), text, call->params);
  return error == NULL ? NULL : json_error(call, text, error);
}

static tn_error *parse_given(const exec_call *call) {
  switch (call->job->arguments.form) {
  case EXEC_JSON:
    return parse_json(call);
  case EXEC_LIST:
    return parse_list(call, call->whole);
  default:
    return parse_lines(call);
  }
}

tn_error *exec_parse_arguments(exec_call *call) {
  if (call->job->arguments.form == EXEC_OPERANDS) return parse_operands(call);
  call->whole = exec_bytes_str(&call->job->arguments.text);
  if (call->whole.data == NULL) call->whole = (tn_str){"", 0};
  return parse_given(call);
}
