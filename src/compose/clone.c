#include "compose/type.h"
#include "base/pointer_map.h"

/* Invariant: `copies` leads from types to their copies. */
typedef struct cloner {
  tn_compose_types *types;
  const tn_compose_interface *source;
  tn_compose_interface *target;
  tn_pointer_map copies;
  tn_compose_foreign_func foreign;
  void *data;
} cloner;

static tn_error *clone_type(cloner *c, const tn_compose_type *type, tn_compose_type **out);

static tn_error *clone_members(cloner *c, const tn_compose_type *type, tn_compose_type *copy) {
  if (type->member_count == 0) return NULL;
  copy->members = TN_ARENA_ARRAY(c->types->arena, tn_compose_member, type->member_count);
  if (copy->members == NULL) return tn_error_no_memory();
  for (uint32_t i = 0; i < type->member_count; i++) {
    copy->members[i].label = type->members[i].label;
    TN_TRY(clone_type(c, type->members[i].type, &copy->members[i].type));
  }
  return NULL;
}

static bool is_of_elsewhere(const cloner *c, const tn_compose_type *type) {
  if (type->home == NULL) return false;
  const tn_compose_interface *home = tn_compose_interface_root(type->home);
  return home->id.data != NULL && home != c->source;
}

static tn_error *clone_type(cloner *c, const tn_compose_type *type, tn_compose_type **out) {
  *out = NULL;
  if (type == NULL) return NULL;
  tn_compose_type *root = tn_compose_root(type);
  *out = (tn_compose_type *)tn_pointer_map_get(&c->copies, root);
  if (*out != NULL) return NULL;
  TN_TRY(tn_compose_spend(c->types));
  bool is_primitive = root->kind == TN_AST_PRIMITIVE && root->name.data == NULL;
  if (is_primitive || root->kind == TN_AST_INSTANCE || root->kind == TN_AST_COMPONENT) {
    *out = root; /* nothing in these is anybody's own */
    return NULL;
  }
  if (is_of_elsewhere(c, root)) {
    TN_TRY(c->foreign(c->data, root, out));
  } else {
    *out = TN_ARENA_NEW(c->types->arena, tn_compose_type);
    if (*out == NULL) return tn_error_no_memory();
    **out = *root;
    if (root->home != NULL) (*out)->home = c->target;
    TN_TRY(clone_members(c, root, *out));
    TN_TRY(clone_type(c, root->element, &(*out)->element));
    TN_TRY(clone_type(c, root->error, &(*out)->error));
    TN_TRY(clone_type(c, root->key, &(*out)->key));
  }
  return tn_pointer_map_put(c->types->arena, &c->copies, root, *out) ? NULL : tn_error_no_memory();
}

static tn_error *clone_items(cloner *c, const tn_compose_items *items, tn_compose_items *out) {
  for (uint32_t i = 0; i < items->list.len; i++) {
    tn_compose_item item = items->list.items[i];
    TN_TRY(clone_type(c, item.type, &item.type));
    if (item.interface != NULL) {
      const tn_compose_interface *inner = item.interface;
      item.interface = tn_compose_interface_new(c->types, inner->id);
      if (item.interface == NULL) return tn_error_no_memory();
      TN_TRY(clone_items(c, &inner->items, &item.interface->items));
    }
    TN_TRY(tn_compose_items_add(c->types, out, &item));
  }
  return NULL;
}

tn_error *tn_compose_clone_interface(tn_compose_types *types, const tn_compose_interface *interface,
                                     tn_compose_foreign_func foreign, void *data,
                                     tn_compose_interface **out) {
  tn_compose_interface *copy = tn_compose_interface_new(types, interface->id);
  if (copy == NULL) return tn_error_no_memory();
  cloner c = {.types = types,
              .source = tn_compose_interface_root(interface),
              .target = copy,
              .foreign = foreign,
              .data = data};
  TN_TRY(clone_items(&c, &interface->items, &copy->items));
  *out = copy;
  return NULL;
}
