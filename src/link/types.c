/* Resolving types: from syntax in an index space to tn_type and tn_func_type with concrete resources. Lazy,
 * because a component declares many more types than its calls need. */
#include "base/error.h"
#include "link/scope.h"

tn_error *tn_link_new_type(tn_linking *linking, tn_scope *scope, const tn_ast_type *ast,
                           tn_type_item **out) {
  tn_type_item *item = TN_ARENA_NEW(linking->arena, tn_type_item);
  if (item == NULL) return tn_error_no_memory();
  *item = (tn_type_item){.kind = TN_TYPE_ITEM_SYNTAX, .ast = ast, .scope = scope};
  *out = item;
  if (ast->kind != TN_AST_RESOURCE) return NULL;
  /* Resources come into being with their definition: each has its own identity. */
  tn_resource *resource = TN_ARENA_NEW(linking->arena, tn_resource);
  if (resource == NULL) return tn_error_no_memory();
  *resource = (tn_resource){.instance = scope->instance, .destructor = -1};
  if (ast->has_destructor) {
    TN_TRY(tn_link_take_func(linking, &scope->core[TN_SORT_CORE_FUNC].items[ast->destructor].source,
                             &resource->destructor));
  }
  item->kind = TN_TYPE_ITEM_RESOURCE;
  item->resource = resource;
  return NULL;
}

tn_error *tn_link_value_type(tn_linking *linking, tn_scope *scope, const tn_ast_valtype *type,
                             const tn_type **out) {
  if (type->is_absent) {
    *out = NULL;
    return NULL;
  }
  if (!type->is_index) {
    *out = tn_type_of_primitive(type->primitive);
    return NULL;
  }
  tn_type_item *item = scope->types.items[type->index];
  TN_TRY(tn_link_force_type(linking, item));
  *out = item->value;
  return NULL;
}

/* How a syntactic type maps to a tn_type: its kind and which of its parts become types. */
static tn_error *part_types(tn_linking *linking, tn_scope *scope, const tn_ast_type *ast,
                            tn_type *type) {
  const tn_ast_valtype *parts[2] = {&ast->element, &ast->error};
  uint32_t count = 1;
  switch (ast->kind) {
  case TN_AST_RESULT:
    count = 2;
    break;
  case TN_AST_MAP:
    parts[0] = &ast->key;
    parts[1] = &ast->element;
    count = 2;
    break;
  case TN_AST_RECORD:
  case TN_AST_VARIANT:
  case TN_AST_TUPLE:
  case TN_AST_FLAGS:
  case TN_AST_ENUM:
    count = ast->field_count;
    break;
  default:
    break;
  }
  bool has_fields = ast->field_count > 0;
  const tn_type **types = TN_ARENA_ARRAY(linking->arena, const tn_type *, count);
  tn_str *labels = has_fields ? TN_ARENA_ARRAY(linking->arena, tn_str, count) : NULL;
  if (types == NULL || (has_fields && labels == NULL)) return tn_error_no_memory();
  for (uint32_t i = 0; i < count; i++) {
    TN_TRY(tn_link_value_type(linking, scope, has_fields ? &ast->fields[i].type : parts[i],
                              &types[i]));
    if (has_fields) labels[i] = ast->fields[i].label;
  }
  type->count = count;
  type->types = types;
  type->labels = labels;
  return NULL;
}

static const tn_type_kind compound_kinds[] = {
    [TN_AST_RECORD] = TN_TYPE_RECORD, [TN_AST_VARIANT] = TN_TYPE_VARIANT,
    [TN_AST_LIST] = TN_TYPE_LIST,     [TN_AST_FIXED_LIST] = TN_TYPE_FIXED_LIST,
    [TN_AST_TUPLE] = TN_TYPE_TUPLE,   [TN_AST_FLAGS] = TN_TYPE_FLAGS,
    [TN_AST_ENUM] = TN_TYPE_ENUM,     [TN_AST_OPTION] = TN_TYPE_OPTION,
    [TN_AST_RESULT] = TN_TYPE_RESULT, [TN_AST_OWN] = TN_TYPE_OWN,
    [TN_AST_BORROW] = TN_TYPE_BORROW, [TN_AST_STREAM] = TN_TYPE_STREAM,
    [TN_AST_FUTURE] = TN_TYPE_FUTURE, [TN_AST_MAP] = TN_TYPE_MAP,
};

