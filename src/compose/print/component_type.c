/* Types in the component text format: Explainer.md#type-definitions. */
#include "component/type.h"
#include "compose/print/component.h"

/* ---- small things --------------------------------------------------------------------------------------- */

void tn_print_line(tn_component_printer *p) {
  tn_buffer_append_byte(p->out, '\n');
  for (uint32_t i = 0; i < p->indent; i++)
    tn_buffer_append_text(p->out, "  ");
}

void tn_print_string(tn_buffer *out, tn_str text) {
  tn_buffer_append_byte(out, '"');
  for (size_t i = 0; i < text.len; i++) {
    uint8_t byte = (uint8_t)text.data[i];
    bool is_plain = byte >= 0x20 && byte != 0x7f && byte != '"' && byte != '\\';
    if (is_plain) {
      tn_buffer_append_byte(out, byte);
    } else {
      tn_buffer_format(out, "\\%02x", byte);
    }
  }
  tn_buffer_append_byte(out, '"');
}

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

void tn_print_new_index(tn_component_printer *p, tn_sort sort) {
  tn_buffer_format(p->out, "(;%u;)", p->counts[sort]++);
}

static void print_attribute(tn_component_printer *p, const char *name, tn_str value) {
  if (value.data == NULL) return;
  tn_buffer_format(p->out, " (%s ", name);
  tn_print_string(p->out, value);
  tn_buffer_append_byte(p->out, ')');
}

void tn_print_extern_name(tn_component_printer *p, const tn_extern_name *name) {
  tn_print_string(p->out, name->name);
  print_attribute(p, "implements", name->implements);
  print_attribute(p, "versionsuffix", name->version_suffix);
  print_attribute(p, "external-id", name->external_id);
}

/* ---- core types ----------------------------------------------------------------------------------------- */

void tn_print_core_valtype(tn_buffer *out, tn_core_valtype type) {
  static const char *const heaps[] = {"nocont", "noexn",  "nofunc", "noextern", "none",
                                      "func",   "extern", "any",    "eq",       "i31",
                                      "struct", "array",  "exn",    "?",        "cont"};
  enum { REF_NULL = 0x63, FIRST_HEAP = 0x75 - 0x80 };
  const char *number = tn_core_number_name(type.code);
  if (number != NULL) {
    tn_buffer_append_text(out, number);
    return;
  }
  tn_buffer_append_text(out, type.code == REF_NULL ? "(ref null " : "(ref ");
  if (type.heap >= 0) {
    tn_buffer_format(out, "%d", type.heap);
  } else {
    int32_t place = FIRST_HEAP - type.heap; /* they go down from nocont */
    bool is_known = place >= 0 && place < (int32_t)(sizeof heaps / sizeof *heaps);
    tn_buffer_append_text(out, is_known ? heaps[place] : "?");
  }
  tn_buffer_append_byte(out, ')');
}

static void print_core_valtypes(tn_buffer *out, const char *what, const tn_core_valtype *types,
                                uint32_t count) {
  if (count == 0) return;
  tn_buffer_format(out, " (%s", what);
  for (uint32_t i = 0; i < count; i++) {
    tn_buffer_append_byte(out, ' ');
    tn_print_core_valtype(out, types[i]);
  }
  tn_buffer_append_byte(out, ')');
}

static void print_core_func_type(tn_buffer *out, const tn_core_func_type *type) {
  print_core_valtypes(out, "param", type->params, type->param_count);
  print_core_valtypes(out, "result", type->results, type->result_count);
}

static void print_limits(tn_buffer *out, const tn_core_limits *limits) {
  if (limits->is_64) tn_buffer_append_text(out, " i64");
  tn_buffer_format(out, " %llu", (unsigned long long)limits->min);
  if (limits->has_max) tn_buffer_format(out, " %llu", (unsigned long long)limits->max);
  if (limits->is_shared) tn_buffer_append_text(out, " shared");
  if (limits->has_page_size)
    tn_buffer_format(out, " (pagesize %u)", 1u << (limits->page_size_log2 & 31));
}

