/* Types of a component as types of the model. Named ones are made known first (shells), so that they can be
 * referred to from anywhere, and filled afterwards.
 *
 * WIT can name a type of another interface only if that has a name, and only by `use`. So what refers to such
 * a type gets an alias in its own interface or world. Components can do more: what they refer to in instances
 * with plain names is referred to in the model as well, though there are no words for it in WIT. */
#include <inttypes.h>

#include "component/component.h"
#include "component/extern_name.h"
#include "wit/package/decode_internal.h"
#include "wit/package/same.h"

enum {
  MAX_COST = 50000000,
  MAX_WEIGHT = 4000000, /* types may share their parts: written out they could be enormous */
};

typedef struct weighed_type {
  tn_wit_type type;
  uint32_t weight;
} weighed_type;

static tn_error *too_large(void) {
  return tn_error_new(TN_ERROR_LIMIT,
                      "the types of the component are too large to be written as WIT");
}

static tn_error *count_step(tn_wit_decoder *d) {
  return d->cost++ < MAX_COST ? NULL : too_large();
}

static tn_str owner_name(const tn_decoded *owner) {
  if (owner->world != NULL) return owner->world->declaration.name;
  tn_str name = owner->interface->declaration.name;
  return name.data != NULL ? name : TN_STR("written out in a world");
}

/* ---- shells ------------------------------------------------------------------------------------------ */

static tn_error *add_type(tn_wit_decoder *d, tn_decoded *owner, tn_str name, tn_wit_type **out) {
  tn_arena *arena = d->set->arena;
  TN_TRY(tn_decode_take_name(d, owner, name));
  tn_wit_type *type = TN_ARENA_NEW(arena, tn_wit_type);
  if (type == NULL) return tn_error_no_memory();
  type->declaration.name = name;
  type->interface = owner->interface;
  type->world = owner->world;
  tn_wit_type **slot = owner->interface != NULL ? TN_VEC_PUSH(arena, &owner->interface->types)
                                                : TN_VEC_PUSH(arena, &owner->world->types);
  if (slot == NULL || !tn_map_put(d->scratch, &owner->types, name, type))
    return tn_error_no_memory();
  *slot = type;
  *out = type;
  return NULL;
}

/* Records, variants, enums, flags and resources are declared; other types are only called something. */
static bool is_declared(const tn_wit_node *root) {
  if (root->ast == NULL) return true;
  tn_ast_type_kind kind = root->ast->kind;
  return kind == TN_AST_RECORD || kind == TN_AST_VARIANT || kind == TN_AST_ENUM ||
         kind == TN_AST_FLAGS || kind == TN_AST_RESOURCE;
}

/* Whatever is referred to by a node on the way from the name to what it means can be called by this name. */
static tn_error *remember_way(tn_wit_decoder *d, tn_decoded *owner, tn_shell *shell) {
  for (const tn_wit_node *node = shell->node; node != NULL; node = node->same) {
    TN_TRY(count_step(d));
    if (tn_pointer_map_get(&owner->names, node) != NULL) return NULL;
    if (node->ast != NULL && !is_declared(node)) return NULL;
    if (!tn_pointer_map_put(d->scratch, &owner->names, node, shell)) return tn_error_no_memory();
    /* Definitions of records and the like may serve several interfaces that have nothing to do with each
     * other. */
    bool is_one_thing =
        node->name.data != NULL || node->ast == NULL || node->ast->kind == TN_AST_RESOURCE;
    if (!is_one_thing || tn_pointer_map_get(&d->ways, node) != NULL) continue;
    if (!tn_pointer_map_put(d->scratch, &d->ways, node, shell)) return tn_error_no_memory();
  }
  return NULL;
}

static tn_error *add_shell(tn_wit_decoder *d, tn_decoded *owner, const tn_wit_node *node,
                           tn_wit_type *type, tn_wit_type *described) {
  tn_shell *shell = TN_ARENA_NEW(d->scratch, tn_shell);
  tn_shell **slot = TN_VEC_PUSH(d->scratch, &d->shells);
  if (shell == NULL || slot == NULL) return tn_error_no_memory();
  *shell = (tn_shell){.owner = owner, .node = node, .type = type, .described = described};
  *slot = shell;
  bool is_put = tn_pointer_map_put(d->scratch, &d->nodes, node, shell) &&
                (type != described || tn_pointer_map_put(d->scratch, &d->by_type, type, shell));
  return is_put ? remember_way(d, owner, shell) : tn_error_no_memory();
}

