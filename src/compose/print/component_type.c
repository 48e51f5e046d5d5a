/* Types of components in the text format: Explainer.md#type-definitions. */
#include "component/type.h"
#include "compose/print/component.h"

/* ---- small things --------------------------------------------------------------------------------------- */

const char *tn_print_sort(tn_sort sort) {
  static const char *const names[] = {
      [TN_SORT_CORE_FUNC] = "core func",
      [TN_SORT_CORE_TABLE] = "core table",
      [TN_SORT_CORE_MEMORY] = "core memory",
      [TN_SORT_CORE_GLOBAL] = "core global",
      [TN_SORT_CORE_TAG] = "core tag",
      [TN_SORT_CORE_TYPE] = "core type",
      [TN_SORT_CORE_MODULE] = "core module",
      [TN_SORT_CORE_INSTANCE] = "core instance",
      [TN_SORT_FUNC] = "func",
      [TN_SORT_VALUE] = "value",
      [TN_SORT_TYPE] = "type",
      [TN_SORT_COMPONENT] = "component",
      [TN_SORT_INSTANCE] = "instance",
  };
  return names[sort];
}

/* The index space of a core sort that modules have; TN_SPACE_MODULE for others. */
static tn_core_space space_of(tn_sort sort) {
  static const tn_core_space spaces[TN_SORT_COUNT] = {
      [TN_SORT_CORE_FUNC] = TN_SPACE_FUNCTION, [TN_SORT_CORE_TABLE] = TN_SPACE_TABLE,
      [TN_SORT_CORE_MEMORY] = TN_SPACE_MEMORY, [TN_SORT_CORE_GLOBAL] = TN_SPACE_GLOBAL,
      [TN_SORT_CORE_TAG] = TN_SPACE_TAG,       [TN_SORT_CORE_TYPE] = TN_SPACE_TYPE};
  return spaces[sort];
}

tn_identifiers *tn_component_names(tn_component_printer *c, tn_sort sort) {
  tn_core_space space = space_of(sort);
  return space != TN_SPACE_MODULE ? &c->core.names[space] : &c->names[sort];
}

static uint32_t *count_of(tn_component_printer *c, tn_sort sort) {
  tn_core_space space = space_of(sort);
  return space != TN_SPACE_MODULE ? &c->core.counts[space] : &c->counts[sort];
}

void tn_print_item(tn_component_printer *c, tn_sort sort, uint32_t index) {
  tn_print_index(c->p, tn_component_names(c, sort), index);
}

void tn_print_new_item(tn_component_printer *c, tn_sort sort) {
  tn_print_new(c->p, tn_component_names(c, sort), (*count_of(c, sort))++);
}

/* "(eq 3)" */
static void print_group(tn_component_printer *c, const char *what, tn_sort sort, uint32_t index) {
  tn_buffer_format(&c->p->out, "(%s ", what);
  tn_print_item(c, sort, index);
  tn_print_text(c->p, ")");
}

static void print_attribute(tn_printer *p, const char *name, tn_str value) {
  if (value.data == NULL) return;
  tn_buffer_format(&p->out, " (%s ", name);
  tn_print_string(p, value);
  tn_print_text(p, ")");
}

void tn_print_extern_name(tn_printer *p, const tn_extern_name *name) {
  tn_print_string(p, name->name);
  print_attribute(p, "implements", name->implements);
  print_attribute(p, "versionsuffix", name->version_suffix);
  print_attribute(p, "external-id", name->external_id);
}

/* ---- core types ----------------------------------------------------------------------------------------- */

/* One of a rec group's types, or a type alone, which begins with `single`. */
static tn_error *print_core_type(tn_printer *p, tn_arena *arena, tn_core_scope *scope,
                                 const tn_core_type *type, uint32_t offset, const char *single,
                                 uint64_t *group) {
  if (!type->is_grouped) {
    tn_print_newline(p, offset);
    return tn_print_core_type(p, arena, scope, single, type);
  }
  if (type->group_index == 0) {
    tn_print_newline(p, offset);
    *group = tn_print_open(p, strcmp(single, "type ") == 0 ? "rec" : "core rec");
  }
  tn_print_newline(p, type->offset);
  TN_TRY(tn_print_core_type(p, arena, scope, "type ", type));
  if (type->group_index + 1 == type->group_size) tn_print_close(p, *group);
  return NULL;
}

