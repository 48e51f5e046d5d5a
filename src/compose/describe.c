#include "compose/type.h"

#include "component/type.h"

static const char *const kind_names[] = {
    [TN_AST_PRIMITIVE] = "type",     [TN_AST_RECORD] = "record",   [TN_AST_VARIANT] = "variant",
    [TN_AST_LIST] = "list",          [TN_AST_FIXED_LIST] = "list", [TN_AST_TUPLE] = "tuple",
    [TN_AST_FLAGS] = "flags",        [TN_AST_ENUM] = "enum",       [TN_AST_OPTION] = "option",
    [TN_AST_RESULT] = "result",      [TN_AST_OWN] = "own",         [TN_AST_BORROW] = "borrow",
    [TN_AST_STREAM] = "stream",      [TN_AST_FUTURE] = "future",   [TN_AST_MAP] = "map",
    [TN_AST_FUNC] = "function type", [TN_AST_COMPONENT] = "world", [TN_AST_INSTANCE] = "interface",
    [TN_AST_RESOURCE] = "resource",
};

const char *tn_compose_type_kind_name(const tn_compose_type *type) {
  const tn_compose_type *root = tn_compose_root(type);
  return root->kind == TN_AST_PRIMITIVE ? tn_primitive_name(root->primitive)
                                        : kind_names[root->kind];
}

const char *tn_compose_item_kind_name(const tn_compose_item *item) {
  switch (item->sort) {
  case TN_SORT_FUNC:
    return "function";
  case TN_SORT_INSTANCE:
    return "instance";
  case TN_SORT_COMPONENT:
    return "component";
  case TN_SORT_CORE_MODULE:
    return "core module";
  case TN_SORT_TYPE:
    return item->type == NULL ? "type" : tn_compose_type_kind_name(item->type);
  default:
    return "value";
  }
}

static void print_part(tn_buffer *out, const tn_compose_type *type) {
  if (type == NULL)
    tn_buffer_append_text(out, "_");
  else
    tn_compose_print_type(out, type);
}

static void print_member(tn_buffer *out, const tn_compose_type *type, uint32_t index) {
  const tn_compose_member *member = &type->members[index];
  bool has_label = member->label.data != NULL;
  if (index > 0) tn_buffer_append_text(out, ", ");
  if (has_label) tn_buffer_append_str(out, member->label);
  if (member->type == NULL) return;
  if (has_label) tn_buffer_append_text(out, type->kind == TN_AST_VARIANT ? "(" : ": ");
  tn_compose_print_type(out, member->type);
  if (has_label && type->kind == TN_AST_VARIANT) tn_buffer_append_text(out, ")");
}

static void print_members(tn_buffer *out, const tn_compose_type *type, const char *open,
                          const char *close) {
  tn_buffer_append_text(out, open);
  for (uint32_t i = 0; i < type->member_count; i++)
    print_member(out, type, i);
  tn_buffer_append_text(out, close);
}

/* "list<T>", "result<T, E>", … */
static void print_generic(tn_buffer *out, const tn_compose_type *type, const tn_compose_type *first,
                          const tn_compose_type *second) {
  tn_buffer_append_text(out, kind_names[type->kind]);
  if (first == NULL && second == NULL) return;
  tn_buffer_append_text(out, "<");
  print_part(out, first);
  if (second != NULL) {
    tn_buffer_append_text(out, ", ");
    print_part(out, second);
  }
  if (type->kind == TN_AST_FIXED_LIST) tn_buffer_format(out, ", %u", type->length);
  tn_buffer_append_text(out, ">");
}

void tn_compose_print_function(tn_buffer *out, const tn_compose_type *type) {
  const tn_compose_type *root = tn_compose_root(type);
  if (root->is_async) tn_buffer_append_text(out, "async ");
  print_members(out, root, "func(", ")");
  if (root->element == NULL) return;
  tn_buffer_append_text(out, " -> ");
  tn_compose_print_type(out, root->element);
}

void tn_compose_print_type(tn_buffer *out, const tn_compose_type *type) {
  enum { MAX_TEXT = 4000 };
  const tn_compose_type *root = tn_compose_root(type);
  if (out->len > MAX_TEXT)
    return; /* messages are for people; shared parts would make it exponential */
  if (root->name.data != NULL) {
    tn_buffer_append_str(out, root->name);
    return;
  }
  switch (root->kind) {
  case TN_AST_PRIMITIVE:
    tn_buffer_append_text(out, tn_primitive_name(root->primitive));
    return;
  case TN_AST_RECORD:
  case TN_AST_VARIANT:
  case TN_AST_FLAGS:
  case TN_AST_ENUM:
    tn_buffer_append_text(out, kind_names[root->kind]);
    print_members(out, root, " { ", " }");
    return;
  case TN_AST_TUPLE:
    print_members(out, root, "tuple<", ">");
    return;
  case TN_AST_FUNC:
    tn_compose_print_function(out, root);
    return;
  case TN_AST_MAP:
    print_generic(out, root, root->key, root->element);
    return;
  case TN_AST_OWN:
    tn_compose_print_type(out, root->element);
    return;
  default:
    print_generic(out, root, root->element, root->error);
    return;
  }
}
