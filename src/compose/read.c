/* From the syntax tree of a component to types. wit/model.h resolves the indices. */
#include "compose/type.h"
#include "base/pointer_map.h"
#include "wit/model.h"

/* Invariant: `known` leads from the root nodes that were seen to the types made of them. */
typedef struct reader {
  tn_compose_types *types;
  tn_pointer_map known;
} reader;

static tn_error *read_node(reader *r, const tn_wit_node *node, tn_compose_type **out);

static tn_error *bad_reference(void) {
  return tn_error_new(TN_ERROR_INVALID, "the component refers to something that it does not have");
}

static tn_error *read_index(reader *r, const tn_wit_node *node, uint32_t index,
                            tn_compose_type **out) {
  const tn_wit_node *target = tn_wit_space_type(node->space, index);
  return target == NULL ? bad_reference() : read_node(r, target, out);
}

static tn_error *read_valtype(reader *r, const tn_wit_node *node, const tn_ast_valtype *valtype,
                              tn_compose_type **out) {
  *out = NULL;
  if (valtype->is_absent) return NULL;
  if (valtype->is_index) return read_index(r, node, valtype->index, out);
  *out = &r->types->primitives[valtype->primitive];
  return NULL;
}

static tn_error *read_members(reader *r, const tn_wit_node *node, tn_compose_type *type) {
  const tn_ast_type *ast = node->ast;
  bool has_types = ast->kind != TN_AST_ENUM && ast->kind != TN_AST_FLAGS;
  if (ast->field_count == 0) return NULL;
  type->members = TN_ARENA_ARRAY(r->types->arena, tn_compose_member, ast->field_count);
  if (type->members == NULL) return tn_error_no_memory();
  type->member_count = ast->field_count;
  for (uint32_t i = 0; i < ast->field_count; i++) {
    type->members[i].label = ast->fields[i].label;
    if (has_types) TN_TRY(read_valtype(r, node, &ast->fields[i].type, &type->members[i].type));
  }
  return NULL;
}

static tn_error *read_parts(reader *r, const tn_wit_node *node, tn_compose_type *type) {
  const tn_ast_type *ast = node->ast;
  switch (ast->kind) {
  case TN_AST_LIST:
  case TN_AST_FIXED_LIST:
  case TN_AST_OPTION:
  case TN_AST_STREAM:
  case TN_AST_FUTURE:
    return read_valtype(r, node, &ast->element, &type->element);
  case TN_AST_RESULT:
    TN_TRY(read_valtype(r, node, &ast->element, &type->element));
    return read_valtype(r, node, &ast->error, &type->error);
  case TN_AST_MAP:
    TN_TRY(read_valtype(r, node, &ast->key, &type->key));
    return read_valtype(r, node, &ast->element, &type->element);
  case TN_AST_OWN:
  case TN_AST_BORROW:
    return read_index(r, node, ast->resource, &type->element);
  case TN_AST_FUNC:
    TN_TRY(read_members(r, node, type));
    return read_valtype(r, node, &ast->element, &type->element);
  case TN_AST_RECORD:
  case TN_AST_VARIANT:
  case TN_AST_TUPLE:
  case TN_AST_FLAGS:
  case TN_AST_ENUM:
    return read_members(r, node, type);
  default:
    return NULL;
  }
}

static tn_error *read_component_world(reader *r, const tn_wit_component *component,
                                      tn_compose_world **out);

/* Component and instance types. */
static tn_error *read_declarations(reader *r, const tn_wit_node *node, tn_compose_type *type) {
  tn_compose_world *world;
  TN_TRY(read_component_world(r, &(tn_wit_component){.type = node}, &world));
  if (type->kind == TN_AST_COMPONENT) {
    type->world = world;
    return NULL;
  }
  type->interface = tn_compose_interface_new(r->types, (tn_str){NULL, 0});
  if (type->interface == NULL) return tn_error_no_memory();
  type->interface->items = world->exports;
  return NULL;
}

