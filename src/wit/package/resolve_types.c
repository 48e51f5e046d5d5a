/* The types and functions of an interface or a world. WIT.md#items-type, #item-resource,
 * #wit-functions */
#include "component/extern_name.h"
#include "base/nearest.h"
#include "wit/package/resolve.h"

enum { MAX_FLAGS = 32 /* Binary.md#type-definitions */ };

/* ---- borrows and resources ------------------------------------------------------------------- */

static bool holds_borrow(const tn_wit_resolver *resolver, const tn_wit_type *type) {
  return type != NULL && tn_pointer_map_get(&resolver->borrowing, type) != NULL;
}

static bool parts_hold_borrow(const tn_wit_resolver *resolver, const tn_wit_type *type) {
  if (type->kind == TN_WIT_KIND_BORROW) return true;
  if (type->kind == TN_WIT_KIND_OWN) return false;
  if (holds_borrow(resolver, type->element) || holds_borrow(resolver, type->error)) return true;
  for (uint32_t i = 0; i < type->member_count; i++) {
    if (holds_borrow(resolver, type->members[i].type)) return true;
  }
  return false;
}

/* Following the names to their end would be costly where each is another name of the one before. */
static bool is_resource(const tn_wit_resolver *resolver, const tn_wit_type *type) {
  return tn_pointer_map_get(&resolver->resources, type) != NULL;
}

bool tn_wit_note_type(tn_wit_resolver *resolver, const tn_wit_type *type) {
  bool names_resource = type->kind == TN_WIT_KIND_ALIAS && is_resource(resolver, type->element);
  if ((type->kind == TN_WIT_KIND_RESOURCE || names_resource) &&
      !tn_pointer_map_put(resolver->scratch, &resolver->resources, type, type))
    return false;
  if (!parts_hold_borrow(resolver, type)) return true;
  return tn_pointer_map_put(resolver->scratch, &resolver->borrowing, type, type);
}

/* ---- names ----------------------------------------------------------------------------------- */

tn_error *tn_wit_take_name(tn_wit_names *names, tn_str item_name, tn_wit_place place) {
  tn_arena *scratch = names->view.resolver->scratch;
  tn_str key = tn_name_unique_key(scratch, item_name);
  tn_str *kept = TN_ARENA_NEW(scratch, tn_str);
  if (key.data == NULL || kept == NULL) return tn_error_no_memory();
  const tn_str *other = tn_map_get(&names->taken, key);
  if (other != NULL && tn_str_equal(*other, item_name)) {
    return tn_wit_place_error(place, "'%" TN_STR_FORMAT "' is declared twice",
                              TN_STR_ARG(item_name));
  }
  if (other != NULL) {
    return tn_wit_place_error(place,
                              "'%" TN_STR_FORMAT "' cannot be beside '%" TN_STR_FORMAT
                              "': names have to differ in more than case and kind",
                              TN_STR_ARG(item_name), TN_STR_ARG(*other));
  }
  *kept = item_name;
  return tn_map_put(scratch, &names->taken, key, kept) ? NULL : tn_error_no_memory();
}

tn_str tn_wit_item_name(tn_arena *arena, tn_wit_function_kind kind, tn_str resource, tn_str name) {
  switch (kind) {
  case TN_WIT_METHOD:
    return tn_arena_format(arena, "[method]%" TN_STR_FORMAT ".%" TN_STR_FORMAT,
                           TN_STR_ARG(resource), TN_STR_ARG(name));
  case TN_WIT_STATIC_FUNCTION:
    return tn_arena_format(arena, "[static]%" TN_STR_FORMAT ".%" TN_STR_FORMAT,
                           TN_STR_ARG(resource), TN_STR_ARG(name));
  case TN_WIT_CONSTRUCTOR:
    return tn_arena_format(arena, "[constructor]%" TN_STR_FORMAT, TN_STR_ARG(resource));
  default:
    return name;
  }
}

