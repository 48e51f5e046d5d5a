/* Components and their definitions in the component text format: Explainer.md#component-definitions. */
#include "compose/print/component.h"

#include "base/error.h"

/* ---- core modules --------------------------------------------------------------------------------------- */

/* The contents of core modules are told of in comments. */
static void print_module_summary(tn_component_printer *p, const tn_core_module *module) {
  tn_buffer_format(p->out, " ;; %zu bytes", module->bytes.len);
  if (module->name.data != NULL) {
    tn_buffer_append_text(p->out, ", named ");
    tn_print_string(p->out, module->name);
  }
  p->indent++;
  for (uint32_t i = 0; i < module->import_count; i++) {
    tn_print_line(p);
    tn_buffer_append_text(p->out, ";; (import ");
    tn_print_string(p->out, module->imports[i].module);
    tn_buffer_append_byte(p->out, ' ');
    tn_print_string(p->out, module->imports[i].name);
    tn_buffer_append_byte(p->out, ' ');
    tn_print_core_extern_type(p, &module->imports[i].type);
    tn_buffer_append_byte(p->out, ')');
  }
  for (uint32_t i = 0; i < module->export_count; i++) {
    tn_print_line(p);
    tn_buffer_append_text(p->out, ";; (export ");
    tn_print_string(p->out, module->exports[i].name);
    tn_buffer_append_byte(p->out, ' ');
    tn_print_core_extern_type(p, &module->exports[i].type);
    tn_buffer_append_byte(p->out, ')');
  }
  p->indent--;
  tn_print_line(p);
}

static void print_core_module(tn_component_printer *p, const tn_core_module *module) {
  tn_buffer_append_text(p->out, "(core module ");
  tn_print_new_index(p, TN_SORT_CORE_MODULE);
  print_module_summary(p, module);
  tn_buffer_append_byte(p->out, ')');
}

/* ---- instances ------------------------------------------------------------------------------------------ */

/* In inline exports and arguments of core instances, core sorts have no "core" in front. */
static const char *core_sort(tn_sort sort) {
  return tn_print_sort(sort) + strlen("core ");
}

static void print_core_instance(tn_component_printer *p, const tn_ast_core_instance *instance) {
  tn_buffer_append_text(p->out, "(core instance ");
  tn_print_new_index(p, TN_SORT_CORE_INSTANCE);
  if (instance->is_instantiate) tn_buffer_format(p->out, " (instantiate %u", instance->module);
  p->indent++;
  for (uint32_t i = 0; i < instance->argument_count; i++) {
    const tn_ast_core_argument *argument = &instance->arguments[i];
    tn_print_line(p);
    tn_buffer_append_text(p->out, instance->is_instantiate ? "(with " : "(export ");
    tn_print_string(p->out, argument->name);
    tn_buffer_format(p->out, " (%s %u))", core_sort(argument->item.sort), argument->item.index);
  }
  p->indent--;
  tn_buffer_append_text(p->out, instance->is_instantiate ? "))" : ")");
}

static void print_instance(tn_component_printer *p, const tn_ast_instance *instance) {
  tn_buffer_append_text(p->out, "(instance ");
  tn_print_new_index(p, TN_SORT_INSTANCE);
  if (instance->is_instantiate) tn_buffer_format(p->out, " (instantiate %u", instance->component);
  p->indent++;
  for (uint32_t i = 0; i < instance->argument_count; i++) {
    const tn_ast_argument *argument = &instance->arguments[i];
    tn_print_line(p);
    tn_buffer_append_text(p->out, instance->is_instantiate ? "(with " : "(export ");
    tn_print_extern_name(p, &argument->name);
    tn_buffer_format(p->out, " (%s %u))", tn_print_sort(argument->item.sort), argument->item.index);
  }
  p->indent--;
  tn_buffer_append_text(p->out, instance->is_instantiate ? "))" : ")");
}

/* ---- canonical definitions ------------------------------------------------------------------------------ */

