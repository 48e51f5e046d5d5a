#include "component/write/builder.h"

#include <assert.h>

#include "base/wasm_bytes.h"

/* ---- what definitions add to the index spaces ----------------------------------------------------------- */

/* One definition adds `count` items to the index space of `sort`. */
typedef struct addition {
  tn_sort sort;
  uint32_t count;
} addition;

static addition one(tn_sort sort) {
  return (addition){sort, 1};
}

static addition addition_of(const tn_definition *definition) {
  switch (definition->kind) {
  case TN_DEFINITION_CORE_MODULE:
    return one(TN_SORT_CORE_MODULE);
  case TN_DEFINITION_CORE_INSTANCE:
    return one(TN_SORT_CORE_INSTANCE);
  case TN_DEFINITION_CORE_TYPE:
    return one(TN_SORT_CORE_TYPE);
  case TN_DEFINITION_COMPONENT:
    return one(TN_SORT_COMPONENT);
  case TN_DEFINITION_INSTANCE:
    return one(TN_SORT_INSTANCE);
  case TN_DEFINITION_ALIAS:
    return one(definition->alias.sort);
  case TN_DEFINITION_TYPE:
    return one(TN_SORT_TYPE);
  case TN_DEFINITION_CANON:
    return one(definition->canon.kind == TN_CANON_LIFT ? TN_SORT_FUNC : TN_SORT_CORE_FUNC);
  case TN_DEFINITION_START:
    return (addition){TN_SORT_VALUE, definition->start.result_count};
  case TN_DEFINITION_IMPORT:
    return one(definition->import.type.sort);
  case TN_DEFINITION_EXPORT:
    return one(definition->export_.item.sort);
  case TN_DEFINITION_VALUE:
    return one(TN_SORT_VALUE);
  }
  assert(!"a definition of a kind that does not exist");
  return one(TN_SORT_TYPE);
}

static addition addition_of_decl(const tn_ast_decl *decl) {
  switch (decl->kind) {
  case TN_DECL_CORE_TYPE:
    return one(TN_SORT_CORE_TYPE);
  case TN_DECL_TYPE:
    return one(TN_SORT_TYPE);
  case TN_DECL_ALIAS:
    return one(decl->alias.sort);
  case TN_DECL_IMPORT:
    return one(decl->import.type.sort);
  case TN_DECL_EXPORT:
    return one(decl->export_.type.sort);
  }
  assert(!"a declarator of a kind that does not exist");
  return one(TN_SORT_TYPE);
}

static void count_addition(uint32_t counts[TN_SORT_COUNT], addition added, uint32_t *index) {
  if (index != NULL) *index = counts[added.sort];
  counts[added.sort] += added.count;
}

/* ---- components ----------------------------------------------------------------------------------------- */

tn_error *tn_builder_add(tn_component_builder *builder, const tn_definition *definition,
                         uint32_t *index) {
  tn_definition *copy = TN_VEC_PUSH(builder->arena, &builder->definitions);
  if (copy == NULL) return tn_error_no_memory();
  *copy = *definition;
  count_addition(builder->counts, addition_of(definition), index);
  return NULL;
}

tn_error *tn_builder_add_type(tn_component_builder *builder, const tn_ast_type *type,
                              uint32_t *index) {
  return tn_builder_add(builder, &(tn_definition){.kind = TN_DEFINITION_TYPE, .type = type}, index);
}

tn_error *tn_builder_add_component(tn_component_builder *builder, const tn_component_ast *component,
                                   uint32_t *index) {
  const tn_definition definition = {.kind = TN_DEFINITION_COMPONENT, .component = component};
  return tn_builder_add(builder, &definition, index);
}

tn_error *tn_builder_add_core_module(tn_component_builder *builder, const tn_core_module *module,
                                     uint32_t *index) {
  const tn_definition definition = {.kind = TN_DEFINITION_CORE_MODULE, .core_module = module};
  return tn_builder_add(builder, &definition, index);
}

tn_error *tn_builder_add_import(tn_component_builder *builder, tn_str name, tn_ast_extern_type type,
                                uint32_t *index) {
  const tn_definition definition = {
      .kind = TN_DEFINITION_IMPORT,
      .import = {.name = {.name = name}, .type = type},
  };
  return tn_builder_add(builder, &definition, index);
}

tn_error *tn_builder_add_export(tn_component_builder *builder, tn_str name, tn_sort_index item,
                                uint32_t *index) {
  const tn_definition definition = {
      .kind = TN_DEFINITION_EXPORT,
      .export_ = {.name = {.name = name}, .item = item},
  };
  return tn_builder_add(builder, &definition, index);
}