static tn_error *print_core_decl(tn_printer *p, tn_arena *arena, tn_core_scope *scope,
                                 const tn_core_decl *decl, uint64_t *group) {
  if (decl->kind == TN_CORE_DECL_TYPE)
    return print_core_type(p, arena, scope, decl->type, decl->offset, "type ", group);
  tn_print_newline(p, decl->offset);
  switch (decl->kind) {
  case TN_CORE_DECL_IMPORT:
    tn_print_core_import(p, scope, &decl->import, false);
    break;
  case TN_CORE_DECL_ALIAS_OUTER:
    tn_buffer_format(&p->out, "(alias outer %u %u (type ", decl->outer.count, decl->outer.index);
    tn_print_new(p, &scope->names[TN_SPACE_TYPE], scope->counts[TN_SPACE_TYPE]++);
    tn_print_text(p, "))");
    return TN_VEC_PUSH(arena, &scope->functions) != NULL ? NULL : tn_error_no_memory();
  case TN_CORE_DECL_EXPORT:
    tn_print_text(p, "(export ");
    tn_print_string(p, decl->export_.name);
    tn_print_text(p, " (");
    tn_print_core_extern_type(p, scope, &decl->export_.type, false);
    tn_print_text(p, "))");
    break;
  case TN_CORE_DECL_TYPE: /* see above */
    break;
  }
  return NULL;
}

static tn_error *print_module_type(tn_component_printer *c, const tn_core_type *type) {
  tn_core_scope scope = {0};
  uint64_t group = 0, opened = tn_print_open(c->p, "core type ");
  tn_print_new(c->p, &c->core.names[TN_SPACE_TYPE], c->core.counts[TN_SPACE_TYPE]);
  tn_print_newline(c->p, TN_NOWHERE);
  uint64_t inner = tn_print_open(c->p, "module");
  for (uint32_t i = 0; i < type->decl_count; i++) {
    TN_TRY(print_core_decl(c->p, c->arena, &scope, &type->decls[i], &group));
    TN_TRY(tn_printer_flush(c->p));
  }
  tn_print_close(c->p, inner);
  tn_print_close(c->p, opened);
  c->core.counts[TN_SPACE_TYPE]++;
  return NULL;
}

tn_error *tn_print_core_definition(tn_component_printer *c, const tn_core_type *type,
                                   uint32_t offset) {
  if (type->kind != TN_CORE_TYPE_MODULE)
    return print_core_type(c->p, c->arena, &c->core, type, offset, "core type ", &c->group);
  tn_print_newline(c->p, offset);
  return print_module_type(c, type);
}

/* ---- component types ------------------------------------------------------------------------------------ */

void tn_print_valtype(tn_component_printer *c, const tn_ast_valtype *type) {
  if (type->is_index) {
    tn_print_item(c, TN_SORT_TYPE, type->index);
  } else {
    tn_print_text(c->p, tn_primitive_name(type->primitive));
  }
}

/* " (what …)", or nothing for a type that is absent. */
static void print_part(tn_component_printer *c, const char *what, const tn_ast_valtype *type) {
  if (type->is_absent) return;
  tn_buffer_format(&c->p->out, " (%s ", what);
  tn_print_valtype(c, type);
  tn_print_text(c->p, ")");
}

/* With `what` NULL only what is in it: labels of enums and flags, types of tuples. */
static void print_fields(tn_component_printer *c, const tn_ast_type *type, const char *what) {
  for (uint32_t i = 0; i < type->field_count; i++) {
    const tn_ast_field *field = &type->fields[i];
    tn_print_text(c->p, " ");
    if (what != NULL) tn_buffer_format(&c->p->out, "(%s ", what);
    if (field->label.data != NULL) tn_print_string(c->p, field->label);
    if (!field->type.is_absent) {
      if (field->label.data != NULL) tn_print_text(c->p, " ");
      tn_print_valtype(c, &field->type);
    }
    if (what != NULL) tn_print_text(c->p, ")");
  }
}

