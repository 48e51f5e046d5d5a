/* Components and their definitions in the text format: Explainer.md#component-definitions. */
#include "compose/print/component.h"

#include "component/binary/names.h"

/* "(memory $m)" behind a blank. */
static void print_group(tn_component_printer *c, const char *what, tn_sort sort, uint32_t index) {
  tn_buffer_format(&c->p->out, " (%s ", what);
  tn_print_item(c, sort, index);
  tn_print_text(c->p, ")");
}

/* ---- instances ------------------------------------------------------------------------------------------ */

/* In inline exports and arguments of core instances, core sorts have no "core" in front. */
static const char *core_sort(tn_sort sort) {
  return tn_print_sort(sort) + strlen("core ");
}

/* What both kinds of instances begin with. Returns what closes the instance. */
static uint64_t open_instance(tn_component_printer *c, tn_sort sort) {
  uint64_t opened = tn_print_open(c->p, tn_print_sort(sort));
  tn_print_text(c->p, " ");
  tn_print_new_item(c, sort);
  return opened;
}

static uint64_t open_instantiate(tn_component_printer *c, tn_sort sort, uint32_t index) {
  tn_print_text(c->p, " ");
  uint64_t opened = tn_print_open(c->p, "instantiate ");
  tn_print_item(c, sort, index);
  return opened;
}

static tn_error *print_core_instance(tn_component_printer *c, const tn_ast_core_instance *instance,
                                     uint32_t offset) {
  uint64_t opened = open_instance(c, TN_SORT_CORE_INSTANCE), inner = 0;
  if (instance->is_instantiate) inner = open_instantiate(c, TN_SORT_CORE_MODULE, instance->module);
  for (uint32_t i = 0; i < instance->argument_count; i++) {
    const tn_ast_core_argument *argument = &instance->arguments[i];
    tn_print_newline(c->p, offset);
    tn_print_text(c->p, instance->is_instantiate ? "(with " : "(export ");
    tn_print_string(c->p, argument->name);
    print_group(c, core_sort(argument->item.sort), argument->item.sort, argument->item.index);
    tn_print_text(c->p, ")");
    TN_TRY(tn_printer_flush(c->p));
  }
  if (instance->is_instantiate) tn_print_close(c->p, inner);
  tn_print_close(c->p, opened);
  return NULL;
}

static tn_error *print_instance(tn_component_printer *c, const tn_ast_instance *instance,
                                uint32_t offset) {
  uint64_t opened = open_instance(c, TN_SORT_INSTANCE), inner = 0;
  if (instance->is_instantiate) inner = open_instantiate(c, TN_SORT_COMPONENT, instance->component);
  for (uint32_t i = 0; i < instance->argument_count; i++) {
    const tn_ast_argument *argument = &instance->arguments[i];
    tn_print_newline(c->p, offset);
    tn_print_text(c->p, instance->is_instantiate ? "(with " : "(export ");
    tn_print_extern_name(c->p, &argument->name);
    print_group(c, tn_print_sort(argument->item.sort), argument->item.sort, argument->item.index);
    tn_print_text(c->p, ")");
    TN_TRY(tn_printer_flush(c->p));
  }
  if (instance->is_instantiate) tn_print_close(c->p, inner);
  tn_print_close(c->p, opened);
  return NULL;
}

/* ---- canonical definitions ------------------------------------------------------------------------------ */