static void print_core_global(tn_buffer *out, const tn_core_extern_type *type) {
  tn_buffer_append_byte(out, ' ');
  if (type->is_shared) tn_buffer_append_text(out, "(shared ");
  if (type->is_mutable) tn_buffer_append_text(out, "(mut ");
  tn_print_core_valtype(out, type->valtype);
  if (type->is_mutable) tn_buffer_append_byte(out, ')');
  if (type->is_shared) tn_buffer_append_byte(out, ')');
}

void tn_print_core_extern_type(tn_component_printer *p, const tn_core_extern_type *type) {
  static const char *const names[] = {"func", "table", "memory", "global", "tag"};
  tn_buffer_format(p->out, "(%s", names[type->kind]);
  switch (type->kind) {
  case TN_CORE_EXTERN_FUNC:
  case TN_CORE_EXTERN_TAG:
    if (type->func != NULL) {
      print_core_func_type(p->out, type->func);
    } else {
      tn_buffer_format(p->out, " (type %u)", type->type_index);
    }
    break;
  case TN_CORE_EXTERN_TABLE:
    print_limits(p->out, &type->limits);
    tn_buffer_append_byte(p->out, ' ');
    tn_print_core_valtype(p->out, type->valtype);
    break;
  case TN_CORE_EXTERN_MEMORY:
    print_limits(p->out, &type->limits);
    break;
  case TN_CORE_EXTERN_GLOBAL:
    print_core_global(p->out, type);
    break;
  }
  tn_buffer_append_byte(p->out, ')');
}

/* Any core type but those of modules. */
static void print_plain_core_type(tn_component_printer *p, const char *begin,
                                  const tn_core_type *type) {
  bool is_plain = type->kind == TN_CORE_TYPE_FUNC && type->is_final && !type->has_supertype &&
                  type->group_size == 1;
  tn_buffer_append_text(p->out, begin);
  tn_print_new_index(p, TN_SORT_CORE_TYPE);
  if (is_plain) {
    tn_buffer_append_text(p->out, " (func");
    print_core_func_type(p->out, &type->func);
    tn_buffer_append_byte(p->out, ')');
  } else {
    tn_buffer_format(p->out, " (; %zu bytes, in a group of %u ;)", type->encoded.len,
                     type->group_size);
  }
  tn_buffer_append_byte(p->out, ')');
}

static void print_core_decl(tn_component_printer *p, const tn_core_decl *decl) {
  tn_print_line(p);
  switch (decl->kind) {
  case TN_CORE_DECL_IMPORT:
    tn_buffer_append_text(p->out, "(import ");
    tn_print_string(p->out, decl->import.module);
    tn_buffer_append_byte(p->out, ' ');
    tn_print_string(p->out, decl->import.name);
    tn_buffer_append_byte(p->out, ' ');
    tn_print_core_extern_type(p, &decl->import.type);
    tn_buffer_append_byte(p->out, ')');
    break;
  case TN_CORE_DECL_TYPE:
    print_plain_core_type(p, "(type ", decl->type);
    break;
  case TN_CORE_DECL_ALIAS_OUTER:
    tn_buffer_format(p->out, "(alias outer %u %u (type ", decl->outer.count, decl->outer.index);
    tn_print_new_index(p, TN_SORT_CORE_TYPE);
    tn_buffer_append_text(p->out, "))");
    break;
  case TN_CORE_DECL_EXPORT:
    tn_buffer_append_text(p->out, "(export ");
    tn_print_string(p->out, decl->export_.name);
    tn_buffer_append_byte(p->out, ' ');
    tn_print_core_extern_type(p, &decl->export_.type);
    tn_buffer_append_byte(p->out, ')');
    break;
  }
}

static void print_module_type(tn_component_printer *p, const tn_core_type *type) {
  tn_component_printer inner = {.out = p->out, .indent = p->indent + 1};
  tn_buffer_append_text(p->out, " (module");
  for (uint32_t i = 0; i < type->decl_count; i++)
    print_core_decl(&inner, &type->decls[i]);
  tn_buffer_append_byte(p->out, ')');
}