static tn_error *take_function_name(tn_wit_names *names, const tn_wit_item_syntax *item,
                                    tn_str resource) {
  tn_str name = tn_wit_item_name(names->view.resolver->scratch, item->function_kind, resource,
                                 item->declaration.name);
  if (name.data == NULL) return tn_error_no_memory();
  return tn_wit_take_name(names, name, item->declaration.place);
}

static tn_error *declare_type(tn_wit_names *names, const tn_wit_item_syntax *item,
                              const tn_wit_renaming *renaming, tn_str feature) {
  tn_arena *scratch = names->view.resolver->scratch;
  tn_wit_local *local = TN_ARENA_NEW(scratch, tn_wit_local);
  tn_wit_local **slot = TN_VEC_PUSH(scratch, &names->types);
  if (local == NULL || slot == NULL) return tn_error_no_memory();
  *slot = local;
  *local = (tn_wit_local){
      .item = item,
      .renaming = renaming,
      .name = renaming == NULL ? item->declaration.name : renaming->as.text,
      .place = renaming == NULL ? item->declaration.place
                                : tn_wit_view_place(&names->view, renaming->as.offset),
      .feature = feature,
      .number = names->types.len - 1,
  };
  TN_TRY(tn_wit_take_name(names, local->name, local->place));
  return tn_map_put(scratch, &names->by_name, local->name, local) ? NULL : tn_error_no_memory();
}

static tn_error *declare_resource_functions(tn_wit_names *names, const tn_wit_item_syntax *item) {
  for (uint32_t i = 0; i < item->body.len; i++)
    TN_TRY(take_function_name(names, &item->body.items[i], item->declaration.name));
  return NULL;
}

static tn_error *declare_item(tn_wit_names *names, const tn_wit_item_syntax *item) {
  if (item->kind == TN_WIT_ITEM_FUNCTION) return take_function_name(names, item, TN_STR(""));
  if (item->kind != TN_WIT_ITEM_USE && item->kind != TN_WIT_ITEM_TYPE) return NULL;
  tn_str feature;
  TN_TRY(tn_wit_check_gate(&names->view, &item->declaration, &feature));
  if (item->kind == TN_WIT_ITEM_TYPE) {
    TN_TRY(declare_type(names, item, NULL, feature));
    return declare_resource_functions(names, item);
  }
  for (uint32_t i = 0; i < item->renamings.len; i++)
    TN_TRY(declare_type(names, item, &item->renamings.items[i], feature));
  return NULL;
}

tn_error *tn_wit_check_gated_body(const tn_wit_view *view, const tn_wit_body *body) {
  for (uint32_t i = 0; i < body->len; i++) {
    const tn_wit_item_syntax *item = &body->items[i];
    tn_str feature;
    TN_TRY(tn_wit_check_gate(view, &item->declaration, &feature));
    if (feature.data != NULL) continue;
    if (item->has_body)
      TN_TRY(tn_wit_check_gated_body(view, &item->body)); /* one level: no worlds within */
    bool is_checked =
        item->kind == TN_WIT_ITEM_TYPE || item->kind == TN_WIT_ITEM_USE ||
        (item->kind == TN_WIT_ITEM_FUNCTION && item->function_kind != TN_WIT_FREE_FUNCTION);
    if (is_checked) {
      return tn_error_set_hint(
          tn_wit_place_error(item->declaration.place,
                             "what is around this is @unstable, and it is not"),
          "what is within something @unstable has to have such a gate as well");
    }
  }
  return NULL;
}

/* ---- order ----------------------------------------------------------------------------------- */

static tn_error *add_edge(tn_wit_names *names, uint32_t from, const tn_wit_word *name,
                          tn_wit_edges *edges) {
  const tn_wit_local *target = tn_map_get(&names->by_name, name->text);
  if (target == NULL) return NULL; /* reported when the type is resolved */
  tn_wit_edge *edge = TN_VEC_PUSH(names->view.resolver->scratch, edges);
  if (edge == NULL) return tn_error_no_memory();
  *edge = (tn_wit_edge){from, target->number, tn_wit_view_place(&names->view, name->offset)};
  return NULL;
}

