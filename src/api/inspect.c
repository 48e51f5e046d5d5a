/* tn_inspect: a file described for people (text) and for programs (JSON). */
#include <inttypes.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "component/component.h"
#include "component/binary/sections.h"
#include "link/compiled.h"
#include "tenon.h"
#include "wit/text.h"
#include "wit/world.h"

/* What is described. Exactly one of `component` and `module` is set. */
typedef struct subject {
  tn_arena arena;
  tn_str name;
  tn_str bytes;
  uint8_t *owned_bytes; /* when made from text */
  const tn_component_ast *component;
  const tn_core_module *module;
  tn_sections sections;
  tn_producers producers;
} subject;

/* ---- reading ----------------------------------------------------------------------------------- */

static tn_error *read_subject(subject *s) {
  size_t size;
  TN_TRY(tn_compiled_to_binary(s->bytes, &s->owned_bytes, &size));
  if (s->owned_bytes != NULL) s->bytes = (tn_str){(const char *)s->owned_bytes, size};
  if (tn_file_kind_of(s->bytes) == TN_FILE_COMPONENT) {
    TN_TRY(tn_component_decode(&s->arena, s->bytes, &s->component));
    tn_arena scratch = {0};
    tn_error *error = tn_component_validate(&scratch, s->component);
    tn_arena_free(&scratch);
    TN_TRY(error);
  } else {
    TN_TRY(tn_core_module_read(&s->arena, s->bytes, 0, &s->module));
  }
  TN_TRY(tn_sections_list(&s->arena, s->bytes, &s->sections));
  for (uint32_t i = 0; i < s->sections.items.len; i++) {
    const tn_section *section = &s->sections.items.items[i];
    if (!tn_str_equal(section->name, TN_STR("producers"))) continue;
    /* Producers are only advice: a section that cannot be read is listed but has no entries. */
    tn_error_delete(tn_producers_read(&s->arena, section->contents, &s->producers));
  }
  return NULL;
}

/* ---- core types -------------------------------------------------------------------------------- */

static const char *valtype_name(tn_core_valtype type) {
  const char *name = tn_core_number_name(type.code);
  if (name != NULL) return name;
  return type.heap == -0x10 ? "funcref" : type.heap == -0x11 ? "externref" : "ref";
}

static void print_valtypes(tn_buffer *out, const tn_core_valtype *types, uint32_t count) {
  for (uint32_t i = 0; i < count; i++)
    tn_buffer_format(out, "%s%s", i > 0 ? ", " : "", valtype_name(types[i]));
}

static void print_limits(tn_buffer *out, const tn_core_limits *limits) {
  tn_buffer_format(out, " %s%" PRIu64, limits->is_64 ? "i64 " : "", limits->min);
  if (limits->has_max) tn_buffer_format(out, "..%" PRIu64, limits->max);
  if (limits->is_shared) tn_buffer_append_text(out, " shared");
}

static void print_core_type(tn_buffer *out, const tn_core_extern_type *type) {
  switch (type->kind) {
  case TN_CORE_EXTERN_FUNC:
  case TN_CORE_EXTERN_TAG:
    tn_buffer_append_text(out, type->kind == TN_CORE_EXTERN_FUNC ? "func(" : "tag(");
    if (type->func != NULL) print_valtypes(out, type->func->params, type->func->param_count);
    tn_buffer_append_text(out, ")");
    if (type->func == NULL || type->func->result_count == 0) return;
    tn_buffer_append_text(out, " -> ");
    print_valtypes(out, type->func->results, type->func->result_count);
    return;
  case TN_CORE_EXTERN_TABLE:
    tn_buffer_append_text(out, "table");
    print_limits(out, &type->limits);
    tn_buffer_format(out, " %s", valtype_name(type->valtype));
    return;
  case TN_CORE_EXTERN_MEMORY:
    tn_buffer_append_text(out, "memory");
    print_limits(out, &type->limits);
    return;
  case TN_CORE_EXTERN_GLOBAL:
    tn_buffer_format(out, "global %s%s", type->is_mutable ? "mut " : "",
                     valtype_name(type->valtype));
    return;
  }
}

/* ---- text -------------------------------------------------------------------------------------- */

static void print_module(tn_buffer *out, const tn_core_module *module) {
  for (uint32_t i = 0; i < module->import_count; i++) {
    const tn_core_import *import = &module->imports[i];
    tn_buffer_format(out, "import \"%" TN_STR_FORMAT "\" \"%" TN_STR_FORMAT "\": ",
                     TN_STR_ARG(import->module), TN_STR_ARG(import->name));
    print_core_type(out, &import->type);
    tn_buffer_append_text(out, "\n");
  }
  for (uint32_t i = 0; i < module->export_count; i++) {
    tn_buffer_format(out, "export \"%" TN_STR_FORMAT "\": ", TN_STR_ARG(module->exports[i].name));
    print_core_type(out, &module->exports[i].type);
    tn_buffer_append_text(out, "\n");
  }
}