void tn_print_core_type(tn_component_printer *p, const tn_core_type *type) {
  if (type->kind != TN_CORE_TYPE_MODULE) {
    print_plain_core_type(p, "(core type ", type);
    return;
  }
  tn_buffer_append_text(p->out, "(core type ");
  tn_print_new_index(p, TN_SORT_CORE_TYPE);
  print_module_type(p, type);
  tn_buffer_append_byte(p->out, ')');
}

/* ---- component types ------------------------------------------------------------------------------------ */

void tn_print_valtype(tn_component_printer *p, const tn_ast_valtype *type) {
  if (type->is_index) {
    tn_buffer_format(p->out, "%u", type->index);
  } else {
    tn_buffer_append_text(p->out, tn_primitive_name(type->primitive));
  }
}

/* " (what …)", or nothing for a type that is absent. */
static void print_part(tn_component_printer *p, const char *what, const tn_ast_valtype *type) {
  if (type->is_absent) return;
  tn_buffer_format(p->out, " (%s ", what);
  tn_print_valtype(p, type);
  tn_buffer_append_byte(p->out, ')');
}

/* With `what` NULL only what is in it: labels of enums and flags, types of tuples. */
static void print_fields(tn_component_printer *p, const tn_ast_type *type, const char *what) {
  for (uint32_t i = 0; i < type->field_count; i++) {
    const tn_ast_field *field = &type->fields[i];
    tn_buffer_append_byte(p->out, ' ');
    if (what != NULL) tn_buffer_format(p->out, "(%s ", what);
    if (field->label.data != NULL) tn_print_string(p->out, field->label);
    if (!field->type.is_absent) {
      if (field->label.data != NULL) tn_buffer_append_byte(p->out, ' ');
      tn_print_valtype(p, &field->type);
    }
    if (what != NULL) tn_buffer_append_byte(p->out, ')');
  }
}

static void print_decl(tn_component_printer *p, const tn_ast_decl *decl) {
  tn_print_line(p);
  switch (decl->kind) {
  case TN_DECL_CORE_TYPE:
    tn_print_core_type(p, decl->core_type);
    break;
  case TN_DECL_TYPE:
    tn_print_type(p, decl->type);
    break;
  case TN_DECL_ALIAS:
    tn_print_alias(p, &decl->alias);
    break;
  case TN_DECL_IMPORT:
    tn_buffer_append_text(p->out, "(import ");
    tn_print_extern_name(p, &decl->import.name);
    tn_buffer_append_byte(p->out, ' ');
    tn_print_extern_type(p, &decl->import.type, true);
    tn_buffer_append_byte(p->out, ')');
    break;
  case TN_DECL_EXPORT:
    tn_buffer_append_text(p->out, "(export ");
    tn_print_extern_name(p, &decl->export_.name);
    tn_buffer_append_byte(p->out, ' ');
    tn_print_extern_type(p, &decl->export_.type, true);
    tn_buffer_append_byte(p->out, ')');
    break;
  }
}

/* The decoder bounds how deep types nest. */
static void print_decls(tn_component_printer *p, const tn_ast_type *type) {
  tn_component_printer inner = {.out = p->out, .indent = p->indent + 1};
  for (uint32_t i = 0; i < type->decl_count; i++)
    print_decl(&inner, &type->decls[i]);
}

static void print_resource(tn_component_printer *p, const tn_ast_type *type) {
  tn_buffer_append_text(p->out, " (rep ");
  tn_print_core_valtype(p->out, type->representation);
  tn_buffer_append_byte(p->out, ')');
  if (type->has_destructor) tn_buffer_format(p->out, " (dtor (func %u))", type->destructor);
}

static void print_elements(tn_component_printer *p, const tn_ast_valtype *first,
                           const tn_ast_valtype *second) {
  if (!first->is_absent) {
    tn_buffer_append_byte(p->out, ' ');
    tn_print_valtype(p, first);
  }
  if (second == NULL) return;
  tn_buffer_append_byte(p->out, ' ');
  tn_print_valtype(p, second);
}

