/* Components: Binary.md#component-definitions, #instance-definitions, and what else sections hold. */
#include "component/binary/decode.h"

#include "component/component.h"
#include "component/binary/names.h"

enum {
  MAX_MODULES = 1000,
  MAX_COMPONENTS = 1000,
  MAX_INSTANCES = 1000,
  MAX_ARGUMENTS = 100000,
  MAX_START_ARGUMENTS = 1000, /* and results */
  MAX_VALUES = 1000,
};

static tn_error *decode_preamble(tn_reader *in) {
  uint32_t offset = tn_reader_offset(in);
  tn_preamble preamble;
  TN_TRY(tn_decode_preamble(in, &preamble));
  if (tn_preamble_is_component(preamble)) return NULL;
  if (!tn_preamble_is_module(preamble)) return tn_unknown_version(offset, preamble);
  return tn_malformed(offset, "expected a version header for a component, found a core module");
}

/* ---- instances ---------------------------------------------------------------------------------- */

static tn_error *decode_core_argument(tn_reader *in, tn_ast_core_argument *out) {
  enum { SORT_INSTANCE = 0x12 };
  uint8_t sort;
  TN_TRY(tn_read_name(in, &out->name));
  TN_TRY(tn_read_byte(in, &sort));
  if (sort != SORT_INSTANCE) return tn_bad_byte(in, sort, "instantiation arg kind");
  out->item.sort = TN_SORT_CORE_INSTANCE;
  return tn_read_u32(in, &out->item.index);
}

static tn_error *decode_core_inline_export(tn_reader *in, tn_ast_core_argument *out) {
  TN_TRY(tn_read_name(in, &out->name));
  return tn_decode_core_sort_index(in, &out->item);
}

static tn_error *decode_is_instantiate(tn_reader *in, const char *what, bool *out) {
  uint8_t byte;
  TN_TRY(tn_read_byte(in, &byte));
  if (byte > 1) return tn_bad_byte(in, byte, what);
  *out = byte == 0;
  return NULL;
}

static tn_error *decode_core_instance(tn_arena *arena, tn_reader *in, tn_ast_core_instance *out) {
  TN_TRY(decode_is_instantiate(in, "core instance", &out->is_instantiate));
  if (out->is_instantiate) TN_TRY(tn_read_u32(in, &out->module));
  uint32_t count;
  TN_TRY(tn_read_count(in, MAX_ARGUMENTS, "core instance items", &count));
  tn_ast_core_argument *items = TN_ARENA_ARRAY(arena, tn_ast_core_argument, count);
  if (items == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < count; i++) {
    TN_TRY(out->is_instantiate ? decode_core_argument(in, &items[i])
                               : decode_core_inline_export(in, &items[i]));
  }
  out->argument_count = count;
  out->arguments = items;
  return NULL;
}

static tn_error *decode_argument(tn_reader *in, tn_ast_argument *out) {
  out->name.offset = tn_reader_offset(in);
  TN_TRY(tn_read_name(in, &out->name.name));
  return tn_decode_sort_index(in, &out->item);
}

static tn_error *decode_inline_export(tn_reader *in, tn_ast_argument *out) {
  TN_TRY(tn_decode_extern_name(in, &out->name));
  return tn_decode_sort_index(in, &out->item);
}

static tn_error *decode_instance(tn_arena *arena, tn_reader *in, tn_ast_instance *out) {
  TN_TRY(decode_is_instantiate(in, "instance", &out->is_instantiate));
  if (out->is_instantiate) TN_TRY(tn_read_u32(in, &out->component));
  uint32_t count;
  TN_TRY(tn_read_count(in, MAX_ARGUMENTS, "instance items", &count));
  tn_ast_argument *items = TN_ARENA_ARRAY(arena, tn_ast_argument, count);
  if (items == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < count; i++) {
    TN_TRY(out->is_instantiate ? decode_argument(in, &items[i])
                               : decode_inline_export(in, &items[i]));
  }
  out->argument_count = count;
  out->arguments = items;
  return NULL;
}

/* ---- exports, start and values ------------------------------------------------------------------ */

static tn_error *decode_export(tn_reader *in, tn_ast_export *out) {
  TN_TRY(tn_decode_extern_name(in, &out->name));
  TN_TRY(tn_decode_sort_index(in, &out->item));
  TN_TRY(tn_read_is_present(in, "optional component export type", &out->has_type));
  return out->has_type ? tn_decode_extern_type(in, &out->type) : NULL;
}