static void print_sections(tn_buffer *out, const subject *s) {
  tn_buffer_append_text(out, "\nsections:\n");
  for (uint32_t i = 0; i < s->sections.items.len; i++) {
    const tn_section *section = &s->sections.items.items[i];
    tn_buffer_format(out, "  0x%08x %10zu bytes  %s", section->offset, section->contents.len,
                     section->kind);
    if (section->name.data != NULL)
      tn_buffer_format(out, " \"%" TN_STR_FORMAT "\"", TN_STR_ARG(section->name));
    tn_buffer_append_text(out, "\n");
  }
  if (s->producers.items.len > 0) tn_buffer_append_text(out, "\nproducers:\n");
  for (uint32_t i = 0; i < s->producers.items.len; i++) {
    const tn_producer *producer = &s->producers.items.items[i];
    tn_buffer_format(out, "  %" TN_STR_FORMAT ": %" TN_STR_FORMAT " %" TN_STR_FORMAT "\n",
                     TN_STR_ARG(producer->field), TN_STR_ARG(producer->name),
                     TN_STR_ARG(producer->version));
  }
}

static tn_error *print_text(tn_buffer *out, const subject *s) {
  tn_buffer_format(out, "%" TN_STR_FORMAT ": %s, %zu bytes\n\n", TN_STR_ARG(s->name),
                   s->component != NULL ? "component" : "core module", s->bytes.len);
  if (s->component != NULL) {
    TN_TRY(tn_wit_print_component(out, s->component));
  } else {
    print_module(out, s->module);
  }
  print_sections(out, s);
  return NULL;
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static void member(tn_buffer *out, const char *name, tn_str value) {
  tn_buffer_format(out, "\"%s\": ", name);
  tn_text_print_json(out, value);
}

static void print_core_item_json(tn_buffer *out, bool is_first, const tn_str *module, tn_str name,
                                 const tn_core_extern_type *type) {
  tn_buffer text = {0};
  print_core_type(&text, type);
  tn_buffer_append_text(out, is_first ? "{" : ", {");
  if (module != NULL) {
    member(out, "module", *module);
    tn_buffer_append_text(out, ", ");
  }
  member(out, "name", name);
  tn_buffer_append_text(out, ", ");
  member(out, "type", tn_buffer_str(&text));
  tn_buffer_append_text(out, "}");
  if (text.failed) out->failed = true;
  tn_buffer_free(&text);
}

static void print_module_json(tn_buffer *out, const tn_core_module *module) {
  tn_buffer_append_text(out, "{\"imports\": [");
  for (uint32_t i = 0; i < module->import_count; i++) {
    const tn_core_import *import = &module->imports[i];
    print_core_item_json(out, i == 0, &import->module, import->name, &import->type);
  }
  tn_buffer_append_text(out, "], \"exports\": [");
  for (uint32_t i = 0; i < module->export_count; i++) {
    print_core_item_json(out, i == 0, NULL, module->exports[i].name, &module->exports[i].type);
  }
  tn_buffer_append_text(out, "]}");
}

static void print_sections_json(tn_buffer *out, const subject *s) {
  tn_buffer_append_text(out, ", \"sections\": [");
  for (uint32_t i = 0; i < s->sections.items.len; i++) {
    const tn_section *section = &s->sections.items.items[i];
    tn_buffer_format(out, "%s{", i > 0 ? ", " : "");
    member(out, "kind", tn_str_from(section->kind));
    if (section->name.data != NULL) {
      tn_buffer_append_text(out, ", ");
      member(out, "name", section->name);
    }
    tn_buffer_format(out, ", \"offset\": %u, \"size\": %zu}", section->offset,
                     section->contents.len);
  }
  tn_buffer_append_text(out, "], \"producers\": [");
  for (uint32_t i = 0; i < s->producers.items.len; i++) {
    const tn_producer *producer = &s->producers.items.items[i];
    tn_buffer_format(out, "%s{", i > 0 ? ", " : "");
    member(out, "field", producer->field);
    tn_buffer_append_text(out, ", ");
    member(out, "name", producer->name);
    tn_buffer_append_text(out, ", ");
    member(out, "version", producer->version);
    tn_buffer_append_text(out, "}");
  }
  tn_buffer_append_text(out, "]");
}

static tn_error *print_json(tn_buffer *out, const subject *s) {
  tn_buffer_append_text(out, "{");
  member(out, "file", s->name);
  tn_buffer_format(out, ", \"kind\": \"%s\", \"size\": %zu, \"world\": ",
                   s->component != NULL ? "component" : "module", s->bytes.len);
  if (s->component != NULL) {
    TN_TRY(tn_wit_print_component_json(out, s->component));
  } else {
    print_module_json(out, s->module);
  }
  print_sections_json(out, s);
  tn_buffer_append_text(out, "}\n");
  return NULL;
}

tn_error *tn_inspect(const void *bytes, size_t size, const char *name, tn_inspect_format format,
                     char **out) {
  if (name == NULL) name = "the file";
  subject s = {.name = tn_str_from(name), .bytes = {bytes, size}};
  tn_buffer text = {0};
  tn_error *error = read_subject(&s);
  if (error == NULL)
    error = format == TN_INSPECT_JSON ? print_json(&text, &s) : print_text(&text, &s);
  if (error == NULL && (*out = tn_buffer_take(&text)) == NULL) error = tn_error_no_memory();
  tn_buffer_free(&text);
  tn_arena_free(&s.arena);
  tn_free(s.owned_bytes);
  return tn_error_wrap(error, "inspecting %s", name);
}