/* A node of its own for the item, whose type may be that of another one which was given a second name. */
static tn_error *node_of(tn_wit_decoder *d, const tn_wit_item *item, const tn_wit_node **out) {
  *out = item->type;
  if (tn_pointer_map_get(&d->nodes, item->type) == NULL) return NULL;
  tn_wit_node *named = TN_ARENA_NEW(d->scratch, tn_wit_node);
  if (named == NULL) return tn_error_no_memory();
  *named = (tn_wit_node){.same = item->type, .name = item->name};
  *out = named;
  return NULL;
}

tn_error *tn_decode_begin_type(tn_wit_decoder *d, tn_decoded *owner, const tn_wit_item *item,
                               tn_wit_type **type) {
  const tn_wit_node *node;
  TN_TRY(node_of(d, item, &node));
  *type = tn_map_get(&owner->types, item->name);
  if (*type == NULL) {
    TN_TRY(add_type(d, owner, item->name, type));
    (*type)->declaration.external_id = item->external_id;
    return add_shell(d, owner, node, *type, *type);
  }
  tn_wit_type *described = TN_ARENA_NEW(d->scratch, tn_wit_type);
  if (described == NULL) return tn_error_no_memory();
  described->interface = owner->interface;
  described->world = owner->world;
  return add_shell(d, owner, node, *type, described);
}

/* ---- finding the name of a type ---------------------------------------------------------------------- */

static tn_error *fill(tn_wit_decoder *d, tn_shell *shell);

static bool is_own(const tn_decoded *in, const tn_wit_type *type) {
  return type->interface == in->interface && type->world == in->world;
}

static bool is_named(const tn_wit_interface *interface) {
  return interface != NULL && interface->declaration.name.data != NULL;
}

/* An interface that is both imported and exported: a type of the one is that of the other by its name. */
static bool is_twin(const tn_decoded *in, const tn_wit_type *type) {
  static const tn_wit_sameness exactly = {0};
  return is_named(in->interface) && is_named(type->interface) &&
         tn_str_equal(type->interface->declaration.name, in->interface->declaration.name) &&
         tn_wit_same_package(&exactly, type->interface->package, in->interface->package);
}

/* Whether `use` can bring in the type. */
static bool is_usable(const tn_decoded *in, const tn_wit_type *type) {
  return is_named(type->interface) && !is_twin(in, type);
}

/* What names a type has. */
typedef struct found_names {
  tn_wit_type *usable; /* the nearest one that can be said; NULL: none */
  tn_wit_type *other;  /* the nearest of another interface or world that cannot; NULL: none */
} found_names;

/* The names of `node`, as `in` sees them. `self` (may be NULL) is the shell that is being filled. */
static tn_error *find_names(tn_wit_decoder *d, const tn_decoded *in, const tn_wit_node *node,
                            const tn_shell *self, found_names *out) {
  *out = (found_names){0};
  for (; node != NULL && out->usable == NULL; node = node->same) {
    TN_TRY(count_step(d));
    tn_shell *shell = self != NULL ? NULL : (tn_shell *)tn_pointer_map_get(&in->names, node);
    if (shell == NULL) shell = (tn_shell *)tn_pointer_map_get(&d->nodes, node);
    if (shell == NULL) shell = (tn_shell *)tn_pointer_map_get(&d->ways, node);
    if (shell == NULL || shell == self) continue;
    tn_wit_type *type = shell->type;
    if (!is_own(in, type) && is_twin(in, type)) {
      if (self != NULL) continue;
      /* Where it has none of that name, the other's stands for it: they are called the same. */
      tn_wit_type *own = tn_map_get(&in->types, type->declaration.name);
      if (own != NULL) shell = (tn_shell *)tn_pointer_map_get(&d->by_type, own);
      if (own != NULL) type = own;
    }
    if (shell != NULL) TN_TRY(fill(d, shell));
    if (is_own(in, type) || is_usable(in, type))
      out->usable = type;
    else if (out->other == NULL)
      out->other = type;
  }
  return NULL;
}

static tn_error *is_taken(tn_wit_decoder *d, const tn_decoded *in, tn_str name, bool *out) {
  tn_str key = tn_label_unique_key(d->scratch, name);
  TN_TRY(count_step(d));
  *out = key.data != NULL && tn_map_has(&in->taken, key);
  return key.data == NULL ? tn_error_no_memory() : NULL;
}