tn_error *tn_builder_add_alias(tn_component_builder *builder, uint32_t instance, tn_str name,
                               tn_sort sort, uint32_t *index) {
  const tn_definition definition = {
      .kind = TN_DEFINITION_ALIAS,
      .alias = {.kind = TN_ALIAS_EXPORT, .sort = sort, .instance = instance, .name = name},
  };
  return tn_builder_add(builder, &definition, index);
}

tn_error *tn_builder_add_custom(tn_component_builder *builder, tn_str name, tn_str bytes) {
  tn_custom_section *custom = TN_VEC_PUSH(builder->arena, &builder->customs);
  if (custom == NULL) return tn_error_no_memory();
  *custom = (tn_custom_section){.name = name, .bytes = bytes};
  return NULL;
}

/* Binary.md#name-section, subsection 0. */
static tn_error *add_name_section(tn_component_builder *builder) {
  enum { OWN_NAME = 0 };
  tn_buffer section = {0};
  tn_buffer_append_byte(&section, OWN_NAME);
  size_t begin = tn_wasm_begin_sized(&section);
  tn_wasm_bytes(&section, builder->name);
  tn_wasm_end_sized(&section, begin);
  tn_str bytes = {NULL, 0};
  if (!section.failed) bytes = tn_arena_copy(builder->arena, tn_buffer_str(&section));
  tn_buffer_free(&section);
  if (bytes.data == NULL) return tn_error_no_memory();
  return tn_builder_add_custom(builder, TN_STR("component-name"), bytes);
}

tn_error *tn_builder_finish(tn_component_builder *builder, const tn_component_ast **out) {
  if (builder->name.data != NULL) TN_TRY(add_name_section(builder));
  tn_component_ast *component = TN_ARENA_NEW(builder->arena, tn_component_ast);
  if (component == NULL) return tn_error_no_memory();
  *component = (tn_component_ast){
      .definition_count = builder->definitions.len,
      .definitions = builder->definitions.items,
      .custom_count = builder->customs.len,
      .customs = builder->customs.items,
      .name = builder->name,
  };
  *out = component;
  return NULL;
}

/* ---- instance and component types ----------------------------------------------------------------------- */

tn_error *tn_decl_builder_add(tn_decl_builder *builder, const tn_ast_decl *decl, uint32_t *index) {
  tn_ast_decl *copy = TN_VEC_PUSH(builder->arena, &builder->decls);
  if (copy == NULL) return tn_error_no_memory();
  *copy = *decl;
  count_addition(builder->counts, addition_of_decl(decl), index);
  return NULL;
}

tn_error *tn_decl_builder_add_type(tn_decl_builder *builder, const tn_ast_type *type,
                                   uint32_t *index) {
  return tn_decl_builder_add(builder, &(tn_ast_decl){.kind = TN_DECL_TYPE, .type = type}, index);
}

tn_error *tn_decl_builder_add_import(tn_decl_builder *builder, tn_str name, tn_ast_extern_type type,
                                     uint32_t *index) {
  const tn_ast_decl decl = {.kind = TN_DECL_IMPORT,
                            .import = {.name = {.name = name}, .type = type}};
  return tn_decl_builder_add(builder, &decl, index);
}

tn_error *tn_decl_builder_add_export(tn_decl_builder *builder, tn_str name, tn_ast_extern_type type,
                                     uint32_t *index) {
  const tn_ast_decl decl = {
      .kind = TN_DECL_EXPORT,
      .export_ = {.name = {.name = name},
                  .item = {.sort = type.sort},
                  .has_type = true,
                  .type = type},
  };
  return tn_decl_builder_add(builder, &decl, index);
}

tn_error *tn_decl_builder_add_outer(tn_decl_builder *builder, tn_sort sort, uint32_t count,
                                    uint32_t outer_index, uint32_t *index) {
  const tn_ast_decl decl = {
      .kind = TN_DECL_ALIAS,
      .alias = {.kind = TN_ALIAS_OUTER,
                .sort = sort,
                .outer_count = count,
                .outer_index = outer_index},
  };
  return tn_decl_builder_add(builder, &decl, index);
}

tn_error *tn_decl_builder_finish(tn_decl_builder *builder, tn_ast_type_kind kind,
                                 const tn_ast_type **out) {
  assert(kind == TN_AST_INSTANCE || kind == TN_AST_COMPONENT);
  tn_ast_type *type = TN_ARENA_NEW(builder->arena, tn_ast_type);
  if (type == NULL) return tn_error_no_memory();
  type->kind = kind;
  type->decl_count = builder->decls.len;
  type->decls = builder->decls.items;
  *out = type;
  return NULL;
}
