/* Whether two syntax trees say the same, but for where they were read from. */
#ifndef TN_TEST_COMPONENT_EQUAL_H
#define TN_TEST_COMPONENT_EQUAL_H

#include "component/ast.h"

/* Equal text, and both there or both absent. */
static inline bool names_are_equal(tn_str a, tn_str b) {
  return (a.data == NULL) == (b.data == NULL) && tn_str_equal(a, b);
}

static inline bool extern_names_are_equal(const tn_extern_name *a, const tn_extern_name *b) {
  return tn_str_equal(a->name, b->name) && names_are_equal(a->implements, b->implements) &&
         names_are_equal(a->version_suffix, b->version_suffix) &&
         names_are_equal(a->external_id, b->external_id);
}

static inline bool items_are_equal(tn_sort_index a, tn_sort_index b) {
  return a.sort == b.sort && a.index == b.index;
}

static inline bool valtypes_are_equal(tn_ast_valtype a, tn_ast_valtype b) {
  if (a.is_absent || b.is_absent) return a.is_absent == b.is_absent;
  if (a.is_index != b.is_index) return false;
  return a.is_index ? a.index == b.index : a.primitive == b.primitive;
}

static inline bool core_valtypes_are_equal(tn_core_valtype a, tn_core_valtype b) {
  return a.code == b.code && a.heap == b.heap;
}

static inline bool core_types_are_equal(const tn_core_type *a, const tn_core_type *b) {
  return a->kind == b->kind && a->is_final == b->is_final && a->has_supertype == b->has_supertype &&
         a->supertype == b->supertype && a->group_index == b->group_index &&
         a->group_size == b->group_size && tn_str_equal(a->encoded, b->encoded);
}

static inline bool extern_types_are_equal(const tn_ast_extern_type *a,
                                          const tn_ast_extern_type *b) {
  return a->sort == b->sort && a->index == b->index && a->bound == b->bound &&
         a->value_is_eq == b->value_is_eq && valtypes_are_equal(a->value_type, b->value_type);
}

static inline bool aliases_are_equal(const tn_ast_alias *a, const tn_ast_alias *b) {
  return a->kind == b->kind && a->sort == b->sort && a->instance == b->instance &&
         tn_str_equal(a->name, b->name) && a->outer_count == b->outer_count &&
         a->outer_index == b->outer_index;
}

static inline bool imports_are_equal(const tn_ast_import *a, const tn_ast_import *b) {
  return extern_names_are_equal(&a->name, &b->name) && extern_types_are_equal(&a->type, &b->type);
}

static inline bool exports_are_equal(const tn_ast_export *a, const tn_ast_export *b) {
  return extern_names_are_equal(&a->name, &b->name) && items_are_equal(a->item, b->item) &&
         a->has_type == b->has_type && (!a->has_type || extern_types_are_equal(&a->type, &b->type));
}

static inline bool types_are_equal(const tn_ast_type *a, const tn_ast_type *b);

static inline bool decls_are_equal(const tn_ast_decl *a, const tn_ast_decl *b) {
  if (a->kind != b->kind) return false;
  switch (a->kind) {
  case TN_DECL_CORE_TYPE:
    return core_types_are_equal(a->core_type, b->core_type);
  case TN_DECL_TYPE:
    return types_are_equal(a->type, b->type);
  case TN_DECL_ALIAS:
    return aliases_are_equal(&a->alias, &b->alias);
  case TN_DECL_IMPORT:
    return imports_are_equal(&a->import, &b->import);
  case TN_DECL_EXPORT:
    return exports_are_equal(&a->export_, &b->export_);
  }
  return false;
}

static inline bool types_are_equal(const tn_ast_type *a, const tn_ast_type *b) {
  bool are_equal = a->kind == b->kind && a->is_async == b->is_async &&
                   a->has_destructor == b->has_destructor && a->primitive == b->primitive &&
                   a->field_count == b->field_count && valtypes_are_equal(a->element, b->element) &&
                   valtypes_are_equal(a->error, b->error) && valtypes_are_equal(a->key, b->key) &&
                   a->length == b->length && a->resource == b->resource &&
                   core_valtypes_are_equal(a->representation, b->representation) &&
                   a->destructor == b->destructor && a->decl_count == b->decl_count;
  for (uint32_t i = 0; are_equal && i < a->field_count; i++) {
    are_equal = names_are_equal(a->fields[i].label, b->fields[i].label) &&
                valtypes_are_equal(a->fields[i].type, b->fields[i].type);
  }
  for (uint32_t i = 0; are_equal && i < a->decl_count; i++)
    are_equal = decls_are_equal(&a->decls[i], &b->decls[i]);
  return are_equal;
}