static tn_error *force_value(tn_linking *linking, tn_type_item *item) {
  const tn_ast_type *ast = item->ast;
  if (ast->kind == TN_AST_PRIMITIVE) {
    item->value = tn_type_of_primitive(ast->primitive);
    return NULL;
  }
  tn_type *type = TN_ARENA_NEW(linking->arena, tn_type);
  if (type == NULL) return tn_error_no_memory();
  type->kind = compound_kinds[ast->kind];
  type->length = ast->length;
  if (ast->kind == TN_AST_OWN || ast->kind == TN_AST_BORROW) {
    TN_TRY(tn_link_resource(linking, item->scope->types.items[ast->resource], &type->resource));
  } else {
    TN_TRY(part_types(linking, item->scope, ast, type));
    if (ast->kind == TN_AST_FLAGS || ast->kind == TN_AST_ENUM) type->types = NULL;
    if (ast->kind == TN_AST_TUPLE) type->labels = NULL;
  }
  TN_TRY(tn_type_finish(linking->arena, type));
  item->value = type;
  return NULL;
}

static tn_error *force_func(tn_linking *linking, tn_type_item *item) {
  const tn_ast_type *ast = item->ast;
  tn_func_type *type = TN_ARENA_NEW(linking->arena, tn_func_type);
  tn_str *names = TN_ARENA_ARRAY(linking->arena, tn_str, ast->field_count);
  const tn_type **params = TN_ARENA_ARRAY(linking->arena, const tn_type *, ast->field_count);
  if (type == NULL || names == NULL || params == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < ast->field_count; i++) {
    names[i] = ast->fields[i].label;
    TN_TRY(tn_link_value_type(linking, item->scope, &ast->fields[i].type, &params[i]));
  }
  type->is_async = ast->is_async;
  type->param_count = ast->field_count;
  type->param_names = names;
  type->param_types = params;
  TN_TRY(tn_link_value_type(linking, item->scope, &ast->element, &type->result));
  TN_TRY(tn_func_type_finish(linking->arena, type));
  item->func = type;
  return NULL;
}

tn_error *tn_link_force_type(tn_linking *linking, tn_type_item *item) {
  if (item->kind != TN_TYPE_ITEM_SYNTAX) return NULL;
  switch (item->ast->kind) {
  case TN_AST_COMPONENT:
  case TN_AST_INSTANCE:
    return NULL;
  case TN_AST_FUNC:
    TN_TRY(force_func(linking, item));
    item->kind = TN_TYPE_ITEM_FUNC;
    return NULL;
  default:
    TN_TRY(force_value(linking, item));
    item->kind = TN_TYPE_ITEM_VALUE;
    return NULL;
  }
}

tn_error *tn_link_func_type(tn_linking *linking, tn_type_item *item, const tn_func_type **out) {
  TN_TRY(tn_link_force_type(linking, item));
  if (item->kind != TN_TYPE_ITEM_FUNC)
    return tn_error_new(TN_ERROR_INTERNAL, "type is not a function type");
  *out = item->func;
  return NULL;
}

tn_error *tn_link_resource(tn_linking *linking, tn_type_item *item, const tn_resource **out) {
  (void)linking;
  if (item->kind != TN_TYPE_ITEM_RESOURCE)
    return tn_error_new(TN_ERROR_INTERNAL, "type is not a resource type");
  *out = item->resource;
  return NULL;
}