static void print_options(tn_component_printer *p, const tn_ast_canon *canon) {
  static const char *const names[] = {
      [TN_OPTION_UTF8] = "string-encoding=utf8",
      [TN_OPTION_UTF16] = "string-encoding=utf16",
      [TN_OPTION_LATIN1_UTF16] = "string-encoding=latin1+utf16",
      [TN_OPTION_MEMORY] = "memory",
      [TN_OPTION_REALLOC] = "realloc",
      [TN_OPTION_POST_RETURN] = "post-return",
      [TN_OPTION_ASYNC] = "async",
      [TN_OPTION_CALLBACK] = "callback",
  };
  for (uint32_t i = 0; i < canon->option_count; i++) {
    const tn_ast_canon_option *option = &canon->options[i];
    const char *name = names[option->kind];
    switch (option->kind) {
    case TN_OPTION_MEMORY:
      tn_buffer_format(p->out, " (memory %u)", option->index);
      break;
    case TN_OPTION_REALLOC:
    case TN_OPTION_POST_RETURN:
    case TN_OPTION_CALLBACK:
      tn_buffer_format(p->out, " (%s (func %u))", name, option->index);
      break;
    default:
      tn_buffer_format(p->out, " %s", name);
    }
  }
}

static const char *canon_name(tn_canon_kind kind) {
  static const char *const names[] = {
      [TN_CANON_RESOURCE_NEW] = "resource.new",
      [TN_CANON_RESOURCE_DROP] = "resource.drop",
      [TN_CANON_RESOURCE_REP] = "resource.rep",
      [TN_CANON_TASK_CANCEL] = "task.cancel",
      [TN_CANON_SUBTASK_CANCEL] = "subtask.cancel",
      [TN_CANON_TASK_RETURN] = "task.return",
      [TN_CANON_CONTEXT_GET] = "context.get",
      [TN_CANON_CONTEXT_SET] = "context.set",
      [TN_CANON_THREAD_YIELD] = "thread.yield",
      [TN_CANON_SUBTASK_DROP] = "subtask.drop",
      [TN_CANON_STREAM_NEW] = "stream.new",
      [TN_CANON_STREAM_READ] = "stream.read",
      [TN_CANON_STREAM_WRITE] = "stream.write",
      [TN_CANON_STREAM_CANCEL_READ] = "stream.cancel-read",
      [TN_CANON_STREAM_CANCEL_WRITE] = "stream.cancel-write",
      [TN_CANON_STREAM_DROP_READABLE] = "stream.drop-readable",
      [TN_CANON_STREAM_DROP_WRITABLE] = "stream.drop-writable",
      [TN_CANON_FUTURE_NEW] = "future.new",
      [TN_CANON_FUTURE_READ] = "future.read",
      [TN_CANON_FUTURE_WRITE] = "future.write",
      [TN_CANON_FUTURE_CANCEL_READ] = "future.cancel-read",
      [TN_CANON_FUTURE_CANCEL_WRITE] = "future.cancel-write",
      [TN_CANON_FUTURE_DROP_READABLE] = "future.drop-readable",
      [TN_CANON_FUTURE_DROP_WRITABLE] = "future.drop-writable",
      [TN_CANON_ERROR_CONTEXT_NEW] = "error-context.new",
      [TN_CANON_ERROR_CONTEXT_DEBUG_MESSAGE] = "error-context.debug-message",
      [TN_CANON_ERROR_CONTEXT_DROP] = "error-context.drop",
      [TN_CANON_WAITABLE_SET_NEW] = "waitable-set.new",
      [TN_CANON_WAITABLE_SET_WAIT] = "waitable-set.wait",
      [TN_CANON_WAITABLE_SET_POLL] = "waitable-set.poll",
      [TN_CANON_WAITABLE_SET_DROP] = "waitable-set.drop",
      [TN_CANON_WAITABLE_JOIN] = "waitable.join",
      [TN_CANON_BACKPRESSURE_INC] = "backpressure.inc",
      [TN_CANON_BACKPRESSURE_DEC] = "backpressure.dec",
      [TN_CANON_THREAD_INDEX] = "thread.index",
      [TN_CANON_THREAD_NEW_INDIRECT] = "thread.new-indirect",
      [TN_CANON_THREAD_RESUME_LATER] = "thread.resume-later",
      [TN_CANON_THREAD_SUSPEND] = "thread.suspend",
      [TN_CANON_THREAD_SUSPEND_THEN_RESUME] = "thread.suspend-then-resume",
      [TN_CANON_THREAD_YIELD_THEN_RESUME] = "thread.yield-then-resume",
      [TN_CANON_THREAD_SUSPEND_THEN_PROMOTE] = "thread.suspend-then-promote",
      [TN_CANON_THREAD_YIELD_THEN_PROMOTE] = "thread.yield-then-promote",
      [TN_CANON_THREAD_SPAWN_REF] = "thread.spawn-ref",
      [TN_CANON_THREAD_SPAWN_INDIRECT] = "thread.spawn-indirect",
      [TN_CANON_THREAD_AVAILABLE_PARALLELISM] = "thread.available-parallelism",
  };
  return names[kind];
}