static tn_error *decode_start(tn_arena *arena, tn_reader *in, tn_ast_start *out) {
  TN_TRY(tn_read_u32(in, &out->func));
  TN_TRY(tn_read_count(in, MAX_START_ARGUMENTS, "start function arguments", &out->argument_count));
  uint32_t *arguments = TN_ARENA_ARRAY(arena, uint32_t, out->argument_count);
  if (arguments == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < out->argument_count; i++) {
    TN_TRY(tn_read_u32(in, &arguments[i]));
  }
  out->arguments = arguments;
  uint32_t offset = tn_reader_offset(in);
  TN_TRY(tn_read_u32(in, &out->result_count));
  if (out->result_count <= MAX_START_ARGUMENTS) return NULL;
  return tn_malformed(offset, "start function results count of %u exceeds limit of %d",
                      out->result_count, MAX_START_ARGUMENTS);
}

static tn_error *decode_value(tn_reader *in, tn_ast_value *out) {
  uint32_t size;
  TN_TRY(tn_decode_valtype(in, &out->type));
  TN_TRY(tn_read_u32(in, &size));
  return tn_read_bytes(in, size, &out->bytes);
}

/* ---- sections ----------------------------------------------------------------------------------- */

/* One component being decoded. */
typedef struct component_decoder {
  tn_arena *arena;
  uint32_t depth; /* components around it */
  TN_VEC(tn_definition) definitions;
  TN_VEC(tn_custom_section) customs;
  uint32_t counts[TN_DEFINITION_VALUE + 1]; /* definitions of each kind */
  tn_str name;
} component_decoder;

/* What each section but the custom ones holds. Invariant: the place is the section's id less one. */
static const struct {
  tn_definition_kind kind;
  bool is_vector; /* else it holds exactly one */
  uint32_t limit; /* of such definitions in one component */
  const char *what;
} sections[] = {
    {TN_DEFINITION_CORE_MODULE, false, MAX_MODULES, "modules"},
    {TN_DEFINITION_CORE_INSTANCE, true, MAX_INSTANCES, "core instances"},
    {TN_DEFINITION_CORE_TYPE, true, TN_MAX_ITEMS, "core types"},
    {TN_DEFINITION_COMPONENT, false, MAX_COMPONENTS, "components"},
    {TN_DEFINITION_INSTANCE, true, MAX_INSTANCES, "instances"},
    {TN_DEFINITION_ALIAS, true, TN_MAX_ITEMS, "aliases"},
    {TN_DEFINITION_TYPE, true, TN_MAX_ITEMS, "types"},
    {TN_DEFINITION_CANON, true, TN_MAX_ITEMS, "canonical functions"},
    {TN_DEFINITION_START, false, TN_MAX_ITEMS, "start functions"},
    {TN_DEFINITION_IMPORT, true, TN_MAX_ITEMS, "imports"},
    {TN_DEFINITION_EXPORT, true, TN_MAX_ITEMS, "exports"},
    {TN_DEFINITION_VALUE, true, MAX_VALUES, "values"},
};

enum { CUSTOM_SECTION = 0, LAST_SECTION = sizeof sections / sizeof *sections };

static tn_error *add_definition(component_decoder *decoder, uint8_t section, uint32_t offset,
                                tn_definition **out) {
  tn_definition_kind kind = sections[section - 1].kind;
  if (++decoder->counts[kind] > sections[section - 1].limit) {
    return tn_malformed(offset, "%s count exceeds limit of %u", sections[section - 1].what,
                        sections[section - 1].limit);
  }
  tn_definition *definition = TN_VEC_PUSH(decoder->arena, &decoder->definitions);
  if (definition == NULL) return tn_error_no_memory();
  definition->kind = kind;
  definition->offset = offset;
  *out = definition;
  return NULL;
}

static tn_error *decode_core_types(component_decoder *decoder, uint8_t section, tn_reader *in) {
  uint32_t offset = tn_reader_offset(in);
  tn_core_type_group group;
  TN_TRY(tn_decode_core_type(decoder->arena, in, &group));
  for (uint32_t i = 0; i < group.count; i++) {
    tn_definition *definition;
    TN_TRY(add_definition(decoder, section, offset, &definition));
    definition->core_type = &group.types[i];
  }
  return NULL;
}

static tn_error *decode_component(tn_arena *arena, tn_str bytes, uint32_t offset, uint32_t depth,
                                  const tn_component_ast **out);

/* All of what remains is a module or a component. */
static tn_error *decode_core_module(component_decoder *decoder, tn_reader *in, tn_definition *out) {
  uint32_t offset = tn_reader_offset(in);
  tn_str bytes;
  TN_TRY(tn_read_bytes(in, tn_reader_remaining(in), &bytes));
  return tn_core_module_read(decoder->arena, bytes, offset, &out->core_module);
}

static tn_error *decode_nested_component(component_decoder *decoder, tn_reader *in,
                                         tn_definition *out) {
  uint32_t offset = tn_reader_offset(in);
  tn_str bytes;
  TN_TRY(tn_read_bytes(in, tn_reader_remaining(in), &bytes));
  return decode_component(decoder->arena, bytes, offset, decoder->depth + 1, &out->component);
}