/* A name that is not taken in `in`. */
static tn_error *free_name(tn_wit_decoder *d, const tn_decoded *in, tn_str wanted, tn_str *out) {
  bool taken;
  *out = wanted;
  TN_TRY(is_taken(d, in, wanted, &taken));
  for (uint32_t i = 2; taken; i++) {
    *out = tn_arena_format(d->set->arena, "%" TN_STR_FORMAT "-%" PRIu32, TN_STR_ARG(wanted), i);
    if (out->data == NULL) return tn_error_no_memory();
    TN_TRY(is_taken(d, in, *out, &taken));
  }
  return NULL;
}

/* What `in` calls a type of another interface. */
static tn_error *use_type(tn_wit_decoder *d, tn_decoded *in, tn_wit_type *type,
                          const tn_wit_type **out) {
  *out = tn_pointer_map_get(&in->used, type);
  if (*out != NULL) return NULL;
  tn_str name;
  tn_wit_type *alias;
  TN_TRY(free_name(d, in, type->declaration.name, &name));
  TN_TRY(add_type(d, in, name, &alias));
  alias->kind = TN_WIT_KIND_ALIAS;
  alias->element = type;
  alias->is_use = true;
  *out = alias;
  return tn_pointer_map_put(d->scratch, &in->used, type, alias) ? NULL : tn_error_no_memory();
}

/* ---- what types are made of -------------------------------------------------------------------------- */

/* What is behind all names, step by step: chains of names may be long. */
static tn_error *find_root(tn_wit_decoder *d, const tn_wit_node *node, const tn_wit_node **out) {
  while (node->same != NULL) {
    node = node->same;
    TN_TRY(count_step(d));
  }
  *out = node;
  return NULL;
}

static bool is_resource(const tn_wit_node *root) {
  return root->ast == NULL || root->ast->kind == TN_AST_RESOURCE;
}

static tn_error *unnamed(const tn_decoded *in, const char *what) {
  tn_str name = owner_name(in);
  return tn_error_new(TN_ERROR_INVALID,
                      "%s '%" TN_STR_FORMAT
                      "' refers to a %s that has no name there, which WIT cannot say",
                      in->world != NULL ? "world" : "interface", TN_STR_ARG(name), what);
}

static tn_error *describe(tn_wit_decoder *d, tn_decoded *in, const tn_wit_node *node,
                          uint32_t depth, tn_wit_type *out, uint32_t *weight);

/* An anonymous type; each is made once in each interface. */
static tn_error *anonymous_type(tn_wit_decoder *d, tn_decoded *in, const tn_wit_node *node,
                                uint32_t depth, const tn_wit_type **out, uint32_t *weight) {
  const weighed_type *known = tn_pointer_map_get(&in->shared, node);
  if (known == NULL) {
    weighed_type *made = TN_ARENA_NEW(d->set->arena, weighed_type);
    if (made == NULL) return tn_error_no_memory();
    made->weight = 1;
    TN_TRY(describe(d, in, node, depth, &made->type, &made->weight));
    bool is_aggregate = made->type.kind == TN_WIT_KIND_RECORD ||
                        made->type.kind == TN_WIT_KIND_VARIANT ||
                        made->type.kind == TN_WIT_KIND_ENUM || made->type.kind == TN_WIT_KIND_FLAGS;
    if (is_aggregate) return unnamed(in, "record, variant, enum or flags");
    if (!tn_pointer_map_put(d->scratch, &in->shared, node, made)) return tn_error_no_memory();
    known = made;
  }
  if (__builtin_add_overflow(*weight, known->weight, weight) || *weight > MAX_WEIGHT)
    return too_large();
  *out = &known->type;
  return NULL;
}

static tn_error *refer(tn_wit_decoder *d, tn_decoded *in, const tn_wit_node *node, uint32_t depth,
                       const tn_wit_type **out, uint32_t *weight) {
  found_names names;
  TN_TRY(find_names(d, in, node, NULL, &names));
  *out = names.usable != NULL ? names.usable : names.other;
  if (names.usable != NULL && !is_own(in, names.usable)) return use_type(d, in, names.usable, out);
  if (*out != NULL) return NULL;
  TN_TRY(find_root(d, node, &node));
  if (is_resource(node)) return unnamed(in, "resource");
  if (depth >= TN_MAX_TYPE_DEPTH)
    return tn_error_new(TN_ERROR_LIMIT, "types are nested too deeply");
  return anonymous_type(d, in, node, depth + 1, out, weight);
}

static tn_error *bad_reference(void) {
  return tn_error_new(TN_ERROR_INVALID, "the component refers to a type that it does not have");
}

