/* The root component's imports: finds them in the linker, gives the abstract resource types of the import
 * their identity, and checks that both sides mean the same types. */
#include "base/buffer.h"
#include "base/error.h"
#include "link/scope.h"

static const char *sort_name(tn_sort sort) {
  switch (sort) {
  case TN_SORT_FUNC:
    return "function";
  case TN_SORT_TYPE:
    return "type";
  case TN_SORT_COMPONENT:
    return "component";
  case TN_SORT_INSTANCE:
    return "interface";
  case TN_SORT_CORE_MODULE:
    return "core module";
  default:
    return "value";
  }
}

static const char define_it[] =
    "define it in the linker, or compose the component with one that exports it";

static tn_error *missing(tn_linking *linking, tn_str name, tn_sort sort) {
  tn_error *error = tn_error_new(TN_ERROR_LINK, "import `%" TN_STR_FORMAT "` (%s) is not provided",
                                 TN_STR_ARG(name), sort_name(sort));
  tn_str other = tn_host_other_version(&linking->host, name);
  if (other.data != NULL) {
    return tn_error_set_hint(
        error, "the host provides `%" TN_STR_FORMAT "`, which is not compatible with that version",
        TN_STR_ARG(other));
  }
  return tn_error_set_hint(error, "%s", define_it);
}

/* The host has the interface of `use`, if there is one, but not this function of it. */
static tn_error *missing_func(tn_linking *linking, const tn_host_use *use, tn_str name,
                              const tn_func_item *wanted) {
  if (use == NULL || tn_host_use_name(use).len == 0)
    return missing(linking, wanted->name, TN_SORT_FUNC);
  tn_buffer type = {0};
  tn_wit_print_func(&type, wanted->type);
  tn_error *error =
      type.failed
          ? tn_error_no_memory()
          : tn_error_new(TN_ERROR_LINK,
                         "import `%" TN_STR_FORMAT "` is not provided: the host's `%" TN_STR_FORMAT
                         "` has no function `%" TN_STR_FORMAT
                         "`, the component expects `%" TN_STR_FORMAT "`",
                         TN_STR_ARG(wanted->name), TN_STR_ARG(tn_host_use_name(use)),
                         TN_STR_ARG(name), TN_STR_ARG(tn_buffer_str(&type)));
  tn_buffer_free(&type);
  return tn_error_set_hint(error, "%s", define_it);
}

static tn_error *differs(tn_str interface, tn_str name, const tn_func_type *expected,
                         const tn_func_type *given) {
  tn_buffer wanted = {0};
  tn_buffer got = {0};
  tn_wit_print_func(&wanted, expected);
  tn_wit_print_func(&got, given);
  tn_error *error =
      wanted.failed || got.failed
          ? tn_error_no_memory()
          : tn_error_new(TN_ERROR_LINK,
                         "import `%" TN_STR_FORMAT "%s%" TN_STR_FORMAT
                         "` has the wrong type: the component "
                         "expects `%" TN_STR_FORMAT "`, the host provides `%" TN_STR_FORMAT "`",
                         TN_STR_ARG(interface), interface.len > 0 ? "#" : "", TN_STR_ARG(name),
                         TN_STR_ARG(tn_buffer_str(&wanted)), TN_STR_ARG(tn_buffer_str(&got)));
  tn_buffer_free(&wanted);
  tn_buffer_free(&got);
  return error;
}

static tn_error *full_name(tn_linking *linking, tn_str interface, tn_str name, tn_str *out) {
  *out = name;
  if (interface.len == 0) return NULL;
  *out = tn_arena_format(linking->arena, "%" TN_STR_FORMAT "#%" TN_STR_FORMAT,
                         TN_STR_ARG(interface), TN_STR_ARG(name));
  return out->data == NULL ? tn_error_no_memory() : NULL;
}

/* Without a host there is nothing to find. */
static tn_error *find_interface(tn_linking *linking, tn_str name, tn_host_use **out) {
  *out = NULL;
  return linking->is_rehearsal ? NULL : tn_host_find_interface(&linking->host, name, out);
}

