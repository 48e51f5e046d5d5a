/* Interfaces: their packages, types and functions. */
#include "component/extern_name.h"
#include "wit/package/decode_internal.h"
#include "wit/package/same.h"

static const tn_wit_sameness exactly = {0};

/* ---- packages ---------------------------------------------------------------------------------------- */

tn_error *tn_decode_id(tn_str id, tn_wit_package_name *package, tn_str *name) {
  tn_name parsed;
  TN_TRY(tn_error_wrap(tn_name_parse(id, &parsed), "'%" TN_STR_FORMAT "'", TN_STR_ARG(id)));
  if (parsed.kind != TN_NAME_INTERFACE) {
    return tn_error_new(TN_ERROR_INVALID,
                        "'%" TN_STR_FORMAT "' is not the name of an interface or world, as in "
                        "\"docs:adder/add@0.1.0\"",
                        TN_STR_ARG(id));
  }
  *package = (tn_wit_package_name){
      .name_space = parsed.package_namespace, .name = parsed.package, .version = parsed.version};
  *name = parsed.interface;
  return NULL;
}

static tn_error *add_package(tn_wit_decoder *d, tn_wit_package_name name, tn_str key,
                             tn_wit_package **out) {
  tn_wit_package *package = TN_ARENA_NEW(d->set->arena, tn_wit_package);
  __typeof__(d->added.items) slot = TN_VEC_PUSH(d->scratch, &d->added);
  if (package == NULL || slot == NULL) return tn_error_no_memory();
  package->name = name;
  *slot = package;
  *out = package;
  return tn_map_put(d->scratch, &d->packages, key, package) ? NULL : tn_error_no_memory();
}

tn_error *tn_decode_package(tn_wit_decoder *d, tn_wit_package_name name, tn_wit_package **out) {
  tn_str key = tn_arena_format(d->scratch, "%" TN_STR_FORMAT ":%" TN_STR_FORMAT "%s%" TN_STR_FORMAT,
                               TN_STR_ARG(name.name_space), TN_STR_ARG(name.name),
                               name.version.data == NULL ? "" : "@", TN_STR_ARG(name.version));
  if (key.data == NULL) return tn_error_no_memory();
  *out = tn_map_get(&d->packages, key);
  if (*out != NULL) return NULL;
  tn_wit_package *known = tn_wit_set_find(d->set, name);
  bool is_it = known != NULL && (known->name.version.data == NULL) == (name.version.data == NULL);
  if (!is_it) return add_package(d, name, key, out);
  *out = known;
  bool is_put = tn_map_put(d->scratch, &d->packages, key, known) &&
                tn_pointer_map_put(d->scratch, &d->old_packages, known, known);
  return is_put ? NULL : tn_error_no_memory();
}

/* ---- finding and making ------------------------------------------------------------------------------- */

tn_error *tn_decode_take_name(tn_wit_decoder *d, tn_decoded *in, tn_str name) {
  tn_str key = tn_name_unique_key(d->scratch, name);
  if (key.data == NULL) return tn_error_no_memory();
  if (tn_map_has(&in->taken, key)) {
    return tn_error_new(TN_ERROR_INVALID, "'%" TN_STR_FORMAT "' is there twice", TN_STR_ARG(name));
  }
  return tn_map_put(d->scratch, &in->taken, key, in) ? NULL : tn_error_no_memory();
}

/* What the interface has already. */
static tn_error *remember(tn_wit_decoder *d, tn_decoded *known) {
  tn_wit_interface *interface = known->interface;
  for (uint32_t i = 0; i < interface->types.len; i++) {
    tn_wit_type *type = interface->types.items[i];
    TN_TRY(tn_decode_take_name(d, known, type->declaration.name));
    if (!tn_map_put(d->scratch, &known->types, type->declaration.name, type))
      return tn_error_no_memory();
    bool is_foreign = type->kind == TN_WIT_KIND_ALIAS && type->is_use;
    if (is_foreign && !tn_pointer_map_put(d->scratch, &known->used, type->element, type)) {
      return tn_error_no_memory();
    }
  }
  for (uint32_t i = 0; i < interface->functions.len; i++) {
    tn_wit_function *function = interface->functions.items[i];
    TN_TRY(tn_decode_take_name(d, known, function->item_name));
    if (!tn_map_put(d->scratch, &known->functions, function->item_name, function))
      return tn_error_no_memory();
  }
  return NULL;
}

static tn_error *add_interface(tn_wit_decoder *d, tn_wit_package *package, tn_str name,
                               bool is_listed, tn_wit_interface **out) {
  *out = TN_ARENA_NEW(d->set->arena, tn_wit_interface);
  if (*out == NULL) return tn_error_no_memory();
  (*out)->declaration.name = name;
  (*out)->package = package;
  if (!is_listed) return NULL;
  tn_wit_interface **slot = TN_VEC_PUSH(d->set->arena, &package->interfaces);
  if (slot == NULL) return tn_error_no_memory();
  *slot = *out;
  return NULL;
}

/* The interface that the package has under this name, or NULL. */
static tn_wit_interface *find_listed(tn_wit_decoder *d, const tn_wit_package *package, tn_str id,
                                     tn_str name) {
  if (tn_pointer_map_get(&d->old_packages, package) != NULL)
    return tn_wit_package_interface(package, name);
  const tn_decoded *imported = tn_map_get(&d->interfaces, id);
  return imported == NULL ? NULL : imported->interface;
}