static inline bool core_instances_are_equal(const tn_ast_core_instance *a,
                                            const tn_ast_core_instance *b) {
  bool are_equal = a->is_instantiate == b->is_instantiate && a->module == b->module &&
                   a->argument_count == b->argument_count;
  for (uint32_t i = 0; are_equal && i < a->argument_count; i++) {
    are_equal = tn_str_equal(a->arguments[i].name, b->arguments[i].name) &&
                items_are_equal(a->arguments[i].item, b->arguments[i].item);
  }
  return are_equal;
}

static inline bool instances_are_equal(const tn_ast_instance *a, const tn_ast_instance *b) {
  bool are_equal = a->is_instantiate == b->is_instantiate && a->component == b->component &&
                   a->argument_count == b->argument_count;
  for (uint32_t i = 0; are_equal && i < a->argument_count; i++) {
    are_equal = extern_names_are_equal(&a->arguments[i].name, &b->arguments[i].name) &&
                items_are_equal(a->arguments[i].item, b->arguments[i].item);
  }
  return are_equal;
}

static inline bool canons_are_equal(const tn_ast_canon *a, const tn_ast_canon *b) {
  bool are_equal = a->kind == b->kind && a->func == b->func && a->type == b->type &&
                   a->option_count == b->option_count && valtypes_are_equal(a->result, b->result) &&
                   core_valtypes_are_equal(a->context_type, b->context_type) &&
                   a->context_slot == b->context_slot && a->is_async == b->is_async &&
                   a->is_cancellable == b->is_cancellable && a->is_shared == b->is_shared &&
                   a->memory == b->memory && a->table == b->table;
  for (uint32_t i = 0; are_equal && i < a->option_count; i++) {
    are_equal =
        a->options[i].kind == b->options[i].kind && a->options[i].index == b->options[i].index;
  }
  return are_equal;
}

static inline bool starts_are_equal(const tn_ast_start *a, const tn_ast_start *b) {
  bool are_equal = a->func == b->func && a->argument_count == b->argument_count &&
                   a->result_count == b->result_count;
  for (uint32_t i = 0; are_equal && i < a->argument_count; i++)
    are_equal = a->arguments[i] == b->arguments[i];
  return are_equal;
}

static inline bool components_are_equal(const tn_component_ast *a, const tn_component_ast *b);

static inline bool definitions_are_equal(const tn_definition *a, const tn_definition *b) {
  if (a->kind != b->kind) return false;
  switch (a->kind) {
  case TN_DEFINITION_CORE_MODULE:
    return tn_str_equal(a->core_module->bytes, b->core_module->bytes);
  case TN_DEFINITION_CORE_INSTANCE:
    return core_instances_are_equal(&a->core_instance, &b->core_instance);
  case TN_DEFINITION_CORE_TYPE:
    return core_types_are_equal(a->core_type, b->core_type);
  case TN_DEFINITION_COMPONENT:
    return components_are_equal(a->component, b->component);
  case TN_DEFINITION_INSTANCE:
    return instances_are_equal(&a->instance, &b->instance);
  case TN_DEFINITION_ALIAS:
    return aliases_are_equal(&a->alias, &b->alias);
  case TN_DEFINITION_TYPE:
    return types_are_equal(a->type, b->type);
  case TN_DEFINITION_CANON:
    return canons_are_equal(&a->canon, &b->canon);
  case TN_DEFINITION_START:
    return starts_are_equal(&a->start, &b->start);
  case TN_DEFINITION_IMPORT:
    return imports_are_equal(&a->import, &b->import);
  case TN_DEFINITION_EXPORT:
    return exports_are_equal(&a->export_, &b->export_);
  case TN_DEFINITION_VALUE:
    return valtypes_are_equal(a->value.type, b->value.type) &&
           tn_str_equal(a->value.bytes, b->value.bytes);
  }
  return false;
}

static inline bool components_are_equal(const tn_component_ast *a, const tn_component_ast *b) {
  bool are_equal = a->definition_count == b->definition_count &&
                   a->custom_count == b->custom_count && names_are_equal(a->name, b->name);
  for (uint32_t i = 0; are_equal && i < a->definition_count; i++)
    are_equal = definitions_are_equal(&a->definitions[i], &b->definitions[i]);
  for (uint32_t i = 0; are_equal && i < a->custom_count; i++) {
    are_equal = tn_str_equal(a->customs[i].name, b->customs[i].name) &&
                tn_str_equal(a->customs[i].bytes, b->customs[i].bytes);
  }
  return are_equal;
}

#endif