/* What stands behind the name of a built-in, before its options. */
static void print_immediates(tn_component_printer *p, const tn_ast_canon *canon) {
  tn_buffer *out = p->out;
  switch (canon->kind) {
  case TN_CANON_TASK_RETURN:
    if (!canon->result.is_absent) {
      tn_buffer_append_text(out, " (result ");
      tn_print_valtype(p, &canon->result);
      tn_buffer_append_byte(out, ')');
    }
    break;
  case TN_CANON_CONTEXT_GET:
  case TN_CANON_CONTEXT_SET:
    tn_buffer_append_byte(out, ' ');
    tn_print_core_valtype(out, canon->context_type);
    tn_buffer_format(out, " %u", canon->context_slot);
    break;
  case TN_CANON_WAITABLE_SET_WAIT:
  case TN_CANON_WAITABLE_SET_POLL:
    if (canon->is_cancellable) tn_buffer_append_text(out, " cancellable");
    tn_buffer_format(out, " (memory %u)", canon->memory);
    break;
  case TN_CANON_THREAD_NEW_INDIRECT:
    tn_buffer_format(out, " %u (table %u)", canon->type, canon->table);
    break;
  case TN_CANON_THREAD_SPAWN_REF:
    tn_buffer_format(out, "%s %u", canon->is_shared ? " shared" : "", canon->type);
    break;
  case TN_CANON_THREAD_SPAWN_INDIRECT:
    tn_buffer_format(out, "%s %u (table %u)", canon->is_shared ? " shared" : "", canon->type,
                     canon->table);
    break;
  case TN_CANON_THREAD_AVAILABLE_PARALLELISM:
    if (canon->is_shared) tn_buffer_append_text(out, " shared");
    break;
  default: {
    bool has_type =
        (canon->kind >= TN_CANON_RESOURCE_NEW && canon->kind <= TN_CANON_RESOURCE_REP) ||
        (canon->kind >= TN_CANON_STREAM_NEW && canon->kind <= TN_CANON_FUTURE_DROP_WRITABLE);
    if (has_type) tn_buffer_format(out, " %u", canon->type);
    if (canon->is_cancellable) tn_buffer_append_text(out, " cancellable");
    if (canon->is_async) tn_buffer_append_text(out, " async");
  }
  }
}

static void print_canon(tn_component_printer *p, const tn_ast_canon *canon) {
  if (canon->kind == TN_CANON_LIFT) {
    tn_buffer_append_text(p->out, "(func ");
    tn_print_new_index(p, TN_SORT_FUNC);
    tn_buffer_format(p->out, " (type %u) (canon lift (core func %u)", canon->type, canon->func);
  } else {
    tn_buffer_append_text(p->out, "(core func ");
    tn_print_new_index(p, TN_SORT_CORE_FUNC);
    if (canon->kind == TN_CANON_LOWER) {
      tn_buffer_format(p->out, " (canon lower (func %u)", canon->func);
    } else {
      tn_buffer_format(p->out, " (canon %s", canon_name(canon->kind));
      print_immediates(p, canon);
    }
  }
  print_options(p, canon);
  tn_buffer_append_text(p->out, "))");
}

/* ---- the others ----------------------------------------------------------------------------------------- */

static void print_start(tn_component_printer *p, const tn_ast_start *start) {
  tn_buffer_format(p->out, "(start %u", start->func);
  for (uint32_t i = 0; i < start->argument_count; i++)
    tn_buffer_format(p->out, " (value %u)", start->arguments[i]);
  for (uint32_t i = 0; i < start->result_count; i++) {
    tn_buffer_append_text(p->out, " (result (value ");
    tn_print_new_index(p, TN_SORT_VALUE);
    tn_buffer_append_text(p->out, "))");
  }
  tn_buffer_append_byte(p->out, ')');
}