/* A value's type; NULL when it is absent. */
static tn_error *value(tn_wit_decoder *d, tn_decoded *in, const tn_wit_space *space,
                       const tn_ast_valtype *type, uint32_t depth, const tn_wit_type **out,
                       uint32_t *weight) {
  *out = NULL;
  if (type->is_absent) return NULL;
  ++*weight;
  if (!type->is_index) {
    tn_wit_type *primitive = TN_ARENA_NEW(d->set->arena, tn_wit_type);
    if (primitive == NULL) return tn_error_no_memory();
    primitive->primitive = type->primitive;
    *out = primitive;
    return NULL;
  }
  const tn_wit_node *root;
  const tn_wit_node *node = tn_wit_space_type(space, type->index);
  if (node == NULL) return bad_reference();
  TN_TRY(find_root(d, node, &root));
  if (is_resource(root)) return bad_reference();
  return refer(d, in, node, depth, out, weight);
}

static tn_error *describe_members(tn_wit_decoder *d, tn_decoded *in, const tn_wit_node *node,
                                  uint32_t depth, tn_wit_type *out, uint32_t *weight) {
  const tn_ast_type *ast = node->ast;
  tn_wit_member *members = TN_ARENA_ARRAY(d->set->arena, tn_wit_member, ast->field_count);
  if (members == NULL && ast->field_count > 0) return tn_error_no_memory();
  for (uint32_t i = 0; i < ast->field_count; i++) {
    members[i].name = ast->fields[i].label;
    bool has_type = out->kind != TN_WIT_KIND_ENUM && out->kind != TN_WIT_KIND_FLAGS;
    if (has_type)
      TN_TRY(value(d, in, node->space, &ast->fields[i].type, depth, &members[i].type, weight));
  }
  out->members = members;
  out->member_count = ast->field_count;
  return NULL;
}

static tn_error *describe_handle(tn_wit_decoder *d, tn_decoded *in, const tn_wit_node *node,
                                 uint32_t depth, tn_wit_type *out, uint32_t *weight) {
  const tn_wit_node *root;
  const tn_wit_node *resource = tn_wit_space_type(node->space, node->ast->resource);
  if (resource == NULL) return bad_reference();
  TN_TRY(find_root(d, resource, &root));
  if (!is_resource(root)) return bad_reference();
  return refer(d, in, resource, depth, &out->element, weight);
}

static tn_error *describe_parts(tn_wit_decoder *d, tn_decoded *in, const tn_wit_node *node,
                                uint32_t depth, tn_wit_type *out, uint32_t *weight) {
  const tn_ast_type *ast = node->ast;
  bool has_element = out->kind != TN_WIT_KIND_PRIMITIVE;
  if (has_element) TN_TRY(value(d, in, node->space, &ast->element, depth, &out->element, weight));
  if (out->kind == TN_WIT_KIND_RESULT)
    return value(d, in, node->space, &ast->error, depth, &out->error, weight);
  if (out->kind == TN_WIT_KIND_MAP)
    return value(d, in, node->space, &ast->key, depth, &out->key, weight);
  return NULL;
}

/* What a type is made of; `node` has a syntax tree. */
static tn_error *describe(tn_wit_decoder *d, tn_decoded *in, const tn_wit_node *node,
                          uint32_t depth, tn_wit_type *out, uint32_t *weight) {
  static const struct {
    tn_wit_type_kind kind;
    tn_error *(*describe)(tn_wit_decoder *d, tn_decoded *in, const tn_wit_node *node,
                          uint32_t depth, tn_wit_type *out, uint32_t *weight);
  } kinds[] = {
      [TN_AST_PRIMITIVE] = {TN_WIT_KIND_PRIMITIVE, describe_parts},
      [TN_AST_RECORD] = {TN_WIT_KIND_RECORD, describe_members},
      [TN_AST_VARIANT] = {TN_WIT_KIND_VARIANT, describe_members},
      [TN_AST_LIST] = {TN_WIT_KIND_LIST, describe_parts},
      [TN_AST_FIXED_LIST] = {TN_WIT_KIND_FIXED_LIST, describe_parts},
      [TN_AST_TUPLE] = {TN_WIT_KIND_TUPLE, describe_members},
      [TN_AST_FLAGS] = {TN_WIT_KIND_FLAGS, describe_members},
      [TN_AST_ENUM] = {TN_WIT_KIND_ENUM, describe_members},
      [TN_AST_OPTION] = {TN_WIT_KIND_OPTION, describe_parts},
      [TN_AST_RESULT] = {TN_WIT_KIND_RESULT, describe_parts},
      [TN_AST_OWN] = {TN_WIT_KIND_OWN, describe_handle},
      [TN_AST_BORROW] = {TN_WIT_KIND_BORROW, describe_handle},
      [TN_AST_STREAM] = {TN_WIT_KIND_STREAM, describe_parts},
      [TN_AST_FUTURE] = {TN_WIT_KIND_FUTURE, describe_parts},
      [TN_AST_MAP] = {TN_WIT_KIND_MAP, describe_parts},
      [TN_AST_RESOURCE] = {TN_WIT_KIND_RESOURCE, NULL},
  };
  const tn_ast_type *ast = node->ast;
  if ((size_t)ast->kind >= sizeof kinds / sizeof *kinds || kinds[ast->kind].describe == NULL) {
    return bad_reference();
  }
  out->kind = kinds[ast->kind].kind;
  out->primitive = ast->primitive;
  if (out->kind == TN_WIT_KIND_FIXED_LIST) out->length = ast->length;
  return kinds[ast->kind].describe(d, in, node, depth, out, weight);
}