static tn_error *host_func(tn_linking *linking, tn_host_use *use, tn_str interface, tn_str name,
                           tn_type_item *type, tn_func_item **out) {
  tn_func_item *item = TN_ARENA_NEW(linking->arena, tn_func_item);
  if (item == NULL) return tn_error_no_memory();
  *out = item;
  if (linking->is_rehearsal) return tn_link_func_type(linking, type, &item->type);
  TN_TRY(full_name(linking, interface, name, &item->name));
  tn_host_found_func found = {0};
  if (use != NULL) TN_TRY(tn_host_find_func(&linking->host, use, name, &found));
  TN_TRY(tn_link_func_type(linking, type, &item->type));
  if (found.func == NULL) return missing_func(linking, use, name, item);
  if (!tn_func_type_equal(item->type, found.type))
    return differs(interface, name, item->type, found.type);
  item->host = found.func;
  item->host_data = found.data;
  return NULL;
}

/* What the host's resources are does not matter without a host. */
static const tn_resource unknown_resource = {
    .name = {"host", 4}, .is_host = true, .destructor = -1};

static tn_error *missing_resource(const tn_host_use *use, tn_str path, tn_str name) {
  tn_error *error =
      use == NULL || tn_host_use_name(use).len == 0
          ? tn_error_new(TN_ERROR_LINK, "import `%" TN_STR_FORMAT "` (resource) is not provided",
                         TN_STR_ARG(path))
          : tn_error_new(TN_ERROR_LINK,
                         "import `%" TN_STR_FORMAT "` is not provided: the host's `%" TN_STR_FORMAT
                         "` has no resource `%" TN_STR_FORMAT "`",
                         TN_STR_ARG(path), TN_STR_ARG(tn_host_use_name(use)), TN_STR_ARG(name));
  return tn_error_set_hint(error, "%s", define_it);
}

/* (type (sub resource)) gets the host's resource; (type (eq i)) is just another name. */
static tn_error *bind_type(tn_linking *linking, tn_scope *scope, tn_host_use *use, tn_str interface,
                           tn_str name, const tn_ast_extern_type *type, tn_type_item **out) {
  if (type->bound == TN_BOUND_EQ) {
    *out = scope->types.items[type->index];
    return NULL;
  }
  const tn_resource *resource = NULL;
  if (linking->is_rehearsal) resource = &unknown_resource;
  if (use != NULL) TN_TRY(tn_host_find_resource(&linking->host, use, name, &resource));
  if (resource == NULL) {
    tn_str path;
    TN_TRY(full_name(linking, interface, name, &path));
    return missing_resource(use, path, name);
  }
  tn_type_item *item = TN_ARENA_NEW(linking->arena, tn_type_item);
  if (item == NULL) return tn_error_no_memory();
  *item = (tn_type_item){.kind = TN_TYPE_ITEM_RESOURCE, .resource = resource};
  *out = item;
  return NULL;
}

static tn_error *bind_instance(tn_linking *linking, tn_host_use *use, tn_str interface,
                               tn_type_item *type, tn_instance_item **out);

static tn_error *bind_export(tn_linking *linking, tn_scope *scope, tn_host_use *use,
                             tn_str interface, const tn_ast_export *export_, tn_item *item) {
  tn_str name = export_->name.name;
  *item = (tn_item){.sort = export_->type.sort};
  switch (export_->type.sort) {
  case TN_SORT_FUNC:
    return host_func(linking, use, interface, name, scope->types.items[export_->type.index],
                     &item->func);
  case TN_SORT_TYPE:
    return bind_type(linking, scope, use, interface, name, &export_->type, &item->type);
  case TN_SORT_INSTANCE:
    return bind_instance(linking, use, interface, scope->types.items[export_->type.index],
                         &item->instance);
  default: {
    tn_str path;
    TN_TRY(full_name(linking, interface, name, &path));
    return missing(linking, path, export_->type.sort);
  }
  }
}