static void print_import(tn_component_printer *p, const tn_ast_import *import) {
  tn_buffer_append_text(p->out, "(import ");
  tn_print_extern_name(p, &import->name);
  tn_buffer_append_byte(p->out, ' ');
  tn_print_extern_type(p, &import->type, true);
  tn_buffer_append_byte(p->out, ')');
}

static void print_export(tn_component_printer *p, const tn_ast_export *export_) {
  tn_buffer_append_text(p->out, "(export ");
  tn_print_new_index(p, export_->item.sort);
  tn_buffer_append_byte(p->out, ' ');
  tn_print_extern_name(p, &export_->name);
  tn_buffer_format(p->out, " (%s %u)", tn_print_sort(export_->item.sort), export_->item.index);
  if (export_->has_type) {
    tn_buffer_append_byte(p->out, ' ');
    tn_print_extern_type(p, &export_->type, false);
  }
  tn_buffer_append_byte(p->out, ')');
}

static void print_value(tn_component_printer *p, const tn_ast_value *value) {
  tn_buffer_append_text(p->out, "(value ");
  tn_print_new_index(p, TN_SORT_VALUE);
  tn_buffer_append_byte(p->out, ' ');
  tn_print_valtype(p, &value->type);
  tn_buffer_format(p->out, " (; %zu bytes ;))", value->bytes.len);
}

static void print_custom(tn_component_printer *p, const tn_custom_section *custom) {
  tn_print_line(p);
  tn_buffer_append_text(p->out, ";; custom section ");
  tn_print_string(p->out, custom->name);
  tn_buffer_format(p->out, ", %zu bytes", custom->bytes.len);
}

static void print_contents(tn_component_printer *p, const tn_component_ast *component);

/* The decoder bounds how deep components nest. */
static void print_nested(tn_component_printer *p, const tn_component_ast *component) {
  tn_component_printer inner = {.out = p->out, .indent = p->indent + 1};
  tn_buffer_append_text(p->out, "(component ");
  tn_print_new_index(p, TN_SORT_COMPONENT);
  print_contents(&inner, component);
  tn_print_line(p);
  tn_buffer_append_byte(p->out, ')');
}

static void print_definition(tn_component_printer *p, const tn_definition *definition) {
  tn_print_line(p);
  switch (definition->kind) {
  case TN_DEFINITION_CORE_MODULE:
    print_core_module(p, definition->core_module);
    break;
  case TN_DEFINITION_CORE_INSTANCE:
    print_core_instance(p, &definition->core_instance);
    break;
  case TN_DEFINITION_CORE_TYPE:
    tn_print_core_type(p, definition->core_type);
    break;
  case TN_DEFINITION_COMPONENT:
    print_nested(p, definition->component);
    break;
  case TN_DEFINITION_INSTANCE:
    print_instance(p, &definition->instance);
    break;
  case TN_DEFINITION_ALIAS:
    tn_print_alias(p, &definition->alias);
    break;
  case TN_DEFINITION_TYPE:
    tn_print_type(p, definition->type);
    break;
  case TN_DEFINITION_CANON:
    print_canon(p, &definition->canon);
    break;
  case TN_DEFINITION_START:
    print_start(p, &definition->start);
    break;
  case TN_DEFINITION_IMPORT:
    print_import(p, &definition->import);
    break;
  case TN_DEFINITION_EXPORT:
    print_export(p, &definition->export_);
    break;
  case TN_DEFINITION_VALUE:
    print_value(p, &definition->value);
    break;
  }
}

static void print_contents(tn_component_printer *p, const tn_component_ast *component) {
  for (uint32_t i = 0; i < component->definition_count; i++)
    print_definition(p, &component->definitions[i]);
  for (uint32_t i = 0; i < component->custom_count; i++)
    print_custom(p, &component->customs[i]);
}

tn_error *tn_print_component(tn_buffer *out, const tn_component_ast *component) {
  tn_component_printer p = {.out = out, .indent = 1};
  tn_buffer_append_text(out, "(component");
  print_contents(&p, component);
  tn_buffer_append_text(out, "\n)\n");
  return out->failed ? tn_error_no_memory() : NULL;
}
