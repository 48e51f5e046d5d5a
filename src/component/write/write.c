/* Components and their sections: Binary.md#component-definitions. */
#include "component/write/write.h"

#include "component/component.h"
#include "component/write/parts.h"

enum { CUSTOM_SECTION = 0 };

/* What each section but the custom ones holds, as in the decoder. Invariant: the place is the definition's
 * kind. */
static const struct {
  uint8_t id;
  bool is_vector; /* else it holds exactly one */
} sections[] = {
    [TN_DEFINITION_CORE_MODULE] = {1, false}, [TN_DEFINITION_CORE_INSTANCE] = {2, true},
    [TN_DEFINITION_CORE_TYPE] = {3, true},    [TN_DEFINITION_COMPONENT] = {4, false},
    [TN_DEFINITION_INSTANCE] = {5, true},     [TN_DEFINITION_ALIAS] = {6, true},
    [TN_DEFINITION_TYPE] = {7, true},         [TN_DEFINITION_CANON] = {8, true},
    [TN_DEFINITION_START] = {9, false},       [TN_DEFINITION_IMPORT] = {10, true},
    [TN_DEFINITION_EXPORT] = {11, true},      [TN_DEFINITION_VALUE] = {12, true},
};

static void write_component(tn_component_writer *writer, const tn_component_ast *component,
                            uint32_t depth);

static void write_definition(tn_component_writer *writer, const tn_definition *definition,
                             uint32_t depth) {
  tn_buffer *out = writer->out;
  switch (definition->kind) {
  case TN_DEFINITION_CORE_MODULE:
    tn_buffer_append_str(out, definition->core_module->bytes);
    break;
  case TN_DEFINITION_CORE_INSTANCE:
    tn_write_core_instance(out, &definition->core_instance);
    break;
  case TN_DEFINITION_CORE_TYPE:
    tn_write_core_type(out, definition->core_type);
    break;
  case TN_DEFINITION_COMPONENT:
    write_component(writer, definition->component, depth + 1);
    break;
  case TN_DEFINITION_INSTANCE:
    tn_write_instance(out, &definition->instance);
    break;
  case TN_DEFINITION_ALIAS:
    tn_write_alias(out, &definition->alias);
    break;
  case TN_DEFINITION_TYPE:
    tn_write_type(writer, definition->type);
    break;
  case TN_DEFINITION_CANON:
    tn_write_canon(out, &definition->canon);
    break;
  case TN_DEFINITION_START:
    tn_write_start(out, &definition->start);
    break;
  case TN_DEFINITION_IMPORT:
    tn_write_import(out, &definition->import);
    break;
  case TN_DEFINITION_EXPORT:
    tn_write_export(out, &definition->export_);
    break;
  case TN_DEFINITION_VALUE:
    tn_write_value(out, &definition->value);
    break;
  }
}

static bool is_entry(const tn_definition *definition) {
  return definition->kind != TN_DEFINITION_CORE_TYPE ||
         tn_core_type_is_entry(definition->core_type);
}

/* Writes the section that begins with definition `first`; returns the first definition behind it. */
static uint32_t write_section(tn_component_writer *writer, const tn_component_ast *component,
                              uint32_t first, uint32_t depth) {
  const tn_definition *definitions = component->definitions;
  tn_definition_kind kind = definitions[first].kind;
  bool is_vector = sections[kind].is_vector;
  uint32_t end = first, entries = 0;
  do {
    entries += is_entry(&definitions[end++]);
  } while (is_vector && end < component->definition_count && definitions[end].kind == kind);

  tn_buffer_append_byte(writer->out, sections[kind].id);
  size_t begin = tn_wasm_begin_sized(writer->out);
  if (is_vector) tn_wasm_u32(writer->out, entries);
  for (uint32_t i = first; i < end; i++)
    write_definition(writer, &definitions[i], depth);
  tn_wasm_end_sized(writer->out, begin);
  return end;
}

static void write_custom(tn_buffer *out, const tn_custom_section *custom) {
  tn_buffer_append_byte(out, CUSTOM_SECTION);
  size_t begin = tn_wasm_begin_sized(out);
  tn_wasm_bytes(out, custom->name);
  tn_buffer_append_str(out, custom->bytes);
  tn_wasm_end_sized(out, begin);
}

static void write_component(tn_component_writer *writer, const tn_component_ast *component,
                            uint32_t depth) {
  if (depth >= TN_MAX_COMPONENT_DEPTH) {
    writer->is_too_deep = true;
    return;
  }
  tn_buffer_append(writer->out, "\0asm\x0d\0\1\0", 8);
  for (uint32_t i = 0; i < component->definition_count && !tn_writer_is_stopped(writer);)
    i = write_section(writer, component, i, depth);
  for (uint32_t i = 0; i < component->custom_count && !tn_writer_is_stopped(writer); i++)
    write_custom(writer->out, &component->customs[i]);
}

tn_error *tn_component_write(tn_buffer *out, const tn_component_ast *component) {
  tn_component_writer writer = {.out = out, .start = out->len};
  write_component(&writer, component, 0);
  bool is_stopped = tn_writer_is_stopped(&writer);
  if (out->failed) return tn_error_no_memory();
  if (!is_stopped) return NULL;
  return writer.is_too_deep
             ? tn_error_new(TN_ERROR_LIMIT, "writing a component: nesting too deep")
             : tn_error_new(TN_ERROR_LIMIT, "writing a component: it would have 4 GiB or more");
}