/* The types that a type expression names. Its depth is bounded by the parser. */
static tn_error *add_edges(tn_wit_names *names, uint32_t from, const tn_wit_type_expression *type,
                           tn_wit_edges *edges) {
  if (type == NULL) return NULL;
  if (type->name.text.data != NULL) return add_edge(names, from, &type->name, edges);
  TN_TRY(add_edges(names, from, type->key, edges));
  TN_TRY(add_edges(names, from, type->element, edges));
  TN_TRY(add_edges(names, from, type->error, edges));
  for (uint32_t i = 0; i < type->fields.len; i++)
    TN_TRY(add_edges(names, from, type->fields.items[i].type, edges));
  return NULL;
}

static tn_str local_name(const void *data, uint32_t node) {
  return ((const tn_wit_names *)data)->types.items[node]->name;
}

static tn_error *order_types(tn_wit_names *names, tn_wit_order *out) {
  tn_wit_edges edges = {0};
  for (uint32_t i = 0; i < names->types.len; i++) {
    const tn_wit_local *local = names->types.items[i];
    if (local->renaming == NULL) TN_TRY(add_edges(names, i, local->item->type, &edges));
  }
  TN_TRY(tn_wit_find_order(names->view.resolver->scratch, names->types.len, &edges, out));
  return out->cycle_count == 0 ? NULL : tn_wit_cycle_error(out, "a type", local_name, names);
}

/* ---- type expressions ------------------------------------------------------------------------ */

static tn_error *build(tn_wit_names *names, const tn_wit_type_expression *expression,
                       const tn_wit_type **out);

static const tn_wit_type primitives[] = {
#define PRIMITIVE(name) [name] = {.kind = TN_WIT_KIND_PRIMITIVE, .primitive = name}
    PRIMITIVE(TN_PRIM_BOOL),   PRIMITIVE(TN_PRIM_S8),
    PRIMITIVE(TN_PRIM_U8),     PRIMITIVE(TN_PRIM_S16),
    PRIMITIVE(TN_PRIM_U16),    PRIMITIVE(TN_PRIM_S32),
    PRIMITIVE(TN_PRIM_U32),    PRIMITIVE(TN_PRIM_S64),
    PRIMITIVE(TN_PRIM_U64),    PRIMITIVE(TN_PRIM_F32),
    PRIMITIVE(TN_PRIM_F64),    PRIMITIVE(TN_PRIM_CHAR),
    PRIMITIVE(TN_PRIM_STRING), PRIMITIVE(TN_PRIM_ERROR_CONTEXT),
#undef PRIMITIVE
};

static tn_error *new_type(tn_wit_names *names, tn_wit_type_kind kind, tn_wit_type **out) {
  *out = TN_ARENA_NEW(names->view.resolver->set->arena, tn_wit_type);
  if (*out == NULL) return tn_error_no_memory();
  (*out)->kind = kind;
  return NULL;
}

static tn_error *no_name_error(const tn_wit_names *names, const tn_wit_word *name) {
  tn_str best = {0};
  for (uint32_t i = 0; i < names->types.len; i++)
    best = tn_nearest_of(name->text, best, names->types.items[i]->name);
  tn_error *error =
      tn_wit_place_error(tn_wit_view_place(&names->view, name->offset),
                         "there is no type '%" TN_STR_FORMAT "'", TN_STR_ARG(name->text));
  if (best.data != NULL)
    return tn_error_set_hint(error, "did you mean '%" TN_STR_FORMAT "'?", TN_STR_ARG(best));
  return tn_error_set_hint(
      error,
      "a type of another interface is brought in by: use other-interface.{%" TN_STR_FORMAT "};",
      TN_STR_ARG(name->text));
}

