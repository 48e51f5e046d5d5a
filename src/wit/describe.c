#include "wit/describe.h"

#include <inttypes.h>

#include "component/type.h"
#include "wit/wit.h"

enum { MAX_LENGTH = 16 << 20, MAX_COST = 100000000, MAX_DEPTH = 200 };

static void describe_node(tn_wit_describer *d, const tn_wit_node *node, uint32_t depth);

void tn_wit_describer_start(tn_wit_describer *d, tn_buffer *out) {
  *d = (tn_wit_describer){.out = out, .limit = out->len + MAX_LENGTH};
}

bool tn_wit_describer_go_on(tn_wit_describer *d) {
  if (d->out->len > d->limit || d->cost++ > MAX_COST) d->too_large = true;
  return !d->too_large && !d->out->failed;
}

/* ---- names --------------------------------------------------------------------------------------- */

static bool is_in_scope(const tn_wit_describer *d, const tn_wit_node *node) {
  return node->name.data != NULL && node->owner != NULL &&
         (node->owner == d->scopes[0] || node->owner == d->scopes[1]);
}

/* The name under which a scope holds the same type; .data == NULL if it does not. */
static tn_str find_name(tn_wit_describer *d, const tn_wit_instance *scope,
                        const tn_wit_node *root) {
  for (uint32_t i = 0; i < scope->items.len && tn_wit_describer_go_on(d); i++) {
    const tn_wit_item *item = &scope->items.items[i];
    if (item->sort == TN_SORT_TYPE && tn_wit_node_root(item->type) == root) return item->name;
  }
  return (tn_str){NULL, 0};
}

static tn_str name_of(tn_wit_describer *d, const tn_wit_node *node) {
  if (is_in_scope(d, node)) return node->name;
  const tn_wit_node *root = tn_wit_node_root(node);
  for (int i = 0; i < 2; i++) {
    tn_str name = d->scopes[i] == NULL ? (tn_str){NULL, 0} : find_name(d, d->scopes[i], root);
    if (name.data != NULL) return name;
  }
  while (node != NULL && node->name.data == NULL)
    node = node->same;
  return node == NULL ? (tn_str){NULL, 0} : node->name;
}

const char *tn_wit_aggregate_keyword(const tn_wit_node *root) {
  if (root->ast == NULL) return NULL;
  switch (root->ast->kind) {
  case TN_AST_RECORD:
    return "record";
  case TN_AST_VARIANT:
    return "variant";
  case TN_AST_ENUM:
    return "enum";
  case TN_AST_FLAGS:
    return "flags";
  default:
    return NULL;
  }
}

static bool is_resource(const tn_wit_node *root) {
  return root->ast == NULL || root->ast->kind == TN_AST_RESOURCE;
}

/* ---- what types are made of ----------------------------------------------------------------------- */

static void text(tn_wit_describer *d, const char *what) {
  tn_buffer_append_text(d->out, what);
}

static void describe_valtype(tn_wit_describer *d, const tn_wit_space *space,
                             const tn_ast_valtype *type, uint32_t depth) {
  if (type->is_absent) {
    text(d, "_");
  } else if (!type->is_index) {
    text(d, tn_primitive_name(type->primitive));
  } else {
    const tn_wit_node *node = tn_wit_space_type(space, type->index);
    if (node == NULL) {
      text(d, "?"); /* only where a component was not validated */
    } else {
      describe_node(d, node, depth);
    }
  }
}

/* "name", "name<a>" or "name<a, b>". */
static void describe_arguments(tn_wit_describer *d, const char *name, const tn_wit_space *space,
                               const tn_ast_valtype *first, const tn_ast_valtype *second,
                               uint32_t depth) {
  text(d, name);
  bool has_second = second != NULL && !second->is_absent;
  if (first->is_absent && !has_second) return;
  text(d, "<");
  describe_valtype(d, space, first, depth);
  if (has_second) {
    text(d, ", ");
    describe_valtype(d, space, second, depth);
  }
  text(d, ">");
}

static void describe_member(tn_wit_describer *d, const tn_wit_node *root, uint32_t index,
                            uint32_t depth) {
  const tn_ast_field *field = &root->ast->fields[index];
  tn_ast_type_kind kind = root->ast->kind;
  if (kind != TN_AST_TUPLE) tn_wit_print_name(d->out, field->label);
  bool has_type = kind == TN_AST_TUPLE || kind == TN_AST_RECORD || kind == TN_AST_FUNC ||
                  (kind == TN_AST_VARIANT && !field->type.is_absent);
  if (!has_type) return;
  if (kind != TN_AST_TUPLE) text(d, kind == TN_AST_VARIANT ? "(" : ": ");
  describe_valtype(d, root->space, &field->type, depth);
  if (kind == TN_AST_VARIANT) text(d, ")");
}

void tn_wit_describe_member(tn_wit_describer *d, const tn_wit_node *root, uint32_t index) {
  describe_member(d, root, index, 0);
}

static void describe_members(tn_wit_describer *d, const tn_wit_node *root, uint32_t first,
                             uint32_t depth) {
  for (uint32_t i = first; i < root->ast->field_count && tn_wit_describer_go_on(d); i++) {
    if (i > first) text(d, ", ");
    describe_member(d, root, i, depth);
  }
}

