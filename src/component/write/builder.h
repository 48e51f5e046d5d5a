/* Puts a syntax tree together: definitions are added one after the other, and each that adds to an index space
 * tells its index there. For those who make components: composition, `new`, the binary form of WIT. */
#ifndef TN_COMPONENT_BUILDER_H
#define TN_COMPONENT_BUILDER_H

#include "base/arena.h"
#include "base/error.h"
#include "base/vec.h"
#include "component/ast.h"

/* Zeroed but for `arena`: empty. Everything that is added must live as long as the arena.
 * Invariant: counts[s] is how many items the definitions so far add to the index space of sort s. */
typedef struct tn_component_builder {
  tn_arena *arena;
  TN_VEC(tn_definition) definitions;
  TN_VEC(tn_custom_section) customs;
  tn_str name; /* for the component-name section */
  uint32_t counts[TN_SORT_COUNT];
} tn_component_builder;

/* Adds a copy of the definition; *index (may be NULL) is what it is called by in its index space (an export
 * adds to the space of its item, too). TN_ERROR_NO_MEMORY. */
tn_error *tn_builder_add(tn_component_builder *builder, const tn_definition *definition,
                         uint32_t *index);

/* The common ones. Names are kept as they are given. */
tn_error *tn_builder_add_type(tn_component_builder *builder, const tn_ast_type *type,
                              uint32_t *index);
tn_error *tn_builder_add_component(tn_component_builder *builder, const tn_component_ast *component,
                                   uint32_t *index);
tn_error *tn_builder_add_core_module(tn_component_builder *builder, const tn_core_module *module,
                                     uint32_t *index);
tn_error *tn_builder_add_import(tn_component_builder *builder, tn_str name, tn_ast_extern_type type,
                                uint32_t *index);
tn_error *tn_builder_add_export(tn_component_builder *builder, tn_str name, tn_sort_index item,
                                uint32_t *index);
/* (alias export instance "name" (sort …)) */
tn_error *tn_builder_add_alias(tn_component_builder *builder, uint32_t instance, tn_str name,
                               tn_sort sort, uint32_t *index);
tn_error *tn_builder_add_custom(tn_component_builder *builder, tn_str name, tn_str bytes);
/* The tree made so far; the builder is not to be used any more. */
tn_error *tn_builder_finish(tn_component_builder *builder, const tn_component_ast **out);

/* The same for the declarations of an instance or component type. */
typedef struct tn_decl_builder {
  tn_arena *arena;
  TN_VEC(tn_ast_decl) decls;
  uint32_t counts[TN_SORT_COUNT];
} tn_decl_builder;

tn_error *tn_decl_builder_add(tn_decl_builder *builder, const tn_ast_decl *decl, uint32_t *index);
tn_error *tn_decl_builder_add_type(tn_decl_builder *builder, const tn_ast_type *type,
                                   uint32_t *index);
tn_error *tn_decl_builder_add_import(tn_decl_builder *builder, tn_str name, tn_ast_extern_type type,
                                     uint32_t *index);
tn_error *tn_decl_builder_add_export(tn_decl_builder *builder, tn_str name, tn_ast_extern_type type,
                                     uint32_t *index);
/* An alias of something of an enclosing scope; count 1 is the one around this type. */
tn_error *tn_decl_builder_add_outer(tn_decl_builder *builder, tn_sort sort, uint32_t count,
                                    uint32_t outer_index, uint32_t *index);
/* The finished TN_AST_INSTANCE or TN_AST_COMPONENT type. */
tn_error *tn_decl_builder_finish(tn_decl_builder *builder, tn_ast_type_kind kind,
                                 const tn_ast_type **out);

#endif