static void print_body(tn_component_printer *p, const tn_ast_type *type) {
  switch (type->kind) {
  case TN_AST_RECORD:
    print_fields(p, type, "field");
    break;
  case TN_AST_VARIANT:
    print_fields(p, type, "case");
    break;
  case TN_AST_TUPLE:
  case TN_AST_FLAGS:
  case TN_AST_ENUM:
    print_fields(p, type, NULL);
    break;
  case TN_AST_LIST:
  case TN_AST_OPTION:
  case TN_AST_STREAM:
  case TN_AST_FUTURE:
    print_elements(p, &type->element, NULL);
    break;
  case TN_AST_FIXED_LIST:
    print_elements(p, &type->element, NULL);
    tn_buffer_format(p->out, " %u", type->length);
    break;
  case TN_AST_MAP:
    print_elements(p, &type->key, &type->element);
    break;
  case TN_AST_RESULT:
    print_elements(p, &type->element, NULL);
    print_part(p, "error", &type->error);
    break;
  case TN_AST_OWN:
  case TN_AST_BORROW:
    tn_buffer_format(p->out, " %u", type->resource);
    break;
  case TN_AST_FUNC:
    if (type->is_async) tn_buffer_append_text(p->out, " async");
    print_fields(p, type, "param");
    print_part(p, "result", &type->element);
    break;
  case TN_AST_COMPONENT:
  case TN_AST_INSTANCE:
    print_decls(p, type);
    break;
  case TN_AST_RESOURCE:
    print_resource(p, type);
    break;
  case TN_AST_PRIMITIVE:
    break;
  }
}

void tn_print_type(tn_component_printer *p, const tn_ast_type *type) {
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
  tn_buffer_append_text(p->out, "(type ");
  tn_print_new_index(p, TN_SORT_TYPE);
  tn_buffer_append_byte(p->out, ' ');
  if (type->kind == TN_AST_PRIMITIVE) {
    tn_print_valtype(p, &(tn_ast_valtype){.primitive = type->primitive});
  } else {
    tn_buffer_format(p->out, "(%s", names[type->kind]);
    print_body(p, type);
    tn_buffer_append_byte(p->out, ')');
  }
  tn_buffer_append_byte(p->out, ')');
}

void tn_print_extern_type(tn_component_printer *p, const tn_ast_extern_type *type, bool index) {
  tn_buffer_format(p->out, "(%s ", tn_print_sort(type->sort));
  if (index) {
    tn_print_new_index(p, type->sort);
    tn_buffer_append_byte(p->out, ' ');
  }
  if (type->sort == TN_SORT_TYPE && type->bound == TN_BOUND_SUB_RESOURCE) {
    tn_buffer_append_text(p->out, "(sub resource)");
  } else if (type->sort == TN_SORT_TYPE || (type->sort == TN_SORT_VALUE && type->value_is_eq)) {
    tn_buffer_format(p->out, "(eq %u)", type->index);
  } else if (type->sort == TN_SORT_VALUE) {
    tn_print_valtype(p, &type->value_type);
  } else {
    tn_buffer_format(p->out, "(type %u)", type->index);
  }
  tn_buffer_append_byte(p->out, ')');
}

void tn_print_alias(tn_component_printer *p, const tn_ast_alias *alias) {
  const char *sort = tn_print_sort(alias->sort);
  switch (alias->kind) {
  case TN_ALIAS_EXPORT:
    tn_buffer_format(p->out, "(alias export %u ", alias->instance);
    tn_print_string(p->out, alias->name);
    break;
  case TN_ALIAS_CORE_EXPORT:
    tn_buffer_format(p->out, "(alias core export %u ", alias->instance);
    tn_print_string(p->out, alias->name);
    break;
  case TN_ALIAS_OUTER:
    tn_buffer_format(p->out, "(alias outer %u %u", alias->outer_count, alias->outer_index);
    break;
  }
  tn_buffer_format(p->out, " (%s ", sort);
  tn_print_new_index(p, alias->sort);
  tn_buffer_append_text(p->out, "))");
}