static tn_error *read_node(reader *r, const tn_wit_node *node, tn_compose_type **out) {
  const tn_wit_node *root = tn_wit_node_root(node);
  *out = (tn_compose_type *)tn_pointer_map_get(&r->known, root);
  if (*out != NULL) return NULL;
  TN_TRY(tn_compose_spend(r->types));
  tn_compose_type *type =
      tn_compose_type_new(r->types, root->ast == NULL ? TN_AST_RESOURCE : root->ast->kind);
  if (type == NULL || !tn_pointer_map_put(r->types->arena, &r->known, root, type))
    return tn_error_no_memory();
  *out = type;
  type->is_open = root->ast == NULL;
  if (root->ast == NULL) return NULL;
  type->primitive = root->ast->primitive;
  type->length = root->ast->length;
  type->is_async = root->ast->is_async;
  if (type->kind == TN_AST_COMPONENT || type->kind == TN_AST_INSTANCE)
    return read_declarations(r, root, type);
  return read_parts(r, root, type);
}

/* ---- imports and exports -------------------------------------------------------------------------------- */

static bool is_interface_name(tn_str name) {
  return tn_str_find(name, ':', 0) < name.len;
}

static tn_error *read_items(reader *r, const tn_wit_items *items, tn_compose_interface *owner,
                            tn_compose_items *out);

static tn_error *read_instance(reader *r, const tn_wit_instance *instance, tn_str name,
                               tn_compose_interface **out) {
  *out = tn_compose_interface_new(r->types, is_interface_name(name) ? name : (tn_str){NULL, 0});
  if (*out == NULL) return tn_error_no_memory();
  return read_items(r, &instance->items, *out, &(*out)->items);
}

static tn_error *read_item(reader *r, const tn_wit_item *item, tn_compose_interface *owner,
                           tn_compose_item *out) {
  *out = (tn_compose_item){.name = item->name, .sort = item->sort};
  TN_TRY(tn_compose_spend(r->types));
  switch (item->sort) {
  case TN_SORT_FUNC:
    return read_node(r, item->type, &out->type);
  case TN_SORT_TYPE:
    TN_TRY(read_node(r, item->type, &out->type));
    if (out->type->name.data != NULL) return NULL;
    out->type->name = item->name;
    out->type->home = owner;
    return NULL;
  case TN_SORT_INSTANCE:
    return read_instance(r, item->instance, item->name, &out->interface);
  case TN_SORT_COMPONENT:
    TN_TRY(read_component_world(r, &item->component, &out->world));
    if (is_interface_name(item->name)) out->world->id = item->name;
    return NULL;
  default: /* core modules and values are told apart by their sort only */
    return NULL;
  }
}

/* `owner` is the interface that the items belong to; NULL: a world. */
static tn_error *read_items(reader *r, const tn_wit_items *items, tn_compose_interface *owner,
                            tn_compose_items *out) {
  for (uint32_t i = 0; i < items->len; i++) {
    tn_compose_item item;
    TN_TRY(read_item(r, &items->items[i], owner, &item));
    TN_TRY(tn_compose_items_add(r->types, out, &item));
  }
  return NULL;
}

static tn_error *read_component_world(reader *r, const tn_wit_component *component,
                                      tn_compose_world **out) {
  tn_wit_component_world found;
  *out = tn_compose_world_new(r->types, (tn_str){NULL, 0});
  if (*out == NULL) return tn_error_no_memory();
  TN_TRY(tn_wit_find_component_world(r->types->arena, component, &found));
  TN_TRY(read_items(r, &found.imports.items, NULL, &(*out)->imports));
  return read_items(r, &found.exports.items, NULL, &(*out)->exports);
}

tn_error *tn_compose_read_world(tn_compose_types *types, const tn_component_ast *component,
                                tn_compose_world **out) {
  reader r = {.types = types};
  return read_component_world(&r, &(tn_wit_component){.ast = component}, out);
}
