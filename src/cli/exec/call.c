/* tenon exec --function: which function is meant, and its call. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/exec/exec.h"
#include "cli/exec/call.h"
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
    return exec_error_of(TN_ERROR_NOT_FOUND, &text);
  }
  exec_bytes_format(&text, "no function `%s` is exported; %s", wanted,
                    tn_instance_func_count(instance) > 0 ? "there are:" : "there is none");
  list_exports(instance, NULL, &text);
  return exec_error_of(TN_ERROR_NOT_FOUND, &text);
}

/* ---- the call ---------------------------------------------------------------------------------------- */

static void *new_value(tn_values *values, const tn_type *type) {
  void *room = tn_values_alloc(values, tn_type_get_size(type) + 1, tn_type_get_alignment(type));
  if (room != NULL) memset(room, 0, tn_type_get_size(type));
  return room;
}

static tn_error *call_with(exec_call *call, exec_outcome *outcome) {
  const tn_type *result_type = tn_func_type_result(call->type);
  call->params = new_value(call->values, tn_func_type_params(call->type));
  void *result = result_type != NULL ? new_value(call->values, result_type) : NULL;
  if (call->params == NULL || (result_type != NULL && result == NULL))
    return tn_error_make(TN_ERROR_NO_MEMORY, "out of memory");
  tn_error *error = exec_parse_arguments(call);
  if (error != NULL) return error;
  outcome->has_run = true;
  error = tn_func_call(call->func, call->params, result, call->values);
  if (error != NULL) return error;
  if (result == NULL) return NULL;
  error = tn_value_to_wave(result_type, result, &outcome->result);
  return error == NULL ? tn_value_to_json(result_type, result, &outcome->result_json) : error;
}

tn_error *exec_call_function(exec_job *job, tn_instance *instance, exec_outcome *outcome) {
  exec_call call = {.job = job};
  tn_error *error = find_function(instance, job->settings->function, &call.func);
  if (error != NULL) return error;
  call.type = tn_func_get_type(call.func);
  error = tn_values_new(&call.values);
  if (error != NULL) return error;
  error = call_with(&call, outcome);
  tn_values_delete(call.values);
  return error;
}