tn_error *tn_decode_named_interface(tn_wit_decoder *d, tn_map *known, tn_str id, tn_decoded **out) {
  tn_wit_package_name in;
  tn_wit_package *package;
  tn_str name;
  *out = tn_map_get(known, id);
  if (*out != NULL) return NULL;
  TN_TRY(tn_decode_id(id, &in, &name));
  TN_TRY(tn_decode_package(d, in, &package));
  tn_wit_interface *listed = find_listed(d, package, id, name);
  tn_decoded *made = TN_ARENA_NEW(d->scratch, tn_decoded);
  if (made == NULL || !tn_map_put(d->scratch, known, id, made)) return tn_error_no_memory();
  *out = made;
  /* The interfaces that a component imports and exports are its own, however many others are called the same. */
  if (!d->is_component) made->interface = listed;
  if (made->interface != NULL) return remember(d, made);
  return add_interface(d, package, name, listed == NULL, &made->interface);
}

/* ---- types and functions ------------------------------------------------------------------------------- */

tn_error *tn_decode_begin_types_of(tn_wit_decoder *d, tn_decoded *in, const tn_wit_items *items) {
  for (uint32_t i = 0; i < items->len; i++) {
    tn_wit_type *type;
    if (items->items[i].sort == TN_SORT_TYPE)
      TN_TRY(tn_decode_begin_type(d, in, &items->items[i], &type));
  }
  return NULL;
}

static tn_error *set_name(tn_wit_function *function, tn_decoded *in, tn_str item_name) {
  static const tn_wit_function_kind kinds[] = {[TN_NAME_LABEL] = TN_WIT_FREE_FUNCTION,
                                               [TN_NAME_CONSTRUCTOR] = TN_WIT_CONSTRUCTOR,
                                               [TN_NAME_METHOD] = TN_WIT_METHOD,
                                               [TN_NAME_STATIC] = TN_WIT_STATIC_FUNCTION};
  tn_name parsed;
  TN_TRY(tn_error_wrap(tn_name_parse(item_name, &parsed), "function '%" TN_STR_FORMAT "'",
                       TN_STR_ARG(item_name)));
  if ((size_t)parsed.kind >= sizeof kinds / sizeof *kinds) {
    return tn_error_new(TN_ERROR_INVALID, "'%" TN_STR_FORMAT "' is not the name of a function",
                        TN_STR_ARG(item_name));
  }
  function->item_name = item_name;
  function->kind = kinds[parsed.kind];
  function->declaration.name = parsed.kind == TN_NAME_CONSTRUCTOR ? parsed.resource : parsed.label;
  if (parsed.resource.data == NULL) return NULL;
  function->resource = tn_map_get(&in->types, parsed.resource);
  bool is_there = function->resource != NULL &&
                  tn_wit_type_root(function->resource)->kind == TN_WIT_KIND_RESOURCE;
  if (is_there) return NULL;
  return tn_error_new(TN_ERROR_INVALID,
                      "function '%" TN_STR_FORMAT "' belongs to a resource that is not there",
                      TN_STR_ARG(item_name));
}

static tn_error *set_type(tn_wit_decoder *d, tn_decoded *in, const tn_wit_node *node,
                          tn_wit_function *function) {
  const tn_wit_node *root = tn_wit_node_root(node);
  if (root->ast == NULL || root->ast->kind != TN_AST_FUNC) {
    return tn_error_new(TN_ERROR_INVALID,
                        "the type of function '%" TN_STR_FORMAT "' is not a function type",
                        TN_STR_ARG(function->item_name));
  }
  tn_wit_member *params = TN_ARENA_ARRAY(d->set->arena, tn_wit_member, root->ast->field_count);
  if (params == NULL && root->ast->field_count > 0) return tn_error_no_memory();
  for (uint32_t i = 0; i < root->ast->field_count; i++) {
    params[i].name = root->ast->fields[i].label;
    TN_TRY(tn_decode_value_type(d, in, root->space, &root->ast->fields[i].type, &params[i].type));
  }
  function->params = params;
  function->param_count = root->ast->field_count;
  function->is_async = root->ast->is_async;
  return tn_decode_value_type(d, in, root->space, &root->ast->element, &function->result);
}

tn_error *tn_decode_function(tn_wit_decoder *d, tn_decoded *in, const tn_wit_item *item,
                             tn_wit_function **out) {
  tn_wit_function *function = TN_ARENA_NEW(d->set->arena, tn_wit_function);
  if (function == NULL) return tn_error_no_memory();
  TN_TRY(set_name(function, in, item->name));
  function->declaration.external_id = item->external_id;
  TN_TRY(set_type(d, in, item->type, function));
  *out = function;
  return NULL;
}

static tn_error *add_function(tn_wit_decoder *d, tn_decoded *in, const tn_wit_item *item) {
  tn_wit_function *function;
  TN_TRY(tn_decode_function(d, in, item, &function));
  const tn_wit_function *there = tn_map_get(&in->functions, item->name);
  if (there != NULL) {
    if (tn_wit_same_function(&exactly, there, function)) return NULL;
    return tn_error_new(TN_ERROR_INVALID, "function '%" TN_STR_FORMAT "' is described in two ways",
                        TN_STR_ARG(item->name));
  }
  TN_TRY(tn_decode_take_name(d, in, item->name));
  tn_wit_function **slot = TN_VEC_PUSH(d->set->arena, &in->interface->functions);
  if (slot == NULL || !tn_map_put(d->scratch, &in->functions, item->name, function))
    return tn_error_no_memory();
  *slot = function;
  return NULL;
}

tn_error *tn_decode_functions_of(tn_wit_decoder *d, tn_decoded *in, const tn_wit_items *items) {
  for (uint32_t i = 0; i < items->len; i++) {
    if (items->items[i].sort != TN_SORT_FUNC) continue;
    tn_str name = in->interface->declaration.name;
    TN_TRY(tn_error_wrap(add_function(d, in, &items->items[i]), "interface '%" TN_STR_FORMAT "'",
                         TN_STR_ARG(name)));
  }
  return NULL;
}