static tn_error *print_decl(tn_component_printer *c, const tn_ast_decl *decl) {
  if (decl->kind == TN_DECL_CORE_TYPE)
    return tn_print_core_definition(c, decl->core_type, decl->offset);
  tn_print_newline(c->p, decl->offset);
  switch (decl->kind) {
  case TN_DECL_TYPE:
    return tn_print_type(c, decl->type);
  case TN_DECL_ALIAS:
    tn_print_alias(c, &decl->alias);
    break;
  case TN_DECL_IMPORT:
    tn_print_text(c->p, "(import ");
    tn_print_extern_name(c->p, &decl->import.name);
    tn_print_text(c->p, " ");
    tn_print_extern_type(c, &decl->import.type, true);
    tn_print_text(c->p, ")");
    break;
  case TN_DECL_EXPORT:
    tn_print_text(c->p, "(export ");
    tn_print_new_item(c, decl->export_.type.sort);
    tn_print_text(c->p, " ");
    tn_print_extern_name(c->p, &decl->export_.name);
    tn_print_text(c->p, " ");
    tn_print_extern_type(c, &decl->export_.type, false);
    tn_print_text(c->p, ")");
    break;
  case TN_DECL_CORE_TYPE: /* see above */
    break;
  }
  return NULL;
}

/* The decoder bounds how deep types nest. */
static tn_error *print_decls(tn_component_printer *c, const char *what, const tn_ast_type *type) {
  tn_component_printer inner = {.p = c->p, .arena = c->arena, .outer = c};
  tn_print_newline(c->p, TN_NOWHERE);
  uint64_t opened = tn_print_open(c->p, what);
  for (uint32_t i = 0; i < type->decl_count; i++) {
    TN_TRY(print_decl(&inner, &type->decls[i]));
    TN_TRY(tn_printer_flush(c->p));
  }
  tn_print_close(c->p, opened);
  return NULL;
}

static void print_resource(tn_component_printer *c, const tn_ast_type *type) {
  tn_print_text(c->p, " (rep ");
  tn_print_core_valtype(c->p, &c->core, type->representation);
  tn_print_text(c->p, ")");
  if (!type->has_destructor) return;
  tn_print_text(c->p, " ");
  print_group(c, "dtor", TN_SORT_CORE_FUNC, type->destructor);
}

static void print_element(tn_component_printer *c, const tn_ast_valtype *type) {
  if (type->is_absent) return;
  tn_print_text(c->p, " ");
  tn_print_valtype(c, type);
}

static void print_body(tn_component_printer *c, const tn_ast_type *type) {
  switch (type->kind) {
  case TN_AST_RECORD:
    print_fields(c, type, "field");
    break;
  case TN_AST_VARIANT:
    print_fields(c, type, "case");
    break;
  case TN_AST_TUPLE:
  case TN_AST_FLAGS:
  case TN_AST_ENUM:
    print_fields(c, type, NULL);
    break;
  case TN_AST_LIST:
  case TN_AST_OPTION:
  case TN_AST_STREAM:
  case TN_AST_FUTURE:
    print_element(c, &type->element);
    break;
  case TN_AST_FIXED_LIST:
    print_element(c, &type->element);
    tn_print_space_number(c->p, type->length);
    break;
  case TN_AST_MAP:
    print_element(c, &type->key);
    print_element(c, &type->element);
    break;
  case TN_AST_RESULT:
    print_element(c, &type->element);
    print_part(c, "error", &type->error);
    break;
  case TN_AST_OWN:
  case TN_AST_BORROW:
    tn_print_text(c->p, " ");
    tn_print_item(c, TN_SORT_TYPE, type->resource);
    break;
  case TN_AST_FUNC:
    if (type->is_async) tn_print_text(c->p, " async");
    print_fields(c, type, "param");
    print_part(c, "result", &type->element);
    break;
  case TN_AST_RESOURCE:
    print_resource(c, type);
    break;
  case TN_AST_PRIMITIVE:
  case TN_AST_COMPONENT:
  case TN_AST_INSTANCE:
    break;
  }
}