/* The type that a name stands for. A type is resolved before what needs it. */
static tn_error *find_type(const tn_wit_names *names, const tn_wit_word *name,
                           const tn_wit_type **out) {
  const tn_wit_local *local = tn_map_get(&names->by_name, name->text);
  if (local == NULL) return no_name_error(names, name);
  *out = local->type;
  if (local->type != NULL) return NULL;
  return tn_error_set_hint(tn_wit_place_error(tn_wit_view_place(&names->view, name->offset),
                                              "type '%" TN_STR_FORMAT
                                              "' is @unstable and its feature '%" TN_STR_FORMAT
                                              "' is not enabled",
                                              TN_STR_ARG(name->text), TN_STR_ARG(local->feature)),
                           "`features` %" TN_STR_FORMAT " enables it; or put the same gate here",
                           TN_STR_ARG(local->feature));
}

static tn_error *new_handle(tn_wit_names *names, tn_wit_type_kind kind, const tn_wit_type *resource,
                            const tn_wit_type **out) {
  tn_wit_type *handle = NULL;
  TN_TRY(new_type(names, kind, &handle));
  handle->element = resource;
  *out = handle;
  return tn_wit_note_type(names->view.resolver, handle) ? NULL : tn_error_no_memory();
}

static tn_error *build_handle(tn_wit_names *names, const tn_wit_type_expression *expression,
                              const tn_wit_type **out) {
  const tn_wit_type *resource = NULL;
  TN_TRY(find_type(names, &expression->name, &resource));
  if (!is_resource(names->view.resolver, resource)) {
    return tn_wit_place_error(tn_wit_view_place(&names->view, expression->name.offset),
                              "'%" TN_STR_FORMAT "' is not a resource",
                              TN_STR_ARG(expression->name.text));
  }
  return new_handle(names, expression->kind, resource, out);
}

/* A name as the type of a value: a resource's stands for owning it. */
static tn_error *build_named(tn_wit_names *names, const tn_wit_type_expression *expression,
                             const tn_wit_type **out) {
  TN_TRY(find_type(names, &expression->name, out));
  if (!is_resource(names->view.resolver, *out)) return NULL;
  return new_handle(names, TN_WIT_KIND_OWN, *out, out);
}

static tn_error *check_label(tn_wit_names *names, const tn_wit_field *field, tn_map *labels) {
  if (field->name.text.data == NULL) return NULL;
  tn_arena *scratch = names->view.resolver->scratch;
  tn_str key = tn_label_unique_key(scratch, field->name.text);
  if (key.data == NULL) return tn_error_no_memory();
  if (tn_map_has(labels, key)) {
    return tn_wit_place_error(tn_wit_view_place(&names->view, field->name.offset),
                              "'%" TN_STR_FORMAT
                              "' is there twice (upper and lower case count as the same)",
                              TN_STR_ARG(field->name.text));
  }
  return tn_map_put(scratch, labels, key, (void *)field) ? NULL : tn_error_no_memory();
}

/* `out` has room for all of the fields; `labels` are those before. */
static tn_error *build_members(tn_wit_names *names, const tn_wit_fields *fields, tn_map *labels,
                               tn_wit_member *out) {
  for (uint32_t i = 0; i < fields->len; i++) {
    const tn_wit_field *field = &fields->items[i];
    TN_TRY(check_label(names, field, labels));
    out[i].name = field->name.text;
    out[i].docs = field->docs;
    TN_TRY(build(names, field->type, &out[i].type));
  }
  return NULL;
}

/* It is written out, not by another name. WIT.md#types, `kt` */
static bool is_map_key(const tn_wit_type *type) {
  return type->kind == TN_WIT_KIND_PRIMITIVE && type->primitive != TN_PRIM_F32 &&
         type->primitive != TN_PRIM_F64 && type->primitive != TN_PRIM_ERROR_CONTEXT;
}

static tn_error *check_parts(tn_wit_names *names, const tn_wit_type_expression *expression,
                             const tn_wit_type *type) {
  if (type->kind == TN_WIT_KIND_MAP && !is_map_key(type->key)) {
    return tn_wit_place_error(tn_wit_view_place(&names->view, expression->key->offset),
                              "the key of a map has to be a bool, an integer, a char or a string");
  }
  bool is_channel = type->kind == TN_WIT_KIND_STREAM || type->kind == TN_WIT_KIND_FUTURE;
  if (is_channel && holds_borrow(names->view.resolver, type->element)) {
    return tn_wit_place_error(tn_wit_view_place(&names->view, expression->element->offset),
                              "a borrow cannot be sent through a stream or future");
  }
  return NULL;
}