/* An alias inside an instance type: of an outer type, or of a type that an inner instance exports. */
static tn_error *bind_alias(tn_linking *linking, tn_scope *scope, const tn_ast_alias *alias) {
  if (alias->sort == TN_SORT_CORE_TYPE) return NULL;
  if (alias->kind == TN_ALIAS_OUTER) {
    const tn_scope *outer = scope;
    for (uint32_t i = 0; i < alias->outer_count; i++)
      outer = outer->parent;
    return tn_scope_push(
        linking, scope,
        (tn_item){.sort = TN_SORT_TYPE, .type = outer->types.items[alias->outer_index]});
  }
  const tn_item *item = tn_map_get(&scope->instances.items[alias->instance]->exports, alias->name);
  if (item == NULL) {
    return tn_error_new(TN_ERROR_INTERNAL, "no export \"%" TN_STR_FORMAT "\"",
                        TN_STR_ARG(alias->name));
  }
  return tn_scope_push(linking, scope, *item);
}

static tn_error *bind_declaration(tn_linking *linking, tn_scope *scope, tn_host_use *use,
                                  tn_str interface, const tn_ast_decl *decl,
                                  tn_instance_item *instance) {
  tn_item item = {.sort = TN_SORT_TYPE};
  switch (decl->kind) {
  case TN_DECL_CORE_TYPE:
    return NULL;
  case TN_DECL_TYPE:
    TN_TRY(tn_link_new_type(linking, scope, decl->type, &item.type));
    break;
  case TN_DECL_ALIAS:
    return bind_alias(linking, scope, &decl->alias);
  case TN_DECL_IMPORT:
    return tn_error_new(TN_ERROR_INTERNAL, "import declaration in an instance type");
  case TN_DECL_EXPORT:
    TN_TRY(bind_export(linking, scope, use, interface, &decl->export_, &item));
    TN_TRY(tn_instance_item_put(linking, instance, decl->export_.name.name, item));
    break;
  }
  return tn_scope_push(linking, scope, item);
}

static tn_error *bind_instance(tn_linking *linking, tn_host_use *use, tn_str interface,
                               tn_type_item *type, tn_instance_item **out) {
  tn_scope *scope = TN_ARENA_NEW(linking->arena, tn_scope);
  tn_instance_item *instance = TN_ARENA_NEW(linking->arena, tn_instance_item);
  if (scope == NULL || instance == NULL) return tn_error_no_memory();
  *scope = (tn_scope){
      .parent = type->scope, .instance = type->scope->instance, .depth = type->scope->depth};
  for (uint32_t i = 0; i < type->ast->decl_count; i++) {
    TN_TRY(bind_declaration(linking, scope, use, interface, &type->ast->decls[i], instance));
  }
  *out = instance;
  return NULL;
}

/* Whether an instance type asks for nothing but plain types, which need no provider. */
static bool has_only_types(const tn_ast_type *type) {
  for (uint32_t i = 0; i < type->decl_count; i++) {
    const tn_ast_decl *decl = &type->decls[i];
    if (decl->kind != TN_DECL_EXPORT) continue;
    if (decl->export_.type.sort != TN_SORT_TYPE || decl->export_.type.bound != TN_BOUND_EQ)
      return false;
  }
  return true;
}

tn_error *tn_link_host_import(tn_linking *linking, tn_scope *scope, const tn_ast_import *import,
                              tn_item *out) {
  tn_str name = import->name.name;
  tn_str direct = TN_STR("");
  tn_host_use *use;
  *out = (tn_item){.sort = import->type.sort};
  switch (import->type.sort) {
  case TN_SORT_FUNC:
    TN_TRY(find_interface(linking, direct, &use));
    return host_func(linking, use, direct, name, scope->types.items[import->type.index],
                     &out->func);
  case TN_SORT_TYPE:
    TN_TRY(find_interface(linking, direct, &use));
    return bind_type(linking, scope, use, direct, name, &import->type, &out->type);
  case TN_SORT_INSTANCE: {
    tn_str interface = import->name.implements.data != NULL ? import->name.implements : name;
    tn_type_item *type = scope->types.items[import->type.index];
    TN_TRY(find_interface(linking, interface, &use));
    if (use == NULL && !linking->is_rehearsal && !has_only_types(type->ast))
      return missing(linking, interface, TN_SORT_INSTANCE);
    return bind_instance(linking, use, interface, type, &out->instance);
  }
  default:
    return missing(linking, name, import->type.sort);
  }
}
