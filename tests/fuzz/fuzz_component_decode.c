/* Decodes arbitrary bytes as a component or a core module. What was decoded must lie within the bytes. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/error.h"
#include "component/component.h"
#include "component/binary/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_within(tn_str whole, tn_str part) {
  if (part.data == NULL) return;
  if (part.data < whole.data || part.len > whole.len) abort();
  if ((size_t)(part.data - whole.data) > whole.len - part.len) abort();
}

static void check_module(tn_str file, const tn_core_module *module) {
  check_within(file, module->bytes);
  check_within(file, module->name);
  for (uint32_t i = 0; i < module->import_count; i++) {
    check_within(file, module->imports[i].module);
    check_within(file, module->imports[i].name);
  }
  for (uint32_t i = 0; i < module->export_count; i++) {
    check_within(file, module->exports[i].name);
  }
}

static void check_type(tn_str file, const tn_ast_type *type) {
  for (uint32_t i = 0; i < type->field_count; i++) {
    check_within(file, type->fields[i].label);
  }
  for (uint32_t i = 0; i < type->decl_count; i++) {
    if (type->decls[i].kind == TN_DECL_TYPE) check_type(file, type->decls[i].type);
    if (type->decls[i].kind == TN_DECL_EXPORT) check_within(file, type->decls[i].export_.name.name);
  }
}

static void check_component(tn_str file, const tn_component_ast *component) {
  check_within(file, component->bytes);
  check_within(file, component->name);
  for (int sort = 0; sort < TN_SORT_COUNT; sort++) {
    check_within(file, tn_names_find(component, (tn_sort)sort, 0));
  }
  for (uint32_t i = 0; i < component->custom_count; i++) {
    check_within(file, component->customs[i].name);
    check_within(file, component->customs[i].bytes);
  }
  for (uint32_t i = 0; i < component->definition_count; i++) {
    const tn_definition *definition = &component->definitions[i];
    if (definition->kind == TN_DEFINITION_CORE_MODULE) check_module(file, definition->core_module);
    if (definition->kind == TN_DEFINITION_COMPONENT) check_component(file, definition->component);
    if (definition->kind == TN_DEFINITION_TYPE) check_type(file, definition->type);
    if (definition->kind == TN_DEFINITION_IMPORT) check_within(file, definition->import.name.name);
    if (definition->kind == TN_DEFINITION_EXPORT) check_within(file, definition->export_.name.name);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  tn_str file = {(const char *)data, size};
  tn_arena arena = {0};
  tn_error *error;
  if (tn_file_kind_of(file) == TN_FILE_CORE_MODULE) {
    const tn_core_module *module;
    error = tn_core_module_read(&arena, file, 0, &module);
    if (error == NULL) check_module(file, module);
  } else {
    const tn_component_ast *component;
    error = tn_component_decode(&arena, file, &component);
    if (error == NULL) check_component(file, component);
  }
  tn_error_delete(error);
  tn_arena_free(&arena);
  return 0;
}