/* Fills in what a type is made of. */
static tn_error *build_parts(tn_wit_names *names, const tn_wit_type_expression *expression,
                             tn_wit_type *type) {
  tn_map labels = {0};
  uint32_t count = expression->fields.len;
  tn_wit_member *members = NULL;
  if (count > 0) {
    members = TN_ARENA_ARRAY(names->view.resolver->set->arena, tn_wit_member, count);
    if (members == NULL) return tn_error_no_memory();
  }
  type->length = expression->length;
  type->members = members;
  type->member_count = count;
  TN_TRY(build_members(names, &expression->fields, &labels, members));
  TN_TRY(build(names, expression->key, &type->key));
  TN_TRY(build(names, expression->element, &type->element));
  TN_TRY(build(names, expression->error, &type->error));
  TN_TRY(check_parts(names, expression, type));
  return tn_wit_note_type(names->view.resolver, type) ? NULL : tn_error_no_memory();
}

/* NULL stands for no type. */
static tn_error *build(tn_wit_names *names, const tn_wit_type_expression *expression,
                       const tn_wit_type **out) {
  if (expression == NULL) return NULL;
  switch (expression->kind) {
  case TN_WIT_KIND_PRIMITIVE:
    *out = &primitives[expression->primitive];
    return NULL;
  case TN_WIT_KIND_ALIAS:
    return build_named(names, expression, out);
  case TN_WIT_KIND_OWN:
  case TN_WIT_KIND_BORROW:
    return build_handle(names, expression, out);
  default:
    break;
  }
  tn_wit_type *type = NULL;
  TN_TRY(new_type(names, expression->kind, &type));
  *out = type;
  return build_parts(names, expression, type);
}

/* ---- declared types -------------------------------------------------------------------------- */

static tn_error *resolve_use(tn_wit_names *names, const tn_wit_local *local, tn_wit_type *type) {
  tn_wit_interface *interface = NULL;
  tn_wit_type *used = NULL;
  TN_TRY(tn_wit_find_interface(&names->view, &local->item->path, &interface));
  TN_TRY(tn_wit_find_used(&names->view, interface, &local->renaming->name, &used));
  type->kind = TN_WIT_KIND_ALIAS;
  type->is_use = true;
  type->element = used;
  return tn_wit_note_type(names->view.resolver, type) ? NULL : tn_error_no_memory();
}

/* type x = …; Another name for a resource is a resource as well. */
static tn_error *resolve_alias(tn_wit_names *names, const tn_wit_local *local, tn_wit_type *type) {
  const tn_wit_type_expression *expression = local->item->type;
  type->kind = TN_WIT_KIND_ALIAS;
  if (expression->kind == TN_WIT_KIND_ALIAS) {
    TN_TRY(find_type(names, &expression->name, &type->element));
  } else {
    TN_TRY(build(names, expression, &type->element));
  }
  return tn_wit_note_type(names->view.resolver, type) ? NULL : tn_error_no_memory();
}

static bool is_alias(tn_wit_type_kind kind) {
  return kind != TN_WIT_KIND_RECORD && kind != TN_WIT_KIND_VARIANT && kind != TN_WIT_KIND_ENUM &&
         kind != TN_WIT_KIND_FLAGS && kind != TN_WIT_KIND_RESOURCE;
}

static tn_error *resolve_declared(tn_wit_names *names, const tn_wit_local *local,
                                  tn_wit_type *type) {
  const tn_wit_type_expression *expression = local->item->type;
  if (local->renaming != NULL) return resolve_use(names, local, type);
  if (is_alias(expression->kind)) return resolve_alias(names, local, type);
  if (expression->kind == TN_WIT_KIND_FLAGS && expression->fields.len > MAX_FLAGS) {
    return tn_wit_place_error(local->place, "'%" TN_STR_FORMAT "' has more than %d flags",
                              TN_STR_ARG(local->name), MAX_FLAGS);
  }
  type->kind = expression->kind;
  return build_parts(names, expression, type);
}