static void describe_handle(tn_wit_describer *d, const tn_wit_node *root, uint32_t depth) {
  const tn_wit_node *resource = tn_wit_space_type(root->space, root->ast->resource);
  if (root->ast->kind == TN_AST_BORROW) text(d, "borrow<");
  if (resource == NULL) {
    text(d, "?");
  } else {
    describe_node(d, resource, depth);
  }
  if (root->ast->kind == TN_AST_BORROW) text(d, ">");
}

static void describe_structure(tn_wit_describer *d, const tn_wit_node *root, uint32_t depth) {
  const tn_ast_type *ast = root->ast;
  const tn_wit_space *space = root->space;
  const char *keyword = tn_wit_aggregate_keyword(root);
  if (keyword != NULL) {
    text(d, keyword);
    text(d, " { ");
    describe_members(d, root, 0, depth);
    text(d, " }");
    return;
  }
  switch (ast == NULL ? TN_AST_RESOURCE : ast->kind) {
  case TN_AST_PRIMITIVE:
    describe_valtype(d, space, &(tn_ast_valtype){.primitive = ast->primitive}, depth);
    break;
  case TN_AST_LIST:
    describe_arguments(d, "list", space, &ast->element, NULL, depth);
    break;
  case TN_AST_FIXED_LIST:
    text(d, "list<");
    describe_valtype(d, space, &ast->element, depth);
    tn_buffer_format(d->out, ", %" PRIu32 ">", ast->length);
    break;
  case TN_AST_TUPLE:
    text(d, "tuple<");
    describe_members(d, root, 0, depth);
    text(d, ">");
    break;
  case TN_AST_OPTION:
    describe_arguments(d, "option", space, &ast->element, NULL, depth);
    break;
  case TN_AST_RESULT:
    describe_arguments(d, "result", space, &ast->element, &ast->error, depth);
    break;
  case TN_AST_STREAM:
    describe_arguments(d, "stream", space, &ast->element, NULL, depth);
    break;
  case TN_AST_FUTURE:
    describe_arguments(d, "future", space, &ast->element, NULL, depth);
    break;
  case TN_AST_MAP:
    describe_arguments(d, "map", space, &ast->key, &ast->element, depth);
    break;
  case TN_AST_OWN:
  case TN_AST_BORROW:
    describe_handle(d, root, depth);
    break;
  case TN_AST_FUNC:
    text(d, tn_wit_describe_func_keyword(root));
    tn_wit_describe_signature(d, root, TN_WIT_SIGNATURE_WHOLE);
    break;
  case TN_AST_COMPONENT:
    text(d, "component");
    break;
  case TN_AST_INSTANCE:
    text(d, "interface");
    break;
  default:
    text(d, "resource");
    break;
  }
}

/* Types that WIT can only refer to by name get one; others are written out unless they have one. */
static void describe_node(tn_wit_describer *d, const tn_wit_node *node, uint32_t depth) {
  if (depth == MAX_DEPTH) d->too_large = true;
  if (!tn_wit_describer_go_on(d)) return;
  const tn_wit_node *root = tn_wit_node_root(node);
  bool needs_name =
      node->name.data != NULL || is_resource(root) || tn_wit_aggregate_keyword(root) != NULL;
  tn_str name = needs_name ? name_of(d, node) : (tn_str){NULL, 0};
  if (name.data != NULL) {
    tn_wit_print_name(d->out, name);
  } else {
    describe_structure(d, root, depth + 1);
  }
}

void tn_wit_describe_node(tn_wit_describer *d, const tn_wit_node *node) {
  describe_node(d, node, 0);
}

void tn_wit_describe_definition(tn_wit_describer *d, const tn_wit_node *node) {
  describe_structure(d, tn_wit_node_root(node), 0);
}

const char *tn_wit_describe_func_keyword(const tn_wit_node *func) {
  const tn_wit_node *root = tn_wit_node_root(func);
  return root->ast != NULL && root->ast->is_async ? "async func" : "func";
}

static bool returns_handle(const tn_wit_node *func) {
  if (!func->ast->element.is_index) return false;
  const tn_wit_node *result = tn_wit_space_type(func->space, func->ast->element.index);
  if (result == NULL) return false;
  result = tn_wit_node_root(result);
  return result->ast != NULL && result->ast->kind == TN_AST_OWN;
}

void tn_wit_describe_signature(tn_wit_describer *d, const tn_wit_node *func,
                               tn_wit_signature form) {
  const tn_wit_node *root = tn_wit_node_root(func);
  if (root->ast == NULL || root->ast->kind != TN_AST_FUNC) {
    text(d, "()"); /* only where a component was not validated */
    return;
  }
  text(d, "(");
  describe_members(d, root, form == TN_WIT_SIGNATURE_METHOD ? 1 : 0, 0);
  text(d, ")");
  if (root->ast->element.is_absent) return;
  if (form == TN_WIT_SIGNATURE_CONSTRUCTOR && returns_handle(root)) return;
  text(d, " -> ");
  describe_valtype(d, root->space, &root->ast->element, 0);
}