tn_error *tn_print_type(tn_component_printer *c, const tn_ast_type *type) {
  static const char *const names[] = {
      [TN_AST_RECORD] = "record",     [TN_AST_VARIANT] = "variant",
      [TN_AST_LIST] = "list",         [TN_AST_FIXED_LIST] = "list",
      [TN_AST_TUPLE] = "tuple",       [TN_AST_FLAGS] = "flags",
      [TN_AST_ENUM] = "enum",         [TN_AST_OPTION] = "option",
      [TN_AST_RESULT] = "result",     [TN_AST_OWN] = "own",
      [TN_AST_BORROW] = "borrow",     [TN_AST_STREAM] = "stream",
      [TN_AST_FUTURE] = "future",     [TN_AST_MAP] = "map",
      [TN_AST_FUNC] = "func",         [TN_AST_COMPONENT] = "component",
      [TN_AST_INSTANCE] = "instance", [TN_AST_RESOURCE] = "resource",
  };
  uint64_t opened = tn_print_open(c->p, "type ");
  tn_print_new_item(c, TN_SORT_TYPE);
  if (type->kind == TN_AST_COMPONENT || type->kind == TN_AST_INSTANCE) {
    TN_TRY(print_decls(c, names[type->kind], type));
  } else if (type->kind == TN_AST_PRIMITIVE) {
    tn_print_text(c->p, " ");
    tn_print_text(c->p, tn_primitive_name(type->primitive));
  } else {
    tn_buffer_format(&c->p->out, " (%s", names[type->kind]);
    print_body(c, type);
    tn_print_text(c->p, ")");
  }
  tn_print_close(c->p, opened);
  return NULL;
}

void tn_print_extern_type(tn_component_printer *c, const tn_ast_extern_type *type, bool is_new) {
  tn_buffer_format(&c->p->out, "(%s ", tn_print_sort(type->sort));
  if (is_new) {
    tn_print_new_item(c, type->sort);
    tn_print_text(c->p, " ");
  }
  if (type->sort == TN_SORT_TYPE && type->bound == TN_BOUND_SUB_RESOURCE) {
    tn_print_text(c->p, "(sub resource)");
  } else if (type->sort == TN_SORT_TYPE) {
    print_group(c, "eq", TN_SORT_TYPE, type->index);
  } else if (type->sort == TN_SORT_VALUE && type->value_is_eq) {
    print_group(c, "eq", TN_SORT_VALUE, type->index);
  } else if (type->sort == TN_SORT_VALUE && !type->value_type.is_index) {
    tn_print_valtype(c, &type->value_type);
  } else if (type->sort == TN_SORT_VALUE) {
    print_group(c, "type", TN_SORT_TYPE, type->value_type.index);
  } else {
    tn_sort sort = type->sort == TN_SORT_CORE_MODULE ? TN_SORT_CORE_TYPE : TN_SORT_TYPE;
    print_group(c, "type", sort, type->index);
  }
  tn_print_text(c->p, ")");
}

/* By its name only if it has been defined: names of what comes later mean nothing yet. */
static void print_outer_item(tn_component_printer *c, const tn_ast_alias *alias) {
  tn_component_printer *outer = c;
  for (uint32_t i = 0; i < alias->outer_count && outer != NULL; i++)
    outer = outer->outer;
  if (outer != NULL && alias->outer_index < *count_of(outer, alias->sort)) {
    tn_print_item(outer, alias->sort, alias->outer_index);
  } else {
    tn_print_number(c->p, alias->outer_index);
  }
}

void tn_print_alias(tn_component_printer *c, const tn_ast_alias *alias) {
  if (alias->kind == TN_ALIAS_OUTER) {
    tn_buffer_format(&c->p->out, "(alias outer %u ", alias->outer_count);
    print_outer_item(c, alias);
  } else {
    bool is_core = alias->kind == TN_ALIAS_CORE_EXPORT;
    tn_print_text(c->p, is_core ? "(alias core export " : "(alias export ");
    tn_print_item(c, is_core ? TN_SORT_CORE_INSTANCE : TN_SORT_INSTANCE, alias->instance);
    tn_print_text(c->p, " ");
    tn_print_string(c->p, alias->name);
  }
  tn_buffer_format(&c->p->out, " (%s ", tn_print_sort(alias->sort));
  tn_print_new_item(c, alias->sort);
  tn_print_text(c->p, "))");
}