static void print_options(tn_component_printer *c, const tn_ast_canon *canon) {
  static const char *const names[] = {
      [TN_OPTION_UTF8] = " string-encoding=utf8",
      [TN_OPTION_UTF16] = " string-encoding=utf16",
      [TN_OPTION_LATIN1_UTF16] = " string-encoding=latin1+utf16",
      [TN_OPTION_MEMORY] = "memory",
      [TN_OPTION_REALLOC] = "realloc",
      [TN_OPTION_POST_RETURN] = "post-return",
      [TN_OPTION_ASYNC] = " async",
      [TN_OPTION_CALLBACK] = "callback",
  };
  for (uint32_t i = 0; i < canon->option_count; i++) {
    const tn_ast_canon_option *option = &canon->options[i];
    const char *name = names[option->kind];
    switch (option->kind) {
    case TN_OPTION_MEMORY:
      print_group(c, name, TN_SORT_CORE_MEMORY, option->index);
      break;
    case TN_OPTION_REALLOC:
    case TN_OPTION_POST_RETURN:
    case TN_OPTION_CALLBACK:
      print_group(c, name, TN_SORT_CORE_FUNC, option->index);
      break;
    default:
      tn_print_text(c->p, name);
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

static void print_space_item(tn_component_printer *c, tn_sort sort, uint32_t index) {
  tn_print_text(c->p, " ");
  tn_print_item(c, sort, index);
}

/* What stands behind the name of a built-in, before its options. */
static void print_immediates(tn_component_printer *c, const tn_ast_canon *canon) {
  if (canon->is_shared) tn_print_text(c->p, " shared");
  switch (canon->kind) {
  case TN_CANON_TASK_RETURN:
    if (canon->result.is_absent) break;
    tn_print_text(c->p, " (result ");
    tn_print_valtype(c, &canon->result);
    tn_print_text(c->p, ")");
    break;
  case TN_CANON_CONTEXT_GET:
  case TN_CANON_CONTEXT_SET:
    tn_print_text(c->p, " ");
    tn_print_core_valtype(c->p, &c->core, canon->context_type);
    tn_print_space_number(c->p, canon->context_slot);
    break;
  case TN_CANON_WAITABLE_SET_WAIT:
  case TN_CANON_WAITABLE_SET_POLL:
    if (canon->is_cancellable) tn_print_text(c->p, " cancellable");
    print_group(c, "memory", TN_SORT_CORE_MEMORY, canon->memory);
    break;
  case TN_CANON_THREAD_SPAWN_REF:
    print_space_item(c, TN_SORT_CORE_TYPE, canon->type);
    break;
  case TN_CANON_THREAD_NEW_INDIRECT:
  case TN_CANON_THREAD_SPAWN_INDIRECT:
    print_space_item(c, TN_SORT_CORE_TYPE, canon->type);
    print_space_item(c, TN_SORT_CORE_TABLE, canon->table);
    break;
  default: {
    bool has_type =
        (canon->kind >= TN_CANON_RESOURCE_NEW && canon->kind <= TN_CANON_RESOURCE_REP) ||
        (canon->kind >= TN_CANON_STREAM_NEW && canon->kind <= TN_CANON_FUTURE_DROP_WRITABLE);
    if (has_type) print_space_item(c, TN_SORT_TYPE, canon->type);
    if (canon->is_cancellable) tn_print_text(c->p, " cancellable");
    if (canon->is_async) tn_print_text(c->p, " async");
  }
  }
}

static void print_canon(tn_component_printer *c, const tn_ast_canon *canon) {
  if (canon->kind == TN_CANON_LIFT) {
    tn_print_text(c->p, "(func ");
    tn_print_new_item(c, TN_SORT_FUNC);
    print_group(c, "type", TN_SORT_TYPE, canon->type);
    tn_print_text(c->p, " (canon lift");
    print_group(c, "core func", TN_SORT_CORE_FUNC, canon->func);
  } else {
    tn_print_text(c->p, "(core func ");
    tn_print_new_item(c, TN_SORT_CORE_FUNC);
    if (canon->kind == TN_CANON_LOWER) {
      tn_print_text(c->p, " (canon lower");
      print_group(c, "func", TN_SORT_FUNC, canon->func);
    } else {
      tn_buffer_format(&c->p->out, " (canon %s", canon_name(canon->kind));
      print_immediates(c, canon);
    }
  }
  print_options(c, canon);
  tn_print_text(c->p, "))");
}

/* ---- the others ----------------------------------------------------------------------------------------- */

static void print_start(tn_component_printer *c, const tn_ast_start *start) {
  tn_print_text(c->p, "(start ");
  tn_print_item(c, TN_SORT_FUNC, start->func);
  for (uint32_t i = 0; i < start->argument_count; i++)
    print_group(c, "value", TN_SORT_VALUE, start->arguments[i]);
  for (uint32_t i = 0; i < start->result_count; i++) {
    tn_print_text(c->p, " (result (value ");
    tn_print_new_item(c, TN_SORT_VALUE);
    tn_print_text(c->p, "))");
  }
  tn_print_text(c->p, ")");
}

static void print_import(tn_component_printer *c, const tn_ast_import *import) {
  tn_print_text(c->p, "(import ");
  tn_print_extern_name(c->p, &import->name);
  tn_print_text(c->p, " ");
  tn_print_extern_type(c, &import->type, true);
  tn_print_text(c->p, ")");
}

static void print_export(tn_component_printer *c, const tn_ast_export *export_) {
  tn_sort sort = export_->item.sort;
  tn_print_text(c->p, "(export ");
  tn_print_new_item(c, sort);
  tn_print_text(c->p, " ");
  tn_print_extern_name(c->p, &export_->name);
  print_group(c, tn_print_sort(sort), sort, export_->item.index);
  if (export_->has_type) {
    tn_print_text(c->p, " ");
    tn_print_extern_type(c, &export_->type, false);
  }
  tn_print_text(c->p, ")");
}

static void print_value(tn_component_printer *c, const tn_ast_value *value) {
  tn_print_text(c->p, "(; value ");
  tn_print_new_item(c, TN_SORT_VALUE);
  tn_print_text(c->p, " ");
  tn_print_valtype(c, &value->type);
  tn_buffer_format(&c->p->out, ", %zu bytes ;)", value->bytes.len);
}

/* ---- names ---------------------------------------------------------------------------------------------- */

static tn_error *read_sort_names(tn_component_printer *c, tn_reader *in) {
  static const char *const kinds[TN_SORT_COUNT] = {[TN_SORT_CORE_FUNC] = "core-func",
                                                   [TN_SORT_CORE_TABLE] = "core-table",
                                                   [TN_SORT_CORE_MEMORY] = "core-memory",
                                                   [TN_SORT_CORE_GLOBAL] = "core-global",
                                                   [TN_SORT_CORE_TAG] = "core-tag",
                                                   [TN_SORT_CORE_TYPE] = "core-type",
                                                   [TN_SORT_CORE_MODULE] = "core-module",
                                                   [TN_SORT_CORE_INSTANCE] = "core-instance",
                                                   [TN_SORT_FUNC] = "func",
                                                   [TN_SORT_VALUE] = "value",
                                                   [TN_SORT_TYPE] = "type",
                                                   [TN_SORT_COMPONENT] = "component",
                                                   [TN_SORT_INSTANCE] = "instance"};
  uint8_t code[2] = {0};
  TN_TRY(tn_read_byte(in, &code[0]));
  if (code[0] == 0) TN_TRY(tn_read_byte(in, &code[1]));
  for (tn_sort sort = 0; sort < TN_SORT_COUNT; sort++) {
    if (memcmp(tn_sort_codes[sort], code, sizeof code) == 0)
      return tn_identifiers_read(c->arena, in, kinds[sort], tn_component_names(c, sort));
  }
  return NULL;
}

static tn_error *read_names(tn_component_printer *c, tn_reader *in) {
  enum { SORT_NAMES = 1 };
  while (tn_reader_remaining(in) > 0) {
    uint8_t id;
    tn_reader contents;
    TN_TRY(tn_read_byte(in, &id));
    TN_TRY(tn_read_sized(in, &contents));
    if (id == SORT_NAMES) TN_TRY(read_sort_names(c, &contents));
  }
  return NULL;
}

static bool is_name_section(const tn_custom_section *custom) {
  return tn_str_equal(custom->name, TN_STR("component-name"));
}

/* As in core modules, a name section that cannot be read is no error. */
static tn_error *find_names(tn_component_printer *c, const tn_component_ast *component) {
  for (uint32_t i = 0; i < component->custom_count; i++) {
    if (!is_name_section(&component->customs[i])) continue;
    tn_reader in = tn_reader_new(component->customs[i].bytes, 0);
    tn_error *error = read_names(c, &in);
    if (error != NULL && tn_error_get_kind(error) == TN_ERROR_NO_MEMORY) return error;
    tn_error_delete(error);
  }
  for (tn_sort sort = 0; sort < TN_SORT_COUNT; sort++)
    tn_identifiers_sort(tn_component_names(c, sort));
  return NULL;
}

/* ---- contents ------------------------------------------------------------------------------------------- */

static tn_error *print_core_module(tn_component_printer *c, const tn_core_module *module) {
  uint64_t opened = tn_print_open(c->p, "core module ");
  tn_print_new_item(c, TN_SORT_CORE_MODULE);
  TN_TRY(tn_print_core_module(c->p, module->bytes, module->offset, true));
  tn_print_close_at(c->p, opened, module->offset + (uint32_t)module->bytes.len);
  return NULL;
}

static tn_error *print_contents(tn_component_printer *c, const tn_component_ast *component);

/* The decoder bounds how deep components nest. */
static tn_error *print_nested(tn_component_printer *c, const tn_component_ast *component) {
  uint64_t opened = tn_print_open(c->p, "component ");
  tn_print_new_item(c, TN_SORT_COMPONENT);
  tn_component_printer inner = {.p = c->p, .arena = c->arena, .outer = c};
  TN_TRY(print_contents(&inner, component));
  tn_print_close_at(c->p, opened, component->offset + (uint32_t)component->bytes.len);
  return NULL;
}

static tn_error *print_definition(tn_component_printer *c, const tn_definition *definition) {
  if (definition->kind == TN_DEFINITION_CORE_TYPE)
    return tn_print_core_definition(c, definition->core_type, definition->offset);
  tn_print_newline(c->p, definition->offset);
  switch (definition->kind) {
  case TN_DEFINITION_CORE_MODULE:
    return print_core_module(c, definition->core_module);
  case TN_DEFINITION_CORE_INSTANCE:
    return print_core_instance(c, &definition->core_instance, definition->offset);
  case TN_DEFINITION_COMPONENT:
    return print_nested(c, definition->component);
  case TN_DEFINITION_INSTANCE:
    return print_instance(c, &definition->instance, definition->offset);
  case TN_DEFINITION_TYPE:
    return tn_print_type(c, definition->type);
  case TN_DEFINITION_ALIAS:
    tn_print_alias(c, &definition->alias);
    break;
  case TN_DEFINITION_CANON:
    print_canon(c, &definition->canon);
    break;
  case TN_DEFINITION_START:
    print_start(c, &definition->start);
    break;
  case TN_DEFINITION_IMPORT:
    print_import(c, &definition->import);
    break;
  case TN_DEFINITION_EXPORT:
    print_export(c, &definition->export_);
    break;
  case TN_DEFINITION_VALUE:
    print_value(c, &definition->value);
    break;
  case TN_DEFINITION_CORE_TYPE: /* see above */
    break;
  }
  return NULL;
}

/* Custom sections up to `offset`, from *next on. */
static void print_customs(tn_printer *p, const tn_component_ast *component, uint32_t offset,
                          uint32_t *next) {
  for (; *next < component->custom_count && component->customs[*next].offset <= offset; ++*next) {
    const tn_custom_section *custom = &component->customs[*next];
    if (!is_name_section(custom)) tn_print_custom(p, custom, NULL);
  }
}

static tn_error *print_contents(tn_component_printer *c, const tn_component_ast *component) {
  uint32_t next_custom = 0;
  TN_TRY(find_names(c, component));
  for (uint32_t i = 0; i < component->definition_count; i++) {
    print_customs(c->p, component, component->definitions[i].offset, &next_custom);
    TN_TRY(print_definition(c, &component->definitions[i]));
    TN_TRY(tn_printer_flush(c->p));
  }
  print_customs(c->p, component, UINT32_MAX, &next_custom);
  return NULL;
}

/* ---- files ---------------------------------------------------------------------------------------------- */

static tn_error *print_component(tn_printer *p, tn_str file) {
  tn_arena arena = {0};
  tn_component_printer c = {.p = p, .arena = &arena};
  const tn_component_ast *component;
  tn_error *error = tn_component_decode(&arena, file, &component);
  if (error == NULL && component->name.data != NULL) {
    tn_identifier name = tn_identifier_of(component->name);
    tn_print_text(p, " ");
    tn_print_definition(p, "component", &name);
  }
  if (error == NULL) error = print_contents(&c, component);
  tn_arena_free(&arena);
  return error;
}

tn_error *tn_print_file(tn_printer *p, tn_str file) {
  enum { SPARE = 64 << 20, TIMES = 128 };
  if (file.len > UINT32_MAX) return tn_error_new(TN_ERROR_MALFORMED, "file of 4 GiB or more");
  bool is_module = tn_file_kind_of(file) == TN_FILE_CORE_MODULE;
  p->left = SPARE + (uint64_t)file.len * TIMES;
  uint64_t opened = tn_print_open(p, is_module ? "module" : "component");
  TN_TRY(is_module ? tn_print_core_module(p, file, 0, false) : print_component(p, file));
  tn_print_close_at(p, opened, (uint32_t)file.len);
  return tn_printer_end(p);
}