/* ---- filling shells ---------------------------------------------------------------------------------- */

/* `other` (may be NULL): a name that cannot be said. For a resource it is better than to make it another one. */
static tn_error *fill_definition(tn_wit_decoder *d, tn_shell *shell, const tn_wit_type *other) {
  tn_wit_type *type = shell->described;
  const tn_wit_node *root;
  TN_TRY(find_root(d, shell->node, &root));
  if (is_resource(root)) {
    type->kind = other != NULL ? TN_WIT_KIND_ALIAS : TN_WIT_KIND_RESOURCE;
    type->element = other;
    return NULL;
  }
  if (is_declared(root)) return describe(d, shell->owner, root, 0, type, &d->weight);
  type->kind = TN_WIT_KIND_ALIAS;
  return anonymous_type(d, shell->owner, root, 0, &type->element, &d->weight);
}

static tn_error *fill_shell(tn_wit_decoder *d, tn_shell *shell) {
  found_names names;
  tn_wit_type *type = shell->described;
  TN_TRY(find_names(d, shell->owner, shell->node, shell, &names));
  if (names.usable == NULL) return fill_definition(d, shell, names.other);
  type->kind = TN_WIT_KIND_ALIAS;
  type->element = names.usable;
  type->is_use = !is_own(shell->owner, names.usable);
  if (!type->is_use || tn_pointer_map_get(&shell->owner->used, names.usable) != NULL) return NULL;
  bool is_put = tn_pointer_map_put(d->scratch, &shell->owner->used, names.usable, shell->type);
  return is_put ? NULL : tn_error_no_memory();
}

/* What was read of the type before must say the same. */
static tn_error *check_same(const tn_shell *shell) {
  static const tn_wit_sameness exactly = {0};
  if (shell->described == shell->type ||
      tn_wit_same_definition(&exactly, shell->described, shell->type))
    return NULL;
  tn_str name = shell->type->declaration.name;
  tn_str owner = owner_name(shell->owner);
  return tn_error_new(TN_ERROR_INVALID,
                      "type '%" TN_STR_FORMAT "' of interface '%" TN_STR_FORMAT
                      "' is described in two ways",
                      TN_STR_ARG(name), TN_STR_ARG(owner));
}

/* Does nothing to a shell that is filled. References go to filled types only, so that there are no cycles;
 * they nest only where a component exports its interfaces in another order than it has made them. */
static tn_error *fill(tn_wit_decoder *d, tn_shell *shell) {
  if (shell->state == TN_SHELL_FILLED) return NULL;
  if (shell->state == TN_SHELL_BEING_FILLED) {
    return tn_error_new(TN_ERROR_INVALID,
                        "the types of the component refer to each other in a circle");
  }
  if (d->depth == TN_MAX_TYPE_DEPTH)
    return tn_error_new(TN_ERROR_LIMIT, "types are nested too deeply");
  shell->state = TN_SHELL_BEING_FILLED;
  d->depth++;
  TN_TRY(fill_shell(d, shell));
  d->depth--;
  shell->state = TN_SHELL_FILLED;
  return check_same(shell);
}

tn_error *tn_decode_finish_types(tn_wit_decoder *d) {
  for (; d->filled < d->shells.len; d->filled++) {
    TN_TRY(fill(d, d->shells.items[d->filled]));
  }
  return NULL;
}

tn_error *tn_decode_value_type(tn_wit_decoder *d, tn_decoded *in, const tn_wit_space *space,
                               const tn_ast_valtype *type, const tn_wit_type **out) {
  TN_TRY(value(d, in, space, type, 0, out, &d->weight));
  return d->weight > MAX_WEIGHT ? too_large() : NULL;
}