static tn_error *add_type(tn_wit_names *names, tn_wit_local *local) {
  tn_arena *arena = names->view.resolver->set->arena;
  tn_wit_type *type = TN_ARENA_NEW(arena, tn_wit_type);
  if (type == NULL) return tn_error_no_memory();
  type->declaration = local->item->declaration;
  type->declaration.name = local->name;
  type->declaration.place = local->place;
  type->interface = names->interface;
  type->world = names->world;
  TN_TRY(resolve_declared(names, local, type));
  local->type = type;
  tn_wit_type **slot = names->interface != NULL ? TN_VEC_PUSH(arena, &names->interface->types)
                                                : TN_VEC_PUSH(arena, &names->world->types);
  if (slot == NULL) return tn_error_no_memory();
  *slot = type;
  return NULL;
}

/* Keeps the name of a type that is not there, for those who ask for it. */
static tn_error *note_gated(tn_wit_names *names, tn_wit_local *local) {
  tn_wit_resolver *resolver = names->view.resolver;
  /* The functions of a resource. */
  TN_TRY(tn_wit_check_gated_body(&names->view, &local->item->body));
  if (names->interface == NULL) return NULL;
  tn_map *gated = (tn_map *)tn_pointer_map_get(&resolver->gated, names->interface);
  if (gated == NULL) {
    gated = TN_ARENA_NEW(resolver->scratch, tn_map);
    if (gated == NULL ||
        !tn_pointer_map_put(resolver->scratch, &resolver->gated, names->interface, gated))
      return tn_error_no_memory();
  }
  return tn_map_put(resolver->scratch, gated, local->name, &local->feature) ? NULL
                                                                            : tn_error_no_memory();
}

tn_error *tn_wit_resolve_types(tn_wit_names *names, const tn_wit_body *body) {
  for (uint32_t i = 0; i < body->len; i++)
    TN_TRY(declare_item(names, &body->items[i]));
  tn_wit_order order;
  TN_TRY(order_types(names, &order));
  for (uint32_t i = 0; i < names->types.len; i++) {
    tn_wit_local *local = names->types.items[order.nodes[i]];
    TN_TRY(local->feature.data != NULL ? note_gated(names, local) : add_type(names, local));
  }
  return NULL;
}

const tn_wit_type *tn_wit_declared_resource(const tn_wit_names *names,
                                            const tn_wit_item_syntax *item) {
  if (item->kind != TN_WIT_ITEM_TYPE || item->type->kind != TN_WIT_KIND_RESOURCE) return NULL;
  return ((const tn_wit_local *)tn_map_get(&names->by_name, item->declaration.name))->type;
}

/* ---- functions ------------------------------------------------------------------------------- */

static tn_error *build_params(tn_wit_names *names, const tn_wit_item_syntax *item,
                              tn_wit_function *function) {
  tn_map labels = {0};
  bool has_self = function->kind == TN_WIT_METHOD;
  uint32_t count = item->function->params.len + has_self;
  if (count == 0) return NULL;
  tn_wit_member *params = TN_ARENA_ARRAY(names->view.resolver->set->arena, tn_wit_member, count);
  if (params == NULL) return tn_error_no_memory();
  if (has_self) {
    params[0].name = TN_STR("self");
    TN_TRY(new_handle(names, TN_WIT_KIND_BORROW, function->resource, &params[0].type));
    if (!tn_map_put(names->view.resolver->scratch, &labels, params[0].name, params))
      return tn_error_no_memory();
  }
  function->param_count = count;
  function->params = params;
  return build_members(names, &item->function->params, &labels, params + has_self);
}

