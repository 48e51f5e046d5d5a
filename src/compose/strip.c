#include "compose/strip.h"

#include "base/wasm_bytes.h"
#include "component/binary/decode.h"

tn_error *tn_strip_module(tn_buffer *out, tn_str module, tn_keeps_section keeps, void *data) {
  enum { CUSTOM = 0 };
  if (module.len > UINT32_MAX) return tn_error_new(TN_ERROR_LIMIT, "a module of 4 GiB or more");
  tn_reader in = tn_reader_new(module, 0);
  tn_preamble preamble;
  TN_TRY(tn_decode_preamble(&in, &preamble));
  if (!tn_preamble_is_module(preamble)) return tn_unknown_version(0, preamble);
  tn_buffer_append_str(out, tn_reader_since(&in, in.start));
  while (tn_reader_remaining(&in) > 0) {
    const uint8_t *begin = in.next;
    uint8_t id;
    tn_reader contents;
    tn_str name;
    TN_TRY(tn_read_byte(&in, &id));
    TN_TRY(tn_read_sized(&in, &contents));
    if (id == CUSTOM) {
      TN_TRY(tn_read_name(&contents, &name));
      if (!keeps(data, name)) continue;
    }
    tn_buffer_append_str(out, tn_reader_since(&in, begin));
  }
  return out->failed ? tn_error_no_memory() : NULL;
}

/* ---- components ----------------------------------------------------------------------------------------- */

static tn_error *strip_core_module(tn_arena *arena, const tn_core_module *module,
                                   tn_keeps_section keeps, void *data, const tn_core_module **out) {
  tn_core_module *copy = TN_ARENA_NEW(arena, tn_core_module);
  tn_buffer bytes = {0};
  if (copy == NULL) return tn_error_no_memory();
  *copy = *module;
  tn_error *error = tn_strip_module(&bytes, module->bytes, keeps, data);
  if (error == NULL) {
    copy->bytes = tn_arena_copy(arena, tn_buffer_str(&bytes));
    if (copy->bytes.data == NULL) error = tn_error_no_memory();
  }
  tn_buffer_free(&bytes);
  *out = copy;
  return error;
}

static tn_error *strip_customs(tn_arena *arena, const tn_component_ast *component,
                               tn_keeps_section keeps, void *data, tn_component_ast *out) {
  tn_custom_section *customs = TN_ARENA_ARRAY(arena, tn_custom_section, component->custom_count);
  if (customs == NULL) return tn_error_no_memory();
  out->custom_count = 0;
  for (uint32_t i = 0; i < component->custom_count; i++) {
    if (keeps(data, component->customs[i].name))
      customs[out->custom_count++] = component->customs[i];
  }
  out->customs = customs;
  return NULL;
}

/* The decoder bounds how deep components nest. */
tn_error *tn_strip_component(tn_arena *arena, const tn_component_ast *component,
                             tn_keeps_section keeps, void *data, const tn_component_ast **out) {
  tn_component_ast *copy = TN_ARENA_NEW(arena, tn_component_ast);
  tn_definition *definitions = TN_ARENA_ARRAY(arena, tn_definition, component->definition_count);
  if (copy == NULL || definitions == NULL) return tn_error_no_memory();
  *copy = *component;
  copy->definitions = definitions;
  for (uint32_t i = 0; i < component->definition_count; i++) {
    tn_definition *definition = &definitions[i];
    *definition = component->definitions[i];
    if (definition->kind == TN_DEFINITION_CORE_MODULE) {
      TN_TRY(
          strip_core_module(arena, definition->core_module, keeps, data, &definition->core_module));
    } else if (definition->kind == TN_DEFINITION_COMPONENT) {
      TN_TRY(tn_strip_component(arena, definition->component, keeps, data, &definition->component));
    }
  }
  TN_TRY(strip_customs(arena, component, keeps, data, copy));
  *out = copy;
  return NULL;
}