static tn_error *decode_type(component_decoder *decoder, tn_reader *in, tn_definition *out) {
  tn_ast_type *type = TN_ARENA_NEW(decoder->arena, tn_ast_type);
  if (type == NULL) return tn_error_no_memory();
  out->type = type;
  return tn_decode_type(decoder->arena, in, 0, type);
}

static tn_error *decode_definition(component_decoder *decoder, uint8_t section, tn_reader *in) {
  tn_definition *out;
  TN_TRY(add_definition(decoder, section, tn_reader_offset(in), &out));
  switch (out->kind) {
  case TN_DEFINITION_CORE_MODULE:
    return decode_core_module(decoder, in, out);
  case TN_DEFINITION_CORE_INSTANCE:
    return decode_core_instance(decoder->arena, in, &out->core_instance);
  case TN_DEFINITION_COMPONENT:
    return decode_nested_component(decoder, in, out);
  case TN_DEFINITION_INSTANCE:
    return decode_instance(decoder->arena, in, &out->instance);
  case TN_DEFINITION_ALIAS:
    return tn_decode_alias(in, &out->alias);
  case TN_DEFINITION_TYPE:
    return decode_type(decoder, in, out);
  case TN_DEFINITION_CANON:
    return tn_decode_canon(decoder->arena, in, &out->canon);
  case TN_DEFINITION_START:
    return decode_start(decoder->arena, in, &out->start);
  case TN_DEFINITION_IMPORT:
    return tn_decode_import(in, &out->import);
  case TN_DEFINITION_EXPORT:
    return decode_export(in, &out->export_);
  case TN_DEFINITION_VALUE:
    return decode_value(in, &out->value);
  case TN_DEFINITION_CORE_TYPE: /* may be several: see decode_core_types */
    break;
  }
  return tn_error_new(TN_ERROR_INTERNAL, "section %u has no decoder", section);
}

static tn_error *decode_section(component_decoder *decoder, uint8_t section, tn_reader *in) {
  uint32_t count = 1;
  if (sections[section - 1].is_vector) {
    TN_TRY(tn_read_count(in, TN_MAX_ITEMS, sections[section - 1].what, &count));
  }
  bool is_core_types = sections[section - 1].kind == TN_DEFINITION_CORE_TYPE;
  for (uint32_t i = 0; i < count; i++) {
    TN_TRY(is_core_types ? decode_core_types(decoder, section, in)
                         : decode_definition(decoder, section, in));
  }
  return tn_expect_end(in);
}

static tn_error *decode_custom(component_decoder *decoder, tn_reader *in) {
  tn_custom_section *custom = TN_VEC_PUSH(decoder->arena, &decoder->customs);
  if (custom == NULL) return tn_error_no_memory();
  custom->offset = tn_reader_offset(in);
  TN_TRY(tn_read_name(in, &custom->name));
  TN_TRY(tn_read_bytes(in, tn_reader_remaining(in), &custom->bytes));
  if (decoder->name.data == NULL && tn_str_equal(custom->name, TN_STR("component-name"))) {
    decoder->name = tn_names_own(custom->bytes);
  }
  return NULL;
}

static tn_error *decode_sections(component_decoder *decoder, tn_reader *in) {
  while (tn_reader_remaining(in) > 0) {
    uint8_t id;
    tn_reader contents;
    TN_TRY(tn_read_byte(in, &id));
    if (id > LAST_SECTION)
      return tn_malformed(tn_reader_offset(in) - 1, "malformed section id: %u", id);
    TN_TRY(tn_read_sized(in, &contents));
    TN_TRY(id == CUSTOM_SECTION ? decode_custom(decoder, &contents)
                                : decode_section(decoder, id, &contents));
  }
  return NULL;
}

static tn_error *decode_component(tn_arena *arena, tn_str bytes, uint32_t offset, uint32_t depth,
                                  const tn_component_ast **out) {
  if (depth >= TN_MAX_COMPONENT_DEPTH) return tn_malformed(offset, "nesting too deep");
  tn_component_ast *component = TN_ARENA_NEW(arena, tn_component_ast);
  if (component == NULL) return tn_error_no_memory();
  component_decoder decoder = {.arena = arena, .depth = depth};
  tn_reader in = tn_reader_new(bytes, offset);
  TN_TRY(decode_preamble(&in));
  TN_TRY(decode_sections(&decoder, &in));
  *component = (tn_component_ast){
      .bytes = bytes,
      .offset = offset,
      .definition_count = decoder.definitions.len,
      .definitions = decoder.definitions.items,
      .custom_count = decoder.customs.len,
      .customs = decoder.customs.items,
      .name = decoder.name,
  };
  *out = component;
  return NULL;
}

tn_error *tn_component_decode(tn_arena *arena, tn_str bytes, const tn_component_ast **out) {
  if (bytes.len > UINT32_MAX) return tn_error_new(TN_ERROR_MALFORMED, "file of 4 GiB or more");
  return decode_component(arena, bytes, 0, 0, out);
}
