/* WIT packages and worlds in their binary form. WIT.md#package-format
 *
 * A package is a component without code that exports a type for each interface and each world. The type is a
 * component type with one export, named by the full id:
 *
 *   (type (component                              (type (component
 *     (import "a:b/used@1.0.0" (instance …))        (export "a:b/w@1.0.0" (component
 *     (export "a:b/c@1.0.0" (instance …))))           the imports and exports of the world)))))
 *   (export "c" (type 0))                         (export "w" (type 2)) */
#include "component/binary/producers.h"
#include "component/write/write.h"
#include "wit/package/encode_internal.h"
#include "wit/package/package.h"

/* ---- one interface, one world ------------------------------------------------------------------------ */

/* Finishes a component type and exports it from the package. */
static tn_error *export_component_type(tn_component_builder *builder, tn_decl_builder *decls,
                                       tn_str name) {
  const tn_ast_type *type;
  tn_sort_index item = {.sort = TN_SORT_TYPE};
  TN_TRY(tn_decl_builder_finish(decls, TN_AST_COMPONENT, &type));
  TN_TRY(tn_builder_add_type(builder, type, &item.index));
  return tn_builder_add_export(builder, name, item, NULL);
}

static tn_error *encode_interface(tn_component_builder *builder,
                                  const tn_wit_interface *interface) {
  tn_decl_builder decls = {.arena = builder->arena};
  tn_wit_encoder scope = {.arena = builder->arena, .decls = &decls, .imports_needed = true};
  tn_wit_world_item item = {.kind = TN_WIT_WORLD_INTERFACE, .interface = interface};
  item.name = tn_str_from(tn_wit_interface_id(builder->arena, interface));
  if (item.name.data == NULL) return tn_error_no_memory();
  TN_TRY(tn_wit_encode_needed_imports(&scope, interface));
  TN_TRY(tn_wit_encode_export(&scope, &item, NULL));
  return export_component_type(builder, &decls, interface->declaration.name);
}

static tn_error *encode_world(tn_component_builder *builder, const tn_wit_world *world) {
  tn_decl_builder decls = {.arena = builder->arena};
  tn_wit_encoder scope = {.arena = builder->arena, .decls = &decls};
  TN_TRY(tn_wit_encode_world_items(&scope, world));
  const tn_ast_type *inner;
  tn_ast_extern_type type = {.sort = TN_SORT_COMPONENT};
  TN_TRY(tn_decl_builder_finish(&decls, TN_AST_COMPONENT, &inner));
  tn_decl_builder around = {.arena = builder->arena};
  TN_TRY(tn_decl_builder_add_type(&around, inner, &type.index));
  tn_str id = tn_str_from(tn_wit_world_id(builder->arena, world));
  if (id.data == NULL) return tn_error_no_memory();
  TN_TRY(tn_decl_builder_add_export(&around, id, type, NULL));
  return export_component_type(builder, &around, world->declaration.name);
}

/* ---- custom sections --------------------------------------------------------------------------------- */

/* Adds what is in the buffer, and empties it. */
static tn_error *add_custom(tn_component_builder *builder, tn_str name, tn_buffer *bytes) {
  tn_str copy = {NULL, 0};
  if (!bytes->failed) copy = tn_arena_copy(builder->arena, tn_buffer_str(bytes));
  tn_buffer_free(bytes);
  return copy.data == NULL ? tn_error_no_memory() : tn_builder_add_custom(builder, name, copy);
}

static tn_error *add_producers(tn_component_builder *builder) {
  tn_str section;
  TN_TRY(tn_producers_own(builder->arena, &section));
  return tn_builder_add_custom(builder, TN_STR("producers"), section);
}

static tn_error *write_component(tn_buffer *out, tn_component_builder *builder) {
  const tn_component_ast *component;
  TN_TRY(add_producers(builder));
  TN_TRY(tn_builder_finish(builder, &component));
  return tn_component_write(out, component);
}

/* ---- entry points ------------------------------------------------------------------------------------ */

static tn_error *encode_package(tn_buffer *out, tn_component_builder *builder,
                                const tn_wit_package *package) {
  tn_buffer docs = {0};
  for (uint32_t i = 0; i < package->interfaces.len; i++) {
    const tn_wit_interface *interface = package->interfaces.items[i];
    TN_TRY(tn_error_wrap(encode_interface(builder, interface), "interface %" TN_STR_FORMAT,
                         TN_STR_ARG(interface->declaration.name)));
  }
  for (uint32_t i = 0; i < package->worlds.len; i++) {
    const tn_wit_world *world = package->worlds.items[i];
    TN_TRY(tn_error_wrap(encode_world(builder, world), "world %" TN_STR_FORMAT,
                         TN_STR_ARG(world->declaration.name)));
  }
  tn_encode_docs(&docs, package);
  TN_TRY(add_custom(builder, TN_STR("package-docs"), &docs));
  return write_component(out, builder);
}

tn_error *tn_wit_encode_package(tn_buffer *out, const tn_wit_package *package) {
  tn_arena arena = {0};
  tn_component_builder builder = {.arena = &arena};
  tn_error *error = encode_package(out, &builder, package);
  tn_arena_free(&arena);
  return error;
}

static tn_error *encode_embedded(tn_buffer *out, tn_component_builder *builder,
                                 const tn_wit_world *world, tn_string_encoding encoding) {
  static const char codes[] = {
      [TN_ENCODING_UTF8] = 0x00, [TN_ENCODING_UTF16] = 0x01, [TN_ENCODING_LATIN1_UTF16] = 0x02};
  tn_buffer format = {0};
  tn_buffer_append_byte(&format, TN_WIT_ENCODING_VERSION);
  tn_buffer_append_byte(&format, (uint8_t)codes[encoding]);
  TN_TRY(add_custom(builder, TN_STR("wit-component-encoding"), &format));
  TN_TRY(encode_world(builder, world));
  return write_component(out, builder);
}

tn_error *tn_wit_encode_world(tn_buffer *out, const tn_wit_world *world,
                              tn_string_encoding encoding) {
  tn_arena arena = {0};
  tn_component_builder builder = {.arena = &arena};
  tn_error *error = encode_embedded(out, &builder, world, encoding);
  tn_arena_free(&arena);
  return error;
}