/* What a constructor returns, if it is written: result<r> or result<r, e>. */
static tn_error *check_constructor(const tn_wit_names *names, const tn_wit_item_syntax *item,
                                   const tn_wit_function *function) {
  const tn_wit_type *result = tn_wit_type_root(function->result);
  bool is_right = result->kind == TN_WIT_KIND_RESULT && result->element != NULL &&
                  result->element->kind == TN_WIT_KIND_OWN &&
                  result->element->element == function->resource;
  if (is_right) return NULL;
  tn_str name = function->resource->declaration.name;
  return tn_error_set_hint(
      tn_wit_place_error(
          tn_wit_view_place(&names->view, item->function->result->offset),
          "a constructor can return nothing else than what it makes, or a result of that"),
      "leave the type out, or write: -> result<%" TN_STR_FORMAT ", …>", TN_STR_ARG(name));
}

static tn_error *build_result(tn_wit_names *names, const tn_wit_item_syntax *item,
                              tn_wit_function *function) {
  bool is_constructor = function->kind == TN_WIT_CONSTRUCTOR;
  if (item->function->result == NULL)
    return is_constructor
               ? new_handle(names, TN_WIT_KIND_OWN, function->resource, &function->result)
               : NULL;
  TN_TRY(build(names, item->function->result, &function->result));
  if (holds_borrow(names->view.resolver, function->result)) {
    return tn_wit_place_error(tn_wit_view_place(&names->view, item->function->result->offset),
                              "a function cannot return a borrow");
  }
  return is_constructor ? check_constructor(names, item, function) : NULL;
}

tn_error *tn_wit_resolve_function(tn_wit_names *names, const tn_wit_item_syntax *item,
                                  const tn_wit_type *resource, tn_wit_function **out) {
  tn_arena *arena = names->view.resolver->set->arena;
  tn_str owner = resource == NULL ? TN_STR("") : resource->declaration.name;
  tn_wit_function *function = TN_ARENA_NEW(arena, tn_wit_function);
  if (function == NULL) return tn_error_no_memory();
  function->declaration = item->declaration;
  function->kind = item->function_kind;
  if (function->kind == TN_WIT_CONSTRUCTOR) function->declaration.name = owner;
  function->item_name = tn_wit_item_name(arena, function->kind, owner, item->declaration.name);
  if (function->item_name.data == NULL) return tn_error_no_memory();
  function->resource = resource;
  function->is_async = item->function->is_async;
  *out = function;
  TN_TRY(build_params(names, item, function));
  return build_result(names, item, function);
}

/* ---- interfaces ------------------------------------------------------------------------------ */

static tn_error *add_function(tn_wit_names *names, const tn_wit_item_syntax *item,
                              const tn_wit_type *resource) {
  tn_str feature;
  TN_TRY(tn_wit_check_gate(&names->view, &item->declaration, &feature));
  if (feature.data != NULL) return NULL;
  tn_wit_function *function = NULL;
  TN_TRY(tn_wit_resolve_function(names, item, resource, &function));
  tn_wit_function **slot =
      TN_VEC_PUSH(names->view.resolver->set->arena, &names->interface->functions);
  if (slot == NULL) return tn_error_no_memory();
  *slot = function;
  return NULL;
}

static tn_error *add_functions(tn_wit_names *names, const tn_wit_item_syntax *item) {
  if (item->kind == TN_WIT_ITEM_FUNCTION) return add_function(names, item, NULL);
  const tn_wit_type *resource = tn_wit_declared_resource(names, item);
  for (uint32_t i = 0; resource != NULL && i < item->body.len; i++)
    TN_TRY(add_function(names, &item->body.items[i], resource));
  return NULL;
}

tn_error *tn_wit_resolve_interface(const tn_wit_view *view, const tn_wit_body *body,
                                   tn_wit_interface *interface) {
  tn_wit_names names = {.view = *view, .interface = interface};
  TN_TRY(tn_wit_resolve_types(&names, body));
  for (uint32_t i = 0; i < body->len; i++)
    TN_TRY(add_functions(&names, &body->items[i]));
  return NULL;
}
